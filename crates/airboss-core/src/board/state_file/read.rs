//! What a state file says of its tasks, and what is odd about it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::edit::Tasks;
use super::shape::{Kind, Lines, Shape};
use super::{artifacts, dependencies, keys, object};
use crate::board::edit::EditError;
use crate::board::facts::{List, TaskFacts};
use crate::board::number::Numbering;
use crate::board::status::TaskStatus;
use crate::json::{Node, Object};
use crate::time::Timestamp;

/// What a state file says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StateFile {
    /// The number that the next task gets.
    pub next_number: Option<u32>,
    /// The range of numbers, where the file sets one.
    pub numbering: Option<Numbering>,
    /// Every task of every list: the active ones, the pending ones, the legacy map, the
    /// completed ones; each list in the order of the file, tasks that stand there twice included.
    pub tasks: Vec<TaskFacts>,
    /// What is odd; none of it keeps the file from being read.
    pub problems: Vec<Problem>,
}

/// Something odd in a state file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Where, from 1.
    pub line: usize,
    /// What, in one sentence.
    pub message: String,
    /// Which kind of oddity it is.
    pub kind: ProblemKind,
}

/// The kinds of oddity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ProblemKind {
    /// There is no `next_project_number`, or none that can be read.
    NextNumber,
    /// `next_project_number` is the number of an active task.
    NextNumberInUse,
    /// A member is there more than once; the last one counts.
    DuplicateKeys,
    /// A number is there more than once in one list; such a task is not written.
    DuplicateNumber,
    /// A number is written as text.
    NumberAsText,
    /// Something in a list is no task, or has no number.
    NoTask,
    /// There is no slug, it is `null`, or it has a `/`.
    Slug,
    /// There is no status.
    NoStatus,
    /// The status is a word that has no meaning here; the task counts as open.
    UnknownStatus,
    /// A time cannot be read.
    Time,
    /// Dependencies are words.
    DependencyWords,
    /// There are `artifacts` at the root, where they belong to no task.
    RootArtifacts,
}

impl StateFile {
    /// Reads the state file of a board.
    ///
    /// # Errors
    /// When it cannot be built upon: it is empty, no JSON, overwritten by a single task's
    /// object, a list, or has no `active_projects`.
    pub fn parse(bytes: &[u8]) -> Result<Self, EditError> {
        let shape = Shape::parse(bytes, Kind::Board)?;
        let mut reader = Reader::new(shape.text());
        reader.root(&shape.root);
        reader.tasks(&shape);
        Ok(reader.finish())
    }

    /// Reads the root and the tasks with these numbers, and looks for no problems of the others.
    /// The text has to be sound: one that was just edited, for example.
    ///
    /// One change in a board of ten thousand tasks need not pay for all of them.
    ///
    /// # Errors
    /// When it has no `active_projects`.
    pub fn parse_some(bytes: &[u8], numbers: &BTreeSet<u32>) -> Result<Self, EditError> {
        let shape = Shape::of_sound(bytes, Kind::Board)?;
        let mut reader = Reader::new(shape.text());
        reader.root(&shape.root);
        let found = Tasks::find(&shape, numbers);
        for standing in numbers.iter().flat_map(|number| found.all(*number)) {
            let list = shape.lists[standing.list].list;
            let task = reader.task(list, standing.key.as_deref(), standing.node);
            reader.file.tasks.extend(task);
        }
        Ok(reader.finish())
    }

    pub(super) fn parse_archive(bytes: &[u8]) -> Result<Self, EditError> {
        let shape = Shape::parse(bytes, Kind::Archive)?;
        let mut reader = Reader::new(shape.text());
        reader.tasks(&shape);
        // Numbers come round again, so the archive may have one twice.
        reader
            .problems
            .retain(|problem| problem.kind != ProblemKind::DuplicateNumber);
        Ok(reader.finish())
    }
}

/// What a text says of the task that one of its values is; it was edited just now.
pub(super) fn edited_task<'text>(
    text: &'text str,
    list: List,
    key: Option<&str>,
    node: Node<'text>,
) -> Option<TaskFacts> {
    Reader::new(text).task(list, key, node)
}

struct Reader<'text> {
    text: &'text str,
    lines: Lines<'text>,
    file: StateFile,
    problems: Vec<Problem>,
}

