//! The body of one phase: which lines are steps, criteria, dependencies and fields.
//!
//! A box is what the nearest label above it, at its own or a smaller indentation, says: below
//! `Tasks` a step, below `Acceptance Criteria` a criterion.

use std::ops::Range;

use super::boxes::{bold_step, odd_box, step_id, tick_box};
use super::command::command;
use super::dependencies;
use super::footprint;
use super::headings::id_length;
use super::lines::{Lines, bullet, heading, indentation, numbered};
use super::model::{Criterion, Mark, PhaseDependencies};

/// A step before it gets its id.
#[derive(Debug)]
pub(super) struct RawStep {
    pub(super) line: usize,
    pub(super) end: usize,
    pub(super) id: Option<String>,
    pub(super) text: String,
    pub(super) mark: Mark,
    pub(super) parent: Option<usize>,
    pub(super) details: Vec<String>,
}

/// What one body holds.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) steps: Vec<RawStep>,
    pub(super) criteria: Vec<Criterion>,
    pub(super) dependencies: PhaseDependencies,
    pub(super) objective: Option<String>,
    pub(super) files: Vec<String>,
    pub(super) verification_blocks: bool,
    pub(super) started: Option<Range<usize>>,
    pub(super) completed: Option<Range<usize>>,
    pub(super) stamp_lines: Vec<usize>,
    pub(super) marks: Vec<Range<usize>>,
    pub(super) odd_boxes: Vec<(usize, String)>,
}

/// What a label makes of the boxes below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Context {
    Tasks,
    Criteria,
    Other,
}

/// Bullets that belong to the label above them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Collecting {
    Files,
    Dependencies,
    /// Acceptance criteria without boxes; only those of the first indentation.
    Criteria {
        indent: Option<usize>,
    },
}

/// An open list item: where it is indented, and the step that it is.
#[derive(Debug, Clone, Copy)]
struct OpenItem {
    indent: usize,
    /// None for a criterion, whose children are criteria.
    step: Option<usize>,
}

struct Walk<'l, 't> {
    lines: &'l Lines<'t>,
    body: Body,
    /// Steps of a phase that has no step boxes: numbered items and bold paragraphs.
    plain_steps: Vec<RawStep>,
    labels: Vec<(usize, Context)>,
    open: Vec<OpenItem>,
    /// The open one of `plain_steps`: its indentation, and whether it is a bold paragraph.
    open_plain: Option<(usize, bool)>,
    collecting: Option<(usize, Collecting)>,
    below_heading: bool,
    /// Boxes outside every phase are criteria, whatever their label says.
    criteria_only: bool,
}

/// Reads the lines `range` of a phase.
pub(super) fn read(lines: &Lines<'_>, fenced: &[bool], range: Range<usize>) -> Body {
    walk(lines, fenced, range, false)
}

/// Reads lines outside every phase: all their boxes are criteria.
pub(super) fn read_outside(lines: &Lines<'_>, fenced: &[bool], range: Range<usize>) -> Body {
    walk(lines, fenced, range, true)
}

fn walk(lines: &Lines<'_>, fenced: &[bool], range: Range<usize>, criteria_only: bool) -> Body {
    let mut walk = Walk {
        lines,
        body: Body {
            steps: Vec::new(),
            criteria: Vec::new(),
            dependencies: PhaseDependencies::unstated(),
            objective: None,
            files: Vec::new(),
            verification_blocks: true,
            started: None,
            completed: None,
            stamp_lines: Vec::new(),
            marks: Vec::new(),
            odd_boxes: Vec::new(),
        },
        plain_steps: Vec::new(),
        labels: Vec::new(),
        open: Vec::new(),
        open_plain: None,
        collecting: None,
        below_heading: false,
        criteria_only,
    };
    for line in range.clone().filter(|&line| !fenced[line]) {
        walk.line(line);
    }
    walk.finish(range.end)
}

