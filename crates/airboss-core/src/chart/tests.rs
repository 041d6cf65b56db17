//! Layers, cycles and the charts of plans.

use super::*;
use crate::plan::Plan;

fn node(id: &str) -> Node {
    Node {
        id: id.to_owned(),
        title: String::new(),
        stand: Stand::Pending,
        status: String::new(),
        group: None,
        is_phase: false,
        in_cycle: false,
    }
}

/// A chart of `0..count` with these edges.
fn chart(count: usize, edges: &[(usize, usize)]) -> Chart {
    let nodes = (0..count).map(|at| node(&at.to_string())).collect();
    Chart::new("t", Vec::new(), nodes, edges.iter().copied())
}

fn rows(chart: &Chart) -> Vec<Vec<usize>> {
    let layout = chart.layout();
    let nodes = |row: &Vec<Cell>| -> Vec<usize> {
        let cells = row.iter();
        cells
            .filter_map(|cell| match cell {
                Cell::Node(node) => Some(*node),
                Cell::Bend(_) => None,
            })
            .collect()
    };
    layout.rows.iter().map(nodes).collect()
}

#[test]
fn layers_follow_the_longest_way() {
    let check = |count, edges: &[(usize, usize)], expected: &[&[usize]]| {
        assert_eq!(rows(&chart(count, edges)), expected);
    };
    check(0, &[], &[]);
    check(2, &[], &[&[0, 1]]);
    check(3, &[(0, 1), (1, 2), (0, 2)], &[&[0], &[1], &[2]]);
    // Neighbours come near each other: 3 is below 0, 2 below 1.
    check(4, &[(0, 3), (1, 2)], &[&[0, 1], &[3, 2]]);
    // What nothing is joined to comes last.
    check(3, &[(1, 2)], &[&[1], &[2], &[0]]);
}

#[test]
fn cycles_are_marked_and_drawn() {
    let check = |edges: &[(usize, usize)], expected: &[usize]| {
        let chart = chart(4, edges);
        let marked = (0..4).filter(|at| chart.nodes[*at].in_cycle);
        assert_eq!(marked.collect::<Vec<_>>(), expected, "{edges:?}");
        assert_eq!(rows(&chart).concat().len(), 4, "every node has its place");
    };
    check(&[(0, 1), (1, 2), (2, 3)], &[]);
    check(&[(0, 1), (1, 2), (2, 0), (2, 3)], &[0, 1, 2]);
    check(&[(0, 0)], &[0]);
    check(&[(3, 2), (2, 3), (0, 1), (1, 0)], &[0, 1, 2, 3]);
}

#[test]
fn of_very_many_nodes_settled_ones_are_left_out_first() {
    let mut nodes: Vec<Node> = (0..NODES_MAX + 10)
        .map(|at| node(&at.to_string()))
        .collect();
    for node in &mut nodes[5..10] {
        node.stand = Stand::Done;
    }
    let chart = Chart::new("t", Vec::new(), nodes, [(0, 1), (4, 5), (1, NODES_MAX + 9)]);
    assert_eq!((chart.nodes.len(), chart.left_out), (NODES_MAX, 10));
    assert_eq!(chart.nodes[5].id, "10");
    assert_eq!(chart.edges.len(), 1, "edges to what is left out go with it");
}

#[test]
fn a_long_chain_and_a_wide_layer() {
    let long: Vec<_> = (0..NODES_MAX - 1).map(|at| (at, at + 1)).collect();
    assert_eq!(rows(&chart(NODES_MAX, &long)).len(), NODES_MAX);
    let wide: Vec<_> = (1..100).map(|at| (0, at)).collect();
    let rows = rows(&chart(100, &wide));
    assert!(rows.iter().all(|row| row.len() <= 10), "{rows:?}");
}

/// The edges of a plan as `from>to`, by id.
fn edges(text: &str) -> String {
    let chart = Chart::of_plan("t", &Plan::parse(text.as_bytes()), None);
    let name = |at: usize| chart.nodes[at].id.as_str();
    let edges = chart.edges.iter().map(|edge| {
        let turn = if edge.in_cycle { "!" } else { "" };
        format!("{}>{}{turn}", name(edge.from), name(edge.to))
    });
    edges.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_plan_with_phases() {
    let plan = "# Plan: A\n\n### Phase 1: One [NOT STARTED]\n**Dependencies**: []\n**Tasks**:\n\
                - [ ] 1.1 a\n- [ ] 1.2 b\n\n### Phase 2: Two [NOT STARTED]\n\
                **Dependencies**: [1]\n**Tasks**:\n- [ ] 2.1 c\n- [ ] 2.2 d (depends: 2.1)\n";
    assert_eq!(edges(plan), "1.1>Phase 1 1.2>Phase 1 2.1>2.2 Phase 1>2.1");
}

#[test]
fn a_plan_that_waits_for_itself_is_drawn_as_it_says() {
    let plan = "# Plan: A\n\n### Phase 1: One [NOT STARTED]\n**Dependencies**: []\n**Tasks**:\n\
                - [ ] 1.1 a (depends: 1.2)\n- [ ] 1.2 b (depends: 1.1)\n- [ ] 1.3 c (depends: 1.2)\n";
    assert_eq!(edges(plan), "1.1>1.2! 1.2>1.1! 1.2>1.3");
}
