//! The account in plain words: one screen of a terminal, the answer first.

use airboss_core::account::{Account, OpenKind};
use airboss_core::scene::Stand;
use owo_colors::Style;

use super::palette::{Tone, stand_sign};
use super::tell;
use crate::page::{Page, Table};
use crate::report::short_commit;
use crate::words;

/// Things that are listed one by one before they are only counted: a screen.
const LINES_MAX: usize = 20;
/// The column of the labels.
const LABELS: usize = "attempts".len();

/// The whole text. `edge` is where tables are cut.
#[must_use]
pub fn text(account: &Account, width: usize, edge: Option<usize>) -> String {
    let mut page = Page::new(width);
    page.sentence(&account.sentence, Style::new().bold());
    let mut field = |label: &str, text: &str| {
        page.field(2, (label, Style::new().dimmed()), LABELS, text);
    };
    field("of", &tell::subject(account));
    field("began", &when(account));
    let totals = &account.totals;
    if totals.attempts > 0 {
        let flown = tell::length(totals.flown_ms);
        let (retries, most) = (totals.retries, totals.most_at_once);
        field(
            "attempts",
            &format!(
                "{}, {retries} of them retries, at most {most} at once, {flown} in the air",
                totals.attempts
            ),
        );
        let tokens = tell::tokens(&totals.spent, totals.attempts);
        let cost = tell::cost(&totals.spent, totals.attempts);
        field("cost", &format!("{cost}; tokens: {tokens}"));
    }
    if let Some(text) = held_back(account) {
        field("held", &text);
    }
    for line in &account.agents {
        let success = line
            .success()
            .map(|percent| format!(", {percent} % success"));
        field(
            "agent",
            &format!(
                "{}: {} verified, {} failed of {}{}",
                tell::agent(&line.agent, line.model.as_deref()),
                line.verified,
                line.failed,
                words::count(line.attempts, "attempt"),
                success.unwrap_or_default()
            ),
        );
    }
    let mut out = page.finish();
    let mut rest = Page::new(width);
    needs(&mut rest, account);
    let rest = rest.finish();
    out.push('\n');
    out.push_str(&steps(account, edge));
    if !rest.trim().is_empty() {
        out.push('\n');
        out.push_str(&rest);
    }
    out
}

fn when(account: &Account) -> String {
    let Some(began) = account.began else {
        return "not yet".to_owned();
    };
    let begin = words::instant(began);
    match account.ended {
        Some(ended) => format!(
            "{begin}, over after {}: {}",
            words::duration(ended.since(began)),
            tell::ending(account.ending, true)
        ),
        None => format!("{begin}, not ended"),
    }
}

fn held_back(account: &Account) -> Option<String> {
    let (parked, waited) = (account.totals.parked_ms, account.totals.waited_ms);
    let parts = [(parked, "parked"), (waited, "waiting for an answer")];
    let parts = parts.iter().filter(|(millis, _)| *millis > 0);
    let parts: Vec<String> = parts
        .map(|(millis, words)| format!("{} {words}", tell::length(*millis)))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The steps; of very many only those that are not done.
fn steps(account: &Account, edge: Option<usize>) -> String {
    let all: Vec<_> = account.steps().collect();
    let many = all.len() > LINES_MAX;
    let shown = all.iter().filter(|step| !many || step.stand != Stand::Done);
    let shown: Vec<_> = shown.take(LINES_MAX).collect();
    let mut table = Table::new(edge);
    for step in &shown {
        let commit = step.commit.as_deref().map(short_commit).unwrap_or_default();
        let attempts = match step.attempts.len() {
            0 => String::new(),
            some => words::count(some, "attempt"),
        };
        let word = match (step.stand, step.verified) {
            (Stand::Done, true) => "verified",
            (Stand::Done, false) => "declared done",
            (stand, _) => stand.word(),
        };
        table.row(
            [
                &format!("  {} {}", stand_sign(step.stand), step.id),
                word,
                &attempts,
                &tell::length_if_any(step.worked_ms),
                commit,
                &step.text,
            ],
            style(Tone::of_stand(step.stand)),
        );
    }
    let left = all.len() - shown.len();
    let mut text = table.finish();
    if left > 0 {
        let hidden = words::count(left, "step");
        text.extend([format!(
            "  {hidden} more: `--html FILE` or `--json` shows all\n"
        )]);
    }
    text
}

fn needs(page: &mut Page, account: &Account) {
    let items = account.open.iter().filter(|item| item.kind.needs_person());
    for item in items.take(LINES_MAX) {
        let step = item.step.as_ref().map_or("", |step| step.as_str());
        let (label, tone) = match item.kind {
            OpenKind::Question => ("asks", Tone::Person),
            _ => ("failed", Tone::Bad),
        };
        page.field(
            2,
            (label, style(tone)),
            LABELS,
            &format!("{step}: {}", item.text),
        );
        if let Some(command) = &item.command {
            page.command(4 + LABELS, command);
        }
    }
}

fn style(tone: Tone) -> Style {
    match tone {
        Tone::Good => Style::new().green(),
        Tone::Bad => Style::new().red(),
        Tone::Look => Style::new().yellow(),
        Tone::Odd => Style::new().magenta(),
        Tone::Person | Tone::Work => Style::new().cyan(),
        Tone::Idle => Style::new().dimmed(),
    }
}
