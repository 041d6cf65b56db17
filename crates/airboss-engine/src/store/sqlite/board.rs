//! The rows of boards: how a part of a board is read, and how an operation changes it.
//!
//! An operation is folded by the core: what it touches is put into a [`Board`], the core
//! applies it, and what came of it is saved.

use std::collections::{BTreeMap, BTreeSet};

use airboss_core::board::{Board, BoardKey, BoardOperation, Place, Task};
use airboss_core::id::{OperationId, TaskId};
use airboss_core::operation::Operation;
use airboss_core::path::RepoPath;
use airboss_core::time::Timestamp;
use rusqlite::{Connection, Params};
use serde_json::Value;

use super::fault::Fault;
use super::listing;
use super::read::{self, PlanRow, all, id, json, one, scalar, signed, text, unsigned};
use super::write::{End, execute, record_publication};
use crate::store::board::{Concern, Deltas, concern};
use crate::store::{BoardChanges, BoardHead, BoardPublication, BoardStanding, Section, Wanted};

pub(super) const TASK: &str = "SELECT body FROM task WHERE stream = ?1 AND id = ?2";
pub(super) const WITH_NUMBER: &str = "SELECT body FROM task WHERE stream = ?1 AND number = ?2";
/// Former numbers are rare, and to plan a join takes longer than to look for the task of one.
pub(super) const HAD_NUMBER: &str =
    "SELECT task FROM former_number WHERE stream = ?1 AND number = ?2";
pub(super) const DEPENDENTS: &str = "SELECT task.body FROM dependency \
    JOIN task ON task.stream = dependency.stream AND task.id = dependency.task \
    WHERE dependency.stream = ?1 AND dependency.number = ?2";
pub(super) const COUNTS: &str = "SELECT status, count(*) FROM task \
    WHERE stream = ?1 AND place = 'active' GROUP BY status";
pub(super) const HIGHEST: &str = "SELECT number FROM task \
    WHERE stream = ?1 AND place <> 'removed' ORDER BY number DESC LIMIT 1";
pub(super) const HIGHEST_FORMER: &str = "SELECT former.number FROM former_number AS former \
    JOIN task ON task.stream = former.stream AND task.id = former.task \
    WHERE former.stream = ?1 AND task.place <> 'removed' ORDER BY former.number DESC LIMIT 1";
pub(super) const NUMBERS_FROM: &str =
    "SELECT number FROM task WHERE stream = ?1 AND number >= ?2 AND place <> 'removed'";
pub(super) const FORMER_NUMBERS_FROM: &str =
    "SELECT number, task FROM former_number WHERE stream = ?1 AND number >= ?2";
pub(super) const SECTION: &str = "SELECT task, hash, sequence, facts FROM section \
    WHERE stream = ?1 AND path = ?2 AND task = ?3";
pub(super) const KNOWN_SECTION: &str =
    "SELECT sequence FROM known_section WHERE stream = ?1 AND path = ?2 AND hash = ?3";
pub(super) const AFTER: &str =
    "SELECT sequence, body FROM operation WHERE plan = ?1 AND sequence > ?2 ORDER BY sequence";

/// How a table is written that finds tasks by a number in them.
struct Numbers {
    insert: &'static str,
    delete: &'static str,
}

const FORMER_NUMBER: Numbers = Numbers {
    insert: "INSERT INTO former_number (stream, number, task) VALUES (?1, ?2, ?3)",
    delete: "DELETE FROM former_number WHERE stream = ?1 AND number = ?2 AND task = ?3",
};

const DEPENDENCY: Numbers = Numbers {
    insert: "INSERT INTO dependency (stream, number, task) VALUES (?1, ?2, ?3)",
    delete: "DELETE FROM dependency WHERE stream = ?1 AND number = ?2 AND task = ?3",
};

pub(super) fn board_row(
    connection: &Connection,
    board: &BoardKey,
) -> Result<Option<PlanRow>, Fault> {
    Ok(read::plan_row(connection, &board.log())?.filter(|row| row.is_board))
}

