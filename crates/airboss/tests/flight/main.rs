//! Flights from end to end: the real program, real git, real processes.
//!
//! Each test has an environment of its own, so that all of them run side by side.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]
#![expect(clippy::print_stdout, reason = "a seed and a skipped test are told")]

mod controls;
mod edits;
mod formats;
mod gates;
mod hooks;
mod input;
mod kill;
mod options;
mod signals;
mod support;
mod together;
mod verdicts;
mod world;
