//! The criterion benches, run several times in turn, so that their ratios are those of pairs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Bench;
use super::programs::{cargo, executables, folder};
use super::table::{Row, Target, number};
use super::timing::median_number;

const ROUNDS: usize = 5;

/// The benches that are measured here.
const MEASURED: [&str; 4] = ["board", "draw", "plan", "stream"];

/// One comparison: a group of benches, of which `airboss` is ours.
struct Comparison {
    what: &'static str,
    group: &'static str,
    other: Other,
    target: Target,
}

/// What ours is compared with.
enum Other {
    /// Another bench of the group.
    Bench(&'static str),
    /// So many milliseconds, which some work must not take on any machine.
    Millis(f64),
}

const COMPARISONS: [Comparison; 8] = [
    Comparison {
        what: "reading a TODO.md of 10,000 tasks",
        group: "todo",
        other: Other::Bench("pulldown-cmark"),
        target: Target::Faster(2.0),
    },
    Comparison {
        what: "reading a TODO.md of 10,000 tasks",
        group: "todo",
        other: Other::Millis(2.0),
        target: Target::AtMost(1.0),
    },
    Comparison {
        what: "which of 10,000 tasks are ready",
        group: "ready",
        other: Other::Millis(0.1),
        target: Target::AtMost(1.0),
    },
    Comparison {
        what: "reading a plan of 10,000 steps",
        group: "plan",
        other: Other::Bench("pulldown-cmark"),
        target: Target::Faster(2.0),
    },
    // A frame of sixty a second is 16.7 ms, and most of it is the terminal's own.
    Comparison {
        what: "drawing 64 attempts of 10,000 steps, 80x24",
        group: "draw-80x24",
        other: Other::Millis(5.0),
        target: Target::AtMost(1.0),
    },
    Comparison {
        what: "drawing 64 attempts of 10,000 steps, 200x60",
        group: "draw-200x60",
        other: Other::Millis(5.0),
        target: Target::AtMost(1.0),
    },
    // 1 GB/s where plain values are read at 790 MB/s.
    Comparison {
        what: "reading Claude Code's events",
        group: "claude",
        other: Other::Bench("serde_json"),
        target: Target::Faster(1.27),
    },
    Comparison {
        what: "reading Codex' events",
        group: "codex",
        other: Other::Bench("serde_json"),
        target: Target::Faster(1.27),
    },
];

pub(super) fn rows(bench: &mut Bench<'_>) -> Result<Vec<Row>> {
    if bench.smoke {
        // Criterion runs each once and takes no time when cargo tests it. The store's bench is
        // for people: it is built for minutes, and tells what whole processes tell as well.
        let mut test = cargo(bench.root);
        test.args(["test", "--locked", "--quiet", "--bench=*"]);
        test.args(["--package=airboss-core", "--package=airboss-engine"]);
        test.arg("--package=airboss");
        let status = test.stdout(Stdio::null()).status()?;
        ensure!(status.success(), "a bench failed");
        return Ok(Vec::new());
    }
    let mut build = cargo(bench.root);
    build.args(["bench", "--locked", "--no-run"]);
    build.args(["--package=airboss-core", "--package=airboss"]);
    build.args(MEASURED.map(|name| format!("--bench={name}")));
    build.arg("--message-format=json-render-diagnostics");
    let mut benches = executables(build)?;
    benches.retain(|(name, _)| MEASURED.contains(&name.as_str()));
    ensure!(benches.len() == MEASURED.len(), "a bench was not built");
    let results = folder(bench.root)?.join("criterion");
    let mut pairs: Vec<Vec<[f64; 2]>> = COMPARISONS.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS {
        for (_, executable) in &benches {
            measure(bench.root, executable, &results)?;
        }
        for (comparison, pairs) in COMPARISONS.iter().zip(&mut pairs) {
            let group = results.join(comparison.group);
            let other = match comparison.other {
                Other::Bench(name) => nanoseconds(&group, name)?,
                Other::Millis(millis) => millis * 1e6,
            };
            pairs.push([nanoseconds(&group, "airboss")?, other]);
        }
    }
    COMPARISONS
        .iter()
        .zip(&pairs)
        .map(|(comparison, pairs)| row(comparison, pairs, &results))
        .collect()
}

/// One short run; what it lacks in length the rounds have.
fn measure(root: &Path, executable: &PathBuf, results: &Path) -> Result<()> {
    let mut command = Command::new(executable);
    command.current_dir(root).env("CRITERION_HOME", results);
    command.args(["--bench", "--noplot", "--quiet", "--sample-size=20"]);
    command.args(["--warm-up-time=0.2", "--measurement-time=0.8"]);
    let output = command.output()?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {words}", executable.display());
    Ok(())
}

/// The median that criterion estimated.
fn nanoseconds(group: &Path, name: &str) -> Result<f64> {
    let estimates = json(&group.join(name).join("new/estimates.json"))?;
    let median = estimates["median"]["point_estimate"].as_f64();
    median.with_context(|| format!("criterion has no median for {name}"))
}

fn json(path: &Path) -> Result<Value> {
    Ok(serde_json::from_str(&fs_err::read_to_string(path)?)?)
}

fn row(comparison: &Comparison, pairs: &[[f64; 2]], results: &Path) -> Result<Row> {
    let folder = results.join(comparison.group).join("airboss");
    let benchmark = json(&folder.join("new/benchmark.json"))?;
    let bytes = benchmark["throughput"]["Bytes"].as_f64();
    let is_bench = matches!(comparison.other, Other::Bench(_));
    let figure = |which: usize| -> Result<String> {
        let all = pairs.iter().map(|pair| pair[which]).collect();
        let nanoseconds = median_number(all).context("no rounds")?;
        let millis = format!("{} ms", number(nanoseconds / 1e6));
        Ok(match bytes.filter(|_| which == 0 || is_bench) {
            Some(bytes) => format!("{millis}, {} MB/s", number(bytes / nanoseconds * 1e3)),
            None => millis,
        })
    };
    let ratios = pairs.iter().map(|[ours, theirs]| ours / theirs).collect();
    Ok(Row {
        what: comparison.what.to_owned(),
        ours: figure(0)?,
        other: match comparison.other {
            Other::Bench("serde_json") => "serde_json values".to_owned(),
            Other::Bench(other) => format!("{other} events"),
            Other::Millis(_) => "what it may take".to_owned(),
        },
        theirs: figure(1)?,
        ratio: median_number(ratios).context("no rounds")?,
        target: comparison.target,
    })
}
