//! Files that people, agents and git read, brought up to date after each commit of the store.
//!
//! The store is the truth; the outbox says which files are stale. For each of them:
//!
//! ```text
//! read ─▶ splice or render ─▶ temporary file, synced ─▶ exchange ─▶ look at what came out
//!   ▲                                                                    │ not what was read
//!   └────────────────────────────────────────────────────────────────────┘
//!                                    then: read back ─▶ cleared from the outbox
//! ```
//!
//! A crash anywhere leaves the row in the outbox, and whoever writes next finishes it: recovery
//! is the normal path. The gate only saves publishers from doing the same work twice.

mod ahead;
mod content;
mod exchange;
mod ignore;
mod place;
mod prepare;
mod shelf;
mod text;
mod writing;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use airboss_core::operation::PlanKey;
use airboss_core::path::RepoPath;
use airboss_core::status_file::Damage;
use sha2::{Digest as _, Sha256};

pub use self::content::{Content, Found, Projections, Shown, Source, Taken};
use self::exchange::{Replace, Replaced};
pub use self::place::PlaceError;
use self::place::Top;
pub(crate) use self::place::require_own;
use self::prepare::Prepared;
pub(crate) use self::shelf::fresh_draft;
use self::shelf::{Displaced, Entry, Shelf};
pub use self::shelf::{Fate, Leftover};
pub use self::text::Text;
use self::writing::{OnDisk, Writing};
use crate::board::BoardFiles;
use crate::store::{PublishKind, PublishRow, Store, StoreError};
use crate::vfs::{Lock, RealVfs, Vfs, facts_if_any, read_if_any};
use crate::workspace::Workspace;

/// How often a file that changes under our hands is tried before it stays pending: a person who
/// saves is done long before, and so are the publishers that work beside this one.
const TRIES_MAX: usize = 50;

/// How often a file is looked at whose editor has written only the beginning.
const LOOKS_MAX: u128 = shelf::EMPTIED.as_millis() / shelf::HOT.as_millis();

/// What is found in one file may make others stale, and those at most the first again.
const ROUNDS_MAX: usize = 4;

/// How long a publisher waits for others that get nothing done, before it goes on beside them.
/// Beside each other they take longer, and show an older TODO.md for moments.
const GATE_PATIENCE: Duration = Duration::from_secs(8);

/// How long it waits in any case: sixty on a machine that is busy with other things are done then.
const GATE_WAIT_MAX: Duration = Duration::from_secs(60);

/// How long the publication of others is waited for before a change: about one of them. In a crowd
/// there is always the next, and whoever comes last takes in what people changed.
const PASS_BY: Duration = Duration::from_millis(10);

/// How often a publisher that waits looks whether others get something done.
const GATE_LOOK: Duration = Duration::from_millis(250);

/// What a person's save is to become that nothing could be built upon: the caller's answer.
type Decide<'a> = dyn FnMut(&mut dyn Store, &Leftover) -> Result<Fate, StoreError> + 'a;

/// Writes the projections of one work tree.
#[derive(Clone, Debug)]
pub struct Publisher {
    shelf: Shelf,
    source: Arc<dyn Source>,
    top: Top,
    state: PathBuf,
    /// Git's list of what nobody wants to see in `git status`, local to this clone.
    exclude: Option<PathBuf>,
}

/// What became of the outbox.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Settled {
    /// Files that were written.
    pub written: Vec<RepoPath>,
    /// Files that stay pending, and why.
    pub pending: Vec<Pending>,
    /// What a person should know, one sentence each.
    pub notes: Vec<String>,
    /// Whether something that stands in a file waits until a person says yes.
    pub waits: bool,
}

/// A file that could not be published now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pending {
    /// Where.
    pub path: RepoPath,
    /// Why.
    pub reason: String,
}

