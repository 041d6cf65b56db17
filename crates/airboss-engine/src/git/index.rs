//! The user's index after a commit of ours: his staged changes stay line for line.
//!
//! An entry that was the parent's becomes the commit's; an entry that he had staged
//! gets the same delta as the branch, where that merges, and else stays. Plain indexes
//! (versions 2 and 3) are patched in memory; all others by `git update-index` on a
//! private copy. Nothing here publishes: the result is a finished file.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::SystemTime;

use airboss_core::path::RepoPath;
use fs_err as fs;
use gix::ObjectId;
use gix::index::entry::{Flags, Mode, Stage, Stat};
use gix::index::{File as IndexFile, State, Version};
use gix::objs::Kind;

use super::error::{GitError, GixContext as _};
use super::merge::Merger;
use super::object::{Entry, FileMode, Oid};
use super::program::Git;
use super::repository::Repository;
use super::tree::PathEdit;

/// Larger files are not read again to save git one look at them.
const STAT_BYTES_MAX: u64 = 16 << 20;
/// Paths for one call of `git ls-files`, well below the shortest argument limit.
const PATHS_PER_CALL: usize = 200;
/// The trailing checksum of an index is a SHA-1, or zeros with `index.skipHash`.
const CHECKSUM_BYTES: usize = 20;

/// The index as it was read, with what git's race check needs of its file.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct IndexBytes {
    pub(crate) bytes: Vec<u8>,
    modified: Option<(SystemTime, u32)>,
}

impl IndexBytes {
    /// Reads the index of a work tree; a missing one is empty.
    pub(crate) fn read(path: &Path) -> Result<Self, GitError> {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self {
                    bytes: Vec::new(),
                    modified: None,
                });
            }
            Err(error) => return Err(error.into()),
        };
        let seconds = u32::try_from(metadata.mtime()).unwrap_or(0);
        Ok(Self {
            bytes: fs::read(path)?,
            modified: Some((metadata.modified()?, seconds)),
        })
    }

    /// What is staged at a path without a conflict. A part of a split index counts as nothing.
    pub(crate) fn entry(&self, path: &RepoPath) -> Result<Option<Entry>, GitError> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        Ok(match held_in_state(&self.state()?, path) {
            Held::Entry(entry) => Some(entry),
            _ => None,
        })
    }

    /// The three sides of a path in conflict: the common ancestor's, ours and theirs.
    pub(crate) fn sides(&self, path: &RepoPath) -> Result<[Option<Oid>; 3], GitError> {
        if self.bytes.is_empty() {
            return Ok([None; 3]);
        }
        let state = self.state()?;
        let path = path.as_str().into();
        let side = |stage| {
            let entry = state.entry_by_path_and_stage(path, stage)?;
            Some(Oid::from_gix(entry.id))
        };
        Ok([Stage::Base, Stage::Ours, Stage::Theirs].map(side))
    }

    fn state(&self) -> Result<State, GitError> {
        let kind = gix::hash::Kind::Sha1;
        // Passed through only: the race check uses the file's own time.
        let time = State::new(kind).timestamp();
        let options = gix::index::decode::Options::default();
        let (state, _) =
            State::from_bytes(&self.bytes, time, kind, options).doing("reading the index")?;
        Ok(state)
    }
}

/// Writes the patched index to `file` and returns the paths whose entries had to stay.
pub(crate) fn write_patched(
    repository: &Repository,
    index: &IndexBytes,
    edits: &[PathEdit],
    merger: &mut Merger<'_>,
    file: &Path,
) -> Result<Vec<RepoPath>, GitError> {
    let state = if index.bytes.is_empty() {
        State::new(gix::hash::Kind::Sha1)
    } else {
        index.state()?
    };
    let left = if is_plain(&state) {
        patch_state(repository, index, state, edits, merger, file)?
    } else {
        patch_by_program(repository, index, &state, edits, merger, file)?
    };
    // The lock becomes the index itself, so it must be readable by whoever could read that.
    if let Ok(metadata) = fs::metadata(repository.git_dir().join("index")) {
        fs::set_permissions(file, metadata.permissions())?;
    }
    fs::File::open(file)?.sync_all()?;
    Ok(left)
}

