//! What publishing has in hand: drafts, and the files that they displaced.
//!
//! ```text
//! state/tmp/        drafts: nobody ever saved them, so they go with their maker
//! state/displaced/  what stood at a target, until it was looked at twice
//! state/kept/       what somebody saved and nothing could be built upon; never removed
//! ```
//!
//! A draft moves to `displaced/` when it is durable, and changes places with the target from
//! there: whatever a crash leaves in `displaced/` is a durable draft or a file that was
//! displaced. Its name tells who had it in hand, what was read, what was to be written, and
//! where; that is enough for anybody to finish the work.
//!
//! An editor may still write to a file that it opened before the exchange. So a displaced file
//! whose content is in the new one is not removed at once, but by a later command that finds
//! it unchanged.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use airboss_core::path::RepoPath;
use airboss_core::process::ProcessIdentity;

use super::ahead::Ahead;
use super::{Text, digest};
use crate::vfs::{Facts, Vfs, VfsFile, create_directories, facts_if_any, read_if_any};

/// An editor that truncates and then writes is done after this time.
pub(super) const HOT: Duration = Duration::from_millis(250);

/// On a machine that is busy with other things it may take longer. One that has written only the
/// beginning of a file is waited for so long: what is built upon it shows the other tasks to nobody.
pub(super) const EMPTIED: Duration = Duration::from_secs(2);

/// Twice the coarsest step in which kernels keep the times of files, in nanoseconds.
const TICK_NS: i128 = 20_000_000;

/// Longer paths are named by their hash: file names have at most 255 bytes, the rest of the
/// name at most 100.
const TARGET_BYTES_MAX: usize = 150;

/// The digest of so many bytes takes longer than a thread to begin.
const LARGE: usize = 512 << 10;

/// Drafts and displaced files of one work tree.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    pub(super) vfs: Arc<dyn Vfs>,
    state: PathBuf,
    ahead: Ahead,
}

/// A file that has a name in `displaced/`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    standing: Standing,
    /// `<boot>-<pid>-<start>`, and a number of that process.
    owner: String,
    number: String,
    /// Its bytes are beside the target, because the state lies on another file system.
    beside: bool,
    /// What was written was made from another save, not from what was read.
    upon_save: bool,
    /// The print of what was read before the exchange, or of what the first look found.
    pub(super) read: String,
    /// The print of what was written; of a file that was seen, how it was described then.
    pub(super) new: String,
    target: String,
    /// Where its bytes are.
    pub(super) bytes: PathBuf,
}

/// How far the work on a displaced file has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    /// Its owner works on it.
    Held,
    /// Its owner gave up: whoever comes next looks at it.
    Free,
    /// Its content is in the file that displaced it.
    Seen,
    /// The same, and somebody wrote it who may be at it still.
    Typed,
}

/// A displaced file and what was found in it.
#[derive(Debug)]
pub(super) struct Displaced {
    pub(super) entry: Entry,
    pub(super) content: Text,
    /// What the file system said of it before it was read.
    pub(super) facts: Option<Facts>,
    /// It is what was published before; nobody writes to it.
    pub(super) is_own: bool,
}

/// What somebody saved, and what a crash or a late editor kept from being looked at.
#[derive(Debug)]
pub struct Leftover {
    /// The file that it was saved to; `None` when that path is too long to be remembered.
    pub target: Option<RepoPath>,
    /// What was saved.
    pub content: Vec<u8>,
    /// Where it lies now.
    pub path: PathBuf,
    /// What the file system said of it before it was read.
    pub(super) facts: Facts,
    pub(super) entry: Entry,
}

/// What is to become of a [`Leftover`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It is put aside for a person, for ever.
    Keep,
    /// What it says is durable elsewhere: it is removed.
    Remove,
}

impl Standing {
    const ALL: [(Self, &str); 4] = [
        (Self::Held, "held"),
        (Self::Free, "free"),
        (Self::Seen, "seen"),
        (Self::Typed, "typed"),
    ];

    /// Whether its content is in the file.
    fn is_done(self) -> bool {
        matches!(self, Self::Seen | Self::Typed)
    }
}

