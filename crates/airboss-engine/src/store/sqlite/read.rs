//! The queries. Each runs inside the read snapshot, or the write transaction, of its caller.

use std::collections::BTreeSet;
use std::str::FromStr;

use airboss_core::attempt::Attempt;
use airboss_core::id::{AttemptId, OperationId, RunId, StepId};
use airboss_core::operation::{PlanKey, StepStatus, StoredOperation};
use airboss_core::path::RepoPath;
use airboss_core::step::Step;
use airboss_core::time::Timestamp;
use airboss_core::view::{Counts, Run, View};
use rusqlite::types::{FromSql, ToSql};
use rusqlite::{Connection, OptionalExtension, Params, Row};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::fault::Fault;
use crate::store::lease::Slot;
use crate::store::rules::{id_prefix, overview_of, summary_of};
use crate::store::{
    AttemptSummary, CommandId, FOUND_MAX, GitWishRow, Lease, LeaseKey, OperationQuery, Overview,
    PhaseCounts, Publication, PublishRow, StoredAttempt,
};

pub(super) const STEP: &str = "SELECT record, state FROM step WHERE plan = ?1 AND id = ?2";
pub(super) const COUNTS: &str = "SELECT phase, status, count(*) FROM step \
    WHERE plan = ?1 AND vanished = 0 GROUP BY phase, status";
pub(super) const OPEN_ATTEMPTS: &str = "SELECT body FROM attempt WHERE plan = ?1 AND open";
pub(super) const NEWEST_RUN: &str =
    "SELECT body FROM run WHERE plan = ?1 ORDER BY number DESC LIMIT 1";
pub(super) const PLAN_SEQUENCE: &str =
    "SELECT coalesce(max(sequence), 0) FROM operation WHERE plan = ?1";

/// The number under which the rows of a plan, or of a board, are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct PlanRow {
    pub(super) number: i64,
    pub(super) is_board: bool,
}

impl ToSql for PlanRow {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        self.number.to_sql()
    }
}

pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T, Fault> {
    let text = row
        .get_ref(column)?
        .as_str()
        .map_err(rusqlite::Error::from)?;
    Ok(serde_json::from_str(text)?)
}

fn optional_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<Option<T>, Fault> {
    let text = row
        .get_ref(column)?
        .as_str_or_null()
        .map_err(rusqlite::Error::from)?;
    Ok(text.map(serde_json::from_str).transpose()?)
}

pub(super) fn id<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, Fault> {
    text.parse()
        .map_err(|error| Fault::Bug(format!("stored id `{text}`: {error}")))
}

pub(super) fn repo_path(text: &str) -> Result<RepoPath, Fault> {
    RepoPath::new(text).map_err(|error| Fault::Bug(format!("stored path: {error}")))
}

pub(super) fn plan_key(text: &str) -> Result<PlanKey, Fault> {
    repo_path(text).map(PlanKey::new)
}

pub(super) fn text<'row>(row: &'row Row<'_>, column: usize) -> Result<&'row str, Fault> {
    let value = row.get_ref(column)?.as_str();
    Ok(value.map_err(rusqlite::Error::from)?)
}

/// Sequence numbers, epochs and counts are written from unsigned numbers and are never negative.
pub(super) fn unsigned(row: &Row<'_>, column: usize) -> Result<u64, Fault> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| Fault::Bug(format!("stored number {value} is negative")))
}

/// A sequence number as SQLite keeps it; one beyond its range names no row.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn one<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, Fault>,
) -> Result<Option<T>, Fault> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(read).transpose()
}

pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

pub(super) fn scalar<T: FromSql>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Option<T>, Fault> {
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(params, |row| row.get(0)).optional()?)
}

/// The row of a plan or a board.
pub(super) fn plan_row(connection: &Connection, plan: &PlanKey) -> Result<Option<PlanRow>, Fault> {
    let sql = "SELECT id, kind = 'board' FROM plan WHERE path = ?1";
    one(connection, sql, [plan.path().as_str()], |row| {
        Ok(PlanRow {
            number: row.get(0)?,
            is_board: row.get(1)?,
        })
    })
}

fn only_plan(connection: &Connection, plan: &PlanKey) -> Result<Option<PlanRow>, Fault> {
    Ok(plan_row(connection, plan)?.filter(|row| !row.is_board))
}

pub(super) fn command_result(
    connection: &Connection,
    plan: PlanRow,
    command: &CommandId,
) -> Result<Option<Value>, Fault> {
    let sql = "SELECT result FROM command WHERE plan = ?1 AND id = ?2";
    one(connection, sql, (plan, command.as_str()), |row| {
        json(row, 0)
    })
}

