//! A task through several stages in one go: scopes, states, and what comes after what.
//!
//! ```text
//! initialize ─▶ research ─▶ plan ─▶ implement ─▶ test ─▶ document ─▶ complete
//!                             └──▶ debug ◀──────────┘ ▲
//!                                    └────────────────┘ at most twice
//! ```
//!
//! [`State::may_become`] is the table of the format, and [`Workflow::after`] the one place that
//! walks it, live and after a crash. A plan whose phase fails is revised without leaving the state
//! that carries it out. A state counts as completed when its work is verified, never
//! when it is entered; the last state of a scope is worked on like any other.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Stage;
use super::checkpoint::Checkpoint;
use crate::time::Timestamp;

/// Rounds of debugging before a failing test is left to a person.
pub const DEBUG_ROUNDS_MAX: u32 = 2;

/// Revisions of a plan because of one of its phases, before that is left to a person.
pub const REPLANS_MAX: u32 = 2;
/// Revisions of a plan in one workflow: a plan whose every version fails elsewhere is not getting
/// better.
pub const REPLANS_ALL_MAX: u32 = 6;
/// Times that a phase has failed before its plan is looked at: once may be chance.
pub const PHASE_FAILURES: u32 = 2;

/// Where a workflow is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing was done yet.
    Initialize,
    /// Reports are written.
    Research,
    /// A plan is written, or revised.
    Plan,
    /// The plan is carried out.
    Implement,
    /// The project's checks are run.
    Test,
    /// A failing check is looked into.
    Debug,
    /// Documents are brought up to date.
    Document,
    /// It is over.
    Complete,
    /// It was given up.
    Abandoned,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Initialize,
        Self::Research,
        Self::Plan,
        Self::Implement,
        Self::Test,
        Self::Debug,
        Self::Document,
        Self::Complete,
        Self::Abandoned,
    ];

    /// The word for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Initialize => "initialize",
            Self::Research => "research",
            Self::Plan => "plan",
            Self::Implement => "implement",
            Self::Test => "test",
            Self::Debug => "debug",
            Self::Document => "document",
            Self::Complete => "complete",
            Self::Abandoned => "abandoned",
        }
    }

    /// Whether nothing comes after it.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Complete | Self::Abandoned)
    }

    /// The table of the format. The same state again is no transition.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        use State::{
            Abandoned, Complete, Debug, Document, Implement, Initialize, Plan, Research, Test,
        };
        match self {
            Initialize => matches!(next, Research | Implement | Abandoned),
            Research => matches!(next, Plan | Complete | Abandoned),
            Plan => matches!(next, Implement | Complete | Debug | Abandoned),
            Implement => matches!(next, Test | Complete | Abandoned),
            Test => matches!(next, Debug | Document | Complete | Abandoned),
            Debug => matches!(next, Test | Document | Complete | Abandoned),
            Document => matches!(next, Complete | Abandoned),
            Complete | Abandoned => false,
        }
    }
}

/// How far a workflow goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Reports.
    Research,
    /// Reports and a plan.
    Plan,
    /// Reports and the next version of a plan.
    Revise,
    /// The plan that there is, carried out.
    Implement,
    /// Reports, a plan for the search, and a debug report.
    Debug,
    /// The plan that there is, carried out, tested and documented.
    Test,
    /// Everything.
    Full,
}

impl Scope {
    /// All of them, the narrowest first.
    pub const ALL: [Self; 7] = [
        Self::Research,
        Self::Plan,
        Self::Revise,
        Self::Implement,
        Self::Debug,
        Self::Test,
        Self::Full,
    ];

