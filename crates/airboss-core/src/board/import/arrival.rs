//! Tasks that the board does not have: written by hand, or come from another clone.

use super::{Import, Note, Section};
use crate::board::change::TaskChange;
use crate::board::command::follow;
use crate::board::name;
use crate::board::number::{self, StoredNext};
use crate::board::operation::{BoardOperation, Cause};
use crate::board::reconcile;
use crate::board::task::{Place, Task, TimeKey};
use crate::id::TaskId;

impl Import<'_> {
    /// Adds the task of a section. A number that is taken goes to the one that had it first, and
    /// the other gets a new one and keeps the old as an alias.
    pub(super) fn arrive(&mut self, section: &Section<'_>) {
        let facts = section.facts;
        let path = self.disk.path.clone();
        let known = self.known.history.section(section.hash).is_some();
        if known {
            // A rendering of a task whose creation was undone.
            return;
        }
        let foreign = facts.id.is_some();
        let operation = facts.operation;
        let cause = if foreign || self.disk.is_checked_out {
            Cause::Foreign { path, operation }
        } else {
            Cause::HandEdit { path }
        };
        let said = self.translated(facts, foreign);
        let mut task = reconcile::join(facts.number, None, Some(&said));
        task.id = facts
            .id
            .unwrap_or_else(|| self.derived(facts.number, &task.slug));
        let now = self.known.now;
        task.times.entry(TimeKey::Created).or_insert(now);
        task.times.entry(TimeKey::LastUpdated).or_insert(now);
        let wanted = task.number;
        let holder = self
            .board
            .find(wanted)
            .filter(|holder| holder.number == wanted && holder.place != Place::Removed);
        if let Some(holder) = holder.cloned() {
            let stays = !foreign || name::is_later(task.id, holder.id);
            if !stays {
                if self.give_way(&holder).is_none() {
                    return;
                }
            } else if let Some(number) = self.free_number(wanted) {
                TaskChange::Number(number).apply(&mut task);
                if foreign {
                    self.renamed.insert(wanted, number);
                }
                self.result.notes.push(Note::Renumbered {
                    from: wanted,
                    to: number,
                    title: task.title.clone(),
                });
            } else {
                return;
            }
        }
        self.add(task, cause, section);
    }

    fn add(&mut self, task: Task, cause: Cause, section: &Section<'_>) {
        let id = task.id;
        let next = task.number.saturating_add(1);
        let counted = self.board.next_number;
        let task = Box::new(task);
        let taken = counted.is_some_and(|counted| counted == task.number);
        self.push(BoardOperation::TaskAdded { task, cause });
        if taken {
            self.push(BoardOperation::NextNumberSet { next });
        }
        let base = self.read(section.facts.clone(), section.hash.to_owned(), 0);
        self.result.bases.push((id, base));
    }

    /// A task of the board gets another number, and what named it follows.
    fn give_way(&mut self, holder: &Task) -> Option<()> {
        let from = holder.number;
        let to = self.free_number(from)?;
        let stamp = |task: &Task| {
            let at = task.times.get(&TimeKey::LastUpdated).copied();
            TaskChange::Time(TimeKey::LastUpdated, at.max(Some(self.known.now)))
        };
        let operation = None;
        let cause = Cause::Foreign {
            path: self.disk.path.clone(),
            operation,
        };
        let mut operations = Vec::new();
        let moved = vec![TaskChange::Number(to), stamp(holder)];
        operations.extend(BoardOperation::change(holder, moved, cause.clone(), false));
        for other in self.board.tasks.values() {
            let mut changes = follow(other, from, to);
            if other.id != holder.id && other.place != Place::Removed && !changes.is_empty() {
                changes.push(stamp(other));
                operations.extend(BoardOperation::change(other, changes, cause.clone(), false));
            }
        }
        for operation in operations {
            self.push(operation);
        }
        self.result.notes.push(Note::Renumbered {
            from,
            to,
            title: holder.title.clone(),
        });
        Some(())
    }

    /// A number that nothing has: neither the board, nor the file, nor a directory.
    fn free_number(&mut self, wanted: u32) -> Option<u32> {
        let in_file = |number| {
            let mut sections = self.disk.sections.iter();
            sections.any(|section| section.facts.number == number)
        };
        let on_board = |number| self.board.find(number).is_some();
        let used = |number| in_file(number) || on_board(number) || (self.known.is_taken)(number);
        let stored = StoredNext {
            state: self.board.next_number,
            todo: self.disk.next_number.0,
        };
        match number::allocate(stored, None, used) {
            Ok(allocation) => {
                let next = allocation.next;
                self.push(BoardOperation::NextNumberSet { next });
                Some(allocation.number)
            }
            Err(error) => {
                let reason = error.to_string();
                let number = wanted;
                self.result.notes.push(Note::NoNumber { number, reason });
                None
            }
        }
    }

    /// An id for a task without one, which no task of the board ever had.
    fn derived(&self, number: u32, slug: &str) -> TaskId {
        let ids =
            (0..).map(|occurrence| name::derived_id(self.known.key, number, slug, occurrence));
        let mut free = ids.filter(|id| !self.board.tasks.contains_key(id));
        free.next().unwrap_or_default()
    }
}
