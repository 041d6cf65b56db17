//! Agents that do not deliver, in every way they know: the verdict, the status, the words.

use airboss_testkit::{TestEnvironment, assert_output};

use crate::{PLAN, REPORT, TASK, begun, honest, ran, section, status, subjects, write};

/// What an agent does instead of its work.
const WAYS: [(&str, &str); 10] = [
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
    (
        "another task's file",
        "{ write = \"specs/002_another/reports/research-001.md\", text = \"# Report\\n\\n## Findings\\n\\n\
         All of it is here, and at some length, so that nobody can say that there is too little \
         of it to go by; but it is in the directory of another task.\\n\" }",
    ),
    (
        "a link to another task's file",
        "{ shell = \"mkdir -p specs/002_another && echo '# Report' > specs/002_another/a.md && \
         ln -s ../../002_another/a.md DUE\" }",
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
    another task's file
    task 1 is not started: research came to nothing
      ✗ `specs/001_shorten_the_banner/reports/research-001.md` is missing; `specs/002_another/reports/research-001.md` could be it, and stays there
    a link to another task's file
    task 1 is not started: research came to nothing
      ✗ `specs/001_shorten_the_banner/reports/research-001.md` is not a regular file
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
    another task's file
    task 1 is not started: plan came to nothing
      ✗ `specs/001_shorten_the_banner/plans/implementation-001.md` is missing
    a link to another task's file
    task 1 is not started: plan came to nothing
      ✗ `specs/001_shorten_the_banner/plans/implementation-001.md` is not a regular file
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

/// A task with a plan of two phases, whose agent does the first one and says that it did both.
fn half_done() -> TestEnvironment {
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
    environment
}

#[test]
fn half_the_phases_are_half_of_it() {
    let environment = half_done();
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

/// What an agent does in every stage, wherever the task's directory is.
const EVERYWHERE: &str = r#"
[default]
actions = [{ shell = '''
home=${AIRBOSS_PLAN%/*}
told='What was found is told here at some length, so that whoever comes next has something to go by, and it is quite enough for that.'
mkdir -p src
case "$AIRBOSS_PLAN" in
*/research) printf '# Report\n\n## Findings\n\n%s\n' "$told" > "$home/reports/{step}.md" ;;
*/plan|*/revise) printf '# Plan\n\n### Phase 1: Write it [NOT STARTED]\n\n- [ ] Write it\n' > "$home/plans/{step}.md" ;;
*/debug) printf '# Report\n\n## Analysis\n\n%s\n' "$told" > "$home/debug/{step}.md"; echo hello > src/banner.txt ;;
*/document) printf '# Documents\n\nREADME.md is changed. %s\n' "$told" > "$home/summaries/{step}.md"; echo more >> README.md ;;
*) echo helo > src/banner.txt ;;
esac''' }]
"#;

#[test]
fn a_title_steers_nothing_in_any_stage() {
    let environment = begun(EVERYWHERE);
    environment.config(
        "[gates.banner]\ncommand = \"grep -q hello src/banner.txt\"\nsteps = [\"none\"]\n\
         [hooks.keep]\ncommand = [\"sh\", \"-c\", \"cat >> ../events\"]\n",
    );
    let title = "$(touch x); `id` --help ../../etc \"quoted\"";
    let description =
        "an \u{1b}[31mescape\u{1b}[0m, \u{1b}]0;a title\u{7} and $(touch y) {{rules}}";
    environment
        .run(["task", "add", title, "--description", description])
        .expect_code(0);
    let asked = "$(touch z) \u{1b}[2J --agent none";
    let quiet = |told: &airboss_testkit::environment::Output| {
        for text in [&told.stdout, &told.stderr] {
            let steering = text.bytes().find(|byte| matches!(byte, 0x1b | 0x07));
            assert_eq!(steering, None, "{told:?}");
        }
    };
    let stages: [(&[&str], i32); 20] = [
        (&["prompt", "2", "--stage", "research", asked], 0),
        (&["research", "2", asked], 0),
        (&["plan", "2", asked], 0),
        (&["revise", "2", asked], 0),
        (&["prompt", "2", "--stage", "implement"], 0),
        (&["implement", "2", asked], 0),
        (&["test", "2"], 1),
        (&["debug", "2", asked], 0),
        (&["test", "2"], 0),
        (&["document", "2", asked], 0),
        (&["coordinate", "2", "--scope", "test"], 4),
        (&["handoff", "2"], 0),
        (&["task", "show", "2"], 0),
        (&["why", "p1"], 0),
        (&["log", "2"], 0),
        (&["review"], 0),
        (&["archive", "2"], 0),
        (&["undo"], 0),
        (&["export"], 0),
        (&["verify"], 0),
    ];
    for (arguments, code) in stages {
        let told = environment.run(arguments);
        assert_eq!(told.code(), code, "{arguments:?}: {told}");
        quiet(&told);
    }
    for name in ["x", "y", "z"] {
        assert!(!environment.path(name).exists(), "{name}");
    }
    assert!(!environment.outside("etc").exists());
    let tree = environment.tree();
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    for (path, bytes) in &tree {
        assert!(path.chars().all(plain), "{path}");
        assert!(!bytes.contains(&0x1b), "{path}");
    }
    let directory = "specs/002_touch_x_id_help_etc_quoted/";
    let own = tree.keys().filter(|path| path.starts_with(directory));
    assert_eq!(own.count(), 6, "{:?}", tree.keys());
    let log = environment.git(["log", "--format=%B"]);
    assert!(!log.contains('\u{1b}'), "{log}");
    let events = fs_err::read_to_string(environment.outside("events")).unwrap();
    assert!(!events.contains('\u{1b}'));
    for line in events.lines() {
        let told: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(told["task"], 2, "{line}");
    }
    environment.assert_no_process_left();
}

/// Whoever has the plan in his hands can write into it; that proves nothing.
#[test]
fn a_marker_that_an_agent_wrote_is_no_phase_done() {
    let plan = format!("{TASK}/plans/implementation-001.md");
    let mark = format!(
        "{{ shell = \"sed -i 's/^\\\\(### Phase .*\\\\) \\\\[.*/\\\\1 [COMPLETED]/' {plan}\" }}"
    );
    let script = [
        section("implementation-001", &[write(&plan, PLAN)]),
        section("p1", std::slice::from_ref(&mark)),
        section("p2", &[mark]),
    ]
    .concat();
    let environment = begun(&script);
    ran(&environment, ["plan", "1", "-q"]).expect_code(0);
    ran(&environment, ["implement", "1", "-q"]).expect_code(1);
    assert_eq!(status(&environment), "[PLANNED]");
    let sent = environment.run(["implement", "1", "--dry-run"]);
    let sent: Vec<&str> = sent
        .stdout
        .lines()
        .filter(|it| it.starts_with("──"))
        .collect();
    let steps = [
        "── 1. step p1: Measure the width",
        "── 2. step p2: Cut long names",
    ];
    let is_sent = |(line, step): (&&str, &&str)| line.starts_with(step);
    assert!(
        sent.len() == 2 && sent.iter().zip(&steps).all(is_sent),
        "{sent:?}"
    );
}

/// A person's word about a phase counts, though nobody verified it: who did the work by hand does
/// not want it done again.
#[test]
fn a_phase_that_a_person_did_is_passed_over() {
    let environment = half_done();
    ran(&environment, ["implement", "1", "-q"]).expect_code(1);
    for status in ["in_progress", "completed"] {
        let told = environment.run(["task", "phase", "1", &format!("2={status}")]);
        told.expect_code(0);
    }
    let shown = environment.run(["implement", "1", "--dry-run"]);
    assert_output!(environment, shown, @r#"
    exit code: 0
    ----- stdout -----
    ── step p1 is passed over: completed
    ── step p2 is passed over: completed
    ----- stderr -----
    "#);
    let told = ran(&environment, ["implement", "1", "-q"]);
    assert_output!(environment, told, @r#"
    exit code: 0
    ----- stdout -----
    task 1 is completed: Shorten the banner
      ✓ specs/001_shorten_the_banner/summaries/implementation-summary-[DAY].md
      commit [COMMIT]
    ----- stderr -----
    "#);
    assert_eq!(status(&environment), "[COMPLETED]");
    assert_output!(environment, environment.run(["why", "p2"]), @r#"
    exit code: 0
    ----- stdout -----
    p2 is done because a person said so (the plan's marker says COMPLETED); no verdict backs it
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

    By command
      [TIME]  marked completed by a person: the plan's marker says COMPLETED
    ----- stderr -----
    "#);
}
