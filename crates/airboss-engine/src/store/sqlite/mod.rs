//! The store on one machine: one SQLite database, shared by any number of processes.
//!
//! The write-ahead log's `fsync` is the commit point. Every write is one `BEGIN IMMEDIATE`
//! transaction behind a gate that only orders the queue; every read is one snapshot.

mod board;
mod fault;
mod gate;
mod listing;
mod open;
mod read;
mod schema;
mod write;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use airboss_core::board::outline::Listing;
use airboss_core::board::{Board, BoardKey, Place};
use airboss_core::id::{AttemptId, OperationId, StepId, TaskId};
use airboss_core::operation::{PlanKey, StoredOperation};
use airboss_core::path::RepoPath;
use airboss_core::process::ProcessIdentity;
use airboss_core::step::Step;
use airboss_core::time::Timestamp;
use airboss_core::view::{Run, View};
use rusqlite::{Connection, ErrorCode};

use self::fault::Fault;
use self::gate::Gate;
pub(crate) use self::open::DATABASE;
use self::open::Reader;
use self::write::End;
use super::{
    AttemptSummary, BoardChanges, BoardHead, BoardPublication, Claim, Clock, CommandId, Commit,
    Committed, Decide, DecideBoard, Decided, GitWishRow, Lease, LeaseKey, OperationQuery, Overview,
    Publication, PublishRow, Section, Store, StoreError, StoredAttempt, Wanted,
};
use crate::clock;

/// How often a reader begins anew because a writer came in between. Once is the rule.
const READ_TRIES: usize = 8;

/// How a store is opened.
pub struct Options {
    /// Writers queue at the gate. Without it everything is as correct, and slower.
    pub gate: bool,
    /// How long a writer waits for SQLite's write lock, after the gate.
    pub patience: Duration,
    /// The store's clock.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            gate: true,
            // With the gate's own patience 10 s: longer than any honest queue of writers.
            patience: Duration::from_secs(8),
            clock: Box::new(clock::now),
        }
    }
}

/// A store in `state.db` of a directory.
pub struct SqliteStore {
    directory: PathBuf,
    access: Access,
    clock: Clock,
}

enum Access {
    Writer {
        connection: Connection,
        gate: Option<Gate>,
        patience: Duration,
        /// A write failed in a way after which this connection's memory of the file is doubtful.
        suspect: bool,
    },
    // The cell lets a snapshot be taken again from a method that only reads.
    Reader(RefCell<Reader>),
}

