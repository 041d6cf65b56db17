//! What the evidence says about an attempt.
//!
//! [`judge`] is the only place where a step can become done. The agent's word
//! never counts in its favour; it counts only against it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::artifact::salvage::SALVAGED;
use crate::attempt::{AttemptEnd, ServiceLimit, StreamReport};
use crate::id::AttemptId;
use crate::path::RepoPath;
use crate::process::{Exit, StopReason};
use crate::time::Timestamp;

/// The judgement of one step of an attempt.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All evidence is present and every gate is green.
    Verified,
    /// The agent ended well, but evidence is missing or weak.
    Unverified,
    /// The agent said so, its time ran out, or a gate is red.
    Failed,
    /// A usage or rate limit; parked, not a retry.
    Limited,
    /// Something under Airboss is missing or broken; does not count against the step.
    Infra,
    /// A crash, a signal, a lost supervisor; dispatched again.
    Interrupted,
    /// The agent asked; a person has to answer.
    Waiting,
}

impl Verdict {
    /// The word shown to people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unverified => "unverified",
            Self::Failed => "failed",
            Self::Limited => "limited",
            Self::Infra => "infra",
            Self::Interrupted => "interrupted",
            Self::Waiting => "waiting",
        }
    }
}

/// One gate command as it was run by Airboss itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GateResult {
    /// The gate's name in the configuration, or the criterion's text.
    pub name: String,
    /// The command line as given to the shell.
    pub command: String,
    /// How it ended.
    pub exit: GateExit,
    /// How long it ran, in milliseconds.
    pub duration_ms: u64,
    /// The end of its output, bounded.
    pub output_tail: String,
    /// The tree it ran on: a hash over the work tree's differences from its commit.
    pub tree: String,
}

/// How a gate command ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "how")]
pub enum GateExit {
    /// With an exit code.
    Code {
        /// 0 is green.
        code: i32,
    },
    /// By a signal.
    Signal {
        /// The signal's number.
        signal: i32,
    },
    /// It ran longer than its limit and was killed.
    TimedOut,
    /// The command does not exist, or could not be started.
    Missing {
        /// What is missing.
        message: String,
    },
}

impl GateResult {
    /// Whether the gate is green.
    #[must_use]
    pub fn is_green(&self) -> bool {
        self.exit == GateExit::Code { code: 0 }
    }

    /// One line for people: name and how it ended.
    #[must_use]
    pub fn summary(&self) -> String {
        match &self.exit {
            GateExit::Code { code: 0 } => format!("gate `{}` is green", self.name),
            GateExit::Code { code } => format!("gate `{}` exited with {code}", self.name),
            GateExit::Signal { signal } => format!("gate `{}` died of signal {signal}", self.name),
            GateExit::TimedOut => format!("gate `{}` ran out of time", self.name),
            GateExit::Missing { message } => format!("gate `{}`: {message}", self.name),
        }
    }
}

/// What was found where an artifact was due.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactFinding {
    /// A regular file, changed by this attempt, with content.
    Present,
    /// Nothing is there.
    Missing,
    /// A file of 0 bytes.
    Empty,
    /// The same bytes as before the attempt.
    Unchanged,
    /// Only headings and placeholders.
    Skeleton,
    /// A directory, a symbolic link or something else that is not a regular file.
    NotAFile,
    /// Not what it has to be: a report without findings, a plan without phases.
    Unfit,
}

/// An artifact that a step has to produce, and what was found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ArtifactCheck {
    /// Where it is due.
    pub path: RepoPath,
    /// What was found.
    pub finding: ArtifactFinding,
    /// Its size in bytes.
    pub bytes: u64,
    /// What it lacks of what it has to be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<String>,
    /// Airboss wrote it, from the agent's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salvaged: Option<Salvage>,
    /// It was not there at the first look.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// What was found instead, when nothing was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Box<Search>>,
}

/// Where a text came from that Airboss wrote in the place of a missing artifact.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Salvage {
    /// The attempt whose answer it was.
    pub attempt: AttemptId,
    /// When it was written.
    pub at: Timestamp,
}

