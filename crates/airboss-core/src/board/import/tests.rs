//! Each row of the classification, and the model: whatever is interleaved, no change of a person
//! is lost and no older version comes back.

mod model;

use super::*;
use crate::board::status::Status;
use crate::board::testing::{after, at, board, facts, id, operation, task};

/// A file, the board behind it, and what was published.
struct World {
    key: BoardKey,
    path: RepoPath,
    board: Board,
    past: Past,
    bases: BTreeMap<TaskId, Base>,
    disk: Vec<TaskFacts>,
    next_number: (Option<u32>, Option<u32>),
    is_checked_out: bool,
    inherited: BTreeSet<String>,
    is_put_back: bool,
    brought: Vec<TaskFacts>,
    has_operations: bool,
    shown: u64,
}

fn hash(facts: &TaskFacts) -> String {
    // Lines and spans are where it stands, not what it says.
    let facts = TaskFacts {
        line: 0,
        ..facts.clone()
    };
    format!("{facts:?}")
}

impl World {
    fn new(numbers: std::ops::RangeInclusive<u32>, has_operations: bool) -> Self {
        let mut world = Self {
            key: BoardKey::new(RepoPath::new("specs").unwrap()),
            path: RepoPath::new("specs/TODO.md").unwrap(),
            board: Board::default(),
            past: Past::default(),
            bases: BTreeMap::new(),
            disk: Vec::new(),
            next_number: (None, None),
            is_checked_out: false,
            inherited: BTreeSet::new(),
            is_put_back: false,
            brought: Vec::new(),
            has_operations,
            shown: 0,
        };
        for number in numbers {
            let task = Box::new(task(number, "planned"));
            let cause = Cause::Doctor;
            world.store(vec![BoardOperation::TaskAdded { task, cause }]);
        }
        world.publish();
        world
    }

    fn store(&mut self, operations: Vec<BoardOperation>) {
        for change in operations {
            let sequence = self.board.sequence + 1;
            let id = operation(u128::from(sequence));
            self.board.apply(sequence, id, &change);
            self.past.record(sequence, id, &change);
        }
    }

    /// Stores a change of one task by a command.
    fn command(&mut self, number: u32, change: TaskChange) {
        let task = self.board.find(number).unwrap();
        let change = BoardOperation::change(task, vec![change], Cause::Doctor, false);
        self.store(change.into_iter().collect());
    }

    fn render(&self, task: &Task) -> TaskFacts {
        TaskFacts {
            id: self.has_operations.then_some(task.id),
            operation: task.operation.filter(|_| self.has_operations),
            title: Some(task.title.clone()),
            status: Some(task.status.clone()),
            status_text: Some(task.status.marker()),
            effort: task.effort.clone(),
            priority: task.priority.clone(),
            artifacts: task.artifacts.clone(),
            ..facts(task.number, "")
        }
    }

    /// Writes the whole file.
    fn publish(&mut self) {
        self.disk = self.board.active().map(|task| self.render(task)).collect();
        for (task, facts) in self.board.active().zip(&self.disk) {
            let sequence = self.board.sequence;
            self.past.publish(&hash(facts), sequence);
            let base = Base {
                facts: facts.clone(),
                hash: hash(facts),
                sequence,
                since: sequence,
            };
            self.bases.insert(task.id, base);
        }
        self.is_checked_out = false;
        self.shown = self.board.sequence;
    }

    fn look(&self) -> Imported {
        let hashes: Vec<_> = self.disk.iter().map(hash).collect();
        let sections = self.disk.iter().zip(&hashes);
        let sections: Vec<_> = sections
            .map(|(facts, hash)| Section { facts, hash })
            .collect();
        let known = Known {
            key: &self.key,
            board: &self.board,
            history: &self.past,
            is_taken: &|_| false,
            now: at(60),
        };
        let disk = Disk {
            path: &self.path,
            sections: &sections,
            bases: &self.bases,
            next_number: self.next_number,
            is_checked_out: self.is_checked_out,
            inherited: &self.inherited,
            is_put_back: self.is_put_back,
            brought: &self.brought,
            blob: None,
            shown: self.shown,
        };
        import(&known, &disk)
    }

    fn import(&mut self) -> Imported {
        let imported = self.look();
        self.store(imported.operations.clone());
        self.bases.extend(imported.bases.clone());
        self.next_number.1 = self.next_number.0;
        let again = self.look();
        assert_eq!(again.operations, [], "importing twice is importing once");
        assert_eq!(again.bases, []);
        imported
    }

