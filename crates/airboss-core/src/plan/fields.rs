//! The plan's header: title, `key: value` lines, output directory and status.

use super::lines::{Lines, bullet, code_spans, heading, indentation};
use super::model::{Field, PlanMarker};
use super::status::{brackets, plan_status_of};

/// The header stands at the top; a hostile file must not make everything a field.
const MAX_FIELDS: usize = 200;

#[derive(Debug, Default)]
pub(super) struct Header {
    pub(super) title: Option<String>,
    pub(super) fields: Vec<Field>,
    pub(super) output: Option<String>,
    pub(super) status: Option<PlanMarker>,
    /// A `- **Task**: N` line: the header is a list.
    pub(super) list_task: bool,
    /// A `**Task**: N` line: the header is bold paragraphs.
    pub(super) bold_task: bool,
}

/// Reads the header: the lines from `from` to the first phase.
pub(super) fn header(lines: &Lines<'_>, fenced: &[bool], from: usize, to: usize) -> Header {
    let mut header = Header::default();
    let mut in_header = true;
    for line in (from..to).filter(|&line| !fenced[line]) {
        let text = lines.get(line);
        if let Some((level, name)) = heading(text) {
            if level == 1 && header.title.is_none() {
                header.title = Some(name.to_owned());
            }
            in_header = level == 1 || is_header_section(name);
            continue;
        }
        if !in_header || header.fields.len() >= MAX_FIELDS {
            continue;
        }
        let Some((key, value, listed)) = field(text) else {
            continue;
        };
        header.list_task |= listed && key == "Task";
        header.bold_task |= !listed && key == "Task";
        if key.eq_ignore_ascii_case("status") && header.status.is_none() {
            header.status = Some(plan_marker(lines, line, value));
        }
        if key.eq_ignore_ascii_case("output") && header.output.is_none() {
            header.output = output_directory(value);
        }
        let (key, value) = (key.to_owned(), value.to_owned());
        header.fields.push(Field {
            key,
            value,
            line: line + 1,
        });
    }
    header
}

/// Sections whose lists are header lines too.
fn is_header_section(name: &str) -> bool {
    ["Metadata", "Overview"].contains(&name.trim())
}

/// `**Key**: value`, `**Key:** value`, `- **Key**: value`; the flag says that it is a list item.
fn field(text: &str) -> Option<(&str, &str, bool)> {
    let (indent, rest) = indentation(text);
    if indent > 3 {
        return None;
    }
    let item = bullet(rest);
    let inner = item.unwrap_or(rest).strip_prefix("**")?;
    let (key, value) = inner.split_once("**")?;
    let (key, value) = match key.strip_suffix(':') {
        Some(key) => (key, value),
        None => (key, value.strip_prefix(':')?),
    };
    Some((key.trim(), value.trim(), item.is_some()))
}

/// The first code span, or the first word.
fn output_directory(value: &str) -> Option<String> {
    let directory = match code_spans(value).next() {
        Some(span) => &value[span],
        None => value.split_whitespace().next()?,
    };
    (!directory.is_empty()).then(|| directory.to_owned())
}

fn plan_marker(lines: &Lines<'_>, line: usize, value: &str) -> PlanMarker {
    let text = lines.get(line);
    let start = lines.span(line).start;
    let at = text.len() - text.trim_end().len();
    let value_at = text.len() - at - value.len();
    let bracket = brackets(text)
        .into_iter()
        .find(|span| span.start > value_at);
    let (status, span) = match bracket {
        Some(span) => (
            plan_status_of(&text[span.clone()]),
            Some(start + span.start..start + span.end),
        ),
        None => (plan_status_of(value), None),
    };
    PlanMarker {
        status,
        text: value.to_owned(),
        line: line + 1,
        span,
    }
}

/// Where YAML front matter ends: the first line behind it, if the file begins with one.
pub(super) fn front_matter_end(lines: &Lines<'_>) -> usize {
    // Real front matter has a handful of keys; a rule at the top of a plan has none.
    const MAX_LINES: usize = 100;
    if lines.get(0).trim_end() != "---" {
        return 0;
    }
    for line in 1..lines.len().min(MAX_LINES) {
        let text = lines.get(line);
        if text.trim_end() == "---" {
            return line + 1;
        }
        let yaml =
            text.trim().is_empty() || text.contains(':') || text.starts_with([' ', '-', '\t']);
        if !yaml || text.starts_with('#') {
            return 0;
        }
    }
    0
}
