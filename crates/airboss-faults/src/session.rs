//! One traced run: the loop that stops at every system call of the tree.
//!
//! It runs on a thread of its own, because ptrace belongs to threads and a wait for any child
//! must meet nobody else's.

use std::collections::{BTreeSet, HashMap};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};

use nix::errno::Errno as SystemError;
use nix::libc;
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::call::{Call, Entered, Kind};
use crate::filter::Stops;
use crate::lie::{Asked, Lie};
use crate::record::{Begun, Recorder};
use crate::tracer::{Counted, Ended, Mode, TraceError};

/// The threads of the tree; shared with whoever ends it when its time is over.
pub(crate) type Live = Arc<Mutex<BTreeSet<i32>>>;

/// No call has this number, so that nothing is done.
const NO_CALL: u64 = u64::MAX;

/// What happens when the call that was entered returns.
enum AtExit {
    Nothing,
    KillAll,
    Fail(i32),
    Record(Begun),
    Lied(Lie),
}

/// What somebody who held a tree decides about it.
pub(crate) enum Verdict {
    Resume,
    Kill,
}

/// The way to somebody who wants to hold the tree.
pub(crate) struct Holder {
    pub(crate) held: Sender<Call>,
    pub(crate) verdict: Receiver<Verdict>,
}

pub(crate) struct Session {
    leader: Pid,
    mode: Mode,
    counted: Counted,
    stops: Stops,
    live: Live,
    at_exit: HashMap<Pid, AtExit>,
    /// Whether the program itself runs, and not the shell that it was started by.
    started: bool,
    dying: bool,
    holder: Option<Holder>,
    pub(crate) recorder: Option<Recorder>,
    /// What of the calls of this kind is counted; all of them when nobody says.
    pub(crate) wanted: Option<Asked<bool>>,
    /// Who is asked about each call that is counted.
    pub(crate) liar: Option<Asked<Option<Lie>>>,
    pub(crate) counter: usize,
    pub(crate) hit: Option<Call>,
    pub(crate) calls: Vec<Call>,
    pub(crate) ended: Option<Ended>,
}

impl Session {
    pub(crate) fn new(
        leader: Pid,
        mode: Mode,
        (counted, stops): (Counted, Stops),
        live: Live,
        holder: Option<Holder>,
    ) -> Self {
        Self {
            leader,
            mode,
            counted,
            stops,
            live,
            at_exit: HashMap::new(),
            started: false,
            dying: false,
            holder,
            recorder: None,
            wanted: None,
            liar: None,
            counter: 0,
            hit: None,
            calls: Vec::new(),
            ended: None,
        }
    }

    /// Takes over a shell that stopped itself, and follows it and all that it starts.
    pub(crate) fn run(&mut self) -> Result<(), TraceError> {
        let own = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        self.remember(self.leader);
        // It is not yet this thread's, but its starter's.
        let any = WaitPidFlag::__WALL | WaitPidFlag::WUNTRACED;
        match waitpid(self.leader, Some(any)) {
            Ok(WaitStatus::Stopped(..)) => {}
            // Only somebody who traces it already lets it run on, and that may be seen first.
            Ok(WaitStatus::Exited(..)) => {
                return Err(TraceError::Refused(SystemError::EPERM.to_string()));
            }
            other => return Err(TraceError::NotStarted(format!("{other:?}"))),
        }
        let options = ptrace::Options::PTRACE_O_TRACEFORK
            | ptrace::Options::PTRACE_O_TRACEVFORK
            | ptrace::Options::PTRACE_O_TRACECLONE
            | ptrace::Options::PTRACE_O_TRACEEXEC
            | ptrace::Options::PTRACE_O_TRACESECCOMP
            | ptrace::Options::PTRACE_O_EXITKILL
            | ptrace::Options::PTRACE_O_TRACESYSGOOD;
        if let Err(error) = ptrace::seize(self.leader, options) {
            kill(self.leader, Signal::SIGKILL).ok();
            waitpid(self.leader, Some(own)).ok();
            return Err(TraceError::Refused(error.to_string()));
        }
        kill(self.leader, Signal::SIGCONT).map_err(trace_failed)?;
        loop {
            match waitpid(None, Some(own)) {
                Ok(status) => self.stopped(status)?,
                Err(SystemError::EINTR) => {}
                Err(SystemError::ECHILD) => break,
                Err(error) => return Err(trace_failed(error)),
            }
        }
        if self.started {
            Ok(())
        } else {
            Err(TraceError::NotStarted(format!("{:?}", self.ended)))
        }
    }

