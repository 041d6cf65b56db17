//! How the children of one object or array are set apart, so that new ones look the same.

use std::ops::Range;

use super::draft::Draft;
use super::node::{Array, BLANK, Node, Object};

/// Where a container and its children lie in the text.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// From bracket to bracket.
    pub(super) span: Range<usize>,
    /// The items, or the members from the key's quote to the value's end.
    pub(super) children: Vec<Range<usize>>,
    /// Where the first member's value begins.
    first_value: Option<usize>,
}

impl Shape {
    pub(super) fn of_object(text: &str, object: &Object<'_>) -> Self {
        let span = object.node().span(text);
        let mut end = span.start + 1;
        let mut children = Vec::with_capacity(object.members().len());
        for member in object.members() {
            let value = member.value.span(text);
            // Before the key there are but blanks and a comma.
            let key = text[end..].find('"').map_or(end, |offset| end + offset);
            children.push(key..value.end);
            end = value.end;
        }
        let first = object.members().first();
        Self {
            span,
            children,
            first_value: first.map(|member| member.value.span(text).start),
        }
    }

    pub(super) fn of_array(text: &str, array: &Array<'_>) -> Self {
        Self {
            span: array.node().span(text),
            children: array.items().iter().map(|item| item.span(text)).collect(),
            first_value: None,
        }
    }
}

/// How the whole document is written, for places where there is no neighbour to ask.
#[derive(Clone, Debug)]
pub(super) struct Habits {
    /// `None` when all is on one line.
    line_break: Option<&'static str>,
    unit: String,
    /// There is a blank after a colon, and so after a comma.
    spaced: bool,
}

impl Habits {
    pub(super) fn of(text: &str) -> Self {
        let line_break = text.find('\n').map(|offset| {
            if text[..offset].ends_with('\r') {
                "\r\n"
            } else {
                "\n"
            }
        });
        let inner = text
            .trim_start_matches('\u{feff}')
            .trim_start_matches(BLANK)
            .get(1..)
            .unwrap_or("");
        let unit = blanks(inner).rsplit_once('\n').map_or("", |(_, unit)| unit);
        let unit = if unit.is_empty() { "  " } else { unit };
        let spaced = text
            .split_once("\":")
            .is_none_or(|(_, rest)| rest.starts_with(BLANK));
        Self {
            line_break,
            unit: unit.to_owned(),
            spaced,
        }
    }

    fn blank(&self) -> &'static str {
        if self.spaced { " " } else { "" }
    }
}

/// The blanks around the children of one container.
#[derive(Clone, Debug)]
pub(super) struct Style {
    /// After the opening bracket.
    open: String,
    /// After a comma.
    pub(super) between: String,
    /// Before the closing bracket.
    closing: String,
    /// Between key and value.
    colon: String,
    /// What one more level of nesting adds.
    unit: String,
    /// After a comma where all is on one line.
    blank: &'static str,
}

impl Style {
    /// The style of a container; an empty one takes that which its place suggests.
    pub(super) fn of(text: &str, shape: &Shape, habits: &Habits) -> Self {
        let indent = indent_of_line(text, shape.span.start);
        let (Some(first), Some(last)) = (shape.children.first(), shape.children.last()) else {
            return Self::of_place(text, shape.span.start, habits);
        };
        let open = &text[shape.span.start + 1..first.start];
        let unit = open
            .rsplit_once('\n')
            .and_then(|(_, line)| line.strip_prefix(indent))
            .filter(|unit| !unit.is_empty())
            .unwrap_or(&habits.unit);
        let colon = match shape.first_value {
            Some(value) => colon_before(&text[first.start..value]),
            None => format!(":{}", habits.blank()),
        };
        let between = if shape.children.len() > 1 {
            trailing_blanks(&text[..last.start])
        } else if open.contains('\n') {
            open
        } else {
            habits.blank()
        };
        Self {
            open: open.to_owned(),
            between: between.to_owned(),
            closing: text[last.end..shape.span.end - 1].to_owned(),
            colon,
            unit: unit.to_owned(),
            blank: habits.blank(),
        }
    }

