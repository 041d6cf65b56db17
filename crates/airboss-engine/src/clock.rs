//! The only place that reads the wall clock and makes ids.

use std::time::{SystemTime, UNIX_EPOCH};

use airboss_core::time::Timestamp;
use uuid::Uuid;

/// The wall clock now, in whole milliseconds.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one door to the wall clock"
)]
pub fn now() -> Timestamp {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
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
