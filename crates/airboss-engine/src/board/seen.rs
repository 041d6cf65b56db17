//! What a file says beside what it said before and what the log knows: the material of an import.

use std::collections::{BTreeMap, BTreeSet};

use airboss_core::board::import::{Base, Disk, History, Imported, Known, Past, Section, import};
use airboss_core::board::{Board, BoardKey, Field, Task, TaskChange, TaskFacts};
use airboss_core::id::{OperationId, TaskId};
use airboss_core::operation::Operation;
use airboss_core::path::RepoPath;
use airboss_core::time::Timestamp;

use super::files::bases;
use super::list_file::{Identifier, ListFile, Parsed};
use super::past::log_of;
use crate::store::{FoundSections, PublishRow, Section as StoredSection, Store, StoreError};

/// So many unchanged sections are asked for their age: the youngest decide.
const PROOFS_MAX: usize = 32;

/// So long after its operations were read a file may be written by a process that is slow, in
/// nanoseconds.
const PUBLISHING_MAX_NS: i128 = 5_000_000_000;

/// A file that is to be taken in.
pub(super) struct Seen {
    path: RepoPath,
    sections: Vec<(TaskFacts, String)>,
    bases: BTreeMap<TaskId, Base>,
    next_number: (Option<u32>, Option<u32>),
    past: StoredPast,
    /// Nobody typed it: git put it there.
    pub(super) is_checked_out: bool,
    /// The hashes of what a version of git's has from the one that it was made from.
    pub(super) inherited: BTreeSet<String>,
    /// A `git revert` put an older text back on top of the newest.
    pub(super) is_put_back: bool,
    /// What git wrote into it shortly before somebody saved it.
    pub(super) brought: Vec<TaskFacts>,
    /// The numbers that directories have.
    pub(super) directories: BTreeSet<u32>,
    /// Where the whole file is kept.
    pub(super) blob: Option<String>,
    /// The newest operation that the file was recorded to show.
    pub(super) shown: u64,
}

impl Seen {
    /// Reads from the store what concerns the sections that are not as they were.
    pub(super) fn look(
        store: &dyn Store,
        board: &BoardKey,
        row: &PublishRow,
        (bytes, parsed): (&[u8], &Parsed),
        written: Option<i128>,
        file: ListFile,
    ) -> Result<Self, StoreError> {
        let mut bases = bases(store, board, &row.path)?;
        let next = bases.remove(&NEXT_NUMBER).map(|base| base.facts.number);
        let sections: Vec<(TaskFacts, String)> = parsed
            .facts
            .iter()
            .map(|facts| (facts.clone(), file.section_hash(bytes, facts)))
            .collect();
        let published = store.publication(&row.plan, &row.path)?;
        let mut past = StoredPast {
            written,
            ..StoredPast::default()
        };
        past.look_at_sections(store, board, row, &sections, &bases)?;
        let view = store.board(board)?.unwrap_or_default();
        let identifier = Identifier::new(&view);
        for (facts, hash) in &sections {
            let task = identifier.task(facts);
            let base = task.and_then(|task| bases.get(&task));
            if base.is_some_and(|base| base.hash == *hash) {
                continue;
            }
            if let Some(id) = facts.operation
                && let Some(sequence) = store.known_operation(id)?
            {
                past.operations.insert(id, sequence);
            }
            if let Some(task) = task {
                past.look_at_task(store, board, task)?;
            }
        }
        Ok(Self {
            path: row.path.clone(),
            sections,
            bases,
            next_number: (parsed.next_number, next),
            past,
            is_checked_out: false,
            inherited: BTreeSet::new(),
            is_put_back: false,
            brought: Vec::new(),
            directories: BTreeSet::new(),
            blob: None,
            shown: published.map_or(0, |known| known.sequence),
        })
    }

