//! The state.json in the directory of one task, which many boards have and none needs.
//!
//! Owned are `status`, `phase`, `last_updated`, `plan_path` and the lists of paths; everything else
//! stays. Paths are written from the task's directory, unless those that stand there already
//! are spelled from further up. Its vocabulary is free: a word that means the task's status is left,
//! and so is the phase beside it, whatever that says.

use super::directory::Directory;
use super::edit::EditError;
use super::link;
use super::status::{Status, TaskStatus};
use super::task::{Task, TimeKey};
use crate::json::{Array, Document, Draft, Edits, Object, Place};
use crate::time::Timestamp;

/// What the file says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProjectState {
    /// `project_number`.
    pub number: Option<u32>,
    /// `project_name`.
    pub slug: Option<String>,
    /// `status`, normalised.
    pub status: Option<TaskStatus>,
    /// `phase` as it is written.
    pub phase: Option<String>,
    /// `last_updated`, as far as it could be read; a day alone is its midnight UTC.
    pub last_updated: Option<Timestamp>,
    /// `plan_path` as it is written.
    pub plan: Option<String>,
    /// The paths of all lists as they are written.
    pub paths: Vec<String>,
    /// What was not as it should be, one sentence each.
    pub warnings: Vec<String>,
}

/// The lists of paths, which are called like the directories that they list.
const LISTS: [&str; 3] = ["reports", "plans", "summaries"];

/// The order of members in a new file, and of those that are added to an old one.
const ORDER: [&str; 11] = [
    "project_name",
    "project_number",
    "type",
    "phase",
    "status",
    "created",
    "last_updated",
    "reports",
    "plans",
    "summaries",
    "plan_path",
];

/// Reads the file.
///
/// # Errors
/// When it is no JSON object.
pub fn read(bytes: &[u8]) -> Result<ProjectState, EditError> {
    with_root(bytes, |_, root| {
        let text = |key: &str| root.text(key).map(|text| text.into_owned());
        let mut warnings = Vec::new();
        for key in root.duplicates() {
            warnings.push(format!("{key:?} is there more than once; the last counts"));
        }
        let last_updated = text("last_updated");
        let instant = last_updated.as_deref().and_then(instant);
        if let (Some(written), None) = (&last_updated, instant) {
            warnings.push(format!("last_updated cannot be read: {written:?}"));
        }
        let lists = LISTS.iter().filter_map(|name| list(root, name));
        ProjectState {
            number: root.value("project_number").or_else(|| {
                let text = root.text("project_number")?;
                text.trim_start_matches("OC_").parse().ok()
            }),
            slug: text("project_name"),
            status: root.text("status").map(|word| TaskStatus::read(&word)),
            phase: text("phase"),
            last_updated: instant,
            plan: text("plan_path"),
            paths: lists.flat_map(|list| paths(&list)).collect(),
            warnings,
        }
    })
}

/// The file with the task's state in it; doing it twice is the same as doing it once.
///
/// # Errors
/// When it is no JSON object; nothing may be written to it then.
pub fn edit(bytes: &[u8], task: &Task) -> Result<Vec<u8>, EditError> {
    with_root(bytes, |document, root| {
        let mut editor = Editor {
            root,
            edits: document.edits(),
        };
        editor.status(task);
        editor.last_updated(task);
        for name in LISTS {
            editor.list(task, name);
        }
        editor.plan(task);
        editor.edits.finish().into_owned().into_bytes()
    })
}

/// A new file for the task.
#[must_use]
pub fn new_file(task: &Task) -> Vec<u8> {
    let mut members: Vec<(&str, Draft)> = vec![
        ("project_name", task.slug.as_str().into()),
        ("project_number", task.number.into()),
        ("type", task.language.as_deref().unwrap_or("general").into()),
        ("phase", phase(&task.status).unwrap_or("not_started").into()),
        ("status", task.status.value().into()),
    ];
    for key in [TimeKey::Created, TimeKey::LastUpdated] {
        let at = task.times.get(&key);
        members.extend(at.map(|at| (key.key(), at.seconds_text().into())));
    }
    for name in LISTS {
        let paths = task_paths(task, name).into_iter();
        members.push((name, Draft::array(paths.map(|own| own.written("")))));
    }
    if let Some(plan) = &task.plan {
        members.push(("plan_path", OwnPath::of(task, plan).written("").into()));
    }
    Draft::object(members).file().into_bytes()
}

