//! The `Phase Status Summary` table: its marker cells, and its dependency column.

use std::ops::Range;

use super::headings::id_length;
use super::lines::{Lines, heading};
use super::status::status_of;

/// One row that names a phase.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) phase: String,
    pub(super) line: usize,
    /// The text between the brackets of the cell that is exactly one marker.
    pub(super) marker: Option<Range<usize>>,
    /// The cell below a `Dependencies` heading.
    pub(super) dependencies: Option<String>,
}

/// The rows of the tables in a section such as `Phase Status Summary`.
pub(super) fn status_rows(lines: &Lines<'_>, fenced: &[bool]) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut in_section = false;
    let mut dependency_column = None;
    for line in (0..lines.len()).filter(|&line| !fenced[line]) {
        let text = lines.get(line);
        if let Some((_, name)) = heading(text) {
            in_section =
                name.starts_with("Phase") && (name.contains("Status") || name.contains("Summary"));
            dependency_column = None;
        } else if in_section && text.trim_start().starts_with('|') {
            let cells = cells(text);
            let first = cells.first().map_or("", |cell| &text[cell.clone()]);
            if first == "Phase" {
                dependency_column = cells.iter().position(|cell| {
                    let name = &text[cell.clone()];
                    name.starts_with("Depend") || name.starts_with("Depends on")
                });
            } else if let Some(phase) = row_phase(first) {
                rows.push(row(lines, line, phase, &cells, dependency_column));
            }
        }
    }
    rows
}

fn row(
    lines: &Lines<'_>,
    line: usize,
    phase: &str,
    cells: &[Range<usize>],
    dependency_column: Option<usize>,
) -> Row {
    let text = lines.get(line);
    let start = lines.span(line).start;
    let marker = cells.iter().skip(1).find_map(|cell| {
        let inside = text[cell.clone()].strip_prefix('[')?.strip_suffix(']')?;
        status_of(inside).map(|_| start + cell.start + 1..start + cell.end - 1)
    });
    let dependencies = dependency_column
        .and_then(|column| cells.get(column))
        .map(|cell| text[cell.clone()].to_owned());
    Row {
        phase: phase.to_owned(),
        line,
        marker,
        dependencies,
    }
}

/// `Phase 1: Measure` or `1. Measure`; the Total row names no phase.
fn row_phase(cell: &str) -> Option<&str> {
    let named = cell.trim_start_matches('*');
    let rest = named.strip_prefix("Phase ").unwrap_or(named);
    let id = &rest[..id_length(rest)?];
    let tail = &rest[id.len()..];
    let closed = tail.is_empty() || tail.starts_with([':', '.', ' ', '*']);
    // A lone capital letter is the first word of a title unless `Phase` stands before it.
    let plain = rest.len() == named.len() && id.starts_with(|first: char| first.is_alphabetic());
    (closed && !plain).then_some(id)
}

/// The trimmed cells of a table row, as ranges of the line.
fn cells(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = text.find('|').map_or(0, |at| at + 1);
    while let Some(end) = text[start..].find('|').map(|at| start + at) {
        let cell = &text[start..end];
        let from = start + cell.len() - cell.trim_start().len();
        found.push(from..from + cell.trim().len());
        start = end + 1;
    }
    found
}
