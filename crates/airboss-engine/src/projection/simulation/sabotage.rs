//! Builds that are wrong on purpose, made of the right one by lying to it about the disk.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use airboss_core::process::ProcessIdentity;

use crate::vfs::simulated::Process;
use crate::vfs::{Facts, Lock, Vfs, VfsFile};

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sabotage {
    None,
    /// Drafts are not synced.
    NoFileSync,
    /// Directories are not synced.
    NoDirectorySync,
    /// Looked at, then renamed over, instead of exchanged.
    PlainRename,
    /// What was displaced is taken for what was read.
    NotLookedAt,
    /// What crashes left is deleted, whatever it is.
    DeletedBlindly,
    /// A displaced file is removed at its first look.
    OneLook,
    /// The outbox is cleared before anything is written.
    ClearedEarly,
    /// The new content is written into the file that is there.
    InPlace,
    /// A failed sync is taken for a success.
    SyncErrorIgnored,
    /// Nothing is wrong, but the state lies on another file system.
    OtherFileSystem,
    /// Nothing is wrong, but the file system can neither exchange nor refuse to replace.
    NoExchange,
}

impl Sabotage {
    pub(super) const ALL: [Self; 9] = [
        Self::NoFileSync,
        Self::NoDirectorySync,
        Self::PlainRename,
        Self::NotLookedAt,
        Self::DeletedBlindly,
        Self::OneLook,
        Self::ClearedEarly,
        Self::InPlace,
        Self::SyncErrorIgnored,
    ];
}

/// The disk as a publisher sees it.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub(super) process: Process,
    pub(super) sabotage: Sabotage,
    pub(super) displaced: Arc<AtomicU32>,
    /// What was read last of each file.
    pub(super) read: Arc<Mutex<HashMap<PathBuf, Vec<u8>>>>,
}

#[derive(Debug)]
struct WatchedFile {
    file: Box<dyn VfsFile>,
    sabotage: Sabotage,
}

impl VfsFile for WatchedFile {
    fn start_writing(&mut self) {
        self.file.start_writing();
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn set_mode(&mut self, mode: u32) -> io::Result<()> {
        self.file.set_mode(mode)
    }

    fn sync(&mut self) -> io::Result<()> {
        match self.sabotage {
            Sabotage::NoFileSync => Ok(()),
            Sabotage::SyncErrorIgnored => self.file.sync().or(Ok(())),
            _ => self.file.sync(),
        }
    }
}

fn is_displaced(path: &Path) -> bool {
    path.parent()
        .is_some_and(|parent| parent.ends_with("displaced"))
}

impl Watched {
    /// What the file system cannot do.
    fn refuse(&self, from: &Path, to: &Path) -> io::Result<()> {
        let inside = |path: &Path| path.starts_with(super::world::STATE);
        match self.sabotage {
            Sabotage::OtherFileSystem if inside(from) != inside(to) => {
                Err(io::ErrorKind::CrossesDevices.into())
            }
            _ => Ok(()),
        }
    }

    fn refuse_flags(&self) -> io::Result<()> {
        match self.sabotage {
            Sabotage::NoExchange => Err(io::ErrorKind::InvalidInput.into()),
            _ => Ok(()),
        }
    }

    fn last_read(&self, path: &Path) -> Vec<u8> {
        let read = self.read.lock().unwrap();
        read.get(path).cloned().unwrap_or_default()
    }

    fn sabotaged_exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        let found = self.process.read(other)?;
        let content = self.process.read(one)?;
        match self.sabotage {
            Sabotage::PlainRename => {
                self.process.rename(one, other)?;
                self.process.create_new(one)?.write_all(&found)
            }
            Sabotage::InPlace => {
                for (path, content) in [(other, content), (one, found)] {
                    let mut file = self.process.open(path)?;
                    file.clear();
                    file.write_all(&content)?;
                }
                Ok(())
            }
            _ => self.process.exchange(one, other),
        }
    }
}

impl Vfs for Watched {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut content = self.process.read(path)?;
        if self.sabotage == Sabotage::NotLookedAt && is_displaced(path) {
            content = self.last_read(Path::new(super::world::TARGET));
        }
        let mut read = self.read.lock().unwrap();
        read.insert(path.to_owned(), content.clone());
        Ok(content)
    }

    fn facts(&self, path: &Path) -> io::Result<Facts> {
        self.process.facts(path)
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        self.process.read_link(path)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let names = self.process.read_dir(path)?;
        if self.sabotage == Sabotage::DeletedBlindly && path.ends_with("displaced") {
            for name in &names {
                self.process.remove_file(&path.join(name)).ok();
            }
        }
        Ok(names)
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn VfsFile>> {
        let file = self.process.create_new(path)?;
        let sabotage = self.sabotage;
        Ok(Box::new(WatchedFile { file, sabotage }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.process.create_dir(path)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.refuse(from, to)?;
        self.process.hard_link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let is_seen = |path: &Path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with("seen.") || name.starts_with("typed."))
        };
        if self.sabotage == Sabotage::OneLook && is_displaced(to) && is_seen(to) {
            return self.process.remove_file(from);
        }
        self.refuse(from, to)?;
        self.process.rename(from, to)
    }

    fn rename_no_replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.refuse(from, to)?;
        self.refuse_flags()?;
        self.process.rename_no_replace(from, to)
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        if matches!(self.sabotage, Sabotage::PlainRename | Sabotage::InPlace) {
            return self.sabotaged_exchange(one, other);
        }
        self.refuse(one, other)?;
        self.refuse_flags()?;
        self.process.exchange(one, other)?;
        let read = self.last_read(other);
        // Not `self.process.read`: watching must not take a turn.
        let came_out = self.process.peek(one);
        if came_out.is_some_and(|came_out| came_out != read) {
            self.displaced.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.process.remove_file(path)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        match self.sabotage {
            Sabotage::NoFileSync => Ok(()),
            _ => self.process.sync_file(path),
        }
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        match self.sabotage {
            Sabotage::NoDirectorySync => Ok(()),
            _ => self.process.sync_directory(path),
        }
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        self.process.try_lock(path)
    }

    fn now(&self) -> SystemTime {
        self.process.now()
    }

    fn pause(&self, duration: Duration) {
        self.process.pause(duration);
    }

    fn process(&self) -> ProcessIdentity {
        self.process.process()
    }

    fn is_alive(&self, process: &ProcessIdentity) -> bool {
        self.process.is_alive(process)
    }

    fn fresh_number(&self) -> u64 {
        self.process.fresh_number()
    }
}
