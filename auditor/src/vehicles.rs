//! The positions of every vehicle: time never runs backwards, and nobody is faster than can be. A first fix may be wild,
//! so a vehicle may be believed to be elsewhere after some fixes that agree; positions do not say so, but pings must be
//! there for it. Knows nothing of shipments.

use crate::facts::{At, Findings};
use crate::pings::Pings;
use crate::report::Kind;
use crate::wire::fleet::Position;

/// Metres that a position may be off, smoothing and noise together: two positions a moment apart prove nothing.
const SLACK_METRES: f64 = 500.0;
/// Of the sphere with the Earth's volume.
const EARTH_METRES: f64 = 6_371_000.0;

#[derive(Clone, Copy, Debug)]
struct Last {
    at: At,
    time: i64,
    lat: f64,
    lon: f64,
    /// Partition and offset of its cause.
    cause: (i32, i64),
}

/// A position that is too far from the one before, unless the vehicle was believed anew in between.
#[derive(Debug)]
struct Jump {
    at: At,
    vehicle: u32,
    from: (i32, i64),
    to: (i32, i64),
    message: String,
}

#[derive(Default)]
pub(crate) struct Vehicles {
    /// By number.
    list: Vec<Option<Last>>,
    /// Few, in a sound log.
    jumps: Vec<Jump>,
}

impl Vehicles {
    /// The next position of a vehicle.
    pub fn position(&mut self, number: u32, position: &Position, at: At, findings: &mut Findings) {
        let index = number as usize;
        if index >= self.list.len() {
            self.list.resize(index + 1, None);
        }
        let cause = (position.cause.partition, position.cause.offset);
        let this = Last { at, time: position.millis, lat: position.lat, lon: position.lon, cause };
        let Some(last) = self.list[index].replace(this) else {
            findings.counts().vehicles += 1;
            return;
        };
        let id = &position.vehicle_id;
        if last.at.partition != at.partition {
            let message = format!("the position of vehicle {id}, whose positions so far are in partition {}", last.at.partition);
            findings.add(Kind::WrongPartition, at, message);
        }
        if this.time < last.time {
            let message = format!("the position of vehicle {id} has the fix_time {}, earlier than the one before", position.fix_time);
            findings.add(Kind::TimeBackwards, at, message);
            return;
        }
        let seconds = (this.time - last.time) as f64 / 1000.0;
        let metres = metres((last.lat, last.lon), (this.lat, this.lon));
        let most = f64::from(findings.options.most_metres_per_second);
        if metres > most * seconds + SLACK_METRES {
            let message = format!("vehicle {id} moved {metres:.0} m in {seconds:.1} s, faster than {most} m/s");
            self.jumps.push(Jump { at, vehicle: number, from: last.cause, to: this.cause, message });
        }
    }

    /// All is read: who jumped had enough pings in between to be believed elsewhere.
    pub fn finish(&mut self, pings: &Pings, findings: &mut Findings) {
        for jump in std::mem::take(&mut self.jumps) {
            if !pings.may_jump(jump.vehicle, jump.from, jump.to) {
                findings.add(Kind::ImpossibleSpeed, jump.at, jump.message);
            }
        }
    }
}

/// Great-circle distance (haversine) between two positions in degrees.
fn metres((lat, lon): (f64, f64), (other_lat, other_lon): (f64, f64)) -> f64 {
    let half = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
    let chord = half(lat, other_lat) + lat.to_radians().cos() * other_lat.to_radians().cos() * half(lon, other_lon);
    2.0 * EARTH_METRES * chord.clamp(0.0, 1.0).sqrt().asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_degree_of_latitude_is_111_km_and_one_of_longitude_shrinks_to_the_north() {
        assert!((metres((60.0, 24.0), (61.0, 24.0)) - 111_195.0).abs() < 1.0);
        assert!((metres((60.0, 24.0), (60.0, 25.0)) - 55_597.0).abs() < 5.0);
        assert!((metres((0.0, 179.5), (0.0, -179.5)) - 111_195.0).abs() < 1.0, "across the date line");
    }
}