impl SqliteStore {
    /// Opens the store in this directory for reading and writing; creates what is missing.
    ///
    /// The directory must belong to this kernel alone: see [`super::place::Place`].
    ///
    /// # Errors
    /// When the directory is not on a local file system or not writable, and when the database
    /// is newer than this program, busy or damaged. A damaged one is moved aside.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        Self::open_with(directory, Options::default())
    }

    /// Opens the store in this directory with these options.
    ///
    /// # Errors
    /// As for [`SqliteStore::open`].
    pub fn open_with(directory: &Path, options: Options) -> Result<Self, StoreError> {
        open::prepare(directory)?;
        let mut gate = options.gate.then(|| Gate::new(directory, options.patience));
        match open::for_writing(directory, gate.as_mut(), options.patience) {
            Ok(connection) => Ok(Self {
                directory: directory.to_owned(),
                access: Access::Writer {
                    connection,
                    gate,
                    patience: options.patience,
                    suspect: false,
                },
                clock: options.clock,
            }),
            Err(fault) => Err(explain(directory, fault)),
        }
    }

    /// Opens the store in this directory for reading; `None` when there is none yet.
    ///
    /// Nothing is created or written, but for a lock table that a killed writer left half written,
    /// which is put right. A process that also writes opens the store for writing first, or closes
    /// its readers before: within one process SQLite's lock table is mapped once, and the first
    /// connection decides how.
    ///
    /// # Errors
    /// When the database is newer than this program, damaged, or cannot be read.
    pub fn open_reader(directory: &Path) -> Result<Option<Self>, StoreError> {
        let Some(reader) = Reader::open(directory)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            directory: directory.to_owned(),
            access: Access::Reader(RefCell::new(reader)),
            clock: Box::new(clock::now),
        }))
    }

    fn path(&self) -> PathBuf {
        self.directory.join(open::DATABASE)
    }

    /// Runs queries on one snapshot.
    fn read<T>(&self, body: impl Fn(&Connection) -> Result<T, Fault>) -> Result<T, StoreError> {
        self.ask(|connection| snapshot(connection, &body))
    }

    /// Runs a single query, which is a snapshot by itself.
    fn ask<T>(&self, body: impl Fn(&Connection) -> Result<T, Fault>) -> Result<T, StoreError> {
        let cell = match &self.access {
            Access::Writer { connection, .. } => {
                return body(connection).map_err(|fault| fault.at(&self.path()));
            }
            Access::Reader(cell) => cell,
        };
        for _ in 0..READ_TRIES {
            let found = open::until_recovered(|| body(&cell.borrow().connection));
            if cell.borrow().is_valid(&self.directory) {
                return found.map_err(|fault| fault.at(&self.path()));
            }
            if let Some(reader) = Reader::open(&self.directory)? {
                cell.replace(reader);
            }
        }
        Err(StoreError::Busy {
            path: self.path(),
            holder: String::new(),
        })
    }

    /// Runs one write transaction. The clock is read when the write lock is held, so that the
    /// log's instants are in its order as far as the clock is.
    fn write<T>(
        &mut self,
        body: impl FnOnce(&Connection, Timestamp) -> Result<End<T>, Fault>,
    ) -> Result<T, StoreError> {
        let path = self.path();
        let Access::Writer {
            connection,
            gate,
            patience,
            suspect,
        } = &mut self.access
        else {
            return Err(StoreError::ReadOnly { path });
        };
        if *suspect {
            return Err(StoreError::Io {
                path,
                message: "an earlier write failed on this connection; start airboss again"
                    .to_owned(),
            });
        }
        let passage = gate.as_mut().map(Gate::enter);
        let before = open::log_length(&self.directory);
        let written = transact(connection, |connection| body(connection, (self.clock)()));
        if written.is_ok() {
            // What was written is durable already; the next writer tries again.
            open::tidy_log(&self.directory, connection, *patience, before).ok();
        }
        drop(passage);
        written.map_err(|fault| {
            // After a failed fsync nobody knows what of it the disk holds; no retry on this file.
            *suspect = fault.code() == Some(ErrorCode::SystemIoFailure);
            explain(&self.directory, fault)
        })
    }
}

fn snapshot<T>(
    connection: &Connection,
    body: impl FnOnce(&Connection) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let transaction = Transaction::begin(connection, "BEGIN")?;
    let found = body(connection);
    drop(transaction);
    found
}

fn transact<T>(
    connection: &Connection,
    body: impl FnOnce(&Connection) -> Result<End<T>, Fault>,
) -> Result<T, Fault> {
    let transaction = Transaction::begin(connection, "BEGIN IMMEDIATE")?;
    match body(connection)? {
        End::Commit(value) => {
            transaction.commit().map_err(Fault::Commit)?;
            Ok(value)
        }
        End::Rollback(value) => {
            transaction.roll_back()?;
            Ok(value)
        }
    }
}

/// A transaction whose words are prepared once for all: a command has dozens of them. It is
/// rolled back when it is dropped.
struct Transaction<'a> {
    connection: &'a Connection,
}

impl<'a> Transaction<'a> {
    fn begin(connection: &'a Connection, words: &str) -> rusqlite::Result<Self> {
        connection.prepare_cached(words)?.execute([])?;
        Ok(Self { connection })
    }

