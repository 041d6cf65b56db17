//! The timeline as a Mermaid Gantt chart, for places that draw Mermaid, such as pull requests.

use std::fmt::Write as _;

use airboss_core::account::Account;
use airboss_core::verdict::Verdict;

use super::{drawn, escape};

/// More bars than this Mermaid draws as noise.
pub const BARS_MAX: usize = 60;

/// The chart; `None` when there is nothing to draw, or too much.
#[must_use]
pub fn gantt(account: &Account) -> Option<String> {
    if account.attempts.is_empty() || account.attempts.len() > BARS_MAX {
        return None;
    }
    Some(drawn(|out| {
        out.write_str("gantt\n  dateFormat x\n  axisFormat %H:%M:%S\n")?;
        let groups = account.groups.iter().map(|group| group.title.as_str());
        let groups = groups
            .enumerate()
            .map(|(place, title)| (Some(place), title));
        for (place, title) in groups.chain([(None, "Steps that are no longer in the plan")]) {
            let own = account.attempts.iter().filter(|it| it.group == place);
            for (first, attempt) in own.enumerate().map(|(at, it)| (at == 0, it)) {
                if first {
                    writeln!(out, "  section {}", escape::mermaid_name(title))?;
                }
                let tag = match attempt.verdict {
                    Some(Verdict::Verified) => "done, ",
                    Some(Verdict::Failed | Verdict::Unverified) => "crit, ",
                    None => "active, ",
                    Some(_) => "",
                };
                // Mermaid draws a bar of no length not at all.
                let end = attempt.end().as_millis().max(attempt.began.as_millis() + 1);
                writeln!(
                    out,
                    "  {} {} :{tag}{}, {end}",
                    escape::mermaid_name(&attempt.name.replace('#', " no. ")),
                    super::tell::word(attempt.verdict),
                    attempt.began.as_millis(),
                )?;
            }
        }
        Ok(())
    }))
}
