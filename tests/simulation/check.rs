//! After the storm: what must hold of the log and of the disks.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use auditor::{Auditor, Names, Options, Record, Report};
use processors::fleet::Vehicle;
use processors::orders::Order;
use serde_json::Value;
use signatures::Seen;
use waybill::engine::plan::{Processor, TaskId};
use waybill::log::memory::{MemoryBroker, MemoryRecord};

use crate::disk::Disk;
use crate::world::{BEGIN, World};
use crate::{letters, positions};

/// Enough to see what is wrong.
const MOST_FAULTS: usize = 30;

/// All that the engine has written for others, in the order of time, for whoever looks into a seed.
pub fn print(world: &World) {
    let mut lines = vec![];
    for topic in ["order-events", "stock-movements", "shipment-events", "ping-verdicts", "dead-letters"] {
        for record in all(&world.time.broker, topic) {
            let value = String::from_utf8_lossy(record.value().unwrap_or_default()).into_owned();
            lines.push((record.timestamp(), format!("{topic}/{}/{} {value}", record.partition, record.offset)));
        }
    }
    for processor in Processor::ALL {
        let topic = world.plan.topics.name(world.plan.internal(processor).changelog);
        for record in all(&world.time.broker, topic) {
            let key = String::from_utf8_lossy(record.key().unwrap_or_default()).replace('\0', " ");
            let what = record.value().map_or("deleted".to_owned(), |value| format!("{} bytes", value.len()));
            lines.push((record.timestamp(), format!("{topic}/{}/{} {key} {what}", record.partition, record.offset)));
        }
    }
    lines.sort();
    for (at, line) in lines {
        eprintln!("{:>9} {line}", at - BEGIN);
    }
}

/// Everything that is wrong, in words.
pub fn check(world: &World) -> Result<Report, String> {
    let report = audit(&world.time.broker);
    let mut faults = vec![];
    if !report.ok() {
        faults.push(format!("the auditor says:\n{report}"));
    }
    nothing_open(world, &mut faults);
    stores(world, &mut faults);
    holds(world, &mut faults);
    alerts(world, &mut faults);
    letters::check(world, &mut faults);
    positions::check(world, &mut faults);
    faults.truncate(MOST_FAULTS);
    if faults.is_empty() { Ok(report) } else { Err(faults.join("\n")) }
}

/// Of every committed record of every topic, internal ones included.
pub fn trace_hash(broker: &MemoryBroker) -> u64 {
    let mut hasher = DefaultHasher::new();
    broker.dump(&mut |topic, record| {
        (topic, record.partition, record.offset, record.timestamp(), record.key(), record.value(), record.headers()).hash(&mut hasher);
    });
    hasher.finish()
}

fn audit(broker: &MemoryBroker) -> Report {
    let names = Names::default();
    let mut auditor = Auditor::new(names.clone(), Options { keep: 10, ..Options::default() });
    for topic in names.topics() {
        for record in all(broker, topic) {
            let headers = record.headers();
            let headers: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (*name, value.unwrap_or_default())).collect();
            auditor.record(&Record {
                topic,
                partition: record.partition,
                offset: record.offset,
                timestamp: record.timestamp(),
                key: record.key(),
                value: record.value(),
                headers: &headers,
            });
        }
    }
    auditor.finish()
}

pub fn all(broker: &MemoryBroker, topic: &str) -> Vec<MemoryRecord> {
    let partitions = broker.topics().into_iter().find(|(name, _)| name == topic).map_or(0, |(_, partitions)| partitions);
    (0..partitions).flat_map(|partition| broker.read_committed(topic, partition)).collect()
}

/// No transaction is left open.
fn nothing_open(world: &World, faults: &mut Vec<String>) {
    for (topic, partitions) in world.time.broker.topics() {
        for partition in 0..partitions {
            let (stable, end) = (world.time.broker.stable_end(&topic, partition), world.time.broker.end(&topic, partition));
            if stable != end {
                faults.push(format!("a transaction is open in {topic}/{partition}: stable end {stable:?}, end {end:?}"));
            }
        }
    }
}

