//! Event streams in the shape that the agent programs write them, the same on every machine.
//!
//! The mix is that of long recordings: 55 events of 100 are small pieces of a text, 17 carry
//! the output of a tool, 17 announce one, 11 are about nothing much. Half of the texts hold
//! escapes.

/// How many events a stream has.
pub(crate) const EVENTS: usize = 20_000;

/// How many of them end a tool.
pub(crate) const TOOLS: usize = EVENTS * 17 / 100;

/// One event of the mix.
enum Event {
    Piece,
    ToolStarts(usize),
    ToolEnds(usize),
    Other,
}

/// Lines of Claude Code's `stream-json`, about 1.3 kB each on average.
pub(crate) fn claude() -> String {
    let output = tool_output();
    lines(|number, event| {
        let words = words(number);
        let tail = format!(
            r#""session_id":"6f0c2b9e-52f1-4c55-9a54-0a7c9c1d2e3f","parent_tool_use_id":null,"uuid":"{number:08}-0000-4000-8000-000000000000""#
        );
        match event {
            Event::Piece => format!(
                r#"{{"type":"stream_event","event":{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{words}"}}}},{tail}}}"#
            ),
            Event::ToolStarts(tool) => format!(
                r#"{{"type":"assistant","message":{{"id":"msg_{number}","type":"message","role":"assistant","model":"a-model","content":[{{"type":"tool_use","id":"toolu_{tool}","name":"Edit","input":{{"file_path":"/srv/harbour/src/berth.rs","old_string":"{words}","new_string":"{words} {words}"}}}}],"stop_reason":null,"usage":{{"input_tokens":1200,"cache_creation_input_tokens":300,"cache_read_input_tokens":50,"output_tokens":1}}}},{tail}}}"#
            ),
            Event::ToolEnds(tool) => format!(
                r#"{{"type":"user","message":{{"role":"user","content":[{{"type":"tool_result","content":"{output}","is_error":false,"tool_use_id":"toolu_{tool}"}}]}},{tail}}}"#
            ),
            Event::Other => format!(
                r#"{{"type":"stream_event","event":{{"type":"content_block_stop","index":1}},{tail}}}"#
            ),
        }
    })
}

/// Lines of Codex' `exec --json`; it repeats no text in pieces, so its small events are messages.
pub(crate) fn codex() -> String {
    let output = tool_output();
    let command =
        r#""type":"command_execution","command":"/bin/bash -lc \"sed -n 1,160p berth.rs\"""#;
    lines(|number, event| {
        let words = words(number);
        match event {
            Event::Piece => format!(
                r#"{{"type":"item.completed","item":{{"id":"message_{number}","type":"agent_message","text":"{words}"}}}}"#
            ),
            Event::ToolStarts(tool) => format!(
                r#"{{"type":"item.started","item":{{"id":"item_{tool}",{command},"aggregated_output":"","exit_code":null,"status":"in_progress"}}}}"#
            ),
            Event::ToolEnds(tool) => format!(
                r#"{{"type":"item.completed","item":{{"id":"item_{tool}",{command},"aggregated_output":"{output}","exit_code":0,"status":"completed"}}}}"#
            ),
            Event::Other => format!(
                r#"{{"type":"item.completed","item":{{"id":"thought_{number}","type":"reasoning","text":"{words}"}}}}"#
            ),
        }
    })
}

/// The mix, in an order in which it can happen: a tool starts, and then it ends.
fn lines(line: impl Fn(usize, Event) -> String) -> String {
    let mut text = String::new();
    for number in 0..EVENTS {
        let (hundred, place) = (number / 100, number % 100);
        let event = match (place / 5, place % 5) {
            (turn @ 0..17, 3) => Event::ToolStarts(hundred * 17 + turn),
            (turn @ 0..17, 4) => Event::ToolEnds(hundred * 17 + turn),
            (0..17, _) => Event::Piece,
            _ if place < 89 => Event::Piece,
            _ => Event::Other,
        };
        text.push_str(&line(number, event));
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
