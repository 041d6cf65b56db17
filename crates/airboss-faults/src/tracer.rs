//! Running one program under faults: what to run, what to do to it, what came of it.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::call::Call;
use crate::disk::Recording;
use crate::filter::{Stops, filter, refused};
use crate::lie::{Asked, Lie};
use crate::record::Recorder;
use crate::session::{Holder, Live, Session, Verdict};

/// Far longer than any command takes under ptrace on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// The shell stops itself, so that it can be taken over before the program begins.
const STARTER: &str = "kill -STOP $$; exec \"$0\" \"$@\"";

/// An error number of the kernel, with its name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Errno(pub(crate) i32);

impl Errno {
    /// No space left on the device.
    pub const ENOSPC: Self = Self(libc::ENOSPC);
    /// Input or output error.
    pub const EIO: Self = Self(libc::EIO);
    /// Permission denied.
    pub const EACCES: Self = Self(libc::EACCES);
    /// Read-only file system.
    pub const EROFS: Self = Self(libc::EROFS);
    /// Quota exceeded.
    pub const EDQUOT: Self = Self(libc::EDQUOT);
    /// Too many open files.
    pub const EMFILE: Self = Self(libc::EMFILE);
    /// Interrupted by a signal.
    pub const EINTR: Self = Self(libc::EINTR);
    /// Stale file handle.
    pub const ESTALE: Self = Self(libc::ESTALE);

    /// All of the above.
    pub const ALL: [Self; 8] = [
        Self::ENOSPC,
        Self::EIO,
        Self::EACCES,
        Self::EROFS,
        Self::EDQUOT,
        Self::EMFILE,
        Self::EINTR,
        Self::ESTALE,
    ];
}

impl std::fmt::Display for Errno {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:?}", nix::errno::Errno::from_raw(self.0))
    }
}

/// Which system calls are counted, over all processes of the tree together. What comes before
/// the program's own `exec` never is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counted {
    /// Every one.
    All,
    /// Those that can change a file, make a change durable, or take a lock.
    Mutating,
    /// Those that open a file to read it, and those that read.
    Reading,
}

/// The fault. Numbers count from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// None; the calls are listed.
    Baseline,
    /// The whole tree is killed instead of this call.
    KillBefore(usize),
    /// The whole tree is killed when this call returns.
    KillAfter(usize),
    /// Of the data of this write (only plain writes of two bytes or more are counted) half is
    /// written, then the tree is killed.
    ShortThenKill(usize),
    /// This call is not carried out and fails. Only calls that may fail so are counted, and
    /// never a write to standard output or error: the disk fails, and not the caller.
    Errno {
        /// The call.
        at: usize,
        /// Its error.
        errno: Errno,
        /// Whether every call after it fails, too.
        lasting: bool,
    },
    /// The tree stands still before this call; see [`Tracer::hold`].
    Stop(usize),
}

impl Mode {
    /// Whether the fault strikes at the call with this number.
    pub(crate) fn strikes(self, number: usize) -> bool {
        match self {
            Self::Baseline => false,
            Self::KillBefore(at)
            | Self::KillAfter(at)
            | Self::ShortThenKill(at)
            | Self::Stop(at)
            | Self::Errno {
                at, lasting: false, ..
            } => number == at,
            Self::Errno {
                at, lasting: true, ..
            } => number >= at,
        }
    }
}

/// How the program ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// With this exit code.
    Exited(i32),
    /// By this signal.
    Killed(i32),
    /// It was killed because its time was over.
    Late,
}

impl Ended {
    /// The exit code, when there is one.
    #[must_use]
    pub fn code(self) -> Option<i32> {
        match self {
            Self::Exited(code) => Some(code),
            Self::Killed(_) | Self::Late => None,
        }
    }
}

/// What came of a run. Nothing of its tree is alive.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Whether the fault struck. A case in which it did not proves nothing.
    pub fired: bool,
    /// The call that it struck first.
    pub hit: Option<Call>,
    /// How the program ended.
    pub ended: Ended,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// How many calls were counted.
    pub calls: usize,
    /// The calls themselves, in a [`Mode::Baseline`].
    pub list: Vec<Call>,
}

/// Why a program could not be traced at all.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The kernel or a sandbox refuses it.
    #[error("ptrace is refused: {0}")]
    Refused(String),
    /// The program never began.
    #[error("the program does not start: {0}")]
    NotStarted(String),
    /// Its output files or the shell before it cannot be made.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A program to be run under faults, any number of times.
