//! The header: which plan, which run, how long, how far, how much.

use airboss_core::scene::{Header, RunStanding, Stand, Tally};
use airboss_core::text::sanitize;
use ratatui::layout::Rect;

use super::stand_sign;
use crate::tui::app::App;
use crate::tui::paint::{Pen, columns};
use crate::tui::theme::Slot;
use crate::words;

/// A bar is wide enough to see a step of a hundred, and no wider.
const BAR_MAX: u16 = 60;

pub(super) fn draw(pen: &mut Pen<'_>, area: Rect, app: &App) {
    let Some(plan) = app.plan() else {
        return nothing(pen, area, app);
    };
    let header = app.scene.header(plan);
    if area.height > 0 {
        first(pen, area, app, &header);
    }
    let row = |number| Rect {
        y: area.y + number,
        height: 1,
        ..area
    };
    if area.height > 1 {
        second(pen, row(1), &header.tally);
    }
    if area.height > 2 {
        third(pen, row(2), app, &header);
    }
}

fn nothing(pen: &mut Pen<'_>, area: Rect, app: &App) {
    if area.height == 0 {
        return;
    }
    let words = match (app.scene.trouble(), app.begun) {
        (Some(trouble), _) => sanitize(trouble),
        (None, true) => "nothing was flown here yet; `airboss run PLAN` begins".to_owned(),
        (None, false) => "looking at the store…".to_owned(),
    };
    let slot = if app.scene.trouble().is_some() {
        Slot::Failed
    } else {
        Slot::Muted
    };
    let pieces = [
        (Slot::Strong, "airboss  "),
        (Slot::Plain, &app.options.place),
        (Slot::Plain, "  "),
        (slot, &words),
    ];
    pen.pieces(area.x + 1, area.y, area.width.saturating_sub(1), &pieces);
    if area.height > 1 {
        board(
            pen,
            area.x + 1,
            area.y + 1,
            area.width.saturating_sub(1),
            app,
        );
    }
}

/// The plan, the run, how it stands, since when.
fn first(pen: &mut Pen<'_>, area: Rect, app: &App, header: &Header<'_>) {
    let name = sanitize(header.name);
    let run = header.run.map_or_else(
        || "no run".to_owned(),
        |run| format!("run {}", run.id.short()),
    );
    let (slot, standing) = standing(header, app);
    let mut right = area.right();
    // Both ends are known; what is between gives way.
    if let Some(trouble) = app.scene.trouble() {
        let text = format!("! not up to date: {}", sanitize(trouble));
        let width = area.width / 2;
        right = pen
            .put_right(right, area.y, width, Slot::Failed, &text)
            .saturating_sub(2);
    }
    let x = pen.put(
        area.x + 1,
        area.y,
        right.saturating_sub(area.x + 1),
        Slot::Strong,
        &name,
    );
    let x = pen.put(x + 2, area.y, right.saturating_sub(x + 2), slot, &standing);
    let x = pen.put(
        x + 2,
        area.y,
        right.saturating_sub(x + 2),
        Slot::Muted,
        &run,
    );
    if app.is_paused() {
        pen.put(
            x + 2,
            area.y,
            right.saturating_sub(x + 2),
            Slot::Attention,
            "‖ paused",
        );
    }
    if app.scene.trouble().is_none() {
        let plans = app.scene.plans().count();
        let place = match plans {
            0 | 1 => app.options.place.clone(),
            several => format!("{} · {several} plans [ ]", app.options.place),
        };
        let free = right.saturating_sub(x + 2);
        if usize::from(free) > columns(&place) + 2 {
            pen.put_right(right.saturating_sub(1), area.y, free, Slot::Muted, &place);
        }
    }
}

fn standing(header: &Header<'_>, app: &App) -> (Slot, String) {
    let Some((run, standing)) = header.run.zip(header.standing) else {
        return (Slot::Muted, "not flown yet".to_owned());
    };
    let since = words::duration(app.now.since(run.started_at));
    let ago = |at| words::duration(app.now.since(at));
    match standing {
        RunStanding::Ended(at, ending) => {
            let took = words::duration(at.since(run.started_at));
            let (sign, slot) = match ending {
                airboss_core::operation::RunEnding::Complete => ("✓", Slot::Ok),
                airboss_core::operation::RunEnding::Failed => ("✗", Slot::Failed),
                _ => ("!", Slot::Attention),
            };
            (
                slot,
                format!(
                    "{sign} {} after {took}, {} ago",
                    words::ending(ending),
                    ago(at)
                ),
            )
        }
        RunStanding::Flying => (Slot::Working, format!("● flying for {since}")),
        RunStanding::Frozen(at) => (Slot::Failed, format!("! frozen for {}", ago(at))),
        RunStanding::Gone(at) => (
            Slot::Failed,
            format!("✗ its process is gone, seen {} ago", ago(at)),
        ),
        RunStanding::ByHand => (Slot::Turn, format!("counted by hand for {since}")),
        RunStanding::NotKnown => (Slot::Muted, format!("begun {since} ago")),
    }
}

