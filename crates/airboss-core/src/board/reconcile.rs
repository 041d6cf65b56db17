//! Taking a board over from files that nobody kept in step.
//!
//! Every task that a file knows becomes a task of the board, and every disagreement is settled by
//! an operation that carries its rule in words, so that it can be read, and undone. The rules for
//! two statuses, the first that decides, unless a person chose a file for the task:
//!
//! 1. A file that says nothing is no witness.
//! 2. The later status counts when what it claims is there: a report for `researched`, a plan for
//!    `planned`, a second plan for `revised`, begun phases for `implementing` and `partial`, a
//!    summary or settled phases for `completed`, subtasks for `expanded`. A later status whose
//!    proof is missing decides nothing.
//! 3. The file whose status line changed last counts, where the history of git tells.
//! 4. The file that the person prefers counts.
//! 5. state.json counts: its list of active tasks is the authority of the format.
//!
//! A task that only one file has is added to the other, unless a list of finished or archived
//! tasks has it. No rule ever removes a task; a person may who chooses the file that lacks it. Of two next numbers neither is chosen silently: the one
//! of state.json is in force, and the disagreement is left for a person. A number that stands
//! twice is adopted once, as it stands first.
//!
//! Files may differ in what is no disagreement: a priority that each spells its own way, a date
//! without its hour. What each file said is handed on as its base; only what an operation here
//! changes is ever written to it.

use std::collections::{BTreeMap, BTreeSet};

use super::change::TaskChange;
use super::drift::{self, Disagreement, Duplicate, Side};
use super::facts::{Dependencies, List, TaskFacts};
use super::link;
use super::name;
use super::operation::{BoardKey, BoardOperation, Cause};
use super::status::{Status, TaskStatus};
use super::task::{Artifact, Place, Task, TimeKey};
use crate::id::TaskId;
use crate::plan::PhaseStatus;
use crate::time::Timestamp;

/// What was found.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The board.
    pub board: &'a BoardKey,
    /// The entries of TODO.md.
    pub todo: &'a [TaskFacts],
    /// The next number of TODO.md.
    pub todo_next: Option<u32>,
    /// The tasks of state.json, of all its lists.
    pub state: &'a [TaskFacts],
    /// The next number of state.json.
    pub state_next: Option<u32>,
    /// The tasks of the archive's state.json.
    pub archive: &'a [TaskFacts],
    /// What the world shows of a task, by number.
    pub evidence: &'a BTreeMap<u32, Evidence>,
    /// The file that the person prefers.
    pub prefer: Option<Side>,
    /// What the person chose.
    pub chosen: &'a Chosen,
    /// The time.
    pub now: Timestamp,
}

/// The file that a person chose for each disagreement, by the number of its task; `None` is the
/// next number.
pub type Chosen = BTreeMap<Option<u32>, Side>;

/// What the world shows of one task.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Evidence {
    /// The artifacts that are there, with something in them.
    pub artifacts: Vec<Artifact>,
    /// The phases of its current plan.
    pub phases: Vec<(String, PhaseStatus)>,
    /// The file whose status line changed last, where the history of git tells.
    pub newest: Option<Side>,
}

/// A board as it was taken over.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Reconciled {
    /// Everything to be stored, in order.
    pub operations: Vec<BoardOperation>,
    /// Each disagreement that was settled, with the rule in words.
    pub settled: Vec<(Disagreement, String)>,
    /// The disagreements that a person has to settle.
    pub left: Vec<Disagreement>,
    /// The numbers that stand more than once.
    pub duplicates: Vec<Duplicate>,
    /// What each file said of each task.
    pub bases: Vec<(Side, TaskId, TaskFacts)>,
}

