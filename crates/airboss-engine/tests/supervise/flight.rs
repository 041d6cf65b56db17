//! One attempt with a real shell as its agent, and how to wait for what it does.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use airboss_core::id::AttemptId;
use airboss_core::process::ProcessOutcome;
use airboss_engine::clock::fresh_uuid;
use airboss_engine::supervise::{self, Handle, Limits, Reader, RecordedLine, Spec, Stop};
use tempfile::TempDir;

/// Nothing here takes seconds on its own; a machine under load may.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_airboss-supervisor-for-tests");

/// Asks again and again until there is an answer.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begin.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The living processes that were started with this attempt in their environment.
pub(crate) fn processes_of(attempt: AttemptId) -> Vec<u32> {
    let entry = format!("AIRBOSS_ATTEMPT={attempt}");
    let pids = fs_err::read_dir("/proc").unwrap().flatten();
    pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let environment = fs_err::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment
                .split(|&byte| byte == 0)
                .any(|found| found == entry.as_bytes())
        })
        .collect()
}

/// An agent that is this shell script, with limits that a test never meets by chance.
pub(crate) fn shell(script: &str) -> Spec {
    Spec {
        attempt: AttemptId::from_uuid(fresh_uuid()),
        fence: 7,
        program: PathBuf::from("/bin/sh"),
        arguments: vec!["-c".to_owned(), script.to_owned()],
        environment: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
        working_directory: PathBuf::from("/"),
        input: None,
        reports: false,
        limits: Limits {
            idle: PATIENCE,
            deadline: PATIENCE,
            ..Limits::default()
        },
    }
}

/// A started attempt. Dropping it proves that nothing of it is left.
pub(crate) struct Flight {
    pub(crate) attempt: AttemptId,
    pub(crate) handle: Handle,
    pub(crate) reader: Reader,
    seen: Vec<RecordedLine>,
    folder: TempDir,
}

impl Flight {
    /// Starts `spec` in a fresh folder, which is also where the agent runs.
    pub(crate) fn start(mut spec: Spec) -> Self {
        let folder = TempDir::new().unwrap();
        if spec.working_directory == Path::new("/") {
            spec.working_directory = folder.path().to_owned();
        }
        let directory = folder.path().join("attempt");
        let handle = supervise::start(Path::new(PROGRAM), &directory, &spec).unwrap();
        let reader = Reader::new(&directory);
        Self {
            attempt: spec.attempt,
            handle,
            reader,
            seen: Vec::new(),
            folder,
        }
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.folder.path().join("attempt")
    }

    /// The working directory of the agent.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Waits until the agent has said this line.
    pub(crate) fn await_line(&mut self, expected: &str) {
        let expected = format!("{expected}\n");
        until(&format!("the line {expected:?}"), || {
            self.seen.extend(self.reader.poll().unwrap());
            self.seen
                .iter()
                .any(|line| line.bytes == expected.as_bytes())
                .then_some(())
        });
    }

    pub(crate) fn stop(&self, how: Stop) {
        assert!(supervise::request_stop(self.handle.identity(), how).unwrap());
    }

    /// Waits for the end and checks what every end must have.
    pub(crate) fn end(&mut self) -> ProcessOutcome {
        until("the supervisor's end", || {
            self.handle.try_wait().unwrap().then_some(())
        });
        let directory = self.directory();
        let outcome = supervise::outcome(&directory);
        let log = fs_err::read_to_string(directory.join("supervisor.log")).unwrap();
        let outcome = outcome.unwrap_or_else(|| panic!("no outcome; the log says: {log}"));
        assert_eq!(log, "");
        assert_eq!((outcome.attempt, outcome.fence), (self.attempt, 7));
        assert_eq!(outcome.survivors, 0);
        assert!(outcome.started_at <= outcome.ended_at);
        assert!(!supervise::is_alive(self.handle.identity()));
        assert_eq!(processes_of(self.attempt), [0; 0]);
        outcome
    }

    /// Everything recorded, as a new reader sees it.
    pub(crate) fn recording(&self) -> Vec<RecordedLine> {
        read_all(&mut Reader::new(&self.directory()))
    }

    /// Everything recorded as text, stream by stream in the order of arrival.
    pub(crate) fn text(&self) -> String {
        let lines = self.recording();
        lines
            .iter()
            .map(|line| String::from_utf8_lossy(&line.bytes))
            .collect()
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let swept = supervise::sweep(self.attempt);
        if !std::thread::panicking() {
            assert_eq!(swept, supervise::Swept::default(), "something was left");
        }
    }
}

/// Reads until there is nothing more for now.
pub(crate) fn read_all(reader: &mut Reader) -> Vec<RecordedLine> {
    let mut lines = Vec::new();
    loop {
        let more = reader.poll().unwrap();
        if more.is_empty() {
            return lines;
        }
        lines.extend(more);
    }
}
