//! For tests only: a hermetic environment, and what stands in for the world outside this machine.

pub mod environment;
pub mod model_server;
pub mod terminal;

pub use environment::TestEnvironment;
pub use terminal::Terminal;
