//! Instants and their text forms. The clock itself is the engine's.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A wall clock instant in milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// An instant from milliseconds since the epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The instant `delay` later; saturates at the end of time.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        let millis = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(millis))
    }

    /// The time from `earlier` to `self`, zero when the clock ran backwards.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// `2026-03-02`: the form of date lines and of names with a day.
    #[must_use]
    pub fn day_text(self) -> String {
        self.format("%Y-%m-%d")
    }

    /// `2026-03-02T09:15:00Z`: the form of Markdown stamps and state.json.
    #[must_use]
    pub fn seconds_text(self) -> String {
        self.format("%Y-%m-%dT%H:%M:%SZ")
    }

    /// `2026-03-02T09:15:00.000Z`: the form of status.json.
    #[must_use]
    pub fn millis_text(self) -> String {
        self.format("%Y-%m-%dT%H:%M:%S.%3fZ")
    }

    /// Reads an RFC 3339 instant, with or without a fraction.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let instant: jiff::Timestamp = text.trim().parse().ok()?;
        Some(Self(instant.as_millisecond()))
    }

    fn format(self, pattern: &str) -> String {
        // Out-of-range instants cannot come from a clock; they show as the epoch.
        let instant = jiff::Timestamp::from_millisecond(self.0).unwrap_or_default();
        instant.strftime(pattern).to_string()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.seconds_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_round_trip() {
        let instant = Timestamp::from_millis(1_772_442_900_123);
        assert_eq!(instant.millis_text(), "2026-03-02T09:15:00.123Z");
        assert_eq!(instant.seconds_text(), "2026-03-02T09:15:00Z");
        assert_eq!(Timestamp::parse(&instant.millis_text()), Some(instant));
    }

    #[test]
    fn a_clock_that_ran_backwards_gives_zero() {
        let earlier = Timestamp::from_millis(5);
        assert_eq!(Timestamp::from_millis(3).since(earlier), Duration::ZERO);
    }
}
