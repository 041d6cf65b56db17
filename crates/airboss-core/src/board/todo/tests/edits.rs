//! Every shape of a field that is written, a few lines each.

use super::*;

const ONE: &str = "### 1. a\n- **Status**: [PLANNED]\n";

fn status(line: &str, to: Status, expected: &str) {
    let input = format!("### 1. a\n{line}\ntext\n\n### 2. b\n{line}\n");
    let expected = format!("### 1. a\n{expected}\ntext\n\n### 2. b\n{line}\n");
    change(
        &input,
        Field::Status,
        |task| task.status = to.into(),
        &expected,
    );
}

#[test]
fn cases_14_to_17_only_the_marker_changes() {
    use Status::{Completed, Planned};
    status(
        "- **Status**: [PLANNED]",
        Completed,
        "- **Status**: [COMPLETED]",
    );
    status(" **Status**: [X]  ", Planned, " **Status**: [PLANNED]  ");
    status("*Status**: [X]", Planned, "*Status**: [PLANNED]");
    status("**Status:** [X]", Planned, "**Status:** [PLANNED]");
    status("- Status:\t[X]\r", Planned, "- Status:\t[PLANNED]\r");
    status(
        "- **Status**: [X] - waits [a](b)",
        Planned,
        "- **Status**: [PLANNED] - waits [a](b)",
    );
    status(
        "- **Status**: [X] | **Effort**: 2",
        Planned,
        "- **Status**: [PLANNED] | **Effort**: 2",
    );
    status(
        "- **Status**: [BLOCKED - waits]",
        Planned,
        "- **Status**: [PLANNED]",
    );
    status("- **Status**: DONE", Planned, "- **Status**: [PLANNED]");
    status(
        "- **Status**: Not Started (yet)",
        Planned,
        "- **Status**: [PLANNED] (yet)",
    );
    status(
        "- **Status**: ✅ COMPLETE (all)",
        Planned,
        "- **Status**: ✅ [PLANNED] (all)",
    );
    status(
        "- **Status**: WAITING for it",
        Planned,
        "- **Status**: [PLANNED] WAITING for it",
    );
    status("- **Status**:", Planned, "- **Status**: [PLANNED]");
    status(
        "- **Status**: [CREATING]",
        Planned,
        "- **Status**: [PLANNED]",
    );
    // What means the same already is left as it is spelt.
    status("- **Status**: [DONE]", Completed, "- **Status**: [DONE]");
    status("**Status**: complete", Completed, "**Status**: complete");
    status(
        "- **Status**: [NOT-STARTED]",
        Status::NotStarted,
        "- **Status**: [NOT-STARTED]",
    );
    let other = TaskStatus::Other("odd_word".to_owned());
    change(
        ONE,
        Field::Status,
        |task| task.status = other,
        "### 1. a\n- **Status**: [ODD WORD]\n",
    );
}

#[test]
fn case_24_only_the_first_status_line_counts() {
    status(
        "```\n**Status**: [X]\n```\n- **Status**: [Y]\n\n**Status**: [Z]",
        Status::Planned,
        "```\n**Status**: [X]\n```\n- **Status**: [PLANNED]\n\n**Status**: [Z]",
    );
}

#[test]
fn titles() {
    let title = |heading: &str, expected: &str| {
        let body = "- **Status**: [PLANNED]\n";
        let input = format!("{heading}\n{body}");
        let set = |task: &mut Task| task.title = "A new  one".to_owned();
        change(&input, Field::Title, set, &format!("{expected}\n{body}"));
    };
    title("### 1. a", "### 1. A new  one");
    title("### ✅ 001. a ✅ ", "### ✅ 001. A new  one ✅ ");
    title("### ~~OC_1.~~ a", "### ~~OC_1.~~ A new  one");
    title("### 1.a", "### 1. A new  one");
    title("### 1.", "### 1. A new  one");
    title("## Task 1: a", "## Task 1: A new  one");
    let lines = |task: &mut Task| task.title = " ✅ 3 lines\nof\ttext ".to_owned();
    change(
        ONE,
        Field::Title,
        lines,
        "### 1. 3 lines of\ttext\n- **Status**: [PLANNED]\n",
    );
}

