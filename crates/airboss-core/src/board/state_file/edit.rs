//! Edits of the state file of a board.

use std::collections::{BTreeMap, BTreeSet};

use memchr::memmem;

use super::check::{Intent, check};
use super::read::edited_task;
use super::shape::{Items, Kind, Shape, TaskList};
use super::{artifacts, dependencies, draft, keys, object};
use crate::board::change::Field;
use crate::board::edit::{Edit, EditError, Edited, TOUCHED_MAX, Touched};
use crate::board::facts::{Dependencies, List};
use crate::board::status::TaskStatus;
use crate::board::task::{Task, TimeKey};
use crate::id::TaskId;
use crate::json::{Array, Draft, Edits, Node, Object, Place};
use crate::time::Timestamp;

/// Edits the state file of a board.
///
/// Fields that it does not keep (the title, the status before, phases) are passed over, and so is
/// a move. Whatever is there already is left as it is spelled.
///
/// # Errors
/// When the file is damaged as a whole, when a task that is to be written stands there twice, or
/// when the result would lose something that no edit names; nothing is changed then.
pub fn edit(bytes: &[u8], edits: &[Edit<'_>]) -> Result<Edited, EditError> {
    edit_from(Shape::parse(bytes, Kind::Board)?, edits)
}

/// As [`edit`], of a text that is known to be sound: it was parsed before, or edited from one that
/// was. It is not looked at as a whole again.
///
/// # Errors
/// As for [`edit`].
pub fn edit_sound(bytes: &[u8], edits: &[Edit<'_>]) -> Result<Edited, EditError> {
    edit_from(Shape::of_sound(bytes, Kind::Board)?, edits)
}

fn edit_from(shape: Shape<'_>, edits: &[Edit<'_>]) -> Result<Edited, EditError> {
    let mut changed: Option<Changed> = None;
    let mut left = Vec::new();
    let rounds = rounds(edits);
    for round in &rounds {
        let next = match &changed {
            None => apply(&shape, round, &mut left)?,
            Some(before) => {
                let shape = Shape::of_sound(&before.bytes, Kind::Board)?;
                apply(&shape, round, &mut left)?
            }
        };
        changed = next.or(changed);
    }
    let Changed { bytes, touched } = changed.unwrap_or_else(|| Changed {
        bytes: shape.text().as_bytes().to_vec(),
        touched: None,
    });
    // Of one round only, that is of what it leaves as it is.
    let touched = touched.filter(|_| rounds.len() == 1);
    Ok(Edited {
        bytes,
        left,
        touched,
    })
}

/// What one round made of a text.
struct Changed {
    bytes: Vec<u8>,
    touched: Option<Touched>,
}

/// Divides edits so that no number is named twice in one round: edits of different tasks do not
/// know of each other, and those of one task see what the one before has done.
fn rounds<'e, 'a>(edits: &'e [Edit<'a>]) -> Vec<Vec<&'e Edit<'a>>> {
    let mut rounds: Vec<Vec<&Edit<'_>>> = vec![Vec::new()];
    let mut next: BTreeMap<u32, usize> = BTreeMap::new();
    for edit in edits {
        let numbers = numbers(edit);
        let round = numbers.iter().filter_map(|number| next.get(number));
        let round = round.max().copied().unwrap_or(0);
        for number in numbers {
            next.insert(number, round + 1);
        }
        if rounds.len() == round {
            rounds.push(Vec::new());
        }
        rounds[round].push(edit);
    }
    rounds
}

/// The numbers that an edit is about.
fn numbers(edit: &Edit<'_>) -> Vec<u32> {
    match edit {
        Edit::Add { task } | Edit::Change { task, .. } => vec![task.number],
        Edit::Renumber { from, task } => vec![*from, task.number],
        Edit::Remove { number } => vec![*number],
        Edit::Move { .. } | Edit::NextNumber(_) | Edit::LastUpdated(_) => Vec::new(),
    }
}

