//! Better orders from a given one, by the exact cost: stops are moved, singly or two or three in a row, and stretches
//! turned round, until nothing helps; then the order is shaken and the same tried again (iterated local search).

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::problem::{Cost, Problem, Progress};
use crate::span::{Span, Spans};

/// Most stops that are moved together.
const LONGEST_RUN: usize = 3;
/// A shake of the order: most are small, because a large one costs more to mend than it finds.
struct Shake {
    /// Fewest and most stops that go elsewhere, one by one.
    stops: std::ops::RangeInclusive<usize>,
    /// Positions by which such a stop moves at most.
    farthest: usize,
    /// Longest of two stretches that change places.
    longest: usize,
}
const SMALL: Shake = Shake { stops: 1..=4, farthest: 20, longest: 15 };
const LARGE: Shake = Shake { stops: 2..=6, farthest: crate::MAX_STOPS, longest: 30 };
/// Share of large shakes.
const LARGE_SHARE: f64 = 0.3;
/// Of the random shakes: a search of the same rounds gives the same order.
const SEED: u64 = 1;

/// An order, with what it costs up to each place and what each of its stretches does, so that a change is costed quickly.
pub(crate) struct Improver<'a> {
    problem: &'a Problem,
    order: Vec<u16>,
    /// Before each position; one more than there are stops.
    prefix: Vec<Progress>,
    /// Empty while somebody is late.
    spans: Spans,
    cost: Cost,
    /// By stop: its neighbours have changed since its moves were tried in vain.
    awake: Vec<bool>,
}

/// A change of the order: the positions `from..to` are visited as these stretches say, each from its first position to its
/// second, which may lie before it.
#[derive(Clone, Copy, Debug)]
struct Change {
    from: usize,
    to: usize,
    first: (usize, usize),
    second: Option<(usize, usize)>,
}

impl Change {
    /// `length` stops from `run` on, moved so that they begin at `target`, which is elsewhere; straight or turned round.
    fn moved(run: usize, length: usize, target: usize, turned: bool) -> Change {
        let own = if turned { (run + length - 1, run) } else { (run, run + length - 1) };
        if target < run {
            Change { from: target, to: run + length, first: own, second: Some((target, run - 1)) }
        } else {
            Change { from: run, to: target + length, first: (run + length, target + length - 1), second: Some(own) }
        }
    }

    /// The stretch `from..to` turned round.
    fn turned(from: usize, to: usize) -> Change {
        Change { from, to, first: (to - 1, from), second: None }
    }

    /// The positions, as they are visited.
    fn positions(self) -> impl Iterator<Item = usize> {
        let along = |(a, b): (usize, usize)| {
            let (ahead, back) = if a <= b { (a..b + 1, 0..0) } else { (0..0, b..a + 1) };
            ahead.chain(back.rev())
        };
        along(self.first).chain(self.second.into_iter().flat_map(along))
    }
}