/// What was found when an artifact was not at its path.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Search {
    /// What its directory holds, the first names in order; `None` when there is no directory.
    pub beside: Option<Vec<String>>,
    /// How many names there are besides.
    pub more: usize,
    /// Files that the attempt made elsewhere and that could be it. They stay where they are.
    pub elsewhere: Vec<RepoPath>,
    /// For how long it was waited for, in milliseconds; 0 where one look was enough.
    pub waited_ms: u64,
    /// Why the agent's answer was not taken for it, as the rest of a sentence; empty where no
    /// answer could be told to be it.
    pub answer: String,
    /// The last tool that the agent used, on one line.
    pub last_tool: Option<String>,
}

impl ArtifactCheck {
    /// A finding about a file of this size, and nothing more.
    #[must_use]
    pub fn new(path: RepoPath, finding: ArtifactFinding, bytes: u64) -> Self {
        Self {
            path,
            finding,
            bytes,
            lacks: Vec::new(),
            salvaged: None,
            late: false,
            search: None,
        }
    }

    /// The files elsewhere that could be it, as the rest of a sentence.
    fn elsewhere(&self) -> String {
        let found = self.search.iter().flat_map(|search| &search.elsewhere);
        let found: Vec<String> = found.map(|path| format!("`{path}`")).collect();
        match found.len() {
            0 => String::new(),
            1 => format!("; {} could be it, and stays there", found[0]),
            _ => format!("; {} could be it, and stay there", found.join(", ")),
        }
    }
    /// What was found, as a predicate of its path.
    #[must_use]
    pub fn words(&self) -> String {
        match self.finding {
            ArtifactFinding::Present => "is there",
            ArtifactFinding::Missing => "is missing",
            ArtifactFinding::Empty => "is empty",
            ArtifactFinding::Unchanged => "is the same as before",
            ArtifactFinding::Skeleton => "is an unfilled skeleton",
            ArtifactFinding::NotAFile => "is not a regular file",
            ArtifactFinding::Unfit => return self.lacks.join(", "),
        }
        .to_owned()
    }
}

/// One file that the attempt changed, as git objects.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChangedFile {
    /// Where.
    pub path: RepoPath,
    /// Mode and blob before, `None` when it did not exist.
    pub before: Option<FileVersion>,
    /// Mode and blob after, `None` when it was deleted.
    pub after: Option<FileVersion>,
}

/// The kinds of file that can be somebody's work.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// An ordinary file.
    Regular,
    /// A file that may be run.
    Executable,
    /// A symbolic link; its content is the target.
    Symlink,
}

/// A file's kind and content as git names them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FileVersion {
    /// The kind of file.
    pub kind: FileKind,
    /// The blob's id in hexadecimal.
    pub blob: String,
}

/// A file that changed during the attempt but cannot be counted as its work.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UnownedFile {
    /// Where.
    pub path: String,
    /// Why it is not counted.
    pub why: String,
}

/// Everything gathered about one step of an attempt, stored with the verdict.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// Files that the attempt changed.
    pub changes: Vec<ChangedFile>,
    /// Files that changed meanwhile and are left alone.
    pub unowned: Vec<UnownedFile>,
    /// Artifacts that were due.
    pub artifacts: Vec<ArtifactCheck>,
    /// The step's findings file was written during the attempt.
    pub findings_written: bool,
    /// Gates, in the order they ran.
    pub gates: Vec<GateResult>,
    /// In a batch: whether the agent says that this step is done. `None` outside a batch.
    pub batch_claim: Option<bool>,
    /// The world under Airboss failed while evidence was gathered.
    pub trouble: Option<String>,
}

impl Evidence {
    /// Whether anything was made that shows work.
    #[must_use]
    pub fn shows_work(&self) -> bool {
        !self.changes.is_empty()
            || self.findings_written
            || self
                .artifacts
                .iter()
                .any(|check| check.finding == ArtifactFinding::Present)
    }

