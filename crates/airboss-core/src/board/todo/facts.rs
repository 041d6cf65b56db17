//! What an entry says of its task.

use std::ops::Range;

use super::fields::{Field, View};
use super::headings::plain_title;
use super::scan::{Entry, Scan};
use super::splice::Splice;
use super::status::{StatusLine, StatusShape, read, status_value};
use super::{dates, links};
use crate::board::facts::{Dependencies, List, TaskFacts};
use crate::board::status::{Status, TaskStatus};
use crate::board::task::TimeKey;
use crate::board::waits;

pub(super) const LANGUAGE: [&str; 3] = ["Language", "Task Type", "Type"];
pub(super) const DEPENDENCIES: [&str; 3] = ["Dependencies", "Depends On", "Depends"];
const LABELS: [&str; 4] = ["Labels", "Label", "Tags", "Topic"];
pub(super) const PARENT: [&str; 2] = ["Parent", "Parent Task"];

/// The instants with a line of their own, in the order of their lines.
pub(super) const DATE_LINES: [TimeKey; 7] = [
    TimeKey::Started,
    TimeKey::Researched,
    TimeKey::Planned,
    TimeKey::Revised,
    TimeKey::Completed,
    TimeKey::Blocked,
    TimeKey::Abandoned,
];

/// The status line of an entry; its ranges are offsets in the file.
pub(super) fn status_line(scan: &Scan<'_>, entry: &Entry) -> Option<StatusLine> {
    let line = entry.status?;
    let text = scan.lines.get(line);
    let start = scan.lines.span(line).start;
    let status = read(text, status_value(text)?);
    Some(StatusLine {
        text: start + status.text.start..start + status.text.end,
        shape: status.shape,
        tail: start + status.tail,
    })
}

/// The status that a line tells; none when it is empty.
pub(super) fn status_of(text: &str) -> Option<TaskStatus> {
    (!text.trim().is_empty()).then(|| TaskStatus::read(text))
}

/// Reads an entry.
pub(super) fn facts(view: &View<'_, '_>) -> TaskFacts {
    let (scan, entry) = (view.scan, view.entry);
    let linked = links::link_fields(view);
    let status = status_line(scan, entry);
    let status_text = status.as_ref().map(|status| view.text(&status.text));
    let owned = |value: Option<&str>| value.map(str::to_owned);
    let mut facts = TaskFacts {
        number: entry.number,
        list: List::Active,
        title: Some(plain_title(view.text(&entry.title)).to_owned()),
        status: status_text.and_then(status_of),
        status_text: owned(status_text),
        priority: owned(view.value(&["Priority"]).map(first_words)),
        language: owned(view.value(&LANGUAGE)),
        effort: owned(view.value(&["Effort"])),
        description: description(view).map(|(_, text)| text),
        dependencies: dependencies(view),
        parent: view.value(&PARENT).and_then(waits::first_number),
        subtasks: view
            .value(&["Subtasks"])
            .map(|value| waits::dependencies(value).numbers)
            .unwrap_or_default(),
        blocked_reason: owned(view.value(&["Blocking Reason"])),
        abandoned_reason: owned(view.value(&["Abandonment Reason"])),
        artifacts: links::artifacts(view, &linked),
        plan: owned(links::plan(view, &linked)),
        labels: labels(view),
        line: entry.line + 1,
        span: scan.span(entry),
        ..TaskFacts::default()
    };
    for key in DATE_LINES.into_iter().chain([TimeKey::Created]) {
        let name = key.line().unwrap_or("Created");
        if let Some((at, _, _)) = view.value(&[name]).and_then(dates::read) {
            facts.times.insert(key, at);
        }
    }
    if let Some(reason) = status.and_then(|status| reason_inside(view, &status)) {
        if facts.blocked_reason.is_none() && has_status(&facts, Status::Blocked) {
            facts.blocked_reason = Some(reason.clone());
        }
        if facts.abandoned_reason.is_none() && has_status(&facts, Status::Abandoned) {
            facts.abandoned_reason = Some(reason);
        }
    }
    facts
}