    fn section(&mut self, number: u32) -> &mut TaskFacts {
        let mut sections = self.disk.iter_mut();
        sections.find(|facts| facts.number == number).unwrap()
    }

    fn edit_status(&mut self, number: u32, text: &str) {
        let section = self.section(number);
        section.status = (!text.is_empty()).then(|| TaskStatus::read(text));
        section.status_text = (!text.is_empty()).then(|| text.to_owned());
    }

    fn status(&self, number: u32) -> String {
        self.board.find(number).unwrap().status.to_string()
    }
}

fn status(status: Status) -> TaskChange {
    TaskChange::Status(status.into())
}

fn words(imported: &Imported) -> Vec<&'static str> {
    imported
        .operations
        .iter()
        .map(BoardOperation::word)
        .collect()
}

#[test]
fn prose_gives_a_new_base_and_nothing_else() {
    let mut world = World::new(1..=2, false);
    world.section(1).status_text = Some("PLANNED, nearly".to_owned());
    let imported = world.import();
    assert_eq!(imported.operations, []);
    assert_eq!(imported.bases.len(), 1);
}

#[test]
fn a_hand_edit_is_taken_with_the_times_that_a_command_would_set() {
    let mut world = World::new(1..=2, false);
    world.edit_status(1, "BLOCKED");
    let imported = world.import();
    assert_eq!(words(&imported), ["task_changed"]);
    let task = world.board.find(1).unwrap();
    assert!(task.status.is(Status::Blocked));
    assert_eq!(task.times[&TimeKey::Blocked], at(60));
    assert_eq!(task.status_before, Some(Status::Planned.into()));
}

#[test]
fn an_older_version_never_comes_back() {
    for has_operations in [false, true] {
        let mut world = World::new(1..=3, has_operations);
        let old = world.disk.clone();
        world.command(1, status(Status::Implementing));
        world.publish();
        world.command(2, status(Status::Completed));
        world.publish();
        world.disk = old;
        world.is_checked_out = true;
        let imported = world.import();
        assert_eq!(imported.operations, []);
        assert_eq!(imported.stale, [id(1), id(2)]);
        assert_eq!(imported.bases, []);
    }
}

#[test]
fn what_a_version_has_from_the_one_that_it_was_made_from_is_no_news() {
    for is_checked_out in [true, false] {
        let mut world = World::new(1..=2, false);
        world.edit_status(1, "NOT STARTED");
        world.edit_status(2, "COMPLETED");
        world.inherited = [hash(&world.disk[0])].into();
        world.is_checked_out = is_checked_out;
        let imported = world.import();
        let (of_first, stale) = match is_checked_out {
            true => ("planned", vec![id(1)]),
            // A person may type what was there once.
            false => ("not_started", vec![]),
        };
        assert_eq!(imported.stale, stale);
        assert_eq!(world.status(1), of_first);
        assert_eq!(world.status(2), "completed");
    }
}

#[test]
fn what_git_wrote_just_before_somebody_typed_beside_it_was_not_typed() {
    for (is_known, expected) in [(false, "planned"), (true, "implementing")] {
        let mut world = World::new(1..=2, false);
        let old = world.disk.clone();
        world.command(1, status(Status::Implementing));
        world.publish();
        world.disk[0] = old[0].clone();
        world.section(1).effort = Some("3 hours".to_owned());
        if is_known {
            world.brought = old;
        }
        let imported = world.import();
        let conflicts = if is_known {
            &["conflict_found"][..]
        } else {
            &[]
        };
        assert_eq!(words(&imported)[0], "task_changed");
        assert_eq!(words(&imported)[1..], *conflicts);
        assert_eq!(world.status(1), expected);
        let effort = world.board.find(1).unwrap().effort.as_deref();
        assert_eq!(effort, Some("3 hours"));
    }
}

#[test]
fn what_is_written_back_by_hand_counts_where_it_can_be_told() {
    let mut world = World::new(1..=2, false);
    let old = world.disk.clone();
    world.command(1, status(Status::Implementing));
    world.publish();
    world.command(2, status(Status::Completed));
    world.publish();
    // Task 2 is as it was published last, so that this is no older version of the file.
    world.disk[0] = old[0].clone();
    assert_eq!(words(&world.import()), ["task_changed"]);
    assert_eq!(world.status(1), "planned");

    // Now the file could be the version before.
    world.publish();
    world.command(2, status(Status::Partial));
    let before = world.disk.clone();
    world.publish();
    world.disk = before;
    assert_eq!(words(&world.import()), ["conflict_found"]);
    assert_eq!(world.status(2), "partial");
}

