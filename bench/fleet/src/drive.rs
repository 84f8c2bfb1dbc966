//! A backlog of pings from a seed: vehicles that drive and stand about Helsinki, with the noise, repeats, delays and
//! wild fixes of real trackers. The same seed gives the same bytes.

use std::collections::VecDeque;
use std::fmt::Write as _;

use probe::{Rng, rfc3339};

/// Between two fixes of a vehicle, milliseconds.
pub const INTERVAL_MILLIS: i64 = 5_000;
/// From a fix to its record, milliseconds.
const TRANSIT_MILLIS: i64 = 300;
/// Metres of a degree of latitude, and of longitude at 60° north.
const METRES: (f64, f64) = (111_195.0, 55_597.0);

/// One record.
#[derive(Debug)]
pub struct Record {
    pub vehicle: u32,
    /// Record time, milliseconds since the epoch.
    pub at: i64,
    pub value: String,
}

struct Vehicle {
    lat: f64,
    lon: f64,
    /// Metres per second.
    speed: f64,
    /// Degrees clockwise from north.
    heading: f64,
    /// A fix that is on its way for longer: the round in which it comes, and its record.
    delayed: Option<(u64, String)>,
}

/// The backlog, oldest record first.
pub struct Drives {
    rng: Rng,
    vehicles: Vec<Vehicle>,
    /// Fix time of the first vehicle's first ping.
    start: i64,
    round: u64,
    next: usize,
    /// What comes before the next vehicle's turn.
    queue: VecDeque<Record>,
}

impl Drives {
    /// `start`: the first fix, milliseconds since the epoch.
    pub fn new(seed: u64, vehicles: u32, start: i64) -> Drives {
        let mut rng = Rng::new(seed);
        let vehicles = (0..vehicles)
            .map(|_| Vehicle {
                lat: 60.15 + rng.f() * 0.15,
                lon: 24.75 + rng.f() * 0.4,
                speed: rng.f() * 14.0,
                heading: rng.f() * 360.0,
                delayed: None,
            })
            .collect();
        Drives { rng, vehicles, start, round: 0, next: 0, queue: VecDeque::new() }
    }

    /// How long a backlog of so many records is, milliseconds.
    pub fn span(records: u64, vehicles: u32) -> i64 {
        (records / u64::from(vehicles.max(1)) + 4) as i64 * INTERVAL_MILLIS
    }

    /// The next vehicle's turn: one record as a rule, sometimes none, two or three.
    fn turn(&mut self) {
        let (number, round) = (self.next, self.round);
        let fix = self.start + round as i64 * INTERVAL_MILLIS + number as i64 * INTERVAL_MILLIS / self.vehicles.len() as i64;
        let at = fix + TRANSIT_MILLIS;
        let rng = &mut self.rng;
        let vehicle = &mut self.vehicles[number];
        drive(vehicle, rng);
        let lot = rng.below(10_000);
        let mut accuracy = 3 + rng.below(8);
        let (mut north, mut east) = ((rng.f() - 0.5) * accuracy as f64, (rng.f() - 0.5) * accuracy as f64);
        match lot {
            // Wild, at least 3 km off: no vehicle gets there in 5 s.
            0..50 => (north, east) = (3_000.0 + rng.f() * 20_000.0, (rng.f() - 0.5) * 20_000.0),
            50..80 => accuracy = 250 + rng.below(600),
            _ => {}
        }
        let (lat, lon) = match lot {
            // A receiver without a fix.
            80..90 => (0.0, 0.0),
            _ => (vehicle.lat + north / METRES.0, vehicle.lon + east / METRES.1),
        };
        let mut value = String::with_capacity(160);
        let _ = write!(
            value,
            r#"{{"vehicle_id":"{}","fix_time":"{}","lat":{lat:.6},"lon":{lon:.6},"speed":{:.1},"heading":{:.0},"accuracy":{accuracy}}}"#,
            id(number as u32),
            rfc3339(fix),
            vehicle.speed,
            vehicle.heading
        );
        let mut put = |at, value| self.queue.push_back(Record { vehicle: number as u32, at, value });
        let late = vehicle.delayed.take_if(|(due, _)| *due <= round);
        match lot {
            // Overtaken by the next fix, or by three: then it is late.
            100..200 if vehicle.delayed.is_none() => vehicle.delayed = Some((round + 1, value)),
            200..250 if vehicle.delayed.is_none() => vehicle.delayed = Some((round + 3, value)),
            300..400 => {
                put(at, value.clone());
                put(at + 20, value);
            }
            _ => put(at, value),
        }
        if let Some((_, value)) = late {
            put(at + 40, value);
        }
        self.next += 1;
        if self.next == self.vehicles.len() {
            (self.next, self.round) = (0, round + 1);
        }
    }
}

impl Iterator for Drives {
    type Item = Record;

    /// It has no end.
    fn next(&mut self) -> Option<Record> {
        loop {
            if let Some(record) = self.queue.pop_front() {
                return Some(record);
            }
            self.turn();
        }
    }
}

/// The id of a vehicle, and its records' key.
pub fn id(vehicle: u32) -> String {
    format!("V-{vehicle:05}")
}

/// Five seconds in traffic: faster, slower, round a corner, at a light.
fn drive(vehicle: &mut Vehicle, rng: &mut Rng) {
    vehicle.speed = match rng.below(20) {
        0 => 0.0,
        1..4 => (vehicle.speed + 3.0).min(22.0),
        4..7 => (vehicle.speed - 3.0).max(0.0),
        _ => vehicle.speed,
    };
    vehicle.heading = match rng.below(12) {
        0 => vehicle.heading + 90.0,
        1 => vehicle.heading + 270.0,
        _ => vehicle.heading + (rng.f() - 0.5) * 6.0,
    }
    .rem_euclid(360.0);
    let metres = vehicle.speed * INTERVAL_MILLIS as f64 / 1000.0;
    vehicle.lat += metres * vehicle.heading.to_radians().cos() / METRES.0;
    vehicle.lon += metres * vehicle.heading.to_radians().sin() / METRES.1;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same seed gives the same records, oldest first, and no vehicle is left out.
    #[test]
    fn a_backlog_is_one_and_in_order() {
        let all: Vec<_> = Drives::new(7, 50, 1_000_000).take(5_000).collect();
        let again = Drives::new(7, 50, 1_000_000).take(5_000);
        assert!(all.iter().zip(again).all(|(a, b)| (a.at, &a.value) == (b.at, &b.value)));
        assert!(all.windows(2).all(|w| w[1].at >= w[0].at - 40), "but for what is sent at once");
        let mut counts = [0; 50];
        for record in &all {
            counts[record.vehicle as usize] += 1;
        }
        assert!(counts.iter().all(|n| (90..=110).contains(n)), "{counts:?}");
    }
}