    fn stopped(&mut self, status: WaitStatus) -> Result<(), TraceError> {
        match status {
            WaitStatus::Exited(pid, code) => self.gone(pid, Ended::Exited(code)),
            WaitStatus::Signaled(pid, signal, _) => self.gone(pid, Ended::Killed(signal as i32)),
            WaitStatus::PtraceSyscall(pid) => {
                self.remember(pid);
                self.at_call(pid)?;
                self.resume(pid, None);
            }
            WaitStatus::PtraceEvent(pid, _, event) => {
                self.remember(pid);
                // The shell searches no PATH, so that its first success is the program.
                if event == libc::PTRACE_EVENT_EXEC {
                    self.started = true;
                }
                if event == libc::PTRACE_EVENT_SECCOMP && self.started {
                    self.at_call(pid)?;
                }
                self.resume(pid, None);
            }
            WaitStatus::Stopped(pid, signal) => {
                self.remember(pid);
                self.resume(pid, Some(signal));
            }
            WaitStatus::Continued(_) | WaitStatus::StillAlive => {}
        }
        Ok(())
    }

    fn gone(&mut self, pid: Pid, how: Ended) {
        self.live().remove(&pid.as_raw());
        self.at_exit.remove(&pid);
        if pid == self.leader {
            self.ended = Some(how);
        }
    }

    fn remember(&self, pid: Pid) {
        let new = self.live().insert(pid.as_raw());
        if new && self.dying {
            kill(pid, Signal::SIGKILL).ok();
        }
    }

