//! Tasks that nobody goes on with.

use airboss_testkit::{TestEnvironment, assert_output};

use crate::{PLAN, PLAN_PATH, adopted, adopted_with, data};

/// Looks, and that changes nothing.
#[track_caller]
fn reviewed(environment: &TestEnvironment) -> airboss_testkit::environment::Output {
    let before = environment.state();
    let told = environment.run(["review"]);
    let changed = airboss_testkit::environment::differing(&before, &environment.state());
    assert!(changed.is_empty(), "{changed:?} changed: {told}");
    told
}

#[test]
fn each_finding_has_its_evidence_and_its_command() {
    let environment = adopted();
    for words in [
        &["task", "edit", "55", "--depends", "51"][..],
        &["task", "add", "Paint it", "--depends", "54"],
        &["task", "abandon", "54", "--reason", "no"],
        &["task", "status", "53", "on_hold"],
    ] {
        environment.run(words).expect_code(0);
    }
    fs_err::remove_file(environment.path(PLAN_PATH)).unwrap();
    assert_output!(environment, reviewed(&environment), @r#"
    exit code: 0
    ----- stdout -----
    Said to be worked on, by nobody
       52   implementing since [TIME], and no run is behind it
            → airboss implement 52 --resume

    Linked, and not there
       52   specs/052_draw_the_frame/plans/implementation-001.md
            → airboss task unlink 52 specs/052_draw_the_frame/plans/implementation-001.md

    Blocked by what is finished
       55   task 51 is done; it was blocked: the palette is not decided
            → airboss task unblock 55

    Without a next step
       53   is on_hold
            → airboss task status 53 not_started
       56   waits for task 54, which was left abandoned
            → airboss task edit 56 --depends 53
       57   waits for task 54, which was left abandoned
            → airboss task edit 57 --depends none

    6 findings
    ----- stderr -----
    "#);
    environment.write(PLAN_PATH, PLAN.replace("NOT STARTED", "COMPLETED"));
    let told = environment.run(["review", "--json"]);
    insta::assert_snapshot!(data(&told)["findings"][0], @r#"
    {"command":"airboss task status 52 completed","evidence":"all 2 phases of specs/052_draw_the_frame/plans/implementation-001.md are done, the task implementing","finding":"phases_done","task":52,"title":"Draw the frame"}
    "#);
    environment.run(["review", "--check"]).expect_code(1);
}

#[test]
fn the_commands_end_what_they_are_named_for() {
    let environment = adopted();
    environment
        .run(["task", "edit", "55", "--depends", "51"])
        .expect_code(0);
    environment.write(PLAN_PATH, PLAN.replace("NOT STARTED", "SKIPPED"));
    environment
        .run(["task", "abandon", "54", "--reason", "no"])
        .expect_code(0);
    let told = environment.run(["review", "--json"]);
    let findings = data(&told)["findings"].as_array().cloned().unwrap();
    assert_eq!(findings.len(), 3, "{told}");
    for finding in findings {
        let command = finding["command"].as_str().unwrap().to_owned();
        let words: Vec<&str> = command.split(' ').skip(1).collect();
        environment.run(&words).expect_code(0);
    }
    assert_output!(environment, environment.run(["review", "--check"]), @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    every task has somebody or something that goes on with it
    "#);
}

#[test]
fn how_long_is_long_is_a_setting() {
    let environment = adopted_with("[board]\nstale_after = \"36500 d\"\n");
    let told = environment.run(["review", "--check"]);
    assert_eq!(told.code(), 0, "{told}");
    let doctor = environment.run(["doctor", "--json"]);
    let checks = data(&doctor)["checks"].as_array().cloned().unwrap();
    let in_flight = checks.iter().filter(|check| check["name"] == "in flight");
    assert_eq!(in_flight.count(), 0, "{doctor}");
}
