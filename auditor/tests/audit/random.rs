//! Whatever bytes stand in whatever topic, the auditor ends with a report. Says nothing of what is in it.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use waybill_auditor::{Auditor, Names, Options, Record};

use crate::history::whole::whole;
use crate::history::{Body, History};

fn topic() -> impl Strategy<Value = String> {
    let topics: Vec<String> = Names::default().topics().iter().map(|name| (*name).to_owned()).collect();
    proptest::sample::select(topics)
}

/// Figures at every edge there is.
fn figure() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-3_i64..6).prop_map(|n| json!(n)),
        any::<i64>().prop_map(|n| json!(n)),
        any::<u64>().prop_map(|n| json!(n)),
        any::<f64>().prop_map(|n| json!(n)),
        proptest::sample::select(vec![i64::MIN, i64::MAX, 1 << 52, -(1 << 52), i64::from(u32::MAX)]).prop_map(|n| json!(n)),
        Just(json!(u64::MAX)),
    ]
}

fn word() -> impl Strategy<Value = Value> {
    let words = [
        "A",
        "B",
        "main",
        "place",
        "cancel",
        "ship",
        "return",
        "captured",
        "received",
        "transfer",
        "upsert",
        "withdraw",
        "dispatch",
        "delivered",
        "failed",
        "recall",
        "accepted",
        "rejected",
        "paid",
        "shipped",
        "held",
        "sold",
        "released",
        "counted",
        "adjusted",
        "updated",
        "refused",
        "raised",
        "resolved",
        "planned",
        "arrived",
        "left",
        "completed",
        "silent",
        "duplicate",
        "order",
        "product",
        "withdrawn_sku",
        "orders",
        "gps-pings",
        "dispatches",
        "2010-12-01T08:26:00.000Z",
        "-009999-01-01T00:00:00Z",
        "\u{fb01}\u{130}",
        "",
    ];
    prop_oneof![9 => proptest::sample::select(words.to_vec()).prop_map(|w| json!(w)), 1 => ".*".prop_map(|w| json!(w))]
}

/// Headers as the engine writes them, and others.
type Headers = Vec<(String, Vec<u8>)>;

fn headers() -> impl Strategy<Value = Headers> {
    let names = ["ce_id", "ce_type", "waybill.error.reason", "waybill.source.topic", "waybill.source.partition", "waybill.source.offset"];
    let value = prop_oneof![
        proptest::sample::select(vec!["orders", "gps-pings", "0", "1", "-1", "99999999999999999999", "conflicting_duplicate"])
            .prop_map(|text| text.as_bytes().to_vec()),
        vec(any::<u8>(), 0..8),
    ];
    vec((proptest::sample::select(names.to_vec()).prop_map(str::to_owned), value), 0..8)
}

fn offset() -> impl Strategy<Value = i64> {
    prop_oneof![9 => 0_i64..40, 1 => any::<i64>()]
}

fn audit(h: &History, options: Options) {
    let report = h.audit_with(options);
    assert!(!report.to_string().is_empty());
}

fn options() -> impl Strategy<Value = Options> {
    (any::<bool>(), any::<bool>(), prop_oneof![Just(10_000), any::<i64>()], any::<u32>(), 0_usize..3).prop_map(
        |(complete, levels_final, in_flight_ms, most_metres_per_second, keep)| Options {
            complete,
            levels_final,
            in_flight_ms,
            most_metres_per_second,
            keep,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_in_any_topic(
        records in vec((topic(), any::<i32>(), any::<i64>(), any::<i64>(), any::<Option<Vec<u8>>>(), any::<Option<Vec<u8>>>(), headers()), 0..30),
        options in options(),
    ) {
        let mut auditor = Auditor::new(Names::default(), options);
        for (topic, partition, offset, timestamp, key, value, headers) in &records {
            let headers: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
            auditor.record(&Record {
                topic,
                partition: *partition,
                offset: *offset,
                timestamp: *timestamp,
                key: key.as_deref(),
                value: value.as_deref(),
                headers: &headers,
            });
        }
        prop_assert!(!auditor.finish().to_string().is_empty());
    }

    /// Members of real records, with other figures and words in them: deep into every check.
    #[test]
    fn real_records_with_other_members(
        changes in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), prop_oneof![figure(), word()]), 1..60),
        moves in vec((any::<prop::sample::Index>(), 0_i32..2, offset(), any::<i64>()), 0..4),
        options in options(),
    ) {
        let mut h = whole().seal();
        for (record, member, put) in changes {
            let entry = record.index(h.entries.len());
            if let Body::Json(value) = &mut h.entries[entry].value {
                spoil(value, member, put);
            }
        }
        for (record, partition, offset, timestamp) in moves {
            let entry = record.index(h.entries.len());
            let entry = &mut h.entries[entry];
            (entry.partition, entry.offset, entry.timestamp) = (partition, offset, timestamp);
        }
        audit(&h, options);
    }

    /// Bits of real records flipped, and records cut off.
    #[test]
    fn real_records_with_other_bytes(
        changes in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..40),
        options in options(),
    ) {
        let mut h = whole().seal();
        for (record, place, byte, cut) in changes {
            let entry = record.index(h.entries.len());
            let Some(mut bytes) = h.entries[entry].value.bytes().filter(|bytes| !bytes.is_empty()) else { continue };
            let place = place.index(bytes.len());
            bytes[place] ^= byte;
            bytes.truncate(if cut { place } else { bytes.len() });
            h.entries[entry].value = Body::Bytes(Some(bytes));
        }
        audit(&h, options);
    }
}

/// Puts a value somewhere into another.
fn spoil(value: &mut Value, member: prop::sample::Index, put: Value) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            let place = member.index(members.len());
            if let Some((_, inner)) = members.iter_mut().nth(place) {
                if inner.is_object() || inner.is_array() { spoil(inner, member, put) } else { *inner = put }
            }
        }
        Value::Array(list) if !list.is_empty() => {
            let place = member.index(list.len());
            spoil(&mut list[place], member, put);
        }
        other => *other = put,
    }
}

/// So many of the largest figures that sums of them do not fit into 64 bits.
#[test]
fn more_than_can_be_added_up() {
    let most = 1_i64 << 52;
    let mut h = History::default();
    let rows: Vec<Value> =
        (0..3_000).map(|n| json!({"location": n.to_string(), "on_hand": most, "reserved": most, "available": 0})).collect();
    h.json("stock-levels", "A", json!({"sku": "A", "on_hand": 0, "reserved": 0, "available": 0, "locations": rows, "version": 1}));
    let place = h.place("1", &[("A", 1)]);
    let lines: Vec<(&str, i64, &str)> = (0..3_000).map(|n| (if n % 2 == 0 { "A" } else { "B" }, most, "main")).collect();
    h.event_lines("1", "accepted", place, &lines);
    h.event_lines("1", "shipped", place, &lines);
    for _ in 0..3_000 {
        h.order_moved("1", "held", ("A", most, "main"), place);
    }
    for entry in h.entries.iter_mut().filter(|e| e.topic == "stock-movements") {
        if let Body::Json(value) = &mut entry.value {
            (value["on_hand"], value["reserved"]) = (json!(most), json!(most));
        }
    }
    audit(&h.seal(), Options::default());
}
