//! Status lines in all their shapes, and what of them is rewritten.

use std::ops::Range;

use crate::board::status::TaskStatus;

/// A status line. Ranges are offsets in its line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct StatusLine {
    /// What stands for the status: the text inside the brackets, or the bare words.
    pub(super) text: Range<usize>,
    /// How it stands there.
    pub(super) shape: StatusShape,
    /// Where what follows the status begins.
    pub(super) tail: usize,
}

/// How a status is written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum StatusShape {
    /// `[PLANNED]`.
    Marker,
    /// `DONE`: known words without brackets.
    Bare,
    /// Words that nobody knows, without brackets; or nothing at all.
    Unknown,
}

/// Where the value of a status line begins, if the line is one.
pub(super) fn status_value(line: &str) -> Option<usize> {
    let bytes = line.as_bytes();
    let indent = bytes.iter().take_while(|byte| blank(**byte)).count();
    if indent > 3 {
        return None;
    }
    let mut at = indent;
    let bullet = matches!(bytes.get(at), Some(b'-' | b'*' | b'+'))
        && bytes.get(at + 1).is_some_and(|byte| blank(*byte));
    if bullet {
        at += 1;
        at += bytes[at..].iter().take_while(|byte| blank(**byte)).count();
    }
    let stars = count_stars(bytes, at);
    at += stars;
    if !bytes[at..].starts_with(b"Status") || stars > 2 || (stars == 0 && !bullet) {
        return None;
    }
    at += "Status".len();
    if bytes.get(at) == Some(&b':') {
        at += 1;
        let closing = count_stars(bytes, at);
        if (stars == 0) != (closing == 0) || closing > 2 {
            return None;
        }
        at += closing;
    } else {
        let closing = count_stars(bytes, at);
        if stars == 0 || closing == 0 || closing > 2 {
            return None;
        }
        at += closing;
        at += bytes[at..].iter().take_while(|byte| blank(**byte)).count();
        if bytes.get(at) != Some(&b':') {
            return None;
        }
        at += 1;
    }
    Some(at + bytes[at..].iter().take_while(|byte| blank(**byte)).count())
}

/// Reads a line whose value begins at `value`.
pub(super) fn read(line: &str, value: usize) -> StatusLine {
    let rest = &line[value..];
    // Check marks and emphasis may stand before the word.
    let word = rest.trim_start_matches(|character: char| {
        !character.is_alphanumeric() && !"[|(".contains(character)
    });
    let start = line.len() - word.len();
    if let Some(marker) = bracket(line, start) {
        return marker;
    }
    if let Some((_, length)) = TaskStatus::known_prefix(word) {
        return StatusLine {
            text: start..start + length,
            shape: StatusShape::Bare,
            tail: start + length,
        };
    }
    // Unknown words, with a marker behind them or none.
    let inner = rest.find('[').map(|at| value + at);
    let marker = inner.and_then(|at| bracket(line, at));
    if let Some(marker) = marker {
        let link = line[marker.tail..].starts_with('(');
        let known = matches!(
            TaskStatus::read(&line[marker.text.clone()]),
            TaskStatus::Known(_)
        );
        if !link && known {
            return marker;
        }
    }
    let words = rest.split('|').next().unwrap_or(rest).trim_end();
    StatusLine {
        text: value..value + words.len(),
        shape: StatusShape::Unknown,
        tail: value,
    }
}

/// The marker whose bracket opens at `at`.
fn bracket(line: &str, at: usize) -> Option<StatusLine> {
    let inside = line[at..].strip_prefix('[')?;
    let length = inside.find(']')?;
    Some(StatusLine {
        text: at + 1..at + 1 + length,
        shape: StatusShape::Marker,
        tail: at + length + 2,
    })
}

fn count_stars(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().take_while(|byte| **byte == b'*').count()
}

fn blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Option<(StatusShape, &str, &str)>) {
        let status = status_value(line).map(|value| read(line, value));
        let status = status.as_ref().map(|status| {
            (
                status.shape,
                &line[status.text.clone()],
                &line[status.tail..],
            )
        });
        assert_eq!(status, expected, "{line}");
    }

    #[test]
    fn shapes() {
        use StatusShape::{Bare, Marker, Unknown};
        check("- **Status**: [PLANNED]", Some((Marker, "PLANNED", "")));
        check(" **Status**: [PLANNED]", Some((Marker, "PLANNED", "")));
        check("*Status**: [PLANNED]", Some((Marker, "PLANNED", "")));
        check("**Status:** [PLANNED]", Some((Marker, "PLANNED", "")));
        check("- Status: [PLANNED]", Some((Marker, "PLANNED", "")));
        check("* **Status** : [X] tail", Some((Marker, "X", " tail")));
        check(
            "- **Status**: [BLOCKED - waits]",
            Some((Marker, "BLOCKED - waits", "")),
        );
        check("**Status**: DONE", Some((Bare, "DONE", "")));
        check(
            "**Status**: Not Started (yet)",
            Some((Bare, "Not Started", " (yet)")),
        );
        check(
            "- **Status**: ✅ COMPLETE (100 %)",
            Some((Bare, "COMPLETE", " (100 %)")),
        );
        check(
            "- **Status**: Waiting | **Effort**: 2",
            Some((Unknown, "Waiting", "Waiting | **Effort**: 2")),
        );
        check("- **Status**:", Some((Unknown, "", "")));
        check(
            "- **Status**: see [x](y)",
            Some((Unknown, "see [x](y)", "see [x](y)")),
        );
        check("**Status note (old)**: [X]", None);
        check("**Status Transitions** follow", None);
        check("- Status remained [X]", None);
        check("Status: [X]", None);
        check("    - **Status**: [X]", None);
        check("- **status**: [X]", None);
    }
}
