//! Tasks in outline: what lists show of one, and what decides whether it can be worked on.
//!
//! That is a tenth of a task, and a list needs it of every task of the board. So a store keeps it
//! beside the tasks as one line of text each, and a [`Listing`] reads the lines where they lie.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};
use serde::{Deserialize, Serialize};

use super::operation::Board;
use super::status::{Status, TaskStatus};
use super::task::{Place, Task};
use crate::id::TaskId;

/// What has to be known of a task to tell whether it, or another one, can be worked on.
pub trait Outlined {
    /// Its identity.
    fn id(&self) -> TaskId;
    /// Its number.
    fn number(&self) -> u32;
    /// Numbers that it had before.
    fn former_numbers(&self) -> &[u32];
    /// Which list it is in.
    fn place(&self) -> Place;
    /// Where it stands.
    fn status(&self) -> &TaskStatus;
    /// Its priority, in the spelling of the board.
    fn priority(&self) -> Option<Cow<'_, str>>;
    /// The numbers of the tasks that it waits for.
    fn dependencies(&self) -> &[u32];
    /// What it waits for, in words.
    fn dependencies_prose(&self) -> Option<&str>;
    /// The tasks that it was split into.
    fn subtasks(&self) -> &[u32];
    /// Why it is, or was last, blocked.
    fn blocked_reason(&self) -> Option<&str>;
}

impl Outlined for Task {
    fn id(&self) -> TaskId {
        self.id
    }

    fn number(&self) -> u32 {
        self.number
    }

    fn former_numbers(&self) -> &[u32] {
        &self.former_numbers
    }

    fn place(&self) -> Place {
        self.place
    }

    fn status(&self) -> &TaskStatus {
        &self.status
    }

    fn priority(&self) -> Option<Cow<'_, str>> {
        self.priority.as_deref().map(Cow::Borrowed)
    }

    fn dependencies(&self) -> &[u32] {
        &self.dependencies.numbers
    }

    fn dependencies_prose(&self) -> Option<&str> {
        self.dependencies.prose.as_deref()
    }

    fn subtasks(&self) -> &[u32] {
        &self.subtasks
    }

    fn blocked_reason(&self) -> Option<&str> {
        self.blocked_reason.as_deref()
    }
}

/// A task in outline, on the line that says it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outline<'a> {
    /// Its number.
    pub number: u32,
    /// Which list it is in.
    pub place: Place,
    /// Where it stands.
    pub status: TaskStatus,
    id: TaskId,
    title: &'a str,
    priority: &'a str,
    language: &'a str,
    dependencies: Vec<u32>,
    seldom: Option<Box<Seldom>>,
}

/// What few tasks have.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Seldom {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    former_numbers: Vec<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subtasks: Vec<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dependencies_prose: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_reason: Option<String>,
}

/// A line of a listing that cannot be read: the store is damaged.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the store has a line of a task that cannot be read: `{0}`")]
pub struct BadLine(pub String);

impl<'a> Outline<'a> {
    /// Its title.
    #[must_use]
    pub fn title(&self) -> Cow<'a, str> {
        field(self.title).unwrap_or_default()
    }

    /// Its language.
    #[must_use]
    pub fn language(&self) -> Option<Cow<'a, str>> {
        field(self.language)
    }

    fn read(place: Place, line: &'a str) -> Option<Self> {
        let mut rest = Some(line);
        let mut next = || {
            let text = rest?;
            // The fields are short: to call a faster search takes longer than to look.
            let (first, others) = match text.bytes().position(|byte| byte == b'\t') {
                Some(end) => (&text[..end], Some(&text[end + 1..])),
                None => (text, None),
            };
            rest = others;
            Some(first)
        };
        let number = next()?.parse().ok()?;
        let id = next()?.parse().ok()?;
        let status = status(next()?);
        let (priority, language, title) = (next()?, next()?, next()?);
        let numbers = next()?;
        let mut dependencies = Vec::new();
        if !numbers.is_empty() {
            for number in numbers.split(',') {
                dependencies.push(number.parse().ok()?);
            }
        }
        let seldom = match next()? {
            "" => None,
            json => Some(serde_json::from_str(json).ok()?),
        };
        Some(Self {
            number,
            place,
            status,
            id,
            title,
            priority,
            language,
            dependencies,
            seldom,
        })
    }
}

