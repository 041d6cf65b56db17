//! The inbox: how an agent reports whose sandbox lets it write only inside its work tree.
//!
//! `.airboss/inbox` is a maildir: a report is written to `tmp/` and renamed into `new/`, one
//! JSON file each ([`Letter`]). Whoever writes to the store next drains it, and a run does so
//! while it flies. The file's name is the id of the command, so that a letter which is found
//! twice, after a crash or by two at once, is carried out once.
//!
//! Agents write here, so nothing is taken for granted: directories and letters are opened
//! without following links and without waiting, sizes and numbers are bounded, and what is no
//! letter is moved to `refused/` with the reason beside it. A drain never fails for a letter.

use std::ffi::{CStr, CString};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use airboss_core::path::RepoPath;
use airboss_core::report::Report;
use airboss_core::text::{head, sanitize};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::clock;
use crate::report::{Letter, report};
use crate::store::{CommandId, Store};

/// The inbox, from the top of a work tree.
const INBOX: &str = ".airboss/inbox";
/// Bytes of a letter: the longest text there may be, with every character escaped.
const LETTER_MAX: u64 = 512 << 10;
/// Letters taken in one go, so that a full inbox does not hold its reader up.
const LETTERS_MAX: usize = 64;
/// Names looked at in one go; the others come up when these are gone.
const NAMES_MAX: usize = 1024;
/// Refused letters that are kept: enough to see what went wrong.
const REFUSED_MAX: usize = 100;
/// A file name is a command id; ids are shorter than this.
const NAME_MAX: usize = 128;
/// Bytes of a reason: it may repeat what stands in the letter.
const REASON_MAX: usize = 300;

/// What became of the letters.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Drained {
    /// Letters that are recorded now.
    pub taken: usize,
    /// Letters that were refused: name and reason, safe to show.
    pub refused: Vec<(String, String)>,
}

impl Drained {
    /// What a person should know, in sentences.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        self.refused
            .iter()
            .map(|(name, reason)| format!("the report `{name}` in the inbox is refused: {reason}"))
    }
}

/// The inbox as a path of the work tree: what lies in it is nobody's work.
///
/// # Panics
/// Never: the text is a constant.
#[must_use]
pub fn path() -> RepoPath {
    RepoPath::new(INBOX).expect("a constant that is a path")
}

/// Leaves a letter in the inbox of this work tree. A link in its way is followed nowhere: what an
/// agent left there would lead the letter, with its token, out of the work tree.
///
/// # Errors
/// When it cannot be written.
pub fn leave(top: &Path, letter: &Letter) -> io::Result<PathBuf> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{INBOX}: {error}"));
    put(top, letter).map_err(named)
}

fn put(top: &Path, letter: &Letter) -> io::Result<PathBuf> {
    let mut inbox = rustix::fs::openat(CWD, top, OFlags::DIRECTORY, Mode::empty())?;
    for part in INBOX.split('/') {
        inbox = made_below(inbox.as_fd(), part)?;
    }
    let (drafts, new) = (
        made_below(inbox.as_fd(), "tmp")?,
        made_below(inbox.as_fd(), "new")?,
    );
    // Git then shows nothing of what lies here.
    create(inbox.as_fd(), ".gitignore", "*\n");
    let name = format!("{}.json", clock::fresh_uuid().simple());
    // A token lies in it.
    let mode = Mode::RUSR | Mode::WUSR;
    let draft = rustix::fs::openat(&drafts, &name, FRESH, mode)?;
    let mut file = std::fs::File::from(draft);
    file.write_all(&serde_json::to_vec(letter).map_err(io::Error::other)?)?;
    file.sync_all()?;
    rustix::fs::renameat(&drafts, &name, &new, &name)?;
    Ok(top.join(INBOX).join("new").join(name))
}

