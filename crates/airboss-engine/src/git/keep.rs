//! What is kept for ever: contents that only Airboss still has, under `refs/airboss/`.
//!
//! Such a reference is named after the blob that it holds. Whoever writes it writes the same,
//! so it is written without git's lock: a lock outlives a process that is killed, and would
//! keep everybody after it from keeping that content.

use std::io;
use std::path::Path;

use super::claim::sync_parent;
use super::error::GitError;
use super::object::Oid;
use super::recover::is_whole;
use super::repository::Repository;
use crate::own_file;
use crate::vfs::if_any;

/// How often a directory that `git pack-refs` takes away is made again.
const TRIES_MAX: u32 = 100;
/// `refs`, `airboss` and the area.
const DIRECTORIES: usize = 3;

impl Repository {
    /// Keeps a content for ever and tells its blob. It is on the disk then.
    ///
    /// # Errors
    /// When the object database or the reference cannot be written.
    pub fn keep(&self, area: &str, content: &[u8]) -> Result<Oid, GitError> {
        let blob = self.write_blob(content)?;
        if self.is_torn(blob)? {
            // Git takes an object that has a name for whole.
            if_any(fs_err::remove_file(self.loose_object(blob.to_gix())))?;
            self.write_blob(content)?;
            if self.is_torn(blob)? {
                let words = format!("{blob} reads otherwise than it was written");
                return Err(io::Error::other(words).into());
            }
        }
        self.sync_objects([blob.to_gix()])?;
        let area = self.common_dir().join("refs/airboss").join(area);
        let reference = area.join(blob.to_string());
        let mut tries = 1;
        while let Err(error) = self.refer(&reference, blob) {
            let is_gone =
                matches!(&error, GitError::Io(io) if io.kind() == io::ErrorKind::NotFound);
            if !is_gone || tries == TRIES_MAX {
                return Err(error);
            }
            tries += 1;
        }
        Ok(blob)
    }

    /// Whether a power cut kept an object's name and lost its content.
    fn is_torn(&self, blob: Oid) -> Result<bool, GitError> {
        if is_whole(&self.open()?, blob.to_gix()) {
            return Ok(false);
        }
        // What cannot be read now is not torn for that, and what is in a pack is git's to mend.
        Ok(if_any(fs_err::read(self.loose_object(blob.to_gix())))?.is_some())
    }

    fn refer(&self, reference: &Path, blob: Oid) -> Result<(), GitError> {
        let value = format!("{blob}\n");
        own_file::replace(&self.state_dir()?, reference, value.as_bytes())?;
        // Who made the directories may have been killed before they were durable.
        let levels = reference.ancestors().take(DIRECTORIES);
        levels.into_iter().try_for_each(sync_parent)
    }
}
