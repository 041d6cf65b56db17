//! One file's content, in and out of the object database.

use airboss_core::path::RepoPath;

use super::error::{GitError, GixContext as _};
use super::object::{Entry, Oid};
use super::repository::Repository;
use super::snapshot::head_commit;
use super::tree::{self, Found};

impl Repository {
    /// What the branch that is checked out holds at a path; `None` when it holds no file there.
    ///
    /// # Errors
    /// When git cannot be read.
    pub fn head_file(&self, path: &RepoPath) -> Result<Option<(Entry, Vec<u8>)>, GitError> {
        let Some(head) = head_commit(self)? else {
            return Ok(None);
        };
        let git = self.open()?;
        let tree = tree::of_commit(&git, head.to_gix())?;
        let Found::File(entry) = tree::lookup(&git, tree, path)? else {
            return Ok(None);
        };
        let mut blob = git
            .find_blob(entry.blob.to_gix())
            .doing("reading a file of HEAD")?;
        Ok(Some((entry, blob.take_data())))
    }

    /// Keeps a content; no reference holds it.
    ///
    /// # Errors
    /// When the object database cannot be written.
    pub fn write_blob(&self, content: &[u8]) -> Result<Oid, GitError> {
        let git = self.open()?;
        let blob = git.write_blob(content).doing("storing a content")?;
        Ok(Oid::from_gix(blob.detach()))
    }
}
