//! Which files a step has to produce, and whether a text is more than a skeleton.
//!
//! A plan names an artifact in one of two ways: a note (`(artifact: docs/a.md)`,
//! or a detail line `Artifact: docs/a.md`), or a step that begins with a making
//! word and a back-quoted path (``Write `docs/a.md` ``). Everything else that a
//! step mentions may change or not.

mod content;
pub mod salvage;

pub use self::content::{Kind, lacks};
use crate::path::RepoPath;

/// Words that make the back-quoted path behind them an artifact.
const MAKING_WORDS: [&str; 6] = ["create", "write", "add", "generate", "produce", "make"];

/// A file below this size is looked at closely before it counts: a real report is longer.
const SMALL_BYTES: usize = 500;

/// A file that has to be produced, and what it has to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Due {
    /// Where. It is chosen before the attempt; agent and verifier get the same.
    pub path: RepoPath,
    /// What.
    pub kind: Kind,
}

/// The artifacts that a step declares, in the order they are named.
#[must_use]
pub fn declared(text: &str, details: &[String]) -> Vec<RepoPath> {
    let mut paths = Vec::new();
    let mut add = |candidate: &str| {
        let candidate = candidate.trim().trim_matches('`');
        if let Ok(path) = RepoPath::new(candidate)
            && !candidate.ends_with('/')
            && !paths.contains(&path)
        {
            paths.push(path);
        }
    };
    for (position, _) in text.match_indices("(artifact:") {
        let rest = &text[position + "(artifact:".len()..];
        if let Some((path, _)) = rest.split_once(')') {
            add(path);
        }
    }
    for detail in details {
        let detail = detail.trim_start_matches(['-', '*', '+', ' ']);
        if let Some(path) = detail.strip_prefix("Artifact:") {
            add(path);
        }
    }
    if let Some(path) = made_path(text) {
        add(path);
    }
    paths
}

/// The path in ``Write `path` …``: the back-quotes follow the making word directly, or behind an article.
fn made_path(text: &str) -> Option<&str> {
    let (first, rest) = text.trim_start().split_once(' ')?;
    if !MAKING_WORDS.contains(&first.to_ascii_lowercase().as_str()) {
        return None;
    }
    let rest = rest.trim_start();
    let rest = ["a ", "an ", "the ", "new ", "file "]
        .iter()
        .fold(rest, |rest, word| {
            rest.strip_prefix(word).unwrap_or(rest).trim_start()
        });
    let (path, _) = rest.strip_prefix('`')?.split_once('`')?;
    let is_path = !path.contains([' ', '(', '<', '*', '{'])
        && (path.contains('/')
            || path
                .rsplit_once('.')
                .is_some_and(|(stem, _)| !stem.is_empty()));
    is_path.then_some(path)
}

/// Whether a text file has headings and placeholders and nothing else.
///
/// Only small files can be skeletons; a large one has content whatever it looks like.
#[must_use]
pub fn is_skeleton(content: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(content) else {
        return false;
    };
    if text.len() >= SMALL_BYTES {
        return text.trim().is_empty();
    }
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .all(|line| {
            let bare = line.trim_matches(|c: char| "#-*_=>[](){}<>`.: ".contains(c));
            let lower = bare.to_ascii_lowercase();
            line.starts_with('#')
                || bare.is_empty()
                || line.contains("{{")
                || [
                    "todo",
                    "tbd",
                    "fixme",
                    "placeholder",
                    "to be written",
                    "...",
                ]
                .iter()
                .any(|word| lower == *word || lower.starts_with(&format!("{word}:")))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, details: &[&str], expected: &str) {
        let details: Vec<String> = details.iter().map(ToString::to_string).collect();
        let found: Vec<String> = declared(text, &details)
            .into_iter()
            .map(String::from)
            .collect();
        assert_eq!(found.join(" "), expected);
    }

    #[test]
    fn artifacts_are_declared_by_note_or_by_making_word() {
        check("Write `docs/a.md`", &[], "docs/a.md");
        check("Create the file `a.txt` and use it", &[], "a.txt");
        check(
            "Compare the layouts (artifact: docs/a.md)",
            &[],
            "docs/a.md",
        );
        check(
            "Compare the layouts",
            &["- Artifact: `docs/a.md`"],
            "docs/a.md",
        );
        check("Fix `src/a.rs`", &[], "");
        check("Add `retry_count` to the struct", &[], "");
        check("Add file locking to `src/a.rs`", &[], "");
        check("Create `batch(items)` function", &[], "");
        check("Write `../../etc/passwd`", &[], "");
        check("Write `docs/`", &[], "");
    }

    #[test]
    fn skeletons() {
        for text in [
            "# Report\n\n## Findings\n\nTODO\n",
            "\n\n",
            "# {{title}}\n{{body}}\n",
            "## A\n- ...\n",
        ] {
            assert!(is_skeleton(text.as_bytes()), "{text:?}");
        }
        for text in ["# Report\nIt works.\n", "x = 1\n", "ok"] {
            assert!(!is_skeleton(text.as_bytes()), "{text:?}");
        }
    }
}
