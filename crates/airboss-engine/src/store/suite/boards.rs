//! Boards: begun, changed, found, published, and always the fold of their operations.

use std::collections::BTreeMap;

use airboss_core::board::error::{ErrorContext, ErrorEntry, FixStatus, Severity};
use airboss_core::board::{
    Artifact, Cause, Dependencies, Field, Place, Position, Status, TaskChange, TaskStatus,
};
use serde_json::json;

use super::*;

for_every_store! {
    a_board_begins_with_its_adoption
    boards_and_plans_do_not_see_each_other
    a_task_is_found_as_on_the_whole_board
    a_decision_sees_what_it_wants
    new_tasks_get_free_numbers
    a_command_for_a_board_counts_once
    a_change_of_a_board_is_stored_whole
    the_history_of_a_task_is_what_concerns_it
    an_operation_is_found_by_its_id
    a_head_counts_active_tasks
    what_changed_since_is_what_a_publisher_writes
    writers_of_one_board_lose_nothing
    a_reader_sees_whole_changes
    the_boot_is_remembered
}

pub(super) fn specs() -> BoardKey {
    BoardKey::new(path("specs"))
}

pub(super) fn task_id(number: u32) -> TaskId {
    TaskId::from_uuid(Uuid::from_u128(number.into()))
}

/// A task whose number and id are the same.
pub(crate) fn task(number: u32) -> Task {
    Task {
        id: task_id(number),
        number,
        former_numbers: Vec::new(),
        title: format!("Task {number}"),
        slug: format!("task_{number}"),
        status: Status::NotStarted.into(),
        status_before: None,
        place: Place::Active,
        priority: None,
        language: None,
        effort: None,
        description: None,
        dependencies: Dependencies::default(),
        parent: None,
        subtasks: Vec::new(),
        times: BTreeMap::new(),
        blocked_reason: None,
        abandoned_reason: None,
        artifacts: Vec::new(),
        plan: None,
        phases: BTreeMap::new(),
        checked: None,
        workflow: None,
        operation: None,
    }
}

fn waiting_for(number: u32, numbers: &[u32]) -> Task {
    let dependencies = Dependencies {
        numbers: numbers.to_vec(),
        prose: None,
    };
    Task {
        dependencies,
        ..task(number)
    }
}

pub(super) fn command() -> Cause {
    Cause::Command {
        actor: Actor::Person,
    }
}

pub(super) fn adopted(next_number: Option<u32>, tasks: Vec<Task>) -> Vec<BoardOperation> {
    let begin = BoardOperation::Adopted {
        next_number,
        tasks: 0,
        disagreements: 0,
    };
    let tasks = tasks.into_iter().map(|task| BoardOperation::TaskAdopted {
        task: Box::new(task),
    });
    [begin].into_iter().chain(tasks).collect()
}

pub(super) fn added(number: u32) -> BoardOperation {
    BoardOperation::TaskAdded {
        task: Box::new(task(number)),
        cause: command(),
    }
}

/// A change of the task with this id, as it is now.
fn changed(store: &dyn Store, number: u32, changes: Vec<TaskChange>) -> BoardOperation {
    let part = store.board_part(&specs(), &Wanted::Ids(vec![task_id(number)]));
    let part = part.unwrap().unwrap();
    let before = &part.tasks[&task_id(number)];
    BoardOperation::change(before, changes, command(), false).unwrap()
}

pub(super) fn conflict(number: u32) -> BoardOperation {
    BoardOperation::ConflictFound {
        task: task_id(number),
        path: path("specs/TODO.md"),
        kept: vec![TaskChange::Title("ours".to_owned())],
        other: vec![TaskChange::Title("theirs".to_owned())],
        blob: None,
    }
}

pub(super) fn error(id: &str, task: Option<u32>) -> BoardOperation {
    let context = ErrorContext {
        task,
        ..ErrorContext::default()
    };
    BoardOperation::ErrorRecorded {
        entry: Box::new(ErrorEntry {
            id: id.to_owned(),
            at: Timestamp::from_millis(5),
            kind: "gate".to_owned(),
            code: "GATE".to_owned(),
            severity: Severity::Low,
            message: "red".to_owned(),
            recoverable: true,
            recommendation: "look".to_owned(),
            context,
            fix_status: FixStatus::Unfixed,
        }),
    }
}

