//! Laws that hold for every board.

use proptest::prelude::*;

use super::*;
use crate::board::link;
use crate::board::todo::facts::{first_words, one_line};
use crate::board::todo::headings::plain_title;

/// Lines that boards are made of, so that random boards reach every branch.
fn line() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(vec![
        "",
        "",
        "---",
        "```",
        "```sh",
        "<!-- x",
        "<!-- x -->",
        "-->",
        "text <!-- x",
        "text --> text",
        "# TODO",
        "## Tasks",
        "## High Priority",
        "## Task Order",
        "## A topic",
        "### A theme",
        "#### Notes",
        "next_project_number: 7",
        "  next_project_number: 7",
        "last_updated: 2026-01-01",
        "task_counts:",
        "P26-01-16T00:00:00Z",
        "plain text",
        "- **Research**:",
        "- **Research**: [1.md](1_a/reports/1.md)",
        "- **Research**: [1.md](1_a/reports/1.md), [2.md](reports/2.md)",
        "**Research Artifacts**:",
        "  - Research Report: [specs/1_a/reports/1.md]",
        "  - [1.md](1_a/reports/1.md) - note",
        "- **Plan**: [1.md](plans/1.md) (v1) — was [0.md](plans/0.md)",
        "- **Plan**: [v0](plans/0.md) | [v1](plans/1.md)",
        "- **Plan**: [specs/1_a/plans/1.md]",
        "- **Plan**: `plans/1.md`",
        "- **Summary**: [s.md](<1_a/summaries/s (1).md>)",
        "- **Summary**: in words",
        "- **Artifacts**: [d.md](1_a/debug/d.md)",
        "- **Completed**: 2026-01-01 (x)",
        "- **Effort**: 1 hour | **Description**: one",
        "  more of it",
        "- **Started**: 2026-01-01T08:00:00Z",
        "- **Started**:",
        " **Blocked**: soon",
        "- **Blocking Reason**: x",
        "- **Effort**: 1 | **Priority**: Low (x) | **Language**: y",
        "**Task Type:** z",
        "- **Dependencies**: Task 3 (x), 4",
        "- **Dependencies**:",
        "- **Parent**: OC_004",
        "- **Subtasks**: 5, 6",
        "**Description**: one",
        "  - **Description**:",
        "- nested\titem",
    ]);
    let heading = (
        "### |### ✅ |## Task |### OC_|### ~~",
        0_u32..7,
        "\\. |\\.|\\. ✅ |b\\. |\\.~~ |: ",
        "[a-z ]{0,6}( ✅)?",
    )
        .prop_map(|(start, number, dot, title)| format!("{start}{number}{dot}{title}"));
    let status = (
        " {0,3}(- |\\* )?",
        "\\*\\*Status\\*\\*: |\\*Status\\*\\*:|\\*\\*Status:\\*\\* |Status: ",
        "\\[PLANNED\\]|\\[BLOCKED - x\\]|\\[ODD\\]|DONE|✅ COMPLETE|Not Started|waits|",
        "| - x| \\(1 of 2\\)| \\| \\*\\*Effort\\*\\*: 3|  ",
    )
        .prop_map(|(lead, label, value, tail)| format!("{lead}{label}{value}{tail}"));
    prop_oneof![4 => heading, 4 => status, 8 => fixed.prop_map(str::to_owned), 1 => "\\PC{0,30}"]
}

fn board() -> impl Strategy<Value = Vec<u8>> {
    let lines = prop::collection::vec((line(), prop::bool::weighted(0.1)), 0..40);
    (lines, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(lines, front, odd, open)| {
        let mut text = String::new();
        if front {
            text.push_str("---\nnext_project_number: 7\nlast_updated: 2026-01-01\n---\n");
        }
        for (line, crlf) in lines {
            text.push_str(&line);
            text.push_str(if crlf { "\r\n" } else { "\n" });
        }
        if open {
            text.pop();
            text.truncate(text.trim_end_matches('\r').len());
        }
        let mut bytes = text.into_bytes();
        if odd && let Some(middle) = bytes.len().checked_div(2) {
            bytes.insert(middle, 0xff);
        }
        bytes
    })
}

fn words() -> impl Strategy<Value = Option<String>> {
    prop::option::of(prop_oneof![
        "[a-z|*:~`#<>\\[\\]()\n -]{0,16}",
        "\\PC{0,12}",
        Just("x | **Status**: [X]".to_owned()),
        Just("a --> b".to_owned()),
        Just("-->".to_owned()),
        Just("<!-- c".to_owned()),
        Just("* \n- **Plan**: [x](y.md)".to_owned()),
    ])
}

