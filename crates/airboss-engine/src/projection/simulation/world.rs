//! One schedule: the machine, the people, and what must be true of the disk at every step.

use std::collections::{HashMap, HashSet};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use airboss_core::operation::{Actor, Operation, PlanKey, StepRecord, StepStatus};
use airboss_core::path::RepoPath;

use super::actors::{self, Hasty, MemoryStoreHandle, Numbered, Pids, Tokens};
use super::sabotage::{Sabotage, Watched};
use super::turnstile::Turnstile;
use crate::projection::{Publisher, Settled, Source, digest};
use crate::store::{Commit, MemoryStore, PublishItem, PublishKind, Store as _};
use crate::vfs::Vfs;
use crate::vfs::simulated::{Crash, Disk, Faults, FileView, Free, Process, Random};
use crate::workspace::Workspace;

pub(super) const TARGET: &str = "/w/status.json";
pub(super) const STATE: &str = "/w/.airboss";

/// Those who are no publishers have numbers from here.
pub(super) const FIRST_PERSON: u32 = 1_000_000;

/// Longer than a sector, so that it can be torn.
const FILLER: &str = "filler ";
const FILLER_LENGTH: usize = 600;

/// The file of the simulation.
#[derive(Clone, Default, Debug)]
pub(super) struct Text {
    pub(super) sequence: u64,
    /// One bit for each save of a person.
    pub(super) tokens: u64,
}

impl Text {
    pub(super) fn add(&mut self, token: u32) {
        self.tokens |= 1 << token;
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let (sequence, tokens) = (self.sequence, self.tokens);
        let filler = FILLER.repeat(FILLER_LENGTH / FILLER.len());
        format!("sequence {sequence}\n{filler}\ntokens {tokens:x}\nend\n").into_bytes()
    }

    /// `None` when it is not whole.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (sequence, rest) = text.strip_prefix("sequence ")?.split_once('\n')?;
        let (filler, rest) = rest.split_once("\ntokens ")?;
        let tokens = rest.strip_suffix("\nend\n")?;
        let whole = filler.len() == FILLER_LENGTH / FILLER.len() * FILLER.len();
        let parsed = Self {
            sequence: sequence.parse().ok()?,
            tokens: u64::from_str_radix(tokens, 16).ok()?,
        };
        (whole && !filler.contains('\0')).then_some(parsed)
    }
}

/// What happened in schedules.
#[derive(Default, Debug)]
pub(super) struct Report {
    pub(super) schedules: u32,
    pub(super) process_crashes: u32,
    pub(super) power_cuts: u32,
    pub(super) errors: u32,
    pub(super) saves: u32,
    pub(super) displaced: u32,
    pub(super) leftovers: u32,
    /// The seed, and what was violated.
    pub(super) violations: Vec<(u64, String)>,
}

impl Report {
    pub(super) fn add(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.process_crashes += other.process_crashes;
        self.power_cuts += other.power_cuts;
        self.errors += other.errors;
        self.saves += other.saves;
        self.displaced += other.displaced;
        self.leftovers += other.leftovers;
        self.violations.extend(other.violations);
    }

    pub(super) fn summary(&self) -> String {
        format!(
            "{} schedules, {} process crashes, {} power cuts, {} failed operations, \
             {} saves, {} displaced in the same instant, {} kept for a person",
            self.schedules,
            self.process_crashes,
            self.power_cuts,
            self.errors,
            self.saves,
            self.displaced,
            self.leftovers
        )
    }
}

pub(super) struct World {
    pub(super) disk: Arc<Disk>,
    pub(super) store: MemoryStore,
    pub(super) tokens: Tokens,
    sabotage: Sabotage,
    plan: PlanKey,
    path: RepoPath,
    displaced: Arc<AtomicU32>,
    // Actors are threads, of which one runs at a time.
    ledger: Mutex<Ledger>,
}

