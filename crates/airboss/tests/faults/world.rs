//! Places that look alike: one template for each scenario, and a copy of it for each case.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use airboss_faults::Tracer;
use airboss_testkit::TestEnvironment;
use fs_err as fs;
use rusqlite::Connection;

use crate::scenario::Scenario;

const AIRBOSS: &str = env!("CARGO_BIN_EXE_airboss");

/// A place as a scenario prepares it, to be copied for each case.
pub(crate) struct Template {
    /// All of this sweep's places, in memory where there is one: no case waits for a disk.
    pub(crate) root: tempfile::TempDir,
    pub(crate) scenario: &'static Scenario,
}

impl Template {
    pub(crate) fn new(scenario: &'static Scenario) -> Self {
        let environment = TestEnvironment::new(AIRBOSS);
        scenario.begin(&environment);
        (scenario.prepare)(&environment);
        if scenario.is_board() {
            // What a person has in hand stays as it is.
            environment.write("staged.txt", "chosen for the next commit\n");
            environment.git(["add", "staged.txt"]);
            environment.write("README.md", "# A project that somebody types at\n");
        }
        fs::remove_dir_all(environment.path(".git/hooks")).unwrap();
        // A copy is younger than the newest commit, as if somebody were typing its message.
        fs::remove_file(environment.path(".git/COMMIT_EDITMSG")).unwrap();
        let memory = Path::new("/dev/shm");
        let mut builder = tempfile::Builder::new();
        builder.prefix("airboss-faults-");
        let root = if memory.is_dir() {
            builder.tempdir_in(memory).unwrap()
        } else {
            builder.tempdir().unwrap()
        };
        let template = root.path().join("template");
        for name in ["work", "home", "config", "tmp"] {
            copy_tree(&environment.outside(name), &template.join(name));
        }
        Self { root, scenario }
    }

    /// A fresh copy at a place that is the same for each case of a worker.
    pub(crate) fn case(&self, worker: usize) -> World {
        self.copy_of(&self.root.path().join("template"), worker)
    }

    /// A copy of a tree that a case has left.
    pub(crate) fn copy_of(&self, tree: &Path, worker: usize) -> World {
        let world = self.empty(worker);
        copy_tree(tree, &world.root);
        world
    }

    /// A place that does not exist yet.
    pub(crate) fn empty(&self, worker: usize) -> World {
        let world = World {
            root: self.root.path().join(format!("worker-{worker}")),
            scenario: self.scenario,
        };
        if world.root.exists() {
            fs::remove_dir_all(&world.root).unwrap();
        }
        world
    }
}

/// Where one case takes place.
pub(crate) struct World {
    pub(crate) root: PathBuf,
    pub(crate) scenario: &'static Scenario,
}

impl World {
    pub(crate) fn top(&self) -> PathBuf {
        self.root.join("work")
    }

    fn environment(&self) -> Vec<(&'static str, OsString)> {
        let inside = |name: &str| self.root.join(name).into_os_string();
        vec![
            ("PATH", std::env::var_os("PATH").unwrap_or_default()),
            ("HOME", inside("home")),
            ("TMPDIR", inside("tmp")),
            ("XDG_CONFIG_HOME", inside("config")),
            ("XDG_STATE_HOME", inside("home/state")),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("GIT_CEILING_DIRECTORIES", self.root.clone().into()),
            ("TZ", "UTC".into()),
            ("NO_COLOR", "1".into()),
        ]
    }

    /// The command of the scenario, to be run under faults.
    pub(crate) fn tracer(&self) -> Tracer {
        let tracer = Tracer::new(AIRBOSS)
            .arguments(self.scenario.command)
            .directory(&self.top());
        self.environment()
            .into_iter()
            .fold(tracer, |tracer, (name, value)| tracer.env(name, value))
    }

