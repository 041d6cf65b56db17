//! What a person should know of an import.

/// Of more runs of numbers only the first are told.
const RUNS_MAX: usize = 8;

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
    /// Sections are gone; the tasks stay.
    Missing {
        /// The tasks, each once, from the lowest on.
        numbers: Vec<u32>,
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
            Self::Missing { numbers } => {
                let (noun, verb, object) = match numbers[..] {
                    [_] => ("task", "is", "it"),
                    _ => ("tasks", "are", "them"),
                };
                write!(
                    formatter,
                    "{noun} {} {verb} gone from the file; the board keeps {object}, `abandon` and \
                     `archive` take {object} away",
                    in_runs(numbers)
                )
            }
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

/// Numbers in words, those that follow one another as `1 to 4`.
fn in_runs(numbers: &[u32]) -> String {
    let runs: Vec<_> = numbers
        .chunk_by(|one, next| one.checked_add(1) == Some(*next))
        .collect();
    let (told, rest) = runs.split_at(runs.len().min(RUNS_MAX));
    let mut words: Vec<_> = told
        .iter()
        .map(|run| match run[..] {
            [one] => one.to_string(),
            [one, two] => format!("{one}, {two}"),
            _ => format!("{} to {}", run[0], run[run.len() - 1]),
        })
        .collect();
    let more: usize = rest.iter().map(|run| run.len()).sum();
    if more > 0 {
        words.push(format!("and {more} more"));
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_is_told_in_runs() {
        assert_eq!(in_runs(&[7]), "7");
        assert_eq!(in_runs(&[1, 2, 5, 6, 7, 9]), "1, 2, 5 to 7, 9");
        let odd: Vec<_> = (0..12).map(|number| 2 * number + 1).collect();
        assert_eq!(in_runs(&odd), "1, 3, 5, 7, 9, 11, 13, 15, and 4 more");
    }
}
