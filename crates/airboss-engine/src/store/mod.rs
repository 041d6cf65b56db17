//! Where the truth is kept: a log of operations, the view folded from it, and the queues of
//! what is still to be published and committed.
//!
//! [`Store`] is the whole interface. Its unit is a [`Commit`]: the operations, the version they
//! were decided against, the fence of the attempt, the command's id and everything that follows
//! from them are stored together or not at all. Nothing in the trait assumes one machine.
//!
//! The fold is `airboss-core`'s; a store only loads, folds and saves. It never reads a plan,
//! never runs a process and never decides.

mod board;
mod error;
mod lease;
mod memory;
mod place;
mod rules;
mod sqlite;
#[cfg(test)]
pub(crate) mod suite;

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use airboss_core::attempt::{Attempt, AttemptStatus};
use airboss_core::board::outline::Listing;
use airboss_core::board::{Board, BoardKey, BoardOperation, Place as TaskPlace, Task};
use airboss_core::id::{AttemptId, OperationId, RunId, StepId, TaskId};
use airboss_core::operation::{Operation, PlanKey, StoredOperation};
use airboss_core::path::RepoPath;
use airboss_core::process::ProcessIdentity;
use airboss_core::step::Step;
use airboss_core::time::Timestamp;
use airboss_core::view::{Counts, Run, View};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::board::{
    Appeared, BoardChanges, BoardHead, BoardPublication, BoardStanding, DecideBoard, FileStamp,
    FoundSections, Section, TaskDelta, Wanted,
};
pub use self::error::StoreError;
pub use self::lease::{Claim, Lease, LeaseKey};
pub use self::memory::MemoryStore;
pub use self::place::Place;
pub(crate) use self::place::is_remote;
pub(crate) use self::sqlite::DATABASE;
pub use self::sqlite::{Options, SqliteStore};

/// The idempotency key of a command, chosen by whoever gives it. It counts within one plan or
/// board.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandId(String);

impl CommandId {
    /// Wraps the caller's text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What has to be unchanged since the decision was made.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Expected {
    /// Nothing: the operations are right whatever happened meanwhile.
    #[default]
    Any,
    /// The whole plan: the sequence number of its newest operation, 0 before the first.
    Plan(u64),
    /// These steps: their versions, 0 for a step that does not exist.
    Steps(Vec<(StepId, u64)>),
}

/// Refuses the commit unless this attempt is the one whose results the step accepts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fence {
    /// The attempt that writes.
    pub attempt: AttemptId,
    /// The step it writes for.
    pub step: StepId,
}

/// Which projection a file is.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[non_exhaustive]
pub enum PublishKind {
    /// `status.json` of a plan.
    StatusJson,
    /// The markers in the plan file itself.
    PlanMarkers,
    /// The record of one run.
    RunRecord {
        /// The run.
        run: RunId,
    },
    /// `TODO.md` of a board.
    Todo,
    /// `state.json` of a board.
    BoardState,
    /// `state.json` of a board's archive.
    ArchiveState,
    /// The state file of one task.
    ProjectState {
        /// The task.
        task: TaskId,
    },
    /// The markers of phases in a task's plan.
    PhaseMarkers {
        /// The task.
        task: TaskId,
    },
    /// `errors.json` of a board.
    Errors,
}

impl PublishKind {
    /// The order of publishing: who sees a change in a file of a high rank finds it in all those
    /// of a lower one.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match self {
            Self::PlanMarkers | Self::PhaseMarkers { .. } => 0,
            Self::RunRecord { .. } => 1,
            Self::StatusJson => 2,
            Self::ProjectState { .. } => 3,
            Self::Errors => 4,
            Self::ArchiveState => 5,
            Self::Todo => 6,
            Self::BoardState => 7,
        }
    }

    /// Whether what people change in it is taken into the store.
    #[must_use]
    pub fn is_imported(&self) -> bool {
        self.rank() > Self::StatusJson.rank() || matches!(self, Self::PhaseMarkers { .. })
    }
}

/// A file that has to be written again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublishItem {
    /// Where it is.
    pub path: RepoPath,
    /// Which projection it is.
    pub kind: PublishKind,
}

