//! `replay`.

use crate::support::{check, flown};

#[test]
fn a_stream_is_told_again() {
    let flown = flown();
    check!(flown, ["replay", "1.1"], @"");
    check!(flown, ["replay", "1.2#1"], @"");
    check!(flown, ["replay", "1.3#1", "--stderr"], @"");
    check!(flown, ["replay", "2.2#1"], @"");
    check!(flown, ["replay", "2.1"], @"");
}

#[test]
fn what_was_never_attempted_cannot_be_replayed() {
    check!(flown(), ["replay", "3.1"], @"");
}

#[test]
fn raw_is_what_was_received() {
    let flown = flown();
    let output = flown.run(["replay", "1.2#1", "--raw"]);
    output.expect_code(0);
    assert!(output.stderr.is_empty(), "{output}");
    for line in output.stdout.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    assert!(output.stdout.contains("perfectly"), "{output}");
    let errors = flown.run(["replay", "1.3#1", "--raw", "--stderr"]);
    assert_eq!(errors.stdout, "a complaint\n");
}

#[test]
fn updates_come_as_json_lines_with_their_times() {
    let output = flown().run(["replay", "1.1", "--json"]);
    output.expect_code(0);
    let updates: Vec<serde_json::Value> = output
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(updates[0]["data"]["update"], "session_started");
    assert_eq!(updates.last().unwrap()["data"]["update"], "ended");
    let offsets = updates
        .iter()
        .map(|update| update["data"]["offset_ms"].as_i64().unwrap());
    assert!(offsets.is_sorted());
}