impl Outlined for Outline<'_> {
    fn id(&self) -> TaskId {
        self.id
    }

    fn number(&self) -> u32 {
        self.number
    }

    fn former_numbers(&self) -> &[u32] {
        let seldom = self.seldom.as_ref();
        seldom.map_or(&[], |seldom| &seldom.former_numbers)
    }

    fn place(&self) -> Place {
        self.place
    }

    fn status(&self) -> &TaskStatus {
        &self.status
    }

    fn priority(&self) -> Option<Cow<'_, str>> {
        field(self.priority)
    }

    fn dependencies(&self) -> &[u32] {
        &self.dependencies
    }

    fn dependencies_prose(&self) -> Option<&str> {
        self.seldom.as_ref()?.dependencies_prose.as_deref()
    }

    fn subtasks(&self) -> &[u32] {
        self.seldom.as_ref().map_or(&[], |seldom| &seldom.subtasks)
    }

    fn blocked_reason(&self) -> Option<&str> {
        self.seldom.as_ref()?.blocked_reason.as_deref()
    }
}

/// The line of a task, with a line break at its end. The text follows from the task alone, and no
/// two tasks have the same.
#[must_use]
pub fn line(task: &Task) -> String {
    let mut line = format!("{}\t{}\t", task.number, task.id);
    put(&mut line, Some(task.status.value()));
    line.push('\t');
    put(&mut line, task.priority.as_deref());
    line.push('\t');
    put(&mut line, task.language.as_deref());
    line.push('\t');
    put(&mut line, Some(&task.title));
    line.push('\t');
    let numbers: Vec<_> = task
        .dependencies
        .numbers
        .iter()
        .map(u32::to_string)
        .collect();
    line.push_str(&numbers.join(","));
    line.push('\t');
    let seldom = Seldom {
        former_numbers: task.former_numbers.clone(),
        subtasks: task.subtasks.clone(),
        dependencies_prose: task.dependencies.prose.clone(),
        blocked_reason: task.blocked_reason.clone(),
    };
    if seldom != Seldom::default() {
        line.push_str(&serde_json::json!(seldom).to_string());
    }
    line.push('\n');
    line
}

/// Puts a text into a line: nothing for none, and never a tab or a line break.
fn put(line: &mut String, text: Option<&str>) {
    match text {
        None => {}
        Some("") => line.push_str("\\e"),
        Some(text) => {
            for character in text.chars() {
                match character {
                    '\\' => line.push_str("\\\\"),
                    '\t' => line.push_str("\\t"),
                    '\n' => line.push_str("\\n"),
                    other => line.push(other),
                }
            }
        }
    }
}

/// The text that [`put`] was given.
fn field(text: &str) -> Option<Cow<'_, str>> {
    if text.is_empty() {
        return None;
    }
    if memchr(b'\\', text.as_bytes()).is_none() {
        return Some(Cow::Borrowed(text));
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        match characters.next() {
            Some('t') => plain.push('\t'),
            Some('n') => plain.push('\n'),
            Some('\\') => plain.push('\\'),
            _ => {}
        }
    }
    Some(Cow::Owned(plain))
}

fn status(text: &str) -> TaskStatus {
    match Status::of(text) {
        Some(status) => TaskStatus::Known(status),
        None => TaskStatus::Other(field(text).unwrap_or_default().into_owned()),
    }
}

/// The tasks of a board in outline, as of one operation.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The sequence number of the board's newest operation.
    pub sequence: u64,
    /// How many conflicts stand.
    pub conflicts: usize,
    text: String,
    lines: Vec<Line>,
}

/// Where a line is.
#[derive(Clone, Copy, Debug)]
struct Line {
    start: usize,
    number: u32,
    place: Place,
}

impl Listing {
    /// A listing without tasks.
    #[must_use]
    pub fn new(sequence: u64, conflicts: usize) -> Self {
        Self {
            sequence,
            conflicts,
            ..Self::default()
        }
    }

    /// The tasks of a board in these lists.
    #[must_use]
    pub fn of(board: &Board, places: &[Place]) -> Self {
        let mut listing = Self::new(board.sequence, board.conflicts.len());
        for task in board.tasks.values() {
            if places.contains(&task.place) {
                listing.begin(task.place, task.number);
                listing.text.push_str(&line(task));
            }
        }
        listing.sort();
        listing
    }

    /// Takes in lines of tasks that are all in this list; [`Listing::sort`] follows the last ones.
    ///
    /// # Errors
    /// When one of them does not begin with a number.
    pub fn add(&mut self, place: Place, lines: &str) -> Result<(), BadLine> {
        let from = self.text.len();
        let mut start = 0;
        for end in memchr_iter(b'\n', lines.as_bytes()) {
            let line = &lines[start..end];
            let number = line
                .split_once('\t')
                .and_then(|(first, _)| first.parse().ok());
            let number = number.ok_or_else(|| BadLine(line.to_owned()))?;
            self.lines.push(Line {
                start: from + start,
                number,
                place,
            });
            start = end + 1;
        }
        self.text.push_str(&lines[..start]);
        Ok(())
    }

    fn begin(&mut self, place: Place, number: u32) {
        self.lines.push(Line {
            start: self.text.len(),
            number,
            place,
        });
    }

