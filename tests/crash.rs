//! SIGKILL at each named point of the commit, again and again, in one long history on a real Kafka: nothing is lost,
//! nothing is done twice, no state is rebuilt, and the next decision comes at once. The same in the middle of routes: no
//! shipment is lost on its way.
//!
//! `WAYBILL_CRASH_ROUNDS` says how often each point is hit (5 unless said); `WAYBILL_CRASH_SEED` draws another shop.
#![cfg(all(feature = "kafka", feature = "rocksdb", feature = "failpoints"))]
#![allow(clippy::pedantic, reason = "a test reads as a story; the strictest lints are for what ships")]
#![allow(clippy::unwrap_used)]

#[path = "support/live/mod.rs"]
mod live;

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use live::app::{App, Shape};
use live::broker::Broker;
use live::fleet::{Drive, Fleet};
use live::process::Process;
use live::sender::Partitioner;
use live::shop::{Load, Shop};
use live::{PATIENCE, wait_until};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

/// The names, and where `failpoint.rs` has them.
const POINTS: [(&str, &str); 6] = [
    ("before produce", "before-produce"),
    ("after produce", "after-produce"),
    ("after offsets", "after-offsets"),
    ("during commit", "during-commit"),
    ("after commit, before apply", "after-commit"),
    ("after apply, before flush", "after-apply"),
];

/// A state that is there needs no more than the changelog's tail: what was written in the life before and since the last
/// levels, and of each task the few that are not worth a flush. At the load below that is some thousand records.
const MOST_TAIL: u64 = 10_000;

/// One life of the process that ended at a failpoint.
struct Life {
    point: &'static str,
    workers: usize,
    started_at: i64,
    lived: Duration,
    restored: u64,
    rebuilt: usize,
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

/// One test at a time: each has a broker of its own.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn a_crash_at_any_step_of_the_commit_loses_and_doubles_nothing() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let rounds = number("WAYBILL_CRASH_ROUNDS", 5) as usize;
    let seed = number("WAYBILL_CRASH_SEED", 1);
    let broker = Broker::start("crash");
    let app = App::new(&broker, "crash", Shape::default());
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut shop = Shop::new(&app, seed, Partitioner::Murmur2);
    shop.fill_shelves();
    // A first life without a crash, so that there is a state to keep.
    let load = Load::start(shop, 200);
    let mut first = app.run(0).ready();
    std::thread::sleep(Duration::from_secs(2));
    first.terminate();

    let began = Instant::now();
    let mut lives = vec![];
    for round in 0..rounds {
        for (nth, (name, point)) in POINTS.into_iter().enumerate() {
            let workers = if (round + nth) % 2 == 0 { 1 } else { 3 };
            let pass: u32 = rng.random_range(2..60);
            let process = app.run(0).workers(workers).failpoint(&format!("{point}:{pass}")).start();
            lives.push(until_it_crashes(process, name, workers));
        }
    }
    let planned = rounds * POINTS.len();
    assert_eq!(lives.len(), planned, "fewer crashes landed than were planned");

    let mut last = app.run(0).ready();
    let shop = load.stop();
    app.settle();
    let counts = app.verify();
    assert!(counts["orders"].as_u64() >= Some(shop.orders), "every order that was placed is there");
    let stopped = last.terminate();
    app.assert_no_open_transaction();
    let (restored, rebuilt) = last.restored();
    lives.push(Life { point: "the last", workers: 1, started_at: last.started_at, lived: last.age(), restored, rebuilt });
    let decided = decisions_after_each_start(&app, &lives);
    report(&lives, &decided);
    println!("{planned} crashes in {:.0} s, {} orders; the last stop took {stopped:?}", began.elapsed().as_secs_f64(), shop.orders);

