//! A commit that holds exactly one attempt's changes, whatever else the work tree holds.
//!
//! The tree is the parent's tree with the attempt's deltas applied. It is proved by a
//! tree diff before anybody can see it, published by compare-and-swap, and found again
//! by its trailer, so that asking twice makes one commit.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::TryLockError;
use std::time::{Duration, Instant};

use airboss_core::id::OperationId;
use airboss_core::path::RepoPath;
use airboss_core::time::Timestamp;
use fs_err::File;
use gix::ObjectId;
use gix::bstr::{BString, ByteSlice as _};
use serde::{Deserialize, Serialize};

use super::defer::{DeferReason, deferral};
use super::error::{GitError, GixContext as _};
use super::merge::{Conflict, Merger};
use super::message::{Message, first_line, operation_of};
use super::object::{Entry, Oid};
use super::origin::each_move;
use super::publish::{Candidate, Hold, Publication, pause, publish, wait_for_index_lock};
use super::recover::recover;
use super::repository::Repository;
use super::tree::{self, Found, PathEdit};
use crate::lock_queue;

/// How far back the trailer of an operation is looked for.
const COMMITS_MAX: usize = 1_000;
/// How long a commit is tried against a branch or an index that keeps changing.
const TRY_FOR: Duration = Duration::from_secs(30);
/// After so many lost races the index is locked before the commit is built: it takes the
/// lock for some milliseconds longer, and lets nobody starve.
const LOSSES_MAX: u32 = 3;
/// How long a commit message may be seen as being written before it counts as an open
/// editor: `git commit -m` is over in a few milliseconds.
const MESSAGE_WAIT: Duration = Duration::from_millis(200);
/// How long the turn at the gate is waited for. The gate only saves lost races, so
/// after this the commit is tried without it.
const GATE_WAIT: Duration = Duration::from_secs(10);
/// Who commits where git knows nobody.
const FALLBACK_NAME: &str = "Airboss";
const FALLBACK_EMAIL: &str = "airboss@localhost";

/// One path's change by the attempt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Delta {
    /// The path.
    pub path: RepoPath,
    /// Its content before the attempt.
    pub before: Option<Entry>,
    /// Its content after it.
    pub after: Option<Entry>,
}

/// A commit to make.
#[derive(Clone, Debug)]
pub struct CommitRequest {
    /// The operation it belongs to; asking again for the same one makes no second commit.
    pub operation: OperationId,
    /// The attempt's own changes.
    pub deltas: Vec<Delta>,
    /// What the commit says.
    pub message: Message,
    /// The instant it bears, so that the same request on the same parent is the same commit.
    pub time: Timestamp,
    /// HEAD when the operation was decided: the search for its trailer ends there.
    pub since: Option<Oid>,
}

/// How commits are made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CommitSettings {
    /// Whether Airboss' own committers take turns. Correct without it, faster with it.
    pub gate: bool,
    /// The commit that the deltas were made on, where they can be made anew: on any other one
    /// the commit is put off as [`DeferReason::Busy`]. Otherwise they are merged into it.
    pub base: Option<Oid>,
}

impl Default for CommitSettings {
    fn default() -> Self {
        Self {
            gate: true,
            base: None,
        }
    }
}

/// Why a path of the request is not in the commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftOut {
    /// The attempt's delta does not fit the branch's version.
    Conflict(Conflict),
    /// The branch has a submodule or a directory there.
    Occupied,
}

/// Why a request is refused for good; nothing was changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// A content that the request names is not stored.
    #[error("the content of `{0}` is not in the object database")]
    MissingBlob(RepoPath),
    /// The built tree differs from its parent in other paths than it should.
    #[error("the commit would change `{0}`, which it must not")]
    Proof(String),
}

