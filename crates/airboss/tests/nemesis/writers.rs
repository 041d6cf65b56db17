//! Processes that change tasks until they are answered.

use std::time::Duration;

use airboss_testkit::environment::{Output, eventually};
use airboss_testkit::linear::Span;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde_json::Value;

use crate::evidence::{Deed, Verb};
use crate::storm::Storm;
use crate::world::{Dice, PHASES, PLANNED, TASKS};

/// A command that was killed or refused for a while is repeated at most so often.
const REPEATS_MAX: u32 = 500;

/// A machine that is busy with other things takes its time with so many processes.
const ANSWER_MAX: Duration = Duration::from_secs(600);

const STATUSES: [&str; 7] = [
    "not_started",
    "researching",
    "researched",
    "planned",
    "implementing",
    "partial",
    "completed",
];

/// One writer after the other command, until the storm is over.
pub(crate) fn write(storm: &Storm, writer: u64) {
    let mut dice = storm.dice(writer);
    for count in 1..=storm.weather.changes {
        if storm.is_over() {
            return;
        }
        let number = writer * 1_000_000 + count;
        let task = 1 + dice.roll(TASKS);
        let deed = carry_out(storm, number, plan(&mut dice, number, task));
        let undo = dice.roll(4) == 0 && deed.verb == Verb::Description && deed.is_acknowledged();
        let target = if undo {
            own_operation(storm, &deed)
        } else {
            None
        };
        storm.did(deed);
        if let Some(target) = target {
            let words = vec!["undo".to_owned(), target];
            let undo = (Verb::Undo, None, None, words);
            storm.did(carry_out(storm, number + 500_000, undo));
        }
    }
}

type Plan = (Verb, Option<u32>, Option<String>, Vec<String>);

fn plan(dice: &mut Dice, number: u64, task: u32) -> Plan {
    let token = format!("w{number}w");
    let text = task.to_string();
    let (verb, words): (Verb, Vec<&str>) = match dice.roll(20) {
        0 => (Verb::Add, vec!["task", "add", &token, "--effort", "none"]),
        1..8 => (
            Verb::Effort,
            vec!["task", "edit", &text, "--effort", &token],
        ),
        8..11 => {
            let words = vec!["task", "edit", &text, "--description", &token];
            (Verb::Description, words)
        }
        11..15 => {
            let status = dice.pick(&STATUSES);
            let mut words = vec!["task", "status", &text, status];
            if dice.roll(2) == 0 {
                words.push("--force");
            }
            (Verb::Status, words)
        }
        15..17 => (
            Verb::Block,
            vec!["task", "block", &text, "--reason", &token],
        ),
        17..19 => (Verb::Unblock, vec!["task", "unblock", &text]),
        _ => {
            let task = 1 + dice.roll(PLANNED);
            let phase = 1 + dice.roll(PHASES);
            let status = dice.pick(&["not_started", "in_progress", "completed"]);
            let words = ["task", "phase", &task.to_string(), "--force"].map(str::to_owned);
            let words = [&words[..], &[format!("{phase}={status}")]].concat();
            return (Verb::Phase, Some(task), None, words);
        }
    };
    let has_token = words.iter().any(|word| *word == token);
    let words = words.into_iter().map(str::to_owned).collect();
    let task = (verb != Verb::Add).then_some(task);
    (verb, task, has_token.then(|| token.clone()), words)
}

/// Gives a command with its own id, again and again until it is answered.
fn carry_out(storm: &Storm, number: u64, plan: Plan) -> Deed {
    let (verb, task, token, mut words) = plan;
    let id = format!("nemesis-{number}");
    words.extend(["--json".to_owned(), "--id".to_owned(), id]);
    let begin = storm.now();
    let (mut kills, mut repeats) = (0, 0);
    let told = loop {
        let told = start(storm, number, &words);
        repeats += 1;
        // Killed, an error that is not known to have changed nothing, or busy.
        let is_answer = !matches!(told.code(), 137 | 74 | 75);
        kills += u32::from(told.code() == 137);
        if is_answer || repeats > REPEATS_MAX {
            break told;
        }
        if told.code() != 137 {
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let span = Span {
        begin,
        end: storm.now(),
    };
    let answer: Value = serde_json::from_str(&told.stdout).unwrap_or_default();
    let rows = answer["data"]["tasks"].as_array();
    let rows = rows.map_or(&[][..], Vec::as_slice);
    let first = rows.first().and_then(|row| row["number"].as_u64());
    Deed {
        words,
        verb,
        task: task.or(first.and_then(|number| u32::try_from(number).ok())),
        token,
        span,
        code: told.code(),
        changed: rows.iter().any(|row| row["change"] != "nothing to change"),
        kills,
        stderr: told.stderr,
    }
}

fn start(storm: &Storm, number: u64, words: &[String]) -> Output {
    let mut running = storm.environment.start(words);
    let pid = Pid::from_raw(i32::try_from(running.pid()).unwrap()).unwrap();
    // Nobody has waited for it yet, so that it is this very process.
    let process = pidfd_open(pid, PidfdFlags::empty()).unwrap();
    storm.expose(number, process, || {
        eventually(ANSWER_MAX, || !running.is_running());
        running.wait()
    })
}

/// The operation that a deed stored, as the log of its task tells.
fn own_operation(storm: &Storm, deed: &Deed) -> Option<String> {
    let (task, token) = (deed.task?.to_string(), deed.token.as_ref()?);
    let told = storm.environment.run(["log", &task, "--json"]);
    let mut lines = told.stdout.lines();
    let line = lines.find(|line| line.contains(&format!("\"{token}\"")))?;
    let line: Value = serde_json::from_str(line).ok()?;
    line["data"]["id"].as_str().map(str::to_owned)
}
