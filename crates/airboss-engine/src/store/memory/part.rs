//! A part of a board, picked from the whole.

use std::collections::BTreeSet;

use airboss_core::board::{Board, Place, Task};
use airboss_core::time::Timestamp;

use crate::store::{BoardStanding, Wanted};

/// The part of a board that is wanted.
pub(super) fn part_of(board: &Board, wanted: &Wanted) -> Board {
    let answers =
        |task: &Task, number: &u32| task.number == *number || task.former_numbers.contains(number);
    let is_wanted = |task: &Task| match wanted {
        Wanted::Tasks(numbers) | Wanted::TasksAndDependents(numbers) => {
            numbers.iter().any(|number| answers(task, number))
        }
        Wanted::Ids(ids) => ids.contains(&task.id),
        Wanted::Errors => false,
        Wanted::All => true,
    };
    let base: Vec<&Task> = board
        .tasks
        .values()
        .filter(|task| is_wanted(task))
        .collect();
    let is_waited_for = |task: &Task| {
        let mut numbers = base.iter().flat_map(|base| &base.dependencies.numbers);
        numbers.any(|number| answers(task, number))
    };
    let waits = |task: &Task| {
        let mut numbers = task.dependencies.numbers.iter();
        matches!(wanted, Wanted::TasksAndDependents(_))
            && numbers.any(|number| base.iter().any(|base| answers(base, number)))
    };
    let tasks = board
        .tasks
        .iter()
        .filter(|(_, task)| is_wanted(task) || is_waited_for(task) || waits(task))
        .map(|(id, task)| (*id, task.clone()))
        .collect();
    let errors = match wanted {
        Wanted::Errors | Wanted::All => board.errors.clone(),
        _ => Vec::new(),
    };
    Board {
        next_number: board.next_number,
        tasks,
        conflicts: board.conflicts.clone(),
        errors,
        sequence: board.sequence,
    }
}

/// What a decision about a board sees.
pub(super) fn standing_of(board: &Board, wanted: &Wanted, now: Timestamp) -> BoardStanding {
    let numbers: BTreeSet<u32> = board
        .tasks
        .values()
        .filter(|task| task.place != Place::Removed)
        .flat_map(|task| [task.number].into_iter().chain(task.former_numbers.clone()))
        .collect();
    let highest = numbers.last().copied().unwrap_or(0);
    let next_number = board.next_number.unwrap_or(highest.saturating_add(1));
    BoardStanding {
        board: part_of(board, wanted),
        next_number,
        taken: numbers.range(next_number..).copied().collect(),
        now,
    }
}
