//! Fields of an entry edited in place: values, the marker, date lines, reasons.

use std::ops::Range;

use super::fields::{Field as Line, View, joined};
use super::headings::plain_title;
use super::scan::{Entry, Scan};
use super::splice::{self, Splice};
use super::status::StatusShape;
use super::{dates, facts};
use crate::board::change::Field;
use crate::board::facts::Dependencies;
use crate::board::task::{Task, TimeKey};
use crate::board::waits;
use crate::plan::lines::decode;
use crate::time::Timestamp;

/// What a change of an entry comes to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) splices: Vec<Splice>,
    /// What could not be done, in words.
    pub(super) left: Vec<String>,
}

/// A change of one entry while it is put together.
struct Change<'v, 's, 't> {
    view: &'v View<'s, 't>,
    style: Style<'t>,
    outcome: Outcome,
}

/// How the field lines of an entry begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style<'t> {
    /// Indentation and bullet.
    lead: &'t str,
    /// The colon stands within the stars.
    colon_inside: bool,
    /// Lines end in two spaces, Markdown's line break.
    breaks: bool,
}

impl<'t> Style<'t> {
    /// The style of an entry that has none to copy.
    pub(super) fn plain() -> Self {
        Self {
            lead: "- ",
            colon_inside: false,
            breaks: false,
        }
    }

    /// The style of the status line, else of the first field.
    pub(super) fn of(view: &View<'_, 't>) -> Self {
        let status = view
            .fields
            .iter()
            .find(|field| Some(field.line) == view.entry.status);
        let Some(field) = status.or(view.fields.first()) else {
            return Self::plain();
        };
        let span = view.scan.lines.span(field.line);
        let text = view.scan.lines.get(field.line);
        let lead = view.text(&(span.start..field.name.start));
        let behind = &view.scan.text[field.name.end..field.value.start];
        Self {
            lead: lead.trim_end_matches('*'),
            colon_inside: behind.starts_with(":*"),
            breaks: !field.listed && text.ends_with("  "),
        }
    }

    /// A field line.
    pub(super) fn line(&self, name: &str, value: &str) -> String {
        let label = if self.colon_inside {
            format!("**{name}:**")
        } else {
            format!("**{name}**:")
        };
        let space = if value.is_empty() { "" } else { " " };
        let end = if self.breaks { "  " } else { "" };
        format!("{}{label}{space}{value}{end}", self.lead)
    }

    /// Indentation and bullet of a list below a field line.
    pub(super) fn item(&self) -> String {
        let indent = self.lead.len() - self.lead.trim_start().len();
        format!("{}  - ", &self.lead[..indent])
    }
}

/// Gives fields of an entry the values that the task has. Links are not among them.
pub(super) fn fields(
    scan: &Scan<'_>,
    bytes: &[u8],
    entry: &Entry,
    task: &Task,
    fields: &[Field],
) -> Outcome {
    let at_once = together(scan, entry, task, fields);
    if !splice::overlap(&at_once.splices) {
        return at_once;
    }
    // Two fields share lines, or a last line without an ending goes while another comes: then one
    // after the other.
    let extent = scan.extent(entry);
    let behind = bytes.len() - extent.end;
    let mut bytes = bytes.to_vec();
    let mut left = Vec::new();
    for field in fields {
        let text = decode(&bytes);
        let scan = Scan::new(&text);
        let Some(entry) = scan.numbered(task.number).next() else {
            continue;
        };
        let mut outcome = together(&scan, entry, task, std::slice::from_ref(field));
        left.extend(outcome.left);
        bytes = splice::apply(&bytes, &mut outcome.splices);
    }
    let own = &bytes[extent.start..bytes.len() - behind];
    let splices = vec![Splice::new(extent.clone(), own)];
    Outcome { splices, left }
}

