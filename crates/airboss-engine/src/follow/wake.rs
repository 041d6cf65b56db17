//! Waiting until something may have changed: a file of the store, a recording, or time.
//!
//! The kernel tells which directory was written to (inotify(7)). Where it cannot, because a
//! person's limit of watches is used up, every wait is short and everything may have changed.

use std::collections::{HashMap, HashSet};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::time::Duration;

use airboss_core::id::AttemptId;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

use crate::store::DATABASE;

/// How often everything is looked at when the kernel does not tell. A look costs a few system
/// calls for each attempt, so this is about 1 % of a processor for sixty-four of them.
const BLIND: Duration = Duration::from_millis(50);

/// Room for some hundred events; what comes meanwhile stays with the kernel.
const BUFFER_BYTES: usize = 16 << 10;

/// What may have changed.
#[derive(Default, Debug)]
pub(super) struct Stirred {
    /// Nobody listens any more.
    pub(super) quit: bool,
    /// The store.
    pub(super) store: bool,
    /// The recordings of these attempts.
    pub(super) attempts: HashSet<AttemptId>,
    /// Any recording.
    pub(super) all: bool,
}

/// What is waited for.
pub(super) struct Wake {
    quit: OwnedFd,
    inotify: Option<OwnedFd>,
    store: Option<i32>,
    attempts: HashMap<i32, AttemptId>,
    /// Something could not be watched.
    blind: bool,
}

impl Wake {
    /// `quit` is the reading end of a pipe; the wait ends for good when its other end is closed.
    pub(super) fn new(quit: OwnedFd) -> Self {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok();
        Self {
            quit,
            blind: inotify.is_none(),
            inotify,
            store: None,
            attempts: HashMap::new(),
        }
    }

    /// Watches the directory of the store, once there is one.
    pub(super) fn watch_store(&mut self, directory: &Path) {
        if self.store.is_none() {
            self.store = self.add(directory, WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF);
        }
    }

    /// Watches the recording of an attempt.
    pub(super) fn watch_attempt(&mut self, attempt: AttemptId, directory: &Path) {
        match self.add(directory, WatchFlags::empty()) {
            Some(watch) => {
                self.attempts.insert(watch, attempt);
            }
            None => self.blind = true,
        }
    }

    fn add(&self, directory: &Path, more: WatchFlags) -> Option<i32> {
        let changes = WatchFlags::MODIFY
            | WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE
            | WatchFlags::ONLYDIR;
        inotify::add_watch(self.inotify.as_ref()?, directory, changes | more).ok()
    }

    /// Watches an attempt no longer.
    pub(super) fn forget(&mut self, attempt: AttemptId) {
        let watch = self.attempts.iter().find(|(_, known)| **known == attempt);
        if let Some(watch) = watch.map(|(watch, _)| *watch) {
            self.attempts.remove(&watch);
            if let Some(inotify) = &self.inotify {
                // The kernel removes it by itself when the directory is gone.
                inotify::remove_watch(inotify, watch).ok();
            }
        }
        if self.attempts.is_empty() && self.inotify.is_some() {
            self.blind = false;
        }
    }

    /// Waits until something may have changed, or for so long.
    pub(super) fn wait(&mut self, most: Duration) -> Stirred {
        let is_blind = self.blind || (self.store.is_none() && self.inotify.is_none());
        let most = if is_blind { most.min(BLIND) } else { most };
        let timeout = Timespec::try_from(most).ok();
        let mut fds = vec![PollFd::from_borrowed_fd(
            self.quit.as_fd(),
            PollFlags::empty(),
        )];
        if let Some(inotify) = &self.inotify {
            fds.push(PollFd::new(inotify, PollFlags::IN));
        }
        // An interrupted wait was a short one.
        let ready = poll(&mut fds, timeout.as_ref()).unwrap_or(0) > 0;
        let ended = PollFlags::HUP | PollFlags::ERR;
        let mut stirred = Stirred {
            quit: ready && fds[0].revents().intersects(ended),
            store: is_blind,
            all: is_blind,
            ..Stirred::default()
        };
        drop(fds);
        if ready {
            self.read(&mut stirred);
        }
        stirred
    }

    fn read(&mut self, stirred: &mut Stirred) {
        let Some(inotify) = &self.inotify else { return };
        let mut buffer = [MaybeUninit::uninit(); BUFFER_BYTES];
        let mut reader = inotify::Reader::new(inotify, &mut buffer);
        let mut lost = Vec::new();
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(error) if io::Error::from(error).kind() == io::ErrorKind::Interrupted => {
                    continue;
                }
                // Nothing more now.
                Err(_) => break,
            };
            let flags = event.events();
            if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
                stirred.store = true;
                stirred.all = true;
            } else if Some(event.wd()) == self.store {
                let name = event.file_name().map_or(&b""[..], |name| name.to_bytes());
                stirred.store |= name.is_empty() || name.starts_with(DATABASE.as_bytes());
                let gone = ReadFlags::IGNORED | ReadFlags::MOVE_SELF | ReadFlags::DELETE_SELF;
                if flags.intersects(gone) {
                    lost.push(event.wd());
                }
            } else if let Some(attempt) = self.attempts.get(&event.wd()) {
                stirred.attempts.insert(*attempt);
                if flags.contains(ReadFlags::IGNORED) {
                    lost.push(event.wd());
                }
            }
        }
        for watch in lost {
            if self.store == Some(watch) {
                // Another directory may have taken its place.
                inotify::remove_watch(inotify, watch).ok();
                self.store = None;
            }
            self.attempts.remove(&watch);
        }
    }
}