pub(super) fn change_of(operations: Vec<BoardOperation>) -> Change {
    Change {
        operations: operations
            .into_iter()
            .map(|operation| Operation::Board { operation })
            .collect(),
        ..Change::default()
    }
}

/// Decides what is given, whatever the board is like.
pub(super) fn decide(
    store: &mut dyn Store,
    key: &BoardKey,
    command: Option<&CommandId>,
    change: &Change,
) -> Result<Decided, StoreError> {
    let wanted = Wanted::Tasks(Vec::new());
    store.decide_board(key, command, &wanted, &mut |_| Ok(change.clone()))
}

fn put(store: &mut dyn Store, operations: Vec<BoardOperation>) -> Vec<StoredOperation> {
    match decide(store, &specs(), None, &change_of(operations)).unwrap() {
        Decided::Applied { operations, .. } => operations,
        other => panic!("not applied: {other:?}"),
    }
}

fn with_board(bench: &Bench, tasks: Vec<Task>) -> Box<dyn Store> {
    let mut store = bench.open();
    put(&mut *store, adopted(Some(10), tasks));
    store
}

/// The board is the fold of its log.
pub(super) fn assert_is_board_fold(store: &dyn Store, key: &BoardKey) {
    let query = OperationQuery {
        plan: Some(key.log()),
        limit: usize::MAX,
        ..OperationQuery::default()
    };
    let mut fold = Board::default();
    for stored in store.operations(&query).unwrap() {
        if let Operation::Board { operation } = &stored.operation {
            fold.apply(stored.sequence, stored.id, operation);
        }
        fold.sequence = stored.sequence;
    }
    assert_eq!(store.board(key).unwrap().unwrap(), fold);
}

fn a_board_begins_with_its_adoption(bench: &Bench) {
    let mut store = with_plan(bench);
    let before = everything(&*store);
    assert_eq!(store.board(&specs()).unwrap(), None);
    assert_eq!(store.board_head(&specs()).unwrap(), None);
    assert_eq!(store.task(&specs(), 1).unwrap(), None);
    assert!(store.changed_since(&specs(), 0).unwrap().is_none());
    // Without an adoption there is nothing to change, whichever way it comes.
    let change = change_of(vec![added(1)]);
    decide(&mut *store, &specs(), None, &change).unwrap_err();
    let mut commit = Commit::new(specs().log(), change.operations.clone());
    store.commit(&commit).unwrap_err();
    let mut publish = Change::default();
    publish.publish.push(PublishItem {
        path: path("specs/TODO.md"),
        kind: PublishKind::Todo,
    });
    decide(&mut *store, &specs(), None, &publish).unwrap_err();
    // A plan is no board, and the other way round.
    let adoption = change_of(adopted(None, vec![task(1)]));
    let of_plan = BoardKey::new(home().path().clone());
    decide(&mut *store, &of_plan, None, &adoption).unwrap_err();
    commit.plan = home();
    store.commit(&commit).unwrap_err();
    let id = CommandId::new("c");
    let answer = Change::answer(json!("nothing"));
    let decided = decide(&mut *store, &specs(), Some(&id), &answer).unwrap();
    assert!(matches!(decided, Decided::Applied { result, .. } if result == json!("nothing")));
    let refused = store.decide_board(&specs(), None, &Wanted::All, &mut |standing| {
        assert_eq!(standing.board, Board::default());
        assert_eq!(standing.free_numbers().next(), Some(1));
        Err("no".into())
    });
    assert!(matches!(refused.unwrap(), Decided::Refused(_)));
    assert_eq!(store.boards().unwrap(), []);
    assert_eq!(everything(&*store), before);
    decide(&mut *store, &specs(), Some(&id), &adoption).unwrap();
    assert_eq!(bench.open().boards().unwrap(), [specs()]);
    let register = Commit::new(specs().log(), vec![registered(&[], &[])]);
    store.commit(&register).unwrap_err();
    assert_is_board_fold(&*store, &specs());
}

