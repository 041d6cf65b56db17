//! Reporters of a run: live lines on a terminal, a line per event off it.
//!
//! They draw what they are told and nothing else. Words and colours follow
//! `docs/style.md`: a colour never carries a meaning alone.

mod lines;
mod live;
mod summary;

use std::io::IsTerminal as _;

use airboss_core::report::ReportKind;
use airboss_core::text::sanitize;
use airboss_core::verdict::Verdict;
use airboss_engine::run::events::Reporter;
use owo_colors::{OwoColorize as _, Style};

pub use self::lines::{LineReporter, short_commit};
pub use self::live::LiveReporter;
pub use self::summary::summary;
use crate::words;

/// Whether a run is drawn live or told line by line.
#[must_use]
pub fn reporter(quiet: bool, verbose: bool) -> Box<dyn Reporter> {
    if std::io::stderr().is_terminal() && !quiet {
        Box::new(LiveReporter::new(verbose))
    } else {
        Box::new(LineReporter::new(quiet))
    }
}

/// The colour of a verdict: its word always stands beside it.
#[must_use]
pub fn verdict_style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Verified => Style::new().green(),
        Verdict::Failed => Style::new().red(),
        Verdict::Unverified | Verdict::Limited | Verdict::Interrupted => Style::new().yellow(),
        Verdict::Infra => Style::new().magenta(),
        Verdict::Waiting => Style::new().cyan(),
    }
}

/// The sign of a verdict, for the eye; the word says it.
#[must_use]
pub fn verdict_sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Verified => "✓",
        Verdict::Failed => "✗",
        Verdict::Unverified => "?",
        Verdict::Limited => "…",
        Verdict::Interrupted => "↻",
        Verdict::Infra => "!",
        Verdict::Waiting => "⁇",
    }
}

/// What an agent says of its own work, on one line: always as its claim.
fn claim(about: ReportKind, claim: &str, columns: usize) -> String {
    let one_line: Vec<&str> = claim.split_whitespace().collect();
    let told = words::cut(&about.told(&one_line.join(" ")), columns);
    format!("agent says: {}", sanitize(&told))
}

fn dim(text: &str) -> String {
    text.dimmed().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_one_short_line_that_steers_nothing() {
        let check =
            |about, text: &str, expected: &str| assert_eq!(claim(about, text, 20), expected);
        check(
            ReportKind::Progress,
            "half way",
            "agent says: progress: half way",
        );
        check(ReportKind::Status, "completed", "agent says: completed");
        check(
            ReportKind::Ask,
            "which\n\r\tone?",
            "agent says: question: which one?",
        );
        check(ReportKind::Note, "a\u{1b}[31mb", "agent says: note: ab");
        check(
            ReportKind::Note,
            &"word ".repeat(9000),
            "agent says: note: word word wor…",
        );
    }
}
