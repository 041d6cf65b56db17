//! What a change costs as a plan, a board or the log grows.

use super::*;

#[test]
fn one_change_costs_the_same_in_a_plan_of_any_size() {
    let pages = |count: usize| {
        let directory = tempfile::tempdir().unwrap();
        let mut store = with_steps(directory.path(), count);
        mark_once(&mut store, "1.0").unwrap();
        put_away_log(directory.path());
        let log = || {
            fs_err::metadata(directory.path().join("state.db-wal"))
                .unwrap()
                .len()
        };
        mark_once(&mut store, "1.1").unwrap();
        let before = log();
        mark_once(&mut store, "1.1").unwrap();
        (log() - before) / 4_096
    };
    let (small, large) = (pages(10), pages(5_000));
    println(&format!(
        "pages written by one change: {small} of 10 steps, {large} of 5,000"
    ));
    assert!(large <= small + 2, "{small} pages, then {large}");
}

fn adoption(count: u32) -> Change {
    let ids = 1..=count;
    let task = |number: u32| -> Task {
        // As it stands in the database; every second one waits for the one before it.
        let waits: Vec<u32> = number
            .is_multiple_of(2)
            .then(|| number - 1)
            .into_iter()
            .collect();
        let facts = serde_json::json!({
            "id": format!("{number:032x}"), "number": number, "place": "active",
            "title": format!("Make part {number} of the work and show that it is done"),
            "slug": format!("make_part_{number}"), "status": "not_started",
            "dependencies": {"numbers": waits}, "priority": "Medium", "language": "rust",
            "description": "One paragraph that says what is to be done, and how it is seen.",
        });
        serde_json::from_value(facts).unwrap()
    };
    let begin = BoardOperation::Adopted {
        next_number: Some(count + 1),
        tasks: count,
        disagreements: 0,
    };
    let tasks = ids.clone().map(|number| BoardOperation::TaskAdopted {
        task: Box::new(task(number)),
    });
    let operations = [begin].into_iter().chain(tasks);
    let found = ["specs/TODO.md", "specs/state.json"].map(|path| FoundSections {
        path: RepoPath::new(path).unwrap(),
        sections: ids
            .clone()
            .map(|number| Section {
                task: task(number).id,
                hash: format!("{number:064x}"),
                sequence: 0,
                facts: TaskFacts {
                    number,
                    title: Some(task(number).title),
                    ..TaskFacts::default()
                },
            })
            .collect(),
    });
    Change {
        operations: operations
            .map(|operation| Operation::Board { operation })
            .collect(),
        found: found.into(),
        ..Change::default()
    }
}

/// Changes the title of one task.
fn rename(store: &mut SqliteStore, board: &BoardKey, number: u32) {
    let mut decide = |standing: &BoardStanding| {
        assert!(standing.board.tasks.len() <= 2, "only what is wanted");
        let before = standing.board.find(number).unwrap();
        let title = TaskChange::Title(format!("{} again", before.title));
        let actor = Actor::Person;
        let change = BoardOperation::change(before, vec![title], Cause::Command { actor }, false);
        Ok(Change {
            operations: change
                .map(|operation| Operation::Board { operation })
                .into_iter()
                .collect(),
            ..Change::default()
        })
    };
    let wanted = Wanted::Tasks(vec![number]);
    let decided = store.decide_board(board, None, &wanted, &mut decide);
    assert!(matches!(decided.unwrap(), Decided::Applied { .. }));
}

#[test]
fn one_change_costs_the_same_on_a_board_of_any_size() {
    let board = BoardKey::new(RepoPath::new("specs").unwrap());
    let measure = |count: u32| {
        let directory = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::open(directory.path()).unwrap();
        let change = adoption(count);
        let began = Instant::now();
        store
            .decide_board(&board, None, &Wanted::All, &mut |_| Ok(change.clone()))
            .unwrap();
        let adopted = began.elapsed();
        let began = Instant::now();
        let whole = store.board(&board).unwrap().unwrap();
        assert_eq!(whole.tasks.len(), count as usize);
        let read = began.elapsed();
        rename(&mut store, &board, 1);
        put_away_log(directory.path());
        let log = || {
            fs_err::metadata(directory.path().join("state.db-wal"))
                .unwrap()
                .len()
        };
        rename(&mut store, &board, count);
        let before = log();
        let began = Instant::now();
        rename(&mut store, &board, count);
        let changed = began.elapsed();
        println(&format!(
            "{count} tasks: adopted in {adopted:?}, read in {read:?}, one changed in {changed:?}"
        ));
        (log() - before) / 4_096
    };
    let (small, large) = (measure(10), measure(10_000));
    println(&format!(
        "pages written by one change: {small} of 10 tasks, {large} of 10,000"
    ));
    assert!(large <= small + 5, "{small} pages, then {large}");
}

/// Starts the log anew, so that it grows by what is written.
fn put_away_log(directory: &Path) {
    let connection = Connection::open(directory.join("state.db")).unwrap();
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
}

#[test]
fn the_log_does_not_grow_without_bound() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = with_steps(directory.path(), 5_000);
    for _ in 0..200 {
        mark_once(&mut store, "1.0").unwrap();
    }
    drop(store);
    // Nobody remembers anything from one of these to the next.
    for _ in 0..200 {
        let mut store = SqliteStore::open(directory.path()).unwrap();
        mark_once(&mut store, "1.0").unwrap();
    }
    let log = fs_err::metadata(directory.path().join("state.db-wal"))
        .unwrap()
        .len();
    assert!(log < 600 << 10, "{log} bytes");
    let path = directory.path().join("state.db");
    let database = fs_err::metadata(path).unwrap().len();
    println(&format!(
        "400 changes: log of {log} bytes, database of {database}"
    ));
}