/// A git commit that has to be made.
#[derive(Clone, PartialEq, Debug)]
pub struct GitWish {
    /// The place in [`Change::operations`] of the operation it belongs to; at most one each.
    pub operation: usize,
    /// The steps whose work it holds; none for a board.
    pub steps: Vec<StepId>,
    /// What the git part needs to know; the store does not look inside.
    pub payload: Value,
}

/// What is stored in one go.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Change {
    /// The operations, in order. There may be none.
    pub operations: Vec<Operation>,
    /// The files that they make stale.
    pub publish: Vec<PublishItem>,
    /// The git commits that they ask for.
    pub git: Vec<GitWish>,
    /// The sequence numbers of git wishes that are fulfilled or given up.
    pub close_git: Vec<u64>,
    /// The text that a board's files were found to hold and that is taken in with this change.
    /// Neither what was last published to the files nor the outbox changes by it.
    pub found: Vec<FoundSections>,
    /// The answer that a repetition of the command gets.
    pub result: Value,
}

impl Change {
    /// These operations of a board, and nothing else.
    #[must_use]
    pub fn of_board(operations: Vec<BoardOperation>) -> Self {
        let operations = operations.into_iter();
        Self {
            operations: operations
                .map(|operation| Operation::Board { operation })
                .collect(),
            ..Self::default()
        }
    }

    /// Nothing but an answer.
    #[must_use]
    pub fn answer(result: Value) -> Self {
        Self {
            result,
            ..Self::default()
        }
    }
}

/// The unit of writing: all of it, or nothing.
#[derive(Clone, PartialEq, Debug)]
pub struct Commit {
    /// The plan.
    pub plan: PlanKey,
    /// The idempotency key.
    pub command: Option<CommandId>,
    /// What must not have changed.
    pub expected: Expected,
    /// Whose results are accepted.
    pub fence: Option<Fence>,
    /// What is stored.
    pub change: Change,
}

impl Commit {
    /// A commit of these operations with no condition.
    #[must_use]
    pub fn new(plan: PlanKey, operations: Vec<Operation>) -> Self {
        Self {
            plan,
            command: None,
            expected: Expected::Any,
            fence: None,
            change: Change {
                operations,
                ..Change::default()
            },
        }
    }
}

/// What became of a commit.
#[derive(Clone, PartialEq, Debug)]
pub enum Committed {
    /// It is durable.
    Applied {
        /// The operations with their places in the log.
        operations: Vec<StoredOperation>,
    },
    /// The command was carried out before; nothing changed now.
    Duplicate {
        /// What it answered then.
        result: Value,
    },
    /// What was expected is no longer so; nothing changed.
    Conflict,
    /// The attempt is not the step's any more; nothing changed.
    Fenced {
        /// The attempt that is.
        current: Option<AttemptId>,
    },
}

/// What a decision about one step sees, inside its transaction.
#[derive(Clone, PartialEq, Debug)]
pub struct Standing {
    /// The step.
    pub step: Step,
    /// The attempt whose result it accepts.
    pub attempt: Option<Attempt>,
    /// The plan's newest run.
    pub run: Option<Run>,
    /// The store's clock: the instant that the operations will carry.
    pub now: Timestamp,
}

/// Why a decision changes nothing; whoever decided knows the type.
pub type Refusal = Box<dyn std::error::Error + Send + Sync>;

/// Decides about one step. It may be asked more than once and must not act.
pub type Decide<'a> = dyn FnMut(&Standing) -> Result<Change, Refusal> + 'a;

/// What became of a decision.
#[derive(Debug)]
pub enum Decided {
    /// It is durable. A change without operations, files and wishes is stored only if the
    /// command has an id.
    Applied {
        /// The operations with their places in the log.
        operations: Vec<StoredOperation>,
        /// The answer of the command.
        result: Value,
    },
    /// The command was carried out before; nothing was decided.
    Duplicate {
        /// What it answered then.
        result: Value,
    },
    /// The decision said no; nothing changed.
    Refused(Refusal),
    /// There is no such step, or no such plan.
    UnknownStep,
}

impl Decided {
    /// The same, unless the decision could not look at what it needed: that is no answer, and
    /// nothing changed.
    ///
    /// # Errors
    /// The one that it met.
    pub(crate) fn looked(self) -> io::Result<Self> {
        match self {
            Self::Refused(refusal) => match refusal.downcast::<io::Error>() {
                Ok(error) => Err(*error),
                Err(refusal) => Ok(Self::Refused(refusal)),
            },
            decided => Ok(decided),
        }
    }
}