    /// The word for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Research => "research",
            Self::Plan => "plan",
            Self::Revise => "revise",
            Self::Implement => "implement",
            Self::Debug => "debug",
            Self::Test => "test",
            Self::Full => "full",
        }
    }

    /// Reads a scope by its word or by the name that older workflows have for it.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let older = match text {
            "research-only" => Self::Research,
            "research-and-plan" => Self::Plan,
            "research-and-revise" => Self::Revise,
            "implement-only" => Self::Implement,
            "debug-only" => Self::Debug,
            "test-and-debug" => Self::Test,
            "full-implementation" => Self::Full,
            _ => return Self::ALL.into_iter().find(|scope| scope.word() == text),
        };
        Some(older)
    }

    /// The states whose work is due, in order; debugging comes in between where a test fails.
    #[must_use]
    pub const fn states(self) -> &'static [State] {
        use State::{Debug, Document, Implement, Plan, Research, Test};
        match self {
            Self::Research => &[Research],
            Self::Plan | Self::Revise => &[Research, Plan],
            Self::Implement => &[Implement],
            Self::Debug => &[Research, Plan, Debug],
            Self::Test => &[Implement, Test, Document],
            Self::Full => &[Research, Plan, Implement, Test, Document],
        }
    }

    /// What a description asks for, at most. It is a suggestion; writing code is never one that
    /// is taken without a person's word.
    #[must_use]
    pub fn suggested(description: &str) -> Self {
        let lower = description.to_lowercase();
        let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).collect();
        let any = |wanted: &[&str]| words.iter().any(|word| wanted.contains(word));
        if any(&["implement", "build", "add", "create", "write"]) {
            Self::Full
        } else if any(&["fix", "debug", "crash", "fails", "failing", "bug"]) {
            Self::Debug
        } else if any(&["revise", "replan"]) {
            Self::Revise
        } else if any(&["research", "investigate", "compare", "analyze", "analyse"]) {
            Self::Research
        } else {
            Self::Plan
        }
    }
}

/// What became of the work of a state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It is verified; a test is green.
    Done,
    /// It is not; a test is red.
    Failed,
}

/// How a workflow ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Everything in its scope is verified.
    Done,
    /// The tests still fail after all rounds of debugging: no success.
    TestsFailing,
}

/// One task on its way through the states.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Workflow {
    /// How far it goes.
    pub scope: Scope,
    /// Where it is: the work of this state is due, unless it is terminal.
    pub state: State,
    /// States whose work is verified, in order.
    pub completed: Vec<State>,
    /// Rounds of debugging so far.
    #[serde(default)]
    pub debug_rounds: u32,
    /// The state whose work failed last, until it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<State>,
    /// Why it failed, where that is more than its work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How often the plan was revised because of each phase, by its key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub replans: BTreeMap<String, u32>,
    /// The phase because of which the plan is revised now, before it is carried out further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replanning: Option<String>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    /// What the state came to that was worked on last; stored with what follows from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Box<Checkpoint>>,
    /// When it was touched last.
    pub at: Timestamp,
}

impl Workflow {
    /// A workflow that is about to begin with the first state of its scope.
    #[must_use]
    pub fn new(scope: Scope, now: Timestamp) -> Self {
        let first = scope.states().first().copied();
        Self {
            scope,
            state: first.unwrap_or(State::Complete),
            completed: Vec::new(),
            debug_rounds: 0,
            failed: None,
            reason: None,
            replans: BTreeMap::new(),
            replanning: None,
            ending: None,
            checkpoint: None,
            at: now,
        }
    }

    /// A workflow of a task that has come some way already: it begins behind what is there.
    ///
    /// A plan that is to be revised is written again, whatever is there.
    #[must_use]
    pub fn of_task(scope: Scope, has_report: bool, has_plan: bool, now: Timestamp) -> Self {
        let is_there = |state: &State| match state {
            State::Research => has_report || (has_plan && scope != Scope::Revise),
            State::Plan => has_plan && scope != Scope::Revise,
            _ => false,
        };
        let last = scope.states().last().copied();
        let due = scope
            .states()
            .iter()
            .copied()
            .find(|state| !is_there(state));
        Self {
            // What was asked for by name is done, even when it was done before.
            state: due.or(last).unwrap_or(State::Complete),
            ..Self::new(scope, now)
        }
    }

    /// The stage that does the work of the state; `None` when it is over.
    #[must_use]
    pub const fn stage(&self) -> Option<Stage> {
        match self.state {
            State::Research => Some(Stage::Research),
            State::Plan => Some(match self.scope {
                Scope::Revise => Stage::Revise,
                _ => Stage::Plan,
            }),
            State::Implement => Some(match self.replanning {
                Some(_) => Stage::Revise,
                None => Stage::Implement,
            }),
            State::Test => Some(Stage::Test),
            State::Debug => Some(Stage::Debug),
            State::Document => Some(Stage::Document),
            State::Initialize | State::Complete | State::Abandoned => None,
        }
    }

