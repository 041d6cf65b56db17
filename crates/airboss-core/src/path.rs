//! Paths inside the repository, proved to stay inside it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A path relative to the top of the work tree: `/` between parts, never leaving it.
///
/// Text from agents and plans becomes a path only through [`RepoPath::new`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoPath(String);

/// Why a text is not a [`RepoPath`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RepoPathError {
    /// Nothing is left of it.
    #[error("the path is empty")]
    Empty,
    /// It starts at a root or a drive.
    #[error("the path `{0}` is absolute; give it relative to the top of the repository")]
    Absolute(String),
    /// It has a `..` part.
    #[error("the path `{0}` leaves the repository")]
    Leaves(String),
    /// It holds a NUL, a backslash or a control character.
    #[error("the path {0:?} holds a character that paths here may not have")]
    Character(String),
    /// It points into git's own directory.
    #[error("the path `{0}` lies inside .git")]
    Git(String),
}

impl RepoPath {
    /// Checks and normalises: `./a//b` becomes `a/b`.
    ///
    /// # Errors
    /// When the text is empty, absolute, leaves the repository, or lies in `.git`.
    pub fn new(text: &str) -> Result<Self, RepoPathError> {
        if text
            .chars()
            .any(|character| character.is_control() || character == '\\')
        {
            return Err(RepoPathError::Character(text.to_owned()));
        }
        if text.starts_with('/') || text.as_bytes().get(1) == Some(&b':') {
            return Err(RepoPathError::Absolute(text.to_owned()));
        }
        let mut parts = Vec::new();
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => return Err(RepoPathError::Leaves(text.to_owned())),
                _ if part.eq_ignore_ascii_case(".git") => {
                    return Err(RepoPathError::Git(text.to_owned()));
                }
                _ => parts.push(part),
            }
        }
        if parts.is_empty() {
            return Err(RepoPathError::Empty);
        }
        Ok(Self(parts.join("/")))
    }

    /// The path as text with `/` between its parts.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is `folder` itself or anything below it.
    #[must_use]
    pub fn lies_in(&self, folder: &Self) -> bool {
        self.0
            .strip_prefix(&folder.0)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The last part.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl AsRef<std::path::Path> for RepoPath {
    fn as_ref(&self) -> &std::path::Path {
        std::path::Path::new(&self.0)
    }
}

impl TryFrom<String> for RepoPath {
    type Error = RepoPathError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<RepoPath> for String {
    fn from(path: RepoPath) -> Self {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_inside_are_paths() {
        assert_eq!(
            RepoPath::new("./a//b.md").map(String::from),
            Ok("a/b.md".to_owned())
        );
        for bad in [
            "",
            ".",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a\0b",
            "a\\b",
            "C:x",
            ".git/config",
            "a/.GIT/x",
        ] {
            assert!(RepoPath::new(bad).is_err(), "{bad:?} must be refused");
        }
    }
}
