//! Hand-built histories for the auditor's tests: a story is told record by record, figures, ids, hashes and headers
//! are filled in when it is sealed, and a test may spoil it before or after. Shares no code with the auditor.

pub mod faults;
pub mod shop;
pub mod whole;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use waybill_auditor::{Auditor, Names, Options, Record, Report};

/// One record, its value still JSON where it is JSON.
#[derive(Clone, Debug)]
pub struct Entry {
    pub topic: &'static str,
    pub partition: i32,
    pub offset: i64,
    pub timestamp: i64,
    pub key: Option<Vec<u8>>,
    pub value: Body,
    pub headers: Vec<(String, Vec<u8>)>,
}

#[derive(Clone, Debug)]
pub enum Body {
    Json(Value),
    Bytes(Option<Vec<u8>>),
}

impl Body {
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Body::Json(value) => Some(value.to_string().into_bytes()),
            Body::Bytes(bytes) => bytes.clone(),
        }
    }
}

/// Coordinates of an input record: topic and offset (all in partition 0).
pub type Input = (&'static str, i64);

/// A line: SKU, units, place.
pub type Line<'a> = (&'a str, i64, &'a str);

/// A log in the making.
#[derive(Clone, Default)]
pub struct History {
    pub entries: Vec<Entry>,
}

impl History {
    /// Appends a record and returns its coordinates. Time goes on by a second a record.
    pub fn push(&mut self, topic: &'static str, key: Option<&[u8]>, value: Body) -> Input {
        let offset = self.entries.iter().filter(|e| e.topic == topic && e.partition == 0).count() as i64;
        let timestamp = 1_291_190_400_000 + 1000 * self.entries.len() as i64;
        self.entries.push(Entry { topic, partition: 0, offset, timestamp, key: key.map(<[u8]>::to_vec), value, headers: vec![] });
        (topic, offset)
    }

    pub fn json(&mut self, topic: &'static str, key: &str, value: Value) -> Input {
        self.push(topic, Some(key.as_bytes()), Body::Json(value))
    }

    pub fn place(&mut self, order: &str, lines: &[(&str, i64)]) -> Input {
        let lines: Vec<Value> = lines.iter().map(|(sku, units)| json!({"sku": sku, "quantity": units, "unit_price": 100})).collect();
        self.json("orders", order, json!({"type": "place", "order_id": order, "currency": "GBP", "lines": lines}))
    }

    /// `cancel`, `ship`, `deliver` or `return`; `more` adds fields.
    pub fn command(&mut self, order: &str, kind: &str, more: Value) -> Input {
        self.json("orders", order, merged(json!({"type": kind, "order_id": order}), more))
    }

    pub fn payment(&mut self, order: &str, id: &str, status: &str) -> Input {
        self.json("payments", order, json!({"payment_id": id, "order_id": order, "status": status, "amount": 100, "currency": "GBP"}))
    }

    pub fn restock(&mut self, sku: &str, id: &str, kind: &str, quantity: i64, more: Value) -> Input {
        let value = json!({"restock_id": id, "sku": sku, "location": "main", "quantity": quantity, "kind": kind});
        self.json("restocks", sku, merged(value, more))
    }

    pub fn count(&mut self, sku: &str, id: &str, counted: i64) -> Input {
        self.json("stock-counts", sku, json!({"count_id": id, "sku": sku, "location": "main", "counted": counted}))
    }

    pub fn event(&mut self, order: &str, kind: &str, cause: Input, more: Value) -> Input {
        self.json("order-events", order, merged(json!({"order_id": order, "type": kind, "cause": cause_json(cause)}), more))
    }

    pub fn event_lines(&mut self, order: &str, kind: &str, cause: Input, lines: &[Line]) -> Input {
        let lines: Vec<Value> = lines.iter().map(|(sku, units, at)| json!({"sku": sku, "quantity": units, "location": at})).collect();
        self.event(order, kind, cause, json!({"lines": lines}))
    }

    /// A movement of an order's units.
    pub fn order_moved(&mut self, order: &str, kind: &str, line: Line, cause: Input) -> Input {
        self.moved_with(kind, line, cause, json!({"order_id": order}))
    }

    /// A movement that is nobody's.
    pub fn moved(&mut self, kind: &str, line: Line, cause: Input) -> Input {
        self.moved_with(kind, line, cause, json!({}))
    }

    pub fn moved_with(&mut self, kind: &str, (sku, units, at): Line, cause: Input, more: Value) -> Input {
        let value = json!({"sku": sku, "location": at, "kind": kind, "quantity": units, "cause": cause_json(cause)});
        self.json("stock-movements", sku, merged(value, more))
    }

    /// A dead letter of the input record, bytes as they came.
    pub fn dead_letter(&mut self, (topic, offset): Input, reason: &str) -> Input {
        let source = self.entries[self.find(topic, offset)].clone();
        let bytes = source.value.bytes();
        let letter = self.push("dead-letters", source.key.as_deref(), Body::Bytes(bytes));
        let headers = [
            ("waybill.error.reason", reason.to_owned()),
            ("waybill.error.message", "because".into()),
            ("waybill.source.topic", topic.into()),
            ("waybill.source.partition", "0".into()),
            ("waybill.source.offset", offset.to_string()),
        ];
        let index = self.find(letter.0, letter.1);
        self.entries[index].headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes())).collect();
        letter
    }

    pub fn find(&self, topic: &str, offset: i64) -> usize {
        self.entries.iter().position(|e| e.topic == topic && e.partition == 0 && e.offset == offset).expect("the record is there")
    }

    /// The one record of a topic whose JSON value has these members, as coordinates.
    pub fn one(&self, topic: &str, members: &Value) -> Input {
        let fits = |e: &&Entry| {
            let Body::Json(value) = &e.value else { return false };
            e.topic == topic && members.as_object().is_some_and(|m| m.iter().all(|(name, want)| value.get(name) == Some(want)))
        };
        let found: Vec<&Entry> = self.entries.iter().filter(fits).collect();
        assert_eq!(found.len(), 1, "{topic} with {members}");
        (found[0].topic, found[0].offset)
    }

    /// Changes members of a record's value.
    pub fn edit(&mut self, (topic, offset): Input, change: Value) {
        let index = self.find(topic, offset);
        let Body::Json(value) = &mut self.entries[index].value else { panic!("{topic}/{offset} is not JSON") };
        *value = merged(value.take(), change);
    }

    /// Takes a record out; its offset stays empty.
    pub fn remove(&mut self, (topic, offset): Input) {
        let index = self.find(topic, offset);
        self.entries.remove(index);
    }

    /// Fills in what every output has: seq, figures, hashes, ids, times, headers. Members that are there stay.
    pub fn seal(mut self) -> History {
        self.add_levels();
        let mut seqs: BTreeMap<String, u64> = BTreeMap::new();
        let mut hashes: BTreeMap<String, String> = BTreeMap::new();
        let mut figures: BTreeMap<(String, String), (i64, i64)> = BTreeMap::new();
        for entry in &mut self.entries {
            let key = String::from_utf8_lossy(entry.key.as_deref().unwrap_or_default()).into_owned();
            let Body::Json(value) = &mut entry.value else { continue };
            let (id_name, family, word) = match entry.topic {
                "order-events" => ("event_id", "waybill.order.", text(value, "type")),
                "stock-movements" => ("movement_id", "waybill.stock.", text(value, "kind")),
                "stock-levels" => ("", "waybill.stock.", "level".into()),
                "product-events" => ("event_id", "waybill.product.", text(value, "type")),
                "product-catalog" => ("", "waybill.product.", "listing".into()),
                "low-stock-alerts" => ("", "waybill.low_stock.", text(value, "state")),
                "forecasts" => ("", "waybill.stock.", "forecast".into()),
                "shipment-events" => ("event_id", "waybill.shipment.", text(value, "type")),
                "vehicle-positions" => ("", "waybill.vehicle.", "position".into()),
                "ping-verdicts" => ("event_id", "waybill.ping.", text(value, "verdict")),
                _ => continue,
            };
            fill(value, "at", json!("2010-12-01T08:26:00.000Z"));
            let mut id = "view".to_owned();
            if entry.topic == "ping-verdicts" {
                let cause = value["cause"].clone();
                fill(value, id_name, json!(format!("{}/{}/{}/{key}/1", text(&cause, "topic"), cause["partition"], cause["offset"])));
                id = text(value, id_name);
            } else if !id_name.is_empty() {
                // A shipment's events are numbered by vehicle.
                let key = if entry.topic == "shipment-events" { format!("{}/{key}", text(value, "vehicle_id")) } else { key.clone() };
                let seq = seqs.entry(format!("{}|{key}", entry.topic)).or_default();
                fill(value, "seq", json!(*seq + 1));
                *seq = value["seq"].as_u64().expect("a seq");
                let cause = &value["cause"];
                id = format!("{}/{}/{}/{key}/{seq}", text(cause, "topic"), cause["partition"], cause["offset"]);
                fill(value, id_name, json!(id));
                id = text(value, id_name);
            }
            if entry.topic == "stock-movements" {
                let place = figures.entry((key.clone(), text(value, "location"))).or_default();
                let (on_hand, reserved) = effect(&word, number(value, "quantity"));
                fill(value, "on_hand", json!(place.0.saturating_add(on_hand)));
                fill(value, "reserved", json!(place.1.saturating_add(reserved)));
                *place = (number(value, "on_hand"), number(value, "reserved"));
                let last = hashes.entry(key).or_insert_with(|| "0".repeat(64));
                fill(value, "previous", json!(last));
                let hash = hash_of(value);
                fill(value, "hash", json!(hash));
                *last = text(value, "hash");
            }
            if entry.headers.is_empty() {
                entry.headers = [
                    ("ce_specversion", "1.0"),
                    ("ce_id", &id),
                    ("ce_type", &format!("{family}{word}")),
                    ("ce_source", "/waybill"),
                    ("ce_time", "2010-12-01T08:26:00.000Z"),
                    ("content-type", "application/json"),
                ]
                .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
                .to_vec();
            }
        }
        self
    }

    /// One level per SKU, as the movements have it.
    fn add_levels(&mut self) {
        type Places = BTreeMap<String, (i64, i64)>;
        let mut levels: BTreeMap<String, (u64, Places)> = BTreeMap::new();
        for entry in self.entries.iter().filter(|e| e.topic == "stock-movements") {
            let Body::Json(value) = &entry.value else { continue };
            let level = levels.entry(text(value, "sku")).or_default();
            level.0 += 1;
            let place = level.1.entry(text(value, "location")).or_default();
            let (on_hand, reserved) = effect(&text(value, "kind"), number(value, "quantity"));
            *place = (place.0.saturating_add(on_hand), place.1.saturating_add(reserved));
        }
        let told: Vec<String> = self
            .entries
            .iter()
            .filter(|e| e.topic == "stock-levels")
            .map(|e| String::from_utf8_lossy(e.key.as_deref().unwrap_or_default()).into_owned())
            .collect();
        for (sku, (version, places)) in levels.into_iter().filter(|(sku, _)| !told.contains(sku)) {
            self.level(&sku, version, &places.iter().map(|(at, &(on_hand, reserved))| (&**at, on_hand, reserved)).collect::<Vec<_>>());
        }
    }

    /// A level; rows are (place, on hand, reserved).
    pub fn level(&mut self, sku: &str, version: u64, rows: &[(&str, i64, i64)]) -> Input {
        let (on_hand, reserved): (i64, i64) = rows.iter().fold((0, 0), |sum, row| (sum.0 + row.1, sum.1 + row.2));
        let rows: Vec<Value> = rows
            .iter()
            .map(|(at, on_hand, reserved)| json!({"location": at, "on_hand": on_hand, "reserved": reserved, "available": on_hand - reserved}))
            .collect();
        let value = json!({"sku": sku, "on_hand": on_hand, "reserved": reserved, "available": on_hand - reserved,
                           "incoming": 0, "locations": rows, "version": version});
        self.json("stock-levels", sku, value)
    }

    pub fn audit(&self) -> Report {
        self.audit_with(Options::default())
    }

    pub fn audit_with(&self, options: Options) -> Report {
        let mut auditor = Auditor::new(Names::default(), options);
        self.each(|record| auditor.record(record));
        auditor.finish()
    }

    pub fn each(&self, mut f: impl FnMut(&Record)) {
        for entry in &self.entries {
            let value = entry.value.bytes();
            let headers: Vec<(&str, &[u8])> = entry.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
            f(&Record {
                topic: entry.topic,
                partition: entry.partition,
                offset: entry.offset,
                timestamp: entry.timestamp,
                key: entry.key.as_deref(),
                value: value.as_deref(),
                headers: &headers,
            });
        }
    }
}

