//! What a published file shows, remembered section by section: the base of the next import.

use std::collections::{BTreeMap, BTreeSet};

use airboss_core::board::facts::List;
use airboss_core::board::import::Base;
use airboss_core::board::{Board, BoardKey, Field, Place, Task, TaskFacts, Touched};
use airboss_core::id::TaskId;
use airboss_core::operation::PlanKey;

use super::files::{BoardFiles, base, bases, shows, stamp_of};
use super::list_file::{Identifier, ListFile, Parsed};
use super::past::task_at;
use super::seen::{NEXT_NUMBER, next_number_section};
use crate::projection::{Found, Shown, Text};
use crate::store::{
    BoardPublication, Publication, PublishRow, Section, Store, StoreError, TaskDelta, Wanted,
};

impl BoardFiles {
    /// Remembers the text of every task that is new in these files, one transaction for each
    /// board.
    pub(crate) fn record(
        &self,
        store: &mut dyn Store,
        shown: &[&Shown<'_>],
    ) -> Result<(), StoreError> {
        let mut boards: BTreeMap<&PlanKey, Vec<BoardPublication>> = BTreeMap::new();
        for shown in shown {
            let publication = self.publication(store, shown)?;
            boards.entry(&shown.row.plan).or_default().push(publication);
        }
        for (plan, publications) in boards {
            store.publish_board(&BoardKey::new(plan.path().clone()), &publications)?;
        }
        Ok(())
    }

    fn publication(
        &self,
        store: &dyn Store,
        shown: &Shown<'_>,
    ) -> Result<BoardPublication, StoreError> {
        let row = shown.row;
        let board = BoardKey::new(row.plan.path().clone());
        let known = store.publication(&row.plan, &row.path)?;
        let hash = shown.content.as_ref().map_or("", Text::digest);
        let unchanged = known.as_ref().filter(|known| known.hash == hash);
        // Where everything is looked at, what is remembered is looked at, too.
        let is_remembered = unchanged.is_some() && !self.looks_at_all();
        let mut publication = BoardPublication {
            path: row.path.clone(),
            up_to: shown.up_to,
            hash: hash.to_owned(),
            stamp: shown.facts.as_ref().map(stamp_of),
            is_current: unchanged.is_some_and(|known| known.is_current),
            sections: Vec::new(),
            forget: Vec::new(),
        };
        let list = ListFile::of(&row.kind).filter(|_| !is_remembered);
        if let (Some(file), Some(text)) = (list, &shown.content) {
            let work = Remembering {
                store,
                board: &board,
                row,
                file,
                text,
                touched: self.touched(&row.path, text),
            };
            // Where something waits for a person, more was written than what changed since.
            let from_published = match &shown.made_from {
                Some(text) => self.is_as_published(store, &board, row, known.as_ref(), text)?,
                None => false,
            };
            let is_enough =
                from_published && work.compare_changed(known.as_ref(), &mut publication)?;
            if !is_enough {
                work.compare_all(&mut publication)?;
                let writer = self.writer(row, Found::undated(text));
                publication.is_current &= !self.is_behind(&board, writer);
            }
        }
        Ok(publication)
    }
}

/// A text that is to be remembered.
struct Remembering<'a> {
    store: &'a dyn Store,
    board: &'a BoardKey,
    row: &'a PublishRow,
    file: ListFile,
    text: &'a Text,
    /// What is new in the text, when it was made here.
    touched: Option<Touched>,
}

