//! What cannot be flown: each time one clear sentence, the right exit code, and nothing changed.

use std::os::unix::fs::PermissionsExt as _;

use airboss_testkit::assert_output;
use airboss_testkit::environment::{Invocation, Output, TestEnvironment, differing};

use crate::support::*;

/// An environment with a good plan and a good agent, of which a test then spoils one thing.
fn good() -> TestEnvironment {
    let environment = environment();
    environment.plan(PLAN, plan(&[&[("1.1", "Write `out/1-1.txt`")]]));
    environment.script(DILIGENT);
    environment
}

/// Runs a command that has to change nothing.
#[track_caller]
fn refused<'e>(
    environment: &'e TestEnvironment,
    command: impl FnOnce(&'e TestEnvironment) -> Invocation<'e>,
) -> Output {
    let before = environment.state();
    let known = environment.path(".git/airboss").exists();
    let output = command(environment).run();
    assert_ne!(output.code(), 0, "{output}");
    assert_eq!(output.told("panicked"), Vec::<&str>::new(), "{output}");
    let changed = differing(&before, &environment.state());
    assert_eq!(changed, Vec::<String>::new(), "{output}");
    let made = !known && environment.path(".git/airboss").exists();
    assert!(
        !made,
        "a refused command made Airboss's directory: {output}"
    );
    assert!(environment.processes_left().is_empty());
    output
}

