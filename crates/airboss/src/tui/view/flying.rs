//! What is in progress: each attempt, its agent, what it does this second, and its heartbeat.

use airboss_core::scene::{Flying, Liveness, Tools};
use ratatui::layout::Rect;

use super::Columns;
use crate::tui::app::App;
use crate::tui::paint::Pen;
use crate::tui::theme::Slot;
use crate::words;

/// `12.34#1` fits.
const NAME: u16 = 7;
/// `claude-opus` fits.
const AGENT: u16 = 9;
/// `running a tool` fits.
const DOING: u16 = 14;
/// `retrying` and `asks you` fit.
const DOING_BRIEF: u16 = 8;
/// `3m05s` fits.
const TIME: u16 = 6;
/// `heard 56m49s` fits.
const HEARD: u16 = 12;
/// A row of fewer columns has no room for more than what is done.
const NARROW: u16 = 60;
/// From here on the step's own text has room.
const ROOMY: u16 = 110;

pub(super) fn draw(pen: &mut Pen<'_>, body: Rect, app: &App) {
    if app.scene.in_progress().len() == 0 {
        return;
    }
    let top = app.list(crate::tui::app::Panel::Flying).top;
    let shown = app
        .scene
        .in_progress()
        .skip(top)
        .take(usize::from(body.height));
    for (row, flying) in shown.enumerate() {
        draw_row(pen, body, row, app, flying);
    }
}

fn draw_row(pen: &mut Pen<'_>, body: Rect, row: usize, app: &App, flying: &Flying) {
    let mut columns = Columns::new(body, row);
    let (liveness, since) = flying.liveness(app.now);
    let (slot, sign) = sign(liveness);
    let attempt = flying.attempt();
    let step = flying.step().map_or("", |step| step.as_str());
    let batch = if attempt.steps.len() > 1 { "+" } else { "" };
    let name = format!("{step}{batch}#{}", attempt.number);
    columns.put(pen, 1, slot, sign);
    columns.put(
        pen,
        NAME.max(u16::try_from(name.len()).unwrap_or(NAME).min(12)),
        Slot::Strong,
        &name,
    );
    if body.width >= NARROW {
        let total = words::duration(app.now.since(flying.began()));
        columns.put_right(pen, TIME, Slot::Muted, &total);
        let (slot, heard) = heartbeat(app, flying, liveness);
        columns.put_right(pen, HEARD, slot, &heard);
        columns.put(
            pen,
            AGENT,
            Slot::Muted,
            &airboss_core::text::sanitize(&attempt.agent),
        );
    }
    let took = words::duration(app.now.since(since));
    columns.put_right(pen, TIME, Slot::Plain, &took);
    let mut text = String::new();
    if body.width >= ROOMY {
        text = flying.text().lines().next().unwrap_or_default().to_owned();
        let width = (body.width / 4).min(48);
        columns.put(pen, width, Slot::Plain, &text);
    }
    let (doing_columns, word) = if body.width >= ROOMY {
        (DOING, word(liveness))
    } else {
        (DOING_BRIEF, brief(liveness))
    };
    columns.put(pen, doing_columns, slot, word);
    doing(
        pen,
        columns,
        flying,
        if text.is_empty() { flying.text() } else { "" },
    );
}

/// The tool with what it is asked to do, or why none is known.
fn doing(pen: &mut Pen<'_>, columns: Columns, flying: &Flying, text: &str) {
    match flying.tools() {
        Tools::NotAnnounced => {
            let note = "(its tools are told only when they end)";
            columns.rest(pen, &[(Slot::Attention, "~ "), (Slot::Muted, note)]);
        }
        Tools::NotYetKnown => columns.rest(pen, &[(Slot::Muted, text)]),
        Tools::Known(tools) => match flying.tool() {
            Some((tool, _)) => {
                let more = match tools.len() {
                    0 | 1 => String::new(),
                    several => format!("+{} ", several - 1),
                };
                let (name, rest) = tool.split_once(' ').unwrap_or((&tool, ""));
                columns.rest(
                    pen,
                    &[
                        (Slot::Muted, &more),
                        (Slot::Strong, name),
                        (Slot::Plain, " "),
                        (Slot::Plain, rest),
                    ],
                );
            }
            None => columns.rest(pen, &[(Slot::Muted, text)]),
        },
    }
}

fn word(liveness: Liveness) -> &'static str {
    match liveness {
        Liveness::Waiting => "asks you",
        Liveness::Checking => "being checked",
        other => other.word(),
    }
}

/// A word for a narrow row; the tool, or the sign, tells the rest.
fn brief(liveness: Liveness) -> &'static str {
    match liveness {
        Liveness::Tool => "tool",
        Liveness::Checking => "checking",
        other => word(other),
    }
}

fn sign(liveness: Liveness) -> (Slot, &'static str) {
    match liveness {
        Liveness::Starting => (Slot::Muted, "○"),
        Liveness::Thinking | Liveness::Working | Liveness::Tool => (Slot::Working, "●"),
        Liveness::Retrying => (Slot::Attention, "↻"),
        Liveness::Limited => (Slot::Attention, "…"),
        Liveness::Waiting => (Slot::Turn, "⁇"),
        Liveness::Ending | Liveness::Stopping => (Slot::Muted, "‖"),
        Liveness::Checking => (Slot::Ok, "○"),
        Liveness::Silent => (Slot::Attention, "?"),
        Liveness::Frozen => (Slot::Failed, "‖"),
        Liveness::Lost => (Slot::Failed, "✗"),
    }
}

/// When something was heard last: what waits and what works look alike but for this.
fn heartbeat(app: &App, flying: &Flying, liveness: Liveness) -> (Slot, String) {
    let Some(heard) = flying.heard_at() else {
        return (Slot::Muted, "not heard".to_owned());
    };
    let ago = words::duration(app.now.since(heard));
    match liveness {
        Liveness::Checking => (Slot::Muted, "ended".to_owned()),
        Liveness::Silent | Liveness::Frozen | Liveness::Lost => {
            (Slot::Attention, format!("heard {ago}"))
        }
        _ => (Slot::Muted, format!("heard {ago}")),
    }
}
