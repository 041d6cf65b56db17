//! What a snapshot sees, and how two of them differ.

use std::os::unix::ffi::OsStrExt as _;

use super::*;

#[test]
fn discovery_finds_the_top_and_refuses_clearly() {
    let bench = Bench::new();
    let inside = Repository::discover(&bench.top().join("src"))
        .unwrap()
        .unwrap();
    assert_eq!(inside, bench.repository);
    assert_eq!(inside.git_dir(), inside.common_dir());
    let state = inside.state_dir().unwrap();
    let mode = state.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((state, mode), (inside.git_dir().join("airboss"), 0o700));

    let outside = tempfile::tempdir().unwrap();
    assert_eq!(Repository::discover(outside.path()).unwrap(), None);
    assert!(Repository::discover(&outside.path().join("missing")).is_err());

    run_git(outside.path(), &["init", "-q", "--bare", "bare"]);
    let error = Repository::discover(&outside.path().join("bare")).unwrap_err();
    assert!(error.to_string().contains("bare repository"), "{error}");

    run_git(outside.path(), &["init", "-q", "broken"]);
    let broken = outside.path().join("broken");
    fs_err::write(broken.join(".git/config"), "[core\n").unwrap();
    let error = Repository::discover(&broken).unwrap_err();
    assert!(error.to_string().contains("cannot be opened"), "{error}");

    run_git(
        outside.path(),
        &["init", "-q", "--ref-format=reftable", "tables"],
    );
    let error = Repository::discover(&outside.path().join("tables")).unwrap_err();
    assert!(error.to_string().contains("tables"), "{error}");
}

#[test]
fn a_repository_of_another_user_is_refused_with_the_remedy() {
    let bench = Bench::new();
    let owner = Some(rustix::fs::Uid::from_raw(54_321));
    if rustix::fs::chown(bench.top(), owner, None).is_err() {
        println!("not allowed to change owners here: skipped");
        return;
    }
    rustix::fs::chown(bench.top().join(".git"), owner, None).unwrap();
    let error = Repository::discover(bench.top()).unwrap_err();
    assert!(error.to_string().contains("safe.directory"), "{error}");
}

#[test]
fn a_snapshot_names_everything_that_differs() {
    let bench = Bench::with_files(&[("kept", "1\n"), ("changed", "1\n"), ("gone", "1\n")]);
    bench.write(".gitignore", "*.log\n");
    bench.write("ignored.log", "1\n");
    bench.write("changed", "2\n");
    bench.remove("gone");
    bench.write("deep/new", "1\n");
    bench.write("own/state.json", "{}\n");
    bench.write("staged", "1\n");
    bench.git(&["add", "staged"]);
    bench.write("staged", "2\n");
    bench.write("embedded/x", "1\n");
    run_git(&bench.top().join("embedded"), &["init", "-q"]);
    let strange = std::ffi::OsStr::from_bytes(b"strange-\xff");
    fs_err::write(bench.top().join(strange), "1\n").unwrap();
    let index = fs_err::read(bench.repository.git_dir().join("index")).unwrap();

    let excluded = [path("own")];
    let options = SnapshotOptions {
        excluded: &excluded,
        baseline: None,
    };
    let snapshot = Snapshot::take(&bench.repository, &options).unwrap();

    let names: Vec<_> = snapshot.entries.keys().map(RepoPath::as_str).collect();
    assert_eq!(
        names,
        [".gitignore", "changed", "deep/new", "gone", "staged"]
    );
    assert_eq!(snapshot.entries[&path("gone")], None);
    assert_eq!(
        snapshot.staged.keys().collect::<Vec<_>>(),
        [&path("staged")]
    );
    assert_ne!(
        snapshot.staged[&path("staged")],
        snapshot.entries[&path("staged")]
    );
    let refused: Vec<_> = snapshot
        .unattributable
        .iter()
        .map(|it| (it.path.as_str(), it.reason))
        .collect();
    let expected = [
        ("embedded", UnattributableReason::EmbeddedRepository),
        ("strange-\\xff", UnattributableReason::Name),
    ];
    assert_eq!(refused, expected);
    let kept = snapshot.entries[&path("changed")].unwrap().blob;
    assert_eq!(bench.git(&["cat-file", "-p", &kept.to_string()]), "2\n");
    let untouched = fs_err::read(bench.repository.git_dir().join("index")).unwrap();
    assert_eq!(untouched, index, "the user's index is not touched");

    let text = serde_json::to_string(&snapshot).unwrap();
    assert_eq!(serde_json::from_str::<Snapshot>(&text).unwrap(), snapshot);
}