/// Takes a board over.
#[must_use]
pub fn adopt(found: &Found<'_>) -> Reconciled {
    let disagreements = drift::between(
        found.todo,
        found.todo_next,
        found.state,
        found.state_next,
        found.archive,
    );
    let mut adoption = Adoption {
        found,
        ids: BTreeSet::new(),
        tasks: Vec::new(),
        changes: Vec::new(),
        result: Reconciled {
            operations: Vec::new(),
            settled: Vec::new(),
            left: Vec::new(),
            duplicates: drift::duplicates(found.todo, found.state),
            bases: Vec::new(),
        },
    };
    let count = u32::try_from(disagreements.len()).unwrap_or(u32::MAX);
    let mut by_task: BTreeMap<u32, Disagreement> = BTreeMap::new();
    let mut numbers_differ = None;
    for disagreement in disagreements {
        // Of a number that stands twice the first place is adopted; the doctor sees to the rest.
        match disagreement.number() {
            Some(number) if !by_task.contains_key(&number) => {
                by_task.insert(number, disagreement);
            }
            _ if matches!(disagreement, Disagreement::NextNumber { .. }) => {
                numbers_differ = Some(disagreement);
            }
            _ => adoption.result.left.push(disagreement),
        }
    }
    let entries = drift::by_number(found.todo.iter());
    let records = drift::by_number(found.state.iter().chain(found.archive));
    let numbers: BTreeSet<_> = entries.keys().chain(records.keys()).copied().collect();
    for number in numbers {
        let entry = entries.get(&number).and_then(|entries| entries.first());
        let records = records.get(&number).map_or(&[][..], Vec::as_slice);
        adoption.number(entry.copied(), records, by_task.remove(&number));
    }
    if let Some(disagreement) = numbers_differ {
        adoption.next_number(disagreement);
    }
    adoption.finish(count)
}

struct Adoption<'a> {
    found: &'a Found<'a>,
    ids: BTreeSet<TaskId>,
    tasks: Vec<BoardOperation>,
    changes: Vec<BoardOperation>,
    result: Reconciled,
}

