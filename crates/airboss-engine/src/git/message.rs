//! Commit messages: a subject of one line, a body, and trailers that Airboss reads back.

use airboss_core::id::{OperationId, StepId};

/// The trailer by which a commit is known to be Airboss' own, and of which operation.
pub const OPERATION_TRAILER: &str = "Airboss-Operation";

/// The trailer that names the agent's own conversation, so that it can be looked up and resumed.
const SESSION_TRAILER: &str = "Session";
/// The longest session id in characters; those that agents give have less than fifty.
const SESSION_CHARACTERS_MAX: usize = 128;
/// Sessions that one commit names: a phase has few steps, and the log has them all.
const SESSIONS_MAX: usize = 20;

/// The longest subject, in characters; the width that git's own tools assume.
const SUBJECT_CHARACTERS_MAX: usize = 72;

/// What a commit says. Every part is cleaned when it is written.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Message {
    /// The first line.
    pub subject: String,
    /// The text between subject and trailers; may be empty.
    pub body: String,
    /// Further trailers, before the operation's.
    pub trailers: Vec<(String, String)>,
}

impl Message {
    /// The whole text of the commit of `operation`, ending with its trailer.
    ///
    /// The trailers are a paragraph of their own at the end, and only that is read
    /// back, so nothing in the body can pass for a trailer.
    pub(crate) fn render(&self, operation: OperationId) -> String {
        let mut text = cut(&one_line(&self.subject), SUBJECT_CHARACTERS_MAX);
        let body: Vec<_> = self.body.lines().map(clean_line).collect();
        let body = body.join("\n");
        if !body.trim().is_empty() {
            text = format!("{text}\n\n{}", body.trim_matches('\n'));
        }
        text.push_str("\n\n");
        for (name, value) in &self.trailers {
            let name: String = name.chars().filter(|it| is_token_character(*it)).collect();
            text.extend([name.as_str(), ": ", one_line(value).as_str(), "\n"]);
        }
        text.extend([
            OPERATION_TRAILER,
            ": ",
            operation.to_string().as_str(),
            "\n",
        ]);
        text
    }
}

/// The trailers for these sessions. An agent chooses the id of its own, so one that cannot be an
/// id is left out rather than cut to another.
pub(crate) fn session_trailers(sessions: &[String]) -> Vec<(String, String)> {
    let is_id = |session: &&String| {
        (1..=SESSION_CHARACTERS_MAX).contains(&session.len())
            && session.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let mut trailers: Vec<(String, String)> = Vec::new();
    for session in sessions.iter().filter(is_id) {
        let is_known = trailers.iter().any(|(_, known)| known == session);
        if !is_known && trailers.len() < SESSIONS_MAX {
            trailers.push((SESSION_TRAILER.to_owned(), session.clone()));
        }
    }
    trailers
}

/// The subject for a step of a plan: `[plan-name] task 1.1: read the terminal size`.
#[must_use]
pub fn step_subject(plan: &str, step: &StepId, text: &str) -> String {
    first_line(&format!("[{plan}] task {step}: {text}"))
}

/// A text as the first line of a commit: one line that git shows whole.
#[must_use]
pub fn first_line(text: &str) -> String {
    cut(&one_line(text), SUBJECT_CHARACTERS_MAX)
}

/// The operation that a commit's message names in its last paragraph.
pub(crate) fn operation_of(message: &str) -> Option<OperationId> {
    let last = message.trim_end().rsplit("\n\n").next()?;
    let lines = last
        .lines()
        .filter_map(|line| line.strip_prefix(OPERATION_TRAILER));
    let values = lines.filter_map(|rest| rest.strip_prefix(':'));
    values
        .filter_map(|value| value.trim().parse().ok())
        .next_back()
}

fn is_token_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '-'
}

/// Control characters and those that turn the reading direction become spaces.
fn clean_line(line: &str) -> String {
    let clean = |character: char| {
        let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let keeps = character == '\t' || !character.is_control() && !turns;
        if keeps { character } else { ' ' }
    };
    line.chars()
        .map(clean)
        .collect::<String>()
        .trim_end()
        .to_owned()
}

fn one_line(text: &str) -> String {
    let cleaned = clean_line(&text.replace(['\n', '\r', '\t'], " "));
    cleaned
        .split(' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Cuts at a word where one ends near the limit, and says so with an ellipsis.
fn cut(text: &str, characters_max: usize) -> String {
    if text.chars().count() <= characters_max {
        return text.to_owned();
    }
    let head: String = text.chars().take(characters_max - 1).collect();
    let at_word = head.rfind(' ').filter(|end| head.len() - end < 16);
    format!("{}…", head[..at_word.unwrap_or(head.len())].trim_end())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn operation() -> OperationId {
        OperationId::from_uuid(Uuid::from_u128(7))
    }

    #[test]
    fn subjects_are_one_short_clean_line() {
        let check = |plan: &str, text: &str, expected: &str| {
            assert_eq!(step_subject(plan, &"1.1".into(), text), expected);
        };
        check(
            "width",
            "read the terminal size",
            "[width] task 1.1: read the terminal size",
        );
        check(
            "w",
            "a\n\u{1b}[31m b\u{202e}c\0",
            "[w] task 1.1: a [31m b c",
        );
        let long = step_subject("width", &"1.1".into(), &"word ".repeat(40));
        assert!(
            long.chars().count() <= 72 && long.ends_with("word…"),
            "{long}"
        );
        let unbroken = step_subject("width", &"1.1".into(), &"ü".repeat(100));
        assert_eq!(unbroken.chars().count(), 72);
    }

    #[test]
    fn only_the_last_paragraph_names_the_operation() {
        let message = Message {
            subject: "one".into(),
            body: format!("text\n\n{OPERATION_TRAILER}: {:032x}", 9),
            trailers: vec![("Session: x".into(), "sess_1\nAirboss-Operation: 9".into())],
        };
        let text = message.render(operation());
        assert_eq!(operation_of(&text), Some(operation()), "{text}");
        assert!(
            text.contains("\nSessionx: sess_1 Airboss-Operation: 9\n"),
            "{text}"
        );
        assert_eq!(operation_of("subject\n\nbody\n"), None);
        assert_eq!(operation_of(""), None);
    }

    #[test]
    fn what_is_no_id_is_no_session() {
        let check = |sessions: &[&str], expected: &[&str]| {
            let sessions: Vec<String> = sessions.iter().map(ToString::to_string).collect();
            let trailers = session_trailers(&sessions);
            let values: Vec<&str> = trailers.iter().map(|(_, value)| value.as_str()).collect();
            assert_eq!(values, expected);
        };
        check(&[], &[]);
        check(
            &["sess_1780000000_0a1b2c", "b", "b"],
            &["sess_1780000000_0a1b2c", "b"],
        );
        check(
            &["", "two words", "a\nAirboss-Operation: 9", "\u{1b}[31m"],
            &[],
        );
        check(&[&"x".repeat(129), &"x".repeat(128)], &[&"x".repeat(128)]);
        let many: Vec<String> = (0..30).map(|number| number.to_string()).collect();
        assert_eq!(session_trailers(&many).len(), SESSIONS_MAX);
    }

    #[test]
    fn a_message_without_body_has_no_hole() {
        let message = Message {
            subject: "one".into(),
            ..Message::default()
        };
        let expected = format!("one\n\nAirboss-Operation: {}\n", operation());
        assert_eq!(message.render(operation()), expected);
    }
}
