//! The wire formats, as the real programs were recorded to write them.
//!
//! A test compares the shapes written here with recordings, so that the scripted
//! agent cannot drift from the real ones unnoticed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// The format of the scripted agent's output.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Speak {
    /// Text for people.
    Plain,
    /// Claude Code's `stream-json` with partial messages.
    Claude,
    /// Codex' `exec --json`.
    Codex,
}

/// How a run ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum End {
    Completed,
    Limited { seconds: u64 },
    Api { message: String },
    MaxTurns { message: String },
    Budget { message: String },
}

/// The model that the scripted agent says it is.
const MODEL: &str = "scripted";
/// What each message costs, in tokens read, tokens from the cache and tokens written.
const MESSAGE_TOKENS: (u64, u64, u64) = (100, 20, 10);
/// What each message costs, in US dollars.
const MESSAGE_COST: f64 = 0.001;

/// Writes one session.
pub(super) struct Voice<'a> {
    speak: Speak,
    session: String,
    directory: PathBuf,
    output: &'a mut dyn Write,
    /// The last number given to anything that needs an id.
    counter: u64,
    messages: u64,
    /// What was said last, for the result line.
    last_text: String,
    denials: Vec<Value>,
    /// Tools that were started: id, name and input.
    started: Vec<(String, String, String)>,
}

impl<'a> Voice<'a> {
    pub(super) fn new(
        speak: Speak,
        session: &str,
        directory: &Path,
        output: &'a mut dyn Write,
    ) -> Self {
        Self {
            speak,
            session: session.to_owned(),
            directory: directory.to_owned(),
            output,
            counter: 0,
            messages: 0,
            last_text: String::new(),
            denials: Vec::new(),
            started: Vec::new(),
        }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.write_all(bytes)?;
        self.output.flush()
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        self.bytes(format!("{line}\n").as_bytes())
    }

    fn json(&mut self, value: &Value) -> io::Result<()> {
        self.line(&value.to_string())
    }

    fn id(&mut self, prefix: &str) -> String {
        self.counter += 1;
        format!("{prefix}{:04}", self.counter)
    }

    /// A line of Claude's with the fields that every line has.
    fn claude(&mut self, mut value: Value) -> io::Result<()> {
        self.counter += 1;
        value["session_id"] = json!(self.session);
        value["uuid"] = json!(format!("00000000-0000-4000-9000-{:012}", self.counter));
        self.json(&value)
    }

    fn claude_event(&mut self, event: &Value) -> io::Result<()> {
        self.claude(json!({"type": "stream_event", "event": event, "parent_tool_use_id": null}))
    }

    pub(super) fn start(&mut self) -> io::Result<()> {
        match self.speak {
            Speak::Plain => Ok(()),
            Speak::Claude => {
                let cwd = self.directory.display().to_string();
                self.claude(json!({
                    "type": "system", "subtype": "init", "cwd": cwd, "model": MODEL,
                    "tools": ["Bash", "Edit", "Write"], "mcp_servers": [], "slash_commands": [],
                    "permissionMode": "acceptEdits", "apiKeySource": "none",
                    "claude_code_version": "0.0.0", "output_style": "default",
                }))?;
                self.requesting()
            }
            Speak::Codex => {
                let session = self.session.clone();
                self.json(&json!({"type": "thread.started", "thread_id": session}))?;
                self.json(&json!({"type": "turn.started"}))
            }
        }
    }

    fn requesting(&mut self) -> io::Result<()> {
        self.claude(json!({"type": "system", "subtype": "status", "status": "requesting"}))
    }

