//! `report` of a run and `graph`: the numbers are those of `status`, and no file is lost.

use airboss_testkit::environment::TestEnvironment;
use serde_json::Value;

use crate::support::{PLAN, check, environment, flown, prepared};

fn json(environment: &TestEnvironment, arguments: &[&str]) -> Value {
    let output = environment.run(arguments);
    output.expect_code(0);
    let value: Value = serde_json::from_str(&output.stdout).unwrap();
    value["data"].clone()
}

/// How many steps an account has that stand so.
fn standing(account: &Value, stand: &str) -> u64 {
    let counts = account["counts"].as_array().unwrap();
    let found = counts.iter().find(|count| count["stand"] == stand);
    found.map_or(0, |count| count["steps"].as_u64().unwrap())
}

#[test]
fn the_numbers_are_those_of_status() {
    let flown = flown();
    let account = json(&flown, &["report", "--json"]);
    let status = json(&flown, &["status", "--json"]);
    assert_eq!(account["totals"]["steps"], status["total"]);
    let sums = [
        ("completed", &["done"][..]),
        ("failed", &["failed", "to be retried"]),
        ("skipped", &["skipped"]),
        ("inProgress", &["in progress"]),
        (
            "pending",
            &["pending", "needs an answer", "limited", "parked", "blocked"],
        ),
    ];
    for (status_word, stands) in sums {
        let sum: u64 = stands.iter().map(|stand| standing(&account, stand)).sum();
        assert_eq!(
            sum,
            status[status_word].as_u64().unwrap(),
            "{status_word}: {account}"
        );
    }
    let expected = "4 of 8 steps verified, 1 skipped, 1 failed, 1 waits for you, 1 blocked";
    assert_eq!(account["sentence"], expected);
    let runs = json(&flown, &["runs", "--json"]);
    assert_eq!(account["totals"]["attempts"], runs["runs"][0]["attempts"]);
    assert!(
        account["totals"]["retries"].as_u64().unwrap() >= 4,
        "{account}"
    );
    // Every commit is git's, and none is missing.
    let commits = account["commits"].as_array().unwrap();
    let made = flown.git(["log", "--format=%H", "--grep=Airboss-Operation"]);
    for commit in commits {
        assert!(
            made.contains(commit["commit"].as_str().unwrap()),
            "{commit}"
        );
    }
    assert_eq!(commits.len(), 4);
}

#[test]
fn the_page_shows_the_same_numbers() {
    let flown = flown();
    let account = json(&flown, &["report", "--json"]);
    let page = flown.run(["report", "--html", "-"]);
    page.expect_code(0);
    let page = &page.stdout;
    assert!(page.contains("4 of 8 steps verified, 1 skipped, 1 failed, 1 waits for you"));
    let attempts = &account["totals"]["attempts"];
    assert!(
        page.contains(&format!("<dt>Attempts</dt><dd>{attempts}<")),
        "{page}"
    );
    for commit in account["commits"].as_array().unwrap() {
        assert!(page.contains(&commit["commit"].as_str().unwrap()[..9]));
    }
    assert!(page.contains("Which colour shall the cover have?"));
    assert!(page.contains("airboss answer 2.1 TEXT"));
    for forbidden in [
        "<script",
        "http://",
        "https://",
        "url(",
        "@import",
        " src=",
        "javascript",
    ] {
        let found = page
            .replace("http://www.w3.org/2000/svg", "")
            .contains(forbidden);
        assert!(!found, "{forbidden}");
    }
}

#[test]
fn words_say_the_answer_first() {
    let flown = flown();
    let output = flown.run(["report"]);
    output.expect_code(0);
    let mut lines = output.stdout.lines();
    let expected = "4 of 8 steps verified, 1 skipped, 1 failed, 1 waits for you, 1 blocked";
    assert_eq!(lines.next(), Some(expected));
    assert!(output.stdout.lines().count() < 30, "one screen: {output}");
    let markdown = flown.run(["report", "--markdown"]);
    assert!(
        markdown.stdout.contains(&format!("**{expected}**")),
        "{markdown}"
    );
    assert!(
        markdown.stdout.contains("```mermaid\ngantt\n"),
        "{markdown}"
    );
}

