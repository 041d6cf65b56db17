//! Files that people, agents and git read, brought up to date after each commit of the store.
//!
//! The store is the truth; the outbox says which files are stale. For each of them:
//!
//! ```text
//! read ─▶ splice or render ─▶ temporary file, synced ─▶ exchange ─▶ look at what came out
//!   ▲                                                                    │ not what was read
//!   └────────────────────────────────────────────────────────────────────┘
//!                                    then: read back ─▶ cleared from the outbox
//! ```
//!
//! A crash anywhere leaves the row in the outbox, and whoever writes next finishes it: recovery
//! is the normal path. The gate only saves publishers from doing the same work twice.

mod content;
mod exchange;
mod place;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

use airboss_core::operation::PlanKey;
use airboss_core::path::RepoPath;
use airboss_core::status_file::Damage;
use airboss_core::time::Timestamp;
use fs_err as fs;
use sha2::{Digest as _, Sha256};

use self::content::{Content, content};
use self::exchange::{Replaced, replace};
pub use self::place::PlaceError;
use crate::clock;
use crate::store::{PublishKind, PublishRow, Store, StoreError};
use crate::workspace::Workspace;

/// How often a file that changes under our hands is tried before it stays pending: a person who
/// saves is done long before.
const TRIES_MAX: usize = 20;

/// A file that cannot be parsed and is younger than this may be half written by an editor.
const HOT: Duration = Duration::from_millis(250);

/// How long a publisher waits for another one, before it goes on beside it.
const GATE_PATIENCE: Duration = Duration::from_secs(2);

/// Writes the projections of one work tree.
#[derive(Clone, Debug)]
pub struct Publisher {
    top: PathBuf,
    state: PathBuf,
    /// Git's list of what nobody wants to see in `git status`, local to this clone.
    exclude: Option<PathBuf>,
}

/// What became of the outbox.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Settled {
    /// Files that were written.
    pub written: Vec<RepoPath>,
    /// Files that stay pending, and why.
    pub pending: Vec<Pending>,
    /// What a person should know, one sentence each.
    pub notes: Vec<String>,
}

/// A file that could not be published now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pending {
    /// Where.
    pub path: RepoPath,
    /// Why.
    pub reason: String,
}

/// Why one file stays pending.
#[derive(Debug, thiserror::Error)]
enum PublishError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{0}")]
    Refused(Damage),
    #[error("it changed {TRIES_MAX} times while it was written")]
    Unsteady,
}

/// SHA-256 of a file's bytes, as the store keeps it of what was published.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Publishes everything in the outbox; answers in words what could not be.
///
/// Quick when there is nothing to do.
pub fn settle(store: &mut dyn Store, workspace: &Workspace) -> Vec<String> {
    let publisher = Publisher::new(workspace);
    match publisher.settle(store, None) {
        Ok(settled) => settled
            .pending
            .iter()
            .map(|pending| format!("{}: {}", pending.path, pending.reason))
            .collect(),
        Err(error) => vec![error.to_string()],
    }
}

impl Publisher {
    /// A publisher for a work tree.
    #[must_use]
    pub fn new(workspace: &Workspace) -> Self {
        let info = workspace.repository.as_ref();
        Self {
            top: workspace.top.clone(),
            state: workspace.state.clone(),
            exclude: info.map(|git| git.common_dir().join("info").join("exclude")),
        }
    }

