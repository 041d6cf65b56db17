//! Which status counts, what is added where, and ids that agree.

use insta::assert_snapshot;

use super::*;
use crate::board::operation::Board;
use crate::board::testing::{after, at, facts, id};
use crate::path::RepoPath;

/// Adopts these files.
fn adopted(
    todo: &[TaskFacts],
    state: &[TaskFacts],
    archive: &[TaskFacts],
    evidence: &BTreeMap<u32, Evidence>,
    prefer: Option<Side>,
) -> (Board, Reconciled) {
    let chosen = Chosen::new();
    adopted_by(todo, state, archive, evidence, prefer, &chosen)
}

/// Adopts these files, with choices of a person.
fn adopted_by(
    todo: &[TaskFacts],
    state: &[TaskFacts],
    archive: &[TaskFacts],
    evidence: &BTreeMap<u32, Evidence>,
    prefer: Option<Side>,
    chosen: &Chosen,
) -> (Board, Reconciled) {
    let board = BoardKey::new(RepoPath::new("specs").unwrap());
    let result = adopt(&Found {
        board: &board,
        todo,
        todo_next: Some(60),
        state,
        state_next: Some(58),
        archive,
        evidence,
        prefer,
        chosen,
        now: at(0),
    });
    (after(&Board::default(), &result.operations), result)
}

fn rules(result: &Reconciled) -> String {
    let lines = result
        .settled
        .iter()
        .map(|(found, rule)| format!("{found} => {rule}"));
    lines.collect::<Vec<_>>().join("\n")
}

fn artifact(kind: &str) -> Artifact {
    Artifact {
        path: format!("{kind}-001.md"),
        kind: kind.to_owned(),
        summary: None,
    }
}

/// The status that counts when TODO.md and state.json say these.
fn counts(todo: &str, state: &str, evidence: Evidence, prefer: Option<Side>) -> String {
    let evidence = [(1, evidence)].into();
    let (board, result) = adopted(
        &[facts(1, todo)],
        &[facts(1, state)],
        &[],
        &evidence,
        prefer,
    );
    let status = &board.find(1).unwrap().status;
    format!("{status}: {}", result.settled[0].1)
}

