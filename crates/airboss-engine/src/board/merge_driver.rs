//! The merge driver: git asks Airboss to merge TODO.md and state.json task by task.
//!
//! It is registered in the repository's own configuration and attributes, which are not tracked
//! and belong to this clone alone. A forge that knows nothing of it merges line by line.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use airboss_core::board::drift::Side;
use airboss_core::board::merge_file::{Merged, merge};
use airboss_core::board::{BoardKey, EditError};
use fs_err as fs;

use super::desk::BoardError;
use super::find::is_absent;
use super::places::Places;
use crate::git::Repository;
use crate::workspace::Workspace;

/// The name of the driver in git's configuration.
const NAME: &str = "airboss";

/// Registers the driver for the files of a board. Twice is once; without git it is nothing.
///
/// # Errors
/// When git's configuration or attributes cannot be written.
pub fn register_merge_driver(workspace: &Workspace, places: &Places) -> Result<(), BoardError> {
    let Some(repository) = &workspace.repository else {
        return Ok(());
    };
    let program = std::env::current_exe()?;
    let program = program.display().to_string().replace('\'', r"'\''");
    let driver = format!("'{program}' merge-driver %O %A %B %P");
    repository.set_config(&format!("merge.{NAME}.name"), "airboss: task by task")?;
    repository.set_config(&format!("merge.{NAME}.driver"), &driver)?;
    let lines = attributes(&places.board)?;
    edit_attributes(repository, |known| {
        let missing: Vec<_> = lines.iter().filter(|line| !known.contains(line)).collect();
        known.extend(missing.into_iter().cloned().collect::<Vec<_>>());
    })?;
    Ok(())
}

/// Takes the driver away again.
///
/// # Errors
/// When git's configuration or attributes cannot be written.
pub fn remove_merge_driver(workspace: &Workspace, places: &Places) -> Result<(), BoardError> {
    let Some(repository) = &workspace.repository else {
        return Ok(());
    };
    repository.remove_config_section(&format!("merge.{NAME}"))?;
    let lines = attributes(&places.board)?;
    edit_attributes(repository, |known| {
        known.retain(|line| !lines.contains(line))
    })?;
    Ok(())
}

fn attributes(board: &BoardKey) -> Result<Vec<String>, BoardError> {
    let mut lines = Vec::new();
    for name in ["TODO.md", "state.json"] {
        lines.push(format!("/{} merge={NAME}", board.file(name)?));
    }
    Ok(lines)
}

fn edit_attributes(repository: &Repository, edit: impl FnOnce(&mut Vec<String>)) -> io::Result<()> {
    let directory = repository.common_dir().join("info");
    let path = directory.join("attributes");
    let text = match fs::read_to_string(&path) {
        Err(error) if is_absent(&error) => String::new(),
        text => text?,
    };
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let before = lines.clone();
    edit(&mut lines);
    if lines == before {
        return Ok(());
    }
    fs::create_dir_all(directory)?;
    let mut text = lines.join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    fs::write(path, text)
}

/// Why a merge was not done; git keeps its own conflict then.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A version cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A version is damaged.
    #[error("{0}")]
    Damaged(#[from] EditError),
    /// It is none of the two files.
    #[error("{0} is neither a TODO.md nor a state.json")]
    Unknown(String),
}

/// Merges three versions and writes the result over `ours`, as git asks of a driver.
///
/// The answer names the fields on which both sides differ; there, ours stands in the file.
///
/// # Errors
/// When a version cannot be read; `ours` is untouched then.
pub fn run_merge_driver(
    base: &Path,
    ours: &Path,
    theirs: &Path,
    name: &str,
) -> Result<Vec<String>, MergeError> {
    let kind = match Path::new(name).file_name().and_then(OsStr::to_str) {
        Some("TODO.md") => Side::Todo,
        Some("state.json") => Side::State,
        _ => return Err(MergeError::Unknown(name.to_owned())),
    };
    let (base, own, theirs) = (fs::read(base)?, fs::read(ours)?, fs::read(theirs)?);
    let Merged { bytes, conflicts } = merge(kind, &base, &own, &theirs)?;
    fs::write(ours, bytes)?;
    Ok(conflicts)
}
