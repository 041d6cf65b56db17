//! What hooks are told of stages.

use std::time::Duration;

use airboss_testkit::TestEnvironment;
use airboss_testkit::environment::{Signal, eventually};

use crate::{TASK, begun, honest, ran, section};

#[test]
fn a_stage_is_told_once_the_board_says_so_too() {
    let environment = begun(&honest());
    environment.config(
        "[hooks.keep]\n\
         command = [\"sh\", \"-c\", \"cat >> ../events; grep -m1 Status specs/TODO.md >> ../events\"]\n\
         of = \"run\"\n",
    );
    ran(&environment, ["plan", "1", "-q"]).expect_code(0);
    let nothing = section("p1", &["{ say = \"Done.\" }".to_owned()]);
    environment.script(&nothing);
    ran(&environment, ["implement", "1", "-q"]).expect_code(1);
    insta::assert_snapshot!(events(&environment, &["event", "task", "stage", "plan", "reason"]), @r#"
    "done" 1 "plan" "TASK/plan" "1 done and 0 failed in this run"
    - **Status**: [PLANNED]
    "failed" 1 "implement" "TASK/plans/implementation-001" "0 done and 1 failed in this run"
    - **Status**: [PLANNED]
    "#);
}

/// What the hook was told, by some of its fields, and what it found.
fn events(environment: &TestEnvironment, keys: &[&str]) -> String {
    let text = fs_err::read_to_string(environment.outside("events")).unwrap_or_default();
    let lines: Vec<String> = text
        .lines()
        .map(
            |line| match serde_json::from_str::<serde_json::Value>(line) {
                Ok(told) => keys
                    .iter()
                    .map(|key| told[key].to_string())
                    .collect::<Vec<_>>()
                    .join(" "),
                Err(_) => line.to_owned(),
            },
        )
        .collect();
    lines.join("\n").replace(TASK, "TASK")
}

#[test]
fn checks_and_the_end_of_a_workflow_are_told_too() {
    let environment = begun(&honest());
    let hook = "[hooks.keep]\ncommand = [\"sh\", \"-c\", \"cat >> ../events\"]\nof = \"run\"\n\
                [gates.banner]\ncommand = \"grep -q hello src/banner.txt\"\n\
                steps = [\"none of them\"]\n";
    environment.config(hook);
    let keys = ["event", "stage", "workflow", "reason"];
    let new = |arguments: &[&str], code| {
        fs_err::remove_file(environment.outside("events")).ok();
        environment.run(arguments).expect_code(code);
        events(&environment, &keys)
    };
    insta::assert_snapshot!(new(&["test", "1"], 1), @r#""failed" "test" null "gate `banner` exited with 2""#);
    insta::assert_snapshot!(new(&["coordinate", "1", "--scope", "full"], 0), @r#"
    "done" "research" null "1 done and 0 failed in this run"
    "done" "plan" null "1 done and 0 failed in this run"
    "done" "implement" null "2 done and 0 failed in this run"
    "failed" "test" null "gate `banner` exited with 1"
    "done" "debug" null "1 done and 0 failed in this run"
    "done" "test" null "gate `banner` is green"
    "done" "document" null "1 done and 0 failed in this run"
    "done" "document" "full" "1 of 1 verified"
    "#);
    insta::assert_snapshot!(new(&["test", "1"], 0), @r#""done" "test" null "gate `banner` is green""#);
    // Taking a change back is no news.
    environment.run(["undo"]).expect_code(0);
    let again = r#""done" "test" null "gate `banner` is green""#;
    assert_eq!(new(&["test", "1"], 0), again);
    environment.script("[default]\nactions = [{ say = \"Done.\" }]\n");
    environment
        .run(["task", "add", "Widen the banner"])
        .expect_code(0);
    insta::assert_snapshot!(new(&["coordinate", "2", "--scope", "plan"], 1), @r#"
    "failed" "research" null "0 done and 1 failed in this run"
    "failed" "research" "plan" "`specs/002_widen_the_banner/reports/001_widen_the_banner.md` is missing"
    "#);
}

#[test]
fn what_a_killed_command_did_not_tell_is_told_by_the_next() {
    let environment = begun(&honest());
    environment.config(
        "[hooks.keep]\n\
         command = [\"sh\", \"-c\", \"cat >> ../events; while test -e ../slow; do sleep 0.05; done\"]\n\
         timeout = \"60s\"\n\
         [gates.banner]\ncommand = \"true\"\n",
    );
    fs_err::write(environment.outside("slow"), "").unwrap();
    let running = environment.start(["test", "1"]);
    let told = || events(&environment, &["event", "stage", "id"]);
    assert!(eventually(Duration::from_secs(60), || !told().is_empty()));
    running.signal(Signal::KILL);
    running.wait();
    let once = told();
    fs_err::remove_file(environment.outside("slow")).unwrap();
    environment.run(["test", "1"]).expect_code(0);
    let (again, next) = told()[once.len() + 1..]
        .split_once('\n')
        .map(|(one, two)| (one.to_owned(), two.to_owned()))
        .unwrap();
    assert_eq!(again, once);
    assert_ne!(next, once);
    let gone = || environment.processes_left().is_empty();
    assert!(eventually(Duration::from_secs(60), gone));
}
