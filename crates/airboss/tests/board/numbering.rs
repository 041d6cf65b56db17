//! Boards whose numbers begin again behind the last one.

use airboss_testkit::{TestEnvironment, assert_output};

use crate::{STATE, TODO, adopt, differences, refused};

/// The board with the range that it sets for its numbers, and with this next number.
fn numbered(next: u32) -> TestEnvironment {
    let environment = TestEnvironment::new(env!("CARGO_BIN_EXE_airboss"));
    let member = "\"next_project_number\": 57,";
    let numbering = format!(
        "\"next_project_number\": {next},\n  \"project_numbering\": {{ \"min\": 0, \"max\": 999, \
         \"policy\": \"increment_modulo_1000\" }},"
    );
    environment.write("specs/state.json", STATE.replace(member, &numbering));
    let front = "next_project_number: 57";
    let todo = TODO.replace(front, &format!("next_project_number: {next}"));
    environment.write("specs/TODO.md", todo);
    environment.commit("a board");
    adopt(&environment);
    environment
}

/// What the doctor says of the next number.
fn doctor(environment: &TestEnvironment) -> String {
    let told = environment.run(["doctor"]).stdout;
    let line = told.lines().find(|line| line.contains("next number"));
    line.unwrap_or_default().to_owned()
}

#[test]
fn the_number_behind_the_last_is_the_first() {
    let environment = numbered(999);
    assert_output!(environment, environment.run(["task", "add", "One"]), @r#"
    exit code: 0
    ----- stdout -----
    999  created  One
         commit [COMMIT]
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["task", "add", "Two"]), @r#"
    exit code: 0
    ----- stdout -----
    1  created  Two
         commit [COMMIT]
    ----- stderr -----
    "#);
    assert!(
        environment
            .read("specs/state.json")
            .contains("\"next_project_number\": 2,")
    );
    // Both cycles are legal at once.
    assert_output!(environment, environment.run(["verify"]), @r#"
    exit code: 0
    ----- stdout -----
    every file equals the store
    ----- stderr -----
    "#);
    assert_eq!(doctor(&environment), "");
    // Directories of the older cycle in a vault take no number; others do.
    environment.write("specs/vault/01-vault/002_older/plans/1.md", "x\n");
    environment.write("specs/003_there/notes.md", "x\n");
    assert_output!(environment, environment.run(["task", "expand", "53", "Three", "Four"]), @r#"
    exit code: 0
    ----- stdout -----
    2   created                                Three
    4   created                                Four
    53  not started → expanded, subtasks 2, 4  Shorten the start-up banner
         commit [COMMIT]
    ----- stderr -----
    warning: the next number was 3, which is in use; 4 is free
    "#);
}

#[test]
fn a_next_number_beyond_the_last_is_mended() {
    let environment = numbered(1000);
    let expected = "! next number        the next number is 1000, and the last one 999";
    assert_eq!(doctor(&environment), expected);
    environment.run(["doctor", "--fix"]);
    assert_eq!(doctor(&environment), "");
    assert!(
        environment
            .read("specs/TODO.md")
            .contains("next_project_number: 1\n")
    );
    assert_eq!(differences(&environment), []);
    assert_output!(environment, environment.run(["task", "add", "One"]), @r#"
    exit code: 0
    ----- stdout -----
    1  created  One
         commit [COMMIT]
    ----- stderr -----
    "#);
}

#[test]
fn a_full_board_says_so() {
    let environment = numbered(57);
    let text = environment
        .read("specs/state.json")
        .replace("\"max\": 999", "\"max\": 56");
    let text = text.replace("\"min\": 0", "\"min\": 51");
    environment.write("specs/state.json", text);
    assert_output!(environment, refused(&environment, ["task", "add", "One"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: every number from 51 to 56 is in use; archive finished tasks to a vault
    "#);
}
