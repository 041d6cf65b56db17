//! Edits of a plan file: one marker, its stamps, its table cell, and no other byte.
//!
//! An edit reads the bytes anew, so that it can never splice at the offsets of an older
//! version of the file.

use std::ops::Range;

use super::lines::{Lines, bullet, decode, indentation};
use super::model::*;

/// Time stamps to write together with a marker, as RFC 3339 text; none leaves them alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stamps<'a> {
    /// When the phase was started.
    pub started: Option<&'a str>,
    /// When it was completed.
    pub completed: Option<&'a str>,
}

/// Why a plan was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// No phase has this key.
    #[error("the plan has no phase `{0}`; `airboss plan show` lists them")]
    UnknownPhase(String),
    /// Several phases have this number.
    #[error("more than one phase is called `{0}`; give each its own number")]
    AmbiguousPhase(String),
    /// The plan's status lives elsewhere.
    #[error("this kind of plan is read-only; its status lives in status.json")]
    ReadOnly,
    /// There is no marker to change.
    #[error("the header has no line such as `**Status**: [NOT STARTED]` to change")]
    NoPlanStatus,
    /// The file is damaged.
    #[error("the plan cannot be changed: {0}")]
    Damaged(String),
}

/// One replacement of bytes.
#[derive(Debug)]
struct Splice {
    at: Range<usize>,
    text: String,
}

/// Writes the marker of a phase, its stamps where given, and its cell in the status table.
///
/// Only bytes between brackets change; a heading without a marker gets one at its end. A
/// stamp line that exists is changed in place, a missing one is inserted below the heading.
///
/// # Errors
/// When the phase cannot be named without doubt, or the file may not be written.
pub fn set_phase_status(
    bytes: &[u8],
    key: &str,
    status: PhaseStatus,
    stamps: Stamps<'_>,
) -> Result<Vec<u8>, EditError> {
    let plan = writable(bytes)?;
    let phase = named(&plan, key)?;
    if phase.level == 0 {
        return Err(EditError::UnknownPhase(key.to_owned()));
    }
    let text = decode(bytes);
    if text[phase.heading.clone()].contains("{{") {
        return Err(EditError::Damaged(format!(
            "line {} holds a placeholder",
            phase.line
        )));
    }
    let mut splices = vec![marker_splice(&text, phase, status)];
    splices.extend(cell_splice(&plan, phase, status));
    stamp_splices(&text, &plan, phase, stamps, &mut splices);
    Ok(apply(bytes, splices))
}

/// Writes the cell of the status table alone; the plan as it is where there is none.
///
/// # Errors
/// When the phase cannot be named without doubt, or the file may not be written.
pub fn set_phase_cell(bytes: &[u8], key: &str, status: PhaseStatus) -> Result<Vec<u8>, EditError> {
    let plan = writable(bytes)?;
    let cell = cell_splice(&plan, named(&plan, key)?, status);
    Ok(apply(bytes, Vec::from_iter(cell)))
}

/// The phase of this key.
fn named<'p>(plan: &'p Plan, key: &str) -> Result<&'p Phase, EditError> {
    plan.phase(key).map_err(|lookup| match lookup {
        PhaseLookup::Unknown => EditError::UnknownPhase(key.to_owned()),
        PhaseLookup::Ambiguous => EditError::AmbiguousPhase(key.to_owned()),
    })
}

fn cell_splice(plan: &Plan, phase: &Phase, status: PhaseStatus) -> Option<Splice> {
    let mut cells = plan.owned.cells.iter();
    let cell = cells.find(|(number, _)| number == phase.number());
    cell.map(|(_, span)| Splice {
        at: span.clone(),
        text: status.marker().to_owned(),
    })
}

/// Writes the plan's own status marker.
///
/// # Errors
/// When there is no marker in brackets, or the file may not be written.
pub fn set_plan_status(bytes: &[u8], status: PlanStatus) -> Result<Vec<u8>, EditError> {
    let plan = writable(bytes)?;
    let span = plan
        .status
        .and_then(|marker| marker.span)
        .ok_or(EditError::NoPlanStatus)?;
    Ok(apply(
        bytes,
        vec![Splice {
            at: span,
            text: status.marker().to_owned(),
        }],
    ))
}

