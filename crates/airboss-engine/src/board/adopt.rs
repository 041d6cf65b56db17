//! Taking a board as it is found: first a survey that only reads, then one transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use airboss_core::board::reconcile::{Adopted, Adoption, Evidence, Side, adopt};
use airboss_core::board::{BoardKey, EditError, TaskFacts, state_file, todo};
use airboss_core::operation::Operation;
use airboss_core::path::RepoPath;
use airboss_core::plan::Plan;
use airboss_core::time::Timestamp;

use super::desk::{BoardError, Desk, Done};
use super::find::find;
use super::list_file::{ListFile, Parsed};
use super::places::Places;
use crate::clock;
use crate::projection::Settled;
use crate::store::{Change, CommandId, Decided, PublishKind, SqliteStore, Store, Wanted};
use crate::workspace::Workspace;

/// How far back the history is asked which of two files was changed last.
const COMMITS_MAX: usize = 500;

/// A board as it was found; nothing was written.
#[derive(Debug)]
pub struct Survey {
    /// Its files.
    pub places: Places,
    /// Other directories that look like boards, and were left alone.
    pub others: Vec<String>,
    /// Whether there is nothing yet.
    pub is_new: bool,
    /// What TODO.md says; `None` when there is none.
    pub todo: Option<Parsed>,
    /// What state.json says; `None` when there is none.
    pub state: Option<Parsed>,
    /// What is odd in the files: path, line, words.
    pub problems: Vec<(RepoPath, usize, String)>,
    /// What adopting it will store.
    pub adopted: Adopted,
}

/// Why a board cannot be adopted; nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// The board cannot be used.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// A file is damaged.
    #[error("{path}: {error}")]
    Damaged {
        /// The file.
        path: RepoPath,
        /// Where, and what.
        error: EditError,
        /// The newest version in the history that can be read, as words for a person.
        remedy: String,
    },
    /// It is known already.
    #[error("{0} is adopted already")]
    Known(BoardKey),
}
