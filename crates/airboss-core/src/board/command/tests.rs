//! Each command: what it changes, what it refuses.

use insta::assert_snapshot;

use super::*;
use crate::board::testing::{after, at, board, id, operation, task, waiting};

fn standing(board: &Board) -> Standing<'_> {
    Standing {
        board,
        actor: Actor::Person,
        mode: Mode::Permissive,
        force: false,
        now: at(60),
    }
}

fn forced(board: &Board) -> Standing<'_> {
    Standing {
        force: true,
        ..standing(board)
    }
}

/// The board after a decision.
fn done(board: &Board, decision: Decision) -> Board {
    after(board, &decision.unwrap())
}

fn refused(decision: Decision) -> String {
    decision.unwrap_err().to_string()
}

fn plan(path: &str) -> Artifact {
    Artifact {
        path: path.to_owned(),
        kind: "plan".to_owned(),
        summary: None,
    }
}

fn phase(key: &str, status: PhaseStatus) -> (String, PhaseStatus) {
    (key.to_owned(), status)
}

#[test]
fn a_task_is_added_with_its_number_and_counted() {
    let before = board([task(1, "planned")]);
    let mut new = NewTask::new(id(9), 2, " Shorten the banner ");
    new.dependencies = vec![1];
    new.parent = Some(1);
    let after = done(&before, add(&standing(&before), new, 3));
    let added = after.find(2).unwrap();
    assert_eq!(added.slug, "shorten_the_banner");
    assert_eq!(added.title, "Shorten the banner");
    assert_eq!(after.next_number, Some(3));
    assert_eq!(after.find(1).unwrap().subtasks, [2]);
    assert!(added.operation.is_some());
}

#[test]
fn impossible_tasks_are_not_added() {
    let board = board([waiting(1, "planned", &[2])]);
    let try_add = |number, title: &str, dependencies: &[u32]| {
        let mut new = NewTask::new(id(9), number, title);
        new.dependencies = dependencies.to_vec();
        refused(add(&standing(&board), new, 3))
    };
    assert_snapshot!(try_add(1, "x", &[]), @"the number 1 is taken by the task `Task number 1`");
    assert_snapshot!(try_add(2, " ", &[]), @"a title is one line of 1 to 200 characters");
    assert_snapshot!(try_add(2, "two\nlines", &[]), @"a title is one line of 1 to 200 characters");
    assert_snapshot!(try_add(3, "x", &[7]), @"task 3 cannot wait for task 7: there is no such task");
    assert_snapshot!(try_add(2, "x", &[1]), @"these tasks would wait for each other: 2 → 1 → 2");
    assert_snapshot!(try_add(3, "x", &[3]), @"these tasks would wait for each other: 3 → 3");
}

#[test]
fn editing_changes_only_what_is_named() {
    let before = board([
        task(1, "planned"),
        task(2, "planned"),
        waiting(3, "planned", &[2]),
    ]);
    let revision = Revision {
        title: Some("Another".to_owned()),
        dependencies: Some(vec![3]),
        parent: Some(Some(2)),
        ..Revision::default()
    };
    let after = done(&before, edit(&standing(&before), 1, revision.clone()));
    let edited = after.find(1).unwrap();
    assert_eq!(
        (edited.title.as_str(), edited.slug.as_str()),
        ("Another", "task_number_1")
    );
    assert_eq!(after.find(2).unwrap().subtasks, [1]);
    assert_eq!(edit(&standing(&after), 1, revision), Ok(vec![]));

    let round = Revision {
        dependencies: Some(vec![1]),
        ..Revision::default()
    };
    assert_snapshot!(refused(edit(&standing(&after), 2, round)), @"these tasks would wait for each other: 2 → 1 → 3 → 2");
    let below = Revision {
        parent: Some(Some(1)),
        ..Revision::default()
    };
    assert_snapshot!(refused(edit(&standing(&after), 2, below)), @"task 2 cannot be its own parent, at any distance");
}

