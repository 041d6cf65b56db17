//! Why a store could not do what it was asked, and the exit code that says so.

use std::path::PathBuf;

use airboss_core::attempt::IllegalEvent;

/// Why a store could not do what it was asked. Nothing was acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the write lock for too long.
    #[error(
        "{path} is busy: another airboss process holds its write lock{holder}; \
         try again, or end that process if it is stopped"
    )]
    Busy {
        /// The database.
        path: PathBuf,
        /// Who may hold it, as the end of a sentence.
        holder: String,
    },
    /// The operating system refused: disk full, read-only, no permission, a failing disk.
    #[error("{path}: {message}; nothing was changed")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What happened and what to do.
        message: String,
    },
    /// The disk failed at the commit point: the change may be in the log, and nobody knows
    /// whether it is durable.
    #[error(
        "{path}: {message}; whether the change was stored is not known: the same command, with \
         the same `--id` if it had one, finds out"
    )]
    Unsure {
        /// The database.
        path: PathBuf,
        /// What happened and what to do.
        message: String,
    },
    /// It is not a database, or a damaged one.
    #[error("{path} is damaged ({message}); {remedy}")]
    Corrupt {
        /// The database.
        path: PathBuf,
        /// SQLite's words.
        message: String,
        /// Where it was moved to, and what to do.
        remedy: String,
    },
    /// A newer Airboss wrote it.
    #[error(
        "{path} has schema version {found}, and this airboss knows versions up to {known}; \
         update airboss"
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// A file system on which the database would lose data without an error.
    #[error(
        "{path} is on {kind}, where a database loses data; \
         set XDG_STATE_HOME to a directory on a local disk"
    )]
    RemoteFileSystem {
        /// The directory.
        path: PathBuf,
        /// The file system's name.
        kind: String,
    },
    /// It was opened for reading only.
    #[error("{path} was opened for reading only")]
    ReadOnly {
        /// The database.
        path: PathBuf,
    },
    /// The operation is illegal for the state of its attempt; nothing was changed.
    #[error(transparent)]
    Illegal(#[from] IllegalEvent),
    /// The caller asked for something that makes no sense, or stored data does not.
    #[error("{message}; this is a mistake in airboss, please report it")]
    Bug {
        /// What is wrong.
        message: String,
    },
}

impl StoreError {
    /// The documented exit code (README): 75 busy, 4 refused, 74 everything else.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Busy { .. } => 75,
            Self::Illegal(_) => 4,
            _ => 74,
        }
    }

    /// What happened, told of a change that was stored before: neither that nothing was changed,
    /// nor that nobody knows.
    #[must_use]
    pub fn after_storing(&self) -> String {
        match self {
            Self::Io { path, message } | Self::Unsure { path, message } => {
                format!("{}: {message}", path.display())
            }
            other => other.to_string(),
        }
    }
}
