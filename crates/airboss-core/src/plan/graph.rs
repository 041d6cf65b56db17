//! What waits for what: dependencies resolved, cycles found, steps put in order.
//!
//! Nodes are the steps, followed by one node per phase that stands for "all its steps are
//! done". With these the graph stays linear in the size of the plan.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::ops::Range;

use super::model::*;
use super::schedule::{Schedule, ScheduledStep};

/// Bounds for what can be scheduled; the largest real plan has 578 boxes.
const MAX_STEPS: usize = 20_000;
const MAX_PHASES: usize = 1_000;
const MAX_NOTES: usize = 1_000;

/// A range of step ids longer than this is a slip of the pen.
const MAX_RANGE: u32 = 1_000;

/// Resolves the dependencies of a plan.
///
/// `sequential` runs everything in plan order: what cannot be read no longer matters then,
/// but unknown ids and cycles remain errors, for they say that the plan is not what it seems.
///
/// # Errors
/// Every dependency that cannot be read or resolved, and every cycle.
pub fn schedule(plan: &Plan, sequential: bool) -> Result<Schedule, Vec<Problem>> {
    let resolver = resolved(plan, sequential).map_err(|problem| vec![problem])?;
    let (schedule, mut problems) = resolver.finish();
    problems.retain(|problem| problem.severity == Severity::Error);
    match schedule {
        Some(schedule) if problems.is_empty() => Ok(schedule),
        _ => Err(problems),
    }
}

/// What is wrong with the dependencies of a plan; a schedule would say no more.
pub(super) fn problems(plan: &Plan) -> Vec<Problem> {
    match resolved(plan, false) {
        Ok(mut resolver) => {
            let circle = resolver.sort().err();
            resolver.problems.extend(circle);
            resolver.problems
        }
        Err(problem) => vec![problem],
    }
}

/// The dependencies of a plan that is not too large, resolved.
fn resolved(plan: &Plan, sequential: bool) -> Result<Resolver<'_>, Problem> {
    let count = plan
        .phases
        .iter()
        .map(|phase| phase.steps.len())
        .sum::<usize>();
    if count > MAX_STEPS || plan.phases.len() > MAX_PHASES || plan.notes.len() > MAX_NOTES {
        let message = format!(
            "{count} steps in {} phases are too many to run",
            plan.phases.len()
        );
        let remedy = "split the plan";
        return Err(Problem::error("too-large", None, message, remedy));
    }
    let mut resolver = Resolver::new(plan, sequential);
    resolver.phases();
    resolver.steps();
    resolver.notes();
    Ok(resolver)
}

/// A phase's dependencies after resolution, as nodes, and whether they were stated.
#[derive(Debug, Clone, Default)]
struct PhaseWaits {
    nodes: Vec<usize>,
    stated: bool,
}

struct Resolver<'p> {
    plan: &'p Plan,
    sequential: bool,
    steps: Vec<(usize, &'p Step)>,
    ranges: Vec<Range<usize>>,
    step_index: HashMap<&'p str, usize>,
    phase_index: HashMap<&'p str, Vec<usize>>,
    phase_waits: Vec<PhaseWaits>,
    waits: Vec<Vec<usize>>,
    parallel_steps: Vec<bool>,
    groups: Vec<Option<usize>>,
    problems: Vec<Problem>,
}

/// Why a reference leads nowhere.
enum Lost {
    Unknown,
    Ambiguous,
}

