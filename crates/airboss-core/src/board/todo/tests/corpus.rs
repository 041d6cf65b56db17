//! Real boards: nothing panics, and an edit changes only what it may.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use super::*;

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

/// A status and a date are written to every entry; nothing outside of its lines changes.
#[test]
fn a_status_changes_only_its_entry() {
    let fields = [Field::Status, Field::Time(TimeKey::Completed)];
    let (mut edits, mut left, mut refused, mut told) = (0, 0, 0, 0);
    for (path, bytes) in &boards() {
        let file = TodoFile::parse(bytes);
        for (index, facts) in file.entries.iter().enumerate() {
            let mut done = task(facts.number);
            done.status = Status::Superseded.into();
            done.times.insert(TimeKey::Completed, day("2031-03-02"));
            let change = [Edit::Change {
                task: &done,
                fields: &fields,
            }];
            let (edited, touched) = match edit(bytes, &change) {
                Ok(edited) if edited.left.is_empty() => (edited.bytes, edited.touched),
                Ok(_) => {
                    left += 1;
                    continue;
                }
                Err(_) => {
                    refused += 1;
                    continue;
                }
            };
            edits += 1;
            let context = format!("{} task {}", path.display(), facts.number);
            assert!(edited.starts_with(&bytes[..facts.span.start]), "{context}");
            assert!(edited.ends_with(&bytes[facts.span.end..]), "{context}");
            let lines = |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').count();
            assert!(lines(&edited) - lines(bytes) <= 1, "{context}");
            // Reading each of them again would take minutes.
            if index % 4 == 0 {
                let again = TodoFile::parse(&edited);
                assert_eq!(again.entries.len(), file.entries.len(), "{context}");
                let found = &again.entries[index];
                assert_eq!(found.status, Some(done.status.clone()), "{context}");
                let touched = touched.iter().flat_map(|touched| &touched.facts);
                for facts in touched {
                    assert_eq!(facts, found, "{context}");
                    told += 1;
                }
                assert!(found.times.contains_key(&TimeKey::Completed), "{context}");
            }
        }
    }
    note(&format!(
        "{edits} status edits, {left} left, {refused} refused; of {told} the editor told what is new"
    ));
}

/// An entry with links is put into every board and taken out again.
#[test]
fn what_comes_goes_on_real_boards() {
    let mut begun = 0;
    for (path, bytes) in &boards() {
        let mut new = task(54_321);
        new.priority = Some("High".to_owned());
        new.description = Some("Why.".to_owned());
        new.plan = Some("54321_a/plans/1.md".to_owned());
        new.artifacts = vec![artifact("research", "54321_a/reports/1.md")];
        new.times.insert(TimeKey::Started, day("2031-03-02"));
        let Ok(added) = edit(bytes, &[Edit::Add { task: &new }]) else {
            panic!("{}", path.display());
        };
        assert_eq!(added.left, []);
        let file = TodoFile::parse(&added.bytes);
        let facts = file.entries.iter().find(|entry| entry.number == 54_321);
        let facts = facts.unwrap();
        assert_eq!(facts.plan, new.plan, "{}", path.display());
        assert_eq!(facts.artifacts.len(), 2, "{}", path.display());
        let removed = edit(&added.bytes, &[Edit::Remove { number: 54_321 }]).unwrap();
        if &removed.bytes == bytes {
            continue;
        }
        // Only a section that had to be begun stays.
        assert!(removed.bytes.starts_with(bytes), "{}", path.display());
        assert!(removed.bytes.len() < bytes.len() + 20, "{}", path.display());
        begun += 1;
    }
    note(&format!("{begun} boards had no section for a new task"));
}
