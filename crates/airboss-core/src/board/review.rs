//! What is odd about tasks as they stand, and the one command to do about it.
//!
//! Nothing here is wrong with the board itself, which is `doctor`'s: these are tasks that nobody
//! goes on with, and that nobody would miss.

use std::time::Duration;

use super::operation::Board;
use super::ready::{Wait, waits_of};
use super::status::{Class, Status, TaskStatus};
use super::task::{Task, TimeKey};
use crate::plan::PhaseStatus;
use crate::stage::Stage;
use crate::text::shell_word;
use crate::time::Timestamp;

/// What the disk and the store of runs say of a task.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Surroundings {
    /// A run works on it now.
    pub is_flown: bool,
    /// What it links and is not there, or empty.
    pub missing: Vec<String>,
    /// Its current plan, and the phases of it as the file has them.
    pub plan: Option<(String, Vec<(String, PhaseStatus)>)>,
}

/// One thing that is odd about a task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// A stable word.
    pub kind: Kind,
    /// What was seen.
    pub evidence: String,
    /// The command to do about it.
    pub command: String,
}

/// What is odd.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// It is said to be worked on, and is not.
    Stale,
    /// It links something that is not there.
    PhantomArtifact,
    /// All phases of its plan are done, and it is not.
    PhasesDone,
    /// It is blocked, and what it waits for is done.
    BlockedByFinished,
    /// Nothing that can happen by itself takes it further.
    NoNextStep,
}

impl Kind {
    /// The word for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::PhantomArtifact => "phantom_artifact",
            Self::PhasesDone => "phases_done",
            Self::BlockedByFinished => "blocked_by_finished",
            Self::NoNextStep => "no_next_step",
        }
    }

    /// The heading for people.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Stale => "Said to be worked on, by nobody",
            Self::PhantomArtifact => "Linked, and not there",
            Self::PhasesDone => "All phases done, the task not",
            Self::BlockedByFinished => "Blocked by what is finished",
            Self::NoNextStep => "Without a next step",
        }
    }
}

/// Since when a task is said to be worked on while nobody does; `None` when somebody may, or
/// not for longer than `ceiling`. The inner `None` means that nobody knows since when.
#[must_use]
pub fn stale_since(
    task: &Task,
    is_flown: bool,
    now: Timestamp,
    ceiling: Duration,
) -> Option<Option<Timestamp>> {
    let since = task.times.get(&TimeKey::LastUpdated);
    let since = since.or_else(|| task.times.get(&TimeKey::Started)).copied();
    let is_recent = since.is_some_and(|since| now.since(since) < ceiling);
    let is_stale = task.status.class() == Class::InFlight && !is_flown && !is_recent;
    is_stale.then_some(since)
}

/// The findings of one task, in the order of their kinds.
#[must_use]
pub fn review(
    board: &Board,
    task: &Task,
    around: &Surroundings,
    now: Timestamp,
    ceiling: Duration,
) -> Vec<Finding> {
    let number = task.number;
    let mut findings = Vec::new();
    let mut find = |kind, evidence: String, command: String| {
        findings.push(Finding {
            kind,
            evidence,
            command,
        });
    };
    let done = phases_done(task, around);
    let stale = stale_since(task, around.is_flown, now, ceiling);
    if let (Some(since), None) = (stale, &done) {
        let since = since.map_or_else(|| "nobody knows when".to_owned(), |at| at.seconds_text());
        let evidence = format!("{} since {since}, and no run is behind it", task.status);
        find(Kind::Stale, evidence, resumed(task));
    }
    for path in &around.missing {
        let dashes = if path.starts_with('-') { "-- " } else { "" };
        let command = format!("airboss task unlink {number} {dashes}{}", shell_word(path));
        find(Kind::PhantomArtifact, path.clone(), command);
    }
    if let Some(evidence) = done {
        let command = format!("airboss task status {number} completed");
        find(Kind::PhasesDone, evidence, command);
    }
    let waits = waits_of(board, task);
    if let Some(evidence) = blocked_by_finished(task, &waits) {
        let command = format!("airboss task unblock {number}");
        find(Kind::BlockedByFinished, evidence, command);
    }
    if let Some((evidence, command)) = no_next_step(board, task, &waits) {
        find(Kind::NoNextStep, evidence, command);
    }
    findings.sort_by_key(|finding| finding.kind);
    findings
}

