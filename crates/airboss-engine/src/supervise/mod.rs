//! One small supervisor process per attempt: it starts the agent, records what
//! the agent says, enforces the limits, and sees to it that nothing is left.
//!
//! The supervisor is a hidden subcommand of this program, in a session of its
//! own, so that it outlives a killed caller. It is the subreaper of everything
//! the agent starts: whatever double-forks or leaves the process group still
//! ends up as the supervisor's child and is found. All that caller and
//! supervisor say to each other are files in the attempt's directory and
//! signals; either may be killed at any time. What only remains if the
//! supervisor itself is killed, [`sweep`] finds by its environment.
//!
//! This module reports facts (an exit, a recording); it judges nothing.
//!
//! | file | written by | what |
//! |---|---|---|
//! | `spec.json` | caller | what to run |
//! | `supervisor.json` | supervisor | its identity, once it can be signalled |
//! | `supervisor.log` | supervisor | its own complaints, normally empty |
//! | `input` | supervisor | what the agent reads on its standard input |
//! | `token` | supervisor | the hash of the token with which the agent reports |
//! | `stream.N.rec`, then `stream.zst` | supervisor | the recording |
//! | `outcome.json` | supervisor | the end, its last act |

mod descent;
mod files;
mod proc;
mod read;
mod record;
mod token;
mod watch;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use airboss_core::id::AttemptId;
use airboss_core::process::{ProcessIdentity, ProcessOutcome};
use fs_err as fs;
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::descent::{Swept, sweep};
pub(crate) use self::proc::boot_id;
pub use self::proc::{identity_of, is_alive, self_identity, vitality};
pub use self::read::{Reader, RecordedLine, Stream};
#[cfg(test)]
pub(crate) use self::record::Recorder;
pub use self::record::seal;
pub use self::token::{TOKEN_VARIABLE, fits_token, issue_token};
pub use self::watch::main;

/// The variable by which every process of an attempt can be found again.
pub const ATTEMPT_VARIABLE: &str = "AIRBOSS_ATTEMPT";

/// A supervisor reports within milliseconds; ten seconds is a machine in trouble.
const REPORT_WITHIN: Duration = Duration::from_secs(10);

/// How often [`start`] looks for the report.
const REPORT_POLL: Duration = Duration::from_millis(2);

/// What to run, and under which limits.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Spec {
    /// The attempt; also given to the agent as `AIRBOSS_ATTEMPT`.
    pub attempt: AttemptId,
    /// The fencing token that the outcome carries back.
    pub fence: u64,
    /// The agent's program; a bare name is looked up in the `PATH` of `environment`.
    pub program: PathBuf,
    /// Its arguments, without the program's name.
    pub arguments: Vec<String>,
    /// Its whole environment: nothing is inherited.
    pub environment: Vec<(String, String)>,
    /// Where it runs.
    pub working_directory: PathBuf,
    /// What it reads on its standard input; `None` is `/dev/null`.
    pub input: Option<String>,
    /// Whether it is given a token with which it may report, in [`TOKEN_VARIABLE`].
    #[serde(default)]
    pub reports: bool,
    /// When it is stopped, and how much of it is kept.
    pub limits: Limits,
}

/// The bounds of one attempt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// The whole time it may take, counted while the machine sleeps, too.
    pub deadline: Duration,
    /// How long it may neither say anything nor use the processor.
    pub idle: Duration,
    /// Between SIGINT and SIGTERM.
    pub interrupt_grace: Duration,
    /// Between SIGTERM and SIGKILL.
    pub terminate_grace: Duration,
    /// A longer line is cut to this many bytes.
    pub line_bytes_max: usize,
    /// The recording's size on disk; beyond it the middle is dropped. At least 1 MiB is used.
    pub log_bytes_max: u64,
    /// An agent that says more than this is stopped.
    pub flood_bytes_max: u64,
}

impl Default for Limits {
    /// Long enough for an agent that runs a whole test suite; short enough for one night.
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(2 * 60 * 60),
            idle: Duration::from_secs(30 * 60),
            interrupt_grace: Duration::from_secs(10),
            terminate_grace: Duration::from_secs(10),
            line_bytes_max: 1 << 20,
            log_bytes_max: 64 << 20,
            flood_bytes_max: 1 << 30,
        }
    }
}

/// Why an attempt could not be started, supervised or read.
#[derive(Debug, Error)]
pub enum SuperviseError {
    /// A file could not be read or written; the text names it.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A file of the attempt's directory does not hold what it should.
    #[error("{}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        source: serde_json::Error,
    },
    /// The operating system refused a call that supervision rests on.
    #[error("{call}: {source}")]
    System {
        /// The call.
        call: &'static str,
        /// Its refusal.
        source: io::Error,
    },
    /// An attempt's directory serves one attempt, once.
    #[error("{} already belongs to an attempt; use a fresh directory", .0.display())]
    Used(PathBuf),
    /// The supervisor ended, or said nothing, instead of reporting its identity.
    #[error("the supervisor in {} did not report itself: {reason}", directory.display())]
    NotReady {
        /// The attempt's directory.
        directory: PathBuf,
        /// What is known, with what it wrote to its log.
        reason: String,
    },
}

