//! A snapshot: what the work tree held at one instant, as far as it differed from HEAD.
//!
//! It is taken by git's own status, so ignore rules, filters, line endings and the
//! executable bit mean what they mean to git. It touches neither the index nor a lock.
//! Contents that a later delta may need are kept as blobs in the object database; no
//! reference holds them, which is enough for the two weeks that git keeps young objects.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use airboss_core::path::RepoPath;
use fs_err as fs;
use serde::{Deserialize, Serialize};

use super::commit::enter_gate;
use super::error::{GitError, GixContext as _};
use super::object::{Entry, FileMode, Oid};
use super::program::Git;
use super::repository::Repository;

/// How often a snapshot is tried anew when files vanish or HEAD moves under it.
const TRIES_MAX: u32 = 5;

/// Why a path cannot be attributed to anybody, nor committed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnattributableReason {
    /// Its name is not UTF-8 or holds characters that paths here may not have.
    Name,
    /// It is a submodule.
    Submodule,
    /// It is a repository of its own inside this one.
    EmbeddedRepository,
    /// A merge left it in conflict.
    Unmerged,
    /// It cannot be read, or it is neither a file nor a link.
    Unreadable,
}

/// A changed path that stays out of every attribution and commit, with its reason.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Unattributable {
    /// The path, escaped where it is not printable.
    pub path: String,
    /// The reason.
    pub reason: UnattributableReason,
}

/// What the caller knows when it takes a snapshot.
#[derive(Clone, Copy, Default, Debug)]
pub struct SnapshotOptions<'a> {
    /// Files and directories to leave out: what Airboss itself writes.
    pub excluded: &'a [RepoPath],
    /// The snapshot before. With it, every content that is new since then is kept as
    /// a blob; without it, the contents of changed tracked files are.
    pub baseline: Option<&'a Snapshot>,
}

/// What the work tree and the index held at one instant, where they differed from HEAD.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// The commit that was checked out; `None` before the first one.
    pub head: Option<Oid>,
    /// Each path that differed from HEAD, with its content, `None` when it was deleted.
    pub entries: BTreeMap<RepoPath, Option<Entry>>,
    /// Each path whose index entry differed from HEAD, `None` when its deletion was staged.
    pub staged: BTreeMap<RepoPath, Option<Entry>>,
    /// What differed but cannot be handled.
    pub unattributable: BTreeSet<Unattributable>,
}

impl Snapshot {
    /// Looks at the work tree now.
    ///
    /// # Errors
    /// When git fails, or the work tree changes faster than it can be read.
    pub fn take(repository: &Repository, options: &SnapshotOptions<'_>) -> Result<Self, GitError> {
        // Between moving the branch and patching the index our own commits look as if a person
        // had staged something. Where the gate cannot be had, a change may be credited to
        // nobody for that reason: it is named and left, never committed wrongly.
        let _gate = enter_gate(repository)?;
        for _ in 0..TRIES_MAX {
            let status = Status::read(repository)?;
            let mut reader = Reader {
                repository,
                options,
                snapshot: Self::default(),
            };
            reader.snapshot.head = status.head;
            if !reader.fill(status)? {
                continue;
            }
            let snapshot = reader.snapshot;
            if head_commit(repository)? == snapshot.head {
                return Ok(snapshot);
            }
        }
        Err(GitError::Unsteady {
            path: repository.top().to_owned(),
        })
    }
}

/// The commit that HEAD stands for now.
pub(crate) fn head_commit(repository: &Repository) -> Result<Option<Oid>, GitError> {
    let git = repository.open()?;
    let head = git.head().doing("reading HEAD")?;
    Ok(head.id().map(|id| Oid::from_gix(id.detach())))
}

/// One line of `git status --porcelain=v2`.
struct Line {
    path: Vec<u8>,
    /// The index entry, when it differs from HEAD.
    staged: Option<Option<Entry>>,
    work_tree: WorkTree,
}

enum WorkTree {
    /// The file is what the index holds.
    Known(Option<Entry>),
    /// The file must be read; tracked or not.
    Read { tracked: bool },
    /// The path cannot be handled.
    Refused(UnattributableReason),
}

#[derive(Default)]
struct Status {
    head: Option<Oid>,
    lines: Vec<Line>,
}

impl Status {
    fn read(repository: &Repository) -> Result<Self, GitError> {
        let arguments = [
            "status",
            "--porcelain=v2",
            "-z",
            "--branch",
            "--no-ahead-behind",
            "--no-renames",
            "--untracked-files=all",
            "--ignore-submodules=none",
        ];
        let output = Git::new(repository.top(), &arguments).run()?;
        let mut status = Self::default();
        for record in output
            .split(|byte| *byte == 0)
            .filter(|record| !record.is_empty())
        {
            status.record(record).ok_or_else(|| GitError::Output {
                command: "status".to_owned(),
                what: String::from_utf8_lossy(record).into_owned(),
            })?;
        }
        Ok(status)
    }

