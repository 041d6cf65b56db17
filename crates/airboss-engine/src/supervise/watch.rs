//! The supervisor's own process: starts the agent, watches it, and ends it.
//!
//! One thread decides and never touches a pipe or the recording, so that neither
//! a flood nor a slow disk can delay a limit. Two read the pipes, one records,
//! one turns signals into messages.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use airboss_core::process::{Exit, ProcessOutcome, StopReason};
use airboss_core::time::Timestamp;
use fs_err as fs;
use rustix::process::{Pid, Signal, kill_process_group};
use rustix::time::{ClockId, clock_gettime};
use signal_hook::consts::{
    SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2,
};
use signal_hook::iterator::Signals;

use super::descent::{Descent, Ended};
use super::proc::{self, Stat, TICK};
use super::read::Stream;
use super::record::{RECORD_BYTES_MAX, Recorder, Tally, seal};
use super::token::{TOKEN_VARIABLE, issue_token};
use super::{ATTEMPT_VARIABLE, Limits, Spec, SuperviseError, files};
use crate::clock;

/// The signal that means: no grace.
pub(super) const KILL_AT_ONCE: Signal = Signal::USR1;

/// The threads here do little; the default of 2 MiB would count against the address space.
const STACK_BYTES: usize = 256 * 1024;

/// So many reads may wait for the disk: half a megabyte.
const PENDING_READS: usize = 8;

/// So many events may wait; none is lost, their senders wait.
const PENDING_EVENTS: usize = 64;

/// The longest sleep: timers of the channel stand still while the machine sleeps, limits do not.
const SLEEP_MAX: Duration = Duration::from_secs(15);

/// After the last process is gone only a pipe's content is left to read, unless a
/// process outside of the attempt was handed the pipe.
const DRAIN_WITHIN: Duration = Duration::from_secs(2);

/// A disk that takes longer than this for half a megabyte is not waited for.
const RECORD_WITHIN: Duration = Duration::from_secs(30);

/// What the deciding thread hears.
enum Event {
    Signal(i32),
    Flood,
    /// The recording is complete.
    Recorded(Tally),
}

/// What the recording thread hears.
enum Output {
    Bytes(Stream, Timestamp, Vec<u8>),
    /// This stream is at its end.
    End,
    /// Whatever else may come, it is late.
    Close,
}

/// Supervises the attempt whose `spec.json` is in `directory`, to its end.
///
/// This is the body of the hidden subcommand that [`super::start`] runs; it takes
/// over the whole process.
///
/// # Errors
/// When the attempt cannot be supervised or its end cannot be written down. The
/// agent is not started, or is ended, in these cases.
pub fn main(directory: &Path) -> Result<(), SuperviseError> {
    let spec: Spec = files::read_json(&directory.join(files::SPEC))?;
    become_supervisor()?;
    let (events, inbox) = sync_channel(PENDING_EVENTS);
    forward_signals(events.clone())?;
    let limits = &spec.limits;
    let recorder = Recorder::create(directory, limits.line_bytes_max, limits.log_bytes_max)?;
    let stdin = standard_input(directory, &spec)?;
    let identity = proc::self_identity()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "/proc is not mounted"))?;
    files::write_json(directory, files::SUPERVISOR, &identity)?;

    // Only the agent ever has it: it is in no file and on no command line.
    let token = spec.reports.then(|| issue_token(directory)).transpose()?;
    let started_at = clock::now();
    let outcome = match start_agent(&spec, token, stdin) {
        Ok((agent, pipes)) => {
            let seen = Seen::default();
            match record(recorder, pipes, limits.flood_bytes_max, &seen, events) {
                Ok(outputs) => {
                    Watch::new(limits, agent, inbox, outputs, seen).run(&spec, started_at)
                }
                Err(error) => {
                    Descent::new(agent).end(thread::sleep);
                    return Err(error);
                }
            }
        }
        Err(exit) => {
            recorder.end(clock::now());
            ProcessOutcome {
                attempt: spec.attempt,
                fence: spec.fence,
                exit,
                stopped: None,
                started_at,
                ended_at: clock::now(),
                leaked: 0,
                survivors: 0,
                lines_cut: 0,
                bytes_dropped: 0,
            }
        }
    };
    if let Err(error) = seal(directory) {
        complain(&error); // The recording stays readable as it is.
    }
    files::write_json(directory, files::OUTCOME, &outcome)
}

