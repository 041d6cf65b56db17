//! Taking a board over, comparing it, and what is refused.

use airboss_testkit::{TestEnvironment, assert_output};

use crate::{STATE, TODO, found, refused};

/// A repository whose two files disagree about three tasks and the next number.
pub(crate) fn disagreeing() -> TestEnvironment {
    let environment = found();
    let todo = TODO
        .replace("[NOT STARTED]", "[RESEARCHED]")
        .replace("### 56. Write", "### 58. Write")
        .replace("next_project_number: 57", "next_project_number: 60");
    environment.write("specs/TODO.md", todo);
    environment.commit("disagree");
    environment
}

#[test]
fn disagreements_are_shown_settled_and_gone() {
    let environment = disagreeing();
    assert_output!(environment, refused(&environment, ["init"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    specs: TODO.md 6 tasks, state.json 6 tasks
    - task 53: TODO.md says `RESEARCHED` (line 22), state.json `not_started` (line 30); state.json
    counts where nothing else decides
    - task 56 is only in state.json: `researched` (line 57); only state.json had it
    - task 58 is only in TODO.md: `RESEARCHED` (line 65); only TODO.md had it
    - the next number is 60 in TODO.md and 57 in state.json; numbers are given out by state.json
    Error: a person has to see this first
    hint: run it on a terminal, or with --yes
    "#);
    let check = environment.run(["sync", "--check"]);
    assert_output!(environment, check, @r#"
    exit code: 1
    ----- stdout -----
    the next number is 60 in TODO.md and 57 in state.json
    task 53: TODO.md says `RESEARCHED` (line 22), state.json `not_started` (line 30)
    task 56 is only in state.json: `researched` (line 57)
    task 58 is only in TODO.md: `RESEARCHED` (line 65)
    ----- stderr -----
    "#);
    let init = environment.run(["init", "--yes"]);
    assert_output!(environment, init, @r#"
    exit code: 0
    ----- stdout -----
    specs: adopted with 7 tasks
    ----- stderr -----
    specs: TODO.md 6 tasks, state.json 6 tasks
    - task 53: TODO.md says `RESEARCHED` (line 22), state.json `not_started` (line 30); state.json
    counts where nothing else decides
    - task 56 is only in state.json: `researched` (line 57); only state.json had it
    - task 58 is only in TODO.md: `RESEARCHED` (line 65); only TODO.md had it
    - the next number is 60 in TODO.md and 57 in state.json; numbers are given out by state.json
    "#);
    assert_output!(environment, environment.run(["verify"]), @r#"
    exit code: 0
    ----- stdout -----
    every file equals the store
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["sync", "--check"]), @r#"
    exit code: 0
    ----- stdout -----
    in sync
    ----- stderr -----
    "#);
    environment.assert_tree_clean();
    assert_output!(environment, environment.run(["init", "--yes"]), @r#"
    exit code: 0
    ----- stdout -----
    specs is adopted already
    ----- stderr -----
    "#);
}

#[test]
fn a_preference_decides_where_nothing_else_does() {
    let environment = disagreeing();
    let init = environment.run(["init", "--yes", "--prefer", "todo", "--json"]);
    init.expect_code(0);
    assert_output!(environment, environment.run(["task", "list"]), @r#"
    exit code: 0
    ----- stdout -----
    52  implementing  high    Draw the frame
    53  researched    high    Shorten the start-up banner
    54  planned       medium  Measure the width
    55  blocked       medium  Name the colours
    56  researched    low     Write the manual page
    58  researched    low     Write the manual page
    ----- stderr -----
    1 finished task not shown; `--all` shows all
    "#);
}

#[test]
fn a_board_is_begun_from_nothing() {
    let environment = TestEnvironment::new(env!("CARGO_BIN_EXE_airboss"));
    assert_output!(environment, environment.run(["verify"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: there is no board here: no TODO.md with tasks and no state.json
    hint: `airboss init` begins one in specs/
    "#);
    assert_output!(environment, environment.run(["init", "--yes"]), @r#"
    exit code: 0
    ----- stdout -----
    specs: a new board; `airboss task add TITLE` adds a task
    ----- stderr -----
    There is no board yet; specs/TODO.md and specs/state.json begin one.
    "#);
    environment.assert_tree_clean();
    environment
        .run(["task", "add", "Paint the fence"])
        .expect_code(0);
    assert_output!(environment, environment.run(["verify"]), @r#"
    exit code: 0
    ----- stdout -----
    every file equals the store
    ----- stderr -----
    "#);
}

#[test]
fn a_damaged_file_is_refused_with_its_place() {
    let environment = found();
    let mut told = Vec::new();
    for damaged in [
        "",
        "{\"active_projects\": [,]}",
        &STATE[..STATE.len() / 2],
        "{\"project_number\": 5, \"status\": \"planned\"}",
        "[]",
    ] {
        environment.write("specs/state.json", damaged);
        told.push(refused(&environment, ["init", "--yes"]).stderr);
    }
    insta::assert_snapshot!(told.concat(), @r#"
    Error: specs/state.json: line 1: the file is empty; correct it or bring back an older version
    hint: `git restore specs/state.json` brings the last committed one back
    Error: specs/state.json: line 1: this is no JSON (column 22: expected value); correct it or bring back an older version
    hint: `git restore specs/state.json` brings the last committed one back
    Error: specs/state.json: line 32: the text ends in the middle of a value; correct it or bring back an older version
    hint: `git restore specs/state.json` brings the last committed one back
    Error: specs/state.json: line 1: the file was overwritten by a single task: its root is one task's object, and every other task is gone; bring back an older version
    hint: `git restore specs/state.json` brings the last committed one back
    Error: specs/state.json: line 1: the root is a list or a single value; it has to be an object: bring back an older version
    hint: `git restore specs/state.json` brings the last committed one back
    "#);
}

#[test]
fn conflict_markers_are_refused_with_their_line() {
    let environment = found();
    let todo = TODO.replace(
        "# To do",
        "<<<<<<< HEAD\n# To do\n=======\n# Done\n>>>>>>> other",
    );
    environment.write("specs/TODO.md", todo);
    assert_output!(environment, refused(&environment, ["init", "--yes"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: specs/TODO.md: line 5: a merge is unfinished; finish it and remove its marker lines
    hint: `git restore specs/TODO.md` brings the last committed one back
    "#);
}

#[test]
fn a_hand_edit_is_seen_and_taken_in() {
    let environment = crate::adopted();
    let todo = environment.read("specs/TODO.md");
    let edited = todo
        .replace("[RESEARCHED]", "[BLOCKED]")
        .replace("Draw the frame", "Draw a frame");
    environment.write("specs/TODO.md", edited);
    assert_output!(environment, environment.run(["verify"]), @r#"
    exit code: 1
    ----- stdout -----
    specs/TODO.md:9: task 52: title was edited by hand
    specs/TODO.md:65: task 56: the file says BLOCKED, the store researched
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["sync"]), @r#"
    exit code: 0
    ----- stdout -----
    in sync
    ----- stderr -----
    taken in: task 52: title “Draw a frame”: edited by hand in specs/TODO.md
    taken in: task 56: researched → blocked: edited by hand in specs/TODO.md
    written: specs/TODO.md
    written: specs/state.json
    "#);
    assert_output!(environment, environment.run(["verify"]), @r#"
    exit code: 0
    ----- stdout -----
    every file equals the store
    ----- stderr -----
    "#);
    let state = environment.read("specs/state.json");
    assert!(state.contains("\"status\": \"blocked\""), "{state}");
}
