//! Every form of errors.json, and what is none.

use std::io::Write as _;

use insta::assert_snapshot;

use super::*;

fn failure(number: i64, kind: &str) -> ErrorEntry {
    let at = Timestamp::from_millis(1_772_442_900_000 + number * 1_000);
    ErrorEntry {
        id: format!("err_{}", at.as_millis()),
        at,
        kind: kind.to_owned(),
        code: kind.to_uppercase(),
        severity: Severity::Low,
        message: format!("Failure \"{number}\""),
        recoverable: true,
        recommendation: "Try again".to_owned(),
        context: ErrorContext {
            session_id: Some("sess_1".to_owned()),
            command: Some("implement".to_owned()),
            task: Some(58),
            phase: Some("2".to_owned()),
            checkpoint: None,
        },
        fix_status: FixStatus::Unfixed,
    }
}

fn updated(base: &str, errors: &[ErrorEntry]) -> String {
    let bytes = update(Some(base.as_bytes()), errors).unwrap();
    assert_eq!(
        update(Some(&bytes), errors).as_ref(),
        Ok(&bytes),
        "not idempotent"
    );
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_new_file_is_of_the_second_version_and_reads_back() {
    let errors = [failure(0, "timeout"), failure(1, "build_error")];
    let bytes = update(None, &errors).unwrap();
    assert_snapshot!(String::from_utf8_lossy(&bytes), @r#"
    {
      "_schema_version": "2.0.0",
      "_last_updated": "2026-03-02T09:15:01Z",
      "errors": [
        {
          "id": "err_1772442900000",
          "timestamp": "2026-03-02T09:15:00Z",
          "type": "timeout",
          "code": "TIMEOUT",
          "severity": "low",
          "message": "Failure \"0\"",
          "context": {
            "session_id": "sess_1",
            "command": "implement",
            "task": 58,
            "phase": 2
          },
          "trajectory": {
            "delegation_path": [],
            "failed_at_depth": 0
          },
          "recovery": {
            "suggested_action": "Try again",
            "auto_recoverable": true
          },
          "fix_status": "unfixed"
        },
        {
          "id": "err_1772442901000",
          "timestamp": "2026-03-02T09:15:01Z",
          "type": "build_error",
          "code": "BUILD_ERROR",
          "severity": "low",
          "message": "Failure \"1\"",
          "context": {
            "session_id": "sess_1",
            "command": "implement",
            "task": 58,
            "phase": 2
          },
          "trajectory": {
            "delegation_path": [],
            "failed_at_depth": 0
          },
          "recovery": {
            "suggested_action": "Try again",
            "auto_recoverable": true
          },
          "fix_status": "unfixed"
        }
      ]
    }
    "#);
    assert_eq!(read(&bytes), (errors.to_vec(), Vec::new()));
    assert_eq!(update(Some(&bytes), &errors), Ok(bytes.clone()));
    let mut fixed = errors;
    fixed[1].fix_status = FixStatus::Fixed;
    let text = String::from_utf8(bytes).unwrap();
    let after = updated(&text, &fixed);
    let at = text.rfind("unfixed").unwrap();
    assert_eq!(after, format!("{}fixed{}", &text[..at], &text[at + 7..]));
}

#[test]
fn the_first_version_and_a_bare_list_get_entries_of_the_first() {
    let list = "[\n  {\n    \"type\": \"timeout\",\n    \"severity\": \"medium\",\n    \"context\": {\"command\": \"plan\", \"task_number\": 4},\n    \"message\": \"Late\",\n    \"fix_status\": \"not_addressed\"\n  }\n]";
    assert_snapshot!(updated(list, &[failure(0, "timeout")]), @r#"
    [
      {
        "type": "timeout",
        "severity": "medium",
        "context": {"command": "plan", "task_number": 4},
        "message": "Late",
        "fix_status": "not_addressed"
      },
      {
        "id": "err_1772442900000",
        "type": "timeout",
        "severity": "low",
        "context": {
          "command": "implement",
          "task_number": 58,
          "session_id": "sess_1"
        },
        "message": "Failure \"0\"",
        "fix_status": "not_addressed"
      }
    ]
    "#);
    let (entries, warnings) = read(list.as_bytes());
    assert_eq!(
        (entries[0].id.as_str(), entries[0].context.task),
        ("err_1", Some(4))
    );
    assert_eq!(entries[0].fix_status, FixStatus::Unfixed);
    assert_eq!(warnings, [""; 0]);
    let mut known = entries;
    assert_eq!(updated(list, &known), list);
    known[0].fix_status = FixStatus::Investigating;
    assert_eq!(
        updated(list, &known),
        list.replace("not_addressed", "investigating")
    );
    let object = "{\"_schema_version\":\"1.0.0\",\"_last_updated\":\"2026-01-01\",\"errors\":[]}";
    assert_snapshot!(updated(object, &[failure(0, "timeout")]), @r#"{"_schema_version":"1.0.0","_last_updated":"2026-03-02T09:15:00Z","errors":[{"id":"err_1772442900000","type":"timeout","severity":"low","context":{"command":"implement","task_number":58,"session_id":"sess_1"},"message":"Failure \"0\"","fix_status":"not_addressed"}]}"#);
}

#[test]
fn what_another_program_wrote_without_an_id_is_known_by_what_it_says() {
    let error = failure(0, "timeout");
    let text = format!(
        "[{{\"type\": \"timeout\", \"message\": {}, \"timestamp\": \"{}\", \"severity\":\"low\", \"fix_status\":\"fixed\"}}]",
        Value::from(error.message.as_str()),
        error.at.millis_text()
    );
    let fixed = ErrorEntry {
        fix_status: FixStatus::Fixed,
        ..error
    };
    assert_eq!(updated(&text, &[fixed]), text);
}

#[test]
fn aggregations_are_counted_where_they_are() {
    let text = "{\n  \"_schema_version\": \"2.0.0\",\n  \"errors\": [{\"id\": \"err_x\", \"type\": \"timeout\", \"context\": {\"task\": 58}}],\n  \"aggregations\": {\n    \"by_type\": {\"timeout\": 7, \"other\": 3},\n    \"by_session\": {},\n    \"by_task\": {\"58\": {\"count\": 1, \"mine\": 2}}\n  }\n}\n";
    assert_snapshot!(updated(text, &[failure(0, "timeout"), failure(1, "timeout")]), @r#"
    {
      "_schema_version": "2.0.0",
      "errors": [{"id": "err_x", "type": "timeout", "context": {"task": 58}}, {"id": "err_1772442900000", "timestamp": "2026-03-02T09:15:00Z", "type": "timeout", "code": "TIMEOUT", "severity": "low", "message": "Failure \"0\"", "context": {"session_id": "sess_1", "command": "implement", "task": 58, "phase": 2}, "trajectory": {"delegation_path": [], "failed_at_depth": 0}, "recovery": {"suggested_action": "Try again", "auto_recoverable": true}, "fix_status": "unfixed"}, {"id": "err_1772442901000", "timestamp": "2026-03-02T09:15:01Z", "type": "timeout", "code": "TIMEOUT", "severity": "low", "message": "Failure \"1\"", "context": {"session_id": "sess_1", "command": "implement", "task": 58, "phase": 2}, "trajectory": {"delegation_path": [], "failed_at_depth": 0}, "recovery": {"suggested_action": "Try again", "auto_recoverable": true}, "fix_status": "unfixed"}],
      "aggregations": {
        "by_type": {"timeout": 3, "other": 3},
        "by_session": {
          "sess_1": 2
        },
        "by_task": {"58": {"count": 3, "mine": 2}}
      }
    }
    "#);
}

#[test]
fn what_is_no_errors_file_is_left_alone() {
    let texts = [
        "",
        "{\"errors\": [,]}",
        "7",
        "{}",
        "{\"errors\": {}}",
        "{\"$schema\": \"x\", \"type\": \"object\", \"properties\": {\"errors\": {}}}",
        "{\"_schema_version\": \"3.0.0\", \"errors\": []}",
    ];
    let said = texts.map(|text| {
        let error = update(Some(text.as_bytes()), &[]).unwrap_err();
        let (entries, warnings) = read(text.as_bytes());
        assert!(entries.is_empty());
        assert_eq!(warnings, [error.to_string()]);
        warnings.concat()
    });
    assert_snapshot!(said.join("\n"), @"
    line 1: column 0: the file is empty; the file is left alone, and failures go to errors.airboss.json
    line 1: column 13: this is no JSON; the file is left alone, and failures go to errors.airboss.json
    line 1: it is neither an object nor a list; the file is left alone, and failures go to errors.airboss.json
    line 1: it has no list `errors`; the file is left alone, and failures go to errors.airboss.json
    line 1: it has no list `errors`; the file is left alone, and failures go to errors.airboss.json
    line 1: it is a JSON Schema document; the file is left alone, and failures go to errors.airboss.json
    line 1: its version is newer than those that are known; the file is left alone, and failures go to errors.airboss.json
    ");
    assert!(update(Some(b"\xff"), &[]).is_err());
}

#[test]
fn odd_entries_are_read_and_stay() {
    let text = "{\"errors\": [7, {\"id\": \"a\", \"id\": \"b\", \"severity\": \"awful\", \"timestamp\": \"soon\", \"context\": {\"task\": \"OC_12\", \"phase\": 3}, \"fix_status\": \"perhaps\"}, {\"type\":\"t\"}]}";
    let (entries, warnings) = read(text.as_bytes());
    assert_eq!(entries.len(), 2);
    assert_eq!(
        (entries[0].id.as_str(), entries[0].context.task),
        ("b", Some(12))
    );
    assert_eq!(entries[0].context.phase.as_deref(), Some("3"));
    assert_snapshot!(warnings.join("\n"), @r#"
    errors[0] is no object and is left alone
    errors[1] has "id" twice; the last counts
    b has an unreadable timestamp "soon"
    b has no known severity and counts as medium
    b has no known fix status and counts as unfixed
    err_3 has no known severity and counts as medium
    err_3 has no known fix status and counts as unfixed
    "#);
    let after = updated(text, &[failure(0, "timeout")]);
    assert!(after.starts_with(text.trim_end_matches("]}")), "{after}");
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the real files are outside of this repository"
)]
fn real_files_are_added_to_and_nothing_else() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let note = |line: String| writeln!(std::io::stderr(), "{line}").expect("stderr is writable");
    let Ok(directory) = std::fs::read_dir(corpus.join("../../../shared/corpus/errors")) else {
        return note("skipped: no folder shared/ beside the checkout".to_owned());
    };
    let mut counts = (0, 0);
    for entry in directory {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let (entries, warnings) = read(text.as_bytes());
        assert_eq!(warnings, [""; 0]);
        assert_eq!(updated(&text, &entries), text);
        let mut more = entries.clone();
        more.push(failure(0, "timeout"));
        let after = updated(&text, &more);
        assert_eq!(read(after.as_bytes()).0.len(), more.len());
        let last = text.rfind("\"fix_status\"").unwrap();
        let stamp = text.find("\"errors\"").unwrap_or(0);
        assert!(after.contains(&text[stamp..last]));
        counts = (counts.0 + 1, counts.1 + entries.len());
    }
    note(format!("errors: {} files, {} entries", counts.0, counts.1));
}
