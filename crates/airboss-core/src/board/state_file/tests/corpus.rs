//! Real boards: nothing panics, and an edit stays inside of its task.

use std::path::PathBuf;

use super::*;

/// The state files of the folder beside the checkout.
#[expect(
    clippy::disallowed_methods,
    reason = "the real boards are outside of this repository"
)]
fn files() -> Vec<(PathBuf, Vec<u8>)> {
    let shared = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let mut paths: Vec<PathBuf> = Vec::new();
    let inside = |folder: PathBuf| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path())
    };
    paths.extend(inside(shared.join("state")));
    paths.extend(inside(shared.join("pairs")).map(|pair| pair.join("state.json")));
    paths.sort();
    let read = |path: PathBuf| Some((path.clone(), std::fs::read(path).ok()?));
    paths.into_iter().filter_map(read).collect()
}

#[expect(clippy::print_stderr, reason = "what was counted is worth reading")]
fn note(text: &str) {
    eprintln!("{text}");
}

/// The bytes before and after the region that differs.
fn same_ends(before: &[u8], after: &[u8]) -> (usize, usize) {
    let pairs = before.iter().zip(after);
    let start = pairs.take_while(|(one, other)| one == other).count();
    let pairs = before[start..]
        .iter()
        .rev()
        .zip(after[start..].iter().rev());
    let end = pairs.take_while(|(one, other)| one == other).count();
    (start, before.len() - end)
}

/// A status edit of each task, all in one go: every byte outside of their objects stays.
fn edit_all(path: &std::path::Path, bytes: &[u8], file: &StateFile) -> usize {
    let mut active: Vec<_> = file.tasks.iter().collect();
    active.retain(|facts| facts.list == List::Active && !is_twice(file, facts));
    let mut tasks: Vec<_> = active.iter().map(|facts| task(facts.number)).collect();
    for task in &mut tasks {
        task.status = Status::Superseded.into();
    }
    let fields = [Field::Status];
    let change = |task| Edit::Change {
        task,
        fields: &fields,
    };
    let edits: Vec<_> = tasks.iter().map(change).collect();
    let edited = edit(bytes, &edits).unwrap();
    assert_eq!(edited.left, [], "{}", path.display());
    let mut after = StateFile::parse(&edited.bytes).unwrap();
    assert_eq!(after.tasks.len(), file.tasks.len());
    after
        .tasks
        .retain(|facts| facts.list == List::Active && !is_twice(file, facts));
    let after: Vec<_> = after.tasks.iter().collect();
    for facts in &after {
        assert!(facts.status.as_ref().unwrap().is(Status::Superseded));
        assert_eq!(facts.operation, task(1).operation);
    }
    let outside = (outside(bytes, &active), outside(&edited.bytes, &after));
    assert!(outside.0 == outside.1, "{}", path.display());
    edits.len()
}

fn is_twice(file: &StateFile, facts: &TaskFacts) -> bool {
    let same = |other: &&TaskFacts| other.number == facts.number && other.list == facts.list;
    file.tasks.iter().filter(same).count() > 1
}

/// The bytes that belong to none of these tasks.
fn outside(bytes: &[u8], tasks: &[&TaskFacts]) -> Vec<u8> {
    let mut outside = Vec::new();
    let mut done = 0;
    for facts in tasks {
        outside.extend_from_slice(&bytes[done..facts.span.start]);
        done = facts.span.end;
    }
    outside.extend_from_slice(&bytes[done..]);
    outside
}

/// A status edit of one task alone changes bytes of its object alone.
fn edit_one(path: &std::path::Path, bytes: &[u8], facts: &TaskFacts) -> bool {
    let mut task = task(facts.number);
    task.status = Status::Superseded.into();
    let fields = [Field::Status];
    let change = [Edit::Change {
        task: &task,
        fields: &fields,
    }];
    match edit(bytes, &change) {
        Err(EditError::Duplicate { .. }) => false,
        Err(error) => panic!("{}: {error}", path.display()),
        Ok(edited) => {
            let (start, end) = same_ends(bytes, &edited.bytes);
            let inside = start > facts.span.start && end < facts.span.end;
            assert!(inside, "{}", path.display());
            true
        }
    }
}

#[test]
fn real_boards() {
    let files = files();
    if files.is_empty() {
        return note("skipped: no folder shared/corpus beside the checkout");
    }
    let mut problems: BTreeMap<ProblemKind, usize> = BTreeMap::new();
    let mut lists: BTreeMap<String, usize> = BTreeMap::new();
    let (mut read, mut damaged, mut edits, mut refused) = (0, Vec::new(), 0, 0);
    for (path, bytes) in &files {
        let file = match StateFile::parse(bytes) {
            Ok(file) => file,
            Err(error) => {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                damaged.push(format!("{error}  ({})", &name[..name.len().min(40)]));
                continue;
            }
        };
        read += 1;
        for problem in &file.problems {
            *problems.entry(problem.kind).or_default() += 1;
        }
        for facts in &file.tasks {
            *lists.entry(format!("{:?}", facts.list)).or_default() += 1;
            assert!(section(bytes, facts).starts_with(b"{"));
        }
        let new = task(90_001);
        let added = edit(bytes, &[Edit::Add { task: &new }]).unwrap();
        assert_eq!(added.left, []);
        let removed = edit(&added.bytes, &[Edit::Remove { number: 90_001 }]).unwrap();
        assert_eq!(removed.bytes, *bytes, "{}", path.display());
        edits += edit_all(path, bytes, &file);
        let mut one_by_one: Vec<_> = file.tasks.iter().collect();
        one_by_one.retain(|facts| facts.list == List::Active);
        let last = one_by_one.len().saturating_sub(1);
        for (at, facts) in one_by_one.iter().enumerate() {
            if at != 0 && at != last && !is_twice(&file, facts) {
                continue;
            }
            refused += usize::from(!edit_one(path, bytes, facts));
        }
    }
    note(&format!(
        "{} files, {read} read, {edits} status edits, {refused} refused as duplicates\n\
         tasks {lists:?}\nproblems {problems:?}\n{}",
        files.len(),
        damaged.join("\n")
    ));
    assert!(read > 100 && edits > 1000);
}
