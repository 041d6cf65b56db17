//! Small words for people: durations, counts, standings. Brief, aligned, always true.

use std::time::Duration;

use airboss_core::attempt::AttemptEnd;
use airboss_core::dispatch::Standing;
use airboss_core::id::StepId;
use airboss_core::operation::RunEnding;
use airboss_core::process::{Exit, StopReason};
use airboss_core::time::Timestamp;

/// `0.4s`, `12s`, `3m05s`, `2h10m`: two figures at most.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1}s", duration.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `950`, `12.3k`, `4.5M`.
#[must_use]
pub fn amount(count: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let number = count as f64;
    match count {
        0..1_000 => count.to_string(),
        1_000..1_000_000 => format!("{:.1}k", number / 1e3),
        _ => format!("{:.1}M", number / 1e6),
    }
}

/// `1 step`, `3 steps`.
#[must_use]
pub fn count(number: usize, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{ending}")
}

/// `2026-03-02 09:15:00`, in UTC: sorts, aligns, and can be searched for.
#[must_use]
pub fn instant(at: Timestamp) -> String {
    at.seconds_text().replace('T', " ").replace('Z', "")
}

/// `2.1, 2.2`.
#[must_use]
pub fn ids(ids: &[StepId]) -> String {
    let ids: Vec<&str> = ids.iter().map(StepId::as_str).collect();
    ids.join(", ")
}

/// How a run ended, in a word or two.
#[must_use]
pub fn ending(ending: RunEnding) -> &'static str {
    match ending {
        RunEnding::Complete => "complete",
        RunEnding::Failed => "failed",
        RunEnding::Blocked => "blocked",
        RunEnding::Limited => "limited",
        RunEnding::Exhausted => "stopped at its limit",
        RunEnding::Drained { .. } => "stopped by a person",
        RunEnding::Interrupted => "interrupted",
    }
}

/// How the process of an attempt came to its end.
#[must_use]
pub fn end(end: &AttemptEnd) -> String {
    let outcome = match end {
        AttemptEnd::NotStarted { message } => return format!("not started: {message}"),
        AttemptEnd::NeverStarted => return "never started: its runner was gone".to_owned(),
        AttemptEnd::Lost { swept } => {
            return format!("its supervisor vanished; {}", killed(*swept));
        }
        AttemptEnd::Seen { outcome } => outcome,
    };
    let exit = match &outcome.exit {
        Exit::Code { code } => format!("exited with {code}"),
        Exit::Signal { signal } => format!("died of signal {signal}"),
        Exit::NotStarted { message, .. } => format!("not started: {message}"),
        Exit::Unknown => "its end was not seen".to_owned(),
    };
    match outcome.stopped {
        Some(reason) => format!("ended by airboss ({}); {exit}", stop_reason(reason)),
        None => exit,
    }
}

/// `1 process was killed`, `3 processes were killed`.
#[must_use]
pub fn killed(processes: u32) -> String {
    match processes {
        1 => "1 process was killed".to_owned(),
        several => format!("{several} processes were killed"),
    }
}

/// Why a supervisor ended its agent.
#[must_use]
pub fn stop_reason(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Deadline => "its time was used up",
        StopReason::Idle => "no output and no processor time",
        StopReason::Flood => "too much output",
        StopReason::Requested => "it was asked to stop",
        StopReason::Frozen => "it was frozen",
    }
}

/// Why a step is where it is, as the rest of a sentence about the step.
#[must_use]
pub fn standing(standing: &Standing, now: Timestamp) -> String {
    let wait = |until: &Timestamp| duration(until.since(now));
    match standing {
        Standing::Settled => "is done".to_owned(),
        Standing::InProgress => "is in progress".to_owned(),
        Standing::Ready { retry: false } => "is ready".to_owned(),
        Standing::Ready { retry: true } => "is ready to be retried".to_owned(),
        Standing::Parked {
            until,
            retry: false,
        } => format!("is parked for {}", wait(until)),
        Standing::Parked { until, retry: true } => format!("is retried in {}", wait(until)),
        Standing::Limited { until } => {
            format!("is limited until {until} ({} from now)", wait(until))
        }
        Standing::WaitsFor(before) => format!("waits for {}", ids(before)),
        Standing::Blocked(by) => format!("is blocked by {}", ids(by)),
        Standing::NeedsAnswer => "needs an answer".to_owned(),
        Standing::Held => "was ended by a person, and waits to be given back".to_owned(),
        Standing::Exhausted => "failed, and its retries are used up".to_owned(),
    }
}

/// Text cut to a number of columns, marked when it was.
#[must_use]
pub fn cut(text: &str, columns: usize) -> String {
    match text.char_indices().nth(columns) {
        None => text.to_owned(),
        Some(_) => {
            let kept: String = text.chars().take(columns.saturating_sub(1)).collect();
            format!("{}…", kept.trim_end())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_figures_at_most() {
        let shown = [400, 9_900, 59_000, 185_000, 7_800_000]
            .map(|millis| duration(Duration::from_millis(millis)));
        assert_eq!(shown, ["0.4s", "9.9s", "59s", "3m05s", "2h10m"]);
    }

    #[test]
    fn amounts_are_short() {
        assert_eq!(
            [950, 12_345, 4_500_000].map(amount),
            ["950", "12.3k", "4.5M"]
        );
    }

    #[test]
    fn cutting_counts_characters() {
        assert_eq!(cut("äöüß", 4), "äöüß");
        assert_eq!(cut("äöüß!", 4), "äöü…");
    }
}
