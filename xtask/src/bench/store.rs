//! One durable change of a step from a fresh process, without files to publish.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Result, ensure};

use super::table::{Row, Target, millis, number};
use super::timing::{Samples, Subject, in_turn, rounds_with_warm_up};
use super::{Bench, trace};

const ROUNDS: usize = 101;

/// Beside the same durable writes and nothing else, at three sizes; then many at once.
pub(super) fn rows(bench: &mut Bench<'_>) -> Result<Vec<Row>> {
    if !trace::is_possible() {
        bench.note("Changes of a step were left out: strace is not installed.");
        return Ok(Vec::new());
    }
    let mut rows = Vec::new();
    for (steps, limit) in [(10, 1.5), (1_000, 1.5), (10_000, 2.5)] {
        let store = bench.programs.folder(&format!("store-{steps}"))?;
        fresh(bench, &store, &["prepare", ".", &steps.to_string()])?;
        let mark = |number: usize| {
            let mut command = bench.programs.command(&bench.programs.fresh, &store);
            command.args(["mark", ".", &(number % steps).to_string()]);
            command
        };
        let writes = trace::durable_writes(&mark(0), &store)?;
        let bare = bench.programs.folder(&format!("store-{steps}-bare"))?;
        let rounds = bench.rounds(ROUNDS);
        let [ours, theirs] = in_turn(
            [
                Subject::new("a change of a step", |round| Ok(vec![mark(round)])),
                Subject::new("bare writes", |_| Ok(vec![replay(bench, &bare, &writes)])),
            ],
            rounds,
        )?;
        let expected = rounds_with_warm_up(rounds).min(steps);
        ensure!(
            fresh(bench, &store, &["count", "."])? == format!("{expected}\n"),
            "with {steps} steps, changes were lost"
        );
        rows.push(Row {
            what: format!("one durable change, {} steps, no files", grouped(steps)),
            ours: millis(ours.median()),
            other: bare_name(&writes),
            theirs: millis(theirs.median()),
            ratio: ours.ratio_to(&theirs),
            target: Target::AtMost(limit),
        });
        if steps == 1_000 {
            rows.push(changes_at_once(bench, &ours)?);
        }
    }
    Ok(rows)
}

/// The changes of many processes at once to one store.
fn changes_at_once(bench: &Bench<'_>, single: &Samples) -> Result<Row> {
    let store = bench.programs.folder("store-at-once")?;
    fresh(bench, &store, &["prepare", ".", "1000"])?;
    let (row, all) = at_once(bench, "changes", single, |step| {
        let mut command = bench.programs.command(&bench.programs.fresh, &store);
        command.args(["mark", ".", &step.to_string()]);
        command
    })?;
    let count = fresh(bench, &store, &["count", "."])?;
    ensure!(
        count == format!("{all}\n"),
        "{} of {all} changes survived",
        count.trim()
    );
    Ok(row)
}

/// 8 processes with 50 commands each, every one with a number of its own below 1,000.
///
/// The longest may not starve; whether any was lost is for the caller to see, who is told how
/// many there were.
pub(super) fn at_once(
    bench: &Bench<'_>,
    what: &str,
    single: &Samples,
    command: impl Fn(usize) -> Command + Sync,
) -> Result<(Row, usize)> {
    let (workers, each) = if bench.smoke { (4, 5) } else { (8, 50) };
    let command = &command;
    let start = Instant::now();
    let longest = std::thread::scope(|scope| {
        let work = |worker: usize| {
            move || {
                let subject = Subject::new("commands at once", |round| {
                    Ok(vec![command(worker * 100 + round)])
                });
                in_turn([subject], each).map(|[samples]| samples.longest())
            }
        };
        let threads: Vec<_> = (0..workers)
            .map(|worker| scope.spawn(work(worker)))
            .collect();
        threads.into_iter().map(joined).collect::<Result<Vec<_>>>()
    })?;
    let all = workers * rounds_with_warm_up(each);
    let rate = all as f64 / start.elapsed().as_secs_f64();
    let longest = longest.into_iter().max().unwrap_or_default();
    let row = Row {
        what: format!("{what}: {all} by {workers} processes, none lost; the longest"),
        ours: format!("{} ({}/s)", millis(longest), number(rate)),
        other: "the median of one alone".to_owned(),
        theirs: millis(single.median()),
        ratio: longest.as_secs_f64() / single.median().as_secs_f64(),
        target: Target::AtMost(15.0),
    };
    Ok((row, all))
}

/// The result of a thread that does not panic.
pub(super) fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread
        .join()
        .map_err(|_| anyhow::anyhow!("a worker panicked"))?
}

/// The process that makes the traced writes.
pub(super) fn replay(bench: &Bench<'_>, directory: &Path, writes: &trace::Writes) -> Command {
    let mut command = bench.programs.command(&bench.programs.replay, directory);
    command.arg(".").args(&writes.words);
    command
}

/// How a row names the bare writes.
pub(super) fn bare_name(writes: &trace::Writes) -> String {
    let (syncs, bytes) = (writes.syncs, writes.bytes as f64 / 1_000.0);
    format!("bare: {syncs} syncs, {} kB", number(bytes))
}

fn fresh(bench: &Bench<'_>, directory: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = bench.programs.command(&bench.programs.fresh, directory);
    command.args(arguments);
    bench.programs.output(command)
}

/// 10,000 for 10000.
pub(super) fn grouped(number: usize) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", number / 1_000, number % 1_000),
    }
}
