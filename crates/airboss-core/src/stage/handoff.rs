//! What the next person or agent has to know of a task, in few words.

use super::Stage;
use crate::artifact::salvage::SALVAGED;
use crate::board::{Status, Task, TaskStatus};
use crate::plan::PhaseStatus;
use crate::prompt::{head, one_line};

/// Bytes of a description, of a failure's last lines and of one link: together with the rest
/// they stay below 400 tokens.
const DESCRIPTION_MAX: usize = 400;
const FAILURE_MAX: usize = 300;
/// The newest artifacts that are named.
const ARTIFACTS: usize = 4;

/// The text. `phases` are those of the current plan with their titles, as its file has them.
#[must_use]
pub fn text(task: &Task, phases: &[(String, String, PhaseStatus)]) -> String {
    let number = task.number;
    let title = one_line(&task.title, 120);
    let mut lines = vec![format!("Task {number}: {title} [{}]", task.status)];
    if let Some(description) = &task.description {
        lines.push(one_line(description, DESCRIPTION_MAX));
    }
    if let Some(reason) = task
        .blocked_reason
        .as_ref()
        .filter(|_| task.status.is(Status::Blocked))
    {
        lines.push(format!("Blocked: {}", one_line(reason, 160)));
    }
    if let Some(plan) = &task.plan {
        lines.push(format!("Plan: {plan}"));
        lines.extend(progress(task, phases));
    }
    let others = task
        .artifacts
        .iter()
        .filter(|artifact| Some(&artifact.path) != task.plan.as_ref());
    let newest: Vec<String> = others
        .rev()
        .take(ARTIFACTS)
        .map(|it| match it.is_salvaged() {
            true => format!("{} ({SALVAGED})", it.path),
            false => it.path.clone(),
        })
        .collect();
    if !newest.is_empty() {
        lines.push(format!("Made: {}", newest.join(", ")));
    }
    if let Some(checked) = &task.checked {
        lines.push(format!(
            "Checks: {}",
            one_line(&checked.checks.join("; "), 200)
        ));
        if let Some(failure) = &checked.failure {
            lines.push(head(failure.trim_end(), FAILURE_MAX));
        }
    }
    lines.push(format!("Next: {}", next(task)));
    lines.join("\n")
}

/// How far the plan is, and the phase that comes next.
fn progress(task: &Task, phases: &[(String, String, PhaseStatus)]) -> Option<String> {
    let total = phases.len();
    let mut open = phases
        .iter()
        .filter(|(key, _, in_file)| !task.phase(key, *in_file).is_settled());
    let next = open.next();
    let done = total - usize::from(next.is_some()) - open.count();
    if total == 0 {
        return None;
    }
    Some(match next {
        Some((key, title, _)) => {
            let title = one_line(title, 100);
            format!("Phases: {done} of {total} done; next is {key}: {title}")
        }
        None => format!("Phases: {done} of {total} done"),
    })
}

/// The command that goes on with it.
fn next(task: &Task) -> String {
    let number = task.number;
    let workflow = task.workflow.as_ref();
    if workflow.is_some_and(|workflow| !workflow.state.is_terminal()) {
        return format!("airboss coordinate {number}");
    }
    let stage = match &task.status {
        TaskStatus::Known(Status::Blocked) => return format!("airboss task unblock {number}"),
        TaskStatus::Known(Status::NotStarted) => Stage::Research,
        TaskStatus::Known(Status::Researched) => Stage::Plan,
        TaskStatus::Known(Status::Planned | Status::Revised | Status::Partial) => Stage::Implement,
        TaskStatus::Known(Status::Completed) => match &task.checked {
            Some(checked) if checked.failure.is_some() => Stage::Debug,
            Some(_) => Stage::Document,
            None => Stage::Test,
        },
        status => {
            let is_begun = |stage: &Stage| stage.in_flight().is_some_and(|it| status.is(it));
            return match Stage::ALL.into_iter().find(is_begun) {
                Some(stage) => format!("airboss {stage} {number} --resume"),
                None => format!("airboss task show {number}"),
            };
        }
    };
    format!("airboss {stage} {number}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::testing::{at, task};
    use crate::board::{Artifact, Checked};

    #[test]
    fn a_task_half_way() {
        let mut half = task(58, "partial");
        half.description = Some("The banner\nwraps.".to_owned());
        half.plan = Some("specs/058_x/plans/implementation-001.md".to_owned());
        half.artifacts = vec![Artifact {
            path: "specs/058_x/reports/research-001.md".to_owned(),
            kind: "research".to_owned(),
            summary: None,
        }];
        half.checked = Some(Checked {
            at: at(0),
            checks: vec!["gate `tests` exited with 1".to_owned()],
            failure: Some("assertion failed\n".to_owned()),
        });
        let phases = [
            ("1".to_owned(), "Measure".to_owned(), PhaseStatus::Completed),
            ("2".to_owned(), "Cut".to_owned(), PhaseStatus::Partial),
        ];
        insta::assert_snapshot!(text(&half, &phases), @"
        Task 58: Task number 58 [partial]
        The banner wraps.
        Plan: specs/058_x/plans/implementation-001.md
        Phases: 1 of 2 done; next is 2: Cut
        Made: specs/058_x/reports/research-001.md
        Checks: gate `tests` exited with 1
        assertion failed
        Next: airboss implement 58
        ");
    }

    #[test]
    fn what_comes_next() {
        let check = |status: &str, expected: &str| {
            assert_eq!(next(&task(1, status)), format!("airboss {expected}"));
        };
        check("not_started", "research 1");
        check("researched", "plan 1");
        check("revised", "implement 1");
        check("implementing", "implement 1 --resume");
        check("completed", "test 1");
        check("blocked", "task unblock 1");
        check("on_hold", "task show 1");
    }

    #[test]
    fn it_stays_short() {
        let long = "word ".repeat(2_000);
        let mut task = task(1, "blocked");
        task.title.clone_from(&long);
        task.description = Some(long.clone());
        task.blocked_reason = Some(long.clone());
        task.checked = Some(Checked {
            at: at(0),
            checks: vec![long.clone(); 5],
            failure: Some(long.clone()),
        });
        let phases = [("1".to_owned(), long, PhaseStatus::NotStarted)];
        task.plan = Some("specs/001_x/plans/implementation-001.md".to_owned());
        assert!(crate::prompt::tokens(&text(&task, &phases)) < 450);
    }
}
