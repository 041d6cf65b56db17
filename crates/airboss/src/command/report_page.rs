//! `airboss report [RUN]`: what a run, a plan or the board came to, for people.
//!
//! The account is made in core from what is stored, and drawn by `pictures`. Nothing is written
//! but the file that was asked for.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use airboss_core::account::{Account, Facts, Part, Subject, TaskLine, shown, until_next_run};
use airboss_core::agent::{SessionUpdate, StreamParser};
use airboss_core::board::{BoardKey, Class};
use airboss_core::exit::ExitCode;
use airboss_core::id::{AttemptId, RunId};
use airboss_core::operation::{Operation, PlanKey, StoredOperation};
use airboss_core::scene::PhaseWaits;
use airboss_core::status_file::run_id_text;
use airboss_core::verdict::RetryRules;
use airboss_engine::follow::{self, waits};
use airboss_engine::run::attempt_files::{AttemptFiles, directory};
use airboss_engine::settings::{Places, Settings};
use airboss_engine::store::{SqliteStore, Store as _};
use airboss_engine::supervise::{Reader, Stream};
use airboss_engine::workspace::Workspace;
use serde_json::json;

use crate::board::BoardReading;
use crate::context::Context;
use crate::error::CliError;
use crate::output_file::{self, OutputOptions};
use crate::pictures::{markdown, page, plain, timeline};
use crate::{lookup, page as terminal};

/// Lines of a recording in which its agent is expected to name its model.
const MODEL_WITHIN: usize = 50;
/// Fewer characters of an id could mean anything.
const PREFIX_MIN: usize = 6;

/// What is reported on, and as what.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct PageArguments {
    /// Only this run: its id as `airboss runs` has it, or the beginning of one. Otherwise the plan
    /// over all its runs, or the board where no plan is known.
    #[arg(value_name = "RUN", value_parser = run_name)]
    run: Option<String>,
    /// Write a page of its own to FILE; `-` is standard output.
    #[arg(long, value_name = "FILE", group = "form")]
    html: Option<PathBuf>,
    /// Write the timeline as a picture to FILE; `-` is standard output.
    #[arg(long, value_name = "FILE", group = "form")]
    svg: Option<PathBuf>,
    /// Print Markdown, for a pull request.
    #[arg(long, group = "form")]
    markdown: bool,
    #[command(flatten)]
    output: OutputOptions,
    /// Takes the text of a claim whose kind is unknown, so that the kind is what is told of.
    #[arg(hide = true)]
    surplus: Vec<String>,
}

impl PageArguments {
    /// Whether anything was said about a page.
    #[must_use]
    pub fn is_given(&self) -> bool {
        let file = self.html.is_some() || self.svg.is_some();
        file || self.run.is_some() || self.markdown || self.output.force
    }
}

/// Ids of runs are digits of any kind; everything else is a kind of claim that nobody knows.
fn run_name(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix("run-").unwrap_or(text);
    let is_id = digits.len() >= PREFIX_MIN && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| text.to_owned()).ok_or_else(|| {
        "neither the id of a run (`airboss runs`) nor a kind of claim: progress, note, finding, \
         phase-started, phase-done, artifact-ready, ask"
            .to_owned()
    })
}

/// Reports on a run, a plan or the board.
///
/// # Errors
/// When there is nothing to report on, or the file cannot be written.
pub fn page(context: &Context, arguments: &PageArguments) -> Result<ExitCode, CliError> {
    if let Some(surplus) = arguments.surplus.first() {
        let message = format!("`{surplus}` is more than the id of a run");
        return Err(CliError::usage(message).hint("`airboss report [RUN]`"));
    }
    let (workspace, account) = account(context, arguments.run.as_deref())?;
    let version = env!("CARGO_PKG_VERSION");
    let write = |file: &Path, content: &str| {
        output_file::write(context, &workspace, (file, &arguments.output), content)
    };
    if let Some(file) = &arguments.html {
        write(file, &page::page(&account, version))?;
    } else if let Some(file) = &arguments.svg {
        write(file, &timeline::file(&account))?;
    } else if context.json {
        context.printer.json(&json!(account));
    } else if arguments.markdown {
        context.printer.data(&markdown::text(&account));
    } else {
        let (width, edge) = (terminal::width(), terminal::edge());
        context.printer.data(&plain::text(&account, width, edge));
    }
    Ok(ExitCode::Success)
}