/// Whether nothing is lost when gix writes it: it knows entries and the tree cache.
fn is_plain(state: &State) -> bool {
    state.version() != Version::V4
        && state.link().is_none()
        && state.untracked().is_none()
        && state.fs_monitor().is_none()
        && state.resolve_undo().is_none()
        && !state.is_sparse()
}

/// What the index holds for a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    Entry(Entry),
    Nothing,
    /// `git add --intent-to-add`: the path without a content.
    Intended,
    /// A submodule, or a path in conflict.
    Other,
}

/// The entries to set or to remove, and the paths that stay as they are.
type Updates = (Vec<(RepoPath, Option<Entry>)>, Vec<RepoPath>);

/// What becomes of the entries, and which of them stay although the commit changes them.
fn updates(
    edits: &[PathEdit],
    merger: &mut Merger<'_>,
    held: impl Fn(&RepoPath) -> Held,
) -> Result<Updates, GitError> {
    let (mut updates, mut left) = (Vec::new(), Vec::new());
    for edit in edits {
        let current = match held(&edit.path) {
            Held::Entry(entry) => Some(entry),
            Held::Nothing => None,
            // An intention is no staged change, and as an entry it would delete our file.
            Held::Intended => edit.parent,
            Held::Other => {
                left.push(edit.path.clone());
                continue;
            }
        };
        match merger.apply(edit.parent, edit.new, current)? {
            Ok(next) if next != current || held(&edit.path) == Held::Intended => {
                updates.push((edit.path.clone(), next));
            }
            Ok(_) => {}
            Err(_) => left.push(edit.path.clone()),
        }
    }
    // Deletions first, so that a file may become a directory.
    updates.sort_by_key(|(_, entry)| entry.is_some());
    Ok((updates, left))
}

fn held_in_state(state: &State, path: &RepoPath) -> Held {
    let path = path.as_str().into();
    if let Some(entry) = state.entry_by_path_and_stage(path, Stage::Unconflicted) {
        return match mode_of(entry.mode) {
            Some(_) if entry.flags.contains(Flags::INTENT_TO_ADD) => Held::Intended,
            Some(mode) => Held::Entry(Entry {
                mode,
                blob: Oid::from_gix(entry.id),
            }),
            None => Held::Other,
        };
    }
    match state.entry_range(path) {
        Some(_) => Held::Other,
        None => Held::Nothing,
    }
}

fn mode_of(mode: Mode) -> Option<FileMode> {
    FileMode::from_gix(mode.to_tree_entry_mode()?)
}

const fn index_mode(mode: FileMode) -> Mode {
    match mode {
        FileMode::Regular => Mode::FILE,
        FileMode::Executable => Mode::FILE_EXECUTABLE,
        FileMode::Symlink => Mode::SYMLINK,
    }
}

fn patch_state(
    repository: &Repository,
    index: &IndexBytes,
    mut state: State,
    edits: &[PathEdit],
    merger: &mut Merger<'_>,
    file: &Path,
) -> Result<Vec<RepoPath>, GitError> {
    let (updates, mut left) = updates(edits, merger, |path| held_in_state(&state, path))?;
    if updates.is_empty() {
        // Git reads an empty file as no index, but writes a header: keep what there was.
        if !index.bytes.is_empty() {
            fs::write(file, &index.bytes)?;
            preserve_time(index, file)?;
            return Ok(left);
        }
    }
    smudge_racy_entries(repository, index, &mut state);
    left.extend(apply_updates(repository, &mut state, updates));
    let checksum = index
        .bytes
        .len()
        .checked_sub(CHECKSUM_BYTES)
        .map(|at| &index.bytes[at..]);
    let skip_hash = checksum.is_some_and(|sum| sum.iter().all(|byte| *byte == 0));
    let options = gix::index::write::Options {
        skip_hash,
        ..Default::default()
    };
    let mut out = std::io::BufWriter::new(fs::File::create(file)?);
    IndexFile::from_state(state, file)
        .write_to(&mut out, options)
        .doing("writing the index")?;
    out.into_inner()
        .map_err(std::io::IntoInnerError::into_error)?;
    Ok(left)
}