    /// The artifacts that are there because Airboss wrote them from the agent's answer.
    pub fn salvaged(&self) -> impl Iterator<Item = &RepoPath> {
        let there = |check: &&ArtifactCheck| {
            check.finding == ArtifactFinding::Present && check.salvaged.is_some()
        };
        self.artifacts.iter().filter(there).map(|check| &check.path)
    }
}

/// A verdict with its reason in one sentence.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, for people and for the next attempt's prompt.
    pub reason: String,
    /// For `limited`: what is known of the limit.
    pub limit: Option<ServiceLimit>,
    /// The attempt was ended because it no longer moved.
    #[serde(default)]
    pub stuck: bool,
    /// Nobody's doing: an interruption that does not count against the step.
    #[serde(default)]
    pub blameless: bool,
}

impl Judgement {
    fn new(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self {
            verdict,
            reason: reason.into(),
            limit: None,
            stuck: false,
            blameless: false,
        }
    }
}

/// What the process and the stream alone decide; `None` when the evidence has to.
///
/// The engine asks this first, so that no gate is run for an attempt that cannot be verified.
#[must_use]
pub fn judge_end(end: &AttemptEnd, report: &StreamReport) -> Option<Judgement> {
    let outcome = match end {
        AttemptEnd::NotStarted { message } => {
            return Some(Judgement::new(Verdict::Infra, message.clone()));
        }
        AttemptEnd::NeverStarted => {
            let reason = "the runner ended before its agent was started";
            return Some(Judgement {
                blameless: true,
                ..Judgement::new(Verdict::Interrupted, reason)
            });
        }
        AttemptEnd::Lost { swept } => {
            return Some(Judgement::new(
                Verdict::Interrupted,
                match swept {
                    0 => "its supervisor vanished, and nothing of it was left".to_owned(),
                    1 => "its supervisor vanished; 1 process left behind was killed".to_owned(),
                    _ => format!(
                        "its supervisor vanished; {swept} processes left behind were killed"
                    ),
                },
            ));
        }
        AttemptEnd::Seen { outcome } => outcome,
    };
    if let Exit::NotStarted { message, .. } = &outcome.exit {
        return Some(Judgement::new(Verdict::Infra, message.clone()));
    }
    if outcome.stopped == Some(StopReason::Requested) {
        return Some(Judgement {
            blameless: true,
            ..Judgement::new(Verdict::Interrupted, "it was asked to stop")
        });
    }
    if let Some(limit) = &report.limit {
        let until = match limit.resets_at {
            Some(at) => format!("; it resets at {at}"),
            None => String::new(),
        };
        let reason = format!("{}{until}", limit.kind);
        return Some(Judgement {
            limit: Some(limit.clone()),
            ..Judgement::new(Verdict::Limited, reason)
        });
    }
    if let Some(stopped) = outcome.stopped {
        return Some(judge_stopped(stopped));
    }
    if let Some(question) = &report.question {
        return Some(Judgement::new(Verdict::Waiting, question.clone()));
    }
    if report.not_resumed && matches!(outcome.exit, Exit::Code { .. }) {
        // An agent that is killed early has not kept its session. Without one the next attempt
        // begins anew, so this cannot go round.
        let reason = format!("its session could not be resumed{}", tail_hint(report));
        return Some(Judgement {
            blameless: true,
            ..Judgement::new(Verdict::Interrupted, reason)
        });
    }
    judge_exit(&outcome.exit, report)
}

fn judge_stopped(stopped: StopReason) -> Judgement {
    let (reason, stuck) = match stopped {
        StopReason::Deadline => ("its time was up and it was ended", true),
        StopReason::Idle => ("it hung and was ended", true),
        StopReason::Frozen => ("its process was frozen and was ended", true),
        StopReason::Flood => ("it made more output than may be kept and was ended", false),
        StopReason::Requested => ("it was asked to stop", false),
    };
    Judgement {
        stuck,
        ..Judgement::new(Verdict::Failed, reason)
    }
}