fn account(context: &Context, run: Option<&str>) -> Result<(Workspace, Account), CliError> {
    if let Some(name) = run {
        let (workspace, store) = context.reader()?;
        let (plan, run) = find_run(context, &workspace, &store, name)?;
        let account = of_plan(&workspace, &store, &plan, Some(run))?;
        return Ok((workspace, account));
    }
    match choose(context)? {
        Chosen::Plan(path) => {
            let (workspace, store) = context.reader()?;
            let plan = workspace.plan_key(&path)?;
            if !store.plans()?.contains(&plan) {
                let message = format!("nothing is recorded of the plan {plan}");
                return Err(
                    CliError::refused(message).hint(format!("`airboss run {plan}` flies it"))
                );
            }
            let account = of_plan(&workspace, &store, &plan, None)?;
            Ok((workspace, account))
        }
        Chosen::Board => of_board(context),
    }
}

/// What a question is about that names neither.
pub(super) enum Chosen {
    Plan(PathBuf),
    Board,
}

/// The plan when one is known, else the board.
///
/// # Errors
/// When several plans are known, or neither a plan nor a board is.
pub(super) fn choose(context: &Context) -> Result<Chosen, CliError> {
    let workspace = Workspace::open(&context.directory)?;
    if context.board.is_some() && context.plan.is_none() {
        return Ok(Chosen::Board);
    }
    if let Some(path) = context.named_plan(&workspace, None) {
        return Ok(Chosen::Plan(path));
    }
    let Some(store) = workspace.open_reader()? else {
        return Ok(Chosen::Plan(context.plan_file(&workspace, None)?));
    };
    let boards = store.boards()?;
    let mut plans = store.plans()?;
    plans.retain(|plan| !boards.iter().any(|board| is_stage(plan, board)));
    match plans.as_slice() {
        [only] => Ok(Chosen::Plan(workspace.top.join(only.path()))),
        [] if boards.is_empty() => Ok(Chosen::Plan(context.plan_file(&workspace, None)?)),
        [] => Ok(Chosen::Board),
        several => {
            let names: Vec<String> = several.iter().map(ToString::to_string).collect();
            let several = CliError::usage("several plans are known here")
                .hint(format!("choose one with --plan: {}", names.join(", ")));
            Err(match boards.as_slice() {
                [] => several,
                [board, ..] => several.hint(format!("or the board with --board {board}")),
            })
        }
    }
}

/// Whether a log is that of a stage of a task: these lie in the directories of the board.
fn is_stage(plan: &PlanKey, board: &BoardKey) -> bool {
    let subject = follow::Subject {
        plan: None,
        board: Some(board.clone()),
    };
    subject.covers(plan) && *plan != board.log() && !plan.path().as_str().ends_with(".md")
}

/// The newest run with this id, of any plan.
fn find_run(
    context: &Context,
    workspace: &Workspace,
    store: &SqliteStore,
    name: &str,
) -> Result<(PlanKey, RunId), CliError> {
    let mut found = Vec::new();
    for plan in context.plans(workspace, store)? {
        let runs = store.runs(&plan)?.into_iter();
        let meant =
            runs.filter(|run| run_id_text(run) == name || run.id.to_string().starts_with(name));
        found.extend(meant.map(|run| (run.started_at, plan.clone(), run.id)));
    }
    let newest = found.into_iter().max_by_key(|(began, ..)| *began);
    newest.map(|(_, plan, run)| (plan, run)).ok_or_else(|| {
        CliError::refused(format!("no run `{name}` is recorded")).hint("`airboss runs` lists them")
    })
}

fn of_plan(
    workspace: &Workspace,
    store: &SqliteStore,
    plan: &PlanKey,
    run: Option<RunId>,
) -> Result<Account, CliError> {
    let mut as_of = store.now();
    let mut operations = lookup::history(store, plan, None)?;
    let mut subject = Subject::Plan { plan: plan.clone() };
    if let Some(run) = run {
        let (told, is_past) = until_next_run(&operations, run);
        let count = told.len();
        operations.truncate(count);
        if let Some(last) = operations.last().filter(|_| is_past) {
            as_of = last.at;
        }
        let plan = plan.clone();
        subject = Subject::Run { plan, run };
    }
    let hash = newest_hash(&operations);
    let part = Part {
        plan: plan.clone(),
        name: String::new(),
        waits: waits(&workspace.top, plan, &hash),
        operations,
        run,
    };
    let parts = vec![part];
    // The plan's own heading, while the file is there.
    let file = workspace.read_plan(&workspace.top.join(plan.path()));
    let facts = Facts {
        subject,
        title: file
            .ok()
            .and_then(|file| file.plan.title)
            .unwrap_or_default(),
        as_of,
        retries_max: retries_max(workspace),
        models: models(workspace, &parts),
        tasks: Vec::new(),
        numbers: HashMap::new(),
    };
    Ok(Account::of(facts, parts))
}

