//! The stages of a task: `research`, `plan`, `revise`, `implement`, `test`, `debug`, `document`,
//! and `coordinate`, which takes it through several.
//!
//! Each is one flight: the task enters the stage, agents are sent, what they made is verified,
//! and the board says what came of it. The words at the end are few; `airboss log` and
//! `airboss why` have the rest.

mod flight;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use airboss_core::board::command::{self, Revision, Standing};
use airboss_core::board::transition::Mode;
use airboss_core::board::{BoardKey, BoardOperation, Class, TaskChange};
use airboss_core::exit::ExitCode;
use airboss_core::operation::{Actor, PlanKey};
use airboss_core::path::RepoPath;
use airboss_core::plan::Plan;
use airboss_core::stage::{Stage, handoff};
use airboss_core::text::sanitize;
use airboss_core::time::Timestamp;
use airboss_core::verdict::GateResult;
use airboss_engine::board::{BoardError, Desk};
use airboss_engine::clock;
use airboss_engine::run::lock::{RunLock, RunLocked, lock};
use airboss_engine::stage::{self, Request, StageError, Tested};
use airboss_engine::store::Wanted;
use airboss_engine::workspace::Workspace;
use owo_colors::OwoColorize as _;
use serde_json::json;

pub use self::flight::{Flown, StageFlight};
use super::coordinate::{CoordinateArguments, coordinate};
use super::hooks::TaskHooks;
use super::run::{self, RunArguments, prepare};
use crate::board::{self, BoardReading, BoardWriting, Planned};
use crate::context::Context;
use crate::desk::WriteOptions;
use crate::error::{CliError, ErrorKind};
use crate::lazy::Lazy;

/// Bytes of a file with what is asked for: a prompt shows the first few hundred.
const PROMPT_FILE_MAX: u64 = 64 * 1024;
/// Lines of a red check that are shown; the log has the rest.
const OUTPUT_LINES: usize = 10;

/// A task and what is asked for.
#[derive(clap::Args, Clone, Debug)]
pub struct StageArguments {
    /// The task.
    #[arg(value_name = "N", value_parser = super::task::number)]
    pub number: u32,
    /// How.
    #[command(flatten)]
    pub how: How,
}

/// How a stage is flown.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct How {
    /// What is asked for, besides the task's own words.
    #[arg(value_name = "PROMPT")]
    pub words: Vec<String>,
    /// Read what is asked for from this file; `-` is standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "words")]
    pub prompt_file: Option<PathBuf>,
    /// The agent to fly it with, as named in the configuration.
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    /// Go on with a stage that was begun and has no run behind it any more.
    #[arg(long)]
    pub resume: bool,
    /// Begin it whatever the board's transitions and dependencies say; recorded as such.
    #[arg(long)]
    pub force: bool,
    /// Print what would be made and the prompts, and start nothing.
    #[arg(long)]
    pub dry_run: bool,
}

impl How {
    /// The same with what is asked for as words, wherever it was: standard input is read once.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn with_words(&self, context: &Context) -> Result<Self, CliError> {
        let Some(file) = &self.prompt_file else {
            return Ok(self.clone());
        };
        Ok(Self {
            words: vec![prompt_file(context, file)?],
            prompt_file: None,
            ..self.clone()
        })
    }
}

/// What is asked for, from a file or from standard input.
///
/// # Errors
/// When it cannot be read, says nothing, is no text, or is far too long to be a prompt.
pub fn prompt_file(context: &Context, file: &Path) -> Result<String, CliError> {
    let mut bytes = Vec::new();
    let limit = PROMPT_FILE_MAX + 1;
    let shown = match file == Path::new("-") {
        true => {
            std::io::stdin()
                .lock()
                .take(limit)
                .read_to_end(&mut bytes)?;
            "standard input".to_owned()
        }
        false => {
            let opened = fs_err::File::open(context.directory.join(file))?;
            opened.take(limit).read_to_end(&mut bytes)?;
            file.display().to_string()
        }
    };
    if bytes.len() as u64 > PROMPT_FILE_MAX {
        let message = format!("{shown} holds more than {PROMPT_FILE_MAX} bytes");
        return Err(CliError::refused(message)
            .hint("put the long part into a file of the project, and name it"));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| CliError::refused(format!("{shown} is not UTF-8")).hint("save it as UTF-8"))?;
    match text.trim() {
        "" => Err(CliError::refused(format!("{shown} says nothing"))
            .hint("leave `--prompt-file` out when there is nothing to say")),
        text => Ok(text.to_owned()),
    }
}

/// A task to research.
#[derive(clap::Args, Clone, Debug)]
pub struct ResearchArguments {
    /// The task, and how.
    #[command(flatten)]
    pub stage: StageArguments,
    /// How many look into it side by side, each with a report of its own, and then an overview.
    /// One, unless you say so; what the description suggests is told.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..=4))]
    pub topics: Option<u8>,
}

