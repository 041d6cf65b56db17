//! Walking through text that is known to be valid: nothing is checked, and no value is looked into.
//!
//! On any other text the parts are wrong, and nothing else happens.

use std::borrow::Cow;

use super::node::{Member, Node};

/// Where the closing quote is of a string whose content begins at `at`.
pub(super) fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    // A byte of a word is zero where its neighbour below borrows nothing: the lowest is exact.
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    loop {
        while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
            let word = u64::from_le_bytes(*chunk);
            let quotes = zeros(word ^ (ONES * u64::from(b'"')));
            let found = quotes | zeros(word ^ (ONES * u64::from(b'\\')));
            if found != 0 {
                at += found.trailing_zeros() as usize / 8;
                break;
            }
            at += 8;
        }
        match bytes.get(at) {
            None => return bytes.len(),
            Some(b'"') => return at,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
        }
    }
}

/// A text and how far it was walked.
struct Walk<'text> {
    text: &'text str,
    at: usize,
}

impl<'text> Walk<'text> {
    /// Behind the opening bracket.
    fn into_container(text: &'text str) -> Self {
        let at = text.find(['{', '[']).map_or(text.len(), |at| at + 1);
        Self { text, at }
    }

    /// The next byte that is neither blank nor between two children; `None` at the end of all.
    fn next(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let is_between = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':');
        let blank = rest.iter().take_while(|byte| is_between(byte)).count();
        self.at += blank;
        rest.get(blank)
            .copied()
            .filter(|byte| !matches!(byte, b'}' | b']'))
    }

    /// The value that begins here.
    fn value(&mut self) -> Node<'text> {
        let (bytes, start) = (self.text.as_bytes(), self.at);
        let mut depth = 0_usize;
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b'"' => self.at = end_of_string(bytes, self.at + 1),
                b'{' | b'[' => depth += 1,
                // A scalar ends before what stands behind it.
                b'}' | b']' | b',' | b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => break,
                b'}' | b']' => depth -= 1,
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            self.at += 1;
            if depth == 0 {
                break;
            }
        }
        Node::new(self.text.get(start..self.at).unwrap_or_default())
    }

    /// What is left of an array.
    fn items(&mut self) -> Vec<Node<'text>> {
        let mut items = Vec::new();
        while self.next().is_some() {
            items.push(self.value());
        }
        items
    }

    /// The value that begins here, and its items when it is an array: so nobody walks through a
    /// long one twice.
    fn value_with_items(&mut self) -> (Node<'text>, Option<Vec<Node<'text>>>) {
        let start = self.at;
        if self.text.as_bytes().get(start) != Some(&b'[') {
            return (self.value(), None);
        }
        self.at += 1;
        let items = self.items();
        // Behind the closing bracket, as far as there is one.
        self.at = (self.at + 1).min(self.text.len());
        let node = Node::new(self.text.get(start..self.at).unwrap_or_default());
        (node, Some(items))
    }
}

/// The items of an array.
pub(super) fn items(text: &str) -> Vec<Node<'_>> {
    Walk::into_container(text).items()
}

/// The members of an object.
pub(super) fn members(text: &str) -> Vec<Member<'_>> {
    let mut walk = Walk::into_container(text);
    let mut members = Vec::new();
    while walk.next() == Some(b'"') {
        let key = walk.value();
        let key = key.text().unwrap_or(Cow::Borrowed(key.raw()));
        if walk.next().is_none() {
            break;
        }
        let (value, items) = walk.value_with_items();
        members.push(Member { key, value, items });
    }
    members
}
