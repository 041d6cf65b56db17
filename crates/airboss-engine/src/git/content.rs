//! One file's content, in and out of the object database.

use std::ffi::OsStr;

use airboss_core::path::RepoPath;
use airboss_core::time::Timestamp;
use gix::ObjectId;

use super::error::{GitError, GixContext as _, reasons};
use super::index::IndexBytes;
use super::merge::Drafts;
use super::object::{Entry, FileMode, Oid};
use super::program::Git;
use super::repository::Repository;
use super::snapshot::head_commit;
use super::tree::{self, Found};

impl Repository {
    /// The commit that is checked out; `None` before the first.
    ///
    /// # Errors
    /// When git cannot be read.
    pub fn head(&self) -> Result<Option<Oid>, GitError> {
        head_commit(self)
    }

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

    /// The files that the branch holds below a directory; no submodules.
    ///
    /// # Errors
    /// When git cannot be run.
    pub fn head_files(&self, directory: &RepoPath) -> Result<Vec<(RepoPath, Entry)>, GitError> {
        if head_commit(self)?.is_none() {
            return Ok(Vec::new());
        }
        let inside = format!("{directory}/");
        let arguments = ["ls-tree", "-r", "-z", "--full-tree", "HEAD", "--", &inside];
        let listed = Git::new(self.top(), &arguments)
            .variable("GIT_LITERAL_PATHSPECS", OsStr::new("1"))
            .run()?;
        let entries = listed.split(|byte| *byte == 0).filter_map(|line| {
            let (facts, path) = std::str::from_utf8(line).ok()?.split_once('\t')?;
            let mut facts = facts.split(' ');
            let mode = FileMode::from_octal(facts.next()?)?;
            let blob = facts.nth(1)?.parse().ok()?;
            Some((RepoPath::new(path).ok()?, Entry { mode, blob }))
        });
        Ok(entries.collect())
    }

    /// The paths whose staged version is not the branch's.
    ///
    /// # Errors
    /// When git cannot be run.
    pub fn staged(&self) -> Result<Vec<RepoPath>, GitError> {
        if head_commit(self)?.is_none() {
            return Ok(Vec::new());
        }
        let arguments = [
            "diff",
            "--cached",
            "--name-only",
            "--no-renames",
            "-z",
            "HEAD",
        ];
        let listed = Git::new(self.top(), &arguments).run()?;
        let paths = listed.split(|byte| *byte == 0);
        let paths = paths.filter_map(|path| RepoPath::new(std::str::from_utf8(path).ok()?).ok());
        Ok(paths.collect())
    }

    /// Sets a value in the configuration of this clone.
    ///
    /// # Errors
    /// When git refuses.
    pub fn set_config(&self, key: &str, value: &str) -> Result<(), GitError> {
        Git::new(self.top(), &["config", "--local", key, value]).run()?;
        Ok(())
    }

