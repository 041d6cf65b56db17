//! Small scripts, and the disks that a power cut leaves of them.
#![expect(clippy::print_stdout, reason = "a skipped test says so")]

use std::collections::BTreeSet;

use super::*;
use crate::Tracer;

/// Every content of `file` on any disk after the last call of a script; `None` is no file.
#[track_caller]
fn check(script: &str, file: &str, expected: &[Option<&str>]) {
    if let Some(reason) = crate::unavailable() {
        println!("{reason}");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("old"), "old").unwrap();
    let (_, recording) = Tracer::new("/bin/sh")
        .arguments(["-c", script])
        .directory(directory.path())
        .env("PATH", std::env::var_os("PATH").unwrap())
        .record(directory.path())
        .unwrap();
    let images = recording.images(1, 8, &[]);
    let last = images.iter().map(|image| image.cut).max().unwrap();
    assert!(last <= recording.changes());
    let mut disk = Disk::new(&recording.recorder);
    for change in &recording.recorder.changes {
        disk.apply(change);
    }
    let mut found = BTreeSet::new();
    for (names, data) in [
        (Fate::Lost, Fate::Lost),
        (Fate::Kept, Fate::Kept),
        (Fate::Kept, Fate::Lost),
        (Fate::Lost, Fate::Kept),
    ] {
        let files = disk.left(names, data, &[], &mut Chance(1));
        let image = Image {
            cut: last,
            told: false,
            went: std::time::UNIX_EPOCH,
            words: String::new(),
            files,
        };
        let text = image.file(Path::new(file)).map(<[u8]>::to_vec);
        found.insert(text.map(|bytes| String::from_utf8(bytes).unwrap()));
    }
    let expected: BTreeSet<_> = expected
        .iter()
        .map(|text| text.map(str::to_owned))
        .collect();
    assert_eq!(
        found, expected,
        "{script}: {:#?}",
        recording.recorder.changes
    );
}

#[test]
fn what_was_not_synced_may_be_lost_in_part_or_whole() {
    check("echo new > file", "file", &[None, Some(""), Some("new\n")]);
    check("echo new > file; sync file", "file", &[None, Some("new\n")]);
    check(
        "echo new > file; sync file; sync .",
        "file",
        &[Some("new\n")],
    );
    check(
        "echo new > file; sync .",
        "file",
        &[Some(""), Some("new\n")],
    );
    check("echo more >> old", "old", &[Some("old"), Some("oldmore\n")]);
    check("echo new > file; sync", "file", &[Some("new\n")]);
}

#[test]
fn a_rename_without_a_sync_of_its_data_may_leave_an_empty_file() {
    let script = "echo new > file; mv -T file old";
    check(script, "old", &[Some("old"), Some(""), Some("new\n")]);
    let script = "echo new > file; sync file; mv -T file old";
    check(script, "old", &[Some("old"), Some("new\n")]);
    let script = "echo new > file; sync file; mv -T file old; sync .";
    check(script, "old", &[Some("new\n")]);
    check(script, "file", &[None]);
}

#[test]
fn links_removals_and_directories_are_names_too() {
    check("ln old second", "second", &[None, Some("old")]);
    check("rm old", "old", &[None, Some("old")]);
    check("rm old; sync .", "old", &[None]);
    check("mkdir d; ln old d/x; sync d", "d/x", &[None, Some("old")]);
    check("mkdir d; sync .; ln old d/x; sync d", "d/x", &[Some("old")]);
    // A rename between two directories is one change.
    check("mkdir d; sync .; mv old d/x; sync d", "old", &[None]);
}

#[test]
fn sectors_of_one_write_are_kept_one_by_one() {
    let mut content = vec![b'a'; 1024];
    let change = Change::Write {
        file: 0,
        offset: 500,
        data: vec![b'b'; 600],
    };
    write(&mut content, &change, |sector| sector != 1);
    let of = |byte: u8| content.iter().filter(|found| **found == byte).count();
    assert_eq!((of(b'a'), of(b'b'), content.len()), (1012, 88, 1100));
}

#[test]
fn images_depend_on_the_seed_alone_and_can_be_made_real() {
    if let Some(reason) = crate::unavailable() {
        println!("{reason}");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    fs::create_dir(&root).unwrap();
    let script = "i=0; while [ $i -lt 9 ]; do echo $i > $i; i=$((i + 1)); done; ln -s 0 link";
    let (_, recording) = Tracer::new("/bin/sh")
        .arguments(["-c", script])
        .directory(&root)
        .env("PATH", std::env::var_os("PATH").unwrap())
        .record(&root)
        .unwrap();
    let words = |seed: u64| -> Vec<_> {
        let images = recording.images(seed, 6, &["3"]);
        assert!(
            images
                .iter()
                .all(|image| image.file(Path::new("3")).is_none())
        );
        let disk = Disk::new(&recording.recorder);
        let digests = images.iter().map(|image| disk.digest(&image.files));
        digests.collect()
    };
    assert_eq!(words(7), words(7));
    assert_ne!(words(7), words(8));
    let images = recording.images(7, 6, &[]);
    let kept = images
        .iter()
        .rfind(|image| image.words == "names kept, data kept");
    let made = directory.path().join("made");
    kept.unwrap().materialise(&made).unwrap();
    assert_eq!(fs::read_to_string(made.join("link")).unwrap(), "0\n");
    assert_eq!(fs::read_dir(&made).unwrap().count(), 10);
}
