//! What is said where nothing can be done: each sentence once, with its exit code.

use airboss_testkit::TestEnvironment;
use airboss_testkit::environment::differing;

use crate::{PLAN_PATH, adopted};

/// Runs commands that must change nothing, and tells what each says.
#[track_caller]
fn said(environment: &TestEnvironment, commands: &[&[&str]]) -> String {
    let mut text = String::new();
    for words in commands {
        let before = environment.state();
        let told = environment.run(*words);
        assert_ne!(told.code(), 0, "{words:?}: {told}");
        let changed = differing(&before, &environment.state());
        assert!(changed.is_empty(), "{changed:?} changed: {told}");
        let stderr = told.stderr.trim_end();
        text.push_str(
            &[
                &words.join(" "),
                " -> ",
                &told.code().to_string(),
                "\n",
                stderr,
                "\n\n",
            ]
            .concat(),
        );
    }
    text
}

#[test]
fn refusals_of_a_board() {
    let environment = adopted();
    environment
        .run(["task", "status", "53", "planned"])
        .expect_code(0);
    let commit = environment.git(["rev-parse", "--short=9", "HEAD"]);
    let text = said(
        &environment,
        &[
            &["task", "link", "53", "specs"],
            &["task", "link", "53", ".git/config"],
            &["task", "phase", "52", "9=completed"],
            &["task", "phase", "52", "2=completed"],
            &["undo", "0"],
            &["undo", &commit],
            &["test", "51"],
            &["graph", "--svg", "specs/TODO.md"],
            &["report", "--html", "/"],
            &["report", "abc", "def"],
            &["report", "--markdown", "note", "x"],
            &["init", "--board", "plans", "--yes"],
            &["task", "list", "--board", "../elsewhere"],
            &["implement", "52", "--agent", "nobody"],
            &["plan", "54"],
            &["handoff", "99"],
        ],
    );
    environment
        .settings()
        .bind(|| insta::assert_snapshot!(text));
}

#[test]
fn refusals_of_a_plan() {
    let environment = adopted();
    environment.write("findings.md", vec![b'x'; 17 << 20]);
    environment.git(["init", "--quiet", "--bare", "bare"]);
    for (name, text) in [("one", "One"), ("two", "Two")] {
        let plan = [
            "# Plan: ",
            text,
            "\n\n### Phase 1: Do [NOT STARTED]\n\n- [ ] 1.1 Do it\n",
        ];
        let path = ["plans/", name, ".md"].concat();
        environment.plan(&path, plan.concat());
        environment.run(["init", &path]).expect_code(0);
    }
    let plan = ["--plan", "plans/one.md"];
    let begun = environment.run(["start-run", plan[0], plan[1]]);
    let begun: serde_json::Value = serde_json::from_str(&begun.stdout).expect("it is JSON");
    let run = begun["runId"].as_str().expect("a run has an id");
    environment
        .run(["start-run", plan[0], plan[1]])
        .expect_code(0);
    let text = said(
        &environment,
        &[
            &["pause", run],
            &["stop", "0"],
            &["kill", "1.1", "--yes"],
            &["replay", "1.1", plan[0], plan[1]],
            &["why", "1.1"],
            &["answer", "1.1", "Blue.", plan[0], plan[1]],
            &[
                "write-findings",
                "1.1",
                "--file",
                "findings.md",
                plan[0],
                plan[1],
            ],
            &["init", ".git/plan.md"],
            &["init", "plans"],
            &["status", "-C", "bare"],
            &["run", PLAN_PATH, "--agent", "nobody"],
        ],
    );
    environment
        .settings()
        .bind(|| insta::assert_snapshot!(text));
}

#[test]
fn what_holds_a_commit_up_is_named() {
    let environment = adopted();
    let head = environment.git(["rev-parse", "HEAD"]);
    let mut text = String::new();
    for path in [
        "rebase-merge/head-name",
        "CHERRY_PICK_HEAD",
        "REVERT_HEAD",
        "BISECT_LOG",
        "index.lock",
        "refs/heads/main.lock",
    ] {
        let path = [".git/", path].concat();
        environment.write(&path, format!("{head}\n"));
        let told = environment.run(["task", "edit", "53", "--effort", &path]);
        text.push_str(&[&path, "\n", &told.to_string(), "\n\n"].concat());
        fs_err::remove_file(environment.path(&path)).expect("it was just written");
        fs_err::remove_dir(environment.path(".git/rebase-merge")).ok();
        environment.run(["sync"]).expect_code(0);
    }
    environment
        .settings()
        .bind(|| insta::assert_snapshot!(text));
}
