//! Places that look alike: one template for each scenario, and a copy of it for each case.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use airboss_faults::Tracer;
use fs_err as fs;

use super::scenario::Scenario;
use super::stored::{Stored, steady};
use crate::command::run::prepare::on_path;

/// A place as a scenario prepares it, to be copied for each case. All of it is gone when it is
/// dropped.
#[derive(Debug)]
pub struct Template {
    root: tempfile::TempDir,
    program: PathBuf,
    /// The command, and what comes before it.
    pub scenario: &'static Scenario,
}

impl Template {
    /// Prepares a place in a directory, with this program.
    ///
    /// # Errors
    /// When git or the program fails, or the directory cannot be written.
    pub fn new(program: &Path, scenario: &'static Scenario, parent: &Path) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        let template = Self {
            root: builder.prefix(".airboss-selftest-").tempdir_in(parent)?,
            program: program.to_owned(),
            scenario,
        };
        let world = template.world("template");
        for name in ["work", "home", "config", "tmp"] {
            fs::create_dir_all(world.root.join(name))?;
        }
        world.git_done(&["init", "--quiet", "--initial-branch=main"])?;
        world.git_done(&["config", "user.name", "Test Person"])?;
        world.git_done(&["config", "user.email", "person@localhost"])?;
        world.git_done(&["config", "commit.gpgsign", "false"])?;
        world.write("README.md", "# A project\n")?;
        world.commit("a project begins")?;
        scenario.begin(&world)?;
        (scenario.prepare)(&world)?;
        if scenario.is_board() {
            // What a person has in hand stays as it is.
            world.write("staged.txt", "chosen for the next commit\n")?;
            world.git_done(&["add", "staged.txt"])?;
            world.write("README.md", "# A project that somebody types at\n")?;
        }
        let hooks = world.top().join(".git/hooks");
        if hooks.exists() {
            fs::remove_dir_all(hooks)?;
        }
        // A copy is younger than the newest commit, as if somebody were typing its message.
        fs::remove_file(world.top().join(".git/COMMIT_EDITMSG"))?;
        Ok(template)
    }

    /// A path beside the places of this template.
    #[must_use]
    pub fn beside(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn world(&self, name: &str) -> World {
        World {
            root: self.beside(name),
            program: self.program.clone(),
            scenario: self.scenario,
        }
    }

    /// A fresh copy at a place that is the same for each case of a worker.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub fn case(&self, worker: usize) -> io::Result<World> {
        self.copy_of(&self.beside("template"), worker)
    }

    /// A copy of a tree that a case has left.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub fn copy_of(&self, tree: &Path, worker: usize) -> io::Result<World> {
        let world = self.empty(worker)?;
        copy_tree(tree, &world.root)?;
        Ok(world)
    }

    /// A place that does not exist yet.
    ///
    /// # Errors
    /// When the one before it cannot be removed.
    pub fn empty(&self, worker: usize) -> io::Result<World> {
        let world = self.world(&format!("worker-{worker}"));
        if world.root.exists() {
            fs::remove_dir_all(&world.root)?;
        }
        Ok(world)
    }
}

/// Where one case takes place.
#[derive(Debug)]
pub struct World {
    /// The directory of its repository, its home and its temporary files.
    pub root: PathBuf,
    program: PathBuf,
    /// The command, and what comes before it.
    pub scenario: &'static Scenario,
}

impl World {
    /// The top of the work tree.
    #[must_use]
    pub fn top(&self) -> PathBuf {
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
    #[must_use]
    pub fn tracer(&self) -> Tracer {
        let tracer = Tracer::new(&self.program)
            .arguments(self.scenario.command)
            .directory(&self.top());
        self.environment()
            .into_iter()
            .fold(tracer, |tracer, (name, value)| tracer.env(name, value))
    }

    fn output(&self, program: &Path, arguments: &[&str]) -> io::Result<Output> {
        Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(self.environment())
            .current_dir(self.top())
            .stdin(Stdio::null())
            .output()
    }

    /// Runs the program undisturbed.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(&self, arguments: &[&str]) -> io::Result<Output> {
        self.output(&self.program, arguments)
    }

    /// Runs the program, which has to succeed.
    ///
    /// # Errors
    /// When it does not.
    pub fn done(&self, arguments: &[&str]) -> io::Result<()> {
        succeeded(arguments, &self.run(arguments)?)
    }

    fn git_done(&self, arguments: &[&str]) -> io::Result<()> {
        succeeded(arguments, &self.git_output(arguments)?)
    }

    /// By its path a program is started without a copy of this process first, which for a test that
    /// holds many disks in memory is most of the work.
    fn git_output(&self, arguments: &[&str]) -> io::Result<Output> {
        let git = Path::new("git");
        let found = on_path(git, &self.top());
        self.output(found.as_deref().unwrap_or(git), arguments)
    }