#[test]
fn submodules_are_named_and_left_alone() {
    let inner = Bench::new();
    let bench = Bench::new();
    let source = inner.top().to_str().unwrap();
    let add = [
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        source,
        "module",
    ];
    bench.git(&add);
    bench.git(&["commit", "-qm", "module"]);
    let deltas = bench.attempt(|| {
        bench.write("module/README.md", "changed\n");
        bench.write("new", "1\n");
    });
    assert_eq!(deltas.len(), 1, "{deltas:?}");
    let snapshot = bench.snapshot(None);
    let module = Unattributable {
        path: "module".to_owned(),
        reason: UnattributableReason::Submodule,
    };
    assert!(snapshot.unattributable.contains(&module), "{snapshot:?}");
}

#[test]
fn changes_are_differences_in_content_only() {
    let bench = Bench::new();
    bench.write("README.md", "dirty before\n");
    bench.write("src/lib.rs", &lines(&[(1, "dirty before")]));
    let before = bench.snapshot(None);
    // Committing what was dirty changes no content.
    bench.git(&["commit", "-qm", "by hand", "README.md"]);
    bench.write("src/lib.rs", LINES);
    bench.write("new", "1\n");
    bench.git(&["add", "new"]);
    let after = bench.snapshot(Some(&before));
    let found = changes(&before, &after, &bench.repository).unwrap();
    let shown: Vec<_> = found
        .iter()
        .map(|it| (it.path.as_str(), &it.origin))
        .collect();
    assert_eq!(
        shown,
        [
            ("new", &Origin::WorkTree),
            ("src/lib.rs", &Origin::WorkTree)
        ]
    );
    assert_eq!(staged_meanwhile(&before, &after), [path("new")].into());
}

#[test]
fn the_origin_tells_own_commits_from_foreign_ones() {
    let bench = Bench::new();
    let before = bench.snapshot(None);
    let request = bench.request(bench.attempt(|| bench.write("ours", "1\n")));
    bench.commit(&request);
    bench.write("theirs", "1\n");
    bench.git(&["add", "theirs"]);
    bench.git(&["commit", "-qm", "by hand"]);
    let hand: Oid = bench.git(&["rev-parse", "HEAD"]).trim().parse().unwrap();
    let after = bench.snapshot(Some(&before));
    let found = changes(&before, &after, &bench.repository).unwrap();
    let origins: Vec<_> = found
        .into_iter()
        .map(|it| (it.path.to_string(), it.origin))
        .collect();
    let expected = [
        ("ours".to_owned(), Origin::Ours(vec![request.operation])),
        ("theirs".to_owned(), Origin::Foreign(hand)),
    ];
    assert_eq!(origins, expected);
}

#[test]
fn an_unborn_branch_has_a_snapshot() {
    let bench = Bench::unborn();
    let deltas = bench.attempt(|| bench.write("new", "1\n"));
    assert_eq!(deltas.len(), 1);
    assert_eq!(bench.snapshot(None).head, None);
}

#[test]
fn the_environment_of_the_caller_does_not_reach_git() {
    let bench = Bench::new();
    let hook = bench.repository.git_dir().join("hooks/post-index-change");
    fs_err::create_dir_all(hook.parent().unwrap()).unwrap();
    fs_err::write(&hook, "#!/bin/sh\ntouch canary\n").unwrap();
    fs_err::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    bench.git(&["config", "core.fsmonitor", "touch canary; true"]);
    let deltas = bench.attempt(|| bench.write("new", "1\n"));
    bench.commit(&bench.request(deltas));
    assert!(!bench.top().join("canary").exists());
    assert!(!bench.repository.git_dir().join("canary").exists());
}
