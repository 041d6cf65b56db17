//! `doctor`: is everything as it should be, and what to do where it is not.

use std::path::{Path, PathBuf};

use airboss_core::exit::ExitCode;
use airboss_core::text::sanitize;
use airboss_engine::git::deferral;
use airboss_engine::settings::{Places, Settings};
use airboss_engine::store::{SqliteStore, Store as _};
use airboss_engine::workspace::Workspace;
use serde_json::{Value, json};

use super::retry::stuck_steps;
use crate::context::Context;
use crate::error::CliError;

/// One thing that was looked at.
struct Check {
    name: &'static str,
    /// `None`: all is well.
    remedy: Option<String>,
    evidence: String,
}

impl Check {
    fn well(name: &'static str, evidence: impl Into<String>) -> Self {
        Self {
            name,
            remedy: None,
            evidence: evidence.into(),
        }
    }

    fn ill(name: &'static str, evidence: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            name,
            remedy: Some(remedy.into()),
            evidence: evidence.into(),
        }
    }
}

/// Looks at everything that Airboss rests on; writes nothing.
///
/// # Errors
/// When the directory itself cannot be read.
pub fn doctor(context: &Context) -> Result<ExitCode, CliError> {
    let workspace = Workspace::open(&context.directory)?;
    let mut checks = vec![git(&workspace), git_state(&workspace)];
    checks.push(match workspace.store_place() {
        Ok(place) => Check::well(
            "file system",
            match place.moved {
                Some(moved) => moved,
                None => format!("{} is on a local disk", workspace.state.display()),
            },
        ),
        Err(error) => Check::ill("file system", error.to_string(), "work on a local disk"),
    });
    let store = match workspace.open_reader() {
        Ok(store) => {
            checks.push(match &store {
                Some(_) => Check::well("store", "it opens and can be read"),
                None => Check::well("store", "there is none yet"),
            });
            store
        }
        Err(error) => {
            checks.push(Check::ill(
                "store",
                error.to_string(),
                "see the message; nothing is lost by waiting",
            ));
            None
        }
    };
    checks.push(agent(&workspace));
    if let Some(store) = &store {
        checks.extend(pending(store));
        checks.push(stuck(store)?);
    }
    checks.push(leftovers(&workspace.state.join("tmp")));
    let well = checks.iter().all(|check| check.remedy.is_none());
    let list: Vec<Value> = checks
        .iter()
        .map(|check| {
            json!({
                "name": check.name,
                "ok": check.remedy.is_none(),
                "evidence": check.evidence,
                "remedy": check.remedy,
            })
        })
        .collect();
    let answer = json!({ "healthy": well, "checks": list });
    context.answer(&answer, |_| sanitize(&words(&checks)));
    Ok(if well {
        ExitCode::Success
    } else {
        ExitCode::Failed
    })
}

fn words(checks: &[Check]) -> String {
    let lines: Vec<String> = checks
        .iter()
        .map(|check| match &check.remedy {
            None => format!("ok    {}: {}", check.name, check.evidence),
            Some(remedy) => format!(
                "FAIL  {}: {}\n      remedy: {remedy}",
                check.name, check.evidence
            ),
        })
        .collect();
    lines.join("\n")
}

fn git(workspace: &Workspace) -> Check {
    if workspace.repository.is_none() {
        let evidence = format!("{} is not in a git repository", workspace.top.display());
        return Check::ill(
            "git",
            evidence,
            "`git init`, so that verified work can be committed",
        );
    }
    match find_program("git") {
        Some(program) => Check::well("git", program.display().to_string()),
        None => Check::ill("git", "the git program is not on PATH", "install git"),
    }
}

fn git_state(workspace: &Workspace) -> Check {
    let state = workspace.repository.clone();
    match state.as_ref().map(deferral) {
        None => Check::well("commits", "none are made without git"),
        Some(Ok(None)) => Check::well("commits", "they can be made"),
        Some(Ok(Some(reason))) => Check::ill(
            "commits",
            format!("they are put off: {reason}"),
            "finish what git is in the middle of; they are made afterwards",
        ),
        Some(Err(error)) => Check::ill("commits", error.to_string(), "see the message"),
    }
}

fn agent(workspace: &Workspace) -> Check {
    let places = Places::new(&workspace.top, Some(&workspace.state));
    let settings = match Settings::load(&places, &[]) {
        Ok(settings) => settings,
        Err(error) => return Check::ill("configuration", error.to_string(), "mend the file"),
    };
    if let Err(error) = settings.require_trust() {
        return Check::ill("configuration", error.to_string(), "`airboss trust`");
    }
    let name = settings.config.run.agent.clone();
    let configured = settings.config.agents.get(&name);
    let program = configured
        .and_then(|agent| agent.program.clone())
        .unwrap_or_else(|| name.clone());
    if name == "scripted" {
        return Check::well("agent", "the scripted agent is part of airboss");
    }
    match find_program(&program) {
        Some(path) => Check::well("agent", format!("{name}: {}", path.display())),
        None => Check::ill(
            "agent",
            format!("{name}: the program `{program}` is not on PATH"),
            "install it, or set run.agent in airboss.toml to one that is there",
        ),
    }
}

fn find_program(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|path| path.is_file());
    }
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|directory| directory.join(program))
        .find(|path| path.is_file())
}

fn pending(store: &SqliteStore) -> Vec<Check> {
    let files = match store.to_publish(None) {
        Ok(rows) if rows.is_empty() => Check::well("files", "all are published"),
        Ok(rows) => {
            let names: Vec<String> = rows.iter().map(|row| row.path.to_string()).collect();
            let evidence = format!("not up to date: {}", names.join(", "));
            Check::ill("files", evidence, "`airboss sync` says what is in the way")
        }
        Err(error) => Check::ill("files", error.to_string(), "see the message"),
    };
    let commits = match store.git_wishes() {
        Ok(wishes) if wishes.is_empty() => Check::well("pending commits", "none"),
        Ok(wishes) => Check::ill(
            "pending commits",
            format!("{} wait to be made", wishes.len()),
            "the next `airboss run` makes them",
        ),
        Err(error) => Check::ill("pending commits", error.to_string(), "see the message"),
    };
    vec![files, commits]
}

fn stuck(store: &SqliteStore) -> Result<Check, CliError> {
    let mut stuck = Vec::new();
    for plan in store.plans()? {
        let view = store.view(&plan)?.unwrap_or_default();
        stuck.extend(
            stuck_steps(&view)
                .iter()
                .map(|step| format!("{plan} {}", step.record.id)),
        );
    }
    Ok(if stuck.is_empty() {
        Check::well("stuck steps", "none")
    } else {
        Check::ill(
            "stuck steps",
            stuck.join(", "),
            "`airboss detect-stuck` ends them",
        )
    })
}

/// A crash in the middle of a publication may leave here what a person had saved.
fn leftovers(directory: &Path) -> Check {
    let count = fs_err::read_dir(directory).map_or(0, Iterator::count);
    if count == 0 {
        return Check::well("leftovers", "none");
    }
    let evidence = format!("{count} files in {}", directory.display());
    Check::ill("leftovers", evidence, "look at them, then delete them")
}
