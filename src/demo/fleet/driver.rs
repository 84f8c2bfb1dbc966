//! One van on its way, as it really was: where at which time. Traffic, lights and how long people take to open a door are
//! drawn; trackers and what they get wrong are in `mishaps.rs`.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use roads::ground::{between, metres};
use schemas::plan::Point;

use super::streets::{Streets, heading};

/// How many times as long as with nobody else on the street, by the hour of the day.
const TRAFFIC: [f64; 24] =
    [1.05, 1.05, 1.05, 1.05, 1.05, 1.1, 1.2, 1.4, 1.6, 1.45, 1.35, 1.3, 1.35, 1.35, 1.4, 1.5, 1.65, 1.6, 1.4, 1.25, 1.2, 1.1, 1.1, 1.05];
/// Metres between two lights, and how long a red one keeps, in seconds.
const LIGHTS_EVERY: f64 = 220.0;
const RED: std::ops::Range<f64> = 5.0..35.0;
/// A van on the move is faster than this, metres per second.
const MOVING: f64 = 0.5;

#[derive(Clone, Copy, Debug, PartialEq)]
struct Knot {
    /// Milliseconds since the epoch.
    at: i64,
    point: Point,
}

/// A way in space and time: between two knots the van goes straight and evenly.
#[derive(Clone, Debug, PartialEq)]
pub struct Drive {
    knots: Vec<Knot>,
}

/// Where a van is, and how it moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    pub point: Point,
    /// Metres per second.
    pub speed: f64,
    /// Degrees clockwise from north; of a van that stands: as it came.
    pub heading: f64,
}

impl Moment {
    pub fn is_moving(&self) -> bool {
        self.speed > MOVING
    }
}

impl Drive {
    pub fn begin(at: i64, point: Point) -> Drive {
        Drive { knots: vec![Knot { at, point }] }
    }

    fn last(&self) -> Knot {
        self.knots[self.knots.len() - 1]
    }

    /// Milliseconds since the epoch.
    pub fn start(&self) -> i64 {
        self.knots[0].at
    }

    pub fn end(&self) -> i64 {
        self.last().at
    }

    pub fn here(&self) -> Point {
        self.last().point
    }

    pub fn stand_until(&mut self, at: i64) {
        let Knot { at: now, point } = self.last();
        self.knots.push(Knot { at: at.max(now), point });
    }

    pub fn stand(&mut self, seconds: f64) {
        self.stand_until(self.end() + (seconds * 1000.0) as i64);
    }

    /// By the fastest way to the street before `to`.
    pub fn to(&mut self, streets: &Streets, to: Point, rng: &mut ChaCha8Rng) {
        let way = streets.way(self.here(), to);
        let hour = (self.end() / 3_600_000).rem_euclid(24) as usize;
        // This driver, this street, today.
        let pace = TRAFFIC[hour] * rng.random_range(0.85..1.15);
        let seconds_per_metre = if way.metres > 0.0 { way.seconds * pace / way.metres } else { 0.0 };
        let mut to_light = rng.random_range(0.0..LIGHTS_EVERY);
        for pair in way.points.windows(2) {
            let length = metres(pair[0], pair[1]);
            let mut done = 0.0;
            while length - done > to_light {
                done += to_light;
                self.go(between(pair[0], pair[1], done / length), to_light * seconds_per_metre);
                to_light = LIGHTS_EVERY;
                if rng.random_bool(0.4) {
                    self.stand(rng.random_range(RED));
                }
            }
            self.go(pair[1], (length - done) * seconds_per_metre);
            to_light -= length - done;
        }
    }

    fn go(&mut self, point: Point, seconds: f64) {
        let at = self.end() + (seconds * 1000.0) as i64;
        self.knots.push(Knot { at, point });
    }

    /// `at`: between start and end.
    pub fn moment(&self, at: i64) -> Moment {
        let next = self.knots.partition_point(|knot| knot.at <= at).clamp(1, self.knots.len() - 1);
        let (a, b) = (self.knots[next - 1], self.knots[next]);
        let seconds = (b.at - a.at) as f64 / 1000.0;
        let (point, speed) = if seconds > 0.0 {
            let share = ((at - a.at) as f64 / (b.at - a.at) as f64).clamp(0.0, 1.0);
            (between(a.point, b.point, share), metres(a.point, b.point) / seconds)
        } else {
            (b.point, 0.0)
        };
        let way = self.knots[..=next].windows(2).rev().find(|w| w[0].point != w[1].point);
        Moment { point, speed, heading: way.map_or(0.0, |w| heading(w[0].point, w[1].point)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_van_drives_no_faster_than_vans_do_and_is_nowhere_twice() {
        let streets = Streets::open().unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut drive = Drive::begin(8 * 3_600_000, streets.depot);
        drive.stand(100.0);
        for _ in 0..20 {
            let to = streets.address(&mut rng);
            drive.to(&streets, to, &mut rng);
            assert!(metres(drive.here(), to) < 30.0);
            drive.stand(60.0);
        }
        assert!(drive.knots.is_sorted_by_key(|knot| knot.at));
        let moments: Vec<Moment> = (drive.start()..drive.end()).step_by(1000).map(|at| drive.moment(at)).collect();
        for pair in moments.windows(2) {
            assert!(metres(pair[0].point, pair[1].point) < 25.0, "{pair:?}");
        }
        let standing = moments.iter().filter(|moment| !moment.is_moving()).count();
        assert!((1_300..1_300 + 20 * 200).contains(&standing), "the stops, the depot, some lights: {standing}");
        assert!(moments.len() - standing > 600);
    }
}
