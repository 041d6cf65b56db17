//! The pure heart of Airboss: it decides, and never acts.
//!
//! Everything here is a function from values to values: no input or output, no
//! clock, no randomness, no threads. What it needs of the world it is given;
//! what should happen to the world it returns. Bad input never fails: a parser
//! returns what it understood together with a list of problems.

pub mod account;
pub mod agent;
pub mod artifact;
pub mod attempt;
pub mod attribution;
pub mod board;
pub mod chart;
pub mod config;
pub mod dispatch;
pub mod exit;
pub mod hook;
pub mod id;
pub mod json;
pub mod nearest;
pub mod operation;
pub mod path;
pub mod plan;
pub mod process;
pub mod prompt;
pub mod report;
pub mod scene;
pub mod setup;
pub mod stage;
pub mod status_file;
pub mod step;
pub mod text;
pub mod time;
pub mod verdict;
pub mod view;
