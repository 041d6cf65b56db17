//! Plans: Markdown in, phases and steps out, and edits that change nothing else.
//!
//! [`Plan::parse`] never fails: it returns what it understood and a list of problems.
//! [`schedule()`] says what waits for what. [`set_phase_status`] and [`set_plan_status`] change
//! the bytes of one marker (and its stamps) and no other byte. Boxes belong to the plan's
//! author: they are shown, never written and never believed.

mod body;
mod boxes;
mod command;
mod dependencies;
mod edit;
pub(crate) mod fences;
mod fields;
mod footprint;
mod graph;
mod hash;
mod headings;
mod ids;
pub(crate) mod lines;
mod merge;
mod model;
mod notes;
mod parse;
mod schedule;
mod status;
mod table;
#[cfg(test)]
mod tests;
mod whole;

pub use edit::{EditError, Stamps, set_phase_cell, set_phase_status, set_plan_status};
pub use footprint::overlap;
pub use graph::schedule;
pub use hash::plan_hash;
pub use ids::aliases;
pub use merge::{Settled, settled};
pub use model::*;
pub use schedule::{Schedule, ScheduledStep};