/// Own session, adopter of orphans, and not bound to the life of whoever started it.
fn become_supervisor() -> Result<(), SuperviseError> {
    let system = |call| {
        move |error: rustix::io::Errno| SuperviseError::System {
            call,
            source: error.into(),
        }
    };
    rustix::process::setsid().map_err(system("setsid"))?;
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(system("prctl(PR_SET_CHILD_SUBREAPER)"))?;
    rustix::process::set_parent_process_death_signal(None)
        .map_err(system("prctl(PR_SET_PDEATHSIG)"))
}

/// Catches signals rather than ignoring them: what is ignored stays so in the agent, also when
/// it was a shell that had it ignored, as for its background jobs or under `nohup`.
fn forward_signals(events: SyncSender<Event>) -> Result<(), SuperviseError> {
    let mut signals = Signals::new([
        SIGTERM, SIGUSR1, SIGCHLD, SIGINT, SIGHUP, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR2,
    ])?;
    spawn("signals", move || {
        for signal in signals.forever() {
            if events.send(Event::Signal(signal)).is_err() {
                return;
            }
        }
    })
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), SuperviseError> {
    let builder = thread::Builder::new()
        .name(name.to_owned())
        .stack_size(STACK_BYTES);
    // Never joined: a reader may hang on a pipe that somebody else holds.
    drop(builder.spawn(body)?);
    Ok(())
}

/// Says something in `supervisor.log`; there is nowhere else to say it.
fn complain(error: &dyn std::error::Error) {
    writeln!(io::stderr(), "{error}").ok();
}

/// A file, not a pipe: an agent that does not read its input then blocks nobody.
fn standard_input(directory: &Path, spec: &Spec) -> Result<Stdio, SuperviseError> {
    let Some(input) = &spec.input else {
        return Ok(Stdio::null());
    };
    let path = directory.join(files::INPUT);
    files::create_private(&path)?.write_all(input.as_bytes())?;
    Ok(fs::File::open(path)?.into_file().into())
}

/// The reading ends of the agent's two streams.
type Pipes = [(Stream, Box<dyn io::Read + Send>); 2];

fn start_agent(spec: &Spec, token: Option<String>, stdin: Stdio) -> Result<(Pid, Pipes), Exit> {
    let started = Command::new(&spec.program)
        .args(&spec.arguments)
        .env_clear()
        .envs(spec.environment.iter().map(|(name, value)| (name, value)))
        .env(ATTEMPT_VARIABLE, spec.attempt.to_string())
        .envs(token.map(|token| (TOKEN_VARIABLE, token)))
        .current_dir(&spec.working_directory)
        .process_group(0)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let not_started = |error: io::Error| {
        use io::ErrorKind::{NotADirectory, NotFound};
        let missing = matches!(error.kind(), NotFound | NotADirectory);
        let what = if spec.working_directory.is_dir() {
            spec.program.display()
        } else {
            spec.working_directory.display()
        };
        Exit::NotStarted {
            message: format!("{what}: {error}"),
            missing,
        }
    };
    let mut child = started.map_err(not_started)?;
    let pid = Pid::from_child(&child);
    let stdout = child
        .stdout
        .take()
        .expect("the standard output was asked for as a pipe");
    let stderr = child
        .stderr
        .take()
        .expect("the standard error was asked for as a pipe");
    Ok((
        pid,
        [
            (Stream::Stdout, Box::new(stdout)),
            (Stream::Stderr, Box::new(stderr)),
        ],
    ))
}

