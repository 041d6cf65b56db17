//! The outlines of tasks: a copy of a tenth of every task, so that a list need not read the rest.
//!
//! A row holds the lines of all tasks whose numbers are near each other, and with it a list of
//! thousands is a few hundred rows. The row's number says which: of which board, which list, and
//! which numbers. [`save`] is called wherever a task is written, and by nobody else.

use airboss_core::board::outline::{BadLine, Listing, line};
use airboss_core::board::{BoardKey, Place, Task};
use rusqlite::Connection;

use super::board::board_row;
use super::fault::Fault;
use super::read::{self, PlanRow, all, json, scalar, text};
use super::write::execute;

/// How many numbers share a row. Their lines fit into a page of the database, unless the titles
/// are long, so that a change of one task writes one page here.
const NUMBERS_A_ROW: u32 = 32;

/// Room for the rows of one list: the largest number has 27 bits without those within a row.
const ROWS_A_LIST: i64 = 1 << 27;

pub(super) const ROWS: &str = "SELECT lines FROM listing WHERE row BETWEEN ?1 AND ?2 ORDER BY row";
pub(super) const ADD: &str = "INSERT INTO listing (row, lines) VALUES (?1, ?2) \
    ON CONFLICT (row) DO UPDATE SET lines = lines || excluded.lines";
pub(super) const REPLACE: &str = "UPDATE listing SET lines = replace(lines, ?2, ?3) \
    WHERE row = ?1 AND instr(lines, ?2) > 0";

impl From<BadLine> for Fault {
    fn from(error: BadLine) -> Self {
        Self::Bug(error.to_string())
    }
}

/// The number of the first row of a list; `None` for tasks that stand nowhere.
fn first_row(stream: PlanRow, place: Place) -> Option<i64> {
    let list = match place {
        Place::Active => 0,
        Place::Archived => 1,
        Place::Removed => return None,
    };
    Some((stream.number * 2 + list) * ROWS_A_LIST)
}

/// Where the line of a task stands, and the line.
fn of(stream: PlanRow, task: &Task) -> Option<(i64, String)> {
    let first = first_row(stream, task.place)?;
    Some((first + i64::from(task.number / NUMBERS_A_ROW), line(task)))
}

/// Writes the line of a task that was written.
pub(super) fn save(
    connection: &Connection,
    stream: PlanRow,
    before: Option<&Task>,
    task: &Task,
) -> Result<(), Fault> {
    let (old, new) = (before.and_then(|task| of(stream, task)), of(stream, task));
    let found = match (&old, &new) {
        (old, new) if old == new => return Ok(()),
        (Some((row, old)), Some((same, new))) if row == same => {
            execute(connection, REPLACE, (row, old, new))?
        }
        (old, new) => {
            if let Some((row, line)) = new {
                execute(connection, ADD, (row, line))?;
            }
            match old {
                Some((row, old)) => execute(connection, REPLACE, (row, old, ""))?,
                None => 1,
            }
        }
    };
    match found {
        1 => Ok(()),
        // The copy is not what it has to be, and the tasks are all there to make it anew.
        _ => fill(connection),
    }
}

/// Makes the lines of all boards from their tasks.
pub(super) fn fill(connection: &Connection) -> Result<(), Fault> {
    execute(connection, "DELETE FROM listing", [])?;
    let sql = "SELECT id FROM plan WHERE kind = 'board'";
    let streams: Vec<PlanRow> = all(connection, sql, [], |row| {
        Ok(PlanRow {
            number: row.get(0)?,
            is_board: true,
        })
    })?;
    for stream in streams {
        let sql = "SELECT body FROM task WHERE stream = ?1 ORDER BY number";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([stream])?;
        while let Some(row) = rows.next()? {
            let task: Task = json(row, 0)?;
            if let Some((row, line)) = of(stream, &task) {
                execute(connection, ADD, (row, line))?;
            }
        }
    }
    Ok(())
}

