//! What is done to every command of [`ALL`].

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use airboss::selftest::scenario::ALL;
use airboss::selftest::{Case, Judge, Scenario, Template, board, judged, strike};
use airboss_faults::{Counted, Ended, Errno, Mode, unavailable};

use crate::sweep::{Extent, beyond_the_last, expect_none, sweep, sweep_points, thinned};

/// The program that is swept.
pub(crate) const AIRBOSS: &str = env!("CARGO_BIN_EXE_airboss");

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
    Template::new(Path::new(AIRBOSS), scenario, &parent).unwrap()
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

/// The commands of a board that every run kills before every call that changes something.
const IN_FULL: [&str; 2] = [board::STATUS.name, board::SYNC.name];

/// Sweeps a fault over every command.
fn sweep_all(
    regime: &str,
    points: fn(&Scenario) -> (usize, usize),
    mode: impl Fn(usize) -> Mode + Sync,
) {
    for_all(|scenario, template, judge| {
        let name = format!("{}, {regime}", scenario.name);
        sweep(&name, points(scenario), |point, worker| {
            strike(&template.case(worker).unwrap(), judge, mode(point)).unwrap()
        })
    });
}

/// A call that changes nothing leaves what the one before it left, so that it is killed only
/// before and after those that change something.
#[test]
fn killed_before_a_call() {
    let points = |scenario: &Scenario| {
        if IN_FULL.contains(&scenario.name) {
            (0, 1)
        } else {
            thinned(scenario, (0, 4))
        }
    };
    sweep_all("killed before a call", points, Mode::KillBefore);
}

#[test]
fn killed_after_a_call() {
    let points = |scenario: &Scenario| thinned(scenario, (1, 9));
    sweep_all("killed after a call", points, Mode::KillAfter);
}

#[test]
fn killed_after_half_a_write() {
    let points = |scenario: &Scenario| thinned(scenario, (0, 5));
    let name = "killed after half a write";
    sweep_all(name, points, Mode::ShortThenKill);
}

/// Sweeps errors over every command, each sampled at calls of its own.
fn fail_all(words: &str, errnos: &[Errno], counted: Counted, sample: usize, lasting: bool) {
    for_all(|scenario, template, judge| {
        let mut wrongs = Vec::new();
        for (place, errno) in errnos.iter().enumerate() {
            let name = format!("{}, {errno} {words}", scenario.name);
            let points = thinned(scenario, (place, sample));
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
    fail_all("once", &Errno::ALL, Counted::Mutating, 43, false);
}

#[test]
fn a_call_and_all_after_it_fail() {
    // A call that is interrupted is made again, and would be for ever.
    let mut lasting = Errno::ALL.to_vec();
    lasting.retain(|errno| *errno != Errno::EINTR);
    fail_all("for good", &lasting, Counted::Mutating, 61, true);
}

#[test]
fn a_look_fails() {
    let errnos = [Errno::EIO, Errno::EACCES, Errno::EMFILE, Errno::ESTALE];
    fail_all("while looking", &errnos, Counted::Reading, 43, false);
}

#[test]
fn the_power_goes() {
    let is_sample = Extent::from_environment() == Extent::Sample;
    let mixes = if is_sample { 2 } else { 12 };
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
            let name = format!("{}, the power goes", scenario.name);
            let sample = if is_sample { images.len() / 40 + 1 } else { 6 };
            let points = thinned(scenario, (0, sample));
            sweep(&name, points, |point, worker| {
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

/// How far the second crashes are apart when all first ones are visited: of a step, and of a board,
/// whose commands crash in three times as many ways. Where they begin moves on with the first, so
/// that each of the recovery's calls is struck after one in so many of them.
const SECOND: [usize; 2] = [5, 25];

#[test]
fn killed_and_killed_again_while_it_recovers() {
    let extent = Extent::from_environment();
    for_all(|scenario, template, judge| {
        let crashed = template.beside("crashed");
        let mut wrongs = Vec::new();
        let mut seen = HashSet::new();
        let mut first = 1;
        loop {
            let world = template.case(0).unwrap();
            let outcome = world.tracer().run(Mode::KillBefore(first)).unwrap();
            if !outcome.fired {
                break;
            }
            assert!(matches!(outcome.ended, Ended::Killed(_)));
            let killed_at = first;
            first += extent.stride(thinned(scenario, (0, 47)).1);
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
            let sample = thinned(scenario, (killed_at % 7, 31));
            let (first, stride) = match extent {
                Extent::Full => {
                    let apart = SECOND[usize::from(scenario.is_board())];
                    (1 + killed_at % apart, apart)
                }
                extent => (extent.first(sample.0, sample.1), extent.stride(sample.1)),
            };
            wrongs.extend(sweep_points(&name, (first, stride), |point, worker| {
                let world = template.copy_of(&crashed, worker).unwrap();
                strike(&world, judge, Mode::KillBefore(point)).unwrap()
            }));
        }
        wrongs
    });
}
