//! `log` and `runs`.

use crate::support::{check, environment, flown};

#[test]
fn the_log_of_a_step_and_of_an_attempt() {
    let flown = flown();
    check!(flown, ["log", "1.2"], @r#"
    exit code: 0
    ----- stdout -----
    [SEQ]  [INSTANT]  attempt_dispatched  1.2#1  claude
    [SEQ]  [INSTANT]  attempt_spawned   1.2#1  supervisor [PID]
    [SEQ]  [INSTANT]  attempt_ended   1.2#1  exited with 0
    [SEQ]  [INSTANT]  step_judged   1.2   unverified: `guide/second.md` is missing; refused tools: Bash; again in [T]
    [SEQ]  [INSTANT]  attempt_judged   1.2#1
    [SEQ]  [INSTANT]  attempt_dispatched  1.2#2  claude, a retry
    [SEQ]  [INSTANT]  attempt_spawned   1.2#2  supervisor [PID]
    [SEQ]  [INSTANT]  attempt_ended   1.2#2  exited with 0
    [SEQ]  [INSTANT]  step_judged   1.2   verified: changed guide/second.md
    [SEQ]  [INSTANT]  attempt_judged   1.2#2
    [SEQ]  [INSTANT]  commit_made   1.2   [COMMIT]
    ----- stderr -----
    "#);
    check!(flown, ["log", "1.2#1"], @r#"
    exit code: 0
    ----- stdout -----
    [SEQ]  [INSTANT]  attempt_dispatched  1.2#1  claude
    [SEQ]  [INSTANT]  attempt_spawned   1.2#1  supervisor [PID]
    [SEQ]  [INSTANT]  attempt_ended   1.2#1  exited with 0
    [SEQ]  [INSTANT]  step_judged   1.2   unverified: `guide/second.md` is missing; refused tools: Bash; again in [T]
    [SEQ]  [INSTANT]  attempt_judged   1.2#1
    ----- stderr -----
    "#);
}

#[test]
fn the_log_is_read_on_from_a_cursor() {
    let flown = flown();
    check!(flown, ["log", "--after", "1", "--limit", "4"], @r#"
    exit code: 0
    ----- stdout -----
    [SEQ]  [INSTANT]  run_started   [ID]  fly plans/guide.md with claude
    [SEQ]  [INSTANT]  attempt_dispatched  1.1#1   claude
    [SEQ]  [INSTANT]  attempt_spawned   1.1#1   supervisor [PID]
    [SEQ]  [INSTANT]  attempt_ended   1.1#1   exited with 0
    ----- stderr -----
    "#);
    let all = flown.run(["log", "--limit", "1000", "--json"]);
    let sequences: Vec<u64> = all
        .stdout
        .lines()
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            value["data"]["sequence"].as_u64().unwrap()
        })
        .collect();
    let count = sequences.len() as u64;
    assert!(count > 40, "{count}");
    assert_eq!(
        sequences,
        (1..=count).collect::<Vec<_>>(),
        "oldest first, none left out"
    );
}

#[test]
fn a_closed_reader_is_no_error() {
    let flown = flown();
    let output = flown.run(["log", "--limit", "0"]);
    output.expect_code(0);
}

#[test]
fn runs_are_listed() {
    check!(flown(), ["runs"], @r#"
    exit code: 0
    ----- stdout -----
    run   started   took  ending  done  failed  attempts  asked to
    [ID]  [INSTANT]  [T]  failed  4   1   11   fly plans/guide.md with claude
    ----- stderr -----
    "#);
}

#[test]
fn without_a_store_there_is_nothing_to_tell() {
    check!(environment(), ["log"], @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: nothing is recorded in [WORK] yet
    hint: `airboss run PLAN` flies a plan and records what happens
    "#);
    check!(environment(), ["runs"], @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: nothing is recorded in [WORK] yet
    hint: `airboss run PLAN` flies a plan and records what happens
    "#);
    check!(environment(), ["replay", "1.1"], @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: nothing is recorded in [WORK] yet
    hint: `airboss run PLAN` flies a plan and records what happens
    "#);
}
