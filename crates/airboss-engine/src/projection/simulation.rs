//! The publisher on a simulated disk, with writers, people, git and crashes in every order.
//!
//! Each actor is a thread, and exactly one of them runs between two operations on the disk;
//! which one is decided by the seed. After every operation the invariants are checked:
//! a file that the publisher wrote is whole, and what a person saved is in the file, on the
//! shelf or put aside. What was durable stays durable, and what was acknowledged stays published.
//!
//! Every invariant is proved to be able to fail: builds that are wrong on purpose
//! ([`Sabotage`]) must be caught.

mod actors;
mod sabotage;
mod turnstile;
mod world;

use std::time::{Duration, Instant};

use self::sabotage::Sabotage;
use self::world::{Report, simulate};

/// How many schedules an ordinary run tries; `AIRBOSS_TEST_SCHEDULES` says otherwise.
const SCHEDULES: u64 = 2_000;

fn schedules() -> u64 {
    let wanted = std::env::var("AIRBOSS_TEST_SCHEDULES").ok();
    wanted
        .and_then(|text| text.parse().ok())
        .unwrap_or(SCHEDULES)
}

/// Runs seeds on two threads, until one of them shows a violation when that is what is wanted.
fn run(seeds: std::ops::Range<u64>, sabotage: Sabotage, until_violation: bool) -> Report {
    let half = |odd: u64| {
        let mut total = Report::default();
        for seed in seeds.clone().filter(|seed| seed % 2 == odd) {
            total.add(simulate(seed, sabotage, false));
            if until_violation && !total.violations.is_empty() {
                break;
            }
        }
        total
    };
    std::thread::scope(|scope| {
        let odd = scope.spawn(|| half(1));
        let mut total = half(0);
        total.add(odd.join().unwrap());
        total
    })
}

#[expect(clippy::print_stderr, reason = "the counts are what the test is for")]
fn say(words: &str) {
    eprintln!("{words}");
}

#[test]
fn nothing_is_lost_in_any_order() {
    let start = Instant::now();
    let report = run(0..schedules(), Sabotage::None, false);
    let elapsed = start.elapsed().max(Duration::from_millis(1));
    let per_minute = f64::from(report.schedules) * 60.0 / elapsed.as_secs_f64();
    say(&format!(
        "{}, {per_minute:.0} schedules a minute",
        report.summary()
    ));
    if let Some((seed, _)) = report.violations.first() {
        let again = simulate(*seed, Sabotage::None, true);
        panic!(
            "{} violations, the first: {}",
            report.violations.len(),
            again.violations[0].1
        );
    }
    // What did not happen was not tested.
    if report.schedules >= 500 {
        let per_thousand = |count: u32| count * 1_000 / report.schedules;
        assert!(per_thousand(report.process_crashes) >= 50, "crashes");
        assert!(per_thousand(report.power_cuts) >= 50, "power cuts");
        assert!(per_thousand(report.errors) >= 50, "errors");
        assert!(per_thousand(report.displaced) >= 50, "displaced");
        assert!(per_thousand(report.saves) >= 500, "saves");
        assert!(report.leftovers > 0, "leftovers");
    }
}

#[test]
fn a_state_on_another_file_system_loses_nothing_either() {
    let report = run(0..schedules() / 4, Sabotage::OtherFileSystem, false);
    say(&report.summary());
    if let Some((seed, _)) = report.violations.first() {
        let again = simulate(*seed, Sabotage::OtherFileSystem, true);
        panic!("{}", again.violations[0].1);
    }
    assert!(report.displaced > 0 && report.power_cuts > 0);
}

/// What somebody renames over the file in the wrong moment is lost there, and only that.
#[test]
fn without_an_exchange_every_file_is_whole_and_comes_to_rest() {
    let report = run(0..schedules() / 4, Sabotage::NoExchange, false);
    say(&report.summary());
    let saves = |words: &str| words.contains("lost: ") || words.contains("durable saves");
    let mut violations = report.violations.iter();
    if let Some((seed, words)) = violations.find(|(_, words)| !saves(words)) {
        let again = simulate(*seed, Sabotage::NoExchange, true);
        panic!("{words}: {}", again.violations[0].1);
    }
}

#[test]
fn what_is_wrong_on_purpose_is_caught() {
    for sabotage in Sabotage::ALL {
        let report = run(0..SCHEDULES, sabotage, true);
        let violation = report.violations.first();
        let after = report.schedules;
        say(&format!("{sabotage:?}: after {after}: {violation:?}"));
        assert!(violation.is_some(), "{sabotage:?} was not caught");
    }
}