/// What came of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CommitOutcome {
    /// The commit is on the branch.
    Committed {
        /// The commit.
        oid: Oid,
        /// The paths it changes.
        paths: Vec<RepoPath>,
        /// The paths that are not in it.
        left_out: Vec<(RepoPath, LeftOut)>,
        /// The paths whose staged version could not follow; they show as staged now.
        index_left: Vec<RepoPath>,
    },
    /// The branch has it all already, or nothing of it could be applied.
    NothingToCommit {
        /// The newest commit that brought one of the paths in.
        already_in: Option<Oid>,
        /// The paths that could not be applied.
        left_out: Vec<(RepoPath, LeftOut)>,
    },
    /// Not now; nothing was changed, and the same request may be made later.
    Deferred {
        /// Why.
        reason: DeferReason,
    },
    /// Never; nothing was changed.
    Refused {
        /// Why.
        refusal: Refusal,
    },
}

/// Commits exactly the deltas of the request to the branch that is checked out.
///
/// The work tree is not touched; the user's index is patched for exactly these paths,
/// so that what he has staged stays staged and his next commit reverts nothing.
///
/// # Errors
/// When git or the file system fails. Nothing is published then, or what is published
/// is completed by the next call or by [`recover`].
pub fn scoped_commit(
    repository: &Repository,
    request: &CommitRequest,
    settings: &CommitSettings,
) -> Result<CommitOutcome, GitError> {
    recover(repository)?;
    let _gate = if settings.gate {
        enter_gate(repository)?
    } else {
        None
    };
    let git = repository.open()?;
    let mut committer = Committer {
        repository,
        git: &git,
        request,
        base: settings.base,
        merger: Merger::new(repository, &git),
        searched: request.since.map(Oid::to_gix).into_iter().collect(),
        synced: BTreeSet::new(),
        lost: 0,
    };
    let start = Instant::now();
    loop {
        match committer.try_once()? {
            Some(CommitOutcome::Deferred {
                reason: DeferReason::CommitEditor,
            }) if start.elapsed() < MESSAGE_WAIT => {}
            Some(outcome) => return Ok(outcome),
            None if start.elapsed() < TRY_FOR => {}
            None => {
                return Ok(CommitOutcome::Deferred {
                    reason: DeferReason::Busy,
                });
            }
        }
        pause();
    }
}

