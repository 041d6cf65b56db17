//! For tests only: what stands in for the world outside this machine.

pub mod model_server;
