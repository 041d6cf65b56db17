//! What a project's hooks are told: which stored operations are news for a person, and in which
//! words.

use serde::{Deserialize, Serialize};

use crate::board::{BoardOperation, Cause, TaskChange};
use crate::id::{AttemptId, OperationId, RunId, StepId};
use crate::operation::{Operation, RunEnding, StoredOperation};
use crate::stage::Stage;
use crate::stage::checkpoint::Checkpoint;
use crate::stage::workflow::{Ending, Scope, Workflow};
use crate::verdict::Verdict;
use crate::view::View;

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It is verified.
    Done,
    /// It failed for good: no retry is left.
    Failed,
    /// A person is needed.
    Waiting,
    /// A usage or rate limit holds it up.
    Limited,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Done, Self::Failed, Self::Waiting, Self::Limited];

    /// The word of the settings.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Waiting => "waiting",
            Self::Limited => "limited",
        }
    }

    /// Reads the word of the settings.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.word() == word)
    }
}

/// What it happened to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// A step of a plan, or a unit of a stage.
    Step,
    /// A whole run of a plan, or a whole stage of a task.
    Run,
}

impl Extent {
    /// Reads the word of the settings.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        match word {
            "step" => Some(Self::Step),
            "run" => Some(Self::Run),
            _ => None,
        }
    }
}

/// The version of [`Message`]: it grows when a field changes its meaning or goes.
pub const VERSION: u32 = 1;

/// What a hook reads on its standard input, as one JSON object.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Message {
    /// [`VERSION`].
    pub schema_version: u32,
    /// The stored operation. It is told at least once; by its id a second time is known.
    pub id: OperationId,
    /// What happened.
    pub event: Event,
    /// To what.
    pub extent: Extent,
    /// The plan, or the log of the stage.
    pub plan: String,
    /// The task, where it is a stage of one.
    pub task: Option<u32>,
    /// The stage; at the end of a workflow the one that was worked on last.
    pub stage: Option<Stage>,
    /// How far the task goes, where its workflow ended or stopped.
    pub workflow: Option<Scope>,
    /// The run.
    pub run: Option<RunId>,
    /// The step or unit.
    pub step: Option<StepId>,
    /// Its text.
    pub description: Option<String>,
    /// The attempt that was judged.
    pub attempt: Option<AttemptId>,
    /// The agent, by its name in the configuration.
    pub agent: Option<String>,
    /// The verdict.
    pub verdict: Option<Verdict>,
    /// Why, in words.
    pub reason: String,
    /// When it was stored, as RFC 3339 has it.
    pub time: String,
}

impl Message {
    /// What an operation says of itself; whom and what it concerns is left out.
    fn of(stored: &StoredOperation, event: Event, extent: Extent, reason: String) -> Self {
        Self {
            schema_version: VERSION,
            id: stored.id,
            event,
            extent,
            plan: stored.plan.to_string(),
            task: None,
            stage: None,
            workflow: None,
            run: None,
            step: None,
            description: None,
            attempt: None,
            agent: None,
            verdict: None,
            reason,
            time: stored.at.to_string(),
        }
    }
}

/// What an operation tells a hook; `None` when it is no news. `stage` is the task and the stage
/// that is flown.
#[must_use]
pub fn message(
    stored: &StoredOperation,
    view: &View,
    stage: Option<(u32, Stage)>,
) -> Option<Message> {
    let message = |event, extent, reason| Message {
        task: stage.map(|(task, _)| task),
        stage: stage.map(|(_, stage)| stage),
        ..Message::of(stored, event, extent, reason)
    };
    match &stored.operation {
        Operation::StepJudged {
            step,
            attempt,
            judgement,
            wake_at,
            ..
        } => {
            let event = match judgement.verdict {
                Verdict::Verified => Event::Done,
                Verdict::Waiting => Event::Waiting,
                Verdict::Limited => Event::Limited,
                Verdict::Failed | Verdict::Unverified if wake_at.is_none() => Event::Failed,
                _ => return None,
            };
            let known = view.attempts.get(attempt);
            let record = view.step(step).map(|step| &step.record);
            Some(Message {
                run: known.map(|known| known.run),
                step: Some(step.clone()),
                description: record.map(|record| record.description.clone()),
                attempt: Some(*attempt),
                agent: known.map(|known| known.agent.clone()),
                verdict: Some(judgement.verdict),
                ..message(event, Extent::Step, judgement.reason.clone())
            })
        }
        Operation::RunEnded {
            run,
            ending,
            completed,
            failed,
        } => {
            let event = match ending {
                RunEnding::Complete => Event::Done,
                RunEnding::Failed | RunEnding::Exhausted => Event::Failed,
                RunEnding::Blocked => Event::Waiting,
                RunEnding::Limited => Event::Limited,
                RunEnding::Drained { .. } | RunEnding::Interrupted => return None,
            };
            let reason = format!("{completed} done and {failed} failed in this run");
            Some(Message {
                run: Some(*run),
                ..message(event, Extent::Run, reason)
            })
        }
        _ => None,
    }
}

