//! The line's geometry, from the traces of vehicles that ran along it: a principal curve. The file has no map; one trace
//! alone has a fix every 200 m and cuts every corner, ten traces together have one every 8 m.

use crate::data::{Fix, Trip};

/// Metres between two points of the line.
const STEP: f64 = 50.0;
/// Rounds of projecting all fixes and taking means; the line no longer moves after that.
const ROUNDS: usize = 5;
/// Metres beside the line beyond which a fix is not on it.
pub const OFF_LINE: f64 = 80.0;
/// Metres that a vehicle may seem to go back by: noise of the receiver.
const BACK: f64 = 60.0;
/// Metres per second that no bus exceeds in a town: how far ahead to look for the next fix.
const FASTEST: f64 = 25.0;

/// A polyline with the distance along it.
#[derive(Clone, Debug)]
pub struct Line {
    points: Vec<(f64, f64)>,
    /// Metres from the start to each point.
    along: Vec<f64>,
}

/// Where a vehicle was on the line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Milliseconds since the epoch.
    pub at: i64,
    /// Metres from the line's start; never less than before.
    pub metres: f64,
}

impl Line {
    /// From the traces of `trips`; the longest gives the first shape, all give the mean. `None`: there is none to begin with.
    pub fn derive(trips: &[&Trip]) -> Option<Line> {
        let reach = |t: &&&Trip| {
            let (Some(first), Some(last)) = (t.fixes.first(), t.fixes.last()) else { return 0 };
            (first.east - last.east).hypot(first.north - last.north) as u64
        };
        let longest = trips.iter().max_by_key(|t| (reach(t), t.fixes.len()))?;
        let mut line = Line::through(&longest.fixes.iter().map(|f| (f.east, f.north)).collect::<Vec<_>>());
        for _ in 0..ROUNDS {
            line = line.resampled(STEP).mean_of(trips);
        }
        Some(line.resampled(STEP))
    }

    fn through(points: &[(f64, f64)]) -> Line {
        let mut along = vec![0.0];
        let mut kept = vec![points[0]];
        for &point in &points[1..] {
            let last = kept[kept.len() - 1];
            let step = (point.0 - last.0).hypot(point.1 - last.1);
            // A vehicle that stands is one point; a step of a metre is noise.
            if step > 1.0 {
                along.push(along[along.len() - 1] + step);
                kept.push(point);
            }
        }
        Line { points: kept, along }
    }

    pub fn length(&self) -> f64 {
        self.along[self.along.len() - 1]
    }

    fn resampled(&self, step: f64) -> Line {
        let count = (self.length() / step).ceil() as usize;
        let step = self.length() / count as f64;
        Line::through(&(0..=count).map(|i| self.at(i as f64 * step)).collect::<Vec<_>>())
    }

    fn at(&self, metres: f64) -> (f64, f64) {
        let next = self.along.partition_point(|&a| a < metres).clamp(1, self.points.len() - 1);
        let (from, to) = (self.points[next - 1], self.points[next]);
        let share = ((metres - self.along[next - 1]) / (self.along[next] - self.along[next - 1])).clamp(0.0, 1.0);
        (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1))
    }

    /// Each point moves to the mean of the fixes that are nearest to it; smoothed a little, because a bin may have few.
    fn mean_of(&self, trips: &[&Trip]) -> Line {
        let mut sums = vec![(0.0, 0.0, 0.0); self.points.len()];
        for trip in trips {
            for (fix, progress) in self.follow(&trip.fixes) {
                let bin = self.along.partition_point(|&a| a < progress.metres - STEP / 2.0).min(sums.len() - 1);
                sums[bin].0 += fix.east;
                sums[bin].1 += fix.north;
                sums[bin].2 += 1.0;
            }
        }
        let last = self.points.len() - 1;
        Line::through(
            &(0..=last)
                .map(|i| {
                    let (east, north, count) = sums[i];
                    let (before, after) = (self.points[i.saturating_sub(1)], self.points[(i + 1).min(last)]);
                    // Where the curve was counts as one fix, its neighbours' middle as another half.
                    let own = self.points[i];
                    let middle = (f64::midpoint(before.0, after.0), f64::midpoint(before.1, after.1));
                    let weight = count + 1.5;
                    ((east + own.0 + middle.0 / 2.0) / weight, (north + own.1 + middle.1 / 2.0) / weight)
                })
                .collect::<Vec<_>>(),
        )
    }

    /// Nearest place on the line between `from` and `to` metres: (metres along, metres beside).
    fn nearest(&self, fix: &Fix, from: f64, to: f64) -> (f64, f64) {
        let mut best = (from, f64::INFINITY);
        let first = self.along.partition_point(|&a| a < from).saturating_sub(1);
        for i in first..self.points.len() - 1 {
            if self.along[i] > to {
                break;
            }
            let (a, b) = (self.points[i], self.points[i + 1]);
            let (dx, dy) = (b.0 - a.0, b.1 - a.1);
            let share = (((fix.east - a.0) * dx + (fix.north - a.1) * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
            let metres = (self.along[i] + share * (self.along[i + 1] - self.along[i])).clamp(from, to);
            let place = self.at(metres);
            let beside = (fix.east - place.0).hypot(fix.north - place.1);
            if beside < best.1 {
                best = (metres, beside);
            }
        }
        best
    }

    /// The fixes that are on the line, with their progress. Each depends on itself and those before it only.
    pub fn follow<'a>(&'a self, fixes: &'a [Fix]) -> impl Iterator<Item = (Fix, Progress)> + 'a {
        let mut last: Option<Progress> = None;
        fixes.iter().filter_map(move |&fix| {
            let (from, to) = match last {
                Some(last) => {
                    let seconds = (fix.at.0 - last.at) as f64 / 1000.0;
                    (last.metres - BACK, last.metres + BACK + FASTEST * seconds)
                }
                None => (0.0, self.length()),
            };
            let (metres, beside) = self.nearest(&fix, from.max(0.0), to.min(self.length()));
            if beside > OFF_LINE {
                return None;
            }
            let metres = last.map_or(metres, |last| metres.max(last.metres));
            last = Some(Progress { at: fix.at.0, metres });
            last.map(|progress| (fix, progress))
        })
    }

    /// Metres that a fix lies beside the line.
    pub fn beside(&self, fix: &Fix) -> f64 {
        self.nearest(fix, 0.0, self.length()).1
    }
}
