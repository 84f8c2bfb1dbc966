//! Seeded faults in the catalogue, in what it refuses, and in feedback.

use serde_json::json;

use crate::history::faults::{event, faults, must_find};
use crate::history::whole::whole;

// Versions.
faults! {
    a_version_that_was_skipped: whole, [VersionGap, WrongVersion, CatalogMismatch], |h| {
        let at = h.one("product-events", &json!({"sku": "D", "type": "updated", "version": 3}));
        h.edit(at, json!({"version": 4}));
        at
    }
    a_version_that_stood_still: whole, [VersionGap, WrongVersion, CatalogMismatch], |h| {
        let at = h.one("product-events", &json!({"sku": "D", "type": "updated", "version": 3}));
        h.edit(at, json!({"version": 2}));
        at
    }
    a_refusal_that_names_what_was_asked: whole, [WrongVersion], |h| {
        let at = h.one("product-events", &json!({"sku": "D", "type": "refused"}));
        h.edit(at, json!({"current_version": 7}));
        at
    }
    a_quarantine_without_version: whole, [MalformedOutput, ProductSequence, VersionGap, NoOutcome], |h| {
        let at = h.one("product-events", &json!({"sku": "D", "type": "quarantined"}));
        h.edit(at, json!({"version": null}));
        at
    }
    a_rating_that_is_a_version: whole, [WrongVersion], |h| {
        let at = h.one("product-events", &json!({"sku": "D", "type": "rated"}));
        h.edit(at, json!({"version": 4}));
        at
    }
    a_refusal_without_version: whole, [MalformedOutput, ProductSequence, NoOutcome], |h| {
        let at = h.one("product-events", &json!({"sku": "D", "type": "refused"}));
        h.edit(at, json!({"current_version": null}));
        at
    }
    a_row_that_is_behind: whole, [CatalogMismatch], |h| {
        let at = h.one("product-catalog", &json!({"sku": "D", "version": 3}));
        h.remove(at);
        h.one("product-catalog", &json!({"sku": "D", "version": 1}))
    }
    a_row_that_goes_back: whole, [CatalogMismatch], |h| {
        h.listing("D", 1);
        h.listing("D", 3);
        let at = h.entries.iter().rev().find(|e| e.topic == "product-catalog").map_or(0, |e| e.offset) - 1;
        ("product-catalog", at)
    }
    a_row_that_is_missing: whole, [CatalogMismatch], |h| {
        let at = h.one("product-catalog", &json!({"sku": "E"}));
        h.remove(at);
        h.one("product-events", &json!({"sku": "E", "type": "withdrawn"}))
    }
    a_row_of_nothing: whole, [CatalogMismatch], |h| {
        h.listing("F", 1)
    }
    a_row_that_is_not_clean: whole, [UncleanSku], |h| {
        let index = h.find("product-catalog", 1);
        h.entries[index].key = Some(b"d".to_vec());
        h.edit(("product-catalog", 1), json!({"sku": "d"}));
        ("product-catalog", 1)
    }
    a_product_event_that_is_lost: whole, [ProductSequence, VersionGap, NoOutcome], |h| {
        let at = h.one("product-events", &json!({"sku": "D", "type": "quarantined"}));
        // The engine counted it, and it is not there.
        h.edit(at, json!({"seq": 3}));
        h.remove(at);
        let next = h.one("product-events", &json!({"sku": "D", "type": "updated", "version": 3}));
        h.edit(next, json!({"seq": 4}));
        next
    }
    a_product_event_told_again: whole, [AnsweredTwice, VersionGap, CatalogMismatch], |h| {
        let cause = h.one("products", &json!({"sku": "D", "expected_version": 7}));
        h.product_event("D", "updated", cause, json!({"version": 4}));
        h.product_event("D", "updated", cause, json!({"version": 6}))
    }
    an_update_because_of_a_withdrawal: whole, [WrongCause, NoOutcome], |h| {
        let cause = h.product("D", "withdraw", json!({}));
        h.listing("D", 4);
        h.product_event("D", "updated", cause, json!({"version": 4}))
    }
    an_update_of_another_product: whole, [WrongCause], |h| {
        let cause = h.one("products", &json!({"sku": "D", "expected_version": 7}));
        h.listing("E", 3);
        h.product_event("E", "updated", cause, json!({"version": 3}))
    }
    an_update_that_was_lost: whole, [NoOutcome], |h| {
        h.product("D", "upsert", json!({"price": 271}))
    }
}