fn some_task() -> impl Strategy<Value = Task> {
    let status = prop::sample::select(Status::ALL.to_vec());
    let texts = prop::array::uniform7(words());
    let numbers = prop::collection::vec(1_u32..9, 0..3);
    let links = prop::sample::subsequence(
        vec![
            ("research", "specs/1_a/reports/1.md"),
            ("research", "1_a/reports/new (1).md"),
            ("plan", "1_a/plans/1.md"),
            ("plan", "1_a/plans/2.md"),
            ("summary", "1_a/summaries/s.md"),
            ("debug", "1_a/debug/001_x.md"),
        ],
        0..=6,
    );
    let keys = prop::sample::subsequence(super::super::facts::DATE_LINES.to_vec(), 0..=7);
    let number = 0_u32..7;
    (number, status, texts, numbers, links, keys).prop_map(
        |(number, status, texts, numbers, links, keys)| {
            let [
                title,
                priority,
                effort,
                language,
                description,
                blocked,
                prose,
            ] = texts;
            let mut some = task(number);
            some.status = status.into();
            some.title = title.unwrap_or_default();
            some.priority = priority;
            some.effort = effort;
            some.language = language;
            some.description = description;
            some.blocked_reason = blocked.clone();
            some.abandoned_reason = blocked;
            some.dependencies.numbers.clone_from(&numbers);
            some.dependencies.prose = prose;
            some.parent = numbers.first().copied();
            some.subtasks = numbers;
            let plan = links.iter().rfind(|(kind, _)| *kind == "plan");
            some.plan = plan.map(|(_, path)| (*path).to_owned());
            some.artifacts = links
                .iter()
                .map(|(kind, path)| artifact(kind, path))
                .collect();
            for key in keys {
                some.times.insert(key, day("2026-03-02"));
            }
            some
        },
    )
}

fn some_fields() -> impl Strategy<Value = Vec<Field>> {
    let mut all = vec![
        Field::Title,
        Field::Status,
        Field::Priority,
        Field::Language,
        Field::Effort,
        Field::Description,
        Field::Dependencies,
        Field::Parent,
        Field::Subtasks,
        Field::BlockedReason,
        Field::AbandonedReason,
        Field::Plan,
    ];
    all.extend(super::super::facts::DATE_LINES.map(Field::Time));
    for path in [
        "specs/1_a/reports/1.md",
        "1_a/reports/new (1).md",
        "1_a/plans/2.md",
        "1_a/summaries/s.md",
        "1_a/debug/001_x.md",
    ] {
        all.push(Field::Artifact(path.to_owned()));
    }
    let count = all.len();
    prop::sample::subsequence(all, 1..=count).prop_shuffle()
}

/// The bytes of every entry but those with this number.
fn others(bytes: &[u8], number: u32) -> Vec<Vec<u8>> {
    let file = TodoFile::parse(bytes);
    let others = file.entries.iter().filter(|entry| entry.number != number);
    others.map(|entry| section(bytes, entry).to_vec()).collect()
}

/// What stands behind the end of a line: a last line that goes takes its own end along.
fn behind(bytes: &[u8]) -> &[u8] {
    let line_feed = bytes.strip_prefix(b"\r").unwrap_or(bytes);
    line_feed.strip_prefix(b"\n").unwrap_or(bytes)
}

/// Whether a comment or a fence is never closed.
fn is_open(file: &TodoFile) -> bool {
    let kinds = [ProblemKind::UnclosedComment, ProblemKind::UnclosedFence];
    file.problems
        .iter()
        .any(|problem| kinds.contains(&problem.kind))
}

