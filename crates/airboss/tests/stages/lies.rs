//! Agents that do not deliver, in every way they know: the verdict, the status, the words.

use crate::{PLAN, REPORT, TASK, begun, honest, ran, section, status, subjects, write};

/// What an agent does instead of its work, and what is said of it.
const WAYS: [(&str, &str, &str); 8] = [
    (
        "nothing",
        "{ say = \"I wrote the file and tested it.\" }",
        "is missing",
    ),
    (
        "an empty file",
        "{ write = \"DUE\", text = \"\" }",
        "is empty",
    ),
    (
        "a skeleton",
        "{ write = \"DUE\", text = \"# Title\\n\\n## Findings\\n\\nTODO\\n\" }",
        "is an unfilled skeleton",
    ),
    (
        "a directory",
        "{ shell = \"mkdir -p DUE\" }",
        "is not a regular file",
    ),
    (
        "a link out of the tree",
        "{ shell = \"ln -s /etc/hostname DUE\" }",
        "is not a regular file",
    ),
    (
        "the wrong path",
        "{ write = \"notes.md\", text = \"# Notes\\n\\n## Findings\\n\\nAll of it is here.\\n\" }",
        "is missing",
    ),
    ("a lie", "{ pretend = \"DUE\" }", "is missing"),
    (
        "something else",
        "{ write = \"DUE\", text = \"Done as asked. Everything works, and the tests are green, \
         too; there is nothing left to do here, and nobody has to look at it again after me.\\n\" }",
        "has no ",
    ),
];

#[test]
fn no_report_is_no_research() {
    for (what, action, words) in WAYS {
        let due = format!("{TASK}/reports/research-001.md");
        let script = section("research-001", &[action.replace("DUE", &due)]);
        let environment = begun(&script);
        let told = ran(&environment, ["research", "1", "-q"]);
        assert_eq!(told.code(), 1, "{what}: {told:?}");
        assert!(told.stdout.contains(words), "{what}: {}", told.stdout);
        assert_eq!(status(&environment), "[NOT STARTED]", "{what}");
        assert_eq!(subjects(&environment).len(), 1, "{what}");
    }
}

#[test]
fn no_plan_is_no_planning() {
    for (what, action, words) in WAYS {
        let due = format!("{TASK}/plans/implementation-001.md");
        let script = section("implementation-001", &[action.replace("DUE", &due)]);
        let environment = begun(&script);
        let told = ran(&environment, ["plan", "1", "-q"]);
        assert_eq!(told.code(), 1, "{what}: {told:?}");
        assert!(told.stdout.contains(words), "{what}: {}", told.stdout);
        assert_eq!(status(&environment), "[NOT STARTED]", "{what}");
    }
}

#[test]
fn half_the_phases_are_half_of_it() {
    let script = [
        section(
            "implementation-001",
            &[write(&format!("{TASK}/plans/implementation-001.md"), PLAN)],
        ),
        section("p1", &[write("docs/width.md", "80\\n")]),
        section("p2", &["{ say = \"Both phases are done.\" }".to_owned()]),
    ]
    .concat();
    let environment = begun(&script);
    ran(&environment, ["plan", "1", "-q"]).expect_code(0);
    let told = ran(&environment, ["implement", "1", "-q"]);
    assert_eq!(told.code(), 1, "{told:?}");
    assert_eq!(status(&environment), "[PARTIAL]");
    let plan = environment.read(&format!("{TASK}/plans/implementation-001.md"));
    assert!(
        plan.contains("### Phase 1: Measure the width [COMPLETED]"),
        "{plan}"
    );
    assert!(
        plan.contains("### Phase 2: Cut long names [PARTIAL]"),
        "{plan}"
    );
    // A later try begins with the phase that is open.
    environment.script(&honest());
    let told = ran(&environment, ["implement", "1", "-q"]);
    assert_eq!(told.code(), 0, "{told:?}");
    assert_eq!(status(&environment), "[COMPLETED]");
    let phases = subjects(&environment);
    let firsts = phases.iter().filter(|subject| subject.contains("phase 1:"));
    assert_eq!(firsts.count(), 1, "{phases:?}");
}

#[test]
fn yesterdays_file_is_no_answer_to_todays_question() {
    let script = section(
        "research-002",
        &["{ say = \"The report is there.\" }".to_owned()],
    );
    let environment = begun(&format!(
        "{}{script}",
        section(
            "research-001",
            &[write(&format!("{TASK}/reports/research-001.md"), REPORT)]
        )
    ));
    ran(&environment, ["research", "1", "-q"]).expect_code(0);
    let told = ran(&environment, ["research", "1", "-q"]);
    assert_eq!(told.code(), 1, "{told:?}");
    assert_eq!(status(&environment), "[RESEARCHED]");
}

#[test]
fn a_title_is_a_word_and_nothing_more() {
    let environment = begun(
        "[default]\nactions = [{ shell = \"f=$(find specs -name reports -path '*touch*'); printf '# Report\\\\n\\\\n## Findings\\\\n\\\\nWhat was found is told here at some length, so that whoever plans the work has something to go by, and it is quite enough for that.\\\\n' > $f/{step}.md\" }]\n",
    );
    let title = "$(touch x); `id` --help ../../etc \"quoted\"";
    let description = "an \u{1b}[31mescape\u{1b}[0m and $(touch y)";
    environment
        .run(["task", "add", title, "--description", description])
        .expect_code(0);
    let told = ran(
        &environment,
        ["research", "2", "$(touch z) --agent none", "-q"],
    );
    assert_eq!(told.code(), 0, "{told:?}");
    assert!(!told.stdout.contains('\u{1b}'), "{:?}", told.stdout);
    for name in ["x", "y", "z"] {
        assert!(!environment.path(name).exists(), "{name}");
    }
    let places = environment.git(["ls-files", "specs"]);
    assert!(
        places.contains("specs/002_touch_x_id_help_etc_quoted/reports/research-001.md"),
        "{places}"
    );
}
