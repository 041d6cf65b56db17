//! What is a disagreement and what is none.

mod corpus;

use insta::assert_snapshot;

use super::*;
use crate::board::testing::facts;

fn shown(todo: &[TaskFacts], state: &[TaskFacts], archive: &[TaskFacts]) -> String {
    let lines = between(todo, Some(58), state, Some(58), archive);
    let lines: Vec<_> = lines.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn listed(number: u32, status: &str, list: List) -> TaskFacts {
    TaskFacts {
        list,
        ..facts(number, status)
    }
}

#[test]
fn spellings_are_no_disagreement() {
    let todo = [
        facts(1, "NOT STARTED"),
        facts(2, "DONE"),
        facts(3, "creating"),
        facts(4, ""),
    ];
    let state = [
        facts(1, "not_started"),
        facts(2, "completed"),
        facts(3, "Creating"),
        facts(4, ""),
    ];
    assert_eq!(shown(&todo, &state, &[]), "");
}

#[test]
fn each_kind() {
    let todo = [
        facts(1, "PLANNED"),
        facts(2, "PLANNED"),
        facts(3, ""),
        facts(4, "COMPLETED"),
        facts(5, "COMPLETED"),
        facts(6, "PLANNED"),
        facts(7, "PLANNED"),
    ];
    let state = [
        facts(2, "implementing"),
        facts(3, "planned"),
        listed(4, "", List::Completed),
        listed(6, "planned", List::Completed),
        facts(6, "partial"),
        facts(8, "planned"),
        listed(9, "planned", List::Pending),
    ];
    let archive = [
        listed(5, "completed", List::Archive),
        listed(7, "abandoned", List::Archive),
    ];
    assert_snapshot!(shown(&todo, &state, &archive), @r#"
    task 1 is only in TODO.md: `PLANNED` (line 10)
    task 2: TODO.md says `PLANNED` (line 20), state.json `implementing` (line 20)
    task 3: TODO.md says no status (line 30), state.json `planned` (line 30)
    task 6: TODO.md says `PLANNED` (line 60), state.json `partial` (line 60)
    task 7: TODO.md says `PLANNED` (line 70), state.json `abandoned` (line 70)
    task 8 is only in state.json: `planned` (line 80)
    "#);
}

#[test]
fn next_numbers_differ_only_when_both_are_there() {
    let differ = |todo, state| between(&[], todo, &[], state, &[]).len();
    assert_eq!(differ(Some(1), Some(2)), 1);
    assert_eq!(differ(Some(1), Some(1)), 0);
    assert_eq!(differ(None, Some(1)), 0);
}

#[test]
fn duplicates_are_told_apart_from_disagreements() {
    let mut second = facts(1, "partial");
    second.line = 99;
    let todo = [facts(1, "PLANNED"), second.clone()];
    let state = [facts(1, "planned"), listed(1, "planned", List::Completed)];
    assert_snapshot!(shown(&todo, &state, &[]), @"task 1: TODO.md says `partial` (line 99), state.json `planned` (line 10)");
    assert_eq!(
        duplicates(&todo, &state),
        [Duplicate {
            side: Side::Todo,
            number: 1,
            lines: vec![10, 99]
        }]
    );
}
