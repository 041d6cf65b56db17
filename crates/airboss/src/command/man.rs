//! `airboss man`: the manual pages, made from the same text as `--help`.

use std::path::PathBuf;

use airboss_core::exit::ExitCode;

use crate::cli::Cli;
use crate::context::Context;
use crate::error::CliError;

/// Print the manual page, or write one for each command.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct ManArguments {
    /// Write the page of each command as a file into this directory, which is made.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Prints or writes manual pages.
///
/// # Errors
/// When a file cannot be written.
pub fn man(context: &Context, arguments: &ManArguments) -> Result<ExitCode, CliError> {
    let Some(directory) = &arguments.dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::whole()).render(&mut page)?;
        context.printer.raw(&page);
        return Ok(ExitCode::Success);
    };
    let directory = context.directory.join(directory);
    fs_err::create_dir_all(&directory)?;
    clap_mangen::generate_to(Cli::whole(), &directory)?;
    if !context.quiet {
        let written = format!("the manual pages are in {}", directory.display());
        context.printer.note(&written);
    }
    Ok(ExitCode::Success)
}
