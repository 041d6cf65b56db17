//! The program killed, failed and cut off at its system calls, and what it leaves behind.
//!
//! Each sweep goes over one command: for N = 1, 2, 3, … it prepares the same place, strikes at
//! the N-th call, and hands what is left to [`judge`]; it ends when a run ends without the fault
//! striking, so that no call is missed. Ordinary test runs visit a sample of the calls,
//! `AIRBOSS_TEST_FAULTS=push` as many as a change is worth before it is published (some ten
//! thousand cases), and `full` visits all. A violation names the number that repeats it alone:
//! `AIRBOSS_TEST_FAULTS=17`, of a power cut also the mixtures: `AIRBOSS_TEST_MIXES=160`.
//! `AIRBOSS_TEST_COMMANDS="task add,undo"` leaves out all other commands, and `AIRBOSS_TEST_PROGRAM`
//! names another build of the program, whose calls have other numbers: a released one is swept in
//! half the time.
//!
//! Commands, places and judge are those of `airboss selftest --crash`. A new command is one entry in
//! `airboss::selftest::scenario::ALL` and nothing else; see there.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![expect(
    clippy::unwrap_used,
    reason = "a place that cannot be prepared fails the test"
)]
#![expect(clippy::print_stdout, reason = "a sweep tells how many cases it had")]

mod canaries;
mod drafts;
mod person;
mod refused;
mod regimes;
mod sweep;
