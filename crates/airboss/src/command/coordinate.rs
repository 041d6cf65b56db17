//! `airboss coordinate`: one task through all the stages of a scope, with a report after each.
//!
//! What comes next is [`Workflow::after`]'s; it is stored with the end of the stage that decided
//! it, so a process that is killed goes on where it was when the command is given again.

use std::path::PathBuf;
use std::time::Instant;

use airboss_core::board::{Task, TaskChange};
use airboss_core::exit::ExitCode;
use airboss_core::id::TaskId;
use airboss_core::stage::checkpoint::Checkpoint;
use airboss_core::stage::workflow::{Ending, Outcome, Scope, Workflow};
use airboss_core::stage::{End, Stage};
use airboss_core::time::Timestamp;
use airboss_core::verdict::GateResult;
use airboss_engine::board::Desk;
use airboss_engine::clock;
use airboss_engine::stage::{Ended, FailedUnit, Request, note};
use serde_json::{Value, json};

use super::hooks::TaskHooks;
use super::stage::{How, StageFlight, only_one, prompt_file, run_checks};
use super::task::add::{AddArguments, add_as};
use crate::board::{self, BoardWriting};
use crate::context::Context;
use crate::desk::WriteOptions;
use crate::error::CliError;
use crate::render::checkpoint;
use crate::words;

/// Characters of a title that is made from a description.
const TITLE_MAX: usize = 80;

/// A task, and how far it goes.
#[derive(clap::Args, Clone, Debug)]
pub struct CoordinateArguments {
    /// The task's number; or what is to be done, in words, which makes a new task.
    #[arg(value_name = "N|TEXT", required_unless_present = "prompt_file")]
    what: Option<String>,
    /// Read what is to be done from this file, which makes a new task; `-` is standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "what")]
    prompt_file: Option<PathBuf>,
    /// How far: research, plan, revise, implement, test, debug or full. Without it, what was
    /// begun goes on, or one is suggested.
    #[arg(long, value_name = "SCOPE", value_parser = scope)]
    scope: Option<Scope>,
    /// How many look into it side by side.
    /// One, unless you say so; what the description suggests is told.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..=4))]
    topics: Option<u8>,
    /// The agent to fly it with, as named in the configuration.
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
}

fn scope(text: &str) -> Result<Scope, String> {
    let all = Scope::ALL.map(Scope::word).join(", ");
    Scope::read(text).ok_or_else(|| format!("there are {all}"))
}

/// Takes a task through the stages of a scope.
///
/// # Errors
/// When the task cannot be taken, or nothing can be flown.
pub fn coordinate(
    context: &Context,
    arguments: &CoordinateArguments,
) -> Result<ExitCode, CliError> {
    let number = match (&arguments.prompt_file, &arguments.what) {
        (Some(file), _) => created(context, &prompt_file(context, file)?)?,
        (None, what) => {
            let what = what.as_deref().unwrap_or_default();
            let number = what.parse::<u32>();
            number.or_else(|_| created(context, what))?
        }
    };
    let writing = BoardWriting::open(context, &WriteOptions::default())?;
    let mode = writing.mode();
    let mut desk = writing.into_desk();
    let _lock = only_one(&desk, number)?;
    let task = known(&desk, number)?;
    let workflow = chosen(context, &desk, arguments, &task)?;
    let hooks = TaskHooks::begin(&desk, &task)?;
    let request = Request {
        topics: usize::from(arguments.topics.unwrap_or(1)),
        ..Request::new(Stage::Research, number, mode)
    };
    if task.workflow.as_ref() != Some(&workflow) {
        let begun = TaskChange::Workflow(Some(Box::new(workflow.clone())));
        note(&mut desk, &request, &begun)?;
    }
    let how = How {
        agent: arguments.agent.clone(),
        ..How::default()
    };
    let mut way = Way {
        context,
        how: &how,
        desk,
        request,
        suggests_topics: arguments.topics.is_none(),
        hooks,
        failed: Vec::new(),
        checkpoints: Vec::new(),
    };
    let code = way.walk(workflow);
    way.hooks.finish(context, &mut way.desk);
    let code = code?;
    if context.json {
        let checkpoints = &way.checkpoints;
        context
            .printer
            .json(&json!({ "task": number, "checkpoints": checkpoints }));
    }
    Ok(code)
}

