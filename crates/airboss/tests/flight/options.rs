//! The settings of a run: when it commits, how many at once, where it ends.

use crate::support::*;

#[test]
fn commits_by_phase() {
    let environment = environment();
    environment.config("[commit]\nmode = \"phase\"\n");
    environment.plan(PLAN, ten_steps());
    environment.script(DILIGENT);
    environment.run(["run", PLAN]).expect_code(0);
    let files: Vec<Vec<String>> = commits(&environment)
        .into_iter()
        .map(|commit| {
            let own = commit.files.into_iter().filter(|file| *file != PLAN);
            own.collect()
        })
        .collect();
    assert_eq!(
        files,
        [
            &["out/1-1.txt", "out/1-2.txt", "out/1-3.txt"][..],
            &["out/2-1.txt", "out/2-2.txt", "out/2-3.txt", "out/2-4.txt"],
            &["out/3-1.txt", "out/3-2.txt", "out/3-3.txt"],
        ]
    );
    assert_eq!(environment.git(["status", "--porcelain", "out", PLAN]), "");
}

#[test]
fn no_commits() {
    let environment = environment();
    environment.config("[commit]\nmode = \"off\"\n");
    environment.plan(PLAN, ten_steps());
    environment.script(DILIGENT);
    let head = environment.git(["rev-parse", "HEAD"]);
    environment.run(["run", PLAN]).expect_code(0);
    assert_eq!(environment.git(["rev-parse", "HEAD"]), head);
    assert_eq!(
        with_status(&environment, "completed").split(' ').count(),
        10
    );
}

#[test]
fn without_git() {
    let environment =
        airboss_testkit::environment::TestEnvironment::without_git(env!("CARGO_BIN_EXE_airboss"));
    environment.plan(PLAN, ten_steps());
    environment.script(DILIGENT);
    let output = environment.run(["run", PLAN]);
    output.expect_code(0);
    assert_eq!(
        with_status(&environment, "completed").split(' ').count(),
        10
    );
    environment.script("[default]\nactions = [{ say = \"Done.\" }]\n");
    environment.plan("plans/other.md", plan(&[&[("1.1", "Improve it")]]));
    environment.run(["run", "plans/other.md"]).expect_code(1);
}

#[test]
fn a_batch_is_done_as_far_as_the_agent_says_and_shows() {
    let environment = environment();
    environment.plan(PLAN, ten_steps());
    // Of three steps in one attempt the second is not called done, and the third has no file.
    environment.script(&script(
        r#"
        [[step]]
        match = "1.3"
        attempt = 1
        actions = [{ say = "STEP 1.1 DONE\n- STEP 1.3 DONE" }]
        [[step]]
        match = "2.3"
        attempt = 1
        actions = [
          { write = "out/2-3.txt", text = "x" },
          { write = "out/shared.txt", text = "x" },
          { say = "STEP 2.1 DONE\nSTEP 2.2 DONE\nSTEP 2.3 DONE" },
        ]
        "#,
    ));
    let output = environment.run(["run", PLAN, "--batch", "3", "--agent", "claude"]);
    output.expect_code(0);
    assert_eq!(output.told("started  1.1,1.2,1.3 ").len(), 1, "{output}");
    assert_eq!(output.told("started  2.1,2.2,2.3 ").len(), 1, "{output}");
    assert_eq!(starts(&output, "1.1"), 0, "{output}");
    assert_eq!(starts(&output, "1.2"), 1, "{output}");
    assert_eq!(starts(&output, "1.3"), 1, "{output}");
    assert_eq!(
        with_status(&environment, "completed").split(' ').count(),
        10
    );
    // A commit has the files of the steps that it names, and no others.
    let commits = commits(&environment);
    let files = |place: usize| {
        let own = commits[place].files.iter().filter(|file| *file != PLAN);
        own.cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(files(0), "out/1-1.txt");
    assert_eq!(files(1), "out/1-2.txt");
    assert_eq!(files(2), "out/1-3.txt");
    assert_eq!(
        files(3),
        "out/2-1.txt out/2-2.txt out/2-3.txt out/shared.txt"
    );
    let (body, _) = commits[3].body.split_once("Airboss-Operation").unwrap();
    insta::assert_snapshot!(body, @r"
    [work] task 2.1: Write `out/2-1.txt`

    - 2.1: Write `out/2-1.txt`
    - 2.2: Write `out/2-2.txt`
    - 2.3: Write `out/2-3.txt`

    Session: 00000000-0000-4000-8000-000000000001
    ");
}

/// A plan whose second phase has four steps that may run side by side.
fn side_by_side() -> String {
    let files = ["2.1", "2.2", "2.3", "2.4"]
        .map(|id| (id, format!("Write `out/{}.txt`", id.replace('.', "-"))));
    let steps: Vec<(&str, &str)> = files
        .iter()
        .map(|(id, text)| (*id, text.as_str()))
        .collect();
    let text = [
        "# Plan: Work\n\n## Implementation Phases\n".to_owned(),
        phase(1, "", &[("1.1", "Write `out/1-1.txt`")], ""),
        phase(
            2,
            "1",
            &steps,
            "**Execution Note:** Tasks 2.1-2.4 are [PARALLEL] - files of their own\n",
        ),
        phase(3, "2", &[("3.1", "Write `out/3-1.txt`")], ""),
    ];
    text.concat()
}

#[test]
fn in_plan_order_whatever_the_plan_allows() {
    let environment = environment();
    environment.plan(PLAN, side_by_side());
    environment.script(DILIGENT);
    let output = environment.run(["run", PLAN, "--jobs", "4", "--sequential"]);
    output.expect_code(0);
    let words: Vec<&str> = output
        .stderr
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1))
        .filter(|word| ["started", "verified"].contains(word))
        .collect();
    assert_eq!(words, ["started", "verified"].repeat(6), "{output}");
}

