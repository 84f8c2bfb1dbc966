//! Every bound of the fleet holds at its edge, state stays small, a ping is cheap.
#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

#[allow(dead_code, reason = "what only the scenarios need")]
mod fleet_world;

use std::panic::catch_unwind;
use std::time::{Duration, Instant};

use fleet_world::{MAX_EMPTY_VEHICLE_BYTES, Output, PINGS, World};
use schemas::fleet::{Dispatch, FleetCommand, MAX_STOPS, Ping, ShipmentEventKind, Stop, decode_ping};
use schemas::message::FleetMessage;
use schemas::plan::{Basis, Leg, Plan, Point, RoadClass, Stretch};
use schemas::{Cause, Reason, Timestamp};
use waybill_processors::Trigger;
use waybill_processors::fleet::{self, Config, Event, MAX_HELD, MAX_SHIPMENTS, State, Vehicle, Wants};

const NOW: Timestamp = Timestamp(1_772_445_600_000);

fn ping(seconds: i64, east: i32) -> Ping {
    let point = Point { lat: 601_700_000, lon: 249_400_000 + east * 180 };
    Ping { fix_time: NOW.plus_seconds(seconds), point, speed: Some(13.9), heading: Some(271.5), accuracy: Some(12.5) }
}

fn dispatch(shipment: &str, stops: usize) -> FleetCommand<'static> {
    let stop = |i: usize| Stop {
        stop_id: i.to_string().into(),
        order_id: format!("{}", 536_365 + i).into(),
        point: ping(0, i as i32 * 500).point,
        area: None,
        service_seconds: 120,
        window: None,
    };
    FleetCommand::Dispatch(Dispatch {
        shipment_id: shipment.to_owned().into(),
        depot: ping(0, 0).point,
        depot_radius: None,
        stops: (0..stops).map(stop).collect(),
        optimise: false,
    })
}

fn refused(outputs: &[Output]) -> Option<Reason> {
    outputs.iter().find_map(|output| match output {
        Output::DeadLetter(reject) => Some(reject.reason),
        _ => None,
    })
}

#[test]
fn a_vehicle_has_so_many_shipments() {
    let mut world = World::new();
    for i in 0..MAX_SHIPMENTS {
        assert_eq!(refused(&world.command("V", NOW, dispatch(&format!("S-{i}"), 1))), None, "shipment {i}");
    }
    assert_eq!(refused(&world.command("V", NOW, dispatch("one-more", 1))), Some(Reason::TooManyPending));
    let recall = FleetCommand::Recall { shipment_id: "S-0".into(), reason: None };
    assert_eq!(refused(&world.command("V", NOW, recall)), None);
    assert_eq!(refused(&world.command("V", NOW, dispatch("one-more", 1))), None);
}

#[test]
fn a_vehicle_without_shipments_is_small_whatever_waits() {
    let mut world = World::new();
    world.config.reorder_millis = 600_000;
    world.ping("V", NOW, ping(0, 0));
    // Speeding, suspected, and as many pings as may wait.
    for i in 1..40 {
        let fast = Ping { speed: Some(60.0), ..ping(i, i as i32 * 60 + if i % 3 == 0 { 5_000_000 } else { 0 }) };
        world.ping("V", NOW.plus_seconds(i), fast);
    }
    let vehicle = world.vehicle("V").unwrap();
    assert_eq!(vehicle.waiting(), MAX_HELD);
    let mut bytes = vec![];
    vehicle.encode(&mut bytes);
    println!("a vehicle with {MAX_HELD} waiting pings: {} bytes", bytes.len());
    assert!(bytes.len() <= MAX_EMPTY_VEHICLE_BYTES, "{} bytes", bytes.len());
    world.tick(NOW.plus_seconds(2_000));
    let mut bytes = vec![];
    world.vehicle("V").unwrap().encode(&mut bytes);
    println!("a vehicle without waiting pings: {} bytes", bytes.len());
    assert!(bytes.len() <= 120, "{} bytes", bytes.len());
}

