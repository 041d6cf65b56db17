//! A hermetic place to run the program in: own home, own repository, scrubbed variables.
//!
//! Everything lies in one temporary directory, which also marks every process that was
//! started in it: [`TestEnvironment::processes_left`] finds them by it. Failures of the
//! environment itself are panics, so that a test is one line per thing that it does.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

/// A command that takes longer hangs: the slowest flight of the suite takes a tenth of it.
const RUN_MAX: Duration = Duration::from_secs(120);
/// How often is looked whether something has come about.
const POLL: Duration = Duration::from_millis(10);
/// Short limits, so that a test of a limit takes a moment. Everything else is the default.
const QUICK: &str = r#"
[limits]
idle = "1s"
interrupt_grace = "300ms"
terminate_grace = "300ms"
backoff = "100ms"
parking = "200ms"
"#;

/// A temporary directory with a home and a work tree, and the program to run there.
#[derive(Debug)]
pub struct TestEnvironment {
    root: tempfile::TempDir,
    /// The same without symbolic links, as programs report it.
    real_root: PathBuf,
    airboss: PathBuf,
    outputs: AtomicU32,
}

impl TestEnvironment {
    /// An environment with a git repository of one commit. `airboss` is
    /// `env!("CARGO_BIN_EXE_airboss")`.
    #[must_use]
    pub fn new(airboss: impl Into<PathBuf>) -> Self {
        let environment = Self::without_git(airboss);
        environment.git(["init", "--quiet", "--initial-branch=main"]);
        environment.git(["config", "user.name", "Test Person"]);
        environment.git(["config", "user.email", "person@localhost"]);
        environment.git(["config", "commit.gpgsign", "false"]);
        environment.write("README.md", "# A project\n");
        environment.commit("a project begins");
        environment
    }

    /// An environment whose work tree is a plain directory.
    #[must_use]
    pub fn without_git(airboss: impl Into<PathBuf>) -> Self {
        let root = tempfile::Builder::new()
            .prefix("airboss-test-")
            .tempdir()
            .expect("a temporary directory can be made");
        let real_root = fs_err::canonicalize(root.path()).expect("it was just made");
        for name in ["work", "home", "config/airboss", "tmp", "output"] {
            fs_err::create_dir_all(real_root.join(name)).expect("a fresh directory is writable");
        }
        let environment = Self {
            root,
            real_root,
            airboss: airboss.into(),
            outputs: AtomicU32::new(0),
        };
        environment.config("");
        environment
    }

    /// The top of the work tree.
    #[must_use]
    pub fn top(&self) -> PathBuf {
        self.real_root.join("work")
    }

    /// A place outside the work tree that is gone with the environment.
    #[must_use]
    pub fn outside(&self, name: &str) -> PathBuf {
        self.real_root.join(name)
    }

