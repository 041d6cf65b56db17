//! The cases of the format, properties, and real boards.

use std::collections::BTreeMap;

use super::*;
use crate::board::change::Field;
use crate::board::edit::{Edit, EditError};
use crate::board::facts::{Dependencies, List};
use crate::board::status::{Status, TaskStatus};
use crate::board::task::{Artifact, Place, Task, TimeKey};
use crate::id::{OperationId, TaskId};

mod cases;
mod corpus;
mod editing;
mod properties;

/// 2026-03-02T09:15:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_772_442_900_000);

/// A task that was changed by an operation, now.
fn task(number: u32) -> Task {
    Task {
        id: TaskId::from_uuid(uuid::Uuid::from_u128(u128::from(number))),
        number,
        former_numbers: Vec::new(),
        title: "Measure the width".to_owned(),
        slug: "measure_the_width".to_owned(),
        status: Status::Planned.into(),
        status_before: None,
        place: Place::Active,
        priority: Some("High".to_owned()),
        language: Some("general".to_owned()),
        effort: Some("2 hours".to_owned()),
        description: Some("One paragraph.".to_owned()),
        dependencies: Dependencies::default(),
        parent: None,
        subtasks: Vec::new(),
        times: BTreeMap::from([(TimeKey::Created, NOW), (TimeKey::LastUpdated, NOW)]),
        blocked_reason: None,
        abandoned_reason: None,
        artifacts: Vec::new(),
        plan: None,
        phases: BTreeMap::new(),
        checked: None,
        workflow: None,
        operation: Some(OperationId::from_uuid(uuid::Uuid::from_u128(7))),
    }
}

/// A board with this text as its active tasks.
fn board(tasks: &str) -> String {
    format!("{{\n  \"next_project_number\": 90,\n  \"active_projects\": [{tasks}]\n}}\n")
}

/// Edits that leave nothing, as text.
fn edited(before: &str, edits: &[Edit<'_>]) -> String {
    let edited = edit(before.as_bytes(), edits).unwrap();
    assert_eq!(edited.left, [], "{before}");
    let again = edit(&edited.bytes, edits).unwrap();
    let text = String::from_utf8(edited.bytes).unwrap();
    assert_eq!(
        String::from_utf8(again.bytes).unwrap(),
        text,
        "twice is once"
    );
    text
}

/// Changes task 41 of a board that has nothing but this object; gives the object back without
/// what every change writes.
fn changed(object: &str, fields: &[Field], change: impl FnOnce(&mut Task)) -> String {
    let mut task = task(41);
    task.operation = None;
    task.times.remove(&TimeKey::LastUpdated);
    change(&mut task);
    let edits = [Edit::Change {
        task: &task,
        fields,
    }];
    let text = edited(&board(object), &edits);
    let facts = StateFile::parse(text.as_bytes()).unwrap();
    let section = section(text.as_bytes(), &facts.tasks[0]);
    String::from_utf8(section.to_owned()).unwrap()
}
