//! What is selected, and what of it a command is about.

use airboss_core::id::{AttemptId, OperationId, StepId};
use airboss_core::operation::PlanKey;
use airboss_core::scene::{Need, Stand};

use super::views::View;
use super::{App, Panel};

/// What a selected row is.
#[derive(Clone, PartialEq, Debug)]
pub enum Target {
    /// A phase, by its place.
    Phase(usize),
    /// A step.
    Step(PlanKey, StepId),
    /// An attempt.
    Attempt(PlanKey, StepId, AttemptId),
    /// Something that needs a person.
    Need(Box<Need>),
    /// A recorded error.
    Error(String),
    /// An operation, and with what it is taken back.
    Operation(u64, Option<OperationId>),
    /// A task.
    Task(u32),
    /// A plan, by one of its runs.
    Plan(PlanKey),
}

impl App {
    /// What is selected.
    #[must_use]
    pub fn target(&self) -> Option<Target> {
        match self.views.last() {
            None => self.panel_target(self.focus),
            Some(View::Text(view)) => view.about.clone(),
            Some(View::Transcript(view)) => Some(Target::Attempt(
                view.plan.clone(),
                view.step.clone(),
                view.attempt,
            )),
            Some(View::Log(view)) => {
                let row = view.rows.get(view.list.cursor)?;
                Some(Target::Operation(row.sequence, row.undo))
            }
            Some(View::Tree(list)) => self.tree_target(list.cursor),
            Some(View::Timeline(list)) => {
                let bars = self.bars();
                let bar = bars.get(list.cursor)?;
                Some(Target::Attempt(
                    bar.plan.clone(),
                    bar.step.clone(),
                    bar.attempt,
                ))
            }
            Some(View::Runs(list)) => {
                let (plan, _) = self.runs().nth(list.cursor)?;
                Some(Target::Plan(plan.key().clone()))
            }
            Some(View::Tasks(list)) => {
                let task = self.tasks().nth(list.cursor)?;
                Some(Target::Task(task.number))
            }
        }
    }

    fn panel_target(&self, panel: Panel) -> Option<Target> {
        let cursor = self.list(panel).cursor;
        match panel {
            Panel::Progress => self.progress_target(cursor),
            Panel::Flying => {
                let flying = self.scene.in_progress().nth(cursor)?;
                Some(Target::Attempt(
                    flying.plan().clone(),
                    flying.step()?.clone(),
                    flying.attempt().id,
                ))
            }
            Panel::Activity => {
                let act = self.scene.activity().iter().rev().nth(cursor)?;
                Some(Target::Attempt(
                    act.plan.clone(),
                    act.step.clone(),
                    act.attempt,
                ))
            }
            Panel::Landed => {
                let landing = *self.scene.landings(cursor + 1).last()?;
                Some(Target::Attempt(
                    landing.plan.clone(),
                    landing.step.clone(),
                    landing.attempt,
                ))
            }
            Panel::Needs => self
                .needs()
                .nth(cursor)
                .map(|need| Target::Need(Box::new(need.clone()))),
            Panel::Errors => {
                let error = self.errors().nth(cursor)?;
                Some(Target::Error(error.id.clone()))
            }
        }
    }

    /// The step that is meant by what is selected.
    #[must_use]
    pub fn step_of(&self, target: &Target) -> Option<(PlanKey, StepId)> {
        match target {
            Target::Step(plan, step) | Target::Attempt(plan, step, _) => {
                Some((plan.clone(), step.clone()))
            }
            Target::Need(need) => match &**need {
                Need::Question { plan, step, .. } | Need::Failed { plan, step, .. } => {
                    Some((plan.clone(), step.clone()))
                }
                Need::Permission { attempt, .. } => {
                    let flying = self.scene.flying(*attempt)?;
                    Some((flying.plan().clone(), flying.step()?.clone()))
                }
                Need::Limited { plan, .. } => {
                    let plan = self.scene.plan(plan)?;
                    let mut limited = plan.notable().filter(|(_, it)| *it == Stand::Limited);
                    limited
                        .next()
                        .map(|(step, _)| (plan.key().clone(), step.record.id.clone()))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The attempt that is meant: the one that is selected, else the one in progress at the step,
    /// else its newest.
    #[must_use]
    pub fn attempt_of(&self, target: &Target) -> Option<(PlanKey, StepId, AttemptId)> {
        if let Target::Attempt(plan, step, attempt) = target {
            return Some((plan.clone(), step.clone(), *attempt));
        }
        let (plan, step) = self.step_of(target)?;
        let mut flying = self.scene.in_progress();
        let own = flying.find(|it| *it.plan() == plan && it.attempt().steps.contains(&step));
        let attempt = match own {
            Some(flying) => flying.attempt().id,
            None => {
                let (known, _) = self.scene.plan(&plan)?.step(&step)?;
                known.state.last_attempt.or(known.state.attempt)?
            }
        };
        Some((plan, step, attempt))
    }

    /// How an attempt is called: `2.3#1`.
    #[must_use]
    pub fn attempt_name(&self, step: &StepId, attempt: AttemptId) -> String {
        if let Some(flying) = self.scene.flying(attempt) {
            return format!("{step}#{}", flying.attempt().number);
        }
        let landings = self.scene.landings(usize::MAX);
        let landing = landings
            .iter()
            .find(|it| it.attempt == attempt && it.step == *step);
        match landing.and_then(|landing| landing.number) {
            Some(number) => format!("{step}#{number}"),
            None => step.to_string(),
        }
    }
}
