//! A vehicle's tracker: where it is from second to second, and the pings that say so, with noise, and with everything
//! that goes wrong with pings. Each ping knows whether it has to become a dead letter.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::{Value, json};

use crate::fleet::{CLOSING_MS, Kind};
use crate::shop::{Fate, Sent};

/// Metres east and north of the depot.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    east: f64,
    north: f64,
}

/// The depot is at 60° N, 24° E; there a degree of longitude is half a degree of latitude.
const METRES_PER_DEGREE: f64 = 111_195.0;

impl Place {
    /// Somewhere in town.
    pub fn some(rng: &mut ChaCha8Rng) -> Place {
        Place { east: rng.random_range(-1_600.0..1_600.0), north: rng.random_range(-1_600.0..1_600.0) }
    }

    pub fn by(self, east: f64, north: f64) -> Place {
        Place { east: self.east + east, north: self.north + north }
    }

    /// Latitude and longitude.
    pub fn degrees(self) -> (f64, f64) {
        let round = |degrees: f64| (degrees * 1e7).round() / 1e7;
        (round(60.0 + self.north / METRES_PER_DEGREE), round(24.0 + self.east / METRES_PER_DEGREE * 2.0))
    }

    fn metres_to(self, to: Place) -> f64 {
        (to.east - self.east).hypot(to.north - self.north)
    }
}

pub struct Tracker {
    pub id: String,
    kind: Kind,
    /// Time of the vehicle, milliseconds.
    pub now: i64,
    /// By then it has come to rest.
    end: i64,
    place: Place,
    pub sent: Vec<Sent>,
}

impl Tracker {
    pub fn new(id: &str, kind: Kind, rng: &mut ChaCha8Rng, from: i64, end: i64) -> Tracker {
        let place = if rng.random_bool(0.7) { Place::default() } else { Place::some(rng) };
        Tracker { id: id.into(), kind, now: from + rng.random_range(20_000..600_000), end, place, sent: vec![] }
    }

    /// Drives straight there, or nearly; it may be interrupted by a gap, a race, a detour.
    pub fn drive(&mut self, rng: &mut ChaCha8Rng, to: Place) {
        if rng.random_bool(0.15) {
            let detour = self.place.by(rng.random_range(500.0..900.0), rng.random_range(-900.0..-500.0));
            self.straight(rng, detour);
        }
        self.straight(rng, to);
    }

    fn straight(&mut self, rng: &mut ChaCha8Rng, to: Place) {
        let mut speed = rng.random_range(8.0..16.0);
        let races = rng.random_bool(0.08);
        while self.place.metres_to(to) > 1.0 && self.now < self.end {
            if rng.random_bool(0.01) {
                // A tunnel, a flat battery.
                self.now += rng.random_range(200_000..500_000);
                if self.now >= self.end {
                    return;
                }
            }
            if races {
                speed = 45.0;
            }
            let seconds = self.interval(rng);
            let left = self.place.metres_to(to);
            let share = (speed * seconds / left).min(1.0);
            self.place = self.place.by((to.east - self.place.east) * share, (to.north - self.place.north) * share);
            self.now += (seconds * 1_000.0) as i64;
            self.ping(rng, Some(speed));
        }
    }

    /// Stands there for about so many seconds.
    pub fn wait(&mut self, rng: &mut ChaCha8Rng, seconds: i64) {
        let until = (self.now + seconds * 1_000).min(self.end);
        while self.now < until {
            self.now += (self.interval(rng) * 1_000.0) as i64;
            self.ping(rng, None);
        }
    }

    /// Pings of the orderly are farther apart than any ping waits for an older one.
    fn interval(&self, rng: &mut ChaCha8Rng) -> f64 {
        match self.kind {
            Kind::Orderly => rng.random_range(6.0..18.0),
            Kind::Roamer => rng.random_range(0.5..6.0),
            _ if rng.random_bool(0.3) => rng.random_range(0.5..3.0),
            _ => rng.random_range(3.0..20.0),
        }
    }

    /// The last pings, at rest and without fault.
    pub fn close(&mut self, until: i64) {
        for before in CLOSING_MS {
            self.now = until - before;
            let value = self.fix(self.now, self.place);
            let sent = self.sent_at(self.now + 200, &value);
            self.sent.push(Sent { plain: true, ..sent });
        }
    }

