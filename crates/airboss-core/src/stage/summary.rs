//! The summary of an implementation, from what was verified: no agent is asked for it, and no
//! word of an agent is in it.

use std::fmt::Write as _;

use crate::path::RepoPath;

/// One phase and what became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PhaseLine {
    /// Its key.
    pub key: String,
    /// Its title.
    pub title: String,
    /// `None` when it is done; otherwise why not.
    pub open: Option<String>,
    /// What its verdict rests on.
    pub proof: String,
}

/// What a summary tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary<'a> {
    /// The task.
    pub number: u32,
    /// Its title.
    pub title: &'a str,
    /// Its plan.
    pub plan: &'a str,
    /// The day, as `2026-03-02`.
    pub day: &'a str,
    /// Its phases, in the order of the plan.
    pub phases: &'a [PhaseLine],
    /// The files that were changed for it.
    pub files: &'a [RepoPath],
}

impl Summary<'_> {
    /// The text of a new file.
    #[must_use]
    pub fn render(&self) -> String {
        let (number, title) = (self.number, self.title);
        format!("# Task {number}: {title}\n\n{}", self.section())
    }

    /// The section that is added to the file of the same day.
    #[must_use]
    pub fn section(&self) -> String {
        let done = self
            .phases
            .iter()
            .filter(|phase| phase.open.is_none())
            .count();
        let total = self.phases.len();
        let mut out = format!(
            "## Implementation of {}\n\nPhases done: {done} of {total} on {}\n\n",
            self.plan, self.day
        );
        for phase in self.phases {
            let (sign, words) = match &phase.open {
                None => ("x", &phase.proof),
                Some(why) => (" ", why),
            };
            // Writing to a String cannot fail.
            let _infallible = writeln!(
                out,
                "- [{sign}] Phase {}: {} ({words})",
                phase.key, phase.title
            );
        }
        out.push_str("\n### Changed files\n\n");
        if self.files.is_empty() {
            out.push_str("None.\n");
        }
        for path in self.files {
            let _infallible = writeln!(out, "- `{path}`");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_is_done_and_what_is_not() {
        let phase = |key: &str, open: Option<&str>| PhaseLine {
            key: key.to_owned(),
            title: "Cut".to_owned(),
            open: open.map(str::to_owned),
            proof: "changed src/a.rs".to_owned(),
        };
        let summary = Summary {
            number: 58,
            title: "Shorten the banner",
            plan: "specs/058_x/plans/implementation-001.md",
            day: "2026-03-02",
            phases: &[
                phase("1", None),
                phase("2", Some("failed: gate `tests` exited with 1")),
            ],
            files: &[RepoPath::new("src/a.rs").unwrap()],
        };
        insta::assert_snapshot!(summary.render(), @"
        # Task 58: Shorten the banner

        ## Implementation of specs/058_x/plans/implementation-001.md

        Phases done: 1 of 2 on 2026-03-02

        - [x] Phase 1: Cut (changed src/a.rs)
        - [ ] Phase 2: Cut (failed: gate `tests` exited with 1)

        ### Changed files

        - `src/a.rs`
        ");
    }
}
