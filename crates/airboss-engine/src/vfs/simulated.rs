//! A disk in memory that forgets what was not synced, and fails on demand.
//!
//! The model is that of ALICE: at a power cut, the content of a file is what was synced, what
//! was written, or any mix of both and zeros by sectors of 512 bytes; of the changes of names
//! since the last sync of their directory, none, a prefix, some or all survive. A rename is one
//! change, even between directories. Everything is decided by a [`Random`].

mod process;
mod random;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use self::process::{Crash, Faults, Free, OpenFile, Process, Scheduler};
pub use self::random::Random;
use super::{Facts, Kind};

const SECTOR: usize = 512;

/// What the clock shows before anything happens, in nanoseconds since 1970.
const START_NS: u64 = 1_700_000_000_000_000_000;

/// How long one operation takes.
const OPERATION: Duration = Duration::from_micros(50);

/// A disk, the clock and the processes of one machine.
#[derive(Debug)]
pub struct Disk {
    // Processes of a simulation run on threads of their own, one at a time; this is the kernel.
    state: Mutex<State>,
    clock_ns: AtomicU64,
}

#[derive(Default, Debug)]
struct State {
    inodes: HashMap<u64, Inode>,
    names: BTreeMap<PathBuf, u64>,
    /// The names that a power cut cannot take away.
    durable: BTreeMap<PathBuf, u64>,
    /// What happened to names since; each change happens wholly or not at all.
    pending: Vec<Change>,
    locks: HashSet<PathBuf>,
    alive: HashSet<u32>,
    boot: u64,
    next: u64,
    /// Counts everything that changes names or contents.
    changes: u64,
    syncs: u64,
    /// What happened, one line each, when somebody wants to know.
    journal: Option<Vec<String>>,
}

type Change = Vec<(PathBuf, Option<u64>)>;

#[derive(Clone, Debug)]
struct Inode {
    kind: Kind,
    content: Vec<u8>,
    synced: Vec<u8>,
    /// A sync failed: the kernel believes that everything is written, and it is not.
    poisoned: bool,
    mode: u32,
    mtime_ns: u64,
    ctime_ns: u64,
    /// Who wrote last, and when, by the count of changes.
    writer: u32,
    version: u64,
    synced_version: u64,
}

/// One name of one file, for those who check.
#[derive(Clone, Copy, Debug)]
pub struct FileView<'a> {
    /// The name.
    pub path: &'a Path,
    /// The number of the file.
    pub ino: u64,
    /// The content.
    pub content: &'a [u8],
    /// The pid of the process that wrote it last.
    pub writer: u32,
    /// Names the content: the same one has the same number.
    pub version: u64,
}

impl Default for Disk {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            clock_ns: AtomicU64::new(START_NS),
        }
    }
}

impl Disk {
    /// An empty disk whose only directories are these and those above them.
    #[must_use]
    pub fn new(directories: &[&Path]) -> Self {
        let disk = Self::default();
        let mut state = disk.lock();
        let all = directories.iter().flat_map(|path| path.ancestors());
        let mut all: Vec<&Path> = all.collect();
        all.sort_unstable();
        all.dedup();
        for path in all {
            let ino = state.make(Kind::Directory, 0, START_NS);
            state.names.insert(path.to_owned(), ino);
            state.durable.insert(path.to_owned(), ino);
        }
        drop(state);
        disk
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on a journal is kept.
    pub fn keep_journal(&self) {
        self.lock().journal.get_or_insert_default();
    }

    /// What happened since, one line for each change and for each line of [`Disk::tell`].
    #[must_use]
    pub fn journal(&self) -> Vec<String> {
        self.lock().journal.clone().unwrap_or_default()
    }

    /// Writes into the journal.
    pub fn tell(&self, words: impl FnOnce() -> String) {
        self.lock().tell(words);
    }

    /// The clock, in nanoseconds since 1970.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        self.clock_ns.load(Ordering::Relaxed)
    }

    /// Sets the clock forward.
    pub fn advance(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.clock_ns.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// How often anything changed, and how often anything was synced.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        let state = self.lock();
        (state.changes, state.syncs)
    }

