//! Flights in which the agent reports, in each way and about each thing.

use airboss_testkit::assert_output;
use airboss_testkit::environment::{Output, TestEnvironment};
use serde_json::json;

use crate::support::*;

/// A plan of one step, and a script for its agent.
fn flight(actions: &str) -> TestEnvironment {
    let environment = TestEnvironment::new(env!("CARGO_BIN_EXE_airboss"));
    let plan = "# Plan: Work\n\n## Implementation Phases\n\n\
        ### Phase 1: Files [NOT STARTED]\n**Dependencies**: []\n**Tasks**:\n\
        - [ ] 1.1 Write `out/1-1.txt`\n";
    environment.plan(PLAN, plan);
    environment.script(actions);
    environment
}

/// A report by the command line, as prompts name it.
fn by_command(words: &str) -> String {
    format!("{{ shell = '''$AIRBOSS_PROGRAM report {words} > /dev/null''' }}")
}

/// A report by the MCP server.
fn by_mcp(tool: &str, arguments: &serde_json::Value) -> String {
    let program = env!("CARGO_BIN_EXE_airboss");
    let hello = json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": { "name": "test", "version": "1" },
        },
    });
    let call = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": tool, "arguments": arguments },
    });
    format!(
        "{{ shell = '''printf \"%s\\n\" '{hello}' '{call}' | {program} mcp | \
         grep -q recorded || exit 1''' }}"
    )
}

/// A report by the inbox.
fn by_inbox(name: &str, report: &serde_json::Value) -> String {
    format!(
        "{{ shell = '''mkdir -p .airboss/inbox/tmp .airboss/inbox/new && \
         printf '{{\"attempt\":\"%s\",\"token\":\"%s\",\"report\":%s}}' \"$AIRBOSS_ATTEMPT\" \
         \"$AIRBOSS_TOKEN\" '{report}' > .airboss/inbox/tmp/{name} && \
         mv .airboss/inbox/tmp/{name} .airboss/inbox/new/{name}''' }}"
    )
}

fn script(attempt: &str, actions: &[String]) -> String {
    let actions = actions.join(",\n");
    format!("[[step]]\nmatch = \"1.1\"\n{attempt}\nactions = [\n{actions}\n]\n")
}

fn writes() -> String {
    "{ write = 'out/1-1.txt', text = 'made' }".to_owned()
}

fn why(environment: &TestEnvironment) -> Output {
    environment.run(["why", "1.1"])
}

