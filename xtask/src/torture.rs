//! The figures of a release: every suite of faults at its full size, on every file system named.
//!
//! The suites are ordinary tests with a variable that makes them long. What they print is kept in
//! a file for each, and one table tells cases, violations and times.

use std::env;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

/// Ten times the schedules of an ordinary run.
const SCHEDULES: u32 = 20_000;
/// The cases of each property.
const PROPERTY_CASES: u32 = 100_000;
/// The sequences of operations of git.
const SEQUENCES: u32 = 5_000;

/// What to run, where, and for how long.
#[derive(Args)]
pub(crate) struct TortureArguments {
    /// Run only this suite; may be repeated
    #[arg(long, value_name = "SUITE")]
    only: Vec<Suite>,
    /// How long the nemesis lasts on each file system
    #[arg(long, value_name = "N", default_value_t = 10)]
    minutes: u64,
    /// Work in this directory, on the file system that it lies on; may be repeated
    #[arg(long, value_name = "DIR")]
    on: Vec<PathBuf>,
}

/// The suites, in the order in which they run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Suite {
    /// Many writers, kills, a person, git and readers at once
    Nemesis,
    /// The publisher on a simulated disk, in seeded order
    Simulation,
    /// Random sequences of git's operations and changes
    Sequences,
    /// Every property with a hundred thousand cases
    Properties,
    /// Every disk that a power cut could leave
    Power,
    /// A kill and an error at every system call
    Faults,
}

/// One suite on one file system.
struct Job {
    suite: Suite,
    /// Where its temporary files lie; `None` where it has none.
    place: Option<PathBuf>,
}

/// How it ended.
struct Row {
    name: String,
    place: String,
    cases: u64,
    passed: bool,
    violations: u64,
    time: Duration,
    log: PathBuf,
}