#[derive(Default)]
struct Ledger {
    /// The saves that must be found somewhere.
    expected: u64,
    /// Those of them that no power cut may take away.
    durable: u64,
    /// Somebody wrote to the file after it was published.
    touched: bool,
    published: u64,
    counts: (u64, u64),
    /// Files that people and git replaced or deleted: what is written to them is lost at once.
    thrown_away: HashSet<u64>,
    /// What was in the texts that people wrote in place.
    in_place: u64,
    known: HashMap<u64, Option<Text>>,
    report: Report,
}

/// The time from one start of the machine to the next power cut.
pub(super) struct Era {
    pub(super) turnstile: Arc<Turnstile>,
    faults: HashMap<u32, Faults>,
    processes: Mutex<Vec<Process>>,
}

impl Era {
    pub(super) fn watched(&self, world: &World, pid: u32) -> Watched {
        let faults = self.faults.get(&pid).copied().unwrap_or_default();
        let turnstile: Arc<Turnstile> = Arc::clone(&self.turnstile);
        let process = Process::start(&world.disk, turnstile, pid, faults);
        let processes = self.processes.lock();
        let mut processes = processes.unwrap_or_else(PoisonError::into_inner);
        processes.push(process.clone());
        world.watch(process)
    }
}

impl World {
    fn new(sabotage: Sabotage) -> Self {
        let disk = Arc::new(Disk::new(&[Path::new(STATE)]));
        let mut store = MemoryStore::default();
        let plan = PlanKey::new(RepoPath::new("plan.md").unwrap());
        let registered = Operation::PlanRegistered {
            name: "plan".to_owned(),
            hash: "abc".to_owned(),
            steps: vec![StepRecord {
                id: "1".into(),
                phase: "1".to_owned(),
                phase_title: "All".to_owned(),
                description: "Step".to_owned(),
                dependencies: Vec::new(),
            }],
            renamed: Vec::new(),
        };
        let commit = Commit::new(plan.clone(), vec![registered]);
        store.commit(&commit).unwrap();
        Self {
            disk,
            store,
            tokens: Tokens::default(),
            sabotage,
            plan,
            path: RepoPath::new("status.json").unwrap(),
            displaced: Arc::default(),
            ledger: Mutex::default(),
        }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, process: Process) -> Watched {
        Watched {
            process,
            sabotage: self.sabotage,
            displaced: Arc::clone(&self.displaced),
            read: Arc::default(),
        }
    }

    pub(super) fn publisher(&self, vfs: &Watched) -> Publisher {
        let workspace = Workspace {
            top: PathBuf::from("/w"),
            repository: None,
            state: PathBuf::from(STATE),
        };
        let source: Arc<dyn Source> = if self.sabotage == Sabotage::ClearedEarly {
            Arc::new(Hasty(MemoryStoreHandle(self.store.clone())))
        } else {
            Arc::new(Numbered)
        };
        Publisher::with(&workspace, Arc::new(vfs.clone()), source)
    }

    /// Stores something that the file has to show.
    pub(super) fn commit(&self) {
        let marked = Operation::StepMarked {
            step: "1".into(),
            status: StepStatus::InProgress,
            actor: Actor::Person,
            text: None,
            forced: false,
            stuck: false,
        };
        let mut commit = Commit::new(self.plan.clone(), vec![marked]);
        commit.change.publish = vec![PublishItem {
            path: self.path.clone(),
            kind: PublishKind::StatusJson,
        }];
        self.store.clone().commit(&commit).unwrap();
    }

    pub(super) fn note_kept(&self, settled: &Settled) {
        let kept = settled
            .notes
            .iter()
            .filter(|note| note.contains("is kept as"));
        self.ledger().report.leftovers += kept.count() as u32;
    }

    /// A person is about to write over the file, with these saves in the new text: what else
    /// stands there now is his to lose.
    pub(super) fn overwritten(&self, but: u64) {
        let (mut here, mut ino) = (0, None);
        self.disk.each_file(&mut |file| {
            if file.path == Path::new(TARGET) {
                here = tokens_in(file.content);
                ino = Some(file.ino);
            }
        });
        let mut ledger = self.ledger();
        ledger.expected &= !(here & !but);
        ledger.durable &= ledger.expected;
        ledger.touched = true;
        ledger.thrown_away.extend(ino);
    }

