//! What was learned of how fast roads are: pace by class of road and hour of the day, and how much it varies. State of a
//! task, shared by its vehicles. Knows no vehicle and no route.
//!
//! Pace (seconds per metre) and not speed is averaged, by way: driving times add up along a route, speeds do not.

use schemas::Timestamp;
use schemas::plan::RoadClass;
use serde::{Deserialize, Serialize};

use super::{Config, Observation};
use crate::{DecodeError, codec};

const FORMAT: u8 = 1;

const HOURS: u8 = 24;
/// The cell of a class over all hours stands behind those of its hours.
const SLOTS: u8 = HOURS + 1;
/// Most cells: every class at every hour, and over all hours.
pub const MAX_CELLS: usize = RoadClass::ALL.len() * SLOTS as usize;

/// Metres per second that no road vehicle exceeds: 216 km/h. A faster observation is a fault of the receiver.
const MAX_SPEED: f64 = 60.0;
/// Seconds per metre; slower is parked, not driven: 250 m in more than 20 minutes.
const MAX_PACE: f64 = 5.0;

/// Learned speeds. At most [`MAX_CELLS`] cells of 13 bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Speeds {
    /// Sorted by slot.
    cells: Vec<Cell>,
}

/// Exponentially smoothed pace of one class, at one hour or over all.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Cell {
    /// `class × SLOTS + hour`; hour [`HOURS`]: over all.
    slot: u8,
    /// How much it has seen, up to what it remembers.
    metres: f32,
    /// Seconds per metre.
    pace: f32,
    /// Variance of the driving time per metre of way, s²/m: stretches vary independently, so variances add up.
    variance: f32,
}

/// Pace and variance to reckon with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pace {
    /// Seconds per metre.
    pub mean: f64,
    /// s²/m.
    pub variance: f64,
}

impl Speeds {
    /// Takes in that a vehicle came over `metres` of `class` in `seconds`, up to `at`. What cannot be (faster than any
    /// vehicle, slower than standing in traffic) changes nothing. Hours are UTC's: a time zone only shifts them.
    pub fn learn(&mut self, config: &Config, class: RoadClass, at: Timestamp, metres: f64, seconds: f64) {
        let possible = metres.is_finite() && seconds.is_finite() && metres > 0.0;
        if !possible || seconds * MAX_SPEED < metres || seconds > metres * MAX_PACE {
            return;
        }
        for slot in [slot(class, hour(at)), slot(class, HOURS)] {
            let index = match self.cells.binary_search_by_key(&slot, |c| c.slot) {
                Ok(index) => index,
                Err(index) => {
                    self.cells.insert(index, Cell { slot, metres: 0.0, pace: 0.0, variance: 0.0 });
                    index
                }
            };
            self.cells[index].learn(config, metres, seconds);
        }
    }

    /// [`Speeds::learn`] for what [`super::Gathered::add`] gives.
    pub fn observe(&mut self, config: &Config, seen: &Observation) {
        self.learn(config, seen.class, seen.at, seen.metres, seen.seconds);
    }

    /// Metres per second learned of `class` at the hour of `at`; `None` if nothing was. For queries and metrics.
    pub fn metres_per_second(&self, class: RoadClass, at: Timestamp) -> Option<f64> {
        let cell = self.cell(slot(class, hour(at))).or_else(|| self.cell(slot(class, HOURS)))?;
        Some(1.0 / f64::from(cell.pace))
    }

    /// What to reckon with on `class` at `hour`. An hour that is little known is drawn to its class, a class to `unlearned`.
    pub(super) fn pace(&self, config: &Config, class: RoadClass, hour: Option<u8>, unlearned: Pace) -> Pace {
        let by_class = drawn(config.class_prior_metres, self.cell(slot(class, HOURS)), unlearned);
        match hour {
            Some(hour) => drawn(config.hour_prior_metres, self.cell(slot(class, hour)), by_class),
            None => by_class,
        }
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        codec::encode(FORMAT, self, out);
    }