/// The commands of the workflow.
#[derive(clap::Subcommand, Clone, Debug)]
pub enum StageCommand {
    /// Research a task: its reports, verified and linked.
    Research(Lazy<ResearchArguments>),
    /// Write the next version of a task's plan.
    Revise(Lazy<StageArguments>),
    /// Carry the plans of tasks out, phase by phase.
    Implement(Lazy<ImplementArguments>),
    /// Run the project's checks for a task, and store what they said.
    Test(Lazy<TestArguments>),
    /// Look for the cause of a failing check, and mend it.
    Debug(Lazy<StageArguments>),
    /// Bring the documents up to date with what a task changed.
    Document(Lazy<StageArguments>),
    /// Take a task through the stages of a scope, with a report after each.
    Coordinate(Lazy<CoordinateArguments>),
    /// Print what the next person or agent has to know of a task, in few words.
    Handoff {
        /// The task.
        #[arg(value_name = "N", value_parser = super::task::number)]
        number: u32,
    },
    /// Print exactly what an agent would be sent, and about how many tokens that is.
    Prompt(Lazy<PromptArguments>),
}

/// Carries a command of the workflow out.
///
/// # Errors
/// When the task may not enter the stage, or nothing can be flown.
pub fn stage(context: &Context, command: &StageCommand) -> Result<ExitCode, CliError> {
    let (stage, topics, arguments) = match command {
        StageCommand::Research(arguments) => (Stage::Research, arguments.topics, &arguments.stage),
        StageCommand::Revise(arguments) => (Stage::Revise, None, &**arguments),
        StageCommand::Implement(arguments) => return implement(context, arguments),
        StageCommand::Handoff { number } => return handoff(context, *number),
        StageCommand::Prompt(arguments) => {
            let how = How {
                words: arguments.words.clone(),
                dry_run: true,
                force: true,
                ..How::default()
            };
            return one(context, arguments.stage, Some(1), arguments.number, &how);
        }
        StageCommand::Debug(arguments) => (Stage::Debug, None, &**arguments),
        StageCommand::Document(arguments) => (Stage::Document, None, &**arguments),
        StageCommand::Test(arguments) => return test(context, arguments),
        StageCommand::Coordinate(arguments) => return coordinate(context, arguments),
    };
    one(context, stage, topics, arguments.number, &arguments.how)
}

/// Tasks whose plans are carried out, one after the other.
#[derive(clap::Args, Clone, Debug)]
pub struct ImplementArguments {
    /// The tasks: `58`, `58-60` or `58,61`.
    #[arg(value_name = "N|N-M|N,M")]
    tasks: TaskNumbers,
    /// How.
    #[command(flatten)]
    how: How,
}

/// A stage whose prompts are printed.
#[derive(clap::Args, Clone, Debug)]
pub struct PromptArguments {
    /// The task.
    #[arg(value_name = "N", value_parser = super::task::number)]
    number: u32,
    /// The stage: research, plan, revise, implement, debug or document.
    #[arg(long, value_name = "STAGE", value_parser = with_a_prompt)]
    stage: Stage,
    /// What is asked for, besides the task's own words.
    #[arg(value_name = "PROMPT")]
    words: Vec<String>,
}

fn with_a_prompt(text: &str) -> Result<Stage, String> {
    let all = Stage::ALL.into_iter().filter(|stage| *stage != Stage::Test);
    let all: Vec<Stage> = all.collect();
    let found = all.iter().copied().find(|stage| stage.word() == text);
    found.ok_or_else(|| {
        let words: Vec<&str> = all.iter().map(|stage| stage.word()).collect();
        format!("there are {}", words.join(", "))
    })
}

/// Numbers of tasks, in the order in which they were named.
#[derive(Clone, PartialEq, Eq, Debug)]
struct TaskNumbers(Vec<u32>);

/// Tasks that are named at once; a longer range is a slip of the pen.
const TASKS_MAX: usize = 100;

impl std::str::FromStr for TaskNumbers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut numbers = Vec::new();
        for part in text.split(',').map(str::trim) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (super::task::number(first)?, super::task::number(last)?);
            if last < first {
                return Err(format!("{part} ends before it begins"));
            }
            numbers.extend((first..=last).take(TASKS_MAX + 1));
            if numbers.len() > TASKS_MAX {
                return Err(format!("these are more than {TASKS_MAX} tasks"));
            }
        }
        Ok(Self(numbers))
    }
}

