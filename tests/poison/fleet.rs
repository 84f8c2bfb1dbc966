//! What is wrong with pings and dispatches in particular: places that are none, times that are none, areas that cross
//! themselves. What any record may suffer is in `kinds.rs`.

use serde_json::{Value, json};

use crate::kinds::{KEY, Kind, bytes, good, text, with};

/// `now`: milliseconds since the epoch.
pub fn pings(now: i64) -> Vec<Kind> {
    let ping = |name: &str, reason, fields: Value| changed("gps-pings", name, reason, &fields);
    let mut all = vec![
        ping("latitude and longitude swapped", "value_out_of_range", json!({ "lat": 139.69, "lon": 35.68 })),
        ping("micro-degrees", "value_out_of_range", json!({ "lat": 60_170_000, "lon": 24_940_000 })),
        ping("ten-millionths of degrees", "value_out_of_range", json!({ "lat": 601_700_000, "lon": 249_400_000 })),
        ping("400 degrees north", "value_out_of_range", json!({ "lat": 400 })),
        ping("400 degrees east", "value_out_of_range", json!({ "lon": 400 })),
        ping("a little south of the pole", "value_out_of_range", json!({ "lat": -90.000_001 })),
        ping("the largest number there is", "value_out_of_range", json!({ "lon": f64::MAX })),
        ping("degrees as text", "invalid_value", json!({ "lat": "60.17" })),
        ping("degrees and minutes", "invalid_value", json!({ "lat": "60°10'N" })),
        ping("degrees in an array", "invalid_value", json!({ "lat": [60.17, 24.94] })),
        ping("a time of 1970", "value_out_of_range", json!({ "fix_time": "1970-01-01T00:00:00Z" })),
        ping("time 0", "value_out_of_range", json!({ "fix_time": 0 })),
        ping("a time before 1970", "value_out_of_range", json!({ "fix_time": -1 })),
        ping("seconds for milliseconds", "value_out_of_range", json!({ "fix_time": now / 1000 })),
        ping("microseconds for milliseconds", "timestamp_in_future", json!({ "fix_time": now * 1000 })),
        ping("a fix of two hours ahead", "timestamp_in_future", json!({ "fix_time": now + 2 * 3_600_000 })),
        ping("a time in words", "invalid_value", json!({ "fix_time": "now" })),
        ping("a time without a zone", "invalid_value", json!({ "fix_time": "2026-03-01T10:00:00" })),
        ping("a day that there is not", "invalid_value", json!({ "fix_time": "2026-02-30T10:00:00Z" })),
        ping("a time with a fraction", "invalid_value", json!({ "fix_time": 1_772_359_200_000.5 })),
        ping("backwards", "value_out_of_range", json!({ "speed": -1 })),
        ping("faster than any vehicle", "value_out_of_range", json!({ "speed": 401 })),
        ping("a heading of 361 degrees", "value_out_of_range", json!({ "heading": 361 })),
        ping("a negative heading", "value_out_of_range", json!({ "heading": -90 })),
        ping("a negative accuracy", "value_out_of_range", json!({ "accuracy": -5 })),
        ping("an accuracy of more than the earth", "value_out_of_range", json!({ "accuracy": 1e9 })),
    ];
    for (name, number) in [("NaN", "NaN"), ("nan", "nan"), ("Infinity", "Infinity"), ("minus infinity", "-Infinity"), ("1e999", "1e999")] {
        all.push(text("gps-pings", &format!("a latitude of {name}"), "invalid_json", "\"lat\":60.17", &format!("\"lat\":{number}")));
        all.push(text("gps-pings", &format!("a speed of {name}"), "invalid_json", "\"speed\":5", &format!("\"speed\":{number}")));
    }
    all.push(text("gps-pings", "a decimal comma", "invalid_json", "60.17", "60,17"));
    all.push(text("gps-pings", "a latitude twice", "invalid_value", "\"lat\":60.17", "\"lat\":60.17,\"lat\":61.17"));
    all
}