    pub fn decode(bytes: &[u8]) -> Result<Speeds, DecodeError> {
        codec::decode(FORMAT, "speeds", bytes)
    }

    fn cell(&self, slot: u8) -> Option<&Cell> {
        let index = self.cells.binary_search_by_key(&slot, |c| c.slot).ok()?;
        Some(&self.cells[index])
    }
}

impl Cell {
    /// Exponential smoothing by way. It begins as a plain mean: the share of the first observation is 1.
    fn learn(&mut self, config: &Config, metres: f64, seconds: f64) {
        let weight = (f64::from(self.metres) + metres).min(config.memory_metres.max(metres));
        let share = metres / weight;
        let surprise = seconds - f64::from(self.pace) * metres;
        // The mean and variance of exponential weights (West 1979); the variance for each metre of way.
        let variance = (1.0 - share) * (f64::from(self.variance) + share * surprise * surprise / metres);
        self.pace = (f64::from(self.pace) + share * surprise / metres) as f32;
        self.variance = variance as f32;
        self.metres = weight as f32;
    }
}

/// The mean of what is learned and what was to be expected, which counts as `prior` metres.
fn drawn(prior: f64, cell: Option<&Cell>, expected: Pace) -> Pace {
    let Some(cell) = cell else { return expected };
    let share = f64::from(cell.metres) / (f64::from(cell.metres) + prior);
    let mix = |learned: f32, expected: f64| expected + share * (f64::from(learned) - expected);
    Pace { mean: mix(cell.pace, expected.mean), variance: mix(cell.variance, expected.variance) }
}

fn slot(class: RoadClass, hour: u8) -> u8 {
    class as u8 * SLOTS + hour
}

