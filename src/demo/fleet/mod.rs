//! The shop's own vans: which orders go with which van, when, and what is sent on the way. Twice a day six vans are loaded
//! with what is paid and packed, in the evening one more; nobody sends pings but them and some real buses. What Waybill
//! has planned is what they drive. Decides nothing about an order.
//!
//! | file | what |
//! | --- | --- |
//! | `streets.rs` | the map: addresses and ways |
//! | `trip.rs` | one shipment: dispatch, proofs, breakdowns, detours |
//! | `driver.rs` | where a van really is |
//! | `mishaps.rs` | what its tracker makes of that |
//! | `buses.rs` | real buses |
//! | `logbook.rs` | a consumer of what Waybill says of all that |

pub mod buses;
mod driver;
pub mod logbook;
mod mishaps;
pub mod streets;
mod trip;

use std::collections::BTreeMap;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use schemas::Source;
use schemas::plan::Point;

use super::shop::generator;
use logbook::Told;
use streets::Streets;
use trip::{Driven, Fate, Stop, Stranded, Trip};

const MINUTE: i64 = 60_000;
/// Of the day, in minutes after midnight: when vans are loaded. The evening's is alone on the streets.
pub const ROUNDS: [i64; 3] = [9 * 60, 13 * 60 + 30, 18 * 60 + 30];
const EVENING: usize = 2;
/// Vans of a round, and the one that helps out.
const VANS: usize = 6;
const HELPER: &str = "VAN-9";
/// Vehicles that are none of the shop's begin with this.
pub const BUS: &str = "BUS-";
/// Most stops of a shipment: so many the planner orders as well as can be, at once.
const MOST_STOPS: usize = 8;
const MOST_IN_THE_EVENING: usize = 5;
/// Customers say when they are at home: for three quarters of an hour, from the round's begin on, or half an hour or an hour
/// later.
const WINDOW: i64 = 45 * MINUTE;
/// The first stream of this part's draws.
const STREAMS: u64 = 1 << 32;

/// Something that a van or the warehouse does, in milliseconds since the epoch.
#[derive(Clone, Debug)]
pub enum Errand {
    Send {
        at: i64,
        source: Source,
        key: String,
        value: Vec<u8>,
    },
    /// A record that was sent before.
    Again {
        at: i64,
        source: Source,
        key: String,
        value: Vec<u8>,
    },
    /// A record that nobody should send.
    Broken {
        at: i64,
        source: Source,
        key: String,
        value: Vec<u8>,
    },
    /// Another van takes what this shipment's van has left; the plan is there before that drives.
    Rescue {
        at: i64,
        shipment: String,
    },
    /// Everything before is to be decided by then, plans included.
    Settle {
        at: i64,
    },
}

impl Errand {
    fn again(self, later: i64) -> Errand {
        match self {
            Errand::Send { source, key, value, .. } => Errand::Again { at: later, source, key, value },
            other => other,
        }
    }

    fn broken(self) -> Errand {
        match self {
            Errand::Send { at, source, key, value } => Errand::Broken { at, source, key, value },
            other => other,
        }
    }
}

#[derive(Debug)]
pub struct Fleet {
    streets: Streets,
    seed: u64,
    /// Orders that are packed, and since when.
    waiting: BTreeMap<String, i64>,
    /// Dispatched, and not planned yet.
    loaded: BTreeMap<String, Trip>,
    stranded: BTreeMap<String, Stranded>,
    /// When each van is back.
    back: BTreeMap<String, i64>,
}

impl Fleet {
    pub fn new(streets: Streets, seed: u64) -> Fleet {
        Fleet { streets, seed, waiting: BTreeMap::new(), loaded: BTreeMap::new(), stranded: BTreeMap::new(), back: BTreeMap::new() }
    }

    /// Where an order goes; the invoices do not say.
    pub fn address(&self, order_id: &str) -> Point {
        self.streets.address(&mut self.draws(order_id))
    }

    /// Draws of one order's, or one shipment's, own.
    fn draws(&self, id: &str) -> ChaCha8Rng {
        // FNV-1a.
        let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        generator(self.seed, STREAMS | hash)
    }

    /// An order is packed from `ready` on, or comes back to the depot.
    pub fn packs(&mut self, order_id: &str, ready: i64) {
        self.waiting.insert(order_id.to_owned(), ready);
    }

