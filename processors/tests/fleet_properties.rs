//! The fleet's rules under random input: whatever comes in whatever order, what is told stays right. Checked after every
//! step by `fleet_world/check.rs`; what is asserted here comes on top.
#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

mod fleet_world;

use std::collections::BTreeMap;

use fleet_world::World;
use proptest::prelude::*;
use schemas::Timestamp;
use schemas::fleet::{Area, Dispatch, FleetCommand, Judgement, Ping, ShipmentEvent, Stop};
use schemas::message::FleetMessage;
use schemas::plan::{Basis, Leg, Plan, Point, RoadClass, Stretch};
use waybill_processors::fleet::{Piece, Shipment, Vehicle};

const VEHICLES: [&str; 2] = ["V-1", "V-2"];
const SHIPMENTS: [&str; 3] = ["S-1", "S-2", "S-3"];
const STOPS: [&str; 3] = ["a", "b", "c"];
const ORDERS: [&str; 4] = ["1", "2", "3", "4"];
const MORNING: i64 = 1_772_445_600_000;

/// A place in a town of three by three kilometres.
fn place(east: i32, north: i32) -> Point {
    Point { lat: 600_000_000 + north * 90, lon: 240_000_000 + east * 180 }
}

#[derive(Clone, Debug)]
enum Op {
    /// Where, how old the fix is in milliseconds, how far it may be off.
    Ping {
        vehicle: usize,
        place: (i32, i32),
        age: i64,
        accuracy: Option<u16>,
    },
    Dispatch {
        vehicle: usize,
        shipment: usize,
        stops: usize,
        order: usize,
        window: bool,
        polygon: bool,
    },
    Proof {
        vehicle: usize,
        shipment: usize,
        stop: usize,
        delivered: bool,
    },
    Recall {
        vehicle: usize,
        shipment: usize,
    },
    HandOver {
        vehicle: usize,
        shipment: usize,
        order: usize,
    },
    Plan {
        roads: bool,
        turn: bool,
        stale: bool,
    },
    Complain {
        vehicle: usize,
        shipment: usize,
    },
    Tick,
}

fn op() -> impl Strategy<Value = (i64, Op)> {
    let (vehicle, shipment) = (0..VEHICLES.len(), 0..SHIPMENTS.len());
    // Few places near each other, so that a vehicle is often at one, and sometimes one far away.
    let spot = prop_oneof![20 => (0..4i32, 0..3i32).prop_map(|(e, n)| (e * 900, n * 900)), 1 => Just((9_000_000, 0)), 1 => Just((0, 4))];
    let ping = (vehicle.clone(), spot, (-20i32..20, -20i32..20), prop_oneof![4 => Just(0i64), 2 => 0i64..8_000, 1 => -30_000i64..400_000])
        .prop_flat_map(|(vehicle, (e, n), (de, dn), age)| {
            proptest::option::weighted(0.3, 1u16..400).prop_map(move |accuracy| Op::Ping {
                vehicle,
                place: (e + de, n + dn),
                age,
                accuracy,
            })
        });
    let what = prop_oneof![
        12 => ping,
        2 => (vehicle.clone(), shipment.clone(), 1..4usize, 0..2usize, any::<bool>(), any::<bool>())
            .prop_map(|(vehicle, shipment, stops, order, window, polygon)| Op::Dispatch { vehicle, shipment, stops, order, window, polygon }),
        1 => (vehicle.clone(), shipment.clone(), 0..STOPS.len(), any::<bool>())
            .prop_map(|(vehicle, shipment, stop, delivered)| Op::Proof { vehicle, shipment, stop, delivered }),
        1 => (vehicle.clone(), shipment.clone()).prop_map(|(vehicle, shipment)| Op::Recall { vehicle, shipment }),
        1 => (vehicle.clone(), shipment.clone(), 0..ORDERS.len())
            .prop_map(|(vehicle, shipment, order)| Op::HandOver { vehicle, shipment, order }),
        3 => (any::<bool>(), any::<bool>(), proptest::bool::weighted(0.1)).prop_map(|(roads, turn, stale)| Op::Plan { roads, turn, stale }),
        1 => (vehicle, shipment).prop_map(|(vehicle, shipment)| Op::Complain { vehicle, shipment }),
        1 => Just(Op::Tick),
    ];
    (prop_oneof![6 => 0i64..30_000, 1 => 30_000i64..600_000], what)
}

fn dispatch(shipment: usize, stops: usize, order: usize, window: bool, polygon: bool, now: Timestamp) -> FleetCommand<'static> {
    let stop = |i: usize| {
        let (east, north) = (900 * (i as i32 + 1), 900 * (i as i32 % 2));
        let corner = |e: i32, n: i32| place(east + e, north + n);
        Stop {
            stop_id: STOPS[i].into(),
            order_id: ORDERS[(order + i) % ORDERS.len()].into(),
            point: place(east, north),
            area: polygon.then(|| Area::Polygon([corner(-80, -80), corner(80, -80), corner(80, 80), corner(-80, 80)].into())),
            service_seconds: 60,
            window: window.then(|| (now, now.plus_seconds(900))),
        }
    };
    FleetCommand::Dispatch(Dispatch {
        shipment_id: SHIPMENTS[shipment].into(),
        depot: place(0, 0),
        depot_radius: None,
        stops: (0..stops).map(stop).collect(),
        optimise: true,
    })
}

