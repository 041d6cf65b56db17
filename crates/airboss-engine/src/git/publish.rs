//! Publishing a proved commit: claim, `index.lock`, the branch's lock, the two renames.
//!
//! The branch moves by compare-and-swap under its own lock file, while `index.lock` is
//! held, so that nobody can build a commit from the new HEAD and the old index. Both
//! locks are linked as finished files and held for two renames and the checks around.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use airboss_core::path::RepoPath;
use fs_err as fs;
use gix::ObjectId;

use super::bystander::{is_rebasing, wait_for_commits};
use super::claim::{Claim, Lock, Record, sync_parent};
use super::defer::{DeferReason, operation_in_progress};
use super::error::{GitError, GixContext as _};
use super::index::{IndexBytes, write_patched};
use super::merge::Merger;
use super::object::Oid;
use super::recover::recover;
use super::repository::Repository;
use super::snapshot::exists;
use super::tree::PathEdit;
use crate::projection::digest;

/// How long one and the same foreign `index.lock` is waited for.
const INDEX_LOCK_WAIT: Duration = Duration::from_secs(2);
/// How long a branch's lock is waited for while `index.lock` is held: git holds it for
/// a few milliseconds, and a person's git fails at once on our `index.lock`.
const BRANCH_LOCK_WAIT: Duration = Duration::from_millis(20);
/// When the holder of a lock may have died: longer than any live one of ours takes.
const RECOVER_AFTER: Duration = Duration::from_millis(50);

/// A commit that is proved and stored, and not yet on its branch.
pub(crate) struct Candidate {
    pub(crate) commit: ObjectId,
    pub(crate) parent: ObjectId,
    pub(crate) branch: String,
    pub(crate) edits: Vec<PathEdit>,
    /// One line of a reflog without the two ids.
    pub(crate) log_line: String,
}

/// How a try to publish ended.
pub(crate) enum Publication {
    /// It is on the branch; the index entries of these paths had to stay.
    Published(Vec<RepoPath>),
    /// The branch or the index had changed: build anew.
    Lost,
    /// A lock of somebody else did not go away.
    Deferred(DeferReason),
}

/// Sleeps 0.2 to 2 ms: long enough for a neighbour's two renames, short enough that
/// nobody waits visibly, random so that equal committers do not stay in step.
pub(crate) fn pause() {
    let random = RandomState::new().build_hasher().finish();
    thread::sleep(Duration::from_micros(200 + random % 1_800));
}

/// Waits while another process holds `index.lock`.
pub(crate) fn wait_for_index_lock(repository: &Repository) -> Result<bool, GitError> {
    let path = repository.git_dir().join("index.lock");
    wait_for_lock(repository, &path)
}

/// Waits until the lock file at `path` is gone or replaced by another; false when the
/// same one stayed for the whole wait.
fn wait_for_lock(repository: &Repository, path: &Path) -> Result<bool, GitError> {
    let identity = || {
        path.symlink_metadata()
            .ok()
            .map(|it| (it.ino(), it.mtime(), it.mtime_nsec()))
    };
    let Some(first) = identity() else {
        return Ok(true);
    };
    let start = Instant::now();
    let mut has_recovered = false;
    while identity() == Some(first) {
        if !has_recovered && start.elapsed() > RECOVER_AFTER {
            // Its holder may be one of ours that died.
            recover(repository)?;
            has_recovered = true;
            continue;
        }
        if start.elapsed() > INDEX_LOCK_WAIT {
            return Ok(false);
        }
        pause();
    }
    Ok(true)
}

/// A claim and, when it was taken early, the lock on the index. The lock goes first.
pub(crate) struct Hold {
    index_lock: Option<Lock>,
    claim: Claim,
}

impl Hold {
    /// A claim whose lock is taken at the last moment, which disturbs nobody.
    pub(crate) fn late(repository: &Repository) -> Result<Self, GitError> {
        Ok(Self {
            index_lock: None,
            claim: Claim::create(repository)?,
        })
    }

    /// A claim with the lock on the index; `None` when somebody else was faster.
    pub(crate) fn early(repository: &Repository) -> Result<Option<Self>, GitError> {
        let mut hold = Self::late(repository)?;
        Ok(hold.lock(repository)?.then_some(hold))
    }

    fn lock(&mut self, repository: &Repository) -> Result<bool, GitError> {
        if self.index_lock.is_none() {
            let path = repository.git_dir().join("index.lock");
            self.index_lock = Lock::link(&self.claim.lock_file(), path)?;
        }
        Ok(self.index_lock.is_some())
    }
}