#[derive(Clone, Debug)]
pub struct Tracer {
    program: PathBuf,
    arguments: Vec<OsString>,
    directory: PathBuf,
    environment: Vec<(OsString, OsString)>,
    counted: Counted,
    wanted: Option<Asked<bool>>,
    liar: Option<Asked<Option<Lie>>>,
    deadline: Duration,
}

impl Tracer {
    /// A program by its path: nothing is searched for. It gets no environment.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            directory: PathBuf::from("/"),
            environment: Vec::new(),
            counted: Counted::Mutating,
            wanted: None,
            liar: None,
            deadline: DEADLINE,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn arguments<I>(mut self, arguments: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        let arguments = arguments.into_iter();
        self.arguments
            .extend(arguments.map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets the directory that it runs in.
    #[must_use]
    pub fn directory(mut self, directory: &Path) -> Self {
        directory.clone_into(&mut self.directory);
        self
    }

    /// Sets one variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.into(), value.as_ref().into()));
        self
    }

    /// Sets which calls are counted; only mutating ones unless said otherwise.
    #[must_use]
    pub fn counted(mut self, counted: Counted) -> Self {
        self.counted = counted;
        self
    }

    /// Counts only calls that concern something beneath this directory.
    #[must_use]
    pub fn beneath(self, directory: &Path) -> Self {
        let directory = directory.to_owned();
        self.only(move |call| call.is_beneath(&directory))
    }

    /// Counts only those of these calls that are wanted, so that a number says the same on a
    /// busy machine, where a program waits for itself and makes other calls in between.
    #[must_use]
    pub fn only(mut self, is_wanted: impl Fn(&Call) -> bool + Send + Sync + 'static) -> Self {
        self.wanted = Some(Asked::new(is_wanted));
        self
    }

    /// Has somebody asked before every counted call whether it is to be carried out as asked.
    /// Whoever is asked may do something of his own first.
    #[must_use]
    pub fn lying(mut self, decide: impl Fn(&Call) -> Option<Lie> + Send + Sync + 'static) -> Self {
        self.liar = Some(Asked::new(decide));
        self
    }

    /// Sets how long it may take, from its start to the end of the last of its processes.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// When it cannot be traced or started.
    pub fn run(&self, mode: Mode) -> Result<Outcome, TraceError> {
        // A thread of its own, so that a wait for any child meets no other's.
        let traced = thread::scope(|scope| {
            let thread = scope.spawn(|| self.trace(mode, None, None));
            thread.join()
        });
        let (outcome, _) = traced.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok(outcome)
    }

    /// Runs it undisturbed, and takes down what it does beneath a directory. Processes must not
    /// change the same file at the same time, and a memory map is not seen.
    ///
    /// # Errors
    /// When it cannot be traced or started, or the directory cannot be read.
    pub fn record(&self, root: &Path) -> Result<(Outcome, Recording), TraceError> {
        let recorder = Recorder::new(root)?;
        let traced = thread::scope(|scope| {
            let thread = scope.spawn(|| self.trace(Mode::Baseline, None, Some(recorder)));
            thread.join()
        });
        match traced.unwrap_or_else(|panic| std::panic::resume_unwind(panic))? {
            (outcome, Some(recorder)) => Ok((outcome, Recording::new(recorder))),
            (_, None) => Err(TraceError::NotStarted("nothing was recorded".to_owned())),
        }
    }

    /// Runs it until its `n`-th counted call, and holds it there.
    ///
    /// # Errors
    /// When it cannot be traced or started.
    pub fn hold(&self, n: usize) -> Result<Paused, TraceError> {
        let (held, is_held) = mpsc::channel();
        let (decide, verdict) = mpsc::channel();
        let tracer = self.clone();
        let holder = Holder { held, verdict };
        let thread = thread::spawn(move || {
            let (outcome, _) = tracer.trace(Mode::Stop(n), Some(holder), None)?;
            Ok(outcome)
        });
        match is_held.recv() {
            Ok(call) => Ok(Paused::Held(Held {
                call,
                decide,
                thread,
            })),
            // The sender is gone, and so is the program.
            Err(_) => joined(thread).map(Paused::Ended),
        }
    }

    /// Where the tree has to be stopped so that no call is missed that counts.
    fn stops(&self) -> Stops {
        match self.counted {
            Counted::Mutating => Stops::Changes,
            // The program is not yet followed when its starter opens files to read them, and a
            // call that a filter holds fails where nobody follows.
            Counted::All | Counted::Reading => Stops::All,
        }
    }

    /// Starts the shell that stops itself. A filter holds for the thread that asks for it and
    /// for all that it starts, so that it is asked for on a thread that does nothing else.
    fn start(&self, stops: Stops, stdout: &File, stderr: &File) -> Result<Pid, TraceError> {
        let filter = filter(stops)?;
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", STARTER])
            .arg(&self.program)
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(stdout.try_clone()?)
            .stderr(stderr.try_clone()?);
        let started = thread::scope(|scope| {
            let thread = scope.spawn(|| {
                if let Some(filter) = filter {
                    seccompiler::apply_filter(&filter).map_err(refused)?;
                }
                command.spawn().map_err(TraceError::from)
            });
            thread.join()
        });
        let child = started.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok(Pid::from_raw(child.id().cast_signed()))
    }

    fn trace(
        &self,
        mode: Mode,
        holder: Option<Holder>,
        recorder: Option<Recorder>,
    ) -> Result<(Outcome, Option<Recorder>), TraceError> {
        let (stdout, stderr) = (output_file()?, output_file()?);
        let stops = self.stops();
        let leader = self.start(stops, &stdout, &stderr)?;
        let live: Live = Arc::new(Mutex::new(BTreeSet::from([leader.as_raw()])));
        let watchdog = Watchdog::start(Arc::clone(&live), self.deadline);
        let mut session = Session::new(leader, mode, (self.counted, stops), live, holder);
        session.recorder = recorder;
        session.wanted.clone_from(&self.wanted);
        session.liar.clone_from(&self.liar);
        let traced = session.run();
        let late = watchdog.stop();
        traced?;
        let outcome = Outcome {
            fired: session.hit.is_some(),
            hit: session.hit,
            ended: match session.ended {
                Some(ended) if !late => ended,
                _ => Ended::Late,
            },
            stdout: read_back(stdout)?,
            stderr: read_back(stderr)?,
            calls: session.counter,
            list: session.calls,
        };
        Ok((outcome, session.recorder))
    }
}

/// What became of a run that was to be held.
#[derive(Debug)]
pub enum Paused {
    /// It stands before the call.
    Held(Held),
    /// It ended before.
    Ended(Outcome),
}

/// A tree that stands still, with its files open and its locks held. Dropping it kills it.
#[derive(Debug)]
pub struct Held {
    /// The call that it stands before.
    pub call: Call,
    decide: Sender<Verdict>,
    thread: JoinHandle<Result<Outcome, TraceError>>,
}

impl Held {
    /// Lets it run on to its end.
    ///
    /// # Errors
    /// When tracing fails.
    pub fn resume(self) -> Result<Outcome, TraceError> {
        self.decide.send(Verdict::Resume).ok();
        joined(self.thread)
    }

