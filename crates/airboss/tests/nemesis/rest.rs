//! What is left when everything has come to rest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::thread;
use std::time::Duration;

use airboss_engine::store::Store as _;
use airboss_engine::workspace::Workspace;
use airboss_testkit::TestEnvironment;

use crate::commits::feed;
use crate::evidence::Said;
use crate::readers;

/// A displaced file is looked at again after this time.
const LOOKED_AT_AGAIN: Duration = Duration::from_millis(400);

/// A person's `git commit -m` that has found nothing is thought to be at work for so long.
const MESSAGE_READ: Duration = Duration::from_millis(2_500);

#[derive(Clone, Debug)]
pub(crate) struct Rest {
    /// The two commands that finish what the storm left, and how they ended.
    pub(crate) settled: Vec<(String, i32, String)>,
    /// What waits to be published or committed all the same.
    pub(crate) waiting: Vec<String>,
    /// What `airboss verify` says.
    pub(crate) verify: (i32, String),
    /// Lock files of git, drafts and displaced files.
    pub(crate) left: Vec<String>,
    /// Processes that still run.
    pub(crate) processes: Vec<String>,
    /// What is wrong with the objects of git.
    pub(crate) fsck: String,
    /// Files that reading commands changed.
    pub(crate) written_by_reading: Vec<String>,
    /// The whole board and its list, at the end.
    pub(crate) board: Said,
    pub(crate) list: Said,
}

/// Finishes what the storm left with two commands, and looks at everything.
pub(crate) fn settle_and_look(environment: &TestEnvironment) -> Rest {
    thread::sleep(MESSAGE_READ);
    let commands: [&[&str]; 2] = [
        &["sync", "--accept"],
        &["task", "edit", "1", "--language", "at rest"],
    ];
    let settled = commands.map(|words| {
        let told = environment.run(words);
        (words.join(" "), told.code(), told.stderr)
    });
    let waiting = waiting(environment);
    thread::sleep(LOOKED_AT_AGAIN);
    environment.run(["sync"]);
    let verify = environment.run(["verify"]);
    let mut left = Vec::new();
    find(&environment.path(".git"), &mut left, &|path| {
        let text = path.to_string_lossy();
        text.ends_with(".lock")
            || text.contains(".git/airboss/tmp/")
            || text.contains(".git/airboss/displaced/")
    });
    let specs = environment.path("specs");
    find(&specs, &mut left, &|path| {
        path.to_string_lossy().contains(".airboss-")
    });
    let fsck = environment.try_git(["fsck", "--full", "--no-dangling", "--no-progress"]);
    let before = everything(environment);
    let (board, list) = (readers::export(environment), readers::list(environment));
    for words in [
        &["log"][..],
        &["conflicts"],
        &["task", "ready"],
        &["task", "show", "1"],
        &["verify"],
        &["blame", "1"],
    ] {
        environment.run(words);
    }
    let after = everything(environment);
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed = |name: &&&String| before.get(**name) != after.get(**name);
    Rest {
        settled: settled.to_vec(),
        waiting,
        verify: (verify.code(), verify.to_string()),
        left,
        processes: environment.processes_left(),
        fsck: match fsck.code() {
            0 => String::new(),
            _ => fsck.to_string(),
        },
        written_by_reading: names
            .iter()
            .filter(changed)
            .map(ToString::to_string)
            .collect(),
        board,
        list,
    }
}

/// What waits to be published or committed.
fn waiting(environment: &TestEnvironment) -> Vec<String> {
    let workspace = Workspace::open(&environment.top()).unwrap();
    let store = workspace.open_reader().unwrap().unwrap();
    let files = store.to_publish(None).unwrap();
    let commits = store.git_wishes().unwrap();
    let files = files
        .iter()
        .map(|row| format!("{} to be published", row.path));
    let commits = commits.iter();
    let commits = commits.map(|row| format!("operation {} to be committed", row.sequence));
    files.chain(commits).collect()
}

fn find(directory: &Path, found: &mut Vec<String>, wanted: &dyn Fn(&Path) -> bool) {
    for entry in fs_err::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            find(&path, found, wanted);
        } else if wanted(&path) {
            found.push(path.display().to_string());
        }
    }
}

/// Every file with its bytes, without what readers of a database share with each other.
fn everything(environment: &TestEnvironment) -> BTreeMap<String, Vec<u8>> {
    let mut all = environment.state();
    let mut names = Vec::new();
    find(&environment.path(".git/airboss"), &mut names, &|path| {
        !path.to_string_lossy().ends_with("-shm")
    });
    for name in names {
        all.insert(name.clone(), fs_err::read(&name).unwrap_or_default());
    }
    all
}

/// Every token that stands in a file, in the log, in what is kept, or in any commit that a
/// branch, a stash or the log of one still names.
pub(crate) fn tokens(environment: &TestEnvironment) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for bytes in everything(environment).values() {
        collect(bytes, &mut found);
    }
    let told = environment.run(["export", "--history"]);
    collect(told.stdout.as_bytes(), &mut found);
    let words = [
        "rev-list",
        "--all",
        "--reflog",
        "--objects",
        "--filter=object:type=blob",
    ];
    let objects = environment.git(words);
    let ids: BTreeSet<&str> = objects.lines().filter_map(|line| line.get(..40)).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    for part in ids.chunks(500) {
        let input = part.join("\n") + "\n";
        let bytes = feed(environment, &["cat-file", "--batch"], input.as_bytes());
        collect(&bytes, &mut found);
    }
    found
}

fn collect(bytes: &[u8], found: &mut BTreeSet<String>) {
    for word in bytes.split(|byte| !byte.is_ascii_alphanumeric()) {
        let digits = word
            .strip_prefix(b"q")
            .and_then(|word| word.strip_suffix(b"q"));
        if digits.is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
        {
            found.insert(String::from_utf8_lossy(word).into_owned());
        }
    }
}
