//! `airboss plan show` and `airboss plan check`: a plan as a tree, as problems, as JSON.

use std::io::{self, Write};

use airboss_core::plan::{
    Criterion, Mark, Needs, Phase, PhaseStatus, Plan, Problem, Schedule, Severity, Step, schedule,
};
use serde_json::{Value, json};

use super::{Style, Tone, one_line};

/// Shows a whole plan: phases, steps, criteria, and what is wrong with it.
///
/// # Errors
/// When writing fails.
pub fn show(plan: &Plan, file: &str, out: &mut impl Write, style: Style) -> io::Result<()> {
    let title = plan.title.as_deref().unwrap_or(file);
    style.paint(out, Tone::Strong, one_line(title, style.width))?;
    writeln!(out)?;
    summary(plan, out, style)?;
    let schedule = schedule(plan, false).ok();
    for phase in &plan.phases {
        writeln!(out)?;
        show_phase(phase, schedule.as_ref(), out, style)?;
    }
    if !plan.criteria.is_empty() {
        writeln!(out)?;
        style.paint(out, Tone::Strong, "The plan is done when")?;
        writeln!(out)?;
        for criterion in &plan.criteria {
            show_criterion(criterion, out, style)?;
        }
    }
    if !plan.problems.is_empty() {
        writeln!(out)?;
        check(plan, file, out, style)?;
    }
    Ok(())
}

/// One line: how much of what.
fn summary(plan: &Plan, out: &mut impl Write, style: Style) -> io::Result<()> {
    let steps = plan.steps().count();
    let ticked = plan
        .steps()
        .filter(|(_, step)| step.mark == Mark::Ticked)
        .count();
    let criteria: usize = plan.phases.iter().map(|phase| phase.criteria.len()).sum();
    let line = format!(
        "{}, {} ({ticked} ticked), {}",
        count(plan.phases.len(), "phase", "phases"),
        count(steps, "step", "steps"),
        count(criteria + plan.criteria.len(), "criterion", "criteria"),
    );
    style.paint(out, Tone::Faint, line)?;
    writeln!(out)
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn show_phase(
    phase: &Phase,
    schedule: Option<&Schedule>,
    out: &mut impl Write,
    style: Style,
) -> io::Result<()> {
    let name = match phase.level {
        0 => phase.title.clone(),
        _ => format!("Phase {}: {}", phase.key, phase.title),
    };
    let marker = phase.status.marker();
    let columns = style.width.saturating_sub(marker.len() + 3);
    style.paint(out, Tone::Strong, one_line(&name, columns))?;
    write!(out, " ")?;
    style.paint(out, status_tone(phase.status), format_args!("[{marker}]"))?;
    writeln!(out)?;
    if let Some(needs) = needs(phase) {
        style.paint(
            out,
            Tone::Faint,
            format_args!("  {}", one_line(&needs, style.width.saturating_sub(2))),
        )?;
        writeln!(out)?;
    }
    for step in &phase.steps {
        let place = schedule.and_then(|schedule| Some((schedule, schedule.position(&step.id)?)));
        show_step(step, place, out, style)?;
    }
    for criterion in &phase.criteria {
        show_criterion(criterion, out, style)?;
    }
    Ok(())
}

const fn status_tone(status: PhaseStatus) -> Tone {
    match status {
        PhaseStatus::Completed => Tone::Success,
        PhaseStatus::Blocked | PhaseStatus::Abandoned => Tone::Error,
        PhaseStatus::Partial | PhaseStatus::InProgress => Tone::Warning,
        PhaseStatus::NotStarted | PhaseStatus::Skipped | PhaseStatus::Deferred => Tone::Faint,
    }
}

/// What the phase says about its dependencies.
fn needs(phase: &Phase) -> Option<String> {
    match &phase.dependencies.needs {
        Needs::PlanOrder => None,
        Needs::Nothing => Some("independent".to_owned()),
        Needs::AllPrevious => Some("after all previous phases".to_owned()),
        Needs::Unreadable => Some(format!("after ? `{}`", phase.dependencies.text)),
        Needs::These(these) => {
            let these: Vec<String> = these.iter().map(ToString::to_string).collect();
            Some(format!("after {}", these.join(", ")))
        }
    }
}

fn show_step(
    step: &Step,
    place: Option<(&Schedule, usize)>,
    out: &mut impl Write,
    style: Style,
) -> io::Result<()> {
    let indent = if step.parent.is_some() { "    " } else { "  " };
    let parallel = if place.is_some_and(|(schedule, at)| schedule.has_company(at)) {
        " \u{2225}"
    } else {
        ""
    };
    let own = own_dependencies(step);
    let text = if step.whole_phase {
        "(the whole phase)"
    } else {
        step.text.as_str()
    };
    let taken =
        indent.len() + 4 + step.id.as_str().len() + 1 + parallel.chars().count() + own.len();
    write!(out, "{indent}{} ", check_mark(step.mark))?;
    style.paint(out, Tone::Accent, &step.id)?;
    write!(
        out,
        " {}",
        one_line(text, style.width.saturating_sub(taken).max(20))
    )?;
    style.paint(out, Tone::Faint, own)?;
    style.paint(out, Tone::Accent, parallel)?;
    writeln!(out)
}

/// ` (after 1.1, 1.2)` where a step states dependencies of its own that can be read.
fn own_dependencies(step: &Step) -> String {
    match &step.dependencies {
        // The clause stands in the text; it is repeated only as it was understood.
        Some(dependencies) if !dependencies.unreadable => {
            let needs: Vec<String> = dependencies.needs.iter().map(ToString::to_string).collect();
            format!(" (after {})", needs.join(", "))
        }
        _ => String::new(),
    }
}

const fn check_mark(mark: Mark) -> &'static str {
    match mark {
        Mark::Open => "[ ]",
        Mark::Ticked => "[x]",
        Mark::Dropped => "[~]",
        Mark::Other(_) => "[?]",
    }
}

