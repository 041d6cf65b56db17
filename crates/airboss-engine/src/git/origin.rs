//! Whether git put a text where it stands.
//!
//! A file does not tell who wrote it. What git has at this moment for its path is git's: a
//! checkout, a reset and a stash leave exactly that. But the moment passes, because commits are
//! made meanwhile, Airboss' own among them, and then git has something newer. So the positions
//! that HEAD had since the text was written are asked as well, and so is the text itself: what a
//! merge makes is stored as a blob before it is written to its file, what a person types never is.

use std::time::{Duration, UNIX_EPOCH};

use airboss_core::path::RepoPath;
use gix::ObjectId;

use super::content::{blob_id, blobs_at};
use super::error::{GitError, GixContext as _};
use super::index::IndexBytes;
use super::object::Oid;
use super::repository::Repository;

/// So many positions of HEAD are looked at.
const POSITIONS_MAX: usize = 300;
/// A log of HEAD tells whole seconds.
const LOG_TICK: Duration = Duration::from_secs(1);
/// Between the writing of a commit and HEAD's move to it: a busy machine takes its time.
const MOVE_MAX: Duration = Duration::from_millis(500);
/// How long somebody may take to change and save what git has just written.
const TYPED_UPON_MAX: Duration = Duration::from_secs(10);
/// Between the writing of a blob by git and that of its file.
const MERGE_MAX: Duration = Duration::from_secs(1);
/// File systems tell times in ticks.
const TICK: Duration = Duration::from_millis(10);

/// Who wrote a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Writer {
    /// Git did: a commit has it that HEAD was at.
    Commit(Oid),
    /// Git did: it is staged, or it was made by a merge.
    Git,
    /// Nobody knows; perhaps a person.
    Unknown,
}

impl Writer {
    /// Whether it was git.
    #[must_use]
    pub fn is_git(self) -> bool {
        self != Self::Unknown
    }
}

impl Repository {
    /// Who wrote the text that a path has, as far as git shows it. `written` is when that was, in
    /// nanoseconds since 1970; without it only what git has now counts.
    ///
    /// # Errors
    /// When git cannot be read.
    pub fn writer(
        &self,
        path: &RepoPath,
        text: &[u8],
        written: Option<i128>,
    ) -> Result<Writer, GitError> {
        let git = self.open()?;
        let blob = blob_id(&git, text).ok_or_else(|| GitError::Unreadable {
            path: self.top().to_owned(),
            reason: format!("{path} has no id"),
        })?;
        let written = written.and_then(since_1970);
        for commit in self.positions(&git, written)? {
            if blobs_at(&git, commit, [path]).is_some_and(|[found]| found == Some(blob)) {
                return Ok(Writer::Commit(Oid::from_gix(commit)));
            }
        }
        let index = IndexBytes::read(&self.git_dir().join("index"))?;
        let staged = index.entry(path)?;
        let is_staged = staged.is_some_and(|entry| entry.blob.to_gix() == blob);
        let is_made = written.is_some_and(|written| self.made_before(&git, blob, written));
        Ok(if is_staged || is_made {
            Writer::Git
        } else {
            Writer::Unknown
        })
    }

    /// The versions of a file that git wrote into the work tree in the seconds before `written`,
    /// each once: by a checkout, a reset, a merge or a rebase, not by a commit, which leaves the
    /// file as it is.
    ///
    /// # Errors
    /// When git cannot be read.
    pub fn brought_before(&self, path: &RepoPath, written: i128) -> Result<Vec<Vec<u8>>, GitError> {
        let git = self.open()?;
        let head = git.head().doing("reading HEAD")?;
        let Some(written) = since_1970(written) else {
            return Ok(Vec::new());
        };
        let since = written.saturating_sub(TYPED_UPON_MAX);
        let mut blobs: Vec<ObjectId> = Vec::new();
        each_move(&head, |moved| {
            if moved.told.as_secs() >= since.as_secs()
                && moved.committed.is_none()
                && let Some([Some(blob)]) = blobs_at(&git, moved.to, [path])
                && !blobs.contains(&blob)
            {
                blobs.push(blob);
            }
            true
        });
        let read = |blob: ObjectId| {
            let mut blob = git.find_blob(blob).doing("reading a version")?;
            Ok(blob.take_data())
        };
        blobs.into_iter().map(read).collect()
    }

    /// Where HEAD is, and where it was since a time, the newest first.
    fn positions(
        &self,
        git: &gix::Repository,
        since: Option<Duration>,
    ) -> Result<Vec<ObjectId>, GitError> {
        let head = git.head().doing("reading HEAD")?;
        let Some(now) = head.id().map(gix::Id::detach) else {
            return Ok(Vec::new());
        };
        let mut positions = vec![now];
        let Some(since) = since else {
            return Ok(positions);
        };
        each_move(&head, |moved| {
            if positions.last() != Some(&moved.to) {
                positions.push(moved.to);
            }
            self.moved_at(&moved) >= since
        });
        Ok(positions)
    }

    /// When HEAD had moved to a commit at the latest. The log bears the time of a commit of ours,
    /// which is that of its operation and may be long before.
    fn moved_at(&self, moved: &Move<'_>) -> Duration {
        match self.made_at(moved.to) {
            Some(made) if moved.told <= made => made + MOVE_MAX,
            _ => moved.told + LOG_TICK,
        }
    }

    /// When an object was written; `None` of one that is not by itself in a file.
    fn made_at(&self, id: ObjectId) -> Option<Duration> {
        let name = id.to_hex().to_string();
        let (directory, name) = name.split_at_checked(2)?;
        let file = self.common_dir().join("objects").join(directory).join(name);
        let facts = fs_err::metadata(file).ok()?;
        facts.modified().ok()?.duration_since(UNIX_EPOCH).ok()
    }

    /// Whether a text was a blob before it was written to its file, and nobody but git made it
    /// one.
    fn made_before(&self, git: &gix::Repository, blob: ObjectId, written: Duration) -> bool {
        let Some(made) = self.made_at(blob) else {
            return false;
        };
        let is_kept = |area: &&str| {
            let name = format!("refs/airboss/{area}/{blob}");
            // What cannot be asked about is taken for a person's.
            !matches!(git.try_find_reference(&name), Ok(None))
        };
        made <= written + TICK
            && written <= made + MERGE_MAX
            && !["displaced", "quarantine"].iter().any(is_kept)
    }
}

/// A move of HEAD, as its log tells.
pub(super) struct Move<'log> {
    pub(super) to: ObjectId,
    /// When that was, by the log.
    told: Duration,
    /// What a commit says of itself in the log; a commit leaves the files as they are.
    pub(super) committed: Option<&'log [u8]>,
}

/// Goes through HEAD's moves, the newest first, for as long as `go_on` says so. Where there is no
/// log there are none.
pub(super) fn each_move(head: &gix::Head<'_>, mut go_on: impl FnMut(Move<'_>) -> bool) {
    let mut log = head.log_iter();
    let entries = log.rev().ok().flatten().into_iter().flatten();
    for entry in entries.take(POSITIONS_MAX).map_while(Result::ok) {
        let told = u64::try_from(entry.signature.time.seconds).unwrap_or(0);
        let moved = Move {
            to: entry.new_oid,
            told: Duration::from_secs(told),
            committed: entry.message.strip_prefix(b"commit"),
        };
        if !go_on(moved) {
            return;
        }
    }
}

fn since_1970(nanoseconds: i128) -> Option<Duration> {
    let nanoseconds = u64::try_from(nanoseconds).ok()?;
    Some(Duration::from_nanos(nanoseconds))
}
