//! Changes of a document, collected in any order and made in one go.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::draft::Draft;
use super::node::{Array, Node, Object};
use super::style::{Habits, Shape, Style};

/// Where a new member goes.
#[derive(Clone, Copy, Debug)]
pub enum Place<'names> {
    /// Before all others.
    Start,
    /// After all others.
    End,
    /// After the lowest of these members; after all others when there is none of them.
    After(&'names [&'names str]),
}

/// Changes of one document.
///
/// Objects, arrays and values that are given have to come from that document. What says the
/// wanted thing already is left as it is spelled. Changes inside a value that is itself
/// replaced or removed are dropped.
#[derive(Clone, Debug)]
pub struct Edits<'text> {
    text: &'text str,
    habits: Habits,
    /// By the start of the container.
    containers: BTreeMap<usize, Container>,
    /// New texts of values, by the start of the old one.
    values: BTreeMap<usize, (usize, String)>,
}

/// Children that come and go in one object or array.
#[derive(Clone, Debug)]
struct Container {
    shape: Shape,
    style: Style,
    removed: BTreeSet<usize>,
    /// By the place of the child that they stand before.
    added: BTreeMap<usize, Vec<Added>>,
}

#[derive(Clone, Debug)]
struct Added {
    /// Empty in an array.
    key: String,
    text: String,
}

impl<'text> Edits<'text> {
    pub(super) fn new(text: &'text str) -> Self {
        Self {
            text,
            habits: Habits::of(text),
            containers: BTreeMap::new(),
            values: BTreeMap::new(),
        }
    }

    /// Whether there is nothing to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.containers.values().all(Container::is_unchanged)
    }

    /// Gives a value another content.
    pub fn replace(&mut self, node: Node<'text>, value: impl Into<Draft>) {
        let value = value.into();
        let style = Style::of_model(self.text, node, &value, &self.habits).unwrap_or_else(|| {
            let span = node.span(self.text);
            Style::of_place(self.text, span.start, &self.habits)
        });
        self.put(node, &value, &style);
    }

    /// Gives a member this value; a new one goes to the end.
    pub fn set(&mut self, object: &Object<'text>, key: &str, value: impl Into<Draft>) {
        self.set_at(object, key, value, Place::End);
    }

    /// Gives a member this value; a new one goes to `place`.
    pub fn set_at(
        &mut self,
        object: &Object<'text>,
        key: &str,
        value: impl Into<Draft>,
        place: Place<'_>,
    ) {
        let value = value.into();
        let (text, habits) = (self.text, self.habits.clone());
        let container = self.object(object);
        let nested = container.style.nested();
        if let Some(position) = object.position(key) {
            container.removed.remove(&position);
            let node = object.members()[position].value;
            let style = Style::of_model(text, node, &value, &habits).unwrap_or(nested);
            self.put(node, &value, &style);
            return;
        }
        let new = container.style.member(key, &value.render(&nested));
        if let Some(added) = container.pending(key) {
            added.text = new;
            return;
        }
        let position = match place {
            Place::Start => 0,
            Place::End => object.members().len(),
            Place::After(names) => object
                .members()
                .iter()
                .rposition(|member| names.contains(&member.key.as_ref()))
                .map_or(object.members().len(), |position| position + 1),
        };
        container.add(position, key, new);
    }

    /// Takes a member out, as often as it is there.
    pub fn remove(&mut self, object: &Object<'text>, key: &str) {
        let container = self.object(object);
        for (position, member) in object.members().iter().enumerate() {
            if member.key == key {
                container.removed.insert(position);
            }
        }
        for added in container.added.values_mut() {
            added.retain(|added| added.key != key);
        }
    }

    /// Adds an item at the end.
    pub fn append(&mut self, array: &Array<'text>, value: impl Into<Draft>) {
        self.insert(array, array.items().len(), value);
    }

    /// Adds an item at the beginning.
    pub fn prepend(&mut self, array: &Array<'text>, value: impl Into<Draft>) {
        self.insert(array, 0, value);
        if let Some(first) = self.array(array).added.get_mut(&0) {
            first.rotate_right(1);
        }
    }

    /// Adds an item before the one that stands at `position`, in the layout of its
    /// neighbours. Several for one position keep their order.
    pub fn insert(&mut self, array: &Array<'text>, position: usize, value: impl Into<Draft>) {
        let value = value.into();
        let items = array.items();
        let position = position.min(items.len());
        let (text, habits) = (self.text, self.habits.clone());
        let container = self.array(array);
        let neighbours = items[..position].iter().rev().chain(&items[position..]);
        let style = neighbours
            .take(NEIGHBOURS)
            .find_map(|item| Style::of_model(text, *item, &value, &habits))
            .unwrap_or_else(|| container.style.nested());
        container.add(position, "", value.render(&style));
    }

    /// Takes the item out that stands at `position`.
    pub fn remove_item(&mut self, array: &Array<'text>, position: usize) {
        if position < array.items().len() {
            self.array(array).removed.insert(position);
        }
    }

    /// The changed text; the old one itself when there is nothing to change.
    #[must_use]
    pub fn finish(self) -> Cow<'text, str> {
        let mut changes: Vec<(Range<usize>, String)> = self
            .values
            .into_iter()
            .map(|(start, (end, text))| (start..end, text))
            .collect();
        for container in self.containers.values() {
            container.changes(&mut changes);
        }
        if changes.is_empty() {
            return Cow::Borrowed(self.text);
        }
        changes.sort_by_key(|(range, _)| (range.start, range.end));
        let mut changed = String::with_capacity(self.text.len() + 256);
        let mut done = 0;
        for (range, with) in &changes {
            // Inside something that is gone.
            if range.start < done {
                continue;
            }
            changed.push_str(&self.text[done..range.start]);
            changed.push_str(with);
            done = range.end;
        }
        changed.push_str(&self.text[done..]);
        Cow::Owned(changed)
    }

    fn put(&mut self, node: Node<'text>, value: &Draft, style: &Style) {
        let span = node.span(self.text);
        if value.is(node) {
            self.values.remove(&span.start);
        } else {
            self.values
                .insert(span.start, (span.end, value.render(style)));
        }
    }

    fn object(&mut self, object: &Object<'text>) -> &mut Container {
        let (text, habits) = (self.text, &self.habits);
        self.containers
            .entry(object.node().span(text).start)
            .or_insert_with(|| Container::new(text, Shape::of_object(text, object), habits))
    }

    fn array(&mut self, array: &Array<'text>) -> &mut Container {
        let (text, habits) = (self.text, &self.habits);
        self.containers
            .entry(array.node().span(text).start)
            .or_insert_with(|| Container::new(text, Shape::of_array(text, array), habits))
    }
}

