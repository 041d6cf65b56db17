//! A simulated world around `dispatch`: agents that succeed, fail, hang and vanish
//! by script or by chance, and a log that is folded as a store would.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::id::OperationId;
use crate::operation::{PlanKey, StepRecord, StoredOperation};
use crate::path::RepoPath;
use crate::process::{Exit, ProcessOutcome};
use crate::step::{MarkRequest, mark};
use crate::verdict::{FileKind, FileVersion, GateExit, GateResult};

/// What a simulated agent does on one attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Work,
    Idle,
    RedGate,
    Crash,
    Hang,
    Vanish,
    Limit,
    Ask,
    NoProgram,
}

struct World {
    flight: Flight,
    view: View,
    control: Control,
    now: Timestamp,
    log: Vec<StoredOperation>,
    queue: VecDeque<Input>,
    script: HashMap<String, VecDeque<Act>>,
    fresh: u128,
    ended: Option<RunEnding>,
    most_at_once: usize,
    commits: Vec<CommitIntent>,
}

fn unit(id: &str, phase: &str, waits_for: &[&str], parallel: bool) -> Unit {
    Unit {
        step: ScheduledStep::of_no_plan(id.into(), phase, parallel, Vec::new()),
        waits_for: waits_for.iter().map(|id| StepId::from(*id)).collect(),
        after_phases: Vec::new(),
    }
}

fn policy() -> Policy {
    Policy {
        jobs: 1,
        batch: 1,
        agent: "scripted".to_owned(),
        rules: RetryRules::default(),
        infra_max: 3,
        attempts_max: None,
    }
}

impl World {
    fn new(units: Vec<Unit>, policy: Policy) -> Self {
        let records = units.iter().map(|unit| StepRecord {
            id: unit.step.id.clone(),
            phase: unit.step.phase.clone(),
            phase_title: unit.step.phase.clone(),
            description: unit.step.id.to_string(),
            dependencies: unit.waits_for.clone(),
        });
        let registered = Operation::PlanRegistered {
            name: "plan".to_owned(),
            hash: String::new(),
            steps: records.collect(),
            renamed: Vec::new(),
        };
        let mut world = Self {
            flight: Flight { units, policy },
            view: View::default(),
            control: Control::new(RunId::from_uuid(Uuid::nil())),
            now: Timestamp::from_millis(1_000),
            log: Vec::new(),
            queue: VecDeque::new(),
            script: HashMap::new(),
            fresh: 0,
            ended: None,
            most_at_once: 0,
            commits: Vec::new(),
        };
        world.store(vec![registered]);
        world
    }

    fn acts(mut self, step: &str, acts: &[Act]) -> Self {
        self.script
            .insert(step.to_owned(), acts.iter().copied().collect());
        self
    }

    fn store(&mut self, operations: Vec<Operation>) {
        for operation in operations {
            let stored = StoredOperation {
                sequence: self.log.len() as u64 + 1,
                id: OperationId::from_uuid(Uuid::from_u128(self.log.len() as u128)),
                plan: PlanKey::new(RepoPath::new("plan.md").unwrap()),
                at: self.now,
                operation,
            };
            self.view.apply(&stored).unwrap();
            self.log.push(stored);
        }
    }

    /// The run is in the log, so that a person can ask something of it.
    fn begun(mut self) -> Self {
        self.store(vec![Operation::RunStarted {
            run: self.control.run,
            runner: None,
            words: String::new(),
        }]);
        self
    }

    fn pause(&mut self, paused: bool) {
        let (run, by) = (self.control.run, Some("ann".to_owned()));
        self.store(vec![if paused {
            Operation::RunPaused { run, by }
        } else {
            Operation::RunResumed { run, by }
        }]);
    }

    fn is_paused(&self) -> bool {
        let run = self.view.run(self.control.run);
        run.is_some_and(|run| run.paused.is_some())
    }

    fn ask_to_stop(&mut self, how: RunStop) {
        self.store(vec![Operation::RunStopRequested {
            run: self.control.run,
            by: None,
            how,
        }]);
    }

    /// Asks for the end of the attempt that flies, and takes the tick that heeds it.
    fn kill(&mut self) -> AttemptId {
        let attempt = self.view.open_attempts()[0].id;
        let by = Some("ann".to_owned());
        self.store(vec![Operation::AttemptKillRequested { attempt, by }]);
        self.step(&Input::Tick);
        attempt
    }

