//! The board on disk and in the store: found, adopted, changed, published, committed.
//!
//! ```text
//! Desk::change ─▶ settle (take in what people and git did) ─▶ one transaction
//!              ─▶ publish TODO.md, state.json and the task's own files ─▶ the git commit
//! ```
//!
//! Deciding is `airboss_core::board`'s; here it is only carried out.

mod adopt;
mod desk;
mod edits;
mod files;
mod find;
mod list_file;
mod merge_driver;
mod places;
mod repair;
mod seen;
mod single;
mod verify;
mod wish;

pub use self::adopt::{DamagedFile, ReadList, Survey, phases_on_disk, read_archive, read_list};
pub use self::desk::{BoardError, Decision, Desk, Done};
pub use self::edits::{BoardEdits, TaskEdit};
pub use self::files::{BoardFiles, Whole};
pub use self::find::{FoundBoard, find, key, task_directories};
pub use self::list_file::Parsed;
pub use self::merge_driver::{
    MergeError, register_merge_driver, remove_merge_driver, run_merge_driver,
};
pub use self::places::Places;
pub use self::verify::{Difference, verify};
pub use self::wish::BoardWish;
pub(crate) use self::wish::{make, name_operations};