    /// Runs the program undisturbed.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        Command::new(AIRBOSS)
            .args(arguments)
            .env_clear()
            .envs(self.environment())
            .current_dir(self.top())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// What git says about the place, or the error of a git that fails.
    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(arguments)
            .env_clear()
            .envs(self.environment())
            .current_dir(self.top())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        // Ids of blobs differ with the times in them.
        let lines = said.lines().filter(|line| !line.starts_with("index "));
        let text = lines.collect::<Vec<_>>().join("\n");
        format!("{}\n{}", output.status, steady(&text))
    }

    /// The history, and what is in hand: everything that git would show a person.
    pub(crate) fn history(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            (
                "fsck",
                self.git(&["fsck", "--strict", "--no-dangling", "--no-progress"]),
            ),
            (
                "commits",
                self.git(&["log", "--patch", "--format=%an %ae%n%B"]),
            ),
            ("staged", self.git(&["diff", "--cached"])),
            ("unstaged", self.git(&["diff"])),
            ("branches", self.git(&["branch", "--all"])),
        ])
    }

    /// Locks that nobody holds any more.
    pub(crate) fn locks(&self) -> Vec<PathBuf> {
        let mut locks = Vec::new();
        walk(&self.top().join(".git"), &mut |path| {
            let is_own = path.starts_with(self.top().join(".git/airboss"));
            if !is_own && path.extension().is_some_and(|end| end == "lock") {
                locks.push(path.to_owned());
            }
        });
        locks
    }

    /// The file of every projection, times and ids replaced; `None` when it is not there.
    pub(crate) fn projections(&self) -> BTreeMap<&'static str, Option<String>> {
        let read = |path: &&'static str| {
            let bytes = fs::read(self.top().join(path)).ok();
            let text = bytes.map(|bytes| steady(&String::from_utf8_lossy(&bytes)));
            (*path, text)
        };
        self.scenario.projections.iter().map(read).collect()
    }

    /// Every file of the place with its bytes, but for what SQLite keeps.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        walk(&self.root, &mut |path| {
            let shown = path.strip_prefix(&self.root).unwrap_or(path).to_owned();
            let is_store = shown.to_string_lossy().contains("state.db");
            let bytes = if is_store {
                Vec::new()
            } else {
                fs::read(path).unwrap_or_default()
            };
            files.insert(shown, bytes);
        });
        files
    }

    /// How the place looks to the next command; equal for places that it cannot tell apart.
    pub(crate) fn look(&self) -> String {
        let mut look = format!("{:?}\n", self.stored());
        for (path, bytes) in self.files() {
            let text = String::from_utf8_lossy(&bytes);
            look += &steady(&path.to_string_lossy());
            // A lock is known by the names that it has, and a file is left alone by its mode.
            let facts = fs::symlink_metadata(self.root.join(&path)).unwrap();
            look.extend([format!(" {:o} {}\n", facts.mode(), facts.nlink())]);
            // What is remembered of the plan file has its times, which differ from run to run.
            if !path.starts_with("work/.git/airboss/plans") {
                look += &steady(&text);
            }
        }
        look
    }

    fn store(&self) -> Option<PathBuf> {
        let mut found = None;
        walk(&self.top().join(".git/airboss"), &mut |path| {
            if path.ends_with("state.db") {
                found = Some(path.to_owned());
            }
        });
        found
    }

    /// What the store holds. It is looked at in a copy: opening it would repair it.
    pub(crate) fn stored(&self) -> Result<Stored, String> {
        let store = self.store().ok_or("there is no store")?;
        let copy = self.root.with_extension("store");
        fs::create_dir_all(&copy).map_err(|error| error.to_string())?;
        for suffix in ["", "-wal"] {
            let name = format!("state.db{suffix}");
            let (from, to) = (store.with_file_name(&name), copy.join(&name));
            if from.exists() {
                fs::copy(from, to).map_err(|error| error.to_string())?;
            }
        }
        let stored = Stored::read(&copy.join("state.db")).map_err(|error| error.to_string());
        fs::remove_dir_all(&copy).map_err(|error| error.to_string())?;
        stored
    }
}

/// The content of a store, times and ids replaced.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// What `PRAGMA integrity_check` says: `ok`.
    pub(crate) integrity: Vec<String>,
    /// Operations, steps and answered commands.
    pub(crate) state: Vec<String>,
    /// Files that are still to be published.
    pub(crate) outbox: Vec<String>,
    /// Commits that were made.
    pub(crate) commits: Vec<String>,
    /// Commits that are still to be made.
    pub(crate) wishes: Vec<String>,
    /// What is remembered of the files: which change each shows, and whether it was looked at.
    pub(crate) published: Vec<String>,
}

