//! Files that are no store of this version: moved aside, or refused, and unchanged.

use super::*;

fn outcome(directory: &Path) -> (StoreError, StoreError) {
    let writer = SqliteStore::open(directory).err().expect("opened");
    let reader = SqliteStore::open_reader(directory).err().expect("opened");
    (writer, reader)
}

#[test]
fn a_newer_database_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    drop(with_steps(directory, 1));
    put_away(directory);
    let connection = Connection::open(directory.join("state.db")).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    put_away(directory);
    let before = fs_err::read(directory.join("state.db")).unwrap();
    let (writer, reader) = outcome(directory);
    for error in [writer, reader] {
        assert!(
            matches!(error, StoreError::Newer { found: 99, .. }),
            "{error}"
        );
        assert!(error.to_string().contains("update airboss"));
        assert_eq!(error.exit_code(), 74);
    }
    assert_eq!(fs_err::read(directory.join("state.db")).unwrap(), before);
}

fn aside(directory: &Path) -> Option<PathBuf> {
    let is_database = |name: &String| {
        name.contains(".damaged-") && !name.ends_with("-wal") && !name.ends_with("-shm")
    };
    let name = files(directory).into_keys().find(is_database)?;
    Some(directory.join(name))
}

#[test]
fn what_is_not_a_database_is_moved_aside_unchanged() {
    for garbage in ["hello", &"no database at all\n".repeat(1_000)] {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        fs_err::write(directory.join("state.db"), garbage).unwrap();
        let before = files(directory);
        let error = SqliteStore::open_reader(directory).err().unwrap();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        assert_eq!(files(directory), before, "a reader moves nothing");
        let error = SqliteStore::open(directory).err().unwrap();
        let aside = aside(directory).unwrap();
        assert!(
            error.to_string().contains(aside.to_str().unwrap()),
            "{error}"
        );
        assert_eq!(fs_err::read_to_string(aside).unwrap(), garbage);
        drop(with_steps(directory, 1));
    }
}

#[test]
fn a_damaged_database_is_moved_aside_unchanged() {
    let empty = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(empty.path()).unwrap());
    put_away(empty.path());
    let schema = length_of(&empty.path().join("state.db"));
    // The schema with everything that follows, found at once; and only what follows it, found
    // by the first command that needs it.
    for intact in [4_096, schema] {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        drop(with_steps(directory, 200));
        put_away(directory);
        let path = directory.join("state.db");
        let mut content = fs_err::read(&path).unwrap();
        content[intact..].fill(0xA5);
        fs_err::write(&path, &content).unwrap();
        let opened = SqliteStore::open(directory);
        assert_eq!(opened.is_ok(), intact == schema);
        let error = opened.and_then(|mut store| mark_once(&mut store, "1.0"));
        let error = error.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        assert!(!path.exists());
        let aside = aside(directory).unwrap();
        assert!(
            error.to_string().contains(aside.to_str().unwrap()),
            "{error}"
        );
        assert_eq!(fs_err::read(aside).unwrap(), content);
        drop(with_steps(directory, 1));
        assert_eq!(read_everything(directory), 1);
    }
}

fn length_of(path: &Path) -> usize {
    usize::try_from(fs_err::metadata(path).unwrap().len()).unwrap()
}

#[test]
fn an_empty_file_is_a_new_database() {
    let directory = tempfile::tempdir().unwrap();
    fs_err::write(directory.path().join("state.db"), "").unwrap();
    assert!(
        SqliteStore::open_reader(directory.path())
            .unwrap()
            .is_none()
    );
    drop(with_steps(directory.path(), 1));
    assert_eq!(read_everything(directory.path()), 1);
}

#[test]
fn a_directory_or_a_link_in_its_place_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    fs_err::create_dir(&path).unwrap();
    let (writer, reader) = outcome(directory.path());
    assert!(matches!(writer, StoreError::Io { .. }), "{writer}");
    assert!(matches!(reader, StoreError::Io { .. }), "{reader}");
    fs_err::remove_dir(&path).unwrap();
    std::os::unix::fs::symlink("/nowhere/else", &path).unwrap();
    let error = SqliteStore::open(directory.path()).err().unwrap();
    assert!(error.to_string().contains("not a regular file"), "{error}");
}
