//! What one vehicle's own progress says: how fast it is now, and what there is to learn from it. Both live in the vehicle's
//! state; neither knows a route or a position.

use schemas::Timestamp;
use schemas::plan::RoadClass;
use serde::{Deserialize, Serialize};

use super::Config;

/// Metres after which driven way becomes an observation. Shorter ones are mostly one traffic light or none.
pub const OBSERVED_METRES: f64 = 250.0;
/// Seconds after which an observation that is still too short is thrown away: the vehicle is parked, not in traffic.
pub const MAX_OBSERVED_SECONDS: f64 = 900.0;
/// Seconds between two fixes beyond which nobody knows what the vehicle did: nothing is learned from it.
pub const MAX_GAP_SECONDS: f64 = 180.0;

/// Way and time of the vehicle's last minutes, older ones fading. 8 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveSpeed {
    metres: f32,
    seconds: f32,
}

impl LiveSpeed {
    /// Takes in that the vehicle came `metres` further in `seconds`; zero metres while it stands in traffic. Time at a stop
    /// of its own is not to be reported. After a gap of more than [`MAX_GAP_SECONDS`] the past is forgotten.
    pub fn add(&mut self, config: &Config, metres: f64, seconds: f64) {
        if !is_progress(metres, seconds) {
            return;
        }
        if seconds > MAX_GAP_SECONDS {
            *self = LiveSpeed::default();
            return;
        }
        let kept = config.live_memory_seconds / (config.live_memory_seconds + seconds);
        self.metres = (f64::from(self.metres) * kept + metres) as f32;
        self.seconds = (f64::from(self.seconds) * kept + seconds) as f32;
    }

    /// Seconds per metre, drawn to `learned` while little was measured.
    pub(super) fn pace(self, config: &Config, learned: f64) -> f64 {
        (f64::from(self.seconds) + config.live_prior_metres * learned) / (f64::from(self.metres) + config.live_prior_metres)
    }
}

/// Way on roads of one class, gathered until it is long enough to learn from. 9 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gathered {
    way: Option<(RoadClass, f32, f32)>,
}

/// What [`super::Speeds::learn`] takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    pub class: RoadClass,
    /// When it ended.
    pub at: Timestamp,
    pub metres: f64,
    pub seconds: f64,
}

impl Gathered {
    /// Takes in that the vehicle came `metres` further in `seconds` on roads of `class`, up to `at`. Gives an observation
    /// once there are [`OBSERVED_METRES`] of one class; a way that ends earlier because the class changes is dropped, and so
    /// is what lies in a gap. Zero metres count: standing in traffic is part of driving. Time at a stop of its own is not to
    /// be reported; call [`Gathered::drop_way`] there.
    pub fn add(&mut self, class: RoadClass, at: Timestamp, metres: f64, seconds: f64) -> Option<Observation> {
        if !is_progress(metres, seconds) {
            return None;
        }
        if seconds > MAX_GAP_SECONDS {
            self.way = None;
            return None;
        }
        let (before, waited) = match self.way {
            Some((same, before, waited)) if same == class => (f64::from(before), f64::from(waited)),
            _ => (0.0, 0.0),
        };
        let (metres, seconds) = (before + metres, waited + seconds);
        if metres >= OBSERVED_METRES {
            self.way = None;
            return Some(Observation { class, at, metres, seconds });
        }
        self.way = (seconds <= MAX_OBSERVED_SECONDS).then_some((class, metres as f32, seconds as f32));
        None
    }

    /// The vehicle is at a stop, off its route, or silent: what was gathered ends here.
    pub fn drop_way(&mut self) {
        self.way = None;
    }
}

fn is_progress(metres: f64, seconds: f64) -> bool {
    metres.is_finite() && metres >= 0.0 && seconds.is_finite() && seconds > 0.0
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the same arithmetic gives the same bits: that is what is tested")]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp(1_000);

    #[test]
    fn own_speed_fades_with_time() {
        let config = Config { live_memory_seconds: 60.0, live_prior_metres: 100.0, ..Config::default() };
        let mut live = LiveSpeed::default();
        assert_eq!(live.pace(&config, 0.25), 0.25, "nothing measured: what is learned");
        live.add(&config, 600.0, 60.0);
        // (60 + 100·0.25) / (600 + 100).
        assert_eq!(live.pace(&config, 0.25), 85.0 / 700.0);
        // It stands for 60 s: half of the past is kept, 300 m in 30 s, and 60 s more without a metre.
        live.add(&config, 0.0, 60.0);
        assert_eq!(live.pace(&config, 0.25), (90.0 + 25.0) / 400.0);
        live.add(&config, 5_000.0, MAX_GAP_SECONDS + 1.0);
        assert_eq!(live, LiveSpeed::default(), "nobody knows what it did in a gap");
    }

    #[test]
    fn impossible_progress_changes_nothing() {
        let config = Config::default();
        for (metres, seconds) in [(f64::NAN, 1.0), (-1.0, 1.0), (1.0, 0.0), (1.0, -5.0), (1.0, f64::INFINITY), (f64::INFINITY, 1.0)] {
            let mut live = LiveSpeed::default();
            live.add(&config, metres, seconds);
            assert_eq!(live, LiveSpeed::default());
            let mut gathered = Gathered::default();
            assert_eq!(gathered.add(RoadClass::Primary, AT, metres, seconds), None);
            assert_eq!(gathered, Gathered::default());
        }
    }

    #[test]
    fn way_is_gathered_until_it_is_long_enough() {
        let mut gathered = Gathered::default();
        assert_eq!(gathered.add(RoadClass::Primary, AT, 100.0, 10.0), None);
        assert_eq!(gathered.add(RoadClass::Primary, AT, 0.0, 30.0), None, "a red light belongs to the way");
        let observed = gathered.add(RoadClass::Primary, AT, 200.0, 20.0);
        assert_eq!(observed, Some(Observation { class: RoadClass::Primary, at: AT, metres: 300.0, seconds: 60.0 }));
        assert_eq!(gathered, Gathered::default());
    }

    #[test]
    fn another_class_a_gap_and_a_stop_end_the_way() {
        let mut gathered = Gathered::default();
        gathered.add(RoadClass::Primary, AT, 200.0, 10.0);
        assert_eq!(gathered.add(RoadClass::Minor, AT, 200.0, 10.0), None);
        assert_eq!(gathered.add(RoadClass::Minor, AT, 100.0, MAX_GAP_SECONDS + 1.0), None);
        assert_eq!(gathered, Gathered::default());
        gathered.add(RoadClass::Minor, AT, 249.0, 10.0);
        gathered.drop_way();
        assert_eq!(gathered.add(RoadClass::Minor, AT, 249.0, 10.0), None);
        for _ in 0..6 {
            gathered.add(RoadClass::Minor, AT, 0.0, 150.0);
        }
        assert_eq!(gathered, Gathered::default(), "parked");
    }
}