    /// Removes a section of the configuration of this clone, if there is one.
    ///
    /// # Errors
    /// When git cannot be run.
    pub fn remove_config_section(&self, section: &str) -> Result<(), GitError> {
        Git::new(
            self.top(),
            &["config", "--local", "--remove-section", section],
        )
        .output()?;
        Ok(())
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

    /// The three sides of a file that git could not merge: the common ancestor's, ours and
    /// theirs; `None` when it is not in conflict.
    ///
    /// # Errors
    /// When git cannot be read.
    pub fn sides(&self, path: &RepoPath) -> Result<Option<[Option<Vec<u8>>; 3]>, GitError> {
        let index = IndexBytes::read(&self.git_dir().join("index"))?;
        let sides = index.sides(path)?;
        if sides.iter().all(Option::is_none) {
            return Ok(None);
        }
        let git = self.open()?;
        let mut contents = [None, None, None];
        for (content, side) in contents.iter_mut().zip(sides) {
            if let Some(side) = side {
                let mut blob = git
                    .find_blob(side.to_gix())
                    .doing("reading a side of a merge")?;
                *content = Some(blob.take_data());
            }
        }
        Ok(Some(contents))
    }

    /// Merges two texts line by line; where both changed the same lines, ours stand, and the
    /// answer says so.
    ///
    /// # Errors
    /// When git cannot be run.
    pub fn merge_lines(
        &self,
        base: &[u8],
        ours: &[u8],
        theirs: &[u8],
    ) -> Result<(Vec<u8>, bool), GitError> {
        let drafts = Drafts::new(self, &[ours, base, theirs])?;
        let output = drafts.merge(&[])?;
        if output.status.success() {
            return Ok((output.stdout, false));
        }
        let output = drafts.merge(&["--ours"])?;
        if output.status.success() {
            return Ok((output.stdout, true));
        }
        Err(GitError::Program {
            command: "merge-file".to_owned(),
            status: output.status.to_string(),
            stderr: output.stderr,
        })
    }

    /// What a revision holds at a path, for example `HEAD~3`; `None` when it holds no file there.
    ///
    /// # Errors
    /// When there is no such revision, or git cannot be read.
    pub fn revision_file(
        &self,
        revision: &str,
        path: &RepoPath,
    ) -> Result<Option<Vec<u8>>, GitError> {
        let git = self.open()?;
        let unknown = |error: &dyn std::error::Error| GitError::Unreadable {
            path: self.top().to_owned(),
            reason: format!("`{revision}` is no revision of it ({})", reasons(error)),
        };
        let found = git
            .rev_parse_single(revision)
            .map_err(|error| unknown(&error))?;
        let commit = found
            .object()
            .doing("reading a revision")?
            .peel_to_commit()
            .map_err(|error| unknown(&error))?;
        file_of(&git, commit.id, path)
    }

    /// The versions of a file, newest first, each with the instant of the commit that brought
    /// it; at most so many commits are walked, along first parents.
    ///
    /// # Errors
    /// When git cannot be read.
    pub fn versions(
        &self,
        path: &RepoPath,
        commits_max: usize,
    ) -> Result<Vec<(Timestamp, Vec<u8>)>, GitError> {
        let Some(head) = head_commit(self)? else {
            return Ok(Vec::new());
        };
        let git = self.open()?;
        let walk = git
            .rev_walk([head.to_gix()])
            .first_parent_only()
            .all()
            .doing("walking the history")?;
        let mut versions: Vec<(Timestamp, ObjectId)> = Vec::new();
        for step in walk.take(commits_max) {
            let id = step.doing("walking the history")?.id;
            let commit = git.find_commit(id).doing("reading a commit")?;
            let tree = commit.tree_id().doing("reading a commit")?.detach();
            let Found::File(entry) = tree::lookup(&git, tree, path)? else {
                continue;
            };
            let at = commit.time().doing("reading a commit")?.seconds;
            let at = Timestamp::from_millis(at.saturating_mul(1_000));
            let blob = entry.blob.to_gix();
            // The oldest commit that has a version is the one that brought it.
            match versions.last_mut() {
                Some((since, newest)) if *newest == blob => *since = at,
                _ => versions.push((at, blob)),
            }
        }
        versions
            .into_iter()
            .map(|(at, blob)| {
                let mut blob = git.find_blob(blob).doing("reading a version")?;
                Ok((at, blob.take_data()))
            })
            .collect()
    }
}

/// The id that git gives to a content.
pub(crate) fn blob_id(git: &gix::Repository, content: &[u8]) -> Option<ObjectId> {
    gix::objs::compute_hash(git.object_hash(), gix::objs::Kind::Blob, content).ok()
}

/// The contents that a commit has at some paths; `None` when the commit cannot be read.
pub(crate) fn blobs_at<const N: usize>(
    git: &gix::Repository,
    commit: ObjectId,
    paths: [&RepoPath; N],
) -> Option<[Option<ObjectId>; N]> {
    let tree = tree::of_commit(git, commit).ok()?;
    Some(paths.map(|path| match tree::lookup(git, tree, path) {
        Ok(Found::File(entry)) => Some(entry.blob.to_gix()),
        _ => None,
    }))
}

fn file_of(
    git: &gix::Repository,
    commit: ObjectId,
    path: &RepoPath,
) -> Result<Option<Vec<u8>>, GitError> {
    let tree = tree::of_commit(git, commit)?;
    let Found::File(entry) = tree::lookup(git, tree, path)? else {
        return Ok(None);
    };
    let mut blob = git
        .find_blob(entry.blob.to_gix())
        .doing("reading a version")?;
    Ok(Some(blob.take_data()))
}
