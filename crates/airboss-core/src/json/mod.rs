//! JSON files that other programs and people own as well: where their parts are, and how to
//! change some of them so that every other byte stays.
//!
//! [`Document::parse`] checks the whole text once and knows the root's members or items;
//! nothing below is looked at before somebody asks. `serde_json` does all the parsing: its
//! borrowed raw values are slices of the text, and their addresses are their places. Nothing
//! here recurses into a file, and nothing here knows what its members mean.
//!
//! [`Edits`] collects changes of one document and makes them in one go. New values are
//! [`Draft`]s: they have an order, and take their layout from the neighbours.

mod draft;
mod edits;
mod fault;
mod node;
mod sound;
mod style;

pub use draft::Draft;
pub use edits::{Edits, Place};
pub use fault::{Fault, JsonError};
pub use node::{Array, Member, Node, Object};

/// How deep a document may be nested: far beyond any file of this kind, and safe for
/// whoever walks through all of it.
pub const MAX_DEPTH: usize = 128;

/// A valid JSON text and the first level of its parts.
#[derive(Clone, Debug)]
pub struct Document<'text> {
    text: &'text str,
    root: Root<'text>,
}

/// The root value with its direct children.
#[derive(Clone, Debug)]
enum Root<'text> {
    Object(Object<'text>),
    Array(Array<'text>),
    Scalar(Node<'text>),
}

impl<'text> Document<'text> {
    /// Reads a text, which may begin with a byte order mark.
    ///
    /// # Errors
    /// When it is no JSON, or nested deeper than [`MAX_DEPTH`].
    pub fn parse(text: &'text str) -> Result<Self, JsonError> {
        let body = text.strip_prefix('\u{feff}').unwrap_or(text);
        let root = Root::parse(body).map_err(|error| JsonError::of(body, &error))?;
        fault::check_depth(body)?;
        Ok(Self { text, root })
    }

    /// Reads bytes, which have to be UTF-8.
    ///
    /// # Errors
    /// As [`Document::parse`], and when they are no UTF-8.
    pub fn from_bytes(bytes: &'text [u8]) -> Result<Self, JsonError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::parse(text),
            Err(error) => Err(JsonError::not_utf8(bytes, error.valid_up_to())),
        }
    }

    /// Reads an object that is known to be valid, because it was parsed before or was made of one
    /// that was. Nothing is checked; of any other text the parts may be wrong.
    #[must_use]
    pub fn of_sound(text: &'text str) -> Self {
        let body = text.strip_prefix('\u{feff}').unwrap_or(text);
        let root = Object::of_sound(Node::new(body.trim_matches(node::BLANK)));
        let root = Root::Object(root);
        Self { text, root }
    }

    /// The whole text, byte order mark and final line break included.
    #[must_use]
    pub fn text(&self) -> &'text str {
        self.text
    }

    /// The root value.
    #[must_use]
    pub fn root(&self) -> Node<'text> {
        match &self.root {
            Root::Object(object) => object.node(),
            Root::Array(array) => array.node(),
            Root::Scalar(node) => *node,
        }
    }

    /// The root, when it is an object.
    #[must_use]
    pub fn object(&self) -> Option<&Object<'text>> {
        match &self.root {
            Root::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The root, when it is an array.
    #[must_use]
    pub fn array(&self) -> Option<&Array<'text>> {
        match &self.root {
            Root::Array(array) => Some(array),
            _ => None,
        }
    }

    /// Changes of this document, none yet.
    #[must_use]
    pub fn edits(&self) -> Edits<'text> {
        Edits::new(self.text)
    }
}

impl<'text> Root<'text> {
    /// One pass over the text both validates it and finds the children.
    fn parse(body: &'text str) -> Result<Self, serde_json::Error> {
        let node = Node::new(body.trim_matches(node::BLANK));
        match body.trim_start_matches(node::BLANK).as_bytes().first() {
            Some(b'{') => Ok(Self::Object(Object::parse(node, body)?)),
            Some(b'[') => Ok(Self::Array(Array::parse(node, body)?)),
            _ => {
                serde_json::from_str::<serde::de::IgnoredAny>(body)?;
                Ok(Self::Scalar(node))
            }
        }
    }
}

#[cfg(test)]
mod tests;
