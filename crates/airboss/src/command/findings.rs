//! `write-findings` and `read-findings`: what was found out while a step was worked on.

use std::io::Read as _;
use std::path::PathBuf;

use airboss_core::exit::ExitCode;
use airboss_core::id::StepId;
use airboss_core::operation::Operation;
use airboss_core::path::RepoPath;
use airboss_core::report::{require_live, require_own};
use airboss_engine::projection::Publisher;
use airboss_engine::report::{ReportError, identify};
use airboss_engine::run::flight::findings_path;
use airboss_engine::store::{Change, Store as _};
use serde_json::json;

use super::report::own_credentials;
use crate::context::Context;
use crate::desk::{Reading, WriteOptions, Writing, output_of, unknown_step};
use crate::error::CliError;

/// Findings are read by people and put into prompts; more than this is a mix-up of files.
const FINDINGS_MAX: u64 = 16 << 20;

/// Write the findings of a step.
#[derive(clap::Args, Clone, Debug)]
#[group(id = "source", required = true, multiple = false)]
pub struct WriteArguments {
    /// The step's id in its plan.
    #[arg(value_name = "ID")]
    step: String,
    /// Take them from a file.
    #[arg(long, value_name = "PATH", group = "source")]
    file: Option<PathBuf>,
    /// Take them from standard input.
    #[arg(long, group = "source")]
    stdin: bool,
    /// Take this text.
    #[arg(
        long,
        value_name = "TEXT",
        group = "source",
        allow_hyphen_values = true
    )]
    content: Option<String>,
    #[command(flatten)]
    options: WriteOptions,
}

/// Writes the findings of a step and records where they are.
///
/// # Errors
/// When the source cannot be read, or the step is not there; nothing was changed then.
pub fn write(context: &Context, arguments: &WriteArguments) -> Result<ExitCode, CliError> {
    let content = source(context, arguments)?;
    let id = StepId::new(&arguments.step);
    let mut writing = Writing::open(context, &arguments.options)?;
    let path = findings_path(&writing.output, &id);
    let given = own_credentials()?;
    let answer = json!({ "success": true, "taskId": id, "findingsPath": path });
    let operation = Operation::FindingsWritten {
        step: id.clone(),
        path: path.clone(),
    };
    let publish = writing.stale(std::slice::from_ref(&operation));
    let Some(step) = writing.store.step(&writing.key, &id)? else {
        let view = writing.store.view(&writing.key)?;
        return Err(unknown_step(&id, view.as_ref()));
    };
    if let Some(given) = &given {
        let known = identify(&writing.store, &writing.workspace.state, given)?;
        require_live(&known.attempt).map_err(ReportError::from)?;
        require_own(&step, given.attempt).map_err(ReportError::from)?;
    }
    // The file comes first: a recorded path always has its file. A repetition writes the same
    // bytes once more.
    Publisher::new(&writing.workspace).write(&path, &content)?;
    let answer = writing.decide(&id, &mut |standing| {
        if let Some(given) = &given {
            let own = require_own(&standing.step, given.attempt);
            own.map_err(|refused| CliError::from(ReportError::from(refused)))?;
        }
        Ok(Change {
            operations: vec![operation.clone()],
            publish: publish.clone(),
            result: answer.clone(),
            ..Change::default()
        })
    })?;
    writing.finish(context, &answer, |answer| {
        answer["findingsPath"].as_str().unwrap_or("").to_owned()
    })
}

fn source(context: &Context, arguments: &WriteArguments) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    if let Some(file) = &arguments.file {
        let file = fs_err::File::open(context.directory.join(file))?;
        file.take(FINDINGS_MAX + 1).read_to_end(&mut bytes)?;
    } else if let Some(text) = &arguments.content {
        bytes.extend_from_slice(text.as_bytes());
    } else {
        std::io::stdin()
            .lock()
            .take(FINDINGS_MAX + 1)
            .read_to_end(&mut bytes)?;
    }
    if bytes.len() as u64 > FINDINGS_MAX {
        let message = format!("findings may have at most {} MiB", FINDINGS_MAX >> 20);
        return Err(
            CliError::refused(message).hint("write a summary, and name the large file in it")
        );
    }
    Ok(bytes)
}

/// Print the findings of a step.
#[derive(clap::Args, Clone, Debug)]
pub struct ReadArguments {
    /// The step's id in its plan.
    #[arg(value_name = "ID")]
    step: String,
}

/// Prints the findings of a step as they are.
///
/// # Errors
/// When there are none.
pub fn read(context: &Context, arguments: &ReadArguments) -> Result<ExitCode, CliError> {
    let (place, bytes) = found(context, &StepId::new(&arguments.step))?;
    if context.json {
        let content = String::from_utf8_lossy(&bytes);
        context
            .printer
            .json(&json!({ "findingsPath": place, "content": content }));
    } else {
        context.printer.raw(&bytes);
    }
    Ok(ExitCode::Success)
}

/// The findings of a step, and where they are.
///
/// # Errors
/// When there are none.
pub(crate) fn found(context: &Context, id: &StepId) -> Result<(RepoPath, Vec<u8>), CliError> {
    let reading = Reading::open(context)?;
    let step = reading.step(id)?;
    let mut places: Vec<RepoPath> = step.state.findings.iter().cloned().collect();
    let output = output_of(&reading.file()?)?;
    places.push(findings_path(&output, id));
    places.extend(RepoPath::new(&format!("{output}/findings/{id}.md")).ok());
    let dashed = format!("{}-", id.as_str().replace('.', "-"));
    let directory = reading.workspace.top.join(&output).join("findings");
    for entry in fs_err::read_dir(directory).into_iter().flatten().flatten() {
        if let Some(name) = entry.file_name().to_str()
            && name.starts_with(&dashed)
            && name.ends_with(".md")
        {
            places.extend(RepoPath::new(&format!("{output}/findings/{name}")).ok());
        }
    }
    for place in places {
        if let Ok(bytes) = fs_err::read(reading.workspace.top.join(&place)) {
            return Ok((place, bytes));
        }
    }
    Err(CliError::refused(format!("step {id} has no findings"))
        .hint(format!("`airboss write-findings {id} --stdin` writes them")))
}