    fn fix(&self, fix_time: i64, place: Place) -> Value {
        let (lat, lon) = place.degrees();
        json!({"vehicle_id": self.id, "fix_time": fix_time, "lat": lat, "lon": lon})
    }

    fn sent_at(&self, at: i64, value: &Value) -> Sent {
        Sent { fate: Fate::Taken, ..Sent::new(at, "gps-pings", &self.id, value) }
    }

    /// One ping of where it is, and what may go wrong with it.
    fn ping(&mut self, rng: &mut ChaCha8Rng, speed: Option<f64>) {
        let noise = |rng: &mut ChaCha8Rng| rng.random_range(-4.0..4.0);
        let place = self.place.by(noise(rng), noise(rng));
        let mut value = self.fix(self.now, place);
        if let Some(speed) = speed {
            value["speed"] = json!(speed);
        }
        if rng.random_bool(0.3) {
            value["accuracy"] = json!(rng.random_range(2..30));
        }
        let soon = match self.kind {
            Kind::Orderly => rng.random_range(100..1_500),
            // Nearly too late to be put before those that overtook it.
            Kind::Roamer if rng.random_bool(0.5) => rng.random_range(3_500..4_800),
            Kind::Roamer => rng.random_range(100..400),
            Kind::Other => rng.random_range(100..4_500),
        };
        let mut at = self.now + soon;
        match rng.random_range(0..100) {
            0..2 if self.kind == Kind::Orderly => {
                // Of a time that has passed, and nearly always late.
                let old = self.fix(self.now - rng.random_range(60_000..300_000), place);
                let sent = self.sent_at(at - 50, &old);
                self.sent.push(sent);
            }
            // The tracker had no network.
            0..2 => at = (at + rng.random_range(60_000..400_000)).min(self.end + 20_000),
            2..4 => self.wild(rng, 1),
            4 => self.wild(rng, 3),
            5..7 => self.bad(rng, &value, at),
            7 => value["accuracy"] = json!(500),
            8 => (value["lat"], value["lon"]) = (json!(0.0), json!(0.0)),
            // Swapped: far from here, and on the earth.
            9 => (value["lat"], value["lon"]) = (value["lon"].clone(), value["lat"].clone()),
            10..15 => {
                let again = at + rng.random_range(0..if self.kind == Kind::Orderly { 2_000 } else { 30_000 });
                let sent = self.sent_at(again, &value);
                self.sent.push(sent);
            }
            _ => {}
        }
        let sent = self.sent_at(at, &value);
        self.sent.push(sent);
    }

    /// Fixes of some other place, which agree with each other.
    fn wild(&mut self, rng: &mut ChaCha8Rng, count: i64) {
        let there = self.place.by(50_000.0, rng.random_range(-20_000.0..20_000.0));
        for n in 0..count {
            let before = 2_000 - n * 500;
            let value = self.fix(self.now - before, there);
            let sent = self.sent_at(self.now - before + 100, &value);
            self.sent.push(sent);
        }
    }

    /// What is no position at all.
    fn bad(&mut self, rng: &mut ChaCha8Rng, good: &Value, at: i64) {
        let mut value = good.clone();
        let reason = match rng.random_range(0..8) {
            0 => {
                value["lat"] = json!(91.5);
                "value_out_of_range"
            }
            1 => {
                value["lon"] = json!(249_400_000);
                "value_out_of_range"
            }
            2 => {
                value["fix_time"] = json!(self.now + 7_200_000);
                "timestamp_in_future"
            }
            3 => {
                value["fix_time"] = json!("1970-01-01T00:00:00Z");
                "value_out_of_range"
            }
            4 => {
                value["vehicle_id"] = json!("V-another");
                "key_mismatch"
            }
            5 => {
                value["lon"] = Value::Null;
                "missing_field"
            }
            6 => {
                value["heading"] = json!(400);
                "value_out_of_range"
            }
            _ => {
                let text = good.to_string().replace("\"lat\":", "\"lat\":NaN,\"was\":");
                let mut sent = self.sent_at(at, good);
                (sent.value, sent.fate) = (Some(text.into_bytes()), Fate::Refused("invalid_json"));
                self.sent.push(sent);
                return;
            }
        };
        let mut sent = self.sent_at(at, &value);
        sent.fate = Fate::Refused(reason);
        self.sent.push(sent);
    }
}
