//! The whole file as facts: every entry read, everything odd named.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::facts::facts;
use super::fields::View;
use super::headings::plain_title;
use super::scan::{Scan, is_front_key};
use super::status::StatusShape;
use crate::board::edit::EditError;
use crate::board::facts::TaskFacts;
use crate::board::roots::TodoFound;
use crate::board::status::TaskStatus;
use crate::plan::lines::{decode, heading};

/// What a TODO.md says.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct TodoFile {
    /// The values of the front matter that Airboss owns.
    pub front: Front,
    /// Its entries in order; a number that is there twice is listed twice.
    pub entries: Vec<TaskFacts>,
    /// What is odd about it, in the order of lines.
    pub problems: Vec<Problem>,
    /// Why nothing can be written to it, such as an unfinished merge.
    pub damage: Option<EditError>,
    /// It is empty, or says only that the board has moved.
    pub is_stub: bool,
}

/// The front matter. Ranges are the bytes of the values.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Front {
    /// The number that the next task gets.
    pub next_number: Option<(u32, Range<usize>)>,
    /// The instant of the last change, as it is spelt there.
    pub last_updated: Option<(String, Range<usize>)>,
    /// The bytes from its first rule to its last; none when the file has no front matter.
    pub span: Option<Range<usize>>,
}

/// Something odd that reading survives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// One sentence.
    pub message: String,
    /// What kind.
    pub kind: ProblemKind,
}

/// The kinds of problems.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ProblemKind {
    /// The file is empty or says that the board has moved.
    Stub,
    /// A line of the front matter is not a key.
    FrontLine,
    /// The front matter is never closed and therefore text.
    UnclosedFront,
    /// Something stands before the front matter.
    BeforeFront,
    /// The next number is indented below another key.
    IndentedNumber,
    /// A number is there more than once.
    DuplicateNumber,
    /// A letter or a word follows a number.
    OddNumber,
    /// A task has no status line.
    NoStatus,
    /// A status has no brackets.
    BareStatus,
    /// A status is not a known one.
    UnknownStatus,
    /// A reason stands within the marker.
    ReasonInMarker,
    /// What a task waits for cannot be read.
    DependencyProse,
    /// A field is there more than once; the first counts.
    RepeatedField,
    /// A fence is never closed.
    UnclosedFence,
    /// A comment is never closed.
    UnclosedComment,
    /// Bytes are not UTF-8.
    InvalidUtf8,
    /// Lines of an unfinished merge.
    Conflict,
}

impl Problem {
    /// `line` counts from 0.
    pub(super) fn new(line: usize, kind: ProblemKind, message: impl Into<String>) -> Self {
        Self {
            line: line + 1,
            message: message.into(),
            kind,
        }
    }
}

