//! Drafts that are begun before it is their turn.
//!
//! To write a file durably takes a disk longer than it takes a processor to do everything else. The
//! disk begins with small ones together, and they are synced one after the other, so that the first
//! sync carries the others with it; large ones are written by threads of their own. Nobody knows a draft, so that it may be there before
//! its turn; one that is not asked for is removed, and one whose process dies goes with the others
//! of the dead.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use super::Text;
use super::shelf::{Shelf, Undurable};
use crate::vfs::Vfs;

/// To write so many bytes durably takes longer than a thread to begin.
const LARGE: usize = 64 << 10;

/// How many are begun at most: each small one is an open file.
pub(super) const BEGUN_MAX: usize = 16;

/// The drafts that were begun. They are shared because a shelf is cloned with its publisher; no
/// other thread asks for them.
#[derive(Clone, Debug, Default)]
pub(super) struct Ahead(Arc<Mutex<Vec<Draft>>>);

#[derive(Debug)]
struct Draft {
    text: Text,
    mode: Option<u32>,
    vfs: Arc<dyn Vfs>,
    /// `None` once somebody has it.
    begun: Option<Begun>,
}

#[derive(Debug)]
enum Begun {
    Written(Undurable),
    Synced(io::Result<PathBuf>),
    Thread(JoinHandle<io::Result<PathBuf>>),
}

impl Ahead {
    /// Begins to write a draft, a large one beside everything else where that is possible. Where
    /// it cannot be begun it is written when its turn comes, and what is wrong is told then.
    pub(super) fn begin(&self, shelf: &Shelf, text: &Text, mode: Option<u32>) {
        if self.drafts().len() >= BEGUN_MAX {
            return;
        }
        let begun = if text.len() >= LARGE && shelf.vfs.has_threads() {
            // The thread holds no drafts: it could not wait for itself.
            let (own_shelf, own_text) = (shelf.without_drafts(), text.clone());
            let thread = thread::Builder::new().spawn(move || {
                let draft = own_shelf.undurable_draft(&own_text, mode)?;
                // Whoever holds it asks for that, and the disk works at the same time.
                own_text.digest_ahead();
                draft.durable(&*own_shelf.vfs)
            });
            thread.map(Begun::Thread)
        } else {
            shelf.undurable_draft(text, mode).map(Begun::Written)
        };
        if let Ok(begun) = begun {
            self.drafts().push(Draft {
                text: text.clone(),
                mode,
                vfs: Arc::clone(&shelf.vfs),
                begun: Some(begun),
            });
        }
    }

    /// The durable draft of this text; `None` when none was begun.
    ///
    /// Who asks for the first makes all small ones durable: what is renamed between two syncs would
    /// make the second carry that, too.
    pub(super) fn take(&self, text: &Text, mode: Option<u32>) -> Option<io::Result<PathBuf>> {
        let mut drafts = self.drafts();
        drafts.iter_mut().for_each(Draft::sync);
        let is_it = |draft: &Draft| draft.text.is_same(text) && draft.mode == mode;
        let index = drafts.iter().position(is_it)?;
        let mut draft = drafts.swap_remove(index);
        drop(drafts);
        let vfs = Arc::clone(&draft.vfs);
        draft.begun.take().map(|begun| begun.durable(&*vfs))
    }

    /// Waits for the drafts that nobody has asked for, and removes them.
    pub(super) fn clear(&self) {
        let drafts = std::mem::take(&mut *self.drafts());
        drop(drafts);
    }

    fn drafts(&self) -> MutexGuard<'_, Vec<Draft>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn joined(thread: JoinHandle<io::Result<PathBuf>>) -> io::Result<PathBuf> {
    let panicked = |_| Err(io::Error::other("the thread that wrote it panicked"));
    thread.join().unwrap_or_else(panicked)
}

impl Begun {
    /// Where it is; one whose sync failed was removed.
    fn durable(self, vfs: &dyn Vfs) -> io::Result<PathBuf> {
        match self {
            Self::Written(file) => file.durable(vfs),
            Self::Synced(synced) => synced,
            Self::Thread(thread) => joined(thread),
        }
    }
}