/// Raises and resolves alternate for each SKU at each place, and episodes are counted: none is lost, none comes twice.
fn alerts(world: &World, faults: &mut Vec<String>) {
    let mut last: HashMap<(String, String), (String, i64)> = HashMap::new();
    for record in all(&world.time.broker, "low-stock-alerts") {
        let value: Value = serde_json::from_slice(record.value().unwrap_or_default()).unwrap_or_default();
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let number = |name: &str| value[name].as_i64().unwrap_or(i64::MIN);
        let (state, episode) = (text("state"), number("episode"));
        let (position, reorder_point) = (number("inventory_position"), number("reorder_point"));
        let before = last.insert((text("sku"), text("location")), (state.clone(), episode));
        let right = match (state.as_str(), &before) {
            ("raised", None) => episode == 1 && position <= reorder_point,
            ("raised", Some((state, last))) => state == "resolved" && episode == last + 1 && position <= reorder_point,
            ("resolved", Some((state, last))) => state == "raised" && episode == *last && position > reorder_point,
            _ => false,
        };
        if !right {
            faults.push(format!("low-stock-alerts/{}/{}: after {before:?} came {value}", record.partition, record.offset));
        }
    }
}

/// State in the changelog: the last value of each key.
pub type Fold = BTreeMap<Vec<u8>, Vec<u8>>;

/// What the owner of every task has on its disk is the fold of the changelog, to the byte.
fn stores(world: &World, faults: &mut Vec<String>) {
    for processor in Processor::ALL {
        let topic = world.plan.topics.name(world.plan.internal(processor).changelog);
        for partition in 0..world.plan.internal(processor).tasks {
            let id = TaskId { processor, partition };
            let (fold, end) = fold(&world.time.broker, topic, partition);
            // Their time was over long ago.
            let ids = fold.keys().filter(|key| key.first() == Some(&b'w')).count();
            if world.is_wall() && ids > 0 {
                faults.push(format!("task {} still remembers {ids} ids of signed records", id.name()));
            }
            match world.disk_of(world.plan.inbox(id)) {
                Some(disk) => compare(&id.name(), disk, &fold, end, faults),
                None => faults.push(format!("nobody ever had task {}", id.name())),
            }
        }
    }
}

/// A changelog partition's values, and its end.
pub fn fold(broker: &MemoryBroker, topic: &str, partition: i32) -> (Fold, i64) {
    let (mut fold, mut end) = (Fold::new(), 0);
    for record in broker.read_committed(topic, partition) {
        let key = record.key().unwrap_or_default().to_vec();
        match record.value() {
            Some(value) => fold.insert(key, value.to_vec()),
            None => fold.remove(&key),
        };
        end = record.offset + 1;
    }
    (fold, end)
}

fn compare(name: &str, disk: &Disk, fold: &Fold, end: i64, faults: &mut Vec<String>) {
    let mut stored = Fold::new();
    let (mut position, mut holds, mut timers) = (0, 0, BTreeSet::new());
    for (key, value) in disk.content(name) {
        let number = || value.as_ref().try_into().map(i64::from_be_bytes).unwrap_or(-1);
        match &*key {
            b"\0position" => position = number(),
            b"\0holds" => holds = number(),
            [b'~', rest @ ..] => drop(timers.insert(rest.to_vec())),
            [0, ..] => {}
            _ => drop(stored.insert(key.to_vec(), value.to_vec())),
        }
    }
    let text = |key: &[u8]| String::from_utf8_lossy(key).into_owned();
    for key in stored.keys().chain(fold.keys()).collect::<BTreeSet<_>>() {
        if stored.get(key) != fold.get(key) {
            let how = match (stored.get(key), fold.get(key)) {
                (Some(_), None) => "is in the store, not in the changelog",
                (None, Some(_)) => "is in the changelog, not in the store",
                _ => "differs between store and changelog",
            };
            faults.push(format!("task {name}: key {} {how}", text(key)));
        }
    }
    if position < end {
        faults.push(format!("task {name}: the store stands at {position}, the changelog ends at {end}"));
    }
    let orders: Vec<(&Vec<u8>, Order)> =
        fold.iter().filter(|(key, _)| key[0] == b'o').filter_map(|(key, value)| Some((key, Order::decode(value).ok()?))).collect();
    let open = orders.iter().filter(|(_, order)| order.is_holding()).count() as i64;
    if name.starts_with("orders") && holds != open {
        faults.push(format!("task {name}: counts {holds} open holds, and has {open}"));
    }
    for (key, due) in fold.iter().filter_map(|(key, value)| Some((key, due_of(key, value)?))) {
        let mut timer = (due ^ i64::MIN).to_be_bytes().to_vec();
        timer.extend_from_slice(key);
        if !timers.contains(&timer) {
            faults.push(format!("task {name}: {} waits for a time and has no timer", text(key)));
        }
    }
}

