//! Every error: who failed, why, what to do, and an exit code. Nothing is changed by any.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::{PLAN, demo, empty, registered};
use airboss_engine::workspace::Workspace;
use airboss_testkit::{TestEnvironment, assert_output};

#[test]
fn files_that_are_no_plans() {
    let environment = demo();
    let status = |plan: &str| environment.run(["status", "--plan", plan]);
    assert_output!(environment, status("plans/missing.md"), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: plans/missing.md does not exist; name the plan's Markdown file
    "#);
    assert_output!(environment, status("plans"), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: plans is a directory; name the plan's Markdown file
    "#);
    assert_output!(environment, status("/etc/hostname"), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: /etc/hostname lies outside the work tree [WORK]; copy it into the work tree
    "#);
    assert_output!(environment, status("../escape.md"), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: the path `../escape.md` leaves the repository
    "#);
    environment.write(
        "plans/bytes.md",
        b"# Plan\n\n### Phase 1: \xff\n\n- [ ] 1.1 \xfe Do\n",
    );
    assert_output!(environment, environment.run(["init", "plans/bytes.md"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "errors": [],
      "outputPath": "docs/plan-outputs/bytes",
      "phases": 1,
      "planName": "bytes",
      "planPath": "plans/bytes.md",
      "success": true,
      "tasks": 1
    }
    ----- stderr -----
    "#);
    environment.write("plans/empty.md", "");
    assert_output!(environment, environment.run(["plan", "check", "plans/empty.md"]), @r#"
    exit code: 1
    ----- stdout -----
    plans/empty.md: error[empty-file]: the file is empty
      remedy: write the plan, or restore it from git
    1 error, 0 warnings
    ----- stderr -----
    "#);
}

#[test]
fn no_plan_or_too_many() {
    let environment = empty();
    assert_output!(environment, environment.run(["status"]), @r#"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    Error: no plan was named, and none is known here
    hint: name the plan's Markdown file: `airboss run plans/my-plan.md`
    "#);
    environment.write("plans/a.md", PLAN);
    environment.write("plans/b.md", PLAN);
    drop(environment.run(["init", "plans/a.md"]));
    drop(environment.run(["init", "plans/b.md"]));
    assert_output!(environment, environment.run(["mark-started", "1.1"]), @r#"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    Error: several plans are known here
    hint: choose one with --plan: plans/a.md, plans/b.md
    "#);
    environment.write(".claude/current-plan.txt", "plans/b.md\n");
    assert_output!(environment, environment.run(["mark-started", "1.1"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "status": "in_progress",
      "success": true,
      "taskId": "1.1"
    }
    ----- stderr -----
    "#);
}

#[test]
fn steps_and_transitions() {
    let environment = registered();
    assert_output!(environment, environment.run(["mark-started", "1.3"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: the plan has no step `1.3`
    hint: did you mean `1.1`?
    "#);
    assert_output!(environment, environment.run(["check", "nothing"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: the plan has no step `nothing`
    hint: `airboss status` and `airboss next` show the plan's steps
    "#);
    assert_output!(environment, environment.run(["mark-failed", "1.1"]), @r#"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    error: the following required arguments were not provided:
      --error <TEXT>

    Usage: airboss mark-failed --error <TEXT> <ID>

    For more information, try '--help'.
    "#);
    drop(environment.run(["mark-skipped", "1.1", "--reason", "no"]));
    assert_output!(environment, environment.run(["mark-complete", "1.1"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: step 1.1 is skipped; it cannot become completed (allowed: nothing without --force)
    hint: `--force` does it all the same, and the log says so
    "#);
    assert_output!(environment, environment.run(["mark-complete", "1.1", "--force"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "notes": null,
      "status": "completed",
      "success": true,
      "taskId": "1.1"
    }
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["answer", "1.2", "yes"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: step 1.2 does not wait for an answer: it is pending
    hint: `airboss why 1.2` says where it stands
    "#);
    assert_output!(environment, environment.run(["no-such-command"]), @r#"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    error: unrecognized subcommand 'no-such-command'

    Usage: airboss [OPTIONS] <COMMAND>

    For more information, try '--help'.
    "#);
}

#[test]
fn two_plans_cannot_share_an_output_directory() {
    let environment = registered();
    environment.write("other/demo.md", PLAN);
    assert_output!(environment, environment.run(["init", "other/demo.md"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: docs/plan-outputs/demo/status.json belongs to the plan plans/demo.md, and two plans cannot share it
    hint: give other/demo.md an `**Output:**` line with another directory
    "#);
    environment.write(
        "plans/out.md",
        format!("# Out\n\n**Output:** `../x/`\n{PLAN}"),
    );
    assert_output!(environment, environment.run(["init", "plans/out.md"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: plans/out.md: the output directory is refused: the path `../x` leaves the repository
    hint: an `**Output:**` line names a directory inside the work tree
    "#);
}

#[test]
fn without_git_everything_but_commits_works() {
    let environment = TestEnvironment::without_git(env!("CARGO_BIN_EXE_airboss"));
    environment.write("plan.md", PLAN);
    assert_output!(environment, environment.run(["mark-started", "1.1", "--plan", "plan.md"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "status": "in_progress",
      "success": true,
      "taskId": "1.1"
    }
    ----- stderr -----
    "#);
    assert!(environment.top().join(".airboss").is_dir());
    assert_output!(environment, environment.run(["sync", "--check"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "drift": [],
      "inSync": true
    }
    ----- stderr -----
    "#);
}

#[test]
fn what_stands_in_the_way_leaves_the_file_pending() {
    let environment = demo();
    environment.write("docs/plan-outputs", "a file, not a directory");
    assert_output!(environment, environment.run(["mark-started", "1.1", "--plan", "plans/demo.md"]), @r#"
    exit code: 10
    ----- stdout -----
    {
      "status": "in_progress",
      "success": true,
      "taskId": "1.1"
    }
    ----- stderr -----
    warning: the change is stored, but docs/plan-outputs/demo/status.json could not be written: failed to create directory `[WORK]/docs/plan-outputs/demo`: Not a directory (os error 20); the next command tries again
    "#);
    assert_output!(environment, environment.run(["status"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "completed": 0,
      "currentPhase": "Phase 1: Measure",
      "failed": 0,
      "inProgress": 1,
      "pending": 2,
      "percentage": 0,
      "planName": "demo",
      "planPath": "plans/demo.md",
      "skipped": 0,
      "source": "status.json",
      "total": 3
    }
    ----- stderr -----
    warning: docs/plan-outputs/demo/status.json is not up to date; the next command that writes mends it
    "#);
    fs_err::remove_file(environment.top().join("docs/plan-outputs")).unwrap();
    assert_output!(environment, environment.run(["mark-complete", "1.1"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "notes": null,
      "status": "completed",
      "success": true,
      "taskId": "1.1"
    }
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["sync", "--check"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "drift": [],
      "inSync": true
    }
    ----- stderr -----
    "#);
}

#[test]
fn a_store_that_cannot_be_used_changes_nothing() {
    let environment = demo();
    environment.write(".git/airboss", "a file in place of the directory");
    assert_output!(environment, environment.run(["mark-started", "1.1", "--plan", "plans/demo.md"]), @r#"
    exit code: 74
    ----- stdout -----

    ----- stderr -----
    Error: [WORK]/.git/airboss cannot be made: File exists (os error 17); move away what is in its place, or make the directory above it writable
    "#);
}

/// SQLite's.
fn lock_table(environment: &TestEnvironment) -> Option<PathBuf> {
    let stores = fs_err::read_dir(environment.path(".git/airboss")).ok()?;
    let mut tables = stores.flatten().map(|it| it.path().join("state.db-shm"));
    tables.find(|path| path.exists())
}

#[test]
fn a_lost_lock_table_stops_readers_until_somebody_writes() {
    let environment = registered();
    fs_err::remove_file(lock_table(&environment).unwrap()).unwrap();
    let read = environment.run(["status"]);
    assert_eq!(
        read.expect_code(74)
            .told("run any command that writes")
            .len(),
        1
    );
    environment.run(["mark-started", "1.1"]).expect_code(0);
    environment.run(["status"]).expect_code(0);
}

/// As a writer leaves it that is killed while it tells the others of its change, when one of them
/// has the store open.
#[test]
fn a_half_written_lock_table_is_put_right() {
    let environment = registered();
    let workspace = Workspace::open(&environment.top()).unwrap();
    let other = workspace.open_store().unwrap();
    let table = lock_table(&environment).unwrap();
    let spoil = || {
        // By another process: whoever closes the table gives up the locks of a whole process on it.
        let words = ["if=/dev/zero", "bs=96", "count=1", "conv=notrunc"];
        let spoiled = Command::new("dd")
            .args(words)
            .arg(format!("of={}", table.display()))
            .stderr(Stdio::null())
            .status();
        assert!(spoiled.unwrap().success());
    };
    spoil();
    assert_output!(environment, environment.run(["log"]), @r"
    exit code: 0
    ----- stdout -----
    1  [TIME]  plan_registered    demo, 3 steps
    ----- stderr -----
    ");
    spoil();
    environment.run(["mark-started", "1.1"]).expect_code(0);
    environment.run(["log"]).expect_code(0);
    drop(other);
}