/// Why one file stays pending.
#[derive(Debug, thiserror::Error)]
enum PublishError {
    #[error("{}", .0.after_storing())]
    Store(#[from] StoreError),
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{0}")]
    Refused(Damage),
    #[error("{0}")]
    Held(String),
    #[error("it changed {TRIES_MAX} times while it was written")]
    Unsteady,
}

/// SHA-256 of a file's bytes, as the store keeps it of what was published.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// Publishes everything in the outbox; answers in words what could not be.
///
/// Quick when there is nothing to do.
pub fn settle(store: &mut dyn Store, workspace: &Workspace) -> Vec<String> {
    let publisher = Publisher::new(workspace);
    match publisher.settle(store, None) {
        Ok(settled) => settled
            .pending
            .iter()
            .map(|pending| format!("{}: {}", pending.path, pending.reason))
            .collect(),
        Err(error) => vec![error.after_storing()],
    }
}

impl Publisher {
    /// A publisher for a work tree.
    #[must_use]
    pub fn new(workspace: &Workspace) -> Self {
        Self::of_board(workspace, BoardFiles::new(workspace))
    }

    /// A publisher that puts more or less of a board's files right.
    #[must_use]
    pub fn of_board(workspace: &Workspace, files: BoardFiles) -> Self {
        Self::with(
            workspace,
            Arc::new(RealVfs),
            Arc::new(Projections::new(files)),
        )
    }

    /// A publisher of other content, or on another file system.
    #[must_use]
    pub fn with(workspace: &Workspace, vfs: Arc<dyn Vfs>, source: Arc<dyn Source>) -> Self {
        let info = workspace.repository.as_ref();
        Self {
            shelf: Shelf::new(vfs, workspace.state.clone()),
            source,
            top: Top::new(&workspace.top),
            state: workspace.state.clone(),
            exclude: info.map(|git| git.common_dir().join("info").join("exclude")),
        }
    }

    /// Publishes everything in the outbox, of one plan or of all.
    ///
    /// What cannot be published stays in the outbox and is named. What somebody saved and a
    /// crash kept from being looked at is put aside and named, unless its file can still be
    /// built upon it.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub fn settle(
        &self,
        store: &mut dyn Store,
        plan: Option<&PlanKey>,
    ) -> Result<Settled, StoreError> {
        self.settle_with(store, plan, &mut |_, _| Ok(Fate::Keep))
    }

    /// The same with another answer to what somebody saved.
    ///
    /// `decide` is asked once for each save that is not merged by publishing; with
    /// [`Fate::Remove`] it says that it has stored what the save says.
    ///
    /// # Errors
    /// When the outbox cannot be read, or `decide` fails.
    pub fn settle_with(
        &self,
        store: &mut dyn Store,
        plan: Option<&PlanKey>,
        decide: &mut Decide<'_>,
    ) -> Result<Settled, StoreError> {
        let mut settled = Settled::default();
        let leftovers = self.sweep(store, &store.to_publish(None)?, &mut settled);
        self.settle_all(store, plan, (&[], leftovers, None), decide, settled)
    }