impl TodoFile {
    /// Reads a file. Every input has a result; what is odd becomes a problem.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let text = decode(bytes);
        let scan = Scan::new(&text);
        let mut file = Self {
            front: front(&scan),
            is_stub: is_stub(&scan),
            damage: damage(&scan),
            problems: scan.problems.clone(),
            ..Self::default()
        };
        for entry in &scan.entries {
            let view = View::new(&scan, entry);
            let facts = facts(&view);
            file.entry_problems(&view, &facts);
            file.entries.push(facts);
        }
        file.file_problems(bytes, &scan);
        file.front_problems(&scan);
        file.problems.sort_by_key(|problem| problem.line);
        file
    }

    /// Reads the front matter and the entries with these numbers, and looks for no problems.
    ///
    /// One change in a board of ten thousand tasks need not pay for all of them.
    #[must_use]
    pub fn parse_some(bytes: &[u8], numbers: &BTreeSet<u32>) -> Self {
        let text = decode(bytes);
        let scan = Scan::of_some(&text, numbers);
        let asked = scan.entries.iter();
        Self {
            front: front(&scan),
            is_stub: is_stub(&scan),
            damage: damage(&scan),
            entries: asked.map(|entry| facts(&View::new(&scan, entry))).collect(),
            problems: Vec::new(),
        }
    }

    /// The numbers of the entries in the order of the file, and nothing of the entries.
    #[must_use]
    pub fn order(bytes: &[u8]) -> Vec<u32> {
        Scan::order(&decode(bytes))
    }

    /// Tells what kind of file it is, and reads no entry.
    #[must_use]
    pub fn kind(bytes: &[u8]) -> TodoFound {
        if begins_with_entry(bytes) {
            return TodoFound::WithEntries;
        }
        let text = decode(bytes);
        let scan = Scan::new(&text);
        match scan.entries.is_empty() {
            _ if is_stub(&scan) => TodoFound::Stub,
            true => TodoFound::WithoutEntries,
            false => TodoFound::WithEntries,
        }
    }

    fn push(&mut self, line: usize, kind: ProblemKind, message: impl Into<String>) {
        self.problems.push(Problem::new(line, kind, message));
    }

    fn file_problems(&mut self, bytes: &[u8], scan: &Scan<'_>) {
        if self.is_stub {
            self.push(0, ProblemKind::Stub, "there is no board in this file");
        }
        if let Some(line) = scan.conflict {
            let message = "a merge is unfinished here";
            self.push(line, ProblemKind::Conflict, message);
        }
        if let Err(error) = std::str::from_utf8(bytes) {
            let before = &bytes[..error.valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count();
            let message = "these bytes are not UTF-8; they are kept";
            self.push(line, ProblemKind::InvalidUtf8, message);
        }
        let mut lines: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for entry in &scan.entries {
            lines.entry(entry.number).or_default().push(entry.line);
        }
        for (number, lines) in lines.into_iter().filter(|(_, lines)| lines.len() > 1) {
            for line in lines {
                let message = format!("task {number} is there more than once");
                self.push(line, ProblemKind::DuplicateNumber, message);
            }
        }
    }

    fn entry_problems(&mut self, view: &View<'_, '_>, facts: &TaskFacts) {
        let number = facts.number;
        if let Some(status) = super::facts::status_line(view.scan, view.entry) {
            let line = view.entry.status.unwrap_or(view.entry.line);
            let text = view.text(&status.text);
            let known = TaskStatus::known_prefix(text.trim_start());
            match (status.shape, known) {
                (StatusShape::Marker, Some((_, length))) if length < text.trim().len() => {
                    let message = format!("the marker of task {number} holds a reason");
                    self.push(line, ProblemKind::ReasonInMarker, message);
                }
                (StatusShape::Marker, Some(_)) => {}
                (StatusShape::Bare, _) => {
                    let message = format!("the status of task {number} has no brackets");
                    self.push(line, ProblemKind::BareStatus, message);
                }
                (StatusShape::Marker | StatusShape::Unknown, _) => {
                    let message = format!("the status of task {number} is unknown: `{text}`");
                    self.push(line, ProblemKind::UnknownStatus, message);
                }
            }
        }
        let waits = facts.dependencies.as_ref();
        if let Some(prose) = waits.and_then(|waits| waits.prose.as_ref()) {
            let line = view.named(&super::facts::DEPENDENCIES);
            let line = line.map_or(view.entry.line, |field| field.line);
            let message = format!("what task {number} waits for cannot be read: `{prose}`");
            self.push(line, ProblemKind::DependencyProse, message);
        }
        self.repeated_fields(view);
    }

    fn repeated_fields(&mut self, view: &View<'_, '_>) {
        const SINGLE: [&str; 6] = [
            "Status",
            "Priority",
            "Language",
            "Effort",
            "Dependencies",
            "Parent",
        ];
        for name in SINGLE {
            let mut again = view
                .fields
                .iter()
                .filter(|field| field.indent < 2 && view.text(&field.name) == name);
            if let (Some(_), Some(second)) = (again.next(), again.next()) {
                let message = format!("{name} is there again; the first counts");
                self.push(second.line, ProblemKind::RepeatedField, message);
            }
        }
    }

    fn front_problems(&mut self, scan: &Scan<'_>) {
        let blank = |line: &usize| scan.lines.get(*line).trim().is_empty();
        let Some(lines) = scan.front.clone() else {
            let mut told = (0..scan.lines.len()).filter(|line| !blank(line));
            let opener = told.next().filter(|line| scan.lines.get(*line) == "---");
            let key = told.next().map(|line| scan.lines.get(line));
            if let (Some(line), true) = (opener, key.is_some_and(is_front_key)) {
                let message = "the front matter is never closed; it is read as text";
                self.push(line, ProblemKind::UnclosedFront, message);
            }
            return;
        };
        if (0..lines.start).any(|line| !blank(&line)) {
            let message = "something stands before the front matter";
            self.push(lines.start, ProblemKind::BeforeFront, message);
        }
        for line in lines.start + 1..lines.end - 1 {
            let text = scan.lines.get(line);
            let body = text.trim();
            let sound = body.is_empty() || body.starts_with(['#', '-']) || key(body).is_some();
            if !sound {
                let message = "this line of the front matter is no key; it is kept";
                self.push(line, ProblemKind::FrontLine, message);
            }
            if text.starts_with(' ') && key(body).is_some_and(|(key, _)| key == NEXT_NUMBER) {
                let message = "the next number is indented below another key";
                self.push(line, ProblemKind::IndentedNumber, message);
            }
        }
    }
}