#[test]
fn a_run_is_named_by_its_id() {
    let flown = flown();
    let runs = json(&flown, &["runs", "--json"]);
    let run = &runs["runs"][0];
    for name in [
        &run["id"].as_str().unwrap()[..12],
        run["run_id"].as_str().unwrap(),
    ] {
        let account = json(&flown, &["report", name, "--json"]);
        assert_eq!(account["subject"]["run"], run["id"]);
    }
    check!(flown, ["report", "abcdef0"], @"");
    check!(flown, ["report", "later"], @"");
}

#[test]
fn only_a_report_is_replaced() {
    let flown = flown();
    let place = flown.outside("page.html");
    let file = place.to_str().unwrap();
    let write = |more: &[&str]| {
        let arguments = [&["report", "--html", file], more].concat();
        flown.run(arguments).code()
    };
    assert_eq!(
        (write(&[]), write(&[])),
        (0, 0),
        "a report of ours is replaced"
    );
    fs_err::write(&place, "mine").unwrap();
    assert_eq!(write(&[]), 4);
    assert_eq!(fs_err::read_to_string(&place).unwrap(), "mine");
    assert_eq!(write(&["--force"]), 0);
    fs_err::remove_file(&place).unwrap();
    fs_err::create_dir(&place).unwrap();
    assert_eq!(write(&["--force"]), 4, "no directory is");
    assert_eq!(
        flown.run(["report", "--svg", "/nowhere/at/all.svg"]).code(),
        4
    );
}

#[test]
fn a_report_in_the_work_tree_is_written_with_care() {
    let environment = prepared();
    // The graph needs no flight.
    environment
        .run(["--plan", PLAN, "graph", "--svg", "graph.svg"])
        .expect_code(0);
    environment
        .run(["--plan", PLAN, "graph", "--svg", "graph.svg"])
        .expect_code(0);
    assert!(
        environment
            .read("graph.svg")
            .contains("<!-- airboss report -->")
    );
    environment.write("notes.svg", "mine");
    environment
        .run(["--plan", PLAN, "graph", "--svg", "notes.svg"])
        .expect_code(4);
    assert_eq!(environment.read("notes.svg"), "mine");
}

#[test]
fn reports_write_nothing_but_their_file() {
    let flown = flown();
    let before = (flown.tree(), flown.state());
    for arguments in [
        &["report"][..],
        &["report", "--json"],
        &["report", "--markdown"],
        &["report", "--html", "-"],
        &["report", "--svg", "-"],
        &["graph"],
        &["graph", "--json"],
        &["graph", "--svg", "-"],
    ] {
        flown.run(arguments).expect_code(0);
    }
    assert!((flown.tree(), flown.state()) == before);
}

#[test]
fn the_graph_of_a_flight() {
    check!(flown(), ["graph"], @"");
}

#[test]
fn a_plan_that_waits_for_itself_is_drawn() {
    let environment = environment();
    let text = "# Plan: A circle\n\n### Phase 1: One [NOT STARTED]\n**Tasks**:\n\
                - [ ] 1.1 Begin (depends: 1.2)\n- [ ] 1.2 End (depends: 1.1)\n";
    environment.plan("plans/circle.md", text);
    check!(environment, ["graph", "--plan", "plans/circle.md"], @"");
}

#[test]
fn the_board_is_drawn_where_no_plan_is_known() {
    let environment = environment();
    environment.run(["init", "--yes"]).expect_code(0);
    environment
        .run(["task", "add", "Measure the <wings>"])
        .expect_code(0);
    environment
        .run(["task", "add", "Fold", "--depends", "1"])
        .expect_code(0);
    check!(environment, ["graph"], @"");
    check!(environment, ["report"], @"");
}

#[test]
fn without_anything_there_is_nothing_to_report() {
    check!(environment(), ["report"], @"");
    check!(environment(), ["graph"], @"");
}
