//! The scripted model server for agents that are started by hand.
//!
//! `cargo run -p airboss-testkit --example model_server [PORT]` prints the base URL of
//! the scenario `ok` and runs until its input ends.

use std::io::{Read, Write};

use airboss_testkit::model_server::ModelServer;

fn main() -> std::io::Result<()> {
    let port = std::env::args()
        .nth(1)
        .and_then(|port| port.parse().ok())
        .unwrap_or(0);
    let server = ModelServer::on(port)?;
    writeln!(std::io::stdout(), "{}", server.base_url("ok", "by-hand"))?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    for request in server.requests("by-hand") {
        writeln!(
            std::io::stdout(),
            "{} {}",
            request["method"],
            request["path"]
        )?;
    }
    Ok(())
}
