//! Which commits were looked at: what lies behind one of them holds nothing new.
//!
//! Text that was published is known again wherever it turns up. The history of a board holds more:
//! what it was before it was adopted, and what commits hold that were made one by one while the
//! files were written at once. So the commits are remembered whose TODO.md and state.json were
//! read; a version of HEAD that one of them grew out of is an older one, whatever it says.
//!
//! The list is a convenience. Without it such a version is compared by its text alone.

use std::path::PathBuf;

use airboss_core::board::BoardKey;
use airboss_core::path::RepoPath;
use fs_err as fs;
use gix::ObjectId;

use super::places::Places;
use crate::git::{Oid, Repository, blob_id, blobs_at};
use crate::projection::{digest, fresh_draft};
use crate::vfs::RealVfs;

/// So many tips are remembered: branches that a person goes to and fro between.
const TIPS_MAX: usize = 32;
/// So many commits upon the last one that was looked at are searched for a revert.
const COMMITS_MAX: usize = 100;

/// The commits of one board that were looked at, the newest first.
pub(super) struct Looked<'a> {
    repository: &'a Repository,
    file: PathBuf,
    tips: Vec<ObjectId>,
}

impl<'a> Looked<'a> {
    /// What is remembered; nothing when that cannot be read.
    pub(super) fn of(repository: &'a Repository, board: &BoardKey) -> Self {
        let mut name = digest(board.to_string().as_bytes());
        name.truncate(16);
        let directory = repository.common_dir().join("airboss").join("looked-at");
        let file = directory.join(name);
        let text = fs::read_to_string(&file).unwrap_or_default();
        let tips = text.lines().filter_map(|line| line.parse().ok()).collect();
        Self {
            repository,
            file,
            tips,
        }
    }

    /// Whether a commit lies behind one that was looked at: it has nothing new then. HEAD itself,
    /// looked at or not, may have something that nobody took in yet.
    pub(super) fn is_behind(&self, commit: Oid) -> bool {
        let behind = || {
            let git = self.repository.open().ok()?;
            let head = git.head_id().ok()?.detach();
            let commit = commit.to_gix();
            if commit == head && self.tips.contains(&head) {
                return None;
            }
            let grew = |tip: &ObjectId| is_ancestor(&git, commit, *tip);
            Some(self.tips.iter().any(grew))
        };
        behind().unwrap_or(false)
    }

    /// Whether the text that a commit has at a path came there by a `git revert` upon the newest
    /// commit that was looked at, which has there what was last published. A checkout, reset or
    /// stash does not leave the newest behind it and another text in it; and who commits older
    /// files that he checked out need not mean the tasks in them, who reverts a commit does.
    pub(super) fn is_put_back(&self, commit: Oid, path: &RepoPath, published: &str) -> bool {
        let put_back = || {
            let git = self.repository.open().ok()?;
            let (commit, tip) = (commit.to_gix(), *self.tips.first()?);
            if !is_ancestor(&git, tip, commit) {
                return None;
            }
            let [newest] = blobs_at(&git, tip, [path])?;
            let newest = git.find_object(newest?).ok()?;
            Some(digest(&newest.data) == published && reverts(&git, commit, tip))
        };
        put_back().unwrap_or(false)
    }

    /// The text at a path in the newest version that a commit and one of those that were looked at
    /// both grew out of: the commit changed what differs from it, and nothing else is its news.
    pub(super) fn made_from(&self, commit: Oid, path: &RepoPath) -> Option<Vec<u8>> {
        let git = self.repository.open().ok()?;
        let commit = commit.to_gix();
        let base = |tip: &ObjectId| Some(git.merge_base(commit, *tip).ok()??.detach());
        let bases = self.tips.iter().filter_map(base);
        let bases = bases.filter(|base| *base != commit);
        let newest = bases.reduce(|newest, base| {
            if is_ancestor(&git, newest, base) {
                base
            } else {
                newest
            }
        })?;
        let [text] = blobs_at(&git, newest, [path])?;
        Some(git.find_object(text?).ok()?.detach().data)
    }

    /// Remembers HEAD, when the files are as it has them; they were just looked at.
    pub(super) fn remember_head(&mut self, places: &Places) {
        let remember = || {
            let git = self.repository.open().ok()?;
            let head = git.head_id().ok()?.detach();
            let blobs = blobs_at(&git, head, [&places.todo, &places.state])?;
            for (path, blob) in [&places.todo, &places.state].into_iter().zip(blobs) {
                let on_disk = fs::read(places.top.join(path)).ok();
                if on_disk.and_then(|bytes| blob_id(&git, &bytes)) != blob {
                    return None;
                }
            }
            Some((git, head))
        };
        if let Some((git, head)) = remember() {
            self.remember(&git, head);
        }
    }

    /// Remembers a commit of ours, when that which it was made upon had been looked at.
    pub(super) fn remember_own(&mut self, places: &Places, commit: ObjectId) {
        let remember = || {
            let git = self.repository.open().ok()?;
            let parent = git.find_commit(commit).ok()?.parent_ids().next()?.detach();
            let lists = [&places.todo, &places.state];
            let of_parent = blobs_at(&git, parent, lists)?;
            let newest = blobs_at(&git, *self.tips.first()?, lists)?;
            (of_parent == newest).then_some(git)
        };
        if let Some(git) = remember() {
            self.remember(&git, commit);
        }
    }

    fn remember(&mut self, git: &gix::Repository, commit: ObjectId) {
        if self.tips.first() == Some(&commit) {
            return;
        }
        let is_covered = |tip: &ObjectId| is_ancestor(git, *tip, commit);
        // The usual case is a branch that grew; of others the oldest go in time.
        if self.tips.first().is_some_and(is_covered) {
            self.tips.remove(0);
        }
        self.tips.retain(|tip| *tip != commit);
        self.tips.insert(0, commit);
        self.tips.truncate(TIPS_MAX);
        let lines: String = self.tips.iter().map(|tip| format!("{tip}\n")).collect();
        // A draft of a process that dies goes with the others of its owner.
        let state = self.repository.common_dir().join("airboss");
        let temporary = fresh_draft(&RealVfs, &state);
        let written = [&temporary, &self.file]
            .into_iter()
            .filter_map(|file| file.parent())
            .try_for_each(fs::create_dir_all)
            .and_then(|()| fs::write(&temporary, lines))
            .and_then(|()| fs::rename(&temporary, &self.file));
        // Without it older versions are compared by their text alone.
        if written.is_err() {
            fs::remove_file(&temporary).ok();
        }
    }
}

/// Whether one of the commits from `head` down to `tip`, which is not among them, is a revert.
fn reverts(git: &gix::Repository, head: ObjectId, tip: ObjectId) -> bool {
    let mut next = Some(head);
    for _ in 0..COMMITS_MAX {
        let Some(commit) = next.filter(|id| *id != tip) else {
            return false;
        };
        let Ok(commit) = git.find_commit(commit) else {
            return false;
        };
        // What `git revert` writes, in every language.
        let sign = b"This reverts commit ";
        let message = commit.message_raw_sloppy();
        if message.windows(sign.len()).any(|part| part == sign) {
            return true;
        }
        next = commit.parent_ids().next().map(gix::Id::detach);
    }
    false
}

/// Whether one commit lies behind another, or is it; commits that are gone lie behind nothing.
fn is_ancestor(git: &gix::Repository, older: ObjectId, newer: ObjectId) -> bool {
    let base = git.merge_base(older, newer);
    base.is_ok_and(|base| base.is_some_and(|base| base.detach() == older))
}