fn together(scan: &Scan<'_>, entry: &Entry, task: &Task, fields: &[Field]) -> Outcome {
    let view = View::new(scan, entry);
    let mut change = Change {
        style: Style::of(&view),
        view: &view,
        outcome: Outcome::default(),
    };
    let asked = |field: Field| fields.contains(&field);
    let text =
        |value: &'_ Option<String>| value.as_deref().map(clean).filter(|text| !text.is_empty());
    if asked(Field::Title) {
        change.title(&task.title);
    }
    if asked(Field::Status) {
        change.status(task);
    }
    for key in facts::DATE_LINES {
        if asked(Field::Time(key)) {
            change.date(key, task.times.get(&key).copied());
        }
        // A reason stands below its date.
        if key == TimeKey::Blocked && asked(Field::BlockedReason) {
            change.reason("Blocking Reason", key, text(&task.blocked_reason));
        }
        if key == TimeKey::Abandoned && asked(Field::AbandonedReason) {
            change.reason("Abandonment Reason", key, text(&task.abandoned_reason));
        }
    }
    if asked(Field::Effort) {
        change.value(&["Effort"], "Effort", text(&task.effort));
    }
    if asked(Field::Priority) {
        let words = text(&task.priority).map(|text| facts::first_words(&text).to_owned());
        change.value(&["Priority"], "Priority", words);
    }
    if asked(Field::Language) {
        let name = if uses_task_type(scan) {
            "Task Type"
        } else {
            "Language"
        };
        change.value(&facts::LANGUAGE, name, text(&task.language));
    }
    if asked(Field::Dependencies) {
        change.numbers(&facts::DEPENDENCIES, &task.dependencies);
    }
    if asked(Field::Parent) {
        change.parent(task.parent);
    }
    if asked(Field::Subtasks) {
        let wanted = Dependencies {
            numbers: task.subtasks.clone(),
            prose: None,
        };
        change.numbers(&["Subtasks"], &wanted);
    }
    if asked(Field::Description) {
        let words = task.description.as_deref().map(facts::one_line);
        change.description(words.unwrap_or_default());
    }
    facts::keep_apart(&view, &mut change.outcome.splices);
    change.outcome
}

/// The title of an entry, without decorations.
pub(super) fn title(scan: &Scan<'_>, entry: &Entry) -> String {
    plain_title(&scan.text[entry.title.clone()]).to_owned()
}

/// A value on one line that does not begin another field.
pub(super) fn clean(text: &str) -> String {
    let text = facts::one_line(text);
    if joined(&text, 0).is_some() {
        text.replace('|', "/")
    } else {
        text
    }
}

/// Whether the newest entry has a task type instead of a language.
pub(super) fn uses_task_type(scan: &Scan<'_>) -> bool {
    super::place::newest(scan).is_some_and(|entry| {
        let view = View::new(scan, entry);
        let field = view.named(&facts::LANGUAGE);
        field.is_some_and(|field| view.text(&field.name) != "Language")
    })
}

