//! Detail views that are read: a text, and what an agent says and does.

use ratatui::layout::Rect;

use super::{detail_title, empty};
use crate::tui::app::App;
use crate::tui::app::views::{Standing, TextView, TranscriptView};
use crate::tui::paint::{Pen, Piece, wrap};
use crate::tui::theme::Slot;
use crate::words;

/// `3m05s` fits.
const TIME: u16 = 7;
/// `subagent` fits.
const WORD: u16 = 8;
/// A text shown beside time and word needs at least so many columns.
const TEXT_MIN: u16 = 20;
/// Lines that one entry is shown with at most, so that no single one fills the screen.
const ENTRY_MAX: usize = 200;

pub(super) fn text(pen: &mut Pen<'_>, top: Rect, body: Rect, view: &TextView) {
    let total = view.wrapped.len();
    let seen = usize::from(body.height);
    let place = if total > seen {
        format!(
            "  lines {}-{} of {total}",
            view.top + 1,
            (view.top + seen).min(total)
        )
    } else {
        String::new()
    };
    detail_title(
        pen,
        top,
        &[(Slot::Focus, &view.title), (Slot::Muted, &place)],
    );
    match &view.standing {
        Standing::Reading => empty(pen, body, "reading…"),
        Standing::Failed(error) => {
            for (row, line) in wrap(error, usize::from(body.width.max(4)) - 3)
                .iter()
                .enumerate()
            {
                let y = body.y + u16::try_from(row).unwrap_or(u16::MAX);
                if y < body.bottom() {
                    let sign = if row == 0 { "! " } else { "  " };
                    let pieces = [(Slot::Attention, sign), (Slot::Plain, line.as_str())];
                    pen.pieces(body.x + 1, y, body.width.saturating_sub(1), &pieces);
                }
            }
        }
        Standing::Read if total == 0 => empty(pen, body, "nothing"),
        Standing::Read => {
            for (row, line) in view.wrapped.iter().skip(view.top).take(seen).enumerate() {
                let y = body.y + u16::try_from(row).unwrap_or(u16::MAX);
                pen.line(body.x + 1, y, body.width.saturating_sub(1), line);
                if view.found == Some(view.top + row) {
                    pen.wash(
                        Rect {
                            y,
                            height: 1,
                            ..body
                        },
                        Slot::Selected,
                    );
                }
            }
        }
    }
}

pub(super) fn transcript(
    pen: &mut Pen<'_>,
    top: Rect,
    body: Rect,
    app: &App,
    view: &TranscriptView,
) {
    let flying = app.scene.flying(view.attempt);
    let mode = match view.replay {
        Some(replay) => {
            let at = words::duration(replay.at.since(view.from()));
            let sign = if replay.playing { "▸" } else { "‖" };
            (
                Slot::Turn,
                format!("{sign} replay ×{} at {at}", replay.speed()),
            )
        }
        None if view.over => (Slot::Muted, "recorded".to_owned()),
        None if flying.is_some() => (Slot::Working, "● live".to_owned()),
        None => (Slot::Muted, "read as far as it goes".to_owned()),
    };
    let unannounced = App::is_unannounced(flying.and_then(|flying| flying.format()));
    let note = if unannounced {
        "  ~ tools are told only when they end"
    } else {
        ""
    };
    let held = if view.top.is_some() {
        "  G follows"
    } else {
        ""
    };
    let title: [Piece<'_>; 6] = [
        (Slot::Focus, "Transcript of "),
        (Slot::Focus, &view.name),
        (Slot::Plain, "  "),
        (mode.0, &mode.1),
        (Slot::Attention, note),
        (Slot::Muted, held),
    ];
    detail_title(pen, top, &title);
    if !view.begun {
        return empty(pen, body, "reading…");
    }
    if view.lines.is_empty() {
        return empty(pen, body, "nothing was heard yet");
    }
    let width = body
        .width
        .saturating_sub(TIME + WORD + 4)
        .max(TEXT_MIN.min(body.width));
    match view.top {
        Some(first) => from_top(pen, body, view, first, width),
        None => from_bottom(pen, body, view, width),
    }
}

fn from_top(pen: &mut Pen<'_>, body: Rect, view: &TranscriptView, first: usize, width: u16) {
    let mut y = body.y;
    for place in first..view.shown() {
        if y >= body.bottom() {
            break;
        }
        for (row, line) in entry(view, place, width).iter().enumerate() {
            if y < body.bottom() {
                draw_line(pen, body, y, view, place, row, line);
            }
            y = y.saturating_add(1);
        }
    }
}

/// The last lines, however many entries they belong to.
fn from_bottom(pen: &mut Pen<'_>, body: Rect, view: &TranscriptView, width: u16) {
    let mut lines: Vec<(usize, usize, String)> = Vec::new();
    for place in (0..view.shown()).rev() {
        if lines.len() >= usize::from(body.height) {
            break;
        }
        let entry = entry(view, place, width);
        lines.extend(
            entry
                .into_iter()
                .enumerate()
                .rev()
                .map(|(row, line)| (place, row, line)),
        );
    }
    lines.truncate(usize::from(body.height));
    for (y, (place, row, line)) in (body.y..).zip(lines.into_iter().rev()) {
        draw_line(pen, body, y, view, place, row, &line);
    }
}

fn entry(view: &TranscriptView, place: usize, width: u16) -> Vec<String> {
    let text = &view.lines[place].text;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let mut lines: Vec<String> = lines
        .flat_map(|line| wrap(line, usize::from(width)))
        .take(ENTRY_MAX)
        .collect();
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

fn draw_line(
    pen: &mut Pen<'_>,
    body: Rect,
    y: u16,
    view: &TranscriptView,
    place: usize,
    row: usize,
    text: &str,
) {
    let told = &view.lines[place];
    if row == 0 {
        let time = words::duration(told.at.since(view.from()));
        pen.put_right(body.x + TIME.min(body.width), y, TIME, Slot::Muted, &time);
        pen.put(body.x + TIME + 2, y, WORD, told.slot, told.word);
    }
    let x = body.x + TIME + WORD + 4;
    let slot = match told.word {
        "text" | "tool" => Slot::Plain,
        _ => told.slot,
    };
    pen.put(x, y, body.right().saturating_sub(x), slot, text);
}