/// The hash that the contract asks for.
pub fn hash_of(movement: &Value) -> String {
    let fields = ["previous", "sku", "location", "seq", "kind", "quantity", "on_hand", "reserved", "order_id", "at", "movement_id"];
    let fields = fields.map(|name| match &movement[name] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    });
    hex::encode(Sha256::digest(fields.join("\n")))
}

fn effect(kind: &str, units: i64) -> (i64, i64) {
    match kind {
        "received" | "returned" | "transferred_in" | "adjusted" => (units, 0),
        "damaged" | "transferred_out" => (-units, 0),
        "held" => (0, units),
        "released" | "expired" => (0, -units),
        "sold" => (-units, -units),
        _ => (0, 0),
    }
}

fn cause_json((topic, offset): Input) -> Value {
    json!({"topic": topic, "partition": 0, "offset": offset})
}

fn fill(value: &mut Value, name: &str, default: Value) {
    if value.get(name).is_none() {
        value[name] = default;
    }
}

/// `change`'s members put into `value`; null takes a member out.
fn merged(mut value: Value, change: Value) -> Value {
    if let (Value::Object(value), Value::Object(change)) = (&mut value, change) {
        for (name, member) in change {
            if member.is_null() {
                value.remove(&name);
            } else {
                value.insert(name, member);
            }
        }
    }
    value
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn number(value: &Value, name: &str) -> i64 {
    value[name].as_i64().unwrap_or_default()
}
