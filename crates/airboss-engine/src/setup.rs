//! The files of `airboss setup` on disk: read, written and taken away, with the care that is
//! given to every file of a person's.

use std::io;
use std::path::Path;

use airboss_core::path::RepoPath;
use airboss_core::setup::Change;

use crate::projection::{PlaceError, Publisher, require_own};
use crate::vfs::{RealVfs, read_if_any};
use crate::workspace::{Workspace, WorkspaceError};

/// The files of one work tree.
#[derive(Clone, Debug)]
pub struct Files<'a> {
    workspace: &'a Workspace,
    publisher: Publisher,
}

impl<'a> Files<'a> {
    /// The files of a work tree.
    #[must_use]
    pub fn new(workspace: &'a Workspace) -> Self {
        Self {
            workspace,
            publisher: Publisher::new(workspace),
        }
    }

    /// What a file holds; `None` when there is none.
    ///
    /// # Errors
    /// When it leads out of the work tree, is no file, or cannot be read.
    pub fn read(&self, path: &RepoPath) -> Result<Option<Vec<u8>>, PlaceError> {
        let top = &self.workspace.top;
        require_own(top, path)?;
        Ok(read_if_any(&RealVfs, &top.join(path))?)
    }

    /// Looks whether a file may be written.
    ///
    /// # Errors
    /// As for [`Files::read`], and when it is read-only.
    pub fn may_write(&self, path: &RepoPath) -> Result<(), PlaceError> {
        self.publisher.may_write(path)
    }

    /// Makes the directory in which new files are begun.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn prepare(&self) -> Result<(), WorkspaceError> {
        self.workspace.prepare()
    }

    /// Carries a change out; `false` when somebody changed the file since it was read, which
    /// stays as it is then.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn change(
        &self,
        path: &RepoPath,
        read: Option<&[u8]>,
        change: &Change,
    ) -> io::Result<bool> {
        match change {
            Change::Write(text) => self.publisher.replace(path, read, text.as_bytes()),
            Change::Remove => {
                let removed = self.publisher.remove(path, read.unwrap_or_default())?;
                if removed {
                    self.remove_empty_directories(path);
                }
                Ok(removed)
            }
        }
    }

    /// The directories that a file was alone in. The first that holds anything else stays.
    fn remove_empty_directories(&self, path: &RepoPath) {
        let directories = Path::new(path.as_str()).ancestors().skip(1);
        for directory in directories.take_while(|directory| !directory.as_os_str().is_empty()) {
            if fs_err::remove_dir(self.workspace.top.join(directory)).is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::new(text).unwrap()
    }

    fn write(text: &str) -> Change {
        Change::Write(text.to_owned())
    }

    #[test]
    fn a_file_is_written_over_what_was_read_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(folder.path()).unwrap();
        let files = Files::new(&workspace);
        files.prepare().unwrap();
        let name = path("a/b/file");
        let change = |read: Option<&[u8]>, change: &Change| {
            let done = files.change(&name, read, change).unwrap();
            (done, files.read(&name).unwrap())
        };
        let is = |text: &str| Some(text.as_bytes().to_owned());
        assert_eq!(change(None, &write("one")), (true, is("one")));
        assert_eq!(change(None, &write("two")), (false, is("one")));
        assert_eq!(change(Some(b"other"), &write("two")), (false, is("one")));
        assert_eq!(change(Some(b"one"), &write("two")), (true, is("two")));
        assert_eq!(change(Some(b"one"), &Change::Remove), (false, is("two")));
        assert_eq!(change(Some(b"two"), &Change::Remove), (true, None));
        assert!(!folder.path().join("a").exists());
    }

    /// Whatever falls into the instant of an exchange, the last save is what stands there.
    #[test]
    fn no_save_of_a_person_is_lost() {
        const SAVES: u32 = 300;
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(folder.path()).unwrap();
        let files = Files::new(&workspace);
        files.prepare().unwrap();
        let (name, place) = (path("AGENTS.md"), folder.path().join("AGENTS.md"));
        fs_err::write(&place, "0").unwrap();
        let (mut changed, mut left) = (0, 0);
        std::thread::scope(|scope| {
            let person = scope.spawn(|| {
                for save in 1..=SAVES {
                    // One that nobody answers is followed by another now and then.
                    while save % 5 != 0 && !fs_err::read(&place).unwrap().ends_with(b"+") {
                        std::thread::yield_now();
                    }
                    let draft = folder.path().join("draft");
                    fs_err::write(&draft, save.to_string()).unwrap();
                    fs_err::rename(&draft, &place).unwrap();
                }
            });
            while !person.is_finished() {
                let read = files.read(&name).unwrap().unwrap();
                let text = String::from_utf8(read.clone()).unwrap() + "+";
                match files.change(&name, Some(&read), &write(&text)).unwrap() {
                    true => changed += 1,
                    false => left += 1,
                }
            }
        });
        let last = fs_err::read_to_string(&place).unwrap();
        assert_eq!(last.trim_end_matches('+'), SAVES.to_string());
        assert!(changed > 0, "{left} were left alone");
    }
}