/// An attempt and its plan.
#[derive(Clone, PartialEq, Debug)]
pub struct StoredAttempt {
    /// The plan.
    pub plan: PlanKey,
    /// The attempt.
    pub attempt: Attempt,
}

/// One line about an attempt, to tell it from others with the same prefix.
#[derive(Clone, PartialEq, Debug)]
pub struct AttemptSummary {
    /// Its id.
    pub id: AttemptId,
    /// The plan.
    pub plan: PlanKey,
    /// The run that dispatched it.
    pub run: RunId,
    /// The steps it works on.
    pub steps: Vec<StepId>,
    /// The agent's name.
    pub agent: String,
    /// Where it stands.
    pub status: AttemptStatus,
    /// When it was decided.
    pub dispatched_at: Timestamp,
}

/// The steps of one phase, counted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PhaseCounts {
    /// The phase's key.
    pub key: String,
    /// Its title.
    pub title: String,
    /// Its steps.
    pub counts: Counts,
}

/// A plan counted, without reading its steps.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Overview {
    /// The plan's name.
    pub name: String,
    /// The normalised hash of the plan file that was read last.
    pub hash: String,
    /// All its steps.
    pub counts: Counts,
    /// Its phases in plan order.
    pub phases: Vec<PhaseCounts>,
    /// The key of the first phase with a step that is neither completed nor skipped.
    pub current_phase: Option<String>,
    /// The sequence number of its newest operation.
    pub sequence: u64,
}

/// Which operations to read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OperationQuery {
    /// Only this plan's.
    pub plan: Option<PlanKey>,
    /// Only those that concern this step, or an attempt while it worked on it.
    pub step: Option<StepId>,
    /// Only those that concern this task: its changes, its conflicts and how they were settled,
    /// its errors, and the commits of all these.
    pub task: Option<TaskId>,
    /// Only those after this sequence number: a reader's cursor.
    pub after: u64,
    /// At most so many.
    pub limit: usize,
    /// From the newest to the oldest.
    pub newest_first: bool,
}

impl Default for OperationQuery {
    fn default() -> Self {
        Self {
            plan: None,
            step: None,
            task: None,
            after: 0,
            // A page that fits in memory whatever the operations hold; readers go on by cursor.
            limit: 1_000,
            newest_first: false,
        }
    }
}

/// A file waiting to be published.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublishRow {
    /// The plan it shows.
    pub plan: PlanKey,
    /// Where it is.
    pub path: RepoPath,
    /// Which projection it is.
    pub kind: PublishKind,
    /// The newest operation that it has to show.
    pub sequence: u64,
}

/// What was last published to a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Publication {
    /// The newest operation that it shows.
    pub sequence: u64,
    /// The hash of its content, as the publisher computes it.
    pub hash: String,
    /// What the file system said of it right afterwards, where the publisher told.
    pub stamp: Option<FileStamp>,
    /// Whether every text in it is the one that is remembered of its task, and no number stands
    /// in it twice.
    pub is_current: bool,
}

impl Publication {
    /// That of a file about which nothing else is kept.
    fn of(sequence: u64, hash: &str) -> Self {
        Self {
            sequence,
            hash: hash.to_owned(),
            stamp: None,
            is_current: false,
        }
    }
}

/// A git commit waiting to be made.
#[derive(Clone, PartialEq, Debug)]
pub struct GitWishRow {
    /// The sequence number of its operation, which also names the wish.
    pub sequence: u64,
    /// The id of its operation, for the trailer.
    pub operation: OperationId,
    /// The plan.
    pub plan: PlanKey,
    /// The steps whose work it holds.
    pub steps: Vec<StepId>,
    /// What the git part needs to know.
    pub payload: Value,
}

/// Everything that is stored, and the only way to change it.
///
/// A method that takes `&self` reads one snapshot and writes nothing.
pub trait Store: Send {
    /// The store's clock, which all its instants come from.
    fn now(&self) -> Timestamp;

