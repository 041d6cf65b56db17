//! Edits beside a comment or a fence that is never closed.
//!
//! Such an opener is read as text. A text that is written behind it must not close it, for then
//! every entry between the two would be hidden.

use super::parse::ProblemKind;
use super::scan::Scan;
use crate::board::edit::EditError;
use crate::board::task::Task;
use crate::plan::lines::decode;

/// What ends a comment, and how it is written where it must not: Markdown shows both alike.
const CLOSE: &str = "-->";
const ESCAPED: &str = "--&gt;";

/// Whether a comment is never closed.
pub(super) fn has_open_comment(scan: &Scan<'_>) -> bool {
    open(scan, &[ProblemKind::UnclosedComment]).is_some()
}

/// The line of the first opener of these kinds that is read as text, from 1.
fn open(scan: &Scan<'_>, kinds: &[ProblemKind]) -> Option<usize> {
    let mut problems = scan.problems.iter();
    let found = problems.find(|problem| kinds.contains(&problem.kind));
    found.map(|problem| problem.line)
}

/// The task with texts that close no comment; `None` when it has none that would.
pub(super) fn harmless(task: &Task) -> Option<Task> {
    let mut new = task.clone();
    let mut closes = escape(&mut new.title);
    for text in [
        &mut new.priority,
        &mut new.language,
        &mut new.effort,
        &mut new.description,
        &mut new.dependencies.prose,
        &mut new.blocked_reason,
        &mut new.abandoned_reason,
    ] {
        closes |= text.as_mut().is_some_and(escape);
    }
    closes.then_some(new)
}

fn escape(text: &mut String) -> bool {
    let closes = text.contains(CLOSE);
    if closes {
        *text = text.replace(CLOSE, ESCAPED);
    }
    closes
}

/// Looks whether every entry but those that were edited, `mine`, reads as before. Only an opener that is never
/// closed can change that, so a sound file costs nothing.
///
/// # Errors
/// When an entry would be hidden or come to light.
pub(super) fn check(
    scan: &Scan<'_>,
    edited: &[u8],
    mine: impl Iterator<Item = u32>,
) -> Result<(), EditError> {
    const KINDS: [ProblemKind; 2] = [ProblemKind::UnclosedComment, ProblemKind::UnclosedFence];
    let Some(line) = open(scan, &KINDS) else {
        return Ok(());
    };
    let text = decode(edited);
    let after = Scan::new(&text);
    let mine: Vec<u32> = mine.collect();
    if others(scan, &mine) == others(&after, &mine) {
        return Ok(());
    }
    let message = "the comment or fence that begins here is never closed, and with this change it \
                   would hide other tasks; close it"
        .to_owned();
    Err(EditError::Damaged { line, message })
}

/// The texts of the entries without these numbers, in no order.
fn others<'t>(scan: &Scan<'t>, without: &[u32]) -> Vec<&'t str> {
    let entries = scan.entries.iter();
    let others = entries.filter(|entry| !without.contains(&entry.number));
    let mut texts: Vec<&str> = others.map(|entry| &scan.text[scan.span(entry)]).collect();
    texts.sort_unstable();
    texts
}
