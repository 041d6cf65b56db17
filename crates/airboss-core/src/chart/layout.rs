//! Where nodes are drawn: layers by the longest path, ordered by barycentres.
//!
//! The steps of Sugiyama's method (IEEE Transactions on Systems, Man and Cybernetics 11, 1981)
//! without what only very crooked graphs need: edges that close a cycle do not count, an edge
//! over several layers gets a place in each, and a few sweeps put neighbours near each other.

use super::Chart;

/// Sweeps down and up; more change little.
const SWEEPS: usize = 6;
/// Nodes side by side before a layer continues in a further row.
const ROW_MAX: usize = 10;
/// Places that edges over several layers may take; beyond, they are drawn straight.
const BENDS_MAX: usize = 2_000;

/// What is at one place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cell {
    /// A node, as a place in [`Chart::nodes`].
    Node(usize),
    /// An edge that passes by, as a place in [`Chart::edges`].
    Bend(usize),
}

/// Rows from the top, each from the left.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
}

impl Layout {
    pub(super) fn of(chart: &Chart) -> Self {
        let forward: Vec<bool> = forward(chart);
        let layer = layers(chart, &forward);
        let mut grid = Grid::new(chart, &forward, &layer);
        for sweep in 0..SWEEPS {
            grid.sweep(sweep % 2 == 0);
        }
        Self {
            rows: grid.rows(chart),
        }
    }
}

/// Which edges count for the layers: all but those inside a cycle that lead back.
fn forward(chart: &Chart) -> Vec<bool> {
    let edges = chart.edges.iter();
    edges
        .map(|edge| !edge.in_cycle || edge.from < edge.to)
        .collect()
}

/// The length of the longest way to each node.
fn layers(chart: &Chart, forward: &[bool]) -> Vec<usize> {
    let count = chart.nodes.len();
    let mut next = vec![Vec::new(); count];
    let mut before = vec![0_usize; count];
    for (edge, _) in chart.edges.iter().zip(forward).filter(|(_, is)| **is) {
        next[edge.from].push(edge.to);
        before[edge.to] += 1;
    }
    let mut layer = vec![0; count];
    let mut ready: Vec<usize> = (0..count).filter(|node| before[*node] == 0).collect();
    while let Some(node) = ready.pop() {
        for to in &next[node] {
            layer[*to] = layer[*to].max(layer[node] + 1);
            before[*to] -= 1;
            if before[*to] == 0 {
                ready.push(*to);
            }
        }
    }
    layer
}

struct Grid {
    layers: Vec<Vec<Vertex>>,
    /// Neighbours above and below, as places in their layer at the beginning.
    position: Vec<f64>,
}

#[derive(Clone)]
struct Vertex {
    cell: Cell,
    id: usize,
    above: Vec<usize>,
    below: Vec<usize>,
}

impl Grid {
    fn new(chart: &Chart, forward: &[bool], layer: &[usize]) -> Self {
        let depth = layer.iter().max().map_or(0, |most| most + 1);
        let mut all: Vec<(usize, Vertex)> = layer
            .iter()
            .enumerate()
            .map(|(node, layer)| (*layer, vertex(Cell::Node(node), node)))
            .collect();
        let edges = || {
            chart
                .edges
                .iter()
                .enumerate()
                .filter(|(place, _)| forward[*place])
        };
        let span = |from: usize, to: usize| layer[to].saturating_sub(layer[from] + 1);
        let bends: usize = edges().map(|(_, edge)| span(edge.from, edge.to)).sum();
        for (place, edge) in edges() {
            let mut above = edge.from;
            if bends <= BENDS_MAX {
                for between in layer[edge.from] + 1..layer[edge.to] {
                    let id = all.len();
                    all.push((between, vertex(Cell::Bend(place), id)));
                    join(&mut all, above, id);
                    above = id;
                }
            }
            join(&mut all, above, edge.to);
        }
        let count = all.len();
        let mut layers = vec![Vec::new(); depth];
        for (layer, vertex) in all {
            layers[layer].push(vertex);
        }
        let mut grid = Self {
            layers,
            position: vec![0.0; count],
        };
        for layer in 0..grid.layers.len() {
            grid.place(layer);
        }
        grid
    }

    /// Notes where the vertices of a layer are, between 0 and 1, so that layers of different
    /// width compare.
    fn place(&mut self, layer: usize) {
        let vertices = &self.layers[layer];
        #[expect(
            clippy::cast_precision_loss,
            reason = "there are a few thousand at most"
        )]
        for (place, vertex) in vertices.iter().enumerate() {
            self.position[vertex.id] = (place as f64 + 0.5) / vertices.len() as f64;
        }
    }

    fn sweep(&mut self, down: bool) {
        let mut order: Vec<usize> = (0..self.layers.len()).collect();
        if !down {
            order.reverse();
        }
        for layer in order {
            let position = &self.position;
            let mut keyed: Vec<(f64, Vertex)> = self.layers[layer]
                .drain(..)
                .map(|vertex| {
                    let near = if down { &vertex.above } else { &vertex.below };
                    let own = position[vertex.id];
                    #[expect(clippy::cast_precision_loss, reason = "a few hundred at most")]
                    let mean = near.iter().map(|id| position[*id]).sum::<f64>() / near.len() as f64;
                    (if near.is_empty() { own } else { mean }, vertex)
                })
                .collect();
            // Stable: what pulls nowhere stays in the order of the plan.
            keyed.sort_by(|left, right| left.0.total_cmp(&right.0));
            self.layers[layer] = keyed.into_iter().map(|(_, vertex)| vertex).collect();
            self.place(layer);
        }
    }

    /// The layers, broken into rows where they are too wide; what nothing is joined to comes last.
    fn rows(self, chart: &Chart) -> Vec<Vec<Cell>> {
        let mut joined = vec![false; chart.nodes.len()];
        for edge in &chart.edges {
            (joined[edge.from], joined[edge.to]) = (true, true);
        }
        let alone = |cell: &Cell| matches!(cell, Cell::Node(node) if !joined[*node]);
        let mut rows = Vec::new();
        let mut rest = Vec::new();
        for layer in self.layers {
            let cells = layer.into_iter().map(|vertex| vertex.cell);
            let (single, tied): (Vec<Cell>, Vec<Cell>) = cells.partition(alone);
            rest.extend(single);
            broken(&tied, &mut rows);
        }
        rest.sort_by_key(|cell| match cell {
            Cell::Node(node) | Cell::Bend(node) => *node,
        });
        broken(&rest, &mut rows);
        rows
    }
}

fn broken(cells: &[Cell], rows: &mut Vec<Vec<Cell>>) {
    let mut row = Vec::new();
    let mut nodes = 0;
    for cell in cells {
        if let Cell::Node(_) = cell {
            if nodes == ROW_MAX {
                rows.push(std::mem::take(&mut row));
                nodes = 0;
            }
            nodes += 1;
        }
        row.push(*cell);
    }
    if !row.is_empty() {
        rows.push(row);
    }
}

fn vertex(cell: Cell, id: usize) -> Vertex {
    Vertex {
        cell,
        id,
        above: Vec::new(),
        below: Vec::new(),
    }
}

fn join(all: &mut [(usize, Vertex)], above: usize, below: usize) {
    all[above].1.below.push(below);
    all[below].1.above.push(above);
}
