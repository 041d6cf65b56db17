//! The Anthropic Messages API.

use std::io;

use serde_json::{Value, json};

use super::http::Connection;
use super::rules::{Conversation, Failure, Reply, Tool};
use super::{Answer, pieces};

/// What a request says.
pub(super) fn read(body: &Value) -> Conversation {
    let mut conversation = Conversation::default();
    for tool in list(&body["tools"]) {
        let name = tool["name"].as_str().unwrap_or_default().to_owned();
        conversation.tools.push(Tool {
            name,
            schema: tool["input_schema"].clone(),
            ..Tool::default()
        });
    }
    for message in list(&body["messages"]) {
        let user = message["role"] == "user";
        if let (true, Some(text)) = (user, message["content"].as_str()) {
            conversation.user(text);
        }
        for block in list(&message["content"]) {
            match (block["type"].as_str(), block["text"].as_str()) {
                (Some("text"), Some(text)) if user => conversation.user(text),
                (Some("tool_result"), _) => conversation.results += 1,
                _ => {}
            }
        }
    }
    conversation
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Writes an answer; `false` when it broke off.
pub(super) fn write(answer: &Answer<'_>, connection: &mut Connection) -> io::Result<bool> {
    let id = format!("msg_{:04}", answer.number);
    let (blocks, stop) = blocks(answer);
    let mut usage = json!({"input_tokens": 1200, "cache_creation_input_tokens": 300,
        "cache_read_input_tokens": 50, "output_tokens": 1});
    let mut message = json!({"id": id, "type": "message", "role": "assistant", "model": answer.model,
        "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage});
    if !answer.stream {
        usage["output_tokens"] = json!(42);
        message["content"] = json!(blocks);
        message["stop_reason"] = json!(stop);
        message["usage"] = usage;
        return connection
            .json(200, &answer.headers, &message)
            .map(|()| true);
    }
    connection.start_events(&answer.headers)?;
    connection.event(&json!({"type": "message_start", "message": message}))?;
    for (index, block) in blocks.iter().enumerate() {
        write_block(index, block, connection)?;
        match answer.failure {
            None => {}
            Some(Failure::ErrorMidway) => {
                let error = json!({"type": "overloaded_error", "message": "Overloaded (scripted)"});
                connection.event(&json!({"type": "error", "error": error}))?;
                return Ok(false);
            }
            Some(_) => return Ok(false),
        }
    }
    let delta = json!({"stop_reason": stop, "stop_sequence": null});
    connection
        .event(&json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 42}}))?;
    connection.event(&json!({"type": "message_stop"}))?;
    Ok(true)
}

/// The blocks of a message and why it stops.
fn blocks(answer: &Answer<'_>) -> (Vec<Value>, &'static str) {
    match &answer.reply {
        Reply::Text(text) => (vec![json!({"type": "text", "text": text})], "end_turn"),
        Reply::Call(tool, input) => {
            let id = format!("toolu_{:04}", answer.number);
            let call = json!({"type": "tool_use", "id": id, "name": tool.name, "input": input});
            (
                vec![json!({"type": "text", "text": "I will use a tool."}), call],
                "tool_use",
            )
        }
    }
}

fn write_block(index: usize, block: &Value, connection: &mut Connection) -> io::Result<()> {
    let mut start = block.clone();
    let deltas: Vec<Value> = if block["type"] == "text" {
        start["text"] = json!("");
        let text = block["text"].as_str().unwrap_or_default();
        pieces(text, 12)
            .iter()
            .map(|piece| json!({"type": "text_delta", "text": piece}))
            .collect()
    } else {
        start["input"] = json!({});
        let input = block["input"].to_string();
        let delta = |piece: &String| json!({"type": "input_json_delta", "partial_json": piece});
        pieces(&input, 30).iter().map(delta).collect()
    };
    connection
        .event(&json!({"type": "content_block_start", "index": index, "content_block": start}))?;
    for delta in deltas {
        connection
            .event(&json!({"type": "content_block_delta", "index": index, "delta": delta}))?;
    }
    connection.event(&json!({"type": "content_block_stop", "index": index}))
}
