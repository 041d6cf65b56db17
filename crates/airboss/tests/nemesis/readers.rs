//! Readers: of the files, and of what commands print. They write nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use airboss_core::board::facts::List;
use airboss_core::board::state_file::StateFile;
use airboss_core::board::todo::TodoFile;
use airboss_core::board::{Board, TaskFacts};
use airboss_core::operation::StoredOperation;
use airboss_testkit::TestEnvironment;
use airboss_testkit::linear::Span;
use serde_json::Value;

use crate::evidence::{Answer, Entry, Glance, Listing, Said};
use crate::storm::Storm;
use crate::world::TASKS;

/// Reads the files all the time.
pub(crate) fn look(storm: &Storm) {
    let mut dice = storm.dice(3 << 20);
    while !storm.is_over() {
        storm.saw(glance(storm));
        storm.rest(Duration::from_millis(5 + u64::from(dice.roll(20))));
    }
}

fn glance(storm: &Storm) -> Glance {
    let (at, before) = (storm.now(), storm.sky());
    // state.json is published last: what it shows, TODO.md has shown before.
    let state = fs_err::read(storm.environment.path("specs/state.json"));
    let todo = fs_err::read(storm.environment.path("specs/TODO.md"));
    let after = storm.sky();
    let mut glance = Glance {
        at,
        is_undisturbed: before.0 == after.0 && before.0 % 2 == 0,
        is_calm: before == after && before.1 % 2 == 1,
        ..Glance::default()
    };
    match state.map(|bytes| StateFile::parse(&bytes).map(|file| file.tasks)) {
        Ok(Ok(tasks)) => glance.state = entries("state.json", &tasks, &mut glance.torn),
        Ok(Err(error)) => glance.torn.push(format!("state.json: {error}")),
        Err(error) => glance.torn.push(error.to_string()),
    }
    match todo {
        Ok(bytes) => {
            let file = TodoFile::parse(&bytes);
            if let Some(damage) = file.damage {
                glance.torn.push(format!("TODO.md: {damage}"));
            }
            glance.todo = entries("TODO.md", &file.entries, &mut glance.torn);
        }
        Err(error) => glance.torn.push(error.to_string()),
    }
    for number in 1..=2 {
        let path = format!("specs/{number:03}_mend_part_{number}/plans/implementation-001.md");
        match fs_err::read_to_string(storm.environment.path(&path)) {
            Ok(text) if text.matches("- [ ] Mend it\n").count() == 3 => {}
            Ok(text) => glance.torn.push(format!("{path}: {text:?}")),
            Err(error) => glance.torn.push(error.to_string()),
        }
    }
    glance
}

/// What a file says of each task; one that lacks a task is torn.
fn entries(file: &str, facts: &[TaskFacts], torn: &mut Vec<String>) -> BTreeMap<u32, Entry> {
    let active = facts.iter().filter(|facts| facts.list == List::Active);
    let entries: BTreeMap<u32, Entry> = active
        .map(|facts| {
            let entry = Entry {
                operation: facts.operation,
                status: facts.status.clone(),
                effort: facts.effort.clone(),
            };
            (facts.number, entry)
        })
        .collect();
    let missing: Vec<_> = (1..=TASKS)
        .filter(|task| !entries.contains_key(task))
        .collect();
    if !missing.is_empty() {
        torn.push(format!("{file} lacks the tasks {missing:?}"));
    }
    entries
}

/// Asks for JSON all the time.
pub(crate) fn ask(storm: &Storm) {
    let mut dice = storm.dice(4 << 20);
    while !storm.is_over() {
        let begin = storm.now();
        let said = match dice.roll(2) {
            0 => export(&storm.environment),
            _ => list(&storm.environment),
        };
        let end = storm.now();
        let span = Span { begin, end };
        storm.heard(Answer { span, said });
        storm.rest(Duration::from_millis(20));
    }
}

fn json(environment: &TestEnvironment, words: &[&str]) -> Value {
    let told = environment.run(words);
    told.expect_code(0);
    let mut value: Value = serde_json::from_str(&told.stdout).expect("it is JSON");
    value["data"].take()
}

pub(crate) fn export(environment: &TestEnvironment) -> Said {
    let mut data = json(environment, &["export", "--json"]);
    let board: Board = serde_json::from_value(data["board"].take()).expect("it is a board");
    let operations = data["operations"].as_u64().expect("it is a count");
    Said::Board(Box::new(board), operations)
}

pub(crate) fn list(environment: &TestEnvironment) -> Said {
    let data = json(environment, &["task", "list", "--all", "--json"]);
    let rows = data["tasks"].as_array().expect("it is a list");
    let text = |value: &Value| value.as_str().expect("it is a text").to_owned();
    let row = |row: &Value| {
        let number = row["number"].as_u64().expect("it is a number");
        let number = u32::try_from(number).expect("it is a small one");
        (number, text(&row["status"]), text(&row["title"]))
    };
    let mut rows: Listing = rows.iter().map(row).collect();
    rows.sort();
    Said::List(rows)
}

/// The whole log.
pub(crate) fn log(environment: &TestEnvironment) -> Vec<StoredOperation> {
    let told = environment.run(["export", "--history"]);
    told.expect_code(0);
    let lines = told.stdout.lines().map(|line| {
        let mut value: Value = serde_json::from_str(line).expect("it is JSON");
        serde_json::from_value(value["data"].take()).expect("it is an operation")
    });
    lines.collect()
}
