//! The report after each state of a workflow: two lines, or all of it; and one line of the log.

use std::time::Duration;

use airboss_core::stage::Stage;
use airboss_core::stage::checkpoint::Checkpoint;
use airboss_core::stage::workflow::{Ending, REPLANS_MAX, Workflow};
use airboss_core::text::sanitize;
use owo_colors::OwoColorize as _;
use serde_json::{Value, json};

use crate::words;

/// Columns of the names of what was made, in the brief form.
const NAMES_MAX: usize = 60;
/// Columns of a problem, in the brief form.
const PROBLEM_MAX: usize = 160;

/// The report for people; nothing where nothing was worked on.
#[must_use]
pub fn words(workflow: &Workflow, verbose: bool) -> String {
    let Some(checkpoint) = &workflow.checkpoint else {
        return String::new();
    };
    let lines = match verbose {
        true => whole(checkpoint, workflow),
        false => brief(checkpoint, workflow),
    };
    lines.join("\n")
}

fn brief(checkpoint: &Checkpoint, workflow: &Workflow) -> Vec<String> {
    let (stage, outcome) = (checkpoint.stage, checkpoint.outcome());
    let heading = "CHECKPOINT".bold();
    let next = next(workflow);
    let mut counts = counts(checkpoint).join(", ");
    let names = checkpoint.made.iter();
    let names: Vec<&str> = names.filter_map(|path| path.rsplit('/').next()).collect();
    if !names.is_empty() {
        let names = sanitize(&words::cut(&names.join(", "), NAMES_MAX));
        counts = format!("{counts}: {names}");
    }
    let mut lines = vec![
        format!("{heading}: {stage} {outcome}, next: {next}"),
        format!("  {counts}"),
    ];
    let problems = checkpoint.problems.iter();
    lines.extend(problems.map(|problem| {
        let sign = "✗".red();
        format!("  {sign} {}", sanitize(&words::cut(problem, PROBLEM_MAX)))
    }));
    lines
}

fn whole(checkpoint: &Checkpoint, workflow: &Workflow) -> Vec<String> {
    let (stage, outcome) = (checkpoint.stage, checkpoint.outcome());
    let (verified, expected) = (checkpoint.verified, checkpoint.expected);
    let mut lines = vec![
        format!("{}: {stage} {outcome}", "CHECKPOINT".bold()),
        format!("  - artifacts: {} {verified}/{expected}", units(stage)),
    ];
    let made = checkpoint.made.iter();
    lines.extend(made.map(|path| format!("    {}", sanitize(path))));
    let all = match verified == expected && checkpoint.problems.is_empty() {
        true => "yes",
        false => "no",
    };
    lines.push(format!("  - all verified: {all}"));
    let problems = checkpoint.problems.iter();
    lines.extend(problems.map(|problem| format!("    {} {}", "✗".red(), sanitize(problem))));
    lines.push(format!("  - retries used: {}", checkpoint.retries));
    if checkpoint.salvaged > 0 {
        lines.push(format!("  - salvaged: {}", checkpoint.salvaged));
    }
    let took = words::duration(Duration::from_millis(checkpoint.took_ms));
    lines.push(format!("  - took: {took}"));
    lines.extend(spent(checkpoint).map(|spent| format!("  - spent: {spent}")));
    lines.push(format!("  - next: {}", next(workflow)));
    lines
}

/// The report as one line of the log.
#[must_use]
pub fn line(checkpoint: &Checkpoint) -> String {
    let (stage, outcome) = (checkpoint.stage, checkpoint.outcome());
    format!("{stage} {outcome} ({})", counts(checkpoint).join(", "))
}

/// The report as data.
#[must_use]
pub fn data(workflow: &Workflow) -> Value {
    let Some(checkpoint) = &workflow.checkpoint else {
        return Value::Null;
    };
    let mut data = json!({
        "state": checkpoint.stage,
        "outcome": checkpoint.outcome(),
        "verified": checkpoint.verified,
        "expected": checkpoint.expected,
        "made": checkpoint.made,
        "problems": checkpoint.problems,
        "salvaged": checkpoint.salvaged,
        "retries": checkpoint.retries,
        "took_ms": checkpoint.took_ms,
        "next": next(workflow),
    });
    // What the agents do not tell is not there.
    if let Some(tokens) = checkpoint.tokens {
        data["tokens"] = tokens.into();
    }
    if let Some(cost) = checkpoint.cost_usd() {
        data["cost_usd"] = cost.into();
    }
    data
}

fn counts(checkpoint: &Checkpoint) -> Vec<String> {
    let (verified, expected) = (checkpoint.verified, checkpoint.expected);
    let word = match checkpoint.stage {
        Stage::Test => "green",
        _ => "verified",
    };
    let mut counts = vec![format!(
        "{} {verified}/{expected} {word}",
        units(checkpoint.stage)
    )];
    if checkpoint.salvaged > 0 {
        counts.push(format!("{} salvaged", checkpoint.salvaged));
    }
    match checkpoint.retries {
        0 => {}
        1 => counts.push("1 retry".to_owned()),
        retries => counts.push(format!("{retries} retries")),
    }
    counts.push(words::duration(Duration::from_millis(checkpoint.took_ms)));
    counts.extend(spent(checkpoint));
    counts
}

fn spent(checkpoint: &Checkpoint) -> Option<String> {
    let tokens = checkpoint.tokens.map(|tokens| {
        let amount = words::amount(tokens);
        format!("{amount} tokens")
    });
    let cost = checkpoint.cost_usd().map(|cost| match cost < 0.01 {
        true => "less than $0.01".to_owned(),
        false => format!("${cost:.2}"),
    });
    let both: Vec<String> = tokens.into_iter().chain(cost).collect();
    (!both.is_empty()).then(|| both.join(", "))
}

/// What a stage makes.
const fn units(stage: Stage) -> &'static str {
    match stage {
        Stage::Research => "reports",
        Stage::Plan | Stage::Revise => "plan",
        Stage::Implement => "phases",
        Stage::Test => "checks",
        Stage::Debug => "debug report",
        Stage::Document => "summary",
    }
}

/// What follows.
fn next(workflow: &Workflow) -> String {
    match (workflow.failed, workflow.ending) {
        (Some(_), _) => match &workflow.reason {
            Some(reason) => format!("stopped: {}", sanitize(reason)),
            None => "stopped".to_owned(),
        },
        (None, None) if workflow.replanning.is_some() => {
            let phase = workflow.replanning.as_deref().unwrap_or_default();
            let count = workflow.replans.get(phase).copied().unwrap_or_default();
            let phase = sanitize(phase);
            format!("revise the plan because of phase {phase} ({count} of {REPLANS_MAX})")
        }
        (None, Some(Ending::Done)) => "done".to_owned(),
        (None, Some(Ending::TestsFailing)) => "stopped: the tests still fail".to_owned(),
        (None, None) => workflow.state.word().to_owned(),
    }
}