    /// As [`World::fly`], paused from the given turns on for so many turns.
    fn fly_with_pauses(&mut self, pauses: &[(usize, usize)]) -> RunEnding {
        for turn in 0..100_000 {
            if let Some(ending) = self.ended {
                return ending;
            }
            for (from, turns) in pauses {
                if turn == *from || turn == from + turns {
                    self.pause(turn == *from);
                }
            }
            let input = self.queue.pop_front().unwrap_or(Input::Tick);
            self.step(&input);
        }
        panic!("the run does not end");
    }

    /// What was sent, in order: the steps, which attempt, whether a retry.
    fn sent(&self) -> Vec<String> {
        let told = self
            .log
            .iter()
            .filter_map(|stored| match &stored.operation {
                Operation::AttemptDispatched {
                    steps,
                    number,
                    retry,
                    ..
                } => Some(format!("{steps:?} {number} {retry}")),
                _ => None,
            });
        told.collect()
    }

    /// Runs to the end and returns how it ended.
    fn fly(&mut self) -> RunEnding {
        for _ in 0..100_000 {
            if let Some(ending) = self.ended {
                return ending;
            }
            let input = self.queue.pop_front().unwrap_or(Input::Tick);
            self.step(&input);
        }
        panic!("the run does not end");
    }

    fn step(&mut self, input: &Input) {
        let mut fresh = self.fresh;
        let decision = dispatch(
            &self.flight,
            &self.view,
            &self.control,
            input,
            self.now,
            &mut || {
                fresh += 1;
                AttemptId::from_uuid(Uuid::from_u128(fresh))
            },
        );
        self.fresh = fresh;
        self.control = decision.control;
        self.store(decision.operations);
        self.commits.extend(decision.commit);
        self.most_at_once = self.most_at_once.max(self.view.open_attempts().len());
        for effect in decision.effects {
            self.act(effect);
        }
    }

    fn act(&mut self, effect: Effect) {
        match effect {
            Effect::Spawn(order) => {
                assert!(!self.is_paused(), "a paused run sent {:?}", order.steps);
                let first = order.steps[0].to_string();
                let act = self.script.get_mut(&first).and_then(VecDeque::pop_front);
                let (end, report) = self.live_through(&order, act.unwrap_or(Act::Work));
                let report = Box::new(report);
                self.queue.push_back(Input::Ended {
                    attempt: order.attempt,
                    end,
                    report,
                });
            }
            Effect::Gather(attempt) => {
                let evidence = self.evidence(attempt);
                self.queue.push_back(Input::Gathered { attempt, evidence });
            }
            Effect::Wake(at) => self.now = self.now.max(at),
            Effect::Finish(ending) => self.ended = Some(ending),
            Effect::Terminate { .. } => {}
        }
    }

    fn live_through(&mut self, order: &SpawnOrder, act: Act) -> (AttemptEnd, StreamReport) {
        self.now = self.now.after(Duration::from_secs(1));
        let mut report = StreamReport {
            last_text: format!("{act:?}"),
            ..StreamReport::default()
        };
        let (exit, stopped) = match act {
            Act::Crash => (Exit::Signal { signal: 11 }, None),
            Act::Hang => (Exit::Signal { signal: 9 }, Some(StopReason::Idle)),
            _ => (Exit::Code { code: 0 }, None),
        };
        match act {
            Act::Vanish => return (AttemptEnd::Lost { swept: 1 }, report),
            Act::NoProgram => {
                return (
                    AttemptEnd::NotStarted {
                        message: "no such program".to_owned(),
                    },
                    report,
                );
            }
            Act::Limit => {
                let limit = crate::attempt::ServiceLimit {
                    resets_at: None,
                    kind: "overloaded".to_owned(),
                };
                report.limit = Some(limit);
            }
            Act::Ask => report.question = Some("which one?".to_owned()),
            _ => {}
        }
        let outcome = ProcessOutcome {
            attempt: order.attempt,
            fence: order.fence,
            exit,
            stopped,
            started_at: self.now,
            ended_at: self.now,
            leaked: 0,
            survivors: 0,
            lines_cut: 0,
            bytes_dropped: 0,
        };
        (AttemptEnd::Seen { outcome }, report)
    }

