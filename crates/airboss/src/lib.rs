//! airboss.

pub mod scripted;
