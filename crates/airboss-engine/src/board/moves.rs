//! Directories of tasks that go into the archive with their tasks, and come back with them.
//!
//! ```text
//! intent (a file) ─▶ the transaction ─▶ the rename ─▶ the commit: HEAD's files, at their new paths
//! ```
//!
//! The task's place in the store is the truth. The intent is written before the transaction, so
//! that a crash anywhere behind it is finished by the next command: an intent whose task is where
//! it leads to is carried out, any other one is dropped once nobody can be about to decide it. A rename that was done is found done.
//!
//! A directory moves as it is, with whatever a person has in it: edits that are not committed are
//! as uncommitted at their new place, and files that git does not know stay unknown to it. What
//! would lose something stays where it is, with the reason: what is staged (its path would be gone
//! from the index), a target that is there already, a link.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use airboss_core::board::{Board, BoardKey, BoardOperation, Place, Task, TaskChange};
use airboss_core::id::TaskId;
use airboss_core::path::RepoPath;
use serde::{Deserialize, Serialize};

use super::places::Places;
use crate::clock;
use crate::git::{Delta, GitError, Repository};
use crate::own_file;
use crate::store::StoreError;
use crate::vfs::{Kind, RealVfs, Vfs as _, create_directories, facts_if_any};

/// The shelf of finished tasks, from the specs root.
const ARCHIVE: &str = "archive/";

/// A transaction is decided within milliseconds, and given up within seconds: an intent without one
/// is no longer somebody's who is about to decide.
const DECIDED_WITHIN: Duration = Duration::from_secs(60);

/// The directory of one task on its way.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DirectoryMove {
    /// Whose it is.
    pub task: TaskId,
    /// Where it was, from the top of the work tree.
    pub from: RepoPath,
    /// Where it goes.
    pub to: RepoPath,
}

/// What operations ask for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Moves {
    /// The directories that move.
    pub moves: Vec<DirectoryMove>,
    /// Those that stay, and why, in words.
    pub left: Vec<String>,
}

impl Moves {
    /// The directories of the tasks that these operations put into the archive or take out of it.
    ///
    /// # Errors
    /// When the directories cannot be read, or git does not tell what is staged.
    pub fn asked_for(
        places: &Places,
        repository: Option<&Repository>,
        board: &Board,
        operations: &[BoardOperation],
    ) -> io::Result<Self> {
        let mut asked = Self::default();
        let mut staged = None;
        for operation in operations {
            let BoardOperation::TaskChanged { task, changes, .. } = operation else {
                continue;
            };
            let to = changes.iter().find_map(|change| match change {
                TaskChange::Place(place) => Some(*place),
                _ => None,
            });
            let Some((to, task)) = to.zip(board.tasks.get(task)) else {
                continue;
            };
            let Some(wish) = wanted(places, task, to)? else {
                continue;
            };
            if staged.is_none() {
                staged = Some(staged_paths(repository)?);
            }
            let staged = staged.as_deref().unwrap_or_default();
            match obstacle(&places.top, &wish)?.or_else(|| is_staged(&wish, staged)) {
                None => asked.moves.push(wish),
                Some(why) => asked.left.push(stays(&wish, &why)),
            }
        }
        Ok(asked)
    }
}

/// The move that belongs to a change of place; `None` when the directory is there already, or
/// there is none.
fn wanted(places: &Places, task: &Task, to: Place) -> io::Result<Option<DirectoryMove>> {
    let Some(directory) = places.look_for_directory(task)? else {
        return Ok(None);
    };
    let target = match (to, directory.strip_prefix(ARCHIVE)) {
        (Place::Archived, None) if !directory.contains('/') => format!("{ARCHIVE}{directory}"),
        (Place::Active, Some(name)) => name.to_owned(),
        _ => return Ok(None),
    };
    let paths = (places.board.file(&directory), places.board.file(&target));
    Ok(match paths {
        (Ok(from), Ok(to)) => Some(DirectoryMove {
            task: task.id,
            from,
            to,
        }),
        _ => None,
    })
}

/// Why a directory is not moved.
#[derive(Debug)]
enum Hindrance {
    /// Something would be lost: it stays.
    Final(String),
    /// The disk is full, say: the intent stays, and the next command tries again.
    Passing(io::Error),
}

impl Hindrance {
    fn told(&self, wish: &DirectoryMove) -> String {
        match self {
            Self::Final(why) => stays(wish, why),
            Self::Passing(error) => {
                let from = &wish.from;
                format!("{from} could not be moved: {error}; the next command tries again")
            }
        }
    }
}

fn stays(wish: &DirectoryMove, why: &str) -> String {
    let DirectoryMove { from, to, .. } = wish;
    format!("{from} stays where it is, because {why}; `git mv {from} {to}` moves it by hand")
}

