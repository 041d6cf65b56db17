//! The scan: one pass over a TODO.md that finds its front matter, sections and entries.
//!
//! It knows where an entry stands and which line holds its status, and reads nothing else of it.

use std::collections::BTreeSet;
use std::ops::Range;

use memchr::{memchr, memchr2, memmem};

use super::headings::task_heading;
use super::parse::{Problem, ProblemKind};
use super::status::status_value;
use crate::plan::fences::{Fences, may_have_fences};
use crate::plan::lines::{Lines, each_line, heading};

/// A TODO.md with its parts found. Lines count from 0.
#[derive(Debug)]
pub(super) struct Scan<'t> {
    pub(super) text: &'t str,
    pub(super) lines: Lines<'t>,
    /// Lines inside fences and comments.
    pub(super) quoted: Vec<bool>,
    /// In order; the first is what stands before any heading.
    pub(super) sections: Vec<Section<'t>>,
    /// In order, duplicates included.
    pub(super) entries: Vec<Entry>,
    /// There are entries, wanted or not.
    pub(super) has_entries: bool,
    /// The lines of the front matter, both rules included.
    pub(super) front: Option<Range<usize>>,
    /// The first line of a merge conflict.
    pub(super) conflict: Option<usize>,
    /// What the scan itself noticed.
    pub(super) problems: Vec<Problem>,
}

/// A heading of level 1 or 2 and what stands below it.
#[derive(Debug)]
pub(super) struct Section<'t> {
    /// Its name; empty for what is no section of tasks.
    pub(super) name: &'t str,
    /// The first line behind it.
    pub(super) end: usize,
}

/// Where an entry stands.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) number: u32,
    pub(super) digits: Range<usize>,
    pub(super) suffixed: bool,
    pub(super) title: Range<usize>,
    /// The line of its heading.
    pub(super) line: usize,
    /// The first line that is not its own: a heading, a rule, or the end of the file.
    pub(super) end: usize,
    /// The line of its status.
    pub(super) status: Option<usize>,
    /// The index of its section.
    pub(super) section: usize,
}

/// A heading with a number whose block is being read.
struct Block {
    entry: Entry,
    /// It is a task even without a status line.
    certain: bool,
}

/// The pass and what it remembers from line to line.
struct Pass<'t, 'w> {
    scan: Scan<'t>,
    /// The numbers of the entries that are kept; every entry when there are none.
    wanted: Option<&'w BTreeSet<u32>>,
    block: Option<Block>,
    /// The newest rule that may open the front matter.
    rule: Option<usize>,
    /// A line since that rule has a key of the front matter.
    has_key: bool,
    /// A heading of level 1 that names a section of order lists.
    is_order: bool,
    /// Tasks of this section need no status line.
    is_tasks: bool,
}

