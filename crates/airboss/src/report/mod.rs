//! Reporters of a run: live lines on a terminal, a line per event off it.
//!
//! They draw what they are told and nothing else. Words and colours follow
//! `docs/style.md`: a colour never carries a meaning alone.

mod lines;
mod live;
mod summary;

use std::io::IsTerminal as _;

use airboss_core::verdict::Verdict;
use airboss_engine::run::events::Reporter;
use owo_colors::{OwoColorize as _, Style};

pub use self::lines::{LineReporter, short_commit};
pub use self::live::LiveReporter;
pub use self::summary::summary;

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

fn dim(text: &str) -> String {
    text.dimmed().to_string()
}
