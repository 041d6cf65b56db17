//! One file per command: its arguments, and what it does with the engine.

pub mod answer;
pub mod completions;
pub mod config;
pub mod demo;
pub mod log;
pub mod man;
pub mod replay;
pub mod run;
pub mod runs;
pub mod trust;
pub mod why;
