//! Event streams in the shape that the agent programs write them, the same on every machine.
//!
//! The mix is that of long recordings: 55 events of 100 are small pieces of a text, 17 carry
//! the output of a tool, the rest opens, closes and repeats. Half of the texts hold escapes.

/// How many events a stream has.
pub const EVENTS: usize = 20_000;

/// Lines of Claude Code's `stream-json`, about 1.5 kB each on average.
pub fn claude() -> String {
    let mut text = String::new();
    let output = tool_output();
    for number in 0..EVENTS {
        let tail = format!(
            r#""session_id":"6f0c2b9e-52f1-4c55-9a54-0a7c9c1d2e3f","parent_tool_use_id":null,"uuid":"{number:08}-0000-4000-8000-000000000000""#
        );
        let words = words(number);
        let line = match number % 100 {
            0..55 => format!(
                r#"{{"type":"stream_event","event":{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{words}"}}}},{tail}}}"#
            ),
            55..72 => format!(
                r#"{{"type":"user","message":{{"role":"user","content":[{{"type":"tool_result","content":"{output}","is_error":false,"tool_use_id":"toolu_{number}"}}]}},{tail}}}"#
            ),
            72..84 => format!(
                r#"{{"type":"assistant","message":{{"id":"msg_{number}","type":"message","role":"assistant","model":"a-model","content":[{{"type":"tool_use","id":"toolu_{number}","name":"Edit","input":{{"file_path":"/work/src/berth.rs","old_string":"{words}","new_string":"{words} {words}"}}}}],"stop_reason":null,"usage":{{"input_tokens":1200,"cache_creation_input_tokens":300,"cache_read_input_tokens":50,"output_tokens":1}}}},{tail}}}"#
            ),
            84..92 => format!(
                r#"{{"type":"stream_event","event":{{"type":"content_block_start","index":1,"content_block":{{"type":"tool_use","id":"toolu_{number}","name":"Edit","input":{{}}}}}},{tail}}}"#
            ),
            _ => format!(
                r#"{{"type":"stream_event","event":{{"type":"content_block_stop","index":1}},{tail}}}"#
            ),
        };
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// Lines of Codex' `exec --json`; it repeats no text in pieces, so its small events are items.
pub fn codex() -> String {
    let mut text = String::new();
    let output = tool_output();
    for number in 0..EVENTS {
        let words = words(number);
        let line = match number % 100 {
            0..55 => format!(
                r#"{{"type":"item.completed","item":{{"id":"item_{number}","type":"agent_message","text":"{words}"}}}}"#
            ),
            55..72 => format!(
                r#"{{"type":"item.completed","item":{{"id":"item_{number}","type":"command_execution","command":"/bin/bash -lc 'cat berth.rs'","aggregated_output":"{output}","exit_code":0,"status":"completed"}}}}"#
            ),
            72..90 => format!(
                r#"{{"type":"item.started","item":{{"id":"item_{number}","type":"command_execution","command":"/bin/bash -lc \"sed -n 1,20p berth.rs\"","aggregated_output":"","exit_code":null,"status":"in_progress"}}}}"#
            ),
            _ => format!(
                r#"{{"type":"item.completed","item":{{"id":"item_{number}","type":"file_change","changes":[{{"path":"/work/src/berth_{number}.rs","kind":"update"}}],"status":"completed"}}}}"#
            ),
        };
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// A few words, every second time with escapes in them.
fn words(number: usize) -> &'static str {
    if number.is_multiple_of(2) {
        "the letters of this berth"
    } else {
        r#"the \"letters\" of\nthis berth"#
    }
}

/// What `cat` printed of a file of 160 lines, as a JSON string.
fn tool_output() -> String {
    (1..=160)
        .map(|line| format!(r"{line:>6}\tlet berth_{line} = letters(pier);\n"))
        .collect()
}
