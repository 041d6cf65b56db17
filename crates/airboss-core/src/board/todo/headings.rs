//! Headings of entries: `### 31. Title`, its decorations, and `## Task 31: Title`.

use std::ops::Range;

use crate::plan::lines::heading;

/// What authors put around a number or a title; it says nothing about the status.
const DECORATIONS: [char; 6] = ['✅', '✓', '✔', '✗', '❌', '☑'];

/// Follows a decoration that is to be drawn as a picture.
const VARIATION_SELECTOR: char = '\u{fe0f}';

/// Digits of a number without its leading zeros.
const MAX_DIGITS: usize = 5;

/// A heading that has the shape of a task's. Ranges are offsets in its line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TaskHeading {
    pub(super) number: u32,
    /// The digits, with their leading zeros.
    pub(super) digits: Range<usize>,
    /// A letter or a word follows the number, as in `5b` and `17-meta`.
    pub(super) suffixed: bool,
    pub(super) title: Range<usize>,
    /// The old form on level 2, which is a task wherever it stands.
    pub(super) old: bool,
}

/// Reads a heading of level 2 or 3.
pub(super) fn task_heading(line: &str) -> Option<TaskHeading> {
    let (level, _) = heading(line)?;
    let rest = &line[level..];
    match level {
        2 => old_heading(line, rest.trim_start_matches([' ', '\t'])),
        3 => numbered_heading(line, rest),
        _ => None,
    }
}

fn old_heading(line: &str, rest: &str) -> Option<TaskHeading> {
    let rest = rest
        .strip_prefix("Task")?
        .strip_prefix([' ', '\t'])?
        .trim_start();
    let (number, digits, rest) = number(line, rest)?;
    let title = rest.strip_prefix(':')?;
    Some(TaskHeading {
        number,
        digits,
        suffixed: false,
        title: title_span(line, title),
        old: true,
    })
}

fn numbered_heading(line: &str, rest: &str) -> Option<TaskHeading> {
    let rest = undecorated_start(rest);
    let rest = rest.strip_prefix("OC_").unwrap_or(rest);
    let (number, digits, rest) = number(line, rest)?;
    let behind = suffix(rest);
    let suffixed = behind.is_some();
    let title = behind.unwrap_or(rest).strip_prefix('.')?;
    // `### 3.1 Details` numbers a part of a text.
    if title.starts_with(|character: char| character.is_ascii_digit()) {
        return None;
    }
    Some(TaskHeading {
        number,
        digits,
        suffixed,
        title: title_span(line, title),
        old: false,
    })
}

fn number<'t>(line: &str, rest: &'t str) -> Option<(u32, Range<usize>, &'t str)> {
    let start = line.len() - rest.len();
    let behind = rest.trim_start_matches(|character: char| character.is_ascii_digit());
    let digits = &rest[..rest.len() - behind.len()];
    if digits.is_empty() || digits.trim_start_matches('0').len() > MAX_DIGITS {
        return None;
    }
    let number = digits.parse().ok()?;
    Some((number, start..start + digits.len(), behind))
}

/// What follows the suffix of a number, if it has one.
fn suffix(rest: &str) -> Option<&str> {
    let word = match rest.strip_prefix('-') {
        Some(word) => {
            let behind = word.trim_start_matches(|character: char| {
                character.is_ascii_alphanumeric() || character == '_' || character == '-'
            });
            (behind.len() < word.len()).then_some(behind)
        }
        None => rest.strip_prefix(|character: char| character.is_ascii_lowercase()),
    }?;
    word.starts_with('.').then_some(word)
}

/// The title without the decorations around it; `rest` is the end of `line`.
fn title_span(line: &str, rest: &str) -> Range<usize> {
    let title = undecorated_start(rest);
    let start = line.len() - title.len();
    start..start + undecorated_end(title).len()
}

/// A title as it is read back: without decorations around it.
pub(super) fn plain_title(text: &str) -> &str {
    undecorated_end(undecorated_start(text))
}

fn undecorated_start(mut text: &str) -> &str {
    loop {
        let trimmed = text.trim_start();
        let stripped = trimmed.strip_prefix("~~").or_else(|| {
            let rest = trimmed.strip_prefix(DECORATIONS)?;
            Some(rest.strip_prefix(VARIATION_SELECTOR).unwrap_or(rest))
        });
        match stripped {
            Some(rest) => text = rest,
            None => return trimmed,
        }
    }
}

fn undecorated_end(mut text: &str) -> &str {
    loop {
        let trimmed = text.trim_end();
        let stripped = trimmed.strip_suffix("~~").or_else(|| {
            let rest = trimmed.strip_suffix(VARIATION_SELECTOR).unwrap_or(trimmed);
            rest.strip_suffix(DECORATIONS)
        });
        match stripped {
            Some(rest) => text = rest,
            None => return trimmed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        let cases = [
            ("### 31. Title", Some((31, false, "Title"))),
            ("### ✅ 31. Title", Some((31, false, "Title"))),
            ("### 31. ✔\u{fe0f} Title", Some((31, false, "Title"))),
            ("### 31. Title ✅", Some((31, false, "Title"))),
            ("### ~~31.~~ Title", Some((31, false, "Title"))),
            ("### ~~031. Title~~", Some((31, false, "Title"))),
            ("### OC_31.Title", Some((31, false, "Title"))),
            ("## Task 31: Title", Some((31, false, "Title"))),
            ("### 17-meta. Title", Some((17, true, "Title"))),
            ("### 5b. Title", Some((5, true, "Title"))),
            ("### 5. 3 things", Some((5, false, "3 things"))),
            ("### 5.", Some((5, false, ""))),
            ("### 3.1 Part", None),
            ("### 31 Title", None),
            ("### 123456. Title", None),
            ("#### 31. Title", None),
            ("###31. Title", None),
            ("## 31. Title", None),
            ("### Task 31: Title", None),
        ];
        for (line, expected) in cases {
            let read = task_heading(line);
            let read = read
                .as_ref()
                .map(|read| (read.number, read.suffixed, &line[read.title.clone()]));
            assert_eq!(read, expected, "{line}");
        }
    }
}
