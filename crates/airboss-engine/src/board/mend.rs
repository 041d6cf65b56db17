//! What the doctor mends on a board, and what an ordinary command refuses to guess.
//!
//! Every fix is either an operation, or text that is taken in like that of a person.

use std::collections::BTreeSet;

use airboss_core::board::directory::{Directory, Shelf};
use airboss_core::board::number::{self, Numbering, StoredNext};
use airboss_core::board::status::Status;
use airboss_core::board::todo::{self, ProblemKind, TodoFile};
use airboss_core::board::{
    Board, BoardOperation, Cause, Task, TaskChange, TaskFacts, TaskStatus, drift, state_file,
};
use airboss_core::path::RepoPath;

use super::adopt::{ReadList, read_list};
use super::desk::{BoardError, Decision, Desk};
use super::files::{BoardFiles, Whole};
use super::find::task_directories;
use super::list_file::Identifier;
use crate::projection::Publisher;
use crate::store::Wanted;

/// More numbers that stand twice than this are for a person.
const ROUNDS_MAX: usize = 50;

impl Desk {
    /// Makes files and store equal, and mends what is certain; answers what was done, in words.
    ///
    /// # Errors
    /// When the store or a file fails.
    pub fn mend(&mut self) -> Result<Vec<String>, BoardError> {
        let mut done = Vec::new();
        let settled = self.settle(Whole::Yes)?;
        done.extend(settled.notes);
        for path in settled.written {
            done.push(format!("{path} rewritten"));
        }
        for _ in 0..ROUNDS_MAX {
            let Some(words) = self.mend_duplicate()? else {
                break;
            };
            done.push(words);
        }
        done.extend(self.mend_status_lines()?);
        done.extend(self.mend_next_number()?);
        Ok(done)
    }

    fn lists(&self) -> [Option<ReadList>; 2] {
        // What is damaged is told by the checks.
        self.places
            .lists()
            .map(|item| read_list(&self.workspace, &item).ok().flatten())
    }

    /// Gives the later one of two tasks with the same number a new one.
    fn mend_duplicate(&mut self) -> Result<Option<String>, BoardError> {
        let [todo, state] = self.lists();
        let facts = |read: &Option<ReadList>| {
            let facts = read.as_ref().map(|read| read.parsed.facts.clone());
            facts.unwrap_or_default()
        };
        let (entries, records) = (facts(&todo), facts(&state));
        let in_files = drift::duplicates(&entries, &records);
        let view = self.view()?;
        let mut numbers: BTreeSet<u32> = in_files.iter().map(|it| it.number).collect();
        numbers.extend(twice(&view));
        let Some(old) = numbers.first().copied() else {
            return Ok(None);
        };
        let holders: Vec<_> = view.active().filter(|task| task.number == old).collect();
        let later = holders.get(1).map(|task| (*task).clone());
        let new = self.renumbered(old, later.as_ref())?;
        let kept = holders.first().copied();
        if let Some(read) = &todo
            && let Some(place) = other_place(&entries, old, kept)
            && let Some(bytes) = todo::renumber_at(&read.bytes, place.line, new)
        {
            self.write(&self.places.todo.clone(), &bytes)?;
        }
        if let Some(read) = &state
            && let Some(place) = other_place(&records, old, kept)
            && let Some(bytes) = state_file::renumber_at(&read.bytes, place, new)
        {
            self.write(&self.places.state.clone(), &bytes)?;
        }
        self.settle(Whole::Yes)?;
        Ok(Some(format!("the later task {old} is task {new} now")))
    }

    /// Takes a free number, and gives it to the task if the store knows it.
    fn renumbered(&mut self, old: u32, later: Option<&Task>) -> Result<u32, BoardError> {
        let directories = self.directories()?;
        let mut new = old;
        self.decide(None, &Wanted::All, &mut |standing| {
            let free = |number: &u32| !directories.contains(number);
            new = standing.free_numbers().find(free).unwrap_or(old);
            let mut operations = Vec::new();
            if let Some(later) = later {
                // What waits for the number waits for the task that keeps it.
                let changes = vec![TaskChange::Number(new)];
                operations.extend(BoardOperation::change(later, changes, Cause::Doctor, false));
            }
            operations.push(BoardOperation::NextNumberSet { next: new + 1 });
            Ok(Decision {
                operations,
                subject: format!("doctor: the later task {old} becomes task {new}"),
                ..Decision::default()
            })
        })?;
        Ok(new)
    }

