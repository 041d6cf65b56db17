//! `report` of a run and `graph`: the numbers are those of `status`, and no file is lost.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

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
    let expected = "4 of 8 steps verified, 1 failed, 1 waits for you, 1 blocked, 1 skipped";
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
    assert!(page.contains("4 of 8 steps verified, 1 failed, 1 waits for you"));
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
    let expected = "4 of 8 steps verified, 1 failed, 1 waits for you, 1 blocked, 1 skipped";
    assert_eq!(lines.next(), Some(expected));
    assert!(output.stdout.lines().count() < 30, "one screen: {output}");
    let markdown = flown.run(["report", "--markdown"]).stdout;
    let has = |wanted: &str| markdown.lines().any(|line| line == wanted);
    assert!(has(&format!("**{expected}**")), "{markdown}");
    assert!(has("```mermaid") && has("gantt"), "{markdown}");
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
    check!(flown, ["report", "abcdef0"], @"
    exit code: 4
    ----- stdout -----

    ----- stderr -----
    Error: no run `abcdef0` is recorded
    hint: `airboss runs` lists them
    ");
    check!(flown, ["report", "later"], @"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    error: invalid value 'later' for '[RUN]': neither the id of a run (`airboss runs`) nor a kind of claim: progress, note, finding, phase-started, phase-done, artifact-ready, ask

    For more information, try '--help'.
    ");
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
    check!(flown(), ["graph"], @r##"
    exit code: 0
    ----- stdout -----
    flowchart TD
      subgraph g0["Phase 1: Chapters"]
        n0["✓ 1.1 Write guide/first.md<br/>done"]
        n1["✓ 1.2 Write guide/second.md<br/>done"]
        n2["✓ 1.3 Write guide/third.md<br/>done"]
        n3["✓ 1.4 Write guide/fourth.md<br/>done"]
      end
      subgraph g1["Phase 2: Cover"]
        n4["⁇ 2.1 Write guide/cover.md<br/>needs an answer"]
        n5["✗ 2.2 Write guide/index.md<br/>failed"]
      end
      subgraph g2["Phase 3: Print"]
        n6["× 3.1 Write guide/book.md<br/>blocked"]
        n7["– 3.2 Write guide/errata.md<br/>skipped"]
      end
        n8(["✓ Phase 1 Chapters<br/>done"])
        n9(["· Phase 2 Cover<br/>pending"])
      n0 --> n8
      n1 --> n8
      n2 --> n8
      n3 --> n8
      n4 --> n9
      n5 --> n9
      n8 --> n4
      n8 --> n5
      n9 --> n6
      n9 --> n7
      classDef good fill:#18794a,stroke:#18794a,color:#ffffff
      class n0,n1,n2,n3,n8 good
      classDef bad fill:#c32638,stroke:#c32638,color:#ffffff
      class n5 bad
      classDef person fill:#0c6c86,stroke:#0c6c86,color:#ffffff
      class n4 person
      classDef idle fill:#5a6573,stroke:#5a6573,color:#ffffff
      class n6,n7,n9 idle
    ----- stderr -----
    "##);
}

#[test]
fn a_plan_that_waits_for_itself_is_drawn() {
    let environment = environment();
    let text = "# Plan: A circle\n\n### Phase 1: One [NOT STARTED]\n**Tasks**:\n\
                - [ ] 1.1 Begin (depends: 1.2)\n- [ ] 1.2 End (depends: 1.1)\n";
    environment.plan("plans/circle.md", text);
    check!(environment, ["graph", "--plan", "plans/circle.md"], @r##"
    exit code: 0
    ----- stdout -----
    flowchart TD
      subgraph g0["Phase 1: One"]
        n0["· 1.1 Begin (depends: 1.2)<br/>pending, in a cycle"]
        n1["· 1.2 End (depends: 1.1)<br/>pending, in a cycle"]
      end
      n0 -. cycle .-> n1
      n1 -. cycle .-> n0
      classDef idle fill:#5a6573,stroke:#5a6573,color:#ffffff
      class n0,n1 idle
    ----- stderr -----
    warning: these wait for themselves: 1.1, 1.2
    "##);
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
    check!(environment, ["graph"], @r##"
    exit code: 0
    ----- stdout -----
    flowchart TD
        n0["· 1 Measure the #60;wings#62;<br/>not started"]
        n1["· 2 Fold<br/>not started"]
      n0 --> n1
      classDef idle fill:#5a6573,stroke:#5a6573,color:#ffffff
      class n0,n1 idle
    ----- stderr -----
    "##);
    check!(environment, ["report"], @"
    exit code: 0
    ----- stdout -----
    0 of 2 tasks finished; no step was flown
      of   board specs
      began   not yet
    ----- stderr -----
    ");
}

#[test]
fn without_anything_there_is_nothing_to_report() {
    check!(environment(), ["report"], @"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    Error: no plan was named, and none is known here
    hint: name the plan's Markdown file: `airboss run plans/my-plan.md`
    ");
    check!(environment(), ["graph"], @"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    Error: no plan was named, and none is known here
    hint: name the plan's Markdown file: `airboss run plans/my-plan.md`
    ");
}
