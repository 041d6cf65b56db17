//! The MCP server, spoken to in lines of JSON-RPC.

use airboss_testkit::assert_output;
use airboss_testkit::environment::{Invocation, TestEnvironment};
use serde_json::{Value, json};

use crate::support::*;

/// What the server says to these lines after the handshake, in the order of the answers.
fn talk(invocation: Invocation<'_>, lines: &[Vec<u8>]) -> Vec<Value> {
    let mut input = Vec::new();
    let hello = json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": { "name": "test", "version": "1" },
        },
    });
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    for line in [hello, ready].map(|line| line.to_string().into_bytes()) {
        input.extend(line);
        input.push(b'\n');
    }
    for line in lines {
        input.extend(line);
        input.push(b'\n');
    }
    let output = invocation.input(&input).run();
    output.expect_code(0);
    assert_eq!(output.stderr, "", "{output}");
    let answers = output.stdout.lines().map(|line| {
        let answer: Value = serde_json::from_str(line).unwrap();
        assert_eq!(answer["jsonrpc"], "2.0");
        answer
    });
    // What is no message is answered by whoever reads, which may be before the welcome.
    let (welcome, rest): (Vec<_>, Vec<_>) = answers.partition(|answer| answer["id"] == 0);
    assert_eq!(welcome[0]["result"]["serverInfo"]["name"], "airboss");
    rest
}

fn call(id: u32, tool: &str, arguments: &Value) -> Vec<u8> {
    json!({
        "jsonrpc": "2.0", "id": id, "method": "tools/call",
        "params": { "name": tool, "arguments": arguments },
    })
    .to_string()
    .into_bytes()
}

/// An answer in a line.
fn told(answer: &Value) -> String {
    if let Some(message) = answer["error"]["message"].as_str() {
        return format!("error {}: {message}", answer["error"]["code"]);
    }
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    match answer["result"]["isError"].as_bool() {
        Some(true) => format!("refused: {text}"),
        _ => text.to_owned(),
    }
}

/// What the server says to one call.
fn answer(invocation: Invocation<'_>, tool: &str, arguments: &Value) -> String {
    let answers = talk(invocation, &[call(1, tool, arguments)]);
    told(&answers[0])
}

fn outside(environment: &TestEnvironment) -> Invocation<'_> {
    environment.command(["mcp", "--plan", PLAN])
}

#[test]
fn the_list_of_tools() {
    let environment = environment();
    let ask = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let answers = talk(
        environment.command(["mcp"]),
        &[ask.to_string().into_bytes()],
    );
    let list = format!("{:#}", answers[0]["result"]);
    insta::assert_snapshot!(list);
    // An agent pays for all of it in every session.
    let tokens = airboss_core::prompt::tokens(&answers[0]["result"].to_string());
    assert!(tokens < 1_300, "{tokens} tokens");
}

