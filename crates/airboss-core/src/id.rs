//! Identifiers: one newtype per kind of thing, so that they cannot be mixed up.
//!
//! Random and time-based parts are made by the engine; here they are only carried.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Declares a UUID newtype with the same text form everywhere: 32 hexadecimal digits.
macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(#[serde(with = "uuid::serde::simple")] Uuid);

        impl $name {
            /// Wraps a UUID; version 7 sorts by creation time.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The first 12 digits, enough for a person to tell two of them apart.
            ///
            /// A version 7 UUID starts with 48 bits of milliseconds, which is these digits.
            #[must_use]
            pub fn short(&self) -> String {
                self.0.simple().to_string()[..12].to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.simple().fmt(formatter)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{}({})", stringify!($name), self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map(Self)
            }
        }
    };
}

id_type! {
    /// One agent process working on one unit of work.
    AttemptId
}
id_type! {
    /// One invocation that dispatches work until there is none left.
    RunId
}
id_type! {
    /// One stored change of state.
    OperationId
}
id_type! {
    /// One task of a board, whatever its number is.
    TaskId
}

/// The id of a step inside its plan: `1.2` as the plan says it, `p3-9f2ab01c` synthesised from
/// the text of a step without one, `3.1~2` for the second one of an id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(String);

impl StepId {
    /// Wraps a step id as it was found or synthesised.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl From<&str> for StepId {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}