fn known(desk: &Desk, number: u32) -> Result<Task, CliError> {
    let refusal = airboss_core::board::command::Refusal::NoTask(number);
    desk.store_task(number).ok_or_else(|| refusal.into())
}

/// A new task for a description.
fn created(context: &Context, text: &str) -> Result<u32, CliError> {
    let id = TaskId::from_uuid(clock::fresh_uuid());
    let line = text.lines().next().unwrap_or_default();
    let title = words::cut(line.trim(), TITLE_MAX);
    let description = (title != text.trim()).then(|| text.trim().to_owned());
    let quiet = Context {
        json: false,
        ..context.clone()
    };
    add_as(&quiet, &AddArguments::new(title, description), id)?;
    let desk = BoardWriting::open(context, &WriteOptions::default())?.into_desk();
    let board = desk.view()?;
    let task = board.tasks.get(&id).map(|task| task.number);
    task.ok_or_else(|| CliError::refused("the new task is gone again"))
}

/// The workflow that goes on, or the one that begins.
fn chosen(
    context: &Context,
    desk: &Desk,
    arguments: &CoordinateArguments,
    task: &Task,
) -> Result<Workflow, CliError> {
    let begun = task
        .workflow
        .as_ref()
        .filter(|workflow| !workflow.state.is_terminal());
    if let Some(begun) = begun
        && arguments.scope.is_none_or(|scope| scope == begun.scope)
    {
        let (scope, state) = (begun.scope.word(), begun.state.word());
        context
            .printer
            .note(&format!("the {scope} workflow goes on with {state}"));
        return Ok(begun.clone());
    }
    let scope = match arguments.scope {
        Some(scope) => scope,
        None => suggested(context, task)?,
    };
    let reports = task
        .artifacts
        .iter()
        .filter(|artifact| artifact.kind == "research");
    let has_report = reports
        .map(|report| desk.places.resolve(task, &report.path))
        .any(|path| path.is_some());
    let has_plan = desk.places.plan(task).is_some();
    Ok(Workflow::of_task(scope, has_report, has_plan, clock::now()))
}

/// The scope that a person confirms; off a terminal the narrowest, so that nothing is written
/// that nobody asked for.
fn suggested(context: &Context, task: &Task) -> Result<Scope, CliError> {
    let text = task.description.as_deref().unwrap_or(&task.title);
    let scope = Scope::suggested(text);
    let word = scope.word();
    if !context.is_asked() {
        return Ok(Scope::Research);
    }
    let question = format!("Take task {} through `{word}`? [y/N]", task.number);
    if context.confirm(&question)? {
        Ok(scope)
    } else {
        Err(CliError::refused("nothing was begun")
            .hint("`--scope research`, `plan`, `full`, … says how far it goes"))
    }
}

/// A workflow as a change of its task.
fn changed(after: Workflow) -> Vec<TaskChange> {
    vec![TaskChange::Workflow(Some(Box::new(after)))]
}

/// The report of the project's checks, of which none is run behind a red one.
fn checked(results: &[GateResult], checks: usize, begun: Instant) -> Checkpoint {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let green = results.iter().filter(|result| result.is_green()).count();
    let red = results.iter().filter(|result| !result.is_green());
    Checkpoint {
        done: green == checks && checks > 0,
        verified: count(green),
        expected: count(checks),
        problems: red.map(GateResult::summary).collect(),
        took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        ..Checkpoint::new(Stage::Test)
    }
}

/// A task on its way.
struct Way<'a> {
    context: &'a Context,
    how: &'a How,
    desk: Desk,
    request: Request,
    /// Nobody said how many look into it.
    suggests_topics: bool,
    hooks: TaskHooks,
    /// The phases that failed when the plan was carried out last.
    failed: Vec<FailedUnit>,
    checkpoints: Vec<Value>,
}