    /// Kills it where it stands.
    ///
    /// # Errors
    /// When tracing fails.
    pub fn kill(self) -> Result<Outcome, TraceError> {
        self.decide.send(Verdict::Kill).ok();
        joined(self.thread)
    }
}

fn joined(thread: JoinHandle<Result<Outcome, TraceError>>) -> Result<Outcome, TraceError> {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Ends a tree whose time is over.
struct Watchdog {
    done: Sender<()>,
    thread: JoinHandle<bool>,
}

impl Watchdog {
    fn start(live: Live, deadline: Duration) -> Self {
        /// Whoever was started while the others were killed is met at the next look.
        const LOOK: Duration = Duration::from_millis(20);
        let (done, is_done) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            let mut late = false;
            let mut patience = deadline;
            while let Err(RecvTimeoutError::Timeout) = is_done.recv_timeout(patience) {
                late = true;
                patience = LOOK;
                for pid in live.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                    kill(Pid::from_raw(*pid), Signal::SIGKILL).ok();
                }
            }
            late
        });
        Self { done, thread }
    }

    /// Whether it had to end anything.
    fn stop(self) -> bool {
        drop(self.done);
        self.thread.join().unwrap_or(true)
    }
}

/// A nameless file, in memory where there is one: nobody has to read it while it is written.
fn output_file() -> io::Result<File> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempfile_in(memory)
    } else {
        tempfile::tempfile()
    }
}

fn read_back(mut file: File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests;