#[test]
fn a_task_is_complete_when_its_phases_are() {
    let before = board([task(1, "implementing")]);
    let phases = [
        phase("1", PhaseStatus::Completed),
        phase("2", PhaseStatus::NotStarted),
    ];
    let complete = |board: &Board| {
        set_status(
            &standing(board),
            1,
            &Status::Completed.into(),
            None,
            &phases,
        )
    };
    assert_snapshot!(refused(complete(&before)), @"task 1 cannot go from implementing to completed: phases of its plan are open (transitions are permissive; allowed now: not_started, researching, researched, planning, planned, revising, revised, partial, blocked, abandoned, pr_ready, on_hold, implemented, superseded)");
    let marks = [phase("2", PhaseStatus::Skipped)];
    let marked = done(&before, mark_phases(&standing(&before), 1, &phases, &marks));
    let after = done(&marked, complete(&marked));
    assert!(after.find(1).unwrap().status.is(Status::Completed));
    let insists = set_status(
        &forced(&before),
        1,
        &Status::Completed.into(),
        None,
        &phases,
    );
    assert!(matches!(
        insists.unwrap().first(),
        Some(BoardOperation::TaskChanged { forced: true, .. })
    ));
}

#[test]
fn phases_change_as_the_format_has_it() {
    let before = board([task(1, "implementing")]);
    let phases = [
        phase("1", PhaseStatus::Completed),
        phase("2", PhaseStatus::NotStarted),
    ];
    let mark = |board: &Board, marks: &[(String, PhaseStatus)]| {
        mark_phases(&standing(board), 1, &phases, marks)
    };
    let both = [
        phase("2", PhaseStatus::InProgress),
        phase("2", PhaseStatus::Completed),
    ];
    let after = done(&before, mark(&before, &both));
    let state = after.find(1).unwrap().phases["2"];
    assert_eq!(state.status, PhaseStatus::Completed);
    assert_eq!(
        (state.started, state.completed),
        (Some(at(60)), Some(at(60)))
    );
    assert_eq!(mark(&after, &both[1..]), Ok(vec![]));
    assert_snapshot!(refused(mark(&before, &both[1..])), @"phase 2 of task 1 cannot go from not_started to completed; --force does it");
    assert_snapshot!(refused(mark(&before, &[phase("7", PhaseStatus::Skipped)])), @"the plan of task 1 has no phase 7; it has 1, 2");
}

#[test]
fn a_blocked_task_goes_back_to_where_it_stood() {
    let before = board([task(1, "planned"), task(2, "blocked"), task(3, "planned")]);
    assert_snapshot!(refused(block(&standing(&before), 1, "  ")), @"task 1 cannot go from planned to blocked: a reason is needed (transitions are permissive; allowed now: not_started, researching, researched, planning, revising, revised, implementing, partial, blocked, completed, abandoned, pr_ready, on_hold, implemented, superseded)");
    let blocked = done(&before, block(&standing(&before), 1, "waits for review"));
    let again = done(
        &blocked,
        block(&standing(&blocked), 1, "waits for two reviews"),
    );
    let task = again.find(1).unwrap();
    assert_eq!(
        task.blocked_reason.as_deref(),
        Some("waits for two reviews")
    );
    let after = done(&again, unblock(&standing(&again), 1));
    assert!(after.find(1).unwrap().status.is(Status::Planned));
    assert!(
        after.find(1).unwrap().blocked_reason.is_some(),
        "kept as history"
    );
    assert_snapshot!(refused(unblock(&standing(&after), 3)), @"task 3 is planned, not blocked");

    let mut evidence = after.clone();
    for (kind, expected) in [
        ("none", Status::NotStarted),
        ("research", Status::Researched),
        ("plan", Status::Planned),
    ] {
        let artifact = Artifact {
            kind: kind.to_owned(),
            ..plan(kind)
        };
        evidence = done(&evidence, link(&standing(&evidence), 2, artifact));
        let after = done(&evidence, unblock(&standing(&evidence), 2));
        assert!(after.find(2).unwrap().status.is(expected), "{kind}");
    }
}

