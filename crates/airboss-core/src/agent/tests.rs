//! The parsers and the transcript against small streams of our own, against the
//! recordings of real programs where they are at hand, and against noise.

mod recordings;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::board::testing::cases;

/// Everything that the lines say.
fn updates(format: StreamFormat, lines: &[&str]) -> Vec<SessionUpdate> {
    let mut parser = StreamParser::new(format);
    lines
        .iter()
        .flat_map(|line| parser.parse(line.as_bytes()))
        .collect()
}

/// The transcript of lines that come a second apart.
fn transcript(format: StreamFormat, lines: &[&str]) -> Transcript {
    let mut parser = StreamParser::new(format);
    let mut transcript = Transcript::default();
    for (line, second) in lines.iter().zip(1..) {
        for update in parser.parse(line.as_bytes()) {
            transcript.apply(Timestamp::from_millis(second * 1000), &update);
        }
    }
    transcript
}

/// The updates in short: their names and what identifies them.
fn check(format: StreamFormat, lines: &[&str], expected: &[&str]) {
    let short: Vec<String> = updates(format, lines)
        .iter()
        .map(|update| {
            let value = serde_json::to_value(update).expect("updates serialise");
            let again: SessionUpdate =
                serde_json::from_value(value.clone()).expect("and come back");
            assert_eq!(&again, update);
            let detail = [
                "id", "text", "request", "reason", "kind", "scope", "message", "session",
            ];
            let detail = detail.iter().find_map(|key| value.get(*key)?.as_str());
            let marks = ["ok", "denied", "rejected", "partial", "retryable"]
                .iter()
                .filter(|key| value.get(**key) == Some(&json!(true)))
                .map(|key| format!(" {key}"))
                .collect::<String>();
            format!(
                "{} {}{marks}",
                value["update"].as_str().unwrap(),
                detail.unwrap_or("-")
            )
        })
        .collect();
    assert_eq!(short, expected, "{lines:#?}");
}

const START: &str = r#"{"type":"stream_event","event":{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t1","name":"Write","input":{}}},"parent_tool_use_id":null}"#;
const CALL: &str = r#"{"type":"assistant","message":{"id":"m1","content":[{"type":"tool_use","id":"t1","name":"Write","input":{"content":"x","file_path":"/w/a.md"}}]},"parent_tool_use_id":null}"#;
const RESULT: &str = r#"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t1","content":"done","is_error":false}]}}"#;

#[test]
fn a_claude_tool_is_announced_once_at_its_first_event() {
    let events = ["tool_started t1", "tool_input t1", "tool_ended t1 ok"];
    check(StreamFormat::Claude, &[START, CALL, RESULT], &events);
    check(
        StreamFormat::Claude,
        &[CALL, RESULT],
        &["tool_started t1", "tool_ended t1 ok"],
    );
    let seen = transcript(StreamFormat::Claude, &[START, CALL, RESULT]);
    let tool = &seen.finished[0];
    assert_eq!(tool.name.as_deref(), Some("Write"));
    assert_eq!(tool.input.summary, "/w/a.md");
    assert_eq!(tool.duration, Some(std::time::Duration::from_secs(2)));
    assert_eq!((tool.ok, tool.output.as_str()), (true, "done"));
    assert_eq!(seen.claims.keys().collect::<Vec<_>>(), ["/w/a.md"]);
    assert!(seen.end.is_none(), "no result event: the caller decides");
}