impl<'p> Resolver<'p> {
    fn new(plan: &'p Plan, sequential: bool) -> Self {
        let mut steps = Vec::new();
        let mut ranges = Vec::new();
        let mut phase_index: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, phase) in plan.phases.iter().enumerate() {
            let start = steps.len();
            steps.extend(phase.steps.iter().map(|step| (index, step)));
            ranges.push(start..steps.len());
            phase_index.entry(phase.number()).or_default().push(index);
        }
        let step_index = steps
            .iter()
            .enumerate()
            .map(|(at, (_, step))| (step.id.as_str(), at))
            .collect();
        let count = steps.len();
        Self {
            plan,
            sequential,
            steps,
            ranges,
            step_index,
            phase_index,
            phase_waits: vec![PhaseWaits::default(); plan.phases.len()],
            waits: vec![Vec::new(); count],
            parallel_steps: vec![false; count],
            groups: vec![None; plan.phases.len()],
            problems: Vec::new(),
        }
    }

    fn node_of_phase(&self, phase: usize) -> usize {
        self.steps.len() + phase
    }

    fn phase(&self, key: &str) -> Result<usize, Lost> {
        match self.phase_index.get(key).map(Vec::as_slice) {
            Some([one]) => Ok(*one),
            Some(_) => Err(Lost::Ambiguous),
            None => Err(Lost::Unknown),
        }
    }

    fn step(&self, id: &str) -> Result<usize, Lost> {
        let found = self.step_index.get(id).copied().ok_or(Lost::Unknown)?;
        // Only an id that is given out can have been given out twice.
        if self.step_index.contains_key(format!("{id}~2").as_str()) {
            return Err(Lost::Ambiguous);
        }
        Ok(found)
    }

    /// The nodes that a reference stands for.
    fn nodes(&self, reference: &Reference) -> Result<Vec<usize>, Lost> {
        match reference {
            Reference::Phase(key) => Ok(vec![self.node_of_phase(self.phase(key)?)]),
            Reference::Phases(first, last) => {
                // `0-4` may be the id of one phase.
                if let Ok(one) = self.phase(&format!("{first}-{last}")) {
                    return Ok(vec![self.node_of_phase(one)]);
                }
                let (low, high) = (self.phase(first)?, self.phase(last)?);
                let numbers = (leading_number(first), leading_number(last));
                let lettered = |id: &str| id.starts_with(|c: char| c.is_ascii_uppercase());
                let within = |phase: &Phase| match (numbers, leading_number(phase.number())) {
                    _ if lettered(phase.number()) != lettered(first) => false,
                    ((Some(low), Some(high)), Some(number)) => low <= number && number <= high,
                    _ => false,
                };
                let inside = |(index, phase): &(usize, &Phase)| {
                    *index == low || *index == high || within(phase)
                };
                let all = self.plan.phases.iter().enumerate().filter(inside);
                Ok(all.map(|(index, _)| self.node_of_phase(index)).collect())
            }
            Reference::Step(id) => Ok(vec![self.step(id)?]),
            Reference::Steps(first, last) => self.step_range(first, last),
        }
    }

    /// `3.1-3.4`: steps of one phase, both ends included; a gap between them is none of ours.
    fn step_range(&self, first: &str, last: &str) -> Result<Vec<usize>, Lost> {
        let (Some((stem, low)), Some((other, high))) =
            (first.rsplit_once('.'), last.rsplit_once('.'))
        else {
            return Err(Lost::Unknown);
        };
        let (Ok(low), Ok(high)) = (low.parse::<u32>(), high.parse::<u32>()) else {
            return Err(Lost::Unknown);
        };
        if stem != other || high < low || high - low > MAX_RANGE {
            return Err(Lost::Unknown);
        }
        self.step(first)?;
        self.step(last)?;
        let mut found = Vec::new();
        for number in low..=high {
            match self.step(&format!("{stem}.{number}")) {
                Ok(step) => found.push(step),
                Err(Lost::Ambiguous) => return Err(Lost::Ambiguous),
                Err(Lost::Unknown) => {}
            }
        }
        Ok(found)
    }

    fn lost(&mut self, lost: &Lost, reference: &Reference, line: usize) {
        let (code, message, remedy) = match lost {
            Lost::Unknown => (
                "unknown-dependency",
                format!("there is no {reference}"),
                "name one that exists",
            ),
            Lost::Ambiguous => (
                "ambiguous-dependency",
                format!("{reference} exists more than once"),
                "give each its own id",
            ),
        };
        self.problems
            .push(Problem::error(code, Some(line), message, remedy));
    }

    fn unreadable(&mut self, text: &str, line: Option<usize>) {
        let message = format!("the dependency `{text}` cannot be read");
        let remedy =
            "write `[]`, `[1, 2]`, `Phase 2` or `(depends: 1.1, 1.2)`, or run with --sequential";
        self.problems.push(if self.sequential {
            Problem::warning("unreadable-dependency", line, message, remedy)
        } else {
            Problem::error("unreadable-dependency", line, message, remedy)
        });
    }

    fn phases(&mut self) {
        self.phase_groups();
        let plan = self.plan;
        for (index, phase) in plan.phases.iter().enumerate() {
            let line = phase.dependencies.line.unwrap_or(phase.line);
            let mut nodes = Vec::new();
            let mut stated = true;
            match &phase.dependencies.needs {
                Needs::Nothing => {}
                Needs::PlanOrder => {
                    nodes = self.plan_order(index);
                    stated = false;
                }
                Needs::AllPrevious => {
                    nodes = (0..index).map(|other| self.node_of_phase(other)).collect();
                }
                Needs::Unreadable => {
                    self.unreadable(&phase.dependencies.text, Some(line));
                    stated = false;
                }
                Needs::These(references) => {
                    for reference in references {
                        match self.nodes(reference) {
                            Ok(found) => nodes.extend(found),
                            Err(lost) => self.lost(&lost, reference, line),
                        }
                    }
                }
            }
            if nodes.contains(&self.node_of_phase(index)) {
                let message = format!("phase {} depends on itself", phase.key);
                self.problems.push(Problem::error(
                    "self-dependency",
                    Some(line),
                    message,
                    "take it out",
                ));
                nodes.retain(|node| *node != self.node_of_phase(index));
            }
            self.phase_waits[index] = PhaseWaits { nodes, stated };
            self.pipeline_start(index, phase);
        }
    }

    fn pipeline_start(&mut self, index: usize, phase: &Phase) {
        let Some(PipelineStart {
            step: Some(id),
            line,
        }) = &phase.pipeline_start
        else {
            return;
        };
        match self.step(id) {
            Ok(step) => {
                self.phase_waits[index] = PhaseWaits {
                    nodes: vec![step],
                    stated: true,
                }
            }
            Err(lost) => self.lost(&lost, &Reference::Step(id.clone()), *line),
        }
    }

    /// Phases that a `[PARALLEL]` note puts beside each other.
    fn phase_groups(&mut self) {
        let plan = self.plan;
        for (group, note) in plan.notes.iter().enumerate() {
            if note.kind != NoteKind::Parallel {
                continue;
            }
            let nodes: Vec<usize> = note
                .covers
                .iter()
                .filter_map(|reference| self.nodes(reference).ok())
                .flatten()
                .collect();
            for node in nodes {
                if let Some(phase) = node.checked_sub(self.steps.len()) {
                    self.groups[phase] = Some(group);
                }
            }
        }
    }

    /// The phase before, and with it all that it does not itself wait for.
    fn plan_order(&self, index: usize) -> Vec<usize> {
        let own = self.groups[index];
        let mut nodes = Vec::new();
        let mut before = index;
        while let Some(previous) = before.checked_sub(1) {
            before = previous;
            if own.is_some() && self.groups[previous] == own {
                continue;
            }
            nodes.push(self.node_of_phase(previous));
            // A phase that may overlap the one before it does not stand for that one.
            let waits_itself = self.groups[previous].is_none()
                && self.plan.phases[previous].pipeline_start.is_none();
            let next_is_apart = previous.checked_sub(1).is_none_or(|next| {
                self.groups[previous].is_some() && self.groups[next] != self.groups[previous]
            });
            if waits_itself || next_is_apart {
                break;
            }
        }
        nodes.reverse();
        nodes
    }

    fn steps(&mut self) {
        for index in 0..self.steps.len() {
            let (phase, step) = self.steps[index];
            let Some(dependencies) = &step.dependencies else {
                self.waits[index] = self.phase_waits[phase].nodes.clone();
                continue;
            };
            if dependencies.unreadable {
                self.unreadable(&dependencies.text, Some(step.line));
                continue;
            }
            let mut nodes = Vec::new();
            for reference in &dependencies.needs {
                match self.nodes(reference) {
                    Ok(found) => nodes.extend(found),
                    Err(lost) => self.lost(&lost, reference, step.line),
                }
            }
            if nodes.contains(&index) {
                let message = format!("step {} depends on itself", step.id);
                let line = Some(step.line);
                self.problems.push(Problem::error(
                    "self-dependency",
                    line,
                    message,
                    "take it out",
                ));
                nodes.retain(|node| *node != index);
            }
            self.waits[index] = nodes;
        }
    }

    fn notes(&mut self) {
        let plan = self.plan;
        for note in &plan.notes {
            let mut nodes = Vec::new();
            let mut readable = !note.covers.is_empty();
            for reference in &note.covers {
                match self.nodes(reference) {
                    Ok(found) => nodes.extend(found),
                    Err(_) => readable = false,
                }
            }
            if !readable {
                self.unreadable_note(note);
            } else if note.kind == NoteKind::Sequential {
                self.chain(&nodes);
            } else {
                for node in nodes {
                    if let Some(parallel) = self.parallel_steps.get_mut(node) {
                        *parallel = true;
                    }
                }
            }
        }
    }

    /// The careful reading: the steps of the phase one after another.
    fn unreadable_note(&mut self, note: &Note) {
        if !note.covers.is_empty() {
            let message =
                "this execution note names what does not exist; its phase runs in sequence";
            let remedy = "name existing tasks or phases";
            let problem = Problem::warning(
                "unreadable-note",
                Some(note.line),
                message.to_owned(),
                remedy,
            );
            self.problems.push(problem);
        }
        if let Some(phase) = self
            .plan
            .phases
            .iter()
            .position(|phase| Some(&phase.key) == note.phase.as_ref())
        {
            let steps: Vec<usize> = self.ranges[phase].clone().collect();
            self.chain(&steps);
        }
    }

    /// Each waits for the one before it.
    fn chain(&mut self, nodes: &[usize]) {
        for pair in nodes.windows(2) {
            match pair[1].checked_sub(self.steps.len()) {
                None => self.wait(pair[1], pair[0]),
                Some(phase) => {
                    for step in self.ranges[phase].clone() {
                        self.wait(step, pair[0]);
                    }
                }
            }
        }
    }

    fn wait(&mut self, step: usize, node: usize) {
        if step != node && !self.waits[step].contains(&node) {
            self.waits[step].push(node);
        }
    }

    fn finish(mut self) -> (Option<Schedule>, Vec<Problem>) {
        let (order, levels) = match self.sort() {
            Ok(sorted) => sorted,
            Err(problem) => {
                self.problems.push(problem);
                return (None, self.problems);
            }
        };
        let count = self.steps.len();
        let mut steps = Vec::with_capacity(count);
        for (index, (phase, step)) in self.steps.iter().enumerate() {
            steps.push(self.scheduled(index, *phase, step, levels[index]));
        }
        let mut order = order;
        if self.sequential {
            order = (0..count).collect();
            for (index, step) in steps.iter_mut().enumerate() {
                step.waits = index.checked_sub(1).into_iter().collect();
                step.level = index;
                (
                    step.parallel,
                    step.beside_steps,
                    step.beside_phases,
                    step.group,
                ) = (false, false, false, None);
            }
        }
        (
            Some(Schedule {
                steps,
                phases: self.ranges,
                order,
            }),
            self.problems,
        )
    }

    fn scheduled(&self, index: usize, phase: usize, step: &Step, level: usize) -> ScheduledStep {
        let of_phase = &self.plan.phases[phase];
        let own = step
            .dependencies
            .as_ref()
            .is_some_and(|dependencies| !dependencies.unreadable);
        let beside_steps = self.parallel_steps[index] || own;
        let beside_phases = own || self.phase_waits[phase].stated;
        let group = self.groups[phase];
        let mut wide_footprint = step.footprint.clone();
        wide_footprint.extend(of_phase.files.iter().cloned());
        ScheduledStep {
            id: step.id.clone(),
            phase: of_phase.key.clone(),
            parallel: beside_steps || beside_phases || group.is_some(),
            level,
            parent: step.parent.clone(),
            footprint: if step.footprint.is_empty() {
                of_phase.files.clone()
            } else {
                step.footprint.clone()
            },
            wide_footprint,
            waits: self.waits[index].clone(),
            phase_index: phase,
            beside_steps,
            beside_phases,
            group,
        }
    }

    /// Kahn's algorithm in document order: an order and each node's level.
    fn sort(&self) -> Result<(Vec<usize>, Vec<usize>), Problem> {
        let count = self.steps.len();
        let total = count + self.ranges.len();
        let mut missing = vec![0_usize; total];
        let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); total];
        for (node, missing) in missing.iter_mut().enumerate() {
            for before in self.before(node) {
                *missing += 1;
                dependents[before].push(node);
            }
        }
        let mut levels = vec![0_usize; total];
        let mut order = Vec::with_capacity(count);
        let mut ready: BinaryHeap<Reverse<usize>> = (0..total)
            .filter(|&node| missing[node] == 0)
            .map(Reverse)
            .collect();
        while let Some(Reverse(node)) = ready.pop() {
            if node < count {
                order.push(node);
            }
            for &next in &dependents[node] {
                // A phase's node is passed through; only steps take a turn.
                levels[next] = levels[next].max(levels[node] + usize::from(node < count));
                missing[next] -= 1;
                if missing[next] == 0 {
                    ready.push(Reverse(next));
                }
            }
        }
        if order.len() == count {
            return Ok((order, levels));
        }
        Err(self.cycle(&missing))
    }

    /// The nodes that a node waits for.
    fn before(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        let (waits, steps) = match node.checked_sub(self.steps.len()) {
            None => (self.waits[node].as_slice(), 0..0),
            Some(phase) => (&[][..], self.ranges[phase].clone()),
        };
        waits.iter().copied().chain(steps)
    }

    /// Follows unmet dependencies until a node comes up again, and prints that circle.
    fn cycle(&self, missing: &[usize]) -> Problem {
        let stuck = |node: &usize| missing[*node] > 0;
        let mut node = (0..missing.len()).find(stuck).unwrap_or(0);
        let mut seen: HashMap<usize, usize> = HashMap::new();
        let mut path = Vec::new();
        while !seen.contains_key(&node) {
            seen.insert(node, path.len());
            path.push(node);
            match self.before(node).find(stuck) {
                Some(next) => node = next,
                None => break,
            }
        }
        let circle = &path[seen.get(&node).copied().unwrap_or(0)..];
        let count = self.steps.len();
        let named = |node: usize| -> Option<String> {
            match node.checked_sub(count) {
                Some(phase) => Some(format!("phase {}", self.plan.phases[phase].key)),
                // A step without dependencies of its own only passes its phase's on.
                None => {
                    let step = self.steps[node].1;
                    step.dependencies
                        .as_ref()
                        .map(|_| format!("step {}", step.id))
                }
            }
        };
        let mut names: Vec<String> = circle.iter().filter_map(|&node| named(node)).collect();
        if names.is_empty() {
            names = circle
                .iter()
                .filter_map(|&node| Some(self.steps.get(node)?.1.id.to_string()))
                .collect();
        }
        names.extend(names.first().cloned());
        let stated = circle
            .iter()
            .filter_map(|&node| match node.checked_sub(count) {
                Some(phase) => self.plan.phases[phase].dependencies.line,
                None => self.steps[node]
                    .1
                    .dependencies
                    .as_ref()
                    .map(|_| self.steps[node].1.line),
            });
        let line = stated.min();
        let message = format!("dependencies go in a circle: {}", names.join(" \u{2192} "));
        Problem::error("dependency-cycle", line, message, "take one of them out")
    }
}

/// Where a phase id stands in a range: 2.5 of `2.5`, 5 of `5a`, 2 of `B`.
fn leading_number(id: &str) -> Option<f64> {
    if let [letter @ b'A'..=b'Z'] = id.as_bytes() {
        return Some(f64::from(letter - b'A') + 1.0);
    }
    let end = id
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(id.len());
    id[..end].parse().ok()
}
