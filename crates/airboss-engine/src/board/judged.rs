//! What is found out about a text in a file of a board: who wrote it, and what of it is older.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{MutexGuard, PoisonError};

use airboss_core::board::{Board, BoardKey, BoardOperation, TaskFacts};
use airboss_core::id::TaskId;
use airboss_core::path::RepoPath;

use super::files::BoardFiles;
use super::list_file::{ListFile, Parsed};
use super::looked::Looked;
use super::repair;
use super::seen::Seen;
use crate::git::Writer;
use crate::projection::{Found, Taken, Text};
use crate::store::{PublishRow, Store, StoreError};

/// What was found out about a text when it was taken in. Asked again, git may say otherwise: HEAD
/// has moved on.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    /// Which text.
    digest: String,
    /// The newest operation that the file had shown then.
    since: u64,
    /// When it was written, in nanoseconds since 1970.
    written: Option<i128>,
    /// Who wrote it.
    pub(super) writer: Writer,
    /// It is of a commit that the board grew out of.
    pub(super) is_behind: bool,
    /// What became of it.
    pub(super) taken: Taken,
}

/// Of which tasks a file has an older text.
pub(super) enum Stale {
    None,
    These(BTreeSet<TaskId>),
    All,
}

impl Stale {
    pub(super) fn has(&self, task: TaskId) -> bool {
        match self {
            Self::None => false,
            Self::These(tasks) => tasks.contains(&task),
            Self::All => true,
        }
    }
}

/// The hashes of the sections of a text; none when it cannot be read.
fn section_hashes(bytes: &[u8], file: ListFile) -> BTreeSet<String> {
    let parsed = (file.parse)(bytes);
    let facts = parsed.into_iter().flat_map(|parsed| parsed.facts);
    facts
        .map(|facts| file.section_hash(bytes, &facts))
        .collect()
}

impl BoardFiles {
    /// Who wrote a text.
    pub(super) fn writer(&self, row: &PublishRow, found: Found<'_>) -> Writer {
        let Some(git) = &self.repository else {
            return Writer::Unknown;
        };
        let Found { text, written, .. } = found;
        let writer = git.writer(&row.path, text, written);
        let merged = || repair::merged_sides(git, row).is_some_and(|merged| merged == **text);
        match writer.unwrap_or(Writer::Unknown) {
            Writer::Unknown if merged() => Writer::Git,
            writer => writer,
        }
    }

    /// Whether git put a text there.
    pub(crate) fn is_of_git(&self, row: &PublishRow, found: Found<'_>) -> bool {
        self.writer(row, found).is_git()
    }

    /// Finds out about a text that nothing became of yet.
    pub(super) fn judge(
        &self,
        board: &BoardKey,
        row: &PublishRow,
        found: Found<'_>,
        since: u64,
    ) -> Judged {
        let writer = self.writer(row, found);
        Judged {
            digest: found.text.digest().to_owned(),
            since,
            written: found.written,
            writer,
            is_behind: self.is_behind(board, writer),
            taken: Taken::Waits,
        }
    }

    /// What became of a text that was taken in already, upon the same publication.
    pub(super) fn taken(&self, path: &RepoPath, text: &Text, since: u64) -> Option<Taken> {
        let known = self.known(path, text)?;
        (known.since == since).then_some(known.taken)
    }

    fn known(&self, path: &RepoPath, text: &Text) -> Option<Judged> {
        let known = self.judged().get(path).cloned();
        known.filter(|judged| judged.digest == text.digest())
    }

    /// Whether a text is of a commit that the board grew out of long ago.
    pub(super) fn is_behind(&self, board: &BoardKey, writer: Writer) -> bool {
        match (writer, &self.repository) {
            (Writer::Commit(commit), Some(git)) => Looked::of(git, board).is_behind(commit),
            _ => false,
        }
    }

    pub(super) fn seen(
        &self,
        store: &dyn Store,
        board: &BoardKey,
        row: &PublishRow,
        (bytes, parsed): (&[u8], &Parsed),
        (writer, written): (Writer, Option<i128>),
        file: ListFile,
    ) -> Result<Seen, StoreError> {
        let mut seen = Seen::look(store, board, row, (bytes, parsed), written, file)?;
        seen.is_checked_out = writer.is_git();
        if let (Writer::Commit(commit), Some(repository)) = (writer, &self.repository)
            && let Some(published) = store.publication(&row.plan, &row.path)?
        {
            let looked = Looked::of(repository, board);
            seen.is_put_back = looked.is_put_back(commit, &row.path, &published.hash);
            seen.is_checked_out = !seen.is_put_back;
            if let Some(before) = looked.made_from(commit, &row.path) {
                seen.inherited = section_hashes(&before, file);
            }
        }
        Ok(seen)
    }

    /// Which tasks a file has an older text of.
    ///
    /// What the text says has been taken in. So what would be taken in now was found to be older
    /// then, unless it waits for a person.
    pub(super) fn stale(
        &self,
        store: &dyn Store,
        board: &BoardKey,
        row: &PublishRow,
        (text, parsed): (&Text, &Parsed),
        file: ListFile,
        view: &Board,
    ) -> Result<Stale, StoreError> {
        let known = self.known(&row.path, text);
        let judged = known.unwrap_or_else(|| self.judge(board, row, Found::undated(text), 0));
        if judged.is_behind {
            return Ok(Stale::All);
        }
        let by = (judged.writer, judged.written);
        let seen = self.seen(store, board, row, (text, parsed), by, file)?;
        let imported = seen.import(board, view, store.now());
        let mut stale: BTreeSet<TaskId> = imported.stale.iter().copied().collect();
        if judged.taken == Taken::All {
            stale.extend(imported.operations.iter().filter_map(BoardOperation::task));
        }
        Ok(Stale::These(stale))
    }

    /// What git wrote into a file shortly before somebody saved it.
    pub(super) fn brought(
        &self,
        row: &PublishRow,
        found: Found<'_>,
        file: ListFile,
    ) -> Vec<TaskFacts> {
        let versions = || {
            let git = self.repository.as_ref()?;
            git.brought_before(&row.path, found.written?).ok()
        };
        let versions = versions().unwrap_or_default().into_iter();
        let parsed = versions.filter_map(|version| (file.parse)(&version).ok());
        parsed.flat_map(|parsed| parsed.facts).collect()
    }

    pub(super) fn judged(&self) -> MutexGuard<'_, BTreeMap<RepoPath, Judged>> {
        self.judged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
