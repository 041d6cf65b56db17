//! One file on its way to what the store says.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use airboss_core::status_file::Damage;

use super::exchange::{Replace, Replaced};
use super::prepare::Prepared;
use super::shelf::{Displaced, HOT, Leftover, age};
use super::{Content, Found, LOOKS_MAX, PublishError, Publisher, Shown, TRIES_MAX, Taken, Text};
use crate::board::stamp_of;
use crate::store::{Publication, PublishRow, Store, StoreError};
use crate::vfs::{Facts, Vfs, facts_if_any, if_any, read_if_any};

/// A file as it was found.
#[derive(Debug)]
pub(super) struct OnDisk {
    pub(super) text: Text,
    /// Asked for before it was read: whatever is saved later makes them others. `None` of what was
    /// written and never looked at.
    pub(super) facts: Option<Facts>,
    /// The newest operation that the file was recorded to show before; `None` when nobody asked.
    since: Option<u64>,
    /// It is what was published, or is about to be.
    is_own: bool,
}

impl OnDisk {
    /// What stands at a place now, when it is what was published there last: what somebody writes
    /// to a file changes its times. `None` when it is not, or there is no file.
    pub(super) fn published(
        vfs: &dyn Vfs,
        path: &Path,
        known: Option<&Publication>,
    ) -> io::Result<Option<Self>> {
        let (Some(known), Some(facts)) = (known, facts_if_any(vfs, path)?) else {
            return Ok(None);
        };
        // Whoever writes in place sets both times alike, perhaps within the tick of our own.
        if known.stamp != Some(stamp_of(&facts)) || facts.ctime_ns == facts.mtime_ns {
            return Ok(None);
        }
        let bytes = read_if_any(vfs, path)?;
        let is_still = facts_if_any(vfs, path)? == Some(facts);
        Ok(bytes.filter(|_| is_still).map(|bytes| Self {
            text: Text::with_digest(bytes, known.hash.clone()),
            facts: Some(facts),
            since: None,
            is_own: true,
        }))
    }

    /// The same, read after the file was recorded so.
    pub(super) fn since(self, known: Option<&Publication>) -> Self {
        let since = Some(known.map_or(0, |known| known.sequence));
        Self { since, ..self }
    }

    /// The text with the time when it was written.
    pub(super) fn found(&self) -> Found<'_> {
        Found {
            text: &self.text,
            written: self.facts.as_ref().map(|facts| facts.mtime_ns),
            since: self.since,
        }
    }

    /// What stands at a place now; `None` when there is no file.
    pub(super) fn read(
        vfs: &dyn Vfs,
        path: &Path,
        known: Option<&Text>,
    ) -> io::Result<Option<Self>> {
        let Some(facts) = facts_if_any(vfs, path)? else {
            return Ok(None);
        };
        let text = if_any(Text::read(vfs, path, known))?;
        Ok(text.map(|text| Self {
            text,
            facts: Some(facts),
            since: None,
            is_own: false,
        }))
    }
}

/// The work on one row of the outbox.
pub(super) struct Writing<'a> {
    publisher: &'a Publisher,
    row: &'a PublishRow,
    target: PathBuf,
    /// What stands at the target, as far as we know.
    on_disk: Option<OnDisk>,
    /// The newest operation that the file was recorded to show before it was read first.
    since: Option<u64>,
    /// Made from what was read first.
    prepared: Option<Prepared>,
    /// What somebody saved in the moment of our last exchange. The next content is made from it.
    saved: Option<Displaced>,
    /// What somebody saved before that; nothing was built upon it.
    passed_over: Vec<Displaced>,
    /// What was read, of which was made what stands there now; none when that is not all.
    made_from: Option<Text>,
    /// What came out and is in the file.
    done: Vec<Displaced>,
}

