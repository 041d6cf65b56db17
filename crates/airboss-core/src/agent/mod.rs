//! Agents: one parser per event stream, and the fold of what they say.
//!
//! A [`StreamParser`] takes the bytes of one line and gives [`SessionUpdate`]s;
//! it never fails, and what it does not know it hands on as
//! [`SessionUpdate::Raw`]. A [`Transcript`] folds updates with their times into
//! what is known of an attempt. Neither judges: an agent's "success" is a claim,
//! and a stream without [`SessionUpdate::Ended`] is for the caller to call a
//! failure. Texts are bounded here but not made safe to show; see
//! [`crate::text::sanitize`].

mod answer;
mod capability;
mod claude;
mod codex;
mod lenient;
mod limit;
mod plain;
mod tool;
mod transcript;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

pub use self::answer::Answer;
pub use self::capability::Capabilities;
pub use self::limit::reset_from_text;
pub use self::tool::{ToolInput, tool_line};
pub use self::transcript::{Activity, Asked, FinishedTool, Limit, RunningTool, Transcript};
use crate::text::{head, tail};
use crate::time::Timestamp;

/// The most that is kept of one text of an agent; an artifact salvaged from it fits.
pub const TEXT_LIMIT: usize = 256 * 1024;
/// The most that is kept of a message, of a tool's output (its end) and of a raw line.
pub const MESSAGE_LIMIT: usize = 4 * 1024;
/// The most that is kept of an identifier or a name. Real ones stay below 64 bytes.
pub const NAME_LIMIT: usize = 256;

/// The language that an agent's standard output is written in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamFormat {
    /// Claude Code's `--output-format stream-json`, one way or both ways.
    Claude,
    /// Codex' `exec --json`.
    Codex,
    /// Lines of text for people, of a program about which nothing else is known.
    Plain,
}

/// One thing an agent was heard to say.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "update", rename_all = "snake_case")]
pub enum SessionUpdate {
    /// The session is open. Some agents repeat it for every turn.
    SessionStarted {
        /// The agent's own id, with which the session can be resumed.
        session: String,
        /// The model, where the agent names it.
        model: Option<String>,
        /// The agent program's own version, where it says so.
        version: Option<String>,
    },
    /// A turn begins.
    TurnStarted,
    /// A request to the model was sent; its answer is awaited.
    Requesting,
    /// The model thinks. What it thinks is not kept.
    Thinking,
    /// Text for the person.
    Text {
        /// The text, at most [`TEXT_LIMIT`] bytes.
        text: String,
        /// A piece of a text that will be repeated as a whole.
        partial: bool,
        /// Said by a sub-agent to its parent.
        subagent: bool,
    },
    /// A tool was announced. Its input may follow.
    ToolStarted {
        /// The agent's id of this call.
        id: String,
        /// The tool's name in the agent's words.
        name: String,
        /// What it is asked to do, when that is already known.
        input: Option<ToolInput>,
        /// The tool call of the sub-agent that makes this call.
        parent: Option<String>,
    },
    /// The input of an announced tool is complete.
    ToolInput {
        /// The id of the call.
        id: String,
        /// What the tool is asked to do.
        input: ToolInput,
    },
    /// A tool ended, perhaps one that was never announced.
    ToolEnded {
        /// The id of the call.
        id: String,
        /// The tool's name, when it was never announced and the end names it.
        name: Option<String>,
        /// What it was asked to do, under the same condition.
        input: Option<ToolInput>,
        /// It did what it was asked to, so the agent says.
        ok: bool,
        /// It was not run because it was not permitted.
        denied: bool,
        /// The end of its output, at most [`MESSAGE_LIMIT`] bytes.
        output: String,
    },
    /// A tool was not permitted.
    PermissionDenied {
        /// The tool's name.
        tool: String,
        /// The id of the call, where it is known.
        id: Option<String>,
        /// The agent's words.
        message: String,
    },
    /// The agent waits for a permission.
    PermissionAsked {
        /// The id to answer with.
        request: String,
        /// The tool's name.
        tool: String,
        /// The id of the call, where it is known.
        id: Option<String>,
        /// What the tool is asked to do.
        input: ToolInput,
    },
    /// The agent no longer waits for a permission.
    PermissionWithdrawn {
        /// The id of the request.
        request: String,
    },
    /// The agent asks the person something.
    Question {
        /// The question.
        text: String,
    },
    /// A request to the model failed and is repeated.
    Retry {
        /// Which repetition it is, from 1.
        attempt: u64,
        /// How many there will be.
        max: Option<u64>,
        /// Milliseconds until it.
        delay_ms: Option<u64>,
        /// The HTTP status, `None` when the connection itself failed.
        status: Option<u16>,
        /// The agent's words.
        message: String,
    },
    /// News of a usage limit.
    RateLimited {
        /// When it ends, where the agent gives an instant.
        resets_at: Option<Timestamp>,
        /// The agent's words, from which [`reset_from_text`] may tell when it ends.
        message: Option<String>,
        /// Requests are refused, as opposed to a warning.
        rejected: bool,
        /// Which limit, such as `five_hour`.
        limit: Option<String>,
    },
    /// Tokens and money.
    Usage {
        /// How much.
        usage: Usage,
        /// Of what.
        scope: UsageScope,
    },
    /// Something is not as it should be; the turn goes on.
    Warning {
        /// The agent's words.
        message: String,
    },
    /// The agent says that the turn is over, and how.
    Ended(TurnEnd),
    /// A line that says nothing known here.
    Raw {
        /// Its type as far as it has one, else `text` or `unparsed`.
        kind: String,
        /// The line, at most [`MESSAGE_LIMIT`] bytes.
        line: String,
    },
}

