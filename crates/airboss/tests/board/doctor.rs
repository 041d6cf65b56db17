//! What the doctor says of a board, and what it mends.

use airboss_testkit::TestEnvironment;
use serde_json::Value;

use crate::{PLAN_PATH, adopted, data, differences, found, leading_out};

/// The checks of the board that are not good: level, name, evidence and remedy, one each.
fn complaints(environment: &TestEnvironment, words: &[&str]) -> Vec<String> {
    let told = environment.run(words.iter().copied());
    let checks = data(&told)["checks"]
        .as_array()
        .cloned()
        .expect("the test made it so");
    let line = |check: &Value| {
        let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
        let (level, name) = (text("level"), text("name"));
        format!("{level} {name}: {} → {}", text("evidence"), text("remedy"))
    };
    let bad = checks.iter().filter(|check| check["level"] != "good");
    bad.map(line).collect()
}

/// What the doctor says, in which looking changes nothing at all.
#[track_caller]
fn looked(environment: &TestEnvironment) -> Vec<String> {
    let before = environment.state();
    let told = complaints(environment, &["doctor", "--json"]);
    assert_eq!(environment.state(), before);
    told
}

/// What is left after `--fix`.
fn fixed(environment: &TestEnvironment) -> Vec<String> {
    complaints(environment, &["doctor", "--fix", "--json"])
}

macro_rules! check {
    ($environment:expr, $told:expr, @$snapshot:literal) => {{
        let told = $told.join("\n");
        $environment
            .settings()
            .bind(|| insta::assert_snapshot!(told, @$snapshot));
    }};
}

/// The board without what is odd about it from the beginning.
fn sound() -> TestEnvironment {
    let environment = adopted();
    environment
        .run(["task", "status", "52", "partial"])
        .expect_code(0);
    environment
}

