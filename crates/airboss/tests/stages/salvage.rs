//! Artifacts that an agent says and does not write: what is taken from its answer, what is not,
//! and that nobody takes one for the other.

use std::time::Duration;

use airboss_testkit::TestEnvironment;
use airboss_testkit::environment::{Output, eventually};
use rustix::process::Signal;
use serde_json::Value;

use crate::{PLAN, REPORT, TASK, begun, ran, section, status, subjects, write};

const SALVAGED: &str = "(salvaged from the agent's answer)";
const ANALYSIS: &str = "# The banner\\n\\n## Analysis\\n\\nA letter was missing: it said helo where \
                        hello was meant, and the check that reads the file looks for the whole \
                        word. The letter was put in.\\n";
const SUMMARY: &str = "# Documents\\n\\nREADME.md says now that the banner is short, and how wide \
                       a terminal has to be so that it is shown without a break: eighty columns.";

fn say(text: &str) -> String {
    format!("{{ say = \"{text}\" }}")
}

fn report() -> String {
    format!("{TASK}/reports/research-001.md")
}

fn debugged() -> String {
    format!("{TASK}/debug/001_shorten_the_banner.md")
}

/// The newest attempt at a unit, as `why` knows it.
fn newest(environment: &TestEnvironment, unit: &str) -> Value {
    let told = environment.run(["why", unit, "--json"]);
    let told: Value = serde_json::from_str(&told.stdout).expect("JSON");
    let attempts = told["data"]["attempts"].as_array().expect("attempts");
    attempts.last().expect("an attempt").clone()
}

/// An agent's answer is its artifact, at the first attempt.
#[track_caller]
fn taken(stage: &str, unit: &str, actions: &[String], due: &str, agent: &str) -> TestEnvironment {
    let environment = begun(&section(unit, actions));
    let told = ran(&environment, [stage, "1", "--agent", agent, "-q"]);
    assert_eq!(told.code(), 0, "{told}");
    told.shows(&format!("{due} {SALVAGED}"));
    let text = environment.read(due);
    let begin = format!("> Salvaged: Airboss wrote `{due}` from the answer of attempt ");
    assert!(text.starts_with(&begin), "{text}");
    let attempt = newest(&environment, unit);
    assert_eq!(attempt["number"], 1);
    assert_eq!(attempt["judgement"]["verdict"], "verified");
    let committed = environment.git(["show", &format!("HEAD:{due}")]);
    assert_eq!(committed.trim_end(), text.trim_end());
    environment
}

#[test]
fn a_report_is_taken_from_every_kind_of_agent() {
    for agent in ["plain", "claude", "codex"] {
        let actions = [say("I may not write files."), say(REPORT)];
        let environment = taken("research", "research-001", &actions, &report(), agent);
        assert_eq!(status(&environment), "[RESEARCHED]", "{agent}");
        let text = environment.read(&report());
        let own = REPORT.replace("\\n", "\n");
        assert!(text.ends_with(&format!("\n\n{own}")), "{agent}: {text}");
    }
}

#[test]
fn a_plan_is_taken_and_carried_out() {
    let due = format!("{TASK}/plans/implementation-001.md");
    let fenced = format!("This is the plan:\\n\\n```markdown\\n{PLAN}```\\nBye.");
    let environment = taken(
        "plan",
        "implementation-001",
        &[say(&fenced)],
        &due,
        "claude",
    );
    environment.script(&crate::honest());
    ran(&environment, ["implement", "1", "-q"]).expect_code(0);
    assert_eq!(status(&environment), "[COMPLETED]");
    assert!(environment.read(&due).contains("> Salvaged: "));
}

#[test]
fn a_search_for_a_cause_is_taken_with_its_fix() {
    let actions = [write("src/banner.txt", "hello\\n"), say(ANALYSIS)];
    let unit = "001_shorten_the_banner";
    let environment = taken("debug", unit, &actions, &debugged(), "claude");
    let files = environment.git(["show", "--name-only", "--format=", "HEAD"]);
    assert!(files.contains("src/banner.txt"), "{files}");
}

/// The script of who brings documents up to date: its unit has the name of the day.
fn documents(actions: &[String]) -> String {
    format!("[default]\nactions = [{}]\n", actions.join(", "))
}

#[test]
fn a_summary_is_taken_where_there_is_something_to_sum_up() {
    let append = "{ append = \"README.md\", text = \"It is short.\\n\" }".to_owned();
    let environment = begun(&documents(&[append, say(SUMMARY)]));
    let told = ran(&environment, ["document", "1", "--agent", "codex", "-q"]);
    assert_eq!(told.code(), 0, "{told}");
    told.shows(SALVAGED);
    let environment = begun(&documents(&[say(SUMMARY)]));
    let told = ran(&environment, ["document", "1", "--agent", "codex", "-q"]);
    assert_eq!(told.code(), 1, "{told}");
}

