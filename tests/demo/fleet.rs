//! The fleet of the demo: what the summary says of it, counted again from the topics alone, by other means.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;

use serde_json::Value;

use super::{demo, figures};

/// Rows of `data/buses/liverpool-route14.csv`, and vehicles in them.
const BUS_REPORTS: i64 = 1_533;
const BUSES: usize = 8;

/// What every summary has to say of the fleet, whatever the seed.
pub fn adds_up(text: &str) {
    let of = |section, name| figures(text, section, name);
    let shipments = of("DELIVERIES", "shipments");
    assert_eq!(shipments[1..].iter().sum::<i64>(), shipments[0], "each has one end: {shipments:?}");
    assert!(shipments[0] > 30, "{shipments:?}");
    assert_eq!(of("DELIVERIES", "open")[0], 0, "and none has none");
    let stops = of("DELIVERIES", "stops");
    assert_eq!(stops[1..].iter().sum::<i64>(), stops[0]);
    assert!(stops[1] > 200 && stops[2] > 0, "{stops:?}");
    let in_time = of("DELIVERIES", "in time");
    assert_eq!(in_time[1], stops[1] + stops[2], "visits: {in_time:?}");
    assert!(in_time[0] * 2 > in_time[1] && in_time[0] < in_time[1], "most are in time, not all: {in_time:?}");

    let pings = of("PINGS", "pings");
    assert_eq!(pings[0], pings[2] + pings[3], "judged or dead: {pings:?}");
    let (vans, buses) = (of("PINGS", "vans"), of("PINGS", "real buses"));
    assert_eq!((buses[0], buses[1]), (BUS_REPORTS, BUSES as i64));
    assert_eq!(vans[0] + buses[0], pings[2]);
    for (all, verdicts) in [(&vans, 5), (&buses, 1)] {
        assert_eq!(all[2..].iter().sum::<i64>(), all[0], "{all:?}");
        assert!(all[2..].len() >= verdicts, "of every kind some: {all:?}");
    }
    let audit = of("AUDIT", "pings");
    assert_eq!((audit[0], audit[1]), (pings[0], 0), "none waits: {audit:?}");
    let audit = of("AUDIT", "shipments");
    assert_eq!((audit[0], audit[1]), (shipments[0], 0));
}

/// A record's topic, coordinates and value.
type Row = (String, (i64, i64), Value);

/// No tracker of the demo keeps a fix for longer, in milliseconds.
const LATEST: i64 = 10 * 60_000;

fn milliseconds(value: &Value) -> i64 {
    let text = value.as_str().unwrap();
    assert!(text.starts_with("2010-12-0") && text.ends_with('Z') && text.len() == 24, "{text}");
    // All within one month.
    let number = |range: std::ops::Range<usize>| text[range].parse::<i64>().unwrap();
    ((number(8..10) * 24 + number(11..13)) * 60 + number(14..16)) * 60_000 + number(17..19) * 1_000 + number(20..23)
}

fn cause(value: &Value) -> (i64, i64) {
    (value["cause"]["partition"].as_i64().unwrap(), value["cause"]["offset"].as_i64().unwrap())
}

#[test]
fn the_summary_is_what_the_topics_say() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("records.jsonl");
    let text = demo(&["--dump", path.to_str().unwrap(), "--seed", "11"]);
    adds_up(&text);
    let mut rows: Vec<Row> = vec![];
    let mut dead: BTreeSet<(i64, i64)> = BTreeSet::new();
    let mut unreadable = 0;
    let mut times: BTreeMap<(i64, i64), i64> = BTreeMap::new();
    auditor::dump::read(BufReader::new(std::fs::File::open(&path).unwrap()), |record| {
        let header = |wanted: &str| {
            let found = record.headers.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
        };
        let place = (i64::from(record.partition), record.offset);
        if record.topic == "gps-pings" {
            times.insert(place, record.timestamp);
        }
        if record.topic == "dead-letters" && header("waybill.source.topic") == "gps-pings" {
            let number = |name| header(name).parse::<i64>().unwrap();
            assert!(dead.insert((number("waybill.source.partition"), number("waybill.source.offset"))));
        }
        match serde_json::from_slice(record.value.unwrap_or_default()) {
            Ok(value) => rows.push((record.topic.to_owned(), place, value)),
            Err(_) => unreadable += 1,
        }
    })
    .unwrap();
    assert!(unreadable < 20);
    // The shop's clock and the vans' are one: nothing is sent long after it has happened, but what Waybill is to find wrong.
    for (_, place, value) in rows.iter().filter(|(topic, place, _)| topic == "gps-pings" && !dead.contains(place)) {
        let late = times[place] - value["fix_time"].as_i64().unwrap();
        assert!((0..LATEST).contains(&late), "{value} is sent {late} ms after it");
    }
    let of = |topic: &'static str| rows.iter().filter(move |(t, ..)| t == topic);
    pings(&text, of("gps-pings"), of("ping-verdicts"), &dead);
    let courses = courses(of("dispatches"), of("shipment-events"));
    punctuality(&text, &courses);
    goods(of("order-events"));
}

