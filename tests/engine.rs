//! The engine end to end on the in-memory log: an order's whole way, with one worker and with several, so that both
//! ways of delivery are taken: inside the transaction and by way of the inboxes.
#![allow(clippy::unwrap_used, clippy::format_push_string)]

mod support;

use support::system::{System, shapes};

#[test]
fn an_order_is_decided_paid_shipped_and_expired() {
    for (shape, workers) in shapes() {
        let mut system = System::new(shape, workers);
        system.settle();
        for sku in ["A", "B", "C", "D", "E"] {
            let value = format!(r#"{{"restock_id":"R-{sku}","sku":"{sku}","location":"main","quantity":10,"kind":"received"}}"#);
            system.send("restocks", sku, &value);
        }
        system.settle();
        let lines = r#"[{"sku":"A","quantity":2,"unit_price":100},{"sku":"B","quantity":3,"unit_price":10},{"sku":"E","quantity":1,"unit_price":1}]"#;
        for id in ["1", "2", "3"] {
            system.send("orders", id, &format!(r#"{{"type":"place","order_id":"{id}","currency":"GBP","lines":{lines}}}"#));
        }
        system.settle();
        // Of SKU A 6 are held and 4 are left.
        system.send("orders", "4", r#"{"type":"place","order_id":"4","lines":[{"sku":"A","quantity":5},{"sku":"B","quantity":1}]}"#);
        system.settle();
        system.send("payments", "1", r#"{"payment_id":"P-1","order_id":"1","status":"captured","amount":231,"currency":"GBP"}"#);
        system.send("orders", "2", r#"{"type":"cancel","order_id":"2"}"#);
        system.settle();
        system.send("orders", "1", r#"{"type":"ship","order_id":"1"}"#);
        system.settle();
        system.advance(901_000);
        system.settle();
        system.settle();
        let events = system.orders();
        let context = format!("{shape:?} with {workers} workers");
        assert_eq!(events["1"], ["accepted", "paid", "shipped"], "{context}");
        assert_eq!(events["2"], ["accepted", "cancelled"], "{context}");
        assert_eq!(events["3"], ["accepted", "expired"], "{context}");
        assert_eq!(events["4"], ["rejected"], "{context}");
        assert!(system.values("dead-letters").is_empty(), "{context}");
        let levels = system.values("stock-levels");
        let last = levels.iter().rev().find(|l| l["sku"] == "A").unwrap();
        assert_eq!((last["on_hand"].as_i64(), last["reserved"].as_i64()), (Some(8), Some(0)), "{context}");
    }
}