    /// Loads vans with what is packed and `wanted` still. `round`: index into [`ROUNDS`].
    pub fn load(&mut self, at: i64, round: usize, wanted: impl Fn(&str) -> bool) -> Vec<Errand> {
        self.waiting.retain(|order, _| wanted(order));
        let vans = if round == EVENING { 1 } else { VANS };
        let free: Vec<String> =
            (1..=vans).map(|n| format!("VAN-{n}")).filter(|van| self.back.get(van).is_none_or(|back| *back < at)).collect();
        let most = if round == EVENING { MOST_IN_THE_EVENING } else { free.len() * MOST_STOPS };
        let mut orders: Vec<(i64, String)> = self.waiting.iter().filter(|(_, ready)| **ready <= at).map(|(o, r)| (*r, o.clone())).collect();
        orders.sort();
        orders.truncate(if free.is_empty() { 0 } else { most });
        // From west to east: each van has a part of the town.
        let mut stops: Vec<(Point, String)> = orders.into_iter().map(|(_, order)| (self.address(&order), order)).collect();
        stops.sort_by_key(|(point, order)| (point.lon, order.clone()));
        let each = stops.len().div_ceil(free.len().max(1)).max(MOST_STOPS / 2);
        let others_are_out = self.back.values().any(|back| *back >= at);
        let mut errands = vec![];
        let mut broken_down = false;
        for (van, part) in free.iter().zip(stops.chunks(each)) {
            let shipment = format!("S-{}-{van}", at / MINUTE);
            let mut rng = self.draws(&shipment);
            let mut fate = if round == EVENING { detour(part.len(), !others_are_out, &mut rng) } else { fate(part.len(), &mut rng) };
            // There is one van to help out.
            if matches!(fate, Fate::Breakdown { .. }) && std::mem::replace(&mut broken_down, true) {
                fate = Fate::AsPlanned;
            }
            let mut stop = |(point, order): &(Point, String)| {
                self.waiting.remove(order);
                let from = at + rng.random_range(0..3) * 30 * MINUTE;
                Stop { order_id: order.clone(), point: *point, window: (from, from + WINDOW) }
            };
            let stops = (1..).zip(part).map(|(n, order)| (n.to_string(), stop(order))).collect();
            let trip = Trip { vehicle: van.clone(), shipment, at, start: self.streets.depot, stops, fate, rng };
            self.dispatch(trip, &mut errands);
        }
        errands
    }

    fn dispatch(&mut self, mut trip: Trip, errands: &mut Vec<Errand>) {
        let dispatch = trip.dispatch();
        if trip.rng.random_ratio(1, 12) {
            errands.push(dispatch.clone().again(trip.at + trip.rng.random_range(2..20) * MINUTE));
        }
        errands.push(dispatch);
        self.loaded.insert(trip.shipment.clone(), trip);
    }

    /// Waybill has said something of a shipment: once it is planned, it is driven.
    pub fn heard(&mut self, event: &Told) -> Vec<Errand> {
        if event.kind != "planned" {
            return vec![];
        }
        let Some(trip) = self.loaded.remove(&event.shipment_id) else { return vec![] };
        let order: Vec<String> = event.stops.iter().map(|stop| stop.stop_id.clone()).collect();
        let (vehicle, shipment) = (trip.vehicle.clone(), trip.shipment.clone());
        let Driven { errands, back, stranded } = trip.drive(&self.streets, &order);
        self.back.insert(vehicle, back);
        if let Some(stranded) = stranded {
            self.stranded.insert(shipment, stranded);
        }
        errands
    }

    /// The helper takes over what a van has left, where that stands.
    pub fn rescue(&mut self, at: i64, shipment: &str) -> Vec<Errand> {
        let Some(Stranded { at: place, stops }) = self.stranded.remove(shipment) else { return vec![] };
        let shipment = format!("{shipment}-B");
        let rng = self.draws(&shipment);
        let trip = Trip { vehicle: HELPER.to_owned(), shipment, at, start: place, stops, fate: Fate::AsPlanned, rng };
        let mut errands = vec![];
        self.dispatch(trip, &mut errands);
        errands
    }
}

fn fate(stops: usize, rng: &mut ChaCha8Rng) -> Fate {
    let draw = rng.random_range(0..100);
    let after = rng.random_range(1..stops.max(2));
    match draw {
        0..7 if stops > 2 => Fate::Breakdown { after },
        7..12 if stops > 2 => Fate::Recalled { after },
        _ => Fate::AsPlanned,
    }
}

fn detour(stops: usize, alone: bool, rng: &mut ChaCha8Rng) -> Fate {
    let before = rng.random_range(0..stops.max(1));
    if rng.random_bool(0.7) && alone { Fate::Detour { before } } else { Fate::AsPlanned }
}
