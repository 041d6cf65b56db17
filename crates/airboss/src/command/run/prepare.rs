//! From plan, configuration and command line to what the engine flies.

use std::path::{Path, PathBuf};

use airboss_core::agent::StreamFormat;
use airboss_core::config::{self, Config};
use airboss_core::dispatch::{Flight, Policy, Unit};
use airboss_core::id::StepId;
use airboss_core::path::RepoPath;
use airboss_core::plan::{Plan, Problem, Severity, schedule};
use airboss_engine::agents::{Agent, Backend};
use airboss_engine::git::GitError;
use airboss_engine::inbox;
use airboss_engine::run::flight::{PlanFacts, criterion_gates};
use airboss_engine::run::gates::Gate;
use airboss_engine::run::{Brief, RunRequest};
use airboss_engine::supervise::Limits;
use airboss_engine::workspace::{PlanFile, Workspace};
use rustix::fs::Access;

use super::RunArguments;
use crate::error::CliError;

/// Attempts in a row that may fail for lack of something: once may be chance, three times is not
/// (`stop after 3 failures in a row`, as the earlier system had it).
const INFRA_MAX: u32 = 3;

/// Everything a run needs, or why it cannot be flown.
pub(super) fn request(
    workspace: &Workspace,
    file: &PlanFile,
    config: &Config,
    arguments: &RunArguments,
) -> Result<RunRequest, CliError> {
    let flight = flight(file, config, arguments.sequential)?;
    let output = file.output().map_err(|error| {
        CliError::refused(format!(
            "{}: the output directory is refused: {error}",
            file.key
        ))
    })?;
    Ok(RunRequest {
        airboss: std::env::current_exe()?,
        state: workspace.state.clone(),
        top: workspace.top.clone(),
        repository: workspace.repository.clone(),
        plan: file.key.clone(),
        flight,
        facts: PlanFacts::new(&file.plan, &file.name, &output),
        brief: Brief::Steps,
        plan_files: true,
        agent: agent(config)?,
        gates: gates(config, Some(&file.plan)),
        commit: config.commit,
        markers: config.markdown_write,
        excluded: own_files(file, &output),
        output,
        environment: environment(),
        words: format!("fly {} with {}", file.key, config.run.agent),
    })
}

/// Airboss's own environment, but for what would lead git elsewhere.
pub(crate) fn environment() -> Vec<(String, String)> {
    std::env::vars()
        .filter(|(name, _)| !name.starts_with("GIT_"))
        .collect()
}

/// The gates of the project, and those that a plan asks for.
pub(crate) fn gates(config: &Config, plan: Option<&Plan>) -> Vec<Gate> {
    let own = config.gates.iter().map(|(name, gate)| gate_of(name, gate));
    own.chain(plan.into_iter().flat_map(criterion_gates))
        .collect()
}

/// The limits of a run.
pub(crate) fn policy(config: &Config) -> Policy {
    Policy {
        jobs: config.run.jobs,
        batch: config.run.batch,
        agent: config.run.agent.clone(),
        rules: config.limits.retry_rules(),
        infra_max: INFRA_MAX,
        attempts_max: config.limits.iterations,
    }
}

/// The schedule and the limits of a plan, or why it cannot be flown.
pub(crate) fn flight(
    file: &PlanFile,
    config: &Config,
    sequential: bool,
) -> Result<Flight, CliError> {
    let schedule = schedule(&file.plan, sequential).map_err(|errors| refusal(file, &errors))?;
    let errors: Vec<Problem> = file
        .plan
        .problems
        .iter()
        // In plan order a dependency that cannot be read is only a warning.
        .filter(|problem| problem.severity == Severity::Error)
        .filter(|problem| !sequential || problem.code != "unreadable-dependency")
        .cloned()
        .collect();
    if !errors.is_empty() {
        return Err(refusal(file, &errors));
    }
    Ok(Flight {
        units: Unit::all(&schedule),
        policy: policy(config),
    })
}

/// Files that Airboss writes itself.
fn own_files(file: &PlanFile, output: &RepoPath) -> Vec<RepoPath> {
    let below = |name: &str| RepoPath::new(&format!("{output}/{name}"));
    let mut own: Vec<RepoPath> = ["status.json", "status.json.bak", "timestamps"]
        .map(below)
        .into_iter()
        .flatten()
        .collect();
    own.push(file.key.path().clone());
    own.push(inbox::path());
    own
}

fn gate_of(name: &str, gate: &config::Gate) -> Gate {
    Gate {
        name: name.to_owned(),
        command: gate.command.clone(),
        timeout: gate.timeout,
        scope: gate.when,
        phases: gate.phases.clone(),
        steps: gate
            .steps
            .iter()
            .map(|step| StepId::from(step.as_str()))
            .collect(),
        retry_on: gate.retry_on.clone(),
    }
}

