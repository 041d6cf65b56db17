//! Every shape and every malformed case of the format, one line or one snapshot each.

use insta::assert_snapshot;

use super::*;

fn plan(input: &str) -> String {
    dump(&Plan::parse(input.as_bytes()))
}

fn phases(input: &str, expected: &[(&str, &str, PhaseStatus)]) {
    let plan = Plan::parse(input.as_bytes());
    let found: Vec<(&str, &str, PhaseStatus)> = plan
        .phases
        .iter()
        .map(|phase| (phase.key.as_str(), phase.title.as_str(), phase.status))
        .collect();
    assert_eq!(found, expected, "{input}");
}

use PhaseStatus as S;

#[test]
fn ids_of_phases() {
    for id in ["0", "2.5", "5.0", "5a", "6B", "4C-fix", "A", "0-4", "12"] {
        phases(
            &format!("### Phase {id}: Name\n"),
            &[(id, "Name", S::NotStarted)],
        );
    }
    for no in [
        "Phases 1: x",
        "Phase AB: x",
        "Phase one: x",
        "phase 1: x",
        "Phase1: x",
        "Phase 5ab: x",
    ] {
        let found = Plan::parse(format!("### {no}\n- [ ] a\n").as_bytes());
        assert_eq!(found.phases[0].key, "plan", "{no}");
    }
}

#[test]
fn shapes_of_phase_headings() {
    let done = S::Completed;
    phases("# Phase 1: x [DONE]\n", &[("1", "x", done)]);
    phases("## Phase 1 - x\n", &[("1", "x", S::NotStarted)]);
    phases("## Phase 1 \u{2013} x\n", &[("1", "x", S::NotStarted)]);
    phases("## Phase 1 \u{2014} x\n", &[("1", "x", S::NotStarted)]);
    phases("#### Phase 1 x\n", &[("1", "x", S::NotStarted)]);
    phases(
        "### Phase 1 (Original): x [COMPLETE] tail\n",
        &[("1", "x", done)],
    );
    phases(
        "### **Phase 1: x** (3 h) \u{2b50} [COMPLETE]\n",
        &[("1", "x (3 h) \u{2b50}", done)],
    );
    phases(
        "### Phase 1: x [simp] [PASS]\n",
        &[("1", "x [simp] [PASS]", S::NotStarted)],
    );
    phases(
        "### Phase 1: `[DONE]` x\n",
        &[("1", "`[DONE]` x", S::NotStarted)],
    );
    phases(
        "### Phase 1: [DONE](x.md)\n",
        &[("1", "[DONE](x.md)", S::NotStarted)],
    );
    phases("### Phase 0-5: [COMPLETED]\n", &[("0-5", "", done)]);
    phases(
        "##### Phase 1: x\n### Phase 2: y\n",
        &[("2", "y", S::NotStarted)],
    );
}

#[test]
fn markers() {
    for (text, status) in [
        ("[NOT STARTED]", S::NotStarted),
        ("[PENDING]", S::NotStarted),
        ("[TODO]", S::NotStarted),
        ("[IN PROGRESS]", S::InProgress),
        ("\u{1f504}", S::InProgress),
        ("[COMPLETED 2026-01-02]", S::Completed),
        ("[ALREADY DONE]", S::Completed),
        ("\u{2705}", S::Completed),
        ("\u{2705} **COMPLETED**", S::Completed),
        ("\u{2705} COMPLETE (fast)", S::Completed),
        ("[\u{2705} COMPLETE]", S::Completed),
        ("[COMPLETED - PARTIAL]", S::Partial),
        ("[PARTIAL - half of it]", S::Partial),
        ("[SUBSTANTIALLY COMPLETE]", S::Partial),
        ("[BLOCKED - see note]", S::Blocked),
        ("\u{23f8}\u{fe0f}", S::Blocked),
        ("[ABANDONED]", S::Abandoned),
        ("[NOT APPLICABLE]", S::Skipped),
        ("[SUPERSEDED]", S::Skipped),
        ("[OPTIONAL]", S::Deferred),
        ("[NEWLINES]", S::NotStarted),
        ("[IN PROGRESS] [COMPLETED]", S::Completed),
    ] {
        let found = Plan::parse(format!("### Phase 1: x {text}\n").as_bytes());
        assert_eq!(found.phases[0].status, status, "{text}");
    }
    assert_eq!(
        codes("### Phase 1: x [IN PROGRESS] [COMPLETED]\n"),
        ["two-markers"]
    );
    assert_eq!(codes("### Phase 1: x [REVISED]\n"), ["unknown-marker"]);
}