    /// The workflow once the work of its state came to this.
    ///
    /// What failed stays where it is, so that it can be tried again, but for a test: that goes on
    /// to debugging.
    #[must_use]
    pub fn after(&self, outcome: Outcome, now: Timestamp) -> Self {
        let mut next = self.clone();
        next.at = now;
        next.reason = None;
        next.checkpoint = None;
        if self.state.is_terminal() {
            return next;
        }
        if self.replanning.is_some() {
            // Revising belongs to carrying out: the state stays.
            next.failed = (outcome == Outcome::Failed).then_some(self.state);
            next.replanning = next.replanning.filter(|_| outcome == Outcome::Failed);
            return next;
        }
        match (self.state, outcome) {
            (State::Test, Outcome::Failed) if self.debug_rounds < DEBUG_ROUNDS_MAX => {
                next.state = State::Debug;
            }
            (State::Test, Outcome::Failed) => {
                next.state = State::Complete;
                next.ending = Some(Ending::TestsFailing);
            }
            (_, Outcome::Failed) => {
                next.failed = Some(self.state);
                return next;
            }
            (State::Debug, Outcome::Done) if self.scope != Scope::Debug => {
                next.debug_rounds += 1;
                next.state = State::Test;
            }
            (_, Outcome::Done) => next.state = self.behind(),
        }
        next.failed = None;
        if outcome == Outcome::Done {
            next.completed.push(self.state);
            if next.state == State::Complete {
                next.ending = Some(Ending::Done);
            }
        }
        next
    }

    /// The workflow once phases of the plan failed for good, each with how often it was tried.
    ///
    /// The plan is revised because of the first that failed often enough, but not for ever; then
    /// it stops with the reason.
    #[must_use]
    pub fn after_failed_phases(&self, failed: &[(String, u32)], now: Timestamp) -> Self {
        let mut next = self.after(Outcome::Failed, now);
        let mut often = failed.iter().filter(|(_, times)| *times >= PHASE_FAILURES);
        let Some((phase, _)) = often.next() else {
            return next;
        };
        if self.state != State::Implement || self.replanning.is_some() {
            return next;
        }
        let own = self.replans.get(phase).copied().unwrap_or(0);
        let all: u32 = self.replans.values().sum();
        if own >= REPLANS_MAX {
            let reason = format!("phase {phase} failed again after {own} revisions of the plan");
            next.reason = Some(reason);
        } else if all >= REPLANS_ALL_MAX {
            next.reason = Some(format!("the plan failed again after {all} revisions"));
        } else {
            next.failed = None;
            next.replans.insert(phase.clone(), own + 1);
            next.replanning = Some(phase.clone());
        }
        next
    }

    /// The same with the report of what led to it.
    #[must_use]
    pub fn reported(self, checkpoint: Checkpoint) -> Self {
        Self {
            checkpoint: Some(Box::new(checkpoint)),
            ..self
        }
    }