fn judge_exit(exit: &Exit, report: &StreamReport) -> Option<Judgement> {
    match exit {
        Exit::Signal { signal } => Some(Judgement::new(
            Verdict::Interrupted,
            format!("its process died of signal {signal}"),
        )),
        Exit::Unknown => Some(Judgement::new(Verdict::Interrupted, "its end was not seen")),
        Exit::NotStarted { message, .. } => Some(Judgement::new(Verdict::Infra, message.clone())),
        Exit::Code { code } => match &report.end {
            Some(end) if !end.ok => Some(Judgement::new(
                Verdict::Failed,
                format!(
                    "the agent stopped for {}: {}",
                    end.reason,
                    first_line(&end.message)
                ),
            )),
            _ if *code != 0 => Some(Judgement::new(
                Verdict::Failed,
                format!("the agent exited with {code}{}", tail_hint(report)),
            )),
            None if report.end_expected => Some(Judgement::new(
                Verdict::Failed,
                "the agent's stream ended without its result event",
            )),
            _ => None,
        },
    }
}

/// The judgement of one step.
#[must_use]
pub fn judge(end: &AttemptEnd, report: &StreamReport, evidence: &Evidence) -> Judgement {
    if let Some(judgement) = judge_end(end, report) {
        return judgement;
    }
    if let Some(trouble) = &evidence.trouble {
        return Judgement::new(Verdict::Infra, trouble.clone());
    }
    if let Some(gate) = evidence
        .gates
        .iter()
        .find(|gate| matches!(gate.exit, GateExit::Missing { .. }))
    {
        return Judgement::new(Verdict::Infra, gate.summary());
    }
    if let Some(gate) = evidence.gates.iter().find(|gate| !gate.is_green()) {
        return Judgement::new(Verdict::Failed, gate.summary());
    }
    if let Some(missing) = missing_evidence(report, evidence) {
        return Judgement::new(Verdict::Unverified, missing);
    }
    Judgement::new(Verdict::Verified, proof(evidence))
}

/// What is missing before the step could be called done.
fn missing_evidence(report: &StreamReport, evidence: &Evidence) -> Option<String> {
    let weak: Vec<String> = evidence
        .artifacts
        .iter()
        .filter(|check| check.finding != ArtifactFinding::Present)
        .map(|check| format!("`{}` {}{}", check.path, check.words(), check.elsewhere()))
        .collect();
    if !weak.is_empty() {
        return Some(weak.join(", ") + &refused_tools(report));
    }
    if evidence.batch_claim == Some(false) {
        return Some("the agent does not say that this step of the batch is done".to_owned());
    }
    if evidence.shows_work() {
        return None;
    }
    let mut words = "no file was changed and no findings were written".to_owned();
    if let Some(first) = evidence.unowned.first() {
        words.extend(["; `", &first.path, "` changed, but ", &first.why]);
    }
    words += &refused_tools(report);
    Some(words)
}

/// Often the cause, and nothing that a retry would change.
fn refused_tools(report: &StreamReport) -> String {
    if report.denied.is_empty() {
        return String::new();
    }
    let mut tools: Vec<&str> = Vec::new();
    for tool in &report.denied {
        if !tools.contains(&tool.as_str()) {
            tools.push(tool);
        }
    }
    format!("; refused tools: {}", tools.join(", "))
}

fn proof(evidence: &Evidence) -> String {
    let mut parts = Vec::new();
    let salvaged: Vec<&RepoPath> = evidence.salvaged().collect();
    // What Airboss wrote is no change of the agent's.
    let own = evidence.changes.iter().map(|change| &change.path);
    let own: Vec<&RepoPath> = own.filter(|path| !salvaged.contains(path)).collect();
    match own.as_slice() {
        [] => {}
        // The findings are that one change.
        [_] if evidence.findings_written => {}
        [one] => parts.push(format!("changed {one}")),
        several => parts.push(format!("changed {} files", several.len())),
    }
    parts.extend(salvaged.iter().map(|path| format!("{path} {SALVAGED}")));
    if evidence.findings_written {
        parts.push("wrote findings".to_owned());
    }
    match evidence.gates.len() {
        0 => {}
        1 => parts.push("1 gate green".to_owned()),
        count => parts.push(format!("{count} gates green")),
    }
    if parts.is_empty() {
        "artifacts present".to_owned()
    } else {
        parts.join(", ")
    }
}