    fn evidence(&self, attempt: AttemptId) -> Vec<(StepId, Evidence)> {
        let attempt = &self.view.attempts[&attempt];
        let act = attempt
            .report
            .as_ref()
            .map(|report| report.last_text.clone());
        let act = act.unwrap_or_default();
        let mut evidence = Evidence::default();
        if act == "Work" || act == "RedGate" {
            evidence.changes.push(ChangedFile {
                path: RepoPath::new(&format!("out/{}", attempt.steps[0])).unwrap(),
                before: None,
                after: Some(FileVersion {
                    kind: FileKind::Regular,
                    blob: "b".to_owned(),
                }),
            });
        }
        if act == "RedGate" {
            evidence.gates.push(GateResult {
                name: "tests".to_owned(),
                command: "make test".to_owned(),
                exit: GateExit::Code { code: 1 },
                duration_ms: 1,
                output_tail: "1 test failed".to_owned(),
                tree: String::new(),
            });
        }
        attempt
            .steps
            .iter()
            .map(|step| (step.clone(), evidence.clone()))
            .collect()
    }

    fn statuses(&self) -> String {
        let words: Vec<String> = self
            .view
            .steps
            .iter()
            .map(|s| {
                format!(
                    "{}={}/{}",
                    s.record.id,
                    s.state.status.word(),
                    s.state.attempts
                )
            })
            .collect();
        words.join(" ")
    }
}

/// `check(units, acts, how it ends, statuses with attempts)`: a new case is one line.
fn check(world: World, ending: RunEnding, statuses: &str) {
    let mut world = world;
    assert_eq!((world.fly(), world.statuses().as_str()), (ending, statuses));
}

fn chain() -> World {
    let units = vec![
        unit("1", "1", &[], false),
        unit("2", "1", &["1"], false),
        unit("3", "1", &[], false),
    ];
    World::new(units, policy())
}

#[test]
fn endings() {
    use Act as A;
    use RunEnding as E;
    check(
        chain(),
        E::Complete,
        "1=completed/1 2=completed/1 3=completed/1",
    );
    // Fails twice, then passes; the ready step is not displaced by the retries.
    let flaky = chain().acts("1", &[A::RedGate, A::Crash, A::RedGate, A::Work]);
    check(
        flaky,
        E::Complete,
        "1=completed/4 2=completed/1 3=completed/1",
    );
    // Never passes: three attempts, and only its dependents are blocked.
    let hopeless = chain().acts("1", &[A::RedGate; 9]);
    check(hopeless, E::Failed, "1=failed/3 2=pending/0 3=completed/1");
    let hanging = chain().acts("3", &[A::Hang; 9]);
    check(hanging, E::Failed, "1=completed/1 2=completed/1 3=failed/3");
    // A cheerful agent that did nothing is not done.
    let liar = chain().acts("3", &[A::Idle; 9]);
    check(liar, E::Failed, "1=completed/1 2=completed/1 3=failed/3");
    // Interruptions do not count as retries, but are bounded too.
    let crashing = chain().acts("3", &[A::Vanish; 99]);
    check(
        crashing,
        E::Failed,
        "1=completed/1 2=completed/1 3=failed/8",
    );
    let asking = chain().acts("1", &[A::Ask]);
    check(asking, E::Blocked, "1=pending/1 2=pending/0 3=completed/1");
    let limited = chain().acts("1", &[A::Limit, A::Limit]);
    check(
        limited,
        E::Complete,
        "1=completed/3 2=completed/1 3=completed/1",
    );
    let overloaded = chain().acts("1", &[A::Limit; 99]);
    check(
        overloaded,
        E::Limited,
        "1=pending/6 2=pending/0 3=pending/0",
    );
    // Whichever step asks, and however long it takes to be told no.
    let mut slow = chain()
        .acts("1", &[A::Limit; 99])
        .acts("3", &[A::Limit; 99]);
    slow.flight.policy.rules.parking = Duration::from_millis(1);
    check(slow, E::Limited, "1=pending/6 2=pending/0 3=pending/0");
    let nothing_there = chain()
        .acts("1", &[A::NoProgram; 9])
        .acts("3", &[A::NoProgram; 9]);
    check(
        nothing_there,
        E::Blocked,
        "1=pending/2 2=pending/0 3=pending/1",
    );
}

