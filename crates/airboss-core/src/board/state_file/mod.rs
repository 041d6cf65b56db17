//! state.json: what it says of its tasks, and how to change it without touching anything else.
//!
//! The file belongs to people and other programs as well. So the reader accepts every shape that
//! real boards have and says what is odd about it, and the editor changes only the bytes of the
//! members that it is asked to change. A file that is damaged as a whole is refused, with its
//! line, before anything else: what cannot be read must not be written.

pub mod archive;
mod artifacts;
mod check;
mod dependencies;
mod draft;
mod edit;
mod keys;
mod object;
mod read;
mod shape;

pub use self::edit::{edit, edit_sound};
pub use self::read::{Problem, ProblemKind, StateFile};

use super::facts::TaskFacts;
use crate::json::{Document, Draft};
use crate::time::Timestamp;

/// The bytes of one task's object, to be compared or kept.
///
/// `facts` have to come from these very bytes; of others, nothing is returned.
#[must_use]
pub fn section<'b>(bytes: &'b [u8], facts: &TaskFacts) -> &'b [u8] {
    bytes.get(facts.span.clone()).unwrap_or_default()
}

/// Gives one of several objects with the same number another number; `None` when these facts are
/// not of these bytes. Only the doctor does so: an ordinary edit refuses to choose.
#[must_use]
pub fn renumber_at(bytes: &[u8], facts: &TaskFacts, number: u32) -> Option<Vec<u8>> {
    let document = Document::from_bytes(bytes).ok()?;
    let list = document.object()?.array("active_projects")?;
    let mut items = list.items().iter();
    let item = items.find(|item| item.span(document.text()) == facts.span)?;
    let object = item.object()?;
    let mut edits = document.edits();
    edits.set(&object, "project_number", number);
    Some(edits.finish().into_owned().into_bytes())
}

/// A board without tasks.
#[must_use]
pub fn new_board(next: u32, now: Timestamp) -> Vec<u8> {
    let root = Draft::object([
        ("next_project_number", Draft::from(next)),
        ("last_updated", Draft::from(now.seconds_text())),
        ("active_projects", Draft::Array(Vec::new())),
    ]);
    root.file().into_bytes()
}

#[cfg(test)]
mod tests;
