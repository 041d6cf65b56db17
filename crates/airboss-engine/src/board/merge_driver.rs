//! The merge driver: git asks Airboss to merge TODO.md and state.json task by task.
//!
//! It is registered in the repository's own configuration and attributes, which are not tracked
//! and belong to this clone alone. A forge that knows nothing of it merges line by line.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::Path;

use airboss_core::board::compare::changes_between;
use airboss_core::board::merge_file::{Version, merge};
use airboss_core::board::reconcile::join;
use airboss_core::board::{BoardKey, Edit, EditError, Field, Task, TaskChange, TaskFacts};
use fs_err as fs;

use super::desk::BoardError;
use super::list_file::{ListFile, Parsed};
use super::places::Places;
use crate::git::{GitError, Repository};
use crate::store::PublishKind;
use crate::vfs::is_absent;
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
        known.retain(|line| !lines.contains(line));
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
    /// Git cannot be run.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A version is damaged.
    #[error("{0}")]
    Damaged(#[from] EditError),
    /// It is none of the two files.
    #[error("{0} is neither a TODO.md nor a state.json")]
    Unknown(String),
}

/// Merges three versions and writes the result over `ours`, as git asks of a driver.
///
/// The answer says in words where both sides differ; there, the file has what it names.
///
/// # Errors
/// When a version cannot be read; `ours` is untouched then.
pub fn run_merge_driver(
    repository: &Repository,
    base: &Path,
    ours: &Path,
    theirs: &Path,
    name: &str,
) -> Result<Vec<String>, MergeError> {
    let kind = match Path::new(name).file_name().and_then(OsStr::to_str) {
        Some("TODO.md") => PublishKind::Todo,
        Some("state.json") => PublishKind::BoardState,
        _ => return Err(MergeError::Unknown(name.to_owned())),
    };
    let (base, own, theirs) = (fs::read(base)?, fs::read(ours)?, fs::read(theirs)?);
    let (bytes, clashes) = merge_versions(repository, &kind, &base, &own, &theirs)?;
    fs::write(ours, bytes)?;
    Ok(clashes)
}

/// Merges three versions of a file task by task, and what is not of tasks line by line.
///
/// # Errors
/// When a version is damaged, or git cannot be run.
pub(super) fn merge_versions(
    repository: &Repository,
    kind: &PublishKind,
    base: &[u8],
    ours: &[u8],
    theirs: &[u8],
) -> Result<(Vec<u8>, Vec<String>), MergeError> {
    let Some(file) = ListFile::of(kind) else {
        return Err(MergeError::Unknown(format!("{kind:?}")));
    };
    // Two sides that began a file each have nothing in common.
    let empty = Parsed::default();
    let base_read = if base.is_empty() {
        Ok(empty)
    } else {
        (file.parse)(base)
    };
    let (base_read, own_read) = (base_read?, (file.parse)(ours)?);
    let their_read = (file.parse)(theirs)?;
    let version = |read: &'_ Parsed| (read.facts.clone(), read.next_number);
    let versions = [
        version(&base_read),
        version(&own_read),
        version(&their_read),
    ];
    let [first, second, third] = versions.each_ref().map(|(tasks, next_number)| Version {
        tasks,
        next_number: *next_number,
    });
    let merged = merge(first, second, third);
    let edits = merged.edits();
    let changes: Vec<Edit<'_>> = edits
        .iter()
        .filter(|edit| !matches!(edit, Edit::Add { .. } | Edit::Remove { .. }))
        .cloned()
        .collect();
    // With the same values everywhere, the lines of tasks cannot conflict: what is left is prose.
    let own_side = file.edit_around(ours, &changes)?.bytes;
    let decided = (file.parse)(&own_side)?;
    let other_side = |bytes: &[u8], read: &Parsed| -> Result<Vec<u8>, EditError> {
        let tasks = alike(read, &decided);
        let edits: Vec<Edit<'_>> = tasks
            .iter()
            .map(|(task, fields)| Edit::Change { task, fields })
            .chain(decided.next_number.map(Edit::NextNumber))
            .collect();
        Ok(file.edit_around(bytes, &edits)?.bytes)
    };
    let base_side = if base.is_empty() {
        Vec::new()
    } else {
        other_side(base, &base_read)?
    };
    let their_side = other_side(theirs, &their_read)?;
    let (lines, overlap) = repository.merge_lines(&base_side, &own_side, &their_side)?;
    let mut clashes: Vec<String> = merged.clashes.iter().map(ToString::to_string).collect();
    // A text that lines made unreadable is no merge; that of our side with the edits is one.
    let from = match (file.parse)(&lines) {
        Ok(_) => lines,
        Err(_) => own_side,
    };
    if overlap && *kind == PublishKind::Todo {
        clashes.push("both changed the same lines of text; ours stand".to_owned());
    }
    Ok((file.edit_around(&from, &edits)?.bytes, clashes))
}

/// What gives the tasks of one version the values that were decided.
fn alike(read: &Parsed, decided: &Parsed) -> Vec<(Task, Vec<Field>)> {
    let wanted: BTreeMap<u32, &TaskFacts> = decided
        .facts
        .iter()
        .map(|facts| (facts.number, facts))
        .collect();
    let pairs = read.facts.iter().filter_map(|facts| {
        let wanted = wanted.get(&facts.number)?;
        let changes = changes_between(facts, wanted);
        let fields: Vec<Field> = changes.iter().map(TaskChange::field).collect();
        let task = join(facts.number, Some(wanted), None);
        (!fields.is_empty()).then_some((task, fields))
    });
    pairs.collect()
}