    let changelog: i64 = app.reader.ends(&app.changelogs(), true).values().sum();
    let tail = lives.iter().map(|l| l.restored).max().unwrap_or(0);
    println!("the changelogs have {changelog} records; the longest tail that a start read had {tail}");
    for life in &lives {
        assert_eq!(life.rebuilt, 0, "a task was rebuilt after a crash {}", life.point);
        assert!(life.restored <= MOST_TAIL, "{} records were restored after a crash {}", life.restored, life.point);
    }
    for (life, first) in lives.iter().zip(&decided) {
        let first = first.unwrap_or_else(|| panic!("the start after {} decided nothing", life.point));
        assert!(first < Duration::from_secs(10), "the first decision took {first:?}, {} workers, crash {}", life.workers, life.point);
    }
}

const VANS: usize = 6;

/// Vans are on the road all the time; each point is hit with one worker and with three.
#[test]
fn a_crash_in_the_middle_of_a_route_loses_and_doubles_nothing() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let rounds = (number("WAYBILL_CRASH_ROUNDS", 5) as usize / 2).max(2);
    let seed = number("WAYBILL_CRASH_SEED", 1);
    let broker = Broker::start("crash-route");
    let app = App::without_topics(&broker, "route", Shape::default());
    app.configure_section("fleet", "verdicts = true\n");
    app.create_topics();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut shop = Shop::new(&app, seed, Partitioner::Murmur2);
    shop.fill_shelves();
    let fleet = Fleet::new(&app, seed, VANS);
    let mut first = app.run(0).ready();
    let paid = || {
        let events = app.reader.order_events(&app.topic("order-events"));
        fleet.first_orders().iter().filter(|id| events.get(*id).is_some_and(|types| types.iter().any(|kind| kind == "paid"))).count()
    };
    wait_until(PATIENCE, || paid() == 2 * VANS, || format!("{} orders are paid\n{}", paid(), first.tail()));
    let (load, drive) = (Load::start(shop, 100), Drive::start(fleet));
    std::thread::sleep(Duration::from_secs(5));
    first.terminate();

    for round in 0..rounds {
        for (nth, (name, point)) in POINTS.into_iter().enumerate() {
            let workers = if (round + nth) % 2 == 0 { 1 } else { 3 };
            let pass: u32 = rng.random_range(2..60);
            let process = app.run(0).workers(workers).failpoint(&format!("{point}:{pass}")).start();
            let life = until_it_crashes(process, name, workers);
            assert_eq!(life.rebuilt, 0, "a task was rebuilt before a crash {name}");
        }
    }

    let mut last = app.run(0).workers(3).ready();
    load.stop();
    let fleet = drive.stop();
    // The last pings wait for older ones, and positions have their pace.
    let waiting = || fleet.pings - fleet.bad - app.reader.read(&app.topic("ping-verdicts")).len() as u64;
    wait_until(PATIENCE, || waiting() == 0, || format!("{} pings have no verdict\n{}", waiting(), last.tail()));
    let lost = || lost_vans(&app, &fleet);
    wait_until(PATIENCE, || lost().is_empty(), || format!("these vans are elsewhere: {:?}\n{}", lost(), last.tail()));
    app.settle();
    every_shipment_came_once(&app, &fleet);
    let counts = app.verify();
    let judged: u64 = counts["verdicts"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!((counts["pings"].as_u64(), judged + fleet.bad), (Some(fleet.pings), fleet.pings), "each ping has one verdict: {counts:#}");
    assert_eq!(counts["open_shipments"], 0, "{counts:#}");
    let stopped = last.terminate();
    app.assert_no_open_transaction();
    println!(
        "{} crashes, {} shipments, {} pings, verdicts {}, shipment events {}; the last stop took {stopped:?}",
        rounds * POINTS.len(),
        fleet.shipments.len(),
        fleet.pings,
        counts["verdicts"],
        counts["shipment_events"]
    );
}

