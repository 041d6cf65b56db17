//! Following one attempt: its recording read as it grows, parsed and folded.
//!
//! The recording on disk is the only source, live and after a crash alike: a
//! runner that adopts a running attempt reads the same bytes as the one that
//! started it. Nothing here decides what an attempt is worth.

use std::path::{Path, PathBuf};

use airboss_core::agent::{
    Answer, FinishedTool, SessionUpdate, StreamFormat, StreamParser, Transcript, tool_line,
};
use airboss_core::attempt::{AttemptEnd, ServiceLimit, SessionEnd, Spending, StreamReport};
use airboss_core::path::RepoPath;
use airboss_core::process::ProcessIdentity;
use airboss_core::text::{sanitize, tail};
use airboss_core::time::Timestamp;

use crate::supervise::{self, Handle, Reader, Stream, SuperviseError};

/// How much of standard error is kept for the verdict and the next prompt.
const ERROR_TAIL_BYTES: usize = 4 * 1024;
/// How much of the agent's last words is kept; a batch's done lines fit many times over.
const LAST_TEXT_BYTES: usize = 16 * 1024;

/// A tool that began or ended, for the reporter.
#[derive(Clone, PartialEq, Debug)]
pub enum ToolNews {
    /// It was announced; one line.
    Started(String),
    /// It ended; one line.
    Ended(String, FinishedTool),
}

/// One attempt being followed.
pub struct Watch {
    directory: PathBuf,
    top: PathBuf,
    format: StreamFormat,
    reader: Reader,
    parser: StreamParser,
    /// What was heard so far.
    pub transcript: Transcript,
    answer: Answer,
    error_tail: String,
    announced: u64,
    resumes: bool,
    handle: Option<Handle>,
    supervisor: Option<ProcessIdentity>,
}

impl Watch {
    /// Follows the attempt in `directory` from its beginning.
    #[must_use]
    pub fn new(directory: &Path, top: &Path, format: StreamFormat, handle: Option<Handle>) -> Self {
        let supervisor = match &handle {
            Some(handle) => Some(handle.identity().clone()),
            None => supervise::supervisor(directory),
        };
        Self {
            directory: directory.to_owned(),
            top: top.to_owned(),
            format,
            reader: Reader::new(directory),
            parser: StreamParser::new(format),
            transcript: Transcript::default(),
            answer: Answer::new(format),
            error_tail: String::new(),
            announced: 0,
            resumes: false,
            handle,
            supervisor,
        }
    }

    /// The attempt goes on with an earlier session of the agent, which it has to announce.
    #[must_use]
    pub fn resuming(mut self, resumes: bool) -> Self {
        self.resumes = resumes;
        self
    }

    /// The process that supervises it, once known.
    #[must_use]
    pub fn supervisor(&self) -> Option<&ProcessIdentity> {
        self.supervisor.as_ref()
    }

    /// The language of its stream.
    #[must_use]
    pub fn format(&self) -> StreamFormat {
        self.format
    }

    /// Reads what is new.
    ///
    /// # Errors
    /// When the recording cannot be read.
    pub fn poll(&mut self) -> Result<Vec<ToolNews>, SuperviseError> {
        let lines = self.reader.poll()?;
        Ok(self.take(lines))
    }

    fn take(&mut self, lines: Vec<supervise::RecordedLine>) -> Vec<ToolNews> {
        let mut news = Vec::new();
        for line in lines {
            if line.stream == Stream::Stderr {
                self.error_tail
                    .push_str(&String::from_utf8_lossy(&line.bytes));
                if self.error_tail.len() > 2 * ERROR_TAIL_BYTES {
                    self.error_tail = tail(&self.error_tail, ERROR_TAIL_BYTES).to_owned();
                }
                continue;
            }
            let updates = self.parser.parse(&line.bytes);
            self.answer.hear(&line.bytes, !line.cut, &updates);
            for update in updates {
                self.transcript.apply(line.at, &update);
                news.extend(self.tool_news(&update));
            }
        }
        news
    }

    /// A start is told once its input is known, so that the line says what is done.
    fn tool_news(&mut self, update: &SessionUpdate) -> Option<ToolNews> {
        match update {
            SessionUpdate::ToolStarted {
                input: Some(input),
                name,
                ..
            } => {
                self.announced += 1;
                Some(ToolNews::Started(tool_line(name, input)))
            }
            SessionUpdate::ToolInput { id, input } => {
                let tool = self.transcript.running.iter().find(|tool| tool.id == *id)?;
                self.announced += 1;
                Some(ToolNews::Started(tool_line(&tool.name, input)))
            }
            SessionUpdate::ToolEnded { .. } => {
                let finished = self.transcript.finished.back()?.clone();
                let name = finished.name.as_deref().unwrap_or("tool");
                Some(ToolNews::Ended(tool_line(name, &finished.input), finished))
            }
            _ => None,
        }
    }

