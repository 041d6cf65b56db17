//! Claims and locks: a lock file of ours appears whole, and can be proved to be ours.
//!
//! A committer first makes a claim, which it holds with a kernel lock, and writes into
//! it what it is about to publish; its `index.lock` contains the claim's name. Each lock
//! is linked as a finished file. When the committer dies, the kernel frees the claim,
//! and whoever comes next knows by content and inode which lock files were its own.
//! Locks without a claim are never touched.

use std::fs::TryLockError;
use std::io::{self, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::GitError;
use super::object::Oid;
use super::repository::Repository;
use crate::clock::fresh_uuid;
use crate::projection::fresh_draft;
use crate::vfs::RealVfs;

/// As many hexadecimal digits has the name of a claim.
const NONCE_DIGITS: usize = 32;

/// What a committer is about to publish: enough to finish or to remove it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) commit: Oid,
    pub(crate) branch: String,
    /// The work tree's git directory, relative to the common one: empty for the main one.
    pub(crate) git_dir: PathBuf,
    /// SHA-256 of the index that the patched one was made from; `None` when there was none.
    pub(crate) index_before: Option<String>,
    /// SHA-256 of the exact bytes of the patched index.
    pub(crate) index_after: String,
}

/// A claim held by this process.
pub(crate) struct Claim {
    file: fs::File,
    path: PathBuf,
    /// Everything of this claim in `tmp/` starts with this path.
    temporary: PathBuf,
    pub(crate) record: Option<Record>,
    /// Set between publishing the branch and the index: only recovery may clean up then.
    must_stay: bool,
}

impl Claim {
    /// Makes an empty claim, held from before its name can be seen.
    pub(crate) fn create(repository: &Repository) -> Result<Self, GitError> {
        let nonce = fresh_uuid().simple().to_string();
        let temporary = repository.state_subdir("tmp")?.join(&nonce);
        let path = repository.state_subdir("claims")?.join(&nonce);
        // Nobody else looks at it, and when this process dies, the next one removes it.
        let hidden = fresh_draft(&RealVfs, &repository.common_dir().join("airboss"));
        let file = fs::File::create_new(&hidden)?;
        file.try_lock().map_err(io::Error::from)?;
        fs::rename(&hidden, &path)?;
        sync_parent(&path)?;
        let claim = Self {
            file,
            path,
            temporary,
            record: None,
            must_stay: false,
        };
        claim.write_lock_file()?;
        Ok(claim)
    }

    /// Makes the lock file durable: an empty one after a power cut would be nobody's.
    pub(crate) fn write_lock_file(&self) -> Result<(), GitError> {
        let mut file = fs::File::create(self.lock_file())?;
        file.write_all(self.name())?;
        file.sync_data()?;
        Ok(())
    }

    /// Takes over the claim of a dead process; `None` while its owner lives.
    pub(crate) fn adopt(repository: &Repository, path: &Path) -> Result<Option<Self>, GitError> {
        let file = match fs::File::options().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        // Its owner may have finished and removed it between opening and locking.
        if !is_same_file(path, &file.metadata()?) {
            return Ok(None);
        }
        let name = path.file_name().unwrap_or_default();
        let temporary = repository.state_subdir("tmp")?.join(name);
        // A record that was not written whole was not followed by a lock.
        let record = serde_json::from_slice(&fs::read(path)?).ok();
        Ok(Some(Self {
            file,
            path: path.to_owned(),
            temporary,
            record,
            must_stay: true,
        }))
    }

    /// Makes the record durable. Only after this may a lock be linked.
    pub(crate) fn write(&mut self, record: Record) -> Result<(), GitError> {
        let text = serde_json::to_vec(&record).map_err(io::Error::from)?;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(&text)?;
        self.file.sync_data()?;
        self.record = Some(record);
        Ok(())
    }

