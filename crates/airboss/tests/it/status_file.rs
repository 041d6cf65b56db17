//! status.json between the program and everybody else.

use airboss_testkit::assert_output;

use crate::{demo, registered};

const STATUS: &str = "docs/plan-outputs/demo/status.json";

#[test]
fn an_older_file_is_taken_over_with_its_times() {
    let environment = demo();
    let old = r#"{"planPath":"./plans/demo.md", "mine": [1,  2],
 "tasks":[{"id":"1.1","phase":"Phase 1: Measure","description":"Measure the width","status":"completed","startedAt":"2025-12-23T05:00:00.000Z","completedAt":"2025-12-23T06:00:00.000Z","duration":3600000,"notes":true},
 {"id":"1.2","phase":"Phase 1: Measure","description":"Measure the height","status":"failed","error":"red","retryCount":2},
 {"id":"9.9","description":"Gone","status":"pending"}],"runs":[]}"#;
    environment.write(STATUS, old);
    assert_output!(environment, environment.run(["status", "--plan", "plans/demo.md"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "completed": 1,
      "currentPhase": "Phase 1: Measure",
      "failed": 1,
      "inProgress": 0,
      "pending": 1,
      "percentage": 33,
      "planName": "demo",
      "planPath": "plans/demo.md",
      "skipped": 0,
      "source": "status.json",
      "total": 3
    }
    ----- stderr -----
    "#);
    assert_eq!(environment.read(STATUS), old);
    drop(environment.run(["mark-started", "1.2", "--plan", "plans/demo.md"]));
    assert_output!(environment, environment.read(STATUS), @r#"
    {"version":2,"planPath":"./plans/demo.md","planHash":"[HASH]","lastUpdatedAt":"[TIME]","currentPhase":"Phase 1: Measure", "mine": [1,  2],
     "tasks":[{"id":"1.1","phase":"Phase 1: Measure","description":"Measure the width","status":"completed","startedAt":"[TIME]","completedAt":"[TIME]","duration":3600000,"notes":true},
     {"id":"1.2","phase":"Phase 1: Measure","description":"Measure the height","status":"in_progress","startedAt":"[TIME]","retryCount":2,"lastError":"red","lastErrorAt":"[TIME]"},
     {"id":"2.1","phase":"Phase 2: Mend","description":"Mend what is too wide","status":"pending"},
     {"id":"9.9","description":"Gone","status":"pending"}],"runs":[],"summary":{"totalTasks":4,"completed":1,"pending":2,"in_progress":1,"failed":0,"skipped":0}}
    "#);
}

#[test]
fn a_hand_edit_of_a_status_is_drift_and_never_believed() {
    let environment = registered();
    let edited = environment.read(STATUS).replacen("pending", "completed", 1);
    environment.write(STATUS, &edited);
    assert_output!(environment, environment.run(["sync", "--check"]), @r#"
    exit code: 1
    ----- stdout -----
    {
      "drift": [
        "docs/plan-outputs/demo/status.json: task 1.1 is \"completed\", and the store says \"pending\""
      ],
      "inSync": false
    }
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["validate"]), @r#"
    exit code: 1
    ----- stdout -----
    {
      "issues": [
        {
          "file": "docs/plan-outputs/demo/status.json",
          "message": "docs/plan-outputs/demo/status.json: task 1.1 is \"completed\", and the store says \"pending\"",
          "severity": "error"
        },
        {
          "file": "docs/plan-outputs/demo/status.json",
          "message": "the summary is wrong; it is counted again at the next write",
          "severity": "warning"
        }
      ],
      "issuesFixed": 0,
      "issuesFound": 2,
      "summary": {
        "completed": 0,
        "failed": 0,
        "in_progress": 0,
        "pending": 3,
        "skipped": 0,
        "total": 3
      },
      "valid": false
    }
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["sync"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "success": true
    }
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["sync", "--check"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "drift": [],
      "inSync": true
    }
    ----- stderr -----
    "#);
}

#[test]
fn an_unreadable_file_is_kept_and_written_anew() {
    let environment = registered();
    environment.write(STATUS, "{\"tasks\": [");
    assert_output!(environment, environment.run(["mark-started", "1.1"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "status": "in_progress",
      "success": true,
      "taskId": "1.1"
    }
    ----- stderr -----
    warning: docs/plan-outputs/demo/status.json could not be read (line 1 is no JSON (EOF while parsing a list at line 1 column 11)); it is kept as docs/plan-outputs/demo/status.json.corrupt-1 and was written anew
    "#);
    assert_eq!(
        environment.read(&format!("{STATUS}.corrupt-1")),
        "{\"tasks\": ["
    );
    assert_output!(environment, environment.run(["sync", "--check"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "drift": [],
      "inSync": true
    }
    ----- stderr -----
    "#);
}

#[test]
fn a_newer_file_is_left_alone() {
    let environment = registered();
    environment.write(STATUS, "{\"version\": 99, \"tasks\": []}");
    assert_output!(environment, environment.run(["mark-started", "1.1"]), @r#"
    exit code: 10
    ----- stdout -----
    {
      "status": "in_progress",
      "success": true,
      "taskId": "1.1"
    }
    ----- stderr -----
    warning: the change is stored, but docs/plan-outputs/demo/status.json could not be written: it has version 99, and this airboss knows versions up to 2; the next command tries again
    "#);
    assert_eq!(environment.read(STATUS), "{\"version\": 99, \"tasks\": []}");
}

#[test]
fn an_edited_plan_is_registered_anew() {
    let environment = registered();
    drop(environment.run(["mark-complete", "1.1"]));
    let plan = environment.read("plans/demo.md").replace(
        "- [ ] 1.2 Measure the height\n",
        "- [ ] 1.3 Measure the depth\n",
    );
    environment.write("plans/demo.md", plan);
    drop(environment.run(["mark-started", "1.3"]));
    assert_output!(environment, environment.run(["status"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "completed": 1,
      "currentPhase": "Phase 1: Measure",
      "failed": 0,
      "inProgress": 1,
      "pending": 1,
      "percentage": 33,
      "planName": "demo",
      "planPath": "plans/demo.md",
      "skipped": 0,
      "source": "status.json",
      "total": 3
    }
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["sync-check"]), @r#"
    exit code: 1
    ----- stdout -----
    {
      "discrepancies": [
        {
          "description": "Measure the width",
          "id": "1.1",
          "issue": "completed, but not ticked in the plan",
          "markdownChecked": false,
          "statusJson": "completed"
        }
      ],
      "inSync": false,
      "markdownTasks": 3,
      "onlyInMarkdown": [],
      "onlyInStatusJson": [
        "1.2"
      ],
      "planPath": "plans/demo.md",
      "recommendation": "boxes are the author's and count for nothing; `airboss sync` mends status.json",
      "statusJsonTasks": 4,
      "summary": {
        "discrepancyCount": 1,
        "onlyInMarkdownCount": 0,
        "onlyInStatusJsonCount": 1
      }
    }
    ----- stderr -----
    "#);
}
