//! Strongly connected components: which nodes wait for themselves.

/// For each node the number of its component; nodes of one component wait for each other.
///
/// Tarjan's algorithm (SIAM Journal on Computing 1, 1972) with a stack of its own, so that a
/// long chain cannot exhaust the thread's.
pub(super) fn components(count: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut search = Search {
        next: following(count, edges),
        index: vec![None; count],
        low: vec![0; count],
        component: vec![None; count],
        stack: Vec::new(),
        visited: 0,
        found: 0,
    };
    for node in 0..count {
        if search.index[node].is_none() {
            search.from(node);
        }
    }
    let component = search.component.into_iter();
    component.map(Option::unwrap_or_default).collect()
}

/// The nodes that each node leads to.
pub(super) fn following(count: usize, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut next = vec![Vec::new(); count];
    for (from, to) in edges {
        next[*from].push(*to);
    }
    next
}

struct Search {
    next: Vec<Vec<usize>>,
    index: Vec<Option<usize>>,
    low: Vec<usize>,
    component: Vec<Option<usize>>,
    stack: Vec<usize>,
    visited: usize,
    found: usize,
}

impl Search {
    fn enter(&mut self, node: usize) {
        self.index[node] = Some(self.visited);
        self.low[node] = self.visited;
        self.visited += 1;
        self.stack.push(node);
    }

    fn from(&mut self, start: usize) {
        self.enter(start);
        // Each entry: a node, and how many of its edges were followed.
        let mut path = vec![(start, 0)];
        while let Some((node, followed)) = path.last_mut() {
            let node = *node;
            let Some(to) = self.next[node].get(*followed).copied() else {
                path.pop();
                if let Some((before, _)) = path.last() {
                    self.low[*before] = self.low[*before].min(self.low[node]);
                }
                self.leave(node);
                continue;
            };
            *followed += 1;
            match self.index[to] {
                None => {
                    self.enter(to);
                    path.push((to, 0));
                }
                Some(seen) if self.component[to].is_none() => {
                    self.low[node] = self.low[node].min(seen);
                }
                Some(_) => {}
            }
        }
    }

    /// When nothing earlier is reached from a node, what lies above it on the stack is one
    /// component.
    fn leave(&mut self, node: usize) {
        if Some(self.low[node]) != self.index[node] {
            return;
        }
        while let Some(member) = self.stack.pop() {
            self.component[member] = Some(self.found);
            if member == node {
                break;
            }
        }
        self.found += 1;
    }
}
