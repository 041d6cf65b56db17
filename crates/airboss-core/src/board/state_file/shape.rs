//! The root of a state file and its lists, proved to be something that can be built upon.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::ops::Range;

use super::keys;
use crate::board::edit::EditError;
use crate::board::facts::List;
use crate::json::{Array, Document, Fault, JsonError, Node, Object};

/// A state file whose root is sound.
pub(super) struct Shape<'text> {
    pub(super) document: Document<'text>,
    pub(super) root: Object<'text>,
    pub(super) lists: Vec<TaskList<'text>>,
}

/// One of the places where tasks stand.
pub(super) struct TaskList<'text> {
    pub(super) list: List,
    pub(super) items: Items<'text>,
}

/// How a list keeps its tasks.
pub(super) enum Items<'text> {
    Array(Array<'text>),
    /// By their numbers, as text.
    Map(Object<'text>),
}

/// Which kind of state file it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// That of the board: it has to have `active_projects`.
    Board,
    /// That of the archive: it has to have a list of archived tasks.
    Archive,
}

impl<'text> Shape<'text> {
    pub(super) fn parse(bytes: &'text [u8], kind: Kind) -> Result<Self, EditError> {
        let document = Document::from_bytes(bytes).map_err(|error| unreadable(&error))?;
        Self::of(document, kind)
    }

    /// As [`Shape::parse`], of a text that is known to be sound: it was parsed before, or edited
    /// from one that was.
    pub(super) fn of_sound(bytes: &'text [u8], kind: Kind) -> Result<Self, EditError> {
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        Self::of(Document::of_sound(text), kind)
    }

    fn of(document: Document<'text>, kind: Kind) -> Result<Self, EditError> {
        let line_of_root = || {
            let text = document.text();
            Lines::new(text).of(document.root().span(text).start)
        };
        let Some(root) = document.object().cloned() else {
            return Err(damaged(
                line_of_root(),
                "the root is a list or a single value; it has to be an object: bring back an \
                 older version",
            ));
        };
        let lists = match kind {
            Kind::Board => board_lists(&root),
            Kind::Archive => archive_lists(&root),
        };
        let found = lists.first().is_some_and(|list| match kind {
            Kind::Board => list.list == List::Active,
            Kind::Archive => true,
        });
        if !found {
            return Err(damaged(line_of_root(), &without_list(&root, kind)));
        }
        Ok(Self {
            document,
            root,
            lists,
        })
    }

    pub(super) fn text(&self) -> &'text str {
        self.document.text()
    }

    pub(super) fn span(&self, node: Node<'text>) -> Range<usize> {
        node.span(self.document.text())
    }
}

impl<'text> TaskList<'text> {
    /// The values that should be tasks, each with its key in a map.
    pub(super) fn entries(
        &self,
    ) -> impl DoubleEndedIterator<Item = (Option<&Cow<'text, str>>, Node<'text>)> {
        let (items, members) = match &self.items {
            Items::Array(array) => (array.items(), [].as_slice()),
            Items::Map(object) => ([].as_slice(), object.members()),
        };
        let members = members
            .iter()
            .map(|member| (Some(&member.key), member.value));
        items.iter().map(|item| (None, *item)).chain(members)
    }
}

fn board_lists<'text>(root: &Object<'text>) -> Vec<TaskList<'text>> {
    let array = |key, list| {
        let items = Items::Array(root.array(key)?);
        Some(TaskList { list, items })
    };
    let legacy = root.object(keys::LEGACY).map(|map| TaskList {
        list: List::Legacy,
        items: Items::Map(map),
    });
    let lists = [
        array(keys::ACTIVE, List::Active),
        array(keys::PENDING, List::Pending),
        legacy,
        array(keys::COMPLETED, List::Completed),
    ];
    lists.into_iter().flatten().collect()
}

fn archive_lists<'text>(root: &Object<'text>) -> Vec<TaskList<'text>> {
    let arrays = [keys::ARCHIVED, keys::COMPLETED].map(|key| root.array(key));
    let lists = arrays.into_iter().flatten().map(|array| TaskList {
        list: List::Archive,
        items: Items::Array(array),
    });
    lists.collect()
}

fn without_list(root: &Object<'_>, kind: Kind) -> String {
    let wanted = match kind {
        Kind::Board => keys::ACTIVE,
        Kind::Archive => keys::ARCHIVED,
    };
    if root.get(keys::NUMBER).is_some() || root.get(keys::NAME).is_some() {
        return "the file was overwritten by a single task: its root is one task's object, and \
                every other task is gone; bring back an older version"
            .to_owned();
    }
    if root.get(wanted).is_some() {
        return format!("`{wanted}` is not a list; correct it or bring back an older version");
    }
    format!("`{wanted}` is missing; correct it or bring back an older version")
}

fn unreadable(error: &JsonError) -> EditError {
    let (line, place) = match error.fault {
        Fault::Empty => (1, String::new()),
        // Where a text ends says nothing about where it should have gone on.
        Fault::Cut => (error.line, String::new()),
        _ => {
            let words = words(&error.message);
            (error.line, format!(" (column {}: {words})", error.column))
        }
    };
    let fault = error.fault;
    let message = format!("{fault}{place}; correct it or bring back an older version");
    damaged(line.max(1), &message)
}

/// The parser's words without the position, which is told already.
fn words(message: &str) -> &str {
    message
        .split_once(" at line ")
        .map_or(message, |(words, _)| words)
}

fn damaged(line: usize, message: &str) -> EditError {
    EditError::Damaged {
        line,
        message: message.to_owned(),
    }
}

/// Which line an offset stands in.
pub(super) struct Lines<'text> {
    text: &'text str,
    /// How often it was asked.
    asked: Cell<u32>,
    /// Where lines end, so that many offsets become lines quickly.
    breaks: OnceCell<Vec<usize>>,
}

/// A few are counted out: the list of all lines takes as much memory as a third of the file.
const COUNTED_OUT: u32 = 16;

impl<'text> Lines<'text> {
    pub(super) fn new(text: &'text str) -> Self {
        Self {
            text,
            asked: Cell::new(0),
            breaks: OnceCell::new(),
        }
    }

    /// The line of an offset, from 1.
    pub(super) fn of(&self, offset: usize) -> usize {
        let text = self.text.as_bytes();
        let asked = self.asked.get();
        if asked < COUNTED_OUT {
            self.asked.set(asked + 1);
            let before = &text[..offset.min(text.len())];
            return memchr::memchr_iter(b'\n', before).count() + 1;
        }
        let breaks = (self.breaks).get_or_init(|| memchr::memchr_iter(b'\n', text).collect());
        breaks.partition_point(|at| *at < offset) + 1
    }
}
