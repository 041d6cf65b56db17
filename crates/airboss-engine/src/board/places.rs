//! Where the files of a board lie, and which of them a change makes stale.

use std::collections::BTreeSet;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use airboss_core::board::directory::{self, Directory};
use airboss_core::board::link::{self, Home};
use airboss_core::board::number::Numbering;
use airboss_core::board::{
    Board, BoardKey, BoardOperation, Field, Task, TaskChange, artifact_name, errors_file,
    state_file,
};
use airboss_core::id::TaskId;
use airboss_core::path::{RepoPath, RepoPathError};

use super::find::task_directories;
use crate::store::{PublishItem, PublishKind};

/// Bytes of an errors.json that is read: an entry has less than a KiB, and nobody has worked on
/// ten thousand of them.
const ERRORS_MAX: u64 = 16 << 20;

/// The files of one board in one work tree.
#[derive(Clone, Debug)]
pub struct Places {
    /// The top of the work tree.
    pub top: PathBuf,
    /// The board.
    pub board: BoardKey,
    /// TODO.md.
    pub todo: RepoPath,
    /// The state.json of the board.
    pub state: RepoPath,
    /// The state.json of the archive.
    pub archive: RepoPath,
}

impl Places {
    /// The files of this board below the top of a work tree.
    ///
    /// # Errors
    /// Never for a board that was found.
    pub fn new(top: &Path, board: &BoardKey) -> Result<Self, RepoPathError> {
        Ok(Self {
            top: top.to_owned(),
            board: board.clone(),
            todo: board.file("TODO.md")?,
            state: board.file("state.json")?,
            archive: board.file("archive/state.json")?,
        })
    }

