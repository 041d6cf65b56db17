//! Replaces a file so that a save by somebody else in the same instant is not lost.
//!
//! The new file changes places with the old one (`renameat2(RENAME_EXCHANGE)`), and what came
//! out is looked at: when it is not what the caller had read, it is handed back, and the caller
//! decides anew on top of it. Nothing is ever locked against people.

use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::clock;

/// What stood at the target when the new content came there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Replaced {
    /// What the caller had read: all is well.
    AsRead,
    /// Something else, which is gone from the target now.
    Displaced(Vec<u8>),
    /// Something else, or nothing at all; it stands there still, and nothing was written.
    Untouched,
}

/// Puts `content` at `target`, durably.
///
/// `read` is what the caller saw there, `None` for nothing. `temporary` is a directory for the
/// new file; when it lies on another file system, the new file is made beside the target.
pub(super) fn replace(
    target: &Path,
    read: Option<&[u8]>,
    content: &[u8],
    temporary: &Path,
) -> io::Result<Replaced> {
    let mode = match read {
        Some(_) => Some(fs::metadata(target)?.permissions()),
        None => None,
    };
    let name = clock::fresh_uuid().simple().to_string();
    let first = Temporary::write(temporary.join(&name), content, mode.as_ref())?;
    match swap(first, target, read) {
        Err(error) if error.raw_os_error() == Some(Errno::XDEV.raw_os_error()) => {
            let beside = target.with_file_name(format!(".airboss-{name}.tmp"));
            let second = Temporary::write(beside, content, mode.as_ref())?;
            swap(second, target, read)
        }
        outcome => outcome,
    }
}

fn swap(new: Temporary, target: &Path, read: Option<&[u8]>) -> io::Result<Replaced> {
    let Some(read) = read else {
        return match renameat_with(CWD, &new.path, CWD, target, RenameFlags::NOREPLACE) {
            Ok(()) => {
                new.forget();
                sync_directory(target)?;
                Ok(Replaced::AsRead)
            }
            Err(Errno::EXIST) => Ok(Replaced::Untouched),
            Err(Errno::INVAL | Errno::NOSYS) => link(&new, target),
            Err(errno) => Err(named(errno, target)),
        };
    };
    match renameat_with(CWD, &new.path, CWD, target, RenameFlags::EXCHANGE) {
        Ok(()) => {
            sync_directory(target)?;
            let displaced = fs::read(&new.path)?;
            if displaced == read {
                Ok(Replaced::AsRead)
            } else {
                Ok(Replaced::Displaced(displaced))
            }
        }
        // Somebody deleted it meanwhile: the caller looks again.
        Err(Errno::NOENT) => Ok(Replaced::Untouched),
        Err(Errno::INVAL | Errno::NOSYS) => rename(new, target, read),
        Err(errno) => Err(named(errno, target)),
    }
}

/// For file systems that cannot refuse to replace: a hard link never replaces anything.
fn link(new: &Temporary, target: &Path) -> io::Result<Replaced> {
    match fs::hard_link(&new.path, target) {
        Ok(()) => {
            sync_directory(target)?;
            Ok(Replaced::AsRead)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Replaced::Untouched),
        Err(error) => Err(error),
    }
}

/// For file systems that cannot exchange: look as late as possible, then replace.
fn rename(new: Temporary, target: &Path, read: &[u8]) -> io::Result<Replaced> {
    let found = fs::read(target)?;
    if found != read {
        return Ok(Replaced::Untouched);
    }
    fs::rename(&new.path, target)?;
    new.forget();
    sync_directory(target)?;
    Ok(Replaced::AsRead)
}

fn named(errno: Errno, target: &Path) -> io::Error {
    let error = io::Error::from(errno);
    if errno == Errno::XDEV {
        return error;
    }
    io::Error::new(error.kind(), format!("{}: {error}", target.display()))
}

/// Makes a rename in the directory of this file durable.
fn sync_directory(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(directory) => fs::File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

/// A file that is removed again unless it was renamed away.
struct Temporary {
    path: PathBuf,
    armed: bool,
}

impl Temporary {
    fn write(path: PathBuf, content: &[u8], mode: Option<&Permissions>) -> io::Result<Self> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)?;
        let temporary = Self { path, armed: true };
        file.write_all(content)?;
        if let Some(mode) = mode {
            file.set_permissions(Permissions::from_mode(mode.mode()))?;
        }
        file.sync_all()?;
        Ok(temporary)
    }

    fn forget(mut self) {
        self.armed = false;
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.armed {
            // A crash before this leaves the file, which may hold what an exchange displaced.
            // So nobody sweeps it by age; `airboss doctor` names it.
            drop(fs::remove_file(&self.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_out_is_handed_back_when_it_is_not_what_was_read() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("status.json");
        let put = |read: Option<&str>, content: &str| {
            let read = read.map(str::as_bytes);
            replace(&target, read, content.as_bytes(), directory.path()).unwrap()
        };
        assert_eq!(put(None, "one"), Replaced::AsRead);
        assert_eq!(put(None, "two"), Replaced::Untouched);
        assert_eq!(put(Some("one"), "two"), Replaced::AsRead);
        fs::write(&target, "saved by hand").unwrap();
        let displaced = Replaced::Displaced(b"saved by hand".to_vec());
        assert_eq!(put(Some("two"), "three"), displaced);
        assert_eq!(fs::read_to_string(&target).unwrap(), "three");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_mode_stays() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("status.json");
        fs::write(&target, "one").unwrap();
        fs::set_permissions(&target, Permissions::from_mode(0o640)).unwrap();
        replace(&target, Some(b"one"), b"two", directory.path()).unwrap();
        let mode = fs::metadata(&target).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }
}
