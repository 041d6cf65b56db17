//! From a plan to what a run needs of it: the schedule, the prompts, the checks.

use std::collections::HashMap;
use std::time::Duration;

use airboss_core::artifact::{self, Due, Kind};
use airboss_core::config::GateWhen;
use airboss_core::dispatch::SpawnOrder;
use airboss_core::id::StepId;
use airboss_core::path::RepoPath;
use airboss_core::plan::Plan;
use airboss_core::prompt::{PromptParts, PromptStep};

use super::gates::Gate;

/// What prompts and evidence need to know of one step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepFacts {
    /// Its text.
    pub text: String,
    /// The lines below it.
    pub details: Vec<String>,
    /// The key of its phase.
    pub phase: String,
    /// Files that it has to produce.
    pub artifacts: Vec<Due>,
    /// Paths that the plan says it touches.
    pub declared: Vec<RepoPath>,
    /// Where its findings go.
    pub findings: RepoPath,
}

/// What prompts need to know of one phase.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PhaseFacts {
    /// Its title.
    pub title: String,
    /// Its objective.
    pub objective: Option<String>,
    /// What has to hold afterwards.
    pub criteria: Vec<String>,
}

/// What a run needs of its plan, apart from the schedule.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PlanFacts {
    /// The plan's title.
    pub title: String,
    /// Its name: the file name without `.md`.
    pub name: String,
    /// Its steps.
    pub steps: HashMap<StepId, StepFacts>,
    /// Its phases.
    pub phases: HashMap<String, PhaseFacts>,
}

/// The time of a criterion's command where nothing else is configured.
const CRITERION_TIMEOUT: Duration = Duration::from_secs(10 * 60);

impl PlanFacts {
    /// Reads them from a plan. `output` is the plan's output directory.
    #[must_use]
    pub fn new(plan: &Plan, name: &str, output: &RepoPath) -> Self {
        let mut facts = Self {
            title: plan.title.clone().unwrap_or_default(),
            name: name.to_owned(),
            ..Self::default()
        };
        for phase in &plan.phases {
            let criteria = phase
                .criteria
                .iter()
                .map(|criterion| criterion.text.clone())
                .collect();
            let known = PhaseFacts {
                title: phase.title.clone(),
                objective: phase.objective.clone(),
                criteria,
            };
            facts.phases.insert(phase.key.clone(), known);
            for step in &phase.steps {
                let mut declared: Vec<RepoPath> = step
                    .footprint
                    .iter()
                    .chain(&phase.files)
                    .filter_map(|path| RepoPath::new(path).ok())
                    .collect();
                let artifacts: Vec<Due> = artifact::declared(&step.text, &step.details)
                    .into_iter()
                    .map(|path| Due {
                        path,
                        kind: Kind::Any,
                    })
                    .collect();
                let findings = findings_path(output, &step.id);
                declared.extend(artifacts.iter().map(|due| due.path.clone()));
                declared.push(findings.clone());
                let known = StepFacts {
                    text: step.text.clone(),
                    details: step.details.clone(),
                    phase: phase.key.clone(),
                    artifacts,
                    declared,
                    findings,
                };
                facts.steps.insert(step.id.clone(), known);
            }
        }
        facts
    }

    /// The prompt for what the dispatcher ordered.
    #[must_use]
    pub fn prompt(
        &self,
        order: &SpawnOrder,
        top: &str,
        plan: &str,
        gates: &[String],
    ) -> PromptParts {
        let steps: Vec<PromptStep> = order
            .steps
            .iter()
            .filter_map(|id| Some((id, self.steps.get(id)?)))
            .map(|(id, facts)| PromptStep {
                id: id.to_string(),
                text: facts.text.clone(),
                details: facts.details.clone(),
                artifacts: facts
                    .artifacts
                    .iter()
                    .map(|due| due.path.to_string())
                    .collect(),
                findings: facts.findings.to_string(),
            })
            .collect();
        let key = order
            .steps
            .first()
            .and_then(|id| self.steps.get(id))
            .map(|facts| &facts.phase);
        let phase = key.and_then(|key| self.phases.get(key));
        PromptParts {
            working_directory: top.to_owned(),
            plan: plan.to_owned(),
            title: self.title.clone(),
            phase: match (key, phase) {
                (Some(key), Some(phase)) => format!("{key}: {}", phase.title),
                _ => String::new(),
            },
            objective: phase.and_then(|phase| phase.objective.clone()),
            steps,
            criteria: phase
                .map(|phase| phase.criteria.clone())
                .unwrap_or_default(),
            gates: gates.to_vec(),
            previous: order.previous.clone(),
            gate_output: order.gate_output.clone(),
            answer: order.answer.clone(),
        }
    }
}

/// `findings/1-1.md` in the plan's output directory: the id with dots as dashes.
#[must_use]
pub fn findings_path(output: &RepoPath, step: &StepId) -> RepoPath {
    let name: String = step
        .as_str()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '~' {
                c
            } else {
                '-'
            }
        })
        .collect();
    let text = format!("{output}/findings/{name}.md");
    // An output directory is a checked path and the name holds no separator.
    RepoPath::new(&text).unwrap_or_else(|_| output.clone())
}

/// The gates that the plan's own criteria ask for.
#[must_use]
pub fn criterion_gates(plan: &Plan) -> Vec<Gate> {
    let gate = |text: &str, command: &str, scope, phases| Gate {
        name: text.to_owned(),
        command: command.to_owned(),
        timeout: CRITERION_TIMEOUT,
        scope,
        phases,
        steps: Vec::new(),
        retry_on: Vec::new(),
    };
    let mut gates = Vec::new();
    for phase in &plan.phases {
        for criterion in &phase.criteria {
            if let Some(command) = &criterion.command {
                let phases = vec![phase.key.clone()];
                gates.push(gate(&criterion.text, command, GateWhen::Phase, phases));
            }
        }
    }
    for criterion in &plan.criteria {
        if let Some(command) = &criterion.command {
            gates.push(gate(&criterion.text, command, GateWhen::Plan, Vec::new()));
        }
    }
    gates
}
