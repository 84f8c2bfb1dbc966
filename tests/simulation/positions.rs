//! Where the vehicles are in the end: where their last pings say, where the states say, and where they are after a run of
//! the same pings without any fault; nothing of shipments that have ended is left, and nothing is wanted of the planner.

use std::collections::{BTreeMap, BTreeSet};

use processors::fleet::Vehicle;
use schemas::fleet::Motion;
use serde_json::Value;
use waybill::engine::plan::Processor;

use crate::check::{Fold, all, fold, millis};
use crate::fleet::{CLOSING_MS, Kind, kind_of, name};
use crate::tally::Tally;
use crate::world::{BEGIN, World};

/// What smoothing may leave of a drive after the last pings, in degrees of latitude: 30 metres.
const NEAR_DEGREES: f64 = 0.000_27;

pub fn check(world: &World, faults: &mut Vec<String>) {
    let state = folded(world);
    let vehicles = vehicles(&state);
    let shown = shown(world);
    for (id, vehicle) in &vehicles {
        let kept = vehicle.position().map(|p| {
            let (lat, lon) = p.point.degrees();
            (lat, lon, p.fix_time.0, p.motion, p.shipment_id.map(String::from), p.next_stop.map(String::from), p.eta.map(|eta| eta.0))
        });
        let seen = shown.get(id).map(|p| {
            let text = |field: &str| p[field].as_str().map(str::to_owned);
            let time = |field: &str| text(field).map(|text| millis(&text));
            let motion = match p["state"].as_str() {
                Some("moving") => Motion::Moving,
                Some("stopped") => Motion::Stopped,
                _ => Motion::Silent,
            };
            let degrees = |field: &str| p[field].as_f64().unwrap_or(f64::NAN);
            (degrees("lat"), degrees("lon"), time("fix_time").unwrap_or(0), motion, text("shipment_id"), text("next_stop"), time("eta"))
        });
        if kept != seen {
            faults.push(format!("vehicle {id} is shown as {seen:?}, and its state says {kept:?}"));
        }
        if world.is_wall() && kept.is_some_and(|(_, _, _, motion, ..)| motion != Motion::Silent) {
            faults.push(format!("nothing was heard of vehicle {id} for long, and it is not silent"));
        }
    }
    leftovers(world, &state, &vehicles, faults);
    last_pings(world, &shown, faults);
    if world.is_wall() {
        without_faults(world, &shown, faults);
    }
}

/// The states of the whole fleet.
fn folded(world: &World) -> Fold {
    let internal = world.plan.internal(Processor::Fleet);
    let topic = world.plan.topics.name(internal.changelog);
    (0..internal.tasks).flat_map(|partition| fold(&world.time.broker, topic, partition).0).collect()
}

fn vehicles(state: &Fold) -> BTreeMap<String, Vehicle> {
    let of_vehicles = state.iter().filter(|(key, _)| key.first() == Some(&b'v'));
    of_vehicles.filter_map(|(key, value)| Some((String::from_utf8_lossy(&key[1..]).into_owned(), Vehicle::decode(value).ok()?))).collect()
}

/// The last record of every vehicle on `vehicle-positions`.
fn shown(world: &World) -> BTreeMap<String, Value> {
    let records = all(&world.time.broker, "vehicle-positions");
    records
        .iter()
        .map(|record| {
            let key = String::from_utf8_lossy(record.key().unwrap_or_default()).into_owned();
            (key, serde_json::from_slice(record.value().unwrap_or_default()).unwrap_or_default())
        })
        .collect()
}

/// Plans that nobody answers, and routes that nobody drives.
fn leftovers(world: &World, state: &Fold, vehicles: &BTreeMap<String, Vehicle>, faults: &mut Vec<String>) {
    let on_board: BTreeSet<(&str, &str)> =
        vehicles.iter().flat_map(|(id, vehicle)| vehicle.on_board().map(|(shipment, _)| (&**id, shipment))).collect();
    for key in state.keys() {
        let text = String::from_utf8_lossy(&key[1..]).into_owned();
        match key[0] {
            b'q' => faults.push(format!("a plan is wanted and nobody makes it: {text:?}")),
            b'l' => {
                let mut parts = text.split('\0');
                let of = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                if !on_board.contains(&of) {
                    faults.push(format!("the route of a shipment that has ended is left: {of:?}"));
                }
            }
            _ => {}
        }
    }
    let waiting: usize = vehicles.values().map(Vehicle::waiting).sum();
    if world.is_wall() && waiting > 0 {
        faults.push(format!("{waiting} pings still wait for older ones"));
    }
}

