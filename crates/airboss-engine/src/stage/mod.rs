//! A stage of a task in the world: where its artifacts go, what is flown, what the board says.
//!
//! ```text
//! prepare ─▶ enter (board: in flight) ─▶ fly (the run's loop) ─▶ leave (board: links, status)
//!                                           └─ keep: markers and commits of phases meanwhile
//! ```
//!
//! Each arrow begins after the one before is durable, and each can be done again: a stage that was
//! killed is entered with `resume` and goes on with what is not verified yet. Nothing here
//! decides; that is [`airboss_core::stage`] and the dispatcher.

mod leave;
mod paths;
mod phases;
mod prepare;
mod test;

use airboss_core::board::TaskChange;
use airboss_core::board::command::Standing;
use airboss_core::board::ready::Wait;
use airboss_core::board::transition::Mode;
use airboss_core::operation::Actor;
use airboss_core::path::RepoPath;
use airboss_core::stage::prompt::UnknownField;
use airboss_core::stage::{self, Entry, Stage};

pub use self::leave::{Besides, Ended, FailedUnit, Left, leave};
pub use self::phases::PhaseKeeper;
pub use self::prepare::{Prepared, prepare};
pub use self::test::{Tested, test};
use crate::board::{BoardError, Decision, Desk, Done};
use crate::store::{BoardStanding, StoreError, Wanted};

/// What a person asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// The stage.
    pub stage: Stage,
    /// The task.
    pub number: u32,
    /// What is asked for besides the task's own words.
    pub words: Option<String>,
    /// How many look, in a research.
    pub topics: usize,
    /// Go on with what was begun.
    pub resume: bool,
    /// Begin whatever stands in the way, as far as a person may.
    pub force: bool,
    /// How much the board allows.
    pub mode: Mode,
}

/// Why a stage cannot be flown. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The board says no, or cannot be used.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// The task may not enter the stage.
    #[error(transparent)]
    Refused(#[from] stage::Refusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A directory of the task cannot be read or made.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A path of the task cannot be one.
    #[error(transparent)]
    Path(#[from] airboss_core::path::RepoPathError),
    /// The project's own template is not one.
    #[error("{path}: {error}")]
    Template {
        /// The file.
        path: String,
        /// What is wrong with it.
        error: UnknownField,
    },
    /// The plan cannot be flown.
    #[error("{path} cannot be carried out:\n  {}", problems.join("\n  "))]
    Plan {
        /// The plan.
        path: RepoPath,
        /// Why.
        problems: Vec<String>,
    },
    /// Nothing is left to do.
    #[error("every phase of {0} is done")]
    NothingOpen(RepoPath),
}

impl Request {
    /// A stage of a task as it usually is: nothing is asked for besides, one looks, nothing is
    /// forced.
    #[must_use]
    pub fn new(stage: Stage, number: u32, mode: Mode) -> Self {
        Self {
            stage,
            number,
            words: None,
            topics: 1,
            resume: false,
            force: false,
            mode,
        }
    }

    fn standing<'b>(&self, given: &'b BoardStanding) -> Standing<'b> {
        Standing {
            board: &given.board,
            actor: Actor::Airboss,
            mode: self.mode,
            force: self.force,
            now: given.now,
        }
    }

    /// What the store has to bring for a decision about the task.
    fn wanted(&self) -> Wanted {
        Wanted::Tasks(vec![self.number])
    }
}

/// Notes something about the task that is no stage's end and has no commit of its own.
///
/// # Errors
/// When the task is gone, or the store fails.
pub fn note(desk: &mut Desk, request: &Request, change: &TaskChange) -> Result<Done, BoardError> {
    desk.change(None, &request.wanted(), &mut |given| {
        let standing = request.standing(given);
        let operations = standing.set(request.number, vec![change.clone()])?;
        Ok(Decision {
            operations,
            ..Decision::default()
        })
    })
}

/// The preflight: the task enters the stage.
///
/// # Errors
/// When it may not by now; nothing was changed then.
pub fn enter(desk: &mut Desk, request: &Request, prepared: &Prepared) -> Result<Done, BoardError> {
    let waits: Vec<Wait> = prepared.waits.clone();
    let plan = prepared.plan_at_hand();
    desk.change(None, &request.wanted(), &mut |given| {
        let entry = Entry {
            stage: request.stage,
            waits: &waits,
            plan,
            resume: request.resume,
        };
        let operations = stage::begin(&request.standing(given), request.number, &entry)?;
        // No commit of its own: it goes into that of the stage's end.
        Ok(Decision {
            operations,
            ..Decision::default()
        })
    })
}
