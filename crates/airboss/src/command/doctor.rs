//! `airboss doctor`: is everything as it should be, and what to do where it is not.
//!
//! Looking changes nothing. `--fix` does only what any later command would do by itself:
//! finish what dead committers left, publish files, make commits that wait. On a board it also
//! gives the later one of two equal numbers a new one, inserts status lines that are missing, and
//! sets a next number that is free.

mod board;
mod board_disk;
mod checks;
mod probe;

use airboss_core::exit::ExitCode;
use airboss_engine::git::recover;
use airboss_engine::projection::settle;
use airboss_engine::run::commits::drain;
use airboss_engine::store::{SqliteStore, Store};
use airboss_engine::workspace::Workspace;
use owo_colors::Style;
use serde::Serialize;
use serde_json::json;

use crate::command::report::require_person;
use crate::context::Context;
use crate::error::{CliError, ErrorKind};
use crate::page::{self, Page};
use crate::words;

/// Look at everything that airboss rests on, and name remedies.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct DoctorArguments {
    /// Do what is safe: finish commits of processes that died, publish files, make commits; on a
    /// board mend equal numbers, the next number and missing status lines.
    #[arg(long)]
    pub fix: bool,
}

/// How a check went.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// All is well.
    Good,
    /// Work goes on, but somebody should know.
    Warning,
    /// Something does not work.
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Check {
    /// A stable word.
    name: &'static str,
    level: Level,
    /// What was seen.
    evidence: String,
    /// What to do about it.
    remedy: Option<String>,
}

impl Check {
    fn good(name: &'static str, evidence: impl Into<String>) -> Self {
        Self {
            name,
            level: Level::Good,
            evidence: evidence.into(),
            remedy: None,
        }
    }

    fn warning(name: &'static str, evidence: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            level: Level::Warning,
            remedy: Some(remedy.into()),
            ..Self::good(name, evidence)
        }
    }

    fn problem(name: &'static str, evidence: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            level: Level::Problem,
            ..Self::warning(name, evidence, remedy)
        }
    }
}

/// Looks at everything, and with `--fix` mends what is safe to mend first.
///
/// # Errors
/// When the directory itself cannot be used, or mending fails.
pub fn doctor(context: &Context, arguments: &DoctorArguments) -> Result<ExitCode, CliError> {
    let workspace = Workspace::open(&context.directory)?;
    let fixed = if arguments.fix {
        require_person("mend what a board rests on")?;
        let mut fixed = fix(&workspace)?;
        fixed.extend(board::fix(context, &workspace)?);
        fixed
    } else {
        Vec::new()
    };
    let mut checks = checks::all(&workspace);
    checks.extend(board::all(context, &workspace));
    let worst = checks.iter().map(|check| check.level).max();
    let healthy = worst < Some(Level::Problem);
    if context.json {
        let data = json!({ "healthy": healthy, "fixed": fixed, "checks": checks });
        context.printer.json(&data);
    } else {
        for done in &fixed {
            context.printer.note(&format!("fixed: {done}"));
        }
        context.printer.data(&tell(&checks, page::width()));
    }
    Ok(if healthy {
        ExitCode::Success
    } else {
        ExitCode::Failed
    })
}

fn tell(checks: &[Check], width: usize) -> String {
    let mut page = Page::new(width);
    let columns = checks.iter().map(|check| check.name.len()).max();
    let columns = columns.unwrap_or(0) + 2;
    for check in checks {
        let (sign, style) = match check.level {
            Level::Good => ("✓", Style::new().green()),
            Level::Warning => ("!", Style::new().yellow()),
            Level::Problem => ("✗", Style::new().red()),
        };
        let label = format!("{sign} {}", check.name);
        page.field(0, (&label, style), columns, &check.evidence);
        if let Some(remedy) = &check.remedy {
            page.field(columns + 2, ("→", Style::new().cyan()), 1, remedy);
        }
    }
    let count = |level| checks.iter().filter(|check| check.level == level).count();
    let (warnings, problems) = (count(Level::Warning), count(Level::Problem));
    page.gap();
    let summary = match (problems, warnings) {
        (0, 0) => "all is well".to_owned(),
        (0, warnings) => format!("it works; {}", words::count(warnings, "warning")),
        (problems, warnings) => format!(
            "{}, {}",
            words::count(problems, "problem"),
            words::count(warnings, "warning")
        ),
    };
    page.sentence(&summary, Style::new().bold());
    page.finish()
}

/// Mends what any later command would mend; answers what it did, in words.
fn fix(workspace: &Workspace) -> Result<Vec<String>, CliError> {
    let mut done = Vec::new();
    if let Some(repository) = &workspace.repository {
        let recovered =
            recover(repository).map_err(|error| CliError::new(ErrorKind::Io, error.to_string()))?;
        if recovered.finished + recovered.undone > 0 {
            done.push(format!(
                "commits of processes that died: {} finished, {} undone",
                recovered.finished, recovered.undone
            ));
        }
    }
    if workspace.open_reader()?.is_none() {
        return Ok(done);
    }
    let mut store = workspace.open_store()?;
    let stale = store.to_publish(None)?.len();
    settle(&mut store, workspace);
    let published = stale.saturating_sub(store.to_publish(None)?.len());
    if published > 0 {
        done.push(format!("{} published", words::count(published, "file")));
    }
    done.extend(commit(workspace, &mut store)?);
    Ok(done)
}

/// Makes the commits that can be made now.
fn commit(workspace: &Workspace, store: &mut SqliteStore) -> Result<Option<String>, CliError> {
    let Some(repository) = &workspace.repository else {
        return Ok(None);
    };
    let outcomes = drain(store, repository)
        .map_err(|error| CliError::new(ErrorKind::Io, error.to_string()))?;
    let made = outcomes.iter().filter(|outcome| outcome.result.is_ok());
    let made = made.count();
    Ok((made > 0).then(|| format!("{} made", words::count(made, "commit"))))
}
