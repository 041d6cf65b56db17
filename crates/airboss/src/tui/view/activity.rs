//! What agents do: tools as they start, finished ones with how long they took and how they ended.

use airboss_core::scene::{Act, Deed, ToolOutcome};
use ratatui::layout::Rect;

use super::Columns;
use crate::tui::app::{App, Panel};
use crate::tui::paint::Pen;
use crate::tui::theme::Slot;
use crate::words;

/// `59m59s` fits.
const AGO: u16 = 6;
/// `12.34` fits.
const STEP: u16 = 6;
/// `started` and `claimed` fit.
const WORD: u16 = 8;
/// `3m05s` fits.
const TIME: u16 = 6;

pub(super) fn draw(pen: &mut Pen<'_>, body: Rect, app: &App) {
    let top = app.list(Panel::Activity).top;
    let acts = app.scene.activity().iter().rev().skip(top);
    for (row, act) in acts.take(usize::from(body.height)).enumerate() {
        draw_row(pen, body, row, app, act);
    }
}

fn draw_row(pen: &mut Pen<'_>, body: Rect, row: usize, app: &App, act: &Act) {
    let mut columns = Columns::new(body, row);
    let (slot, sign, word, text) = told(&act.deed);
    columns.put(pen, 1, slot, sign);
    let ago = words::duration(app.now.since(act.at));
    columns.put_right(pen, AGO, Slot::Muted, &ago);
    columns.put(pen, STEP, Slot::Strong, act.step.as_str());
    columns.put(pen, WORD, slot, word);
    if let Deed::ToolEnded { duration, .. } = &act.deed {
        let took = duration.map_or_else(|| "-".to_owned(), words::duration);
        columns.put_right(pen, TIME, Slot::Plain, &took);
    }
    let line = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    columns.rest(pen, &[(Slot::Plain, line.trim())]);
}

fn told(deed: &Deed) -> (Slot, &'static str, &'static str, &str) {
    match deed {
        Deed::ToolStarted { tool } => (Slot::Working, "▸", "started", tool),
        Deed::ToolEnded { tool, outcome, .. } => match outcome {
            ToolOutcome::Ok => (Slot::Ok, "✓", "done", tool),
            ToolOutcome::Failed => (Slot::Failed, "✗", "failed", tool),
            ToolOutcome::Denied => (Slot::Attention, "⊘", "denied", tool),
        },
        Deed::Said { text } => (Slot::Plain, " ", "says", text),
        Deed::Claimed { text, .. } => (Slot::Muted, "›", "claimed", text),
        Deed::Asked { text } => (Slot::Turn, "⁇", "asks", text),
        Deed::Retried { text } => (Slot::Attention, "↻", "retries", text),
        Deed::Limited { text } => (Slot::Attention, "…", "limited", text),
        Deed::Warned { text } => (Slot::Attention, "!", "warns", text),
        Deed::Ended { ok: true, text } => (Slot::Muted, "‖", "ended", text),
        Deed::Ended { ok: false, text } => (Slot::Attention, "‖", "gave up", text),
    }
}
