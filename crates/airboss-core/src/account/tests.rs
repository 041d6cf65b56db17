//! Accounts of flights that are written as lines.

use std::collections::HashMap;

use serde_json::json;

use super::*;
use crate::operation::Operation;
use crate::path::RepoPath;
use uuid::Uuid;

const PLAN: &str = "plans/a.md";

fn plan() -> PlanKey {
    PlanKey::new(RepoPath::new(PLAN).unwrap())
}

/// An id made of a small number, as operations in JSON have it.
fn id(number: u128) -> String {
    Uuid::from_u128(number).simple().to_string()
}

/// A log from `(milliseconds, kind, fields)`.
fn log(operations: &[(i64, &str, serde_json::Value)]) -> Vec<StoredOperation> {
    let mut sequence = 0;
    let stored = operations.iter().map(|(at, kind, fields)| {
        let mut fields = fields.clone();
        fields["kind"] = json!(kind);
        sequence += 1;
        let operation: Operation = serde_json::from_value(fields).unwrap();
        StoredOperation {
            sequence,
            id: crate::id::OperationId::from_uuid(Uuid::from_u128(sequence.into())),
            plan: plan(),
            at: Timestamp::from_millis(*at),
            operation,
        }
    });
    stored.collect()
}

type Line = (i64, &'static str, serde_json::Value);

fn registered(steps: &[&str]) -> Line {
    let steps: Vec<_> = steps
        .iter()
        .map(|id| {
            json!({ "id": id, "phase": "1", "phase_title": "One", "description": format!("do {id}"),
                    "dependencies": [] })
        })
        .collect();
    (
        0,
        "plan_registered",
        json!({ "name": "a", "hash": "h", "steps": steps, "renamed": [] }),
    )
}

fn started(at: i64, run: u128) -> Line {
    let runner = json!({ "pid": 1, "start_ticks": 1, "boot_id": "b" });
    (
        at,
        "run_started",
        json!({ "run": id(run), "runner": runner, "words": "fly" }),
    )
}

fn ended(at: i64, run: u128, ending: &str) -> Line {
    (
        at,
        "run_ended",
        json!({ "run": id(run), "ending": ending, "completed": 0, "failed": 0 }),
    )
}

fn flown(at: i64, run: u128, attempt: u128, step: &str, number: u32) -> Line {
    (
        at,
        "attempt_dispatched",
        json!({
            "attempt": id(attempt), "run": id(run), "steps": [step], "agent": "x", "fence": number,
            "number": number, "retry": number > 1,
        }),
    )
}

fn landed(at: i64, attempt: u128, cost: Option<f64>) -> Line {
    let spending = cost.map(|cost| {
        json!({ "input_tokens": 10, "cached_tokens": 0, "output_tokens": 5, "cost_usd": cost })
    });
    (
        at,
        "attempt_ended",
        json!({
            "attempt": id(attempt), "end": { "end": "never_started" },
            "report": { "spending": spending },
        }),
    )
}

fn judged(at: i64, attempt: u128, step: &str, verdict: &str, wake: Option<i64>) -> Line {
    (
        at,
        "step_judged",
        json!({
            "step": step, "attempt": id(attempt), "wake_at": wake, "evidence": {
                "changes": [], "unowned": [], "artifacts": [], "findings_written": false, "gates": [],
                "batch_claim": null, "trouble": null,
            },
            "judgement": { "verdict": verdict, "reason": format!("it is {verdict}"), "limit": null },
        }),
    )
}

fn facts(as_of: i64) -> Facts {
    Facts {
        subject: Subject::Plan { plan: plan() },
        title: String::new(),
        as_of: Timestamp::from_millis(as_of),
        retries_max: 1,
        models: HashMap::new(),
        tasks: Vec::new(),
        numbers: HashMap::new(),
    }
}

fn account(as_of: i64, operations: &[Line], run: Option<u128>) -> Account {
    let mut operations = log(operations);
    let run = run.map(|run| RunId::from_uuid(Uuid::from_u128(run)));
    if let Some(run) = run {
        let count = until_next_run(&operations, run).0.len();
        operations.truncate(count);
    }
    let part = Part {
        plan: plan(),
        name: String::new(),
        operations,
        run,
        waits: PhaseWaits::default(),
    };
    Account::of(facts(as_of), vec![part])
}

fn flight() -> Vec<Line> {
    vec![
        registered(&["1", "2", "3"]),
        started(0, 1),
        flown(1_000, 1, 11, "1", 1),
        flown(1_000, 1, 12, "2", 1),
        landed(3_000, 11, Some(0.25)),
        judged(4_000, 11, "1", "verified", None),
        landed(5_000, 12, None),
        judged(6_000, 12, "2", "failed", Some(8_000)),
        flown(9_000, 1, 13, "2", 2),
        landed(11_000, 13, Some(0.5)),
        judged(11_000, 13, "2", "verified", None),
        flown(12_000, 1, 14, "3", 1),
        landed(13_000, 14, Some(0.0)),
        judged(14_000, 14, "3", "waiting", None),
        ended(15_000, 1, "blocked"),
    ]
}

#[test]
fn a_flight_is_told_with_its_sums() {
    let told = account(20_000, &flight(), None);
    assert_eq!(told.sentence, "2 of 3 steps verified, 1 waits for you");
    assert_eq!((told.verified, told.declared), (2, 0));
    let totals = &told.totals;
    assert_eq!((totals.steps, totals.attempts, totals.retries), (3, 4, 1));
    assert_eq!(totals.most_at_once, 2);
    // From 1 to 5, from 9 to 11, from 12 to 13.
    assert_eq!(totals.flown_ms, 7_000);
    assert_eq!(totals.worked_ms, 3_000 + 5_000 + 2_000 + 2_000);
    assert_eq!(
        totals.parked_ms, 2_000,
        "until it could be woken, not until it was"
    );
    assert_eq!(totals.waited_ms, 6_000);
    assert!((totals.spent.cost_usd - 0.75).abs() < 1e-9);
    assert_eq!(totals.spent.cost_untold, 1);
    let [agent] = told.agents.as_slice() else {
        panic!()
    };
    assert_eq!(
        (agent.verified, agent.failed, agent.other, agent.open),
        (2, 1, 1, 0)
    );
    assert_eq!((agent.success(), agent.median_ms), (Some(66), Some(2_000)));
    assert_eq!(told.ended, Some(Timestamp::from_millis(15_000)));
    let open: Vec<_> = told
        .open
        .iter()
        .map(|item| (item.kind, item.text.as_str()))
        .collect();
    assert_eq!(open, [(OpenKind::Question, "it is waiting")]);
}

#[test]
fn a_run_is_told_up_to_the_next_one() {
    let mut lines = flight();
    lines.extend([
        started(30_000, 2),
        flown(30_000, 2, 21, "3", 2),
        landed(31_000, 21, None),
        judged(32_000, 21, "3", "verified", None),
        ended(33_000, 2, "complete"),
    ]);
    let check = |run, sentence: &str, attempts| {
        let told = account(40_000, &lines, run);
        assert_eq!(
            (told.sentence.as_str(), told.attempts.len()),
            (sentence, attempts)
        );
    };
    check(Some(1), "2 of 3 steps verified, 1 waits for you", 4);
    check(Some(2), "all 3 steps verified", 1);
    check(None, "all 3 steps verified", 5);
}

#[test]
fn what_is_in_the_air_counts_so_far() {
    let told = account(
        9_000,
        &[
            registered(&["1"]),
            started(0, 1),
            flown(1_000, 1, 11, "1", 1),
        ],
        None,
    );
    assert_eq!(told.sentence, "0 of 1 step verified, 1 in progress");
    assert_eq!((told.ended, told.attempts[0].duration_ms), (None, 8_000));
    assert_eq!((told.totals.most_at_once, told.totals.flown_ms), (1, 8_000));
}

#[test]
fn a_persons_word_is_told_apart_from_a_verdict() {
    let marked = |step: &str, status: &str| {
        (
            1,
            "step_marked",
            json!({
                "step": step, "status": status, "actor": "person", "text": "I saw\n\u{1b}[31mit",
                "forced": false, "stuck": false,
            }),
        )
    };
    let told = account(
        9,
        &[
            registered(&["1", "2"]),
            marked("1", "completed"),
            marked("2", "skipped"),
        ],
        None,
    );
    let expected = "0 of 2 steps verified, 1 declared done by a person, 1 skipped";
    assert_eq!(told.sentence, expected);
    let step = told.steps().next().unwrap();
    assert!(!step.verified);
    assert_eq!(step.marks[0].text.as_deref(), Some("I saw it"));
}

#[test]
fn sentences() {
    let check = |operations: &[Line], expected: &str| {
        assert_eq!(account(9, operations, None).sentence, expected);
    };
    check(&[], "no step was flown");
    check(&[registered(&["1"])], "0 of 1 step verified, 1 not begun");
}

#[test]
fn the_json_form_is_stable() {
    let told = serde_json::to_value(account(20_000, &flight(), None)).unwrap();
    let keys: Vec<&String> = told.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "agents", "as_of", "attempts", "began", "commits", "counts", "declared", "ended",
            "ending", "format", "groups", "open", "runs", "sentence", "subject", "title", "totals",
            "verified",
        ]
    );
    assert_eq!(
        told["counts"],
        json!([
            { "stand": "done", "steps": 2 }, { "stand": "needs an answer", "steps": 1 },
        ])
    );
}