impl<'a> Writing<'a> {
    pub(super) fn new(
        (publisher, store): (&'a Publisher, &dyn Store),
        row: &'a PublishRow,
        target: PathBuf,
        prepared: Option<Prepared>,
        read: Option<OnDisk>,
    ) -> Result<Self, PublishError> {
        let (since, on_disk) = match read {
            // When somebody saves meanwhile, that comes out of the exchange.
            Some(read) => (read.since, Some(read)),
            None => (
                recorded(store, row)?,
                OnDisk::read(publisher.vfs(), &target, None)?,
            ),
        };
        Ok(Self {
            publisher,
            row,
            target,
            on_disk,
            since,
            prepared,
            saved: None,
            passed_over: Vec::new(),
            made_from: None,
            done: Vec::new(),
        })
    }

    pub(super) fn is_missing(&self) -> bool {
        self.on_disk.is_none()
    }

    /// Goes on where a crash ended the work of another process.
    pub(super) fn resume(&mut self, leftover: Leftover) {
        // Somebody may have saved since it was found: the next command asks about it then.
        let shelf = &self.publisher.shelf;
        let on_disk = self.text();
        if !on_disk.is_some_and(|on_disk| shelf.can_resume(&leftover.entry, on_disk)) {
            return;
        }
        // When somebody else takes it up in this moment, it is his.
        if let Ok(entry) = self.publisher.shelf.take(&leftover.entry) {
            let content = Text::from(leftover.content);
            self.saved = Some(Displaced {
                entry,
                content,
                facts: Some(leftover.facts),
                is_own: false,
            });
        }
    }

    /// Publishes; `false` when the file said everything already.
    pub(super) fn run(
        mut self,
        store: &mut dyn Store,
        notes: &mut Vec<String>,
    ) -> Result<(Shown<'a>, bool), PublishError> {
        match self.publish(store, notes) {
            Ok((up_to, is_written)) => {
                let (content, facts) = match self.on_disk {
                    Some(on_disk) => (Some(on_disk.text), on_disk.facts),
                    None => (None, None),
                };
                let shown = Shown {
                    row: self.row,
                    up_to,
                    content,
                    facts,
                    made_from: self.made_from,
                };
                Ok((shown, is_written))
            }
            Err(error) => {
                self.give_up();
                Err(error)
            }
        }
    }

    /// Answers the newest operation that the file shows, and whether it was written.
    fn publish(
        &mut self,
        store: &mut dyn Store,
        notes: &mut Vec<String>,
    ) -> Result<(u64, bool), PublishError> {
        let mut written = false;
        for _ in 0..TRIES_MAX {
            self.wait_for_the_rest(store)?;
            let source = &self.publisher.source;
            if let Some(saved) = &self.saved {
                source.keep(store, self.row, &saved.content)?;
            }
            if source.import(store, self.row, self.found(), notes)? == Taken::Outdated {
                self.look_again(store)?;
                continue;
            }
            let prepared = self.prepared.take().filter(|_| self.saved.is_none());
            let (new, up_to) = match prepared {
                Some(prepared) => (prepared.content, prepared.up_to),
                None => self.content(store, self.base())?,
            };
            let new = match (new, &self.saved) {
                (Content::Write(new), _) => new,
                // What was displaced says everything: it goes back as it was.
                (Content::UpToDate, Some(saved)) => saved.content.clone(),
                (Content::UpToDate, None) => {
                    self.make_durable(store)?;
                    self.finish(store, notes)?;
                    return Ok((up_to, written));
                }
                (Content::Gone, _) => {
                    self.on_disk = None;
                    self.finish(store, notes)?;
                    return Ok((up_to, written));
                }
                (Content::Damaged(damage), _) => {
                    self.damaged(damage, notes)?;
                    continue;
                }
                (Content::Refused(reason), _) => return Err(PublishError::Held(reason)),
            };
            match self.replace(&new)? {
                Replaced::AsRead(displaced) => {
                    written = true;
                    let is_own = self.is_own();
                    let displaced = displaced.map(|it| Displaced { is_own, ..it });
                    self.done.extend(displaced);
                    // Read back: a disk or a person may have had other ideas.
                    let found = OnDisk::read(self.vfs(), &self.target, Some(&new))?;
                    let read = std::mem::replace(&mut self.on_disk, found);
                    let saved = self.saved.take();
                    let is_made_from_read = saved.is_none();
                    self.done.extend(saved);
                    if self.text() == Some(&new) {
                        let read = read.filter(|_| is_made_from_read);
                        self.made_from = read.map(|read| read.text);
                        self.finish(store, notes)?;
                        return Ok((up_to, true));
                    }
                }
                // What we wrote stands there now, and nothing that is saved on top of it may
                // be taken for it: so it is not read again.
                Replaced::Displaced(saved) => {
                    written = true;
                    self.on_disk = Some(OnDisk {
                        text: new,
                        facts: None,
                        since: None,
                        is_own: true,
                    });
                    self.passed_over.extend(self.saved.replace(saved));
                }
                Replaced::Untouched => {
                    self.on_disk = self.read()?;
                    self.passed_over.extend(self.saved.take());
                }
            }
        }
        Err(PublishError::Unsteady)
    }

    fn vfs(&self) -> &'a dyn Vfs {
        self.publisher.vfs()
    }

