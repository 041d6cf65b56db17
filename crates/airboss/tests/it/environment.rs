//! A hermetic place to run the program in: its own home, its own repository, no inherited
//! variables, and outputs that are the same every time.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use fs_err as fs;

/// A temporary directory with a git repository and a home beside it.
#[derive(Debug)]
pub(crate) struct TestEnvironment {
    directory: tempfile::TempDir,
    program: PathBuf,
    variables: Vec<(String, String)>,
}

impl TestEnvironment {
    /// An environment with a repository that has one commit. `program` is the program under
    /// test, `env!("CARGO_BIN_EXE_airboss")` in its own tests.
    ///
    /// # Panics
    /// When the directory cannot be made or git does not run.
    #[must_use]
    pub(crate) fn new(program: &str) -> Self {
        let environment = Self::without_git(program);
        environment.git(&["init", "--quiet", "--initial-branch=main"]);
        environment.git(&["commit", "--quiet", "--allow-empty", "--message=Begin"]);
        environment
    }

    /// An environment without a repository.
    ///
    /// # Panics
    /// When the directory cannot be made.
    #[must_use]
    pub(crate) fn without_git(program: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        for name in ["work", "home"] {
            fs::create_dir(directory.path().join(name)).expect("a directory can be made");
        }
        Self {
            directory,
            program: PathBuf::from(program),
            variables: Vec::new(),
        }
    }

    /// The top of the work tree.
    #[must_use]
    pub(crate) fn top(&self) -> PathBuf {
        // Temporary directories are reached through a link on some systems.
        let top = self.directory.path().join("work");
        fs::canonicalize(&top).unwrap_or(top)
    }

    /// The home directory.
    #[must_use]
    pub(crate) fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    /// Sets a variable for every later run.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Writes a file of the work tree.
    ///
    /// # Panics
    /// When it cannot be written.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.top().join(path);
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).expect("a directory can be made");
        }
        fs::write(path, content).expect("a file can be written");
    }

    /// Reads a file of the work tree.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.top().join(path)).expect("the file can be read")
    }

    /// Runs the program and tells standard output, standard error and the exit code, with what
    /// differs from run to run replaced by its kind.
    ///
    /// # Panics
    /// When the program cannot be started.
    #[must_use]
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> String {
        self.run_with(arguments, b"")
    }

    /// As [`TestEnvironment::run`], with this on standard input.
    ///
    /// # Panics
    /// When the program cannot be started.
    #[must_use]
    pub(crate) fn run_with<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        input: &[u8],
    ) -> String {
        let mut child = self.start(arguments);
        if let Some(mut pipe) = child.stdin.take() {
            // A program that does not read its input may close it.
            pipe.write_all(input).ok();
        }
        let output = child.wait_with_output().expect("the program ends");
        self.shown(&output)
    }

    /// Starts the program with all its streams as pipes.
    ///
    /// # Panics
    /// When the program cannot be started.
    pub(crate) fn start<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Child {
        let mut command = self.command(&self.program);
        command.args(arguments);
        command.spawn().expect("the program starts")
    }

    /// Runs git in the work tree and returns its output.
    ///
    /// # Panics
    /// When git fails.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = self
            .command(Path::new("git"))
            .args(arguments)
            .output()
            .expect("git runs");
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let home = self.home();
        command
            .current_dir(self.top())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_STATE_HOME", home.join("state"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for role in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{role}_NAME"), "Test")
                .env(format!("GIT_{role}_EMAIL"), "test@example.org")
                .env(format!("GIT_{role}_DATE"), "2026-03-02T09:15:00Z");
        }
        command
    }

    fn shown(&self, output: &Output) -> String {
        let mut text = String::new();
        for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            let stream = self.filtered(&String::from_utf8_lossy(bytes));
            if !stream.is_empty() {
                text = format!("{text}--- {name}\n{}\n", stream.trim_end());
            }
        }
        let exit = match output.status.code() {
            Some(code) => code.to_string(),
            None => output.status.to_string(),
        };
        format!("{text}--- exit {exit}")
    }

    /// Replaces what differs from run to run.
    #[must_use]
    pub(crate) fn filtered(&self, text: &str) -> String {
        let top = self.top();
        let text = text.replace(&*top.to_string_lossy(), "[TOP]");
        let home = self.home();
        let text = text.replace(&*home.to_string_lossy(), "[HOME]");
        filter(&text)
    }
}

/// Replaces instants, ids and hashes by their kind.
fn filter(text: &str) -> String {
    let mut filtered = String::with_capacity(text.len());
    let mut rest = text;
    let mut boundary = true;
    while let Some(character) = rest.chars().next() {
        let found = boundary.then(|| kind(rest)).flatten();
        if let Some((length, word)) = found {
            filtered.push_str(word);
            rest = &rest[length..];
            boundary = false;
            continue;
        }
        filtered.push(character);
        boundary = !character.is_ascii_alphanumeric();
        rest = &rest[character.len_utf8()..];
    }
    filtered
}

fn kind(text: &str) -> Option<(usize, &'static str)> {
    if matches(text, "0000-00-00T00:00:00.000Z") {
        return Some((24, "[TIME]"));
    }
    if matches(text, "0000-00-00T00:00:00Z") {
        return Some((20, "[TIME]"));
    }
    if matches(text, "run-0000000000000") {
        return Some((17, "run-[MS]"));
    }
    let digits = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    match text.bytes().take_while(digits).count() {
        64 => Some((64, "[HASH]")),
        32 => Some((32, "[ID]")),
        40 => Some((40, "[COMMIT]")),
        _ => None,
    }
}

/// Whether the text begins like the pattern, in which `0` is any digit.
fn matches(text: &str, pattern: &str) -> bool {
    let text = text.as_bytes();
    text.len() >= pattern.len()
        && pattern
            .bytes()
            .zip(text)
            .all(|(wanted, found)| match wanted {
                b'0' => found.is_ascii_digit(),
                _ => wanted == *found,
            })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_replaced() {
        let id = "0".repeat(32);
        let hash = "a".repeat(64);
        let text =
            format!("at 2026-03-02T09:15:00.000Z {id} run-1772442900000 \"{hash}\" 1.1 cafe");
        assert_eq!(filter(&text), "at [TIME] [ID] run-[MS] \"[HASH]\" 1.1 cafe");
    }
}
