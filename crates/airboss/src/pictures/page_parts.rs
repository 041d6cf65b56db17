//! The sections of the page: what is open, steps, agents, commits, runs.

use std::fmt::{self, Write as _};

use airboss_core::account::{Account, AttemptLine, OpenItem, OpenKind, StepLine};
use airboss_core::time::Timestamp;

use self::Column::{Number, Text};
use super::escape::{Rich, Xml};
use super::palette::{Tone, stand_sign};
use super::tell;
use crate::report::short_commit;
use crate::words;

/// Rows of one table: a page of more is no page. It says how many there are.
const ROWS_MAX: usize = 5_000;

/// An instant.
pub(super) fn time(at: Timestamp) -> String {
    format!("<time datetime=\"{at}\">{}</time>", words::instant(at))
}

/// An instant after another: without the day when that is the same.
pub(super) fn time_after(at: Timestamp, before: Timestamp) -> String {
    let text = words::instant(at);
    let shown = match at.day_text() == before.day_text() {
        true => text.split_once(' ').map_or(text.as_str(), |(_, time)| time),
        false => &text,
    };
    format!("<time datetime=\"{at}\">{shown}</time>")
}

/// What stands in a column of a table.
enum Column {
    Text(&'static str),
    Number(&'static str),
}

/// Begins a table, up to its body.
fn table(out: &mut String, columns: &[Column]) -> fmt::Result {
    out.write_str(
        "<table role=\"table\" class=\"stack\"><thead role=\"rowgroup\"><tr role=\"row\">",
    )?;
    for column in columns {
        let (class, title) = match column {
            Text(title) => ("", title),
            Number(title) => (" class=\"num\"", title),
        };
        write!(
            out,
            "<th role=\"columnheader\" scope=\"col\"{class}>{title}</th>"
        )?;
    }
    out.write_str("</tr></thead>")
}

fn section(out: &mut String, id: &str, title: &str) -> fmt::Result {
    writeln!(
        out,
        "<section aria-labelledby=\"{id}\"><h2 id=\"{id}\">{title}</h2>"
    )
}

/// What needs a person, and what has not come to its end.
pub(super) fn open(out: &mut String, account: &Account) -> fmt::Result {
    if account.open.is_empty() {
        return Ok(());
    }
    let needs_person = account.open.iter().any(|item| item.kind.needs_person());
    section(
        out,
        "open",
        if needs_person {
            "Needs you"
        } else {
            "Not over"
        },
    )?;
    out.write_str("<ul class=\"open\">")?;
    for item in account.open.iter().take(ROWS_MAX) {
        open_item(out, item)?;
    }
    out.write_str("</ul></section>\n")
}

fn open_item(out: &mut String, item: &OpenItem) -> fmt::Result {
    let (tone, sign, words) = match item.kind {
        OpenKind::Question => (Tone::Person, "⁇", "asks"),
        OpenKind::Failed => (Tone::Bad, "✗", "failed, and its retries are used up"),
        OpenKind::Commit => (Tone::Look, "!", "A commit waits"),
        OpenKind::Retried => (Tone::Look, "↻", "failed and is tried again"),
        OpenKind::Limited => (Tone::Look, "…", "is limited"),
        OpenKind::Parked => (Tone::Look, "…", "is parked"),
        OpenKind::InProgress => (Tone::Work, "▸", "is in progress"),
    };
    write!(
        out,
        "<li class=\"{}\"><span class=\"sign\" aria-hidden=\"true\">{sign}</span> ",
        tone.class()
    )?;
    if let Some(step) = &item.step {
        write!(out, "<b>{}</b> ", Xml(step.as_str()))?;
    }
    write!(out, "<span class=\"kind\">{words}</span>")?;
    if let Some(until) = item.until {
        write!(out, " <span>until {} UTC</span>", time(until))?;
    }
    write!(out, "<p>{}</p>", Rich(&item.text))?;
    if let Some(command) = &item.command {
        write!(out, "<code>{}</code>", Xml(command))?;
    }
    out.write_str("</li>\n")
}

/// The tasks of a board.
pub(super) fn tasks(out: &mut String, account: &Account) -> fmt::Result {
    if account.tasks.is_empty() {
        return Ok(());
    }
    section(out, "tasks", "Tasks")?;
    table(out, &[Text("Task"), Text("Title"), Text("Status")])?;
    out.write_str("<tbody role=\"rowgroup\">\n")?;
    for task in account.tasks.iter().take(ROWS_MAX) {
        let tone = if task.finished {
            Tone::Good
        } else {
            Tone::Idle
        };
        writeln!(
            out,
            "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\" class=\"id\">{}</th>\
             <td role=\"cell\" class=\"what\">{}</td>\
             <td role=\"cell\" class=\"nowrap {}\">{}</td></tr>",
            task.number,
            Xml(&task.title),
            tone.class(),
            Xml(&task.status)
        )?;
    }
    out.write_str("</tbody></table></section>\n")
}

/// The steps by phase, each with its attempts folded.
pub(super) fn steps(out: &mut String, account: &Account) -> fmt::Result {
    if account.groups.is_empty() {
        return Ok(());
    }
    section(out, "steps", "Steps")?;
    table(
        out,
        &[
            Text("Step"),
            Text("What it is, and what was found"),
            Text("Stands"),
            Number("Attempts"),
            Number("Time"),
            Number("Cost"),
            Text("Commit"),
        ],
    )?;
    out.write_str("\n")?;
    let mut rows = 0;
    for group in &account.groups {
        writeln!(
            out,
            "<tbody role=\"rowgroup\"><tr role=\"row\"><th role=\"rowheader\" class=\"group\" \
             colspan=\"7\" scope=\"rowgroup\">{} <span>{} of {} settled</span></th></tr>",
            Xml(&group.title),
            group.settled,
            group.steps.len()
        )?;
        for step in group.steps.iter().take(ROWS_MAX.saturating_sub(rows)) {
            rows += 1;
            step_row(out, account, step)?;
        }
        out.write_str("</tbody>\n")?;
    }
    out.write_str("</table>")?;
    if account.totals.steps > rows {
        write!(
            out,
            "<p class=\"empty\">{} more are not shown</p>",
            account.totals.steps - rows
        )?;
    }
    out.write_str("</section>\n")
}

fn step_row(out: &mut String, account: &Account, step: &StepLine) -> fmt::Result {
    let tone = Tone::of_stand(step.stand).class();
    let sign = stand_sign(step.stand);
    write!(
        out,
        "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\" class=\"id\">\
         <span class=\"{tone} sign\" aria-hidden=\"true\">{sign}</span> {}</th>\
         <td role=\"cell\" class=\"what\">{}",
        Xml(step.id.as_str()),
        Rich(&step.text)
    )?;
    if let Some(reason) = &step.reason {
        write!(out, "<span class=\"why\">{}</span>", Rich(reason))?;
    }
    tries(out, account, step)?;
    let word = match (step.stand, step.verified) {
        (airboss_core::scene::Stand::Done, true) => "verified",
        (airboss_core::scene::Stand::Done, false) => "declared done",
        (stand, _) => stand.word(),
    };
    let cost = step.cost_usd.map_or(String::new(), tell::dollars);
    let attempts = match step.attempts.len() {
        0 => String::new(),
        some => some.to_string(),
    };
    write!(
        out,
        "</td><td role=\"cell\" class=\"nowrap {tone}\">{word}</td>\
         <td role=\"cell\" class=\"num\" data-label=\"attempts\">{attempts}</td>\
         <td role=\"cell\" class=\"num\" data-label=\"time\">{}</td>\
         <td role=\"cell\" class=\"num\" data-label=\"cost\">{cost}</td>\
         <td role=\"cell\" data-label=\"commit\">",
        tell::length_if_any(step.worked_ms),
    )?;
    if let Some(commit) = &step.commit {
        write!(out, "<code>{}</code>", Xml(short_commit(commit)))?;
    }
    out.write_str("</td></tr>\n")
}

/// The attempts and what people did, folded; unfolded where something went wrong for good.
fn tries(out: &mut String, account: &Account, step: &StepLine) -> fmt::Result {
    if step.attempts.is_empty() && step.marks.is_empty() {
        return Ok(());
    }
    let mut parts = Vec::new();
    if !step.attempts.is_empty() {
        parts.push(words::count(step.attempts.len(), "attempt"));
    }
    if step.parked_ms > 0 {
        parts.push(format!("parked for {}", tell::length(step.parked_ms)));
    }
    if step.waited_ms > 0 {
        parts.push(format!(
            "waited {} for an answer",
            tell::length(step.waited_ms)
        ));
    }
    if !step.marks.is_empty() {
        parts.push(format!(
            "{} by a person",
            words::count(step.marks.len(), "change")
        ));
    }
    let unfold = match Tone::of_stand(step.stand) {
        Tone::Bad | Tone::Person => " open",
        _ => "",
    };
    write!(
        out,
        "<details{unfold}><summary>{}</summary><ul class=\"tries\">",
        parts.join(", ")
    )?;
    for attempt in account.attempts_of(step) {
        attempt_line(out, attempt)?;
    }
    for mark in &step.marks {
        let text = mark.text.as_deref().unwrap_or_default();
        let colon = if text.is_empty() { "" } else { ": " };
        write!(
            out,
            "<li><b>{}</b>{colon}{} <small>{}</small></li>",
            Xml(&mark.what),
            Xml(text),
            words::instant(mark.at)
        )?;
    }
    out.write_str("</ul></details>")
}

fn attempt_line(out: &mut String, attempt: &AttemptLine) -> fmt::Result {
    let tone = Tone::of_verdict(attempt.verdict).class();
    write!(
        out,
        "<li><span class=\"{tone} sign\">{} {}</span> {}",
        tell::sign(attempt.verdict),
        tell::word(attempt.verdict),
        Rich(tell::reasons(attempt)),
    )?;
    let mut facts = vec![
        attempt.name.clone(),
        tell::agent(&attempt.agent, attempt.model.as_deref()),
        tell::length(attempt.duration_ms),
        words::instant(attempt.began),
    ];
    if attempt.retry {
        facts.insert(1, "a retry".to_owned());
    }
    if let Some(spending) = &attempt.spending {
        let (read, written) = (spending.input_tokens, spending.output_tokens);
        let (read, written) = (words::amount(read), words::amount(written));
        facts.push(format!("{read} tokens in, {written} out"));
        facts.extend(spending.cost_usd.map(tell::dollars));
    }
    let gates = tell::gates(attempt);
    if !gates.is_empty() {
        facts.push(format!("checks: {gates}"));
    }
    write!(out, "<br><small>{}</small></li>", Xml(facts.join(" · ")))
}

/// What each agent made of its attempts.
pub(super) fn agents(out: &mut String, account: &Account) -> fmt::Result {
    if account.agents.is_empty() {
        return Ok(());
    }
    section(out, "agents", "Agents")?;
    let columns = [
        Text("Agent"),
        Number("Attempts"),
        Number("Verified"),
        Number("Failed"),
        Number("Other"),
        Number("Success"),
        Number("Median"),
        Number("Cost"),
    ];
    table(out, &columns)?;
    out.write_str("<tbody role=\"rowgroup\">\n")?;
    for line in &account.agents {
        write!(
            out,
            "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\" class=\"what\">{}</th>",
            Xml(tell::agent(&line.agent, line.model.as_deref()))
        )?;
        let success = line.success().map(|percent| format!("{percent} %"));
        let cells = [
            ("attempts", line.attempts.to_string()),
            ("verified", line.verified.to_string()),
            ("failed", line.failed.to_string()),
            ("other", (line.other + line.open).to_string()),
            ("success", success.unwrap_or_default()),
            ("median", line.median_ms.map_or(String::new(), tell::length)),
            ("cost", tell::cost(&line.spent, line.attempts)),
        ];
        for (label, value) in cells {
            write!(
                out,
                "<td role=\"cell\" class=\"num\" data-label=\"{label}\">{}</td>",
                Xml(value)
            )?;
        }
        out.write_str("</tr>\n")?;
    }
    out.write_str(
        "</tbody></table><p class=\"why\">Success is verified of verified and failed: what was \
         limited, interrupted or asked is nobody's failure.</p></section>\n",
    )
}

/// Commits.
pub(super) fn commits(out: &mut String, account: &Account) -> fmt::Result {
    if account.commits.is_empty() {
        return Ok(());
    }
    section(out, "commits", "Commits")?;
    table(out, &[Text("Commit"), Text("Of"), Text("Made (UTC)")])?;
    out.write_str("<tbody role=\"rowgroup\">\n")?;
    for commit in account.commits.iter().take(ROWS_MAX) {
        let about = match commit.task {
            Some(number) => format!("task {number}"),
            None => words::ids(&commit.steps),
        };
        let left = match commit.left_out {
            0 => String::new(),
            some => format!(" ({} left out)", words::count(some, "file")),
        };
        writeln!(
            out,
            "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\" class=\"id\"><code>{}</code></th>\
             <td role=\"cell\" class=\"what\">{}{left}</td>\
             <td role=\"cell\" class=\"nowrap\">{}</td></tr>",
            Xml(short_commit(&commit.commit)),
            Xml(about),
            time(commit.at)
        )?;
    }
    out.write_str("</tbody></table></section>\n")
}

/// Runs, where there were several.
pub(super) fn runs(out: &mut String, account: &Account) -> fmt::Result {
    if account.runs.len() < 2 {
        return Ok(());
    }
    section(out, "runs", "Runs")?;
    table(
        out,
        &[
            Text("Run"),
            Text("Asked to"),
            Text("Began (UTC)"),
            Number("Took"),
            Number("Attempts"),
            Text("Ended"),
        ],
    )?;
    out.write_str("<tbody role=\"rowgroup\">\n")?;
    for run in account.runs.iter().take(ROWS_MAX) {
        let took = run
            .ended
            .map(|ended| words::duration(ended.since(run.began)));
        writeln!(
            out,
            "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\" class=\"id\"><code>{}</code></th>\
             <td role=\"cell\" class=\"what\">{}</td><td role=\"cell\" class=\"nowrap\">{}</td>\
             <td role=\"cell\" class=\"num\" data-label=\"took\">{}</td>\
             <td role=\"cell\" class=\"num\" data-label=\"attempts\">{}</td>\
             <td role=\"cell\" class=\"nowrap\">{}</td></tr>",
            run.id.short(),
            Xml(&run.asked),
            time(run.began),
            took.unwrap_or_default(),
            run.attempts,
            tell::ending(run.ending, run.ended.is_some())
        )?;
    }
    out.write_str("</tbody></table></section>\n")
}