impl<'t> Scan<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self::look(text, None)
    }

    /// The same with the entries of these numbers alone, and the problems of no other.
    pub(super) fn of_some(text: &'t str, wanted: &BTreeSet<u32>) -> Self {
        Self::look(text, Some(wanted))
    }

    fn look(text: &'t str, wanted: Option<&BTreeSet<u32>>) -> Self {
        let lines = Lines::new(text);
        let fences = Fences::new(&lines);
        let mut problems: Vec<Problem> = fences
            .unclosed
            .iter()
            .map(|line| {
                let message = "this fence is never closed; it is read as text";
                Problem::new(*line, ProblemKind::UnclosedFence, message)
            })
            .collect();
        let conflict = conflict(&lines, &fences.fenced);
        let mut quoted = fences.fenced;
        quote_comments(text, &lines, &mut quoted, &mut problems);
        let count = lines.len();
        let scan = Self {
            text,
            lines,
            quoted,
            sections: vec![Section {
                name: "",
                end: count,
            }],
            // Of many entries the memory is taken once.
            entries: Vec::with_capacity(wanted.map_or_else(|| headings(text), BTreeSet::len)),
            has_entries: false,
            front: None,
            conflict,
            problems,
        };
        let mut pass = Pass::new(scan, wanted);
        for line in 0..count {
            if !pass.scan.quoted[line] {
                let span = pass.scan.lines.span(line);
                pass.line(line, &text[span.clone()], span.start);
            }
        }
        pass.end(count)
    }

    /// The numbers of the entries in their order, duplicates included.
    ///
    /// Where nothing is quoted each line is looked at once, and nothing is remembered of it.
    pub(super) fn order(text: &'t str) -> Vec<u32> {
        let scan = if may_have_comments(text) || may_have_fences(text) {
            Self::new(text)
        } else {
            let mut pass = Pass::new(Self::new(""), None);
            let mut count = 0;
            each_line(text, |span| {
                pass.line(count, &text[span.clone()], span.start);
                count += 1;
            });
            pass.end(count)
        };
        scan.entries.iter().map(|entry| entry.number).collect()
    }

    /// The lines of an entry that are not quoted, its heading left out.
    pub(super) fn body<'s>(&'s self, entry: &Entry) -> impl Iterator<Item = usize> + use<'s, 't> {
        (entry.line + 1..entry.end).filter(|line| !self.quoted[*line])
    }

    /// The bytes of an entry: from its heading to the end of its last line that is not blank.
    pub(super) fn span(&self, entry: &Entry) -> Range<usize> {
        let last = (entry.line..entry.end)
            .rev()
            .find(|line| !self.lines.get(*line).trim().is_empty())
            .unwrap_or(entry.line);
        self.lines.span(entry.line).start..self.lines.span(last).end
    }

    /// The bytes of an entry with all that stands before what follows it.
    pub(super) fn extent(&self, entry: &Entry) -> Range<usize> {
        let end = if entry.end < self.lines.len() {
            self.lines.span(entry.end).start
        } else {
            self.text.len()
        };
        self.lines.span(entry.line).start..end
    }

    /// The line that an offset stands in.
    pub(super) fn line_at(&self, at: usize) -> usize {
        let (mut from, mut to) = (0, self.lines.len());
        while to - from > 1 {
            let middle = from.midpoint(to);
            if self.lines.span(middle).start <= at {
                from = middle;
            } else {
                to = middle;
            }
        }
        from
    }

    /// The entries with this number.
    pub(super) fn numbered(&self, number: u32) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(move |entry| entry.number == number)
    }

    /// `5b` is task 5 unless the plain number is there, too.
    fn settle_suffixes(&mut self) {
        if self.entries.iter().all(|entry| !entry.suffixed) {
            return;
        }
        let plain: std::collections::BTreeSet<u32> = self
            .entries
            .iter()
            .filter(|entry| !entry.suffixed)
            .map(|entry| entry.number)
            .collect();
        for entry in self.entries.iter().filter(|entry| entry.suffixed) {
            let number = entry.number;
            let message = if plain.contains(&number) {
                format!("task {number} is another entry; one with this number is not read")
            } else {
                format!("this number is read as {number}")
            };
            self.problems
                .push(Problem::new(entry.line, ProblemKind::OddNumber, message));
        }
        self.entries
            .retain(|entry| !entry.suffixed || !plain.contains(&entry.number));
    }
}

impl<'t, 'w> Pass<'t, 'w> {
    fn new(scan: Scan<'t>, wanted: Option<&'w BTreeSet<u32>>) -> Self {
        Self {
            scan,
            wanted,
            block: None,
            rule: None,
            has_key: false,
            is_order: false,
            is_tasks: false,
        }
    }

    fn end(mut self, count: usize) -> Scan<'t> {
        self.close(count);
        self.scan.settle_suffixes();
        self.scan
    }

    /// Looks at the next line that is not quoted; `start` is where it begins.
    fn line(&mut self, line: usize, text: &'t str, start: usize) {
        match text.as_bytes().first() {
            Some(b'#') => self.heading(line, text, start),
            Some(b'-') if text.starts_with("---") && text.trim_end() == "---" => self.rule(line),
            Some(b'a'..=b'z' | b' ') if self.rule.is_some() && !self.has_key => {
                self.has_key = is_front_key(text);
            }
            _ => {}
        }
        if let Some(block) = &mut self.block
            && block.entry.status.is_none()
            && block.entry.line != line
            && status_value(text).is_some()
        {
            block.entry.status = Some(line);
        }
    }

    fn heading(&mut self, line: usize, text: &'t str, start: usize) {
        let Some((level, name)) = heading(text) else {
            return;
        };
        if level > 3 {
            return;
        }
        self.close(line);
        if level > 1 {
            // The front matter has no headings but may have comments, which look like level 1.
            self.rule = None;
        }
        let task = task_heading(text);
        if level < 3 {
            let is_task = task.is_some();
            self.section(line, if is_task { "" } else { name });
        }
        let Some(task) = task else {
            return;
        };
        if self.is_order && !task.old {
            return;
        }
        if self.scan.has_entries && !self.is_wanted(task.number) {
            return;
        }
        let shift = |range: Range<usize>| start + range.start..start + range.end;
        self.block = Some(Block {
            certain: task.old || self.is_tasks,
            entry: Entry {
                number: task.number,
                digits: shift(task.digits),
                suffixed: task.suffixed,
                title: shift(task.title),
                line,
                end: line + 1,
                status: None,
                section: self.scan.sections.len() - 1,
            },
        });
    }

    fn is_wanted(&self, number: u32) -> bool {
        self.wanted.is_none_or(|wanted| wanted.contains(&number))
    }

    fn section(&mut self, line: usize, name: &'t str) {
        if let Some(last) = self.scan.sections.last_mut() {
            last.end = line;
        }
        let end = self.scan.lines.len();
        self.scan.sections.push(Section { name, end });
        let mut words = name.split(|character: char| !character.is_alphanumeric());
        self.is_order = words.clone().any(|word| word.eq_ignore_ascii_case("order"));
        self.is_tasks = words.any(|word| ["Priority", "Task", "Tasks"].contains(&word));
    }

    fn rule(&mut self, line: usize) {
        self.close(line);
        match self.rule {
            Some(opener) if self.has_key && self.scan.front.is_none() => {
                self.scan.front = Some(opener..line + 1);
                self.rule = None;
            }
            _ => self.rule = self.scan.front.is_none().then_some(line),
        }
        self.has_key = false;
    }

    /// Ends the block that is open at `end`.
    fn close(&mut self, end: usize) {
        let Some(Block { mut entry, certain }) = self.block.take() else {
            return;
        };
        entry.end = end;
        if entry.status.is_none() && !certain {
            return;
        }
        self.scan.has_entries = true;
        if !self.is_wanted(entry.number) {
            return;
        }
        if entry.status.is_none() {
            let message = format!("task {} has no status line", entry.number);
            self.scan
                .problems
                .push(Problem::new(entry.line, ProblemKind::NoStatus, message));
        }
        self.scan.entries.push(entry);
    }
}