fn first_line(text: &str) -> &str {
    text.lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("no message")
}

fn tail_hint(report: &StreamReport) -> String {
    let last = report
        .error_tail
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty());
    last.map(|line| format!(": {}", line.trim()))
        .unwrap_or_default()
}

/// Retry rules: enforced here, never by a prompt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RetryRules {
    /// Retries granted after the first attempt.
    pub retries_max: u32,
    /// The pause before the first retry; doubled for each further one.
    pub backoff: Duration,
    /// Re-dispatches after interruptions before the step counts as failed.
    pub interruptions_max: u32,
    /// Parkings without a reset time before the run gives up for now.
    pub parkings_max: u32,
    /// The pause after a limit that names no reset time; doubled for each further one.
    pub parking: Duration,
    /// The longest wait for a limit to be lifted before the run ends instead.
    pub limit_wait_max: Duration,
}

impl Default for RetryRules {
    fn default() -> Self {
        Self {
            // Three attempts in all, 2 s and 4 s apart: what failed three times needs a person.
            retries_max: 2,
            backoff: Duration::from_secs(2),
            // Crashes are not the step's fault, but a step that always crashes its agent is.
            interruptions_max: 5,
            parkings_max: 5,
            parking: Duration::from_secs(30),
            // A five-hour usage window is the longest that a night can wait for.
            limit_wait_max: Duration::from_secs(6 * 3600),
        }
    }
}

impl RetryRules {
    /// The pause before retry number `retry`, counted from 1.
    #[must_use]
    pub fn backoff_before(&self, retry: u32) -> Duration {
        // 2^16 pauses is beyond any sensible setting and keeps the product finite.
        self.backoff
            .saturating_mul(1 << retry.saturating_sub(1).min(16))
    }

