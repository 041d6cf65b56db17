//! Tests of the whole module: small boards in, bytes out.

use super::*;
use crate::board::change::Field;
use crate::board::edit::{Edit, EditError, Position};
use crate::board::facts::Dependencies;
use crate::board::status::{Status, TaskStatus};
use crate::board::task::{Artifact, Place, Task, TimeKey};
use crate::id::TaskId;
use crate::time::Timestamp;

mod cases;
mod corpus;
mod edits;
mod entries;
mod properties;

/// A planned task.
fn task(number: u32) -> Task {
    Task {
        id: TaskId::from_uuid(uuid::Uuid::nil()),
        number,
        former_numbers: Vec::new(),
        title: "a".to_owned(),
        slug: "a".to_owned(),
        status: Status::Planned.into(),
        status_before: None,
        place: Place::Active,
        priority: None,
        language: None,
        effort: None,
        description: None,
        dependencies: Dependencies::default(),
        parent: None,
        subtasks: Vec::new(),
        times: std::collections::BTreeMap::new(),
        blocked_reason: None,
        abandoned_reason: None,
        artifacts: Vec::new(),
        plan: None,
        phases: std::collections::BTreeMap::new(),
        checked: None,
        workflow: None,
        operation: None,
    }
}

/// Noon of a day.
fn day(date: &str) -> Timestamp {
    Timestamp::parse(&format!("{date}T12:00:00Z")).unwrap()
}

fn artifact(kind: &str, path: &str) -> Artifact {
    Artifact {
        path: path.to_owned(),
        kind: kind.to_owned(),
        summary: None,
    }
}

/// The edited text; twice is once, and nothing is left undone.
fn edited(input: &str, edits: &[Edit<'_>]) -> String {
    let once = edit(input.as_bytes(), edits).unwrap();
    assert_eq!(once.left, [], "{input}");
    let twice = edit(&once.bytes, edits).unwrap();
    let once = String::from_utf8(once.bytes).unwrap();
    assert_eq!(
        String::from_utf8(twice.bytes).unwrap(),
        once,
        "twice is once"
    );
    once
}

fn check(input: &str, edits: &[Edit<'_>], expected: &str) {
    let edited = edited(input, edits);
    assert_eq!(edited, expected, "{input}");
}

/// Gives the first entry's task one field.
fn change(input: &str, field: Field, set: impl FnOnce(&mut Task), expected: &str) {
    let mut task = task(1);
    set(&mut task);
    let fields = [field];
    let edits = [Edit::Change {
        task: &task,
        fields: &fields,
    }];
    check(input, &edits, expected);
}
