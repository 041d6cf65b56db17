//! `airboss mcp`: the Model Context Protocol for agents, on standard input and output.
//!
//! A few tools: two that read, and one for each thing that an agent can report. Who reports is
//! known by the attempt and the token in the environment; without them only reading works. No
//! tool sets a status or changes configuration, and whatever is refused leaves the server up.
//!
//! The protocol is `rmcp`'s, the official SDK. It needs an async runtime, which lives in
//! [`serve`] alone: one thread, started by this command only.

mod lines;
mod server;
mod tools;

use airboss_core::exit::ExitCode;
use rmcp::ServiceExt as _;
use rmcp::service::ServerInitializeError;

use self::lines::Lines;
use self::server::Server;
use crate::context::Context;
use crate::error::{CliError, ErrorKind};

/// Serves until standard input ends.
///
/// # Errors
/// When the runtime cannot be started, or the client does not speak the protocol.
pub fn serve(context: &Context) -> Result<ExitCode, CliError> {
    let failed = |error: &dyn std::fmt::Display| CliError::new(ErrorKind::Io, error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    runtime.block_on(async {
        let lines = Lines::of_standard_streams()?;
        match Server::new(context).serve(lines).await {
            Ok(running) => {
                running.waiting().await.map_err(|error| failed(&error))?;
                Ok(ExitCode::Success)
            }
            // A client that says nothing and goes is none of our business.
            Err(ServerInitializeError::ConnectionClosed(_)) => Ok(ExitCode::Success),
            Err(error) => Err(failed(&error)),
        }
    })
}
