//! `config`, `trust`, `completions` and `man`.

use crate::support::{check, environment};

const SETTINGS: &str = "\
[run]
jobs = 3
jbos = 4

[gates.test]
command = \"make test\"
";

#[test]
fn settings_are_shown_with_their_origins() {
    let environment = environment();
    environment.raw_config("run.agent = 'codex'\n");
    environment.write("airboss.toml", SETTINGS);
    environment.write("airboss.local.toml", "run.jobs = 5\n");
    check!(environment, ["config", "show", "--origin"], @r#"
    exit code: 0
    ----- stdout -----
    [run]
    agent = "codex"  # [ROOT]/config/airboss/config.toml:1
    jobs = 5   # airboss.local.toml:1
    batch = 1   # default

    [limits]
    deadline = "2 h"   # default
    idle = "30 min"   # default
    interrupt_grace = "10 s"  # default
    terminate_grace = "10 s"  # default
    line_bytes = 1048576   # default
    log_bytes = 67108864   # default
    flood_bytes = 1073741824  # default
    retries = 2   # default
    backoff = "2 s"   # default
    interruptions = 5   # default
    parkings = 5   # default
    parking = "30 s"   # default
    limit_wait = "6 h"   # default
    iterations = 0   # default

    [commit]
    mode = "step"  # default

    [markdown]
    write = true  # default

    [board]
    transitions = "permissive"  # default
    stale_after = "30 min"   # default
    commit = true   # default
    project_state = false   # default
    ----- stderr -----
    warning: airboss.toml:3: unknown setting `run.jbos`; did you mean `jobs`?
    warning: not counted, because nobody has trusted them yet: gates.test.command
    hint: `airboss trust` shows them and asks
    "#);
    let output = environment
        .command(["config", "show", "--json"])
        .env("AIRBOSS_RUN_BATCH", "2")
        .run();
    let value: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let settings = &value["data"]["settings"];
    assert_eq!(settings["run.batch"]["origin"], "AIRBOSS_RUN_BATCH");
    assert_eq!(settings["run.jobs"]["value"], 5);
    assert_eq!(value["data"]["untrusted"][0], "gates.test.command");
}

#[test]
fn what_is_shown_can_be_read_again() {
    let environment = environment();
    environment.write("airboss.toml", SETTINGS);
    environment.run(["trust", "--yes"]).expect_code(0);
    let first = environment.run(["config", "show"]);
    environment.write("airboss.toml", &first.stdout);
    environment.run(["trust", "--yes"]).expect_code(0);
    assert_eq!(environment.run(["config", "show"]).stdout, first.stdout);
}

#[test]
fn the_files_are_named() {
    check!(environment(), ["config", "path"], @r#"
    exit code: 0
    ----- stdout -----
    user   [ROOT]/config/airboss/config.toml
    project  airboss.toml  (not there)
    local   airboss.local.toml  (not there)
    ----- stderr -----
    "#);
}

#[test]
fn a_broken_setting_names_its_line() {
    let environment = environment();
    environment.write("airboss.toml", "[run]\njobs = \"many\"\n");
    check!(environment, ["config", "show"], @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: airboss.toml:2: `run.jobs` cannot be used; a whole number from 0 is expected
    "#);
}

#[test]
fn trust_is_given_by_a_person_and_lasts_until_a_command_changes() {
    let environment = environment();
    check!(environment, ["trust"], @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    nothing in this repository's settings runs a program
    "#);
    environment.write("airboss.toml", SETTINGS);
    check!(environment, ["trust"], @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    These settings of the repository run programs on this machine:
    gates.test.command  airboss.toml:6  "make test"
    Error: trust has to be given by a person
    hint: run it on a terminal, or with --yes once you have read the commands
    "#);
    check!(environment, ["trust", "--yes"], @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    These settings of the repository run programs on this machine:
    gates.test.command  airboss.toml:6  "make test"
    1 setting trusted until one of them changes
    "#);
    check!(environment, ["trust"], @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    1 setting already trusted; nothing to do
    "#);
    environment.write("airboss.toml", SETTINGS.replace("make test", "make all"));
    environment.run(["trust"]).expect_code(4);
}

#[test]
fn shells_and_readers_get_every_command() {
    let environment = environment();
    for shell in ["bash", "zsh", "fish"] {
        let output = environment.run(["completions", shell]);
        output.expect_code(0);
        assert_ne!(output.stdout.matches("replay").count(), 0, "{shell}");
    }
    let page = environment.run(["man"]);
    assert_eq!(title(&page.stdout), ".TH airboss 1");
    environment.run(["man", "--dir", "man"]).expect_code(0);
    let page = environment.read("man/airboss-why.1");
    assert_eq!(title(&page), ".TH airboss-why 1");
    assert!(page.contains("Examples:\n"), "{page}");
    assert!(page.contains("airboss why 1.2"), "{page}");
}

/// The title line of a manual page, up to its section.
fn title(page: &str) -> String {
    let line = page.lines().find(|line| line.starts_with(".TH"));
    let words = line.unwrap_or_default().split_whitespace().take(3);
    words.collect::<Vec<_>>().join(" ")
}
