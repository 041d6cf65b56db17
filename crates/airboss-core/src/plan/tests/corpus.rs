//! Real plans, hundreds of them: nothing panics, and an edit changes only its marker.

use std::collections::HashMap;

use super::*;

/// What was counted over one folder.
#[derive(Debug, Default)]
struct Counts {
    files: usize,
    phases: usize,
    steps: usize,
    whole_phases: usize,
    criteria: usize,
    commands: usize,
    dependencies: usize,
    unreadable: usize,
    loose: usize,
    step_dependencies: usize,
    unreadable_steps: usize,
    runnable: usize,
    edits: usize,
    ambiguous: usize,
    dialects: [usize; 4],
    problems: HashMap<&'static str, usize>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the real plans are outside of this repository"
)]
fn count(folder: &str) -> Option<Counts> {
    let mut counts = Counts::default();
    for path in files(&shared(folder)?) {
        let bytes = std::fs::read(&path).unwrap();
        let plan = Plan::parse(&bytes);
        counts.files += 1;
        counts.dialects[plan.dialect as usize] += 1;
        counts.phases += plan.phases.len();
        counts.runnable += usize::from(plan.is_runnable());
        for (_, step) in plan.steps() {
            counts.steps += usize::from(!step.whole_phase);
            counts.whole_phases += usize::from(step.whole_phase);
            if let Some(dependencies) = &step.dependencies {
                counts.step_dependencies += 1;
                counts.unreadable_steps += usize::from(dependencies.unreadable);
            }
        }
        let criteria = plan
            .phases
            .iter()
            .flat_map(|phase| &phase.criteria)
            .chain(&plan.criteria);
        for criterion in criteria {
            counts.criteria += 1;
            counts.commands += usize::from(criterion.command.is_some());
        }
        for phase in &plan.phases {
            counts.dependencies += usize::from(phase.dependencies.line.is_some());
            counts.unreadable += usize::from(phase.dependencies.needs == Needs::Unreadable);
            counts.loose += usize::from(phase.dependencies.loose);
        }
        for problem in &plan.problems {
            *counts.problems.entry(problem.code).or_default() += 1;
        }
        counts.ambiguous += usize::from(
            plan.problems
                .iter()
                .any(|problem| problem.code == "ambiguous-fences"),
        );
        drop(schedule(&plan, true).map(|schedule| schedule.waves(3).len()));
        assert_eq!(plan_hash(&bytes).len(), 64);
        counts.edits += edit_every_phase(&path, &bytes, &plan);
    }
    Some(counts)
}

/// Writes each status into each phase and looks at every byte that changed.
fn edit_every_phase(path: &std::path::Path, bytes: &[u8], plan: &Plan) -> usize {
    let mut edits = 0;
    let hash = plan_hash(bytes);
    for phase in plan.phases.iter().filter(|phase| phase.level > 0) {
        let status = if phase.status == PhaseStatus::Blocked {
            PhaseStatus::Completed
        } else {
            PhaseStatus::Blocked
        };
        let edited = match set_phase_status(bytes, &phase.key, status, Stamps::default()) {
            Ok(edited) => edited,
            Err(EditError::ReadOnly | EditError::AmbiguousPhase(_) | EditError::Damaged(_)) => {
                continue;
            }
            Err(error) => panic!("{}: phase {}: {error}", path.display(), phase.key),
        };
        edits += 1;
        let again = Plan::parse(&edited);
        let place = plan
            .phases
            .iter()
            .position(|other| other.key == phase.key)
            .unwrap();
        assert_eq!(
            again.phases.len(),
            plan.phases.len(),
            "{} {}",
            path.display(),
            phase.key
        );
        assert_eq!(
            again.phases[place].status,
            status,
            "{} {}",
            path.display(),
            phase.key
        );
        assert_eq!(plan_hash(&edited), hash, "{} {}", path.display(), phase.key);
        only_markers_changed(path, bytes, &edited, phase);
    }
    edits
}

fn only_markers_changed(path: &std::path::Path, before: &[u8], after: &[u8], phase: &Phase) {
    let lines = |bytes: &[u8]| -> Vec<Vec<u8>> {
        bytes
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect()
    };
    let (before, after) = (lines(before), lines(after));
    assert_eq!(before.len(), after.len());
    let changed: Vec<usize> = (0..before.len())
        .filter(|&line| before[line] != after[line])
        .collect();
    for line in changed {
        let is_heading = line + 1 == phase.line;
        let is_row = before[line].trim_ascii_start().starts_with(b"|");
        assert!(is_heading || is_row, "{}:{}", path.display(), line + 1);
    }
}

/// The measure of the format's baseline: 98 % of the coordinate family, 93 % of the boards'.
fn report(folder: &str, counts: &Counts, least_percent: usize) {
    let read = counts.dependencies - counts.unreadable;
    note(&format!(
        "{folder}: {read} of {} dependency lines read; {counts:?}",
        counts.dependencies
    ));
    assert!(read * 100 >= counts.dependencies * least_percent);
}

#[test]
fn plans_of_the_board_family() {
    let Some(counts) = count("corpus/plans-proofchecker") else {
        return;
    };
    report("plans-proofchecker", &counts, 93);
}

#[test]
fn plans_of_the_coordinate_family() {
    let Some(counts) = count("corpus/plans-coordinate") else {
        return;
    };
    report("plans-coordinate", &counts, 98);
}

#[test]
fn plans_of_the_orchestrator_family() {
    let Some(counts) = count("corpus/plans-orchestrator") else {
        return;
    };
    report("plans-orchestrator", &counts, 0);
}

#[test]
fn everything_else_is_hostile_input() {
    for folder in [
        "errors",
        "pairs",
        "project-state",
        "returns",
        "state",
        "status",
        "todo",
        "workflow-state",
    ] {
        let Some(counts) = count(&format!("corpus/{folder}")) else {
            return;
        };
        note(&format!(
            "{folder}: {} files, {} edits",
            counts.files, counts.edits
        ));
    }
}