    /// Stores a commit in one transaction. When this returns `Applied`, it is durable.
    ///
    /// # Errors
    /// Nothing was acknowledged. A repetition with the same command id tells what happened.
    fn commit(&mut self, commit: &Commit) -> Result<Committed, StoreError>;

    /// Reads one step, decides about it and stores the decision, all in one transaction.
    ///
    /// It reads a few rows however many steps the plan has.
    ///
    /// # Errors
    /// As for [`Store::commit`].
    fn decide(
        &mut self,
        plan: &PlanKey,
        command: Option<&CommandId>,
        step: &StepId,
        decide: &mut Decide<'_>,
    ) -> Result<Decided, StoreError>;

    /// The plan's steps and runs, its open attempts and the newest attempt of every step.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn view(&self, plan: &PlanKey) -> Result<Option<View>, StoreError>;

    /// One step.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn step(&self, plan: &PlanKey, id: &StepId) -> Result<Option<Step>, StoreError>;

    /// One attempt of any plan.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn attempt(&self, id: AttemptId) -> Result<Option<StoredAttempt>, StoreError>;

    /// The attempts whose id begins with these hexadecimal digits, at most [`FOUND_MAX`].
    ///
    /// # Errors
    /// When the store cannot be read.
    fn find_attempt(&self, prefix: &str) -> Result<Vec<AttemptSummary>, StoreError>;

    /// The attempts of every plan that are not judged yet, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn open_attempts(&self) -> Result<Vec<StoredAttempt>, StoreError>;

    /// The plan counted by phase.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn overview(&self, plan: &PlanKey) -> Result<Option<Overview>, StoreError>;

    /// All plans, by path. Boards are not among them.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn plans(&self) -> Result<Vec<PlanKey>, StoreError>;

    /// A plan's runs, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn runs(&self, plan: &PlanKey) -> Result<Vec<Run>, StoreError>;

    /// All boards, by their specs roots.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn boards(&self) -> Result<Vec<BoardKey>, StoreError>;

    /// What is wanted of a board, in one snapshot.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn board_part(&self, board: &BoardKey, wanted: &Wanted) -> Result<Option<Board>, StoreError>;

