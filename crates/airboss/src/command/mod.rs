//! One file per command: its arguments, and what it does with the engine.

pub mod adopt;
pub mod answer;
pub mod blame;
pub mod completions;
pub mod config;
pub mod conflicts;
pub mod demo;
pub mod doctor;
pub mod findings;
pub mod init;
pub mod log;
pub mod man;
pub mod mark;
pub mod merge_driver;
pub mod next;
pub mod plan;
pub mod replay;
pub mod retry;
pub mod run;
pub mod runs;
pub mod status;
pub mod task;
pub mod trust;
pub mod undo;
pub mod validate;
pub mod why;