    fn live(&self) -> std::sync::MutexGuard<'_, BTreeSet<i32>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resume(&self, pid: Pid, signal: Option<Signal>) {
        // One that was killed meanwhile cannot be resumed, and its end is reported later.
        let returns = self.at_exit.contains_key(&pid);
        if self.started && (returns || self.stops == Stops::All) {
            ptrace::syscall(pid, signal).ok();
        } else {
            ptrace::cont(pid, signal).ok();
        }
    }

    fn kill_all(&mut self) {
        self.dying = true;
        for pid in self.live().iter() {
            kill(Pid::from_raw(*pid), Signal::SIGKILL).ok();
        }
    }

    fn at_call(&mut self, pid: Pid) -> Result<(), TraceError> {
        let Ok(information) = ptrace::syscall_info(pid) else {
            return Ok(());
        };
        let enters = match self.stops {
            Stops::All => libc::PTRACE_SYSCALL_INFO_ENTRY,
            Stops::Changes => libc::PTRACE_SYSCALL_INFO_SECCOMP,
        };
        if information.op == enters && !self.dying {
            let Ok(registers) = ptrace::getregs(pid) else {
                return Ok(());
            };
            let call = Entered {
                pid,
                leader: self.leader,
                number: registers.orig_rax.cast_signed(),
                arguments: [
                    registers.rdi,
                    registers.rsi,
                    registers.rdx,
                    registers.r10,
                    registers.r8,
                    registers.r9,
                ],
            };
            let next = self.entered(call, registers)?;
            if !matches!(next, AtExit::Nothing) {
                self.at_exit.insert(pid, next);
            }
        } else if information.op == libc::PTRACE_SYSCALL_INFO_EXIT {
            match self.at_exit.remove(&pid) {
                Some(AtExit::KillAll) => self.kill_all(),
                Some(AtExit::Fail(errno)) => answer(pid, -i64::from(errno))?,
                Some(AtExit::Record(begun)) => {
                    let registers = ptrace::getregs(pid).map_err(trace_failed)?;
                    // Errors are negative.
                    if let (Some(recorder), Ok(result)) = (
                        &mut self.recorder,
                        usize::try_from(registers.rax.cast_signed()),
                    ) {
                        recorder.after(begun, result)?;
                    }
                }
                Some(AtExit::Lied(lie)) => {
                    if lie.omitted {
                        answer(pid, 0)?;
                    }
                    if let Some(afterwards) = lie.afterwards {
                        afterwards();
                    }
                }
                Some(AtExit::Nothing) | None => {}
            }
        }
        Ok(())
    }

    /// Whether this call is one of those that the mode counts.
    fn is_counted(&self, call: &Entered) -> bool {
        let reads = || matches!(call.kind(), Kind::Open | Kind::Read) && !call.mutates();
        let is_of_these = match self.counted {
            Counted::All => true,
            Counted::Mutating => call.mutates(),
            Counted::Reading => reads(),
        };
        if !is_of_these {
            return false;
        }
        let counts = match self.mode {
            Mode::ShortThenKill(_) => call.plain_length().is_some_and(|length| length > 1),
            Mode::Errno { errno, .. } => call.may_fail_with(errno.0),
            _ => true,
        };
        let is_wanted = |wanted: &Asked<bool>| wanted.about(&call.describe(self.counter + 1));
        counts && self.wanted.as_ref().is_none_or(is_wanted)
    }

    fn entered(
        &mut self,
        mut call: Entered,
        mut registers: libc::user_regs_struct,
    ) -> Result<AtExit, TraceError> {
        if !self.is_counted(&call) {
            return Ok(AtExit::Nothing);
        }
        self.counter += 1;
        let strikes = self.mode.strikes(self.counter);
        if strikes && self.hit.is_none() {
            self.hit = Some(call.describe(self.counter));
        }
        if strikes && matches!(self.mode, Mode::KillBefore(_)) {
            self.kill_all();
            return Ok(AtExit::Nothing);
        }
        let liar = self.liar.as_ref();
        let lie = liar.and_then(|liar| liar.about(&call.describe(self.counter)));
        if let Some(lie) = &lie {
            distort(lie, &mut call, &mut registers)?;
        }
        if self.mode == Mode::Baseline {
            self.calls.push(call.describe(self.counter));
        }
        if strikes {
            return self.strike(call, registers);
        }
        Ok(match lie {
            Some(lie) if lie.omitted || lie.afterwards.is_some() => AtExit::Lied(lie),
            _ => {
                let recorder = self.recorder.as_ref();
                let begun = recorder.and_then(|recorder| recorder.before(&call));
                begun.map_or(AtExit::Nothing, AtExit::Record)
            }
        })
    }

    fn strike(
        &mut self,
        call: Entered,
        mut registers: libc::user_regs_struct,
    ) -> Result<AtExit, TraceError> {
        match self.mode {
            Mode::Baseline | Mode::KillBefore(_) => {}
            Mode::KillAfter(_) => return Ok(AtExit::KillAll),
            Mode::ShortThenKill(_) => {
                registers.rdx /= 2;
                ptrace::setregs(call.pid, registers).map_err(trace_failed)?;
                return Ok(AtExit::KillAll);
            }
            Mode::Errno { errno, .. } => {
                registers.orig_rax = NO_CALL;
                ptrace::setregs(call.pid, registers).map_err(trace_failed)?;
                return Ok(AtExit::Fail(errno.0));
            }
            Mode::Stop(_) => self.hold(),
        }
        Ok(AtExit::Nothing)
    }

    /// Stands still, and the tree with it, until somebody decides.
    fn hold(&mut self) {
        let (Some(holder), Some(call)) = (&self.holder, &self.hit) else {
            return;
        };
        holder.held.send(call.clone()).ok();
        // Whoever held it and went away does not want it any more.
        if !matches!(holder.verdict.recv(), Ok(Verdict::Resume)) {
            self.kill_all();
        }
    }
}

/// Changes a call into what is to be done instead.
fn distort(
    lie: &Lie,
    call: &mut Entered,
    registers: &mut libc::user_regs_struct,
) -> Result<(), TraceError> {
    if lie.omitted {
        registers.orig_rax = NO_CALL;
    } else if lie.replaces && call.number == libc::SYS_renameat2 {
        registers.r8 = 0;
        call.arguments[4] = 0;
    } else {
        return Ok(());
    }
    ptrace::setregs(call.pid, *registers).map_err(trace_failed)
}

/// Sets what a call that returns has answered.
fn answer(pid: Pid, result: i64) -> Result<(), TraceError> {
    let mut registers = ptrace::getregs(pid).map_err(trace_failed)?;
    registers.rax = result.cast_unsigned();
    ptrace::setregs(pid, registers).map_err(trace_failed)
}

fn trace_failed(error: SystemError) -> TraceError {
    TraceError::Refused(error.to_string())
}