    /// A path in the work tree.
    #[must_use]
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.top().join(relative)
    }

    /// Writes a file of the work tree, with its directories.
    pub fn write(&self, relative: &str, content: impl AsRef<[u8]>) {
        let path = self.path(relative);
        if let Some(directory) = path.parent() {
            fs_err::create_dir_all(directory).expect("the directories can be made");
        }
        fs_err::write(path, content).expect("the file can be written");
    }

    /// Reads a file of the work tree.
    #[must_use]
    #[track_caller]
    pub fn read(&self, relative: &str) -> String {
        let bytes = fs_err::read(self.path(relative)).expect("the file is there");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Stages and commits everything in the work tree, as a person would.
    pub fn commit(&self, message: &str) {
        self.git(["add", "--all"]);
        self.git(["commit", "--quiet", "--allow-empty", "--message", message]);
    }

    /// Writes a plan and, under git, commits it.
    pub fn plan(&self, relative: &str, text: impl AsRef<[u8]>) {
        self.write(relative, text);
        if self.path(".git").exists() {
            self.git(["add", "--", relative]);
            self.git(["commit", "--quiet", "--message", "a plan", "--", relative]);
        }
    }

    /// The script that the scripted agents of [`Self::config`] play; it lies outside the tree.
    pub fn script(&self, text: &str) {
        fs_err::write(self.script_file(), text).expect("the script can be written");
    }

    fn script_file(&self) -> PathBuf {
        self.real_root.join("script.toml")
    }

    /// The person's own configuration, which needs no trust: short limits, the agents `plain`,
    /// `claude` and `codex` (the scripted agent in each format; `plain` flies), and `more`.
    ///
    /// A `[limits]` or `[run]` in `more` replaces that of the environment.
    pub fn config(&self, more: &str) {
        let mut text = String::new();
        if !more.contains("[run]") {
            text.push_str("[run]\nagent = \"plain\"\n");
        }
        if !more.contains("[limits]") {
            text.push_str(QUICK);
        }
        for format in ["plain", "claude", "codex"] {
            let script = self.script_file();
            text.push_str(
                &[
                    "\n[agents.",
                    format,
                    "]\nbackend = \"scripted\"\narguments = [\"--script\", '",
                    &script.to_string_lossy(),
                    "', \"--speak\", \"",
                    format,
                    "\"]\n",
                ]
                .concat(),
            );
        }
        text.push_str(more);
        self.raw_config(&text);
    }

    /// The person's own configuration, byte for byte.
    pub fn raw_config(&self, text: &str) {
        let path = self.real_root.join("config/airboss/config.toml");
        fs_err::write(path, text).expect("the configuration can be written");
    }

    /// A command of the program in this environment.
    #[must_use]
    pub fn command<I>(&self, arguments: I) -> Invocation<'_>
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        let mut command = self.bare(&self.airboss);
        command.args(arguments);
        Invocation {
            environment: self,
            command,
        }
    }

    /// A command of another program in this environment.
    #[must_use]
    pub fn program<I>(&self, program: impl AsRef<OsStr>, arguments: I) -> Invocation<'_>
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        let mut command = self.bare(program);
        command.args(arguments);
        Invocation {
            environment: self,
            command,
        }
    }

    /// The program that is tested.
    #[must_use]
    pub fn airboss(&self) -> &Path {
        &self.airboss
    }

    /// Runs the program to its end.
    #[track_caller]
    pub fn run<I>(&self, arguments: I) -> Output
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        self.command(arguments).run()
    }

    /// Starts the program in the background.
    #[must_use]
    pub fn start<I>(&self, arguments: I) -> Running
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        self.command(arguments).start()
    }

    /// Runs git in the work tree; its standard output without the last line break.
    #[track_caller]
    pub fn git<I>(&self, arguments: I) -> String
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        let output = self.try_git(arguments);
        assert!(output.status.success(), "git failed: {output}");
        output.stdout.trim_end_matches('\n').to_owned()
    }

    /// Checks that the work tree and the index are as the last commit has them.
    ///
    /// # Panics
    ///
    /// With what differs, the newest commits and the store's log, since a race
    /// that left a difference behind cannot be asked for it later.
    #[track_caller]
    pub fn assert_tree_clean(&self) {
        let status = self.git(["status", "--porcelain"]);
        assert!(
            status.is_empty(),
            "the work tree is not clean:\n{status}\n{}\n{}\n{}",
            self.git(["diff", "HEAD"]),
            self.git(["log", "-30", "--format=%h %ct %s"]),
            self.run(["log"]),
        );
    }

    /// Runs git in the work tree, whatever comes of it.
    pub fn try_git<I>(&self, arguments: I) -> Output
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        let output = self
            .bare("git")
            .args(arguments)
            .output()
            .expect("git is installed");
        Output {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            status: output.status,
        }
    }

    /// A program with nothing of the caller's environment but `PATH`.
    fn bare(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        let inside = |name: &str| self.real_root.join(name);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", inside("home"))
            .env("TMPDIR", inside("tmp"))
            .env("XDG_CONFIG_HOME", inside("config"))
            .env("XDG_STATE_HOME", inside("home/state"))
            .env("XDG_DATA_HOME", inside("home/data"))
            .env("XDG_CACHE_HOME", inside("home/cache"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            // A repository above the temporary directory is none of the test's business.
            .env("GIT_CEILING_DIRECTORIES", &self.real_root)
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .env("NO_COLOR", "1")
            .current_dir(self.top())
            .stdin(Stdio::null());
        command
    }

    /// Every file of the work tree outside `.git` with its bytes; links by their target.
    #[must_use]
    pub fn tree(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let top = self.top();
        walk(&top, &top, &mut files);
        files
    }

    /// The whole state that a refused command must not change: the tree, git's index and refs,
    /// and whether Airboss has a directory of its own.
    #[must_use]
    pub fn state(&self) -> BTreeMap<String, Vec<u8>> {
        let mut state = self.tree();
        if self.path(".git").is_dir() {
            for arguments in [
                &["ls-files", "--stage"][..],
                &["for-each-ref"],
                &["rev-parse", "HEAD"],
            ] {
                let told = self.try_git(arguments);
                state.insert(
                    format!("git {}", arguments.join(" ")),
                    told.stdout.into_bytes(),
                );
            }
        }
        state
    }

    /// The processes of this environment that still run: those that have its directory in
    /// their environment or work in it. Each is described by its id and command line.
    #[must_use]
    pub fn processes_left(&self) -> Vec<String> {
        self.processes()
            .into_iter()
            .map(|(pid, line)| format!("{pid} {line}"))
            .collect()
    }

    fn processes(&self) -> Vec<(i32, String)> {
        let marker = self.real_root.as_os_str().as_encoded_bytes();
        let own = std::process::id();
        let mut found = Vec::new();
        for entry in fs_err::read_dir("/proc").into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
                continue;
            };
            if pid.unsigned_abs() == own {
                continue;
            }
            let proc = entry.path();
            // A process that ends meanwhile, or is somebody else's, cannot be read.
            let variables = fs_err::read(proc.join("environ")).unwrap_or_default();
            let works_in = fs_err::read_link(proc.join("cwd"))
                .is_ok_and(|directory| directory.starts_with(&self.real_root));
            let marked = variables
                .windows(marker.len())
                .any(|window| window == marker);
            if marked || works_in {
                let line = fs_err::read(proc.join("cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&line).replace('\0', " ");
                found.push((pid, line.trim_end().to_owned()));
            }
        }
        found
    }

    /// Fails when a process is left after a moment: the last supervisor may be on its way out.
    #[track_caller]
    pub fn assert_no_process_left(&self) {
        let quiet = eventually(Duration::from_secs(10), || self.processes().is_empty());
        assert!(quiet, "processes are left: {:#?}", self.processes_left());
    }

    /// Settings for snapshots of this environment's output: paths, times, ids and durations
    /// are replaced by words.
    #[must_use]
    pub fn settings(&self) -> insta::Settings {
        let mut settings = insta::Settings::clone_current();
        let root = self.real_root.to_string_lossy();
        let root = root.replace('.', "\\.");
        settings.add_filter(&format!("{root}/work"), "[WORK]");
        settings.add_filter(&root, "[ROOT]");
        for (pattern, word) in FILTERS {
            settings.add_filter(pattern, *word);
        }
        settings
    }
}

/// What differs from run to run, the longest patterns first.
const FILTERS: &[(&str, &str)] = &[
    (
        r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
        "[UUID]",
    ),
    (r"\b[0-9a-f]{64}\b", "[HASH]"),
    (r"\b[0-9a-f]{32}\b", "[ID]"),
    (r"\brun-\d{13}\b", "run-[MS]"),
    (r"\berr_\d{13}\b", "err_[MS]"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[TIME]"),
    (r"\b20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\b", "[TIME]"),
    (r"\b\d\d:\d\d:\d\d\b", "[TIME]"),
    (r"\b(commit +\S+ )[0-9a-f]{9}\b", "${1}[COMMIT]"),
    (r"\b[0-9a-f]{40}\b", "[COMMIT]"),
    (r"\b[0-9a-f]{12}\b", "[ID]"),
    (r"\b[0-9a-f]{9}\b", "[COMMIT]"),
    (r"-20\d{6}\.md\b", "-[DAY].md"),
    (r"\bprocess \d+", "process [PID]"),
    (
        r"\b(\d+h\d\dm|\d+m\d\ds|\d+\.\ds|\d\ds|\d+ days)\b",
        "[DURATION]",
    ),
];

impl Drop for TestEnvironment {
    fn drop(&mut self) {
        // A failed test leaves no process behind either.
        for (pid, _) in self.processes() {
            if let Some(pid) = Pid::from_raw(pid) {
                kill_process(pid, Signal::KILL).ok();
            }
        }
        // What a test made read-only could not be removed.
        make_writable(self.root.path());
    }
}

/// A command of the program, not yet run.
#[derive(Debug)]
pub struct Invocation<'environment> {
    environment: &'environment TestEnvironment,
    command: Command,
}

impl Invocation<'_> {
    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Removes a variable of its environment.
    #[must_use]
    pub fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Gives it this on standard input.
    #[must_use]
    pub fn input(mut self, bytes: &[u8]) -> Self {
        let number = self.environment.outputs.fetch_add(1, Ordering::Relaxed);
        let name = format!("output/{number}.stdin");
        let path = self.environment.real_root.join(name);
        fs_err::write(&path, bytes).expect("the input file can be made");
        let file = File::open(&path).expect("the input file can be read");
        self.command.stdin(file);
        self
    }

    /// Runs it in another directory than the work tree's top.
    #[must_use]
    pub fn current_dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(self) -> Output {
        self.start().wait()
    }

    /// Starts it on a terminal of its own.
    #[must_use]
    pub fn on_terminal(self) -> crate::Terminal {
        crate::Terminal::start(self.command)
    }

    /// Starts it. Its output goes to files, so that nothing has to read it meanwhile.
    #[must_use]
    pub fn start(mut self) -> Running {
        let number = self.environment.outputs.fetch_add(1, Ordering::Relaxed);
        let place = |stream: &str| {
            self.environment
                .real_root
                .join("output")
                .join(format!("{number}.{stream}"))
        };
        let (stdout, stderr) = (place("stdout"), place("stderr"));
        let open = |path: &Path| File::create(path).expect("the output file can be made");
        self.command.stdout(open(&stdout)).stderr(open(&stderr));
        let child = self.command.spawn().expect("the program can be started");
        Running {
            child,
            stdout,
            stderr,
        }
    }
}

