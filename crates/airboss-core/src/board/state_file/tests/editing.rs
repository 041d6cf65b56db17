//! Edits: only what is meant changes, in the spelling of the file.

use super::*;

#[test]
fn a_change_touches_its_members_only() {
    let before = r#"{
  "_comment": "kept",
  "next_project_number": 90,
  "_last_updated": "2026-03-01",
  "active_projects": [
    { "project_number": 41, "project_name": "a", "status": "planned" },
    {
      "project_number": 42,
      "project_name": "b",
      "status": "planned",
      "odd": 2.0,
      "created": "2026-03-01T00:00:00Z",
      "last_updated": "2026-03-01"
    }
  ]
}"#;
    let mut task = task(42);
    task.status = Status::Implementing.into();
    task.times.insert(TimeKey::Started, NOW);
    let fields = [Field::Status, Field::Time(TimeKey::Started)];
    let edits = [
        Edit::Change {
            task: &task,
            fields: &fields,
        },
        Edit::LastUpdated(NOW),
        Edit::NextNumber(91),
    ];
    let operation = "00000000000000000000000000000007";
    let expected = before
        .replace("\"_last_updated\": \"2026-03-01\"", "\"_last_updated\": \"2026-03-02\"")
        .replace(": 90", ": 91")
        .replace("\"status\": \"planned\",\n", "\"status\": \"implementing\",\n")
        .replace(
            "\"last_updated\": \"2026-03-01\"\n",
            &format!(
                "\"last_updated\": \"2026-03-02\",\n      \"started\": \"2026-03-02T09:15:00Z\",\n      \
                 \"airboss_operation\": \"{operation}\"\n"
            ),
        );
    assert_eq!(edited(before, &edits), expected);
}

#[test]
fn what_is_said_already_is_left_alone() {
    let object = r#"{"project_number": "041", "status":"in-progress","priority":"HIGH",
        "started":"2026-03-02T01:15:00.5-08:00", "completed": "2026-03-02", "effort": "2 \u0068ours",
        "depends_on": ["Task 7 (x)"], "parent": "3", "artifacts": [{"path": "plans/a.md", "type": "plan"}]}"#;
    let fields = [
        Field::Number,
        Field::Title,
        Field::Status,
        Field::Priority,
        Field::Effort,
        Field::Dependencies,
        Field::Parent,
        Field::Subtasks,
        Field::Time(TimeKey::Started),
        Field::Time(TimeKey::Completed),
        Field::BlockedReason,
        Field::Plan,
        Field::Artifact("specs/041_a/plans/a.md".to_owned()),
        Field::Artifact("specs/041_a/plans/b.md".to_owned()),
    ];
    let same = changed(object, &fields, |task| {
        task.status = Status::Implementing.into();
        task.dependencies.numbers = vec![7];
        task.parent = Some(3);
        task.times.insert(TimeKey::Started, NOW);
        task.times.insert(TimeKey::Completed, NOW);
        task.artifacts = vec![Artifact {
            path: "specs/041_a/plans/a.md".to_owned(),
            kind: "plan".to_owned(),
            summary: None,
        }];
    });
    assert_eq!(same, object);
}

