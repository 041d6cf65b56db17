//! A person ends a run, or starts a second one.

use airboss_testkit::environment::{Signal, TestEnvironment};

use crate::support::*;

/// A run whose first attempt waits until the file `go` is there.
pub(crate) fn waiting() -> TestEnvironment {
    let environment = environment();
    environment.config(
        "[limits]\nidle = \"30s\"\ninterrupt_grace = \"300ms\"\nterminate_grace = \"300ms\"\n",
    );
    environment.plan(PLAN, ten_steps());
    environment.script(&script(
        r#"
        [[step]]
        match = "1.1"
        attempt = 1
        actions = [
          { say = "Waiting." },
          { shell = "touch ../waits; for i in $(seq 600); do test -e ../go && break; sleep 0.05; done" },
          { write = "out/1-1.txt", text = "x" },
          { say = "Done." },
        ]
        "#,
    ));
    environment
}

pub(crate) fn await_file(environment: &TestEnvironment, name: &str) {
    let most = std::time::Duration::from_secs(30);
    let path = environment.outside(name);
    assert!(airboss_testkit::environment::eventually(most, || path.exists()));
}

#[track_caller]
fn drains(signal: Signal, code: i32) {
    let environment = waiting();
    let mut run = environment.start(["run", PLAN, "--agent", "claude"]);
    await_file(&environment, "waits");
    run.signal(signal);
    run.await_stderr("draining 1 attempt running");
    assert!(run.is_running());
    fs_err::write(environment.outside("go"), "").unwrap();
    let output = run.wait();
    output.expect_code(code);
    assert_eq!(with_status(&environment, "completed"), "1.1", "{output}");
    assert_eq!(starts(&output, "1.2"), 0);
    assert_eq!(commits(&environment).len(), 1);
    environment.assert_no_process_left();
    environment
        .run(["run", PLAN, "--agent", "claude"])
        .expect_code(0);
    assert_eq!(commits(&environment).len(), 10);
}

#[test]
fn once_interrupted_it_drains() {
    drains(Signal::INT, 130);
}

#[test]
fn terminated_it_drains_too() {
    drains(Signal::TERM, 143);
}

#[test]
fn twice_interrupted_it_ends() {
    let environment = waiting();
    let mut run = environment.start(["run", PLAN, "--agent", "claude"]);
    await_file(&environment, "waits");
    run.signal(Signal::INT);
    run.await_stderr("draining");
    run.signal(Signal::INT);
    let output = run.wait();
    output.expect_code(130);
    environment.assert_no_process_left();
    assert_eq!(commits(&environment), []);
    assert_eq!(with_status(&environment, "failed"), "", "{output}");
    // It was nobody's fault, so the step has all its attempts.
    let again = environment.run(["run", PLAN, "--agent", "claude"]);
    again.expect_code(0);
    assert_eq!(starts(&again, "1.1"), 1, "{again}");
}

#[test]
fn a_second_runner_is_refused_by_the_first_ones_pid() {
    let environment = waiting();
    let run = environment.start(["run", PLAN, "--agent", "claude"]);
    await_file(&environment, "waits");
    let before = environment.state();
    let second = environment.run(["run", PLAN, "--agent", "claude"]);
    second.expect_code(75);
    let words = format!("{PLAN} is being flown by process {}", run.pid());
    assert_eq!(second.told(&words).len(), 1, "{second}");
    assert_eq!(environment.state(), before);
    // Another plan of the same tree may be flown meanwhile.
    environment.plan("plans/other.md", plan(&[&[("7.1", "Write `out/7-1.txt`")]]));
    environment
        .run(["run", "plans/other.md", "--agent", "claude"])
        .expect_code(0);
    fs_err::write(environment.outside("go"), "").unwrap();
    run.wait().expect_code(0);
}
