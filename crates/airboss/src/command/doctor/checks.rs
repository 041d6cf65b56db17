//! The checks of `doctor`, in the order in which they build on each other.

use std::path::{Path, PathBuf};

use airboss_core::attempt::AttemptStatus;
use airboss_core::config::{Backend, Config};
use airboss_core::operation::StepStatus;
use airboss_core::step::STUCK_AFTER;
use airboss_engine::clock;
use airboss_engine::git::{DeferReason, Repository, deferral};
use airboss_engine::run::attempt_files::directory;
use airboss_engine::settings::{Places, Settings};
use airboss_engine::store::{SqliteStore, Store as _, StoreError};
use airboss_engine::supervise;
use airboss_engine::workspace::{Workspace, WorkspaceError};

use super::{Check, probe};
use crate::command::log::attempt_name;
use crate::command::run::prepare::on_path;
use crate::command::why::deferral_of;
use crate::words;

/// Everything that is looked at.
pub(super) fn all(workspace: &Workspace) -> Vec<Check> {
    let mut checks = vec![git_program(workspace), repository(workspace)];
    checks.extend(locks(workspace));
    checks.push(file_system(workspace));
    checks.extend(configuration(workspace));
    match workspace.open_reader() {
        Ok(Some(store)) => {
            checks.push(Check::good(
                "store",
                format!("{} can be read", place(workspace)),
            ));
            checks.extend(
                recorded(workspace, &store).unwrap_or_else(|error| vec![unreadable(&error)]),
            );
        }
        Ok(None) => checks.push(Check::good(
            "store",
            "there is none yet; the first run makes it",
        )),
        Err(WorkspaceError::Store(error)) => checks.push(unreadable(&error)),
        Err(error) => {
            let remedy = "the message names what is in the way";
            checks.push(Check::problem("store", error.to_string(), remedy));
        }
    }
    checks
}

fn place(workspace: &Workspace) -> String {
    let place = workspace.store_place();
    place.map_or_else(
        |_| workspace.state.display().to_string(),
        |place| place.directory.display().to_string(),
    )
}

fn unreadable(error: &StoreError) -> Check {
    let remedy = match error {
        StoreError::Newer { .. } => "update airboss",
        StoreError::Busy { .. } => "try again, or end the process that holds it",
        _ => "nothing was lost by looking; the message says what to do",
    };
    Check::problem("store", error.to_string(), remedy)
}

/// What the store's content tells.
fn recorded(workspace: &Workspace, store: &SqliteStore) -> Result<Vec<Check>, StoreError> {
    let mut checks = vec![runs(store)?];
    checks.push(steps(store)?);
    checks.push(attempts(workspace, store)?);
    checks.push(processes(workspace, store)?);
    checks.push(files(store)?);
    checks.push(commits(workspace, store)?);
    Ok(checks)
}

/// The oldest git whose options are all there; the engine names it when there is no git.
const GIT_OLDEST: (u32, u32) = (2, 35);

fn git_program(workspace: &Workspace) -> Check {
    let Some(program) = on_path(Path::new("git"), &workspace.top) else {
        let remedy = "install git 2.35 or later";
        return match workspace.repository {
            Some(_) => Check::problem("git", "the git program is not on PATH", remedy),
            None => Check::warning("git", "the git program is not on PATH", remedy),
        };
    };
    match probe::version(&program) {
        Ok(version) if git_is_old(&version) => {
            Check::problem("git", version, "install git 2.35 or later")
        }
        Ok(version) => Check::good("git", format!("{version}, {}", program.display())),
        Err(reason) => Check::problem(
            "git",
            format!("{}: {reason}", program.display()),
            "run `git --version` by hand",
        ),
    }
}

/// Of `git version 2.47.3 (Apple Git-1)` the two first numbers count.
fn git_is_old(version: &str) -> bool {
    let mut numbers = version
        .split_whitespace()
        .nth(2)
        .unwrap_or_default()
        .split('.')
        .map_while(|number| number.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) => (major, minor) < GIT_OLDEST,
        _ => false,
    }
}

