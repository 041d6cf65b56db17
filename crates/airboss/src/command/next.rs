//! `next` and `check`: what can be worked on now, and what a step waits for.

use std::collections::BTreeSet;

use airboss_core::dispatch::{Flight, Policy, Standing, Unit, standings};
use airboss_core::exit::ExitCode;
use airboss_core::id::StepId;
use airboss_core::operation::StepStatus;
use airboss_core::plan::{Plan, Schedule, overlap, schedule};
use airboss_core::step::Step;
use airboss_core::text::sanitize;
use airboss_core::verdict::RetryRules;
use airboss_engine::clock;
use serde_json::{Value, json};

use super::status::{phase_value, steps};
use crate::context::Context;
use crate::desk::{Reading, unknown_step};
use crate::error::CliError;

/// Show the steps that can be worked on now.
#[derive(clap::Args, Clone, Debug)]
pub struct NextArguments {
    /// How many at most.
    #[arg(value_name = "N", default_value_t = 3)]
    count: usize,
    /// Take pending steps in plan order, whatever they wait for.
    #[arg(long)]
    ignore_deps: bool,
    /// Only steps of the first phase that has any.
    #[arg(long)]
    phase_priority: bool,
}

/// Shows the steps that can be worked on now.
///
/// # Errors
/// When the plan cannot be read, or its dependencies make no sense.
pub fn next(context: &Context, arguments: &NextArguments) -> Result<ExitCode, CliError> {
    let (answer, code) = look(context, arguments)?;
    context.answer(&answer, next_words);
    Ok(code)
}

/// The steps that can be worked on now, `count` at most, as `next` answers.
///
/// # Errors
/// As for [`next`].
pub fn ready(context: &Context, count: usize) -> Result<Value, CliError> {
    let arguments = NextArguments {
        count,
        ignore_deps: false,
        phase_priority: false,
    };
    Ok(look(context, &arguments)?.0)
}