    pub(super) fn import(&self, key: &BoardKey, board: &Board, now: Timestamp) -> Imported {
        let sections: Vec<Section<'_>> = self
            .sections
            .iter()
            .map(|(facts, hash)| Section { facts, hash })
            .collect();
        let known = Known {
            key,
            board,
            history: &self.past,
            is_taken: &|number| self.directories.contains(&number),
            now,
        };
        let disk = Disk {
            path: &self.path,
            sections: &sections,
            bases: &self.bases,
            next_number: self.next_number,
            is_checked_out: self.is_checked_out,
            inherited: &self.inherited,
            is_put_back: self.is_put_back,
            brought: &self.brought,
            blob: self.blob.as_deref(),
            shown: self.shown,
        };
        import(&known, &disk)
    }
}

/// Stands for no task: under it the next number of a file is remembered like a section.
pub(super) const NEXT_NUMBER: TaskId = TaskId::from_uuid(uuid::Uuid::nil());

/// The next number as a file names it.
pub(super) fn next_number_section(number: u32, sequence: u64) -> StoredSection {
    StoredSection {
        task: NEXT_NUMBER,
        hash: format!("next {number}"),
        sequence,
        facts: TaskFacts {
            number,
            ..TaskFacts::default()
        },
    }
}

/// What was read with an import, as the store keeps it.
pub(super) fn found(row: &PublishRow, imported: Imported) -> FoundSections {
    let sections = imported.bases.into_iter();
    let sections = sections.map(|(task, base)| StoredSection {
        task,
        hash: base.hash,
        sequence: base.sequence,
        facts: base.facts,
    });
    FoundSections {
        path: row.path.clone(),
        sections: sections.collect(),
    }
}

/// The part of the past that an import asks about.
#[derive(Default)]
struct StoredPast {
    /// When the file was written, in nanoseconds since 1970; `None` when nobody knows.
    written: Option<i128>,
    past: Past,
    sections: BTreeMap<String, u64>,
    operations: BTreeMap<OperationId, u64>,
}

impl StoredPast {
    fn look_at_sections(
        &mut self,
        store: &dyn Store,
        board: &BoardKey,
        row: &PublishRow,
        sections: &[(TaskFacts, String)],
        bases: &BTreeMap<TaskId, Base>,
    ) -> Result<(), StoreError> {
        let ages: BTreeMap<&str, u64> = bases
            .values()
            .map(|base| (base.hash.as_str(), base.sequence))
            .collect();
        let (mut unchanged, changed): (Vec<&str>, Vec<&str>) = sections
            .iter()
            .map(|(_, hash)| hash.as_str())
            .partition(|hash| ages.contains_key(hash));
        unchanged.sort_by_key(|hash| std::cmp::Reverse(ages.get(hash)));
        for hash in changed
            .into_iter()
            .chain(unchanged.into_iter().take(PROOFS_MAX))
        {
            if let Some(sequence) = store.known_section(board, &row.path, hash)? {
                self.sections.insert(hash.to_owned(), sequence);
            }
        }
        Ok(())
    }

    fn look_at_task(
        &mut self,
        store: &dyn Store,
        board: &BoardKey,
        task: TaskId,
    ) -> Result<(), StoreError> {
        for stored in store.operations(&log_of(board, task))? {
            if let Operation::Board { operation } = &stored.operation {
                self.past.record(stored.sequence, stored.id, operation);
            }
            let stored_ns = i128::from(stored.at.as_millis()) * 1_000_000;
            let is_long_known = |written: i128| stored_ns + PUBLISHING_MAX_NS < written;
            if self.written.is_none_or(is_long_known) {
                self.past.know_long(task, stored.sequence);
            }
        }
        Ok(())
    }
}

impl History for StoredPast {
    fn section(&self, hash: &str) -> Option<u64> {
        self.sections.get(hash).copied()
    }

    fn operation(&self, id: OperationId) -> Option<u64> {
        let known = self.operations.get(&id).copied();
        known.or_else(|| self.past.operation(id))
    }

    fn changed_since(&self, task: TaskId, sequence: u64) -> Vec<Field> {
        self.past.changed_since(task, sequence)
    }

    fn was(
        &self,
        task: TaskId,
        after: u64,
        shown: &dyn Fn(&Task, &BTreeSet<Field>) -> bool,
    ) -> bool {
        self.past.was(task, after, shown)
    }

    fn had(&self, task: TaskId, change: &TaskChange) -> bool {
        self.past.had(task, change)
    }
}
