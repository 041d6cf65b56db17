//! The file system of this machine.

use std::ffi::OsString;
use std::fs::TryLockError;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use airboss_core::process::ProcessIdentity;
use fs_err as fs;
use rustix::fs::{Advice, CWD, RenameFlags, fadvise, renameat_with};

use super::{Facts, Kind, Lock, Vfs, VfsFile};
use crate::clock;
use crate::lock_queue;
use crate::supervise;

/// How much of a file is compared at a time: few calls, and memory that the allocator gives again.
const PIECE: usize = 64 * 1024;

/// The file system of this machine.
#[derive(Clone, Copy, Default, Debug)]
pub struct RealVfs;

impl VfsFile for fs::File {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        io::Write::write_all(self, bytes)
    }

    fn set_mode(&mut self, mode: u32) -> io::Result<()> {
        self.set_permissions(std::fs::Permissions::from_mode(mode & 0o7777))
    }

    fn start_writing(&mut self) {
        // What is not on the disk yet is not dropped from memory by this, but on its way.
        fadvise(&*self, 0, None, Advice::DontNeed).ok();
    }

    fn sync(&mut self) -> io::Result<()> {
        self.flush()?;
        self.sync_all()?;
        // Since Linux 6.13 the next change of a file whose times somebody asked for gets another
        // time, however soon it comes: here the rename, so that its two times are different ones,
        // and the file is known by them later and need not be digested.
        self.metadata().map(drop)
    }
}

impl Vfs for RealVfs {
    fn has_threads(&self) -> bool {
        true
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn read_unless(&self, path: &Path, known: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let mut file = fs::File::open(path)?;
        // One byte more tells that nothing follows.
        let mut piece = vec![0; PIECE.min(known.len() + 1)];
        let mut same = 0;
        loop {
            let length = match file.read(&mut piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                length => length?,
            };
            let (rest, found) = (&known[same..], &piece[..length]);
            if length == 0 && rest.is_empty() {
                return Ok(None);
            }
            if length > 0 && rest.starts_with(found) {
                same += length;
                continue;
            }
            let mut content = [&known[..same], found].concat();
            file.read_to_end(&mut content)?;
            return Ok(Some(content));
        }
    }

    fn facts(&self, path: &Path) -> io::Result<Facts> {
        let metadata = fs::symlink_metadata(path)?;
        let kind = metadata.file_type();
        let kind = if kind.is_file() {
            Kind::File
        } else if kind.is_dir() {
            Kind::Directory
        } else if kind.is_symlink() {
            Kind::Link
        } else {
            Kind::Other
        };
        let nanoseconds =
            |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Ok(Facts {
            kind,
            size: metadata.len(),
            mtime_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            ctime_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
            ino: metadata.ino(),
            mode: metadata.mode() & 0o7777,
        })
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        fs::read_link(path)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let names = fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.file_name()));
        let mut names = names.collect::<io::Result<Vec<OsString>>>()?;
        names.sort();
        Ok(names)
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn VfsFile>> {
        let file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)?;
        Ok(Box::new(file))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn rename_no_replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        rename_with(from, to, RenameFlags::NOREPLACE)
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        rename_with(one, other, RenameFlags::EXCHANGE)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        fs::File::open(path)?.sync_all()
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        fs::File::open(path)?.sync_all()
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        let file = lock_file(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            // Not every file system has locks.
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn wait_for_lock(
        &self,
        path: &Path,
        every: Duration,
        go_on: &mut dyn FnMut() -> bool,
    ) -> io::Result<Option<Lock>> {
        if let Some(lock) = self.try_lock(path)? {
            return Ok(Some(lock));
        }
        let locked = lock_queue::wait_for_lock(lock_file(path)?, every, go_on)?;
        Ok(locked.map(|file| -> Lock { Box::new(file) }))
    }

    fn now(&self) -> SystemTime {
        clock::wall()
    }

    fn pause(&self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn process(&self) -> ProcessIdentity {
        static SELF: OnceLock<ProcessIdentity> = OnceLock::new();
        let nobody = || ProcessIdentity {
            pid: std::process::id(),
            start_ticks: 0,
            boot_id: String::new(),
        };
        SELF.get_or_init(|| supervise::self_identity().unwrap_or_else(nobody))
            .clone()
    }

    fn is_alive(&self, process: &ProcessIdentity) -> bool {
        // Also right where `/proc` is missing and nothing else can be said of anybody.
        *process == self.process() || supervise::is_alive(process)
    }

    fn fresh_number(&self) -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed)
    }
}

fn lock_file(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
}

fn rename_with(from: &Path, to: &Path, flags: RenameFlags) -> io::Result<()> {
    renameat_with(CWD, from, CWD, to, flags).map_err(|errno| {
        let error = io::Error::from(errno);
        io::Error::new(error.kind(), format!("{}: {error}", to.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_of_errors_that_publishing_asks_for_are_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let (one, other) = (directory.path().join("one"), directory.path().join("other"));
        let vfs = RealVfs;
        let kind = |result: io::Result<()>| result.map_err(|error| error.kind());
        vfs.create_new(&one).unwrap().write_all(b"1").unwrap();
        assert_eq!(
            kind(vfs.exchange(&one, &other)),
            Err(io::ErrorKind::NotFound)
        );
        vfs.create_new(&other).unwrap().write_all(b"2").unwrap();
        assert_eq!(
            kind(vfs.rename_no_replace(&one, &other)),
            Err(io::ErrorKind::AlreadyExists)
        );
        let ino = vfs.facts(&one).unwrap().ino;
        vfs.exchange(&one, &other).unwrap();
        assert_eq!(vfs.facts(&other).unwrap().ino, ino);
        assert_eq!(vfs.read(&one).unwrap(), b"2");
        assert_eq!(vfs.read_dir(directory.path()).unwrap(), ["one", "other"]);
    }

    #[test]
    fn a_file_is_read_unless_it_is_as_it_is_known() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let check = |content: &[u8], known: &[u8]| {
            fs::write(&path, content).unwrap();
            let other = (content != known).then(|| content.to_owned());
            assert_eq!(RealVfs.read_unless(&path, known).unwrap(), other);
        };
        let long: Vec<u8> = (0..=250).cycle().take(3 * PIECE).collect();
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE] {
            let known = &long[..length];
            check(known, known);
            check(known, &long[..length.saturating_sub(1)]);
            check(&long[..length.saturating_sub(1)], known);
            check(&[known, b"!"].concat(), known);
            check(&[b"!", known].concat(), known);
            check(b"", known);
        }
        let missing = RealVfs.read_unless(&directory.path().join("none"), b"");
        assert_eq!(missing.unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_lock_is_free_again_when_it_is_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("gate");
        let held = RealVfs.try_lock(&path).unwrap();
        assert!(held.is_some());
        assert!(RealVfs.try_lock(&path).unwrap().is_none());
        drop(held);
        assert!(RealVfs.try_lock(&path).unwrap().is_some());
    }

    #[test]
    fn a_process_knows_that_it_is_alive() {
        assert!(RealVfs.is_alive(&RealVfs.process()));
        let mut other = RealVfs.process();
        other.start_ticks += 1;
        assert!(!RealVfs.is_alive(&other));
    }
}