impl Adoption<'_> {
    /// The tasks behind one number: the one that counts, and older ones in the archive.
    fn number(
        &mut self,
        entry: Option<&TaskFacts>,
        records: &[&TaskFacts],
        disagreement: Option<Disagreement>,
    ) {
        // The first record of the best list; the sort is stable.
        let mut records = records.to_vec();
        records.sort_by_key(|record| record.list);
        let record = records.first().copied();
        let task = self.joined(entry, record);
        let slug = task.slug.clone();
        self.base(Side::Todo, &task, entry);
        self.base(Side::State, &task, record);
        self.task(task, disagreement, entry, record);
        for older in records.iter().skip(1) {
            let finished = matches!(older.list, List::Completed | List::Archive);
            let other = older
                .slug
                .as_ref()
                .is_some_and(|other| !name::names(other, &slug));
            if finished && other {
                let task = self.joined(None, Some(older));
                self.base(Side::State, &task, Some(older));
                self.tasks.push(BoardOperation::TaskAdopted {
                    task: Box::new(task),
                });
            }
        }
    }

    /// Numbers are given out by state.json; `doctor` offers the larger one where it is free.
    fn next_number(&mut self, disagreement: Disagreement) {
        let (next, rule) = match self.found.chosen.get(&None) {
            Some(Side::Todo) => (self.found.todo_next, chosen(Side::Todo)),
            Some(Side::State) => (self.found.state_next, chosen(Side::State)),
            None => {
                let rule = "numbers are given out by state.json".to_owned();
                (self.found.state_next, rule)
            }
        };
        let operation = next.map(|next| BoardOperation::NextNumberSet { next });
        self.changes.extend(operation);
        self.result.settled.push((disagreement, rule));
    }

    fn base(&mut self, side: Side, task: &Task, facts: Option<&TaskFacts>) {
        if let Some(facts) = facts {
            self.result.bases.push((side, task.id, facts.clone()));
        }
    }

    /// One task, and what settles the disagreement about it.
    fn task(
        &mut self,
        mut task: Task,
        disagreement: Option<Disagreement>,
        entry: Option<&TaskFacts>,
        record: Option<&TaskFacts>,
    ) {
        let choice = self.found.chosen.get(&Some(task.number)).copied();
        let rule = match &disagreement {
            Some(Disagreement::OnlyInTodo { .. }) => match choice {
                Some(Side::State) => return self.unwanted(task, disagreement, Side::State),
                Some(Side::Todo) => chosen(Side::Todo),
                None => "only TODO.md had it".to_owned(),
            },
            Some(Disagreement::OnlyInState { .. }) => match choice {
                Some(Side::Todo) => return self.unwanted(task, disagreement, Side::Todo),
                Some(Side::State) => chosen(Side::State),
                None => "only state.json had it".to_owned(),
            },
            Some(Disagreement::Status { .. }) => {
                let (change, rule) = self.status(&mut task, entry, record);
                self.tasks.push(BoardOperation::TaskAdopted {
                    task: Box::new(task),
                });
                self.changes.push(change);
                self.result
                    .settled
                    .extend(disagreement.map(|found| (found, rule)));
                return;
            }
            Some(Disagreement::NextNumber { .. }) | None => {
                self.tasks.push(BoardOperation::TaskAdopted {
                    task: Box::new(task),
                });
                return;
            }
        };
        self.changes.push(BoardOperation::TaskAdded {
            task: Box::new(task),
            cause: Cause::Reconciled { rule: rule.clone() },
        });
        self.result
            .settled
            .extend(disagreement.map(|found| (found, rule)));
    }

    /// A task that the chosen file does not have. It is adopted first, so that undoing its removal
    /// brings it back.
    fn unwanted(&mut self, task: Task, disagreement: Option<Disagreement>, side: Side) {
        let rule = format!("{}, which does not have it", chosen(side));
        let cause = Cause::Reconciled { rule: rule.clone() };
        let changes = vec![TaskChange::Place(Place::Removed)];
        let change = BoardOperation::change(&task, changes, cause, false);
        self.tasks.push(BoardOperation::TaskAdopted {
            task: Box::new(task),
        });
        self.changes.extend(change);
        let settled = disagreement.map(|found| (found, rule));
        self.result.settled.extend(settled);
    }

    /// The task gets the status that did not count, and the operation brings the one that did: so
    /// both files come to have it, and undoing brings the other back.
    fn status(
        &self,
        task: &mut Task,
        entry: Option<&TaskFacts>,
        record: Option<&TaskFacts>,
    ) -> (BoardOperation, String) {
        let todo = entry.and_then(|facts| facts.status.clone());
        let state = record.and_then(|facts| facts.status.clone());
        let nothing = Evidence::default();
        let evidence = self.found.evidence.get(&task.number).unwrap_or(&nothing);
        let (side, rule) = match self.found.chosen.get(&Some(task.number)) {
            Some(side) => (*side, chosen(*side)),
            None => {
                let (todo, state) = (todo.as_ref(), state.as_ref());
                decide(todo, state, task, evidence, self.found.prefer)
            }
        };
        let (chosen, other) = match side {
            Side::Todo => (todo, state),
            Side::State => (state, todo),
        };
        let chosen = chosen.unwrap_or_else(|| task.status.clone());
        task.status = other.unwrap_or_else(|| chosen.clone());
        let mut changes = vec![TaskChange::Status(chosen)];
        if side == Side::Todo {
            let now = Some(self.found.now);
            changes.push(TaskChange::Time(TimeKey::LastUpdated, now));
        }
        let undo = changes.iter().map(|change| change.inverse(task)).collect();
        let change = BoardOperation::TaskChanged {
            task: task.id,
            changes,
            undo,
            cause: Cause::Reconciled { rule: rule.clone() },
            forced: false,
        };
        (change, rule)
    }

    fn finish(mut self, disagreements: u32) -> Reconciled {
        let found = self.found;
        self.result.operations.push(BoardOperation::Adopted {
            next_number: found.state_next.or(found.todo_next),
            tasks: u32::try_from(self.tasks.len()).unwrap_or(u32::MAX),
            disagreements,
        });
        self.result.operations.append(&mut self.tasks);
        self.result.operations.append(&mut self.changes);
        self.result
    }

    /// What both files say of a task, taken together.
    fn joined(&mut self, entry: Option<&TaskFacts>, record: Option<&TaskFacts>) -> Task {
        let number = entry.or(record).map_or(0, |facts| facts.number);
        let mut task = join(number, entry, record);
        let given = record
            .and_then(|facts| facts.id)
            .filter(|id| !self.ids.contains(id));
        task.id = given.unwrap_or_else(|| {
            let derived =
                |occurrence| name::derived_id(self.found.board, number, &task.slug, occurrence);
            let mut free = (0..).map(derived).filter(|id| !self.ids.contains(id));
            free.next().unwrap_or_default()
        });
        self.ids.insert(task.id);
        task
    }
}

