//! The tasks of a board, from fresh processes: a status with the files that show it, and lists.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::programs::Programs;
use super::sample_board::{directory, own_state, plan, plan_path, state, todo};
use super::store::{bare_name, grouped, joined, replay};
use super::table::{Row, Target, millis, number};
use super::timing::{Samples, Subject, in_turn, rounds_with_warm_up};
use super::{Bench, trace};

const ROUNDS: usize = 41;

/// How many commands each of several processes carries out.
const EACH: usize = 50;

/// A status beside the same durable writes, lists beside a bare process, many writers at once.
pub(super) fn rows(bench: &mut Bench<'_>) -> Result<Vec<Row>> {
    if !trace::is_possible() {
        bench.note("The tasks of a board were left out: strace is not installed.");
        return Ok(Vec::new());
    }
    let mut rows = Vec::new();
    let limits = [
        (10, 2.0, None),
        (1_000, 2.0, Some(2.5)),
        (10_000, 2.5, Some(5.0)),
    ];
    for (tasks, status_limit, list_limit) in limits {
        // Making the largest board takes an unoptimised program half a minute.
        if bench.smoke && tasks > 1_000 {
            continue;
        }
        rows.extend(of_size(bench, tasks, status_limit, list_limit)?);
    }
    Ok(rows)
}

fn of_size(
    bench: &mut Bench<'_>,
    tasks: usize,
    status_limit: f64,
    list_limit: Option<f64>,
) -> Result<Vec<Row>> {
    let rounds = bench.rounds(ROUNDS);
    // One change more than there are rounds: it is traced.
    let changes = rounds_with_warm_up(rounds) + 1;
    let boards = Boards::new(&bench.programs, tasks, changes)?;
    let programs = &bench.programs;
    let traced = boards.status(programs, changes - 1);
    let writes = trace::durable_writes(&traced, boards.any())?;
    let bare = programs.folder(&format!("board-{tasks}-bare"))?;
    let [status, floor, list, ready, noop] = in_turn(
        [
            Subject::new("task status", |round| {
                Ok(vec![boards.status(programs, round)])
            }),
            Subject::new("bare writes", |_| Ok(vec![replay(bench, &bare, &writes)])),
            Subject::new("task list", |_| {
                Ok(vec![airboss(programs, boards.any(), &["list"])])
            }),
            Subject::new("task ready", |_| {
                Ok(vec![airboss(programs, boards.any(), &["ready"])])
            }),
            Subject::new("a bare process", |_| {
                Ok(vec![programs.command(&programs.noop, &bare)])
            }),
        ],
        rounds,
    )?;
    boards.check(programs, changes)?;
    let size = grouped(tasks);
    let mut rows = vec![Row {
        what: format!("`task status --phase`, its four files, {size} tasks"),
        ours: millis(status.median()),
        other: bare_name(&writes),
        theirs: millis(floor.median()),
        ratio: status.ratio_to(&floor),
        target: Target::AtMost(status_limit),
    }];
    for (name, samples) in [("list", &list), ("ready", &ready)] {
        rows.extend(list_limit.map(|limit| Row {
            what: format!("`task {name}`, {size} tasks"),
            ours: millis(samples.median()),
            other: "bare process".to_owned(),
            theirs: millis(noop.median()),
            ratio: samples.ratio_to(&noop),
            target: Target::AtMost(limit),
        }));
    }
    bench.note(format!(
        "With {size} tasks, `task status` takes {} of processor time and {} MB, `task list` {}, \
         `task ready` {}.",
        millis(status.cpu()),
        status.peak / 1_000,
        millis(list.cpu()),
        millis(ready.cpu())
    ));
    if tasks == 1_000 {
        rows.extend(at_once(bench, &status, 8)?);
        rows.extend(at_once(bench, &status, 64)?);
    }
    Ok(rows)
}

/// Many processes with 50 changes each, every one of a task of its own.
fn at_once(bench: &mut Bench<'_>, single: &Samples, workers: usize) -> Result<Vec<Row>> {
    let (workers, each) = if bench.smoke {
        (workers.min(8), 3)
    } else {
        (workers, EACH)
    };
    let all = workers * each;
    let tasks = all.max(1_000);
    let boards = Boards::new(&bench.programs, tasks, all)?;
    let programs = &bench.programs;
    let start = Instant::now();
    let taken = std::thread::scope(|scope| {
        let work = |worker: usize| {
            let boards = &boards;
            move || carry_out(worker * each..(worker + 1) * each, programs, boards)
        };
        let threads: Vec<_> = (0..workers)
            .map(|worker| scope.spawn(work(worker)))
            .collect();
        threads.into_iter().map(joined).collect::<Result<Vec<_>>>()
    })?;
    let rate = all as f64 / start.elapsed().as_secs_f64();
    let failed: usize = taken.iter().map(|(_, failed)| failed).sum();
    let mut times: Vec<Duration> = taken.into_iter().flat_map(|(times, _)| times).collect();
    times.sort_unstable();
    let lost = all - failed - boards.changed(programs)?;
    let at = |share: usize| times.get((times.len() * share / 100).min(times.len() - 1));
    let [median, late, longest] = [50, 99, 100].map(|share| at(share).copied().unwrap_or_default());
    let what = format!("`task status`: {all} by {workers} processes, {lost} lost, {failed} failed");
    bench.note(format!(
        "{what}: {}/s, of which half took {}, 99 % {}, and the longest {}.",
        number(rate),
        millis(median),
        millis(late),
        millis(longest)
    ));
    ensure!(lost == 0 && failed == 0, "{what}");
    Ok(crowd_rows(&what, workers, (rate, late, longest), single))
}