pub(super) fn boards(connection: &Connection) -> Result<Vec<BoardKey>, Fault> {
    let sql = "SELECT path FROM plan WHERE kind = 'board' ORDER BY path";
    all(connection, sql, [], |row| {
        Ok(BoardKey::new(read::repo_path(text(row, 0)?)?))
    })
}

/// [`crate::store::Store::board_part`].
pub(super) fn part(
    connection: &Connection,
    board: &BoardKey,
    wanted: &Wanted,
) -> Result<Option<Board>, Fault> {
    match board_row(connection, board)? {
        Some(stream) => load(connection, stream, wanted).map(Some),
        None => Ok(None),
    }
}

fn load(connection: &Connection, stream: PlanRow, wanted: &Wanted) -> Result<Board, Fault> {
    let reader = Reader { connection, stream };
    let errors = match wanted {
        Wanted::Errors | Wanted::All => {
            let sql = "SELECT body FROM error WHERE stream = ?1 ORDER BY position";
            all(connection, sql, [stream], |row| json(row, 0))?
        }
        _ => Vec::new(),
    };
    let sql = "SELECT body FROM conflict WHERE stream = ?1 ORDER BY position";
    Ok(Board {
        next_number: reader.next_number()?,
        tasks: reader.wanted(wanted)?,
        conflicts: all(connection, sql, [stream], |row| json(row, 0))?,
        errors,
        sequence: read::plan_sequence(connection, stream)?,
    })
}

/// Reads from the rows of one board.
struct Reader<'a> {
    connection: &'a Connection,
    stream: PlanRow,
}

impl Reader<'_> {
    fn next_number(&self) -> Result<Option<u32>, Fault> {
        let sql = "SELECT next_number FROM board WHERE stream = ?1";
        Ok(scalar::<Option<u32>>(self.connection, sql, [self.stream])?.flatten())
    }

    fn task(&self, task: TaskId) -> Result<Option<Task>, Fault> {
        let params = (self.stream, task.to_string());
        one(self.connection, TASK, params, |row| json(row, 0))
    }

    fn add(
        &self,
        tasks: &mut BTreeMap<TaskId, Task>,
        sql: &str,
        params: impl Params,
    ) -> Result<(), Fault> {
        let found: Vec<Task> = all(self.connection, sql, params, |row| json(row, 0))?;
        tasks.extend(found.into_iter().map(|task| (task.id, task)));
        Ok(())
    }

    /// The tasks that have or had a number.
    fn holders(&self, tasks: &mut BTreeMap<TaskId, Task>, number: u32) -> Result<(), Fault> {
        self.add(tasks, WITH_NUMBER, (self.stream, number))?;
        let params = (self.stream, number);
        for task in all(self.connection, HAD_NUMBER, params, |row| id(text(row, 0)?))? {
            tasks.extend(self.task(task)?.map(|task| (task.id, task)));
        }
        Ok(())
    }

    fn wanted(&self, wanted: &Wanted) -> Result<BTreeMap<TaskId, Task>, Fault> {
        let mut tasks = BTreeMap::new();
        match wanted {
            Wanted::Tasks(numbers) | Wanted::TasksAndDependents(numbers) => {
                for number in numbers {
                    self.holders(&mut tasks, *number)?;
                }
            }
            Wanted::Ids(ids) => {
                for id in ids {
                    tasks.extend(self.task(*id)?.map(|task| (task.id, task)));
                }
            }
            Wanted::Errors => {}
            Wanted::All => {
                let sql = "SELECT body FROM task WHERE stream = ?1";
                self.add(&mut tasks, sql, [self.stream])?;
                return Ok(tasks);
            }
        }
        let mut waited_for: BTreeSet<u32> = BTreeSet::new();
        let mut names: BTreeSet<u32> = BTreeSet::new();
        for task in tasks.values() {
            waited_for.extend(&task.dependencies.numbers);
            names.extend([task.number].iter().chain(&task.former_numbers));
        }
        for number in waited_for {
            self.holders(&mut tasks, number)?;
        }
        if matches!(wanted, Wanted::TasksAndDependents(_)) {
            for number in names {
                self.add(&mut tasks, DEPENDENTS, (self.stream, number))?;
            }
        }
        Ok(tasks)
    }

    /// The numbers of standing tasks from this one on.
    fn taken(&self, from: u32) -> Result<BTreeSet<u32>, Fault> {
        let params = (self.stream, from);
        let numbers = all(self.connection, NUMBERS_FROM, params, |row| Ok(row.get(0)?))?;
        let mut taken: BTreeSet<u32> = numbers.into_iter().collect();
        let former: Vec<(u32, TaskId)> =
            all(self.connection, FORMER_NUMBERS_FROM, params, |row| {
                Ok((row.get(0)?, id(text(row, 1)?)?))
            })?;
        for (number, task) in former {
            let task = self.task(task)?;
            taken.extend(
                task.filter(|task| task.place != Place::Removed)
                    .map(|_| number),
            );
        }
        Ok(taken)
    }

    /// The highest number of a standing task, 0 when there is none.
    fn highest(&self) -> Result<u32, Fault> {
        let has: Option<u32> = scalar(self.connection, HIGHEST, [self.stream])?;
        let had: Option<u32> = scalar(self.connection, HIGHEST_FORMER, [self.stream])?;
        Ok(has.max(had).unwrap_or(0))
    }
}

