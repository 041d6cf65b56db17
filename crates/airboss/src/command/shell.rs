//! `completions` and `man`: what shells and manual readers want.

use airboss_core::exit::ExitCode;
use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::context::Context;
use crate::error::CliError;

/// Print a completion script.
#[derive(clap::Args, Clone, Debug)]
pub struct CompletionsArguments {
    /// The shell.
    shell: Shell,
}

/// Prints a completion script.
///
/// # Errors
/// None; a closed pipe is the reader's choice.
pub fn completions(
    context: &Context,
    arguments: &CompletionsArguments,
) -> Result<ExitCode, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "airboss", &mut script);
    context.printer.raw(&script);
    Ok(ExitCode::Success)
}

/// Prints the manual page.
///
/// # Errors
/// When it cannot be rendered.
pub fn man(context: &Context) -> Result<ExitCode, CliError> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    context.printer.raw(&page);
    Ok(ExitCode::Success)
}