    /// Brings the tasks into their order: active ones by number, then archived ones by identity.
    pub fn sort(&mut self) {
        let text = self.text.as_str();
        let id = |line: &Line| text[line.start..].split('\t').nth(1);
        let rank = |line: &Line| match line.place {
            Place::Active => (0, line.number),
            Place::Archived => (1, 0),
            Place::Removed => (2, 0),
        };
        let order = |left: &Line, right: &Line| {
            let by_number = rank(left).cmp(&rank(right));
            by_number.then_with(|| id(left).cmp(&id(right)))
        };
        // They mostly come in order, and looking is cheaper than sorting.
        if !self
            .lines
            .is_sorted_by(|left, right| order(left, right).is_le())
        {
            self.lines.sort_by(order);
        }
    }

    /// How many tasks there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The tasks in their order; each line is read when it is its turn.
    pub fn tasks(&self) -> impl Iterator<Item = Result<Outline<'_>, BadLine>> {
        self.lines.iter().map(|line| {
            let text = &self.text[line.start..];
            let end = memchr(b'\n', text.as_bytes()).unwrap_or(text.len());
            let text = &text[..end];
            Outline::read(line.place, text).ok_or_else(|| BadLine(text.to_owned()))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::board::testing::{board, cases, id, task};

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![
            Just(String::new()),
            "[a-zä\\\\\t\n\r ,\"]{0,8}",
            Just("\\e".to_owned())
        ]
    }

    fn any_numbers() -> impl Strategy<Value = Vec<u32>> {
        prop::collection::vec(any::<u32>(), 0..3)
    }

    fn any_task() -> impl Strategy<Value = Task> {
        let maybe = || prop::option::of(any_text());
        let numbers = (any_numbers(), any_numbers(), any_numbers());
        let texts = (any_text(), maybe(), maybe(), maybe(), maybe());
        let status = prop_oneof![
            prop::sample::select(Status::ALL.to_vec()).prop_map(TaskStatus::from),
            Just(TaskStatus::Other("done".to_owned())),
            any_text().prop_map(TaskStatus::Other),
        ];
        (1..5_u128, 1..5_u32, status, numbers, texts).prop_map(
            |(identity, number, status, (former, waits, subtasks), texts)| {
                let (title, priority, language, prose, reason) = texts;
                let mut task = Task {
                    id: id(identity),
                    status,
                    title,
                    priority,
                    language,
                    former_numbers: former,
                    subtasks,
                    blocked_reason: reason,
                    ..task(number, "planned")
                };
                task.dependencies.numbers = waits;
                task.dependencies.prose = prose;
                task
            },
        )
    }

    fn assert_outlines(outline: &Outline<'_>, task: &Task) {
        assert_eq!(outline.id(), task.id);
        assert_eq!(outline.number, task.number);
        assert_eq!(outline.place, task.place);
        assert_eq!(outline.status, task.status);
        assert_eq!(outline.title(), task.title);
        assert_eq!(outline.priority().as_deref(), task.priority.as_deref());
        assert_eq!(outline.language().as_deref(), task.language.as_deref());
        assert_eq!(outline.dependencies(), task.dependencies());
        assert_eq!(outline.dependencies_prose(), task.dependencies_prose());
        assert_eq!(outline.former_numbers(), task.former_numbers);
        assert_eq!(outline.subtasks(), task.subtasks);
        assert_eq!(outline.blocked_reason(), task.blocked_reason());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(cases(256)))]

        #[test]
        fn a_line_says_what_the_task_does(task in any_task()) {
            let text = line(&task);
            prop_assert_eq!(text.find('\n'), Some(text.len() - 1));
            let outline = Outline::read(task.place, text.trim_end_matches('\n')).unwrap();
            assert_outlines(&outline, &task);
        }

        #[test]
        fn a_listing_has_the_order_of_the_board(tasks in prop::collection::vec(any_task(), 0..9)) {
            let places = [Place::Active, Place::Archived, Place::Removed];
            let tasks = tasks.into_iter().enumerate().map(|(index, mut task)| {
                task.place = places[index % 3];
                task
            });
            let board = board(tasks);
            let listing = Listing::of(&board, &places[..2]);
            let archived = board.tasks.values().filter(|task| task.place == Place::Archived);
            let expected: Vec<_> = board.active().chain(archived).collect();
            prop_assert_eq!(listing.len(), expected.len());
            for (outline, task) in listing.tasks().zip(expected) {
                assert_outlines(&outline.unwrap(), task);
            }
        }
    }

    #[test]
    fn a_damaged_line_is_named() {
        let mut listing = Listing::default();
        let error = listing.add(Place::Active, "x\ty\n").unwrap_err();
        assert!(error.to_string().contains("`x\ty`"), "{error}");
        listing.add(Place::Active, "5\tno id\n").unwrap();
        listing.tasks().next().unwrap().unwrap_err();
    }
}
