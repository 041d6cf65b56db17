//! A store's log under construction, and the changes that a follower makes of it: for the tests
//! of what is drawn and for its bench.

use std::time::Duration;

use airboss_core::agent::{SessionUpdate, StreamFormat, ToolInput};
use airboss_core::attempt::{AttemptEnd, Spending, StreamReport};
use airboss_core::board::error::{ErrorContext, ErrorEntry, FixStatus, Severity};
use airboss_core::board::{Board, BoardKey};
use airboss_core::id::{AttemptId, OperationId, RunId, StepId};
use airboss_core::operation::{
    Actor, Operation, PlanKey, RunEnding, StepRecord, StepStatus, StoredOperation,
};
use airboss_core::path::RepoPath;
use airboss_core::process::ProcessIdentity;
use airboss_core::scene::{
    Change, FlightLog, LoadedPlan, Pending, PendingCommits, PhaseWaits, Stored, Vitality,
};
use airboss_core::time::Timestamp;
use airboss_core::verdict::{Evidence, Judgement, Verdict};
use airboss_core::view::View;

/// 2026-03-02 09:00:00.
pub(crate) const BEGIN: i64 = 1_772_442_000_000;

/// A log and what is to be told of it.
#[derive(Debug)]
pub(crate) struct World {
    /// Everything that happened, in order.
    pub(crate) changes: Vec<Change>,
    sequence: u64,
    now: i64,
}

/// An id with this number.
fn id<T: std::str::FromStr>(number: u128) -> T
where
    T::Err: std::fmt::Debug,
{
    format!("{number:032x}").parse().expect("32 digits")
}

/// The attempt with this number.
pub(crate) fn attempt(number: u128) -> AttemptId {
    id(0xa77e_0000 + number)
}

fn path(text: &str) -> RepoPath {
    RepoPath::new(text).expect("a path")
}

/// The plan of the world.
pub(crate) fn key() -> PlanKey {
    PlanKey::new(path("plans/glider.md"))
}

fn run() -> RunId {
    id(0x0193_4f5a_7b21_7000_8000_0000_0000_0001)
}

/// The process of a run or a supervisor.
fn process() -> ProcessIdentity {
    ProcessIdentity {
        pid: 4711,
        start_ticks: 1,
        boot_id: "b".to_owned(),
    }
}

impl World {
    /// A run of a plan with these phases, each with a title and the texts of its steps. Every
    /// step waits for the one before it in its phase, the first of a phase for the phase before.
    pub(crate) fn new<S: AsRef<str>>(phases: &[(S, Vec<S>)]) -> Self {
        let mut records: Vec<StepRecord> = Vec::new();
        for (phase, (title, steps)) in phases.iter().enumerate() {
            for (step, text) in steps.iter().enumerate() {
                let before = records.last().filter(|_| step > 0);
                records.push(StepRecord {
                    id: StepId::new(format!("{}.{}", phase + 1, step + 1)),
                    phase: (phase + 1).to_string(),
                    phase_title: title.as_ref().to_owned(),
                    description: text.as_ref().to_owned(),
                    dependencies: before.map(|it| it.id.clone()).into_iter().collect(),
                });
            }
        }
        let loaded = LoadedPlan {
            key: key(),
            view: View::default(),
            log: FlightLog::default(),
            waits: PhaseWaits::default(),
        };
        let mut world = Self {
            changes: vec![Change::Stored(Box::new(Stored {
                anew: true,
                plans: vec![loaded],
                ..Stored::default()
            }))],
            sequence: 0,
            now: BEGIN,
        };
        world.store(Operation::PlanRegistered {
            name: "glider".to_owned(),
            hash: "h".to_owned(),
            steps: records,
            renamed: Vec::new(),
        });
        world.store(Operation::RunStarted {
            run: run(),
            runner: Some(process()),
            words: "fly plans/glider.md with claude".to_owned(),
        });
        world.looked(&[]);
        world
    }