fn repository(workspace: &Workspace) -> Check {
    let Some(repository) = &workspace.repository else {
        return Check::warning(
            "repository",
            format!(
                "{} is not in a git repository: nothing is committed",
                workspace.top.display()
            ),
            "`git init`, so that each step's work gets a commit of its own",
        );
    };
    match deferral(repository) {
        Ok(None) => Check::good(
            "repository",
            format!("{}: commits can be made", workspace.top.display()),
        ),
        Ok(Some(reason)) => Check::warning(
            "repository",
            format!("commits wait: {reason}"),
            deferral_remedy(reason),
        ),
        Err(error) => Check::problem("repository", error.to_string(), "`git status` says more"),
    }
}

fn deferral_remedy(reason: DeferReason) -> &'static str {
    match reason {
        DeferReason::UnbornHead => "make the first commit yourself",
        DeferReason::DetachedHead => "switch to a branch; the commits are made there",
        DeferReason::IndexLocked | DeferReason::BranchLocked | DeferReason::Busy => {
            "they are made when it is free"
        }
        _ => "finish or abort it; the commits are made afterwards, nothing is lost",
    }
}

/// Lock files and claims that nobody holds.
fn locks(workspace: &Workspace) -> Vec<Check> {
    let Some(repository) = &workspace.repository else {
        return Vec::new();
    };
    let claims = probe::dead_claims(&repository.common_dir().join("airboss/claims"));
    let mut checks = Vec::new();
    if !claims.is_empty() {
        let evidence = format!(
            "{} of processes that died",
            words::count(claims.len(), "commit")
        );
        checks.push(Check::warning(
            "claims",
            evidence,
            "`airboss doctor --fix` finishes them",
        ));
    }
    checks.extend(index_lock(repository, &claims));
    if checks.is_empty() {
        checks.push(Check::good("locks", "none are left over"));
    }
    checks
}

/// A lock file this old is not that of a git command at work.
const LOCK_OLD: std::time::Duration = std::time::Duration::from_secs(60);

fn index_lock(repository: &Repository, claims: &[String]) -> Option<Check> {
    let lock = repository.git_dir().join("index.lock");
    let metadata = lock.symlink_metadata().ok()?;
    let content = fs_err::read_to_string(&lock).unwrap_or_default();
    if claims.contains(&content) {
        let evidence = format!("{} was left by an airboss that died", lock.display());
        return Some(Check::warning(
            "index.lock",
            evidence,
            "`airboss doctor --fix` removes it",
        ));
    }
    let age = metadata.modified().ok()?.elapsed().unwrap_or_default();
    if age < LOCK_OLD {
        let evidence = "a git command is at work";
        return Some(Check::good("index.lock", evidence));
    }
    Some(Check::warning(
        "index.lock",
        format!(
            "{} is {} old: commits wait for it",
            lock.display(),
            words::duration(age)
        ),
        "remove it if no git command is running",
    ))
}

fn file_system(workspace: &Workspace) -> Check {
    match workspace.store_place() {
        Ok(place) => match place.moved {
            Some(moved) => Check::good("file system", moved),
            None => {
                let kind = probe::file_system(&workspace.top);
                Check::good("file system", format!("{kind}, on this machine"))
            }
        },
        Err(error) => Check::problem(
            "file system",
            error.to_string(),
            "set XDG_STATE_HOME to a directory on a local disk",
        ),
    }
}

fn configuration(workspace: &Workspace) -> Vec<Check> {
    let places = Places::new(&workspace.top, Some(&workspace.state));
    let settings = match Settings::load(&places, &[]) {
        Ok(settings) => settings,
        Err(error) => {
            let remedy = "mend the line; `docs/configuration.md` lists what each key takes";
            return vec![Check::problem("configuration", error.to_string(), remedy)];
        }
    };
    let mut checks = Vec::new();
    for warning in &settings.warnings {
        checks.push(Check::warning(
            "configuration",
            warning,
            "mend or remove the line",
        ));
    }
    if checks.is_empty() {
        checks.push(Check::good("configuration", "every setting was understood"));
    }
    checks.push(match settings.require_trust() {
        Ok(()) => Check::good(
            "trust",
            match settings.merged.guarded().len() {
                0 => "the repository sets no commands".to_owned(),
                count => format!(
                    "the repository's {} are trusted",
                    words::count(count, "command setting")
                ),
            },
        ),
        Err(error) => Check::problem(
            "trust",
            error.to_string(),
            "`airboss trust` shows them and asks; nothing is flown before",
        ),
    });
    checks.extend(agents(&settings.config, &workspace.top));
    checks
}