/// Hour of the day, UTC.
pub(super) fn hour(at: Timestamp) -> u8 {
    const MILLIS: i64 = 3_600_000;
    at.0.div_euclid(MILLIS).rem_euclid(i64::from(HOURS)) as u8
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the same arithmetic gives the same bits: that is what is tested")]
mod tests {
    use super::*;

    const NINE: Timestamp = Timestamp(9 * 3_600_000);
    const TEN: Timestamp = Timestamp(10 * 3_600_000);
    const PRIOR: Pace = Pace { mean: 0.5, variance: 3.0 };

    fn config() -> Config {
        Config { memory_metres: 1_000.0, class_prior_metres: 200.0, hour_prior_metres: 600.0, ..Config::default() }
    }

    fn cell(speeds: &Speeds, hour: u8) -> (f32, f32, f32) {
        let cell = speeds.cell(slot(RoadClass::Primary, hour)).unwrap();
        (cell.metres, cell.pace, cell.variance)
    }

    #[test]
    fn hours_of_the_day_are_utc() {
        assert_eq!(hour(NINE), 9);
        assert_eq!(hour(Timestamp(24 * 3_600_000 - 1)), 23);
        assert_eq!(hour(Timestamp(24 * 3_600_000)), 0);
        assert_eq!(hour(Timestamp(-1)), 23);
    }

    #[test]
    fn pace_and_variance_by_hand() {
        let mut speeds = Speeds::default();
        speeds.learn(&config(), RoadClass::Primary, NINE, 100.0, 20.0);
        assert_eq!(cell(&speeds, 9), (100.0, 0.2, 0.0));
        // Expected 20 s, took 40: surprise 20 s. Share ½; variance ½·(0 + ½·20²/100) = 1.
        speeds.learn(&config(), RoadClass::Primary, NINE, 100.0, 40.0);
        assert_eq!(cell(&speeds, 9), (200.0, 0.3, 1.0));
        // The other hour knows its own only, the class both: share ⅓, surprise 60 − 30 = 30 s,
        // variance ⅔·(1 + ⅓·30²/100) = 8/3.
        speeds.learn(&config(), RoadClass::Primary, TEN, 100.0, 60.0);
        assert_eq!(cell(&speeds, 10), (100.0, 0.6, 0.0));
        let (metres, pace, variance) = cell(&speeds, HOURS);
        assert_eq!(metres, 300.0);
        assert!((pace - 0.4).abs() < 1e-6 && (variance - 8.0 / 3.0).abs() < 1e-5, "{pace} {variance}");
        assert_eq!(speeds.metres_per_second(RoadClass::Primary, TEN), Some(1.0 / f64::from(0.6_f32)));
        assert_eq!(speeds.metres_per_second(RoadClass::Minor, TEN), None);
    }

    #[test]
    fn what_is_long_past_fades() {
        let mut speeds = Speeds::default();
        for _ in 0..50 {
            speeds.learn(&config(), RoadClass::Primary, NINE, 100.0, 20.0);
        }
        assert_eq!(cell(&speeds, 9).0, 1_000.0, "it remembers 1,000 m");
        // From now on each share is 1/10: after 22 further ones, 0.9^22 = 9.8 % of the past is left.
        for _ in 0..22 {
            speeds.learn(&config(), RoadClass::Primary, NINE, 100.0, 40.0);
        }
        let pace = f64::from(cell(&speeds, 9).1);
        assert!((pace - (0.4 - 0.2 * 0.9_f64.powi(22))).abs() < 1e-6, "{pace}");
    }

    #[test]
    fn the_less_is_known_the_more_is_expected() {
        let mut speeds = Speeds::default();
        assert_eq!(speeds.pace(&config(), RoadClass::Primary, Some(9), PRIOR), PRIOR);
        speeds.learn(&config(), RoadClass::Primary, NINE, 200.0, 50.0);
        // The class, 200 m at 0.25: halfway to 0.5 is 0.375. At ten o'clock nothing more is known.
        let near = |found: Pace, mean: f64, variance: f64| {
            assert!((found.mean - mean).abs() < 1e-7 && (found.variance - variance).abs() < 1e-7, "{found:?}");
        };
        near(speeds.pace(&config(), RoadClass::Primary, Some(10), PRIOR), 0.375, 1.5);
        near(speeds.pace(&config(), RoadClass::Primary, None, PRIOR), 0.375, 1.5);
        // At nine 200 m against 600: a quarter of the way from there to 0.25.
        near(speeds.pace(&config(), RoadClass::Primary, Some(9), PRIOR), 0.34375, 1.125);
        near(speeds.pace(&config(), RoadClass::Minor, Some(9), PRIOR), 0.5, 3.0);
    }

    #[test]
    fn the_impossible_is_not_learned() {
        let mut speeds = Speeds::default();
        for (metres, seconds) in [
            (0.0, 10.0),
            (-5.0, 1.0),
            (f64::NAN, 1.0),
            (100.0, f64::NAN),
            (100.0, 0.0),
            (601.0, 10.0),
            (100.0, 501.0),
            (f64::INFINITY, 1.0),
        ] {
            speeds.learn(&config(), RoadClass::Primary, NINE, metres, seconds);
            assert_eq!(speeds, Speeds::default(), "{metres} m in {seconds} s");
        }
    }

    #[test]
    fn it_is_bounded_and_survives_its_bytes() {
        let mut speeds = Speeds::default();
        for class in RoadClass::ALL {
            for hour in 0..48 {
                speeds.learn(&config(), class, Timestamp(hour * 3_600_000), 300.0, 30.0 + hour as f64);
            }
        }
        assert_eq!(speeds.cells.len(), MAX_CELLS);
        let mut bytes = vec![];
        speeds.encode(&mut bytes);
        assert!(bytes.len() <= 3 + MAX_CELLS * 14, "{} bytes", bytes.len());
        assert_eq!(Speeds::decode(&bytes).unwrap(), speeds);
        bytes[0] = 99;
        assert!(Speeds::decode(&bytes).is_err());
    }
}