/// When output was last seen, in milliseconds of [`now`]: all that the reading
/// threads tell the deciding one, so that a flood cannot fill its inbox.
type Seen = Arc<AtomicU64>;

/// Starts the threads that read and record.
fn record(
    mut recorder: Recorder,
    pipes: Pipes,
    flood_bytes_max: u64,
    seen: &Seen,
    events: SyncSender<Event>,
) -> Result<SyncSender<Output>, SuperviseError> {
    let (outputs, inbox) = sync_channel(PENDING_READS);
    seen.store(millis(now()), Ordering::Relaxed);
    for (stream, pipe) in pipes {
        let (outputs, seen) = (outputs.clone(), Arc::clone(seen));
        spawn("pipe", move || read_pipe(stream, pipe, &outputs, &seen))?;
    }
    spawn("recorder", move || {
        let mut open = 2;
        let mut flooded = false;
        for output in inbox {
            match output {
                Output::Bytes(stream, at, bytes) => recorder.push(stream, at, &bytes),
                Output::End => open -= 1,
                Output::Close => open = 0,
            }
            if let Some(error) = recorder.take_failure() {
                complain(&error);
            }
            if recorder.tally().received > flood_bytes_max && !flooded {
                flooded = true;
                events.send(Event::Flood).ok(); // Without a listener the process is ending.
            }
            if open == 0 {
                break;
            }
        }
        events
            .send(Event::Recorded(recorder.end(clock::now())))
            .ok();
    })?;
    Ok(outputs)
}

fn read_pipe(
    stream: Stream,
    mut pipe: Box<dyn io::Read + Send>,
    outputs: &SyncSender<Output>,
    seen: &AtomicU64,
) {
    let mut buffer = vec![0; RECORD_BYTES_MAX];
    loop {
        let output = match pipe.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => Output::Bytes(stream, clock::now(), buffer[..length].to_vec()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                complain(&error);
                break;
            }
        };
        seen.store(millis(now()), Ordering::Relaxed);
        if outputs.send(output).is_err() {
            return;
        }
    }
    outputs.send(Output::End).ok(); // Without a recorder nobody waits for it.
}

/// The time since the boot, also of the time that the machine slept.
fn now() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// How far the ending of the agent has come.
#[derive(Clone, Copy)]
enum Stage {
    Running,
    /// SIGINT was sent.
    Interrupted {
        until: Duration,
    },
    /// SIGTERM was sent.
    Terminated {
        until: Duration,
    },
    /// SIGKILL was sent.
    Killed,
}

/// The deciding thread.
struct Watch<'a> {
    limits: &'a Limits,
    agent: Pid,
    descent: Descent,
    inbox: Receiver<Event>,
    outputs: SyncSender<Output>,
    seen: Seen,
    deadline: Duration,
    idle: Idle,
    stage: Stage,
    stopped: Option<StopReason>,
    requests: u32,
    recorded: Option<Tally>,
}

impl<'a> Watch<'a> {
    fn new(
        limits: &'a Limits,
        agent: Pid,
        inbox: Receiver<Event>,
        outputs: SyncSender<Output>,
        seen: Seen,
    ) -> Self {
        Self {
            limits,
            agent,
            descent: Descent::new(agent),
            inbox,
            outputs,
            seen,
            deadline: now().saturating_add(limits.deadline),
            idle: Idle::new(limits.idle, now()),
            stage: Stage::Running,
            stopped: None,
            requests: 0,
            recorded: None,
        }
    }

    fn run(mut self, spec: &Spec, started_at: Timestamp) -> ProcessOutcome {
        loop {
            self.descent.reap();
            if self.descent.status.is_some() || matches!(self.stage, Stage::Killed) {
                break;
            }
            let wait = self.tick(now());
            self.hear(wait);
        }
        let Ended { leaked, survivors } = self.end_descent();
        let ended_at = clock::now();
        let tally = self.finish_recording();
        ProcessOutcome {
            attempt: spec.attempt,
            fence: spec.fence,
            exit: self.exit(),
            stopped: self.stopped,
            started_at,
            ended_at,
            leaked,
            survivors,
            lines_cut: tally.lines_cut,
            bytes_dropped: tally.bytes_dropped,
        }
    }

