//! What each stream can tell at all, so that silence is not taken for an answer.

use serde::{Deserialize, Serialize};

use super::StreamFormat;

/// Which updates can occur in a stream. What cannot occur is "not known", never "none".
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "it is a table of yes and no")]
pub struct Capabilities {
    /// The session's id, so that it can be resumed.
    pub session: bool,
    /// The model's name.
    pub model: bool,
    /// Text in pieces while it is written.
    pub partial_text: bool,
    /// The start of a tool, before it runs.
    pub tool_start: bool,
    /// The end of a tool.
    pub tool_end: bool,
    /// Every tool call is told, also those that a sandbox refused.
    pub every_tool: bool,
    /// Which files a tool writes.
    pub files: bool,
    /// Refused permissions.
    pub denials: bool,
    /// Requests for a permission (in two-way mode) and questions.
    pub asks: bool,
    /// Repeated requests to the model.
    pub retries: bool,
    /// The instant at which a usage limit ends.
    pub reset_time: bool,
    /// Tokens spent.
    pub usage: bool,
    /// Money spent.
    pub cost: bool,
    /// A last event that says how the turn ended.
    pub result: bool,
}

impl StreamFormat {
    /// What a stream of this format can tell, as seen in recordings of the real programs.
    #[must_use]
    pub const fn capabilities(self) -> Capabilities {
        const ALL: Capabilities = Capabilities {
            session: true,
            model: true,
            partial_text: true,
            tool_start: true,
            tool_end: true,
            every_tool: true,
            files: true,
            denials: true,
            asks: true,
            retries: true,
            reset_time: true,
            usage: true,
            cost: true,
            result: true,
        };
        const NOTHING: Capabilities = Capabilities {
            session: false,
            model: false,
            partial_text: false,
            tool_start: false,
            tool_end: false,
            every_tool: false,
            files: false,
            denials: false,
            asks: false,
            retries: false,
            reset_time: false,
            usage: false,
            cost: false,
            result: false,
        };
        match self {
            // The reset time is told to subscriptions only; with an API key it stays unknown.
            Self::Claude => ALL,
            // A command that the sandbox refuses leaves no event (openai/codex#47433).
            Self::Codex => Capabilities {
                model: false,
                partial_text: false,
                every_tool: false,
                denials: false,
                reset_time: false,
                cost: false,
                ..ALL
            },
            Self::Plain => NOTHING,
        }
    }
}
