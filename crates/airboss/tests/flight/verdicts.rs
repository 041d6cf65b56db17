//! What agents do wrong, and what becomes of their steps.

use crate::support::*;
use airboss_testkit::environment::{Output, TestEnvironment};

/// Flies a plan of one step, `1.1 TEXT`, with an agent that plays `actions` every time.
fn fly_one(text: &str, actions: &str, agent: &str) -> (TestEnvironment, Output) {
    let environment = environment();
    environment.config("[limits]\nidle = \"1s\"\ninterrupt_grace = \"300ms\"\nterminate_grace = \"300ms\"\nbackoff = \"50ms\"\nretries = 1\nflood_bytes = \"4 MiB\"\n");
    environment.plan(PLAN, plan(&[&[("1.1", text)]]));
    environment.script(&format!("[default]\nactions = [{actions}]\n"));
    let output = environment.run(["run", PLAN, "--agent", agent]);
    environment.assert_no_process_left();
    (environment, output)
}

/// A step that never gets there is tried twice, has this verdict with this reason, and no commit.
#[track_caller]
fn never(text: &str, actions: &str, agent: &str, verdict: &str, reason: &str) {
    let (environment, output) = fly_one(text, actions, agent);
    output.expect_code(1);
    let told = output.told(&format!("{verdict:<8} 1.1"));
    assert_eq!(told.len(), 2, "{output}");
    let with_reason = told.iter().filter(|line| line.contains(reason));
    assert_eq!(with_reason.count(), 2, "{output}");
    assert_eq!(commits(&environment), []);
    assert_eq!(with_status(&environment, "completed"), "");
}

#[track_caller]
fn done(text: &str, actions: &str, agent: &str) {
    let (environment, output) = fly_one(text, actions, agent);
    output.expect_code(0);
    assert_eq!(starts(&output, "1.1"), 1, "{output}");
    assert_eq!(commits(&environment).len(), 1, "{output}");
}

const A: &str = "Write `a.txt`";

#[test]
fn a_liar_is_unverified_in_every_format() {
    let lie = r#"{ pretend = "a.txt" }, { say = "All done, perfect!" }"#;
    never(A, lie, "plain", "unverified", "`a.txt` is missing");
    never(A, lie, "claude", "unverified", "`a.txt` is missing");
    never(A, lie, "codex", "unverified", "`a.txt` is missing");
    never(
        "Improve it",
        lie,
        "claude",
        "unverified",
        "no file was changed",
    );
    never(
        "Improve it",
        lie,
        "codex",
        "unverified",
        "no file was changed",
    );
    never(
        "Improve it",
        lie,
        "plain",
        "unverified",
        "no file was changed",
    );
}

#[test]
fn a_denied_tool_and_a_cheerful_end_are_unverified() {
    let actions = r#"{ deny = "Bash", input = "make" }, { say = "All done" }"#;
    never(
        "Improve it",
        actions,
        "claude",
        "unverified",
        "refused tools: Bash",
    );
    never(
        "Improve it",
        actions,
        "codex",
        "unverified",
        "no file was changed",
    );
}

#[test]
fn an_artifact_has_to_be_a_file_with_content() {
    let empty = r#"{ write = "a.txt", text = "" }"#;
    never(A, empty, "claude", "unverified", "`a.txt` is empty");
    let skeleton = r##"{ write = "a.txt", text = "# Title\n\nTODO\n" }"##;
    never(
        A,
        skeleton,
        "claude",
        "unverified",
        "`a.txt` is an unfilled skeleton",
    );
    let link = r#"{ shell = "ln -sf README.md a.txt" }"#;
    never(
        A,
        link,
        "claude",
        "unverified",
        "`a.txt` is not a regular file",
    );
    let directory = r#"{ shell = "mkdir -p a.txt; touch a.txt/x" }"#;
    never(
        A,
        directory,
        "claude",
        "unverified",
        "`a.txt` is not a regular file",
    );
    let unchanged =
        r##"{ write = "README.md", text = "# A project\n" }, { write = "b.txt", text = "b" }"##;
    never(
        "Write `README.md`",
        unchanged,
        "claude",
        "unverified",
        "`README.md` is the same as before",
    );
}

#[test]
fn a_link_that_points_outside_is_no_artifact() {
    let link = r#"{ shell = "ln -sf /etc/passwd a.txt" }"#;
    never(
        A,
        link,
        "plain",
        "unverified",
        "`a.txt` is not a regular file",
    );
}

#[test]
fn no_result_event_is_a_failure() {
    let actions = r#"{ write = "a.txt", text = "a" }, { no_result = true }"#;
    never(A, actions, "claude", "failed", "without its result event");
    never(A, actions, "codex", "failed", "without its result event");
    done(A, actions, "plain");
}

#[test]
fn the_agents_own_failure_counts_against_it() {
    let actions = r#"{ write = "a.txt", text = "a" }, { fail = "no idea", reason = "max_turns" }"#;
    never(A, actions, "claude", "failed", "");
    never(A, actions, "codex", "failed", "");
    never(A, actions, "plain", "failed", "the agent exited with 1");
    let exit = r#"{ write = "a.txt", text = "a" }, { exit = 7 }"#;
    never(A, exit, "claude", "failed", "the agent exited with 7");
}

