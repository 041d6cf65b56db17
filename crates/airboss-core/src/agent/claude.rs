//! Claude Code's `stream-json`, one way (`-p`) and both ways.
//!
//! Traps, each seen in a recording: a tool is announced by `content_block_start`
//! and again by the `assistant` line; its result can come before the message
//! ends; `result` says subtype `success` for API errors, where only `is_error`
//! tells; `init` comes again for every turn; `total_cost_usd` and `modelUsage`
//! count a resumed session from its beginning; `usage` leaves out the message
//! that broke the budget, `model_usage_since_last_result` does not.

mod wire;

use self::wire::{Block, Event, LimitInfo, Line, Message, Streamed, Tokens};
use super::limit::{is_limit, status_in};
use super::tool::claude_input;

use super::{
    EndReason, OpenIds, SessionUpdate, TEXT_LIMIT, TurnEnd, Usage, UsageScope, is_transient,
    message, name, output, raw, status,
};
use crate::text::head;
use crate::time::Timestamp;

/// What has to be remembered between lines.
#[derive(Debug, Default)]
pub(super) struct Parser {
    open: OpenIds,
    /// Calls whose refusal has been told.
    denied: OpenIds,
    /// Messages whose usage has been told or will be by their `message_delta`.
    counted: OpenIds,
    /// The usage that `message_start` told of the message under way.
    starting: Usage,
}

type Updates = Vec<SessionUpdate>;

impl Parser {
    /// What a line says; an error when it cannot be read.
    pub(super) fn parse(&mut self, line: &str) -> serde_json::Result<Updates> {
        // Nine lines of ten are these; the small struct reads them twice as fast.
        if line.starts_with(r#"{"type":"stream_event","#) {
            let streamed: Streamed<'_> = serde_json::from_str(line)?;
            return Ok(match streamed.event.get() {
                Some(event) => self.event(event, streamed.parent_tool_use_id.get(), line),
                None => raw("stream_event", line),
            });
        }
        Ok(self.line(&serde_json::from_str(line)?, line))
    }

    fn line(&mut self, parsed: &Line<'_>, line: &str) -> Updates {
        match parsed.kind.as_str() {
            "stream_event" => match parsed.event.items.first() {
                Some(event) => self.event(event, parsed.parent_tool_use_id.get(), line),
                None => raw("stream_event", line),
            },
            "assistant" => self.assistant(parsed),
            "user" => self.user(parsed),
            "system" => self.system(parsed, line),
            "rate_limit_event" => match parsed.rate_limit_info.get() {
                Some(info) => vec![rate_limit(info)],
                None => raw("rate_limit_event", line),
            },
            "control_request" => control(parsed, line),
            "control_cancel_request" => {
                vec![SessionUpdate::PermissionWithdrawn {
                    request: name(parsed.request_id.as_str()),
                }]
            }
            // Answers to the caller's own requests.
            "control_response" | "keep_alive" => Vec::new(),
            "result" => self.result(parsed),
            "" => raw("unknown", line),
            other => raw(other.to_owned(), line),
        }
    }

    /// A raw event of the model's API.
    fn event(&mut self, event: &Event<'_>, parent: Option<&str>, line: &str) -> Updates {
        let block = event.content_block.get();
        match event.kind.as_str() {
            "content_block_delta" => match event.delta.get() {
                Some(delta) => match delta.kind.as_str() {
                    "text_delta" => vec![text(delta.text.as_str(), true, parent.is_some())],
                    "thinking_delta" => vec![SessionUpdate::Thinking],
                    _ => Vec::new(),
                },
                None => Vec::new(),
            },
            "content_block_start" => match block.map(|block| (block.kind.as_str(), block)) {
                Some(("tool_use" | "server_tool_use" | "mcp_tool_use", block)) => {
                    self.announce(block, parent)
                }
                Some(("thinking" | "redacted_thinking", _)) => vec![SessionUpdate::Thinking],
                _ => Vec::new(),
            },
            "message_start" => {
                if let Some(message) = event.message.get() {
                    self.counted.open(message.id.as_str());
                    self.starting = message.usage.get().map(Tokens::usage).unwrap_or_default();
                }
                Vec::new()
            }
            "message_delta" => {
                let mut usage = std::mem::take(&mut self.starting);
                if let Some(tokens) = event.usage.get() {
                    tokens.update(&mut usage);
                }
                vec![SessionUpdate::Usage {
                    usage,
                    scope: UsageScope::Message,
                }]
            }
            "content_block_stop" | "message_stop" | "ping" => Vec::new(),
            other => raw(format!("stream_event/{other}"), line),
        }
    }

