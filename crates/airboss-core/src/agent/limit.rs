//! Usage limits as agents put them in words.

use std::time::Duration;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

use crate::time::Timestamp;

/// Whether an agent's message says that a usage or rate limit refused the request.
pub(super) fn is_limit(message: &str) -> bool {
    const SIGNS: [&str; 4] = ["rate limit", "rate_limit", "usage limit", "quota"];
    let lower = message.to_ascii_lowercase();
    // The status counts as a word alone: one in 150 session ids has these digits within it.
    let mut words = lower.split(|character: char| !character.is_ascii_alphanumeric());
    words.any(|word| word == "429")
        || SIGNS.iter().any(|sign| lower.contains(sign))
        || (lower.contains("hit your") && lower.contains("limit"))
}

/// The HTTP status that a message names: `unexpected status 503 Service Unavailable`.
pub(super) fn status_in(message: &str) -> Option<u16> {
    let mut rest = message;
    while let Some((_, after)) = rest.split_once("status") {
        let digits = after.trim_start_matches([':', ' ', '=']);
        let number: String = digits
            .chars()
            .take_while(char::is_ascii_digit)
            .take(4)
            .collect();
        if let Some(status) = number
            .parse()
            .ok()
            .filter(|status| (400..=599).contains(status))
        {
            return Some(status);
        }
        rest = after;
    }
    None
}

/// When a limit ends, by the words of an agent that were heard `at` some instant.
///
/// Understood are `resets 3:17am (UTC)`, `…limit reached|1795231026` (seconds
/// since the epoch) and `try again in 2 days 3 hours 5 minutes`. A time of day in
/// another zone is not: the zone's rules are not known here.
#[must_use]
pub fn reset_from_text(message: &str, at: Timestamp) -> Option<Timestamp> {
    epoch(message)
        .or_else(|| time_of_day(message, at))
        .or_else(|| delay(message, at))
}

fn epoch(message: &str) -> Option<Timestamp> {
    let (_, seconds) = message.rsplit_once('|')?;
    let seconds: i64 = seconds.trim().parse().ok()?;
    // Plausible are the years 2001 to 2286, which have ten digits.
    (1_000_000_000..10_000_000_000)
        .contains(&seconds)
        .then(|| Timestamp::from_millis(seconds * 1000))
}

fn time_of_day(message: &str, at: Timestamp) -> Option<Timestamp> {
    let lower = message.to_ascii_lowercase();
    let (_, after) = lower.split_once("resets ")?;
    let (clock, zone) = after.split_once('(')?;
    if !zone.starts_with("utc)") {
        return None;
    }
    let clock = clock.trim().trim_start_matches("at ");
    let (clock, afternoon) = match clock.strip_suffix("am") {
        Some(clock) => (clock, false),
        None => (clock.strip_suffix("pm")?, true),
    };
    let (hour, minute) = clock.trim().split_once(':').unwrap_or((clock.trim(), "0"));
    let (hour, minute): (i8, i8) = (hour.parse().ok()?, minute.parse().ok()?);
    if !(1..=12).contains(&hour) {
        return None;
    }
    let time = Time::new(hour % 12 + if afternoon { 12 } else { 0 }, minute, 0, 0).ok()?;
    let now = jiff::Timestamp::from_millisecond(at.as_millis())
        .ok()?
        .to_zoned(TimeZone::UTC);
    let today = DateTime::from_parts(now.date(), time)
        .to_zoned(TimeZone::UTC)
        .ok()?;
    // A time that has passed today is meant for tomorrow; the minute itself is still today.
    let next = if now.timestamp().as_second() - today.timestamp().as_second() > 60 {
        today.tomorrow().ok()?
    } else {
        today
    };
    Some(Timestamp::from_millis(next.timestamp().as_millisecond()))
}

fn delay(message: &str, at: Timestamp) -> Option<Timestamp> {
    let lower = message.to_ascii_lowercase();
    let (_, after) = lower.split_once("again in ")?;
    let mut seconds = 0.0;
    let mut words = after.split([' ', ',']).filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        let digits = word.trim_end_matches(|character: char| !character.is_ascii_digit());
        let Ok(number) = digits.parse::<f64>() else {
            break;
        };
        let unit = word[digits.len()..].trim_end_matches('.');
        let unit = if unit.is_empty() { words.next()? } else { unit };
        seconds += number * seconds_per(unit.trim_end_matches('.'))?;
    }
    // Nobody is parked for longer than a year by a sentence.
    let delay = (seconds > 0.0).then_some(seconds.min(365.0 * 86400.0))?;
    Some(at.after(Duration::from_secs_f64(delay)))
}

fn seconds_per(unit: &str) -> Option<f64> {
    Some(match unit.trim_end_matches('s') {
        "m" if unit == "ms" => 0.001,
        "" | "sec" | "second" => 1.0,
        "m" | "min" | "minute" => 60.0,
        "h" | "hr" | "hour" => 3600.0,
        "d" | "day" => 86400.0,
        "week" => 604_800.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, expected: Option<&str>) {
        let at = Timestamp::parse("2026-11-21T02:17:06Z").unwrap();
        assert_eq!(
            reset_from_text(message, at)
                .map(Timestamp::seconds_text)
                .as_deref(),
            expected,
            "{message}"
        );
    }

    #[test]
    fn words_become_instants() {
        check(
            "You've hit your 5-hour limit · resets 3:17am (UTC)",
            Some("2026-11-21T03:17:00Z"),
        );
        check(
            "You've hit your 5-hour limit · resets 1am (UTC)",
            Some("2026-11-22T01:00:00Z"),
        );
        check("resets 12:30pm (UTC)", Some("2026-11-21T12:30:00Z"));
        check("resets 12am (UTC)", Some("2026-11-22T00:00:00Z"));
        check(
            "usage limit reached|1795231026",
            Some("2026-11-21T03:17:06Z"),
        );
        check(
            "Try again in 1 day 2 hours 3 minutes.",
            Some("2026-11-22T04:20:06Z"),
        );
        check("Please try again in 20s.", Some("2026-11-21T02:17:26Z"));
    }

    #[test]
    fn other_words_do_not() {
        for message in [
            "",
            "resets 3am (Europe/Paris)",
            "resets 13:00pm (UTC)",
            "a|b",
            "again in",
            "again in x",
            "resets (utc)",
            "again in 5 moons",
            "|99",
        ] {
            check(message, None);
        }
    }

    #[test]
    fn statuses_and_limits_are_recognised() {
        assert_eq!(
            status_in("exceeded retry limit, last status: 429 Too Many Requests"),
            Some(429)
        );
        assert_eq!(
            status_in("unexpected status 529 <unknown status code>: x"),
            Some(529)
        );
        assert_eq!(status_in("status quo, status 200"), None);
        assert!(
            is_limit("You've hit your weekly limit")
                && is_limit("usage limit")
                && is_limit("API Error: 429 {")
                && !is_limit("hit your head")
                && !is_limit("No conversation found: 30b4297e-1f05-4429-9a60-d42942900000")
        );
    }
}
