//! What is known of an attempt from its stream: a fold of updates and their times.
//!
//! Every list has a bound, so that an agent that talks for ever costs no memory.
//! It keeps claims apart from judgement: nothing here says that work is done.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{SessionUpdate, TEXT_LIMIT, ToolInput, TurnEnd, Usage, UsageScope, reset_from_text};
use crate::text::tail;
use crate::time::Timestamp;

/// Finished tools that are kept; a person looks at the last few, counts tell the rest.
const FINISHED_LIMIT: usize = 64;
/// Running tools that are kept; real agents run fewer than ten at once.
const RUNNING_LIMIT: usize = 256;
/// Files that are kept as claimed.
const CLAIMS_LIMIT: usize = 4096;
/// Denials, questions and warnings that are kept of each.
const NOTES_LIMIT: usize = 32;

/// A tool call without an end so far.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RunningTool {
    /// The agent's id of the call.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// What it is asked to do, once known.
    pub input: ToolInput,
    /// When it was announced.
    pub started_at: Timestamp,
    /// The tool call of the sub-agent that makes this call.
    pub parent: Option<String>,
}

/// A tool call that ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FinishedTool {
    /// The tool's name, `None` when only the end was seen and did not tell.
    pub name: Option<String>,
    /// What it was asked to do.
    pub input: ToolInput,
    /// From announcement to end; `None` when only the end was seen.
    pub duration: Option<Duration>,
    /// When it ended.
    pub ended_at: Timestamp,
    /// The agent says it worked.
    pub ok: bool,
    /// It was not run because it was not permitted.
    pub denied: bool,
    /// The end of its output.
    pub output: String,
}

/// A permission that the agent waits for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Asked {
    /// The id to answer with.
    pub request: String,
    /// The tool's name.
    pub tool: String,
    /// The id of the call, where it is known.
    pub id: Option<String>,
    /// What the tool is asked to do.
    pub input: ToolInput,
}

/// A usage limit that refuses requests.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Limit {
    /// When it ends, if the agent told.
    pub resets_at: Option<Timestamp>,
    /// Which limit, if the agent told.
    pub limit: Option<String>,
    /// The agent's words.
    pub message: Option<String>,
}

/// What the agent is doing, by its stream alone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Nothing has been heard yet.
    Starting,
    /// The model works, or its answer is awaited.
    Thinking,
    /// A failed request waits to be repeated.
    Retrying,
    /// A tool runs.
    Tool,
    /// A permission or an answer is awaited.
    Waiting,
    /// A usage limit refuses requests.
    Limited,
    /// The turn is over.
    Ended,
}

/// What has been heard of an attempt.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Transcript {
    /// The agent's session, to resume it.
    pub session: Option<String>,
    /// The model's name.
    pub model: Option<String>,
    /// The agent program's version.
    pub version: Option<String>,
    /// How many updates there were.
    pub updates: u64,
    /// When the first came.
    pub first_at: Option<Timestamp>,
    /// When the last came.
    pub last_at: Option<Timestamp>,
    /// Tools without an end; those left when the agent is gone were cut off.
    pub running: Vec<RunningTool>,
    /// The last finished tools, the newest last.
    pub finished: VecDeque<FinishedTool>,
    /// How many tools were announced or seen to end.
    pub tools: u64,
    /// How many of them ended without success.
    pub tools_failed: u64,
    /// Files that write-like tools named, and how many calls named each; refused calls do not count.
    pub claims: BTreeMap<String, u32>,
    /// There were more files than are kept in `claims`.
    pub claims_incomplete: bool,
    /// The last whole text of the agent itself, or the piece of one that was cut off.
    pub last_text: Option<String>,
    /// Refused tools: name and the agent's words.
    pub denied: VecDeque<(String, String)>,
    /// Questions to the person since the turn began.
    pub questions: VecDeque<String>,
    /// Open requests for a permission.
    pub asked: VecDeque<Asked>,
    /// The last warnings.
    pub warnings: VecDeque<String>,
    /// How often a request to the model was repeated.
    pub retries: u64,
    /// A limit that refuses requests now.
    pub limit: Option<Limit>,
    /// How the last turn ended; `None` while one is under way or when the stream broke off.
    pub end: Option<TurnEnd>,
    /// Lines that were not understood.
    pub raw: u64,
    /// Usage that is final.
    settled: Usage,
    /// Usage of messages whose turn has not ended.
    pending: Usage,
    /// The session's usage covers earlier processes too.
    session_usage: bool,
    /// Pieces of a text that has not been repeated as a whole.
    draft: String,
    /// The newest news is that a request is repeated.
    retrying: bool,
}

