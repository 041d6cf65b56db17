//! `selftest --crash` where nothing can be traced: what is traced already cannot be traced again.

use airboss_faults::{Ended, Mode, Tracer, unavailable};

use crate::regimes::program;

#[test]
fn a_refused_trace_is_said_with_its_remedy() {
    if let Some(reason) = unavailable() {
        println!("{reason}");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let tracer = Tracer::new(program())
        .arguments(["selftest", "--crash"])
        .directory(directory.path());
    let outcome = tracer.run(Mode::Baseline).unwrap();
    assert_eq!(outcome.ended, Ended::Exited(3), "{outcome:?}");
    insta::assert_snapshot!(outcome.stderr, @r"
    Error: the system calls of a program cannot be followed here: ptrace is refused: EPERM: Operation not permitted
    hint: in a container, allow it: `docker run --cap-add=SYS_PTRACE` (podman has the same); on a host, /proc/sys/kernel/yama/ptrace_scope has to be 0, 1 or 2
    ");
    assert_eq!(fs_err::read_dir(directory.path()).unwrap().count(), 0);
}