impl<'a> Improver<'a> {
    pub fn new(problem: &'a Problem, order: Vec<u16>) -> Improver<'a> {
        let cost = problem.cost(&order);
        let awake = vec![true; order.len()];
        let mut improver = Improver { problem, order, prefix: vec![], spans: Spans::default(), cost, awake };
        improver.measure(0, improver.order.len());
        improver
    }

    pub fn cost(&self) -> Cost {
        self.cost
    }

    pub fn into_order(self) -> Vec<u16> {
        self.order
    }

    fn set(&mut self, order: &[u16]) {
        // Only what differs is measured again.
        let same = |pair: &(&u16, &u16)| pair.0 == pair.1;
        let from = self.order.iter().zip(order).take_while(same).count();
        let to = order.len() - self.order.iter().rev().zip(order.iter().rev()).take_while(same).count();
        self.order.clear();
        self.order.extend_from_slice(order);
        if from < to {
            self.measure(from, to);
        }
    }

    /// The order differs from what was measured in the positions `from..to`.
    fn measure(&mut self, from: usize, to: usize) {
        self.prefix.truncate(from + 1);
        if self.prefix.is_empty() {
            self.prefix.push(Problem::start());
        }
        for position in self.prefix.len() - 1..self.order.len() {
            let next = self.problem.visit(self.prefix[position], usize::from(self.order[position]));
            self.prefix.push(next);
        }
        self.cost = self.problem.end(self.prefix[self.order.len()]);
        if self.cost.late_seconds == 0 {
            self.spans.measure(self.problem, &self.order, from, to);
        } else {
            self.spans.clear();
        }
    }

    fn is_better(&self, change: Change) -> bool {
        if self.spans.is_empty() { self.is_better_by_steps(change) } else { self.is_better_by_spans(change) }
    }

    /// While nobody is late: joins the stretches. An order with somebody late costs more.
    fn is_better_by_spans(&self, change: Change) -> bool {
        let mut at = self.prefix[change.from];
        let last = self.order.len();
        let rest = (change.to < last).then(|| (change.to, last - 1));
        for (a, b) in std::iter::once(change.first).chain(change.second).chain(rest) {
            let Span { lasts, earliest, latest, driving, first, last } = self.spans.get(a, b);
            let way = self.problem.duration(at.place, usize::from(first));
            let arrival = at.cost.total_seconds + way;
            if arrival > latest {
                return false;
            }
            at.cost.total_seconds = (arrival + lasts).max(earliest);
            at.cost.driving_seconds += way + driving;
            at.place = usize::from(last);
        }
        self.problem.end(at) < self.cost
    }

    /// Goes along the whole changed way, as far as it can still be better.
    fn is_better_by_steps(&self, change: Change) -> bool {
        let mut at = self.prefix[change.from];
        for position in change.positions() {
            at = self.problem.visit(at, usize::from(self.order[position]));
            if at.cost.late_seconds > self.cost.late_seconds {
                return false;
            }
        }
        for position in change.to..self.order.len() {
            at = self.problem.visit(at, usize::from(self.order[position]));
            if at.cost.late_seconds > self.cost.late_seconds {
                return false;
            }
            // Both are at the same place, with the same way ahead: who is not ahead in any figure stays so.
            let before = self.prefix[position + 1].cost;
            let late = at.cost.late_seconds - before.late_seconds;
            let total = at.cost.total_seconds - before.total_seconds;
            let driving = at.cost.driving_seconds - before.driving_seconds;
            if late >= 0 && total >= 0 && driving >= 0 {
                return false;
            }
            if total == 0 {
                return (late, driving) < (0, 0);
            }
        }
        self.problem.end(at) < self.cost
    }

    /// Takes the change if it helps; whether it did.
    fn try_change(&mut self, change: Change) -> bool {
        if !self.is_better(change) {
            return false;
        }
        let changed: Vec<u16> = change.positions().map(|position| self.order[position]).collect();
        self.order[change.from..change.to].copy_from_slice(&changed);
        self.measure(change.from, change.to);
        self.wake(change.from, change.to);
        if change.second.is_some() {
            let join = change.from + change.first.0.abs_diff(change.first.1) + 1;
            self.wake(join, join);
        }
        true
    }

    /// Goes down to where no move of a stop that is awake helps, or until `stop`, which is asked often enough for a clock.
    /// Single stops are moved first: in this order it ends at better places than stop by stop.
    pub fn descend(&mut self, stop: &mut dyn FnMut() -> bool) {
        while !stop() && (self.move_runs(stop) || self.turn_stretches(stop)) {}
        self.awake.fill(false);
    }

    fn is_awake(&self, position: usize) -> bool {
        self.awake[usize::from(self.order[position])]
    }

    /// Moves one to three stops elsewhere, straight or turned; whether anything helped.
    fn move_runs(&mut self, stop: &mut dyn FnMut() -> bool) -> bool {
        let count = self.order.len();
        let mut helped = false;
        for length in 1..=LONGEST_RUN.min(count.saturating_sub(1)) {
            for run in 0..=count - length {
                if stop() {
                    return helped;
                }
                for target in (0..=count - length).filter(|&target| target != run) {
                    if self.is_awake(run) {
                        helped |= self.try_change(Change::moved(run, length, target, false));
                        helped |= length > 1 && self.try_change(Change::moved(run, length, target, true));
                    }
                }
            }
        }
        helped
    }

    /// Turns a stretch of the order round; whether anything helped.
    fn turn_stretches(&mut self, stop: &mut dyn FnMut() -> bool) -> bool {
        let count = self.order.len();
        let mut helped = false;
        for from in 0..count {
            if stop() {
                return helped;
            }
            for to in from + 2..=count {
                if self.is_awake(from) || self.is_awake(to - 1) {
                    helped |= self.try_change(Change::turned(from, to));
                }
            }
        }
        helped
    }

    /// Wakes the stops at and beside the positions `from..to`'s ends: what has new neighbours may be better off elsewhere.
    fn wake(&mut self, from: usize, to: usize) {
        for position in [from.wrapping_sub(1), from, to.wrapping_sub(1), to] {
            if let Some(&stop) = self.order.get(position) {
                self.awake[usize::from(stop)] = true;
            }
        }
    }

    /// Changes the order a little and at random, in a way that no single move takes back: two neighbouring stretches change
    /// places, or some stops go elsewhere.
    fn shake(&mut self, random: &mut ChaCha8Rng) {
        let count = self.order.len();
        let Shake { stops, farthest, longest } = if random.random_bool(LARGE_SHARE) { LARGE } else { SMALL };
        if random.random_bool(0.5) {
            let longest = longest.min(count / 2);
            let (a, b) = (random.random_range(1..=longest), random.random_range(1..=longest));
            let from = random.random_range(0..=count - a - b);
            self.order[from..from + a + b].rotate_left(a);
            self.wake(from, from + a + b);
            self.wake(from + b, from + b);
        } else {
            for _ in 0..random.random_range(stops) {
                let from = random.random_range(0..count);
                let to = random.random_range(from.saturating_sub(farthest)..count.min(from + farthest + 1));
                let stop = self.order.remove(from);
                self.wake(from, from);
                self.order.insert(to, stop);
                self.wake(to, to + 1);
            }
        }
        self.measure(0, count);
    }

    /// Descends, then shakes and descends again, always from the best so far, until `stop`, or for so many `rounds`.
    pub fn search(&mut self, rounds: u32, stop: &mut dyn FnMut() -> bool) {
        let mut random = ChaCha8Rng::seed_from_u64(SEED);
        self.descend(stop);
        let (mut best, mut least) = (self.order.clone(), self.cost);
        for _ in 0..rounds {
            if stop() {
                break;
            }
            self.shake(&mut random);
            self.descend(stop);
            // As good as the best is taken, too: that is how it leaves a plain.
            if self.cost <= least {
                best.clone_from(&self.order);
                least = self.cost;
            } else {
                self.set(&best);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Stop;

    /// Problems with durations that obey nothing, and windows that cannot all be met.
    fn problems(most: usize) -> impl Strategy<Value = Problem> {
        (2..=most, any::<bool>()).prop_flat_map(|(count, back)| {
            let stop = (0..30_u32, proptest::option::of((0..300_i64, 0..200_i64)))
                .prop_map(|(service_seconds, window)| Stop { service_seconds, window: window.map(|(from, wide)| (from, from + wide)) });
            let durations = proptest::collection::vec(0..100_u32, (count + 1) * (count + 1));
            (durations, proptest::collection::vec(stop, count)).prop_map(move |(durations, stops)| Problem { durations, stops, back })
        })
    }

    /// What each way of looking at a change says of it is what its whole cost says.
    fn agrees(improver: &Improver<'_>, change: Change) -> Result<(), TestCaseError> {
        let mut changed = improver.order.clone();
        let positions: Vec<usize> = change.positions().collect();
        for (place, &position) in (change.from..change.to).zip(&positions) {
            changed[place] = improver.order[position];
        }
        let mut sorted = positions;
        sorted.sort_unstable();
        prop_assert_eq!(sorted, (change.from..change.to).collect::<Vec<_>>(), "each stop once");
        let less = improver.problem.cost(&changed) < improver.cost;
        prop_assert_eq!(improver.is_better_by_steps(change), less, "by steps: {:?}", change);
        if !improver.spans.is_empty() {
            prop_assert_eq!(improver.is_better_by_spans(change), less, "by spans: {:?}", change);
        }
        Ok(())
    }

    /// Every change there is.
    fn changes(count: usize) -> Vec<Change> {
        let mut all = vec![];
        for length in 1..=LONGEST_RUN.min(count - 1) {
            for run in 0..=count - length {
                for target in (0..=count - length).filter(|&target| target != run) {
                    all.extend([false, true].map(|turned| Change::moved(run, length, target, turned)));
                }
            }
        }
        all.extend((0..count).flat_map(|from| (from + 2..=count).map(move |to| Change::turned(from, to))));
        all
    }

    proptest! {
        #[test]
        fn every_change_is_costed_right(problem in problems(8)) {
            let order: Vec<u16> = (0..problem.stops.len() as u16).collect();
            let mut improver = Improver::new(&problem, order);
            for _ in 0..2 {
                for change in changes(problem.stops.len()) {
                    agrees(&improver, change)?;
                }
                // Again where it has been measured piece by piece.
                improver.descend(&mut || false);
            }
        }

        /// And where windows are such that nobody is late, so that spans are what is looked at.
        #[test]
        fn without_lateness_too(mut problem in problems(8)) {
            let order: Vec<u16> = (0..problem.stops.len() as u16).collect();
            let mut at = Problem::start();
            for &stop in &order {
                let driving = problem.duration(at.place, usize::from(stop) + 1);
                if let Some((_, closes)) = &mut problem.stops[usize::from(stop)].window {
                    *closes = (*closes).max(at.cost.total_seconds + driving);
                }
                at = problem.visit(at, usize::from(stop));
            }
            let improver = Improver::new(&problem, order);
            prop_assert_eq!(improver.cost.late_seconds, 0);
            for change in changes(problem.stops.len()) {
                agrees(&improver, change)?;
            }
        }

        #[test]
        fn a_descent_never_rises_and_ends(problem in problems(20)) {
            let order: Vec<u16> = (0..problem.stops.len() as u16).collect();
            let before = problem.cost(&order);
            let mut improver = Improver::new(&problem, order);
            improver.descend(&mut || false);
            prop_assert!(improver.cost() <= before);
            prop_assert_eq!(improver.cost(), problem.cost(&improver.order));
            let fresh = Improver::new(&problem, improver.order.clone());
            prop_assert_eq!(&improver.prefix, &fresh.prefix);
            prop_assert!(improver.spans == fresh.spans);
        }
    }
}
