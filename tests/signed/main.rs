//! Signed records through the engine on the in-memory log: at their task, straight or forwarded, with one worker and with
//! several; what is refused changes nothing, and an id counts once whatever fails, stops or moves.
#![allow(clippy::pedantic, reason = "a test reads as a story; the strictest lints are for what ships")]
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;
mod system;

use std::collections::BTreeMap;

use signatures::{Kind, Policy};
use support::Shape;
use system::{NOW, Rules, System, key, stranger};
use waybill::engine::plan::{ClockMode, partition_of};
use waybill::log::memory::{At, CommitFault};

const SHAPES: [(i32, usize); 6] = [(4, 1), (4, 3), (3, 1), (3, 2), (1, 2), (12, 3)];

fn place(id: &str) -> String {
    format!(r#"{{"type":"place","order_id":"{id}","lines":[{{"sku":"A","quantity":1}}]}}"#)
}

fn system(policy: Policy, sources: i32, workers: usize) -> System {
    let rules = Rules { policy, kind: Kind::Hmac, clock: ClockMode::Wall };
    System::new(Shape { tasks: 4, sources }, rules, workers)
}

#[test]
fn refused_records_are_dead_letters_and_change_nothing() {
    for kind in [Kind::Hmac, Kind::Ed25519] {
        for (sources, workers) in SHAPES {
            let rules = Rules { policy: Policy::Required, kind, clock: ClockMode::Wall };
            let mut system = System::new(Shape { tasks: 4, sources }, rules, workers);
            system.settle();
            let context = format!("{kind:?}, {sources} partitions, {workers} workers");
            let untouched = system.changes();
            let other = if kind == Kind::Hmac { Kind::Ed25519 } else { Kind::Hmac };
            let now = NOW / 1000;
            let mut expected = BTreeMap::new();
            let mut refuse = |system: &System, id: &str, reason: &'static str, headers: Vec<(String, String)>| {
                system.send("orders", id, &place(id), &headers);
                expected.insert(id.to_owned(), reason);
            };
            refuse(&system, "unsigned", "signature_missing", vec![]);
            let mut partly = system.signed(&key(kind), "m1", now, &place("partly"));
            partly.pop();
            refuse(&system, "partly", "signature_missing", partly);
            let mut broken = system.signed(&key(kind), "m2", now, &place("broken"));
            broken[2].1 = "v1,AAAA".into();
            refuse(&system, "broken", "signature_malformed", broken);
            let changed = system.signed(&key(kind), "m3", now, &place("another"));
            refuse(&system, "changed", "signature_wrong", changed);
            let foreign = system.signed(&stranger(kind), "m4", now, &place("foreign"));
            refuse(&system, "foreign", "signature_wrong", foreign);
            let unknown = system.signed(&key(other), "m5", now, &place("unknown"));
            refuse(&system, "unknown", "signature_unknown_key", unknown);
            let old = system.signed(&key(kind), "m6", now - 400, &place("old"));
            refuse(&system, "old", "signature_expired", old);
            let new = system.signed(&key(kind), "m7", now + 400, &place("new"));
            refuse(&system, "new", "signature_expired", new);
            system.settle();
            assert_eq!(system.dead_letters(), expected, "{context}");
            assert!(system.events().is_empty(), "{context}: {:?}", system.events());
            assert_eq!(system.changes(), untouched, "{context}: a refused record changed a state");

            // The same orders, signed as they should be: what was refused stands in nobody's way.
            for (n, id) in expected.keys().enumerate() {
                let headers = system.signed(&key(kind), &format!("m{n}"), now, &place(id));
                system.send("orders", id, &place(id), &headers);
            }
            system.settle();
            assert_eq!(system.events().len(), expected.len(), "{context}");
            assert_eq!(system.dead_letters(), expected, "{context}: nothing else was refused");
            system.audit(&context);
        }
    }
}