#[test]
fn what_is_verified_is_committed_once_with_what_failed_attempts_left() {
    let mut world = chain().acts("1", &[Act::RedGate, Act::Work]);
    world.fly();
    let mut steps: Vec<&str> = world.commits.iter().map(|c| c.steps[0].as_str()).collect();
    steps.sort_unstable();
    assert_eq!(steps, ["1", "2", "3"]);
}

#[test]
fn a_drain_lets_the_running_end_and_starts_nothing() {
    let mut world = chain();
    world.step(&Input::Tick);
    world.queue.push_front(Input::Stop { signal: 2 });
    assert_eq!(world.fly(), RunEnding::Drained { signal: 2 });
    assert_eq!(world.statuses(), "1=completed/1 2=pending/0 3=pending/0");
}

#[test]
fn the_second_stop_terminates_and_the_third_does_not_wait() {
    let mut world = chain();
    world.step(&Input::Tick);
    let stop = Input::Stop { signal: 2 };
    let mut fresh = || AttemptId::from_uuid(Uuid::nil());
    let mut effects = Vec::new();
    for _ in 0..3 {
        let decision = dispatch(
            &world.flight,
            &world.view,
            &world.control,
            &stop,
            world.now,
            &mut fresh,
        );
        world.control = decision.control;
        world.store(decision.operations);
        effects.extend(decision.effects.into_iter().map(|effect| match effect {
            Effect::Terminate { now, .. } => now,
            other => panic!("{other:?}"),
        }));
    }
    assert_eq!(effects, [false, true]);
}

/// The terminations that a tick decides, each with whether it is at once.
fn terminated(world: &mut World) -> Vec<bool> {
    let mut fresh = || AttemptId::from_uuid(Uuid::nil());
    let decision = dispatch(
        &world.flight,
        &world.view,
        &world.control,
        &Input::Tick,
        world.now,
        &mut fresh,
    );
    world.control = decision.control;
    world.store(decision.operations);
    let effects = decision.effects.into_iter();
    let ends = effects.filter_map(|effect| match effect {
        Effect::Terminate { now, .. } => Some(now),
        _ => None,
    });
    ends.collect()
}

#[test]
fn a_run_is_ended_by_commands_as_by_ctrl_c() {
    let check = |asked: &[RunStop], expected: &[&[bool]]| {
        let mut world = chain().begun();
        world.step(&Input::Tick);
        for (how, ends) in asked.iter().zip(expected) {
            world.ask_to_stop(*how);
            assert_eq!(terminated(&mut world), *ends, "{asked:?}");
            // What was heeded is not done again.
            assert_eq!(terminated(&mut world), [false; 0], "{asked:?}");
        }
        assert_eq!(world.fly(), RunEnding::Drained { signal: 2 });
    };
    check(&[RunStop::Drain], &[&[]]);
    check(&[RunStop::Drain, RunStop::Drain], &[&[], &[]]);
    check(&[RunStop::Drain, RunStop::End], &[&[], &[false]]);
    check(&[RunStop::End, RunStop::Kill], &[&[false], &[true]]);
    check(&[RunStop::Kill], &[&[true]]);
    // A drain is asked for while one goes on: nobody said that anything shall be ended.
    let mut world = chain().begun();
    world.step(&Input::Tick);
    world.step(&Input::Stop { signal: 15 });
    world.ask_to_stop(RunStop::Drain);
    assert_eq!(terminated(&mut world), [false; 0]);
    assert_eq!(world.fly(), RunEnding::Drained { signal: 15 });
}

#[test]
fn a_paused_run_waits_and_goes_on_or_ends_when_it_is_told_to() {
    let mut world = chain().begun();
    world.step(&Input::Tick);
    world.pause(true);
    for _ in 0..20 {
        let input = world.queue.pop_front().unwrap_or(Input::Tick);
        world.step(&input);
    }
    // What flew was judged and committed as always.
    assert_eq!(world.statuses(), "1=completed/1 2=pending/0 3=pending/0");
    assert_eq!((world.ended, world.commits.len()), (None, 1));
    let mut stopped = World {
        flight: world.flight.clone(),
        view: world.view.clone(),
        control: world.control.clone(),
        log: world.log.clone(),
        ..chain()
    };
    stopped.ask_to_stop(RunStop::Drain);
    assert_eq!(stopped.fly(), RunEnding::Drained { signal: 2 });
    world.pause(false);
    assert_eq!(world.fly(), RunEnding::Complete);
    // One that has done everything waits, too: a workflow would send its next stage.
    let mut done = chain().begun();
    done.pause(true);
    let settled = |step: &str| Operation::StepMarked {
        step: step.into(),
        status: StepStatus::Skipped,
        actor: Actor::Person,
        text: None,
        forced: false,
        stuck: false,
    };
    done.store(["1", "2", "3"].map(settled).to_vec());
    done.step(&Input::Tick);
    assert_eq!(done.ended, None);
}