impl Entry {
    fn name(&self) -> String {
        let standing = Standing::ALL.iter().find(|(one, _)| *one == self.standing);
        let standing = standing.map_or("free", |(_, name)| name);
        let place = if self.beside { "beside" } else { "here" };
        let upon = if self.upon_save { "save" } else { "read" };
        let (owner, number) = (&self.owner, &self.number);
        let (read, new, target) = (&self.read, &self.new, &self.target);
        format!("{standing}.{owner}.{number}.{place}.{upon}.{read}.{new}.{target}")
    }

    /// Without its place: that of an entry beside its target is written in its record.
    fn parse(name: &str) -> Option<Self> {
        let mut parts = name.splitn(8, '.');
        let mut part = || parts.next().map(str::to_owned);
        let standing = part()?;
        let (standing, _) = Standing::ALL
            .into_iter()
            .find(|(_, name)| *name == standing)?;
        Some(Self {
            standing,
            owner: part()?,
            number: part()?,
            beside: part()? == "beside",
            upon_save: part()? == "save",
            read: part()?,
            new: part()?,
            target: part()?,
            bytes: PathBuf::new(),
        })
    }

    /// The boot in which somebody had it in hand.
    fn boot(&self) -> Option<&str> {
        self.owner.split('-').next()
    }

    /// Whether a content is the one that took the place of what was displaced.
    pub(super) fn has_put(&self, content: &[u8]) -> bool {
        self.new == print(content)
    }

    /// Whether it was displaced from this path.
    pub(super) fn is_of(&self, path: &RepoPath) -> bool {
        self.target == target_text(path)
    }

    pub(super) fn target(&self) -> Option<RepoPath> {
        RepoPath::new(&self.target.replace('\\', "/"))
            .ok()
            .filter(|_| !self.target.starts_with('~'))
    }
}

/// How the file system describes content that nobody has written to since.
fn description(facts: &Facts) -> String {
    print(format!("{} {}", facts.size, facts.mtime_ns).as_bytes())
}

/// Enough of a digest to tell contents apart that no one made to collide.
fn short(digest: &str) -> String {
    digest.chars().take(16).collect()
}

pub(super) fn print(bytes: &[u8]) -> String {
    short(&digest(bytes))
}

/// No path here has a backslash, so it can stand for the slash.
fn target_text(path: &RepoPath) -> String {
    let path = path.as_str();
    if path.len() > TARGET_BYTES_MAX || path.starts_with('~') {
        return format!("~{}", print(path.as_bytes()));
    }
    path.replace('/', "\\")
}

/// A new file that a power cut may still take away.
#[derive(Debug)]
pub(super) struct Undurable {
    pub(super) path: PathBuf,
    file: Box<dyn VfsFile>,
}

impl Undurable {
    /// Syncs it; answers where it is. One whose sync failed is not tried again, but removed.
    pub(super) fn durable(mut self, vfs: &dyn Vfs) -> io::Result<PathBuf> {
        match self.file.sync() {
            Ok(()) => Ok(self.path),
            Err(error) => {
                vfs.remove_file(&self.path).ok();
                Err(error)
            }
        }
    }
}

impl Shelf {
    pub(super) fn new(vfs: Arc<dyn Vfs>, state: PathBuf) -> Self {
        let ahead = Ahead::default();
        Self { vfs, state, ahead }
    }

    pub(super) fn kept(&self) -> PathBuf {
        self.state.join("kept")
    }

    fn displaced(&self) -> PathBuf {
        self.state.join("displaced")
    }

    fn record(&self, entry: &Entry) -> PathBuf {
        self.displaced().join(entry.name())
    }

    fn owner(&self) -> String {
        owner(&*self.vfs)
    }

    fn fresh_name(&self) -> (String, String) {
        (self.owner(), format!("{:08x}", self.vfs.fresh_number()))
    }

    /// The same shelf without the drafts that are being written.
    pub(super) fn without_drafts(&self) -> Self {
        Self::new(Arc::clone(&self.vfs), self.state.clone())
    }

    /// Begins to write what will be held later, beside everything else.
    pub(super) fn begin_draft(&self, content: &Text, mode: Option<u32>) {
        self.ahead.begin(self, content, mode);
    }

    /// Removes the drafts that nobody held: a file came to say something else meanwhile.
    pub(super) fn drop_drafts(&self) {
        self.ahead.clear();
    }

