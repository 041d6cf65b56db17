//! `plan N` plans a task; `plan show` and `plan check` look at a plan file.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use airboss_core::exit::ExitCode;
use airboss_core::stage::Stage;
use airboss_engine::workspace::Workspace;

use super::stage::{How, one};
use crate::context::Context;
use crate::error::{CliError, ErrorKind};
use crate::render::{Style, plan as render};

/// A task to plan, or a plan file to look at.
#[derive(clap::Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct PlanArguments {
    /// The task.
    #[arg(value_name = "N", value_parser = super::task::number)]
    number: Option<u32>,
    #[command(flatten)]
    how: How,
    #[command(subcommand)]
    command: Option<PlanCommand>,
}

/// Plans a task, or looks at a plan file.
///
/// # Errors
/// When the task may not be planned, or the file cannot be read.
pub fn plan(context: &Context, arguments: &PlanArguments) -> Result<ExitCode, CliError> {
    match (&arguments.command, arguments.number) {
        (Some(command), _) => look(context, command),
        (None, Some(number)) => one(context, Stage::Plan, None, number, &arguments.how),
        (None, None) => Err(CliError::new(ErrorKind::Usage, "no task is named")
            .hint("`airboss plan 58` plans a task; `airboss plan show` and `check` read a file")),
    }
}

/// Look at a plan file.
#[derive(clap::Subcommand, Clone, Debug)]
pub enum PlanCommand {
    /// Show its phases, steps and criteria.
    Show {
        /// The plan's Markdown file; without it the current plan.
        file: Option<PathBuf>,
    },
    /// Name every problem; exit code 1 when it cannot be flown.
    Check {
        /// The plan's Markdown file; without it the current plan.
        file: Option<PathBuf>,
    },
}

fn look(context: &Context, command: &PlanCommand) -> Result<ExitCode, CliError> {
    let (PlanCommand::Show { file } | PlanCommand::Check { file }) = command;
    let workspace = Workspace::open(&context.directory)?;
    let path = context.plan_file(&workspace, file.as_deref())?;
    let file = workspace.read_plan(&path)?;
    let name = file.key.to_string();
    let mut text = Vec::new();
    let is_check = matches!(command, PlanCommand::Check { .. });
    if context.json {
        let json = if is_check {
            let problems = render::show_json(&file.plan)["problems"].take();
            serde_json::json!({
                "file": name,
                "runnable": file.plan.is_runnable(),
                "problems": problems,
            })
        } else {
            render::show_json(&file.plan)
        };
        context.printer.json(&json);
    } else {
        let style = style();
        if is_check {
            render::check(&file.plan, &name, &mut text, style)?;
        } else {
            render::show(&file.plan, &name, &mut text, style)?;
        }
        // Through the stream that takes colours out where they are not wanted.
        context.printer.data(&String::from_utf8_lossy(&text));
    }
    Ok(if is_check && !file.plan.is_runnable() {
        ExitCode::Failed
    } else {
        ExitCode::Success
    })
}

/// Colours are taken out again by the stream where they are not wanted.
fn style() -> Style {
    let terminal = std::io::stdout();
    let width = rustix::termios::tcgetwinsize(&terminal)
        .ok()
        .filter(|_| terminal.is_terminal())
        .map_or(Style::default().width, |size| usize::from(size.ws_col));
    Style { color: true, width }
}