    fn commit(self) -> rusqlite::Result<()> {
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    fn roll_back(self) -> rusqlite::Result<()> {
        self.end()
    }

    /// SQLite may have rolled it back by itself.
    fn end(&self) -> rusqlite::Result<()> {
        if !self.connection.is_autocommit() {
            self.connection.prepare_cached("ROLLBACK")?.execute([])?;
        }
        Ok(())
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        self.end().ok();
    }
}

/// The error for the caller; a damaged database is moved aside first.
fn explain(directory: &Path, fault: Fault) -> StoreError {
    let path = directory.join(open::DATABASE);
    if !fault.is_damage() {
        return fault.at(&path);
    }
    // The damage decides, not whether this store queues at the gate.
    let aside = open::set_aside(directory);
    match (fault, aside) {
        (Fault::Sql(error), Some(aside)) => StoreError::Corrupt {
            path,
            message: error.to_string(),
            remedy: format!(
                "it was moved to {} unchanged, and the next command starts a new one from the \
                 files in the repository",
                aside.display()
            ),
        },
        (fault, _) => fault.at(&path),
    }
}

impl Store for SqliteStore {
    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    fn commit(&mut self, commit: &Commit) -> Result<Committed, StoreError> {
        self.write(|connection, now| write::commit(connection, commit, now))
    }

    fn decide(
        &mut self,
        plan: &PlanKey,
        command: Option<&CommandId>,
        step: &StepId,
        decide: &mut Decide<'_>,
    ) -> Result<Decided, StoreError> {
        self.write(|connection, now| write::decide(connection, plan, command, step, now, decide))
    }

    fn view(&self, plan: &PlanKey) -> Result<Option<View>, StoreError> {
        self.read(|connection| read::view(connection, plan))
    }

    fn step(&self, plan: &PlanKey, id: &StepId) -> Result<Option<Step>, StoreError> {
        self.read(|connection| match read::plan_row(connection, plan)? {
            Some(plan) => read::step(connection, plan, id),
            None => Ok(None),
        })
    }

    fn attempt(&self, id: AttemptId) -> Result<Option<StoredAttempt>, StoreError> {
        self.ask(|connection| read::stored_attempt(connection, id))
    }

    fn find_attempt(&self, prefix: &str) -> Result<Vec<AttemptSummary>, StoreError> {
        self.ask(|connection| read::find_attempt(connection, prefix))
    }

    fn open_attempts(&self) -> Result<Vec<StoredAttempt>, StoreError> {
        self.ask(read::open_attempts)
    }

    fn overview(&self, plan: &PlanKey) -> Result<Option<Overview>, StoreError> {
        self.read(|connection| read::overview(connection, plan))
    }

    fn plans(&self) -> Result<Vec<PlanKey>, StoreError> {
        self.ask(read::plans)
    }

    fn boards(&self) -> Result<Vec<BoardKey>, StoreError> {
        self.ask(board::boards)
    }

    fn board_part(&self, board: &BoardKey, wanted: &Wanted) -> Result<Option<Board>, StoreError> {
        self.read(|connection| board::part(connection, board, wanted))
    }

    fn board_head(&self, board: &BoardKey) -> Result<Option<BoardHead>, StoreError> {
        self.read(|connection| board::head(connection, board))
    }

    fn listing(&self, board: &BoardKey, places: &[Place]) -> Result<Option<Listing>, StoreError> {
        self.read(|connection| listing::read(connection, board, places))
    }

    fn decide_board(
        &mut self,
        board: &BoardKey,
        command: Option<&CommandId>,
        wanted: &Wanted,
        decide: &mut DecideBoard<'_>,
    ) -> Result<Decided, StoreError> {
        self.write(|connection, now| {
            write::decide_board(connection, board, command, wanted, now, decide)
        })
    }

    fn changed_since(
        &self,
        board: &BoardKey,
        sequence: u64,
    ) -> Result<Option<BoardChanges>, StoreError> {
        self.read(|connection| board::changed_since(connection, board, sequence))
    }