    /// The tool that runs now, on one line, and since when.
    #[must_use]
    pub fn running_tool(&self) -> Option<(String, Timestamp)> {
        let tool = self.transcript.running.last()?;
        Some((tool_line(&tool.name, &tool.input), tool.started_at))
    }

    /// How its process ended, once it has.
    ///
    /// # Errors
    /// When the recording cannot be read to its end.
    pub fn end(&mut self) -> Result<Option<AttemptEnd>, SuperviseError> {
        if let Some(outcome) = supervise::outcome(&self.directory) {
            self.reap();
            self.read_to_the_end()?;
            return Ok(Some(AttemptEnd::Seen { outcome }));
        }
        let gone = match &mut self.handle {
            Some(handle) => handle.try_wait().unwrap_or(true),
            None => !self.supervisor.as_ref().is_some_and(supervise::is_alive),
        };
        if !gone {
            return Ok(None);
        }
        // It may have written the outcome between the two looks.
        if let Some(outcome) = supervise::outcome(&self.directory) {
            self.read_to_the_end()?;
            return Ok(Some(AttemptEnd::Seen { outcome }));
        }
        Ok(Some(AttemptEnd::Lost { swept: 0 }))
    }

    fn reap(&mut self) {
        if let Some(handle) = &mut self.handle {
            // It writes the outcome as its last act; a zombie for a moment longer does no harm.
            handle.try_wait().ok();
        }
    }

    fn read_to_the_end(&mut self) -> Result<(), SuperviseError> {
        loop {
            let lines = self.reader.poll()?;
            if lines.is_empty() {
                break;
            }
            self.take(lines);
        }
        let rest = self.reader.finish();
        self.take(rest);
        Ok(())
    }

    /// Reads the recording of an attempt that is over to its end.
    pub fn catch_up(&mut self) {
        // What cannot be read any more is not there to be told.
        self.read_to_the_end().ok();
    }

    /// What the agent said last, whole.
    #[must_use]
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// The tool that it used last, on one line.
    #[must_use]
    pub fn last_tool(&self) -> Option<String> {
        let tool = self.transcript.finished.back()?;
        let name = tool.name.as_deref().unwrap_or("tool");
        Some(tool_line(name, &tool.input))
    }

    /// What the stream told, as it is stored.
    #[must_use]
    pub fn report(&self) -> StreamReport {
        let transcript = &self.transcript;
        let capabilities = self.format.capabilities();
        let usage = transcript.usage();
        StreamReport {
            session: transcript.session.clone(),
            not_resumed: self.resumes && transcript.session.is_none(),
            end: transcript.end.as_ref().map(|end| SessionEnd {
                ok: end.ok,
                reason: end.reason.word().to_owned(),
                message: end.message.as_deref().map(sanitize).unwrap_or_default(),
            }),
            end_expected: capabilities.result,
            denied: transcript
                .denied
                .iter()
                .map(|(tool, _)| sanitize(tool))
                .collect(),
            question: self.question(),
            limit: self.limit(),
            tools: u32::try_from(transcript.tools).unwrap_or(u32::MAX),
            spending: capabilities.usage.then_some(Spending {
                input_tokens: usage.input + usage.cached + usage.cache_write,
                cached_tokens: usage.cached,
                output_tokens: usage.output,
                cost_usd: usage.cost_usd,
            }),
            claimed_paths: self.claims().into_iter().map(String::from).collect(),
            last_text: tail(transcript.text().unwrap_or_default(), LAST_TEXT_BYTES).to_owned(),
            error_tail: tail(&self.error_tail, ERROR_TAIL_BYTES).to_owned(),
        }
    }

    fn question(&self) -> Option<String> {
        if let Some(question) = self.transcript.questions.back() {
            return Some(sanitize(question));
        }
        let asked = self.transcript.asked.back()?;
        Some(format!("permission to use {}", sanitize(&asked.tool)))
    }

    /// A limit that ended the turn, or an overloaded service, which is waited for likewise.
    fn limit(&self) -> Option<ServiceLimit> {
        if let Some(limit) = &self.transcript.limit {
            let words = limit.message.as_deref().or(limit.limit.as_deref());
            return Some(ServiceLimit {
                resets_at: limit.resets_at,
                kind: sanitize(words.unwrap_or("a usage limit")),
            });
        }
        let end = self
            .transcript
            .end
            .as_ref()
            .filter(|end| !end.ok && end.retryable)?;
        let message = end.message.as_deref().map(sanitize).unwrap_or_default();
        let first = message.lines().next().unwrap_or_default();
        Some(ServiceLimit {
            resets_at: None,
            kind: format!("the model's service failed: {first}"),
        })
    }

    /// The paths inside the work tree that the agent's tools say they wrote.
    #[must_use]
    pub fn claims(&self) -> Vec<RepoPath> {
        let inside = |path: &String| {
            let path = Path::new(path);
            let relative = if path.is_absolute() {
                path.strip_prefix(&self.top).ok()?
            } else {
                path
            };
            RepoPath::new(relative.to_str()?).ok()
        };
        self.transcript.claims.keys().filter_map(inside).collect()
    }
}
