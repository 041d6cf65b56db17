//! One file per command: its arguments, and what it does with the engine.

pub mod answer;
pub mod completions;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod findings;
pub mod init;
pub mod log;
pub mod man;
pub mod mark;
pub mod next;
pub mod plan;
pub mod replay;
pub mod retry;
pub mod run;
pub mod runs;
pub mod status;
pub mod trust;
pub mod validate;
pub mod why;