fn of_board(context: &Context) -> Result<(Workspace, Account), CliError> {
    let reading = BoardReading::open(context)?;
    let (workspace, store, board) = (&reading.workspace, &reading.store, &reading.places.board);
    let as_of = store.now();
    let mut parts = Vec::new();
    for plan in store
        .plans()?
        .into_iter()
        .filter(|plan| is_stage(plan, board))
    {
        let operations = lookup::history(store, &plan, None)?;
        let hash = newest_hash(&operations);
        parts.push(Part {
            name: newest_name(&operations).unwrap_or_else(|| plan.to_string()),
            waits: waits(&workspace.top, &plan, &hash),
            plan,
            operations,
            run: None,
        });
    }
    // In the order in which the work was begun.
    parts.sort_by_key(|part| part.operations.first().map(|first| first.at));
    // The commits of stages stand in the board's own log.
    parts.push(Part {
        plan: board.log(),
        name: board.to_string(),
        operations: lookup::history(store, &board.log(), None)?,
        run: None,
        waits: PhaseWaits::default(),
    });
    let numbers = reading.board.tasks.values();
    let numbers = numbers.map(|task| (task.id, task.number)).collect();
    let tasks = reading.board.active().map(|task| TaskLine {
        number: task.number,
        title: shown(&task.title),
        status: shown(&task.status.to_string().replace('_', " ")),
        finished: task.status.class() == Class::Terminal,
    });
    let facts = Facts {
        subject: Subject::Board {
            board: board.clone(),
        },
        title: format!("The board {board}"),
        as_of,
        retries_max: retries_max(workspace),
        models: models(workspace, &parts),
        tasks: tasks.collect(),
        numbers,
    };
    let account = Account::of(facts, parts);
    Ok((reading.workspace, account))
}

fn newest_hash(operations: &[StoredOperation]) -> String {
    let mut newest = operations.iter().rev();
    let hash = newest.find_map(|stored| match &stored.operation {
        Operation::PlanRegistered { hash, .. } => Some(hash.clone()),
        _ => None,
    });
    hash.unwrap_or_default()
}

fn newest_name(operations: &[StoredOperation]) -> Option<String> {
    operations
        .iter()
        .rev()
        .find_map(|stored| match &stored.operation {
            Operation::PlanRegistered { name, .. } => Some(name.clone()),
            _ => None,
        })
}

/// How often a step is tried again. Settings that cannot be read change no report: the defaults
/// are taken then, and `airboss config` says what is wrong with them.
pub(super) fn retries_max(workspace: &Workspace) -> u32 {
    let places = Places::new(&workspace.top, Some(&workspace.state));
    let rules = match Settings::load(&places, &[]) {
        Ok(settings) => settings.config.limits.retry_rules(),
        Err(_) => RetryRules::default(),
    };
    rules.retries_max
}

/// The models of attempts, from the beginnings of their recordings.
fn models(workspace: &Workspace, parts: &[Part]) -> HashMap<AttemptId, String> {
    let operations = parts.iter().flat_map(|part| &part.operations);
    let attempts = operations.filter_map(|stored| match &stored.operation {
        Operation::AttemptDispatched { attempt, .. } => Some(*attempt),
        _ => None,
    });
    attempts
        .filter_map(|attempt| Some((attempt, model(workspace, attempt)?)))
        .collect()
}

fn model(workspace: &Workspace, attempt: AttemptId) -> Option<String> {
    let directory = directory(&workspace.state, attempt);
    let files = AttemptFiles::read(&directory)?;
    let mut parser = StreamParser::new(files.format);
    // What cannot be read of a recording is not known, and nothing else depends on it.
    let lines = Reader::new(&directory).poll().ok()?;
    let lines = lines.iter().filter(|line| line.stream == Stream::Stdout);
    let mut updates = lines
        .take(MODEL_WITHIN)
        .flat_map(|line| parser.parse(&line.bytes));
    updates.find_map(|update| match update {
        SessionUpdate::SessionStarted { model, .. } => model,
        _ => None,
    })
}
