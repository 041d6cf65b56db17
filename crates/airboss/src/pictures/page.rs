//! The account as one page of HTML that loads nothing, runs nothing and prints well.
//!
//! Its policy forbids scripts and every request. What matters comes first: the sentence, then
//! what waits for a person, then the picture, then the tables.

use std::fmt::{self, Write as _};

use airboss_core::account::Account;

use super::escape::Xml;
use super::palette::{DARK, LIGHT, Scheme, Tone, stand_sign};
use super::{MARK, drawn, page_parts, tell, timeline};
use crate::words;

/// What the page looks like; the colours come from the palette.
const STYLE: &str = include_str!("page.css");

/// The whole page. `version` is the program's.
#[must_use]
pub fn page(account: &Account, version: &str) -> String {
    drawn(|out| {
        head(out, account)?;
        out.write_str("<body>\n")?;
        header(out, account)?;
        out.write_str("<main>\n")?;
        page_parts::open(out, account)?;
        section_timeline(out, account)?;
        page_parts::tasks(out, account)?;
        page_parts::steps(out, account)?;
        page_parts::agents(out, account)?;
        page_parts::commits(out, account)?;
        page_parts::runs(out, account)?;
        reproduce(out, account)?;
        out.write_str("</main>\n")?;
        footer(out, account, version)?;
        out.write_str("</body>\n</html>\n")
    })
}

fn head(out: &mut String, account: &Account) -> fmt::Result {
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"generator\" content=\"{MARK}\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{}: {}</title>\n<style>\n",
        Xml(&account.title),
        Xml(&account.sentence)
    )?;
    variables(out, &LIGHT)?;
    out.write_str("@media screen and (prefers-color-scheme:dark){")?;
    variables(out, &DARK)?;
    write!(out, "}}\n{STYLE}{}\n</style>\n</head>\n", timeline::style())
}

fn variables(out: &mut String, scheme: &Scheme) -> fmt::Result {
    let Scheme {
        ground,
        panel,
        line,
        ink,
        soft,
        ..
    } = scheme;
    write!(
        out,
        ":root{{--ground:{ground};--panel:{panel};--line:{line};--ink:{ink};--soft:{soft}"
    )?;
    for tone in Tone::ALL {
        write!(out, ";--{}:{}", tone.class(), scheme.tone(tone))?;
    }
    out.write_str("}\n")
}

fn header(out: &mut String, account: &Account) -> fmt::Result {
    write!(
        out,
        "<header>\n<p class=\"kicker\">Airboss report · {}</p>\n<h1>{}</h1>\n\
         <p class=\"lead\">{}</p>\n<p class=\"when\">",
        Xml(tell::subject(account)),
        Xml(&account.title),
        Xml(sentence_case(&account.sentence))
    )?;
    match (account.began, account.ended) {
        (Some(began), Some(ended)) => write!(
            out,
            "{} – {} UTC, {}: {}",
            page_parts::time(began),
            page_parts::time_after(ended, began),
            words::duration(ended.since(began)),
            tell::ending(account.ending, true)
        )?,
        (Some(began), None) => write!(
            out,
            "Began {} UTC and has not ended; told as of {}",
            page_parts::time(began),
            page_parts::time_after(account.as_of, began)
        )?,
        (None, _) => out.write_str("No run was started yet")?,
    }
    out.write_str("</p>\n")?;
    bar(out, account)?;
    facts(out, account)?;
    out.write_str("</header>\n")
}

fn sentence_case(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters).collect()
}

