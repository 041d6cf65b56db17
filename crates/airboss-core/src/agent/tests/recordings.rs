//! Recorded streams of the real programs, judged by a second, naive reader.
//!
//! The recordings are not part of this repository; without them the tests say so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

use super::*;

/// The recordings of one program: name of the case and its lines.
#[expect(
    clippy::disallowed_methods,
    reason = "the recordings are outside of this repository"
)]
fn recordings(prefix: &str) -> Option<BTreeMap<String, Vec<String>>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/streams");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        #[expect(clippy::print_stdout, reason = "a skipped test says so")]
        {
            println!("skipped: no recordings in {}", folder.display());
        }
        return None;
    };
    let mut found = BTreeMap::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Some(case) = name
            .strip_prefix(prefix)
            .and_then(|name| name.strip_suffix(".jsonl"))
        else {
            continue;
        };
        // The app server speaks another protocol.
        if !case.starts_with("appserver") {
            let text = std::fs::read_to_string(&path).unwrap();
            // Two-way traces hold both directions; only what was received is the stream.
            let received = text.lines().filter(|line| !line.contains(r#""_dir": ">""#));
            found.insert(case.to_owned(), received.map(str::to_owned).collect());
        }
    }
    assert!(
        !found.is_empty(),
        "{} holds no recording of {prefix}",
        folder.display()
    );
    Some(found)
}

fn read(format: StreamFormat, lines: &[String]) -> (Vec<SessionUpdate>, Transcript) {
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    (updates(format, &lines), transcript(format, &lines))
}

/// What a naive reader finds: ids of started and ended tools in order, refusals, tokens.
#[derive(Default)]
struct Naive {
    started: Vec<String>,
    ended: Vec<(String, bool)>,
    denied: BTreeSet<String>,
    retries: u64,
    sessions: BTreeSet<String>,
    output: u64,
    cost: f64,
}

fn naive_claude(lines: &[String]) -> Naive {
    let mut found = Naive::default();
    for line in lines {
        let value: Value = serde_json::from_str(line).unwrap();
        let mut blocks = vec![value["event"]["content_block"].clone()];
        blocks.extend(
            value["message"]["content"]
                .as_array()
                .cloned()
                .unwrap_or_default(),
        );
        for block in blocks {
            match block["type"].as_str() {
                Some("tool_use") => {
                    let id = block["id"].as_str().unwrap().to_owned();
                    if !found.started.contains(&id) {
                        found.started.push(id);
                    }
                }
                Some("tool_result") => {
                    let id = block["tool_use_id"].as_str().unwrap().to_owned();
                    found.ended.push((id, block["is_error"] != true));
                }
                _ => {}
            }
        }
        found.retries += u64::from(value["subtype"] == "api_retry");
        if value["subtype"] == "permission_denied" {
            found
                .denied
                .insert(value["tool_use_id"].as_str().unwrap().to_owned());
        }
        if value["subtype"] == "init" {
            found
                .sessions
                .insert(value["session_id"].as_str().unwrap().to_owned());
        }
        for (_, model) in value["model_usage_since_last_result"]
            .as_object()
            .into_iter()
            .flatten()
        {
            found.output += model["outputTokens"].as_u64().unwrap();
            found.cost += model["costUSD"].as_f64().unwrap();
        }
    }
    found
}

fn naive_codex(lines: &[String]) -> Naive {
    let mut found = Naive::default();
    for line in lines {
        let value: Value = serde_json::from_str(line).unwrap();
        let item = &value["item"];
        let id = item["id"].as_str().unwrap_or_default().to_owned();
        match value["type"].as_str().unwrap() {
            "item.started" if item["type"] == "command_execution" => found.started.push(id),
            "item.completed" if item["type"] == "command_execution" => {
                found.ended.push((id, item["exit_code"] == 0));
            }
            "error"
                if value["message"]
                    .as_str()
                    .unwrap()
                    .starts_with("Reconnecting") =>
            {
                found.retries += 1;
            }
            "thread.started" => {
                found
                    .sessions
                    .insert(value["thread_id"].as_str().unwrap().to_owned());
            }
            "turn.completed" => found.output = value["usage"]["output_tokens"].as_u64().unwrap(),
            _ => {}
        }
    }
    found
}

