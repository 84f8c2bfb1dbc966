//! When a vehicle arrives, and how certain that is. Pure functions: from remaining way, the vehicle's own speed and learned
//! speeds to seconds and their standard deviation. Knows no position, no shipment, no event.
//!
//! | file | what |
//! | --- | --- |
//! | `mod.rs` | [`Outlook`]: from now along the remaining way, stop by stop |
//! | `speeds.rs` | pace by class of road and hour, learned |
//! | `live.rs` | what one vehicle's own progress says |
//! | `config.rs` | the parameters |
//!
//! Floats, but only `+ − × ÷ √`, which IEEE 754 rounds alike on every machine: the same input gives the same bits.

mod config;
mod live;
mod speeds;

pub use config::Config;
pub use live::{Gathered, LiveSpeed, MAX_GAP_SECONDS, MAX_OBSERVED_SECONDS, OBSERVED_METRES, Observation};
pub use speeds::{MAX_CELLS, Speeds};

use schemas::Timestamp;
use schemas::plan::Stretch;
use speeds::Pace;

/// Half the width of a 90 % interval in standard deviations.
const Z_90: f64 = 1.644_853_626_951_472_7;
/// A stretch is reckoned in pieces of one hour of the day each; beyond this many, as of any hour.
const MAX_PIECES: u32 = 24;
/// Metres of the shortest piece, so that a piece that ends with its hour does not shrink to nothing.
const MIN_PIECE: f64 = 100.0;

/// When somebody arrives, from the moment of the estimate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    pub seconds: f64,
    /// Standard deviation.
    pub sigma_seconds: f64,
}

impl Arrival {
    /// On the clock, to the millisecond.
    pub fn at(&self, now: Timestamp) -> Timestamp {
        Timestamp(now.0.saturating_add((self.seconds * 1000.0).round() as i64))
    }

    /// Seconds from now between which nine of ten arrivals lie; never in the past.
    pub fn interval_90(&self) -> (f64, f64) {
        ((self.seconds - Z_90 * self.sigma_seconds).max(0.0), self.seconds + Z_90 * self.sigma_seconds)
    }
}

/// The time it takes over `remaining` way, with `dwell_seconds_before` at stops on it.
///
/// `free_flow_seconds` is the driving time of `remaining` at free flow, from the plan: what holds where nothing is learned.
/// For several stops of one route use [`Outlook`], which goes over the way once.
pub fn predict<I>(
    config: &Config,
    speeds: &Speeds,
    now: Timestamp,
    live: Option<LiveSpeed>,
    remaining: I,
    free_flow_seconds: f64,
    dwell_seconds_before: f64,
) -> Arrival
where
    I: IntoIterator<Item = Stretch, IntoIter: Clone>,
{
    let mut outlook = Outlook::new(config, speeds, now, live);
    outlook.drive(remaining, free_flow_seconds);
    outlook.dwell(dwell_seconds_before);
    outlook.arrival()
}

/// The way ahead, from now on: `drive` a leg, read the `arrival`, `dwell` at the stop, and so on.
///
/// Near the vehicle its own speed holds, far ahead what was learned. The weight of its own speed at distance *s* is
/// (L / (L + s))², with L = [`Config::live_reach_metres`]: like a fading exponential, but exact in plain arithmetic. Between
/// the distances a and b its integral is L²·(1 / (L + a) − 1 / (L + b)).
#[derive(Clone, Debug)]
pub struct Outlook<'a> {
    config: &'a Config,
    speeds: &'a Speeds,
    now: Timestamp,
    live: Option<LiveSpeed>,
    /// The vehicle's own pace; known once the first stretch says what was learned there.
    live_pace: Option<f64>,
    metres: f64,
    driving: f64,
    dwelling: f64,
    /// s², of what varies from stretch to stretch.
    variance: f64,
}

impl<'a> Outlook<'a> {
    /// `live`: `None` when the vehicle has not set off, or its progress is not known.
    pub fn new(config: &'a Config, speeds: &'a Speeds, now: Timestamp, live: Option<LiveSpeed>) -> Outlook<'a> {
        Outlook { config, speeds, now, live, live_pace: None, metres: 0.0, driving: 0.0, dwelling: 0.0, variance: 0.0 }
    }

    /// Drives over `stretches`, which take `free_flow_seconds` at free flow (0: not known).
    pub fn drive<I>(&mut self, stretches: I, free_flow_seconds: f64)
    where
        I: IntoIterator<Item = Stretch, IntoIter: Clone>,
    {
        let stretches = stretches.into_iter();
        let metres: f64 = stretches.clone().map(|s| f64::from(s.metres)).sum();
        if metres == 0.0 {
            return;
        }
        let unlearned = self.unlearned(metres, free_flow_seconds);
        for stretch in stretches {
            self.cross(stretch, unlearned);
        }
    }

    /// Stays at a stop.
    pub fn dwell(&mut self, seconds: f64) {
        self.dwelling += seconds;
    }

    /// Time up to here.
    pub fn arrival(&self) -> Arrival {
        let Config { common_spread, dwell_spread, floor_seconds, .. } = *self.config;
        let common = common_spread * self.driving;
        let stops = dwell_spread * self.dwelling;
        Arrival {
            seconds: self.driving + self.dwelling,
            sigma_seconds: (self.variance + common * common + stops * stops + floor_seconds * floor_seconds).sqrt(),
        }
    }

    /// What to expect of a way of which nothing is learned.
    fn unlearned(&self, metres: f64, free_flow_seconds: f64) -> Pace {
        let config = self.config;
        let mean = if free_flow_seconds > 0.0 { config.free_flow_factor * free_flow_seconds / metres } else { 1.0 / config.unknown_speed };
        let per_km = config.spread_per_km * mean * 1000.0;
        Pace { mean, variance: per_km * per_km / 1000.0 }
    }

    fn cross(&mut self, stretch: Stretch, unlearned: Pace) {
        let mut left = f64::from(stretch.metres);
        let mut pieces = 0;
        while left > 0.0 {
            pieces += 1;
            let clock = Timestamp(self.now.0.saturating_add(((self.driving + self.dwelling) * 1000.0) as i64));
            let hour = (pieces < MAX_PIECES).then(|| speeds::hour(clock));
            let pace = self.speeds.pace(self.config, stretch.class, hour, unlearned);
            let metres = match hour {
                Some(_) => left.min((seconds_of_hour_left(clock) / pace.mean).max(MIN_PIECE)),
                None => left,
            };
            self.advance(metres, pace);
            left -= metres;
        }
    }

    /// Drives `metres` at `pace`, or rather at the vehicle's own where that still holds.
    fn advance(&mut self, metres: f64, pace: Pace) {
        let reach = self.config.live_reach_metres;
        let weight = reach * reach * (1.0 / (reach + self.metres) - 1.0 / (reach + self.metres + metres));
        let own = match (self.live_pace, self.live) {
            (Some(own), _) => own,
            (None, Some(live)) => live.pace(self.config, pace.mean),
            (None, None) => pace.mean,
        };
        self.live_pace = self.live.map(|_| own);
        self.driving += pace.mean * metres + (own - pace.mean) * weight;
        self.variance += pace.variance * metres;
        self.metres += metres;
    }
}

fn seconds_of_hour_left(at: Timestamp) -> f64 {
    const MILLIS: i64 = 3_600_000;
    (MILLIS - at.0.rem_euclid(MILLIS)) as f64 / 1000.0
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the same arithmetic gives the same bits: that is what is tested")]
mod tests;