    /// Publishes everything in the outbox, of one plan or of all.
    ///
    /// What cannot be published stays in the outbox and is named.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub fn settle(
        &self,
        store: &mut dyn Store,
        plan: Option<&PlanKey>,
    ) -> Result<Settled, StoreError> {
        let mut settled = Settled::default();
        if store.to_publish(plan)?.is_empty() {
            return Ok(settled);
        }
        let gate = self.gate();
        // Whoever held the gate before may have published our rows, too.
        let mut rows = store.to_publish(plan)?;
        // status.json last: who sees a change in it finds it everywhere.
        rows.sort_by_key(|row| row.kind == PublishKind::StatusJson);
        for row in rows {
            match self.publish(store, &row, &mut settled.notes) {
                Ok(true) => settled.written.push(row.path),
                Ok(false) => {}
                Err(error) => settled.pending.push(Pending {
                    path: row.path,
                    reason: error.to_string(),
                }),
            }
        }
        drop(gate);
        Ok(settled)
    }

    /// Writes a file that is no projection, with the same care: findings, for example.
    ///
    /// # Errors
    /// When it cannot be written, or its place is not inside the work tree.
    pub fn write(&self, path: &RepoPath, content: &[u8]) -> io::Result<()> {
        let target = place::resolve(&self.top, path, true).map_err(|error| match error {
            PlaceError::Io(error) => error,
            other => io::Error::other(other),
        })?;
        let temporary = self.state.join("tmp");
        fs::create_dir_all(&temporary)?;
        for _ in 0..TRIES_MAX {
            let found = read(&target)?;
            if found.as_deref() == Some(content) {
                return Ok(());
            }
            // The whole file is the caller's, so that what is displaced has had its day.
            if replace(&target, found.as_deref(), content, &temporary)? != Replaced::Untouched {
                return Ok(());
            }
        }
        Err(io::Error::other(format!("{path} appears again and again")))
    }

    /// Publishes one file; `false` when it said everything already.
    fn publish(
        &self,
        store: &mut dyn Store,
        row: &PublishRow,
        notes: &mut Vec<String>,
    ) -> Result<bool, PublishError> {
        let create = row.kind != PublishKind::PlanMarkers;
        let target = place::resolve(&self.top, &row.path, create)?;
        let temporary = self.state.join("tmp");
        fs::create_dir_all(&temporary)?;
        let mut on_disk = read(&target)?;
        if on_disk.is_none() {
            self.exclude(row)?;
        }
        // What the new content is made from: the disk, or what our last exchange displaced.
        let mut base = on_disk.clone();
        let mut written = false;
        for _ in 0..TRIES_MAX {
            let (new, up_to) = content(store, row, base.as_deref())?;
            let new = match new {
                Content::Write(new) => new,
                Content::UpToDate if base == on_disk => {
                    let hash = on_disk.as_deref().map(digest).unwrap_or_default();
                    store.published(&row.plan, &row.path, up_to, &hash)?;
                    return Ok(written);
                }
                // What was displaced says everything: it goes back as it was.
                Content::UpToDate => base.clone().unwrap_or_default(),
                Content::Gone => {
                    store.published(&row.plan, &row.path, up_to, "")?;
                    return Ok(written);
                }
                Content::Damaged(damage) => {
                    self.damaged(&target, row, damage, base.as_deref(), notes)?;
                    on_disk = read(&target)?;
                    base.clone_from(&on_disk);
                    continue;
                }
            };
            match replace(&target, on_disk.as_deref(), &new, &temporary)? {
                Replaced::AsRead => {
                    written = true;
                    // Read back: a disk or a person may have had other ideas.
                    on_disk = read(&target)?;
                    base.clone_from(&on_disk);
                    if on_disk.as_deref() != Some(&new[..]) {
                        continue;
                    }
                    // When the row stays, somebody has just stored something newer, and will
                    // publish it: one process does not work for all that come after it.
                    store.published(&row.plan, &row.path, up_to, &digest(&new))?;
                    return Ok(true);
                }
                // What we wrote stands there now, and nothing that is saved on top of it may
                // be taken for it: so it is not read again.
                Replaced::Displaced(saved) => {
                    written = true;
                    on_disk = Some(new);
                    base = Some(saved);
                }
                Replaced::Untouched => {
                    on_disk = read(&target)?;
                    base.clone_from(&on_disk);
                }
            }
        }
        Err(PublishError::Unsteady)
    }

    /// Keeps `git status` clean of files that only Airboss writes. A tracked file stays tracked.
    fn exclude(&self, row: &PublishRow) -> io::Result<()> {
        let Some(exclude) = &self.exclude else {
            return Ok(());
        };
        let path = &escaped(row.path.as_str());
        let pattern = match (&row.kind, path.rsplit_once("/timestamps/")) {
            (PublishKind::StatusJson, _) => format!("/{path}*"),
            (PublishKind::RunRecord { .. }, Some((output, _))) => format!("/{output}/timestamps/"),
            _ => return Ok(()),
        };
        let known = read(exclude)?.unwrap_or_default();
        let known = String::from_utf8_lossy(&known);
        if known.lines().any(|line| line == pattern) {
            return Ok(());
        }
        if let Some(directory) = exclude.parent() {
            fs::create_dir_all(directory)?;
        }
        let break_before = if known.is_empty() || known.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        let mut file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(exclude)?;
        file.write_all(format!("{break_before}{pattern}\n").as_bytes())
    }

    /// Puts a file aside that cannot be built upon; what was in it is never lost.
    fn damaged(
        &self,
        target: &Path,
        row: &PublishRow,
        damage: Damage,
        bytes: Option<&[u8]>,
        notes: &mut Vec<String>,
    ) -> Result<(), PublishError> {
        if matches!(damage, Damage::Newer { .. }) {
            return Err(PublishError::Refused(damage));
        }
        if wait_while_hot(target) {
            return Ok(());
        }
        let aside = aside_name(target)?;
        let shown = aside.strip_prefix(&self.top).unwrap_or(&aside);
        // The bytes at hand may be those that an exchange displaced, not those on disk.
        let now = read(target)?;
        if now.as_deref() == bytes {
            fs::rename(target, &aside)?;
        } else if let Some(bytes) = bytes {
            fs::write(&aside, bytes)?;
        }
        notes.push(format!(
            "{} could not be read ({damage}); it is kept as {} and was written anew",
            row.path,
            shown.display()
        ));
        Ok(())
    }

    /// Waits for the other publishers of this store; `None` after [`GATE_PATIENCE`].
    fn gate(&self) -> Option<fs::File> {
        let path = self.state.join("gate.publisher");
        let file = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .ok()?;
        let start = Instant::now();
        let mut pause = Duration::from_micros(200);
        while start.elapsed() < GATE_PATIENCE {
            if file.try_lock().is_ok() {
                return Some(file);
            }
            std::thread::sleep(pause);
            // About the time of one publication.
            pause = (pause * 2).min(Duration::from_millis(4));
        }
        None
    }
}

