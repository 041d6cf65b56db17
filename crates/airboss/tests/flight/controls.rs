//! A person has hold of a run that flies in another process: pause, stop, kill, retry.

use std::time::Duration;

use airboss_testkit::assert_output;
use airboss_testkit::environment::{Output, Signal, TestEnvironment, eventually};

use crate::signals::{await_file, waiting};
use crate::support::*;

const RUN: [&str; 4] = ["run", PLAN, "--agent", "claude"];

fn go(environment: &TestEnvironment) {
    fs_err::write(environment.outside("go"), "").unwrap();
}

/// A command by somebody who is called Ann.
fn ann<const N: usize>(environment: &TestEnvironment, words: [&str; N]) -> Output {
    environment.command(words).env("USER", "ann").run()
}

#[track_caller]
fn await_status(environment: &TestEnvironment, status: &str, steps: &str) {
    let most = Duration::from_secs(30);
    let reached = eventually(most, || with_status(environment, status) == steps);
    assert!(reached, "{:?}", statuses(environment));
}

/// Three steps; the first hangs with a child that left its group, at its first attempt.
fn hanging() -> TestEnvironment {
    let environment = environment();
    environment.config(
        "[limits]\nidle = \"60s\"\ninterrupt_grace = \"300ms\"\nterminate_grace = \"300ms\"\nbackoff = \"50ms\"\n",
    );
    environment.plan(
        PLAN,
        plan(&[&[
            ("1.1", "Write `out/1-1.txt`"),
            ("1.2", "Write `out/1-2.txt`"),
            ("1.3", "Write `out/1-3.txt` (depends: 1.1)"),
        ]]),
    );
    environment.script(&script(
        r#"
        [[step]]
        match = "1.1"
        attempt = 1
        actions = [
          { say = "Working." },
          { spawn = 600, detached = true },
          { shell = "touch ../hangs; sleep 600" },
        ]
        [[step]]
        match = "1.2"
        attempt = 1
        actions = [
          { shell = "touch ../waits; for i in $(seq 600); do test -e ../go && break; sleep 0.05; done" },
          { write = "out/1-2.txt", text = "x" },
          { say = "Done." },
        ]
        "#,
    ));
    environment
}