/// Answers a plan that is wanted, if one is.
fn plan(world: &World, roads: bool, turn: bool, stale: bool) -> Option<Plan> {
    let ((vehicle, shipment), request) = world.requests.iter().next()?;
    let mut order: Vec<u16> = (0..request.stops.len() as u16).collect();
    if turn {
        order.reverse();
    }
    let mut from = request.start;
    let legs = order.iter().map(|i| {
        let to = request.stops[usize::from(*i)].point;
        let corner = Point { lat: from.lat, lon: to.lon };
        let points = vec![std::mem::replace(&mut from, to), corner, to];
        Leg { points, stretches: vec![Stretch { class: RoadClass::Minor, metres: 1_800 }], seconds: 180 }
    });
    let legs = legs.collect();
    let basis = if roads { Basis::Roads } else { Basis::GreatCircle };
    let revision = request.revision - u32::from(stale);
    Some(Plan { vehicle_id: (&**vehicle).into(), shipment_id: (&**shipment).into(), revision, basis, order, legs })
}

fn act(world: &mut World, at: Timestamp, op: &Op) {
    match *op {
        Op::Ping { vehicle, place: (east, north), age, accuracy } => {
            let accuracy = accuracy.map(f64::from);
            let ping = Ping { fix_time: Timestamp(at.0 - age), point: place(east, north), speed: None, heading: None, accuracy };
            drop(world.ping(VEHICLES[vehicle], at, ping));
        }
        Op::Dispatch { vehicle, shipment, stops, order, window, polygon } => {
            drop(world.command(VEHICLES[vehicle], at, dispatch(shipment, stops, order, window, polygon, at)));
        }
        Op::Proof { vehicle, shipment, stop, delivered } => {
            let (shipment_id, stop_id) = (SHIPMENTS[shipment].into(), STOPS[stop].into());
            let command = if delivered {
                FleetCommand::Delivered { shipment_id, stop_id }
            } else {
                FleetCommand::Failed { shipment_id, stop_id, reason: None }
            };
            drop(world.command(VEHICLES[vehicle], at, command));
        }
        Op::Recall { vehicle, shipment } => {
            let command = FleetCommand::Recall { shipment_id: SHIPMENTS[shipment].into(), reason: None };
            drop(world.command(VEHICLES[vehicle], at, command));
        }
        Op::HandOver { vehicle, shipment, order } => {
            let message = FleetMessage::HandedOver { shipment_id: SHIPMENTS[shipment].into(), order_id: ORDERS[order].into() };
            drop(world.message(VEHICLES[vehicle], at, message));
        }
        Op::Plan { roads, turn, stale } => {
            if let Some(plan) = plan(world, roads, turn, stale) {
                let vehicle = plan.vehicle_id.to_string();
                drop(world.message(&vehicle, at, FleetMessage::Plan(plan)));
            }
        }
        Op::Complain { vehicle, shipment } => {
            let shipment_id = SHIPMENTS[shipment].into();
            let message = FleetMessage::Investigate { shipment_id, order_id: None, feedback_id: "F".into(), kind: "late".into() };
            drop(world.message(VEHICLES[vehicle], at, message));
        }
        Op::Tick => drop(world.tick(at)),
    }
}

fn run(world: &mut World, ops: &[(i64, Op)]) {
    let mut now = MORNING;
    for (millis, op) in ops {
        now += millis;
        act(world, Timestamp(now), op);
    }
    world.tick(Timestamp(now + 3_600_000));
}

/// A drive with one fix a second, and when each is heard.
fn drive() -> impl Strategy<Value = Vec<(i64, Ping)>> {
    let fix = (0i32..25, -8i32..8, 0i64..4_500, proptest::option::weighted(0.2, 3u16..250), proptest::bool::weighted(0.05));
    proptest::collection::vec(fix, 2..60).prop_map(|fixes| {
        let mut east = 0;
        fixes
            .into_iter()
            .enumerate()
            .map(|(i, (on, across, delay, accuracy, wild))| {
                east += on;
                let at = MORNING + 10_000 + i as i64 * 1_000;
                let point = place(if wild { 500_000 } else { east }, across);
                let ping = Ping { fix_time: Timestamp(at), point, speed: None, heading: None, accuracy: accuracy.map(f64::from) };
                (at + delay, ping)
            })
            .collect()
    })
}

