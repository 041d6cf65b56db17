//! The malformed boards that must be survived, by their numbers in the format's own list: what
//! only the whole program shows, and where each of the others is tested.

use std::sync::atomic::{AtomicBool, Ordering};

use airboss_testkit::{TestEnvironment, assert_output};

use crate::{STATE, TODO, adopted, differences, found, leading_out, refused};

/// Every case with the test that shows its outcome.
const CASES: [(&str, &str, &[u32]); 29] = [
    (TODO_CASES, "case_1_stubs", &[1]),
    (TODO_CASES, "cases_2_to_6_front_matter", &[2, 3, 4, 5, 6]),
    (TODO_CASES, "case_7_a_number_twice", &[7]),
    (TODO_CASES, "cases_8_to_10_what_is_a_task", &[8, 9, 10]),
    (TODO_CASES, "case_11_headings", &[11]),
    (TODO_CASES, "cases_12_and_13_fences_and_comments", &[12, 13]),
    (TODO_CASES, "cases_14_to_17_status_lines", &[14, 15, 16, 17]),
    (
        TODO_EDITS,
        "cases_14_to_17_only_the_marker_changes",
        &[14, 15, 16, 17],
    ),
    (TODO_CASES, "case_18_links", &[18]),
    (TODO_EDITS, "case_18_no_link_twice", &[18]),
    (HERE, "case_19_a_link_to_a_missing_file_is_kept", &[19]),
    (TODO_CASES, "case_20_fields_in_any_order", &[20]),
    (TODO_CASES, "cases_21_to_23_bytes", &[21, 22, 23]),
    (
        TODO_EDITS,
        "case_24_only_the_first_status_line_counts",
        &[24],
    ),
    (HERE, "case_25_an_editor_saves_meanwhile", &[25]),
    (HERE, "case_25_the_same_task_was_edited", &[25]),
    (STATE_CASES, "damaged_files_are_refused", &[26]),
    (STATE_CASES, "a_root_that_is_no_board_is_refused", &[27]),
    (STATE_CASES, "duplicates", &[28, 29]),
    (STATE_CASES, "numbers_as_text", &[30]),
    (STATE_CASES, "artifacts_in_every_shape", &[31]),
    (STATE_CASES, "dependencies_in_words", &[32]),
    (STATE_CASES, "nulls_and_slugs", &[33]),
    (STATE_CASES, "the_next_number", &[34, 35]),
    (STATE_CASES, "statuses_and_times", &[36, 37]),
    (HERE, "case_38_another_program_writes_meanwhile", &[38]),
    (HERE, "case_39_no_file_of_the_repository", &[39]),
    (ERRORS, "what_is_no_errors_file_is_left_alone", &[40]),
    (PROJECT, "what_is_there_stays_however_it_is_spelled", &[41]),
];

const TODO_CASES: &str = "airboss-core/src/board/todo/tests/cases.rs";
const TODO_EDITS: &str = "airboss-core/src/board/todo/tests/edits.rs";
const STATE_CASES: &str = "airboss-core/src/board/state_file/tests/cases.rs";
const ERRORS: &str = "airboss-core/src/board/errors_file/tests.rs";
const PROJECT: &str = "airboss-core/src/board/project_state/tests.rs";
const HERE: &str = "airboss/tests/board/malformed.rs";

#[test]
fn every_case_has_its_test() {
    let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let crates = crates.expect("the crate lies beside the others");
    for (file, test, _) in CASES {
        let source = fs_err::read_to_string(crates.join(file)).expect("the file is named above");
        assert!(
            source.contains(&format!("#[test]\nfn {test}()")),
            "{test} is not in {file}"
        );
    }
    let told: std::collections::BTreeSet<u32> = CASES
        .iter()
        .flat_map(|(_, _, cases)| *cases)
        .copied()
        .collect();
    assert_eq!(told, (1..=41).collect());
}

#[test]
fn case_19_a_link_to_a_missing_file_is_kept() {
    let environment = adopted();
    let link = "- **Research**: [gone.md](specs/056_write/reports/gone.md)\n";
    let todo = TODO.replace("- **Notes**", &format!("{link}- **Notes**"));
    environment.write("specs/TODO.md", todo);
    environment
        .run(["task", "status", "56", "planned"])
        .expect_code(0);
    assert!(environment.read("specs/TODO.md").contains(link));
    let doctor = environment.run(["doctor"]);
    let mut lines = doctor.stdout.lines().map(str::trim);
    let named = lines.find(|line| line.ends_with("specs/056_write/reports/gone.md"));
    assert!(named.is_some(), "{doctor}");
    assert_eq!(differences(&environment), []);
}