    /// Does what is due and returns how long nothing will be.
    fn tick(&mut self, now: Duration) -> Duration {
        let next = match self.stage {
            Stage::Running => {
                if let Some(reason) = self.exceeded(now) {
                    self.stop(reason);
                    return Duration::ZERO;
                }
                self.deadline.min(self.idle.next_check)
            }
            Stage::Interrupted { until } if now >= until => {
                self.signal(Signal::TERM);
                let until = now.saturating_add(self.limits.terminate_grace);
                self.stage = Stage::Terminated { until };
                until
            }
            Stage::Terminated { until } if now >= until => {
                self.kill();
                now
            }
            Stage::Interrupted { until } | Stage::Terminated { until } => until,
            Stage::Killed => now,
        };
        next.saturating_sub(now).min(SLEEP_MAX)
    }

    fn exceeded(&mut self, now: Duration) -> Option<StopReason> {
        if now >= self.deadline {
            return Some(StopReason::Deadline);
        }
        let seen = Duration::from_millis(self.seen.load(Ordering::Relaxed));
        if !self.idle.is_over(now, seen, || self.descent.ticks()) {
            return None;
        }
        let pid = u32::try_from(self.agent.as_raw_pid()).ok()?;
        let frozen = Stat::read(pid).is_some_and(|stat| stat.is_stopped());
        Some(if frozen {
            StopReason::Frozen
        } else {
            StopReason::Idle
        })
    }

    /// Waits for one event and acts on it.
    fn hear(&mut self, wait: Duration) {
        match self.inbox.recv_timeout(wait) {
            Ok(Event::Signal(SIGTERM)) => {
                self.requests += 1;
                if self.requests > 1 {
                    self.kill();
                } else {
                    self.stop(StopReason::Requested);
                }
            }
            Ok(Event::Signal(SIGUSR1)) => {
                self.stopped.get_or_insert(StopReason::Requested);
                self.kill();
            }
            // SIGCHLD only wakes; the others are a terminal's, which is none of ours.
            Ok(Event::Signal(_)) | Err(RecvTimeoutError::Timeout) => {}
            Ok(Event::Flood) => self.stop(StopReason::Flood),
            Ok(Event::Recorded(tally)) => self.recorded = Some(tally),
            // The signal thread never ends; were it gone, the limits still hold.
            Err(RecvTimeoutError::Disconnected) => thread::sleep(wait),
        }
    }

    /// Begins the ladder, unless it has begun.
    fn stop(&mut self, reason: StopReason) {
        if matches!(self.stage, Stage::Running) {
            self.stopped = Some(reason);
            self.signal(Signal::INT);
            let until = now().saturating_add(self.limits.interrupt_grace);
            self.stage = Stage::Interrupted { until };
        }
    }

    fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.stage = Stage::Killed;
    }

    /// Signals the agent's process group, which still is its own: the agent has not been reaped.
    fn signal(&self, signal: Signal) {
        if self.descent.status.is_none() {
            kill_process_group(self.agent, signal).ok(); // The group may have ended just now.
            if signal != Signal::KILL {
                // What is stopped hears only when it continues.
                kill_process_group(self.agent, Signal::CONT).ok();
            }
        }
    }

    fn end_descent(&mut self) -> Ended {
        let (inbox, recorded) = (&self.inbox, &mut self.recorded);
        self.descent.end(|pause| match inbox.recv_timeout(pause) {
            Ok(Event::Recorded(tally)) => *recorded = Some(tally),
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => thread::sleep(pause),
        })
    }

    /// Waits for the rest of the output, but for nobody who holds a pipe from outside.
    fn finish_recording(&mut self) -> Tally {
        self.await_recording(DRAIN_WITHIN);
        if self.recorded.is_none() {
            self.outputs.send(Output::Close).ok(); // It may have ended just now.
            self.await_recording(RECORD_WITHIN);
        }
        self.recorded.unwrap_or_else(|| {
            complain(&io::Error::other("the recording could not be completed"));
            Tally::default()
        })
    }

    fn await_recording(&mut self, within: Duration) {
        let until = now() + within;
        while self.recorded.is_none() && now() < until {
            match self.inbox.recv_timeout(until.saturating_sub(now())) {
                Ok(Event::Recorded(tally)) => self.recorded = Some(tally),
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }

    fn exit(&self) -> Exit {
        let status = self.descent.status;
        match (
            status.and_then(|status| status.exit_status()),
            status.and_then(|status| status.terminating_signal()),
        ) {
            (Some(code), _) => Exit::Code { code },
            (None, Some(signal)) => Exit::Signal { signal },
            (None, None) => Exit::Unknown,
        }
    }
}

/// Decides when an agent is idle: neither output nor work for the limit.
struct Idle {
    limit: Duration,
    interval: Duration,
    /// When it last spoke, or had worked enough to count as busy.
    since: Duration,
    next_check: Duration,
    /// The processor time used by then.
    base: Option<u64>,
}

impl Idle {
    /// Less than a fiftieth of one processor is a runtime's own timers, not work: an agent that
    /// waits for an answer used up to 1 % over minutes, and 3 % for seconds on a busy machine.
    const WORK_SHARE: u32 = 50;

    fn new(limit: Duration, now: Duration) -> Self {
        // Four looks within the limit keep it exact to a quarter of it, or 15 s.
        let interval = (limit / 4).clamp(Duration::from_millis(10), SLEEP_MAX);
        Self {
            limit,
            interval,
            since: now,
            next_check: now + interval,
            base: None,
        }
    }

    /// `ticks` walks through all processes, so it is asked for only in silence.
    fn is_over(&mut self, now: Duration, seen: Duration, ticks: impl FnOnce() -> u64) -> bool {
        if now < self.next_check {
            return false;
        }
        self.next_check = now + self.interval;
        if seen > self.since {
            self.since = seen;
            self.base = None;
            return false;
        }
        let used = ticks();
        let before = *self.base.get_or_insert(used);
        // Fewer than before: a process ended unseen, which is activity as well.
        let worked = TICK * u32::try_from(used.abs_diff(before)).unwrap_or(u32::MAX);
        // Over the whole silence and not from look to look, or every blip would be work.
        if worked >= TICK.max(self.limit / Self::WORK_SHARE) {
            self.since = now;
            self.base = Some(used);
        }
        now.saturating_sub(self.since) >= self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When a silent agent that uses so many ticks a second is idle by a limit of half an
    /// hour; `None` when it is not within three hours.
    fn idle_after(ticks: fn(u64) -> u64) -> Option<u64> {
        let mut idle = Idle::new(Duration::from_secs(1800), Duration::ZERO);
        (0..3 * 3600).find(|second| {
            let now = Duration::from_secs(*second);
            idle.is_over(now, Duration::ZERO, || ticks(*second))
        })
    }

    #[test]
    fn an_agents_own_timers_are_no_work() {
        assert_eq!(idle_after(|_| 0), Some(1800));
        // One processor percent, in blips of ten seconds.
        assert_eq!(idle_after(|second| second / 10 * 10), Some(1800));
        // A start, then such silence.
        let start = |second: u64| (second * 40).min(60_000) + second / 2;
        assert!(idle_after(start).is_some_and(|end| (3200..=3450).contains(&end)));
    }

    #[test]
    fn a_slow_tool_is_work() {
        assert_eq!(idle_after(|second| second * 4), None);
        // A minute of work each twenty minutes.
        assert_eq!(idle_after(|second| second / 1200 * 6000), None);
    }
}
