//! Vans that bring orders, in real time: each has a street of its own, drives up and down it from stop to stop, and its
//! tracker says so twice a second, with duplicates, fixes that overtake each other, late ones, wild ones and some that are
//! none. Drivers have proof of delivery at every stop. What must come of it is known here: see `arrived`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::app::App;
use super::now_millis;
use super::sender::{Partitioner, Record, Sender};

/// Metres from stop to stop.
const LEG: f64 = 600.0;
/// Metres per second: fast, and no overspeed.
const SPEED: f64 = 30.0;
const TICK_MS: i64 = 500;
/// At a stop: longer than it takes to believe that a van is there.
const DWELL_MS: i64 = 20_000;
/// At rest in the end: the last pings wait no longer for older ones, and nothing is left of the drive.
const REST_MS: i64 = 12_000;
const METRES_PER_DEGREE: f64 = 111_195.0;
const SKU: &str = "ROUTE";

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// To this stop.
    Drives(usize),
    /// At this stop, until then.
    Stands(usize, i64),
    /// Its last shipment is done; until then it says where it is.
    Rests(i64),
    Done,
}

/// A shipment as it was dispatched: two stops, an order each.
#[derive(Clone, Debug)]
pub struct Dispatched {
    pub shipment: String,
    pub orders: [String; 2],
}

struct Van {
    id: String,
    lon: f64,
    /// Metres north of the street's begin.
    north: f64,
    phase: Phase,
    /// Where the stops of its shipment are.
    stops: [f64; 2],
    /// Paid already, for its next shipment.
    next: [String; 2],
    /// A ping that the network holds back.
    held: Option<Value>,
}

pub struct Fleet {
    sender: Sender,
    rng: ChaCha8Rng,
    name: String,
    number: u32,
    vans: Vec<Van>,
    ending: bool,
    pub shipments: Vec<Dispatched>,
    pub pings: u64,
    /// Of these, so many are no positions.
    pub bad: u64,
}

impl Fleet {
    /// Vans with goods for their first shipments, ordered and paid.
    pub fn new(app: &App, seed: u64, vans: usize) -> Fleet {
        let mut fleet = Fleet {
            sender: Sender::new(&app.bootstrap, Partitioner::Murmur2),
            rng: ChaCha8Rng::seed_from_u64(seed),
            name: app.name.clone(),
            number: 0,
            vans: vec![],
            ending: false,
            shipments: vec![],
            pings: 0,
            bad: 0,
        };
        let stock = json!({"restock_id": "route-stock", "sku": SKU, "location": "main", "quantity": 1_000_000, "kind": "received"});
        fleet.send("restocks", SKU, &stock);
        fleet.sender.flush();
        for n in 0..vans {
            let next = fleet.orders();
            let (id, lon) = (format!("van-{n}"), 24.0 + 0.05 * n as f64);
            fleet.vans.push(Van { id, lon, north: 0.0, phase: Phase::Rests(0), stops: [0.0; 2], next, held: None });
        }
        fleet.sender.flush();
        fleet
    }

    /// The orders of the first shipments.
    pub fn first_orders(&self) -> Vec<String> {
        self.vans.iter().flat_map(|van| van.next.clone()).collect()
    }

    fn send(&mut self, topic: &str, key: &str, value: &Value) {
        self.sender.send(&Record::new(&format!("{}.{topic}", self.name), key, value.to_string()));
    }

    fn orders(&mut self) -> [String; 2] {
        [(); 2].map(|()| {
            self.number += 1;
            let id = format!("route-{}", self.number);
            let line = json!({"sku": SKU, "quantity": 1, "unit_price": 100});
            let order = json!({"type": "place", "order_id": id, "currency": "EUR", "hold_seconds": 3600, "lines": [line]});
            self.send("orders", &id, &order);
            let paid = json!({"payment_id": format!("pay-{id}"), "order_id": id, "status": "captured", "amount": 100, "currency": "EUR"});
            self.send("payments", &id, &paid);
            id
        })
    }

    /// One tick of every van. Whether any of them is still about.
    fn step(&mut self, now: i64) -> bool {
        for n in 0..self.vans.len() {
            match self.vans[n].phase {
                Phase::Drives(stop) => {
                    let van = &mut self.vans[n];
                    let left = van.stops[stop] - van.north;
                    let metres = SPEED * TICK_MS as f64 / 1_000.0;
                    van.north += left.clamp(-metres, metres);
                    if (van.stops[stop] - van.north).abs() < 0.1 {
                        van.phase = Phase::Stands(stop, now + DWELL_MS);
                    }
                    self.ping(n, now, false);
                }
                Phase::Stands(stop, until) => {
                    self.ping(n, now, false);
                    if now >= until {
                        self.deliver(n, stop);
                    }
                }
                Phase::Rests(0) => self.dispatch(n),
                Phase::Rests(until) => {
                    self.ping(n, now, true);
                    if now >= until {
                        self.vans[n].phase = Phase::Done;
                    }
                }
                Phase::Done => {}
            }
        }
        self.vans.iter().any(|van| !matches!(van.phase, Phase::Done))
    }