    /// The name of the claim that a file in `tmp/` is of.
    pub(crate) fn of_file(path: &Path) -> Option<&str> {
        let (name, _) = path.file_name()?.to_str()?.split_once('.')?;
        let is_nonce = name.len() == NONCE_DIGITS && Uuid::try_parse(name).is_ok();
        is_nonce.then_some(name)
    }

    /// The file that becomes `index.lock`.
    pub(crate) fn lock_file(&self) -> PathBuf {
        self.temporary.with_extension("lock")
    }

    /// Whether the lock file at `path` names this claim.
    pub(crate) fn owns_index_lock(&self, path: &Path) -> bool {
        fs::read(path).is_ok_and(|content| content == self.name())
    }

    /// What its `index.lock` contains.
    pub(crate) fn name(&self) -> &[u8] {
        self.path.file_name().unwrap_or_default().as_encoded_bytes()
    }

    /// Where the next index is prepared.
    pub(crate) fn index_file(&self) -> PathBuf {
        self.temporary.with_extension("index")
    }

    /// Where the next value of the branch is prepared.
    pub(crate) fn branch_file(&self) -> PathBuf {
        self.temporary.with_extension("branch")
    }

    /// From here on the commit is published and the index is not.
    pub(crate) const fn branch_is_published(&mut self) {
        self.must_stay = true;
    }

    /// Everything that was claimed is done or undone.
    pub(crate) fn finish(mut self) {
        self.must_stay = false;
    }

    /// Whether the lock file at `path` is the branch's next value as this claim linked it.
    pub(crate) fn owns_branch_lock(&self, path: &Path, value: &str) -> bool {
        // Two claims may hold the same value; the inode tells them apart. A power cut may have
        // taken the other name of ours, and then it has no other name.
        let is_linked = match fs::symlink_metadata(self.branch_file()) {
            Ok(prepared) => is_same_file(path, &prepared),
            Err(_) => path
                .symlink_metadata()
                .is_ok_and(|found| found.nlink() == 1),
        };
        is_linked && fs::read(path).is_ok_and(|content| content == value.as_bytes())
    }

    fn remove_files(&self) {
        // What cannot be removed is garbage without a claim, and goes with the next recovery.
        // The index's own lock is left when a `git update-index` on the copy dies with us.
        let copy_lock = self.temporary.with_extension("index.lock");
        let files = [
            self.index_file(),
            self.branch_file(),
            self.lock_file(),
            copy_lock,
        ];
        for file in files.iter().chain([&self.path]) {
            drop(fs::remove_file(file));
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.must_stay {
            self.remove_files();
        }
    }
}

/// A lock file of git's, held by this process.
pub(crate) struct Lock {
    path: PathBuf,
    is_held: bool,
}

impl Lock {
    /// Links the finished file to the lock's name; `None` when somebody holds it.
    pub(crate) fn link(prepared: &Path, path: PathBuf) -> Result<Option<Self>, GitError> {
        match fs::hard_link(prepared, &path) {
            Ok(()) => Ok(Some(Self {
                path,
                is_held: true,
            })),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives the lock file the name that it protects, durably.
    pub(crate) fn publish(mut self, target: &Path) -> Result<(), GitError> {
        fs::rename(&self.path, target)?;
        self.is_held = false;
        sync_parent(target)
    }

    /// Removes it durably. The claim must outlive it: without one it would be nobody's.
    pub(crate) fn release(mut self) -> Result<(), GitError> {
        fs::remove_file(&self.path)?;
        self.is_held = false;
        sync_parent(&self.path)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.is_held {
            drop(fs::remove_file(&self.path));
            drop(sync_parent(&self.path));
        }
    }
}

/// Makes the names in a path's directory durable.
pub(crate) fn sync_parent(path: &Path) -> Result<(), GitError> {
    if let Some(parent) = path.parent() {
        fs::File::open(parent)?.sync_all()?;
    }
    Ok(())
}

fn is_same_file(path: &Path, metadata: &std::fs::Metadata) -> bool {
    path.symlink_metadata()
        .is_ok_and(|found| found.dev() == metadata.dev() && found.ino() == metadata.ino())
}
