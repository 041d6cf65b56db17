//! What may differ between a file and its edited text: the last look before anything is written.
//!
//! A program once replaced a file of 54 tasks by one of them, and nobody noticed for 40 minutes.
//! So every edit declares what it means to change, and everything else has to be there still,
//! byte for byte and in its order.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::keys;
use super::object;
use super::shape::{Kind, Shape};
use crate::board::edit::EditError;
use crate::json::Node;

/// What a round of edits means to change. Tasks are named by the first byte of their values.
#[derive(Debug, Default)]
pub(super) struct Intent {
    /// Tasks that change, and the numbers that they have afterwards.
    pub(super) changed: BTreeMap<usize, u32>,
    /// Tasks that go.
    pub(super) removed: BTreeSet<usize>,
    /// The numbers of new tasks of the first list, in the order of the text.
    pub(super) added: Vec<u32>,
    /// New tasks stand before the others.
    pub(super) at_start: bool,
    /// Members of the root that get new values.
    pub(super) root: Vec<&'static str>,
}

/// Refuses a text that lost or changed anything which was not meant. Answers where the tasks stand
/// that were meant to change, by their numbers; nowhere when tasks came or went.
pub(super) fn check<'after>(
    before: &Shape<'_>,
    after: &'after str,
    kind: Kind,
    intent: &Intent,
) -> Result<BTreeMap<u32, Node<'after>>, EditError> {
    if intent.added.is_empty() && intent.removed.is_empty() {
        return check_in_place(before, after, intent);
    }
    let lost = |message: String| EditError::Lossy { message };
    let after = Shape::parse(after.as_bytes(), kind)
        .map_err(|error| lost(format!("the edited text could not be read: {error}")))?;
    check_root(before, &after, intent)?;
    if before.lists.len() != after.lists.len() {
        return Err(lost("a list of tasks would be gone".to_owned()));
    }
    for (at, (before_list, after_list)) in before.lists.iter().zip(&after.lists).enumerate() {
        let added = if at == 0 {
            intent.added.as_slice()
        } else {
            &[]
        };
        let (first, last) = if intent.at_start {
            (added, [].as_slice())
        } else {
            (&[][..], added)
        };
        let stays = before_list.entries().filter_map(|(key, node)| {
            let start = before.span(node).start;
            if intent.removed.contains(&start) {
                return None;
            }
            Some(match intent.changed.get(&start) {
                Some(number) => Expected::Number(*number),
                None => Expected::Same(key.map(AsRef::as_ref), node.raw()),
            })
        });
        let new = |numbers: &[u32]| -> Vec<Expected<'_>> {
            numbers
                .iter()
                .map(|number| Expected::Number(*number))
                .collect()
        };
        let mut found = after_list.entries();
        for expected in new(first).into_iter().chain(stays).chain(new(last)) {
            let fulfilled = found.next().is_some_and(|(key, node)| match expected {
                Expected::Same(name, raw) => key.map(AsRef::as_ref) == name && node.raw() == raw,
                Expected::Number(number) => node.object().is_some_and(|object| {
                    object::task_number(&object, key.map(AsRef::as_ref)) == Some(number)
                }),
            });
            if !fulfilled {
                return Err(lost(expected.lost()));
            }
        }
        if found.next().is_some() {
            return Err(lost("a task would be there that nobody added".to_owned()));
        }
    }
    Ok(BTreeMap::new())
}

/// The same where no task comes or goes, without reading what did not change: the text before is
/// sound, and so is one that differs from it in whole values alone.
fn check_in_place<'after>(
    before: &Shape<'_>,
    after: &'after str,
    intent: &Intent,
) -> Result<BTreeMap<u32, Node<'after>>, EditError> {
    let lost = |message: String| EditError::Lossy { message };
    let text = before.text();
    // Every value that may differ, with the key that may say its number.
    let mut meant: Vec<(Range<usize>, Option<u32>, Option<&str>)> = Vec::new();
    for list in &before.lists {
        for (key, node) in list.entries() {
            let span = before.span(node);
            if let Some(number) = intent.changed.get(&span.start) {
                meant.push((span, Some(*number), key.map(AsRef::as_ref)));
            }
        }
    }
    for key in &intent.root {
        meant.extend((before.root.get(key)).map(|node| (before.span(node), None, None)));
    }
    meant.sort_by_key(|(span, ..)| span.start);
    meant.dedup_by_key(|(span, ..)| span.start);
    let (mut from, mut rest) = (0, after);
    let mut changed = BTreeMap::new();
    for (span, number, key) in meant {
        let gap = text.get(from..span.start).unwrap_or_default();
        let is_task = |node: Node<'_>| {
            let object = node.object();
            number.is_none_or(|number| {
                object.is_some_and(|it| object::task_number(&it, key) == Some(number))
            })
        };
        let value = rest.strip_prefix(gap).and_then(Node::at_start);
        let Some(value) = value.filter(|value| is_task(*value)) else {
            let what = number.map_or("a member of the root".to_owned(), |it| format!("task {it}"));
            return Err(lost(format!("{what} would not be where it belongs")));
        };
        changed.extend(number.map(|number| (number, value)));
        rest = rest
            .get(gap.len() + value.raw().len()..)
            .unwrap_or_default();
        from = span.end;
    }
    if text.get(from..) == Some(rest) {
        return Ok(changed);
    }
    Err(lost(
        "an entry that nobody edits would be lost or changed".to_owned(),
    ))
}

enum Expected<'t> {
    /// The very bytes, under this key in a map.
    Same(Option<&'t str>, &'t str),
    /// The task with this number.
    Number(u32),
}

impl Expected<'_> {
    fn lost(&self) -> String {
        match self {
            Self::Number(number) => format!("task {number} would not be where it belongs"),
            Self::Same(_, raw) => {
                let start: String = raw.chars().take(60).collect();
                format!("an entry would be lost or changed that begins with {start:?}")
            }
        }
    }
}

/// Members of the root keep their order, and their values unless they were meant.
fn check_root(before: &Shape<'_>, after: &Shape<'_>, intent: &Intent) -> Result<(), EditError> {
    const LISTS: [&str; 5] = [
        keys::ACTIVE,
        keys::PENDING,
        keys::LEGACY,
        keys::COMPLETED,
        keys::ARCHIVED,
    ];
    let (old, new) = (before.root.members(), after.root.members());
    let mut pairs = old.iter().zip(new);
    let kept = pairs.all(|(old, new)| {
        let key = old.key.as_ref();
        let meant = LISTS.contains(&key) || intent.root.contains(&key);
        old.key == new.key && (meant || old.value == new.value)
    });
    if kept && old.len() == new.len() {
        return Ok(());
    }
    Err(EditError::Lossy {
        message: "members of the root would be lost or changed".to_owned(),
    })
}
