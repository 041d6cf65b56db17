//! What files are going to say, made and begun before the first of them is published.

use std::collections::BTreeMap;

use airboss_core::operation::PlanKey;
use airboss_core::path::RepoPath;

use super::writing::OnDisk;
use super::{Content, Publisher, ahead};
use crate::store::{PublishKind, PublishRow, Store, StoreError};

/// A content that was made before any file is written.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) content: Content,
    /// The newest operation that it shows.
    pub(super) up_to: u64,
}

/// A row of the outbox: one file may show a board and a plan, each in a row of its own.
pub(super) type Key = (PlanKey, RepoPath);

pub(super) fn key(row: &PublishRow) -> Key {
    (row.plan.clone(), row.path.clone())
}

impl Publisher {
    /// What files are going to say, before any of them is written: what is stored meanwhile must
    /// not be seen in state.json first, so that is asked for before TODO.md, and both before others.
    pub(super) fn prepare(
        &self,
        store: &dyn Store,
        rows: &[PublishRow],
        read: &BTreeMap<RepoPath, OnDisk>,
    ) -> Result<BTreeMap<Key, Prepared>, StoreError> {
        let lists = [PublishKind::BoardState, PublishKind::Todo];
        // What could not be read is told when it is to be written.
        let found = |row: &'_ PublishRow| read.get(&row.path);
        let of_kind = |kind| rows.iter().find(|row| row.kind == kind);
        let files = lists.clone().into_iter().filter_map(of_kind);
        let files = files.filter_map(|row| Some((row, Some(&found(row)?.text))));
        let files: Vec<_> = files.collect();
        let others = rows.iter().filter(|row| row.kind.is_imported());
        let others = others.filter(|row| !lists.contains(&row.kind));
        let others = others.filter_map(|row| Some((row, found(row)?)));
        let others: Vec<_> = others.take(ahead::BEGUN_MAX - lists.len()).collect();
        let mut prepared = BTreeMap::new();
        // Small files come before lists: while a disk takes in a large one, they would wait for it.
        let contents = self.source.lists(store, &files, &mut || {
            for (row, found) in &others {
                // What could not be made is told when it is to be written, too.
                if let Ok(made) = self.source.content(store, row, Some(&found.text)) {
                    prepared.insert(key(row), self.begin(made, found));
                }
            }
        })?;
        for ((row, _), made) in files.iter().zip(contents) {
            prepared.extend(found(row).map(|found| (key(row), self.begin(made, found))));
        }
        Ok(prepared)
    }

    /// Keeps what was made until it is the file's turn, and begins to write it.
    fn begin(&self, (content, up_to): (Content, u64), found: &OnDisk) -> Prepared {
        if let Content::Write(text) = &content {
            let mode = found.facts.as_ref().map(|facts| facts.mode);
            self.shelf.begin_draft(text, mode);
        }
        Prepared { content, up_to }
    }
}
