//! The one command that measures: ours beside a floor or a peer, in turn, in the same run.
//!
//! Every target is a ratio, for milliseconds say more about a machine than about a program.
//! Nothing here is a test: a busy machine fails no check. `--smoke` does everything once and
//! checks that the results are right, and takes no time.

mod board;
mod commands;
mod commit;
mod idle;
mod in_process;
pub(crate) mod order;
mod peers;
#[path = "../../../crates/airboss-core/benches/sample/plan.rs"]
mod plan;
mod programs;
mod report;
#[path = "../../../crates/airboss-core/benches/sample/board.rs"]
mod sample_board;
mod store;
mod table;
mod timing;
mod trace;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};

use self::programs::Programs;
use self::table::{Row, Target, millis};
use self::timing::{Subject, in_turn};

/// What to measure; everything but the peers when nothing is said.
#[derive(Args)]
pub(crate) struct BenchArguments {
    /// Do everything once, unoptimised, and check only that the results are right
    #[arg(long)]
    smoke: bool,
    /// Install the peers below target/ and measure them too
    #[arg(long)]
    peers: bool,
    /// Measure only this part, and leave docs/performance.md as it is; may be repeated
    #[arg(long, value_name = "PART")]
    only: Vec<Part>,
}

/// The parts, in the order in which they run.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The start of the program
    Start,
    /// `status` and `mark-complete`
    Commands,
    /// `task status`, `task list` and `task ready`
    Board,
    /// One durable change of a step
    Store,
    /// One commit of three files in a repository of 10,000
    Commit,
    /// Reading plans and event streams, and drawing
    Parse,
    /// The terminal interface while nothing happens
    Idle,
    /// Other programs that keep tasks
    Peers,
}

/// What every part is given.
struct Bench<'a> {
    root: &'a Path,
    programs: Programs,
    smoke: bool,
    /// Lines for the person and the report: what was counted, what was left out.
    notes: Vec<String>,
}

impl Bench<'_> {
    /// So many rounds, and one when only correctness is asked for.
    fn rounds(&self, rounds: usize) -> usize {
        if self.smoke { 1 } else { rounds }
    }

    fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

/// Measures the chosen parts and prints the table.
pub(crate) fn run(
    root: &Path,
    arguments: &BenchArguments,
    output: &mut impl Write,
) -> Result<ExitCode> {
    let chosen = |part: &Part| match part {
        Part::Peers if arguments.only.is_empty() => arguments.peers,
        _ => arguments.only.is_empty() || arguments.only.contains(part),
    };
    let mut bench = Bench {
        root,
        programs: Programs::build(root, !arguments.smoke)?,
        smoke: arguments.smoke,
        notes: Vec::new(),
    };
    if !chosen(&Part::Peers) {
        bench.note("Other programs were left out; `cargo xtask bench --peers` measures them too.");
    }
    let mut rows = Vec::new();
    for part in Part::value_variants().iter().copied().filter(chosen) {
        rows.extend(match part {
            Part::Start => start(&mut bench)?,
            Part::Commands => commands::rows(&mut bench)?,
            Part::Board => board::rows(&mut bench)?,
            Part::Store => store::rows(&mut bench)?,
            Part::Commit => commit::rows(&mut bench)?,
            Part::Parse => in_process::rows(&mut bench)?,
            Part::Idle => idle::rows(&mut bench)?,
            Part::Peers => peers::rows(&mut bench)?,
        });
    }
    if arguments.smoke {
        writeln!(output, "{} results are right", rows.len())?;
        return Ok(ExitCode::SUCCESS);
    }
    write!(
        output,
        "{}\n{}",
        table::markdown(&rows),
        report::list(&bench.notes)
    )?;
    if arguments.only.is_empty() {
        let file = root.join("docs/performance.md");
        fs_err::create_dir_all(root.join("docs"))?;
        fs_err::write(&file, report::document(&bench, &rows)?)?;
        writeln!(output, "\nwritten to docs/performance.md")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `--version`, beside a process that does nothing.
fn start(bench: &mut Bench<'_>) -> Result<Vec<Row>> {
    let folder = bench.programs.folder("start")?;
    let version = || {
        let mut command = bench.programs.command(&bench.programs.airboss, &folder);
        command.arg("--version");
        command
    };
    let words = bench.programs.output(version())?;
    ensure!(words.starts_with("airboss "), "--version says {words:?}");
    let noop = || bench.programs.command(&bench.programs.noop, &folder);
    let [ours, bare] = in_turn(
        [
            Subject::new("--version", |_| Ok(vec![version()])),
            Subject::new("a bare process", |_| Ok(vec![noop()])),
        ],
        bench.rounds(201),
    )?;
    let row = Row {
        what: "`--version`".to_owned(),
        ours: millis(ours.median()),
        other: "bare process".to_owned(),
        theirs: millis(bare.median()),
        ratio: ours.ratio_to(&bare),
        target: Target::AtMost(1.6),
    };
    bench.note(format!(
        "`--version` takes {} of processor time, a bare process {}.",
        millis(ours.cpu()),
        millis(bare.cpu())
    ));
    Ok(vec![row])
}
