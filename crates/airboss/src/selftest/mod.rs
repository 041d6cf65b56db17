//! The program under faults on a real file system: what `selftest --crash` and the sweeps of the
//! tests share.
//!
//! A [`Scenario`] is one command and what comes before it; a [`Template`] is a temporary
//! repository in which it is prepared; a [`World`] is a copy of it, in which one fault strikes;
//! the [`Judge`] knows how the place looks before and after the command, and says what is wrong
//! with what a fault left. The program is only ever run as a process, and its store only read.

pub mod board;
pub mod crash;
pub mod judge;
pub mod offers;
pub mod scenario;
pub mod stored;
pub mod world;

use std::io;

use airboss_faults::{Counted, Mode, Outcome};

pub use self::judge::{INVARIANTS, Judge};
pub use self::scenario::Scenario;
pub use self::world::{Template, World};

/// What one case says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Case {
    /// Whether its fault struck.
    pub fired: bool,
    /// What is wrong, in sentences that name the fault.
    pub wrongs: Vec<String>,
}

/// Lets a fault strike at a call that changes something, and judges what it leaves.
///
/// # Errors
/// When the program cannot be traced.
pub fn strike(world: &World, judge: &Judge, mode: Mode) -> io::Result<Case> {
    let tracer = world.tracer().counted(Counted::Mutating);
    let outcome = tracer.run(mode).map_err(io::Error::other)?;
    Ok(judged(world, judge, &outcome))
}

/// Judges what a run left.
#[must_use]
pub fn judged(world: &World, judge: &Judge, outcome: &Outcome) -> Case {
    let hit = outcome.hit.as_ref().map(ToString::to_string);
    let hit = hit.unwrap_or_else(|| "no fault".to_owned());
    let wrongs = judge.wrongs(world, Some(outcome)).into_iter();
    Case {
        fired: outcome.fired,
        wrongs: wrongs.map(|wrong| format!("{hit}: {wrong}")).collect(),
    }
}