    /// The directory of the board.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        match self.board.root() {
            Some(root) => self.top.join(root),
            None => self.top.clone(),
        }
    }

    /// The directory of a task, from the specs root; `None` while it has none. A root that cannot be
    /// read has no directories, for all that can be done about it where this is asked.
    #[must_use]
    pub fn directory(&self, task: &Task) -> Option<String> {
        self.look_for_directory(task).unwrap_or_default()
    }

    /// The same for who has to know.
    ///
    /// # Errors
    /// When the root cannot be read.
    pub(super) fn look_for_directory(&self, task: &Task) -> io::Result<Option<String>> {
        match self.linked_directory(task) {
            Some(directory) => Ok(Some(directory)),
            None => self.found_directory(task),
        }
    }

    /// The directory that [`directory::find`] finds where the task's links name it, without
    /// looking at all that there are: one in the root with the task's number and name.
    fn linked_directory(&self, task: &Task) -> Option<String> {
        let slug = directory::slug_of_name(&task.slug);
        let artifacts = task.artifacts.iter().map(|it| it.path.as_str());
        let links = artifacts.chain(task.plan.as_deref());
        // What a link ends with is a file.
        let parts = links.filter_map(|link| link.rsplit_once('/'));
        let parts = parts.flat_map(|(above, _)| above.split('/'));
        let is_own = |name: &&str| {
            Directory::parse(name).is_some_and(|it| it.number == task.number && it.slug == slug)
        };
        let own: BTreeSet<&str> = parts.filter(is_own).collect();
        let is_there = |name: &&str| {
            let facts = fs_err::symlink_metadata(self.root().join(name));
            facts.is_ok_and(|facts| facts.is_dir())
        };
        own.into_iter().find(is_there).map(str::to_owned)
    }

    fn found_directory(&self, task: &Task) -> io::Result<Option<String>> {
        let paths = task_directories(&self.root())?;
        let all: Vec<_> = paths
            .iter()
            .filter_map(|path| Directory::parse(path))
            .collect();
        let mut links: Vec<_> = task.artifacts.iter().map(|it| it.path.as_str()).collect();
        links.extend(task.plan.as_deref());
        let found = directory::find(&all, task.number, Some(&task.slug), &links);
        Ok(found.map(|found| found.directory.path.to_owned()))
    }

    /// The file that a path in an entry means; `None` when there is none.
    #[must_use]
    pub fn resolve(&self, task: &Task, path: &str) -> Option<RepoPath> {
        self.resolve_in(self.directory(task).as_deref(), path)
    }

    fn resolve_in(&self, directory: Option<&str>, path: &str) -> Option<RepoPath> {
        let home = self.home(directory);
        let candidates = link::candidates(path, &home);
        candidates
            .into_iter()
            .find(|path| self.top.join(path).is_file())
    }

    /// A path as the links of this task and of its board spell theirs.
    #[must_use]
    pub fn spell(&self, board: &Board, task: &Task, path: &RepoPath) -> String {
        let mut known = task.artifacts.iter();
        if let Some(known) = known.find(|known| link::same(&known.path, path.as_str())) {
            return known.path.clone();
        }
        let links = |task: &'_ Task| -> Vec<String> {
            let links = task.artifacts.iter();
            links.map(|known| known.path.clone()).collect()
        };
        let own = links(task);
        let all: Vec<_> = board.active().flat_map(links).collect();
        let own: Vec<_> = own.iter().map(String::as_str).collect();
        let all: Vec<_> = all.iter().map(String::as_str).collect();
        let directory = self.directory(task);
        let home = self.home(directory.as_deref());
        link::spell(path, link::usual_form(&own, &all), &home)
    }

    /// A path as the links of the board spell theirs, for a task that is not there yet.
    #[must_use]
    pub fn spell_new(&self, board: &Board, path: &RepoPath) -> String {
        let links = board.active().flat_map(|task| &task.artifacts);
        let all: Vec<_> = links.map(|known| known.path.as_str()).collect();
        link::spell(path, link::usual_form(&[], &all), &self.home(None))
    }

    fn home<'a>(&'a self, directory: Option<&'a str>) -> Home<'a> {
        Home {
            top: self.top.to_str(),
            root: self.board.root().map_or("", RepoPath::as_str),
            task: directory,
            vaults: &[],
        }
    }

    /// The task's current plan: the one that it names, else the last that it links, else the one
    /// with the highest number. `None` when it has none on disk.
    #[must_use]
    pub fn plan(&self, task: &Task) -> Option<RepoPath> {
        self.plan_in(self.directory(task).as_deref(), task)
    }

    fn plan_in(&self, directory: Option<&str>, task: &Task) -> Option<RepoPath> {
        let linked = task.artifacts.iter().filter(|it| it.kind == "plan");
        let linked = linked.map(|it| it.path.as_str()).rev();
        let mut named = task.plan.as_deref().into_iter().chain(linked);
        named
            .find_map(|path| self.resolve_in(directory, path))
            .or_else(|| self.newest_plan(directory?))
    }

    /// The plan with the highest number in the directory of a task.
    fn newest_plan(&self, directory: &str) -> Option<RepoPath> {
        let inside = format!("{directory}/plans");
        let entries = fs_err::read_dir(self.root().join(&inside)).ok()?;
        let is_plan = |entry: &std::io::Result<fs_err::DirEntry>| {
            let metadata = entry.as_ref().ok().and_then(|entry| entry.metadata().ok());
            metadata.is_some_and(|metadata| metadata.is_file() && metadata.len() > 0)
        };
        let names = entries.filter(is_plan).filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            Some(format!("{inside}/{name}"))
        });
        let names: Vec<String> = names.collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let plan = artifact_name::current_plan(None, &[], &names, |_| true)?;
        self.board.file(plan).ok()
    }

    /// The place of the task's own state.json, whether it is there or not; `None` while the
    /// task has no directory.
    #[must_use]
    pub fn project_state(&self, task: &Task) -> Option<RepoPath> {
        self.project_state_in(&self.directory(task)?)
    }

    fn project_state_in(&self, directory: &str) -> Option<RepoPath> {
        self.board.file(&format!("{directory}/state.json")).ok()
    }

    /// The current plan of a task and the place of its own state.json, with one look for its
    /// directory.
    ///
    /// # Errors
    /// When the root cannot be read.
    pub(super) fn own(&self, task: &Task) -> io::Result<(Option<RepoPath>, Option<RepoPath>)> {
        let directory = self.look_for_directory(task)?;
        let plan = self.plan_in(directory.as_deref(), task);
        let state = directory.and_then(|directory| self.project_state_in(&directory));
        Ok((plan, state))
    }

    /// errors.json, or the file beside it where errors.json is somebody else's or cannot be
    /// added to.
    ///
    /// # Errors
    /// Never for a board that was found.
    pub fn errors(&self) -> Result<RepoPath, RepoPathError> {
        let usual = self.board.file("errors.json")?;
        match self.read_errors() {
            Ok(bytes) if errors_file::update(Some(&bytes), &[]).is_err() => {
                self.board.file(errors_file::SIDE_FILE)
            }
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                self.board.file(errors_file::SIDE_FILE)
            }
            // What is missing is made; what cannot be read is told when it is to be written.
            _ => Ok(usual),
        }
    }

    /// errors.json as it is.
    ///
    /// # Errors
    /// When it cannot be read, is no regular file, or has more bytes than anybody works on.
    pub fn read_errors(&self) -> io::Result<Vec<u8>> {
        let path = self.board.file("errors.json").map_err(io::Error::other)?;
        let path = self.top.join(path);
        // A pipe that nobody writes to would be waited for.
        if !fs_err::metadata(&path)?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        let mut bytes = Vec::new();
        let mut file = fs_err::File::open(path)?.take(ERRORS_MAX + 1);
        file.read_to_end(&mut bytes)?;
        if bytes.len() as u64 > ERRORS_MAX {
            let limit = ERRORS_MAX >> 20;
            let message = format!("it has more than {limit} MiB, and is not read");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        Ok(bytes)
    }

    /// The range of numbers that state.json sets, and the numbers in its lists; none when it sets
    /// none or cannot be read.
    #[must_use]
    pub fn numbering(&self) -> Option<(Numbering, BTreeSet<u32>)> {
        let bytes = fs_err::read(self.top.join(&self.state)).ok()?;
        // Few boards set it, and the whole file is parsed for it.
        let key = b"\"project_numbering\"";
        bytes.windows(key.len()).find(|part| part == key)?;
        let file = state_file::StateFile::parse(&bytes).ok()?;
        let listed = file.tasks.iter().map(|task| task.number).collect();
        Some((file.numbering?, listed))
    }

    /// The two files that list all tasks.
    #[must_use]
    pub fn lists(&self) -> [PublishItem; 2] {
        [
            item(&self.todo, PublishKind::Todo),
            item(&self.state, PublishKind::BoardState),
        ]
    }

    /// The files that operations make stale. `task` tells how a task is before them.
    ///
    /// # Errors
    /// When the directories of tasks cannot be read.
    pub fn stale(
        &self,
        operations: &[BoardOperation],
        task: &dyn Fn(TaskId) -> Option<Task>,
    ) -> io::Result<Vec<PublishItem>> {
        let mut items = Vec::new();
        for operation in operations {
            match operation {
                BoardOperation::TaskAdded { .. }
                | BoardOperation::TaskMoved { .. }
                | BoardOperation::NextNumberSet { .. } => items.extend(self.lists()),
                BoardOperation::TaskChanged {
                    task: id, changes, ..
                } => {
                    items.extend(self.lists());
                    if let Some(mut task) = task(*id) {
                        changes.iter().for_each(|change| change.apply(&mut task));
                        items.extend(self.own_files(&task, changes)?);
                    }
                }
                BoardOperation::ErrorRecorded { .. } | BoardOperation::ErrorResolved { .. } => {
                    let errors = self.errors().ok();
                    items.extend(errors.map(|path| item(&path, PublishKind::Errors)));
                }
                _ => {}
            }
        }
        Ok(each_once(items))
    }

    /// The files of one task that a change of it makes stale.
    fn own_files(&self, task: &Task, changes: &[TaskChange]) -> io::Result<Vec<PublishItem>> {
        let mut items = Vec::new();
        let fields: Vec<Field> = changes.iter().map(TaskChange::field).collect();
        if fields.contains(&Field::Place) {
            items.push(item(&self.archive, PublishKind::ArchiveState));
            // Its directory moves, and what is in it moves as it is.
            return Ok(items);
        }
        let marks = |field: &Field| matches!(field, Field::Phase(_));
        let (plan, state) = self.own(task)?;
        if fields.iter().any(marks)
            && let Some(plan) = plan
        {
            items.push(item(&plan, PublishKind::PhaseMarkers { task: task.id }));
        }
        if let Some(path) = state
            && self.top.join(&path).is_file()
        {
            items.push(item(&path, PublishKind::ProjectState { task: task.id }));
        }
        Ok(items)
    }
}

