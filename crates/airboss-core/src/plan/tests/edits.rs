//! Edits: the marker, its stamps and its table cell, and no other byte.

use super::*;
use crate::operation::StepRecord;

fn set(text: &str, key: &str, status: PhaseStatus) -> Result<String, EditError> {
    set_phase_status(text.as_bytes(), key, status, Stamps::default())
        .map(|bytes| String::from_utf8(bytes).unwrap())
}

fn check(text: &str, expected: &str) {
    assert_eq!(
        set(text, "1", PhaseStatus::InProgress).as_deref(),
        Ok(expected)
    );
}

#[test]
fn only_the_marker_changes() {
    check(
        "### Phase 1: a [NOT STARTED]\n",
        "### Phase 1: a [IN PROGRESS]\n",
    );
    check(
        "### Phase 1: a [BLOCKED - why] tail\r\nx",
        "### Phase 1: a [IN PROGRESS] tail\r\nx",
    );
    check(
        "### Phase 1: a [simp]\n",
        "### Phase 1: a [simp] [IN PROGRESS]\n",
    );
    check(
        "### Phase 1: a [simp] [PARTIAL] [PASS]\n",
        "### Phase 1: a [simp] [IN PROGRESS] [PASS]\n",
    );
    check(
        "### Phase 1: a  \r\n- [ ] b",
        "### Phase 1: a [IN PROGRESS]  \r\n- [ ] b",
    );
    check(
        "### Phase 1: a \u{2705}",
        "### Phase 1: a \u{2705} [IN PROGRESS]",
    );
    check(
        "### Phase 1: a [REVISED]\n",
        "### Phase 1: a [REVISED] [IN PROGRESS]\n",
    );
    check(
        "\u{feff}# Phase 1: \u{e4} [TODO]\n",
        "\u{feff}# Phase 1: \u{e4} [IN PROGRESS]\n",
    );
}

#[test]
fn the_cell_of_the_status_table_follows() {
    let text = include_str!("../fixtures/board-b.md");
    let edited = set(text, "2", PhaseStatus::Completed).unwrap();
    let changed: Vec<&str> = edited
        .lines()
        .zip(text.lines())
        .filter(|(new, old)| new != old)
        .map(|(new, _)| new)
        .collect();
    assert_eq!(
        changed,
        [
            "### Phase 2: Cut long names [COMPLETED]",
            "| Phase 2: Cut | [COMPLETED] | 2h | Phase 1 |"
        ]
    );
}

fn stamped(text: &str, started: Option<&str>, completed: Option<&str>) -> String {
    let stamps = Stamps { started, completed };
    String::from_utf8(
        set_phase_status(text.as_bytes(), "1", PhaseStatus::Completed, stamps).unwrap(),
    )
    .unwrap()
}

#[test]
fn stamps_in_the_form_of_the_dialect() {
    let a = "- **Task**: 5 - x\n### Phase 1: a [DONE]\n\n- **Goal**: b\n";
    assert_eq!(
        stamped(a, Some("S"), Some("C")),
        "- **Task**: 5 - x\n### Phase 1: a [COMPLETED]\n\n- **Started**: S\n- **Completed**: C\n- **Goal**: b\n"
    );
    let existing =
        "- **Task**: 5 - x\n### Phase 1: a [DONE]\n\n- **Started**: old\n- **Goal**: b\n";
    assert_eq!(
        stamped(existing, Some("S"), Some("C")),
        "- **Task**: 5 - x\n### Phase 1: a [COMPLETED]\n\n- **Started**: S\n- **Completed**: C\n- **Goal**: b\n"
    );
    assert_eq!(
        stamped(
            "### Phase 1: a\r\n\r\n**Objective**: b\r\n",
            Some("S"),
            None
        ),
        "### Phase 1: a [COMPLETED]\r\n**Started**: S\r\n\r\n**Objective**: b\r\n"
    );
    assert_eq!(
        stamped("### Phase 1: a", None, Some("C")),
        "### Phase 1: a [COMPLETED]\n**Completed**: C\n"
    );
    assert_eq!(
        stamped("### Phase 1: a\n- [ ] b\n", Some("S"), None),
        "### Phase 1: a [COMPLETED]\n**Started**: S\n\n- [ ] b\n"
    );
    // A stamp is one line, whatever it is given.
    assert!(
        stamped("### Phase 1: a\n", Some("S\n### Phase 2: b"), None)
            .contains("**Started**: S### Phase 2: b\n")
    );
}

