//! The project's own checks.

use crate::support::*;

#[test]
fn a_missing_gate_command_is_nobodys_failure() {
    let environment = environment();
    environment.config("[gates.check]\ncommand = \"no-such-program --all\"\n");
    environment.plan(PLAN, plan(&[&[("1.1", "Write `out/1-1.txt`")]]));
    environment.script(DILIGENT);
    let output = environment.run(["run", PLAN]);
    output.expect_code(3);
    assert_told!(environment, output, "infra    1.1", @r"
    [TIME] infra    1.1 after [DURATION]: gate `check`: /bin/sh: 1: no-such-program: not found; again at [TIME] (retries 0 of 2)
    [TIME] infra    1.1 after [DURATION]: gate `check`: /bin/sh: 1: no-such-program: not found; again at [TIME] (retries 0 of 2)
    [TIME] infra    1.1 after [DURATION]: gate `check`: /bin/sh: 1: no-such-program: not found; again at [TIME] (retries 0 of 2)
    ");
    assert_eq!(with_status(&environment, "failed"), "");
    assert_eq!(commits(&environment), []);
    // Once it is there, the same command goes on.
    environment.config("[gates.check]\ncommand = \"true\"\n");
    environment.run(["run", PLAN]).expect_code(0);
}

#[test]
fn a_gate_that_takes_too_long_is_red_and_leaves_nothing() {
    let environment = environment();
    environment.config("[gates.check]\ncommand = \"sleep 500 & sleep 500\"\ntimeout = \"300ms\"\n");
    environment.plan(PLAN, plan(&[&[("1.1", "Write `out/1-1.txt`")]]));
    environment.script(DILIGENT);
    let output = environment.run(["run", PLAN]);
    output.expect_code(1);
    assert_eq!(
        output.told("gate `check` ran out of time").len(),
        6,
        "{output}"
    );
    environment.assert_no_process_left();
}

#[test]
fn a_gate_may_be_run_once_more_for_some_exit_codes() {
    let environment = environment();
    let once = "if test -e ../seen; then exit 0; fi; touch ../seen; exit 75";
    environment.config(&format!(
        "[gates.check]\ncommand = \"{once}\"\nretry_on = [75]\n"
    ));
    environment.plan(PLAN, plan(&[&[("1.1", "Write `out/1-1.txt`")]]));
    environment.script(DILIGENT);
    let output = environment.run(["run", PLAN]);
    output.expect_code(0);
    assert_eq!(starts(&output, "1.1"), 1, "{output}");
}

#[test]
fn gates_are_due_after_steps_phases_and_the_plan() {
    let environment = environment();
    let counting = |name: &str| format!("command = \"echo {name} $(ls out) >> ../gates\"");
    environment.config(&format!(
        "[gates.a-step]\n{}\nsteps = [\"1.1\", \"2.1\"]\n[gates.b-phase]\n{}\nwhen = \"phase\"\n\
         [gates.c-plan]\n{}\nwhen = \"plan\"\n",
        counting("step"),
        counting("phase"),
        counting("plan")
    ));
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
    environment.script(DILIGENT);
    environment.run(["run", PLAN]).expect_code(0);
    let gates = fs_err::read_to_string(environment.outside("gates")).unwrap();
    assert_eq!(
        gates,
        "step 1-1.txt\n\
         phase 1-1.txt 1-2.txt\n\
         step 1-1.txt 1-2.txt 2-1.txt\n\
         phase 1-1.txt 1-2.txt 2-1.txt\n\
         plan 1-1.txt 1-2.txt 2-1.txt\n"
    );
}

#[test]
fn a_criterion_of_the_plan_is_a_gate() {
    let environment = environment();
    let text = plan(&[&[("1.1", "Write `out/1-1.txt`")]]);
    environment.plan(
        PLAN,
        format!("{text}\n**VERIFY Phase 1:**\n- [ ] `grep -q {{}} out/1-1.txt` passes\n")
            .replace("{}", "perfect"),
    );
    environment.script(DILIGENT);
    let output = environment.run(["run", PLAN]);
    output.expect_code(1);
    assert_eq!(output.told("exited with 1").len(), 6, "{output}");
}

#[test]
fn a_gate_that_changes_files_makes_nobodys_work() {
    let environment = environment();
    environment.config("[gates.check]\ncommand = \"echo cache > cache.txt\"\n");
    environment.plan(
        PLAN,
        plan(&[&[
            ("1.1", "Write `out/1-1.txt`"),
            ("1.2", "Write `out/1-2.txt`"),
        ]]),
    );
    environment.script(DILIGENT);
    environment.run(["run", PLAN]).expect_code(0);
    let commits = commits(&environment);
    let mut files: Vec<&String> = commits.iter().flat_map(|commit| &commit.files).collect();
    files.retain(|file| *file != PLAN);
    files.sort_unstable();
    assert_eq!(files, ["out/1-1.txt", "out/1-2.txt"]);
}