/// Vans that are not where they came to rest, within what smoothing leaves: 20 metres.
fn lost_vans(app: &App, fleet: &Fleet) -> Vec<String> {
    let mut shown: BTreeMap<String, Value> = BTreeMap::new();
    for record in app.reader.read(&app.topic("vehicle-positions")) {
        shown.insert(record.key_text().to_owned(), record.json());
    }
    let off = |position: &Value, field: &str, wanted: f64| (position[field].as_f64().unwrap_or(f64::NAN) - wanted).abs();
    let is_there = |(id, lat, lon): &(String, f64, f64)| {
        shown.get(id).is_some_and(|p| off(p, "lat", *lat) < 0.000_18 && off(p, "lon", *lon) < 0.000_36 && p["shipment_id"].is_null())
    };
    fleet.arrived().into_iter().filter(|van| !is_there(van)).map(|(id, ..)| format!("{id}: {:?}", shown.get(&id))).collect()
}

/// Each shipment left and was completed, its stops were delivered and its orders brought, each once; what arrived, left. A
/// proof that is read before the pings of its time, after a crash, ends a stop without arrival: that is rare.
fn every_shipment_came_once(app: &App, fleet: &Fleet) {
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in app.reader.read(&app.topic("shipment-events")) {
        let event = record.json();
        let stop = event["stop_id"].as_str().map(|stop| format!(" {stop}")).unwrap_or_default();
        told.entry(record.key_text().to_owned()).or_default().push(format!("{}{stop}", event["type"].as_str().unwrap()));
    }
    let mut arrived = 0;
    let orders = app.reader.order_events(&app.topic("order-events"));
    for shipment in &fleet.shipments {
        let events = told.get(&shipment.shipment).map_or(&[][..], |events| events);
        let times = |kind: &str| events.iter().filter(|event| *event == kind).count();
        for once in ["departed", "delivered 0", "delivered 1", "completed"] {
            assert_eq!(times(once), 1, "{} {once}: {events:?}", shipment.shipment);
        }
        for stop in ["0", "1"] {
            let (came, went) = (times(&format!("arrived {stop}")), times(&format!("left {stop}")));
            assert!(came <= 1 && came == went, "{} at stop {stop}: {events:?}", shipment.shipment);
            arrived += came;
        }
        for order in &shipment.orders {
            let wanted = ["accepted", "paid", "shipped", "out_for_delivery", "delivered"];
            assert_eq!(orders.get(order).map_or(&[][..], |events| events), wanted, "order {order} of {}", shipment.shipment);
        }
    }
    assert!(arrived * 10 >= fleet.shipments.len() * 2 * 8, "only {arrived} arrivals at the stops of {} shipments", fleet.shipments.len());
}

/// Waits for the process to end at its failpoint, and for nothing else.
fn until_it_crashes(mut process: Process, point: &'static str, workers: usize) -> Life {
    let status = process.end(Duration::from_secs(60));
    assert_eq!(status.signal(), Some(9), "it was to crash {point} and ended with {status}\n{}", process.tail());
    let (restored, rebuilt) = process.restored();
    let text = process.log_text();
    assert!(!text.contains("rebuilding"), "{text}");
    Life { point, workers, started_at: process.started_at, lived: process.age(), restored, rebuilt }
}

/// From each start to the first decision that the process wrote and committed; `None` where it wrote none before it
/// crashed, which it may at the first passes of a point.
fn decisions_after_each_start(app: &App, lives: &[Life]) -> Vec<Option<Duration>> {
    let mut written: Vec<i64> = app.reader.read(&app.topic("order-events")).iter().map(|event| event.timestamp).collect();
    written.sort_unstable();
    lives
        .iter()
        .map(|life| {
            // It may be its successor's, if it crashed before.
            let next = written[written.partition_point(|at| *at < life.started_at)..].first()?;
            Some(Duration::from_millis((next - life.started_at) as u64))
        })
        .collect()
}

fn report(lives: &[Life], decided: &[Option<Duration>]) {
    println!("{:28} workers   lived  first decision  restored", "crash");
    for (life, decided) in lives.iter().zip(decided) {
        let decided = decided.map_or_else(|| "none".into(), |d| format!("{:.2} s", d.as_secs_f64()));
        println!("{:28} {:7} {:6.2} s {decided:>14} {:9}", life.point, life.workers, life.lived.as_secs_f64(), life.restored);
    }
}