#[test]
fn the_largest_shipment_is_followed() {
    let mut world = World::new();
    world.config.reorder_millis = 0;
    world.command("V", NOW, dispatch("S", MAX_STOPS));
    let request = world.requests.values().next().unwrap().clone();
    assert_eq!(request.stops.len(), MAX_STOPS);
    let mut from = request.start;
    let legs = request.stops.iter().map(|stop| {
        let points = vec![std::mem::replace(&mut from, stop.point), stop.point];
        Leg { points, stretches: vec![Stretch { class: RoadClass::Primary, metres: 500 }], seconds: 50 }
    });
    let legs: Vec<Leg> = legs.collect();
    let order = (0..MAX_STOPS as u16).collect();
    let plan = Plan { vehicle_id: "V".into(), shipment_id: "S".into(), revision: request.revision, basis: Basis::Roads, order, legs };
    world.message("V", NOW, FleetMessage::Plan(plan));
    assert_eq!(world.pieces_of("V", "S"), MAX_STOPS);
    // Half a minute at each stop, half a minute to the next.
    for stop in 0..MAX_STOPS as i64 {
        for half in 0..2 {
            let seconds = stop * 60 + half * 30;
            world.ping("V", NOW.plus_seconds(seconds), ping(seconds, stop as i32 * 500));
        }
    }
    let arrivals = world.events.iter().filter(|(_, e)| e.kind == ShipmentEventKind::Arrived).count();
    assert_eq!(arrivals, MAX_STOPS);
    let position = world.position("V").unwrap();
    assert_eq!((position.next_stop.as_deref(), position.remaining_metres), (Some("199"), Some(0)), "{position:?}");
    for stop in 0..MAX_STOPS {
        let command = FleetCommand::Delivered { shipment_id: "S".into(), stop_id: stop.to_string().into() };
        assert_eq!(refused(&world.command("V", NOW.plus_seconds(20_000), command)), None);
    }
    assert_eq!(world.pieces_of("V", "S"), 0, "it is completed");
}

#[test]
fn a_planner_that_answers_something_else_stops_everything() {
    for (order, legs) in [(vec![0, 0], 2), (vec![0, 2], 2), (vec![0], 1), (vec![0, 1], 1)] {
        let outcome = catch_unwind(|| {
            let mut world = World::new();
            world.command("V", NOW, dispatch("S", 2));
            let leg = Leg { points: vec![ping(0, 0).point; 2], stretches: vec![], seconds: 0 };
            let legs = vec![leg; legs];
            let plan = Plan {
                vehicle_id: "V".into(),
                shipment_id: "S".into(),
                revision: 1,
                basis: Basis::GreatCircle,
                order: order.clone(),
                legs,
            };
            world.message("V", NOW, FleetMessage::Plan(plan));
        });
        assert!(outcome.is_err(), "{order:?}");
    }
}

/// Decode, rules, encode of a ping on a vehicle without a shipment: 150,000 pings a second leave 6.7 µs for all that a
/// worker does, so that these may take 3. Of many rounds the fastest counts: others run on the machine, too.
#[test]
fn a_ping_is_cheap() {
    const PINGS_EACH: i64 = 200;
    const VEHICLES: usize = 200;
    let config = Config::default();
    let texts: Vec<String> = (0..PINGS_EACH)
        .map(|i| {
            let fix_time = NOW.plus_seconds(i * 10);
            format!(
                r#"{{"vehicle_id":"V-7","fix_time":"{fix_time}","lat":60.17,"lon":{:.6},"speed":13.9,"heading":90,"accuracy":5}}"#,
                24.94 + i as f64 * 0.0025
            )
        })
        .collect();
    let mut states: Vec<Vec<u8>> = vec![vec![]; VEHICLES];
    let (mut best, mut accepted) = (Duration::MAX, 0);
    for (i, text) in texts.iter().enumerate() {
        let began = Instant::now();
        for state in &mut states {
            let ping = decode_ping("V-7", text).unwrap();
            let vehicle = (!state.is_empty()).then(|| Vehicle::decode(state).unwrap());
            let event = Event::Ping(ping);
            assert_eq!(fleet::wants(vehicle.as_ref(), &event), Wants::default());
            let trigger = Trigger { at: ping.fix_time, cause: Cause { source: PINGS, partition: 3, offset: 1_000_000 + i as i64 } };
            let step = fleet::apply(&config, "V-7", trigger, event, State { vehicle, ..State::default() });
            accepted += step.verdicts.len();
            state.clear();
            step.vehicle.unwrap().encode(state);
        }
        best = best.min(began.elapsed() / VEHICLES as u32);
    }
    println!("a ping, decoded, judged and encoded: {best:?}; {} bytes of state", states[0].len());
    assert_eq!(accepted, (PINGS_EACH as usize - 1) * VEHICLES, "the last of each waits");
    assert!(best.as_nanos() < 3_000, "{best:?}");
}