pub fn dispatches() -> Vec<Kind> {
    let dispatch = |name: &str, reason, fields: Value| changed("dispatches", name, reason, &fields);
    let stop = |name: &str, reason, fields: Value| with("dispatches", name, reason, "stops", json!([one_stop(&fields)]));
    let area = |name: &str, reason, corners: Value| stop(name, reason, json!({ "polygon": corners }));
    let ring = |corners: usize| -> Value { (0..corners).map(|n| on_circle(n, corners)).collect() };
    let many = |n: usize| -> Value { (0..n).map(|i| one_stop(&json!({ "stop_id": i.to_string() }))).collect() };
    let fenced: Value = (0..33).map(|i| one_stop(&json!({ "stop_id": i.to_string(), "polygon": ring(64) }))).collect();
    let mut all = vec![
        dispatch("no stop", "value_out_of_range", json!({ "stops": [] })),
        dispatch("201 stops", "too_many_stops", json!({ "stops": many(201) })),
        dispatch("5,000 stops", "too_many_stops", json!({ "stops": many(5_000) })),
        dispatch("a stop twice", "invalid_value", json!({ "stops": [one_stop(&json!({})), one_stop(&json!({ "order_id": "another" }))] })),
        dispatch("a stop that is null", "invalid_value", json!({ "stops": [null] })),
        dispatch("a stop in an array", "invalid_value", json!({ "stops": [["1", "nobody's", 60.1, 24.9]] })),
        dispatch("stops that are an object", "invalid_value", json!({ "stops": one_stop(&json!({})) })),
        dispatch("a depot in an array", "invalid_value", json!({ "depot": [60.171, 24.941] })),
        dispatch("half a depot", "missing_field", json!({ "depot": { "lat": 60.171 } })),
        dispatch("a depot swapped", "value_out_of_range", json!({ "depot": { "lat": 139.69, "lon": 35.68 } })),
        dispatch("a depot of micro-degrees", "value_out_of_range", json!({ "depot": { "lat": 60_171_000, "lon": 24_941_000 } })),
        dispatch("a depot as wide as a country", "value_out_of_range", json!({ "depot": { "lat": 60.1, "lon": 24.9, "radius": 500_000 } })),
        dispatch("optimise as text", "invalid_value", json!({ "optimise": "yes" })),
        dispatch("polygons of 2,112 corners together", "too_many_vertices", json!({ "stops": fenced })),
        stop("a stop swapped", "value_out_of_range", json!({ "lat": 139.69, "lon": 35.68 })),
        stop("a stop at 400 degrees", "value_out_of_range", json!({ "lon": 400 })),
        stop("a stop of micro-degrees", "value_out_of_range", json!({ "lat": 60_175_000, "lon": 24_950_000 })),
        stop("a stop without its order", "missing_field", json!({ "order_id": null })),
        stop("a stop without its id", "missing_field", json!({ "stop_id": null })),
        stop("a stop without a place", "missing_field", json!({ "lat": null })),
        stop("a radius of a hand", "value_out_of_range", json!({ "radius": 0 })),
        stop("a negative radius", "value_out_of_range", json!({ "radius": -80 })),
        stop("a radius and a polygon", "invalid_value", json!({ "radius": 80, "polygon": ring(4) })),
        stop("a negative service", "value_out_of_range", json!({ "service_seconds": -1 })),
        stop("a service of a week", "value_out_of_range", json!({ "service_seconds": 604_800 })),
        stop("a window without an end", "missing_field", json!({ "window": { "from": "2026-03-01T10:00:00Z" } })),
        stop(
            "a window that ends before it begins",
            "invalid_value",
            json!({ "window": { "from": "2026-03-01T12:00:00Z", "to": "2026-03-01T10:00:00Z" } }),
        ),
        stop("a window in words", "invalid_value", json!({ "window": { "from": "morning", "to": "noon" } })),
        area("a polygon that crosses itself", "invalid_polygon", json!([[60.1, 24.1], [60.2, 24.2], [60.1, 24.2], [60.2, 24.1]])),
        area("a polygon that folds back", "invalid_polygon", json!([[60.1, 24.1], [60.1, 24.2], [60.1, 24.1], [60.2, 24.1]])),
        area("a polygon of two corners", "invalid_polygon", json!([[60.1, 24.1], [60.2, 24.2]])),
        area("a polygon of one place three times", "invalid_polygon", json!([[60.1, 24.1], [60.1, 24.1], [60.1, 24.1]])),
        area("a polygon on one line", "invalid_polygon", json!([[60.1, 24.1], [60.2, 24.2], [60.3, 24.3]])),
        area("a polygon over half the earth", "invalid_polygon", json!([[-60, -100], [-60, 100], [60, 100]])),
        area("a polygon of no corner", "invalid_polygon", json!([])),
        area("a polygon of 66 corners", "too_many_vertices", ring(66)),
        area("a polygon swapped", "value_out_of_range", json!([[139.1, 35.1], [139.2, 35.2], [139.1, 35.2]])),
        area("a corner of three numbers", "invalid_value", json!([[60.1, 24.1, 0], [60.2, 24.2, 0], [60.1, 24.2, 0]])),
        area("a corner of one number", "invalid_value", json!([[60.1], [60.2], [60.1]])),
        area("a polygon in GeoJSON", "invalid_value", json!({ "type": "Polygon", "coordinates": [ring(4)] })),
        text("dispatches", "a latitude of NaN", "invalid_json", "60.175", "NaN"),
        text("dispatches", "an infinite longitude", "invalid_json", "24.95", "1e999"),
    ];
    // Well formed, and of a shipment that nobody dispatched.
    for kind in ["delivered", "failed", "recall"] {
        let value = json!({ "type": kind, "shipment_id": "S", "vehicle_id": KEY, "stop_id": "1" });
        all.push(bytes("dispatches", &format!("{kind}, and never dispatched"), "unknown_shipment", value.to_string()));
        if kind != "recall" {
            let value = json!({ "type": kind, "shipment_id": "S", "vehicle_id": KEY });
            all.push(bytes("dispatches", &format!("{kind}, but not where"), "missing_field", value.to_string()));
        }
    }
    all
}

/// A good record of the topic with these fields instead of its own.
fn changed(topic: &'static str, name: &str, reason: &'static str, fields: &Value) -> Kind {
    let mut record: Value = serde_json::from_slice(&good(topic, KEY)).unwrap();
    overlay(&mut record, fields);
    bytes(topic, name, reason, record.to_string())
}

/// A good stop with these fields instead of its own; null takes one out.
fn one_stop(fields: &Value) -> Value {
    let mut stop = json!({ "stop_id": "1", "order_id": "nobody's", "lat": 60.175, "lon": 24.95 });
    overlay(&mut stop, fields);
    stop
}

fn overlay(record: &mut Value, fields: &Value) {
    for (field, value) in fields.as_object().unwrap() {
        record[field] = value.clone();
    }
}

/// One of so many corners around a place.
fn on_circle(corner: usize, of: usize) -> Value {
    let angle = std::f64::consts::TAU * corner as f64 / of as f64;
    json!([60.175 + 0.01 * angle.sin(), 24.95 + 0.01 * angle.cos()])
}
