//! The board on disk and in the store: found, adopted, changed, published, committed.
//!
//! ```text
//! Desk::change ─▶ settle (take in what people and git did) ─▶ one transaction
//!              ─▶ publish TODO.md, state.json and the task's own files ─▶ the git commit
//! ```
//!
//! Deciding is `airboss_core::board`'s; here it is only carried out.

mod adopt;
mod around;
mod begin;
mod desk;
mod edits;
mod failures;
mod files;
mod find;
mod home;
mod judged;
mod list_file;
mod looked;
mod made;
mod markers;
mod mend;
mod merge_driver;
mod moves;
mod past;
mod places;
mod repair;
mod revision;
mod seen;
mod shown;
mod single;
mod twice;
mod verify;
mod wish;

use airboss_core::board::BoardOperation;
use airboss_core::operation::{Operation, StoredOperation};

pub use self::adopt::{DamagedFile, ReadList, Survey, phases_on_disk, read_archive, read_list};
pub use self::around::LookAround;
pub use self::begin::begin;
pub use self::desk::{BoardError, Decision, Desk, Done};
pub use self::edits::{BoardEdits, TaskEdit};
pub use self::failures::Failure;
pub(crate) use self::files::stamp_of;
pub use self::files::{BoardFiles, Whole};
pub use self::find::{FoundBoard, find, key, task_directories};
pub use self::home::at_home;
pub use self::list_file::Parsed;
pub use self::mend::{next_number, used_by_directories, without_status};
pub use self::merge_driver::{
    MergeError, register_merge_driver, remove_merge_driver, run_merge_driver,
};
pub use self::moves::{DirectoryMove, Moves};
pub use self::places::Places;
pub use self::revision::at_revision;
pub use self::verify::{Difference, verify};
pub use self::wish::BoardWish;
pub(crate) use self::wish::{make, name_operations};

/// The operation of a board that stands in a log; `None` for one of another kind.
fn board_operation(stored: &StoredOperation) -> Option<&BoardOperation> {
    match &stored.operation {
        Operation::Board { operation } => Some(operation),
        _ => None,
    }
}