fn agree(case: &str, naive: &Naive, updates: &[SessionUpdate], transcript: &Transcript) {
    let started = updates.iter().filter_map(|update| match update {
        SessionUpdate::ToolStarted { id, .. } => Some(id.clone()),
        _ => None,
    });
    assert_eq!(started.collect::<Vec<_>>(), naive.started, "{case}: starts");
    let ended = updates.iter().filter_map(|update| match update {
        SessionUpdate::ToolEnded { id, ok, .. } => Some((id.clone(), *ok)),
        _ => None,
    });
    assert_eq!(ended.collect::<Vec<_>>(), naive.ended, "{case}: ends");
    assert_eq!(
        transcript.running.len(),
        naive.started.len() - naive.ended.len(),
        "{case}: running"
    );
    assert_eq!(
        transcript.denied.len(),
        naive.denied.len(),
        "{case}: denied"
    );
    assert_eq!(
        transcript
            .finished
            .iter()
            .filter(|tool| tool.denied)
            .count(),
        naive.denied.len(),
        "{case}"
    );
    assert_eq!(transcript.retries, naive.retries, "{case}: retries");
    assert_eq!(
        transcript.session.iter().cloned().collect::<BTreeSet<_>>(),
        naive.sessions,
        "{case}"
    );
    for tool in &transcript.finished {
        assert!(
            tool.name.is_some() && !tool.input.summary.is_empty() && tool.duration.is_some(),
            "{case}: {tool:?}"
        );
    }
    if transcript.end.is_some() {
        assert_eq!(
            transcript.usage().output,
            naive.output,
            "{case}: output tokens"
        );
        let cost = transcript.usage().cost_usd.unwrap_or_default();
        assert!(
            (cost - naive.cost).abs() < 1e-9,
            "{case}: {cost} is not {}",
            naive.cost
        );
    }
}

/// A line of the table below, in words.
fn outcome(transcript: &Transcript) -> String {
    let end = match &transcript.end {
        None => "none".to_owned(),
        Some(end) => format!("{:?}{}", end.reason, if end.retryable { "+" } else { "" }),
    };
    let limit = match &transcript.limit {
        None => "",
        Some(limit) if limit.resets_at.is_some() => " until",
        Some(_) => " limit",
    };
    format!("{end}{limit}")
}

fn check_table(outcomes: &BTreeMap<String, String>, table: &[(&str, &str)]) {
    let expected: BTreeMap<String, String> = table
        .iter()
        .flat_map(|(outcome, cases)| {
            cases
                .split(' ')
                .map(|case| (case.to_owned(), (*outcome).to_owned()))
        })
        .collect();
    assert_eq!(outcomes, &expected);
}

/// Read by a person in each recording: how it ends (`+`: retryable) and the limit.
const CLAUDE: &[(&str, &str)] = &[
    (
        "Completed",
        "bare bypass-issandbox denied dontask flaky500 mcp-sysprompt-hooks ok resume resume-othercwd unifiedwarn-oauth",
    ),
    ("Api", "http400 http401-retries2"),
    (
        "Api+",
        "drop-retries2 hang-timeout5s http500-retries2 http529-retries2 middrop sse_error",
    ),
    ("Limited+ limit", "http429-retries2 unified429-apikey"),
    ("Limited+ until", "unified429-oauth"),
    ("Budget", "maxbudget"),
    ("MaxTurns", "maxturns1"),
    ("Aborted", "sigINT"),
    ("Failed", "nonexistentresume"),
    (
        "none",
        "bidi-allow bidi-interrupt bypass-root drop hang http401 http429 http500 http529 midhang midhang-idle5s midhang-timeout5s pidns sigKILL sigKILLgroup sigTERM",
    ),
];

