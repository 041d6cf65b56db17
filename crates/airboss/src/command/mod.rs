//! One file per command: its arguments, and what it does with the engine.

pub mod demo;
pub mod log;
pub mod run;
pub mod runs;
