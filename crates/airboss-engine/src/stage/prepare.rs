//! From a task and a stage to what is flown: units, their artifacts, their prompts.

use std::collections::HashMap;

use airboss_core::artifact::Due;
use airboss_core::board::ready::{Wait, waits_of};
use airboss_core::board::{Board, Task, command};
use airboss_core::dispatch;
use airboss_core::id::StepId;
use airboss_core::operation::{Operation, PlanKey, StepRecord};
use airboss_core::path::{RepoPath, RepoPathError};
use airboss_core::plan::{Phase, PhaseStatus, Plan, ScheduledStep, Severity, schedule};
use airboss_core::stage::prompt::{Parts, Template, built_in};
use airboss_core::stage::work::{self, Unit};
use airboss_core::stage::{PlanAtHand, Stage};
use airboss_core::view::View;

use super::paths::Paths;
use super::{Request, StageError};
use crate::board::{BoardError, Desk};
use crate::clock;
use crate::registry::{apply_unstored, preview, register, settled_phases};
use crate::run::Brief;
use crate::run::flight::{PhaseFacts, PlanFacts, StepFacts, findings_path};
use crate::store::{Commit, Committed, Store};
use crate::workspace::PlanFile;

/// A stage that can be flown.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The task as it is.
    pub task: Task,
    /// What it waits for.
    pub waits: Vec<Wait>,
    /// The log of the flight.
    pub key: PlanKey,
    /// What it is called: `task 58 research`.
    pub name: String,
    /// The directory of the task, from the top of the work tree.
    pub directory: RepoPath,
    /// What the dispatcher looks at.
    pub units: Vec<dispatch::Unit>,
    /// What prompts and evidence need.
    pub facts: PlanFacts,
    /// How agents are told.
    pub brief: Brief,
    /// The plan that is carried out, as its file is.
    pub plan: Option<PlanFile>,
    /// Where the current plan of the task should be, when it is not there.
    plan_gone: Option<String>,
    /// The current plan, as the work tree names it.
    plan_path: Option<RepoPath>,
}

