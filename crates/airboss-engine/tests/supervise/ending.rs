//! How an attempt ends, and that nothing of it is left however it ends.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use airboss_core::process::{Exit, StopReason};
use airboss_engine::supervise::{self, Limits, Reader, Spec, Stop, is_alive, sweep};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::flight::{Flight, PROGRAM, processes_of, read_all, shell, until};

const SHORT: Duration = Duration::from_millis(150);
const LONG: Duration = Duration::from_secs(600);

/// A daemon by the book: it forks twice, has a session of its own, ignores what
/// can be ignored, and is up before the script goes on.
const DAEMON: &str = r#"
    (setsid sh -c 'trap "" TERM INT HUP; echo $$ > daemon.new; mv daemon.new daemon
        exec sleep 1000' </dev/null &)
    while [ ! -e daemon ]; do sleep 0.01; done
"#;

fn limited(script: &str, change: impl FnOnce(&mut Limits)) -> Spec {
    let mut spec = shell(script);
    spec.limits.interrupt_grace = SHORT;
    spec.limits.terminate_grace = SHORT;
    change(&mut spec.limits);
    spec
}

fn kill(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
}

#[test]
fn the_deadline_stops() {
    let outcome = Flight::start(limited("sleep 1000", |limits| limits.deadline = SHORT)).end();
    assert_eq!(outcome.stopped, Some(StopReason::Deadline));
    assert_eq!(
        (outcome.exit, outcome.leaked),
        (Exit::Signal { signal: 2 }, 0)
    );
}

#[test]
fn an_output_every_moment_does_not_move_the_deadline() {
    let chatter = "while :; do echo word; sleep 0.02; done";
    let outcome = Flight::start(limited(chatter, |limits| limits.deadline = 3 * SHORT)).end();
    assert_eq!(outcome.stopped, Some(StopReason::Deadline));
}

#[test]
fn silence_without_work_is_idle() {
    let spec = limited("echo begin; sleep 1000", |limits| limits.idle = 2 * SHORT);
    let outcome = Flight::start(spec).end();
    assert_eq!(outcome.stopped, Some(StopReason::Idle));
}

#[test]
fn silent_work_is_not_idle() {
    let busy = r"end=$(($(date +%s) + 4))
        while [ $(date +%s) -lt $end ]; do i=0; while [ $i -lt 9999 ]; do i=$((i+1)); done; done";
    let spec = limited(busy, |limits| limits.idle = Duration::from_secs(1));
    let outcome = Flight::start(spec).end();
    assert_eq!(
        (outcome.stopped, outcome.exit),
        (None, Exit::Code { code: 0 })
    );
}

#[test]
fn talk_without_work_is_not_idle() {
    let talk = "for i in 1 2 3 4 5 6 7 8; do sleep 0.25; echo $i >&2; done";
    let spec = limited(talk, |limits| limits.idle = Duration::from_secs(1));
    let outcome = Flight::start(spec).end();
    assert_eq!(
        (outcome.stopped, outcome.exit),
        (None, Exit::Code { code: 0 })
    );
}

#[test]
fn a_stopped_agent_is_frozen_and_still_hears_the_interrupt() {
    let script = "trap 'echo thawed; exit 5' INT; kill -STOP $$; sleep 1000";
    let spec = limited(script, |limits| {
        limits.idle = 2 * SHORT;
        limits.interrupt_grace = LONG;
    });
    let mut flight = Flight::start(spec);
    let outcome = flight.end();
    assert_eq!(outcome.stopped, Some(StopReason::Frozen));
    assert_eq!(outcome.exit, Exit::Code { code: 5 });
    assert_eq!(flight.text(), "thawed\n");
}

#[test]
fn a_request_is_obeyed_gracefully() {
    let script = "trap 'echo bye; exit 0' INT; echo ready; while :; do sleep 0.05; done";
    let mut flight = Flight::start(limited(script, |limits| limits.interrupt_grace = LONG));
    flight.await_line("ready");
    flight.stop(Stop::Interrupt);
    let outcome = flight.end();
    assert_eq!(outcome.stopped, Some(StopReason::Requested));
    assert_eq!(outcome.exit, Exit::Code { code: 0 });
    assert_eq!(flight.text(), "ready\nbye\n");
    let again = supervise::request_stop(flight.handle.identity(), Stop::Kill);
    assert!(!again.unwrap(), "the supervisor is gone");
}

#[test]
fn who_ignores_the_interrupt_is_terminated() {
    let script = "trap '' INT; trap 'exit 4' TERM; echo ready; while :; do sleep 0.05; done";
    let mut flight = Flight::start(limited(script, |limits| limits.terminate_grace = LONG));
    flight.await_line("ready");
    flight.stop(Stop::Interrupt);
    assert_eq!(flight.end().exit, Exit::Code { code: 4 });
}

#[test]
fn who_ignores_both_is_killed() {
    let script = "trap '' INT TERM; echo ready; while :; do sleep 0.05; done";
    let mut flight = Flight::start(limited(script, |_| {}));
    flight.await_line("ready");
    flight.stop(Stop::Interrupt);
    let outcome = flight.end();
    assert_eq!(
        (outcome.exit, outcome.leaked),
        (Exit::Signal { signal: 9 }, 0)
    );
}

const STUBBORN: &str = "trap 'echo heard' INT; trap '' TERM
    echo ready; while :; do sleep 0.05; done";

fn patient(script: &str) -> Spec {
    limited(script, |limits| {
        limits.interrupt_grace = LONG;
        limits.terminate_grace = LONG;
    })
}

#[test]
fn a_second_request_kills_at_once() {
    let mut flight = Flight::start(patient(STUBBORN));
    flight.await_line("ready");
    flight.stop(Stop::Interrupt);
    flight.await_line("heard");
    flight.stop(Stop::Interrupt);
    let outcome = flight.end();
    assert_eq!(outcome.stopped, Some(StopReason::Requested));
    assert_eq!(outcome.exit, Exit::Signal { signal: 9 });
}

#[test]
fn a_request_to_kill_kills_at_once() {
    let mut flight = Flight::start(patient(STUBBORN));
    flight.await_line("ready");
    flight.stop(Stop::Kill);
    let outcome = flight.end();
    assert_eq!(outcome.stopped, Some(StopReason::Requested));
    assert_eq!(outcome.exit, Exit::Signal { signal: 9 });
}

#[test]
fn a_terminals_signals_do_not_touch_the_supervisor() {
    let mut flight = Flight::start(shell("echo ready; while [ ! -e go ]; do sleep 0.01; done"));
    flight.await_line("ready");
    let supervisor = flight.handle.identity().pid;
    kill(supervisor, Signal::INT);
    kill(supervisor, Signal::HUP);
    fs_err::write(flight.folder().join("go"), "").unwrap();
    let outcome = flight.end();
    assert_eq!(
        (outcome.stopped, outcome.exit),
        (None, Exit::Code { code: 0 })
    );
}

#[test]
fn a_daemon_left_after_success_is_killed_and_counted() {
    let mut flight = Flight::start(shell(&format!("{DAEMON} echo done")));
    let outcome = flight.end();
    assert_eq!(
        (outcome.stopped, outcome.exit),
        (None, Exit::Code { code: 0 })
    );
    assert_eq!(outcome.leaked, 1);
    assert_eq!(flight.text(), "done\n");
}

#[test]
fn a_daemon_is_killed_with_an_agent_that_is_stopped() {
    let mut flight = Flight::start(limited(&format!("{DAEMON} echo up; sleep 1000"), |_| {}));
    flight.await_line("up");
    flight.stop(Stop::Interrupt);
    let outcome = flight.end();
    assert_eq!(outcome.leaked, 1);
    assert_eq!(outcome.stopped, Some(StopReason::Requested));
}

#[test]
fn a_daemon_is_killed_after_an_agent_that_was_killed() {
    let mut flight = Flight::start(shell(&format!("{DAEMON} echo up; kill -KILL $$")));
    let outcome = flight.end();
    assert_eq!(
        (outcome.exit, outcome.leaked),
        (Exit::Signal { signal: 9 }, 1)
    );
    assert_eq!(flight.text(), "up\n");
}

#[test]
fn a_daemon_without_the_environment_is_killed_as_well() {
    let mut flight = Flight::start(shell(
        r#"bare='echo $$ > $0.new; mv $0.new $0; exec /bin/sleep 1000'
        (env -i /usr/bin/setsid /bin/sh -c "$bare" far &)
        env -i /bin/sh -c "$bare" near &
        while [ ! -e far ] || [ ! -e near ]; do sleep 0.01; done; echo up
        while [ ! -e go ]; do sleep 0.01; done"#,
    ));
    flight.await_line("up");
    let bare = ["far", "near"].map(|name| {
        let pid = fs_err::read_to_string(flight.folder().join(name)).unwrap();
        supervise::identity_of(pid.trim().parse().unwrap()).unwrap()
    });
    assert!(bare.iter().all(is_alive));
    fs_err::write(flight.folder().join("go"), "").unwrap();
    assert_eq!(flight.end().leaked, 2);
    assert!(!bare.iter().any(is_alive));
}

#[test]
fn many_daemons_are_all_killed() {
    let script = r#"
        for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
            (setsid sh -c 'trap "" TERM INT HUP; : > up.$0; exec sleep 1000' $i &)
        done
        while [ $(ls up.* | wc -l) -lt 20 ]; do sleep 0.01; done 2>/dev/null"#;
    let outcome = Flight::start(shell(script)).end();
    assert_eq!((outcome.exit, outcome.leaked), (Exit::Code { code: 0 }, 20));
}

#[test]
fn a_pipe_held_from_outside_does_not_hold_the_supervisor() {
    let mut flight = Flight::start(shell(
        "echo $$ > pid.new; mv pid.new pid; while [ ! -e go ]; do sleep 0.01; done; echo done",
    ));
    let pid = until("the agent's pid", || {
        fs_err::read_to_string(flight.folder().join("pid")).ok()
    });
    let pipe = format!("/proc/{}/fd/1", pid.trim());
    let held = fs_err::OpenOptions::new().write(true).open(pipe).unwrap();
    fs_err::write(flight.folder().join("go"), "").unwrap();
    flight.end();
    assert_eq!(flight.text(), "done\n");
    drop(held);
}

#[test]
fn after_a_killed_supervisor_the_sweep_finds_all() {
    let script = format!("{DAEMON} env -i sleep 1000 & echo $! > bare; echo up; wait");
    let mut flight = Flight::start(shell(&script));
    flight.await_line("up");
    let bare: u32 = fs_err::read_to_string(flight.folder().join("bare"))
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    let bare = supervise::identity_of(bare).unwrap();
    kill(flight.handle.identity().pid, Signal::KILL);
    until("its end", || {
        flight.handle.try_wait().unwrap().then_some(())
    });
    assert!(
        processes_of(flight.attempt).len() >= 2,
        "the agent outlives its supervisor"
    );

    let swept = sweep(flight.attempt);
    assert_eq!((swept.killed, swept.survivors), (3, 0));
    assert_eq!(processes_of(flight.attempt), [0; 0]);
    until("the end of the one without environment", || {
        (!is_alive(&bare)).then_some(())
    });
    assert_eq!(supervise::outcome(&flight.directory()), None);
    assert_eq!(flight.text(), "up\n", "what was recorded can be read");
    supervise::seal(&flight.directory()).unwrap();
    assert_eq!(flight.text(), "up\n", "and compressed later");
}

#[test]
fn a_killed_caller_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let mut spec = shell("echo ready; while [ ! -e go ]; do sleep 0.01; done; echo done; exit 3");
    spec.working_directory = folder.path().to_owned();
    let file = folder.path().join("spec");
    fs_err::write(&file, serde_json::to_vec(&spec).unwrap()).unwrap();
    let directory = folder.path().join("attempt");
    let mut caller = Command::new(PROGRAM)
        .arg("start")
        .args([&directory, &file])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let supervisor = until("the supervisor", || supervise::supervisor(&directory));
    let mut reader = Reader::new(&directory);
    let ready = until("output", || read_all(&mut reader).pop());
    assert_eq!(ready.bytes, b"ready\n");
    caller.kill().unwrap();
    caller.wait().unwrap();
    assert!(is_alive(&supervisor));

    fs_err::write(folder.path().join("go"), "").unwrap();
    let outcome = until("the outcome", || supervise::outcome(&directory));
    assert_eq!(
        (outcome.exit, outcome.stopped),
        (Exit::Code { code: 3 }, None)
    );
    assert_eq!(read_all(&mut reader)[0].bytes, b"done\n");
    until("the supervisor's end", || {
        (!is_alive(&supervisor)).then_some(())
    });
    assert_eq!(processes_of(spec.attempt), [0; 0]);
}

