//! Boards on disk: real repositories, real stores, and the boards of other projects as proof.
#![expect(
    clippy::print_stdout,
    reason = "the tests of many cases print their counts"
)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod adoption;
mod bench;
mod between;
mod edits;
mod git;
mod plans;
mod sequences;
mod world;

use std::path::PathBuf;

/// The boards of other projects, when they lie beside the checkout.
fn pairs() -> Vec<PathBuf> {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/pairs");
    let Ok(entries) = fs_err::read_dir(&corpus) else {
        println!("skipped: there is no corpus beside the checkout");
        return Vec::new();
    };
    let mut pairs: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    pairs.sort();
    pairs
}
