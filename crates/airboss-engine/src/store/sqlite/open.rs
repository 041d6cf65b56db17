//! Opening a database: for writing, which creates and migrates it, and for reading, which
//! writes nothing, unless a killed writer has left SQLite's lock table half written.
//!
//! The database file is never opened by anything but SQLite: closing any other descriptor of it
//! would drop the locks of every connection in this process.

use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fs_err::os::unix::fs::OpenOptionsExt;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::fault::Fault;
use super::gate::{self, Gate};
use super::schema;
use crate::clock;
use crate::store::{StoreError, place};

/// The name of the database inside its directory.
pub(crate) const DATABASE: &str = "state.db";

/// Older ones corrupt a database when a checkpoint and a write meet in the wrong way.
const SQLITE_OLDEST: i32 = 3_051_003;

/// A reader hardly ever waits: only while a writer repairs the lock table after a crash.
const READ_PATIENCE: Duration = Duration::from_secs(8);

/// The longest pause between two tries; about as long as one writer takes.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// So long a reader waits for a writer that puts right what a killed one left.
const RECOVERED_WITHIN: Duration = Duration::from_secs(2);

/// When the log is larger, its writer copies it into the database and empties it.
///
/// The first process after a pause reads the whole log, 0.6 ms for a mebibyte, and the status of a
/// task writes about 60 KiB: so eight of them share one checkpoint, and none pays much for reading.
const LOG_MAX: u64 = 512 << 10;

/// Of so many changes that were written over an older part of a large log, one tries to empty it.
const LOG_TRIES: u32 = 8;

/// More statements than the store has, so that each is prepared once.
const STATEMENTS: usize = 128;

/// Opens for writing. A missing database is created, an older one migrated.
pub(super) fn for_writing(
    directory: &Path,
    gate: Option<&mut Gate>,
    patience: Duration,
) -> Result<Connection, Fault> {
    let mut connection = writable(&directory.join(DATABASE), patience)?;
    let (found, newest) = (
        schema::version(&connection)?,
        schema::newest(schema::VERSIONS),
    );
    if found > newest {
        return Err(Fault::Newer { found });
    }
    if found < newest {
        // The gate spares newcomers the wait for each other; SQLite's own lock decides.
        let _passage = gate.map(Gate::enter);
        use_log(&connection, patience)?;
        schema::migrate(&mut connection, schema::VERSIONS)?;
    }
    Ok(connection)
}

/// Creates the directory and an empty file that only its owner may read.
pub(super) fn prepare(directory: &Path) -> Result<(), StoreError> {
    assert!(
        rusqlite::version_number() >= SQLITE_OLDEST,
        "the bundled SQLite is too old; it was linked against another one"
    );
    place::require_local(directory)?;
    let io = |error: std::io::Error| StoreError::Io {
        path: directory.to_owned(),
        message: error.to_string(),
    };
    let path = directory.join(DATABASE);
    match fs_err::symlink_metadata(&path) {
        Ok(facts) if facts.is_file() => return Ok(()),
        Ok(_) => {
            return Err(StoreError::Io {
                path,
                message: "it is not a regular file; move it away".to_owned(),
            });
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(io(error)),
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(io)?;
    // Linked into place when it is closed, because nobody but SQLite may open the database.
    let seed = directory.join(format!("{DATABASE}.new-{}", clock::fresh_uuid().simple()));
    fs_err::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&seed)
        .map_err(io)?;
    let linked = fs_err::hard_link(&seed, &path);
    fs_err::remove_file(&seed).map_err(io)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(io(error)),
        _ => Ok(()),
    }
}

/// A connection that may write; nothing has been read yet.
fn writable(path: &Path, patience: Duration) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    configure(&mut connection, patience)?;
    Ok(connection)
}

fn configure(connection: &mut Connection, patience: Duration) -> Result<(), Fault> {
    wait_for_locks(connection, patience)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // A plan that may depend on values is made anew for each of them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Without the first two an acknowledged commit could be lost; with the third a failing disk
    // would end the process. None of them reads the file.
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA mmap_size = 0; \
         PRAGMA wal_autocheckpoint = 0;",
    )?;
    Ok(())
}

