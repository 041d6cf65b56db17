//! Reading trees: one path of a commit, and the exact difference between two trees.

use std::collections::{BTreeMap, HashSet, VecDeque};

use airboss_core::path::RepoPath;
use gix::ObjectId;
use gix::bstr::{BString, ByteSlice as _};
use gix::diff::tree::recorder::Change;
use gix::objs::TreeRefIter;
use gix::objs::tree::EntryMode;

use super::error::{GitError, GixContext as _};
use super::object::{Entry, FileMode, Oid};

/// One side of a difference: a blob, a link or a submodule, never a directory.
pub(crate) type Side = Option<(EntryMode, ObjectId)>;

/// The difference between two trees, without guessing at renames.
#[derive(Default)]
pub(crate) struct TreeDiff {
    /// Each changed path with its old and its new side.
    pub(crate) paths: BTreeMap<BString, (Side, Side)>,
    /// The directories of the new tree that the old one does not have, without the root.
    pub(crate) new_trees: Vec<ObjectId>,
}

/// Compares two trees; `None` is the empty tree.
pub(crate) fn diff(
    git: &gix::Repository,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
) -> Result<TreeDiff, GitError> {
    let (old, new) = (tree_bytes(git, old)?, tree_bytes(git, new)?);
    let kind = git.object_hash();
    let mut recorder = gix::diff::tree::Recorder::default();
    gix::diff::tree(
        TreeRefIter::from_bytes(&old, kind),
        TreeRefIter::from_bytes(&new, kind),
        gix::diff::tree::State::default(),
        &git.objects,
        &mut recorder,
    )
    .doing("comparing two trees")?;
    let mut diff = TreeDiff::default();
    for change in recorder.records {
        record(&mut diff, change);
    }
    Ok(diff)
}

fn record(diff: &mut TreeDiff, change: Change) {
    let (path, old, new) = match change {
        Change::Addition {
            entry_mode,
            oid,
            path,
            ..
        } => (path, None, Some((entry_mode, oid))),
        Change::Deletion {
            entry_mode,
            oid,
            path,
            ..
        } => (path, Some((entry_mode, oid)), None),
        Change::Modification {
            previous_entry_mode,
            previous_oid,
            entry_mode,
            oid,
            path,
        } => (
            path,
            Some((previous_entry_mode, previous_oid)),
            Some((entry_mode, oid)),
        ),
    };
    if let Some((_, oid)) = new.filter(|(mode, _)| mode.is_tree()) {
        diff.new_trees.push(oid);
    }
    let is_file = |side: &(EntryMode, ObjectId)| !side.0.is_tree();
    let (old, new) = (old.filter(is_file), new.filter(is_file));
    if old.is_some() || new.is_some() {
        // A file that became a directory comes as a deletion and additions below it.
        let sides = diff.paths.entry(path).or_default();
        *sides = (sides.0.or(old), sides.1.or(new));
    }
}

fn tree_bytes(git: &gix::Repository, id: Option<ObjectId>) -> Result<Vec<u8>, GitError> {
    let Some(id) = id else { return Ok(Vec::new()) };
    Ok(git.find_tree(id).doing("reading a tree")?.detach().data)
}

/// The tree of a commit.
pub(crate) fn of_commit(git: &gix::Repository, commit: ObjectId) -> Result<ObjectId, GitError> {
    let commit = git.find_commit(commit).doing("reading a commit")?;
    Ok(commit.tree_id().doing("reading a commit")?.detach())
}

/// What a tree holds at a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    /// Nothing.
    Nothing,
    /// A file or link.
    File(Entry),
    /// A directory.
    Directory,
    /// A submodule, which no entry can stand for.
    Submodule,
}

/// Looks one path up.
pub(crate) fn lookup(
    git: &gix::Repository,
    tree: ObjectId,
    path: &RepoPath,
) -> Result<Found, GitError> {
    let tree = git.find_tree(tree).doing("reading a tree")?;
    let found = tree
        .lookup_entry(path.as_str().split('/'))
        .doing("reading a tree")?;
    let Some(entry) = found else {
        return Ok(Found::Nothing);
    };
    Ok(match FileMode::from_gix(entry.mode()) {
        Some(mode) => Found::File(Entry {
            mode,
            blob: Oid::from_gix(entry.object_id()),
        }),
        None if entry.mode().is_tree() => Found::Directory,
        None => Found::Submodule,
    })
}

/// A side of a difference as an entry; `Err` for a submodule.
pub(crate) fn side_entry(side: Side) -> Result<Option<Entry>, ()> {
    let Some((mode, oid)) = side else {
        return Ok(None);
    };
    let mode = FileMode::from_gix(mode).ok_or(())?;
    Ok(Some(Entry {
        mode,
        blob: Oid::from_gix(oid),
    }))
}

/// One path of a commit: what the parent held and what the commit holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PathEdit {
    pub(crate) path: RepoPath,
    pub(crate) parent: Option<Entry>,
    pub(crate) new: Option<Entry>,
}

/// The paths that a commit changed against its first parent, with both sides. Paths that
/// cannot be a [`RepoPath`] or are submodules are left out: none of ours are.
pub(crate) fn changed_by_commit(
    git: &gix::Repository,
    id: ObjectId,
) -> Result<Vec<PathEdit>, GitError> {
    let commit = git.find_commit(id).doing("reading a commit")?;
    let parent = commit.parent_ids().next().map(gix::Id::detach);
    let parent_tree = parent.map(|parent| of_commit(git, parent)).transpose()?;
    let diff = diff(git, parent_tree, Some(of_commit(git, id)?))?;
    let as_entries = |(path, (old, new)): (BString, (Side, Side))| {
        let path = RepoPath::new(path.to_str().ok()?).ok()?;
        Some(PathEdit {
            path,
            parent: side_entry(old).ok()?,
            new: side_entry(new).ok()?,
        })
    };
    Ok(diff.paths.into_iter().filter_map(as_entries).collect())
}

/// Walks from a commit back through all parents, breadth first, not beyond `stops`.
pub(crate) struct Ancestors<'a> {
    git: &'a gix::Repository,
    queue: VecDeque<ObjectId>,
    seen: HashSet<ObjectId>,
    visited: usize,
}

impl<'a> Ancestors<'a> {
    pub(crate) fn new(
        git: &'a gix::Repository,
        tip: ObjectId,
        stops: impl IntoIterator<Item = ObjectId>,
    ) -> Self {
        let mut seen: HashSet<_> = stops.into_iter().collect();
        let queue = seen.insert(tip).then_some(tip).into_iter().collect();
        Self {
            git,
            queue,
            seen,
            visited: 0,
        }
    }

    /// Whether a commit is among the next `commits_max`.
    pub(crate) fn have(mut self, commit: ObjectId, commits_max: usize) -> Result<bool, GitError> {
        while let Some(id) = self.next(commits_max)? {
            if id == commit {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The next commit; `None` at the end or after `commits_max` of them.
    pub(crate) fn next(&mut self, commits_max: usize) -> Result<Option<ObjectId>, GitError> {
        let Some(id) = self
            .queue
            .pop_front()
            .filter(|_| self.visited < commits_max)
        else {
            return Ok(None);
        };
        self.visited += 1;
        let commit = self.git.find_commit(id).doing("reading the history")?;
        for parent in commit.parent_ids().map(gix::Id::detach) {
            if self.seen.insert(parent) {
                self.queue.push_back(parent);
            }
        }
        Ok(Some(id))
    }
}