/// The agent that the configuration names.
pub(crate) fn agent(config: &Config) -> Result<Agent, CliError> {
    let name = &config.run.agent;
    let Some(known) = config.agents.get(name) else {
        let names: Vec<&str> = config.agents.keys().map(String::as_str).collect();
        return Err(CliError::refused(format!("there is no agent `{name}`"))
            .hint(format!("known agents: {}", names.join(", ")))
            .hint(format!(
                "`[agents.{name}]` in airboss.toml describes a new one"
            )));
    };
    let limits = &config.limits;
    let backend = match known.backend {
        config::Backend::Scripted => Backend::Scripted(spoken(&known.arguments)),
        config::Backend::Command => Backend::Command,
        config::Backend::Claude => Backend::Claude,
        config::Backend::Codex => Backend::Codex,
    };
    let program = match (&known.program, backend) {
        (Some(program), _) => PathBuf::from(program),
        (None, Backend::Scripted(_)) => std::env::current_exe()?,
        (None, Backend::Claude) => PathBuf::from("claude"),
        (None, Backend::Codex) => PathBuf::from("codex"),
        (None, Backend::Command) => {
            return Err(
                CliError::refused(format!("the agent `{name}` has no program"))
                    .hint(format!("set `program` in `[agents.{name}]`")),
            );
        }
    };
    let mut arguments = known.arguments.clone();
    if matches!(backend, Backend::Scripted(_)) && known.program.is_none() {
        arguments.insert(0, "scripted-agent".to_owned());
    }
    Ok(Agent {
        name: name.clone(),
        backend,
        program,
        arguments,
        model: known.model.clone(),
        pass: known.environment.clone(),
        limits: Limits {
            deadline: known.deadline.unwrap_or(limits.deadline),
            idle: known.idle.unwrap_or(limits.idle),
            interrupt_grace: limits.interrupt_grace,
            terminate_grace: limits.terminate_grace,
            line_bytes_max: usize::try_from(limits.line_bytes).unwrap_or(usize::MAX),
            log_bytes_max: limits.log_bytes,
            flood_bytes_max: limits.flood_bytes,
        },
    })
}

/// The language that the scripted agent is told to speak.
fn spoken(arguments: &[String]) -> StreamFormat {
    let word = arguments
        .iter()
        .skip_while(|argument| *argument != "--speak")
        .nth(1);
    match word.map(String::as_str) {
        Some("claude") => StreamFormat::Claude,
        Some("codex") => StreamFormat::Codex,
        _ => StreamFormat::Plain,
    }
}

/// Refuses before anything starts when a program that the run needs is not there.
pub(crate) fn find_programs(request: &RunRequest) -> Result<(), CliError> {
    if request.repository.is_some() && on_path(Path::new("git"), &request.top).is_none() {
        return Err(CliError::refused(GitError::ProgramMissing.to_string()));
    }
    let agent = &request.agent;
    let program = &agent.program;
    if on_path(program, &request.top).is_some() {
        return Ok(());
    }
    let place = request.top.join(program);
    if is_path(program) && place.exists() {
        let message = format!(
            "the program `{}` of agent `{}` may not be executed",
            program.display(),
            agent.name
        );
        let hint = format!("`chmod +x {}`, if it is a program", place.display());
        return Err(CliError::refused(message).hint(hint));
    }
    let message = format!(
        "the program `{}` of agent `{}` was not found",
        program.display(),
        agent.name
    );
    Err(CliError::refused(message).hint(install_hint(agent, program)))
}

/// A path rather than a name that is looked up in `PATH`.
fn is_path(program: &Path) -> bool {
    program.components().count() > 1
}

/// Where a program that may be executed is: at its path below `top`, or in a directory of `PATH`.
pub(crate) fn on_path(program: &Path, top: &Path) -> Option<PathBuf> {
    let good = |file: &PathBuf| file.is_file() && rustix::fs::access(file, Access::EXEC_OK).is_ok();
    if is_path(program) {
        return Some(top.join(program)).filter(good);
    }
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|directory| directory.join(program))
        .find(good)
}

fn install_hint(agent: &Agent, program: &Path) -> String {
    match agent.backend {
        Backend::Claude => {
            "install Claude Code (npm package `@anthropic-ai/claude-code`)".to_owned()
        }
        Backend::Codex => "install Codex (npm package `@openai/codex`)".to_owned(),
        Backend::Command | Backend::Scripted(_) => format!(
            "put `{}` on PATH, or set `program` in `[agents.{}]`",
            program.display(),
            agent.name
        ),
    }
}

/// A plan's errors as one refusal that names every line.
fn refusal(file: &PlanFile, errors: &[Problem]) -> CliError {
    let mut lines = vec![format!("{} cannot be flown", file.key)];
    for problem in errors {
        let line = problem
            .line
            .map_or_else(String::new, |line| format!(":{line}"));
        lines.push(format!("  {}{line}: {}", file.key, problem.message));
        lines.push(format!("    {}", problem.remedy));
    }
    CliError::refused(lines.join("\n"))
}
