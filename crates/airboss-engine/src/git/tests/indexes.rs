//! The user's index in all the shapes that git gives it.

use super::*;

/// Commits beside staged changes, in an index that `prepare` has shaped.
#[track_caller]
fn check(prepare: impl FnOnce(&Bench)) -> Bench {
    let bench = Bench::new();
    prepare(&bench);
    bench.write("src/lib.rs", &lines(&[(2, "two, staged")]));
    bench.write("staged.txt", "staged\n");
    bench.git(&["add", "src/lib.rs", "staged.txt"]);
    let before = bench.git(&["diff", "--cached", "--numstat"]);
    bench.committed(|| {
        bench.write("src/lib.rs", &lines(&[(2, "two, staged"), (9, "nine")]));
        bench.write("src/new.rs", "new\n");
        bench.remove("README.md");
    });
    assert_eq!(bench.git(&["diff", "--cached", "--numstat"]), before);
    assert_eq!(
        bench.git(&["status", "--porcelain"]),
        "M  src/lib.rs\nA  staged.txt\n"
    );
    bench.git(&["commit", "-qm", "by hand"]);
    assert_eq!(bench.git(&["status", "--porcelain"]), "");
    assert_eq!(
        bench.git(&["show", "--name-only", "--format=", "HEAD"]),
        "src/lib.rs\nstaged.txt\n"
    );
    bench.check();
    bench
}

#[test]
fn plain() {
    check(|_| {});
}

#[test]
fn version_4_stays_version_4() {
    let bench = check(|bench| {
        bench.git(&["config", "index.version", "4"]);
        bench.git(&["update-index", "--index-version", "4"]);
    });
    assert_eq!(bench.git(&["update-index", "--show-index-version"]), "4\n");
}

#[test]
fn version_3_with_flags() {
    let bench = check(|bench| {
        bench.write("skipped", "1\n");
        bench.write("assumed", "1\n");
        bench.git(&["add", "."]);
        bench.git(&["commit", "-qm", "flags"]);
        bench.git(&["update-index", "--skip-worktree", "skipped"]);
        bench.git(&["update-index", "--assume-unchanged", "assumed"]);
    });
    let flags = bench.git(&["ls-files", "-v", "skipped", "assumed"]);
    assert_eq!(flags, "h assumed\nS skipped\n");
}

#[test]
fn without_checksum() {
    let bench = check(|bench| {
        bench.git(&["config", "index.skipHash", "true"]);
    });
    bench.committed(|| bench.write("another", "1\n"));
    let index = fs_err::read(bench.repository.git_dir().join("index")).unwrap();
    assert!(
        index.ends_with(&[0; 20]),
        "no checksum is written where git writes none"
    );
}

#[test]
fn split() {
    check(|bench| {
        bench.git(&["config", "core.splitIndex", "true"]);
        bench.git(&["update-index", "--split-index"]);
    });
}

#[test]
fn with_untracked_cache() {
    check(|bench| {
        bench.git(&["config", "core.untrackedCache", "true"]);
        bench.git(&["update-index", "--force-untracked-cache"]);
    });
}

#[test]
fn sparse() {
    let bench = Bench::with_files(&[("in/a", LINES), ("out/b", "1\n"), ("top", "1\n")]);
    bench.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "in"]);
    bench.committed(|| {
        bench.write("in/a", &lines(&[(1, "one")]));
        bench.write("in/new", "1\n");
    });
    assert_eq!(bench.git(&["status", "--porcelain"]), "");
    assert_eq!(
        bench.git(&["ls-files", "--sparse"]),
        "in/a\nin/new\nout/\ntop\n"
    );
}

#[test]
fn an_intention_to_add_does_not_delete_the_file() {
    let bench = Bench::new();
    bench.committed(|| {
        bench.write("new", "1\n");
        bench.git(&["add", "--intent-to-add", "new"]);
    });
    assert_eq!(bench.git(&["status", "--porcelain"]), "");
    bench.git(&["commit", "-q", "--allow-empty", "-m", "by hand"]);
    assert_eq!(
        bench.git(&["ls-tree", "--name-only", "HEAD", "new"]),
        "new\n"
    );
}

#[test]
fn a_staged_change_of_the_same_lines_stays_and_is_named() {
    let bench = Bench::new();
    let deltas = bench.attempt(|| bench.write("src/lib.rs", &lines(&[(2, "attempt")])));
    let request = bench.request(deltas);
    bench.write("src/lib.rs", &lines(&[(2, "staged")]));
    bench.git(&["add", "src/lib.rs"]);
    let CommitOutcome::Committed { index_left, .. } = bench.commit(&request) else {
        panic!("it fits the branch");
    };
    assert_eq!(index_left, [path("src/lib.rs")]);
    assert_eq!(bench.git(&["show", ":src/lib.rs"]), lines(&[(2, "staged")]));
    assert_eq!(
        bench.git(&["show", "HEAD:src/lib.rs"]),
        lines(&[(2, "attempt")])
    );
    bench.check();
}

#[test]
fn a_staged_deletion_stays_staged() {
    let bench = Bench::new();
    let deltas = bench.attempt(|| bench.write("src/lib.rs", &lines(&[(2, "attempt")])));
    let request = bench.request(deltas);
    bench.git(&["rm", "-q", "--cached", "src/lib.rs"]);
    bench.commit(&request);
    assert_eq!(
        bench.git(&["diff", "--cached", "--name-status"]),
        "D\tsrc/lib.rs\n"
    );
    bench.check();
}

#[test]
fn changes_of_the_same_size_and_instant_are_not_hidden() {
    // Both ways of writing the index have to take care of it.
    for version in ["2", "4"] {
        let bench = Bench::with_files(&[("racy", "old\n"), ("mine", "1\n")]);
        bench.git(&["update-index", "--index-version", version]);
        bench.git(&["config", "core.trustctime", "false"]);
        let request = bench.request(bench.attempt(|| bench.write("mine", "2\n")));
        // One instant for two contents and the index between them: by stat they are one.
        let instant = crate::clock::wall() - std::time::Duration::from_secs(100);
        let set_time = |path: &str| {
            let file = fs_err::File::options()
                .append(true)
                .open(bench.top().join(path));
            file.unwrap().set_modified(instant).unwrap();
        };
        bench.write("racy", "two\n");
        set_time("racy");
        bench.git(&["add", "racy"]);
        bench.write("racy", "new\n");
        set_time("racy");
        set_time(".git/index");
        bench.commit(&request);
        assert_eq!(
            bench.git(&["status", "--porcelain"]),
            "MM racy\n",
            "version {version}"
        );
    }
}

#[test]
fn the_committed_files_need_no_refresh() {
    let bench = Bench::new();
    bench.committed(|| {
        bench.write("src/lib.rs", &lines(&[(1, "one")]));
        bench.write("new", "1\n");
    });
    // Plumbing that does not refresh the index would show entries without stat data.
    assert_eq!(bench.git(&["diff-files"]), "");
}
