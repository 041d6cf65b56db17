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
    check!(environment, ["config", "show", "--origin"], @"");
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
    check!(environment(), ["config", "path"], @"");
}

#[test]
fn a_broken_setting_names_its_line() {
    let environment = environment();
    environment.write("airboss.toml", "[run]\njobs = \"many\"\n");
    check!(environment, ["config", "show"], @"");
}

#[test]
fn trust_is_given_by_a_person_and_lasts_until_a_command_changes() {
    let environment = environment();
    check!(environment, ["trust"], @"");
    environment.write("airboss.toml", SETTINGS);
    check!(environment, ["trust"], @"");
    check!(environment, ["trust", "--yes"], @"");
    check!(environment, ["trust"], @"");
    environment.write("airboss.toml", SETTINGS.replace("make test", "make all"));
    environment.run(["trust"]).expect_code(4);
}

#[test]
fn shells_and_readers_get_every_command() {
    let environment = environment();
    for shell in ["bash", "zsh", "fish"] {
        let output = environment.run(["completions", shell]);
        output.expect_code(0);
        assert!(output.stdout.contains("replay"), "{shell}");
    }
    let page = environment.run(["man"]);
    assert!(page.stdout.contains(".TH airboss 1"));
    environment.run(["man", "--dir", "man"]).expect_code(0);
    assert!(environment.read("man/airboss-why.1").contains("airboss"));
}