fn wait_for_locks(connection: &mut Connection, patience: Duration) -> Result<(), Fault> {
    let mut began = Instant::now();
    connection.busy_handler(Some(move |tries: i32| {
        if tries == 0 {
            began = Instant::now();
        }
        std::thread::sleep(clock::jitter(BUSY_PAUSE));
        began.elapsed() < patience
    }))?;
    Ok(())
}

/// How long the log is.
pub(super) fn log_length(directory: &Path) -> u64 {
    let log = sibling(&directory.join(DATABASE), "-wal");
    fs_err::metadata(log).map_or(0, |facts| facts.len())
}

/// Empties the log if it is large and nobody reads in it; otherwise a later writer will.
///
/// SQLite's own checkpoint leaves the log as it is and remembers in the lock table that it may
/// be overwritten. Among processes that live for one change nobody would ever remember.
///
/// Where somebody always reads it cannot be emptied, and each try costs two syncs. So it is not
/// tried with every change, but when the log has grown by as much once more.
pub(super) fn tidy_log(
    directory: &Path,
    connection: &mut Connection,
    patience: Duration,
    before: u64,
) -> Result<(), Fault> {
    let length = log_length(directory);
    let is_due = if length == before {
        clock::one_in(LOG_TRIES)
    } else {
        length / LOG_MAX != before / LOG_MAX
    };
    if length > LOG_MAX && is_due {
        connection.busy_timeout(Duration::ZERO)?;
        let tidied = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        wait_for_locks(connection, patience)?;
        tidied?;
    }
    Ok(())
}

/// Switches a fresh database to the write-ahead log. The switch is stored in the file.
fn use_log(connection: &Connection, patience: Duration) -> Result<(), Fault> {
    let began = Instant::now();
    loop {
        let switched = connection.query_row("PRAGMA journal_mode = WAL", [], |row| {
            row.get::<_, String>(0)
        });
        match switched.map_err(Fault::from) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => return Err(Fault::Bug(format!("the journal mode is `{mode}`"))),
            // SQLite does not wait for this lock by itself.
            Err(fault) if fault.is_busy() && began.elapsed() < patience => {
                std::thread::sleep(clock::jitter(BUSY_PAUSE));
            }
            Err(fault) => return Err(fault),
        }
    }
}

/// How the files of a database looked when a reader opened it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Look {
    inode: u64,
    length: u64,
    changed: (i64, i64),
}

/// How many readers this process has, to explain what they can do to its writers.
static READERS: AtomicUsize = AtomicUsize::new(0);

/// Whether this process has a reader.
pub(super) fn has_readers() -> bool {
    READERS.load(Ordering::Relaxed) > 0
}

/// A connection that writes nothing, not even SQLite's own lock table.
///
/// All connections of one process share one mapping of that table, and the first decides
/// whether it can be written. So a process that writes must not have a reader before.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) connection: Connection,
    /// Set when there was no log: the database was opened as a file that nobody changes.
    still: Option<Look>,
}

impl Reader {
    /// `None` when there is no database yet.
    pub(super) fn open(directory: &Path) -> Result<Option<Self>, StoreError> {
        let path = directory.join(DATABASE);
        let Some(look) = look(&path) else {
            return Ok(None);
        };
        place::require_local(directory)?;
        let has_log = has_log(&path);
        if has_log && !sibling(&path, "-shm").exists() {
            return Err(StoreError::Io {
                path,
                message: "its lock table (-shm) is missing and a command that only reads must \
                          not create it; run any command that writes"
                    .to_owned(),
            });
        }
        let options = if has_log {
            "readonly_shm=1"
        } else {
            "immutable=1"
        };
        let open = || -> Result<(Connection, i64), Fault> {
            let connection = open_uri(&path, options)?;
            let found = schema::version(&connection)?;
            Ok((connection, found))
        };
        let opened = match open() {
            Err(fault) if fault.needs_recovery() && !has_readers() => {
                // Whoever may not write waits for somebody who does.
                put_right(&path).ok();
                until_recovered(open)
            }
            opened => opened,
        };
        let (connection, found) = opened.map_err(|fault| fault.at(&path))?;
        let known = schema::newest(schema::VERSIONS);
        if found == 0 {
            return Ok(None);
        }
        if found > known {
            return Err(Fault::Newer { found }.at(&path));
        }
        if found < known {
            return Err(StoreError::Io {
                path,
                message: format!(
                    "it has schema version {found} and {known} is needed; \
                     any command that writes brings it forward"
                ),
            });
        }
        READERS.fetch_add(1, Ordering::Relaxed);
        Ok(Some(Self {
            connection,
            still: (!has_log).then_some(look),
        }))
    }

