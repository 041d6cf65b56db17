//! All of it at once, in one place, for so long.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use airboss_testkit::TestEnvironment;
use rustix::process::{Signal, pidfd_send_signal};

use crate::evidence::{Answer, Deed, Evidence, Glance, Save};
use crate::world::{self, Dice};
use crate::{commits, git, person, readers, rest, writers};

/// How long a storm lasts and how many make it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    pub(crate) seconds: Duration,
    pub(crate) writers: u64,
    pub(crate) changes: u64,
    pub(crate) seed: u64,
}

/// How often somebody is killed when there are [`MANY`] writers. Fewer are killed as often each,
/// since a command that never gets to its end tests nothing.
const KILL_EVERY: Duration = Duration::from_millis(50);
const MANY: u64 = 64;
/// How often the person does something with git.
const GIT_EVERY: Duration = Duration::from_millis(500);
/// How long the person's hands rest, so that what the readers see can be held against the rules
/// for files that nobody else touches.
const CALM: Duration = Duration::from_millis(1_500);
/// An editor that writes in place is given so long.
const HOT: Duration = Duration::from_millis(300);

/// The person has two hands: no save falls into an operation of git by the same person.
pub(crate) struct Hands {
    /// Saves so far, and what they saved.
    pub(crate) saves: Vec<Save>,
    pub(crate) git: BTreeMap<&'static str, (u32, u32)>,
}

pub(crate) struct Storm {
    pub(crate) environment: TestEnvironment,
    pub(crate) weather: Weather,
    begin: Instant,
    is_over: AtomicBool,
    kills_over: AtomicBool,
    hands: Mutex<Hands>,
    /// Odd while somebody who is no writer writes files in place.
    disturbance: AtomicU64,
    /// Odd while nobody but the writers touches files.
    calm: AtomicU64,
    running: Mutex<BTreeMap<u64, OwnedFd>>,
    kills: AtomicU64,
    deeds: Mutex<Vec<Deed>>,
    answers: Mutex<Vec<Answer>>,
    glances: Mutex<Vec<Glance>>,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Storm {
    pub(crate) fn new(weather: Weather) -> Self {
        Self {
            environment: world::board(),
            weather,
            begin: Instant::now(),
            is_over: AtomicBool::new(false),
            kills_over: AtomicBool::new(false),
            hands: Mutex::new(Hands {
                saves: Vec::new(),
                git: BTreeMap::new(),
            }),
            disturbance: AtomicU64::new(0),
            calm: AtomicU64::new(0),
            running: Mutex::default(),
            kills: AtomicU64::new(0),
            deeds: Mutex::default(),
            answers: Mutex::default(),
            glances: Mutex::default(),
        }
    }

    /// A dice of its own for everybody.
    pub(crate) fn dice(&self, who: u64) -> Dice {
        let mut dice = Dice(self.weather.seed ^ who.rotate_left(40));
        dice.next();
        dice
    }

    /// The time by a clock that only goes forward.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_nanos()).unwrap() + 1
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    /// Waits, but not beyond the end.
    pub(crate) fn rest(&self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until && !self.is_over() {
            thread::sleep((until - Instant::now()).min(Duration::from_millis(20)));
        }
    }

    pub(crate) fn hands(&self) -> MutexGuard<'_, Hands> {
        lock(&self.hands)
    }

    /// Files may be seen half written while it lasts.
    pub(crate) fn disturb<T>(&self, deed: impl FnOnce() -> T) -> T {
        self.disturbance.fetch_add(1, Ordering::SeqCst);
        let done = deed();
        self.disturbance.fetch_add(1, Ordering::SeqCst);
        done
    }

    /// The disturbance and the calm as they are: even and odd mean undisturbed and calm.
    pub(crate) fn sky(&self) -> (u64, u64) {
        let load = |number: &AtomicU64| number.load(Ordering::SeqCst);
        (load(&self.disturbance), load(&self.calm))
    }

    /// Gives a process to the killer for as long as it runs.
    pub(crate) fn expose<T>(&self, key: u64, process: OwnedFd, wait: impl FnOnce() -> T) -> T {
        lock(&self.running).insert(key, process);
        let done = wait();
        lock(&self.running).remove(&key);
        done
    }

    pub(crate) fn did(&self, deed: Deed) {
        lock(&self.deeds).push(deed);
    }

    pub(crate) fn heard(&self, answer: Answer) {
        lock(&self.answers).push(answer);
    }

    pub(crate) fn saw(&self, glance: Glance) {
        lock(&self.glances).push(glance);
    }