/// Tries once to publish.
pub(crate) fn publish(
    repository: &Repository,
    git: &gix::Repository,
    candidate: &Candidate,
    merger: &mut Merger<'_>,
    mut hold: Hold,
) -> Result<Publication, GitError> {
    let index_path = repository.git_dir().join("index");
    let index = IndexBytes::read(&index_path)?;
    let left = prepare(repository, &mut hold.claim, candidate, &index, merger)?;

    if !hold.lock(repository)? {
        return Ok(Publication::Lost);
    }
    if IndexBytes::read(&index_path)?.bytes != index.bytes || !is_head_on(repository, candidate)? {
        return Ok(Publication::Lost);
    }
    if let Some(reason) = operation_in_progress(repository) {
        return Ok(Publication::Deferred(reason));
    }
    let branch_path = repository.common_dir().join(&candidate.branch);
    let Some(branch_lock) = lock_branch(&hold.claim, &branch_path)? else {
        drop(hold);
        let lock_path = lock_of(&branch_path);
        let is_free = wait_for_lock(repository, &lock_path)?;
        let deferred = Publication::Deferred(DeferReason::BranchLocked);
        return Ok(if is_free { Publication::Lost } else { deferred });
    };
    if branch_value(git, &candidate.branch)? != Some(candidate.parent) {
        return Ok(Publication::Lost);
    }
    // As late as possible: what begins in the moment that is left may still find the branch where it
    // was before.
    if is_rebasing(repository) {
        return Ok(Publication::Deferred(DeferReason::Rebase));
    }
    append_logs(repository, git, candidate)?;
    hold.claim.branch_is_published();
    branch_lock.publish(&branch_path)?;
    fs::rename(hold.claim.index_file(), &index_path)?;
    wait_for_commits(repository);
    // One sync of the directory for the new index and for the end of its lock.
    match hold.index_lock {
        Some(lock) => lock.release()?,
        None => sync_parent(&index_path)?,
    }
    hold.claim.finish();
    Ok(Publication::Published(left))
}

fn prepare(
    repository: &Repository,
    claim: &mut Claim,
    candidate: &Candidate,
    index: &IndexBytes,
    merger: &mut Merger<'_>,
) -> Result<Vec<RepoPath>, GitError> {
    let index_file = claim.index_file();
    let left = write_patched(repository, index, &candidate.edits, merger, &index_file)?;
    write_branch_file(repository, claim, candidate)?;
    let record = record(
        repository,
        Oid::from_gix(candidate.commit),
        &candidate.branch,
        index,
        &index_file,
    )?;
    claim.write(record)?;
    Ok(left)
}

/// What a claim says of an index that was patched for `commit`.
pub(crate) fn record(
    repository: &Repository,
    commit: Oid,
    branch: &str,
    index: &IndexBytes,
    index_file: &Path,
) -> Result<Record, GitError> {
    let git_dir = repository.git_dir().strip_prefix(repository.common_dir());
    Ok(Record {
        commit,
        branch: branch.to_owned(),
        git_dir: git_dir.unwrap_or(repository.git_dir()).to_owned(),
        index_before: (!index.bytes.is_empty()).then(|| digest(&index.bytes)),
        index_after: digest(&fs::read(index_file)?),
    })
}

fn write_branch_file(
    repository: &Repository,
    claim: &Claim,
    candidate: &Candidate,
) -> Result<(), GitError> {
    let file = claim.branch_file();
    let mut out = fs::File::create(&file)?;
    writeln!(out, "{}", candidate.commit)?;
    if let Ok(metadata) = fs::metadata(repository.common_dir().join(&candidate.branch)) {
        fs::set_permissions(&file, metadata.permissions())?;
    }
    out.sync_all()?;
    Ok(())
}

fn lock_of(path: &Path) -> PathBuf {
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    PathBuf::from(lock)
}

fn lock_branch(claim: &Claim, branch_path: &Path) -> Result<Option<Lock>, GitError> {
    let start = Instant::now();
    loop {
        // `git pack-refs` removes directories that it has emptied.
        if let Some(parent) = branch_path.parent().filter(|parent| !parent.is_dir()) {
            fs::create_dir_all(parent)?;
        }
        if let Some(lock) = Lock::link(&claim.branch_file(), lock_of(branch_path))? {
            return Ok(Some(lock));
        }
        if start.elapsed() > BRANCH_LOCK_WAIT {
            return Ok(None);
        }
        pause();
    }
}

/// Whether HEAD still names the candidate's branch.
fn is_head_on(repository: &Repository, candidate: &Candidate) -> Result<bool, GitError> {
    let head = fs::read(repository.git_dir().join("HEAD"))?;
    let named = head.strip_prefix(b"ref:").map(<[u8]>::trim_ascii);
    Ok(named == Some(candidate.branch.as_bytes()))
}

/// The commit that a branch stands for now, packed or loose.
pub(crate) fn branch_value(
    git: &gix::Repository,
    branch: &str,
) -> Result<Option<ObjectId>, GitError> {
    let found = git.refs.try_find(branch).doing("reading the branch")?;
    Ok(found.and_then(|found| found.target.try_id().map(ToOwned::to_owned)))
}

/// Writes the reflogs of HEAD and the branch, as git does before it moves a branch.
fn append_logs(
    repository: &Repository,
    git: &gix::Repository,
    candidate: &Candidate,
) -> Result<(), GitError> {
    let is_off = git.config_snapshot().boolean("core.logAllRefUpdates") == Some(false);
    let head = repository.git_dir().join("logs/HEAD");
    let branch = repository.common_dir().join("logs").join(&candidate.branch);
    let line = format!(
        "{} {} {}\n",
        candidate.parent, candidate.commit, candidate.log_line
    );
    for log in [head, branch] {
        if is_off && !exists(&log) {
            continue;
        }
        if let Some(parent) = log.parent() {
            fs::create_dir_all(parent)?;
        }
        // One write in append mode stays whole beside other writers.
        fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(&log)?
            .write_all(line.as_bytes())?;
    }
    Ok(())
}
