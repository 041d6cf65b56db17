//! A client that nobody here wrote: the official SDK in TypeScript, run by Node.
//!
//! `AIRBOSS_TEST_MCP_SDK` names the folder in which it is installed; without it, the folder is
//! looked for where `.ci/run` installs it. Where there is none, the test says so.

#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::*;

/// Where `.ci/run` installs the SDK, from the top of the project.
const INSTALLED: &str = "target/mcp-sdk";

fn sdk() -> Option<PathBuf> {
    let named = std::env::var_os("AIRBOSS_TEST_MCP_SDK").map(PathBuf::from);
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?;
    let folder = named.unwrap_or_else(|| top.join(INSTALLED));
    let is_there = folder
        .join("node_modules/@modelcontextprotocol/sdk")
        .is_dir();
    is_there.then_some(folder)
}

#[test]
fn the_official_sdk_uses_every_tool() {
    let Some(sdk) = sdk() else {
        eprintln!("skipped: neither AIRBOSS_TEST_MCP_SDK nor {INSTALLED} holds the MCP SDK");
        return;
    };
    let environment = environment();
    let agent = Agent::of(&environment, "1.1");
    let other = Agent::of(&environment, "1.2");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp/client.mjs");
    let output = Command::new("node")
        .arg(script)
        .arg(sdk)
        .arg(env!("CARGO_BIN_EXE_airboss"))
        .current_dir(environment.top())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", environment.outside("home"))
        .env("AIRBOSS_ATTEMPT", agent.attempt.to_string())
        .env("AIRBOSS_TOKEN", &agent.token)
        .env("AIRBOSS_PLAN", PLAN)
        .env("OTHER_TOKEN", &other.token)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{errors}");
    environment
        .settings()
        .bind(|| insta::assert_snapshot!(told));
    assert_eq!(
        claims(&environment, "1.1"),
        [
            "progress: half way",
            "note: a note",
            "finding: a finding",
            "phase begun: 1",
            "phase done: 1",
            "artifact ready: out/1-1.txt",
            "question: Which width?",
            "note: still there",
        ]
    );
}
