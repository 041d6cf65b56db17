//! Whole entries that come, go, move and get other numbers.

use super::*;

const ONE: &str = "### 1. a\n- **Status**: [PLANNED]\n";

/// An entry is put in, and taken out again.
fn adds(input: &str, task: &Task, expected: &str) {
    check(input, &[Edit::Add { task }], expected);
    let number = task.number;
    check(expected, &[Edit::Remove { number }], input);
}

#[test]
fn entries_come_and_go() {
    let two = task(2);
    let new = "### 2. a\n- **Status**: [PLANNED]\n";
    adds(
        &format!("## Tasks\n\n{ONE}"),
        &two,
        &format!("## Tasks\n\n{new}\n{ONE}"),
    );
    adds(
        &format!("## Tasks\n\nText.\n\n{ONE}\n---\n\n### 3. c\n- **Status**: [DONE]"),
        &two,
        &format!("## Tasks\n\nText.\n\n{new}\n---\n\n{ONE}\n---\n\n### 3. c\n- **Status**: [DONE]"),
    );
    let empty = "### 2. a\n- **Status**: [PLANNED]\n- **Blocking**: None\n- **Dependencies**: None";
    adds(
        "## Tasks\n\n## Notes\n",
        &two,
        &format!("## Tasks\n\n{empty}\n\n## Notes\n"),
    );
    adds("## Tasks\n", &two, &format!("## Tasks\n\n{empty}\n"));
    adds("## Tasks\n\n", &two, &format!("## Tasks\n\n{empty}\n\n"));
    adds("## Tasks", &two, &format!("## Tasks\n\n{empty}"));
}

#[test]
fn entries_come_and_go_at_the_end_of_a_section() {
    let two = task(2);
    let new = "### 2. a\n- **Status**: [PLANNED]\n";
    let empty = "### 2. a\n- **Status**: [PLANNED]\n- **Blocking**: None\n- **Dependencies**: None";
    // Without `## Tasks`, the end of the section of its priority.
    let low = format!("## Low Priority\n\n{ONE}");
    let mut three = task(3);
    three.priority = Some("low".to_owned());
    adds(
        &low,
        &three,
        &format!("{low}\n### 3. a\n- **Status**: [PLANNED]\n"),
    );
    adds(
        &format!("{low}\n---\n\n{}\n## Notes\n", ONE.replace('1', "2")),
        &three,
        &format!(
            "{low}\n---\n\n{}\n---\n\n### 3. a\n- **Status**: [PLANNED]\n\n## Notes\n",
            ONE.replace('1', "2")
        ),
    );
    adds(
        &format!("{low}\n---\n\n## Notes\n"),
        &three,
        &format!("{low}\n---\n\n### 3. a\n- **Status**: [PLANNED]\n\n---\n\n## Notes\n"),
    );
    adds(
        &format!("{low}\n---"),
        &three,
        &format!("{low}\n---\n\n### 3. a\n- **Status**: [PLANNED]\n\n---"),
    );
    // Without either, a section of its own, which stays.
    check(
        ONE,
        &[Edit::Add { task: &two }],
        &format!("{ONE}\n## Tasks\n\n{new}"),
    );
    check(
        "",
        &[Edit::Add { task: &two }],
        &format!("## Tasks\n\n{empty}\n"),
    );
}

#[test]
fn a_new_entry_is_like_the_newest() {
    let mut new = task(58);
    new.title = "Shorten it".to_owned();
    new.status = Status::NotStarted.into();
    new.priority = Some("High".to_owned());
    new.effort = Some("TBD".to_owned());
    new.language = Some("rust".to_owned());
    new.description = Some("Why\nand how.".to_owned());
    new.times.insert(TimeKey::Created, day("2026-03-02"));
    let board = String::from_utf8(new_board(58)).unwrap();
    check(
        &board,
        &[Edit::Add { task: &new }],
        "---\nnext_project_number: 58\n---\n\n# TODO\n\n## Tasks\n\n### 58. Shorten it\n- **Effort**: TBD\n- **Status**: [NOT STARTED]\n- **Priority**: High\n- **Language**: rust\n- **Blocking**: None\n- **Dependencies**: None\n\n**Description**: Why and how.\n",
    );
    let like = "### OC_5. b\r\n * **Task Type**: x | **Created**: 2026-01-01\r\n * **Status**: [DONE]\r\n * **Completed**: 2026-01-02\r\n * **Plan**: [p](plans/p.md)\r\n";
    check(
        &format!("## Tasks\r\n{like}"),
        &[Edit::Add { task: &new }],
        &format!(
            "## Tasks\r\n### OC_58. Shorten it\r\n * **Task Type**: rust\r\n * **Created**: 2026-03-02\r\n * **Status**: [NOT STARTED]\r\n\r\n**Description**: Why and how.\r\n\r\n{like}"
        ),
    );
}