    /// A tool call announced before its input is known.
    fn announce(&mut self, block: &Block<'_>, parent: Option<&str>) -> Updates {
        if !self.open.open(block.id.as_str()) {
            return Vec::new();
        }
        vec![SessionUpdate::ToolStarted {
            id: name(block.id.as_str()),
            name: name(block.name.as_str()),
            input: None,
            parent: parent.map(name),
        }]
    }

    /// Finished blocks of a message: one line each, all with the message's id.
    fn assistant(&mut self, line: &Line<'_>) -> Updates {
        let Some(said) = line.message.items.first() else {
            return Vec::new();
        };
        let synthetic = line.is_api_error_message.0 || said.model.as_str() == "<synthetic>";
        let parent = line.parent_tool_use_id.get();
        let mut updates = Updates::new();
        for block in &said.content.items {
            match block.kind.as_str() {
                "text" if synthetic => {
                    updates.push(SessionUpdate::Warning {
                        message: message(block.text.as_str()),
                    });
                }
                "text" => updates.push(text(block.text.as_str(), false, parent.is_some())),
                "thinking" | "redacted_thinking" => updates.push(SessionUpdate::Thinking),
                "tool_use" | "server_tool_use" | "mcp_tool_use" => {
                    self.complete(block, parent, &mut updates);
                }
                _ => {}
            }
        }
        self.count_message(said, synthetic, &mut updates);
        updates
    }

    /// A tool call whose input is complete, announced before or not.
    fn complete(&mut self, block: &Block<'_>, parent: Option<&str>, updates: &mut Updates) {
        let id = name(block.id.as_str());
        let (input, questions) = claude_input(block.name.as_str(), block.input);
        updates.push(if self.open.open(&id) {
            SessionUpdate::ToolStarted {
                id,
                name: name(block.name.as_str()),
                input: Some(input),
                parent: parent.map(name),
            }
        } else {
            SessionUpdate::ToolInput { id, input }
        });
        updates.extend(
            questions
                .into_iter()
                .map(|text| SessionUpdate::Question { text }),
        );
    }

    /// Without partial messages the usage comes here, and only its input side is right.
    fn count_message(&mut self, said: &Message<'_>, synthetic: bool, updates: &mut Updates) {
        if synthetic || said.id.get().is_none() || !self.counted.open(said.id.as_str()) {
            return;
        }
        if let Some(tokens) = said.usage.get() {
            updates.push(SessionUpdate::Usage {
                usage: tokens.usage(),
                scope: UsageScope::Message,
            });
        }
    }

    /// Results of tools, and what the program says to the model in the person's name.
    fn user(&mut self, line: &Line<'_>) -> Updates {
        let Some(said) = line.message.items.first() else {
            return Vec::new();
        };
        let mut updates = Updates::new();
        for block in &said.content.items {
            match block.kind.as_str() {
                "tool_result" => updates.push(self.tool_ended(block, line)),
                "text" if line.is_synthetic.0 => {
                    updates.push(SessionUpdate::Warning {
                        message: message(block.text.as_str()),
                    });
                }
                _ => {}
            }
        }
        updates
    }

    fn tool_ended(&mut self, block: &Block<'_>, line: &Line<'_>) -> SessionUpdate {
        let id = block.tool_use_id.as_str();
        self.open.close(id);
        let rejected = line.tool_result_meta.items.iter().any(|meta| {
            meta.id.as_str() == id
                && meta
                    .permission_decision
                    .get()
                    .is_some_and(|made| made.decision.as_str() == "reject")
        });
        // The content is a text or a list of blocks, of which the last text tells the end.
        let blocks = &block.content.items;
        let last = blocks.iter().rev().find_map(|block| block.text.get());
        let shown = block.content.text.get().or(last).unwrap_or_default();
        SessionUpdate::ToolEnded {
            id: name(id),
            name: None,
            input: None,
            ok: !block.is_error.0,
            denied: rejected || self.denied.contains(id),
            output: output(shown),
        }
    }

    fn system(&mut self, line: &Line<'_>, whole: &str) -> Updates {
        match line.subtype.as_str() {
            "init" => vec![SessionUpdate::SessionStarted {
                session: name(line.session_id.as_str()),
                model: line.model.get().map(name),
                version: line.claude_code_version.get().map(name),
            }],
            "status" if line.status.as_str() == "requesting" => vec![SessionUpdate::Requesting],
            "permission_denied" => {
                let id = line.tool_use_id.get();
                if let Some(id) = id {
                    self.denied.open(id);
                }
                vec![SessionUpdate::PermissionDenied {
                    tool: name(line.tool_name.as_str()),
                    id: id.map(name),
                    message: message(line.message.text.as_str()),
                }]
            }
            "api_retry" => vec![SessionUpdate::Retry {
                attempt: line.attempt.count().unwrap_or_default(),
                max: line.max_retries.count(),
                delay_ms: line.retry_delay_ms.count(),
                status: status(line.error_status),
                message: message(line.error.as_str()),
            }],
            other => raw(format!("system/{other}"), whole),
        }
    }

