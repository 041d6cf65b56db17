//! Ids for steps that have none: stable under ticking, moving, re-indenting and insertion.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::id::StepId;
use crate::operation::StepRecord;

/// So many equal words, of a hundred, make two texts the same step.
const SAME_STEP_PERCENT: usize = 60;

/// `p<phase key>-<hash>`: the first 8 hexadecimal digits over the text's lasting part.
pub(super) fn synthesise(phase_key: &str, text: &str) -> String {
    let digest = Sha256::digest(lasting_part(text).as_bytes());
    let mut id = format!("p{phase_key}-");
    for byte in &digest[..4] {
        for nibble in [byte >> 4, byte & 15] {
            id.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
        }
    }
    id
}

/// The text without emphasis, link targets, trailing note, dependencies and white space.
fn lasting_part(text: &str) -> String {
    let text = without_dependencies(text);
    let without_note = match text.find(" - ") {
        Some(at) if !text[..at].trim().is_empty() => &text[..at],
        _ => text.as_str(),
    };
    let text = without_link_targets(without_note);
    let mut lasting = String::with_capacity(text.len());
    let mut previous = ' ';
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        // An underscore inside a word is part of a name, not emphasis.
        let inside_word = previous.is_alphanumeric()
            && characters.peek().is_some_and(|next| next.is_alphanumeric());
        let emphasis = character == '*' || character == '`' || (character == '_' && !inside_word);
        if !emphasis && !character.is_whitespace() {
            lasting.extend(character.to_lowercase());
        }
        previous = character;
    }
    lasting
}

fn without_dependencies(text: &str) -> String {
    match super::dependencies::step_clause(text) {
        Some((span, _)) => format!("{}{}", &text[..span.start], &text[span.end..]),
        None => text.to_owned(),
    }
}

fn without_link_targets(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("](") {
        let Some(close) = rest[at..].find(')') else {
            break;
        };
        kept.push_str(&rest[..=at]);
        rest = &rest[at + close + 1..];
    }
    kept.push_str(rest);
    kept
}

/// Gives out ids that are unique in the plan: the second `3.1` becomes `3.1~2`.
#[derive(Debug, Default)]
pub(super) struct Ids {
    given: HashMap<String, usize>,
}

impl Ids {
    /// The unique form of an id, and whether it had to be changed.
    pub(super) fn unique(&mut self, id: String) -> (StepId, bool) {
        let count = self.given.entry(id.clone()).or_insert(0);
        *count += 1;
        if *count == 1 {
            (StepId::new(id), false)
        } else {
            (StepId::new(format!("{id}~{count}")), true)
        }
    }
}

/// Steps of an edited plan that are the old ones with another text: `(old id, new id)`.
///
/// An id that vanished and one that appeared in the same phase between the same neighbours,
/// with at least 60 % equal words, are the same step.
#[must_use]
pub fn aliases(old: &[StepRecord], new: &[StepRecord]) -> Vec<(StepId, StepId)> {
    let mut found = Vec::new();
    for before in old.chunk_by(|one, next| one.phase == next.phase) {
        let of_phase = |after: &&[StepRecord]| after[0].phase == before[0].phase;
        let mut phases = new.chunk_by(|one, next| one.phase == next.phase);
        if let Some(after) = phases.find(of_phase) {
            phase_aliases(before, after, &mut found);
        }
    }
    found
}

fn phase_aliases(before: &[StepRecord], after: &[StepRecord], found: &mut Vec<(StepId, StepId)>) {
    let position: HashMap<&StepId, usize> = after
        .iter()
        .enumerate()
        .map(|(index, step)| (&step.id, index))
        .collect();
    let known: std::collections::HashSet<&StepId> = before.iter().map(|step| &step.id).collect();
    let mut expected = 0;
    for (index, step) in before.iter().enumerate() {
        if let Some(&at) = position.get(&step.id) {
            expected = at + 1;
            continue;
        }
        let Some(candidate) = after.get(expected) else {
            continue;
        };
        let next_before = before.get(index + 1).map(|next| &next.id);
        let next_after = after.get(expected + 1).map(|next| &next.id);
        // A next neighbour that vanished too is itself a candidate, and does not forbid this one.
        let same_next = next_before == next_after
            || next_before.is_some_and(|next| !position.contains_key(next));
        let same_text = similar(&step.description, &candidate.description);
        if !known.contains(&candidate.id) && same_next && same_text {
            found.push((step.id.clone(), candidate.id.clone()));
            expected += 1;
        }
    }
}

fn similar(left: &str, right: &str) -> bool {
    // The beginning of a very long text says enough.
    let words = |text: &str| -> Vec<String> {
        text.split_whitespace()
            .take(200)
            .map(str::to_lowercase)
            .collect()
    };
    let (left, mut right) = (words(left), words(right));
    let longest = left.len().max(right.len());
    let mut equal = 0;
    for word in &left {
        if let Some(index) = right.iter().position(|other| other == word) {
            right.swap_remove(index);
            equal += 1;
        }
    }
    longest > 0 && equal * 100 >= longest * SAME_STEP_PERCENT
}
