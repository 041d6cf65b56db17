//! The plan is edited while it is flown.

use std::time::Duration;

use airboss_testkit::environment::{Output, TestEnvironment, eventually};

use crate::support::*;

/// Flies two phases; while the first step is at work the plan becomes another one.
fn edited(edit: impl FnOnce(String) -> String) -> (TestEnvironment, Output) {
    let environment = environment();
    environment.config("[limits]\nidle = \"30s\"\n");
    environment.plan(
        PLAN,
        plan(&[
            &[
                ("1.1", "Write `out/1-1.txt`"),
                ("1.2", "Write `out/1-2.txt`"),
            ],
            &[("2.1", "Write `out/2-1.txt`")],
        ]),
    );
    environment.script(&script(
        r#"
        [[step]]
        match = "1.1"
        actions = [
          { say = "Waiting." },
          { shell = "touch ../waits; for i in $(seq 600); do test -e ../go && break; sleep 0.05; done" },
          { write = "out/1-1.txt", text = "x" },
          { say = "Done." },
        ]
        "#,
    ));
    let run = environment.start(["run", PLAN, "--agent", "claude"]);
    let waits = environment.outside("waits");
    assert!(eventually(Duration::from_secs(30), || waits.exists()));
    let text = edit(environment.read(PLAN));
    environment.write(PLAN, &text);
    fs_err::write(environment.outside("go"), "").unwrap();
    let output = run.wait();
    environment.assert_no_process_left();
    (environment, output)
}

#[test]
fn a_new_step_is_flown_too() {
    let (environment, output) =
        edited(|text| text.replace("- [ ] 2.1", "- [ ] 2.0 Write `out/2-0.txt`\n- [ ] 2.1"));
    output.expect_code(0);
    assert_told!(environment, output, "was changed while", @"plans/work.md was changed while it was flown; it is flown on as it is now");
    assert_eq!(
        with_status(&environment, "completed"),
        "1.1 1.2 2.0 2.1",
        "{output}"
    );
    assert_eq!(commits(&environment).len(), 4);
    insta::assert_snapshot!(outline(&environment), @r"
    # Plan: Work
    ## Implementation Phases
    ### Phase 1: Part 1 [COMPLETED]
    - [ ] 1.1 Write `out/1-1.txt`
    - [ ] 1.2 Write `out/1-2.txt`
    ### Phase 2: Part 2 [COMPLETED]
    - [ ] 2.0 Write `out/2-0.txt`
    - [ ] 2.1 Write `out/2-1.txt`
    ");
}

#[test]
fn a_plan_that_was_broken_meanwhile_is_not_called_done() {
    let (environment, output) = edited(|text| text.replace("[1]", "[9]"));
    output.expect_code(4);
    assert_told!(environment, output, "no phase 9", @"  plans/work.md:16: there is no phase 9");
    assert_eq!(commits(&environment).len(), 3);
}

#[test]
fn another_text_does_not_undo_what_is_done() {
    let (environment, output) = edited(|text| {
        text.replace(
            "1.1 Write `out/1-1.txt`",
            "1.1 Write `out/1-1.txt` with care",
        )
    });
    output.expect_code(0);
    environment
        .run(["run", PLAN, "--agent", "claude"])
        .expect_code(0);
    assert_eq!(with_status(&environment, "completed"), "1.1 1.2 2.1");
    insta::assert_snapshot!(outline(&environment), @r"
    # Plan: Work
    ## Implementation Phases
    ### Phase 1: Part 1 [COMPLETED]
    - [ ] 1.1 Write `out/1-1.txt` with care
    - [ ] 1.2 Write `out/1-2.txt`
    ### Phase 2: Part 2 [COMPLETED]
    - [ ] 2.1 Write `out/2-1.txt`
    ");
    assert_eq!(commits(&environment).len(), 3);
}

#[test]
fn a_phase_that_is_gone_is_not_flown_again() {
    let (environment, output) = edited(|text| {
        let end = text.find("\n### Phase 2").unwrap();
        text[..end].to_owned()
    });
    output.expect_code(0);
    assert_eq!(commits(&environment).len(), 3, "{output}");
    assert_eq!(output.told(" commit   ").len(), 3, "{output}");
    insta::assert_snapshot!(outline(&environment), @r"
    # Plan: Work
    ## Implementation Phases
    ### Phase 1: Part 1 [COMPLETED]
    - [ ] 1.1 Write `out/1-1.txt`
    - [ ] 1.2 Write `out/1-2.txt`
    ");
    environment
        .run(["run", PLAN, "--agent", "claude"])
        .expect_code(0);
    insta::assert_snapshot!(outline(&environment), @r"
    # Plan: Work
    ## Implementation Phases
    ### Phase 1: Part 1 [COMPLETED]
    - [ ] 1.1 Write `out/1-1.txt`
    - [ ] 1.2 Write `out/1-2.txt`
    ");
}

#[test]
fn a_plan_that_is_deleted_meanwhile_changes_nothing() {
    let (environment, output) = edited(|text| text);
    output.expect_code(0);
    fs_err::remove_file(environment.path(PLAN)).unwrap();
    let again = environment.run(["run", PLAN]);
    again.expect_code(4);
    assert!(!environment.path(PLAN).exists());
}
