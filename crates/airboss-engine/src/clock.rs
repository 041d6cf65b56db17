//! The only place that reads the wall clock and makes ids.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use airboss_core::time::Timestamp;
use uuid::Uuid;

/// The wall clock now, as the file system counts it: for comparing with a file's times.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one door to the wall clock"
)]
pub fn wall() -> SystemTime {
    SystemTime::now()
}

/// The wall clock now, in whole milliseconds.
#[must_use]
pub fn now() -> Timestamp {
    let elapsed = wall().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
}

/// A fresh UUID version 7, which sorts by creation time.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that makes ids"
)]
pub fn fresh_uuid() -> Uuid {
    Uuid::now_v7()
}

/// A random pause below `longest`, so that those who wait for one thing do not wake together.
#[must_use]
pub fn jitter(longest: Duration) -> Duration {
    let fraction = f64::from(random()) / f64::from(u32::MAX);
    longest.mul_f64(fraction)
}

/// Yes, once in so many times.
#[must_use]
pub fn one_in(count: u32) -> bool {
    random().is_multiple_of(count)
}

/// Every state has its own keys: enough randomness for a pause, and no system call.
fn random() -> u32 {
    RandomState::new().hash_one(()) as u32
}
