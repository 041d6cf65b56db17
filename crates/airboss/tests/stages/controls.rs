//! A person has hold of a stage that flies in another process.

use std::time::Duration;

use airboss_testkit::environment::eventually;
use airboss_testkit::{TestEnvironment, assert_output};

use crate::{REPORT, TASK, begun, honest, ran, section, status, write};

/// A research that waits until the file `go` is there, before what is honest.
fn waiting() -> String {
    let due = format!("{TASK}/reports/research-001.md");
    let wait = "{ shell = \"for i in $(seq 600); do test -e ../go && break; sleep 0.05; done\" }";
    let slow = section("research-001", &[wait.to_owned(), write(&due, REPORT)]);
    format!("{slow}{}", honest())
}

fn await_log(environment: &TestEnvironment, word: &str) {
    let most = Duration::from_secs(60);
    let seen = || environment.run(["log"]).stdout.contains(word);
    assert!(eventually(most, seen), "{}", environment.run(["log"]));
}

#[test]
fn a_paused_workflow_does_not_enter_its_next_stage() {
    let environment = begun(&waiting());
    let mut running = environment.start(["coordinate", "1", "--scope", "plan"]);
    running.await_stderr("started  research-001");
    let told = environment.run(["pause"]);
    assert_eq!(told.code(), 0, "{told}");
    fs_err::write(environment.outside("go"), "").unwrap();
    await_log(&environment, "attempt_judged");
    assert!(running.is_running());
    environment.run(["resume"]).expect_code(0);
    let output = running.wait();
    output.expect_code(0);
    let place = |text: &str| output.stderr.find(text).unwrap();
    assert!(
        place("resumed") < place("started  implementation-001"),
        "{output}"
    );
    assert_eq!(status(&environment), "[PLANNED]");
}

#[test]
fn what_cannot_be_paused_is_named() {
    let environment = begun(&honest());
    environment.config(
        "[gates.banner]\ncommand = \"touch ../gate; for i in $(seq 600); do test -e ../go && break; \
         sleep 0.05; done\"\nsteps = [\"none of them\"]\n",
    );
    let running = environment.start(["coordinate", "1", "--scope", "full"]);
    let gate = environment.outside("gate");
    assert!(eventually(Duration::from_secs(60), || gate.exists()));
    assert_output!(environment, environment.run(["pause"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: no run flies now: process [PID] runs the checks of task 1, or is between two of its stages
    hint: say it again when the next stage has begun; `airboss watch` tells
    "#);
    fs_err::write(environment.outside("go"), "").unwrap();
    running.wait().expect_code(0);
    assert_output!(environment, environment.run(["pause"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: no run flies now
    hint: `airboss runs` tells how the last ones ended
    "#);
}

#[test]
fn the_attempt_of_a_stage_is_killed_and_given_back() {
    let environment = begun(&waiting());
    let mut running = environment.start(["research", "1"]);
    running.await_stderr("started  research-001");
    let told = environment.run(["kill", "research-001", "--yes"]);
    assert_eq!(told.code(), 0, "{told}");
    let output = running.wait();
    output.expect_code(3);
    environment.assert_no_process_left();
    assert_eq!(output.told("started  research-001").len(), 1, "{output}");
    fs_err::write(environment.outside("go"), "").unwrap();
    let told = environment.run(["retry", "research-001"]);
    assert_eq!(told.code(), 0, "{told}");
    ran(&environment, ["research", "1", "--resume"]).expect_code(0);
    assert_eq!(status(&environment), "[RESEARCHED]");
}
