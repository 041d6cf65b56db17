//! Codex' `exec --json`.
//!
//! Traps, each seen in a recording: warnings come as items of type `error`;
//! `error` lines are not fatal, only `turn.failed` is; a command that the sandbox
//! refuses leaves no event at all; usage counts the whole thread, earlier
//! processes included; a `file_change` has an end without a start. Items of types
//! other than `command_execution`, `agent_message` and `error` are read as the
//! program's source defines them (`exec/src/exec_events.rs`); no recording has one.

use serde::Deserialize;

use super::lenient::{Items, Number, Object, Text};
use super::limit::{is_limit, status_in};
use super::tool::{ToolInput, files, summary};
use super::{
    EndReason, OpenIds, SessionUpdate, TEXT_LIMIT, TurnEnd, Usage, UsageScope, is_transient,
    message, name, output, raw,
};
use crate::text::head;

/// What has to be remembered between lines.
#[derive(Debug, Default)]
pub(super) struct Parser {
    open: OpenIds,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Line<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    thread_id: Text<'a>,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    error: Object<Failure<'a>>,
    #[serde(borrow)]
    item: Object<Item<'a>>,
    usage: Object<Tokens>,
    // request_user_input
    #[serde(borrow)]
    questions: Items<'a, Asked<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Asked<'a> {
    #[serde(borrow)]
    question: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Failure<'a> {
    #[serde(borrow)]
    message: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Item<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    // command_execution
    #[serde(borrow)]
    command: Text<'a>,
    #[serde(borrow)]
    aggregated_output: Text<'a>,
    exit_code: Number,
    // file_change
    #[serde(borrow)]
    changes: Items<'a, Change<'a>>,
    // mcp_tool_call, web_search
    #[serde(borrow)]
    server: Text<'a>,
    #[serde(borrow)]
    tool: Text<'a>,
    #[serde(borrow)]
    query: Text<'a>,
    #[serde(borrow)]
    error: Object<Failure<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Change<'a> {
    #[serde(borrow)]
    path: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tokens {
    input_tokens: Number,
    cached_input_tokens: Number,
    cache_write_input_tokens: Number,
    output_tokens: Number,
    reasoning_output_tokens: Number,
}

type Updates = Vec<SessionUpdate>;

impl Parser {
    /// What a line says; an error when it cannot be read.
    pub(super) fn parse(&mut self, line: &str) -> serde_json::Result<Updates> {
        Ok(self.line(&serde_json::from_str(line)?, line))
    }

    fn line(&mut self, parsed: &Line<'_>, line: &str) -> Updates {
        match (parsed.kind.as_str(), parsed.item.get()) {
            ("thread.started", _) => vec![SessionUpdate::SessionStarted {
                session: name(parsed.thread_id.as_str()),
                model: None,
                version: None,
            }],
            ("turn.started", _) => vec![SessionUpdate::TurnStarted, SessionUpdate::Requesting],
            ("item.started", Some(item)) => self.item_started(item, line),
            ("item.updated", Some(_)) => Vec::new(),
            ("item.completed", Some(item)) => self.item_completed(item, line),
            ("turn.completed", _) => turn_completed(parsed),
            ("turn.failed", _) => turn_failed(
                parsed
                    .error
                    .get()
                    .map(|error| error.message.as_str())
                    .unwrap_or_default(),
            ),
            ("request_user_input", _) => {
                let questions = parsed
                    .questions
                    .items
                    .iter()
                    .filter_map(|asked| asked.question.get());
                questions
                    .map(|question| SessionUpdate::Question {
                        text: message(question),
                    })
                    .collect()
            }
            // A plan while it is written; it comes whole as an item.
            ("item.plan.delta", _) => Vec::new(),
            ("error", _) => vec![error(parsed.message.as_str())],
            ("", _) => raw("unknown", line),
            (other, _) => raw(other.to_owned(), line),
        }
    }

    fn item_started(&mut self, item: &Item<'_>, line: &str) -> Updates {
        match item.kind.as_str() {
            "reasoning" => vec![SessionUpdate::Thinking],
            "agent_message" | "plan" | "error" | "todo_list" | "user_message" => Vec::new(),
            _ => match tool(item) {
                Some((name_of_tool, input)) if self.open.open(item.id.as_str()) => {
                    vec![SessionUpdate::ToolStarted {
                        id: name(item.id.as_str()),
                        name: name_of_tool,
                        input: Some(input),
                        parent: None,
                    }]
                }
                Some(_) => Vec::new(),
                None => raw(format!("item.started/{}", item.kind.as_str()), line),
            },
        }
    }

    fn item_completed(&mut self, item: &Item<'_>, line: &str) -> Updates {
        match item.kind.as_str() {
            "agent_message" | "plan" => vec![SessionUpdate::Text {
                text: head(item.text.as_str(), TEXT_LIMIT).to_owned(),
                partial: false,
                subagent: false,
            }],
            "reasoning" => vec![SessionUpdate::Thinking],
            "error" => vec![SessionUpdate::Warning {
                message: message(item.message.as_str()),
            }],
            "todo_list" | "user_message" => Vec::new(),
            _ => match tool(item) {
                Some(tool) => vec![self.tool_ended(item, tool)],
                None => raw(format!("item.completed/{}", item.kind.as_str()), line),
            },
        }
    }

    fn tool_ended(&mut self, item: &Item<'_>, (tool, input): (String, ToolInput)) -> SessionUpdate {
        let announced = self.open.close(item.id.as_str());
        let exit = item.exit_code.get().unwrap_or_default();
        let failed = item.error.get().map(|error| error.message.as_str());
        SessionUpdate::ToolEnded {
            id: name(item.id.as_str()),
            name: (!announced).then_some(tool),
            input: (!announced).then_some(input),
            // A web search has no status.
            ok: matches!(item.status.as_str(), "completed" | "") && exit == 0.0 && failed.is_none(),
            denied: item.status.as_str() == "declined",
            output: output(failed.unwrap_or(item.aggregated_output.as_str())),
        }
    }
}

/// The tool behind an item, and what it is asked to do.
fn tool(item: &Item<'_>) -> Option<(String, ToolInput)> {
    let kind = item.kind.as_str();
    let input = match kind {
        "command_execution" => summary(item.command.as_str()),
        "file_change" => files(
            item.changes
                .items
                .iter()
                .filter_map(|change| change.path.get()),
        ),
        "mcp_tool_call" => {
            let tool = name(&format!(
                "mcp__{}__{}",
                item.server.as_str(),
                item.tool.as_str()
            ));
            return Some((tool, ToolInput::default()));
        }
        "collab_tool_call" => summary(item.tool.as_str()),
        "web_search" => summary(item.query.as_str()),
        _ => return None,
    };
    Some((kind.to_owned(), input))
}

fn turn_completed(line: &Line<'_>) -> Updates {
    let mut updates = Updates::new();
    if let Some(tokens) = line.usage.get() {
        let cached = tokens.cached_input_tokens.count().unwrap_or_default();
        updates.push(SessionUpdate::Usage {
            usage: Usage {
                // Here the input contains what came from the cache.
                input: tokens
                    .input_tokens
                    .count()
                    .unwrap_or_default()
                    .saturating_sub(cached),
                cached,
                cache_write: tokens.cache_write_input_tokens.count().unwrap_or_default(),
                output: tokens.output_tokens.count().unwrap_or_default(),
                reasoning: tokens.reasoning_output_tokens.count().unwrap_or_default(),
                cost_usd: None,
            },
            scope: UsageScope::Session,
        });
    }
    updates.push(SessionUpdate::Ended(TurnEnd {
        ok: true,
        reason: EndReason::Completed,
        message: None,
        status: None,
        retryable: false,
        turns: None,
    }));
    updates
}

/// `Reconnecting... 2/5 (why)` announces another try; anything else a failure that
/// `turn.failed` will repeat.
fn error(words: &str) -> SessionUpdate {
    let retry = words.strip_prefix("Reconnecting... ").and_then(|rest| {
        let (count, why) = rest.split_once(' ').unwrap_or((rest, ""));
        let (attempt, max) = count.split_once('/')?;
        let why = why
            .strip_prefix('(')
            .and_then(|why| why.strip_suffix(')'))
            .unwrap_or(why);
        Some((attempt.parse().ok()?, max.parse().ok(), why))
    });
    match retry {
        Some((attempt, max, why)) => SessionUpdate::Retry {
            attempt,
            max,
            delay_ms: None,
            status: status_in(why),
            message: message(why),
        },
        None => SessionUpdate::Warning {
            message: message(words),
        },
    }
}

fn turn_failed(words: &str) -> Updates {
    /// What the program says when the service or the way to it failed.
    const TRANSIENT: [&str; 4] = [
        "stream disconnected",
        "high demand",
        "at capacity",
        "timed out",
    ];
    let status = status_in(words);
    let limited = status == Some(429) || (status.is_none() && is_limit(words));
    let transient = TRANSIENT.iter().any(|sign| words.contains(sign));
    // A request that is refused for good comes with the service's whole answer.
    let told = serde_json::from_str::<serde_json::Value>(words).ok();
    let told = told.and_then(|answer| Some(answer["error"]["message"].as_str()?.to_owned()));
    let end = TurnEnd {
        ok: false,
        reason: match () {
            () if limited => EndReason::Limited,
            () if transient || status.is_some() => EndReason::Api,
            () if words.contains("invalid_request_error") => EndReason::Api,
            () if words.contains("interrupted") => EndReason::Aborted,
            () => EndReason::Failed,
        },
        message: Some(message(told.as_deref().unwrap_or(words))),
        status,
        retryable: limited || status.map_or(transient, is_transient),
        turns: None,
    };
    let mut updates = Updates::new();
    if limited {
        updates.push(SessionUpdate::RateLimited {
            resets_at: None,
            message: end.message.clone(),
            rejected: true,
            limit: None,
        });
    }
    updates.push(SessionUpdate::Ended(end));
    updates
}
