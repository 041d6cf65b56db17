//! The state of one task: made, changed, and survived.

use std::io::Write as _;

use insta::assert_snapshot;

use super::super::task::Artifact;
use super::super::testing::{at, task};
use super::*;

fn artifact(path: &str) -> Artifact {
    Artifact {
        path: path.to_owned(),
        kind: link::kind_of(path).unwrap_or("research").to_owned(),
        summary: Some("What it says".to_owned()),
    }
}

/// A task with a report and a plan.
fn planned() -> Task {
    let mut task = task(58, "planned");
    task.times.insert(TimeKey::Created, at(0));
    task.times.insert(TimeKey::LastUpdated, at(5));
    task.plan = Some("specs/058_task_number_58/plans/implementation-001.md".to_owned());
    task.artifacts = vec![
        artifact("specs/058_task_number_58/reports/research-001.md"),
        artifact("specs/040_other/reports/research-002.md"),
        artifact("specs/058_task_number_58/plans/implementation-001.md"),
        artifact("specs/058_task_number_58/debug/001_x.md"),
    ];
    task
}

fn edited(text: &str, task: &Task) -> String {
    let bytes = edit(text.as_bytes(), task).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let again = edit(text.as_bytes(), task).unwrap();
    assert_eq!(String::from_utf8_lossy(&again), text, "not idempotent");
    text
}

