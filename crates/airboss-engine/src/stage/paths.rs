//! Where the artifacts of a stage go: in the directory and the naming that the task has.

use std::path::Path;

use airboss_core::board::artifact_name::{self, Family};
use airboss_core::board::directory::{self, Directory};
use airboss_core::board::{Board, Task};
use airboss_core::path::{RepoPath, RepoPathError};

use crate::board::{Places, task_directories};

/// The directory of a task and how its artifacts are called.
#[derive(Clone, Debug)]
pub(super) struct Paths<'a> {
    places: &'a Places,
    task: &'a Task,
    /// The directory, from the specs root.
    pub(super) directory: String,
    family: Family,
}

impl<'a> Paths<'a> {
    pub(super) fn of(places: &'a Places, board: &Board, task: &'a Task) -> std::io::Result<Self> {
        let directory = match places.directory(task) {
            Some(directory) => directory,
            None => {
                let known = task_directories(&places.root())?;
                let known: Vec<Directory<'_>> = known
                    .iter()
                    .filter_map(|path| Directory::parse(path))
                    .collect();
                directory::new_name(&known, task.number, &task.slug)
            }
        };
        let names = |task: &Task| -> Vec<String> {
            let paths = task.artifacts.iter();
            let names = paths.filter_map(|artifact| artifact.path.rsplit('/').next());
            names.map(str::to_owned).collect()
        };
        let own = names(task);
        let all: Vec<String> = board.active().flat_map(names).collect();
        let family = Family::usual(
            own.iter().map(String::as_str),
            all.iter().map(String::as_str),
        );
        Ok(Self {
            places,
            task,
            directory,
            family,
        })
    }

    /// The directory, from the top of the work tree.
    pub(super) fn root(&self) -> Result<RepoPath, RepoPathError> {
        self.places.board.file(&self.directory)
    }

    /// A file in one of the directories of the task.
    fn file(&self, folder: &str, name: &str) -> Result<RepoPath, RepoPathError> {
        let directory = &self.directory;
        self.places
            .board
            .file(&format!("{directory}/{folder}/{name}"))
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let path = self
            .places
            .root()
            .join(Path::new(&self.directory))
            .join(folder);
        // What is not there has no names; what cannot be read is told when it is written to.
        let Ok(entries) = fs_err::read_dir(path) else {
            return Vec::new();
        };
        let names = entries.flatten().map(|entry| entry.file_name());
        names.filter_map(|name| name.into_string().ok()).collect()
    }

    fn next(&self, folder: &str, word: &str) -> u32 {
        let names = self.names(folder);
        let prefix = match self.family {
            Family::Word => format!("{word}-"),
            Family::Round | Family::Topic => String::new(),
        };
        artifact_name::next_number(names.iter().map(String::as_str), &prefix)
    }

    fn numbered(&self, folder: &str, word: &str, number: u32) -> Result<RepoPath, RepoPathError> {
        let name = artifact_name::numbered(self.family, word, number, &self.task.slug);
        self.file(folder, &name)
    }

    /// The next `count` reports.
    pub(super) fn reports(&self, count: usize) -> Result<Vec<RepoPath>, RepoPathError> {
        let first = self.next("reports", "research");
        (first..)
            .take(count)
            .map(|number| self.numbered("reports", "research", number))
            .collect()
    }

    /// The overview of several reports.
    pub(super) fn overview(&self) -> Result<RepoPath, RepoPathError> {
        let names = self.names("reports");
        let is_free = |name: &String| !names.contains(name);
        let numbered = (2..).map(|number| format!("OVERVIEW-{number:03}.md"));
        let mut all = std::iter::once("OVERVIEW.md".to_owned()).chain(numbered);
        // There are fewer names in a directory than numbers.
        let name = all.find(is_free).unwrap_or_default();
        self.file("reports", &name)
    }

    /// The next version of the plan. In rounds it bears the number of the newest report.
    pub(super) fn plan(&self) -> Result<RepoPath, RepoPathError> {
        let mut number = self.next("plans", "implementation");
        if self.family == Family::Round {
            number = number.max(self.next("reports", "research") - 1);
        }
        self.numbered("plans", "implementation", number)
    }

    /// The next report of a search for a cause.
    pub(super) fn debug(&self) -> Result<RepoPath, RepoPathError> {
        let names = self.names("debug");
        let number = artifact_name::next_number(names.iter().map(String::as_str), "");
        let name = artifact_name::debug(number, &self.task.slug);
        self.file("debug", &name)
    }

    /// What a day's work on the documents says of itself; `day` is `20260302`.
    pub(super) fn documentation(&self, day: &str) -> Result<RepoPath, RepoPathError> {
        self.file("summaries", &format!("documentation-{day}.md"))
    }

    /// The summary of a day, which is `20260302`.
    pub(super) fn summary(&self, day: &str) -> Result<RepoPath, RepoPathError> {
        let round = self
            .next("plans", "implementation")
            .saturating_sub(1)
            .max(1);
        let name = artifact_name::summary(self.family, round, &self.task.slug, day);
        self.file("summaries", &name)
    }
}