    fn result(&mut self, line: &Line<'_>) -> Updates {
        let mut updates = Updates::new();
        for denial in &line.permission_denials.items {
            if self.denied.open(denial.tool_use_id.as_str()) {
                updates.push(SessionUpdate::PermissionDenied {
                    tool: name(denial.tool_name.as_str()),
                    id: denial.tool_use_id.get().map(name),
                    message: String::new(),
                });
            }
        }
        updates.push(turn_usage(line));
        let end = turn_end(line);
        if end.reason == EndReason::Limited {
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
}

fn text(text: &str, partial: bool, subagent: bool) -> SessionUpdate {
    SessionUpdate::Text {
        text: head(text, TEXT_LIMIT).to_owned(),
        partial,
        subagent,
    }
}

fn rate_limit(info: &LimitInfo<'_>) -> SessionUpdate {
    let resets_at = info.resets_at.get().map(|time| {
        // Seconds since the epoch; a value of 13 digits can only be milliseconds.
        let millis = if time < 1e11 { time * 1000.0 } else { time };
        #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
        let millis = millis as i64;
        Timestamp::from_millis(millis)
    });
    SessionUpdate::RateLimited {
        resets_at,
        message: None,
        // Paid overage keeps requests going although the window is used up.
        rejected: info.status.as_str() == "rejected" && !info.is_using_overage.0,
        limit: info.rate_limit_type.get().map(name),
    }
}

/// What the program asks of its caller in two-way mode.
fn control(line: &Line<'_>, whole: &str) -> Updates {
    let Some(request) = line.request.get() else {
        return raw("control_request", whole);
    };
    if request.subtype.as_str() != "can_use_tool" {
        return raw(
            format!("control_request/{}", request.subtype.as_str()),
            whole,
        );
    }
    vec![SessionUpdate::PermissionAsked {
        request: name(line.request_id.as_str()),
        tool: name(request.tool_name.as_str()),
        id: request.tool_use_id.get().map(name),
        input: claude_input(request.tool_name.as_str(), request.input).0,
    }]
}

/// The tokens and the money since the last result, by model where that is told.
fn turn_usage(line: &Line<'_>) -> SessionUpdate {
    let models = line.model_usage_since_last_result.get();
    let known = models.filter(|models| !models.is_empty());
    let Some(models) = known else {
        // Older versions: the tokens are the turn's, but the money is the session's.
        let usage = line.usage.get().map(Tokens::usage).unwrap_or_default();
        return SessionUpdate::Usage {
            usage,
            scope: UsageScope::Turn,
        };
    };
    let mut sum = Usage::default();
    for model in models.values().filter_map(|model| model.get()) {
        sum += model.usage();
    }
    SessionUpdate::Usage {
        usage: sum,
        scope: UsageScope::Turn,
    }
}

fn turn_end(line: &Line<'_>) -> TurnEnd {
    let ok = line.subtype.as_str() == "success" && !line.is_error.0;
    let words = line.result.get().or_else(|| line.errors.text.get());
    let status =
        status(line.api_error_status).or_else(|| words.filter(|_| !ok).and_then(status_in));
    let limited = status == Some(429)
        || line.api_error.as_str() == "usage_limit_reached"
        || (status.is_none() && words.is_some_and(is_limit));
    let reason = match (line.subtype.as_str(), line.terminal_reason.as_str()) {
        _ if ok => EndReason::Completed,
        ("error_max_turns", _) | (_, "max_turns") => EndReason::MaxTurns,
        ("error_max_budget_usd", _) | (_, "budget_exhausted") => EndReason::Budget,
        (_, "aborted_tools" | "aborted_streaming") => EndReason::Aborted,
        _ if limited => EndReason::Limited,
        ("success", _) | (_, "api_error") => EndReason::Api,
        _ => EndReason::Failed,
    };
    let retryable = match reason {
        EndReason::Limited => true,
        // Without a status the connection itself failed.
        EndReason::Api => status.is_none_or(is_transient),
        _ => false,
    };
    TurnEnd {
        ok,
        reason,
        message: words.map(message),
        status,
        retryable,
        turns: line.num_turns.count(),
    }
}
