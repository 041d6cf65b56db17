//! What was made for a task: `link`, `unlink`, `plan`.

use std::path::{Path, PathBuf};

use airboss_core::board::link::{kind_of, same};
use airboss_core::board::{Artifact, Board, Task, command};
use airboss_core::exit::ExitCode;
use airboss_core::nearest::nearest;
use airboss_core::path::RepoPath;
use airboss_core::plan::Plan;
use airboss_engine::board::Places;
use airboss_engine::store::{Store as _, Wanted};

use crate::board::{BoardWriting, Planned};
use crate::context::Context;
use crate::desk::WriteOptions;
use crate::error::CliError;

/// A task and a file that was made for it.
#[derive(clap::Args, Clone, Debug)]
pub struct LinkArguments {
    /// The task.
    #[arg(value_name = "N", value_parser = super::number)]
    number: u32,
    /// The file.
    path: PathBuf,
    /// What it is: research, plan, summary, debug, or another word; its directory may tell.
    #[arg(long, value_name = "WORD")]
    kind: Option<String>,
    /// What it is about.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    summary: Option<String>,
    #[command(flatten)]
    options: WriteOptions,
}

/// A task and a link to take away.
#[derive(clap::Args, Clone, Debug)]
pub struct UnlinkArguments {
    /// The task.
    #[arg(value_name = "N", value_parser = super::number)]
    number: u32,
    /// The file; it need not exist.
    path: PathBuf,
    #[command(flatten)]
    options: WriteOptions,
}

/// A task and its plan.
#[derive(clap::Args, Clone, Debug)]
pub struct PlanArguments {
    /// The task.
    #[arg(value_name = "N", value_parser = super::number)]
    number: u32,
    /// The plan's Markdown file.
    path: PathBuf,
    /// What it is about.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    summary: Option<String>,
    #[command(flatten)]
    options: WriteOptions,
}

/// The file that a person named, from the top of the work tree. It is a regular file with
/// something in it, and no link out of the work tree.
fn file(
    context: &Context,
    places: &Places,
    task: &Task,
    path: &Path,
) -> Result<RepoPath, CliError> {
    let shown = path.display();
    let typed = fs_err::canonicalize(context.directory.join(path)).ok();
    let by_name = || {
        let found = places.resolve(task, path.to_str()?)?;
        fs_err::canonicalize(places.top.join(found)).ok()
    };
    let missing = || {
        let message = format!("{shown} does not exist");
        CliError::refused(message).hint("a link is made to a file that is there")
    };
    let real = typed.or_else(by_name).ok_or_else(missing)?;
    let facts = fs_err::metadata(&real)?;
    if !facts.is_file() {
        return Err(CliError::refused(format!("{shown} is no file")));
    }
    if facts.len() == 0 {
        return Err(CliError::refused(format!(
            "{shown} is empty, so it is no artifact"
        )));
    }
    let inside = real.strip_prefix(&places.top).ok().and_then(Path::to_str);
    let inside = inside.and_then(|inside| RepoPath::new(inside).ok());
    inside.ok_or_else(|| {
        let top = places.top.display();
        CliError::refused(format!("{shown} lies outside the work tree {top}"))
    })
}

/// The task, before anything is decided; what it links tells how a path is spelled.
fn looked_up(writing: &BoardWriting, number: u32) -> Result<(Board, Task), CliError> {
    let desk = &writing.desk;
    let board = desk.store.board(desk.board())?.unwrap_or_default();
    let task = board.find(number).cloned();
    let task = task.ok_or(command::Refusal::NoTask(number))?;
    Ok((board, task))
}

/// Links an artifact to a task.
///
/// # Errors
/// When the file is not there or says nothing.
pub fn link(context: &Context, arguments: &LinkArguments) -> Result<ExitCode, CliError> {
    let mut writing = BoardWriting::open(context, &arguments.options)?;
    let number = arguments.number;
    let (board, task) = looked_up(&writing, number)?;
    let places = &writing.desk.places;
    let path = file(context, places, &task, &arguments.path)?;
    let kind = arguments.kind.as_deref().or_else(|| kind_of(path.as_str()));
    let kind = kind.ok_or_else(|| {
        CliError::refused(format!("the directory of {path} does not tell what it is"))
            .hint("`--kind research`, `plan`, `summary`, `debug` or another word says it")
    })?;
    let artifact = Artifact {
        path: places.spell(&board, &task, &path),
        kind: kind.to_owned(),
        summary: arguments.summary.clone(),
    };
    let wanted = Wanted::Tasks(vec![number]);
    let subject = format!("task {number}: link {kind} {}", path.file_name());
    writing.change(context, &wanted, (&[number], false), &mut |standing, _| {
        let operations = command::link(standing, number, artifact.clone())?;
        Ok(Planned::new(operations, &subject))
    })
}

/// Takes a link away.
///
/// # Errors
/// When the task does not have it.
pub fn unlink(context: &Context, arguments: &UnlinkArguments) -> Result<ExitCode, CliError> {
    let mut writing = BoardWriting::open(context, &arguments.options)?;
    let number = arguments.number;
    let (_, task) = looked_up(&writing, number)?;
    let places = &writing.desk.places;
    let typed = arguments.path.to_string_lossy().into_owned();
    let real = places.resolve(&task, &typed);
    let is_meant = |known: &&Artifact| {
        let to = places.resolve(&task, &known.path);
        same(&known.path, &typed) || (real.is_some() && to == real)
    };
    let paths = task.artifacts.iter().map(|known| known.path.as_str());
    let Some(known) = task.artifacts.iter().find(is_meant) else {
        let error = CliError::refused(format!("task {number} has no link to {typed}"));
        return Err(match nearest(&typed, paths.clone()) {
            Some(near) => error.hint(format!("is `{near}` meant?")),
            None if task.artifacts.is_empty() => error.hint("it has none at all"),
            None => error.hint(format!("it links {}", paths.collect::<Vec<_>>().join(", "))),
        });
    };
    let path = known.path.clone();
    let wanted = Wanted::Tasks(vec![number]);
    let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
    let subject = format!("task {number}: unlink {name}");
    writing.change(context, &wanted, (&[number], false), &mut |standing, _| {
        let operations = command::unlink(standing, number, &path)?;
        Ok(Planned::new(operations, &subject))
    })
}

/// Makes a file the current plan of a task.
///
/// # Errors
/// When the file is not there or says nothing.
pub fn plan(context: &Context, arguments: &PlanArguments) -> Result<ExitCode, CliError> {
    let mut writing = BoardWriting::open(context, &arguments.options)?;
    let number = arguments.number;
    let (board, task) = looked_up(&writing, number)?;
    let places = &writing.desk.places;
    let path = file(context, places, &task, &arguments.path)?;
    let phases = Plan::parse(&fs_err::read(places.top.join(&path))?).phases;
    let plan = Artifact {
        path: places.spell(&board, &task, &path),
        kind: "plan".to_owned(),
        summary: arguments.summary.clone(),
    };
    let wanted = Wanted::Tasks(vec![number]);
    let subject = format!("task {number}: set plan {}", path.file_name());
    writing.change(context, &wanted, (&[number], false), &mut |standing, _| {
        let operations = command::set_plan(standing, number, plan.clone())?;
        let mut planned = Planned::new(operations, &subject);
        if phases.is_empty() {
            planned.notes.push(format!("{path} has no phases"));
        }
        Ok(planned)
    })
}