impl Way<'_> {
    fn walk(&mut self, mut workflow: Workflow) -> Result<ExitCode, CliError> {
        while let Some(stage) = workflow.stage() {
            let code = match stage {
                Stage::Test => self.test(&workflow)?,
                _ => self.fly(stage, &workflow)?,
            };
            let task = known(&self.desk, self.request.number)?;
            let Some(after) = task.workflow else {
                return Err(CliError::refused("the workflow was taken back meanwhile"));
            };
            self.hooks.tell(&self.desk);
            self.checkpoint(&after);
            let stays = after.state == workflow.state && after.failed.is_some();
            workflow = after;
            if stays || matches!(code, ExitCode::Interrupted | ExitCode::Terminated) {
                return Ok(code);
            }
        }
        Ok(match workflow.ending {
            Some(Ending::TestsFailing) => ExitCode::Failed,
            _ => ExitCode::Success,
        })
    }

    fn test(&mut self, workflow: &Workflow) -> Result<ExitCode, CliError> {
        let begun = Instant::now();
        let after = |results: &[GateResult], checks: usize, now: Timestamp| {
            let report = checked(results, checks, begun);
            let outcome = match report.done {
                true => Outcome::Done,
                false => Outcome::Failed,
            };
            changed(workflow.after(outcome, now).reported(report))
        };
        let (number, mode) = (self.request.number, self.request.mode);
        let tested = run_checks(&mut self.desk, number, mode, &after)?;
        board::outcome(self.context, &tested.done);
        Ok(match tested.is_green() {
            true => ExitCode::Success,
            false => ExitCode::Failed,
        })
    }

    fn fly(&mut self, stage: Stage, workflow: &Workflow) -> Result<ExitCode, CliError> {
        let task = known(&self.desk, self.request.number)?;
        let in_flight = stage.in_flight();
        let request = Request {
            stage,
            // Nobody else holds the task, so what is under way is what was left.
            resume: in_flight.is_none_or(|status| task.status.is(status)),
            words: self.replan_words(workflow),
            ..self.request.clone()
        };
        let after = |ended: &Ended, report: Checkpoint, now: Timestamp| {
            let next = match ended.end {
                End::Done => workflow.after(Outcome::Done, now),
                End::Partial | End::Nothing => {
                    let failed = ended.failed.iter();
                    let failed: Vec<_> = failed.map(|it| (it.phase.clone(), it.tries)).collect();
                    workflow.after_failed_phases(&failed, now)
                }
            };
            changed(next.reported(report))
        };
        let desk = self.desk.another()?;
        let mut flight = StageFlight::new(self.context, self.how, desk, request)?;
        if self.suggests_topics {
            flight.suggest_topics();
        }
        let flown = flight.fly(&after)?;
        if stage == Stage::Implement {
            self.failed = flown.left.failed;
        }
        Ok(flown.code)
    }

    /// What the agent that revises a plan is told of the phase that failed.
    fn replan_words(&self, workflow: &Workflow) -> Option<String> {
        let phase = workflow.replanning.as_ref()?;
        let failed = self.failed.iter().find(|failed| failed.phase == *phase);
        let what = failed.map_or_else(String::new, |failed| {
            let (title, tries, reason) = (&failed.description, failed.tries, &failed.reason);
            format!(" It is called {title}, was tried {tries} times, and at last: {reason}.")
        });
        Some(format!(
            "Phase {phase} of the plan failed for good.{what} Plan it another way; phases that \
             are done stay done."
        ))
    }

    /// The report after a state, from what is stored.
    fn checkpoint(&mut self, workflow: &Workflow) {
        self.checkpoints.push(checkpoint::data(workflow));
        if !self.context.json {
            let words = checkpoint::words(workflow, self.context.verbose);
            self.context.printer.data(&words);
        }
    }
}