    /// The state behind this one in the scope.
    fn behind(&self) -> State {
        let mut states = self
            .scope
            .states()
            .iter()
            .skip_while(|state| **state != self.state);
        states.nth(1).copied().unwrap_or(State::Complete)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(scope: Scope, outcomes: &[Outcome]) -> String {
        let now = Timestamp::default();
        let mut workflow = Workflow::new(scope, now);
        let mut words = vec![workflow.state.word()];
        assert!(State::Initialize.may_become(workflow.state), "{scope:?}");
        for outcome in outcomes {
            let next = workflow.after(*outcome, now);
            let (from, to) = (workflow.state, next.state);
            assert!(from == to || from.may_become(to), "{from:?} → {to:?}");
            workflow = next;
            words.push(workflow.state.word());
        }
        let ending = workflow.ending.map_or("open", |ending| match ending {
            Ending::Done => "done",
            Ending::TestsFailing => "tests failing",
        });
        format!("{}: {ending}", words.join(" "))
    }

    #[test]
    fn each_scope_does_the_work_of_its_last_state() {
        use Outcome::Done;
        for (scope, expected) in [
            (Scope::Research, "research complete: done"),
            (Scope::Plan, "research plan complete: done"),
            (Scope::Revise, "research plan complete: done"),
            (Scope::Implement, "implement complete: done"),
            (Scope::Debug, "research plan debug complete: done"),
            (Scope::Test, "implement test document complete: done"),
            (
                Scope::Full,
                "research plan implement test document complete: done",
            ),
        ] {
            let count = scope.states().len();
            assert_eq!(walk(scope, &vec![Done; count]), expected);
        }
    }

    #[test]
    fn a_test_that_fails_is_debugged_twice_at_most() {
        use Outcome::{Done, Failed};
        assert_eq!(
            walk(Scope::Test, &[Done, Failed, Done, Done, Done]),
            "implement test debug test document complete: done"
        );
        assert_eq!(
            walk(Scope::Test, &[Done, Failed, Done, Failed, Done, Failed]),
            "implement test debug test debug test complete: tests failing"
        );
    }

    #[test]
    fn what_failed_is_tried_again_where_it_is() {
        use Outcome::{Done, Failed};
        assert_eq!(
            walk(Scope::Plan, &[Done, Failed, Done]),
            "research plan plan complete: done"
        );
        let over =
            Workflow::new(Scope::Research, Timestamp::default()).after(Done, Timestamp::default());
        assert_eq!(
            over.after(Failed, Timestamp::default()).state,
            State::Complete
        );
    }

    #[test]
    fn a_phase_that_fails_is_planned_again_twice_at_most() {
        let now = Timestamp::default();
        let told = |workflow: &Workflow| {
            let stage = workflow.stage().map_or("nothing", Stage::word);
            let reason = workflow.reason.as_deref().unwrap_or("-");
            format!("{stage} {:?} {reason}", workflow.failed)
        };
        let fails = |workflow: &Workflow, phase: &str, times| {
            workflow.after_failed_phases(&[(phase.to_owned(), times)], now)
        };
        let begun = Workflow::new(Scope::Implement, now);
        assert_eq!(told(&fails(&begun, "2", 1)), "implement Some(Implement) -");
        let mut workflow = begun;
        for _ in 0..REPLANS_MAX {
            workflow = fails(&workflow, "2", 3);
            assert_eq!(told(&workflow), "revise None -");
            // A revision that fails is tried again by the next call.
            let stopped = workflow.after(Outcome::Failed, now);
            assert_eq!(told(&stopped), "revise Some(Implement) -");
            workflow = workflow.after(Outcome::Done, now);
            assert_eq!(told(&workflow), "implement None -");
            assert_eq!(workflow.completed, []);
        }
        assert_eq!(
            told(&fails(&workflow, "2", 3)),
            "implement Some(Implement) phase 2 failed again after 2 revisions of the plan"
        );
        // Each other phase has its own turns, and all of them together have an end.
        let mut rounds = 0;
        loop {
            let again = fails(&workflow, &format!("other {rounds}"), 3);
            if again.replanning.is_none() {
                break;
            }
            workflow = again.after(Outcome::Done, now);
            rounds += 1;
            assert!(rounds < 100);
        }
        assert_eq!(workflow.replans.values().sum::<u32>(), REPLANS_ALL_MAX);
    }

    #[test]
    fn the_table_of_the_format() {
        let rows = State::ALL.map(|from| {
            let to = State::ALL.into_iter().filter(|to| from.may_become(*to));
            let to: Vec<&str> = to.map(State::word).collect();
            let to = if to.is_empty() { vec!["nothing"] } else { to };
            format!("{} → {}", from.word(), to.join(", "))
        });
        insta::assert_snapshot!(rows.join("\n"), @"
        initialize → research, implement, abandoned
        research → plan, complete, abandoned
        plan → implement, debug, complete, abandoned
        implement → test, complete, abandoned
        test → debug, document, complete, abandoned
        debug → test, document, complete, abandoned
        document → complete, abandoned
        complete → nothing
        abandoned → nothing
        ");
    }

    #[test]
    fn scopes_have_older_names_and_suggestions() {
        assert_eq!(Scope::read("full-implementation"), Some(Scope::Full));
        assert_eq!(Scope::read("full"), Some(Scope::Full));
        assert_eq!(Scope::read("everything"), None);
        assert_eq!(Scope::suggested("Compare the two parsers"), Scope::Research);
        assert_eq!(Scope::suggested("The banner is ugly"), Scope::Plan);
        assert_eq!(Scope::suggested("Add a flag"), Scope::Full);
    }
}
