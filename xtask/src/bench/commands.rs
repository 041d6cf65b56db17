//! The program's own commands from fresh processes, with the files that they publish.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::plan::{plan, step_id};
use super::programs::Programs;
use super::store::{at_once, bare_name, grouped, replay};
use super::table::{Row, Target, millis};
use super::timing::{Subject, in_turn, rounds_with_warm_up};
use super::{Bench, trace};

const ROUNDS: usize = 41;

/// The plan of every repository here.
pub(super) const PLAN: &str = "plans/harbour.md";

/// `mark-complete` beside the same durable writes, and `status` beside a bare process.
pub(super) fn rows(bench: &mut Bench<'_>) -> Result<Vec<Row>> {
    if !are_there(bench) {
        bench.note("`status` and `mark-complete` were left out: this program does not have them.");
        return Ok(Vec::new());
    }
    if !trace::is_possible() {
        bench.note("`status` and `mark-complete` were left out: strace is not installed.");
        return Ok(Vec::new());
    }
    let mut rows = Vec::new();
    let limits = [(10, 2.0, 2.5), (1_000, 2.0, 2.5), (10_000, 2.5, 5.0)];
    for (steps, mark_limit, status_limit) in limits {
        rows.extend(of_size(bench, steps, mark_limit, status_limit)?);
    }
    Ok(rows)
}

/// Whether the program has these commands.
pub(super) fn are_there(bench: &Bench<'_>) -> bool {
    let mut help = Command::new(&bench.programs.airboss);
    help.args(["mark-complete", "--help"]);
    help.stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    help.status().is_ok_and(|status| status.success())
}

fn of_size(
    bench: &mut Bench<'_>,
    steps: usize,
    mark_limit: f64,
    status_limit: f64,
) -> Result<Vec<Row>> {
    let rounds = bench.rounds(ROUNDS);
    // One change more than there are rounds: it is traced.
    let changes = rounds_with_warm_up(rounds) + 1;
    let repositories = Repositories::new(&bench.programs, steps, changes)?;
    let programs = &bench.programs;
    let writes = trace::durable_writes(
        &repositories.mark(programs, changes - 1),
        repositories.any(),
    )?;
    let bare = programs.folder(&format!("commands-{steps}-bare"))?;
    let [mark, floor, status, noop] = in_turn(
        [
            Subject::new("mark-complete", |round| {
                Ok(vec![repositories.mark(programs, round)])
            }),
            Subject::new("bare writes", |_| Ok(vec![replay(bench, &bare, &writes)])),
            Subject::new("status", |_| {
                Ok(vec![airboss(programs, repositories.any(), &["status"])])
            }),
            Subject::new("a bare process", |_| {
                Ok(vec![programs.command(&programs.noop, &bare)])
            }),
        ],
        rounds,
    )?;
    let found = repositories.completed(programs)?;
    ensure!(
        found == changes,
        "with {steps} steps, {found} of {changes} changes survived"
    );
    let mut rows = vec![
        Row {
            what: format!("`mark-complete`, {} steps", grouped(steps)),
            ours: millis(mark.median()),
            other: bare_name(&writes),
            theirs: millis(floor.median()),
            ratio: mark.ratio_to(&floor),
            target: Target::AtMost(mark_limit),
        },
        Row {
            what: format!("`status`, {} steps", grouped(steps)),
            ours: millis(status.median()),
            other: "bare process".to_owned(),
            theirs: millis(noop.median()),
            ratio: status.ratio_to(&noop),
            target: Target::AtMost(status_limit),
        },
    ];
    if steps == 1_000 {
        let shared = Repositories::new(&bench.programs, steps, steps)?;
        let (row, all) = at_once(bench, "`mark-complete`", &mark, |number| {
            shared.mark(&bench.programs, number)
        })?;
        let found = shared.completed(&bench.programs)?;
        ensure!(found == all, "{found} of {all} changes survived");
        rows.push(row);
    }
    let peaks = (mark.peak / 1_000, status.peak / 1_000);
    bench.note(format!(
        "With {} steps, `mark-complete` takes {} of processor time and {} MB, `status` {} and {} MB.",
        grouped(steps),
        millis(mark.cpu()),
        peaks.0,
        millis(status.cpu()),
        peaks.1
    ));
    Ok(rows)
}

/// As many repositories with one plan as it takes for so many changes.
pub(super) struct Repositories {
    tops: Vec<PathBuf>,
    steps: usize,
}

impl Repositories {
    pub(super) fn new(programs: &Programs, steps: usize, changes: usize) -> Result<Self> {
        let tops = (0..changes.div_ceil(steps)).map(|_| repository(programs, steps));
        let tops = tops.collect::<Result<_>>()?;
        Ok(Self { tops, steps })
    }

    /// One of them.
    pub(super) fn any(&self) -> &Path {
        &self.tops[self.tops.len() - 1]
    }

    /// The command that completes another step for each number.
    pub(super) fn mark(&self, programs: &Programs, number: usize) -> Command {
        let step = step_id(number % self.steps);
        airboss(
            programs,
            &self.tops[number / self.steps],
            &["mark-complete", &step],
        )
    }

    /// How many steps are completed in all of them together.
    pub(super) fn completed(&self, programs: &Programs) -> Result<usize> {
        let count = |top: &PathBuf| -> Result<usize> {
            let text = programs.output(airboss(programs, top, &["status", "--json"]))?;
            let answer: Value = serde_json::from_str(&text)?;
            let completed = answer["data"]["completed"].as_u64();
            Ok(usize::try_from(
                completed.context("`status --json` counts nothing")?,
            )?)
        };
        self.tops.iter().map(count).sum()
    }
}

fn repository(programs: &Programs, steps: usize) -> Result<PathBuf> {
    let top = programs.unnamed_folder()?;
    fs_err::create_dir(top.join("plans"))?;
    fs_err::write(top.join(PLAN), plan(steps))?;
    programs.git(&top, &["init", "--quiet", "--initial-branch=main"])?;
    programs.git(&top, &["add", "--all"])?;
    programs.git(&top, &["commit", "--quiet", "--message=Begin"])?;
    programs.output(airboss(programs, &top, &["init"]))?;
    Ok(top)
}

/// A command of the program about the plan.
pub(super) fn airboss(programs: &Programs, top: &Path, words: &[&str]) -> Command {
    let mut command = programs.command(&programs.airboss, top);
    command.args(words).args(["--plan", PLAN]);
    command
}
