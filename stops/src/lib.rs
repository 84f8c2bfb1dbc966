//! In which order a vehicle visits its stops: with time windows, service times and a start, and how long it takes from each
//! place to each other. For up to [`MAX_EXACT`] stops the best of all orders; for more a search within a budget. Knows no
//! shipment, no map and no record; whoever calls makes the matrix, and calls from a thread that may be busy.
//!
//! | file | what |
//! | --- | --- |
//! | `problem.rs` | stops, windows, what an order costs |
//! | `exact.rs` | all orders of few stops |
//! | `improve.rs` | many stops: local search by the exact cost |
//! | `span.rs` | what a stretch of an order does, so that changes are costed quickly |
//!
//! Why no solver from a library: `bench/stops` measures `vrp-core` beside this (`docs/stops.md`). In the same time it finds
//! orders that take longer, and on some problems none that keeps all windows; its searches do not repeat; and a library that
//! panics ends the process, whose planner meets the same problem again after each restart.

mod exact;
mod improve;
mod problem;
mod span;

use std::time::{Duration, Instant};

pub use exact::MAX_EXACT;
pub use problem::{Cost, MAX_STOPS, Problem, ProblemError, Stop};

use improve::Improver;

/// How long to search where there are more than [`MAX_EXACT`] stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// By the clock. Two seconds are plenty for 100 stops; a machine with more time finds no worse an order.
    Time(Duration),
    /// So many times the order is shaken and improved again: the same problem gives the same order on every machine. A
    /// hundred rounds of 100 stops take 0.2 s without windows, and up to 4 s where many windows cannot be met.
    Rounds(u32),
}

/// An order of stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Solution {
    /// Stops by number, each once, as they are to be visited.
    pub order: Vec<u16>,
    pub cost: Cost,
    /// No order costs less; otherwise none that costs less was found.
    pub is_best: bool,
}

/// The order of least cost, or the best that was found within the budget; never a worse one than the order given by the
/// numbers of the stops.
pub fn solve(problem: &Problem, budget: Budget) -> Result<Solution, ProblemError> {
    problem.check()?;
    if problem.stops.len() <= MAX_EXACT {
        let order = exact::solve(problem);
        return Ok(Solution { cost: problem.cost(&order), order, is_best: true });
    }
    let mut improver = Improver::new(problem, first(problem));
    match budget {
        Budget::Time(time) => {
            let start = Instant::now();
            improver.search(u32::MAX, &mut || start.elapsed() >= time);
        }
        Budget::Rounds(rounds) => improver.search(rounds, &mut || false),
    }
    Ok(Solution { cost: improver.cost(), order: improver.into_order(), is_best: false })
}

/// Where a search starts: the order given, or that in which windows close, whichever costs less.
fn first(problem: &Problem) -> Vec<u16> {
    let given: Vec<u16> = (0..problem.stops.len() as u16).collect();
    let mut closing = given.clone();
    closing.sort_by_key(|&stop| problem.stops[usize::from(stop)].window.map_or(i64::MAX, |(_, closes)| closes));
    if problem.cost(&closing) < problem.cost(&given) { closing } else { given }
}
