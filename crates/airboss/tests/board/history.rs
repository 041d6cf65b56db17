//! What happened, who did it, and the way back.

use airboss_testkit::{TestEnvironment, assert_output};

use crate::{LISTS, adopted, committed, data, differences, entries_changed, refused};

#[test]
fn a_change_is_undone_and_done_again() {
    let environment = adopted();
    let before = environment.tree();
    assert_output!(environment, refused(&environment, ["undo"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: nothing was changed that could be undone
    "#);
    committed(&environment, ["task", "status", "53", "planned"], &LISTS);
    committed(
        &environment,
        ["task", "status", "54", "implementing"],
        &LISTS,
    );
    assert_output!(environment, committed(&environment, ["undo"], &LISTS), @r#"
    exit code: 0
    ----- stdout -----
    54  implementing → planned  Measure the width
         commit [COMMIT]
    ----- stderr -----
    "#);
    assert_eq!(entries_changed(&environment), [54]);
    assert_output!(environment, committed(&environment, ["undo"], &LISTS), @r#"
    exit code: 0
    ----- stdout -----
    53  planned → not started  Shorten the start-up banner
         commit [COMMIT]
    ----- stderr -----
    "#);
    assert_eq!(entries_changed(&environment), [53]);
    assert_output!(environment, refused(&environment, ["undo"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: nothing was changed that could be undone
    "#);
    let changed: Vec<_> = before
        .iter()
        .filter(|(name, _)| name.ends_with("TODO.md"))
        .filter(|(name, bytes)| environment.read(name).as_bytes() != bytes.as_slice())
        .collect();
    // A date line that a change inserted is the only thing that may be left.
    assert!(changed.len() <= 1);
    assert!(
        environment
            .read("specs/TODO.md")
            .contains("- **Status**: [NOT STARTED]")
    );
}

#[test]
fn what_was_changed_together_is_undone_together() {
    let environment = adopted();
    committed(
        &environment,
        [
            "task",
            "expand",
            "56",
            "Write the synopsis",
            "Write the rest",
        ],
        &LISTS,
    );
    let told = environment.run(["undo"]);
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    56  no subtasks, expanded → researched  Write the manual page
    58  removed                             Write the rest
    57  removed                             Write the synopsis
         commit [COMMIT]
    ----- stderr -----
    "#);
    let list = data(&environment.run(["task", "list", "--json"]));
    let numbers: Vec<_> = list["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| &task["number"])
        .collect();
    assert_eq!(numbers, [52, 53, 54, 55, 56]);
}

#[test]
fn what_was_changed_since_is_not_undone_by_accident() {
    let environment = adopted();
    let first = data(&environment.run(["task", "status", "53", "planned", "--json"]));
    assert_eq!(first["tasks"][0]["change"], "not started → planned");
    environment
        .run(["task", "status", "53", "implementing"])
        .expect_code(0);
    let log = environment.run(["log", "53", "--json"]);
    let id = log
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|line| line["data"]["operation"]["operation"]["what"] == "task_changed")
        .map(|line| line["data"]["id"].as_str().unwrap().to_owned())
        .next();
    let id = id.unwrap_or_else(|| panic!("{log}"));
    assert_output!(environment, refused(&environment, ["undo", &id]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: the status of task 53 was changed again by operation [ID]; --force undoes it all the same
    hint: `airboss undo [ID]` undoes that one first
    "#);
    assert_output!(environment, environment.run(["undo", &id, "--force"]), @r#"
    exit code: 0
    ----- stdout -----
    53  implementing → not started  Shorten the start-up banner
         commit [COMMIT]
    ----- stderr -----
    "#);
    assert_output!(environment, refused(&environment, ["undo", "zzz"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: no operation of the board begins with `zzz`
    hint: `airboss blame N` shows the operations behind a task
    "#);
}

#[test]
fn the_log_and_the_blame_of_a_task() {
    let environment = adopted();
    environment
        .run(["task", "status", "53", "planned"])
        .expect_code(0);
    environment
        .run(["task", "edit", "53", "--priority", "Low"])
        .expect_code(0);
    environment
        .run(["task", "add", "Print the legend"])
        .expect_code(0);
    assert_output!(environment, environment.run(["log", "53"]), @r#"
    exit code: 0
    ----- stdout -----
    4   [TIME]  task_adopted  53  Shorten the start-up banner (not started)
    8   [TIME]  task_changed  53  not started → planned: by a person
    9   [TIME]  commit_made       [COMMIT]
    10  [TIME]  task_changed  53  priority Low: by a person
    11  [TIME]  commit_made       [COMMIT]
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["blame", "53"]), @r#"
    exit code: 0
    ----- stdout -----
    number       [TIME]  [ID]  –          as it was adopted  53
    title        [TIME]  [ID]  –          as it was adopted  Shorten the start-up banner
    slug         [TIME]  [ID]  –          as it was adopted  shorten_the_start_up_banner
    status       [TIME]  [ID]  [COMMIT]  by a person        planned
    place        [TIME]  [ID]  –          as it was adopted  active
    priority     [TIME]  [ID]  [COMMIT]  by a person        Low
    language     [TIME]  [ID]  –          as it was adopted  general
    effort       [TIME]  [ID]  –          as it was adopted  2 hours
    description  [TIME]  [ID]  –          as it was adopted  One line is enough.
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["blame", "57"]), @r#"
    exit code: 0
    ----- stdout -----
    number    [TIME]  [ID]  [COMMIT]  by a person  57
    title     [TIME]  [ID]  [COMMIT]  by a person  Print the legend
    slug      [TIME]  [ID]  [COMMIT]  by a person  print_the_legend
    status    [TIME]  [ID]  [COMMIT]  by a person  not started
    place     [TIME]  [ID]  [COMMIT]  by a person  active
    priority  [TIME]  [ID]  [COMMIT]  by a person  Medium
    effort    [TIME]  [ID]  [COMMIT]  by a person  TBD
    ----- stderr -----
    "#);
    let told = data(&environment.run(["blame", "53", "--json"]));
    let fields = told["fields"].as_array().unwrap();
    let status = fields
        .iter()
        .find(|field| field["field"] == "status")
        .unwrap();
    let commit = environment.git(["rev-parse", "HEAD~2"]);
    assert_eq!(status["commit"], commit, "{told}");
    assert_output!(environment, refused(&environment, ["blame", "99"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: there is no task 99
    hint: `airboss task list --all` lists the tasks
    "#);
}

#[test]
fn without_conflicts_there_is_nothing_to_settle() {
    let environment = adopted();
    assert_output!(environment, environment.run(["conflicts"]), @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    there are no conflicts
    "#);
    assert_output!(environment, refused(&environment, ["conflicts", "take", "0123"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: no open conflict begins with `0123`
    hint: `airboss conflicts` lists them
    "#);
}

#[test]
fn a_hand_edit_is_told_and_taken_in() {
    let environment = adopted();
    let text = environment.read("specs/TODO.md");
    let edited = text.replace("[NOT STARTED]", "[RESEARCHING]");
    environment.write("specs/TODO.md", edited);
    let before = environment.state();
    assert_output!(environment, environment.run(["task", "list"]), @r#"
    exit code: 0
    ----- stdout -----
    52  implementing  high    Draw the frame
    53  not started   high    Shorten the start-up banner
    54  planned       medium  Measure the width
    55  blocked       medium  Name the colours
    56  researched    low     Write the manual page
    ----- stderr -----
    warning: specs/TODO.md was edited by hand; the next command that writes sees to it
    1 finished task not shown; `--all` shows all
    "#);
    assert_eq!(environment.state(), before);
    environment
        .run(["task", "status", "54", "implementing"])
        .expect_code(0);
    assert_output!(environment, environment.run(["task", "list"]), @r#"
    exit code: 0
    ----- stdout -----
    52  implementing  high    Draw the frame
    53  researching   high    Shorten the start-up banner
    54  implementing  medium  Measure the width
    55  blocked       medium  Name the colours
    56  researched    low     Write the manual page
    ----- stderr -----
    1 finished task not shown; `--all` shows all
    "#);
    assert_eq!(entries_changed(&environment), [54]);
}

/// A board whose two files were edited by hand, each in its own way.
fn torn() -> TestEnvironment {
    let environment = adopted();
    let text = environment.read("specs/TODO.md");
    environment.write(
        "specs/TODO.md",
        text.replace("[NOT STARTED]", "[RESEARCHING]"),
    );
    let text = environment.read("specs/state.json");
    environment.write("specs/state.json", text.replace("not_started", "planned"));
    environment
}

#[test]
fn a_conflict_is_shown_and_settled() {
    let environment = torn();
    let told = environment.run(["task", "status", "54", "implementing"]);
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    54  planned → implementing  Measure the width
         commit [COMMIT]
    ----- stderr -----
    warning: 1 conflict for a person; `airboss conflicts` shows what differs
    "#);
    assert_output!(environment, environment.run(["conflicts"]), @r#"
    exit code: 5
    ----- stdout -----
    [ID] task 53
      board  planned
      other  researching (in specs/TODO.md)
    ----- stderr -----
    `airboss conflicts take ID` takes the other side, `keep ID` the board's
    "#);
    let listed = data(&environment.run(["conflicts", "list", "--json"]));
    let id = listed["conflicts"][0]["id"].as_str().unwrap().to_owned();
    assert_output!(environment, environment.run(["conflicts", "take", &id[..12]]), @r#"
    exit code: 0
    ----- stdout -----
    53  planned → researching  Shorten the start-up banner
         commit [COMMIT]
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["conflicts"]), @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    there are no conflicts
    "#);
    assert_output!(environment, environment.run(["task", "list"]), @r#"
    exit code: 0
    ----- stdout -----
    52  implementing  high    Draw the frame
    53  researching   high    Shorten the start-up banner
    54  implementing  medium  Measure the width
    55  blocked       medium  Name the colours
    56  researched    low     Write the manual page
    ----- stderr -----
    1 finished task not shown; `--all` shows all
    "#);
    assert_eq!(differences(&environment), []);
}

#[test]
fn the_boards_side_of_a_conflict_is_kept() {
    let environment = torn();
    environment
        .run(["task", "status", "54", "implementing"])
        .expect_code(0);
    let listed = data(&environment.run(["conflicts", "list", "--json"]));
    let id = listed["conflicts"][0]["id"].as_str().unwrap().to_owned();
    assert_output!(environment, environment.run(["conflicts", "keep", &id]), @r#"
    exit code: 0
    ----- stdout -----
    53  the board's side it is  Shorten the start-up banner
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["task", "list"]), @r#"
    exit code: 0
    ----- stdout -----
    52  implementing  high    Draw the frame
    53  planned       high    Shorten the start-up banner
    54  implementing  medium  Measure the width
    55  blocked       medium  Name the colours
    56  researched    low     Write the manual page
    ----- stderr -----
    1 finished task not shown; `--all` shows all
    "#);
    assert_eq!(differences(&environment), []);
}

#[test]
fn a_reverted_commit_is_taken_in() {
    let environment = adopted();
    environment
        .run(["task", "status", "53", "planned"])
        .expect_code(0);
    environment.git(["revert", "--no-edit", "HEAD"]);
    assert_output!(environment, environment.run(["sync"]), @r#"
    exit code: 0
    ----- stdout -----
    in sync
    ----- stderr -----
    taken in: task 53: planned → not started: edited by hand in specs/state.json
    written: specs/state.json
    "#);
    assert_output!(environment, environment.run(["verify"]), @r#"
    exit code: 0
    ----- stdout -----
    every file equals the store
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["task", "show", "53"]), @r#"
    exit code: 0
    ----- stdout -----
    53 Shorten the start-up banner
      status        not started since [TIME] ([DURATION])
      priority      high
      language      general
      effort        2 hours
      needed by     56 (researched)

    One line is enough.

    History
      [TIME]  planned → not started: edited by hand in specs/state.json
      [TIME]  commit [COMMIT]
      [TIME]  not started → planned: by a person
      [TIME]  Shorten the start-up banner (not started)
    ----- stderr -----
    "#);
}

fn status_of_53(environment: &TestEnvironment) -> String {
    let shown = data(&environment.run(["task", "show", "53", "--json"]));
    shown["status"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_revert_that_was_reverted_changes_nothing() {
    let environment = adopted();
    environment
        .run(["task", "status", "53", "planned"])
        .expect_code(0);
    environment.git(["revert", "--no-edit", "HEAD"]);
    environment.git(["revert", "--no-edit", "HEAD"]);
    environment.run(["sync"]).expect_code(0);
    assert_eq!(status_of_53(&environment), "planned");
    assert_eq!(differences(&environment), []);
}

#[test]
fn going_back_without_a_commit_is_no_revert() {
    for back in [
        &["reset", "--quiet", "--hard", "HEAD^"][..],
        &["checkout", "--quiet", "HEAD^"],
        &["checkout", "--quiet", "HEAD^", "--", "specs"],
    ] {
        let environment = adopted();
        environment
            .run(["task", "status", "53", "planned"])
            .expect_code(0);
        environment.git(back);
        assert_eq!(status_of_53(&environment), "planned", "{back:?}");
        environment.run(["sync"]);
        assert_eq!(status_of_53(&environment), "planned", "{back:?}");
    }
}