/// The labels of an entry: ``- **Labels**: urgent, `parser` ``.
fn labels(view: &View<'_, '_>) -> Vec<String> {
    let values = view.all_named(&LABELS).map(|field| view.text(&field.value));
    let words = values.flat_map(|value| value.split(','));
    let words = words.map(|word| word.trim_matches([' ', '\t', '`', '[', ']', '#']));
    let words = words.filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

fn has_status(facts: &TaskFacts, status: Status) -> bool {
    facts.status == Some(TaskStatus::Known(status))
}

/// The reason within a marker: `[BLOCKED - waits]`.
fn reason_inside(view: &View<'_, '_>, status: &StatusLine) -> Option<String> {
    if status.shape != StatusShape::Marker {
        return None;
    }
    let text = view.text(&status.text);
    let (_, length) = TaskStatus::known_prefix(text)?;
    let reason = text[length..]
        .trim_matches(|character: char| character.is_whitespace() || "-–—:,()".contains(character));
    (!reason.is_empty()).then(|| reason.to_owned())
}

/// What a task waits for; none when the entry says nothing of it.
pub(super) fn dependencies(view: &View<'_, '_>) -> Option<Dependencies> {
    numbers_of(view, view.named(&DEPENDENCIES)?)
}

/// The task numbers of a field, or of the list below it.
pub(super) fn numbers_of(view: &View<'_, '_>, field: &Field) -> Option<Dependencies> {
    let value = view.text(&field.value);
    if !value.is_empty() {
        return Some(waits::dependencies(value));
    }
    let items = view.items(field).map(|line| view.scan.lines.get(line));
    let items: Vec<&str> = items
        .map(|item| item.trim_start_matches([' ', '\t', '-', '*', '+']).trim())
        .collect();
    (!items.is_empty()).then(|| waits::dependencies(&items.join(", ")))
}

/// A value without the remark in parentheses behind it.
pub(super) fn first_words(value: &str) -> &str {
    match value.find(" (") {
        Some(at) if at > 0 => value[..at].trim_end(),
        _ => value,
    }
}

/// The description: its bytes, which may be several lines, and its words on one line.
pub(super) fn description(view: &View<'_, '_>) -> Option<(Range<usize>, String)> {
    let scan = view.scan;
    let field = view.named(&["Description"])?;
    let mut end = field.value.end;
    let mut words = one_line(view.text(&field.value));
    for line in field.line + 1..paragraph_end(view, field.line) {
        let text = scan.lines.get(line);
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(&one_line(text.trim()));
        end = scan.lines.span(line).start + text.trim_end().len();
    }
    (!words.is_empty()).then_some((field.value.start..end, words))
}

/// The line behind the paragraph that a line begins.
fn paragraph_end(view: &View<'_, '_>, line: usize) -> usize {
    let mut below = line + 1..view.entry.end;
    let end = below.find(|line| !is_text(view, *line));
    end.unwrap_or(view.entry.end)
}

/// Whether a line goes on with the paragraph above it.
fn is_text(view: &View<'_, '_>, line: usize) -> bool {
    let body = view.scan.lines.get(line).trim();
    !body.is_empty()
        && !view.scan.quoted[line]
        && !body.starts_with(['#', '|', '>', '<'])
        && crate::plan::lines::bullet(body).is_none()
        && crate::plan::lines::numbered(body).is_none()
        && view.fields.iter().all(|field| field.line != line)
}

/// Leaves an empty line where lines go that stood between the description and other text, which
/// would be read as more of it.
pub(super) fn keep_apart(view: &View<'_, '_>, splices: &mut [Splice]) {
    if splices.iter().all(|splice| !splice.bytes.is_empty()) {
        return;
    }
    let lines = &view.scan.lines;
    let removes = |splice: &Splice, line: usize| {
        let whole = lines.span(line).start..lines.next_start(line);
        let at = &splice.at;
        splice.bytes.is_empty() && at.start <= whole.start && whole.end <= at.end
    };
    let Some(field) = view.named(&["Description"]) else {
        return;
    };
    let below = paragraph_end(view, field.line);
    let goes = |line: &usize| splices.iter().any(|splice| removes(splice, *line));
    let kept = (below..view.entry.end).find(|line| !goes(line));
    let Some(kept) = kept.filter(|kept| *kept > below && is_text(view, *kept)) else {
        return;
    };
    let at = lines.span(kept).start;
    if let Some(splice) = splices.iter_mut().find(|splice| splice.at.end == at) {
        splice.at.end = lines.span(kept - 1).end;
    }
}

/// A text without line ends and other control characters, and without white space around it.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split(|character: char| character.is_control() && character != '\t') {
        let word = word.trim();
        if !word.is_empty() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    line
}
