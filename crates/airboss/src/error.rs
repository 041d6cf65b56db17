//! The one place where errors become words, hints and an exit code.

use airboss_core::board::outline::BadLine;
use airboss_core::exit::ExitCode;
use airboss_engine::git::GitError;
use airboss_engine::run::RunError;
use airboss_engine::settings::SettingsError;
use airboss_engine::store::StoreError;
use airboss_engine::workspace::WorkspaceError;

/// Who or what is at fault, which decides the exit code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// The command line.
    Usage,
    /// The input: a file, an id, a transition. Nothing was changed.
    Refused,
    /// The work: a step, a gate, a check.
    Failed,
    /// A person has to act first.
    Blocked,
    /// Another process has it now.
    Busy,
    /// Input or output, before anything was acknowledged.
    Io,
}

/// An error as it is shown: who failed and why, then what to do.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct CliError {
    /// Who is at fault.
    pub kind: ErrorKind,
    /// The sentence, without a full stop.
    pub message: String,
    /// What to do, one sentence each.
    pub hints: Vec<String>,
}

impl CliError {
    /// An error of a kind.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// The input is at fault.
    #[must_use]
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Refused, message)
    }

    /// The command line is at fault.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The documented exit code (README).
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self.kind {
            ErrorKind::Usage => ExitCode::Usage,
            ErrorKind::Refused => ExitCode::Refused,
            ErrorKind::Failed => ExitCode::Failed,
            ErrorKind::Blocked => ExitCode::Blocked,
            ErrorKind::Busy => ExitCode::TryLater,
            ErrorKind::Io => ExitCode::InputOutput,
        }
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        let kind = match error {
            StoreError::Busy { .. } => ErrorKind::Busy,
            StoreError::Illegal(_) | StoreError::Newer { .. } => ErrorKind::Refused,
            _ => ErrorKind::Io,
        };
        let shown = Self::new(kind, error.to_string());
        match error {
            StoreError::Corrupt { .. } => shown.hint(
                "`airboss rebuild` makes a new one from the files of the board; plans are read \
                 again by themselves",
            ),
            _ => shown,
        }
    }
}

impl From<BadLine> for CliError {
    fn from(error: BadLine) -> Self {
        Self::new(ErrorKind::Io, error.to_string())
    }
}

impl From<serde_json::Error> for CliError {
    fn from(error: serde_json::Error) -> Self {
        Self::new(ErrorKind::Io, format!("it cannot be said as JSON: {error}"))
    }
}

impl From<WorkspaceError> for CliError {
    fn from(error: WorkspaceError) -> Self {
        match error {
            WorkspaceError::Store(error) => error.into(),
            WorkspaceError::Io(error) => error.into(),
            WorkspaceError::Git(GitError::Io(error)) => Self::new(ErrorKind::Io, error.to_string()),
            other => Self::refused(other.to_string()),
        }
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => ErrorKind::Refused,
            _ => ErrorKind::Io,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<SettingsError> for CliError {
    fn from(error: SettingsError) -> Self {
        let hint = matches!(error, SettingsError::Untrusted { .. });
        let refused = Self::refused(error.to_string());
        if hint {
            refused.hint("`airboss trust` shows them and asks")
        } else {
            refused
        }
    }
}

impl From<airboss_engine::supervise::SuperviseError> for CliError {
    fn from(error: airboss_engine::supervise::SuperviseError) -> Self {
        Self::new(ErrorKind::Io, error.to_string())
    }
}

impl From<RunError> for CliError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Store(error) => error.into(),
            RunError::Contended => Self::new(ErrorKind::Busy, error.to_string()),
            RunError::Unregistered(_) => Self::refused(error.to_string()),
            other => Self::new(ErrorKind::Io, other.to_string()),
        }
    }
}
