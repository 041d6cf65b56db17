//! Whole entries: put in, taken out, put elsewhere.
//!
//! Putting an entry in and taking it out again gives back the same bytes: its divider and the
//! blank lines around it come and go with it. Only a section that had to be begun for it stays.

use std::ops::Range;

use super::change::{Style, clean, list};
use super::facts::{self, one_line};
use super::fields::View;
use super::headings::plain_title;
use super::scan::{Entry, Scan};
use super::splice::{Splice, apply, is_ended};
use crate::board::edit::Position;
use crate::board::task::{Task, TimeKey};
use crate::plan::lines::{decode, heading};

/// The fields of a new entry on a board that has none to copy.
const FIELDS: [&str; 6] = [
    "Effort",
    "Status",
    "Priority",
    "Language",
    "Blocking",
    "Dependencies",
];

/// The entry that new ones are like: the first of `## Tasks`, else the one with the highest number.
pub(super) fn newest<'s>(scan: &'s Scan<'_>) -> Option<&'s Entry> {
    let tasks = tasks_section(scan);
    let first = scan
        .entries
        .iter()
        .find(|entry| Some(entry.section) == tasks);
    first.or_else(|| scan.entries.iter().max_by_key(|entry| entry.number))
}

fn tasks_section(scan: &Scan<'_>) -> Option<usize> {
    scan.sections
        .iter()
        .position(|section| section.name.eq_ignore_ascii_case("Tasks"))
}

/// Puts the entry of a task in.
pub(super) fn add(scan: &Scan<'_>, task: &Task) -> Splice {
    let ending = file_ending(scan);
    let body = render(scan, task).join(ending).into_bytes();
    if let Some(section) = tasks_section(scan) {
        let first = scan.entries.iter().find(|entry| entry.section == section);
        return match first {
            Some(first) => before(scan, first, body),
            None => at_end(scan, section, body),
        };
    }
    let priority = task.priority.as_deref().unwrap_or("Medium");
    let matching = scan.sections.iter().position(|section| {
        let mut words = section
            .name
            .split(|character: char| !character.is_alphanumeric());
        let is_named = words.clone().any(|word| word == "Priority");
        is_named && words.any(|word| word.eq_ignore_ascii_case(facts::first_words(priority)))
    });
    match matching {
        Some(section) => at_end(scan, section, body),
        None => {
            let mut lines = format!("## Tasks{ending}{ending}").into_bytes();
            lines.extend(body);
            at_file_end(scan, &[], lines, false)
        }
    }
}