    /// The instant of what comes next.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    /// Time passes.
    pub(crate) fn wait(&mut self, seconds: f64) -> &mut Self {
        let passed = Duration::from_secs_f64(seconds).as_millis();
        self.now += i64::try_from(passed).expect("a short time");
        self
    }

    /// Stores an operation.
    pub(crate) fn store(&mut self, operation: Operation) {
        self.sequence += 1;
        let stored = StoredOperation {
            sequence: self.sequence,
            id: id::<OperationId>(u128::from(self.sequence)),
            plan: key(),
            at: self.now(),
            operation,
        };
        self.changes.push(Change::Stored(Box::new(Stored {
            as_of: stored.sequence,
            operations: vec![stored],
            ..Stored::default()
        })));
    }

    /// An attempt begins; its recording is heard from.
    pub(crate) fn fly(
        &mut self,
        number: u128,
        step: &str,
        agent: &str,
        format: StreamFormat,
    ) -> &mut Self {
        self.dispatch(number, step, agent);
        self.changes.push(Change::Opened {
            attempt: attempt(number),
            format,
            top: "/project/".to_owned(),
        });
        self
    }

    fn dispatch(&mut self, number: u128, step: &str, agent: &str) {
        self.store(Operation::AttemptDispatched {
            attempt: attempt(number),
            run: run(),
            steps: vec![step.into()],
            agent: agent.to_owned(),
            fence: 1,
            number: 1,
            retry: false,
        });
        self.store(Operation::AttemptSpawned {
            attempt: attempt(number),
            supervisor: process(),
        });
    }

    /// An agent says something.
    pub(crate) fn hear(&mut self, number: u128, update: SessionUpdate) -> &mut Self {
        self.changes.push(Change::Heard {
            attempt: attempt(number),
            updates: vec![(self.now(), update)],
        });
        self
    }

    /// A tool begins.
    pub(crate) fn tool(
        &mut self,
        number: u128,
        call: &str,
        name: &str,
        summary: &str,
    ) -> &mut Self {
        let input = ToolInput {
            summary: summary.to_owned(),
            files: Vec::new(),
        };
        self.hear(
            number,
            SessionUpdate::ToolStarted {
                id: call.to_owned(),
                name: name.to_owned(),
                input: Some(input),
                parent: None,
            },
        )
    }

    /// A tool ends.
    pub(crate) fn tool_ended(&mut self, number: u128, call: &str, ok: bool) -> &mut Self {
        self.hear(
            number,
            SessionUpdate::ToolEnded {
                id: call.to_owned(),
                name: None,
                input: None,
                ok,
                denied: false,
                output: String::new(),
            },
        )
    }

    /// An agent says a text.
    pub(crate) fn say(&mut self, number: u128, text: &str) -> &mut Self {
        self.hear(
            number,
            SessionUpdate::Text {
                text: text.to_owned(),
                partial: false,
                subagent: false,
            },
        )
    }

    /// An attempt lands.
    pub(crate) fn land(
        &mut self,
        number: u128,
        step: &str,
        verdict: Verdict,
        reason: &str,
        again_in: Option<i64>,
    ) -> &mut Self {
        let report = StreamReport {
            spending: Some(Spending {
                input_tokens: 41_000,
                cached_tokens: 30_000,
                output_tokens: 2_100,
                cost_usd: Some(0.13),
            }),
            ..StreamReport::default()
        };
        self.store(Operation::AttemptEnded {
            attempt: attempt(number),
            end: AttemptEnd::NeverStarted,
            report,
        });
        let wake_at = again_in.map(|seconds| Timestamp::from_millis(self.now + 1000 * seconds));
        self.store(Operation::StepJudged {
            step: step.into(),
            attempt: attempt(number),
            judgement: Judgement {
                verdict,
                reason: reason.to_owned(),
                limit: None,
                stuck: false,
                blameless: false,
            },
            evidence: Evidence::default(),
            wake_at,
        });
        let sequence = self.sequence;
        self.store(Operation::AttemptJudged {
            attempt: attempt(number),
        });
        if verdict == Verdict::Verified {
            self.store(Operation::CommitMade {
                sequence,
                steps: vec![step.into()],
                commit: Some(format!(
                    "{:09x}{:031x}",
                    0x9_f2ab_01c0 + u128::from(sequence),
                    0
                )),
                left_out: Vec::new(),
            });
        }
        self
    }

