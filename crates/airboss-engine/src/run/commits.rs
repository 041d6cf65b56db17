//! Making the commits that verified steps ask for, in the order of their operations.
//!
//! The wish is stored with the verdict; whoever comes next fulfils it, so a crash
//! costs nothing and a commit is never made twice. A commit that has to wait is
//! told once and tried again; nobody's work waits for it.

use std::time::Duration;

use airboss_core::dispatch::CommitIntent;
use airboss_core::id::StepId;
use airboss_core::operation::{Operation, PlanKey};
use airboss_core::path::RepoPath;
use airboss_core::time::Timestamp;
use airboss_core::verdict::{ChangedFile, UnownedFile};
use serde::{Deserialize, Serialize};

use super::evidence::entry;
use crate::board::{self, BoardWish};
use crate::clock;
use crate::git::{
    CommitOutcome, CommitRequest, CommitSettings, Delta, GitError, Message, Oid, Repository,
    enter_gate, recover, remove_torn, scoped_commit, session_trailers,
};
use crate::store::{CommandId, Commit, GitWishRow, OperationQuery, Store, StoreError};

/// A commit that waits for less has seen no power cut: no machine is back so soon.
const NO_BOOT_IS_FASTER: Duration = Duration::from_secs(1);
/// File systems tell times in steps of up to two seconds.
const CLOCK_STEP: Duration = Duration::from_secs(2);

/// What the wish says; the store keeps it without looking inside.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CommitWish {
    /// The steps and their files.
    pub intent: CommitIntent,
    /// The first line.
    pub subject: String,
    /// The rest.
    pub body: String,
    /// The instant it bears.
    pub time: Timestamp,
    /// HEAD when the attempt began.
    pub since: Option<Oid>,
    /// The agents' own conversations that the work comes from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<String>,
    /// Marker changes of the plan file that belong to these steps.
    pub markers: Option<MarkerChange>,
}

/// Both kinds of wishes; they have no member in common but for the subject and the like.
#[derive(Deserialize)]
#[serde(untagged)]
enum Wish {
    Board(Box<BoardWish>),
    Steps(Box<CommitWish>),
}

/// The plan's own change: applied to the parent's version, whatever the tree holds.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct MarkerChange {
    /// The plan file.
    pub path: RepoPath,
    /// The phases whose marker changes, with their words and stamps.
    pub phases: Vec<super::markers::PhaseMark>,
}

/// What became of one wish.
#[derive(Clone, PartialEq, Debug)]
pub struct WishOutcome {
    /// The plan, which need not be the one that is flown: whoever comes first makes a commit.
    pub plan: PlanKey,
    /// The steps.
    pub steps: Vec<StepId>,
    /// The commit, or why there is none yet.
    pub result: Result<Option<String>, String>,
    /// Files that are not in it.
    pub left_out: Vec<UnownedFile>,
}

