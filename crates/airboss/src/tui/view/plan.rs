//! The plan: phases with their counts and steps on the main screen, all of it as a tree.

use airboss_core::scene::{PhaseScene, Stand};
use airboss_core::step::Step;
use airboss_core::text::{head, sanitize};
use ratatui::layout::Rect;

use super::header::bar;
use super::{Columns, detail_title, stand_sign, wash_row};
use crate::tui::app::list::List;
use crate::tui::app::rows::PlanRow;
use crate::tui::app::{App, Panel};
use crate::tui::paint::{Pen, columns};
use crate::tui::theme::Slot;
use crate::words;

/// The bar of a phase.
const BAR: u16 = 10;
/// `12.34` and `p3-9f2ab01c` fit.
const ID: u16 = 6;
/// `needs an answer` fits.
const STAND: u16 = 15;
/// A row of fewer columns has no bar.
const NARROW: u16 = 50;
/// Bytes of a title or of a step's text that any terminal can show in a row.
const TEXT_MAX: usize = 1 << 11;

pub(super) fn progress(pen: &mut Pen<'_>, body: Rect, app: &App) {
    let top = app.list(Panel::Progress).top;
    rows(pen, body, app, false, top);
}

/// How many phases are settled, for the panel's title.
pub(super) fn progress_note(app: &App) -> String {
    let Some(plan) = app.plan() else {
        return "no plan".to_owned();
    };
    let settled = |phase: &&PhaseScene| phase.tally.settled() == phase.tally.total();
    let done = plan.phases().iter().filter(settled).count();
    let tally = plan.tally();
    format!(
        "{done} of {}, {} of {}",
        words::count(plan.phases().len(), "phase"),
        tally.settled(),
        words::count(tally.total(), "step")
    )
}

pub(super) fn tree(pen: &mut Pen<'_>, top: Rect, body: Rect, app: &App, list: &List) {
    let name = app
        .plan()
        .map_or_else(String::new, |plan| sanitize(plan.key().path().as_str()));
    let note = progress_note(app);
    let pieces = [
        (Slot::Focus, "Plan "),
        (Slot::Strong, name.as_str()),
        (Slot::Muted, "  "),
        (Slot::Muted, note.as_str()),
    ];
    detail_title(pen, top, &pieces);
    rows(pen, body, app, true, list.top);
    if app.plan().is_some()
        && let Some(row) = list.cursor.checked_sub(list.top)
    {
        wash_row(pen, body, row);
    }
}

fn rows(pen: &mut Pen<'_>, body: Rect, app: &App, all: bool, top: usize) {
    let rows = app.plan_rows(all, top, usize::from(body.height));
    for (place, row) in rows.iter().enumerate() {
        match row {
            PlanRow::Phase(number, phase, open) => {
                draw_phase(pen, body, place, *number, phase, *open);
            }
            PlanRow::Step(step, stand) => draw_step(pen, body, place, step, *stand, all),
        }
    }
}

fn draw_phase(
    pen: &mut Pen<'_>,
    body: Rect,
    place: usize,
    number: usize,
    phase: &PhaseScene,
    open: bool,
) {
    let mut row = Columns::new(body, place);
    let tally = &phase.tally;
    row.put(pen, 1, Slot::Muted, if open { "▾" } else { "▸" });
    let count = format!("{}/{}", tally.settled(), tally.total());
    row.put_right(pen, 7, Slot::Plain, &count);
    if body.width >= NARROW && row.right > row.x + BAR + 1 {
        bar(pen, row.right - BAR, row.y, BAR, tally);
        row.right -= BAR + 1;
    }
    // The worst of what a closed phase hides.
    let worst = [
        Stand::Failed,
        Stand::NeedsAnswer,
        Stand::Limited,
        Stand::InProgress,
    ];
    for stand in worst.into_iter().filter(|stand| tally.of(*stand) > 0) {
        let (slot, sign) = stand_sign(stand);
        let text = format!("{sign}{}", tally.of(stand));
        let width = u16::try_from(columns(&text)).unwrap_or(2);
        row.put_right(pen, width, slot, &text);
    }
    let title = one_line(&phase.title);
    let key = if title.is_empty() {
        sanitize(&phase.key)
    } else {
        title
    };
    let number = format!("{} ", number + 1);
    row.rest(pen, &[(Slot::Muted, &number), (Slot::Strong, &key)]);
}

fn draw_step(pen: &mut Pen<'_>, body: Rect, place: usize, step: &Step, stand: Stand, all: bool) {
    let mut row = Columns::new(body, place);
    row.x += 2;
    let (slot, sign) = stand_sign(stand);
    row.put(pen, 1, slot, sign);
    let id = sanitize(step.record.id.as_str());
    let width = u16::try_from(columns(&id)).unwrap_or(ID).clamp(ID, 12);
    row.put(pen, width, Slot::Strong, &id);
    let word = if stand == Stand::Done && step.state.overridden {
        "done by hand"
    } else {
        stand.word()
    };
    let retries = step.state.retry_count;
    let tried = if retries > 0 {
        format!("×{}", retries + 1)
    } else {
        String::new()
    };
    row.put_right(pen, STAND.min(body.width / 4), slot, word);
    if !tried.is_empty() {
        row.put_right(pen, 3, Slot::Muted, &tried);
    }
    let text = one_line(&step.record.description);
    let waits = &step.record.dependencies;
    if all && !waits.is_empty() {
        let waits = format!("  ← {}", sanitize(&words::ids(waits)));
        row.rest(pen, &[(Slot::Plain, &text), (Slot::Muted, &waits)]);
    } else {
        row.rest(pen, &[(Slot::Plain, &text)]);
    }
}

fn one_line(text: &str) -> String {
    let text = sanitize(head(text, TEXT_MAX));
    text.lines().next().unwrap_or_default().trim().to_owned()
}
