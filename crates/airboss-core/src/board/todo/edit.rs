//! Edits carried out: in order, several per scan where they do not meet.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::scan::{Entry, Scan};
use super::splice::{self, Splice};
use super::{change, dates, link_edit, parse, place, quotes, touched};
use crate::board::change::Field;
use crate::board::edit::{Edit, EditError, Edited, Position};
use crate::board::facts::TaskFacts;
use crate::board::task::{Task, TimeKey};
use crate::plan::lines::decode;
use crate::time::Timestamp;

/// Carries edits out on the bytes of a TODO.md.
///
/// What is not named keeps its bytes, and an edit of what is so already changes nothing. An entry
/// or a status line that is missing is told in [`Edited::left`].
///
/// # Errors
/// When the file holds an unfinished merge, the number that is edited is there twice, or a comment
/// that is never closed would come to hide other tasks.
pub fn edit(bytes: &[u8], edits: &[Edit<'_>]) -> Result<Edited, EditError> {
    let steps: Vec<Step<'_>> = edits.iter().flat_map(steps).collect();
    let mut bytes = Cow::Borrowed(bytes);
    let mut left = Vec::new();
    let mut added = BTreeSet::new();
    let mut touched = None;
    let mut rest = &steps[..];
    while !rest.is_empty() {
        let text = decode(&bytes);
        let scan = Scan::new(&text);
        if let Some(damage) = parse::damage(&scan) {
            return Err(damage);
        }
        let mut batch = Batch {
            scan: &scan,
            bytes: &bytes,
            splices: Vec::new(),
            touched: BTreeSet::new(),
            removed: BTreeSet::new(),
            left: &mut left,
            added: &mut added,
        };
        let mut taken = 0;
        for step in rest {
            if !batch.admits(step) {
                break;
            }
            batch.carry_out(step)?;
            taken += 1;
        }
        let mut splices = batch.splices;
        if !splices.is_empty() {
            let edited = splice::apply(&bytes, &mut splices);
            quotes::check(&scan, &edited, rest[..taken].iter().flat_map(Step::numbers))?;
            if taken == steps.len() && steps.iter().all(Step::is_in_place) {
                let numbers = steps.iter().flat_map(Step::numbers).collect();
                touched = touched::touched(&scan, &splices, &edited, &numbers);
            }
            bytes = Cow::Owned(edited);
        }
        rest = &rest[taken..];
    }
    Ok(Edited {
        bytes: bytes.into_owned(),
        left,
        touched,
    })
}

/// An empty board.
#[must_use]
pub fn new_board(next: u32) -> Vec<u8> {
    format!("---\nnext_project_number: {next}\n---\n\n# TODO\n\n## Tasks\n").into_bytes()
}

/// The smallest piece of an edit that one scan serves.
#[derive(Clone, Copy)]
enum Step<'a> {
    Add(&'a Task),
    /// Every field but links.
    Fields(&'a Task, &'a [Field]),
    /// One artifact or the plan.
    Link(&'a Task, &'a Field),
    /// What an entry that was just added says beyond the fields of every entry.
    Times(&'a Task),
    Artifact(&'a Task, usize),
    Plan(&'a Task),
    Renumber(u32, &'a Task),
    Move(u32, &'a Position),
    Remove(u32),
    NextNumber(u32),
    LastUpdated(Timestamp),
}

fn steps<'a>(edit: &Edit<'a>) -> Vec<Step<'a>> {
    match *edit {
        Edit::Add { task } => {
            let mut steps = vec![Step::Add(task), Step::Times(task)];
            steps.extend((0..task.artifacts.len()).map(|index| Step::Artifact(task, index)));
            steps.push(Step::Plan(task));
            steps
        }
        Edit::Change { task, fields } => {
            let mut steps = vec![Step::Fields(task, fields)];
            let links = fields.iter().filter(|field| is_link(field));
            steps.extend(links.map(|field| Step::Link(task, field)));
            steps
        }
        Edit::Renumber { from, task } => vec![Step::Renumber(from, task)],
        Edit::Move { number, to } => vec![Step::Move(number, to)],
        Edit::Remove { number } => vec![Step::Remove(number)],
        Edit::NextNumber(number) => vec![Step::NextNumber(number)],
        Edit::LastUpdated(at) => vec![Step::LastUpdated(at)],
    }
}

fn is_link(field: &Field) -> bool {
    matches!(field, Field::Artifact(_) | Field::Plan)
}

/// The changes that are made on one scan of the file.
struct Batch<'b, 't> {
    scan: &'b Scan<'t>,
    bytes: &'b [u8],
    splices: Vec<Splice>,
    /// What was changed: entries by number, the front matter as 0 and 1 past the numbers.
    touched: BTreeSet<u32>,
    /// The entries that were taken out, by index.
    removed: BTreeSet<usize>,
    left: &'b mut Vec<(u32, String)>,
    /// The tasks that got an entry.
    added: &'b mut BTreeSet<u32>,
}

/// Stand for the two values of the front matter among the numbers that were touched.
const NEXT_NUMBER: u32 = u32::MAX;
const LAST_UPDATED: u32 = u32::MAX - 1;
/// Stands for the order of the entries.
const ORDER: u32 = u32::MAX - 2;

impl<'a> Step<'a> {
    /// The task that it writes text of.
    fn task(&self) -> Option<&'a Task> {
        match *self {
            Self::Add(task) | Self::Fields(task, _) | Self::Times(task) => Some(task),
            _ => None,
        }
    }

    /// Whether every entry stays where it is, and is that of the same task.
    fn is_in_place(&self) -> bool {
        match self {
            Self::Fields(..) | Self::Link(..) | Self::NextNumber(_) | Self::LastUpdated(_) => true,
            Self::Add(_)
            | Self::Times(_)
            | Self::Artifact(..)
            | Self::Plan(_)
            | Self::Renumber(..)
            | Self::Move(..)
            | Self::Remove(_) => false,
        }
    }

    /// The same with another text of its task.
    fn of<'b>(self, task: &'b Task) -> Step<'b>
    where
        'a: 'b,
    {
        match self {
            Self::Add(_) => Step::Add(task),
            Self::Fields(_, fields) => Step::Fields(task, fields),
            Self::Times(_) => Step::Times(task),
            other => other,
        }
    }

    /// The entries that may change, by their numbers before and after; none for the front matter.
    fn numbers(&self) -> impl Iterator<Item = u32> + use<> {
        let (before, after) = match *self {
            Self::Add(task)
            | Self::Fields(task, _)
            | Self::Link(task, _)
            | Self::Times(task)
            | Self::Artifact(task, _)
            | Self::Plan(task) => (Some(task.number), None),
            Self::Renumber(number, task) => (Some(number), Some(task.number)),
            Self::Move(number, _) | Self::Remove(number) => (Some(number), None),
            Self::NextNumber(_) | Self::LastUpdated(_) => (None, None),
        };
        before.into_iter().chain(after)
    }
}

impl Batch<'_, '_> {
    /// Whether a step can be carried out without seeing what earlier ones did.
    fn admits(&self, step: &Step<'_>) -> bool {
        let is_free = |number: u32| !self.touched.contains(&number);
        match step {
            Step::NextNumber(_) => is_free(NEXT_NUMBER),
            Step::LastUpdated(_) => is_free(LAST_UPDATED),
            Step::Fields(task, _)
            | Step::Link(task, _)
            | Step::Times(task)
            | Step::Artifact(task, _)
            | Step::Plan(task) => is_free(ORDER) && is_free(task.number),
            Step::Remove(number) => {
                let is_near = |index: usize| {
                    let near = index.saturating_sub(1)..=index + 1;
                    self.removed.range(near).next().is_some()
                };
                let mut entries = self.scan.entries.iter().enumerate();
                let index = entries.find(|(_, entry)| entry.number == *number);
                let only_removals = self
                    .touched
                    .iter()
                    .all(|touched| [NEXT_NUMBER, LAST_UPDATED, ORDER].contains(touched));
                only_removals
                    && (is_free(ORDER) || !self.removed.is_empty())
                    && index.is_none_or(|(index, _)| !is_near(index))
            }
            // It writes the whole file.
            Step::Move(..) => self.touched.is_empty(),
            Step::Add(_) | Step::Renumber(..) => self
                .touched
                .iter()
                .all(|touched| [NEXT_NUMBER, LAST_UPDATED].contains(touched)),
        }
    }

    fn carry_out(&mut self, step: &Step<'_>) -> Result<(), EditError> {
        let harmless = step
            .task()
            .filter(|_| quotes::has_open_comment(self.scan))
            .and_then(quotes::harmless);
        match harmless.as_ref().map_or(*step, |task| step.of(task)) {
            Step::Add(task) => self.add(task),
            Step::Fields(task, fields) => self.change(task, |entry, batch| {
                change::fields(batch.scan, batch.bytes, entry, task, fields)
            })?,
            Step::Link(task, field) => self.change(task, |entry, batch| {
                link_edit::field(batch.scan, entry, task, field)
            })?,
            Step::Times(task) | Step::Artifact(task, _) | Step::Plan(task)
                if !self.added.contains(&task.number) => {}
            Step::Times(task) => {
                let mut fields = vec![Field::BlockedReason, Field::AbandonedReason];
                fields.extend(task.times.keys().map(|key: &TimeKey| Field::Time(*key)));
                self.change(task, |entry, batch| {
                    change::fields(batch.scan, batch.bytes, entry, task, &fields)
                })?;
            }
            Step::Artifact(task, index) => {
                let field = Field::Artifact(task.artifacts[index].path.clone());
                self.change(task, |entry, batch| {
                    link_edit::field(batch.scan, entry, task, &field)
                })?;
            }
            Step::Plan(task) => {
                if task.plan.is_some() {
                    self.change(task, |entry, batch| {
                        link_edit::field(batch.scan, entry, task, &Field::Plan)
                    })?;
                }
            }
            Step::Renumber(from, task) => self.renumber(from, task)?,
            Step::Move(number, to) => self.relocate(number, to)?,
            Step::Remove(number) => self.remove(number)?,
            Step::NextNumber(number) => self.next_number(number),
            Step::LastUpdated(at) => self.last_updated(at),
        }
        Ok(())
    }

    /// The one entry with this number.
    fn entry(&self, number: u32) -> Result<Option<(usize, Entry)>, EditError> {
        let mut found = self
            .scan
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.number == number);
        let Some((index, entry)) = found.next() else {
            return Ok(None);
        };
        let mut lines = vec![entry.line + 1];
        lines.extend(found.map(|(_, entry)| entry.line + 1));
        if lines.len() > 1 {
            return Err(EditError::Duplicate { number, lines });
        }
        Ok(Some((index, entry.clone())))
    }

    fn missing(&mut self, number: u32) {
        self.left
            .push((number, format!("task {number} has no entry in TODO.md")));
    }

    fn touch(&mut self, mark: u32, splices: Vec<Splice>) {
        if !splices.is_empty() {
            self.touched.insert(mark);
            self.splices.extend(splices);
        }
    }

    fn change(
        &mut self,
        task: &Task,
        edit: impl FnOnce(&Entry, &Self) -> change::Outcome,
    ) -> Result<(), EditError> {
        let Some((_, entry)) = self.entry(task.number)? else {
            // Once is enough, however many fields were asked for.
            if !self.left.iter().any(|(number, _)| *number == task.number) {
                self.missing(task.number);
            }
            return Ok(());
        };
        let outcome = edit(&entry, self);
        let words = outcome.left.into_iter();
        self.left.extend(words.map(|words| (task.number, words)));
        self.touch(task.number, outcome.splices);
        Ok(())
    }

    fn add(&mut self, task: &Task) {
        if self.scan.numbered(task.number).next().is_some() {
            return;
        }
        self.added.insert(task.number);
        let splice = place::add(self.scan, task);
        self.touch(ORDER, vec![splice]);
    }

    fn remove(&mut self, number: u32) -> Result<(), EditError> {
        if let Some((index, _)) = self.entry(number)? {
            self.removed.insert(index);
            let at = place::removal(self.scan, index);
            self.touch(ORDER, vec![Splice::new(at, Vec::new())]);
        }
        Ok(())
    }

    fn relocate(&mut self, number: u32, to: &Position) -> Result<(), EditError> {
        let Some((index, _)) = self.entry(number)? else {
            self.missing(number);
            return Ok(());
        };
        match place::relocation(self.scan, self.bytes, index, to) {
            Ok(splices) => {
                if !splices.is_empty() {
                    self.touched.extend([NEXT_NUMBER, LAST_UPDATED]);
                }
                self.touch(ORDER, splices);
            }
            Err(words) => self.left.push((number, words)),
        }
        Ok(())
    }

    fn renumber(&mut self, from: u32, task: &Task) -> Result<(), EditError> {
        let number = task.number;
        let title = super::headings::plain_title(&task.title);
        let is_titled =
            |entry: &&Entry| change::title(self.scan, entry) == super::facts::one_line(title);
        if from == number {
            return Ok(());
        }
        let mut standing = self.scan.numbered(from).filter(is_titled);
        let titled = (standing.next(), standing.next());
        if let Some(other) = self.scan.numbered(number).next() {
            let is_done = is_titled(&other) || self.scan.numbered(from).next().is_none();
            if !is_done {
                let words = format!("the number {number} is taken in TODO.md");
                self.left.push((number, words));
            }
            return Ok(());
        }
        // Of two entries with one number the title tells which is meant.
        let entry = match titled {
            (Some(entry), None) => entry.clone(),
            _ => match self.entry(from)? {
                Some((_, entry)) => entry,
                None => {
                    self.missing(from);
                    return Ok(());
                }
            },
        };
        let width = entry.digits.len();
        let padded = self.scan.text[entry.digits.clone()].starts_with('0');
        let digits = if padded {
            format!("{number:0width$}")
        } else {
            number.to_string()
        };
        self.touch(ORDER, vec![Splice::new(entry.digits, digits)]);
        Ok(())
    }

    fn next_number(&mut self, number: u32) {
        let front = parse::front(self.scan);
        if let Some((current, at)) = front.next_number
            && current != number
        {
            self.touch(NEXT_NUMBER, vec![Splice::new(at, number.to_string())]);
        }
    }

    fn last_updated(&mut self, at: Timestamp) {
        let Some((value, span)) = parse::front(self.scan).last_updated else {
            return;
        };
        // A damaged value is kept: it may be a person's note.
        let Some((_, form, length)) = dates::read(&value) else {
            return;
        };
        let text = dates::text(at, form);
        if value[..length] != text {
            let span = span.start..span.start + length;
            self.touch(LAST_UPDATED, vec![Splice::new(span, text)]);
        }
    }
}

/// The bytes of an entry, for digests; empty when the facts are of another version of the file.
#[must_use]
pub fn section<'b>(bytes: &'b [u8], facts: &TaskFacts) -> &'b [u8] {
    bytes.get(facts.span.clone()).unwrap_or_default()
}
