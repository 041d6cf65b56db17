//! The supervisor against real processes that behave well, badly and maliciously.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]

mod ending;
mod flight;
mod recording;
mod starting;