/// When a state wants to be woken: a held order, a vehicle, an id of a signed record.
fn due_of(key: &[u8], value: &[u8]) -> Option<i64> {
    match key.first()? {
        b'o' => Some(Order::decode(value).ok()?.due()?.0),
        b'v' => Some(Vehicle::decode(value).ok()?.due()?.0),
        b'w' => Some(Seen::decode(value).ok()?.due().0),
        _ => None,
    }
}

/// What is held runs out, and not while its payment waits to be read.
fn holds(world: &World, faults: &mut Vec<String>) {
    // In a replay each worker's time is that of the records it has read itself; one that is ahead of another may end a
    // hold whose payment the other still has to forward.
    if !world.is_wall() && !world.setup.is_one_worker() {
        return;
    }
    if !world.is_wall() {
        return;
    }
    let mut expires: HashMap<String, i64> = HashMap::new();
    let mut last: BTreeMap<String, (u64, String)> = BTreeMap::new();
    let (mut expired, mut cancelled) = (BTreeSet::new(), BTreeSet::new());
    for record in all(&world.time.broker, "order-events") {
        let Ok(event) = serde_json::from_slice::<Value>(record.value().unwrap_or_default()) else { continue };
        let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
        let (order_id, kind, seq) = (text("order_id"), text("type"), event["seq"].as_u64().unwrap_or_default());
        match &*kind {
            "accepted" => drop(expires.insert(order_id.clone(), millis(&text("expires_at")))),
            "expired" => drop(expired.insert(order_id.clone())),
            // A cancel after the hold's end ends it, too, and may be read before a payment that is in another topic.
            "cancelled" => drop(cancelled.insert(order_id.clone())),
            _ => {}
        }
        // Of what leaves a hold as it is, nothing is to be remembered.
        let changes = !matches!(&*kind, "noted" | "payment_failed" | "refund_required");
        let partly = kind == "cancelled";
        if changes && !partly && last.get(&order_id).is_none_or(|(before, _)| *before < seq) {
            last.insert(order_id, (seq, kind));
        } else if partly {
            last.insert(order_id, (u64::MAX, kind));
        }
    }
    let now = world.time.now();
    for (order_id, (_, kind)) in &last {
        let due = expires.get(order_id).copied().unwrap_or(i64::MAX);
        if kind == "accepted" && due + 60_000 < now {
            faults.push(format!("order {order_id} was accepted, ran out {} s ago, and is neither paid nor expired", (now - due) / 1_000));
        }
    }
    let dead = letters::dead_letters(world);
    for paid in &world.paid {
        let Some(due) = expires.get(&paid.order_id).filter(|_| expired.contains(&paid.order_id) && !cancelled.contains(&paid.order_id))
        else {
            continue;
        };
        if paid.at < *due && paid.timestamp < *due && !dead.contains_key(&paid.coordinates) {
            faults.push(format!(
                "order {} expired at {due} although its payment, of {}, was in the log at {} ({:?})",
                paid.order_id, paid.timestamp, paid.at, paid.coordinates
            ));
        }
    }
}

pub fn millis(text: &str) -> i64 {
    // Of the wire: RFC 3339 with milliseconds and Z.
    schemas::Timestamp::parse(text).map_or(0, |t| t.0)
}
