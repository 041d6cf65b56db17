//! `init`: makes a plan known, and its status.json with it; without a plan, the board.

use std::path::PathBuf;

use airboss_core::exit::ExitCode;
use airboss_core::plan::Severity;
use airboss_engine::settings::PROJECT_FILE;
use airboss_engine::store::{CommandId, Commit, Store as _};
use airboss_engine::workspace::Workspace;
use serde_json::json;

use super::adopt::{Asking, Prefer, init_board};
use super::status::counts;
use crate::context::Context;
use crate::desk::{WriteOptions, Writing};
use crate::error::CliError;

/// Adopt the board of this repository, or make a plan known.
#[derive(clap::Args, Clone, Debug)]
pub struct InitArguments {
    /// A plan's Markdown file; without it the board: TODO.md and state.json.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Adopt the board without asking, for scripts.
    #[arg(long)]
    yes: bool,
    /// Ask about every disagreement between TODO.md and state.json, one by one.
    #[arg(long, short, conflicts_with_all = ["yes", "file"])]
    interactive: bool,
    /// Which file wins where nothing else decides.
    #[arg(long, value_enum, value_name = "FILE")]
    prefer: Option<Prefer>,
    /// Write an airboss.toml to begin with, too.
    #[arg(long)]
    config: bool,
    #[command(flatten)]
    options: WriteOptions,
}

/// What a new airboss.toml holds: everything in it is a comment.
const EXAMPLE: &str = "\
# Settings of airboss; `airboss config show --origin` prints what counts.

# [run]
# agent = \"claude\"
# jobs = 1

# A gate has to be green before a step counts as done. Trust it with `airboss trust`.
# [gates.test]
# command = \"make test\"
# timeout = \"20 min\"
";

/// Makes a plan known and writes its status.json.
///
/// # Errors
/// When the plan cannot be read, or the store fails.
pub fn init(context: &Context, arguments: &InitArguments) -> Result<ExitCode, CliError> {
    let workspace = Workspace::open(&context.directory)?;
    if arguments.config {
        write_example(context, &workspace)?;
    }
    let command = arguments.options.command_id.as_deref().map(CommandId::new);
    if arguments.file.is_none() && context.plan.is_none() {
        let asking = match (arguments.interactive, arguments.yes) {
            (true, _) => Asking::Each,
            (false, true) => Asking::Nothing,
            (false, false) => Asking::Once,
        };
        return init_board(context, asking, arguments.prefer, command.as_ref());
    }
    let path = context.plan_file_to_change(&workspace, arguments.file.as_deref())?;
    let file = workspace.read_plan(&path)?;
    let mut writing = Writing::of_file(workspace, path, command)?;
    let mut commit = Commit::new(writing.key.clone(), Vec::new());
    commit.change.publish = writing.stale(&[]);
    writing.store.commit(&commit)?;
    let view = writing.store.view(&writing.key)?.unwrap_or_default();
    let errors: Vec<&str> = file
        .plan
        .problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .map(|problem| problem.message.as_str())
        .collect();
    let answer = json!({
        "success": true,
        "planPath": writing.key,
        "planName": view.name,
        "outputPath": writing.output,
        "phases": file.plan.phases.len(),
        "tasks": counts(&view).total,
        "errors": errors,
    });
    for error in errors {
        context.printer.warning(error);
    }
    writing.finish(context, &answer, |answer| {
        format!(
            "{}: {} steps",
            answer["planName"].as_str().unwrap_or(""),
            answer["tasks"]
        )
    })
}

fn write_example(context: &Context, workspace: &Workspace) -> Result<(), CliError> {
    let path = workspace.top.join(PROJECT_FILE);
    let created = fs_err::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path);
    match created {
        Ok(mut file) => Ok(std::io::Write::write_all(&mut file, EXAMPLE.as_bytes())?),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            context.printer.warning(&format!(
                "{PROJECT_FILE} is there already and was left alone"
            ));
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
