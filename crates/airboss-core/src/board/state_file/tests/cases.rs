//! Inputs that must be survived: what is read, what is odd about it, what is refused.

use super::*;
use crate::board::number::{StoredNext, allocate};

/// Reads a board and gives its problems.
fn problems(text: &str) -> Vec<(usize, ProblemKind)> {
    let file = StateFile::parse(text.as_bytes()).unwrap();
    let problems = file.problems.iter();
    problems
        .map(|problem| (problem.line, problem.kind))
        .collect()
}

/// The tasks of a board with this object, and what is odd.
fn read(object: &str) -> (TaskFacts, Vec<ProblemKind>) {
    let text = board(object);
    let mut file = StateFile::parse(text.as_bytes()).unwrap();
    let kinds = file.problems.iter().map(|problem| problem.kind).collect();
    (file.tasks.remove(0), kinds)
}

/// Both reading and writing are refused, with the line.
fn refused(text: &str, line: usize, says: &str) {
    let read = StateFile::parse(text.as_bytes()).unwrap_err();
    assert!(
        matches!(&read, EditError::Damaged { line: at, .. } if *at == line),
        "{read}"
    );
    assert!(read.to_string().contains(says), "{read}");
    assert_eq!(
        edit(text.as_bytes(), &[Edit::NextNumber(3)]),
        Err(read.clone())
    );
    assert_eq!(edit(text.as_bytes(), &[]), Err(read));
}

#[test]
fn damaged_files_are_refused() {
    refused("", 1, "empty");
    refused(" \n\n", 1, "empty");
    refused("{\n  \"active_projects\": [],\n}", 3, "comma");
    refused("{\"active_projects\": [,]}", 1, "column 22");
    refused(
        "{\"active_projects\": [\n{\"project_name\": \"mea",
        2,
        "ends in the middle",
    );
    refused(
        "{\"project_number\": 4},\n{\"active_projects\": []}",
        1,
        "more after the end",
    );
    let invalid = StateFile::parse(b"{\"active_projects\": [\"\xff\"]}").unwrap_err();
    assert!(invalid.to_string().contains("UTF-8"), "{invalid}");
}

#[test]
fn a_root_that_is_no_board_is_refused() {
    refused(
        "{\"project_number\": 4, \"artifacts\": []}",
        1,
        "overwritten by a single task",
    );
    refused("\n[{\"project_number\": 4}]", 2, "the root is a list");
    refused(
        "{\"next_project_number\": 4}",
        1,
        "`active_projects` is missing",
    );
    refused(
        "{\"active_projects\": {}}",
        1,
        "`active_projects` is not a list",
    );
}

#[test]
fn duplicates() {
    let twice =
        r#"{"project_number": 41, "project_name": "a", "status": "planned", "status": "blocked"}"#;
    let (facts, kinds) = read(twice);
    assert!(facts.status.unwrap().is(Status::Blocked));
    assert_eq!(kinds, [ProblemKind::DuplicateKeys]);

    let task = r#"{"project_number": 41, "project_name": "a", "status": "planned"}"#;
    let text = board(&format!("\n{task},\n{task}"));
    assert_eq!(problems(&text), [(5, ProblemKind::DuplicateNumber)]);
    let error = edit(text.as_bytes(), &[Edit::Remove { number: 41 }]).unwrap_err();
    let lines = vec![4, 5];
    assert_eq!(error, EditError::Duplicate { number: 41, lines });
    // Other tasks are written all the same.
    let other = text.replacen("41", "42", 1);
    edited(&other, &[Edit::Remove { number: 42 }]);
}