impl Stored {
    fn read(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        let rows = |sql: &str| -> rusqlite::Result<Vec<String>> {
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            rows.map(|row| row.map(|text| steady(&text))).collect()
        };
        let mut state = Vec::new();
        for sql in [
            // A failure is recorded after the change that it befell, and is no part of it.
            "SELECT kind || ' ' || body FROM operation WHERE kind NOT LIKE 'commit_%' \
             AND kind NOT LIKE 'error_%' ORDER BY sequence",
            "SELECT id || ' ' || status || ' ' || version || ' ' || state FROM step ORDER BY id",
            // What was looked at in a file and why a commit waits is remembered, too; nobody
            // asked for it.
            "SELECT id || ' ' || result FROM command \
             WHERE id NOT LIKE 'import %' AND id NOT LIKE 'defer-%' ORDER BY id",
            "SELECT 'next ' || next_number FROM board",
            "SELECT number || ' ' || place || ' ' || status || ' ' || body FROM task \
             ORDER BY number, place",
            "SELECT 'conflict ' || body FROM conflict ORDER BY position",
        ] {
            state.extend(rows(sql)?);
        }
        Ok(Self {
            integrity: rows("PRAGMA integrity_check")?,
            state,
            outbox: rows(
                "SELECT kind || ' ' || path FROM outbox WHERE path NOT LIKE '%errors.json' \
                 ORDER BY path",
            )?,
            commits: rows(
                "SELECT body FROM operation WHERE kind = 'commit_made' ORDER BY sequence",
            )?,
            wishes: rows("SELECT payload FROM git_wish ORDER BY sequence")?,
            published: rows(
                "SELECT path || ' ' || sequence || ' ' || (stamp IS NULL) FROM publication \
                 UNION ALL SELECT path || ' ' || task || ' ' || sequence FROM section \
                 UNION ALL SELECT path || ' ' || sequence FROM known_section ORDER BY 1",
            )?,
        })
    }
}

impl Stored {
    /// What one store has and the other has not, a line each.
    pub(crate) fn differences(&self, wanted: &Self) -> Vec<String> {
        let all = |stored: &Self| {
            let words = [
                &stored.integrity,
                &stored.state,
                &stored.outbox,
                &stored.commits,
                &stored.wishes,
            ];
            words.into_iter().flatten().cloned().collect::<Vec<_>>()
        };
        let (found, wanted) = (all(self), all(wanted));
        let mut lines = Vec::new();
        let mut rest = wanted.clone();
        for line in found {
            match rest.iter().position(|other| *other == line) {
                Some(place) => drop(rest.remove(place)),
                None => lines.push(format!("has {line}")),
            }
        }
        lines.extend(rest.into_iter().map(|line| format!("lacks {line}")));
        lines
    }
}

/// A text without what differs from run to run: digits of times, and how long things took.
pub(crate) fn steady(text: &str) -> String {
    let mut steady = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|character: char| character.is_ascii_hexdigit()) {
        let (before, from) = rest.split_at(start);
        steady.push_str(before);
        let length = from
            .find(|character: char| {
                !character.is_ascii_alphanumeric() && !":-.".contains(character)
            })
            .unwrap_or(from.len());
        let (word, after) = from.split_at(length);
        let is_duration = steady.ends_with("\"duration\": ") || steady.ends_with("\"duration\":");
        steady.push_str(match word.len() {
            // 2026-11-21T07:20:49Z, with or without milliseconds.
            20 | 24 if word.as_bytes()[10] == b'T' && word.ends_with('Z') => "TIME",
            // Milliseconds since 1970, and ids as UUIDs.
            13 if word.bytes().all(|byte| byte.is_ascii_digit()) => "MILLIS",
            36 if word.bytes().filter(|byte| *byte == b'-').count() == 4 => "UUID",
            32 if is_hexadecimal(word) => "ID",
            40 if is_hexadecimal(word) => "COMMIT",
            _ if is_duration => "DURATION",
            _ => word,
        });
        rest = after;
    }
    steady.push_str(rest);
    steady
}

fn is_hexadecimal(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Copies a tree. Names of one file stay names of one file: that is how a lock is known.
pub(crate) fn copy_tree(from: &Path, to: &Path) {
    copy_into(from, to, &mut HashMap::new());
}

fn copy_into(from: &Path, to: &Path, linked: &mut HashMap<u64, PathBuf>) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        let facts = entry.metadata().unwrap();
        if facts.is_dir() {
            copy_into(&entry.path(), &target, linked);
        } else if let Some(known) = linked.get(&facts.ino()) {
            fs::hard_link(known, target).unwrap();
        } else {
            fs::copy(entry.path(), &target).unwrap();
            if facts.nlink() > 1 {
                linked.insert(facts.ino(), target);
            }
        }
    }
}

fn walk(directory: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&entry.path(), visit);
        } else {
            visit(&entry.path());
        }
    }
}
