//! What a program leaves behind when it is killed, its calls fail or the power
//! goes at any of its system calls.
//!
//! [`Tracer`] runs one program with everything that it starts under ptrace and counts the system
//! calls of the whole tree. At the call that the [`Mode`] names it kills the tree, cuts a write
//! short, lets the call fail, or holds everything still. [`Recording`] replays the changes that a
//! traced program made to a directory tree and yields the disks that a power cut could leave.
//!
//! A [`Lie`] makes a program of it that is wrong on purpose.
//!
//! A case counts only when its fault was seen to fire: [`Outcome::fired`] says so, and a sweep
//! goes on until a run ends without it.
//!
//! ptrace is asked for by safe code only, on Linux on `x86_64`. Elsewhere, and where it is
//! refused, [`unavailable`] says why, and a suite prints that line and returns.

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod call;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod disk;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod filter;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod lie;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod record;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod session;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod tracer;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub use self::{
    call::{Call, Kind},
    disk::{Image, Recording},
    lie::Lie,
    tracer::{Counted, Ended, Errno, Held, Mode, Outcome, Paused, TraceError, Tracer},
};

/// Why nothing can be traced here, in words; `None` when it can.
#[must_use]
pub fn refusal() -> Option<String> {
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    {
        let probe = Tracer::new("/bin/sh")
            .arguments(["-c", ":"])
            .run(Mode::Baseline);
        probe.err().map(|error| error.to_string())
    }
    #[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
    {
        Some("it needs Linux on x86_64".to_owned())
    }
}

/// The same as the line that a suite prints which is left out.
#[must_use]
pub fn unavailable() -> Option<String> {
    refusal().map(|reason| format!("fault injection is left out: {reason}"))
}