impl Walk<'_, '_> {
    fn line(&mut self, line: usize) {
        let text = self.lines.get(line);
        if text.trim().is_empty() {
            return;
        }
        if let Some((_, name)) = heading(text) {
            self.close_all(line);
            self.labels.clear();
            self.labels.push((0, context_of(name)));
            self.below_heading = true;
        } else if text.trim_end().ends_with("---") && text.trim().trim_matches('-').is_empty() {
            self.close_all(line);
        } else if !self.tick_box(line, text) {
            if let Some(word) = odd_box(text) {
                self.body.odd_boxes.push((line, word.to_owned()));
            }
            let (indent, rest) = indentation(text);
            let taken = self.collect(line, indent, rest)
                || self.bold_step(line, indent, rest)
                || self.label(line, indent, rest)
                || self.numbered_step(line, indent, rest);
            if !taken {
                self.detail(line, indent, rest);
            }
        }
    }

    /// The context of the nearest label at the same or a smaller indentation.
    fn context(&self, indent: usize) -> Option<Context> {
        self.labels
            .iter()
            .rev()
            .find(|(label, _)| *label <= indent)
            .map(|(_, context)| *context)
    }

    fn close_all(&mut self, line: usize) {
        self.close_from(0, line);
        self.close_plain(line);
        self.collecting = None;
    }

    /// Ends the open items at this indentation or deeper.
    fn close_from(&mut self, indent: usize, line: usize) {
        while let Some(item) = self.open.pop_if(|item| item.indent >= indent) {
            if let Some(step) = item.step {
                self.body.steps[step].end = line;
            }
        }
    }

    fn close_plain(&mut self, line: usize) {
        if self.open_plain.take().is_some()
            && let Some(step) = self.plain_steps.last_mut()
        {
            step.end = line;
        }
    }

    fn tick_box(&mut self, line: usize, text: &str) -> bool {
        let Some(tick) = tick_box(text) else {
            return false;
        };
        let start = self.lines.span(line).start + tick.mark_at;
        self.body.marks.push(start..start + tick.mark_length);
        self.collecting = None;
        self.close_from(tick.indent, line);
        let parent = self.open.last().copied();
        let criterion = self.criteria_only
            || tick.text.starts_with("**VERIFY")
            || self.context(tick.indent) == Some(Context::Criteria)
            || parent.is_some_and(|item| item.step.is_none());
        let identified = step_id(tick.text);
        if criterion {
            let (text, command) = (tick.text.to_owned(), command(tick.text));
            self.body.criteria.push(Criterion {
                text,
                mark: tick.mark,
                line: line + 1,
                command,
            });
            self.open.push(OpenItem {
                indent: tick.indent,
                step: None,
            });
        } else if let (
            Some(OpenItem {
                step: Some(step), ..
            }),
            None,
        ) = (parent, &identified)
        {
            self.body.steps[step].details.push(tick.text.to_owned());
        } else {
            let (id, text) = match identified {
                Some((id, text)) => (Some(id.to_owned()), text),
                None => (None, tick.text.to_owned()),
            };
            let parent = parent.and_then(|item| item.step);
            let details = Vec::new();
            self.open.push(OpenItem {
                indent: tick.indent,
                step: Some(self.body.steps.len()),
            });
            self.body.steps.push(RawStep {
                line,
                end: line + 1,
                id,
                text,
                mark: tick.mark,
                parent,
                details,
            });
        }
        true
    }

    /// Bullets below `Files Modified:` or an empty `Dependencies:`.
    fn collect(&mut self, line: usize, indent: usize, rest: &str) -> bool {
        let Some((label_indent, what)) = self.collecting else {
            return false;
        };
        let item =
            bullet(rest).filter(|item| indent >= label_indent && parse_label(item).is_none());
        let Some(item) = item else {
            self.collecting = None;
            return false;
        };
        match what {
            Collecting::Files => footprint::paths(item, &mut self.body.files),
            Collecting::Dependencies => self.body.dependencies.add_bullet(item),
            Collecting::Criteria { indent: first } => {
                let first = first.unwrap_or(indent);
                self.collecting = Some((
                    label_indent,
                    Collecting::Criteria {
                        indent: Some(first),
                    },
                ));
                if indent <= first {
                    let (text, command) = (item.trim().to_owned(), command(item));
                    let line = line + 1;
                    self.body.criteria.push(Criterion {
                        text,
                        mark: Mark::Open,
                        line,
                        command,
                    });
                }
            }
        }
        true
    }

