//! Taking a board as it is found: first a survey that only reads, then one transaction.

use std::collections::{BTreeMap, BTreeSet};

use airboss_core::board::directory::Directory;
use airboss_core::board::drift::Side;
use airboss_core::board::link;
use airboss_core::board::reconcile::{self, Chosen, Evidence, Found, Reconciled};
use airboss_core::board::{
    Artifact, Board, BoardKey, BoardOperation, Cause, EditError, Place, Task, TaskChange,
    TaskFacts, TaskStatus,
};
use airboss_core::path::RepoPath;
use airboss_core::plan::Plan;
use airboss_core::time::Timestamp;
use fs_err as fs;

use super::desk::{BoardError, Desk, Done};
use super::edits::BoardEdits;
use super::find::task_directories;
use super::home::Home;
use super::list_file::{ListFile, Parsed};
use super::places::Places;
use super::seen::next_number_section;
use super::wish::BoardWish;
use crate::clock;
use crate::projection::require_own;
use crate::store::{
    Change, CommandId, FoundSections, GitWish, PublishItem, PublishKind, Section, Store as _,
    Wanted,
};
use crate::vfs::is_absent;
use crate::workspace::Workspace;

/// How far back the history is asked which of two files was changed last.
const COMMITS_MAX: usize = 300;

/// A board as it was found; nothing was written.
#[derive(Debug)]
pub struct Survey {
    /// Its files.
    pub places: Places,
    /// What TODO.md says; `None` when there is none.
    pub todo: Option<ReadList>,
    /// What state.json says; `None` when there is none.
    pub state: Option<ReadList>,
    /// What adopting it will store, and every disagreement with the rule that settles it.
    pub adopted: Reconciled,
    /// What the world shows of the tasks that the files disagree about, by number.
    pub evidence: BTreeMap<u32, Evidence>,
    archive: Vec<TaskFacts>,
    prefer: Option<Side>,
}

/// A file that cannot be adopted; nothing was written.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{path}: {error}")]
pub struct DamagedFile {
    /// The file.
    pub path: RepoPath,
    /// Where, and what.
    pub error: EditError,
    /// Whether the version of HEAD can be read.
    pub head_is_sound: bool,
}

impl Survey {
    /// Reads a board and decides what is to be done about each disagreement. Writes nothing.
    ///
    /// # Errors
    /// When a file cannot be read, or is damaged.
    pub fn take(
        workspace: &Workspace,
        board: &BoardKey,
        prefer: Option<Side>,
    ) -> Result<Self, BoardError> {
        let places = Places::new(&workspace.top, board)?;
        let [todo, state] = places.lists();
        for list in [&todo, &state] {
            require_own(&workspace.top, &list.path)?;
        }
        let todo = read_list(workspace, &todo)?;
        let state = read_list(workspace, &state)?;
        let archive = read_archive(&places)?;
        let evidence = evidence(workspace, &places, todo.as_ref(), state.as_ref())?;
        let adopted = Reconciled::default();
        let mut survey = Self {
            places,
            todo,
            state,
            adopted,
            evidence,
            archive,
            prefer,
        };
        survey.choose(&Chosen::new());
        Ok(survey)
    }

    /// Decides again, with what a person chose. Reads and writes nothing.
    pub fn choose(&mut self, chosen: &Chosen) {
        let facts = |read: &'_ Option<ReadList>| read.as_ref().map(|read| read.parsed.clone());
        let todo = facts(&self.todo).unwrap_or_default();
        let state = facts(&self.state).unwrap_or_default();
        self.adopted = reconcile::adopt(&Found {
            board: &self.places.board,
            todo: &todo.facts,
            todo_next: todo.next_number,
            state: &state.facts,
            state_next: state.next_number,
            archive: &self.archive,
            evidence: &self.evidence,
            prefer: self.prefer,
            chosen,
            now: clock::now(),
        });
    }