/// Takes in the letters of this work tree, oldest name first. `state` is Airboss's own directory.
///
/// Quick when there are none: two directories are asked for.
pub fn drain(top: &Path, state: &Path, store: &mut dyn Store) -> Drained {
    let mut drained = Drained::default();
    let Some(inbox) = Inbox::open(top) else {
        return drained;
    };
    let names = inbox.names();
    if !names.is_empty() {
        // Git then shows nothing of what lies here.
        create(inbox.inbox.as_fd(), ".gitignore", "*\n");
    }
    for name in names {
        match inbox.take(&name, state, store) {
            Ok(()) => drained.taken += 1,
            Err(Trouble::Gone) => {}
            // The store is busy, or the disk is: the next one tries again.
            Err(Trouble::Later) => break,
            Err(Trouble::Refused(reason, report)) => {
                let shown = line(&name.to_string_lossy(), NAME_MAX);
                let reason = line(&reason, REASON_MAX);
                inbox.set_aside(&name, report, &format!("{shown}: {reason}\n"));
                drained.refused.push((shown, reason));
            }
        }
    }
    drained
}

/// Why a letter is not taken in.
enum Trouble {
    /// Somebody else took it.
    Gone,
    /// Not now.
    Later,
    /// Never. A report that was read is kept without the token that came with it.
    Refused(String, Option<Report>),
}

/// One line of outside text, safe to show.
fn line(text: &str, limit: usize) -> String {
    let words = sanitize(head(text, limit));
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The inbox with its directory of new letters, opened without following a link.
struct Inbox {
    inbox: OwnedFd,
    new: OwnedFd,
}

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// A file that nobody else has: a link of its name is not followed.
const FRESH: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::CLOEXEC);

impl Inbox {
    fn open(top: &Path) -> Option<Self> {
        let mut inbox = rustix::fs::openat(CWD, top, OFlags::DIRECTORY, Mode::empty()).ok()?;
        for part in INBOX.split('/') {
            inbox = below(inbox.as_fd(), part)?;
        }
        let new = below(inbox.as_fd(), "new")?;
        Some(Self { inbox, new })
    }

    /// The next letters, in the order of their names.
    fn names(&self) -> Vec<CString> {
        let Ok(entries) = Dir::read_from(&self.new) else {
            return Vec::new();
        };
        let names = entries.flatten().map(|entry| entry.file_name().to_owned());
        let names = names.filter(|name| ![c".", c".."].contains(&name.as_c_str()));
        let mut names: Vec<CString> = names.take(NAMES_MAX).collect();
        names.sort();
        names.truncate(LETTERS_MAX);
        names
    }

    fn take(&self, name: &CStr, state: &Path, store: &mut dyn Store) -> Result<(), Trouble> {
        let letter = self.read(name)?;
        let plain = name.to_string_lossy();
        let command = CommandId::new(format!("inbox/{}/{plain}", letter.attempt));
        report(store, state, &letter, Some(&command)).map_err(|error| {
            if error.is_transient() {
                Trouble::Later
            } else {
                Trouble::Refused(error.to_string(), Some(letter.report))
            }
        })?;
        // Should it stay, the next one finds that it was carried out, and looks no further.
        match rustix::fs::unlinkat(&self.new, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(_) => Err(Trouble::Later),
        }
    }

