//! After a crash: finishing or removing what a dead committer left.
//!
//! A commit that reached its branch is finished: its index is published or patched
//! again. One that did not is undone: its locks go, its objects stay for git's garbage
//! collection. Only what a claim proves to be ours is touched.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use fs_err as fs;

use super::claim::{Claim, Lock, Record, sync_parent};
use super::error::GitError;
use super::index::{IndexBytes, write_patched};
use super::merge::Merger;
use super::publish::{branch_value, pause, record};
use super::repository::Repository;
use super::snapshot::exists;
use super::tree;
use crate::clock;
use crate::projection::digest;

/// How far back a published commit is looked for on its branch.
const COMMITS_MAX: usize = 1_000;
/// Nothing in `tmp/` lives longer than a git child may run, which is two minutes.
const GARBAGE_AGE: Duration = Duration::from_secs(60 * 60);
/// How often the index of a dead committer is patched anew before it is left to the
/// next call: each try is lost only to somebody who changed the index in between.
const REPATCH_TRIES_MAX: u32 = 100;

/// What [`recover`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Recovered {
    /// Published commits whose index was brought up to date.
    pub finished: u32,
    /// Commits that had not been published and whose locks were removed.
    pub undone: u32,
}

/// Finishes or removes what committers that died have left in this repository.
///
/// Cheap when there is nothing: one listing of a small directory.
///
/// # Errors
/// When the repository or its state directory cannot be read or written.
pub fn recover(repository: &Repository) -> Result<Recovered, GitError> {
    let mut recovered = Recovered::default();
    let claims = repository.common_dir().join("airboss/claims");
    if !claims.is_dir() {
        return Ok(recovered);
    }
    for item in fs::read_dir(claims)? {
        let Some(mut claim) = Claim::adopt(repository, &item?.path())? else {
            continue;
        };
        match settle(repository, &mut claim)? {
            Settled::Finished => recovered.finished += 1,
            Settled::Undone => recovered.undone += 1,
            Settled::Pending => continue,
        }
        claim.finish();
    }
    remove_garbage(repository)?;
    Ok(recovered)
}

/// How far a dead committer's work could be settled.
enum Settled {
    Finished,
    Undone,
    /// Somebody holds the index; the claim stays for the next call.
    Pending,
}

fn settle(repository: &Repository, claim: &mut Claim) -> Result<Settled, GitError> {
    let Some(record) = claim.record.clone() else {
        // It died before it knew what to publish, perhaps with a lock, in any work tree.
        release_index(claim, repository.common_dir())?;
        if let Ok(linked) = fs::read_dir(repository.common_dir().join("worktrees")) {
            for work_tree in linked {
                release_index(claim, &work_tree?.path())?;
            }
        }
        return Ok(Settled::Undone);
    };
    let branch_path = repository.common_dir().join(&record.branch);
    let branch_lock = PathBuf::from(format!("{}.lock", branch_path.display()));
    if claim.owns_branch_lock(&branch_lock, &format!("{}\n", record.commit)) {
        fs::remove_file(&branch_lock)?;
        sync_parent(&branch_lock)?;
    }
    let git_dir = repository.common_dir().join(&record.git_dir);
    let index = git_dir.join("index");
    let is_published = is_on_branch(repository, &record)?;
    let digest_of = |path: &Path| fs::read(path).ok().map(|bytes| digest(&bytes));
    let index_now = digest_of(&index);
    let is_prepared = digest_of(&claim.index_file()).as_ref() == Some(&record.index_after);
    let is_locked = claim.owns_index_lock(&git_dir.join("index.lock"));
    if is_published && is_locked && is_prepared && index_now == record.index_before {
        fs::rename(claim.index_file(), &index)?;
        release_index(claim, &git_dir)?;
        return Ok(Settled::Finished);
    }
    release_index(claim, &git_dir)?;
    if !is_published {
        return Ok(Settled::Undone);
    }
    if !git_dir.is_dir() || index_now.as_ref() == Some(&record.index_after) {
        return Ok(Settled::Finished);
    }
    let work_tree = repository.with_git_dir(git_dir)?;
    let is_patched = repatch(&work_tree, claim, &record)?;
    Ok(if is_patched {
        Settled::Finished
    } else {
        Settled::Pending
    })
}