/// Saves a file over and over, with a growing remark, while the program changes task 53.
fn meanwhile(path: &str, before: &str, remark: &str) -> TestEnvironment {
    let environment = adopted();
    let ended = AtomicBool::new(false);
    let saved = std::thread::scope(|scope| {
        let editor = scope.spawn(|| {
            let mut saved = 0;
            while !ended.load(Ordering::Relaxed) {
                saved += 1;
                let text = environment.read(path);
                let at = text.find(before).expect("nobody takes this line out") + before.len();
                let rest = text[at..].find(['\n', '"']).expect("a line ends") + at;
                let text = format!("{} {remark} {saved}{}", &text[..at], &text[rest..]);
                environment.write(".git/saving", text);
                let swap = fs_err::rename(environment.path(".git/saving"), environment.path(path));
                swap.expect("an editor may save");
            }
            saved
        });
        for status in [
            "planned",
            "implementing",
            "partial",
            "implementing",
            "blocked",
        ] {
            let mut words = vec!["task", "status", "53", status];
            if status == "blocked" {
                words.extend(["--reason", "the end"]);
            }
            let told = environment.run(words);
            // Nothing of it may be lost; a file that is never quiet may have to wait.
            assert!(matches!(told.code(), 0 | 10 | 11), "{told}");
        }
        ended.store(true, Ordering::Relaxed);
        editor.join().expect("the editor does not fail")
    });
    environment.run(["sync"]);
    let text = environment.read(path);
    let last = format!("{remark} {saved}");
    assert!(text.contains(&last), "`{last}` is lost:\n{text}");
    assert_eq!(differences(&environment), []);
    let (todo, state) = (
        environment.read("specs/TODO.md"),
        environment.read("specs/state.json"),
    );
    assert!(todo.contains("- **Blocking Reason**: the end"), "{todo}");
    assert!(state.contains("\"blocked_reason\": \"the end\""), "{state}");
    environment
}

#[test]
fn case_25_an_editor_saves_meanwhile() {
    meanwhile("specs/TODO.md", "the author's own line stays", "and grows");
}

#[test]
fn case_25_the_same_task_was_edited() {
    let environment = adopted();
    let todo = TODO.replace("[NOT STARTED]", "[RESEARCHED]");
    environment.write("specs/TODO.md", todo);
    // The edit is taken in before, so that it is in the history.
    assert_output!(environment, environment.run(["task", "status", "53", "planned"]), @r#"
    exit code: 0
    ----- stdout -----
    53  researched → planned  Shorten the start-up banner
         commit [COMMIT]
    ----- stderr -----
    "#);
    assert_eq!(differences(&environment), []);
}

#[test]
fn case_38_another_program_writes_meanwhile() {
    meanwhile("specs/state.json", "nobody in particular", "at");
}

#[test]
fn case_39_no_file_of_the_repository() {
    let environment = found();
    leading_out(&environment);
    assert_output!(environment, refused(&environment, ["init", "--yes"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: specs/state.json leads out of the work tree, to [ROOT]/led-out
    hint: put a file of the repository in its place
    "#);
    fs_err::remove_file(environment.path("specs/state.json")).expect("it is a link");
    fs_err::create_dir(environment.path("specs/state.json")).expect("the place is free");
    assert_output!(environment, refused(&environment, ["init", "--yes"]), @r#"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: specs/state.json is not a regular file
    hint: put a file of the repository in its place
    "#);

    let environment = adopted();
    leading_out(&environment);
    assert_output!(environment, environment.run(["task", "status", "53", "planned"]), @r#"
    exit code: 10
    ----- stdout -----
    53  not started → planned  Shorten the start-up banner
         commit [COMMIT]
    ----- stderr -----
    warning: the change is stored, but specs/state.json could not be written: specs/state.json leads out of the work tree, to [ROOT]/led-out; the next command tries again
    warning: it is recorded: `airboss errors show err_[MS]`
    "#);
    let outside = fs_err::read_to_string(environment.outside(crate::LED_OUT));
    assert_eq!(outside.expect("the link leads there"), STATE);
}