    fn read(&self, name: &CStr) -> Result<Letter, Trouble> {
        let refused = |reason: &str| Trouble::Refused(reason.to_owned(), None);
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        let bytes = name.to_bytes();
        if bytes.len() > NAME_MAX || !bytes.iter().all(is_plain) {
            return Err(refused(
                "its name has more than 128 characters, or others than A-Z a-z 0-9 - _ .",
            ));
        }
        // Without waiting: a FIFO would wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.new, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Err(Trouble::Gone),
            Err(Errno::LOOP) => return Err(refused("it is a symbolic link")),
            Err(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::INTR) => {
                return Err(Trouble::Later);
            }
            Err(error) => return Err(refused(&format!("it cannot be opened: {error}"))),
        };
        let facts = rustix::fs::fstat(&file).map_err(|_| Trouble::Later)?;
        if FileType::from_raw_mode(facts.st_mode) != FileType::RegularFile {
            return Err(refused("it is not a regular file"));
        }
        let mut bytes = Vec::new();
        let read = std::fs::File::from(file)
            .take(LETTER_MAX + 1)
            .read_to_end(&mut bytes);
        read.map_err(|error| refused(&format!("it cannot be read: {error}")))?;
        if bytes.len() as u64 > LETTER_MAX {
            return Err(refused("it has more than 512 KiB"));
        }
        serde_json::from_slice(&bytes)
            .map_err(|error| refused(&format!("it is no report: {error}")))
    }

    /// Moves a letter out of the way, with the reason beside it, or removes it when there are
    /// many of them, and when there is no place for it: it would hold the others up.
    fn set_aside(&self, name: &CStr, report: Option<Report>, why: &str) {
        const REFUSED: &str = "refused";
        let remove = || rustix::fs::unlinkat(&self.new, name, AtFlags::empty()).is_ok();
        // It may be there already; what counts is whether it can be opened.
        rustix::fs::mkdirat(&self.inbox, REFUSED, Mode::RWXU).ok();
        let Some(refused) = below(self.inbox.as_fd(), REFUSED) else {
            remove();
            return;
        };
        // Each has its reason beside it, and there are the two names of directories.
        let most = 2 * REFUSED_MAX + 2;
        let is_full = Dir::read_from(&refused).is_ok_and(|kept| kept.take(most).count() == most);
        if is_full && remove() {
            return;
        }
        let place = clock::fresh_uuid().simple().to_string();
        let kept = report.and_then(|report| serde_json::to_string(&report).ok());
        let moved = match kept {
            Some(kept) => {
                create(refused.as_fd(), &place, &kept);
                remove()
            }
            // Somebody else may have moved it.
            None => rustix::fs::renameat(&self.new, name, &refused, &place).is_ok(),
        };
        if moved && !is_full {
            create(refused.as_fd(), &format!("{place}.why"), why);
        }
    }
}

/// Writes a new file; one that is there stays as it is.
fn create(directory: BorrowedFd<'_>, name: &str, text: &str) {
    if let Ok(file) = rustix::fs::openat(directory, name, FRESH, Mode::RUSR | Mode::WUSR) {
        // It is for a person who looks for a lost letter; without it the letter is there still.
        std::fs::File::from(file).write_all(text.as_bytes()).ok();
    }
}

/// The directory of this name, made where it is not there.
fn made_below(directory: BorrowedFd<'_>, name: &str) -> io::Result<OwnedFd> {
    match rustix::fs::mkdirat(directory, name, Mode::RWXU | Mode::RWXG | Mode::RWXO) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(rustix::fs::openat(
        directory,
        name,
        DIRECTORY,
        Mode::empty(),
    )?)
}

fn below(directory: BorrowedFd<'_>, name: &str) -> Option<OwnedFd> {
    rustix::fs::openat(directory, name, DIRECTORY, Mode::empty()).ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use airboss_core::id::AttemptId;

    use super::*;

    fn letter() -> Letter {
        Letter {
            attempt: AttemptId::default(),
            token: "a secret".to_owned(),
            step: None,
            report: Report::Note {
                text: "half way".to_owned(),
            },
        }
    }

    #[test]
    fn a_letter_is_private_and_git_sees_nothing_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let place = leave(folder.path(), &letter()).unwrap();
        let read: Letter = serde_json::from_slice(&fs_err::read(&place).unwrap()).unwrap();
        assert_eq!(read.report, letter().report);
        let mode = fs_err::metadata(&place).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let ignored = folder.path().join(INBOX).join(".gitignore");
        assert_eq!(fs_err::read_to_string(ignored).unwrap(), "*\n");
        // A second one finds everything there.
        leave(folder.path(), &letter()).unwrap();
    }

    #[test]
    fn no_letter_follows_a_link() {
        for linked in [
            ".airboss",
            ".airboss/inbox",
            ".airboss/inbox/tmp",
            ".airboss/inbox/new",
        ] {
            let folder = tempfile::tempdir().unwrap();
            let (top, outside) = (folder.path().join("top"), folder.path().join("outside"));
            fs_err::create_dir_all(outside.join("inbox/new")).unwrap();
            fs_err::create_dir_all(outside.join("new")).unwrap();
            let link = top.join(linked);
            fs_err::create_dir_all(link.parent().unwrap()).unwrap();
            symlink(&outside, &link).unwrap();
            let error = leave(&top, &letter()).unwrap_err().to_string();
            assert!(error.starts_with(INBOX), "{error}");
            let count = |place: &str| fs_err::read_dir(outside.join(place)).unwrap().count();
            assert_eq!((count("inbox/new"), count("new")), (0, 0), "{linked}");
        }
    }
}