#[test]
fn board_form_b() {
    assert_snapshot!(plan(include_str!("../fixtures/board-b.md")));
}

#[test]
fn board_form_a() {
    assert_snapshot!(plan(include_str!("../fixtures/board-a.md")));
}

#[test]
fn coordinate_form() {
    assert_snapshot!(plan(include_str!("../fixtures/coordinate.md")));
}

#[test]
fn orchestrator_form() {
    let text = include_str!("../fixtures/orchestrator.md");
    assert_snapshot!(plan(text));
    assert_eq!(
        Plan::parse(text.as_bytes()).output.as_deref(),
        Some("docs/plan-outputs/banner/")
    );
}

#[test]
fn dialects_are_told_apart() {
    for (text, dialect) in [
        (include_str!("../fixtures/board-b.md"), Dialect::BoardB),
        (include_str!("../fixtures/board-a.md"), Dialect::BoardA),
        (
            include_str!("../fixtures/coordinate.md"),
            Dialect::Coordinate,
        ),
        (
            include_str!("../fixtures/orchestrator.md"),
            Dialect::Orchestrator,
        ),
        ("## Phase 1: x\n- [ ] no id\n", Dialect::Coordinate),
    ] {
        assert_eq!(Plan::parse(text.as_bytes()).dialect, dialect);
    }
}

