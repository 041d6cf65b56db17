//! `airboss merge-driver`: git calls it to merge TODO.md and state.json.

use std::path::PathBuf;

use airboss_core::exit::ExitCode;
use airboss_engine::board::{MergeError, remove_merge_driver, run_merge_driver};
use airboss_engine::workspace::Workspace;

use crate::context::Context;
use crate::error::{CliError, ErrorKind};

/// Merge three versions of TODO.md or state.json, as git asks of a merge driver.
#[derive(clap::Args, Clone, Debug)]
pub struct MergeDriverArguments {
    /// Forget that git was told of this driver.
    #[arg(long, exclusive = true)]
    remove: bool,
    /// The common ancestor (%O).
    #[arg(required_unless_present = "remove")]
    base: Option<PathBuf>,
    /// Our version, which becomes the merged one (%A).
    #[arg(required_unless_present = "remove")]
    ours: Option<PathBuf>,
    /// Their version (%B).
    #[arg(required_unless_present = "remove")]
    theirs: Option<PathBuf>,
    /// The file's path in the repository (%P).
    #[arg(required_unless_present = "remove")]
    path: Option<String>,
}

/// Merges, or forgets the driver. Exit code 1 tells git that a person should look.
///
/// # Errors
/// When a version cannot be read or is damaged; nothing is written then.
pub fn merge_driver(
    context: &Context,
    arguments: &MergeDriverArguments,
) -> Result<ExitCode, CliError> {
    if arguments.remove {
        let (workspace, places) = crate::board::known(context)?;
        remove_merge_driver(&workspace, &places)?;
        context
            .printer
            .note("git merges TODO.md and state.json line by line again");
        return Ok(ExitCode::Success);
    }
    let workspace = Workspace::open(&context.directory)?;
    let (Some(base), Some(ours), Some(theirs), Some(path), Some(repository)) = (
        &arguments.base,
        &arguments.ours,
        &arguments.theirs,
        &arguments.path,
        &workspace.repository,
    ) else {
        return Err(CliError::usage("git calls this in a repository"));
    };
    let clashes = run_merge_driver(repository, base, ours, theirs, path)?;
    for clash in &clashes {
        context.printer.warning(&format!("{path}: {clash}"));
    }
    Ok(if clashes.is_empty() {
        ExitCode::Success
    } else {
        ExitCode::Failed
    })
}

impl From<MergeError> for CliError {
    fn from(error: MergeError) -> Self {
        let kind = match error {
            MergeError::Io(_) | MergeError::Git(_) => ErrorKind::Io,
            MergeError::Damaged(_) | MergeError::Unknown(_) => ErrorKind::Refused,
        };
        Self::new(kind, error.to_string())
    }
}
