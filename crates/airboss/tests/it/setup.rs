//! `airboss setup`: what it writes for each program, and what it leaves alone.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use airboss_testkit::{TestEnvironment, assert_output};

use crate::empty;

const PROGRAMS: [&str; 4] = ["claude", "codex", "opencode", "gemini"];

/// The file in which a program has its MCP servers, and what a person has in it already.
fn settings_of(program: &str) -> (&'static str, &'static str) {
    match program {
        "codex" => (
            ".codex/config.toml",
            "# mine\nmodel = \"x\"\n\n[mcp_servers.other]\ncommand = 'other'",
        ),
        "opencode" => (
            "opencode.json",
            "{\r\n\t\"theme\" : \"dark\",\r\n\t\"mcp\": { \"other\": {\"type\":\"local\"} }\r\n}\r\n",
        ),
        "gemini" => (
            ".gemini/settings.json",
            "{ \"ui\": {\"theme\": \"dark\" }, \"list\":[1,  2] }",
        ),
        _ => (
            ".mcp.json",
            "{\n    \"mcpServers\": {\n        \"other\": { \"command\": \"x\" }\n    }\n}\n",
        ),
    }
}

/// A command that Airboss gives a program, and the files of which it is one.
fn command_of(program: &str) -> &'static str {
    match program {
        "codex" => ".agents/skills/plan/SKILL.md",
        "opencode" => ".opencode/commands/plan.md",
        "gemini" => ".gemini/commands/plan.toml",
        _ => ".claude/commands/plan.md",
    }
}

/// A person's own files, which nothing may change.
fn lived_in(program: &str) -> TestEnvironment {
    let environment = empty();
    let (settings, text) = settings_of(program);
    environment.write(settings, text);
    environment.write("AGENTS.md", "# How we work\r\n\r\n- Slowly.");
    environment
}

/// The files that are not in `before`.
fn new_files(environment: &TestEnvironment, before: &BTreeMap<String, Vec<u8>>) -> String {
    let tree = environment.tree().into_iter();
    let new = tree.filter(|(path, bytes)| before.get(path) != Some(bytes));
    let shown = new.map(|(path, bytes)| {
        let text = String::from_utf8_lossy(&bytes);
        format!("======== {path}\n{text}\n")
    });
    shown.collect()
}

#[track_caller]
fn check_files(program: &str) {
    let environment = empty();
    let before = environment.tree();
    environment.run(["setup", program]).expect_code(0);
    let snapshot = format!("setup_{program}");
    insta::assert_snapshot!(snapshot, new_files(&environment, &before));
}

#[test]
fn the_files_of_claude() {
    check_files("claude");
}

#[test]
fn the_files_of_codex() {
    check_files("codex");
}

#[test]
fn the_files_of_opencode() {
    check_files("opencode");
}

#[test]
fn the_files_of_gemini() {
    check_files("gemini");
}

#[test]
fn a_second_time_changes_nothing_and_a_removal_restores_every_byte() {
    for program in PROGRAMS {
        for environment in [empty(), lived_in(program)] {
            let before = environment.state();
            environment
                .run(["setup", program, "--check"])
                .expect_code(1);
            environment
                .run(["setup", program, "--dry-run"])
                .expect_code(0);
            assert_eq!(environment.state(), before, "{program}: only looked");

            environment.run(["setup", program]).expect_code(0);
            let after = environment.state();
            environment
                .run(["setup", program, "--check"])
                .expect_code(0);
            environment.run(["setup", program]).expect_code(0);
            assert_eq!(environment.state(), after, "{program}: nothing to do");
            for (path, bytes) in &before {
                assert!(after.contains_key(path), "{program}: {path}");
                let kept = after[path].starts_with(bytes) || path.ends_with(".json");
                assert!(kept, "{program}: {path}");
            }

            environment
                .run(["setup", program, "--remove", "--check"])
                .expect_code(1);
            environment
                .run(["setup", program, "--remove"])
                .expect_code(0);
            assert_eq!(environment.state(), before, "{program}: restored");
            environment
                .run(["setup", program, "--remove"])
                .expect_code(0);
            assert_eq!(environment.state(), before);
        }
    }
}

