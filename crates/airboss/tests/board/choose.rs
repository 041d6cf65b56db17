//! `init --interactive` on a real terminal: what is shown, what is asked, and what comes of it.

use airboss_testkit::environment::{Signal, differing};
use airboss_testkit::{Terminal, TestEnvironment, assert_output};
use insta::assert_snapshot;

use crate::adopt::disagreeing;
use crate::{PLAN, PLAN_PATH, differences, refused};

/// What each question ends in.
const QUESTION: &str = "(q)uit? ";

fn interactive(environment: &TestEnvironment) -> Terminal {
    environment.command(["init", "--interactive"]).on_terminal()
}

/// Types these, one behind each question, and y at the end.
fn answered(environment: &TestEnvironment, keys: &[&str]) -> (i32, String) {
    let mut terminal = interactive(environment);
    for key in keys {
        terminal.expect(QUESTION);
        terminal.press(key);
        terminal.press("\n");
    }
    terminal.expect("[y/N] ");
    terminal.press("y\n");
    let (code, screen) = terminal.wait();
    (code, screen.replace(" \n", "\n"))
}

/// The tasks as they are listed, and the next number of TODO.md.
fn statuses(environment: &TestEnvironment) -> String {
    let text = environment.run(["task", "list", "--all"]).stdout;
    let todo = environment.read("specs/TODO.md");
    let next = todo
        .lines()
        .find(|line| line.starts_with("next_project_number"));
    format!("{text}{}", next.unwrap_or_default())
}

