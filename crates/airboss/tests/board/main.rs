//! Boards as people share them: several clones, several work trees, one history.

mod clones;