#[test]
fn twenty_attempts_at_a_time() {
    let mut flights: Vec<Flight> = (0..20)
        .map(|number| Flight::start(shell(&format!("{DAEMON} echo {number}; exit {number}"))))
        .collect();
    for (number, flight) in flights.iter_mut().enumerate() {
        let outcome = flight.end();
        assert_eq!(
            outcome.exit,
            Exit::Code {
                code: i32::try_from(number).unwrap()
            }
        );
        assert_eq!(outcome.leaked, 1);
        assert_eq!(flight.text(), format!("{number}\n"));
    }
}

#[test]
fn the_start_is_quick() {
    // The fastest of some: what it takes, rather than what the machine does meanwhile.
    let quickest = (0..5).map(|_| {
        let begin = Instant::now();
        let mut flight = Flight::start(shell("exit 0"));
        let elapsed = begin.elapsed();
        flight.end();
        elapsed
    });
    let quickest = quickest.min().unwrap();
    assert!(quickest < Duration::from_millis(500), "{quickest:?}");
}

#[test]
fn a_program_that_is_not_there_is_an_error_of_the_caller() {
    let folder = TempDir::new().unwrap();
    let started = supervise::start(Path::new("/nonexistent"), folder.path(), &shell("exit 0"));
    assert!(
        matches!(started, Err(supervise::SuperviseError::Io(_))),
        "{started:?}"
    );
}
