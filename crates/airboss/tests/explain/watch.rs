//! `watch`: every operation once, in order, while it happens.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use airboss_testkit::environment::{Output, Running, TestEnvironment, eventually};
use rustix::process::Signal;
use serde_json::Value;

use crate::support::{FILTERS, environment, say, shown};

const PLAN: &str = "plans/small.md";

const STEPS: &str = "\
# Plan: Small

## Implementation Phases

### Phase 1: Only [NOT STARTED]
**Dependencies**: []
**Tasks**:
- [ ] 1.1 Write `out/one.txt`
- [ ] 1.2 Write `out/two.txt`
";

const SCRIPT: &str = r#"
[[step]]
match = "1.1"
actions = [
  { write = "out/one.txt", text = "one\n" },
  { say = "One is \u001b[31mwritten\u001b[0m." },
]

[default]
actions = [{ write = "out/two.txt", text = "two\n" }]
"#;

/// With two steps it is chance whether the commit of the first is made before the second begins.
const ONE_STEP: &str = "- [ ] 1.2 Write `out/two.txt`\n";

fn prepared() -> TestEnvironment {
    let environment = environment();
    environment.plan(PLAN, STEPS);
    environment.script(SCRIPT);
    environment.config("");
    environment
}

fn fly(environment: &TestEnvironment) {
    environment
        .run(["run", PLAN, "--agent", "claude"])
        .expect_code(0);
}

/// The log as it is read afterwards.
fn log(environment: &TestEnvironment) -> Vec<Value> {
    lines(
        &environment
            .run(["log", "--json", "--limit", "100000"])
            .stdout,
    )
}

fn lines(text: &str) -> Vec<Value> {
    let whole = text.lines().filter(|_| !text.is_empty());
    whole
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// Ends a watch with Ctrl-C once it has printed so many lines.
fn after_lines(running: Running, count: usize) -> Output {
    let printed = eventually(Duration::from_secs(30), || {
        running.stdout().lines().count() >= count
    });
    assert!(printed, "{}", running.stdout());
    running.signal(Signal::INT);
    running.wait()
}

macro_rules! check_watch {
    ($environment:expr, $output:expr, @$snapshot:literal) => {{
        let text = shown(&$environment, &$output);
        let mut settings = insta::Settings::clone_current();
        for (pattern, word) in FILTERS {
            settings.add_filter(pattern, *word);
        }
        settings.add_filter(r"(?m)^ *\d+  \[INSTANT\]", "[SEQ]  [INSTANT]");
        settings.bind(|| insta::assert_snapshot!(text, @$snapshot));
    }};
}

#[test]
fn the_words_are_those_of_the_log() {
    let environment = prepared();
    environment.plan(PLAN, STEPS.replace(ONE_STEP, ""));
    fly(&environment);
    let count = log(&environment).len();
    let watch = environment.start(["watch", "--since", "0", "--plan", PLAN]);
    let output = after_lines(watch, count);
    check_watch!(environment, output, @r"
    exit code: 130
    ----- stdout -----
    [SEQ]  [INSTANT]  plan_registered   small, 1 step
    [SEQ]  [INSTANT]  run_started   [ID]  fly plans/small.md with claude
    [SEQ]  [INSTANT]  attempt_dispatched  1.1#1   claude
    [SEQ]  [INSTANT]  attempt_spawned   1.1#1   supervisor [PID]
    [SEQ]  [INSTANT]  attempt_ended   1.1#1   exited with 0
    [SEQ]  [INSTANT]  step_judged   1.1   verified: changed out/one.txt
    [SEQ]  [INSTANT]  attempt_judged   1.1#1
    [SEQ]  [INSTANT]  commit_made   1.1   [COMMIT]
    [SEQ]  [INSTANT]  run_ended   [ID]  complete; 1 completed, 0 failed
    ----- stderr -----
    ");
    // From the middle, without a plan being named.
    let since = (count - 2).to_string();
    let watch = environment.start(["watch", "--since", &since]);
    check_watch!(environment, after_lines(watch, 2), @r"
    exit code: 130
    ----- stdout -----
    [SEQ]  [INSTANT]  commit_made   1.1   plans/small.md: [COMMIT]
    [SEQ]  [INSTANT]  run_ended   [ID]  plans/small.md: complete; 1 completed, 0 failed
    ----- stderr -----
    ");
}

#[test]
fn what_agents_do_comes_with_activity() {
    let environment = prepared();
    let watch = environment.start(["watch", "--since", "0", "--activity"]);
    fly(&environment);
    let last = eventually(Duration::from_secs(30), || {
        watch.stdout().contains("run_ended")
    });
    assert!(last, "{}", watch.stdout());
    watch.signal(Signal::INT);
    let output = watch.wait();
    let acts: Vec<&str> = output
        .stdout
        .lines()
        .filter(|line| line.starts_with("     "))
        .filter(|line| line.contains("1.1#1"))
        .map(|line| line[28..].trim_end())
        .map(|line| line.split(" after ").next().unwrap())
        .collect();
    insta::assert_snapshot!(acts.join("\n"), @r"
    tool_started        1.1#1    Write out/one.txt
    tool_ended          1.1#1    Write out/one.txt: ok
    said                1.1#1    One is written.
    turn_ended          1.1#1    claimed a success: completed
    ");
}

#[test]
fn nothing_is_missed_and_nothing_told_twice() {
    let environment = prepared();
    let watch = environment.start(["watch", "--json"]);
    let mut watch = watch;
    watch.await_stderr("waiting for it");
    let mut run = environment.start(["run", PLAN, "--agent", "claude"]);
    let mut arrived: Vec<i64> = Vec::new();
    let seen = |arrived: &mut Vec<i64>| {
        let count = watch.stdout().matches('\n').count();
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        arrived.resize(count, i64::try_from(since.as_millis()).unwrap());
    };
    let ended = eventually(Duration::from_secs(60), || {
        seen(&mut arrived);
        !run.is_running()
    });
    assert!(ended);
    run.wait().expect_code(0);
    environment
        .run(["mark-pending", "1.2", "--plan", PLAN, "--force"])
        .expect_code(0);
    let all = log(&environment);
    eventually(Duration::from_secs(30), || {
        seen(&mut arrived);
        arrived.len() >= all.len()
    });
    watch.signal(Signal::INT);
    let output = watch.wait();
    output.expect_code(130);
    assert_eq!(lines(&output.stdout), all, "each once, in order");
    let mut latencies: Vec<i64> = all
        .iter()
        .zip(arrived)
        .map(|(line, at)| at - line["data"]["at"].as_i64().unwrap())
        .collect();
    latencies.sort_unstable();
    say(&format!(
        "from the transaction to the line: median {} ms, at most {} ms, of {}",
        latencies[latencies.len() / 2],
        latencies[latencies.len() - 1],
        latencies.len()
    ));
}

#[test]
fn a_reader_that_goes_ends_it_quietly() {
    let environment = prepared();
    fly(&environment);
    let airboss = environment.airboss().display().to_string();
    let command = format!("{airboss} watch --since 0 | head -n 1 | wc -l");
    let output = environment.program("sh", ["-c", &command]).run();
    output.expect_code(0);
    assert_eq!((output.stdout.trim(), output.stderr.as_str()), ("1", ""));
}
