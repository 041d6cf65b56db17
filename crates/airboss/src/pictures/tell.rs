//! Small words that several renderings share.

use std::time::Duration;

use airboss_core::account::{Account, AttemptLine, Subject};
use airboss_core::operation::RunEnding;
use airboss_core::scene::Spent;
use airboss_core::text::shell_word;
use airboss_core::verdict::Verdict;

use crate::report::verdict_sign;
use crate::words;

/// Milliseconds as a length of time.
pub(super) fn length(millis: u64) -> String {
    words::duration(Duration::from_millis(millis))
}

/// The same, and nothing of nothing.
pub(super) fn length_if_any(millis: u64) -> String {
    match millis {
        0 => String::new(),
        some => length(some),
    }
}

/// `$1.23`.
pub(super) fn dollars(cost: f64) -> String {
    match cost {
        // Rounding a cost to nothing would be a lie.
        small if small > 0.0 && small < 0.01 => format!("${small:.4}"),
        small if small > 0.0 && small < 1.0 => format!("${small:.3}"),
        other => format!("${other:.2}"),
    }
}

/// What attempts cost, as far as they tell.
pub(super) fn cost(spent: &Spent, attempts: usize) -> String {
    let untold = spent.cost_untold as usize;
    match untold {
        0 if attempts == 0 => "–".to_owned(),
        0 => dollars(spent.cost_usd),
        all if all >= attempts => "not told".to_owned(),
        _ => format!("≥ {}", dollars(spent.cost_usd)),
    }
}

/// `1.2M in, 34.5k out`.
pub(super) fn tokens(spent: &Spent, attempts: usize) -> String {
    if spent.tokens_untold as usize >= attempts {
        return "not told".to_owned();
    }
    let read = words::amount(spent.input_tokens);
    let written = words::amount(spent.output_tokens);
    // What attempts that were ended at once do not tell is not in the sum.
    let least = if spent.tokens_untold > 0 { "≥ " } else { "" };
    format!("{least}{read} in, {written} out")
}

/// How it ended, or that it has not.
pub(super) fn ending(ending: Option<RunEnding>, ended: bool) -> &'static str {
    match (ending, ended) {
        (Some(ending), true) => words::ending(ending),
        (None, true) => "over",
        (_, false) => "not ended",
    }
}

/// The sign of a verdict; of none yet that of work.
pub(super) fn sign(verdict: Option<Verdict>) -> &'static str {
    verdict.map_or("▸", verdict_sign)
}

/// The word of a verdict.
pub(super) fn word(verdict: Option<Verdict>) -> &'static str {
    verdict.map_or("in the air", Verdict::word)
}

/// `claude (sonnet)`.
pub(super) fn agent(agent: &str, model: Option<&str>) -> String {
    match model {
        Some(model) => format!("{agent} ({model})"),
        None => agent.to_owned(),
    }
}

/// The reasons of an attempt's verdicts, in one line.
pub(super) fn reasons(attempt: &AttemptLine) -> String {
    let outcomes = attempt.outcomes.iter();
    let several = attempt.outcomes.len() > 1;
    let reasons: Vec<String> = outcomes
        .map(|outcome| match several {
            true => format!("{}: {}", outcome.step, outcome.reason),
            false => outcome.reason.clone(),
        })
        .collect();
    reasons.join("; ")
}

/// The checks that were run, in one line: `test green, lint red`.
pub(super) fn gates(attempt: &AttemptLine) -> String {
    let gates = attempt.outcomes.iter().flat_map(|outcome| &outcome.gates);
    let gates: Vec<String> = gates
        .map(|gate| {
            let word = if gate.green { "green" } else { "red" };
            format!("{} {word}", gate.name)
        })
        .collect();
    gates.join(", ")
}

/// What it is about, in words: `plan plans/guide.md, run 0198…`.
pub(super) fn subject(account: &Account) -> String {
    match &account.subject {
        Subject::Plan { plan } => format!("plan {plan}"),
        Subject::Run { plan, run } => format!("run {} of plan {plan}", run.short()),
        Subject::Board { board } => format!("board {board}"),
    }
}

/// The commands that show more.
pub(super) fn commands(account: &Account) -> Vec<(String, &'static str)> {
    let (report, select) = match &account.subject {
        Subject::Plan { plan } => {
            let select = format!(" --plan {}", shell_word(plan.path().as_str()));
            (format!("airboss report{select}"), select)
        }
        Subject::Run { plan, run } => (
            format!("airboss report {run}"),
            format!(" --plan {}", shell_word(plan.path().as_str())),
        ),
        Subject::Board { board } => {
            let root = shell_word(&board.to_string());
            (format!("airboss report --board {root}"), String::new())
        }
    };
    let mut commands = vec![(
        format!("{report} --html report.html"),
        "this page again, from what is stored",
    )];
    let of_interest = account.open.iter().find_map(|item| item.step.as_ref());
    let first = account.attempts.first().and_then(|it| it.steps.first());
    if let Some(step) = of_interest.or(first) {
        let step = shell_word(step.as_str());
        commands.push((
            format!("airboss why {step}{select}"),
            "the evidence behind a step, in full",
        ));
        commands.push((
            format!("airboss replay {step}{select}"),
            "what its agent said and did, as recorded",
        ));
    }
    commands.push((format!("airboss log{select}"), "every change of state"));
    commands
}
