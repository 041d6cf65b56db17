//! What goes wrong inside a transaction, and the sentence that the caller gets for it.

use std::path::Path;

use airboss_core::attempt::IllegalEvent;
use rusqlite::ErrorCode;

use super::gate;
use super::open;
use super::schema;
use crate::store::StoreError;

/// A failure before it is known which file it concerns.
#[derive(Debug)]
pub(super) enum Fault {
    Sql(rusqlite::Error),
    /// The commit itself failed.
    Commit(rusqlite::Error),
    Illegal(IllegalEvent),
    Newer {
        found: i64,
    },
    Bug(String),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<IllegalEvent> for Fault {
    fn from(error: IllegalEvent) -> Self {
        Self::Illegal(error)
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::Bug(format!("a stored value cannot be read: {error}"))
    }
}

impl Fault {
    pub(super) fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Sql(error) | Self::Commit(error) => error.sqlite_error_code(),
            _ => None,
        }
    }

    /// Whether the file itself is not a database, or a damaged one.
    pub(super) fn is_damage(&self) -> bool {
        matches!(
            self.code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        )
    }

    /// Whether the lock table is half written, which only somebody who may write puts right.
    pub(super) fn needs_recovery(&self) -> bool {
        let Self::Sql(rusqlite::Error::SqliteFailure(error, _)) = self else {
            return false;
        };
        error.extended_code == rusqlite::ffi::SQLITE_READONLY_RECOVERY
    }

    pub(super) fn is_busy(&self) -> bool {
        matches!(
            self.code(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
        )
    }

    /// The error for the caller. Damage is the business of whoever may move the file.
    pub(super) fn at(self, path: &Path) -> StoreError {
        // When the log's fsync fails, its last frame is in it already: the next process that
        // reads the log takes the change for stored.
        let is_unsure =
            matches!(self, Self::Commit(_)) && self.code() == Some(ErrorCode::SystemIoFailure);
        if self.needs_recovery() {
            return StoreError::Io {
                path: path.to_owned(),
                message:
                    "a process was killed while it wrote, and who may not write here cannot put \
                          that right; run any command that writes"
                        .to_owned(),
            };
        }
        let error = match self {
            Self::Illegal(error) => return StoreError::Illegal(error),
            Self::Newer { found } => {
                return StoreError::Newer {
                    path: path.to_owned(),
                    found,
                    known: schema::newest(schema::VERSIONS),
                };
            }
            Self::Bug(message) => return StoreError::Bug { message },
            Self::Sql(error) | Self::Commit(error) => error,
        };
        let Some(code) = error.sqlite_error_code() else {
            return StoreError::Bug {
                message: format!("{}: {error}", path.display()),
            };
        };
        let remedy = match code {
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed => {
                return StoreError::Busy {
                    path: path.to_owned(),
                    holder: gate::holders(path),
                };
            }
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
                return StoreError::Corrupt {
                    path: path.to_owned(),
                    message: error.to_string(),
                    remedy: "the next command that writes moves it aside".to_owned(),
                };
            }
            ErrorCode::ReadOnly if open::has_readers() => {
                "a reader of the same process is in the way; a process that writes opens the \
                 store for writing first, and may read from that"
            }
            ErrorCode::DiskFull => "free some space on its disk",
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied => {
                "make the file and its directory writable for you"
            }
            ErrorCode::CannotOpen => "it must be a file in a directory that you may read",
            ErrorCode::SystemIoFailure => "check the disk, then try again",
            ErrorCode::OutOfMemory => "free some memory",
            _ => {
                return StoreError::Bug {
                    message: format!("{}: {error}", path.display()),
                };
            }
        };
        let (path, message) = (path.to_owned(), format!("{error}; {remedy}"));
        if is_unsure {
            StoreError::Unsure { path, message }
        } else {
            StoreError::Io { path, message }
        }
    }
}