impl<'text> Reader<'text> {
    fn new(text: &'text str) -> Self {
        Self {
            text,
            lines: Lines::new(text),
            file: StateFile::default(),
            problems: Vec::new(),
        }
    }

    fn finish(mut self) -> StateFile {
        self.problems.sort_by_key(|problem| problem.line);
        self.file.problems = self.problems;
        self.file
    }

    fn line(&self, node: Node<'_>) -> usize {
        self.lines.of(node.span(self.text).start)
    }

    fn report(&mut self, node: Node<'_>, kind: ProblemKind, message: impl Into<String>) {
        let line = self.line(node);
        self.problems.push(Problem {
            line,
            message: message.into(),
            kind,
        });
    }

    fn root(&mut self, root: &Object<'text>) {
        self.duplicate_keys(root);
        let next = root.get(keys::NEXT_NUMBER);
        self.file.next_number = next.and_then(object::number);
        if self.file.next_number.is_none() {
            let node = next.unwrap_or(root.node());
            let message = "there is no next_project_number: no task can get a number";
            self.report(node, ProblemKind::NextNumber, message);
        }
        if let Some(node) = root.get(keys::ARTIFACTS) {
            let message = "these artifacts belong to no task; they are left alone";
            self.report(node, ProblemKind::RootArtifacts, message);
        }
        self.file.numbering = root.object("project_numbering").and_then(|numbering| {
            Some(Numbering {
                min: numbering.get("min").and_then(object::number).unwrap_or(0),
                max: numbering.get("max").and_then(object::number)?,
                wraps: numbering
                    .text("policy")
                    .is_some_and(|policy| policy.starts_with("increment_modulo")),
            })
        });
    }

    fn tasks(&mut self, shape: &Shape<'text>) {
        for list in &shape.lists {
            let mut seen: HashMap<u32, usize> = HashMap::new();
            for (key, node) in list.entries() {
                let Some(task) = self.task(list.list, key.map(AsRef::as_ref), node) else {
                    continue;
                };
                let number = task.number;
                if let Some(first) = seen.get(&number) {
                    let message = format!(
                        "task {number} stands there already in line {first}; it is not written \
                         before one of the two is gone"
                    );
                    self.report(node, ProblemKind::DuplicateNumber, message);
                }
                seen.entry(number).or_insert(task.line);
                self.file.tasks.push(task);
            }
            self.next_number_in_use(shape, list.list, &seen);
        }
    }

    fn next_number_in_use(&mut self, shape: &Shape<'text>, list: List, seen: &HashMap<u32, usize>) {
        let used = self.file.next_number.filter(|next| seen.contains_key(next));
        if let (List::Active, Some(next), Some(node)) =
            (list, used, shape.root.get(keys::NEXT_NUMBER))
        {
            let message = format!("the next number, {next}, is that of an active task");
            self.report(node, ProblemKind::NextNumberInUse, message);
        }
    }

    fn task(&mut self, list: List, key: Option<&str>, node: Node<'text>) -> Option<TaskFacts> {
        let found = node
            .object()
            .and_then(|object| Some((object::task_number(&object, key)?, object)));
        let Some((number, object)) = found else {
            let message = "this is no task: it has no number that can be read";
            self.report(node, ProblemKind::NoTask, message);
            return None;
        };
        self.duplicate_keys(&object);
        self.oddities(&object, number, list);
        let status_text = object::text(&object, keys::STATUS);
        let times = self.times(&object, number);
        Some(TaskFacts {
            number,
            id: object.text(keys::TASK).and_then(|text| text.parse().ok()),
            operation: object
                .text(keys::OPERATION)
                .and_then(|text| text.parse().ok()),
            list,
            title: None,
            slug: object::text(&object, keys::NAME),
            status: status_text.as_deref().map(TaskStatus::read),
            status_text,
            priority: object::text(&object, keys::PRIORITY),
            language: first_text(&object, &keys::LANGUAGE),
            effort: object::plain(&object, keys::EFFORT),
            description: object::text(&object, keys::DESCRIPTION),
            dependencies: object::synonym(&object, &keys::DEPENDENCIES)
                .and_then(|key| dependencies::read(object.get(key)?)),
            parent: object::synonym(&object, &keys::PARENT)
                .and_then(|key| object::number(object.get(key)?)),
            subtasks: numbers(&object, keys::SUBTASKS),
            times,
            blocked_reason: first_text(&object, &keys::BLOCKED_REASON),
            abandoned_reason: first_text(&object, &keys::ABANDONED_REASON),
            artifacts: artifacts::read(&object),
            plan: object::text(&object, keys::PLAN),
            labels: keys::LABELS
                .iter()
                .flat_map(|key| texts(&object, key))
                .collect(),
            line: self.line(node),
            span: node.span(self.text),
        })
    }