#[test]
fn values_in_place_or_in_the_block() {
    let high = |task: &mut Task| task.priority = Some("High".to_owned());
    change(
        "### 1. a\n- **Language**: x | **Priority**: Low (old) | **Effort**: 1\n- **Status**: [PLANNED]\n",
        Field::Priority,
        high,
        "### 1. a\n- **Language**: x | **Priority**: High (old) | **Effort**: 1\n- **Status**: [PLANNED]\n",
    );
    change(
        &format!("{ONE}\n**Description**: x\n"),
        Field::Priority,
        high,
        &format!("{ONE}- **Priority**: High\n\n**Description**: x\n"),
    );
    change(
        ONE,
        Field::Effort,
        |task| task.effort = Some("2 | **Status**: [X]".to_owned()),
        &format!("{ONE}- **Effort**: 2 / **Status**: [X]\n"),
    );
    change(
        "### 1. a\n**Task Type**: x\n**Status**: [PLANNED]",
        Field::Language,
        |task| task.language = Some("rust".to_owned()),
        "### 1. a\n**Task Type**: rust\n**Status**: [PLANNED]",
    );
    change(
        &format!("{ONE}\n### 2. b\n- **Task Type**: x\n- **Status**: [DONE]\n"),
        Field::Language,
        |_| {},
        &format!("{ONE}\n### 2. b\n- **Task Type**: x\n- **Status**: [DONE]\n"),
    );
    change(
        &format!("{ONE}- **Effort**: 2\n"),
        Field::Effort,
        |_| {},
        ONE,
    );
    change(
        "### 1. a\r\n- **Effort**:\r\n- **Status**: [PLANNED]",
        Field::Effort,
        |task| task.effort = Some("2".to_owned()),
        "### 1. a\r\n- **Effort**: 2\r\n- **Status**: [PLANNED]",
    );
    change(
        "### 1. a\r\n- **Status**: [PLANNED]",
        Field::Effort,
        |task| task.effort = Some("2".to_owned()),
        "### 1. a\r\n- **Status**: [PLANNED]\r\n- **Effort**: 2",
    );
}

#[test]
fn fields_that_the_file_does_not_hold() {
    for field in [
        Field::Slug,
        Field::StatusBefore,
        Field::Place,
        Field::Number,
        Field::Phase("1".to_owned()),
        Field::Time(TimeKey::LastUpdated),
        Field::Time(TimeKey::Created),
        Field::Time(TimeKey::Archived),
    ] {
        let times = |task: &mut Task| {
            for key in [TimeKey::LastUpdated, TimeKey::Created, TimeKey::Archived] {
                task.times.insert(key, day("2026-03-02"));
            }
        };
        change(ONE, field, times, ONE);
    }
}

#[test]
fn dependencies_parent_and_subtasks() {
    let depends = |value: &str, numbers: &[u32], expected: &str| {
        let line = |value: &str| format!("{ONE}- **Dependencies**: {value}\n");
        change(
            &line(value),
            Field::Dependencies,
            |task| task.dependencies.numbers = numbers.to_vec(),
            &line(expected),
        );
    };
    depends("None", &[3, 4], "3, 4");
    depends("Task 3 [COMPLETED] (x)", &[3], "Task 3 [COMPLETED] (x)");
    depends("Task 3 (x)", &[3, 4], "Task 3 (x), Task 4");
    depends("Task #3, Task #4", &[4], "Task #4");
    depends("Tasks 3-5", &[], "None");
    change(ONE, Field::Dependencies, |_| {}, ONE);
    change(
        ONE,
        Field::Dependencies,
        |task| task.dependencies.numbers = vec![7],
        &format!("{ONE}- **Dependencies**: 7\n"),
    );
    change(
        ONE,
        Field::Subtasks,
        |task| task.subtasks = vec![7, 8],
        &format!("{ONE}- **Subtasks**: 7, 8\n"),
    );
    change(
        ONE,
        Field::Parent,
        |task| task.parent = Some(9),
        &format!("{ONE}- **Parent**: Task 9\n"),
    );
    change(
        &format!("{ONE}- **Parent**: OC_12 (x)\n"),
        Field::Parent,
        |task| task.parent = Some(9),
        &format!("{ONE}- **Parent**: OC_9 (x)\n"),
    );
    change(
        &format!("{ONE}- **Parent**: Task 12\n"),
        Field::Parent,
        |_| {},
        ONE,
    );
    let prose =
        |task: &mut Task| task.dependencies.prose = Some("when (at last)\nit works".to_owned());
    change(
        ONE,
        Field::Dependencies,
        prose,
        &format!("{ONE}- **Dependencies**: when (at last) it works\n"),
    );
}

