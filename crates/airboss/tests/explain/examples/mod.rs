//! Every command has examples in its help, and each of them is carried out as it stands.

mod fixtures;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Mutex;
use std::thread;

use airboss::cli::Cli;
use airboss_testkit::TestEnvironment;
use clap::Command;

use self::fixtures::{Fixture, World};

/// Hidden commands, which programs call and no person; they have no examples.
const HIDDEN: [&str; 5] = [
    "config reference",
    "merge-driver",
    "sync-check",
    "scripted-agent",
    "supervise",
];

/// Commands that have subcommands, and do something without one.
const CALLED_ALONE: [&str; 4] = ["plan", "report", "errors", "conflicts"];

/// The longest line of an example: a terminal of 100 columns shows it whole.
const LINE_MAX: usize = 98;

/// The worlds in which examples are carried out, each with its commands in their order.
const WORLDS: &[(Fixture, &[&str])] = &[
    (Fixture::Found, &["demo"]),
    (Fixture::Found, &["selftest"]),
    (
        Fixture::Found,
        &[
            "plan show",
            "plan check",
            "config show",
            "config path",
            "setup",
            "trust",
            "completions",
            "man",
            "mcp",
            "doctor",
            "run",
            "init",
        ],
    ),
    (
        Fixture::Known,
        &[
            "status",
            "progress",
            "phases",
            "next",
            "check",
            "validate",
            "write-findings",
            "mark-started",
            "detect-stuck",
            "mark-pending",
            "mark-skipped",
            "start-run",
        ],
    ),
    (Fixture::Known, &["mark-complete"]),
    (Fixture::Known, &["mark-failed"]),
    (Fixture::Counted, &["complete-run"]),
    (
        Fixture::Flown,
        &[
            "report",
            "read-findings",
            "retryable",
            "exhausted",
            "runs",
            "why",
            "replay",
            "log",
            "graph",
            "watch",
            "tui",
            "answer",
            "increment-retry",
            "retry",
        ],
    ),
    (Fixture::Flying, &["pause", "resume", "stop"]),
    (Fixture::Flying, &["kill"]),
    (
        Fixture::Attempt,
        &[
            "report progress",
            "report note",
            "report finding",
            "report phase-started",
            "report phase-done",
            "report artifact-ready",
            "report ask",
        ],
    ),
    (
        Fixture::Board,
        &[
            "handoff",
            "prompt",
            "task show",
            "task list",
            "task ready",
            "blame",
            "review",
            "export",
            "verify",
            "sync",
            "restore",
            "rebuild",
            "archive",
        ],
    ),
    (
        Fixture::Board,
        &[
            "task phase",
            "task status",
            "task block",
            "task unblock",
            "task edit",
            "task link",
            "task unlink",
            "task plan",
            "task reorder",
            "task add",
            "undo",
            "task archive",
        ],
    ),
    (Fixture::Board, &["task abandon", "task expand"]),
    (Fixture::Board, &["task renumber"]),
    (Fixture::Board, &["test", "document", "research", "plan"]),
    (Fixture::Board, &["revise", "implement"]),
    (Fixture::Board, &["coordinate"]),
    (Fixture::Red, &["debug"]),
    (Fixture::Exported, &["import"]),
    (
        Fixture::Troubled,
        &["errors", "errors list", "errors show", "errors resolve"],
    ),
    (Fixture::Troubled, &["errors fix"]),
    (
        Fixture::Torn,
        &["conflicts", "conflicts list", "conflicts take"],
    ),
    (Fixture::Torn, &["conflicts keep"]),
];

/// Examples that tell something by their exit code.
const CODES: &[(&str, i32)] = &[
    ("airboss review --check --quiet", 1),
    ("airboss conflicts", 5),
    ("airboss conflicts list --json", 5),
];

/// Every command that can be called, by its words, with its examples as its help shows them.
fn commands() -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    collect(&Cli::whole(), "", &mut found);
    found
}