    fn record(&mut self, record: &[u8]) -> Option<()> {
        let (kind, rest) = (record.first()?, record.get(2..)?);
        match kind {
            b'#' => {
                if let Some(oid) = rest.strip_prefix(b"branch.oid ") {
                    self.head = std::str::from_utf8(oid).ok()?.parse().ok();
                }
            }
            b'1' => self.lines.push(changed(rest)?),
            b'u' => self.lines.push(Line {
                path: rest.splitn(10, |byte| *byte == b' ').nth(9)?.to_owned(),
                staged: None,
                work_tree: WorkTree::Refused(UnattributableReason::Unmerged),
            }),
            b'?' => self.lines.push(Line {
                path: rest.to_owned(),
                staged: None,
                work_tree: match rest.last() {
                    Some(b'/') => WorkTree::Refused(UnattributableReason::EmbeddedRepository),
                    _ => WorkTree::Read { tracked: false },
                },
            }),
            _ => return None,
        }
        Some(())
    }
}

/// `XY sub mH mI mW hH hI path`.
fn changed(rest: &[u8]) -> Option<Line> {
    let mut fields = rest.splitn(8, |byte| *byte == b' ');
    let mut text = || std::str::from_utf8(fields.next()?).ok();
    let (states, submodule) = (text()?, text()?);
    let (_, index_mode, _, _, index_blob) = (text()?, text()?, text()?, text()?, text()?);
    let path = fields.next()?.to_owned();
    if submodule.starts_with('S') {
        let work_tree = WorkTree::Refused(UnattributableReason::Submodule);
        return Some(Line {
            path,
            staged: None,
            work_tree,
        });
    }
    let index = match FileMode::from_octal(index_mode) {
        Some(mode) => Some(Entry {
            mode,
            blob: index_blob.parse().ok()?,
        }),
        None => None,
    };
    let mut states = states.chars();
    let staged = (states.next()? != '.').then_some(index);
    let work_tree = match states.next()? {
        '.' => WorkTree::Known(index),
        'D' => WorkTree::Known(None),
        _ => WorkTree::Read { tracked: true },
    };
    Some(Line {
        path,
        staged,
        work_tree,
    })
}

struct Reader<'a> {
    repository: &'a Repository,
    options: &'a SnapshotOptions<'a>,
    snapshot: Snapshot,
}

/// A regular file that is still to be hashed.
struct Unread {
    path: RepoPath,
    mode: FileMode,
    tracked: bool,
}