/// Waits for the turn; the file handle holds it. `None` when it did not come in time.
pub(crate) fn enter_gate(repository: &Repository) -> Result<Option<File>, GitError> {
    let path = repository.state_dir()?.join("gate.git");
    let gate = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    match gate.try_lock() {
        Ok(()) => Ok(Some(gate)),
        Err(TryLockError::WouldBlock) => Ok(lock_queue::lock_within(gate, GATE_WAIT)?),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

struct Committer<'a> {
    repository: &'a Repository,
    git: &'a gix::Repository,
    request: &'a CommitRequest,
    base: Option<Oid>,
    merger: Merger<'a>,
    /// Commits behind which the operation's trailer is known not to be.
    searched: Vec<ObjectId>,
    synced: BTreeSet<ObjectId>,
    /// How many races for the branch or the index were lost.
    lost: u32,
}

/// The request applied to one parent.
struct Applied {
    /// Each path that changes, with the parent's and the new side.
    edits: Vec<PathEdit>,
    left_out: Vec<(RepoPath, LeftOut)>,
}

impl Committer<'_> {
    /// `None` when a race was lost and it should be tried again.
    fn try_once(&mut self) -> Result<Option<CommitOutcome>, GitError> {
        if let Some(reason) = deferral(self.repository)? {
            return Ok(Some(CommitOutcome::Deferred { reason }));
        }
        if !wait_for_index_lock(self.repository)? {
            let reason = DeferReason::IndexLocked;
            return Ok(Some(CommitOutcome::Deferred { reason }));
        }
        let hold = if self.lost < LOSSES_MAX {
            Hold::late(self.repository)?
        } else {
            let Some(hold) = Hold::early(self.repository)? else {
                return Ok(None);
            };
            hold
        };
        self.lost += 1;
        let head = self.git.head().doing("reading HEAD")?;
        let (Some(branch), Some(parent)) = (head.referent_name(), head.id()) else {
            // HEAD was on a branch a moment ago; look again.
            return Ok(None);
        };
        let (branch, parent) = (branch.as_bstr().to_string(), parent.detach());
        if let Some(oid) = self.find_operation(parent)? {
            return self.found(oid).map(Some);
        }
        if let Some(oid) = self.find_elsewhere(&head)? {
            return self.found(oid).map(Some);
        }
        if self.base.is_some_and(|base| base.to_gix() != parent) {
            let reason = DeferReason::Busy;
            return Ok(Some(CommitOutcome::Deferred { reason }));
        }
        let parent_tree = tree::of_commit(self.git, parent)?;
        if let Some(path) = self.missing_blob() {
            return Ok(Some(refused(Refusal::MissingBlob(path))));
        }
        let Applied { edits, left_out } = self.apply(parent_tree)?;
        if edits.is_empty() {
            let already_in = self.newest_with_any_path(parent)?;
            return Ok(Some(CommitOutcome::NothingToCommit {
                already_in,
                left_out,
            }));
        }
        let tree = self.write_tree(parent_tree, &edits)?;
        if let Err(refusal) = self.prove(parent_tree, tree, &edits)? {
            return Ok(Some(refused(refusal)));
        }
        let candidate = self.write_commit(branch, parent, tree, edits)?;
        let publication = publish(
            self.repository,
            self.git,
            &candidate,
            &mut self.merger,
            hold,
        )?;
        Ok(match publication {
            Publication::Lost => None,
            Publication::Deferred(reason) => Some(CommitOutcome::Deferred { reason }),
            Publication::Published(index_left) => Some(CommitOutcome::Committed {
                oid: Oid::from_gix(candidate.commit),
                paths: candidate.edits.into_iter().map(|edit| edit.path).collect(),
                left_out,
                index_left,
            }),
        })
    }

    /// The commit that bears the operation's trailer, if there is one already.
    fn find_operation(&mut self, head: ObjectId) -> Result<Option<ObjectId>, GitError> {
        let mut walk = tree::Ancestors::new(self.git, head, self.searched.iter().copied());
        while let Some(id) = walk.next(COMMITS_MAX)? {
            if self.is_of_the_operation(id)? {
                return Ok(Some(id));
            }
        }
        self.searched.push(head);
        Ok(None)
    }

    /// The same on another branch: who made it died before it was told, and the person has changed
    /// branches since. The log of HEAD has all commits that were published in this work tree.
    fn find_elsewhere(&self, head: &gix::Head<'_>) -> Result<Option<ObjectId>, GitError> {
        let told = format!(": {}", first_line(&self.request.message.subject));
        let mut alike = Vec::new();
        each_move(head, |moved| {
            if moved.committed == Some(told.as_bytes()) {
                alike.push(moved.to);
            }
            true
        });
        for id in alike {
            // One that no branch has may have been collected.
            if self.git.has_object(id)
                && self.is_of_the_operation(id)?
                && self.is_on_a_branch(id)?
            {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    fn is_of_the_operation(&self, id: ObjectId) -> Result<bool, GitError> {
        let commit = self.git.find_commit(id).doing("reading the history")?;
        let message = commit.message_raw_sloppy().to_str_lossy();
        Ok(operation_of(&message) == Some(self.request.operation))
    }

    fn is_on_a_branch(&self, id: ObjectId) -> Result<bool, GitError> {
        let commit = self.git.find_commit(id).doing("reading the history")?;
        let parents: Vec<_> = commit.parent_ids().map(gix::Id::detach).collect();
        let references = self.git.references().doing("listing the branches")?;
        let branches = references.local_branches().doing("listing the branches")?;
        for branch in branches.flatten() {
            let Some(tip) = branch.try_id() else { continue };
            let walk = tree::Ancestors::new(self.git, tip.detach(), parents.iter().copied());
            // A clone may be shallow, and end where nothing is to be read.
            if walk.have(id, COMMITS_MAX).unwrap_or(false) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn found(&self, id: ObjectId) -> Result<CommitOutcome, GitError> {
        let changed = tree::changed_by_commit(self.git, id)?;
        Ok(CommitOutcome::Committed {
            oid: Oid::from_gix(id),
            paths: changed.into_iter().map(|edit| edit.path).collect(),
            left_out: Vec::new(),
            index_left: Vec::new(),
        })
    }

    fn missing_blob(&self) -> Option<RepoPath> {
        let is_missing = |delta: &&Delta| {
            delta
                .after
                .is_some_and(|entry| !self.git.has_object(entry.blob.to_gix()))
        };
        self.request
            .deltas
            .iter()
            .find(is_missing)
            .map(|delta| delta.path.clone())
    }

    /// Applies each delta to the parent's version of its path.
    fn apply(&mut self, parent_tree: ObjectId) -> Result<Applied, GitError> {
        let mut applied = Applied {
            edits: Vec::new(),
            left_out: Vec::new(),
        };
        // The last delta of a path counts, should a caller name one twice.
        let deltas: BTreeMap<_, _> = self
            .request
            .deltas
            .iter()
            .map(|delta| (&delta.path, delta))
            .collect();
        for (path, delta) in deltas {
            let parent = match tree::lookup(self.git, parent_tree, path)? {
                Found::Nothing => None,
                Found::File(entry) => Some(entry),
                Found::Directory if self.empties(parent_tree, path)? => None,
                Found::Directory | Found::Submodule => {
                    applied.left_out.push((path.clone(), LeftOut::Occupied));
                    continue;
                }
            };
            match self.merger.apply(delta.before, delta.after, parent)? {
                Ok(new) if new == parent => {}
                Ok(new) => applied.edits.push(PathEdit {
                    path: path.clone(),
                    parent,
                    new,
                }),
                Err(conflict) => {
                    applied
                        .left_out
                        .push((path.clone(), LeftOut::Conflict(conflict)));
                }
            }
        }
        Ok(applied)
    }

    /// Whether the request deletes everything that the parent has below `directory`.
    fn empties(&self, parent_tree: ObjectId, directory: &RepoPath) -> Result<bool, GitError> {
        let deleted: BTreeSet<_> = self
            .request
            .deltas
            .iter()
            .filter(|delta| delta.after.is_none())
            .map(|delta| delta.path.as_str())
            .collect();
        let prefix = format!("{directory}/");
        let parent = tree::diff(self.git, None, Some(parent_tree))?;
        let mut below = parent
            .paths
            .keys()
            .filter(|path| path.starts_with(prefix.as_bytes()));
        Ok(below.all(|path| path.to_str().is_ok_and(|path| deleted.contains(path))))
    }

    fn write_tree(&self, parent_tree: ObjectId, edits: &[PathEdit]) -> Result<ObjectId, GitError> {
        let mut editor = self.git.edit_tree(parent_tree).doing("reading a tree")?;
        // Deletions first, so that a file may become a directory.
        for edit in edits.iter().filter(|edit| edit.new.is_none()) {
            editor.remove(edit.path.as_str()).doing("building a tree")?;
        }
        for edit in edits {
            if let Some(entry) = edit.new {
                let (kind, blob) = (entry.mode.kind(), entry.blob.to_gix());
                editor
                    .upsert(edit.path.as_str(), kind, blob)
                    .doing("building a tree")?;
            }
        }
        Ok(editor.write().doing("writing a tree")?.detach())
    }

    /// Compares the two trees as a reader would, and makes the new objects durable.
    fn prove(
        &mut self,
        parent_tree: ObjectId,
        tree: ObjectId,
        edits: &[PathEdit],
    ) -> Result<Result<(), Refusal>, GitError> {
        let diff = tree::diff(self.git, Some(parent_tree), Some(tree))?;
        let mut expected: BTreeMap<BString, _> = edits
            .iter()
            .map(|edit| (edit.path.as_str().into(), (Ok(edit.parent), Ok(edit.new))))
            .collect();
        for (path, (old, new)) in &diff.paths {
            let sides = (tree::side_entry(*old), tree::side_entry(*new));
            if expected.remove(path) != Some(sides) {
                return Ok(Err(Refusal::Proof(path.escape_ascii().to_string())));
            }
        }
        if let Some((path, _)) = expected.first_key_value() {
            return Ok(Err(Refusal::Proof(path.escape_ascii().to_string())));
        }
        let blobs = edits
            .iter()
            .filter_map(|edit| Some(edit.new?.blob.to_gix()));
        self.sync(blobs.chain(diff.new_trees).chain([tree]))?;
        Ok(Ok(()))
    }

    fn write_commit(
        &mut self,
        branch: String,
        parent: ObjectId,
        tree: ObjectId,
        edits: Vec<PathEdit>,
    ) -> Result<Candidate, GitError> {
        let time = gix::date::Time::new(self.request.time.as_millis().div_euclid(1_000), 0);
        let author = signature(self.git.author(), time);
        let committer = signature(self.git.committer(), time);
        let message = self.request.message.render(self.request.operation);
        let subject = message.lines().next().unwrap_or_default();
        let (name, email) = (&committer.name, &committer.email);
        let log_line = format!("{name} <{email}> {} +0000\tcommit: {subject}", time.seconds);
        let commit = gix::objs::Commit {
            tree,
            parents: [parent].into_iter().collect(),
            author,
            committer,
            encoding: None,
            message: message.into(),
            extra_headers: Vec::new(),
        };
        let commit = self
            .git
            .write_object(&commit)
            .doing("writing a commit")?
            .detach();
        self.sync([commit])?;
        Ok(Candidate {
            commit,
            parent,
            branch,
            edits,
            log_line,
        })
    }

    /// Makes objects durable that this one has not made so yet.
    fn sync(&mut self, ids: impl IntoIterator<Item = ObjectId>) -> Result<(), GitError> {
        let synced = &mut self.synced;
        let fresh = ids.into_iter().filter(|id| synced.insert(*id));
        self.repository.sync_objects(fresh)
    }

    /// The newest commit since the operation was decided that touched one of the paths.
    fn newest_with_any_path(&self, head: ObjectId) -> Result<Option<Oid>, GitError> {
        let stops = self.request.since.map(Oid::to_gix);
        let mut walk = tree::Ancestors::new(self.git, head, stops);
        while let Some(id) = walk.next(COMMITS_MAX)? {
            let changed = tree::changed_by_commit(self.git, id)?;
            let is_named = |path| self.request.deltas.iter().any(|delta| &delta.path == path);
            if changed.iter().any(|edit| is_named(&edit.path)) {
                return Ok(Some(Oid::from_gix(id)));
            }
        }
        Ok(None)
    }
}

const fn refused(refusal: Refusal) -> CommitOutcome {
    CommitOutcome::Refused { refusal }
}

fn signature(
    configured: Option<gix::Result<gix::actor::SignatureRef<'_>>>,
    time: gix::date::Time,
) -> gix::actor::Signature {
    let (name, email) = match configured {
        Some(Ok(known)) => (clean(known.name), clean(known.email)),
        _ => (FALLBACK_NAME.to_owned(), FALLBACK_EMAIL.to_owned()),
    };
    gix::actor::Signature {
        name: name.into(),
        email: email.into(),
        time,
    }
}

/// A name in a commit's header must not hold what delimits it.
fn clean(name: &gix::bstr::BStr) -> String {
    let is_delimiter = |it: char| it.is_control() || matches!(it, '<' | '>');
    name.to_str_lossy()
        .chars()
        .filter(|it| !is_delimiter(*it))
        .collect::<String>()
        .trim()
        .to_owned()
}