/// What a decision sees; `None` stands for a board that is not there yet.
pub(super) fn standing(
    connection: &Connection,
    stream: Option<PlanRow>,
    wanted: &Wanted,
    now: Timestamp,
) -> Result<BoardStanding, Fault> {
    let Some(stream) = stream else {
        return Ok(BoardStanding {
            board: Board::default(),
            next_number: 1,
            taken: BTreeSet::new(),
            now,
        });
    };
    let board = load(connection, stream, wanted)?;
    let reader = Reader { connection, stream };
    let next_number = match board.next_number {
        Some(next) => next,
        None => reader.highest()?.saturating_add(1),
    };
    Ok(BoardStanding {
        board,
        next_number,
        taken: reader.taken(next_number)?,
        now,
    })
}

/// When an operation was stored; the epoch when there is none.
fn stored_at(connection: &Connection, sequence: u64) -> Result<Timestamp, Fault> {
    let sql = "SELECT at FROM operation WHERE sequence = ?1";
    let at: Option<i64> = scalar(connection, sql, [signed(sequence)])?;
    Ok(at.map(Timestamp::from_millis).unwrap_or_default())
}

/// [`crate::store::Store::board_head`].
pub(super) fn head(connection: &Connection, board: &BoardKey) -> Result<Option<BoardHead>, Fault> {
    let Some(stream) = board_row(connection, board)? else {
        return Ok(None);
    };
    let active = all(connection, COUNTS, [stream], |row| {
        let status = serde_json::from_value(Value::from(text(row, 0)?))?;
        let count = usize::try_from(unsigned(row, 1)?)
            .map_err(|_| Fault::Bug("there are too many tasks".to_owned()))?;
        Ok((status, count))
    })?;
    let sequence = read::plan_sequence(connection, stream)?;
    Ok(Some(BoardHead {
        next_number: Reader { connection, stream }.next_number()?,
        sequence,
        updated_at: stored_at(connection, sequence)?,
        active: active.into_iter().collect(),
    }))
}

