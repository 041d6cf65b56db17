//! Where the parts of a JSON text are, so that some can change and all others stay.
//!
//! `serde_json` parses, and its borrowed [`RawValue`]s are slices of the text, whose
//! addresses give their spans. Nothing here knows what the members mean.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object in the order of the text, with the text of their values.
#[derive(Debug, Clone, Default)]
pub(super) struct Members<'text>(pub(super) Vec<(Cow<'text, str>, &'text str)>);

impl<'text> Members<'text> {
    /// `None` when it is not an object.
    pub(super) fn parse(text: &'text str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The place of a member; of several with one name, the last counts.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().rposition(|(key, _)| key == name)
    }

    /// The text of a member's value.
    pub(super) fn get(&self, name: &str) -> Option<&'text str> {
        self.position(name).map(|position| self.0[position].1)
    }

    /// A member's value, when it is of this type.
    pub(super) fn value<T: Deserialize<'text>>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.get(name)?).ok()
    }

    /// A member that is text.
    pub(super) fn text(&self, name: &str) -> Option<Cow<'text, str>> {
        self.value::<Text<'text>>(name).map(|text| text.0)
    }
}

/// The texts of an array's items; `None` when it is not an array.
pub(super) fn items(text: &str) -> Option<Vec<&str>> {
    let raw: Items<'_> = serde_json::from_str(text).ok()?;
    Some(raw.0)
}

/// Where a slice lies in the text that it was cut from.
pub(super) fn span(text: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr() as usize - text.as_ptr() as usize;
    start..start + part.len()
}

/// How the members of one object, or the items of one array, are set apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Style {
    /// Between `{` and the first key, and after each comma: a line break and blanks, or nothing.
    pub(super) before: String,
    /// Before the closing bracket.
    pub(super) closing: String,
    /// Between key and value.
    pub(super) colon: String,
    /// What one more level of nesting adds.
    pub(super) unit: String,
}

impl Style {
    /// The style of a container in `text` whose own text is `container`.
    ///
    /// An empty one takes the style that its place suggests.
    pub(super) fn of(text: &str, container: &str, first_value: Option<&str>) -> Self {
        let own_indent = indent_of_line(text, span(text, container).start);
        let inner = container.get(1..).unwrap_or("");
        let blank = |part: &str| {
            let end = part
                .find(|character: char| !character.is_ascii_whitespace())
                .unwrap_or(part.len());
            part[..end].to_owned()
        };
        let multi_line = text.contains('\n');
        if first_value.is_none() {
            let before = if multi_line {
                format!("\n{own_indent}  ")
            } else {
                String::new()
            };
            let closing = if multi_line {
                format!("\n{own_indent}")
            } else {
                String::new()
            };
            return Self::with(before, closing, ": ", "  ");
        }
        let before = blank(inner);
        let trailing = container[..container.len() - 1]
            .trim_end_matches(|character: char| character.is_ascii_whitespace())
            .len();
        let closing = container[trailing..container.len() - 1].to_owned();
        let unit = before
            .rsplit('\n')
            .next()
            .and_then(|indent| indent.strip_prefix(own_indent))
            .filter(|unit| !unit.is_empty() && before.contains('\n'))
            .unwrap_or("  ")
            .to_owned();
        let colon = first_value.map_or(": ", |value| colon_before(text, value));
        Self::with(before, closing, colon, &unit)
    }

    fn with(before: String, closing: String, colon: &str, unit: &str) -> Self {
        Self {
            before,
            closing,
            colon: colon.to_owned(),
            unit: unit.to_owned(),
        }
    }

    /// The style of a container that is a new item of a container of this style.
    pub(super) fn nested(&self) -> Self {
        let (before, closing) = if self.before.contains('\n') {
            (format!("{}{}", self.before, self.unit), self.before.clone())
        } else {
            (String::new(), String::new())
        };
        Self {
            before,
            closing,
            ..self.clone()
        }
    }

    /// An object of these members.
    pub(super) fn object(&self, members: &[(&str, String)]) -> String {
        let mut text = String::from("{");
        for (position, (name, value)) in members.iter().enumerate() {
            if position > 0 {
                text.push(',');
            }
            text.push_str(&self.before);
            text.push_str(&self.member(name, value));
        }
        text.push_str(&self.closing);
        text.push('}');
        text
    }

    /// `"name": value`
    pub(super) fn member(&self, name: &str, value: &str) -> String {
        format!("{}{}{value}", quoted(name), self.colon)
    }
}

/// JSON text of a string.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Changes of a text, collected in any order and made in one go.
#[derive(Debug, Default)]
pub(super) struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    pub(super) fn replace(&mut self, range: Range<usize>, with: String) {
        self.0.push((range, with));
    }

    pub(super) fn insert(&mut self, at: usize, text: String) {
        self.0.push((at..at, text));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The changed text. Edits at one place keep their order.
    pub(super) fn apply(mut self, text: &str) -> String {
        self.0.sort_by_key(|(range, _)| (range.start, range.end));
        let mut changed = String::with_capacity(text.len() + 256);
        let mut done = 0;
        for (range, with) in &self.0 {
            changed.push_str(text.get(done..range.start).unwrap_or(""));
            changed.push_str(with);
            done = done.max(range.end);
        }
        changed.push_str(&text[done..]);
        changed
    }
}

fn indent_of_line(text: &str, offset: usize) -> &str {
    let line = text[..offset]
        .rfind('\n')
        .map_or(0, |position| position + 1);
    let rest = &text[line..];
    let end = rest
        .find(|character| character != ' ' && character != '\t')
        .unwrap_or(rest.len());
    &rest[..end]
}

fn colon_before<'text>(text: &'text str, value: &str) -> &'text str {
    let before = &text[..span(text, value).start];
    let start = before
        .trim_end_matches(|character: char| character.is_ascii_whitespace() || character == ':')
        .len();
    let colon = &before[start..];
    if colon.contains(':') { colon } else { ": " }
}

/// A string, borrowed where it has no escapes.
struct Text<'text>(Cow<'text, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("text")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    members.push((key.0, map.next_value::<&'de RawValue>()?.get()));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct Items<'text>(Vec<&'text str>);

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemsVisitor;
        impl<'de> Visitor<'de> for ItemsVisitor {
            type Value = Items<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an array")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element::<&'de RawValue>()? {
                    items.push(item.get());
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(ItemsVisitor)
    }
}