    /// An attempt that begins and lands.
    pub(crate) fn flown(
        &mut self,
        number: u128,
        step: &str,
        verdict: Verdict,
        reason: &str,
    ) -> &mut Self {
        self.dispatch(number, step, "claude");
        self.wait(34.0);
        self.land(number, step, verdict, reason, None)
    }

    /// A person sets a status.
    pub(crate) fn mark(&mut self, step: &str, status: StepStatus) -> &mut Self {
        self.store(Operation::StepMarked {
            step: step.into(),
            status,
            actor: Actor::Person,
            text: Some("not needed".to_owned()),
            forced: true,
            stuck: false,
        });
        self
    }

    /// The processes are looked at; those of the run and of these attempts are alive.
    pub(crate) fn looked(&mut self, attempts: &[u128]) -> &mut Self {
        let attempts = attempts.iter();
        self.changes.push(Change::Looked {
            at: self.now(),
            attempts: attempts.map(|it| (attempt(*it), Vitality::Alive)).collect(),
            runs: vec![(run(), Vitality::Alive)],
        });
        self
    }

    /// Commits wait.
    pub(crate) fn commits_wait(&mut self, reason: &str) -> &mut Self {
        self.changes.push(Change::Pending(Pending {
            files: Vec::new(),
            commits: vec![PendingCommits {
                plan: key(),
                count: 2,
                since: self.now(),
                reason: Some(reason.to_owned()),
            }],
        }));
        self
    }

    /// A board with an error that nobody has settled.
    pub(crate) fn error(&mut self, message: &str) -> &mut Self {
        let error = ErrorEntry {
            id: "err_1772442000000".to_owned(),
            at: self.now(),
            kind: "git_commit_failure".to_owned(),
            code: "GIT_COMMIT_FAILURE".to_owned(),
            severity: Severity::Low,
            message: message.to_owned(),
            recoverable: true,
            recommendation: "commit by hand".to_owned(),
            context: ErrorContext::default(),
            fix_status: FixStatus::default(),
        };
        let board = Board {
            errors: vec![error],
            ..Board::default()
        };
        self.changes.push(Change::Stored(Box::new(Stored {
            boards: vec![(BoardKey::new(path("specs")), board)],
            ..Stored::default()
        })));
        self
    }

    /// The run ends.
    pub(crate) fn run_ends(&mut self, ending: RunEnding) -> &mut Self {
        self.store(Operation::RunEnded {
            run: run(),
            ending,
            completed: 4,
            failed: 1,
        });
        self
    }

    /// Everything so far, once.
    pub(crate) fn take(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }
}

/// A flight of twenty steps in which everything is at once that a screen can show.
pub(crate) fn busy() -> World {
    let mut world = World::new(&glider());
    landed(&mut world);
    in_the_air(&mut world);
    world
}

fn glider() -> [(&'static str, Vec<&'static str>); 5] {
    [
        (
            "Wings and ribs",
            vec![
                "Cut the ribs from `ribs.svg`",
                "Sand the leading edge",
                "Cover the wing",
                "Weigh both halves",
            ],
        ),
        (
            "Fuselage",
            vec![
                "Glue the longerons",
                "Fit the nose block",
                "Check the seam with `cargo test seam`",
                "Paint it",
            ],
        ),
        (
            "Tail and controls",
            vec![
                "Hinge the rudder",
                "Route the push rods",
                "Balance the elevator",
                "Lock the horns",
            ],
        ),
        (
            "Ground tests",
            vec![
                "Find the centre of gravity",
                "Glide from the hand",
                "Trim for level flight",
                "Tow it up the slope",
            ],
        ),
        (
            "Log book",
            vec![
                "Write down the weights",
                "Describe the trim",
                "Draw the polar",
                "Sign it — für die Akten, 日本語も",
            ],
        ),
    ]
}

