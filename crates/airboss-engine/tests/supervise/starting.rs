//! How an agent is started: its input, its environment, and when it cannot be.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use airboss_core::process::{Exit, ProcessOutcome};
use airboss_engine::supervise::{self, Spec, SuperviseError, sweep};
use tempfile::TempDir;

use crate::flight::{Flight, PROGRAM, shell};

fn check_exit(script: &str, expected: &Exit) {
    let outcome = Flight::start(shell(script)).end();
    assert_eq!(&outcome.exit, expected);
    let ProcessOutcome {
        stopped,
        leaked,
        lines_cut,
        bytes_dropped,
        ..
    } = outcome;
    assert_eq!((stopped, leaked, lines_cut, bytes_dropped), (None, 0, 0, 0));
}

#[test]
fn the_exit_code_is_reported() {
    check_exit("exit 0", &Exit::Code { code: 0 });
    check_exit("exit 7", &Exit::Code { code: 7 });
}

#[test]
fn a_signal_is_reported() {
    check_exit("kill -KILL $$", &Exit::Signal { signal: 9 });
    check_exit("kill -SEGV $$", &Exit::Signal { signal: 11 });
}

#[test]
fn the_input_is_fed() {
    let input = "one\ntwo, without its end".repeat(20_000);
    let mut flight = Flight::start(Spec {
        input: Some(input.clone()),
        ..shell("cat")
    });
    assert_eq!(flight.end().exit, Exit::Code { code: 0 });
    assert_eq!(flight.text(), input);
}

#[test]
fn input_that_nobody_reads_hinders_nobody() {
    let input = "x".repeat(1 << 20);
    let mut flight = Flight::start(Spec {
        input: Some(input),
        ..shell("echo done")
    });
    assert_eq!(flight.end().exit, Exit::Code { code: 0 });
    assert_eq!(flight.text(), "done\n");
}

#[test]
fn without_input_there_is_an_end_of_file() {
    let mut flight = Flight::start(shell("cat; readlink /proc/self/fd/0"));
    flight.end();
    assert_eq!(flight.text(), "/dev/null\n");
}

#[test]
fn the_environment_is_the_given_one() {
    let mut spec = shell("");
    spec.program = PathBuf::from("env");
    spec.arguments.clear();
    spec.environment
        .push(("COLOUR".to_owned(), "blue\nand = green".to_owned()));
    let mut flight = Flight::start(spec);
    flight.end();
    let attempt = flight.attempt;
    let mut expected = [
        "PATH=/usr/bin:/bin\n".to_owned(),
        "COLOUR=blue\nand = green\n".to_owned(),
        format!("AIRBOSS_ATTEMPT={attempt}\n"),
    ];
    expected.sort();
    assert_eq!(flight.text(), expected.concat());
}

#[test]
fn the_agent_inherits_neither_ignored_nor_blocked_signals() {
    let mut flight = Flight::start(shell("grep -E '^Sig(Blk|Ign)' /proc/self/status"));
    flight.end();
    let text = flight.text();
    let masks = text
        .lines()
        .map(|line| u64::from_str_radix(&line[8..], 16).unwrap());
    // Beyond the first 31 are those that a C library keeps for itself.
    assert_eq!(
        masks.map(|mask| mask & 0x7fff_ffff).collect::<Vec<_>>(),
        [0, 0]
    );
}

#[test]
fn the_agent_leads_a_group_in_the_session_of_its_supervisor() {
    let mut flight = Flight::start(shell("read -r stat < /proc/$$/stat; echo $$ $stat"));
    let outcome = flight.end();
    assert_eq!(outcome.exit, Exit::Code { code: 0 });
    let text = flight.text();
    let words: Vec<&str> = text.split_whitespace().collect();
    let supervisor = flight.handle.identity().pid.to_string();
    // proc_pid_stat(5): parent, group and session follow pid, name and state.
    assert_eq!(
        words[4..7],
        [supervisor.as_str(), words[0], supervisor.as_str()]
    );
}

fn check_not_started(spec: Spec, expect_missing: bool, expect_text: &str) {
    let outcome = Flight::start(spec).end();
    let Exit::NotStarted { message, missing } = outcome.exit else {
        panic!("{outcome:?}")
    };
    assert_eq!(missing, expect_missing, "{message}");
    assert!(message.contains(expect_text), "{message}");
}

#[test]
fn what_cannot_be_started_is_told_apart() {
    let program = |path: &str| Spec {
        program: PathBuf::from(path),
        ..shell("")
    };
    check_not_started(program("/nonexistent/agent"), true, "/nonexistent/agent");
    check_not_started(
        program("no-such-agent-anywhere"),
        true,
        "no-such-agent-anywhere",
    );
    check_not_started(program("/etc/passwd/agent"), true, "/etc/passwd/agent");
    check_not_started(program("/etc"), false, "/etc");
    let nowhere = Spec {
        working_directory: PathBuf::from("/nonexistent/tree"),
        ..shell("")
    };
    check_not_started(nowhere, true, "/nonexistent/tree");
    check_not_started(shell("a zero \0 byte"), false, "/bin/sh");
    check_not_started(shell(&"x".repeat(8 << 20)), false, "/bin/sh");
}

#[test]
fn a_directory_serves_one_attempt() {
    let mut flight = Flight::start(shell("exit 0"));
    flight.end();
    let again = supervise::start(Path::new(PROGRAM), &flight.directory(), &shell("exit 0"));
    assert!(matches!(again, Err(SuperviseError::Used(_))), "{again:?}");
}

#[test]
fn a_supervisor_that_does_not_report_is_an_error_with_its_words() {
    let folder = TempDir::new().unwrap();
    let program = folder.path().join("broken");
    fs_err::write(&program, "#!/bin/sh\necho 'I am broken' >&2; exit 3\n").unwrap();
    fs_err::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let spec = shell("exit 0");
    let error = supervise::start(&program, &folder.path().join("attempt"), &spec).unwrap_err();
    assert!(matches!(error, SuperviseError::NotReady { .. }));
    assert!(error.to_string().contains("I am broken"), "{error}");
    assert_eq!(sweep(spec.attempt).killed, 0);
}

#[test]
fn keys_in_the_environment_are_for_the_owner_alone() {
    let mut flight = Flight::start(Spec {
        input: Some("secret".to_owned()),
        ..shell("cat")
    });
    flight.end();
    for entry in fs_err::read_dir(flight.directory()).unwrap() {
        let path = entry.unwrap().path();
        let mode = path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
    }
}