impl Remembering<'_> {
    /// Looks only at the tasks that changed, and tells whether that is enough: when the text was
    /// made from what was published before, and nothing waited for a person, every other entry is
    /// as it was.
    fn compare_changed(
        &self,
        known: Option<&Publication>,
        publication: &mut BoardPublication,
    ) -> Result<bool, StoreError> {
        let Some(parsed) = self.changed(known)? else {
            return Ok(false);
        };
        let numbers: BTreeSet<u32> = parsed.facts.iter().map(|facts| facts.number).collect();
        let wanted = Wanted::Tasks(numbers.into_iter().collect());
        let view = self.store.board_part(self.board, &wanted)?;
        let view = view.unwrap_or_default();
        // One with the id of a task that has another number in the store is a case for all.
        let is_known = |facts: &TaskFacts| facts.id.is_none_or(|id| view.tasks.contains_key(&id));
        if !parsed.facts.iter().all(is_known) {
            return Ok(false);
        }
        let mut ids: Vec<TaskId> = view.tasks.keys().copied().collect();
        ids.push(NEXT_NUMBER);
        let path = &self.row.path;
        let sections = self.store.sections(self.board, path, Some(&ids))?;
        let mut bases = sections.into_iter().map(base).collect();
        // What differs from what was published is what was just written.
        self.compare(&view, &parsed, &mut bases, &|_, _, _| true, publication);
        publication.is_current = true;
        Ok(true)
    }

    /// What the text says of the tasks that changed since it was published before; `None` when that
    /// is not enough.
    fn changed(&self, known: Option<&Publication>) -> Result<Option<Parsed>, StoreError> {
        if let Some(touched) = self.touched.clone() {
            return Ok(Some(touched.into()));
        }
        let Some(known) = known else {
            return Ok(None);
        };
        let changes = self.store.changed_since(self.board, known.sequence)?;
        let changed = changes.map(|changes| changes.tasks).unwrap_or_default();
        if !changed.iter().all(stays_in_place) {
            return Ok(None);
        }
        let numbers: BTreeSet<u32> = changed.iter().map(|delta| delta.task.number).collect();
        Ok((self.file.parse_some)(self.text, &numbers).ok())
    }

    /// Looks at every entry.
    fn compare_all(&self, publication: &mut BoardPublication) -> Result<(), StoreError> {
        let Ok(parsed) = (self.file.parse)(self.text) else {
            return Ok(());
        };
        let view = self.store.board(self.board)?.unwrap_or_default();
        let written = self.changed_since_written(publication.up_to)?;
        let mut bases = bases(self.store, self.board, &self.row.path)?;
        let is_new = |task, known: &Base, facts: &TaskFacts| {
            let shows = |task: Option<&Task>| task.is_none_or(|task| shows(task, known, facts));
            shows(view.tasks.get(&task)) || written.get(&task).is_some_and(|task| shows(Some(task)))
        };
        let is_current = self.compare(&view, &parsed, &mut bases, &is_new, publication);
        publication.is_current = is_current && !has_number_twice(&parsed);
        let is_gone = |id: &TaskId| {
            let task = view.tasks.get(id);
            task.is_none_or(|task| task.place != Place::Active)
        };
        publication.forget = bases.into_keys().filter(is_gone).collect();
        Ok(())
    }

    /// The tasks that were changed since the text was made, as they were then: it cannot show
    /// what was stored later, and is no older text for that.
    fn changed_since_written(&self, up_to: u64) -> Result<BTreeMap<TaskId, Task>, StoreError> {
        let later = self.store.changed_since(self.board, up_to)?;
        let later = later.map(|changes| changes.tasks).unwrap_or_default();
        let mut tasks = BTreeMap::new();
        for delta in later {
            let id = delta.task.id;
            let task = task_at(self.store, self.board, id, up_to)?;
            tasks.extend(task.map(|task| (id, task)));
        }
        Ok(tasks)
    }

    /// Adds what is not as its base says and is new, and takes what stands in the file out of the
    /// bases. Answers whether every text is now the one that is remembered.
    fn compare(
        &self,
        view: &Board,
        parsed: &Parsed,
        bases: &mut BTreeMap<TaskId, Base>,
        is_new: &dyn Fn(TaskId, &Base, &TaskFacts) -> bool,
        publication: &mut BoardPublication,
    ) -> bool {
        let mut is_current = true;
        for (task, facts) in Identifier::new(view).facts(parsed) {
            let hash = self.file.section_hash(self.text, facts);
            match bases.remove(&task) {
                Some(known) if known.hash == hash => {}
                Some(known) if !is_new(task, &known, facts) => is_current = false,
                _ => publication.sections.push(Section {
                    task,
                    hash,
                    sequence: publication.up_to,
                    facts: facts.clone(),
                }),
            }
        }
        let known = bases.remove(&NEXT_NUMBER).map(|base| base.facts.number);
        if let Some(number) = parsed.next_number.filter(|next| Some(*next) != known) {
            let section = next_number_section(number, publication.up_to);
            publication.sections.push(section);
        }
        is_current
    }
}

/// Whether the list of active tasks gives a number twice.
fn has_number_twice(parsed: &Parsed) -> bool {
    let mut seen = BTreeSet::new();
    let mut active = parsed
        .facts
        .iter()
        .filter(|facts| facts.list == List::Active);
    !active.all(|facts| seen.insert(facts.number))
}

/// Whether a change leaves the entry where it is: one that comes, goes or gets another number
/// also changes what stands beside it.
fn stays_in_place(delta: &TaskDelta) -> bool {
    delta.appeared.is_none()
        && delta.moved.is_none()
        && delta.number_before.is_none()
        && delta.task.place == Place::Active
        && !delta.fields.contains(&Field::Place)
}