#[test]
fn an_edit_in_an_older_version_is_taken_and_its_age_is_not() {
    let mut world = World::new(1..=3, false);
    let old = world.disk.clone();
    world.command(1, status(Status::Implementing));
    world.command(2, status(Status::Completed));
    world.publish();
    world.disk = old;
    world.section(1).effort = Some("2 hours".to_owned());
    let imported = world.import();
    assert_eq!(world.status(1), "implementing");
    assert_eq!(world.status(2), "completed");
    assert_eq!(
        world.board.find(1).unwrap().effort.as_deref(),
        Some("2 hours")
    );
    assert!(
        words(&imported).contains(&"conflict_found"),
        "the status may be meant"
    );
}

/// The file of a process that was killed before it recorded what it had written; then the board
/// went on.
fn unrecorded(has_operations: bool, later: Status) -> World {
    let mut world = World::new(1..=2, has_operations);
    world.command(1, status(Status::Implementing));
    world.disk = world
        .board
        .active()
        .map(|task| world.render(task))
        .collect();
    world.command(1, status(later));
    world
}

#[test]
fn what_a_killed_process_published_was_not_typed() {
    for has_operations in [false, true] {
        for later in [Status::Planned, Status::Completed] {
            let mut world = unrecorded(has_operations, later);
            let imported = world.import();
            assert_eq!(words(&imported), [] as [&str; 0], "{later:?}");
            assert_eq!(imported.stale, [id(1)]);
            assert_eq!(world.status(1), later.value());
        }
    }
}

#[test]
fn what_is_typed_long_after_the_board_went_on_counts() {
    let mut world = unrecorded(false, Status::Planned);
    let newest = world.board.sequence;
    world.past.know_long(id(1), newest);
    assert_eq!(words(&world.import()), ["task_changed"]);
    assert_eq!(world.status(1), "implementing");
}

#[test]
fn what_is_typed_again_in_a_file_that_shows_all_counts() {
    let mut world = World::new(1..=2, false);
    for (text, effort) in [
        ("IMPLEMENTING", "1"),
        ("PLANNED", "2"),
        ("IMPLEMENTING", "3"),
    ] {
        world.edit_status(1, text);
        world.section(1).effort = Some(effort.to_owned());
        world.import();
        // Nothing of it had to be written, so that the bases stay as they were read.
        world.shown = world.board.sequence;
    }
    assert_eq!(world.status(1), "implementing");
}

#[test]
fn a_field_that_both_changed_stays_and_the_other_side_is_kept() {
    let mut world = World::new(1..=2, false);
    world.command(1, status(Status::Implementing));
    world.edit_status(1, "BLOCKED");
    world.section(1).effort = Some("2 hours".to_owned());
    let imported = world.import();
    assert_eq!(words(&imported), ["task_changed", "conflict_found"]);
    assert_eq!(world.status(1), "implementing");
    assert_eq!(
        world.board.find(1).unwrap().effort.as_deref(),
        Some("2 hours")
    );
    assert_eq!(world.board.conflicts[0].other, [status(Status::Blocked)]);
    assert_eq!(
        world.board.conflicts[0].kept,
        [status(Status::Implementing)]
    );
}

#[test]
fn another_clone_s_operation_is_merged() {
    let mut world = World::new(1..=2, true);
    world.edit_status(1, "IMPLEMENTING");
    world.section(1).operation = Some(operation(900));
    world.is_checked_out = true;
    let imported = world.import();
    let Some(BoardOperation::TaskChanged { cause, .. }) = imported.operations.first() else {
        panic!("nothing was taken");
    };
    assert!(
        matches!(cause, Cause::Foreign { operation: Some(known), .. } if *known == operation(900))
    );
    assert_eq!(world.status(1), "implementing");
}