/// Every ping has one verdict or is a dead letter, and the verdicts are as many as the summary says.
fn pings<'a>(text: &str, pings: impl Iterator<Item = &'a Row>, verdicts: impl Iterator<Item = &'a Row>, dead: &BTreeSet<(i64, i64)>) {
    let pings: BTreeMap<(i64, i64), &Value> = pings.map(|(_, place, value)| (*place, value)).collect();
    let mut judged: BTreeSet<(i64, i64)> = BTreeSet::new();
    let mut counts: BTreeMap<(bool, &str), i64> = BTreeMap::new();
    for (_, _, value) in verdicts {
        let place = cause(value);
        assert!(judged.insert(place), "{value} is the second");
        assert_eq!(pings[&place]["vehicle_id"], value["vehicle_id"]);
        let is_bus = value["vehicle_id"].as_str().unwrap().starts_with("BUS-");
        *counts.entry((is_bus, value["verdict"].as_str().unwrap())).or_default() += 1;
    }
    assert!(judged.is_disjoint(dead));
    assert_eq!(judged.union(dead).copied().collect::<BTreeSet<_>>(), pings.keys().copied().collect(), "each ping");
    for (is_bus, row) in [(false, "vans"), (true, "real buses")] {
        let counted: Vec<i64> = counts.iter().filter(|((bus, _), _)| *bus == is_bus).map(|(_, n)| *n).collect();
        assert_eq!(figures(text, "PINGS", row)[2..], counted, "{row}");
    }
    let vehicles: BTreeSet<&str> = pings.values().filter_map(|ping| ping["vehicle_id"].as_str()).collect();
    assert!(vehicles.iter().filter(|v| v.starts_with("BUS-")).count() == BUSES && vehicles.len() > BUSES + 5, "{vehicles:?}");
}

/// Of one stop: what came of it, in the order of the events.
#[derive(Default)]
struct Stop {
    closes: Option<i64>,
    told: Vec<(i64, i64, f64)>,
    /// In and out, by turns.
    crossings: Vec<(bool, i64)>,
    done: Option<(String, i64)>,
}

