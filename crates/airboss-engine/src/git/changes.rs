//! What changed between two snapshots, moves of HEAD included.

use std::collections::{BTreeMap, BTreeSet};

use airboss_core::id::OperationId;
use airboss_core::path::RepoPath;
use gix::ObjectId;
use gix::bstr::ByteSlice as _;

use super::error::{GitError, GixContext as _};
use super::message::operation_of;
use super::object::{Entry, Oid};
use super::repository::Repository;
use super::snapshot::Snapshot;
use super::tree;

/// How many commits between two snapshots are looked at. A window with more is a
/// branch switch or a pull; the rest counts as foreign, which commits too little, never
/// too much.
const COMMITS_MAX: usize = 1_000;

/// How a change came into the work tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// It is not committed.
    WorkTree,
    /// Only commits of Airboss brought it in; their operations, newest first.
    Ours(Vec<OperationId>),
    /// A commit of somebody else, or a move of HEAD, brought it in.
    Foreign(Oid),
}

/// One path whose content differs between two instants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The path.
    pub path: RepoPath,
    /// Its content before; `None` when there was no such file.
    pub before: Option<Entry>,
    /// Its content after; `None` when there is no such file any more.
    pub after: Option<Entry>,
    /// How it came in.
    pub origin: Origin,
}

/// The differences in content between two instants.
///
/// What was merely committed in between, with its content as it was, is no change.
///
/// # Errors
/// When the commits of the two snapshots cannot be read.
pub fn changes(
    before: &Snapshot,
    after: &Snapshot,
    repository: &Repository,
) -> Result<Vec<Change>, GitError> {
    let git = repository.open()?;
    let heads = Heads::compare(&git, before.head, after.head)?;
    let paths: BTreeSet<&RepoPath> = before
        .entries
        .keys()
        .chain(after.entries.keys())
        .chain(heads.differing.keys())
        .collect();
    let mut found = Vec::new();
    for path in paths {
        let old = content(&git, before, path, |sides| sides.0, &heads)?;
        let new = content(&git, after, path, |sides| sides.1, &heads)?;
        if let (Some(old), Some(new)) = (old, new)
            && old != new
        {
            let origin = heads.origin(path);
            found.push(Change {
                path: path.clone(),
                before: old,
                after: new,
                origin,
            });
        }
    }
    Ok(found)
}

/// The paths that were staged between the two snapshots.
#[must_use]
pub fn staged_meanwhile(before: &Snapshot, after: &Snapshot) -> BTreeSet<RepoPath> {
    let is_new =
        |(path, entry): &(&RepoPath, &Option<Entry>)| before.staged.get(*path) != Some(*entry);
    after
        .staged
        .iter()
        .filter(is_new)
        .map(|(path, _)| path.clone())
        .collect()
}

type Sides = (Option<Entry>, Option<Entry>);

/// The content of a path at the instant of a snapshot; the outer `None` when it is a
/// submodule, which cannot be compared.
fn content(
    git: &gix::Repository,
    snapshot: &Snapshot,
    path: &RepoPath,
    side: impl Fn(&Sides) -> Option<Entry>,
    heads: &Heads,
) -> Result<Option<Option<Entry>>, GitError> {
    if let Some(entry) = snapshot.entries.get(path) {
        return Ok(Some(*entry));
    }
    if snapshot
        .unattributable
        .iter()
        .any(|it| it.path == path.as_str())
    {
        return Ok(None);
    }
    if let Some(sides) = heads.differing.get(path) {
        return Ok(Some(side(sides)));
    }
    let Some(head) = snapshot.head else {
        return Ok(Some(None));
    };
    let tree = tree::of_commit(git, head.to_gix())?;
    Ok(match tree::lookup(git, tree, path)? {
        tree::Found::Nothing | tree::Found::Directory => Some(None),
        tree::Found::File(entry) => Some(Some(entry)),
        tree::Found::Submodule => None,
    })
}

/// The difference between the commits of two snapshots.
#[derive(Default)]
struct Heads {
    differing: BTreeMap<RepoPath, Sides>,
    origins: BTreeMap<RepoPath, Origin>,
    after: Option<Oid>,
}

impl Heads {
    fn compare(
        git: &gix::Repository,
        before: Option<Oid>,
        after: Option<Oid>,
    ) -> Result<Self, GitError> {
        let mut heads = Self {
            after,
            ..Self::default()
        };
        if before == after {
            return Ok(heads);
        }
        let tree_of =
            |head: Option<Oid>| head.map(|it| tree::of_commit(git, it.to_gix())).transpose();
        let diff = tree::diff(git, tree_of(before)?, tree_of(after)?)?;
        for (path, (old, new)) in diff.paths {
            let path = path.to_str().ok().and_then(|text| RepoPath::new(text).ok());
            if let (Some(path), Ok(old), Ok(new)) =
                (path, tree::side_entry(old), tree::side_entry(new))
            {
                heads.differing.insert(path, (old, new));
            }
        }
        if let Some(after) = after {
            heads.find_origins(git, before, after)?;
        }
        Ok(heads)
    }

    /// Reads the commits that came in, newest first, and notes who touched what.
    fn find_origins(
        &mut self,
        git: &gix::Repository,
        before: Option<Oid>,
        after: Oid,
    ) -> Result<(), GitError> {
        let walk = git
            .rev_walk([after.to_gix()])
            .with_hidden(before.map(Oid::to_gix))
            .all()
            .doing("reading the history")?;
        for info in walk.take(COMMITS_MAX) {
            let commit = info.doing("reading the history")?.id().detach();
            self.note_commit(git, commit)?;
        }
        Ok(())
    }

    fn note_commit(&mut self, git: &gix::Repository, id: ObjectId) -> Result<(), GitError> {
        let commit = git.find_commit(id).doing("reading a commit")?;
        let message = commit.message_raw_sloppy().to_str_lossy().into_owned();
        let parent = commit.parent_ids().next().map(gix::Id::detach);
        let parent_tree = parent
            .map(|parent| tree::of_commit(git, parent))
            .transpose()?;
        let diff = tree::diff(git, parent_tree, Some(tree::of_commit(git, id)?))?;
        let operation = operation_of(&message);
        for path in diff.paths.keys() {
            let path = path.to_str().ok().and_then(|text| RepoPath::new(text).ok());
            let Some(path) = path.filter(|path| self.differing.contains_key(path)) else {
                continue;
            };
            let origin = self
                .origins
                .entry(path)
                .or_insert_with(|| Origin::Ours(Vec::new()));
            match (operation, &mut *origin) {
                (Some(operation), Origin::Ours(operations)) => operations.push(operation),
                (None, Origin::Ours(_)) => *origin = Origin::Foreign(Oid::from_gix(id)),
                _ => {}
            }
        }
        Ok(())
    }

    fn origin(&self, path: &RepoPath) -> Origin {
        match (self.origins.get(path), self.after) {
            (Some(origin), _) => origin.clone(),
            (None, Some(after)) if self.differing.contains_key(path) => Origin::Foreign(after),
            (None, _) => Origin::WorkTree,
        }
    }
}
