//! At which system calls the kernel stops a traced tree: only at those that can count.
//!
//! Nine of ten calls look at something, and two stops for each of them would be most of the time
//! that a run takes. A seccomp filter names the others to the kernel. It is inherited by
//! everything that the program starts; nothing is forbidden by it.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use crate::call::{Kind, TABLE};
use crate::tracer::TraceError;

/// Which calls a run is stopped at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stops {
    /// Every one, by ptrace alone.
    All,
    /// Those that change something in a file system, or lock it.
    Changes,
}

/// The filter for these stops; `None` where none is needed.
pub(crate) fn filter(stops: Stops) -> Result<Option<BpfProgram>, TraceError> {
    if stops == Stops::All {
        return Ok(None);
    }
    let mut rules = BTreeMap::new();
    for known in TABLE {
        let conditions = match known.kind {
            Kind::Other | Kind::Read => continue,
            Kind::Open => changing_open(known.number)?,
            Kind::Lock => changing_lock(known.number)?,
            _ => Vec::new(),
        };
        rules.insert(known.number, conditions);
    }
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Trace(0),
        TargetArch::x86_64,
    );
    let program = filter.and_then(BpfProgram::try_from).map_err(refused)?;
    Ok(Some(program))
}

/// An empty list means always: the flags of the others lie in memory, or are no question.
fn changing_open(number: i64) -> Result<Vec<SeccompRule>, TraceError> {
    let argument = match number {
        libc::SYS_open => 1,
        libc::SYS_openat => 2,
        _ => return Ok(Vec::new()),
    };
    let flags = [libc::O_WRONLY, libc::O_RDWR, libc::O_CREAT, libc::O_TRUNC];
    flags
        .map(|flag| has_flag(argument, flag))
        .into_iter()
        .collect()
}

fn has_flag(argument: u8, flag: i32) -> Result<SeccompRule, TraceError> {
    let flag = u64::from(flag.cast_unsigned());
    rule(argument, SeccompCmpOp::MaskedEq(flag), flag)
}

fn changing_lock(number: i64) -> Result<Vec<SeccompRule>, TraceError> {
    if number != libc::SYS_fcntl {
        return Ok(Vec::new());
    }
    let commands = [
        libc::F_SETLK,
        libc::F_SETLKW,
        libc::F_OFD_SETLK,
        libc::F_OFD_SETLKW,
    ];
    let is = |command: i32| rule(1, SeccompCmpOp::Eq, u64::from(command.cast_unsigned()));
    commands.map(is).into_iter().collect()
}

fn rule(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompRule, TraceError> {
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value);
    let condition = condition.map_err(refused)?;
    SeccompRule::new(vec![condition]).map_err(refused)
}

pub(crate) fn refused(error: impl std::fmt::Display) -> TraceError {
    TraceError::Refused(format!("no filter of system calls: {error}"))
}
