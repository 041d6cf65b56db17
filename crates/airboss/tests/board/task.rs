//! Every task command once; what is refused has a file of its own.

use airboss_testkit::{TestEnvironment, assert_output};

use crate::{
    LISTS, PLAN_PATH, TODO, adopt, adopted, adopted_with, committed, data, entries_changed, found,
    objects_changed, refused, shown,
};

#[test]
fn a_task_is_added() {
    let environment = adopted();
    let told = committed(
        &environment,
        [
            "task",
            "add",
            "Print the legend",
            "--description",
            "One line per colour.",
            "--depends",
            "53,55",
        ],
        &LISTS,
    );
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    57  created  Print the legend
         commit [COMMIT]
    ----- stderr -----
    "#);
    assert_eq!(entries_changed(&environment), [57]);
    assert_eq!(objects_changed(&environment), [57]);
    let message = environment.git(["log", "-1", "--format=%s"]);
    assert_eq!(message, "task 57: create print the legend");
    let told = shown(&environment, ["diff", "HEAD^", "--", LISTS[0]]);
    assert_output!(environment, told, @r#"
    diff --git a/specs/TODO.md b/specs/TODO.md
    --- a/specs/TODO.md
    +++ b/specs/TODO.md
    @@ -1,5 +1,5 @@
     ---
    -next_project_number: 57
    +next_project_number: 58
     ---

     # To do
    @@ -60,6 +60,16 @@ next_project_number: 57

     ---

    +### 57. Print the legend
    +- **Effort**: TBD
    +- **Status**: [NOT STARTED]
    +- **Priority**: Medium
    +- **Dependencies**: 53, 55
    +
    +**Description**: One line per colour.
    +
    +---
    +
     ## Low Priority

     ### 56. Write the manual page
    "#);
}

#[test]
fn a_status_is_set() {
    let environment = adopted();
    let told = committed(&environment, ["task", "status", "53", "planned"], &LISTS);
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    53  not started → planned  Shorten the start-up banner
         commit [COMMIT]
    ----- stderr -----
    "#);
    assert_eq!(entries_changed(&environment), [53]);
    assert_eq!(objects_changed(&environment), [53]);
    let told = shown(&environment, ["show", "-U0", "--format=%s%n%b", "HEAD"]);
    assert_output!(environment, told, @r#"
    task 53: mark as planned
    Airboss-Operation: [ID]


    diff --git a/specs/TODO.md b/specs/TODO.md
    --- a/specs/TODO.md
    +++ b/specs/TODO.md
    @@ -24 +24,2 @@ next_project_number: 57
    -- **Status**: [NOT STARTED]
    +- **Status**: [PLANNED]
    +- **Planned**: [TODAY]
    diff --git a/specs/state.json b/specs/state.json
    --- a/specs/state.json
    +++ b/specs/state.json
    @@ -33 +33 @@
    -      "status": "not_started",
    +      "status": "planned",
    @@ -37 +37,4 @@
    -      "owner": "nobody in particular"
    +      "owner": "nobody in particular",
    +      "planned": "[TIME]",
    +      "last_updated": "[TIME]",
    +      "airboss_operation": "[ID]"
    "#);
    let before = environment.state();
    let again = environment.run(["task", "status", "53", "planned"]);
    assert_output!(environment, again, @r#"
    exit code: 0
    ----- stdout -----
    53  nothing to change  Shorten the start-up banner
    ----- stderr -----
    "#);
    assert_eq!(environment.state(), before);
}

#[test]
fn a_task_waits_and_goes_on() {
    let environment = adopted();
    let words = ["task", "block", "53", "--reason", "waits for the review"];
    assert_output!(environment, committed(&environment, words, &LISTS), @r#"
    exit code: 0
    ----- stdout -----
    53  not started → blocked, waits for the review  Shorten the start-up banner
         commit [COMMIT]
    ----- stderr -----
    "#);
    assert_eq!(entries_changed(&environment), [53]);
    let told = committed(&environment, ["task", "unblock", "53"], &LISTS);
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    53  blocked → not started  Shorten the start-up banner
         commit [COMMIT]
    ----- stderr -----
    "#);
    // What it was before it was blocked nobody knows: it was adopted so.
    let told = committed(&environment, ["task", "unblock", "55"], &LISTS);
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    55  blocked → not started  Name the colours
         commit [COMMIT]
    ----- stderr -----
    "#);
    let words = ["task", "abandon", "55", "--reason", "nobody needs names"];
    assert_output!(environment, committed(&environment, words, &LISTS), @r#"
    exit code: 0
    ----- stdout -----
    55  not started → abandoned, nobody needs names  Name the colours
         commit [COMMIT]
    ----- stderr -----
    "#);
    let message = environment.git(["log", "-1", "--format=%B"]);
    assert_output!(environment, message, @r#"
    task: abandon task 55

    nobody needs names

    Airboss-Operation: [ID]
    "#);
}

#[test]
fn phases_are_marked_in_the_plan() {
    let environment = adopted();
    let files = [PLAN_PATH, LISTS[0], LISTS[1]];
    let told = environment.run(["task", "phase", "52", "2=in_progress"]);
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    52  phase 2 in progress  Draw the frame
         commit [COMMIT]
    ----- stderr -----
    "#);
    let touched = environment.git(["show", "--name-only", "--format=", "HEAD"]);
    assert!(
        touched.lines().all(|file| files.contains(&file)),
        "{touched}"
    );
    assert!(touched.contains(PLAN_PATH), "{touched}");
    let told = shown(
        &environment,
        ["show", "-U0", "--format=%s", "HEAD", "--", PLAN_PATH],
    );
    assert_output!(environment, told, @r#"
    task 52 phase 2: mark as in progress

    diff --git a/specs/052_draw_the_frame/plans/implementation-001.md b/specs/052_draw_the_frame/plans/implementation-001.md
    --- a/specs/052_draw_the_frame/plans/implementation-001.md
    +++ b/specs/052_draw_the_frame/plans/implementation-001.md
    @@ -7 +7,2 @@
    -### Phase 2: The edges [NOT STARTED]
    +### Phase 2: The edges [IN PROGRESS]
    +**Started**: [TIME]
    "#);
    assert_output!(environment, refused(&environment, ["task", "status", "52", "completed"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: task 52 cannot go from implementing to completed: phases of its plan are open (transitions are permissive; allowed now: not_started, researching, researched, planning, planned, revising, revised, partial, blocked, abandoned, pr_ready, on_hold, implemented, superseded)
    hint: `airboss task show 52` lists the phases
    hint: `--force` does it all the same, and the log says so
    "#);
    let told = environment.run([
        "task",
        "status",
        "52",
        "completed",
        "--phase",
        "2=completed",
    ]);
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    52  phase 2 completed, implementing → completed  Draw the frame
         commit [COMMIT]
    ----- stderr -----
    "#);
    environment.assert_tree_clean();
}

/// The plan with the marker of its second phase replaced, as by a person.
fn mark_by_hand(environment: &TestEnvironment, from: &str, to: &str) {
    let phase = |marker: &str| format!("### Phase 2: The edges [{marker}]");
    let plan = environment.read(PLAN_PATH);
    environment.write(PLAN_PATH, plan.replacen(&phase(from), &phase(to), 1));
}

#[test]
fn markers_that_a_person_wrote_are_taken_in() {
    let environment = adopted();
    environment.run(["task", "phase", "52", "2=in_progress"]);
    mark_by_hand(&environment, "IN PROGRESS", "COMPLETED");
    assert_output!(environment, environment.run(["verify"]), @r#"
    exit code: 1
    ----- stdout -----
    specs/052_draw_the_frame/plans/implementation-001.md: phase 2 is COMPLETED, in the store IN PROGRESS
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["sync"]), @r#"
    exit code: 0
    ----- stdout -----
    in sync
    ----- stderr -----
    taken in: task 52: phase 2 completed: edited by hand in specs/052_draw_the_frame/plans/implementation-001.md
    written: specs/state.json
    "#);
    assert_output!(environment, environment.run(["verify"]), @r#"
    exit code: 0
    ----- stdout -----
    every file equals the store
    ----- stderr -----
    "#);
}

#[test]
fn markers_of_an_older_plan_are_brought_up_to_date() {
    let environment = adopted();
    environment.run(["task", "phase", "52", "2=in_progress"]);
    environment.git(["checkout", "-q", "HEAD~1", "--", PLAN_PATH]);
    assert_output!(environment, environment.run(["verify"]), @r#"
    exit code: 1
    ----- stdout -----
    specs/052_draw_the_frame/plans/implementation-001.md: phase 2 is NOT STARTED, in the store IN PROGRESS
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["sync"]), @r#"
    exit code: 0
    ----- stdout -----
    in sync
    ----- stderr -----
    written: specs/052_draw_the_frame/plans/implementation-001.md
    "#);
    assert_output!(environment, environment.run(["verify"]), @r#"
    exit code: 0
    ----- stdout -----
    every file equals the store
    ----- stderr -----
    "#);
}

#[test]
fn what_is_said_of_a_task_is_edited() {
    let environment = adopted();
    let words = [
        "task",
        "edit",
        "53",
        "--title",
        "Shorten the banner",
        "--effort",
        "1 hour",
        "--depends",
        "51",
    ];
    assert_output!(environment, committed(&environment, words, &LISTS), @r#"
    exit code: 0
    ----- stdout -----
    53  title “Shorten the banner”, effort 1 hour, waits for 51  Shorten the banner
         commit [COMMIT]
    ----- stderr -----
    "#);
    assert_eq!(entries_changed(&environment), [53]);
    assert_eq!(objects_changed(&environment), [53]);
    let told = environment.run(["task", "edit", "54", "--parent", "52"]);
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    54  parent 52    Measure the width
    52  subtasks 54  Draw the frame
         commit [COMMIT]
    ----- stderr -----
    "#);
    let told = environment.run(["task", "edit", "54", "--parent", "none"]);
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    54  no parent    Measure the width
    52  no subtasks  Draw the frame
         commit [COMMIT]
    ----- stderr -----
    "#);
}

#[test]
fn a_task_is_replaced_by_subtasks() {
    let environment = adopted();
    let words = [
        "task",
        "expand",
        "56",
        "Write the synopsis",
        "Write the examples",
    ];
    assert_output!(environment, committed(&environment, words, &LISTS), @r#"
    exit code: 0
    ----- stdout -----
    57  created                                 Write the synopsis
    58  created                                 Write the examples
    56  researched → expanded, subtasks 57, 58  Write the manual page
         commit [COMMIT]
    ----- stderr -----
    "#);
    assert_eq!(entries_changed(&environment), [56, 57, 58]);
}

#[test]
fn entries_are_moved_archived_and_renumbered() {
    let environment = adopted();
    let told = committed(
        &environment,
        ["task", "reorder", "53", "--before", "52"],
        &[LISTS[0]],
    );
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    53  moved before 52  Shorten the start-up banner
         commit [COMMIT]
    ----- stderr -----
    "#);
    let told = environment.run(["task", "archive", "51"]);
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    51  archived  Read the window size
         commit [COMMIT]
    ----- stderr -----
    "#);
    let told = environment.run(["task", "archive", "--finished"]);
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    warning: there is nothing to archive: no task is finished
    "#);
    let told = committed(&environment, ["task", "renumber", "54", "61"], &LISTS);
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    61  number 54 → 61    Measure the width
    56  waits for 53, 61  Write the manual page
         commit [COMMIT]
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["task", "list", "--all"]), @r#"
    exit code: 0
    ----- stdout -----
    52  implementing         high    Draw the frame
    53  not started          high    Shorten the start-up banner
    55  blocked              medium  Name the colours
    56  researched           low     Write the manual page
    61  planned              medium  Measure the width
    51  completed, archived  medium  Read the window size
    ----- stderr -----
    "#);
}

#[test]
fn artifacts_are_linked() {
    let environment = adopted();
    environment.write(
        "specs/053_banner/reports/research-001.md",
        "# What others print\n",
    );
    environment.write(
        "specs/053_banner/plans/implementation-001.md",
        "# Plan\n\n### Phase 1: All [NOT STARTED]\n",
    );
    environment.commit("what was made");
    let report = "specs/053_banner/reports/research-001.md";
    let words = ["task", "link", "53", report, "--summary", "three others"];
    assert_output!(environment, committed(&environment, words, &LISTS), @r#"
    exit code: 0
    ----- stdout -----
    53  research specs/053_banner/reports/research-001.md  Shorten the start-up banner
         commit [COMMIT]
    ----- stderr -----
    "#);
    assert_eq!(entries_changed(&environment), [53]);
    let plan = "specs/053_banner/plans/implementation-001.md";
    let told = committed(&environment, ["task", "plan", "53", plan], &LISTS);
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    53  plan specs/053_banner/plans/implementation-001.md  Shorten the start-up banner
         commit [COMMIT]
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["task", "show", "53"]), @r#"
    exit code: 0
    ----- stdout -----
    53 Shorten the start-up banner
      status        not started, since when is not known
      priority      high
      language      general
      effort        2 hours
      needed by     56 (researched)

    One line is enough.

    Artifacts
      ✓ research    specs/053_banner/reports/research-001.md: three others
      ✓ plan        specs/053_banner/plans/implementation-001.md

    Plan specs/053_banner/plans/implementation-001.md
      not started   1 All

    History
      [TIME]  commit [COMMIT]
      [TIME]  plan specs/053_banner/plans/implementation-001.md: by a person
      [TIME]  commit [COMMIT]
      [TIME]  research specs/053_banner/reports/research-001.md: by a person
      [TIME]  Shorten the start-up banner (not started)
    ----- stderr -----
    "#);
    let told = committed(&environment, ["task", "unlink", "53", report], &LISTS);
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    53  without specs/053_banner/reports/research-001.md  Shorten the start-up banner
         commit [COMMIT]
    ----- stderr -----
    "#);
}

#[test]
fn what_cannot_be_linked() {
    let environment = adopted();
    environment.write("empty.md", "");
    assert_output!(environment, refused(&environment, ["task", "link", "53", "empty.md"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: empty.md is empty, so it is no artifact
    "#);
    assert_output!(environment, refused(&environment, ["task", "link", "53", "missing.md"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: missing.md does not exist
    hint: a link is made to a file that is there
    "#);
    assert_output!(environment, refused(&environment, ["task", "link", "53", "README.md"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: the directory of README.md does not tell what it is
    hint: `--kind research`, `plan`, `summary`, `debug` or another word says it
    "#);
    assert_output!(environment, refused(&environment, ["task", "link", "53", "/etc/hostname"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: /etc/hostname lies outside the work tree [WORK]
    "#);
    assert_output!(environment, refused(&environment, ["task", "unlink", "53", "missing.md"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: task 53 has no link to missing.md
    hint: it has none at all
    "#);
}

#[test]
fn tasks_are_shown_and_listed() {
    let environment = adopted();
    let before = environment.state();
    assert_output!(environment, environment.run(["task", "show", "52"]), @r#"
    exit code: 0
    ----- stdout -----
    52 Draw the frame
      status        implementing since [TIME] ([DURATION])
      priority      high
      language      rust
      effort        3 hours
      waits for     51 (completed)
      needed by     54 (planned)

    The frame is drawn around everything.

    Artifacts
      ✓ plan        specs/052_draw_the_frame/plans/implementation-001.md: two phases

    Plan specs/052_draw_the_frame/plans/implementation-001.md
      completed     1 The corners
      not started   2 The edges

    History
      [TIME]  Draw the frame (implementing)
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["task", "show", "55"]), @r#"
    exit code: 0
    ----- stdout -----
    55 Name the colours
      status        blocked since [TIME] ([DURATION])
      because       the palette is not decided
      priority      medium
      language      general
      effort        1 hour

    History
      [TIME]  Name the colours (blocked)
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["task", "list"]), @r#"
    exit code: 0
    ----- stdout -----
    52  implementing  high    Draw the frame
    53  not started   high    Shorten the start-up banner
    54  planned       medium  Measure the width
    55  blocked       medium  Name the colours
    56  researched    low     Write the manual page
    ----- stderr -----
    1 finished task not shown; `--all` shows all
    "#);
    assert_output!(environment, environment.run(["task", "list", "--status", "blocked"]), @r#"
    exit code: 0
    ----- stdout -----
    55  blocked  medium  Name the colours
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["task", "list", "--ready"]), @r#"
    exit code: 0
    ----- stdout -----
    53  not started  high  Shorten the start-up banner
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["task", "ready"]), @r#"
    exit code: 0
    ----- stdout -----
    53  ready  Shorten the start-up banner  not started
    52  waits  Draw the frame               is implementing
    54  waits  Measure the width            waits for 52, which is implementing
    55  waits  Name the colours             is blocked: the palette is not decided
    56  waits  Write the manual page        waits for 53, which is not started; waits for 54, which is planned
    ----- stderr -----
    "#);
    assert_eq!(environment.state(), before);
}

#[test]
fn programs_get_json() {
    let environment = adopted();
    let before = environment.state();
    let told = environment.run(["task", "list", "--json"]);
    assert_eq!(
        data(&told)["tasks"].as_array().map(Vec::len),
        Some(5),
        "{told}"
    );
    let told = data(&environment.run(["task", "show", "52", "--json"]));
    assert_eq!(
        (&told["number"], &told["artifacts"][0]["exists"]),
        (&52.into(), &true.into())
    );
    let told = data(&environment.run(["task", "ready", "--json"]));
    assert_eq!(told["tasks"][0]["ready"], true, "{told}");
    assert_eq!(environment.state(), before);
}

#[test]
fn what_is_forced_is_said() {
    let environment = adopted();
    let told = committed(
        &environment,
        ["task", "status", "51", "planned", "--force"],
        &LISTS,
    );
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    51  completed → planned  Read the window size
         commit [COMMIT]
    ----- stderr -----
    "#);
    let message = environment.git(["log", "-1", "--format=%B"]);
    assert_output!(environment, message, @r#"
    task 51: mark as planned

    Forced: completed → planned

    Airboss-Operation: [ID]
    "#);
}

#[test]
fn a_strict_board_allows_only_the_steps_of_the_workflow() {
    let environment = adopted_with("[board]\ntransitions = \"strict\"\n");
    assert_output!(environment, refused(&environment, ["task", "status", "53", "completed"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: task 53 cannot go from not_started to completed: the workflow has no such step (transitions are strict; allowed now: researching, planning, implementing, blocked, pr_ready, on_hold, implemented, superseded)
    hint: `--force` does it all the same, and the log says so
    "#);
    committed(
        &environment,
        ["task", "status", "53", "researching"],
        &LISTS,
    );
    let told = refused(&environment, ["task", "status", "53", "planned"]);
    assert_output!(environment, told, @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: task 53 cannot go from researching to planned: the workflow has no such step (transitions are strict; allowed now: researched, blocked, abandoned, pr_ready, on_hold, implemented, superseded)
    hint: `--force` does it all the same, and the log says so
    "#);
}

#[test]
fn a_board_may_be_kept_without_commits() {
    let environment = adopted_with("[board]\ncommit = false\n");
    let before = environment.git(["rev-parse", "HEAD"]);
    assert_output!(environment, environment.run(["task", "status", "53", "planned"]), @r#"
    exit code: 0
    ----- stdout -----
    53  not started → planned  Shorten the start-up banner
    ----- stderr -----
    "#);
    assert_eq!(environment.git(["rev-parse", "HEAD"]), before);
    assert!(environment.read("specs/TODO.md").contains("[PLANNED]"));
}

#[test]
fn a_number_that_is_given_twice_is_not_changed() {
    let environment = found();
    let again = "### 53. Another one\n- **Status**: [PLANNED]\n\n---\n\n## Low Priority";
    environment.write("specs/TODO.md", TODO.replace("## Low Priority", again));
    environment.commit("a number twice");
    adopt(&environment);
    let told = environment.run(["task", "status", "53", "researched"]);
    assert_ne!(told.code(), 0, "{told}");
    assert_output!(environment, told, @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: specs/TODO.md has 2 tasks 53, so none is changed
    hint: `airboss doctor` shows them and gives new numbers
    "#);
}

#[test]
fn a_command_with_an_id_is_carried_out_once() {
    let environment = adopted();
    let words = ["task", "add", "Print the legend", "--id", "legend"];
    let first = environment.run(words);
    first.expect_code(0);
    let before = environment.state();
    let second = environment.run(words);
    assert_output!(environment, &second, @r#"
    exit code: 0
    ----- stdout -----
    57  created  Print the legend
    ----- stderr -----
    "#);
    assert_eq!(environment.state(), before);
    let other = environment.run([
        "task", "status", "53", "planned", "--id", "legend", "--json",
    ]);
    assert_eq!(data(&other)["tasks"][0]["number"], 57, "{other}");
    assert_eq!(environment.state(), before);
}