    /// Whether there is nothing yet.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.todo.is_none() && self.state.is_none()
    }

    /// Stores what was decided, and writes what it changes about the files.
    ///
    /// # Errors
    /// When the board is known already, or the store fails.
    pub fn carry_out(
        self,
        workspace: Workspace,
        command: Option<&CommandId>,
    ) -> Result<(Desk, Done), BoardError> {
        self.store_in(workspace, command, false)
    }

    /// Stores what was decided, also where the board is known: what the store has and the files
    /// have not is taken off the board, and open conflicts end with what the files say.
    ///
    /// # Errors
    /// When the store fails.
    pub fn rebuild(self, workspace: Workspace) -> Result<(Desk, Done), BoardError> {
        self.store_in(workspace, None, true)
    }

    fn store_in(
        self,
        workspace: Workspace,
        command: Option<&CommandId>,
        anew: bool,
    ) -> Result<(Desk, Done), BoardError> {
        let mut store = workspace.open_store()?;
        let board = self.places.board.clone();
        if let Some(repository) = &workspace.repository
            && store.board_head(&board)?.is_none()
        {
            Home::of(repository, &board).settle(repository)?;
        }
        let publish: Vec<PublishItem> = self.places.lists().to_vec();
        let operations = &self.adopted.operations;
        let found = self.found();
        let git = self.wish(&workspace)?;
        let wanted = match anew {
            true => Wanted::All,
            false => Wanted::Ids(Vec::new()),
        };
        let decided = store.decide_board(&board, command, &wanted, &mut |now| {
            if now.board.sequence > 0 && !anew {
                return Err("it is adopted already".into());
            }
            let mut all = operations.clone();
            all.extend(leaving(&now.board, operations));
            Ok(Change {
                publish: publish.clone(),
                found: found.clone(),
                git: git.clone(),
                ..Change::of_board(all)
            })
        })?;
        let mut done = Done::of(decided, &board)?;
        let mut desk = Desk::open(workspace, &board)?;
        desk.finish(&mut done);
        if self.is_new() {
            desk.take_new_files(&mut done)?;
        }
        desk.remember_head();
        desk.remember_first_boot(&done)?;
        Ok((desk, done))
    }

    /// The commit of what adopting changes about the files; none when that is nothing.
    fn wish(&self, workspace: &Workspace) -> Result<Vec<GitWish>, BoardError> {
        let Some(repository) = &workspace.repository else {
            return Ok(Vec::new());
        };
        let operations = &self.adopted.operations;
        let tasks: BTreeMap<_, _> = operations
            .iter()
            .filter_map(|operation| match operation {
                BoardOperation::TaskAdopted { task } => Some((task.id, (**task).clone())),
                _ => None,
            })
            .collect();
        let now = clock::now();
        let edits = BoardEdits::of_operations(operations, now, |id| tasks.get(&id).cloned());
        if edits.tasks.is_empty() && edits.next_number.is_none() {
            return Ok(Vec::new());
        }
        let changes = self.adopted.settled.len();
        let unit = if changes == 1 { "change" } else { "changes" };
        let wish = BoardWish {
            moves: Vec::new(),
            board: self.places.board.clone(),
            subject: format!("sync: TODO.md and state.json ({changes} {unit})"),
            body: String::new(),
            time: now,
            since: repository.head()?,
            sessions: Vec::new(),
            edits,
            files: Vec::new(),
        };
        Ok(vec![wish.of_operation(operations.len().saturating_sub(1))])
    }
}

impl Survey {
    /// The text of every task as it was found, which later changes are compared with.
    fn found(&self) -> Vec<FoundSections> {
        let mut all = Vec::new();
        let sides = [(Side::Todo, &self.todo), (Side::State, &self.state)];
        for ((side, read), item) in sides.into_iter().zip(self.places.lists()) {
            let (Some(read), Some(file)) = (read, ListFile::of(&item.kind)) else {
                continue;
            };
            let own = self.adopted.bases.iter().filter(|(of, ..)| *of == side);
            let sections = own.map(|(_, task, facts)| Section {
                task: *task,
                hash: file.section_hash(&read.bytes, facts),
                sequence: 0,
                facts: facts.clone(),
            });
            let next = read
                .parsed
                .next_number
                .map(|next| next_number_section(next, 0));
            all.push(FoundSections {
                path: item.path,
                sections: sections.chain(next).collect(),
            });
        }
        all
    }
}