fn boards_and_plans_do_not_see_each_other(bench: &Bench) {
    let mut store = with_plan(bench);
    put(&mut *store, adopted(None, vec![task(1)]));
    let log = specs().log();
    assert_eq!(store.plans().unwrap(), [home()]);
    assert_eq!(store.boards().unwrap(), [specs()]);
    assert_eq!(store.view(&log).unwrap(), None);
    assert_eq!(store.overview(&log).unwrap(), None);
    assert_eq!(store.step(&log, &"1.1".into()).unwrap(), None);
    let of_plan = BoardKey::new(home().path().clone());
    assert_eq!(store.board(&of_plan).unwrap(), None);
    assert_eq!(store.board_head(&of_plan).unwrap(), None);
    assert_eq!(store.own_files().unwrap(), [home().path().clone()].into());
    assert_is_fold(&*store, &home());
    // One command id may be used on both.
    let id = CommandId::new("c");
    let mut commit = Commit::new(home(), vec![marked("1.1", StepStatus::Completed)]);
    commit.command = Some(id.clone());
    applied(store.commit(&commit).unwrap());
    let decided = decide(&mut *store, &specs(), Some(&id), &change_of(vec![added(2)]));
    assert!(matches!(decided.unwrap(), Decided::Applied { .. }));
    let sequence = store.sequence().unwrap();
    assert_eq!(store.board(&specs()).unwrap().unwrap().sequence, sequence);
    assert_eq!(store.view(&home()).unwrap().unwrap().sequence, sequence - 1);
}

fn a_task_is_found_as_on_the_whole_board(bench: &Bench) {
    let named = |id: u32, number, former: &[u32], place| Task {
        id: task_id(id),
        former_numbers: former.to_vec(),
        place,
        ..task(number)
    };
    let store = with_board(
        bench,
        vec![
            named(20, 1, &[], Place::Active),
            named(21, 1, &[], Place::Archived),
            named(22, 2, &[], Place::Archived),
            named(23, 3, &[2, 4], Place::Active),
            named(24, 3, &[], Place::Active),
            named(25, 5, &[4], Place::Archived),
            named(26, 6, &[7], Place::Removed),
        ],
    );
    let board = store.board(&specs()).unwrap().unwrap();
    for number in 0..9 {
        let found = store.task(&specs(), number).unwrap();
        assert_eq!(found.as_ref(), board.find(number), "number {number}");
    }
    let ids = |number| board.find(number).map(|task| task.id);
    assert_eq!(ids(4), Some(task_id(23)));
    assert_eq!(ids(6), None, "it was removed");
}

fn a_decision_sees_what_it_wants(bench: &Bench) {
    let mut store = with_board(
        bench,
        vec![
            task(1),
            waiting_for(2, &[1]),
            waiting_for(3, &[2, 99]),
            waiting_for(4, &[3]),
        ],
    );
    put(&mut *store, vec![conflict(1), error("e1", None)]);
    let check = |store: &mut dyn Store, wanted: Wanted, tasks: &[u32], errors: usize| {
        let mut seen = None;
        let mut decide = |standing: &BoardStanding| {
            seen = Some(standing.clone());
            Err("enough".into())
        };
        store
            .decide_board(&specs(), None, &wanted, &mut decide)
            .unwrap();
        let seen = seen.unwrap();
        let ids: Vec<TaskId> = tasks.iter().map(|number| task_id(*number)).collect();
        let found: Vec<TaskId> = seen.board.tasks.keys().copied().collect();
        assert_eq!(found, ids, "{wanted:?}");
        assert_eq!(seen.board.errors.len(), errors, "{wanted:?}");
        assert_eq!(seen.board.conflicts.len(), 1, "{wanted:?}");
        assert_eq!(seen.board.sequence, store.sequence().unwrap());
        assert_eq!((seen.next_number, seen.now), (10, store.now()));
        assert_eq!(
            Some(seen.board),
            store.board_part(&specs(), &wanted).unwrap()
        );
    };
    check(&mut *store, Wanted::Tasks(vec![]), &[], 0);
    check(&mut *store, Wanted::Tasks(vec![1]), &[1], 0);
    check(&mut *store, Wanted::Tasks(vec![3]), &[2, 3], 0);
    check(&mut *store, Wanted::Tasks(vec![1, 3]), &[1, 2, 3], 0);
    check(
        &mut *store,
        Wanted::TasksAndDependents(vec![2]),
        &[1, 2, 3],
        0,
    );
    check(&mut *store, Wanted::Ids(vec![task_id(4)]), &[3, 4], 0);
    check(&mut *store, Wanted::Ids(vec![task_id(77)]), &[], 0);
    check(&mut *store, Wanted::Errors, &[], 1);
    check(&mut *store, Wanted::All, &[1, 2, 3, 4], 1);
    // A dependency is found by the number that it was written with.
    let renumber = changed(&*store, 2, vec![TaskChange::Number(8)]);
    put(&mut *store, vec![renumber]);
    check(&mut *store, Wanted::Tasks(vec![3]), &[2, 3], 0);
    check(
        &mut *store,
        Wanted::TasksAndDependents(vec![8]),
        &[1, 2, 3],
        0,
    );
    // What is not waited for any more is not read.
    let free = TaskChange::Dependencies(Dependencies::default());
    let free = changed(&*store, 3, vec![free]);
    put(&mut *store, vec![free]);
    check(&mut *store, Wanted::Tasks(vec![3]), &[3], 0);
    check(&mut *store, Wanted::TasksAndDependents(vec![8]), &[1, 2], 0);
    assert_is_board_fold(&*store, &specs());
}