/// The agent that flies has to be there; others are only told.
fn agents(config: &Config, top: &Path) -> Vec<Check> {
    let flying = &config.run.agent;
    let mut checks = Vec::new();
    if !config.agents.contains_key(flying) {
        checks.push(Check::problem(
            "agent",
            format!("run.agent is `{flying}`, and there is no such agent"),
            format!("describe it in `[agents.{flying}]`, or set run.agent to another one"),
        ));
    }
    for (name, agent) in &config.agents {
        let program = match (&agent.program, agent.backend) {
            (Some(program), _) => PathBuf::from(program),
            (None, Backend::Claude) => PathBuf::from("claude"),
            (None, Backend::Codex) => PathBuf::from("codex"),
            (None, Backend::Scripted) => {
                let evidence = format!("{name}: the scripted agent is part of airboss");
                checks.push(Check::good("agent", evidence));
                continue;
            }
            (None, Backend::Command) => {
                let remedy = format!("set `program` in `[agents.{name}]`");
                checks.push(Check::problem(
                    "agent",
                    format!("{name} has no program"),
                    remedy,
                ));
                continue;
            }
        };
        checks.push(agent_program(name, &program, top, name == flying));
    }
    checks
}

fn agent_program(name: &str, program: &Path, top: &Path, flies: bool) -> Check {
    let Some(found) = on_path(program, top) else {
        let shown = program.display();
        let evidence = format!("{name}: the program `{shown}` is not on PATH");
        let remedy = format!("install it, or set `program` in `[agents.{name}]`");
        return if flies {
            Check::problem("agent", evidence, remedy)
        } else {
            Check::good(
                "agent",
                format!("{name}: not on PATH, and not asked to fly"),
            )
        };
    };
    match probe::version(&found) {
        Ok(version) => Check::good("agent", format!("{name}: {version}, {}", found.display())),
        Err(reason) => Check::warning(
            "agent",
            format!("{name}: `{} --version` {reason}", found.display()),
            "run it by hand; a program without that option is no mistake",
        ),
    }
}

fn runs(store: &SqliteStore) -> Result<Check, StoreError> {
    let (mut flying, mut gone) = (Vec::new(), Vec::new());
    for plan in store.plans()? {
        for run in store.runs(&plan)? {
            let (None, Some(runner)) = (run.ended, &run.runner) else {
                continue;
            };
            if supervise::is_alive(runner) {
                flying.push(format!("{plan} is flown by process {}", runner.pid));
            } else {
                gone.push(format!(
                    "{plan}: the process of run {} is gone",
                    run.id.short()
                ));
            }
        }
    }
    Ok(if gone.is_empty() {
        flying.push("every other run has ended".to_owned());
        let evidence = if flying.len() == 1 {
            "every run has ended".to_owned()
        } else {
            flying.join("; ")
        };
        Check::good("runs", evidence)
    } else {
        Check::warning("runs", gone.join("; "), "`airboss run` goes on from there")
    })
}

fn steps(store: &SqliteStore) -> Result<Check, StoreError> {
    let now = clock::now();
    let mut alone = Vec::new();
    let mut stuck = false;
    for plan in store.plans()? {
        let Some(view) = store.view(&plan)? else {
            continue;
        };
        let open = view.open_attempts();
        for step in &view.steps {
            let worked_on = open
                .iter()
                .any(|attempt| Some(attempt.id) == step.state.attempt);
            if step.state.status != StepStatus::InProgress || worked_on || step.state.vanished {
                continue;
            }
            let since = now.since(step.state.started_at.unwrap_or_default());
            stuck |= since > STUCK_AFTER;
            alone.push(format!(
                "{} of {plan} for {}",
                step.record.id,
                words::duration(since)
            ));
        }
    }
    let evidence = format!("in progress by hand: {}", alone.join(", "));
    Ok(if alone.is_empty() {
        Check::good("steps", "none is in progress without an attempt")
    } else if stuck {
        Check::warning(
            "steps",
            evidence,
            "`airboss detect-stuck` or the next run ends the stuck ones",
        )
    } else {
        Check::good("steps", evidence)
    })
}