/// Tokens and money spent.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read by the model that did not come from its cache.
    pub input: u64,
    /// Tokens read from the cache.
    pub cached: u64,
    /// Tokens written to the cache.
    pub cache_write: u64,
    /// Tokens written by the model, those of its thinking included.
    pub output: u64,
    /// Those of its thinking, where they are told apart.
    pub reasoning: u64,
    /// US dollars, where the agent counts them.
    pub cost_usd: Option<f64>,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input = self.input.saturating_add(other.input);
        self.cached = self.cached.saturating_add(other.cached);
        self.cache_write = self.cache_write.saturating_add(other.cache_write);
        self.output = self.output.saturating_add(other.output);
        self.reasoning = self.reasoning.saturating_add(other.reasoning);
        if let Some(cost) = other.cost_usd {
            self.cost_usd = Some(self.cost_usd.unwrap_or_default() + cost);
        }
    }
}

/// What a [`Usage`] covers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageScope {
    /// One answer of the model; a preview of what the turn's sum will contain.
    Message,
    /// Everything since the end of the turn before; replaces the sum of its messages.
    Turn,
    /// Everything in the session, **earlier processes included** after a resume.
    Session,
}

/// How the agent says the turn ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TurnEnd {
    /// The agent claims success.
    pub ok: bool,
    /// Why it ended.
    pub reason: EndReason,
    /// The agent's words, at most [`MESSAGE_LIMIT`] bytes.
    pub message: Option<String>,
    /// The HTTP status of the request that ended it.
    pub status: Option<u16>,
    /// The same request may succeed later without any change.
    pub retryable: bool,
    /// How many turns with the model it took, where counted.
    pub turns: Option<u64>,
}

/// Why a turn ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The model had nothing more to do.
    Completed,
    /// The limit of turns was reached.
    MaxTurns,
    /// The limit of money was reached.
    Budget,
    /// A usage or rate limit refused the request.
    Limited,
    /// The model's service or the way to it failed.
    Api,
    /// It was interrupted.
    Aborted,
    /// Anything else.
    Failed,
}

impl EndReason {
    /// The word for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::MaxTurns => "its limit of turns",
            Self::Budget => "its limit of money",
            Self::Limited => "a usage limit",
            Self::Api => "a failure of its model's service",
            Self::Aborted => "an interruption",
            Self::Failed => "an error",
        }
    }
}