#[test]
fn unsigned_records_pass_where_they_are_accepted_and_wrong_ones_do_not() {
    let mut system = system(Policy::Accepted, 3, 2);
    let now = NOW / 1000;
    system.send("orders", "plain", &place("plain"), &[]);
    system.send("orders", "signed", &place("signed"), &system.signed(&key(Kind::Hmac), "m1", now, &place("signed")));
    system.send("orders", "wrong", &place("wrong"), &system.signed(&stranger(Kind::Hmac), "m2", now, &place("wrong")));
    // Payments have no rule: nobody looks.
    let payment = r#"{"payment_id":"P","order_id":"signed","status":"captured","amount":1,"currency":"EUR"}"#;
    system.send("payments", "signed", payment, &[("webhook-signature".into(), "rubbish".into())]);
    system.settle();
    let events = system.events();
    assert!(events.contains_key("plain") && events.contains_key("signed") && !events.contains_key("wrong"), "{events:?}");
    assert_eq!(system.dead_letters(), [("wrong".to_owned(), "signature_wrong")].into());
    assert_eq!(system.metric(r#"waybill_signatures_total{result="signed",topic="orders"}"#), 1.0);
    assert_eq!(system.metric(r#"waybill_signatures_total{result="unsigned",topic="orders"}"#), 1.0);
    assert_eq!(system.metric(r#"waybill_dead_letters_total{reason="signature_wrong"}"#), 1.0);
}

/// A scenario: the same record again at once, after a restart with its state, after one without, when its window is
/// over, and its id under a new signature.
#[test]
fn an_id_counts_once_also_after_a_restart() {
    for (sources, workers) in SHAPES {
        let mut system = system(Policy::Required, sources, workers);
        system.settle();
        let context = format!("{sources} partitions, {workers} workers");
        let headers = system.signed(&key(Kind::Hmac), "msg_once", NOW / 1000, &place("1"));
        let again = |system: &mut System, reason: Option<&'static str>, when: &str| {
            let before = (system.letters().len(), system.changes());
            system.send("orders", "1", &place("1"), &headers);
            system.settle();
            let letters = system.letters();
            let new: Vec<&str> = letters[before.0..].iter().map(String::as_str).collect();
            assert_eq!(new, Vec::from_iter(reason), "{context}: {when}");
            assert!(reason.is_none() || system.changes() == before.1, "{context}: {when}: a replayed record changed a state");
        };
        again(&mut system, None, "for the first time");
        assert_eq!(system.events()["1"], ["rejected"], "{context}: there is no stock");
        again(&mut system, Some("signature_replayed"), "at once");
        system.restart(true);
        again(&mut system, Some("signature_replayed"), "after a restart");
        system.restart(false);
        again(&mut system, Some("signature_replayed"), "after a restart without its state");
        system.advance(150_000);
        again(&mut system, Some("signature_replayed"), "late in its window");
        system.advance(151_000);
        again(&mut system, Some("signature_expired"), "when the window is over");

        // The id belongs to nobody any more, and after a minute nobody knows of it.
        assert_eq!(system.remembered(), ["worders|msg_once"], "{context}");
        system.advance(120_000);
        system.settle();
        system.settle();
        assert!(system.remembered().is_empty(), "{context}: {:?}", system.remembered());
        let now = system.now() / 1000;
        let anew = system.signed(&key(Kind::Hmac), "msg_once", now, &place("2"));
        system.send("orders", "2", &place("2"), &anew);
        system.settle();
        assert_eq!(system.events()["2"], ["rejected"], "{context}");
        system.restart(false);
        system.advance(420_000);
        system.settle();
        system.settle();
        assert!(system.remembered().is_empty(), "{context}: an id that was restored is forgotten, too");
        system.audit(&context);
    }
}

#[test]
fn what_was_not_committed_was_not_seen() {
    for fault in [
        CommitFault::Fail(At::BeforeOffsets),
        CommitFault::Fail(At::HalfProduced),
        CommitFault::Fail(At::BeforeEnd),
        CommitFault::Fail(At::AfterEnd),
    ] {
        let mut system = system(Policy::Required, 4, 1);
        system.settle();
        let headers = system.signed(&key(Kind::Hmac), "msg_1", NOW / 1000, &place("1"));
        system.send("orders", "1", &place("1"), &headers);
        system.fail_next_commit(fault);
        system.settle();
        assert_eq!(system.events()["1"], ["rejected"], "{fault:?}");
        assert!(system.letters().is_empty(), "{fault:?}: it was taken for a replay of itself");
        system.send("orders", "1", &place("1"), &headers);
        system.settle();
        assert_eq!(system.letters(), ["signature_replayed"], "{fault:?}");
        system.audit(&format!("{fault:?}"));
    }
}

#[test]
fn an_old_log_gets_the_verdicts_that_it_had() {
    const YEAR_MS: i64 = 365 * 86_400_000;
    for clock in [ClockMode::Wall, ClockMode::Record] {
        let rules = Rules { policy: Policy::Required, kind: Kind::Ed25519, clock };
        let mut system = System::new(Shape { tasks: 4, sources: 4 }, rules, 1);
        let then = NOW - YEAR_MS;
        let at = |system: &System, order: &str, id: &str, signed: i64, written: i64| {
            let headers = system.signed(&key(Kind::Ed25519), id, signed / 1000, &place(order));
            system.send_at("orders", order, &place(order), &headers, written);
        };
        at(&system, "good", "a", then, then + 1_000);
        at(&system, "late", "b", then, then + 301_000);
        // The same key and value in another record, a window later: it was taken then and is taken now.
        at(&system, "twice", "c", then, then + 2_000);
        at(&system, "twice", "c", then, then + 3_000);
        at(&system, "good", "a", then + 400_000, then + 400_000);
        system.settle();
        let expected = [("late".to_owned(), "signature_expired"), ("twice".to_owned(), "signature_replayed")];
        assert_eq!(system.dead_letters(), expected.into(), "{clock:?}");
        assert_eq!(system.letters().len(), 2, "{clock:?}");
        assert_eq!(system.events().keys().collect::<Vec<_>>(), ["good", "twice"], "{clock:?}");
    }
}

/// Somebody takes a signed value and is faster with it under another key: the value is refused there, and does not use up
/// the id. The two keys belong to one task.
#[test]
fn a_value_under_another_key_does_not_use_up_the_id() {
    let mut system = system(Policy::Required, 4, 1);
    let other = (0..).map(|n| format!("x{n}")).find(|k| partition_of(k.as_bytes(), 4) == partition_of(b"1", 4)).unwrap();
    let headers = system.signed(&key(Kind::Hmac), "msg_1", NOW / 1000, &place("1"));
    system.send("orders", &other, &place("1"), &headers);
    system.send("orders", "1", &place("1"), &headers);
    system.settle();
    assert_eq!(system.letters(), ["key_mismatch"]);
    assert_eq!(system.events()["1"], ["rejected"]);
}

/// A report is sent again in time, and the worker that forwards it stands still until the id's time is over: the worker
/// that knows the id must not forget it before.
#[test]
fn an_id_is_not_forgotten_while_feedback_of_its_time_waits() {
    for slow in [0, 1] {
        let mut system = system(Policy::Required, 1, 2);
        system.settle();
        let reports: Vec<(String, String, Vec<(String, String)>)> = (1..=8)
            .map(|n| {
                let (order, value) = (n.to_string(), format!(r#"{{"feedback_id":"F-{n}","about":"order","id":"{n}","kind":"late"}}"#));
                let headers = system.signed(&key(Kind::Hmac), &format!("msg_{n}"), NOW / 1000, &value);
                (order, value, headers)
            })
            .collect();
        for (order, ..) in &reports {
            let place = place(order);
            let headers = system.signed(&key(Kind::Hmac), &format!("place_{order}"), system.now() / 1000, &place);
            system.send("orders", order, &place, &headers);
        }
        system.settle();
        for (order, value, headers) in &reports {
            system.send("feedback", order, value, headers);
        }
        system.settle();
        assert!(system.letters().is_empty(), "{:?}", system.letters());
        system.advance(290_000 - (system.now() - NOW));
        system.settle();
        for (order, value, headers) in &reports {
            system.send("feedback", order, value, headers);
        }
        system.advance(80_000);
        system.settle_one(1 - slow);
        system.settle();
        assert_eq!(system.letters(), ["signature_replayed"; 8], "worker {slow} was slow");
    }
}