impl Prepared {
    /// The task's current plan.
    #[must_use]
    pub fn plan_at_hand(&self) -> PlanAtHand<'_> {
        match (&self.plan_path, &self.plan_gone) {
            (Some(_), _) => PlanAtHand::There,
            (None, Some(path)) => PlanAtHand::Gone(path),
            (None, None) => PlanAtHand::None,
        }
    }

    /// The phases of the plan that is carried out, as its file has them.
    #[must_use]
    pub fn phases(&self) -> Vec<(String, PhaseStatus)> {
        let phases = self.plan.iter().flat_map(|file| &file.plan.phases);
        phases
            .map(|phase| (phase.key.clone(), phase.status))
            .collect()
    }

    /// The artifacts that are due, unit by unit.
    pub fn due(&self) -> impl Iterator<Item = (&StepId, &Due)> {
        let units = self.units.iter().filter_map(|unit| {
            let facts = self.facts.steps.get(&unit.step.id)?;
            Some((&unit.step.id, facts))
        });
        units.flat_map(|(id, facts)| facts.artifacts.iter().map(move |due| (id, due)))
    }

    /// What is flown, as far as it is known: a step that is settled is not sent again.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn view(&self, store: &dyn Store) -> Result<View, StageError> {
        let known = store.view(&self.key)?;
        let Some(file) = &self.plan else {
            return Ok(known.unwrap_or_default());
        };
        let mut view = known.unwrap_or_else(|| preview(file, None, store.now()));
        let settled = self.settled(file, &view);
        apply_unstored(&mut view, &self.key, settled, store.now());
        Ok(view)
    }

    /// The steps of phases that the task has as settled, and the flight does not: somebody marked
    /// them since. What only the file says counts no more once the plan is known, because agents
    /// have the file in their hands.
    fn settled(&self, file: &PlanFile, view: &View) -> Vec<Operation> {
        let phase = |phase: &Phase| self.task.phase(&phase.key, PhaseStatus::NotStarted);
        let mut settled = settled_phases(&file.plan, phase);
        settled.retain(|operation| {
            let steps = operation.steps().iter();
            let mut known = steps.filter_map(|step| view.step(step));
            known.any(|step| !step.state.status.is_settled())
        });
        settled
    }

    /// Makes the flight known to the store; what is verified stays so.
    ///
    /// # Errors
    /// When the store fails.
    pub fn register(&self, store: &mut dyn Store) -> Result<(), StageError> {
        if let Some(file) = &self.plan {
            register(store, file)?;
            let settled = match store.view(&self.key)? {
                Some(view) => self.settled(file, &view),
                None => Vec::new(),
            };
            if !settled.is_empty() {
                store.commit(&Commit::new(self.key.clone(), settled))?;
            }
            return Ok(());
        }
        let steps: Vec<StepRecord> = self
            .units
            .iter()
            .map(|unit| StepRecord {
                id: unit.step.id.clone(),
                phase: unit.step.phase.clone(),
                phase_title: self.name.clone(),
                description: self.facts.steps[&unit.step.id].text.clone(),
                dependencies: unit.waits_for.clone(),
            })
            .collect();
        let ids: Vec<&str> = steps.iter().map(|step| step.id.as_str()).collect();
        let hash = ids.join(" ");
        if store.view(&self.key)?.is_some_and(|view| view.hash == hash) {
            return Ok(());
        }
        let registered = Operation::PlanRegistered {
            name: self.name.clone(),
            hash,
            steps,
            renamed: Vec::new(),
        };
        match store.commit(&Commit::new(self.key.clone(), vec![registered]))? {
            Committed::Applied { .. } | Committed::Duplicate { .. } => Ok(()),
            Committed::Conflict | Committed::Fenced { .. } => {
                Err(StageError::Store(crate::store::StoreError::Bug {
                    message: format!("{} could not be registered", self.key),
                }))
            }
        }
    }
}

/// Looks at the task and chooses what is made where. Nothing is written.
///
/// `template` is the project's own, with the path of its file.
///
/// # Errors
/// When the task is not there, its plan cannot be carried out, or the template is none.
pub fn prepare(
    desk: &Desk,
    request: &Request,
    template: Option<(&str, &str)>,
) -> Result<Prepared, StageError> {
    let board = desk.view()?;
    let task = board.find(request.number);
    let task = task
        .ok_or_else(|| BoardError::Refused(Box::new(command::Refusal::NoTask(request.number))))?;
    let places = &desk.places;
    let paths = Paths::of(places, &board, task)?;
    let plan_path = places.plan(task);
    let blank = Prepared {
        waits: waits_of(&board, task),
        key: PlanKey::new(RepoPath::new(&format!(
            "{}/{}",
            paths.root()?,
            request.stage
        ))?),
        name: format!("task {} {}", request.number, request.stage),
        directory: paths.root()?,
        units: Vec::new(),
        facts: PlanFacts::default(),
        brief: Brief::Steps,
        plan: None,
        plan_gone: task.plan.clone().filter(|_| plan_path.is_none()),
        plan_path,
        task: task.clone(),
    };
    match request.stage {
        Stage::Implement => implement(desk, blank),
        _ => {
            let template = read_template(request.stage, template)?;
            made(desk, request, &board, &paths, blank, template)
        }
    }
}

fn read_template(stage: Stage, own: Option<(&str, &str)>) -> Result<Template, StageError> {
    let (path, text) = own.unwrap_or(("", built_in(stage).unwrap_or_default()));
    Template::parse(text).map_err(|error| StageError::Template {
        path: path.to_owned(),
        error,
    })
}