    /// Publishes what a change has put into the outbox, after the same process has settled: what
    /// the dead left behind was seen to then.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub fn publish_change(&self, store: &mut dyn Store) -> Result<Settled, StoreError> {
        let nothing = (&[][..], Vec::new(), None);
        let keep = &mut |_: &mut dyn Store, _: &Leftover| Ok(Fate::Keep);
        self.settle_all(store, None, nothing, keep, Settled::default())
    }

    /// Looks at these files whether they are in the outbox or not, and publishes it all: what
    /// people and git changed in them is taken in.
    ///
    /// With `or_pass_by` another process that publishes just now is waited for only for a moment:
    /// it takes in the same, and so does whoever publishes next. `None` then.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub fn look(
        &self,
        store: &mut dyn Store,
        rows: &[PublishRow],
        or_pass_by: bool,
    ) -> Result<Option<Settled>, StoreError> {
        let mut settled = Settled::default();
        let waiting = store.to_publish(None)?;
        let leftovers = self.sweep(store, &waiting, &mut settled);
        if rows.is_empty() && waiting.is_empty() && leftovers.is_empty() {
            return Ok(Some(settled));
        }
        let mut lock = None;
        if or_pass_by && leftovers.is_empty() {
            match self.gate_within(PASS_BY) {
                Ok(None) => return Ok(None),
                found => lock = found.ok().flatten(),
            }
        }
        let keep = &mut |_: &mut dyn Store, _: &Leftover| Ok(Fate::Keep);
        self.settle_all(store, None, (rows, leftovers, lock), keep, settled)
            .map(Some)
    }

    fn settle_all(
        &self,
        store: &mut dyn Store,
        plan: Option<&PlanKey>,
        (further, mut leftovers, lock): (&[PublishRow], Vec<Leftover>, Option<Lock>),
        decide: &mut Decide<'_>,
        mut settled: Settled,
    ) -> Result<Settled, StoreError> {
        let waiting = store.to_publish(plan)?;
        let idle = leftovers.is_empty() && further.is_empty();
        if idle && waiting.is_empty() {
            return Ok(settled);
        }
        let passage = match lock {
            Some(lock) => Passage::Locked(lock),
            None => self.gate(store, if idle { &waiting } else { &[] }),
        };
        let gate = match passage {
            Passage::Done => return Ok(settled),
            Passage::Locked(lock) => Some(lock),
            Passage::Beside => None,
        };
        self.decide_all(store, &mut leftovers, decide, &mut settled)?;
        let mut further = further.to_vec();
        for round in 0..ROUNDS_MAX {
            // Whoever held the gate before may have published our rows, too.
            let mut rows = match store.to_publish(plan) {
                // What was taken in is stored; the next command goes on.
                Err(error) if round > 0 => {
                    settled.notes.push(error.after_storing());
                    break;
                }
                rows => rows?,
            };
            // What is stored meanwhile is published by whoever stored it, unless it was us.
            rows.retain(|row| round == 0 || row.kind.is_imported());
            further.retain(|row| !rows.iter().any(|known| known.path == row.path));
            rows.append(&mut further);
            rows.retain(|row| settled.pending.iter().all(|known| known.path != row.path));
            if rows.is_empty() {
                break;
            }
            rows.sort_by_key(|row| row.kind.rank());
            let mut read = self.import_all(store, &rows, &mut settled)?;
            let mut prepared = self.prepare(store, &rows, &read)?;
            let mut shown = Vec::new();
            for row in &rows {
                let read = read.remove(&row.path);
                // It was made from what was read; another row may have written the same file since.
                let own = prepared.remove(&prepare::key(row));
                let own = own.filter(|_| read.is_some());
                let done = self.publish_row(store, row, (own, read), &mut leftovers, &mut settled);
                shown.extend(done);
            }
            self.record(store, &shown, &mut settled);
            self.shelf.drop_drafts();
        }
        drop(gate);
        Ok(settled)
    }

    /// Takes files in in the reverse order of publishing: state.json knows which task of another
    /// clone an entry of TODO.md is. Answers what was read.
    fn import_all(
        &self,
        store: &mut dyn Store,
        rows: &[PublishRow],
        settled: &mut Settled,
    ) -> Result<BTreeMap<RepoPath, OnDisk>, StoreError> {
        let mut all = BTreeMap::new();
        for row in rows.iter().rev().filter(|row| row.kind.is_imported()) {
            let target = place::resolve(self.vfs(), &self.top, &row.path, false);
            // What cannot be read now is told when it is to be written.
            let read = target.ok().and_then(|target| {
                self.wait_for_editor(store, row, &target).ok()?;
                let known = store.publication(&row.plan, &row.path).ok()?;
                let trusted = known.as_ref().filter(|_| self.source.trusts_times());
                let published = OnDisk::published(self.vfs(), &target, trusted).ok()?;
                let read = published.or_else(|| OnDisk::read(self.vfs(), &target, None).ok()?);
                Some(read?.since(known.as_ref()))
            });
            if let Some(read) = read {
                let found = Some(read.found());
                let taken = self.source.import(store, row, found, &mut settled.notes)?;
                settled.waits |= taken == Taken::Waits;
                if taken != Taken::Outdated {
                    all.insert(row.path.clone(), read);
                }
            }
        }
        Ok(all)
    }

    /// Gives an editor that truncates and then writes the time to be done with it; `true` when that
    /// took any.
    fn wait_for_editor(
        &self,
        store: &dyn Store,
        row: &PublishRow,
        target: &Path,
    ) -> io::Result<bool> {
        let mut has_waited = false;
        for _ in 0..LOOKS_MAX {
            let Some(facts) = facts_if_any(self.vfs(), target)? else {
                break;
            };
            let text = || self.vfs().read(target).ok().map(Text::from);
            let patience = self.source.patience(store, row, (&facts, false), &text);
            if !writing::wait_until_old(self.vfs(), &facts, patience) {
                break;
            }
            has_waited = true;
            // Somebody may save all the time.
            if patience <= shelf::HOT {
                break;
            }
        }
        Ok(has_waited)
    }

    /// Publishes one file; what is to be recorded of it when that was done.
    fn publish_row<'r>(
        &'r self,
        store: &mut dyn Store,
        row: &'r PublishRow,
        (prepared, read): (Option<Prepared>, Option<OnDisk>),
        leftovers: &mut Vec<Leftover>,
        settled: &mut Settled,
    ) -> Option<Shown<'r>> {
        let resumed = leftovers
            .iter()
            .position(|left| left.entry.is_of(&row.path));
        let resumed = resumed.map(|position| leftovers.swap_remove(position));
        match self.publish(store, row, (prepared, read), resumed, &mut settled.notes) {
            Ok((shown, is_written)) => {
                if is_written && !settled.written.contains(&row.path) {
                    settled.written.push(row.path.clone());
                }
                Some(shown)
            }
            Err(error) => {
                settled.pending.push(Pending {
                    path: row.path.clone(),
                    reason: error.to_string(),
                });
                None
            }
        }
    }

    /// The files say what they have to say, durably: the outbox hears of it, last of all.
    ///
    /// What stays in it was made stale by somebody who publishes it, too: one process does not
    /// work for all that come after it.
    fn record(&self, store: &mut dyn Store, shown: &[Shown<'_>], settled: &mut Settled) {
        let Err(error) = self.source.record(store, shown) else {
            return;
        };
        settled
            .written
            .retain(|path| shown.iter().all(|shown| shown.row.path != *path));
        settled.pending.extend(shown.iter().map(|shown| Pending {
            path: shown.row.path.clone(),
            reason: error.after_storing(),
        }));
    }

    /// What people saved and nobody has looked at since; changes nothing.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn leftovers(&self, store: &dyn Store) -> io::Result<Vec<Leftover>> {
        let rows = store.to_publish(None).map_err(io::Error::other)?;
        let known = |entry: &Entry, content: &[u8]| self.is_known(store, &rows, entry, content);
        self.shelf.leftovers(&known)
    }

    /// Tidies up after the dead; what is left is what somebody saved.
    fn sweep(
        &self,
        store: &dyn Store,
        rows: &[PublishRow],
        settled: &mut Settled,
    ) -> Vec<Leftover> {
        let known = |entry: &Entry, content: &[u8]| self.is_known(store, rows, entry, content);
        self.shelf.sweep(&known).unwrap_or_else(|error| {
            let notes = &mut settled.notes;
            notes.push(format!(
                "what is left of earlier writes could not be read: {error}"
            ));
            Vec::new()
        })
    }

    /// Whether a displaced content is on disk, or what was last published.
    ///
    /// What was published may have been taken away and brought back while the content was made that
    /// displaced it, as a stash is. Where that stands, it was built upon something older.
    fn is_known(
        &self,
        store: &dyn Store,
        rows: &[PublishRow],
        entry: &Entry,
        content: &[u8],
    ) -> bool {
        let path = entry.target();
        let target = path.and_then(|path| place::resolve(self.vfs(), &self.top, &path, false).ok());
        let on_disk = target.and_then(|target| self.vfs().read(&target).ok());
        let on_disk = on_disk.as_deref();
        if on_disk.is_some_and(|on_disk| entry.has_put(on_disk)) {
            return false;
        }
        let row = rows.iter().find(|row| entry.is_of(&row.path));
        let published = row.and_then(|row| store.publication(&row.plan, &row.path).ok()?);
        on_disk == Some(content) || published.is_some_and(|it| it.hash == digest(content))
    }

    /// Asks about every leftover that no row of the outbox can be built upon; those that one
    /// can stay in the list.
    fn decide_all(
        &self,
        store: &mut dyn Store,
        leftovers: &mut Vec<Leftover>,
        decide: &mut Decide<'_>,
        settled: &mut Settled,
    ) -> Result<(), StoreError> {
        if leftovers.is_empty() {
            return Ok(());
        }
        let rows = store.to_publish(None)?;
        let mut resumable: Vec<Leftover> = Vec::new();
        for leftover in std::mem::take(leftovers) {
            let row = rows.iter().find(|row| leftover.entry.is_of(&row.path));
            let again = resumable
                .iter()
                .any(|other| other.target == leftover.target);
            if !again && row.is_some_and(|row| self.can_resume(row, &leftover)) {
                resumable.push(leftover);
                continue;
            }
            // Of several who come by, one gets it.
            let Ok(entry) = self.shelf.take(&leftover.entry) else {
                continue;
            };
            let done = match decide(store, &leftover) {
                Ok(Fate::Remove) => self.shelf.discard(&entry),
                Ok(Fate::Keep) => self.keep(&entry, leftover.target.as_ref(), &mut settled.notes),
                Err(error) => {
                    self.shelf.free(&entry).ok();
                    return Err(error);
                }
            };
            if done.is_err() {
                self.shelf.free(&entry).ok();
            }
        }
        *leftovers = resumable;
        Ok(())
    }

    /// Whether what displaced it stands there still: then the work goes on where it ended.
    fn can_resume(&self, row: &PublishRow, leftover: &Leftover) -> bool {
        let target = place::resolve(self.vfs(), &self.top, &row.path, false).ok();
        let on_disk = target.and_then(|target| self.vfs().read(&target).ok());
        on_disk.is_some_and(|on_disk| self.shelf.can_resume(&leftover.entry, &on_disk))
    }

    fn keep(
        &self,
        entry: &Entry,
        target: Option<&RepoPath>,
        notes: &mut Vec<String>,
    ) -> io::Result<()> {
        let kept = self.shelf.keep(entry)?;
        let target = target.map_or("a file", RepoPath::as_str);
        notes.push(format!(
            "what somebody saved to {target} while it was written is kept as {}",
            kept.display()
        ));
        Ok(())
    }

    fn vfs(&self) -> &dyn Vfs {
        &*self.shelf.vfs
    }

    /// Writes a file that is no projection, with the same care: findings, for example.
    ///
    /// # Errors
    /// When it cannot be written, or its place is not inside the work tree.
    pub fn write(&self, path: &RepoPath, content: &[u8]) -> io::Result<()> {
        let content = Text::from(content.to_owned());
        let target = place::resolve(self.vfs(), &self.top, path, true).map_err(no_place)?;
        for _ in 0..TRIES_MAX {
            let read = read_if_any(self.vfs(), &target)?.map(Text::from);
            if read.as_ref() == Some(&content) {
                return Ok(());
            }
            let replace = Replace {
                shelf: &self.shelf,
                path,
                target: &target,
                read: read.as_ref(),
                upon_save: false,
                content: &content,
            };
            match replace.run()? {
                // The whole file is the caller's, so that what is displaced has had its day.
                Replaced::AsRead(Some(displaced)) | Replaced::Displaced(displaced) => {
                    return self.shelf.seen(&displaced);
                }
                Replaced::AsRead(None) => return Ok(()),
                Replaced::Untouched => {}
            }
        }
        Err(io::Error::other(format!("{path} appears again and again")))
    }

    /// Writes a file that is a person's as well: once, and only over what was read. `false` when
    /// something else stands there by now; that stays.
    ///
    /// # Errors
    /// As for [`Publisher::write`].
    pub fn replace(
        &self,
        path: &RepoPath,
        read: Option<&[u8]>,
        content: &[u8],
    ) -> io::Result<bool> {
        let target = place::resolve(self.vfs(), &self.top, path, true).map_err(no_place)?;
        let read = read.map(|bytes| Text::from(bytes.to_owned()));
        if read_if_any(self.vfs(), &target)?.map(Text::from) != read {
            return Ok(false);
        }
        let (mut on_disk, mut content) = (read, Text::from(content.to_owned()));
        let mut saved: Option<Displaced> = None;
        for _ in 0..TRIES_MAX {
            let replace = Replace {
                shelf: &self.shelf,
                path,
                target: &target,
                read: on_disk.as_ref(),
                upon_save: saved.is_some(),
                content: &content,
            };
            let replaced = replace.run().inspect_err(|_| {
                // Whoever comes next finds what is in hand.
                let saved = saved.as_ref().map(|saved| self.shelf.free(&saved.entry));
                drop(saved);
            })?;
            // It is back, or somebody has saved upon it since.
            let back = saved.take();
            if let Some(back) = &back {
                self.shelf.seen(back)?;
            }
            match replaced {
                Replaced::AsRead(displaced) => {
                    if let Some(displaced) = displaced {
                        self.shelf.seen(&displaced)?;
                    }
                    return Ok(back.is_none());
                }
                Replaced::Untouched => return Ok(false),
                // Saved in this very instant: it goes back.
                Replaced::Displaced(save) => {
                    on_disk = Some(content);
                    content = save.content.clone();
                    saved = Some(save);
                }
            }
        }
        let kept = saved
            .map(|saved| self.shelf.keep(&saved.entry))
            .transpose()?;
        let kept = kept.map_or_else(String::new, |kept| {
            format!("; what was saved last is kept as {}", kept.display())
        });
        Err(io::Error::other(format!(
            "{path} changes again and again{kept}"
        )))
    }

    /// Removes a file that holds what was read; `false` when it holds something else by now.
    ///
    /// # Errors
    /// As for [`Publisher::write`].
    pub fn remove(&self, path: &RepoPath, read: &[u8]) -> io::Result<bool> {
        let target = place::resolve(self.vfs(), &self.top, path, false).map_err(no_place)?;
        match read_if_any(self.vfs(), &target)? {
            Some(found) if found == read => {}
            found => return Ok(found.is_none()),
        }
        // What somebody saves in this moment comes aside with it, and goes back.
        let aside = beside(&target);
        self.vfs().rename(&target, &aside)?;
        let is_it = self.vfs().read(&aside)? == read;
        if is_it {
            self.vfs().remove_file(&aside)?;
        } else if let Err(error) = self.vfs().rename_no_replace(&aside, &target) {
            let message = format!("{path} was saved meanwhile; it is {}", aside.display());
            return Err(io::Error::new(error.kind(), message));
        }
        self.vfs()
            .sync_directory(target.parent().unwrap_or(&target))?;
        Ok(is_it)
    }

    /// Looks whether a file may be written, without writing it.
    ///
    /// # Errors
    /// When its place is not inside the work tree, or it is no file, or read-only.
    pub fn may_write(&self, path: &RepoPath) -> Result<(), PlaceError> {
        place::resolve(self.vfs(), &self.top, path, false).map(drop)
    }

    /// Publishes one file, and tells whether it was written.
    fn publish<'r>(
        &'r self,
        store: &mut dyn Store,
        row: &'r PublishRow,
        (prepared, read): (Option<Prepared>, Option<OnDisk>),
        resumed: Option<Leftover>,
        notes: &mut Vec<String>,
    ) -> Result<(Shown<'r>, bool), PublishError> {
        let create = row.kind != PublishKind::PlanMarkers;
        let target = place::resolve(self.vfs(), &self.top, &row.path, create)?;
        let mut writing = Writing::new((self, store), row, target, prepared, read)?;
        if writing.is_missing() {
            self.exclude(row)?;
        }
        if let Some(leftover) = resumed {
            writing.resume(leftover);
        }
        writing.run(store, notes)
    }

    fn gate_path(&self) -> PathBuf {
        self.state.join("gate.publisher")
    }

    /// Waits for the gate, but no longer than this. It is asked for again and again: who leaves so
    /// soon would leave somebody in the queue that nobody waits for.
    fn gate_within(&self, patience: Duration) -> io::Result<Option<Lock>> {
        const PAUSE: Duration = Duration::from_millis(2);
        let mut waited = Duration::ZERO;
        loop {
            let lock = self.vfs().try_lock(&self.gate_path())?;
            if lock.is_some() || waited >= patience {
                return Ok(lock);
            }
            self.vfs().pause(PAUSE);
            waited += PAUSE;
        }
    }

    /// Waits for the other publishers of this store, until they have published these rows, too;
    /// and no longer when nothing was published for [`GATE_PATIENCE`], and after
    /// [`GATE_WAIT_MAX`].
    ///
    /// They come in one after the other, and the first of them publishes for all that wait by
    /// then: the others find it done.
    fn gate(&self, store: &dyn Store, rows: &[PublishRow]) -> Passage {
        let path = self.gate_path();
        match self.vfs().try_lock(&path) {
            Ok(Some(lock)) => return Passage::Locked(lock),
            Ok(None) => {}
            Err(_) => return Passage::Beside,
        }
        let is_done = || !rows.is_empty() && are_published(store, rows);
        let (mut waited, mut idle) = (Duration::ZERO, Duration::ZERO);
        let mut published = None;
        let locked = self.vfs().wait_for_lock(&path, GATE_LOOK, &mut || {
            waited += GATE_LOOK;
            idle += GATE_LOOK;
            let now = newest_published(store);
            if now > published {
                published = now;
                idle = Duration::ZERO;
            }
            idle < GATE_PATIENCE && waited < GATE_WAIT_MAX && !is_done()
        });
        if is_done() {
            return Passage::Done;
        }
        match locked {
            Ok(Some(lock)) => Passage::Locked(lock),
            _ => Passage::Beside,
        }
    }
}