/// The line ending of the file, by its first line.
fn file_ending(scan: &Scan<'_>) -> &'static str {
    scan.lines.ending(0)
}

/// Where entries are set apart by rules, half of them at least have one behind them.
fn uses_dividers(scan: &Scan<'_>) -> bool {
    let divided = scan.entries.iter().filter(|entry| has_divider(scan, entry));
    let divided = divided.count();
    divided > 0 && divided * 2 >= scan.entries.len()
}

/// Whether a rule stands behind an entry that is not the front matter's.
fn has_divider(scan: &Scan<'_>, entry: &Entry) -> bool {
    let is_rule = scan.lines.get(entry.end).trim_end() == "---";
    let is_front = scan
        .front
        .as_ref()
        .is_some_and(|front| front.contains(&entry.end));
    entry.end < scan.lines.len() && is_rule && !is_front
}

fn is_blank(scan: &Scan<'_>, line: usize) -> bool {
    scan.lines.get(line).trim().is_empty()
}

/// The first line from here on that is not blank, or the end of the file.
fn next_told(scan: &Scan<'_>, from: usize) -> usize {
    (from..scan.lines.len())
        .find(|line| !is_blank(scan, *line))
        .unwrap_or(scan.lines.len())
}

/// The first line behind an entry, its divider and the blank lines.
fn behind(scan: &Scan<'_>, entry: &Entry) -> usize {
    let own = usize::from(has_divider(scan, entry));
    next_told(scan, entry.end + own)
}

fn before(scan: &Scan<'_>, entry: &Entry, mut body: Vec<u8>) -> Splice {
    let ending = file_ending(scan);
    body.extend(ending.repeat(2).into_bytes());
    if uses_dividers(scan) {
        body.extend(format!("---{ending}{ending}").into_bytes());
    }
    let at = scan.lines.span(entry.line).start;
    Splice::new(at..at, body)
}

fn at_end(scan: &Scan<'_>, section: usize, body: Vec<u8>) -> Splice {
    let end = scan.sections[section].end;
    let stop = if end < scan.lines.len() {
        next_told(scan, end)
    } else {
        end
    };
    let last = scan.entries.iter().rfind(|entry| entry.section == section);
    at_line(scan, last, stop, body)
}

/// Puts an entry in before a line that is not blank, or at the end of the file; `last` is the
/// entry that it may stand directly behind.
fn at_line(scan: &Scan<'_>, last: Option<&Entry>, stop: usize, body: Vec<u8>) -> Splice {
    let ending = file_ending(scan);
    let told = (0..stop).rev().find(|line| !is_blank(scan, *line));
    let follows_divider =
        last.is_some_and(|last| has_divider(scan, last) && told == Some(last.end));
    let follows_entry = last.is_some_and(|last| {
        told.is_some_and(|told| (last.line..last.end).contains(&told)) && uses_dividers(scan)
    });
    let at_end = stop >= scan.lines.len();
    // Directly below text a rule would make a heading of it.
    let is_apart = at_end || (stop > 0 && is_blank(scan, stop - 1));
    let lead = if follows_entry && is_apart {
        format!("---{ending}{ending}")
    } else {
        String::new()
    };
    if at_end {
        return at_file_end(scan, lead.as_bytes(), body, follows_divider);
    }
    let tail = if follows_divider {
        format!("{ending}{ending}---{ending}{ending}")
    } else {
        ending.repeat(2)
    };
    let at = scan.lines.span(stop).start;
    Splice::new(at..at, [lead.as_bytes(), &body, tail.as_bytes()].concat())
}

/// Puts an entry at the end of the file, which ends as it did: in a blank line, in a line
/// ending, or in neither.
fn at_file_end(scan: &Scan<'_>, lead: &[u8], body: Vec<u8>, divider: bool) -> Splice {
    let ending = file_ending(scan);
    let (before, after) = match file_end(scan) {
        FileEnd::Empty => (String::new(), ending.to_owned()),
        FileEnd::Blank => (String::new(), ending.repeat(2)),
        FileEnd::Ended => (ending.to_owned(), ending.to_owned()),
        FileEnd::Open => (ending.repeat(2), String::new()),
    };
    let rule = if divider {
        format!("{ending}{ending}---")
    } else {
        String::new()
    };
    let parts = [
        before.as_bytes(),
        lead,
        &body,
        rule.as_bytes(),
        after.as_bytes(),
    ];
    let at = scan.text.len();
    Splice::new(at..at, parts.concat())
}

/// How a file ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FileEnd {
    Empty,
    /// In a blank line.
    Blank,
    /// In the ending of a line with text.
    Ended,
    /// Without a line ending.
    Open,
}

fn file_end(scan: &Scan<'_>) -> FileEnd {
    let Some(last) = scan.lines.len().checked_sub(1) else {
        return FileEnd::Empty;
    };
    match (is_ended(scan, last), is_blank(scan, last)) {
        (false, _) => FileEnd::Open,
        (true, true) => FileEnd::Blank,
        (true, false) => FileEnd::Ended,
    }
}