    fn bold_step(&mut self, line: usize, indent: usize, rest: &str) -> bool {
        if self.context(indent) == Some(Context::Criteria) {
            return false;
        }
        let Some((id, text)) = bold_step(rest) else {
            return false;
        };
        self.close_from(0, line);
        self.push_plain(line, indent, true, Some(id.to_owned()), text);
        true
    }

    fn numbered_step(&mut self, line: usize, indent: usize, rest: &str) -> bool {
        let directly_below = match (self.open_plain, self.labels.last()) {
            // An item below a bold paragraph is a detail of it.
            (Some((_, true)), _) => false,
            (Some((open, false)), _) => indent <= open,
            (None, Some((label, Context::Tasks))) => indent <= label + 3,
            _ => false,
        };
        let below_tasks = self
            .labels
            .last()
            .is_some_and(|(_, context)| *context == Context::Tasks);
        match numbered(rest) {
            Some(text) if directly_below && below_tasks => {
                let (id, text) = match step_id(text) {
                    Some((id, text)) => (Some(id.to_owned()), text),
                    None => (None, text.to_owned()),
                };
                self.push_plain(line, indent, false, id, text);
                true
            }
            _ => false,
        }
    }

    fn push_plain(
        &mut self,
        line: usize,
        indent: usize,
        bold: bool,
        id: Option<String>,
        text: String,
    ) {
        self.close_plain(line);
        self.open_plain = Some((indent, bold));
        let (mark, parent, details) = (Mark::Open, None, Vec::new());
        self.plain_steps.push(RawStep {
            line,
            end: line + 1,
            id,
            text,
            mark,
            parent,
            details,
        });
    }

    fn label(&mut self, line: usize, indent: usize, rest: &str) -> bool {
        let Some(label) = parse_label(rest) else {
            return false;
        };
        let name = label.name.to_lowercase();
        let context = context_of(label.name);
        if context == Context::Other && !label.value.is_empty() {
            self.field(line, indent, &name, &label);
            return false;
        }
        self.close_from(indent, line);
        if self.open_plain.is_some_and(|(open, _)| indent <= open) && context != Context::Other {
            self.close_plain(line);
        }
        self.labels.retain(|(open, _)| *open < indent);
        self.labels.push((indent, context));
        self.collecting = None;
        self.field(line, indent, &name, &label);
        let verify = name.starts_with("verif") || name.starts_with("valid");
        if verify
            && self
                .lines
                .get(line)
                .to_lowercase()
                .contains("(non-blocking)")
        {
            self.body.verification_blocks = false;
        }
        true
    }

    fn field(&mut self, line: usize, indent: usize, name: &str, label: &Label<'_>) {
        let value_at = self.lines.span(line).end - self.trailing(line) - label.value.len();
        let value = value_at..value_at + label.value.len();
        match name {
            "started" if self.body.started.is_none() => {
                self.body.started = Some(value);
                self.body.stamp_lines.push(line);
            }
            "completed" if self.body.completed.is_none() => {
                self.body.completed = Some(value);
                self.body.stamp_lines.push(line);
            }
            "objective" | "goal" if self.body.objective.is_none() && !label.value.is_empty() => {
                self.body.objective = Some(label.value.to_owned());
            }
            _ if name.starts_with("acceptance")
                && label.value.is_empty()
                && !self.criteria_only =>
            {
                self.collecting = Some((indent, Collecting::Criteria { indent: None }));
            }
            _ if name.starts_with("files") => {
                footprint::paths(label.value, &mut self.body.files);
                self.collecting = Some((indent, Collecting::Files));
            }
            _ if dependencies::is_label(name) && self.is_of_the_phase(indent) => {
                self.body.dependencies = PhaseDependencies::read(label.value, line + 1);
                if label.value.is_empty() {
                    self.collecting = Some((indent, Collecting::Dependencies));
                }
            }
            _ => {}
        }
    }