#[test]
fn descriptions() {
    let set = |task: &mut Task| task.description = Some("Two\nlines | **Effort**: 3".to_owned());
    let text = "Two lines | **Effort**: 3";
    change(
        &format!("{ONE}\n**Description**: one\nand more\n\nmore\n"),
        Field::Description,
        set,
        &format!("{ONE}\n**Description**: {text}\n\nmore\n"),
    );
    change(
        ONE,
        Field::Description,
        set,
        &format!("{ONE}\n**Description**: {text}\n"),
    );
    change(
        &format!("{ONE}text\n"),
        Field::Description,
        set,
        &format!("{ONE}\n**Description**: {text}\n\ntext\n"),
    );
    change(
        &format!("{ONE}\n**Description**:\n- x\n"),
        Field::Description,
        set,
        &format!("{ONE}\n**Description**: {text}\n- x\n"),
    );
}

#[test]
fn fields_that_share_lines_change_nothing_behind_their_entry() {
    let (mut first, mut second) = (task(1), task(2));
    first.description = Some("longer than it was".to_owned());
    first.effort = Some("3 hours".to_owned());
    second.status = Status::Planned.into();
    let edits = [
        Edit::Change {
            task: &first,
            fields: &[Field::Description, Field::Effort],
        },
        Edit::Change {
            task: &second,
            fields: &[Field::Status],
        },
    ];
    let research = "- **Research**: [r.md](1_a/reports/r.md)";
    let input = format!(
        "### 1. a\n- **Status**: [PLANNED] | **Description**: short\n  words\n{research}\n\n### 2. b\n- **Status**: [X]\n"
    );
    let expected = format!(
        "### 1. a\n- **Status**: [PLANNED] | **Description**: longer than it was\n{research}\n- **Effort**: 3 hours\n\n### 2. b\n- **Status**: [PLANNED]\n"
    );
    check(&input, &edits, &expected);
    let edited = edit(input.as_bytes(), &edits).unwrap();
    let whole = TodoFile::parse(&edited.bytes);
    assert_eq!(edited.touched.map(|it| it.facts), Some(whole.entries));
}

#[test]
fn a_value_in_the_last_line_is_put_in_before_that_line_ends() {
    let mut task = task(1);
    task.priority = Some("high".to_owned());
    task.dependencies.numbers = vec![3];
    check(
        "### 1. a\n- **Status**: [X]\n- **Dependencies**:",
        &[Edit::Change {
            task: &task,
            fields: &[Field::Priority, Field::Dependencies],
        }],
        "### 1. a\n- **Status**: [X]\n- **Dependencies**: 3\n- **Priority**: high",
    );
}

#[test]
fn text_below_lines_that_go_stays_apart_from_the_description() {
    let mut task = task(1);
    task.description = Some("two".to_owned());
    for between in [
        "- **Research**: [r.md](1_a/reports/r.md)\n",
        "- **Blocking Reason**: it rains\n",
        "- **Blocking Reason**: it rains\n- **Research**: [r.md](1_a/reports/r.md)\n",
    ] {
        check(
            &format!("{ONE}\n**Description**: one\n{between}A note.\n"),
            &[Edit::Change {
                task: &task,
                fields: &[
                    Field::Description,
                    Field::BlockedReason,
                    Field::Artifact("1_a/reports/r.md".to_owned()),
                ],
            }],
            &format!("{ONE}\n**Description**: two\n\nA note.\n"),
        );
    }
}

#[test]
fn date_lines() {
    let times = [TimeKey::Completed, TimeKey::Started, TimeKey::Researched];
    let fields = times.map(Field::Time);
    let mut done = task(1);
    for key in times {
        done.times.insert(key, day("2026-03-02"));
    }
    let edits = [Edit::Change {
        task: &done,
        fields: &fields,
    }];
    // A board without dates of work gets none.
    check(ONE, &edits, &format!("{ONE}- **Completed**: 2026-03-02\n"));
    check(
        &format!("{ONE}- **Effort**: 1\n- **Started**: 2026-01-01 (again)\n"),
        &edits,
        &format!(
            "{ONE}- **Researched**: 2026-03-02\n- **Completed**: 2026-03-02\n- **Effort**: 1\n- **Started**: 2026-03-02 (again)\n"
        ),
    );
    check(
        "### 1. a\r\n **Status**: [X]  \r\n **Started**: 2026-03-02T08:00:00Z",
        &edits,
        "### 1. a\r\n **Status**: [X]  \r\n **Started**: 2026-03-02T12:00:00Z\r\n **Researched**: 2026-03-02  \r\n **Completed**: 2026-03-02  ",
    );
    change(
        &format!("{ONE}- **Completed**: 2026-01-01\n"),
        Field::Time(TimeKey::Completed),
        |_| {},
        ONE,
    );
    let set = |task: &mut Task| {
        task.times.insert(TimeKey::Completed, day("2026-03-02"));
    };
    change(
        &format!("{ONE}- **Completed**: Phase 1\n"),
        Field::Time(TimeKey::Completed),
        set,
        &format!("{ONE}- **Completed**: 2026-03-02 Phase 1\n"),
    );
}

