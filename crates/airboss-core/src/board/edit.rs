//! What the editors of TODO.md and state.json are asked to do to a file's bytes.

use serde::{Deserialize, Serialize};

use super::change::Field;
use super::facts::TaskFacts;
use super::task::Task;
use crate::time::Timestamp;

/// One edit. Doing it twice is the same as doing it once, and what it does not name keeps its
/// bytes.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit<'a> {
    /// The task gets an entry, unless it has one.
    Add {
        /// The task.
        task: &'a Task,
    },
    /// These fields get the values that the task has.
    Change {
        /// The task.
        task: &'a Task,
        /// The fields.
        fields: &'a [Field],
    },
    /// The entry with this number becomes the entry of the task, which has another number.
    Renumber {
        /// The number in the file.
        from: u32,
        /// The task.
        task: &'a Task,
    },
    /// The task's entry is put elsewhere. state.json keeps its order.
    Move {
        /// Its number.
        number: u32,
        /// Where.
        to: &'a Position,
    },
    /// The task's entry goes.
    Remove {
        /// Its number.
        number: u32,
    },
    /// The next number, where the file has one.
    NextNumber(u32),
    /// The instant of the change, where the file has one for the whole board.
    LastUpdated(Timestamp),
}

/// A place among the entries of TODO.md.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "where")]
pub enum Position {
    /// First in its section.
    First,
    /// Last in its section.
    Last,
    /// Directly before this task.
    Before {
        /// Its number.
        number: u32,
    },
    /// Directly after this task.
    After {
        /// Its number.
        number: u32,
    },
}

/// What editing gave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edited {
    /// The new content; equal to the old one when nothing had to change.
    pub bytes: Vec<u8>,
    /// What could not be done although the file is sound, by task number: an entry that is
    /// missing, a status line that is not there.
    pub left: Vec<(u32, String)>,
    /// What the new content says of the tasks that were edited, so that nobody has to look for
    /// them in it. `None` where only reading it as a whole can tell, and when nothing changed.
    pub touched: Option<Touched>,
}

/// From so many edits on, to read the whole text is no slower than to find each of them in it.
pub(super) const TOUCHED_MAX: usize = 16;

/// What an edited text says of what was edited in it: nothing else reads otherwise than before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Touched {
    /// Of every task that an edit names and that stands there.
    pub facts: Vec<TaskFacts>,
    /// Of the next number.
    pub next_number: Option<u32>,
}

/// Why a file is not edited at all, or not at this task; nothing was changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EditError {
    /// The file as a whole cannot be built upon.
    #[error("line {line}: {message}")]
    Damaged {
        /// Where, from 1.
        line: usize,
        /// What is wrong, and what to do.
        message: String,
    },
    /// A task is there more than once.
    #[error("task {number} stands there {} times (lines {})", lines.len(), list(lines))]
    Duplicate {
        /// Its number.
        number: u32,
        /// The lines.
        lines: Vec<usize>,
    },
    /// The edited text would have lost or changed something that no edit names. This is a fault of
    /// the editor, or a shape of the file that nobody has thought of.
    #[error("nothing was written: {message}")]
    Lossy {
        /// What it would have been.
        message: String,
    },
}

fn list(lines: &[usize]) -> String {
    let lines: Vec<_> = lines.iter().map(ToString::to_string).collect();
    lines.join(", ")
}