#[test]
fn what_is_refused() {
    let set = |text: &str, key: &str| set(text, key, PhaseStatus::Completed).unwrap_err();
    assert_eq!(
        set("### Phase 1: a\n", "2"),
        EditError::UnknownPhase("2".into())
    );
    assert_eq!(
        set("### Phase 1: a\n### Phase 1: b\n", "1"),
        EditError::AmbiguousPhase("1".into())
    );
    assert_eq!(
        set(include_str!("../fixtures/orchestrator.md"), "1"),
        EditError::ReadOnly
    );
    assert_eq!(
        set("- [ ] only a box\n", "plan"),
        EditError::UnknownPhase("plan".into())
    );
    assert!(matches!(
        set("### Phase 1: {{x}}\n", "1"),
        EditError::Damaged(_)
    ));
    assert!(matches!(
        set("### Phase 1: a\0\n", "1"),
        EditError::Damaged(_)
    ));
    assert!(matches!(set("", "1"), EditError::Damaged(_)));
}

#[test]
fn invalid_bytes_stay() {
    let edited = set_phase_status(
        b"### Phase 1: \xff [TODO]\n\xfe",
        "1",
        PhaseStatus::Completed,
        Stamps::default(),
    );
    assert_eq!(edited.unwrap(), b"### Phase 1: \xff [COMPLETED]\n\xfe");
}

#[test]
fn bad_dependencies_do_not_stop_a_status_command() {
    assert!(
        set(
            "### Phase 1: a\ndepends_on: magic\n",
            "1",
            PhaseStatus::Completed
        )
        .is_ok()
    );
}

#[test]
fn plan_status() {
    let set = |text: &str| {
        set_plan_status(text.as_bytes(), PlanStatus::Implementing)
            .map(|bytes| String::from_utf8(bytes).unwrap())
    };
    assert_eq!(
        set("**Status**: [PLANNED]  \n### Phase 1: a\n").as_deref(),
        Ok("**Status**: [IMPLEMENTING]  \n### Phase 1: a\n")
    );
    assert_eq!(
        set("## Metadata\n- **Status:** [x]\n### Phase 1: a\n").as_deref(),
        Ok("## Metadata\n- **Status:** [IMPLEMENTING]\n### Phase 1: a\n")
    );
    assert_eq!(
        set("### Phase 1: a\n**Status**: [PLANNED]\n"),
        Err(EditError::NoPlanStatus)
    );
    assert_eq!(
        set("**Status**: PLANNED\n### Phase 1: a\n"),
        Err(EditError::NoPlanStatus)
    );
}

#[test]
fn the_hash_is_about_the_content() {
    let text = include_str!("../fixtures/board-a.md");
    let hash = plan_hash(text.as_bytes());
    for same in [
        text.replace("[COMPLETED]", "[PARTIAL - why]"),
        text.replace("- [ ]", "- [x]"),
        text.replace(
            "- **Status**: [NOT STARTED]",
            "- **Status**: [IMPLEMENTING]",
        ),
        text.replace("- **Started**: 2026-03-02T10:00:00Z\n", ""),
        text.replace('\n', "  \r\n"),
        text.replace(" [NOT STARTED]\n\n- **Goal**", "\n\n- **Goal**"),
    ] {
        assert_ne!(same, text);
        assert_eq!(plan_hash(same.as_bytes()), hash);
    }
    assert_ne!(
        plan_hash(text.replace("Cut them", "Cut all").as_bytes()),
        hash
    );
}

#[test]
fn a_reworded_step_keeps_its_old_id() {
    let old =
        Plan::parse(b"### Phase 1: a\n- [ ] one\n- [ ] read the size of the window\n- [ ] three\n");
    let new = Plan::parse(
        b"### Phase 1: a\n- [ ] one\n- [ ] read the size of each window\n- [ ] three\n",
    );
    let ids = |plan: &Plan| plan.phases[0].steps[1].id.clone();
    let records = |plan: &Plan| -> Vec<StepRecord> {
        let record = |(phase, step): (&Phase, &Step)| StepRecord {
            id: step.id.clone(),
            phase: phase.key.clone(),
            phase_title: phase.title.clone(),
            description: step.text.clone(),
            dependencies: Vec::new(),
        };
        plan.steps().map(record).collect()
    };
    assert_eq!(
        aliases(&records(&old), &records(&new)),
        [(ids(&old), ids(&new))]
    );
    let other = Plan::parse(b"### Phase 1: a\n- [ ] one\n- [ ] something else\n- [ ] three\n");
    assert!(aliases(&records(&old), &records(&other)).is_empty());
}