/// The program in the background; dropping it kills it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Running {
    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal; one that has ended already gets none.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            kill_process(pid, signal).ok();
        }
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_none())
    }

    /// What it has printed to standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        read_lossy(&self.stderr)
    }

    /// What it has printed to standard output so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        read_lossy(&self.stdout)
    }

    /// Waits until its standard error holds a text.
    #[track_caller]
    pub fn await_stderr(&mut self, text: &str) {
        let mut ended = false;
        let seen = eventually(RUN_MAX, || {
            let seen = self.stderr().contains(text);
            ended = !seen && !self.is_running();
            seen || ended
        });
        assert!(
            seen && self.stderr().contains(text),
            "`{text}` was never printed:\n{}",
            self.stderr()
        );
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(mut self) -> Output {
        let mut status = None;
        eventually(RUN_MAX, || {
            status = self.child.try_wait().expect("a child can be waited for");
            status.is_some()
        });
        let Some(status) = status else {
            panic!("it does not end:\n{}", self.stderr());
        };
        Output {
            stdout: read_lossy(&self.stdout),
            stderr: read_lossy(&self.stderr),
            status,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended cannot be killed, which is as well.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What a command printed and how it ended; shown as a snapshot by `{}`.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// How it ended.
    pub status: ExitStatus,
}

impl Output {
    /// Its exit code; 128 and the signal when it was killed, as shells have it.
    #[must_use]
    pub fn code(&self) -> i32 {
        let signal = self.status.signal().unwrap_or_default();
        self.status.code().unwrap_or(128 + signal)
    }

    /// Fails, with all that was printed, unless it ended with this exit code.
    #[track_caller]
    pub fn expect_code(&self, code: i32) -> &Self {
        assert_eq!(self.code(), code, "{self}");
        self
    }

    /// Asserts that a line of standard output holds a text, where all of it is another each time.
    #[track_caller]
    pub fn shows(&self, text: &str) {
        let found = self.stdout.lines().any(|line| line.contains(text));
        assert!(found, "{text:?} is not in:\n{self}");
    }

    /// The lines of standard error that hold a text.
    #[must_use]
    pub fn told(&self, text: &str) -> Vec<&str> {
        self.stderr
            .lines()
            .filter(|line| line.contains(text))
            .collect()
    }
}

impl fmt::Display for Output {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "exit code: {}", self.code())?;
        writeln!(formatter, "----- stdout -----\n{}", self.stdout.trim_end())?;
        write!(formatter, "----- stderr -----\n{}", self.stderr.trim_end())
    }
}

