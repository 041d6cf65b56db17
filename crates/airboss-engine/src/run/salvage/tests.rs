//! Artifacts that come late, and those that Airboss writes: never over or through anything.

use std::os::unix::fs::symlink;
use std::sync::mpsc::channel;

use tempfile::TempDir;

use super::*;

const DUE: &str = "specs/001_x/reports/research-001.md";

fn due() -> RepoPath {
    RepoPath::new(DUE).unwrap()
}

fn written(top: &TempDir) -> io::Result<bool> {
    write_new(top.path(), &due(), b"salvaged", ".draft")
}

/// A work tree in which something is at the path already.
fn with(place: impl Fn(&Path)) -> TempDir {
    let top = tempfile::tempdir().unwrap();
    fs_err::create_dir_all(top.path().join(DUE).parent().unwrap()).unwrap();
    place(&top.path().join(DUE));
    top
}

fn names(top: &TempDir) -> Vec<String> {
    let directory = top.path().join(DUE);
    let entries = fs_err::read_dir(directory.parent().unwrap()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn a_new_file_is_written_and_its_directories_made() {
    let top = tempfile::tempdir().unwrap();
    assert!(written(&top).unwrap());
    assert_eq!(fs_err::read(top.path().join(DUE)).unwrap(), b"salvaged");
    assert_eq!(names(&top), ["research-001.md"]);
    assert!(!written(&top).unwrap(), "a second time it is there");
}

#[test]
fn whatever_is_there_is_kept() {
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("target");
    let kept: [&dyn Fn(&Path); 5] = [
        &|path| fs_err::write(path, "own").unwrap(),
        &|path| fs_err::write(path, "").unwrap(),
        &|path| fs_err::create_dir(path).unwrap(),
        &|path| symlink(&target, path).unwrap(),
        &|path| symlink("/etc/hostname", path).unwrap(),
    ];
    for (number, place) in kept.into_iter().enumerate() {
        let top = with(place);
        let path = top.path().join(DUE);
        let before = fs_err::symlink_metadata(&path).unwrap();
        assert!(!written(&top).unwrap(), "{number}");
        let after = fs_err::symlink_metadata(&path).unwrap();
        assert_eq!(before.file_type(), after.file_type(), "{number}");
        assert_eq!(before.len(), after.len(), "{number}");
        assert_eq!(names(&top), ["research-001.md"], "{number}");
    }
    assert!(!target.exists());
}

#[test]
fn no_link_is_followed_on_the_way() {
    let outside = tempfile::tempdir().unwrap();
    fs_err::create_dir_all(outside.path().join("001_x/reports")).unwrap();
    for part in ["specs", "specs/001_x", "specs/001_x/reports"] {
        let top = tempfile::tempdir().unwrap();
        let link = top.path().join(part);
        fs_err::create_dir_all(link.parent().unwrap()).unwrap();
        let behind = part.trim_start_matches("specs").trim_start_matches('/');
        symlink(outside.path().join(behind), &link).unwrap();
        written(&top).unwrap_err();
        assert_eq!(beside(top.path(), &due()), (None, 0), "{part}");
    }
    let reports = outside.path().join("001_x/reports");
    assert_eq!(fs_err::read_dir(reports).unwrap().count(), 0);
}

#[test]
fn without_unnamed_files_it_is_the_same() {
    let top = with(|path| {
        // A crash left this.
        fs_err::write(path.with_file_name(".draft"), "half").unwrap();
    });
    let directory = open_directory(top.path(), &due(), false).unwrap();
    let link = || link_draft(".draft", &directory, due().file_name(), b"salvaged").unwrap();
    assert_eq!(link(), Ok(()));
    assert_eq!(fs_err::read(top.path().join(DUE)).unwrap(), b"salvaged");
    assert_eq!(link(), Err(Errno::EXIST));
    assert_eq!(names(&top), ["research-001.md"]);
}

#[test]
fn of_many_writers_one_wins() {
    let top = tempfile::tempdir().unwrap();
    let wins = thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|number| {
                let (top, draft) = (top.path(), format!(".draft-{number}"));
                scope.spawn(move || write_new(top, &due(), b"salvaged", &draft).unwrap())
            })
            .collect();
        let results = writers.into_iter().map(|writer| writer.join().unwrap());
        results.filter(|won| *won).count()
    });
    assert_eq!(wins, 1);
    assert_eq!(names(&top), ["research-001.md"]);
}

#[test]
fn a_late_file_ends_the_second_look() {
    let top = with(|_| {});
    let (looked, look) = channel();
    let due = due();
    thread::scope(|scope| {
        let path = top.path().join(DUE);
        scope.spawn(move || {
            look.recv().unwrap();
            fs_err::write(path, "late").unwrap();
        });
        assert!(!is_there(top.path(), &due));
        looked.send(()).unwrap();
        await_files(top.path(), [&due].into_iter());
        // On a machine that is too busy for it in a second the file is there soon.
    });
    assert!(is_there(top.path(), &due));
}

#[test]
fn the_second_look_ends() {
    let top = with(|path| fs_err::write(path, "").unwrap());
    let begin = Instant::now();
    await_files(top.path(), [&due()].into_iter());
    assert!(begin.elapsed() >= SECOND_LOOK);
}

#[test]
fn a_directory_is_told_by_its_first_names() {
    let top = with(|path| {
        for number in 0..12 {
            fs_err::write(path.with_file_name(format!("{number:02}.md")), "").unwrap();
        }
    });
    let (told, more) = beside(top.path(), &due());
    let told = told.unwrap();
    assert_eq!((told.len(), told[0].as_str(), more), (8, "00.md", 4));
    let top = tempfile::tempdir().unwrap();
    assert_eq!(beside(top.path(), &due()), (None, 0));
}
