//! Tests of the whole module: small plans in, a compact picture of what was understood out.

use std::fmt::Write;

use super::*;

mod cases;
mod corpus;
mod edits;
mod founding;
mod merge;
mod properties;

/// One line per phase, step, criterion and problem.
pub(super) fn dump(plan: &Plan) -> String {
    let mut out = String::new();
    for phase in &plan.phases {
        let needs = match &phase.dependencies.needs {
            Needs::PlanOrder => String::new(),
            Needs::Nothing => " <- nothing".to_owned(),
            Needs::AllPrevious => " <- all".to_owned(),
            Needs::Unreadable => " <- ?".to_owned(),
            Needs::These(these) => {
                let these: Vec<String> = these.iter().map(ToString::to_string).collect();
                format!(" <- {}", these.join(", "))
            }
        };
        let _ = writeln!(
            out,
            "phase {} {} | {}{needs}",
            phase.key,
            phase.status.as_str(),
            phase.title
        );
        for step in &phase.steps {
            let parent = step
                .parent
                .as_ref()
                .map_or(String::new(), |parent| format!(" in {parent}"));
            let mark = mark(step.mark);
            let _ = writeln!(out, "  [{mark}] {}{parent} | {}", step.id, step.text);
            for detail in &step.details {
                let _ = writeln!(out, "      . {detail}");
            }
        }
        criteria(&mut out, "  ", &phase.criteria);
    }
    criteria(&mut out, "", &plan.criteria);
    for problem in &plan.problems {
        let line = problem.line.unwrap_or(0);
        let severity = if problem.severity == Severity::Error {
            "error"
        } else {
            "warning"
        };
        let _ = writeln!(
            out,
            "{line}: {severity}[{}]: {}",
            problem.code, problem.message
        );
    }
    out
}

fn criteria(out: &mut String, indent: &str, criteria: &[Criterion]) {
    for criterion in criteria {
        let command = criterion
            .command
            .as_ref()
            .map_or(String::new(), |command| format!(" $ {command}"));
        let _ = writeln!(
            out,
            "{indent}must [{}] {}{command}",
            mark(criterion.mark),
            criterion.text
        );
    }
}

fn mark(mark: Mark) -> char {
    match mark {
        Mark::Open => ' ',
        Mark::Ticked => 'x',
        Mark::Dropped => '~',
        Mark::Other(other) => other,
    }
}

/// The problem codes of a plan, errors with `!`, in line order.
pub(super) fn codes(input: &str) -> Vec<String> {
    let plan = Plan::parse(input.as_bytes());
    let code = |problem: &Problem| match problem.severity {
        Severity::Error => format!("!{}", problem.code),
        Severity::Warning => problem.code.to_owned(),
    };
    plan.problems.iter().map(code).collect()
}

/// The folder of real plans beside the checkout, if there is one.
#[expect(
    clippy::disallowed_methods,
    reason = "the real plans are outside of this repository"
)]
pub(super) fn shared(folder: &str) -> Option<std::path::PathBuf> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(folder);
    if path.is_dir() {
        return Some(path);
    }
    note(&format!(
        "skipped: no folder shared/{folder} beside the checkout"
    ));
    None
}

/// Every file below a folder, in order.
#[expect(
    clippy::disallowed_methods,
    reason = "the real plans are outside of this repository"
)]
pub(super) fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Tells the person who runs the tests, past the capture of their output.
pub(super) fn note(line: &str) {
    use std::io::Write as _;
    writeln!(std::io::stderr(), "{line}").expect("stderr is writable");
}
