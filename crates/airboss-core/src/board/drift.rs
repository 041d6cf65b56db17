//! Where TODO.md and state.json disagree, and nothing else.
//!
//! They disagree about a task that only one of them has, about the status of a task that both
//! have, and about the next number. Other fields may differ: each file spells them its own way.
//!
//! A task is only in TODO.md when state.json has it in no list, and the archive does not have it
//! either. Only a task of `active_projects` can be missing in TODO.md. Where state.json has a task
//! in several lists, the first of its lists counts: it is the one that says more of it. A record
//! outside `active_projects` need not have a status; then it says nothing that could be wrong.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{List, TaskFacts};

/// One disagreement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Disagreement {
    /// TODO.md has an entry, and state.json has no such task.
    OnlyInTodo {
        /// Its number.
        number: u32,
        /// What TODO.md says.
        todo: Said,
    },
    /// `active_projects` has a task, and TODO.md has no entry.
    OnlyInState {
        /// Its number.
        number: u32,
        /// What state.json says.
        state: Said,
    },
    /// Both have it, with different statuses; a missing status line differs from any.
    Status {
        /// Its number.
        number: u32,
        /// What TODO.md says.
        todo: Said,
        /// What state.json, or the archive, says.
        state: Said,
    },
    /// Both name the next number, and not the same.
    NextNumber {
        /// That of TODO.md.
        todo: u32,
        /// That of state.json.
        state: u32,
    },
}

/// A status as a file spells it, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    /// The line of the entry or the object.
    pub line: usize,
    /// The raw text of the status; `None` when there is none.
    pub text: Option<String>,
}

impl Said {
    fn of(facts: &TaskFacts) -> Self {
        let value = || facts.status.as_ref().map(ToString::to_string);
        Self {
            line: facts.line,
            text: facts.status_text.clone().or_else(value),
        }
    }
}

impl std::fmt::Display for Said {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.text {
            Some(text) => write!(formatter, "`{text}` (line {})", self.line),
            None => write!(formatter, "no status (line {})", self.line),
        }
    }
}

impl Disagreement {
    /// The task that it is about.
    #[must_use]
    pub fn number(&self) -> Option<u32> {
        match self {
            Self::OnlyInTodo { number, .. }
            | Self::OnlyInState { number, .. }
            | Self::Status { number, .. } => Some(*number),
            Self::NextNumber { .. } => None,
        }
    }
}

impl std::fmt::Display for Disagreement {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OnlyInTodo { number, todo } => {
                write!(formatter, "task {number} is only in TODO.md: {todo}")
            }
            Self::OnlyInState { number, state } => {
                write!(formatter, "task {number} is only in state.json: {state}")
            }
            Self::Status {
                number,
                todo,
                state,
            } => write!(
                formatter,
                "task {number}: TODO.md says {todo}, state.json {state}"
            ),
            Self::NextNumber { todo, state } => write!(
                formatter,
                "the next number is {todo} in TODO.md and {state} in state.json"
            ),
        }
    }
}

/// Which of the two files.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Side {
    /// TODO.md.
    Todo,
    /// state.json.
    State,
}

impl std::fmt::Display for Side {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Todo => "TODO.md",
            Self::State => "state.json",
        })
    }
}

/// A number that stands more than once in one file, which neither file contradicts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Duplicate {
    /// The file.
    pub side: Side,
    /// The number.
    pub number: u32,
    /// The lines.
    pub lines: Vec<usize>,
}

/// Everything that the two files disagree about, the next number first, then by task.
///
/// `archive` is what the state.json of the archive says, if there is one. Of a number that stands
/// several times in a file, each place is held against the other file.
#[must_use]
pub fn between(
    todo: &[TaskFacts],
    todo_next: Option<u32>,
    state: &[TaskFacts],
    state_next: Option<u32>,
    archive: &[TaskFacts],
) -> Vec<Disagreement> {
    let mut found = Vec::new();
    if let (Some(todo), Some(state)) = (todo_next, state_next)
        && todo != state
    {
        found.push(Disagreement::NextNumber { todo, state });
    }
    let entries = by_number(todo.iter());
    let records = by_number(state.iter().chain(archive));
    let numbers: BTreeSet<_> = entries.keys().chain(records.keys()).copied().collect();
    for number in numbers {
        let entries = entries.get(&number).map_or(&[][..], Vec::as_slice);
        let records = counting(records.get(&number).map_or(&[][..], Vec::as_slice));
        if records.is_empty() {
            found.extend(entries.iter().map(|entry| Disagreement::OnlyInTodo {
                number,
                todo: Said::of(entry),
            }));
        } else if entries.is_empty() {
            let active = records.iter().filter(|record| record.list == List::Active);
            found.extend(active.map(|record| Disagreement::OnlyInState {
                number,
                state: Said::of(record),
            }));
        }
        for entry in entries {
            for record in &records {
                let silent = record.status.is_none() && record.list != List::Active;
                if entry.status != record.status && !silent {
                    found.push(Disagreement::Status {
                        number,
                        todo: Said::of(entry),
                        state: Said::of(record),
                    });
                }
            }
        }
    }
    found
}

/// The numbers that stand more than once in one list of one file.
#[must_use]
pub fn duplicates(todo: &[TaskFacts], state: &[TaskFacts]) -> Vec<Duplicate> {
    let mut found = Vec::new();
    for (side, facts) in [(Side::Todo, todo), (Side::State, state)] {
        let active = facts.iter().filter(|facts| facts.list == List::Active);
        for (number, places) in by_number(active) {
            if places.len() > 1 {
                let lines = places.iter().map(|facts| facts.line).collect();
                found.push(Duplicate {
                    side,
                    number,
                    lines,
                });
            }
        }
    }
    found
}

/// The records of the first list that has any.
fn counting<'a>(records: &[&'a TaskFacts]) -> Vec<&'a TaskFacts> {
    let first = records.iter().map(|record| record.list).min();
    let records = records.iter().copied();
    records
        .filter(|record| Some(record.list) == first)
        .collect()
}

pub(super) fn by_number<'a>(
    facts: impl Iterator<Item = &'a TaskFacts>,
) -> BTreeMap<u32, Vec<&'a TaskFacts>> {
    let mut map: BTreeMap<u32, Vec<&TaskFacts>> = BTreeMap::new();
    for facts in facts {
        map.entry(facts.number).or_default().push(facts);
    }
    map
}

#[cfg(test)]
mod tests;
