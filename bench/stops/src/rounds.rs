//! Delivery rounds made up from a seed: the same seed, the same round.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use stops::{Problem, Stop};

/// Metres that a town is wide.
const TOWN: f64 = 10_000.0;
/// Streets are longer than the crow flies; metres per second; one way in ten is a one-way street to drive around.
const DETOUR: f64 = 1.3;
const SPEED: f64 = 7.0;
const ROUND_THE_BLOCK: f64 = 1.4;
/// Seconds of a stop in a day's plan: windows open somewhere in a day of so many for each stop.
const PER_STOP: i64 = 300;

/// `count` stops of two minutes; `with_windows` of them, as a share, with a window of one to three hours.
pub fn round(seed: u64, count: usize, with_windows: f64) -> Problem {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let places: Vec<(f64, f64)> = (0..=count).map(|_| (random.random_range(0.0..TOWN), random.random_range(0.0..TOWN))).collect();
    let mut durations = vec![];
    for from in &places {
        for to in &places {
            let metres = f64::hypot(from.0 - to.0, from.1 - to.1) * DETOUR;
            let around = if random.random_bool(0.1) { ROUND_THE_BLOCK } else { 1.0 };
            durations.push((metres * around / SPEED) as u32);
        }
    }
    let day = count as i64 * PER_STOP;
    let stops = (0..count)
        .map(|_| {
            let opens = random.random_range(0..day);
            let window = random.random_bool(with_windows).then(|| (opens, opens + random.random_range(3_600..10_800)));
            Stop { service_seconds: 120, window }
        })
        .collect();
    Problem { durations, stops, back: false }
}
