//! What is done to every command of [`ALL`].

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use airboss::selftest::scenario::ALL;
use airboss::selftest::{Case, Judge, Scenario, Template, board, judged, strike};
use airboss_faults::{Counted, Ended, Errno, Mode, unavailable};

use crate::sweep::{Apart, Extent, beyond_the_last, expect_none, sweep, sweep_points};

/// The program that is swept: what `AIRBOSS_TEST_PROGRAM` names, or what was built with this test.
pub(crate) fn program() -> PathBuf {
    let named = std::env::var_os("AIRBOSS_TEST_PROGRAM");
    named.map_or_else(|| env!("CARGO_BIN_EXE_airboss").into(), PathBuf::from)
}

/// SQLite makes its lock table anew when it is not there; it is a memory map, and not seen.
pub(crate) const NOT_KEPT: &[&str] = &["state.db-shm"];

/// Anything will do; a violation is repeated with the same.
pub(crate) const SEED: u64 = 0x0A1B_B055;

/// A template where `AIRBOSS_TEST_PLACE` says, or in memory, where there is one: no case waits for
/// a disk.
pub(crate) fn template(scenario: &'static Scenario) -> Template {
    let named = std::env::var_os("AIRBOSS_TEST_PLACE").map(PathBuf::from);
    let memory = || Some(PathBuf::from("/dev/shm")).filter(|memory| memory.is_dir());
    let parent = named.or_else(memory).unwrap_or_else(std::env::temp_dir);
    Template::new(&program(), scenario, &parent).unwrap()
}

/// `AIRBOSS_TEST_COMMANDS` names those that are swept, all others are left out.
pub(crate) fn is_wanted(scenario: &Scenario) -> bool {
    let wanted = std::env::var("AIRBOSS_TEST_COMMANDS");
    wanted.map_or(true, |names| {
        names.split(',').any(|name| name == scenario.name)
    })
}