/// Removes `index.lock` when it is the claim's, durably, for the claim goes next.
fn release_index(claim: &Claim, git_dir: &Path) -> Result<(), GitError> {
    let lock = git_dir.join("index.lock");
    if claim.owns_index_lock(&lock) {
        fs::remove_file(&lock)?;
        sync_parent(&lock)?;
    }
    Ok(())
}

fn is_on_branch(repository: &Repository, record: &Record) -> Result<bool, GitError> {
    let git = repository.open()?;
    let Some(tip) = branch_value(&git, &record.branch)? else {
        return Ok(false);
    };
    tree::Ancestors::new(&git, tip, []).have(record.commit.to_gix(), COMMITS_MAX)
}

/// Patches an index for a commit that is on the branch, under the dead one's claim.
/// Returns false when the index stays locked.
fn repatch(repository: &Repository, claim: &mut Claim, old: &Record) -> Result<bool, GitError> {
    let git = repository.open()?;
    let head = git.head_name().ok().flatten();
    if head.is_none_or(|name| name.as_bstr() != old.branch) {
        // The work tree has left the branch, and its index with it.
        return Ok(true);
    }
    let edits = tree::changed_by_commit(&git, old.commit.to_gix())?;
    let mut merger = Merger::new(repository, &git);
    let (index_path, lock_path) = (
        repository.git_dir().join("index"),
        repository.git_dir().join("index.lock"),
    );
    claim.write_lock_file()?;
    for _ in 0..REPATCH_TRIES_MAX {
        let index = IndexBytes::read(&index_path)?;
        let file = claim.index_file();
        if exists(&file) {
            fs::remove_file(&file)?;
        }
        write_patched(repository, &index, &edits, &mut merger, &file)?;
        claim.write(record(repository, old.commit, &old.branch, &index, &file)?)?;
        if let Some(lock) = Lock::link(&claim.lock_file(), lock_path.clone())?
            && IndexBytes::read(&index_path)?.bytes == index.bytes
        {
            fs::rename(&file, &index_path)?;
            lock.release()?;
            return Ok(true);
        }
        pause();
    }
    Ok(false)
}

/// Removes loose objects that a power cut tore; answers how many.
///
/// Git writes an object and syncs it later, and takes one that has a name for whole: a commit
/// that is made again would be built upon what was lost. Only objects that are not older than
/// `since` are read.
///
/// # Errors
/// When the object database cannot be read or written.
pub fn remove_torn(repository: &Repository, since: SystemTime) -> Result<u32, GitError> {
    let git = repository.open()?;
    let mut removed = 0;
    for fan in fs::read_dir(repository.common_dir().join("objects"))? {
        let fan = fan?;
        let prefix = fan.file_name().to_string_lossy().into_owned();
        if prefix.len() != 2 || !fan.path().is_dir() {
            continue;
        }
        for item in fs::read_dir(fan.path())? {
            let item = item?;
            let name = format!("{prefix}{}", item.file_name().to_string_lossy());
            let Ok(id) = gix::ObjectId::from_hex(name.as_bytes()) else {
                continue;
            };
            // Another process may be packing them.
            let modified = item.metadata().and_then(|facts| facts.modified());
            if !modified.is_ok_and(|modified| modified >= since) {
                continue;
            }
            if !is_whole(&git, id) {
                fs::remove_file(item.path())?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}

/// Whether an object can be read, and is what its name says.
pub(super) fn is_whole(git: &gix::Repository, id: gix::ObjectId) -> bool {
    git.find_object(id).is_ok_and(|object| {
        gix::objs::compute_hash(id.kind(), object.kind, &object.data).is_ok_and(|found| found == id)
    })
}

/// Removes what was left before a claim could name it, and after.
fn remove_garbage(repository: &Repository) -> Result<(), GitError> {
    let now = clock::wall();
    let claims = repository.common_dir().join("airboss/claims");
    for item in fs::read_dir(repository.state_subdir("tmp")?)? {
        let path = item?.path();
        // Its claim is there before the first file and goes after the last one.
        let claim = Claim::of_file(&path).map(|name| claims.join(name));
        if claim.is_some_and(|claim| !claim.exists()) {
            drop(fs::remove_file(&path));
            continue;
        }
        let modified = path.symlink_metadata().and_then(|it| it.modified());
        let age = modified
            .ok()
            .and_then(|modified| now.duration_since(modified).ok());
        if age.is_some_and(|age| age > GARBAGE_AGE) {
            // Another process may be removing the same; the next call finds what is left.
            drop(fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path)));
        }
    }
    Ok(())
}