fn with_root<T>(
    bytes: &[u8],
    use_it: impl FnOnce(&Document<'_>, &Object<'_>) -> T,
) -> Result<T, EditError> {
    let document = Document::from_bytes(bytes).map_err(|error| EditError::Damaged {
        line: error.line,
        message: format!("column {}: {}", error.column, error.fault),
    })?;
    let Some(root) = document.object() else {
        return Err(EditError::Damaged {
            line: 1,
            message: "the state of a task is an object, and this is none".to_owned(),
        });
    };
    Ok(use_it(&document, root))
}

struct Editor<'file, 'text> {
    root: &'file Object<'text>,
    edits: Edits<'text>,
}

impl<'text> Editor<'_, 'text> {
    fn status(&mut self, task: &Task) {
        let before = self.root.text("status");
        if before.is_some_and(|before| TaskStatus::read(&before) == task.status) {
            return;
        }
        self.set("status", task.status.value());
        if let Some(phase) = phase(&task.status)
            && self.root.get("phase").is_some()
        {
            self.set("phase", phase);
        }
    }

    fn last_updated(&mut self, task: &Task) {
        let Some(at) = task.times.get(&TimeKey::LastUpdated) else {
            return;
        };
        let before = self.root.text("last_updated");
        if before.as_deref().and_then(instant) == Some(*at) {
            return;
        }
        let mut text = at.seconds_text();
        if before.is_some_and(|before| is_day(&before)) {
            text.truncate(DAY_LENGTH);
        }
        self.set("last_updated", text);
    }

    fn plan(&mut self, task: &Task) {
        let Some(plan) = &task.plan else { return };
        let before = self.root.text("plan_path");
        if before
            .as_deref()
            .is_some_and(|before| link::same(before, plan))
        {
            return;
        }
        let above = above(task, before.as_deref());
        self.set("plan_path", OwnPath::of(task, plan).written(above));
    }

    fn list(&mut self, task: &Task, name: &str) {
        let known = list(self.root, name);
        let listed: Vec<String> = known.iter().flat_map(paths).collect();
        let new: Vec<OwnPath<'_>> = task_paths(task, name)
            .into_iter()
            .filter(|own| !listed.iter().any(|path| link::same(own.whole, path)))
            .collect();
        let Some(list) = known else {
            // What is there and no list belongs to somebody who knows why.
            let absent = self.root.get(name).is_none_or(|node| node.raw() == "null");
            if absent && !new.is_empty() {
                let paths = new.iter().map(|own| own.written(""));
                self.set(name, Draft::array(paths));
            }
            return;
        };
        let above = above(task, listed.iter().map(String::as_str));
        let sibling = list.items().last().and_then(|item| item.object());
        for own in new {
            let path = own.written(above);
            let item = match &sibling {
                Some(sibling) => like(sibling, task, &path, own.summary),
                None => path.into(),
            };
            self.edits.append(&list, item);
        }
    }

    fn set(&mut self, key: &str, value: impl Into<Draft>) {
        let position = ORDER.iter().position(|known| *known == key);
        let place = Place::After(&ORDER[..position.unwrap_or(ORDER.len())]);
        self.edits.set_at(self.root, key, value, place);
    }
}

/// An item for a list of objects: the members that the one before it has, as far as they are known.
fn like(sibling: &Object<'_>, task: &Task, path: &str, summary: Option<&str>) -> Draft {
    let mut members: Vec<(&str, Draft)> = Vec::new();
    for member in sibling.members() {
        let value = match member.key.as_ref() {
            "path" => Some(path.into()),
            "type" => member.value.text().map(|kind| kind.as_ref().into()),
            "created" => task.times.get(&TimeKey::LastUpdated).map(|at| {
                let mut text = at.seconds_text();
                if member.value.text().is_some_and(|before| is_day(&before)) {
                    text.truncate(DAY_LENGTH);
                }
                text.into()
            }),
            "summary" => summary.map(Draft::from),
            _ => None,
        };
        members.extend(value.map(|value| (member.key.as_ref(), value)));
    }
    if !members.iter().any(|(key, _)| *key == "path") {
        members.push(("path", path.into()));
    }
    Draft::object(members)
}

/// The list of this name: at the root, or among `artifacts`.
fn list<'text>(root: &Object<'text>, name: &str) -> Option<Array<'text>> {
    let nested = || root.object("artifacts")?.array(name);
    root.array(name).or_else(nested)
}