/// One round. `None`: nothing had to change.
fn apply(
    shape: &Shape<'_>,
    round: &[&Edit<'_>],
    left: &mut Vec<(u32, String)>,
) -> Result<Option<Changed>, EditError> {
    let wanted: BTreeSet<u32> = round.iter().flat_map(|edit| numbers(edit)).collect();
    let tasks = Tasks::find(shape, &wanted);
    let mut editor = Editor {
        edits: shape.document.edits(),
        shape,
        intent: Intent::default(),
        new: Vec::new(),
        left,
    };
    for edit in round {
        editor.edit(edit, &tasks)?;
    }
    editor.insert_new();
    let intent = editor.intent;
    let std::borrow::Cow::Owned(changed) = editor.edits.finish() else {
        return Ok(None);
    };
    let standing = check(shape, &changed, Kind::Board, &intent)?;
    let next = shape.root.get(keys::NEXT_NUMBER).and_then(object::number);
    let touched = touched(shape, round, &tasks, &changed, &standing, next);
    Ok(Some(Changed {
        bytes: changed.into_bytes(),
        touched,
    }))
}

/// What the new text says of the tasks that a round edits, of which it is known where they stand.
fn touched<'after>(
    shape: &Shape<'_>,
    round: &[&Edit<'_>],
    tasks: &Tasks<'_>,
    after: &'after str,
    standing: &BTreeMap<u32, Node<'after>>,
    mut next_number: Option<u32>,
) -> Option<Touched> {
    if round.len() > TOUCHED_MAX {
        return None;
    }
    let mut facts = Vec::new();
    for edit in round {
        match edit {
            Edit::Change { task, .. } => match tasks.all(task.number) {
                [] => {}
                [before] => {
                    let (node, key) = (standing.get(&task.number)?, before.key.as_deref());
                    let list = shape.lists[before.list].list;
                    facts.push(edited_task(after, list, key, *node)?);
                }
                // Those of lists that count less are not edited.
                _ => return None,
            },
            Edit::NextNumber(next) => {
                let is_there = shape.root.get(keys::NEXT_NUMBER).is_some();
                next_number = is_there.then_some(*next);
            }
            Edit::Move { .. } | Edit::LastUpdated(_) => {}
            Edit::Add { .. } | Edit::Renumber { .. } | Edit::Remove { .. } => return None,
        }
    }
    Some(Touched { facts, next_number })
}

/// One task in the file.
pub(super) struct Standing<'text> {
    pub(super) list: usize,
    pub(super) position: usize,
    pub(super) object: Object<'text>,
    pub(super) node: Node<'text>,
    pub(super) key: Option<String>,
}

/// The tasks of some numbers, wherever they stand.
pub(super) struct Tasks<'text> {
    found: BTreeMap<u32, Vec<Standing<'text>>>,
}

impl<'text> Tasks<'text> {
    pub(super) fn find(shape: &Shape<'text>, wanted: &BTreeSet<u32>) -> Self {
        let key = memmem::Finder::new(keys::NUMBER);
        let may_be = |raw: &str| may_have_number(raw, &key, wanted);
        let mut found: BTreeMap<u32, Vec<Standing<'_>>> = BTreeMap::new();
        for (list, tasks) in shape.lists.iter().enumerate() {
            for (position, (key, node)) in tasks.entries().enumerate() {
                if key.is_none() && !may_be(node.raw()) {
                    continue;
                }
                let Some(object) = node.object() else {
                    continue;
                };
                let number = object::task_number(&object, key.map(AsRef::as_ref));
                let Some(number) = number.filter(|number| wanted.contains(number)) else {
                    continue;
                };
                found.entry(number).or_default().push(Standing {
                    list,
                    position,
                    object,
                    node,
                    key: key.map(ToString::to_string),
                });
            }
        }
        Self { found }
    }

    pub(super) fn all(&self, number: u32) -> &[Standing<'text>] {
        self.found.get(&number).map_or(&[], Vec::as_slice)
    }

    /// The task of a number: of several lists the first one that has it counts.
    fn one(&self, shape: &Shape<'_>, number: u32) -> Result<Option<&Standing<'text>>, EditError> {
        let all = self.all(number);
        let Some(first) = all.first() else {
            return Ok(None);
        };
        let same_list: Vec<_> = all
            .iter()
            .filter(|other| other.list == first.list)
            .collect();
        if same_list.len() > 1 {
            return Err(duplicate(shape, number, &same_list));
        }
        Ok(Some(first))
    }
}

/// Whether an object may be the task of one of these numbers; parsing every object to know it takes
/// many times longer. What is spelled in an unusual way always may.
fn may_have_number(raw: &str, key: &memmem::Finder<'_>, wanted: &BTreeSet<u32>) -> bool {
    let mut rest = raw;
    while let Some(at) = key.find(rest.as_bytes()) {
        let behind = &rest[at + key.needle().len()..];
        let value = behind.trim_start_matches(['"', ':', ' ', '\t', '\n', '\r']);
        let digits = value.len()
            - value
                .trim_start_matches(|it: char| it.is_ascii_digit())
                .len();
        let (number, end) = value.split_at(digits);
        let is_plain = digits > 0 && end.starts_with([',', '}', ' ', '\n', '\r', '\t']);
        if !is_plain || number.parse().is_ok_and(|number| wanted.contains(&number)) {
            return true;
        }
        rest = end;
    }
    // A letter of the key can be spelled as `\u` and its number.
    memmem::find(raw.as_bytes(), b"\\u").is_some()
}

impl Standing<'_> {
    pub(super) fn id(&self) -> Option<TaskId> {
        self.object.text(keys::TASK)?.parse().ok()
    }
}

