//! The catalogue and feedback through the engine on the in-memory log, with one worker and with several: a SKU in one
//! form from the record's key to the query, and each feedback once at the part that it is about.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use support::system::{System, shapes};
use waybill::engine::Subject;

impl System {
    fn product(&self, key: &str, value: &Value) {
        self.send("products", key, &value.to_string());
    }

    fn feedback(&self, key: &str, value: &Value) {
        self.send("feedback", key, &value.to_string());
    }

    /// Types of a SKU's product events.
    fn products(&self, sku: &str) -> Vec<String> {
        let mut events: Vec<_> = self.values("product-events").into_iter().filter(|event| event["sku"] == sku).collect();
        events.sort_by_key(|event| event["seq"].as_u64());
        let seqs: Vec<_> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
        assert_eq!(seqs, (1..=events.len() as u64).collect::<Vec<_>>(), "{events:?}");
        events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn a_sku_is_one_however_it_is_written() {
    for (shape, workers) in shapes() {
        let mut system = System::new(shape, workers);
        system.settle();
        let context = format!("{shape:?} with {workers} workers");
        // Each form of the key is in another partition of a topic with several.
        for (number, key) in ["15056bl", "15056BL", " 15056Bl", "１５０５６ｂｌ"].into_iter().enumerate() {
            system.send(
                "restocks",
                key,
                &json!({"restock_id": format!("R-{number}"), "sku": key, "quantity": 10, "kind": "received"}).to_string(),
            );
            system.product(key, &json!({"type": "upsert", "sku": key, "price": 100 + number, "currency": "GBP"}));
        }
        system.settle();
        system.send("orders", "1", &json!({"type": "place", "order_id": "1", "lines": [{"sku": "15056bL", "quantity": 40}]}).to_string());
        system.settle();
        assert_eq!(system.orders()["1"], ["accepted"], "{context}");
        let levels = system.values("stock-levels");
        assert!(levels.iter().all(|level| level["sku"] == "15056BL"), "{context}: {levels:?}");
        assert_eq!((&levels.last().unwrap()["on_hand"], &levels.last().unwrap()["reserved"]), (&json!(40), &json!(40)), "{context}");
        assert_eq!(system.products("15056BL"), ["updated"; 4], "{context}");
        let rows = system.records("product-catalog");
        assert!(rows.iter().all(|row| row.key() == Some(b"15056BL")), "{context}");
        assert_eq!(system.values("product-catalog").last().unwrap()["version"], 4, "{context}");
        assert!(system.values("dead-letters").is_empty(), "{context}");
    }
}

#[test]
fn a_product_is_withdrawn_and_no_order_has_it() {
    for (shape, workers) in shapes() {
        let mut system = System::new(shape, workers);
        system.settle();
        let context = format!("{shape:?} with {workers} workers");
        for sku in ["A", "B", "C", "D"] {
            system.send("restocks", sku, &json!({"restock_id": "R", "sku": sku, "quantity": 10, "kind": "received"}).to_string());
            system.product(sku, &json!({"type": "upsert", "sku": sku, "name": "Heart", "price": 255, "currency": "GBP"}));
        }
        system.settle();
        let place = |system: &System, id: &str| {
            let lines: Vec<_> = ["A", "B", "C", "D"].map(|sku| json!({"sku": sku, "quantity": 1, "unit_price": 255})).into();
            system.send("orders", id, &json!({"type": "place", "order_id": id, "currency": "GBP", "lines": lines}).to_string());
        };
        place(&system, "1");
        system.settle();
        system.product("C", &json!({"type": "withdraw", "sku": "C", "reason": "recall"}));
        system.settle();
        place(&system, "2");
        system.settle();
        let two = system.values("order-events").into_iter().find(|event| event["order_id"] == "2").unwrap();
        assert_eq!((&two["type"], &two["reason"], &two["sku"]), (&json!("rejected"), &json!("withdrawn_sku"), &json!("C")), "{context}");
        assert_eq!(system.orders()["1"], ["accepted"], "{context}");
        let row = system.ask(&Subject::Product, "C").unwrap();
        assert_eq!((&row["state"], &row["version"], &row["name"]), (&json!("withdrawn"), &json!(2), &json!("Heart")), "{context}: {row}");
        assert_eq!(system.ask(&Subject::Stock, "C").unwrap()["reserved"], 1, "{context}");
        assert_eq!(system.ask(&Subject::Product, "Z"), None, "{context}");
    }
}

#[test]
fn feedback_reaches_the_part_that_it_is_about_once() {
    for (shape, workers) in shapes() {
        let mut system = System::new(shape, workers);
        system.settle();
        let context = format!("{shape:?} with {workers} workers");
        system.send("restocks", "A", &json!({"restock_id": "R", "sku": "A", "quantity": 10, "kind": "received"}).to_string());
        system.product("A", &json!({"type": "upsert", "sku": "A", "price": 255, "currency": "GBP"}));
        system.settle();
        system.send("orders", "1", &json!({"type": "place", "order_id": "1", "lines": [{"sku": "A", "quantity": 1}]}).to_string());
        system.settle();
        let said = |id: &str, about: &str, subject: &str, kind: &str| json!({"feedback_id": id, "about": about, "id": subject, "kind": kind, "rating": 1, "order_id": "1"});
        for _ in 0..2 {
            system.feedback("1", &said("F-1", "order", "1", "damaged"));
            system.feedback("a", &said("F-2", "product", "a", "counterfeit"));
            system.feedback("A", &said("F-3", "stock", "A", "missing"));
            system.feedback("S-1", &said("F-4", "delivery", "S-1", "late"));
            system.settle();
        }
        assert_eq!(system.orders()["1"], ["accepted", "noted", "noted"], "{context}");
        // `a` and `A` are one article, and two keys of the topic: which of the two comes first is not said.
        let mut events = system.products("A");
        events[1..].sort();
        assert_eq!(events, ["updated", "count_requested", "rated"], "{context}");
        assert!(system.values("dead-letters").is_empty(), "{context}");
        // The count that was asked for, and the request that follows a new doubt.
        system.send("stock-counts", "a", &json!({"count_id": "K", "sku": "A", "counted": 9}).to_string());
        system.settle();
        system.feedback("A", &said("F-5", "stock", "A", "missing"));
        system.settle();
        assert_eq!(system.products("A")[3..], ["count_requested"], "{context}");
    }
}

#[test]
fn a_report_about_a_delivery_is_investigated_by_its_vehicle() {
    for (shape, workers) in shapes() {
        let mut system = System::new(shape, workers);
        system.settle();
        let context = format!("{shape:?} with {workers} workers");
        system.send("restocks", "A", &json!({"restock_id": "R", "sku": "A", "quantity": 10, "kind": "received"}).to_string());
        system.settle();
        system.send("orders", "1", &json!({"type": "place", "order_id": "1", "lines": [{"sku": "A", "quantity": 1}]}).to_string());
        system.settle();
        let paid = json!({"payment_id": "P", "order_id": "1", "status": "captured", "amount": 1, "currency": "GBP"});
        system.send("payments", "1", &paid.to_string());
        system.settle();
        let place = json!({"lat": 60.17, "lon": 24.94});
        let stop = json!({"stop_id": "1", "order_id": "1", "lat": 60.18, "lon": 24.95});
        let dispatch = json!({"type": "dispatch", "shipment_id": "S-1", "vehicle_id": "V-1", "depot": place, "stops": [stop]});
        system.send("dispatches", "V-1", &dispatch.to_string());
        system.settle();
        for _ in 0..2 {
            system.feedback("S-1", &json!({"feedback_id": "F-1", "about": "delivery", "id": "S-1", "kind": "late", "order_id": "1"}));
            system.settle();
        }
        assert_eq!(system.orders()["1"], ["accepted", "paid", "shipped", "out_for_delivery", "noted"], "{context}");
        let events = system.values("shipment-events");
        let investigated: Vec<_> = events.iter().filter(|event| event["type"] == "investigated").collect();
        assert_eq!(investigated.len(), 1, "{context}: {events:?}");
        assert_eq!((&investigated[0]["feedback_id"], &investigated[0]["reason"]), (&json!("F-1"), &json!("late")), "{context}");
        assert!(system.values("dead-letters").is_empty(), "{context}");
    }
}

#[test]
fn feedback_that_cannot_be_taken_is_a_dead_letter_as_it_came() {
    for (shape, workers) in shapes() {
        let mut system = System::new(shape, workers);
        system.settle();
        let context = format!("{shape:?} with {workers} workers");
        let bad = [
            // At the door, and at the part that it is about.
            ("1", r#"{"feedback_id":"F-1", "about":"weather","id":"1","kind":"late"}"#, "unknown_type"),
            ("S", r#"{"feedback_id":"F-2", "about":"delivery","id":"S","kind":"late"}"#, "missing_field"),
            ("9", r#"{"feedback_id":"F-3", "about":"order","id":"9","kind":"late"}"#, "unknown_order"),
            ("z", r#"{"feedback_id":"F-4", "about":"product","id":"z","kind":"late"}"#, "unknown_sku"),
            ("q", r#"{"feedback_id":"F-5", "about":"stock","id":"Q","kind":"missing"}"#, "unknown_sku"),
        ];
        for (key, value, _) in bad {
            system.send("feedback", key, value);
        }
        system.settle();
        let mut found = BTreeMap::new();
        for letter in system.records("dead-letters") {
            let headers: BTreeMap<String, String> =
                letter.headers().into_iter().map(|(n, v)| (n.to_owned(), String::from_utf8_lossy(v.unwrap()).into_owned())).collect();
            assert_eq!((headers["waybill.processor"].as_str(), headers["waybill.source.topic"].as_str()), ("feedback", "feedback"));
            let value = String::from_utf8(letter.value().unwrap().to_vec()).unwrap();
            let key = String::from_utf8(letter.key().unwrap().to_vec()).unwrap();
            assert!(found.insert(value, (key, headers["waybill.error.reason"].clone())).is_none(), "{context}: twice");
        }
        let expected = bad.map(|(key, value, reason)| (value.to_owned(), (key.to_owned(), reason.to_owned())));
        assert_eq!(found, expected.into(), "{context}");
    }
}