#[test]
fn a_task_is_replaced_by_its_subtasks() {
    let before = board([task(1, "completed"), waiting(2, "planned", &[1])]);
    let mut second = NewTask::new(id(12), 4, "Second");
    second.dependencies = vec![3];
    let subtasks = vec![NewTask::new(id(11), 3, "First"), second];
    let operations = expand(&standing(&before), 2, subtasks.clone(), 5).unwrap();
    let words: Vec<_> = operations.iter().map(BoardOperation::word).collect();
    assert_eq!(
        words,
        [
            "task_added",
            "task_added",
            "task_changed",
            "next_number_set"
        ]
    );
    let after = after(&before, &operations);
    assert!(after.find(2).unwrap().status.is(Status::Expanded));
    assert_eq!(after.find(2).unwrap().subtasks, [3, 4]);
    assert_eq!(after.find(3).unwrap().parent, Some(2));
    assert_eq!(after.find(3).unwrap().dependencies.numbers, [1]);
    assert_snapshot!(refused(expand(&standing(&before), 1, subtasks, 5)), @"task 1 cannot go from completed to expanded: the task is finished (transitions are permissive; allowed now: nothing)");
    assert_snapshot!(refused(expand(&standing(&before), 2, vec![], 5)), @"task 2 is not split: no subtasks are named");
}

#[test]
fn only_finished_tasks_are_archived_and_all_or_none() {
    let before = board([
        task(1, "completed"),
        task(2, "planned"),
        task(3, "abandoned"),
    ]);
    assert_snapshot!(refused(archive(&standing(&before), &[1, 2])), @"task 2 is planned; only finished tasks are archived");
    let after = done(&before, archive(&standing(&before), &[1, 3]));
    assert_eq!(
        after.active().map(|task| task.number).collect::<Vec<_>>(),
        [2]
    );
    assert_eq!(after.find(1).unwrap().times[&TimeKey::Archived], at(60));
    assert_snapshot!(refused(block(&standing(&after), 1, "x")), @"task 1 is archived");
}

#[test]
fn whatever_names_a_task_follows_its_number() {
    let mut child = waiting(3, "planned", &[1, 2]);
    child.parent = Some(1);
    let mut parent = task(1, "expanded");
    parent.subtasks = vec![3];
    let mut above = task(4, "expanded");
    above.subtasks = vec![1];
    let before = board([parent, task(2, "planned"), child, above]);
    let after = done(&before, renumber(&standing(&before), 1, 9));
    let child = after.find(3).unwrap();
    assert_eq!(
        (child.dependencies.numbers.as_slice(), child.parent),
        (&[9, 2][..], Some(9))
    );
    assert_eq!(after.find(4).unwrap().subtasks, [9]);
    assert_eq!(
        after.find(1).unwrap().number,
        9,
        "the old number is an alias"
    );
    assert_snapshot!(refused(renumber(&standing(&after), 9, 2)), @"the number 2 is taken by the task `Task number 2`");
}

#[test]
fn a_new_plan_begins_without_markers() {
    let before = board([task(1, "planned")]);
    let first = done(&before, set_plan(&standing(&before), 1, plan("plans/1.md")));
    let phases = [phase("1", PhaseStatus::NotStarted)];
    let marks = [phase("1", PhaseStatus::InProgress)];
    let marked = done(&first, mark_phases(&standing(&first), 1, &phases, &marks));
    let same = set_plan(&standing(&marked), 1, plan("plans/1.md"));
    assert_eq!(same, Ok(vec![]));
    let second = done(&marked, set_plan(&standing(&marked), 1, plan("plans/2.md")));
    let task = second.find(1).unwrap();
    assert_eq!(
        (task.plan.as_deref(), task.phases.len()),
        (Some("plans/2.md"), 0)
    );
    assert_eq!(task.artifacts.len(), 2);
    let unlinked = done(&second, unlink(&standing(&second), 1, "plans/2.md"));
    assert_eq!(unlinked.find(1).unwrap().plan, None);
}

