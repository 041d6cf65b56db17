//! The line scanner: where each line of a plan starts and ends, in bytes.
//!
//! Offsets are offsets into the original bytes, so that an edit can splice them. Nothing
//! here knows what a line means.

use std::borrow::Cow;
use std::ops::Range;

/// A byte order mark, skipped at the start of the first line.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A tab counts as this many columns: Markdown's own tab stop.
const TAB_COLUMNS: usize = 4;

/// The lines of one text. Line numbers inside this module tree count from 0.
#[derive(Debug)]
pub(crate) struct Lines<'t> {
    text: &'t str,
    // Offsets fit because a plan is refused above `MAX_PLAN_BYTES`; half the memory matters
    // for a hostile file of empty lines.
    spans: Vec<(u32, u32)>,
}

impl<'t> Lines<'t> {
    /// Splits at line feeds; a carriage return before one belongs to the line ending.
    pub(crate) fn new(text: &'t str) -> Self {
        // Counting is fast, and growing in steps takes three times the memory for a while.
        let count = memchr::memchr_iter(b'\n', text.as_bytes()).count() + 1;
        let mut spans = Vec::with_capacity(count);
        each_line(text, |span| {
            if let (Ok(from), Ok(to)) = (u32::try_from(span.start), u32::try_from(span.end)) {
                spans.push((from, to));
            }
        });
        Self { text, spans }
    }

    /// The whole text.
    pub(crate) fn text(&self) -> &'t str {
        self.text
    }

    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    /// The line without its ending; an empty text for a line that does not exist.
    pub(crate) fn get(&self, line: usize) -> &'t str {
        &self.text[self.span(line)]
    }

    /// The bytes of the line without its ending.
    pub(crate) fn span(&self, line: usize) -> Range<usize> {
        match self.spans.get(line) {
            Some(&(start, end)) => start as usize..end as usize,
            None => self.text.len()..self.text.len(),
        }
    }

    /// Where the next line starts: behind this line's ending.
    pub(crate) fn next_start(&self, line: usize) -> usize {
        self.span(line + 1).start
    }

    /// The ending of a line as written; `\n` when it has none of its own.
    pub(crate) fn ending(&self, line: usize) -> &'static str {
        if self.text[self.span(line).end..].starts_with("\r\n") {
            "\r\n"
        } else {
            "\n"
        }
    }
}

/// Goes through the lines of a text as [`Lines`] has them.
pub(crate) fn each_line(text: &str, mut line: impl FnMut(Range<usize>)) {
    let bytes = text.as_bytes();
    let mut start = if text.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len()
    } else {
        0
    };
    for end in memchr::memchr_iter(b'\n', bytes) {
        let has_return = start < end && bytes[end - 1] == b'\r';
        line(start..end - usize::from(has_return));
        start = end + 1;
    }
    // Behind the last line feed there is no line unless something stands there.
    if start < bytes.len() {
        let has_return = bytes.ends_with(b"\r");
        line(start..bytes.len() - usize::from(has_return));
    }
}

/// The bytes as text of the same length: every byte that is not UTF-8 becomes `?`.
///
/// A replacement character would move every later offset; a one-byte stand-in does not.
pub(crate) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            let mut text = String::with_capacity(bytes.len());
            for chunk in bytes.utf8_chunks() {
                text.push_str(chunk.valid());
                text.extend(chunk.invalid().iter().map(|_| '?'));
            }
            Cow::Owned(text)
        }
    }
}

/// Columns of leading white space, and the text behind it.
pub(crate) fn indentation(text: &str) -> (usize, &str) {
    let rest = text.trim_start_matches([' ', '\t']);
    let columns = text[..text.len() - rest.len()]
        .bytes()
        .map(|byte| if byte == b'\t' { TAB_COLUMNS } else { 1 })
        .sum();
    (columns, rest)
}

/// The text behind a bullet (`- `, `* `, `+ `), if the line is a list item.
pub(crate) fn bullet(rest: &str) -> Option<&str> {
    let tail = rest.strip_prefix(['-', '*', '+'])?;
    tail.starts_with([' ', '\t']).then(|| tail.trim_start())
}

/// The text behind a number (`3. `, `3) `), if the line is a numbered list item.
pub(crate) fn numbered(rest: &str) -> Option<&str> {
    let tail = rest.trim_start_matches(|character: char| character.is_ascii_digit());
    if tail.len() == rest.len() {
        return None;
    }
    let tail = tail.strip_prefix(['.', ')'])?;
    tail.starts_with([' ', '\t']).then(|| tail.trim_start())
}

/// A heading's level (1 to 6) and its text, if the line is one.
pub(crate) fn heading(text: &str) -> Option<(usize, &str)> {
    if !text.starts_with('#') {
        return None;
    }
    let rest = text.trim_start_matches('#');
    let level = text.len() - rest.len();
    (level <= 6 && rest.starts_with([' ', '\t'])).then(|| (level, rest.trim()))
}

/// The byte range inside each back-quoted span of one line.
pub(crate) fn code_spans(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let open = at + text[at..].find('`')?;
        let ticks = bytes[open..]
            .iter()
            .take_while(|byte| **byte == b'`')
            .count();
        let inside = open + ticks;
        // A span closes with as many back-quotes as it opened with.
        let Some(close) = closing_ticks(bytes, inside, ticks) else {
            at = text.len();
            return None;
        };
        at = close + ticks;
        Some(inside..close)
    })
}

/// Where the first `**` stands; searching for two bytes costs more than looking for one twice.
pub(crate) fn find_bold(text: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text[from..].find('*').map(|at| from + at) {
        if text[at + 1..].starts_with('*') {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

fn closing_ticks(bytes: &[u8], from: usize, ticks: usize) -> Option<usize> {
    let mut at = from;
    while at < bytes.len() {
        if bytes[at] != b'`' {
            at += 1;
            continue;
        }
        let run = bytes[at..].iter().take_while(|byte| **byte == b'`').count();
        if run == ticks {
            return Some(at);
        }
        at += run;
    }
    None
}