/// Runs the chosen suites and prints the table.
pub(crate) fn run(
    root: &Path,
    arguments: &TortureArguments,
    output: &mut impl Write,
) -> Result<ExitCode> {
    let places = match arguments.on.as_slice() {
        [] => vec![env::temp_dir()],
        named => named.to_vec(),
    };
    for place in &places {
        ensure!(place.is_dir(), "{} is no directory", place.display());
    }
    let logs = root.join("target/torture");
    fs_err::create_dir_all(&logs)?;
    let mut rows = Vec::new();
    for job in jobs(&arguments.only, &places) {
        let row = job.run(root, arguments.minutes, &logs)?;
        // A line at once, so that a person sees what the hours are spent on.
        writeln!(output, "{}", line(&row))?;
        output.flush()?;
        rows.push(row);
    }
    write!(output, "\n{}", table(&rows))?;
    let all_passed = !rows.is_empty() && rows.iter().all(|row| row.passed);
    Ok(match all_passed {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Every chosen suite on every place; one without files runs once.
fn jobs(only: &[Suite], places: &[PathBuf]) -> Vec<Job> {
    let mut jobs = Vec::new();
    for &suite in Suite::value_variants() {
        if !only.is_empty() && !only.contains(&suite) {
            continue;
        }
        if suite.has_files() {
            let on = |place: &PathBuf| Job {
                suite,
                place: Some(place.clone()),
            };
            jobs.extend(places.iter().map(on));
        } else {
            jobs.push(Job { suite, place: None });
        }
    }
    jobs
}

impl Suite {
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn has_files(self) -> bool {
        !matches!(self, Self::Simulation | Self::Properties)
    }

    /// The variable that makes it long, and cargo's arguments.
    fn call(self, minutes: u64) -> (&'static str, String, &'static [&'static str]) {
        match self {
            Self::Nemesis => (
                "AIRBOSS_TEST_NEMESIS",
                (minutes * 60).to_string(),
                &["-p", "airboss", "--test", "nemesis", "--", "--nocapture"],
            ),
            Self::Simulation => (
                "AIRBOSS_TEST_SCHEDULES",
                SCHEDULES.to_string(),
                &[
                    "-p",
                    "airboss-engine",
                    "--lib",
                    "--",
                    "--nocapture",
                    "simulation",
                ],
            ),
            Self::Sequences => (
                "AIRBOSS_TEST_SEQUENCES",
                SEQUENCES.to_string(),
                &[
                    "-p",
                    "airboss-engine",
                    "--test",
                    "board",
                    "--",
                    "--nocapture",
                    "sequences",
                ],
            ),
            Self::Properties => (
                "PROPTEST_CASES",
                PROPERTY_CASES.to_string(),
                &["-p", "airboss-core", "--lib"],
            ),
            Self::Power => (
                "AIRBOSS_TEST_FAULTS",
                "full".to_owned(),
                &[
                    "-p",
                    "airboss",
                    "--test",
                    "faults",
                    "--",
                    "--nocapture",
                    "the_power_goes",
                ],
            ),
            Self::Faults => (
                "AIRBOSS_TEST_FAULTS",
                "full".to_owned(),
                &[
                    "-p",
                    "airboss",
                    "--test",
                    "faults",
                    "--",
                    "--nocapture",
                    "--skip",
                    "the_power_goes",
                ],
            ),
        }
    }

    /// The words behind the numbers that count its cases.
    fn counted(self) -> &'static str {
        match self {
            Self::Nemesis => "acknowledged;",
            Self::Simulation => "schedules,",
            Self::Sequences => "sequences",
            Self::Properties => "passed;",
            Self::Power | Self::Faults => "cases,",
        }
    }
}

impl Job {
    fn run(&self, root: &Path, minutes: u64, logs: &Path) -> Result<Row> {
        let place = self.place.as_ref().map(|place| place.display().to_string());
        let place = place.unwrap_or_else(|| "-".to_owned());
        let name = self.suite.name();
        let log = logs.join(format!("{name}{}.txt", place.replace('/', "-")));
        let file = File::create(&log).with_context(|| format!("{}", log.display()))?;
        let (variable, value, arguments) = self.suite.call(minutes);
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            // What is released is tried, and many times faster.
            .args(["test", "--release", "--locked"])
            .args(arguments)
            .env(variable, value)
            .current_dir(root)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        if let Some(place) = &self.place {
            let place = fs_err::canonicalize(place)?;
            // The faults are in memory else, whatever the place.
            command
                .env("AIRBOSS_TEST_PLACE", &place)
                .env("TMPDIR", place);
        }
        let start = Instant::now();
        let status = command.status().context("cargo does not start")?;
        let time = start.elapsed();
        let text = fs_err::read(&log)?;
        let text = String::from_utf8_lossy(&text);
        let cases = sum_before(&text, self.suite.counted());
        Ok(Row {
            name,
            place,
            cases,
            // A suite that did nothing proves nothing.
            passed: status.success() && cases > 0,
            violations: sum_before(&text, "violations,"),
            time,
            log,
        })
    }
}

/// The sum of the numbers that stand directly before a word.
fn sum_before(text: &str, word: &str) -> u64 {
    let words: Vec<&str> = text.split_whitespace().collect();
    let numbers = words.windows(2).filter(|pair| pair[1] == word);
    numbers
        .filter_map(|pair| pair[0].replace(',', "").parse::<u64>().ok())
        .sum()
}

const HEAD: &str = "suite       cases  violations       time  where";

fn line(row: &Row) -> String {
    let time = row.time.as_secs();
    let violations = match (row.passed, row.violations) {
        (true, _) => "0".to_owned(),
        (false, 0) => "FAILED".to_owned(),
        (false, some) => some.to_string(),
    };
    format!(
        "{:<10}{:>7}{:>12}{:>7} min {:0>2}  {}",
        row.name,
        row.cases,
        violations,
        time / 60,
        time % 60,
        row.place
    )
}

fn table(rows: &[Row]) -> String {
    let mut text = format!("{HEAD}\n");
    for row in rows {
        writeln!(text, "{}", line(row)).ok();
    }
    for row in rows.iter().filter(|row| !row.passed) {
        let (name, log) = (&row.name, row.log.display());
        writeln!(text, "{name}: what it found is in {log}").ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_summed_by_the_word_behind_them() {
        let text = "a: 12 cases, 0 violations, 3 ms\nb: 1,030 cases, 2 violations, 4 ms per case";
        assert_eq!(sum_before(text, "cases,"), 1_042);
        assert_eq!(sum_before(text, "violations,"), 2);
        assert_eq!(sum_before(text, "schedules,"), 0);
    }

    #[test]
    fn a_suite_without_files_runs_once() {
        let places = [PathBuf::from("/a"), PathBuf::from("/b")];
        let jobs = jobs(&[Suite::Nemesis, Suite::Simulation], &places);
        let told: Vec<_> = jobs
            .iter()
            .map(|job| (job.suite, job.place.is_some()))
            .collect();
        let nemesis = (Suite::Nemesis, true);
        assert_eq!(told, [nemesis, nemesis, (Suite::Simulation, false)]);
    }

    #[test]
    fn every_violation_is_told() {
        let row = |passed, violations| Row {
            name: "faults".to_owned(),
            place: "/tmp".to_owned(),
            cases: 7,
            passed,
            violations,
            time: Duration::from_secs(61),
            log: PathBuf::from("faults.txt"),
        };
        let text = table(&[row(true, 0), row(false, 2), row(false, 0)]);
        assert_eq!(
            text,
            "suite       cases  violations       time  where\n\
             faults          7           0      1 min 01  /tmp\n\
             faults          7           2      1 min 01  /tmp\n\
             faults          7      FAILED      1 min 01  /tmp\n\
             faults: what it found is in faults.txt\n\
             faults: what it found is in faults.txt\n"
        );
    }
}
