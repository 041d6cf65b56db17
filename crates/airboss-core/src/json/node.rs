//! Values as slices of the text, and the children of objects and arrays.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::sound;

/// What JSON counts as blank.
pub(super) const BLANK: [char; 4] = [' ', '\t', '\n', '\r'];

/// One value of a document: the slice of the text that it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Node<'text>(&'text str);

impl<'text> Node<'text> {
    /// The value that stands at the very beginning of a text, checked; whatever comes after it is
    /// not looked at.
    #[must_use]
    pub fn at_start(text: &'text str) -> Option<Self> {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<&'text RawValue>();
        let value = Self(values.next()?.ok()?.get());
        let is_shallow = super::fault::check_depth(value.0).is_ok();
        (is_shallow && text.starts_with(value.0)).then_some(value)
    }

    pub(super) const fn new(slice: &'text str) -> Self {
        Self(slice)
    }

    /// The value as it is written.
    #[must_use]
    pub const fn raw(self) -> &'text str {
        self.0
    }

    /// Where it lies in the text that it was cut from.
    #[must_use]
    pub fn span(self, text: &str) -> Range<usize> {
        let start = (self.0.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
        debug_assert!(start <= text.len(), "a value of another document");
        start..start.wrapping_add(self.0.len())
    }

    /// The value, when it is of this type.
    #[must_use]
    pub fn value<T: Deserialize<'text>>(self) -> Option<T> {
        serde_json::from_str(self.0).ok()
    }

    /// The value, when it is a string; borrowed where it has no escapes.
    #[must_use]
    pub fn text(self) -> Option<Cow<'text, str>> {
        self.value::<Text<'text>>().map(|text| text.0)
    }

    /// The members, when it is an object.
    #[must_use]
    pub fn object(self) -> Option<Object<'text>> {
        if !self.0.starts_with('{') {
            return None;
        }
        Object::parse(self, self.0).ok()
    }

    /// The items, when it is an array.
    #[must_use]
    pub fn array(self) -> Option<Array<'text>> {
        if !self.0.starts_with('[') {
            return None;
        }
        // The document was checked as a whole.
        let items = sound::items(self.0);
        Some(Array { node: self, items })
    }
}

/// One member of an object.
#[derive(Clone, Debug)]
pub struct Member<'text> {
    /// Its key, without escapes.
    pub key: Cow<'text, str>,
    /// Its value.
    pub value: Node<'text>,
    /// The items of the value, when they are known already.
    pub(super) items: Option<Vec<Node<'text>>>,
}

/// An object and its members in the order of the text.
#[derive(Clone, Debug)]
pub struct Object<'text> {
    node: Node<'text>,
    members: Vec<Member<'text>>,
}

impl<'text> Object<'text> {
    /// `body` holds the value and nothing else but blanks.
    pub(super) fn parse(node: Node<'text>, body: &'text str) -> Result<Self, serde_json::Error> {
        let Members(members) = serde_json::from_str(body)?;
        Ok(Self { node, members })
    }

    pub(super) fn of_sound(node: Node<'text>) -> Self {
        let members = sound::members(node.0);
        Self { node, members }
    }

    /// The object as one value.
    #[must_use]
    pub fn node(&self) -> Node<'text> {
        self.node
    }

    /// All members, those with the same key included.
    #[must_use]
    pub fn members(&self) -> &[Member<'text>] {
        &self.members
    }

    /// A member's value; of several with one key, the last counts.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Node<'text>> {
        Some(self.members[self.position(key)?].value)
    }

    /// A member's value, when it is there and of this type.
    #[must_use]
    pub fn value<T: Deserialize<'text>>(&self, key: &str) -> Option<T> {
        self.get(key)?.value()
    }

    /// A member that is a string.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<Cow<'text, str>> {
        self.get(key)?.text()
    }

    /// A member that is an object.
    #[must_use]
    pub fn object(&self, key: &str) -> Option<Self> {
        self.get(key)?.object()
    }

    /// A member that is an array: at most one pass over its text, none into its items.
    #[must_use]
    pub fn array(&self, key: &str) -> Option<Array<'text>> {
        let member = &self.members[self.position(key)?];
        match &member.items {
            Some(items) => Some(Array {
                node: member.value,
                items: items.clone(),
            }),
            None => member.value.array(),
        }
    }

    /// The keys that are there more than once, each once.
    #[must_use]
    pub fn duplicates(&self) -> Vec<&str> {
        let mut seen = std::collections::HashSet::new();
        let mut twice: Vec<&str> = Vec::new();
        for member in &self.members {
            let key = member.key.as_ref();
            if !seen.insert(key) && !twice.contains(&key) {
                twice.push(key);
            }
        }
        twice
    }

    pub(super) fn position(&self, key: &str) -> Option<usize> {
        self.members.iter().rposition(|member| member.key == key)
    }
}

/// An array and its items in the order of the text.
#[derive(Clone, Debug)]
pub struct Array<'text> {
    node: Node<'text>,
    items: Vec<Node<'text>>,
}

impl<'text> Array<'text> {
    /// `body` holds the value and nothing else but blanks.
    pub(super) fn parse(node: Node<'text>, body: &'text str) -> Result<Self, serde_json::Error> {
        let Items(items) = serde_json::from_str(body)?;
        Ok(Self { node, items })
    }

    /// The array as one value.
    #[must_use]
    pub fn node(&self) -> Node<'text> {
        self.node
    }

    /// Its items.
    #[must_use]
    pub fn items(&self) -> &[Node<'text>] {
        &self.items
    }
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

struct Members<'text>(Vec<Member<'text>>);

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
                while let Some(Text(key)) = map.next_key()? {
                    let value = Node(map.next_value::<&'de RawValue>()?.get());
                    members.push(Member {
                        key,
                        value,
                        items: None,
                    });
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct Items<'text>(Vec<Node<'text>>);

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
                    items.push(Node(item.get()));
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(ItemsVisitor)
    }
}
