//! Gates: the project's own checks, run by Airboss itself.
//!
//! A gate runs under the same supervisor as an agent, so that its time is
//! limited and nothing of it stays behind. Its command line is shell text from
//! the trusted configuration or from the plan that a person chose to fly.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use airboss_core::config::GateWhen;
use airboss_core::id::{AttemptId, StepId};
use airboss_core::process::{Exit, ProcessOutcome, StopReason};
use airboss_core::text::{sanitize, tail};
use airboss_core::verdict::{GateExit, GateResult};

use crate::supervise::{self, Limits, Reader, Spec, Stop, SuperviseError};

/// How much of a gate's output is stored and shown to the next attempt.
const OUTPUT_TAIL_BYTES: usize = 4 * 1024;
/// How often a gate that runs is looked at.
const POLL: Duration = Duration::from_millis(10);
/// What `sh` returns for a command that does not exist, and for one that may not be run.
const NOT_FOUND: [i32; 2] = [127, 126];

/// A gate as configuration or plan describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gate {
    /// Its name, or the criterion's text.
    pub name: String,
    /// The shell command line.
    pub command: String,
    /// Its whole time.
    pub timeout: Duration,
    /// When it is due.
    pub scope: GateWhen,
    /// The phases it concerns; empty means all.
    pub phases: Vec<String>,
    /// The steps it concerns; empty means all.
    pub steps: Vec<StepId>,
    /// Exit codes after which it is run once more before it counts as red.
    pub retry_on: Vec<i32>,
}

/// What is about to be settled, which decides the gates that are due.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Due<'due> {
    /// The steps of the attempt.
    pub steps: &'due [StepId],
    /// Their phase.
    pub phase: &'due str,
    /// Nothing else of the phase is open.
    pub phase_ends: bool,
    /// Nothing else of the plan is open.
    pub plan_ends: bool,
}

impl Gate {
    /// Whether it has to be run now.
    #[must_use]
    pub fn is_due(&self, due: &Due<'_>) -> bool {
        let in_time = match self.scope {
            GateWhen::Step => true,
            GateWhen::Phase => due.phase_ends,
            GateWhen::Plan => due.plan_ends,
        };
        in_time
            && (self.phases.is_empty() || self.phases.iter().any(|phase| phase == due.phase))
            && (self.steps.is_empty() || self.steps.iter().any(|step| due.steps.contains(step)))
    }
}

/// Where and for whom gates run.
#[derive(Clone, Copy, Debug)]
pub struct GateRun<'run> {
    /// This program.
    pub airboss: &'run Path,
    /// The attempt's directory; each gate gets one below it.
    pub directory: &'run Path,
    /// The attempt.
    pub attempt: AttemptId,
    /// Its fencing token.
    pub fence: u64,
    /// The top of the work tree.
    pub top: &'run Path,
    /// The environment of the gate.
    pub environment: &'run [(String, String)],
    /// A hash over the tree that the gate sees.
    pub tree: &'run str,
}

impl GateRun<'_> {
    /// Runs the gates in order and ends at the first that is red: what follows would be noise.
    ///
    /// # Errors
    /// When a gate cannot be supervised at all.
    pub fn run_all<'gate>(
        &self,
        gates: impl Iterator<Item = &'gate Gate>,
    ) -> Result<Vec<GateResult>, SuperviseError> {
        let mut results = Vec::new();
        for gate in gates {
            let mut result = self.run_one(gate)?;
            if let GateExit::Code { code } = result.exit
                && gate.retry_on.contains(&code)
            {
                result = self.run_one(gate)?;
            }
            let green = result.is_green();
            results.push(result);
            if !green {
                break;
            }
        }
        Ok(results)
    }

    fn run_one(&self, gate: &Gate) -> Result<GateResult, SuperviseError> {
        let directory = self.fresh_directory()?;
        let spec = Spec {
            attempt: self.attempt,
            fence: self.fence,
            program: PathBuf::from("/bin/sh"),
            arguments: vec!["-c".to_owned(), gate.command.clone()],
            environment: self.environment.to_vec(),
            working_directory: self.top.to_owned(),
            input: None,
            reports: false,
            limits: Limits {
                deadline: gate.timeout,
                idle: gate.timeout,
                ..Limits::default()
            },
        };
        let (outcome, output) = run_to_end(self.airboss, &directory, &spec)?;
        Ok(GateResult {
            name: gate.name.clone(),
            command: gate.command.clone(),
            exit: gate_exit(outcome.as_ref(), &output),
            duration_ms: outcome.as_ref().map_or(0, |outcome| {
                u64::try_from(outcome.ended_at.since(outcome.started_at).as_millis()).unwrap_or(0)
            }),
            output_tail: sanitize(tail(&output, OUTPUT_TAIL_BYTES)),
            tree: self.tree.to_owned(),
        })
    }

    /// `gate-1`, `gate-2`, … below the attempt; a directory serves once, also after a crash.
    fn fresh_directory(&self) -> Result<PathBuf, SuperviseError> {
        let next = (1_u32..)
            .map(|number| self.directory.join(format!("gate-{number}")))
            .find(|directory| !directory.exists());
        // The range has four thousand million names; an attempt runs a handful of gates.
        let directory = next.unwrap_or_else(|| self.directory.join("gate"));
        fs_err::create_dir_all(&directory)?;
        Ok(directory)
    }
}

