//! What can go wrong with git, in words that name the file and the remedy.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// An error of the repository, of the git program or of the file system beneath them.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The repository has no work tree.
    #[error(
        "{path} is a bare repository; run Airboss in a work tree (`git worktree add` makes one)"
    )]
    Bare {
        /// The repository.
        path: PathBuf,
    },
    /// Git refuses repositories of other users.
    #[error(
        "the repository around {path} belongs to another user, so git refuses it; \
         trust it with `git config --global --add safe.directory {path}`"
    )]
    Untrusted {
        /// Where the search started.
        path: PathBuf,
    },
    /// It is a repository, but it cannot be read or needs what is not supported.
    #[error("the repository around {path} cannot be opened: {reason}")]
    Unreadable {
        /// Where the search started.
        path: PathBuf,
        /// The reason, from git.
        reason: String,
    },
    /// The git program is not installed.
    #[error("the git program was not found on PATH; install git 2.35 or later")]
    ProgramMissing,
    /// The git program ended with an error.
    #[error("`git {command}` ended with {status}: {stderr}")]
    Program {
        /// Its subcommand.
        command: String,
        /// Its exit status.
        status: String,
        /// What it said, cut to a few lines.
        stderr: String,
    },
    /// The git program did not end in time.
    #[error("`git {command}` did not end within {} s and was stopped", limit.as_secs())]
    Timeout {
        /// Its subcommand.
        command: String,
        /// The limit.
        limit: Duration,
    },
    /// The git program said something that git does not say.
    #[error("`git {command}` printed what cannot be understood: {what}")]
    Output {
        /// Its subcommand.
        command: String,
        /// The part that is not understood.
        what: String,
    },
    /// Objects or references cannot be read or written.
    #[error("{action}: {reason}")]
    Objects {
        /// What was being done.
        action: &'static str,
        /// The reason, from gix.
        reason: String,
    },
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The work tree changed again and again while it was read.
    #[error("the work tree of {path} did not hold still long enough to be read; try again")]
    Unsteady {
        /// The top of the work tree.
        path: PathBuf,
    },
}

/// Adds what was being done to an error of gix.
pub(crate) trait GixContext<T> {
    fn doing(self, action: &'static str) -> Result<T, GitError>;
}

impl<T, E: std::error::Error> GixContext<T> for Result<T, E> {
    fn doing(self, action: &'static str) -> Result<T, GitError> {
        self.map_err(|error| GitError::Objects {
            action,
            reason: reasons(&error),
        })
    }
}

/// An error and its causes in one line.
pub(crate) fn reasons(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}