/// What is told of a drive when its pings are heard at these times; where each ping lies in the log is left out.
fn told(mut pings: Vec<(i64, Ping)>, late_timers: bool) -> (Vec<(Timestamp, Judgement)>, Vec<ShipmentEvent>, Option<Vehicle>) {
    // Those that are heard at one time come in the order of this list.
    pings.sort_by_key(|(heard, _)| *heard);
    let mut world = World::new();
    world.late_timers = late_timers;
    // When a single fix is believed depends on when it was heard.
    world.config.fence_alone_seconds = 3_600;
    world.command("V-1", Timestamp(MORNING), dispatch(0, 3, 0, true, false, Timestamp(MORNING)));
    for (heard, ping) in &pings {
        world.ping("V-1", Timestamp(*heard), *ping);
    }
    world.tick(Timestamp(MORNING + 90_000));
    let mut verdicts: Vec<_> = world.verdicts["V-1"].iter().map(|v| (v.fix_time, v.judgement)).collect();
    verdicts.sort();
    let nowhere = schemas::Cause { source: fleet_world::PINGS, partition: 0, offset: 0 };
    let events = world.events.iter().map(|(_, e)| ShipmentEvent { cause: nowhere, ..e.clone() }).collect();
    (verdicts, events, world.vehicle("V-1"))
}

fn place_of(vehicle: Option<&Vehicle>) -> Option<(Point, Timestamp, u32)> {
    vehicle.and_then(Vehicle::position).map(|p| (p.point, p.fix_time, p.speed))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_what_is_told_is_right(ops in proptest::collection::vec(op(), 1..120), late_timers: bool) {
        let mut world = World::new();
        world.late_timers = late_timers;
        run(&mut world, &ops);
        for vehicle in VEHICLES {
            prop_assert_eq!(world.vehicle(vehicle).map_or(0, |v| v.waiting()), 0, "pings wait for ever");
        }
    }

    /// Timers only make what is due come out; they decide nothing.
    #[test]
    fn late_timers_tell_the_same(ops in proptest::collection::vec(op(), 1..80)) {
        // Which plan is answered depends on which was asked for before, and that comes out with the timers.
        let ops: Vec<_> = ops.into_iter().filter(|(_, op)| !matches!(op, Op::Plan { .. })).collect();
        let worlds = [false, true].map(|late_timers| {
            let mut world = World::new();
            world.late_timers = late_timers;
            run(&mut world, &ops);
            world
        });
        // Which of two verdicts comes out first may differ, not what they say.
        let verdicts = |world: &World| world.verdicts.values().flatten().map(|v| (v.cause.offset, *v)).collect::<BTreeMap<_, _>>();
        prop_assert_eq!(verdicts(&worlds[0]), verdicts(&worlds[1]));
        for shipment in SHIPMENTS {
            let of = |world: &World| world.events.iter().filter(|(id, _)| id == shipment).map(|(_, e)| (*e).clone()).collect::<Vec<_>>();
            let by_vehicle = |events: Vec<ShipmentEvent>, vehicle: &str| events.into_iter().filter(|e| *e.vehicle_id == *vehicle).collect::<Vec<_>>();
            for vehicle in VEHICLES {
                prop_assert_eq!(by_vehicle(of(&worlds[0]), vehicle), by_vehicle(of(&worlds[1]), vehicle));
            }
        }
    }

    /// Pings that come in another order inside the window are put in their order: nothing is told otherwise.
    #[test]
    fn permuting_pings_inside_the_window_changes_nothing(pings in drive()) {
        let in_order: Vec<(i64, Ping)> = pings.iter().map(|(_, ping)| (ping.fix_time.0, *ping)).collect();
        let (verdicts, events, vehicle) = told(in_order, false);
        let (permuted_verdicts, permuted_events, permuted_vehicle) = told(pings, false);
        prop_assert_eq!(verdicts, permuted_verdicts);
        prop_assert_eq!(events, permuted_events);
        prop_assert_eq!(place_of(vehicle.as_ref()), place_of(permuted_vehicle.as_ref()));
    }

    /// A ping that comes once more, at once or much later, gets a verdict and changes nothing.
    #[test]
    fn a_duplicate_changes_nothing(pings in drive(), again in 0usize..60, later in 0i64..30_000) {
        let (heard, ping) = pings[again % pings.len()];
        let mut twice = pings.clone();
        twice.push((heard + later, ping));
        let (verdicts, events, vehicle) = told(pings, false);
        let (more_verdicts, same_events, same_vehicle) = told(twice, false);
        prop_assert_eq!(verdicts.len() + 1, more_verdicts.len());
        let accepted = |verdicts: &[(Timestamp, Judgement)]| verdicts.iter().filter(|v| v.1 == Judgement::Accepted).copied().collect::<Vec<_>>();
        prop_assert_eq!(accepted(&verdicts), accepted(&more_verdicts));
        prop_assert_eq!(events, same_events);
        prop_assert_eq!(place_of(vehicle.as_ref()), place_of(same_vehicle.as_ref()));
    }

    #[test]
    fn damaged_state_is_an_error_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), known_format: bool) {
        let mut bytes = bytes;
        if known_format && let Some(first) = bytes.first_mut() {
            *first = 1;
        }
        let _ = (Vehicle::decode(&bytes), Shipment::decode(&bytes), Piece::decode(&bytes));
    }
}
