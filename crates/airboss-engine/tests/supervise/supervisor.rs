//! The supervisor as a program of its own, so that its tests need no other crate.
//!
//! `supervise DIRECTORY` is the subcommand; `start DIRECTORY SPEC` is a caller
//! that can be killed: it starts an attempt and then only waits.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use airboss_engine::supervise;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let result = match arguments.as_slice() {
        [command, directory] if command == "supervise" => supervise::main(Path::new(directory)),
        [command, directory, spec] if command == "start" => {
            let spec = fs_err::read(spec).expect("the test wrote it");
            let spec = serde_json::from_slice(&spec).expect("the test wrote it");
            let program = std::env::current_exe().expect("/proc is mounted");
            let started = supervise::start(&program, Path::new(directory), &spec);
            started.map(|_handle| std::thread::park())
        }
        _ => return ExitCode::from(2),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{error}\n")).ok();
            ExitCode::FAILURE
        }
    }
}