    /// Writes a file of the work tree, with its directories.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, relative: &str, text: impl AsRef<[u8]>) -> io::Result<()> {
        let path = self.top().join(relative);
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(path, text)
    }

    /// Reads a file of the work tree.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, relative: &str) -> io::Result<String> {
        fs::read_to_string(self.top().join(relative))
    }

    /// Commits everything in the work tree, as a person would.
    ///
    /// # Errors
    /// When git fails.
    pub fn commit(&self, message: &str) -> io::Result<()> {
        self.git_done(&["add", "--all"])?;
        self.git_done(&["commit", "--quiet", "--message", message])
    }

    /// What git says about the place, or the error of a git that fails.
    fn git(&self, arguments: &[&str]) -> String {
        let output = match self.git_output(arguments) {
            Ok(output) => output,
            Err(error) => return error.to_string(),
        };
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        // Ids of blobs differ with the times in them.
        let lines = said.lines().filter(|line| !line.starts_with("index "));
        let text = lines.collect::<Vec<_>>().join("\n");
        format!("{}\n{}", output.status, steady(&text))
    }

    /// The history, and what is in hand: everything that git would show a person.
    #[must_use]
    pub fn history(&self) -> BTreeMap<&'static str, String> {
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
    #[must_use]
    pub fn locks(&self) -> Vec<PathBuf> {
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
    #[must_use]
    pub fn projections(&self) -> BTreeMap<&'static str, Option<String>> {
        let read = |path: &&'static str| {
            let bytes = fs::read(self.top().join(path)).ok();
            let text = bytes.map(|bytes| steady(&String::from_utf8_lossy(&bytes)));
            (*path, text)
        };
        self.scenario.projections.iter().map(read).collect()
    }

    /// Every file of the place with its bytes, but for what SQLite keeps.
    #[must_use]
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
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
    #[must_use]
    pub fn look(&self) -> String {
        self.look_with(&self.stored())
    }

    /// The same, when it is known what the store holds.
    pub(super) fn look_with(&self, stored: &io::Result<Stored>) -> String {
        let mut look = format!("{stored:?}\n");
        for (path, bytes) in self.files() {
            let text = String::from_utf8_lossy(&bytes);
            look += &steady(&path.to_string_lossy());
            // A lock is known by the names that it has, and a file is left alone by its mode.
            if let Ok(facts) = fs::symlink_metadata(self.root.join(&path)) {
                look.extend([format!(" {:o} {}\n", facts.mode(), facts.nlink())]);
            }
            // What is remembered of the plan file has its times, which differ from run to run.
            if !path.starts_with("work/.git/airboss/plans") {
                look += &steady(&text);
            }
        }
        look
    }

    /// The database, once there is one.
    #[must_use]
    pub fn store(&self) -> Option<PathBuf> {
        let mut found = None;
        walk(&self.top().join(".git/airboss"), &mut |path| {
            if path.ends_with("state.db") {
                found = Some(path.to_owned());
            }
        });
        found
    }

    /// What the store holds. It is looked at in a copy: opening it would repair it.
    ///
    /// # Errors
    /// When there is none, or it is no database.
    pub fn stored(&self) -> io::Result<Stored> {
        let store = self.store();
        let store = store.ok_or_else(|| io::Error::other("there is no store"))?;
        let copy = self.root.with_extension("store");
        fs::create_dir_all(&copy)?;
        for suffix in ["", "-wal"] {
            let name = format!("state.db{suffix}");
            let (from, to) = (store.with_file_name(&name), copy.join(&name));
            if from.exists() {
                fs::copy(from, to)?;
            }
        }
        let stored = Stored::read(&copy.join("state.db"));
        fs::remove_dir_all(&copy)?;
        stored
    }
}

fn succeeded(arguments: &[&str], output: &Output) -> io::Result<()> {
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let words = format!("`{}` failed: {}", arguments.join(" "), said.trim());
    Err(io::Error::other(words))
}

/// Copies a tree. Names of one file stay names of one file: that is how a lock is known. Files stay
/// as old as they are, or the program would wait in each case to see whether they are still written.
fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    copy_into(from, to, &mut HashMap::new())
}

fn copy_into(from: &Path, to: &Path, linked: &mut HashMap<u64, PathBuf>) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let facts = entry.metadata()?;
        if facts.is_dir() {
            copy_into(&entry.path(), &target, linked)?;
        } else if let Some(known) = linked.get(&facts.ino()) {
            fs::hard_link(known, target)?;
        } else {
            fs::copy(entry.path(), &target)?;
            fs::File::open(&target)?
                .file()
                .set_modified(facts.modified()?)?;
            if facts.nlink() > 1 {
                linked.insert(facts.ino(), target);
            }
        }
    }
    Ok(())
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
