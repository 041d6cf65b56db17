//! The OpenAI Responses API.

use std::io;

use serde_json::{Value, json};

use super::http::Connection;
use super::rules::{Conversation, Failure, Reply, Tool};
use super::{Answer, pieces};

/// What a request says.
pub(super) fn read(body: &Value) -> Conversation {
    let mut conversation = Conversation::default();
    for tool in list(&body["tools"]) {
        if tool["type"] == "namespace" {
            let namespace = tool["name"].as_str().map(str::to_owned);
            let members = list(&tool["tools"]).iter();
            conversation.tools.extend(members.map(|member| Tool {
                namespace: namespace.clone(),
                ..read_tool(member)
            }));
        } else {
            conversation.tools.push(read_tool(tool));
        }
    }
    if let Some(text) = body["input"].as_str() {
        conversation.user(text);
    }
    for item in list(&body["input"]) {
        if item["role"] == "user" {
            let parts = list(&item["content"])
                .iter()
                .filter_map(|part| part["text"].as_str());
            let text = item["content"]
                .as_str()
                .map_or_else(|| parts.collect::<Vec<_>>().join(" "), str::to_owned);
            conversation.user(&text);
        }
        if item["type"]
            .as_str()
            .is_some_and(|kind| kind.ends_with("_call_output"))
        {
            conversation.results += 1;
        }
    }
    conversation
}

fn read_tool(tool: &Value) -> Tool {
    Tool {
        name: tool["name"]
            .as_str()
            .or_else(|| tool["type"].as_str())
            .unwrap_or_default()
            .to_owned(),
        schema: tool["parameters"].clone(),
        custom: tool["type"] == "custom",
        namespace: None,
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Numbers the events of an answer.
struct Events<'a> {
    connection: &'a mut Connection,
    sequence: u64,
}

impl Events<'_> {
    fn send(&mut self, kind: &str, mut data: Value) -> io::Result<()> {
        data["type"] = json!(kind);
        data["sequence_number"] = json!(self.sequence);
        self.sequence += 1;
        self.connection.event(&data)
    }
}

/// Writes an answer; `false` when it broke off.
pub(super) fn write(answer: &Answer<'_>, connection: &mut Connection) -> io::Result<bool> {
    let item = item(answer);
    let usage = json!({"input_tokens": 1200, "input_tokens_details": {"cached_tokens": 50},
        "output_tokens": 42, "output_tokens_details": {"reasoning_tokens": 5}, "total_tokens": 1242});
    let whole = json!({"id": format!("resp_{:04}", answer.number), "object": "response", "created_at": 0,
        "status": "completed", "model": answer.model, "output": [item], "usage": usage,
        "parallel_tool_calls": false, "tools": [], "tool_choice": "auto", "error": null,
        "incomplete_details": null, "metadata": {}});
    if !answer.stream {
        return connection.json(200, &answer.headers, &whole).map(|()| true);
    }
    connection.start_events(&answer.headers)?;
    let mut events = Events {
        connection,
        sequence: 0,
    };
    let mut begun = whole.clone();
    begun["status"] = json!("in_progress");
    begun["output"] = json!([]);
    begun["usage"] = Value::Null;
    events.send("response.created", json!({"response": begun}))?;
    write_item(&item, &mut events)?;
    match answer.failure {
        None => {}
        Some(Failure::ErrorMidway) => {
            let mut failed = whole;
            failed["status"] = json!("failed");
            failed["error"] =
                json!({"code": "server_is_overloaded", "message": "Overloaded (scripted)"});
            events.send("response.failed", json!({"response": failed}))?;
            return Ok(false);
        }
        Some(_) => return Ok(false),
    }
    events.send(
        "response.output_item.done",
        json!({"output_index": 0, "item": item}),
    )?;
    events.send("response.completed", json!({"response": whole}))?;
    Ok(true)
}

fn item(answer: &Answer<'_>) -> Value {
    let id = format!("call_{:04}", answer.number);
    match &answer.reply {
        Reply::Text(text) => {
            json!({"type": "message", "id": format!("msg_{id}"), "role": "assistant",
            "status": "completed", "content": [{"type": "output_text", "text": text, "annotations": []}]})
        }
        Reply::Call(tool, input) if tool.custom => {
            json!({"type": "custom_tool_call", "id": format!("ctc_{id}"),
            "call_id": id, "name": tool.name, "input": input, "status": "completed"})
        }
        Reply::Call(tool, input) => {
            let mut call = json!({"type": "function_call", "id": format!("fc_{id}"), "call_id": id,
                "name": tool.name, "arguments": input.to_string(), "status": "completed"});
            if let Some(namespace) = &tool.namespace {
                call["namespace"] = json!(namespace);
            }
            call
        }
    }
}

/// An item while it comes into being.
fn write_item(item: &Value, events: &mut Events<'_>) -> io::Result<()> {
    // The field that grows, the events that tell so, and where they belong.
    let (field, event) = match item["type"].as_str() {
        Some("message") => ("content", "response.output_text"),
        Some("function_call") => ("arguments", "response.function_call_arguments"),
        _ => ("input", "response.custom_tool_call_input"),
    };
    let message = field == "content";
    let mut begun = item.clone();
    begun["status"] = json!("in_progress");
    begun[field] = if message { json!([]) } else { json!("") };
    events.send(
        "response.output_item.added",
        json!({"output_index": 0, "item": begun}),
    )?;
    let mut place = json!({"output_index": 0, "item_id": item["id"]});
    if message {
        place["content_index"] = json!(0);
        let mut part = place.clone();
        part["part"] = json!({"type": "output_text", "text": "", "annotations": []});
        events.send("response.content_part.added", part)?;
    }
    let text = if message {
        &item["content"][0]["text"]
    } else {
        &item[field]
    };
    for piece in pieces(text.as_str().unwrap_or_default(), 20) {
        let mut delta = place.clone();
        delta["delta"] = json!(piece);
        events.send(&format!("{event}.delta"), delta)?;
    }
    let mut done = place.clone();
    done[if message { "text" } else { field }] = text.clone();
    events.send(&format!("{event}.done"), done)?;
    if message {
        place["part"] = item["content"][0].clone();
        events.send("response.content_part.done", place)?;
    }
    Ok(())
}
