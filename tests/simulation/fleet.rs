//! The fleet: vehicles that drive orders of the shop about, and what their trackers, their drivers and the warehouse
//! write. Goods are handed to another vehicle on the way, called back, sent again, not taken in; drivers make detours,
//! fall silent, race, and say that they have delivered where they never were.
//!
//! Pings have the broker's times. Their vehicles are of three kinds, because what a position must be depends on it:
//! roamers have nothing on board and their pings overtake each other; the orderly ones send in the order of their fixes;
//! the others do both, so that their last place is all that is known beforehand.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::{Value, json};
use waybill::engine::plan::ClockMode;

use crate::setup::{Setup, Stream, generator};
use crate::shop::{Fate, Placed, Sent};
use crate::tracker::{Place, Tracker};

/// When the last pings of every vehicle come, before the end: at rest, and such as anybody would believe.
pub const CLOSING_MS: [i64; 3] = [45_000, 25_000, 5_000];

/// What is known of a vehicle beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Roamer,
    Orderly,
    Other,
}

/// The kind of the `number`th vehicle.
pub fn kind_of(setup: &Setup, number: usize) -> Kind {
    match (setup.seed as usize + number) % 5 {
        0 | 3 => Kind::Roamer,
        1 => Kind::Other,
        _ => Kind::Orderly,
    }
}

pub fn name(number: usize) -> String {
    format!("V-{number}")
}

struct Warehouse<'a> {
    setup: &'a Setup,
    rng: ChaCha8Rng,
    placed: &'a [Placed],
    /// When the last trip must have ended.
    until: i64,
    sent: Vec<Sent>,
    shipments: u32,
}

/// Everything that trackers, drivers and warehouse write.
pub fn drive(setup: &Setup, from: i64, until: i64, placed: &[Placed]) -> Vec<Sent> {
    let rng = generator(setup.seed, Stream::Fleet);
    let mut warehouse = Warehouse { setup, rng, placed, until: until - 120_000, sent: vec![], shipments: 0 };
    for number in 0..setup.vehicles {
        warehouse.vehicle(number, from, until);
    }
    warehouse.until = until - 120_000;
    for number in 0..setup.couriers {
        warehouse.courier(number, from);
    }
    let id = "V-unknown";
    for kind in ["recall", "delivered"] {
        let at = warehouse.rng.random_range(from..until);
        warehouse.say(at, id, json!({"type": kind, "shipment_id": "S-0", "stop_id": "1"}));
    }
    warehouse.reports(from);
    warehouse.sent
}

/// A stop, as it is meant and as it comes.
struct Call {
    stop_id: String,
    order_id: String,
    place: Place,
}