    /// Whether nobody but publishers wrote what was read: people edit what is taken in.
    fn is_own(&self) -> bool {
        let is_own = self.on_disk.as_ref().is_some_and(|read| read.is_own);
        is_own || !self.row.kind.is_imported()
    }

    /// A publisher beside has recorded what it wrote. What was displaced was read by then.
    fn look_again(&mut self, store: &dyn Store) -> Result<(), PublishError> {
        self.since = recorded(store, self.row)?;
        if self.saved.is_none() {
            self.on_disk = self.read()?;
            self.prepared = None;
        }
        Ok(())
    }

    /// What the new content is made from.
    fn base(&self) -> Option<&Text> {
        let saved = self.saved.as_ref().map(|saved| &saved.content);
        saved.or(self.text())
    }

    /// The same with its time.
    fn found(&self) -> Option<Found<'_>> {
        let saved = self.saved.as_ref().map(|saved| Found {
            written: saved.facts.as_ref().map(|facts| facts.mtime_ns),
            ..Found::undated(&saved.content)
        });
        let found = saved.or_else(|| self.on_disk.as_ref().map(OnDisk::found))?;
        let since = self.since;
        Some(Found { since, ..found })
    }

    /// What stands at the target, as far as we know.
    fn text(&self) -> Option<&Text> {
        self.on_disk.as_ref().map(|on_disk| &on_disk.text)
    }

    /// What stands at the target now.
    fn read(&self) -> io::Result<Option<OnDisk>> {
        OnDisk::read(self.vfs(), &self.target, self.text())
    }

    fn content(
        &self,
        store: &dyn Store,
        base: Option<&Text>,
    ) -> Result<(Content, u64), StoreError> {
        self.publisher.source.content(store, self.row, base)
    }

    fn replace(&self, new: &Text) -> io::Result<Replaced> {
        let replace = Replace {
            shelf: &self.publisher.shelf,
            path: &self.row.path,
            target: &self.target,
            read: self.text(),
            upon_save: self.saved.is_some(),
            content: new,
        };
        replace.run()
    }

    /// What says everything may be the work of somebody who could not make it durable: a crash,
    /// or an error, came before the directory was synced. What was recorded as published is
    /// durable.
    fn make_durable(&self, store: &dyn Store) -> Result<(), PublishError> {
        let known = store.publication(&self.row.plan, &self.row.path)?;
        let hash = self.text().map(Text::digest);
        if hash.is_none() || known.as_ref().map(|known| &known.hash[..]) == hash {
            return Ok(());
        }
        let vfs = self.vfs();
        vfs.sync_file(&self.target)?;
        vfs.sync_directory(self.target.parent().unwrap_or(&self.target))?;
        Ok(())
    }

    /// The file says what it has to say, durably: what was displaced may go.
    fn finish(
        &mut self,
        store: &mut dyn Store,
        notes: &mut Vec<String>,
    ) -> Result<(), PublishError> {
        let shelf = &self.publisher.shelf;
        self.passed_over.extend(self.saved.take());
        while let Some(saved) = self.passed_over.pop() {
            if self.is_in_the_file(store, &saved)? {
                self.done.push(saved);
                continue;
            }
            let path = Some(&self.row.path);
            if let Err(error) = self.publisher.keep(&saved.entry, path, notes) {
                self.passed_over.push(saved);
                return Err(error.into());
            }
        }
        while let Some(done) = self.done.pop() {
            if let Err(error) = shelf.seen(&done) {
                self.done.push(done);
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// Gives an editor that truncates and then writes the time to be done with it.
    fn wait_for_the_rest(&mut self, store: &dyn Store) -> io::Result<()> {
        if self.saved.is_some() {
            return self.wait_for_the_rest_of_a_save(store);
        }
        let was_gone = self.on_disk.is_none() && self.wait_while_gone(store)?;
        let publisher = self.publisher;
        if publisher.wait_for_editor(store, self.row, &self.target)? || was_gone {
            self.on_disk = self.read()?;
            self.prepared = None;
        }
        Ok(())
    }

    /// Git removes a file before it writes it anew, and so do some editors; `true` when that took
    /// any time.
    fn wait_while_gone(&self, store: &dyn Store) -> io::Result<bool> {
        for look in 0..LOOKS_MAX {
            let is_gone = facts_if_any(self.vfs(), &self.target)?.is_none();
            let source = &self.publisher.source;
            if !is_gone || !source.may_come(store, self.row, look == 0) {
                return Ok(look > 0 || !is_gone);
            }
            self.vfs().pause(HOT);
        }
        Ok(true)
    }

    /// The same for what came out of an exchange: the editor goes on writing into it.
    fn wait_for_the_rest_of_a_save(&mut self, store: &dyn Store) -> io::Result<()> {
        let (vfs, source) = (self.publisher.vfs(), &self.publisher.source);
        let Some(saved) = &mut self.saved else {
            return Ok(());
        };
        for _ in 0..LOOKS_MAX {
            read_again(vfs, saved)?;
            let Some(facts) = saved.facts else {
                break;
            };
            let text = || Some(saved.content.clone());
            let patience = source.patience(store, self.row, (&facts, true), &text);
            // One that may be whole is not waited for: it is read once more behind the work.
            if patience <= HOT || !wait_until_old(vfs, &facts, patience) {
                return Ok(());
            }
        }
        read_again(vfs, saved)
    }

    /// Whether a save differs from the file only in what the store has to say: then it was
    /// another publisher's work, or somebody has saved it again since.
    fn is_in_the_file(&self, store: &dyn Store, saved: &Displaced) -> Result<bool, StoreError> {
        let (content, _) = self.content(store, Some(&saved.content))?;
        let on_disk = self.text();
        Ok(match content {
            Content::Write(new) => on_disk == Some(&new),
            Content::UpToDate => on_disk == Some(&saved.content),
            Content::Gone | Content::Damaged(_) | Content::Refused(_) => false,
        })
    }

    /// Whoever comes next finds what is in hand.
    fn give_up(&self) {
        let shelf = &self.publisher.shelf;
        // When this fails, too, it is found after the end of this process.
        for saved in self.saved.iter().chain(&self.passed_over) {
            shelf.free(&saved.entry).ok();
        }
        for done in &self.done {
            shelf.seen(done).ok();
        }
    }

    /// Puts aside what cannot be built upon; what was in it is never lost.
    fn damaged(&mut self, damage: Damage, notes: &mut Vec<String>) -> Result<(), PublishError> {
        if matches!(damage, Damage::Newer { .. }) {
            return Err(PublishError::Refused(damage));
        }
        let aside = if let Some(saved) = &mut self.saved {
            let vfs = self.publisher.vfs();
            if wait_while_hot(vfs, &saved.entry.bytes)? {
                // It is read again before it is built upon.
                saved.facts = None;
                return Ok(());
            }
            let aside = aside_name(vfs, &self.target)?;
            self.publisher.shelf.write(&aside, &saved.content, None)?;
            self.done.extend(self.saved.take());
            aside
        } else if let Some(aside) = self.put_aside()? {
            aside
        } else {
            self.on_disk = self.read()?;
            return Ok(());
        };
        self.vfs()
            .sync_directory(aside.parent().unwrap_or(&aside))?;
        self.on_disk = self.read()?;
        let shown = self.publisher.top.shown(&aside);
        notes.push(format!(
            "{} could not be read ({damage}); it is kept as {} and was written anew",
            self.row.path,
            shown.display()
        ));
        Ok(())
    }

    /// Moves the file on disk aside; `None` when somebody is at it.
    fn put_aside(&self) -> io::Result<Option<PathBuf>> {
        let vfs = self.vfs();
        if wait_while_hot(vfs, &self.target)? {
            return Ok(None);
        }
        if self.read()?.as_ref().map(|found| &found.text) != self.text() {
            return Ok(None);
        }
        let aside = aside_name(vfs, &self.target)?;
        vfs.rename(&self.target, &aside)?;
        // Saved in this very moment: it goes back, unless it was saved once more.
        if Some(&Text::read(vfs, &aside, self.text())?) != self.text()
            && vfs.rename_no_replace(&aside, &self.target).is_ok()
        {
            return Ok(None);
        }
        Ok(Some(aside))
    }
}

/// The newest operation that a file is recorded to show, if it is one that people edit.
fn recorded(store: &dyn Store, row: &PublishRow) -> Result<Option<u64>, StoreError> {
    if !row.kind.is_imported() {
        return Ok(None);
    }
    let known = store.publication(&row.plan, &row.path)?;
    Ok(Some(known.map_or(0, |known| known.sequence)))
}

/// Reads what came out of an exchange again, if somebody has written to it since.
fn read_again(vfs: &dyn Vfs, saved: &mut Displaced) -> io::Result<()> {
    // A rename changes neither.
    let written = |facts: &Facts| (facts.size, facts.mtime_ns);
    let now = vfs.facts(&saved.entry.bytes)?;
    if saved.facts.as_ref().map(written) == Some(written(&now)) {
        return Ok(());
    }
    vfs.sync_file(&saved.entry.bytes)?;
    saved.facts = Some(vfs.facts(&saved.entry.bytes)?);
    saved.content = Text::read(vfs, &saved.entry.bytes, Some(&saved.content))?;
    Ok(())
}

/// Waits until a file is old enough to be judged; `true` when that took any time.
fn wait_while_hot(vfs: &dyn Vfs, path: &Path) -> io::Result<bool> {
    let Some(facts) = facts_if_any(vfs, path)? else {
        return Ok(false);
    };
    Ok(wait_until_old(vfs, &facts, HOT))
}

/// Waits until a file is so old, but no longer than [`HOT`]; `true` when that took any time.
pub(super) fn wait_until_old(vfs: &dyn Vfs, facts: &Facts, patience: Duration) -> bool {
    let rest = patience.saturating_sub(age(vfs, facts.mtime_ns));
    if !rest.is_zero() {
        vfs.pause(rest.min(HOT));
    }
    !rest.is_zero()
}

/// `status.json.corrupt-<n>` with the first number that is free.
fn aside_name(vfs: &dyn Vfs, target: &Path) -> io::Result<PathBuf> {
    // A person looks long before there are a thousand of them.
    for number in 1..1_000 {
        let mut name = target.as_os_str().to_owned();
        name.push(format!(".corrupt-{number}"));
        let path = PathBuf::from(name);
        if facts_if_any(vfs, &path)?.is_none() {
            return Ok(path);
        }
    }
    let message = format!("{} has 999 corrupt copies", target.display());
    Err(io::Error::other(message))
}
