//! The one command that proves a change.
//!
//! Every check runs, also after one that failed, and has one line in the table;
//! what the failed ones printed follows the table. A check whose tool is not
//! installed counts as failed: what was not checked is not proved.

use std::env;
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use crate::{layers, lock, tidy};

/// Which checks to make; all of them when nothing is said.
#[derive(Args)]
pub(crate) struct CiArguments {
    /// Make only this check; may be repeated
    #[arg(long, value_name = "NAME")]
    only: Vec<CheckName>,
    /// Leave this check out; may be repeated
    #[arg(long, value_name = "NAME")]
    skip: Vec<CheckName>,
}

/// The checks, in the order in which they run: the quick ones first.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CheckName {
    Fmt,
    Tidy,
    Layers,
    Lock,
    Deny,
    Clippy,
    Doc,
    Test,
}

/// How one check ended.
#[derive(PartialEq, Eq, Debug)]
enum Verdict {
    Passed,
    /// With everything that a person needs to see.
    Failed(String),
    /// With the command that installs the tool.
    Missing(&'static str),
}

/// A program that makes a check.
struct Program {
    arguments: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
    /// The program that must be there for cargo to carry out the arguments.
    tool: &'static str,
    /// The command that installs the tool.
    install: &'static str,
}

/// Runs the chosen checks in `root` and prints the table.
pub(crate) fn run(
    root: &Path,
    arguments: &CiArguments,
    output: &mut impl Write,
) -> Result<ExitCode> {
    let chosen = chosen(arguments);
    let passed = run_checks(&chosen, |check| verdict(root, check), output)?;
    Ok(if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn chosen(arguments: &CiArguments) -> Vec<CheckName> {
    let mut checks = CheckName::value_variants().to_vec();
    checks.retain(|check| arguments.only.is_empty() || arguments.only.contains(check));
    checks.retain(|check| !arguments.skip.contains(check));
    checks
}

fn name(check: CheckName) -> &'static str {
    match check {
        CheckName::Fmt => "fmt",
        CheckName::Tidy => "tidy",
        CheckName::Layers => "layers",
        CheckName::Lock => "lock",
        CheckName::Deny => "deny",
        CheckName::Clippy => "clippy",
        CheckName::Doc => "doc",
        CheckName::Test => "test",
    }
}

/// Prints a line per check and the words of the failed ones; tells whether all passed.
fn run_checks(
    checks: &[CheckName],
    mut verdict: impl FnMut(CheckName) -> Verdict,
    output: &mut impl Write,
) -> Result<bool> {
    let mut failures = Vec::new();
    for &check in checks {
        // The name comes first, so that a person sees what the time is spent on.
        write!(output, "{:<8}", name(check))?;
        output.flush()?;
        let start = Instant::now();
        let verdict = verdict(check);
        write!(output, "{}  ", seconds(start.elapsed()))?;
        match verdict {
            Verdict::Passed => writeln!(output, "ok")?,
            Verdict::Missing(install) => writeln!(output, "MISSING: {install}")?,
            Verdict::Failed(_) => writeln!(output, "FAILED")?,
        }
        if verdict != Verdict::Passed {
            failures.push((check, verdict));
        }
    }
    for (check, verdict) in &failures {
        if let Verdict::Failed(words) = verdict {
            writeln!(output, "\n── {} ──\n{}", name(*check), words.trim_end())?;
        }
    }
    let passed = checks.len() - failures.len();
    writeln!(output, "\n{passed} of {} checks passed", checks.len())?;
    // A selection that leaves nothing over proves nothing.
    Ok(failures.is_empty() && !checks.is_empty())
}

fn seconds(duration: Duration) -> String {
    format!("{:>7.1} s", duration.as_secs_f64())
}

fn verdict(root: &Path, check: CheckName) -> Verdict {
    match check {
        CheckName::Fmt => verdict_of_program(root, &FMT),
        CheckName::Tidy => verdict_of_problems(tidy::problems(root)),
        CheckName::Layers => verdict_of_problems(layers::problems(root)),
        CheckName::Lock => verdict_of_problems(lock::problems(root)),
        CheckName::Deny => verdict_of_program(root, &DENY),
        CheckName::Clippy => verdict_of_program(root, &CLIPPY),
        CheckName::Doc => verdict_of_program(root, &DOC),
        CheckName::Test if is_installed(NEXTEST.tool) => verdict_of_program(root, &NEXTEST),
        CheckName::Test => verdict_of_program(root, &TEST),
    }
}

const FMT: Program = Program {
    arguments: &["fmt", "--all", "--check", "--", "--color=never"],
    environment: &[],
    tool: "rustfmt",
    install: "rustup component add rustfmt",
};
const CLIPPY: Program = Program {
    arguments: &[
        "clippy",
        "--locked",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ],
    environment: &[],
    tool: "cargo-clippy",
    install: "rustup component add clippy",
};
const DOC: Program = Program {
    arguments: &[
        "doc",
        "--locked",
        "--workspace",
        "--no-deps",
        "--document-private-items",
    ],
    environment: &[("RUSTDOCFLAGS", "-D warnings")],
    tool: "rustdoc",
    install: "rustup toolchain install",
};
/// Advisories are left out: their database is fetched from the network at every
/// run, and a check that fails without a network proves nothing about a change.
const DENY: Program = Program {
    arguments: &[
        "deny",
        "--locked",
        "--workspace",
        "check",
        "licenses",
        "bans",
        "sources",
    ],
    environment: &[],
    tool: "cargo-deny",
    install: "cargo install --locked cargo-deny",
};
const NEXTEST: Program = Program {
    arguments: &["nextest", "run", "--locked", "--workspace"],
    environment: &[],
    tool: "cargo-nextest",
    install: "cargo install --locked cargo-nextest",
};
/// For machines without nextest, which is a convenience.
const TEST: Program = Program {
    arguments: &["test", "--locked", "--workspace"],
    environment: &[],
    tool: "cargo",
    install: "rustup toolchain install",
};

fn verdict_of_problems(problems: Result<Vec<String>>) -> Verdict {
    match problems {
        Ok(problems) if problems.is_empty() => Verdict::Passed,
        Ok(problems) => Verdict::Failed(problems.join("\n")),
        Err(error) => Verdict::Failed(format!("{error:#}")),
    }
}

fn verdict_of_program(root: &Path, program: &Program) -> Verdict {
    if !is_installed(program.tool) {
        return Verdict::Missing(program.install);
    }
    match run_program(root, program) {
        Ok(None) => Verdict::Passed,
        Ok(Some(words)) => Verdict::Failed(words),
        Err(error) => Verdict::Failed(format!("{error:#}")),
    }
}

/// Whether the tool is there, which its own word on its version shows.
///
/// A file of that name is not enough: rustup has one for components that are not installed.
fn is_installed(tool: &str) -> bool {
    let mut command = Command::new(tool);
    if let Some(subcommand) = tool.strip_prefix("cargo-") {
        command.arg(subcommand);
    }
    let status = command
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

/// Runs cargo with the program's arguments; what it printed is returned when it failed.
fn run_program(root: &Path, program: &Program) -> Result<Option<String>> {
    // Both streams go to one file, so that their lines stay in order.
    let mut words = tempfile::tempfile()?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(program.arguments)
        .envs(program.environment.iter().copied())
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(words.try_clone()?)
        .stderr(words.try_clone()?)
        .status()
        .context("cargo does not start")?;
    if status.success() {
        return Ok(None);
    }
    words.rewind()?;
    let mut bytes = Vec::new();
    words.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(Some(format!(
        "{text}cargo {}: {status}",
        program.arguments.join(" ")
    )))
}

#[cfg(test)]
mod tests;