fn look(context: &Context, arguments: &NextArguments) -> Result<(Value, ExitCode), CliError> {
    let reading = Reading::open(context)?;
    let file = reading.file()?;
    let schedule = scheduled(&file.plan, &reading, arguments.ignore_deps)?;
    let standings = standings_of(&schedule, &reading);
    let mut ready: Vec<(usize, &'static str)> = Vec::new();
    for (place, standing) in standings.iter().enumerate() {
        let pending = reading
            .view
            .step(&schedule.steps[place].id)
            .is_some_and(|step| step.state.status == StepStatus::Pending);
        match standing {
            Standing::Ready { retry: false } => ready.push((place, "ready")),
            _ if pending && arguments.ignore_deps => ready.push((place, "dependencies ignored")),
            _ => {}
        }
    }
    // A failed step never displaces a ready one.
    for (place, standing) in standings.iter().enumerate() {
        if matches!(
            standing,
            Standing::Ready { retry: true } | Standing::Parked { retry: true, .. }
        ) {
            ready.push((place, "retry"));
        }
    }
    if arguments.phase_priority
        && let Some((first, _)) = ready.first()
    {
        let phase = schedule.steps[*first].phase.clone();
        ready.retain(|(place, _)| schedule.steps[*place].phase == phase);
    }
    let blocked = standings
        .iter()
        .filter(|standing| matches!(standing, Standing::WaitsFor(_) | Standing::Blocked(_)))
        .count();
    ready.truncate(arguments.count);
    let tasks: Vec<Value> = ready
        .iter()
        .filter_map(|(place, reason)| {
            let step = reading.view.step(&schedule.steps[*place].id)?;
            Some(task(&reading, &schedule, *place, step, reason, &ready))
        })
        .collect();
    let phases: BTreeSet<&str> = ready
        .iter()
        .map(|(place, _)| schedule.steps[*place].phase.as_str())
        .collect();
    let answer = json!({
        "count": tasks.len(),
        "tasks": tasks,
        "blockedTaskCount": blocked,
        "activePhases": phases.iter().map(|key| phase_value(key)).collect::<Vec<_>>(),
    });
    let open = steps(&reading.view).any(|step| !step.state.status.is_settled());
    let in_progress = standings.contains(&Standing::InProgress);
    let is_blocked = ready.is_empty() && open && !in_progress && arguments.count > 0;
    let code = if is_blocked {
        ExitCode::Blocked
    } else {
        ExitCode::Success
    };
    Ok((answer, code))
}

fn next_words(answer: &Value) -> String {
    let tasks = answer["tasks"].as_array().map_or(&[][..], Vec::as_slice);
    if tasks.is_empty() {
        return format!(
            "nothing is ready; {} steps wait for others",
            answer["blockedTaskCount"]
        );
    }
    let lines: Vec<String> = tasks
        .iter()
        .map(|task| {
            let text = |name: &str| task[name].as_str().unwrap_or("");
            let retry = if text("reason") == "retry" {
                "  (retry)"
            } else {
                ""
            };
            format!("{}  {}{retry}", text("id"), text("description"))
        })
        .collect();
    sanitize(&lines.join("\n"))
}

fn task(
    reading: &Reading,
    schedule: &Schedule,
    place: usize,
    step: &Step,
    reason: &str,
    chosen: &[(usize, &'static str)],
) -> Value {
    let scheduled = &schedule.steps[place];
    let id = &scheduled.id;
    let dependents: Vec<&StepId> = steps(&reading.view)
        .filter(|other| other.record.dependencies.contains(id))
        .map(|other| &other.record.id)
        .collect();
    let conflicts: Vec<&StepId> = chosen
        .iter()
        .map(|(other, _)| &schedule.steps[*other])
        .filter(|other| other.id != *id && overlap(&other.footprint, &scheduled.footprint))
        .map(|other| &other.id)
        .collect();
    let mut task = json!({
        "id": id,
        "description": step.record.description,
        "phase": phase_value(&step.record.phase),
        "status": step.state.status,
        "reason": reason,
        "dependencies": step.record.dependencies,
        "dependents": dependents,
        "sequential": !scheduled.parallel,
    });
    if !conflicts.is_empty() {
        task["fileConflict"] = json!(true);
        task["conflictsWith"] = json!(conflicts);
        task["conflictingFiles"] = json!(scheduled.footprint);
    }
    task
}

fn scheduled(plan: &Plan, reading: &Reading, sequential: bool) -> Result<Schedule, CliError> {
    schedule(plan, sequential).map_err(|problems| {
        let first = problems.first().map_or(String::new(), |problem| {
            let line = problem
                .line
                .map_or(String::new(), |line| format!(":{line}"));
            format!("{}{line}: {}", reading.key, problem.message)
        });
        CliError::refused(first).hint(format!(
            "`airboss plan check {}` names every problem",
            reading.key
        ))
    })
}

fn standings_of(schedule: &Schedule, reading: &Reading) -> Vec<Standing> {
    let flight = Flight {
        units: Unit::all(schedule),
        policy: Policy {
            jobs: 1,
            batch: 1,
            agent: String::new(),
            rules: RetryRules::default(),
            infra_max: 1,
            attempts_max: None,
        },
    };
    standings(&flight, &reading.view, clock::now())
}

/// Show what a step waits for.
#[derive(clap::Args, Clone, Debug)]
pub struct CheckArguments {
    /// The step's id in its plan.
    #[arg(value_name = "ID")]
    step: String,
}

/// Shows whether a step can be started, and what it waits for.
///
/// # Errors
/// When the plan cannot be read or has no such step.
pub fn check(context: &Context, arguments: &CheckArguments) -> Result<ExitCode, CliError> {
    let reading = Reading::open(context)?;
    let id = StepId::new(&arguments.step);
    let step = reading.step(&id)?;
    let file = reading.file()?;
    let schedule = scheduled(&file.plan, &reading, false)?;
    let place = schedule
        .position(&id)
        .ok_or_else(|| unknown_step(&id, Some(&reading.view)))?;
    let blockers: Vec<&StepId> = schedule
        .waits_for(place)
        .filter(|before| {
            reading
                .view
                .step(before)
                .is_some_and(|step| !step.state.status.is_settled())
        })
        .collect();
    let can_start = step.state.status == StepStatus::Pending && blockers.is_empty();
    let phase = phase_value(&step.record.phase);
    let answer = json!({
        "task": {
            "id": id,
            "description": step.record.description,
            "status": step.state.status,
            "phase": phase,
        },
        "canStart": can_start,
        "blockers": blockers,
        "phase": phase,
    });
    context.answer(&answer, |_| {
        let status = step.state.status.word().replace('_', " ");
        let names: Vec<&str> = blockers.iter().map(|id| id.as_str()).collect();
        let rest = if can_start {
            "it can be started".to_owned()
        } else if names.is_empty() {
            String::new()
        } else {
            format!("it waits for {}", names.join(", "))
        };
        sanitize(&format!(
            "{id}  {}\n{status}; {rest}",
            step.record.description
        ))
    });
    Ok(ExitCode::Success)
}
