//! Status words: the text between a marker's brackets, read.

use std::ops::Range;

use super::lines::code_spans;
use super::model::{PhaseStatus, PlanStatus};

/// Words that begin a marker, the longer before the shorter where one begins the other.
const WORDS: &[(&str, PhaseStatus)] = &[
    ("NOT STARTED", PhaseStatus::NotStarted),
    ("PENDING", PhaseStatus::NotStarted),
    ("PLANNED", PhaseStatus::NotStarted),
    ("NEW", PhaseStatus::NotStarted),
    ("TODO", PhaseStatus::NotStarted),
    ("IN PROGRESS", PhaseStatus::InProgress),
    ("IMPLEMENTING", PhaseStatus::InProgress),
    ("COMPLETED - PARTIAL", PhaseStatus::Partial),
    ("COMPLETED", PhaseStatus::Completed),
    ("COMPLETE", PhaseStatus::Completed),
    ("DONE", PhaseStatus::Completed),
    ("ALREADY COMPLETED", PhaseStatus::Completed),
    ("ALREADY COMPLETE", PhaseStatus::Completed),
    ("ALREADY DONE", PhaseStatus::Completed),
    ("PARTIALLY COMPLETED", PhaseStatus::Partial),
    ("PARTIALLY COMPLETE", PhaseStatus::Partial),
    ("PARTIAL", PhaseStatus::Partial),
    ("SUBSTANTIALLY COMPLETE", PhaseStatus::Partial),
    ("BLOCKED", PhaseStatus::Blocked),
    ("ABANDONED", PhaseStatus::Abandoned),
    ("SKIPPED", PhaseStatus::Skipped),
    ("NOT APPLICABLE", PhaseStatus::Skipped),
    ("NOT IN SCOPE", PhaseStatus::Skipped),
    ("SUPERSEDED", PhaseStatus::Skipped),
    ("DEFERRED", PhaseStatus::Deferred),
    ("OPTIONAL", PhaseStatus::Deferred),
];

/// Signs that stand for a status where no bracket does.
const SIGNS: &[(char, PhaseStatus)] = &[
    ('\u{2705}', PhaseStatus::Completed),
    ('\u{1f504}', PhaseStatus::InProgress),
    ('\u{23f8}', PhaseStatus::Blocked),
];

/// Words in brackets that report a result and belong to the title.
const RESULTS: &[&str] = &[
    "PASS", "FAIL", "PASSED", "FAILED", "N/A", "YES", "NO", "WIP",
];

/// The status that a marker's text begins with; what follows is its reason.
pub(super) fn status_of(text: &str) -> Option<PhaseStatus> {
    let words = text.trim_start_matches(|character: char| {
        character.is_whitespace() || character == '*' || is_sign(character)
    });
    let known = WORDS.iter().find(|(word, _)| {
        words.strip_prefix(word).is_some_and(|rest| {
            // `NEWLINES` does not begin with the word NEW.
            !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_')
        })
    });
    match known {
        Some((_, status)) => Some(*status),
        None if words.is_empty() => sign(text),
        None => None,
    }
}

/// The status of the first sign in a text.
pub(super) fn sign(text: &str) -> Option<PhaseStatus> {
    text.chars().find_map(|character| {
        SIGNS
            .iter()
            .find(|(known, _)| *known == character)
            .map(|(_, status)| *status)
    })
}

fn is_sign(character: char) -> bool {
    // U+FE0F only asks for the colourful form of the sign before it.
    character == '\u{fe0f}' || SIGNS.iter().any(|(known, _)| *known == character)
}

/// The status of a plan as its header says it, with or without brackets.
pub(super) fn plan_status_of(text: &str) -> Option<PlanStatus> {
    let upper = text.trim_matches(['[', ']', '*', ' ']).to_uppercase();
    Some(match status_of(&upper)? {
        PhaseStatus::NotStarted | PhaseStatus::Deferred => PlanStatus::NotStarted,
        PhaseStatus::InProgress => PlanStatus::Implementing,
        PhaseStatus::Completed => PlanStatus::Completed,
        PhaseStatus::Partial => PlanStatus::Partial,
        PhaseStatus::Blocked => PlanStatus::Blocked,
        PhaseStatus::Abandoned | PhaseStatus::Skipped => PlanStatus::Abandoned,
    })
}

/// The texts between brackets outside back-quotes, links left out.
pub(super) fn brackets(text: &str) -> Vec<Range<usize>> {
    let mut code = code_spans(text).peekable();
    let mut found = Vec::new();
    let mut open = None;
    for (at, byte) in text.bytes().enumerate() {
        while code.next_if(|span| span.end <= at).is_some() {}
        if code.peek().is_some_and(|span| span.start <= at) {
            continue;
        }
        match byte {
            b'[' => open = Some(at + 1),
            b']' => {
                if let Some(start) = open.take()
                    && text.as_bytes().get(at + 1) != Some(&b'(')
                {
                    found.push(start..at);
                }
            }
            _ => {}
        }
    }
    found
}

/// Whether a bracketed text at the end of a heading is a status that nobody knows.
pub(super) fn looks_like_status(text: &str) -> bool {
    text.len() >= 4
        && text.starts_with(|first: char| first.is_ascii_uppercase())
        && !text.chars().any(char::is_lowercase)
        && !RESULTS.contains(&text)
}
