//! Errors with one cause, and the task that mends it.

use super::error::{ErrorEntry, FixStatus, Severity};
use super::operation::Board;
use super::status::Class;
use super::task::{Place, Task};
use crate::prompt::one_line;
use crate::text::sanitize;
use crate::time::Timestamp;

/// Ids that a description names; the others are found by the group.
const IDS_MAX: usize = 5;
/// Characters of the newest message in a description.
const MESSAGE_MAX: usize = 160;

/// Errors of the same type and code that happened to the same task and phase.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ErrorGroup {
    /// What it is called: `git_commit_failed@58/2`.
    pub name: String,
    /// The task.
    pub task: Option<u32>,
    /// How bad the worst of them is.
    pub severity: Severity,
    /// Its errors, the oldest first; at least one.
    pub errors: Vec<ErrorEntry>,
}

impl ErrorGroup {
    fn name_of(error: &ErrorEntry) -> String {
        let mut name = error.kind.clone();
        if !error.code.is_empty() && !error.code.eq_ignore_ascii_case(&error.kind) {
            name.push('.');
            name.push_str(&error.code);
        }
        let context = &error.context;
        name.extend(context.task.map(|task| format!("@{task}")));
        if let Some(phase) = &context.phase {
            name.push('/');
            name.push_str(phase);
        }
        // Errors of others stand in a file that anybody may write.
        sanitize(&name)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join("-")
    }

    /// When it was seen first.
    #[must_use]
    pub fn first(&self) -> Timestamp {
        self.errors
            .first()
            .map_or_else(Timestamp::default, |it| it.at)
    }

    /// The newest of its errors.
    ///
    /// # Panics
    /// Never: a group has an error.
    #[must_use]
    pub fn newest(&self) -> &ErrorEntry {
        self.errors.last().expect("a group has an error")
    }

    /// Those that nobody has fixed.
    pub fn open(&self) -> impl Iterator<Item = &ErrorEntry> {
        self.errors
            .iter()
            .filter(|it| it.fix_status != FixStatus::Fixed)
    }

    /// The title of the task that mends it.
    #[must_use]
    pub fn title(&self) -> String {
        format!("Mend the cause of {}", self.name)
    }

    fn mark(&self) -> String {
        format!("Error group `{}`:", self.name)
    }

    /// What the task is told: how often, since when, the newest message and the remedy.
    #[must_use]
    pub fn description(&self) -> String {
        let newest = self.newest();
        let count = self.errors.len();
        let often = match count {
            1 => "once".to_owned(),
            count => format!("{count} times"),
        };
        let mut text = format!(
            "{} seen {often}, first {}, last {}. The newest: {}.",
            self.mark(),
            self.first().seconds_text(),
            newest.at.seconds_text(),
            one_line(&sanitize(&newest.message), MESSAGE_MAX).trim_end_matches('.'),
        );
        if !newest.recommendation.is_empty() {
            let remedy = one_line(&newest.recommendation, MESSAGE_MAX);
            text.extend([" Remedy: ", remedy.trim_end_matches('.'), "."]);
        }
        let ids = self.errors.iter().rev().take(IDS_MAX);
        let ids: Vec<&str> = ids.map(|error| error.id.as_str()).collect();
        let ids = ids.join(", ");
        text.extend([" Evidence: `airboss errors show` ", &ids, "."]);
        // Messages of programs come with everything.
        sanitize(&text).replace('\n', " ")
    }

    /// The task that mends it already: one that is not finished.
    #[must_use]
    pub fn mended_by<'b>(&self, board: &'b Board) -> Option<&'b Task> {
        let mark = self.mark();
        let mut tasks = board.tasks.values().filter(|task| {
            let says = task.description.as_ref();
            task.place == Place::Active
                && task.status.class() != Class::Terminal
                && says.is_some_and(|text| text.starts_with(&mark))
        });
        tasks.next()
    }
}

/// The errors by cause, the worst first, then those that were seen last.
#[must_use]
pub fn groups(errors: &[ErrorEntry]) -> Vec<ErrorGroup> {
    let mut groups: Vec<ErrorGroup> = Vec::new();
    for error in errors {
        let name = ErrorGroup::name_of(error);
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => {
                group.severity = group.severity.min(error.severity);
                group.errors.push(error.clone());
            }
            None => groups.push(ErrorGroup {
                name,
                task: error.context.task,
                severity: error.severity,
                errors: vec![error.clone()],
            }),
        }
    }
    for group in &mut groups {
        group
            .errors
            .sort_by(|one, other| (one.at, &one.id).cmp(&(other.at, &other.id)));
    }
    groups.sort_by(|one, other| {
        let last = other.newest().at.cmp(&one.newest().at);
        one.severity
            .cmp(&other.severity)
            .then(last)
            .then_with(|| one.name.cmp(&other.name))
    });
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::error::ErrorContext;
    use crate::board::testing::{at, task};

    fn error(kind: &str, task: Option<u32>, phase: Option<&str>, minute: i64) -> ErrorEntry {
        ErrorEntry {
            id: format!("err_{minute}"),
            at: at(minute),
            kind: kind.to_owned(),
            code: kind.to_uppercase(),
            severity: Severity::Low,
            message: format!("it went \u{1b}[31mwrong\u{1b}[0m at {minute}."),
            recoverable: true,
            recommendation: "try again".to_owned(),
            context: ErrorContext {
                task,
                phase: phase.map(str::to_owned),
                ..ErrorContext::default()
            },
            fix_status: FixStatus::Unfixed,
        }
    }

    #[test]
    fn a_cause_is_type_code_task_and_phase() {
        let coded = ErrorEntry {
            code: "E7".to_owned(),
            severity: Severity::Critical,
            ..error("timeout", None, None, 1)
        };
        let errors = [
            error("timeout", Some(58), Some("2"), 4),
            error("timeout", Some(58), Some("2"), 2),
            error("timeout", Some(58), None, 3),
            error("timeout", Some(59), None, 9),
            coded,
        ];
        let lines = groups(&errors).into_iter().map(|group| {
            let ids: Vec<&str> = group.errors.iter().map(|it| it.id.as_str()).collect();
            format!("{}: {}", group.name, ids.join(" "))
        });
        insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r#"
        timeout.E7: err_1
        timeout@59: err_9
        timeout@58/2: err_2 err_4
        timeout@58: err_3
        "#);
    }

    #[test]
    fn a_task_that_mends_it() {
        let group = &groups(&[
            error("timeout", Some(58), None, 2),
            error("timeout", Some(58), None, 4),
        ])[0];
        insta::assert_snapshot!(group.description(), @"Error group `timeout@58`: seen 2 times, first 2026-03-02T09:17:00Z, last 2026-03-02T09:19:00Z. The newest: it went wrong at 4. Remedy: try again. Evidence: `airboss errors show` err_4, err_2.");
        let mut mending = task(60, "planned");
        mending.description = Some(group.description());
        let mut board = Board::default();
        board.tasks.insert(mending.id, mending.clone());
        assert_eq!(group.mended_by(&board).map(|task| task.number), Some(60));
        mending.status = crate::board::TaskStatus::read("completed");
        board.tasks.insert(mending.id, mending);
        assert_eq!(group.mended_by(&board), None);
    }
}
