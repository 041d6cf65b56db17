//! What is kept for ever: contents that only Airboss still has, under `refs/airboss/`.
//!
//! Such a reference is named after the blob that it holds. Whoever writes it writes the same,
//! so it is written without git's lock: a lock outlives a process that is killed, and would
//! keep everybody after it from keeping that content.

use std::io;

use super::claim::sync_parent;
use super::error::GitError;
use super::object::Oid;
use super::repository::Repository;
use crate::own_file;

/// How often a directory that `git pack-refs` takes away is made again.
const TRIES_MAX: u32 = 100;

impl Repository {
    /// Keeps a content for ever and tells its blob. It is on the disk then.
    ///
    /// # Errors
    /// When the object database or the reference cannot be written.
    pub fn keep(&self, area: &str, content: &[u8]) -> Result<Oid, GitError> {
        let blob = self.write_blob(content)?;
        self.sync_objects([blob.to_gix()])?;
        let reference = self.common_dir().join("refs/airboss").join(area);
        let reference = reference.join(blob.to_string());
        let value = format!("{blob}\n");
        let state = self.state_dir()?;
        let mut tries = 1;
        loop {
            let written = own_file::replace(&state, &reference, value.as_bytes())
                .map_err(GitError::from)
                .and_then(|()| sync_parent(&reference));
            match written {
                Err(GitError::Io(error))
                    if error.kind() == io::ErrorKind::NotFound && tries < TRIES_MAX =>
                {
                    tries += 1;
                }
                written => return written.map(|()| blob),
            }
        }
    }
}
