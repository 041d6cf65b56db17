//! The supervisor as a program of its own, so that its tests need no other crate.

use std::path::PathBuf;
use std::process::ExitCode;

use airboss_engine::supervise;

fn main() -> ExitCode {
    let directory = std::env::args_os()
        .nth(2)
        .map(PathBuf::from)
        .unwrap_or_default();
    match supervise::main(&directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{error}\n")).ok();
            ExitCode::FAILURE
        }
    }
}
