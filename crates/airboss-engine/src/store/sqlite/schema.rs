//! The tables, and the way from each version of them to the next.

use rusqlite::{Connection, TransactionBehavior};

use super::fault::Fault;
use super::listing;

/// One script for each version: `VERSIONS[n]` leads from version `n` to version `n + 1`.
/// A published script is never changed; a new one is appended.
pub(super) const VERSIONS: &[&str] = &[VERSION_1, VERSION_2, VERSION_3, VERSION_4];

/// The version that lists tasks in outline. No script can say how: the lines are made here.
const WITH_LISTING: i64 = 4;

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

/// Whether a published file holds nothing older than what is remembered of it, and nothing twice. Of files from
/// before nobody knows, so that they are looked through once more.
const VERSION_3: &str = "
ALTER TABLE publication ADD COLUMN is_current INTEGER NOT NULL DEFAULT 0;
";

/// What lists show of tasks, see [`super::listing`].
const VERSION_4: &str = "
CREATE TABLE listing (
    row INTEGER PRIMARY KEY,
    lines TEXT NOT NULL
) STRICT;
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
        if found + 1 == WITH_LISTING {
            listing::fill(&transaction)?;
        }
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
    use airboss_core::board::{BoardKey, BoardOperation};
    use airboss_core::operation::{Operation, PlanKey};
    use airboss_core::path::RepoPath;

    use super::super::board;
    use super::*;
    use crate::store::{
        Change, CommandId, Commit, Committed, OperationQuery, Publication, SqliteStore, Store as _,
        Wanted,
    };

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

    /// What version 1 kept of a plan that was registered, published and is to be committed.
    const OF_VERSION_1: &str = r#"
INSERT INTO plan VALUES (1, 'plans/one.md', 'one', 'h');
INSERT INTO phase VALUES (1, 0, '1', 'One');
INSERT INTO step VALUES (1, '1.1', 0, 0, 0, 'completed', 2,
    '{"id":"1.1","phase":"1","phase_title":"One","description":"do","dependencies":[]}',
    '{"status":"completed","version":2}');
INSERT INTO operation VALUES (1, '0190a0b0c0d07000800000000000000a', 1, 5, 'plan_registered',
    '{"kind":"plan_registered","name":"one","hash":"h","steps":[],"renamed":[]}');
INSERT INTO operation VALUES (2, '0190a0b0c0d07000800000000000000b', 1, 6, 'retry_granted',
    '{"kind":"retry_granted","step":"1.1","error":null}');
INSERT INTO operation_step VALUES (1, '1.1', 2);
INSERT INTO outbox VALUES (1, 'plans/status.json', '{"kind":"status_json"}', 2);
INSERT INTO publication VALUES (1, 'plans/one.md', 1, 'p');
INSERT INTO git_wish VALUES (2, '["1.1"]', '{}');
INSERT INTO command VALUES (1, 'c', 6, '42');
"#;

    #[test]
    fn a_database_of_version_1_keeps_what_it_has_and_takes_boards() {
        let directory = tempfile::tempdir().unwrap();
        let mut connection = Connection::open(directory.path().join("state.db")).unwrap();
        migrate(&mut connection, &VERSIONS[..1]).unwrap();
        connection.execute_batch(OF_VERSION_1).unwrap();
        drop(connection);
        let mut store = SqliteStore::open(directory.path()).unwrap();
        let path = |text| RepoPath::new(text).unwrap();
        let plan = PlanKey::new(path("plans/one.md"));
        assert_eq!(store.plans().unwrap(), std::slice::from_ref(&plan));
        assert_eq!(store.boards().unwrap(), []);
        let view = store.view(&plan).unwrap().unwrap();
        assert_eq!((view.sequence, view.counts().completed), (2, 1));
        assert_eq!(
            store.operations(&OperationQuery::default()).unwrap().len(),
            2
        );
        let found = store.find_operation("0190a0b0c0d0").unwrap();
        assert_eq!(store.known_operation(found[1].id).unwrap(), Some(2));
        let published = Publication {
            sequence: 1,
            hash: "p".to_owned(),
            stamp: None,
            is_current: false,
        };
        let known = store.publication(&plan, plan.path()).unwrap();
        assert_eq!(known, Some(published));
        assert_eq!(
            store.to_publish(None).unwrap()[0].path,
            path("plans/status.json")
        );
        assert_eq!(store.git_wishes().unwrap()[0].sequence, 2);
        let mut commit = Commit::new(plan, Vec::new());
        commit.command = Some(CommandId::new("c"));
        let told = Committed::Duplicate { result: 42.into() };
        assert_eq!(store.commit(&commit).unwrap(), told);
        let begin = Change {
            operations: vec![Operation::Board {
                operation: BoardOperation::Adopted {
                    next_number: Some(3),
                    tasks: 0,
                    disagreements: 0,
                },
            }],
            ..Change::default()
        };
        let board = BoardKey::new(path("specs"));
        store
            .decide_board(&board, None, &Wanted::All, &mut |_| Ok(begin.clone()))
            .unwrap();
        let head = store.board_head(&board).unwrap().unwrap();
        assert_eq!((head.next_number, head.sequence), (Some(3), 3));
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

    #[test]
    fn a_change_of_one_task_reads_and_writes_by_index() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, VERSIONS).unwrap();
        let check = |sql: &str, indexes: &[&str]| {
            let explain = format!("EXPLAIN QUERY PLAN {sql}");
            let mut statement = connection.prepare(&explain).unwrap();
            let params = vec!["1"; statement.parameter_count()];
            let plan: Vec<String> = statement
                .query_map(rusqlite::params_from_iter(params), |row| row.get(3))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            let plan = plan.join("; ");
            assert!(
                !plan.contains("SCAN") && !plan.contains("B-TREE"),
                "{sql}: {plan}"
            );
            for index in indexes {
                assert!(plan.contains(index), "{sql}: {plan}");
            }
        };
        check(board::TASK, &["sqlite_autoindex_task_1"]);
        check(board::WITH_NUMBER, &["task_by_number"]);
        check(board::HAD_NUMBER, &["PRIMARY KEY"]);
        check(board::FORMER_NUMBERS_FROM, &["PRIMARY KEY"]);
        check(
            board::DEPENDENTS,
            &["PRIMARY KEY", "sqlite_autoindex_task_1"],
        );
        check(board::HIGHEST, &["COVERING INDEX task_by_number"]);
        check(board::HIGHEST_FORMER, &["PRIMARY KEY"]);
        check(board::NUMBERS_FROM, &["COVERING INDEX task_by_number"]);
        check(board::COUNTS, &["COVERING INDEX task_by_status"]);
        check(listing::ROWS, &["SEARCH listing USING INTEGER PRIMARY KEY"]);
        check(listing::ADD, &[]);
        check(
            listing::REPLACE,
            &["SEARCH listing USING INTEGER PRIMARY KEY"],
        );
        check(board::AFTER, &["operation_by_plan"]);
        check(board::KNOWN_SECTION, &["PRIMARY KEY"]);
        check(board::SECTION, &["sqlite_autoindex_section_1"]);
        let of_task = "SELECT 1 FROM operation AS o WHERE o.sequence > ?1 AND o.task = ?2 \
            ORDER BY o.sequence DESC";
        check(of_task, &["operation_by_task"]);
        let of_id = "SELECT 1 FROM operation AS o WHERE o.id >= ?1 AND o.id < ?1 || 'g'";
        check(of_id, &["operation_by_id"]);
    }
}
