//! Which tasks can be worked on now, in which order, and why the others cannot.

use std::collections::BTreeSet;

use super::command::cycle_in;
use super::name::Numbers;
use super::operation::Board;
use super::outline::Outlined;
use super::status::{Class, Status, TaskStatus};
use super::task::{Place, Task};
use crate::id::TaskId;

/// A task that is not finished.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Queued {
    /// Its identity.
    pub id: TaskId,
    /// Its number.
    pub number: u32,
    /// Why it cannot be worked on; none when it can.
    pub waits: Vec<Wait>,
}

impl Queued {
    /// Whether it can be worked on now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.waits.is_empty()
    }
}

/// One reason why a task cannot be worked on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wait {
    /// Work is said to be under way.
    InFlight(TaskStatus),
    /// It is blocked, and perhaps somebody said why.
    Blocked(Option<String>),
    /// Its status asks for a person, or says nothing about what comes next.
    Status(TaskStatus),
    /// A task that it waits for is not completed.
    Dependency {
        /// Its number.
        number: u32,
        /// What it is.
        status: TaskStatus,
    },
    /// A task that it waits for was given up, replaced, or archived unfinished: it never will be.
    DependencyGone {
        /// Its number.
        number: u32,
        /// What it is.
        status: TaskStatus,
    },
    /// It waits for a number that no task has.
    DependencyUnknown(u32),
    /// What it waits for is said in words.
    DependencyProse(String),
    /// It waits for itself, this way round.
    Cycle(Vec<u32>),
}

impl std::fmt::Display for Wait {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::InFlight(status) => write!(formatter, "is {status}"),
            Self::Blocked(None) => formatter.write_str("is blocked"),
            Self::Blocked(Some(reason)) => write!(formatter, "is blocked: {reason}"),
            Self::Status(status) => write!(formatter, "is {status}"),
            Self::Dependency { number, status } => {
                write!(formatter, "waits for task {number}, which is {status}")
            }
            Self::DependencyGone { number, status } => {
                write!(
                    formatter,
                    "waits for task {number}, which was left {status}"
                )
            }
            Self::DependencyUnknown(number) => {
                write!(formatter, "waits for task {number}, which does not exist")
            }
            Self::DependencyProse(words) => write!(formatter, "waits for “{words}”"),
            Self::Cycle(numbers) => {
                let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
                write!(formatter, "waits for itself: {}", numbers.join(" → "))
            }
        }
    }
}

/// Every task that is not finished, by priority and then in the order of the board.
///
/// `order` are the numbers as TODO.md lists them; what it does not list comes after, by number.
#[must_use]
pub fn queue(board: &Board, order: &[u32]) -> Vec<Queued> {
    let queued = queue_of(&Numbers::of(board), board.active(), order);
    let queued = queued.into_iter().map(|(task, waits)| Queued {
        id: task.id,
        number: task.number,
        waits,
    });
    queued.collect()
}

/// The same of tasks of which no more may be known than their outline: those of `active` that are
/// not finished, with what they wait for. They are given by number.
#[must_use]
pub fn queue_of<'a, T: Outlined>(
    index: &Numbers<'_, T>,
    active: impl Iterator<Item = &'a T>,
    order: &[u32],
) -> Vec<(&'a T, Vec<Wait>)> {
    let places = (0..).zip(order);
    let mut positions: Vec<(u32, usize)> = places
        .map(|(position, number)| (index.current(*number), position))
        .collect();
    // Of a number that stands there twice the first place counts.
    positions.sort_unstable();
    let position = |number: u32| {
        let at = positions.partition_point(|(other, _)| *other < number);
        let found = positions.get(at).filter(|(other, _)| *other == number);
        found.map_or(usize::MAX, |(_, position)| *position)
    };
    let mut open: Vec<((u8, usize), &T)> = active
        .filter(|task| task.status().class() != Class::Terminal)
        .map(|task| {
            let urgency = urgency(task.priority().as_deref());
            ((urgency, position(task.number())), task)
        })
        .collect();
    // The sort is stable, and active tasks come by number.
    open.sort_by_key(|(rank, _)| *rank);
    let open = open.into_iter();
    open.map(|(_, task)| (task, waits(index, task))).collect()
}

/// 0 for the most urgent; no priority, or a word that nobody knows, is a medium one.
fn urgency(priority: Option<&str>) -> u8 {
    let priority = priority.unwrap_or_default().trim();
    let words = ["critical", "high", "medium", "low"];
    let begins = |word: &str| {
        let head = priority.as_bytes().get(..word.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()))
    };
    let known = (0..).zip(words).find(|(_, word)| begins(word));
    known.map_or(2, |(rank, _)| rank)
}

/// Why one task cannot be worked on; nothing when it can.
#[must_use]
pub fn waits_of(board: &Board, task: &Task) -> Vec<Wait> {
    waits(&Numbers::of(board), task)
}