fn collect(command: &Command, path: &str, found: &mut BTreeMap<String, Vec<String>>) {
    let leaf = command.get_subcommands().next().is_none();
    if !path.is_empty() && (leaf || CALLED_ALONE.contains(&path)) {
        let help = command.clone().render_long_help().to_string();
        let examples = help.split_once("\nExamples:\n").unwrap_or_default().1;
        let lines = examples.lines().map(str::trim);
        let lines = lines.filter(|line| !line.starts_with('#') && !line.is_empty());
        found.insert(path.to_owned(), lines.map(str::to_owned).collect());
    }
    let inner = command.get_subcommands();
    for subcommand in inner.filter(|it| it.get_name() != "help") {
        let path = format!("{path} {}", subcommand.get_name());
        collect(subcommand, path.trim_start(), found);
    }
}

#[test]
fn every_command_has_examples_and_a_world_for_them() {
    let mut seen = Vec::new();
    for (path, examples) in commands() {
        if HIDDEN.contains(&path.as_str()) {
            assert!(examples.is_empty(), "{path} is hidden");
            continue;
        }
        assert!(
            !examples.is_empty() && examples.len() <= 3,
            "{path}: {examples:?}"
        );
        for line in &examples {
            let called = line
                .split('|')
                .any(|part| part.trim().starts_with(&format!("airboss {path}")));
            assert!(called, "{path}: {line}");
            assert!(line.chars().count() + 2 <= LINE_MAX, "{line}");
        }
        let worlds = WORLDS
            .iter()
            .filter(|(_, paths)| paths.contains(&path.as_str()));
        assert_eq!(worlds.count(), 1, "`{path}` has a world");
        seen.push(path);
    }
    for path in WORLDS.iter().flat_map(|(_, paths)| *paths) {
        assert!(seen.iter().any(|it| it == path), "there is no `{path}`");
    }
}

/// The program's own directory before all others, so that a line can say `airboss`.
fn search_path(environment: &TestEnvironment) -> OsString {
    let mut path = environment
        .airboss()
        .parent()
        .expect("it is a file")
        .as_os_str()
        .to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    path
}

/// What is wrong with the examples of some commands, in a world of their own.
fn wrong(fixture: Fixture, examples: &[String]) -> Vec<String> {
    let world = World::new(fixture);
    let told = examples
        .iter()
        .filter_map(|line| carry_out(&world, line).err());
    told.collect()
}

fn carry_out(world: &World, line: &str) -> Result<(), String> {
    let environment = &world.environment;
    let words = world.named(line);
    let mut shell = environment
        .program("sh", ["-c", &words])
        .env("PATH", search_path(environment));
    for (name, value) in &world.variables {
        shell = shell.env(name, value);
    }
    let stated = CODES.iter().find(|(it, _)| *it == line);
    let expected = stated.map_or(0, |(_, code)| *code);
    if words.starts_with("airboss tui") {
        let mut terminal = shell.env("TERM", "xterm-256color").on_terminal();
        terminal.expect("steps settled");
        terminal.press("q");
        let (code, screen) = terminal.wait();
        return match code == expected {
            true => Ok(()),
            false => Err(format!("{line}\n{screen}")),
        };
    }
    let output = shell.run();
    let complains = output
        .stderr
        .lines()
        .any(|it| it.to_lowercase().starts_with("error"));
    match output.code() == expected && !complains {
        true => Ok(()),
        false => Err(format!("{line}\n{output}")),
    }
}

#[test]
fn every_example_does_what_it_says() {
    let commands = commands();
    let worlds = Mutex::new(WORLDS.iter());
    let failures = Mutex::new(Vec::new());
    // An attempt is mostly waited for, so more than one at a time can be.
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let next = worlds.lock().expect("nobody panics with it").next();
                    let Some((fixture, paths)) = next else { break };
                    let lines = paths.iter().flat_map(|path| &commands[*path]);
                    let lines: Vec<String> = lines.cloned().collect();
                    let told = wrong(*fixture, &lines);
                    failures.lock().expect("nobody panics with it").extend(told);
                }
            });
        }
    });
    let failures = failures.into_inner().expect("nobody panics with it");
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
