//! `log` and `runs`.

use crate::support::{check, environment, flown};

#[test]
fn the_log_of_a_step_and_of_an_attempt() {
    let flown = flown();
    check!(flown, ["log", "1.2"], @"");
    check!(flown, ["log", "1.2#1"], @"");
}

#[test]
fn the_log_is_read_on_from_a_cursor() {
    let flown = flown();
    check!(flown, ["log", "--after", "1", "--limit", "4"], @"");
    let all = flown.run(["log", "--limit", "1000", "--json"]);
    let sequences: Vec<u64> = all
        .stdout
        .lines()
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            value["data"]["sequence"].as_u64().unwrap()
        })
        .collect();
    let count = sequences.len() as u64;
    assert!(count > 40, "{count}");
    assert_eq!(
        sequences,
        (1..=count).collect::<Vec<_>>(),
        "oldest first, none left out"
    );
}

#[test]
fn a_closed_reader_is_no_error() {
    let flown = flown();
    let output = flown.run(["log", "--limit", "0"]);
    output.expect_code(0);
}

#[test]
fn runs_are_listed() {
    check!(flown(), ["runs"], @"");
}

#[test]
fn without_a_store_there_is_nothing_to_tell() {
    check!(environment(), ["log"], @"");
    check!(environment(), ["runs"], @"");
    check!(environment(), ["replay", "1.1"], @"");
}
