//! The ways in for agents: the MCP server, `airboss report` and the inbox.
//!
//! `protocol` speaks to the server in lines of its own, `client` through the official SDK where
//! that is installed, `inbox` writes letters of all kinds, and in `flight` an agent reports in
//! each way while it flies.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]

mod client;
mod flight;
mod inbox;
mod protocol;
mod support;