#[test]
fn a_missing_plan() {
    let environment = good();
    let output = refused(&environment, |e| e.command(["run", "plans/nowhere.md"]));
    assert_output!(environment, output, @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: plans/nowhere.md does not exist; name the plan's Markdown file
    "#);
}

#[test]
fn no_plan_is_named() {
    let environment = good();
    let output = refused(&environment, |e| e.command(["run"]));
    assert_output!(environment, output, @r#"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    Error: no plan was named, and none is known here
    hint: name the plan's Markdown file: `airboss run plans/my-plan.md`
    "#);
}

#[test]
fn a_directory_as_plan() {
    let environment = good();
    let output = refused(&environment, |e| e.command(["run", "plans"]));
    assert_output!(environment, output, @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: plans is a directory; name the plan's Markdown file
    "#);
}

#[test]
fn a_plan_outside_the_work_tree() {
    let environment = good();
    fs_err::write(environment.outside("plan.md"), plan(&[&[("1.1", "Do it")]])).unwrap();
    let output = refused(&environment, |e| e.command(["run", "../plan.md"]));
    assert_output!(environment, output, @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: [ROOT]/plan.md lies outside the work tree [WORK]; copy it into the work tree
    "#);
}

#[test]
fn a_plan_that_is_not_utf_8_keeps_its_bytes() {
    let environment = good();
    let mut text = plan(&[&[("1.1", "Write it")]]).into_bytes();
    text.extend(b"- [ ] 1.2 Write \xff\xfe too\n");
    environment.plan(PLAN, text);
    environment.run(["run", PLAN]).expect_code(0);
    let now = fs_err::read(environment.path(PLAN)).unwrap();
    assert!(now.ends_with(b"- [ ] 1.2 Write \xff\xfe too\n"));
    let text = String::from_utf8_lossy(&now);
    assert_eq!(text.matches("[COMPLETED]").count(), 1, "{text}");
}

#[test]
fn a_plan_that_is_too_large() {
    let environment = good();
    let mut text = plan(&[&[("1.1", "Write it")]]);
    text.push_str(&"words and words and words\n".repeat(700_000));
    environment.write("plans/large.md", text);
    let output = refused(&environment, |e| e.command(["run", "plans/large.md"]));
    assert_output!(environment, output, @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: plans/large.md has 18 MB; a plan has at most 16 MB
    "#);
}

#[test]
fn an_empty_plan() {
    let environment = good();
    environment.plan(PLAN, "");
    let output = refused(&environment, |e| e.command(["run", PLAN]));
    assert_output!(environment, output, @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: plans/work.md cannot be flown
      plans/work.md: the file is empty
        write the plan, or restore it from git
    "#);
}

#[test]
fn a_plan_without_steps() {
    let environment = good();
    environment.plan(PLAN, "# Plan: Work\n\nSome thoughts about it.\n");
    let output = refused(&environment, |e| e.command(["run", PLAN]));
    assert_output!(environment, output, @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: plans/work.md cannot be flown
      plans/work.md: the plan has no phase and no step
        add a heading such as `### Phase 1: Title [NOT STARTED]` with boxes below it
    "#);
}

#[test]
fn phases_that_wait_for_each_other() {
    let environment = good();
    let text = [
        "# Plan: Work\n\n## Implementation Phases\n".to_owned(),
        phase(1, "2", &[("1.1", "Write it")], ""),
        phase(2, "1", &[("2.1", "Write it")], ""),
    ];
    environment.plan(PLAN, text.concat());
    let output = refused(&environment, |e| e.command(["run", PLAN]));
    assert_output!(environment, output, @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: plans/work.md cannot be flown
      plans/work.md:6: dependencies go in a circle: phase 2 → phase 1 → phase 2
        take one of them out
    "#);
}

#[test]
fn a_dependency_that_does_not_exist() {
    let environment = good();
    let text = [
        "# Plan: Work\n\n## Implementation Phases\n".to_owned(),
        phase(1, "", &[("1.1", "Write it")], ""),
        phase(2, "1, 7", &[("2.1", "Write it")], ""),
    ];
    environment.plan(PLAN, text.concat());
    let output = refused(&environment, |e| e.command(["run", PLAN]));
    assert_output!(environment, output, @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: plans/work.md cannot be flown
      plans/work.md:11: there is no phase 7
        name one that exists
    "#);
}

#[test]
fn two_steps_of_one_id_are_two_steps() {
    let environment = good();
    environment.plan(PLAN, plan(&[&[("1.1", "Write it"), ("1.1", "Write that")]]));
    environment.run(["run", PLAN]).expect_code(0);
    assert_eq!(with_status(&environment, "completed"), "1.1 1.1~2");
}

#[test]
fn an_output_directory_outside() {
    let environment = good();
    let text = plan(&[&[("1.1", "Write it")]]);
    let text = text.replace("## Impl", "**Output:** ../elsewhere/\n\n## Impl");
    environment.plan(PLAN, text);
    let output = environment.run(["run", PLAN]);
    assert!(!environment.outside("elsewhere").exists(), "{output}");
}

#[test]
fn a_work_tree_that_is_not_there() {
    let environment = good();
    let output = refused(&environment, |e| e.command(["-C", "nowhere", "run", PLAN]));
    assert_output!(environment, output, @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: nowhere is no directory; name the work tree or a directory in it
    "#);
}

#[test]
fn no_git_program() {
    let environment = good();
    fs_err::create_dir(environment.outside("bin")).unwrap();
    let output = refused(&environment, |e| {
        e.command(["run", PLAN]).env("PATH", e.outside("bin"))
    });
    assert_output!(environment, output, @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: the git program was not found on PATH; install git 2.35 or later
    "#);
}

#[test]
fn an_unknown_agent() {
    let environment = good();
    let output = refused(&environment, |e| {
        e.command(["run", PLAN, "--agent", "nobody"])
    });
    assert_output!(environment, output, @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: there is no agent `nobody`
    hint: known agents: claude, codex, plain
    hint: `[agents.nobody]` in airboss.toml describes a new one
    "#);
}

#[test]
fn an_agent_program_that_is_missing() {
    let environment = good();
    environment.config("[agents.mine]\nbackend = \"command\"\nprogram = \"no-such-agent\"\n");
    let output = refused(&environment, |e| {
        e.command(["run", PLAN, "--agent", "mine"])
    });
    assert_output!(environment, output, @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: the program `no-such-agent` of agent `mine` was not found
    hint: put `no-such-agent` on PATH, or set `program` in `[agents.mine]`
    "#);
}

#[test]
fn an_agent_program_that_cannot_be_run() {
    let environment = good();
    let program = environment.outside("agent");
    fs_err::write(&program, "no program\n").unwrap();
    environment.config(&format!(
        "[agents.mine]\nbackend = \"command\"\nprogram = '{}'\n",
        program.display()
    ));
    let output = refused(&environment, |e| {
        e.command(["run", PLAN, "--agent", "mine"])
    });
    assert_output!(environment, output, @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: the program `[ROOT]/agent` of agent `mine` may not be executed
    hint: `chmod +x [ROOT]/agent`, if it is a program
    "#);
}

#[test]
fn commands_that_nobody_trusts() {
    let environment = good();
    environment.write("airboss.toml", "[gates.check]\ncommand = \"touch owned\"\n");
    let output = refused(&environment, |e| e.command(["run", PLAN]));
    assert_output!(environment, output, @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: airboss.toml sets commands that nobody has trusted yet: gates.check.command
    hint: `airboss trust` shows them and asks
    "#);
    assert!(!environment.path("owned").exists());
}

#[test]
fn a_configuration_that_cannot_be_read() {
    let environment = good();
    environment.write("airboss.toml", "[run]\njobs = \"many\"\n");
    let output = refused(&environment, |e| e.command(["run", PLAN]));
    assert_output!(environment, output, @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: airboss.toml:2: `run.jobs` cannot be used; a whole number from 0 is expected
    "#);
    environment.write("airboss.toml", "[run\n");
    let output = refused(&environment, |e| e.command(["run", PLAN]));
    assert_output!(environment, output, @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: airboss.toml:1: unclosed table, expected `]`
    "#);
}

#[test]
fn a_file_in_place_of_the_state_directory() {
    let environment = good();
    environment.write(".git/airboss", "in the way\n");
    let output = refused(&environment, |e| e.command(["run", PLAN]));
    assert_output!(environment, output, @r#"
    exit code: 74
    ----- stdout -----

    ----- stderr -----
    Error: [WORK]/.git/airboss cannot be made: File exists (os error 17); move away what is in its place, or make the directory above it writable
    "#);
    assert_eq!(environment.read(".git/airboss"), "in the way\n");
}

#[test]
fn a_damaged_store() {
    let environment = good();
    environment.run(["run", PLAN]).expect_code(0);
    let state = environment.path(".git/airboss");
    let mut stores = Vec::new();
    find(&state, "state.db", &mut stores);
    assert_eq!(stores.len(), 1, "{stores:?}");
    // What SQLite has not yet taken over from its log would mend the file.
    for log in ["state.db-wal", "state.db-shm"] {
        fs_err::remove_file(stores[0].with_file_name(log)).ok();
    }
    fs_err::write(&stores[0], "no database".repeat(1000)).unwrap();
    let output = refused(&environment, |e| e.command(["run", PLAN]));
    output.expect_code(74);
    assert_eq!(output.told("state.db is damaged").len(), 1, "{output}");
}

fn find(directory: &std::path::Path, name: &str, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs_err::read_dir(directory).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            find(&entry.path(), name, found);
        } else if entry.file_name() == name {
            found.push(entry.path());
        }
    }
}

#[test]
fn a_read_only_work_tree() {
    if rustix::process::geteuid().is_root() {
        println!("skipped: the superuser may write everywhere");
        return;
    }
    let environment = good();
    let top = environment.top();
    let mode = |mode| {
        for directory in [&top, &top.join(".git")] {
            fs_err::set_permissions(directory, std::fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    mode(0o555);
    let output = refused(&environment, |e| e.command(["run", PLAN]));
    mode(0o755);
    output.expect_code(74);
    assert_eq!(output.told("ermission denied").len(), 1, "{output}");
}