/// [`crate::store::Store::changed_since`].
pub(super) fn changed_since(
    connection: &Connection,
    board: &BoardKey,
    after: u64,
) -> Result<Option<BoardChanges>, Fault> {
    let Some(stream) = board_row(connection, board)? else {
        return Ok(None);
    };
    let mut deltas = Deltas::default();
    let mut statement = connection.prepare_cached(AFTER)?;
    let mut rows = statement.query((stream, signed(after)))?;
    while let Some(row) = rows.next()? {
        let operation: Operation = json(row, 1)?;
        deltas.note(unsigned(row, 0)?, &operation);
    }
    let reader = Reader { connection, stream };
    let mut tasks = BTreeMap::new();
    for id in deltas.tasks() {
        tasks.extend(reader.task(id)?.map(|task| (id, task)));
    }
    let sequence = read::plan_sequence(connection, stream)?;
    Ok(Some(BoardChanges {
        next_number: reader.next_number()?,
        sequence,
        updated_at: stored_at(connection, sequence)?,
        tasks: deltas.with(tasks),
    }))
}

/// The task under which an operation is found again. It is asked before the fold.
pub(super) fn concerned(
    connection: &Connection,
    stream: PlanRow,
    operation: &Operation,
) -> Result<Option<String>, Fault> {
    if !stream.is_board {
        return Ok(None);
    }
    match concern(operation) {
        Concern::Task(task) => Ok(task.map(|task| task.to_string())),
        Concern::Operation(sequence) => {
            let sql = "SELECT task FROM operation WHERE sequence = ?1 AND plan = ?2";
            Ok(scalar::<Option<String>>(connection, sql, (signed(sequence), stream))?.flatten())
        }
        Concern::Conflict(conflict) => {
            let sql = "SELECT json_extract(body, '$.task') FROM conflict \
                WHERE stream = ?1 AND id = ?2";
            scalar(connection, sql, (stream, conflict.to_string()))
        }
        Concern::Number(number) => {
            let mut board = Board::default();
            Reader { connection, stream }.holders(&mut board.tasks, number)?;
            Ok(board.find(number).map(|task| task.id.to_string()))
        }
    }
}

/// Brings the rows of a board up to date, as `Board::apply` does in memory.
pub(super) fn fold(
    connection: &Connection,
    stream: PlanRow,
    (sequence, operation_id): (u64, OperationId),
    operation: &BoardOperation,
) -> Result<(), Fault> {
    let reader = Reader { connection, stream };
    let mut part = Board::default();
    let before = match operation {
        BoardOperation::TaskAdopted { .. }
        | BoardOperation::TaskAdded { .. }
        | BoardOperation::TaskChanged { .. } => match operation.task() {
            Some(task) => reader.task(task)?,
            None => None,
        },
        _ => None,
    };
    part.tasks
        .extend(before.clone().map(|before| (before.id, before)));
    if let BoardOperation::ErrorResolved { id, .. } = operation {
        let sql = "SELECT body FROM error WHERE stream = ?1 AND id = ?2";
        part.errors = all(connection, sql, (stream, id), |row| json(row, 0))?;
    }
    part.apply(sequence, operation_id, operation);
    let writer = Saver { connection, stream };
    match operation {
        BoardOperation::Adopted { .. } | BoardOperation::NextNumberSet { .. } => {
            writer.save_next_number(part.next_number)?;
        }
        BoardOperation::ConflictFound { .. } => {
            let sql = "INSERT INTO conflict (stream, id, body) VALUES (?1, ?2, ?3)";
            for conflict in &part.conflicts {
                let body = serde_json::to_string(conflict)?;
                execute(connection, sql, (stream, conflict.id.to_string(), body))?;
            }
        }
        BoardOperation::ConflictResolved { conflict, .. } => {
            let sql = "DELETE FROM conflict WHERE stream = ?1 AND id = ?2";
            execute(connection, sql, (stream, conflict.to_string()))?;
        }
        BoardOperation::ErrorRecorded { .. } => {
            let sql = "INSERT INTO error (stream, id, body) VALUES (?1, ?2, ?3)";
            for error in &part.errors {
                let body = serde_json::to_string(error)?;
                execute(connection, sql, (stream, &error.id, body))?;
            }
        }
        BoardOperation::ErrorResolved { .. } => writer.save_errors(&part)?,
        _ => {}
    }
    for task in part.tasks.values() {
        writer.save_task(before.as_ref(), task)?;
    }
    Ok(())
}

