//! A run of twenty steps, four at once, shown twice: by the process that started it and by another.

use std::time::Duration;

use airboss_testkit::environment::{TestEnvironment, eventually};
use rustix::process::{Pid, Signal, kill_process};

use crate::tmux::{PATIENCE, Tmux, shell};

const PLAN: &str = "plans/work.md";

/// A fresh environment with a plan of twenty steps that may run beside each other by phase.
fn environment(actions: &str) -> TestEnvironment {
    let environment = TestEnvironment::new(env!("CARGO_BIN_EXE_airboss"));
    let mut text = String::from("# Plan: Work\n\n## Implementation Phases\n");
    for phase in 1..=5 {
        let after = if phase == 1 {
            String::new()
        } else {
            (phase - 1).to_string()
        };
        text.push_str(
            &[
                "\n### Phase ",
                &phase.to_string(),
                ": Part ",
                &phase.to_string(),
                " [NOT STARTED]\n**Dependencies**: [",
                &after,
                "]\n**Execution Note:** Tasks ",
                &phase.to_string(),
                ".1-",
                &phase.to_string(),
                ".4 are [PARALLEL] - each writes a file of its own\n**Tasks**:\n",
            ]
            .concat(),
        );
        for step in 1..=4 {
            let (phase, step) = (phase.to_string(), step.to_string());
            text.push_str(
                &[
                    "- [ ] ",
                    &phase,
                    ".",
                    &step,
                    " Write `out/",
                    &phase,
                    "-",
                    &step,
                    ".txt`\n",
                ]
                .concat(),
            );
        }
    }
    environment.config("[limits]\nidle = \"60s\"\nbackoff = \"100ms\"\n");
    environment.plan(PLAN, text);
    environment.script(&["[default]\nactions = [\n", actions, "\n]\n"].concat());
    environment
}

/// Steps that take long enough to be seen.
const UNHURRIED: &str = r#"
  { say = "Working on {step}." },
  { tool = "Read", input = "README.md", seconds = 0.5 },
  { tool = "Bash", input = "make {slug}", seconds = 6.0 },
  { write = "out/{slug}.txt", text = "made by {step}\n" },
  { say = "Done." },
"#;

fn is_complete(environment: &TestEnvironment) -> bool {
    eventually(Duration::from_secs(120), || {
        let output = environment.run(["status", "--plan", PLAN, "--json"]);
        output.stdout.contains("\"completed\":20")
    })
}

#[test]
fn a_run_is_shown_twice_and_left() {
    let environment = environment(UNHURRIED);
    let run = shell(&environment, "run plans/work.md --agent claude --jobs 4");
    let Some(tmux) = Tmux::start(&environment, (200, 60), &run) else {
        return;
    };
    let titles = [
        "Progress",
        "In progress",
        "Activity",
        "Landed",
        "Needs you",
        "Errors",
    ];
    tmux.expect(0, &titles);
    tmux.expect(
        0,
        &[
            "In progress  4",
            "running a tool",
            "make 1-",
            "heard",
            "● flying for",
        ],
    );
    // Each detail view, and back.
    for (keys, text) in [
        (&["t"][..], "Transcript of 1."),
        (&["Space"], "replay ×1"),
        (&["Escape"], "Landed"),
        (&["w"], "phase 1, Part 1"),
        (&["Escape"], "Landed"),
        (&["p"], "Plan plans/work.md"),
        (&["Escape"], "Landed"),
        (&["L"], "attempt_dispatched"),
        (&["Escape"], "Landed"),
        (&["T"], "Timeline"),
        (&["Escape"], "Landed"),
        (&["R"], "Runs  1 run"),
        (&["Escape"], "Landed"),
        (&["b"], "no board is recorded here"),
        (&["Escape"], "Landed"),
        (&["?"], "leave; the run flies on"),
        (&["Escape"], "Landed"),
        (&[":"], "nothing new"),
        (&["Escape"], "Landed"),
        (&["BTab", "/", "3-2", "Enter"], "▾ 3 Part 3"),
        (&["x"], "no attempt of it is in progress"),
    ] {
        tmux.press(0, keys);
        tmux.expect(0, &[text]);
    }
    // Any size, and back.
    tmux.resize(0, 80, 24);
    tmux.expect(0, &["In progress", "Errors", "steps settled"]);
    tmux.resize(0, 40, 10);
    tmux.expect(0, &["Progress"]);
    tmux.resize(0, 200, 60);
    tmux.expect(0, &titles);
    // Another process sees the same run.
    tmux.window(&shell(&environment, "tui --theme none"));
    tmux.resize(1, 100, 30);
    tmux.expect(1, &["● flying for", "In progress", "of 20 steps settled"]);
    // Leaving does not end it.
    tmux.press(0, &["q"]);
    tmux.expect(0, &["the run flies on as process", "airboss tui", "code=0"]);
    tmux.expect(1, &["● flying for"]);
    tmux.expect(1, &["✓ complete after", "20 of 20 steps settled"]);
    assert!(is_complete(&environment));
    // And a third one afterwards shows the same.
    tmux.window(&shell(&environment, "tui --ascii"));
    let late = tmux.expect(2, &["+ complete after", "20 of 20 steps settled"]);
    assert!(late.is_ascii(), "{late}");
    tmux.press(1, &["q"]);
    tmux.expect(1, &["code=0"]);
}

