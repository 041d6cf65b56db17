//! What a person should know of an import.

/// Something that was seen and not acted upon, or acted upon with a twist.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Note {
    /// The status is a word that the board does not know; it is left alone.
    UnknownMarker {
        /// The task.
        number: u32,
        /// The line of its section.
        line: usize,
        /// The word.
        text: String,
    },
    /// The status is gone; the board keeps its own.
    NoStatus {
        /// The task.
        number: u32,
        /// The line of its section.
        line: usize,
    },
    /// The section is gone; the task stays.
    Missing {
        /// The task.
        number: u32,
    },
    /// The number stands more than once; none of the places is read.
    Duplicate {
        /// The number.
        number: u32,
        /// The lines.
        lines: Vec<usize>,
    },
    /// A number was taken, and the task got another one.
    Renumbered {
        /// The number as the file has it.
        from: u32,
        /// The number that it has now.
        to: u32,
        /// Its title.
        title: String,
    },
    /// A new task could not be added: no number is free.
    NoNumber {
        /// The number as the file has it.
        number: u32,
        /// Why.
        reason: String,
    },
    /// The file names a smaller next number than the board; it is left alone.
    NextNumber {
        /// That of the file.
        file: u32,
        /// That of the board.
        board: u32,
    },
}

impl std::fmt::Display for Note {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownMarker { number, line, text } => write!(
                formatter,
                "line {line}: task {number} has the unknown status `{text}`; it is not imported"
            ),
            Self::NoStatus { number, line } => write!(
                formatter,
                "line {line}: task {number} has no status any more; the board keeps its own"
            ),
            Self::Missing { number } => write!(
                formatter,
                "task {number} is gone from the file; the board keeps it, `abandon` and `archive` \
                 take it away"
            ),
            Self::Duplicate { number, lines } => {
                let lines: Vec<_> = lines.iter().map(ToString::to_string).collect();
                write!(
                    formatter,
                    "task {number} stands there {} times (lines {}); none is imported",
                    lines.len(),
                    lines.join(", ")
                )
            }
            Self::Renumbered { from, to, title } => write!(
                formatter,
                "the number {from} is taken; the task `{title}` is now {to}"
            ),
            Self::NoNumber { number, reason } => {
                write!(formatter, "task {number} is not added: {reason}")
            }
            Self::NextNumber { file, board } => write!(
                formatter,
                "the file says that {file} is the next number; the board keeps {board}"
            ),
        }
    }
}