/// What ends when a board that is known is taken from its files anew.
fn leaving(board: &Board, adopted: &[BoardOperation]) -> Vec<BoardOperation> {
    let stays: BTreeSet<_> = adopted.iter().filter_map(BoardOperation::task).collect();
    let gone = board
        .tasks
        .values()
        .filter(|task| task.place != Place::Removed && !stays.contains(&task.id));
    let removed = gone.filter_map(|task| {
        let changes = vec![TaskChange::Place(Place::Removed)];
        BoardOperation::change(task, changes, Cause::Doctor, false)
    });
    let conflicts = board.conflicts.iter();
    let ended = conflicts.map(|conflict| BoardOperation::ConflictResolved {
        conflict: conflict.id,
        taken: false,
    });
    removed.chain(ended).collect()
}

/// TODO.md or state.json as it was read.
#[derive(Clone, PartialEq, Debug)]
pub struct ReadList {
    /// The text.
    pub bytes: Vec<u8>,
    /// What it says.
    pub parsed: Parsed,
}

/// Reads TODO.md or state.json; `None` when there is none.
///
/// # Errors
/// When it cannot be read, or is damaged.
pub fn read_list(
    workspace: &Workspace,
    item: &PublishItem,
) -> Result<Option<ReadList>, BoardError> {
    let path = workspace.top.join(&item.path);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let Some(file) = ListFile::of(&item.kind) else {
        return Ok(None);
    };
    // A TODO.md without a single entry and byte is a board that somebody is about to begin.
    if item.kind == PublishKind::Todo && bytes.is_empty() {
        return Ok(None);
    }
    match (file.parse)(&bytes) {
        Ok(parsed) => Ok(Some(ReadList { bytes, parsed })),
        Err(error) => {
            let head = workspace.repository.as_ref();
            let head = head.and_then(|repository| repository.head_file(&item.path).ok()?);
            let head_is_sound = head.is_some_and(|(_, bytes)| (file.parse)(&bytes).is_ok());
            Err(BoardError::Damaged(DamagedFile {
                path: item.path.clone(),
                error,
                head_is_sound,
            }))
        }
    }
}