/// [`crate::store::Store::listing`].
pub(super) fn read(
    connection: &Connection,
    board: &BoardKey,
    places: &[Place],
) -> Result<Option<Listing>, Fault> {
    let Some(stream) = board_row(connection, board)? else {
        return Ok(None);
    };
    let sql = "SELECT count(*) FROM conflict WHERE stream = ?1";
    let conflicts: Option<i64> = scalar(connection, sql, [stream])?;
    let conflicts = conflicts.and_then(|count| usize::try_from(count).ok());
    let sequence = read::plan_sequence(connection, stream)?;
    let mut listing = Listing::new(sequence, conflicts.unwrap_or(0));
    for place in places {
        let Some(first) = first_row(stream, *place) else {
            continue;
        };
        let mut statement = connection.prepare_cached(ROWS)?;
        let mut rows = statement.query((first, first + ROWS_A_LIST - 1))?;
        while let Some(row) = rows.next()? {
            listing.add(*place, text(row, 0)?)?;
        }
    }
    listing.sort();
    Ok(Some(listing))
}

#[cfg(test)]
mod tests {
    use airboss_core::board::BoardOperation;
    use airboss_core::path::RepoPath;

    use super::*;
    use crate::store::{Change, SqliteStore, Store as _, Wanted};

    const PLACES: [Place; 2] = [Place::Active, Place::Archived];

    fn specs() -> BoardKey {
        BoardKey::new(RepoPath::new("specs").unwrap())
    }

    fn task(number: u32, status: &str) -> Box<Task> {
        let task = serde_json::json!({
            "id": format!("{number:032x}"), "number": number, "title": format!("Task {number}"),
            "slug": "task", "status": status, "place": "active",
        });
        Box::new(serde_json::from_value(task).unwrap())
    }

    fn store(store: &mut SqliteStore, operations: Vec<BoardOperation>) {
        let change = Change::of_board(operations);
        let decided = store.decide_board(&specs(), None, &Wanted::All, &mut |_| Ok(change.clone()));
        decided.unwrap();
    }

    fn assert_is_of_board(store: &SqliteStore) {
        let board = store.board(&specs()).unwrap().unwrap();
        let listing = store.listing(&specs(), &PLACES).unwrap().unwrap();
        let expected = Listing::of(&board, &PLACES);
        assert_eq!(
            listing.tasks().collect::<Vec<_>>(),
            expected.tasks().collect::<Vec<_>>()
        );
        assert_eq!(listing.len(), board.tasks.len());
    }

    /// Opens a store with tasks after this was done to its database.
    fn check(spoil: &str) {
        let directory = tempfile::tempdir().unwrap();
        let mut own = SqliteStore::open(directory.path()).unwrap();
        let begin = BoardOperation::Adopted {
            next_number: None,
            tasks: 0,
            disagreements: 0,
        };
        let tasks = [1, 2, 31, 32, 4_000_000_000];
        let tasks = tasks.map(|number| BoardOperation::TaskAdopted {
            task: task(number, "planned"),
        });
        store(&mut own, [begin].into_iter().chain(tasks).collect());
        assert_is_of_board(&own);
        drop(own);
        let connection = Connection::open(directory.path().join("state.db")).unwrap();
        connection.execute_batch(spoil).unwrap();
        drop(connection);
        let mut own = SqliteStore::open(directory.path()).unwrap();
        let task = task(2, "completed");
        store(&mut own, vec![BoardOperation::TaskAdopted { task }]);
        assert_is_of_board(&own);
    }

    #[test]
    fn an_older_database_gets_the_lines_of_its_tasks() {
        check("DROP TABLE listing; PRAGMA user_version = 3;");
    }

    #[test]
    fn lines_that_are_not_there_are_made_anew() {
        check("UPDATE listing SET lines = '';");
        check("DELETE FROM listing;");
    }
}
