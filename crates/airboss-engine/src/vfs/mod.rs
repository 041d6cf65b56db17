//! The operations on files that publishing needs, and nothing else.
//!
//! The publisher works through this trait, so that a test can put a simulated disk under it
//! which loses what was not synced, or fails at any call (`vfs::simulated`).
//! Writing, syncing and moving are separate operations: a crash may fall between any two.

mod real;
#[cfg(any(test, feature = "simulation"))]
pub mod simulated;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use airboss_core::process::ProcessIdentity;

pub use self::real::RealVfs;

/// What a path names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A FIFO, a socket, a device.
    Other,
}

/// What the file system knows of a file besides its content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Facts {
    /// What it is.
    pub kind: Kind,
    /// Its length in bytes.
    pub size: u64,
    /// When its content was last changed, in nanoseconds since 1970.
    pub mtime_ns: i128,
    /// When anything about it was last changed, its name too, in nanoseconds since 1970.
    pub ctime_ns: i128,
    /// Its number: two names with the same one are the same file.
    pub ino: u64,
    /// Its permission bits.
    pub mode: u32,
}

/// A file that is being made.
pub trait VfsFile: fmt::Debug + Send {
    /// Appends bytes.
    ///
    /// # Errors
    /// The file may hold any part of them then.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Sets the permission bits.
    ///
    /// # Errors
    /// When the file system refuses.
    fn set_mode(&mut self, mode: u32) -> io::Result<()>;

    /// Lets the disk begin with what was appended, where it can: of several files that are synced
    /// after this was said of all of them, the first takes most of the time. A hint, no promise.
    fn start_writing(&mut self) {}

    /// Makes the content durable.
    ///
    /// # Errors
    /// The file is of no use any more then: a second sync may succeed and have written nothing
    /// (the kernel marks the pages clean), so a new file must be made.
    fn sync(&mut self) -> io::Result<()>;
}

/// A kernel lock, held as long as this value lives.
pub type Lock = Box<dyn Send>;

/// A file system, and of the system around it what publishing asks for.
///
/// Errors carry the [`io::ErrorKind`] of the system's error; the words name the path.
#[expect(
    clippy::missing_errors_doc,
    reason = "each operation fails when the file system refuses"
)]
pub trait Vfs: fmt::Debug + Send + Sync {
    /// Whether threads may work on it side by side: not where operations are counted.
    fn has_threads(&self) -> bool {
        false
    }

    /// The content of a file; links are followed.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The content of a file; `None` when it is exactly this, which takes less memory to tell.
    fn read_unless(&self, path: &Path, known: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let content = self.read(path)?;
        Ok((content != known).then_some(content))
    }

    /// What is known of the path itself; links are not followed.
    fn facts(&self, path: &Path) -> io::Result<Facts>;

    /// Where a link leads, as it is written in it.
    fn read_link(&self, path: &Path) -> io::Result<PathBuf>;

    /// The names in a directory, sorted.
    fn read_dir(&self, path: &Path) -> io::Result<Vec<OsString>>;

    /// Makes a file that did not exist.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn VfsFile>>;

    /// Makes one directory that did not exist.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Gives a file a second name, which did not exist.
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Moves a file, over whatever file is there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Moves a file to a name that did not exist.
    fn rename_no_replace(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Two files change places in one instant.
    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()>;

    /// Removes one name of a file.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Makes the content of a file durable that somebody else wrote.
    fn sync_file(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a directory durable.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;

    /// Takes a lock on a file, which is made if it is missing; `None` when somebody has it.
    fn try_lock(&self, path: &Path) -> io::Result<Option<Lock>>;

    /// Waits for such a lock; `None` when `go_on` says no, which is asked every so often.
    fn wait_for_lock(
        &self,
        path: &Path,
        every: Duration,
        go_on: &mut dyn FnMut() -> bool,
    ) -> io::Result<Option<Lock>> {
        loop {
            let lock = self.try_lock(path)?;
            if lock.is_some() || !go_on() {
                return Ok(lock);
            }
            self.pause(every);
        }
    }

    /// The clock that the times of files are read from.
    fn now(&self) -> SystemTime;

    /// Waits.
    fn pause(&self, duration: Duration);

    /// The process that asks.
    fn process(&self) -> ProcessIdentity;

    /// Whether exactly this process still runs.
    fn is_alive(&self, process: &ProcessIdentity) -> bool;

    /// A number that no other file of this process has in its name.
    fn fresh_number(&self) -> u64;
}

/// The content of a file, `None` when there is none.
///
/// # Errors
/// When it cannot be read for another reason.
pub fn read_if_any(vfs: &dyn Vfs, path: &Path) -> io::Result<Option<Vec<u8>>> {
    if_any(vfs.read(path))
}

/// What is known of a path, `None` when there is nothing.
///
/// # Errors
/// When it cannot be told for another reason.
pub fn facts_if_any(vfs: &dyn Vfs, path: &Path) -> io::Result<Option<Facts>> {
    if_any(vfs.facts(path))
}

/// What was found, `None` when there is nothing at the path.
///
/// # Errors
/// The other ones.
pub fn if_any<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether there is nothing at a path. Below a file there is nothing, either.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Makes a directory and those above it, durably: a file in a directory that a power cut takes
/// away is lost with it.
///
/// # Errors
/// When something else stands in the way, or the file system refuses.
pub fn create_directories(vfs: &dyn Vfs, path: &Path) -> io::Result<()> {
    let mut missing = Vec::new();
    for ancestor in path.ancestors() {
        if facts_if_any(vfs, ancestor)?.is_some() {
            break;
        }
        missing.push(ancestor);
    }
    for directory in missing.into_iter().rev() {
        match vfs.create_dir(directory) {
            // Somebody else makes the same ones.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made?,
        }
        if let Some(parent) = directory.parent() {
            vfs.sync_directory(parent)?;
        }
    }
    Ok(())
}

/// A path without links, `.` and `..`; everything in it exists.
///
/// # Errors
/// When a part does not exist or links lead in a circle.
pub fn real_path(vfs: &dyn Vfs, path: &Path) -> io::Result<PathBuf> {
    real_path_below(vfs, Path::new(""), &std::path::absolute(path)?)
}

/// The same of a path below a directory that is such a path itself: its parts are not looked at
/// again.
///
/// # Errors
/// As for [`real_path`].
pub fn real_path_below(vfs: &dyn Vfs, directory: &Path, path: &Path) -> io::Result<PathBuf> {
    use std::path::Component;
    /// As the kernel's own limit (`MAXSYMLINKS`).
    const LINKS_MAX: usize = 40;

    let mut real = directory.to_owned();
    let mut rest: Vec<PathBuf> = parts(path);
    let mut links = 0;
    while let Some(part) = rest.pop() {
        match part.components().next() {
            Some(Component::Normal(_)) => {}
            Some(Component::ParentDir) => {
                real.pop();
                continue;
            }
            Some(Component::CurDir) | None => continue,
            Some(Component::RootDir | Component::Prefix(_)) => {
                real = part;
                continue;
            }
        }
        let next = real.join(&part);
        if vfs.facts(&next)?.kind == Kind::Link {
            links += 1;
            if links > LINKS_MAX {
                let message = format!("{}: too many links", path.display());
                return Err(io::Error::other(message));
            }
            rest.extend(parts(&vfs.read_link(&next)?));
        } else {
            real = next;
        }
    }
    Ok(real)
}

/// The parts of a path, the first one last.
fn parts(path: &Path) -> Vec<PathBuf> {
    let parts = path.components().rev();
    parts.map(|part| PathBuf::from(part.as_os_str())).collect()
}