/// The bar of all steps, and how many stand where.
fn second(pen: &mut Pen<'_>, area: Rect, tally: &Tally) {
    let width = (area.width / 4).min(BAR_MAX);
    bar(pen, area.x + 1, area.y, width, tally);
    let mut x = area.x + width + 3;
    let total = tally.total();
    let text = format!(
        "{} of {} settled",
        tally.settled(),
        words::count(total, "step")
    );
    x = pen.put(
        x,
        area.y,
        area.right().saturating_sub(x),
        Slot::Strong,
        &text,
    );
    let counts = counts(tally);
    let room = usize::from(area.right().saturating_sub(x));
    // Words where there is room for all of them, else signs, which the panel explains.
    let long: usize = counts.iter().map(|(_, long, _)| columns(long)).sum();
    let is_short = long > room;
    for (slot, long, short) in &counts {
        let text = if is_short { short } else { long };
        x = pen.put(x, area.y, area.right().saturating_sub(x), *slot, text);
    }
}

/// How many steps stand where, long and short. What a person has to know comes before what goes
/// well.
fn counts(tally: &Tally) -> Vec<(Slot, String, String)> {
    let order = [
        Stand::Failed,
        Stand::NeedsAnswer,
        Stand::InProgress,
        Stand::Retried,
        Stand::Limited,
        Stand::Parked,
        Stand::Blocked,
        Stand::Skipped,
        Stand::Pending,
    ];
    let counted = order.into_iter().map(|stand| (stand, tally.of(stand)));
    counted
        .filter(|(_, count)| *count > 0)
        .map(|(stand, count)| {
            let (slot, sign) = stand_sign(stand);
            let word = stand.word();
            (
                slot,
                format!("  {sign} {count} {word}"),
                format!("  {sign}{count}"),
            )
        })
        .collect()
}

/// A bar in which each group of steps has its share, and none that is there has nothing.
pub(super) fn bar(pen: &mut Pen<'_>, x: u16, y: u16, width: u16, tally: &Tally) {
    let total = tally.total();
    let groups = [
        (Slot::Ok, "█", tally.of(Stand::Done)),
        (Slot::Muted, "▓", tally.of(Stand::Skipped)),
        (Slot::Failed, "▒", tally.of(Stand::Failed)),
        (Slot::Working, "▒", tally.of(Stand::InProgress)),
    ];
    let mut at = x;
    let mut before = 0;
    for (slot, sign, count) in groups {
        before += count;
        let ends = (before * usize::from(width))
            .checked_div(total)
            .unwrap_or(0);
        let ends = x + u16::try_from(ends).unwrap_or(width).min(width);
        while at < ends {
            pen.put(at, y, 1, slot, sign);
            at += 1;
        }
    }
    while at < x + width {
        pen.put(at, y, 1, Slot::Rule, "░");
        at += 1;
    }
}

/// Money, tokens, attempts, agents.
fn third(pen: &mut Pen<'_>, area: Rect, app: &App, header: &Header<'_>) {
    let spent = header.spent;
    let least = |untold: u32| if untold > 0 { "≥ " } else { "" };
    let cost = if spent.cost_usd > 0.0 {
        format!("{}${:.2}", least(spent.cost_untold), spent.cost_usd)
    } else if spent.cost_untold > 0 {
        "cost not told".to_owned()
    } else {
        "$0.00".to_owned()
    };
    let tokens = if spent.input_tokens + spent.output_tokens > 0 {
        format!(
            "{}{} read, {} written",
            least(spent.tokens_untold),
            words::amount(spent.input_tokens),
            words::amount(spent.output_tokens)
        )
    } else if spent.tokens_untold > 0 {
        "tokens not told".to_owned()
    } else {
        "no tokens".to_owned()
    };
    let attempts = match app.options.attempts_max {
        Some(max) => format!("{} of {max} attempts", header.attempts),
        None => words::count(header.attempts as usize, "attempt"),
    };
    let agents: Vec<String> = header.agents.iter().map(|agent| sanitize(agent)).collect();
    let most = match header.most_at_once {
        0 | 1 => String::new(),
        most => format!("{most} at once at most"),
    };
    let mut x = area.x + 1;
    let parts = [cost, tokens, attempts, agents.join(", "), most];
    for (place, part) in parts.iter().filter(|part| !part.is_empty()).enumerate() {
        let between = if place == 0 { "" } else { "  ·  " };
        let room = area.right().saturating_sub(x);
        if usize::from(room) < columns(part) + columns(between) {
            break;
        }
        x = pen.pieces(
            x,
            area.y,
            room,
            &[(Slot::Rule, between), (Slot::Muted, part)],
        );
    }
    board(pen, x + 2, area.y, area.right().saturating_sub(x + 2), app);
}

/// The tasks of the boards, counted.
fn board(pen: &mut Pen<'_>, x: u16, y: u16, width: u16, app: &App) {
    let mut text = String::new();
    for board in app.scene.boards() {
        let counts = board.counts();
        text = format!(
            "·  board: {} in flight, {} open, {} done",
            counts.in_flight, counts.open, counts.terminal
        );
    }
    if usize::from(width) > columns(&text) {
        pen.put(x, y, width, Slot::Muted, &text);
    }
}
