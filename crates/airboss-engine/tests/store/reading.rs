//! Readers beside writers: they write nothing, and see what is committed.

use super::*;

/// A process that keeps the store open and changes it when it is told to.
struct Writer {
    child: Child,
    said: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Writer {
    fn start(directory: &Path) -> Self {
        let words = ["obey", directory.to_str().unwrap()];
        let mut child = process(&words).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(hear(&mut said).as_deref(), Some("open"));
        Self { child, said }
    }

    fn mark(&mut self) -> u64 {
        writeln!(self.child.stdin.as_mut().unwrap(), "mark").unwrap();
        hear(&mut self.said).unwrap().parse().unwrap()
    }

    fn stop(mut self) {
        drop(self.child.stdin.take());
        self.said.for_each(drop);
        assert!(self.child.wait().unwrap().success());
    }
}

#[test]
fn a_reader_in_the_way_of_a_writer_is_named() {
    let directory = tempfile::tempdir().unwrap();
    drop(with_steps(directory.path(), 3));
    let reader = SqliteStore::open_reader(directory.path()).unwrap().unwrap();
    assert_eq!(reader.sequence().unwrap(), 1);
    let mut store = SqliteStore::open(directory.path()).unwrap();
    let error = mark_once(&mut store, "1.0").unwrap_err();
    assert!(error.to_string().contains("a reader"), "{error}");
    drop((store, reader));
    let mut store = SqliteStore::open(directory.path()).unwrap();
    let reader = SqliteStore::open_reader(directory.path()).unwrap().unwrap();
    mark_once(&mut store, "1.0").unwrap();
    assert_eq!(reader.sequence().unwrap(), 2);
}

#[test]
fn reading_writes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    assert!(SqliteStore::open_reader(directory).unwrap().is_none());
    assert!(
        SqliteStore::open_reader(&directory.join("none"))
            .unwrap()
            .is_none()
    );
    assert!(files(directory).is_empty());
    let check = |what: &str, expected: u64| {
        let before = files(directory);
        assert_eq!(read_everything(directory), expected, "{what}");
        assert_eq!(files(directory), before, "{what}");
    };
    drop(with_steps(directory, 3));
    // Connections of one process share the lock table, so the writer is another process.
    let mut writer = Writer::start(directory);
    check("while a writer is there", 1);
    assert_eq!(writer.mark(), 2);
    check("while the log grows", 2);
    writer.stop();
    assert!(directory.join("state.db-wal").exists(), "the log is kept");
    check("after the writer has gone", 2);
    put_away(directory);
    check("without a log", 2);
}

#[test]
fn a_reader_that_stays_sees_what_is_committed() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    drop(with_steps(directory, 3));
    let check = |reader: &SqliteStore| {
        let before = reader.sequence().unwrap();
        let mut writer = Writer::start(directory);
        writer.mark();
        assert_eq!(reader.sequence().unwrap(), before + 1, "beside a writer");
        writer.mark();
        writer.stop();
        assert_eq!(reader.sequence().unwrap(), before + 2, "after it");
    };
    let reader = SqliteStore::open_reader(directory).unwrap().unwrap();
    check(&reader);
    check(&reader);
    drop(reader);
    put_away(directory);
    let reader = SqliteStore::open_reader(directory).unwrap().unwrap();
    check(&reader);
    check(&reader);
}

#[test]
fn a_log_without_its_lock_table_is_left_to_writers() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    drop(with_steps(directory, 3));
    fs_err::remove_file(directory.join("state.db-shm")).unwrap();
    let before = files(directory);
    let error = SqliteStore::open_reader(directory).err().unwrap();
    assert!(
        error.to_string().contains("run any command that writes"),
        "{error}"
    );
    assert_eq!(files(directory), before);
    SqliteStore::open(directory).unwrap().sequence().unwrap();
    assert_eq!(read_everything(directory), 1);
}

#[test]
fn only_the_owner_can_read_it() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("a/b");
    drop(with_steps(&home, 1));
    let mode = |path: &Path| fs_err::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home), 0o700);
    assert_eq!(files(&home).len(), 4);
    for name in files(&home).into_keys() {
        assert_eq!(mode(&home.join(&name)), 0o600, "{name}");
    }
}