/// A stage whose units each make a file.
fn made(
    desk: &Desk,
    request: &Request,
    board: &Board,
    paths: &Paths<'_>,
    mut prepared: Prepared,
    template: Template,
) -> Result<Prepared, StageError> {
    let begun = match request.resume {
        true => begun(&desk.store, &prepared)?,
        false => Vec::new(),
    };
    let units = units(request, paths, begun)?;
    let inputs = inputs(desk, board, &prepared, request.stage);
    let mut parts = HashMap::new();
    let several = units.len() > 1;
    let reports: Vec<String> = units
        .iter()
        .filter(|unit| unit.waits_for.is_empty())
        .flat_map(|unit| &unit.due)
        .map(|due| due.path.to_string())
        .collect();
    for unit in &units {
        let artifact = unit.due.first().map(|due| due.path.to_string());
        parts.insert(
            unit.id.clone(),
            Parts {
                task: request.number,
                title: prepared.task.title.clone(),
                description: prepared.task.description.clone(),
                request: request.words.clone(),
                directory: desk.workspace.top.display().to_string(),
                aspect: several.then(|| unit.text.clone()),
                inputs: match unit.waits_for.is_empty() {
                    true => inputs.clone(),
                    false => reports.clone(),
                },
                plan: prepared.plan_path.as_ref().map(ToString::to_string),
                artifact: artifact.unwrap_or_default(),
                gate_output: failure(&prepared.task, request.stage),
                ..Parts::default()
            },
        );
    }
    prepared.facts = facts(&prepared, &units);
    prepared.units = units
        .iter()
        .map(|unit| scheduled(unit, request.stage))
        .collect();
    prepared.brief = Brief::Stage { template, parts };
    Ok(prepared)
}

/// What the stage has to make; `begun` are the artifacts of a flight that goes on.
fn units(
    request: &Request,
    paths: &Paths<'_>,
    begun: Vec<RepoPath>,
) -> Result<Vec<Unit>, RepoPathError> {
    let known = begun.first().cloned();
    let or = |chosen: Result<RepoPath, RepoPathError>| known.clone().map_or(chosen, Ok);
    Ok(match request.stage {
        Stage::Research if begun.is_empty() => {
            let reports = paths.reports(request.topics)?;
            let overview = (request.topics > 1).then(|| paths.overview()).transpose()?;
            work::research(&reports, overview.as_ref())
        }
        Stage::Research => {
            let (overviews, reports): (Vec<_>, Vec<_>) = begun
                .into_iter()
                .partition(|path| path.file_name().starts_with("OVERVIEW"));
            work::research(&reports, overviews.first())
        }
        Stage::Debug => work::debug(&or(paths.debug())?),
        Stage::Document => work::document(&or(paths.documentation(&today()))?),
        Stage::Plan | Stage::Revise | Stage::Implement | Stage::Test => {
            work::plan(&or(paths.plan())?)
        }
    })
}

/// `20260302`.
pub(super) fn today() -> String {
    clock::now().day_text().replace('-', "")
}

/// The artifacts of a flight that was begun and not finished.
fn begun(store: &dyn Store, prepared: &Prepared) -> Result<Vec<RepoPath>, StageError> {
    let Some(view) = store.view(&prepared.key)? else {
        return Ok(Vec::new());
    };
    let steps = view.steps.iter().filter(|step| !step.state.vanished);
    let is_open = steps.clone().any(|step| !step.state.status.is_settled());
    if !is_open {
        return Ok(Vec::new());
    }
    let folder = match prepared.key.path().file_name() {
        "research" => "reports",
        "debug" => "debug",
        "document" => "summaries",
        _ => "plans",
    };
    let directory = &prepared.directory;
    let paths =
        steps.map(|step| RepoPath::new(&format!("{directory}/{folder}/{}.md", step.record.id)));
    Ok(paths.collect::<Result<_, _>>()?)
}