#[test]
fn a_pause_holds_the_next_step_back_until_it_is_resumed() {
    let environment = waiting();
    let mut run = environment.start(RUN);
    await_file(&environment, "waits");
    assert_output!(environment, ann(&environment, ["pause"]), @"
    exit code: 0
    ----- stdout -----
    run [ID] of plans/work.md is paused: 1 attempt running, nothing new is sent; `airboss resume` goes on
    ----- stderr -----
    ");
    assert_output!(environment, environment.run(["pause", "--json"]), @r#"
    exit code: 0
    ----- stdout -----
    {"data":{"changed":false,"paused":{"at":"[TIME]","by":"ann"},"plan":"plans/work.md","run":"[ID]","running":1},"schema_version":1}
    ----- stderr -----
    "#);
    run.await_stderr("paused   by ann, 1 attempt running; `airboss resume` goes on");
    go(&environment);
    // What flew is verified and committed as always.
    await_status(&environment, "completed", "1.1");
    let most = Duration::from_secs(30);
    assert!(eventually(most, || commits(&environment).len() == 1));
    assert_output!(environment, environment.run(["status"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "completed": 1,
      "currentPhase": "Phase 1: Part 1",
      "failed": 0,
      "inProgress": 0,
      "paused": {
        "at": "[TIME]",
        "by": "ann"
      },
      "pending": 9,
      "percentage": 10,
      "planName": "work",
      "planPath": "plans/work.md",
      "skipped": 0,
      "source": "status.json",
      "total": 10
    }
    ----- stderr -----
    "#);
    let runs = environment.run(["runs"]);
    assert_eq!(runs.stdout.matches("paused").count(), 1, "{runs}");
    assert!(run.is_running());
    assert_output!(environment, environment.run(["resume"]), @"
    exit code: 0
    ----- stdout -----
    run [ID] of plans/work.md goes on
    ----- stderr -----
    ");
    assert_output!(environment, environment.run(["resume"]), @"
    exit code: 0
    ----- stdout -----
    run [ID] of plans/work.md is not paused
    ----- stderr -----
    ");
    let output = run.wait();
    output.expect_code(0);
    let place = |text: &str| output.stderr.find(text).unwrap();
    assert!(place("resumed") < place("started  1.2"), "{output}");
    assert_eq!(commits(&environment).len(), 10);
    assert_logged(&environment);
}

/// The pause is in the log, with who wanted it, and nowhere else any more.
#[track_caller]
fn assert_logged(environment: &TestEnvironment) {
    let log = environment.run(["log", "--limit", "500"]);
    for text in ["run_paused", "by ann", "run_resumed"] {
        log.shows(text);
    }
    assert_eq!(
        environment.run(["status"]).stdout.matches("paused").count(),
        0
    );
}

#[test]
fn a_paused_run_that_is_killed_is_gone_on_with_unpaused() {
    let environment = waiting();
    let run = environment.start(RUN);
    await_file(&environment, "waits");
    environment.run(["pause"]).expect_code(0);
    run.signal(Signal::KILL);
    run.wait();
    environment.run(["pause"]).expect_code(4);
    assert_eq!(
        environment.run(["status"]).stdout.matches("paused").count(),
        0
    );
    go(&environment);
    environment.run(RUN).expect_code(0);
    assert_eq!(commits(&environment).len(), 10);
}

#[test]
fn stopped_it_drains_as_by_ctrl_c() {
    let environment = waiting();
    let mut run = environment.start(RUN);
    await_file(&environment, "waits");
    // A paused run ends when it is told to.
    environment.run(["pause"]).expect_code(0);
    assert_output!(environment, environment.run(["stop"]), @"
    exit code: 0
    ----- stdout -----
    run [ID] of plans/work.md ends after what is running (1 attempt); `airboss stop --now` ends that, too
    ----- stderr -----
    ");
    run.await_stderr("draining 1 attempt running");
    assert!(run.is_running());
    go(&environment);
    let output = run.wait();
    output.expect_code(130);
    assert_eq!(with_status(&environment, "completed"), "1.1", "{output}");
    assert_eq!(commits(&environment).len(), 1);
    environment.assert_no_process_left();
    assert_output!(environment, environment.run(["stop"]), @"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: no run flies now
    hint: `airboss runs` tells how the last ones ended
    ");
    environment.run(RUN).expect_code(0);
}

#[test]
fn stopped_now_it_ends_what_is_running() {
    let environment = hanging();
    let run = environment.start(RUN);
    await_file(&environment, "hangs");
    assert_output!(environment, ann(&environment, ["stop", "--now", "--json"]), @r#"
    exit code: 0
    ----- stdout -----
    {"data":{"plan":"plans/work.md","run":"[ID]","running":1,"stop":"end"},"schema_version":1}
    ----- stderr -----
    "#);
    let output = run.wait();
    output.expect_code(130);
    environment.assert_no_process_left();
    assert_eq!(output.told("its run was ended by ann").len(), 1, "{output}");
    // The run was ended, not the step: the next run goes on with it.
    go(&environment);
    let again = environment.run(RUN);
    again.expect_code(0);
    assert_eq!(starts(&again, "1.1"), 1, "{again}");
}

#[test]
fn a_killed_attempt_leaves_nothing_and_its_step_waits_for_a_person() {
    let environment = hanging();
    let run = environment.start(RUN);
    await_file(&environment, "hangs");
    assert_output!(environment, environment.run(["kill", "1.1"]), @"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: a person has to confirm that attempt 1.1#1 is ended
    hint: run it on a terminal, or with --yes
    ");
    assert_output!(environment, ann(&environment, ["kill", "1.1", "--yes"]), @"
    exit code: 0
    ----- stdout -----
    attempt 1.1#1 is being ended; its step then waits for `airboss retry 1.1`
    ----- stderr -----
    ");
    // The run goes on with what does not wait for it.
    await_file(&environment, "waits");
    assert_output!(environment, environment.run(["kill", "1.1#1", "--yes"]), @"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: attempt 1.1#1 is over
    hint: `airboss why 1.1#1` tells what came of it
    ");
    let left = environment.processes_left();
    let asleep = left.iter().filter(|line| line.contains("sleep 600"));
    assert_eq!(asleep.count(), 0, "{left:?}");
    go(&environment);
    let output = run.wait();
    output.expect_code(3);
    let judged = output.told("interrupted 1.1 after");
    let by_her = judged.iter().filter(|line| line.contains("ended by ann"));
    assert_eq!((judged.len(), by_her.count()), (1, 1), "{output}");
    assert_eq!(starts(&output, "1.1"), 1, "{output}");
    assert_eq!(with_status(&environment, "pending"), "1.1 1.3");
    environment.assert_no_process_left();
    // The same command does not decide for the person.
    let again = environment.run(RUN);
    again.expect_code(3);
    assert_eq!(starts(&again, "1.1"), 0, "{again}");
    assert_eq!(again.told("`airboss retry 1.1`").len(), 1, "{again}");
    let why = environment.run(["why", "1.1"]);
    why.shows("ended by ann");
    assert_output!(environment, environment.run(["retry", "1.1"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "changed": true,
      "flying": false,
      "status": "pending",
      "success": true,
      "taskId": "1.1"
    }
    ----- stderr -----
    "#);
    environment.run(RUN).expect_code(0);
    assert_output!(environment, environment.run(["retry", "1.1"]), @"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: step 1.1 is completed
    hint: `airboss mark-pending 1.1 --force` gives it back all the same
    ");
}

#[test]
fn on_a_terminal_it_asks_before_it_kills() {
    let environment = hanging();
    let run = environment.start(RUN);
    await_file(&environment, "hangs");
    let answered = |answer: &str| {
        let mut terminal = environment.command(["kill", "1.1"]).on_terminal();
        terminal.expect("End attempt 1.1#1 (claude, ");
        terminal.expect("[y/N] ");
        terminal.press(answer);
        terminal.wait()
    };
    let (code, screen) = answered("n\n");
    assert_eq!(code, 4, "{screen}");
    assert!(screen.contains("the attempt goes on"), "{screen}");
    let (code, screen) = answered("y\n");
    assert_eq!(code, 0, "{screen}");
    go(&environment);
    run.wait().expect_code(3);
}

#[test]
fn a_step_is_given_back_or_left_out_while_a_run_flies() {
    let environment = hanging();
    let run = environment.start(RUN);
    await_file(&environment, "hangs");
    environment.run(["kill", "1.1", "--yes"]).expect_code(0);
    await_file(&environment, "waits");
    assert_output!(environment, environment.run(["retry", "1.1"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "changed": true,
      "flying": true,
      "status": "pending",
      "success": true,
      "taskId": "1.1"
    }
    ----- stderr -----
    "#);
    go(&environment);
    let output = run.wait();
    output.expect_code(0);
    assert_eq!(starts(&output, "1.1"), 2, "{output}");

    let environment = hanging();
    let run = environment.start(RUN);
    await_file(&environment, "hangs");
    environment.run(["kill", "1.1", "--yes"]).expect_code(0);
    await_file(&environment, "waits");
    let skipped = ["mark-skipped", "1.1", "--reason", "not needed"];
    environment.run(skipped).expect_code(0);
    go(&environment);
    let output = run.wait();
    output.expect_code(0);
    assert_eq!(
        (starts(&output, "1.1"), starts(&output, "1.3")),
        (1, 1),
        "{output}"
    );
}

#[test]
fn an_attempt_whose_runner_is_dead_is_ended_by_its_supervisor() {
    let environment = hanging();
    let run = environment.start(RUN);
    await_file(&environment, "hangs");
    run.signal(Signal::KILL);
    run.wait();
    assert!(!environment.processes_left().is_empty());
    ann(&environment, ["kill", "1.1", "--yes"]).expect_code(0);
    let most = Duration::from_secs(30);
    assert!(eventually(most, || environment.processes_left().is_empty()));
    // Its end is not known before somebody looks, but nobody flies it.
    assert_output!(environment, environment.run(["kill", "1.1", "--yes"]), @"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: nobody flies attempt 1.1#1: its process is gone
    hint: the next `airboss run` sees what it left
    ");
    go(&environment);
    let output = environment.run(RUN);
    output.expect_code(3);
    assert_eq!(starts(&output, "1.1"), 0, "{output}");
    let why = environment.run(["why", "1.1"]);
    why.shows("ended by ann");
}

#[test]
fn what_is_not_there_is_refused_by_name() {
    let environment = hanging();
    assert_output!(environment, environment.run(["pause"]), @"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: nothing is recorded in [WORK] yet
    hint: `airboss run PLAN` flies a plan and records what happens
    ");
    environment.run(["init", PLAN]).expect_code(0);
    assert_output!(environment, environment.run(["pause"]), @"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: no run flies now
    hint: `airboss runs` tells how the last ones ended
    ");
    assert_output!(environment, environment.run(["resume", "--json"]), @"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: no run flies now
    hint: `airboss runs` tells how the last ones ended
    ");
    assert_output!(environment, environment.run(["stop", "0123456789ab"]), @"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: no run is called `[ID]`
    hint: `airboss runs` lists them
    ");
    assert_output!(environment, environment.run(["kill", "1.1", "--yes"]), @"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: step 1.1 was never attempted
    hint: `airboss why 1.1` says why not
    ");
    assert_output!(environment, environment.run(["kill", "9.9", "--yes"]), @"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: `9.9` is neither a step nor the beginning of an attempt's id
    hint: `airboss status` lists the steps, `airboss log` what happened
    ");
    assert_output!(environment, environment.run(["retry", "9.9"]), @"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: the plan has no step `9.9`
    hint: `airboss status` and `airboss next` show the plan's steps
    ");
    assert_output!(environment, environment.run(["retry", "1.1"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "changed": false,
      "flying": false,
      "status": "pending",
      "success": true,
      "taskId": "1.1"
    }
    ----- stderr -----
    "#);
}

#[test]
fn a_run_by_hand_is_not_held_and_no_agent_holds_one() {
    let environment = hanging();
    environment
        .run(["start-run", "--plan", PLAN])
        .expect_code(0);
    assert_output!(environment, environment.run(["pause"]), @"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: no run flies now
    hint: `airboss runs` tells how the last ones ended
    ");
    // Only a person has hold of a run.
    let attempt = "0123456789abcdef0123456789abcdef";
    for words in [
        &["pause"][..],
        &["resume"],
        &["stop"],
        &["kill", "1.1"],
        &["retry", "1.1"],
    ] {
        let told = environment.command(words.iter().copied());
        let told = told.env("AIRBOSS_ATTEMPT", attempt).run();
        told.expect_code(4);
        assert_eq!(told.told("an agent does not").len(), 1, "{told}");
    }
}