/// Writes the rows of one board.
struct Saver<'a> {
    connection: &'a Connection,
    stream: PlanRow,
}

impl Saver<'_> {
    fn save_next_number(&self, next: Option<u32>) -> Result<(), Fault> {
        let sql = "INSERT INTO board (stream, next_number) VALUES (?1, ?2) \
            ON CONFLICT (stream) DO UPDATE SET next_number = excluded.next_number";
        execute(self.connection, sql, (self.stream, next))?;
        Ok(())
    }

    /// Saves the errors of one id. They stand in the order of their rows.
    fn save_errors(&self, part: &Board) -> Result<(), Fault> {
        let Some(first) = part.errors.first() else {
            return Ok(());
        };
        let sql = "SELECT position FROM error WHERE stream = ?1 AND id = ?2 ORDER BY position";
        let positions: Vec<i64> = all(self.connection, sql, (self.stream, &first.id), |row| {
            Ok(row.get(0)?)
        })?;
        let sql = "UPDATE error SET body = ?2 WHERE position = ?1";
        for (position, error) in positions.into_iter().zip(&part.errors) {
            let body = serde_json::to_string(error)?;
            execute(self.connection, sql, (position, body))?;
        }
        Ok(())
    }

    fn save_task(&self, before: Option<&Task>, task: &Task) -> Result<(), Fault> {
        let sql = "INSERT INTO task (stream, id, number, place, status, body) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (stream, id) DO UPDATE \
            SET number = excluded.number, place = excluded.place, status = excluded.status, \
            body = excluded.body";
        let place = match task.place {
            Place::Active => "active",
            Place::Archived => "archived",
            Place::Removed => "removed",
        };
        let id = task.id.to_string();
        let (status, body) = (task.status.value(), serde_json::to_string(task)?);
        let params = (self.stream, &id, task.number, place, status, body);
        execute(self.connection, sql, params)?;
        listing::save(self.connection, self.stream, before, task)?;
        let former = before.map_or(&[][..], |before| &before.former_numbers);
        self.save_numbers(&FORMER_NUMBER, &id, former, &task.former_numbers)?;
        let waits_for = before.map_or(&[][..], |before| &before.dependencies.numbers);
        self.save_numbers(&DEPENDENCY, &id, waits_for, &task.dependencies.numbers)
    }

    fn save_numbers(
        &self,
        table: &Numbers,
        task: &str,
        before: &[u32],
        after: &[u32],
    ) -> Result<(), Fault> {
        let before: BTreeSet<u32> = before.iter().copied().collect();
        let after: BTreeSet<u32> = after.iter().copied().collect();
        for number in before.difference(&after) {
            execute(self.connection, table.delete, (self.stream, number, task))?;
        }
        for number in after.difference(&before) {
            execute(self.connection, table.insert, (self.stream, number, task))?;
        }
        Ok(())
    }
}

/// [`crate::store::Store::sections`].
pub(super) fn sections(
    connection: &Connection,
    board: &BoardKey,
    path: &RepoPath,
    tasks: Option<&[TaskId]>,
) -> Result<Vec<Section>, Fault> {
    let Some(stream) = board_row(connection, board)? else {
        return Ok(Vec::new());
    };
    let section = |row: &rusqlite::Row<'_>| {
        Ok(Section {
            task: id(text(row, 0)?)?,
            hash: row.get(1)?,
            sequence: unsigned(row, 2)?,
            facts: json(row, 3)?,
        })
    };
    let path = path.as_str();
    let Some(tasks) = tasks else {
        let sql = "SELECT task, hash, sequence, facts FROM section \
            WHERE stream = ?1 AND path = ?2 ORDER BY task";
        return all(connection, sql, (stream, path), section);
    };
    let mut found = Vec::new();
    for task in tasks.iter().collect::<BTreeSet<_>>() {
        let params = (stream, path, task.to_string());
        found.extend(one(connection, SECTION, params, section)?);
    }
    Ok(found)
}

