//! Running the git program: a fixed environment, no shell, a time limit.
//!
//! Every child gets an argument array, none of the caller's `GIT_*` variables, no
//! hooks, no file system monitor and no pager. It is asked to end (SIGTERM) at the
//! limit, so that it removes its own lock files, and killed only if it does not.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::error::GitError;

/// The longest any git child may run. Status of a large, cold work tree takes seconds;
/// two minutes mean that the disk or a filter hangs.
const LIMIT: Duration = Duration::from_secs(120);
/// How long a child may take to remove its locks after SIGTERM.
const GRACE: Duration = Duration::from_secs(5);
/// A status of a million paths is about 100 MB; more is a mistake, not a work tree.
const OUTPUT_BYTES_MAX: u64 = 256 << 20;
/// Error messages are for one line in a report.
const STDERR_BYTES_MAX: u64 = 4 << 10;

/// What a git child printed and how it ended.
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

/// One call of the git program.
pub(crate) struct Git<'a> {
    directory: &'a Path,
    arguments: Vec<&'a OsStr>,
    variables: Vec<(&'a str, &'a OsStr)>,
    stdin: &'a [u8],
}

impl<'a> Git<'a> {
    /// A call in `directory`; `arguments` start with the subcommand.
    pub(crate) fn new(directory: &'a Path, arguments: &[&'a str]) -> Self {
        let arguments = arguments
            .iter()
            .map(|argument| OsStr::new(*argument))
            .collect();
        Self {
            directory,
            arguments,
            variables: Vec::new(),
            stdin: b"",
        }
    }

    pub(crate) fn argument(mut self, argument: &'a OsStr) -> Self {
        self.arguments.push(argument);
        self
    }

    pub(crate) fn variable(mut self, name: &'a str, value: &'a OsStr) -> Self {
        self.variables.push((name, value));
        self
    }

    pub(crate) const fn stdin(mut self, bytes: &'a [u8]) -> Self {
        self.stdin = bytes;
        self
    }

    /// Runs it; a status other than 0 is an error.
    pub(crate) fn run(self) -> Result<Vec<u8>, GitError> {
        let command = self.subcommand();
        let output = self.output()?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let status = output.status.to_string();
        Err(GitError::Program {
            command,
            status,
            stderr: output.stderr.trim().to_owned(),
        })
    }

    /// Runs it and returns whatever status it ended with.
    pub(crate) fn output(self) -> Result<Output, GitError> {
        let child = self.command().spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound if self.directory.exists() => GitError::ProgramMissing,
            _ => GitError::Io(error),
        })?;
        collect(child, self.stdin, &self.subcommand())
    }

    fn subcommand(&self) -> String {
        self.arguments
            .first()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    }

    fn command(&self) -> Command {
        let mut command = Command::new("git");
        command.current_dir(self.directory);
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"GIT_") {
                command.env_remove(name);
            }
        }
        command
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .args(["--no-pager", "--literal-pathspecs"])
            .args(["-c", "core.hooksPath=/dev/null"])
            .args(["-c", "core.fsmonitor=false"])
            .args(["-c", "protocol.ext.allow=never"])
            .args(&self.arguments)
            .envs(self.variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

fn collect(mut child: Child, stdin: &[u8], command: &str) -> Result<Output, GitError> {
    let deadline = Instant::now() + LIMIT;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut input), Some(output), Some(errors)) = pipes else {
        return Err(GitError::Io(io::Error::other("the child has no pipes")));
    };
    thread::scope(|scope| {
        // A child that ends early closes its input; what counts then is its status.
        let writer = scope.spawn(move || drop(input.write_all(stdin)));
        let output = scope.spawn(move || read_bounded(output, OUTPUT_BYTES_MAX));
        let errors = scope.spawn(move || read_bounded(errors, STDERR_BYTES_MAX));
        let finished = || writer.is_finished() && output.is_finished() && errors.is_finished();
        let status = wait(&mut child, deadline, finished)?;
        drop(writer.join());
        let (output, errors) = (output.join(), errors.join());
        let Some(status) = status else {
            return Err(GitError::Timeout {
                command: command.to_owned(),
                limit: LIMIT,
            });
        };
        let (stdout, whole) = output.unwrap_or_default();
        if !whole {
            let what = format!("more than {OUTPUT_BYTES_MAX} bytes");
            return Err(GitError::Output {
                command: command.to_owned(),
                what,
            });
        }
        let stderr = String::from_utf8_lossy(&errors.unwrap_or_default().0).into_owned();
        Ok(Output {
            status,
            stdout,
            stderr,
        })
    })
}

/// Keeps the first `limit` bytes and reads the rest away, so that the child never blocks.
fn read_bounded(mut source: impl Read, limit: u64) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    // An error while reading shows as a short output, which the parsers refuse.
    drop(source.by_ref().take(limit).read_to_end(&mut bytes));
    let rest = io::copy(&mut source, &mut io::sink()).unwrap_or_default();
    (bytes, rest == 0)
}

/// Waits for the end; `None` when the child had to be stopped.
fn wait(
    child: &mut Child,
    deadline: Instant,
    finished: impl Fn() -> bool,
) -> Result<Option<ExitStatus>, GitError> {
    let mut pause = Duration::from_micros(200);
    let mut stop_at = None;
    loop {
        // The pipes end just before the process does, so blocking is safe once they have.
        if finished() {
            let status = child.wait()?;
            return Ok(stop_at.is_none().then_some(status));
        }
        let now = Instant::now();
        match stop_at {
            None if now > deadline => {
                terminate(child);
                stop_at = Some(now + GRACE);
            }
            Some(kill_at) if now > kill_at => {
                child.kill()?;
                child.wait()?;
                return Ok(None);
            }
            _ => {}
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(5));
    }
}

fn terminate(child: &Child) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended in this instant, which is what is wanted.
        let _already_gone = kill_process(pid, Signal::TERM);
    }
}