fn new_tasks_get_free_numbers(bench: &Bench) {
    let mut store = bench.open();
    let removed = Task {
        place: Place::Removed,
        ..task(9)
    };
    let renumbered = Task {
        former_numbers: vec![6],
        ..task(4)
    };
    let tasks = vec![task(2), renumbered, removed];
    put(&mut *store, adopted(None, tasks));
    let check = |store: &mut dyn Store, expected: &[u32]| {
        let mut seen = Vec::new();
        let mut decide = |standing: &BoardStanding| {
            seen = standing.free_numbers().take(expected.len()).collect();
            Ok(Change::default())
        };
        let wanted = Wanted::Tasks(Vec::new());
        store
            .decide_board(&specs(), None, &wanted, &mut decide)
            .unwrap();
        assert_eq!(seen, expected);
    };
    check(&mut *store, &[7, 8]);
    put(&mut *store, vec![BoardOperation::NextNumberSet { next: 3 }]);
    check(&mut *store, &[3, 5, 7, 8, 9]);
    let next = u32::MAX;
    put(&mut *store, vec![BoardOperation::NextNumberSet { next }]);
    check(&mut *store, &[u32::MAX]);
}

fn a_command_for_a_board_counts_once(bench: &Bench) {
    let mut store = with_board(bench, vec![task(1)]);
    let id = CommandId::new("c1");
    let mut change = change_of(vec![added(2)]);
    change.result = json!(2);
    decide(&mut *store, &specs(), Some(&id), &change).unwrap();
    let before = everything(&*store);
    let again = bench
        .open()
        .decide_board(&specs(), Some(&id), &Wanted::All, &mut |_| {
            panic!("asked again")
        })
        .unwrap();
    assert!(matches!(again, Decided::Duplicate { result } if result == json!(2)));
    let mut commit = Commit::new(specs().log(), change.operations.clone());
    commit.command = Some(id);
    let told = Committed::Duplicate { result: json!(2) };
    assert_eq!(store.commit(&commit).unwrap(), told);
    assert_eq!(everything(&*store), before);
    // Even the answer that nothing was to do is kept.
    let idle = CommandId::new("c2");
    decide(
        &mut *store,
        &specs(),
        Some(&idle),
        &Change::answer(json!(0)),
    )
    .unwrap();
    let again = decide(&mut *store, &specs(), Some(&idle), &change).unwrap();
    assert!(matches!(again, Decided::Duplicate { result } if result == json!(0)));
    // Eight threads that all repeat one command carry it out once.
    let log = store.sequence().unwrap();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let mut store = bench.open();
            scope.spawn(move || {
                let id = CommandId::new("same");
                let change = change_of(vec![added(100 + number)]);
                decide(&mut *store, &specs(), Some(&id), &change).unwrap();
            });
        }
    });
    assert_eq!(store.sequence().unwrap(), log + 1);
}

