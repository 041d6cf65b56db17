//! Properties over boards that nobody wrote by hand.

use proptest::prelude::*;

use super::*;
use crate::board::state_file::check::{Intent, check};
use crate::board::state_file::shape::{Kind, Shape};
use crate::board::testing::cases;

/// Some JSON value, by its text.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        Just("[]".to_owned()),
        Just("{ }".to_owned()),
        Just("\"2026-03-01\"".to_owned()),
        Just("[ {\"path\": \"reports/a.md\"},\n\"b\" ]".to_owned()),
        Just("{\"plans\": [\"a.md\"]}".to_owned()),
        (0_u32..60).prop_map(|number| number.to_string()),
        "[a-z_ é]{0,8}".prop_map(|text| format!("\"{text}\"")),
        proptest::collection::vec(0_u32..60, 0..4).prop_map(|numbers| format!("{numbers:?}")),
    ]
}

fn object(number: u32) -> impl Strategy<Value = String> {
    let key = prop_oneof![
        Just("status"),
        Just("priority"),
        Just("started"),
        Just("last_updated"),
        Just("dependencies"),
        Just("artifacts"),
        Just("blocker"),
        Just("plan_path"),
        Just("unknown"),
    ];
    let blank = prop_oneof![Just(""), Just(" "), Just("\n    "), Just("\r\n\t")];
    let members = proptest::collection::vec((key, value()), 0..8);
    (members, blank).prop_map(move |(members, blank)| {
        let members: Vec<_> = members
            .iter()
            .map(|(key, value)| format!(",{blank}\"{key}\": {value}"))
            .collect();
        format!(
            "{{{blank}\"project_number\":{number}{}{blank}}}",
            members.concat()
        )
    })
}

/// A board of the tasks 1 to at most 5.
fn boards() -> impl Strategy<Value = String> {
    let objects = (1_usize..6).prop_flat_map(|count| {
        let numbers = 1..=u32::try_from(count).unwrap();
        numbers.map(object).collect::<Vec<_>>()
    });
    let blank = prop_oneof![Just(""), Just(" "), Just("\n  "), Just("\r\n  ")];
    (objects, blank).prop_map(|(objects, blank)| {
        let tasks = objects.join(&format!(",{blank}"));
        format!("{{\"x\": [1,2],{blank}\"active_projects\": [{blank}{tasks}{blank}]}}")
    })
}

fn any_task() -> impl Strategy<Value = Task> {
    let words = || proptest::option::of("[ -~é]{0,12}");
    let numbers = proptest::collection::vec(0_u32..60, 0..4);
    let status = (0..Status::ALL.len()).prop_map(|at| Status::ALL[at]);
    (1_u32..7, status, words(), words(), numbers, any::<bool>()).prop_map(
        |(number, status, one, two, mut numbers, flag)| {
            numbers.sort_unstable();
            numbers.dedup();
            let mut task = task(number);
            task.status = status.into();
            task.priority.clone_from(&one);
            task.blocked_reason.clone_from(&one);
            task.plan.clone_from(&two);
            task.effort = two;
            task.dependencies.numbers = numbers;
            task.parent = flag.then_some(3);
            task.times.extend(flag.then_some((TimeKey::Started, NOW)));
            task.artifacts.extend(flag.then(|| Artifact {
                path: "reports/a.md".to_owned(),
                kind: "research".to_owned(),
                summary: one,
            }));
            task
        },
    )
}

