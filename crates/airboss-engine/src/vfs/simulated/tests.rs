//! The model itself: what a power cut may take, and what it may not.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::vfs::Vfs as _;

/// The contents that `name` may have after power cuts, over many seeds.
fn outcomes(act: &dyn Fn(&Process), name: &str) -> BTreeSet<Option<Vec<u8>>> {
    (0..200)
        .map(|seed| {
            let disk = Arc::new(Disk::new(&[Path::new("/d")]));
            let scheduler = Arc::new(Free(Arc::clone(&disk)));
            let process = Process::start(&disk, scheduler, 1, Faults::default());
            act(&process);
            disk.cut_power(&mut Random::new(seed));
            process.read(&Path::new("/d").join(name)).ok()
        })
        .collect()
}

fn put(process: &Process, path: &str, content: &[u8], sync: bool) {
    let mut file = process.create_new(Path::new(path)).unwrap();
    file.write_all(content).unwrap();
    if sync {
        file.sync().unwrap();
    }
}

#[test]
fn what_is_not_synced_may_be_lost_torn_or_kept() {
    let act = |process: &Process| {
        put(process, "/d/a", &[1; 1024], false);
        process.sync_directory(Path::new("/d")).unwrap();
    };
    let outcomes = outcomes(&act, "a");
    assert!(outcomes.contains(&Some(Vec::new())));
    assert!(outcomes.contains(&Some(vec![1; 1024])));
    let half = |mut first: Vec<u8>, second: u8| {
        first.resize(1024, second);
        Some(first)
    };
    assert!(outcomes.contains(&half(vec![1; 512], 0)));
    assert!(!outcomes.contains(&None));
}

#[test]
fn a_rename_happened_or_not_until_its_directory_is_synced() {
    let act = |process: &Process| {
        put(process, "/d/a", b"old", true);
        put(process, "/d/b", b"new", true);
        process.sync_directory(Path::new("/d")).unwrap();
        process
            .exchange(Path::new("/d/a"), Path::new("/d/b"))
            .unwrap();
    };
    let both = BTreeSet::from([Some(b"old".to_vec()), Some(b"new".to_vec())]);
    assert_eq!(outcomes(&act, "a"), both);
    let synced = |process: &Process| {
        act(process);
        process.sync_directory(Path::new("/d")).unwrap();
    };
    assert_eq!(
        outcomes(&synced, "a"),
        BTreeSet::from([Some(b"new".to_vec())])
    );
}

#[test]
fn a_sync_after_a_failed_one_lies() {
    let disk = Arc::new(Disk::new(&[Path::new("/d")]));
    let scheduler = Arc::new(Free(Arc::clone(&disk)));
    let faults = Faults {
        fail_at: Some((3, io::ErrorKind::Other)),
        ..Faults::default()
    };
    let process = Process::start(&disk, scheduler, 1, faults);
    let mut file = process.create_new(Path::new("/d/a")).unwrap();
    file.write_all(b"text").unwrap();
    assert!(file.sync().is_err());
    assert!(file.sync().is_ok());
    assert_eq!(process.failed(), 1);
    process.sync_directory(Path::new("/d")).unwrap();
    let mut durable = 0;
    disk.each_durable_file(&mut |_| durable += 1);
    assert_eq!(durable, 0);
}