#[test]
fn moving_beside_itself_is_nothing() {
    let board = board([task(1, "planned"), task(2, "planned")]);
    let beside = |number| reorder(&standing(&board), 1, Position::Before { number });
    assert_eq!(beside(1), Ok(vec![]));
    assert_eq!(beside(2).unwrap().len(), 1);
    assert_snapshot!(refused(beside(7)), @"there is no task 7");
}

#[test]
fn an_undone_change_is_as_if_it_had_not_been() {
    let before = board([task(1, "planned")]);
    let to = Status::Implementing.into();
    let first = set_status(&standing(&before), 1, &to, None, &[]).unwrap();
    let logged = Logged {
        id: operation(2),
        operation: &first[0],
    };
    let changed = after(&before, &first);
    let undone = done(&changed, undo(&standing(&changed), logged, &[]));
    let mut expected = before.find(1).unwrap().clone();
    expected.times.insert(TimeKey::LastUpdated, at(60));
    expected.operation = Some(operation(3));
    assert_eq!(undone.find(1), Some(&expected));

    let second = block(&standing(&changed), 1, "waits").unwrap();
    let newer = Logged {
        id: operation(3),
        operation: &second[0],
    };
    let blocked = after(&changed, &second);
    let refusal = refused(undo(&standing(&blocked), logged, &[newer]));
    assert!(refusal.starts_with("the status of task 1 was changed again by operation"));
    let undone = done(&blocked, undo(&forced(&blocked), logged, &[newer]));
    assert!(undone.find(1).unwrap().status.is(Status::Planned));
}

#[test]
fn an_undone_creation_leaves_a_free_number() {
    let before = board([]);
    let added = add(&standing(&before), NewTask::new(id(5), 1, "One"), 2).unwrap();
    let with = after(&before, &added);
    let logged = Logged {
        id: operation(1),
        operation: &added[0],
    };
    let undone = done(&with, undo(&standing(&with), logged, &[]));
    assert_eq!(undone.active().count(), 0);
    assert_eq!(undone.find(1), None);
    let counted = Logged {
        id: operation(2),
        operation: &added[1],
    };
    assert_snapshot!(refused(undo(&standing(&with), counted, &[])), @"an operation of the kind next_number_set cannot be undone");
}

#[test]
fn long_chains_have_an_end() {
    let tasks = (1..3000).map(|number| waiting(number, "planned", &[number + 1]));
    let board = board(tasks.chain([task(3000, "planned")]));
    assert_eq!(cycle(&board, 3000, &[3000]), Some(vec![3000, 3000]));
    assert_eq!(cycle(&board, 2999, &[2998]), Some(vec![2999, 2998, 2999]));
    assert_eq!(cycle(&board, 3000, &[1]).map(|way| way.len()), Some(3001));
}

#[test]
fn a_conflict_is_settled_for_either_side() {
    let mut before = board([task(1, "planned")]);
    let other = vec![TaskChange::Title("As the file has it".to_owned())];
    let found = BoardOperation::ConflictFound {
        task: id(1),
        path: crate::path::RepoPath::new("specs/TODO.md").unwrap(),
        kept: vec![TaskChange::Title("Task number 1".to_owned())],
        other,
        blob: None,
    };
    before.apply(2, operation(2), &found);
    let kept = done(&before, settle(&standing(&before), operation(2), false));
    assert!(kept.conflicts.is_empty());
    assert_eq!(kept.find(1), before.find(1));
    let taken = done(&before, settle(&standing(&before), operation(2), true));
    assert!(taken.conflicts.is_empty());
    assert_eq!(taken.find(1).unwrap().title, "As the file has it");
    let refusal = refused(settle(&standing(&before), operation(3), true));
    assert!(refusal.starts_with("there is no open conflict"));
}
