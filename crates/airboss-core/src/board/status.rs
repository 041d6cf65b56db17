//! The statuses of tasks: their spellings, their classes, what they are called in files.

use serde::{Deserialize, Serialize};

/// A status that Airboss knows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing was done yet.
    NotStarted,
    /// Research is under way.
    Researching,
    /// A report exists.
    Researched,
    /// A plan is being written.
    Planning,
    /// A plan exists.
    Planned,
    /// The plan is being revised.
    Revising,
    /// A newer version of the plan exists.
    Revised,
    /// The plan is being carried out.
    Implementing,
    /// Some phases are done.
    Partial,
    /// It waits for something outside.
    Blocked,
    /// Done.
    Completed,
    /// Given up.
    Abandoned,
    /// Replaced by its subtasks.
    Expanded,
    /// A pull request can be opened.
    PrReady,
    /// Put aside.
    OnHold,
    /// A word of older boards.
    Implemented,
    /// Another task took its place.
    Superseded,
}

/// What a status means for the work.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Work may be begun or continued.
    Open,
    /// Work is said to be under way.
    InFlight,
    /// There is nothing left to do.
    Terminal,
}

/// A status as a file has it: one that is known, or any other word, normalised.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TaskStatus {
    /// A known one.
    Known(Status),
    /// Another word: lower case, `_` between words. It counts as open.
    Other(String),
}

impl From<Status> for TaskStatus {
    fn from(status: Status) -> Self {
        Self::Known(status)
    }
}

impl Status {
    /// All of them, in the order of the format.
    pub const ALL: [Self; 17] = [
        Self::NotStarted,
        Self::Researching,
        Self::Researched,
        Self::Planning,
        Self::Planned,
        Self::Revising,
        Self::Revised,
        Self::Implementing,
        Self::Partial,
        Self::Blocked,
        Self::Completed,
        Self::Abandoned,
        Self::Expanded,
        Self::PrReady,
        Self::OnHold,
        Self::Implemented,
        Self::Superseded,
    ];

    /// The value in JSON.
    #[must_use]
    pub fn value(self) -> &'static str {
        match self {
            Self::NotStarted => "not_started",
            Self::Researching => "researching",
            Self::Researched => "researched",
            Self::Planning => "planning",
            Self::Planned => "planned",
            Self::Revising => "revising",
            Self::Revised => "revised",
            Self::Implementing => "implementing",
            Self::Partial => "partial",
            Self::Blocked => "blocked",
            Self::Completed => "completed",
            Self::Abandoned => "abandoned",
            Self::Expanded => "expanded",
            Self::PrReady => "pr_ready",
            Self::OnHold => "on_hold",
            Self::Implemented => "implemented",
            Self::Superseded => "superseded",
        }
    }

    /// The status with this value in JSON.
    #[must_use]
    pub fn of(value: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.value() == value)
    }

    /// What it means for the work.
    #[must_use]
    pub fn class(self) -> Class {
        match self {
            Self::Researching | Self::Planning | Self::Revising | Self::Implementing => {
                Class::InFlight
            }
            Self::Completed | Self::Abandoned | Self::Expanded | Self::Superseded => {
                Class::Terminal
            }
            _ => Class::Open,
        }
    }
}

impl TaskStatus {
    /// Reads a value or the text of a marker, whatever its spelling.
    ///
    /// Aliases are resolved, and of `blocked - waits` the longest known prefix counts.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let normal = normalise(text);
        if let Some(status) = known(&normal) {
            return Self::Known(status);
        }
        // The longest known prefix that ends at a word's end.
        let ends = normal
            .char_indices()
            .filter(|(_, character)| !character.is_alphanumeric())
            .map(|(at, _)| at);
        let mut prefixes: Vec<usize> = ends.collect();
        prefixes.reverse();
        prefixes
            .into_iter()
            .find_map(|end| known(normal.get(..end)?.trim_end_matches('_')))
            .map_or(Self::Other(normal), Self::Known)
    }

    /// The known status that a text begins with, and the length of its words: the longest such
    /// prefix that ends at a word's end.
    pub(crate) fn known_prefix(text: &str) -> Option<(Status, usize)> {
        // The longest spelling has twelve letters; the rest is room for spaces.
        const MAX_LENGTH: usize = 32;
        let ends = text
            .char_indices()
            .take_while(|(at, _)| *at <= MAX_LENGTH)
            .filter(|(_, character)| !character.is_alphanumeric())
            .map(|(at, _)| at);
        let mut ends: Vec<usize> = ends.collect();
        if text.len() <= MAX_LENGTH {
            ends.push(text.len());
        }
        ends.reverse();
        ends.into_iter()
            .map(|end| text[..end].trim_end_matches([' ', '\t', '-', '_']))
            .find_map(|prefix| Some((known(&normalise(prefix))?, prefix.len())))
    }

    /// The value in JSON.
    #[must_use]
    pub fn value(&self) -> &str {
        match self {
            Self::Known(status) => status.value(),
            Self::Other(text) => text,
        }
    }

    /// The text inside the brackets of a marker.
    #[must_use]
    pub fn marker(&self) -> String {
        self.value().to_uppercase().replace('_', " ")
    }

    /// What it means for the work; a word that nobody knows is open.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Known(status) => status.class(),
            Self::Other(_) => Class::Open,
        }
    }

    /// Whether it is this one.
    #[must_use]
    pub fn is(&self, status: Status) -> bool {
        *self == Self::Known(status)
    }
}

impl std::fmt::Display for TaskStatus {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.value())
    }
}

/// Lower case, with one `_` for every run of spaces, `-` and `_`.
fn normalise(text: &str) -> String {
    let words = text.trim().to_lowercase();
    let words =
        words.split(|character: char| character.is_whitespace() || "-_".contains(character));
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join("_")
}

fn known(normal: &str) -> Option<Status> {
    match normal {
        "complete" | "done" => Some(Status::Completed),
        "in_progress" => Some(Status::Implementing),
        "pending" => Some(Status::NotStarted),
        _ => Status::of(normal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        let cases = [
            ("NOT STARTED", "not_started"),
            (" Pr-Ready ", "pr_ready"),
            ("DONE", "completed"),
            ("in_progress", "implementing"),
            ("blocked - waits for review", "blocked"),
            ("PARTIAL (4/12)", "partial"),
            ("COMPLETE (2026-01-01)", "completed"),
            ("Failed", "failed"),
            ("CREATING", "creating"),
            ("plannedness", "plannedness"),
        ];
        for (text, value) in cases {
            assert_eq!(TaskStatus::read(text).value(), value, "{text}");
        }
    }
}