#[test]
fn a_new_file_says_it_all() {
    let task = planned();
    let bytes = new_file(&task);
    assert_eq!(edit(&bytes, &task).as_ref(), Ok(&bytes));
    let state = read(&bytes).unwrap();
    assert_eq!(
        (state.number, state.slug.as_deref()),
        (Some(58), Some("task_number_58"))
    );
    assert_eq!(
        (state.status, state.last_updated),
        (Some(task.status), Some(at(5)))
    );
    assert_eq!(state.warnings, [""; 0]);
    assert_snapshot!(String::from_utf8_lossy(&bytes), @r#"
    {
      "project_name": "task_number_58",
      "project_number": 58,
      "type": "general",
      "phase": "planning_completed",
      "status": "planned",
      "created": "2026-03-02T09:15:00Z",
      "last_updated": "2026-03-02T09:20:00Z",
      "reports": [
        "reports/research-001.md",
        "specs/040_other/reports/research-002.md"
      ],
      "plans": [
        "plans/implementation-001.md"
      ],
      "summaries": [],
      "plan_path": "plans/implementation-001.md"
    }
    "#);
}

#[test]
fn what_is_missing_is_added_where_it_belongs() {
    assert_snapshot!(edited("{}\n", &planned()), @r#"
    {
      "status": "planned",
      "last_updated": "2026-03-02T09:20:00Z",
      "reports": [
        "reports/research-001.md",
        "specs/040_other/reports/research-002.md"
      ],
      "plans": [
        "plans/implementation-001.md"
      ],
      "plan_path": "plans/implementation-001.md"
    }
    "#);
    let text = "{\r\n\t\"project_number\": 58,\r\n\t\"status\": \"active\",\r\n\t\"phase\": \"Phase 1 of 7\",\r\n\t\"last_updated\": \"2026-01-01\",\r\n\t\"mine\": [ 1 ]\r\n}";
    assert_snapshot!(edited(text, &planned()).replace("\r\n", "⏎\n").replace('\t', "→"), @r#"
    {⏎
    →"project_number": 58,⏎
    →"status": "planned",⏎
    →"phase": "planning_completed",⏎
    →"last_updated": "2026-03-02",⏎
    →"reports": [⏎
    →→"reports/research-001.md",⏎
    →→"specs/040_other/reports/research-002.md"⏎
    →],⏎
    →"plans": [⏎
    →→"plans/implementation-001.md"⏎
    →],⏎
    →"plan_path": "plans/implementation-001.md",⏎
    →"mine": [ 1 ]⏎
    }
    "#);
}

#[test]
fn paths_are_written_as_their_neighbours_are() {
    let text = r#"{
  "status": "Planned", "phase": "prose", "last_updated": "2026-03-02T09:20:00.000000",
  "plan_path": ".opencode/specs/58_x/plans/implementation-000.md",
  "reports": [{"type": "research_report", "path": "specs/58_x/reports/research-000.md", "created": "2026-01-01", "summary": "s"}],
  "plans": ["specs/58_x/plans/implementation-000.md"],
  "artifacts": {"summaries": ["summaries/a.md"]}
}
"#;
    let mut task = planned();
    task.artifacts.push(artifact("summaries/b.md"));
    assert_snapshot!(edited(text, &task), @r#"
    {
      "status": "Planned", "phase": "prose", "last_updated": "2026-03-02T09:20:00.000000",
      "plan_path": "specs/058_task_number_58/plans/implementation-001.md",
      "reports": [{"type": "research_report", "path": "specs/58_x/reports/research-000.md", "created": "2026-01-01", "summary": "s"}, {"type": "research_report", "path": "specs/058_task_number_58/reports/research-001.md", "created": "2026-03-02", "summary": "What it says"}, {"type": "research_report", "path": "specs/040_other/reports/research-002.md", "created": "2026-03-02", "summary": "What it says"}],
      "plans": ["specs/58_x/plans/implementation-000.md", "specs/058_task_number_58/plans/implementation-001.md"],
      "artifacts": {"summaries": ["summaries/a.md", "summaries/b.md"]}
    }
    "#);
}

#[test]
fn what_is_there_stays_however_it_is_spelled() {
    let text = r#"{"status":"complete","phase":"any","last_updated":"2026-03-02T10:20:00+01:00","plan_path":"plans/implementation-001.md","reports":["reports/research-001.md",{"path":"specs/40_other/reports/research-002.md"}],"plans":"plans/implementation-001.md"}"#;
    let mut task = planned();
    task.status = TaskStatus::read("completed");
    assert_eq!(edited(text, &task), text);
    task.status = TaskStatus::read("blocked");
    assert_eq!(edited(text, &task), text.replace("complete", "blocked"));
}

#[test]
fn what_is_no_object_is_refused() {
    let said = ["", "[]", "{\"a\": 1,}", "{} {}"].map(|text| {
        let error = edit(text.as_bytes(), &planned()).unwrap_err();
        assert_eq!(read(text.as_bytes()), Err(error.clone()));
        error.to_string()
    });
    assert_snapshot!(said.join("\n"), @"
    line 1: column 0: the file is empty
    line 1: the state of a task is an object, and this is none
    line 1: column 9: a comma has nothing after it
    line 1: column 4: there is more after the end of the first value
    ");
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the real files are outside of this repository"
)]
fn real_files_change_only_where_they_must() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let note = |line: String| writeln!(std::io::stderr(), "{line}").expect("stderr is writable");
    let Ok(directory) = std::fs::read_dir(corpus.join("../../../shared/corpus/project-state"))
    else {
        return note("skipped: no folder shared/ beside the checkout".to_owned());
    };
    let (mut files, mut refused, mut warnings) = (0, 0, 0);
    for entry in directory {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        files += 1;
        let Ok(state) = read(text.as_bytes()) else {
            refused += 1;
            continue;
        };
        warnings += state.warnings.len();
        let has_status = state.status.is_some();
        let mut task = task(state.number.unwrap_or(1), "planned");
        task.status = state.status.unwrap_or_else(|| TaskStatus::read("planned"));
        task.artifacts = state.paths.iter().map(|path| artifact(path)).collect();
        if has_status {
            assert_eq!(edited(&text, &task), text);
        }
        task.artifacts.push(artifact("reports/research-999.md"));
        task.times.insert(TimeKey::LastUpdated, at(0));
        let after = edited(&text, &task);
        let again = read(after.as_bytes()).unwrap();
        assert_eq!(
            again
                .last_updated
                .map(|at| at.seconds_text()[..10].to_owned()),
            Some("2026-03-02".to_owned())
        );
        let lines: Vec<&str> = after.lines().collect();
        let kept = text.lines().filter(|line| {
            let line = line.trim_end_matches(',');
            lines.iter().any(|known| known.contains(line))
        });
        // The instant, and the list that was on one line.
        assert!(kept.count() + 2 >= text.lines().count(), "{after}");
    }
    note(format!(
        "project states: {files} files, {refused} refused, {warnings} warnings"
    ));
}
