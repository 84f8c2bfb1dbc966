//! Live pings at a steady rate: from when each was due to be sent to the event that it caused, and to the position that
//! shows it. Decides nothing: events and positions name their cause by topic, partition and offset.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use clap::Args;
use probe::{now_unix_ms, proc_cpu, proc_mem, summary};
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::KafkaResult;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, ProducerContext};
use rdkafka::{ClientContext, Message};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Failure;
use crate::kafka::{consumer, flush, follow, producer, send};
use crate::live::Line;

const PINGS: &str = "gps-pings";
const EVENTS: &str = "shipment-events";
const POSITIONS: &str = "vehicle-positions";

/// Partition and offset.
type Place = (i32, i64);

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    vehicle_id: Cow<'a, str>,
    #[serde(borrow, default)]
    event_id: Cow<'a, str>,
    #[serde(borrow)]
    cause: Cause<'a>,
}

#[derive(Deserialize)]
struct Cause<'a> {
    #[serde(borrow)]
    topic: Cow<'a, str>,
    partition: i32,
    offset: i64,
}

/// Tells where each ping has got to in its topic.
struct Delivered(Sender<(Place, usize)>);

impl ClientContext for Delivered {}

impl ProducerContext for Delivered {
    type DeliveryOpaque = Box<usize>;

    fn delivery(&self, result: &DeliveryResult<'_>, index: Box<usize>) {
        if let Ok(message) = result {
            // Nobody listens any more once the measurement has ended.
            let _ = self.0.send(((message.partition(), message.offset()), *index));
        }
    }
}

/// What was read, and when.
#[derive(Default)]
struct Heard {
    /// (cause, when, kind) of every event that a ping caused.
    events: Vec<(Place, Instant, Box<str>)>,
    /// (cause, when) of every position.
    positions: Vec<(Place, Instant)>,
    ids: HashSet<Box<str>>,
    duplicates: u64,
    planned: u32,
    unreadable: u64,
}

impl Heard {
    /// Reads one record, if there is one.
    fn poll(&mut self, consumer: &BaseConsumer, run: &str) {
        let Some(Ok(message)) = consumer.poll(Duration::from_millis(20)) else { return };
        let when = Instant::now();
        let Ok(said) = serde_json::from_slice::<Said<'_>>(message.payload().unwrap_or_default()) else {
            self.unreadable += 1;
            return;
        };
        if !said.vehicle_id.starts_with(run) {
            return;
        }
        let cause = (said.cause.partition, said.cause.offset);
        if message.topic() == POSITIONS {
            if said.cause.topic == PINGS {
                self.positions.push((cause, when));
            }
            return;
        }
        if !self.ids.insert(said.event_id.as_ref().into()) {
            self.duplicates += 1;
        }
        self.planned += u32::from(said.kind == "planned");
        if said.cause.topic == PINGS {
            self.events.push((cause, when, said.kind.as_ref().into()));
        }
    }
}

/// What `paced` may be told.
#[derive(Debug, Args)]
pub struct Paced {
    #[arg(long, default_value_t = 1_000)]
    pub vehicles: u32,
    /// Pings a second, of all vehicles together
    #[arg(long, default_value_t = 500.0)]
    pub rate: f64,
    /// Measure for so long
    #[arg(long, value_name = "SECONDS", default_value_t = 20.0)]
    pub secs: f64,
    /// Send for so long before
    #[arg(long, value_name = "SECONDS", default_value_t = 20.0)]
    pub warmup: f64,
    /// What comes later than this is not waited for
    #[arg(long, value_name = "SECONDS", default_value_t = 8.0)]
    pub tail: f64,
    /// Processes whose CPU and memory are told; may be repeated
    #[arg(long)]
    pub pid: Vec<u32>,
}

/// Sends shipments, waits for their plans, sends pings, and reports.
pub fn run(bootstrap: &str, own: &Paced) -> Result<Value, Failure> {
    let &Paced { vehicles, rate, secs, warmup, tail, pid: ref pids } = own;
    let tail = Duration::from_secs_f64(tail);
    let run = format!("R{}", now_unix_ms() % 100_000_000);
    let lines: Vec<Line> = (0..vehicles).map(|number| Line::new(&run, number, vehicles)).collect();
    let consumer = consumer(bootstrap, "fleet-probe-unused")?;
    follow(&consumer, &[EVENTS, POSITIONS])?;
    let mut heard = Heard::default();
    dispatch(bootstrap, &lines)?;
    let planned_by = Instant::now() + Duration::from_secs(60);
    while heard.planned < vehicles {
        heard.poll(&consumer, &run);
        if Instant::now() > planned_by {
            return Err(format!("{} of {vehicles} shipments are planned", heard.planned).into());
        }
    }
    let total = ((warmup + secs) * rate) as usize;
    let first = (warmup * rate) as usize;
    let origin = Instant::now() + Duration::from_millis(100);
    let origin_millis = now_unix_ms() + 100;
    let due = move |index: usize| Duration::from_secs_f64(index as f64 / rate);
    let (sender, delivered) = channel();
    let own = producer(bootstrap, "0", Delivered(sender))?;
    let sending = std::thread::spawn(move || ping(&own, &lines, total, origin, origin_millis, rate));
    let cpu = || -> Vec<f64> { pids.iter().map(|pid| proc_cpu(*pid).unwrap_or(f64::NAN)).collect() };
    let (mut before, mut cpu_from) = (cpu(), Instant::now());
    let end = origin + due(total);
    let mut warm = false;
    while Instant::now() < end + tail {
        heard.poll(&consumer, &run);
        if !warm && Instant::now() >= origin + due(first) {
            (before, cpu_from, warm) = (cpu(), Instant::now(), true);
        }
    }
    let (after, span) = (cpu(), cpu_from.elapsed().as_secs_f64());
    let late = sending.join().map_err(|_| "the sending thread has panicked")??;
    let processes: Vec<Value> = pids
        .iter()
        .zip(before.iter().zip(&after))
        .map(|(pid, (before, after))| json!({"pid": pid, "cpu_pct_of_core": (after - before) / span * 100.0, "peak_mb": proc_mem(*pid).0}))
        .collect();
    let sent = index(&delivered);
    let mut report = latencies(&heard, &sent, first, total, vehicles as usize, |i| origin + due(i));
    report["rate"] = json!(rate);
    report["vehicles"] = json!(vehicles);
    report["late_send_max_ms"] = json!(late.as_secs_f64() * 1000.0);
    report["duplicates"] = json!(heard.duplicates);
    report["unreadable"] = json!(heard.unreadable);
    report["lost_pings"] = json!(total - sent.len());
    report["procs"] = json!(processes);
    Ok(report)
}

