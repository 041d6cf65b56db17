//! What landed: attempts with their verdicts, the newest first.

use airboss_core::scene::{Landing, LandingCommit};
use ratatui::layout::Rect;

use super::{Columns, verdict_slot};
use crate::report::{short_commit, verdict_sign};
use crate::tui::app::{App, Panel};
use crate::tui::paint::Pen;
use crate::tui::theme::Slot;
use crate::words;

/// `59m59s` fits.
const AGO: u16 = 6;
/// `12.34#1` fits.
const NAME: u16 = 7;
/// `interrupted` fits.
const VERDICT: u16 = 11;
/// `3m05s` fits.
const TIME: u16 = 6;
/// The nine digits of a commit.
const COMMIT: u16 = 9;
/// A row of fewer columns has no room for the commit.
const NARROW: u16 = 70;

pub(super) fn draw(pen: &mut Pen<'_>, body: Rect, app: &App) {
    let top = app.list(Panel::Landed).top;
    let height = usize::from(body.height);
    let landings = app.scene.landings(top.saturating_add(height));
    for (row, landing) in landings.into_iter().skip(top).take(height).enumerate() {
        draw_row(pen, body, row, app, landing);
    }
}

fn draw_row(pen: &mut Pen<'_>, body: Rect, row: usize, app: &App, landing: &Landing) {
    let mut columns = Columns::new(body, row);
    let slot = verdict_slot(landing.verdict);
    columns.put(pen, 1, slot, verdict_sign(landing.verdict));
    columns.put_right(
        pen,
        AGO,
        Slot::Muted,
        &words::duration(app.now.since(landing.at)),
    );
    let name = match landing.number {
        Some(number) => format!("{}#{number}", landing.step),
        None => landing.step.to_string(),
    };
    columns.put(pen, NAME, Slot::Strong, &name);
    columns.put(pen, VERDICT, slot, landing.verdict.word());
    let took = landing.duration.map_or_else(String::new, words::duration);
    columns.put_right(pen, TIME, Slot::Plain, &took);
    if body.width >= NARROW {
        let (slot, commit) = match &landing.commit {
            LandingCommit::Made(commit) => (Slot::Muted, short_commit(commit)),
            LandingCommit::Deferred(_) => (Slot::Attention, "deferred"),
            LandingCommit::Nothing => (Slot::Muted, "no change"),
            LandingCommit::None => (Slot::Muted, ""),
        };
        columns.put_right(pen, COMMIT, slot, commit);
    }
    let again = landing.wake_at.filter(|wake| *wake > app.now);
    let again = again.map_or_else(String::new, |wake| {
        format!("again in {}  ", words::duration(wake.since(app.now)))
    });
    let reason = landing.reason.lines().next().unwrap_or_default();
    columns.rest(pen, &[(Slot::Attention, &again), (Slot::Plain, reason)]);
}
