//! The checks of what lies in the directory of a board: artifacts, directories, locks of others.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use airboss_core::board::directory::{Directory, Shelf};
use airboss_core::board::{Place, Task};
use airboss_engine::board::{LookAround, task_directories};

use super::Check;
use super::board::{Look, named};
use crate::error::CliError;
use crate::words;

/// The folders of a task in which artifacts lie.
const FOLDERS: [&str; 4] = ["reports", "plans", "summaries", "debug"];

/// Files by which other programs remember something about a task.
const MARKERS: [&str; 2] = [".postflight-pending", ".orchestrator-loop-guard"];

pub(super) fn checks(look: &Look<'_>) -> Result<Vec<Check>, CliError> {
    let directories = task_directories(&look.places.root())?;
    let mut checks = Vec::new();
    checks.extend(missing(look)?);
    checks.extend(phantoms(look, &directories));
    checks.extend(orphans(look, &directories));
    checks.extend(foreign_locks(look, &directories));
    Ok(checks)
}

fn linked(task: &Task) -> impl Iterator<Item = &str> {
    let artifacts = task.artifacts.iter().map(|it| it.path.as_str());
    artifacts.chain(task.plan.as_deref())
}

/// Links to files that are not there.
fn missing(look: &Look<'_>) -> Result<Option<Check>, CliError> {
    let around = LookAround::new(look.workspace, look.places, look.store)?;
    let gone = look.board.active().flat_map(|task| {
        let missing = around.missing(task).into_iter();
        missing.map(|path| format!("task {}: {path}", task.number))
    });
    let gone: Vec<String> = gone.collect();
    let evidence = format!("linked, and missing or empty: {}", named(&gone));
    let remedy = "bring the file back, or `airboss task unlink N PATH`";
    Ok((!gone.is_empty()).then(|| Check::problem("missing artifacts", evidence, remedy)))
}

/// Files among a task's artifacts that its entry does not link.
fn phantoms(look: &Look<'_>, directories: &[String]) -> Option<Check> {
    let mut found = Vec::new();
    for task in look.board.active() {
        let Some(home) = look.places.directory(task) else {
            continue;
        };
        if !directories.contains(&home) {
            continue;
        }
        let known: BTreeSet<_> = linked(task)
            .filter_map(|path| look.places.resolve(task, path))
            .collect();
        for folder in FOLDERS {
            for path in files(&look.places.root().join(&home).join(folder)) {
                let name = path.file_name().and_then(|name| name.to_str());
                let inside = name.map(|name| format!("{home}/{folder}/{name}"));
                let path = inside.and_then(|inside| look.places.board.file(&inside).ok());
                if let Some(path) = path.filter(|path| !known.contains(path)) {
                    found.push(format!("task {}: {path}", task.number));
                }
            }
        }
    }
    let evidence = format!(
        "in a task's directory, and linked nowhere: {}",
        named(&found)
    );
    let remedy = "`airboss task link N PATH` links them";
    (!found.is_empty()).then(|| Check::warning("phantom artifacts", evidence, remedy))
}

/// The files in a directory that have something in them, by name.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(directory).into_iter().flatten();
    let entries = entries.filter_map(Result::ok);
    let full = entries.filter(|entry| {
        let facts = entry.metadata();
        facts.is_ok_and(|facts| facts.is_file() && facts.len() > 0)
    });
    let mut paths: Vec<_> = full.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// Directories of tasks that are not there.
fn orphans(look: &Look<'_>, directories: &[String]) -> Option<Check> {
    let numbers = |task: &Task| {
        let mut all = task.former_numbers.clone();
        all.push(task.number);
        all
    };
    let tasks = look.board.tasks.values();
    let standing = tasks.filter(|task| task.place != Place::Removed);
    let known: BTreeSet<u32> = standing.flat_map(numbers).collect();
    let orphans: Vec<_> = directories
        .iter()
        .filter(|path| {
            Directory::parse(path).is_some_and(|directory| {
                directory.shelf == Shelf::Root && !known.contains(&directory.number)
            })
        })
        .map(|path| format!("{path}/"))
        .collect();
    let evidence = format!("directories without a task: {}", named(&orphans));
    let remedy = "look what is in them: bring the task back or move them to archive/; --fix \
                  leaves them";
    (!orphans.is_empty()).then(|| Check::warning("orphan directories", evidence, remedy))
}

/// Locks and markers of other programs. Airboss itself puts none beside the files of a board.
fn foreign_locks(look: &Look<'_>, directories: &[String]) -> Option<Check> {
    let root = look.places.root();
    let mut found = Vec::new();
    let entries = fs_err::read_dir(&root).into_iter().flatten();
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        let is_lock = path.extension().is_some_and(|ending| ending == "lock");
        if is_lock {
            found.push(path);
        }
    }
    let homes = directories.iter().map(|directory| root.join(directory));
    for home in homes.chain([root.clone()]) {
        let markers = MARKERS.map(|name| home.join(name));
        found.extend(markers.into_iter().filter(|path| path.exists()));
    }
    found.sort();
    let told: Vec<_> = found.iter().map(|path| with_age(look, path)).collect();
    let evidence = format!("left by other programs: {}", named(&told));
    let remedy = "remove them when those programs are over; --fix never does";
    (!told.is_empty()).then(|| Check::warning("foreign locks", evidence, remedy))
}

fn with_age(look: &Look<'_>, path: &Path) -> String {
    let shown = path.strip_prefix(&look.places.top).unwrap_or(path);
    let shown = shown.display();
    let facts = path.symlink_metadata().ok();
    let kind = match facts.as_ref().is_some_and(std::fs::Metadata::is_dir) {
        true => ", a directory",
        false => "",
    };
    let changed = facts.and_then(|facts| facts.modified().ok());
    let age = changed.and_then(|at| SystemTime::now().duration_since(at).ok());
    let age = age.map_or_else(|| "of the future".to_owned(), words::duration);
    format!("{shown}{kind} ({age} old)")
}
