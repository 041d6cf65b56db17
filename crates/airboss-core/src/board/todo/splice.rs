//! Replacements of bytes, and whole lines put in and taken out.

use std::ops::Range;

use super::scan::Scan;

/// One replacement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Splice {
    pub(super) at: Range<usize>,
    pub(super) bytes: Vec<u8>,
}

impl Splice {
    pub(super) fn new(at: Range<usize>, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self { at, bytes }
    }

    /// Puts lines in behind a line, with its line ending.
    pub(super) fn insert(scan: &Scan<'_>, line: usize, lines: &[String]) -> Self {
        let ending = ending(scan, line);
        let mut bytes = Vec::new();
        let is_ended = is_ended(scan, line);
        for line in lines {
            if !is_ended {
                bytes.extend_from_slice(ending.as_bytes());
            }
            bytes.extend_from_slice(line.as_bytes());
            if is_ended {
                bytes.extend_from_slice(ending.as_bytes());
            }
        }
        let at = if is_ended {
            scan.lines.next_start(line)
        } else {
            scan.text.len()
        };
        Self::new(at..at, bytes)
    }

    /// Whether it begins with the ending of the line that it is put behind: the last of a file that
    /// has none.
    fn ends_line(&self) -> bool {
        self.bytes.starts_with(b"\n") || self.bytes.starts_with(b"\r\n")
    }

    /// Takes lines out, each with its line ending.
    pub(super) fn remove(scan: &Scan<'_>, lines: Range<usize>) -> Self {
        let last = lines.end - 1;
        let at = if is_ended(scan, last) || lines.start == 0 {
            scan.lines.span(lines.start).start..scan.lines.next_start(last)
        } else {
            // The last line of the file has no ending; the one before it loses its own.
            scan.lines.span(lines.start - 1).end..scan.text.len()
        };
        Self::new(at, Vec::new())
    }
}

/// Carries out replacements; of several at one place the earlier one comes first, and what ends a
/// line comes after what is put into it.
pub(super) fn apply(bytes: &[u8], splices: &mut [Splice]) -> Vec<u8> {
    splices.sort_by_key(|splice| (splice.at.start, splice.at.end, splice.ends_line()));
    let mut out = Vec::with_capacity(bytes.len() + 256);
    let mut from = 0;
    for splice in splices.iter() {
        debug_assert!(from <= splice.at.start, "replacements overlap");
        if splice.at.start < from {
            continue;
        }
        out.extend_from_slice(&bytes[from..splice.at.start]);
        out.extend_from_slice(&splice.bytes);
        from = splice.at.end;
    }
    out.extend_from_slice(&bytes[from..]);
    out
}

/// Where an offset is after replacements that lie before it; what is put in at it lies before it.
pub(super) fn moved(splices: &[Splice], at: usize) -> usize {
    let before = splices.iter().filter(|splice| splice.at.end <= at);
    let (gone, come) = before.fold((0, 0), |(gone, come), splice| {
        (gone + splice.at.len(), come + splice.bytes.len())
    });
    at - gone + come
}

/// Whether two replacements meet.
pub(super) fn overlap(splices: &[Splice]) -> bool {
    let mut ranges: Vec<&Range<usize>> = splices.iter().map(|splice| &splice.at).collect();
    ranges.sort_by_key(|range| (range.start, range.end));
    ranges.windows(2).any(|pair| pair[1].start < pair[0].end)
}

/// Whether a line has a line ending of its own.
pub(super) fn is_ended(scan: &Scan<'_>, line: usize) -> bool {
    let behind = &scan.text[scan.lines.span(line).end..];
    behind.starts_with('\n') || behind.starts_with("\r\n")
}

/// The ending of a line, or of the one before it when it has none.
pub(super) fn ending(scan: &Scan<'_>, line: usize) -> &'static str {
    if is_ended(scan, line) || line == 0 {
        scan.lines.ending(line)
    } else {
        scan.lines.ending(line - 1)
    }
}
