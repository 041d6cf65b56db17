//! What a command really writes durably, told by strace, as words for the `replay` baseline.
//!
//! Only files that are synced count, with the renames between them and the directories that
//! are synced: what a command writes without syncing it is no durable write.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::programs::run_under;

/// The calls that write, sync or rename.
const CALLS: &str = "trace=write,pwrite64,writev,pwritev,fsync,fdatasync,rename,renameat,renameat2";

/// One step of a trace.
#[derive(PartialEq, Eq, Debug)]
enum Call {
    Write(String, usize),
    Sync(String),
    Rename(String, String),
}

/// The words for `replay`, and how often it syncs.
#[derive(PartialEq, Eq, Debug, Default)]
pub(super) struct Writes {
    pub(super) words: Vec<String>,
    pub(super) syncs: usize,
    pub(super) bytes: usize,
}

/// Whether strace is there to ask.
pub(super) fn is_possible() -> bool {
    let mut strace = Command::new("strace");
    strace.arg("-V").stdout(Stdio::null()).stderr(Stdio::null());
    strace.status().is_ok_and(|status| status.success())
}

/// Runs the command under strace and tells what it writes durably below `directory`.
pub(super) fn durable_writes(command: &Command, directory: &Path) -> Result<Writes> {
    let output = tempfile::NamedTempFile::new()?;
    let mut strace = Command::new("strace");
    strace
        .args([
            "-f",
            "-y",
            "-qq",
            "-s",
            "0",
            "-e",
            CALLS,
            "-e",
            "signal=none",
            "-o",
        ])
        .arg(output.path());
    run_under(strace, command)?;
    let text = fs_err::read_to_string(output.path())?;
    let directory = directory.to_str().context("a path that is not UTF-8")?;
    let current = command.get_current_dir().unwrap_or(Path::new("/"));
    Ok(words(&calls(&text, current), directory))
}

/// The calls of a trace, in the order in which they ended.
fn calls(trace: &str, current: &Path) -> Vec<Call> {
    let mut begun: HashMap<&str, &str> = HashMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((thread, rest)) = line.split_once(char::is_whitespace) else {
            continue;
        };
        let rest = rest.trim_start();
        // While a call lasts, another thread may have made one: strace tells it in two parts then.
        if let Some(first) = rest.strip_suffix(" <unfinished ...>") {
            begun.insert(thread, first);
        } else if let Some((_, second)) = rest.split_once(" resumed>") {
            let first = begun.remove(thread).unwrap_or_default();
            calls.extend(call(&format!("{first}{second}"), current));
        } else {
            calls.extend(call(rest, current));
        }
    }
    calls
}

/// Reads `fdatasync(5</a/b>) = 0` and its kind; a failed call is none.
fn call(told: &str, current: &Path) -> Option<Call> {
    let (name, arguments) = told.split_once('(')?;
    let failed = arguments
        .rsplit_once(" = ")
        .is_some_and(|(_, it)| it.starts_with('-'));
    if failed {
        return None;
    }
    let file = || {
        let (_, path) = arguments.split_once('<')?;
        Some(path.split_once('>')?.0.to_owned())
    };
    match name {
        "fsync" | "fdatasync" => Some(Call::Sync(file()?)),
        "write" | "pwrite64" | "writev" | "pwritev" => {
            let (_, result) = arguments.rsplit_once(" = ")?;
            Some(Call::Write(file()?, result.trim().parse().ok()?))
        }
        "rename" | "renameat" | "renameat2" => {
            let mut quoted = arguments.split('"');
            let (before, from) = (quoted.next()?, quoted.next()?);
            let (between, to) = (quoted.next()?, quoted.next()?);
            Some(Call::Rename(
                absolute(before, from, current),
                absolute(between, to, current),
            ))
        }
        _ => None,
    }
}

/// A path relative to the directory that strace names before it: `7</a>, "b"`.
fn absolute(before: &str, path: &str, current: &Path) -> String {
    let directory = before
        .rsplit_once('<')
        .and_then(|(_, it)| it.split_once('>'));
    let base = directory.map_or(current, |(directory, _)| Path::new(directory));
    base.join(path).to_string_lossy().into_owned()
}

fn words(calls: &[Call], directory: &str) -> Writes {
    let mut synced = BTreeSet::new();
    let mut written = BTreeSet::new();
    let mut made = BTreeSet::new();
    for call in calls {
        match call {
            Call::Sync(path) if path.starts_with(directory) => drop(synced.insert(path.as_str())),
            Call::Write(path, _) => drop(written.insert(path.as_str())),
            Call::Rename(from, _) => drop(made.insert(from.as_str())),
            Call::Sync(_) => {}
        }
    }
    let durable = |path: &str| synced.contains(path) && written.contains(path);
    let mut names: HashMap<&str, String> = HashMap::new();
    let mut writes = Writes::default();
    for call in calls {
        match call {
            Call::Write(path, bytes) if durable(path) => {
                let action = if made.contains(path.as_str()) {
                    "create"
                } else {
                    "append"
                };
                let name = name(&mut names, path);
                writes.words.push(format!("{action}:{name}:{bytes}"));
                writes.bytes += bytes;
            }
            Call::Sync(path) if durable(path) => {
                let name = name(&mut names, path);
                writes.words.push(format!("sync:{name}"));
                writes.syncs += 1;
            }
            // What is synced without having been written is a directory.
            Call::Sync(path) if synced.contains(path.as_str()) => {
                writes.words.push("syncdir".to_owned());
                writes.syncs += 1;
            }
            Call::Rename(from, to) if durable(from) => {
                let from = name(&mut names, from);
                let to = name(&mut names, to);
                writes.words.push(format!("rename:{from}:{to}"));
            }
            _ => {}
        }
    }
    writes
}

fn name<'c>(names: &mut HashMap<&'c str, String>, path: &'c str) -> String {
    let next = names.len();
    names
        .entry(path)
        .or_insert_with(|| format!("f{next}"))
        .clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_becomes_the_words_of_a_replay() {
        let trace = r#"
7 write(1<pipe:[12]>, ""..., 3) = 3
7 pwrite64(5</t/state.db-wal>, ""..., 24, 0) = 24
7 pwrite64(5</t/state.db-wal>, ""..., 4096, 56) = 4096
7 fdatasync(5</t/state.db-wal>) = 0
7 write(6</t/.tmp1>, ""..., 900 <unfinished ...>
8  write(8</t/unsynced>, ""..., 7 <unfinished ...>
7 <... write resumed>) = 900
8 <... write resumed>) = 7
7 fsync(6</t/.tmp1>) = 0
7 renameat2(9</t>, ".tmp1", 9</t>, "status.json", RENAME_NOREPLACE) = -1 EEXIST (File exists)
7 renameat2(9</t>, ".tmp1", 9</t>, "status.json", RENAME_EXCHANGE) = 0
7 fsync(9</t>) = 0
7 fsync(9</elsewhere>) = 0
"#;
        let expected = [
            "append:f0:24",
            "append:f0:4096",
            "sync:f0",
            "create:f1:900",
            "sync:f1",
            "rename:f1:f2",
            "syncdir",
        ];
        let writes = words(&calls(trace, Path::new("/")), "/t");
        assert_eq!(writes.words, expected);
        assert_eq!((writes.syncs, writes.bytes), (3, 5_020));
    }
}
