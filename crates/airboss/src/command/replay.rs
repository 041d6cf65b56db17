//! `airboss replay`: the recorded stream of an attempt, read again as it was read live.

use std::path::Path;
use std::thread;
use std::time::Duration;

use airboss_core::agent::{
    EndReason, SessionUpdate, StreamParser, ToolInput, Transcript, TurnEnd, Usage, UsageScope,
    tool_line,
};
use airboss_core::attempt::Attempt;
use airboss_core::exit::ExitCode;
use airboss_core::text::sanitize;
use airboss_core::time::Timestamp;
use airboss_engine::run::attempt_files::{AttemptFiles, directory};
use airboss_engine::store::Store as _;
use airboss_engine::supervise::{self, Reader, RecordedLine, Stream};
use owo_colors::{OwoColorize as _, Style};
use serde_json::json;

use crate::context::Context;
use crate::error::CliError;
use crate::printer::Printer;
use crate::{lookup, page, words};

/// How often a growing recording is looked at: faster than a person reads.
const POLL: Duration = Duration::from_millis(100);
/// Where what was said begins: behind the time and the word.
const TEXT_COLUMN: usize = 19;
/// A pause of the recording is never replayed longer than this: nobody waits for an idle limit.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Replay what an agent said and did, from its recording.
#[derive(clap::Args, Clone, Debug)]
pub struct ReplayArguments {
    /// An attempt: `2.3#1`, the beginning of its id, or a step for its newest attempt.
    pub id: String,
    /// Write the bytes of the stream as they were received.
    #[arg(long, conflicts_with = "follow")]
    pub raw: bool,
    /// With the pauses of the original, so many times as fast; without it at once.
    #[arg(long, value_name = "FACTOR", value_parser = speed)]
    pub speed: Option<f64>,
    /// What it wrote to standard error, too; with --raw only that.
    #[arg(long)]
    pub stderr: bool,
    /// Go on while it runs.
    #[arg(short, long)]
    pub follow: bool,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if speed.is_finite() && speed > 0.0 => Ok(speed),
        _ => Err("a number above 0 is expected, such as 1 or 10".to_owned()),
    }
}

/// Replays an attempt.
///
/// # Errors
/// When the id names no attempt, or its recording cannot be read.
pub fn replay(context: &Context, arguments: &ReplayArguments) -> Result<ExitCode, CliError> {
    let (workspace, store) = context.reader()?;
    let named = lookup::find(context, &workspace, &store, &arguments.id)?;
    let id = lookup::newest_attempt(&store, &named)?;
    let known = store.attempt(id)?;
    let attempt = known
        .map(|known| known.attempt)
        .ok_or_else(|| CliError::refused(format!("nothing is recorded of attempt {id}")))?;
    let directory = directory(&workspace.state, id);
    let Some(files) = AttemptFiles::read(&directory) else {
        return Err(
            CliError::refused(format!("attempt {id} has no recording: it never began"))
                .hint(format!("`airboss why {id}` says why not")),
        );
    };
    let mut player = Player::new(context, arguments, &attempt, &files);
    if !arguments.raw && !context.json && !context.quiet {
        context.printer.note(&header(&attempt));
    }
    play(&directory, arguments, &mut player)?;
    player.finish(&directory);
    Ok(ExitCode::Success)
}

fn header(attempt: &Attempt) -> String {
    let name = super::log::attempt_name(&attempt.steps, attempt.number);
    let begun = words::instant(attempt.dispatched_at);
    let line = format!("{name} by {}, begun {begun}", attempt.agent);
    sanitize(&line).bold().to_string()
}

/// Reads the recording to its end; the end of what there is, unless it is followed.
fn play(
    directory: &Path,
    arguments: &ReplayArguments,
    player: &mut Player,
) -> Result<(), CliError> {
    let mut reader = Reader::new(directory);
    loop {
        // Asked before the recording is read, so that nothing comes after the last look.
        let over = is_over(directory);
        let lines = reader.poll()?;
        let idle = lines.is_empty();
        lines.iter().for_each(|line| player.line(line));
        if reader.is_finished() || (idle && !arguments.follow && !over) {
            return Ok(());
        }
        if idle && over {
            reader.finish().iter().for_each(|line| player.line(line));
            return Ok(());
        }
        if idle {
            thread::sleep(POLL);
        }
    }
}

