//! What is in a commit, and what is not.

use super::*;

#[test]
fn new_changed_deleted_executable_and_linked_files() {
    let bench = Bench::with_files(&[("a", "1\n"), ("b", "1\n"), ("c", "1\n"), ("run", "1\n")]);
    let paths = bench.committed(|| {
        bench.write("a", "2\n");
        bench.remove("b");
        bench.write("deep/er/new.txt", "1\n");
        bench.write("tool", "#!/bin/sh\n");
        bench.make_executable("tool");
        bench.make_executable("run");
        std::os::unix::fs::symlink("a", bench.top().join("link")).unwrap();
    });
    assert_eq!(paths, ["a", "b", "deep/er/new.txt", "link", "run", "tool"]);
    assert_eq!(bench.git(&["status", "--porcelain"]), "");
    let modes = bench.git(&["ls-tree", "HEAD", "link", "run", "tool", "c"]);
    let modes: Vec<_> = modes.lines().map(|line| &line[..6]).collect();
    assert_eq!(modes, ["100644", "120000", "100755", "100755"]);
    let log = bench.git(&["log", "-1", "--format=%an %ae|%cn|%ad|%s", "--date=unix"]);
    let expected =
        "A Person person@localhost|A Person|1772442900|[width] task 1.1: read the size\n";
    assert_eq!(log, expected);
    let reflog = bench.git(&["reflog", "-1", "--format=%gs"]);
    assert_eq!(reflog, "commit: [width] task 1.1: read the size\n");
}

#[test]
fn a_file_becomes_a_directory_and_back() {
    let bench = Bench::with_files(&[("a", "1\n"), ("d/x", "1\n"), ("d/y", "1\n")]);
    bench.committed(|| {
        bench.remove("a");
        bench.write("a/b", "1\n");
        fs_err::remove_dir_all(bench.top().join("d")).unwrap();
        bench.write("d", "1\n");
    });
    assert_eq!(bench.git(&["ls-files"]), "a/b\nd\n");
    assert_eq!(bench.git(&["status", "--porcelain"]), "");
}

