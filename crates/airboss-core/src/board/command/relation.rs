//! Commands that concern several tasks at once: what waits for what, what is below what, and what
//! a number stands for.

use std::collections::{BTreeMap, BTreeSet};

use super::{Decision, NewTask, Refusal, Standing, add, holder, transition_to};
use crate::board::change::TaskChange;
use crate::board::name::Numbers;
use crate::board::operation::{Board, BoardOperation};
use crate::board::outline::Outlined;
use crate::board::status::Status;
use crate::board::task::{Place, Task};
use crate::board::transition::Context;

/// Whether a task may wait for these: each is there, and none waits for it in turn.
pub(super) fn check_dependencies(board: &Board, task: u32, numbers: &[u32]) -> Result<(), Refusal> {
    for missing in numbers {
        if *missing != task && board.find(*missing).is_none() {
            return Err(Refusal::NoDependency {
                task,
                missing: *missing,
            });
        }
    }
    cycle(board, task, numbers).map_or(Ok(()), |numbers| Err(Refusal::Cycle { numbers }))
}

/// The way round, if `task` waited for `numbers` and so for itself: its number first and last.
#[must_use]
pub fn cycle(board: &Board, task: u32, numbers: &[u32]) -> Option<Vec<u32>> {
    cycle_in(&Numbers::of(board), task, numbers)
}

/// The same with an index at hand.
pub(in crate::board) fn cycle_in(
    index: &Numbers<'_, impl Outlined>,
    task: u32,
    numbers: &[u32],
) -> Option<Vec<u32>> {
    let start = index.current(task);
    let mut came_from = BTreeMap::new();
    // A plain stack, since boards may be long chains.
    let mut open: Vec<(u32, u32)> = numbers.iter().map(|next| (start, *next)).collect();
    while let Some((from, next)) = open.pop() {
        let next = index.current(next);
        if next == start {
            let mut way = vec![start, from];
            while let Some(before) = way.last().and_then(|last| came_from.get(last)) {
                way.push(*before);
            }
            way.reverse();
            way.dedup();
            // A task that waits for itself alone is a way of one step.
            if way.len() == 1 {
                way.push(start);
            }
            return Some(way);
        }
        if came_from.contains_key(&next) {
            continue;
        }
        came_from.insert(next, from);
        let found = index.find(next);
        open.extend(found.into_iter().flat_map(|found| {
            let numbers = found.dependencies().iter();
            numbers.map(move |after| (next, *after))
        }));
    }
    None
}

/// What else changes when a task goes below another parent, or below none.
pub(super) fn move_below(
    standing: &Standing<'_>,
    task: &Task,
    parent: Option<u32>,
) -> Result<Vec<BoardOperation>, Refusal> {
    let mut operations = Vec::new();
    let old = task.parent.filter(|old| parent != Some(*old));
    if let Some(old) = old.and_then(|old| standing.board.find(old)) {
        let mut subtasks = old.subtasks.clone();
        subtasks.retain(|number| *number != task.number);
        operations.extend(standing.change(old, vec![TaskChange::Subtasks(subtasks)], false));
    }
    if let Some(parent) = parent {
        let parent = standing.task(parent)?;
        let mut above = Some(parent);
        let mut seen = BTreeSet::new();
        while let Some(task_above) = above {
            if task_above.id == task.id {
                return Err(Refusal::OwnParent(task.number));
            }
            if !seen.insert(task_above.id) {
                break;
            }
            above = task_above
                .parent
                .and_then(|number| standing.board.find(number));
        }
        if !parent.subtasks.contains(&task.number) {
            let mut subtasks = parent.subtasks.clone();
            subtasks.push(task.number);
            operations.extend(standing.change(parent, vec![TaskChange::Subtasks(subtasks)], false));
        }
    }
    Ok(operations)
}

/// Replaces a task by subtasks. They wait for what it waits for unless they say otherwise; what
/// waits for it goes on waiting, until all of them are completed.
///
/// # Errors
/// When the task is finished, or one of the subtasks is not possible.
pub fn expand(standing: &Standing<'_>, number: u32, subtasks: Vec<NewTask>, next: u32) -> Decision {
    let task = standing.task(number)?;
    if subtasks.is_empty() {
        return Err(Refusal::NoSubtasks(number));
    }
    let mut board = standing.board.clone();
    let mut operations = Vec::new();
    let mut numbers = task.subtasks.clone();
    for mut subtask in subtasks {
        subtask.parent = None;
        if subtask.dependencies.is_empty() {
            subtask.dependencies.clone_from(&task.dependencies.numbers);
        }
        // A subtask may wait for one that is named before it.
        let standing = Standing {
            board: &board,
            ..*standing
        };
        numbers.push(subtask.number);
        for mut operation in add(&standing, subtask, next)? {
            if let BoardOperation::TaskAdded { task: added, .. } = &mut operation {
                added.parent = Some(task.number);
                board.tasks.insert(added.id, (**added).clone());
                operations.push(operation);
            }
        }
    }
    let context = Context {
        force: standing.force,
        phases_settled: true,
        has_reason: true,
        is_expanding: true,
    };
    let to = Status::Expanded.into();
    let mut changed = transition_to(standing, task, &to, None, context)?;
    if let Some(BoardOperation::TaskChanged { changes, undo, .. }) = changed.first_mut() {
        let list = TaskChange::Subtasks(numbers);
        undo.insert(0, list.inverse(task));
        changes.push(list);
    } else {
        changed = standing.change(task, vec![TaskChange::Subtasks(numbers)], false);
    }
    operations.extend(changed);
    if standing.board.next_number != Some(next) {
        operations.push(BoardOperation::NextNumberSet { next });
    }
    Ok(operations)
}

/// Gives a task another number. Everything that named it by the old one follows.
///
/// # Errors
/// When the task is not there, or the number is taken.
pub fn renumber(standing: &Standing<'_>, number: u32, to: u32) -> Decision {
    let task = standing.task(number)?;
    if task.number == to {
        return Ok(Vec::new());
    }
    if let Some(taken) = holder(standing.board, to) {
        return Err(Refusal::NumberTaken {
            number: to,
            title: taken.title.clone(),
        });
    }
    let mut operations = standing.change(task, vec![TaskChange::Number(to)], false);
    for other in standing.board.tasks.values() {
        if other.place != Place::Removed && other.id != task.id {
            let changes = follow(other, task.number, to);
            operations.extend(standing.change(other, changes, false));
        }
    }
    Ok(operations)
}

/// What changes in a task that named another by its old number.
pub(in crate::board) fn follow(task: &Task, from: u32, to: u32) -> Vec<TaskChange> {
    let renamed = |numbers: &[u32]| -> Vec<u32> {
        let numbers = numbers.iter();
        numbers
            .map(|number| if *number == from { to } else { *number })
            .collect()
    };
    let mut dependencies = task.dependencies.clone();
    dependencies.numbers = renamed(&dependencies.numbers);
    let mut changes = vec![
        TaskChange::Dependencies(dependencies),
        TaskChange::Subtasks(renamed(&task.subtasks)),
    ];
    if task.parent == Some(from) {
        changes.push(TaskChange::Parent(Some(to)));
    }
    changes.retain(|change| !change.is_vacuous(task));
    changes
}