/// What a change of a task tells a hook: that its checks were run, or that its workflow is over or
/// has stopped. `None` when it is no news, as it is when a person takes a change back.
#[must_use]
pub fn task_message(stored: &StoredOperation, task: u32) -> Option<Message> {
    let Operation::Board {
        operation:
            BoardOperation::TaskChanged {
                changes,
                cause: Cause::Command { .. },
                ..
            },
    } = &stored.operation
    else {
        return None;
    };
    let message = |event, stage, workflow, reason| Message {
        task: Some(task),
        stage: Some(stage),
        workflow,
        ..Message::of(stored, event, Extent::Run, reason)
    };
    // One change is told once: the end of a workflow is the greater news.
    let workflow = changes.iter().find_map(|change| match change {
        TaskChange::Workflow(workflow) => workflow.as_deref(),
        _ => None,
    });
    if let Some(workflow) = workflow
        && let Some((event, report, reason)) = stopped(workflow)
    {
        return Some(message(event, report.stage, Some(workflow.scope), reason));
    }
    let checked = changes.iter().find_map(|change| match change {
        TaskChange::Checked(checked) => checked.as_ref(),
        _ => None,
    })?;
    let event = match checked.failure {
        None => Event::Done,
        Some(_) => Event::Failed,
    };
    let reason = checked.checks.join("; ");
    Some(message(event, Stage::Test, None, reason))
}

/// How a workflow ended or why it stopped; `None` while it goes on.
fn stopped(workflow: &Workflow) -> Option<(Event, &Checkpoint, String)> {
    let report = workflow.checkpoint.as_deref()?;
    let event = match (workflow.ending, workflow.failed, report.ending) {
        (Some(Ending::Done), ..) => Event::Done,
        (Some(Ending::TestsFailing), ..) => Event::Failed,
        (None, None, _) => return None,
        (.., Some(RunEnding::Blocked)) => Event::Waiting,
        (.., Some(RunEnding::Limited)) => Event::Limited,
        // Who stopped it knows.
        (.., Some(RunEnding::Drained { .. } | RunEnding::Interrupted)) => return None,
        _ => Event::Failed,
    };
    let reason = workflow.reason.as_ref().or(report.problems.first());
    let reason = reason.cloned().unwrap_or_else(|| {
        let (verified, expected) = (report.verified, report.expected);
        format!("{verified} of {expected} verified")
    });
    Some((event, report, reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::PlanKey;
    use crate::path::RepoPath;
    use crate::time::Timestamp;
    use crate::verdict::{Evidence, Judgement};

    fn told(operation: Operation) -> String {
        let stored = StoredOperation {
            sequence: 7,
            id: OperationId::default(),
            plan: PlanKey::new(RepoPath::new("docs/plan").unwrap()),
            at: Timestamp::default(),
            operation,
        };
        let told = message(&stored, &View::default(), Some((58, Stage::Plan)));
        told.map_or_else(
            || "nothing".to_owned(),
            |told| serde_json::to_string(&told).unwrap(),
        )
    }

    fn judged(verdict: Verdict, again: bool) -> String {
        told(Operation::StepJudged {
            step: StepId::new("1.1"),
            attempt: AttemptId::default(),
            judgement: Judgement {
                verdict,
                reason: "changed a \u{1b}[31mfile".to_owned(),
                limit: None,
                stuck: false,
                blameless: false,
            },
            evidence: Evidence::default(),
            wake_at: again.then(Timestamp::default),
        })
    }

    #[test]
    fn what_is_news() {
        let event = |text: &str| {
            let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
            value["event"].as_str().map(str::to_owned)
        };
        let check = |verdict, again, expected: Option<&str>| {
            assert_eq!(
                event(&judged(verdict, again)).as_deref(),
                expected,
                "{verdict:?}"
            );
        };
        check(Verdict::Verified, false, Some("done"));
        check(Verdict::Failed, true, None);
        check(Verdict::Failed, false, Some("failed"));
        check(Verdict::Unverified, false, Some("failed"));
        check(Verdict::Waiting, false, Some("waiting"));
        check(Verdict::Limited, true, Some("limited"));
        check(Verdict::Interrupted, true, None);
        let ended = |ending| {
            let operation = Operation::RunEnded {
                run: RunId::default(),
                ending,
                completed: 1,
                failed: 0,
            };
            event(&told(operation))
        };
        assert_eq!(ended(RunEnding::Complete).as_deref(), Some("done"));
        assert_eq!(ended(RunEnding::Exhausted).as_deref(), Some("failed"));
        assert_eq!(ended(RunEnding::Blocked).as_deref(), Some("waiting"));
        assert_eq!(ended(RunEnding::Drained { signal: 2 }), None);
    }

    #[test]
    fn the_object() {
        insta::assert_snapshot!(judged(Verdict::Verified, false), @r#"
        {"schema_version":1,"id":"00000000000000000000000000000000","event":"done","extent":"step","plan":"docs/plan","task":58,"stage":"plan","workflow":null,"run":null,"step":"1.1","description":null,"attempt":"00000000000000000000000000000000","agent":null,"verdict":"verified","reason":"changed a \u001b[31mfile","time":"1970-01-01T00:00:00Z"}
        "#);
    }
}
