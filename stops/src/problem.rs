//! What is to be decided and what an order of stops costs. Searches nothing.

/// Most stops of one problem; a dispatch has no more.
pub const MAX_STOPS: usize = 200;

/// A vehicle, its stops, and how long it takes from each place to each other.
///
/// Place 0 is where the vehicle starts, at second 0; place *i* + 1 is stop *i*.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Seconds from place to place, row by row: from *a* to *b* is `durations[a * places + b]`.
    pub durations: Vec<u32>,
    pub stops: Vec<Stop>,
    /// The vehicle goes back to where it started, and is wanted there early; otherwise it ends at its last stop.
    pub back: bool,
}

/// One stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stop {
    pub service_seconds: u32,
    /// Seconds after the start: service does not begin before the first, and is late when it begins after the second.
    pub window: Option<(i64, i64)>,
}

/// Seconds; windows that begin or end farther away do so here, so that sums of times do not overflow.
const FAR: i64 = 1_000_000_000_000_000;

impl Stop {
    /// When service may begin without waiting, and without being late; with no window, always.
    pub(crate) fn opens_and_closes(self) -> (i64, i64) {
        self.window.map_or((-FAR, FAR), |(from, to)| (from.clamp(-FAR, FAR), to.clamp(-FAR, FAR)))
    }
}

/// What an order costs: less is better, the first figure first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost {
    /// Seconds that stops are late, summed over the stops.
    pub late_seconds: i64,
    /// Seconds until the last stop is served, or the vehicle is back.
    pub total_seconds: i64,
    /// Seconds of driving: of two orders that end at the same time, the one that waits more and drives less is better.
    pub driving_seconds: i64,
}

/// Why there is nothing to solve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProblemError {
    #[error("there are {0} stops; {MAX_STOPS} are the most")]
    TooManyStops(usize),
    #[error("{stops} stops need a matrix of {expected} durations; there are {found}")]
    Matrix { stops: usize, expected: usize, found: usize },
    #[error("the window of stop {stop} ends at {to} s and begins at {from} s; it must end later than it begins")]
    Window { stop: usize, from: i64, to: i64 },
}

/// The vehicle on its way: when it is free, and what it has cost so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub place: usize,
    pub cost: Cost,
}

impl Problem {
    /// Places: the start and the stops.
    pub fn places(&self) -> usize {
        self.stops.len() + 1
    }

    /// Seconds from place to place.
    pub fn duration(&self, from: usize, to: usize) -> i64 {
        i64::from(self.durations[from * self.places() + to])
    }

    pub(crate) fn check(&self) -> Result<(), ProblemError> {
        let (stops, found) = (self.stops.len(), self.durations.len());
        if stops > MAX_STOPS {
            return Err(ProblemError::TooManyStops(stops));
        }
        let expected = self.places() * self.places();
        if found != expected {
            return Err(ProblemError::Matrix { stops, expected, found });
        }
        for (stop, s) in self.stops.iter().enumerate() {
            if let Some((from, to)) = s.window.filter(|(from, to)| from > to) {
                return Err(ProblemError::Window { stop, from, to });
            }
        }
        Ok(())
    }

    pub(crate) fn start() -> Progress {
        Progress { place: 0, cost: Cost { late_seconds: 0, total_seconds: 0, driving_seconds: 0 } }
    }

    /// Drives on to `stop` and serves it.
    pub(crate) fn visit(&self, from: Progress, stop: usize) -> Progress {
        let driving = self.duration(from.place, stop + 1);
        let arrival = from.cost.total_seconds + driving;
        let (opens, closes) = self.stops[stop].opens_and_closes();
        Progress {
            place: stop + 1,
            cost: Cost {
                late_seconds: from.cost.late_seconds + (arrival - closes).max(0),
                total_seconds: arrival.max(opens) + i64::from(self.stops[stop].service_seconds),
                driving_seconds: from.cost.driving_seconds + driving,
            },
        }
    }

    /// Goes back to the start, if that is wanted.
    pub(crate) fn end(&self, from: Progress) -> Cost {
        let driving = if self.back { self.duration(from.place, 0) } else { 0 };
        Cost {
            late_seconds: from.cost.late_seconds,
            total_seconds: from.cost.total_seconds + driving,
            driving_seconds: from.cost.driving_seconds + driving,
        }
    }

    /// What visiting the stops in this order costs. Each is to be named once; the order of a solution is.
    pub fn cost(&self, order: &[u16]) -> Cost {
        self.end(order.iter().fold(Self::start(), |at, &stop| self.visit(at, usize::from(stop))))
    }
}
