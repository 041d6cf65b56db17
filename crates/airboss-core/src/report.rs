//! What an agent reports of its own work: claims, and a question to a person.
//!
//! A report is recorded and shown, and no verdict rests on it. [`claim`] is the one place that
//! decides what may be reported; the command line, the MCP server and the inbox come through
//! it. Text is bounded and freed of what could steer a terminal before it is stored.

use serde::{Deserialize, Serialize};

use crate::attempt::Attempt;
use crate::id::{AttemptId, StepId};
use crate::operation::{Operation, StepStatus};
use crate::path::{RepoPath, RepoPathError};
use crate::step::Step;
use crate::text::sanitize;

/// Bytes of a text: a page or twenty, and far from what makes a log slow to read.
pub const TEXT_MAX: usize = 64 << 10;
/// Bytes of a question, which a person reads in a terminal and the next prompt repeats.
pub const QUESTION_MAX: usize = 4 << 10;
/// Bytes of a phase's name or of a path; the longest that Linux opens is 4,096.
pub const NAME_MAX: usize = 4 << 10;
/// Reports of one attempt about one step: four an hour through a night, and many more at once,
/// but no endless loop that fills the log.
pub const REPORTS_MAX: u32 = 500;

/// What is reported.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Report {
    /// How far it is.
    Progress {
        /// In the agent's words.
        text: String,
    },
    /// Something that whoever reads the log should know.
    Note {
        /// In the agent's words.
        text: String,
    },
    /// Something that it found out.
    Finding {
        /// In the agent's words.
        text: String,
    },
    /// It begins a phase of its work.
    PhaseStarted {
        /// The phase, by number or name.
        phase: String,
    },
    /// It says that a phase of its work is done.
    PhaseDone {
        /// The phase, by number or name.
        phase: String,
    },
    /// It says that a file that was due is there.
    ArtifactReady {
        /// The file, from the top of the work tree.
        path: String,
    },
    /// It cannot go on without an answer.
    Ask {
        /// The question.
        question: String,
    },
    /// It says that its step has a status, by one of the `mark-…` commands.
    Status {
        /// The status that it claims.
        status: StepStatus,
        /// Notes, error or reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
}

/// Which report it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportKind {
    /// A status of the step; the only kind that older logs have.
    #[default]
    Status,
    /// How far it is.
    Progress,
    /// A note.
    Note,
    /// A finding.
    Finding,
    /// A phase began.
    PhaseStarted,
    /// A phase is said to be done.
    PhaseDone,
    /// A file is said to be there.
    ArtifactReady,
    /// A question.
    Ask,
}

impl ReportKind {
    /// The word for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Progress => "progress",
            Self::Note => "note",
            Self::Finding => "finding",
            Self::PhaseStarted => "phase_started",
            Self::PhaseDone => "phase_done",
            Self::ArtifactReady => "artifact_ready",
            Self::Ask => "ask",
        }
    }

    /// A claim of this kind as people read it.
    #[must_use]
    pub fn told(self, claim: &str) -> String {
        let label = match self {
            Self::Status => return claim.to_owned(),
            Self::PhaseStarted => "phase begun",
            Self::PhaseDone => "phase done",
            Self::ArtifactReady => "artifact ready",
            Self::Ask => "question",
            Self::Progress | Self::Note | Self::Finding => self.word(),
        };
        format!("{label}: {claim}")
    }
}

