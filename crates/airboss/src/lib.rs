//! The program: arguments in, the engine called, words out.
//!
//! One file per command. Nothing is decided here and nothing is kept.

pub mod board;
pub mod cli;
pub mod command;
pub mod context;
pub mod desk;
pub mod error;
pub mod lazy;
pub mod lookup;
pub mod mcp;
pub mod output_file;
pub mod page;
pub mod pictures;
pub mod printer;
pub mod render;
pub mod report;
pub mod scripted;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub mod selftest;
#[cfg(feature = "tui")]
pub mod tui;
pub mod words;

use std::process::ExitCode;

use crate::cli::{Cli, Command};
use crate::error::CliError;
use crate::printer::Printer;

/// The whole program.
#[must_use]
pub fn main_impl() -> ExitCode {
    let cli = Cli::read();
    match cli.command {
        Command::ScriptedAgent(arguments) => scripted::run(&arguments),
        Command::Supervise { directory } => finish(
            airboss_engine::supervise::main(&directory)
                .map_err(CliError::from)
                .map(|()| airboss_core::exit::ExitCode::Success),
        ),
        _ => finish(cli.execute()),
    }
}

fn finish(result: Result<airboss_core::exit::ExitCode, CliError>) -> ExitCode {
    let code = result.unwrap_or_else(|error| {
        Printer.error(&error);
        error.exit_code()
    });
    ExitCode::from(code.code())
}