/// Returns the paths where a file stands where a directory is needed, or the other way round.
fn apply_updates(
    repository: &Repository,
    state: &mut State,
    updates: Vec<(RepoPath, Option<Entry>)>,
) -> Vec<RepoPath> {
    let (mut added, mut left) = (Vec::new(), Vec::new());
    for (path, entry) in updates {
        if let Some(tree) = state.tree_mut() {
            invalidate(tree, path.as_str());
        }
        let name = path.as_str().into();
        let Some(entry) = entry else {
            if let Ok(at) = state.entry_index_by_path(name) {
                state.remove_entry_at_index(at);
            }
            continue;
        };
        let stat = stat_if_clean(repository, &path, entry);
        let (id, mode) = (entry.blob.to_gix(), index_mode(entry.mode));
        if let Some(known) = state.entry_mut_by_path_and_stage(name, Stage::Unconflicted) {
            known.flags.remove(Flags::INTENT_TO_ADD);
            if !known.flags.contains(Flags::SKIP_WORKTREE) {
                known.flags.remove(Flags::EXTENDED);
            }
            (known.id, known.mode, known.stat) = (id, mode, stat);
        } else if has_room(state, &path) {
            added.push((path, stat, id, mode));
        } else {
            left.push(path);
        }
    }
    // Pushing breaks the order that look-ups need, so it comes last.
    for (path, stat, id, mode) in added {
        state.dangerously_push_entry(stat, id, Flags::empty(), mode, path.as_str().into());
    }
    state.sort_entries();
    left
}

/// Whether no entry stands where a directory of `path` would be, and none below it.
fn has_room(state: &State, path: &RepoPath) -> bool {
    let text = path.as_str();
    let mut above = text.match_indices('/').map(|(end, _)| &text[..end]);
    !above.any(|directory| state.entry_by_path(directory.into()).is_some())
        && !state.path_is_directory(text.into())
}

/// The file's stat data when the work tree holds exactly this entry, so that git need
/// not read it again; otherwise zeros, which make git look.
fn stat_if_clean(repository: &Repository, path: &RepoPath, entry: Entry) -> Stat {
    let file = repository.top().join(path);
    let read = || {
        let metadata = gix::index::fs::Metadata::from_path_no_follow(&file).ok()?;
        let mode = match () {
            () if metadata.is_symlink() => FileMode::Symlink,
            () if metadata.is_executable() => FileMode::Executable,
            () => FileMode::Regular,
        };
        let fits = mode == entry.mode && metadata.len() <= STAT_BYTES_MAX;
        (fits && work_tree_hash(&file)? == entry.blob.to_gix()).then_some(())?;
        Stat::from_fs(&metadata).ok()
    };
    read().unwrap_or_default()
}

/// The hash of a file's bytes as they are, which is its blob when no filter applies.
fn work_tree_hash(file: &Path) -> Option<ObjectId> {
    let bytes = if file.is_symlink() {
        fs::read_link(file).ok()?.as_os_str().as_bytes().to_owned()
    } else {
        fs::read(file).ok()?
    };
    gix::objs::compute_hash(gix::hash::Kind::Sha1, Kind::Blob, &bytes).ok()
}

/// Git trusts an entry's stat data only when the file is older than the index. The
/// rewritten index is younger, so entries that were not to be trusted must say so
/// themselves, as git does it: by a size of zero. (`racy-git` in git's documentation.)
///
/// Times are compared in whole seconds, because most builds of git do.
fn smudge_racy_entries(repository: &Repository, index: &IndexBytes, state: &mut State) {
    let Some((_, modified)) = index.modified else {
        return;
    };
    for (entry, path) in state.entries_mut_with_paths() {
        let is_racy = entry.stat.mtime.secs >= modified;
        if !is_racy || mode_of(entry.mode).is_none() {
            continue;
        }
        let file = repository.top().join(OsStr::from_bytes(path));
        if entry.stat.size > u32::try_from(STAT_BYTES_MAX).unwrap_or(u32::MAX)
            || work_tree_hash(&file) != Some(entry.id)
        {
            entry.stat.size = 0;
        }
    }
}

