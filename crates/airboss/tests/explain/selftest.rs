//! `selftest`: the program killed in a temporary repository, of which nothing is left.

use std::time::{Duration, Instant};

use airboss_testkit::environment::{Signal, TestEnvironment};

use crate::support::environment;

/// Far longer than it takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Says so where nothing can be traced.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn can_trace(environment: &TestEnvironment) -> bool {
    let output = environment.run(["selftest", "--crash", "--seconds", "0"]);
    if output.code() == 3 {
        println!("{}", output.stderr);
    }
    output.code() != 3
}

#[test]
fn it_says_what_was_killed_and_leaves_nothing() {
    let environment = environment();
    if !can_trace(&environment) {
        return;
    }
    let before = environment.state();
    let output = environment.run(["selftest", "--crash", "--seconds", "8"]);
    assert_eq!(output.code(), 0, "{output}");
    let place = environment.top().display().to_string();
    insta::with_settings!({filters => vec![
        (r"(?m)file system( +)\S+", "file system$1[KIND]"),
        (place.as_str(), "[WORK]"),
        (r"\d+\.\d+ ms", "[TIME]"),
        (r"\(\d+ s\)", "([TIME])"),
        (r"\d+ kills?", "[N] kills"),
        // The columns are as wide as their numbers.
        (r"of +places left +violations", "of  places left  violations"),
        (r"(?m)  \d+ +\d+ +\d+ +0$", "  [N]  0"),
        (r" +\[N\]", "  [N]"),
    ]}, {
        insta::assert_snapshot!(output.stdout);
    });
    assert_eq!(environment.state(), before);
}

#[test]
fn its_answer_is_data_too() {
    let environment = environment();
    if !can_trace(&environment) {
        return;
    }
    let output = environment.run(["selftest", "--crash", "--seconds", "0", "--json"]);
    assert_eq!(output.code(), 0, "{output}");
    let value: serde_json::Value = serde_json::from_str(&output.stdout).expect("it is JSON");
    let data = &value["data"];
    assert_eq!(data["held"], true);
    assert_eq!(data["file_system"]["locks"], true);
    assert_eq!(data["commands"].as_array().map(Vec::len), Some(4));
    let commands = data["commands"].as_array().into_iter().flatten();
    for command in commands {
        assert!(command["points"].as_u64() > Some(500), "{data}");
        assert!(command["killed"].as_u64() > Some(0), "{data}");
    }
}

#[test]
fn a_key_ends_it_and_it_leaves_nothing() {
    let environment = environment();
    if !can_trace(&environment) {
        return;
    }
    let before = environment.state();
    let running = environment.start(["selftest", "--crash", "--full"]);
    let deadline = Instant::now() + PATIENCE;
    while environment.state() == before {
        assert!(Instant::now() < deadline, "it never begins");
    }
    running.signal(Signal::INT);
    let output = running.wait();
    assert_eq!(output.code(), 130, "{output}");
    assert_eq!(environment.state(), before);
    assert_eq!(environment.processes_left(), Vec::<String>::new());
}
