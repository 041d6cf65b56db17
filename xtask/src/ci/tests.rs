//! Tests of the table, of the choice of checks, and that a check can fail.

use clap::Parser;

use super::*;

#[derive(Parser)]
struct TestArguments {
    #[command(flatten)]
    arguments: CiArguments,
}

#[track_caller]
fn check_chosen(flags: &[&str], expected: &str) {
    let arguments = TestArguments::parse_from([&["ci"], flags].concat()).arguments;
    let names: Vec<&str> = chosen(&arguments).into_iter().map(name).collect();
    assert_eq!(names.join(" "), expected);
}

#[test]
fn checks_are_chosen_by_name() {
    check_chosen(&[], "fmt tidy layers lock deny clippy doc test");
    check_chosen(
        &["--skip", "test", "--skip", "deny"],
        "fmt tidy layers lock clippy doc",
    );
    check_chosen(&["--only", "lock", "--only", "fmt"], "fmt lock");
    check_chosen(&["--only", "lock", "--skip", "lock"], "");
}

#[test]
fn names_are_those_of_the_flags() {
    for check in CheckName::value_variants() {
        let value = check.to_possible_value().unwrap();
        assert_eq!(value.get_name(), name(*check));
    }
}

/// Runs `checks` with given verdicts; the times, which differ, are cut out of the table.
fn table(checks: &[CheckName], verdict: impl FnMut(CheckName) -> Verdict) -> (bool, String) {
    let mut output = Vec::new();
    let passed = run_checks(checks, verdict, &mut output).unwrap();
    (
        passed,
        String::from_utf8(output)
            .unwrap()
            .replace("    0.0 s", "TIME"),
    )
}

#[test]
fn every_check_runs_after_one_that_failed() {
    let checks = [CheckName::Fmt, CheckName::Deny, CheckName::Test];
    let (passed, table) = table(&checks, |check| match check {
        CheckName::Fmt => Verdict::Failed("a.rs differs\n".to_owned()),
        CheckName::Deny => Verdict::Missing("cargo install --locked cargo-deny"),
        _ => Verdict::Passed,
    });
    assert!(!passed);
    let expected = "fmt     TIME  FAILED\n\
                    deny    TIME  MISSING: cargo install --locked cargo-deny\n\
                    test    TIME  ok\n\
                    \n── fmt ──\na.rs differs\n\
                    \n1 of 3 checks passed\n";
    assert_eq!(table, expected);
}

#[test]
fn only_checks_that_ran_prove_something() {
    assert!(table(&[CheckName::Fmt], |_| Verdict::Passed).0);
    assert!(!table(&[], |_| Verdict::Passed).0);
}

#[test]
fn times_are_aligned() {
    assert_eq!(seconds(Duration::from_millis(1_449)), "    1.4 s");
    assert_eq!(seconds(Duration::from_secs(2_000)), " 2000.0 s");
}

#[test]
fn a_program_that_fails_shows_its_words() {
    let program = Program {
        arguments: &["no-such-task"],
        ..TEST
    };
    let Verdict::Failed(words) = verdict_of_program(Path::new("."), &program) else {
        panic!("an unknown task of cargo passed");
    };
    assert!(words.contains("no such command: `no-such-task`"), "{words}");
    assert!(
        words.ends_with("cargo no-such-task: exit status: 101"),
        "{words}"
    );
}

#[test]
fn a_program_that_succeeds_passes() {
    let program = Program {
        arguments: &["--version"],
        ..TEST
    };
    assert_eq!(
        verdict_of_program(Path::new("."), &program),
        Verdict::Passed
    );
}

#[test]
fn a_tool_that_is_not_there_is_missing() {
    let program = Program {
        tool: "cargo-no-such-tool",
        install: "install it",
        ..TEST
    };
    assert_eq!(
        verdict_of_program(Path::new("."), &program),
        Verdict::Missing("install it")
    );
}

#[test]
fn problems_and_errors_fail() {
    assert_eq!(verdict_of_problems(Ok(Vec::new())), Verdict::Passed);
    let problems = vec!["one".to_owned(), "two".to_owned()];
    assert_eq!(
        verdict_of_problems(Ok(problems)),
        Verdict::Failed("one\ntwo".to_owned())
    );
    let error = anyhow::anyhow!("no file");
    assert_eq!(
        verdict_of_problems(Err(error)),
        Verdict::Failed("no file".to_owned())
    );
}