/// Stops by shipment and id; each shipment's events are in order, and it has an end.
fn courses<'a>(dispatches: impl Iterator<Item = &'a Row>, events: impl Iterator<Item = &'a Row>) -> BTreeMap<(&'a str, &'a str), Stop> {
    let mut stops: BTreeMap<(&str, &str), Stop> = BTreeMap::new();
    let text = |value: &'a Value| value.as_str().unwrap();
    for (_, _, value) in dispatches.filter(|(_, _, value)| value["type"] == "dispatch") {
        for stop in value["stops"].as_array().unwrap() {
            let known = stops.entry((text(&value["shipment_id"]), text(&stop["stop_id"]))).or_default();
            known.closes = Some(milliseconds(&stop["window"]["to"]));
        }
    }
    let (mut open, mut last) = (BTreeSet::new(), BTreeMap::new());
    for (_, _, value) in events {
        let shipment = text(&value["shipment_id"]);
        let at = milliseconds(&value["at"]);
        let before = last.insert((shipment, text(&value["vehicle_id"])), (value["seq"].as_i64(), at));
        assert!(before.is_none_or(|(seq, time)| seq < value["seq"].as_i64() && time <= at), "{value} is earlier than {before:?}");
        if value["type"] == "planned" {
            open.insert(shipment);
            assert_eq!(value["basis"], "roads", "planned on the streets");
        }
        let mut told = |stop: &'a Value, at: i64| {
            if stop["eta"].is_string() {
                let known = stops.entry((shipment, text(&stop["stop_id"]))).or_default();
                known.told.push((at, milliseconds(&stop["eta"]), stop["eta_sigma_seconds"].as_f64().unwrap()));
            }
        };
        value["stops"].as_array().into_iter().flatten().for_each(|stop| told(stop, at));
        told(value, at);
        let kind = text(&value["type"]);
        let Some(stop) = value["stop_id"].as_str() else {
            if matches!(kind, "completed" | "recalled") {
                assert!(open.remove(shipment), "{shipment} ends once");
            }
            continue;
        };
        let stop = stops.entry((shipment, stop)).or_default();
        match kind {
            "arrived" | "left" => {
                let enters = kind == "arrived";
                assert_eq!(stop.crossings.last().is_none_or(|(inside, _)| !inside), enters, "{value}");
                stop.crossings.push((enters, milliseconds(&value["since"])));
            }
            "delivered" | "failed" => assert!(stop.done.replace((kind.to_owned(), at)).is_none(), "{value}"),
            _ => {}
        }
    }
    assert!(open.is_empty(), "without an end: {open:?}");
    assert!(stops.values().all(|stop| stop.crossings.last().is_none_or(|(inside, _)| !inside)), "who arrives leaves");
    stops
}

/// In time, and how far off the arrival times were.
fn punctuality(text: &str, stops: &BTreeMap<(&str, &str), Stop>) {
    let (mut visits, mut in_time, mut within) = (0, 0, 0);
    let (mut first, mut soon) = (vec![], vec![]);
    for stop in stops.values() {
        let Some((_, done)) = &stop.done else { continue };
        // The crossing in that the driver's word follows.
        let arrived = stop.crossings.iter().rev().find(|(inside, at)| *inside && at <= done).map(|(_, at)| *at);
        visits += 1;
        in_time += i64::from(arrived.unwrap_or(*done) <= stop.closes.unwrap());
        let Some(arrived) = arrived else { continue };
        let off = |eta: i64| (arrived - eta).abs() as f64 / 1000.0;
        first.extend(stop.told.first().map(|(_, eta, _)| off(*eta)));
        if let Some((_, eta, sigma)) = stop.told.iter().rfind(|(at, ..)| *at <= arrived - 600_000) {
            soon.push(off(*eta));
            within += i64::from(off(*eta) <= 1.645 * sigma);
        }
    }
    let shown = |row| figures(text, "DELIVERIES", row);
    assert_eq!(shown("in time")[..2], [in_time, visits]);
    let mean = |errors: &[f64]| (errors.iter().sum::<f64>() / errors.len() as f64).round() as i64;
    assert_eq!(shown("arrival times")[..2], [first.len() as i64, mean(&first)]);
    let share = (within as f64 * 1000.0 / soon.len() as f64).round() as i64;
    assert_eq!(shown("10 minutes before")[..4], [soon.len() as i64, mean(&soon), share / 10, share % 10]);
    assert!(mean(&soon) < mean(&first), "what is near is known better");
}

/// What is delivered was shipped before, and what a van delivers was out with it.
fn goods<'a>(events: impl Iterator<Item = &'a Row>) {
    let (mut shipped, mut out, mut by_van) = (BTreeSet::new(), BTreeSet::new(), 0);
    for (_, _, value) in events {
        let order = value["order_id"].as_str().unwrap();
        match value["type"].as_str().unwrap() {
            "shipped" => drop(shipped.insert(order)),
            "out_for_delivery" => drop(out.insert((order, value["shipment_id"].as_str().unwrap()))),
            "delivered" => {
                assert!(shipped.contains(order), "{value}");
                if let Some(shipment) = value["shipment_id"].as_str() {
                    assert!(out.contains(&(order, shipment)), "{value}");
                    by_van += 1;
                }
            }
            _ => {}
        }
    }
    assert!(by_van > 200, "{by_van}");
}