fn a_change_of_a_board_is_stored_whole(bench: &Bench) {
    let mut store = with_board(bench, vec![task(1)]);
    let mut change = change_of(vec![added(2), added(3)]);
    change.publish.push(PublishItem {
        path: path("specs/TODO.md"),
        kind: PublishKind::Todo,
    });
    change.publish.push(PublishItem {
        path: path("specs/2_task/.state.json"),
        kind: PublishKind::ProjectState { task: task_id(2) },
    });
    change.git.push(GitWish {
        operation: 1,
        steps: Vec::new(),
        payload: json!({"message": "task 3: created"}),
    });
    let before = everything(&*store);
    let mut orphan = change.clone();
    orphan.git[0].operation = 2;
    decide(&mut *store, &specs(), None, &orphan).unwrap_err();
    assert_eq!(everything(&*store), before);
    decide(&mut *store, &specs(), None, &change).unwrap();
    let rows = store.to_publish(Some(&specs().log())).unwrap();
    let kinds: Vec<&PublishKind> = rows.iter().map(|row| &row.kind).collect();
    let state = PublishKind::ProjectState { task: task_id(2) };
    assert_eq!(kinds, [&state, &PublishKind::Todo]);
    assert!(rows.iter().all(|row| row.sequence == 4));
    let wish = &store.git_wishes().unwrap()[0];
    assert_eq!((wish.sequence, &wish.plan), (4, &specs().log()));
    // The commit of a change is on the board's log, and its fold goes on from there.
    let made = Operation::CommitMade {
        sequence: 4,
        steps: Vec::new(),
        commit: Some("0123".to_owned()),
        left_out: Vec::new(),
    };
    let mut close = Commit::new(specs().log(), vec![made]);
    close.change.close_git.push(4);
    applied(store.commit(&close).unwrap());
    assert_eq!(store.git_wishes().unwrap(), []);
    assert_eq!(store.board(&specs()).unwrap().unwrap().sequence, 5);
    assert_is_board_fold(&*bench.open(), &specs());
}

fn the_history_of_a_task_is_what_concerns_it(bench: &Bench) {
    let mut store = with_board(bench, vec![task(1), task(2)]);
    let found = put(&mut *store, vec![conflict(1), conflict(2)]);
    let resolved = |stored: &StoredOperation| BoardOperation::ConflictResolved {
        conflict: stored.id,
        taken: false,
    };
    put(&mut *store, vec![resolved(&found[1]), resolved(&found[0])]);
    put(&mut *store, vec![error("e", Some(1)), error("f", None)]);
    let to = Position::First;
    let task = task_id(1);
    put(&mut *store, vec![BoardOperation::TaskMoved { task, to }]);
    let deferred = Operation::CommitDeferred {
        sequence: 10,
        reason: "a merge is under way".to_owned(),
    };
    applied(
        store
            .commit(&Commit::new(specs().log(), vec![deferred]))
            .unwrap(),
    );
    let check = |query: OperationQuery, expected: &[u64]| {
        let found = store.operations(&query).unwrap();
        let found: Vec<u64> = found.iter().map(|stored| stored.sequence).collect();
        assert_eq!(found, expected, "{query:?}");
    };
    let history = |number| OperationQuery {
        task: Some(task_id(number)),
        ..OperationQuery::default()
    };
    check(history(1), &[2, 4, 7, 8, 10, 11]);
    check(history(2), &[3, 5, 6]);
    check(history(3), &[]);
    check(
        OperationQuery {
            plan: Some(specs().log()),
            after: 4,
            limit: 2,
            newest_first: true,
            ..history(1)
        },
        &[11, 10],
    );
    let plan = Some(home());
    check(OperationQuery { plan, ..history(1) }, &[]);
    assert_is_board_fold(&*store, &specs());
}

