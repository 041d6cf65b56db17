//! Bringing tasks back as they were in an older version of the board.

use super::{Decision, Refusal, Standing, holder};
use crate::board::change::TaskChange;
use crate::board::compare::is_so;
use crate::board::link;
use crate::board::operation::{Board, BoardOperation, Cause};
use crate::board::task::{Artifact, Place, Task, TimeKey};

/// Gives tasks the fields that they had in `then`, the board of a revision; with no numbers all
/// tasks that stood on it.
///
/// A task keeps its number and its phases, which the two lists do not tell. Tasks that came
/// later stay as they are.
///
/// # Errors
/// When the revision has no such task, or its number is another task's now.
pub fn restore(standing: &Standing<'_>, then: &Board, numbers: &[u32], revision: &str) -> Decision {
    let cause = || Cause::Restored {
        revision: revision.to_owned(),
    };
    let absent = |number: &u32| Refusal::NotThen {
        number: *number,
        revision: revision.to_owned(),
    };
    let named: Result<Vec<_>, _> = numbers
        .iter()
        .map(|number| then.find(*number).ok_or_else(|| absent(number)))
        .collect();
    let wanted = match numbers {
        [] => then.active().collect(),
        _ => named?,
    };
    let mut operations = Vec::new();
    for old in wanted {
        match counterpart(standing.board, old) {
            Some(now) => {
                let changes = changes(now, old);
                operations.extend(standing.change_because(now, changes, cause(), false));
            }
            None => {
                if let Some(taken) = holder(standing.board, old.number) {
                    return Err(Refusal::NumberTaken {
                        number: old.number,
                        title: taken.title.clone(),
                    });
                }
                let mut task = old.clone();
                task.times.insert(TimeKey::LastUpdated, standing.now);
                operations.push(BoardOperation::TaskAdded {
                    task: Box::new(task),
                    cause: cause(),
                });
            }
        }
    }
    Ok(operations)
}

/// The same task today: by its id, else one that has or had the number and its name.
fn counterpart<'a>(board: &'a Board, old: &Task) -> Option<&'a Task> {
    let same = |task: &&Task| {
        (task.number == old.number || task.former_numbers.contains(&old.number))
            && (task.slug == old.slug || task.title == old.title)
    };
    let by_id = board.tasks.get(&old.id);
    by_id.or_else(|| board.tasks.values().find(same))
}

/// What makes a task as it was. What the files did not say then is emptied.
fn changes(now: &Task, then: &Task) -> Vec<TaskChange> {
    let then = then.clone();
    let mut changes = vec![
        TaskChange::Place(match then.place {
            Place::Removed => Place::Active,
            place => place,
        }),
        TaskChange::Title(then.title),
        TaskChange::Slug(then.slug),
        TaskChange::Status(then.status),
        TaskChange::Priority(then.priority),
        TaskChange::Language(then.language),
        TaskChange::Effort(then.effort),
        TaskChange::Description(then.description),
        TaskChange::Dependencies(then.dependencies),
        TaskChange::Parent(then.parent),
        TaskChange::Subtasks(then.subtasks),
        TaskChange::BlockedReason(then.blocked_reason),
        TaskChange::AbandonedReason(then.abandoned_reason),
        TaskChange::Plan(then.plan),
    ];
    // The instant of the last change is the restoration's own.
    let keys = now.times.keys().chain(then.times.keys());
    let mut keys: Vec<_> = keys.filter(|key| **key != TimeKey::LastUpdated).collect();
    keys.sort();
    keys.dedup();
    let time = |key: &TimeKey| TaskChange::Time(*key, then.times.get(key).copied());
    changes.extend(keys.into_iter().map(time));
    let has = |artifacts: &[Artifact], path: &str| {
        artifacts.iter().any(|known| link::same(&known.path, path))
    };
    let gone = now.artifacts.iter();
    let gone = gone.filter(|known| !has(&then.artifacts, &known.path));
    changes.extend(gone.map(|known| TaskChange::ArtifactRemoved(known.path.clone())));
    changes.extend(then.artifacts.iter().cloned().map(TaskChange::Artifact));
    changes.retain(|change| !is_so(change, now));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::command::block;
    use crate::board::testing::at;
    use crate::board::transition::Mode;
    use crate::id::OperationId;
    use crate::operation::Actor;

    fn standing(board: &Board) -> Standing<'_> {
        Standing {
            board,
            actor: Actor::Person,
            mode: Mode::Permissive,
            force: false,
            now: at(50),
        }
    }

    fn applied(board: &Board, operations: &[BoardOperation]) -> Board {
        let mut board = board.clone();
        for operation in operations {
            board.apply(board.sequence + 1, OperationId::default(), operation);
        }
        board
    }

    fn board() -> Board {
        let new = super::super::NewTask::new(crate::id::TaskId::default(), 7, "Draw the frame");
        let empty = Board::default();
        let added = super::super::add(&standing(&empty), new, 8).unwrap();
        applied(&empty, &added)
    }

    #[test]
    fn a_task_is_as_it_was_and_that_is_told() {
        let then = board();
        let changed = block(&standing(&then), 7, "the palette is not decided").unwrap();
        let now = applied(&then, &changed);
        let back = restore(&standing(&now), &then, &[7], "HEAD~1").unwrap();
        let [BoardOperation::TaskChanged { cause, .. }] = back.as_slice() else {
            panic!("{back:?}");
        };
        let revision = "HEAD~1".to_owned();
        assert_eq!(*cause, Cause::Restored { revision });
        let after = applied(&now, &back);
        let (restored, old) = (after.find(7).unwrap(), then.find(7).unwrap());
        assert_eq!(restored.status, old.status);
        assert_eq!(restored.blocked_reason, None);
        assert_eq!(
            restore(&standing(&after), &then, &[], "HEAD~1").unwrap(),
            []
        );
    }

    #[test]
    fn a_task_that_is_gone_comes_back_unless_its_number_is_taken() {
        let then = board();
        let empty = Board::default();
        let back = restore(&standing(&empty), &then, &[], "v1").unwrap();
        assert_eq!(back.len(), 1);
        assert_eq!(back[0].word(), "task_added");
        let mut other = board();
        for task in other.tasks.values_mut() {
            task.id = crate::id::TaskId::from_uuid(uuid::Uuid::from_u128(9));
            task.slug = "another".to_owned();
            task.title = "Another".to_owned();
        }
        other.tasks = other.tasks.into_values().map(|it| (it.id, it)).collect();
        let taken = restore(&standing(&other), &then, &[7], "v1").unwrap_err();
        assert_eq!(
            taken.to_string(),
            "the number 7 is taken by the task `Another`"
        );
        let absent = restore(&standing(&other), &then, &[8], "v1").unwrap_err();
        assert_eq!(absent.to_string(), "v1 has no task 8");
    }
}
