//! Applying one delta to another version of the same file: the three-way rule.

use std::collections::HashMap;
use std::path::PathBuf;

use fs_err as fs;
use serde::{Deserialize, Serialize};

use super::error::{GitError, GixContext as _};
use super::object::{Entry, FileMode, Oid};
use super::program::{Git, Output};
use super::repository::Repository;
use crate::projection::fresh_draft;
use crate::vfs::RealVfs;

/// Git's own test for binary content: a NUL byte in the first 8,000 bytes.
const BINARY_PROBE_BYTES: usize = 8_000;

/// Why a delta cannot be applied to another version.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conflict {
    /// Both changed the same lines, or lines next to each other.
    Lines,
    /// The content is binary, or a link.
    Binary,
    /// The modes were changed in different ways.
    Mode,
    /// The other version does not have the file, or has it where the delta makes it.
    Existence,
}

/// Applies deltas, and remembers text merges so that a lost race costs no second one.
pub(crate) struct Merger<'a> {
    repository: &'a Repository,
    git: &'a gix::Repository,
    texts: HashMap<(Oid, Oid, Oid), Result<Oid, Conflict>>,
}

impl<'a> Merger<'a> {
    pub(crate) fn new(repository: &'a Repository, git: &'a gix::Repository) -> Self {
        Self {
            repository,
            git,
            texts: HashMap::new(),
        }
    }

    /// What `target` becomes when the delta from `before` to `after` is applied to it.
    pub(crate) fn apply(
        &mut self,
        before: Option<Entry>,
        after: Option<Entry>,
        target: Option<Entry>,
    ) -> Result<Result<Option<Entry>, Conflict>, GitError> {
        if target == before || before == after {
            return Ok(Ok(if target == before { after } else { target }));
        }
        if target == after {
            return Ok(Ok(target));
        }
        let (Some(before), Some(after), Some(target)) = (before, after, target) else {
            return Ok(Err(Conflict::Existence));
        };
        let Some(mode) = three_way(before.mode, after.mode, target.mode) else {
            return Ok(Err(Conflict::Mode));
        };
        let blob = match three_way(before.blob, after.blob, target.blob) {
            Some(blob) => Ok(blob),
            None if [before, after, target]
                .iter()
                .any(|it| it.mode == FileMode::Symlink) =>
            {
                Err(Conflict::Binary)
            }
            None => self.merge_text(before.blob, after.blob, target.blob)?,
        };
        Ok(blob.map(|blob| Some(Entry { mode, blob })))
    }

    fn merge_text(
        &mut self,
        before: Oid,
        after: Oid,
        target: Oid,
    ) -> Result<Result<Oid, Conflict>, GitError> {
        let key = (before, after, target);
        if let Some(known) = self.texts.get(&key) {
            return Ok(*known);
        }
        let merged = self.merge_text_anew(before, after, target)?;
        self.texts.insert(key, merged);
        Ok(merged)
    }

    fn merge_text_anew(
        &self,
        before: Oid,
        after: Oid,
        target: Oid,
    ) -> Result<Result<Oid, Conflict>, GitError> {
        let mut contents = Vec::new();
        for blob in [target, before, after] {
            let mut blob = self
                .git
                .find_blob(blob.to_gix())
                .doing("reading a file's content")?;
            if blob
                .data
                .iter()
                .take(BINARY_PROBE_BYTES)
                .any(|byte| *byte == 0)
            {
                return Ok(Err(Conflict::Binary));
            }
            contents.push(blob.take_data());
        }
        let output = Drafts::new(self.repository, &contents)?.merge(&[])?;
        match output.status.code() {
            Some(0) => {
                let blob = self
                    .git
                    .write_blob(output.stdout)
                    .doing("storing a merged file")?;
                Ok(Ok(Oid::from_gix(blob.detach())))
            }
            // The status is the number of conflicts, up to 127; errors are above.
            Some(1..=127) => Ok(Err(Conflict::Lines)),
            _ => Err(GitError::Program {
                command: "merge-file".to_owned(),
                status: output.status.to_string(),
                stderr: output.stderr,
            }),
        }
    }
}

/// Files for a program of git to read. They go with this value, and when their process is killed
/// with the next command, which knows them by their owner's name.
pub(super) struct Drafts {
    directory: PathBuf,
    names: Vec<String>,
}

impl Drafts {
    pub(super) fn new(
        repository: &Repository,
        contents: &[impl AsRef<[u8]>],
    ) -> Result<Self, GitError> {
        let mut drafts = Self {
            directory: repository.state_subdir("tmp")?,
            names: Vec::new(),
        };
        for content in contents {
            let path = fresh_draft(&RealVfs, &repository.state_dir()?);
            let name = path.file_name().unwrap_or_default();
            drafts.names.push(name.to_string_lossy().into_owned());
            fs::write(path, content)?;
        }
        Ok(drafts)
    }

    /// What `git merge-file` makes of three: ours, the base, theirs.
    pub(super) fn merge(&self, options: &[&str]) -> Result<Output, GitError> {
        let mut arguments = vec!["merge-file", "-p", "-q"];
        arguments.extend(options);
        arguments.push("--");
        arguments.extend(self.names.iter().map(String::as_str));
        Git::new(&self.directory, &arguments).output()
    }
}

impl Drop for Drafts {
    fn drop(&mut self) {
        for name in &self.names {
            // What stays is swept when this process is gone.
            fs::remove_file(self.directory.join(name)).ok();
        }
    }
}

fn three_way<T: PartialEq>(before: T, after: T, target: T) -> Option<T> {
    if target == before {
        Some(after)
    } else if target == after || after == before {
        Some(target)
    } else {
        None
    }
}
