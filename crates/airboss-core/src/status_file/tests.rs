//! The reader, the writer, and both against files of other programs.

use std::path::Path;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::import::import;
use super::splice::{Shown, render, splice};
use super::*;
use crate::operation::{Actor, Operation, StepRecord};
use crate::step::Step;

const NOW: Timestamp = Timestamp::from_millis(1_772_442_900_000);

fn record(id: &str, phase: &str, title: &str) -> StepRecord {
    StepRecord {
        id: id.into(),
        phase: phase.to_owned(),
        phase_title: title.to_owned(),
        description: format!("Do {id}"),
        dependencies: Vec::new(),
    }
}

fn fresh(record: StepRecord) -> Step {
    Step {
        record,
        state: StepState::default(),
    }
}

fn shown<'a>(steps: &'a [Step], runs: &'a [Run]) -> Shown<'a> {
    Shown {
        plan_path: "plans/demo.md",
        plan_name: "demo",
        plan_hash: Some("abc"),
        steps,
        whole: true,
        runs,
        now: NOW,
    }
}

fn mark(step: &mut Step, status: StepStatus, text: Option<&str>, at: i64) {
    let operation = Operation::StepMarked {
        step: step.record.id.clone(),
        status,
        actor: Actor::Person,
        text: text.map(str::to_owned),
        forced: false,
        stuck: false,
    };
    step.state
        .apply(Timestamp::from_millis(at), &operation, None);
}

/// The steps that a store would hold after the file was imported.
fn steps_of(file: &StatusFile) -> Vec<Step> {
    let mut seen = std::collections::HashSet::new();
    let mut steps: Vec<Step> = file
        .tasks
        .iter()
        .filter(|task| seen.insert(task.id.clone()))
        .map(|task| {
            fresh(StepRecord {
                id: task.id.clone(),
                phase: task.phase.clone(),
                phase_title: String::new(),
                description: task.description.clone(),
                dependencies: task.dependencies.clone(),
            })
        })
        .collect();
    let records: Vec<StepRecord> = steps.iter().map(|step| step.record.clone()).collect();
    for operation in import(file, &records) {
        let id = &operation.steps()[0];
        let step = steps.iter_mut().find(|step| step.record.id == *id).unwrap();
        step.state.apply(NOW, &operation, None);
    }
    steps
}

fn two_steps() -> Vec<Step> {
    let mut steps = vec![
        fresh(record("1.1", "1", "Measure")),
        fresh(record("2.1", "2", "Mend")),
    ];
    steps[1].record.dependencies.push("1.1".into());
    steps
}

#[test]
fn a_new_file() {
    let steps = two_steps();
    let new = render(&shown(&steps, &[]));
    assert_snapshot!(new, @r#"
    {
      "version": 2,
      "_comment": "Written by airboss from its store. Change states with `airboss mark-...`; other keys are yours.",
      "planPath": "plans/demo.md",
      "planName": "demo",
      "planHash": "abc",
      "createdAt": "2026-03-02T09:15:00.000Z",
      "lastUpdatedAt": "2026-03-02T09:15:00.000Z",
      "currentPhase": "Phase 1: Measure",
      "tasks": [
        {
          "id": "1.1",
          "phase": "Phase 1: Measure",
          "description": "Do 1.1",
          "status": "pending"
        },
        {
          "id": "2.1",
          "phase": "Phase 2: Mend",
          "description": "Do 2.1",
          "status": "pending",
          "dependencies": ["1.1"]
        }
      ],
      "runs": [],
      "summary": {
        "totalTasks": 2,
        "completed": 0,
        "pending": 2,
        "in_progress": 0,
        "failed": 0,
        "skipped": 0
      }
    }
    "#);
    assert_eq!(splice(&new, &shown(&steps, &[])), Ok(None));
}

#[test]
fn what_a_start_and_an_end_change() {
    let mut steps = two_steps();
    let new = render(&shown(&steps, &[]));
    mark(
        &mut steps[0],
        StepStatus::InProgress,
        None,
        1_772_442_901_000,
    );
    mark(
        &mut steps[0],
        StepStatus::Completed,
        Some("all good"),
        1_772_442_903_500,
    );
    let done = splice(&new, &shown(&steps[..1], &[])).unwrap().unwrap();
    let file = StatusFile::read(&done);
    assert_eq!(file.warnings, Vec::<String>::new());
    assert_snapshot!(difference(&new, &done), @r#"
    -  "currentPhase": "Phase 1: Measure",
    +  "currentPhase": "Phase 2: Mend",
    -      "status": "pending"
    +      "status": "completed",
    +      "startedAt": "2026-03-02T09:15:01.000Z",
    +      "completedAt": "2026-03-02T09:15:03.500Z",
    +      "duration": 2500,
    +      "notes": "all good"
    -    "completed": 0,
    -    "pending": 2,
    +    "completed": 1,
    +    "pending": 1,
    "#);
}

#[expect(
    clippy::print_stderr,
    reason = "a test tells what it found, or that it was skipped"
)]
fn note(text: std::fmt::Arguments<'_>) {
    eprintln!("{text}");
}

