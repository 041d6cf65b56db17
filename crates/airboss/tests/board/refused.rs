//! What a board refuses, with the reason and the remedy; nothing is changed then.

use airboss_testkit::assert_output;

use crate::{adopted, found, refused};

#[test]
fn tasks_and_words_that_are_not_there() {
    let environment = adopted();
    assert_output!(environment, refused(&environment, ["task", "show", "59"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: there is no task 59
    hint: `airboss task list --all` lists the tasks
    "#);
    assert_output!(environment, refused(&environment, ["task", "status", "99", "planned"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: there is no task 99
    hint: `airboss task list --all` lists the tasks
    "#);
    assert_output!(environment, refused(&environment, ["task", "status", "53", "planed"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: `planed` is no status
    hint: is `planned` meant?
    "#);
    assert_output!(environment, refused(&environment, ["task", "status", "53", "somewhere"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: `somewhere` is no status
    hint: there are not_started, researching, researched, planning, planned, revising, revised, implementing, partial, blocked, completed, abandoned, expanded, pr_ready, on_hold, implemented, superseded
    "#);
    assert_output!(environment, refused(&environment, ["task", "status", "abc", "planned"]), @r#"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    error: invalid value 'abc' for '<N>': `abc` is no task number, such as 58

    For more information, try '--help'.
    "#);
}

#[test]
fn phases_that_are_not_there() {
    let environment = adopted();
    assert_output!(environment, refused(&environment, ["task", "phase", "52", "2=complete"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: `complete` is no status of a phase
    hint: is `completed` meant?
    "#);
    assert_output!(environment, refused(&environment, ["task", "phase", "52", "9=completed"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: the plan of task 52 has no phase 9; it has 1, 2
    "#);
    assert_output!(environment, refused(&environment, ["task", "phase", "52", "2"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: `2` does not say what a phase becomes
    hint: `2=completed` marks phase 2 as completed
    "#);
    assert_output!(environment, refused(&environment, ["task", "phase", "53", "1=completed"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: task 53 has no plan with phases
    hint: `airboss task plan 53 PATH` sets its plan
    "#);
    assert_output!(environment, refused(&environment, ["task", "edit", "53"]), @r#"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    error: the following required arguments were not provided:
      <--title <TEXT>|--description <TEXT>|--priority <WORD>|--language <WORD>|--effort <TEXT>|--depends <N,N>|--parent <N>>

    Usage: airboss task edit <--title <TEXT>|--description <TEXT>|--priority <WORD>|--language <WORD>|--effort <TEXT>|--depends <N,N>|--parent <N>> <N>

    For more information, try '--help'.
    "#);
}

#[test]
fn changes_that_are_not_allowed() {
    let environment = adopted();
    assert_output!(environment, refused(&environment, ["task", "status", "51", "planned"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: task 51 cannot go from completed to planned: the task is finished (transitions are permissive; allowed now: nothing)
    hint: `--force` does it all the same, and the log says so
    "#);
    assert_output!(environment, refused(&environment, ["task", "status", "53", "blocked"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: task 53 cannot go from not_started to blocked: a reason is needed (transitions are permissive; allowed now: researching, researched, planning, planned, revising, revised, implementing, partial, blocked, completed, abandoned, pr_ready, on_hold, implemented, superseded)
    hint: `--reason TEXT` says why
    "#);
    assert_output!(environment, refused(&environment, ["task", "block", "53", "--reason", " "]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: task 53 cannot go from not_started to blocked: a reason is needed (transitions are permissive; allowed now: researching, researched, planning, planned, revising, revised, implementing, partial, blocked, completed, abandoned, pr_ready, on_hold, implemented, superseded)
    hint: `--reason TEXT` says why
    "#);
    assert_output!(environment, refused(&environment, ["task", "block", "53"]), @r#"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    error: the following required arguments were not provided:
      --reason <TEXT>

    Usage: airboss task block --reason <TEXT> <N>

    For more information, try '--help'.
    "#);
    assert_output!(environment, refused(&environment, ["task", "status", "53", "expanded"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: task 53 cannot go from not_started to expanded: only splitting it into subtasks does that (transitions are permissive; allowed now: researching, researched, planning, planned, revising, revised, implementing, partial, blocked, completed, abandoned, pr_ready, on_hold, implemented, superseded)
    hint: `airboss task expand 53 TITLE…` splits it
    "#);
}

#[test]
fn relations_that_cannot_be() {
    let environment = adopted();
    assert_output!(environment, refused(&environment, ["task", "unblock", "53"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: task 53 is not_started, not blocked
    hint: `airboss task status 53 STATUS` sets any status
    "#);
    assert_output!(environment, refused(&environment, ["task", "archive", "53"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: task 53 is not_started; only finished tasks are archived
    hint: `airboss task status 53 completed` or `airboss task abandon 53` first
    "#);
    assert_output!(environment, refused(&environment, ["task", "renumber", "53", "54"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: the number 54 is taken by the task `Measure the width`
    "#);
    assert_output!(environment, refused(&environment, ["task", "edit", "52", "--depends", "54"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: these tasks would wait for each other: 52 → 54 → 52
    hint: `airboss task edit N --depends LIST` changes it
    "#);
    assert_output!(environment, refused(&environment, ["task", "edit", "52", "--depends", "77"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: task 52 cannot wait for task 77: there is no such task
    hint: `airboss task list --all` lists the tasks
    "#);
    assert_output!(environment, refused(&environment, ["task", "edit", "52", "--parent", "52"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: task 52 cannot be its own parent, at any distance
    "#);
}

#[test]
fn titles_that_are_none() {
    let environment = adopted();
    let long = "long ".repeat(50);
    assert_output!(environment, refused(&environment, ["task", "add", &long]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: a title is one line of 1 to 200 characters
    "#);
    assert_output!(environment, refused(&environment, ["task", "add", "Two\nlines"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: a title is one line of 1 to 200 characters
    "#);
}

#[test]
fn there_has_to_be_a_board() {
    let environment = found();
    assert_output!(environment, refused(&environment, ["task", "list"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: specs is not adopted
    hint: `airboss init` shows what is there, and adopts it
    "#);
    assert_output!(environment, refused(&environment, ["task", "status", "53", "planned"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: specs is not adopted
    hint: `airboss init` shows what is there, and adopts it
    "#);
    assert!(!environment.path(".git/airboss").exists());
    assert_output!(environment, refused(&environment, ["task", "list", "--board", "elsewhere"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: the board elsewhere does not exist
    "#);
    assert_output!(environment, refused(&environment, ["task", "list", "--board", "/"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: the board / lies outside the work tree [WORK]
    "#);
    fs_err::remove_dir_all(environment.path("specs")).unwrap();
    assert_output!(environment, refused(&environment, ["task", "list"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: there is no board here: no TODO.md with tasks and no state.json
    hint: `airboss init` begins one in specs/
    "#);
}

#[test]
fn an_agent_does_not_change_tasks() {
    let environment = adopted();
    let told = environment
        .command(["task", "status", "53", "completed"])
        .env("AIRBOSS_ATTEMPT", "0".repeat(32))
        .run();
    assert_output!(environment, told, @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: an agent does not change tasks: what it did is judged by its evidence
    hint: end the work; airboss records the task's status itself
    "#);
}
