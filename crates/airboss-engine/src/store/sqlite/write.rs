//! The bodies of the write transactions. Each loads a few rows, folds, and saves them.

use airboss_core::attempt::{Attempt, AttemptStatus};
use airboss_core::board::BoardKey;
use airboss_core::id::{OperationId, StepId};
use airboss_core::operation::{Operation, PlanKey, StepRecord, StoredOperation};
use airboss_core::path::RepoPath;
use airboss_core::step::Step;
use airboss_core::time::Timestamp;
use airboss_core::view::{Run, apply_attempt, apply_run, register};
use rusqlite::{Connection, Params};
use serde_json::Value;

use super::board;
use super::fault::Fault;
use super::read::{self, PlanRow, signed};
use crate::clock;
use crate::store::board::{begins_board, check_stream};
use crate::store::lease::Slot;
use crate::store::rules::{check_change, concerned, phases_of};
use crate::store::{
    Change, CommandId, Commit, Committed, Decide, DecideBoard, Decided, Expected, LeaseKey,
    Publication, Standing, Wanted,
};

/// How a transaction ends when nothing failed.
pub(super) enum End<T> {
    /// With a commit.
    Commit(T),
    /// With a rollback: nothing was changed.
    Rollback(T),
}

pub(super) fn execute(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<usize, Fault> {
    Ok(connection.prepare_cached(sql)?.execute(params)?)
}

/// [`crate::store::Store::commit`].
pub(super) fn commit(
    connection: &Connection,
    commit: &Commit,
    now: Timestamp,
) -> Result<End<Committed>, Fault> {
    let plan = read::plan_row(connection, &commit.plan)?;
    let command = commit.command.as_ref();
    if let Some(result) = known_answer(connection, plan, command)? {
        return Ok(End::Rollback(Committed::Duplicate { result }));
    }
    if let Some(fence) = &commit.fence {
        let step = match plan {
            Some(plan) => read::step(connection, plan, &fence.step)?,
            None => None,
        };
        let current = step.and_then(|step| step.state.attempt);
        if current != Some(fence.attempt) {
            return Ok(End::Rollback(Committed::Fenced { current }));
        }
    }
    if !is_expected(connection, plan, &commit.expected)? {
        return Ok(End::Rollback(Committed::Conflict));
    }
    let writer = Writer::new(connection, plan, &commit.plan, now, &commit.change)?;
    let operations = writer.append(command, &commit.change)?;
    Ok(End::Commit(Committed::Applied { operations }))
}

/// [`crate::store::Store::decide`].
pub(super) fn decide(
    connection: &Connection,
    key: &PlanKey,
    command: Option<&CommandId>,
    step: &StepId,
    now: Timestamp,
    decide: &mut Decide<'_>,
) -> Result<End<Decided>, Fault> {
    let Some(plan) = read::plan_row(connection, key)? else {
        return Ok(End::Rollback(Decided::UnknownStep));
    };
    if let Some(result) = known_answer(connection, Some(plan), command)? {
        return Ok(End::Rollback(Decided::Duplicate { result }));
    }
    let Some(step) = read::step(connection, plan, step)? else {
        return Ok(End::Rollback(Decided::UnknownStep));
    };
    let attempt = match step.state.attempt {
        Some(attempt) => read::attempt(connection, plan, attempt)?,
        None => None,
    };
    let run = read::newest_run(connection, plan)?;
    let standing = Standing {
        step,
        attempt,
        run,
        now,
    };
    let change = match decide(&standing) {
        Ok(change) => change,
        Err(refusal) => return Ok(End::Rollback(Decided::Refused(refusal))),
    };
    carry_out(connection, Some(plan), key, command, now, change)
}

/// [`crate::store::Store::decide_board`].
pub(super) fn decide_board(
    connection: &Connection,
    key: &BoardKey,
    command: Option<&CommandId>,
    wanted: &Wanted,
    now: Timestamp,
    decide: &mut DecideBoard<'_>,
) -> Result<End<Decided>, Fault> {
    let log = key.log();
    let stream = read::plan_row(connection, &log)?;
    if stream.is_some_and(|stream| !stream.is_board) {
        return Err(Fault::Bug(format!("{key} is a plan, not a board")));
    }
    if let Some(result) = known_answer(connection, stream, command)? {
        return Ok(End::Rollback(Decided::Duplicate { result }));
    }
    let change = match decide(&board::standing(connection, stream, wanted, now)?) {
        Ok(change) => change,
        Err(refusal) => return Ok(End::Rollback(Decided::Refused(refusal))),
    };
    if stream.is_none() && !begins_board(&change).map_err(Fault::Bug)? {
        // There is no log yet that could keep the answer, and nothing that it would protect.
        let operations = Vec::new();
        let result = change.result;
        return Ok(End::Rollback(Decided::Applied { operations, result }));
    }
    carry_out(connection, stream, &log, command, now, change)
}

/// What this command answered before.
fn known_answer(
    connection: &Connection,
    plan: Option<PlanRow>,
    command: Option<&CommandId>,
) -> Result<Option<Value>, Fault> {
    match (plan, command) {
        (Some(plan), Some(command)) => read::command_result(connection, plan, command),
        _ => Ok(None),
    }
}

/// Stores what was decided.
fn carry_out(
    connection: &Connection,
    plan: Option<PlanRow>,
    key: &PlanKey,
    command: Option<&CommandId>,
    now: Timestamp,
    change: Change,
) -> Result<End<Decided>, Fault> {
    let writer = Writer::new(connection, plan, key, now, &change)?;
    let operations = writer.append(command, &change)?;
    let is_empty = operations.is_empty()
        && change.publish.is_empty()
        && change.close_git.is_empty()
        && change.found.is_empty()
        && command.is_none();
    let decided = Decided::Applied {
        operations,
        result: change.result,
    };
    Ok(if is_empty {
        End::Rollback(decided)
    } else {
        End::Commit(decided)
    })
}

fn is_expected(
    connection: &Connection,
    plan: Option<PlanRow>,
    expected: &Expected,
) -> Result<bool, Fault> {
    match (expected, plan) {
        (Expected::Any, _) => Ok(true),
        (Expected::Plan(sequence), None) => Ok(*sequence == 0),
        (Expected::Plan(sequence), Some(plan)) => {
            Ok(read::plan_sequence(connection, plan)? == *sequence)
        }
        (Expected::Steps(versions), None) => Ok(versions.iter().all(|(_, version)| *version == 0)),
        (Expected::Steps(versions), Some(plan)) => {
            for (step, version) in versions {
                if read::step_version(connection, plan, step)? != *version {
                    return Ok(false);
                }
            }
            Ok(true)
        }
    }
}

/// Appends to the log of one plan or board, inside one transaction.
struct Writer<'a> {
    connection: &'a Connection,
    plan: PlanRow,
    key: &'a PlanKey,
    now: Timestamp,
}