    /// The whole board.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn board(&self, board: &BoardKey) -> Result<Option<Board>, StoreError> {
        self.board_part(board, &Wanted::All)
    }

    /// The board without its tasks, which are only counted.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn board_head(&self, board: &BoardKey) -> Result<Option<BoardHead>, StoreError>;

    /// The tasks in these lists of a board in outline: all that a list shows, without reading the
    /// rest of each.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn listing(
        &self,
        board: &BoardKey,
        places: &[TaskPlace],
    ) -> Result<Option<Listing>, StoreError>;

    /// The task that [`Board::find`] finds, without reading all of them.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn task(&self, board: &BoardKey, number: u32) -> Result<Option<Task>, StoreError> {
        let part = self.board_part(board, &Wanted::Tasks(vec![number]))?;
        Ok(part.and_then(|part| part.find(number).cloned()))
    }

    /// Reads what is wanted of a board, decides about it and stores the decision, all in one
    /// transaction.
    ///
    /// A board that is not there is empty; it is begun by a change whose first operation is
    /// [`Adopted`](airboss_core::board::BoardOperation::Adopted).
    ///
    /// # Errors
    /// As for [`Store::commit`].
    fn decide_board(
        &mut self,
        board: &BoardKey,
        command: Option<&CommandId>,
        wanted: &Wanted,
        decide: &mut DecideBoard<'_>,
    ) -> Result<Decided, StoreError>;

    /// What was changed on a board by operations after this one, and the tasks as they are now,
    /// in one snapshot: what a publisher has to write.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn changed_since(
        &self,
        board: &BoardKey,
        sequence: u64,
    ) -> Result<Option<BoardChanges>, StoreError>;

    /// What was last published of each of these tasks, or of all, to a file; by task.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn sections(
        &self,
        board: &BoardKey,
        path: &RepoPath,
        tasks: Option<&[TaskId]>,
    ) -> Result<Vec<Section>, StoreError>;

    /// The operation with which text of this hash was published to a file the first time, if it
    /// ever was.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn known_section(
        &self,
        board: &BoardKey,
        path: &RepoPath,
        hash: &str,
    ) -> Result<Option<u64>, StoreError>;

    /// Records what files show now, as [`Store::published`] does, and which text of which tasks
    /// is in them, in one transaction. Not an operation. Answers whether all of them are clean.
    ///
    /// What a slow publisher reports late is only remembered as text that is known.
    ///
    /// # Errors
    /// As for [`Store::commit`].
    fn publish_board(
        &mut self,
        board: &BoardKey,
        publications: &[BoardPublication],
    ) -> Result<bool, StoreError>;

    /// The operation with this sequence number.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn operation(&self, sequence: u64) -> Result<Option<StoredOperation>, StoreError>;

    /// The operations whose id begins with these hexadecimal digits, at most [`FOUND_MAX`].
    ///
    /// # Errors
    /// When the store cannot be read.
    fn find_operation(&self, prefix: &str) -> Result<Vec<StoredOperation>, StoreError>;

    /// The sequence number of the operation with this id, if this store has it.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn known_operation(&self, id: OperationId) -> Result<Option<u64>, StoreError>;

    /// The boot of the kernel after which the files were last looked at, see
    /// [`Store::set_boot`].
    ///
    /// # Errors
    /// When the store cannot be read.
    fn boot(&self) -> Result<Option<String>, StoreError>;

    /// Records that every file was looked at in this boot of the kernel: what a power failure
    /// undid has been found. Not an operation.
    ///
    /// # Errors
    /// As for [`Store::commit`].
    fn set_boot(&mut self, boot: &str) -> Result<(), StoreError>;

    /// A page of the log.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn operations(&self, query: &OperationQuery) -> Result<Vec<StoredOperation>, StoreError>;

    /// The newest sequence number, 0 before the first: cheap enough to poll.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn sequence(&self) -> Result<u64, StoreError>;

    /// The files that wait to be published, of one plan or of all.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn to_publish(&self, plan: Option<&PlanKey>) -> Result<Vec<PublishRow>, StoreError>;

    /// What was last published to a file.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn publication(
        &self,
        plan: &PlanKey,
        path: &RepoPath,
    ) -> Result<Option<Publication>, StoreError>;

    /// The files that Airboss itself writes for any plan: the plans and all that was or is to
    /// be published. They are nobody's work.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn own_files(&self) -> Result<BTreeSet<RepoPath>, StoreError>;

    /// Records that a file now shows everything up to a sequence number. Not an operation.
    ///
    /// Tells whether the file is clean: a row that asks for something newer stays.
    ///
    /// # Errors
    /// As for [`Store::commit`].
    fn published(
        &mut self,
        plan: &PlanKey,
        path: &RepoPath,
        up_to: u64,
        hash: &str,
    ) -> Result<bool, StoreError>;

    /// The git commits that wait to be made, in the order of their operations.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn git_wishes(&self) -> Result<Vec<GitWishRow>, StoreError>;

    /// Claims a key for a process; granted when nobody holds it, or a holder let it expire.
    ///
    /// # Errors
    /// As for [`Store::commit`].
    fn claim(
        &mut self,
        key: &LeaseKey,
        holder: &ProcessIdentity,
        ttl: Duration,
    ) -> Result<Claim, StoreError>;

    /// Keeps a claim alive. `false`: it is no longer the caller's. Not an operation.
    ///
    /// # Errors
    /// As for [`Store::commit`].
    fn heartbeat(&mut self, key: &LeaseKey, epoch: u64, progress: u64) -> Result<bool, StoreError>;

    /// Gives a claim back. `false`: it was not held under this epoch.
    ///
    /// # Errors
    /// As for [`Store::commit`].
    fn release(&mut self, key: &LeaseKey, epoch: u64) -> Result<bool, StoreError>;

    /// The claims that stand, by key.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn leases(&self) -> Result<Vec<Lease>, StoreError>;

    /// The claims that stand and have expired at this instant.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn expired(&self, now: Timestamp) -> Result<Vec<Lease>, StoreError> {
        let mut leases = self.leases()?;
        leases.retain(|lease| lease.is_expired(now));
        Ok(leases)
    }
}

/// More attempts or operations with one prefix than this help nobody to choose.
pub const FOUND_MAX: usize = 16;

/// The clock of a store; tests bring their own.
pub type Clock = Box<dyn Fn() -> Timestamp + Send>;
