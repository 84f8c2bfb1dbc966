//! The kinds of bad input, one entry each: what is sent, and the reason that has to come back. Poison, as they are called: one
//! of them is enough to stop a careless consumer for good.

use serde_json::{Value, json};

use crate::{catalogue, fleet};

/// Names and values; a value may be null.
pub type Headers = Vec<(String, Option<Vec<u8>>)>;

/// One kind.
#[derive(Clone, Debug)]
pub struct Kind {
    pub name: String,
    /// By its default name.
    pub topic: &'static str,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Headers,
    pub timestamp: Option<i64>,
    /// The stable word.
    pub reason: &'static str,
    /// Headers and value of the record before it, under the same key, which is good; another key's if it does not matter.
    pub first: Option<(Headers, Vec<u8>)>,
}

impl Kind {
    fn key(mut self, key: Option<&[u8]>) -> Kind {
        self.key = key.map(Into::into);
        self
    }

    fn headers(mut self, headers: Headers) -> Kind {
        self.headers = headers;
        self
    }

    fn at(mut self, timestamp: i64) -> Kind {
        self.timestamp = Some(timestamp);
        self
    }
}

/// A record of that topic that nobody could object to, and something follows from.
pub fn good(topic: &str, key: &str) -> Vec<u8> {
    match topic {
        "orders" => json!({ "type": "place", "order_id": key, "lines": [{ "sku": "no such", "quantity": 1 }] }),
        "payments" => json!({ "payment_id": "P", "order_id": key, "status": "captured", "amount": 5, "currency": "EUR" }),
        "restocks" => json!({ "restock_id": "R", "sku": key, "quantity": 5, "kind": "received" }),
        "stock-counts" => json!({ "count_id": "K", "sku": key, "counted": 5 }),
        "products" => json!({ "type": "upsert", "sku": key, "price": 255, "currency": "EUR" }),
        "gps-pings" => json!({ "vehicle_id": key, "fix_time": "2026-03-01T10:00:00Z", "lat": 60.17, "lon": 24.94, "speed": 5 }),
        "dispatches" => json!({
            "type": "dispatch", "shipment_id": key, "vehicle_id": key, "depot": { "lat": 60.171, "lon": 24.941 },
            "stops": [{ "stop_id": "1", "order_id": "nobody's", "lat": 60.175, "lon": 24.95 }],
        }),
        "feedback" => json!({ "feedback_id": key, "about": "delivery", "id": key, "kind": "late", "rating": 5, "order_id": subject(key) }),
        other => panic!("{other} is no source"),
    }
    .to_string()
    .into_bytes()
}

/// The order that good feedback with this key is about. There are [`SUBJECTS`] of them, because an order takes a limited number
/// of notes.
fn subject(key: &str) -> String {
    format!("subject-{}", key.bytes().map(usize::from).sum::<usize>() % SUBJECTS)
}

const SUBJECTS: usize = 32;

/// Keys of the orders that have to be decided before good feedback comes.
pub fn subjects() -> impl Iterator<Item = String> {
    (0..SUBJECTS).map(|n| format!("subject-{n}"))
}

/// The field that repeats the key.
fn id_field(topic: &str) -> &'static str {
    match topic {
        "orders" | "payments" => "order_id",
        "restocks" | "stock-counts" | "products" => "sku",
        "gps-pings" | "dispatches" => "vehicle_id",
        "feedback" => "id",
        other => panic!("{other} is no source"),
    }
}

/// The key that goes with the values below.
pub const KEY: &str = "bad";

pub fn bytes(topic: &'static str, name: &str, reason: &'static str, value: impl Into<Vec<u8>>) -> Kind {
    Kind {
        name: format!("{topic}: {name}"),
        topic,
        key: Some(KEY.into()),
        value: Some(value.into()),
        headers: vec![],
        timestamp: None,
        reason,
        first: None,
    }
}

/// A good record of the topic with one field changed; `null` takes it out.
pub fn with(topic: &'static str, name: &str, reason: &'static str, field: &str, value: Value) -> Kind {
    let mut record: Value = serde_json::from_slice(&good(topic, KEY)).unwrap();
    if value.is_null() {
        drop(record.as_object_mut().unwrap().remove(field))
    } else {
        record[field] = value
    }
    bytes(topic, name, reason, record.to_string())
}