#[test]
fn the_next_run_of_a_paused_plan_begins_unpaused() {
    let mut world = chain().begun();
    world.pause(true);
    world.store(vec![Operation::RunEnded {
        run: world.control.run,
        ending: RunEnding::Interrupted,
        completed: 0,
        failed: 0,
    }]);
    // A wish about a run that is over comes too late.
    world.pause(true);
    world.ask_to_stop(RunStop::Kill);
    let ended = world.view.run(world.control.run).unwrap();
    assert_eq!((&ended.paused, &ended.stop), (&None, &None));
    world.control = Control::new(RunId::from_uuid(Uuid::from_u128(2)));
    assert_eq!(world.begun().fly(), RunEnding::Complete);
}

#[test]
fn what_a_person_ended_waits_for_a_person() {
    let mut world = chain().begun();
    world.step(&Input::Tick);
    let attempt = world.kill();
    // It was asked to stop, once.
    assert_eq!(
        world.view.attempts[&attempt].status,
        AttemptStatus::Stopping
    );
    assert_eq!(terminated(&mut world), [false; 0]);
    for input in &mut world.queue {
        if let Input::Ended {
            end: AttemptEnd::Seen { outcome },
            ..
        } = input
        {
            outcome.stopped = Some(StopReason::Requested);
        }
    }
    assert_eq!(world.fly(), RunEnding::Blocked);
    assert_eq!(world.statuses(), "1=pending/1 2=pending/0 3=completed/1");
    let found = standings(&world.flight, &world.view, world.now);
    assert_eq!(found[0], Standing::Held);
    assert_eq!(found[1], Standing::Blocked(vec!["1".into()]));
    let step = &world.view.steps[0];
    let judgement = step.state.judgement.as_ref().unwrap();
    assert_eq!(
        (judgement.verdict, judgement.reason.as_str()),
        (Verdict::Interrupted, "ended by ann")
    );
    let request = MarkRequest {
        status: StepStatus::Pending,
        text: None,
        force: false,
    };
    let given_back = mark(step, &request).unwrap().unwrap();
    world.store(vec![given_back]);
    // Once is enough.
    assert_eq!(mark(&world.view.steps[0], &request), Ok(None));
    world.ended = None;
    assert_eq!(world.fly(), RunEnding::Complete);
    assert_eq!(
        world.sent()[2..],
        [r#"[StepId("1")] 2 false"#, r#"[StepId("2")] 1 false"#]
    );
}

#[test]
fn an_attempt_that_succeeds_all_the_same_is_judged_by_what_it_did() {
    let mut world = chain().begun();
    world.step(&Input::Tick);
    world.kill();
    assert_eq!(world.fly(), RunEnding::Complete);
    let mut failed = chain().acts("1", &[Act::RedGate; 9]).begun();
    failed.step(&Input::Tick);
    failed.kill();
    // Its own failure stays its verdict, but nobody tries again.
    assert_eq!(failed.fly(), RunEnding::Blocked);
    assert_eq!(failed.statuses(), "1=failed/1 2=pending/0 3=completed/1");
}

#[test]
fn a_step_that_its_attempt_forgot_is_given_back() {
    let mut world = chain();
    world.step(&Input::Tick);
    let attempt = *world.view.attempts.keys().next().unwrap();
    // The plan was edited while it ran, so nothing was gathered for its step.
    world.queue.push_back(Input::Gathered {
        attempt,
        evidence: Vec::new(),
    });
    assert_eq!(world.fly(), RunEnding::Complete);
    assert_eq!(
        world.statuses(),
        "1=completed/2 2=completed/1 3=completed/1"
    );
}

#[test]
fn a_batch_takes_the_steps_behind_the_first() {
    let mut world = chain();
    world.flight.policy.batch = 3;
    assert_eq!(world.fly(), RunEnding::Complete);
    assert_eq!(world.view.attempts.len(), 1);
}

#[test]
fn only_what_the_plan_calls_independent_runs_side_by_side() {
    let units = |parallel| {
        (0..6)
            .map(|n| unit(&n.to_string(), "1", &[], parallel))
            .collect()
    };
    let wide = Policy {
        jobs: 4,
        ..policy()
    };
    let mut alone = World::new(units(false), wide.clone());
    let mut together = World::new(units(true), wide.clone());
    let mut crossed: Vec<Unit> = units(true);
    for unit in &mut crossed {
        unit.step.footprint = vec!["src/".to_owned()];
    }
    let mut crossed = World::new(crossed, wide);
    for world in [&mut alone, &mut together, &mut crossed] {
        assert_eq!(world.fly(), RunEnding::Complete);
    }
    let widths = [
        alone.most_at_once,
        together.most_at_once,
        crossed.most_at_once,
    ];
    assert_eq!(widths, [1, 4, 1]);
}

fn act_strategy() -> impl Strategy<Value = Act> {
    use Act as A;
    prop_oneof![
        4 => Just(A::Work), 1 => Just(A::Idle), 1 => Just(A::RedGate), 1 => Just(A::Crash),
        1 => Just(A::Hang),
        1 => Just(A::Vanish), 1 => Just(A::Limit), 1 => Just(A::Ask), 1 => Just(A::NoProgram),
    ]
}

proptest! {
    /// Whatever agents do and whenever a person pauses: nothing is sent meanwhile (the world
    /// looks), and afterwards the same as without the pauses.
    #[test]
    fn a_pause_only_puts_off(
        acts in prop::collection::vec(prop::collection::vec(act_strategy(), 0..6), 6),
        parallel in any::<bool>(),
        jobs in 1_usize..4,
        pauses in prop::collection::vec((0_usize..40, 1_usize..30), 1..4),
    ) {
        let world = || {
            let units = (0..6).map(|n| unit(&n.to_string(), "1", &[], parallel)).collect();
            let world = World::new(units, Policy { jobs, ..policy() }).begun();
            let acts = acts.iter().enumerate();
            acts.fold(world, |world, (n, acts)| world.acts(&n.to_string(), acts))
        };
        let (mut straight, mut paused) = (world(), world());
        let ending = straight.fly();
        let ending_paused = paused.fly_with_pauses(&pauses);
        prop_assert!(!paused.is_paused());
        // Side by side, a pause changes what flies beside what.
        if jobs == 1 || !parallel {
            prop_assert_eq!(ending, ending_paused);
            prop_assert_eq!(straight.sent(), paused.sent());
        }
    }

    /// Whatever agents do, a run ends, nothing is done without a verdict, and the ending is true.
    #[test]
    fn every_run_ends_truthfully(
        shape in prop::collection::vec((any::<bool>(), prop::collection::vec(0_usize..12, 0..3)), 1..12),
        acts in prop::collection::vec(prop::collection::vec(act_strategy(), 0..12), 12),
        jobs in 1_usize..5,
        batch in 1_usize..4,
    ) {
        let units = shape.iter().enumerate().map(|(n, (parallel, before))| {
            let waits: Vec<String> = before.iter().filter(|b| **b < n).map(ToString::to_string).collect();
            let waits: Vec<&str> = waits.iter().map(String::as_str).collect();
            unit(&n.to_string(), "1", &waits, *parallel)
        }).collect();
        let mut world = World::new(units, Policy { jobs, batch, ..policy() });
        for (n, acts) in acts.iter().enumerate() {
            world = world.acts(&n.to_string(), acts);
        }
        let ending = world.fly();
        prop_assert!(world.most_at_once <= jobs);
        prop_assert!(world.view.open_attempts().is_empty());
        let counts = world.view.counts();
        prop_assert_eq!(counts.in_progress, 0);
        prop_assert_eq!(ending == RunEnding::Complete, counts.is_complete());
        let exhausted = world.view.steps.iter().any(|s| s.state.status == StepStatus::Failed && s.state.retry_count >= 2);
        if ending == RunEnding::Failed { prop_assert!(exhausted); }
        for step in &world.view.steps {
            let verified = step.state.judgement.as_ref().is_some_and(|j| j.verdict == Verdict::Verified);
            prop_assert_eq!(step.state.status == StepStatus::Completed, verified);
            prop_assert!(step.state.retry_count <= 2);
        }
    }
}