/// Does something with every command, unless nothing can be traced here. A sample has large lists
/// in `drafts.rs`, at those calls alone that no other command makes.
fn for_all(regime: impl Fn(&'static Scenario, &Template, &Judge) -> Vec<String>) {
    let is_whole = Extent::from_environment().is_whole();
    for_those(|scenario| is_whole || !scenario.is_large(), regime);
}

fn for_those(
    are_meant: impl Fn(&Scenario) -> bool,
    regime: impl Fn(&'static Scenario, &Template, &Judge) -> Vec<String>,
) {
    if let Some(reason) = unavailable() {
        println!("{reason}");
        return;
    }
    let mut wrongs = Vec::new();
    for scenario in ALL {
        if !is_wanted(scenario) || !are_meant(scenario) {
            continue;
        }
        let template = template(scenario);
        let judge = Judge::new(&template).unwrap();
        wrongs.extend(regime(scenario, &template, &judge));
    }
    expect_none(&wrongs);
}

/// The commands that every run kills before every call that changes something, and a push after
/// every one, too, and in the middle of every write.
const IN_FULL: [&str; 3] = ["mark-complete", board::STATUS.name, board::SYNC.name];

/// Before a push all others are killed at one call in so many.
const OTHERS: usize = 5;

/// Where a command is killed, when an ordinary run visits one point in `sample`.
fn kills(scenario: &Scenario, sample: usize) -> Apart {
    let push = match IN_FULL.contains(&scenario.name) {
        true => 1,
        false => OTHERS.min(sample),
    };
    Apart { sample, push }.thinned(scenario)
}

/// Sweeps a fault over every command.
fn sweep_all(
    regime: &str,
    shift: usize,
    apart: impl Fn(&Scenario) -> Apart,
    mode: impl Fn(usize) -> Mode + Sync,
) {
    for_all(|scenario, template, judge| {
        let name = format!("{}, {regime}", scenario.name);
        sweep(&name, (shift, apart(scenario)), |point, worker| {
            strike(&template.case(worker).unwrap(), judge, mode(point)).unwrap()
        })
    });
}

/// A call that changes nothing leaves what the one before it left, so that it is killed only
/// before and after those that change something.
#[test]
fn killed_before_a_call() {
    let apart = |scenario: &Scenario| match IN_FULL.contains(&scenario.name) {
        true => Apart::EVERY_ONE,
        false => kills(scenario, 4),
    };
    sweep_all("killed before a call", 0, apart, Mode::KillBefore);
}

#[test]
fn killed_after_a_call() {
    let apart = |scenario: &Scenario| kills(scenario, 9);
    sweep_all("killed after a call", 1, apart, Mode::KillAfter);
}

#[test]
fn killed_after_half_a_write() {
    let apart = |scenario: &Scenario| kills(scenario, 5);
    let name = "killed after half a write";
    sweep_all(name, 0, apart, Mode::ShortThenKill);
}

/// Sweeps errors over every command, each sampled at calls of its own.
fn fail_all(words: &str, errnos: &[Errno], counted: Counted, apart: Apart, lasting: bool) {
    for_all(|scenario, template, judge| {
        let mut wrongs = Vec::new();
        for (place, errno) in errnos.iter().enumerate() {
            let name = format!("{}, {errno} {words}", scenario.name);
            let points = (place, apart.thinned(scenario));
            wrongs.extend(sweep(&name, points, |at, worker| {
                let errno = *errno;
                let mode = Mode::Errno { at, errno, lasting };
                let world = template.case(worker).unwrap();
                // The program's own libraries do not fail.
                let tracer = world.tracer().counted(counted).beneath(&world.root);
                judged(&world, judge, &tracer.run(mode).unwrap())
            }));
        }
        wrongs
    });
}

#[test]
fn a_call_fails() {
    let apart = Apart {
        sample: 43,
        push: 5,
    };
    fail_all("once", &Errno::ALL, Counted::Mutating, apart, false);
}

#[test]
fn a_call_and_all_after_it_fail() {
    // A call that is interrupted is made again, and would be for ever.
    let mut lasting = Errno::ALL.to_vec();
    lasting.retain(|errno| *errno != Errno::EINTR);
    let apart = Apart {
        sample: 61,
        push: 5,
    };
    fail_all("for good", &lasting, Counted::Mutating, apart, true);
}

#[test]
fn a_look_fails() {
    let errnos = [Errno::EIO, Errno::EACCES, Errno::EMFILE, Errno::ESTALE];
    let apart = Apart {
        sample: 43,
        push: 40,
    };
    fail_all("while looking", &errnos, Counted::Reading, apart, false);
}

/// How many mixtures of what was synced and what was not are made for each moment: so many that a
/// push has its 3,000 disks, and in full so many that hardly one is new. A case of `full` is repeated
/// with `AIRBOSS_TEST_MIXES=160`.
fn mixes() -> usize {
    let named = std::env::var("AIRBOSS_TEST_MIXES").ok();
    let named = named.map(|text| text.parse().expect("a number of mixtures"));
    named.unwrap_or(match Extent::from_environment() {
        Extent::Full => 160,
        Extent::Sample | Extent::Push | Extent::Only(_) => 7,
    })
}

#[test]
fn the_power_goes() {
    let mixes = mixes();
    for_those(
        |_| true,
        |scenario, template, judge| {
            let world = template.case(0).unwrap();
            let (outcome, recording) = world.tracer().record(&world.root).unwrap();
            assert_eq!(outcome.ended, Ended::Exited(0));
            let recorded = Instant::now();
            let images = recording.images(SEED, mixes, NOT_KEPT);
            let last = images.last().unwrap();
            assert!(last.told, "the answer was not seen");
            let name = format!("{}, the power goes ({mixes} mixtures)", scenario.name);
            let sample = images.len() / 40 + 1;
            let push = if scenario.is_large() { 8 } else { 2 };
            let apart = Apart { sample, push }.thinned(scenario);
            sweep(&name, (0, apart), |point, worker| {
                let Some(image) = images.get(point - 1) else {
                    return beyond_the_last();
                };
                // No machine is back sooner.
                while recorded.elapsed() < Duration::from_secs(1) {
                    std::thread::yield_now();
                }
                let world = template.empty(worker).unwrap();
                image.materialise(&world.root).unwrap();
                let mut wrongs = judge.wrongs_of_lost_answer(&world, image.told);
                wrongs.extend(judge.wrongs(&world, None));
                let words = format!("{}, {}", recording.describe(image.cut), image.words);
                Case {
                    fired: true,
                    wrongs: wrongs
                        .into_iter()
                        .map(|wrong| format!("{words}: {wrong}"))
                        .collect(),
                }
            })
        },
    );
}

/// What was displaced is removed when it was looked at again, and not before.
#[test]
fn what_was_displaced_goes() {
    for scenario in [&board::STATUS, &ALL[0]] {
        let world_of = template(scenario);
        let world = world_of.case(0).unwrap();
        let displaced = world.top().join(".git/airboss/displaced");
        let left = || fs_err::read_dir(&displaced).unwrap().count();
        assert_eq!(world.run(scenario.command).unwrap().status.code(), Some(0));
        assert!(left() > 0, "it was removed at the first look");
        let deadline = Instant::now() + Duration::from_secs(20);
        while left() > 0 {
            assert!(Instant::now() < deadline, "it is never removed");
            assert_eq!(world.run(scenario.command).unwrap().status.code(), Some(0));
        }
    }
}

/// How far the second crashes are apart in more than a sample: of a step, and of a board,
/// whose commands crash in three times as many ways. Where they begin moves on with the first, so
/// that each of the recovery's calls is struck after one in so many of them.
const SECOND: [usize; 2] = [5, 25];

/// The first second crash after a crash, and how far the others are apart.
fn second_crashes(scenario: &Scenario, killed_at: usize) -> (usize, usize) {
    let extent = Extent::from_environment();
    let push = SECOND[usize::from(scenario.is_board())];
    let apart = Apart { sample: 31, push }.thinned(scenario);
    match extent {
        Extent::Full => (1 + killed_at % push, push),
        Extent::Push => (extent.first(killed_at, apart), push),
        Extent::Sample | Extent::Only(_) => {
            (extent.first(killed_at % 7, apart), extent.stride(apart))
        }
    }
}

#[test]
fn killed_and_killed_again_while_it_recovers() {
    let extent = Extent::from_environment();
    for_all(|scenario, template, judge| {
        let crashed = template.beside("crashed");
        let mut wrongs = Vec::new();
        let mut seen = HashSet::new();
        let mut first = 1;
        let apart = Apart {
            sample: 47,
            push: 5,
        };
        let firsts = extent.stride(apart.thinned(scenario));
        loop {
            let world = template.case(0).unwrap();
            let outcome = world.tracer().run(Mode::KillBefore(first)).unwrap();
            if !outcome.fired {
                break;
            }
            assert!(matches!(outcome.ended, Ended::Killed(_)));
            let killed_at = first;
            first += firsts;
            // Many calls leave the same place.
            if !seen.insert(world.look()) {
                continue;
            }
            if crashed.exists() {
                fs_err::remove_dir_all(&crashed).unwrap();
            }
            fs_err::rename(&world.root, &crashed).unwrap();
            let name = format!(
                "{}, killed before call {killed_at} and again",
                scenario.name
            );
            wrongs.extend(sweep_points(
                &name,
                second_crashes(scenario, killed_at),
                |point, worker| {
                    let world = template.copy_of(&crashed, worker).unwrap();
                    strike(&world, judge, Mode::KillBefore(point)).unwrap()
                },
            ));
        }
        wrongs
    });
}