/// The tasks of the archive; none when it cannot be read, for it is only looked up in.
///
/// # Errors
/// When the file system refuses.
pub fn read_archive(places: &Places) -> Result<Vec<TaskFacts>, BoardError> {
    match fs::read(places.top.join(&places.archive)) {
        Ok(bytes) => {
            let parsed = airboss_core::board::state_file::archive::parse(&bytes);
            Ok(parsed.map(|file| file.tasks).unwrap_or_default())
        }
        Err(error) if is_absent(&error) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// What the disk and the history say about the tasks that the files disagree about.
fn evidence(
    workspace: &Workspace,
    places: &Places,
    todo: Option<&ReadList>,
    state: Option<&ReadList>,
) -> Result<BTreeMap<u32, Evidence>, BoardError> {
    let numbers = disputed(todo, state);
    if numbers.is_empty() {
        return Ok(BTreeMap::new());
    }
    let directories = task_directories(&places.root())?;
    let [todo_item, state_item] = places.lists();
    let todo_changed = last_changes(workspace, &todo_item, &numbers)?;
    let state_changed = last_changes(workspace, &state_item, &numbers)?;
    let mut found = BTreeMap::new();
    for number in numbers {
        let mut evidence = on_disk(places, &directories, number);
        let said = |read: Option<&'_ ReadList>| {
            let mut facts = read?.parsed.facts.iter();
            facts.find(|facts| facts.number == number).cloned()
        };
        let task = reconcile::join(number, said(todo).as_ref(), said(state).as_ref());
        evidence.phases = phases_on_disk(places, &task);
        evidence.newest = match (todo_changed.get(&number), state_changed.get(&number)) {
            (Some(todo), Some(state)) if todo > state => Some(Side::Todo),
            (Some(todo), Some(state)) if todo < state => Some(Side::State),
            _ => None,
        };
        found.insert(number, evidence);
    }
    Ok(found)
}

/// When the status of each of these tasks came into a file, as far as the history goes back.
fn last_changes(
    workspace: &Workspace,
    item: &PublishItem,
    numbers: &BTreeSet<u32>,
) -> Result<BTreeMap<u32, Timestamp>, BoardError> {
    let mut since = BTreeMap::new();
    let (Some(repository), Some(file)) = (&workspace.repository, ListFile::of(&item.kind)) else {
        return Ok(since);
    };
    let mut open: BTreeMap<u32, Option<TaskStatus>> = BTreeMap::new();
    let versions = repository.versions(&item.path, COMMITS_MAX)?;
    for (place, (at, bytes)) in versions.iter().enumerate() {
        let Ok(parsed) = (file.parse)(bytes) else {
            continue;
        };
        let statuses = statuses(&parsed);
        if place == 0 {
            let newest = |number: &u32| (*number, statuses.get(number).cloned().flatten());
            open = numbers.iter().map(newest).collect();
        }
        open.retain(|number, newest| {
            let same = statuses.get(number).cloned().flatten() == *newest;
            if same {
                since.insert(*number, *at);
            }
            same
        });
        if open.is_empty() {
            break;
        }
    }
    Ok(since)
}

fn statuses(parsed: &Parsed) -> BTreeMap<u32, Option<TaskStatus>> {
    let pair = |facts: &TaskFacts| (facts.number, facts.status.clone());
    parsed.facts.iter().map(pair).collect()
}

/// The numbers whose status differs, or that only one of the files has.
fn disputed(todo: Option<&ReadList>, state: Option<&ReadList>) -> BTreeSet<u32> {
    let all = |read: Option<&ReadList>| read.map(|read| statuses(&read.parsed)).unwrap_or_default();
    let (todo, state) = (all(todo), all(state));
    let numbers = todo.keys().chain(state.keys());
    let differs = |number: &&u32| todo.get(number) != state.get(number);
    numbers.filter(differs).copied().collect()
}

/// What lies in the directory of a task.
fn on_disk(places: &Places, directories: &[String], number: u32) -> Evidence {
    let mut evidence = Evidence::default();
    let own = directories.iter().find(|path| {
        Directory::parse(path).is_some_and(|it| it.number == number && !path.starts_with("vault/"))
    });
    let Some(own) = own else {
        return evidence;
    };
    for folder in ["reports", "plans", "summaries"] {
        let Ok(entries) = fs::read_dir(places.root().join(own).join(folder)) else {
            continue;
        };
        let names = entries.filter_map(|entry| {
            let entry = entry.ok()?;
            let metadata = entry.metadata().ok()?;
            (metadata.is_file() && metadata.len() > 0).then(|| entry.file_name())
        });
        let mut names: Vec<_> = names.filter_map(|name| name.into_string().ok()).collect();
        names.sort();
        for name in names {
            let inside = format!("{own}/{folder}/{name}");
            let Ok(path) = places.board.file(&inside) else {
                continue;
            };
            evidence.artifacts.push(Artifact {
                kind: link::kind_of(&inside).unwrap_or("report").to_owned(),
                path: path.to_string(),
                summary: None,
            });
        }
    }
    evidence
}

/// The markers of the phases in a task's current plan.
#[must_use]
pub fn phases_on_disk(
    places: &Places,
    task: &Task,
) -> Vec<(String, airboss_core::plan::PhaseStatus)> {
    let Some(path) = places.plan(task) else {
        return Vec::new();
    };
    let Ok(bytes) = fs::read(places.top.join(&path)) else {
        return Vec::new();
    };
    let phases = Plan::parse(&bytes).phases.into_iter();
    phases.map(|phase| (phase.key, phase.status)).collect()
}
