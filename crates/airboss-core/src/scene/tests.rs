//! The scene against the plain fold of the same log, and its bounds.

use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::agent::{EndReason, ToolInput, TurnEnd};
use crate::attempt::{AttemptEnd, AttemptStatus, StreamReport};
use crate::id::OperationId;
use crate::operation::{Actor, StepRecord, StepStatus};
use crate::path::RepoPath;
use crate::report::ReportKind;
use crate::step::Step;
use crate::verdict::{Evidence, Judgement, Verdict};
use crate::view::View;

const RETRIES_MAX: u32 = 2;

fn key() -> PlanKey {
    PlanKey::new(RepoPath::new("plans/work.md").unwrap())
}

fn attempt_id(number: u128) -> AttemptId {
    AttemptId::from_uuid(Uuid::from_u128(number))
}

fn run_id() -> RunId {
    RunId::from_uuid(Uuid::from_u128(7))
}

/// A log under construction, its plain fold, and the scene that follows it.
struct World {
    view: View,
    scene: Scene,
    sequence: u64,
}

impl World {
    fn new(records: Vec<StepRecord>) -> Self {
        let mut world = Self {
            view: View::default(),
            scene: Scene::new(RETRIES_MAX),
            sequence: 0,
        };
        let loaded = LoadedPlan {
            key: key(),
            view: View::default(),
            log: FlightLog::default(),
            waits: PhaseWaits::default(),
        };
        world.scene.apply(Change::Stored(Box::new(Stored {
            anew: true,
            plans: vec![loaded],
            ..Stored::default()
        })));
        world.store(Operation::PlanRegistered {
            name: "work".to_owned(),
            hash: "h".to_owned(),
            steps: records,
            renamed: Vec::new(),
        });
        world
    }

    fn stored(&mut self, operation: Operation) -> StoredOperation {
        self.sequence += 1;
        StoredOperation {
            sequence: self.sequence,
            id: OperationId::from_uuid(Uuid::from_u128(u128::from(self.sequence))),
            plan: key(),
            at: Timestamp::from_millis(1_000 * i64::try_from(self.sequence).unwrap()),
            operation,
        }
    }

    fn store(&mut self, operation: Operation) {
        let stored = self.stored(operation);
        self.view.apply(&stored).unwrap();
        self.scene.apply(Change::Stored(Box::new(Stored {
            as_of: stored.sequence,
            operations: vec![stored],
            ..Stored::default()
        })));
    }

    fn dispatch(&mut self, attempt: u128, step: &str) {
        self.store(Operation::AttemptDispatched {
            attempt: attempt_id(attempt),
            run: run_id(),
            steps: vec![step.into()],
            agent: "scripted".to_owned(),
            fence: 1,
            number: 1,
            retry: false,
        });
    }

    fn land(&mut self, attempt: u128, step: &str, verdict: Verdict, wake_at: Option<i64>) {
        let id = attempt_id(attempt);
        self.store(Operation::AttemptEnded {
            attempt: id,
            end: AttemptEnd::NeverStarted,
            report: StreamReport::default(),
        });
        self.store(Operation::StepJudged {
            step: step.into(),
            attempt: id,
            judgement: judgement(verdict),
            evidence: Evidence::default(),
            wake_at: wake_at.map(Timestamp::from_millis),
        });
        self.store(Operation::AttemptJudged { attempt: id });
    }

    fn mark(&mut self, step: &str, status: StepStatus) {
        self.store(Operation::StepMarked {
            step: step.into(),
            status,
            actor: Actor::Person,
            text: None,
            forced: true,
            stuck: false,
        });
    }

    fn plan(&self) -> &PlanScene {
        self.scene.plan(&key()).unwrap()
    }