#[test]
fn a_task_comes_back_with_all_it_had() {
    let mut old = task(2);
    old.status = Status::Completed.into();
    old.dependencies.numbers = vec![1];
    old.parent = Some(1);
    old.plan = Some("2_a/plans/2.md".to_owned());
    old.artifacts = vec![
        artifact("research", "2_a/reports/1.md"),
        artifact("plan", "2_a/plans/1.md"),
        artifact("plan", "2_a/plans/2.md"),
        artifact("summary", "2_a/summaries/s.md"),
    ];
    for key in [TimeKey::Started, TimeKey::Completed] {
        old.times.insert(key, day("2026-03-02"));
    }
    let board = format!("## Tasks\n\n{ONE}- **Started**: 2026-01-01\n");
    check(&board, &[Edit::Add { task: &old }], &board.replace("### 1", "### 2. a\n- **Status**: [COMPLETED]\n- **Started**: 2026-03-02\n- **Completed**: 2026-03-02\n- **Dependencies**: 1\n- **Parent**: Task 1\n- **Research**: [1.md](2_a/reports/1.md)\n- **Plan**: [2.md](2_a/plans/2.md)\n- **Summary**: [s.md](2_a/summaries/s.md)\n\n### 1"));
}

#[test]
fn entries_are_moved() {
    let entry = |number: u32| format!("### {number}. x\n- **Status**: [DONE]\n\n");
    let board = |first: &[u32], second: &[u32]| {
        let list = |numbers: &[u32]| {
            numbers
                .iter()
                .map(|number| entry(*number))
                .collect::<String>()
        };
        format!("## Tasks\n\n{}## Other\n\n{}", list(first), list(second))
    };
    let moves = |number: u32, to: &Position, first: &[u32], second: &[u32]| {
        check(
            &board(&[1, 2, 3], &[4, 5]),
            &[Edit::Move { number, to }],
            &board(first, second),
        );
    };
    moves(2, &Position::First, &[2, 1, 3], &[4, 5]);
    moves(1, &Position::First, &[1, 2, 3], &[4, 5]);
    moves(2, &Position::Last, &[1, 3, 2], &[4, 5]);
    moves(4, &Position::Last, &[1, 2, 3], &[5, 4]);
    moves(3, &Position::Before { number: 2 }, &[1, 3, 2], &[4, 5]);
    moves(1, &Position::After { number: 4 }, &[2, 3], &[4, 1, 5]);
    moves(4, &Position::After { number: 3 }, &[1, 2, 3, 4], &[5]);
    let divided = "## Tasks\n\n### 1. x\n- **Status**: [A]\n\n---\n\n### 2. y\n- **Status**: [B]\n\n---\n\n### 3. z\n- **Status**: [C]\n";
    check(
        divided,
        &[Edit::Move {
            number: 3,
            to: &Position::First,
        }],
        "## Tasks\n\n### 3. z\n- **Status**: [C]\n\n---\n\n### 1. x\n- **Status**: [A]\n\n---\n\n### 2. y\n- **Status**: [B]\n",
    );
    let lost = edit(
        b"",
        &[Edit::Move {
            number: 3,
            to: &Position::First,
        }],
    )
    .unwrap();
    assert_eq!(
        lost.left,
        [(3, "task 3 has no entry in TODO.md".to_owned())]
    );
}

#[test]
fn entries_are_renumbered() {
    let renumber = |heading: &str, expected: &str| {
        let body = "- **Status**: [X]\n- **Dependencies**: 1\n";
        let task = task(12);
        check(
            &format!("{heading}\n{body}"),
            &[Edit::Renumber {
                from: 1,
                task: &task,
            }],
            &format!("{expected}\n{body}"),
        );
    };
    renumber("### 1. 1 a", "### 12. 1 a");
    renumber("### ✅ OC_001. a", "### ✅ OC_012. a");
    renumber("### 1b. a", "### 12b. a");
    renumber("## Task 1: a", "## Task 12: a");
    // The title tells which of two is meant.
    let twice = format!("{}{ONE}", ONE.replace(" a", " b"));
    let task = task(12);
    check(
        &twice,
        &[Edit::Renumber {
            from: 1,
            task: &task,
        }],
        &format!(
            "{}{}",
            ONE.replace(" a", " b"),
            ONE.replace("1. a", "12. a")
        ),
    );
}

#[test]
fn many_edits_in_order() {
    let (one, two) = (task(1), task(2));
    let mut done = task(1);
    done.status = Status::Completed.into();
    let fields = [Field::Status];
    let edits = [
        Edit::NextNumber(3),
        Edit::Change {
            task: &done,
            fields: &fields,
        },
        Edit::Add { task: &two },
        Edit::Move {
            number: 2,
            to: &Position::Last,
        },
        Edit::Change {
            task: &one,
            fields: &fields,
        },
        Edit::Change {
            task: &done,
            fields: &fields,
        },
        Edit::Remove { number: 3 },
    ];
    let input = format!("---\nnext_project_number: 1\n---\n## Tasks\n{ONE}");
    let output = edit(input.as_bytes(), &edits).unwrap().bytes;
    let expected = "---\nnext_project_number: 3\n---\n## Tasks\n### 1. a\n- **Status**: [COMPLETED]\n\n### 2. a\n- **Status**: [PLANNED]\n";
    assert_eq!(String::from_utf8(output).unwrap(), expected);
}

#[test]
fn neighbours_are_removed_together() {
    let entries = |numbers: &[u32]| {
        numbers
            .iter()
            .map(|number| ONE.replace('1', &number.to_string()) + "\n---\n\n")
            .collect::<String>()
    };
    let edits = [5, 2, 3, 1].map(|number| Edit::Remove { number });
    check(
        &format!("## Tasks\n\n{}", entries(&[1, 2, 3, 4, 5, 6])),
        &edits,
        &format!("## Tasks\n\n{}", entries(&[4, 6])),
    );
}
