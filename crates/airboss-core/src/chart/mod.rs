//! What waits for what, as a graph to be drawn: the steps of a plan or the tasks of a board.
//!
//! A phase that others wait for as a whole is a node of its own, behind its last steps, so that
//! the graph stays linear in the size of the plan. Unlike a schedule a chart may hold cycles: it
//! shows them.

mod cycle;
mod layout;
mod plan;

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};

use crate::account::shown;
use crate::board::status::{Class, Status, TaskStatus};
use crate::board::{Board, Place};
use crate::scene::Stand;

pub use self::layout::{Cell, Layout};

/// Nodes that are drawn: more than this nobody follows with their eyes.
pub const NODES_MAX: usize = 300;

/// A node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Node {
    /// Its id: that of a step, the number of a task, the key of a phase. Safe to show.
    pub id: String,
    /// What it says. Safe to show.
    pub title: String,
    /// Where it stands; of a task the nearest to what its status means.
    #[serde(serialize_with = "stand_word")]
    pub stand: Stand,
    /// That in the words of the plan or the board.
    pub status: String,
    /// Its phase, as a place in [`Chart::groups`].
    pub group: Option<usize>,
    /// It stands for a whole phase.
    pub is_phase: bool,
    /// It waits for itself, over others.
    pub in_cycle: bool,
}

fn stand_word<S: Serializer>(stand: &Stand, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(stand.word())
}

/// One node waits for another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Edge {
    /// What comes first, as a place in [`Chart::nodes`].
    pub from: usize,
    /// What waits for it.
    pub to: usize,
    /// It is part of a cycle.
    pub in_cycle: bool,
}

/// The graph.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Chart {
    /// Its heading, safe to show.
    pub title: String,
    /// The headings of phases, safe to show.
    pub groups: Vec<String>,
    /// The nodes, in the order of the plan or the board.
    pub nodes: Vec<Node>,
    /// What waits for what.
    pub edges: Vec<Edge>,
    /// Nodes that are not in it because there are too many.
    pub left_out: usize,
}

impl Chart {
    /// Puts a chart together: edges that are said twice or lead from a node to nowhere count
    /// once or not at all, cycles are found, and of very many nodes those that are settled are
    /// left out first.
    #[must_use]
    pub fn new(
        title: &str,
        groups: Vec<String>,
        mut nodes: Vec<Node>,
        edges: impl IntoIterator<Item = (usize, usize)>,
    ) -> Self {
        let kept = kept(&nodes);
        let mut place = vec![None; nodes.len()];
        for (new, old) in kept.iter().enumerate() {
            place[*old] = Some(new);
        }
        let left_out = nodes.len() - kept.len();
        let at = |old: usize| place.get(old).copied().flatten();
        let pairs: BTreeSet<(usize, usize)> = edges
            .into_iter()
            .filter_map(|(from, to)| Some((at(from)?, at(to)?)))
            .collect();
        let mut index = 0;
        nodes.retain(|_| {
            index += 1;
            place[index - 1].is_some()
        });
        let pairs: Vec<(usize, usize)> = pairs.into_iter().collect();
        let component = cycle::components(nodes.len(), &pairs);
        let edges: Vec<Edge> = pairs
            .iter()
            .map(|&(from, to)| Edge {
                from,
                to,
                in_cycle: component[from] == component[to],
            })
            .collect();
        for edge in edges.iter().filter(|edge| edge.in_cycle) {
            nodes[edge.from].in_cycle = true;
        }
        Self {
            title: shown(title),
            groups,
            nodes,
            edges,
            left_out,
        }
    }

    /// The tasks of a board. Archived ones are shown where something waits for them.
    #[must_use]
    pub fn of_board(title: &str, board: &Board) -> Self {
        let mut tasks: Vec<_> = board.active().collect();
        let waited: BTreeSet<u32> = tasks
            .iter()
            .flat_map(|task| task.dependencies.numbers.iter().copied())
            .collect();
        let behind = board.tasks.values().filter(|task| {
            task.place != Place::Active
                && task.place != Place::Removed
                && waited.contains(&task.number)
        });
        let numbers: BTreeSet<u32> = tasks.iter().map(|task| task.number).collect();
        tasks.extend(behind.filter(|task| !numbers.contains(&task.number)));
        tasks.sort_by_key(|task| task.number);
        let nodes = tasks.iter().map(|task| Node {
            id: task.number.to_string(),
            title: shown(&task.title),
            stand: task_stand(&task.status),
            status: shown(&task.status.to_string().replace('_', " ")),
            group: None,
            is_phase: false,
            in_cycle: false,
        });
        let nodes: Vec<Node> = nodes.collect();
        let place = |number: u32| tasks.iter().position(|task| task.number == number);
        let mut edges = Vec::new();
        for (to, task) in tasks.iter().enumerate() {
            let before = task.dependencies.numbers.iter();
            edges.extend(before.filter_map(|number| Some((place(*number)?, to))));
        }
        Self::new(title, Vec::new(), nodes, edges)
    }

    /// Whether anything waits for itself.
    #[must_use]
    pub fn has_cycle(&self) -> bool {
        self.edges.iter().any(|edge| edge.in_cycle)
    }

    /// Where its nodes are drawn.
    #[must_use]
    pub fn layout(&self) -> Layout {
        Layout::of(self)
    }
}

/// What a status of a task comes nearest to.
fn task_stand(status: &TaskStatus) -> Stand {
    match status {
        TaskStatus::Known(Status::Completed | Status::Expanded) => Stand::Done,
        TaskStatus::Known(Status::Abandoned | Status::Superseded) => Stand::Skipped,
        TaskStatus::Known(Status::Blocked) => Stand::Blocked,
        TaskStatus::Known(Status::OnHold) => Stand::Parked,
        TaskStatus::Known(Status::PrReady | Status::Implemented) => Stand::NeedsAnswer,
        other => match other.class() {
            Class::InFlight => Stand::InProgress,
            Class::Terminal => Stand::Done,
            Class::Open => Stand::Pending,
        },
    }
}

/// The nodes that are drawn, in their order.
fn kept(nodes: &[Node]) -> Vec<usize> {
    let mut kept: Vec<usize> = (0..nodes.len()).collect();
    // Settled ones go first, and of equals those further down.
    kept.sort_by_key(|place| nodes[*place].stand.status().is_settled());
    kept.truncate(NODES_MAX);
    kept.sort_unstable();
    kept
}

#[cfg(test)]
mod tests;