pub(super) fn plan_sequence(connection: &Connection, plan: PlanRow) -> Result<u64, Fault> {
    let found = one(connection, PLAN_SEQUENCE, [plan], |row| unsigned(row, 0))?;
    Ok(found.unwrap_or(0))
}

pub(super) fn sequence(connection: &Connection) -> Result<u64, Fault> {
    let sql = "SELECT coalesce(max(sequence), 0) FROM operation";
    Ok(one(connection, sql, [], |row| unsigned(row, 0))?.unwrap_or(0))
}

fn step_of(row: &Row<'_>) -> Result<Step, Fault> {
    Ok(Step {
        record: json(row, 0)?,
        state: json(row, 1)?,
    })
}

pub(super) fn step(
    connection: &Connection,
    plan: PlanRow,
    step: &StepId,
) -> Result<Option<Step>, Fault> {
    one(connection, STEP, (plan, step.as_str()), step_of)
}

pub(super) fn step_version(
    connection: &Connection,
    plan: PlanRow,
    step: &StepId,
) -> Result<u64, Fault> {
    let sql = "SELECT version FROM step WHERE plan = ?1 AND id = ?2";
    let found = one(connection, sql, (plan, step.as_str()), |row| {
        unsigned(row, 0)
    })?;
    Ok(found.unwrap_or(0))
}

pub(super) fn steps(connection: &Connection, plan: PlanRow) -> Result<Vec<Step>, Fault> {
    let sql = "SELECT record, state FROM step WHERE plan = ?1 ORDER BY position";
    all(connection, sql, [plan], step_of)
}

pub(super) fn attempt(
    connection: &Connection,
    plan: PlanRow,
    attempt: AttemptId,
) -> Result<Option<Attempt>, Fault> {
    let sql = "SELECT body FROM attempt WHERE id = ?1 AND plan = ?2";
    one(connection, sql, (attempt.to_string(), plan), |row| {
        json(row, 0)
    })
}

pub(super) fn run(
    connection: &Connection,
    plan: PlanRow,
    run: RunId,
) -> Result<Option<Run>, Fault> {
    let sql = "SELECT body FROM run WHERE plan = ?1 AND id = ?2";
    one(connection, sql, (plan, run.to_string()), |row| json(row, 0))
}

pub(super) fn newest_run(connection: &Connection, plan: PlanRow) -> Result<Option<Run>, Fault> {
    one(connection, NEWEST_RUN, [plan], |row| json(row, 0))
}

pub(super) fn runs(connection: &Connection, plan: &PlanKey) -> Result<Vec<Run>, Fault> {
    match plan_row(connection, plan)? {
        Some(plan) => runs_of(connection, plan),
        None => Ok(Vec::new()),
    }
}

fn runs_of(connection: &Connection, plan: PlanRow) -> Result<Vec<Run>, Fault> {
    let sql = "SELECT body FROM run WHERE plan = ?1 ORDER BY number";
    all(connection, sql, [plan], |row| json(row, 0))
}

