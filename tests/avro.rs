//! Topics in Avro on the in-memory log: the same inputs give the same decisions as in JSON; a registry that does not
//! answer makes records wait and nothing else.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as Avro;
use apache_avro::writer::datum::GenericDatumWriter;
use schemas::avro::{Frame, Framing, Lookup, Schema, SinkEncoder, TOPICS, Writer};
use schemas::{Sink, Source, Timestamp};
use serde_json::{Value, json};
use state::memory::MemoryStores;
use support::{Shape, create_topics, open_log, plan, send_bytes};
use waybill::clock::Clock as Wall;
use waybill::engine::formats::Schemas;
use waybill::engine::plan::{ClockMode, Format, Formats, Plan};
use waybill::engine::{Options, RestoreBy, Stop, Worker};
use waybill::log::memory::{Clock, MemoryBroker, MemoryLog};
use waybill::metrics::Metrics;

const NOW: i64 = 1_800_000_000_000;

/// What the registry of a test knows. `None`: it does not answer.
type Known = Arc<Mutex<Option<BTreeMap<u32, Arc<Schema>>>>>;

struct System {
    broker: MemoryBroker,
    plan: Plan,
    now: Arc<AtomicI64>,
    workers: Vec<Worker<MemoryLog, MemoryStores>>,
    format: Format,
    /// The id that is put before each record; `None`: the fingerprint.
    id: Option<u32>,
}

fn schema(topic: &str) -> apache_avro::Schema {
    apache_avro::Schema::parse_str(TOPICS.iter().find(|(name, _)| *name == topic).unwrap().1).unwrap()
}

impl System {
    fn new(shape: Shape, workers: usize, format: Format, known: &Known) -> System {
        let broker = MemoryBroker::new(Clock::Manual(NOW));
        let mut plan = plan(shape, ClockMode::Wall);
        if format == Format::Avro {
            let sinks = Sink::ALL.map(|sink| SinkEncoder::new(sink, Framing::SingleObject).map(Arc::new));
            plan = plan.with_formats(Formats { sources: [Format::Avro; Source::ALL.len()], sinks });
        }
        create_topics(&broker, &plan);
        let now = Arc::new(AtomicI64::new(NOW));
        let workers = (0..workers)
            .map(|n| {
                let options = Options { restore: RestoreBy::Worker, commit_pace: Duration::ZERO, ..Options::default() };
                let mut worker = Worker::new(
                    open_log(&broker, &plan, n),
                    MemoryStores::default(),
                    plan.clone().into(),
                    options,
                    Wall::Manual(Arc::clone(&now)),
                    Metrics::new(),
                    Stop::default(),
                );
                let known = Arc::clone(known);
                worker.ask(Schemas::new(move |id| match &*known.lock().unwrap() {
                    None => Lookup::NotYet,
                    Some(known) => known.get(&id).map_or_else(|| Lookup::Unknown("40403".into()), |s| Lookup::Schema(Arc::clone(s))),
                }));
                worker
            })
            .collect();
        System { broker, plan, now, workers, format, id: None }
    }

    fn settle(&mut self) {
        for _ in 0..200 {
            for worker in &mut self.workers {
                worker.turn(Duration::ZERO).unwrap();
            }
            self.advance(10);
        }
    }

    fn advance(&self, ms: i64) {
        self.broker.advance(ms);
        self.now.fetch_add(ms, Ordering::Relaxed);
    }

    fn now(&self) -> i64 {
        self.now.load(Ordering::Relaxed)
    }

    fn send(&self, source: Source, key: &str, value: &Value) {
        let bytes = match self.format {
            Format::Json => value.to_string().into_bytes(),
            Format::Avro => {
                let schema = schema(source.name());
                let datum = GenericDatumWriter::builder(&schema).build().unwrap().write_value_to_vec(shaped(&schema, value)).unwrap();
                let mut bytes = vec![];
                let print = Schema::parse(&serde_json::to_string(&schema).unwrap()).unwrap().fingerprint();
                Frame::write(self.id.map_or(Writer::Fingerprint(print), Writer::Id), &mut bytes);
                bytes.extend_from_slice(&datum);
                bytes
            }
        };
        send_bytes(&self.broker, source.name(), key, &bytes, self.now());
    }

    /// Committed values of a topic as JSON, without what is null or empty.
    fn values(&self, topic: &str) -> Vec<Value> {
        let id = self.plan.topics.find(topic).unwrap();
        let mut all = vec![];
        for p in 0..self.plan.topics.partitions(id) {
            for record in self.broker.read_committed(topic, p) {
                let value = record.value().unwrap();
                let content =
                    record.headers().into_iter().find(|(name, _)| *name == "content-type").and_then(|(_, v)| v).unwrap_or_default();
                all.push(match self.format {
                    Format::Json => {
                        assert_eq!(content, b"application/json");
                        without_nothing(&serde_json::from_slice(value).unwrap())
                    }
                    Format::Avro => {
                        assert_eq!(content, b"application/avro");
                        let schema = schema(topic);
                        let mut datum = Frame::read(value).unwrap().datum;
                        let value = GenericDatumReader::builder(&schema).build().unwrap().read_value(&mut datum).unwrap();
                        assert!(datum.is_empty());
                        without_nothing(&as_json(&value))
                    }
                });
            }
        }
        all
    }

