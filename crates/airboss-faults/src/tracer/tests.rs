//! Small real programs under every fault.
#![expect(clippy::print_stdout, reason = "a skipped test says so")]

use super::*;
use crate::Kind;

/// What `sh` does; `None`, said once, where nothing can be traced.
fn shell(directory: &Path, script: &str) -> Option<Tracer> {
    if let Some(reason) = crate::unavailable() {
        println!("{reason}");
        return None;
    }
    let tracer = Tracer::new("/bin/sh")
        .arguments(["-c", script])
        .directory(directory)
        .env("PATH", std::env::var_os("PATH").unwrap());
    Some(tracer)
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs_err::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Runs a script that makes the files a, b and c, and answers which are there afterwards.
#[track_caller]
fn check(mode: Mode, expected: &[&str]) -> Option<Outcome> {
    let directory = tempfile::tempdir().unwrap();
    let tracer = shell(directory.path(), "> a; > b; > c")?;
    let outcome = tracer.run(mode).unwrap();
    assert_eq!(names(directory.path()), expected, "{outcome:?}");
    Some(outcome)
}

#[test]
fn a_baseline_lists_the_calls_with_their_paths() {
    let Some(outcome) = check(Mode::Baseline, &["a", "b", "c"]) else {
        return;
    };
    assert!(!outcome.fired);
    assert_eq!(outcome.ended, Ended::Exited(0));
    let opens = outcome.list.iter().filter(|call| call.kind == Kind::Open);
    let names: Vec<&OsStr> = opens
        .map(|call| call.paths[0].file_name().unwrap())
        .collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn a_kill_before_or_after_a_call_leaves_what_came_before_it() {
    let killed = Ended::Killed(libc::SIGKILL);
    for (mode, left) in [
        (Mode::KillBefore(1), &[][..]),
        (Mode::KillAfter(1), &["a"]),
        (Mode::KillBefore(2), &["a"]),
        (Mode::KillAfter(3), &["a", "b", "c"]),
    ] {
        let Some(outcome) = check(mode, left) else {
            return;
        };
        assert!(outcome.fired);
        assert_eq!(outcome.ended, killed);
    }
    let outcome = check(Mode::KillBefore(4), &["a", "b", "c"]).unwrap();
    assert!(!outcome.fired);
    assert_eq!(outcome.ended, Ended::Exited(0));
}

#[test]
fn an_errno_lets_one_call_fail_or_all_after_it() {
    let directory = tempfile::tempdir().unwrap();
    let script = "(> a) 2>/dev/null; (> b); (> c) || exit 9";
    let Some(tracer) = shell(directory.path(), script) else {
        return;
    };
    let at = |at, lasting| Mode::Errno {
        at,
        errno: Errno::ENOSPC,
        lasting,
    };
    // The first is the redirection to /dev/null.
    let outcome = tracer.run(at(3, false)).unwrap();
    assert_eq!(names(directory.path()), ["a", "c"]);
    assert!(outcome.stderr.contains("No space left"), "{outcome:?}");
    assert_eq!(outcome.ended, Ended::Exited(0));
    for name in ["a", "c"] {
        fs_err::remove_file(directory.path().join(name)).unwrap();
    }
    let outcome = tracer.run(at(3, true)).unwrap();
    assert_eq!(names(directory.path()), ["a"]);
    assert_eq!(outcome.ended, Ended::Exited(9));
}

#[test]
fn a_short_write_leaves_half_of_the_data() {
    let directory = tempfile::tempdir().unwrap();
    let Some(tracer) = shell(directory.path(), "printf 12345678 > a; > b") else {
        return;
    };
    let outcome = tracer.run(Mode::ShortThenKill(1)).unwrap();
    assert_eq!(outcome.hit.unwrap().length, Some(8));
    let text = fs_err::read_to_string(directory.path().join("a")).unwrap();
    assert_eq!(text, "1234");
    assert_eq!(names(directory.path()), ["a"]);
}

#[test]
fn the_calls_of_children_are_counted_and_all_of_them_die() {
    let directory = tempfile::tempdir().unwrap();
    let script = "(setsid sleep 300 & echo $! > pid); > a; cp a b; sync b; > c";
    let Some(tracer) = shell(directory.path(), script) else {
        return;
    };
    let number = {
        // The sleeper would be waited for, so that the list is made without it.
        let plain = shell(directory.path(), "echo 1 > pid; > a; cp a b; sync b; > c").unwrap();
        let list = plain.run(Mode::Baseline).unwrap().list;
        assert!(list.iter().any(|call| call.kind == Kind::Sync), "{list:?}");
        let open_b = list.iter().position(|call| {
            call.kind == Kind::Open && call.paths[0] == directory.path().join("b")
        });
        open_b.unwrap() + 1
    };
    for name in names(directory.path()) {
        fs_err::remove_file(directory.path().join(name)).unwrap();
    }
    let outcome = tracer.run(Mode::KillAfter(number + 1)).unwrap();
    assert!(outcome.fired);
    assert!(!names(directory.path()).contains(&"c".to_owned()));
    let pid = fs_err::read_to_string(directory.path().join("pid")).unwrap();
    // Whoever inherited it may not have asked yet how it ended.
    let line = fs_err::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    assert!(line.is_empty() || line.contains(") Z "), "{line}");
}

#[test]
fn a_held_tree_stands_still_until_it_is_let_go_or_killed() {
    let directory = tempfile::tempdir().unwrap();
    let Some(tracer) = shell(directory.path(), "> a; > b") else {
        return;
    };
    let Paused::Held(held) = tracer.hold(2).unwrap() else {
        panic!("it ended")
    };
    assert!(held.call.is_beneath(directory.path()));
    assert_eq!(names(directory.path()), ["a"]);
    assert_eq!(held.resume().unwrap().ended, Ended::Exited(0));
    assert_eq!(names(directory.path()), ["a", "b"]);
    let Paused::Held(held) = tracer.hold(1).unwrap() else {
        panic!("it ended")
    };
    assert_eq!(held.kill().unwrap().ended, Ended::Killed(libc::SIGKILL));
    assert!(matches!(tracer.hold(9).unwrap(), Paused::Ended(_)));
}

#[test]
fn a_program_that_hangs_is_ended_with_its_children() {
    let directory = tempfile::tempdir().unwrap();
    let Some(tracer) = shell(directory.path(), "sleep 300 & sleep 300") else {
        return;
    };
    let tracer = tracer.deadline(Duration::from_millis(100));
    assert_eq!(tracer.run(Mode::Baseline).unwrap().ended, Ended::Late);
}

#[test]
fn threads_are_followed() {
    let directory = tempfile::tempdir().unwrap();
    let python = Path::new("/usr/bin/python3");
    let script = "import threading; t = threading.Thread(target=lambda: open('a', 'w')); \
                  t.start(); t.join(); open('b', 'w')";
    let Some(tracer) = shell(directory.path(), "exec /usr/bin/python3 -ISc \"$0\"") else {
        return;
    };
    if !python.exists() {
        println!("threads are left out: there is no {}", python.display());
        return;
    }
    let tracer = tracer.arguments([script]);
    let list = tracer.run(Mode::Baseline).unwrap().list;
    let of = |name: &str| {
        list.iter()
            .find(|call| call.paths[0].ends_with(name))
            .unwrap()
    };
    assert_ne!(of("a").process, of("b").process);
    for name in names(directory.path()) {
        fs_err::remove_file(directory.path().join(name)).unwrap();
    }
    tracer.run(Mode::KillAfter(of("a").index)).unwrap();
    assert_eq!(names(directory.path()), ["a"]);
}

#[test]
fn a_program_that_is_not_there_is_an_error() {
    let tracer = Tracer::new("/no/such/program");
    assert!(tracer.run(Mode::Baseline).is_err());
}

/// The kernel is told which calls count, and must not leave one out.
#[test]
fn a_filter_leaves_out_no_call_that_changes_something() {
    let run = |counted, mode| {
        let directory = tempfile::tempdir().unwrap();
        let script = "echo 1 > a; cp a b; mv b c; ln c d; sync c; chmod 600 d; flock c true; rm a";
        let tracer = shell(directory.path(), script)?;
        let outcome = tracer.counted(counted).run(mode).unwrap();
        Some(outcome)
    };
    let Some(all) = run(Counted::All, Mode::Baseline) else {
        return;
    };
    let names = |outcome: &Outcome| {
        let calls = outcome.list.iter().filter(|call| call.mutates);
        calls.map(|call| call.name.clone()).collect::<Vec<_>>()
    };
    let filtered = run(Counted::Mutating, Mode::Baseline).unwrap();
    assert_eq!(names(&filtered), names(&all));
    assert!(filtered.calls < all.calls / 2, "{filtered:?}");
    for name in ["renameat2", "linkat", "flock", "fsync", "unlinkat"] {
        assert!(names(&all).iter().any(|other| other == name), "{name}");
    }
}

#[test]
fn a_lie_leaves_out_a_call_or_carries_it_out_otherwise() {
    let directory = tempfile::tempdir().unwrap();
    let Some(tracer) = shell(directory.path(), "> a; > b; ln a c; mv -n a b") else {
        return;
    };
    let witness = directory.path().join("witness");
    let tracer = tracer.lying(move |call| match call.name.as_str() {
        "linkat" => {
            let witness = witness.clone();
            let lie = Lie::omitted();
            Some(lie.and_then(move || fs_err::write(witness, "").unwrap()))
        }
        "renameat2" => Some(Lie::replacing()),
        _ => None,
    });
    let outcome = tracer.run(Mode::Baseline).unwrap();
    assert_eq!(outcome.ended, Ended::Exited(0), "{outcome:?}");
    assert_eq!(names(directory.path()), ["b", "witness"]);
}
