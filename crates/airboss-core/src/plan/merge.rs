//! What git could not merge in a plan, where the sides differ in nothing that is its author's.
//!
//! Two clones that work on one plan both change its phase markers, and git leaves both sides in
//! the file between conflict marks. Which marker is right the board knows, so that nobody has to
//! choose; where the sides differ in anything else, the marks stay for the plan's author.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use memchr::memmem;

use super::edit::writable;
use super::fences::Fences;
use super::lines::{Lines, decode};
use super::model::{PhaseMarker, PhaseStatus, Plan};
use crate::time::Timestamp;

/// A plan with more conflicts is left to its author: each is judged by the whole plan.
pub(super) const CONFLICTS_MAX: usize = 32;

/// And so is a larger plan, in bytes.
const SIZE_MAX: usize = 1024 * 1024;

/// How a conflict begins.
const BEGIN: &str = "<<<<<<<";

/// A plan without those conflicts that nobody has to settle.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settled {
    /// With ours in their places.
    pub ours: Vec<u8>,
    /// With theirs.
    pub theirs: Vec<u8>,
    /// The phases of which the two have something else written. Each stands there once.
    pub phases: BTreeSet<String>,
}

/// The plan without those conflicts whose sides differ only in what is written of these phases:
/// their markers, their times and their cells of the status table. `None` when there is no such
/// conflict, or the marks of another one keep such a phase from being written.
///
/// A marker with a reason behind it and a stamp that is no time are somebody's words.
#[must_use]
pub fn settled(bytes: &[u8], is_known: &dyn Fn(&str) -> bool) -> Option<Settled> {
    let count = memmem::find_iter(bytes, BEGIN).take(CONFLICTS_MAX + 1);
    if !(1..=CONFLICTS_MAX).contains(&count.count()) || bytes.len() > SIZE_MAX {
        return None;
    }
    writable(bytes).ok()?;
    let [ours, theirs] = [settle(bytes, 0, is_known)?, settle(bytes, 1, is_known)?];
    let written = [&ours, &theirs].map(|text| written(text));
    let [one, other] = &written;
    let keys = one.keys().chain(other.keys());
    let keys = keys.filter(|key| is_known(key) && one.get(*key) != other.get(*key));
    let phases: BTreeSet<String> = keys.cloned().collect();
    let plan = Plan::parse(&ours);
    let can_be_written = phases.iter().all(|key| plan.phase(key).is_ok());
    can_be_written.then_some(Settled {
        ours,
        theirs,
        phases,
    })
}

/// What is written of each phase, by the number of its heading: markers, stamps and cells.
fn written(bytes: &[u8]) -> BTreeMap<String, Vec<String>> {
    let plan = Plan::parse(bytes);
    let text = decode(bytes);
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for phase in &plan.phases {
        let stamp = |value: &Option<Range<usize>>| {
            let value = value.as_ref().map(|value| &text[value.clone()]);
            value.unwrap_or_default().to_owned()
        };
        let heading = text[phase.heading.clone()].to_owned();
        let of_phase = all.entry(phase.number().to_owned()).or_default();
        of_phase.extend([heading, stamp(&phase.started), stamp(&phase.completed)]);
    }
    for (number, span) in &plan.owned.cells {
        let of_phase = all.entry(number.clone()).or_default();
        of_phase.push(text[span.clone()].to_owned());
    }
    all
}

/// One conflict: where it stands, and the lines of both sides.
struct Conflict {
    all: Range<usize>,
    sides: [Range<usize>; 2],
}

impl Conflict {
    fn taken(&self, bytes: &[u8], side: usize) -> Vec<u8> {
        let parts = [
            &bytes[..self.all.start],
            &bytes[self.sides[side].clone()],
            &bytes[self.all.end..],
        ];
        parts.concat()
    }
}

