//! status.json, the plan's state for people and other programs.
//!
//! [`StatusFile::read`] never fails: it gives what it understood and a list of problems.
//! [`splice`](splice::splice) changes only the bytes of owned fields that differ from the
//! store; [`render`](splice::render) makes a new file; [`import`](import::import) takes over
//! what a file says when its plan is first registered. The store is the truth, always.

pub mod import;
pub mod splice;

use serde_json::Value;

use crate::id::StepId;
use crate::json::{Document, Object};
use crate::operation::StepStatus;
use crate::step::StepState;
use crate::time::Timestamp;
use crate::view::{Counts, Run};

/// The newest version of the format that is known here.
pub const VERSION: u64 = 2;

/// What a status.json says.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct StatusFile {
    /// 1 when it does not say.
    pub version: u64,
    /// Why it cannot be used as it is.
    pub damage: Option<Damage>,
    /// The plan's path as written.
    pub plan_path: Option<String>,
    /// The plan's name as written.
    pub plan_name: Option<String>,
    /// The plan's hash at the newest write.
    pub plan_hash: Option<String>,
    /// The phase that was current at the newest write.
    pub current_phase: Option<String>,
    /// The tasks in the order of the file.
    pub tasks: Vec<FileTask>,
    /// The runs in the order of the file.
    pub runs: Vec<FileRun>,
    /// The stored summary as far as it is complete.
    pub summary: Option<Counts>,
    /// What was not as it should be, one sentence each.
    pub warnings: Vec<String>,
}

/// Why a status.json cannot be written to as it is.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Damage {
    /// It is no JSON.
    #[error("line {line} is no JSON ({message})")]
    Corrupt {
        /// From 1.
        line: usize,
        /// The parser's words.
        message: String,
    },
    /// It is JSON, but no status.json.
    #[error("it is no status.json: {message}")]
    Foreign {
        /// What is missing.
        message: String,
    },
    /// A newer program wrote it.
    #[error("it has version {version}, and this airboss knows versions up to {VERSION}")]
    Newer {
        /// Its version.
        version: u64,
    },
}

/// One task of the file.
#[derive(Clone, PartialEq, Debug)]
pub struct FileTask {
    /// Its id.
    pub id: StepId,
    /// Its phase as written: `Phase 1: Measure`, or `1`.
    pub phase: String,
    /// Its description, or its title.
    pub description: String,
    /// The status as written.
    pub status_word: String,
    /// The status, when the word is known.
    pub status: Option<StepStatus>,
    /// The fields that belong to a step's state.
    pub state: StepState,
    /// The tasks that it waits for.
    pub dependencies: Vec<StepId>,
}

/// One run of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileRun {
    /// Its id as written.
    pub id: String,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// Tasks completed in it.
    pub completed: u64,
    /// Tasks failed in it.
    pub failed: u64,
}

/// The id of a run in status.json: `run-<ms>`.
#[must_use]
pub fn run_id_text(run: &Run) -> String {
    format!("run-{}", run.started_at.as_millis())
}

/// The phase of a task as status.json has it: `Phase 1: Measure`.
#[must_use]
pub fn phase_text(key: &str, title: &str) -> String {
    let label = if key.starts_with(|character: char| character.is_ascii_digit()) {
        format!("Phase {key}")
    } else {
        key.to_owned()
    };
    match title {
        "" => label,
        _ if title == key => label,
        _ => format!("{label}: {title}"),
    }
}

