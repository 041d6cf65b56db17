//! TODO.md: bytes in, facts and problems out, and edits that touch nothing else.
//!
//! [`TodoFile::parse`] never fails. [`edit()`] changes the bytes that Airboss owns (the marker of a
//! status, date lines, reasons, links, named fields, the next number) and whole entries that it
//! adds, moves or removes; every other byte stays, be it damaged or not UTF-8. Nothing is ever
//! written anew from the board as a whole.
//!
//! A scan finds the sections and entries in one pass; only an entry that is asked about is read
//! further, so that one change in a board of ten thousand tasks costs milliseconds.

mod change;
mod dates;
mod edit;
mod facts;
mod fields;
mod headings;
mod link_edit;
mod links;
mod mend;
mod parse;
mod place;
mod quotes;
mod scan;
mod splice;
mod status;
#[cfg(test)]
mod tests;
mod touched;

pub use edit::{edit, new_board, section};
pub use mend::{insert_status, renumber_at};
pub use parse::{Front, HEAD_BYTES, Problem, ProblemKind, TodoFile, begins_with_entry};