impl Reader<'_> {
    /// Returns whether the work tree held still.
    fn fill(&mut self, status: Status) -> Result<bool, GitError> {
        let git = self.repository.open()?;
        let mut unread = Vec::new();
        for line in status.lines {
            let Some(path) = self.path_of(&line) else {
                continue;
            };
            if self.is_excluded(&path) {
                continue;
            }
            if let Some(staged) = line.staged {
                self.snapshot.staged.insert(path.clone(), staged);
            }
            match line.work_tree {
                WorkTree::Refused(_) => {}
                // A staged deletion whose file is still there comes a second time, as untracked.
                WorkTree::Known(entry) => {
                    self.snapshot.entries.entry(path).or_insert(entry);
                }
                WorkTree::Read { tracked } => match self.stat(&path)? {
                    Stat::Vanished => return Ok(false),
                    Stat::Strange => self.refuse(path.as_str(), UnattributableReason::Unreadable),
                    Stat::Link(target) => {
                        let blob = git.write_blob(target).doing("storing a link's target")?;
                        let blob = Oid::from_gix(blob.detach());
                        let entry = Entry {
                            mode: FileMode::Symlink,
                            blob,
                        };
                        self.snapshot.entries.insert(path, Some(entry));
                    }
                    Stat::File(mode) => unread.push(Unread {
                        path,
                        mode,
                        tracked,
                    }),
                },
            }
        }
        self.hash(unread)
    }

    fn path_of(&mut self, line: &Line) -> Option<RepoPath> {
        let text = std::str::from_utf8(&line.path);
        let shown = || line.path.escape_ascii().to_string();
        if let WorkTree::Refused(reason) = line.work_tree {
            let shown = text.map_or_else(|_| shown(), |text| text.escape_debug().to_string());
            self.refuse(shown.trim_end_matches('/'), reason);
            return None;
        }
        // A name that normalising would change is not the name of this file.
        let path = text
            .ok()
            .and_then(|text| RepoPath::new(text).ok().filter(|it| it.as_str() == text));
        if path.is_none() {
            self.refuse(&shown(), UnattributableReason::Name);
        }
        path
    }

    fn refuse(&mut self, path: &str, reason: UnattributableReason) {
        let excluded = RepoPath::new(path).is_ok_and(|path| self.is_excluded(&path));
        if !excluded {
            self.snapshot.unattributable.insert(Unattributable {
                path: path.to_owned(),
                reason,
            });
        }
    }

    fn is_excluded(&self, path: &RepoPath) -> bool {
        let covers = |outer: &RepoPath| {
            let rest = path.as_str().strip_prefix(outer.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.options.excluded.iter().any(covers)
    }

    fn stat(&self, path: &RepoPath) -> Result<Stat, GitError> {
        let file = self.repository.top().join(path);
        let metadata = match fs::symlink_metadata(&file) {
            Ok(metadata) => metadata,
            Err(error) if is_gone(&error) => return Ok(Stat::Vanished),
            Err(_) => return Ok(Stat::Strange),
        };
        if metadata.is_symlink() {
            return Ok(match fs::read_link(&file) {
                Ok(target) => Stat::Link(target.as_os_str().as_bytes().to_owned()),
                Err(_) => Stat::Vanished,
            });
        }
        if !metadata.is_file() {
            return Ok(Stat::Strange);
        }
        let executable = metadata.permissions().mode() & 0o100 != 0;
        Ok(Stat::File(if executable {
            FileMode::Executable
        } else {
            FileMode::Regular
        }))
    }

    /// Hashes the regular files as git would store them, and keeps the contents that
    /// a later delta may need.
    fn hash(&mut self, unread: Vec<Unread>) -> Result<bool, GitError> {
        let (keep, rest): (Vec<_>, Vec<_>) = unread
            .into_iter()
            .partition(|file| file.tracked && self.options.baseline.is_none());
        let Some(known) = self.hash_all(&rest, false)? else {
            return Ok(false);
        };
        let mut again = keep;
        for (file, blob) in rest.into_iter().zip(known) {
            let entry = blob.map(|blob| Entry {
                mode: file.mode,
                blob,
            });
            match (self.options.baseline, entry) {
                (Some(baseline), entry) if !holds_content(baseline, &file.path, entry) => {
                    again.push(file);
                }
                (_, Some(entry)) => {
                    self.snapshot.entries.insert(file.path, Some(entry));
                }
                (_, None) => self.refuse(file.path.as_str(), UnattributableReason::Unreadable),
            }
        }
        let Some(kept) = self.hash_all(&again, true)? else {
            return Ok(false);
        };
        for (file, blob) in again.into_iter().zip(kept) {
            match blob {
                Some(blob) => {
                    let entry = Entry {
                        mode: file.mode,
                        blob,
                    };
                    self.snapshot.entries.insert(file.path, Some(entry));
                }
                None => self.refuse(file.path.as_str(), UnattributableReason::Unreadable),
            }
        }
        Ok(true)
    }

    /// One id for each file, in order; `None` for a file that cannot be read. The whole
    /// is `None` when a file vanished.
    fn hash_all(
        &self,
        files: &[Unread],
        write: bool,
    ) -> Result<Option<Vec<Option<Oid>>>, GitError> {
        if files.is_empty() {
            return Ok(Some(Vec::new()));
        }
        if let Ok(ids) = self.hash_batch(files, write) {
            return Ok(Some(ids.into_iter().map(Some).collect()));
        }
        // One unreadable file fails the whole batch: find it by halves.
        let [file] = files else {
            let (left, right) = files.split_at(files.len() / 2);
            let (Some(mut left), Some(right)) =
                (self.hash_all(left, write)?, self.hash_all(right, write)?)
            else {
                return Ok(None);
            };
            left.extend(right);
            return Ok(Some(left));
        };
        let exists = self
            .repository
            .top()
            .join(&file.path)
            .symlink_metadata()
            .is_ok();
        Ok(exists.then(|| vec![None]))
    }

    fn hash_batch(&self, files: &[Unread], write: bool) -> Result<Vec<Oid>, GitError> {
        let mut names = String::new();
        for file in files {
            // A name that starts with a quote would be read as a quoted one.
            let name = file.path.as_str();
            if name.starts_with('"') {
                names.extend(["\"", &name.replace('"', "\\\""), "\"\n"]);
            } else {
                names.extend([name, "\n"]);
            }
        }
        let mut arguments = vec!["hash-object", "--stdin-paths"];
        if write {
            arguments.push("-w");
        }
        let call = Git::new(self.repository.top(), &arguments).stdin(names.as_bytes());
        let text = String::from_utf8_lossy(&call.run()?).into_owned();
        let ids: Result<Vec<Oid>, _> = text.lines().map(str::parse).collect();
        match ids {
            Ok(ids) if ids.len() == files.len() => Ok(ids),
            _ => Err(GitError::Output {
                command: "hash-object".to_owned(),
                what: text,
            }),
        }
    }
}

enum Stat {
    File(FileMode),
    Link(Vec<u8>),
    /// It is gone or changed its kind: look again.
    Vanished,
    Strange,
}

/// Whether `entry` was there before with the same content, so that it needs no keeping.
fn holds_content(baseline: &Snapshot, path: &RepoPath, entry: Option<Entry>) -> bool {
    let before = baseline.entries.get(path).copied().flatten();
    entry.is_none() || before.map(|before| before.blob) == entry.map(|entry| entry.blob)
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Whether a path exists at all, links included.
pub(crate) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