/// An order with these lines.
fn lines(name: &str, reason: &'static str, lines: Value) -> Kind {
    with("orders", name, reason, "lines", lines)
}

/// A good record of the topic with a piece of its text replaced, for what no JSON library would write.
pub fn text(topic: &'static str, name: &str, reason: &'static str, from: &str, to: &str) -> Kind {
    let record = String::from_utf8(good(topic, KEY)).unwrap();
    assert!(record.contains(from), "{record} has no {from}");
    bytes(topic, name, reason, record.replace(from, to))
}

/// All of them. `now`: milliseconds since the epoch.
pub fn kinds(now: i64) -> Vec<Kind> {
    [
        broken_bytes(),
        broken_json(),
        wrong_fields(),
        wrong_numbers(),
        wrong_orders(),
        wrong_keys(),
        headers(),
        times(now),
        fleet::pings(now),
        fleet::dispatches(),
        catalogue::products(),
        catalogue::feedback(),
    ]
    .concat()
}

const TOPICS: [&str; 8] = ["orders", "payments", "restocks", "stock-counts", "products", "gps-pings", "dispatches", "feedback"];

fn broken_bytes() -> Vec<Kind> {
    let mut all = vec![];
    for topic in TOPICS {
        let whole = good(topic, KEY);
        for (name, end) in
            [("cut in the middle", whole.len() / 2), ("cut before the last brace", whole.len() - 1), ("cut after the first byte", 1)]
        {
            all.push(bytes(topic, name, "invalid_json", &whole[..end]));
        }
        let quote = whole.iter().position(|b| *b == b'"').unwrap();
        all.push(bytes(topic, "cut inside a name", "invalid_json", &whole[..quote + 3]));
        all.push(Kind { value: None, ..bytes(topic, "no value", "missing_value", "") });
        all.push(bytes(topic, "an empty value", "missing_value", ""));
        all.push(bytes(topic, "bad UTF-8 at the start", "invalid_utf8", [b"\xff\xfe", &whole[..]].concat()));
        let middle = whole.len() / 2;
        all.push(bytes(topic, "bad UTF-8 inside", "invalid_utf8", [&whole[..middle], b"\xc3\x28", &whole[middle..]].concat()));
        all.push(bytes(topic, "a megabyte and one", "too_large", padded(&whole, (1 << 20) + 1)));
        all.push(bytes(topic, "two megabytes of nothing", "too_large", vec![b' '; 2 << 20]));
        if topic == "orders" {
            // More than any buffer on the way that has a limit.
            all.push(bytes(topic, "ten megabytes of nothing", "too_large", vec![b' '; 10 << 20]));
        }
    }
    all.push(bytes("orders", "an overlong encoding", "invalid_utf8", [b"{\"type\":\"\xc0\xaf\"}".as_slice()].concat()));
    all.push(bytes("orders", "half a surrogate pair as UTF-8", "invalid_utf8", b"{\"type\":\"\xed\xa0\x80\"}".as_slice()));
    all.push(bytes("orders", "zeros", "invalid_json", vec![0; 64]));
    all.push(bytes("orders", "gzip", "invalid_utf8", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3].as_slice()));
    all.push(bytes("orders", "Confluent's Avro framing", "invalid_json", [0, 0, 0, 0, 1, 6, b'b', b'a', b'd'].as_slice()));
    all.push(bytes("orders", "a byte order mark", "invalid_json", ["\u{feff}".as_bytes(), &good("orders", KEY)].concat()));
    all
}

/// The record with spaces at its end: well formed, but for its size.
fn padded(record: &[u8], size: usize) -> Vec<u8> {
    let mut record = record.to_vec();
    record.resize(size, b' ');
    record
}

