//! The state.json of the archive: tasks that are finished and put away.

use std::collections::BTreeSet;

use super::check::{Intent, check};
use super::edit::{Standing, Tasks, duplicate, newest_first, remove};
use super::read::StateFile;
use super::shape::{Items, Kind, Shape};
use super::{draft, keys};
use crate::board::edit::{EditError, Edited};
use crate::board::task::{Task, TimeKey};
use crate::json::Draft;
use crate::time::Timestamp;

/// One edit of the archive. Doing it twice is the same as doing it once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ArchiveEdit<'a> {
    /// The task gets an element, unless it has one.
    Add {
        /// The task, with the instant of its archiving.
        task: &'a Task,
        /// Its directory in the archive, from the top of the repository, with a `/` at the end.
        base_path: &'a str,
    },
    /// The task's element goes: its archiving was undone.
    Remove {
        /// The task.
        task: &'a Task,
    },
}

/// Reads the state file of the archive; the tasks stand in `archived_projects`, or in
/// `completed_projects` of older archives.
///
/// # Errors
/// When it cannot be built upon: it is empty, no JSON, or has neither list.
pub fn parse(bytes: &[u8]) -> Result<StateFile, EditError> {
    StateFile::parse_archive(bytes)
}

/// An archive without tasks.
#[must_use]
pub fn new_archive(now: Timestamp) -> Vec<u8> {
    let metadata = Draft::object([("created", Draft::from(now.seconds_text()))]);
    let root = Draft::object([
        ("_schema_version", Draft::from("1.0.0")),
        ("archive_metadata", metadata),
        (keys::ARCHIVED, Draft::Array(Vec::new())),
    ]);
    root.file().into_bytes()
}

/// Edits the state file of the archive.
///
/// Numbers come round again, so an archive may hold several tasks of one number: they are told
/// apart by their ids, or by their slugs where there is none.
///
/// # Errors
/// As [`super::edit()`].
pub fn edit(bytes: &[u8], edits: &[ArchiveEdit<'_>]) -> Result<Edited, EditError> {
    let mut bytes = bytes.to_vec();
    Shape::parse(&bytes, Kind::Archive)?;
    for edit in edits {
        if let Some(changed) = apply(&bytes, edit)? {
            bytes = changed;
        }
    }
    Ok(Edited {
        bytes,
        left: Vec::new(),
        touched: None,
    })
}

fn apply(bytes: &[u8], edit: &ArchiveEdit<'_>) -> Result<Option<Vec<u8>>, EditError> {
    let shape = Shape::parse(bytes, Kind::Archive)?;
    let (ArchiveEdit::Add { task, .. } | ArchiveEdit::Remove { task }) = edit;
    let tasks = Tasks::find(&shape, &BTreeSet::from([task.number]));
    let own: Vec<_> = tasks
        .all(task.number)
        .iter()
        .filter(|one| is(one, task))
        .collect();
    let mut edits = shape.document.edits();
    let mut intent = Intent::default();
    match (edit, own.as_slice()) {
        (ArchiveEdit::Add { base_path, .. }, []) => {
            let Some(Items::Array(array)) = shape.lists.first().map(|list| &list.items) else {
                return Ok(None);
            };
            let element = draft::archived(task, base_path);
            intent.added.push(task.number);
            intent.at_start = newest_first(array, TimeKey::Archived);
            if intent.at_start {
                edits.prepend(array, element);
            } else {
                edits.append(array, element);
            }
        }
        (ArchiveEdit::Remove { .. }, [one]) => {
            remove(&mut edits, &shape.lists, one);
            intent.removed.insert(shape.span(one.node).start);
        }
        (ArchiveEdit::Remove { .. }, [_, _, ..]) => {
            return Err(duplicate(&shape, task.number, &own));
        }
        (ArchiveEdit::Add { .. }, [_, ..]) | (ArchiveEdit::Remove { .. }, []) => {}
    }
    let std::borrow::Cow::Owned(changed) = edits.finish() else {
        return Ok(None);
    };
    check(&shape, &changed, Kind::Archive, &intent)?;
    Ok(Some(changed.into_bytes()))
}

/// Whether an element is that of the task.
fn is(standing: &Standing<'_>, task: &Task) -> bool {
    match standing.id() {
        Some(id) => id == task.id,
        None => standing
            .object
            .text(keys::NAME)
            .is_some_and(|name| name == task.slug),
    }
}