/// How many items are asked for their layout: an array of thousands of empty ones must not
/// be searched through for each new item.
const NEIGHBOURS: usize = 8;

impl Container {
    fn new(text: &str, shape: Shape, habits: &Habits) -> Self {
        Self {
            style: Style::of(text, &shape, habits),
            shape,
            removed: BTreeSet::new(),
            added: BTreeMap::new(),
        }
    }

    fn is_unchanged(&self) -> bool {
        self.removed.is_empty() && self.added.values().all(Vec::is_empty)
    }

    fn add(&mut self, position: usize, key: &str, text: String) {
        self.added.entry(position).or_default().push(Added {
            key: key.to_owned(),
            text,
        });
    }

    fn pending(&mut self, key: &str) -> Option<&mut Added> {
        self.added
            .values_mut()
            .flatten()
            .find(|added| added.key == key)
    }

    /// Children that stay divide the others into runs, and each run becomes one change.
    fn changes(&self, changes: &mut Vec<(Range<usize>, String)>) {
        if self.is_unchanged() {
            return;
        }
        let children = &self.shape.children;
        let mut before: Option<&Range<usize>> = None;
        let mut gone: Option<Range<usize>> = None;
        let mut new: Vec<String> = Vec::new();
        for position in 0..=children.len() {
            let added = self.added.get(&position).into_iter().flatten();
            new.extend(added.map(|added| added.text.clone()));
            let child = children.get(position);
            if let Some(child) = child
                && self.removed.contains(&position)
            {
                let start = gone.map_or(child.start, |gone| gone.start);
                gone = Some(start..child.end);
                continue;
            }
            changes.extend(self.change(before, gone.take(), &std::mem::take(&mut new), child));
            before = child;
        }
    }

    /// The change between two children that stay, either of which may be missing.
    fn change(
        &self,
        before: Option<&Range<usize>>,
        gone: Option<Range<usize>>,
        new: &[String],
        after: Option<&Range<usize>>,
    ) -> Option<(Range<usize>, String)> {
        let inner = self.shape.span.start + 1..self.shape.span.end - 1;
        let comma = format!(",{}", self.style.between);
        let joined = new.join(&comma);
        Some(match (gone, new.is_empty(), before, after) {
            (None, true, ..) => return None,
            (Some(gone), false, ..) => (gone, joined),
            (Some(gone), true, Some(before), _) => (before.end..gone.end, String::new()),
            (Some(gone), true, None, Some(after)) => (gone.start..after.start, String::new()),
            (Some(_), true, None, None) => (inner, String::new()),
            (None, false, Some(before), _) => (before.end..before.end, comma + &joined),
            (None, false, None, Some(after)) => (after.start..after.start, joined + &comma),
            (None, false, None, None) => (inner, self.style.join(new)),
        })
    }
}