/// The first entry of a board stands nearer to its beginning than this, in bytes.
pub const HEAD_BYTES: usize = 16 << 10;

/// Whether an entry stands in the first [`HEAD_BYTES`], with no fence and no comment there: how
/// those are read depends on everything that comes after, and that there is an entry does not.
#[must_use]
pub fn begins_with_entry(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    let Some(end) = head.iter().rposition(|byte| *byte == b'\n') else {
        return false;
    };
    let text = decode(&head[..=end]);
    let scan = Scan::new(&text);
    let is_open = |problem: &Problem| {
        let kinds = [ProblemKind::UnclosedFence, ProblemKind::UnclosedComment];
        kinds.contains(&problem.kind)
    };
    !scan.entries.is_empty() && !scan.quoted.contains(&true) && !scan.problems.iter().any(is_open)
}

const NEXT_NUMBER: &str = "next_project_number";

/// `key: value`.
fn key(line: &str) -> Option<(&str, &str)> {
    let (key, rest) = line.split_once(':')?;
    let word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let sound = !key.is_empty() && key.bytes().all(word);
    (sound && (rest.is_empty() || rest.starts_with([' ', '\t']))).then_some((key, rest))
}

/// The owned values of the front matter; a key at the margin comes before an indented one.
pub(super) fn front(scan: &Scan<'_>) -> Front {
    let Some(lines) = scan.front.clone() else {
        return Front::default();
    };
    let mut front = Front {
        span: Some(scan.lines.span(lines.start).start..scan.lines.span(lines.end - 1).end),
        ..Front::default()
    };
    for indented in [false, true] {
        for line in lines.start + 1..lines.end - 1 {
            let text = scan.lines.get(line);
            let body = text.trim_start_matches(' ');
            let Some((key, rest)) = key(body).filter(|_| (body.len() < text.len()) == indented)
            else {
                continue;
            };
            let value = rest.trim_start().trim_start_matches(['"', '\'']);
            let start = scan.lines.span(line).end - value.len();
            if key == NEXT_NUMBER && front.next_number.is_none() {
                let rest = value.trim_start_matches(|character: char| character.is_ascii_digit());
                let digits = &value[..value.len() - rest.len()];
                let ends = !rest.starts_with(|character: char| {
                    character.is_alphanumeric() || character == '-' || character == '.'
                });
                if let (Ok(number), true) = (digits.parse(), ends) {
                    front.next_number = Some((number, start..start + digits.len()));
                }
            }
            if key == "last_updated" && front.last_updated.is_none() && !indented {
                let end = value.find(['"', '\'', '#']).unwrap_or(value.len());
                let value = value[..end].trim_end();
                front.last_updated = Some((value.to_owned(), start..start + value.len()));
            }
        }
    }
    front
}

/// Why a file is not to be written.
pub(super) fn damage(scan: &Scan<'_>) -> Option<EditError> {
    let line = scan.conflict?;
    let inside = scan
        .entries
        .iter()
        .find(|entry| (entry.line..entry.end).contains(&line));
    let place = inside.map_or(String::new(), |entry| {
        let title = plain_title(&scan.text[entry.title.clone()]);
        format!(" in task {} ({title})", entry.number)
    });
    let message = format!("a merge is unfinished{place}; finish it and remove its marker lines");
    Some(EditError::Damaged {
        line: line + 1,
        message,
    })
}

/// Whether there is no board in the file.
fn is_stub(scan: &Scan<'_>) -> bool {
    if scan.has_entries {
        return false;
    }
    let mut told = (0..scan.lines.len()).map(|line| scan.lines.get(line));
    if told.clone().all(|line| line.trim().is_empty()) {
        return true;
    }
    let first = told.find_map(heading);
    first.is_some_and(|(_, name)| name.to_uppercase().contains("MOVED"))
}