#[test]
fn what_a_person_changed_is_left_alone_and_named() {
    for program in PROGRAMS {
        let environment = empty();
        environment.run(["setup", program]).expect_code(0);
        let installed = environment.tree();
        let changed = command_of(program);
        let text = environment
            .read(changed)
            .replace("Run Airboss", "Please run Airboss");
        environment.write(changed, &text);
        let agents = environment
            .read("AGENTS.md")
            .replace("- Free text", "- All free text");
        environment.write("AGENTS.md", &agents);
        let edited = environment.tree();

        let told = environment.run(["setup", program]);
        let left = "was changed by hand and left alone; `--force` overrules that";
        let expected = format!(
            "{program}: up to date\n  ! {changed} {left}\n\
             AGENTS.md: up to date\n  ! AGENTS.md {left}\n"
        );
        assert_eq!(told.expect_code(0).stdout, expected);
        // It is as its owner wants it.
        environment
            .run(["setup", program, "--check"])
            .expect_code(0);
        assert_eq!(environment.tree(), edited);

        environment
            .run(["setup", program, "--remove"])
            .expect_code(0);
        assert_eq!(environment.read(changed), text);
        assert_eq!(environment.read("AGENTS.md"), agents);
        environment
            .run(["setup", program, "--force"])
            .expect_code(0);
        assert_eq!(environment.tree(), installed);
    }
}

#[test]
fn what_was_never_ours_is_not_even_forced() {
    for program in PROGRAMS {
        let environment = empty();
        let (settings, _) = settings_of(program);
        let own = match program {
            "codex" => "[mcp_servers.airboss]\ncommand = 'mine'\n",
            "opencode" => "{\"mcp\": {\"airboss\": {\"type\": \"remote\"}}}",
            _ => "{\"mcpServers\": {\"airboss\": {\"command\": \"mine\"}}}",
        };
        environment.write(settings, own);
        environment.write(command_of(program), "my own\n");
        let left = "holds something else of this name and was left alone; move it away to have it \
                    of airboss";
        let command = command_of(program);
        let expected = |own: &str, shared: &str| {
            format!(
                "{program}: {own}\n  ! {command} {left}\n  ! {settings} {left}\nAGENTS.md: {shared}\n"
            )
        };
        let told = environment.run(["setup", program]);
        assert_eq!(
            told.expect_code(0).stdout,
            expected("7 written", "1 written")
        );
        let told = environment.run(["setup", program, "--force"]);
        assert_eq!(
            told.expect_code(0).stdout,
            expected("up to date", "up to date")
        );
        environment
            .run(["setup", program, "--remove", "--force"])
            .expect_code(0);
        assert_eq!(environment.read(settings), own);
        assert_eq!(environment.read(command_of(program)), "my own\n");
    }
}

