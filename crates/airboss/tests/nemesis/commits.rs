//! The commits that Airboss says it made, each beside its parent.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use airboss_core::board::state_file::{self, StateFile};
use airboss_core::board::todo::{self, TodoFile};
use airboss_core::operation::{Operation, StoredOperation};
use airboss_testkit::TestEnvironment;

/// The blobs of so many commits are looked at together.
const AT_ONCE: usize = 100;

/// A commit that the log names.
#[derive(Clone, Debug)]
pub(crate) struct CommitSeen {
    pub(crate) id: String,
    /// The place of the operation in the log that it was made for.
    pub(crate) sequence: u64,
    /// The operation that its message names; empty when it is not of Airboss.
    pub(crate) trailer: String,
    /// How many commits of the main branch name that operation, this one or what a rebase made
    /// of it.
    pub(crate) on_main: usize,
    pub(crate) paths: Vec<String>,
    /// The tasks whose entries differ from those of the parent.
    pub(crate) tasks: BTreeSet<u32>,
    /// What differs and belongs to no task.
    pub(crate) outside: Vec<String>,
}

/// Git with something to read, which must succeed.
pub(crate) fn feed(environment: &TestEnvironment, words: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("git")
        .args(words)
        .current_dir(environment.top())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("HOME", environment.outside("home"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("git is installed");
    let mut stdin = child.stdin.take().expect("it is piped");
    std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).expect("git reads it all"));
        let output = child.wait_with_output().expect("git ends");
        assert!(output.status.success(), "git {words:?} failed");
        output.stdout
    })
}

/// The contents that `cat-file --batch` answers for names, in their order; `None` for no object.
fn contents(environment: &TestEnvironment, names: &[String]) -> Vec<Option<Vec<u8>>> {
    let input = names.join("\n") + "\n";
    let output = feed(environment, &["cat-file", "--batch"], input.as_bytes());
    let mut rest = &output[..];
    let mut contents = Vec::new();
    for _ in names {
        let line = rest.iter().position(|byte| *byte == b'\n').expect("a line");
        let head = String::from_utf8_lossy(&rest[..line]).into_owned();
        rest = &rest[line + 1..];
        let size = head.rsplit(' ').next().and_then(|size| size.parse().ok());
        contents.push(size.map(|size: usize| {
            let content = rest[..size].to_vec();
            rest = &rest[size + 1..];
            content
        }));
    }
    contents
}

/// All commits that the log names.
pub(crate) fn seen(environment: &TestEnvironment, log: &[StoredOperation]) -> Vec<CommitSeen> {
    let mut known = BTreeSet::new();
    let made = log.iter().filter_map(|stored| match &stored.operation {
        // Where a person's commit had it all, that one is named, perhaps for several.
        Operation::CommitMade {
            sequence, commit, ..
        } => Some((
            *sequence,
            commit.clone().filter(|id| known.insert(id.clone()))?,
        )),
        _ => None,
    });
    let made: Vec<_> = made.collect();
    let trailer = "--format=%H %(trailers:key=Airboss-Operation,valueonly,separator=%x2C)";
    let main = environment.git(["log", trailer, "main"]);
    let mut on_main: BTreeMap<&str, usize> = BTreeMap::new();
    for line in main.lines() {
        if let Some((_, operation)) = line.split_once(' ').filter(|(_, it)| !it.is_empty()) {
            *on_main.entry(operation).or_default() += 1;
        }
    }
    let mut all = Vec::new();
    for part in made.chunks(AT_ONCE) {
        let ids: Vec<_> = part.iter().map(|(_, id)| id.clone()).collect();
        let input = ids.join("\n") + "\n";
        let words = ["log", "--no-walk=unsorted", "--stdin", trailer];
        let trailers = feed(environment, &words, input.as_bytes());
        let trailers = String::from_utf8_lossy(&trailers).into_owned();
        let words = ["diff-tree", "--stdin", "-r", "--name-only"];
        let paths = feed(environment, &words, input.as_bytes());
        let paths = paths_of(&String::from_utf8_lossy(&paths));
        let names = ids.iter().flat_map(|id| {
            [
                "^:specs/TODO.md",
                ":specs/TODO.md",
                "^:specs/state.json",
                ":specs/state.json",
            ]
            .map(|path| format!("{id}{path}"))
        });
        let blobs = contents(environment, &names.collect::<Vec<_>>());
        for (((sequence, id), trailer), blobs) in
            part.iter().zip(trailers.lines()).zip(blobs.chunks(4))
        {
            let trailer = trailer.split_once(' ').map_or("", |(_, it)| it).to_owned();
            let mut commit = CommitSeen {
                id: id.clone(),
                sequence: *sequence,
                on_main: on_main.get(trailer.as_str()).copied().unwrap_or(0),
                trailer,
                paths: paths.get(id).cloned().unwrap_or_default(),
                tasks: BTreeSet::new(),
                outside: Vec::new(),
            };
            commit.compare(todo_parts, &blobs[..2]);
            commit.compare(state_parts, &blobs[2..]);
            all.push(commit);
        }
    }
    all
}

/// What `diff-tree --stdin --name-only` tells, by commit.
fn paths_of(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut paths = None;
    for line in text.lines() {
        let is_id = line.len() == 40 && line.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_id {
            paths = Some(all.entry(line.to_owned()).or_default());
        } else if let Some(paths) = &mut paths {
            paths.push(line.to_owned());
        }
    }
    all
}

/// The entries of a file by task, and the lines around them.
type Parts = (BTreeMap<u32, Vec<u8>>, Vec<String>);

fn todo_parts(bytes: &[u8]) -> Parts {
    let file = TodoFile::parse(bytes);
    let spans = file.entries.iter();
    parts(bytes, spans.map(|it| (it.number, todo::section(bytes, it))))
}

fn state_parts(bytes: &[u8]) -> Parts {
    let tasks = StateFile::parse(bytes).map(|file| file.tasks);
    let tasks = tasks.unwrap_or_default();
    let spans = tasks.iter();
    parts(
        bytes,
        spans.map(|it| (it.number, state_file::section(bytes, it))),
    )
}

fn parts<'b>(bytes: &[u8], sections: impl Iterator<Item = (u32, &'b [u8])>) -> Parts {
    let mut rest = String::from_utf8_lossy(bytes).into_owned();
    let mut entries = BTreeMap::new();
    for (number, section) in sections {
        rest = rest.replacen(&*String::from_utf8_lossy(section), "", 1);
        entries.insert(number, section.to_vec());
    }
    let is_own = |line: &&str| {
        let of_board = line.contains("next_project_number") || line.contains("\"last_updated\"");
        !of_board && !line.trim_matches([',', '-', ' ']).is_empty()
    };
    let lines = rest.lines().filter(is_own).map(str::to_owned).collect();
    (entries, lines)
}

impl CommitSeen {
    fn compare(&mut self, parts: fn(&[u8]) -> Parts, blobs: &[Option<Vec<u8>>]) {
        let [before, after] = [0, 1].map(|place| parts(blobs[place].as_deref().unwrap_or(b"")));
        let numbers: BTreeSet<u32> = before.0.keys().chain(after.0.keys()).copied().collect();
        let differs = |number: &u32| before.0.get(number) != after.0.get(number);
        self.tasks.extend(numbers.into_iter().filter(differs));
        if before.1 != after.1 {
            self.outside
                .push(format!("{:?} became {:?}", before.1, after.1));
        }
    }
}
