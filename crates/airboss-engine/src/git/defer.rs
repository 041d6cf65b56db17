//! When a commit has to wait: moving HEAD now would break what a person or git is doing.

use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::error::{GitError, GixContext as _};
use super::repository::Repository;
use super::snapshot::exists;
use crate::clock;

/// A commit editor left open longer than this was forgotten or its commit given up.
const EDITOR_AGE_MAX: Duration = Duration::from_secs(10 * 60);

/// `git commit -m`, which opens no editor, is over in a fraction of this, also on a busy machine.
const COMMIT_MAX: Duration = Duration::from_secs(2);
/// What lines of the template begin with that git writes for an editor: `core.commentChar`, and
/// those that it takes by itself.
const COMMENTS: &[u8] = b"#;@!$%^&|:";

/// Why a commit is put off. Nothing is lost: the same request may be made again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum DeferReason {
    /// A merge is in progress.
    #[error("a merge is in progress")]
    Merge,
    /// A rebase or `git am` is in progress.
    #[error("a rebase is in progress")]
    Rebase,
    /// A cherry-pick is in progress.
    #[error("a cherry-pick is in progress")]
    CherryPick,
    /// A revert is in progress.
    #[error("a revert is in progress")]
    Revert,
    /// A bisect is in progress.
    #[error("a bisect is in progress")]
    Bisect,
    /// HEAD is not on a branch.
    #[error("HEAD is detached")]
    DetachedHead,
    /// The branch has no commit yet; the first one is a person's.
    #[error("the branch has no commit yet")]
    UnbornHead,
    /// Another git holds the index.
    #[error("another git process holds .git/index.lock; remove it if none is running")]
    IndexLocked,
    /// Another git holds the branch.
    #[error("another git process holds the branch's lock file; remove it if none is running")]
    BranchLocked,
    /// A person seems to be writing a commit message.
    #[error("a commit message is being written")]
    CommitEditor,
    /// The branch moved faster than a commit could be made.
    #[error("the branch is being changed all the time")]
    Busy,
}

/// The marks of operations in progress, each in the work tree's own git directory.
const MARKS: [(&str, DeferReason); 8] = [
    ("rebase-merge", DeferReason::Rebase),
    ("rebase-apply", DeferReason::Rebase),
    ("MERGE_HEAD", DeferReason::Merge),
    ("CHERRY_PICK_HEAD", DeferReason::CherryPick),
    ("REVERT_HEAD", DeferReason::Revert),
    // Between two picks of a sequence there is no head file.
    ("sequencer/todo", DeferReason::CherryPick),
    ("BISECT_LOG", DeferReason::Bisect),
    ("BISECT_START", DeferReason::Bisect),
];

/// Whether a commit made now would have to wait, and why. Locks are not looked at.
///
/// # Errors
/// When the repository cannot be read.
pub fn deferral(repository: &Repository) -> Result<Option<DeferReason>, GitError> {
    if let Some(reason) = operation_in_progress(repository) {
        return Ok(Some(reason));
    }
    let git = repository.open()?;
    let head = git.head().doing("reading HEAD")?;
    if head.is_detached() {
        return Ok(Some(DeferReason::DetachedHead));
    }
    if head.is_unborn() {
        return Ok(Some(DeferReason::UnbornHead));
    }
    let branch = head.referent_name().map(|name| name.as_bstr().to_string());
    let loose = branch.map(|name| repository.common_dir().join(name));
    let writing = is_message_being_written(repository, loose.as_deref(), clock::wall());
    Ok(writing.then_some(DeferReason::CommitEditor))
}

/// The part of [`deferral`] that is cheap enough to repeat under a lock.
pub(crate) fn operation_in_progress(repository: &Repository) -> Option<DeferReason> {
    let is_present = |name: &str| exists(&repository.git_dir().join(name));
    MARKS
        .iter()
        .find(|(name, _)| is_present(name))
        .map(|(_, reason)| *reason)
}

/// A plain `git commit` in its editor holds no lock. It has written `COMMIT_EDITMSG`,
/// and no commit has been logged since; Airboss' own commits write only the log.
fn is_message_being_written(
    repository: &Repository,
    branch: Option<&Path>,
    now: SystemTime,
) -> bool {
    let path = repository.git_dir().join("COMMIT_EDITMSG");
    let Some(message) = modified(&path) else {
        return false;
    };
    // Without a log of HEAD the branch's own file says when it last moved.
    let logged = modified(&repository.git_dir().join("logs/HEAD"));
    let moved = logged.max(branch.and_then(modified));
    let is_unlogged = moved.is_some_and(|moved| message > moved);
    let age = now.duration_since(message).unwrap_or_default();
    // A commit that found nothing to commit leaves its message behind, too.
    let age_max = || match is_for_editor(&path) {
        true => EDITOR_AGE_MAX,
        false => COMMIT_MAX,
    };
    is_unlogged && age < age_max()
}

/// Whether git wrote a message with its template for an editor; one given by `-m` has none.
fn is_for_editor(message: &Path) -> bool {
    let text = fs_err::read(message).unwrap_or_default();
    let mut lines = text.split(|byte| *byte == b'\n');
    lines.any(|line| line.first().is_some_and(|byte| COMMENTS.contains(byte)))
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata()
        .and_then(|metadata| metadata.modified())
        .ok()
}