/// Wherever the artifact is named, it is said where it came from.
#[test]
fn it_is_marked_wherever_it_is_named() {
    let environment = taken(
        "research",
        "research-001",
        &[say(REPORT)],
        &report(),
        "claude",
    );
    let words = "salvaged from the agent's answer";
    let commands: [&[&str]; 10] = [
        &["why", "research-001"],
        &["why", "research-001", "--json"],
        &["log", "1"],
        &["log"],
        &["log", "--json"],
        &["task", "show", "1"],
        &["task", "show", "1", "--json"],
        &["handoff", "1"],
        &["handoff", "1", "--json"],
        &["errors"],
    ];
    for command in commands {
        let told = environment.run(command);
        let lines: Vec<&str> = told.stdout.split_whitespace().collect();
        let found = lines.join(" ").contains(words);
        assert!(found, "{command:?}: {told}");
    }
    let message = environment.git(["log", "-1", "--format=%b"]);
    let line = format!("{} {SALVAGED}\n", report());
    assert!(message.contains(&line), "{message}");
    assert!(environment.read("specs/state.json").contains(words));
    let errors = environment.run(["errors", "--json"]).stdout;
    let errors: Value = serde_json::from_str(&errors).unwrap();
    let kept = errors.to_string();
    for part in ["artifact_salvaged", "\"recoverable\":true", "read the file"] {
        assert!(kept.contains(part), "{part}: {kept}");
    }
    // A clone has nothing but the files.
    environment.run(["rebuild", "--yes"]);
    let told = environment.run(["task", "show", "1"]);
    told.shows(words);
}

#[test]
fn the_stage_says_so_as_json() {
    let environment = begun(&section("research-001", &[say(REPORT)]));
    let told = ran(&environment, ["research", "1", "--json"]);
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(told["data"]["salvaged"], serde_json::json!([report()]));
    assert_eq!(told["data"]["attempts"], 1);
}

#[test]
fn a_checkpoint_counts_them() {
    let environment = begun(&section("research-001", &[say(REPORT)]));
    let told = ran(
        &environment,
        ["coordinate", "1", "--scope", "research", "-q"],
    );
    told.shows(", 1 salvaged, ");
}

/// An answer that is no artifact: it stays missing, and is told with the reason.
#[track_caller]
fn left(stage: &str, unit: &str, answer: &str, why: &str) {
    let environment = begun(&section(unit, &[say(answer)]));
    let told = ran(&environment, [stage, "1", "--agent", "claude", "-q"]);
    assert_eq!(told.code(), 1, "{answer}: {told}");
    assert_eq!(status(&environment), "[NOT STARTED]", "{answer}");
    assert_eq!(subjects(&environment).len(), 1, "{answer}");
    let attempt = newest(&environment, unit);
    assert_eq!(attempt["number"], 3, "{answer}");
    let check = &attempt["evidence"]["artifacts"][0];
    assert_eq!(check["finding"], "missing", "{answer}");
    assert_eq!(check["search"]["answer"], why, "{answer}");
}

#[test]
fn chatter_and_lies_are_no_artifacts() {
    let title = "has no title (`# …`)";
    left("research", "research-001", "I wrote the report.", title);
    left("plan", "implementation-001", "The plan is ready.", title);
    let lie = format!("{REPORT}It is all in research-001.md.");
    let tells = "tells of `research-001.md` instead of being it";
    left("research", "research-001", &lie, tells);
    let phases = "has no phases (`### Phase 1: …`)";
    left("plan", "implementation-001", REPORT, phases);
    let skeleton = "# Report\\n\\n## Findings\\n\\nTODO\\n";
    left(
        "research",
        "research-001",
        skeleton,
        "is an unfilled skeleton",
    );
}

#[test]
fn the_right_file_at_the_wrong_path_is_named_and_stays() {
    let environment = begun(&section(
        "research-001",
        &[write("notes.md", REPORT), say("It is in notes.md.")],
    ));
    let told = ran(&environment, ["research", "1", "-q"]);
    assert_eq!(told.code(), 1, "{told}");
    let named = "is missing; `notes.md` could be it, and stays there";
    told.shows(named);
    assert!(environment.path("notes.md").exists());
    assert!(!environment.path(report()).exists());
}

#[test]
fn what_is_missing_is_told_with_where_to_look() {
    let beside = write(&format!("{TASK}/reports/draft.txt"), "later\\n");
    let environment = begun(&section("research-001", &[beside, say("It is done.")]));
    let told = ran(&environment, ["research", "1", "--agent", "claude"]);
    assert_eq!(told.code(), 1, "{told}");
    let hint = "hint: `airboss why research-001` tells";
    assert_eq!(told.told(hint).len(), 1, "{told}");
    let told = environment.run(["why", "research-001"]).stdout;
    let words: Vec<&str> = told.split_whitespace().collect();
    let words = words.join(" ");
    for part in [
        &*format!("expected {}; its directory holds draft.txt", report()),
        "answer not salvaged, for it has no title (`# …`)",
        "claimed wrote specs/001_shorten_the_banner/reports/draft.txt; “It is done.”",
        "did last Write /",
        "look `airboss replay research-001#3` has all that it said and did",
    ] {
        let found = words.contains(part);
        assert!(found, "{part}: {told}");
    }
}