/// Whether nobody writes the recording any more.
pub(crate) fn is_over(directory: &Path) -> bool {
    supervise::outcome(directory).is_some()
        || !supervise::supervisor(directory)
            .as_ref()
            .is_some_and(supervise::is_alive)
}

/// Turns recorded lines into what is asked for.
struct Player {
    printer: Printer,
    json: bool,
    raw: bool,
    stderr: bool,
    speed: Option<f64>,
    edge: Option<usize>,
    parser: StreamParser,
    narrator: Narrator,
    begin: Timestamp,
    last: Timestamp,
    /// Lines of standard error that were not shown.
    hidden: usize,
}

impl Player {
    fn new(
        context: &Context,
        arguments: &ReplayArguments,
        attempt: &Attempt,
        files: &AttemptFiles,
    ) -> Self {
        Self {
            narrator: Narrator::new(&files.top),
            printer: context.printer,
            json: context.json,
            raw: arguments.raw,
            stderr: arguments.stderr,
            speed: arguments.speed,
            edge: page::edge(),
            parser: StreamParser::new(files.format),
            begin: attempt.dispatched_at,
            last: attempt.dispatched_at,
            hidden: 0,
        }
    }

    fn line(&mut self, line: &RecordedLine) {
        self.pause(line.at);
        let of_stderr = line.stream == Stream::Stderr;
        if self.raw {
            if of_stderr == self.stderr {
                self.printer.raw(&line.bytes);
            }
            return;
        }
        if of_stderr {
            self.stderr_line(line);
            return;
        }
        for update in self.parser.parse(&line.bytes) {
            self.update(line, &update);
        }
    }

    fn stderr_line(&mut self, line: &RecordedLine) {
        if !self.stderr {
            self.hidden += 1;
            return;
        }
        let text = String::from_utf8_lossy(&line.bytes);
        if self.json {
            let offset = self.offset(line.at);
            self.printer
                .json_line(&json!({ "at": line.at, "offset_ms": offset, "stderr": text }));
        } else {
            self.say(line.at, "stderr", Style::new().dimmed(), &text);
        }
    }

    fn update(&mut self, line: &RecordedLine, update: &SessionUpdate) {
        let words = self.narrator.hear(line.at, update);
        if self.json {
            let mut value = serde_json::to_value(update).unwrap_or_default();
            if let Some(object) = value.as_object_mut() {
                object.insert("at".to_owned(), json!(line.at));
                object.insert("offset_ms".to_owned(), json!(self.offset(line.at)));
                object.insert("cut".to_owned(), json!(line.cut));
            }
            self.printer.json_line(&value);
            return;
        }
        if let Some((word, style, text)) = words {
            self.say(line.at, word, style, &text);
        }
    }

    /// A pause as long as the recording's own, divided by the speed.
    fn pause(&mut self, at: Timestamp) {
        if let Some(speed) = self.speed {
            let pause = at.since(self.last).div_f64(speed);
            thread::sleep(pause.min(PAUSE_MAX));
        }
        self.last = self.last.max(at);
    }

    fn offset(&self, at: Timestamp) -> i64 {
        at.as_millis() - self.begin.as_millis()
    }

    /// One line: when, what kind, what.
    fn say(&self, at: Timestamp, word: &str, style: Style, text: &str) {
        let text = sanitize(text).replace('\t', "    ");
        let mut lines: Vec<String> = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match self.edge.map(|edge| edge.saturating_sub(TEXT_COLUMN)) {
                // A line that fits keeps its form, such as the indentation of code.
                Some(room) if line.chars().count() > room => lines.extend(page::wrap(line, room)),
                _ => lines.push(line.to_owned()),
            }
        }
        if lines.is_empty() {
            lines.push(String::new());
        }
        let time = words::duration(at.since(self.begin));
        for (place, line) in lines.iter().enumerate() {
            let (time, word) = if place == 0 {
                (time.as_str(), word)
            } else {
                ("", "")
            };
            let (time, word) = (format!("{time:>7}"), format!("{word:<8}"));
            let line = format!("{}  {}  {line}", time.dimmed(), word.style(style));
            self.printer.data(line.trim_end());
        }
    }

    /// What is known once the recording has been read.
    fn finish(&self, directory: &Path) {
        if self.raw || self.json {
            return;
        }
        // A text that was never repeated as a whole was cut off.
        let draft = self.narrator.transcript.text().filter(|text| {
            let whole = self.narrator.transcript.last_text.as_deref();
            whole != Some(*text) && !text.is_empty()
        });
        if let Some(draft) = draft {
            self.say(
                self.last,
                "text",
                Style::new(),
                &format!("{draft} (cut off)"),
            );
        }
        for tool in &self.narrator.transcript.running {
            let line = format!(
                "{} had no end",
                self.narrator.tool_line(&tool.name, &tool.input)
            );
            self.say(self.last, "tool", Style::new().yellow(), &line);
        }
        let style = Style::new().bold();
        match supervise::outcome(directory) {
            Some(outcome) => {
                let at = outcome.ended_at;
                let end = airboss_core::attempt::AttemptEnd::Seen { outcome };
                self.say(at, "exit", style, &words::end(&end));
            }
            None if is_over(directory) => {
                self.say(self.last, "exit", style, "its end was not seen");
            }
            None => self.printer.note("it still runs; --follow goes on with it"),
        }
        if self.hidden > 0 {
            let lines = words::count(self.hidden, "line");
            let note = format!("{lines} of standard error not shown (--stderr)");
            self.printer.note(&note);
        }
    }
}