/// What two files say of a task, taken together; state.json before TODO.md except for the title,
/// which only TODO.md has.
#[must_use]
pub fn join(number: u32, todo: Option<&TaskFacts>, state: Option<&TaskFacts>) -> Task {
    let both = [state, todo];
    let texts = |get: fn(&TaskFacts) -> &Option<String>| {
        both.into_iter()
            .flatten()
            .find_map(|facts| get(facts).clone())
    };
    let slug = texts(|facts| &facts.slug);
    let title = texts(|facts| &facts.title);
    let title = title.unwrap_or_else(|| name::title_of(slug.as_deref().unwrap_or_default()));
    let slug = slug.unwrap_or_else(|| name::slug(&title));
    let status = both
        .into_iter()
        .flatten()
        .find_map(|facts| facts.status.clone());
    let mut times = BTreeMap::new();
    for facts in both.into_iter().flatten() {
        for (key, at) in &facts.times {
            times.entry(*key).or_insert(*at);
        }
    }
    let mut artifacts: Vec<Artifact> = Vec::new();
    for artifact in both
        .into_iter()
        .flatten()
        .flat_map(|facts| &facts.artifacts)
    {
        if !artifacts
            .iter()
            .any(|known| link::same(&known.path, &artifact.path))
        {
            artifacts.push(artifact.clone());
        }
    }
    let subtasks = both.into_iter().flatten().map(|facts| &facts.subtasks);
    Task {
        id: TaskId::default(),
        number,
        former_numbers: Vec::new(),
        title,
        slug,
        status: status.unwrap_or(TaskStatus::Known(Status::NotStarted)),
        status_before: None,
        place: place(todo, state),
        priority: texts(|facts| &facts.priority),
        language: texts(|facts| &facts.language),
        effort: texts(|facts| &facts.effort),
        description: texts(|facts| &facts.description),
        dependencies: dependencies(todo, state),
        parent: both.into_iter().flatten().find_map(|facts| facts.parent),
        subtasks: subtasks
            .clone()
            .find(|list| !list.is_empty())
            .cloned()
            .unwrap_or_default(),
        times,
        blocked_reason: texts(|facts| &facts.blocked_reason),
        abandoned_reason: texts(|facts| &facts.abandoned_reason),
        artifacts,
        plan: texts(|facts| &facts.plan),
        phases: BTreeMap::new(),
        checked: None,
        workflow: None,
        operation: both.into_iter().flatten().find_map(|facts| facts.operation),
    }
}

/// What stands in TODO.md stands on the board, and so does what waits for its entry there.
fn place(todo: Option<&TaskFacts>, state: Option<&TaskFacts>) -> Place {
    match (todo, state.map(|facts| facts.list)) {
        (Some(_), _) | (None, None | Some(List::Active | List::Pending)) => Place::Active,
        (None, Some(List::Legacy | List::Completed | List::Archive)) => Place::Archived,
    }
}

