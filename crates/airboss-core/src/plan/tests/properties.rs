//! Laws that hold for every text.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// Lines that plans are made of, so that random texts reach every branch.
fn line() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(vec![
        "",
        "---",
        "```",
        "```bash",
        "~~~",
        "## Implementation Phases",
        "## Success Criteria",
        "## Phase Status Summary",
        "| Phase | Status | Dependencies |",
        "| 1. a | [NOT STARTED] | Phase 2 |",
        "**Tasks**:",
        "- **Tasks**:",
        "**Acceptance Criteria**:",
        "**VERIFY Phase 1:**",
        "**Dependencies**: [1, 2]",
        "depends_on: Phases 1-3",
        "**Dependencies**:",
        "**Execution Note:** Tasks 1.1-1.3 are [SEQUENTIAL]",
        "**Execution Note:** Phases 1-3 are [PARALLEL]",
        "**pipeline-start:** when 1.1 completes",
        "**Status**: [PLANNED]",
        "- **Task**: 5",
        "**Started**: 2026",
        "**1.1: bold**",
        "1. numbered",
        "\u{feff}",
        "<<<<<<< HEAD",
        "=======",
        ">>>>>>> side",
    ]);
    prop_oneof![
        3 => fixed.prop_map(str::to_owned),
        3 => ("#{1,4}", "[0-9A-C](\\.5|a|-2|-fix)?", "(: | - | )?", "[a-z ]{0,6}", "( \\[(DONE|PARTIAL - x|simp|ODD)\\])?")
            .prop_map(|(level, id, separator, title, marker)| format!("{level} Phase {id}{separator}{title}{marker}")),
        4 => ("( |\t){0,5}", "[-*+]|1\\.", "[ x~?✓]", "(1\\.[1-4] )?", "[a-c`./*_()\\[\\]: -]{0,12}", "( \\(depends: (1\\.1|Phase 2|all)\\))?")
            .prop_map(|(indent, bullet, mark, id, text, needs)| format!("{indent}{bullet} [{mark}] {id}{text}{needs}")),
        1 => "\\PC{0,30}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    (prop::collection::vec((line(), prop::bool::weighted(0.1)), 0..40)).prop_map(|lines| {
        lines
            .into_iter()
            .map(|(line, crlf)| line + if crlf { "\r\n" } else { "\n" })
            .collect()
    })
}

fn everything(bytes: &[u8]) {
    let plan = Plan::parse(bytes);
    if let Some(Settled { ours, theirs, .. }) = settled(bytes, &|_| true) {
        assert_eq!(plan_hash(&ours), plan_hash(&theirs));
    }
    for sequential in [false, true] {
        if let Ok(schedule) = schedule(&plan, sequential) {
            let order: BTreeSet<usize> = schedule.order().iter().copied().collect();
            assert_eq!(order.len(), plan.steps().count());
            let waves: usize = schedule.waves(3).iter().map(Vec::len).sum();
            assert_eq!(waves, order.len());
            let mut done = BTreeSet::new();
            for &step in schedule.order() {
                assert!(
                    schedule
                        .waits_for_indices(step)
                        .all(|before| done.contains(&before))
                );
                done.insert(step);
            }
        }
    }
    let ids: BTreeSet<_> = plan.steps().map(|(_, step)| &step.id).collect();
    assert_eq!(ids.len(), plan.steps().count(), "ids are unique");
    let _hash = plan_hash(bytes);
    for phase in &plan.phases {
        assert!(!phase.steps.is_empty());
        edit(bytes, &plan, phase);
    }
    if let Ok(edited) = set_plan_status(bytes, PlanStatus::Partial) {
        assert_eq!(
            Plan::parse(&edited).status.and_then(|marker| marker.status),
            Some(PlanStatus::Partial)
        );
    }
}

