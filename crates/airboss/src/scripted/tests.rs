//! The scripted agent heard by our own parsers, compared with recordings of the
//! real programs, and run as the process that it is.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use airboss_core::agent::{EndReason, SessionUpdate, StreamFormat, StreamParser, Transcript};
use airboss_core::time::Timestamp;
use serde_json::Value;

use super::*;

fn scene(speak: Speak, directory: &Path, steps: &[&str]) -> Scene {
    Scene {
        speak,
        session: "s-1".to_owned(),
        steps: steps.iter().map(|step| (*step).to_owned()).collect(),
        attempt: 1,
        directory: directory.to_owned(),
        seconds_since_epoch: 1_800_000_000,
    }
}

/// Plays `actions` for step 1.1 and returns output and code.
fn perform(speak: Speak, directory: &Path, actions: &str) -> (Vec<u8>, u8) {
    let script = Script::parse(&format!("[default]\nactions = [{actions}]")).unwrap();
    let mut output = Vec::new();
    let code = play(&script, &scene(speak, directory, &["1.1"]), &mut output).unwrap();
    (output, code)
}

/// What our own parser hears of it.
fn hear(speak: Speak, output: &[u8]) -> (Vec<SessionUpdate>, Transcript) {
    let mut parser = StreamParser::new(match speak {
        Speak::Plain => StreamFormat::Plain,
        Speak::Claude => StreamFormat::Claude,
        Speak::Codex => StreamFormat::Codex,
    });
    let mut transcript = Transcript::default();
    let mut all = Vec::new();
    for line in output.split(|byte| *byte == b'\n') {
        for update in parser.parse(line) {
            transcript.apply(Timestamp::from_millis(1_800_000_000_000), &update);
            all.push(update);
        }
    }
    (all, transcript)
}

/// Both formats say the same: end, last text, tools as `name ok`, files.
fn check(actions: &str, end: Option<EndReason>, text: &str, tools: &[&str], claims: &[&str]) {
    for speak in [Speak::Claude, Speak::Codex] {
        let folder = tempfile::tempdir().unwrap();
        let (output, code) = perform(speak, folder.path(), actions);
        let (updates, heard) = hear(speak, &output);
        assert_eq!(
            heard.end.as_ref().map(|end| end.reason),
            end,
            "{speak:?} {actions}"
        );
        let expected = u8::from(end.is_some_and(|end| end != EndReason::Completed));
        assert_eq!(code, expected, "{speak:?} {actions}");
        assert_eq!(
            heard.text().unwrap_or_default(),
            text,
            "{speak:?} {actions}"
        );
        let seen = heard.finished.iter().map(|tool| {
            let mark = if tool.denied {
                "denied"
            } else if tool.ok {
                "ok"
            } else {
                "failed"
            };
            format!("{} {mark}", tool.name.as_deref().unwrap_or("?"))
        });
        let names = [
            ("command_execution", "Bash"),
            ("file_change", "Write"),
            ("Edit", "Write"),
            ("mcp__scripted__", ""),
        ];
        let seen: Vec<String> = seen
            .map(|tool| {
                names
                    .iter()
                    .fold(tool, |tool, (codex, claude)| tool.replace(codex, claude))
            })
            .collect();
        assert_eq!(seen, tools, "{speak:?} {actions}");
        let claimed: Vec<&str> = heard
            .claims
            .keys()
            .map(|path| {
                Path::new(path)
                    .strip_prefix(folder.path())
                    .unwrap()
                    .to_str()
                    .unwrap()
            })
            .collect();
        assert_eq!(claimed, claims, "{speak:?} {actions}");
        assert!(heard.running.is_empty() && heard.raw == 0, "{updates:#?}");
    }
}

#[test]
fn good_work_is_heard_and_done() {
    let good = r#"{ say = "on {step}" }, { write = "out/{slug}.txt", text = "{step} try {attempt}\n" },
        { shell = "cat out/1-1.txt" }, { think = "hm" }, { say = "Done." }"#;
    check(
        good,
        Some(EndReason::Completed),
        "Done.",
        &["Write ok", "Bash ok"],
        &["out/1-1.txt"],
    );
    let folder = tempfile::tempdir().unwrap();
    let (output, _) = perform(Speak::Claude, folder.path(), good);
    assert_eq!(
        fs_err::read_to_string(folder.path().join("out/1-1.txt")).unwrap(),
        "1.1 try 1\n"
    );
    let (_, heard) = hear(Speak::Claude, &output);
    assert_eq!(heard.session.as_deref(), Some("s-1"));
    assert_eq!(heard.finished[1].output, "1.1 try 1\n");
    assert_eq!((heard.usage().input, heard.usage().output), (500, 50));
    let again = perform(Speak::Claude, folder.path(), good).0;
    assert_eq!(output, again, "nothing is left to chance");
}