/// The bytes that go with an entry.
pub(super) fn removal(scan: &Scan<'_>, index: usize) -> Range<usize> {
    let entry = &scan.entries[index];
    let mut stop = behind(scan, entry);
    if has_divider(scan, entry) && is_loose(scan, stop) {
        // Without the rule this text would fall to the entry before.
        stop = entry.end;
    }
    let mut first = entry.line;
    if !has_divider(scan, entry)
        && let Some(before) = index.checked_sub(1).map(|index| &scan.entries[index])
        && has_divider(scan, before)
        && next_told(scan, before.end + 1) == entry.line
    {
        first = before.end;
    }
    let start = scan.lines.span(first).start;
    if stop < scan.lines.len() {
        return start..scan.lines.span(stop).start;
    }
    let is_below_blank = first > 0 && is_blank(scan, first - 1);
    let start = match file_end(scan) {
        FileEnd::Ended if is_below_blank => scan.lines.span(first - 1).start,
        FileEnd::Open if is_below_blank && first > 1 => scan.lines.span(first - 2).end,
        _ => start,
    };
    start..scan.text.len()
}

/// Whether a line is text that no heading or rule sets apart from what is before it.
fn is_loose(scan: &Scan<'_>, line: usize) -> bool {
    let text = scan.lines.get(line);
    let is_heading = !scan.quoted.get(line).copied().unwrap_or_default()
        && heading(text).is_some_and(|(level, _)| level <= 3);
    line < scan.lines.len() && !is_heading && text.trim_end() != "---"
}

/// Puts an entry elsewhere; the words say why it stays.
pub(super) fn relocation(
    scan: &Scan<'_>,
    bytes: &[u8],
    index: usize,
    to: &Position,
) -> Result<Vec<Splice>, String> {
    let entry = &scan.entries[index];
    let section = entry.section;
    let is_peer = |other: Option<&Entry>| other.is_some_and(|other| other.section == section);
    let previous = index
        .checked_sub(1)
        .and_then(|index| scan.entries.get(index));
    let next = scan.entries.get(index + 1);
    let number_of = |other: Option<&Entry>| {
        other
            .filter(|other| other.section == section)
            .map(|other| other.number)
    };
    let is_there = match to {
        Position::First => !is_peer(previous),
        Position::Last => !is_peer(next),
        Position::Before { number } => *number == entry.number || number_of(next) == Some(*number),
        Position::After { number } => {
            *number == entry.number || number_of(previous) == Some(*number)
        }
    };
    if is_there {
        return Ok(Vec::new());
    }
    if let Position::Before { number } | Position::After { number } = to
        && scan.numbered(*number).next().is_none()
    {
        return Err(format!(
            "task {number}, the place to move to, has no entry in TODO.md"
        ));
    }
    // A heading of the old form begins a section; what stands there has no neighbours.
    let is_old = |entry: &Entry| entry.section > 0 && scan.sections[entry.section].name.is_empty();
    let mut anchors = match to {
        Position::First | Position::Last => Vec::new(),
        Position::Before { number } | Position::After { number } => {
            scan.numbered(*number).collect()
        }
    };
    anchors.push(entry);
    if anchors.into_iter().any(is_old) {
        return Err("entries below headings of level 2 are not moved".to_owned());
    }
    let body = bytes[scan.span(entry)].to_vec();
    let shorter = apply(bytes, &mut [Splice::new(removal(scan, index), Vec::new())]);
    let text = decode(&shorter);
    let rest = Scan::new(&text);
    let splice = match to {
        Position::First => {
            let first = rest.entries.iter().find(|other| other.section == section);
            first.map(|first| before(&rest, first, body))
        }
        Position::Last => Some(at_end(&rest, section, body)),
        Position::Before { number } => {
            let anchor = rest.numbered(*number).next();
            anchor.map(|anchor| before(&rest, anchor, body))
        }
        Position::After { number } => rest.numbered(*number).next().map(|anchor| {
            let stop = behind(&rest, anchor);
            at_line(&rest, Some(anchor), stop, body)
        }),
    };
    let Some(splice) = splice else {
        return Err("the place to move to is gone".to_owned());
    };
    let moved = apply(&shorter, &mut [splice]);
    Ok(vec![Splice::new(0..bytes.len(), moved)])
}

