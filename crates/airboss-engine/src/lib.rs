//! The shell around the core: everything that touches the world.
//!
//! It reads files, runs processes, talks to git and SQLite and the clock, and
//! carries out what `airboss-core` decided. It never draws for a person.

pub mod agents;
pub mod board;
pub mod clock;
pub mod follow;
pub mod git;
pub mod inbox;
pub(crate) mod lock_queue;
pub(crate) mod own_file;
pub mod plan_stamp;
pub mod projection;
pub mod registry;
pub mod report;
pub mod run;
pub mod settings;
pub mod setup;
pub mod stage;
pub mod store;
pub mod supervise;
pub mod vfs;
pub mod workspace;
