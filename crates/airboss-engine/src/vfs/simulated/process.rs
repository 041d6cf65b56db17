//! A process of the simulated machine: its view of the disk, and its faults.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use airboss_core::process::ProcessIdentity;

use super::{Change, Disk, OPERATION, error};
use crate::vfs::{Facts, Kind, Lock, Vfs, VfsFile};

/// The payload with which a crashed process unwinds.
#[derive(Debug)]
pub struct Crash;

/// Decides which process goes on.
pub trait Scheduler: fmt::Debug + Send + Sync {
    /// Comes back when it is this process's turn for one operation.
    fn turn(&self, pid: u32);

    /// Comes back when the clock shows this time, in nanoseconds since 1970.
    fn pause(&self, pid: u32, until_ns: u64);
}

/// Every process goes on at once, and a pause only sets the clock forward.
#[derive(Debug)]
pub struct Free(pub Arc<Disk>);

impl Scheduler for Free {
    fn turn(&self, _pid: u32) {}

    fn pause(&self, _pid: u32, until_ns: u64) {
        let left = until_ns.saturating_sub(self.0.now_ns());
        self.0.advance(Duration::from_nanos(left));
    }
}

/// What goes wrong in a process, by the count of its operations that change anything.
#[derive(Clone, Copy, Default, Debug)]
pub struct Faults {
    /// At this operation the process is gone.
    pub crash_at: Option<u64>,
    /// From this operation on something fails so.
    pub fail_at: Option<(u64, io::ErrorKind)>,
    /// It goes on failing.
    pub sticky: bool,
}

/// A process; its clones are threads of it.
#[derive(Clone)]
pub struct Process {
    disk: Arc<Disk>,
    scheduler: Arc<dyn Scheduler>,
    identity: ProcessIdentity,
    shared: Arc<Shared>,
}

struct Shared {
    faults: Mutex<Faults>,
    operations: AtomicU64,
    failed: AtomicU64,
    numbers: AtomicU64,
}

impl fmt::Debug for Process {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Process({})", self.identity.pid)
    }
}

impl Process {
    /// Starts a process.
    #[must_use]
    pub fn start(
        disk: &Arc<Disk>,
        scheduler: Arc<dyn Scheduler>,
        pid: u32,
        faults: Faults,
    ) -> Self {
        let mut state = disk.lock();
        state.alive.insert(pid);
        let boot_id = format!("b{:07}-0", state.boot);
        drop(state);
        Self {
            disk: Arc::clone(disk),
            scheduler,
            identity: ProcessIdentity {
                pid,
                start_ticks: u64::from(pid),
                boot_id,
            },
            shared: Arc::new(Shared {
                faults: Mutex::new(faults),
                operations: AtomicU64::new(0),
                failed: AtomicU64::new(0),
                numbers: AtomicU64::new(0),
            }),
        }
    }

    /// How many of its operations failed by order.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.shared.failed.load(Ordering::Relaxed)
    }

    /// How many operations it did that change anything.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.shared.operations.load(Ordering::Relaxed)
    }

    /// The content of a file, for those who check: it takes no turn.
    #[must_use]
    pub fn peek(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.disk.lock();
        let ino = state.find(path).ok()?;
        Some(state.inodes[&ino].content.clone())
    }

    /// Opens a file that exists, as editors do that write in place.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(&self, path: &Path) -> io::Result<OpenFile> {
        self.change()?;
        let ino = self.disk.lock().find(path)?;
        Ok(OpenFile {
            process: self.clone(),
            ino,
        })
    }

    fn look(&self) {
        self.scheduler.turn(self.identity.pid);
        self.disk.advance(OPERATION);
    }

    /// Before each operation that changes anything.
    fn change(&self) -> io::Result<()> {
        self.look();
        let number = self.shared.operations.fetch_add(1, Ordering::Relaxed);
        let faults = self.shared.faults.lock();
        let faults = *faults.unwrap_or_else(PoisonError::into_inner);
        if faults.crash_at.is_some_and(|at| number >= at) {
            self.disk.tell(|| format!("{}: crashes", self.identity.pid));
            resume_unwind(Box::new(Crash));
        }
        match faults.fail_at {
            Some((at, kind)) if number == at || (faults.sticky && number > at) => {
                self.shared.failed.fetch_add(1, Ordering::Relaxed);
                self.disk.tell(|| format!("{}: fails", self.identity.pid));
                Err(io::Error::from(kind))
            }
            _ => Ok(()),
        }
    }

    fn apply(&self, change: Change) {
        let now_ns = self.disk.now_ns();
        self.disk.lock().apply(self.identity.pid, change, now_ns);
    }
}

/// A file that is open, whatever its name is by now.
#[derive(Debug)]
pub struct OpenFile {
    process: Process,
    ino: u64,
}

impl OpenFile {
    /// What is in it, for those who check: it takes no turn.
    #[must_use]
    pub fn content(&self) -> Vec<u8> {
        self.process.disk.lock().inode(self.ino).content.clone()
    }

    /// The number of the file.
    #[must_use]
    pub fn ino(&self) -> u64 {
        self.ino
    }

    /// Empties it, in the turn that the caller has.
    pub fn clear(&self) {
        self.edit(Vec::clear);
    }

    /// Appends to it, in the turn that the caller has.
    pub fn append(&self, bytes: &[u8]) {
        self.edit(|content| content.extend_from_slice(bytes));
    }

