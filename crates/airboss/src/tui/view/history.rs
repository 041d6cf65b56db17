//! What was: the operation log, the runs, the attempts over time, and the tasks of the board.

use airboss_core::board::Class;
use airboss_core::scene::RunStanding;
use airboss_core::text::{head, sanitize};
use airboss_core::time::Timestamp;
use ratatui::layout::Rect;

use super::{Columns, detail_title, empty, verdict_slot, wash_row};
use crate::report::verdict_sign;
use crate::tui::app::App;
use crate::tui::app::list::List;
use crate::tui::app::rows::Bar;
use crate::tui::app::views::{LogView, Standing};
use crate::tui::paint::Pen;
use crate::tui::theme::Slot;
use crate::words;

/// `2026-03-02 09:15:00` fits.
const INSTANT: u16 = 19;
/// `attempt_dispatched` fits.
const WORD: u16 = 18;
/// `12.34#1` fits.
const SUBJECT: u16 = 7;
/// `3m05s` fits.
const TIME: u16 = 6;
/// A row of fewer columns does without the day.
const NARROW: u16 = 110;

pub(super) fn log(pen: &mut Pen<'_>, top: Rect, body: Rect, view: &LogView) {
    let count = words::count(view.rows.len(), "operation");
    let title = [
        (Slot::Focus, "Log"),
        (Slot::Muted, "  the newest "),
        (Slot::Muted, &count),
    ];
    detail_title(pen, top, &title);
    match &view.standing {
        Standing::Reading => return empty(pen, body, "reading…"),
        Standing::Failed(error) => return empty(pen, body, error),
        Standing::Read if view.rows.is_empty() => return empty(pen, body, "nothing happened yet"),
        Standing::Read => {}
    }
    let shown = view
        .rows
        .iter()
        .skip(view.list.top)
        .take(usize::from(body.height));
    for (place, row) in shown.enumerate() {
        let mut columns = Columns::new(body, place);
        columns.put(pen, 5, Slot::Muted, &row.sequence.to_string());
        let instant = words::instant(row.at);
        // The day goes first: what happened needs the room.
        let (instant, width) = match instant.get(11..) {
            Some(time) if body.width < NARROW => (time, 8),
            _ => (instant.as_str(), INSTANT),
        };
        columns.put(pen, width, Slot::Muted, instant);
        columns.put(pen, WORD, row.slot, row.word);
        columns.put(pen, SUBJECT, Slot::Strong, &row.subject);
        if row.undo.is_some() {
            columns.put_right(pen, 7, Slot::Turn, "u: undo");
        }
        columns.rest(pen, &[(Slot::Plain, &row.text)]);
    }
    cursor(pen, body, &view.list);
}

pub(super) fn runs(pen: &mut Pen<'_>, top: Rect, body: Rect, app: &App, list: &List) {
    let count = words::count(app.runs().count(), "run");
    detail_title(
        pen,
        top,
        &[
            (Slot::Focus, "Runs"),
            (Slot::Muted, "  "),
            (Slot::Muted, &count),
        ],
    );
    if app.runs().next().is_none() {
        return empty(pen, body, "no run was started yet");
    }
    for (place, (plan, run)) in app
        .runs()
        .skip(list.top)
        .take(usize::from(body.height))
        .enumerate()
    {
        let mut columns = Columns::new(body, place);
        let newest = plan.run().is_some_and(|newest| newest.id == run.id);
        let standing = newest.then(|| app.scene.header(plan).standing).flatten();
        let (slot, sign, word) = ending(run.ended.map(|(_, ending)| ending), standing);
        let end = run.ended.map_or(app.now, |(at, _)| at);
        columns.put(pen, 1, slot, sign);
        if body.width >= NARROW {
            columns.put(pen, 12, Slot::Muted, &run.id.short());
        }
        columns.put(pen, INSTANT, Slot::Muted, &words::instant(run.started_at));
        columns.put(
            pen,
            TIME,
            Slot::Plain,
            &words::duration(end.since(run.started_at)),
        );
        // They are counted when it ends.
        if run.ended.is_some() {
            let counts = format!("{} done, {} failed", run.completed, run.failed);
            columns.put_right(pen, 18, Slot::Plain, &counts);
        }
        columns.put(pen, 12, slot, word);
        columns.rest(pen, &[(Slot::Plain, &sanitize(&run.words))]);
    }
    cursor(pen, body, list);
}