fn show_criterion(criterion: &Criterion, out: &mut impl Write, style: Style) -> io::Result<()> {
    // No box and no check mark: what holds is shown by evidence, not by the plan.
    let sign = if criterion.command.is_some() {
        "$"
    } else {
        "-"
    };
    style.paint(out, Tone::Faint, format_args!("  {sign} "))?;
    writeln!(
        out,
        "{}",
        one_line(&criterion.text, style.width.saturating_sub(4))
    )
}

/// Lists every problem as `file:line: error[code]: message`, with its remedy.
///
/// # Errors
/// When writing fails.
pub fn check(plan: &Plan, file: &str, out: &mut impl Write, style: Style) -> io::Result<()> {
    for problem in &plan.problems {
        show_problem(problem, file, out, style)?;
    }
    let errors = plan
        .problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .count();
    let warnings = plan.problems.len() - errors;
    let line = format!(
        "{}, {}",
        count(errors, "error", "errors"),
        count(warnings, "warning", "warnings")
    );
    let tone = if errors > 0 { Tone::Error } else { Tone::Faint };
    style.paint(out, tone, line)?;
    writeln!(out)
}

fn show_problem(
    problem: &Problem,
    file: &str,
    out: &mut impl Write,
    style: Style,
) -> io::Result<()> {
    let (word, tone) = match problem.severity {
        Severity::Error => ("error", Tone::Error),
        Severity::Warning => ("warning", Tone::Warning),
    };
    // A message is not cut: it is the reason why the command was run.
    write!(out, "{}", one_line(file, usize::MAX))?;
    if let Some(line) = problem.line {
        write!(out, ":{line}")?;
    }
    write!(out, ": ")?;
    style.paint(out, tone, format_args!("{word}[{}]", problem.code))?;
    writeln!(out, ": {}", one_line(&problem.message, usize::MAX))?;
    writeln!(out, "  remedy: {}", one_line(&problem.remedy, usize::MAX))
}

