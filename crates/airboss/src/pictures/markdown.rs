//! The account as GitHub-flavoured Markdown, to be pasted into a pull request.

use std::fmt::{self, Write as _};

use airboss_core::account::{Account, OpenKind, StepLine};
use airboss_core::scene::Stand;

use super::escape::{markdown, markdown_code, markdown_rich};
use super::palette::stand_sign;
use super::{MARK, drawn, gantt, tell};
use crate::report::short_commit;
use crate::words;

/// GitHub takes 65,536 characters; the rows beyond this many are left out, and counted.
const ROWS_MAX: usize = 200;

/// The whole text.
#[must_use]
pub fn text(account: &Account) -> String {
    drawn(|out| {
        writeln!(out, "<!-- {MARK} -->")?;
        writeln!(out, "### {}\n", markdown(&account.title))?;
        writeln!(out, "**{}**\n", markdown(&account.sentence))?;
        summary(out, account)?;
        open(out, account)?;
        steps(out, account)?;
        folded(out, "Attempts", |out| attempts(out, account))?;
        folded(out, "Agents", |out| agents(out, account))?;
        if let Some(gantt) = gantt::gantt(account) {
            folded(out, "Timeline", |out| {
                write!(out, "```mermaid\n{gantt}```\n")
            })?;
        }
        Ok(())
    })
}

fn summary(out: &mut String, account: &Account) -> fmt::Result {
    let totals = &account.totals;
    let mut parts = vec![
        tell::subject(account),
        words::count(totals.attempts, "attempt"),
        format!("{} of them retries", totals.retries),
        format!("{} in the air", tell::length(totals.flown_ms)),
        format!("cost {}", tell::cost(&totals.spent, totals.attempts)),
        words::count(account.commits.len(), "commit"),
    ];
    if let Some(began) = account.began {
        let ending = tell::ending(account.ending, account.ended.is_some());
        parts.push(format!("began {} UTC, {ending}", words::instant(began)));
    }
    writeln!(out, "{}\n", markdown(&parts.join(" · ")))
}

fn open(out: &mut String, account: &Account) -> fmt::Result {
    for item in account.open.iter().take(ROWS_MAX) {
        let (sign, words) = match item.kind {
            OpenKind::Question => ("⁇", "asks"),
            OpenKind::Failed => ("✗", "failed for good"),
            OpenKind::Commit => ("!", "a commit waits"),
            OpenKind::Retried => ("↻", "is tried again"),
            OpenKind::Limited => ("…", "is limited"),
            OpenKind::Parked => ("…", "is parked"),
            OpenKind::InProgress => ("▸", "is in progress"),
        };
        let step = item.step.as_ref().map_or(String::new(), |step| {
            format!("**{}** ", markdown(step.as_str()))
        });
        writeln!(out, "- {sign} {step}{words}: {}", markdown_rich(&item.text))?;
    }
    if account.open.is_empty() {
        Ok(())
    } else {
        out.write_str("\n")
    }
}

fn steps(out: &mut String, account: &Account) -> fmt::Result {
    out.write_str("| | Step | Stands | Attempts | Time | Commit |\n|---|---|---|--:|--:|---|\n")?;
    for step in account.steps().take(ROWS_MAX) {
        let commit = step.commit.as_deref().map(short_commit).unwrap_or_default();
        let text = words::cut(&step.text, 120);
        writeln!(
            out,
            "| {} | **{}** {} | {} | {} | {} | {} |",
            stand_sign(step.stand),
            markdown(step.id.as_str()),
            markdown_rich(&text),
            stands(step),
            step.attempts.len(),
            tell::length_if_any(step.worked_ms),
            // Not as code: GitHub makes a link of it.
            markdown(commit),
        )?;
    }
    if account.totals.steps > ROWS_MAX {
        writeln!(
            out,
            "\n{} more steps are not shown.",
            account.totals.steps - ROWS_MAX
        )?;
    }
    out.write_str("\n")
}

fn stands(step: &StepLine) -> &'static str {
    match (step.stand, step.verified) {
        (Stand::Done, true) => "verified",
        (Stand::Done, false) => "declared done",
        (other, _) => other.word(),
    }
}

/// Folded, with the empty lines that GitHub needs around Markdown in HTML.
fn folded(
    out: &mut String,
    title: &str,
    content: impl FnOnce(&mut String) -> fmt::Result,
) -> fmt::Result {
    write!(out, "<details><summary>{title}</summary>\n\n")?;
    content(out)?;
    out.write_str("\n</details>\n\n")
}

fn attempts(out: &mut String, account: &Account) -> fmt::Result {
    out.write_str("| | Attempt | Agent | Verdict | Time | Why |\n|---|---|---|---|--:|---|\n")?;
    for attempt in account.attempts.iter().take(ROWS_MAX) {
        let agent = tell::agent(&attempt.agent, attempt.model.as_deref());
        let reasons = words::cut(&tell::reasons(attempt), 200);
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            tell::sign(attempt.verdict),
            markdown_code(&attempt.name),
            markdown(&agent),
            tell::word(attempt.verdict),
            tell::length(attempt.duration_ms),
            markdown_rich(&reasons),
        )?;
    }
    if account.attempts.len() > ROWS_MAX {
        let more = account.attempts.len() - ROWS_MAX;
        writeln!(out, "\n{more} more are not shown.")?;
    }
    Ok(())
}

fn agents(out: &mut String, account: &Account) -> fmt::Result {
    out.write_str(
        "| Agent | Attempts | Verified | Failed | Success | Median | Cost |\n\
         |---|--:|--:|--:|--:|--:|--:|\n",
    )?;
    for line in &account.agents {
        let success = line.success().map(|percent| format!("{percent} %"));
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} |",
            markdown(&tell::agent(&line.agent, line.model.as_deref())),
            line.attempts,
            line.verified,
            line.failed,
            success.unwrap_or_default(),
            line.median_ms.map_or(String::new(), tell::length),
            tell::cost(&line.spent, line.attempts),
        )?;
    }
    Ok(())
}
