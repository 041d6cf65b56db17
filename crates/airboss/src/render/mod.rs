//! What values look like on a terminal and in JSON: values in, text out, nothing decided.

pub mod board;
pub mod checkpoint;
pub mod plan;

use std::fmt::Display;
use std::io::{self, Write};

use owo_colors::{OwoColorize, Style as Paint};

/// How text may be dressed up. Everything must be readable without colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether to use colours.
    pub color: bool,
    /// The columns of the terminal; longer texts are cut.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        // The width of a terminal that does not say its own.
        Self {
            color: false,
            width: 80,
        }
    }
}

/// The meanings that have a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Success,
    Error,
    Warning,
    Accent,
    Strong,
    Faint,
}

impl Style {
    /// Writes a text in the colour of its meaning.
    pub(crate) fn paint(
        self,
        out: &mut impl Write,
        tone: Tone,
        text: impl Display,
    ) -> io::Result<()> {
        if !self.color {
            return write!(out, "{text}");
        }
        let paint = match tone {
            Tone::Success => Paint::new().green(),
            Tone::Error => Paint::new().red().bold(),
            Tone::Warning => Paint::new().yellow(),
            Tone::Accent => Paint::new().cyan(),
            Tone::Strong => Paint::new().bold(),
            Tone::Faint => Paint::new().dimmed(),
        };
        write!(out, "{}", text.style(paint))
    }
}

/// A text for one terminal line: control characters taken out, cut to the columns left.
pub(crate) fn one_line(text: &str, columns: usize) -> String {
    // Escape sequences in a plan are data and must not reach the terminal; direction
    // overrides could make a line read as something else.
    let hidden =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let clean: String = text
        .chars()
        .map(|c| if c == '\t' { ' ' } else { c })
        .filter(|c| !hidden(*c))
        .collect();
    if clean.chars().count() <= columns {
        return clean;
    }
    let mut cut: String = clean.chars().take(columns.saturating_sub(1)).collect();
    cut.push('\u{2026}');
    cut
}
