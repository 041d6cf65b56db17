//! What a published file shows, remembered section by section: the base of the next import.

use std::collections::{BTreeMap, BTreeSet};

use airboss_core::board::import::Base;
use airboss_core::board::{Board, BoardKey, Field, Place, TaskFacts};
use airboss_core::id::TaskId;

use super::files::{BoardFiles, bases, stamp_of};
use super::list_file::{Identifier, ListFile, Parsed};
use super::seen::NEXT_NUMBER;
use crate::projection::{Shown, digest};
use crate::store::{
    BoardPublication, Publication, PublishRow, Section, Store, StoreError, TaskDelta, Wanted,
};

impl BoardFiles {
    /// Remembers the text of every task that is new in the file.
    pub(crate) fn record(
        &self,
        store: &mut dyn Store,
        row: &PublishRow,
        shown: &Shown<'_>,
    ) -> Result<bool, StoreError> {
        let board = BoardKey::new(row.plan.path().clone());
        let mut publication = BoardPublication {
            path: row.path.clone(),
            up_to: shown.up_to,
            hash: shown.content.map(digest).unwrap_or_default(),
            stamp: shown.facts.as_ref().map(stamp_of),
            sections: Vec::new(),
            forget: Vec::new(),
        };
        let known = store.publication(&row.plan, &row.path)?;
        let unchanged = known
            .as_ref()
            .is_some_and(|known| known.hash == publication.hash);
        if let (Some(file), Some(content), false) =
            (ListFile::of(&row.kind), shown.content, unchanged)
        {
            let work = Work {
                store,
                board: &board,
                row,
                file,
                content,
            };
            let deltas = work.deltas(known.as_ref())?;
            if !work.compare_some(known.as_ref(), shown, &deltas, &mut publication)? {
                work.compare_all(shown, &deltas, &mut publication)?;
            }
        }
        store.publish_board(&board, &publication)
    }
}

/// A text that is to be remembered.
struct Work<'a> {
    store: &'a dyn Store,
    board: &'a BoardKey,
    row: &'a PublishRow,
    file: ListFile,
    content: &'a [u8],
}

impl Work<'_> {
    /// The tasks that changed since the file was published.
    fn deltas(&self, known: Option<&Publication>) -> Result<Vec<TaskDelta>, StoreError> {
        let since = known.map_or(0, |known| known.sequence);
        let changes = self.store.changed_since(self.board, since)?;
        Ok(changes.map(|changes| changes.tasks).unwrap_or_default())
    }

    /// Looks only at the tasks that changed, and tells whether that is enough: when the file was
    /// made from what was published before, every other entry is as it was.
    fn compare_some(
        &self,
        known: Option<&Publication>,
        shown: &Shown<'_>,
        deltas: &[TaskDelta],
        publication: &mut BoardPublication,
    ) -> Result<bool, StoreError> {
        let is_own = |known: &Publication, edited| known.hash == digest(edited);
        let from_published = known.zip(shown.edited).is_some_and(|(a, b)| is_own(a, b));
        // Entries that come, go or get other numbers change what stands beside them.
        let is_in_place = |delta: &TaskDelta| {
            delta.appeared.is_none()
                && delta.moved.is_none()
                && delta.number_before.is_none()
                && delta.task.place == Place::Active
                && !delta.fields.contains(&Field::Place)
        };
        if !from_published || !deltas.iter().all(is_in_place) {
            return Ok(false);
        }
        let tasks = deltas.iter().map(|delta| &delta.task);
        let numbers: BTreeSet<u32> = tasks
            .clone()
            .flat_map(|task| task.former_numbers.iter().chain([&task.number]))
            .copied()
            .collect();
        let Ok(parsed) = (self.file.parse_some)(self.content, &numbers) else {
            return Ok(false);
        };
        let wanted = Wanted::Tasks(numbers.into_iter().collect());
        let view = self.store.board_part(self.board, &wanted)?;
        let view = view.unwrap_or_default();
        let is_known = |facts: &TaskFacts| facts.id.is_none_or(|id| view.tasks.contains_key(&id));
        if !parsed.facts.iter().all(is_known) {
            return Ok(false);
        }
        let mut ids: Vec<TaskId> = view.tasks.keys().copied().collect();
        ids.push(NEXT_NUMBER);
        let path = &self.row.path;
        let sections = self.store.sections(self.board, path, Some(&ids))?;
        let mut bases = sections
            .into_iter()
            .map(|it| (it.task, it.into()))
            .collect();
        self.compare(&view, &parsed, &mut bases, &|_| true, publication);
        Ok(true)
    }

    /// Looks at every entry.
    ///
    /// In a file that was not written, an entry that is not as it was published is an older one:
    /// what somebody typed was taken in before. Its base stays, so that the next one who writes
    /// brings it up to date, and the file does not count as published.
    fn compare_all(
        &self,
        shown: &Shown<'_>,
        deltas: &[TaskDelta],
        publication: &mut BoardPublication,
    ) -> Result<(), StoreError> {
        let Ok(parsed) = (self.file.parse)(self.content) else {
            return Ok(());
        };
        let view = self.store.board(self.board)?.unwrap_or_default();
        let mut bases = bases(self.store, self.board, &self.row.path)?;
        let changed: BTreeSet<TaskId> = deltas.iter().map(|delta| delta.task.id).collect();
        let is_new = |task: &TaskId| shown.written || changed.contains(task);
        if self.compare(&view, &parsed, &mut bases, &is_new, publication) {
            publication.hash.clear();
        }
        let is_gone = |id: &TaskId| {
            let task = view.tasks.get(id);
            task.is_none_or(|task| task.place != Place::Active)
        };
        publication.forget = bases.into_keys().filter(is_gone).collect();
        Ok(())
    }

    /// Adds what is not as its base says, and takes what stands in the file out of the bases;
    /// tells whether something older stands there.
    fn compare(
        &self,
        view: &Board,
        parsed: &Parsed,
        bases: &mut BTreeMap<TaskId, Base>,
        is_new: &dyn Fn(&TaskId) -> bool,
        publication: &mut BoardPublication,
    ) -> bool {
        let sequence = publication.up_to;
        let mut has_older = false;
        for (task, facts) in Identifier::new(view).facts(parsed) {
            let hash = self.file.section_hash(self.content, facts);
            match bases.remove(&task) {
                Some(known) if known.hash == hash => {}
                Some(_) if !is_new(&task) => has_older = true,
                _ => publication.sections.push(Section {
                    task,
                    hash,
                    sequence,
                    facts: facts.clone(),
                }),
            }
        }
        let known = bases.remove(&NEXT_NUMBER).map(|base| base.facts.number);
        if let Some(number) = parsed.next_number.filter(|next| Some(*next) != known) {
            let facts = TaskFacts {
                number,
                ..TaskFacts::default()
            };
            publication.sections.push(Section {
                task: NEXT_NUMBER,
                hash: format!("next {number}"),
                sequence,
                facts,
            });
        }
        has_older
    }
}
