//! Failures of board commands, recorded in two levels and shown by errors.json.
//!
//! A critical failure is one after which a file does not say what is stored. Everything else,
//! such as a commit that waits, is recorded and the work goes on. What is over is marked as fixed
//! by the next command, so that an open entry is always worth a look.

use airboss_core::board::error::{ErrorContext, ErrorEntry, FixStatus, Severity};
use airboss_core::board::{Board, BoardOperation};
use airboss_core::time::Timestamp;

use super::desk::{BoardError, Decision, Desk, Done};
use super::files::BoardFiles;
use crate::projection::Publisher;
use crate::store::{Store as _, StoreError, Wanted};

/// The kinds of failures that Airboss records itself (the formats' two severities).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// A file does not say what is stored.
    StatusSync,
    /// A commit could not be made yet.
    GitCommit,
    /// A commit was made without a file that belongs to the change.
    GitCommitValidation,
    /// A hook did not do its work.
    Hook,
    /// An agent wrote no artifact, and Airboss wrote its answer in its place.
    Salvaged,
}

impl Failure {
    /// Its word in errors.json.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::StatusSync => "status_sync_failed",
            Self::GitCommit => "git_commit_failed",
            Self::GitCommitValidation => "git_commit_validation_warning",
            Self::Hook => "hook_failed",
            Self::Salvaged => "artifact_salvaged",
        }
    }

    fn recommendation(self) -> &'static str {
        match self {
            Self::StatusSync => {
                "mend what is in the way of the file; the next command that writes tries again"
            }
            Self::GitCommit => {
                "end what is in the way of the commit; the next command that writes makes it"
            }
            Self::GitCommitValidation => "look at the file and commit it by hand",
            Self::Salvaged => {
                "read the file, which is what the agent said; `airboss why` tells what kept it \
                 from writing it"
            }
            Self::Hook => "run its command by hand and mend it, or take it out of `[hooks]`",
        }
    }

    /// An entry for [`Desk::record_error`], which gives it its id and its instant.
    ///
    /// What stands before the first `: ` of the message names what failed: as long as an entry
    /// about it is open, no second one is made.
    #[must_use]
    pub fn entry(self, message: impl Into<String>, task: Option<u32>) -> ErrorEntry {
        let is_critical = self == Self::StatusSync;
        let checkpoint = match self {
            Self::StatusSync | Self::Salvaged => Some("GATE_OUT"),
            Self::GitCommit | Self::GitCommitValidation => Some("COMMIT"),
            Self::Hook => None,
        };
        ErrorEntry {
            id: String::new(),
            at: Timestamp::default(),
            kind: self.kind().to_owned(),
            code: self.kind().to_uppercase(),
            severity: if is_critical {
                Severity::Critical
            } else {
                Severity::Low
            },
            message: message.into(),
            recoverable: !is_critical,
            recommendation: self.recommendation().to_owned(),
            context: ErrorContext {
                task,
                checkpoint: checkpoint.map(str::to_owned),
                ..ErrorContext::default()
            },
            fix_status: FixStatus::Unfixed,
        }
    }
}

/// What an entry is about.
fn subject(entry: &ErrorEntry) -> (&str, &str) {
    let subject = entry.message.split(": ").next();
    (&entry.kind, subject.unwrap_or_default())
}

impl Desk {
    /// Records a failure, unless one of the same subject is open; answers the id of the new
    /// entry.
    ///
    /// # Errors
    /// When the store fails.
    pub fn record_error(&mut self, entry: ErrorEntry) -> Result<Option<String>, BoardError> {
        Ok(self.record_errors(vec![entry])?.pop())
    }

    fn record_errors(&mut self, entries: Vec<ErrorEntry>) -> Result<Vec<String>, BoardError> {
        let done = self.decide(None, &Wanted::Errors, &mut |standing| {
            let mut known = standing.board.errors.clone();
            let mut operations = Vec::new();
            for entry in &entries {
                let same = |other: &ErrorEntry| {
                    other.fix_status != FixStatus::Fixed && subject(other) == subject(entry)
                };
                if known.iter().any(same) {
                    continue;
                }
                let entry = named(entry.clone(), &known, standing.now);
                known.push(entry.clone());
                operations.push(BoardOperation::ErrorRecorded {
                    entry: Box::new(entry),
                });
            }
            Ok(decision(operations))
        })?;
        self.publish_errors(&done)?;
        let ids =
            done.operations
                .iter()
                .filter_map(|stored| match super::board_operation(stored)? {
                    BoardOperation::ErrorRecorded { entry } => Some(entry.id.clone()),
                    _ => None,
                });
        Ok(ids.collect())
    }

