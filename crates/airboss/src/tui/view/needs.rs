//! What needs a person, and the failures that nobody has settled.

use airboss_core::board::error::{ErrorEntry, Severity};
use airboss_core::scene::Need;
use airboss_core::text::sanitize;
use ratatui::layout::Rect;

use super::Columns;
use crate::tui::app::{App, Panel};
use crate::tui::paint::Pen;
use crate::tui::theme::Slot;
use crate::words;

/// `permission` fits.
const WORD: u16 = 10;
/// `12.34` fits.
const SUBJECT: u16 = 6;
/// `59m59s` fits.
const AGO: u16 = 6;
/// `CRITICAL` fits.
const SEVERITY: u16 = 8;

/// How a need is told: its meaning, its sign, its word, what it is about, its text, and the key
/// that does something about it.
struct Row {
    slot: Slot,
    sign: &'static str,
    word: &'static str,
    subject: String,
    text: String,
    remedy: &'static str,
}

pub(super) fn draw(pen: &mut Pen<'_>, body: Rect, app: &App) {
    let top = app.list(Panel::Needs).top;
    let shown = app.needs().skip(top).take(usize::from(body.height));
    for (place, need) in shown.enumerate() {
        let row = row(app, need);
        let mut columns = Columns::new(body, place);
        columns.put(pen, 1, row.slot, row.sign);
        columns.put(pen, WORD, row.slot, row.word);
        columns.put(pen, SUBJECT, Slot::Strong, &row.subject);
        let width = u16::try_from(row.remedy.len()).unwrap_or(0);
        if body.width > 60 && width > 0 {
            columns.put_right(pen, width, Slot::Turn, row.remedy);
        }
        let text = row.text.lines().next().unwrap_or_default();
        columns.rest(pen, &[(Slot::Plain, &app.local(text))]);
    }
}

fn row(app: &App, need: &Need) -> Row {
    let row = |slot, sign, word, subject: String, text: String, remedy| Row {
        slot,
        sign,
        word,
        subject,
        text,
        remedy,
    };
    match need {
        Need::Question {
            step,
            text,
            working,
            ..
        } => {
            let remedy = if *working {
                "it still works"
            } else {
                "a: answer"
            };
            row(
                Slot::Turn,
                "⁇",
                "question",
                step.to_string(),
                text.clone(),
                remedy,
            )
        }
        Need::Permission { attempt, tool, .. } => {
            let step = app.scene.flying(*attempt).and_then(|it| it.step());
            let step = step.map_or_else(String::new, ToString::to_string);
            row(
                Slot::Turn,
                "⁇",
                "permission",
                step,
                tool.clone(),
                "t: transcript",
            )
        }
        Need::Failed { step, error, .. } => row(
            Slot::Failed,
            "✗",
            "failed",
            step.to_string(),
            error.clone(),
            "r: retry  s: skip",
        ),
        Need::Limited {
            steps, until, kind, ..
        } => {
            let text = format!(
                "{}: {kind}; again in {}, at {}",
                words::count(*steps, "step"),
                words::duration(until.since(app.now)),
                words::instant(*until)
            );
            row(Slot::Attention, "…", "limit", String::new(), text, "")
        }
        Need::RunGone { run, since, .. } => {
            let ago = words::duration(app.now.since(*since));
            let text = format!("run {} is gone without an end, seen {ago} ago", run.short());
            row(
                Slot::Failed,
                "✗",
                "run gone",
                String::new(),
                text,
                "`airboss run`",
            )
        }
        Need::Conflict { task, path, .. } => {
            let task = task.map_or_else(String::new, |task| task.to_string());
            let text = format!("{} and the board disagree", sanitize(path.as_str()));
            row(Slot::Turn, "!", "conflict", task, text, "o: edit")
        }
        Need::Commits {
            plan,
            count,
            reason,
            since,
        } => {
            let reason = reason.as_deref().unwrap_or("they wait for their turn");
            let ago = words::duration(app.now.since(*since));
            let text = format!(
                "{} of {} for {ago}: {reason}",
                words::count(*count, "commit"),
                sanitize(plan.path().as_str())
            );
            row(Slot::Attention, "…", "commits", String::new(), text, "")
        }
        Need::Publish { path, since } => {
            let ago = words::duration(app.now.since(*since));
            let text = format!("{} waits to be written for {ago}", sanitize(path.as_str()));
            row(
                Slot::Attention,
                "…",
                "publish",
                String::new(),
                text,
                "o: edit",
            )
        }
        Need::Error { message, .. } => row(
            Slot::Failed,
            "✗",
            "error",
            String::new(),
            message.clone(),
            "",
        ),
    }
}

pub(super) fn errors(pen: &mut Pen<'_>, body: Rect, app: &App) {
    let top = app.list(Panel::Errors).top;
    let shown = app.errors().skip(top).take(usize::from(body.height));
    for (place, error) in shown.enumerate() {
        error_row(pen, body, place, app, error);
    }
}

fn error_row(pen: &mut Pen<'_>, body: Rect, place: usize, app: &App, error: &ErrorEntry) {
    let (slot, sign, word) = match error.severity {
        Severity::Critical => (Slot::Failed, "✗", "CRITICAL"),
        Severity::High => (Slot::Failed, "!", "high"),
        Severity::Medium => (Slot::Attention, "!", "medium"),
        Severity::Low => (Slot::Muted, "!", "low"),
    };
    let mut columns = Columns::new(body, place);
    columns.put(pen, 1, slot, sign);
    columns.put_right(
        pen,
        AGO,
        Slot::Muted,
        &words::duration(app.now.since(error.at)),
    );
    columns.put(pen, SEVERITY, slot, word);
    let message = sanitize(airboss_core::text::head(&error.message, 1 << 10));
    let line = message.lines().next().unwrap_or_default();
    columns.rest(pen, &[(Slot::Plain, line)]);
}
