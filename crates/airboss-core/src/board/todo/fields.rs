//! Field lines of an entry: `- **Name**: value`, with several on one line where `|` joins them.

use std::ops::Range;

use super::scan::{Entry, Scan};

/// One field. Ranges are offsets in the file.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) line: usize,
    pub(super) name: Range<usize>,
    /// Without the white space around it.
    pub(super) value: Range<usize>,
    /// Nothing else is on its line.
    pub(super) alone: bool,
    /// Where its line's text begins: behind the indentation.
    pub(super) indent: usize,
    /// Its line is a list item.
    pub(super) listed: bool,
}

/// Names of fields that stand at the top of an entry; the last of these that follow the heading
/// without a gap is where a new line goes.
const TOP_FIELDS: [&str; 42] = [
    "Status",
    "Language",
    "Effort",
    "Priority",
    "Research",
    "Dependencies",
    "Plan",
    "Created",
    "Blocking",
    "Researched",
    "Summary",
    "Parent",
    "Planned",
    "Completed",
    "Started",
    "Related",
    "Subtasks",
    "Source",
    "Blocked",
    "Blocked on",
    "Blocking Reason",
    "Abandoned",
    "Abandonment Reason",
    "Revised",
    "Session",
    "Session ID",
    "Parent Task",
    "Blocked-By",
    "Depends On",
    "Depends",
    "Note",
    "Task Type",
    "Topic",
    "Research Started",
    "Research Completed",
    "Planning Started",
    "Planning Completed",
    "Implementation Started",
    "Implementation Completed",
    "Artifacts",
    "Report",
    "Handoff",
];

/// An entry whose fields have been found.
#[derive(Debug)]
pub(super) struct View<'s, 't> {
    pub(super) scan: &'s Scan<'t>,
    pub(super) entry: &'s Entry,
    pub(super) fields: Vec<Field>,
}

impl<'s, 't> View<'s, 't> {
    pub(super) fn new(scan: &'s Scan<'t>, entry: &'s Entry) -> Self {
        let mut fields = Vec::new();
        for line in scan.body(entry) {
            line_fields(scan, line, &mut fields);
        }
        Self {
            scan,
            entry,
            fields,
        }
    }

    /// The bytes of a range.
    pub(super) fn text(&self, range: &Range<usize>) -> &'t str {
        &self.scan.text[range.clone()]
    }

    /// The first field with one of these names; earlier names come first.
    pub(super) fn named(&self, names: &[&str]) -> Option<&Field> {
        names.iter().find_map(|name| {
            self.fields
                .iter()
                .find(|field| self.text(&field.name).eq_ignore_ascii_case(name))
        })
    }

    /// Every field with one of these names.
    pub(super) fn all_named(&self, names: &[&str]) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| {
            let name = self.text(&field.name);
            names.iter().any(|known| known.eq_ignore_ascii_case(name))
        })
    }

    /// The value of the first field with one of these names, unless it is empty.
    pub(super) fn value(&self, names: &[&str]) -> Option<&'t str> {
        let value = self.text(&self.named(names)?.value);
        (!value.is_empty()).then_some(value)
    }

    /// The lines that list what belongs to a field: deeper list items directly below it.
    pub(super) fn items(&self, field: &Field) -> Range<usize> {
        let scan = self.scan;
        let start = field.line + 1;
        let belongs = |line: &usize| {
            let text = scan.lines.get(*line);
            let body = text.trim_start_matches([' ', '\t']);
            let deeper = text.len() - body.len() > field.indent || !field.listed;
            let is_item = crate::plan::lines::bullet(body).is_some();
            // A field of its own is no item, however deep; only links may have labels.
            let is_field = self.fields.iter().any(|other| {
                let kind = super::links::kind_of_name(self.text(&other.name));
                let is_label = kind.is_some() && other.indent > field.indent;
                other.line == *line && (!is_label || Some(*line) == self.entry.status)
            });
            deeper && is_item && !is_field && !scan.quoted[*line]
        };
        let end = (start..self.entry.end)
            .find(|line| !belongs(line))
            .unwrap_or(self.entry.end);
        start..end.max(start)
    }

    /// The line behind the last of the fields that directly follow the heading.
    pub(super) fn block_end(&self) -> usize {
        let lines = &self.scan.lines;
        let mut line = self.entry.line + 1;
        while line < self.entry.end && lines.get(line).trim().is_empty() {
            line += 1;
        }
        let mut end = self.entry.line + 1;
        while line < self.entry.end {
            let field = self.fields.iter().find(|field| field.line == line);
            let Some(field) = field.filter(|field| is_top(self.text(&field.name))) else {
                break;
            };
            line = self.items(field).end;
            end = line;
        }
        // Items that follow would become those of a new line above them.
        let is_stray = |line: usize| {
            let text = lines.get(line).trim_start_matches([' ', '\t']);
            crate::plan::lines::bullet(text).is_some()
                && !self.scan.quoted[line]
                && self.fields.iter().all(|field| field.line != line)
        };
        while end < self.entry.end && is_stray(end) {
            end += 1;
        }
        end
    }
}