#[test]
fn a_sound_board_is_well() {
    let environment = sound();
    check!(environment, looked(&environment), @"");
    let told = environment.run(["doctor"]);
    let board = told
        .stdout
        .lines()
        .filter(|line| line.contains("specs: 6 tasks"));
    assert_eq!(board.count(), 1, "{told}");
    check!(environment, looked(&found()), @r#"
    warning board: specs is not adopted → `airboss init` shows what is there and adopts it; `airboss rebuild` does after a loss of the store
    "#);
}

#[test]
fn in_flight_without_a_run_is_told_and_left() {
    let environment = adopted();
    check!(environment, looked(&environment), @r#"
    warning in flight: no run works on them: task 52 is implementing since [TIME] → `airboss task status N STATUS` says where they are; --fix leaves them, for somebody may work by hand
    "#);
    check!(environment, fixed(&environment), @r#"
    warning in flight: no run works on them: task 52 is implementing since [TIME] → `airboss task status N STATUS` says where they are; --fix leaves them, for somebody may work by hand
    "#);
}

#[test]
fn artifacts_directories_and_locks_are_named() {
    let environment = sound();
    environment.write(
        "specs/053_shorten_the_start_up_banner/reports/research-001.md",
        "Found.\n",
    );
    environment.write("specs/053_shorten_the_start_up_banner/reports/empty.md", "");
    environment.write("specs/091_nobody/plans/x.md", "# X\n");
    environment.write("specs/.git-commit.lock/owner", "somebody");
    environment.write("specs/state.json.lock", "");
    environment.write("specs/.postflight-pending", "{}");
    environment.write("specs/052_draw_the_frame/.orchestrator-loop-guard", "{}");
    fs_err::remove_file(environment.path(PLAN_PATH)).expect("the test made it so");
    check!(environment, looked(&environment), @r#"
    problem missing artifacts: linked, and missing or empty: task 52: specs/052_draw_the_frame/plans/implementation-001.md → bring the file back, or `airboss task unlink N PATH`
    warning phantom artifacts: in a task's directory, and linked nowhere: task 53: specs/053_shorten_the_start_up_banner/reports/research-001.md → `airboss task link N PATH` links them
    warning orphan directories: directories without a task: 091_nobody/ → look what is in them: bring the task back or move them to archive/; --fix leaves them
    warning foreign locks: left by other programs: specs/.git-commit.lock, a directory ([DURATION] old); specs/.postflight-pending ([DURATION] old); specs/052_draw_the_frame/.orchestrator-loop-guard ([DURATION] old); specs/state.json.lock ([DURATION] old) → remove them when those programs are over; --fix never does
    "#);
    fixed(&environment);
    assert!(environment.path("specs/.git-commit.lock/owner").exists());
    assert!(environment.path("specs/state.json.lock").exists());
}

#[test]
fn a_damaged_state_is_made_anew() {
    for damage in [
        "",
        "{\"active_projects\": [,]}",
        "{\"project_number\": 7, \"status\": \"x\"}",
    ] {
        let environment = sound();
        let before = environment.read("specs/state.json");
        let damaged = if damage.is_empty() {
            String::new()
        } else {
            damage.to_owned()
        };
        environment.write("specs/state.json", damaged);
        let told = looked(&environment);
        assert!(
            told.iter()
                .any(|line| line.starts_with("problem board files: ")),
            "{told:?}"
        );
        assert_eq!(fixed(&environment), Vec::<String>::new());
        assert_eq!(environment.read("specs/state.json"), before);
    }
}

#[test]
fn a_half_written_todo_keeps_its_line() {
    let environment = sound();
    let text = environment.read("specs/TODO.md");
    let torn = text.replacen(
        "## Low Priority",
        "<<<<<<< ours\n## Low Priority\n=======\n>>>>>>> theirs",
        1,
    );
    environment.write("specs/TODO.md", torn);
    check!(environment, looked(&environment), @r#"
    problem board files: specs/TODO.md: line 63: a merge is unfinished; finish it and remove its marker lines → `airboss doctor --fix` keeps the text and makes the file anew where a sound version of it is known; else correct the line
    "#);
}

#[test]
fn a_front_matter_that_is_odd_is_named_with_its_line() {
    let environment = sound();
    let text = environment.read("specs/TODO.md");
    environment.write(
        "specs/TODO.md",
        text.replacen("---\n", "---\nP26-01-16T00:00:00Z\n", 1),
    );
    check!(environment, looked(&environment), @r#"
    warning front matter: specs/TODO.md: line 2: this line of the front matter is no key; it is kept → correct the lines: airboss reads past them and leaves them as they are
    "#);
}

#[test]
fn of_two_equal_numbers_the_later_one_gets_a_new_one() {
    let environment = sound();
    let text = environment.read("specs/TODO.md");
    let entry = "### 53. Paint the ceiling\n- **Status**: [NOT STARTED]\n- **Effort**: 1 hour\n\n---\n\n## Low Priority";
    environment.write("specs/TODO.md", text.replacen("## Low Priority", entry, 1));
    check!(environment, looked(&environment), @r#"
    problem numbers: numbers that stand more than once: task 53 in TODO.md (lines 22, 63) → `airboss doctor --fix` gives the later one a new number; what waits for the number waits for the earlier one
    "#);
    check!(environment, fixed(&environment), @"");
    let text = environment.read("specs/TODO.md");
    assert!(
        text.contains("### 53. Shorten the start-up banner"),
        "{text}"
    );
    assert!(text.contains("### 57. Paint the ceiling"), "{text}");
    assert!(text.contains("next_project_number: 58"), "{text}");
    assert_eq!(differences(&environment), []);
    environment
        .run(["task", "status", "57", "planned"])
        .expect_code(0);
    environment
        .run(["task", "status", "53", "planned"])
        .expect_code(0);
}

#[test]
fn a_next_number_that_is_taken_or_differs_is_mended() {
    for (file, line, taken) in [
        (
            "specs/TODO.md",
            "next_project_number: 57",
            "next_project_number: 54",
        ),
        (
            "specs/state.json",
            "\"next_project_number\": 57",
            "\"next_project_number\": 54",
        ),
    ] {
        let environment = sound();
        environment.write(file, environment.read(file).replacen(line, taken, 1));
        let findings = looked(&environment);
        let next = findings.iter().filter(|line| line.contains("next number"));
        assert_ne!(next.count(), 0, "{findings:?}");
        assert_eq!(fixed(&environment), Vec::<String>::new());
        assert!(
            environment
                .read("specs/TODO.md")
                .contains("next_project_number: 57")
        );
        assert!(
            environment
                .read("specs/state.json")
                .contains("\"next_project_number\": 57")
        );
    }
}

#[test]
fn a_task_without_a_status_line_gets_one() {
    let environment = sound();
    let text = environment.read("specs/TODO.md");
    environment.write(
        "specs/TODO.md",
        text.replacen("- **Status**: [PLANNED]\n", "", 1),
    );
    check!(environment, looked(&environment), @r#"
    warning status lines: no status line in specs/TODO.md: task 54 (line 44) → `airboss doctor --fix` inserts them; until then their status is not written
    "#);
    check!(environment, fixed(&environment), @"");
    let text = environment.read("specs/TODO.md");
    let entry = "### 54. Measure the width\n- **Status**: [PLANNED]\n- **Effort**";
    assert!(text.contains(entry), "{text}");
    environment
        .run(["task", "status", "54", "implementing"])
        .expect_code(0);
    assert_eq!(differences(&environment), []);
}

#[test]
fn a_critical_error_that_is_open_is_a_problem() {
    let environment = sound();
    leading_out(&environment);
    environment
        .run(["task", "status", "53", "planned"])
        .expect_code(10);
    let told = looked(&environment);
    let begin = "problem errors: err_";
    assert!(told.iter().any(|line| line.starts_with(begin)), "{told:?}");
}