#[test]
fn case_47_no_phases() {
    assert_snapshot!(plan("# Title\n\ntext\n"), @"0: error[nothing-to-do]: the plan has no phase and no step");
    assert_snapshot!(plan("# Title\n- [ ] Do it\n## Success Criteria\n- [ ] Done\n"), @r"
    phase plan not_started | The whole plan
      [ ] pplan-326ec838 | Do it
    must [ ] Done
    2: warning[no-phases]: the plan has steps but no phases; they are read as one phase
    ");
}

#[test]
fn case_49_duplicate_missing_and_unordered_phases() {
    let text = "### Phase 3: a\n### Phase 1: b\n### Phase 3: c\n### Phase 7: d\n";
    assert_eq!(
        codes(text),
        ["missing-phase", "out-of-order-phase", "duplicate-phase"]
    );
    let plan = Plan::parse(text.as_bytes());
    let keys: Vec<&str> = plan.phases.iter().map(|phase| phase.key.as_str()).collect();
    assert_eq!(keys, ["3", "1", "3~2", "7"]);
    assert_eq!(plan.phase("3").err(), Some(PhaseLookup::Ambiguous));
    assert!(plan.phase("3~2").is_ok());
}

#[test]
fn case_50_levels() {
    phases(
        "## Phases\n### Phase 1: a\n## Phase 2: b\n### Phase 3: c\n## Testing\n### Phase 1: tests\n",
        &[
            ("1", "a", S::NotStarted),
            ("2", "b", S::NotStarted),
            ("3", "c", S::NotStarted),
        ],
    );
    assert_eq!(
        codes("### Phase 1: a\n## Phase 2: b [DONE]\n### Phase 3: c\n"),
        ["mixed-levels"]
    );
    // Deeper headings are phases of their own only with a marker.
    phases(
        "## Implementation Phases\n### Phase 1: a\n#### Phase 1a: b\n#### Phase 1b: c [DONE]\n",
        &[("1", "a", S::NotStarted), ("1b", "c", S::Completed)],
    );
    // A section that only speaks about phases is none.
    phases(
        "### Phase 1: a\n## Phases 2-3: as before\n### Phase 2: b\n",
        &[("1", "a", S::NotStarted), ("2", "b", S::NotStarted)],
    );
    // A heading without separator and marker is a mention.
    phases(
        "### Phase 1: a\n### Phase 1 Testing\n",
        &[("1", "a", S::NotStarted)],
    );
}

#[test]
fn case_53_phases_and_boxes_in_fences() {
    assert_snapshot!(plan("### Phase 1: a\n```markdown\n### Phase 2: b\n```bash\nx\n```\n### Phase 3: c\n- [ ] quoted\n```\n- [ ] real\n"), @r"
    phase 1 not_started | a
      [ ] p1-aa33996d | real
    7: warning[ambiguous-fences]: nested code fences can be read in two ways, with different phases
    ");
    phases(
        "~~~\n### Phase 1: a\n```\n~~~\n### Phase 2: b\n",
        &[("2", "b", S::NotStarted)],
    );
    phases(
        "````\n```\n### Phase 1: a\n````\n### Phase 2: b\n",
        &[("2", "b", S::NotStarted)],
    );
    phases(
        "Use ```x``` here\n### Phase 1: a\n",
        &[("1", "a", S::NotStarted)],
    );
}

#[test]
fn case_54_unclosed_fence() {
    let text = "### Phase 1: a\n```bash\n- [ ] still there\n### Phase 2: b\n";
    assert_eq!(codes(text), ["unclosed-fence"]);
    phases(
        text,
        &[("1", "a", S::NotStarted), ("2", "b", S::NotStarted)],
    );
}

#[test]
fn case_55_boxes_say_nothing_about_the_phase() {
    phases(
        "### Phase 1: a [NOT STARTED]\n- [x] b\n",
        &[("1", "a", S::NotStarted)],
    );
    phases(
        "### Phase 1: a [COMPLETED]\n- [ ] b\n",
        &[("1", "a", S::Completed)],
    );
}

#[test]
fn case_56_contradictory_status() {
    assert_eq!(
        codes("**Status**: [NOT STARTED]\n### Phase 1: a [COMPLETED]\n"),
        ["contradictory-status"]
    );
    assert_eq!(
        codes("**Status**: [COMPLETED]\n### Phase 1: a [PARTIAL]\n"),
        ["contradictory-status"]
    );
    assert!(codes("**Status**: [COMPLETED]\n### Phase 1: a [SKIPPED]\n").is_empty());
}

fn needs(value: &str) -> (Needs, bool) {
    let text = format!("### Phase A: a\n### Phase 1: b\n**Dependencies**: {value}\n");
    let plan = Plan::parse(text.as_bytes());
    let dependencies = plan.phases[1].dependencies.clone();
    (dependencies.needs, dependencies.loose)
}

fn these(keys: &[&str]) -> Needs {
    Needs::These(
        keys.iter()
            .map(|key| Reference::Phase((*key).to_owned()))
            .collect(),
    )
}

#[test]
fn values_of_dependency_lines() {
    for value in [
        "[]",
        "None",
        "none",
        "None (self-contained)",
        "N/A",
        "-",
        "--",
        "[none]",
        "None.",
    ] {
        assert_eq!(needs(value), (Needs::Nothing, false), "{value}");
    }
    for (value, keys) in [
        ("[1, 2]", &["1", "2"][..]),
        ("1", &["1"]),
        ("1, 3", &["1", "3"]),
        ("[1.5, 2]", &["1.5", "2"]),
        ("[phase_0, phase_6]", &["0", "6"]),
        ("Phase 2", &["2"]),
        ("Phase 1, Phase 2 and 4", &["1", "2", "4"]),
        ("A", &["A"]),
        ("Phases C, E", &["C", "E"]),
        ("Phase 5C", &["5C"]),
    ] {
        assert_eq!(needs(value), (these(keys), false), "{value}");
    }
    for (value, keys) in [
        ("Phase 2 complete \u{2713}", &["2"][..]),
        ("[Phase 2 complete]", &["2"]),
        ("Requires Phase 1", &["1"]),
        ("Phases 1 and 2 must be completed", &["1", "2"]),
        ("Phase 4 (second wave)", &["4"]),
        ("1 # the first", &["1"]),
        ("Phase 1 - the base", &["1"]),
    ] {
        assert_eq!(needs(value), (these(keys), true), "{value}");
    }
    let range =
        |first: &str, last: &str| vec![Reference::Phases(first.to_owned(), last.to_owned())];
    assert_eq!(needs("Phases 1-3").0, Needs::These(range("1", "3")));
    assert_eq!(needs("Phases 1\u{2013}3").0, Needs::These(range("1", "3")));
    assert_eq!(needs("All previous phases").0, Needs::AllPrevious);
    for value in [
        "when the proof works",
        "{dep}",
        "[N-1]",
        "2 or 3",
        "[\"research\"]",
        "1 -> 2",
        "[[1]",
        "Task 4",
    ] {
        assert_eq!(needs(value).0, Needs::Unreadable, "{value}");
    }
}

#[test]
fn notations_of_dependency_lines() {
    for line in [
        "**Dependencies**: [1]",
        "- **Dependencies**: [1]",
        "**Depends on:** 1",
        "Depends on: Phase 1",
        "depends_on: [1]",
        "dependencies: [1]",
        "- **Dependencies**:\n  - Phase 1",
        "**Dependencies:**\n- Phase 1\n",
    ] {
        let plan =
            Plan::parse(format!("### Phase 1: a\n### Phase 2: b\n{line}\n\n- [ ] c\n").as_bytes());
        assert_eq!(plan.phases[1].dependencies.needs, these(&["1"]), "{line}");
        assert_eq!(plan.phases[1].steps.len(), 1, "{line}");
    }
    // Inside a step it is the step's detail.
    let nested = Plan::parse(b"### Phase 1: a\n- [ ] b\n  - Dependencies: whatever\n");
    assert_eq!(nested.phases[0].dependencies.needs, Needs::PlanOrder);
}

#[test]
fn cases_57_to_60_dependencies_that_do_not_run() {
    assert_eq!(
        codes("### Phase 2: a\n### Phase 1: b\n**Dependencies**: Phase 2 complete \u{2713}\n"),
        ["out-of-order-phase", "loose-dependency"]
    );
    assert_eq!(
        codes("### Phase 1: a\n**Dependencies**: when the proof works\n"),
        ["!unreadable-dependency"]
    );
    assert_eq!(
        codes("### Phase 1: a\n**Dependencies**: [9]\n"),
        ["!unknown-dependency"]
    );
    assert_eq!(
        codes("### Phase 1: a\n**Dependencies**: [1]\n"),
        ["!self-dependency"]
    );
    assert_eq!(
        codes("### Phase 1: a\n- [ ] 1.1 b (depends on all the others)\n"),
        ["!unreadable-dependency"]
    );
    assert_eq!(
        codes("### Phase 1: a\n- [ ] 1.1 b (depends: 1.9)\n"),
        ["!unknown-dependency"]
    );
    assert_eq!(
        codes("### Phase 1: a\n- [ ] 1.1 b (depends: 1.1)\n"),
        ["!self-dependency"]
    );
    let circle = "### Phase 1: a\n**Dependencies**: [3]\n### Phase 2: b\n**Dependencies**: [1]\n### Phase 3: c\n**Dependencies**: [2]\n";
    assert_snapshot!(plan(circle), @r"
    phase 1 not_started | a <- phase 3
      [ ] p1 | a
    phase 2 not_started | b <- phase 1
      [ ] p2 | b
    phase 3 not_started | c <- phase 2
      [ ] p3 | c
    2: error[dependency-cycle]: dependencies go in a circle: phase 3 → phase 2 → phase 1 → phase 3
    ");
}

#[test]
fn case_61_criteria_with_ids_are_no_steps() {
    assert_snapshot!(plan("## Success Criteria\n- [ ] 9.1 fast\n## Phase 1: a\n**Tasks:**\n- [ ] 1.1 b\n- [ ] **VERIFY**: c\n**VERIFY Phase 1:**\n- [ ] 1.2 d\n  - [ ] e\n"), @r"
    phase 1 not_started | a
      [ ] 1.1 | b
      must [ ] **VERIFY**: c
      must [ ] 1.2 d
      must [ ] e
    must [ ] 9.1 fast
    ");
}

#[test]
fn case_62_marks() {
    assert_snapshot!(plan("### Phase 1: a\n- [~] b\n- [-] c\n- [\u{2713}] d\n- [NO] e\n- [X] f\n- [?] g\n- []  h\n- [ ]i\n"), @r"
    phase 1 not_started | a
      [~] p1-3e23e816 | b
      [~] p1-2e7d2c03 | c
      [x] p1-18ac3e73 | d
      [x] p1-252f10c8 | f
      [?] p1-cd0aa985 | g
    5: warning[odd-box]: [NO] is not a box; the line is text
    7: warning[odd-mark]: the box mark '?' is not known
    ");
}

#[test]
fn case_63_shapes_of_step_boxes() {
    assert_snapshot!(plan("### Phase 1: a\n* [ ] 1.1 star\n1. [ ] **1.2** number\n+ [x] **1.3: bold** text\n  - [ ] 1.3.1.1 four parts\n    - [ ] detail\n- [ ] 1.4.A letter\n- [ ] 1.5) bracket\n- [ ] 7 bare number\n\t- [ ] 1.6 below a tab\n- [ ] **1.7:** colon\n"), @r"
    phase 1 not_started | a
      [ ] 1.1 | star
      [ ] 1.2 | number
      [x] 1.3 | bold text
      [ ] 1.3.1.1 in 1.3 | four parts
          . detail
      [ ] 1.4.A | letter
      [ ] 1.5 | bracket
      [ ] p1-db571829 | 7 bare number
      [ ] 1.6 in p1-db571829 | below a tab
      [ ] 1.7 | colon
    ");
}

#[test]
fn case_64_duplicate_steps() {
    let text = "### Phase 1: a\n- [ ] 1.1 b\n- [ ] 1.1 c\n- [ ] 2.1 d\n";
    assert_eq!(codes(text), ["duplicate-step", "foreign-step"]);
    assert_eq!(
        codes(&format!("{text}- [ ] 1.2 e (depends: 1.1)\n")),
        ["duplicate-step", "foreign-step", "!ambiguous-dependency"]
    );
}

#[test]
fn case_65_placeholders() {
    assert_eq!(codes("### Phase 1: {{name}}\n"), ["!placeholder"]);
    assert_eq!(
        codes("### Phase {{n}}: x\n- [ ] a\n"),
        ["!placeholder", "no-phases"]
    );
    assert_eq!(
        codes("### Phase 1: a\n**Dependencies**: {{x}}\n"),
        ["placeholder", "!unreadable-dependency"]
    );
    assert_eq!(codes("### Phase 1: a\nThe {{name}}.\n"), ["placeholder"]);
}

#[test]
fn case_66_unreadable_note_makes_its_phase_sequential() {
    let text = "### Phase 1: a\n**Execution Note:** Everything here is [SEQUENTIAL] - why\n- [ ] 1.1 b\n- [ ] 1.2 c\n";
    assert_eq!(codes(text), ["unreadable-note"]);
    let schedule = schedule(&Plan::parse(text.as_bytes()), false).unwrap();
    assert_eq!(
        schedule
            .waits_for(1)
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["1.1"]
    );
}

#[test]
fn case_67_large_and_broken_text_is_read() {
    let mut text = format!(
        "### Phase 1: a \u{e2}\u{2020}\u{2019} b\n{}\n",
        "x".repeat(1700)
    );
    for number in 0..578 {
        let _ = writeln!(text, "- [ ] step {number}");
    }
    assert_eq!(codes(&text), ["mojibake", "long-line"]);
    assert_eq!(Plan::parse(text.as_bytes()).steps().count(), 578);
}

#[test]
fn case_68_header_dependencies_are_board_tasks() {
    let plan = Plan::parse(b"- **Task**: 5 - x\n- **Dependencies**: 72\n### Phase 1: a\n");
    assert!(plan.is_runnable());
    assert_eq!(plan.phases[0].dependencies.needs, Needs::PlanOrder);
    assert_eq!(plan.fields[1].value, "72");
}

#[test]
fn case_69_a_quoted_plan_is_text() {
    let text = "### Phase 1: a\n~~~markdown\n# Plan\n## Phase 1: q\n```bash\nx\n```\n- [ ] 1.1 q\n~~~\n- [ ] b\n";
    assert_eq!(Plan::parse(text.as_bytes()).steps().count(), 1);
}

#[test]
fn damaged_files() {
    assert_eq!(codes(""), ["!empty-file"]);
    assert_eq!(codes(" \r\n\t\n"), ["!empty-file"]);
    assert_eq!(codes("### Phase 1: a\0\n"), ["!nul-bytes"]);
    let invalid = Plan::parse(b"### Phase 1: a\xff\xfe [IN PROGRESS]\n- [ ] b\n");
    assert_eq!(invalid.phases[0].status, S::InProgress);
    assert_eq!(invalid.problems[0].code, "invalid-utf8");
    let too_large = Plan::parse(&vec![b'\n'; MAX_PLAN_BYTES + 1]);
    assert_eq!(too_large.problems[0].code, "too-large");
    assert_eq!(
        codes("---\ntitle: x\nstatus: y\n---\n### Phase 1: a\n"),
        ["front-matter"]
    );
    phases(
        "\u{feff}### Phase 1: a\r\n- [ ] b\r\n",
        &[("1", "a", S::NotStarted)],
    );
}

#[test]
fn commands_in_criteria() {
    let check = |text: &str, expected: Option<&str>| {
        assert_eq!(
            super::super::command::command(text).as_deref(),
            expected,
            "{text}"
        );
    };
    check("`cargo test` passes", Some("cargo test"));
    check("Run `./check.sh`", Some("./check.sh"));
    check("`npm run lint`", Some("npm run lint"));
    check("`make` exits 0", Some("make"));
    check("`cargo test` passes without errors", Some("cargo test"));
    check("**`pytest -q`**", Some("pytest -q"));
    check("`src/lib.rs`", None);
    check("`./README.md`", None);
    check("`test`", None);
    check("`git clean -fdx` passes", None);
    check("`parse` passes its tests", None);
    check("The `cargo test` alias is documented", None);
    check("`cargo test` must not run", None);
    check("`cargo build` fails with a clear message", None);
    check("`./check.sh` exits with code 2 on bad input", None);
    check("`./check.sh` exits with an error", None);
    check("`cargo test` and `cargo clippy` pass", None);
    check("Run `make {{target}}`", None);
    check("Run `python <script>`", None);
}

fn waits(text: &str) -> Vec<String> {
    let schedule =
        schedule(&Plan::parse(text.as_bytes()), false).expect("the plan can be scheduled");
    let line = |index: usize| {
        let step = &schedule.steps[index];
        let waits: Vec<String> = schedule.waits_for(index).map(ToString::to_string).collect();
        let parallel = if step.parallel { " ||" } else { "" };
        format!("{} <- {}{parallel}", step.id, waits.join(" "))
    };
    (0..schedule.steps.len()).map(line).collect()
}

#[test]
fn plan_order_and_explicit_dependencies() {
    let order = "### Phase 1: a\n- [ ] 1.1 b\n- [ ] 1.2 c\n### Phase 2: d\n";
    assert_eq!(waits(order), ["1.1 <- ", "1.2 <- ", "p2 <- 1.1 1.2"]);
    let explicit = "### Phase 1: a\ndepends_on: []\n### Phase 2: b\ndepends_on: []\n### Phase 3: c\ndepends_on: [1, 2]\n";
    assert_eq!(
        waits(explicit),
        ["p1 <-  ||", "p2 <-  ||", "p3 <- p1 p2 ||"]
    );
    let all = "### Phase 1: a\n### Phase 2: b\n### Phase 3: c\ndepends_on: All previous phases\n";
    assert_eq!(waits(all), ["p1 <- ", "p2 <- p1", "p3 <- p1 p2 ||"]);
    let range = "### Phase 1: a\n### Phase 1.5: b\n### Phase 2: c\n### Phase 3: d\ndepends_on: Phases 1-2\n";
    assert_eq!(waits(range)[3], "p3 <- p1 p1.5 p2 ||");
}

#[test]
fn own_dependencies_run_ahead_of_the_phase() {
    let text = "## Phase 1: a\n- [ ] 1.1 b\n- [ ] 1.2 c (depends: 1.1)\n## Phase 2: d\n- [ ] 2.1 e (depends on 1.1)\n- [ ] 2.2 f\n- [ ] 2.3 g (depends: Phase 1, 2.1-2.2)\n";
    assert_eq!(
        waits(text),
        [
            "1.1 <- ",
            "1.2 <- 1.1 ||",
            "2.1 <- 1.1 ||",
            "2.2 <- 1.1 1.2",
            "2.3 <- 1.1 1.2 2.1 2.2 ||"
        ]
    );
}

#[test]
fn notes_of_all_kinds() {
    let sequential = "## Phase 3: a\n**Execution Note:** Tasks 3.1-3.2 and 3.4 are [SEQUENTIAL] - same file\n- [ ] 3.1 b\n- [ ] 3.2 c\n- [ ] 3.3 d\n- [ ] 3.4 e\n";
    assert_eq!(
        waits(sequential),
        ["3.1 <- ", "3.2 <- 3.1", "3.3 <- ", "3.4 <- 3.2"]
    );
    let parallel = "**Execution Note:** Phases 2-3 are [PARALLEL] - apart\n\n## Phase 1: a\n## Phase 2: b\n## Phase 3: c\n## Phase 4: d\n";
    assert_eq!(
        waits(parallel),
        ["p1 <- ", "p2 <- p1 ||", "p3 <- p1 ||", "p4 <- p2 p3"]
    );
    let steps = "## Phase 1: a\n**Execution Note:** Tasks 1.1\u{2013}1.2 are [PARALLEL]\n- [ ] 1.1 `a.rs`\n- [ ] 1.2 `b.rs`\n- [ ] 1.3 `c.rs`\n";
    assert_eq!(waits(steps), ["1.1 <-  ||", "1.2 <-  ||", "1.3 <- "]);
}

#[test]
fn pipeline_start_lets_the_next_phase_begin() {
    let line = "## Phase 1: a\n- [ ] 1.1 b\n- [ ] 1.2 c\n\n**pipeline-start:** when 1.1 completes\n\n## Phase 2: d\n- [ ] 2.1 e\n## Phase 3: f\n";
    assert_eq!(
        waits(line),
        ["1.1 <- ", "1.2 <- ", "2.1 <- 1.1 ||", "p3 <- 1.1 1.2 2.1"]
    );
    let heading = "## Phase 1: a\n- [ ] 1.1 b\n## Phase 2: d (pipeline-start: when 1.1 completes)\n- [ ] 2.1 e\n";
    assert_eq!(waits(heading)[1], "2.1 <- 1.1 ||");
    assert_eq!(Plan::parse(heading.as_bytes()).phases[1].title, "d");
    assert_eq!(
        codes("## Phase 1: a\n**pipeline-start:** soon\n"),
        ["unreadable-note"]
    );
}

#[test]
fn non_blocking_verification() {
    let plan =
        Plan::parse(b"## Phase 1: a\n- [ ] 1.1 b\n**VERIFY Phase 1:** (non-blocking)\n- [ ] c\n");
    assert!(!plan.phases[0].verification_blocks);
    assert_eq!(plan.phases[0].criteria.len(), 1);
}

#[test]
fn waves_never_hold_two_steps_of_one_file() {
    let text = "## Phase 1: a\n**Execution Note:** Tasks 1.1-1.5 are [PARALLEL]\n- [ ] 1.1 `src/a.rs`\n- [ ] 1.2 `src/`\n- [ ] 1.3 `b.rs`\n- [ ] 1.4 `c.rs`\n- [ ] 1.5 `d.rs`\n";
    let waves = schedule(&Plan::parse(text.as_bytes()), false)
        .unwrap()
        .waves(3);
    let waves: Vec<String> = waves
        .iter()
        .map(|wave| {
            wave.iter()
                .map(|id| id.as_str())
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    assert_eq!(waves, ["1.1 1.3 1.4", "1.2 1.5"]);
}

#[test]
fn by_default_nothing_overlaps() {
    let text = "## Phase 1: a\n- [ ] 1.1 `a.rs`\n- [ ] 1.2 `b.rs`\n";
    let schedule = schedule(&Plan::parse(text.as_bytes()), false).unwrap();
    assert!(!schedule.may_overlap(0, 1));
    assert_eq!(schedule.waves(3).len(), 2);
}

#[test]
fn sequential_forgives_only_what_cannot_be_read() {
    let unreadable = Plan::parse(b"### Phase 1: a\n### Phase 2: b\ndepends_on: magic\n");
    assert!(schedule(&unreadable, false).is_err());
    assert_eq!(schedule(&unreadable, true).unwrap().waits_for(1).count(), 1);
    let unknown = Plan::parse(b"### Phase 1: a\ndepends_on: [9]\n");
    assert!(schedule(&unknown, true).is_err());
}

#[test]
fn footprints() {
    let paths = |text: &str| {
        let mut found = Vec::new();
        super::super::footprint::paths(text, &mut found);
        found
    };
    assert_eq!(
        paths("`src/a.rs:10-20`, `./b.md` and `dir/`"),
        ["src/a.rs", "b.md", "dir/"]
    );
    assert!(paths("`foo()` `x` `--flag` `cargo test` `1.5` `/etc/x`").is_empty());
    let overlap = |left: &str, right: &str| overlap(&[left.to_owned()], &[right.to_owned()]);
    assert!(
        overlap("src/", "src/a.rs")
            && overlap("a.rs", "src/a.rs")
            && overlap("src/*.rs", "src/b/c.rs")
    );
    assert!(!overlap("src/a.rs", "src/ab.rs") && !overlap("src", "src2/a"));
}

#[test]
fn resuming_passes_over_what_is_done() {
    let plan = Plan::parse(b"### Phase 1: a [DONE]\n### Phase 2: b [DEFERRED]\n### Phase 3: c [PARTIAL]\n### Phase 4: d\n");
    assert_eq!(plan.resume().map(|phase| phase.key.as_str()), Some("3"));
}

#[test]
fn tables_give_dependencies_only_where_no_phase_does() {
    let table = "## Phase Status Summary\n| Phase | Status | Dependencies |\n|---|---|---|\n| 1. a | [NOT STARTED] | None |\n| 2. b | [NOT STARTED] | Phase 1 |\n";
    let plan = Plan::parse(format!("### Phase 1: a\n### Phase 2: b\n{table}").as_bytes());
    assert_eq!(plan.phases[1].dependencies.needs, these(&["1"]));
    let stated =
        Plan::parse(format!("### Phase 1: a\ndepends_on: []\n### Phase 2: b\n{table}").as_bytes());
    assert_eq!(stated.phases[1].dependencies.needs, Needs::PlanOrder);
}
