//! The loop of every sweep: N = 1, 2, 3, … until a run ends without the fault.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use airboss::selftest::{Case, Scenario};

/// One sweep at a time, on so many threads, so that a time per case means something.
const WORKERS_MAX: usize = 2;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// More violations than this say nothing new.
const TOLD_MAX: usize = 24;

/// Of a whole list in a sentence, so much is enough to see what is wrong with it.
const WORDS_MAX: usize = 4_000;

/// No command that is swept makes so many calls; one that does loops.
const POINTS_MAX: usize = 100_000;

/// Which points are visited.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Some of each command.
    Sample,
    /// As many as a change is worth before it is published: some minutes.
    Push,
    /// All.
    Full,
    /// One, to repeat it.
    Only(usize),
}

/// How far apart the points are that are visited.
#[derive(Clone, Copy)]
pub(crate) struct Apart {
    /// In an ordinary run.
    pub(crate) sample: usize,
    /// Before a push.
    pub(crate) push: usize,
}

impl Apart {
    pub(crate) const EVERY_ONE: Self = Self { sample: 1, push: 1 };

    /// An ordinary run has fewer of a board: its changes make three times the calls of a step's, and
    /// their commits are judged with five runs of git.
    pub(crate) fn thinned(self, scenario: &Scenario) -> Self {
        let sample = self.sample * if scenario.is_board() { 9 } else { 1 };
        Self { sample, ..self }
    }
}

impl Extent {
    pub(crate) fn from_environment() -> Self {
        match std::env::var("AIRBOSS_TEST_FAULTS").as_deref() {
            Err(_) | Ok("sample") => Self::Sample,
            Ok("push") => Self::Push,
            Ok("full") => Self::Full,
            Ok(text) => {
                let number = text.parse();
                Self::Only(number.expect("sample, push, full or the number of a case"))
            }
        }
    }

    /// Whether every point is visited, or the one that was asked for.
    pub(crate) fn is_whole(self) -> bool {
        matches!(self, Self::Full | Self::Only(_))
    }

    /// The distance between the points that are visited.
    pub(crate) fn stride(self, apart: Apart) -> usize {
        match self {
            Self::Sample => apart.sample,
            Self::Push => apart.push,
            Self::Full | Self::Only(_) => 1,
        }
    }

    /// The first point, so that different sweeps are sampled at different ones.
    pub(crate) fn first(self, shift: usize, apart: Apart) -> usize {
        match self {
            Self::Sample | Self::Push => 1 + shift % self.stride(apart),
            Self::Full => 1,
            Self::Only(point) => point,
        }
    }
}

/// There is no such point any more.
pub(crate) fn beyond_the_last() -> Case {
    Case {
        fired: false,
        wrongs: Vec::new(),
    }
}

/// Visits the points that the extent says, until one lies beyond the last; that run is judged as
/// well. `case` is told the point and which worker it runs on. What was wrong is answered.
pub(crate) fn sweep(
    name: &str,
    (shift, apart): (usize, Apart),
    case: impl Fn(usize, usize) -> Case + Sync,
) -> Vec<String> {
    let extent = Extent::from_environment();
    let points = (extent.first(shift, apart), extent.stride(apart));
    sweep_points(name, points, case)
}

/// The same at these points: the first, and how far they are apart.
pub(crate) fn sweep_points(
    name: &str,
    (first, stride): (usize, usize),
    case: impl Fn(usize, usize) -> Case + Sync,
) -> Vec<String> {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let extent = Extent::from_environment();
    let (next, cases) = (AtomicUsize::new(first), AtomicUsize::new(0));
    let over = AtomicBool::new(false);
    let wrongs = Mutex::new(Vec::new());
    let began = Instant::now();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for worker in 0..processors.min(WORKERS_MAX) {
            let (next, cases, over, wrongs, case) = (&next, &cases, &over, &wrongs, &case);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let point = next.fetch_add(stride, Ordering::Relaxed);
                    if matches!(extent, Extent::Only(only) if point != only) {
                        break;
                    }
                    assert!(point < POINTS_MAX, "{name} never ends");
                    let told = catch_unwind(AssertUnwindSafe(|| case(point, worker)));
                    let told = told.unwrap_or_else(|_| Case {
                        fired: true,
                        wrongs: vec!["the case itself panicked, see above".to_owned()],
                    });
                    if told.fired {
                        cases.fetch_add(1, Ordering::Relaxed);
                    } else {
                        over.store(true, Ordering::Relaxed);
                    }
                    let told = told.wrongs.into_iter();
                    let told = told.map(|wrong| {
                        let words: String = wrong.chars().take(WORDS_MAX).collect();
                        format!("{name}, case {point}: {words}")
                    });
                    wrongs
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .extend(told);
                }
            });
        }
    });
    let cases = cases.into_inner();
    let wrongs = wrongs.into_inner().unwrap_or_else(PoisonError::into_inner);
    let millis = began.elapsed().as_millis() / (cases.max(1) as u128);
    let bad = wrongs.len();
    println!("{name}: {cases} cases, {bad} violations, {millis} ms per case");
    // One error may have fewer calls to strike than another whose case is repeated.
    let is_repeated = matches!(extent, Extent::Only(_));
    assert!(cases > 0 || is_repeated, "{name}: the fault never struck");
    wrongs
}

/// Fails when anything was wrong.
pub(crate) fn expect_none(wrongs: &[String]) {
    let told = &wrongs[..wrongs.len().min(TOLD_MAX)];
    let bad = wrongs.len();
    assert!(bad == 0, "{bad} violations:\n{}", told.join("\n"));
}