impl Change<'_, '_, '_> {
    fn push(&mut self, at: Range<usize>, text: impl Into<Vec<u8>>) {
        self.outcome.splices.push(Splice::new(at, text));
    }

    fn leave(&mut self, words: String) {
        self.outcome.left.push(words);
    }

    /// Replaces a value; what would run into the colon gets a space.
    fn set(&mut self, at: Range<usize>, text: &str) {
        let before = self.view.scan.text.as_bytes().get(at.start.wrapping_sub(1));
        let is_apart = before.is_some_and(|byte| byte.is_ascii_whitespace());
        let needs_space = at.is_empty() || text.starts_with('*');
        if needs_space && !is_apart {
            self.push(at, format!(" {text}"));
        } else {
            self.push(at, text);
        }
    }

    /// Puts a line in behind the fields at the top.
    fn insert_field(&mut self, name: &str, value: &str) {
        let line = self.style.line(name, value);
        let behind = self.view.block_end() - 1;
        let splice = Splice::insert(self.view.scan, behind, &[line]);
        self.outcome.splices.push(splice);
    }

    /// Takes a field's line out, where nothing else is on it.
    fn remove_field(&mut self, field: &Line) {
        let name = self.view.text(&field.name);
        if field.alone && self.view.items(field).is_empty() {
            let splice = Splice::remove(self.view.scan, field.line..field.line + 1);
            self.outcome.splices.push(splice);
        } else {
            self.leave(format!("the field {name} shares its line and is kept"));
        }
    }

    /// Takes out every line of a field, for behind the first another one would come to light.
    fn remove_named(&mut self, names: &[&str]) {
        for field in self.view.all_named(names) {
            self.remove_field(field);
        }
    }

    fn title(&mut self, title: &str) {
        let title = facts::one_line(title);
        let title = plain_title(&title);
        let entry = self.view.entry;
        if title.is_empty() {
            self.leave("a title cannot be empty".to_owned());
        } else if plain_title(self.view.text(&entry.title)) != title {
            let before = self.view.scan.text[..entry.title.start].chars().next_back();
            let runs_in = before == Some('.');
            if runs_in {
                self.push(entry.title.clone(), format!(" {title}"));
            } else {
                self.set(entry.title.clone(), title);
            }
        }
    }

    fn status(&mut self, task: &Task) {
        let Some(line) = facts::status_line(self.view.scan, self.view.entry) else {
            self.leave(format!("task {} has no status line", task.number));
            return;
        };
        let current = facts::status_of(self.view.text(&line.text));
        if current.as_ref() == Some(&task.status) {
            return;
        }
        let marker = task.status.marker().replace(['[', ']'], "");
        let marker = facts::one_line(&marker);
        match line.shape {
            StatusShape::Marker => self.push(line.text, marker),
            StatusShape::Bare => self.push(line.text, format!("[{marker}]")),
            StatusShape::Unknown => {
                let space = if line.text.is_empty() { "" } else { " " };
                let at = line.text.start..line.text.start;
                self.set(at, &format!("[{marker}]{space}"));
            }
        }
    }

    fn date(&mut self, key: TimeKey, at: Option<Timestamp>) {
        let Some(name) = key.line() else {
            return;
        };
        let field = self.view.named(&[name]).cloned();
        match (field, at) {
            (Some(field), Some(at)) => {
                let value = self.view.text(&field.value);
                match dates::read(value) {
                    Some((_, form, length)) => {
                        let text = dates::text(at, form);
                        let old = dates::read(value).map(|(old, _, _)| dates::text(old, form));
                        let is_same =
                            form == dates::DateForm::Instant && old.as_ref() == Some(&text);
                        if value[..length] != text && !is_same {
                            let start = field.value.start;
                            self.push(start..start + length, text);
                        }
                    }
                    None => {
                        let text = dates::text(at, dates::DateForm::Day);
                        let space = if value.is_empty() { "" } else { " " };
                        let start = field.value.start;
                        self.set(start..start, &format!("{text}{space}"));
                    }
                }
            }
            (None, Some(at)) => {
                let is_final = [TimeKey::Completed, TimeKey::Blocked, TimeKey::Abandoned];
                if !is_final.contains(&key) && !has_work_dates(self.view.scan) {
                    return;
                }
                let line = self
                    .style
                    .line(name, &dates::text(at, dates::DateForm::Day));
                self.insert_dated(key, line);
            }
            (Some(_), None) => self.remove_dates(name),
            (None, None) => {}
        }
    }

    /// Takes out a date; the remark behind it is not Airboss's.
    fn remove_dates(&mut self, name: &str) {
        for field in self.view.all_named(&[name]) {
            let value = self.view.text(&field.value);
            let Some((_, _, length)) = dates::read(value) else {
                continue;
            };
            if length == value.len() {
                self.remove_field(field);
            } else {
                let rest = value[length..].trim_start();
                let start = field.value.start;
                self.push(start..start + value.len() - rest.len(), "");
            }
        }
    }

    /// Puts a line in where the date line of a key belongs: below the status, in order.
    fn insert_dated(&mut self, key: TimeKey, line: String) {
        let view = self.view;
        let at_line = |line: usize| view.fields.iter().find(|field| field.line == line);
        let Some(status) = view.entry.status.and_then(at_line) else {
            let words = "there is no status line to put a date below";
            return self.leave(words.to_owned());
        };
        let mut behind = view.items(status).end - 1;
        let earlier = |name: &str| {
            let mut before = facts::DATE_LINES.iter().take_while(|other| **other != key);
            before.any(|other| other.line() == Some(name))
                || (name == "Blocking Reason" && key == TimeKey::Abandoned)
        };
        // What is listed below a line stays below it.
        while let Some(field) = at_line(behind + 1)
            && earlier(view.text(&field.name))
        {
            behind = view.items(field).end - 1;
        }
        let splice = Splice::insert(view.scan, behind, &[line]);
        self.outcome.splices.push(splice);
    }

    fn reason(&mut self, name: &str, key: TimeKey, reason: Option<String>) {
        let view = self.view;
        let field = view.named(&[name]).cloned();
        match (field, reason) {
            (Some(field), Some(reason)) => {
                if view.text(&field.value) != reason {
                    self.set(field.value, &reason);
                }
            }
            (Some(_), None) => self.remove_named(&[name]),
            (None, Some(reason)) => {
                let line = self.style.line(name, &reason);
                let date = key.line().and_then(|name| view.named(&[name]));
                match date {
                    Some(date) => {
                        let behind = view.items(date).end - 1;
                        let splice = Splice::insert(view.scan, behind, &[line]);
                        self.outcome.splices.push(splice);
                    }
                    None => self.insert_dated(key, line),
                }
            }
            (None, None) => {}
        }
    }

    fn value(&mut self, names: &[&str], name: &str, wanted: Option<String>) {
        let field = self.view.named(names).cloned();
        match (field, wanted) {
            (Some(field), Some(wanted)) => {
                let value = self.view.text(&field.value);
                // The remark behind a priority stays.
                let shown = if name == "Priority" {
                    facts::first_words(value)
                } else {
                    value
                };
                if shown != wanted {
                    let start = field.value.start;
                    self.set(start..start + shown.len(), &wanted);
                }
            }
            (None, Some(wanted)) => self.insert_field(name, &wanted),
            (Some(_), None) => self.remove_named(names),
            (None, None) => {}
        }
    }

    fn numbers(&mut self, names: &[&str], wanted: &Dependencies) {
        let view = self.view;
        let field = view.named(names).cloned();
        let Some(field) = field else {
            if *wanted != Dependencies::default() {
                self.insert_field(names[0], &list(wanted, ""));
            }
            return;
        };
        let value = view.text(&field.value);
        let current = facts::numbers_of(view, &field).unwrap_or_default();
        let text = list(wanted, value);
        // What is written is what can be read back.
        let wanted = waits::dependencies(&text);
        if current == wanted {
            return;
        }
        if value.is_empty() && !view.items(&field).is_empty() {
            let name = view.text(&field.name);
            return self.leave(format!("the list below {name} is kept"));
        }
        let more = current.numbers.len() < wanted.numbers.len()
            && wanted.numbers.starts_with(&current.numbers)
            && !current.numbers.is_empty();
        if more {
            let rest = Dependencies {
                numbers: wanted.numbers[current.numbers.len()..].to_vec(),
                prose: None,
            };
            let longer = format!("{value}, {}", list(&rest, value));
            if waits::dependencies(&longer) == wanted {
                return self.set(field.value, &longer);
            }
        }
        self.set(field.value, &text);
    }

    fn parent(&mut self, parent: Option<u32>) {
        let field = self.view.named(&facts::PARENT).cloned();
        match (field, parent) {
            (Some(field), Some(parent)) => {
                let value = self.view.text(&field.value);
                let current = waits::first_number(value);
                if current == Some(parent) {
                    return;
                }
                let digits = current.and_then(|current| {
                    let old = current.to_string();
                    let at = value.find(&old)?;
                    let text = format!("{}{parent}{}", &value[..at], &value[at + old.len()..]);
                    let start = field.value.start + at;
                    (waits::first_number(&text) == Some(parent)).then(|| start..start + old.len())
                });
                match digits {
                    Some(at) => self.push(at, parent.to_string()),
                    None => self.set(field.value, &format!("Task {parent}")),
                }
            }
            (None, Some(parent)) => self.insert_field("Parent", &format!("Task {parent}")),
            (Some(_), None) => self.remove_named(&facts::PARENT),
            (None, None) => {}
        }
    }

    fn description(&mut self, wanted: String) {
        let view = self.view;
        if let Some((at, current)) = facts::description(view) {
            if current != wanted {
                self.set(at, &wanted);
            }
            return;
        }
        if wanted.is_empty() {
            return;
        }
        if let Some(field) = view.named(&["Description"]) {
            let at = field.value.start..field.value.start;
            return self.set(at, &wanted);
        }
        let behind = view.block_end();
        let mut lines = vec![String::new(), format!("**Description**: {wanted}")];
        let next = view.scan.lines.get(behind);
        if behind < view.entry.end && !next.trim().is_empty() {
            lines.push(String::new());
        }
        let splice = Splice::insert(view.scan, behind - 1, &lines);
        self.outcome.splices.push(splice);
    }
}

