//! One file per command: its arguments, and what it does with the engine.

pub mod answer;
pub mod demo;
pub mod doctor;
pub mod findings;
pub mod init;
pub mod log;
pub mod mark;
pub mod next;
pub mod plan;
pub mod retry;
pub mod run;
pub mod runs;
pub mod settings;
pub mod shell;
pub mod status;
pub mod validate;
