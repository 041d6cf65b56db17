//! `airboss demo`: a real flight in a temporary repository, with the scripted agent.
//!
//! Everything in it is real but the model: git, the store, supervisors, gates and
//! commits are those of any run. The repository stays for the person to look at.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use airboss_core::exit::ExitCode;
use airboss_engine::settings::{Places, Settings, trust};
use airboss_engine::workspace::Workspace;
use owo_colors::OwoColorize as _;

use super::run::{RunArguments, run};
use crate::context::Context;
use crate::error::CliError;

/// Show what Airboss does, without a network and without a model.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct DemoArguments {
    /// Make the repository here instead of in a temporary directory; it must not exist.
    #[arg(long, value_name = "DIR")]
    pub into: Option<PathBuf>,
}

const PLAN: &str = include_str!("../demo/plan.md");
const CONFIGURATION: &str = include_str!("../demo/airboss.toml");
const SCRIPT: &str = include_str!("../demo/script.toml");
/// The plan's place; its name is also the prefix of the commits.
const PLAN_PATH: &str = "plans/field-guide.md";

/// Makes the repository, flies the plan, and says where to look.
///
/// # Errors
/// When the repository cannot be made.
pub fn demo(context: &Context, arguments: &DemoArguments) -> Result<ExitCode, CliError> {
    let top = place(arguments)?;
    make_repository(&top)?;
    if !context.json {
        context.printer.note(&introduction(&top));
    }
    let inside = Context {
        directory: top.clone(),
        plan: None,
        ..context.clone()
    };
    let flight = RunArguments {
        file: Some(PathBuf::from(PLAN_PATH)),
        ..RunArguments::default()
    };
    let code = run(&inside, &flight)?;
    if !context.json {
        context.printer.note(&farewell(&top));
    }
    Ok(code)
}

fn place(arguments: &DemoArguments) -> Result<PathBuf, CliError> {
    match &arguments.into {
        Some(path) => {
            fs_err::create_dir(path)?;
            Ok(fs_err::canonicalize(path)?)
        }
        None => {
            let directory = tempfile::Builder::new().prefix("airboss-demo-").tempdir()?;
            Ok(fs_err::canonicalize(directory.keep())?)
        }
    }
}

fn make_repository(top: &Path) -> Result<(), CliError> {
    let script = top.join(".airboss/demo-script.toml");
    for (path, text) in [
        (top.join(PLAN_PATH), PLAN.to_owned()),
        (
            top.join("airboss.toml"),
            CONFIGURATION.replace("SCRIPT", ".airboss/demo-script.toml"),
        ),
        (script, SCRIPT.to_owned()),
    ] {
        if let Some(directory) = path.parent() {
            fs_err::create_dir_all(directory)?;
        }
        fs_err::write(&path, text)?;
    }
    for arguments in [
        &["init", "--quiet", "--initial-branch=main"][..],
        &["config", "user.name", "Airboss Demo"],
        &["config", "user.email", "demo@localhost"],
        &["config", "commit.gpgsign", "false"],
        &["add", "--all"],
        &[
            "commit",
            "--quiet",
            "--message",
            "demo: a plan and its settings",
        ],
    ] {
        git(top, arguments)?;
    }
    // The commands in it are this program's own, so nobody has to be asked.
    let workspace = Workspace::open(top)?;
    workspace.prepare()?;
    let settings = Settings::load(&Places::new(top, Some(&workspace.state)), &[])?;
    trust(&workspace.state, &settings.merged.digest())?;
    Ok(())
}

fn git(top: &Path, arguments: &[&str]) -> Result<(), CliError> {
    let mut command = Command::new("git");
    let scrubbed = std::env::vars_os()
        .filter(|(name, _)| name.to_string_lossy().starts_with("GIT_"))
        .map(|(name, _)| name);
    for name in scrubbed {
        command.env_remove(name);
    }
    let status = command
        .arg("-C")
        .arg(top)
        .args(arguments)
        .stdin(Stdio::null())
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            let words = arguments.first().copied().unwrap_or_default();
            Err(CliError::refused(format!(
                "`git {words}` ended with {status}"
            )))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(CliError::refused("the git program was not found on PATH")
                .hint("install git; the demo shows what Airboss commits"))
        }
        Err(error) => Err(error.into()),
    }
}

fn introduction(top: &Path) -> String {
    format!(
        "{}\nTen steps, flown by a scripted agent in {}.\nOne lies about its artifact, one hangs, \
         one breaks a check, and four run side by side.\n",
        "Airboss demo".bold(),
        top.display()
    )
}

fn farewell(top: &Path) -> String {
    let program = program_word();
    let commands = [
        (
            "git log --stat".to_owned(),
            "one commit per step, exactly its files",
        ),
        (
            format!("{program} why 2.3"),
            "the lie: what was claimed, what was found",
        ),
        (format!("{program} why 2.4"), "the agent that hung"),
        (
            format!("{program} log"),
            "everything that happened, in order",
        ),
        (format!("{program} status"), "where the plan stands"),
    ];
    let width = commands
        .iter()
        .map(|(command, _)| command.len())
        .max()
        .unwrap_or(0);
    let cd = format!("cd {}", top.display());
    let mut lines = vec![String::new(), format!("Look around: {}", cd.cyan())];
    for (command, what) in commands {
        lines.push(format!("  {command:<width$}  {}", what.dimmed()));
    }
    lines.join("\n")
}

/// How this program is called: by its name when that finds it, else by its path.
fn program_word() -> String {
    let Ok(program) = std::env::current_exe() else {
        return "airboss".to_owned();
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|directory| directory.join("airboss"));
    let same = found
        .filter_map(|known| fs_err::canonicalize(known).ok())
        .any(|it| it == program);
    if same {
        "airboss".to_owned()
    } else {
        program.display().to_string()
    }
}