/// Why a report is refused. Nothing is recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportRefused {
    /// Nothing is left of a field.
    #[error("`{field}` is empty")]
    Empty {
        /// The field.
        field: &'static str,
    },
    /// A field is too long.
    #[error("`{field}` has {bytes} bytes and may have at most {limit}; put the rest into a file")]
    TooLong {
        /// The field.
        field: &'static str,
        /// Its length.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// What should be a path is none.
    #[error("`path`: {0}")]
    Path(#[from] RepoPathError),
    /// The step belongs to somebody else.
    #[error("step {step} is not the step of attempt {}", attempt.short())]
    NotItsStep {
        /// The step.
        step: StepId,
        /// Who reports.
        attempt: AttemptId,
    },
    /// The attempt is over.
    #[error("attempt {} has ended; its reports are no longer taken", .0.short())]
    Ended(AttemptId),
    /// It reports all the time.
    #[error("attempt {} has reported {REPORTS_MAX} times, which is the limit", .0.short())]
    TooMany(AttemptId),
}

impl Report {
    /// Which report it is.
    #[must_use]
    pub const fn kind(&self) -> ReportKind {
        match self {
            Self::Progress { .. } => ReportKind::Progress,
            Self::Note { .. } => ReportKind::Note,
            Self::Finding { .. } => ReportKind::Finding,
            Self::PhaseStarted { .. } => ReportKind::PhaseStarted,
            Self::PhaseDone { .. } => ReportKind::PhaseDone,
            Self::ArtifactReady { .. } => ReportKind::ArtifactReady,
            Self::Ask { .. } => ReportKind::Ask,
            Self::Status { .. } => ReportKind::Status,
        }
    }

    /// What it claims, in a word: the kind, or the status.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Status { status, .. } => status.word(),
            other => other.kind().word(),
        }
    }

    /// What is stored of it.
    ///
    /// # Errors
    /// When a field is empty, too long, or not what it should be.
    pub fn claim(&self) -> Result<String, ReportRefused> {
        match self {
            Self::Progress { text } | Self::Note { text } | Self::Finding { text } => {
                field("text", text, TEXT_MAX)
            }
            Self::PhaseStarted { phase } | Self::PhaseDone { phase } => {
                let phase = field("phase", phase, NAME_MAX)?;
                Ok(phase.split_whitespace().collect::<Vec<_>>().join(" "))
            }
            Self::ArtifactReady { path } => {
                bounded("path", path, NAME_MAX)?;
                Ok(RepoPath::new(path)?.into())
            }
            Self::Ask { question } => field("question", question, QUESTION_MAX),
            Self::Status { status, text: None } => Ok(status.word().to_owned()),
            Self::Status {
                status,
                text: Some(text),
            } => {
                bounded("text", text, TEXT_MAX)?;
                Ok(format!("{}: {}", status.word(), sanitize(text).trim()))
            }
        }
    }
}

fn bounded(field: &'static str, text: &str, limit: usize) -> Result<(), ReportRefused> {
    let bytes = text.len();
    if bytes > limit {
        return Err(ReportRefused::TooLong {
            field,
            bytes,
            limit,
        });
    }
    Ok(())
}

fn field(name: &'static str, text: &str, limit: usize) -> Result<String, ReportRefused> {
    bounded(name, text, limit)?;
    let clean = sanitize(text).trim().to_owned();
    if clean.is_empty() {
        return Err(ReportRefused::Empty { field: name });
    }
    Ok(clean)
}

/// Refuses an attempt that is over: nothing that comes after its end is its work.
///
/// # Errors
/// When it has ended.
pub fn require_live(attempt: &Attempt) -> Result<(), ReportRefused> {
    match attempt.status.is_live() {
        true => Ok(()),
        false => Err(ReportRefused::Ended(attempt.id)),
    }
}

/// Refuses unless the step is the attempt's own.
///
/// # Errors
/// When another attempt, or none, works on the step.
pub fn require_own(step: &Step, attempt: AttemptId) -> Result<(), ReportRefused> {
    if step.state.attempt == Some(attempt) {
        return Ok(());
    }
    let step = step.record.id.clone();
    Err(ReportRefused::NotItsStep { step, attempt })
}