#[test]
fn a_killed_interface_leaves_the_run_alone() {
    let environment = environment(UNHURRIED);
    let program = environment.airboss().display().to_string();
    // The window's process is the program itself.
    let run = [
        "exec ",
        &program,
        " -C ",
        &environment.top().display().to_string(),
        " run plans/work.md --agent claude --jobs 4",
    ]
    .concat();
    let Some(tmux) = Tmux::start(&environment, (80, 24), &run) else {
        return;
    };
    tmux.window("exec sleep 600");
    tmux.expect(0, &["In progress  4"]);
    let pid = Pid::from_raw(tmux.pid(0)).expect("a process");
    kill_process(pid, Signal::KILL).expect("it is there");
    assert!(is_complete(&environment));
    drop(tmux);
    environment.assert_no_process_left();
}

#[test]
fn the_end_of_the_run_is_seen_and_is_the_exit_code() {
    let environment = environment(r#"{ say = "There is no glue." },"#);
    environment.config("[limits]\nretries = 0\n");
    let run = shell(&environment, "run plans/work.md --jobs 4 --max-attempts 3");
    let Some(tmux) = Tmux::start(&environment, (80, 24), &run) else {
        return;
    };
    tmux.expect(0, &["the run has ended with"]);
    tmux.press(0, &["q"]);
    let screen = tmux.expect(0, &["code="]);
    assert!(!screen.contains("code=0"), "{screen}");
    assert!(screen.contains("of 20 steps done"), "{screen}");
    assert!(
        !screen.contains("Landed"),
        "the screen of before is back: {screen}"
    );
}

#[test]
fn a_run_is_stopped_by_who_started_it() {
    let environment = environment(UNHURRIED);
    let run = shell(&environment, "run plans/work.md --agent claude --jobs 2");
    let Some(tmux) = Tmux::start(&environment, (80, 24), &run) else {
        return;
    };
    tmux.expect(0, &["In progress  2"]);
    tmux.press(0, &["C-c"]);
    tmux.expect(0, &["s: stop the run"]);
    tmux.press(0, &["s"]);
    tmux.expect(0, &["the run has ended with 130"]);
    tmux.press(0, &["q"]);
    tmux.expect(0, &["stopped by you", "code=130"]);
    drop(tmux);
    environment.assert_no_process_left();
}

/// Steps that are over soon, so that there is always something new.
const QUICK: &str = r#"
  { tool = "Bash", input = "make {slug}", seconds = 0.8 },
  { write = "out/{slug}.txt", text = "made by {step}\n" },
"#;

/// What a screen says of the run, without what is another at every instant: how many steps stand
/// where, each phase and step, and which attempts are in progress.
fn state(screen: &str) -> Option<Vec<String>> {
    let lines = screen
        .lines()
        .map(|line| line.trim_start_matches(['▸', '›', ' ']));
    let mut told = Vec::new();
    let mut panel = "";
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        if line.contains("──") {
            panel = words.first().copied().unwrap_or_default();
        }
        match panel {
            _ if line.contains(" steps settled") => told.push(words.join(" ")),
            "Progress" => told.push(words.join(" ")),
            "In" => told.push(words.iter().take(3).copied().collect::<Vec<_>>().join(" ")),
            _ => {}
        }
    }
    (panel == "Errors").then_some(told)
}

#[test]
fn two_of_them_show_the_same_all_along() {
    let environment = environment(QUICK);
    let run = shell(&environment, "run plans/work.md --agent claude --jobs 4");
    let Some(tmux) = Tmux::start(&environment, (120, 60), &run) else {
        return;
    };
    tmux.window(&shell(&environment, "tui"));
    tmux.expect(0, &["In progress"]);
    tmux.expect(1, &["of 20 steps settled"]);
    // What both show at the same time, each time another state of the run.
    let mut seen: Vec<Vec<String>> = Vec::new();
    let agreed = eventually(PATIENCE, || {
        let one = state(&tmux.screen(0));
        let other = state(&tmux.screen(1));
        if let (Some(one), Some(other)) = (one, other)
            && one == other
            && seen.last() != Some(&one)
        {
            seen.push(one);
        }
        let last = seen.last();
        last.is_some_and(|last| {
            last.iter()
                .any(|line| line.contains("20 of 20 steps settled"))
        })
    });
    assert!(agreed, "{}\n{}", tmux.screen(0), tmux.screen(1));
    let flown = |state: &&Vec<String>| state.iter().any(|line| line.starts_with("● "));
    let under_way = seen.iter().filter(flown).count();
    assert!(under_way >= 4, "they agreed {under_way} times: {seen:#?}");
}