impl Transcript {
    /// Adds what was heard at `at`.
    pub fn apply(&mut self, at: Timestamp, update: &SessionUpdate) {
        self.updates += 1;
        self.first_at.get_or_insert(at);
        self.last_at = Some(at);
        self.retrying = matches!(update, SessionUpdate::Retry { .. });
        match update {
            SessionUpdate::SessionStarted {
                session,
                model,
                version,
            } => {
                self.session = Some(session.clone());
                self.model = model.clone().or(self.model.take());
                self.version = version.clone().or(self.version.take());
                self.begin_turn();
            }
            SessionUpdate::TurnStarted => self.begin_turn(),
            SessionUpdate::Requesting | SessionUpdate::Thinking => {}
            SessionUpdate::Text { subagent: true, .. } => {}
            SessionUpdate::Text {
                text,
                partial: true,
                ..
            } => {
                self.draft.push_str(text);
                // Twice the limit before it is cut, so that a long text is not copied for each piece.
                if self.draft.len() > 2 * TEXT_LIMIT {
                    self.draft = tail(&self.draft, TEXT_LIMIT).to_owned();
                }
            }
            SessionUpdate::Text { text, .. } => {
                self.draft.clear();
                self.last_text = Some(text.clone());
            }
            SessionUpdate::Retry { .. } => self.retries += 1,
            SessionUpdate::RateLimited {
                resets_at,
                message,
                rejected,
                limit,
            } => {
                self.rate_limited(
                    at,
                    *resets_at,
                    message.as_deref(),
                    *rejected,
                    limit.as_deref(),
                );
            }
            SessionUpdate::Usage { usage, scope } => self.count(*usage, *scope),
            SessionUpdate::Warning { message } => note(&mut self.warnings, message.clone()),
            SessionUpdate::Question { text } => note(&mut self.questions, text.clone()),
            SessionUpdate::Ended(end) => {
                if end.ok {
                    self.limit = None;
                }
                self.end = Some(end.clone());
                self.asked.clear();
            }
            SessionUpdate::Raw { .. } => self.raw += 1,
            _ => self.tool(at, update),
        }
    }

