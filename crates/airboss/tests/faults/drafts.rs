//! Drafts of lists so large that threads write them, while other files are published.
//!
//! Threads make their calls in another order each time, so that a number names a moment and no
//! call: a case is judged by what it leaves, and counts when its fault struck. What is struck here
//! are the calls on drafts alone; runs in full take the command through all other regimes, too.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use airboss::selftest::{Judge, Template, World, board, judged};
use airboss_faults::{Call, Ended, Errno, Kind, Mode, unavailable};

use crate::regimes::template;
use crate::sweep::{Apart, Extent, beyond_the_last, expect_none, sweep};

/// One in so many calls is struck in an ordinary run, each sort of fault at others.
const APART: Apart = Apart { sample: 4, push: 2 };

/// So many faults at least strike a thread that writes a list: every second call on a draft is
/// made by one, and each test has ten cases or more.
const IN_THREADS_MIN: usize = 2;

/// From so many bytes on the engine gives a list to a thread.
const LARGE: u64 = 64 << 10;

/// Where the drafts of a place are.
fn drafts(world: &World) -> std::path::PathBuf {
    world.top().join(".git/airboss/tmp")
}

/// Whether a call is made on a draft by another thread than the one that the program began with,
/// whose id is in the draft's name: `<boot>-<pid>-<start>.<number>`.
fn is_in_thread(call: &Call) -> bool {
    let name = call
        .paths
        .first()
        .and_then(|path| path.file_name()?.to_str());
    let program = name.and_then(|name| name.split('-').nth(1));
    program.is_some_and(|program| program != call.process.to_string())
}

/// The command on large lists, with its judge.
struct Bench {
    template: Template,
    judge: Judge,
    /// How many calls on drafts it makes until all files are published.
    calls: usize,
    in_threads: AtomicUsize,
}

impl Bench {
    /// `None` when nothing can be traced here.
    fn new() -> Option<Self> {
        if let Some(reason) = unavailable() {
            println!("{reason}");
            return None;
        }
        let template = template(&board::STATUS_OF_MANY);
        let judge = Judge::new(&template).unwrap();
        let world = template.case(0).unwrap();
        let tracer = world.tracer().beneath(&drafts(&world));
        let list = tracer.run(Mode::Baseline).unwrap().list;
        let is_published = |call: &Call| {
            call.paths
                .iter()
                .any(|path| path.iter().any(|part| part == "displaced"))
        };
        let calls = list.iter().rposition(is_published);
        Some(Self {
            template,
            judge,
            calls: calls.unwrap() + 1,
            in_threads: AtomicUsize::new(0),
        })
    }

    /// Lets a fault strike at the calls on drafts; answers what was wrong.
    fn sweep(&self, words: &str, shift: usize, mode: impl Fn(usize) -> Mode + Sync) -> Vec<String> {
        let name = format!("{}, {words}", self.template.scenario.name);
        sweep(&name, (shift, APART), |point, worker| {
            if point > self.calls {
                return beyond_the_last();
            }
            let world = self.template.case(worker).unwrap();
            let tracer = world.tracer().beneath(&drafts(&world));
            let outcome = tracer.run(mode(point)).unwrap();
            let in_thread = outcome.hit.as_ref().is_some_and(is_in_thread);
            self.in_threads
                .fetch_add(usize::from(in_thread), Ordering::Relaxed);
            judged(&world, &self.judge, &outcome)
        })
    }

    fn finish(self, wrongs: &[String]) {
        let struck = self.in_threads.into_inner();
        println!("{struck} of them struck a thread that wrote a list");
        expect_none(wrongs);
        let is_repeated = matches!(Extent::from_environment(), Extent::Only(_));
        assert!(
            struck >= IN_THREADS_MIN || is_repeated,
            "the threads were not struck"
        );
    }
}

/// Were it otherwise, the sweeps over these lists would say nothing.
#[test]
fn threads_write_the_drafts_of_large_lists() {
    if let Some(reason) = unavailable() {
        println!("{reason}");
        return;
    }
    let template = template(&board::STATUS_OF_MANY);
    let world = template.case(0).unwrap();
    for list in ["specs/TODO.md", "specs/state.json"] {
        let length = fs_err::metadata(world.top().join(list)).unwrap().len();
        assert!(length > LARGE, "{list} has {length} bytes");
    }
    let outcome = world.tracer().run(Mode::Baseline).unwrap();
    assert_eq!(outcome.ended, Ended::Exited(0));
    let is_synced = |call: &&Call| call.kind == Kind::Sync && call.is_beneath(&drafts(&world));
    let in_threads = outcome
        .list
        .iter()
        .filter(is_synced)
        .filter(|call| is_in_thread(call));
    let threads: HashSet<_> = in_threads.map(|call| call.process).collect();
    assert_eq!(threads.len(), 2, "{:#?}", outcome.list);
}

#[test]
fn killed_while_threads_write() {
    let Some(bench) = Bench::new() else { return };
    let mut wrongs = bench.sweep("killed before a call on a draft", 0, Mode::KillBefore);
    wrongs.extend(bench.sweep("killed after a call on a draft", 1, Mode::KillAfter));
    wrongs.extend(bench.sweep("killed after half a draft", 0, Mode::ShortThenKill));
    bench.finish(&wrongs);
}

#[test]
fn a_call_fails_while_threads_write() {
    let Some(bench) = Bench::new() else { return };
    let mut wrongs = Vec::new();
    for (place, errno) in [Errno::ENOSPC, Errno::EIO].into_iter().enumerate() {
        for (words, lasting) in [("once", false), ("for good", true)] {
            let name = format!("{errno} on a draft {words}");
            wrongs.extend(
                bench.sweep(&name, place + usize::from(lasting), |at| Mode::Errno {
                    at,
                    errno,
                    lasting,
                }),
            );
        }
    }
    bench.finish(&wrongs);
}
