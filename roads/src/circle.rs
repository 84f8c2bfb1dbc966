//! Without a graph: great-circle distance times a factor for the detours that roads make.

use schemas::plan::{Leg, Point, RoadClass, Stretch};

use crate::ground;

/// What a great circle is turned into a drive with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CircleRule {
    /// Driven distance over great-circle distance.
    pub detour: f64,
    /// Average speed where nothing is known.
    pub kmh: f64,
}

impl CircleRule {
    /// Boscoe, Henry and Zdeb, "A Nationwide Comparison of Driving Distance Versus Straight-Line Distance to Hospitals",
    /// The Professional Geographer 64(2), 2012: 1.417 on the average of the United States. Ballou, Rahardja and Sakai,
    /// "Selected country circuity factors for road travel distance estimation", Transportation Research A 36, 2002: most
    /// countries between 1.2 and 1.6.
    pub const DETOUR: f64 = 1.4;
    /// A van in a town. The speeds that are learned for roads of class `Unknown` soon say better.
    pub const KMH: f64 = 30.0;

    /// The drive from `from` to `to`: a straight line, on roads of class `Unknown`.
    pub fn leg(self, from: Point, to: Point) -> Leg {
        let metres = self.metres(from, to);
        let stretch = Stretch { class: RoadClass::Unknown, metres: metres.round() as u32 };
        Leg { points: vec![from, to], stretches: vec![stretch], seconds: self.seconds(metres).round() as u32 }
    }

    pub fn metres(self, from: Point, to: Point) -> f64 {
        ground::metres(from, to) * self.detour
    }

    pub fn seconds(self, metres: f64) -> f64 {
        metres * 3.6 / self.kmh
    }
}

impl Default for CircleRule {
    fn default() -> CircleRule {
        CircleRule { detour: Self::DETOUR, kmh: Self::KMH }
    }
}

/// The drive from `from` to `to` where no road is known, with the usual detour and speed.
pub fn great_circle(from: Point, to: Point) -> Leg {
    CircleRule::default().leg(from, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kilometre_becomes_1400_metres_and_168_seconds() {
        let from = Point::from_degrees(60.0, 24.0);
        let to = Point { lat: from.lat + 89_932, ..from };
        let leg = great_circle(from, to);
        assert_eq!(leg.stretches, [Stretch { class: RoadClass::Unknown, metres: 1400 }]);
        assert_eq!((leg.seconds, leg.points.as_slice()), (168, &[from, to][..]));
    }

    #[test]
    fn nowhere_is_no_distance() {
        let here = Point::from_degrees(60.0, 24.0);
        assert_eq!((great_circle(here, here).seconds, great_circle(here, here).points.len()), (0, 2));
    }
}