    fn reasons(&self) -> Vec<String> {
        let id = self.plan.topics.find("dead-letters").unwrap();
        let records = (0..self.plan.topics.partitions(id)).flat_map(|p| self.broker.read_committed("dead-letters", p));
        records
            .map(|r| {
                let found =
                    r.headers().into_iter().find(|(name, _)| *name == "waybill.error.reason").and_then(|(_, v)| v.map(<[u8]>::to_vec));
                String::from_utf8(found.unwrap()).unwrap()
            })
            .collect()
    }

    fn events(&self, order: &str) -> Vec<String> {
        let events = self.values("order-events");
        events.iter().filter(|e| e["order_id"] == order).map(|e| e["type"].as_str().unwrap().to_owned()).collect()
    }
}

fn shaped(schema: &apache_avro::Schema, value: &Value) -> Avro {
    use apache_avro::Schema as S;
    match (schema, value) {
        (S::Union(union), value) => {
            let at = union.variants().iter().position(|s| matches!(s, S::Null) == value.is_null()).unwrap();
            Avro::Union(at as u32, Box::new(shaped(&union.variants()[at], value)))
        }
        (S::Null, _) => Avro::Null,
        (S::Boolean, v) => Avro::Boolean(v.as_bool().unwrap()),
        (S::Long, v) => Avro::Long(v.as_i64().unwrap()),
        (S::TimestampMillis, v) => Avro::TimestampMillis(v.as_i64().unwrap()),
        (S::Double, v) => Avro::Double(v.as_f64().unwrap()),
        (S::String, v) => Avro::String(v.as_str().unwrap().into()),
        (S::Enum(of), v) => {
            let at = of.symbols.iter().position(|s| s == v.as_str().unwrap()).unwrap();
            Avro::Enum(at as u32, of.symbols[at].clone())
        }
        (S::Array(of), v) => Avro::Array(v.as_array().unwrap().iter().map(|v| shaped(&of.items, v)).collect()),
        (S::Record(of), v) => {
            Avro::Record(of.fields.iter().map(|f| (f.name.clone(), shaped(&f.schema, v.get(&f.name).unwrap_or(&Value::Null)))).collect())
        }
        (schema, _) => panic!("{schema:?}"),
    }
}

fn as_json(value: &Avro) -> Value {
    match value {
        Avro::Null => Value::Null,
        Avro::Boolean(v) => json!(v),
        Avro::Int(v) => json!(v),
        Avro::Long(v) => json!(v),
        Avro::Double(v) => json!(v),
        Avro::String(v) | Avro::Enum(_, v) => json!(v),
        Avro::TimestampMillis(v) => json!(Timestamp(*v).to_string()),
        Avro::Union(_, v) => as_json(v),
        Avro::Array(v) => v.iter().map(as_json).collect(),
        Avro::Record(v) => v.iter().map(|(name, v)| (name.clone(), as_json(v))).collect(),
        other => panic!("{other:?}"),
    }
}

