//! `airboss completions`: the script that teaches a shell this program's commands.

use airboss_core::exit::ExitCode;
use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::context::Context;
use crate::error::CliError;

/// Print the completions of a shell; put them where your shell looks for them.
#[derive(clap::Args, Clone, Debug)]
pub struct CompletionsArguments {
    /// The shell.
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// None so far.
pub fn completions(
    context: &Context,
    arguments: &CompletionsArguments,
) -> Result<ExitCode, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "airboss", &mut script);
    context.printer.raw(&script);
    Ok(ExitCode::Success)
}
