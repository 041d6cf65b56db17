//! Who wrote a text: what git shows of it, also when it has gone on since.

use std::time::{Duration, UNIX_EPOCH};

use super::*;

fn readme() -> RepoPath {
    RepoPath::new("README.md").unwrap()
}

/// Who wrote what README.md says, by the time of the file and without it.
fn writers(bench: &Bench) -> (Writer, Writer) {
    let text = bench.read("README.md");
    let facts = fs_err::metadata(bench.top().join("README.md")).unwrap();
    let written = facts.modified().unwrap();
    let written = written.duration_since(UNIX_EPOCH).unwrap();
    let written = i128::try_from(written.as_nanos()).unwrap();
    let of = |written| {
        let writer = bench.repository.writer(&readme(), text.as_bytes(), written);
        writer.unwrap()
    };
    (of(Some(written)), of(None))
}

fn commit_of(bench: &Bench, revision: &str) -> Writer {
    Writer::Commit(bench.git(&["rev-parse", revision]).trim().parse().unwrap())
}

/// A commit of ours: it changes neither the file nor the time of the branch's log.
fn commit_beside(bench: &Bench, text: &str) {
    let path = bench.top().join("README.md");
    let (on_disk, facts) = (bench.read("README.md"), fs_err::metadata(&path).unwrap());
    bench.write("README.md", text);
    bench.git(&["commit", "-qam", "beside", "--date=2030-01-02T00:00:00Z"]);
    bench.write("README.md", &on_disk);
    let file = fs_err::OpenOptions::new().write(true).open(&path).unwrap();
    file.file().set_modified(facts.modified().unwrap()).unwrap();
}

#[test]
fn what_git_has_now_is_the_version_of_head_or_the_staged_one() {
    let bench = Bench::new();
    assert_eq!(writers(&bench).1, commit_of(&bench, "HEAD"));
    bench.write("README.md", "typed\n");
    assert_eq!(writers(&bench), (Writer::Unknown, Writer::Unknown));
    bench.git(&["add", "README.md"]);
    assert_eq!(writers(&bench), (Writer::Git, Writer::Git));
}

#[test]
fn what_head_was_at_when_it_was_written_is_gits_though_head_went_on() {
    let bench = Bench::new();
    bench.write("README.md", "thrown away\n");
    bench.git(&["stash", "-q"]);
    let at = commit_of(&bench, "HEAD");
    commit_beside(&bench, "two\n");
    commit_beside(&bench, "three\n");
    assert_eq!(writers(&bench), (at, Writer::Unknown));
}

#[test]
fn what_head_was_at_long_before_is_nobodys() {
    let bench = Bench::new();
    let text = bench.read("README.md");
    commit_beside(&bench, "two\n");
    let path = bench.top().join("README.md");
    fs_err::remove_file(&path).unwrap();
    bench.write("README.md", &text);
    let file = fs_err::OpenOptions::new().write(true).open(&path).unwrap();
    let later = file.metadata().unwrap().modified().unwrap() + Duration::from_secs(5);
    file.file().set_modified(later).unwrap();
    assert_eq!(writers(&bench), (Writer::Unknown, Writer::Unknown));
}

#[test]
fn what_a_merge_made_is_gits_and_what_was_kept_is_not() {
    let bench = Bench::new();
    bench.write("README.md", "one\ntwo\nstashed\n");
    bench.git(&["stash", "-q"]);
    bench.write("README.md", "first\ntwo\nthree\n");
    bench.git(&["commit", "-qam", "another line"]);
    bench.git(&["stash", "pop", "-q"]);
    assert_eq!(bench.read("README.md"), "first\ntwo\nstashed\n");
    assert_eq!(writers(&bench), (Writer::Git, Writer::Unknown));
    // What somebody saved in the moment of a publication is kept, and put back into its file.
    let saved = "saved\n";
    bench
        .repository
        .keep("displaced", saved.as_bytes())
        .unwrap();
    bench.write("README.md", saved);
    assert_eq!(writers(&bench), (Writer::Unknown, Writer::Unknown));
}

#[test]
fn what_git_brought_just_before_is_told_and_what_was_committed_is_not() {
    let bench = Bench::new();
    let first = bench.read("README.md");
    bench.write("README.md", "two\n");
    bench.git(&["commit", "-qam", "two"]);
    bench.write("README.md", "three\n");
    bench.git(&["commit", "-qam", "three"]);
    bench.git(&["checkout", "-q", "HEAD~2"]);
    let file = fs_err::File::open(bench.top().join("README.md")).unwrap();
    let modified = file.metadata().unwrap().modified().unwrap();
    let of = |later: u64| {
        let written = modified.duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(later);
        let written = i128::try_from(written.as_nanos()).unwrap();
        let brought = bench.repository.brought_before(&readme(), written).unwrap();
        brought
            .into_iter()
            .map(|text| String::from_utf8(text).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(of(0), [first]);
    assert_eq!(of(60), [""; 0]);
}