/// The files without those that are named again.
pub(super) fn each_once(mut items: Vec<PublishItem>) -> Vec<PublishItem> {
    let mut seen = BTreeSet::new();
    items.retain(|item| seen.insert(item.path.clone()));
    items
}

fn item(path: &RepoPath, kind: PublishKind) -> PublishItem {
    PublishItem {
        path: path.clone(),
        kind,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DIRECTORIES: [&str; 6] = [
        "007_sort_it",
        "7_sort_it",
        "OC_7_sort_it",
        "007_other",
        "archive/007_sort_it",
        "8_sort_it",
    ];

    /// Every choice of some of these.
    fn choices<'a>(of: &'a [&'a str]) -> impl Iterator<Item = Vec<&'a str>> {
        (0_u32..1 << of.len()).map(|choice| {
            let chosen = of.iter().enumerate();
            let chosen = chosen.filter(|(place, _)| choice >> place & 1 == 1);
            chosen.map(|(_, path)| *path).collect()
        })
    }

    #[test]
    fn what_links_name_is_what_a_look_at_all_directories_finds() {
        let mut compared = 0;
        for there in choices(&DIRECTORIES) {
            let top = tempfile::tempdir().unwrap();
            for path in &there {
                fs_err::create_dir_all(top.path().join("specs").join(path)).unwrap();
            }
            let places = Places::new(top.path(), &super::super::key("specs").unwrap()).unwrap();
            for linked in choices(&DIRECTORIES[..5]) {
                let artifacts = linked.iter().map(|path| {
                    json!({ "path": format!("specs/{path}/reports/01_a.md"), "kind": "report" })
                });
                let task: Task = serde_json::from_value(json!({
                    "id": format!("{:032x}", 7), "number": 7, "title": "Sort it",
                    "slug": "sort_it", "status": "planned", "place": "active",
                    "artifacts": artifacts.collect::<Vec<_>>(),
                }))
                .unwrap();
                let found = places.found_directory(&task);
                assert_eq!(
                    places.directory(&task),
                    found.unwrap(),
                    "{there:?} {linked:?}"
                );
                compared += usize::from(places.linked_directory(&task).is_some());
            }
        }
        assert!(compared > 500, "{compared}");
    }
}
