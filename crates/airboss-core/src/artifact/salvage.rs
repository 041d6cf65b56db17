//! Salvage: an artifact that its agent did not write, in the answer that it gave instead.
//!
//! [`take`] decides whether an answer holds the artifact, by the checks that a file has to stand;
//! [`render`] is the text that Airboss writes in its place, and [`read`] recognises such a file
//! again, so that it is never mistaken for one that the agent wrote, not even after a crash
//! between the writing and the recording.
//!
//! **When.** At the first attempt whose agent ended well and left nothing at the path, not after
//! the last retry: an artifact that is in hand is not missing, and an agent that is sent again may
//! do its work twice to write down what it said already. **What it is worth.** It is the artifact
//! and nothing else. The attempt is verified when nothing else is missing: its gates run and have
//! to be green, a summary tells of files that were really changed, and every place that names the
//! artifact says that it was salvaged. No text is ever made up: what is not an artifact as it
//! stands stays missing, and is retried as before.

use super::{Due, Kind, is_skeleton, lacks};
use crate::id::AttemptId;
use crate::path::RepoPath;
use crate::text::sanitize;
use crate::time::Timestamp;
use crate::verdict::Salvage;

/// How it is said of an artifact, wherever it is named. A board's files keep it as the artifact's
/// summary, so that a clone knows it, too.
pub const SALVAGED: &str = "salvaged from the agent's answer";

/// How the header of a salvaged file begins.
const HEADER: &str = "> Salvaged: Airboss wrote `";
/// What follows the path.
const FROM: &str = "` from the answer of attempt ";
/// What follows the attempt.
const AT: &str = " at ";
/// What follows the instant.
const BECAUSE: &str = ", because the agent had not written it.";

/// Why an answer is not taken for an artifact, as the rest of a sentence about it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// Nothing is known of what the file has to be.
    #[error("cannot be told from any other text")]
    Shapeless,
    /// There is none.
    #[error("is empty")]
    Silent,
    /// It lacks what the artifact has to have.
    #[error("{}", .0.join(", "))]
    Lacks(Vec<String>),
    /// Only headings and placeholders.
    #[error("is an unfilled skeleton")]
    Skeleton,
    /// It is about the file.
    #[error("tells of `{0}` instead of being it")]
    TellsOfIt(String),
    /// It sums up changes, and there are none.
    #[error("tells of changes, and no file was changed")]
    NothingChanged,
    /// More than one text in it could be the artifact.
    #[error("holds {0} texts that it could be")]
    Several(usize),
}

/// The artifact in an agent's answer, without what was said around it.
///
/// `changed` are the other files that the attempt changed.
///
/// # Errors
/// When it is not there, or is no artifact of its kind.
pub fn take(due: &Due, answer: &str, changed: &[RepoPath]) -> Result<String, Refusal> {
    if due.kind == Kind::Any {
        return Err(Refusal::Shapeless);
    }
    let answer = sanitize(answer);
    if answer.trim().is_empty() {
        return Err(Refusal::Silent);
    }
    let candidates = candidates(&answer);
    let Some(first) = candidates.first() else {
        return Err(Refusal::Lacks(vec!["has no title (`# …`)".to_owned()]));
    };
    let mut fit = candidates
        .iter()
        .filter(|text| fits(due, text, changed).is_ok());
    match (fit.next(), fit.count()) {
        (Some(text), 0) => Ok(format!("{}\n", text.trim_end())),
        (Some(_), more) => Err(Refusal::Several(more + 1)),
        (None, _) => Err(fits(due, first, changed).err().unwrap_or(Refusal::Silent)),
    }
}

/// Whether a text is the artifact by itself.
fn fits(due: &Due, text: &str, changed: &[RepoPath]) -> Result<(), Refusal> {
    if is_skeleton(text.as_bytes()) {
        return Err(Refusal::Skeleton);
    }
    if due.kind == Kind::Summary && changed.is_empty() {
        return Err(Refusal::NothingChanged);
    }
    let lacks = lacks(due.kind, text, changed);
    if !lacks.is_empty() {
        return Err(Refusal::Lacks(lacks));
    }
    // No report names its own file; who says that it is written does.
    let name = due.path.file_name();
    if text.contains(name) {
        return Err(Refusal::TellsOfIt(name.to_owned()));
    }
    Ok(())
}

