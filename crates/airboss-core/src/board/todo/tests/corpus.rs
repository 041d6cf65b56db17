//! Real boards: nothing panics, and an edit changes only what it may.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use super::super::*;

/// Tells the person who runs the tests, past the capture of their output.
fn note(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("stderr is writable");
}

/// Every real TODO.md beside the checkout.
#[expect(
    clippy::disallowed_methods,
    reason = "the real boards are outside of this repository"
)]
fn boards() -> Vec<(PathBuf, Vec<u8>)> {
    let shared = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let mut paths = Vec::new();
    for folder in ["todo", "pairs"] {
        let Ok(entries) = std::fs::read_dir(shared.join(folder)) else {
            note(&format!("skipped: no folder {folder} beside the checkout"));
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            paths.push(if path.is_dir() {
                path.join("TODO.md")
            } else {
                path
            });
        }
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let bytes = std::fs::read(&path).unwrap();
            (path, bytes)
        })
        .collect()
}

#[test]
fn real_boards_are_read() {
    let boards = boards();
    let mut entries = 0;
    let mut fields = [0; 8];
    let mut statuses: BTreeMap<String, usize> = BTreeMap::new();
    let mut problems: BTreeMap<ProblemKind, usize> = BTreeMap::new();
    for (_, bytes) in &boards {
        let file = TodoFile::parse(bytes);
        entries += file.entries.len();
        for entry in &file.entries {
            let status = entry
                .status
                .as_ref()
                .map_or("none", |status| status.value());
            *statuses.entry(status.to_owned()).or_default() += 1;
            let has = [
                entry.priority.is_some(),
                entry.language.is_some(),
                entry.effort.is_some(),
                entry.description.is_some(),
                entry.dependencies.is_some(),
                !entry.times.is_empty(),
                entry.plan.is_some(),
                !entry.artifacts.is_empty(),
            ];
            for (count, has) in fields.iter_mut().zip(has) {
                *count += usize::from(has);
            }
        }
        for problem in &file.problems {
            *problems.entry(problem.kind).or_default() += 1;
        }
    }
    note(&format!("{} boards, {entries} entries", boards.len()));
    note(&format!("statuses: {statuses:?}"));
    note(&format!("problems: {problems:?}"));
    note(&format!(
        "priority, language, effort, description, dependencies, times, plan, artifacts: {fields:?}"
    ));
}
