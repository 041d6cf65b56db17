//! Contents that git holds: versions, sides of a merge, and what a checkout leaves.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::*;

fn readme() -> RepoPath {
    RepoPath::new("README.md").unwrap()
}

#[test]
fn a_kept_content_survives_a_collection_of_garbage() {
    let bench = Bench::new();
    let blob = bench.repository.keep("quarantine", b"torn\0text").unwrap();
    bench.git(&["gc", "-q", "--prune=now"]);
    assert_eq!(bench.git(&["cat-file", "-s", &blob.to_string()]), "9\n");
    bench.git(&["fsck", "--strict"]);
    // Twice is once.
    let again = bench.repository.keep("quarantine", b"torn\0text").unwrap();
    assert_eq!(again, blob);
}

#[test]
fn what_a_killed_process_left_keeps_nobody_from_keeping() {
    let bench = Bench::new();
    let keep = || bench.repository.keep("displaced", b"typed");
    let blob = keep().unwrap();
    let name = format!("refs/airboss/displaced/{blob}");
    let reference = bench.top().join(".git").join(&name);
    fs_err::write(reference.with_extension("lock"), "").unwrap();
    fs_err::remove_file(&reference).unwrap();
    assert_eq!(keep().unwrap(), blob);
    assert_eq!(bench.git(&["rev-parse", &name]), format!("{blob}\n"));
}

#[test]
fn a_content_that_a_power_cut_tore_is_kept_anew() {
    let bench = Bench::new();
    let keep = || bench.repository.keep("displaced", b"typed");
    let object = bench.repository.loose_object(keep().unwrap().to_gix());
    fs_err::remove_file(&object).unwrap();
    fs_err::write(&object, "").unwrap();
    let blob = keep().unwrap().to_string();
    assert_eq!(bench.git(&["cat-file", "blob", &blob]), "typed");
}

#[test]
fn a_content_is_kept_beside_references_that_are_packed() {
    let bench = Bench::new();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                bench.git(&["pack-refs", "--all"]);
            }
        });
        let keep = |number| {
            let text = format!("save {number}");
            bench.repository.keep("displaced", text.as_bytes())
        };
        let kept: Result<Vec<_>, _> = (0..100).map(keep).collect();
        is_over.store(true, Ordering::Relaxed);
        kept.unwrap();
    });
    let kept = bench.git(&["for-each-ref", "refs/airboss/displaced"]);
    assert_eq!(kept.lines().count(), 100);
}

#[test]
fn versions_bear_the_time_of_the_commit_that_brought_them() {
    let bench = Bench::new();
    for (text, day) in [("a\n", "02"), ("a\n", "03"), ("b\n", "04")] {
        bench.write("README.md", text);
        bench.git(&["add", "-A"]);
        let date = format!("--date=2030-01-{day}T00:00:00Z");
        let name = format!("user.name=day {day}");
        bench.git(&["-c", &name, "commit", "-qm", day, "--allow-empty", &date]);
    }
    let versions = bench.repository.versions(&readme(), 100).unwrap();
    let texts: Vec<_> = versions.iter().map(|(_, text)| text.as_slice()).collect();
    assert_eq!(texts, [&b"b\n"[..], b"a\n", b"one\ntwo\nthree\n"]);
    assert!(versions.is_sorted_by(|newer, older| newer.0 >= older.0));
    assert_eq!(bench.repository.versions(&readme(), 1).unwrap().len(), 1);
}

#[test]
fn a_revision_is_looked_up_by_name() {
    let bench = Bench::new();
    bench.write("README.md", "next\n");
    bench.git(&["commit", "-qam", "next"]);
    let of = |revision: &str| bench.repository.revision_file(revision, &readme());
    assert_eq!(of("HEAD").unwrap().unwrap(), b"next\n");
    assert_eq!(of("HEAD~1").unwrap().unwrap(), b"one\ntwo\nthree\n");
    let words = of("nowhere").unwrap_err().to_string();
    assert!(words.contains("`nowhere` is no revision"), "{words}");
    let missing = RepoPath::new("missing").unwrap();
    assert_eq!(
        bench.repository.revision_file("HEAD", &missing).unwrap(),
        None
    );
}

#[test]
fn a_conflict_has_three_sides() {
    let bench = Bench::new();
    assert_eq!(bench.repository.sides(&readme()).unwrap(), None);
    bench.git(&["checkout", "-qb", "theirs"]);
    bench.write("README.md", "theirs\n");
    bench.git(&["commit", "-qam", "theirs"]);
    bench.git(&["checkout", "-q", "main"]);
    bench.write("README.md", "ours\n");
    bench.git(&["commit", "-qam", "ours"]);
    run_git_that_stops(bench.top(), &["merge", "-q", "theirs"]);
    let sides = bench.repository.sides(&readme()).unwrap().unwrap();
    let texts = sides.map(|side| String::from_utf8(side.unwrap()).unwrap());
    assert_eq!(texts, ["one\ntwo\nthree\n", "ours\n", "theirs\n"]);
}