#[test]
fn the_later_status_counts_when_its_proof_is_there() {
    let shows = |kinds: &[&str]| Evidence {
        artifacts: kinds.iter().map(|kind| artifact(kind)).collect(),
        ..Evidence::default()
    };
    let phases = |statuses: &[PhaseStatus]| Evidence {
        phases: statuses
            .iter()
            .map(|status| ("1".to_owned(), *status))
            .collect(),
        ..shows(&["summary"])
    };
    let done = phases(&[PhaseStatus::Completed, PhaseStatus::Skipped]);
    let open = phases(&[PhaseStatus::Completed, PhaseStatus::InProgress]);
    let none = Evidence::default();
    let lines = [
        counts("planned", "not_started", shows(&["plan"]), None),
        counts("planned", "researched", none.clone(), None),
        counts("planned", "researched", none.clone(), Some(Side::Todo)),
        counts("researched", "planned", shows(&["plan"]), Some(Side::Todo)),
        counts("completed", "implementing", done, None),
        counts("completed", "implementing", open.clone(), None),
        counts("implementing", "planned", open, None),
        counts("completed", "planned", shows(&["summary"]), None),
        counts("revised", "planned", shows(&["plan"]), None),
        counts("blocked", "completed", shows(&["summary"]), None),
        counts("", "completed", none.clone(), Some(Side::Todo)),
        counts("planned", "", none, None),
    ];
    assert_snapshot!(lines.join("\n"), @r#"
    planned: TODO.md had the later status, and plan-001.md is there
    researched: state.json counts where nothing else decides
    planned: TODO.md was preferred
    planned: state.json had the later status, and plan-001.md is there
    completed: TODO.md had the later status, and every phase of its plan is settled
    implementing: state.json counts where nothing else decides
    implementing: TODO.md had the later status, and phases of its plan were begun
    completed: TODO.md had the later status, and summary-001.md is there
    planned: state.json counts where nothing else decides
    completed: state.json counts where nothing else decides
    completed: only state.json had a status
    planned: only TODO.md had a status
    "#);
}

#[test]
fn the_history_of_git_comes_before_a_preference() {
    let evidence = Evidence {
        newest: Some(Side::Todo),
        ..Evidence::default()
    };
    assert_snapshot!(counts("blocked", "planned", evidence, Some(Side::State)), @"blocked: the status in TODO.md was changed last");
}

#[test]
fn what_one_file_lacks_is_added_unless_it_is_finished() {
    let listed = |number, list| TaskFacts {
        list,
        slug: Some(format!("slug_{number}")),
        ..facts(number, "completed")
    };
    let todo = [facts(1, "planned"), facts(4, "completed")];
    let state = [
        facts(2, "researched"),
        listed(3, List::Completed),
        listed(4, List::Completed),
    ];
    let archive = [listed(2, List::Archive), listed(5, List::Archive)];
    let (board, result) = adopted(&todo, &state, &archive, &BTreeMap::new(), None);
    assert_snapshot!(rules(&result), @r#"
    task 1 is only in TODO.md: `planned` (line 10) => only TODO.md had it
    task 2 is only in state.json: `researched` (line 20) => only state.json had it
    the next number is 60 in TODO.md and 58 in state.json => numbers are given out by state.json
    "#);
    let active: Vec<_> = board.active().map(|task| task.number).collect();
    assert_eq!(active, [1, 2, 4]);
    assert_eq!(board.tasks.len(), 6, "task 2 of the archive is another one");
    assert_eq!(board.find(5).unwrap().place, Place::Archived);
    assert_eq!(board.next_number, Some(58));
    assert_eq!(result.left, [], "nothing is left to a person");
    let bases = |side| result.bases.iter().filter(|base| base.0 == side).count();
    assert_eq!((bases(Side::Todo), bases(Side::State)), (2, 5));
}

#[test]
fn undoing_a_rule_brings_the_other_status_back() {
    let (board, result) = adopted(
        &[facts(1, "planned")],
        &[facts(1, "researched")],
        &[],
        &BTreeMap::new(),
        None,
    );
    assert!(board.find(1).unwrap().status.is(Status::Researched));
    let undo = result
        .operations
        .iter()
        .find_map(|operation| match operation {
            BoardOperation::TaskChanged { undo, .. } => Some(undo),
            _ => None,
        });
    let undo = undo.unwrap();
    assert_eq!(undo[0], TaskChange::Status(Status::Planned.into()));
}

#[test]
fn two_clones_agree_on_ids_and_state_json_has_the_last_word() {
    let given = TaskFacts {
        id: Some(id(7)),
        ..facts(2, "planned")
    };
    let todo = [
        facts(1, "planned"),
        facts(2, "planned"),
        facts(2, "planned"),
    ];
    let state = [facts(1, "planned"), given];
    let (one, result) = adopted(&todo, &state, &[], &BTreeMap::new(), None);
    let (two, _) = adopted(&todo, &state, &[], &BTreeMap::new(), Some(Side::Todo));
    assert_eq!(
        one.tasks.keys().collect::<Vec<_>>(),
        two.tasks.keys().collect::<Vec<_>>()
    );
    assert_eq!(one.find(2).unwrap().id, id(7));
    assert_eq!(result.duplicates.len(), 1);
}

#[test]
fn what_the_files_say_is_taken_together() {
    let todo = TaskFacts {
        title: Some("Shorten the banner".to_owned()),
        dependencies: Some(Dependencies {
            numbers: vec![4, 5],
            prose: None,
        }),
        artifacts: vec![artifact("research"), artifact("plan")],
        times: [(TimeKey::Started, at(0)), (TimeKey::Researched, at(0))].into(),
        priority: Some("High".to_owned()),
        ..facts(1, "planned")
    };
    let state = TaskFacts {
        slug: Some("shorten".to_owned()),
        dependencies: Some(Dependencies {
            numbers: vec![5],
            prose: None,
        }),
        artifacts: vec![artifact("plan")],
        times: [(TimeKey::Started, at(7))].into(),
        priority: Some("high".to_owned()),
        ..facts(1, "planned")
    };
    let task = join(1, Some(&todo), Some(&state));
    assert_eq!(
        (task.title.as_str(), task.slug.as_str()),
        ("Shorten the banner", "shorten")
    );
    assert_eq!(task.dependencies.numbers, [5, 4]);
    assert_eq!(task.artifacts, [artifact("plan"), artifact("research")]);
    assert_eq!(
        task.times,
        [(TimeKey::Started, at(7)), (TimeKey::Researched, at(0))].into()
    );
    assert_eq!(task.priority.as_deref(), Some("high"));
}

#[test]
fn what_a_person_chose_counts_and_can_be_undone() {
    let check = |side: Side| {
        let chosen = [None, Some(1), Some(2), Some(3)]
            .map(|key| (key, side))
            .into();
        let (board, result) = adopted_by(
            &[facts(1, "PLANNED"), facts(2, "RESEARCHED")],
            &[facts(1, "completed"), facts(3, "planned")],
            &[],
            &BTreeMap::new(),
            None,
            &chosen,
        );
        let place = |number| {
            board
                .tasks
                .values()
                .find(|task| task.number == number)
                .unwrap()
                .place
        };
        let places = [1, 2, 3].map(place);
        let status = &board.find(1).unwrap().status;
        format!(
            "{status} {places:?} {:?}\n{}",
            board.next_number,
            rules(&result)
        )
    };
    assert_snapshot!(check(Side::Todo), @r"
    planned [Active, Active, Removed] Some(60)
    task 1: TODO.md says `PLANNED` (line 10), state.json `completed` (line 10) => TODO.md was chosen
    task 2 is only in TODO.md: `RESEARCHED` (line 20) => TODO.md was chosen
    task 3 is only in state.json: `planned` (line 30) => TODO.md was chosen, which does not have it
    the next number is 60 in TODO.md and 58 in state.json => TODO.md was chosen
    ");
    assert_snapshot!(check(Side::State), @r"
    completed [Active, Removed, Active] Some(58)
    task 1: TODO.md says `PLANNED` (line 10), state.json `completed` (line 10) => state.json was chosen
    task 2 is only in TODO.md: `RESEARCHED` (line 20) => state.json was chosen, which does not have it
    task 3 is only in state.json: `planned` (line 30) => state.json was chosen
    the next number is 60 in TODO.md and 58 in state.json => state.json was chosen
    ");
}