    /// A person empties a file: what is in it is in the editor only. Answers which of its saves
    /// counted; `tokens` are those that come back.
    pub(super) fn taken(&self, content: &[u8], tokens: u64) -> u64 {
        let mut ledger = self.ledger();
        let taken = ledger.expected & tokens_in(content);
        ledger.expected &= !taken;
        ledger.in_place |= taken | tokens;
        ledger.durable &= ledger.expected;
        ledger.touched = true;
        taken
    }

    pub(super) fn saved(&self, tokens: u64) {
        self.disk.tell(|| format!("saved {tokens:#b}"));
        let mut ledger = self.ledger();
        ledger.expected |= tokens;
        ledger.touched = true;
        ledger.report.saves += 1;
    }

    pub(super) fn is_thrown_away(&self, ino: u64) -> bool {
        self.ledger().thrown_away.contains(&ino)
    }

    pub(super) fn touched(&self) {
        self.ledger().touched = true;
    }

    /// Checks what must be true after every operation.
    fn check(&self) {
        let mut ledger = self.ledger();
        let publication = self.store.publication(&self.plan, &self.path).unwrap();
        if let Some(publication) = publication
            && publication.sequence != ledger.published
        {
            ledger.published = publication.sequence;
            // Somebody may have written to it before the store heard of the publication.
            let mut hash = String::new();
            self.disk.each_file(&mut |file| {
                if file.path == Path::new(TARGET) {
                    hash = digest(file.content);
                }
            });
            ledger.touched = !publication.hash.is_empty() && publication.hash != hash;
        }
        let counts = self.disk.counts();
        let before = std::mem::replace(&mut ledger.counts, counts);
        if counts.0 != before.0 {
            let mut found = 0;
            let mut torn = None;
            self.disk.each_file(&mut |file| {
                let text = ledger.parse(&file);
                found |= text.as_ref().map_or(0, |text| text.tokens);
                if file.path == Path::new(TARGET) && file.writer < FIRST_PERSON && text.is_none() {
                    torn = Some(file.writer);
                }
            });
            if let Some(writer) = torn {
                ledger.violate(
                    &self.disk,
                    format!("the file that {writer} wrote is not whole"),
                );
            }
            let lost = ledger.expected & !found;
            if lost != 0 {
                ledger.violate(&self.disk, format!("lost: {lost:#b}"));
                ledger.expected &= !lost;
                ledger.durable &= !lost;
            }
        }
        if counts.1 != before.1 {
            let mut durable = 0;
            self.disk.each_durable_file(&mut |file| {
                if !is_own_copy(&file) {
                    durable |= ledger.parse(&file).map_or(0, |text| text.tokens);
                }
            });
            ledger.durable |= durable & ledger.expected;
        }
    }

    /// Checks what must be true when the power is back.
    fn check_image(&self) {
        let mut ledger = self.ledger();
        ledger.report.power_cuts += 1;
        let (mut found, mut saved) = (0, 0);
        let mut torn_by_person = false;
        let mut target = None;
        self.disk.each_file(&mut |file| {
            let text = ledger.parse(&file);
            let tokens = text.as_ref().map_or(0, |text| text.tokens);
            found |= tokens;
            if !is_own_copy(&file) {
                saved |= tokens;
            }
            let shared = file.path == Path::new(TARGET) || file.path.starts_with(STATE);
            torn_by_person |= shared && file.writer >= FIRST_PERSON && text.is_none();
            if file.path == Path::new(TARGET) {
                target = Some((file.writer, text));
            }
        });
        if torn_by_person {
            // Somebody wrote into a file without a sync, and all that was in it is torn.
            let torn = ledger.in_place & !found;
            ledger.durable &= !torn;
        }
        let lost = ledger.durable & !found;
        if lost != 0 {
            ledger.violate(
                &self.disk,
                format!("a power cut took durable saves: {lost:#b}"),
            );
        }
        // What was not durable was the person's risk.
        ledger.expected &= saved;
        if matches!(target, Some((FIRST_PERSON.., None))) {
            let torn = ledger.in_place;
            ledger.expected &= !torn;
        }
        ledger.durable &= ledger.expected;
        let shown = match &target {
            Some((_, Some(text))) => Some(text.sequence),
            Some((writer, None)) if *writer < FIRST_PERSON => {
                ledger.violate(&self.disk, "a power cut tore the file".to_owned());
                None
            }
            _ => None,
        };
        let clean = self.store.to_publish(None).unwrap().is_empty();
        if clean && !ledger.touched && ledger.published > 0 && shown < Some(ledger.published) {
            ledger.violate(
                &self.disk,
                "a power cut took what was acknowledged as published".to_owned(),
            );
        }
    }