/// Takes one side of every conflict that can be settled, those within others first.
fn settle(bytes: &[u8], side: usize, is_known: &dyn Fn(&str) -> bool) -> Option<Vec<u8>> {
    let mut text = bytes.to_vec();
    // Those that stay are passed over.
    let (mut staying, mut is_settled) = (0, false);
    while let Some(conflict) = innermost(&text).into_iter().nth(staying) {
        let sides = [0, 1].map(|side| conflict.taken(&text, side));
        if authors_own(&sides[0], is_known) == authors_own(&sides[1], is_known) {
            let [ours, theirs] = sides;
            text = if side == 0 { ours } else { theirs };
            is_settled = true;
        } else {
            staying += 1;
        }
    }
    is_settled.then_some(text)
}

/// The conflicts that have no other within them, in their order.
fn innermost(bytes: &[u8]) -> Vec<Conflict> {
    let text = decode(bytes);
    let lines = Lines::new(&text);
    let fenced = Fences::new(&lines).fenced;
    let mut found = Vec::new();
    // The first line, the one behind ours, and the one between the two.
    let (mut begin, mut behind, mut middle) = (None, None, None);
    for line in (0..lines.len()).filter(|line| !fenced[*line]) {
        let words = lines.get(line);
        let is = |mark: &str| {
            let rest = words.strip_prefix(mark);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        if is(BEGIN) {
            (begin, behind, middle) = (Some(line), None, None);
        } else if is("|||||||") && behind.is_none() {
            behind = Some(line);
        } else if is("=======") && middle.is_none() {
            behind = behind.or(Some(line));
            middle = Some(line);
        } else if is(">>>>>>>")
            && let (Some(begin), Some(behind), Some(middle)) =
                (begin.take(), behind.take(), middle.take())
        {
            let starts = |line| lines.span(line).start;
            found.push(Conflict {
                all: starts(begin)..lines.next_start(line),
                sides: [
                    lines.next_start(begin)..starts(behind),
                    lines.next_start(middle)..starts(line),
                ],
            });
        }
    }
    found
}

/// What of a plan is its author's alone: all but what is written of these phases.
fn authors_own(bytes: &[u8], is_known: &dyn Fn(&str) -> bool) -> Vec<u8> {
    let plan = Plan::parse(bytes);
    let text = decode(bytes);
    let is_marker = |word: &str| PhaseStatus::ALL.iter().any(|it| it.marker() == word);
    let mut left_out: Vec<Range<usize>> = Vec::new();
    for phase in plan.phases.iter().filter(|it| is_known(it.number())) {
        if let PhaseMarker::Known { text: word, span } = &phase.marker
            && is_marker(word)
        {
            // With its brackets and the space before, so that a heading without one is the same.
            let heading = &text[phase.heading.start..span.start - 1];
            left_out.push(phase.heading.start + heading.trim_end().len()..span.end + 1);
        }
        let stamps = [&phase.started, &phase.completed].into_iter().flatten();
        let times = stamps.filter(|value| is_time(&text[(*value).clone()]));
        left_out.extend(times.map(|value| whole_line(&text, value)));
    }
    let cells = plan.owned.cells.iter();
    let cells = cells.filter(|(number, span)| is_known(number) && is_marker(&text[span.clone()]));
    left_out.extend(cells.map(|(_, span)| span.clone()));
    left_out.sort_by_key(|span| span.start);
    let mut own = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for gap in left_out.into_iter().filter(|gap| !gap.is_empty()) {
        own.extend_from_slice(bytes.get(from..gap.start).unwrap_or_default());
        from = gap.end.max(from);
    }
    own.extend_from_slice(&bytes[from..]);
    own
}

/// Whether a stamp is an instant or a day, and no words.
fn is_time(value: &str) -> bool {
    Timestamp::parse(value).is_some() || Timestamp::parse(&format!("{value}T00:00:00Z")).is_some()
}

/// The line of a place, with its ending.
fn whole_line(text: &str, place: &Range<usize>) -> Range<usize> {
    let start = text[..place.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[place.end..].find('\n');
    start..end.map_or(text.len(), |at| place.end + at + 1)
}