impl<'a> Writer<'a> {
    /// Begins the log when there is none, if this change may begin it.
    fn new(
        connection: &'a Connection,
        known: Option<PlanRow>,
        key: &'a PlanKey,
        now: Timestamp,
        change: &Change,
    ) -> Result<Self, Fault> {
        let is_board =
            check_stream(known.map(|known| known.is_board), change).map_err(Fault::Bug)?;
        let plan = if let Some(known) = known {
            known
        } else {
            let sql = "INSERT INTO plan (path, name, hash, kind) VALUES (?1, '', '', ?2)";
            let kind = if is_board { "board" } else { "plan" };
            execute(connection, sql, (key.path().as_str(), kind))?;
            PlanRow {
                number: connection.last_insert_rowid(),
                is_board,
            }
        };
        Ok(Self {
            connection,
            plan,
            key,
            now,
        })
    }

    fn append(
        &self,
        command: Option<&CommandId>,
        change: &Change,
    ) -> Result<Vec<StoredOperation>, Fault> {
        check_change(change).map_err(Fault::Bug)?;
        let mut stored = Vec::with_capacity(change.operations.len());
        for operation in &change.operations {
            stored.push(self.append_operation(operation)?);
        }
        self.enqueue(change, &stored)?;
        if let Some(command) = command {
            let sql = "INSERT INTO command (plan, id, at, result) VALUES (?1, ?2, ?3, ?4)";
            let result = change.result.to_string();
            let params = (self.plan, command.as_str(), self.now.as_millis(), result);
            execute(self.connection, sql, params)?;
        }
        Ok(stored)
    }

    fn append_operation(&self, operation: &Operation) -> Result<StoredOperation, Fault> {
        let id = OperationId::from_uuid(clock::fresh_uuid());
        let sql = "INSERT INTO operation (id, plan, at, kind, body, task) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let body = serde_json::to_string(operation)?;
        let at = self.now.as_millis();
        let task = board::concerned(self.connection, self.plan, operation)?;
        let params = (id.to_string(), self.plan, at, operation.word(), body, task);
        execute(self.connection, sql, params)?;
        let sequence = self.connection.last_insert_rowid();
        let attempt = self.fold(operation)?;
        if let Operation::Board { operation } = operation {
            let stored = (sequence.cast_unsigned(), id);
            board::fold(self.connection, self.plan, stored, operation)?;
        }
        let sql = "INSERT INTO operation_step (plan, step, sequence) VALUES (?1, ?2, ?3)";
        for step in concerned(operation, attempt.as_ref()) {
            execute(self.connection, sql, (self.plan, step.as_str(), sequence))?;
        }
        Ok(StoredOperation {
            sequence: u64::try_from(sequence)
                .map_err(|_| Fault::Bug(format!("sequence number {sequence} is negative")))?,
            id,
            plan: self.key.clone(),
            at: self.now,
            operation: operation.clone(),
        })
    }