fn an_operation_is_found_by_its_id(bench: &Bench) {
    let mut store = with_board(bench, vec![task(1)]);
    let stored = put(&mut *store, vec![added(2)]).remove(0);
    let id = stored.id.to_string();
    for spelling in [id.clone(), id.to_ascii_uppercase()] {
        let found = store.find_operation(&spelling).unwrap();
        assert_eq!(found, std::slice::from_ref(&stored));
    }
    // The beginning of an id is its instant, so that neighbours share it.
    let found = store.find_operation(&id[..4]).unwrap();
    assert!(found.contains(&stored) && found.is_sorted_by_key(|found| found.id));
    assert_eq!(store.find_operation("no").unwrap(), []);
    assert_eq!(store.find_operation(&format!("{id}0")).unwrap(), []);
    assert_eq!(store.operation(3).unwrap().as_ref(), Some(&stored));
    assert_eq!(store.operation(4).unwrap(), None);
    assert_eq!(store.operation(u64::MAX).unwrap(), None);
    assert_eq!(store.known_operation(stored.id).unwrap(), Some(3));
    let foreign = OperationId::from_uuid(Uuid::from_u128(9));
    assert_eq!(store.known_operation(foreign).unwrap(), None);
}

fn a_head_counts_active_tasks(bench: &Bench) {
    let of = |number, status: TaskStatus, place| Task {
        status,
        place,
        ..task(number)
    };
    let odd = TaskStatus::Other("half_way".to_owned());
    let mut store = with_board(
        bench,
        vec![
            task(1),
            task(2),
            of(3, odd.clone(), Place::Active),
            of(4, Status::Completed.into(), Place::Archived),
        ],
    );
    bench.pass(1);
    let done = TaskChange::Status(Status::Completed.into());
    let done = changed(&*store, 2, vec![done]);
    put(&mut *store, vec![done]);
    let head = store.board_head(&specs()).unwrap().unwrap();
    let active = [
        (Status::NotStarted.into(), 1),
        (Status::Completed.into(), 1),
        (odd, 1),
    ];
    let expected = BoardHead {
        next_number: Some(10),
        sequence: 6,
        updated_at: store.now(),
        active: active.into_iter().collect(),
    };
    assert_eq!(head, expected);
}

fn what_changed_since_is_what_a_publisher_writes(bench: &Bench) {
    let mut store = with_board(bench, vec![task(1), task(2), task(3)]);
    let since =
        |store: &dyn Store, sequence| store.changed_since(&specs(), sequence).unwrap().unwrap();
    let all = since(&*store, 0);
    let adopted = |delta: &TaskDelta| delta.appeared == Some(Appeared::Adopted);
    assert!(all.tasks.len() == 3 && all.tasks.iter().all(adopted));
    let start = all.sequence;
    assert_eq!(since(&*store, start).tasks, []);
    let title = |text: &str| TaskChange::Title(text.to_owned());
    let status = |status: Status| TaskChange::Status(status.into());
    let first = changed(&*store, 1, vec![title("a"), TaskChange::Number(7)]);
    put(&mut *store, vec![first]);
    let second = changed(&*store, 2, vec![TaskChange::Place(Place::Archived)]);
    let third = changed(&*store, 1, vec![status(Status::Planned), title("b")]);
    put(
        &mut *store,
        vec![second, third, conflict(3), error("e", Some(3))],
    );
    bench.pass(1);
    let fourth = changed(&*store, 1, vec![TaskChange::Number(8)]);
    let to = Position::After { number: 3 };
    let moved = |to| BoardOperation::TaskMoved {
        task: task_id(9),
        to,
    };
    put(
        &mut *store,
        vec![fourth, added(9), moved(Position::Last), moved(to.clone())],
    );
    let changes = since(&*store, start);
    let board = store.board(&specs()).unwrap().unwrap();
    assert_eq!(changes.sequence, board.sequence);
    assert_eq!(
        (changes.next_number, changes.updated_at),
        (Some(10), store.now())
    );
    let delta = |number, sequence| TaskDelta {
        task: board.tasks[&task_id(number)].clone(),
        appeared: None,
        fields: Vec::new(),
        number_before: None,
        moved: None,
        sequence,
    };
    let archived = TaskDelta {
        fields: vec![Field::Place],
        ..delta(2, start + 2)
    };
    let renumbered = TaskDelta {
        fields: vec![Field::Title, Field::Number, Field::Status],
        number_before: Some(1),
        ..delta(1, start + 6)
    };
    let new = TaskDelta {
        appeared: Some(Appeared::Added),
        moved: Some(to),
        ..delta(9, start + 9)
    };
    assert_eq!(changes.tasks, [archived, renumbered.clone(), new.clone()]);
    // From the middle only what came later.
    let later = TaskDelta {
        fields: vec![Field::Number],
        number_before: Some(7),
        ..renumbered
    };
    assert_eq!(since(&*store, start + 3).tasks, [later, new]);
    assert_eq!(since(&*store, u64::MAX).tasks, []);
}