    /// Faults are over: everything comes to rest.
    fn check_rest(&self, pid: u32) {
        let free = Arc::new(Free(Arc::clone(&self.disk)));
        let process = Process::start(&self.disk, free, pid, Faults::default());
        let publisher = self.publisher(&self.watch(process.clone()));
        let mut store = self.store.clone();
        let mut rest = || {
            self.disk.advance(Duration::from_secs(1));
            let settled = publisher.settle(&mut store, None).unwrap();
            self.note_kept(&settled);
            self.check();
            settled
        };
        rest();
        self.commit();
        let last = [rest(), rest()];
        let operations = process.operations();
        let still = rest();
        let mut ledger = self.ledger();
        if still != Settled::default() || process.operations() != operations {
            ledger.violate(
                &self.disk,
                format!("it does not come to rest: {last:?} {still:?}"),
            );
        }
        if !self.store.to_publish(None).unwrap().is_empty() {
            ledger.violate(&self.disk, format!("it stays pending: {last:?}"));
        }
        let sequence = self.store.sequence().unwrap();
        let shown = process.peek(Path::new(TARGET));
        let shown = shown.and_then(|bytes| Text::parse(&bytes));
        if shown.as_ref().map(|text| text.sequence) != Some(sequence) {
            ledger.violate(
                &self.disk,
                format!("{sequence} is not shown, but {shown:?}"),
            );
        }
        let mut beside = 0;
        self.disk
            .each_file(&mut |file| beside += u32::from(is_beside(file.path)));
        if beside > 0 {
            ledger.violate(&self.disk, format!("{beside} files stay beside it"));
        }
        for directory in ["tmp", "displaced"] {
            let names = process.read_dir(&Path::new(STATE).join(directory));
            let names = names.unwrap_or_default();
            if !names.is_empty() {
                ledger.violate(&self.disk, format!("{directory} is not empty: {names:?}"));
            }
        }
    }
}

impl Ledger {
    fn parse(&mut self, file: &FileView<'_>) -> Option<Text> {
        let name = file.path.file_name().and_then(|name| name.to_str());
        // What an editor has not put in place is not saved.
        if name.is_some_and(|name| name.starts_with("draft-")) {
            return None;
        }
        let known = self.known.entry(file.version);
        known.or_insert_with(|| Text::parse(file.content)).clone()
    }

    fn violate(&mut self, disk: &Disk, words: String) {
        disk.tell(|| format!("VIOLATION {words}"));
        self.report.violations.push((0, words));
    }
}

/// A draft of a publisher, exchanged or not: what a person's save left in it counts only in
/// the file itself.
fn is_own_copy(file: &FileView<'_>) -> bool {
    let state = Path::new(STATE);
    let shelf = [state.join("tmp"), state.join("displaced")];
    let beside = is_beside(file.path);
    file.writer < FIRST_PERSON && (beside || shelf.iter().any(|shelf| file.path.starts_with(shelf)))
}

/// A file that is made beside the target, when the state is on another file system.
fn is_beside(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with(".airboss-"))
}