    /// The pause after parking number `parking`, counted from 1.
    #[must_use]
    pub fn parking_after(&self, parking: u32) -> Duration {
        self.parking
            .saturating_mul(1 << parking.saturating_sub(1).min(16))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::ProcessOutcome;

    fn exited(code: i32) -> AttemptEnd {
        let outcome = ProcessOutcome {
            attempt: AttemptId::default(),
            fence: 1,
            exit: Exit::Code { code },
            stopped: None,
            started_at: Timestamp::default(),
            ended_at: Timestamp::default(),
            leaked: 0,
            survivors: 0,
            lines_cut: 0,
            bytes_dropped: 0,
        };
        AttemptEnd::Seen { outcome }
    }

    #[test]
    fn a_session_that_is_gone_is_nobodys_fault() {
        let report = StreamReport {
            not_resumed: true,
            error_tail: "No conversation found\n".to_owned(),
            ..StreamReport::default()
        };
        let judgement = judge(&exited(1), &report, &Evidence::default());
        assert!(judgement.blameless && judgement.verdict == Verdict::Interrupted);
        assert_eq!(
            judgement.reason,
            "its session could not be resumed: No conversation found"
        );
    }

    #[test]
    fn refused_tools_are_named_with_what_is_missing() {
        let report = StreamReport {
            denied: ["Write", "Bash", "Write"].map(str::to_owned).into(),
            ..StreamReport::default()
        };
        let path = RepoPath::new("a.md").unwrap();
        let artifact = ArtifactCheck::new(path, ArtifactFinding::Missing, 0);
        let evidence = Evidence {
            artifacts: vec![artifact],
            ..Evidence::default()
        };
        let judgement = judge(&exited(0), &report, &evidence);
        assert_eq!(judgement.verdict, Verdict::Unverified);
        assert_eq!(
            judgement.reason,
            "`a.md` is missing; refused tools: Write, Bash"
        );
    }

    fn salvaged() -> ArtifactCheck {
        let path = RepoPath::new("a.md").unwrap();
        ArtifactCheck {
            salvaged: Some(Salvage {
                attempt: AttemptId::default(),
                at: Timestamp::default(),
            }),
            ..ArtifactCheck::new(path, ArtifactFinding::Present, 400)
        }
    }

    fn changed(path: &str) -> ChangedFile {
        ChangedFile {
            path: RepoPath::new(path).unwrap(),
            before: None,
            after: None,
        }
    }

    #[track_caller]
    fn judged(evidence: Evidence, verdict: Verdict, reason: &str) {
        let judgement = judge(&exited(0), &StreamReport::default(), &evidence);
        assert_eq!((judgement.verdict, &*judgement.reason), (verdict, reason));
    }

    #[test]
    fn a_salvaged_artifact_is_one_and_no_more() {
        let gate = |code| GateResult {
            name: "tests".to_owned(),
            command: "make test".to_owned(),
            exit: GateExit::Code { code },
            duration_ms: 1,
            output_tail: String::new(),
            tree: String::new(),
        };
        let evidence = |gates: &[i32], changes: &[&str]| Evidence {
            artifacts: vec![salvaged()],
            changes: changes.iter().map(|path| changed(path)).collect(),
            gates: gates.iter().map(|code| gate(*code)).collect(),
            ..Evidence::default()
        };
        let said = "a.md salvaged from the agent's answer";
        judged(evidence(&[], &["a.md"]), Verdict::Verified, said);
        let and = format!("changed b.rs, {said}, 1 gate green");
        judged(evidence(&[0], &["a.md", "b.rs"]), Verdict::Verified, &and);
        let red = "gate `tests` exited with 1";
        judged(evidence(&[1], &["a.md", "b.rs"]), Verdict::Failed, red);
        let mut two = evidence(&[], &["a.md"]);
        let other = RepoPath::new("b.md").unwrap();
        two.artifacts
            .push(ArtifactCheck::new(other, ArtifactFinding::Missing, 0));
        judged(two, Verdict::Unverified, "`b.md` is missing");
    }

    #[test]
    fn a_file_elsewhere_is_named_and_counts_for_nothing() {
        let elsewhere = |paths: &[&str]| Evidence {
            artifacts: vec![ArtifactCheck {
                search: Some(Box::new(Search {
                    elsewhere: paths.iter().map(|it| RepoPath::new(it).unwrap()).collect(),
                    ..Search::default()
                })),
                ..ArtifactCheck::new(RepoPath::new("a.md").unwrap(), ArtifactFinding::Missing, 0)
            }],
            changes: paths.iter().map(|path| changed(path)).collect(),
            ..Evidence::default()
        };
        let check = |paths, reason| judged(elsewhere(paths), Verdict::Unverified, reason);
        check(&[], "`a.md` is missing");
        check(
            &["b/a.md"],
            "`a.md` is missing; `b/a.md` could be it, and stays there",
        );
        check(
            &["b.md", "c.md"],
            "`a.md` is missing; `b.md`, `c.md` could be it, and stay there",
        );
    }

    #[test]
    fn what_was_stored_before_salvage_is_read() {
        let stored = r#"{"path":"a.md","finding":"missing","bytes":0}"#;
        let check: ArtifactCheck = serde_json::from_str(stored).unwrap();
        let path = RepoPath::new("a.md").unwrap();
        assert_eq!(check, ArtifactCheck::new(path, ArtifactFinding::Missing, 0));
        assert_eq!(serde_json::to_string(&check).unwrap(), stored);
        let stored = serde_json::to_string(&salvaged()).unwrap();
        assert_eq!(
            serde_json::from_str::<ArtifactCheck>(&stored).unwrap(),
            salvaged()
        );
    }
}
