//! The project's own tasks, run as `cargo xtask TASK`.
//!
//! `cargo xtask ci` is the one command that proves a change; every check that
//! it makes can also be run alone. The tasks read the work tree and run cargo;
//! only `bench`, `picture` and `order` change files of the project.

mod bench;
mod ci;
mod layers;
mod lock;
mod picture;
mod tidy;
mod torture;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

/// The project's own tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

/// One task; its documentation is its help text.
#[derive(Subcommand)]
enum Task {
    /// Prove a change: tests, formatting, lints, documentation, dependencies and house rules
    Ci(ci::CiArguments),
    /// Measure the program beside floors and peers, and write docs/performance.md
    Bench(bench::BenchArguments),
    /// Run every suite of faults at the size of a release, and tell what each found
    Torture(torture::TortureArguments),
    /// Check the house rules that no compiler knows: headers, lengths, documents
    Tidy,
    /// Check that dependencies run one way: airboss, airboss-engine, airboss-core
    Layers,
    /// Check the number of packages in Cargo.lock against its limit
    Lock,
    /// Make the README's picture anew from a real demo in tmux
    Picture,
    /// Find out under valgrind which functions commands begin with, and write crates/airboss/order.ld
    Order,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let root = workspace_root()?;
    let mut output = io::stdout().lock();
    match arguments.task {
        Task::Ci(arguments) => ci::run(root, &arguments, &mut output),
        Task::Bench(arguments) => bench::run(root, &arguments, &mut output),
        Task::Torture(arguments) => torture::run(root, &arguments, &mut output),
        Task::Tidy => report(&tidy::problems(root)?, &mut output),
        Task::Layers => report(&layers::problems(root)?, &mut output),
        Task::Lock => report(&lock::problems(root)?, &mut output),
        Task::Picture => picture::run(root).map(|()| ExitCode::SUCCESS),
        Task::Order => bench::order::run(root).map(|()| ExitCode::SUCCESS),
    }
}

/// The folder of the workspace, which holds the folder of this crate.
fn workspace_root() -> Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("xtask lies outside the workspace")
}

/// Prints one problem a line; any problem is a failure.
fn report(problems: &[String], output: &mut impl Write) -> Result<ExitCode> {
    for problem in problems {
        writeln!(output, "{problem}")?;
    }
    Ok(if problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_printed_and_fails() {
        let mut output = Vec::new();
        let code = report(&["AGENTS.md: too long".to_owned()], &mut output).unwrap();
        assert_eq!(code, ExitCode::FAILURE);
        assert_eq!(output, b"AGENTS.md: too long\n");
        assert_eq!(report(&[], &mut Vec::new()).unwrap(), ExitCode::SUCCESS);
    }
}