/// Numbers as text, each written as those of `like` are.
pub(super) fn list(wanted: &Dependencies, like: &str) -> String {
    let prefix = ["Task #", "Task ", "OC_", "#"]
        .into_iter()
        .find(|prefix| like.contains(prefix))
        .unwrap_or("");
    let numbers = wanted
        .numbers
        .iter()
        .map(|number| format!("{prefix}{number}"));
    let prose = wanted.prose.as_deref().map(clean);
    let items: Vec<String> = numbers.chain(prose).collect();
    if items.is_empty() {
        "None".to_owned()
    } else {
        items.join(", ")
    }
}

/// Whether the board dates the steps of work, and not only the ends of tasks.
fn has_work_dates(scan: &Scan<'_>) -> bool {
    let is_date = |at: usize| {
        let line = scan.line_at(at);
        let entry = scan
            .entries
            .iter()
            .find(|entry| (entry.line..entry.end).contains(&line));
        entry.is_some_and(|_| !scan.quoted[line] && super::fields::begins_field(scan, line))
    };
    ["Started", "Researched", "Planned", "Revised"]
        .into_iter()
        .any(|name| {
            let needle = format!("*{name}");
            let mut found = memchr::memmem::find_iter(scan.text.as_bytes(), &needle);
            found.any(|at| {
                let behind = &scan.text[at + needle.len()..];
                behind.starts_with(['*', ':', ' ']) && is_date(at)
            })
        })
}
