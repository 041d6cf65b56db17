//! Where the files of a board lie.

use std::path::{Path, PathBuf};

use airboss_core::board::BoardKey;
use airboss_core::path::{RepoPath, RepoPathError};

/// The files of one board in one work tree.
#[derive(Clone, Debug)]
pub struct Places {
    /// The top of the work tree.
    pub top: PathBuf,
    /// The board.
    pub board: BoardKey,
    /// TODO.md.
    pub todo: RepoPath,
    /// The state.json of the board.
    pub state: RepoPath,
    /// The state.json of the archive.
    pub archive: RepoPath,
    /// errors.json.
    pub errors: RepoPath,
}

impl Places {
    /// The files of this board below the top of a work tree.
    ///
    /// # Errors
    /// Never for a board that was found.
    pub fn new(top: &Path, board: &BoardKey) -> Result<Self, RepoPathError> {
        Ok(Self {
            top: top.to_owned(),
            board: board.clone(),
            todo: board.file("TODO.md")?,
            state: board.file("state.json")?,
            archive: board.file("archive/state.json")?,
            errors: board.file("errors.json")?,
        })
    }
}