fn attempts(workspace: &Workspace, store: &SqliteStore) -> Result<Check, StoreError> {
    let open = store.open_attempts()?;
    let mut dead = Vec::new();
    for known in &open {
        let attempt = &known.attempt;
        let supervisor = supervise::supervisor(&directory(&workspace.state, attempt.id));
        let supervisor = supervisor.or_else(|| attempt.supervisor.clone());
        let lives = supervisor.as_ref().is_some_and(supervise::is_alive);
        if attempt.status != AttemptStatus::Ended && !lives {
            dead.push(attempt_name(&attempt.steps, attempt.number));
        }
    }
    Ok(if dead.is_empty() {
        let evidence = match open.len() {
            0 => "none is open".to_owned(),
            count => format!("{count} open, each with its supervisor"),
        };
        Check::good("attempts", evidence)
    } else {
        Check::warning(
            "attempts",
            format!("the supervisor is gone of {}", dead.join(", ")),
            "the next `airboss run` looks at what they left and tries again",
        )
    })
}

/// Processes of attempts that are over.
fn processes(workspace: &Workspace, store: &SqliteStore) -> Result<Check, StoreError> {
    let mut left = Vec::new();
    for process in probe::attempt_processes() {
        let Some(known) = store.attempt(process.attempt)? else {
            continue; // Another repository's.
        };
        let supervisor = supervise::supervisor(&directory(&workspace.state, process.attempt));
        if supervisor.as_ref().is_some_and(supervise::is_alive) {
            continue;
        }
        let name = attempt_name(&known.attempt.steps, known.attempt.number);
        left.push(format!("{} {} of {name}", process.pid, process.name));
    }
    Ok(if left.is_empty() {
        Check::good("processes", "no agent left any behind")
    } else {
        Check::problem(
            "processes",
            format!("left by agents that are over: {}", left.join(", ")),
            "the next `airboss run` ends those of open attempts; `kill` ends the others",
        )
    })
}

fn files(store: &SqliteStore) -> Result<Check, StoreError> {
    let rows = store.to_publish(None)?;
    let mut names: Vec<String> = rows.iter().map(|row| row.path.to_string()).collect();
    names.sort();
    names.dedup();
    Ok(if names.is_empty() {
        Check::good("files", "status files and markers show what is stored")
    } else {
        Check::warning(
            "files",
            format!("not up to date: {}", names.join(", ")),
            "`airboss doctor --fix` or the next command that writes brings them up to date",
        )
    })
}

fn commits(workspace: &Workspace, store: &SqliteStore) -> Result<Check, StoreError> {
    let wishes = store.git_wishes()?;
    let Some(first) = wishes.first() else {
        return Ok(Check::good("commits", "none is waiting"));
    };
    let now = workspace
        .repository
        .as_ref()
        .and_then(|repository| deferral(repository).ok().flatten());
    let (reason, remedy) = match now {
        Some(reason) => (reason.to_string(), deferral_remedy(reason)),
        None => (
            match deferral_of(store, first.sequence)? {
                Some(was) => format!("nothing is in the way any more (it was: {was})"),
                None => "nothing is in the way".to_owned(),
            },
            "`airboss doctor --fix` or the next `airboss run` makes them",
        ),
    };
    let steps: Vec<String> = wishes.iter().map(|wish| words::ids(&wish.steps)).collect();
    let evidence = format!(
        "{} waiting (steps {}): {reason}",
        words::count(wishes.len(), "commit"),
        steps.join(", ")
    );
    Ok(Check::warning("commits", evidence, remedy))
}