    /// Makes a durable file that nobody knows yet.
    pub(super) fn draft(&self, content: &[u8], mode: Option<u32>) -> io::Result<PathBuf> {
        let path = fresh_draft(&*self.vfs, &self.state);
        self.write(&path, content, mode)?;
        Ok(path)
    }

    /// The same, not durable yet: whoever has it syncs it.
    pub(super) fn undurable_draft(
        &self,
        content: &[u8],
        mode: Option<u32>,
    ) -> io::Result<Undurable> {
        let path = fresh_draft(&*self.vfs, &self.state);
        let mut file = self.write_undurable(&path, content, mode)?;
        file.start_writing();
        Ok(Undurable { path, file })
    }

    /// Writes a new file durably. One whose sync failed is not tried again, but removed.
    pub(super) fn write(&self, path: &Path, content: &[u8], mode: Option<u32>) -> io::Result<()> {
        let file = self.write_undurable(path, content, mode)?;
        let path = path.to_owned();
        Undurable { path, file }.durable(&*self.vfs).map(drop)
    }

    fn write_undurable(
        &self,
        path: &Path,
        content: &[u8],
        mode: Option<u32>,
    ) -> io::Result<Box<dyn VfsFile>> {
        let mut file = match self.vfs.create_new(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create_directories(&*self.vfs, path.parent().unwrap_or(path))?;
                self.vfs.create_new(path)?
            }
            made => made?,
        };
        let written = file
            .write_all(content)
            .and_then(|()| mode.map_or(Ok(()), |mode| file.set_mode(mode)));
        match written {
            Ok(()) => Ok(file),
            Err(error) => {
                self.vfs.remove_file(path).ok();
                Err(error)
            }
        }
    }

    /// Whether the work on it can go on, with this content on disk: what is there is what was
    /// written then, and nothing that somebody saved is only in there.
    ///
    /// A displaced file that was merged is not merged again, and after a power cut nobody can
    /// tell a save from what an unsynced one fell back to.
    pub(super) fn can_resume(&self, entry: &Entry, on_disk: &[u8]) -> bool {
        let this_boot = entry.boot() == Some(boot_text(&self.vfs.process()));
        let merged = entry.standing.is_done();
        this_boot && !merged && !entry.upon_save && entry.new == print(on_disk)
    }

    /// A draft in `displaced/`, ready to change places with the target.
    pub(super) fn hold(
        &self,
        path: &RepoPath,
        read: &Text,
        upon_save: bool,
        content: &Text,
        mode: Option<u32>,
    ) -> io::Result<Entry> {
        let draft = if let Some(draft) = self.ahead.take(content, mode) {
            draft?
        } else if content.len() < LARGE || content.is_digested() {
            self.draft(content, mode)?
        } else {
            // The disk and a processor work at the same time.
            thread::scope(|scope| {
                // Where no thread can be had it is digested when it is asked for.
                let digest = thread::Builder::new().spawn_scoped(scope, || content.digest());
                drop(digest);
                self.draft(content, mode)
            })?
        };
        let (owner, number) = self.fresh_name();
        let mut entry = Entry {
            standing: Standing::Held,
            owner,
            number,
            beside: false,
            upon_save,
            read: short(read.digest()),
            new: short(content.digest()),
            target: target_text(path),
            bytes: PathBuf::new(),
        };
        entry.bytes = self.record(&entry);
        let moved = match self.vfs.rename(&draft, &entry.bytes) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create_directories(&*self.vfs, &self.displaced())
                    .and_then(|()| self.vfs.rename(&draft, &entry.bytes))
            }
            moved => moved,
        };
        if let Err(error) = moved {
            self.vfs.remove_file(&draft).ok();
            return Err(error);
        }
        Ok(entry)
    }

    /// The same with the bytes beside the target; the record tells where.
    pub(super) fn hold_beside(
        &self,
        entry: Entry,
        target: &Path,
        content: &[u8],
        mode: Option<u32>,
    ) -> io::Result<Entry> {
        self.discard(&entry)?;
        let (owner, number) = self.fresh_name();
        let bytes = target.with_file_name(format!(".airboss-{owner}.{number}"));
        let entry = Entry {
            owner,
            number,
            beside: true,
            bytes,
            ..entry
        };
        self.write(
            &self.record(&entry),
            &[entry.bytes.as_os_str().as_bytes(), b"\n"].concat(),
            None,
        )?;
        // From here on the file may be the only copy of what somebody saves.
        self.vfs.sync_directory(&self.displaced())?;
        let draft = draft_of(&entry);
        let made = self
            .write(&draft, content, mode)
            .and_then(|()| self.vfs.rename(&draft, &entry.bytes));
        if let Err(error) = made {
            self.discard(&entry).ok();
            return Err(error);
        }
        Ok(entry)
    }

    /// Removes a displaced file for good.
    pub(super) fn discard(&self, entry: &Entry) -> io::Result<()> {
        if !entry.beside {
            return remove_if_any(&*self.vfs, &entry.bytes);
        }
        if !entry.bytes.as_os_str().is_empty() {
            remove_if_any(&*self.vfs, &entry.bytes)?;
            remove_if_any(&*self.vfs, &draft_of(entry))?;
            // A file that comes back after its record is one that nobody knows.
            if let Some(directory) = entry.bytes.parent() {
                self.vfs.sync_directory(directory)?;
            }
        }
        remove_if_any(&*self.vfs, &self.record(entry))
    }

    /// What it says is in the file now: it waits for its second look.
    pub(super) fn seen(&self, displaced: &Displaced) -> io::Result<()> {
        let mut entry = displaced.entry.clone();
        entry.standing = if displaced.is_own {
            Standing::Seen
        } else {
            Standing::Typed
        };
        entry.read = short(displaced.content.digest());
        // A write right after the look has another time only when the exchange, which set the
        // file's other one, came a tick after the content was written.
        let told = displaced.facts.as_ref();
        if let Some(facts) = told.filter(|it| it.ctime_ns - it.mtime_ns >= TICK_NS) {
            entry.new = description(facts);
        }
        self.rename(&displaced.entry, entry).map(drop)
    }

    /// The work on it ended too early: the next one takes it up.
    pub(super) fn free(&self, entry: &Entry) -> io::Result<()> {
        let mut free = entry.clone();
        free.standing = Standing::Free;
        self.rename(entry, free).map(drop)
    }

    /// Takes up what somebody left. Of several who try, one gets it.
    pub(super) fn take(&self, entry: &Entry) -> io::Result<Entry> {
        let mut taken = entry.clone();
        taken.standing = Standing::Held;
        (taken.owner, taken.number) = self.fresh_name();
        self.rename(entry, taken)
    }

    fn rename(&self, from: &Entry, mut to: Entry) -> io::Result<Entry> {
        let path = self.record(&to);
        self.vfs.rename(&self.record(from), &path)?;
        if !to.beside {
            to.bytes = path;
        }
        Ok(to)
    }

    /// Puts it aside for a person, durably; answers where.
    pub(super) fn keep(&self, entry: &Entry) -> io::Result<PathBuf> {
        let kept = self.kept();
        create_directories(&*self.vfs, &kept)?;
        let file_name = entry.target.rsplit('\\').next().unwrap_or("file");
        let path = kept.join(format!("{}.{}.{file_name}", entry.owner, entry.number));
        match self.vfs.rename(&entry.bytes, &path) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                self.write(&path, &self.vfs.read(&entry.bytes)?, None)?;
            }
            moved => moved?,
        }
        self.vfs.sync_directory(&kept)?;
        self.discard(entry)?;
        Ok(path)
    }

    /// Looks at what the dead left and at what waits for its second look.
    ///
    /// What says nothing new goes its way; the rest is handed over. `known` tells whether a
    /// content is published, or on disk.
    pub(super) fn sweep(&self, known: &dyn Fn(&Entry, &[u8]) -> bool) -> io::Result<Vec<Leftover>> {
        self.sweep_drafts()?;
        let mut leftovers = Vec::new();
        for mut entry in self.entries()? {
            let done = match self.judge(&mut entry, known)? {
                Look::Later => Ok(()),
                Look::Over => self.discard(&entry),
                Look::Known(content, facts) => self.seen(&Displaced {
                    entry,
                    content: Text::from(content),
                    facts: Some(facts),
                    is_own: false,
                }),
                Look::New(content, facts) => {
                    leftovers.push(Leftover::new(entry, content, facts));
                    Ok(())
                }
            };
            match done {
                // Somebody else was faster.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                done => done?,
            }
        }
        Ok(leftovers)
    }

    /// What [`Shelf::sweep`] would hand over; changes nothing.
    pub(super) fn leftovers(
        &self,
        known: &dyn Fn(&Entry, &[u8]) -> bool,
    ) -> io::Result<Vec<Leftover>> {
        let mut leftovers = Vec::new();
        for mut entry in self.entries()? {
            if let Look::New(content, facts) = self.judge(&mut entry, known)? {
                leftovers.push(Leftover::new(entry, content, facts));
            }
        }
        Ok(leftovers)
    }

    fn judge(&self, entry: &mut Entry, known: &dyn Fn(&Entry, &[u8]) -> bool) -> io::Result<Look> {
        if entry.standing == Standing::Held && self.is_owned(&entry.owner) {
            return Ok(Look::Later);
        }
        if entry.beside {
            // Its owner is done with the record, so that it is whole or never will be.
            let Some(place) = read_if_any(&*self.vfs, &self.record(entry))? else {
                return Ok(Look::Later);
            };
            entry.bytes = place_beside(place);
        }
        let facts = facts_if_any(&*self.vfs, &entry.bytes)?;
        let Some(facts) = facts else {
            // A crash came between the record and the file beside the target.
            return Ok(if entry.beside {
                Look::Over
            } else {
                Look::Later
            });
        };
        // Who has made a file or emptied it has yet to write.
        let is_typed = entry.standing == Standing::Typed || facts.size == 0;
        let patience = if is_typed { EMPTIED } else { HOT };
        if entry.standing.is_done() && age(&*self.vfs, facts.ctime_ns) < patience {
            return Ok(Look::Later);
        }
        if self.is_still(entry, &facts) {
            return Ok(Look::Over);
        }
        let Some(content) = read_if_any(&*self.vfs, &entry.bytes)? else {
            return Ok(Look::Later);
        };
        let print = print(&content);
        if entry.standing.is_done() {
            return Ok(if print == entry.read {
                Look::Over
            } else {
                Look::New(content, facts)
            });
        }
        // A draft that a crash kept from being exchanged, or what was read for it.
        let own = print == entry.new || print == entry.read;
        Ok(if own || known(entry, &content) {
            Look::Known(content, facts)
        } else {
            Look::New(content, facts)
        })
    }

    /// Whether nobody wrote to a file since it was seen. Writing would have set both of its times;
    /// its last rename has set one.
    fn is_still(&self, entry: &Entry, facts: &Facts) -> bool {
        entry.standing.is_done()
            && entry.boot() == Some(boot_text(&self.vfs.process()))
            && entry.new == description(facts)
            && facts.ctime_ns - facts.mtime_ns >= TICK_NS
    }

    fn entries(&self) -> io::Result<Vec<Entry>> {
        let directory = self.displaced();
        let mut entries = Vec::new();
        for name in self.names(&directory)? {
            let Some(mut entry) = name.to_str().and_then(Entry::parse) else {
                continue;
            };
            entry.bytes = directory.join(&name);
            entries.push(entry);
        }
        Ok(entries)
    }

    fn sweep_drafts(&self) -> io::Result<()> {
        let directory = self.state.join("tmp");
        for name in self.names(&directory)? {
            let owner = name.to_str().and_then(|name| name.split_once('.'));
            if owner.is_some_and(|(owner, _)| !self.is_owned(owner)) {
                remove_if_any(&*self.vfs, &directory.join(&name))?;
            }
        }
        Ok(())
    }

    fn names(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        match self.vfs.read_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            names => names,
        }
    }

    /// Whether the process with this name still runs. What is no such name belongs to a
    /// process that nobody can know the end of.
    fn is_owned(&self, owner: &str) -> bool {
        let mut parts = owner.rsplitn(3, '-');
        let start_ticks = parts.next().and_then(|text| text.parse().ok());
        let pid = parts.next().and_then(|text| text.parse().ok());
        let (Some(start_ticks), Some(pid), Some(boot)) = (start_ticks, pid, parts.next()) else {
            return true;
        };
        let this = self.vfs.process();
        let boot_id = this.boot_id.clone();
        boot == boot_text(&this)
            && self.vfs.is_alive(&ProcessIdentity {
                pid,
                start_ticks,
                boot_id,
            })
    }
}

