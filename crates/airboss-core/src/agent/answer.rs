//! What an agent said last, whole: its answer, for whoever looks in it for a text.
//!
//! The newest text of a [`Transcript`](super::Transcript) is for people and may be cut. This is
//! the same as content: either all of it is there, or none.

use super::{SessionUpdate, StreamFormat, TEXT_LIMIT};

/// What the agent said since its last tool call, as one text.
///
/// What came before a tool call was overtaken by it; a program whose stream says nothing of tools
/// has said only one thing, and every line of it counts, the empty ones, too.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    format: StreamFormat,
    text: String,
    cut: bool,
}

impl Answer {
    /// Nothing was said yet.
    #[must_use]
    pub const fn new(format: StreamFormat) -> Self {
        Self {
            format,
            text: String::new(),
            cut: false,
        }
    }

    /// Adds a line of the stream and what its parser understood of it. `whole` says that nothing
    /// of the line is missing.
    pub fn hear(&mut self, line: &[u8], whole: bool, updates: &[SessionUpdate]) {
        if !whole {
            self.cut();
        }
        if self.format == StreamFormat::Plain {
            let line = String::from_utf8_lossy(line);
            self.say(line.trim_end_matches(['\r', '\n']), "\n");
            return;
        }
        for update in updates {
            match update {
                SessionUpdate::SessionStarted { .. }
                | SessionUpdate::TurnStarted
                | SessionUpdate::ToolStarted { parent: None, .. }
                | SessionUpdate::ToolEnded { .. } => *self = Self::new(self.format),
                SessionUpdate::Text {
                    text,
                    partial: false,
                    subagent: false,
                } => self.say(text, "\n\n"),
                _ => {}
            }
        }
    }

    fn say(&mut self, text: &str, between: &str) {
        // A text of exactly the limit was cut at it, as far as can be told.
        if self.text.len() + between.len() + text.len() >= TEXT_LIMIT {
            self.cut();
        }
        if self.cut {
            return;
        }
        if !self.text.is_empty() {
            self.text.push_str(between);
        }
        self.text.push_str(text);
    }

    fn cut(&mut self) {
        self.cut = true;
        self.text = String::new();
    }

    /// All of it; `None` when some of it is missing.
    #[must_use]
    pub fn whole(&self) -> Option<&str> {
        (!self.cut).then_some(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> SessionUpdate {
        SessionUpdate::Text {
            text: text.to_owned(),
            partial: false,
            subagent: false,
        }
    }

    #[track_caller]
    fn check(updates: &[SessionUpdate], expected: Option<&str>) {
        let mut answer = Answer::new(StreamFormat::Claude);
        for update in updates {
            answer.hear(b"", true, std::slice::from_ref(update));
        }
        assert_eq!(answer.whole(), expected);
    }

    #[test]
    fn it_is_what_was_said_after_the_last_tool() {
        let ended = SessionUpdate::ToolEnded {
            id: "1".to_owned(),
            name: None,
            input: None,
            ok: true,
            denied: false,
            output: String::new(),
        };
        let other = SessionUpdate::Text {
            text: "x".to_owned(),
            partial: false,
            subagent: true,
        };
        check(
            &[said("first"), ended, said("a"), other, said("b")],
            Some("a\n\nb"),
        );
        check(&[], Some(""));
    }

    #[test]
    fn a_plain_stream_is_one_text() {
        let mut answer = Answer::new(StreamFormat::Plain);
        for line in ["# Title\n", "\n", "A line.  \r\n", "  indented"] {
            answer.hear(line.as_bytes(), true, &[]);
        }
        assert_eq!(answer.whole(), Some("# Title\n\nA line.  \n  indented"));
    }

    #[test]
    fn half_of_it_is_none_of_it() {
        let long = "x".repeat(TEXT_LIMIT / 2);
        check(&[said(&long), said(&long)], None);
        let turn = SessionUpdate::TurnStarted;
        check(
            &[said(&long), said(&long), turn, said("short")],
            Some("short"),
        );
        let mut answer = Answer::new(StreamFormat::Codex);
        answer.hear(b"", true, &[said("the beginning")]);
        answer.hear(b"{", false, &[]);
        assert_eq!(answer.whole(), None);
    }
}
