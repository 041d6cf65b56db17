//! What changed between two versions of what a file says, and what a file and a task agree on.

use super::change::{Field, TaskChange};
use super::facts::{Dependencies, List, TaskFacts};
use super::link;
use super::task::{Artifact, Place, Task, TimeKey};
use crate::time::Timestamp;

const DAY: i64 = 24 * 60 * 60 * 1000;

/// What brings a task from what `base` says to what `disk` says.
///
/// Only what `disk` says counts: silence is no change, except for links, subtasks being a list
/// that a file either has or has not. The instant of the last change is not compared; it changes
/// with everything else.
#[must_use]
pub fn changes_between(base: &TaskFacts, disk: &TaskFacts) -> Vec<TaskChange> {
    let mut changes = Vec::new();
    for field in FIELDS {
        if let Some(change) = said(disk, &field)
            && said(base, &field).is_none_or(|before| !alike(&before, &change))
        {
            changes.push(change);
        }
    }
    for (key, at) in &disk.times {
        let before = base.times.get(key);
        if *key != TimeKey::LastUpdated && before.is_none_or(|before| !same_time(*before, *at)) {
            changes.push(TaskChange::Time(*key, Some(*at)));
        }
    }
    for artifact in &disk.artifacts {
        if !base.artifacts.contains(artifact) {
            changes.push(TaskChange::Artifact(artifact.clone()));
        }
    }
    for artifact in &base.artifacts {
        let still = |known: &Artifact| link::same(&known.path, &artifact.path);
        if !disk.artifacts.iter().any(still) {
            changes.push(TaskChange::ArtifactRemoved(artifact.path.clone()));
        }
    }
    changes
}

/// The fields with one value, in the order in which their changes are listed.
const FIELDS: [Field; 15] = [
    Field::Number,
    Field::Title,
    Field::Slug,
    Field::Status,
    Field::Place,
    Field::Priority,
    Field::Language,
    Field::Effort,
    Field::Description,
    Field::Dependencies,
    Field::Parent,
    Field::Subtasks,
    Field::BlockedReason,
    Field::AbandonedReason,
    Field::Plan,
];

/// What gives a field the value that the facts have; `None` when they say nothing of it.
#[must_use]
pub fn said(facts: &TaskFacts, field: &Field) -> Option<TaskChange> {
    let some = |value: &Option<String>| value.clone().map(Some);
    match field {
        Field::Number => Some(TaskChange::Number(facts.number)),
        Field::Title => facts.title.clone().map(TaskChange::Title),
        Field::Slug => facts.slug.clone().map(TaskChange::Slug),
        Field::Status => facts.status.clone().map(TaskChange::Status),
        Field::Place => Some(TaskChange::Place(place_of(facts.list))),
        Field::Priority => some(&facts.priority).map(TaskChange::Priority),
        Field::Language => some(&facts.language).map(TaskChange::Language),
        Field::Effort => some(&facts.effort).map(TaskChange::Effort),
        Field::Description => some(&facts.description).map(TaskChange::Description),
        Field::Dependencies => facts.dependencies.clone().map(TaskChange::Dependencies),
        Field::Parent => facts.parent.map(|parent| TaskChange::Parent(Some(parent))),
        Field::Subtasks => {
            (!facts.subtasks.is_empty()).then(|| TaskChange::Subtasks(facts.subtasks.clone()))
        }
        Field::Time(key) => {
            let at = facts.times.get(key)?;
            Some(TaskChange::Time(*key, Some(*at)))
        }
        Field::BlockedReason => some(&facts.blocked_reason).map(TaskChange::BlockedReason),
        Field::AbandonedReason => some(&facts.abandoned_reason).map(TaskChange::AbandonedReason),
        Field::Plan => some(&facts.plan).map(TaskChange::Plan),
        Field::Artifact(path) => {
            let known = facts
                .artifacts
                .iter()
                .find(|known| link::same(&known.path, path));
            Some(known.map_or_else(
                || TaskChange::ArtifactRemoved(path.clone()),
                |known| TaskChange::Artifact(known.clone()),
            ))
        }
        Field::StatusBefore | Field::Phase(_) | Field::Checked | Field::Workflow => None,
    }
}

fn place_of(list: List) -> Place {
    match list {
        List::Active | List::Pending | List::Legacy => Place::Active,
        List::Completed | List::Archive => Place::Archived,
    }
}

