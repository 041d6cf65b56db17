//! Drawing: from the state to a buffer of cells. Only what is seen is formatted.

mod activity;
mod flying;
mod footer;
mod header;
mod history;
mod landed;
mod needs;
mod overlay;
mod plan;
mod texts;

use airboss_core::scene::Stand;
use airboss_core::verdict::Verdict;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::app::views::View;
use super::app::{App, Panel};
use super::layout::{self, Screen};
use super::paint::{Pen, Piece};
use super::theme::Slot;

/// Draws everything.
pub fn draw(frame: &mut Frame<'_>, app: &App) {
    let area = frame.area();
    paint(frame.buffer_mut(), area, app);
}

/// Draws everything into a buffer.
pub fn paint(buffer: &mut Buffer, area: Rect, app: &App) {
    let theme = app.options.theme;
    let mut pen = Pen { buffer, theme };
    // The terminal may have changed since the state heard of it; what was laid out for one size
    // is not drawn into another.
    if area != app.size || area.is_empty() {
        return;
    }
    match app.views.last() {
        None => main_screen(&mut pen, app),
        Some(view) => detail(&mut pen, app, view),
    }
    if let Some(overlay) = &app.overlay {
        overlay::draw(&mut pen, app, overlay);
    }
    theme.finish(pen.buffer);
}

fn main_screen(pen: &mut Pen<'_>, app: &App) {
    let screen = app.screen();
    header::draw(pen, screen.header, app);
    if let Some(tabs) = screen.tabs {
        draw_tabs(pen, tabs, app);
    }
    for (panel, area) in &screen.panels {
        draw_panel(pen, app, *panel, *area, &screen);
    }
    footer::draw(pen, screen.footer, app);
}

/// The names of the panels, where only one of them is seen.
fn draw_tabs(pen: &mut Pen<'_>, area: Rect, app: &App) {
    let mut x = area.x;
    for panel in Panel::ALL {
        let count = app.length(panel);
        let word = panel.short();
        let slot = if panel == app.focus {
            Slot::Focus
        } else {
            Slot::Muted
        };
        x = pen.put(x, area.y, area.right().saturating_sub(x), slot, word);
        if count > 0 && panel != Panel::Progress {
            let text = format!("{count}");
            x = pen.put(
                x,
                area.y,
                area.right().saturating_sub(x),
                Slot::Plain,
                &text,
            );
        }
        x += 1;
    }
}

fn draw_panel(pen: &mut Pen<'_>, app: &App, panel: Panel, area: Rect, screen: &Screen) {
    if area.height == 0 {
        return;
    }
    let count = app.length(panel);
    let focused = panel == app.focus;
    let note = title_note(app, panel, count);
    let title: [Piece<'_>; 3] = [
        (Slot::Strong, panel.title()),
        (Slot::Plain, "  "),
        (note.0, &note.1),
    ];
    pen.title(Rect { height: 1, ..area }, focused, &title);
    let rows = screen.rows(panel);
    if count > rows {
        let list = app.list(panel);
        let text = format!(
            " {}-{} of {count} ",
            list.top + 1,
            (list.top + rows).min(count)
        );
        if rows > 0 {
            pen.put_right(area.right(), area.y, area.width / 3, Slot::Muted, &text);
        }
    }
    let body = Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    };
    match panel {
        Panel::Progress => plan::progress(pen, body, app),
        Panel::Flying => flying::draw(pen, body, app),
        Panel::Activity => activity::draw(pen, body, app),
        Panel::Landed => landed::draw(pen, body, app),
        Panel::Needs => needs::draw(pen, body, app),
        Panel::Errors => needs::errors(pen, body, app),
    }
    if focused && count > 0 {
        let list = app.list(panel);
        if let Some(row) = list.cursor.checked_sub(list.top).filter(|row| *row < rows) {
            wash_row(pen, body, row);
        }
    }
}

/// What the title of a panel says of all of it.
fn title_note(app: &App, panel: Panel, count: usize) -> (Slot, String) {
    let counted = |slot| (slot, count.to_string());
    match panel {
        Panel::Progress => (Slot::Muted, plan::progress_note(app)),
        Panel::Flying if count == 0 => (Slot::Muted, "no attempt".to_owned()),
        Panel::Activity if count == 0 => (Slot::Muted, "nothing yet".to_owned()),
        Panel::Landed if count == 0 => (Slot::Muted, "nothing yet".to_owned()),
        Panel::Needs | Panel::Errors if count == 0 => (Slot::Muted, "nothing".to_owned()),
        Panel::Flying => counted(Slot::Working),
        Panel::Activity | Panel::Landed => (Slot::Muted, String::new()),
        Panel::Needs => {
            let more = app.needs.left_out;
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            (Slot::Turn, format!("{count}{more}"))
        }
        Panel::Errors => {
            let left_out: usize = app.scene.boards().map(|it| it.errors_left_out()).sum();
            let more = if left_out > 0 {
                format!(" and {left_out} older")
            } else {
                String::new()
            };
            (Slot::Failed, format!("{count}{more}"))
        }
    }
}