const FIELDS: [Field; 9] = [
    Field::Status,
    Field::Priority,
    Field::Effort,
    Field::Dependencies,
    Field::Parent,
    Field::Time(TimeKey::Started),
    Field::BlockedReason,
    Field::Plan,
    Field::Artifact(String::new()),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(300)))]

    #[test]
    fn nothing_panics(text in "[\\[\\]{},:\"a-c0-9\\\\ \n]{0,60}", bytes in any::<Vec<u8>>()) {
        drop(StateFile::parse(text.as_bytes()));
        drop(StateFile::parse(&bytes));
        let inside = board(&text);
        drop(StateFile::parse(inside.as_bytes()));
        drop(edit(inside.as_bytes(), &[Edit::Add { task: &task(3) }]));
    }

    #[test]
    fn a_change_is_read_back_and_nothing_else_changes(before in boards(), task in any_task()) {
        let mut fields = FIELDS.to_vec();
        fields[8] = Field::Artifact("reports/a.md".to_owned());
        let edits = [Edit::Change { task: &task, fields: &fields }];
        let after = edit(before.as_bytes(), &edits).unwrap();
        let again = edit(&after.bytes, &edits).unwrap();
        prop_assert_eq!(&again.bytes, &after.bytes);
        let (old, new) = (
            StateFile::parse(before.as_bytes()).unwrap(),
            StateFile::parse(&after.bytes).unwrap(),
        );
        prop_assert_eq!(old.tasks.len(), new.tasks.len());
        let some = StateFile::parse_some(&after.bytes, &[task.number].into()).unwrap();
        let asked = new.tasks.iter().filter(|one| one.number == task.number);
        prop_assert_eq!(some.tasks, asked.cloned().collect::<Vec<_>>());
        prop_assert_eq!(some.next_number, new.next_number);
        for (old, new) in old.tasks.iter().zip(&new.tasks) {
            if old.number != task.number {
                prop_assert_eq!(section(before.as_bytes(), old), section(&after.bytes, new));
                continue;
            }
            prop_assert_eq!(new.status.as_ref(), Some(&task.status));
            prop_assert_eq!(new.operation, task.operation);
            prop_assert_eq!(new.effort.as_ref(), task.effort.as_ref());
            prop_assert_eq!(new.plan.as_ref(), task.plan.as_ref());
            prop_assert_eq!(new.blocked_reason.as_ref(), task.blocked_reason.as_ref());
            prop_assert_eq!(new.parent, task.parent);
            let mut waits = new.dependencies.clone().unwrap_or_default();
            waits.numbers.sort_unstable();
            prop_assert_eq!(&waits, &task.dependencies);
            let linked = new.artifacts.iter().any(|one| one.path == "reports/a.md");
            prop_assert_eq!(linked, !task.artifacts.is_empty());
        }
    }

    #[test]
    fn what_was_edited_reads_as_in_the_whole(before in boards(), tasks in [any_task(), any_task()], next in 0_u32..60) {
        let before = before.replacen('{', r#"{"next_project_number": 7,"#, 1);
        let [one, two] = &tasks;
        let edits = [
            Edit::Change { task: one, fields: &FIELDS },
            Edit::Change { task: two, fields: &FIELDS },
            Edit::NextNumber(next),
        ];
        let after = edit(before.as_bytes(), &edits).unwrap();
        let whole = StateFile::parse_some(&after.bytes, &[one.number, two.number].into()).unwrap();
        // Two rounds of one task leave nothing to tell.
        let is_told = one.number != two.number && after.bytes != before.as_bytes();
        prop_assert_eq!(after.touched.is_some(), is_told);
        if let Some(mut touched) = after.touched {
            touched.facts.sort_by_key(|facts| facts.number);
            prop_assert_eq!(touched.facts, whole.tasks);
            prop_assert_eq!(touched.next_number, whole.next_number);
        }
    }

    #[test]
    fn adding_and_removing_is_nothing(before in boards(), task in any_task()) {
        let number = task.number + 100;
        let task = Task { number, ..task };
        let added = edit(before.as_bytes(), &[Edit::Add { task: &task }]).unwrap();
        prop_assert!(added.left.is_empty());
        let facts = StateFile::parse(&added.bytes).unwrap();
        prop_assert!(facts.tasks.iter().any(|one| one.id == Some(task.id)));
        let removed = edit(&added.bytes, &[Edit::Remove { number }]).unwrap();
        prop_assert_eq!(String::from_utf8(removed.bytes).unwrap(), before);
    }

    #[test]
    fn what_nobody_meant_is_noticed(before in boards(), after in boards(), meant in 0_usize..5) {
        let shape = Shape::parse(before.as_bytes(), Kind::Board).unwrap();
        let silent = check(&shape, &after, Kind::Board, &Intent::default());
        prop_assert_eq!(silent.is_ok(), before == after);
        // One task may change: into a sound object with its number, and no other one.
        let facts = StateFile::parse(before.as_bytes()).unwrap();
        let task = &facts.tasks[meant % facts.tasks.len()];
        let intent = Intent {
            changed: [(task.span.start, task.number)].into(),
            ..Intent::default()
        };
        let with = |object: &str| {
            let (head, tail) = (&before[..task.span.start], &before[task.span.end..]);
            let text = format!("{head}{object}{tail}");
            check(&shape, &text, Kind::Board, &intent).is_ok()
        };
        let number = task.number;
        let key = format!("{{\"project_number\": {number}}}");
        prop_assert!(with(&key));
        let other = number + 1;
        for wrong in [
            "null".to_owned(),
            format!("{{\"project_number\": {other}}}"),
            format!("{{\"project_number\": {number}"),
            format!("{key}, {key}"),
            format!("{key} x"),
            String::new(),
        ] {
            prop_assert!(!with(&wrong), "{}", wrong);
        }
    }

    #[test]
    fn a_lost_task_is_noticed(before in boards(), gone in 0_usize..5) {
        let shape = Shape::parse(before.as_bytes(), Kind::Board).unwrap();
        let facts = StateFile::parse(before.as_bytes()).unwrap();
        let number = facts.tasks[gone % facts.tasks.len()].number;
        let after = edit(before.as_bytes(), &[Edit::Remove { number }]).unwrap();
        let silent = check(&shape, std::str::from_utf8(&after.bytes).unwrap(), Kind::Board, &Intent::default());
        let is_lossy = matches!(silent, Err(EditError::Lossy { .. }));
        prop_assert!(is_lossy);
    }
}
