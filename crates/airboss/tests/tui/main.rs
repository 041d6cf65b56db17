//! The terminal interface in a real terminal, driven by keys, beside a real run.
#![cfg(feature = "tui")]

mod keys;
mod signals;
mod tmux;
mod together;
