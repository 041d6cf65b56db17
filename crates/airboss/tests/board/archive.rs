//! Finished tasks and their directories go into the archive, and come back.

use airboss_testkit::{TestEnvironment, assert_output};

use crate::{LISTS, PLAN, PLAN_PATH, adopted, committed, differences};

const FROM: &str = "specs/052_draw_the_frame";
const TO: &str = "specs/archive/052_draw_the_frame";
const ARCHIVE: &str = "specs/archive/state.json";

/// The board with a completed task 52, whose directory holds a plan.
fn finished() -> TestEnvironment {
    let environment = adopted();
    environment
        .run(["task", "status", "52", "completed", "--force"])
        .expect_code(0);
    environment
}

/// Archives task 52; answers what was told.
fn archived(environment: &TestEnvironment) -> airboss_testkit::environment::Output {
    let told = environment.run(["archive", "52"]);
    told.expect_code(0);
    assert_eq!(differences(environment), [], "{told}");
    told
}

#[test]
fn a_directory_goes_with_its_task_in_one_commit_and_comes_back() {
    let environment = finished();
    let before = environment.tree();
    let plan = format!("{TO}/plans/implementation-001.md");
    let files = [LISTS[0], plan.as_str(), ARCHIVE, LISTS[1]];
    let told = committed(&environment, ["archive", "52"], &files);
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    52  archived  Draw the frame
         commit [COMMIT]
    ----- stderr -----
    "#);
    assert_eq!(environment.read(&plan), PLAN);
    assert!(!environment.path(FROM).exists());
    assert!(
        environment
            .read(ARCHIVE)
            .contains("archive/052_draw_the_frame/")
    );
    let shown = environment.git([
        "show",
        "--format=",
        "--name-status",
        "-M",
        "HEAD",
        "--",
        FROM,
        TO,
    ]);
    assert_eq!(shown, format!("R100\t{PLAN_PATH}\t{plan}"));
    environment.assert_tree_clean();
    // Its links still mean the same file.
    let told = environment.run(["handoff", "52"]);
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    Task 52: Draw the frame [completed]
    The frame is drawn around everything.
    Plan: specs/052_draw_the_frame/plans/implementation-001.md
    Phases: 1 of 2 done; next is 2: The edges
    Next: airboss test 52
    ----- stderr -----
    "#);

    environment.run(["undo"]).expect_code(0);
    assert_eq!(differences(&environment), []);
    environment.assert_tree_clean();
    let after = environment.tree();
    assert_eq!(before.get(PLAN_PATH), after.get(PLAN_PATH));
    assert!(!environment.path(TO).exists());
}

/// Off the board, a task has its history still.
#[test]
fn what_is_off_the_board_is_in_the_log() {
    let environment = finished();
    archived(&environment);
    let log = |id: &str| {
        let log = environment.run(["log", id]);
        log.expect_code(0).stdout.clone()
    };
    assert!(log("52").contains("archived: by a person"));
    environment
        .run(["task", "add", "A slip of the pen"])
        .expect_code(0);
    environment.run(["undo"]).expect_code(0);
    let gone = log("57");
    for expected in ["A slip of the pen", "removed: undo of"] {
        assert!(gone.contains(expected), "{gone}");
    }
}