// What may be sold.
faults! {
    sold_after_it_was_withdrawn: whole, [HeldWhileWithdrawn], |h| {
        let place = h.place("40", &[("E", 1)]);
        let at = h.order_moved("40", "held", ("E", 1, "main"), place);
        h.event_lines("40", "accepted", place, &[("E", 1, "main")]);
        at
    }
    sold_while_it_was_in_quarantine: whole, [HeldWhileWithdrawn], |h| {
        let report = h.json("feedback", "D", json!({"feedback_id": "F-9", "about": "product", "id": "D", "kind": "counterfeit"}));
        h.product_event("D", "noted", report, json!({"version": 3}));
        h.product_event("D", "quarantined", report, json!({"version": 4, "reason": "counterfeit"}));
        h.listing("D", 4);
        let place = h.place("40", &[("D", 1)]);
        let at = h.order_moved("40", "held", ("D", 1, "main"), place);
        h.event_lines("40", "accepted", place, &[("D", 1, "main")]);
        at
    }
    refused_and_held_all_the_same: whole, [RefusedAndHeld], |h| {
        // Before the withdrawal, by the clock: only the refusal tells.
        let place = h.place("40", &[("A", 1)]);
        h.event("40", "rejected", place, json!({"reason": "price_mismatch", "sku": "A"}));
        let at = h.order_moved("40", "held", ("A", 1, "main"), place);
        h.order_moved("40", "released", ("A", 1, "main"), place);
        at
    }
    held_and_then_refused: whole, [RefusedAndHeld], |h| {
        let place = h.place("40", &[("A", 1)]);
        h.order_moved("40", "held", ("A", 1, "main"), place);
        h.order_moved("40", "released", ("A", 1, "main"), place);
        h.event("40", "rejected", place, json!({"reason": "currency_mismatch", "sku": "A"}))
    }
    refused_and_still_held: whole, [HoldLeftOpen], |h| {
        let place = h.place("40", &[("A", 1), ("B", 1)]);
        h.order_moved("40", "held", ("A", 1, "main"), place);
        h.event("40", "rejected", place, json!({"reason": "withdrawn_sku", "sku": "B"}))
    }
}

// Feedback.
faults! {
    a_report_that_was_lost: whole, [NoOutcome], |h| {
        h.feedback("order", "30", "F-9", "late")
    }
    a_rating_that_was_lost: whole, [NoOutcome], |h| {
        h.feedback("product", "D", "F-9", "late")
    }
    a_request_to_count_that_was_lost: whole, [NoOutcome], |h| {
        h.feedback("stock", "D", "F-9", "missing")
    }
    a_request_to_count_because_of_praise: whole, [WrongCause, NoOutcome], |h| {
        let praise = h.feedback("product", "D", "F-9", "praise");
        h.product_event("D", "count_requested", praise, json!({"version": 3}))
    }
    a_report_noted_on_another_order: whole, [WrongCause], |h| {
        let report = h.one("feedback", &json!({"feedback_id": "F-3"}));
        h.event("31", "noted", report, json!({}))
    }
    a_report_that_counted_twice: whole, [AppliedTwice], |h| {
        let report = h.feedback("order", "30", "F-1", "damaged");
        h.event("30", "noted", report, json!({"reason": "feedback"}));
        report
    }
    a_report_that_cancelled: whole, [WrongCause, RefundMissing, IllegalTransition], |h| {
        let report = h.feedback("order", "30", "F-9", "late");
        h.event("30", "noted", report, json!({}));
        let at = h.event("30", "cancelled", report, json!({}));
        assert_eq!(event(h, "30", "cancelled"), at);
        at
    }
}

/// An order and its delivery, a product and its stock, and two spellings of a SKU are different keys; a feedback's id
/// counts once all the same.
#[test]
fn what_contradicts_feedback_under_another_key_is_no_wrong_reason() {
    let mut h = whole();
    let others = [
        ("d", json!({"feedback_id": "F-2", "about": "product", "id": "d", "kind": "late"})),
        ("D", json!({"feedback_id": "F-2", "about": "stock", "id": "D", "kind": "missing"})),
        ("S-1", json!({"feedback_id": "F-1", "about": "delivery", "id": "S-1", "kind": "late", "order_id": "30"})),
    ];
    for (partition, (key, value)) in (1..).zip(others) {
        let (topic, offset) = h.json("feedback", key, value);
        let letter = h.dead_letter((topic, offset), "conflicting_duplicate");
        let (index, letter) = (h.find(topic, offset), h.find(letter.0, letter.1));
        (h.entries[index].partition, h.entries[index].offset) = (partition, 0);
        for (name, text) in [("waybill.source.partition", partition.to_string()), ("waybill.source.offset", "0".to_owned())] {
            let header = h.entries[letter].headers.iter_mut().find(|(of, _)| of == name);
            header.expect("a dead letter says where it is from").1 = text.into_bytes();
        }
    }
    let report = h.seal().audit();
    assert!(report.ok(), "{report}");
}

/// Two spellings of a SKU are two keys, so a record that is sent again may stand in another partition.
#[test]
fn what_is_sent_again_under_another_spelling_is_the_same() {
    let mut h = whole();
    let again = h.json("restocks", "d", json!({"restock_id": "R-30", "sku": "\u{ff24}", "quantity": 50, "kind": "received"}));
    let index = h.find(again.0, again.1);
    (h.entries[index].partition, h.entries[index].offset) = (1, 0);
    let report = h.clone().seal().audit();
    assert!(report.ok(), "{report}");
    assert_eq!(report.counts.duplicates, 12);
    // What says something else is none.
    (h.entries[index].partition, h.entries[index].offset) = (0, again.1);
    let other = h.json("restocks", "d", json!({"restock_id": "R-30", "sku": "d", "quantity": 51, "kind": "received"}));
    must_find(&h.seal(), other, &[waybill_auditor::Kind::NoOutcome]);
}