#[test]
fn reasons() {
    let fields = [
        Field::Status,
        Field::BlockedReason,
        Field::Time(TimeKey::Blocked),
    ];
    let mut blocked = task(1);
    blocked.status = Status::Blocked.into();
    blocked.blocked_reason = Some("waits".to_owned());
    blocked.times.insert(TimeKey::Blocked, day("2026-03-02"));
    let edits = [Edit::Change {
        task: &blocked,
        fields: &fields,
    }];
    let lines = "- **Blocked**: 2026-03-02\n- **Blocking Reason**: waits\n";
    check(
        ONE,
        &edits,
        &format!("### 1. a\n- **Status**: [BLOCKED]\n{lines}"),
    );
    check(
        "### 1. a\n- **Status**: [BLOCKED]\n- **Blocked**: 2026-01-02\n- **Blocking Reason**: old\n",
        &edits,
        &format!("### 1. a\n- **Status**: [BLOCKED]\n{lines}"),
    );
    let abandoned = |task: &mut Task| task.abandoned_reason = Some("no use".to_owned());
    change(
        ONE,
        Field::AbandonedReason,
        abandoned,
        &format!("{ONE}- **Abandonment Reason**: no use\n"),
    );
    change(
        &format!("{ONE}{lines}"),
        Field::BlockedReason,
        |_| {},
        &format!("{ONE}- **Blocked**: 2026-03-02\n"),
    );
}

/// Links one more artifact.
fn link(lines: &str, kind: &str, path: &str, expected: &str) {
    let input = format!("{ONE}{lines}\n\ntext\n");
    let expected = format!("{ONE}{expected}\n\ntext\n");
    change(
        &input,
        Field::Artifact(path.to_owned()),
        |task| task.artifacts = vec![artifact(kind, path)],
        &expected,
    );
}

