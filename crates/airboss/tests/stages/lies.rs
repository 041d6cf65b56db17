//! Agents that do not deliver, in every way they know: the verdict, the status, the words.

use airboss_testkit::assert_output;

use crate::{PLAN, REPORT, TASK, begun, honest, ran, section, status, subjects, write};

/// What an agent does instead of its work.
const WAYS: [(&str, &str); 8] = [
    ("nothing", "{ say = \"I wrote the file and tested it.\" }"),
    ("an empty file", "{ write = \"DUE\", text = \"\" }"),
    (
        "a skeleton",
        "{ write = \"DUE\", text = \"# Title\\n\\n## Findings\\n\\nTODO\\n\" }",
    ),
    ("a directory", "{ shell = \"mkdir -p DUE\" }"),
    (
        "a link out of the tree",
        "{ shell = \"ln -s /etc/hostname DUE\" }",
    ),
    (
        "the wrong path",
        "{ write = \"notes.md\", text = \"# Notes\\n\\n## Findings\\n\\nAll of it is here.\\n\" }",
    ),
    ("a lie", "{ pretend = \"DUE\" }"),
    (
        "something else",
        "{ write = \"DUE\", text = \"Done as asked. Everything works, and the tests are green, \
         too; there is nothing left to do here, and nobody has to look at it again after me.\\n\" }",
    ),
];

/// What is told of each way in a stage whose artifact is due there.
fn told_of_each(stage: &str, due: &str) -> String {
    let unit = due
        .rsplit('/')
        .next()
        .unwrap_or(due)
        .trim_end_matches(".md");
    let told = WAYS.map(|(what, action)| {
        let environment = begun(&section(unit, &[action.replace("DUE", due)]));
        let told = ran(&environment, [stage, "1", "-q"]);
        assert_eq!(told.code(), 1, "{what}: {told:?}");
        assert_eq!(status(&environment), "[NOT STARTED]", "{what}");
        assert_eq!(subjects(&environment).len(), 1, "{what}");
        format!("{what}\n{}", told.stdout.trim_end())
    });
    told.join("\n")
}

