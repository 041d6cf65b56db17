//! The server as a client sees it: raw requests, raw answers.

use std::io::{Read, Write};

use super::*;

/// What comes back for these bytes, until the server closes.
fn exchange(server: &ModelServer, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    stream.write_all(bytes).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

fn post(server: &ModelServer, path: &str, body: &Value) -> String {
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nx-api-key: secret\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    exchange(server, format!("{head}{body}").as_bytes())
}

/// The JSON values of an event stream.
fn events(answer: &str) -> Vec<Value> {
    answer
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

fn claude_tools() -> Value {
    json!([
        {"name": "Bash", "input_schema": {"type": "object", "required": ["command"],
            "properties": {"command": {"type": "string"}, "timeout": {"type": "number"}}}},
        {"name": "Write", "input_schema": {"type": "object", "required": ["file_path", "content"],
            "properties": {"file_path": {"type": "string"}, "content": {"type": "string"}}}},
    ])
}

fn codex_tools() -> Value {
    json!([{"type": "function", "name": "exec_command", "parameters": {"type": "object",
        "required": ["cmd", "login"], "properties": {"cmd": {"type": "string"}, "login": {"type": "boolean"}}}}])
}

/// The conversation after `results` tool results, as Claude sends it.
fn claude_body(prompt: &str, results: usize) -> Value {
    let mut messages = vec![json!({"role": "user", "content": [{"type": "text", "text": prompt}]})];
    for number in 0..results {
        messages.push(json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": number, "content": "ok"}]}));
    }
    json!({"model": "m", "stream": true, "tools": claude_tools(), "messages": messages})
}

fn codex_body(prompt: &str, results: usize) -> Value {
    let mut input = vec![
        json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": prompt}]}),
    ];
    for number in 0..results {
        input.push(json!({"type": "function_call_output", "call_id": number, "output": "ok"}));
    }
    json!({"model": "m", "stream": true, "tools": codex_tools(), "input": input})
}

/// The input of the tool that Claude is told to call, or the text it is told to say.
fn claude_reply(server: &ModelServer, scenario: &str, prompt: &str, results: usize) -> Value {
    let answer = post(
        server,
        &format!("/s/{scenario}/t/v1/messages?beta=true"),
        &claude_body(prompt, results),
    );
    let events = events(&answer);
    assert_eq!(events.last().unwrap()["type"], "message_stop");
    let joined = |key: &str| {
        let parts = events
            .iter()
            .filter_map(|event| event["delta"][key].as_str());
        parts.collect::<String>()
    };
    let input = joined("partial_json");
    if input.is_empty() {
        json!(joined("text"))
    } else {
        serde_json::from_str(&input).unwrap()
    }
}

fn codex_reply(server: &ModelServer, scenario: &str, prompt: &str, results: usize) -> Value {
    let answer = post(
        server,
        &format!("/s/{scenario}/t/v1/responses"),
        &codex_body(prompt, results),
    );
    let events = events(&answer);
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.completed");
    let item = &last["response"]["output"][0];
    match item["arguments"].as_str() {
        Some(arguments) => serde_json::from_str(arguments).unwrap(),
        None => item["content"][0]["text"].clone(),
    }
}

const TASK: &str = "Do it.\nWorking directory: /w/x\nStep 1.2: a thing\nStep 2.1: another\n";

#[test]
fn claude_writes_runs_and_ends() {
    let server = ModelServer::start().unwrap();
    let reply = |results| claude_reply(&server, "ok", TASK, results);
    assert_eq!(
        reply(0),
        json!({"file_path": "/w/x/out/1-2.txt", "content": "step 1.2\n"})
    );
    assert_eq!(
        reply(1),
        json!({"file_path": "/w/x/out/2-1.txt", "content": "step 2.1\n"})
    );
    assert_eq!(
        reply(2),
        json!({"command": "cat out/1-2.txt && echo shell-ran >> out/1-2.txt"})
    );
    assert_eq!(
        reply(3),
        json!("All done: wrote the files and ran the shell command.")
    );
    let plain = claude_reply(&server, "ok", "Write. WORKDIR=/w/y", 0);
    assert_eq!(plain["file_path"], "/w/y/hello.txt");
    assert_eq!(
        claude_reply(&server, "shellonly", TASK, 1),
        json!("All done: wrote the files and ran the shell command.")
    );
    assert_eq!(
        claude_reply(&server, "loop", TASK, 7),
        json!({"command": "echo turn 7"})
    );
    assert!(
        claude_reply(&server, "slowtool", TASK, 0)["command"]
            .as_str()
            .unwrap()
            .contains("sleep 297")
    );
}

#[test]
fn a_slow_command_comes_once_in_a_conversation() {
    let server = ModelServer::start().unwrap();
    let reply = |results| claude_reply(&server, "slowonce", TASK, results);
    assert_eq!(
        reply(0),
        json!({"command": "setsid sleep 297 & sleep 297 & wait"})
    );
    assert_eq!(reply(1)["file_path"], "/w/x/out/1-2.txt");
    let mut body = claude_body(TASK, 1);
    let again = json!({"role": "user", "content": [{"type": "text", "text": TASK}]});
    body["messages"].as_array_mut().unwrap().push(again);
    let answer = post(&server, "/s/slowonce/t/v1/messages", &body);
    assert!(answer.contains("out/1-2.txt") && !answer.contains("sleep"));
}

#[test]
fn a_board_gets_what_it_asks_for() {
    let server = ModelServer::start().unwrap();
    let reply = |prompt: &str, results| claude_reply(&server, "board", prompt, results);
    let stage =
        "Working directory: /w/x\n\nWrite one report to exactly this path: a/reports/1.md\n";
    assert_eq!(reply(stage, 0)["file_path"], "/w/x/a/reports/1.md");
    assert!(reply(stage, 1).is_string());
    assert_eq!(reply(TASK, 0)["file_path"], "/w/x/out/1-2.txt");

    let installed = |typed: &str| {
        format!(
            "<typed>\n{typed}\n</typed>\n\n```sh\nairboss go NUMBER\n```\n\n```sh\nairboss go NUMBER \
             --prompt-file - <<'END'\nthe free text\nEND\n```\n"
        )
    };
    let command = |typed: &str| reply(&installed(typed), 0)["command"].clone();
    assert_eq!(command("7"), "airboss go 7");
    let with_words = "airboss go 7 --prompt-file - <<'END'\nin $blue\nEND";
    assert_eq!(command("7 in $blue"), with_words);
    assert!(reply(&installed("7"), 1).is_string());
}

#[test]
fn codex_writes_runs_and_ends() {
    let server = ModelServer::start().unwrap();
    let reply = |results| codex_reply(&server, "ok", TASK, results);
    let first =
        json!({"cmd": "mkdir -p out && printf 'step 1.2\\n' > out/1-2.txt", "login": false});
    assert_eq!(reply(0), first);
    assert_eq!(
        reply(2)["cmd"],
        "cat out/1-2.txt && echo shell-ran >> out/1-2.txt"
    );
    assert_eq!(
        reply(3),
        json!("All done: wrote the files and ran the shell command.")
    );
}

#[test]
fn a_new_task_starts_again() {
    let server = ModelServer::start().unwrap();
    let mut body = claude_body(TASK, 5);
    let next = json!({"role": "user", "content": "NEXTTASK please"});
    body["messages"].as_array_mut().unwrap().push(next);
    let answer = post(&server, "/s/ok/t/v1/messages", &body);
    let pieces: String = events(&answer)
        .iter()
        .filter_map(|event| event["delta"]["partial_json"].as_str())
        .collect();
    let input: Value = serde_json::from_str(&pieces).unwrap();
    assert_eq!(
        input["file_path"], "/w/x/hello.txt",
        "in the directory that is still known"
    );
}

/// Status and beginning of the body.
fn check_refusal(server: &ModelServer, scenario: &str, expected: &str) {
    let answer = post(
        server,
        &format!("/s/{scenario}/t-{scenario}/v1/messages"),
        &claude_body(TASK, 0),
    );
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {expected} ")),
        "{scenario}: {answer}"
    );
}

#[test]
fn failures_come_as_ordered() {
    let server = ModelServer::start().unwrap();
    for status in ["400", "401", "429", "500", "529"] {
        check_refusal(&server, &format!("http{status}"), status);
    }
    check_refusal(&server, "nonsense", "404");
    for expected in ["500", "500", "200", "200"] {
        check_refusal(&server, "flaky500", expected);
    }
    let limited = post(
        &server,
        "/s/unified429/t/v1/messages",
        &claude_body(TASK, 0),
    );
    assert!(
        limited.contains("anthropic-ratelimit-unified-status: rejected\r\n")
            && limited.contains("retry-after: 3600")
    );
    let warned = post(
        &server,
        "/s/unifiedwarn/t/v1/messages",
        &claude_body(TASK, 0),
    );
    assert!(warned.contains("allowed_warning") && warned.contains("message_stop"));
    let error: Value = serde_json::from_str(limited.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(error["error"]["type"], "rate_limit_error");
}

#[test]
fn answers_break_off_as_ordered() {
    let server = ModelServer::start().unwrap();
    for (path, body, end) in [
        ("messages", claude_body(TASK, 0), "message_stop"),
        ("responses", codex_body(TASK, 0), "response.completed"),
    ] {
        let answer = |scenario: &str| post(&server, &format!("/s/{scenario}/t/v1/{path}"), &body);
        assert_eq!(answer("drop"), "");
        let cut = answer("middrop");
        assert!(cut.contains("data: ") && !cut.contains(end), "{cut}");
        let failed = answer("sse_error");
        assert!(
            failed.contains("verloaded") && !failed.contains(end),
            "{failed}"
        );
    }
}

#[test]
fn a_hanging_answer_ends_with_the_server() {
    let server = ModelServer::start().unwrap();
    let body = claude_body(TASK, 0).to_string();
    let mut streams = Vec::new();
    for scenario in ["hang", "midhang"] {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let head = format!(
            "POST /s/{scenario}/t/v1/messages HTTP/1.1\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream
            .write_all(format!("{head}{body}").as_bytes())
            .unwrap();
        streams.push(stream);
    }
    let mut first = [0];
    streams[1]
        .read_exact(&mut first)
        .expect("the first block comes");
    drop(server);
    let mut rest = [Vec::new(), Vec::new()];
    streams[0].read_to_end(&mut rest[0]).unwrap();
    streams[1].read_to_end(&mut rest[1]).unwrap();
    assert!(rest[0].is_empty() && !String::from_utf8_lossy(&rest[1]).contains("message_stop"));
}

#[test]
fn requests_are_logged_by_tag_without_keys() {
    let server = ModelServer::start().unwrap();
    assert!(server.base_url("ok", "a").ends_with("/s/ok/a"));
    post(
        &server,
        "/s/ok/a/v1/messages",
        &claude_body("hello there", 0),
    );
    post(&server, "/s/ok/b/v1/messages/count_tokens", &json!({}));
    let logged = server.requests("a");
    assert_eq!(
        (
            logged.len(),
            server.requests("b").len(),
            server.requests("c").len()
        ),
        (1, 1, 0)
    );
    assert_eq!(
        logged[0]["body"]["messages"][0]["content"][0]["text"],
        "hello there"
    );
    assert_eq!(logged[0]["headers"]["x-api-key"], "<redacted>");
}

#[test]
fn http_is_read_as_agents_write_it() {
    let server = ModelServer::start().unwrap();
    let body = json!({"model": "m", "messages": []}).to_string();
    let (front, back) = body.split_at(5);
    let chunked = format!(
        "POST /s/ok/c/v1/messages HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{:x};x=1\r\n{front}\r\n{:x}\r\n{back}\r\n0\r\n\r\n",
        front.len(),
        back.len()
    );
    // Two requests on one connection, the second one after the first was answered.
    let both = format!("{chunked}GET /s/ok/c/v1/models HTTP/1.1\r\n\r\n");
    let answer = exchange(&server, both.as_bytes());
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 2, "{answer}");
    assert!(answer.contains("Mock title") && answer.contains("mock-model"));
    assert_eq!(server.requests("c")[0]["body"]["model"], "m");
    let expecting = format!(
        "POST /v1/responses HTTP/1.1\r\nExpect: 100-continue\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    assert!(
        exchange(&server, expecting.as_bytes())
            .starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")
    );
    for nonsense in [
        "\r\n\r\n",
        "GET\r\n\r\n",
        "POST / HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n",
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ] {
        assert_eq!(exchange(&server, nonsense.as_bytes()), "", "{nonsense}");
    }
}

#[test]
fn every_scenario_in_the_list_is_known() {
    for name in rules::SCENARIOS {
        assert!(Scenario::parse(name).is_some(), "{name}");
    }
}