#[test]
fn files_really_change() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.txt");
    perform(
        Speak::Plain,
        folder.path(),
        r#"{ write = "a.txt", text = "one\n" }, { append = "a.txt", text = "two\n" }, { patch = "a.txt", find = "one", replace = "1" }"#,
    );
    assert_eq!(fs_err::read_to_string(&file).unwrap(), "1\ntwo\n");
    let (plain, _) = perform(
        Speak::Plain,
        folder.path(),
        r#"{ delete = "a.txt" }, { say = "gone" }"#,
    );
    assert!(!file.exists() && String::from_utf8(plain).unwrap().ends_with("gone\n"));
    check(
        r#"{ patch = "none.txt", find = "a", replace = "b" }"#,
        Some(EndReason::Completed),
        "",
        &["Write failed"],
        &["none.txt"],
    );
}

#[test]
fn lies_and_failures_are_told_as_the_real_ones_tell_them() {
    check(
        r#"{ pretend = "x.md" }, { say = "All done" }"#,
        Some(EndReason::Completed),
        "All done",
        &["Write ok"],
        &["x.md"],
    );
    check(
        r#"{ shell = "exit 3" }"#,
        Some(EndReason::Completed),
        "",
        &["Bash failed"],
        &[],
    );
    check(
        r#"{ tool = "Probe", seconds = 0.01, input = "x", ok = false }"#,
        Some(EndReason::Completed),
        "",
        &["Probe failed"],
        &[],
    );
    check(
        r#"{ limit = 3600 }"#,
        Some(EndReason::Limited),
        "",
        &[],
        &[],
    );
    check(r#"{ fail = "broken" }"#, Some(EndReason::Api), "", &[], &[]);
    check(
        r#"{ say = "x" }, { no_result = true }"#,
        None,
        "x",
        &[],
        &[],
    );
    check(r#"{ say = "x" }, { exit = 0 }"#, None, "x", &[], &[]);
    check(
        r#"{ retry = 1, max = 3, delay_ms = 1, status = 503 }, { say = "x" }"#,
        Some(EndReason::Completed),
        "x",
        &[],
        &[],
    );
}

#[test]
fn limits_retries_and_other_ends() {
    let here = Path::new(".");
    for (speak, reset) in [
        (Speak::Claude, Some(1_800_003_600_000)),
        (Speak::Codex, Some(1_800_003_600_000)),
    ] {
        let limit = hear(speak, &perform(speak, here, "{ limit = 3600 }").0)
            .1
            .limit
            .unwrap();
        assert_eq!(
            limit.resets_at.map(Timestamp::as_millis),
            reset,
            "{speak:?}"
        );
        let retried = hear(
            speak,
            &perform(speak, here, "{ retry = 2, status = 429 }").0,
        )
        .0;
        assert!(retried.iter().any(|update| matches!(
            update,
            SessionUpdate::Retry {
                attempt: 2,
                max: Some(10),
                status: Some(429),
                ..
            }
        )));
    }
    let ends = [
        ("max_turns", EndReason::MaxTurns),
        ("budget", EndReason::Budget),
    ];
    for (reason, expected) in ends {
        let (output, code) = perform(
            Speak::Claude,
            here,
            &format!(r#"{{ fail = "enough", reason = "{reason}" }}"#),
        );
        assert_eq!(
            (hear(Speak::Claude, &output).1.end.unwrap().reason, code),
            (expected, 1)
        );
    }
}

#[test]
fn refusals_and_questions() {
    let actions = r#"{ deny = "Bash", input = "rm x", message = "no" }, { ask = "Which one?" }, { say = "All done" }"#;
    let (_, claude) = hear(
        Speak::Claude,
        &perform(Speak::Claude, Path::new("."), actions).0,
    );
    assert!(claude.finished[0].denied && claude.end.unwrap().ok);
    assert_eq!((claude.denied.len(), claude.questions.len()), (1, 1));
    let (_, codex) = hear(
        Speak::Codex,
        &perform(Speak::Codex, Path::new("."), actions).0,
    );
    assert_eq!(
        (codex.denied.len(), codex.finished.len()),
        (0, 0),
        "silence, as recorded"
    );
}

#[test]
fn noise_is_survived() {
    for speak in [Speak::Claude, Speak::Codex, Speak::Plain] {
        let noise = r#"{ garbage = "<<<" }, { invalid_utf8 = true }, { huge = 300000 }, { flood = 5000 }, { say = "still here" }, { half = "{\"type\":" }, { exit = 7 }"#;
        let (output, code) = perform(speak, Path::new("."), noise);
        assert_eq!((code, output.ends_with(b"{\"type\":")), (7, true));
        assert!(
            output
                .split(|byte| *byte == b'\n')
                .any(|line| line.len() >= 300_000)
        );
        let (updates, heard) = hear(speak, &output);
        assert!(updates.len() > 5 && heard.end.is_none());
        if speak != Speak::Plain {
            assert_eq!((heard.text(), heard.raw), (Some("still here"), 3));
        }
    }
}

#[test]
fn sections_are_chosen_by_step_and_attempt() {
    let script = Script::parse(
        r#"
        [[step]]
        match = "1.1"
        attempt = 1
        actions = [{ say = "first" }]
        [[step]]
        match = "1.1"
        on_attempt = [2, 3]
        actions = [{ say = "again" }]
        [[step]]
        match = "1.2"
        actions = [{ say = "other" }]
        [default]
        actions = [{ say = "default {step}" }]
        "#,
    )
    .unwrap();
    let said = |steps: &[&str], attempt| {
        let mut output = Vec::new();
        let scene = Scene {
            attempt,
            ..scene(Speak::Plain, Path::new("."), steps)
        };
        play(&script, &scene, &mut output).unwrap();
        String::from_utf8(output)
            .unwrap()
            .lines()
            .collect::<Vec<_>>()
            .join("|")
    };
    assert_eq!(said(&["1.1", "1.2", "9"], 1), "first|other|default 9");
    assert_eq!(said(&["1.1"], 3), "again");
    assert_eq!(said(&["1.1"], 4), "default 1.1");
    assert_eq!(said(&[], 1), "default ");
}

#[test]
fn steps_are_read_from_the_prompt() {
    let prompt = "Do this.\nStep 1.2: a thing\n  Step 2.1~2: other\nStep by step: no\nStep 1.2: again\nA Step 3: no\n";
    assert_eq!(steps_of_prompt(prompt), ["1.2", "2.1~2"]);
    assert_eq!(split_steps(" 1.1, ,1.2,"), ["1.1", "1.2"]);
}

/// A script and the error that it is answered with.
fn check_error(script: &str, expected: &str) {
    assert_eq!(Script::parse(script).unwrap_err().to_string(), expected);
}

#[test]
fn mistakes_are_named_with_line_and_remedy() {
    check_error(
        "[defualt]\nactions = []",
        "line 1: unknown section `defualt`; did you mean `default`?",
    );
    check_error(
        "[default]\nactions = [\n  { wirte = \"a\", text = \"b\" },\n]",
        "line 3: unknown action `wirte`; did you mean `write`?",
    );
    check_error(
        "[default]\nactions = [{ write = \"a\", txt = \"b\" }]",
        "line 2: unknown option `txt`; did you mean `text`?",
    );
    check_error(
        "[default]\nactions = [{ write = \"a\" }]",
        "line 2: `text` is missing",
    );
    check_error(
        "[default]\nactions = [{ say = 1 }]",
        "line 2: expected a string, found integer",
    );
    check_error(
        "[default]\nactions = [{ say = \"a\", think = \"b\" }]",
        "line 2: `say` and `think` are two actions; write two tables",
    );
    check_error(
        "[default]\nactions = [{ crash = \"TERN\" }]",
        "line 2: unknown signal `TERN`; did you mean `TERM`?",
    );
    check_error(
        "[default]\nactions = [{ exit = 256 }]",
        "line 2: expected a count in range, found integer",
    );
    check_error(
        "[[step]]\nactions = []",
        "line 1: a step needs `match = \"ID\"`",
    );
    check_error(
        "[[step]]\nmatch = \"1\"\non_atempt = [1]\nactions = []",
        "line 3: unknown key `on_atempt`; did you mean `on_attempt`?",
    );
    assert!(Script::parse("[default\n").is_err());
}

/// The keys of every object in a line, as paths; lists and free-form values are not entered.
fn shape(value: &Value, path: &str, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                // Inputs belong to the tool, models are named by their user.
                let free = matches!(
                    key.as_str(),
                    "input" | "modelUsage" | "model_usage_since_last_result"
                );
                let path = format!("{path}.{key}");
                into.insert(path.clone());
                if !free {
                    shape(value, &path, into);
                }
            }
        }
        Value::Array(list) => list
            .iter()
            .for_each(|value| shape(value, &format!("{path}[]"), into)),
        _ => {}
    }
}

