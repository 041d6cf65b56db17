//! The world around a run is not as it should be: supervisors die, git says not now.

use std::time::Duration;

use airboss_testkit::environment::{TestEnvironment, eventually};

use crate::support::*;

fn three() -> TestEnvironment {
    let environment = environment();
    environment.plan(
        PLAN,
        plan(&[&[
            ("1.1", "Write `out/1-1.txt`"),
            ("1.2", "Write `out/1-2.txt`"),
            ("1.3", "Write `out/1-3.txt`"),
        ]]),
    );
    environment.script(DILIGENT);
    environment
}

#[test]
fn a_supervisor_is_killed() {
    let environment = three();
    environment.config("[limits]\nidle = \"30s\"\nbackoff = \"50ms\"\n");
    environment.script(&script(
        r#"
        [[step]]
        match = "1.1"
        attempt = 1
        actions = [
          { say = "Working." },
          { spawn = 600, detached = true },
          { shell = "touch ../works; sleep 600" },
        ]
        "#,
    ));
    let run = environment.start(["run", PLAN, "--agent", "claude"]);
    let works = environment.outside("works");
    assert!(eventually(Duration::from_secs(30), || works.exists()));
    let supervisors: Vec<String> = environment
        .processes_left()
        .into_iter()
        .filter(|line| line.contains(" supervise "))
        .collect();
    assert_eq!(supervisors.len(), 1, "{supervisors:?}");
    let pid = supervisors[0].split(' ').next().unwrap().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let output = run.wait();
    output.expect_code(0);
    assert_eq!(output.told("interrupted 1.1").len(), 1, "{output}");
    assert_eq!(starts(&output, "1.1"), 2, "{output}");
    environment.assert_no_process_left();
}

/// Commits have to wait, which fails nothing; once the reason is gone the same command makes them.
#[track_caller]
fn commits_wait(spoil: impl Fn(&TestEnvironment), mend: impl Fn(&TestEnvironment)) {
    let environment = three();
    spoil(&environment);
    let head = environment.git(["rev-parse", "HEAD"]);
    let output = environment.run(["run", PLAN]);
    output.expect_code(11);
    assert_eq!(with_status(&environment, "completed"), "1.1 1.2 1.3");
    assert_eq!(environment.git(["rev-parse", "HEAD"]), head);
    assert_eq!(output.told("3 commits pending").len(), 1, "{output}");
    mend(&environment);
    let again = environment.run(["run", PLAN]);
    again.expect_code(0);
    assert_eq!(again.told("started  "), Vec::<&str>::new());
    let files: Vec<String> = commits(&environment)
        .into_iter()
        .map(|commit| {
            let own = commit.files.into_iter().filter(|file| *file != PLAN);
            own.collect::<Vec<_>>().join(" ")
        })
        .collect();
    assert_eq!(files, ["out/1-1.txt", "out/1-2.txt", "out/1-3.txt"]);
    assert_eq!(environment.git(["diff"]), "");
}

#[test]
fn on_a_detached_head() {
    commits_wait(
        |environment| drop(environment.git(["checkout", "--quiet", "--detach"])),
        |environment| drop(environment.git(["checkout", "--quiet", "main"])),
    );
}

#[test]
fn during_a_merge() {
    commits_wait(
        |environment| {
            environment.git(["checkout", "--quiet", "-b", "other"]);
            environment.write("README.md", "# Another\n");
            environment.commit("another");
            environment.git(["checkout", "--quiet", "main"]);
            environment.write("README.md", "# Yet another\n");
            environment.commit("yet another");
            assert!(!environment.try_git(["merge", "other"]).status.success());
        },
        |environment| drop(environment.git(["merge", "--abort"])),
    );
}

#[test]
fn under_a_foreign_index_lock() {
    commits_wait(
        |environment| environment.write(".git/index.lock", ""),
        |environment| fs_err::remove_file(environment.path(".git/index.lock")).unwrap(),
    );
}

#[test]
fn what_a_person_had_changed_stays_his() {
    let environment = three();
    environment.write("out/1-2.txt", "mine\n");
    environment.write("staged.txt", "staged\n");
    environment.git(["add", "staged.txt"]);
    environment.write("README.md", "# A project\n\nChanged by hand.\n");
    let staged = environment.git(["diff", "--cached"]);
    environment.run(["run", PLAN]).expect_code(0);
    assert_eq!(environment.git(["diff", "--cached"]), staged);
    assert_eq!(environment.git(["diff", "--name-only"]), "README.md");
    let commits = commits(&environment);
    let files = commits.iter().flat_map(|commit| &commit.files);
    let his = files.filter(|file| ["README.md", "staged.txt"].contains(&file.as_str()));
    assert_eq!(his.count(), 0, "{commits:?}");
}

#[test]
fn work_that_could_not_be_looked_at_is_not_lost() {
    let environment = three();
    environment.script(&script(
        r#"
        [[step]]
        match = "1.1"
        attempt = 1
        actions = [
          { write = "out/1-1.txt", text = "made by 1.1\n" },
          { shell = "cp .git/index ../index; echo no index > .git/index" },
        ]
        "#,
    ));
    let output = environment.run(["run", PLAN]);
    output.expect_code(3);
    assert_eq!(output.told("could not be gathered").len(), 2, "{output}");
    fs_err::copy(environment.outside("index"), environment.path(".git/index")).unwrap();
    // The next attempt finds the file as it would have made it, and it counts.
    environment.run(["run", PLAN]).expect_code(0);
    assert_eq!(commits(&environment).len(), 3);
    assert_eq!(environment.git(["diff"]), "");
}