/// The plan as one JSON object.
#[must_use]
pub fn show_json(plan: &Plan) -> Value {
    let schedule = schedule(plan, false).ok();
    let phases: Vec<Value> = plan
        .phases
        .iter()
        .map(|phase| phase_json(phase, schedule.as_ref()))
        .collect();
    json!({
        "title": plan.title,
        "dialect": plan.dialect,
        "output": plan.output,
        "status": plan.status.as_ref().map(|marker| json!({
            "value": marker.status,
            "text": marker.text,
            "line": marker.line,
        })),
        "runnable": plan.is_runnable(),
        "phases": phases,
        "criteria": plan.criteria.iter().map(criterion_json).collect::<Vec<_>>(),
        "problems": plan.problems,
    })
}

fn phase_json(phase: &Phase, schedule: Option<&Schedule>) -> Value {
    let needs = match &phase.dependencies.needs {
        Needs::PlanOrder => json!("plan_order"),
        Needs::Nothing => json!([]),
        Needs::AllPrevious => json!("all_previous"),
        Needs::Unreadable => json!(null),
        Needs::These(these) => json!(these.iter().map(ToString::to_string).collect::<Vec<_>>()),
    };
    let steps: Vec<Value> = phase
        .steps
        .iter()
        .map(|step| step_json(step, schedule))
        .collect();
    json!({
        "key": phase.key,
        "title": phase.title,
        "status": phase.status,
        "line": phase.line,
        "objective": phase.objective,
        "dependencies": { "needs": needs, "text": phase.dependencies.text, "line": phase.dependencies.line },
        "files": phase.files,
        "steps": steps,
        "criteria": phase.criteria.iter().map(criterion_json).collect::<Vec<_>>(),
    })
}

fn step_json(step: &Step, schedule: Option<&Schedule>) -> Value {
    let place = schedule.and_then(|schedule| Some((schedule, schedule.position(&step.id)?)));
    let waits: Option<Vec<&str>> =
        place.map(|(schedule, at)| schedule.waits_for(at).map(|id| id.as_str()).collect());
    json!({
        "id": step.id,
        "text": step.text,
        "details": step.details,
        "ticked": step.mark == Mark::Ticked,
        "line": step.line,
        "parent": step.parent,
        "footprint": step.footprint,
        "whole_phase": step.whole_phase,
        "waits_for": waits,
        "parallel": place.map(|(schedule, at)| schedule.has_company(at)),
    })
}

fn criterion_json(criterion: &Criterion) -> Value {
    json!({
        "text": criterion.text,
        "ticked": criterion.mark == Mark::Ticked,
        "line": criterion.line,
        "command": criterion.command,
    })
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    const PLAN: &str = "# Banner\n\n## Phase 1: Measure [COMPLETED]\n- [x] 1.1 Read the size\n- [ ] 1.2 Cut a name that is much too long for any terminal that I know of (depends: 1.1)\n**VERIFY Phase 1:**\n- [ ] `cargo test` passes\n\n## Phase 2: Tell\n**Dependencies:** [9]\n\n## Success Criteria\n- [ ] One line\u{1b}[31m\n";

    fn shown(text: &str, style: Style) -> String {
        let mut out = Vec::new();
        show(&Plan::parse(text.as_bytes()), "plan.md", &mut out, style).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_plan_as_a_tree() {
        assert_snapshot!(shown(PLAN, Style::default()));
        assert_snapshot!(shown(&PLAN.replace("[9]", "[]"), Style::default()));
    }

    #[test]
    fn without_colour_there_is_no_escape() {
        assert!(!shown(PLAN, Style::default()).contains('\u{1b}'));
        let coloured = shown(
            PLAN,
            Style {
                color: true,
                ..Style::default()
            },
        );
        assert!(coloured.contains("\u{1b}[36m1.1") && !coloured.contains("line\u{1b}[31m"));
    }

    #[test]
    fn a_plan_as_json() {
        let value = show_json(&Plan::parse(PLAN.replace("[9]", "[]").as_bytes()));
        assert_eq!(value["phases"][0]["status"], "completed");
        assert_eq!(value["phases"][0]["steps"][1]["waits_for"], json!(["1.1"]));
        assert_eq!(value["phases"][0]["criteria"][0]["command"], "cargo test");
        assert_eq!(value["runnable"], true);
    }

    #[test]
    fn a_narrow_terminal_is_survived() {
        for width in 0..30 {
            shown(
                PLAN,
                Style {
                    color: false,
                    width,
                },
            );
        }
    }
}