/// The shapes of all lines, by their type.
fn shapes(output: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut shapes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in output.lines() {
        let value: Value = serde_json::from_str(line).unwrap();
        let types = [
            &value["type"],
            &value["subtype"],
            &value["event"]["type"],
            &value["item"]["type"],
            &value["event"]["content_block"]["type"],
        ];
        let kind: Vec<&str> = types.iter().filter_map(|kind| kind.as_str()).collect();
        shape(&value, "", shapes.entry(kind.join("/")).or_default());
    }
    shapes
}

#[test]
fn the_formats_have_not_drifted_from_the_recordings() {
    let streams = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/streams");
    let cases = [
        (
            Speak::Claude,
            "claude-2.1.328-ok.jsonl",
            r#"{ write = "a.txt", text = "x" }, { shell = "true" }, { say = "done" }"#,
        ),
        (
            Speak::Claude,
            "claude-2.1.328-denied.jsonl",
            r#"{ deny = "Write", input = "a.txt" }, { say = "done" }"#,
        ),
        (
            Speak::Claude,
            "claude-2.1.328-unified429-oauth.jsonl",
            r#"{ limit = 9 }"#,
        ),
        (
            Speak::Claude,
            "claude-2.1.328-http500-retries2.jsonl",
            r#"{ retry = 1, status = 500 }, { fail = "x" }"#,
        ),
        (
            Speak::Claude,
            "claude-2.1.328-maxturns1.jsonl",
            r#"{ write = "a.txt", text = "x" }, { fail = "x", reason = "max_turns" }"#,
        ),
        (
            Speak::Codex,
            "codex-0.169.0-ok.jsonl",
            r#"{ shell = "true" }, { say = "done" }"#,
        ),
        (
            Speak::Codex,
            "codex-0.169.0-http500.jsonl",
            r#"{ retry = 1, status = 500 }, { fail = "x" }"#,
        ),
    ];
    for (speak, recording, actions) in cases {
        let Ok(real) = fs_err::read_to_string(streams.join(recording)) else {
            anstream::println!("skipped: no recording {recording} in {}", streams.display());
            return;
        };
        let real = shapes(&real);
        let folder = tempfile::tempdir().unwrap();
        let ours = String::from_utf8(perform(speak, folder.path(), actions).0).unwrap();
        for (kind, keys) in shapes(&ours) {
            let known = real
                .get(&kind)
                .unwrap_or_else(|| panic!("{recording}: the real one has no line {kind}"));
            let new: Vec<_> = keys.difference(known).collect();
            assert!(new.is_empty(), "{recording}: {kind} has {new:?}");
        }
    }
}