#[test]
fn no_report_is_no_research() {
    let told = told_of_each("research", &format!("{TASK}/reports/research-001.md"));
    insta::assert_snapshot!(told, @r#"
    nothing
    task 1 is not started: research came to nothing
      ✗ `specs/001_shorten_the_banner/reports/research-001.md` is missing
    an empty file
    task 1 is not started: research came to nothing
      ✗ `specs/001_shorten_the_banner/reports/research-001.md` is empty
    a skeleton
    task 1 is not started: research came to nothing
      ✗ `specs/001_shorten_the_banner/reports/research-001.md` is an unfilled skeleton
    a directory
    task 1 is not started: research came to nothing
      ✗ `specs/001_shorten_the_banner/reports/research-001.md` is not a regular file
    a link out of the tree
    task 1 is not started: research came to nothing
      ✗ `specs/001_shorten_the_banner/reports/research-001.md` is not a regular file
    the wrong path
    task 1 is not started: research came to nothing
      ✗ `specs/001_shorten_the_banner/reports/research-001.md` is missing
    a lie
    task 1 is not started: research came to nothing
      ✗ `specs/001_shorten_the_banner/reports/research-001.md` is missing
    something else
    task 1 is not started: research came to nothing
      ✗ `specs/001_shorten_the_banner/reports/research-001.md` has no title (`# …`), has no section of findings (`## Findings`)
    "#);
}

#[test]
fn no_plan_is_no_planning() {
    let told = told_of_each("plan", &format!("{TASK}/plans/implementation-001.md"));
    insta::assert_snapshot!(told, @r#"
    nothing
    task 1 is not started: plan came to nothing
      ✗ `specs/001_shorten_the_banner/plans/implementation-001.md` is missing
    an empty file
    task 1 is not started: plan came to nothing
      ✗ `specs/001_shorten_the_banner/plans/implementation-001.md` is empty
    a skeleton
    task 1 is not started: plan came to nothing
      ✗ `specs/001_shorten_the_banner/plans/implementation-001.md` is an unfilled skeleton
    a directory
    task 1 is not started: plan came to nothing
      ✗ `specs/001_shorten_the_banner/plans/implementation-001.md` is not a regular file
    a link out of the tree
    task 1 is not started: plan came to nothing
      ✗ `specs/001_shorten_the_banner/plans/implementation-001.md` is not a regular file
    the wrong path
    task 1 is not started: plan came to nothing
      ✗ `specs/001_shorten_the_banner/plans/implementation-001.md` is missing
    a lie
    task 1 is not started: plan came to nothing
      ✗ `specs/001_shorten_the_banner/plans/implementation-001.md` is missing
    something else
    task 1 is not started: plan came to nothing
      ✗ `specs/001_shorten_the_banner/plans/implementation-001.md` has no phases (`### Phase 1: …`)
    "#);
}

#[test]
fn why_tells_what_an_agent_left_out() {
    let due = format!("{TASK}/reports/research-001.md");
    let environment = begun(&section(
        "research-001",
        &[
            format!("{{ write = \"{due}\", text = \"Done.\\n\" }}"),
            "{ say = \"It is done.\" }".to_owned(),
        ],
    ));
    ran(&environment, ["research", "1", "-q"]).expect_code(1);
    let told = environment.run(["why", "research-001"]);
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    research-001 failed, and its retries are used up: unverified:
    `specs/001_shorten_the_banner/reports/research-001.md` has no title (`# …`), has no section of
    findings (`## Findings`), has a body of 5 characters
      a report
      phase research, task 1 research · specs/001_shorten_the_banner/research

    Attempts (retries 2 of 2)
      #1 ? unverified  plain, [DURATION], [TIME]:
                       `specs/001_shorten_the_banner/reports/research-001.md` has no title (`# …`), has
                       no section of findings (`## Findings`), has a body of 5 characters
          claimed   “It is done.”
          found     specs/001_shorten_the_banner/reports/research-001.md (new);
                    specs/001_shorten_the_banner/reports/research-001.md has no title (`# …`), has no
                    section of findings (`## Findings`), has a body of 5 characters
      #2 ? unverified  plain, [DURATION], [TIME]:
                       `specs/001_shorten_the_banner/reports/research-001.md` has no title (`# …`), has
                       no section of findings (`## Findings`), has a body of 5 characters
          claimed   “It is done.”
          found     specs/001_shorten_the_banner/reports/research-001.md (new);
                    specs/001_shorten_the_banner/reports/research-001.md has no title (`# …`), has no
                    section of findings (`## Findings`), has a body of 5 characters
      #3 ? unverified  plain, [DURATION], [TIME]:
                       `specs/001_shorten_the_banner/reports/research-001.md` has no title (`# …`), has
                       no section of findings (`## Findings`), has a body of 5 characters
          claimed   “It is done.”
          found     specs/001_shorten_the_banner/reports/research-001.md (new);
                    specs/001_shorten_the_banner/reports/research-001.md has no title (`# …`), has no
                    section of findings (`## Findings`), has a body of 5 characters
    ----- stderr -----
    "#);
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
    let why = environment.run(["why", "p2"]);
    assert_output!(environment, why, @r#"
    exit code: 0
    ----- stdout -----
    p2 failed, and its retries are used up: unverified: no file was changed and no findings were written
      Cut long names
      phase 2, Cut long names · specs/001_shorten_the_banner/plans/implementation-001

    Attempts (retries 2 of 2)
      #1 ? unverified  plain, [DURATION], [TIME]: no file was changed and no findings were
                       written
          claimed   “Both phases are done.”
          found     no file of its own changed
      #2 ? unverified  plain, [DURATION], [TIME]: no file was changed and no findings were
                       written
          claimed   “Both phases are done.”
          found     no file of its own changed
      #3 ? unverified  plain, [DURATION], [TIME]: no file was changed and no findings were
                       written
          claimed   “Both phases are done.”
          found     no file of its own changed
    ----- stderr -----
    "#);
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
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    task 2 is researched: $(touch x); `id` --help ../../etc "quoted"
      ✓ specs/002_touch_x_id_help_etc_quoted/reports/research-001.md
      commit [COMMIT]
    ----- stderr -----
    "#);
    for name in ["x", "y", "z"] {
        assert!(!environment.path(name).exists(), "{name}");
    }
    let places = environment.git(["ls-files", "specs"]);
    assert!(
        places.contains("specs/002_touch_x_id_help_etc_quoted/reports/research-001.md"),
        "{places}"
    );
}