    /// One message of the model with one block, in all its events.
    fn claude_message(&mut self, start: &Value, deltas: &[Value], block: &Value) -> io::Result<()> {
        self.messages += 1;
        let id = self.id("msg_");
        let (input, cached, output) = MESSAGE_TOKENS;
        let usage = json!({"input_tokens": input, "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": cached, "output_tokens": 1});
        let mut message = json!({"id": id, "type": "message", "role": "assistant", "model": MODEL,
            "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage});
        self.claude_event(&json!({"type": "message_start", "message": message}))?;
        self.claude_event(
            &json!({"type": "content_block_start", "index": 0, "content_block": start}),
        )?;
        for delta in deltas {
            self.claude_event(&json!({"type": "content_block_delta", "index": 0, "delta": delta}))?;
        }
        message["content"] = json!([block]);
        self.claude(json!({"type": "assistant", "message": message, "parent_tool_use_id": null}))?;
        self.claude_event(&json!({"type": "content_block_stop", "index": 0}))?;
        let stop = if block["type"] == "tool_use" {
            "tool_use"
        } else {
            "end_turn"
        };
        self.claude_event(
            &json!({"type": "message_delta", "usage": {"output_tokens": output},
            "delta": {"stop_reason": stop, "stop_sequence": null}}),
        )?;
        self.claude_event(&json!({"type": "message_stop"}))
    }

    /// An item of Codex' that has no beginning.
    fn codex_item(&mut self, mut item: Value) -> io::Result<()> {
        item["id"] = json!(self.id("item_"));
        self.json(&json!({"type": "item.completed", "item": item}))
    }

    pub(super) fn say(&mut self, text: &str) -> io::Result<()> {
        text.clone_into(&mut self.last_text);
        match self.speak {
            Speak::Plain => self.line(text),
            Speak::Claude => self.claude_message(
                &json!({"type": "text", "text": ""}),
                &[json!({"type": "text_delta", "text": text})],
                &json!({"type": "text", "text": text}),
            ),
            Speak::Codex => self.codex_item(json!({"type": "agent_message", "text": text})),
        }
    }

    /// A piece of a text that is not finished.
    pub(super) fn piece(&mut self, text: &str) -> io::Result<()> {
        match self.speak {
            Speak::Claude => self.claude_event(&json!({"type": "content_block_delta", "index": 0,
                "delta": {"type": "text_delta", "text": text}})),
            Speak::Plain | Speak::Codex => self.say(text),
        }
    }

    /// One line with a text of so many bytes.
    pub(super) fn huge(&mut self, bytes: u64) -> io::Result<()> {
        let text = "x".repeat(usize::try_from(bytes).unwrap_or(usize::MAX / 4));
        match self.speak {
            Speak::Claude => self.claude(json!({"type": "assistant", "parent_tool_use_id": null,
                "message": {"id": "msg_huge", "role": "assistant", "model": MODEL,
                    "content": [{"type": "text", "text": text}]}})),
            Speak::Plain | Speak::Codex => self.say(&text),
        }
    }

    pub(super) fn think(&mut self, text: &str) -> io::Result<()> {
        match self.speak {
            Speak::Plain => Ok(()),
            Speak::Claude => self.claude_message(
                &json!({"type": "thinking", "thinking": "", "signature": ""}),
                &[json!({"type": "thinking_delta", "thinking": text})],
                &json!({"type": "thinking", "thinking": text, "signature": ""}),
            ),
            Speak::Codex => self.codex_item(json!({"type": "reasoning", "text": text})),
        }
    }

    pub(super) fn ask(&mut self, question: &str) -> io::Result<()> {
        if self.speak == Speak::Claude {
            let input = json!({"questions": [
                {"question": question, "header": "Question", "options": [], "multiSelect": false}]});
            let id = self.claude_tool("AskUserQuestion", &input)?;
            return self.claude_tool_result(&id, Some(false), "The person did not answer.", None);
        }
        self.say(question)
    }

    pub(super) fn retry(
        &mut self,
        attempt: u64,
        max: u64,
        delay_ms: u64,
        status: Option<u64>,
    ) -> io::Result<()> {
        let why = status.map_or_else(
            || "stream disconnected before completion".to_owned(),
            |status| format!("unexpected status {status}"),
        );
        match self.speak {
            Speak::Plain => self.line(&format!("Retrying {attempt}/{max}: {why}")),
            Speak::Claude => {
                let error = match status {
                    Some(429) => "rate_limit",
                    Some(500..) => "server_error",
                    _ => "unknown",
                };
                self.claude(json!({"type": "system", "subtype": "api_retry", "attempt": attempt,
                    "max_retries": max, "retry_delay_ms": delay_ms, "error_status": status, "error": error}))
            }
            Speak::Codex => {
                self.json(&json!({"type": "error", "message": format!("Reconnecting... {attempt}/{max} ({why})")}))
            }
        }
    }

    /// A tool that is not permitted. Codex keeps silent about it, as the real one does.
    pub(super) fn deny(&mut self, tool: &str, input: &str, message: &str) -> io::Result<()> {
        match self.speak {
            Speak::Plain => self.line(&format!("{tool} denied: {message}")),
            Speak::Codex => Ok(()),
            Speak::Claude => {
                let input = claude_input(tool, input);
                let id = self.claude_tool(tool, &input)?;
                self.denials
                    .push(json!({"tool_name": tool, "tool_use_id": id, "tool_input": input}));
                self.claude(
                    json!({"type": "system", "subtype": "permission_denied", "tool_name": tool,
                    "tool_use_id": id, "message": message}),
                )?;
                let meta = json!([{"id": id, "non_execution_kind": "user-rejected",
                    "permission_decision": {"decision": "reject", "source": "config"}}]);
                self.claude_tool_result(&id, Some(true), message, Some(meta))
            }
        }
    }

    fn claude_tool(&mut self, name: &str, input: &Value) -> io::Result<String> {
        let id = self.id("toolu_");
        self.claude_message(
            &json!({"type": "tool_use", "id": id, "name": name, "input": {}}),
            &[json!({"type": "input_json_delta", "partial_json": input.to_string()})],
            &json!({"type": "tool_use", "id": id, "name": name, "input": input}),
        )?;
        Ok(id)
    }

    fn claude_tool_result(
        &mut self,
        id: &str,
        is_error: Option<bool>,
        output: &str,
        meta: Option<Value>,
    ) -> io::Result<()> {
        let mut result = json!({"type": "tool_result", "tool_use_id": id, "content": output});
        if let Some(is_error) = is_error {
            result["is_error"] = json!(is_error);
        }
        let mut line = json!({"type": "user", "parent_tool_use_id": null,
            "message": {"role": "user", "content": [result]}});
        if let Some(meta) = meta {
            line["tool_result_meta"] = meta;
        }
        self.claude(line)?;
        self.requesting()
    }

    pub(super) fn tool_started(&mut self, name: &str, input: &str) -> io::Result<String> {
        let id = match self.speak {
            Speak::Plain => {
                self.line(&format!("> {name} {input}"))?;
                self.id("tool_")
            }
            Speak::Claude => match name {
                // There is no tool for it; the model uses the shell.
                "Delete" => {
                    self.claude_tool("Bash", &claude_input("Bash", &format!("rm -- {input}")))?
                }
                _ => self.claude_tool(name, &claude_input(name, input))?,
            },
            Speak::Codex => {
                let id = self.id("item_");
                let item = codex_tool(&id, name, input, None);
                // The real one tells of changed files only afterwards.
                if item["type"] != "file_change" {
                    self.json(&json!({"type": "item.started", "item": item}))?;
                }
                id
            }
        };
        self.started
            .push((id.clone(), name.to_owned(), input.to_owned()));
        Ok(id)
    }

    pub(super) fn tool_ended(&mut self, id: &str, ok: bool, output: &str) -> io::Result<()> {
        let position = self.started.iter().position(|(started, ..)| started == id);
        let Some((id, name, input)) = position.map(|position| self.started.remove(position)) else {
            return Ok(());
        };
        match self.speak {
            Speak::Plain => self.line(output.trim_end()),
            Speak::Claude => {
                // Only the shell says so when nothing went wrong.
                let is_error = (!ok || name == "Bash").then_some(!ok);
                self.claude_tool_result(&id, is_error, output, None)
            }
            Speak::Codex => {
                let item = codex_tool(&id, &name, &input, Some((ok, output)));
                self.json(&json!({"type": "item.completed", "item": item}))
            }
        }
    }

    /// The last event. `now` is in seconds since the epoch.
    pub(super) fn end(&mut self, end: &End, now: u64) -> io::Result<()> {
        match self.speak {
            Speak::Plain => match end {
                End::Completed => Ok(()),
                End::Limited { seconds } => self.line(&format!(
                    "Usage limit reached|{}",
                    now.saturating_add(*seconds)
                )),
                End::Api { message } | End::MaxTurns { message } | End::Budget { message } => {
                    self.line(message)
                }
            },
            Speak::Claude => self.claude_end(end, now),
            Speak::Codex => self.codex_end(end),
        }
    }

    fn claude_end(&mut self, end: &End, now: u64) -> io::Result<()> {
        if let End::Limited { seconds } = end {
            self.claude(json!({"type": "rate_limit_event", "rate_limit_info": {"status": "rejected",
                "resetsAt": now.saturating_add(*seconds), "rateLimitType": "five_hour", "isUsingOverage": false}}))?;
        }
        let (subtype, reason, status, error, words) = match end {
            End::Completed => ("success", "completed", None, None, self.last_text.clone()),
            End::Limited { .. } => (
                "success",
                "api_error",
                Some(429),
                Some("usage_limit_reached"),
                "You've hit your 5-hour limit".to_owned(),
            ),
            End::Api { message } => (
                "success",
                "api_error",
                Some(500),
                None,
                format!("API Error: {message}"),
            ),
            End::MaxTurns { message } => {
                ("error_max_turns", "max_turns", None, None, message.clone())
            }
            End::Budget { message } => (
                "error_max_budget_usd",
                "budget_exhausted",
                None,
                None,
                message.clone(),
            ),
        };
        let success = subtype == "success";
        if success && *end != End::Completed {
            self.claude(json!({"type": "assistant", "parent_tool_use_id": null, "is_api_error_message": true,
                "message": {"id": "synthetic", "type": "message", "role": "assistant", "model": "<synthetic>",
                    "content": [{"type": "text", "text": words}]}}))?;
        }
        let (input, cached, output) = MESSAGE_TOKENS;
        let (input, cached, output) = (
            input * self.messages,
            cached * self.messages,
            output * self.messages,
        );
        let cost = MESSAGE_COST * self.messages as f64;
        let models = json!({MODEL: {"inputTokens": input, "outputTokens": output,
            "cacheReadInputTokens": cached, "cacheCreationInputTokens": 0, "costUSD": cost}});
        let mut result = json!({"type": "result", "subtype": subtype, "is_error": *end != End::Completed,
            "terminal_reason": reason, "num_turns": self.messages, "duration_ms": 1, "duration_api_ms": 1,
            "stop_reason": "end_turn", "result_index": 0, "total_cost_usd": cost,
            "usage": {"input_tokens": input, "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": cached, "output_tokens": output},
            "modelUsage": models, "model_usage_since_last_result": models, "permission_denials": self.denials});
        if success {
            result["api_error_status"] = json!(status);
            result["result"] = json!(words);
        } else {
            result["errors"] = json!([words]);
        }
        if let Some(error) = error {
            result["api_error"] = json!(error);
        }
        self.claude(result)
    }

    fn codex_end(&mut self, end: &End) -> io::Result<()> {
        let message = match end {
            End::Completed => {
                let (input, cached, output) = MESSAGE_TOKENS;
                return self.json(
                    &json!({"type": "turn.completed", "usage": {"input_tokens": input,
                    "cached_input_tokens": cached, "cache_write_input_tokens": 0,
                    "output_tokens": output, "reasoning_output_tokens": 0}}),
                );
            }
            End::Limited { seconds } => {
                format!("You've hit your usage limit. Try again in {seconds} seconds.")
            }
            End::Api { message } => {
                format!("unexpected status 500 Internal Server Error: {message}")
            }
            End::MaxTurns { message } | End::Budget { message } => message.clone(),
        };
        self.json(&json!({"type": "error", "message": message}))?;
        self.json(&json!({"type": "turn.failed", "error": {"message": message}}))
    }
}

fn claude_input(tool: &str, input: &str) -> Value {
    match tool {
        "Write" => json!({"file_path": input, "content": "scripted"}),
        "Edit" => json!({"file_path": input, "old_string": "before", "new_string": "after"}),
        "Bash" => json!({"command": input}),
        _ => json!({"description": input}),
    }
}

/// A tool of Codex', under way or ended.
fn codex_tool(id: &str, tool: &str, input: &str, ended: Option<(bool, &str)>) -> Value {
    let status = match ended {
        None => "in_progress",
        Some((true, _)) => "completed",
        Some((false, _)) => "failed",
    };
    let output = ended.map(|(_, output)| output).unwrap_or_default();
    let change = |kind: &str| json!({"id": id, "type": "file_change", "changes": [{"path": input, "kind": kind}], "status": status});
    match tool {
        "Bash" => {
            let exit = ended.map(|(ok, _)| i32::from(!ok));
            json!({"id": id, "type": "command_execution", "command": format!("/bin/sh -c '{input}'"),
                "aggregated_output": output, "exit_code": exit, "status": status})
        }
        "Write" => change("add"),
        "Edit" => change("update"),
        "Delete" => change("delete"),
        _ => json!({"id": id, "type": "mcp_tool_call", "server": "scripted", "tool": tool,
            "arguments": {"input": input}, "status": status}),
    }
}
