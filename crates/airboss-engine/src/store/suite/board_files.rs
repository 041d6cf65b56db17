//! The files of boards: what was published to them, and what was found in them.

use airboss_core::board::TaskFacts;

use super::boards::*;
use super::*;

for_every_store! {
    a_published_file_is_known_by_its_stamp
    sections_are_the_newest_text_and_every_text_stays_known
    text_is_taken_in_with_a_change
}

fn section(number: u32, hash: &str, sequence: u64) -> Section {
    Section {
        task: task_id(number),
        hash: hash.to_owned(),
        sequence,
        facts: TaskFacts {
            number,
            title: Some(hash.to_owned()),
            ..TaskFacts::default()
        },
    }
}

fn publication(up_to: u64, hash: &str, sections: Vec<Section>) -> BoardPublication {
    BoardPublication {
        path: path("specs/TODO.md"),
        up_to,
        hash: hash.to_owned(),
        stamp: None,
        is_current: false,
        sections,
        forget: Vec::new(),
    }
}

/// A board of two tasks whose TODO.md is to be published.
fn with_todo(bench: &Bench) -> Box<dyn Store> {
    let mut store = bench.open();
    let mut change = change_of(adopted(None, vec![task(1), task(2)]));
    change.publish.push(PublishItem {
        path: path("specs/TODO.md"),
        kind: PublishKind::Todo,
    });
    decide(&mut *store, &specs(), None, &change).unwrap();
    store
}

fn a_published_file_is_known_by_its_stamp(bench: &Bench) {
    let todo = path("specs/TODO.md");
    let early = publication(1, "none", vec![section(1, "x", 1)]);
    assert!(
        bench
            .open()
            .publish_board(&specs(), std::slice::from_ref(&early))
            .unwrap()
    );
    let mut store = with_todo(bench);
    assert_eq!(store.known_section(&specs(), &todo, "x").unwrap(), None);
    let mut publish = |up_to, hash, stamp| {
        let publication = BoardPublication {
            stamp,
            ..publication(up_to, hash, Vec::new())
        };
        let is_clean = store
            .publish_board(&specs(), std::slice::from_ref(&publication))
            .unwrap();
        let pending = store.to_publish(None).unwrap();
        assert_eq!(pending.is_empty(), is_clean);
        assert_eq!(
            store.sequence().unwrap(),
            3,
            "publishing is not an operation"
        );
        let known = store.publication(&specs().log(), &todo).unwrap().unwrap();
        (is_clean, known.sequence, known.hash, known.stamp)
    };
    let stamp = FileStamp {
        size: 5,
        mtime_ns: -1,
        ino: u64::MAX,
        ctime_ns: i64::MAX,
    };
    let known =
        |is_clean, sequence, hash: &str, stamp| (is_clean, sequence, hash.to_owned(), stamp);
    assert_eq!(
        publish(2, "h2", Some(stamp)),
        known(false, 2, "h2", Some(stamp))
    );
    assert_eq!(
        publish(3, "h3", Some(stamp)),
        known(true, 3, "h3", Some(stamp))
    );
    // A slow publisher that reports late does not make the file look older.
    assert_eq!(publish(2, "h2", None), known(true, 3, "h3", Some(stamp)));
    let touched = FileStamp { ino: 1, ..stamp };
    assert_eq!(
        publish(3, "h3", Some(touched)),
        known(true, 3, "h3", Some(touched))
    );
    assert_eq!(publish(4, "h4", None), known(true, 4, "h4", None));
    // A publisher of plans knows no stamp, and its word counts on a board as well.
    assert!(store.published(&specs().log(), &todo, 5, "h5").unwrap());
    assert_eq!(store.sections(&specs(), &todo, None).unwrap(), []);
}

