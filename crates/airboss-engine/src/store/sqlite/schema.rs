//! The tables, and the way from each version of them to the next.

use rusqlite::{Connection, TransactionBehavior};

use super::fault::Fault;

/// One script for each version: `VERSIONS[n]` leads from version `n` to version `n + 1`.
/// A published script is never changed; a new one is appended.
pub(super) const VERSIONS: &[&str] = &[VERSION_1, VERSION_2];

/// The columns beside a JSON column repeat what is searched or counted in it.
const VERSION_1: &str = "
CREATE TABLE plan (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;

CREATE TABLE phase (
    plan INTEGER NOT NULL REFERENCES plan (id),
    position INTEGER NOT NULL,
    key TEXT NOT NULL,
    title TEXT NOT NULL,
    PRIMARY KEY (plan, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE step (
    plan INTEGER NOT NULL REFERENCES plan (id),
    id TEXT NOT NULL,
    position INTEGER NOT NULL,
    phase INTEGER NOT NULL,
    vanished INTEGER NOT NULL,
    status TEXT NOT NULL,
    version INTEGER NOT NULL,
    record TEXT NOT NULL,
    state TEXT NOT NULL,
    UNIQUE (plan, id)
) STRICT;
CREATE INDEX step_by_status ON step (plan, vanished, phase, status);

CREATE TABLE attempt (
    id TEXT NOT NULL,
    plan INTEGER NOT NULL REFERENCES plan (id),
    open INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (id, plan)
) STRICT;
CREATE INDEX attempt_open ON attempt (plan) WHERE open;

CREATE TABLE run (
    number INTEGER PRIMARY KEY,
    plan INTEGER NOT NULL REFERENCES plan (id),
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (plan, id)
) STRICT;
CREATE INDEX run_by_plan ON run (plan);

CREATE TABLE operation (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    plan INTEGER NOT NULL REFERENCES plan (id),
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX operation_by_plan ON operation (plan);

CREATE TABLE operation_step (
    plan INTEGER NOT NULL REFERENCES plan (id),
    step TEXT NOT NULL,
    sequence INTEGER NOT NULL REFERENCES operation (sequence),
    PRIMARY KEY (plan, step, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    plan INTEGER NOT NULL REFERENCES plan (id),
    path TEXT NOT NULL,
    kind TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (plan, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE publication (
    plan INTEGER NOT NULL REFERENCES plan (id),
    path TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (plan, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE git_wish (
    sequence INTEGER PRIMARY KEY REFERENCES operation (sequence),
    steps TEXT NOT NULL,
    payload TEXT NOT NULL
) STRICT;

CREATE TABLE command (
    plan INTEGER NOT NULL REFERENCES plan (id),
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    result TEXT NOT NULL,
    PRIMARY KEY (plan, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE lease (
    key TEXT NOT NULL PRIMARY KEY,
    epoch INTEGER NOT NULL,
    body TEXT
) STRICT, WITHOUT ROWID;
";

/// Boards. What a plan has, a board has as well, so that its row stands in the table of plans
/// with another kind. Of what was published `section` has the newest text of each task, and
/// `known_section` every text that there ever was.
const VERSION_2: &str = "
ALTER TABLE plan ADD COLUMN kind TEXT NOT NULL DEFAULT 'plan';

ALTER TABLE operation ADD COLUMN task TEXT;
CREATE INDEX operation_by_task ON operation (task) WHERE task IS NOT NULL;
CREATE INDEX operation_by_id ON operation (id);

ALTER TABLE publication ADD COLUMN stamp TEXT;

CREATE TABLE board (
    stream INTEGER PRIMARY KEY REFERENCES plan (id),
    next_number INTEGER
) STRICT;

CREATE TABLE task (
    stream INTEGER NOT NULL REFERENCES plan (id),
    id TEXT NOT NULL,
    number INTEGER NOT NULL,
    place TEXT NOT NULL,
    status TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (stream, id)
) STRICT;
CREATE INDEX task_by_number ON task (stream, number, place);
CREATE INDEX task_by_status ON task (stream, place, status);

CREATE TABLE former_number (
    stream INTEGER NOT NULL REFERENCES plan (id),
    number INTEGER NOT NULL,
    task TEXT NOT NULL,
    PRIMARY KEY (stream, number, task)
) STRICT, WITHOUT ROWID;

CREATE TABLE dependency (
    stream INTEGER NOT NULL REFERENCES plan (id),
    number INTEGER NOT NULL,
    task TEXT NOT NULL,
    PRIMARY KEY (stream, number, task)
) STRICT, WITHOUT ROWID;

CREATE TABLE conflict (
    position INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL REFERENCES plan (id),
    id TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX conflict_by_id ON conflict (stream, id);

CREATE TABLE error (
    position INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL REFERENCES plan (id),
    id TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX error_by_id ON error (stream, id);

CREATE TABLE section (
    stream INTEGER NOT NULL REFERENCES plan (id),
    path TEXT NOT NULL,
    task TEXT NOT NULL,
    hash TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    facts TEXT NOT NULL,
    UNIQUE (stream, path, task)
) STRICT;

CREATE TABLE known_section (
    stream INTEGER NOT NULL REFERENCES plan (id),
    path TEXT NOT NULL,
    hash TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (stream, path, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

/// The schema version of the database; 0 for an empty one.
pub(super) fn version(connection: &Connection) -> Result<i64, Fault> {
    let version = connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))?;
    Ok(version)
}

/// Brings the database to the newest version: each step in one transaction of its own.
///
/// Any number of processes may do this at once; whoever comes second finds it done.
pub(super) fn migrate(connection: &mut Connection, versions: &[&str]) -> Result<(), Fault> {
    let newest = newest(versions);
    loop {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = version(&transaction)?;
        if found > newest {
            return Err(Fault::Newer { found });
        }
        let script = usize::try_from(found)
            .ok()
            .and_then(|found| versions.get(found));
        let Some(script) = script else {
            return Ok(());
        };
        transaction.execute_batch(script)?;
        transaction.pragma_update(None, "user_version", found + 1)?;
        transaction.commit()?;
    }
}

/// The newest version that the scripts lead to.
pub(super) fn newest(versions: &[&str]) -> i64 {
    i64::try_from(versions.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_database_is_brought_forward_one_version_at_a_time() {
        let mut connection = Connection::open_in_memory().unwrap();
        let scripts = [
            "CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1);",
            "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 2;",
            "CREATE TABLE broken (",
        ];
        migrate(&mut connection, &scripts[..1]).unwrap();
        assert_eq!(version(&connection).unwrap(), 1);
        migrate(&mut connection, &scripts[..2]).unwrap();
        let row: (i64, i64) = connection
            .query_row("SELECT x, y FROM a", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!((row, version(&connection).unwrap()), ((1, 2), 2));
        migrate(&mut connection, &scripts).unwrap_err();
        assert_eq!(
            version(&connection).unwrap(),
            2,
            "a failed script leaves no trace"
        );
        let error = migrate(&mut connection, &scripts[..1]).unwrap_err();
        assert!(matches!(error, Fault::Newer { found: 2 }));
    }

    #[test]
    fn a_change_of_one_step_reads_and_writes_by_index() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, VERSIONS).unwrap();
        let check = |sql: &str, index: &str| {
            let explain = format!("EXPLAIN QUERY PLAN {sql}");
            let explain = explain.replace("?1", "1").replace("?2", "'x'");
            let plan: String = connection
                .query_row(&explain, [], |row| row.get(3))
                .unwrap();
            assert!(plan.contains(index), "{sql}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{sql}: {plan}");
        };
        check(super::super::read::STEP, "SEARCH step USING INDEX");
        check(super::super::read::COUNTS, "COVERING INDEX step_by_status");
        check(super::super::read::OPEN_ATTEMPTS, "INDEX attempt_open");
        check(super::super::read::NEWEST_RUN, "INDEX run_by_plan");
        check(
            super::super::read::PLAN_SEQUENCE,
            "COVERING INDEX operation_by_plan",
        );
    }
}