fn owner(vfs: &dyn Vfs) -> String {
    let process = vfs.process();
    let boot = boot_text(&process);
    format!("{boot}-{}-{}", process.pid, process.start_ticks)
}

/// The name of a file that no other process makes, and that goes with this one when it dies.
pub(crate) fn fresh_draft(vfs: &dyn Vfs, state: &Path) -> PathBuf {
    let number = vfs.fresh_number();
    state
        .join("tmp")
        .join(format!("{}.{number:08x}", owner(vfs)))
}

/// Where a record says that the bytes are; nowhere, when a crash left only a part of it.
fn place_beside(mut record: Vec<u8>) -> PathBuf {
    let whole = record.pop() == Some(b'\n');
    let place = PathBuf::from(OsString::from_vec(record));
    let name = place.file_name().and_then(|name| name.to_str());
    if whole && name.is_some_and(|name| name.starts_with(".airboss-")) {
        place
    } else {
        PathBuf::new()
    }
}

/// Where the draft of an entry beside its target is made.
fn draft_of(entry: &Entry) -> PathBuf {
    let mut draft = entry.bytes.clone().into_os_string();
    draft.push(".tmp");
    PathBuf::from(draft)
}

/// What is to be done with a displaced file.
enum Look {
    /// Nothing now.
    Later,
    /// It is of no use any more.
    Over,
    /// It says nothing new, but an editor may have it open.
    Known(Vec<u8>, Facts),
    /// Somebody saved this.
    New(Vec<u8>, Facts),
}