/// What is over, each verdict once.
fn landed(world: &mut World) {
    let good = "evidence is complete";
    world.wait(2.0).flown(1, "1.1", Verdict::Verified, good);
    let nothing = "no file was changed";
    world
        .wait(1.0)
        .flown(2, "1.2", Verdict::Unverified, nothing);
    world.wait(1.0).flown(3, "1.2", Verdict::Verified, good);
    world.wait(1.0).flown(4, "1.3", Verdict::Verified, good);
    world.mark("1.4", StepStatus::Skipped);
    let question = "Which glue: epoxy or wood glue?";
    world.wait(3.0).flown(5, "2.1", Verdict::Waiting, question);
    world
        .wait(1.0)
        .fly(6, "3.1", "claude", StreamFormat::Claude);
    let limit = "usage limit of five hours";
    world
        .wait(4.0)
        .land(6, "3.1", Verdict::Limited, limit, Some(5400));
    let red = "gate `test` is red: 2 of 14 failed";
    world.wait(1.0).flown(7, "4.1", Verdict::Failed, red);
    world.mark("4.1", StepStatus::Failed);
    world.error("the commit of task 12 failed: index.lock is held");
    world.commits_wait("a rebase is in progress");
}

/// What is in progress: a tool that runs, one that waits for a permission, an agent that thinks,
/// and one that does not tell of its tools.
fn in_the_air(world: &mut World) {
    world.wait(5.0);
    world.fly(11, "2.3", "claude", StreamFormat::Claude);
    world.fly(12, "3.2", "claude", StreamFormat::Claude);
    world.fly(13, "4.2", "codex", StreamFormat::Codex);
    world.fly(14, "5.1", "house-agent", StreamFormat::Plain);
    world.wait(2.0).say(11, "I look at the seam first.");
    world
        .tool(11, "t1", "Read", "/project/src/seam.rs")
        .wait(0.4);
    world.tool_ended(11, "t1", true);
    world.tool(12, "t2", "Bash", "rm -rf build");
    world.hear(
        12,
        SessionUpdate::PermissionAsked {
            request: "r1".to_owned(),
            tool: "Bash".to_owned(),
            id: Some("t2".to_owned()),
            input: ToolInput {
                summary: "rm -rf build".to_owned(),
                files: Vec::new(),
            },
        },
    );
    world
        .wait(1.2)
        .tool(13, "t3", "Bash", "make glide")
        .wait(3.0);
    world.tool_ended(13, "t3", false).wait(0.5);
    world.say(14, "working on \u{1b}[31m5.1\u{1b}[0m");
    world.tool(11, "t4", "Bash", "cargo test seam -- --nocapture");
    world.looked(&[11, 12, 13, 14]);
    world.wait(12.0);
}

/// Very much of everything.
pub(crate) fn crowd(steps: usize, attempts: usize) -> World {
    const PER_PHASE: usize = 100;
    let phases: Vec<(String, Vec<String>)> = (0..steps.div_ceil(PER_PHASE))
        .map(|phase| {
            let count = PER_PHASE.min(steps - phase * PER_PHASE);
            let texts =
                (0..count).map(|step| format!("Rivet {step} of panel {phase}, flush and dry"));
            (format!("Panel {phase}"), texts.collect())
        })
        .collect();
    let mut world = World::new(&phases);
    for number in 0..attempts.min(phases.len()) {
        let step = format!("{}.1", number + 1);
        let number = number as u128 + 1;
        world
            .wait(0.1)
            .fly(number, &step, "claude", StreamFormat::Claude);
        world.tool(number, "t", "Bash", "cargo test --workspace --all-targets");
    }
    for number in 0..phases.len().min(200) {
        let step = format!("{}.2", number + 1);
        let verdict = if number % 7 == 0 {
            Verdict::Failed
        } else {
            Verdict::Verified
        };
        world.flown(
            1000 + number as u128,
            &step,
            verdict,
            "evidence is complete",
        );
    }
    world.wait(3.0);
    world
}
