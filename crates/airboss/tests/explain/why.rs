//! `why` and `answer`.

use crate::support::{PLAN, check, environment, flown, prepared};

#[test]
fn a_step_that_was_done_at_once() {
    check!(flown(), ["why", "1.1"], @"");
}

#[test]
fn a_lie_and_its_correction() {
    check!(flown(), ["why", "1.2"], @"");
}

#[test]
fn an_agent_that_hung() {
    check!(flown(), ["why", "1.3"], @"");
}

#[test]
fn a_red_gate() {
    check!(flown(), ["why", "1.4"], @"");
}

#[test]
fn a_question() {
    check!(flown(), ["why", "2.1"], @"");
}

#[test]
fn retries_that_are_used_up() {
    check!(flown(), ["why", "2.2"], @"");
}

#[test]
fn a_step_that_is_blocked() {
    check!(flown(), ["why", "3.1"], @"");
}

#[test]
fn a_step_that_a_person_skipped() {
    check!(flown(), ["why", "3.2"], @"");
}

#[test]
fn one_attempt_of_several() {
    check!(flown(), ["why", "1.2#1"], @"");
}

#[test]
fn a_step_as_json_says_the_same() {
    let output = flown().run(["why", "3.1", "--json"]);
    output.expect_code(0);
    let value: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(value["schema_version"], 1);
    let data = &value["data"];
    assert_eq!(data["standing"], "blocked");
    assert_eq!(data["state"]["status"], "pending");
    assert_eq!(data["held_back_by"][0]["id"], "2.1");
}

#[test]
fn what_does_not_exist() {
    let flown = flown();
    check!(flown, ["why", "9.9"], @"");
    check!(flown, ["why", "1.22"], @"");
    check!(flown, ["why", "1.2#9"], @"");
    check!(flown, ["why", "1.2#x"], @"");
    check!(flown, ["why", "1.1", "--plan", "plans/other.md"], @"");
}

#[test]
fn a_prefix_of_several_attempts_is_refused_with_their_names() {
    let flown = flown();
    // Ids begin with their time, so all of a flight begin alike.
    let output = flown.run(["why", "01"]);
    output.expect_code(4);
    assert!(
        output.stderr.contains("begins the ids of several attempts"),
        "{output}"
    );
    assert_eq!(output.told("hint:").len(), 11, "{output}");
}

#[test]
fn without_a_store_there_is_a_hint() {
    let environment = environment();
    let before = environment.state();
    check!(environment, ["why", "1.1"], @"");
    assert_eq!(environment.state(), before);
    assert!(!environment.path(".git/airboss").exists());
}

#[test]
fn without_its_plan_a_step_is_told_from_the_store() {
    let environment = prepared();
    environment
        .run(["run", PLAN, "--agent", "claude", "--max-attempts", "1"])
        .expect_code(124);
    fs_err::remove_file(environment.path(PLAN)).unwrap();
    check!(environment, ["why", "1.1"], @"");
    check!(environment, ["why", "2.1"], @"");
}

#[test]
fn a_question_is_answered_once_and_the_flight_goes_on() {
    let environment = prepared();
    environment
        .run(["run", PLAN, "--agent", "claude"])
        .expect_code(1);
    check!(environment, ["answer", "1.1", "blue"], @"");
    check!(environment, ["answer", "2.1", " "], @"");
    check!(environment, ["answer", "2.1", "blue", "--id", "one"], @"");
    check!(environment, ["answer", "2.1", "blue", "--id", "one"], @"");
    check!(environment, ["answer", "2.1", "red"], @"");
    check!(environment, ["why", "2.1"], @"");
}
