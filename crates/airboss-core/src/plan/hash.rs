//! The plan hash: whether a plan's *content* changed, whoever moved its markers meanwhile.

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
    let text = decode(bytes);
    let lines = Lines::new(&text);
    let mut left_out = plan.owned.marks.clone();
    left_out.extend(plan.owned.cells.iter().map(|(_, span)| span.clone()));
    left_out.extend(plan.status.iter().filter_map(|marker| marker.span.clone()));
    for phase in &plan.phases {
        if let PhaseMarker::Known { span, .. } = &phase.marker {
            // With its brackets, so that a heading that never had a marker is the same.
            left_out.push(span.start - 1..span.end + 1);
        }
    }
    left_out.sort_by_key(|span| span.start);
    let mut left_out = left_out.into_iter().peekable();
    let mut stamps = plan.owned.stamp_lines.clone();
    stamps.sort_unstable();
    let mut hasher = Sha256::new();
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
            hasher.update(kept.trim_ascii_end());
            hasher.update(b"\n");
        }
    }
    hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
