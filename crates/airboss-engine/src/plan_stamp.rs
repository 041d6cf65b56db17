//! What is remembered of a plan file, so that a status command need not read it.
//!
//! It is a memory aid and no truth: when it is missing, or the file is not the one that it
//! describes, the plan is read and registered again. It may be deleted at any time.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use airboss_core::operation::PlanKey;
use airboss_core::path::RepoPath;
use fs_err as fs;
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::projection::{digest, fresh_draft};
use crate::vfs::RealVfs;

/// The coarsest kernel clock tick is 10 ms; twice that is safe.
const TICK_MILLIS: i64 = 20;

/// A plan file as it was when it was last registered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PlanStamp {
    bytes: u64,
    modified: i64,
    modified_nanos: i64,
    changed: i64,
    changed_nanos: i64,
    inode: u64,
    /// The content's digest, which decides while the times are too young to.
    content: String,
    /// It was taken within one tick of the file system's clock after the file was changed: a
    /// second change could not be told from the first by its times.
    young: bool,
    /// The plan's output directory.
    pub output: RepoPath,
    /// Whether phase markers can be written into it.
    pub markers: bool,
}

impl PlanStamp {
    /// Describes the file at `path`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn take(path: &Path, output: RepoPath, markers: bool) -> io::Result<Self> {
        // The times first: a change while the content is read makes the stamp stale.
        let mut stamp = Self::of_times(path, output, markers)?;
        stamp.content = digest(&fs::read(path)?);
        stamp.young = clock::now().as_millis() - stamp.changed_millis() < TICK_MILLIS;
        Ok(stamp)
    }

    fn of_times(path: &Path, output: RepoPath, markers: bool) -> io::Result<Self> {
        let facts = fs::metadata(path)?;
        Ok(Self {
            bytes: facts.len(),
            modified: facts.mtime(),
            modified_nanos: facts.mtime_nsec(),
            changed: facts.ctime(),
            changed_nanos: facts.ctime_nsec(),
            inode: facts.ino(),
            content: String::new(),
            young: false,
            output,
            markers,
        })
    }

    fn changed_millis(&self) -> i64 {
        self.changed * 1_000 + self.changed_nanos / 1_000_000
    }

    /// What is remembered, when the file at `path` is still the same.
    #[must_use]
    pub fn recall(state: &Path, plan: &PlanKey, path: &Path) -> Option<Self> {
        let bytes = fs::read(place(state, plan)).ok()?;
        let known: Self = serde_json::from_slice(&bytes).ok()?;
        let now = Self::of_times(path, known.output.clone(), known.markers).ok()?;
        let same_times = now
            == Self {
                content: String::new(),
                young: false,
                ..known.clone()
            };
        let same = same_times && (!known.young || digest(&fs::read(path).ok()?) == known.content);
        same.then_some(known)
    }

    /// Remembers it.
    pub fn keep(&self, state: &Path, plan: &PlanKey) {
        let place = place(state, plan);
        let written = place
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| {
                // When this process dies, the next one removes it.
                let new = fresh_draft(&RealVfs, state);
                fs::create_dir_all(state.join("tmp"))?;
                fs::write(&new, serde_json::to_vec(self)?)?;
                fs::rename(&new, &place)
            });
        // Without it the next command is a little slower.
        drop(written);
    }
}

fn place(state: &Path, plan: &PlanKey) -> PathBuf {
    let name = digest(plan.path().as_str().as_bytes());
    state.join("plans").join(format!("{}.json", &name[..16]))
}