#[test]
fn nothing_is_written_through_a_link() {
    let outside = "mkdir -p ../outside && rmdir specs/001_shorten_the_banner/reports && \
                   ln -s ../../../outside specs/001_shorten_the_banner/reports";
    let shell = format!("{{ shell = \"{outside}\" }}");
    let environment = begun(&section("research-001", &[shell, say(REPORT)]));
    let told = ran(&environment, ["research", "1", "--agent", "claude", "-q"]);
    assert_eq!(told.code(), 1, "{told}");
    let there = fs_err::read_dir(environment.outside("outside")).unwrap();
    assert_eq!(there.count(), 0);
    let attempt = newest(&environment, "research-001");
    let answer = attempt["evidence"]["artifacts"][0]["search"]["answer"].clone();
    let answer = answer.as_str().unwrap();
    assert!(answer.contains("could not be written"), "{answer}");
}

#[test]
fn a_salvaged_report_makes_no_check_green() {
    let actions = [write("src/banner.txt", "helo\\n"), say(ANALYSIS)];
    let environment = begun(&section("001_shorten_the_banner", &actions));
    environment.config("[gates.banner]\ncommand = \"grep -q hello src/banner.txt\"\n");
    let told = ran(&environment, ["debug", "1", "--agent", "claude", "-q"]);
    assert_eq!(told.code(), 1, "{told}");
    let attempt = newest(&environment, "001_shorten_the_banner");
    assert_eq!(attempt["judgement"]["verdict"], "failed");
    assert_eq!(told.stdout.matches('✓').count(), 0, "{told}");
}

/// The first check waits until it is told to go on, so that the process can be killed when the
/// file is written and nothing is recorded of it.
const SLOW: &str = "[gates.slow]\ncommand = \"test -e ../go || { touch ../begun; sleep 60; }\"\n";

#[test]
fn killed_before_it_is_recorded_it_is_salvaged_still() {
    let actions = [write("src/banner.txt", "hello\\n"), say(ANALYSIS)];
    let environment = begun(&section("001_shorten_the_banner", &actions));
    environment.config(SLOW);
    let running = environment.start(["debug", "1", "--agent", "claude"]);
    let seen = eventually(Duration::from_secs(60), || {
        environment.outside("begun").exists()
    });
    assert!(seen, "{}", running.stderr());
    running.signal(Signal::KILL);
    running.wait();
    let written = environment.read(&debugged());
    assert!(written.starts_with("> Salvaged: "), "{written}");
    fs_err::write(environment.outside("go"), "").unwrap();
    let told = ran(
        &environment,
        ["debug", "1", "--agent", "claude", "--resume", "-q"],
    );
    assert_eq!(told.code(), 0, "{told}");
    let named = format!("{} {SALVAGED}", debugged());
    told.shows(&named);
    assert_eq!(environment.read(&debugged()), written);
    assert_eq!(newest(&environment, "001_shorten_the_banner")["number"], 1);
}

/// An agent that says it wrote the file, and a file that comes when it is gone; later attempts
/// write another one, so that a machine that is too slow for this once is no failure.
fn late() -> (Output, Value) {
    let due = report();
    let honest = write(&due, &format!("{REPORT}\\nThat is all.\\n"));
    let environment = begun(&format!(
        "[[step]]\nmatch = \"research-001\"\non_attempt = [1]\n\
         actions = [{{ pretend = \"{due}\" }}]\n\n{}",
        section("research-001", &[honest])
    ));
    let mut running = environment.start(["research", "1", "--agent", "claude"]);
    running.await_stderr("started  research-001");
    let ended = eventually(Duration::from_secs(60), || {
        let log = environment.run(["log", "research-001"]);
        log.stdout.contains("attempt_ended")
    });
    assert!(ended, "{}", running.stderr());
    let text = REPORT.replace("\\n", "\n");
    fs_err::write(environment.path(&due), text).expect("the file can be written");
    let told = running.wait();
    let attempts = newest(&environment, "research-001");
    (told, attempts)
}

#[test]
fn a_late_file_is_found_by_the_second_look() {
    // Once is enough on any machine that is not overloaded.
    let seen = (0..5).any(|_| {
        let (told, attempt) = late();
        assert_eq!(told.code(), 0, "{told}");
        let check = &attempt["evidence"]["artifacts"][0];
        assert_eq!(check["salvaged"], Value::Null, "{check}");
        check["late"] == true
    });
    assert!(seen);
}