#[test]
fn odd_output_does_not_matter() {
    let actions = r#"
        { garbage = "{\"type\":" }, { garbage = "not an event" }, { invalid_utf8 = true },
        { huge = 3000000 }, { stderr = "noise", times = 500 },
        { write = "a.txt", text = "a" }, { say = "Done." }, { garbage = "trailing" }"#;
    done(A, actions, "plain");
    done(A, actions, "claude");
    done(A, actions, "codex");
}

#[test]
fn half_a_line_is_no_result() {
    let actions = r#"{ write = "a.txt", text = "a" }, { half = "{\"type\":\"result\",\"sub" }"#;
    never(A, actions, "claude", "failed", "without its result event");
    never(A, actions, "codex", "failed", "without its result event");
}

#[test]
fn a_flood_is_ended() {
    let actions = r#"{ write = "a.txt", text = "a" }, { flood = 80000000 }"#;
    never(
        A,
        actions,
        "claude",
        "failed",
        "more output than may be kept",
    );
}

#[test]
fn left_processes_are_killed() {
    let actions = r#"
        { spawn = 600 }, { spawn = 600, detached = true },
        { spawn = 600, detached = true, holds_output = true },
        { write = "a.txt", text = "a" }, { say = "Done." }"#;
    done(A, actions, "claude");
    done(A, actions, "plain");
}

