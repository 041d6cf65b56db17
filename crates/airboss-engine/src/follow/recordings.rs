//! The recordings of the attempts in progress, heard as the runner hears them, and a look at
//! their processes.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use airboss_core::agent::{SessionUpdate, StreamParser};
use airboss_core::id::AttemptId;
use airboss_core::operation::{Operation, PlanKey, StoredOperation};
use airboss_core::process::ProcessIdentity;
use airboss_core::scene::{Change, Vitality};
use airboss_core::time::Timestamp;

use super::wake::Wake;
use crate::run::attempt_files::{AttemptFiles, directory};
use crate::supervise::{self, Reader, RecordedLine, Stream};

/// Attempts whose recordings are followed. A run has tens of them; stores that were killed very
/// often may hold more that nobody took over.
const FOLLOWED_MAX: usize = 256;

/// An attempt in progress.
struct Recording {
    plan: PlanKey,
    directory: PathBuf,
    supervisor: Option<ProcessIdentity>,
    heard: Option<(Reader, StreamParser)>,
    /// Its process has ended; it is only judged yet.
    ended: bool,
}

/// All of them.
pub(super) struct Recordings {
    state: PathBuf,
    open: BTreeMap<AttemptId, Recording>,
    /// The recordings themselves are wanted, not only which there are.
    listen: bool,
}

impl Recordings {
    /// `state` is Airboss's own directory.
    pub(super) fn new(state: PathBuf, listen: bool) -> Self {
        Self {
            state,
            open: BTreeMap::new(),
            listen,
        }
    }

    /// Whether there are any.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether a plan has an attempt in progress.
    pub(super) fn has_of(&self, plan: &PlanKey) -> bool {
        self.open.values().any(|recording| recording.plan == *plan)
    }

    /// Whether one has not been found yet.
    pub(super) fn awaits_any(&self) -> bool {
        let awaited = |it: &Recording| it.heard.is_none() && !it.ended;
        self.listen && self.open.values().any(awaited)
    }

    pub(super) fn clear(&mut self, wake: &mut Wake) {
        for attempt in std::mem::take(&mut self.open).into_keys() {
            wake.forget(attempt);
        }
    }

    /// An attempt is in progress.
    pub(super) fn begin(
        &mut self,
        attempt: AttemptId,
        plan: &PlanKey,
        supervisor: Option<ProcessIdentity>,
        ended: bool,
    ) {
        if self.open.len() >= FOLLOWED_MAX {
            return;
        }
        self.open.entry(attempt).or_insert_with(|| Recording {
            plan: plan.clone(),
            directory: directory(&self.state, attempt),
            supervisor,
            heard: None,
            ended,
        });
    }

    /// Takes what the log says of attempts.
    pub(super) fn operation(&mut self, stored: &StoredOperation, wake: &mut Wake) {
        match &stored.operation {
            Operation::AttemptDispatched { attempt, .. } => {
                self.begin(*attempt, &stored.plan, None, false);
            }
            Operation::AttemptSpawned {
                attempt,
                supervisor,
            } => {
                if let Some(recording) = self.open.get_mut(attempt) {
                    recording.supervisor = Some(supervisor.clone());
                }
            }
            Operation::AttemptEnded { attempt, .. } => {
                if let Some(recording) = self.open.get_mut(attempt) {
                    recording.ended = true;
                }
            }
            Operation::AttemptJudged { attempt } => {
                self.open.remove(attempt);
                wake.forget(*attempt);
            }
            _ => {}
        }
    }

    /// Looks for recordings that were not there before.
    pub(super) fn find(&mut self, wake: &mut Wake) -> Vec<Change> {
        let mut found = Vec::new();
        if !self.listen {
            return found;
        }
        for (attempt, recording) in &mut self.open {
            if recording.heard.is_some() {
                continue;
            }
            let Some(files) = AttemptFiles::read(&recording.directory) else {
                continue;
            };
            // Watched before it is read, so that nothing comes unnoticed in between.
            wake.watch_attempt(*attempt, &recording.directory);
            let reader = Reader::new(&recording.directory);
            recording.heard = Some((reader, StreamParser::new(files.format)));
            found.push(Change::Opened {
                attempt: *attempt,
                format: files.format,
                top: files.top.display().to_string(),
            });
        }
        found
    }

    /// The recordings that there are.
    pub(super) fn all(&self) -> HashSet<AttemptId> {
        self.open.keys().copied().collect()
    }

    /// Hears what is new of an attempt, about a megabyte at most; `None` when there is nothing.
    pub(super) fn hear(&mut self, attempt: AttemptId) -> Option<Change> {
        let (reader, parser) = self.open.get_mut(&attempt)?.heard.as_mut()?;
        loop {
            // What cannot be read now, or any more, is not there to be told.
            let lines = reader.poll().ok()?;
            if lines.is_empty() {
                return None;
            }
            let updates = parsed(parser, lines);
            if !updates.is_empty() {
                return Some(Change::Heard { attempt, updates });
            }
        }
    }

    /// What is left of an attempt whose process has ended.
    pub(super) fn last_words(&mut self, attempt: AttemptId) -> Option<Change> {
        let (reader, parser) = self.open.get_mut(&attempt)?.heard.as_mut()?;
        let rest = reader.finish();
        let updates = parsed(parser, rest);
        (!updates.is_empty()).then_some(Change::Heard { attempt, updates })
    }

    /// Looks at the processes of all that have not ended.
    pub(super) fn vitals(&mut self) -> Vec<(AttemptId, Vitality)> {
        let mut found = Vec::new();
        for (attempt, recording) in &mut self.open {
            if recording.ended {
                continue;
            }
            if recording.supervisor.is_none() {
                recording.supervisor = supervise::supervisor(&recording.directory);
            }
            // Without a supervisor nothing was started, or not yet.
            let Some(supervisor) = &recording.supervisor else {
                continue;
            };
            let vitality = match supervise::vitality(supervisor) {
                Vitality::Gone if supervise::outcome(&recording.directory).is_some() => {
                    Vitality::Ended
                }
                vitality => vitality,
            };
            found.push((*attempt, vitality));
        }
        found
    }
}

fn parsed(parser: &mut StreamParser, lines: Vec<RecordedLine>) -> Vec<(Timestamp, SessionUpdate)> {
    let mut updates = Vec::new();
    for line in lines {
        if line.stream == Stream::Stdout {
            let said = parser.parse(&line.bytes).into_iter();
            updates.extend(said.map(|update| (line.at, update)));
        }
    }
    updates
}