/// What is in the way on disk.
fn obstacle(top: &Path, wish: &DirectoryMove) -> io::Result<Option<String>> {
    if kind(&top.join(&wish.from))? != Some(Kind::Directory) {
        return Ok(Some("it is a link".to_owned()));
    }
    let target = top.join(&wish.to);
    if kind(&target)?.is_some() {
        return Ok(Some(format!("{} is there already", wish.to)));
    }
    let shelf = target.parent().map(Path::to_owned).unwrap_or_default();
    let is_sound = kind(&shelf)?.is_none_or(|kind| kind == Kind::Directory);
    Ok((!is_sound).then(|| format!("{} is no directory", shelf.display())))
}

/// What stands at a path, if anything.
fn kind(path: &Path) -> io::Result<Option<Kind>> {
    Ok(facts_if_any(&RealVfs, path)?.map(|facts| facts.kind))
}

fn staged_paths(repository: Option<&Repository>) -> io::Result<Vec<RepoPath>> {
    let staged = repository.map_or(Ok(Vec::new()), Repository::staged);
    staged.map_err(|error| io::Error::other(format!("git does not tell what is staged: {error}")))
}

fn is_staged(wish: &DirectoryMove, staged: &[RepoPath]) -> Option<String> {
    let inside = format!("{}/", wish.from);
    let found = staged
        .iter()
        .find(|path| path.as_str().starts_with(&inside));
    found.map(|path| format!("a change of {path} is staged"))
}

/// An intent as it lies on disk.
#[derive(Debug, Serialize, Deserialize)]
struct Intent {
    board: BoardKey,
    #[serde(flatten)]
    wish: DirectoryMove,
}

fn intents(state: &Path) -> PathBuf {
    state.join("moves")
}

fn intent_file(state: &Path, wish: &DirectoryMove) -> PathBuf {
    intents(state).join(format!("{}.json", wish.task))
}

/// Writes down what is about to be decided, before it is.
pub(super) fn intend(state: &Path, board: &BoardKey, moves: &[DirectoryMove]) -> io::Result<()> {
    if moves.is_empty() {
        return Ok(());
    }
    for wish in moves {
        let intent = Intent {
            board: board.clone(),
            wish: wish.clone(),
        };
        own_file::replace(
            state,
            &intent_file(state, wish),
            &serde_json::to_vec(&intent)?,
        )?;
    }
    RealVfs.sync_directory(&intents(state))
}

/// Carries out what this process decided; answers what stays where it is, in words.
pub(super) fn carry_out_all(
    top: &Path,
    moves: Vec<DirectoryMove>,
    busy: &dyn Fn(&RepoPath) -> bool,
) -> Vec<String> {
    let now = moves.into_iter().filter(|wish| !busy(&wish.from));
    let stay = now.filter_map(|wish| {
        let hindrance = carry_out(top, &wish).err()?;
        Some(hindrance.told(&wish))
    });
    stay.collect()
}

/// Carries out what was intended and is stored, drops what is not; answers what stays where it is,
/// in words. `place` tells where a task is; `busy` whether a file below a directory is about to be
/// written: then it waits for the next call.
pub(super) fn finish(
    places: &Places,
    state: &Path,
    place: &dyn Fn(TaskId) -> Result<Option<Place>, StoreError>,
    busy: &dyn Fn(&RepoPath) -> bool,
) -> Vec<String> {
    let mut told = Vec::new();
    // Mostly there is no such directory.
    let entries = fs_err::read_dir(intents(state)).into_iter().flatten();
    for entry in entries.flatten().filter(is_intent) {
        let Ok(bytes) = fs_err::read(entry.path()) else {
            continue;
        };
        // One that was cut off was written before anything was decided.
        let intent: Option<Intent> = serde_json::from_slice(&bytes).ok();
        if let Some(Intent { board, wish }) = intent {
            if board != places.board || busy(&wish.from) {
                continue;
            }
            let is_decided = match place(wish.task) {
                Ok(Some(Place::Archived)) => is_archiving(&wish),
                Ok(Some(Place::Active)) => !is_archiving(&wish),
                Ok(Some(Place::Removed) | None) => false,
                Err(_) => continue,
            };
            if !is_decided && !is_old(&entry) {
                continue;
            }
            if is_decided && let Err(hindrance) = carry_out(&places.top, &wish) {
                told.push(hindrance.told(&wish));
                if matches!(hindrance, Hindrance::Passing(_)) {
                    continue;
                }
            }
        }
        // What cannot be removed is found done by the next call.
        fs_err::remove_file(entry.path()).ok();
    }
    told
}

fn is_intent(entry: &fs_err::DirEntry) -> bool {
    entry
        .path()
        .extension()
        .is_some_and(|ending| ending == "json")
}