#[test]
fn an_attempt_has_so_much_time() {
    let environment = environment();
    environment.config("[limits]\ndeadline = \"700ms\"\nretries = 0\ninterrupt_grace = \"200ms\"\nterminate_grace = \"200ms\"\n");
    environment.plan(PLAN, plan(&[&[("1.1", "Write `out/1-1.txt`")]]));
    let busy = "{ say = \"Busy.\" }, { sleep = 0.1 },\n".repeat(100);
    environment.script(&format!("[default]\nactions = [{busy}]\n"));
    let output = environment.run(["run", PLAN, "--agent", "claude"]);
    output.expect_code(1);
    assert_told!(environment, output, "its time was up", @r"
    [TIME] failed   1.1 after [DURATION]: its time was up and it was ended
      ✗ 1.1    failed      its time was up and it was ended
    ");
    environment.assert_no_process_left();
}

#[test]
fn the_end_of_a_run_as_one_object() {
    let environment = environment();
    environment.plan(PLAN, ten_steps());
    environment.script(&script(
        "[[step]]\nmatch = \"3.2\"\nactions = [{ say = \"Done.\" }]\n",
    ));
    let output = environment.run(["run", PLAN, "--json", "--quiet"]);
    output.expect_code(1);
    let object: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let data = &object["data"];
    assert_eq!(data["ending"], "failed", "{object:#}");
    assert_eq!(data["completed"], 9, "{object:#}");
    assert_eq!(data["open"][0]["id"], "3.2", "{object:#}");
    assert_eq!(output.stderr, "", "{output}");
}

#[test]
fn four_at_once_where_the_plan_allows_it() {
    let environment = environment();
    environment.plan(PLAN, side_by_side());
    // Each of the four waits until all four run, which they do only side by side.
    environment.script(&script(
        &["2.1", "2.2", "2.3", "2.4"].map(|id| {
            [
                "[[step]]\nmatch = \"", id, "\"\nactions = [{ shell = \"touch ../here-{slug}; for i in $(seq 200); do \
                 test $(ls ../here-* | wc -l) = 4 && break; sleep 0.05; done; test $(ls ../here-* | wc -l) = 4 && echo x > out/{slug}.txt\" }]\n",
            ].concat()
        }).concat(),
    ));
    environment.config("[limits]\nidle = \"20s\"\nretries = 0\n");
    let output = environment.run(["run", PLAN, "--jobs", "4", "--agent", "claude"]);
    output.expect_code(0);
    let commits = commits(&environment);
    assert_eq!(commits.len(), 6);
    for commit in &commits {
        let own = commit.files.iter().filter(|file| *file != PLAN).count();
        assert_eq!(own, 1, "{commit:?}");
    }
}

#[test]
fn a_dry_run_starts_nothing_and_writes_nothing() {
    let environment = environment();
    environment.plan(PLAN, ten_steps());
    environment.script(DILIGENT);
    let before = environment.state();
    let output = environment.run(["run", PLAN, "--dry-run"]);
    output.expect_code(0);
    let headings = output.stdout.lines().filter_map(|line| {
        let (heading, _) = line.strip_prefix("── ")?.split_once(':')?;
        Some(heading)
    });
    assert_eq!(
        headings.collect::<Vec<_>>().join(", "),
        "1. step 1.1, 2. step 1.2, 3. step 1.3, 4. step 2.1, 5. step 2.2, 6. step 2.3, \
         7. step 2.4, 8. step 3.1, 9. step 3.2, 10. step 3.3",
        "{output}"
    );
    assert_eq!(environment.state(), before);
    assert!(!environment.path(".git/airboss").exists());
    assert!(environment.processes_left().is_empty());
}

#[test]
fn a_run_ends_after_so_many_attempts_and_the_next_goes_on() {
    let environment = environment();
    environment.plan(PLAN, ten_steps());
    environment.script(DILIGENT);
    let output = environment.run(["run", PLAN, "--max-attempts", "4"]);
    output.expect_code(124);
    assert_eq!(with_status(&environment, "completed"), "1.1 1.2 1.3 2.1");
    assert_eq!(commits(&environment).len(), 4);
    environment.run(["run", PLAN]).expect_code(0);
    assert_eq!(commits(&environment).len(), 10);
}