    /// The scene says what the plain fold says.
    fn compare(&self) {
        let plan = self.plan();
        assert_eq!(self.scene.as_of(), self.sequence);
        assert_eq!(plan.view().steps, self.view.steps);
        assert_eq!(plan.view().runs, self.view.runs);
        assert_eq!(plan.tally().counts(), self.view.counts());
        let phases: usize = plan.phases().iter().map(|phase| phase.tally.total()).sum();
        assert_eq!(phases, plan.tally().total());
        let open: Vec<AttemptId> = self.view.open_attempts().iter().map(|it| it.id).collect();
        let shown: Vec<AttemptId> = self.scene.in_progress().map(|it| it.attempt().id).collect();
        assert_eq!(shown, open);
        let folded = PlanScene::new(
            LoadedPlan {
                key: key(),
                view: self.view.clone(),
                log: plan.log().clone(),
                waits: PhaseWaits::default(),
            },
            RETRIES_MAX,
        );
        assert_eq!(*plan, folded, "step by step is as all at once");
    }
}

fn judgement(verdict: Verdict) -> Judgement {
    Judgement {
        verdict,
        reason: "\u{1b}[31mbecause".to_owned(),
        limit: None,
        stuck: false,
        blameless: false,
    }
}

fn record(id: &str, phase: &str, after: &[&str]) -> StepRecord {
    StepRecord {
        id: id.into(),
        phase: phase.to_owned(),
        phase_title: format!("Phase {phase}"),
        description: format!("Step {id}"),
        dependencies: after.iter().map(|id| (*id).into()).collect(),
    }
}

fn words(world: &World) -> String {
    let plan = world.plan();
    let phases = plan.phases().iter();
    let steps = phases.flat_map(|phase| plan.steps(phase));
    let words = steps.map(|(step, stand): (&Step, Stand)| {
        format!("{} {}", step.record.id, stand.word())
    });
    words.collect::<Vec<_>>().join(", ")
}

#[test]
fn nothing_is_0_of_0() {
    let scene = Scene::new(RETRIES_MAX);
    assert_eq!(scene.counts().percentage(), 0);
    assert_eq!(scene.in_progress().len(), 0);
    let world = World::new(Vec::new());
    world.compare();
    let header = world.scene.header(world.plan());
    assert_eq!((header.tally.total(), header.tally.settled()), (0, 0));
    assert!(world.plan().current_phase().is_none());
}

#[test]
fn what_needs_a_person_blocks_what_comes_after_it() {
    let mut world = World::new(vec![
        record("1.1", "1", &[]),
        record("1.2", "1", &["1.1"]),
        record("2.1", "2", &["1.2"]),
        record("2.2", "2", &[]),
    ]);
    world.dispatch(1, "1.1");
    world.compare();
    world.land(1, "1.1", Verdict::Waiting, None);
    world.compare();
    assert_eq!(
        words(&world),
        "1.1 needs an answer, 1.2 blocked, 2.1 blocked, 2.2 pending"
    );
    world.store(Operation::StepAnswered {
        step: "1.1".into(),
        answer: "blue".to_owned(),
    });
    world.compare();
    assert_eq!(
        words(&world),
        "1.1 pending, 1.2 pending, 2.1 pending, 2.2 pending"
    );
    world.dispatch(2, "2.2");
    world.land(2, "2.2", Verdict::Limited, Some(1_000_000));
    world.dispatch(3, "1.1");
    world.land(3, "1.1", Verdict::Failed, Some(50_000));
    world.compare();
    assert_eq!(
        words(&world),
        "1.1 to be retried, 1.2 pending, 2.1 pending, 2.2 limited"
    );
    for _ in 0..RETRIES_MAX {
        world.store(Operation::RetryGranted {
            step: "1.1".into(),
            error: None,
        });
    }
    world.compare();
    assert_eq!(
        words(&world),
        "1.1 failed, 1.2 blocked, 2.1 blocked, 2.2 limited"
    );
    // A person's word in the middle of the chain unblocks what is behind it.
    world.mark("1.2", StepStatus::Completed);
    world.compare();
    assert_eq!(
        words(&world),
        "1.1 failed, 1.2 done, 2.1 pending, 2.2 limited"
    );
}