const CODEX: &[(&str, &str)] = &[
    (
        "Completed",
        "mcp-sys ok ok-applypatch readonly readonly-nounified resume",
    ),
    ("Api", "http400 http401"),
    (
        "Api+",
        "drop http500 http529 middrop midhang-idle5s retry1-http500 sse_error",
    ),
    ("Limited+ limit", "http429"),
    (
        "none",
        "gitkill hang hang-idle5s midhang sigINT sigKILL sigKILL-nosandbox sigTERM sigTERM-nosandbox",
    ),
];

#[test]
fn claude_recordings_read_right() {
    let Some(recordings) = recordings("claude-2.1.328-") else {
        return;
    };
    let mut outcomes = BTreeMap::new();
    for (case, lines) in &recordings {
        let (updates, transcript) = read(StreamFormat::Claude, lines);
        agree(case, &naive_claude(lines), &updates, &transcript);
        for update in &updates {
            if let SessionUpdate::Raw { kind, .. } = update {
                assert!(
                    kind.starts_with("system/hook_") || kind == "system/ui_invalidate",
                    "{case}: {kind}"
                );
            }
        }
        outcomes.insert(case.clone(), outcome(&transcript));
    }
    check_table(&outcomes, CLAUDE);
    let ok = read(StreamFormat::Claude, &recordings["ok"]).1;
    assert_eq!(ok.claims.len(), 1);
    assert!(ok.claims.keys().all(|path| path.ends_with("/hello.txt")));
    assert_eq!(
        ok.text(),
        Some("All done: wrote hello.txt and ran the shell command.")
    );
    assert!(
        read(StreamFormat::Claude, &recordings["denied"])
            .1
            .claims
            .is_empty()
    );
    let until = read(StreamFormat::Claude, &recordings["unified429-oauth"])
        .1
        .limit
        .unwrap();
    assert_eq!(
        until.resets_at.map(Timestamp::as_millis),
        Some(1_795_231_026_000)
    );
    // A resumed session's own cost, not that of the session.
    let resumed = read(StreamFormat::Claude, &recordings["resume"])
        .1
        .usage()
        .cost_usd
        .unwrap();
    assert!((resumed - 0.01074).abs() < 1e-9, "{resumed}");
}

#[test]
fn codex_recordings_read_right() {
    let Some(recordings) = recordings("codex-0.169.0-") else {
        return;
    };
    let mut outcomes = BTreeMap::new();
    for (case, lines) in &recordings {
        let (updates, transcript) = read(StreamFormat::Codex, lines);
        agree(case, &naive_codex(lines), &updates, &transcript);
        assert_eq!(transcript.raw, 0, "{case}");
        outcomes.insert(case.clone(), outcome(&transcript));
    }
    check_table(&outcomes, CODEX);
    assert!(
        read(StreamFormat::Codex, &recordings["resume"])
            .1
            .usage_covers_session()
    );
}

#[test]
fn damaged_recordings_do_not_panic() {
    for (prefix, format) in [
        ("claude-2.1.328-", StreamFormat::Claude),
        ("codex-0.169.0-", StreamFormat::Codex),
    ] {
        let Some(recordings) = recordings(prefix) else {
            return;
        };
        for lines in recordings.values() {
            let mut parser = StreamParser::new(format);
            for (line, number) in lines.iter().zip(1_usize..) {
                // A deterministic walk through cuts and flips.
                let mut bytes = line.clone().into_bytes();
                let at = number * 7919 % bytes.len();
                bytes[at] ^= 0x15;
                parser.parse(&bytes);
                parser.parse(&bytes[..at]);
                parser.parse(&bytes[at..]);
            }
        }
    }
}
