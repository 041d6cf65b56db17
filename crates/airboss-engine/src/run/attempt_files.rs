//! The directory of an attempt: what a later runner must know of it.
//!
//! `<state>/attempts/<id>/` holds the supervisor's files, the gates' and
//! `attempt.json`, written before the agent starts: the tree as it was, who else
//! was at work, and what the plan expects. With it a runner that was not there
//! can weigh the attempt.

use std::io;
use std::path::{Path, PathBuf};

use airboss_core::agent::StreamFormat;
use airboss_core::id::{AttemptId, StepId};
use airboss_core::path::RepoPath;
use serde::{Deserialize, Serialize};

use super::tree::Tree;

/// The file's name.
const FILE: &str = "attempt.json";

/// What is kept of an attempt's beginning.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AttemptFiles {
    /// The attempt.
    pub attempt: AttemptId,
    /// The top of the work tree it works in.
    pub top: PathBuf,
    /// Its steps.
    pub steps: Vec<StepId>,
    /// The language of its stream.
    pub format: StreamFormat,
    /// What the plan says it touches.
    pub declared: Vec<RepoPath>,
    /// The attempts of any run that were open in this tree when it began.
    pub beside: Vec<AttemptId>,
    /// The store's newest operation when it began: later attempts come after it.
    pub sequence: u64,
    /// The tree as it was.
    pub before: Tree,
    /// The prompt.
    pub prompt: String,
    /// The agent's session that it goes on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<String>,
}

/// The directory of an attempt.
#[must_use]
pub fn directory(state: &Path, attempt: AttemptId) -> PathBuf {
    state.join("attempts").join(attempt.to_string())
}

impl AttemptFiles {
    /// Writes it; the directory is made on the way.
    ///
    /// # Errors
    /// When it cannot be written whole.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        fs_err::create_dir_all(directory)?;
        let bytes = serde_json::to_vec(self).map_err(io::Error::other)?;
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        io::Write::write_all(&mut file, &bytes)?;
        file.as_file().sync_all()?;
        file.persist(directory.join(FILE))
            .map_err(|error| error.error)?;
        Ok(())
    }

    /// Reads it; `None` when there is none, which means that the attempt never began.
    #[must_use]
    pub fn read(directory: &Path) -> Option<Self> {
        let bytes = fs_err::read(directory.join(FILE)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}