/// The task as it is shown behind a comment that is never closed.
fn shown(file: &TodoFile, task: Task) -> Task {
    let mut kinds = file.problems.iter().map(|problem| problem.kind);
    match kinds.any(|kind| kind == ProblemKind::UnclosedComment) {
        true => crate::board::todo::quotes::harmless(&task).unwrap_or(task),
        false => task,
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Looks at what a change of one field made of the entry.
#[expect(clippy::too_many_lines, reason = "a table of the fields")]
fn shows(before: &TodoFile, bytes: &[u8], task: &Task, field: &Field) {
    let file = TodoFile::parse(bytes);
    let facts = file
        .entries
        .iter()
        .find(|entry| entry.number == task.number)
        .unwrap();
    let context = lossy(bytes);
    let text = |value: &Option<String>| {
        let value = value.as_deref().map(crate::board::todo::change::clean);
        value.filter(|value| !value.is_empty())
    };
    match field {
        Field::Title => {
            let title = one_line(&task.title);
            assert_eq!(
                facts.title.as_deref(),
                Some(plain_title(&title)),
                "{context}"
            );
        }
        Field::Status => assert_eq!(facts.status.as_ref(), Some(&task.status), "{context}"),
        Field::Priority => {
            let wanted = text(&task.priority);
            let wanted = wanted.as_deref().map(first_words);
            assert_eq!(facts.priority.as_deref(), wanted, "{context}");
        }
        Field::Effort => assert_eq!(facts.effort, text(&task.effort), "{context}"),
        Field::Parent => assert_eq!(facts.parent, task.parent, "{context}"),
        // Where nothing is left of a reason, one inside the marker counts.
        Field::BlockedReason if text(&task.blocked_reason).is_some() => {
            assert_eq!(
                facts.blocked_reason,
                text(&task.blocked_reason),
                "{context}"
            );
        }
        Field::Description => {
            let wanted = task.description.as_deref().map(one_line);
            let wanted = wanted.filter(|text| !text.is_empty());
            assert_eq!(facts.description, wanted, "{context}");
        }
        Field::Time(key) => {
            let is_final = [TimeKey::Completed, TimeKey::Blocked, TimeKey::Abandoned];
            let had = before
                .entries
                .iter()
                .any(|entry| entry.number == task.number && entry.times.contains_key(key));
            if is_final.contains(key) || had {
                let days = |at: &Timestamp| at.seconds_text()[..10].to_owned();
                let found = facts.times.get(key).map(days);
                assert_eq!(found, task.times.get(key).map(days), "{context}");
            }
        }
        Field::Artifact(path) => {
            let wanted = task
                .artifacts
                .iter()
                .find(|artifact| artifact.path == *path);
            let linked = facts
                .artifacts
                .iter()
                .any(|known| link::same(&known.path, path));
            if wanted.is_none_or(|wanted| wanted.kind != "plan") {
                assert_eq!(linked, wanted.is_some(), "{context}");
            }
        }
        Field::Plan if task.plan.is_some() => {
            let plan = facts.plan.as_deref().unwrap_or_default();
            assert!(link::same(plan, task.plan.as_deref().unwrap()), "{context}");
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_is_that_of_the_entries(bytes in board(), is_quoted in any::<bool>()) {
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        if !is_quoted {
            text = text.replace("```", "").replace("<!--", "");
        }
        let entries = TodoFile::parse(text.as_bytes()).entries;
        let numbers: Vec<u32> = entries.iter().map(|entry| entry.number).collect();
        prop_assert_eq!(TodoFile::order(text.as_bytes()), numbers);
    }

    #[test]
    fn a_change_stays_in_its_entry(bytes in board(), task in some_task(), fields in some_fields()) {
        let before = TodoFile::parse(&bytes);
        let task = shown(&before, task);
        let mine: Vec<_> = before.entries.iter().filter(|entry| entry.number == task.number).collect();
        let edits = [Edit::Change { task: &task, fields: &fields }];
        let edited = match edit(&bytes, &edits) {
            Ok(edited) => edited,
            Err(EditError::Duplicate { .. }) => {
                prop_assert!(mine.len() > 1);
                return Ok(());
            }
            Err(EditError::Damaged { .. }) => {
                prop_assert!(before.damage.is_some() || is_open(&before));
                return Ok(());
            }
            Err(lossy @ EditError::Lossy { .. }) => panic!("{lossy}"),
        };
        let Some(facts) = mine.first() else {
            prop_assert_eq!(&edited.bytes, &bytes);
            prop_assert_eq!(edited.left.len(), 1);
            return Ok(());
        };
        // Nothing outside of the entry moved.
        let (head, tail) = (&bytes[..facts.span.start], behind(&bytes[facts.span.end..]));
        prop_assert!(edited.bytes.starts_with(head), "{}", lossy(&edited.bytes));
        prop_assert!(edited.bytes.ends_with(tail), "{}", lossy(&edited.bytes));
        prop_assert_eq!(others(&bytes, task.number), others(&edited.bytes, task.number), "{}", lossy(&edited.bytes));
        let twice = edit(&edited.bytes, &edits).unwrap();
        prop_assert_eq!(lossy(&twice.bytes), lossy(&edited.bytes));
        // One field at a time shows what was asked for.
        for field in &fields {
            let one = [field.clone()];
            let edited = edit(&bytes, &[Edit::Change { task: &task, fields: &one }]);
            // What an unclosed opener refuses together, it may refuse alone.
            let edited = match edited {
                Err(EditError::Damaged { .. }) if is_open(&before) => continue,
                edited => edited.unwrap(),
            };
            if edited.left.is_empty() && (*field != Field::Title || !plain_title(&one_line(&task.title)).is_empty()) {
                shows(&before, &edited.bytes, &task, field);
            }
        }
    }

    #[test]
    fn what_was_edited_reads_as_in_the_whole(bytes in board(), tasks in [some_task(), some_task()], fields in some_fields(), next in 0_u32..60) {
        let before = TodoFile::parse(&bytes);
        let tasks = tasks.map(|task| shown(&before, task));
        let changes = tasks.iter().map(|task| Edit::Change { task, fields: &fields });
        let edits: Vec<_> = changes.chain([Edit::NextNumber(next)]).collect();
        let Ok(edited) = edit(&bytes, &edits) else {
            return Ok(());
        };
        let whole = TodoFile::parse_some(&edited.bytes, &tasks.iter().map(|task| task.number).collect());
        if let Some(touched) = edited.touched {
            prop_assert_eq!(touched.facts, whole.entries, "{}", lossy(&edited.bytes));
            prop_assert_eq!(touched.next_number, whole.front.next_number.map(|(next, _)| next));
        }
    }

    #[test]
    fn a_comment_left_open_stops_no_value(bytes in board(), task in some_task(), fields in some_fields()) {
        let text = lossy(&bytes).replace("<!--", "").replace("-->", "");
        let bytes = format!("<!-- a note\n{text}").into_bytes();
        let edits = [Edit::Change { task: &task, fields: &fields }, Edit::Add { task: &task }];
        let before = TodoFile::parse(&bytes);
        prop_assume!(before.damage.is_none());
        match edit(&bytes, &edits) {
            Err(EditError::Duplicate { .. }) => {}
            edited => prop_assert_eq!(others(&bytes, task.number), others(&edited.unwrap().bytes, task.number)),
        }
    }

    #[test]
    fn what_comes_goes(bytes in board(), task in some_task()) {
        let before = TodoFile::parse(&bytes);
        if before.damage.is_some() || before.entries.iter().any(|entry| entry.number == task.number) {
            return Ok(());
        }
        let task = shown(&before, task);
        let added = match edit(&bytes, &[Edit::Add { task: &task }]) {
            Err(EditError::Damaged { .. }) if is_open(&before) => return Ok(()),
            added => added.unwrap().bytes,
        };
        let file = TodoFile::parse(&added);
        let facts = file.entries.iter().find(|entry| entry.number == task.number);
        prop_assert!(facts.is_some(), "{}", lossy(&added));
        prop_assert_eq!(facts.unwrap().status.as_ref(), Some(&task.status));
        prop_assert_eq!(others(&bytes, task.number), others(&added, task.number), "{}", lossy(&added));
        let twice = edit(&added, &[Edit::Add { task: &task }]).unwrap().bytes;
        prop_assert_eq!(&twice, &added);
        let has_section = |bytes: &[u8]| lossy(bytes).matches("## Tasks").count();
        let removed = match edit(&added, &[Edit::Remove { number: task.number }]) {
            Err(EditError::Damaged { .. }) if is_open(&before) => return Ok(()),
            removed => removed.unwrap().bytes,
        };
        if has_section(&bytes) == has_section(&added) {
            prop_assert_eq!(lossy(&removed), lossy(&bytes), "{}", lossy(&added));
        }
    }

    #[test]
    fn moves_and_removals_keep_the_others(bytes in board(), number in 0_u32..7, to in prop_oneof![Just(Position::First), Just(Position::Last), (0_u32..7).prop_map(|number| Position::Before { number }), (0_u32..7).prop_map(|number| Position::After { number })]) {
        let before = TodoFile::parse(&bytes);
        // An old heading begins a section, and without it the next entries are in another one.
        // What is read as task 5 while 5 is gone may come to light.
        let is_odd = before.problems.iter().any(|problem| problem.kind == ProblemKind::OddNumber);
        if is_odd || lossy(&bytes).contains("## Task ") {
            return Ok(());
        }
        for one in [Edit::Move { number, to: &to }, Edit::Remove { number }] {
            let edits = [one];
            let Ok(edited) = edit(&bytes, &edits) else { return Ok(()) };
            let mut kept = others(&bytes, number);
            let mut found = others(&edited.bytes, number);
            kept.sort();
            found.sort();
            prop_assert_eq!(kept, found, "{}", lossy(&edited.bytes));
            let after = TodoFile::parse(&edited.bytes);
            prop_assert_eq!(after.front.next_number.map(|(number, _)| number), before.front.next_number.clone().map(|(number, _)| number));
            let twice = edit(&edited.bytes, &edits).unwrap();
            prop_assert_eq!(lossy(&twice.bytes), lossy(&edited.bytes));
        }
    }

    #[test]
    fn every_input_is_read(bytes in prop::collection::vec(any::<u8>(), 0..200), task in some_task()) {
        let file = TodoFile::parse(&bytes);
        for entry in &file.entries {
            prop_assert!(!section(&bytes, entry).is_empty());
        }
        drop(edit(&bytes, &[Edit::Add { task: &task }, Edit::NextNumber(4), Edit::Remove { number: 1 }]));
    }
}