/// Reads a plan that may be written: not read-only, not damaged. Its dependencies may be wrong.
pub(super) fn writable(bytes: &[u8]) -> Result<Plan, EditError> {
    let plan = Plan::parse(bytes);
    let damage = plan.problems.iter().find(|problem| {
        problem.severity == Severity::Error
            && ["nul-bytes", "empty-file", "too-large", "nothing-to-do"].contains(&problem.code)
    });
    match damage {
        Some(problem) => Err(EditError::Damaged(problem.message.clone())),
        None if plan.dialect == Dialect::Orchestrator => Err(EditError::ReadOnly),
        None => Ok(plan),
    }
}

fn marker_splice(text: &str, phase: &Phase, status: PhaseStatus) -> Splice {
    if let PhaseMarker::Known { span, .. } = &phase.marker {
        return Splice {
            at: span.clone(),
            text: status.marker().to_owned(),
        };
    }
    let heading = &text[phase.heading.clone()];
    let end = phase.heading.start + heading.trim_end().len();
    Splice {
        at: end..end,
        text: format!(" [{}]", status.marker()),
    }
}

fn stamp_splices(
    text: &str,
    plan: &Plan,
    phase: &Phase,
    stamps: Stamps<'_>,
    splices: &mut Vec<Splice>,
) {
    let lines = Lines::new(text);
    let mut inserted = Vec::new();
    let known = [
        ("Started", stamps.started, &phase.started),
        ("Completed", stamps.completed, &phase.completed),
    ];
    for (name, value, span) in known {
        match (value, span) {
            (Some(value), Some(span)) => {
                splices.push(Splice {
                    at: span.clone(),
                    text: one_line(value),
                });
            }
            (Some(value), None) => {
                let dash = if plan.dialect == Dialect::BoardA {
                    "- "
                } else {
                    ""
                };
                inserted.push(format!("{dash}**{name}**: {}", one_line(value)));
            }
            (None, _) => {}
        }
    }
    if inserted.is_empty() {
        return;
    }
    let (line, blank_after) = insertion_line(&lines, plan, phase);
    let ending = lines.ending(phase.line - 1);
    let at = lines.next_start(line);
    let mut new = String::new();
    if at > 0 && !text[..at].ends_with('\n') {
        new.push_str(ending);
    }
    for stamp in inserted {
        new.push_str(&stamp);
        new.push_str(ending);
    }
    if blank_after {
        new.push_str(ending);
    }
    splices.push(Splice {
        at: at..at,
        text: new,
    });
}

/// The line behind which new stamps go, and whether a blank line must follow them.
fn insertion_line(lines: &Lines<'_>, plan: &Plan, phase: &Phase) -> (usize, bool) {
    let heading = phase.line - 1;
    // A completion belongs right behind the start that is already there.
    if let Some(started) = &phase.started {
        let mut line = phase.body_line;
        while line < lines.len() && lines.span(line).end < started.start {
            line += 1;
        }
        return (line, false);
    }
    let mut next = heading + 1;
    while next < lines.len() && lines.get(next).trim().is_empty() {
        next += 1;
    }
    let (_, rest) = indentation(lines.get(next));
    let is_list = bullet(rest).is_some_and(|item| item.starts_with("**"));
    if plan.dialect == Dialect::BoardA && is_list {
        // The stamps join the list of fields below the heading.
        return (next - 1, false);
    }
    // Text directly below would become part of the stamp's paragraph unless it is a field too.
    let directly = next == heading + 1 && next < lines.len();
    (heading, directly && !rest.starts_with("**"))
}

/// A value never brings a second line with it.
fn one_line(value: &str) -> String {
    value
        .chars()
        .filter(|character| !character.is_control())
        .collect()
}

/// Applies replacements that do not overlap; those at one place keep their order.
fn apply(bytes: &[u8], mut splices: Vec<Splice>) -> Vec<u8> {
    splices.sort_by_key(|splice| splice.at.start);
    let mut result = Vec::with_capacity(bytes.len() + 128);
    let mut from = 0;
    for splice in splices {
        result.extend_from_slice(&bytes[from..splice.at.start]);
        result.extend_from_slice(splice.text.as_bytes());
        from = splice.at.end;
    }
    result.extend_from_slice(&bytes[from..]);
    result
}