/// Compares a command's output with an inline snapshot, times, ids and paths replaced.
///
/// ```ignore
/// assert_output!(environment, environment.run(["status"]), @"…");
/// ```
#[macro_export]
macro_rules! assert_output {
    ($environment:expr, $output:expr, @$snapshot:literal) => {{
        let output = $output;
        $environment
            .settings()
            .bind(|| insta::assert_snapshot!(output.to_string(), @$snapshot));
    }};
}

/// The names that differ between two states, for messages that can be read.
#[must_use]
pub fn differing(
    before: &BTreeMap<String, Vec<u8>>,
    after: &BTreeMap<String, Vec<u8>>,
) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .cloned()
        .collect()
}

/// Waits until something holds, at most so long; whether it does.
pub fn eventually(most: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    loop {
        if holds() {
            return true;
        }
        if begin.elapsed() > most {
            return false;
        }
        thread::sleep(POLL);
    }
}

fn read_lossy(path: &Path) -> String {
    let bytes = fs_err::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn walk(top: &Path, directory: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs_err::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = path.strip_prefix(top).unwrap_or(&path);
        let name = name.to_string_lossy().into_owned();
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if name == ".git" {
            continue;
        }
        if kind.is_dir() {
            walk(top, &path, files);
        } else if kind.is_symlink() {
            let target = fs_err::read_link(&path).unwrap_or_default();
            files.insert(name, target.into_os_string().into_encoded_bytes());
        } else {
            files.insert(name, fs_err::read(&path).unwrap_or_default());
        }
    }
}

fn make_writable(directory: &Path) {
    let Ok(metadata) = fs_err::symlink_metadata(directory) else {
        return;
    };
    if !metadata.is_dir() {
        return;
    }
    if metadata.permissions().mode() & 0o700 != 0o700 {
        let open = std::fs::Permissions::from_mode(0o700);
        fs_err::set_permissions(directory, open).ok();
    }
    for entry in fs_err::read_dir(directory).into_iter().flatten().flatten() {
        make_writable(&entry.path());
    }
}
