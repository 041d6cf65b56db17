//! The nemesis of the board: everything that happens to one, at the same time.
//!
//! Many writers, each killed at random and then repeating its command; a person who saves
//! TODO.md by renaming and in place; git under the person's hands; readers that look at the
//! files and ask for JSON all the time. Real processes of the built program, a real repository,
//! real files. Afterwards the [`judge`] holds what everybody saw against the log.
//!
//! `AIRBOSS_TEST_NEMESIS` is the number of seconds (20 without it), `AIRBOSS_TEST_WRITERS` that of
//! writers (64), `AIRBOSS_TEST_CHANGES` ends a writer after so many changes, and
//! `AIRBOSS_TEST_SEED` is printed by every run: it draws the same commands, saves and operations
//! of git again. What the kernel makes of them is its own.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]

mod commits;
mod evidence;
mod falsified;
mod git;
mod judge;
mod person;
mod readers;
mod rest;
mod storm;
mod world;
mod writers;

use std::time::Duration;

use self::storm::{Storm, Weather};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Another one at each run, unless one is asked for.
fn seed() -> u64 {
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    number("AIRBOSS_TEST_SEED").unwrap_or_else(|| now().unwrap().subsec_nanos().into())
}

#[expect(clippy::print_stdout, reason = "the counts are what the test is for")]
fn say(words: &str) {
    println!("{words}");
}

#[test]
fn nothing_is_lost_and_nothing_is_made_up() {
    let weather = Weather {
        seconds: Duration::from_secs(number("AIRBOSS_TEST_NEMESIS").unwrap_or(20)),
        writers: number("AIRBOSS_TEST_WRITERS").unwrap_or(64),
        changes: number("AIRBOSS_TEST_CHANGES").unwrap_or(u64::MAX),
        seed: seed(),
    };
    say(&format!("{weather:?}"));
    let storm = Storm::new(weather);
    storm.rage();
    let evidence = storm.evidence();
    say(&evidence.summary());
    let violations = judge::violations(&evidence);
    if !violations.is_empty() {
        let place = storm.keep(&evidence);
        panic!(
            "{} violations, {weather:?}, all of it is kept in {}:\n{}",
            violations.len(),
            place.display(),
            violations.join("\n")
        );
    }
    evidence.assert_that_it_happened(&weather);
}