/// The command that goes on with what was begun.
fn resumed(task: &Task) -> String {
    let number = task.number;
    let is_begun = |stage: &Stage| stage.in_flight().is_some_and(|it| task.status.is(it));
    match Stage::ALL.into_iter().find(is_begun) {
        Some(stage) => format!("airboss {stage} {number} --resume"),
        None => format!("airboss task status {number} not_started"),
    }
}

fn phases_done(task: &Task, around: &Surroundings) -> Option<String> {
    let (plan, phases) = around.plan.as_ref()?;
    let mut settled = phases
        .iter()
        .map(|(key, in_file)| task.phase(key, *in_file));
    let all = !phases.is_empty() && settled.all(PhaseStatus::is_settled);
    let is_open = task.status.class() != Class::Terminal && !around.is_flown;
    let (count, status) = (phases.len(), &task.status);
    (all && is_open).then(|| match count {
        1 => format!("the phase of {plan} is done, the task {status}"),
        count => format!("all {count} phases of {plan} are done, the task {status}"),
    })
}

fn blocked_by_finished(task: &Task, waits: &[Wait]) -> Option<String> {
    let numbers = &task.dependencies.numbers;
    let is_alone = waits.iter().all(|wait| matches!(wait, Wait::Blocked(_)));
    if !task.status.is(Status::Blocked) || numbers.is_empty() || !is_alone {
        return None;
    }
    let named: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    let because = task.blocked_reason.as_ref();
    let because = because.map_or_else(String::new, |reason| format!("; it was blocked: {reason}"));
    Some(match named.as_slice() {
        [one] => format!("task {one} is done{because}"),
        _ => format!("tasks {} are done{because}", named.join(", ")),
    })
}