#[test]
fn staged_changes_in_other_files_and_in_the_same_file_stay() {
    let bench = Bench::new();
    bench.write("README.md", "one\ntwo, staged\nthree\n");
    bench.write("src/lib.rs", &lines(&[(2, "two, staged")]));
    bench.write("added.txt", "staged\n");
    bench.git(&["add", "-A"]);
    let staged = || {
        let diff = bench.git(&["diff", "--cached", "--unified=0"]);
        diff.lines()
            .filter(|line| !line.starts_with("index "))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let before = staged();
    let paths = bench.committed(|| {
        bench.write("src/lib.rs", &lines(&[(2, "two, staged"), (9, "nine")]));
        bench.write("src/new.rs", "new\n");
    });
    assert_eq!(paths, ["src/lib.rs", "src/new.rs"]);
    assert_eq!(
        bench.git(&["show", "HEAD:src/lib.rs"]),
        lines(&[(9, "nine")])
    );
    assert_eq!(staged(), before);
    bench.git(&["commit", "-qm", "by hand"]);
    let hand = bench.git(&["show", "--name-only", "--format=", "HEAD"]);
    assert_eq!(hand, "README.md\nadded.txt\nsrc/lib.rs\n");
    let both = lines(&[(2, "two, staged"), (9, "nine")]);
    assert_eq!(bench.git(&["show", "HEAD:src/lib.rs"]), both);
    assert_eq!(bench.git(&["status", "--porcelain"]), "");
}

#[test]
fn the_next_plain_commit_of_a_person_reverts_nothing() {
    let bench = Bench::new();
    bench.committed(|| bench.write("src/lib.rs", &lines(&[(1, "one")])));
    bench.write("README.md", "by hand\n");
    bench.git(&["add", "README.md"]);
    bench.git(&["commit", "-qm", "by hand"]);
    assert_eq!(
        bench.git(&["show", "--name-only", "--format=", "HEAD"]),
        "README.md\n"
    );
    assert_eq!(
        bench.git(&["show", "HEAD:src/lib.rs"]),
        lines(&[(1, "one")])
    );
}

#[test]
fn a_dirty_file_gives_only_the_attempts_delta() {
    let bench = Bench::new();
    bench.write("src/lib.rs", &lines(&[(2, "two, not staged")]));
    bench.write("README.md", "dirty\n");
    let paths = bench.committed(|| {
        bench.write("src/lib.rs", &lines(&[(2, "two, not staged"), (9, "nine")]));
    });
    assert_eq!(paths, ["src/lib.rs"]);
    assert_eq!(
        bench.git(&["show", "HEAD:src/lib.rs"]),
        lines(&[(9, "nine")])
    );
    assert_eq!(
        bench.git(&["status", "--porcelain"]),
        " M README.md\n M src/lib.rs\n"
    );
    let diff = bench.git(&["diff", "--unified=0", "src/lib.rs"]);
    assert!(
        diff.contains("+two, not staged") && !diff.contains("nine"),
        "{diff}"
    );
}

#[test]
fn a_delta_that_does_not_fit_is_left_out_and_named() {
    let bench = Bench::new();
    bench.write("src/lib.rs", &lines(&[(2, "two, by hand")]));
    bench.write("notes", "untracked, by hand\n");
    let deltas = bench.attempt(|| {
        bench.write("src/lib.rs", &lines(&[(2, "two, by the attempt")]));
        bench.write("notes", "untracked, changed\n");
        bench.write("new", "1\n");
    });
    let outcome = bench.commit(&bench.request(deltas));
    let CommitOutcome::Committed {
        paths, left_out, ..
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(paths, [path("new")]);
    let expected = [
        (path("notes"), LeftOut::Conflict(Conflict::Existence)),
        (path("src/lib.rs"), LeftOut::Conflict(Conflict::Lines)),
    ];
    assert_eq!(left_out, expected);
    assert_eq!(bench.git(&["show", "HEAD:src/lib.rs"]), LINES);
    bench.check();
}

#[test]
fn a_commit_of_somebody_else_meanwhile_is_merged_with() {
    let bench = Bench::new();
    let deltas = bench.attempt(|| bench.write("src/lib.rs", &lines(&[(9, "nine")])));
    let request = bench.request(deltas);
    bench.write("src/lib.rs", &lines(&[(2, "two")]));
    bench.git(&["commit", "-qam", "meanwhile"]);
    let outcome = bench.commit(&request);
    assert!(
        matches!(outcome, CommitOutcome::Committed { .. }),
        "{outcome:?}"
    );
    assert_eq!(
        bench.git(&["show", "HEAD:src/lib.rs"]),
        lines(&[(2, "two"), (9, "nine")])
    );
    assert_eq!(bench.git(&["diff", "--cached"]), "");
    bench.check();
}

#[test]
fn asking_twice_makes_one_commit() {
    let bench = Bench::new();
    let request = bench.request(bench.attempt(|| bench.write("new", "1\n")));
    let first = bench.commit(&request);
    bench.git(&["commit", "-q", "--allow-empty", "-m", "on top"]);
    assert_eq!(bench.commit(&request), first);
    assert_eq!(bench.git(&["rev-list", "--count", "HEAD"]), "3\n");
    bench.check();
}

/// Who made it may have died before it was told, and the person may have gone back since.
#[test]
fn asking_again_on_another_branch_makes_no_second_commit() {
    let bench = Bench::new();
    let request = bench.request(bench.attempt(|| bench.write("new", "1\n")));
    bench.git(&["checkout", "-q", "-b", "away"]);
    let first = bench.commit(&request);
    assert!(matches!(first, CommitOutcome::Committed { .. }));
    bench.git(&["checkout", "-q", "main"]);
    let count = || bench.git(&["rev-list", "--count", "main"]);
    let before = count();
    assert_eq!((bench.commit(&request), count()), (first, before.clone()));
    // On no branch it is nowhere.
    bench.git(&["branch", "-qD", "away"]);
    bench.commit(&request);
    assert_ne!(count(), before);
}

#[test]
fn what_another_commit_brought_in_is_not_committed_again() {
    let bench = Bench::new();
    let request = bench.request(bench.attempt(|| bench.write("new", "1\n")));
    bench.git(&["add", "new"]);
    bench.git(&["commit", "-qm", "by hand"]);
    let already_in = bench.git(&["rev-parse", "HEAD"]).trim().parse().ok();
    let expected = CommitOutcome::NothingToCommit {
        already_in,
        left_out: vec![],
    };
    assert_eq!(bench.commit(&request), expected);
    let nothing = CommitOutcome::NothingToCommit {
        already_in: None,
        left_out: vec![],
    };
    assert_eq!(bench.commit(&bench.request(vec![])), nothing);
    bench.check();
}

#[test]
fn a_missing_content_is_refused() {
    let bench = Bench::new();
    let blob = "0123456789012345678901234567890123456789".parse().unwrap();
    let after = Some(Entry {
        mode: FileMode::Regular,
        blob,
    });
    let request = bench.request(vec![Delta {
        path: path("new"),
        before: None,
        after,
    }]);
    let refusal = Refusal::MissingBlob(path("new"));
    assert_eq!(bench.commit(&request), CommitOutcome::Refused { refusal });
    bench.check();
}

#[test]
fn a_file_may_not_swallow_a_directory() {
    let bench = Bench::with_files(&[("d/x", "1\n"), ("d/y", "1\n")]);
    let mut deltas = bench.attempt(|| {
        fs_err::remove_dir_all(bench.top().join("d")).unwrap();
        bench.write("d", "1\n");
    });
    deltas.retain(|delta| delta.path != path("d/y"));
    let outcome = bench.commit(&bench.request(deltas));
    let CommitOutcome::Committed {
        paths, left_out, ..
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(
        (paths, left_out),
        (vec![path("d/x")], vec![(path("d"), LeftOut::Occupied)])
    );
    bench.check();
}

#[test]
fn line_endings_and_filters_are_applied_as_git_does() {
    let bench = Bench::new();
    bench.git(&["config", "core.autocrlf", "true"]);
    bench.git(&["config", "filter.upper.clean", "tr a-z A-Z"]);
    bench.write(".gitattributes", "*.up filter=upper\n");
    bench.git(&["add", ".gitattributes"]);
    bench.git(&["commit", "-qm", "attributes"]);
    bench.committed(|| {
        bench.write("windows.txt", "one\r\ntwo\r\n");
        bench.write("some.up", "loud\n");
        bench.write("\"quoted\" ü name", "1\n");
    });
    assert_eq!(bench.git(&["show", "HEAD:windows.txt"]), "one\ntwo\n");
    assert_eq!(bench.git(&["show", "HEAD:some.up"]), "LOUD\n");
    assert_eq!(bench.git(&["status", "--porcelain"]), "");
    assert_eq!(
        bench.read("windows.txt"),
        "one\r\ntwo\r\n",
        "the work tree is not touched"
    );
}

#[test]
fn a_linked_work_tree_commits_to_its_own_branch() {
    let bench = Bench::new();
    let linked = bench.directory.path().join("linked");
    bench.git(&[
        "worktree",
        "add",
        "-q",
        "-b",
        "feature/x",
        linked.to_str().unwrap(),
    ]);
    let repository = Repository::discover(&linked).unwrap().unwrap();
    assert_eq!(
        repository.state_dir().unwrap(),
        bench.repository.state_dir().unwrap()
    );
    let start = bench.git(&["rev-parse", "main"]);
    let linked = Bench {
        repository,
        directory: tempfile::tempdir().unwrap(),
    };
    linked.committed(|| linked.write("src/lib.rs", &lines(&[(1, "one")])));
    assert_eq!(linked.git(&["status", "--porcelain"]), "");
    assert_eq!(bench.git(&["rev-parse", "main"]), start);
    assert_eq!(
        bench.git(&["rev-parse", "feature/x"]),
        linked.git(&["rev-parse", "HEAD"])
    );
}

#[test]
fn packed_references_and_objects() {
    let bench = Bench::new();
    bench.git(&["checkout", "-q", "-b", "deep/branch"]);
    bench.git(&["gc", "-q", "--aggressive", "--prune=now"]);
    bench.git(&["pack-refs", "--all", "--prune"]);
    assert!(
        !bench
            .repository
            .git_dir()
            .join("refs/heads/deep/branch")
            .exists()
    );
    bench.committed(|| bench.write("src/lib.rs", &lines(&[(1, "one")])));
    bench.git(&["pack-refs", "--all", "--prune"]);
    bench.committed(|| bench.write("src/lib.rs", &lines(&[(1, "two")])));
    assert_eq!(bench.git(&["rev-list", "--count", "HEAD"]), "3\n");
}

#[test]
fn a_repository_of_ten_thousand_files() {
    let bench = Bench::unborn();
    for directory in 0..100 {
        for file in 0..100 {
            bench.write(
                &format!("d{directory}/f{file}"),
                &format!("{directory} {file}\n"),
            );
        }
    }
    bench.git(&["add", "-A"]);
    bench.git(&["commit", "-qm", "start"]);
    let start = std::time::Instant::now();
    bench.committed(|| {
        bench.write("d7/f7", "changed\n");
        bench.write("d7/new", "new\n");
        bench.remove("d99/f99");
    });
    println!(
        "10,000 files: snapshots, commit and checks in {:?}",
        start.elapsed()
    );
    assert_eq!(bench.git(&["status", "--porcelain"]), "");
}

#[test]
fn names_of_people_cannot_break_the_header() {
    let bench = Bench::new();
    bench.git(&["config", "--unset", "user.name"]);
    bench.git(&["config", "user.name", "A <b> person"]);
    bench.committed(|| bench.write("new", "1\n"));
    assert_eq!(bench.git(&["log", "-1", "--format=%an"]), "A b person\n");
}
