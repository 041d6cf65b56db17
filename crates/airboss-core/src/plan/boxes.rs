//! Boxes (`- [ ] text`) and the ids that their texts begin with.

use super::lines::{bullet, indentation, numbered};
use super::model::Mark;

/// A line with a box.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TickBox<'t> {
    pub(super) indent: usize,
    pub(super) mark: Mark,
    /// Where the mark is in the line, and its length in bytes.
    pub(super) mark_at: usize,
    pub(super) mark_length: usize,
    pub(super) text: &'t str,
}

/// Reads a line as a box: a list item whose text begins with one character in brackets.
pub(super) fn tick_box(line: &str) -> Option<TickBox<'_>> {
    let (indent, rest) = indentation(line);
    let item = bullet(rest).or_else(|| numbered(rest))?;
    let inside = item.strip_prefix('[')?;
    let mark = inside.chars().next()?;
    let tail = inside[mark.len_utf8()..].strip_prefix(']')?;
    if !tail.starts_with([' ', '\t']) {
        return None;
    }
    Some(TickBox {
        indent,
        mark: Mark::from_char(mark),
        mark_at: line.len() - inside.len(),
        mark_length: mark.len_utf8(),
        text: tail.trim(),
    })
}

/// The word of something like a box that is none: `- [NO] text`.
pub(super) fn odd_box(line: &str) -> Option<&str> {
    let (_, rest) = indentation(line);
    let inside = bullet(rest)?.strip_prefix('[')?;
    let close = inside.find(']')?;
    let word = &inside[..close];
    let short = (2..=4).contains(&word.len());
    let capital = word.chars().all(|c| c.is_ascii_uppercase() || c == '/');
    (short && capital && inside[close + 1..].starts_with(' ')).then_some(word)
}

impl Mark {
    /// Reads the character between the brackets.
    #[must_use]
    pub const fn from_char(character: char) -> Self {
        match character {
            ' ' => Self::Open,
            'x' | 'X' | '\u{2713}' | '\u{2714}' => Self::Ticked,
            '~' | '-' => Self::Dropped,
            other => Self::Other(other),
        }
    }
}

/// A step id at the start of a text, and the text behind it: `1.2 x`, `**1.2**: x`, `6.1.A x`.
pub(super) fn step_id(text: &str) -> Option<(&str, String)> {
    let bold = text.starts_with("**");
    let rest = text.strip_prefix("**").unwrap_or(text);
    let length = id_lengths(rest)
        .into_iter()
        .find(|&length| behind(&rest[length..]).is_some())?;
    let tail = behind(&rest[length..])?;
    let closed_early = rest[length..].starts_with("**") || rest[length..].starts_with(":**");
    let opened = bold && !closed_early;
    let text = match opened.then(|| tail.find("**")).flatten() {
        // The emphasis that opened before the id closes somewhere in the text.
        Some(close) => format!("{}{}", &tail[..close], &tail[close + 2..])
            .trim()
            .to_owned(),
        None => tail.trim().to_owned(),
    };
    Some((&rest[..length], text))
}

/// What follows the id once `**`, a punctuation mark and white space are taken away.
fn behind(rest: &str) -> Option<&str> {
    let rest = rest.strip_prefix("**").unwrap_or(rest);
    let rest = rest.strip_prefix(['.', ':', ')']).unwrap_or(rest);
    let rest = rest.strip_prefix("**").unwrap_or(rest);
    let tail = rest.trim_start();
    (tail.len() < rest.len()).then_some(tail)
}

/// Possible lengths of a step id at the start of a text, the better first.
fn id_lengths(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        bytes[from..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let mut at = digits(0);
    let mut parts = usize::from(at > 0);
    let mut lengths = Vec::new();
    while parts > 0 && parts < 4 && bytes.get(at) == Some(&b'.') && digits(at + 1) > 0 {
        at += 1 + digits(at + 1);
        parts += 1;
        lengths.insert(0, at);
        let lettered =
            bytes.get(at) == Some(&b'.') && bytes.get(at + 1).is_some_and(u8::is_ascii_uppercase);
        if parts == 2 && lettered {
            lengths.push(at + 2);
        }
    }
    lengths
}

/// A bold paragraph that is a step: `**1.2: Cut long names**`, as id and title.
pub(super) fn bold_step(rest: &str) -> Option<(&str, String)> {
    let inner = rest.strip_prefix("**")?;
    let (id, _) = step_id(inner).or_else(|| step_id(rest))?;
    let inner_text = &inner[id.len()..];
    if !inner_text.starts_with(':') && !inner_text.starts_with("**:") {
        return None;
    }
    let title = inner_text.trim_start_matches([':', '*']).replace("**", "");
    Some((id, title.trim().trim_end_matches(':').to_owned()))
}
