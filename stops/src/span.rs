//! What a stretch of the order does to a vehicle, as a function of when it begins: so that a changed order is costed by
//! joining stretches, whatever their length. Holds while nobody is late; lateness has no such short form.

use crate::problem::Problem;

/// Seconds; before any time that a problem has.
const NEVER: i64 = i64::MIN / 4;

/// Some stops in a row. Whoever arrives at the first at time *t* is done with the last at max(*t* + `lasts`, `earliest`),
/// and is late nowhere if *t* ≤ `latest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// Seconds from the first arrival to the last departure without waiting.
    pub lasts: i64,
    /// No departure from the last stop is before this.
    pub earliest: i64,
    /// An arrival later than this makes somebody late.
    pub latest: i64,
    /// Seconds of driving between the stops.
    pub driving: i64,
    /// Places of the first and the last stop.
    pub first: u16,
    pub last: u16,
}

impl Span {
    /// One stop.
    pub fn of(problem: &Problem, stop: u16) -> Span {
        let served = problem.stops[usize::from(stop)];
        let (opens, closes) = served.opens_and_closes();
        let service = i64::from(served.service_seconds);
        Span { lasts: service, earliest: opens + service, latest: closes, driving: 0, first: stop + 1, last: stop + 1 }
    }

    /// This, then `next`.
    pub fn then(self, problem: &Problem, next: Span) -> Span {
        let way = problem.duration(usize::from(self.last), usize::from(next.first));
        // Nobody can be in time at `next` if even the earliest arrival is too late.
        let open = if self.earliest + way <= next.latest { next.latest - way - self.lasts } else { NEVER };
        Span {
            lasts: self.lasts + way + next.lasts,
            earliest: (self.earliest + way + next.lasts).max(next.earliest),
            latest: self.latest.min(open),
            driving: self.driving + way + next.driving,
            first: self.first,
            last: next.last,
        }
    }
}

/// The spans of all stretches of an order, both ways.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Spans {
    count: usize,
    /// From position *a* to position *b*, at `a * count + b`: with the order if *a* ≤ *b*, else against it.
    table: Vec<Span>,
}

impl Spans {
    /// Measures the stretches of `order` that touch the positions `from..to`; all if it was never measured.
    pub fn measure(&mut self, problem: &Problem, order: &[u16], from: usize, to: usize) {
        let (mut from, mut to) = (from, to);
        if self.table.is_empty() {
            self.count = order.len();
            let Some(&stop) = order.first() else { return };
            self.table.resize(self.count * self.count, Span::of(problem, stop));
            (from, to) = (0, self.count);
        }
        for a in (0..to).rev() {
            let own = Span::of(problem, order[a]);
            if a >= from {
                self.table[a * self.count + a] = own;
            }
            for b in from.max(a + 1)..self.count {
                self.table[a * self.count + b] = own.then(problem, self.get(a + 1, b));
                self.table[b * self.count + a] = self.get(b, a + 1).then(problem, own);
            }
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.table.clear();
    }

    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The stretch from one position to another, both included.
    pub fn get(&self, a: usize, b: usize) -> Span {
        self.table[a * self.count + b]
    }
}