    /// What is odd about a task that can be read all the same.
    fn oddities(&mut self, object: &Object<'text>, number: u32, list: List) {
        let is_text = |node: &Node<'_>| node.raw().starts_with('"');
        if let Some(node) = object.get(keys::NUMBER).filter(is_text) {
            let message = format!("the number of task {number} is written as text");
            self.report(node, ProblemKind::NumberAsText, message);
        }
        // Older lists keep titles in the place of slugs, and need no status.
        if list != List::Active {
            return;
        }
        let slug = object.text(keys::NAME);
        if slug.is_none_or(|slug| slug.is_empty() || slug == "null" || slug.contains('/')) {
            let node = object.get(keys::NAME).unwrap_or(object.node());
            let message = format!("task {number} has no slug that can name a directory");
            self.report(node, ProblemKind::Slug, message);
        }
        match (object.get(keys::STATUS), object.text(keys::STATUS)) {
            (Some(node), Some(text)) => {
                if let TaskStatus::Other(_) = TaskStatus::read(&text) {
                    let message = format!("task {number} has the unknown status {text:?}");
                    self.report(node, ProblemKind::UnknownStatus, message);
                }
            }
            (node, _) => {
                let node = node.unwrap_or(object.node());
                self.report(
                    node,
                    ProblemKind::NoStatus,
                    format!("task {number} has no status"),
                );
            }
        }
        let waits = object::synonym(object, &keys::DEPENDENCIES).and_then(|key| object.get(key));
        if let Some(node) = waits.filter(|node| dependencies::has_words(*node)) {
            let message = format!("task {number} names what it waits for in words");
            self.report(node, ProblemKind::DependencyWords, message);
        }
    }

    fn times(
        &mut self,
        object: &Object<'text>,
        number: u32,
    ) -> BTreeMap<crate::board::task::TimeKey, Timestamp> {
        let mut times = BTreeMap::new();
        for key in keys::TIMES {
            let Some(node) = object.get(key.key()).filter(|node| !object::is_null(*node)) else {
                continue;
            };
            match object::time(object, key) {
                Some(instant) => {
                    times.insert(key, instant.at);
                }
                None => {
                    let message = format!(
                        "`{}` of task {number} is no time that can be read",
                        key.key()
                    );
                    self.report(node, ProblemKind::Time, message);
                }
            }
        }
        times
    }

    fn duplicate_keys(&mut self, object: &Object<'text>) {
        for key in object.duplicates() {
            let Some(node) = object.get(key) else {
                continue;
            };
            let message = format!("`{key}` is there more than once; the last one counts");
            self.report(node, ProblemKind::DuplicateKeys, message);
        }
    }
}

fn first_text(object: &Object<'_>, synonyms: &[&str]) -> Option<String> {
    object::text(object, object::text_synonym(object, synonyms)?)
}

/// A list of texts, or a single one.
fn texts(object: &Object<'_>, key: &str) -> Vec<String> {
    let Some(node) = object.get(key) else {
        return Vec::new();
    };
    let items = node
        .array()
        .map_or_else(|| vec![node], |array| array.items().to_vec());
    let texts = items.iter().filter_map(|item| item.text());
    texts.map(std::borrow::Cow::into_owned).collect()
}

/// A list of numbers, or a single one.
pub(super) fn numbers(object: &Object<'_>, key: &str) -> Vec<u32> {
    let Some(node) = object.get(key) else {
        return Vec::new();
    };
    match node.array() {
        Some(array) => array
            .items()
            .iter()
            .filter_map(|item| object::number(*item))
            .collect(),
        None => object::number(node).into_iter().collect(),
    }
}