fn tokens_in(content: &[u8]) -> u64 {
    Text::parse(content).map_or(0, |text| text.tokens)
}

fn faults(random: &mut Random) -> Faults {
    const KINDS: [io::ErrorKind; 3] = [
        io::ErrorKind::StorageFull,
        io::ErrorKind::PermissionDenied,
        io::ErrorKind::Other,
    ];
    let at = random.below(60) as u64;
    let kind = KINDS[random.below(KINDS.len())];
    match random.below(6) {
        0 | 1 => Faults {
            crash_at: Some(at),
            ..Faults::default()
        },
        2 => Faults {
            fail_at: Some((at, kind)),
            ..Faults::default()
        },
        3 => Faults {
            fail_at: Some((at, kind)),
            sticky: true,
            crash_at: Some(at + 20),
        },
        _ => Faults::default(),
    }
}

type Part = fn(&World, &Era, u32, &mut Random);

fn era(world: &Arc<World>, pids: &Pids, random: &mut Random) {
    let mut parts: Vec<(u32, Part)> = Vec::new();
    for _ in 0..1 + random.below(2) {
        parts.push((pids.publisher(), actors::write));
    }
    for part in [
        actors::save_by_rename as Part,
        actors::save_in_place,
        actors::check_out,
    ] {
        if random.below(3) != 0 {
            parts.push((pids.person(), part));
        }
    }
    let numbers: Vec<u32> = parts.iter().map(|(pid, _)| *pid).collect();
    let publishers = numbers.iter().filter(|pid| **pid < FIRST_PERSON);
    let all_faults = publishers.map(|pid| (*pid, faults(random))).collect();
    let power_cut_at = (random.below(3) == 0).then(|| 1 + random.below(150) as u64);
    let check = {
        let world = Arc::clone(world);
        Box::new(move || world.check())
    };
    let order = Random::new(random.number());
    let turnstile = Turnstile::new(&world.disk, order, &numbers, power_cut_at, check);
    let era = Era {
        turnstile: Arc::new(turnstile),
        faults: all_faults,
        processes: Mutex::default(),
    };
    std::thread::scope(|scope| {
        for (pid, part) in parts {
            let mut random = Random::new(random.number());
            let (era, world) = (&era, &**world);
            scope.spawn(move || {
                let outcome = catch_unwind(AssertUnwindSafe(|| {
                    era.turnstile.enter(pid);
                    part(world, era, pid, &mut random);
                }));
                world.disk.bury(pid);
                let crashed = outcome.is_err();
                if crashed && !era.turnstile.is_dark() {
                    world.ledger().report.process_crashes += 1;
                }
                era.turnstile.leave(pid);
                if let Err(payload) = outcome
                    && !payload.is::<Crash>()
                {
                    resume_unwind(payload);
                }
            });
        }
    });
    let processes = era.processes.into_inner().unwrap();
    let failed: u64 = processes.iter().map(Process::failed).sum();
    world.ledger().report.errors += failed as u32;
    if era.turnstile.is_dark() {
        world.disk.cut_power(random);
        world.check_image();
    }
}

/// Runs one schedule; a violation comes with everything that led to it, when that is wanted.
pub(super) fn simulate(seed: u64, sabotage: Sabotage, tell: bool) -> Report {
    let mut random = Random::new(seed);
    let world = Arc::new(World::new(sabotage));
    if tell {
        world.disk.keep_journal();
    }
    let pids = Pids::default();
    for _ in 0..1 + random.below(2) {
        era(&world, &pids, &mut random);
    }
    world.check_rest(pids.publisher());
    let displaced = world.displaced.load(Ordering::Relaxed);
    let mut report = std::mem::take(&mut world.ledger().report);
    report.schedules = 1;
    report.displaced = displaced;
    for (from, violation) in &mut report.violations {
        *from = seed;
        *violation = format!("seed {seed}: {violation}");
        for line in world.disk.journal() {
            violation.push('\n');
            violation.push_str(&line);
        }
    }
    report
}
