//! What an edited text says of the entries that were edited, read from these alone.
//!
//! Whoever edits knows where they stand. To find them in the new text takes as long as to edit it.

use std::collections::BTreeSet;
use std::ops::Range;

use super::facts::facts;
use super::fields::View;
use super::parse;
use super::scan::{Entry, Scan};
use super::splice::{Splice, moved};
use crate::board::edit::{TOUCHED_MAX, Touched};
use crate::board::facts::TaskFacts;
use crate::plan::fences::may_have_fences;
use crate::plan::lines::decode;

/// What the edited text says of the entries with these numbers; `None` where that depends on what
/// stands around them. The replacements are in order, and no entry came, went or moved.
pub(super) fn touched(
    before: &Scan<'_>,
    splices: &[Splice],
    edited: &[u8],
    numbers: &BTreeSet<u32>,
) -> Option<Touched> {
    if numbers.len() > TOUCHED_MAX {
        return None;
    }
    let asked = before.entries.iter();
    let asked = asked.filter(|entry| numbers.contains(&entry.number));
    let facts = asked.map(|entry| facts_of(before, splices, edited, entry));
    let next_number = match parse::front(before).next_number {
        Some((_, at)) => {
            let at = moved(splices, at.start)..edited.len();
            let digits = edited.get(at)?.iter().take_while(|it| it.is_ascii_digit());
            let digits: String = digits.map(|digit| char::from(*digit)).collect();
            Some(digits.parse().ok()?)
        }
        None => None,
    };
    Some(Touched {
        facts: facts.collect::<Option<_>>()?,
        next_number,
    })
}

fn facts_of(
    before: &Scan<'_>,
    splices: &[Splice],
    edited: &[u8],
    entry: &Entry,
) -> Option<TaskFacts> {
    let Range { start, end } = before.extent(entry);
    let is_quoted = before.quoted[entry.line..entry.end].contains(&true);
    if entry.suffixed || is_quoted || may_quote(&before.text[start..end]) {
        return None;
    }
    let from = moved(splices, start);
    let own = decode(edited.get(from..moved(splices, end))?);
    if may_quote(&own) {
        return None;
    }
    let scan = Scan::new(&own);
    let [only] = &scan.entries[..] else {
        return None;
    };
    if only.number != entry.number || only.line != 0 || scan.conflict.is_some() {
        return None;
    }
    let mut facts = facts(&View::new(&scan, only));
    facts.span = from + facts.span.start..from + facts.span.end;
    let breaks = |bytes: &[u8]| memchr::memchr_iter(b'\n', bytes).count();
    facts.line = breaks(&edited[..from]) + 1;
    Some(facts)
}

/// Whether a text may begin or end a fence or a comment: how it reads, and what stands around it,
/// depends on both then.
fn may_quote(text: &str) -> bool {
    may_have_fences(text) || text.contains("<!--") || text.contains("-->")
}
