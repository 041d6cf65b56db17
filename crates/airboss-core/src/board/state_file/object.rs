//! What the values of one task's object mean, whatever their spelling.

use super::keys;
use crate::board::task::TimeKey;
use crate::json::{Node, Object};
use crate::time::Timestamp;

/// A number that names a task: `41`, or one of the texts `"41"`, `"041"`, `"OC_41"`.
pub(super) fn number(node: Node<'_>) -> Option<u32> {
    match node.raw().as_bytes().first()? {
        b'"' => number_in_text(&node.text()?),
        _ => node.value::<u32>().or_else(|| whole(node.value::<f64>()?)),
    }
}

/// `41.0` is 41.
fn whole(value: f64) -> Option<u32> {
    let is_whole = value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value);
    is_whole.then(|| format!("{value:.0}").parse().ok())?
}

pub(super) fn number_in_text(text: &str) -> Option<u32> {
    let digits = text.trim();
    let digits = digits.strip_prefix("OC_").unwrap_or(digits);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok())?
}

/// The number of the task that this object is; `key` is its key in a map of tasks.
pub(super) fn task_number(object: &Object<'_>, key: Option<&str>) -> Option<u32> {
    match object.get(keys::NUMBER) {
        Some(node) => number(node),
        None => number_in_text(key?),
    }
}

/// A member that is text, and not null.
pub(super) fn text(object: &Object<'_>, key: &str) -> Option<String> {
    object.text(key).map(std::borrow::Cow::into_owned)
}

/// Text, or a number or truth value as it is written: `"effort": 2`.
pub(super) fn plain(object: &Object<'_>, key: &str) -> Option<String> {
    let node = object.get(key)?;
    match node.raw().as_bytes().first()? {
        b'"' => text(object, key),
        b'{' | b'[' | b'n' => None,
        _ => Some(node.raw().to_owned()),
    }
}

pub(super) fn is_null(node: Node<'_>) -> bool {
    node.raw() == "null"
}

/// The synonym that is there: one with a text before one that is null.
pub(super) fn text_synonym<'k>(object: &Object<'_>, synonyms: &[&'k str]) -> Option<&'k str> {
    let has = |key: &&&str| object.text(key).is_some();
    let empty = |key: &&&str| object.get(key).is_some_and(is_null);
    let found = synonyms.iter().find(has);
    found.or_else(|| synonyms.iter().find(empty)).copied()
}

/// The synonym that is there, whatever its value is.
pub(super) fn synonym<'k>(object: &Object<'_>, synonyms: &[&'k str]) -> Option<&'k str> {
    let has = |key: &&&str| object.get(key).is_some_and(|node| !is_null(node));
    let empty = |key: &&&str| object.get(key).is_some();
    let found = synonyms.iter().find(has);
    found.or_else(|| synonyms.iter().find(empty)).copied()
}

/// A time as a file has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Instant {
    pub(super) at: Timestamp,
    /// Only the day is said.
    pub(super) date_only: bool,
}

/// Reads an instant, or a day as its midnight UTC.
pub(super) fn instant(text: &str) -> Option<Instant> {
    let text = text.trim();
    let is_date = text.len() == "2026-03-02".len();
    if is_date {
        let at = Timestamp::parse(&format!("{text}T00:00:00Z"))?;
        return Some(Instant {
            at,
            date_only: true,
        });
    }
    // Python's `isoformat()` of a naive time has no zone; its clock was UTC.
    let at = Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}Z")))?;
    Some(Instant {
        at,
        date_only: false,
    })
}

/// A time of a task, when it is there and readable.
pub(super) fn time(object: &Object<'_>, key: TimeKey) -> Option<Instant> {
    instant(&object.text(key.key())?)
}

/// The text of an instant in the form that the value had.
pub(super) fn time_text(at: Timestamp, date_only: bool) -> String {
    let text = at.seconds_text();
    if date_only {
        return text.chars().take("2026-03-02".len()).collect();
    }
    text
}