/// Set for the process that plays the agent in the tests below.
const ROLE: &str = "AIRBOSS_TEST_SCRIPTED";

/// Not a test of its own: the body of the agent's process.
#[test]
fn agent_process() {
    let Ok(script) = std::env::var(ROLE) else {
        return;
    };
    let arguments = ScriptedArguments {
        script: script.into(),
        speak: Speak::Plain,
        session_id: None,
        resume: None,
        prompt: Some("Step 1.1: fly".to_owned()),
    };
    let code = run(&arguments);
    #[expect(
        clippy::exit,
        reason = "the harness would turn every code into its own"
    )]
    std::process::exit(i32::from(code != ExitCode::SUCCESS) * 9)
}

/// Starts the agent as a process of its own.
fn launch(folder: &Path, actions: &str, environment: &[(&str, &str)]) -> Child {
    let script = folder.join("script.toml");
    fs_err::write(
        &script,
        format!("[[step]]\nmatch = \"1.1\"\nactions = [{actions}]"),
    )
    .unwrap();
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "scripted::tests::agent_process",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(ROLE, script)
        .envs(environment.iter().copied())
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for something with a deadline.
fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_process_ends_as_the_script_says() {
    let folder = tempfile::tempdir().unwrap();
    let output = launch(
        folder.path(),
        r#"{ stderr = "oops", times = 3 }, { say = "out" }, { exit = 5 }"#,
        &[],
    )
    .wait_with_output()
    .unwrap();
    assert_eq!(output.status.code(), Some(9));
    assert_eq!(
        String::from_utf8(output.stderr)
            .unwrap()
            .matches("oops")
            .count(),
        3
    );
    assert!(String::from_utf8(output.stdout).unwrap().contains("out\n"));
    for (signal, number) in [("ABRT", 6), ("KILL", 9), ("TERM", 15)] {
        let status = launch(folder.path(), &format!(r#"{{ crash = "{signal}" }}"#), &[])
            .wait_with_output()
            .unwrap()
            .status;
        assert_eq!(status.signal(), Some(number), "{signal}");
    }
    let other = launch(
        folder.path(),
        r#"{ say = "mine" }"#,
        &[("AIRBOSS_STEPS", "7.7")],
    )
    .wait_with_output()
    .unwrap();
    assert!(
        !String::from_utf8(other.stdout).unwrap().contains("mine"),
        "the environment goes before the prompt"
    );
}

#[test]
fn a_deaf_process_ignores_what_it_is_told_to() {
    use rustix::process::{Pid, Signal, kill_process};
    let folder = tempfile::tempdir().unwrap();
    let mut child = launch(
        folder.path(),
        r#"{ ignore = ["TERM", "INT"] }, { say = "deaf" }, { shell = "for i in $(seq 3000); do test -e go && break; sleep 0.01; done" }, { say = "alive" }, { sleep = 60 }"#,
        &[],
    );
    let mut lines = std::io::BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    lines.find(|line| line.ends_with("deaf")).unwrap();
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::TERM).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    fs_err::write(folder.path().join("go"), "").unwrap();
    lines.find(|line| line.ends_with("alive")).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

#[test]
fn children_are_left_behind() {
    use rustix::process::{Pid, Signal, kill_process};
    let folder = tempfile::tempdir().unwrap();
    // Unusual durations, by which the children are found among all processes.
    let seconds = 40_000 + std::process::id() % 10_000;
    let (near, far) = (format!("{seconds}.25"), format!("{seconds}.75"));
    let actions = format!("{{ spawn = {near} }}, {{ spawn = {far}, detached = true }}");
    let mut child = launch(folder.path(), &actions, &[]);
    let session = session_of(std::process::id().cast_signed());
    assert!(child.wait().unwrap().success());
    let near = eventually("the near child", || sleeper(&near));
    let far = eventually("the detached child", || sleeper(&far));
    assert_eq!(session_of(near), session);
    assert_eq!(session_of(far), far, "a session of its own");
    for left in [near, far] {
        kill_process(Pid::from_raw(left).unwrap(), Signal::KILL).unwrap();
    }
}

/// The session of a process, from the sixth field of `proc_pid_stat(5)`; 0 when its leader is
/// outside this PID namespace, which `getsid` of rustix takes for impossible.
fn session_of(pid: i32) -> i32 {
    let stat = fs_err::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, after_name) = stat.rsplit_once(')').unwrap();
    after_name
        .split_whitespace()
        .nth(3)
        .unwrap()
        .parse()
        .unwrap()
}

/// The process `sleep SECONDS`.
fn sleeper(seconds: &str) -> Option<i32> {
    let command = format!("sleep\0{seconds}\0");
    let mut processes = fs_err::read_dir("/proc").unwrap().filter_map(|entry| {
        let entry = entry.ok()?;
        let pid = entry.file_name().to_str()?.parse().ok()?;
        (fs_err::read(entry.path().join("cmdline")).ok()? == command.as_bytes()).then_some(pid)
    });
    processes.next()
}
