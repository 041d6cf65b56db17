//! Whether every file says what the store says; only reads.

use std::collections::BTreeSet;

use airboss_core::board::compare::changes_between;
use airboss_core::board::facts::List;
use airboss_core::board::{Board, Field, Task, TaskChange, TaskFacts};
use airboss_core::path::RepoPath;
use airboss_core::plan::{PhaseLookup, Plan};
use fs_err as fs;
use serde::Serialize;

use super::adopt::read_list;
use super::desk::BoardError;
use super::files::bases;
use super::list_file::Identifier;
use super::places::Places;
use super::single;
use crate::store::{PublishItem, Store};
use crate::workspace::Workspace;

/// A difference between a file and the store.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Difference {
    /// The file.
    pub path: RepoPath,
    /// The line, where there is one.
    pub line: Option<usize>,
    /// The task.
    pub task: Option<u32>,
    /// What the file says and what the store says.
    pub message: String,
}

/// Compares every file of the board with the store. Empty: they are equal.
///
/// # Errors
/// When the store or a file cannot be read. A damaged file is a difference, not an error.
pub fn verify(
    workspace: &Workspace,
    store: &dyn Store,
    places: &Places,
) -> Result<Vec<Difference>, BoardError> {
    let mut differences = Vec::new();
    let view = store.board(&places.board)?.unwrap_or_default();
    let waiting = store.to_publish(Some(&places.board.log()))?;
    let mut damaged = BTreeSet::new();
    for item in places.lists() {
        if !list(workspace, store, places, &view, &item, &mut differences)? {
            damaged.insert(item.path);
        }
    }
    for task in view.active() {
        phases(places, task, &mut differences);
    }
    let waiting = waiting.into_iter().map(|row| Difference {
        message: if !damaged.contains(&row.path) {
            "it is not published yet; the next command that writes does it".to_owned()
        } else {
            "it is not published yet: what stands there has to be mended first".to_owned()
        },
        path: row.path,
        line: None,
        task: None,
    });
    Ok(waiting.chain(differences).collect())
}

/// Compares one list; `false` when what stands there is damaged.
fn list(
    workspace: &Workspace,
    store: &dyn Store,
    places: &Places,
    view: &Board,
    item: &PublishItem,
    differences: &mut Vec<Difference>,
) -> Result<bool, BoardError> {
    let mut differs = |line: Option<usize>, task: Option<u32>, message: String| {
        differences.push(Difference {
            path: item.path.clone(),
            line,
            task,
            message,
        });
    };
    let read = match read_list(workspace, item) {
        Ok(Some(read)) => read,
        Ok(None) => {
            differs(None, None, "it is missing".to_owned());
            return Ok(true);
        }
        Err(BoardError::Damaged(damaged)) => {
            differs(None, None, damaged.error.to_string());
            return Ok(false);
        }
        Err(error) => return Err(error),
    };
    if let (Some(file), Some(stored)) = (read.parsed.next_number, view.next_number)
        && file != stored
    {
        differs(
            None,
            None,
            format!("the next number is {file}, in the store {stored}"),
        );
    }
    let bases = bases(store, &places.board, &item.path)?;
    let identifier = Identifier::new(view);
    for facts in &read.parsed.facts {
        if identifier.task(facts).is_none() && facts.list == List::Active {
            let message = format!("task {} is not known to the store", facts.number);
            differs(Some(facts.line), Some(facts.number), message);
        }
    }
    let on_disk = identifier.facts(&read.parsed);
    for task in view.active() {
        let number = Some(task.number);
        let Some(facts) = on_disk.get(&task.id) else {
            // What never stood in this file need not.
            if bases.contains_key(&task.id) {
                differs(None, number, format!("task {} is missing", task.number));
            }
            continue;
        };
        let base = bases.get(&task.id).map(|base| &base.facts);
        for message in about_task(task, facts, base) {
            differs(Some(facts.line), number, message);
        }
    }
    Ok(true)
}

/// What differs about one task.
fn about_task(task: &Task, facts: &TaskFacts, base: Option<&TaskFacts>) -> Vec<String> {
    let mut messages = Vec::new();
    let number = task.number;
    // A record outside the active list may leave its status open.
    let silent = facts.status.is_none() && facts.list != List::Active;
    if facts.status.as_ref() != Some(&task.status) && !silent {
        let said = facts.status_text.as_deref().unwrap_or("nothing");
        messages.push(format!(
            "task {number}: the file says {said}, the store {}",
            task.status
        ));
    }
    let edited = base
        .map(|base| changes_between(base, facts))
        .unwrap_or_default();
    let fields = edited.iter().map(TaskChange::field);
    for field in fields.filter(|field| *field != Field::Status) {
        messages.push(format!(
            "task {number}: {} was edited by hand",
            field.word()
        ));
    }
    messages
}

fn phases(places: &Places, task: &Task, differences: &mut Vec<Difference>) {
    let Some((path, strays)) = stray_phases(places, task) else {
        return;
    };
    let told = strays.into_iter().map(|message| Difference {
        path: path.clone(),
        line: None,
        task: Some(task.number),
        message,
    });
    differences.extend(told);
}

/// What a task's plan says of its phases otherwise than the store, in words, with its path; nothing
/// where they are equal.
pub(super) fn stray_phases(places: &Places, task: &Task) -> Option<(RepoPath, Vec<String>)> {
    if task.phases.is_empty() {
        return None;
    }
    let path = places.plan(task)?;
    let bytes = fs::read(places.top.join(&path)).ok()?;
    let plan = Plan::parse(&bytes);
    let is_unmerged = single::settled(&bytes, task).is_some();
    let strays = task.phases.iter().filter_map(|(key, state)| {
        let stored = state.status.marker();
        match plan.phase(key) {
            Ok(found) if found.status == state.status => None,
            Ok(found) => {
                let on_disk = found.status.marker();
                Some(format!("phase {key} is {on_disk}, in the store {stored}"))
            }
            Err(PhaseLookup::Ambiguous) if !is_unmerged => Some(format!(
                "phase {key} stands there more than once, in the store it is {stored}: keep one \
                 of them"
            )),
            Err(_) => None,
        }
    });
    let unmerged = "git left both sides of a phase's marker there; `airboss sync` merges them";
    let unmerged = is_unmerged.then(|| unmerged.to_owned());
    let strays: Vec<String> = strays.chain(unmerged).collect();
    (!strays.is_empty()).then_some((path, strays))
}
