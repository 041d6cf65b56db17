//! Execution notes: what a plan says about doing things at the same time.

use super::dependencies::{is_step_id, step_reference};
use super::headings::id_length;
use super::lines::find_bold;
use super::model::{NoteKind, Reference};

/// A note's keyword and whom it covers; nothing covered means that it cannot be read.
pub(super) fn execution_note(line: &str) -> Option<(NoteKind, Vec<Reference>)> {
    const LABEL: &str = "execution note";
    let rest = &line[find_bold(line)? + 2..];
    let label = rest
        .get(..LABEL.len())
        .filter(|name| name.eq_ignore_ascii_case(LABEL))?;
    let tail = rest[label.len()..].trim_start_matches(['s', ':', '*', ' ']);
    let (kind, keyword) = match (tail.find("[SEQUENTIAL]"), tail.find("[PARALLEL]")) {
        (Some(sequential), None) => (NoteKind::Sequential, sequential),
        (None, Some(parallel)) => (NoteKind::Parallel, parallel),
        (None, None) => return None,
        // Both at once cannot be honoured; the careful reading wins.
        (Some(_), Some(_)) => return Some((NoteKind::Sequential, Vec::new())),
    };
    let subject = tail[..keyword].trim();
    let subject = ["are", "is", "run", "must be"]
        .iter()
        .find_map(|verb| {
            subject
                .strip_suffix(verb)
                .filter(|rest| rest.ends_with(' '))
        })
        .unwrap_or(subject);
    Some((kind, covered(subject.trim()).unwrap_or_default()))
}

/// `Tasks 3.1-3.4`, `Phases 1-3, 5`, `Tasks 2.1-2.3 and 3.1-3.4`.
fn covered(subject: &str) -> Option<Vec<Reference>> {
    let mut found = Vec::new();
    let mut phases = false;
    for item in subject.replace(" and ", ",").replace('&', ",").split(',') {
        let item = item.trim();
        if item.is_empty() {
            continue;
        }
        // The noun counts for every item up to the next noun: `Phases 1-3, 5`.
        let lower = item.to_ascii_lowercase();
        if lower.starts_with("phase") {
            phases = true;
        } else if lower.starts_with("task") || lower.starts_with("step") {
            phases = false;
        }
        let bare = item
            .trim_start_matches(|c: char| c.is_ascii_alphabetic())
            .trim_start();
        let first = bare.split(['-', '\u{2013}']).next().unwrap_or(bare).trim();
        let reference = if phases || !is_step_id(first) && id_length(first) == Some(first.len()) {
            step_reference(&format!("Phase {bare}"))?
        } else {
            step_reference(bare)?
        };
        found.push(reference);
    }
    (!found.is_empty()).then_some(found)
}

/// The value of a `**pipeline-start:** when 1.3 completes` line.
pub(super) fn pipeline_line(line: &str) -> Option<&str> {
    let rest = line.trim_start().trim_start_matches("- ");
    let rest = rest.strip_prefix("**")?;
    let tail = rest
        .get(..14)
        .filter(|name| name.eq_ignore_ascii_case("pipeline-start"))?;
    Some(rest[tail.len()..].trim_start_matches([':', '*', ' ']))
}

/// The step that `when 1.3 completes` names.
pub(super) fn pipeline_step(value: &str) -> Option<String> {
    let mut words = value.trim().trim_end_matches(['.', ')']).split_whitespace();
    if !words.next()?.eq_ignore_ascii_case("when") {
        return None;
    }
    let mut id = words.next()?;
    if id.eq_ignore_ascii_case("task") || id.eq_ignore_ascii_case("step") {
        id = words.next()?;
    }
    is_step_id(id).then(|| id.to_owned())
}