#[test]
fn numbers_as_text() {
    for spelling in ["\"041\"", "\"OC_41\"", "\"41\""] {
        let (facts, kinds) = read(&format!(
            r#"{{"project_number": {spelling}, "project_name": "a", "status": "x"}}"#
        ));
        assert_eq!(facts.number, 41);
        assert_eq!(
            kinds,
            [ProblemKind::NumberAsText, ProblemKind::UnknownStatus]
        );
    }
    let (facts, _) = read(r#"{"project_number": 41.0, "project_name": "a", "status": "blocked"}"#);
    assert_eq!(facts.number, 41);
    let nameless = board(r#"{"project_name": "a"}, {"project_number": -1}, "b""#);
    assert_eq!(problems(&nameless), [(3, ProblemKind::NoTask); 3]);
}

#[test]
fn artifacts_in_every_shape() {
    let check = |artifacts: &str, expected: &[(&str, &str, Option<&str>)]| {
        let (facts, kinds) = read(&format!(
            r#"{{"project_number": 41, "project_name": "a", "status": "planned", "artifacts": {artifacts}}}"#
        ));
        let found = facts.artifacts.iter();
        let found: Vec<_> = found
            .map(|one| (one.path.as_str(), one.kind.as_str(), one.summary.as_deref()))
            .collect();
        assert_eq!(found, expected, "{artifacts}");
        assert_eq!(kinds, [], "{artifacts}");
    };
    check("null", &[]);
    check("[]", &[]);
    check("{}", &[]);
    check(
        r#"[{"path": "041_a/reports/research-001.md", "type": "research_report", "summary": "Two"}]"#,
        &[("041_a/reports/research-001.md", "research", Some("Two"))],
    );
    check(
        r#"[{"type": "guide", "path": "docs/a.md", "description": "How"}, {"summary": "lost"}]"#,
        &[("docs/a.md", "guide", Some("How"))],
    );
    check(
        r#"["041_a/plans/implementation-001.md", "src/a.rs"]"#,
        &[
            ("041_a/plans/implementation-001.md", "plan", None),
            ("src/a.rs", "other", None),
        ],
    );
    check(
        r#"{"base_path": "041_a/", "plans": ["a.md"], "reports": [{"path": "b.md"}], "note": "c.md"}"#,
        &[
            ("a.md", "plan", None),
            ("b.md", "research", None),
            ("c.md", "note", None),
        ],
    );
    check("\"a.md\"", &[("a.md", "other", None)]);

    let at_root = board("").replacen('{', "{\n  \"artifacts\": [\"a.md\"],", 1);
    assert_eq!(problems(&at_root), [(2, ProblemKind::RootArtifacts)]);
}

#[test]
fn dependencies_in_words() {
    let (facts, kinds) = read(
        r#"{"project_number": 41, "project_name": "a", "status": "planned",
            "dependencies": ["Task 51 (still open)", "when the proof works", 7]}"#,
    );
    let waits = facts.dependencies.unwrap();
    assert_eq!(waits.numbers, [51, 7]);
    assert_eq!(waits.prose.as_deref(), Some("when the proof works"));
    assert_eq!(kinds, [ProblemKind::DependencyWords]);
    let (facts, _) = read(r#"{"project_number": 41, "depends_on": 7, "parent": "OC_3"}"#);
    assert_eq!(facts.dependencies.unwrap().numbers, [7]);
    assert_eq!(facts.parent, Some(3));
}

#[test]
fn nulls_and_slugs() {
    let (facts, kinds) = read(
        r#"{"project_number": 41, "project_name": "a", "status": "planned", "description": null,
            "priority": null, "resume_phase": null, "started": null, "dependencies": null}"#,
    );
    assert_eq!((facts.description, facts.priority), (None, None));
    assert_eq!((facts.times.len(), facts.dependencies), (0, None));
    assert_eq!(kinds, []);
    for name in ["null", "\"null\"", "\"\"", "\"a/b\""] {
        let (_, kinds) = read(&format!(
            r#"{{"project_number": 41, "project_name": {name}, "status": "planned"}}"#
        ));
        assert_eq!(kinds, [ProblemKind::Slug], "{name}");
    }
}

#[test]
fn every_list_is_looked_up() {
    let text = r#"{
  "next_project_number": 81,
  "completed_projects": [{"project_number": 3, "project_name": "c"}],
  "tasks": {"17": {"status": "completed"}, "x": {}},
  "pending_tasks": [{"project_number": 2, "title": "B", "status": "pending"}],
  "active_projects": [{"project_number": 998, "project_name": "a", "status": "planned"}]
}"#;
    let file = StateFile::parse(text.as_bytes()).unwrap();
    let found: Vec<_> = file
        .tasks
        .iter()
        .map(|task| (task.number, task.list))
        .collect();
    let expected = [
        (998, List::Active),
        (2, List::Pending),
        (17, List::Legacy),
        (3, List::Completed),
    ];
    assert_eq!(found, expected);
    assert_eq!(problems(text), [(4, ProblemKind::NoTask)]);
    // A vault was made: the next number is far below an active one.
    assert_eq!(file.next_number, Some(81));
    let mut done = task(17);
    done.status = Status::Abandoned.into();
    let fields = [Field::Status];
    let edits = [
        Edit::Change {
            task: &done,
            fields: &fields,
        },
        Edit::Remove { number: 3 },
    ];
    let text = edited(text, &edits);
    assert!(text.contains(r#""17": {"status": "abandoned""#), "{text}");
    assert!(text.contains(r#""completed_projects": []"#), "{text}");
}

#[test]
fn the_next_number() {
    let object = r#"{"project_number": 90, "project_name": "a", "status": "planned"}"#;
    let text = board(object);
    assert_eq!(problems(&text), [(2, ProblemKind::NextNumberInUse)]);
    let file = StateFile::parse(text.as_bytes()).unwrap();
    let stored = StoredNext {
        state: file.next_number,
        todo: None,
    };
    let used = |number| file.tasks.iter().any(|task| task.number == number);
    let allocation = allocate(stored, file.numbering, used).unwrap();
    assert_eq!((allocation.number, allocation.next), (91, 92));
    assert_eq!(
        problems("{\"active_projects\": []}"),
        [(1, ProblemKind::NextNumber)]
    );

    let numbering =
        r#""project_numbering": {"min": 0, "max": 999, "policy": "increment_modulo_1000"},"#;
    let text = text.replacen('{', &format!("{{{numbering}"), 1);
    let numbering = StateFile::parse(text.as_bytes())
        .unwrap()
        .numbering
        .unwrap();
    assert_eq!(
        (numbering.min, numbering.max, numbering.wraps),
        (0, 999, true)
    );
}

#[test]
fn statuses_and_times() {
    let (facts, kinds) = read(r#"{"project_number": 41, "project_name": "a", "status": "active"}"#);
    assert_eq!(facts.status, Some(TaskStatus::Other("active".to_owned())));
    assert_eq!(facts.status_text.as_deref(), Some("active"));
    assert_eq!(kinds, [ProblemKind::UnknownStatus]);
    let (facts, kinds) = read(
        r#"{"project_number": 41, "project_name": "a", "status": "done",
            "created": "2026-03-02T01:15:00-08:00", "started": "2026-03-02T09:15:00.000000+00:00",
            "researched": "2026-03-02", "planned": "2026-03-02T09:15:00.123456",
            "revised": "last week", "completed": 7}"#,
    );
    assert_eq!(facts.times[&TimeKey::Created], NOW);
    assert_eq!(facts.times[&TimeKey::Started], NOW);
    assert_eq!(
        facts.times[&TimeKey::Researched].seconds_text(),
        "2026-03-02T00:00:00Z"
    );
    assert_eq!(
        facts.times[&TimeKey::Planned].as_millis() - NOW.as_millis(),
        123
    );
    assert_eq!(facts.times.len(), 4);
    assert_eq!(kinds, [ProblemKind::Time; 2]);
}

#[test]
fn causal_members() {
    let task = task(41);
    let text = edited(&board(""), &[Edit::Add { task: &task }]);
    let facts = StateFile::parse(text.as_bytes()).unwrap().tasks.remove(0);
    assert_eq!((facts.id, facts.operation), (Some(task.id), task.operation));
}