/// A path as a pattern that matches only itself.
fn escaped(path: &str) -> String {
    let special = |character| matches!(character, '*' | '?' | '[' | '!' | '#' | ' ');
    path.chars()
        .flat_map(|character| {
            special(character)
                .then_some('\\')
                .into_iter()
                .chain([character])
        })
        .collect()
}

/// Waits until a file is old enough to be judged; `true` when that took any time.
fn wait_while_hot(target: &Path) -> bool {
    let modified = fs::metadata(target).and_then(|facts| facts.modified());
    let Some(modified) = modified
        .ok()
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok())
    else {
        return false;
    };
    let modified = i64::try_from(modified.as_millis()).unwrap_or(0);
    let age = clock::now().since(Timestamp::from_millis(modified));
    // A file from the future is not waited for: the clock was set back.
    let young = age < HOT && clock::now().as_millis() >= modified;
    if young {
        std::thread::sleep(HOT - age);
    }
    young
}

/// `status.json.corrupt-<n>` with the first number that is free.
fn aside_name(target: &Path) -> io::Result<PathBuf> {
    // A person looks long before there are a thousand of them.
    (1..1_000)
        .map(|number| {
            let mut name = target.as_os_str().to_owned();
            name.push(format!(".corrupt-{number}"));
            PathBuf::from(name)
        })
        .find(|path| path.symlink_metadata().is_err())
        .ok_or_else(|| io::Error::other(format!("{} has 999 corrupt copies", target.display())))
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