/// Tells what the next one has to know.
fn handoff(context: &Context, number: u32) -> Result<ExitCode, CliError> {
    let reading = BoardReading::open(context)?;
    let task = reading.board.find(number);
    let task = task.ok_or(airboss_core::board::command::Refusal::NoTask(number))?;
    let plan = reading.places.plan(task);
    let bytes = plan.and_then(|path| fs_err::read(reading.workspace.top.join(path)).ok());
    let plan = bytes.map(|bytes| Plan::parse(&bytes));
    let phases = plan.into_iter().flat_map(|plan| plan.phases);
    let phases: Vec<_> = phases
        .map(|phase| (phase.key, phase.title, phase.status))
        .collect();
    let text = handoff::text(task, &phases);
    context.tell(&json!({ "task": number, "text": text }), |answer| {
        sanitize(answer["text"].as_str().unwrap_or_default())
    });
    Ok(ExitCode::Success)
}

/// Carries the plans of tasks out. What stops one does not stop the next; the first exit code
/// that is no success is that of the whole.
fn implement(context: &Context, arguments: &ImplementArguments) -> Result<ExitCode, CliError> {
    let mut code = ExitCode::Success;
    let Some((last, others)) = arguments.tasks.0.split_last() else {
        return Ok(code);
    };
    let how = &arguments.how.with_words(context)?;
    for number in others {
        let one = match one(context, Stage::Implement, None, *number, how) {
            Ok(one) => one,
            Err(error) => {
                context.printer.warning(&format!("task {number}: {error}"));
                error.exit_code()
            }
        };
        if matches!(one, ExitCode::Interrupted | ExitCode::Terminated) {
            return Ok(one);
        }
        if code == ExitCode::Success {
            code = one;
        }
    }
    let one = one(context, Stage::Implement, None, *last, how)?;
    Ok(if code == ExitCode::Success { one } else { code })
}

/// Flies a stage of one task, and tells what came of it.
///
/// # Errors
/// When the task may not enter it, or nothing can be flown.
pub fn one(
    context: &Context,
    stage: Stage,
    topics: Option<u8>,
    number: u32,
    how: &How,
) -> Result<ExitCode, CliError> {
    let how = &how.with_words(context)?;
    let mut writing = BoardWriting::open(context, &WriteOptions::default())?;
    let words = how.words.join(" ");
    let words = Some(words).filter(|words| !words.trim().is_empty());
    if stage == Stage::Revise && has_no_plan(&writing.desk, number) {
        return revise_description(context, &mut writing, number, words.as_deref(), how);
    }
    let request = Request {
        words,
        topics: usize::from(topics.unwrap_or(1)),
        resume: how.resume,
        force: how.force,
        ..Request::new(stage, number, writing.mode())
    };
    let mut flight = StageFlight::new(context, how, writing.into_desk(), request)?;
    if topics.is_none() {
        flight.suggest_topics();
    }
    if how.dry_run {
        flight.show()?;
        return Ok(ExitCode::Success);
    }
    let _lock = only_one(&flight.desk, number)?;
    let flown = flight.fly(&|_, _, _| Vec::new())?;
    flight.tell(&flown);
    Ok(flown.code)
}

/// Whether a task neither has a plan nor names one.
fn has_no_plan(desk: &Desk, number: u32) -> bool {
    let task = desk.store_task(number);
    task.is_some_and(|task| task.plan.is_none() && desk.places.plan(&task).is_none())
}

/// What is revised of a task without a plan: its description becomes what was asked for. It is a
/// change like any other, and `undo` takes it back.
fn revise_description(
    context: &Context,
    writing: &mut BoardWriting,
    number: u32,
    words: Option<&str>,
    how: &How,
) -> Result<ExitCode, CliError> {
    let Some(words) = words else {
        let message = format!("task {number} has no plan; `airboss plan {number}` writes one");
        return Err(CliError::refused(message).hint(format!(
            "`airboss revise {number} TEXT` makes the text its description"
        )));
    };
    // A description is one paragraph.
    let words: Vec<&str> = words.split_whitespace().collect();
    let description = sanitize(&words.join(" "));
    let decide = |standing: &Standing<'_>| -> Result<Vec<BoardOperation>, CliError> {
        let task = standing.task(number)?;
        if task.status.class() == Class::Terminal && !standing.force {
            let (task, status) = (number, task.status.clone());
            return Err(CliError::refused(
                airboss_core::stage::Refusal::Terminal { task, status }.to_string(),
            ));
        }
        let revision = Revision {
            description: Some(Some(description.clone())),
            ..Revision::default()
        };
        Ok(command::edit(standing, number, revision)?)
    };
    if how.dry_run {
        let board = writing.desk.view()?;
        let standing = Standing {
            board: &board,
            actor: Actor::Person,
            mode: writing.mode(),
            force: how.force,
            now: clock::now(),
        };
        board::preview(context, &decide(&standing)?, &board);
        return Ok(ExitCode::Success);
    }
    let wanted = Wanted::Tasks(vec![number]);
    let named = (&[number][..], how.force);
    writing.change(context, &wanted, named, &mut |standing, _| {
        let subject = format!("task {number}: revise description");
        Ok(Planned::new(decide(standing)?, subject))
    })
}