#[test]
fn a_file_that_cannot_be_understood_stops_everything() {
    let mut told = String::new();
    for (program, path, text) in [
        ("claude", ".mcp.json", "{\n  \"a\": 1,\n}\n"),
        ("codex", ".codex/config.toml", "a = 1\nb =\n"),
        ("codex", ".codex/config.toml", "a = 1\nmcp_servers = {}\n"),
        ("opencode", "opencode.json", "{\n// mine\n}\n"),
        ("gemini", ".gemini/settings.json", "{\"mcpServers\": []}"),
        ("claude", "AGENTS.md", "a\n<!-- airboss:begin 0 -->\n"),
    ] {
        let environment = empty();
        environment.write(path, text);
        let before = environment.state();
        let one = environment.run(["setup", program]);
        let check = environment.run(["setup", program, "--check"]);
        assert_eq!(check.expect_code(4).stderr, one.expect_code(4).stderr);
        assert_eq!(environment.state(), before, "{program}");
        told.push_str(&one.stderr);
    }
    insta::assert_snapshot!(told, @r#"
    Error: .mcp.json:3: a comma has nothing after it
    hint: mend it (comments are no JSON), then run the command again
    Error: .codex/config.toml:2: string values must be quoted, expected literal string
    hint: mend it, then run the command again
    Error: .codex/config.toml: cannot extend value of type inline table with a dotted key
    hint: add `airboss = { command = "airboss", args = ["mcp"] }` to `mcp_servers` by hand, then run the command again
    Error: opencode.json:2: this is no JSON
    hint: mend it (comments are no JSON), then run the command again
    Error: .gemini/settings.json:1: `mcpServers` is no object
    hint: make it one, then run the command again
    Error: AGENTS.md:2: a block of Airboss begins here and does not end
    hint: remove its marker lines, then run the command again
    "#);
}

#[test]
fn no_link_leads_out_of_the_work_tree() {
    for program in PROGRAMS {
        let folder = command_of(program).split('/').next().unwrap();
        let (settings, text) = settings_of(program);
        // A directory, a file that is there, and one that is not.
        for name in [folder, settings, "AGENTS.md", command_of(program)] {
            let environment = empty();
            let outside = environment.outside("elsewhere");
            fs_err::create_dir_all(&outside).unwrap();
            fs_err::write(outside.join("file"), text).unwrap();
            let link = environment.path(name);
            fs_err::create_dir_all(link.parent().unwrap()).unwrap();
            let target = if name == folder {
                outside.clone()
            } else {
                outside.join("file")
            };
            symlink(target, link).unwrap();
            let before = environment.state();
            let told = environment.run(["setup", program]);
            told.expect_code(4);
            assert_eq!(told.told("leads out of the work tree").len(), 1, "{told}");
            assert_eq!(environment.state(), before, "{program}: {name}");
            assert_eq!(fs_err::read_to_string(outside.join("file")).unwrap(), text);
            assert_eq!(fs_err::read_dir(&outside).unwrap().count(), 1);
        }
    }
}

#[test]
fn a_read_only_file_stops_everything() {
    let environment = empty();
    environment.write("AGENTS.md", "mine\n");
    let mut mode = fs_err::metadata(environment.path("AGENTS.md"))
        .unwrap()
        .permissions();
    mode.set_readonly(true);
    fs_err::set_permissions(environment.path("AGENTS.md"), mode).unwrap();
    let before = environment.state();
    let told = environment.run(["setup", "claude"]);
    assert_output!(environment, told, @r"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: AGENTS.md is read-only
    hint: `chmod u+w` allows it to be changed; nothing was changed
    ");
    assert_eq!(environment.state(), before);
}

#[test]
fn the_block_of_all_stays_as_long_as_one_is_set_up() {
    let environment = empty();
    environment
        .run(["setup", "claude", "gemini"])
        .expect_code(0);
    environment
        .run(["setup", "claude", "--remove"])
        .expect_code(0);
    assert!(environment.path("AGENTS.md").exists());
    assert!(!environment.path(".claude").exists());
    environment
        .run(["setup", "gemini", "--remove"])
        .expect_code(0);
    assert!(!environment.path("AGENTS.md").exists());
}

#[test]
fn an_older_file_is_named_and_brought_up_to_date() {
    let environment = empty();
    environment.run(["setup", "claude"]).expect_code(0);
    let path = ".claude/commands/plan.md";
    let now = environment.read(path);
    // As an earlier version may have written it: sealed, and with other words.
    let old = "---\ndescription: Plan\n# airboss setup 8c7b230534d92f47 (ours)\n---\n\nPlan it.\n";
    environment.write(path, old);
    let told = environment.run(["setup", "claude", "--check"]);
    assert_output!(environment, told, @r"
    exit code: 1
    ----- stdout -----
    claude: 1 to update
      old     .claude/commands/plan.md
    AGENTS.md: up to date
    ----- stderr -----
    ");
    environment.run(["setup", "claude"]).expect_code(0);
    assert_eq!(environment.read(path), now);
}

#[test]
fn without_a_name_those_that_are_used_here_are_set_up() {
    let environment = empty();
    // The machine of the test may have some of them.
    let path = environment.outside("programs");
    fs_err::create_dir_all(&path).unwrap();
    let setup = |arguments: &[&str]| {
        let all = ["setup"].iter().chain(arguments);
        environment.command(all).env("PATH", &path).run()
    };
    assert_output!(environment, setup(&[]), @r"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: no agent program is installed, and none has a directory here
    hint: name one: `airboss setup claude` (there are claude, codex, opencode, gemini)
    ");
    environment.write(".gemini/settings.json", "{}\n");
    let program = path.join("codex");
    fs_err::write(&program, "#!/bin/sh\n").unwrap();
    fs_err::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_output!(environment, setup(&["--dry-run"]), @r"
    exit code: 0
    ----- stdout -----
    codex (is installed): 9 to write
      write   .agents/skills/research/SKILL.md
      write   .agents/skills/plan/SKILL.md
      write   .agents/skills/revise/SKILL.md
      write   .agents/skills/implement/SKILL.md
      write   .agents/skills/coordinate/SKILL.md
      write   .agents/skills/errors/SKILL.md
      write   .agents/skills/todo/SKILL.md
      write   .agents/skills/airboss/SKILL.md
      write   .codex/config.toml
    gemini (has a directory here): 9 to write
      write   .gemini/commands/research.toml
      write   .gemini/commands/plan.toml
      write   .gemini/commands/revise.toml
      write   .gemini/commands/implement.toml
      write   .gemini/commands/coordinate.toml
      write   .gemini/commands/errors.toml
      write   .gemini/commands/todo.toml
      write   .gemini/skills/airboss/SKILL.md
      write   .gemini/settings.json
    AGENTS.md: 1 to write
      write   AGENTS.md
    ----- stderr -----
    ");
    assert_output!(environment, setup(&[]), @r"
    exit code: 0
    ----- stdout -----
    codex (is installed): 9 written
    gemini (has a directory here): 9 written
    AGENTS.md: 1 written
    ----- stderr -----
    warning: `airboss` is not on PATH, so these commands will not find it
    ");
    assert_output!(environment, setup(&["--remove"]), @r"
    exit code: 0
    ----- stdout -----
    claude: nothing to remove
    codex: 9 removed
    opencode: nothing to remove
    gemini: 9 removed
    AGENTS.md: 1 removed
    ----- stderr -----
    ");
}

#[test]
fn it_works_outside_of_git_and_tells_json() {
    let environment = TestEnvironment::without_git(env!("CARGO_BIN_EXE_airboss"));
    let told = environment.run(["setup", "claude", "--json"]);
    told.expect_code(0);
    let told: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(told["data"]["complete"], true);
    assert_eq!(told["data"]["programs"][0]["name"], "claude");
    let files = told["data"]["files"].as_array().unwrap();
    assert_eq!(files.len(), 10);
    for file in files {
        assert_eq!(
            (&file["state"], &file["action"]),
            (&"missing".into(), &"write".into())
        );
        assert!(environment.path(file["path"].as_str().unwrap()).is_file());
    }
}

#[test]
fn an_agent_sets_nothing_up_and_trusts_nothing() {
    let environment = empty();
    environment.raw_config("[gates.test]\ncommand = \"true\"\n");
    environment.run(["init", "--yes"]).expect_code(0);
    let before = environment.state();
    let refused = |words: &[&str], expected: &str| {
        let told = environment
            .command(words)
            .env("AIRBOSS_ATTEMPT", "0193c1f0-0000-7000-8000-000000000001")
            .run();
        let expected = format!("Error: an agent does not {expected}\n");
        assert_eq!(
            told.expect_code(4).stderr.lines().next(),
            expected.lines().next()
        );
        assert_eq!(environment.state(), before, "{words:?}");
    };
    refused(&["setup", "claude"], "set programs up");
    refused(&["trust", "--yes"], "trust commands");
    refused(
        &["sync", "--accept"],
        "bring the files of a board up to date",
    );
    refused(&["doctor", "--fix"], "mend what a board rests on");
}
