//! The five plans that the format was drawn from: every phase, step and criterion.

use super::*;

/// Phases, steps, criteria of phases, criteria of the plan; counted by eye.
const EXPECTED: [(&str, Dialect, [usize; 4]); 5] = [
    ("000-postflight.md", Dialect::BoardB, [6, 19, 34, 22]),
    ("001-status-updates.md", Dialect::BoardA, [7, 52, 35, 23]),
    ("002-git-staging.md", Dialect::BoardB, [5, 25, 30, 20]),
    ("003-coordinate.md", Dialect::Coordinate, [5, 46, 0, 8]),
    (
        "004-plan-orchestrator.md",
        Dialect::Orchestrator,
        [10, 40, 30, 12],
    ),
];

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the real plans are outside of this repository"
)]
fn every_phase_step_and_criterion() {
    let Some(folder) = shared("founding") else {
        return;
    };
    for (name, dialect, expected) in EXPECTED {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let plan = Plan::parse(&bytes);
        let of_phases = plan.phases.iter().map(|phase| phase.criteria.len()).sum();
        let found = [
            plan.phases.len(),
            plan.steps().count(),
            of_phases,
            plan.criteria.len(),
        ];
        assert_eq!((plan.dialect, found), (dialect, expected), "{name}");
        assert!(plan.is_runnable(), "{name}: {:?}", plan.problems);
        assert_eq!(boxes_outside_fences(&bytes), boxes(&plan), "{name}");
    }
}

/// Boxes that the plan knows as steps or criteria.
fn boxes(plan: &Plan) -> usize {
    plan.owned.marks.len()
}

/// Counts like `grep`, with a plain reading of the fences.
fn boxes_outside_fences(bytes: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut count = 0;
    for line in String::from_utf8_lossy(bytes).lines() {
        let line = line.trim();
        if line == "```" {
            depth = if depth == 0 { 1 } else { depth - 1 };
        } else if line.starts_with("```") {
            depth += 1;
        } else if depth == 0 && (line.starts_with("- [ ] ") || line.starts_with("- [x] ")) {
            count += 1;
        }
    }
    count
}
