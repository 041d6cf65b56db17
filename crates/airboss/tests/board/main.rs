//! Boards as people share them: several clones, several work trees, one history.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod clones;