    /// Lets everything loose, and waits until the last command has its answer.
    pub(crate) fn rage(&self) {
        thread::scope(|scope| {
            let all: Vec<_> = (1..=self.weather.writers)
                .map(|writer| scope.spawn(move || writers::write(self, writer)))
                .collect();
            scope.spawn(|| self.kill());
            scope.spawn(|| person::save(self));
            scope.spawn(|| self.use_git());
            scope.spawn(|| readers::look(self));
            scope.spawn(|| readers::ask(self));
            scope.spawn(|| self.calm_down());
            let until = Instant::now() + self.weather.seconds;
            while Instant::now() < until && !all.iter().all(thread::ScopedJoinHandle::is_finished) {
                thread::sleep(Duration::from_millis(20));
            }
            self.is_over.store(true, Ordering::SeqCst);
            self.kills_over.store(true, Ordering::SeqCst);
        });
    }

    /// Only writers and readers, in calm: nobody is killed, nobody edits.
    pub(crate) fn breeze(&self) {
        self.calm.fetch_add(1, Ordering::SeqCst);
        thread::scope(|scope| {
            let all: Vec<_> = (1..=self.weather.writers)
                .map(|writer| scope.spawn(move || writers::write(self, writer)))
                .collect();
            scope.spawn(|| readers::look(self));
            scope.spawn(|| readers::ask(self));
            for writer in all {
                writer.join().unwrap();
            }
            self.is_over.store(true, Ordering::SeqCst);
        });
        self.calm.fetch_add(1, Ordering::SeqCst);
    }

    fn kill(&self) {
        let mut dice = self.dice(1 << 20);
        let fewer = u32::try_from(MANY / self.weather.writers.clamp(1, MANY)).unwrap();
        while !self.kills_over.load(Ordering::SeqCst) {
            thread::sleep(KILL_EVERY * fewer);
            let running = lock(&self.running);
            let count = u32::try_from(running.len()).unwrap();
            let victim = (count > 0).then(|| dice.roll(count) as usize);
            let victim = victim.and_then(|place| running.values().nth(place));
            if victim.is_some_and(|process| pidfd_send_signal(process, Signal::KILL).is_ok()) {
                self.kills.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    fn use_git(&self) {
        let mut dice = self.dice(2 << 20);
        let mut count = 0;
        while !self.is_over() {
            self.rest(GIT_EVERY);
            let mut hands = self.hands();
            if !self.is_over() {
                count += 1;
                self.disturb(|| git::operate(self, &mut hands, &mut dice, count));
            }
        }
    }

    /// Twice in a storm the hands rest: the files are made equal to the store, and from then on
    /// only the writers touch them.
    fn calm_down(&self) {
        for _ in 0..2 {
            self.rest(self.weather.seconds / 3);
            if self.is_over() {
                return;
            }
            let hands = self.hands();
            thread::sleep(HOT);
            let told = self.environment.run(["sync", "--accept"]);
            let is_equal = matches!(told.code(), 0 | 1);
            self.calm.fetch_add(u64::from(is_equal), Ordering::SeqCst);
            self.rest(CALM);
            self.calm.fetch_add(u64::from(is_equal), Ordering::SeqCst);
            drop(hands);
        }
    }

    /// Lets everything come to rest with two commands, and gathers what there is.
    pub(crate) fn evidence(&self) -> Evidence {
        let mut hands = self.hands();
        git::come_home(self);
        git::unpack(self);
        let rest = rest::settle_and_look(&self.environment);
        let log = readers::log(&self.environment);
        let commits = commits::seen(&self.environment, &log);
        Evidence {
            tokens: rest::tokens(&self.environment),
            commits,
            log,
            rest,
            deeds: std::mem::take(&mut lock(&self.deeds)),
            answers: std::mem::take(&mut lock(&self.answers)),
            glances: std::mem::take(&mut lock(&self.glances)),
            saves: std::mem::take(&mut hands.saves),
            kills: self.kills.load(Ordering::SeqCst),
            git: std::mem::take(&mut hands.git),
        }
    }

    /// Copies the whole world to where it stays, with who did what when; answers where.
    pub(crate) fn keep(&self, evidence: &Evidence) -> PathBuf {
        let place = std::env::temp_dir().join(format!("airboss-nemesis-{}", self.weather.seed));
        let top = self.environment.top();
        let copied = std::process::Command::new("cp")
            .arg("-a")
            .args([&top, &place])
            .status();
        assert!(copied.unwrap().success());
        let deeds: Vec<_> = evidence.deeds.iter().map(|it| format!("{it:?}")).collect();
        fs_err::write(place.join("deeds"), deeds.join("\n")).unwrap();
        place
    }
}