#[test]
fn case_18_no_link_twice() {
    let path = "specs/1_a/reports/r.md";
    for line in [
        "- **Research**: [r.md](specs/1_a/reports/r.md)",
        "- **Research**: [the report](1_a/reports/r.md) (v2)",
        "- **Research**: [.claude/specs/001_a/reports/r.md]",
        "- **Research**: `reports/r.md`",
        "- **Research**: [x.md](1_a/reports/x.md) through [r.md](1_a/reports/r.md)",
        "- **Research**:\n  - [r.md](1_a/reports/r.md) - note",
        "**Research Artifacts**:\n  - Research Report: [specs/OC_1_a/reports/r.md]",
        "- **Artifacts**: [r.md](1_a/reports/r.md)",
        "- **Status**: [X] | [r.md](1_a/reports/r.md)",
    ] {
        link(line, "research", path, line);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn links_in_every_shape() {
    let (r, s, p) = ("1_a/reports/r.md", "1_a/summaries/s.md", "1_a/plans/2.md");
    link(
        "- **Effort**: 1",
        "research",
        r,
        "- **Effort**: 1\n- **Research**: [r.md](1_a/reports/r.md)",
    );
    link(
        "- **Effort**: 1",
        "summary",
        s,
        "- **Effort**: 1\n- **Summary**: [s.md](1_a/summaries/s.md)",
    );
    link(
        "- **Effort**: 1",
        "debug",
        "1_a/debug/d (1).md",
        "- **Effort**: 1\n- **Artifacts**: [d (1).md](<1_a/debug/d (1).md>)",
    );
    link(
        "- **Research**:",
        "research",
        r,
        "- **Research**: [r.md](1_a/reports/r.md)",
    );
    link(
        "- **Research**: [o](o.md)",
        "research",
        r,
        "- **Research**:\n  - [o](o.md)\n  - [r.md](1_a/reports/r.md)",
    );
    link(
        "- **Research**: [o](o.md) (v2)",
        "research",
        r,
        "- **Research**: [o](o.md) (v2), [r.md](1_a/reports/r.md)",
    );
    link(
        "- **Research**: [o](o.md) | [q](q.md)",
        "research",
        r,
        "- **Research**: [o](o.md) | [q](q.md) | [r.md](1_a/reports/r.md)",
    );
    link(
        "- **Research**:\n  - [o](o.md) - x\n- **Effort**: 1",
        "research",
        r,
        "- **Research**:\n  - [o](o.md) - x\n  - [r.md](1_a/reports/r.md)\n- **Effort**: 1",
    );
    link(
        "**Research Artifacts**:\n* Research Report: [x/o.md]",
        "research",
        r,
        "**Research Artifacts**:\n* Research Report: [x/o.md]\n* Research Report: [1_a/reports/r.md]",
    );
    link(
        "- **Plan**: [x/1.md] | **Effort**: 1",
        "plan",
        p,
        "- **Plan**: [1_a/plans/2.md] | **Effort**: 1",
    );
    link(
        "- **Plan**: [v1](1_a/plans/1.md) (was [0](1_a/plans/0.md))",
        "plan",
        p,
        "- **Plan**: [2.md](1_a/plans/2.md) (was [0](1_a/plans/0.md))",
    );
    link(
        "- **Plan**: [v0](plans/0.md) | [v1](plans/1.md)",
        "plan",
        p,
        "- **Plan**: [v0](plans/0.md) | [v1](plans/1.md) | [2.md](1_a/plans/2.md)",
    );
    link(
        "- **Plan Artifacts**:\n  - Implementation Plan v1 (current): [1_a/plans/1.md]",
        "plan",
        p,
        "- **Plan Artifacts**:\n  - Implementation Plan v1 (current): [1_a/plans/1.md]\n  - [1_a/plans/2.md]",
    );
    link(
        "- **Summary**: It went well",
        "summary",
        s,
        "- **Summary**: It went well\n- **Summary**: [s.md](1_a/summaries/s.md)",
    );
}

#[test]
fn new_links_are_like_those_of_the_board() {
    let other = |lines: &str| format!("{ONE}\n### 2. b\n- **Status**: [DONE]\n{lines}\n");
    let set = |task: &mut Task| task.artifacts = vec![artifact("research", "1_a/reports/r.md")];
    let field = || Field::Artifact("1_a/reports/r.md".to_owned());
    let expected =
        |mine: &str, lines: &str| other(lines).replacen("\n\n", &format!("\n{mine}\n\n"), 1);
    let lines = "- **Plan**: [2_b/plans/1.md]";
    change(
        &other(lines),
        field(),
        set,
        &expected("- **Research**: [1_a/reports/r.md]", lines),
    );
    let lines = "- **Plan Artifacts**:\n  - Implementation Plan: [2_b/plans/1.md]";
    change(
        &other(lines),
        field(),
        set,
        &expected(
            "- **Research Artifacts**:\n  - Research Report: [1_a/reports/r.md]",
            lines,
        ),
    );
}

#[test]
fn links_are_taken_out() {
    let path = "1_a/reports/r.md";
    let gone = |lines: &str, expected: &str| {
        let input = format!("{ONE}{lines}text\n");
        change(
            &input,
            Field::Artifact(path.to_owned()),
            |_| {},
            &format!("{ONE}{expected}text\n"),
        );
    };
    gone("- **Research**: [r](1_a/reports/r.md)\n", "");
    gone("- **Research**:\n  - [r](1_a/reports/r.md)\n", "");
    gone(
        "- **Research**:\n  - [r](1_a/reports/r.md)\n  - [o](o.md)\n",
        "- **Research**:\n  - [o](o.md)\n",
    );
    gone(
        "- **Research**: [r](1_a/reports/r.md), [o](o.md)\n",
        "- **Research**: [o](o.md)\n",
    );
    gone(
        "- **Research**: [o](o.md) | [r](1_a/reports/r.md)\n",
        "- **Research**: [o](o.md)\n",
    );
    gone("", "");
    let input = format!("{ONE}- **Plan**: [p](1_a/plans/1.md)\n");
    change(&input, Field::Plan, |_| {}, ONE);
    change(
        ONE,
        Field::Plan,
        |task| task.plan = Some("plans/1.md".to_owned()),
        &format!("{ONE}- **Plan**: [1.md](plans/1.md)\n"),
    );
}

#[test]
fn front_matter_values() {
    let at = Timestamp::parse("2026-03-02T09:15:00.5Z").unwrap();
    let both = [Edit::NextNumber(60), Edit::LastUpdated(at)];
    check(
        "---\nlast_updated: \"2026-01-01T00:00:00Z\" # x\nnext_project_number: 58\n---\n",
        &both,
        "---\nlast_updated: \"2026-03-02T09:15:00Z\" # x\nnext_project_number: 60\n---\n",
    );
    check(
        "---\nlast_updated: 2026-01-01\n  next_project_number: '7'\n---\n",
        &both,
        "---\nlast_updated: 2026-03-02\n  next_project_number: '60'\n---\n",
    );
    check(
        "---\nlast_updated: soon\nnext_project_number: P26\n---\n",
        &both,
        "---\nlast_updated: soon\nnext_project_number: P26\n---\n",
    );
    check(
        "next_project_number: 5\n",
        &both,
        "next_project_number: 5\n",
    );
}

#[test]
fn what_cannot_be_done_is_told() {
    let task = task(1);
    let fields = [Field::Status, Field::Plan];
    let change = [Edit::Change {
        task: &task,
        fields: &fields,
    }];
    let left = |input: &str| edit(input.as_bytes(), &change).unwrap().left;
    assert_eq!(left(""), [(1, "task 1 has no entry in TODO.md".to_owned())]);
    assert_eq!(
        left("## Task 1: a\n"),
        [(1, "task 1 has no status line".to_owned())]
    );
    let twice = format!("{ONE}{ONE}").into_bytes();
    let lines = vec![1, 3];
    assert_eq!(
        edit(&twice, &change),
        Err(EditError::Duplicate {
            number: 1,
            lines: lines.clone()
        })
    );
    assert_eq!(
        edit(&twice, &[Edit::Remove { number: 1 }]),
        Err(EditError::Duplicate { number: 1, lines })
    );
    assert_eq!(
        edit(&twice, &[Edit::Remove { number: 2 }]).unwrap().bytes,
        twice
    );
    let merge = format!("{ONE}<<<<<<< x\n").into_bytes();
    assert!(matches!(
        edit(&merge, &[Edit::NextNumber(1)]),
        Err(EditError::Damaged { line: 3, .. })
    ));
}

#[test]
fn case_23_bytes_that_are_no_text_are_kept() {
    let task = task(1);
    let fields = [
        Field::Effort,
        Field::Status,
        Field::Time(TimeKey::Completed),
    ];
    let input = b"### 1. \xff\xfe\n- **Status**: [X\xff] \xc3\n- **Effort**: 2\n\xf0\x9f\n";
    let output = edit(
        input,
        &[Edit::Change {
            task: &task,
            fields: &fields,
        }],
    )
    .unwrap()
    .bytes;
    assert_eq!(
        output,
        b"### 1. \xff\xfe\n- **Status**: [PLANNED] \xc3\n\xf0\x9f\n"
    );
}

#[test]
fn a_value_closes_no_comment_that_was_left_open() {
    let input = "<!-- a note\n\n### 1. a\n- **Status**: [PLANNED]\n- **Effort**: 1\n\n\
                 ### 2. b\n- **Status**: [PLANNED]\n";
    let expected = input.replace("**Effort**: 1", "**Effort**: x --&gt; y");
    change(
        input,
        Field::Effort,
        |task| task.effort = Some("x --> y".to_owned()),
        &expected,
    );
    let closed = input.replace("a note", "a note -->");
    let expected = closed.replace("**Effort**: 1", "**Effort**: x --> y");
    change(
        &closed,
        Field::Effort,
        |task| task.effort = Some("x --> y".to_owned()),
        &expected,
    );
}

#[test]
fn what_would_hide_another_entry_is_refused() {
    let input = "### 1. a\n- **Status**: [PLANNED]\nx --> y\n\n\
                 ### 2. b\n- **Status**: [PLANNED]\n<!-- a note\n\n\
                 ### 3. c\n- **Status**: [PLANNED]\n";
    let last = Edit::Move {
        number: 1,
        to: &Position::Last,
    };
    let refused = edit(input.as_bytes(), &[last]).unwrap_err();
    insta::assert_snapshot!(refused, @"line 7: the comment or fence that begins here is never closed, and with this change it would hide other tasks; close it");
}