/// Whether whoever wrote it must have decided by now.
fn is_old(entry: &fs_err::DirEntry) -> bool {
    let written = entry.metadata().ok().map(|facts| facts.mtime());
    let now = clock::now().as_millis() / 1_000;
    written.is_none_or(|written| now - written > DECIDED_WITHIN.as_secs().cast_signed())
}

/// Whether a move is still to be made, as its intent says.
fn is_intended(repository: &Repository, wish: &DirectoryMove) -> bool {
    let path = repository
        .state_dir()
        .map(|state| intent_file(&state, wish));
    let bytes = path.ok().and_then(|path| fs_err::read(path).ok());
    let intent: Option<Intent> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    intent.is_some_and(|intent| intent.wish == *wish)
}

fn is_archiving(wish: &DirectoryMove) -> bool {
    wish.to.as_str().len() > wish.from.as_str().len()
}

/// Renames the directory, unless that is done.
fn carry_out(top: &Path, wish: &DirectoryMove) -> Result<(), Hindrance> {
    if is_done(top, wish) {
        return Ok(());
    }
    if let Some(why) = obstacle(top, wish).map_err(Hindrance::Passing)? {
        return Err(Hindrance::Final(why));
    }
    let rename = || -> io::Result<()> {
        let (from, to) = (top.join(&wish.from), top.join(&wish.to));
        let shelves = [from.parent(), to.parent()];
        if let Some(shelf) = to.parent() {
            create_directories(&RealVfs, shelf)?;
        }
        RealVfs.rename_no_replace(&from, &to)?;
        for shelf in shelves.into_iter().flatten() {
            RealVfs.sync_directory(shelf)?;
        }
        Ok(())
    };
    match rename() {
        Ok(()) => Ok(()),
        // Somebody else was faster.
        Err(_) if is_done(top, wish) => Ok(()),
        Err(error) => Err(Hindrance::Passing(error)),
    }
}

fn is_done(top: &Path, wish: &DirectoryMove) -> bool {
    matches!(kind(&top.join(&wish.from)), Ok(None)) && top.join(&wish.to).is_dir()
}

/// What a move is in a commit: the branch's files, and nothing that is not committed, at their new
/// paths. Nothing when the directory did not move.
///
/// # Errors
/// When it could not be moved now, or the branch cannot be read.
pub(super) fn deltas(
    repository: &Repository,
    wish: &DirectoryMove,
) -> Result<Vec<Delta>, GitError> {
    // Whoever makes the commits may be faster than whoever moves the directories; and a move may
    // have been taken back before its commit was made.
    let top = repository.top();
    let is_made = match is_intended(repository, wish).then(|| carry_out(top, wish)) {
        Some(Ok(())) => true,
        Some(Err(Hindrance::Final(_))) => false,
        // The commit waits for it.
        Some(Err(Hindrance::Passing(error))) => return Err(error.into()),
        None => is_done(top, wish),
    };
    if !is_made {
        return Ok(Vec::new());
    }
    let known = repository.head_files(&wish.to)?;
    let mut deltas = Vec::new();
    for (path, entry) in repository.head_files(&wish.from)? {
        let rest = path
            .as_str()
            .strip_prefix(wish.from.as_str())
            .unwrap_or_default();
        let Ok(to) = RepoPath::new(&format!("{}{rest}", wish.to)) else {
            continue;
        };
        let before = known.iter().find(|(known, _)| *known == to);
        deltas.push(Delta {
            path: to,
            before: before.map(|(_, entry)| *entry),
            after: Some(entry),
        });
        deltas.push(Delta {
            path,
            before: Some(entry),
            after: None,
        });
    }
    Ok(deltas)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_moved_now_is_tried_again() {
        let directory = tempfile::tempdir().unwrap();
        let (top, state) = (directory.path().join("top"), directory.path().join("state"));
        fs_err::create_dir_all(top.join("specs/1_a")).unwrap();
        let board = BoardKey::new(RepoPath::new("specs").unwrap());
        let places = Places::new(&top, &board).unwrap();
        // No file system takes so long a name.
        let long = format!("specs/archive/{}", "x".repeat(300));
        let path = |path: &str| RepoPath::new(path).unwrap();
        let mut wish = DirectoryMove {
            task: TaskId::from_uuid(uuid::Uuid::from_u128(1)),
            from: path("specs/1_a"),
            to: path(&long),
        };
        let archived = |_| Ok(Some(Place::Archived));
        let finish = || finish(&places, &state, &archived, &|_| false);
        intend(&state, &board, &[wish.clone()]).unwrap();
        for _ in 0..2 {
            let told = finish();
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(
                told[0].ends_with("the next command tries again"),
                "{told:?}"
            );
        }
        wish.to = path("specs/archive/1_a");
        intend(&state, &board, &[wish.clone()]).unwrap();
        assert_eq!(finish(), Vec::<String>::new());
        assert!(is_done(&top, &wish));
        assert!(!intent_file(&state, &wish).exists());
    }
}
