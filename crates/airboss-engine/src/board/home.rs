//! Which of several work trees has the files of a board.
//!
//! Linked work trees share one store. Were the files kept up to date in each of them, every branch
//! would carry changes of TODO.md, and every merge would be about them. So they are written and
//! read in one only, the one that adopted the board; whoever works in another changes them there.

use std::path::{Path, PathBuf};

use airboss_core::board::BoardKey;
use fs_err as fs;

use crate::git::Repository;
use crate::projection::digest;
use crate::workspace::{Workspace, WorkspaceError};

/// The home of one board.
pub(super) struct Home {
    file: PathBuf,
    /// Its git directory, from the common one: that name stays when a work tree is moved.
    name: PathBuf,
}

impl Home {
    /// As it was noted; without a note it is the main work tree.
    pub(super) fn of(repository: &Repository, board: &BoardKey) -> Self {
        let mut key = digest(board.to_string().as_bytes());
        key.truncate(16);
        let directory = repository.common_dir().join("airboss").join("home");
        let file = directory.join(key);
        let name = fs::read_to_string(&file).unwrap_or_default();
        Self {
            file,
            name: PathBuf::from(name.trim()),
        }
    }

    /// Notes that the board lives in this work tree.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn settle(self, repository: &Repository) -> std::io::Result<()> {
        let own = repository.git_dir().strip_prefix(repository.common_dir());
        let own = own.unwrap_or(Path::new("")).to_owned();
        if own == self.name {
            return Ok(());
        }
        if let Some(directory) = self.file.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(&self.file, own.as_os_str().as_encoded_bytes())
    }

    /// The repository as seen from there; `None` when that work tree is gone.
    pub(super) fn place(&self, repository: &Repository) -> Option<Repository> {
        let git_dir = if self.name.as_os_str().is_empty() {
            repository.common_dir().to_owned()
        } else {
            repository.common_dir().join(&self.name)
        };
        if git_dir == repository.git_dir() {
            return Some(repository.clone());
        }
        let home = repository.with_git_dir(git_dir).ok()?;
        // A repository without a work tree of its own is nobody's home.
        (home.top().is_dir() && home.top() != repository.top()).then_some(home)
    }
}

/// The work tree that has the files of a board; the given one when its home is gone.
///
/// # Errors
/// When that work tree cannot be used.
pub fn at_home(workspace: Workspace, board: &BoardKey) -> Result<Workspace, WorkspaceError> {
    let Some(repository) = &workspace.repository else {
        return Ok(workspace);
    };
    match Home::of(repository, board).place(repository) {
        Some(home) if home.git_dir() != repository.git_dir() => Workspace::open(home.top()),
        _ => Ok(workspace),
    }
}