/// What keeps a task for ever, and the command that ends that.
fn no_next_step(board: &Board, task: &Task, waits: &[Wait]) -> Option<(String, String)> {
    if task.status.class() != Class::Open {
        return None;
    }
    let number = task.number;
    let lasting: Vec<&Wait> = waits
        .iter()
        .filter(|wait| {
            !matches!(
                wait,
                Wait::InFlight(_) | Wait::Blocked(_) | Wait::Dependency { .. }
            )
        })
        .collect();
    let words: Vec<String> = lasting.iter().map(ToString::to_string).collect();
    let command = match lasting.first()? {
        Wait::Status(TaskStatus::Known(Status::Implemented | Status::PrReady)) => {
            format!("airboss task status {number} completed")
        }
        Wait::Status(_) => format!("airboss task status {number} not_started"),
        _ => {
            let sound = task.dependencies.numbers.iter().filter(|other| {
                let is_gone = lasting.iter().any(|wait| match wait {
                    Wait::DependencyGone { number, .. } | Wait::DependencyUnknown(number) => {
                        number == *other
                            || board
                                .find(**other)
                                .is_some_and(|task| task.number == *number)
                    }
                    Wait::Cycle(way) => way.contains(other),
                    _ => false,
                });
                !is_gone
            });
            let sound: Vec<String> = sound.map(ToString::to_string).collect();
            let depends = match sound.is_empty() {
                true => "none".to_owned(),
                false => sound.join(","),
            };
            format!("airboss task edit {number} --depends {depends}")
        }
    };
    Some((words.join("; "), command))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::facts::Dependencies;
    use crate::board::testing::{at, task};

    const CEILING: Duration = Duration::from_secs(30 * 60);

    /// The findings of task 1 as it is made, beside a completed task 2 and an abandoned task 3.
    fn found(status: &str, change: impl FnOnce(&mut Task, &mut Surroundings)) -> String {
        let mut own = task(1, status);
        own.times.insert(TimeKey::LastUpdated, at(0));
        let mut around = Surroundings::default();
        change(&mut own, &mut around);
        let mut board = Board::default();
        for task in [own.clone(), task(2, "completed"), task(3, "abandoned")] {
            board.tasks.insert(task.id, task);
        }
        let lines = review(&board, &own, &around, at(45), CEILING)
            .into_iter()
            .map(|finding| {
                let (word, evidence) = (finding.kind.word(), finding.evidence);
                format!("{word}: {evidence} → {}", finding.command)
            });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn waits_for(numbers: &[u32]) -> Dependencies {
        Dependencies {
            numbers: numbers.to_vec(),
            prose: None,
        }
    }

    fn planned(around: &mut Surroundings, phases: &[PhaseStatus]) {
        let phases = (1..)
            .zip(phases)
            .map(|(key, status): (u32, _)| (key.to_string(), *status));
        around.plan = Some(("p.md".to_owned(), phases.collect()));
    }

    #[test]
    fn a_task_that_goes_on_is_not_named() {
        assert_eq!(found("not_started", |_, _| {}), "");
        assert_eq!(
            found("completed", |_, around| planned(
                around,
                &[PhaseStatus::Completed]
            )),
            ""
        );
        assert_eq!(found("researching", |_, around| around.is_flown = true), "");
        let recent = |task: &mut Task, _: &mut Surroundings| {
            task.times.insert(TimeKey::LastUpdated, at(20));
        };
        assert_eq!(found("researching", recent), "");
        assert_eq!(found("blocked", |_, _| {}), "");
        let open = [PhaseStatus::Completed, PhaseStatus::NotStarted];
        assert_eq!(found("partial", |_, around| planned(around, &open)), "");
        assert_eq!(
            found("planned", |task, _| task.dependencies = waits_for(&[2])),
            ""
        );
    }

    #[test]
    fn what_is_odd_has_its_evidence_and_its_command() {
        use PhaseStatus::{Completed, Skipped};
        let all = [
            found("researching", |_, _| {}),
            found("implementing", |task, _| {
                task.times.clear();
            }),
            found("planned", |_, around| {
                around.missing = ["a.md", "-b.md", "$(touch x) 'b'.md"]
                    .map(str::to_owned)
                    .into();
            }),
            found("implementing", |_, around| {
                planned(around, &[Completed, Skipped]);
            }),
            found("blocked", |task, _| {
                task.dependencies = waits_for(&[2]);
                task.blocked_reason = Some("2 is not done".to_owned());
            }),
            found("not_started", |task, _| {
                task.dependencies = waits_for(&[2, 3, 9]);
            }),
            found("on_hold", |_, _| {}),
            found("pr_ready", |_, _| {}),
        ];
        insta::assert_snapshot!(all.join("\n"), @r#"
        stale: researching since 2026-03-02T09:15:00Z, and no run is behind it → airboss research 1 --resume
        stale: implementing since nobody knows when, and no run is behind it → airboss implement 1 --resume
        phantom_artifact: a.md → airboss task unlink 1 a.md
        phantom_artifact: -b.md → airboss task unlink 1 -- -b.md
        phantom_artifact: $(touch x) 'b'.md → airboss task unlink 1 '$(touch x) '\''b'\''.md'
        phases_done: all 2 phases of p.md are done, the task implementing → airboss task status 1 completed
        blocked_by_finished: task 2 is done; it was blocked: 2 is not done → airboss task unblock 1
        no_next_step: waits for task 3, which was left abandoned; waits for task 9, which does not exist → airboss task edit 1 --depends 2
        no_next_step: is on_hold → airboss task status 1 not_started
        no_next_step: is pr_ready → airboss task status 1 completed
        "#);
    }
}