#[test]
fn one_that_hangs_is_ended_even_if_it_ignores_signals() {
    let environment = environment();
    environment.plan(PLAN, plan(&[&[("1.1", A), ("1.2", "Write `b.txt`")]]));
    environment.script(&script(
        r#"
        [[step]]
        match = "1.1"
        attempt = 1
        actions = [{ ignore = ["INT", "TERM"] }, { say = "Hm." }, { hang = true }]
        [[step]]
        match = "1.1"
        actions = [{ write = "a.txt", text = "a" }]
        [[step]]
        match = "1.2"
        actions = [{ write = "b.txt", text = "b" }]
        "#,
    ));
    let output = environment.run(["run", PLAN, "--agent", "claude"]);
    output.expect_code(0);
    assert_told!(environment, output, "hung", @r"
    [TIME] failed   1.1 after [DURATION]: it hung and was ended; again at [TIME] (retries 0 of 2)
      ✗ 1.1    failed      it hung and was ended, done later
    ");
    assert_eq!(starts(&output, "1.1"), 2, "{output}");
    assert_eq!(commits(&environment).len(), 2);
    environment.assert_no_process_left();
}

#[test]
fn a_crash_is_dispatched_again_and_goes_on_with_its_session() {
    for agent in ["claude", "codex"] {
        let environment = environment();
        environment.plan(PLAN, plan(&[&[("1.1", A)]]));
        // What the agent was called with is visible to itself alone, so it tells.
        environment.script(
            r#"
            [[step]]
            match = "1.1"
            attempt = 1
            actions = [{ say = "Hello." }, { crash = "KILL" }]
            [[step]]
            match = "1.1"
            actions = [
              { shell = "tr '\\0' ' ' < /proc/$PPID/cmdline > a.txt" },
              { say = "Done." },
            ]
            "#,
        );
        let output = environment.run(["run", PLAN, "--agent", agent]);
        output.expect_code(0);
        assert_eq!(output.told("interrupted 1.1").len(), 1, "{output}");
        let reason = output.told("its process died of signal 9; again at");
        assert_eq!(reason.len(), 1, "{output}");
        let call = environment.read("a.txt");
        let resumed = call
            .split(' ')
            .skip_while(|word| *word != "--resume")
            .nth(1);
        assert_eq!(
            resumed,
            Some("00000000-0000-4000-8000-000000000001"),
            "{call}"
        );
    }
}

#[test]
fn endless_crashes_end_in_a_failure() {
    let environment = environment();
    environment
        .config("[limits]\nidle = \"1s\"\nbackoff = \"10ms\"\nretries = 0\ninterruptions = 2\n");
    environment.plan(PLAN, plan(&[&[("1.1", A)]]));
    environment.script("[default]\nactions = [{ crash = \"SEGV\" }]\n");
    let output = environment.run(["run", PLAN]);
    output.expect_code(1);
    assert_eq!(starts(&output, "1.1"), 3, "{output}");
    assert_told!(environment, output, "3 times", @r"
    [TIME] failed   1.1 after [DURATION]: interrupted 3 times; its process died of signal 11
      ✗ 1.1    failed      interrupted 3 times; its process died of signal 11
    ");
}

#[test]
fn a_question_waits_for_a_person() {
    let environment = environment();
    environment.plan(PLAN, plan(&[&[("1.1", A), ("1.2", "Write `out/1-2.txt`")]]));
    environment.script(&script(
        r#"
        [[step]]
        match = "1.1"
        actions = [{ ask = "Which colour?" }]
        "#,
    ));
    let output = environment.run(["run", PLAN, "--agent", "claude"]);
    output.expect_code(3);
    assert_told!(environment, output, "waiting  ", @r"
    [TIME] waiting  1.1 after [DURATION]: Which colour?
      ⁇ 1.1    waiting     Which colour?
    ");
    assert_eq!(with_status(&environment, "completed"), "1.2", "{output}");
}

#[test]
fn a_limit_that_is_lifted_soon_is_waited_for() {
    let environment = environment();
    environment.plan(PLAN, plan(&[&[("1.1", "Write `out/1-1.txt`")]]));
    environment.script(&script(
        "[[step]]\nmatch = \"1.1\"\nattempt = 1\nactions = [{ limit = 2 }]\n",
    ));
    let output = environment.run(["run", PLAN, "--agent", "claude"]);
    output.expect_code(0);
    assert_eq!(output.told("limited  1.1").len(), 1, "{output}");
    assert_eq!(starts(&output, "1.1"), 2, "{output}");
}

#[test]
fn a_limit_that_lasts_is_left_for_later() {
    let environment = environment();
    environment.config("[limits]\nlimit_wait = \"1min\"\n");
    environment.plan(PLAN, plan(&[&[("1.1", A)]]));
    environment.script("[default]\nactions = [{ limit = 40000 }]\n");
    let output = environment.run(["run", PLAN, "--agent", "claude"]);
    output.expect_code(75);
    assert_eq!(starts(&output, "1.1"), 1, "{output}");
    assert_eq!(with_status(&environment, "failed"), "", "{output}");
}

#[test]
fn a_step_that_fails_twice_and_then_passes() {
    let environment = environment();
    environment.config(
        "[gates.check]\ncommand = \"grep -q good out/1-1.txt || { echo it-is-$((1+1))-bad; exit 1; }\"\n",
    );
    environment.plan(PLAN, plan(&[&[("1.1", "Write `out/1-1.txt`")]]));
    environment.script(
        r#"
        [[step]]
        match = "1.1"
        attempt = 1
        actions = [{ pretend = "out/1-1.txt" }, { write = "else.txt", text = "x" }]
        [[step]]
        match = "1.1"
        attempt = 2
        actions = [{ write = "out/1-1.txt", text = "bad\n" }]
        [[step]]
        match = "1.1"
        actions = [{ write = "out/1-1.txt", text = "good\n" }]
        "#,
    );
    let output = environment.run(["run", PLAN, "--agent", "claude"]);
    output.expect_code(0);
    assert_eq!(starts(&output, "1.1"), 3, "{output}");
    let prompts = prompts(&environment, "1.1");
    assert_eq!(prompts.len(), 3);
    let told = |text: &str| [0, 1, 2].map(|place| prompts[place].matches(text).count());
    assert_eq!(
        told("gate `check` exited with 1"),
        [0, 1, 1],
        "{prompts:#?}"
    );
    assert_eq!(told("it-is-2-bad"), [0, 1, 1], "{prompts:#?}");
    let commits = commits(&environment);
    assert_eq!(commits.len(), 1);
    // What the failed attempts left belongs to the step, too.
    assert_eq!(commits[0].files, ["else.txt", "out/1-1.txt", PLAN]);
}

#[test]
fn a_step_that_never_passes_blocks_only_what_waits_for_it() {
    let environment = environment();
    let steps = |phase: usize| {
        [1, 2].map(|step| format!("{phase}.{step}")).map(|id| {
            let file = format!("Write `out/{}.txt`", id.replace('.', "-"));
            (id, file)
        })
    };
    let mut text = String::from("# Plan: Work\n\n## Implementation Phases\n");
    for (number, after) in [(1, ""), (2, "1"), (3, ""), (4, "3")] {
        let steps = steps(number);
        let borrowed = [
            (steps[0].0.as_str(), steps[0].1.as_str()),
            (steps[1].0.as_str(), steps[1].1.as_str()),
        ];
        text.push_str(&phase(number, after, &borrowed, ""));
    }
    environment.plan(PLAN, &text);
    environment.script(&script(
        "[[step]]\nmatch = \"1.2\"\nactions = [{ say = \"Done!\" }]\n",
    ));
    let output = environment.run(["run", PLAN]);
    output.expect_code(1);
    assert_eq!(starts(&output, "1.2"), 3, "{output}");
    assert_eq!(
        with_status(&environment, "completed"),
        "1.1 3.1 3.2 4.1 4.2",
        "{output}"
    );
    assert_eq!(with_status(&environment, "failed"), "1.2");
    assert_told!(environment, output, "blocked by", @r"
    · 2.1    Write `out/2-1.txt` is blocked by 1.2
    · 2.2    Write `out/2-2.txt` is blocked by 1.2
    ");
    // It stays so, and costs nothing, until a person wants it tried again.
    let again = environment.run(["run", PLAN]);
    again.expect_code(1);
    assert_eq!(again.told("started  "), Vec::<&str>::new());
    environment.script(DILIGENT);
    let retried = environment.run(["run", PLAN, "--retry-failed"]);
    retried.expect_code(0);
    assert_eq!(starts(&retried, "1.2"), 1);
    assert_eq!(commits(&environment).len(), 8);
}
