//! The chart of a plan.

use std::collections::{BTreeSet, HashMap};

use super::{Chart, Node};
use crate::account::shown;
use crate::dispatch::Unit;
use crate::plan::{Needs, Phase, Plan, Reference, schedule};
use crate::scene::{PlanScene, Stand};
use crate::status_file::phase_text;

/// Nodes and edges under construction.
struct Draft<'p> {
    plan: &'p Plan,
    nodes: Vec<Node>,
    edges: Vec<(usize, usize)>,
    steps: HashMap<&'p str, usize>,
    /// The nodes of each phase's steps.
    members: Vec<Vec<usize>>,
    /// The node that stands for a phase, where one was needed.
    phases: Vec<Option<usize>>,
}

impl Chart {
    /// The steps of a plan. `known` is what is stored of it, if anything is.
    #[must_use]
    pub fn of_plan(title: &str, plan: &Plan, known: Option<&PlanScene>) -> Self {
        let mut draft = Draft::new(plan, known);
        match schedule(plan, false) {
            Ok(schedule) => draft.resolved(&Unit::all(&schedule)),
            // A plan with a cycle has no schedule; then what it says is drawn as it says it.
            Err(_) => draft.stated(),
        }
        draft.milestones();
        let groups = plan.phases.iter();
        let groups = groups.map(|phase| shown(&phase_text(&phase.key, &phase.title)));
        Self::new(title, groups.collect(), draft.nodes, draft.edges)
    }
}

impl<'p> Draft<'p> {
    fn new(plan: &'p Plan, known: Option<&PlanScene>) -> Self {
        let mut draft = Self {
            plan,
            nodes: Vec::new(),
            edges: Vec::new(),
            steps: HashMap::new(),
            members: Vec::new(),
            phases: vec![None; plan.phases.len()],
        };
        for (group, phase) in plan.phases.iter().enumerate() {
            let mut members = Vec::new();
            for step in &phase.steps {
                let stand = known.and_then(|known| known.step(&step.id));
                let stand = stand.map_or(Stand::Pending, |(_, stand)| stand);
                draft.steps.insert(step.id.as_str(), draft.nodes.len());
                members.push(draft.nodes.len());
                draft.nodes.push(Node {
                    id: shown(step.id.as_str()),
                    title: shown(&step.text),
                    stand,
                    status: stand.word().to_owned(),
                    group: Some(group),
                    is_phase: false,
                    in_cycle: false,
                });
            }
            draft.members.push(members);
        }
        draft
    }

    fn resolved(&mut self, units: &[Unit]) {
        for unit in units {
            let Some(to) = self.steps.get(unit.step.id.as_str()).copied() else {
                continue;
            };
            for before in &unit.waits_for {
                let from = self.steps.get(before.as_str()).copied();
                self.edges.extend(from.map(|from| (from, to)));
            }
            for key in &unit.after_phases {
                let phases = self.plan.phases.iter();
                let place = phases.into_iter().position(|phase| phase.key == *key);
                let from = place.map(|place| self.phase(place));
                self.edges.extend(from.map(|from| (from, to)));
            }
        }
    }

    /// The node that stands for a whole phase.
    fn phase(&mut self, place: usize) -> usize {
        if let [only] = self.members[place].as_slice() {
            return *only;
        }
        if let Some(node) = self.phases[place] {
            return node;
        }
        let phase = &self.plan.phases[place];
        let node = self.nodes.len();
        let members = || self.members[place].iter().map(|node| &self.nodes[*node]);
        let done = members().all(|node| node.stand.status().is_settled());
        let stand = if done { Stand::Done } else { Stand::Pending };
        self.nodes.push(Node {
            id: shown(&phase_text(&phase.key, "")),
            title: shown(&phase.title),
            stand,
            status: stand.word().to_owned(),
            group: None,
            is_phase: true,
            in_cycle: false,
        });
        self.phases[place] = Some(node);
        node
    }

    /// A phase is done behind those of its steps that no other of them waits for.
    fn milestones(&mut self) {
        for (place, node) in self.phases.clone().into_iter().enumerate() {
            let Some(node) = node else { continue };
            let members: BTreeSet<usize> = self.members[place].iter().copied().collect();
            let inner = self.edges.iter().filter(|(_, to)| members.contains(to));
            let waited: BTreeSet<usize> = inner.map(|(from, _)| *from).collect();
            let last = members.iter().filter(|member| !waited.contains(member));
            let mut last: Vec<usize> = last.copied().collect();
            if last.is_empty() {
                // They wait for each other.
                last = members.iter().copied().collect();
            }
            self.edges.extend(last.into_iter().map(|from| (from, node)));
        }
    }

    /// What the plan says of dependencies, unresolved.
    fn stated(&mut self) {
        let plan = self.plan;
        for (place, phase) in plan.phases.iter().enumerate() {
            let before = self.before_phase(place, phase);
            for step in &phase.steps {
                let Some(to) = self.steps.get(step.id.as_str()).copied() else {
                    continue;
                };
                self.edges.extend(before.iter().map(|from| (*from, to)));
                let needs = step.dependencies.iter().flat_map(|it| &it.needs);
                for reference in needs {
                    let from = self.referred(reference);
                    self.edges.extend(from.into_iter().map(|from| (from, to)));
                }
            }
        }
    }

    fn before_phase(&mut self, place: usize, phase: &Phase) -> Vec<usize> {
        match &phase.dependencies.needs {
            Needs::Nothing | Needs::Unreadable => Vec::new(),
            Needs::PlanOrder => {
                let before = place.checked_sub(1);
                before
                    .map(|before| self.phase(before))
                    .into_iter()
                    .collect()
            }
            Needs::AllPrevious => (0..place).map(|before| self.phase(before)).collect(),
            Needs::These(references) => {
                let found = references.iter().flat_map(|it| self.referred(it));
                found.collect()
            }
        }
    }

    fn referred(&mut self, reference: &Reference) -> Vec<usize> {
        match reference {
            Reference::Step(id) => self.steps.get(id.as_str()).copied().into_iter().collect(),
            Reference::Steps(first, last) => {
                let ends = (
                    self.steps.get(first.as_str()),
                    self.steps.get(last.as_str()),
                );
                match ends {
                    (Some(first), Some(last)) => (*first..=*last).collect(),
                    _ => Vec::new(),
                }
            }
            Reference::Phase(key) => {
                let place = self.phase_place(key);
                place.map(|place| self.phase(place)).into_iter().collect()
            }
            Reference::Phases(first, last) => {
                let ends = (self.phase_place(first), self.phase_place(last));
                match ends {
                    (Some(first), Some(last)) => {
                        (first..=last).map(|place| self.phase(place)).collect()
                    }
                    _ => Vec::new(),
                }
            }
        }
    }

    fn phase_place(&self, number: &str) -> Option<usize> {
        let phases = self.plan.phases.iter();
        phases
            .into_iter()
            .position(|phase| phase.number() == number)
    }
}
