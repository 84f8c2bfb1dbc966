//! Ways with a graph or without: by the roads where they reach, else by a great circle, and each answer says which.

use std::path::Path;

use schemas::plan::{Basis, Leg, Point};

use crate::circle::CircleRule;
use crate::error::Error;
use crate::line;
use crate::roads::Roads;
use crate::search::Matrix;
use crate::snap::Snap;

/// What a planner asks for distances.
#[derive(Default)]
pub struct Ways {
    roads: Option<Roads>,
    circle: CircleRule,
}

impl Ways {
    pub fn new(roads: Option<Roads>, circle: CircleRule) -> Ways {
        Ways { roads, circle }
    }

    /// By the graph in `file`, if one is named.
    pub fn open(file: Option<&Path>) -> Result<Ways, Error> {
        let roads = file.map(Roads::open).transpose()?;
        Ok(Ways::new(roads, CircleRule::default()))
    }

    pub fn roads(&self) -> Option<&Roads> {
        self.roads.as_ref()
    }

    /// The way from `from` to `to`, its line thinned as a plan needs it (see [`crate::line`]).
    pub fn leg(&self, from: Point, to: Point) -> (Leg, Basis) {
        let by_roads = self.roads.as_ref().and_then(|roads| roads.route(&roads.snap(from)?, &roads.snap(to)?));
        match by_roads {
            Some(route) => (Leg { points: line::thin(&route.leg.points), ..route.leg }, Basis::Roads),
            None => (self.circle.leg(from, to), Basis::GreatCircle),
        }
    }

    /// The ways from each point to the next. `Basis::Roads` only if all of them are.
    pub fn legs(&self, points: &[Point]) -> (Vec<Leg>, Basis) {
        let mut basis = if self.roads.is_some() { Basis::Roads } else { Basis::GreatCircle };
        let mut leg = |pair: &[Point]| {
            let (leg, by) = self.leg(pair[0], pair[1]);
            if by == Basis::GreatCircle {
                basis = by;
            }
            leg
        };
        let legs = points.windows(2).map(&mut leg).collect();
        (legs, basis)
    }

    /// Times and lengths between all pairs. `Basis::Roads` only if all of them are; there is a way between any two.
    pub fn matrix(&self, points: &[Point]) -> (Matrix, Basis) {
        let snaps: Vec<Option<Snap>> = points.iter().map(|&p| self.roads.as_ref()?.snap(p)).collect();
        let n = points.len();
        let mut matrix = Matrix { points: n, ms: vec![Matrix::NO_WAY; n * n], metres: vec![Matrix::NO_WAY; n * n] };
        if let Some(roads) = &self.roads {
            let on_roads: Vec<(usize, Snap)> = snaps.iter().enumerate().filter_map(|(i, s)| Some((i, (*s)?))).collect();
            let among = roads.matrix(&on_roads.iter().map(|(_, s)| *s).collect::<Vec<_>>());
            for (a, (i, _)) in on_roads.iter().enumerate() {
                for (b, (j, _)) in on_roads.iter().enumerate() {
                    (matrix.ms[i * n + j], matrix.metres[i * n + j]) = among.between(a, b);
                }
            }
        }
        let mut basis = Basis::Roads;
        for (i, &from) in points.iter().enumerate() {
            for (j, &to) in points.iter().enumerate() {
                if matrix.ms[i * n + j] != Matrix::NO_WAY {
                    continue;
                }
                basis = Basis::GreatCircle;
                let metres = self.circle.metres(from, to);
                matrix.ms[i * n + j] = (self.circle.seconds(metres) * 1000.0).round() as u32;
                matrix.metres[i * n + j] = metres.round() as u32;
            }
        }
        (matrix, if self.roads.is_some() { basis } else { Basis::GreatCircle })
    }
}
