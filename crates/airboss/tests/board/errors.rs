//! Failures of board commands: recorded once, shown, and fixed when they are over.

use airboss_testkit::{TestEnvironment, assert_output};
use serde_json::Value;

use crate::{adopted, data, differences, leading_out, refused};

/// The errors as `errors --json` lists them: code, severity, how far, task.
fn listed(environment: &TestEnvironment) -> Vec<String> {
    let told = environment.run(["errors", "--json"]);
    let errors = data(&told)["errors"]
        .as_array()
        .cloned()
        .expect("the test made it so");
    let line = |entry: &Value| {
        let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let task = &entry["context"]["task"];
        format!(
            "{} {} {} {task}",
            text("code"),
            text("severity"),
            text("fix_status")
        )
    };
    errors.iter().map(line).collect()
}

/// The fix status of every entry of a v2 file of errors.
fn in_file(environment: &TestEnvironment, path: &str) -> Vec<String> {
    let file: Value = serde_json::from_str(&environment.read(path)).expect("the test made it so");
    let entries = file["errors"].as_array().cloned().unwrap_or_default();
    let pair = |entry: &Value| format!("{} {}", entry["type"], entry["fix_status"]);
    entries.iter().map(pair).collect()
}

/// Begins a merge that nobody ends, so that no commit can be made.
fn merging(environment: &TestEnvironment) {
    let head = environment.git(["rev-parse", "HEAD"]);
    environment.write(".git/MERGE_HEAD", format!("{}\n", head.trim()));
}

fn merged(environment: &TestEnvironment) {
    fs_err::remove_file(environment.path(".git/MERGE_HEAD")).expect("the test made it so");
}

