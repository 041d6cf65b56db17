//! `airboss why`: why a step is where it is, from the store and nothing else.
//!
//! It uses the dispatcher's own `standings`, so that its words are those by which a run acts.

mod story;
mod tell;

use airboss_core::dispatch::{Flight, Standing, Unit, standings};
use airboss_core::exit::ExitCode;
use airboss_core::operation::PlanKey;
use airboss_core::plan::ScheduledStep;
use airboss_core::stage::Stage;
use airboss_core::time::Timestamp;
use airboss_core::view::View;
use airboss_engine::settings::{Places, Settings};
use airboss_engine::store::Store as _;
use airboss_engine::workspace::Workspace;

use self::story::Story;
pub(crate) use self::story::deferral as deferral_of;
use crate::command::run::prepare;
use crate::context::Context;
use crate::error::CliError;
use crate::lookup::{self, Named};
use crate::page;

/// Explain why a step is where it is: what it waits for, what was tried, on what evidence.
#[derive(clap::Args, Clone, Debug)]
pub struct WhyArguments {
    /// A step (`2.3`) or an attempt (`2.3#1`, or the beginning of its id).
    pub id: String,
}

/// Explains a step.
///
/// # Errors
/// When there is no store, or the id names nothing.
pub fn why(context: &Context, arguments: &WhyArguments) -> Result<ExitCode, CliError> {
    let (story, known) = story(context, &arguments.id)?;
    if context.json {
        let data = serde_json::to_value(&story).unwrap_or_default();
        context.printer.json(&data);
    } else {
        let text = tell::tell(&story, &known, page::width(), context.verbose);
        context.printer.data(&text);
    }
    Ok(ExitCode::Success)
}

/// What `airboss why` tells, with its colours, for a page of this width.
///
/// # Errors
/// As for [`why`].
#[cfg(feature = "tui")]
pub(crate) fn text(context: &Context, id: &str, width: usize) -> Result<String, CliError> {
    let (story, known) = story(context, id)?;
    Ok(tell::tell(&story, &known, width, true))
}

fn story(context: &Context, id: &str) -> Result<(Story, Knowledge), CliError> {
    let (workspace, store) = context.reader()?;
    let named = lookup::find(context, &workspace, &store, id)?;
    let plan = named.plan();
    let view = store
        .view(plan)?
        .ok_or_else(|| CliError::refused(format!("nothing is recorded of the plan {plan}")))?;
    let known = Knowledge::gather(&workspace, plan, view, store.now());
    let mut story = Story::of(&workspace, &store, &known, plan, named.step())?;
    if let Named::Attempt(_, _, attempt) = &named {
        story.attempts.retain(|told| told.id == *attempt);
        story.only = Some(*attempt);
    }
    Ok((story, known))
}

/// What is known of a plan: its state, and how its dispatcher looks at it.
pub(crate) struct Knowledge {
    /// The plan's state.
    pub(crate) view: View,
    /// How it would be flown, or why that cannot be told.
    pub(crate) flight: Result<Flight, String>,
    /// The standing of each of the flight's units.
    standings: Vec<Standing>,
    /// The instant of all this.
    pub(crate) now: Timestamp,
}

impl Knowledge {
    /// Reads plan and configuration; what cannot be read is told, not fatal.
    pub(crate) fn gather(
        workspace: &Workspace,
        plan: &PlanKey,
        view: View,
        now: Timestamp,
    ) -> Self {
        let flight = flight(workspace, plan, &view).map_err(|error| error.to_string());
        let standings = flight
            .as_ref()
            .map(|flight| standings(flight, &view, now))
            .unwrap_or_default();
        Self {
            view,
            flight,
            standings,
            now,
        }
    }

    /// Where the dispatcher sees a step; `None` when the plan file does not have it.
    pub(crate) fn standing(&self, id: &airboss_core::id::StepId) -> Option<&Standing> {
        let units = &self.flight.as_ref().ok()?.units;
        let place = units.iter().position(|unit| unit.step.id == *id)?;
        self.standings.get(place)
    }
}

fn flight(workspace: &Workspace, plan: &PlanKey, view: &View) -> Result<Flight, CliError> {
    let places = Places::new(&workspace.top, Some(&workspace.state));
    let settings = Settings::load(&places, &[])?;
    let path = workspace.top.join(plan.path().as_str());
    if path.exists() {
        let file = workspace.read_plan(&path)?;
        return prepare::flight(&file, &settings.config, false);
    }
    // The phases of a plan, as `implement` flies them.
    let of_phases = workspace.top.join(format!("{plan}.md"));
    if of_phases.exists() {
        let mut file = workspace.read_plan(&of_phases)?;
        file.plan = file.plan.by_phase();
        return prepare::flight(&file, &settings.config, false);
    }
    let name = plan.path().file_name();
    if !Stage::ALL.iter().any(|stage| stage.word() == name) {
        return Err(CliError::refused(format!("the plan file {plan} is gone")));
    }
    // Any other stage of a task is what was stored of it.
    let steps = view.steps.iter().filter(|step| !step.state.vanished);
    let units = steps.map(|step| Unit {
        step: ScheduledStep::of_no_plan(step.record.id.clone(), name, true, Vec::new()),
        waits_for: step.record.dependencies.clone(),
        after_phases: Vec::new(),
    });
    Ok(Flight {
        units: units.collect(),
        policy: prepare::policy(&settings.config),
    })
}

/// The sequence in which a story asks about other steps ends here, whatever the plan says.
const CHAIN_MAX: usize = 32;

/// The limit of retries that the configuration sets, when it can be read.
pub(crate) fn retries_max(store: &Knowledge) -> Option<u32> {
    let flight = store.flight.as_ref().ok()?;
    Some(flight.policy.rules.retries_max)
}

/// The steps that hold a step back, each with the reason, down to those that can be acted on.
fn roots(
    known: &Knowledge,
    standing: Option<&Standing>,
    seen: &mut Vec<airboss_core::id::StepId>,
) -> Vec<story::Neighbour> {
    let ids = match standing {
        Some(Standing::WaitsFor(ids) | Standing::Blocked(ids)) => ids.as_slice(),
        _ => &[],
    };
    let mut found = Vec::new();
    for id in ids {
        if seen.contains(id) || seen.len() >= CHAIN_MAX {
            continue;
        }
        seen.push(id.clone());
        let theirs = known.standing(id);
        found.extend(story::Neighbour::of(known, id, theirs));
        if matches!(theirs, Some(Standing::Blocked(_))) {
            found.extend(roots(known, theirs, seen));
        }
    }
    found
}
