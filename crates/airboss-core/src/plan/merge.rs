//! What git could not merge in a plan, where the sides differ in nothing that is its author's.
//!
//! Two clones that work on one plan both change its phase markers, and git leaves both sides in
//! the file between conflict marks. Which marker is right the board knows, so that nobody has to
//! choose; where the sides differ in anything else, the marks stay for the plan's author.

use std::ops::Range;

use memchr::memmem;

use super::fences::Fences;
use super::hash::{kept_lines, phase_marks};
use super::lines::{Lines, decode};
use super::model::Plan;

/// How many conflicts are looked at: each is judged by the whole plan.
const CONFLICTS_MAX: usize = 32;

/// How a conflict begins.
const BEGIN: &str = "<<<<<<<";

/// The plan without those conflicts whose sides differ only in phase markers, their stamps and
/// the cells of the status table: once as ours has it, and once as theirs. `None` when there is no
/// such conflict.
#[must_use]
pub fn settled(bytes: &[u8]) -> Option<[Vec<u8>; 2]> {
    memmem::find(bytes, BEGIN.as_bytes())?;
    Some([settle(bytes, 0)?, settle(bytes, 1)?])
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
fn settle(bytes: &[u8], side: usize) -> Option<Vec<u8>> {
    let mut text = bytes.to_vec();
    // Those that stay are passed over.
    let (mut staying, mut settled) = (0, 0);
    while staying + settled < CONFLICTS_MAX
        && let Some(conflict) = innermost(&text).into_iter().nth(staying)
    {
        let sides = [0, 1].map(|side| conflict.taken(&text, side));
        if authors_own(&sides[0]) == authors_own(&sides[1]) {
            let [ours, theirs] = sides;
            text = if side == 0 { ours } else { theirs };
            settled += 1;
        } else {
            staying += 1;
        }
    }
    (settled > 0).then_some(text)
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

/// What of a plan is its author's alone, line by line.
fn authors_own(bytes: &[u8]) -> Vec<Vec<u8>> {
    let plan = Plan::parse(bytes);
    let mut own = Vec::new();
    kept_lines(bytes, &plan, phase_marks(&plan), |line| {
        own.push(line.to_vec());
    });
    own
}