#[test]
fn what_is_missing_unknown_or_doubled_is_told_and_not_acted_upon() {
    let mut world = World::new(1..=5, false);
    world.disk.remove(0);
    world.edit_status(2, "DONEE");
    world.edit_status(3, "");
    let mut twice = world.section(4).clone();
    twice.line = 99;
    world.disk.push(twice);
    let imported = world.import();
    assert_eq!(imported.operations, []);
    let notes: Vec<_> = imported.notes.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(notes.join("\n"), @r#"
    task 4 stands there 2 times (lines 40, 99); none is imported
    line 20: task 2 has the unknown status `DONEE`; it is not imported
    line 30: task 3 has no status any more; the board keeps its own
    task 1 is gone from the file; the board keeps it, `abandon` and `archive` take it away
    "#);
    assert_eq!(world.look().notes, imported.notes, "they repeat");
    world.edit_status(2, "PARTIAL");
    assert_eq!(words(&world.import()), ["task_changed"]);
}

#[test]
fn a_new_entry_is_a_new_task_with_a_number_of_its_own() {
    let mut world = World::new(1..=3, false);
    let archived = BoardOperation::change(
        world.board.find(3).unwrap(),
        vec![TaskChange::Place(Place::Archived)],
        Cause::Doctor,
        false,
    );
    world.store(archived.into_iter().collect());
    world.store(vec![BoardOperation::NextNumberSet { next: 4 }]);
    world.bases.remove(&id(3));
    world.publish();
    for number in [3, 4] {
        world.disk.push(TaskFacts {
            title: Some(format!("By hand {number}")),
            ..facts(number, "NOT STARTED")
        });
    }
    let imported = world.import();
    let notes: Vec<_> = imported.notes.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(notes.join("\n"), @"the number 3 is taken; the task `By hand 3` is now 5");
    let numbers: Vec<_> = world
        .board
        .active()
        .map(|task| (task.number, task.title.as_str()))
        .collect();
    assert_eq!(
        numbers,
        [
            (1, "Task number 1"),
            (2, "Task number 2"),
            (4, "By hand 4"),
            (5, "By hand 3")
        ]
    );
    assert_eq!(world.board.next_number, Some(6));
}

#[test]
fn of_two_clones_tasks_with_one_number_the_later_gets_another() {
    // Task 2 of this clone was made before, and after, that of the other one.
    for (theirs, number_of_ours) in [(900, 2), (400, 3)] {
        let mut world = World::new(1..=1, true);
        let mut ours = task(2, "planned");
        ours.id = id(500);
        let mut waits = task(7, "planned");
        waits.id = id(501);
        waits.dependencies.numbers = vec![2];
        for task in [ours, waits] {
            let task = Box::new(task);
            let cause = Cause::Doctor;
            world.store(vec![BoardOperation::TaskAdded { task, cause }]);
        }
        world.store(vec![BoardOperation::NextNumberSet { next: 3 }]);
        world.publish();
        world.disk.push(TaskFacts {
            id: Some(id(theirs)),
            operation: Some(operation(900)),
            title: Some("Theirs".to_owned()),
            ..facts(2, "planned")
        });
        world.is_checked_out = true;
        let imported = world.import();
        assert_eq!(imported.notes.len(), 1);
        assert_eq!(world.board.tasks[&id(500)].number, number_of_ours);
        assert_eq!(
            world.board.tasks[&id(501)].dependencies.numbers,
            [number_of_ours]
        );
        let numbers: BTreeSet<_> = world.board.active().map(|task| task.number).collect();
        assert_eq!(numbers, [1, 2, 3, 7].into());
        assert_eq!(world.board.next_number, Some(4));
    }
}

#[test]
fn todo_knows_what_state_json_brought() {
    let mut world = World::new(1..=1, false);
    let mut theirs = task(2, "planned");
    theirs.title = "Task number 2".to_owned();
    let added = BoardOperation::TaskAdded {
        task: Box::new(theirs),
        cause: Cause::Doctor,
    };
    world.board = after(&world.board, &[added]);
    world.disk.push(TaskFacts {
        title: Some("Task number 2, in its own words".to_owned()),
        ..facts(2, "planned")
    });
    world.is_checked_out = true;
    assert_eq!(words(&world.import()), ["task_changed"]);
    assert_eq!(world.board.tasks.len(), 2);
    assert_eq!(
        world.board.find(2).unwrap().title,
        "Task number 2, in its own words"
    );
}

#[test]
fn many_touched_tasks_want_a_yes() {
    let mut world = World::new(1..=20, false);
    for number in 1..=5 {
        world.edit_status(number, "PARTIAL");
    }
    assert!(!world.look().needs_accept);
    world.edit_status(6, "PARTIAL");
    assert!(world.look().needs_accept);
    assert_eq!(board([]).active().count(), 0);
}
