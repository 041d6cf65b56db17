//! What the rows of the panels are: how many, which is where, and what is searched in them.

use airboss_core::board::error::ErrorEntry;
use airboss_core::board::{Class, Place, Task};
use airboss_core::id::{AttemptId, StepId};
use airboss_core::operation::PlanKey;
use airboss_core::scene::{Deed, Need, PhaseScene, PlanScene, Stand};
use airboss_core::step::Step;
use airboss_core::time::Timestamp;
use airboss_core::verdict::Verdict;
use airboss_core::view::Run;

use super::target::Target;
use super::views::View;
use super::{App, Panel};

/// A row of the plan.
#[derive(Clone, Copy, Debug)]
pub enum PlanRow<'app> {
    /// A phase, its place, and whether its steps follow.
    Phase(usize, &'app PhaseScene, bool),
    /// A step.
    Step(&'app Step, Stand),
}

/// An attempt on the timeline.
#[derive(Clone, PartialEq, Debug)]
pub struct Bar {
    /// The plan.
    pub plan: PlanKey,
    /// Its step.
    pub step: StepId,
    /// The attempt.
    pub attempt: AttemptId,
    /// Which of its step.
    pub number: Option<u32>,
    /// When it began.
    pub from: Timestamp,
    /// When it was judged; `None`: it is in progress.
    pub to: Option<(Timestamp, Verdict)>,
}

impl App {
    /// How many rows a panel has.
    #[must_use]
    pub fn length(&self, panel: Panel) -> usize {
        match panel {
            Panel::Progress => self.plan_length(false),
            Panel::Flying => self.scene.in_progress().len(),
            Panel::Activity => self.scene.activity().len(),
            Panel::Landed => self
                .scene
                .plans()
                .map(|plan| plan.log().landings().len())
                .sum(),
            Panel::Needs => self.needs().count(),
            Panel::Errors => self.errors().count(),
        }
    }

    /// How many rows the detail view has that is seen.
    pub(super) fn view_length(&self) -> usize {
        match self.views.last() {
            None => 0,
            Some(View::Text(view)) => view.wrapped.len(),
            Some(View::Transcript(view)) => view.shown(),
            Some(View::Log(view)) => view.rows.len(),
            Some(View::Tree(_)) => self.plan_length(true),
            Some(View::Runs(_)) => self.runs().count(),
            Some(View::Timeline(_)) => self.bars().len(),
            Some(View::Tasks(_)) => self.tasks().count(),
        }
    }

    pub(super) fn landed_ever(&self) -> u64 {
        let plans = self.scene.plans().map(|plan| plan.log().landings());
        plans.map(|it| it.left_out() + it.len() as u64).sum()
    }

    /// What needs a person, without the recorded errors, which have a panel of their own.
    pub fn needs(&self) -> impl Iterator<Item = &Need> {
        let shown = self.needs.shown.iter();
        shown.filter(|need| !matches!(need, Need::Error { .. }))
    }

    /// Recorded errors, the newest first.
    pub fn errors(&self) -> impl Iterator<Item = &ErrorEntry> {
        self.scene
            .boards()
            .flat_map(|board| board.errors().iter().rev())
    }

    /// The runs of all plans that are shown, each plan's newest first.
    pub fn runs(&self) -> impl Iterator<Item = (&PlanScene, &Run)> {
        let plans = self.scene.plans();
        plans.flat_map(|plan| plan.view().runs.iter().rev().map(move |run| (plan, run)))
    }

    /// The tasks of the boards that are not done, then the rest.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        let tasks = || {
            let boards = self.scene.boards();
            boards.flat_map(|board| board.board().tasks.values())
        };
        let active = |task: &&Task| task.place == Place::Active;
        tasks()
            .filter(active)
            .filter(|task| task.status.class() != Class::Terminal)
            .chain(
                tasks()
                    .filter(active)
                    .filter(|task| task.status.class() == Class::Terminal),
            )
    }

    /// The attempts of the plan that is shown, by their beginning.
    #[must_use]
    pub fn bars(&self) -> Vec<Bar> {
        let Some(plan) = self.plan() else {
            return Vec::new();
        };
        let landed = plan.log().landings().iter().map(|landing| Bar {
            plan: landing.plan.clone(),
            step: landing.step.clone(),
            attempt: landing.attempt,
            number: landing.number,
            from: Timestamp::from_millis(
                landing.at.as_millis()
                    - i64::try_from(landing.duration.unwrap_or_default().as_millis()).unwrap_or(0),
            ),
            to: Some((landing.at, landing.verdict)),
        });
        let flying = self
            .scene
            .in_progress()
            .filter(|it| it.plan() == plan.key());
        let flying = flying.filter_map(|flying| {
            Some(Bar {
                plan: flying.plan().clone(),
                step: flying.step()?.clone(),
                attempt: flying.attempt().id,
                number: Some(flying.attempt().number),
                from: flying.began(),
                to: None,
            })
        });
        let mut bars: Vec<Bar> = landed.chain(flying).collect();
        bars.sort_by_key(|bar| bar.from);
        bars
    }

    fn is_open(&self, plan: &PlanScene, phase: &PhaseScene, current: Option<&str>) -> bool {
        let by_hand = self.folds.get(&(plan.key().clone(), phase.key.clone()));
        by_hand
            .copied()
            .unwrap_or(current == Some(phase.key.as_str()))
    }

    /// Each phase, its first row, and whether its steps follow.
    fn phases(&self, all: bool) -> impl Iterator<Item = (usize, usize, &PhaseScene, bool)> {
        let plan = self.plan();
        let current = plan
            .and_then(PlanScene::current_phase)
            .map(|phase| phase.key.as_str());
        let mut row = 0;
        let phases = plan.into_iter().flat_map(|plan| {
            let phases = plan.phases().iter().enumerate();
            phases.map(move |(place, phase)| (plan, place, phase))
        });
        phases.map(move |(plan, place, phase)| {
            let open = all || self.is_open(plan, phase, current);
            let first = row;
            row += 1 + if open { phase.tally.total() } else { 0 };
            (first, place, phase, open)
        })
    }

    fn plan_length(&self, all: bool) -> usize {
        let steps = |(_, _, phase, open): (usize, usize, &PhaseScene, bool)| {
            1 + if open { phase.tally.total() } else { 0 }
        };
        self.phases(all).map(steps).sum()
    }

    /// Some rows of the plan; with `all` every phase is open.
    #[must_use]
    pub fn plan_rows(&self, all: bool, top: usize, count: usize) -> Vec<PlanRow<'_>> {
        let Some(plan) = self.plan() else {
            return Vec::new();
        };
        let mut rows = Vec::with_capacity(count.min(1 << 10));
        for (first, place, phase, open) in self.phases(all) {
            let length = 1 + if open { phase.tally.total() } else { 0 };
            if first + length <= top {
                continue;
            }
            if rows.len() >= count {
                break;
            }
            if first >= top {
                rows.push(PlanRow::Phase(place, phase, open));
            }
            if open {
                let skipped = top.saturating_sub(first + 1);
                let steps = plan.steps(phase).skip(skipped).take(count - rows.len());
                rows.extend(steps.map(|(step, stand)| PlanRow::Step(step, stand)));
            }
        }
        rows
    }

    fn row_target(&self, all: bool, row: usize) -> Option<Target> {
        let plan = self.plan()?;
        Some(match self.plan_rows(all, row, 1).first()? {
            PlanRow::Phase(place, ..) => Target::Phase(*place),
            PlanRow::Step(step, _) => Target::Step(plan.key().clone(), step.record.id.clone()),
        })
    }

    pub(super) fn progress_target(&self, row: usize) -> Option<Target> {
        self.row_target(false, row)
    }

    pub(super) fn tree_target(&self, row: usize) -> Option<Target> {
        self.row_target(true, row)
    }

    /// Opens or closes a phase; `None`: the other way than now.
    pub(super) fn fold(&mut self, place: usize, open: Option<bool>) {
        let Some(plan) = self.plan() else { return };
        let Some(phase) = plan.phases().get(place) else {
            return;
        };
        let current = plan.current_phase().map(|phase| phase.key.as_str());
        let open = open.unwrap_or(!self.is_open(plan, phase, current));
        let key = (plan.key().clone(), phase.key.clone());
        self.folds.insert(key, open);
    }

    /// The row of a phase of the progress panel, and of the phase that a row belongs to.
    pub(super) fn phase_row(&self, row: usize) -> Option<(usize, usize)> {
        let before = self.phases(false).take_while(|(first, ..)| *first <= row);
        before.last().map(|(first, place, ..)| (first, place))
    }

    /// The row of a phase in the progress panel.
    pub(super) fn row_of_phase(&self, place: usize) -> Option<usize> {
        let mut phases = self.phases(false);
        phases
            .find(|(_, at, ..)| *at == place)
            .map(|(first, ..)| first)
    }

    /// What is searched in a row of a panel.
    #[must_use]
    pub fn row_text(&self, panel: Panel, row: usize) -> String {
        match panel {
            Panel::Progress => self.plan_text(false, row),
            Panel::Flying => {
                let flying = self.scene.in_progress().nth(row);
                flying.map_or_else(String::new, |it| {
                    let step = it.step().map_or("", StepId::as_str);
                    let tool = it.tool().map_or_else(String::new, |(tool, _)| tool);
                    let (liveness, _) = it.liveness(self.now);
                    let attempt = it.attempt();
                    format!(
                        "{step} {} {} {tool} {}",
                        attempt.agent,
                        liveness.word(),
                        it.text()
                    )
                })
            }
            Panel::Activity => {
                let act = self.scene.activity().iter().rev().nth(row);
                act.map_or_else(String::new, |act| {
                    format!("{} {}", act.step, deed_text(&act.deed))
                })
            }
            Panel::Landed => {
                let landings = self.scene.landings(row + 1);
                landings.get(row).map_or_else(String::new, |it| {
                    format!("{} {} {}", it.step, it.verdict.word(), it.reason)
                })
            }
            Panel::Needs => {
                let need = self.needs().nth(row);
                need.map_or_else(String::new, |need| format!("{need:?}"))
            }
            Panel::Errors => {
                let error = self.errors().nth(row);
                error.map_or_else(String::new, |it| format!("{} {}", it.code, it.message))
            }
        }
    }

    pub(super) fn plan_text(&self, all: bool, row: usize) -> String {
        match self.plan_rows(all, row, 1).first() {
            Some(PlanRow::Phase(_, phase, _)) => format!("{} {}", phase.key, phase.title),
            Some(PlanRow::Step(step, stand)) => {
                format!(
                    "{} {} {}",
                    step.record.id,
                    step.record.description,
                    stand.word()
                )
            }
            None => String::new(),
        }
    }
}

/// The words of what an agent did.
#[must_use]
pub fn deed_text(deed: &Deed) -> &str {
    match deed {
        Deed::ToolStarted { tool } | Deed::ToolEnded { tool, .. } => tool,
        Deed::Said { text }
        | Deed::Claimed { text, .. }
        | Deed::Asked { text }
        | Deed::Retried { text }
        | Deed::Limited { text }
        | Deed::Warned { text }
        | Deed::Ended { text, .. } => text,
    }
}
