//! What lies over the screen: help, the palette, a question.

use ratatui::layout::Rect;

use crate::tui::app::App;
use crate::tui::app::keys::{Binding, Scope, TABLE};
use crate::tui::app::overlay::{Overlay, offers};
use crate::tui::paint::{Pen, columns, wrap};
use crate::tui::theme::Slot;

/// A line of text is read best when it is no longer.
const WIDTH: u16 = 78;
/// `Right, l` and `Shift-Tab` fit.
const KEYS: u16 = 14;

pub(super) fn draw(pen: &mut Pen<'_>, app: &App, overlay: &Overlay) {
    match overlay {
        Overlay::Help(top) => help(pen, app, *top),
        Overlay::Palette { input, cursor } => palette(pen, app, input, *cursor),
        // It is typed in the last line.
        Overlay::Search(_) => {}
        Overlay::Ask {
            question,
            input,
            wish,
        } => {
            let stop = matches!(wish, crate::tui::app::overlay::Wish::StopOrLeave);
            ask(pen, app, question, input.as_deref(), stop);
        }
    }
}

/// An empty place in the middle, with a line above and below.
fn window(pen: &mut Pen<'_>, app: &App, height: u16, title: &str) -> Rect {
    let size = app.size;
    // A margin too narrow to be read would only look torn.
    let width = if size.width < WIDTH + 20 {
        size.width
    } else {
        WIDTH
    };
    let height = height.saturating_add(2).min(size.height);
    let area = Rect {
        x: (size.width - width) / 2,
        y: (size.height - height) / 2,
        width,
        height,
    };
    pen.clear(area);
    pen.rule(area.x, area.y, area.right());
    let end = pen.put(
        area.x + 2,
        area.y,
        width.saturating_sub(4),
        Slot::Focus,
        title,
    );
    if end < area.right() {
        pen.put(end, area.y, 1, Slot::Plain, " ");
    }
    if area.x + 1 < area.right() {
        pen.put(area.x + 1, area.y, 1, Slot::Plain, " ");
    }
    if height > 1 {
        pen.rule(area.x, area.bottom() - 1, area.right());
    }
    Rect {
        x: area.x + 2.min(width),
        y: area.y + 1.min(height),
        width: width.saturating_sub(4),
        height: height.saturating_sub(2),
    }
}

fn keys_of(binding: &Binding) -> String {
    let names: Vec<String> = binding.keys.iter().map(|key| key.name()).collect();
    names.join(", ")
}

fn help(pen: &mut Pen<'_>, app: &App, top: usize) {
    let lines = u16::try_from(TABLE.len()).unwrap_or(u16::MAX);
    let inside = window(pen, app, lines, "Keys");
    let room = usize::from(inside.height);
    let top = top.min(TABLE.len().saturating_sub(room));
    // What is the same everywhere comes first.
    let anywhere = TABLE
        .iter()
        .filter(|binding| binding.scope == Scope::Anywhere);
    let elsewhere = TABLE
        .iter()
        .filter(|binding| binding.scope != Scope::Anywhere);
    let rows = anywhere.chain(elsewhere).skip(top).take(room);
    for (y, binding) in (inside.y..).zip(rows) {
        pen.put(
            inside.x,
            y,
            KEYS.min(inside.width),
            Slot::Turn,
            &keys_of(binding),
        );
        let x = inside.x + KEYS + 1;
        let scope = match binding.scope {
            Scope::Anywhere => "",
            Scope::Transcript => "transcript: ",
            Scope::Log => "log: ",
        };
        let pieces = [(Slot::Muted, scope), (Slot::Plain, binding.help)];
        pen.pieces(x, y, inside.right().saturating_sub(x), &pieces);
    }
    let y = inside.bottom();
    if TABLE.len() > room && y < app.size.height {
        let text = format!(" {}-{} of {} ", top + 1, top + room, TABLE.len());
        pen.put_right(inside.right(), y, inside.width, Slot::Muted, &text);
    }
}

/// How many there are when nothing was typed.
fn all_offers() -> usize {
    offers("").len()
}

fn palette(pen: &mut Pen<'_>, app: &App, input: &str, cursor: usize) {
    let offers = offers(input);
    // As high as all of them, so that it does not jump while one types.
    let lines = u16::try_from(all_offers() + 1).unwrap_or(u16::MAX);
    let inside = window(pen, app, lines, "Do");
    if inside.height == 0 {
        return;
    }
    let pieces = [(Slot::Turn, ":"), (Slot::Plain, input), (Slot::Turn, "▏")];
    pen.pieces(inside.x, inside.y, inside.width, &pieces);
    let room = usize::from(inside.height - 1);
    let top = (cursor + 1).saturating_sub(room);
    for (row, offer) in offers.iter().enumerate().skip(top).take(room) {
        let y = inside.y + 1 + u16::try_from(row - top).unwrap_or(0);
        let binding = offer.binding;
        let key = binding
            .keys
            .first()
            .map_or_else(String::new, |key| key.name());
        pen.put(
            inside.x,
            y,
            KEYS.min(inside.width),
            Slot::Strong,
            binding.word,
        );
        let x = inside.x + KEYS + 1;
        let right = inside.right();
        let begins = pen.put_right(right, y, 10.min(inside.width), Slot::Turn, &key);
        pen.put(
            x,
            y,
            begins.saturating_sub(x + 1),
            Slot::Muted,
            binding.help,
        );
        if row == cursor {
            pen.wash(
                Rect {
                    y,
                    height: 1,
                    ..inside
                },
                Slot::Selected,
            );
        }
    }
    if offers.is_empty() && inside.height > 1 {
        pen.put(
            inside.x,
            inside.y + 1,
            inside.width,
            Slot::Muted,
            "nothing is called that",
        );
    }
}

fn ask(pen: &mut Pen<'_>, app: &App, question: &str, input: Option<&str>, stop: bool) {
    let width = usize::from(WIDTH.min(app.size.width.saturating_sub(4))).max(1);
    let question = wrap(question, width);
    let answers = match input {
        Some(_) => 2,
        None => 1,
    };
    let lines = u16::try_from(question.len() + answers).unwrap_or(u16::MAX);
    let inside = window(pen, app, lines, "Airboss asks");
    let mut y = inside.y;
    // A long question gives way to its answer.
    let room = usize::from(inside.height).saturating_sub(answers);
    for line in question.iter().take(room) {
        pen.put(inside.x, y, inside.width, Slot::Plain, line);
        y += 1;
    }
    if y >= inside.bottom() {
        return;
    }
    if let Some(input) = input {
        // The end of what is typed is seen.
        let room = usize::from(inside.width).saturating_sub(4);
        let surplus = columns(input).saturating_sub(room);
        let seen: String = input.chars().skip(surplus).collect();
        let pieces = [
            (Slot::Turn, "› "),
            (Slot::Plain, seen.as_str()),
            (Slot::Turn, "▏"),
        ];
        pen.pieces(inside.x, y, inside.width, &pieces);
        y += 1;
    }
    if y < inside.bottom() {
        let keys = match (input.is_some(), stop) {
            (true, _) => "Enter sends it, Esc does nothing",
            (false, true) => "s: stop the run   l: leave it flying   Esc: neither",
            (false, false) => "y: yes   n: no",
        };
        pen.put(inside.x, y, inside.width, Slot::Muted, keys);
    }
}