/// Why wishes could not be looked after.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The store failed; what is to be committed is stored.
    #[error("{}", .0.after_storing())]
    Store(#[from] StoreError),
    /// Git failed.
    #[error(transparent)]
    Git(#[from] GitError),
}

/// Fulfils every wish that can be fulfilled now.
///
/// # Errors
/// When the store fails. What git refuses is an outcome, not an error.
pub fn drain(
    store: &mut dyn Store,
    repository: &Repository,
) -> Result<Vec<WishOutcome>, CommitError> {
    let mut outcomes = Vec::new();
    if store.git_wishes()?.is_empty() {
        // A commit that was made may have left its lock; when it stays, the next call tries again.
        drop(recover(repository));
        return Ok(outcomes);
    }
    // Without it commits are as right, and slower.
    let _gate = enter_gate(repository).unwrap_or_default();
    // Whoever had the gate before made our commits, too, perhaps on another branch.
    for row in store.git_wishes()? {
        if outcomes.is_empty() {
            mend_objects(store, repository, &row)?;
        }
        let outcome = fulfil(store, repository, &row)?;
        let waits = outcome.result.is_err();
        outcomes.push(outcome);
        if waits {
            break; // Commits keep their order, so the rest waits too.
        }
    }
    Ok(outcomes)
}

/// Whoever wished for a commit made it at once, or the machine may have lost its power since.
fn mend_objects(
    store: &dyn Store,
    repository: &Repository,
    row: &GitWishRow,
) -> Result<(), CommitError> {
    let Some(stored) = store.operation(row.sequence)? else {
        return Ok(());
    };
    let age = clock::now().as_millis() - stored.at.as_millis();
    if let Ok(age) = u64::try_from(age)
        && Duration::from_millis(age) >= NO_BOOT_IS_FASTER
        && let Some(since) = clock::wall().checked_sub(Duration::from_millis(age) + CLOCK_STEP)
    {
        remove_torn(repository, since)?;
    }
    Ok(())
}

fn fulfil(
    store: &mut dyn Store,
    repository: &Repository,
    row: &GitWishRow,
) -> Result<WishOutcome, CommitError> {
    let made = match serde_json::from_value(row.payload.clone()) {
        Ok(Wish::Board(mut wish)) => {
            board::name_operations(store, row, &mut wish)?;
            board::make(repository, row, &wish).map_err(|error| error.to_string())
        }
        Ok(Wish::Steps(mut wish)) => {
            stamp(store, row, &mut wish)?;
            make(repository, row, &wish).map_err(|error| error.to_string())
        }
        // It can never be made; kept, it would keep all others waiting for ever.
        Err(error) => return give_up(store, row, &format!("its wish cannot be read: {error}")),
    };
    let (result, left_out, close) = match made {
        Ok(CommitOutcome::Committed { oid, left_out, .. }) => {
            (Ok(Some(oid.to_string())), left_out, true)
        }
        Ok(CommitOutcome::NothingToCommit {
            already_in,
            left_out,
        }) => (Ok(already_in.map(|oid| oid.to_string())), left_out, true),
        Ok(CommitOutcome::Deferred { reason }) => (Err(reason.to_string()), Vec::new(), false),
        Ok(CommitOutcome::Refused { refusal }) => {
            return give_up(store, row, &refusal.to_string());
        }
        Err(error) => (Err(error), Vec::new(), false),
    };
    let left_out: Vec<UnownedFile> = left_out
        .into_iter()
        .map(|(path, why)| UnownedFile {
            path: path.to_string(),
            why: format!("it is left out of the commit ({why:?})").to_lowercase(),
        })
        .collect();
    let operation = match &result {
        Ok(commit) => Operation::CommitMade {
            sequence: row.sequence,
            steps: row.steps.clone(),
            commit: commit.clone(),
            left_out: left_out.clone(),
        },
        Err(reason) => Operation::CommitDeferred {
            sequence: row.sequence,
            reason: reason.clone(),
        },
    };
    let mut commit = Commit::new(row.plan.clone(), vec![operation]);
    if close {
        commit.change.close_git = vec![row.sequence];
        // Two committers side by side find the same commit; the log tells of it once.
        commit.command = Some(CommandId::new(format!("commit-{}", row.sequence)));
    } else {
        // Told once, however often it is tried.
        let told = format!(
            "defer-{}-{}",
            row.sequence,
            result.as_ref().err().map_or("", |r| r)
        );
        commit.command = Some(CommandId::new(told));
    }
    store.commit(&commit)?;
    Ok(WishOutcome {
        plan: row.plan.clone(),
        steps: row.steps.clone(),
        result,
        left_out,
    })
}

/// Stamps a completed phase with the instant that its last verdict was stored at, as the
/// published file has it; when the wish was put together that instant was still to come.
fn stamp(store: &dyn Store, row: &GitWishRow, wish: &mut CommitWish) -> Result<(), StoreError> {
    let Some(markers) = &mut wish.markers else {
        return Ok(());
    };
    let query = OperationQuery {
        after: row.sequence.saturating_sub(1),
        limit: 1,
        ..OperationQuery::default()
    };
    let verdict = store.operations(&query)?.pop();
    if let Some(verdict) = verdict.filter(|stored| stored.sequence == row.sequence) {
        for mark in &mut markers.phases {
            mark.completed = mark.completed.map(|_| verdict.at);
        }
    }
    Ok(())
}

/// Closes a wish that will never be fulfilled; its files stay as they are, and it is told why.
fn give_up(
    store: &mut dyn Store,
    row: &GitWishRow,
    reason: &str,
) -> Result<WishOutcome, CommitError> {
    let left_out = vec![UnownedFile {
        path: "the whole commit".to_owned(),
        why: reason.to_owned(),
    }];
    let operation = Operation::CommitMade {
        sequence: row.sequence,
        steps: row.steps.clone(),
        commit: None,
        left_out: left_out.clone(),
    };
    let mut commit = Commit::new(row.plan.clone(), vec![operation]);
    commit.change.close_git = vec![row.sequence];
    store.commit(&commit)?;
    Ok(WishOutcome {
        plan: row.plan.clone(),
        steps: row.steps.clone(),
        result: Ok(None),
        left_out,
    })
}

/// Changed files as a commit takes them. What did not come from git stays out.
pub(crate) fn deltas(changes: &[ChangedFile]) -> Vec<Delta> {
    let changes = changes.iter().map(|change| Delta {
        path: change.path.clone(),
        before: change.before.as_ref().and_then(entry),
        after: change.after.as_ref().and_then(entry),
    });
    changes.collect()
}

fn make(
    repository: &Repository,
    row: &GitWishRow,
    wish: &CommitWish,
) -> Result<CommitOutcome, GitError> {
    let mut deltas = deltas(&wish.intent.changes);
    if let Some(markers) = &wish.markers {
        deltas.extend(super::markers::delta(repository, markers)?);
    }
    let request = CommitRequest {
        operation: row.operation,
        deltas,
        message: Message {
            subject: wish.subject.clone(),
            body: wish.body.clone(),
            trailers: session_trailers(&wish.sessions),
        },
        time: wish.time,
        since: wish.since,
    };
    // The gate is ours already.
    let settings = CommitSettings {
        gate: false,
        base: None,
    };
    scoped_commit(repository, &request, &settings)
}