#[test]
fn field_order_and_field_types_are_free() {
    let turned = r#"{"message":{"content":[{"input":{"command":"ls"},"name":"Bash","id":"t9","type":"tool_use"}]},"type":"assistant"}"#;
    check(StreamFormat::Claude, &[turned], &["tool_started t9"]);
    let streamed = r#"{"event":{"delta":{"text":"hi","type":"text_delta"},"type":"content_block_delta"},"type":"stream_event"}"#;
    check(StreamFormat::Claude, &[streamed], &["text hi partial"]);
    // Strings, numbers and lists where objects were, and the reverse.
    let odd = r#"{"type":"assistant","message":{"content":"text","usage":[1],"id":7},"event":"x","request":3,"is_error":"no","errors":{"a":1}}"#;
    check(StreamFormat::Claude, &[odd], &[]);
    check(
        StreamFormat::Claude,
        &[r#"{"type":["a"]}"#],
        &["raw unknown"],
    );
}

#[test]
fn parallel_tools_subagents_and_ends_without_start() {
    let lines = [
        r#"{"type":"assistant","message":{"id":"m","content":[{"type":"tool_use","id":"a","name":"Task","input":{"description":"look"}},{"type":"tool_use","id":"b","name":"Bash","input":{"command":"ls"}}]}}"#,
        r#"{"type":"assistant","parent_tool_use_id":"a","message":{"id":"n","content":[{"type":"text","text":"inner"},{"type":"tool_use","id":"c","name":"Edit","input":{"file_path":"b.rs"}}]}}"#,
        r#"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"b","is_error":true,"content":[{"type":"text","text":"no"}]},{"type":"tool_result","tool_use_id":"zz","content":"?"}]}}"#,
    ];
    check(
        StreamFormat::Claude,
        &lines,
        &[
            "tool_started a",
            "tool_started b",
            "text inner",
            "tool_started c",
            "tool_ended b",
            "tool_ended zz ok",
        ],
    );
    let seen = transcript(StreamFormat::Claude, &lines);
    assert_eq!(
        seen.running
            .iter()
            .map(|tool| tool.id.as_str())
            .collect::<Vec<_>>(),
        ["a", "c"]
    );
    assert_eq!(seen.running[1].parent.as_deref(), Some("a"));
    assert_eq!((seen.tools, seen.tools_failed, seen.text()), (4, 1, None));
    let unknown = &seen.finished[1];
    assert_eq!(
        (&unknown.name, unknown.duration),
        (&None, None),
        "nothing is invented"
    );
    assert_eq!(seen.activity(), Activity::Tool);
}

#[test]
fn refusals_are_told_once_and_claim_nothing() {
    let lines = [
        CALL,
        r#"{"type":"system","subtype":"permission_denied","tool_name":"Write","tool_use_id":"t1","message":"not granted"}"#,
        r#"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t1","content":"no","is_error":true}]}}"#,
        r#"{"type":"result","subtype":"success","is_error":false,"permission_denials":[{"tool_name":"Write","tool_use_id":"t1"},{"tool_name":"Bash","tool_use_id":"t2"}],"result":"All done"}"#,
    ];
    check(
        StreamFormat::Claude,
        &lines,
        &[
            "tool_started t1",
            "permission_denied t1",
            "tool_ended t1 denied",
            "permission_denied t2",
            "usage turn",
            "ended completed ok",
        ],
    );
    let seen = transcript(StreamFormat::Claude, &lines);
    assert!(seen.claims.is_empty() && seen.finished[0].denied);
    assert_eq!(
        seen.denied[0],
        ("Write".to_owned(), "not granted".to_owned())
    );
    assert!(
        seen.end.unwrap().ok,
        "the agent claims success all the same"
    );
}

/// The end that a result line tells: reason, retryable.
fn check_end(result: &str, reason: EndReason, retryable: bool) {
    let line = format!(r#"{{"type":"result",{result}}}"#);
    let ends = updates(StreamFormat::Claude, &[&line]);
    let Some(SessionUpdate::Ended(end)) = ends.last() else {
        panic!("{ends:?}")
    };
    assert_eq!(
        (end.reason, end.retryable, end.ok),
        (reason, retryable, reason == EndReason::Completed),
        "{line}"
    );
}

#[test]
fn a_result_means_what_is_error_says() {
    check_end(
        r#""subtype":"success","is_error":false"#,
        EndReason::Completed,
        false,
    );
    check_end(
        r#""subtype":"success","is_error":true,"terminal_reason":"api_error","api_error_status":400"#,
        EndReason::Api,
        false,
    );
    check_end(
        r#""subtype":"success","is_error":true,"terminal_reason":"api_error","api_error_status":529"#,
        EndReason::Api,
        true,
    );
    check_end(
        r#""subtype":"success","is_error":true,"terminal_reason":"api_error","api_error_status":null,"api_error":"connection_failed""#,
        EndReason::Api,
        true,
    );
    check_end(
        r#""subtype":"success","is_error":true,"api_error_status":429"#,
        EndReason::Limited,
        true,
    );
    check_end(
        r#""subtype":"success","is_error":true,"result":"You've hit your 5-hour limit · resets 3:17am (UTC)""#,
        EndReason::Limited,
        true,
    );
    check_end(
        r#""subtype":"error_max_turns","is_error":true"#,
        EndReason::MaxTurns,
        false,
    );
    check_end(
        r#""subtype":"error_max_budget_usd","is_error":true"#,
        EndReason::Budget,
        false,
    );
    check_end(
        r#""subtype":"error_during_execution","is_error":true,"terminal_reason":"aborted_tools""#,
        EndReason::Aborted,
        false,
    );
    check_end(
        r#""subtype":"error_during_execution","is_error":true,"errors":["No such session"]"#,
        EndReason::Failed,
        false,
    );
    check_end(r#""subtype":7"#, EndReason::Failed, false);
}

#[test]
fn limits_carry_their_end() {
    let event = r#"{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1795231026,"rateLimitType":"five_hour"}}"#;
    let result = r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":429,"result":"You've hit your 5-hour limit · resets 3:17am (UTC)"}"#;
    check(
        StreamFormat::Claude,
        &[event, result],
        &[
            "rate_limited - rejected",
            "usage turn",
            "rate_limited You've hit your 5-hour limit · resets 3:17am (UTC) rejected",
            "ended limited retryable",
        ],
    );
    let limit = transcript(StreamFormat::Claude, &[event, result])
        .limit
        .unwrap();
    assert_eq!(
        limit.resets_at,
        Some(Timestamp::from_millis(1_795_231_026_000))
    );
    assert_eq!(limit.limit.as_deref(), Some("five_hour"));
    let words = transcript(StreamFormat::Claude, &[result]).limit.unwrap();
    assert_eq!(
        words.resets_at.unwrap().seconds_text(),
        "1970-01-01T03:17:00Z",
        "by the words alone"
    );
    let paid = event.replace("\"resetsAt\"", "\"isUsingOverage\":true,\"resetsAt\"");
    assert_eq!(
        transcript(StreamFormat::Claude, &[event, &paid]).limit,
        None
    );
}

#[test]
fn usage_is_counted_once() {
    let start = r#"{"type":"stream_event","event":{"type":"message_start","message":{"id":"m1","usage":{"input_tokens":10,"cache_read_input_tokens":5,"output_tokens":1}}}}"#;
    let delta =
        r#"{"type":"stream_event","event":{"type":"message_delta","usage":{"output_tokens":7}}}"#;
    let said = r#"{"type":"assistant","message":{"id":"m1","content":[{"type":"text","text":"hi"}],"usage":{"input_tokens":10,"output_tokens":1}}}"#;
    let result = r#"{"type":"result","subtype":"success","is_error":false,"total_cost_usd":9.5,"usage":{"input_tokens":10,"cache_read_input_tokens":5,"output_tokens":7},"model_usage_since_last_result":{"big":{"inputTokens":10,"cacheReadInputTokens":5,"outputTokens":7,"costUSD":0.25},"small":{"inputTokens":3,"outputTokens":2,"costUSD":0.5}}}"#;
    let live = transcript(StreamFormat::Claude, &[start, said, said, delta]).usage();
    assert_eq!(
        (live.input, live.cached, live.output, live.cost_usd),
        (10, 5, 7, None)
    );
    let whole = transcript(StreamFormat::Claude, &[start, said, said, delta, result]).usage();
    assert_eq!(
        (whole.input, whole.cached, whole.output, whole.cost_usd),
        (13, 5, 9, Some(0.75))
    );
    let twice = transcript(
        StreamFormat::Claude,
        &[start, delta, result, start, delta, result],
    )
    .usage();
    assert_eq!((twice.input, twice.output), (26, 18));
    let quiet = transcript(StreamFormat::Claude, &[said, said]).usage();
    assert_eq!(
        (quiet.input, quiet.output),
        (10, 1),
        "without partial messages: once per message"
    );
}

#[test]
fn permissions_and_questions_wait() {
    let ask = r#"{"type":"control_request","request_id":"r1","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{"command":"rm x"},"tool_use_id":"t4"}}"#;
    let withdraw = r#"{"type":"control_cancel_request","request_id":"r1"}"#;
    check(
        StreamFormat::Claude,
        &[ask, withdraw],
        &["permission_asked t4", "permission_withdrawn r1"],
    );
    let waiting = transcript(StreamFormat::Claude, &[ask]);
    assert_eq!(
        (waiting.activity(), waiting.asked[0].input.summary.as_str()),
        (Activity::Waiting, "rm x")
    );
    assert_eq!(
        transcript(StreamFormat::Claude, &[ask, withdraw]).activity(),
        Activity::Thinking
    );
    let question = r#"{"type":"assistant","message":{"content":[{"type":"tool_use","id":"q","name":"AskUserQuestion","input":{"questions":[{"question":"Which?"}]}}]}}"#;
    assert_eq!(
        transcript(StreamFormat::Claude, &[question]).questions,
        ["Which?"]
    );
}

#[test]
fn a_second_init_begins_a_turn() {
    let init = r#"{"type":"system","subtype":"init","session_id":"s1","model":"m"}"#;
    let result = r#"{"type":"result","subtype":"success","is_error":false}"#;
    let seen = transcript(StreamFormat::Claude, &[init, result, init]);
    assert_eq!((seen.session.as_deref(), seen.end), (Some("s1"), None));
}

#[test]
fn codex_warnings_retries_and_failures_are_told_apart() {
    check(
        StreamFormat::Codex,
        &[
            r#"{"type":"thread.started","thread_id":"th"}"#,
            r#"{"type":"item.completed","item":{"id":"i0","type":"error","message":"odd model"}}"#,
            r#"{"type":"turn.started"}"#,
            r#"{"type":"error","message":"Reconnecting... 2/5 (unexpected status 503 Service Unavailable: x)"}"#,
            r#"{"type":"error","message":"unexpected status 503 Service Unavailable: x"}"#,
            r#"{"type":"turn.failed","error":{"message":"unexpected status 503 Service Unavailable: x"}}"#,
        ],
        &[
            "session_started th",
            "warning odd model",
            "turn_started -",
            "requesting -",
            "retry unexpected status 503 Service Unavailable: x",
            "warning unexpected status 503 Service Unavailable: x",
            "ended api retryable",
        ],
    );
    let limited = r#"{"type":"turn.failed","error":{"message":"You've hit your usage limit. Try again in 2 hours 1 minute."}}"#;
    let seen = transcript(StreamFormat::Codex, &[limited]);
    assert_eq!(
        seen.limit.unwrap().resets_at,
        Some(Timestamp::from_millis(1000 + 7_260_000))
    );
    assert_eq!(seen.end.unwrap().reason, EndReason::Limited);
    check(
        StreamFormat::Codex,
        &[r#"{"type":"turn.failed","error":{"message":"no"}}"#],
        &["ended failed"],
    );
    // The service's whole answer, of which a person wants the sentence.
    let refused = r#"{"type":"turn.failed","error":{"message":"{\"error\":{\"code\":\"invalid_request_error\",\"message\":\"too long\"}}"}}"#;
    let end = transcript(StreamFormat::Codex, &[refused]).end.unwrap();
    assert_eq!((end.reason, end.retryable), (EndReason::Api, false));
    assert_eq!(end.message.as_deref(), Some("too long"));
}

#[test]
fn codex_tools_and_cumulative_usage() {
    let lines = [
        r#"{"type":"item.started","item":{"id":"i1","type":"command_execution","command":"make","exit_code":null,"status":"in_progress"}}"#,
        r#"{"type":"item.completed","item":{"id":"i1","type":"command_execution","command":"make","aggregated_output":"oops","exit_code":2,"status":"failed"}}"#,
        r#"{"type":"item.completed","item":{"id":"i2","type":"file_change","changes":[{"path":"a.rs","kind":"update"},{"path":"b.rs","kind":"add"}],"status":"completed"}}"#,
        r#"{"type":"item.completed","item":{"id":"i3","type":"command_execution","command":"rm","status":"declined"}}"#,
        r#"{"type":"item.completed","item":{"id":"i4","type":"novelty"}}"#,
        r#"{"type":"turn.completed","usage":{"input_tokens":30,"cached_input_tokens":10,"output_tokens":4}}"#,
        r#"{"type":"turn.completed","usage":{"input_tokens":50,"cached_input_tokens":10,"output_tokens":9}}"#,
    ];
    check(
        StreamFormat::Codex,
        &lines,
        &[
            "tool_started i1",
            "tool_ended i1",
            "tool_ended i2 ok",
            "tool_ended i3 denied",
            "raw item.completed/novelty",
            "usage session",
            "ended completed ok",
            "usage session",
            "ended completed ok",
        ],
    );
    let seen = transcript(StreamFormat::Codex, &lines);
    assert_eq!(
        (seen.usage().input, seen.usage().cached, seen.usage().output),
        (40, 10, 9)
    );
    assert_eq!(seen.claims.keys().collect::<Vec<_>>(), ["a.rs", "b.rs"]);
    assert_eq!(seen.finished[0].input.summary, "make");
}

#[test]
fn codex_items_that_no_recording_has() {
    check(
        StreamFormat::Codex,
        &[
            r#"{"type":"item.started","item":{"id":"i1","type":"web_search","id":"ws1","query":"q","action":{"type":"search"}}}"#,
            r#"{"type":"item.completed","item":{"id":"i1","type":"web_search","id":"ws1","query":"q"}}"#,
            r#"{"type":"item.completed","item":{"id":"i2","type":"mcp_tool_call","server":"s","tool":"t","error":{"message":"no"},"status":"failed"}}"#,
            r#"{"type":"item.completed","item":{"id":"i3","type":"plan","text":"First."}}"#,
            r#"{"type":"request_user_input","id":"x","call_id":"c","questions":[{"id":"a","question":"Which?"}]}"#,
        ],
        &[
            "tool_started ws1",
            "tool_ended ws1 ok",
            "tool_ended i2",
            "text First.",
            "question Which?",
        ],
    );
}

#[test]
fn what_is_not_known_is_kept_raw() {
    for format in [StreamFormat::Claude, StreamFormat::Codex] {
        check(format, &[""], &[]);
        check(format, &["  \r\n"], &[]);
        check(format, &["plain words"], &["raw text"]);
        check(format, &[r#"{"type":"assist"#], &["raw unparsed"]);
        check(
            format,
            &[r#"{"type":"novelty","a":[{}]}"#],
            &["raw novelty"],
        );
        check(format, &["[1,2]"], &["raw text"]);
    }
    check(
        StreamFormat::Plain,
        &["Done: 3 files"],
        &["text Done: 3 files"],
    );
    let invalid = StreamParser::new(StreamFormat::Claude).parse(b"\xff{\xfe");
    assert!(
        matches!(&invalid[0], SessionUpdate::Raw { .. }),
        "{invalid:?}"
    );
    let mut bytes = RESULT.replace("done", "d\u{e9}").into_bytes();
    let position = bytes.iter().position(|byte| *byte == 0xc3).unwrap();
    bytes.remove(position);
    let repaired = StreamParser::new(StreamFormat::Claude).parse(&bytes);
    assert!(
        matches!(&repaired[0], SessionUpdate::ToolEnded { ok: true, .. }),
        "{repaired:?}"
    );
}

#[test]
fn depth_and_length_are_bounded() {
    for deep in [
        "[".repeat(100_000),
        "{\"a\":".repeat(100_000),
        format!(
            r#"{{"type":"assistant","message":{}{}}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        ),
    ] {
        for format in [StreamFormat::Claude, StreamFormat::Codex] {
            assert_eq!(updates(format, &[&deep]).len(), 1);
        }
    }
    let long = CALL.replace("\"x\"", &format!("\"{}\"", "y".repeat(3_000_000)));
    let total: usize = updates(StreamFormat::Claude, &[&long])
        .iter()
        .map(|update| serde_json::to_string(update).unwrap().len())
        .sum();
    assert!(total < 1000, "a long input is not carried on: {total}");
    let mut seen = Transcript::default();
    let mut parser = StreamParser::new(StreamFormat::Claude);
    for number in 0..5000 {
        for line in [
            CALL,
            START,
            r#"{"type":"stream_event","event":{"type":"content_block_delta","delta":{"type":"text_delta","text":"0123456789012345678901234567890123456789"}}}"#,
            "noise",
        ] {
            let line = line
                .replace("t1", &format!("t{number}"))
                .replace("a.md", &format!("{number}.md"));
            for update in parser.parse(line.as_bytes()) {
                seen.apply(Timestamp::default(), &update);
            }
        }
    }
    assert!(serde_json::to_string(&seen).unwrap().len() < 2_000_000 && seen.claims_incomplete);
    assert_eq!(seen.tools, 5000);
}

#[test]
fn every_update_is_possible_by_the_table() {
    assert_eq!(
        StreamFormat::Plain.capabilities(),
        Capabilities {
            tool_start: false,
            ..StreamFormat::Plain.capabilities()
        }
    );
    assert!(
        !StreamFormat::Codex.capabilities().every_tool
            && StreamFormat::Claude.capabilities().reset_time
    );
}

/// Lines of every kind, to be damaged.
const SEEDS: [&str; 6] = [
    START,
    CALL,
    RESULT,
    r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":429,"errors":["a"],"result":"resets 3:17am (UTC)|1795231026","usage":{"input_tokens":1}}"#,
    r#"{"type":"item.completed","item":{"id":"i","type":"command_execution","command":"x","exit_code":1e999}}"#,
    r#"{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":-1e308}}"#,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(512)))]

    #[test]
    fn no_bytes_panic(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..8)) {
        survive(&lines);
    }

    #[test]
    fn no_damaged_line_panics(
        picks in prop::collection::vec((0..SEEDS.len(), any::<prop::sample::Index>(), any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 0..6)), 1..8),
    ) {
        let lines: Vec<Vec<u8>> = picks.into_iter().map(|(seed, from, to, patch)| {
            let mut line = SEEDS[seed].as_bytes().to_vec();
            let (from, to) = (from.index(line.len()), to.index(line.len()));
            line.splice(from.min(to)..from.max(to).min(from.min(to) + 8), patch);
            line
        }).collect();
        survive(&lines);
    }

    #[test]
    fn no_sentence_panics(words in "[a-z0-9: .|()]{0,40}(resets |again in )?[0-9apmUTC:| ().a-z]{0,30}") {
        let _ = reset_from_text(&words, Timestamp::from_millis(i64::MAX));
        let _ = reset_from_text(&words, Timestamp::from_millis(0));
    }
}

fn survive(lines: &[Vec<u8>]) {
    for format in [
        StreamFormat::Claude,
        StreamFormat::Codex,
        StreamFormat::Plain,
    ] {
        let mut parser = StreamParser::new(format);
        let mut transcript = Transcript::default();
        for line in lines {
            for update in parser.parse(line) {
                transcript.apply(Timestamp::from_millis(i64::MAX), &update);
            }
        }
        let _ = (transcript.activity(), transcript.usage(), transcript.text());
        let saved = serde_json::to_string(&transcript).expect("a transcript serialises");
        serde_json::from_str::<Transcript>(&saved).expect("and comes back");
    }
}

/// Run by hand in a release build: `cargo test --release -p airboss-core -- --ignored --nocapture speed`.
#[test]
#[ignore = "a measurement, not a check"]
#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn speed() {
    let delta = r#"{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a dozen characters"}},"session_id":"93eb3b7a-dc72-4fc2-bf53-4a4e6c822243","parent_tool_use_id":null,"uuid":"34f1f30f-888d-4332-aec0-ee4e54e40ca6","api_message_id":"msg_5dc58530d691490986e3"}"#;
    let large = RESULT.replace("done", &"a line of a build log\\n".repeat(1500));
    for (kind, line) in [
        ("delta", delta),
        ("tool input", CALL),
        ("tool result", &large),
    ] {
        let mut parser = StreamParser::new(StreamFormat::Claude);
        let rounds = 60_000_000 / line.len();
        let start = std::time::Instant::now();
        let updates: usize = (0..rounds)
            .map(|_| parser.parse(std::hint::black_box(line.as_bytes())).len())
            .sum();
        let rate = (rounds * line.len()) as f64 / start.elapsed().as_secs_f64() / 1e6;
        #[expect(clippy::print_stdout, reason = "this is what it is for")]
        {
            println!("{kind}: {rate:.0} MB/s, {updates} updates");
        }
    }
}