    /// The style that its place suggests for a container that begins there.
    pub(super) fn of_place(text: &str, start: usize, habits: &Habits) -> Self {
        let line = habits
            .line_break
            .filter(|_| begins_a_line(text, start))
            .map(|line_break| format!("{line_break}{}", indent_of_line(text, start)));
        Self::on(line, habits)
    }

    /// The style of a container that begins on such a line; `None`: all on one line.
    fn on(line: Option<String>, habits: &Habits) -> Self {
        let inner = line.as_ref().map(|line| format!("{line}{}", habits.unit));
        Self {
            open: inner.clone().unwrap_or_default(),
            between: inner.unwrap_or_else(|| habits.blank().to_owned()),
            closing: line.unwrap_or_default(),
            colon: format!(":{}", habits.blank()),
            unit: habits.unit.clone(),
            blank: habits.blank(),
        }
    }

    pub(super) fn of_new_file() -> Self {
        Self::on(Some("\n".to_owned()), &Habits::of(""))
    }

    /// The style of this value, when it is a container of the same kind and not empty.
    pub(super) fn of_model(
        text: &str,
        model: Node<'_>,
        draft: &Draft,
        habits: &Habits,
    ) -> Option<Self> {
        let shape = match draft {
            Draft::Leaf(_) | Draft::Row(_) => return None,
            Draft::Array(_) => Shape::of_array(text, &model.array()?),
            Draft::Object(_) => Shape::of_object(text, &model.object()?),
        };
        (!shape.children.is_empty()).then(|| Self::of(text, &shape, habits))
    }

    /// The style of a container that is a new child of one of this style.
    pub(super) fn nested(&self) -> Self {
        let line = self.between.rfind('\n').map(|offset| {
            let start = offset - usize::from(self.between[..offset].ends_with('\r'));
            &self.between[start..]
        });
        let inner = line.map(|line| format!("{line}{}", self.unit));
        Self {
            open: inner.clone().unwrap_or_default(),
            between: inner.unwrap_or_else(|| self.blank.to_owned()),
            closing: line.unwrap_or_default().to_owned(),
            ..self.clone()
        }
    }

    /// The style of a container that stays on one line.
    pub(super) fn flat(&self) -> Self {
        Self {
            open: String::new(),
            between: self.blank.to_owned(),
            closing: String::new(),
            ..self.clone()
        }
    }

    /// `"key": value`
    pub(super) fn member(&self, key: &str, value: &str) -> String {
        format!("{}{}{value}", serde_json::Value::from(key), self.colon)
    }

    /// What stands between the brackets of a container of these children.
    pub(super) fn join(&self, children: &[String]) -> String {
        if children.is_empty() {
            return String::new();
        }
        let inner = children.join(&format!(",{}", self.between));
        format!("{}{inner}{}", self.open, self.closing)
    }
}

fn blanks(text: &str) -> &str {
    &text[..text.len() - text.trim_start_matches(BLANK).len()]
}

fn trailing_blanks(text: &str) -> &str {
    &text[text.trim_end_matches(BLANK).len()..]
}

fn line_start(text: &str, offset: usize) -> usize {
    text[..offset]
        .rfind('\n')
        .map_or(0, |position| position + 1)
}

fn indent_of_line(text: &str, offset: usize) -> &str {
    let line = text[line_start(text, offset)..offset].trim_start_matches('\u{feff}');
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// Whether a value has a line for itself and its key: its container has several lines.
fn begins_a_line(text: &str, offset: usize) -> bool {
    let before = text[line_start(text, offset)..offset]
        .trim_start_matches('\u{feff}')
        .trim_matches(BLANK);
    let key = before
        .strip_suffix(':')
        .map(|key| key.trim_end_matches(BLANK));
    before.is_empty() || key.is_some_and(|key| serde_json::from_str::<String>(key).is_ok())
}

/// The colon and the blanks around it, between a key and its value.
fn colon_before(key: &str) -> String {
    let trimmed = key.trim_end_matches(BLANK);
    let without = trimmed.strip_suffix(':').unwrap_or(trimmed);
    key[without.trim_end_matches(BLANK).len()..].to_owned()
}