fn is_top(name: &str) -> bool {
    TOP_FIELDS
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
        || super::links::kind_of_name(name).is_some()
}

/// Whether a line begins with a field.
pub(super) fn begins_field(scan: &Scan<'_>, line: usize) -> bool {
    let mut fields = Vec::new();
    line_fields(scan, line, &mut fields);
    !fields.is_empty()
}

/// Appends the fields of a line.
fn line_fields(scan: &Scan<'_>, line: usize, fields: &mut Vec<Field>) {
    let text = scan.lines.get(line);
    let bytes = text.as_bytes();
    let indent = bytes.iter().take_while(|byte| blank(**byte)).count();
    let Some(first) = bytes.get(indent) else {
        return;
    };
    if indent > 3 || !matches!(first, b'-' | b'*' | b'+') {
        return;
    }
    let listed = bytes.get(indent + 1).is_some_and(|byte| blank(*byte));
    let mut at = indent;
    if listed {
        at += 1;
        at += bytes[at..].iter().take_while(|byte| blank(**byte)).count();
    }
    let start = scan.lines.span(line).start;
    let first_of_line = fields.len();
    let mut next = field_at(text, at).or_else(|| plain_status(text, at, listed));
    while let Some((name, value)) = next {
        // A description is free text, whatever it holds.
        let is_text = text[name.clone()].eq_ignore_ascii_case("Description");
        let joined = if is_text { None } else { joined(text, value) };
        let end = joined.map_or(text.len(), |at| at);
        let shown = text[value..end].trim_end();
        fields.push(Field {
            line,
            name: start + name.start..start + name.end,
            value: start + value..start + value + shown.len(),
            alone: true,
            indent,
            listed,
        });
        next = joined.and_then(|at| field_at(text, behind_bar(text, at)));
    }
    if fields.len() > first_of_line + 1 {
        for field in &mut fields[first_of_line..] {
            field.alone = false;
        }
    }
}

/// `**Name**: value` at an offset: the name, and where the value begins.
fn field_at(text: &str, at: usize) -> Option<(Range<usize>, usize)> {
    let bytes = text.as_bytes();
    let stars = |at: usize| bytes[at..].iter().take_while(|byte| **byte == b'*').count();
    let blanks = |at: usize| bytes[at..].iter().take_while(|byte| blank(**byte)).count();
    let opening = stars(at);
    let start = at + opening;
    if !(1..=2).contains(&opening) || !bytes.get(start).is_some_and(u8::is_ascii_uppercase) {
        return None;
    }
    let length = bytes[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_alphabetic() || **byte == b' ' || **byte == b'-')
        .count();
    let name = text[start..start + length].trim_end();
    let mut at = start + length;
    let closing = stars(at);
    at += closing;
    at += blanks(at);
    if closing > 2 || bytes.get(at) != Some(&b':') {
        return None;
    }
    at += 1;
    at += stars(at).min(2);
    at += blanks(at);
    Some((start..start + name.len(), at))
}

/// `- Status: value`, the one field that may lack its stars.
fn plain_status(text: &str, at: usize, listed: bool) -> Option<(Range<usize>, usize)> {
    if !listed || !text[at..].starts_with("Status:") {
        return None;
    }
    let value = super::status::status_value(text)?;
    Some((at..at + "Status".len(), value))
}

/// Where the bar stands that begins another field.
pub(super) fn joined(text: &str, value: usize) -> Option<usize> {
    let mut from = value;
    while let Some(at) = text[from..].find('|').map(|at| from + at) {
        if field_at(text, behind_bar(text, at)).is_some() {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

fn behind_bar(text: &str, at: usize) -> usize {
    let rest = &text[at + 1..];
    at + 1 + (rest.len() - rest.trim_start_matches([' ', '\t']).len())
}

fn blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}