impl Draft {
    /// Makes a small one durable. What is wrong is told to who asks for it.
    fn sync(&mut self) {
        self.begun = self.begun.take().map(|begun| match begun {
            written @ Begun::Written(_) => Begun::Synced(written.durable(&*self.vfs)),
            begun => begun,
        });
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let path = match self.begun.take() {
            Some(Begun::Written(file)) => Some(file.path),
            Some(Begun::Synced(synced)) => synced.ok(),
            Some(Begun::Thread(thread)) => joined(thread).ok(),
            None => None,
        };
        if let Some(path) = path {
            // What stays is swept up later.
            self.vfs.remove_file(&path).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vfs::RealVfs;

    #[test]
    fn a_draft_is_had_once_or_goes() {
        let directory = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(Arc::new(RealVfs), directory.path().to_owned());
        let drafts = || fs_err::read_dir(directory.path().join("tmp")).map_or(0, Iterator::count);
        let text = |length| Text::from(vec![b'x'; length]);
        let (small, one, other) = (text(LARGE - 1), text(LARGE), text(LARGE));
        let ahead = Ahead::default();
        ahead.begin(&shelf, &small, None);
        ahead.begin(&shelf, &one, Some(0o600));
        ahead.begin(&shelf, &other, Some(0o600));
        // The same bytes are another text, and another mode is another file.
        assert!(ahead.take(&text(LARGE), Some(0o600)).is_none());
        assert!(ahead.take(&one, Some(0o644)).is_none());
        let draft = ahead.take(&one, Some(0o600)).unwrap().unwrap();
        assert_eq!(fs_err::read(&draft).unwrap(), *one);
        assert!(ahead.take(&one, Some(0o600)).is_none());
        let little = ahead.take(&small, None).unwrap().unwrap();
        assert_eq!(fs_err::read(&little).unwrap(), *small);
        ahead.begin(&shelf, &small, None);
        ahead.clear();
        assert_eq!((drafts(), draft.exists()), (2, true));
        ahead.begin(&shelf, &small, None);
        ahead.begin(&shelf, &other, None);
        drop(ahead);
        assert_eq!(drafts(), 2);
    }

    #[test]
    fn small_drafts_are_synced_together() {
        let directory = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(Arc::new(RealVfs), directory.path().to_owned());
        let texts = [b"one", b"two"].map(|text| Text::from(text.to_vec()));
        let ahead = Ahead::default();
        for text in &texts {
            ahead.begin(&shelf, text, None);
        }
        let first = ahead.take(&texts[0], None).unwrap().unwrap();
        let is_synced = |draft: &Draft| matches!(draft.begun, Some(Begun::Synced(Ok(_))));
        assert!(ahead.drafts().iter().all(is_synced));
        let second = ahead.take(&texts[1], None).unwrap().unwrap();
        assert_eq!(fs_err::read(second).unwrap(), *texts[1]);
        ahead.begin(&shelf, &texts[0], None);
        ahead.begin(&shelf, &texts[1], None);
        drop(ahead.take(&texts[0], None));
        ahead.clear();
        let left = fs_err::read_dir(first.parent().unwrap()).unwrap().count();
        assert_eq!(left, 3, "nobody asked for the second of them");
    }

    #[test]
    fn what_the_thread_could_not_write_is_told_to_who_asks() {
        let directory = tempfile::tempdir().unwrap();
        // A file stands where the directory of the drafts has to be.
        fs_err::write(directory.path().join("tmp"), "").unwrap();
        let shelf = Shelf::new(Arc::new(RealVfs), directory.path().to_owned());
        let text = Text::from(vec![b'x'; LARGE]);
        let ahead = Ahead::default();
        ahead.begin(&shelf, &text, None);
        assert!(ahead.take(&text, None).unwrap().is_err());
        // The next try writes it itself.
        assert!(ahead.take(&text, None).is_none());
    }
}