#[test]
fn synonyms() {
    let check = |member: &str, field: Field, value: &str, expected: &str| {
        let object = |member: &str| format!(r#"{{"project_number": 41{member}}}"#);
        let found = changed(&object(member), &[field], |task| {
            let value = Some(value.to_owned());
            task.blocked_reason.clone_from(&value);
            task.abandoned_reason.clone_from(&value);
            task.language = value;
            task.parent = Some(9);
            task.dependencies.numbers = vec![9];
        });
        assert_eq!(found, object(expected));
    };
    let blocked = || Field::BlockedReason;
    check(r#", "blocker": "a""#, blocked(), "b", r#", "blocker": "b""#);
    check(
        r#", "blocked_on": null"#,
        blocked(),
        "b",
        r#", "blocked_on": "b""#,
    );
    check(
        r#", "blocked_by": [7]"#,
        blocked(),
        "b",
        r#", "blocked_by": [7], "blocked_reason": "b""#,
    );
    check("", blocked(), "b", r#", "blocked_reason": "b""#);
    let abandoned = Field::AbandonedReason;
    check(
        r#", "abandonment_reason": "a""#,
        abandoned,
        "b",
        r#", "abandonment_reason": "b""#,
    );
    check(
        r#", "task_type": "a""#,
        Field::Language,
        "b",
        r#", "task_type": "b""#,
    );
    check(r#", "parent": 3"#, Field::Parent, "", r#", "parent": 9"#);
    check(
        r#", "depends_on": 3"#,
        Field::Dependencies,
        "",
        r#", "depends_on": [9]"#,
    );
}

#[test]
fn values_that_go() {
    let check = |members: &str, field: Field, expected: &str| {
        let object = format!(r#"{{"project_number": 41, {members}}}"#);
        let found = changed(&object, &[field], |task| {
            task.priority = None;
            task.description = None;
        });
        assert_eq!(found, format!(r#"{{"project_number": 41{expected}}}"#));
    };
    check(r#""priority": "high""#, Field::Priority, "");
    check(
        r#""priority": null"#,
        Field::Priority,
        r#", "priority": null"#,
    );
    check(
        r#""description": "a", "z": 1"#,
        Field::Description,
        r#", "z": 1"#,
    );
    check(
        r#""started": "x", "z": 1"#,
        Field::Time(TimeKey::Started),
        r#", "z": 1"#,
    );
    check(r#""subtasks": [3]"#, Field::Subtasks, r#", "subtasks": []"#);
    check(r#""parent_task": 3"#, Field::Parent, "");
}

#[test]
fn dependencies_are_edited_item_by_item() {
    let check = |before: &str, numbers: &[u32], prose: Option<&str>, expected: &str| {
        let object = format!(r#"{{"project_number": 41, "dependencies": {before}}}"#);
        let found = changed(&object, &[Field::Dependencies], |task| {
            task.dependencies.numbers = numbers.to_vec();
            task.dependencies.prose = prose.map(str::to_owned);
        });
        let expected = format!(r#"{{"project_number": 41, "dependencies": {expected}}}"#);
        assert_eq!(found, expected);
    };
    check("[3, 4]", &[4, 5], None, "[4, 5]");
    check("[3, 4]", &[4, 3], None, "[3, 4]");
    check(
        r#"["3", "Task 4 (x)"]"#,
        &[4, 5],
        None,
        r#"["Task 4 (x)", "5"]"#,
    );
    check(
        r#"["in spring", 4]"#,
        &[5],
        Some("in spring"),
        r#"["in spring", 5]"#,
    );
    check(
        r#"["in spring", 4]"#,
        &[4],
        Some("in autumn"),
        r#"[4, "in autumn"]"#,
    );
    check(r#"["in spring", 4]"#, &[4], None, "[4]");
    check("null", &[4], None, "[4]");
}

#[test]
fn artifacts_are_linked_in_the_shape_of_the_file() {
    let check = |before: &str, linked: bool, expected: &str| {
        let path = "specs/041_a/plans/implementation-002.md";
        let object = |artifacts: &str| {
            let member = if artifacts.is_empty() {
                ""
            } else {
                r#", "artifacts": "#
            };
            format!(r#"{{"project_number": 41{member}{artifacts}}}"#)
        };
        let field = Field::Artifact(path.to_owned());
        let found = changed(&object(before), &[field], |task| {
            task.artifacts.extend(linked.then(|| Artifact {
                path: path.to_owned(),
                kind: "plan".to_owned(),
                summary: Some("Two".to_owned()),
            }));
        });
        assert_eq!(found, object(expected));
    };
    let path = "specs/041_a/plans/implementation-002.md";
    let object = format!(r#"{{"path": "{path}", "type": "plan", "summary": "Two"}}"#);
    check("", true, &format!("[{object}]"));
    check("null", true, &format!("[{object}]"));
    check("[]", true, &format!("[{object}]"));
    check(r#"["a.md"]"#, true, &format!(r#"["a.md", "{path}"]"#));
    check(
        r#"[{"path": "a.md"}]"#,
        true,
        &format!(r#"[{{"path": "a.md"}}, {object}]"#),
    );
    check(r#""a.md""#, true, &format!(r#"["a.md", "{path}"]"#));
    check("{}", true, &format!(r#"{{"plans": ["{path}"]}}"#));
    check(
        r#"{"plans": ["a.md"]}"#,
        true,
        &format!(r#"{{"plans": ["a.md", "{path}"]}}"#),
    );
    // Never twice, however it is spelled.
    check(
        r#"["41_a/plans/implementation-002.md"]"#,
        true,
        r#"["41_a/plans/implementation-002.md"]"#,
    );
    let short =
        r#"[{"path": "plans/implementation-002.md", "type": "plan", "summary": "SUMMARY"}]"#;
    check(
        &short.replace("SUMMARY", "One"),
        true,
        &short.replace("SUMMARY", "Two"),
    );
    check(
        &short.replace("summary", "description"),
        true,
        &short
            .replace("summary", "description")
            .replace("SUMMARY", "Two"),
    );
    check(short, false, "[]");
    check(
        r#"["a.md", "plans/implementation-002.md"]"#,
        false,
        r#"["a.md"]"#,
    );
}

#[test]
fn a_time_that_is_something_else_is_left() {
    let before = board(r#"{"project_number": 41, "blocked": [7]}"#);
    let mut task = task(41);
    task.times.insert(TimeKey::Blocked, NOW);
    let fields = [Field::Time(TimeKey::Blocked)];
    let edited = edit(
        before.as_bytes(),
        &[Edit::Change {
            task: &task,
            fields: &fields,
        }],
    )
    .unwrap();
    assert_eq!(edited.left[0].0, 41);
    assert!(
        String::from_utf8(edited.bytes)
            .unwrap()
            .contains("\"blocked\": [7]")
    );
}

#[test]
fn adding_and_removing() {
    let one = "\n    { \"project_number\": 41 },\n    { \"project_number\": 39 }\n  ";
    for text in [
        board(one),
        board(""),
        board("{\"project_number\":1}").replace('\n', "\r\n"),
    ] {
        let (new, newer) = (task(90), task(91));
        let added = edited(
            &text,
            &[Edit::Add { task: &new }, Edit::Add { task: &newer }],
        );
        let file = StateFile::parse(added.as_bytes()).unwrap();
        assert!(file.tasks.iter().any(|task| task.number == 91));
        let removed = [Edit::Remove { number: 90 }, Edit::Remove { number: 91 }];
        assert_eq!(edited(&added, &removed), text);
        let both = [Edit::Add { task: &new }, Edit::Remove { number: 90 }];
        assert_eq!(edited(&text, &both), text);
    }
}

#[test]
fn new_tasks_stand_with_the_newest() {
    let check = |numbers: &[u32], expected: &[u32]| {
        let objects: Vec<_> = numbers
            .iter()
            .map(|number| format!(r#"{{"project_number": {number}}}"#))
            .collect();
        let (new, newer) = (task(90), task(91));
        let edits = [Edit::Add { task: &new }, Edit::Add { task: &newer }];
        let text = edited(&board(&objects.join(", ")), &edits);
        let file = StateFile::parse(text.as_bytes()).unwrap();
        let found: Vec<_> = file.tasks.iter().map(|task| task.number).collect();
        assert_eq!(found, expected);
    };
    check(&[], &[90, 91]);
    check(&[3], &[3, 90, 91]);
    check(&[3, 1, 4], &[3, 1, 4, 90, 91]);
    check(&[4, 3], &[91, 90, 4, 3]);
    // After a vault the dates tell: 5 is newer than 998.
    let dated = |number: u32, day| {
        format!(r#"{{"project_number": {number}, "created": "2026-03-{day}T00:00:00Z"}}"#)
    };
    let text = board(&format!("{}, {}", dated(998, "01"), dated(5, "02")));
    let new = task(6);
    let text = edited(&text, &[Edit::Add { task: &new }]);
    let last = StateFile::parse(text.as_bytes())
        .unwrap()
        .tasks
        .pop()
        .unwrap();
    assert_eq!(last.number, 6);
}

#[test]
fn a_new_task_has_every_member() {
    let mut task = task(58);
    task.slug = "shorten_the_start_up_banner".to_owned();
    task.status = Status::NotStarted.into();
    let text = edited(
        &String::from_utf8(new_board(58, NOW)).unwrap(),
        &[Edit::Add { task: &task }],
    );
    let expected = r#"{
  "next_project_number": 58,
  "last_updated": "2026-03-02T09:15:00Z",
  "active_projects": [
    {
      "project_number": 58,
      "project_name": "shorten_the_start_up_banner",
      "status": "not_started",
      "language": "general",
      "priority": "high",
      "effort": "2 hours",
      "created": "2026-03-02T09:15:00Z",
      "last_updated": "2026-03-02T09:15:00Z",
      "dependencies": [],
      "description": "One paragraph.",
      "artifacts": [],
      "airboss_task": "0000000000000000000000000000003a",
      "airboss_operation": "00000000000000000000000000000007"
    }
  ]
}
"#;
    assert_eq!(text, expected);
}

#[test]
fn another_task_with_the_number_is_not_taken_for_it() {
    let mut other = task(41);
    other.id = TaskId::from_uuid(uuid::Uuid::from_u128(99));
    let text = edited(&board(""), &[Edit::Add { task: &other }]);
    let edited = edit(text.as_bytes(), &[Edit::Add { task: &task(41) }]).unwrap();
    assert_eq!(edited.left.len(), 1);
    assert_eq!(edited.bytes, text.as_bytes());
}

#[test]
fn renumbering() {
    let mut task = task(41);
    task.operation = None;
    let other = Task {
        number: 41,
        id: TaskId::from_uuid(uuid::Uuid::from_u128(2)),
        ..task.clone()
    };
    let text = edited(&board(""), &[Edit::Add { task: &task }]);
    let text = {
        // What a merge of two clones leaves: two tasks of one number.
        let second = edited(&board(""), &[Edit::Add { task: &other }]);
        let file = StateFile::parse(second.as_bytes()).unwrap();
        let object = section(second.as_bytes(), &file.tasks[0]);
        let object = String::from_utf8(object.to_owned()).unwrap();
        text.replace("\n  ]", &format!(",\n    {object}\n  ]"))
    };
    assert!(edit(text.as_bytes(), &[Edit::Remove { number: 41 }]).is_err());
    let moved = Task {
        number: 77,
        ..other
    };
    let edits = [Edit::Renumber {
        from: 41,
        task: &moved,
    }];
    let text = edited(&text, &edits);
    let file = StateFile::parse(text.as_bytes()).unwrap();
    let found: Vec<_> = file
        .tasks
        .iter()
        .map(|task| (task.number, task.id))
        .collect();
    assert_eq!(found, [(41, Some(task.id)), (77, Some(moved.id))]);

    let named = board(r#"{"project_number": "OC_041"}"#);
    let text = edited(
        &named,
        &[Edit::Renumber {
            from: 41,
            task: &moved,
        }],
    );
    assert!(text.contains("\"OC_077\""), "{text}");
    let taken = board(r#"{"project_number": 41}, {"project_number": 77}"#);
    let edits = [Edit::Renumber {
        from: 41,
        task: &moved,
    }];
    assert_eq!(edit(taken.as_bytes(), &edits).unwrap().left.len(), 1);
}

#[test]
fn a_missing_task_is_left_and_a_move_is_nothing() {
    let before = board("");
    let task = task(41);
    let fields = [Field::Status];
    let to = crate::board::edit::Position::First;
    let edits = [
        Edit::Change {
            task: &task,
            fields: &fields,
        },
        Edit::Move {
            number: 41,
            to: &to,
        },
        Edit::Remove { number: 41 },
    ];
    let edited = edit(before.as_bytes(), &edits).unwrap();
    assert_eq!(edited.bytes, before.as_bytes());
    assert_eq!(
        edited.left,
        [(41, "state.json has no such task".to_owned())]
    );
}

#[test]
fn a_byte_order_mark_and_escapes_stay() {
    let before = format!(
        "\u{feff}{}",
        board(r#"{"project_number": 41, "note": "\u00e9"}"#)
    );
    let task = task(41);
    let text = edited(
        &before,
        &[Edit::Change {
            task: &task,
            fields: &[Field::Status],
        }],
    );
    assert!(
        text.starts_with('\u{feff}') && text.contains("\\u00e9"),
        "{text}"
    );
}

#[test]
fn the_archive() {
    let empty = String::from_utf8(archive::new_archive(NOW)).unwrap();
    let mut task = task(41);
    task.status = Status::Completed.into();
    task.times.insert(TimeKey::Completed, NOW);
    task.times.insert(TimeKey::Archived, NOW);
    let add = [archive::ArchiveEdit::Add {
        task: &task,
        base_path: "specs/archive/041_a/",
    }];
    let one = archive::edit(empty.as_bytes(), &add).unwrap().bytes;
    assert_eq!(archive::edit(&one, &add).unwrap().bytes, one);
    let file = archive::parse(&one).unwrap();
    let facts = &file.tasks[0];
    assert_eq!(
        (facts.number, facts.list, facts.id),
        (41, List::Archive, Some(task.id))
    );
    assert_eq!(facts.times[&TimeKey::Archived], NOW);
    assert_eq!(facts.artifacts, []);
    // The same number of an older cycle is another task.
    let older = Task {
        id: TaskId::default(),
        slug: "b".to_owned(),
        ..task.clone()
    };
    let add = [archive::ArchiveEdit::Add {
        task: &older,
        base_path: "specs/archive/041_b/",
    }];
    let two = archive::edit(&one, &add).unwrap().bytes;
    assert_eq!(archive::parse(&two).unwrap().tasks.len(), 2);
    let remove = [archive::ArchiveEdit::Remove { task: &older }];
    assert_eq!(archive::edit(&two, &remove).unwrap().bytes, one);
    let remove = [archive::ArchiveEdit::Remove { task: &task }];
    assert_eq!(
        archive::edit(&one, &remove).unwrap().bytes,
        empty.as_bytes()
    );
    assert!(archive::parse(b"{}").is_err());
    assert!(archive::parse(b"{\"completed_projects\": []}").is_ok());
}
