//! For tests only: what stands in for the world outside this machine.

pub mod environment;
pub mod model_server;

pub use environment::TestEnvironment;