/// Tells updates in words, one by one, as a recording is read.
pub(crate) struct Narrator {
    transcript: Transcript,
    /// The top of the work tree with a slash, which paths do without.
    top: String,
}

impl Narrator {
    /// At the beginning of a recording that was made in the work tree at `top`.
    pub(crate) fn new(top: &Path) -> Self {
        Self {
            transcript: Transcript::default(),
            top: format!("{}/", top.display()),
        }
    }

    /// Takes an update: its word, its colour, and what it says; `None` when that is nothing to a
    /// person.
    pub(crate) fn hear(
        &mut self,
        at: Timestamp,
        update: &SessionUpdate,
    ) -> Option<(&'static str, Style, String)> {
        self.transcript.apply(at, update);
        self.words(update)
    }

    /// The words for an update; `None` for what says nothing to a person.
    fn words(&self, update: &SessionUpdate) -> Option<(&'static str, Style, String)> {
        let (plain, dim) = (Style::new(), Style::new().dimmed());
        let yellow = Style::new().yellow();
        Some(match update {
            SessionUpdate::Requesting
            | SessionUpdate::Thinking
            | SessionUpdate::TurnStarted
            | SessionUpdate::ToolStarted { input: None, .. }
            | SessionUpdate::Text { partial: true, .. } => return None,
            SessionUpdate::SessionStarted {
                session,
                model,
                version,
            } => (
                "session",
                dim,
                session_words(session, model.as_deref(), version.as_deref()),
            ),
            SessionUpdate::Text { text, subagent, .. } => (
                if *subagent { "subagent" } else { "text" },
                plain,
                text.clone(),
            ),
            SessionUpdate::ToolStarted {
                name,
                input: Some(input),
                ..
            } => ("tool", Style::new().cyan(), self.tool_line(name, input)),
            SessionUpdate::ToolInput { id, input } => {
                let tool = self.transcript.running.iter().find(|tool| tool.id == *id)?;
                (
                    "tool",
                    Style::new().cyan(),
                    self.tool_line(&tool.name, input),
                )
            }
            SessionUpdate::ToolEnded { .. } => return self.tool_ended(),
            SessionUpdate::PermissionDenied { tool, message, .. } => {
                ("denied", yellow, format!("{tool}: {message}"))
            }
            SessionUpdate::PermissionAsked { tool, input, .. } => (
                "asks",
                yellow,
                format!("permission for {}", self.tool_line(tool, input)),
            ),
            SessionUpdate::PermissionWithdrawn { request } => {
                ("asks", dim, format!("no longer for {request}"))
            }
            SessionUpdate::Question { text } => ("asks", yellow, text.clone()),
            SessionUpdate::Retry { .. } => ("retry", yellow, retry_words(update)),
            SessionUpdate::RateLimited { .. } => ("limit", yellow, limit_words(update)),
            SessionUpdate::Usage { usage, scope } => ("usage", dim, usage_words(*usage, *scope)?),
            SessionUpdate::Warning { message } => ("warning", yellow, message.clone()),
            SessionUpdate::Ended(end) => {
                let style = if end.ok {
                    Style::new().green()
                } else {
                    Style::new().red()
                };
                (
                    "end",
                    style,
                    end_words(end, self.transcript.last_text.as_deref()),
                )
            }
            SessionUpdate::Raw { kind, line } => ("unknown", dim, format!("{kind}: {line}")),
        })
    }

