//! `kill -9` in every state of a workflow: the next call goes on, and nothing is lost.

use std::time::Duration;

use airboss_testkit::assert_output;
use airboss_testkit::environment::eventually;
use rustix::process::Signal;

use crate::{TASK, begun, honest, ran, section, status, subjects, write};

/// The unit at whose beginning the process is killed, and how far the log is by then.
const UNITS: [&str; 6] = [
    "research-001",
    "implementation-001",
    "p1",
    "p2",
    "001_shorten_the_banner",
    "documentation",
];

#[test]
fn a_workflow_goes_on_where_it_was_killed() {
    let whole = begun(&honest());
    ran(&whole, ["coordinate", "1", "--scope", "full", "-q"]).expect_code(0);
    let expected = subjects(&whole);
    for unit in UNITS {
        let environment = begun(&honest());
        let running = environment.start(["coordinate", "1", "--scope", "full"]);
        let started = format!("started  {unit}");
        let seen = eventually(Duration::from_secs(60), || {
            running.stderr().contains(&started)
        });
        assert!(seen, "{unit}: {}", running.stderr());
        running.signal(Signal::KILL);
        running.wait();
        let told = environment.run(["coordinate", "1", "-q"]);
        assert_eq!(told.code(), 0, "{unit}: {told:?}");
        assert_eq!(subjects(&environment), expected, "{unit}");
        assert_eq!(status(&environment), "[COMPLETED]", "{unit}");
        environment.run(["verify"]).expect_code(0);
        environment.assert_no_process_left();
    }
}

#[test]
fn a_stage_that_was_killed_says_so_and_is_resumed() {
    let due = format!("{TASK}/reports/research-001.md");
    let slow = ["{ sleep = 30.0 }".to_owned(), write(&due, crate::REPORT)];
    let environment = begun(&section("research-001", &slow));
    let mut running = environment.start(["research", "1"]);
    running.await_stderr("started  research-001");
    running.signal(Signal::KILL);
    running.wait();
    environment.script(&honest());
    let told = environment.run(["research", "1"]);
    assert_output!(environment, told, @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: task 1 is researching and no run is behind it; --resume goes on with it
    "#);
    let told = environment.run(["research", "1", "--resume", "-q"]);
    assert_eq!(told.code(), 0, "{told:?}");
    assert_eq!(status(&environment), "[RESEARCHED]");
}
