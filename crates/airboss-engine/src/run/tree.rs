//! The work tree at one instant: by git where there is git, else by a plain walk.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use airboss_core::path::RepoPath;
use serde::{Deserialize, Serialize};

use crate::git::{GitError, Repository, Snapshot, SnapshotOptions};
use crate::projection::digest;

/// A tree without git is walked file by file; more than this belongs under git.
const WALK_FILES_MAX: usize = 200_000;

/// How long is waited for a tree in which others commit and write all the while: an attempt
/// whose evidence cannot be gathered has to be repeated, which costs far more.
const STEADY_WAIT: Duration = Duration::from_secs(20);
/// The pause between two looks at it.
const STEADY_PAUSE: Duration = Duration::from_millis(100);

/// What was there.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tree {
    /// Under git: what differs from HEAD.
    Git(Snapshot),
    /// Without git: size and modification time of every file.
    Plain(BTreeMap<RepoPath, (u64, i64)>),
}

/// Why a tree could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// Git failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A directory could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// There are more files than are watched without git.
    #[error(
        "{0} holds more than {WALK_FILES_MAX} files and is not under git; run `git init` there"
    )]
    TooLarge(String),
}

impl Tree {
    /// Looks at the tree now. `baseline` is the look before, whose contents need not be kept again.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn take(
        repository: Option<&Repository>,
        top: &Path,
        excluded: &[RepoPath],
        baseline: Option<&Self>,
    ) -> Result<Self, TreeError> {
        let Some(repository) = repository else {
            let mut files = BTreeMap::new();
            walk(top, top, excluded, &mut files)?;
            return Ok(Self::Plain(files));
        };
        let baseline = match baseline {
            Some(Self::Git(snapshot)) => Some(snapshot),
            _ => None,
        };
        let options = SnapshotOptions { excluded, baseline };
        let begin = Instant::now();
        loop {
            match Snapshot::take(repository, &options) {
                Err(GitError::Unsteady { .. }) if begin.elapsed() < STEADY_WAIT => {
                    thread::sleep(STEADY_PAUSE);
                }
                taken => return Ok(Self::Git(taken?)),
            }
        }
    }

    /// A short hash that tells two trees apart.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        // A map of strings and numbers always has a JSON form.
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        digest(&bytes)[..16].to_owned()
    }
}

fn walk(
    top: &Path,
    directory: &Path,
    excluded: &[RepoPath],
    files: &mut BTreeMap<RepoPath, (u64, i64)>,
) -> Result<(), TreeError> {
    for entry in fs_err::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        let Some(relative) = path.strip_prefix(top).ok().and_then(Path::to_str) else {
            continue;
        };
        // Names that are no paths here (`.git`, control characters) are nobody's work.
        let Ok(relative) = RepoPath::new(relative) else {
            continue;
        };
        let out = relative.as_str().starts_with(".airboss")
            || excluded.iter().any(|excluded| relative.lies_in(excluded));
        if out {
            continue;
        }
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            walk(top, &path, excluded, files)?;
        } else {
            let modified = metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec();
            files.insert(relative, (metadata.len(), modified));
            if files.len() > WALK_FILES_MAX {
                return Err(TreeError::TooLarge(top.display().to_string()));
            }
        }
    }
    Ok(())
}
