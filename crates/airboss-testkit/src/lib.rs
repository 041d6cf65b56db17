//! For tests only: a hermetic environment, what stands in for the world outside this machine, and
//! a checker of histories.

pub mod environment;
pub mod linear;
pub mod model_server;
pub mod terminal;

pub use environment::TestEnvironment;
pub use terminal::Terminal;
