//! What needs a person, and the failures that nobody has settled.

use airboss_core::board::error::{ErrorEntry, Severity};
use airboss_core::scene::Need;
use airboss_core::text::sanitize;
use airboss_core::time::Timestamp;
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
        columns.rest(pen, &[(Slot::Plain, text)]);
    }
}

impl Row {
    fn new(slot: Slot, sign: &'static str, word: &'static str, text: String) -> Self {
        Self {
            slot,
            sign,
            word,
            subject: String::new(),
            text,
            remedy: "",
        }
    }

    fn about(self, subject: impl ToString) -> Self {
        Self {
            subject: subject.to_string(),
            ..self
        }
    }

    fn remedy(self, remedy: &'static str) -> Self {
        Self { remedy, ..self }
    }
}

fn row(app: &App, need: &Need) -> Row {
    match need {
        Need::Question {
            step,
            text,
            working,
            ..
        } => Row::new(Slot::Turn, "⁇", "question", text.clone())
            .about(step)
            .remedy(if *working {
                "it still works"
            } else {
                "a: answer"
            }),
        Need::Permission { attempt, tool, .. } => {
            let row = Row::new(Slot::Turn, "⁇", "permission", tool.clone());
            let step = app.scene.flying(*attempt).and_then(|it| it.step());
            // Its agent takes no answer: what it may do is said when it is started.
            let row = row.remedy("a: what to do");
            match step {
                Some(step) => row.about(step),
                None => row,
            }
        }
        Need::Failed { step, error, .. } => Row::new(Slot::Failed, "✗", "failed", error.clone())
            .about(step)
            .remedy("r: retry  s: skip"),
        Need::Conflict { task, path, .. } => {
            let text = format!("{} and the board disagree", sanitize(path.as_str()));
            let row = Row::new(Slot::Turn, "!", "conflict", text).remedy("o: edit");
            match task {
                Some(task) => row.about(task),
                None => row,
            }
        }
        Need::Error { message, .. } => Row::new(Slot::Failed, "✗", "error", message.clone()),
        Need::Limited { .. }
        | Need::RunGone { .. }
        | Need::Commits { .. }
        | Need::Publish { .. } => timed_row(app, need),
    }
}

/// Those that tell for how long, or until when.
fn timed_row(app: &App, need: &Need) -> Row {
    let ago = |since: &Timestamp| words::duration(app.now.since(*since));
    match need {
        Need::Limited {
            steps, until, kind, ..
        } => {
            let text = format!(
                "{}: {kind}; again in {}, at {}",
                words::count(*steps, "step"),
                words::duration(until.since(app.now)),
                words::instant(*until)
            );
            Row::new(Slot::Attention, "…", "limit", text)
        }
        Need::RunGone { run, since, .. } => {
            let text = format!(
                "run {} is gone without an end, seen {} ago",
                run.short(),
                ago(since)
            );
            Row::new(Slot::Failed, "✗", "run gone", text).remedy("`airboss run`")
        }
        Need::Commits {
            plan,
            count,
            reason,
            since,
        } => {
            let text = format!(
                "{} of {} for {}: {}",
                words::count(*count, "commit"),
                sanitize(plan.path().as_str()),
                ago(since),
                reason.as_deref().unwrap_or("they wait for their turn")
            );
            Row::new(Slot::Attention, "…", "commits", text)
        }
        Need::Publish { path, since } => {
            let text = format!(
                "{} waits to be written for {}",
                sanitize(path.as_str()),
                ago(since)
            );
            Row::new(Slot::Attention, "…", "publish", text).remedy("o: edit")
        }
        _ => Row::new(Slot::Plain, " ", "", String::new()),
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