/// Reads one agent's stream, line by line.
#[derive(Debug)]
pub struct StreamParser(Parser);

#[derive(Debug)]
enum Parser {
    Claude(claude::Parser),
    Codex(codex::Parser),
    Plain,
}

impl StreamParser {
    /// A parser at the start of a stream.
    #[must_use]
    pub fn new(format: StreamFormat) -> Self {
        Self(match format {
            StreamFormat::Claude => Parser::Claude(claude::Parser::default()),
            StreamFormat::Codex => Parser::Codex(codex::Parser::default()),
            StreamFormat::Plain => Parser::Plain,
        })
    }

    /// What the next line says, its line end included or not. Bytes that are
    /// not UTF-8 are replaced; a line that was cut or is no JSON gives
    /// [`SessionUpdate::Raw`].
    pub fn parse(&mut self, line: &[u8]) -> Vec<SessionUpdate> {
        // Lines are valid as good as always, and the check alone is ten times faster.
        let text =
            str::from_utf8(line).map_or_else(|_| String::from_utf8_lossy(line), Cow::Borrowed);
        let text = text.trim_ascii_end();
        let object = text.trim_ascii_start().starts_with('{');
        match &mut self.0 {
            _ if text.is_empty() => Vec::new(),
            Parser::Claude(_) | Parser::Codex(_) if !object => raw("text", text),
            Parser::Claude(parser) => read(text, |line| parser.parse(line)),
            Parser::Codex(parser) => read(text, |line| parser.parse(line)),
            Parser::Plain => plain::parse(text),
        }
    }
}

/// Ids that have been seen, so that each is told once.
///
/// Ids that never end would stay for ever; the oldest goes when there are more
/// than any agent has been seen to have open at once.
#[derive(Debug, Default)]
struct OpenIds(std::collections::VecDeque<String>);

impl OpenIds {
    const LIMIT: usize = 256;

    /// Whether this id is new.
    fn open(&mut self, id: &str) -> bool {
        let new = !self.contains(id);
        if new {
            if self.0.len() == Self::LIMIT {
                self.0.pop_front();
            }
            self.0.push_back(name(id));
        }
        new
    }

    fn contains(&self, id: &str) -> bool {
        let id = head(id, NAME_LIMIT);
        self.0.iter().any(|open| open == id)
    }

    /// Whether this id was open.
    fn close(&mut self, id: &str) -> bool {
        let id = head(id, NAME_LIMIT);
        let position = self.0.iter().position(|open| open == id);
        position
            .and_then(|position| self.0.remove(position))
            .is_some()
    }
}

fn raw(kind: impl Into<Cow<'static, str>>, line: &str) -> Vec<SessionUpdate> {
    vec![SessionUpdate::Raw {
        kind: name(&kind.into()),
        line: message(line),
    }]
}

/// Reads a line of JSON; one that names a field twice is read once more with the last of each.
///
/// Such lines exist: Codex writes `id` twice into the items of web searches.
fn read(
    line: &str,
    mut parse: impl FnMut(&str) -> serde_json::Result<Vec<SessionUpdate>>,
) -> Vec<SessionUpdate> {
    parse(line)
        .or_else(|_| parse(&serde_json::from_str::<serde_json::Value>(line)?.to_string()))
        .unwrap_or_else(|_| raw("unparsed", line))
}

fn name(text: &str) -> String {
    head(text, NAME_LIMIT).to_owned()
}

fn message(text: &str) -> String {
    head(text, MESSAGE_LIMIT).to_owned()
}

fn output(text: &str) -> String {
    tail(text, MESSAGE_LIMIT).to_owned()
}

fn status(number: lenient::Number) -> Option<u16> {
    number
        .count()
        .and_then(|status| u16::try_from(status).ok())
        .filter(|status| *status != 0)
}

/// Whether a request that failed in this way may succeed later unchanged.
///
/// 408, 409 and 5xx by RFC 9110, 429 by RFC 6585; 529 is Anthropic's "overloaded".
fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 409 | 425 | 429 | 500..=599)
}
