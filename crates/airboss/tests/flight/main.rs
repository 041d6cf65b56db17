//! Flights from end to end: the real program, real git, real processes.
//!
//! Each test has an environment of its own, so that all of them run side by side.

mod formats;
mod gates;
mod kill;
mod options;
mod signals;
mod support;
mod together;
mod verdicts;