impl Leftover {
    fn new(entry: Entry, content: Vec<u8>, facts: Facts) -> Self {
        Self {
            target: entry.target(),
            content,
            facts,
            path: entry.bytes.clone(),
            entry,
        }
    }
}

/// The time since an instant of a file; one in the future is over: the clock was set back.
pub(super) fn age(vfs: &dyn Vfs, at_ns: i128) -> Duration {
    let now = vfs.now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let age = now.as_nanos().cast_signed().checked_sub(at_ns);
    let age = age.and_then(|age| u64::try_from(age).ok());
    age.map_or(Duration::MAX, Duration::from_nanos)
}

/// Enough of the boot's id to tell it from the others of this machine.
fn boot_text(process: &ProcessIdentity) -> &str {
    process.boot_id.split('-').next().unwrap_or("")
}

fn remove_if_any(vfs: &dyn Vfs, path: &Path) -> io::Result<()> {
    match vfs.remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vfs::RealVfs;

    fn entry(path: &str) -> Entry {
        Entry {
            standing: Standing::Seen,
            owner: "4d1c7f00-12-345".to_owned(),
            number: "0000000a".to_owned(),
            beside: false,
            upon_save: true,
            read: print(b"read"),
            new: print(b"new"),
            target: target_text(&RepoPath::new(path).unwrap()),
            bytes: PathBuf::new(),
        }
    }

    #[test]
    fn a_name_tells_everything_and_fits_into_a_directory() {
        for path in ["a", "docs/plan-outputs/some.plan/status.json", "~a"] {
            let entry = entry(path);
            assert_eq!(Entry::parse(&entry.name()), Some(entry.clone()));
            let path = RepoPath::new(path).unwrap();
            assert!(entry.is_of(&path));
            assert_eq!(entry.target().is_some(), !path.as_str().starts_with('~'));
        }
        let long = entry(&"long/".repeat(60));
        assert!(long.name().len() < 255);
        assert_eq!(long.target(), None);
        assert_eq!(Entry::parse("9f8e7d6c5b4a"), None);
    }

    #[test]
    fn only_the_drafts_of_the_dead_are_swept() {
        let directory = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(Arc::new(RealVfs), directory.path().to_owned());
        let mine = shelf.draft(b"mine", None).unwrap();
        let dead = mine.with_file_name(format!("{}-1-1.00000000", boot_text(&RealVfs.process())));
        shelf.write(&dead, b"torn", None).unwrap();
        let unknown = mine.with_file_name("notes");
        shelf.write(&unknown, b"whose?", None).unwrap();
        assert!(shelf.sweep(&|_, _| false).unwrap().is_empty());
        assert_eq!(
            [mine.exists(), dead.exists(), unknown.exists()],
            [true, false, true]
        );
    }
}