    fn sections(
        &self,
        board: &BoardKey,
        path: &RepoPath,
        tasks: Option<&[TaskId]>,
    ) -> Result<Vec<Section>, StoreError> {
        self.read(|connection| board::sections(connection, board, path, tasks))
    }

    fn known_section(
        &self,
        board: &BoardKey,
        path: &RepoPath,
        hash: &str,
    ) -> Result<Option<u64>, StoreError> {
        self.read(|connection| board::known_section(connection, board, path, hash))
    }

    fn publish_board(
        &mut self,
        board: &BoardKey,
        publications: &[BoardPublication],
    ) -> Result<bool, StoreError> {
        self.write(|connection, _| board::publish(connection, board, publications))
    }

    fn operation(&self, sequence: u64) -> Result<Option<StoredOperation>, StoreError> {
        self.ask(|connection| read::operation(connection, sequence))
    }

    fn find_operation(&self, prefix: &str) -> Result<Vec<StoredOperation>, StoreError> {
        self.ask(|connection| read::find_operation(connection, prefix))
    }

    fn known_operation(&self, id: OperationId) -> Result<Option<u64>, StoreError> {
        self.ask(|connection| read::known_operation(connection, id))
    }

    fn boot(&self) -> Result<Option<String>, StoreError> {
        self.ask(read::boot)
    }

    fn set_boot(&mut self, boot: &str) -> Result<(), StoreError> {
        self.write(|connection, _| board::set_boot(connection, boot))
    }

    fn runs(&self, plan: &PlanKey) -> Result<Vec<Run>, StoreError> {
        self.read(|connection| read::runs(connection, plan))
    }

    fn operations(&self, query: &OperationQuery) -> Result<Vec<StoredOperation>, StoreError> {
        self.ask(|connection| read::operations(connection, query))
    }

    fn sequence(&self) -> Result<u64, StoreError> {
        self.ask(read::sequence)
    }

    fn to_publish(&self, plan: Option<&PlanKey>) -> Result<Vec<PublishRow>, StoreError> {
        self.ask(|connection| read::to_publish(connection, plan))
    }

    fn publication(
        &self,
        plan: &PlanKey,
        path: &RepoPath,
    ) -> Result<Option<Publication>, StoreError> {
        self.ask(|connection| read::publication(connection, plan, path))
    }

    fn own_files(&self) -> Result<BTreeSet<RepoPath>, StoreError> {
        self.ask(read::own_files)
    }

    fn published(
        &mut self,
        plan: &PlanKey,
        path: &RepoPath,
        up_to: u64,
        hash: &str,
    ) -> Result<bool, StoreError> {
        self.write(|connection, _| write::published(connection, plan, path, up_to, hash))
    }

    fn git_wishes(&self) -> Result<Vec<GitWishRow>, StoreError> {
        self.ask(read::git_wishes)
    }

    fn claim(
        &mut self,
        key: &LeaseKey,
        holder: &ProcessIdentity,
        ttl: Duration,
    ) -> Result<Claim, StoreError> {
        self.write(|connection, now| {
            write::lease(connection, key, |slot| {
                let claim = slot.claim(key, holder, ttl, now);
                (matches!(claim, Claim::Granted { .. }), claim)
            })
        })
    }

    fn heartbeat(&mut self, key: &LeaseKey, epoch: u64, progress: u64) -> Result<bool, StoreError> {
        self.write(|connection, now| {
            write::lease(connection, key, |slot| {
                let alive = slot.heartbeat(epoch, progress, now);
                (alive, alive)
            })
        })
    }

    fn release(&mut self, key: &LeaseKey, epoch: u64) -> Result<bool, StoreError> {
        self.write(|connection, _| {
            write::lease(connection, key, |slot| {
                let released = slot.release(epoch);
                (released, released)
            })
        })
    }

    fn leases(&self) -> Result<Vec<Lease>, StoreError> {
        self.ask(read::leases)
    }
}