fn broken_json() -> Vec<Kind> {
    let mut all = vec![];
    for topic in TOPICS {
        let whole = good(topic, KEY);
        all.push(bytes(topic, "two records in one", "invalid_json", [&whole[..], &whole[..]].concat()));
        all.push(bytes(topic, "a brace too many", "invalid_json", [&whole[..], b"}"].concat()));
        all.push(bytes(topic, "an array around it", "invalid_value", [b"[", &whole[..], b"]"].concat()));
        all.push(bytes(topic, "null", "invalid_value", "null"));
        all.push(bytes(topic, "a number", "invalid_value", "17"));
        all.push(bytes(topic, "a string", "invalid_value", "\"place\""));
        all.push(bytes(topic, "words", "invalid_json", "hello, world"));
        all.push(bytes(topic, "an empty object", "missing_field", "{}"));
        let deep = format!("{{\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        // What is in an unknown field is passed over, however deep; only then are the others found missing.
        all.push(bytes(topic, "a depth bomb of arrays", "missing_field", deep));
        all.push(with(topic, "a depth bomb for an id", "invalid_value", id_field(topic), bomb()));
    }
    for (topic, value) in [
        ("orders", r#"["place","bad",null,null,null,[{"sku":"no such","quantity":1}],null,null,null,null,null]"#),
        ("payments", r#"["P","bad","captured",5,"EUR"]"#),
        ("restocks", r#"["R","bad",null,5,"received",null,null]"#),
        ("stock-counts", r#"["K","bad",null,5,null]"#),
        ("products", r#"["upsert","bad",null,null,255,"EUR",null,null,null,null,null,null,null]"#),
        ("gps-pings", r#"["bad","2026-03-01T10:00:00Z",60.17,24.94,null,null,null]"#),
        ("dispatches", r#"["recall","bad","bad",null,null,null,null,null]"#),
        ("feedback", r#"["bad","delivery","bad","late",5,null,"subject-1",null]"#),
    ] {
        all.push(bytes(topic, "the fields in an array", "invalid_value", value));
    }
    let deep = format!("{}1{}", "{\"x\":".repeat(50_000), "}".repeat(50_000));
    all.push(bytes("orders", "a depth bomb of objects", "missing_field", deep));
    all.push(with("orders", "a depth bomb for the lines", "invalid_value", "lines", bomb()));
    all.push(bytes("orders", "a depth bomb that never ends", "invalid_json", "{\"x\":".repeat(100_000)));
    all.push(text("orders", "single quotes", "invalid_json", "\"", "'"));
    all.push(text("orders", "a trailing comma", "invalid_json", "}]", "},]"));
    all.push(text("orders", "a comment", "invalid_json", "{", "{/* now */"));
    all.push(text("payments", "a field twice", "invalid_value", "\"amount\":5", "\"amount\":5,\"amount\":6"));
    all.push(text("orders", "an id twice", "invalid_value", "\"order_id\":\"bad\"", "\"order_id\":\"bad\",\"order_id\":\"worse\""));
    all.push(text("orders", "half a surrogate pair", "invalid_json", "\"no such\"", "\"\\ud800\""));
    all.push(text("orders", "an unknown escape", "invalid_json", "\"no such\"", "\"\\x41\""));
    all.push(text("orders", "a line feed in a string", "invalid_json", "no such", "no\nsuch"));
    all
}

/// As deep as serde_json itself will write.
fn bomb() -> Value {
    (0..120).fold(json!([]), |inner, _| json!([inner]))
}

fn wrong_fields() -> Vec<Kind> {
    let mut all = vec![];
    for (topic, required) in [
        ("orders", ["type", "order_id", "lines"].as_slice()),
        ("payments", &["payment_id", "order_id", "status", "amount", "currency"]),
        ("restocks", &["restock_id", "sku", "quantity", "kind"]),
        ("stock-counts", &["count_id", "sku", "counted"]),
        ("products", &["type", "sku", "currency"]),
        ("gps-pings", &["vehicle_id", "fix_time", "lat", "lon"]),
        ("dispatches", &["type", "shipment_id", "vehicle_id", "depot", "stops"]),
        ("feedback", &["feedback_id", "about", "id", "kind", "order_id"]),
    ] {
        let id = id_field(topic);
        for field in required {
            all.push(with(topic, &format!("no {field}"), "missing_field", field, Value::Null));
        }
        all.push(with(topic, "a number for an id", "invalid_value", id, json!(17)));
        all.push(with(topic, "an object for an id", "invalid_value", id, json!({ "id": KEY })));
        all.push(with(topic, "an empty id", "invalid_value", id, json!("")));
        all.push(with(topic, "an id of a thousand characters", "invalid_value", id, json!("x".repeat(1000))));
        all.push(with(topic, "a line feed in an id", "invalid_value", id, json!("bad\n")));
        all.push(with(topic, "a zero in an id", "invalid_value", id, json!("bad\0")));
        all.push(with(topic, "another id than the key", "key_mismatch", id, json!("another")));
    }
    for (topic, field) in [
        ("orders", "type"),
        ("payments", "status"),
        ("restocks", "kind"),
        ("products", "type"),
        ("dispatches", "type"),
        ("feedback", "about"),
    ] {
        all.push(with(topic, &format!("an unknown {field}"), "unknown_type", field, json!("teleport")));
        all.push(with(topic, &format!("a {field} that is a list"), "invalid_value", field, json!(["place"])));
    }
    all.push(bytes("orders", "null for the lines", "missing_field", r#"{"type":"place","order_id":"bad","lines":null}"#));
    all.push(with("restocks", "a transfer to nowhere", "missing_field", "kind", json!("transfer")));
    all.push(with("restocks", "an expected time that is none", "invalid_value", "expected_at", json!("next week")));
    all.push(with("payments", "a currency in small letters", "invalid_value", "currency", json!("eur")));
    all.push(with("payments", "a currency of four letters", "invalid_value", "currency", json!("EURO")));
    all.push(with("stock-counts", "a time that is none", "invalid_value", "counted_at", json!("2010-13-45T99:00:00Z")));
    all
}

fn wrong_numbers() -> Vec<Kind> {
    let mut all = vec![];
    for (topic, field, good) in [
        ("orders", "quantity", "1"),
        ("payments", "amount", "5"),
        ("restocks", "quantity", "5"),
        ("stock-counts", "counted", "5"),
        ("products", "price", "255"),
        ("feedback", "rating", "5"),
    ] {
        let from = format!("\"{field}\":{good}");
        let to = |value: &str| format!("\"{field}\":{value}");
        for (name, reason, value) in [
            ("negative", "value_out_of_range", "-1"),
            ("more than the most", "value_out_of_range", "9000000000000000000"),
            ("beyond 64 bits", "invalid_value", "99999999999999999999"),
            ("a fraction", "invalid_value", "1.5"),
            ("a whole number with a point", "invalid_value", "1.0"),
            ("with an exponent", "invalid_value", "1e3"),
            ("infinite by its exponent", "invalid_json", "1e999"),
            ("NaN", "invalid_json", "NaN"),
            ("Infinity", "invalid_json", "Infinity"),
            ("in hexadecimal", "invalid_json", "0x10"),
            ("with a leading zero", "invalid_json", "01"),
            ("as text", "invalid_value", "\"5\""),
            ("true", "invalid_value", "true"),
        ] {
            all.push(text(topic, &format!("a {field} that is {name}"), reason, &from, &to(value)));
        }
    }
    for (topic, field, good) in [("orders", "quantity", "1"), ("restocks", "quantity", "5")] {
        let (from, to) = (format!("\"{field}\":{good}"), format!("\"{field}\":0"));
        all.push(text(topic, "nothing of it", "value_out_of_range", &from, &to));
    }
    all
}

fn wrong_orders() -> Vec<Kind> {
    let line = |quantity: i64| json!({ "sku": "A", "quantity": quantity });
    let many = |n: usize| Value::Array(vec![line(1); n]);
    let mut all = vec![
        lines("no line", "value_out_of_range", json!([])),
        lines("1,001 lines", "too_many_lines", many(1_001)),
        lines("20,000 lines", "too_many_lines", many(20_000)),
        lines("a line that is null", "invalid_value", json!([null])),
        lines("a line that is an array", "invalid_value", json!([[1, "no such", 1, null]])),
        lines("a line that is text", "invalid_value", json!(["A"])),
        lines("lines that are an object", "invalid_value", line(1)),
        lines("a line without SKU", "missing_field", json!([{ "quantity": 1 }])),
        lines("a line without quantity", "missing_field", json!([{ "sku": "A" }])),
        lines("the second of two lines negative", "value_out_of_range", json!([line(1), line(-2)])),
        lines("a negative price", "value_out_of_range", json!([{ "sku": "A", "quantity": 1, "unit_price": -1 }])),
        lines(
            "a price of more than all money",
            "value_out_of_range",
            json!([{ "sku": "A", "quantity": 1_000_000_000, "unit_price": 1_000_000_000_000_000_i64 }]),
        ),
        with("orders", "a hold of no time", "value_out_of_range", "hold_seconds", json!(0)),
        with("orders", "a hold of a century", "value_out_of_range", "hold_seconds", json!(3_000_000_000_i64)),
        with("orders", "north of the pole", "value_out_of_range", "ship_to", json!({ "lat": 91, "lon": 0 })),
        with("orders", "a position in an array", "invalid_value", "ship_to", json!([1, 1])),
        with("orders", "half a position", "missing_field", "ship_to", json!({ "lat": 1 })),
        with("orders", "a placing time that is none", "invalid_value", "placed_at", json!("yesterday")),
    ];
    // What is well formed and cannot be done is a dead letter as well.
    for (name, reason, value) in [
        ("a shipment of an order that was never placed", "unknown_order", json!({ "type": "ship", "order_id": "nobody" })),
        ("a delivery of an order that was never placed", "unknown_order", json!({ "type": "deliver", "order_id": "nobody" })),
        ("a return of an order that was never placed", "unknown_order", json!({ "type": "return", "order_id": "nobody", "restock": true })),
    ] {
        all.push(bytes("orders", name, reason, value.to_string()).key(Some(b"nobody")));
    }
    let damage = json!({ "restock_id": "R", "sku": "nothing", "quantity": 5, "kind": "damaged" });
    all.push(bytes("restocks", "more damaged than there is", "exceeds_on_hand", damage.to_string()).key(Some(b"nothing")));
    all
}

fn wrong_keys() -> Vec<Kind> {
    let mut all = vec![];
    for topic in TOPICS {
        let record = |name: &str, reason| bytes(topic, name, reason, good(topic, KEY));
        all.push(record("no key", "missing_key").key(None));
        all.push(record("an empty key", "invalid_key").key(Some(b"")));
        all.push(record("a key that is not UTF-8", "invalid_key").key(Some(b"\xff\xfe\x00bad")));
        all.push(record("a key of 257 bytes", "invalid_key").key(Some(&[b'k'; 257])));
        all.push(record("a key of 100,000 bytes", "invalid_key").key(Some(&[b'k'; 100_000])));
        all.push(record("a zero in the key", "invalid_key").key(Some(b"bad\0")));
        all.push(record("another key than the id", "key_mismatch").key(Some(b"another")));
    }
    all.push(bytes("orders", "neither key nor value", "missing_key", "").key(None));
    all.last_mut().unwrap().value = None;
    all
}

fn headers() -> Vec<Kind> {
    let small = |n: usize| (0..n).map(|i| (format!("h{i}"), Some(b"v".to_vec()))).collect::<Vec<_>>();
    let record = |name: &str, reason| bytes("orders", name, reason, good("orders", KEY));
    // Bad for another reason, so that each of these headers has to come through a dead letter unharmed.
    let cut = |name: &str| bytes("payments", name, "invalid_json", "{");
    vec![
        record("129 headers", "too_many_headers").headers(small(129)),
        record("10,000 headers", "too_many_headers").headers(small(10_000)),
        record("a header of 100,000 bytes", "too_many_headers").headers(vec![("big".into(), Some(vec![b'x'; 100_000]))]),
        record("a header name of 70,000 bytes", "too_many_headers").headers(vec![("n".repeat(70_000), None)]),
        cut("headers with null, empty and binary values").headers(vec![
            ("null".into(), None),
            ("empty".into(), Some(vec![])),
            ("binary".into(), Some(vec![0, 255, 254])),
            ("null".into(), Some(b"again".to_vec())),
            (String::new(), Some(b"no name".to_vec())),
        ]),
        cut("headers that pretend to be a dead letter's")
            .headers(vec![("waybill.error.reason".into(), Some(b"none".to_vec())), ("waybill.source.offset".into(), Some(b"-1".to_vec()))]),
        cut("a trace context that is none").headers(vec![("traceparent".into(), Some(vec![0xff; 55]))]),
    ]
}

fn times(now: i64) -> Vec<Kind> {
    let mut all = vec![];
    for topic in TOPICS {
        let record = |name: &str, at| bytes(topic, name, "timestamp_in_future", good(topic, KEY)).at(at);
        all.push(record("a record of two hours ahead", now + 2 * 3_600_000));
        all.push(record("a record of a hundred years ahead", now + 100 * 365 * 86_400_000));
    }
    all.push(bytes("orders", "cut, and of the first millisecond of 1970", "invalid_json", "{").at(1));
    all
}
