//! What the file system of a directory offers, as far as Airboss rests on it.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fs_err as fs;
use fs_err::File;
use rustix::fs::{CWD, FlockOperation, RenameFlags, flock, renameat_with};
use serde::Serialize;

/// An odd number, so that one of them is in the middle.
const SYNCS: usize = 9;

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Offers {
    /// The directory.
    pub directory: PathBuf,
    /// The kind of file system, as the kernel names it.
    pub kind: String,
    /// Two files can change places in one step.
    pub exchange: bool,
    /// A lock keeps a second one out, and is gone with whoever held it.
    pub locks: bool,
    /// How long it takes to make a page durable: the median, in milliseconds.
    pub sync_ms: f64,
}

/// Tries what is needed, in a directory of its own that is removed.
///
/// # Errors
/// When the directory cannot be written.
pub fn offers(directory: &Path) -> io::Result<Offers> {
    let directory = fs::canonicalize(directory)?;
    let mut builder = tempfile::Builder::new();
    let place = builder
        .prefix(".airboss-selftest-")
        .tempdir_in(&directory)?;
    Ok(Offers {
        kind: kind(&directory),
        exchange: exchanges(place.path())?,
        locks: locks(place.path())?,
        sync_ms: sync(place.path())?.as_secs_f64() * 1_000.0,
        directory,
    })
}

/// The type of the mount that a path lies in, from proc(5); the magic number of statfs(2) where
/// that is not there.
fn kind(path: &Path) -> String {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mut nearest = None;
    for line in mounts.lines() {
        let mut halves = line.splitn(2, " - ");
        let mount = halves.next().and_then(|half| half.split(' ').nth(4));
        let kind = halves.next().and_then(|half| half.split(' ').next());
        let (Some(mount), Some(kind)) = (mount, kind) else {
            continue;
        };
        // Of two mounts at one place the later one is seen.
        let depth = mount.len();
        let is_nearer = nearest.is_none_or(|(known, _)| depth >= known);
        if path.starts_with(mount) && is_nearer {
            nearest = Some((depth, kind));
        }
    }
    let magic = || match rustix::fs::statfs(path) {
        Ok(facts) => format!("type {:#x}", facts.f_type),
        Err(error) => error.to_string(),
    };
    nearest.map_or_else(magic, |(_, kind)| kind.to_owned())
}

fn exchanges(place: &Path) -> io::Result<bool> {
    let (one, other) = (place.join("one"), place.join("other"));
    fs::write(&one, "one")?;
    fs::write(&other, "other")?;
    let exchanged = renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE);
    Ok(exchanged.is_ok() && fs::read(&one)? == b"other" && fs::read(&other)? == b"one")
}

fn locks(place: &Path) -> io::Result<bool> {
    let path = place.join("lock");
    let first = File::create(&path)?;
    let second = File::open(&path)?;
    let taken = flock(first.file(), FlockOperation::NonBlockingLockExclusive).is_ok();
    let kept_out = flock(second.file(), FlockOperation::NonBlockingLockExclusive).is_err();
    drop(first);
    let freed = flock(second.file(), FlockOperation::NonBlockingLockExclusive).is_ok();
    Ok(taken && kept_out && freed)
}

fn sync(place: &Path) -> io::Result<Duration> {
    let mut file = File::create(place.join("page"))?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let began = Instant::now();
        file.write_all(&[0xA5; 4096])?;
        file.sync_all()?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    Ok(times[SYNCS / 2])
}