/// How a publisher came past the gate.
enum Passage {
    /// It is the only one.
    Locked(Lock),
    /// Others are at work, or the gate cannot be used.
    Beside,
    /// There is nothing left to do.
    Done,
}

/// Whether all of these rows were published by somebody.
///
/// A row that was asked for without an operation may have the number of one that is published: so
/// the outbox, out of which publishing takes a row, is asked as well.
fn are_published(store: &dyn Store, rows: &[PublishRow]) -> bool {
    let Ok(waiting) = store.to_publish(None) else {
        return false;
    };
    rows.iter().all(|row| {
        let waits = waiting.iter().any(|waiting| {
            let is_it = waiting.plan == row.plan && waiting.path == row.path;
            is_it && waiting.sequence <= row.sequence
        });
        let known = || store.publication(&row.plan, &row.path).ok().flatten();
        !waits && known().is_some_and(|known| known.sequence >= row.sequence)
    })
}

/// A name beside a file for the moment in which it is removed.
fn beside(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(format!(".airboss-{}", std::process::id()));
    PathBuf::from(name)
}

fn no_place(error: PlaceError) -> io::Error {
    match error {
        PlaceError::Io(error) => error,
        other => io::Error::other(other),
    }
}

/// The newest operation that a file shows which is to be published.
fn newest_published(store: &dyn Store) -> Option<u64> {
    let rows = store.to_publish(None).ok()?.into_iter();
    let published = rows.filter_map(|row| store.publication(&row.plan, &row.path).ok()?);
    published.map(|publication| publication.sequence).max()
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
