//! Object ids, file modes and entries as plain values, so that gix stays inside this module.

use std::fmt;
use std::str::FromStr;

use gix::ObjectId;
use gix::objs::tree::{EntryKind, EntryMode};
use serde::{Deserialize, Serialize};

/// The id of a git object, written as hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Oid(ObjectId);

impl Oid {
    pub(crate) const fn from_gix(id: ObjectId) -> Self {
        Self(id)
    }

    pub(crate) const fn to_gix(self) -> ObjectId {
        self.0
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Oid({})", self.0)
    }
}

/// The text is not an object id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a git object id")]
pub struct OidError(String);

impl FromStr for Oid {
    type Err = OidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        ObjectId::from_hex(text.as_bytes())
            .map(Self)
            .map_err(|_| OidError(text.to_owned()))
    }
}

impl TryFrom<String> for Oid {
    type Error = OidError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Oid> for String {
    fn from(oid: Oid) -> Self {
        oid.to_string()
    }
}

/// The kinds of file that a commit of Airboss can hold.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileMode {
    /// `100644`.
    Regular,
    /// `100755`.
    Executable,
    /// `120000`; its blob is the link's target.
    Symlink,
}

impl FileMode {
    /// The mode for git's octal text, `None` for directories and submodules.
    pub(crate) fn from_octal(text: &str) -> Option<Self> {
        match text {
            "100644" | "100664" => Some(Self::Regular),
            "100755" => Some(Self::Executable),
            "120000" => Some(Self::Symlink),
            _ => None,
        }
    }

    pub(crate) const fn octal(self) -> &'static str {
        match self {
            Self::Regular => "100644",
            Self::Executable => "100755",
            Self::Symlink => "120000",
        }
    }

    pub(crate) fn from_gix(mode: EntryMode) -> Option<Self> {
        match mode.kind() {
            EntryKind::Blob => Some(Self::Regular),
            EntryKind::BlobExecutable => Some(Self::Executable),
            EntryKind::Link => Some(Self::Symlink),
            EntryKind::Tree | EntryKind::Commit => None,
        }
    }

    pub(crate) const fn kind(self) -> EntryKind {
        match self {
            Self::Regular => EntryKind::Blob,
            Self::Executable => EntryKind::BlobExecutable,
            Self::Symlink => EntryKind::Link,
        }
    }
}

/// One version of one file: its mode and its content as git stores it, filters applied.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The kind of file.
    pub mode: FileMode,
    /// Its content.
    pub blob: Oid,
}
