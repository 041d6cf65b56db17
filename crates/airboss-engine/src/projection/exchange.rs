//! Replaces a file so that a save by somebody else in the same instant is not lost.
//!
//! The new file changes places with the old one (`renameat2(RENAME_EXCHANGE)`), and what came
//! out is looked at: when it is not what the caller had read, it is handed back, and the caller
//! decides anew on top of it. Nothing is ever locked against people. What came out stays on the
//! shelf until its content is durable elsewhere.

use std::io;
use std::path::{Path, PathBuf};

use airboss_core::path::RepoPath;

use super::Text;
use super::shelf::{Displaced, Entry, Shelf};
use crate::vfs::{Facts, Vfs, facts_if_any};

/// What stood at the target when the new content came there.
#[derive(Debug)]
pub(super) enum Replaced {
    /// What the caller had read: all is well.
    AsRead(Option<Displaced>),
    /// Something else, which is gone from the target now.
    Displaced(Displaced),
    /// Something else, or nothing at all; it stands there still, and nothing was written.
    Untouched,
}

/// One replacement: which file, where it really is, what was read there, what is to come.
pub(super) struct Replace<'a> {
    pub(super) shelf: &'a Shelf,
    pub(super) path: &'a RepoPath,
    pub(super) target: &'a Path,
    /// What the caller saw, `None` for nothing.
    pub(super) read: Option<&'a Text>,
    /// The content is made from something that was displaced before, not from `read`.
    pub(super) upon_save: bool,
    pub(super) content: &'a Text,
}

impl Replace<'_> {
    /// Puts the content at the target, durably.
    ///
    /// When the shelf lies on another file system, the new file is made beside the target.
    pub(super) fn run(&self) -> io::Result<Replaced> {
        let Some(read) = self.read else {
            let draft = self.shelf.draft(self.content, None)?;
            return match self.create(&draft) {
                Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                    let (shelf, content) = (self.shelf, self.content);
                    let entry = shelf.hold(self.path, &Text::default(), false, content, None)?;
                    let entry = shelf.hold_beside(entry, self.target, content, None)?;
                    let outcome = self.create(&entry.bytes);
                    // What stays is swept up later.
                    shelf.discard(&entry).ok();
                    outcome
                }
                outcome => outcome,
            };
        };
        let Some(facts) = facts_if_any(self.vfs(), self.target)? else {
            return Ok(Replaced::Untouched);
        };
        let mode = Some(facts.mode);
        let entry = (self.shelf).hold(self.path, read, self.upon_save, self.content, mode)?;
        let (entry, exchanged) = match self.exchange(&entry, read) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                let shelf = self.shelf;
                let entry = shelf.hold_beside(entry, self.target, self.content, mode)?;
                let exchanged = self.exchange(&entry, read);
                (entry, exchanged)
            }
            exchanged => (entry, exchanged),
        };
        match exchanged {
            Ok(true) => {}
            Ok(false) => {
                self.shelf.discard(&entry)?;
                return Ok(Replaced::Untouched);
            }
            Err(error) => {
                // Whether it happened cannot be known; what lies there tells the next one.
                self.shelf.free(&entry).ok();
                return Err(error);
            }
        }
        let came_out = self.came_out(&entry, read).inspect_err(|_| {
            self.shelf.free(&entry).ok();
        });
        let (content, facts) = came_out?;
        let as_read = content == *read;
        let displaced = Displaced {
            entry,
            content,
            facts: Some(facts),
            is_own: false,
        };
        Ok(if as_read {
            Replaced::AsRead(Some(displaced))
        } else {
            Replaced::Displaced(displaced)
        })
    }

    /// What came out of the exchange, once that is durable.
    fn came_out(&self, entry: &Entry, read: &Text) -> io::Result<(Text, Facts)> {
        self.sync_target()?;
        let facts = self.vfs().facts(&entry.bytes)?;
        let content = Text::read(self.vfs(), &entry.bytes, Some(read))?;
        // Its name is durable now, and what an editor did not sync is not.
        if content != *read {
            self.vfs().sync_file(&entry.bytes)?;
        }
        Ok((content, facts))
    }

    fn vfs(&self) -> &dyn Vfs {
        &*self.shelf.vfs
    }

    fn create(&self, draft: &Path) -> io::Result<Replaced> {
        let created = match self.vfs().rename_no_replace(draft, self.target) {
            // A hard link never replaces anything, even where a rename cannot refuse to.
            Err(error) if is_unsupported(&error) => {
                let linked = self.vfs().hard_link(draft, self.target);
                linked.and_then(|()| self.vfs().remove_file(draft))
            }
            renamed => renamed,
        };
        match created {
            Ok(()) => {
                self.sync_target()?;
                Ok(Replaced::AsRead(None))
            }
            Err(error) => {
                self.vfs().remove_file(draft).ok();
                if error.kind() == io::ErrorKind::AlreadyExists {
                    return Ok(Replaced::Untouched);
                }
                Err(error)
            }
        }
    }

    /// Whether the two changed places: not when somebody deleted the target meanwhile.
    fn exchange(&self, entry: &Entry, read: &Text) -> io::Result<bool> {
        match self.vfs().exchange(&entry.bytes, self.target) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) if is_unsupported(&error) => self.rename(entry, read),
            Err(error) => Err(error),
        }
    }

    /// For file systems that cannot exchange: give what stands there a second name, look as
    /// late as possible, then replace. What is renamed over it in that moment is lost.
    fn rename(&self, entry: &Entry, read: &Text) -> io::Result<bool> {
        let vfs = self.vfs();
        let mut draft = entry.bytes.clone().into_os_string();
        draft.push(".draft");
        let draft = PathBuf::from(draft);
        vfs.rename(&entry.bytes, &draft)?;
        let renamed = vfs.hard_link(self.target, &entry.bytes).and_then(|()| {
            let unchanged = vfs.read_unless(self.target, read)?.is_none();
            if unchanged {
                vfs.rename(&draft, self.target)?;
            }
            Ok(unchanged)
        });
        if !matches!(renamed, Ok(true)) {
            vfs.remove_file(&draft).ok();
        }
        match renamed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            renamed => renamed,
        }
    }

    /// Makes what happened in the target's directory durable.
    fn sync_target(&self) -> io::Result<()> {
        match self.target.parent() {
            Some(directory) => self.vfs().sync_directory(directory),
            None => Ok(()),
        }
    }
}

fn is_unsupported(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
    )
}