/// A vehicle is where its last ping has it.
fn last_pings(world: &World, shown: &BTreeMap<String, Value>, faults: &mut Vec<String>) {
    let until = BEGIN + world.setup.minutes * 60_000;
    for id in (0..world.setup.vehicles).map(name) {
        let closing = world.history.iter().rev().find(|sent| sent.plain && sent.key.as_deref() == Some(id.as_bytes()));
        let ping: Value = closing.and_then(|sent| serde_json::from_slice(sent.value.as_deref()?).ok()).unwrap_or_default();
        let Some(position) = shown.get(&id) else {
            faults.push(format!("vehicle {id} has no position"));
            continue;
        };
        let fix_time = position["fix_time"].as_str().map(millis);
        // In a replay, time ends with the records: the last ping may wait for older ones.
        let last = if world.is_wall() { ping["fix_time"].as_i64().unwrap_or(i64::MAX) } else { until - CLOSING_MS[1] };
        let off = |field: &str| (position[field].as_f64().unwrap_or(f64::NAN) - ping[field].as_f64().unwrap_or(f64::NAN)).abs();
        let near = off("lat") < NEAR_DEGREES && off("lon") < 2.0 * NEAR_DEGREES;
        if fix_time.is_none_or(|at| at < last) || (world.is_wall() && !near) {
            faults.push(format!("vehicle {id} is shown at {position}, and its last ping was {ping}"));
        }
    }
}

/// The same pings and dispatches, with the same times, on one worker that nothing befalls.
fn without_faults(world: &World, shown_here: &BTreeMap<String, Value>, faults: &mut Vec<String>) {
    let mut other = World::with(world.setup.without_faults(), world.history.clone(), &Tally::default(), false);
    let ended = other.storm().and_then(|()| other.calm()).and_then(|()| other.stop());
    other.end();
    if let Err(why) = ended {
        faults.push(format!("without any fault: {why}"));
        return;
    }
    let shown_there = shown(&other);
    for (number, id) in (0..world.setup.vehicles).map(|number| (number, name(number))) {
        let kind = kind_of(&world.setup, number);
        if kind == Kind::Other {
            continue;
        }
        for field in ["lat", "lon", "fix_time", "speed", "heading", "state"] {
            let [here, there] = [shown_here, &shown_there].map(|shown| shown.get(&id).map(|position| &position[field]));
            if here != there {
                faults.push(format!("the {field} of vehicle {id} is {here:?}, and without faults it is {there:?}"));
            }
        }
        if kind == Kind::Roamer {
            let [here, there] = [world, &other].map(|world| verdicts(world, &id));
            for (one, _) in here.iter().zip(&there).filter(|(one, other)| one != other).take(1) {
                faults.push(format!("the pings of vehicle {id} are judged otherwise than without faults, first {one:?}"));
            }
            if here.len() != there.len() {
                faults.push(format!("vehicle {id} has {} verdicts, and without faults {}", here.len(), there.len()));
            }
        }
    }
}

/// Fix time, verdict and reason of every ping of a vehicle, sorted.
fn verdicts(world: &World, id: &str) -> Vec<(String, String, String)> {
    let records = all(&world.time.broker, "ping-verdicts").into_iter().filter(|record| record.key() == Some(id.as_bytes()));
    let mut verdicts: Vec<_> = records
        .map(|record| {
            let value: Value = serde_json::from_slice(record.value().unwrap_or_default()).unwrap_or_default();
            let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
            (text("fix_time"), text("verdict"), text("reason"))
        })
        .collect();
    verdicts.sort();
    verdicts
}
