//! The best of all orders, for few stops: depth first, and back as soon as it cannot become better than the best so far.

use crate::problem::{Cost, Problem, Progress};

/// Most stops that are ordered by trying all orders: 9! are 362,880, cut short by the bound, milliseconds in all.
pub const MAX_EXACT: usize = 9;

/// The order of least cost; of several, the first by number.
pub(crate) fn solve(problem: &Problem) -> Vec<u16> {
    let mut search = Search { problem, way: vec![], best: (0..problem.stops.len() as u16).collect(), cost: None };
    search.descend(Problem::start(), 0);
    search.best
}

struct Search<'a> {
    problem: &'a Problem,
    way: Vec<u16>,
    best: Vec<u16>,
    cost: Option<Cost>,
}

impl Search<'_> {
    /// Tries every stop that is not in `visited` (bit by number) next.
    fn descend(&mut self, at: Progress, visited: u32) {
        let count = self.problem.stops.len();
        if self.way.len() == count {
            let cost = self.problem.end(at);
            if self.cost.is_none_or(|best| cost < best) {
                self.cost = Some(cost);
                self.best.clone_from(&self.way);
            }
            return;
        }
        for stop in (0..count).filter(|stop| visited & (1 << stop) == 0) {
            let next = self.problem.visit(at, stop);
            // No figure of a cost ever falls on the way, so this is a bound.
            if self.cost.is_some_and(|best| next.cost >= best) {
                continue;
            }
            self.way.push(stop as u16);
            self.descend(next, visited | 1 << stop);
            self.way.pop();
        }
    }
}