const WRITERS: u32 = 12;
const ROUNDS: u32 = 6;

fn writers_of_one_board_lose_nothing(bench: &Bench) {
    with_board(bench, vec![task(1)]);
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let mut store = bench.open();
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let id = task_id(100 + writer * ROUNDS + round);
                    let mut decide = |standing: &BoardStanding| {
                        let shared = &standing.board.tasks[&task_id(1)];
                        let path = format!("reports/{writer}-{round}.md");
                        let artifact = Artifact {
                            path,
                            kind: "research".to_owned(),
                            summary: None,
                        };
                        let link = vec![TaskChange::Artifact(artifact)];
                        let number = standing.free_numbers().next().unwrap();
                        let new = Box::new(Task { id, ..task(number) });
                        Ok(change_of(vec![
                            BoardOperation::change(shared, link, command(), false).unwrap(),
                            BoardOperation::TaskAdded {
                                task: new,
                                cause: command(),
                            },
                            BoardOperation::NextNumberSet { next: number + 1 },
                        ]))
                    };
                    let wanted = Wanted::Tasks(vec![1]);
                    let decided = store.decide_board(&specs(), None, &wanted, &mut decide);
                    assert!(matches!(decided.unwrap(), Decided::Applied { .. }));
                }
            });
        }
    });
    let store = bench.open();
    let board = store.board(&specs()).unwrap().unwrap();
    let numbers: Vec<u32> = board.active().map(|task| task.number).collect();
    let expected: Vec<u32> = [1].into_iter().chain(10..10 + WRITERS * ROUNDS).collect();
    assert_eq!(numbers, expected, "every number once");
    let links = board.tasks[&task_id(1)].artifacts.len();
    assert_eq!(links, (WRITERS * ROUNDS) as usize);
    assert_is_board_fold(&*store, &specs());
}

fn a_reader_sees_whole_changes(bench: &Bench) {
    let mut store = with_board(bench, vec![task(1), task(2)]);
    let reader = bench.open();
    std::thread::scope(|scope| {
        let writing = scope.spawn(move || {
            for round in 0..40 {
                let title = |task: &Task| {
                    let title = TaskChange::Title(format!("round {round}"));
                    BoardOperation::change(task, vec![title], command(), false).unwrap()
                };
                let mut decide = |standing: &BoardStanding| {
                    let tasks = standing.board.tasks.values();
                    Ok(change_of(tasks.map(title).collect()))
                };
                store
                    .decide_board(&specs(), None, &Wanted::All, &mut decide)
                    .unwrap();
            }
        });
        let mut looks = 0;
        while !writing.is_finished() || looks == 0 {
            let board = reader.board(&specs()).unwrap().unwrap();
            let titles: BTreeSet<&str> = board
                .tasks
                .values()
                .map(|task| task.title.as_str())
                .collect();
            assert!(titles.len() == 1 || board.sequence == 3, "{titles:?}");
            let changes = reader.changed_since(&specs(), 3).unwrap().unwrap();
            assert_eq!(changes.sequence % 2, 1, "two operations, or none of them");
            looks += 1;
        }
        writing.join().unwrap();
    });
}

fn the_boot_is_remembered(bench: &Bench) {
    let mut store = bench.open();
    assert_eq!(store.boot().unwrap(), None);
    store.set_boot("one").unwrap();
    store.set_boot("two").unwrap();
    assert_eq!(bench.open().boot().unwrap().as_deref(), Some("two"));
    assert_eq!(store.sequence().unwrap(), 0);
}