fn ending(
    ended: Option<airboss_core::operation::RunEnding>,
    standing: Option<RunStanding>,
) -> (Slot, &'static str, &'static str) {
    use airboss_core::operation::RunEnding;
    match (ended, standing) {
        (Some(RunEnding::Complete), _) => (Slot::Ok, "✓", "complete"),
        (Some(RunEnding::Failed), _) => (Slot::Failed, "✗", "failed"),
        (Some(ending), _) => (Slot::Attention, "!", words::ending(ending)),
        (None, Some(RunStanding::Flying)) => (Slot::Working, "●", "flying"),
        (None, Some(RunStanding::Frozen(_))) => (Slot::Failed, "‖", "frozen"),
        (None, Some(RunStanding::ByHand)) => (Slot::Turn, "●", "by hand"),
        (None, Some(RunStanding::Gone(_))) => (Slot::Failed, "✗", "gone"),
        (None, _) => (Slot::Muted, "?", "not known"),
    }
}

pub(super) fn timeline(pen: &mut Pen<'_>, top: Rect, body: Rect, app: &App, list: &List) {
    let bars = app.bars();
    let count = words::count(bars.len(), "attempt");
    let title = [
        (Slot::Focus, "Timeline"),
        (Slot::Muted, "  "),
        (Slot::Muted, count.as_str()),
    ];
    detail_title(pen, top, &title);
    let Some(from) = bars.first().map(|bar| bar.from) else {
        return empty(pen, body, "no attempt was made yet");
    };
    let until = bars
        .iter()
        .map(|bar| bar.to.map_or(app.now, |(at, _)| at))
        .max();
    let span = Span {
        from,
        until: until.unwrap_or(app.now),
    };
    for (place, bar) in bars
        .iter()
        .skip(list.top)
        .take(usize::from(body.height))
        .enumerate()
    {
        draw_bar(pen, body, place, app, bar, span);
    }
    cursor(pen, body, list);
}

/// The time that is seen.
#[derive(Clone, Copy)]
struct Span {
    from: Timestamp,
    until: Timestamp,
}

impl Span {
    /// The column of an instant among so many.
    fn column(self, at: Timestamp, columns: u16) -> u16 {
        let all = self.until.since(self.from).as_millis().max(1);
        let part = at.since(self.from).as_millis().min(all);
        u16::try_from(part * u128::from(columns.saturating_sub(1)) / all).unwrap_or(0)
    }
}

fn draw_bar(pen: &mut Pen<'_>, body: Rect, place: usize, app: &App, bar: &Bar, span: Span) {
    let mut columns = Columns::new(body, place);
    let (slot, sign, word) = match bar.to {
        Some((_, verdict)) => (verdict_slot(verdict), verdict_sign(verdict), verdict.word()),
        None => (Slot::Working, "●", "in progress"),
    };
    let end = bar.to.map_or(app.now, |(at, _)| at);
    let name = match bar.number {
        Some(number) => format!("{}#{number}", bar.step),
        None => bar.step.to_string(),
    };
    columns.put(pen, 1, slot, sign);
    columns.put(pen, SUBJECT, Slot::Strong, &name);
    columns.put_right(
        pen,
        TIME,
        Slot::Plain,
        &words::duration(end.since(bar.from)),
    );
    columns.put_right(pen, 11.min(body.width / 4), slot, word);
    let width = columns.right.saturating_sub(columns.x);
    if width == 0 {
        return;
    }
    let (first, last) = (span.column(bar.from, width), span.column(end, width));
    for column in 0..width {
        let (slot, sign) = if (first..=last).contains(&column) {
            (slot, "█")
        } else {
            (Slot::Rule, "·")
        };
        pen.put(columns.x + column, columns.y, 1, slot, sign);
    }
}

pub(super) fn tasks(pen: &mut Pen<'_>, top: Rect, body: Rect, app: &App, list: &List) {
    let count = words::count(app.tasks().count(), "task");
    detail_title(
        pen,
        top,
        &[
            (Slot::Focus, "Board"),
            (Slot::Muted, "  "),
            (Slot::Muted, &count),
        ],
    );
    if app.tasks().next().is_none() {
        return empty(
            pen,
            body,
            "no board is recorded here; `airboss init` adopts one",
        );
    }
    for (place, task) in app
        .tasks()
        .skip(list.top)
        .take(usize::from(body.height))
        .enumerate()
    {
        let mut columns = Columns::new(body, place);
        let (slot, sign) = match task.status.class() {
            Class::Terminal => (Slot::Muted, "✓"),
            Class::InFlight => (Slot::Working, "●"),
            Class::Open => (Slot::Plain, "○"),
        };
        columns.put(pen, 1, slot, sign);
        columns.put(pen, 5, Slot::Strong, &task.number.to_string());
        columns.put(pen, 16, slot, &sanitize(task.status.value()));
        columns.rest(pen, &[(Slot::Plain, &sanitize(head(&task.title, 1 << 10)))]);
    }
    cursor(pen, body, list);
}

fn cursor(pen: &mut Pen<'_>, body: Rect, list: &List) {
    let row = list.cursor.checked_sub(list.top);
    if let Some(row) = row.filter(|row| *row < usize::from(body.height)) {
        wash_row(pen, body, row);
    }
}