#[test]
fn phases_block_phases() {
    let mut world = World::new(vec![
        record("1.1", "1", &[]),
        record("2.1", "2", &[]),
        record("3.1", "3", &[]),
    ]);
    let waits = [("2.1", "1"), ("3.1", "2")]
        .map(|(step, phase)| (StepId::from(step), vec![phase.to_owned()]));
    world.scene.apply(Change::Stored(Box::new(Stored {
        waits: vec![(key(), PhaseWaits(waits.into_iter().collect()))],
        ..Stored::default()
    })));
    world.dispatch(1, "1.1");
    world.land(1, "1.1", Verdict::Waiting, None);
    assert_eq!(
        words(&world),
        "1.1 needs an answer, 2.1 blocked, 3.1 blocked"
    );
    world.mark("1.1", StepStatus::Skipped);
    assert_eq!(words(&world), "1.1 skipped, 2.1 pending, 3.1 pending");
}

#[test]
fn any_history_is_the_plain_fold() {
    use proptest::prelude::*;
    let deeds = prop::collection::vec((0usize..8, 0usize..9, 0usize..7), 1..80);
    let mut runner = proptest::test_runner::TestRunner::default();
    runner
        .run(&deeds, |deeds| {
            let ids = ["1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "3.1", "3.2"];
            let records = |from: usize| -> Vec<StepRecord> {
                let of = |(place, id): (usize, &&str)| {
                    let before = place.checked_sub(1 + from);
                    let after: Vec<&str> = before.map(|place| ids[place]).into_iter().collect();
                    record(id, &id[..1], &after)
                };
                ids.iter().enumerate().skip(from).map(of).collect()
            };
            let mut world = World::new(records(0));
            for (number, (step, deed, more)) in deeds.into_iter().enumerate() {
                let (id, attempt) = (ids[step], 100 + number as u128);
                match deed {
                    0..=2 => {
                        world.dispatch(attempt, id);
                        let verdict = [
                            Verdict::Verified,
                            Verdict::Unverified,
                            Verdict::Failed,
                            Verdict::Limited,
                            Verdict::Infra,
                            Verdict::Interrupted,
                            Verdict::Waiting,
                        ][more];
                        let wake = (more % 2 == 0).then_some(9_999_999);
                        world.land(attempt, id, verdict, wake);
                    }
                    3 => world.dispatch(attempt, id),
                    4 => {
                        let status = [
                            StepStatus::Pending,
                            StepStatus::Completed,
                            StepStatus::Failed,
                            StepStatus::Skipped,
                            StepStatus::InProgress,
                        ][more % 5];
                        world.mark(id, status);
                    }
                    5 => world.store(Operation::RetryGranted {
                        step: id.into(),
                        error: None,
                    }),
                    6 => world.store(Operation::PlanRegistered {
                        name: "work".to_owned(),
                        hash: "h".to_owned(),
                        steps: records(more),
                        renamed: Vec::new(),
                    }),
                    7 => world.store(Operation::StepAnswered {
                        step: id.into(),
                        answer: "yes".to_owned(),
                    }),
                    _ => world.store(Operation::StepClaimed {
                        step: id.into(),
                        attempt: attempt_id(attempt),
                        claim: "done".to_owned(),
                        about: ReportKind::Note,
                    }),
                }
                world.compare();
            }
            Ok(())
        })
        .unwrap();
}

fn tool_started(id: &str) -> SessionUpdate {
    SessionUpdate::ToolStarted {
        id: id.to_owned(),
        name: "Bash".to_owned(),
        input: Some(ToolInput {
            summary: "cargo \u{1b}[2Jtest".to_owned(),
            files: Vec::new(),
        }),
        parent: None,
    }
}

fn tool_ended(id: &str, ok: bool) -> SessionUpdate {
    SessionUpdate::ToolEnded {
        id: id.to_owned(),
        name: None,
        input: None,
        ok,
        denied: false,
        output: String::new(),
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

#[test]
fn an_attempt_is_told_from_its_stream_its_process_and_the_clock() {
    let mut world = World::new(vec![record("1.1", "1", &[])]);
    world.dispatch(1, "1.1");
    let id = attempt_id(1);
    let live = |world: &World, now| {
        let flying = world.scene.flying(id).unwrap();
        let (liveness, since) = flying.liveness(at(now));
        format!("{} since {}", liveness.word(), since.as_millis() / 1_000)
    };
    let hear = |world: &mut World, second, update| {
        world.scene.apply(Change::Heard {
            attempt: id,
            updates: vec![(at(second), update)],
        });
    };
    let look = |world: &mut World, second, vitality| {
        world.scene.apply(Change::Looked {
            at: at(second),
            attempts: vec![(id, vitality)],
            runs: Vec::new(),
        });
    };
    assert_eq!(live(&world, 3), "starting since 2");
    assert_eq!(
        world.scene.flying(id).unwrap().tools(),
        Tools::NotYetKnown
    );
    world.scene.apply(Change::Opened {
        attempt: id,
        format: StreamFormat::Claude,
    });
    hear(&mut world, 10, SessionUpdate::Requesting);
    assert_eq!(live(&world, 11), "thinking since 10");
    hear(&mut world, 12, tool_started("t1"));
    // A tool may run for hours.
    assert_eq!(live(&world, 9_000), "running a tool since 12");
    let tool = world.scene.flying(id).unwrap().tool().unwrap();
    assert_eq!(tool, ("Bash cargo test".to_owned(), at(12)));
    hear(&mut world, 20, tool_ended("t1", false));
    assert_eq!(live(&world, 21), "thinking since 20");
    assert_eq!(live(&world, 400), "silent since 20");
    look(&mut world, 30, Vitality::Frozen);
    look(&mut world, 32, Vitality::Frozen);
    assert_eq!(live(&world, 33), "frozen since 30");
    look(&mut world, 34, Vitality::Gone);
    assert_eq!(live(&world, 35), "lost since 34");
    look(&mut world, 36, Vitality::Ended);
    assert_eq!(live(&world, 37), "ending since 36");
    let deeds: Vec<&Deed> = world.scene.activity().iter().map(|act| &act.deed).collect();
    let tool = "Bash cargo test".to_owned();
    assert_eq!(
        deeds,
        [
            &Deed::ToolStarted { tool: tool.clone() },
            &Deed::ToolEnded {
                tool,
                duration: Some(Duration::from_secs(8)),
                outcome: ToolOutcome::Failed
            }
        ]
    );
    world.scene.apply(Change::Opened {
        attempt: id,
        format: StreamFormat::Plain,
    });
    assert_eq!(
        world.scene.flying(id).unwrap().tools(),
        Tools::NotAnnounced
    );
    world.store(Operation::AttemptEnded {
        attempt: id,
        end: AttemptEnd::Lost { swept: 0 },
        report: StreamReport::default(),
    });
    assert_eq!(live(&world, 40), "checking what it left since 3");
    assert_eq!(
        world.scene.flying(id).unwrap().attempt().status,
        AttemptStatus::Ended
    );
}

#[test]
fn what_needs_a_person_is_listed() {
    let mut world = World::new(vec![record("1.1", "1", &[]), record("1.2", "1", &[])]);
    world.store(Operation::RunStarted {
        run: run_id(),
        runner: None,
        words: "fly".to_owned(),
    });
    world.dispatch(1, "1.1");
    world.dispatch(2, "1.2");
    world.land(1, "1.1", Verdict::Waiting, None);
    world.scene.apply(Change::Heard {
        attempt: attempt_id(2),
        updates: vec![(
            at(9),
            SessionUpdate::PermissionAsked {
                request: "r1".to_owned(),
                tool: "Bash".to_owned(),
                id: None,
                input: ToolInput::default(),
            },
        )],
    });
    world.scene.apply(Change::Looked {
        at: at(10),
        attempts: Vec::new(),
        runs: vec![(run_id(), Vitality::Gone)],
    });
    world.scene.apply(Change::Pending(Pending {
        files: vec![(key(), RepoPath::new("a.json").unwrap(), at(10))],
        commits: Vec::new(),
    }));
    let kinds = |now| -> Vec<String> {
        let needs = world.scene.needs(at(now)).shown;
        let words = needs.iter().map(|need| format!("{need:?}"));
        words
            .map(|text| text.split(' ').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(kinds(11), ["Question", "Permission", "RunGone"]);
    assert_eq!(kinds(13), ["Question", "Permission", "RunGone", "Publish"]);
    let first = &world.scene.needs(at(11)).shown[0];
    assert!(
        matches!(first, Need::Question { text, working: false, .. } if text == "because"),
        "{first:?}"
    );
}

#[test]
fn landings_carry_their_verdict_time_and_commit() {
    let mut world = World::new(vec![record("1.1", "1", &[])]);
    world.dispatch(1, "1.1");
    world.land(1, "1.1", Verdict::Verified, None);
    let sequence = world.sequence - 1;
    world.store(Operation::CommitMade {
        sequence,
        steps: vec!["1.1".into()],
        commit: Some("abc".to_owned()),
        left_out: Vec::new(),
    });
    let landing = world.scene.landings(10)[0];
    assert_eq!(landing.duration, Some(Duration::from_secs(2)));
    assert_eq!(landing.commit, LandingCommit::Made("abc".to_owned()));
    assert_eq!((landing.number, landing.verdict), (Some(1), Verdict::Verified));
}

/// A day of sixty-four agents that say something every 2.7 seconds, and of 10,000 steps: what is
/// kept of it depends on the bounds alone.
#[test]
fn a_day_stays_within_its_bounds() {
    const UPDATES: u128 = 2_000_000;
    const AGENTS: u128 = 64;
    let updates = if cfg!(debug_assertions) {
        UPDATES / 10
    } else {
        UPDATES
    };
    let ids: Vec<String> = (0..10_000).map(|n| format!("{}.{n}", n / 100)).collect();
    let records = ids.iter().map(|id| record(id, &id[..1], &[]));
    let mut world = World::new(records.collect());
    let mut steps = ids.iter().cycle();
    let mut begin = |world: &mut World, attempt| {
        world.dispatch(attempt, steps.next().unwrap());
        world.scene.apply(Change::Opened {
            attempt: attempt_id(attempt),
            format: StreamFormat::Claude,
        });
    };
    (0..AGENTS).for_each(|attempt| begin(&mut world, attempt));
    for number in 0..updates {
        let attempt = number % AGENTS + number / (AGENTS * 400) * AGENTS;
        if number % (AGENTS * 400) < AGENTS && number >= AGENTS {
            let step = world.scene.flying(attempt_id(attempt - AGENTS)).unwrap();
            let step = step.step().unwrap().to_string();
            world.land(attempt - AGENTS, &step, Verdict::Verified, None);
            begin(&mut world, attempt);
        }
        let id = (number / AGENTS / 2).to_string();
        let update = match number / AGENTS % 4 {
            0 => tool_started(&id),
            1 => tool_ended(&id, true),
            2 => SessionUpdate::Text {
                text: "x".repeat(500),
                partial: false,
                subagent: false,
            },
            _ => SessionUpdate::Ended(TurnEnd {
                ok: true,
                reason: EndReason::Completed,
                message: None,
                status: None,
                retryable: false,
                turns: None,
            }),
        };
        let now = Timestamp::from_millis(i64::try_from(number).unwrap() * 43);
        world.scene.apply(Change::Heard {
            attempt: attempt_id(attempt),
            updates: vec![(now, update)],
        });
    }
    assert_eq!(world.scene.in_progress().len(), 64);
    assert_eq!(world.scene.activity().len(), ACTIVITY_MAX);
    assert!(world.scene.activity().left_out() > 100_000);
    let log = world.plan().log();
    assert!(log.landings().len() <= LANDINGS_MAX);
    assert_eq!(log.landings().len(), world.scene.landings(usize::MAX).len());
    assert_eq!(world.plan().view().attempts.len(), 64);
    assert_eq!(world.plan().tally().total(), 10_000);
    for flying in world.scene.in_progress() {
        assert!(flying.transcript().finished.len() <= 64);
    }
}