    /// The next shipment begins where the van is, and leads to the other end of the street.
    fn dispatch(&mut self, n: usize) {
        let orders = self.orders();
        let van = &mut self.vans[n];
        let orders = std::mem::replace(&mut van.next, orders);
        let way = if van.north < LEG { LEG } else { -LEG };
        van.stops = [van.north + way, van.north + 2.0 * way];
        van.phase = Phase::Drives(0);
        let shipment = format!("{}-{}", van.id, self.shipments.len());
        let stop = |i: usize| {
            let lat = latitude(van.stops[i]);
            json!({"stop_id": i.to_string(), "order_id": orders[i], "lat": lat, "lon": van.lon, "service_seconds": 20})
        };
        let depot = json!({"lat": latitude(van.north), "lon": van.lon});
        let stops = [stop(0), stop(1)];
        let value = json!({"type": "dispatch", "shipment_id": shipment, "vehicle_id": van.id, "depot": depot, "stops": stops});
        let id = van.id.clone();
        self.send("dispatches", &id, &value);
        if self.rng.random_range(0..3) == 0 {
            self.send("dispatches", &id, &value);
        }
        self.shipments.push(Dispatched { shipment, orders });
    }

    fn deliver(&mut self, n: usize, stop: usize) {
        let van = &self.vans[n];
        let (id, shipment) = (van.id.clone(), self.shipment_of(&van.id));
        let proof = json!({"type": "delivered", "shipment_id": shipment, "vehicle_id": id, "stop_id": stop.to_string()});
        self.send("dispatches", &id, &proof);
        if self.rng.random_range(0..3) == 0 {
            self.send("dispatches", &id, &proof);
        }
        self.vans[n].phase = match (stop, self.ending) {
            (0, _) => Phase::Drives(1),
            (_, true) => Phase::Rests(now_millis() + REST_MS),
            (_, false) => Phase::Rests(0),
        };
    }

    /// The last that was dispatched with it.
    fn shipment_of(&self, van: &str) -> String {
        let own = self.shipments.iter().rev().find(|s| s.shipment.starts_with(&format!("{van}-")));
        own.map(|s| s.shipment.clone()).unwrap_or_default()
    }

    fn ping(&mut self, n: usize, now: i64, plain: bool) {
        let van = &self.vans[n];
        let (id, lon) = (van.id.clone(), van.lon);
        let fix = |time: i64, north: f64, noise: f64| json!({"vehicle_id": id, "fix_time": time, "lat": latitude(north + noise), "lon": lon, "accuracy": 5});
        let noise = self.rng.random_range(-2.0..2.0);
        let value = fix(now, van.north, noise);
        let wild = fix(now - 1, van.north + 40_000.0, noise);
        let late = fix(now - 20_000, van.north, noise);
        let mut all = vec![value.clone()];
        if !plain {
            match self.rng.random_range(0..100) {
                0..4 => all.push(value.clone()),
                4..6 => all.insert(0, wild),
                6..8 => all.push(late),
                8..10 => {
                    let mut bad = value.clone();
                    bad["lat"] = json!(91);
                    all.push(bad);
                    self.bad += 1;
                }
                10..13 => {
                    // It comes after the next one.
                    if let Some(before) = self.vans[n].held.replace(value) {
                        all = vec![before];
                    } else {
                        all.clear();
                    }
                }
                _ => {}
            }
        }
        if !all.is_empty() {
            all.extend(self.vans[n].held.take());
        }
        for value in all {
            self.send("gps-pings", &id, &value);
            self.pings += 1;
        }
    }

    /// Where every van must be in the end: its id, latitude and longitude.
    pub fn arrived(&self) -> Vec<(String, f64, f64)> {
        self.vans.iter().map(|van| (van.id.clone(), latitude(van.north), van.lon)).collect()
    }
}

fn latitude(north: f64) -> f64 {
    60.0 + north / METRES_PER_DEGREE
}

/// The vans on the road, on a thread of their own.
pub struct Drive {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Fleet>,
}

impl Drive {
    pub fn start(mut fleet: Fleet) -> Drive {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut next = now_millis();
            loop {
                fleet.ending = told.load(Ordering::Acquire);
                if !fleet.step(now_millis()) {
                    break;
                }
                next += TICK_MS;
                std::thread::sleep(Duration::from_millis((next - now_millis()).max(0) as u64));
            }
            fleet.sender.flush();
            fleet
        });
        Drive { stop, thread }
    }

    /// Ends the routes that are under way, which takes a minute or two, and waits until all has been written.
    pub fn stop(self) -> Fleet {
        self.stop.store(true, Ordering::Release);
        self.thread.join().unwrap()
    }
}
