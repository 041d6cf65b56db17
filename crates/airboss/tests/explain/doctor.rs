//! `doctor`.

use airboss_testkit::environment::TestEnvironment;

use crate::support::{PLAN, environment, flown, prepared};

/// The checks that are not good: `name: evidence → remedy`, and the exit code.
fn complaints(environment: &TestEnvironment, arguments: &[&str]) -> (i32, Vec<String>) {
    let mut all = vec!["doctor", "--json"];
    all.extend(arguments);
    let output = environment.run(all);
    let value: serde_json::Value = serde_json::from_str(&output.stdout).expect("it is JSON");
    let checks = value["data"]["checks"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let told = checks
        .iter()
        .filter(|check| check["level"] != "good")
        .map(|check| {
            let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
            let top = environment.top().display().to_string();
            let evidence = text("evidence").replace(&top, "[WORK]");
            format!(
                "{} {}: {evidence} → {}",
                text("level"),
                text("name"),
                text("remedy")
            )
        })
        .collect();
    (output.code(), told)
}

#[test]
fn after_a_flight_all_is_well() {
    let flown = flown();
    assert_eq!(complaints(&flown, &[]), (0, vec![]));
    let output = flown.run(["doctor"]);
    assert!(output.stdout.ends_with("all is well\n"), "{output}");
}

#[test]
fn looking_writes_nothing() {
    let environment = environment();
    let before = environment.state();
    environment.run(["doctor"]);
    assert_eq!(environment.state(), before);
    assert!(!environment.path(".git/airboss").exists());
}

#[test]
fn a_missing_agent_and_untrusted_commands_are_problems() {
    let environment = environment();
    environment.raw_config(
        "[run]\nagent = 'mine'\n[agents.mine]\nbackend = 'command'\nprogram = 'no-such-program'\n",
    );
    environment.write(
        "airboss.toml",
        "[gates.test]\ncommand = 'true'\n[rnu]\njobs = 2\n",
    );
    let (code, told) = complaints(&environment, &[]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(told.join("\n"), @r#"
    warning configuration: airboss.toml:3: unknown setting `rnu`; did you mean `run`? → mend or remove the line
    problem trust: airboss.toml sets commands that nobody has trusted yet: gates.test.command → `airboss trust` shows them and asks; nothing is flown before
    problem agent: mine: the program `no-such-program` is not on PATH → install it, or set `program` in `[agents.mine]`
    "#);
}

#[test]
fn commits_that_wait_are_made_once_the_merge_is_over() {
    let environment = prepared();
    environment.git(["checkout", "--quiet", "--detach"]);
    environment
        .run(["run", PLAN, "--agent", "claude", "--max-attempts", "1"])
        .expect_code(124);
    let (code, told) = complaints(&environment, &[]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(told.join("\n"), @r#"
    warning repository: commits wait: HEAD is detached → switch to a branch; the commits are made there
    warning commits: 1 commit waiting (steps 1.1): HEAD is detached → switch to a branch; the commits are made there
    "#);
    environment.git(["checkout", "--quiet", "main"]);
    let (_, told) = complaints(&environment, &[]);
    insta::assert_snapshot!(told.join("\n"), @"warning commits: 1 commit waiting (steps 1.1): nothing is in the way any more (it was: HEAD is detached) → `airboss doctor --fix` or the next `airboss run` makes them");
    let output = environment.run(["doctor", "--fix"]);
    output.expect_code(0);
    assert_eq!(output.stderr, "fixed: 1 commit made\n");
    assert_eq!(complaints(&environment, &[]), (0, vec![]));
}

#[test]
fn without_git_it_says_what_is_missing() {
    let environment = TestEnvironment::without_git(env!("CARGO_BIN_EXE_airboss"));
    let (code, told) = complaints(&environment, &[]);
    assert_eq!(code, 0, "{told:#?}");
    insta::assert_snapshot!(told.join("\n"), @"warning repository: [WORK] is not in a git repository: nothing is committed → `git init`, so that each step's work gets a commit of its own");
}