/// Marks the directories above `path` as changed in git's cache of tree ids.
fn invalidate(tree: &mut gix::index::extension::Tree, path: &str) {
    tree.num_entries = None;
    let Some((first, rest)) = path.split_once('/') else {
        tree.children
            .retain(|child| child.name.as_slice() != path.as_bytes());
        return;
    };
    let child = tree
        .children
        .iter_mut()
        .find(|child| child.name.as_slice() == first.as_bytes());
    if let Some(child) = child {
        invalidate(child, rest);
    }
}

/// Lets git itself edit a private copy: for formats that gix cannot write whole.
fn patch_by_program(
    repository: &Repository,
    index: &IndexBytes,
    state: &State,
    edits: &[PathEdit],
    merger: &mut Merger<'_>,
    file: &Path,
) -> Result<Vec<RepoPath>, GitError> {
    fs::write(file, &index.bytes)?;
    preserve_time(index, file)?;
    let listed = list(repository, edits, file)?;
    let held = |path: &RepoPath| match held_in_state(state, path) {
        // A split or sparse index holds only part of its entries itself.
        Held::Nothing => listed.get(path.as_str()).copied().unwrap_or(Held::Nothing),
        known => known,
    };
    let (updates, mut left) = updates(edits, merger, held)?;
    if updates.is_empty() || update_index(repository, file, &updates).is_ok() {
        return Ok(left);
    }
    // One impossible path fails the whole call: find it.
    for update in updates {
        if update_index(repository, file, std::slice::from_ref(&update)).is_err() {
            left.push(update.0);
        }
    }
    Ok(left)
}

/// Git compares the files' times with the index's, so a copy has to keep it.
fn preserve_time(index: &IndexBytes, file: &Path) -> Result<(), GitError> {
    if let Some((modified, _)) = index.modified {
        let times = std::fs::FileTimes::new().set_modified(modified);
        fs::File::options()
            .write(true)
            .open(file)?
            .set_times(times)?;
    }
    Ok(())
}

fn list(
    repository: &Repository,
    edits: &[PathEdit],
    file: &Path,
) -> Result<HashMap<String, Held>, GitError> {
    let mut held = HashMap::new();
    for chunk in edits.chunks(PATHS_PER_CALL) {
        let arguments = ["ls-files", "--stage", "-z", "--"];
        let mut call =
            Git::new(repository.top(), &arguments).variable("GIT_INDEX_FILE", file.as_os_str());
        for edit in chunk {
            call = call.argument(OsStr::new(edit.path.as_str()));
        }
        let output = call.run()?;
        for record in output
            .split(|byte| *byte == 0)
            .filter(|record| !record.is_empty())
        {
            let text = String::from_utf8_lossy(record);
            let (path, found) = parse_stage(&text).ok_or_else(|| GitError::Output {
                command: "ls-files".to_owned(),
                what: text.to_string(),
            })?;
            held.insert(path.to_owned(), found);
        }
    }
    Ok(held)
}

/// `mode SP oid SP stage TAB path`.
fn parse_stage(text: &str) -> Option<(&str, Held)> {
    let (fields, path) = text.split_once('\t')?;
    let mut fields = fields.split(' ');
    let (mode, blob, stage) = (fields.next()?, fields.next()?, fields.next()?);
    let found = match FileMode::from_octal(mode) {
        Some(mode) if stage == "0" => Held::Entry(Entry {
            mode,
            blob: blob.parse().ok()?,
        }),
        _ => Held::Other,
    };
    Some((path, found))
}

fn update_index(
    repository: &Repository,
    file: &Path,
    updates: &[(RepoPath, Option<Entry>)],
) -> Result<(), GitError> {
    let nothing = ObjectId::null(gix::hash::Kind::Sha1).to_string();
    let mut input = String::new();
    for (path, entry) in updates {
        match entry {
            Some(entry) => input.extend([entry.mode.octal(), " ", &entry.blob.to_string()]),
            None => input.extend(["0 ", &nothing]),
        }
        input.extend(["\t", path.as_str(), "\0"]);
    }
    Git::new(repository.top(), &["update-index", "-z", "--index-info"])
        .variable("GIT_INDEX_FILE", file.as_os_str())
        .stdin(input.as_bytes())
        .run()?;
    Ok(())
}
