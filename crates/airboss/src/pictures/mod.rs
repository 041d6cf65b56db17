//! What is drawn of an account or a chart: a page, a picture, Markdown, words.
//!
//! Values in, text out: nothing here reads a file, a clock or a store. A picture is one file that
//! loads nothing and runs nothing, so that it can be attached to a pull request and opened years
//! later. Whatever comes from plans, agents and commits goes through [`escape`] on its way in.

pub mod escape;
pub mod gantt;
pub mod graph;
pub mod markdown;
pub mod page;
mod page_parts;
pub mod palette;
pub mod plain;
mod tell;
pub mod timeline;

use std::fmt;

/// Stands at the top of every file that is written here; a file that has it may be replaced.
pub const MARK: &str = "airboss report";

/// Collects what is written. Writing to a string cannot fail.
fn drawn(draw: impl FnOnce(&mut String) -> fmt::Result) -> String {
    let mut out = String::new();
    let written = draw(&mut out);
    debug_assert!(written.is_ok(), "a string takes everything");
    out
}

#[cfg(test)]
mod tests;