    /// Brings the rows of the view up to date, as `View::apply` does in memory; the attempt
    /// that the operation names is returned.
    fn fold(&self, operation: &Operation) -> Result<Option<Attempt>, Fault> {
        let mut named = None;
        if let Some(id) = operation.attempt() {
            let known = read::attempt(self.connection, self.plan, id)?;
            named = apply_attempt(known, self.now, operation)?;
            if let Some(attempt) = &named {
                self.save_attempt(attempt)?;
            }
        }
        if let Operation::PlanRegistered {
            name,
            hash,
            steps,
            renamed,
        } = operation
        {
            self.register(name, hash, steps, renamed)?;
        }
        let judged = match operation {
            Operation::StepJudged { attempt, .. } => {
                read::attempt(self.connection, self.plan, *attempt)?
            }
            _ => None,
        };
        for id in operation.steps() {
            if let Some(mut step) = read::step(self.connection, self.plan, id)? {
                step.state.apply(self.now, operation, judged.as_ref());
                self.save_state(&step)?;
            }
        }
        if let Some(id) = operation.run() {
            let known = read::run(self.connection, self.plan, id)?;
            let mut runs: Vec<Run> = known.into_iter().collect();
            apply_run(&mut runs, self.now, operation);
            for run in &runs {
                self.save_run(run)?;
            }
        }
        Ok(named)
    }

    fn save_attempt(&self, attempt: &Attempt) -> Result<(), Fault> {
        let sql = "INSERT INTO attempt (id, plan, open, body) VALUES (?1, ?2, ?3, ?4) \
            ON CONFLICT (id, plan) DO UPDATE SET open = excluded.open, body = excluded.body";
        let open = attempt.status != AttemptStatus::Judged;
        let body = serde_json::to_string(attempt)?;
        let params = (attempt.id.to_string(), self.plan, open, body);
        execute(self.connection, sql, params)?;
        Ok(())
    }

    fn save_run(&self, run: &Run) -> Result<(), Fault> {
        let sql = "INSERT INTO run (plan, id, body) VALUES (?1, ?2, ?3) \
            ON CONFLICT (plan, id) DO UPDATE SET body = excluded.body";
        let body = serde_json::to_string(run)?;
        execute(self.connection, sql, (self.plan, run.id.to_string(), body))?;
        Ok(())
    }

    fn save_state(&self, step: &Step) -> Result<(), Fault> {
        let sql = "UPDATE step SET status = ?3, version = ?4, state = ?5 \
            WHERE plan = ?1 AND id = ?2";
        let params = (
            self.plan,
            step.record.id.as_str(),
            step.state.status.word(),
            signed(step.state.version),
            serde_json::to_string(&step.state)?,
        );
        execute(self.connection, sql, params)?;
        Ok(())
    }