/// What the agents read first: the reports, and what was written since the plan.
fn inputs(desk: &Desk, board: &Board, prepared: &Prepared, stage: Stage) -> Vec<String> {
    let task = &prepared.task;
    let is_wanted = |kind: &str| match stage {
        Stage::Research => kind == "research",
        _ => kind == "research" || kind == "debug",
    };
    let own = task
        .artifacts
        .iter()
        .filter(|artifact| is_wanted(&artifact.kind));
    let own = own.filter_map(|artifact| desk.places.resolve(task, &artifact.path));
    let mut inputs: Vec<String> = own.map(|path| path.to_string()).collect();
    // What was done for the tasks before it.
    for number in &task.dependencies.numbers {
        let Some(other) = board.find(*number) else {
            continue;
        };
        let summaries = other.artifacts.iter().rev();
        let mut summaries = summaries.filter(|artifact| artifact.kind == "summary");
        let summary = summaries.find_map(|artifact| desk.places.resolve(other, &artifact.path));
        inputs.extend(summary.map(|path| path.to_string()));
    }
    inputs
}

/// What the checks said when they were run last, for who looks for the cause.
fn failure(task: &Task, stage: Stage) -> Option<String> {
    let checked = task.checked.as_ref().filter(|_| stage == Stage::Debug)?;
    checked.failure.clone()
}

fn facts(prepared: &Prepared, units: &[Unit]) -> PlanFacts {
    let phase = prepared.key.path().file_name().to_owned();
    let steps = units.iter().map(|unit| {
        let findings = findings_path(&prepared.directory, &unit.id);
        let mut declared: Vec<RepoPath> = unit.due.iter().map(|due| due.path.clone()).collect();
        declared.push(findings.clone());
        let facts = StepFacts {
            text: unit.text.clone(),
            details: Vec::new(),
            phase: phase.clone(),
            artifacts: unit.due.clone(),
            declared,
            findings,
        };
        (unit.id.clone(), facts)
    });
    PlanFacts {
        title: prepared.task.title.clone(),
        name: prepared.name.clone(),
        steps: steps.collect(),
        phases: HashMap::from([(
            phase.clone(),
            PhaseFacts {
                title: prepared.name.clone(),
                objective: None,
                criteria: Vec::new(),
            },
        )]),
    }
}

fn scheduled(unit: &Unit, stage: Stage) -> dispatch::Unit {
    let paths = unit.due.iter().map(|due| due.path.to_string()).collect();
    dispatch::Unit {
        step: ScheduledStep::of_no_plan(unit.id.clone(), stage.word(), unit.parallel, paths),
        waits_for: unit.waits_for.clone(),
        after_phases: Vec::new(),
    }
}

/// The stage that carries the plan out: a unit for each phase.
fn implement(desk: &Desk, mut prepared: Prepared) -> Result<Prepared, StageError> {
    let Some(path) = prepared.plan_path.clone() else {
        // Who enters the stage is told so in its own words.
        return Ok(prepared);
    };
    let bytes = fs_err::read(desk.workspace.top.join(&path))?;
    let plan = Plan::parse(&bytes).by_phase();
    let errors = plan
        .problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error);
    let mut problems: Vec<String> = errors.map(|problem| problem.message.clone()).collect();
    let schedule = match schedule(&plan, false) {
        Ok(schedule) => schedule,
        Err(found) => {
            problems.extend(found.into_iter().map(|problem| problem.message));
            problems.dedup();
            return Err(StageError::Plan { path, problems });
        }
    };
    if !problems.is_empty() {
        return Err(StageError::Plan { path, problems });
    }
    let stem = path.as_str().strip_suffix(".md").unwrap_or(path.as_str());
    prepared.key = PlanKey::new(RepoPath::new(stem)?);
    prepared.facts = PlanFacts::new(&plan, &prepared.name, &prepared.directory);
    prepared.units = dispatch::Unit::all(&schedule);
    prepared.plan = Some(PlanFile {
        key: prepared.key.clone(),
        name: prepared.name.clone(),
        path: desk.workspace.top.join(&path),
        bytes,
        plan,
    });
    Ok(prepared)
}