    /// Everything that can be read now.
    pub fn each_file(&self, see: &mut dyn FnMut(FileView<'_>)) {
        let state = self.lock();
        for (path, ino) in &state.names {
            let inode = &state.inodes[ino];
            if inode.kind == Kind::File {
                see(FileView {
                    path,
                    ino: *ino,
                    content: &inode.content,
                    writer: inode.writer,
                    version: inode.version,
                });
            }
        }
    }

    /// Everything that no power cut takes away.
    pub fn each_durable_file(&self, see: &mut dyn FnMut(FileView<'_>)) {
        let state = self.lock();
        for (path, ino) in &state.durable {
            let inode = &state.inodes[ino];
            // What is being written over may be torn by the power cut.
            let clean = inode.version == inode.synced_version;
            if inode.kind == Kind::File && clean && state.is_durable(path) {
                see(FileView {
                    path,
                    ino: *ino,
                    content: &inode.synced,
                    writer: inode.writer,
                    version: inode.synced_version,
                });
            }
        }
    }

    /// A process is gone.
    pub fn bury(&self, pid: u32) {
        self.lock().alive.remove(&pid);
    }

    /// The power fails and comes back: what a disk may hold then.
    pub fn cut_power(&self, random: &mut Random) {
        let mut state = self.lock();
        state.cut_names(random);
        let mut numbers: Vec<u64> = state.inodes.keys().copied().collect();
        numbers.sort_unstable();
        for number in numbers {
            state.changes += 1;
            let version = state.changes;
            state.inode(number).cut(random, version);
        }
        state.locks.clear();
        state.alive.clear();
        state.boot += 1;
        state.changes += 1;
    }
}

impl Inode {
    fn cut(&mut self, random: &mut Random, version: u64) {
        if self.content != self.synced {
            match random.below(3) {
                0 => self.content.clone_from(&self.synced),
                1 => {}
                _ => self.tear(random),
            }
            self.synced.clone_from(&self.content);
            self.version = version;
            self.synced_version = version;
        }
        self.poisoned = false;
    }

    fn tear(&mut self, random: &mut Random) {
        let written = self.content.clone();
        if random.below(2) == 0 {
            self.content.truncate(self.synced.len());
        }
        let sectors = self.content.chunks_mut(SECTOR).enumerate();
        for (number, sector) in sectors {
            let old = match random.below(3) {
                0 => &written,
                1 => &self.synced,
                _ => &Vec::new(),
            };
            let old = old.get(number * SECTOR..).unwrap_or_default();
            for (position, byte) in sector.iter_mut().enumerate() {
                *byte = old.get(position).copied().unwrap_or(0);
            }
        }
    }
}

impl State {
    fn make(&mut self, kind: Kind, writer: u32, now_ns: u64) -> u64 {
        self.next += 1;
        self.changes += 1;
        let inode = Inode {
            kind,
            content: Vec::new(),
            synced: Vec::new(),
            poisoned: false,
            mode: 0o644,
            mtime_ns: now_ns,
            ctime_ns: now_ns,
            writer,
            version: self.changes,
            synced_version: self.changes,
        };
        self.inodes.insert(self.next, inode);
        self.next
    }

    fn find(&self, path: &Path) -> io::Result<u64> {
        let found = self.names.get(path).copied();
        found.ok_or_else(|| error(io::ErrorKind::NotFound, path))
    }

    fn inode(&mut self, number: u64) -> &mut Inode {
        let inode = self.inodes.get_mut(&number);
        inode.expect("inodes are never removed")
    }

    fn facts(&self, path: &Path) -> io::Result<Facts> {
        let ino = self.find(path)?;
        let inode = &self.inodes[&ino];
        Ok(Facts {
            kind: inode.kind,
            size: inode.content.len() as u64,
            mtime_ns: i128::from(inode.mtime_ns),
            ctime_ns: i128::from(inode.ctime_ns),
            ino,
            mode: inode.mode,
        })
    }

    /// Names that are to be given must have a directory.
    fn check_parent(&self, path: &Path) -> io::Result<()> {
        let parent = path.parent().unwrap_or(path);
        let ino = self.find(parent)?;
        if self.inodes[&ino].kind == Kind::Directory {
            return Ok(());
        }
        Err(error(io::ErrorKind::NotADirectory, path))
    }

    fn check_free(&self, path: &Path) -> io::Result<()> {
        if self.names.contains_key(path) {
            return Err(error(io::ErrorKind::AlreadyExists, path));
        }
        self.check_parent(path)
    }

    fn tell(&mut self, words: impl FnOnce() -> String) {
        if let Some(journal) = &mut self.journal {
            journal.push(words());
        }
    }

    fn apply(&mut self, pid: u32, change: Change, now_ns: u64) {
        self.tell(|| format!("{pid}: {change:?}"));
        for (path, ino) in &change {
            match ino {
                Some(ino) => {
                    self.inode(*ino).ctime_ns = now_ns;
                    self.names.insert(path.clone(), *ino);
                }
                None => drop(self.names.remove(path)),
            }
        }
        self.pending.push(change);
        self.changes += 1;
    }

    /// Makes changes durable, together with the earlier ones that they build upon.
    fn settle_names(&mut self, wanted: &dyn Fn(usize, &Change) -> bool) {
        let pending = std::mem::take(&mut self.pending);
        let mut chosen = vec![false; pending.len()];
        let mut needed: HashSet<&Path> = HashSet::new();
        for (position, change) in pending.iter().enumerate().rev() {
            let builds_upon = change.iter().any(|(path, _)| needed.contains(&**path));
            if builds_upon || wanted(position, change) {
                chosen[position] = true;
                // A name that is written has its directories, as on ext4, XFS and Btrfs.
                needed.extend(change.iter().flat_map(|(path, _)| path.ancestors()));
            }
        }
        for (change, chosen) in pending.iter().zip(chosen) {
            if !chosen {
                self.pending.push(change.clone());
                continue;
            }
            for (path, ino) in change {
                match ino {
                    Some(ino) => drop(self.durable.insert(path.clone(), *ino)),
                    None => drop(self.durable.remove(path)),
                }
            }
        }
    }

    fn cut_names(&mut self, random: &mut Random) {
        let count = self.pending.len();
        let survives: Vec<bool> = match random.below(4) {
            0 => vec![false; count],
            1 => vec![true; count],
            2 => {
                let prefix = random.below(count + 1);
                (0..count).map(|position| position < prefix).collect()
            }
            _ => (0..count).map(|_| random.below(2) == 0).collect(),
        };
        self.settle_names(&|position, _| survives[position]);
        self.pending.clear();
        let durable = self.durable.clone();
        self.durable
            .retain(|path, _| path.ancestors().all(|above| durable.contains_key(above)));
        self.names.clone_from(&self.durable);
    }

    fn is_durable(&self, path: &Path) -> bool {
        path.ancestors()
            .all(|above| self.durable.contains_key(above))
    }
}

fn error(kind: io::ErrorKind, path: &Path) -> io::Error {
    io::Error::new(kind, path.display().to_string())
}

#[cfg(test)]
mod tests;