/// The lines of a new entry: the fields of the newest one, in its order and its style.
fn render(scan: &Scan<'_>, task: &Task) -> Vec<String> {
    let title = one_line(&task.title);
    let like = newest(scan).map(|entry| View::new(scan, entry));
    let prefix = like.as_ref().map_or("", |like| {
        let before = &scan.text[..like.entry.digits.start];
        if before.ends_with("OC_") { "OC_" } else { "" }
    });
    let mut lines = vec![format!(
        "### {prefix}{}. {}",
        task.number,
        plain_title(&title)
    )];
    let (names, style) = match &like {
        Some(like) if like.entry.status.is_some() => (names(like), Style::of(like)),
        _ => (FIELDS.map(str::to_owned).to_vec(), Style::plain()),
    };
    let mut is_described = false;
    for name in &names {
        if let Some(value) = value(task, name, like.as_ref()) {
            is_described |= name == "Description";
            lines.push(style.line(name, &value));
        }
    }
    let has = |wanted: &[&str]| names.iter().any(|name| wanted.contains(&name.as_str()));
    if !has(&facts::DEPENDENCIES)
        && task.dependencies != crate::board::facts::Dependencies::default()
    {
        lines.push(style.line("Dependencies", &list(&task.dependencies, "")));
    }
    if let Some(parent) = task.parent.filter(|_| !has(&facts::PARENT)) {
        lines.push(style.line("Parent", &format!("Task {parent}")));
    }
    if !has(&["Subtasks"]) && !task.subtasks.is_empty() {
        let subtasks = crate::board::facts::Dependencies {
            numbers: task.subtasks.clone(),
            prose: None,
        };
        lines.push(style.line("Subtasks", &list(&subtasks, "")));
    }
    let description = task.description.as_deref().map(one_line);
    let description = description.filter(|text| !text.is_empty() && !is_described);
    if let Some(description) = description {
        lines.push(String::new());
        lines.push(format!("**Description**: {description}"));
    }
    lines
}

/// The names of the fields of an entry that every entry has, in order.
fn names(like: &View<'_, '_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let end = like.block_end();
    for field in &like.fields {
        let name = like.text(&field.name);
        let is_top = field.line < end || Some(field.line) == like.entry.status;
        let is_listed_text = name == "Description" && field.listed;
        if (is_top || is_listed_text) && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// The value of a field of a new entry; none for what only work adds, and for what it lacks.
fn value(task: &Task, name: &str, like: Option<&View<'_, '_>>) -> Option<String> {
    let text = |value: &Option<String>| value.as_deref().map(clean).filter(|text| !text.is_empty());
    match name {
        "Status" => Some(format!(
            "[{}]",
            task.status.marker().replace(['[', ']'], "")
        )),
        "Effort" => text(&task.effort),
        "Priority" => text(&task.priority),
        "Language" | "Task Type" | "Type" => text(&task.language),
        "Blocking" => Some("None".to_owned()),
        "Dependencies" | "Depends On" | "Depends" => {
            let form = like
                .and_then(|like| like.value(&[name]))
                .unwrap_or_default();
            Some(list(&task.dependencies, form))
        }
        "Parent" | "Parent Task" => task.parent.map(|parent| format!("Task {parent}")),
        "Subtasks" => {
            let subtasks = crate::board::facts::Dependencies {
                numbers: task.subtasks.clone(),
                prose: None,
            };
            (!task.subtasks.is_empty()).then(|| list(&subtasks, ""))
        }
        "Created" => {
            let at = task.times.get(&TimeKey::Created)?;
            Some(super::dates::text(*at, super::dates::DateForm::Day))
        }
        "Description" => {
            let words = task.description.as_deref().map(one_line);
            words.filter(|words| !words.is_empty())
        }
        _ => None,
    }
}