    fn edit(&self, edit: impl FnOnce(&mut Vec<u8>)) {
        let disk = &self.process.disk;
        let mut state = disk.lock();
        state.changes += 1;
        let version = state.changes;
        let pid = self.process.identity.pid;
        state.tell(|| format!("{pid}: writes to {}", self.ino));
        let inode = state.inode(self.ino);
        edit(&mut inode.content);
        inode.writer = self.process.identity.pid;
        inode.version = version;
        inode.mtime_ns = disk.now_ns();
        inode.ctime_ns = disk.now_ns();
    }
}

impl VfsFile for OpenFile {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        // A write is two operations: a crash or an error may leave half of it.
        let (first, second) = bytes.split_at(bytes.len() / 2);
        for half in [first, second] {
            self.process.change()?;
            self.edit(|content| content.extend_from_slice(half));
        }
        Ok(())
    }

    fn set_mode(&mut self, mode: u32) -> io::Result<()> {
        self.process.change()?;
        self.process.disk.lock().inode(self.ino).mode = mode;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let failed = self.process.change();
        let mut state = self.process.disk.lock();
        state.syncs += 1;
        state.tell(|| format!("{}: syncs {}", self.process.identity.pid, self.ino));
        let inode = state.inode(self.ino);
        if failed.is_err() {
            inode.poisoned = true;
        } else if !inode.poisoned {
            inode.synced.clone_from(&inode.content);
            inode.synced_version = inode.version;
        }
        failed
    }
}

impl Vfs for Process {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.look();
        let mut state = self.disk.lock();
        state.tell(|| format!("{}: reads {}", self.identity.pid, path.display()));
        let inode = &state.inodes[&state.find(path)?];
        match inode.kind {
            Kind::File => Ok(inode.content.clone()),
            _ => Err(error(io::ErrorKind::IsADirectory, path)),
        }
    }

    fn facts(&self, path: &Path) -> io::Result<Facts> {
        // No turn of its own: nothing is decided by facts that is not looked at again.
        self.disk.lock().facts(path)
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        Err(error(io::ErrorKind::InvalidInput, path))
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        self.look();
        let state = self.disk.lock();
        state.find(path)?;
        let below = state.names.range(path.to_owned()..);
        let below = below.take_while(|(name, _)| name.starts_with(path));
        let names = below.filter(|(name, _)| name.parent() == Some(path));
        Ok(names
            .filter_map(|(name, _)| name.file_name().map(OsString::from))
            .collect())
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn VfsFile>> {
        self.change()?;
        let now_ns = self.disk.now_ns();
        let mut state = self.disk.lock();
        state.check_free(path)?;
        let ino = state.make(Kind::File, self.identity.pid, now_ns);
        state.apply(
            self.identity.pid,
            vec![(path.to_owned(), Some(ino))],
            now_ns,
        );
        drop(state);
        let process = self.clone();
        Ok(Box::new(OpenFile { process, ino }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.change()?;
        let now_ns = self.disk.now_ns();
        let mut state = self.disk.lock();
        state.check_free(path)?;
        let ino = state.make(Kind::Directory, self.identity.pid, now_ns);
        state.apply(
            self.identity.pid,
            vec![(path.to_owned(), Some(ino))],
            now_ns,
        );
        Ok(())
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change()?;
        let state = self.disk.lock();
        let ino = state.find(from)?;
        state.check_free(to)?;
        drop(state);
        self.apply(vec![(to.to_owned(), Some(ino))]);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change()?;
        let state = self.disk.lock();
        let ino = state.find(from)?;
        state.check_parent(to)?;
        drop(state);
        self.apply(vec![(from.to_owned(), None), (to.to_owned(), Some(ino))]);
        Ok(())
    }

    fn rename_no_replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change()?;
        let state = self.disk.lock();
        let ino = state.find(from)?;
        state.check_free(to)?;
        drop(state);
        self.apply(vec![(from.to_owned(), None), (to.to_owned(), Some(ino))]);
        Ok(())
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        self.change()?;
        let state = self.disk.lock();
        let (first, second) = (state.find(one)?, state.find(other)?);
        drop(state);
        self.apply(vec![
            (one.to_owned(), Some(second)),
            (other.to_owned(), Some(first)),
        ]);
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.change()?;
        let state = self.disk.lock();
        state.find(path)?;
        drop(state);
        self.apply(vec![(path.to_owned(), None)]);
        Ok(())
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        let ino = self.disk.lock().find(path)?;
        let process = self.clone();
        OpenFile { process, ino }.sync()
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.change()?;
        let mut state = self.disk.lock();
        state.find(path)?;
        state.syncs += 1;
        state.tell(|| format!("{}: syncs {}", self.identity.pid, path.display()));
        let inside = |(name, _): &(PathBuf, Option<u64>)| name.parent() == Some(path);
        state.settle_names(&|_, change| change.iter().any(inside));
        Ok(())
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        self.look();
        let mut state = self.disk.lock();
        if !state.locks.insert(path.to_owned()) {
            return Ok(None);
        }
        drop(state);
        Ok(Some(Box::new(Held {
            disk: Arc::clone(&self.disk),
            path: path.to_owned(),
        })))
    }

    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.disk.now_ns())
    }

    fn pause(&self, duration: Duration) {
        let duration = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let until_ns = self.disk.now_ns().saturating_add(duration);
        self.scheduler.pause(self.identity.pid, until_ns);
    }

    fn process(&self) -> ProcessIdentity {
        self.identity.clone()
    }

    fn is_alive(&self, process: &ProcessIdentity) -> bool {
        process.boot_id == self.identity.boot_id && self.disk.lock().alive.contains(&process.pid)
    }

    fn fresh_number(&self) -> u64 {
        self.shared.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

/// A lock of the simulated kernel, which goes with its process.
struct Held {
    disk: Arc<Disk>,
    path: PathBuf,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.disk.lock().locks.remove(&self.path);
    }
}