/// A task waits for everything that either file names: starting too early is the worse mistake.
fn dependencies(todo: Option<&TaskFacts>, state: Option<&TaskFacts>) -> Dependencies {
    let mut joined = Dependencies::default();
    for said in [state, todo]
        .into_iter()
        .flatten()
        .filter_map(|facts| facts.dependencies.as_ref())
    {
        for number in &said.numbers {
            if !joined.numbers.contains(number) {
                joined.numbers.push(*number);
            }
        }
        joined.prose = joined.prose.or_else(|| said.prose.clone());
    }
    joined
}

/// The rule in words where a person chose a file.
fn chosen(side: Side) -> String {
    format!("{side} was chosen")
}

/// Which of two statuses counts, and by which rule.
fn decide(
    todo: Option<&TaskStatus>,
    state: Option<&TaskStatus>,
    task: &Task,
    evidence: &Evidence,
    prefer: Option<Side>,
) -> (Side, String) {
    let (Some(todo), Some(state)) = (todo, state) else {
        let side = if todo.is_some() {
            Side::Todo
        } else {
            Side::State
        };
        return (side, format!("only {side} had a status"));
    };
    if let Some((later, status)) = later(todo, state)
        && let Some(proof) = proof(status, task, evidence)
    {
        return (later, format!("{later} had the later status, and {proof}"));
    }
    if let Some(newest) = evidence.newest {
        return (newest, format!("the status in {newest} was changed last"));
    }
    if let Some(preferred) = prefer {
        return (preferred, format!("{preferred} was preferred"));
    }
    let rule = "state.json counts where nothing else decides";
    (Side::State, rule.to_owned())
}

/// The later of two statuses in the order of the workflow, if both have a place in it.
fn later(todo: &TaskStatus, state: &TaskStatus) -> Option<(Side, Status)> {
    let (TaskStatus::Known(todo), TaskStatus::Known(state)) = (todo, state) else {
        return None;
    };
    match workflow_rank(*todo)?.cmp(&workflow_rank(*state)?) {
        std::cmp::Ordering::Greater => Some((Side::Todo, *todo)),
        std::cmp::Ordering::Less => Some((Side::State, *state)),
        std::cmp::Ordering::Equal => None,
    }
}

/// How far a status is along the workflow; being blocked, put aside or given up is no place in it.
pub(super) fn workflow_rank(status: Status) -> Option<u8> {
    Some(match status {
        Status::NotStarted => 0,
        Status::Researching => 1,
        Status::Researched => 2,
        Status::Planning => 3,
        Status::Planned => 4,
        Status::Revising => 5,
        Status::Revised => 6,
        Status::Implementing => 7,
        Status::Partial => 8,
        Status::PrReady | Status::Implemented => 9,
        Status::Completed | Status::Expanded => 10,
        Status::Blocked | Status::Abandoned | Status::OnHold | Status::Superseded => return None,
    })
}

/// What shows that a status was reached.
fn proof(status: Status, task: &Task, evidence: &Evidence) -> Option<String> {
    let of_kind = |kind: &str| {
        let found = evidence
            .artifacts
            .iter()
            .filter(|artifact| artifact.kind == kind);
        found
            .map(|artifact| artifact.path.clone())
            .collect::<Vec<_>>()
    };
    let there = |path: &String| format!("{path} is there");
    let phases = &evidence.phases;
    match status {
        Status::Researched => of_kind("research").last().map(there),
        Status::Planned => of_kind("plan").last().map(there),
        Status::Revised => of_kind("plan").get(1..)?.last().map(there),
        Status::Implementing | Status::Partial => phases
            .iter()
            .any(|(_, status)| *status != PhaseStatus::NotStarted)
            .then(|| "phases of its plan were begun".to_owned()),
        Status::Completed if phases.is_empty() => of_kind("summary").last().map(there),
        Status::Completed => phases
            .iter()
            .all(|(_, status)| status.is_settled())
            .then(|| "every phase of its plan is settled".to_owned()),
        Status::Expanded if !task.subtasks.is_empty() => Some("its subtasks are named".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