impl StatusFile {
    /// Reads any text.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut file = Self {
            version: 1,
            ..Self::default()
        };
        match Document::parse(text) {
            Ok(document) => match document.object() {
                Some(root) => file.read_root(root),
                None => {
                    let message = "its root is no object".to_owned();
                    file.damage = Some(Damage::Foreign { message });
                }
            },
            Err(error) => {
                file.damage = Some(Damage::Corrupt {
                    line: error.line,
                    message: error.message,
                });
            }
        }
        file
    }

    fn read_root(&mut self, root: &Object<'_>) {
        self.version = root.value("version").unwrap_or(1);
        if self.version > VERSION {
            self.damage = Some(Damage::Newer {
                version: self.version,
            });
        }
        let text = |name: &str| root.text(name).map(std::borrow::Cow::into_owned);
        self.plan_path = text("planPath");
        self.plan_name = text("planName");
        self.plan_hash = text("planHash");
        self.current_phase = text("currentPhase");
        let Some(tasks) = root.array("tasks") else {
            let message = "it has no list `tasks`".to_owned();
            self.damage.get_or_insert(Damage::Foreign { message });
            return;
        };
        for (position, task) in tasks.items().iter().enumerate() {
            match task.object().and_then(|members| self.read_task(&members)) {
                Some(task) => self.tasks.push(task),
                None => self.warn(format!("tasks[{position}] has no id and is left alone")),
            }
        }
        let runs = root.array("runs");
        for run in runs.iter().flat_map(|runs| runs.items()) {
            match run.object().as_ref().and_then(read_run) {
                Some(run) => {
                    if run.completed_at.is_none() {
                        self.warn(format!("run {} never ended", run.id));
                    }
                    self.runs.push(run);
                }
                None => self.warn("a run without id is left alone".to_owned()),
            }
        }
        self.read_summary(root);
        self.warn_of_duplicates();
    }

    fn read_task(&mut self, members: &Object<'_>) -> Option<FileTask> {
        let id = match members.value::<Value>("id")? {
            Value::String(id) if !id.is_empty() => id,
            Value::Number(id) => id.to_string(),
            _ => return None,
        };
        let text = |name: &str| members.text(name).map(std::borrow::Cow::into_owned);
        let status_word = text("status").unwrap_or_default();
        let status = StepStatus::parse(&status_word);
        if status.is_none() {
            self.warn(format!("task {id} has the unknown status {status_word:?}"));
        }
        let mut phase = text("phase").unwrap_or_default();
        if let Some(name) = text("phaseName")
            && !phase.contains(&name)
        {
            phase = phase_text(&phase, &name);
        }
        let description = match text("description").or_else(|| text("title")) {
            Some(description) => description,
            None => {
                self.warn(format!("task {id} has no description"));
                String::new()
            }
        };
        let dependencies: Vec<Value> = members.value("dependencies").unwrap_or_default();
        Some(FileTask {
            state: read_state(members, status.unwrap_or_default()),
            id: StepId::new(id),
            phase,
            description,
            status_word,
            status,
            dependencies: dependencies
                .iter()
                .filter_map(|id| id.as_str().map(StepId::from))
                .collect(),
        })
    }

    fn read_summary(&mut self, root: &Object<'_>) {
        let Some(summary) = root.object("summary") else {
            return;
        };
        let count = |name: &str| summary.value::<usize>(name);
        let counted = self.counts();
        let stored = Counts {
            total: count("totalTasks").unwrap_or(counted.total),
            completed: count("completed").unwrap_or(counted.completed),
            pending: count("pending").unwrap_or(counted.pending),
            in_progress: count("in_progress").unwrap_or(counted.in_progress),
            failed: count("failed").unwrap_or(counted.failed),
            skipped: count("skipped").unwrap_or(counted.skipped),
        };
        if stored != counted {
            self.warn("the summary is wrong; it is counted again at the next write".to_owned());
        }
        self.summary = Some(stored);
    }

    fn warn_of_duplicates(&mut self) {
        let mut seen = std::collections::HashSet::new();
        let mut twice: Vec<String> = Vec::new();
        for task in &self.tasks {
            if !seen.insert(&task.id) {
                twice.push(format!("task {} is there more than once", task.id));
            }
        }
        self.warnings.extend(twice);
    }

    fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    /// The tasks counted by status; unknown ones count as pending.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for task in &self.tasks {
            counts.add(task.status.unwrap_or_default(), 1);
        }
        counts
    }
}

fn read_state(members: &Object<'_>, status: StepStatus) -> StepState {
    let text = |name: &str| members.text(name).map(std::borrow::Cow::into_owned);
    let instant = |name: &str| Timestamp::parse(&members.text(name)?);
    StepState {
        status,
        started_at: instant("startedAt"),
        completed_at: instant("completedAt"),
        notes: text("notes"),
        error: text("error"),
        skip_reason: text("skipReason"),
        retry_count: members.value("retryCount").unwrap_or(0),
        last_error: text("lastError"),
        last_error_at: instant("lastErrorAt"),
        stuck_detected: members.value("stuckDetected").unwrap_or(false),
        recovered_at: instant("recoveredAt"),
        findings: text("findingsPath").and_then(|path| crate::path::RepoPath::new(&path).ok()),
        ..StepState::default()
    }
}

fn read_run(members: &Object<'_>) -> Option<FileRun> {
    let instant = |name: &str| Timestamp::parse(&members.text(name)?);
    Some(FileRun {
        id: members
            .text("runId")
            .or_else(|| members.text("id"))?
            .into_owned(),
        started_at: instant("startedAt"),
        completed_at: instant("completedAt"),
        completed: members.value("tasksCompleted").unwrap_or(0),
        failed: members.value("tasksFailed").unwrap_or(0),
    })
}

#[cfg(test)]
mod tests;
