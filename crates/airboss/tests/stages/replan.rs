//! A plan whose phase fails is planned again, and a task without a plan is described again.

use airboss_testkit::assert_output;

use crate::{PLAN, TASK, begun, honest, ran, section, status, subjects, write};

fn plan(version: u32) -> String {
    section(
        &format!("implementation-{version:03}"),
        &[write(
            &format!("{TASK}/plans/implementation-{version:03}.md"),
            PLAN,
        )],
    )
}

#[test]
fn a_phase_that_fails_is_planned_again_and_then_works() {
    // The second phase works once the plan has a second version.
    let works = "{ shell = \"test -e specs/001_shorten_the_banner/plans/implementation-002.md && \
                 mkdir -p src && echo hello > src/banner.txt; true\" }";
    let script = [
        plan(1),
        plan(2),
        section(
            "p1",
            &["{ append = \"docs/width.md\", text = \"80\\n\" }".to_owned()],
        ),
        section("p2", &[works.to_owned()]),
        honest(),
    ];
    let environment = begun(&script.concat());
    ran(&environment, ["plan", "1", "-q"]).expect_code(0);
    let told = ran(
        &environment,
        ["coordinate", "1", "--scope", "implement", "-q"],
    );
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    CHECKPOINT: implement failed, next: revise the plan because of phase 2 (1 of 2)
      phases 1/2 verified, 2 retries, [DURATION]: implementation-summary-[DAY].md
      ✗ phase 2 failed: no file was changed and no findings were written
    CHECKPOINT: revise complete, next: implement
      plan 1/1 verified, [DURATION]: implementation-002.md
    CHECKPOINT: implement complete, next: done
      phases 2/2 verified, [DURATION]: implementation-summary-[DAY].md
    ----- stderr -----
    "#);
    assert_eq!(status(&environment), "[COMPLETED]");
}

#[test]
fn it_is_planned_again_twice_and_then_stops_with_the_reason() {
    let nothing = section("p2", &["{ say = \"Done.\" }".to_owned()]);
    let script = [
        plan(1),
        plan(2),
        plan(3),
        section(
            "p1",
            &["{ append = \"docs/width.md\", text = \"80\\n\" }".to_owned()],
        ),
        nothing,
    ];
    let environment = begun(&script.concat());
    ran(&environment, ["plan", "1", "-q"]).expect_code(0);
    let told = ran(
        &environment,
        ["coordinate", "1", "--scope", "implement", "-q"],
    );
    assert_output!(environment, told, @r#"
    exit code: 1
    ----- stdout -----
    CHECKPOINT: implement failed, next: revise the plan because of phase 2 (1 of 2)
      phases 1/2 verified, 2 retries, [DURATION]: implementation-summary-[DAY].md
      ✗ phase 2 failed: no file was changed and no findings were written
    CHECKPOINT: revise complete, next: implement
      plan 1/1 verified, [DURATION]: implementation-002.md
    CHECKPOINT: implement failed, next: revise the plan because of phase 2 (2 of 2)
      phases 1/2 verified, 2 retries, [DURATION]: implementation-summary-[DAY].md
      ✗ phase 2 failed: no file was changed and no findings were written
    CHECKPOINT: revise complete, next: implement
      plan 1/1 verified, [DURATION]: implementation-003.md
    CHECKPOINT: implement failed, next: stopped: phase 2 failed again after 2 revisions of the plan
      phases 1/2 verified, 2 retries, [DURATION]: implementation-summary-[DAY].md
      ✗ phase 2 failed: no file was changed and no findings were written
    ----- stderr -----
    "#);
    let revised = subjects(&environment);
    let revised = revised
        .iter()
        .filter(|subject| subject.contains("revise plan"));
    assert_eq!(revised.count(), 2);
    // The counters are stored: the next call tries once more, and does not plan again.
    let told = ran(&environment, ["coordinate", "1", "-q"]);
    assert_output!(environment, told, @r#"
    exit code: 1
    ----- stdout -----
    CHECKPOINT: implement failed, next: stopped: phase 2 failed again after 2 revisions of the plan
      phases 1/2 verified, 2 retries, [DURATION]: implementation-summary-[DAY].md
      ✗ phase 2 failed: no file was changed and no findings were written
    ----- stderr -----
    the implement workflow goes on with implement
    "#);
}

#[test]
fn one_try_is_not_two() {
    let nothing = section("p2", &["{ say = \"Done.\" }".to_owned()]);
    let environment = begun(&[plan(1), nothing, honest()].concat());
    environment.config("[limits]\nretries = 0\n");
    ran(&environment, ["plan", "1", "-q"]).expect_code(0);
    let told = ran(
        &environment,
        ["coordinate", "1", "--scope", "implement", "-q"],
    );
    assert_output!(environment, told, @r#"
    exit code: 1
    ----- stdout -----
    CHECKPOINT: implement failed, next: stopped
      phases 1/2 verified, [DURATION]: implementation-summary-[DAY].md
      ✗ phase 2 failed: no file was changed and no findings were written
    ----- stderr -----
    "#);
}

#[test]
fn without_a_plan_the_description_is_revised() {
    let environment = begun(&honest());
    let told = ran(&environment, ["revise", "1"]);
    assert_output!(environment, told, @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: task 1 has no plan; `airboss plan 1` writes one
    hint: `airboss revise 1 TEXT` makes the text its description
    "#);
    let told = ran(
        &environment,
        ["revise", "1", "It wraps\nat 80 columns.", "--dry-run"],
    );
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    1  description  Shorten the banner
    ----- stderr -----
    nothing was changed: this is what it would be
    "#);
    let told = ran(&environment, ["revise", "1", "It wraps\nat 80 columns."]);
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    1  description  Shorten the banner
         commit [COMMIT]
    ----- stderr -----
    "#);
    let described = |environment: &airboss_testkit::TestEnvironment| {
        let todo = environment.read("specs/TODO.md");
        let line = todo
            .lines()
            .find(|line| line.starts_with("**Description**"));
        line.unwrap_or_default().to_owned()
    };
    assert_eq!(
        described(&environment),
        "**Description**: It wraps at 80 columns."
    );
    assert_eq!(
        subjects(&environment).last().unwrap(),
        "task 1: revise description"
    );
    assert_eq!(status(&environment), "[NOT STARTED]");
    environment.run(["undo"]).expect_code(0);
    assert_eq!(described(&environment), "**Description**: It wraps.");
    environment
        .run(["task", "abandon", "1", "--reason", "no"])
        .expect_code(0);
    let told = ran(&environment, ["revise", "1", "Another."]);
    assert_output!(environment, told, @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: task 1 is abandoned; --force begins it again
    "#);
}