#[test]
fn a_commit_that_waits_is_recorded_once_and_fixed_when_it_is_made() {
    let environment = adopted();
    merging(&environment);
    let told = environment.run(["task", "status", "53", "planned"]);
    told.expect_code(11);
    assert_eq!(
        listed(&environment),
        ["GIT_COMMIT_FAILED low unfixed 53"],
        "{told}"
    );
    environment
        .run(["task", "status", "54", "implementing"])
        .expect_code(11);
    assert_eq!(listed(&environment).len(), 1);
    assert_eq!(
        in_file(&environment, "specs/errors.json"),
        [r#""git_commit_failed" "unfixed""#]
    );
    assert_output!(environment, environment.run(["errors"]), @r#"
    exit code: 0
    ----- stdout -----
    1 low
    git_commit_failed@53  1×  open  [TIME]  the commit of a change waits: a merge is in progress
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["errors", "show", "err"]), @r#"
    exit code: 0
    ----- stdout -----
    err_[MS] GIT_COMMIT_FAILED
      what       the commit of a change waits: a merge is in progress
      when       [TIME]
      level      low: the work went on
      status     open
      task       53
      at         COMMIT
      remedy     end what is in the way of the commit; the next command that writes makes it
    ----- stderr -----
    "#);
    merged(&environment);
    environment
        .run(["task", "status", "56", "planned"])
        .expect_code(0);
    assert_eq!(listed(&environment), ["GIT_COMMIT_FAILED low fixed 53"]);
    assert_eq!(
        in_file(&environment, "specs/errors.json"),
        [r#""git_commit_failed" "fixed""#]
    );
    assert_eq!(differences(&environment), []);
}

#[test]
fn a_file_that_cannot_be_written_is_critical_until_it_is_written() {
    let environment = adopted();
    let sound = leading_out(&environment);
    let told = environment.run(["task", "status", "53", "planned"]);
    told.expect_code(10);
    assert_eq!(
        listed(&environment),
        ["STATUS_SYNC_FAILED critical unfixed 53"]
    );
    assert_eq!(
        told.told("it is recorded: `airboss errors show err_").len(),
        1
    );
    fs_err::remove_file(environment.path("specs/state.json")).expect("the test made it so");
    environment.write("specs/state.json", sound);
    environment.run(["task", "status", "54", "implementing"]);
    assert_eq!(
        listed(&environment),
        ["STATUS_SYNC_FAILED critical fixed 53"]
    );
}

#[test]
fn what_is_no_errors_json_is_left_alone() {
    for theirs in [
        r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "properties": {}}"#,
        "not JSON at all",
    ] {
        let environment = adopted();
        environment.write("specs/errors.json", theirs);
        merging(&environment);
        environment
            .run(["task", "status", "53", "planned"])
            .expect_code(11);
        assert_eq!(environment.read("specs/errors.json"), theirs);
        assert_eq!(
            in_file(&environment, "specs/errors.airboss.json"),
            [r#""git_commit_failed" "unfixed""#]
        );
    }
}

#[test]
fn a_file_that_is_too_large_is_named_and_left_alone() {
    let environment = adopted();
    assert_output!(environment, environment.run(["errors"]), @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    no errors
    "#);
    let large = format!("{{ \"errors\": [{}] }}", " ".repeat(17 << 20));
    environment.write("specs/errors.json", &large);
    assert_output!(environment, environment.run(["errors"]), @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    warning: specs/errors.json: it has more than 16 MiB, and is not read
    no errors
    "#);
    merging(&environment);
    environment
        .run(["task", "status", "53", "planned"])
        .expect_code(11);
    assert!(environment.read("specs/errors.json") == large);
    assert_eq!(
        in_file(&environment, "specs/errors.airboss.json"),
        [r#""git_commit_failed" "unfixed""#]
    );
}

const OTHERS: &str = r#"{
  "_schema_version": "2.0.0",
  "errors": [
    {
      "id": "err_1772442900000",
      "timestamp": "2026-03-02T09:15:00Z",
      "type": "build_error",
      "severity": "high",
      "message": "the build of the frame failed",
      "context": { "task": 52, "command": "/implement" },
      "recovery": { "suggested_action": "mend the frame", "auto_recoverable": false },
      "fix_status": "unfixed"
    },
    {
      "id": "err_1772442900001",
      "timestamp": "2026-03-02T09:16:00Z",
      "type": "timeout",
      "severity": "medium",
      "message": "the research took too long",
      "context": { "task": 53 },
      "recovery": { "suggested_action": "try again", "auto_recoverable": true },
      "fix_status": "fixed"
    }
  ]
}
"#;

#[test]
fn errors_of_others_are_listed_filtered_and_shown() {
    let environment = adopted();
    environment.write("specs/errors.json", OTHERS);
    environment.commit("errors of others");
    assert_output!(environment, environment.run(["errors", "list"]), @r#"
    exit code: 0
    ----- stdout -----
    1 high
    err_[MS]  [TIME]  open  task 52  BUILD_ERROR  the build of the frame failed

    1 medium
    err_[MS]  [TIME]  fixed  task 53  TIMEOUT  the research took too long
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["errors", "--open", "--task", "52"]), @r#"
    exit code: 0
    ----- stdout -----
    1 high
    build_error@52  1×  open  [TIME]  the build of the frame failed
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["errors", "--kind", "TIMEOUT", "--severity", "medium"]), @r#"
    exit code: 0
    ----- stdout -----
    1 medium
    timeout@53  1×  fixed  [TIME]  the research took too long
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["errors", "--severity", "critical"]), @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    there are no such errors
    "#);
    assert_output!(environment, environment.run(["errors", "show", "err_1772442900000"]), @r#"
    exit code: 0
    ----- stdout -----
    err_[MS] BUILD_ERROR
      what       the build of the frame failed
      when       [TIME]
      level      high: the command failed
      status     open
      task       52
      command    /implement
      remedy     mend the frame
    ----- stderr -----
    "#);
}

#[test]
fn an_error_of_others_is_resolved_in_its_file() {
    let environment = adopted();
    environment.write("specs/errors.json", OTHERS);
    environment.commit("errors of others");
    assert_output!(environment, refused(&environment, ["errors", "resolve", "err_1"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: `err_1` begins the ids of 2 errors
    hint: `airboss errors` lists them
    "#);
    assert_output!(environment, refused(&environment, ["errors", "show", "none"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: no error begins with `none`
    hint: `airboss errors` lists them
    "#);
    assert_output!(environment, environment.run(["errors", "resolve", "err_1772442900000"]), @r#"
    exit code: 0
    ----- stdout -----
    err_[MS]: fixed
    ----- stderr -----
    "#);
    let expected = OTHERS.replacen("unfixed", "fixed", 1);
    assert_eq!(environment.read("specs/errors.json"), expected);
    assert_output!(environment, environment.run(["errors", "resolve", "err_1772442900000"]), @r#"
    exit code: 0
    ----- stdout -----
    err_[MS]: fixed already
    ----- stderr -----
    "#);
}

#[test]
fn errors_are_grouped_by_cause() {
    let environment = adopted();
    let again = r#"    {
      "id": "err_1772442800000",
      "timestamp": "2026-03-01T09:16:00Z",
      "type": "timeout",
      "severity": "medium",
      "message": "the research took $(touch x) too long",
      "context": { "task": 53 },
      "recovery": { "suggested_action": "try again", "auto_recoverable": true },
      "fix_status": "unfixed"
    },
"#;
    let errors = OTHERS.replacen("    {\n", &format!("{again}    {{\n"), 1);
    environment.write("specs/errors.json", errors);
    environment.commit("errors of others");
    assert_output!(environment, environment.run(["errors"]), @r#"
    exit code: 0
    ----- stdout -----
    1 high
    build_error@52  1×  open  [TIME]  the build of the frame failed

    1 medium
    timeout@53  2×  1 open  [TIME] – [TIME]  the research took too long
    ----- stderr -----
    "#);
    let told = environment.run(["errors", "--json", "--kind", "timeout"]);
    let group = &data(&told)["groups"][0];
    let facts = ["group", "count", "open", "first", "last"].map(|key| group[key].to_string());
    let expected = ["\"timeout@53\"", "2", "1", "1772356560000", "1772442960000"];
    assert_eq!(facts, expected);
}

#[test]
fn a_group_gets_one_task_that_mends_it() {
    let environment = adopted();
    environment.write("specs/errors.json", OTHERS);
    environment.commit("errors of others");
    assert_output!(environment, environment.run(["errors", "fix", "build"]), @r#"
    exit code: 0
    ----- stdout -----
    57  created  Mend the cause of build_error@52
         commit [COMMIT]
    ----- stderr -----
    "#);
    assert_eq!(differences(&environment), []);
    let todo = environment.read("specs/TODO.md");
    let entry = todo.split("Mend the cause of").nth(1).unwrap_or_default();
    let entry = entry.split("\n---").next().unwrap_or_default();
    environment.settings().bind(|| {
        insta::assert_snapshot!(entry, @r#"
         build_error@52
        - **Effort**: TBD
        - **Status**: [NOT STARTED]
        - **Priority**: Medium
        - **Dependencies**: None
        - **Artifacts**: [errors.json](specs/errors.json)

        **Description**: Error group `build_error@52`: seen once, first [TIME], last [TIME]. The newest: the build of the frame failed. Remedy: mend the frame. Evidence: `airboss errors show` err_[MS].
        "#);
    });
    assert_eq!(listed(&environment)[0], "BUILD_ERROR high investigating 52");
    assert_output!(environment, environment.run(["errors", "fix", "build_error@52"]), @r#"
    exit code: 0
    ----- stdout -----
    57  mends build_error@52 already  Mend the cause of build_error@52
    ----- stderr -----
    "#);
    assert_output!(environment, refused(&environment, ["errors", "fix", "rain"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: there is no group of errors `rain`
    hint: there are build_error@52, timeout@53
    "#);
    // Who is done with it is asked again when it comes back.
    let list = environment.run(["task", "list", "--json"]);
    let tasks = data(&list)["tasks"].as_array().cloned().unwrap_or_default();
    let mending = tasks.iter().map(|task| task["number"].as_u64()).max();
    let mending = mending.flatten().unwrap_or_default().to_string();
    environment
        .run(["task", "abandon", &mending, "--reason", "done by hand"])
        .expect_code(0);
    assert_output!(environment, environment.run(["errors", "fix", "build_error@52"]), @r#"
    exit code: 0
    ----- stdout -----
    58  created  Mend the cause of build_error@52
         commit [COMMIT]
    ----- stderr -----
    "#);
    assert_eq!(differences(&environment), []);
}
