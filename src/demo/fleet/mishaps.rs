//! What trackers make of a van's way: fixes that are off by some metres, sent twice, late, one after the other's turn, far
//! off, or not at all for a while. Wrong on purpose, and never in what the van did.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use schemas::plan::Point;
use serde_json::json;

use super::driver::{Drive, Moment};
use super::streets::moved;

/// Between two fixes, in milliseconds: on the move, and standing.
const EVERY: [i64; 2] = [5_000, 15_000];
/// Metres that most fixes are off by, north and east (one standard deviation).
const NOISE: f64 = 4.0;

/// Of a thousand fixes. What is left of them is as trackers should be.
const ODDITIES: [(Oddity, u32); 6] =
    [(Oddity::Twice, 12), (Oddity::Overtaken, 12), (Oddity::Late, 8), (Oddity::Wild, 5), (Oddity::Nowhere, 2), (Oddity::Inaccurate, 6)];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Oddity {
    None,
    /// Sent again, as it was.
    Twice,
    /// The next one is there before it, by less than Waybill waits.
    Overtaken,
    /// By more than that.
    Late,
    /// Kilometres off, and sure of itself.
    Wild,
    /// A receiver without a fix says 0, 0.
    Nowhere,
    /// Hundreds of metres off, and says so.
    Inaccurate,
}

/// No connection for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Milliseconds since the epoch.
    pub from: i64,
    pub to: i64,
    /// The tracker keeps its fixes and sends them afterwards.
    pub kept: bool,
}

/// A ping and when it is sent, in milliseconds since the epoch.
pub type Sent = (i64, Vec<u8>);

/// All that the tracker sends of a drive. `calm`: nothing odd happens from … to …
pub fn pings(vehicle: &str, drive: &Drive, gap: Option<Gap>, calm: Option<(i64, i64)>, rng: &mut ChaCha8Rng) -> Vec<Sent> {
    let mut sent = vec![];
    let mut at = drive.start();
    let mut kept = 0;
    while at < drive.end() {
        let moment = drive.moment(at);
        let now = at;
        at += EVERY[usize::from(!moment.is_moving())] + rng.random_range(-200..200);
        let mut delay = rng.random_range(150..900);
        let is_calm = calm.is_some_and(|(from, to)| (from..to).contains(&now));
        let mut oddity = if is_calm { Oddity::None } else { draw(rng) };
        if let Some(gap) = gap.filter(|gap| (gap.from..gap.to).contains(&now)) {
            if !gap.kept {
                continue;
            }
            kept += 1;
            delay = gap.to - now + kept * 20;
            oddity = Oddity::None;
        }
        let point = noisy(moment.point, NOISE, rng);
        let accuracy = rng.random_range(4.0..12.0);
        match oddity {
            Oddity::None => sent.push((now + delay, ping(vehicle, now, point, &moment, accuracy))),
            Oddity::Twice => {
                let value = ping(vehicle, now, point, &moment, accuracy);
                sent.push((now + delay + rng.random_range(300..30_000), value.clone()));
                sent.push((now + delay, value));
            }
            Oddity::Overtaken => sent.push((now + rng.random_range(6_200..8_500), ping(vehicle, now, point, &moment, accuracy))),
            Oddity::Late => sent.push((now + rng.random_range(25_000..90_000), ping(vehicle, now, point, &moment, accuracy))),
            Oddity::Wild => {
                let point = moved(point, rng.random_range(3_000.0..20_000.0), rng.random_range(0.0..360.0));
                sent.push((now + delay, ping(vehicle, now, point, &moment, accuracy)));
            }
            Oddity::Nowhere => sent.push((now + delay, ping(vehicle, now, Point::default(), &moment, accuracy))),
            Oddity::Inaccurate => {
                let accuracy = rng.random_range(250.0..900.0);
                sent.push((now + delay, ping(vehicle, now, noisy(point, accuracy / 2.0, rng), &moment, accuracy)));
            }
        }
    }
    sent
}

fn draw(rng: &mut ChaCha8Rng) -> Oddity {
    let mut draw = rng.random_range(0..1000);
    for (oddity, share) in ODDITIES {
        if draw < share {
            return oddity;
        }
        draw -= share;
    }
    Oddity::None
}

fn ping(vehicle: &str, at: i64, point: Point, moment: &Moment, accuracy: f64) -> Vec<u8> {
    let (lat, lon) = point.degrees();
    let tenth = |figure: f64| (figure * 10.0).round() / 10.0;
    let value = json!({
        "vehicle_id": vehicle,
        "fix_time": at,
        "lat": lat,
        "lon": lon,
        "speed": tenth(moment.speed),
        "heading": tenth(moment.heading),
        "accuracy": tenth(accuracy),
    });
    value.to_string().into_bytes()
}

fn noisy(point: Point, sigma: f64, rng: &mut ChaCha8Rng) -> Point {
    // Rayleigh's distribution of the distance makes both axes normal.
    let distance = sigma * (-2.0 * rng.random_range(f64::EPSILON..1.0_f64).ln()).sqrt();
    moved(point, distance, rng.random_range(0.0..360.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use serde_json::Value;

    #[test]
    fn most_fixes_are_near_the_van_and_each_oddity_happens() {
        let here = Point::from_degrees(60.17, 24.94);
        let mut drive = Drive::begin(1_000_000, here);
        drive.stand(60_000.0);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let gap = Gap { from: 10_000_000, to: 10_600_000, kept: false };
        let sent = pings("V", &drive, Some(gap), None, &mut rng);
        let values: Vec<(i64, Value)> = sent.iter().map(|(at, value)| (*at, serde_json::from_slice(value).unwrap())).collect();
        let fix = |value: &Value| value["fix_time"].as_i64().unwrap();
        let off = |value: &Value| {
            roads::ground::metres(here, Point::from_degrees(value["lat"].as_f64().unwrap(), value["lon"].as_f64().unwrap()))
        };
        let share = |what: &dyn Fn(&(i64, Value)) -> bool| values.iter().filter(|v| what(v)).count() as f64 / values.len() as f64;
        assert!((3_800..4_100).contains(&values.len()), "{}", values.len());
        assert!(share(&|(_, v)| off(v) < 4.0 * NOISE) > 0.98);
        assert!((0.003..0.015).contains(&share(&|(_, v)| off(v) > 2_000.0)));
        assert!((0.003..0.02).contains(&share(&|(at, v)| at - fix(v) > 24_000)));
        assert!(share(&|(_, v)| v["accuracy"].as_f64().unwrap() > 200.0) > 0.002);
        assert!(!values.iter().any(|(_, v)| (gap.from..gap.to).contains(&fix(v))), "nothing is heard in a gap");
        let mut fixes: Vec<i64> = values.iter().map(|(_, v)| fix(v)).collect();
        fixes.sort_unstable();
        assert!(fixes.windows(2).filter(|w| w[0] == w[1]).count() > 20, "some are sent twice");

        let kept = pings("V", &drive, Some(Gap { kept: true, ..gap }), Some((0, i64::MAX)), &mut rng);
        let fixes: Vec<(i64, i64)> = kept.iter().map(|(at, v)| (*at, fix(&serde_json::from_slice(v).unwrap()))).collect();
        assert!(fixes.iter().all(|(at, fix)| !(gap.from..gap.to).contains(fix) || (gap.to..gap.to + 10_000).contains(at)));
        assert!(fixes.iter().all(|(at, fix)| (gap.from..gap.to).contains(fix) || at - fix < 1_000), "calm");
    }
}