    fn trailing(&self, line: usize) -> usize {
        let text = self.lines.get(line);
        text.len() - text.trim_end().len()
    }

    /// A dependency line further in, or below a heading or step, is not the phase's own.
    fn is_of_the_phase(&self, indent: usize) -> bool {
        let inside_step =
            self.open.iter().any(|item| item.indent < indent) || self.open_plain.is_some();
        let unstated = self.body.dependencies.line.is_none();
        unstated && indent < 2 && !inside_step && !self.below_heading && !self.criteria_only
    }

    fn detail(&mut self, line: usize, indent: usize, rest: &str) {
        let item = bullet(rest).or_else(|| numbered(rest));
        if item.is_some() || indent == 0 {
            self.close_from(indent, line);
        }
        if let Some(OpenItem {
            step: Some(step),
            indent: open,
        }) = self.open.last().copied()
        {
            if indent > open {
                self.body.steps[step]
                    .details
                    .push(item.unwrap_or(rest).trim().to_owned());
            }
        } else if let (Some((open, bold)), Some(step)) =
            (self.open_plain, self.plain_steps.last_mut())
        {
            if bold || indent > open {
                step.details.push(item.unwrap_or(rest).trim().to_owned());
            } else {
                self.close_plain(line);
            }
        }
    }

    fn finish(mut self, end: usize) -> Body {
        self.close_all(end);
        if self.body.steps.is_empty() && !self.criteria_only {
            self.body.steps = self.plain_steps;
        }
        self.body
    }
}

#[derive(Debug)]
struct Label<'t> {
    name: &'t str,
    value: &'t str,
}

/// `**Tasks**:`, `**Tasks:**`, `- **Goal**: x`, `Tasks:`, `depends_on: [1]`.
fn parse_label(rest: &str) -> Option<Label<'_>> {
    let rest = bullet(rest).unwrap_or(rest).trim_end();
    if let Some(inner) = rest.strip_prefix("**") {
        let (name, value) = inner.split_once("**")?;
        if let Some(name) = name.strip_suffix(':') {
            return Some(Label {
                name: name.trim(),
                value: value.trim(),
            });
        }
        if let Some(value) = value.strip_prefix(':') {
            return Some(Label {
                name: name.trim(),
                value: value.trim(),
            });
        }
        // `**Tasks** (3 items):` and a bold line of its own that is a known word.
        let known = context_of(name) != Context::Other;
        let bare = value.is_empty() || value.ends_with(':');
        return (known && bare).then(|| Label {
            name: name.trim(),
            value: "",
        });
    }
    let (name, value) = rest.split_once(':')?;
    let value = value.trim();
    let plain = value.is_empty() && context_of(name) != Context::Other;
    (plain || dependencies::is_label(name)).then_some(Label { name, value })
}

/// Beginnings of labels whose boxes are criteria.
const CRITERIA: &[&str] = &[
    "verify",
    "verification",
    "validation",
    "success",
    "acceptance",
    "completion requirements",
    "expected",
    "testing",
    "checklist",
    "definition of done",
    "quality",
];

/// Beginnings of labels whose boxes are steps.
const TASKS: &[&str] = &["task", "steps", "actions"];

fn context_of(name: &str) -> Context {
    let lower = name
        .trim_start_matches(|c: char| !c.is_alphanumeric())
        .to_lowercase();
    // `Phase 2 Completion Requirements` is about the phase that it stands in.
    let lower = match lower.strip_prefix("phase ") {
        Some(rest) => {
            let length = id_length(rest)
                .or_else(|| id_length(&rest.to_uppercase()))
                .unwrap_or(0);
            rest.get(length..).unwrap_or_default().trim_start()
        }
        None => lower.as_str(),
    };
    if CRITERIA.iter().any(|word| lower.starts_with(word)) {
        Context::Criteria
    } else if TASKS.iter().any(|word| lower.starts_with(word)) {
        Context::Tasks
    } else {
        Context::Other
    }
}