#[test]
fn each_way_in_reaches_the_log() {
    let environment = flight(&script(
        "",
        &[
            by_command("progress 'half way'"),
            by_mcp("note", &json!({ "text": "by the protocol" })),
            writes(),
            by_command("artifact-ready out/1-1.txt"),
            // The last words before the end are words in time.
            by_inbox(
                "last",
                &json!({ "kind": "finding", "text": "by the inbox" }),
            ),
        ],
    ));
    let run = environment.run(["run", PLAN]);
    run.expect_code(0);
    let told = run.told(" report   ");
    let told: Vec<&str> = told
        .iter()
        .filter_map(|line| line.split_once(' '))
        .map(|(_, it)| it)
        .collect();
    assert_eq!(
        told,
        [
            "report   1.1 agent says: progress: half way",
            "report   1.1 agent says: note: by the protocol",
            "report   1.1 agent says: artifact ready: out/1-1.txt",
            "report   1.1 agent says: finding: by the inbox",
        ]
    );
    assert_eq!(
        claims(&environment, "1.1"),
        [
            "progress: half way",
            "note: by the protocol",
            "artifact ready: out/1-1.txt",
            "finding: by the inbox",
        ]
    );
    assert_output!(environment, why(&environment), @r#"
    exit code: 0
    ----- stdout -----
    1.1 is done: changed out/1-1.txt; committed as [COMMIT]
      Write `out/1-1.txt`
      phase 1, Files · plans/work.md

    Attempts
      #1 ✓ verified    plain, [DURATION], [TIME]
          claimed   reported progress: half way; reported note: by the protocol; reported artifact
                    ready: out/1-1.txt; reported finding: by the inbox; “> Bash mkdir -p
                    .airboss/inbox/tmp .airboss/inbox/new && printf
                    '{"attempt":"%s","token":"%s","report":%s}' "$AIRBOSS_ATTEMPT" "$AIRBOSS_TOKEN"
                    '{"kind":"findi…”
          found     out/1-1.txt (new)
    ----- stderr -----
    "#);
    let log = environment.run(["log", "1.1", "--limit", "6"]);
    assert_output!(environment, log, @"
    exit code: 0
    ----- stdout -----
    7   [TIME]  step_claimed    1.1    artifact ready: out/1-1.txt
    8   [TIME]  step_claimed    1.1    finding: by the inbox
    9   [TIME]  attempt_ended   1.1#1  exited with 0
    10  [TIME]  step_judged     1.1    verified: changed out/1-1.txt
    11  [TIME]  attempt_judged  1.1#1
    12  [TIME]  commit_made     1.1    [COMMIT]
    ----- stderr -----
    ");
    // What lies in the inbox is nobody's work, and is not committed.
    let files = environment.git(["show", "--name-only", "--format=", "HEAD"]);
    assert!(!files.contains(".airboss"), "{files}");
    assert!(files.contains("out/1-1.txt"), "{files}");
}

#[test]
fn no_verdict_rests_on_a_report() {
    let program = env!("CARGO_BIN_EXE_airboss");
    let environment = flight(&script(
        "",
        &[
            by_command("phase-done 1"),
            by_command("artifact-ready out/1-1.txt"),
            format!("{{ shell = '''{program} mark-complete 1.1 --notes perfect''' }}"),
            by_inbox("a", &json!({ "kind": "status", "status": "completed" })),
        ],
    ));
    environment.config("[limits]\nretries = 0\nbackoff = \"50ms\"\n");
    environment.run(["run", PLAN]).expect_code(1);
    assert_output!(environment, why(&environment), @r#"
    exit code: 0
    ----- stdout -----
    1.1 failed, and its retries are used up: unverified: `out/1-1.txt` is missing
      Write `out/1-1.txt`
      phase 1, Files · plans/work.md

    Attempts
      #1 ? unverified  plain, [DURATION], [TIME]: `out/1-1.txt` is missing
          claimed   reported phase done: 1; reported artifact ready: out/1-1.txt; reported completed:
                    perfect; reported completed; “> Bash mkdir -p .airboss/inbox/tmp .airboss/inbox/new
                    && printf '{"attempt":"%s","token":"%s","report":%s}' "$AIRBOSS_ATTEMPT"
                    "$AIRBOSS_TOKEN" '{"kind":"statu…”
          found     no file of its own changed; out/1-1.txt is missing
          expected  out/1-1.txt; its directory is not there; it was waited for, [DURATION]
          look      `airboss replay 1.1#1` has all that it said and did
    ----- stderr -----
    "#);
}

#[test]
fn a_question_waits_for_a_person() {
    for ask in [
        by_command("ask 'Which width?'"),
        by_mcp("ask", &json!({ "question": "Which width?" })),
        by_inbox("ask", &json!({ "kind": "ask", "question": "Which width?" })),
    ] {
        let first = script("attempt = 1", &[ask]);
        let second = script("attempt = 2", &[writes()]);
        let environment = flight(&format!("{first}\n{second}"));
        let run = environment.run(["run", PLAN]);
        run.expect_code(3);
        let told = why(&environment);
        let lines: Vec<&str> = told.stdout.lines().collect();
        assert_eq!(lines[0], "1.1 needs an answer: Which width?");
        assert_eq!(
            lines[4], "hint:  `airboss answer 1.1 TEXT` answers",
            "{told}"
        );
        environment
            .run(["answer", "1.1", "80 columns"])
            .expect_code(0);
        environment.run(["run", PLAN]).expect_code(0);
        let prompts = fs_err::read_dir(environment.path(".git/airboss/attempts")).unwrap();
        let answered = prompts.filter(|entry| {
            let path = entry.as_ref().unwrap().path().join("attempt.json");
            let text = fs_err::read_to_string(path).unwrap();
            text.contains("80 columns")
        });
        assert_eq!(answered.count(), 1);
    }
}

#[test]
fn two_runs_share_an_inbox() {
    const EACH: usize = 30;
    const OTHER: &str = "plans/other.md";
    let leave = format!(
        "cd .airboss/inbox; i=0; while [ $i -lt {EACH} ]; do printf \
         '{{\"attempt\":\"%s\",\"token\":\"%s\",\"report\":{{\"kind\":\"note\",\"text\":\"%s %s\"}}}}' \
         $AIRBOSS_ATTEMPT $AIRBOSS_TOKEN $AIRBOSS_PLAN $i > tmp/$AIRBOSS_ATTEMPT-$i && \
         mv tmp/$AIRBOSS_ATTEMPT-$i new/ || exit 1; i=$((i+1)); done"
    );
    let shell = |command: &str| format!("{{ shell = '''{command}''' }}");
    let environment = flight(&script(
        "",
        &[
            shell("mkdir -p out .airboss/inbox/tmp .airboss/inbox/new"),
            shell(&leave),
            shell("case $AIRBOSS_PLAN in *other*) f=other;; *) f=1-1;; esac; echo x > out/$f.txt"),
        ],
    ));
    let other = environment
        .read(PLAN)
        .replace("out/1-1.txt", "out/other.txt");
    environment.plan(OTHER, other);
    let runs = [PLAN, OTHER].map(|plan| environment.start(["run", plan]));
    for run in runs {
        run.wait().expect_code(0);
    }
    let mut told = claims(&environment, "1.1");
    told.sort();
    let each = |plan| (0..EACH).map(move |number| format!("note: {plan} {number}"));
    let mut expected: Vec<String> = [PLAN, OTHER].into_iter().flat_map(each).collect();
    expected.sort();
    assert_eq!(told, expected);
}

#[test]
fn a_question_of_a_stage_is_answered_too() {
    let environment = TestEnvironment::new(env!("CARGO_BIN_EXE_airboss"));
    environment.run(["init", "--yes"]).expect_code(0);
    environment
        .run(["task", "add", "Shorten the banner"])
        .expect_code(0);
    let report = "# The banner\\n\\n## Findings\\n\\nThe banner is 120 columns wide, which is \
                  more than the 80 that a terminal has. It is printed in main.rs before the \
                  arguments are read.\\n";
    let path = "specs/001_shorten_the_banner/reports/research-001.md";
    environment.script(&format!(
        "[[step]]\nmatch = \"research-001\"\nattempt = 1\nactions = [{}]\n\
         [[step]]\nmatch = \"research-001\"\nattempt = 2\n\
         actions = [{{ write = \"{path}\", text = \"{report}\" }}]\n",
        by_command("ask 'Which banner?'"),
    ));
    let asked = environment.run(["research", "1", "--quiet"]);
    assert_output!(environment, asked, @"
    exit code: 3
    ----- stdout -----
    task 1 is not started: research came to nothing
      ✗ specs/001_shorten_the_banner/reports/research-001.md: Which banner?
    ----- stderr -----
    ");
    let answer = environment.run(["answer", "research-001", "The one at the start", "--json"]);
    assert_output!(environment, answer, @r#"
    exit code: 0
    ----- stdout -----
    {"data":{"success":true,"taskId":"research-001"},"schema_version":1}
    ----- stderr -----
    "#);
    let again = environment.run(["answer", "research-001", "Another", "--json"]);
    assert_output!(environment, again, @"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: step research-001 was answered already, and no run has gone on with it yet
    hint: `airboss why research-001` says where it stands
    ");
    let done = environment.run(["research", "1", "--quiet"]);
    assert_output!(environment, done, @"
    exit code: 0
    ----- stdout -----
    task 1 is researched: Shorten the banner
      ✓ specs/001_shorten_the_banner/reports/research-001.md
      commit [COMMIT]
    ----- stderr -----
    ");
}

#[test]
fn a_token_is_in_no_file_and_in_no_other_attempt() {
    let environment = flight(&script(
        "",
        &[
            "{ shell = '''printf '%s' \"$AIRBOSS_TOKEN\" > ../token''' }".to_owned(),
            writes(),
        ],
    ));
    environment.config("[gates.no-token]\ncommand = \"test -z \\\"$AIRBOSS_TOKEN\\\"\"\n");
    environment.run(["run", PLAN]).expect_code(0);
    let token = fs_err::read_to_string(environment.outside("token")).unwrap();
    assert_eq!(token.len(), 64, "{token}");
    let attempts = environment.path(".git/airboss");
    let mut open = vec![attempts];
    let mut files = 0;
    while let Some(directory) = open.pop() {
        for entry in fs_err::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let bytes = fs_err::read(&path).unwrap();
            let holds = bytes
                .windows(token.len())
                .any(|part| part == token.as_bytes());
            assert!(!holds, "{}", path.display());
            files += 1;
        }
    }
    assert!(files > 5);
}