/// Lines that differ, for texts that have most lines in common.
fn difference(before: &str, after: &str) -> String {
    let (before, after): (Vec<&str>, Vec<&str>) =
        (before.lines().collect(), after.lines().collect());
    let (mut left, mut right) = (0, 0);
    let mut lines = Vec::new();
    while left < before.len() || right < after.len() {
        if left < before.len() && right < after.len() && before[left] == after[right] {
            left += 1;
            right += 1;
            continue;
        }
        let rejoin = (0..before.len() - left)
            .flat_map(|skip| (0..after.len() - right).map(move |add| (skip, add)))
            .filter(|(skip, add)| before[left + skip] == after[right + add])
            .min_by_key(|(skip, add)| skip + add);
        let (skip, add) = rejoin.unwrap_or((before.len() - left, after.len() - right));
        lines.extend(
            before[left..left + skip]
                .iter()
                .map(|line| format!("-{line}")),
        );
        lines.extend(
            after[right..right + add]
                .iter()
                .map(|line| format!("+{line}")),
        );
        left += skip;
        right += add;
    }
    lines.join("\n")
}

#[test]
fn a_file_of_version_1_is_migrated_in_place() {
    let old = "{\r\n\t\"planPath\" : \"./p.md\",\r\n\t\"mine\" : {\"a\":[1,2 ]},\r\n\t\"tasks\" : [{\"id\":\"1.1\",\"phase\":\"Phase 1\",\"status\":\"pending\",\"notes\":true,\"_note\":\"x\"},{\"id\":\"V1\",\"title\":\"t\",\"status\":\"paused\"}],\r\n\t\"summary\" : {\"totalTasks\" : 9}\r\n}\r\n";
    let mut steps = vec![fresh(record("1.1", "1", ""))];
    assert_eq!(splice(old, &shown(&steps, &[])), Ok(None));
    mark(&mut steps[0], StepStatus::Failed, Some("broke \"it\""), 0);
    let new = splice(old, &shown(&steps, &[])).unwrap().unwrap();
    assert_snapshot!(new.replace("\r\n", "⏎\n").replace('\t', "→"), @r#"
    {⏎
    →"version" : 2,⏎
    →"planPath" : "./p.md",⏎
    →"planHash" : "abc",⏎
    →"lastUpdatedAt" : "2026-03-02T09:15:00.000Z",⏎
    →"currentPhase" : "Phase 1",⏎
    →"mine" : {"a":[1,2 ]},⏎
    →"tasks" : [{"id":"1.1","phase":"Phase 1","status":"failed","completedAt":"1970-01-01T00:00:00.000Z","notes":true,"error":"broke \"it\"","lastError":"broke \"it\"","lastErrorAt":"1970-01-01T00:00:00.000Z","_note":"x"},{"id":"V1","title":"t","status":"paused"}],⏎
    →"summary" : {"totalTasks" : 2,"completed" : 0,"pending" : 1,"in_progress" : 0,"failed" : 1,"skipped" : 0}⏎
    }⏎
    "#);
}

#[test]
fn what_cannot_be_written_to_says_why() {
    let check = |text: &str| match splice(text, &shown(&[], &[])) {
        Err(damage) => {
            assert_eq!(StatusFile::read(text).damage.as_ref(), Some(&damage));
            damage.to_string()
        }
        Ok(_) => "written".to_owned(),
    };
    let texts = [
        "",
        "{\n \"tasks\": [,]}",
        "[]",
        "{}",
        "{\"tasks\": {}}",
        "{\"version\": 99, \"tasks\": []}",
        "{\"tasks\": [] }",
    ];
    let all: Vec<String> = texts.iter().map(|text| check(text)).collect();
    assert_snapshot!(all.join("\n"), @"
    line 1 is no JSON (EOF while parsing a value at line 1 column 0)
    line 2 is no JSON (expected value at line 2 column 12)
    it is no status.json: its root is no object
    it is no status.json: it has no list `tasks`
    it is no status.json: it has no list `tasks`
    it has version 99, and this airboss knows versions up to 2
    written
    ");
}

#[test]
fn every_odd_form_is_read() {
    let file = StatusFile::read(
        r#"{"tasks":[
        {"id":"VERIFY-0","phase":"1","phaseName":"Measure","title":"t","status":"completed","findingsPath":null,"notes":true},
        {"id":7,"description":"d","status":"done"},
        {"description":"no id"},
        {"id":"VERIFY-0","description":"again","status":"pending"}],
        "runs":[{"id":"batch-1","startedAt":"2026-01-01T00:00:00Z"},{}],
        "summary":{"totalTasks":3,"completed":1}}"#,
    );
    assert_eq!(file.damage, None);
    assert_eq!(file.tasks[0].phase, "Phase 1: Measure");
    assert_snapshot!(file.warnings.join("\n"), @r#"
    task 7 has the unknown status "done"
    tasks[2] has no id and is left alone
    run batch-1 never ended
    a run without id is left alone
    task VERIFY-0 is there more than once
    "#);
}

#[test]
fn restarting_clears_what_the_last_attempt_left() {
    let mut steps = vec![fresh(record("1", "1", ""))];
    mark(&mut steps[0], StepStatus::InProgress, None, 1_000);
    mark(&mut steps[0], StepStatus::Failed, Some("red"), 2_000);
    let before = render(&shown(&steps, &[]));
    mark(&mut steps[0], StepStatus::InProgress, None, 3_000);
    let after = splice(&before, &shown(&steps, &[])).unwrap().unwrap();
    assert_snapshot!(difference(&before, &after), @r#"
    -      "status": "failed",
    -      "startedAt": "1970-01-01T00:00:01.000Z",
    -      "completedAt": "1970-01-01T00:00:02.000Z",
    -      "duration": 1000,
    -      "error": "red",
    +      "status": "in_progress",
    +      "startedAt": "1970-01-01T00:00:03.000Z",
    -    "in_progress": 0,
    -    "failed": 1,
    +    "in_progress": 1,
    +    "failed": 0,
    "#);
    assert_eq!(splice(&after, &shown(&steps, &[])), Ok(None));
}

#[test]
fn new_steps_of_the_plan_are_added_in_plan_order() {
    let steps: Vec<Step> = ["2", "4"].map(|id| fresh(record(id, "1", ""))).into();
    let before = render(&shown(&steps, &[]));
    let steps: Vec<Step> = ["1", "2", "3", "4", "5", "6"]
        .map(|id| fresh(record(id, "1", "")))
        .into();
    let after = splice(&before, &shown(&steps, &[])).unwrap().unwrap();
    let file = StatusFile::read(&after);
    let ids: Vec<&str> = file.tasks.iter().map(|task| task.id.as_str()).collect();
    assert_eq!(ids, ["1", "2", "3", "4", "5", "6"]);
    assert_eq!(
        after.replace(NOW.millis_text().as_str(), ""),
        render(&shown(&steps, &[])).replace(NOW.millis_text().as_str(), "")
    );
}

/// Any JSON value, written without care for beauty.
fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|flag| flag.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        "[ -~äß\\\\\"]{0,8}".prop_map(|text| Value::from(text).to_string()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3)
                .prop_map(|all| format!("[ {} ]", all.join(" ,"))),
            prop::collection::vec(("[a-z]{1,3}", inner), 0..3).prop_map(|all| {
                let all: Vec<String> = all
                    .into_iter()
                    .map(|(key, value)| format!("\"{key}\":  {value}"))
                    .collect();
                format!("{{{}}}", all.join(","))
            }),
        ]
    })
}