/// parse ∘ edit = the expected status, and everything outside the markers is as before.
fn edit(bytes: &[u8], plan: &Plan, phase: &Phase) {
    for status in [PhaseStatus::Blocked, PhaseStatus::Completed] {
        let Ok(edited) = set_phase_status(bytes, &phase.key, status, Stamps::default()) else {
            return;
        };
        let again = Plan::parse(&edited);
        let place = plan
            .phases
            .iter()
            .position(|other| other.key == phase.key)
            .unwrap();
        assert_eq!(again.phases.len(), plan.phases.len());
        assert_eq!(again.phases[place].status, status);
        assert_eq!(plan_hash(&edited), plan_hash(bytes));
        let ids = |plan: &Plan| {
            plan.steps()
                .map(|(_, step)| step.id.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(&again), ids(plan));
        // Writing what is there changes nothing.
        let twice = set_phase_status(&edited, &phase.key, status, Stamps::default()).unwrap();
        assert_eq!(twice, edited);
    }
    let stamps = Stamps {
        started: Some("2026-01-02T03:04:05Z"),
        completed: Some("2026-01-02T03:04:06Z"),
    };
    let edited = set_phase_status(bytes, &phase.key, PhaseStatus::Completed, stamps).unwrap();
    let again = Plan::parse(&edited);
    assert_eq!(again.phases.len(), plan.phases.len());
    let twice = set_phase_status(&edited, &phase.key, PhaseStatus::Completed, stamps).unwrap();
    assert_eq!(twice, edited, "stamps are changed in place the second time");
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        everything(&bytes);
    }

    #[test]
    fn any_text_is_read(text in "\\PC{0,200}") {
        everything(text.as_bytes());
    }

    #[test]
    fn plan_like_text_is_read(text in text()) {
        everything(text.as_bytes());
    }

    #[test]
    fn plan_like_text_with_broken_bytes_is_read(text in text(), at in any::<prop::sample::Index>()) {
        let mut bytes = text.into_bytes();
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = 0xff;
        }
        everything(&bytes);
    }

    /// Ids survive ticking, re-indenting, moving, and the insertion of others.
    #[test]
    fn synthesised_ids_are_stable(
        words in prop::collection::btree_set("[a-z]{3,8} [a-z]{3,8}", 2..8),
        mark in "[ x~]",
        indent in 0..4_usize,
        turn in any::<prop::sample::Index>(),
    ) {
        let words: Vec<String> = words.into_iter().collect();
        let ids = |lines: &[String]| -> BTreeSet<String> {
            let text = format!("### Phase 1: a\n{}\n", lines.join("\n"));
            Plan::parse(text.as_bytes()).steps().map(|(_, step)| step.id.to_string()).collect()
        };
        let before: Vec<String> = words.iter().map(|word| format!("- [ ] {word}")).collect();
        let mut after: Vec<String> =
            words.iter().map(|word| format!("{}- [{mark}] **{word}** - a note (depends: 1.1)", " ".repeat(indent))).collect();
        after.rotate_left(turn.index(words.len()));
        prop_assert_eq!(ids(&before), ids(&after));
        after.push(format!("{}- [ ] 123 inserted", " ".repeat(indent)));
        prop_assert!(ids(&after).is_superset(&ids(&before)));
    }
}

/// Hostile files stay linear: a quadratic step anywhere would take hours on these.
#[test]
fn hostile_files_end_in_time() {
    let repeat = |line: &str| line.repeat(200_000 / line.len()).into_bytes();
    for line in [
        "\n",
        "#\n",
        "# Phases\n",
        "## Phases\n### Phase 1: a\n",
        "### Phase 1: a\n",
        "- [ ] x\n",
        "- [ ] 1.1 x (depends: 1.1)\n",
        "```x\n",
        "```x\n~~~\n",
        "```\n",
        "**Tasks**:\n",
        "- `a/b`\n",
        "[`x`",
        "`",
        "(",
        "**",
        "| 1. a | [DONE] |\n",
        "**pipeline-start:** x\n",
        "**Execution Note:** Tasks 1.1-1.9 are [PARALLEL]\n",
    ] {
        for start in [
            "",
            "### Phase 1: ",
            "### Phase 1: a\n**Files Modified**:\n",
            "### Phase 1: a\n**Dependencies**: ",
        ] {
            let mut bytes = start.as_bytes().to_vec();
            bytes.extend(repeat(line));
            let plan = Plan::parse(&bytes);
            drop(schedule(&plan, false));
        }
    }
}
