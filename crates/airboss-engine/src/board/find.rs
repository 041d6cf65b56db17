//! Finding the specs root of a work tree.