/// Whether a task already is as a change would make it, spellings aside.
#[must_use]
pub fn is_so(change: &TaskChange, task: &Task) -> bool {
    match change {
        TaskChange::Artifact(artifact) => task.artifacts.iter().any(|known| {
            link::same(&known.path, &artifact.path)
                && (artifact.summary.is_none() || artifact.summary == known.summary)
        }),
        TaskChange::ArtifactRemoved(path) => !task
            .artifacts
            .iter()
            .any(|known| link::same(&known.path, path)),
        _ => alike(&change.inverse(task), change),
    }
}

/// Whether two values of one field mean the same.
#[must_use]
pub fn alike(one: &TaskChange, other: &TaskChange) -> bool {
    match (one, other) {
        (TaskChange::Title(one), TaskChange::Title(other)) => one.trim() == other.trim(),
        (TaskChange::Priority(Some(one)), TaskChange::Priority(Some(other)))
        | (TaskChange::Language(Some(one)), TaskChange::Language(Some(other))) => {
            one.trim().eq_ignore_ascii_case(other.trim())
        }
        (TaskChange::Plan(Some(one)), TaskChange::Plan(Some(other))) => link::same(one, other),
        (TaskChange::Time(_, Some(one)), TaskChange::Time(_, Some(other))) => {
            same_time(*one, *other)
        }
        (TaskChange::Dependencies(one), TaskChange::Dependencies(other)) => {
            let sorted = |said: &Dependencies| {
                let mut numbers = said.numbers.clone();
                numbers.sort_unstable();
                numbers.dedup();
                numbers
            };
            sorted(one) == sorted(other) && one.prose == other.prose
        }
        (one, other) => one == other,
    }
}

/// Whether two instants are the same where one of them may be a date alone, or whole seconds.
fn same_time(one: Timestamp, other: Timestamp) -> bool {
    let (one, other) = (one.as_millis(), other.as_millis());
    let is_date = |millis: i64| millis.rem_euclid(DAY) == 0;
    one.div_euclid(1000) == other.div_euclid(1000)
        || ((is_date(one) || is_date(other)) && one.div_euclid(DAY) == other.div_euclid(DAY))
}

/// Everything that the facts say and a task is not, as changes that would make it so.
#[must_use]
pub fn beyond(facts: &TaskFacts, task: &Task) -> Vec<TaskChange> {
    let nothing = TaskFacts {
        number: facts.number,
        list: facts.list,
        ..TaskFacts::default()
    };
    let mut changes = changes_between(&nothing, facts);
    changes.retain(|change| !is_so(change, task));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::testing::{at, facts};

    #[test]
    fn silence_and_spelling_are_no_changes() {
        let base = TaskFacts {
            title: Some("One".to_owned()),
            priority: Some("high".to_owned()),
            times: [(TimeKey::Researched, at(5)), (TimeKey::LastUpdated, at(5))].into(),
            ..facts(1, "planned")
        };
        let midnight = Timestamp::from_millis(at(5).as_millis().div_euclid(DAY) * DAY);
        let disk = TaskFacts {
            priority: Some("High".to_owned()),
            times: [
                (TimeKey::Researched, midnight),
                (TimeKey::LastUpdated, at(9)),
            ]
            .into(),
            ..facts(1, "[PLANNED]".trim_matches(['[', ']']))
        };
        assert_eq!(changes_between(&base, &disk), []);
        let disk = TaskFacts {
            effort: Some("2 hours".to_owned()),
            ..facts(1, "partial")
        };
        let fields: Vec<_> = changes_between(&base, &disk)
            .iter()
            .map(TaskChange::field)
            .collect();
        assert_eq!(fields, [Field::Status, Field::Effort]);
    }

    #[test]
    fn a_link_that_is_gone_was_taken_away() {
        let artifact = |path: &str| Artifact {
            path: path.to_owned(),
            kind: "plan".to_owned(),
            summary: None,
        };
        let with = |paths: &[&str]| TaskFacts {
            artifacts: paths.iter().map(|path| artifact(path)).collect(),
            ..facts(1, "planned")
        };
        let changes = changes_between(
            &with(&["001_x/plans/a.md", "001_x/plans/b.md"]),
            &with(&["specs/001_x/plans/b.md", "c.md"]),
        );
        assert_eq!(
            changes,
            [
                TaskChange::Artifact(artifact("specs/001_x/plans/b.md")),
                TaskChange::Artifact(artifact("c.md")),
                TaskChange::ArtifactRemoved("001_x/plans/a.md".to_owned()),
            ]
        );
    }
}
