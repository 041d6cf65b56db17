//! What one state of a workflow came to: the report that is stored with its end.

use serde::{Deserialize, Serialize};

use super::Stage;
use crate::attempt::Spending;
use crate::operation::RunEnding;

/// Problems that are kept: a screen of them is read, and the log has all.
pub const PROBLEMS_MAX: usize = 12;

/// Micro-dollars of a dollar: whole numbers can be compared.
const MICRO: f64 = 1e6;

/// The report after one state. It says what was counted, never what an agent said of itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Checkpoint {
    /// What was done.
    pub stage: Stage,
    /// Whether all of it is verified; a test is green.
    pub done: bool,
    /// Units that are verified: reports, plans, phases, checks.
    pub verified: u32,
    /// Units that were due.
    pub expected: u32,
    /// The files that were made, and verified.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made: Vec<String>,
    /// How many of them Airboss wrote itself, from what their agents said.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub salvaged: u32,
    /// What is missing, failed or red, the first [`PROBLEMS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// Attempts that were repeated.
    #[serde(default)]
    pub retries: u32,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Tokens read and written, where the agents tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Millionths of a United States dollar, where the agents tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub microdollars: Option<u64>,
    /// How the run behind it ended; the project's checks have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<RunEnding>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Checkpoint {
    /// A report of a stage of which nothing is known yet.
    #[must_use]
    pub const fn new(stage: Stage) -> Self {
        Self {
            stage,
            done: false,
            verified: 0,
            expected: 0,
            made: Vec::new(),
            salvaged: 0,
            problems: Vec::new(),
            retries: 0,
            took_ms: 0,
            tokens: None,
            microdollars: None,
            ending: None,
        }
    }

    /// The same with what was spent. Nothing at all is what an agent says that does not tell.
    #[must_use]
    pub fn spent(mut self, spending: Option<Spending>) -> Self {
        let Some(spending) = spending else {
            return self;
        };
        let tokens = spending.input_tokens.saturating_add(spending.output_tokens);
        self.tokens = (tokens > 0).then_some(tokens);
        let cost = spending.cost_usd.filter(|cost| *cost > 0.0);
        // A float becomes the nearest whole number; what is no number becomes nothing.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and the cast saturates"
        )]
        let micro = cost.map(|cost| (cost * MICRO).round() as u64);
        self.microdollars = micro;
        self
    }

    /// The cost in United States dollars.
    #[must_use]
    pub fn cost_usd(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "nobody spends 2^53 millionths")]
        let cost = self.microdollars.map(|micro| micro as f64 / MICRO);
        cost
    }

    /// The word for what it came to.
    #[must_use]
    pub const fn outcome(&self) -> &'static str {
        if self.done {
            return "complete";
        }
        match (self.stage, self.ending) {
            (Stage::Test, _) => "red",
            (_, Some(RunEnding::Blocked)) => "waiting",
            (_, Some(RunEnding::Limited)) => "limited",
            (_, Some(RunEnding::Drained { .. } | RunEnding::Interrupted)) => "interrupted",
            (_, _) => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_told_is_not_known() {
        let check = |spending, expected| {
            let checkpoint = Checkpoint::new(Stage::Plan).spent(spending);
            assert_eq!((checkpoint.tokens, checkpoint.cost_usd()), expected);
        };
        let told = |input_tokens, output_tokens, cost_usd| {
            Some(Spending {
                input_tokens,
                output_tokens,
                cost_usd,
                ..Spending::default()
            })
        };
        check(None, (None, None));
        check(told(0, 0, None), (None, None));
        check(told(0, 0, Some(0.0)), (None, None));
        check(told(100, 10, None), (Some(110), None));
        check(told(100, 10, Some(0.0325)), (Some(110), Some(0.0325)));
        check(told(1, 0, Some(f64::NAN)), (Some(1), None));
        check(told(u64::MAX, 1, Some(-1.0)), (Some(u64::MAX), None));
    }
}
