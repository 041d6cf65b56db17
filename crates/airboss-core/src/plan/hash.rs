//! The plan hash: whether a plan's *content* changed, whoever moved its markers meanwhile.

use std::ops::Range;

use sha2::{Digest, Sha256};

use super::lines::{Lines, decode};
use super::model::{PhaseMarker, Plan};

/// SHA-256 over the plan without box marks, status markers, Started and Completed lines, and
/// trailing white space, as 64 hexadecimal digits.
///
/// Line endings count as `\n`. Ticking a box, changing a marker, adding one to a heading
/// that had none, and writing stamps all leave it as it is.
#[must_use]
pub fn plan_hash(bytes: &[u8]) -> String {
    let plan = Plan::parse(bytes);
    let mut left_out = phase_marks(&plan);
    left_out.extend(plan.owned.marks.iter().cloned());
    left_out.extend(plan.status.iter().filter_map(|marker| marker.span.clone()));
    let mut hasher = Sha256::new();
    kept_lines(bytes, &plan, left_out, |line| {
        hasher.update(line);
        hasher.update(b"\n");
    });
    hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Where phases say their status: the markers of headings and the cells of the status table.
pub(super) fn phase_marks(plan: &Plan) -> Vec<Range<usize>> {
    let cells = plan.owned.cells.iter().map(|(_, span)| span.clone());
    let markers = plan.phases.iter().filter_map(|phase| match &phase.marker {
        // With its brackets, so that a heading that never had a marker is the same.
        PhaseMarker::Known { span, .. } => Some(span.start - 1..span.end + 1),
        _ => None,
    });
    cells.chain(markers).collect()
}

/// Goes through the lines of a plan without these places, without Started and Completed lines, and
/// without white space and line endings at their ends.
pub(super) fn kept_lines(
    bytes: &[u8],
    plan: &Plan,
    mut left_out: Vec<Range<usize>>,
    mut each: impl FnMut(&[u8]),
) {
    let text = decode(bytes);
    let lines = Lines::new(&text);
    left_out.sort_by_key(|span| span.start);
    let mut left_out = left_out.into_iter().peekable();
    let mut stamps = plan.owned.stamp_lines.clone();
    stamps.sort_unstable();
    let mut kept = Vec::new();
    for line in 0..lines.len() {
        let span = lines.span(line);
        kept.clear();
        let mut from = span.start;
        while let Some(gap) = left_out.next_if(|gap| gap.start < span.end) {
            if gap.start >= from && gap.end <= span.end {
                kept.extend_from_slice(&bytes[from..gap.start]);
                from = gap.end;
            }
        }
        kept.extend_from_slice(&bytes[from..span.end]);
        if stamps.binary_search(&line).is_err() {
            each(kept.trim_ascii_end());
        }
    }
}
