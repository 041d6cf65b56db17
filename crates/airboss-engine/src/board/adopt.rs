//! Taking a board as it is found: first a survey that only reads, then one transaction.

use std::collections::{BTreeMap, BTreeSet};

use airboss_core::board::directory::Directory;
use airboss_core::board::drift::Side;
use airboss_core::board::link;
use airboss_core::board::reconcile::{Adopted, Adoption, Evidence, adopt};
use airboss_core::board::{Artifact, BoardKey, EditError, Task, TaskFacts, TaskStatus};
use airboss_core::operation::Operation;
use airboss_core::path::RepoPath;
use airboss_core::plan::{Phase, Plan};
use airboss_core::time::Timestamp;
use fs_err as fs;

use super::desk::{BoardError, Desk, Done};
use super::find::{is_absent, task_directories};
use super::list_file::{ListFile, Parsed};
use super::places::Places;
use crate::clock;
use crate::projection::Settled;
use crate::store::{Change, CommandId, Decided, PublishItem, PublishKind, Store as _, Wanted};
use crate::workspace::Workspace;

/// How far back the history is asked which of two files was changed last.
const COMMITS_MAX: usize = 300;

/// A board as it was found; nothing was written.
#[derive(Debug)]
pub struct Survey {
    /// Its files.
    pub places: Places,
    /// What TODO.md says; `None` when there is none.
    pub todo: Option<Parsed>,
    /// What state.json says; `None` when there is none.
    pub state: Option<Parsed>,
    /// What adopting it will store, and every disagreement with the rule that settles it.
    pub adopted: Adopted,
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
        let todo = read_list(workspace, &todo)?;
        let state = read_list(workspace, &state)?;
        let archive = read_archive(&places)?;
        let evidence = Evidences::new(workspace, &places, todo.as_ref(), state.as_ref())?;
        let adopted = adopt(&Adoption {
            board,
            todo: todo.as_ref().map(|parsed| parsed.facts.as_slice()),
            todo_next: todo.as_ref().and_then(|parsed| parsed.next_number),
            state: state.as_ref().map(|parsed| parsed.facts.as_slice()),
            state_next: state.as_ref().and_then(|parsed| parsed.next_number),
            archive: &archive,
            evidence: &evidence.by_number,
            prefer,
            directories: &evidence.directory_numbers,
            now: clock::now(),
        });
        Ok(Self {
            places,
            todo,
            state,
            adopted,
        })
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
        let mut store = workspace.open_store()?;
        let board = self.places.board.clone();
        let publish: Vec<PublishItem> = self.places.lists().to_vec();
        let operations = &self.adopted.operations;
        let decided =
            store.decide_board(&board, command, &Wanted::Ids(Vec::new()), &mut |now| {
                if now.board.sequence > 0 {
                    return Err("it is adopted already".into());
                }
                Ok(Change {
                    operations: operations
                        .iter()
                        .map(|operation| Operation::Board {
                            operation: operation.clone(),
                        })
                        .collect(),
                    publish: publish.clone(),
                    ..Change::default()
                })
            })?;
        let operations = match decided {
            Decided::Applied { operations, .. } => operations,
            Decided::Refused(refusal) => return Err(BoardError::Refused(refusal)),
            Decided::Duplicate { .. } | Decided::UnknownStep => Vec::new(),
        };
        let mut desk = Desk::open(workspace, &board)?;
        let mut done = Done {
            result: serde_json::Value::Null,
            operations,
            settled: Settled::default(),
            commits: Vec::new(),
        };
        desk.finish(&mut done)?;
        Ok((desk, done))
    }
}