/// How a running attempt is to be stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// SIGINT, then SIGTERM, then SIGKILL, each after its grace; asked a second time: at once.
    Interrupt,
    /// SIGKILL at once.
    Kill,
}

/// A supervisor that this process has started.
///
/// Dropping it leaves the supervisor running; but as long as this process lives,
/// only [`Handle::try_wait`] removes the zombie that an ended supervisor leaves.
#[derive(Debug)]
pub struct Handle {
    identity: ProcessIdentity,
    child: Child,
}

impl Handle {
    /// Who the supervisor is; enough for any process to watch or stop it.
    #[must_use]
    pub fn identity(&self) -> &ProcessIdentity {
        &self.identity
    }

    /// Whether the supervisor has ended; reaps it if so. Never blocks.
    ///
    /// # Errors
    /// When the operating system cannot tell.
    pub fn try_wait(&mut self) -> io::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }
}

/// Starts the supervisor of an attempt and returns once it can be signalled.
///
/// `airboss` is this program's executable; `directory` is created, and must not
/// have served another attempt.
///
/// # Errors
/// When the directory is used or cannot be written, or the supervisor does not
/// report itself. Nothing of the attempt is left running then.
pub fn start(airboss: &Path, directory: &Path, spec: &Spec) -> Result<Handle, SuperviseError> {
    let directory = std::path::absolute(directory)?;
    fs::create_dir_all(&directory)?;
    if directory.join(files::SPEC).exists() {
        return Err(SuperviseError::Used(directory));
    }
    files::write_json(&directory, files::SPEC, spec)?;
    let log = files::create_private(&directory.join(files::LOG))?;
    let mut child = Command::new(airboss)
        .arg("supervise")
        .arg(&directory)
        // So that it holds nobody else's directory in use.
        .current_dir(&directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log.into_file())
        .spawn()
        .map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", airboss.display())))?;
    match await_report(&mut child, &directory) {
        Ok(identity) => Ok(Handle { identity, child }),
        Err(error) => {
            // It may have ended by itself: then there is nothing to kill.
            child.kill().ok();
            child.wait().ok();
            sweep(spec.attempt);
            Err(error)
        }
    }
}

/// Waits for `supervisor.json`, for the child's end or for [`REPORT_WITHIN`].
fn await_report(child: &mut Child, directory: &Path) -> Result<ProcessIdentity, SuperviseError> {
    let not_ready = |reason: String| {
        let log = fs::read(directory.join(files::LOG)).unwrap_or_default();
        let log = String::from_utf8_lossy(&log).trim().to_owned();
        let directory = directory.to_owned();
        SuperviseError::NotReady {
            directory,
            reason: format!("{reason}\n{log}"),
        }
    };
    let begin = Instant::now();
    loop {
        // Asked before the file is looked at: one that reported and ended is no failure.
        let ended = child.try_wait()?;
        if let Some(identity) = supervisor(directory) {
            return Ok(identity);
        }
        if let Some(status) = ended {
            return Err(not_ready(status.to_string()));
        }
        if begin.elapsed() > REPORT_WITHIN {
            return Err(not_ready(format!(
                "nothing after {} s",
                REPORT_WITHIN.as_secs()
            )));
        }
        thread::sleep(REPORT_POLL);
    }
}

/// The supervisor of the attempt in `directory`, whether it still runs or not.
#[must_use]
pub fn supervisor(directory: &Path) -> Option<ProcessIdentity> {
    files::read_json(&directory.join(files::SUPERVISOR)).ok()
}

/// How the attempt in `directory` ended; `None` while it runs, or when its supervisor was killed.
///
/// The file appears whole or not at all, so one that cannot be read is none of ours.
#[must_use]
pub fn outcome(directory: &Path) -> Option<ProcessOutcome> {
    files::read_json(&directory.join(files::OUTCOME)).ok()
}

/// Asks a supervisor to stop its attempt; `false` when that supervisor is no more.
///
/// # Errors
/// When the operating system refuses the signal.
pub fn request_stop(supervisor: &ProcessIdentity, how: Stop) -> Result<bool, SuperviseError> {
    let refused = |source: rustix::io::Errno| SuperviseError::System {
        call: "pidfd_send_signal",
        source: source.into(),
    };
    let Some(pid) = proc::pid_of(supervisor.pid) else {
        return Ok(false);
    };
    let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => pidfd,
        Err(rustix::io::Errno::SRCH) => return Ok(false),
        Err(error) => return Err(refused(error)),
    };
    // Compared after the pidfd was opened: from here on the pid cannot be another's.
    if !is_alive(supervisor) {
        return Ok(false);
    }
    let signal = match how {
        Stop::Interrupt => Signal::TERM,
        Stop::Kill => watch::KILL_AT_ONCE,
    };
    match pidfd_send_signal(&pidfd, signal) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::SRCH) => Ok(false),
        Err(error) => Err(refused(error)),
    }
}