pub(super) fn duplicate(shape: &Shape<'_>, number: u32, all: &[&Standing<'_>]) -> EditError {
    let lines = super::shape::Lines::new(shape.text());
    let line = |standing: &&Standing<'_>| lines.of(shape.span(standing.node).start);
    EditError::Duplicate {
        number,
        lines: all.iter().map(line).collect(),
    }
}

struct Editor<'s, 'text, 'a> {
    edits: Edits<'text>,
    shape: &'s Shape<'text>,
    intent: Intent,
    /// The tasks that are to be added, in the order of the edits.
    new: Vec<&'a Task>,
    left: &'s mut Vec<(u32, String)>,
}

impl<'text, 'a> Editor<'_, 'text, 'a> {
    fn edit(&mut self, edit: &Edit<'a>, tasks: &Tasks<'text>) -> Result<(), EditError> {
        match edit {
            Edit::Add { task } => self.add(task, tasks.all(task.number)),
            Edit::Change { task, fields } => match tasks.one(self.shape, task.number)? {
                Some(standing) => self.change(standing, task, fields),
                None => self.leave(task.number, "state.json has no such task"),
            },
            Edit::Renumber { from, task } => self.renumber(*from, task, tasks)?,
            Edit::Remove { number } => {
                if let Some(standing) = tasks.one(self.shape, *number)? {
                    remove(&mut self.edits, &self.shape.lists, standing);
                    self.intent.removed.insert(self.start(standing));
                }
            }
            // The order of the objects means nothing to anybody.
            Edit::Move { .. } => {}
            Edit::NextNumber(next) => self.root(keys::NEXT_NUMBER, Draft::from(*next)),
            Edit::LastUpdated(at) => {
                for key in keys::BOARD_UPDATED {
                    self.board_updated(key, *at);
                }
            }
        }
        Ok(())
    }

    fn leave(&mut self, number: u32, why: &str) {
        self.left.push((number, why.to_owned()));
    }

    fn start(&self, standing: &Standing<'_>) -> usize {
        standing.node.span(self.shape.text()).start
    }

    /// Gives a member of the root another value, if it is there.
    fn root(&mut self, key: &'static str, value: Draft) {
        if let Some(node) = self.shape.root.get(key) {
            self.edits.replace(node, value);
            self.intent.root.push(key);
        }
    }

    fn board_updated(&mut self, key: &'static str, at: Timestamp) {
        let text = self.shape.root.text(key);
        let known = text.and_then(|text| object::instant(&text));
        if !known.is_some_and(|known| says(known, at)) {
            let date_only = known.is_some_and(|known| known.date_only);
            self.root(key, object::time_text(at, date_only).into());
        }
    }

    fn add(&mut self, task: &'a Task, standing: &[Standing<'text>]) {
        let Some(known) = standing.first() else {
            self.new.push(task);
            return;
        };
        let other_id = known.id().is_some_and(|id| id != task.id);
        let done = self.shape.lists[known.list].list == List::Completed;
        let other_name = known
            .object
            .text(keys::NAME)
            .is_some_and(|name| name != task.slug);
        if other_id || (done && other_name) {
            self.leave(task.number, "another task has this number in state.json");
        }
    }

    /// New tasks go where the newest ones stand.
    fn insert_new(&mut self) {
        let Some(TaskList {
            items: Items::Array(array),
            ..
        }) = self.shape.lists.first()
        else {
            return;
        };
        let language = language_key(array);
        let at_start = newest_first(array, TimeKey::Created);
        for task in &self.new {
            let object = draft::task(task, language);
            if at_start {
                self.edits.prepend(array, object);
            } else {
                self.edits.append(array, object);
            }
        }
        self.intent.at_start = at_start;
        self.intent.added = self.new.iter().map(|task| task.number).collect();
        if at_start {
            // The last one that is put first stands first.
            self.intent.added.reverse();
        }
    }

    fn renumber(&mut self, from: u32, task: &Task, tasks: &Tasks<'text>) -> Result<(), EditError> {
        let is_it = |standing: &&Standing<'_>| standing.id() == Some(task.id);
        let target = tasks.all(task.number);
        if target.iter().any(|standing| is_it(&standing)) {
            return Ok(());
        }
        // Of two tasks with one number, the id tells which is meant: this is the way out.
        let mut own = tasks.all(from).iter().filter(is_it);
        let standing = match (own.next(), own.next()) {
            (Some(standing), None) => Some(standing),
            _ => tasks.one(self.shape, from)?,
        };
        let another = |standing: &&Standing<'_>| standing.id().is_none_or(|id| id == task.id);
        match (standing.filter(another), target.first()) {
            (None, Some(_)) => {}
            (None, None) => self.leave(from, "state.json has no such task"),
            (Some(_), Some(_)) => self.leave(
                from,
                &format!(
                    "it cannot become task {}, which is there already",
                    task.number
                ),
            ),
            (Some(Standing { key: Some(_), .. }), None) => {
                self.leave(from, "it stands in the legacy map `tasks`, by its number");
            }
            (Some(standing), None) => {
                if let Some(node) = standing.object.get(keys::NUMBER) {
                    self.edits.replace(node, renumbered(node, task.number));
                }
                self.change(standing, task, &[]);
            }
        }
        Ok(())
    }

    fn change(&mut self, standing: &Standing<'text>, task: &Task, fields: &[Field]) {
        let start = self.start(standing);
        self.intent.changed.insert(start, task.number);
        for field in fields {
            self.field(&standing.object, task, field);
        }
        self.time(&standing.object, task, TimeKey::LastUpdated);
        if let Some(operation) = task.operation {
            let operation = operation.to_string();
            self.edits.set(&standing.object, keys::OPERATION, operation);
        }
    }

    fn field(&mut self, object: &Object<'text>, task: &Task, field: &Field) {
        match field {
            Field::Status => self.status(object, task),
            Field::Slug => self.text(object, keys::NAME, Some(&task.slug)),
            Field::Priority => self.priority(object, task),
            Field::Language => {
                let key = object::text_synonym(object, &keys::LANGUAGE);
                let key = key.unwrap_or(keys::LANGUAGE[0]);
                self.text(object, key, task.language.as_deref());
            }
            Field::Effort => {
                if object::plain(object, keys::EFFORT) != task.effort {
                    self.text(object, keys::EFFORT, task.effort.as_deref());
                }
            }
            Field::Description => {
                self.text(object, keys::DESCRIPTION, task.description.as_deref());
            }
            Field::Dependencies => self.waits(object, &keys::DEPENDENCIES, &task.dependencies),
            Field::Parent => self.parent(object, task),
            Field::Subtasks => {
                let found = object.get(keys::SUBTASKS).and_then(dependencies::read);
                let wanted = Dependencies {
                    numbers: task.subtasks.clone(),
                    // Words are somebody else's.
                    prose: found.and_then(|found| found.prose),
                };
                self.waits(object, &[keys::SUBTASKS], &wanted);
            }
            Field::Time(key) => self.time(object, task, *key),
            Field::BlockedReason => {
                let reason = task.blocked_reason.as_deref();
                self.reason(object, &keys::BLOCKED_REASON, reason);
            }
            Field::AbandonedReason => {
                let reason = task.abandoned_reason.as_deref();
                self.reason(object, &keys::ABANDONED_REASON, reason);
            }
            Field::Artifact(path) => {
                match task
                    .artifacts
                    .iter()
                    .find(|artifact| artifact.path == *path)
                {
                    Some(artifact) => artifacts::put(&mut self.edits, object, artifact),
                    None => artifacts::remove(&mut self.edits, object, path),
                }
            }
            Field::Plan => self.text(object, keys::PLAN, task.plan.as_deref()),
            // The file keeps none of these, or has its own edits for them.
            Field::Number
            | Field::Title
            | Field::StatusBefore
            | Field::Place
            | Field::Phase(_)
            | Field::Checked
            | Field::Workflow => {}
        }
    }

    /// A text, or none: null is none already.
    fn text(&mut self, object: &Object<'text>, key: &str, value: Option<&str>) {
        match (value, object.get(key)) {
            (Some(value), _) => self.edits.set(object, key, value),
            (None, Some(node)) if !object::is_null(node) => self.edits.remove(object, key),
            (None, _) => {}
        }
    }

    fn reason(&mut self, object: &Object<'text>, synonyms: &[&str], value: Option<&str>) {
        let key = object::text_synonym(object, synonyms).unwrap_or(synonyms[0]);
        self.text(object, key, value);
    }

    /// An alias of the status is as good as the status.
    fn status(&mut self, object: &Object<'text>, task: &Task) {
        let found = object.text(keys::STATUS);
        if found.is_none_or(|found| TaskStatus::read(&found) != task.status) {
            let place = Place::After(&[keys::NUMBER, keys::NAME]);
            let value = task.status.value();
            self.edits.set_at(object, keys::STATUS, value, place);
        }
    }

    /// Boards have `high`, and few of them `High`.
    fn priority(&mut self, object: &Object<'text>, task: &Task) {
        let found = object.text(keys::PRIORITY);
        let Some(wanted) = &task.priority else {
            return self.text(object, keys::PRIORITY, None);
        };
        let is_upper = |text: &str| text.starts_with(char::is_uppercase);
        match found {
            Some(found) if found.eq_ignore_ascii_case(wanted) => {}
            Some(found) if is_upper(&found) => {
                self.text(object, keys::PRIORITY, Some(wanted));
            }
            _ => self.text(object, keys::PRIORITY, Some(&wanted.to_lowercase())),
        }
    }

    fn waits(&mut self, object: &Object<'text>, synonyms: &[&str], wanted: &Dependencies) {
        let key = object::synonym(object, synonyms).unwrap_or(synonyms[0]);
        dependencies::write(&mut self.edits, object, key, wanted);
    }

    fn parent(&mut self, object: &Object<'text>, task: &Task) {
        let key = object::synonym(object, &keys::PARENT).unwrap_or(keys::PARENT[0]);
        let found = object.get(key);
        match (found.filter(|node| !object::is_null(*node)), task.parent) {
            (Some(node), Some(parent)) if object::number(node) == Some(parent) => {}
            (_, Some(parent)) => self.edits.set(object, key, parent),
            (Some(_), None) => self.edits.remove(object, key),
            (None, None) => {}
        }
    }

    fn time(&mut self, object: &Object<'text>, task: &Task, key: TimeKey) {
        let found = object.get(key.key());
        let is_other = |node: Node<'_>| node.raw().starts_with(['[', '{']);
        let Some(at) = task.times.get(&key).copied() else {
            // `last_updated` is written with every change, and never taken away by one.
            if key != TimeKey::LastUpdated {
                self.text(object, key.key(), None);
            }
            return;
        };
        if found.is_some_and(is_other) {
            let why = format!("`{}` holds something else than a time", key.key());
            return self.leave(task.number, &why);
        }
        let known = object::time(object, key);
        if known.is_some_and(|known| says(known, at)) {
            return;
        }
        let text = object::time_text(at, known.is_some_and(|known| known.date_only));
        let times = keys::TIMES.map(TimeKey::key);
        self.edits
            .set_at(object, key.key(), text, Place::After(&times));
    }
}

/// Whether a time of the file is this instant, as precisely as it is written.
fn says(known: object::Instant, at: Timestamp) -> bool {
    object::time_text(known.at, known.date_only) == object::time_text(at, known.date_only)
}

/// The number in the form that it had: `"OC_041"` becomes `"OC_058"`.
fn renumbered(node: Node<'_>, number: u32) -> Draft {
    let Some(text) = node.text() else {
        return number.into();
    };
    let (prefix, digits) = match text.strip_prefix("OC_") {
        Some(digits) => ("OC_", digits),
        None => ("", text.as_ref()),
    };
    let width = if digits.starts_with('0') {
        digits.len()
    } else {
        0
    };
    format!("{prefix}{number:0width$}").into()
}

pub(super) fn remove<'text>(
    edits: &mut Edits<'text>,
    lists: &[TaskList<'text>],
    standing: &Standing<'text>,
) {
    match (&lists[standing.list].items, &standing.key) {
        (Items::Array(array), _) => edits.remove_item(array, standing.position),
        (Items::Map(map), Some(key)) => edits.remove(map, key),
        (Items::Map(_), None) => {}
    }
}

/// The key for the language that the tasks of a list use.
fn language_key(array: &Array<'_>) -> &'static str {
    let has = |node: &Node<'_>| object::synonym(&node.object()?, &keys::LANGUAGE);
    let ends = array
        .items()
        .first()
        .into_iter()
        .chain(array.items().last());
    ends.filter_map(has).next().unwrap_or(keys::LANGUAGE[0])
}

/// Whether the newest tasks stand first in a list, by a time, or by their numbers where there is
/// none. A list that does not say it grows at its end.
pub(super) fn newest_first(array: &Array<'_>, key: TimeKey) -> bool {
    let [first, .., last] = array.items() else {
        return false;
    };
    let (Some(first), Some(last)) = (first.object(), last.object()) else {
        return false;
    };
    let time = |object: &Object<'_>| object::time(object, key).map(|instant| instant.at);
    match (time(&first), time(&last)) {
        (Some(first), Some(last)) if first != last => first > last,
        _ => object::task_number(&first, None) > object::task_number(&last, None),
    }
}