fn dispatch(bootstrap: &str, lines: &[Line]) -> KafkaResult<()> {
    let producer = producer(bootstrap, "5", DefaultProducerContext)?;
    for line in lines {
        let value = line.dispatch();
        send(&producer, BaseRecord::to("dispatches").key(line.vehicle_id.as_bytes()).payload(value.as_bytes()))?;
    }
    flush(&producer)
}

/// Sends ping after ping when it is due. Returns by how much the latest was late.
fn ping(
    producer: &BaseProducer<Delivered>,
    lines: &[Line],
    total: usize,
    origin: Instant,
    origin_millis: i64,
    rate: f64,
) -> KafkaResult<Duration> {
    let mut late = Duration::ZERO;
    for index in 0..total {
        let since = index as f64 / rate;
        let due = origin + Duration::from_secs_f64(since);
        if let Some(wait) = due.checked_duration_since(Instant::now()) {
            std::thread::sleep(wait);
        }
        let line = &lines[index % lines.len()];
        let value = line.ping(origin_millis + (since * 1000.0).round() as i64, since);
        let record = BaseRecord::with_opaque_to(PINGS, Box::new(index)).key(line.vehicle_id.as_bytes()).payload(value.as_bytes());
        send(producer, record)?;
        late = late.max(due.elapsed());
        producer.poll(Duration::ZERO);
    }
    flush(producer)?;
    Ok(late)
}

fn index(delivered: &Receiver<(Place, usize)>) -> HashMap<Place, usize> {
    delivered.try_iter().collect()
}

/// `first`: the first ping that counts; `due`: when a ping was due to be sent.
fn latencies(
    heard: &Heard,
    sent: &HashMap<Place, usize>,
    first: usize,
    total: usize,
    vehicles: usize,
    due: impl Fn(usize) -> Instant,
) -> Value {
    let millis = |index: usize, when: Instant| when.saturating_duration_since(due(index)).as_secs_f64() * 1000.0;
    let mut latency = vec![];
    let mut told = HashSet::new();
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for (cause, when, kind) in &heard.events {
        if let Some(index) = sent.get(cause).filter(|index| **index >= first) {
            // What else the same ping caused came with it.
            if told.insert(*index) {
                latency.push(millis(*index, *when));
            }
            *kinds.entry(kind).or_default() += 1;
        }
    }
    // A ping is shown by the first position of it or of a later one of its vehicle, by whose number they follow each other.
    let mut shown: Vec<Option<Instant>> = vec![None; total];
    for (cause, when) in &heard.positions {
        let Some(index) = sent.get(cause) else { continue };
        let mut index = *index;
        while shown[index].is_none() {
            shown[index] = Some(*when);
            let Some(before) = index.checked_sub(vehicles) else { break };
            index = before;
        }
    }
    let counted = first..total;
    let mut lateness: Vec<f64> = counted.clone().filter_map(|index| Some(millis(index, shown[index]?))).collect();
    json!({
        "telling_pings": latency.len(), "by_type": kinds, "latency_ms": summary(&mut latency),
        "positions": heard.positions.len(), "never_shown": counted.len() - lateness.len(), "position_ms": summary(&mut lateness),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three vehicles; ping 3 is the second of the first one. A position of ping 3 shows ping 0 as well, not ping 1.
    #[test]
    fn a_position_shows_what_came_before_it_and_an_event_its_own_ping_alone() {
        let now = Instant::now();
        let sent: HashMap<Place, usize> = (0..6).map(|index| ((0, index as i64), index)).collect();
        let after = |ms| now + Duration::from_millis(ms);
        let heard = Heard {
            events: [(0, 4, 450), (0, 4, 460), (9, 4, 450)].map(|(p, o, ms)| ((p, o), after(ms), "arrived".into())).into(),
            positions: vec![((0, 3), after(900)), ((0, 0), after(950))],
            ..Heard::default()
        };
        let report = latencies(&heard, &sent, 0, 6, 3, |index| now + Duration::from_millis(100) * index as u32);
        assert_eq!((&report["telling_pings"], &report["latency_ms"]["max"]), (&json!(1), &json!(50.0)));
        assert_eq!((&report["never_shown"], &report["position_ms"]["max"]), (&json!(4), &json!(900.0)));
        assert_eq!(report["position_ms"]["p50"], json!(600.0));
    }
}