/// [`crate::store::Store::known_section`].
pub(super) fn known_section(
    connection: &Connection,
    board: &BoardKey,
    path: &RepoPath,
    hash: &str,
) -> Result<Option<u64>, Fault> {
    let Some(stream) = board_row(connection, board)? else {
        return Ok(None);
    };
    let params = (stream, path.as_str(), hash);
    one(connection, KNOWN_SECTION, params, |row| unsigned(row, 0))
}

/// [`crate::store::Store::publish_board`].
pub(super) fn publish(
    connection: &Connection,
    board: &BoardKey,
    publications: &[BoardPublication],
) -> Result<End<bool>, Fault> {
    let Some(stream) = board_row(connection, board)? else {
        return Ok(End::Rollback(true));
    };
    let mut all_clean = true;
    for publication in publications {
        let file = File::new(connection, stream, &publication.path);
        file.remember(&publication.sections, None)?;
        let (newest, is_clean) =
            record_publication(connection, stream, &publication.path, &publication.shown())?;
        if newest {
            file.save(&publication.sections, None)?;
            file.forget(&publication.forget)?;
        }
        all_clean &= is_clean;
    }
    Ok(End::Commit(all_clean))
}

/// Writes what is kept of the text of one file.
pub(super) struct File<'a> {
    connection: &'a Connection,
    stream: PlanRow,
    path: &'a str,
}

impl<'a> File<'a> {
    pub(super) fn new(connection: &'a Connection, stream: PlanRow, path: &'a RepoPath) -> Self {
        Self {
            connection,
            stream,
            path: path.as_str(),
        }
    }

    /// Remembers that this text was there, with its own sequence number; one that has none
    /// gets the common one.
    pub(super) fn remember(&self, sections: &[Section], common: Option<u64>) -> Result<(), Fault> {
        let sql = "INSERT INTO known_section (stream, path, hash, sequence) \
            VALUES (?1, ?2, ?3, ?4) ON CONFLICT (stream, path, hash) \
            DO UPDATE SET sequence = min(sequence, excluded.sequence)";
        for section in sections {
            let sequence = signed(section.sequence_or(common));
            let params = (self.stream, self.path, &section.hash, sequence);
            execute(self.connection, sql, params)?;
        }
        Ok(())
    }

    /// Keeps this text as the newest of its tasks.
    pub(super) fn save(&self, sections: &[Section], common: Option<u64>) -> Result<(), Fault> {
        let sql = "INSERT INTO section (stream, path, task, hash, sequence, facts) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (stream, path, task) DO UPDATE \
            SET hash = excluded.hash, sequence = excluded.sequence, facts = excluded.facts";
        for section in sections {
            let (task, hash) = (section.task.to_string(), &section.hash);
            let sequence = signed(section.sequence_or(common));
            let facts = serde_json::to_string(&section.facts)?;
            let params = (self.stream, self.path, task, hash, sequence, facts);
            execute(self.connection, sql, params)?;
        }
        Ok(())
    }

    fn forget(&self, tasks: &[TaskId]) -> Result<(), Fault> {
        let sql = "DELETE FROM section WHERE stream = ?1 AND path = ?2 AND task = ?3";
        for task in tasks {
            let params = (self.stream, self.path, task.to_string());
            execute(self.connection, sql, params)?;
        }
        Ok(())
    }
}

/// [`crate::store::Store::set_boot`].
pub(super) fn set_boot(connection: &Connection, boot: &str) -> Result<End<()>, Fault> {
    let sql = "INSERT INTO meta (key, value) VALUES ('boot', ?1) \
        ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    execute(connection, sql, [boot])?;
    Ok(End::Commit(()))
}