/// What is asked of many: of eight that none starves, of more that they are fast enough.
fn crowd_rows(
    what: &str,
    workers: usize,
    (rate, late, longest): (f64, Duration, Duration),
    single: &Samples,
) -> Vec<Row> {
    let row = |kind: &str, ours: String, other: &str, theirs: String, ratio: f64, limit: f64| Row {
        what: format!("{what}; {kind}"),
        ours,
        other: other.to_owned(),
        theirs,
        ratio,
        target: Target::AtMost(limit),
    };
    let seconds = Duration::as_secs_f64;
    if workers <= 8 {
        let alone = single.median();
        let ratio = seconds(&longest) / seconds(&alone);
        let other = "the median of one alone";
        vec![row(
            "the longest",
            millis(longest),
            other,
            millis(alone),
            ratio,
            15.0,
        )]
    } else {
        let (per_second, late_ms) = (number(rate), millis(late));
        let second = seconds(&late);
        vec![
            row(
                "a second",
                per_second,
                "what it has to be",
                "150".to_owned(),
                150.0 / rate,
                1.0,
            ),
            row(
                "99 %",
                late_ms,
                "what it may take",
                "1000 ms".to_owned(),
                second,
                1.0,
            ),
        ]
    }
}

/// The times of these changes, and how many failed.
fn carry_out(
    numbers: std::ops::Range<usize>,
    programs: &Programs,
    boards: &Boards,
) -> Result<(Vec<Duration>, usize)> {
    let (mut times, mut failed) = (Vec::new(), 0);
    for number in numbers {
        let mut command = boards.status(programs, number);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let start = Instant::now();
        let output = command.stderr(Stdio::piped()).output()?;
        times.push(start.elapsed());
        failed += usize::from(!output.status.success());
    }
    Ok((times, failed))
}

/// As many boards of one size as it takes for so many changes, each of a task of its own.
pub(super) struct Boards {
    tops: Vec<PathBuf>,
    tasks: usize,
}

impl Boards {
    pub(super) fn new(programs: &Programs, tasks: usize, changes: usize) -> Result<Self> {
        let tops = (0..changes.div_ceil(tasks)).map(|index| {
            let own = (changes - index * tasks).min(tasks);
            board(programs, tasks, own)
        });
        let tops = tops.collect::<Result<_>>()?;
        Ok(Self { tops, tasks })
    }

    pub(super) fn any(&self) -> &Path {
        &self.tops[self.tops.len() - 1]
    }

    /// The command that begins another task for each number, and the first phase of its plan.
    pub(super) fn status(&self, programs: &Programs, number: usize) -> Command {
        let task = (number % self.tasks + 1).to_string();
        let top = &self.tops[number / self.tasks];
        airboss(
            programs,
            top,
            &["status", &task, "implementing", "--phase", "1=in_progress"],
        )
    }

    /// Refuses when not exactly so many tasks were begun, in all files.
    fn check(&self, programs: &Programs, changes: usize) -> Result<()> {
        let found = self.changed(programs)?;
        ensure!(found == changes, "{found} of {changes} changes survived");
        Ok(())
    }

    /// How many tasks were begun; the store, both lists and the files of the tasks agree on it.
    fn changed(&self, programs: &Programs) -> Result<usize> {
        let mut all = 0;
        for top in &self.tops {
            let mut list = airboss(
                programs,
                top,
                &["list", "--json", "--status", "implementing"],
            );
            list.arg("--quiet");
            let answer: Value = serde_json::from_str(&programs.output(list)?)?;
            let tasks = answer["data"]["tasks"].as_array();
            let stored = tasks.context("`task list --json` lists nothing")?.len();
            let specs = top.join("specs");
            let count = |file: &str, word: &str| -> Result<usize> {
                Ok(fs_err::read_to_string(specs.join(file))?
                    .matches(word)
                    .count())
            };
            let shown = [
                count("TODO.md", "[IMPLEMENTING]")?,
                count("state.json", "\"implementing\"")?,
            ];
            ensure!(
                shown == [stored; 2],
                "{stored} are stored, and the files show {shown:?}"
            );
            all += stored;
        }
        Ok(all)
    }
}

/// A repository with a board, of which the first `own` tasks have a directory with their files.
pub(super) fn board(programs: &Programs, tasks: usize, own: usize) -> Result<PathBuf> {
    let top = programs.unnamed_folder()?;
    let specs = top.join("specs");
    fs_err::create_dir(&specs)?;
    fs_err::write(specs.join("TODO.md"), todo(tasks))?;
    fs_err::write(specs.join("state.json"), state(tasks))?;
    // A commit is measured by itself.
    fs_err::write(top.join("airboss.toml"), "[board]\ncommit = false\n")?;
    for number in 1..=own {
        fs_err::create_dir_all(specs.join(directory(number)).join("plans"))?;
        fs_err::write(specs.join(plan_path(number)), plan(number))?;
        fs_err::write(
            specs.join(directory(number)).join("state.json"),
            own_state(number),
        )?;
    }
    programs.git(&top, &["init", "--quiet", "--initial-branch=main"])?;
    programs.git(&top, &["add", "--all"])?;
    programs.git(&top, &["commit", "--quiet", "--message=Begin"])?;
    let mut init = programs.command(&programs.airboss, &top);
    init.args(["init", "--yes"]);
    programs.output(init)?;
    Ok(top)
}

/// A command of the program about tasks.
fn airboss(programs: &Programs, top: &Path, words: &[&str]) -> Command {
    let mut command = programs.command(&programs.airboss, top);
    command.arg("task").args(words);
    command
}