    /// Usage so far, the messages of an unfinished turn included.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let mut usage = self.settled;
        usage += self.pending;
        usage
    }

    /// The usage covers the whole session, also before this process: a caller that
    /// resumed it subtracts what was known before.
    #[must_use]
    pub const fn usage_covers_session(&self) -> bool {
        self.session_usage
    }

    /// The text that the agent said last, whole or cut off.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        if self.draft.is_empty() {
            self.last_text.as_deref()
        } else {
            Some(tail(&self.draft, TEXT_LIMIT))
        }
    }

    /// What the agent is doing, by its stream alone.
    #[must_use]
    pub fn activity(&self) -> Activity {
        if self.end.is_some() {
            Activity::Ended
        } else if !self.asked.is_empty() {
            Activity::Waiting
        } else if self.limit.is_some() {
            Activity::Limited
        } else if self.retrying {
            Activity::Retrying
        } else if !self.running.is_empty() {
            Activity::Tool
        } else if self.updates == 0 {
            Activity::Starting
        } else {
            Activity::Thinking
        }
    }

    fn begin_turn(&mut self) {
        self.end = None;
        self.limit = None;
        self.questions.clear();
        self.draft.clear();
    }

    fn count(&mut self, usage: Usage, scope: UsageScope) {
        match scope {
            UsageScope::Message => self.pending += usage,
            UsageScope::Turn => {
                self.settled += usage;
                self.pending = Usage::default();
            }
            UsageScope::Session => {
                self.settled = usage;
                self.pending = Usage::default();
                self.session_usage = true;
            }
        }
    }

    fn rate_limited(
        &mut self,
        at: Timestamp,
        resets_at: Option<Timestamp>,
        message: Option<&str>,
        rejected: bool,
        limit: Option<&str>,
    ) {
        if !rejected {
            self.limit = None;
            return;
        }
        let known = self.limit.take();
        let told = resets_at.or_else(|| message.and_then(|message| reset_from_text(message, at)));
        // An instant is better than words, whichever came first.
        self.limit = Some(Limit {
            resets_at: known
                .as_ref()
                .and_then(|known| known.resets_at)
                .filter(|_| resets_at.is_none())
                .or(told),
            limit: limit
                .map(str::to_owned)
                .or_else(|| known.as_ref()?.limit.clone()),
            message: message.map(str::to_owned).or_else(|| known?.message),
        });
    }

    fn tool(&mut self, at: Timestamp, update: &SessionUpdate) {
        match update {
            SessionUpdate::ToolStarted {
                id,
                name,
                input,
                parent,
            } => {
                self.tools += 1;
                if self.running.len() == RUNNING_LIMIT {
                    self.running.remove(0);
                }
                let input = input.clone().unwrap_or_default();
                self.claim(&input.files);
                let (id, name, parent) = (id.clone(), name.clone(), parent.clone());
                self.running.push(RunningTool {
                    id,
                    name,
                    input,
                    started_at: at,
                    parent,
                });
            }
            SessionUpdate::ToolInput { id, input } => {
                self.claim(&input.files);
                if let Some(tool) = self.running.iter_mut().find(|tool| tool.id == *id) {
                    tool.input = input.clone();
                }
            }
            SessionUpdate::ToolEnded { .. } => self.tool_ended(at, update),
            SessionUpdate::PermissionDenied { tool, message, .. } => {
                note(&mut self.denied, (tool.clone(), message.clone()));
            }
            SessionUpdate::PermissionAsked {
                request,
                tool,
                id,
                input,
            } => {
                let (request, tool, id) = (request.clone(), tool.clone(), id.clone());
                note(
                    &mut self.asked,
                    Asked {
                        request,
                        tool,
                        id,
                        input: input.clone(),
                    },
                );
            }
            SessionUpdate::PermissionWithdrawn { request } => self.answered(request),
            _ => {}
        }
    }

    fn tool_ended(&mut self, at: Timestamp, update: &SessionUpdate) {
        let SessionUpdate::ToolEnded {
            id,
            name,
            input,
            ok,
            denied,
            output,
        } = update
        else {
            return;
        };
        self.asked.retain(|asked| asked.id.as_ref() != Some(id));
        let position = self.running.iter().position(|tool| tool.id == *id);
        let started = position.map(|position| self.running.remove(position));
        self.tools += u64::from(started.is_none());
        self.tools_failed += u64::from(!ok);
        let input = self.final_input(started.as_ref(), input.as_ref(), *denied);
        if self.finished.len() == FINISHED_LIMIT {
            self.finished.pop_front();
        }
        self.finished.push_back(FinishedTool {
            duration: started.as_ref().map(|tool| at.since(tool.started_at)),
            name: started.map(|tool| tool.name).or_else(|| name.clone()),
            input,
            ended_at: at,
            ok: *ok,
            denied: *denied,
            output: output.clone(),
        });
    }

    /// A permission was given or refused by the caller, or is no longer asked for.
    pub fn answered(&mut self, request: &str) {
        self.asked.retain(|asked| asked.request != request);
    }

    /// What a tool was asked to do, its claims settled: a refused tool wrote nothing.
    fn final_input(
        &mut self,
        started: Option<&RunningTool>,
        told: Option<&ToolInput>,
        denied: bool,
    ) -> ToolInput {
        let claimed = started.map(|tool| tool.input.clone());
        match (claimed, denied) {
            (Some(input), false) => input,
            (Some(input), true) => {
                for file in &input.files {
                    match self.claims.get_mut(file) {
                        Some(count) if *count > 1 => *count -= 1,
                        _ => {
                            self.claims.remove(file);
                        }
                    }
                }
                input
            }
            (None, denied) => {
                let input = told.cloned().unwrap_or_default();
                if !denied {
                    self.claim(&input.files);
                }
                input
            }
        }
    }

    fn claim(&mut self, files: &[String]) {
        for file in files {
            if self.claims.len() < CLAIMS_LIMIT || self.claims.contains_key(file) {
                *self.claims.entry(file.clone()).or_default() += 1;
            } else {
                self.claims_incomplete = true;
            }
        }
    }
}

fn note<T>(notes: &mut VecDeque<T>, new: T) {
    if notes.len() == NOTES_LIMIT {
        notes.pop_front();
    }
    notes.push_back(new);
}