#[test]
fn every_report_is_recorded_as_a_claim() {
    let environment = environment();
    let agent = Agent::of(&environment, "1.1");
    let calls = [
        ("progress", json!({ "text": "half way" })),
        ("note", json!({ "text": "a note", "step": "1.1" })),
        ("finding", json!({ "text": "a finding" })),
        ("phase_started", json!({ "phase": "1: Files" })),
        ("phase_done", json!({ "phase": "1: Files" })),
        ("artifact_ready", json!({ "path": "out/1-1.txt" })),
        ("ask", json!({ "question": "which width?" })),
    ];
    let lines: Vec<Vec<u8>> = (1..)
        .zip(&calls)
        .map(|(id, (tool, arguments))| call(id, tool, arguments))
        .collect();
    let answers = talk(agent.command(&environment, &["mcp"]), &lines);
    let last = answers.last().unwrap();
    assert_eq!(
        told(last),
        "recorded as your claim; a person is asked once you have ended, so end now"
    );
    for answer in &answers[..calls.len() - 1] {
        assert_eq!(told(answer), "recorded as your claim");
    }
    assert_eq!(
        claims(&environment, "1.1"),
        [
            "progress: half way",
            "note: a note",
            "finding: a finding",
            "phase begun: 1: Files",
            "phase done: 1: Files",
            "artifact ready: out/1-1.txt",
            "question: which width?",
        ]
    );
    // None of it is a status.
    assert_output!(environment, environment.run(["check", "1.1", "--plan", PLAN]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "blockers": [],
      "canStart": false,
      "phase": 1,
      "task": {
        "description": "Write `out/1-1.txt`",
        "id": "1.1",
        "phase": 1,
        "status": "in_progress"
      }
    }
    ----- stderr -----
    "#);
    assert_output!(environment, environment.run(["why", "1.1"]), @"
    exit code: 0
    ----- stdout -----
    1.1 is in progress: attempt 1 (test) for [DURATION]: its supervisor is gone; the next run takes note
      Write `out/1-1.txt`
      phase 1, Files · plans/work.md

    It asks
      │ which width?
    hint:  once this attempt has ended, `airboss answer 1.1 TEXT` answers

    Attempts
      #1 ▸ running     test, [DURATION], [TIME]: its supervisor is gone; the next run takes note
          claimed   reported progress: half way; reported note: a note; reported finding: a finding;
                    reported phase begun: 1: Files; reported phase done: 1: Files; reported artifact
                    ready: out/1-1.txt; reported question: which width?
    ----- stderr -----
    ");
}

#[test]
fn reading_needs_no_token() {
    let environment = with_board();
    let read = |tool: &str, arguments: &Value| -> Value {
        let text = answer(outside(&environment), tool, arguments);
        serde_json::from_str(&text).unwrap_or_else(|_| json!(text))
    };
    let next = read("next", &json!({ "count": 2 }));
    let ids: Vec<&Value> = next["steps"].as_array().unwrap().iter().collect();
    assert_eq!(ids.len(), 2, "{next}");
    assert_eq!(ids[0]["id"], "1.1");
    assert_eq!(next["tasks"][0]["title"], "Shorten the banner");
    let task = read("task", &json!({ "number": 1 }));
    assert_eq!(task["tasks"][0]["status"], "not_started", "{task}");
    assert_eq!(task["tasks"][0]["artifacts"], json!([]));
    let step = read("task", &json!({ "step": "1.2" }));
    assert_eq!(step["steps"][0]["description"], "Write `out/1-2.txt`");
    assert_eq!(
        read("task", &json!({ "number": 7 })),
        "refused: there is no task 7; `airboss task list --all` lists the tasks"
    );
    assert_eq!(
        read("task", &json!({})),
        "refused: name a task by `number` or a step by `step`"
    );
    for tool in ["progress", "note", "finding"] {
        assert_eq!(
            read(tool, &json!({ "text": "x" })),
            "refused: only an agent reports: AIRBOSS_ATTEMPT and AIRBOSS_TOKEN are not set for \
             this server"
        );
    }
}

#[test]
fn reading_writes_nothing() {
    let environment = environment();
    let before = environment.state();
    answer(outside(&environment), "next", &json!({}));
    answer(outside(&environment), "task", &json!({ "step": "1.1" }));
    assert_eq!(environment.state(), before);
    assert!(!environment.path(".git/airboss").exists());
}

#[test]
fn an_agent_sees_its_own_work() {
    let environment = environment();
    let agent = Agent::of(&environment, "1.2");
    let text = answer(agent.command(&environment, &["mcp"]), "task", &json!({}));
    let own: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(own["plan"], PLAN);
    assert_eq!(own["steps"][0]["id"], "1.2");
    assert_eq!(own["steps"][0]["state"]["status"], "in_progress");
}

#[test]
fn who_is_not_the_agent_is_refused() {
    let environment = environment();
    let (agent, other) = (
        Agent::of(&environment, "1.1"),
        Agent::of(&environment, "1.2"),
    );
    let note = json!({ "text": "x" });
    let short = agent.attempt.short();
    let wrong = format!(
        "refused: the token is not that of attempt {short}; airboss gives its agents \
         AIRBOSS_ATTEMPT and AIRBOSS_TOKEN; pass both on unchanged"
    );
    for token in ["", "0", &agent.token[1..], &other.token] {
        let mcp = agent.command(&environment, &["mcp"]);
        assert_eq!(
            answer(mcp.env("AIRBOSS_TOKEN", token), "note", &note),
            wrong
        );
        let cli = agent.command(&environment, &["mark-complete", "1.1"]);
        cli.env("AIRBOSS_TOKEN", token).run().expect_code(4);
    }
    let mcp = agent.command(&environment, &["mcp"]);
    let not_its = json!({ "text": "x", "step": "1.2" });
    assert_eq!(
        answer(mcp, "note", &not_its),
        format!(
            "refused: step 1.2 is not the step of attempt {short}; an agent reports on its own \
             step only"
        )
    );
    let mcp = agent.command(&environment, &["mcp"]);
    let nonsense = mcp.env("AIRBOSS_ATTEMPT", "nonsense");
    assert!(answer(nonsense, "note", &note).starts_with("refused: AIRBOSS_ATTEMPT does not hold"));
    let mcp = agent.command(&environment, &["mcp"]);
    let unknown = mcp.env("AIRBOSS_ATTEMPT", "0".repeat(32));
    assert!(answer(unknown, "note", &note).contains("is not known here"));
    agent.end(&environment);
    assert_eq!(
        answer(agent.command(&environment, &["mcp"]), "note", &note),
        format!("refused: attempt {short} has ended; its reports are no longer taken")
    );
    assert_eq!(claims(&environment, "1.1"), Vec::<String>::new());
    assert_eq!(claims(&environment, "1.2"), Vec::<String>::new());
}

#[test]
fn what_is_wrong_is_refused_by_name_and_the_server_goes_on() {
    let environment = environment();
    let agent = Agent::of(&environment, "1.1");
    let raw = |line: &str| line.as_bytes().to_vec();
    let text = |bytes: usize| json!({ "text": "x".repeat(bytes) });
    let lines = [
        raw("{"),
        raw("[]"),
        raw("\u{1b}[31m"),
        raw(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":5}}"#),
        raw(r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":[]}"#),
        raw(r#"{"jsonrpc":"2.0","id":3,"method":"resources/eat"}"#),
        raw(r#"{"jsonrpc":"2.0","id":4,"method":"mark_complete"}"#),
        call(5, "mark_complete", &json!({ "step": "1.1" })),
        call(6, "note", &json!({ "text": 5 })),
        call(7, "note", &json!({})),
        call(8, "note", &json!({ "text": "x", "status": "completed" })),
        call(9, "note", &json!({ "text": "x", "kind": "status" })),
        call(10, "note", &json!({ "text": " \u{1b}[2J " })),
        call(11, "note", &text((64 << 10) + 1)),
        call(12, "note", &text(1 << 20)),
        call(13, "artifact_ready", &json!({ "path": "../../etc/passwd" })),
        call(14, "next", &json!({ "count": -1 })),
        call(15, "task", &json!({ "number": "1; rm -rf /" })),
        call(16, "note", &json!({ "text": "still there" })),
    ];
    let answers = talk(agent.command(&environment, &["mcp"]), &lines);
    let mut told: Vec<String> = answers
        .iter()
        .map(|answer| format!("{:>4} {}", answer["id"].to_string(), told(answer)))
        .collect();
    told.sort();
    insta::assert_snapshot!(told.join("\n"));
    assert_eq!(claims(&environment, "1.1"), ["note: still there"]);
}

#[test]
fn a_message_may_be_as_deep_as_it_likes() {
    let environment = environment();
    let agent = Agent::of(&environment, "1.1");
    let mut lines = Vec::new();
    for depth in [1, 100, 120, 123, 124, 125, 126, 127, 128, 1_000, 200_000] {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let id = lines.len() + 10;
            let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let call = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":"#);
            let line = format!(r#"{call}{{"name":"note","arguments":{{"text":{text}}}}}}}"#);
            lines.push(line.into_bytes());
        }
    }
    let count = lines.len();
    lines.push(call(2, "note", &json!({ "text": "still there" })));
    let answers = talk(agent.command(&environment, &["mcp"]), &lines);
    assert_eq!(answers.len(), count + 1);
    for (depth, line) in lines.iter().enumerate() {
        let name = format!("{depth:02}");
        environment.write(&format!(".airboss/inbox/new/{name}"), line);
    }
    let mark = ["mark-skipped", "1.3", "--reason", "no", "--plan", PLAN];
    environment.run(mark).expect_code(0);
    assert_eq!(claims(&environment, "1.1"), ["note: still there"]);
}

#[test]
fn before_the_handshake_nothing_is_told() {
    let environment = environment();
    let lines = concat!(
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        "\n",
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
        "\n",
        r#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#,
        "\n",
    );
    let output = environment.command(["mcp"]).input(lines.as_bytes()).run();
    assert_output!(environment, output, @r#"
    exit code: 0
    ----- stdout -----
    {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"request _meta is missing or has malformed required fields: io.modelcontextprotocol/protocolVersion, io.modelcontextprotocol/clientCapabilities"}}
    {"jsonrpc":"2.0","id":2,"result":{}}
    ----- stderr -----
    "#);
    let nothing = environment.command(["mcp"]).input(b"").run();
    nothing.expect_code(0);
    assert_eq!(nothing.stdout, "");
}

#[test]
fn words_of_agents_steer_no_terminal() {
    let environment = environment();
    let agent = Agent::of(&environment, "1.1");
    let evil = "\u{1b}[2J\u{1b}]0;title\u{7}red\u{9b}31m\r\u{202e}\nforged line";
    let text = json!({ "text": evil });
    answer(agent.command(&environment, &["mcp"]), "note", &text);
    agent
        .command(&environment, &["report", "ask", evil])
        .run()
        .expect_code(0);
    for words in [&["log"][..], &["why", "1.1"], &["why", "1.1", "--verbose"]] {
        let output = environment.run(words);
        let odd = |c: &char| (c.is_control() && *c != '\n') || *c == '\u{202e}';
        let told = output.to_string();
        assert_eq!(told.chars().find(odd), None, "{told:?}");
    }
    // A claim stays on its line of the log.
    assert_output!(environment, environment.run(["log", "--limit", "2"]), @"
    exit code: 0
    ----- stdout -----
    4  [TIME]  step_claimed  1.1  note: red forged line
    5  [TIME]  step_claimed  1.1  question: red forged line
    ----- stderr -----
    ");
}

#[test]
fn the_command_line_says_the_same() {
    let environment = environment();
    assert_output!(environment, environment.run(["report", "note", "x"]), @"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: only an agent reports, from inside its attempt
    hint: a person's words: `airboss mark-complete ID --notes TEXT`, `airboss answer`
    ");
    let agent = Agent::of(&environment, "1.1");
    let report = |words: &[&str]| agent.command(&environment, words).run();
    assert_output!(environment, report(&["report", "progress", "half way"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "claim": "progress",
      "status": "claimed",
      "success": true,
      "taskId": "1.1"
    }
    ----- stderr -----
    "#);
    assert_output!(environment, report(&["report", "artifact-ready", "/etc/passwd"]), @"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: `path`: the path `/etc/passwd` is absolute; give it relative to the top of the repository
    ");
    assert_output!(environment, report(&["mark-complete", "1.1", "--notes", "easy"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "claim": "completed",
      "status": "claimed",
      "success": true,
      "taskId": "1.1"
    }
    ----- stderr -----
    "#);
    assert_output!(environment, report(&["report", "done", "x"]), @"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    error: invalid value 'done' for '[RUN]': neither the id of a run (`airboss runs`) nor a kind of claim: progress, note, finding, phase-started, phase-done, artifact-ready, ask

    For more information, try '--help'.
    ");
    assert_eq!(
        claims(&environment, "1.1"),
        ["progress: half way", "completed: easy"]
    );
}
