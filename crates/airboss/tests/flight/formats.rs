//! A whole plan, unattended, in each format.

use airboss_testkit::TestEnvironment;

use crate::support::*;

/// The sessions of all attempts, as the log has them.
fn sessions(environment: &TestEnvironment) -> Vec<String> {
    let log = environment.run(["log", "--limit", "1000", "--json"]);
    let stored = log.stdout.lines().map(|line| {
        let stored: serde_json::Value = serde_json::from_str(line).unwrap();
        let session = &stored["data"]["operation"]["report"]["session"];
        session.as_str().map(str::to_owned)
    });
    stored.flatten().collect()
}

#[track_caller]
fn check(agent: &str) {
    let environment = environment();
    environment.plan(PLAN, ten_steps());
    environment.script(DILIGENT);
    let output = environment.run(["run", PLAN, "--agent", agent]);
    output.expect_code(0);
    assert_eq!(statuses(&environment).len(), 10);
    assert_eq!(
        with_status(&environment, "completed").split(' ').count(),
        10
    );
    let commits = commits(&environment);
    let made: Vec<(String, String)> = commits
        .iter()
        .map(|commit| {
            let own: Vec<&str> = commit
                .files
                .iter()
                .map(String::as_str)
                .filter(|file| *file != PLAN)
                .collect();
            (commit.subject.clone(), own.join(" "))
        })
        .collect();
    let expected: Vec<(String, String)> = [
        "1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "2.4", "3.1", "3.2", "3.3",
    ]
    .iter()
    .map(|id| {
        let file = format!("out/{}.txt", id.replace('.', "-"));
        (format!("[work] task {id}: Write `{file}`"), file)
    })
    .collect();
    assert_eq!(made, expected);
    for commit in &commits {
        // The plan is in a commit only for the markers of that commit's own phase.
        assert!(commit.files.len() <= 2, "{commit:?}");
    }
    // Each names the conversation that its work comes from, where the agent tells its id.
    let sessions = sessions(&environment);
    let trailers = [
        "log",
        "--reverse",
        "--format=%(trailers:key=Session,valueonly,separator=)",
    ];
    let trailers = environment.git(trailers);
    let trailers: Vec<&str> = trailers.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(trailers, sessions);
    let expected = if agent == "plain" { 0 } else { 10 };
    assert_eq!(sessions.len(), expected);
    // Every commit is told, the last one too.
    assert_eq!(output.told(" commit   ").len(), 10, "{output}");
    environment.git(["fsck", "--strict"]);
    // Nothing of the steps is left uncommitted, and nothing is staged.
    assert_eq!(environment.git(["diff"]), "");
    assert_eq!(environment.git(["status", "--porcelain", "out", PLAN]), "");
    assert_eq!(environment.git(["diff", "--cached", "--name-only"]), "");
    environment.assert_no_process_left();
    // The same command again finds nothing to do and makes nothing.
    let head = environment.git(["rev-parse", "HEAD"]);
    environment
        .run(["run", PLAN, "--agent", agent])
        .expect_code(0);
    assert_eq!(environment.git(["rev-parse", "HEAD"]), head);
}

#[test]
fn plain() {
    check("plain");
}

#[test]
fn claude() {
    check("claude");
}

#[test]
fn codex() {
    check("codex");
}