/// Shows which row is selected: by a sign, so that it is seen without colours too.
fn wash_row(pen: &mut Pen<'_>, body: Rect, row: usize) {
    let row = u16::try_from(row).unwrap_or(u16::MAX);
    if row < body.height {
        pen.put(body.x, body.y + row, 1, Slot::Focus, "›");
    }
    pen.wash(
        Rect {
            y: body.y.saturating_add(row),
            height: 1,
            ..body
        },
        Slot::Selected,
    );
}

/// A detail view: its title, its rows, the last line.
fn detail(pen: &mut Pen<'_>, app: &App, view: &View) {
    let size = app.size;
    let body = layout::body(size);
    let top = Rect { height: 1, ..size };
    match view {
        View::Text(view) => texts::text(pen, top, body, view),
        View::Transcript(view) => texts::transcript(pen, top, body, app, view),
        View::Log(view) => history::log(pen, top, body, view),
        View::Tree(list) => plan::tree(pen, top, body, app, list),
        View::Runs(list) => history::runs(pen, top, body, app, list),
        View::Timeline(list) => history::timeline(pen, top, body, app, list),
        View::Tasks(list) => history::tasks(pen, top, body, app, list),
    }
    let footer = Rect {
        y: size.bottom() - 1,
        height: 1,
        ..size
    };
    footer::draw(pen, footer, app);
}

/// The title of a detail view with its line.
fn detail_title(pen: &mut Pen<'_>, top: Rect, pieces: &[Piece<'_>]) {
    pen.pieces(top.x + 1, top.y, top.width.saturating_sub(1), pieces);
    if top.y + 1 < pen.buffer.area.bottom().saturating_sub(1) {
        pen.rule(top.x, top.y + 1, top.right());
    }
}

/// Says something in an empty place.
fn empty(pen: &mut Pen<'_>, body: Rect, text: &str) {
    if body.height > 0 {
        pen.put(
            body.x + 2,
            body.y,
            body.width.saturating_sub(2),
            Slot::Muted,
            text,
        );
    }
}

/// The sign and the meaning of where a step stands.
fn stand_sign(stand: Stand) -> (Slot, &'static str) {
    match stand {
        Stand::Done => (Slot::Ok, "✓"),
        Stand::Skipped => (Slot::Muted, "⊘"),
        Stand::Failed => (Slot::Failed, "✗"),
        Stand::Retried => (Slot::Attention, "↻"),
        Stand::InProgress => (Slot::Working, "●"),
        Stand::NeedsAnswer => (Slot::Turn, "⁇"),
        Stand::Limited | Stand::Parked => (Slot::Attention, "…"),
        Stand::Blocked => (Slot::Waiting, "‖"),
        Stand::Pending => (Slot::Waiting, "○"),
    }
}

/// The meaning of a verdict; its sign is [`crate::report::verdict_sign`].
fn verdict_slot(verdict: Verdict) -> Slot {
    match verdict {
        Verdict::Verified => Slot::Ok,
        Verdict::Failed => Slot::Failed,
        Verdict::Unverified | Verdict::Limited | Verdict::Interrupted => Slot::Attention,
        Verdict::Infra => Slot::Broken,
        Verdict::Waiting => Slot::Turn,
    }
}

/// Shares the columns of a row: `fixed` ones first, the rest for what is last.
struct Columns {
    x: u16,
    y: u16,
    right: u16,
}

impl Columns {
    fn new(body: Rect, row: usize) -> Self {
        let row = u16::try_from(row).unwrap_or(u16::MAX);
        Self {
            x: body.x + 2.min(body.width),
            y: body.y.saturating_add(row),
            right: body.right(),
        }
    }

    /// A column of this width, with one column of space behind it.
    fn put(&mut self, pen: &mut Pen<'_>, width: u16, slot: Slot, text: &str) {
        let room = width.min(self.right.saturating_sub(self.x));
        pen.put(self.x, self.y, room, slot, text);
        self.x = (self.x + width + 1).min(self.right);
    }

    /// A column at the right end, aligned to the right.
    fn put_right(&mut self, pen: &mut Pen<'_>, width: u16, slot: Slot, text: &str) {
        if self.right.saturating_sub(self.x) <= width {
            return;
        }
        pen.put_right(self.right, self.y, width, slot, text);
        self.right -= width + 1;
    }

    /// All that is left.
    fn rest(self, pen: &mut Pen<'_>, pieces: &[Piece<'_>]) {
        pen.pieces(self.x, self.y, self.right.saturating_sub(self.x), pieces);
    }
}