#[test]
fn each_disagreement_is_shown_with_both_sides() {
    let environment = disagreeing();
    environment.write(
        "specs/053_shorten_the_start_up_banner/reports/research-001.md",
        "x\n",
    );
    let (code, screen) = answered(&environment, &["p", "x", "p", "p", "p"]);
    assert_snapshot!(screen, @r#"
    1 of 4: task 53, Shorten the start-up banner
      TODO.md     `RESEARCHED` (line 22)
      state.json  `not_started` (line 30)
      on disk     specs/053_shorten_the_start_up_banner/reports/research-001.md
      proposal    RESEARCHED; TODO.md had the later status, and
                  specs/053_shorten_the_start_up_banner/reports/research-001.md is there
    (t)odo, (s)tate, (p)roposal, (a)ll proposals, (q)uit?
    2 of 4: task 56, Write the manual page
      TODO.md     does not have it
      state.json  `researched` (line 57)
      on disk     no report, plan or summary
      proposal    kept, and added to TODO.md; only state.json had it
    (t)odo, (s)tate, (p)roposal, (a)ll proposals, (q)uit? Type t, s, p, a or q.
    (t)odo, (s)tate, (p)roposal, (a)ll proposals, (q)uit?
    3 of 4: task 58, Write the manual page
      TODO.md     `RESEARCHED` (line 65)
      state.json  does not have it
      on disk     no report, plan or summary
      proposal    kept, and added to state.json; only TODO.md had it
    (t)odo, (s)tate, (p)roposal, (a)ll proposals, (q)uit?
    4 of 4: the next number
      TODO.md     60
      state.json  57
      in use      up to 58
      proposal    57; numbers are given out by state.json
    (t)odo, (s)tate, (p)roposal, (a)ll proposals, (q)uit?
    This will be done:
    - task 53: RESEARCHED; TODO.md had the later status, and
    specs/053_shorten_the_start_up_banner/reports/research-001.md is there
    - task 56: kept, and added to TODO.md; only state.json had it
    - task 58: kept, and added to state.json; only TODO.md had it
    - the next number: 57; numbers are given out by state.json
    Adopt specs? [y/N] specs: adopted with 7 tasks
    "#);
    assert_eq!(code, 0);
    assert_eq!(differences(&environment), []);
}

#[test]
fn a_side_can_be_chosen_for_each() {
    let environment = disagreeing();
    let (code, screen) = answered(&environment, &["t", "todo", "s", "T"]);
    assert_snapshot!(screen.rsplit("This will").next().unwrap_or_default(), @r#"
     be done:
    - task 53: RESEARCHED; TODO.md was chosen
    - task 56: taken off the board; TODO.md was chosen, which does not have it
    - task 58: taken off the board; state.json was chosen, which does not have it
    - the next number: 60; TODO.md was chosen
    Adopt specs? [y/N] specs: adopted with 5 tasks
    "#);
    assert_eq!(code, 0);
    assert_eq!(differences(&environment), []);
    assert_snapshot!(statuses(&environment), @r#"
    51  completed     medium  Read the window size
    52  implementing  high    Draw the frame
    53  researched    high    Shorten the start-up banner
    54  planned       medium  Measure the width
    55  blocked       medium  Name the colours
    next_project_number: 60
    "#);
    let left = environment.git(["status", "--porcelain"]);
    assert_eq!(left, "");
    // Every choice is an operation, so the task that was taken off comes back.
    let log = environment.run(["log", "--json"]).stdout;
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    let removal = lines
        .map(|line: serde_json::Value| line["data"].clone())
        .find(|line| line.to_string().contains("state.json was chosen, which"));
    let removal = removal.unwrap_or_else(|| panic!("{log}"));
    let id = removal["id"].as_str().unwrap().to_owned();
    assert_output!(environment, environment.run(["undo", &id]), @r#"
    exit code: 0
    ----- stdout -----
    58  back on the board         Write the manual page
    56  back on the board         Write the manual page
    53  researched → not started  Shorten the start-up banner
         commit [COMMIT]
    ----- stderr -----
    "#);
    assert_eq!(differences(&environment), []);
    assert!(statuses(&environment).contains("58  researched"));
}

#[test]
fn the_rest_is_taken_as_proposed() {
    let environment = disagreeing();
    let (code, _) = answered(&environment, &["t", "a"]);
    assert_eq!(code, 0);
    assert_snapshot!(statuses(&environment), @r#"
    51  completed     medium  Read the window size
    52  implementing  high    Draw the frame
    53  researched    high    Shorten the start-up banner
    54  planned       medium  Measure the width
    55  blocked       medium  Name the colours
    56  researched    low     Write the manual page
    58  researched    low     Write the manual page
    next_project_number: 57
    "#);
}

/// Does this at the second question, and nothing may have changed.
fn given_up(quit: impl Fn(&mut Terminal)) -> (i32, String) {
    let environment = disagreeing();
    let before = environment.state();
    let mut terminal = interactive(&environment);
    terminal.expect(QUESTION);
    terminal.press("t\n");
    terminal.expect(QUESTION);
    quit(&mut terminal);
    let (code, screen) = terminal.wait();
    let changed = differing(&before, &environment.state());
    assert!(changed.is_empty(), "{changed:?} changed: {screen}");
    let end = screen.rsplit(QUESTION).next().unwrap_or_default();
    (code, end.to_owned())
}

#[test]
fn whoever_gives_up_changes_nothing() {
    let quit = given_up(|terminal| terminal.press("q\n"));
    assert_eq!(quit, (4, "nothing was changed\n".to_owned()));
    // Ctrl-D.
    let (code, end) = given_up(|terminal| terminal.press("\x04"));
    assert_eq!((code, end.trim()), (4, "nothing was changed"));
    let (code, _) = given_up(|terminal| terminal.signal(Signal::INT));
    assert_eq!(code, 130);
    let (code, _) = given_up(|terminal| {
        terminal.press("a\n");
        terminal.expect("[y/N] ");
        terminal.press("\n");
    });
    assert_eq!(code, 4);
}

#[test]
fn there_has_to_be_a_terminal() {
    let environment = disagreeing();
    assert_output!(environment, refused(&environment, ["init", "--interactive"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: there is no terminal to ask on
    hint: `airboss init` shows what is proposed, `--yes` takes it, `--prefer` names the file that wins
    "#);
    let told = refused(&environment, ["init", "--interactive", "--yes"]);
    assert_eq!(told.code(), 2, "{told}");
}

#[test]
fn phases_are_evidence() {
    let environment = disagreeing();
    let plan = PLAN.replace("[NOT STARTED]", "[COMPLETED]");
    environment.write(PLAN_PATH, plan);
    let todo = environment.read("specs/TODO.md");
    environment.write(
        "specs/TODO.md",
        todo.replace("[IMPLEMENTING]", "[COMPLETED]"),
    );
    let mut terminal = interactive(&environment);
    terminal.expect(QUESTION);
    terminal.press("q\n");
    let (_, screen) = terminal.wait();
    assert_snapshot!(screen, @r#"
    1 of 5: task 52, Draw the frame
      TODO.md     `COMPLETED` (line 9)
      state.json  `implementing` (line 13)
      on disk     specs/052_draw_the_frame/plans/implementation-001.md, 2 of 2 phases of its plan
                  settled
      proposal    COMPLETED; TODO.md had the later status, and every phase of its plan is settled
    (t)odo, (s)tate, (p)roposal, (a)ll proposals, (q)uit? nothing was changed
    "#);
}
