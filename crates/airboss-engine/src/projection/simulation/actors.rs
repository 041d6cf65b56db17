//! Who works on the file: publishers, people with two kinds of editors, git.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use airboss_core::status_file::Damage;

use super::world::{Era, FIRST_PERSON, TARGET, Text, World};
use crate::projection::{Content, Source};
use crate::store::{MemoryStore, PublishRow, Store, StoreError};
use crate::vfs::simulated::{Free, Process, Random, Scheduler as _};
use crate::vfs::{Vfs, VfsFile as _};

/// The file shows the number of the newest operation; everything else is for people.
#[derive(Debug)]
pub(super) struct Numbered;

impl Source for Numbered {
    fn content(
        &self,
        store: &dyn Store,
        row: &PublishRow,
        base: Option<&crate::projection::Text>,
    ) -> Result<(Content, u64), StoreError> {
        let sequence = store.sequence()?;
        let _ = row;
        let mut text = match base.map(|base| Text::parse(base)) {
            None => Text::default(),
            Some(Some(text)) => text,
            Some(None) => {
                let message = "it is not whole".to_owned();
                return Ok((Content::Damaged(Damage::Foreign { message }), sequence));
            }
        };
        if base.is_some() && text.sequence == sequence {
            return Ok((Content::UpToDate, sequence));
        }
        text.sequence = sequence;
        Ok((Content::Write(text.bytes().into()), sequence))
    }
}

/// Clears the outbox before anything is written.
#[derive(Debug)]
pub(super) struct Hasty(pub(super) MemoryStoreHandle);

/// A handle that can be shown.
#[derive(Clone)]
pub(super) struct MemoryStoreHandle(pub(super) MemoryStore);

impl std::fmt::Debug for MemoryStoreHandle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("MemoryStore")
    }
}

impl Source for Hasty {
    fn content(
        &self,
        store: &dyn Store,
        row: &PublishRow,
        base: Option<&crate::projection::Text>,
    ) -> Result<(Content, u64), StoreError> {
        let (content, up_to) = Numbered.content(store, row, base)?;
        let mut store = self.0.0.clone();
        store.published(&row.plan, &row.path, up_to, "")?;
        Ok((content, up_to))
    }
}

/// Numbers the saves of people; at most 64 in one schedule.
#[derive(Debug, Default)]
pub(super) struct Tokens(AtomicU32);

impl Tokens {
    fn next(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// Commits and publishes.
pub(super) fn write(world: &World, era: &Era, pid: u32, random: &mut Random) {
    let publisher = world.publisher(&era.watched(world, pid));
    for _ in 0..1 + random.below(3) {
        era.turnstile.turn(pid);
        world.commit();
        let mut store = world.store.clone();
        let settled = publisher.settle(&mut store, None).unwrap();
        world.note_kept(&settled);
        if random.below(3) == 0 {
            let pause = Duration::from_millis(100 * random.below(5) as u64);
            let until_ns = world.disk.now_ns() + pause.as_nanos() as u64;
            era.turnstile.pause(pid, until_ns);
        }
    }
}

fn own(world: &World, pid: u32) -> Process {
    let free = Arc::new(Free(Arc::clone(&world.disk)));
    Process::start(
        &world.disk,
        free,
        pid,
        crate::vfs::simulated::Faults::default(),
    )
}

/// An editor that writes a new file and renames it over the old one.
pub(super) fn save_by_rename(world: &World, era: &Era, pid: u32, random: &mut Random) {
    let process = own(world, pid);
    for _ in 0..1 + random.below(3) {
        era.turnstile.turn(pid);
        let Some(mut text) = read(&process) else {
            continue;
        };
        let token = world.tokens.next();
        text.add(token);
        for _ in 0..random.below(8) {
            era.turnstile.turn(pid);
        }
        let draft = PathBuf::from(format!("/w/draft-{token}"));
        let mut file = process.create_new(&draft).unwrap();
        file.write_all(&text.bytes()).unwrap();
        file.sync().unwrap();
        era.turnstile.turn(pid);
        let target = Path::new(TARGET);
        world.overwritten(text.tokens);
        process.rename(&draft, target).unwrap();
        world.saved(1 << token);
        if random.below(2) == 0 {
            era.turnstile.turn(pid);
            process.sync_directory(Path::new("/w")).unwrap();
        }
    }
}

/// An editor that empties the file and writes it again.
pub(super) fn save_in_place(world: &World, era: &Era, pid: u32, random: &mut Random) {
    let process = own(world, pid);
    for _ in 0..1 + random.below(2) {
        era.turnstile.turn(pid);
        let Some(mut text) = read(&process) else {
            continue;
        };
        let token = world.tokens.next();
        text.add(token);
        era.turnstile.turn(pid);
        let Ok(mut file) = process.open(Path::new(TARGET)) else {
            continue;
        };
        for _ in 0..random.below(4) {
            era.turnstile.turn(pid);
        }
        let taken = world.taken(&file.content(), text.tokens);
        file.clear();
        let bytes = text.bytes();
        let (first, second) = bytes.split_at(bytes.len() / 2);
        era.turnstile.turn(pid);
        file.append(first);
        era.turnstile.turn(pid);
        file.append(second);
        if !world.is_thrown_away(file.ino()) {
            world.saved((taken & text.tokens) | 1 << token);
        }
        if random.below(2) == 0 {
            era.turnstile.turn(pid);
            file.sync().unwrap();
            // ext4, XFS and Btrfs write the name that a file got last together with it. Where
            // that is not so, a power cut before our own sync can bring the file back as the
            // draft that it was, and drafts are not looked at.
            process.sync_directory(Path::new("/w")).unwrap();
        }
    }
}

/// A checkout of an older version.
pub(super) fn check_out(world: &World, era: &Era, pid: u32, random: &mut Random) {
    let process = own(world, pid);
    for _ in 0..random.below(30) {
        era.turnstile.turn(pid);
    }
    let target = Path::new(TARGET);
    era.turnstile.turn(pid);
    world.overwritten(0);
    process.remove_file(target).ok();
    world.touched();
    era.turnstile.turn(pid);
    if let Ok(mut file) = process.create_new(target) {
        file.write_all(&Text::default().bytes()).unwrap();
        world.touched();
    }
}

fn read(process: &Process) -> Option<Text> {
    Text::parse(&process.read(Path::new(TARGET)).ok()?)
}

/// Numbers of processes, never the same one twice.
#[derive(Debug)]
pub(super) struct Pids(AtomicU64);

impl Default for Pids {
    fn default() -> Self {
        Self(AtomicU64::new(1))
    }
}

impl Pids {
    pub(super) fn publisher(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed) as u32
    }

    pub(super) fn person(&self) -> u32 {
        FIRST_PERSON + self.publisher()
    }
}
