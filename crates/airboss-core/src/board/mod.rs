//! The board of a repository: its tasks, what files say of them, and every rule about both.
//!
//! The files are TODO.md, state.json, the state of single tasks, plans and errors.json. They are
//! projections: a parser here turns one into [`TaskFacts`], an editor puts [`Edit`]s back into its
//! bytes, and between the two stands the [`Board`], the fold of [`BoardOperation`]s. Nothing here
//! reads a file, knows the time, or invents an id.

pub mod artifact_name;
pub mod change;
pub mod command;
pub mod compare;
pub mod directory;
pub mod drift;
pub mod edit;
pub mod error;
pub mod error_group;
pub mod errors_file;
pub mod facts;
pub mod import;
pub mod link;
pub mod merge_file;
pub mod name;
pub mod number;
pub mod operation;
pub mod outline;
pub mod project_state;
pub mod ready;
pub mod reconcile;
pub mod review;
pub mod roots;
pub mod state_file;
pub mod status;
pub mod task;
pub mod todo;
pub mod transition;
mod waits;

#[cfg(test)]
pub(crate) mod testing;

pub use self::change::{Field, TaskChange};
pub use self::edit::{Edit, EditError, Edited, Position, Touched};
pub use self::facts::{Dependencies, TaskFacts};
pub use self::operation::{Board, BoardKey, BoardOperation, Cause};
pub use self::status::{Class, Status, TaskStatus};
pub use self::task::{Artifact, Checked, PhaseState, Place, Task, TimeKey};