fn name_and_hash(connection: &Connection, plan: PlanRow) -> Result<(String, String), Fault> {
    let sql = "SELECT name, hash FROM plan WHERE id = ?1";
    let found = one(connection, sql, [plan], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(found.unwrap_or_default())
}

pub(super) fn view(connection: &Connection, plan: &PlanKey) -> Result<Option<View>, Fault> {
    let Some(plan) = only_plan(connection, plan)? else {
        return Ok(None);
    };
    let (name, hash) = name_and_hash(connection, plan)?;
    let steps = steps(connection, plan)?;
    let mut attempts: Vec<Attempt> = all(connection, OPEN_ATTEMPTS, [plan], |row| json(row, 0))?;
    for newest in steps.iter().filter_map(|step| step.state.last_attempt) {
        attempts.extend(attempt(connection, plan, newest)?);
    }
    let runs = runs_of(connection, plan)?;
    let sequence = plan_sequence(connection, plan)?;
    let view = View::from_parts(name, hash, steps, attempts, runs, sequence);
    Ok(Some(view))
}

pub(super) fn overview(connection: &Connection, plan: &PlanKey) -> Result<Option<Overview>, Fault> {
    let Some(plan) = only_plan(connection, plan)? else {
        return Ok(None);
    };
    let sql = "SELECT key, title FROM phase WHERE plan = ?1 ORDER BY position";
    let mut phases = all(connection, sql, [plan], |row| {
        Ok(PhaseCounts {
            key: row.get(0)?,
            title: row.get(1)?,
            counts: Counts::default(),
        })
    })?;
    let counted = all(connection, COUNTS, [plan], |row| {
        let status = StepStatus::parse(text(row, 1)?)
            .ok_or_else(|| Fault::Bug("a stored status is unknown".to_owned()))?;
        Ok((unsigned(row, 0)?, status, unsigned(row, 2)?))
    })?;
    for (phase, status, count) in counted {
        let phase = usize::try_from(phase)
            .ok()
            .and_then(|at| phases.get_mut(at));
        let (Some(phase), Ok(count)) = (phase, usize::try_from(count)) else {
            return Err(Fault::Bug("a stored step has an unknown phase".to_owned()));
        };
        phase.counts.add(status, count);
    }
    let (name, hash) = name_and_hash(connection, plan)?;
    let sequence = plan_sequence(connection, plan)?;
    Ok(Some(overview_of(name, hash, sequence, phases)))
}

pub(super) fn plans(connection: &Connection) -> Result<Vec<PlanKey>, Fault> {
    let sql = "SELECT path FROM plan WHERE kind = 'plan' ORDER BY path";
    all(connection, sql, [], |row| plan_key(text(row, 0)?))
}

pub(super) fn stored_attempt(
    connection: &Connection,
    attempt: AttemptId,
) -> Result<Option<StoredAttempt>, Fault> {
    let sql = "SELECT plan.path, attempt.body FROM attempt JOIN plan ON plan.id = attempt.plan \
        WHERE attempt.id = ?1 ORDER BY plan.path LIMIT 1";
    one(connection, sql, [attempt.to_string()], |row| {
        Ok(StoredAttempt {
            plan: plan_key(text(row, 0)?)?,
            attempt: json(row, 1)?,
        })
    })
}

pub(super) fn open_attempts(connection: &Connection) -> Result<Vec<StoredAttempt>, Fault> {
    let sql = "SELECT plan.path, attempt.body FROM attempt JOIN plan ON plan.id = attempt.plan \
        WHERE attempt.open ORDER BY attempt.id";
    all(connection, sql, [], |row| {
        Ok(StoredAttempt {
            plan: plan_key(text(row, 0)?)?,
            attempt: json(row, 1)?,
        })
    })
}

pub(super) fn find_attempt(
    connection: &Connection,
    prefix: &str,
) -> Result<Vec<AttemptSummary>, Fault> {
    let Some(prefix) = id_prefix(prefix) else {
        return Ok(Vec::new());
    };
    // `g` comes after the last hexadecimal digit, so this is the range of the prefix.
    let sql = "SELECT plan.path, attempt.body FROM attempt JOIN plan ON plan.id = attempt.plan \
        WHERE attempt.id >= ?1 AND attempt.id < ?1 || 'g' ORDER BY attempt.id LIMIT ?2";
    let limit = signed(FOUND_MAX as u64);
    all(connection, sql, (prefix, limit), |row| {
        Ok(summary_of(plan_key(text(row, 0)?)?, json(row, 1)?))
    })
}

const STORED: &str = "SELECT o.sequence, o.id, plan.path, o.at, o.body FROM operation AS o \
    JOIN plan ON plan.id = o.plan";

fn stored(row: &Row<'_>) -> Result<StoredOperation, Fault> {
    Ok(StoredOperation {
        sequence: unsigned(row, 0)?,
        id: id::<OperationId>(text(row, 1)?)?,
        plan: plan_key(text(row, 2)?)?,
        at: Timestamp::from_millis(row.get(3)?),
        operation: json(row, 4)?,
    })
}

pub(super) fn operations(
    connection: &Connection,
    query: &OperationQuery,
) -> Result<Vec<StoredOperation>, Fault> {
    let after = signed(query.after);
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    let plan = query.plan.as_ref().map(|plan| plan.path().as_str());
    let step = query.step.as_ref().map(StepId::as_str);
    let task = query.task.map(|task| task.to_string());
    // What is not asked for is not in the text, so that each question has its own index; the
    // numbers of the parameters are those of this list.
    let params: [&dyn ToSql; 5] = [&after, &limit, &plan, &step, &task];
    let mut sql = format!("{STORED} WHERE o.sequence > ?1");
    if plan.is_some() {
        sql.push_str(" AND o.plan = (SELECT id FROM plan WHERE path = ?3)");
    }
    if step.is_some() {
        sql.push_str(" AND o.sequence IN (SELECT sequence FROM operation_step WHERE step = ?4");
        if plan.is_some() {
            sql.push_str(" AND plan = (SELECT id FROM plan WHERE path = ?3)");
        }
        sql.push(')');
    }
    if task.is_some() {
        sql.push_str(" AND o.task = ?5");
    }
    sql.push_str(if query.newest_first {
        " ORDER BY o.sequence DESC LIMIT ?2"
    } else {
        " ORDER BY o.sequence LIMIT ?2"
    });
    let mut statement = connection.prepare_cached(&sql)?;
    let count = statement.parameter_count();
    let mut rows = statement.query(&params[..count])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(stored(row)?);
    }
    Ok(found)
}