fn waits<T: Outlined>(index: &Numbers<'_, T>, task: &T) -> Vec<Wait> {
    let mut waits = Vec::new();
    match (task.status(), task.status().class()) {
        (status, Class::InFlight) => waits.push(Wait::InFlight(status.clone())),
        (TaskStatus::Known(Status::Blocked), _) => {
            let reason = task.blocked_reason().map(str::to_owned);
            waits.push(Wait::Blocked(reason));
        }
        (
            status @ (TaskStatus::Other(_)
            | TaskStatus::Known(Status::PrReady | Status::OnHold | Status::Implemented)),
            _,
        ) => waits.push(Wait::Status(status.clone())),
        _ => {}
    }
    if let Some(way) = cycle_in(index, task.number(), task.dependencies()) {
        waits.push(Wait::Cycle(way));
    }
    for number in task.dependencies() {
        if *number != task.number() {
            waits.extend(dependency(index, *number));
        }
    }
    if let Some(words) = task.dependencies_prose() {
        waits.push(Wait::DependencyProse(words.to_owned()));
    }
    waits
}

/// What is to be said of one dependency; nothing when it is met.
fn dependency<T: Outlined>(index: &Numbers<'_, T>, number: u32) -> Option<Wait> {
    let Some(task) = index.find(number) else {
        return Some(Wait::DependencyUnknown(number));
    };
    let status = task.status().clone();
    let number = task.number();
    match &status {
        TaskStatus::Known(Status::Completed) => None,
        TaskStatus::Known(Status::Expanded) => {
            unfinished_below(index, task).then_some(Wait::Dependency { number, status })
        }
        TaskStatus::Known(Status::Abandoned | Status::Superseded) => {
            Some(Wait::DependencyGone { number, status })
        }
        _ if task.place() == Place::Archived => Some(Wait::DependencyGone { number, status }),
        _ => Some(Wait::Dependency { number, status }),
    }
}

/// Whether a task that was split has subtasks, at any depth, that are not completed. A subtask
/// that was given up leaves the whole unfinished: what waits for it should be looked at.
fn unfinished_below<T: Outlined>(index: &Numbers<'_, T>, task: &T) -> bool {
    let mut open = vec![task];
    let mut seen = BTreeSet::new();
    while let Some(task) = open.pop() {
        if !seen.insert(task.id()) {
            continue;
        }
        if !task.status().is(Status::Expanded) {
            if !task.status().is(Status::Completed) {
                return true;
            }
            continue;
        }
        if task.subtasks().is_empty() {
            // Nobody knows what it was split into.
            return true;
        }
        for number in task.subtasks() {
            match index.find(*number) {
                Some(subtask) => open.push(subtask),
                None => return true,
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::board::testing::{board, task, waiting};

    fn shown(board: &Board, order: &[u32]) -> String {
        let lines = queue(board, order).into_iter().map(|queued| {
            let waits: Vec<_> = queued.waits.iter().map(ToString::to_string).collect();
            match queued.is_ready() {
                true => format!("{}: ready", queued.number),
                false => format!("{}: {}", queued.number, waits.join("; ")),
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn ready_or_why_not() {
        let mut blocked = task(3, "blocked");
        blocked.blocked_reason = Some("the review".to_owned());
        let mut prose = task(9, "planned");
        prose.dependencies.prose = Some("when the proof works".to_owned());
        let mut split = task(10, "expanded");
        split.subtasks = vec![1, 2];
        let mut archived = task(16, "planned");
        archived.place = Place::Archived;
        let mut renumbered = task(18, "completed");
        renumbered.former_numbers = vec![17];
        let board = board([
            task(1, "completed"),
            waiting(2, "not_started", &[1]),
            blocked,
            task(4, "implementing"),
            waiting(5, "planned", &[2, 77]),
            waiting(6, "planned", &[7]),
            waiting(7, "planned", &[6]),
            waiting(8, "planned", &[8]),
            prose,
            split,
            waiting(11, "partial", &[10]),
            task(12, "on_hold"),
            task(13, "creating"),
            task(14, "abandoned"),
            waiting(15, "researched", &[14, 16]),
            archived,
            renumbered,
            waiting(19, "revised", &[17, 1]),
        ]);
        assert_snapshot!(shown(&board, &[]), @r#"
        2: ready
        3: is blocked: the review
        4: is implementing
        5: waits for task 2, which is not_started; waits for task 77, which does not exist
        6: waits for itself: 6 → 7 → 6; waits for task 7, which is planned
        7: waits for itself: 7 → 6 → 7; waits for task 6, which is planned
        8: waits for itself: 8 → 8
        9: waits for “when the proof works”
        11: waits for task 10, which is expanded
        12: is on_hold
        13: is creating
        15: waits for task 14, which was left abandoned; waits for task 16, which was left planned
        19: ready
        "#);
    }

    #[test]
    fn by_priority_and_then_as_the_board_has_it() {
        let with = |number, priority: &str| {
            let mut task = task(number, "planned");
            task.priority = Some(priority.to_owned());
            task
        };
        let board = board([
            with(1, "Low"),
            with(2, "HIGH (soon)"),
            task(3, "planned"),
            with(4, "medium"),
            with(5, "critical"),
            with(6, "high"),
        ]);
        let numbers: Vec<_> = queue(&board, &[6, 4, 3, 1])
            .into_iter()
            .map(|queued| queued.number)
            .collect();
        assert_eq!(numbers, [5, 6, 2, 4, 3, 1]);
    }
}