/// Whether a line has one of the keys that make a block front matter.
pub(super) fn is_front_key(line: &str) -> bool {
    const KEYS: [&str; 8] = [
        "next_project_number",
        "last_updated",
        "repository_health",
        "task_counts",
        "priority_distribution",
        "technical_debt",
        "overall_score",
        "production_readiness",
    ];
    let Some((key, rest)) = line.trim_start_matches(' ').split_once(':') else {
        return false;
    };
    let known = KEYS.contains(&key)
        || key.strip_suffix("_note").is_some_and(|name| {
            name.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        });
    known && (rest.is_empty() || rest.starts_with([' ', '\t']))
}

/// How the sides of a merge conflict begin.
const OURS_AND_THEIRS: [&str; 2] = ["<<<<<<<", ">>>>>>>"];

/// How many lines begin as headings do.
fn headings(text: &str) -> usize {
    memmem::find_iter(text.as_bytes(), "\n#").count() + 1
}

/// The first line of a merge conflict outside fences.
fn conflict(lines: &Lines<'_>, fenced: &[bool]) -> Option<usize> {
    let bytes = lines.text().as_bytes();
    let has = |marker: &&str| memmem::find(bytes, marker.as_bytes()).is_some();
    if memchr2(b'<', b'>', bytes).is_none() || !OURS_AND_THEIRS.iter().any(has) {
        return None;
    }
    let is_marker = |line: &usize| {
        let text = lines.get(*line);
        let side = |marker: &str| {
            text.strip_prefix(marker)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        match text.as_bytes().first() {
            Some(b'<') => side(OURS_AND_THEIRS[0]),
            Some(b'>') => side(OURS_AND_THEIRS[1]),
            _ => false,
        }
    };
    (0..lines.len()).find(|line| is_marker(line) && !fenced[*line])
}

/// How a comment begins.
const OPEN: &str = "<!--";

fn may_have_comments(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr(b'<', bytes).is_some() && memmem::find(bytes, OPEN.as_bytes()).is_some()
}

/// Marks the lines of comments: Markdown's own rule, from a line that begins with `<!--` to the
/// line that holds `-->`. One that never ends is text, as is one that another begins in.
fn quote_comments(text: &str, lines: &Lines<'_>, quoted: &mut [bool], problems: &mut Vec<Problem>) {
    if !may_have_comments(text) {
        return;
    }
    let mut line = 0;
    while line < lines.len() {
        let first = line;
        line += 1;
        let content = lines.get(first).trim_start_matches([' ', '\t']);
        if quoted[first] || !content.starts_with(OPEN) {
            continue;
        }
        let start = lines.span(first).end - content.len() + OPEN.len();
        // The next opener bounds the search, so that it stays linear.
        let bound = text[start..].find(OPEN).map_or(text.len(), |at| start + at);
        let Some(close) = text[start..bound].find("-->") else {
            let message = "this comment is never closed; it is read as text";
            problems.push(Problem::new(first, ProblemKind::UnclosedComment, message));
            continue;
        };
        quoted[first] = true;
        while line < lines.len() && lines.span(line).start <= start + close {
            quoted[line] = true;
            line += 1;
        }
    }
}