/// The steps by where they stand, as a bar and as its key.
fn bar(out: &mut String, account: &Account) -> fmt::Result {
    if account.counts.is_empty() {
        return Ok(());
    }
    out.write_str("<div class=\"bar\" aria-hidden=\"true\">")?;
    for count in &account.counts {
        let tone = Tone::of_stand(count.stand).class();
        write!(
            out,
            "<span class=\"{tone}\" style=\"flex:{}\"></span>",
            count.steps
        )?;
    }
    out.write_str("</div>\n<ul class=\"key\">")?;
    for count in &account.counts {
        write!(
            out,
            "<li><span class=\"{} sign\" aria-hidden=\"true\">{}</span> <b>{}</b> {}</li>",
            Tone::of_stand(count.stand).class(),
            stand_sign(count.stand),
            count.steps,
            count.stand.word()
        )?;
    }
    out.write_str("</ul>\n")
}

fn facts(out: &mut String, account: &Account) -> fmt::Result {
    let totals = &account.totals;
    let claims = match account.declared {
        0 => "by evidence, not by claims".to_owned(),
        more => format!("{more} more declared done"),
    };
    let retries = match totals.retries {
        1 => "1 retry".to_owned(),
        several => format!("{several} retries"),
    };
    let verified = format!("{} of {}", account.verified, totals.steps);
    let (work, tokens) = (
        tell::length(totals.worked_ms),
        tell::tokens(&totals.spent, totals.attempts),
    );
    let held = held_back(account);
    let cells = [
        Some(("Verified", verified, claims)),
        Some((
            "Attempts",
            totals.attempts.to_string(),
            format!("{retries}; at most {} at once", totals.most_at_once),
        )),
        Some((
            "In the air",
            tell::length(totals.flown_ms),
            format!("{work} of work in all"),
        )),
        held.map(|(longest, words)| ("Held back", longest, words)),
        Some((
            "Cost",
            tell::cost(&totals.spent, totals.attempts),
            format!("tokens: {tokens}"),
        )),
        Some((
            "Commits",
            account.commits.len().to_string(),
            "each only its own step".to_owned(),
        )),
    ];
    out.write_str("<dl class=\"facts\">")?;
    for (name, value, more) in cells.into_iter().flatten() {
        write!(
            out,
            "<div><dt>{name}</dt><dd>{}<small>{}</small></dd></div>",
            Xml(value),
            Xml(more)
        )?;
    }
    out.write_str("</dl>\n")
}

/// For how long steps were parked or waited for a person: the longer of the two, and both in words.
fn held_back(account: &Account) -> Option<(String, String)> {
    let (parked, waited) = (account.totals.parked_ms, account.totals.waited_ms);
    let mut both = [(parked, "parked"), (waited, "waiting for an answer")];
    both.sort_by_key(|(millis, _)| std::cmp::Reverse(*millis));
    match both {
        [(0, _), _] => None,
        [(most, word), (0, _)] => Some((tell::length(most), word.to_owned())),
        [(most, word), (other, its_word)] => {
            let words = format!("{word}; {} {its_word}", tell::length(other));
            Some((tell::length(most), words))
        }
    }
}

fn section_timeline(out: &mut String, account: &Account) -> fmt::Result {
    out.write_str(
        "<section aria-labelledby=\"timeline\"><h2 id=\"timeline\">Timeline</h2>\n\
         <div class=\"scroll\" role=\"region\" aria-labelledby=\"timeline\" tabindex=\"0\">",
    )?;
    out.write_str(&timeline::inline(account))?;
    out.write_str("</div></section>\n")
}

fn reproduce(out: &mut String, account: &Account) -> fmt::Result {
    out.write_str(
        "<section aria-labelledby=\"look\"><h2 id=\"look\">Look for yourself</h2>\n<pre><code>",
    )?;
    for (command, why) in tell::commands(account) {
        writeln!(out, "{}  <i># {why}</i>", Xml(command))?;
    }
    out.write_str("</code></pre></section>\n")
}

fn footer(out: &mut String, account: &Account, version: &str) -> fmt::Result {
    writeln!(
        out,
        "<footer>Told as of {} UTC from stored operations by airboss {}; account format {}. \
         Verdicts rest on what Airboss found itself: files, checks and exits, never on what an \
         agent claimed.</footer>",
        page_parts::time(account.as_of),
        Xml(version),
        account.format
    )
}