#[test]
fn what_a_person_has_in_it_moves_along_uncommitted() {
    let environment = finished();
    let edited = format!("{PLAN}\nAn edit that is not committed.\n");
    environment.write(PLAN_PATH, &edited);
    environment.write(&format!("{FROM}/notes.txt"), "mine\n");
    environment.write("README.md", "elsewhere\n");
    environment.git(["add", "README.md"]);
    archived(&environment);
    assert_eq!(
        environment.read(&format!("{TO}/plans/implementation-001.md")),
        edited
    );
    let status = environment.git(["status", "--porcelain"]);
    insta::assert_snapshot!(status, @r#"
    M  README.md
     M specs/archive/052_draw_the_frame/plans/implementation-001.md
    ?? specs/archive/052_draw_the_frame/notes.txt
    "#);
    let committed = environment.git(["show", &format!("HEAD:{TO}/plans/implementation-001.md")]);
    assert_eq!(committed, PLAN.trim_end());
    environment.run(["undo"]).expect_code(0);
    assert_eq!(environment.read(PLAN_PATH), edited);
    assert_eq!(environment.read(&format!("{FROM}/notes.txt")), "mine\n");
}

#[test]
fn what_would_lose_something_stays_with_the_reason() {
    let check = |prepare: &dyn Fn(&TestEnvironment), expected: &str| {
        let environment = finished();
        prepare(&environment);
        let told = archived(&environment);
        let warning = told.stderr.lines().find(|line| line.contains("stays"));
        assert_eq!(
            warning.unwrap_or_default(),
            format!(
                "warning: {FROM} stays where it is, because {expected}; `git mv {FROM} {TO}` \
                 moves it by hand"
            )
        );
        assert!(environment.path(PLAN_PATH).exists());
        environment.run(["undo"]).expect_code(0);
        assert_eq!(differences(&environment), []);
    };
    check(
        &|environment| {
            environment.write(PLAN_PATH, "# Another\n");
            environment.git(["add", PLAN_PATH]);
        },
        &format!("a change of {PLAN_PATH} is staged"),
    );
    check(
        &|environment| environment.write(&format!("{TO}/x.md"), "there\n"),
        &format!("{TO} is there already"),
    );
}

#[test]
fn a_preview_changes_nothing() {
    let environment = finished();
    let before = environment.state();
    let told = environment.run(["archive", "--finished", "--dry-run"]);
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    51  archived  Read the window size
    52  archived  Draw the frame
    ----- stderr -----
    specs/052_draw_the_frame → specs/archive/052_draw_the_frame
    nothing was changed: this is what it would be
    "#);
    assert_eq!(environment.state(), before);
}

#[test]
fn without_git_the_directory_moves_as_well() {
    let environment = TestEnvironment::without_git(env!("CARGO_BIN_EXE_airboss"));
    environment.run(["init", "--yes"]).expect_code(0);
    environment
        .run(["task", "add", "Name the colours"])
        .expect_code(0);
    environment.write("specs/1_name_the_colours/reports/a.md", "red\n");
    environment
        .run(["task", "status", "1", "completed", "--force"])
        .expect_code(0);
    environment.run(["archive", "1"]).expect_code(0);
    assert_eq!(
        environment.read("specs/archive/1_name_the_colours/reports/a.md"),
        "red\n"
    );
    environment.run(["undo"]).expect_code(0);
    assert_eq!(
        environment.read("specs/1_name_the_colours/reports/a.md"),
        "red\n"
    );
}

#[test]
fn what_a_crash_left_is_finished_by_the_next_command() {
    let environment = finished();
    archived(&environment);
    let places = environment.git(["rev-parse", "--git-common-dir"]);
    let state = airboss_engine::workspace::Workspace::open(&environment.top())
        .unwrap()
        .state;
    assert!(state.starts_with(environment.path(places)));
    // As if it had been killed before the rename: the intent is there, the directory not moved.
    let intent = |from: &str, to: &str, task: &str| {
        let text = format!(r#"{{"board":"specs","task":"{task}","from":"{from}","to":"{to}"}}"#);
        fs_err::create_dir_all(state.join("moves")).unwrap();
        fs_err::write(state.join("moves").join("x.json"), text).unwrap();
    };
    let shown: serde_json::Value = {
        let told = environment.run(["task", "show", "52", "--json"]);
        crate::data(&told)
    };
    let task = shown["id"]
        .as_str()
        .or(shown["task"]["id"].as_str())
        .unwrap_or_default()
        .to_owned();
    fs_err::rename(environment.path(TO), environment.path(FROM)).unwrap();
    intent(FROM, TO, &task);
    environment
        .run(["task", "status", "53", "planned"])
        .expect_code(0);
    assert!(environment.path(TO).exists());
    environment.assert_tree_clean();
    // One that was never decided is dropped, once nobody can be about to decide it.
    intent(TO, FROM, &task);
    environment
        .run(["task", "status", "53", "researched"])
        .expect_code(0);
    assert!(environment.path(TO).exists());
    let intents = || fs_err::read_dir(state.join("moves")).unwrap().count();
    assert_eq!(intents(), 1);
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3_600);
    let file = fs_err::File::options()
        .write(true)
        .open(state.join("moves/x.json"))
        .unwrap();
    file.set_modified(long_ago).unwrap();
    environment
        .run(["task", "status", "53", "planned"])
        .expect_code(0);
    assert_eq!(intents(), 0);
    assert!(environment.path(TO).exists());
}