    /// Gives entries of TODO.md without a status line one.
    fn mend_status_lines(&mut self) -> Result<Vec<String>, BoardError> {
        let path = self.places.todo.clone();
        let Some(read) = self.lists().into_iter().next().flatten() else {
            return Ok(Vec::new());
        };
        let view = self.view()?;
        let identifier = Identifier::new(&view);
        let mut bytes = read.bytes.clone();
        let mut done = Vec::new();
        // From the end: lines above stay where they are.
        for line in without_status(&read.bytes).into_iter().rev() {
            let Some(facts) = read.parsed.facts.iter().find(|facts| facts.line == line) else {
                continue;
            };
            let known = identifier.task(facts).and_then(|id| view.tasks.get(&id));
            let status = known.map_or(TaskStatus::Known(Status::NotStarted), |task| {
                task.status.clone()
            });
            if let Some(new) = todo::insert_status(&bytes, line, &status) {
                bytes = new;
                let number = facts.number;
                done.push(format!(
                    "{path}: task {number} got the status line {status}"
                ));
            }
        }
        if !done.is_empty() {
            self.write(&path, &bytes)?;
            self.settle(Whole::Yes)?;
        }
        done.reverse();
        Ok(done)
    }

    /// Makes the next number one that is free, and the same in both files.
    fn mend_next_number(&mut self) -> Result<Option<String>, BoardError> {
        let view = self.view()?;
        let Some(next) = self.offered(&view)? else {
            return Ok(None);
        };
        self.decide(None, &Wanted::Ids(Vec::new()), &mut |_| {
            Ok(Decision {
                operations: vec![BoardOperation::NextNumberSet { next }],
                subject: format!("doctor: the next number is {next}"),
                ..Decision::default()
            })
        })?;
        self.settle(Whole::Yes)?;
        Ok(Some(format!("the next number is {next}")))
    }

    /// The next number that the board should have; `None` when the one that it has is good.
    fn offered(&self, view: &Board) -> Result<Option<u32>, BoardError> {
        let [todo, state] = self.lists();
        let next = |read: Option<ReadList>| read.and_then(|read| read.parsed.next_number);
        let stored = StoredNext {
            state: next(state).or(view.next_number),
            todo: next(todo),
        };
        let numbering = self.places.numbering().map(|(range, _)| range);
        Ok(next_number(view, &self.directories()?, stored, numbering))
    }

    fn directories(&self) -> Result<BTreeSet<u32>, BoardError> {
        let paths = task_directories(&self.places.root())?;
        Ok(used_by_directories(&paths))
    }

    fn write(&self, path: &RepoPath, bytes: &[u8]) -> Result<(), BoardError> {
        let publisher = Publisher::of_board(&self.workspace, BoardFiles::new(&self.workspace));
        Ok(publisher.write(path, bytes)?)
    }
}

/// The numbers of directories; those in vaults are of an older cycle.
#[must_use]
pub fn used_by_directories(paths: &[String]) -> BTreeSet<u32> {
    let directories = paths.iter().filter_map(|path| Directory::parse(path));
    let current = directories.filter(|directory| !matches!(directory.shelf, Shelf::Vault(_)));
    current.map(|directory| directory.number).collect()
}

/// The next number to be, where the stored ones differ, are taken or beyond the last.
#[must_use]
pub fn next_number(
    view: &Board,
    directories: &BTreeSet<u32>,
    stored: StoredNext,
    numbering: Option<Numbering>,
) -> Option<u32> {
    let used =
        |number| directories.contains(&number) || view.active().any(|task| task.number == number);
    let differ = match (stored.state, stored.todo) {
        (Some(state), Some(todo)) => state != todo,
        _ => false,
    };
    let offered = number::offer(stored, used);
    let allocated = || number::allocate(stored, numbering, used).ok();
    let next = offered.or_else(|| allocated().map(|it| it.number))?;
    (differ || stored.state.or(stored.todo) != Some(next)).then_some(next)
}

/// The lines of the headings in a TODO.md of tasks without a status line.
#[must_use]
pub fn without_status(bytes: &[u8]) -> Vec<usize> {
    let problems = TodoFile::parse(bytes).problems;
    let missing = problems
        .iter()
        .filter(|it| it.kind == ProblemKind::NoStatus);
    missing.map(|problem| problem.line).collect()
}

/// The numbers that more than one active task has.
fn twice(view: &Board) -> Vec<u32> {
    let numbers: Vec<_> = view.active().map(|task| task.number).collect();
    let same = numbers.windows(2).filter(|pair| pair[0] == pair[1]);
    same.map(|pair| pair[0]).collect()
}

/// The later place of a number: the first that is not about the task which keeps it.
fn other_place<'a>(
    facts: &'a [TaskFacts],
    number: u32,
    kept: Option<&Task>,
) -> Option<&'a TaskFacts> {
    let places: Vec<_> = facts
        .iter()
        .filter(|facts| facts.number == number && facts.list == Default::default())
        .collect();
    if places.len() < 2 {
        return None;
    }
    let is_kept = |facts: &&TaskFacts| {
        kept.is_some_and(|task| {
            facts.title.as_ref() == Some(&task.title) || facts.slug.as_ref() == Some(&task.slug)
        })
    };
    let kept_place = places.iter().position(is_kept).unwrap_or(0);
    let mut others = places.into_iter().enumerate();
    let other = others.find(|(place, _)| *place != kept_place);
    other.map(|(_, facts)| facts)
}