pub(super) fn operation(
    connection: &Connection,
    sequence: u64,
) -> Result<Option<StoredOperation>, Fault> {
    let sql = format!("{STORED} WHERE o.sequence = ?1");
    one(connection, &sql, [signed(sequence)], stored)
}

pub(super) fn find_operation(
    connection: &Connection,
    prefix: &str,
) -> Result<Vec<StoredOperation>, Fault> {
    let Some(prefix) = id_prefix(prefix) else {
        return Ok(Vec::new());
    };
    let sql =
        format!("{STORED} WHERE o.id >= ?1 AND o.id < ?1 || 'g' ORDER BY o.id LIMIT {FOUND_MAX}");
    all(connection, &sql, [prefix], stored)
}

pub(super) fn known_operation(
    connection: &Connection,
    operation: OperationId,
) -> Result<Option<u64>, Fault> {
    let sql = "SELECT sequence FROM operation WHERE id = ?1";
    one(connection, sql, [operation.to_string()], |row| {
        unsigned(row, 0)
    })
}

pub(super) fn boot(connection: &Connection) -> Result<Option<String>, Fault> {
    scalar(connection, "SELECT value FROM meta WHERE key = 'boot'", [])
}

pub(super) fn to_publish(
    connection: &Connection,
    plan: Option<&PlanKey>,
) -> Result<Vec<PublishRow>, Fault> {
    let sql = "SELECT plan.path, outbox.path, outbox.kind, outbox.sequence FROM outbox \
        JOIN plan ON plan.id = outbox.plan WHERE ?1 IS NULL OR plan.path = ?1 \
        ORDER BY plan.path, outbox.path";
    let plan = plan.map(|plan| plan.path().as_str());
    all(connection, sql, [plan], |row| {
        Ok(PublishRow {
            plan: plan_key(text(row, 0)?)?,
            path: repo_path(text(row, 1)?)?,
            kind: json(row, 2)?,
            sequence: unsigned(row, 3)?,
        })
    })
}

pub(super) fn own_files(connection: &Connection) -> Result<BTreeSet<RepoPath>, Fault> {
    let sql = "SELECT path FROM plan WHERE kind = 'plan' UNION SELECT path FROM publication \
        UNION SELECT path FROM outbox";
    let paths = all(connection, sql, [], |row| repo_path(text(row, 0)?))?;
    Ok(paths.into_iter().collect())
}

pub(super) fn publication(
    connection: &Connection,
    plan: &PlanKey,
    path: &RepoPath,
) -> Result<Option<Publication>, Fault> {
    let sql = "SELECT shown.sequence, shown.hash, shown.stamp, shown.is_current \
        FROM publication AS shown JOIN plan ON plan.id = shown.plan \
        WHERE plan.path = ?1 AND shown.path = ?2";
    let params = (plan.path().as_str(), path.as_str());
    one(connection, sql, params, |row| {
        Ok(Publication {
            sequence: unsigned(row, 0)?,
            hash: row.get(1)?,
            stamp: optional_json(row, 2)?,
            is_current: row.get(3)?,
        })
    })
}

pub(super) fn git_wishes(connection: &Connection) -> Result<Vec<GitWishRow>, Fault> {
    // Mostly there is none, and to plan the joins takes longer than to ask.
    if scalar::<i64>(connection, "SELECT 1 FROM git_wish LIMIT 1", [])?.is_none() {
        return Ok(Vec::new());
    }
    let sql = "SELECT o.sequence, o.id, plan.path, git_wish.steps, git_wish.payload \
        FROM git_wish JOIN operation AS o ON o.sequence = git_wish.sequence \
        JOIN plan ON plan.id = o.plan ORDER BY git_wish.sequence";
    all(connection, sql, [], |row| {
        Ok(GitWishRow {
            sequence: unsigned(row, 0)?,
            operation: id(text(row, 1)?)?,
            plan: plan_key(text(row, 2)?)?,
            steps: json(row, 3)?,
            payload: json(row, 4)?,
        })
    })
}

pub(super) fn lease_slot(connection: &Connection, key: &LeaseKey) -> Result<Slot, Fault> {
    let sql = "SELECT epoch, body FROM lease WHERE key = ?1";
    let found = one(connection, sql, [key.as_str()], |row| {
        Ok(Slot {
            epoch: unsigned(row, 0)?,
            lease: optional_json(row, 1)?,
        })
    })?;
    Ok(found.unwrap_or_default())
}

pub(super) fn leases(connection: &Connection) -> Result<Vec<Lease>, Fault> {
    let sql = "SELECT body FROM lease WHERE body IS NOT NULL ORDER BY key";
    all(connection, sql, [], |row| json(row, 0))
}