/// Runs a program under a supervisor to its end; what is told of its output is bounded.
pub(super) fn run_to_end(
    airboss: &Path,
    directory: &Path,
    spec: &Spec,
) -> Result<(Option<ProcessOutcome>, String), SuperviseError> {
    let mut handle = supervise::start(airboss, directory, spec)?;
    let mut reader = Reader::new(directory);
    let mut output = String::new();
    let outcome = loop {
        for line in reader.poll()? {
            output.push_str(&String::from_utf8_lossy(&line.bytes));
        }
        if output.len() > 2 * OUTPUT_TAIL_BYTES {
            output = tail(&output, OUTPUT_TAIL_BYTES).to_owned();
        }
        if let Some(outcome) = supervise::outcome(directory)
            && handle.try_wait()?
        {
            break Some(outcome);
        }
        if handle.try_wait()? {
            break supervise::outcome(directory);
        }
        thread::sleep(POLL);
    };
    for line in reader.poll()?.into_iter().chain(reader.finish()) {
        output.push_str(&String::from_utf8_lossy(&line.bytes));
    }
    Ok((outcome, output))
}

pub(super) fn gate_exit(outcome: Option<&ProcessOutcome>, output: &str) -> GateExit {
    let Some(outcome) = outcome else {
        return GateExit::Missing {
            message: "its supervisor vanished".to_owned(),
        };
    };
    match (&outcome.stopped, &outcome.exit) {
        (Some(StopReason::Deadline | StopReason::Idle | StopReason::Frozen), _) => {
            GateExit::TimedOut
        }
        (_, Exit::Code { code }) if NOT_FOUND.contains(code) => {
            let last = output.lines().rev().find(|line| !line.trim().is_empty());
            GateExit::Missing {
                message: sanitize(last.unwrap_or("its command does not exist")),
            }
        }
        (_, Exit::Code { code }) => GateExit::Code { code: *code },
        (_, Exit::Signal { signal }) => GateExit::Signal { signal: *signal },
        (_, Exit::NotStarted { message, .. }) => GateExit::Missing {
            message: message.clone(),
        },
        (_, Exit::Unknown) => GateExit::Missing {
            message: "its end was not seen".to_owned(),
        },
    }
}

/// Ends gates of an attempt whose runner was killed, so that none runs beside its repetition.
pub fn end_leftover_gates(directory: &Path) {
    let Ok(entries) = fs_err::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_gate = entry.file_name().to_string_lossy().starts_with("gate-");
        if !is_gate || supervise::outcome(&path).is_some() {
            continue;
        }
        let Some(supervisor) = supervise::supervisor(&path) else {
            continue;
        };
        // A supervisor that is gone already has nothing to be asked.
        supervise::request_stop(&supervisor, Stop::Kill).ok();
        // It ends within its own bound of five seconds; twice that is a machine in trouble.
        for _ in 0..1_000 {
            if !supervise::is_alive(&supervisor) {
                break;
            }
            thread::sleep(POLL);
        }
    }
}