fn without_nothing(value: &Value) -> Value {
    let nothing = |v: &Value| v.is_null() || v.as_array().is_some_and(Vec::is_empty);
    match value {
        Value::Object(map) => {
            map.iter().map(|(k, v)| (k.clone(), without_nothing(v))).filter(|(_, v)| !nothing(v)).collect::<serde_json::Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(without_nothing).collect(),
        other => other.clone(),
    }
}

fn known(ids: &[(u32, &str)]) -> Known {
    let of = |topic: &str| Arc::new(schemas::avro::current(topic).unwrap());
    Arc::new(Mutex::new(Some(ids.iter().map(|(id, topic)| (*id, of(topic))).collect())))
}

fn place(id: &str, sku: &str, quantity: i64) -> Value {
    json!({ "type": "place", "order_id": id, "currency": "GBP", "placed_at": NOW,
            "lines": [{ "sku": sku, "quantity": quantity, "unit_price": 100 }] })
}

fn restock(sku: &str) -> Value {
    json!({ "restock_id": format!("R-{sku}"), "sku": sku, "quantity": 10, "kind": "received" })
}

#[test]
fn avro_and_json_give_the_same_decisions() {
    for (shape, workers) in [(Shape { tasks: 4, sources: 4 }, 1), (Shape { tasks: 4, sources: 3 }, 2)] {
        let run = |format: Format| {
            let mut system = System::new(shape, workers, format, &known(&[]));
            system.settle();
            for sku in ["A", "B", "C"] {
                system.send(Source::Restocks, sku, &restock(sku));
            }
            system.settle();
            for (id, sku, quantity) in [("1", "A", 3), ("2", "B", 10), ("3", "C", 11)] {
                system.send(Source::Orders, id, &place(id, sku, quantity));
            }
            system.settle();
            let payment = json!({ "payment_id": "P", "order_id": "1", "status": "captured", "amount": 300, "currency": "GBP" });
            system.send(Source::Payments, "1", &payment);
            // Found empty: what is held there is at risk.
            system.send(Source::StockCounts, "B", &json!({ "count_id": "K", "sku": "B", "counted": 4 }));
            system.settle();
            system.send(Source::Orders, "1", &json!({ "type": "ship", "order_id": "1" }));
            system.send(Source::Orders, "1", &json!({ "type": "ship", "order_id": "2" }));
            system.settle();
            system.advance(901_000);
            system.settle();
            assert_eq!(system.reasons(), ["key_mismatch"], "{format:?} {shape:?}");
            let sorted = |topic: &str| {
                let mut values: Vec<String> = system.values(topic).iter().map(Value::to_string).collect();
                values.sort();
                values
            };
            let last = |values: Vec<Value>| -> BTreeMap<String, Value> { values.into_iter().map(|v| (v["sku"].to_string(), v)).collect() };
            (sorted("order-events"), sorted("stock-movements"), last(system.values("stock-levels")))
        };
        let (json, avro) = (run(Format::Json), run(Format::Avro));
        assert!(json.0.len() >= 6 && json.1.len() >= 8 && json.2.len() == 3, "{json:?}");
        assert_eq!(avro, json, "{shape:?}");
    }
}

#[test]
fn a_registry_that_is_away_makes_records_wait_and_nothing_else() {
    // Straight and by way of other tasks' inboxes.
    for (shape, workers) in [(Shape { tasks: 4, sources: 4 }, 1), (Shape { tasks: 4, sources: 3 }, 2)] {
        let registry = known(&[(7, "orders"), (8, "payments"), (9, "restocks")]);
        let mut system = System::new(shape, workers, Format::Avro, &registry);
        system.settle();
        let with = |system: &mut System, id: u32| system.id = Some(id);
        with(&mut system, 9);
        system.send(Source::Restocks, "A", &restock("A"));
        system.settle();
        with(&mut system, 7);
        system.send(Source::Orders, "1", &place("1", "A", 6));
        system.settle();
        assert_eq!(system.events("1"), ["accepted"], "{shape:?}");

        // It goes away, and payments come whose schema nobody has needed before.
        let back = registry.lock().unwrap().take();
        with(&mut system, 8);
        let payment = json!({ "payment_id": "P", "order_id": "1", "status": "captured", "amount": 600, "currency": "GBP" });
        system.send(Source::Payments, "1", &payment);
        system.settle();
        // Far longer than the order's hold.
        for _ in 0..20 {
            system.advance(100_000);
            system.settle();
        }
        assert_eq!(system.events("1"), ["accepted"], "{shape:?}: a payment is waiting; nothing expires before it is read");
        assert_eq!(system.reasons(), [""; 0], "{shape:?}");

        *registry.lock().unwrap() = back;
        system.settle();
        assert_eq!(system.events("1"), ["accepted", "paid"], "{shape:?}: it was in time");
        // An id that the registry says does not exist is the record's own fault.
        with(&mut system, 1000);
        system.send(Source::Orders, "2", &place("2", "A", 1));
        with(&mut system, 7);
        system.send(Source::Orders, "2", &place("2", "A", 1));
        system.settle();
        assert_eq!(system.reasons(), ["unknown_schema"], "{shape:?}");
        assert_eq!(system.events("2"), ["accepted"], "{shape:?}");
        if workers > 1 {
            // The other worker has not met the id; what is known to all of them is in `registry/`.
            continue;
        }
        // What is known stays known.
        registry.lock().unwrap().take();
        system.send(Source::Orders, "3", &place("3", "A", 1));
        system.settle();
        assert_eq!(system.events("3"), ["accepted"], "{shape:?}");
    }
}

#[test]
fn while_records_wait_what_came_before_is_committed() {
    let registry = known(&[(7, "orders")]);
    let mut system = System::new(Shape { tasks: 1, sources: 1 }, 1, Format::Avro, &registry);
    system.settle();
    system.send(Source::Restocks, "A", &restock("A"));
    system.advance(1);
    system.send(Source::Orders, "1", &place("1", "A", 1));
    let back = registry.lock().unwrap().take();
    system.advance(10);
    system.id = Some(7);
    for n in 0..100 {
        system.send(Source::Orders, &format!("later-{n}"), &place(&format!("later-{n}"), "B", 1));
    }
    system.settle();
    assert_eq!(system.events("1"), ["accepted"]);
    assert_eq!(system.values("order-events").len(), 1);
    *registry.lock().unwrap() = back;
    system.settle();
    assert_eq!(system.values("order-events").len(), 101);
    assert_eq!(system.reasons(), [""; 0]);
}
