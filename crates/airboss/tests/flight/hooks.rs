//! Programs that are told what happens.

use std::time::Duration;

use airboss_testkit::assert_output;
use airboss_testkit::environment::{Signal, TestEnvironment, eventually};

use crate::support::*;

/// A hook that keeps what it is told beside the work tree.
const KEEPS: &str = "[hooks.keep]\ncommand = [\"sh\", \"-c\", \"cat >> ../events\"]\n";

/// Two steps that do not need each other, flown with this script and this configuration.
fn flown(config: &str, script: &str) -> TestEnvironment {
    let environment = environment();
    environment.config(config);
    let steps = &[
        ("1.1", "Write `out/1-1.txt`"),
        ("1.2", "Write `out/1-2.txt`"),
    ];
    environment.plan(PLAN, plan(&[steps]));
    environment.script(script);
    environment
}

/// What the hook was told, one line for each.
fn told(environment: &TestEnvironment) -> Vec<serde_json::Value> {
    let text = fs_err::read_to_string(environment.outside("events")).unwrap_or_default();
    let lines = text.lines().map(serde_json::from_str);
    lines.map(Result::unwrap).collect()
}

/// The same in few words.
fn words(environment: &TestEnvironment) -> Vec<String> {
    let word = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    let all = told(environment);
    let lines = all.iter().map(|told| {
        let parts = ["event", "extent", "step", "verdict", "reason"];
        parts.map(|part| word(&told[part])).join(" ")
    });
    lines.collect()
}

#[test]
fn each_step_and_the_run_are_told() {
    let environment = flown(KEEPS, DILIGENT);
    environment.run(["run", PLAN]).expect_code(0);
    insta::assert_snapshot!(words(&environment).join("\n"), @r#"
    done step 1.1 verified changed out/1-1.txt
    done step 1.2 verified changed out/1-2.txt
    done run - - 2 done and 0 failed in this run
    "#);
    let first = &told(&environment)[0];
    assert_eq!(first["schema_version"], 1);
    assert_eq!(first["plan"], PLAN);
    assert_eq!(first["description"], "Write `out/1-1.txt`");
    assert_eq!(first["agent"], "plain");
    for key in ["id", "attempt", "run", "time"] {
        assert!(first[key].is_string(), "{first}");
    }
    // What was told is not told again.
    environment.run(["run", PLAN]).expect_code(0);
    insta::assert_snapshot!(words(&environment)[3..].join("\n"), @"done run - - 0 done and 0 failed in this run");
    environment.assert_no_process_left();
}

#[test]
fn a_hook_chooses_what_it_is_told() {
    let check = |more: &str, script: &str, expected: &[&str]| {
        let environment = flown(&format!("{KEEPS}{more}"), script);
        environment.run(["run", PLAN, "--agent", "claude"]);
        let told = words(&environment);
        let events: Vec<String> = told
            .iter()
            .map(|line| line.split(' ').take(3).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(events, expected, "{more}");
    };
    let ask = "[[step]]\nmatch = \"1.1\"\nactions = [{ ask = \"Which?\" }]\n";
    let fail = "[[step]]\nmatch = \"1.1\"\nactions = [{ exit = 3 }]\n";
    check("of = \"run\"\n", DILIGENT, &["done run -"]);
    check("on = [\"failed\"]\n", DILIGENT, &[]);
    check(
        "on = [\"failed\"]\n",
        &script(fail),
        &["failed step 1.1", "failed run -"],
    );
    check(
        "on = [\"waiting\", \"failed\"]\n",
        &script(ask),
        &["waiting step 1.1", "waiting run -"],
    );
    check(
        "on = [\"limited\"]\n[limits]\nlimit_wait = \"1min\"\n",
        "[default]\nactions = [{ limit = 40000 }]\n",
        &["limited step 1.1", "limited run -"],
    );
}

#[test]
fn a_hook_that_fails_or_hangs_breaks_nothing() {
    let environment = flown(
        "[hooks.bad]\ncommand = [\"sh\", \"-c\", \"echo 'no \\u001b[31mroute'; exit 3\"]\n\
         [hooks.hangs]\ncommand = [\"sh\", \"-c\", \"sleep 500 & sleep 500\"]\n\
         of = \"run\"\ntimeout = \"300ms\"\n\
         [hooks.lost]\ncommand = [\"no-such-program\"]\n\
         [hooks.loud]\ncommand = [\"sh\", \"-c\", \"yes | head -c 3000000\"]\n",
        DILIGENT,
    );
    environment.run(["init", "--yes"]).expect_code(0);
    let output = environment.run(["run", PLAN, "-q"]);
    output.expect_code(0);
    let warnings = output
        .stderr
        .lines()
        .filter(|line| line.starts_with("warning"));
    insta::assert_snapshot!(warnings.collect::<Vec<_>>().join("\n"), @r#"
    warning: the hook `bad` failed: it exited with 3: no route
    warning: the hook `lost` failed: no-such-program: No such file or directory (os error 2)
    warning: the hook `hangs` failed: its time ran out
    "#);
    environment.assert_no_process_left();
    let told = environment.run(["errors", "list"]);
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    3 low
    err_[MS]  [TIME]  open    HOOK_FAILED  the hook `bad` failed: it exited with 3: no route
    err_[MS]  [TIME]  open    HOOK_FAILED  the hook `lost` failed: no-such-program: No such file or directory (os error 2)
    err_[MS]  [TIME]  open    HOOK_FAILED  the hook `hangs` failed: its time ran out
    ----- stderr -----
    "#);
}

#[test]
fn what_a_killed_run_did_not_tell_is_told_by_the_next() {
    let slow = KEEPS.replace(
        "../events",
        "../events; while test -e ../slow; do sleep 0.05; done",
    );
    let environment = flown(&format!("{slow}timeout = \"60s\"\n"), DILIGENT);
    fs_err::write(environment.outside("slow"), "").unwrap();
    let running = environment.start(["run", PLAN]);
    let heard = || !told(&environment).is_empty();
    assert!(eventually(Duration::from_secs(60), heard));
    running.signal(Signal::KILL);
    running.wait();
    fs_err::remove_file(environment.outside("slow")).unwrap();
    environment.run(["run", PLAN]).expect_code(0);
    let gone = || environment.processes_left().is_empty();
    assert!(eventually(Duration::from_secs(60), gone));
    let told = told(&environment);
    assert_eq!(told[0]["id"], told[1]["id"], "{told:?}");
    let steps: Vec<_> = told.iter().map(|told| told["step"].as_str()).collect();
    assert_eq!(steps, [Some("1.1"), Some("1.1"), Some("1.2"), None]);
}

#[test]
fn hooks_of_a_repository_are_run_once_they_are_trusted() {
    let environment = flown("", DILIGENT);
    environment.write("airboss.toml", KEEPS);
    let told = environment.run(["run", PLAN]);
    assert_output!(environment, told, @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: airboss.toml sets commands that nobody has trusted yet: hooks.keep.command
    hint: `airboss trust` shows them and asks
    "#);
    assert_eq!(words(&environment), [""; 0]);
    environment.run(["trust", "--yes"]).expect_code(0);
    environment.run(["run", PLAN]).expect_code(0);
    assert_eq!(words(&environment).len(), 3);
}
