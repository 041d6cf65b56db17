//! The log of a store, read on from a cursor, whatever becomes of the store meanwhile.
//!
//! A store may not be there yet, may be replaced by another one, and may be busy. It is the same
//! one as long as the operation at the cursor is the same.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use airboss_core::id::OperationId;
use airboss_core::operation::StoredOperation;

use crate::store::{DATABASE, OperationQuery, SqliteStore, Store as _};
use crate::workspace::{Workspace, WorkspaceError};

/// Operations that are read at once: they fit in memory whatever they hold.
const PAGE: usize = 500;

/// What a look at the log found.
#[derive(Debug)]
pub(super) enum Look {
    /// There is no store.
    Nothing,
    /// A store that was not known; nothing of it was read.
    Other,
    /// The next operations; none when there are no more now.
    Page(Vec<StoredOperation>),
}

/// A store and the file that it was opened from.
struct Opened {
    store: SqliteStore,
    directory: PathBuf,
    file: Option<(u64, u64)>,
}

/// A reader of the log.
pub(super) struct Log {
    workspace: Workspace,
    store: Option<Opened>,
    cursor: u64,
    /// The operation at the cursor; `None` at the beginning of a log.
    at_cursor: Option<OperationId>,
    /// A store has been seen.
    begun: bool,
}

impl Log {
    pub(super) fn new(workspace: Workspace) -> Self {
        Self {
            workspace,
            store: None,
            cursor: 0,
            at_cursor: None,
            begun: false,
        }
    }

    /// Where the store lies or will lie.
    pub(super) fn directory(&self) -> Option<PathBuf> {
        if let Some(opened) = &self.store {
            return Some(opened.directory.clone());
        }
        let place = self.workspace.store_place().ok()?;
        Some(place.directory)
    }

    /// What was read was of no use: the next look finds a store that was not known.
    pub(super) fn forget(&mut self) {
        self.begun = false;
        self.at_cursor = None;
        self.store = None;
    }

    /// The store, while it is open.
    pub(super) fn store(&self) -> Option<&SqliteStore> {
        self.store.as_ref().map(|opened| &opened.store)
    }

    /// Reads on from here.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn go_to(&mut self, cursor: u64) -> Result<(), WorkspaceError> {
        self.cursor = cursor;
        self.begun = true;
        self.at_cursor = match self.store() {
            Some(store) if cursor > 0 => store.operation(cursor)?.map(|stored| stored.id),
            _ => None,
        };
        Ok(())
    }

    /// The newest operation that was read.
    pub(super) fn cursor(&self) -> u64 {
        self.cursor
    }

    /// Looks for what is new.
    ///
    /// # Errors
    /// When the store cannot be read now; a later look may succeed.
    pub(super) fn look(&mut self) -> Result<Look, WorkspaceError> {
        let found = self.look_once();
        if found.is_err() {
            // The next look begins with opening it.
            self.store = None;
        }
        found
    }

    fn look_once(&mut self) -> Result<Look, WorkspaceError> {
        let Some(directory) = self.directory() else {
            return Ok(Look::Nothing);
        };
        let facts = fs_err::metadata(directory.join(DATABASE)).ok();
        let file = facts.map(|facts| (facts.dev(), facts.ino()));
        if self.store.as_ref().is_none_or(|known| known.file != file) {
            self.store = None;
            let Some(store) = self.workspace.open_reader()? else {
                return Ok(Look::Nothing);
            };
            let is_known = self.begun && self.knows(&store)?;
            self.store = Some(Opened {
                store,
                directory,
                file,
            });
            if !is_known {
                return Ok(Look::Other);
            }
        }
        let Some(Opened { store, .. }) = &self.store else {
            return Ok(Look::Nothing);
        };
        let page = store.operations(&OperationQuery {
            after: self.cursor,
            limit: PAGE,
            ..OperationQuery::default()
        })?;
        // A log that is shorter than it was is another one.
        if page.is_empty() && !self.knows(store)? {
            return Ok(Look::Other);
        }
        if let Some(last) = page.last() {
            self.cursor = last.sequence;
            self.at_cursor = Some(last.id);
        }
        Ok(Look::Page(page))
    }

    /// Whether this store's log holds what was read last.
    fn knows(&self, store: &SqliteStore) -> Result<bool, WorkspaceError> {
        let Some(id) = self.at_cursor else {
            // A cursor beyond the end is a caller's wish for what will come.
            return Ok(self.begun);
        };
        Ok(store.known_operation(id)? == Some(self.cursor))
    }
}