    /// Whether what was just read is one state of the database.
    ///
    /// With a log SQLite guarantees it. Without one nobody was writing when it was opened, and
    /// nobody may have begun since: a writer creates a log before anything else.
    pub(super) fn is_valid(&self, directory: &Path) -> bool {
        let path = directory.join(DATABASE);
        match &self.still {
            None => true,
            Some(before) => !has_log(&path) && look(&path).as_ref() == Some(before),
        }
    }
}

/// Puts the lock table right that a killed writer left half written. It is SQLite's own, and says
/// nothing but where in the log things are; nothing of the database changes.
fn put_right(path: &Path) -> Result<(), Fault> {
    schema::version(&writable(path, RECOVERED_WITHIN)?).map(drop)
}

/// Asks again while what a killed writer left of the lock table has to be put right: the next
/// writer does it, and where there are several, it is there already.
pub(super) fn until_recovered<T>(mut ask: impl FnMut() -> Result<T, Fault>) -> Result<T, Fault> {
    let began = Instant::now();
    loop {
        match ask() {
            Err(fault) if fault.needs_recovery() && began.elapsed() < RECOVERED_WITHIN => {
                std::thread::sleep(clock::jitter(BUSY_PAUSE));
            }
            found => return found,
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        READERS.fetch_sub(1, Ordering::Relaxed);
    }
}

fn open_uri(path: &Path, options: &str) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let absolute = std::path::absolute(path)
        .map_err(|error| Fault::Bug(format!("{}: {error}", path.display())))?;
    let mut uri = "file://".to_owned();
    for byte in absolute.as_os_str().as_encoded_bytes() {
        // What a URI gives a meaning to is escaped, and so is what is not ASCII.
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => uri.push(char::from(*byte)),
            _ if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
            _ => uri.extend(['%', hex(byte >> 4), hex(byte & 15)]),
        }
    }
    uri.push('?');
    uri.push_str(options);
    let mut connection = Connection::open_with_flags(uri, flags)?;
    configure(&mut connection, READ_PATIENCE)?;
    Ok(connection)
}

fn hex(digit: u8) -> char {
    char::from_digit(u32::from(digit), 16).unwrap_or('0')
}

fn look(path: &Path) -> Option<Look> {
    let facts = fs_err::metadata(path).ok()?;
    Some(Look {
        inode: facts.ino(),
        length: facts.len(),
        changed: (facts.mtime(), facts.mtime_nsec()),
    })
}

fn has_log(path: &Path) -> bool {
    fs_err::metadata(sibling(path, "-wal")).is_ok_and(|facts| facts.len() > 0)
}

fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Moves a damaged database aside, with its log, and returns where it is now.
///
/// It is looked at again behind the gate: the one that is there by now may be a new one, made
/// by another process that found the same damage. Nothing is ever written to it.
pub(super) fn set_aside(directory: &Path) -> Option<PathBuf> {
    let mut gate = Gate::new(directory, gate::PATIENCE);
    let passage = gate.enter();
    if !passage.is_locked() || !is_damaged(directory) {
        return None;
    }
    let path = directory.join(DATABASE);
    let aside = sibling(&path, &format!(".damaged-{}", clock::now().as_millis()));
    fs_err::rename(&path, &aside).ok()?;
    for suffix in ["-wal", "-shm"] {
        // Without the database they mean nothing, but a new one must not meet them.
        fs_err::rename(sibling(&path, suffix), sibling(&aside, suffix)).ok();
    }
    Some(aside)
}

fn is_damaged(directory: &Path) -> bool {
    let checked = writable(&directory.join(DATABASE), READ_PATIENCE).and_then(|connection| {
        let answer =
            connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))?;
        Ok(answer)
    });
    match checked {
        Ok(answer) => answer != "ok",
        Err(fault) => fault.is_damage(),
    }
}