    fn register(
        &self,
        name: &str,
        hash: &str,
        records: &[StepRecord],
        renamed: &[(StepId, StepId)],
    ) -> Result<(), Fault> {
        let known = read::steps(self.connection, self.plan)?;
        let steps = register(known, records, renamed);
        let sql = "UPDATE plan SET name = ?2, hash = ?3 WHERE id = ?1";
        execute(self.connection, sql, (self.plan, name, hash))?;
        execute(
            self.connection,
            "DELETE FROM phase WHERE plan = ?1",
            [self.plan],
        )?;
        execute(
            self.connection,
            "DELETE FROM step WHERE plan = ?1",
            [self.plan],
        )?;
        let phases = phases_of(&steps);
        let sql = "INSERT INTO phase (plan, position, key, title) VALUES (?1, ?2, ?3, ?4)";
        for (position, (key, title)) in (0_i64..).zip(&phases) {
            execute(self.connection, sql, (self.plan, position, key, title))?;
        }
        let positions: std::collections::HashMap<&str, i64> =
            phases.iter().map(|(key, _)| *key).zip(0..).collect();
        let sql = "INSERT INTO step \
            (plan, id, position, phase, vanished, status, version, record, state) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        for (position, step) in (0_i64..).zip(&steps) {
            let params = (
                self.plan,
                step.record.id.as_str(),
                position,
                // The phase of a vanished step may be gone; it is not counted anywhere.
                positions.get(step.record.phase.as_str()).unwrap_or(&-1),
                step.state.vanished,
                step.state.status.word(),
                signed(step.state.version),
                serde_json::to_string(&step.record)?,
                serde_json::to_string(&step.state)?,
            );
            execute(self.connection, sql, params)?;
        }
        Ok(())
    }

    fn enqueue(&self, change: &Change, stored: &[StoredOperation]) -> Result<(), Fault> {
        let sequence = match stored.last() {
            Some(newest) => newest.sequence,
            None if change.publish.is_empty() && change.found.is_empty() => 0,
            None => read::plan_sequence(self.connection, self.plan)?,
        };
        for found in &change.found {
            let file = board::File::new(self.connection, self.plan, &found.path);
            file.remember(&found.sections, Some(sequence))?;
            file.save(&found.sections, Some(sequence))?;
        }
        if !change.publish.is_empty() {
            let sql = "INSERT INTO outbox (plan, path, kind, sequence) VALUES (?1, ?2, ?3, ?4) \
                ON CONFLICT (plan, path) DO UPDATE \
                SET kind = excluded.kind, sequence = excluded.sequence";
            for item in &change.publish {
                let kind = serde_json::to_string(&item.kind)?;
                let params = (self.plan, item.path.as_str(), kind, signed(sequence));
                execute(self.connection, sql, params)?;
            }
        }
        for wish in &change.git {
            let Some(operation) = stored.get(wish.operation) else {
                return Err(Fault::Bug("a git wish without an operation".to_owned()));
            };
            let sql = "INSERT INTO git_wish (sequence, steps, payload) VALUES (?1, ?2, ?3)";
            let steps = serde_json::to_string(&wish.steps)?;
            let params = (signed(operation.sequence), steps, wish.payload.to_string());
            execute(self.connection, sql, params)?;
        }
        for sequence in &change.close_git {
            let sql = "DELETE FROM git_wish WHERE sequence = ?1";
            execute(self.connection, sql, [signed(*sequence)])?;
        }
        Ok(())
    }
}

/// [`crate::store::Store::published`].
pub(super) fn published(
    connection: &Connection,
    plan: &PlanKey,
    path: &RepoPath,
    up_to: u64,
    hash: &str,
) -> Result<End<bool>, Fault> {
    let Some(plan) = read::plan_row(connection, plan)? else {
        return Ok(End::Rollback(true));
    };
    let shown = Publication::of(up_to, hash);
    let (_, is_clean) = record_publication(connection, plan, path, &shown)?;
    Ok(End::Commit(is_clean))
}

/// Records what a file shows. Tells whether nothing newer was known of it, and whether it is
/// clean.
pub(super) fn record_publication(
    connection: &Connection,
    plan: PlanRow,
    path: &RepoPath,
    shown: &Publication,
) -> Result<(bool, bool), Fault> {
    let (path, up_to) = (path.as_str(), signed(shown.sequence));
    let stamp = shown.stamp.as_ref().map(serde_json::to_string);
    let sql = "INSERT INTO publication (plan, path, sequence, hash, stamp, is_current) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (plan, path) DO UPDATE \
        SET sequence = excluded.sequence, hash = excluded.hash, stamp = excluded.stamp, \
        is_current = excluded.is_current WHERE sequence <= excluded.sequence";
    let stamp = stamp.transpose()?;
    let params = (plan, path, up_to, &shown.hash, stamp, shown.is_current);
    let recorded = execute(connection, sql, params)?;
    let sql = "DELETE FROM outbox WHERE plan = ?1 AND path = ?2 AND sequence <= ?3";
    // There is one row at most.
    if execute(connection, sql, (plan, path, up_to))? > 0 {
        return Ok((recorded > 0, true));
    }
    let sql = "SELECT count(*) FROM outbox WHERE plan = ?1 AND path = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let pending: i64 = statement.query_row((plan, path), |row| row.get(0))?;
    Ok((recorded > 0, pending == 0))
}

/// Changes what is kept of a lease; nothing is written when `change` says that nothing changed.
pub(super) fn lease<T>(
    connection: &Connection,
    key: &LeaseKey,
    change: impl FnOnce(&mut Slot) -> (bool, T),
) -> Result<End<T>, Fault> {
    let mut slot = read::lease_slot(connection, key)?;
    let (changed, answer) = change(&mut slot);
    if !changed {
        return Ok(End::Rollback(answer));
    }
    let body = slot.lease.as_ref().map(serde_json::to_string).transpose()?;
    let sql = "INSERT INTO lease (key, epoch, body) VALUES (?1, ?2, ?3) \
        ON CONFLICT (key) DO UPDATE SET epoch = excluded.epoch, body = excluded.body";
    execute(connection, sql, (key.as_str(), signed(slot.epoch), body))?;
    Ok(End::Commit(answer))
}
