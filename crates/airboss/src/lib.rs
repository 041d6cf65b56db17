//! Start.

pub mod render;