fn paths(list: &Array<'_>) -> Vec<String> {
    let path = |item: &crate::json::Node<'_>| {
        let text = item.text().or_else(|| item.object()?.text("path"))?;
        Some(text.into_owned())
    };
    list.items().iter().filter_map(path).collect()
}

/// The path of something that a task links, as its own files would call it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct OwnPath<'task> {
    /// The whole path as the board spells it.
    whole: &'task str,
    /// `reports/research-001.md`; `None` when it lies in the directory of another task.
    own: Option<&'task str>,
    summary: Option<&'task str>,
}

impl<'task> OwnPath<'task> {
    fn of(task: &Task, whole: &'task str) -> Self {
        let (above, own) = divide(whole);
        Self {
            whole,
            own: own.filter(|_| is_home(task, above)),
            summary: None,
        }
    }

    /// The path for a file whose other paths begin with `above`.
    fn written(self, above: &str) -> String {
        match self.own {
            Some(own) if above.is_empty() => own.to_owned(),
            Some(own) if own == self.whole => format!("{above}{own}"),
            _ => self.whole.to_owned(),
        }
    }
}

/// The paths that belong into the list of this name.
fn task_paths<'task>(task: &'task Task, name: &str) -> Vec<OwnPath<'task>> {
    let mut found: Vec<OwnPath<'_>> = Vec::new();
    for artifact in &task.artifacts {
        let directory = divide(&artifact.path)
            .1
            .and_then(|own| own.split('/').next());
        let directory = directory.or_else(|| link::directory_of(&artifact.kind));
        if directory != Some(name) {
            continue;
        }
        let own = OwnPath {
            summary: artifact.summary.as_deref(),
            ..OwnPath::of(task, &artifact.path)
        };
        if !found
            .iter()
            .any(|known| link::same(known.whole, &artifact.path))
        {
            found.push(own);
        }
    }
    found
}

/// What stands above the directory of a list, and the rest, if there is such a directory.
fn divide(path: &str) -> (&str, Option<&str>) {
    let starts = path.match_indices('/').map(|(at, _)| at + 1);
    let starts: Vec<usize> = std::iter::once(0).chain(starts).collect();
    let own = starts.into_iter().rev().find(|start| {
        let mut parts = path[*start..].split('/');
        parts.next().is_some_and(|part| LISTS.contains(&part)) && parts.next().is_some()
    });
    match own {
        Some(start) => (&path[..start], Some(&path[start..])),
        None => ("", None),
    }
}

/// What the newest of these paths begins with, of those that lie in the task's directory.
fn above<'path>(task: &Task, paths: impl IntoIterator<Item = &'path str>) -> &'path str {
    let found = paths.into_iter().map(|path| divide(path).0);
    found
        .filter(|above| is_home(task, above))
        .last()
        .unwrap_or("")
}

/// Whether this is the directory of the task, or none of any task.
fn is_home(task: &Task, above: &str) -> bool {
    let name = above.trim_end_matches('/').rsplit('/').next();
    let directory = name.and_then(Directory::parse);
    directory.is_none_or(|directory| {
        directory.number == task.number || task.former_numbers.contains(&directory.number)
    })
}

/// The word for `phase` that belongs to a status; `None`: the phase stays what it was.
fn phase(status: &TaskStatus) -> Option<&'static str> {
    let TaskStatus::Known(status) = status else {
        return None;
    };
    Some(match status {
        Status::NotStarted => "not_started",
        Status::Researching => "research",
        Status::Researched => "research_completed",
        Status::Planning | Status::Revising => "planning",
        Status::Planned | Status::Revised => "planning_completed",
        Status::Implementing => "implementation",
        Status::Partial => "implementation_partial",
        Status::Completed | Status::Implemented | Status::PrReady => "implementation_completed",
        Status::Blocked
        | Status::Abandoned
        | Status::Expanded
        | Status::OnHold
        | Status::Superseded => return None,
    })
}

const DAY_LENGTH: usize = "2026-03-02".len();

fn is_day(text: &str) -> bool {
    text.len() == DAY_LENGTH && instant(text).is_some()
}

/// Reads an instant, with or without its zone, or a day alone.
fn instant(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text)
        .or_else(|| Timestamp::parse(&format!("{text}Z")))
        .or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z")))
}

#[cfg(test)]
mod tests;