/// Reads TODO.md or state.json; `None` when there is none.
///
/// # Errors
/// When it cannot be read, or is damaged.
pub fn read_list(workspace: &Workspace, item: &PublishItem) -> Result<Option<Parsed>, BoardError> {
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
        Ok(parsed) => Ok(Some(parsed)),
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
fn read_archive(places: &Places) -> Result<Vec<TaskFacts>, BoardError> {
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
struct Evidences {
    by_number: BTreeMap<u32, Evidence>,
    directory_numbers: BTreeSet<u32>,
}

impl Evidences {
    fn new(
        workspace: &Workspace,
        places: &Places,
        todo: Option<&Parsed>,
        state: Option<&Parsed>,
    ) -> Result<Self, BoardError> {
        let directories = task_directories(&places.root())?;
        let current = directories
            .iter()
            .filter(|path| !path.starts_with("vault/"));
        let current = current.filter_map(|path| Directory::parse(path));
        let directory_numbers = current.map(|directory| directory.number).collect();
        let mut by_number = BTreeMap::new();
        for number in disputed(todo, state) {
            by_number.insert(number, evidence(places, &directories, number));
        }
        let mut evidences = Self {
            by_number,
            directory_numbers,
        };
        if !evidences.by_number.is_empty() {
            evidences.ask_the_history(workspace, places)?;
        }
        Ok(evidences)
    }

    /// When each file last changed the status of each disputed task.
    fn ask_the_history(
        &mut self,
        workspace: &Workspace,
        places: &Places,
    ) -> Result<(), BoardError> {
        let Some(repository) = &workspace.repository else {
            return Ok(());
        };
        for PublishItem { path, kind } in places.lists() {
            let Some(file) = ListFile::of(&kind) else {
                continue;
            };
            let versions = repository.versions(&path, COMMITS_MAX)?;
            let mut open: BTreeMap<u32, Option<TaskStatus>> = BTreeMap::new();
            let mut since: BTreeMap<u32, Timestamp> = BTreeMap::new();
            for (place, (at, bytes)) in versions.iter().enumerate() {
                let Ok(parsed) = (file.parse)(bytes) else {
                    continue;
                };
                let statuses: BTreeMap<u32, TaskStatus> = parsed
                    .facts
                    .into_iter()
                    .filter_map(|facts| Some((facts.number, facts.status?)))
                    .collect();
                if place == 0 {
                    for number in self.by_number.keys() {
                        open.insert(*number, statuses.get(number).cloned());
                    }
                }
                open.retain(|number, newest| {
                    let same = statuses.get(number) == newest.as_ref();
                    if same {
                        since.insert(*number, *at);
                    }
                    same
                });
                if open.is_empty() {
                    break;
                }
            }
            for (number, at) in since {
                if let Some(evidence) = self.by_number.get_mut(&number) {
                    match kind {
                        PublishKind::Todo => evidence.todo_changed = Some(at),
                        _ => evidence.state_changed = Some(at),
                    }
                }
            }
        }
        Ok(())
    }
}

/// The numbers whose status differs, or that only one of the files has.
fn disputed(todo: Option<&Parsed>, state: Option<&Parsed>) -> BTreeSet<u32> {
    let statuses = |parsed: Option<&Parsed>| -> BTreeMap<u32, Option<TaskStatus>> {
        let facts = parsed.map_or(&[][..], |parsed| &parsed.facts);
        let pair = |facts: &TaskFacts| (facts.number, facts.status.clone());
        facts.iter().map(pair).collect()
    };
    let (todo, state) = (statuses(todo), statuses(state));
    let numbers = todo.keys().chain(state.keys());
    let differs = |number: &&u32| todo.get(number) != state.get(number);
    numbers.filter(differs).copied().collect()
}

/// What lies in the directory of a task.
fn evidence(places: &Places, directories: &[String], number: u32) -> Evidence {
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
    let plans = evidence.artifacts.iter().filter(|it| it.kind == "plan");
    if let Some(plan) = plans.max_by_key(|it| it.path.clone())
        && let Ok(bytes) = fs::read(places.top.join(&plan.path))
    {
        let phase = |phase: &Phase| (phase.key.clone(), phase.status);
        evidence.phases = Plan::parse(&bytes).phases.iter().map(phase).collect();
        evidence.plan = Some(plan.path.clone());
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