fn any_status() -> impl Strategy<Value = StepStatus> {
    prop_oneof![
        Just(StepStatus::Pending),
        Just(StepStatus::InProgress),
        Just(StepStatus::Completed),
        Just(StepStatus::Failed),
        Just(StepStatus::Skipped),
    ]
}

proptest! {
    /// Foreign members, whatever they hold and wherever they stand, survive byte for byte,
    /// and the file says what the store says.
    #[test]
    fn foreign_members_survive(
        foreign in prop::collection::vec(("[a-z]{1,4}_", any_json()), 0..4),
        own in prop::collection::vec(("[a-z]{1,4}_", any_json()), 0..4),
        moves in prop::collection::vec((0..3_usize, any_status(), 0..9_i64), 0..6),
        compact in any::<bool>(),
    ) {
        let gap = if compact { "" } else { "\n  " };
        let members = |list: &[(String, String)]| -> String {
            list.iter().map(|(key, value)| format!(",{gap}\"{key}\": {value}")).collect()
        };
        let tasks: Vec<String> = (0..3)
            .map(|id| format!("{{{gap}\"id\": \"{id}\"{},{gap}\"status\":\"pending\"{gap}}}", members(&own)))
            .collect();
        let before = format!(
            "{{{gap}\"planPath\":\"x\"{},{gap}\"tasks\": [{}],{gap}\"summary\":{{}}{gap}}}\n",
            members(&foreign), tasks.join(", "),
        );
        let mut steps: Vec<Step> = (0..3).map(|id| fresh(record(&id.to_string(), "1", ""))).collect();
        let mut text = before;
        for (place, status, at) in moves {
            mark(&mut steps[place], status, Some("why"), at);
            if let Some(next) = splice(&text, &shown(&steps[place..=place], &[])).unwrap() {
                text = next;
            }
        }
        let file = StatusFile::read(&text);
        prop_assert_eq!(&file.damage, &None);
        for (task, step) in file.tasks.iter().zip(&steps) {
            prop_assert_eq!(task.status, Some(step.state.status));
            prop_assert_eq!(task.state.started_at, step.state.started_at);
            prop_assert_eq!(&task.state.error, &step.state.error);
        }
        prop_assert!(text.contains(&members(&foreign)), "{}", text);
        prop_assert_eq!(text.matches(&members(&own)).count() >= 3, true);
        prop_assert_eq!(text.as_bytes().last(), Some(&b'\n'));
    }

    /// Any text at all is read without a panic, and written to only when it is a status.json.
    #[test]
    fn any_text_is_survived(text in "\\PC{0,40}", json in any_json()) {
        for text in [text, json.clone(), format!("{{\"tasks\": [{json}], \"runs\": {json}}}")] {
            let file = StatusFile::read(&text);
            let steps = steps_of(&file);
            let written = splice(&text, &shown(&steps, &[]));
            prop_assert_eq!(file.damage.is_some(), written.is_err());
        }
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the corpus is outside of this repository"
)]
fn the_corpus_is_read_and_changed_only_where_it_must_be() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/status");
    let Ok(directory) = std::fs::read_dir(&corpus) else {
        note(format_args!(
            "no corpus beside the checkout: nothing was tested"
        ));
        return;
    };
    let (mut files, mut tasks, mut warnings, mut edits) = (0, 0, 0, 0);
    for entry in directory {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let file = StatusFile::read(&text);
        assert_eq!(file.damage, None, "{}", path.display());
        files += 1;
        tasks += file.tasks.len();
        warnings += file.warnings.len();
        let mut steps = steps_of(&file);
        let hash = file.plan_hash.clone().unwrap_or_default();
        let shown = |steps: &[Step]| {
            let shown = Shown {
                plan_hash: Some(&hash),
                ..shown(steps, &[])
            };
            splice(&text, &shown).unwrap()
        };
        let unchanged = shown(&steps).map(|changed| difference(&text, &changed));
        assert_eq!(unchanged, None, "{}", path.display());
        let Some(place) = steps
            .iter()
            .position(|step| step.state.status == StepStatus::Pending)
        else {
            continue;
        };
        mark(&mut steps[place], StepStatus::InProgress, None, 1_000);
        let changed = shown(&steps).unwrap();
        assert_eq!(Some(&changed), shown(&steps[place..=place]).as_ref());
        for line in difference(&text, &changed).lines() {
            let key = line[1..].trim().split(':').next().unwrap_or("");
            let owned = [
                "version",
                "planHash",
                "planPath",
                "planName",
                "lastUpdatedAt",
                "completedAt",
                "currentPhase",
                "status",
                "startedAt",
                "completed",
                "pending",
                "in_progress",
                "failed",
                "skipped",
                "totalTasks",
            ];
            assert!(
                owned.contains(&key.trim_matches('"')),
                "{}: {line}",
                path.display()
            );
            edits += 1;
        }
    }
    note(format_args!(
        "{files} files, {tasks} tasks, {warnings} warnings, {edits} changed lines"
    ));
    assert!(files > 0);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "what is measured is the time")]
fn one_step_of_ten_thousand_is_changed_fast() {
    let mut steps: Vec<Step> = (0..10_000)
        .map(|id| fresh(record(&id.to_string(), "1", "Many")))
        .collect();
    let text = render(&shown(&steps, &[]));
    mark(&mut steps[5_000], StepStatus::InProgress, None, 1_000);
    let start = std::time::Instant::now();
    let changed = splice(&text, &shown(&steps[5_000..=5_000], &[])).unwrap();
    let elapsed = start.elapsed();
    assert!(changed.is_some());
    note(format_args!("{} bytes in {elapsed:?}", text.len()));
    // Unoptimised and on a busy machine; what it guards against is quadratic work.
    assert!(elapsed.as_secs() < 2, "{elapsed:?}");
}