fn sections_are_the_newest_text_and_every_text_stays_known(bench: &Bench) {
    let todo = path("specs/TODO.md");
    let mut store = with_todo(bench);
    let mut first = publication(3, "h3", vec![section(2, "b", 3), section(1, "a", 2)]);
    first.sections[0].facts.line = 7;
    assert!(
        store
            .publish_board(&specs(), std::slice::from_ref(&first))
            .unwrap()
    );
    let check = |tasks: Option<&[TaskId]>, expected: &[Section]| {
        let found = bench.open().sections(&specs(), &todo, tasks).unwrap();
        assert_eq!(found, expected);
    };
    check(None, &[section(1, "a", 2), section(2, "b", 3)]);
    let wanted = [task_id(9), task_id(2), task_id(2)];
    check(Some(&wanted), &[section(2, "b", 3)]);
    check(Some(&[]), &[]);
    // A newer text takes the place of the old one, which stays known.
    let second = publication(5, "h5", vec![section(1, "c", 5)]);
    assert!(
        store
            .publish_board(&specs(), std::slice::from_ref(&second))
            .unwrap()
    );
    check(None, &[section(1, "c", 5), section(2, "b", 3)]);
    // What comes late is only known.
    let mut late = publication(4, "h4", vec![section(1, "d", 4)]);
    late.forget.push(task_id(2));
    assert!(
        store
            .publish_board(&specs(), std::slice::from_ref(&late))
            .unwrap()
    );
    check(None, &[section(1, "c", 5), section(2, "b", 3)]);
    // What is gone from the file is forgotten, not its text; text that returns is as old as it was.
    let mut third = publication(6, "h6", vec![section(1, "a", 6)]);
    third.forget.push(task_id(2));
    assert!(
        store
            .publish_board(&specs(), std::slice::from_ref(&third))
            .unwrap()
    );
    check(None, &[section(1, "a", 6)]);
    let known = |hash: &str| store.known_section(&specs(), &todo, hash).unwrap();
    let found = ["a", "b", "c", "d", "e"].map(known);
    assert_eq!(found, [Some(2), Some(3), Some(5), Some(4), None]);
    let other = path("specs/state.json");
    assert_eq!(store.known_section(&specs(), &other, "a").unwrap(), None);
    assert_eq!(store.sections(&specs(), &other, None).unwrap(), []);
}

fn text_is_taken_in_with_a_change(bench: &Bench) {
    let mut store = bench.open();
    let todo = path("specs/TODO.md");
    let found = |hash| FoundSections {
        path: path("specs/TODO.md"),
        sections: vec![section(1, hash, 0)],
    };
    let check = |expected: &[(&str, u64)], newest: &str| {
        let store = bench.open();
        for (hash, sequence) in expected {
            let known = store.known_section(&specs(), &todo, hash).unwrap();
            assert_eq!(known, Some(*sequence), "{hash}");
        }
        let sequence = store.known_section(&specs(), &todo, newest).unwrap();
        let section = section(1, newest, sequence.unwrap());
        assert_eq!(store.sections(&specs(), &todo, None).unwrap(), [section]);
        assert_eq!(store.publication(&specs().log(), &todo).unwrap(), None);
    };
    let mut change = change_of(adopted(None, vec![task(1)]));
    change.found.push(found("a"));
    decide(&mut *store, &specs(), None, &change).unwrap();
    check(&[("a", 2)], "a");
    let mut change = change_of(vec![added(2), added(3)]);
    change.found.push(found("b"));
    change.publish.push(PublishItem {
        path: todo.clone(),
        kind: PublishKind::Todo,
    });
    decide(&mut *store, &specs(), None, &change).unwrap();
    check(&[("a", 2), ("b", 4)], "b");
    assert_eq!(store.to_publish(None).unwrap().len(), 1, "it stays pending");
    // Also without an operation: what was edited changed nothing.
    let change = Change {
        found: vec![found("c")],
        ..Change::default()
    };
    decide(&mut *store, &specs(), None, &change).unwrap();
    check(&[("a", 2), ("b", 4), ("c", 4)], "c");
    let mut of_plan = Commit::new(home(), vec![registered(&[], &[])]);
    of_plan.change.found.push(found("d"));
    store.commit(&of_plan).unwrap_err();
    assert_eq!(store.plans().unwrap(), []);
}