    /// A tool in one line, with paths as the project has them.
    fn tool_line(&self, name: &str, input: &ToolInput) -> String {
        tool_line(name, input).replace(&self.top, "")
    }

    fn tool_ended(&self) -> Option<(&'static str, Style, String)> {
        let tool = self.transcript.finished.back()?;
        let name = tool
            .name
            .as_deref()
            .unwrap_or("a tool that was not announced");
        let line = self.tool_line(name, &tool.input);
        let took = tool.duration.map_or_else(String::new, |took| {
            format!(" after {}", words::duration(took))
        });
        // Most streams tell the refusal itself, with its reason.
        let told = self.transcript.denied.back();
        if tool.denied && told.is_some_and(|(denied, _)| *denied == name) {
            return None;
        }
        Some(match (tool.ok, tool.denied) {
            (true, _) => ("done", Style::new().green(), format!("{line}{took}")),
            (false, true) => ("denied", Style::new().yellow(), line),
            (false, false) => {
                let output = tool
                    .output
                    .lines()
                    .rev()
                    .find(|line| !line.trim().is_empty());
                let output = output.map_or(String::new(), |line| format!(": {line}"));
                (
                    "failed",
                    Style::new().red(),
                    format!("{line}{took}{output}"),
                )
            }
        })
    }
}

fn session_words(session: &str, model: Option<&str>, version: Option<&str>) -> String {
    let mut text = session.to_owned();
    text.extend(model.map(|model| format!(", {model}")));
    text.extend(version.map(|version| format!(", version {version}")));
    text
}

fn retry_words(update: &SessionUpdate) -> String {
    let SessionUpdate::Retry {
        attempt,
        max,
        delay_ms,
        status,
        message,
    } = update
    else {
        return String::new();
    };
    let of = max.map_or(String::new(), |max| format!(" of {max}"));
    let status = status.map_or_else(|| "no answer".to_owned(), |status| format!("HTTP {status}"));
    let delay = delay_ms.map_or(String::new(), |delay| {
        format!(" in {}", words::duration(Duration::from_millis(delay)))
    });
    format!("{attempt}{of}{delay} ({status}): {message}")
}

fn limit_words(update: &SessionUpdate) -> String {
    let SessionUpdate::RateLimited {
        resets_at,
        message,
        rejected,
        limit,
    } = update
    else {
        return String::new();
    };
    let what = if *rejected { "refused" } else { "near" };
    let mut text = format!("{what}: {}", limit.as_deref().unwrap_or("a usage limit"));
    text.extend(resets_at.map(|at| format!(", resets at {at}")));
    text.extend(message.as_ref().map(|message| format!(": {message}")));
    text
}

/// Only sums are shown: those of single messages come again in them. Nothing is not news.
fn usage_words(usage: Usage, scope: UsageScope) -> Option<String> {
    let of = match scope {
        UsageScope::Message => return None,
        UsageScope::Turn => "",
        UsageScope::Session => " in the whole session",
    };
    let read = usage.input + usage.cached + usage.cache_write;
    if read + usage.output == 0 {
        return None;
    }
    let cost = usage
        .cost_usd
        .map_or(String::new(), |cost| format!(", ${cost:.2}"));
    Some(format!(
        "{} tokens read ({} cached), {} written{cost}{of}",
        words::amount(read),
        words::amount(usage.cached),
        words::amount(usage.output)
    ))
}

/// The message is left out when it only repeats the text before it.
fn end_words(end: &TurnEnd, text: Option<&str>) -> String {
    let reason = match end.reason {
        EndReason::Completed => "completed",
        EndReason::MaxTurns => "its limit of turns was reached",
        EndReason::Budget => "its limit of money was reached",
        EndReason::Limited => "a usage limit",
        EndReason::Api => "the model's service failed",
        EndReason::Aborted => "interrupted",
        EndReason::Failed => "failed",
    };
    let said = if end.ok {
        "says success"
    } else {
        "says failure"
    };
    let message = end
        .message
        .as_ref()
        .filter(|message| !message.is_empty() && text != Some(message.as_str()))
        .map_or(String::new(), |message| format!(": {message}"));
    format!("{said}, {reason}{message}")
}
