//! How good predictions were: figures only.

use crate::replay::{Forecast, WINDOWS};

/// Figures of a set of predictions; errors in seconds.
#[derive(Clone, Debug)]
pub struct Score {
    pub count: usize,
    /// Mean absolute error.
    pub ours: f64,
    pub average: f64,
    /// By window of [`WINDOWS`].
    pub last: [f64; WINDOWS.len()],
    /// Mean error; positive: arrived later than predicted.
    pub bias: f64,
    /// Share of arrivals inside the 90 % interval.
    pub coverage: f64,
    /// Mean width of that interval, s.
    pub width: f64,
    /// Mean time until arrival, s.
    pub actual: f64,
}

impl Score {
    /// `None` of nothing.
    pub fn of<'a>(forecasts: impl IntoIterator<Item = &'a Forecast>) -> Option<Score> {
        let all: Vec<&Forecast> = forecasts.into_iter().collect();
        if all.is_empty() {
            return None;
        }
        let mean = |figure: &dyn Fn(&Forecast) -> f64| all.iter().map(|f| figure(f)).sum::<f64>() / all.len() as f64;
        Some(Score {
            count: all.len(),
            ours: mean(&|f| (f.actual - f.seconds).abs()),
            average: mean(&|f| (f.actual - f.average).abs()),
            last: std::array::from_fn(|w| mean(&|f| (f.actual - f.last[w]).abs())),
            bias: mean(&|f| f.actual - f.seconds),
            coverage: mean(&|f| f64::from(u8::from((f.from..=f.to).contains(&f.actual)))),
            width: mean(&|f| f.to - f.from),
            actual: mean(&|f| f.actual),
        })
    }
}

/// Metres from the vehicle to the place, from … to …: the distance is known when the prediction is made, the time is not.
pub const DISTANCES: [(f64, f64); 5] =
    [(200.0, 1_000.0), (1_000.0, 2_000.0), (2_000.0, 4_000.0), (4_000.0, 6_000.0), (6_000.0, f64::INFINITY)];

/// By distance; bins with nothing in them are left out.
pub fn by_distance(forecasts: &[Forecast]) -> Vec<((f64, f64), Score)> {
    DISTANCES
        .iter()
        .filter_map(|&(from, to)| Some(((from, to), Score::of(forecasts.iter().filter(|f| (from..to).contains(&f.remaining)))?)))
        .collect()
}

impl Score {
    /// Which window makes the "last known speed" best.
    pub fn best_window(&self) -> usize {
        (0..WINDOWS.len()).min_by(|&a, &b| self.last[a].total_cmp(&self.last[b])).unwrap_or(0)
    }

    /// What is promised: better than both baselines, and the interval says what it claims.
    pub fn holds(&self) -> bool {
        self.ours < self.average && self.ours < self.last[self.best_window()] && (0.80..=0.97).contains(&self.coverage)
    }
}