/// The checks of the project, run for a task.
///
/// # Errors
/// When there are none, or one cannot be run.
fn test(context: &Context, arguments: &TestArguments) -> Result<ExitCode, CliError> {
    let writing = BoardWriting::open(context, &WriteOptions::default())?;
    let mode = writing.mode();
    let mut desk = writing.into_desk();
    let _lock = only_one(&desk, arguments.number)?;
    let task = desk.store_task(arguments.number);
    let task = task.ok_or(command::Refusal::NoTask(arguments.number))?;
    let mut hooks = TaskHooks::begin(&desk, &task)?;
    let tested = run_checks(&mut desk, arguments.number, mode, &|_, _, _| Vec::new())?;
    hooks.tell(&desk);
    let code = board::outcome(context, &tested.done);
    hooks.finish(context, &mut desk);
    tell_checks(context, arguments.number, &tested);
    Ok(if tested.is_green() {
        code
    } else {
        ExitCode::Failed
    })
}

/// A task to test.
#[derive(clap::Args, Clone, Debug)]
pub struct TestArguments {
    /// The task.
    #[arg(value_name = "N", value_parser = super::task::number)]
    pub number: u32,
}

/// Changes of a task that belong to its checks, from what was run and how many checks there are.
pub type BesidesChecks<'a> = dyn Fn(&[GateResult], usize, Timestamp) -> Vec<TaskChange> + 'a;

/// Runs the project's checks and stores what they said. `besides` are changes of the task that
/// belong to that; they are told what was run, and how many checks there are.
///
/// # Errors
/// When the project has none, or one cannot be run.
pub fn run_checks(
    desk: &mut Desk,
    number: u32,
    mode: Mode,
    besides: &BesidesChecks<'_>,
) -> Result<Tested, CliError> {
    let settings = run::load_settings(&desk.workspace, &RunArguments::default())?;
    let gates = prepare::gates(&settings.config, None);
    if gates.is_empty() {
        let message = "the project has no checks, so nothing can be tested";
        return Err(CliError::refused(message)
            .hint("`[gates.tests]` with `command = \"…\"` in airboss.toml is one"));
    }
    settings.require_trust()?;
    let request = Request::new(Stage::Test, number, mode);
    let airboss = std::env::current_exe()?;
    let environment = prepare::environment();
    let means = (airboss.as_path(), environment.as_slice());
    let besides = |results: &[GateResult], now| besides(results, gates.len(), now);
    Ok(stage::test(desk, &request, &gates, means, &besides)?)
}

/// Tells what the checks said.
pub fn tell_checks(context: &Context, number: u32, tested: &Tested) {
    if context.json {
        context.printer.json(&json!({
            "task": number,
            "stage": "test",
            "green": tested.is_green(),
            "checks": tested.results,
        }));
        return;
    }
    let verdict = if tested.is_green() { "green" } else { "red" };
    let mut lines = vec![format!("task {number}: tests are {verdict}")];
    for result in &tested.results {
        let sign = match result.is_green() {
            true => "✓".green().to_string(),
            false => "✗".red().to_string(),
        };
        lines.push(format!("  {sign} {}", result.summary()));
        if !result.is_green() {
            let output = sanitize(&result.output_tail);
            let last: Vec<&str> = output.lines().rev().take(OUTPUT_LINES).collect();
            lines.extend(last.iter().rev().map(|line| format!("    {line}")));
        }
    }
    context.printer.data(&lines.join("\n"));
}

/// One flight per task at a time: the kernel's lock, which dies with its process.
///
/// # Errors
/// When another process has it.
pub fn only_one(desk: &Desk, number: u32) -> Result<RunLock, CliError> {
    match task_lock(&desk.workspace, desk.board(), number)? {
        RunLocked::Taken(lock) => Ok(lock),
        RunLocked::Held(pid) => {
            let message = format!("task {number} is being worked on by process {pid}");
            Err(CliError::new(ErrorKind::Busy, message))
        }
    }
}

/// Asks for the lock of a task, which whoever works on it holds from its first stage to its last.
///
/// # Errors
/// When the lock file cannot be opened.
pub fn task_lock(
    workspace: &Workspace,
    board: &BoardKey,
    number: u32,
) -> Result<RunLocked, CliError> {
    let path = RepoPath::new(&format!("{board}/{number}")).map_err(BoardError::from)?;
    Ok(lock(&workspace.state, &PlanKey::new(path))?)
}

impl From<StageError> for CliError {
    fn from(error: StageError) -> Self {
        match error {
            StageError::Board(error) => error.into(),
            StageError::Store(error) => error.into(),
            StageError::Io(error) => error.into(),
            error => Self::refused(error.to_string()),
        }
    }
}