/// The texts in an answer that begin with a title: what stands in fences for Markdown, and the
/// answer itself from its title on.
fn candidates(answer: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lines: Vec<&str> = answer.lines().collect();
    let is_title = |line: &str| line.starts_with("# ");
    let mut open: Option<Fence> = None;
    let mut bare = None;
    for (number, line) in lines.iter().enumerate() {
        match &mut open {
            Some(fence) if fence.inner > 0 && fence.closes(line) => fence.inner -= 1,
            Some(fence) if fence.closes(line) => {
                let content = &lines[fence.line + 1..number];
                // A fence after it may be one inside it that ended it too early.
                let is_last = !lines[number + 1..].iter().any(|rest| is_fence(rest));
                let has_title = content
                    .iter()
                    .find(|line| !line.trim().is_empty())
                    .is_some_and(|line| is_title(line));
                if fence.markdown && is_last && has_title {
                    found.push(content.join("\n"));
                }
                open = None;
            }
            // Inside a text in Markdown a fence with a word is one of that text's own.
            Some(fence) if fence.markdown && Fence::open(line, number).is_some() => {
                fence.inner += 1;
            }
            Some(_) => {}
            None => {
                open = Fence::open(line, number);
                if open.is_none() && bare.is_none() && is_title(line) {
                    bare = Some(number);
                }
            }
        }
    }
    // What is not closed may be half of it.
    if let Some(bare) = bare.filter(|_| open.is_none()) {
        found.insert(0, lines[bare..].join("\n"));
    }
    found
}

/// A fence that is open.
struct Fence {
    line: usize,
    mark: char,
    length: usize,
    markdown: bool,
    /// Fences that were opened inside it.
    inner: usize,
}

impl Fence {
    fn open(line: &str, number: usize) -> Option<Self> {
        let (mark, length) = fence(line)?;
        let word = line.trim().trim_start_matches(mark).trim();
        let word = word.split_whitespace().next().unwrap_or_default();
        let markdown = ["markdown", "md"].contains(&word.to_ascii_lowercase().as_str());
        // A closing fence has no word, and inside another one it is that one's.
        Some(Self {
            line: number,
            mark,
            length,
            markdown,
            inner: 0,
        })
    }

    fn closes(&self, line: &str) -> bool {
        let bare = |mark| line.trim().trim_start_matches(mark).is_empty();
        fence(line).is_some_and(|(mark, length)| {
            mark == self.mark && bare(mark) && (self.inner > 0 || length >= self.length)
        })
    }
}

fn is_fence(line: &str) -> bool {
    fence(line).is_some()
}

/// The mark and the length of a fence.
fn fence(line: &str) -> Option<(char, usize)> {
    let line = line.trim();
    let mark = line
        .chars()
        .next()
        .filter(|mark| ['`', '~'].contains(mark))?;
    let length = line.chars().take_while(|c| *c == mark).count();
    (length >= 3).then_some((mark, length))
}

/// The text of the file: the content behind a header that says whose hand wrote it.
#[must_use]
pub fn render(path: &RepoPath, salvage: &Salvage, content: &str) -> String {
    let Salvage { attempt, at } = salvage;
    format!("{HEADER}{path}{FROM}{attempt}{AT}{at}{BECAUSE}\n\n{content}")
}

/// What the header of the file at `path` says, and the content behind it.
///
/// A copy at another path is its agent's own work, whatever it was copied from.
#[must_use]
pub fn read<'text>(path: &RepoPath, text: &'text str) -> (Option<Salvage>, &'text str) {
    match header(path, text) {
        Some((salvage, rest)) => (Some(salvage), rest),
        None => (None, text),
    }
}

fn header<'text>(path: &RepoPath, text: &'text str) -> Option<(Salvage, &'text str)> {
    let (line, rest) = text.split_once('\n')?;
    let told = line.trim_end().strip_prefix(HEADER)?;
    let told = told.strip_prefix(path.as_str())?.strip_prefix(FROM)?;
    let (attempt, told) = told.split_once(AT)?;
    let salvage = Salvage {
        attempt: attempt.parse::<AttemptId>().ok()?,
        at: Timestamp::parse(told.strip_suffix(BECAUSE)?)?,
    };
    Some((salvage, rest.trim_start_matches(['\r', '\n'])))
}

#[cfg(test)]
mod tests;
