//! docs/performance.md: the table, where it was made, and how to make it again.

use std::path::Path;

use anyhow::Result;

use super::Bench;
use super::table::{Row, markdown};

const HEAD: &str = "\
# Performance

Written by `cargo xtask bench`; do not edit.

Each figure is the median of many rounds. What is compared was measured in turn, A B C and
again A B C, in the same run; a ratio is the median of the ratios of each round, and only
ratios mean something on another machine. *Bare* is a static program that makes the same
durable writes as ours, counted with strace, and nothing else.
";

const TAIL: &str = "\
A figure beside a peer says what the same command costs there, with its own way of keeping
tasks; it says nothing of what either can do.
";

/// The whole document.
pub(super) fn document(bench: &Bench<'_>, rows: &[Row]) -> Result<String> {
    let missed: Vec<String> = rows
        .iter()
        .filter(|row| row.met() == Some(false))
        .map(|row| format!("{}, beside {}", row.what, row.other))
        .collect();
    let targets = rows.iter().filter(|row| row.met().is_some()).count();
    let met = targets - missed.len();
    let mut text = format!(
        "{HEAD}\n{}\n{met} of {targets} targets are met.",
        markdown(rows)
    );
    if !missed.is_empty() {
        text.push_str(" Not met:\n\n");
        text.push_str(&list(&missed));
    }
    text.push_str("\n\n## What was counted\n\n");
    text.push_str(&list(&bench.notes));
    text.push_str("\n## Where\n\n");
    text.push_str(&list(&machine(bench)?));
    text.push('\n');
    text.push_str(TAIL);
    Ok(text)
}

/// A Markdown list.
pub(super) fn list(items: &[String]) -> String {
    items.iter().map(|item| format!("- {item}\n")).collect()
}

fn machine(bench: &Bench<'_>) -> Result<Vec<String>> {
    let revision = bench
        .programs
        .git(bench.root, &["rev-parse", "--short=12", "HEAD"])?;
    let git = bench.programs.git(bench.root, &["--version"])?;
    let processors = fs_err::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown", |(_, model)| model.trim());
    let cores = std::thread::available_parallelism()?;
    let kernel =
        fs_err::read_to_string(Path::new("/proc/sys/kernel/osrelease")).unwrap_or_default();
    let load = fs_err::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown");
    Ok(vec![
        format!("airboss at {}", revision.trim()),
        format!("{cores} processors ({model}), kernel {}", kernel.trim()),
        git.trim().to_owned(),
        format!("load at the end: {load}"),
    ])
}