    /// Says how far an error has been seen to. One that stands in errors.json alone becomes known
    /// by it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_error_status(
        &mut self,
        entry: &ErrorEntry,
        status: FixStatus,
    ) -> Result<(), BoardError> {
        let done = self.decide(None, &Wanted::Errors, &mut |standing| {
            let mut operations = Vec::new();
            if !is_known(&standing.board, entry) {
                operations.push(BoardOperation::ErrorRecorded {
                    entry: Box::new(entry.clone()),
                });
            }
            operations.push(BoardOperation::ErrorResolved {
                id: entry.id.clone(),
                status,
            });
            Ok(decision(operations))
        })?;
        self.publish_errors(&done)
    }

    /// Records what went wrong with a change that is stored, and marks as fixed what is over.
    /// Answers the ids of new critical entries.
    ///
    /// # Errors
    /// When the store fails.
    pub fn note_outcome(
        &mut self,
        done: &Done,
        task: Option<u32>,
    ) -> Result<Vec<String>, BoardError> {
        self.mark_fixed()?;
        let mut entries = Vec::new();
        for pending in &done.settled.pending {
            let message = format!("{}: {}", behind(pending.path.as_str()), pending.reason);
            entries.push(Failure::StatusSync.entry(message, task));
        }
        let critical = entries.len();
        for commit in &done.commits {
            if commit.plan != self.board().log() {
                continue;
            }
            if let Err(reason) = &commit.result {
                let message = format!("the commit of a change waits: {reason}");
                entries.push(Failure::GitCommit.entry(message, task));
            }
            for file in &commit.left_out {
                let message = format!("{} was not committed: {}", file.path, file.why);
                entries.push(Failure::GitCommitValidation.entry(message, task));
            }
        }
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let low = entries.split_off(critical);
        let ids = self.record_errors(entries)?;
        self.record_errors(low)?;
        Ok(ids)
    }

    /// Records that a command failed with an input or output error, as far as that can be stored.
    /// Answers the id of the new entry.
    pub fn note_failure(&mut self, error: &BoardError, task: Option<u32>) -> Option<String> {
        let is_failure = match error {
            BoardError::Store(error) => {
                !matches!(error, StoreError::Busy { .. } | StoreError::Illegal(_))
            }
            BoardError::Workspace(_) | BoardError::Git(_) | BoardError::Io(_) => true,
            _ => false,
        };
        if !is_failure {
            return None;
        }
        let message = format!("a command of the board failed: {error}");
        let entry = Failure::StatusSync.entry(message, task);
        self.record_error(entry).ok()?
    }

    /// Marks the failures as fixed whose files are published and whose commits are made.
    fn mark_fixed(&mut self) -> Result<(), BoardError> {
        let part = self.store.board_part(self.board(), &Wanted::Errors)?;
        let open = part.unwrap_or_default().errors;
        let open = open
            .iter()
            .filter(|entry| entry.fix_status != FixStatus::Fixed);
        let mut open = open.cloned().collect::<Vec<_>>();
        if open.is_empty() {
            return Ok(());
        }
        let log = self.board().log();
        let waits = self.store.git_wishes()?.iter().any(|it| it.plan == log);
        let stale = self.store.to_publish(Some(&log))?;
        open.retain(|entry| {
            if entry.kind == Failure::GitCommit.kind() {
                return !waits;
            }
            let of_file = |path: &str| subject(entry).1 == behind(path);
            entry.kind == Failure::StatusSync.kind()
                && !stale.iter().any(|row| of_file(row.path.as_str()))
        });
        let operations: Vec<_> = open
            .into_iter()
            .map(|entry| BoardOperation::ErrorResolved {
                id: entry.id,
                status: FixStatus::Fixed,
            })
            .collect();
        if operations.is_empty() {
            return Ok(());
        }
        let done = self.decide(None, &Wanted::Errors, &mut |_| {
            Ok(decision(operations.clone()))
        })?;
        self.publish_errors(&done)
    }

    /// Writes errors.json. What cannot be written waits, as every file does.
    fn publish_errors(&mut self, done: &Done) -> Result<(), BoardError> {
        if !done.operations.is_empty() {
            let log = self.board().log();
            let publisher = Publisher::of_board(&self.workspace, BoardFiles::new(&self.workspace));
            publisher.settle(&mut self.store, Some(&log))?;
        }
        Ok(())
    }
}

/// How a message begins that says which file is behind.
fn behind(path: &str) -> String {
    format!("{path} does not show what is stored")
}

fn is_known(board: &Board, entry: &ErrorEntry) -> bool {
    board.errors.iter().any(|known| known.id == entry.id)
}

fn decision(operations: Vec<BoardOperation>) -> Decision {
    Decision {
        operations,
        ..Decision::default()
    }
}

/// The entry with its instant and an id that no other one has.
fn named(mut entry: ErrorEntry, known: &[ErrorEntry], now: Timestamp) -> ErrorEntry {
    entry.at = now;
    let mut free = (now.as_millis()..).map(|millis| format!("err_{millis}"));
    let is_free = |id: &String| known.iter().all(|other| other.id != *id);
    entry.id = free.find(is_free).unwrap_or_default();
    entry
}