impl Warehouse<'_> {
    fn vehicle(&mut self, number: usize, from: i64, until: i64) {
        let (id, kind) = (name(number), kind_of(self.setup, number));
        // Some are parked early: nothing but their silence comes after their last ping. In a replay that ping would wait for
        // ever.
        let early = self.setup.clock == ClockMode::Wall && self.rng.random_bool(0.5);
        let until = if early { until - self.rng.random_range(360_000..900_000) } else { until };
        self.until = until - 120_000;
        let mut tracker = Tracker::new(&id, kind, &mut self.rng, from, self.until);
        tracker.wait(&mut self.rng, 20);
        for _ in 0..self.rng.random_range(1..=3) {
            if tracker.now > self.until - 400_000 {
                break;
            }
            match kind {
                Kind::Roamer => {
                    let to = Place::some(&mut self.rng);
                    tracker.drive(&mut self.rng, to);
                }
                Kind::Orderly | Kind::Other => self.trip(&mut tracker, number),
            }
            let idle = self.rng.random_range(10..300);
            tracker.wait(&mut self.rng, idle);
        }
        tracker.close(until);
        self.sent.extend(tracker.sent);
    }

    /// Somebody without a tracker: many shipments, one soon after the other, each of which wants a plan.
    fn courier(&mut self, number: usize, from: i64) {
        let id = format!("C-{number}");
        for _ in 0..self.rng.random_range(4..12) {
            self.shipments += 1;
            let (shipment, at) = (format!("S-{}", self.shipments), self.rng.random_range(from + 60_000..self.until));
            let calls = self.calls(at);
            let dispatch = self.dispatch(&shipment, &calls, at);
            self.say(at, &id, dispatch.clone());
            if self.rng.random_bool(0.2) {
                let (back, again) = (at + self.rng.random_range(0..3_000), at + self.rng.random_range(3_000..6_000));
                self.say(back, &id, json!({"type": "recall", "shipment_id": shipment}));
                self.say(again, &id, dispatch);
            }
            for call in &calls {
                let later = at + self.rng.random_range(0..300_000);
                let kind = if self.rng.random_bool(0.8) { "delivered" } else { "failed" };
                self.say(later, &id, json!({"type": kind, "shipment_id": shipment, "stop_id": call.stop_id}));
            }
        }
    }

    /// One shipment from its dispatch to its end, if it has one.
    fn trip(&mut self, tracker: &mut Tracker, number: usize) {
        self.shipments += 1;
        let shipment = format!("S-{}", self.shipments);
        let mut calls = self.calls(tracker.now);
        let dispatch = self.dispatch(&shipment, &calls, tracker.now);
        // Sometimes the tracker wakes up first, sometimes the warehouse.
        let at = tracker.now + self.rng.random_range(-20_000..40_000);
        self.say(at, &tracker.id, dispatch.clone());
        if self.rng.random_bool(0.15) {
            let again = at + self.rng.random_range(0..300_000);
            self.say(again, &tracker.id, dispatch.clone());
        }
        if self.rng.random_bool(0.05) {
            let mut other = dispatch.clone();
            other["stops"][0]["lat"] = json!(60.5);
            self.say(at + 700, &tracker.id, other);
        }
        if calls.len() > 1 && self.rng.random_bool(0.25) {
            // The last order goes on with somebody else.
            let call = calls.pop().expect("there are two");
            let later = at + self.rng.random_range(1_000..200_000);
            self.hand_over(call, number, later);
        }
        let recalled = self.rng.random_bool(0.15).then(|| self.rng.random_range(0..=calls.len()));
        for (nth, call) in calls.iter().enumerate() {
            if tracker.now >= self.until {
                return;
            }
            if recalled == Some(nth) {
                self.recall(tracker, &shipment, &dispatch);
            }
            self.visit(tracker, &shipment, call);
        }
        if self.rng.random_bool(0.3) {
            tracker.drive(&mut self.rng, Place::default());
        }
    }

    fn calls(&mut self, at: i64) -> Vec<Call> {
        let paid: Vec<&Placed> = self.placed.iter().filter(|p| p.paid.is_some_and(|paid| paid < at)).collect();
        let count = if self.rng.random_bool(0.04) { 11 } else { self.rng.random_range(1..=3) };
        let mut calls: Vec<Call> = vec![];
        for n in 1..=count {
            let order_id = match self.rng.random_range(0..20) {
                0 => "O-unknown".to_owned(),
                1..3 => self.placed[self.rng.random_range(0..self.placed.len())].id.clone(),
                3 if n > 1 => calls[0].order_id.clone(),
                _ if paid.is_empty() => self.placed[self.rng.random_range(0..self.placed.len())].id.clone(),
                _ => paid[self.rng.random_range(0..paid.len())].id.clone(),
            };
            calls.push(Call { stop_id: n.to_string(), order_id, place: Place::some(&mut self.rng) });
        }
        calls
    }

    fn dispatch(&mut self, shipment: &str, calls: &[Call], at: i64) -> Value {
        let stops: Vec<Value> = calls
            .iter()
            .map(|call| {
                let (lat, lon) = call.place.degrees();
                let mut stop = json!({"stop_id": call.stop_id, "order_id": call.order_id, "lat": lat, "lon": lon});
                match self.rng.random_range(0..6) {
                    0 => stop["radius"] = json!(self.rng.random_range(40..300)),
                    1 => {
                        let corner = |east: f64, north: f64| {
                            let (lat, lon) = call.place.by(east, north).degrees();
                            json!([lat, lon])
                        };
                        stop["polygon"] = json!([corner(-90.0, -90.0), corner(90.0, -90.0), corner(90.0, 90.0), corner(-90.0, 90.0)]);
                    }
                    2 => {
                        let to = at + self.rng.random_range(60_000..900_000);
                        stop["window"] = json!({"from": at, "to": to});
                    }
                    _ => {}
                }
                if self.rng.random_bool(0.5) {
                    stop["service_seconds"] = json!(self.rng.random_range(0..120));
                }
                stop
            })
            .collect();
        let (lat, lon) = Place::default().degrees();
        let optimise = self.rng.random_bool(0.5);
        json!({"type": "dispatch", "shipment_id": shipment, "depot": {"lat": lat, "lon": lon}, "stops": stops, "optimise": optimise})
    }

    /// Drives there and says what came of it.
    fn visit(&mut self, tracker: &mut Tracker, shipment: &str, call: &Call) {
        let goes_there = self.rng.random_bool(0.9);
        if goes_there {
            tracker.drive(&mut self.rng, call.place);
            let seconds = self.rng.random_range(5..120);
            tracker.wait(&mut self.rng, seconds);
        }
        let at = tracker.now + self.rng.random_range(-4_000..4_000);
        let proof = |kind: &str| json!({"type": kind, "shipment_id": shipment, "stop_id": call.stop_id});
        match self.rng.random_range(0..20) {
            0..2 => {
                self.say(at, &tracker.id, proof("failed"));
                if self.rng.random_bool(0.4) {
                    let later = at + self.rng.random_range(1_000..200_000);
                    self.say(later, &tracker.id, proof("delivered"));
                }
            }
            2 => {}
            3 => {
                self.say(at, &tracker.id, proof("delivered"));
                self.say(at + 300, &tracker.id, proof("failed"));
            }
            _ => self.say(at, &tracker.id, proof("delivered")),
        }
    }

    fn recall(&mut self, tracker: &Tracker, shipment: &str, dispatch: &Value) {
        let at = tracker.now + self.rng.random_range(0..3_000);
        self.say(at, &tracker.id, json!({"type": "recall", "shipment_id": shipment, "reason": "wrong goods"}));
        if self.rng.random_bool(0.6) {
            // At once, so that a plan that is being made answers too late.
            let again = at + self.rng.random_range(0..2_000);
            self.say(again, &tracker.id, dispatch.clone());
        }
    }

    /// Another vehicle is sent with the order, and brings it or does not.
    fn hand_over(&mut self, call: Call, number: usize, at: i64) {
        self.shipments += 1;
        let other = name((number + 1) % (self.setup.vehicles + 1));
        // A roamer has nothing on board.
        let roams = (0..self.setup.vehicles).any(|n| name(n) == other && kind_of(self.setup, n) == Kind::Roamer);
        let other = if roams { "V-courier".to_owned() } else { other };
        let shipment = format!("S-{}", self.shipments);
        let dispatch = self.dispatch(&shipment, std::slice::from_ref(&call), at);
        self.say(at, &other, dispatch);
        if self.rng.random_bool(0.7) {
            let later = at + self.rng.random_range(500..400_000);
            self.say(later, &other, json!({"type": "delivered", "shipment_id": shipment, "stop_id": call.stop_id}));
        }
    }

    /// Complaints about deliveries, in time or before there was any.
    fn reports(&mut self, from: i64) {
        for n in 0..self.rng.random_range(2..8) {
            let order = &self.placed[self.rng.random_range(0..self.placed.len())].id;
            let id = format!("S-{}", self.rng.random_range(0..=self.shipments));
            let at = self.rng.random_range(from + 300_000..self.until);
            let value = json!({"feedback_id": format!("D-{n}"), "about": "delivery", "id": id, "order_id": order, "kind": "late"});
            self.sent.push(Sent::new(at, "feedback", &id, &value));
        }
    }

    /// A record on `dispatches`, sometimes with a clock that is wrong, sometimes twice.
    fn say(&mut self, at: i64, vehicle: &str, mut value: Value) {
        value["vehicle_id"] = json!(vehicle);
        let mut sent = Sent::new(at, "dispatches", vehicle, &value);
        match self.rng.random_range(0..100) {
            0..3 => sent.timestamp -= self.rng.random_range(0..200_000),
            3 => sent.timestamp += self.rng.random_range(0..60_000),
            4 => {
                value["vehicle_id"] = json!("V-another");
                let mut wrong = Sent::new(at, "dispatches", vehicle, &value);
                wrong.fate = Fate::Refused("key_mismatch");
                self.sent.push(wrong);
            }
            5..9 => {
                let after = at + self.rng.random_range(0..60_000);
                self.sent.push(Sent { at: after, timestamp: after, ..sent.clone() });
            }
            _ => {}
        }
        self.sent.push(sent);
    }
}