/// Decides about a report of this attempt: the operation that it becomes.
///
/// # Errors
/// When the attempt has ended, the step is not its own, or the report may not be made.
pub fn claim(step: &Step, attempt: &Attempt, report: &Report) -> Result<Operation, ReportRefused> {
    require_live(attempt)?;
    require_own(step, attempt.id)?;
    if step.state.reports >= REPORTS_MAX {
        return Err(ReportRefused::TooMany(attempt.id));
    }
    Ok(Operation::StepClaimed {
        step: step.record.id.clone(),
        attempt: attempt.id,
        claim: report.claim()?,
        about: report.kind(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::AttemptStatus;
    use crate::id::RunId;
    use crate::operation::StepRecord;
    use crate::step::StepState;
    use crate::time::Timestamp;

    fn check(report: &str, expected: &str) {
        let report: Report = serde_json::from_str(report).unwrap();
        let told = match report.claim() {
            Ok(claim) => report.kind().told(&claim),
            Err(refused) => format!("refused: {refused}"),
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn reports_become_claims() {
        check(
            r#"{"kind":"progress","text":" half \u001b[31mway\u001b[0m\r\n"}"#,
            "progress: half way",
        );
        check(r#"{"kind":"note","text":"a\nb"}"#, "note: a\nb");
        check(r#"{"kind":"finding","text":"x"}"#, "finding: x");
        check(
            r#"{"kind":"phase_started","phase":"2:\n Mend"}"#,
            "phase begun: 2: Mend",
        );
        check(r#"{"kind":"phase_done","phase":"2"}"#, "phase done: 2");
        check(
            r#"{"kind":"artifact_ready","path":"./docs//a.md"}"#,
            "artifact ready: docs/a.md",
        );
        check(r#"{"kind":"ask","question":"why?"}"#, "question: why?");
        check(
            r#"{"kind":"status","status":"completed","text":"easy"}"#,
            "completed: easy",
        );
        check(r#"{"kind":"status","status":"failed"}"#, "failed");
    }

    #[test]
    fn only_a_live_attempt_reports_about_its_own_step() {
        let mut attempt = Attempt {
            id: AttemptId::from_uuid(uuid::Uuid::from_u128(1)),
            run: RunId::default(),
            steps: vec!["1.1".into()],
            agent: String::new(),
            fence: 1,
            number: 1,
            status: AttemptStatus::Running,
            dispatched_at: Timestamp::default(),
            supervisor: None,
            end: None,
            report: None,
            ended_at: None,
            killed: None,
        };
        let mut step = Step {
            record: StepRecord {
                id: "1.1".into(),
                phase: String::new(),
                phase_title: String::new(),
                description: String::new(),
                dependencies: Vec::new(),
            },
            state: StepState::default(),
        };
        let note = Report::Note {
            text: "x".to_owned(),
        };
        let not_its = claim(&step, &attempt, &note).unwrap_err();
        assert!(matches!(not_its, ReportRefused::NotItsStep { .. }));
        step.state.attempt = Some(attempt.id);
        for _ in 0..REPORTS_MAX {
            let claimed = claim(&step, &attempt, &note).unwrap();
            step.state.apply(Timestamp::default(), &claimed, None);
        }
        let too_many = claim(&step, &attempt, &note).unwrap_err();
        assert_eq!(too_many, ReportRefused::TooMany(attempt.id));
        attempt.status = AttemptStatus::Ended;
        let ended = claim(&step, &attempt, &note).unwrap_err();
        assert_eq!(ended, ReportRefused::Ended(attempt.id));
    }

    #[test]
    fn what_is_no_report_is_refused() {
        check(
            r#"{"kind":"note","text":" \u001b[2J "}"#,
            "refused: `text` is empty",
        );
        check(
            r#"{"kind":"artifact_ready","path":"../x"}"#,
            "refused: `path`: the path `../x` leaves the repository",
        );
        let long = |kind: &str, field: &str, bytes: usize| {
            let text = "x".repeat(bytes);
            format!(r#"{{"kind":"{kind}","{field}":"{text}"}}"#)
        };
        check(
            &long("note", "text", TEXT_MAX + 1),
            "refused: `text` has 65537 bytes and may have at most 65536; put the rest into a file",
        );
        check(
            &long("ask", "question", QUESTION_MAX + 1),
            "refused: `question` has 4097 bytes and may have at most 4096; put the rest into a \
             file",
        );
        for wrong in [
            r#"{"kind":"complete"}"#,
            r#"{"kind":"note","text":1}"#,
            r#"{"kind":"note"}"#,
            r#"{"kind":"note","text":"x","status":"completed"}"#,
        ] {
            assert!(serde_json::from_str::<Report>(wrong).is_err(), "{wrong}");
        }
    }
}
