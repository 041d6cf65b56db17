//! Finding the specs root of a work tree, and the directories of tasks in it.

use std::io::{self, Read as _};
use std::path::Path;

use airboss_core::board::BoardKey;
use airboss_core::board::directory::Directory;
use airboss_core::board::roots::{Choice, Found, TodoFound, candidates, choose};
use airboss_core::board::todo::{HEAD_BYTES, TodoFile, begins_with_entry};
use airboss_core::path::RepoPath;
use fs_err as fs;

use super::desk::BoardError;
use crate::vfs::is_absent;
use crate::workspace::Workspace;

/// A board that was found by its files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundBoard {
    /// Which.
    pub board: BoardKey,
    /// Other directories that look like boards too.
    pub others: Vec<String>,
}

/// Finds the board around a directory; `explicit` is a specs root that somebody named.
///
/// # Errors
/// When a directory cannot be read, or the named one leads out of the work tree.
pub fn find(
    workspace: &Workspace,
    from: &Path,
    explicit: Option<&str>,
) -> Result<Option<FoundBoard>, BoardError> {
    if let Some(root) = explicit {
        return Ok(Some(FoundBoard {
            board: key(root)?,
            others: Vec::new(),
        }));
    }
    let from = fs::canonicalize(from)?;
    let from = from.strip_prefix(&workspace.top).ok();
    let from = from.and_then(Path::to_str).unwrap_or("");
    let mut found = Vec::new();
    for root in candidates(from) {
        found.push(look(&workspace.top, root)?);
    }
    let Some(Choice { root, others, .. }) = choose(&found) else {
        return Ok(None);
    };
    Ok(Some(FoundBoard {
        board: key(&root)?,
        others,
    }))
}

/// The key of the board in a directory, given from the top; empty for the top itself.
///
/// # Errors
/// When it leads out of the work tree.
pub fn key(root: &str) -> Result<BoardKey, BoardError> {
    Ok(match root.trim_end_matches('/') {
        "" | "." => BoardKey::at_top()?,
        root => BoardKey::new(RepoPath::new(root)?),
    })
}

fn look(top: &Path, root: String) -> Result<Found, BoardError> {
    let directory = top.join(&root);
    let todo = match read_kind(&directory.join("TODO.md")) {
        Ok(found) => found,
        Err(error) if is_absent(&error) => TodoFound::Missing,
        Err(error) => return Err(error.into()),
    };
    Ok(Found {
        state: directory.join("state.json").is_file(),
        root,
        todo,
    })
}

/// What kind of TODO.md it is: its first lines mostly tell.
fn read_kind(path: &Path) -> io::Result<TodoFound> {
    let mut file = fs::File::open(path)?;
    let mut bytes = Vec::with_capacity(HEAD_BYTES + 1);
    (&mut file)
        .take(HEAD_BYTES as u64)
        .read_to_end(&mut bytes)?;
    if !begins_with_entry(&bytes) {
        file.read_to_end(&mut bytes)?;
    }
    Ok(TodoFile::kind(&bytes))
}

/// The directories of tasks below a specs root, as paths from it.
///
/// # Errors
/// When a directory cannot be read.
pub fn task_directories(root: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut shelves = vec![String::new(), "archive".to_owned()];
    for vault in names(&root.join("vault"))? {
        shelves.push(format!("vault/{vault}"));
        shelves.push(format!("vault/{vault}/archive"));
    }
    for shelf in shelves {
        for name in names(&root.join(&shelf))? {
            let path = if shelf.is_empty() {
                name
            } else {
                format!("{shelf}/{name}")
            };
            if Directory::parse(&path).is_some() {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The names of the directories in a directory; none where it is missing.
fn names(directory: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir()
            && let Ok(name) = entry.file_name().into_string()
        {
            names.push(name);
        }
    }
    Ok(names)
}
