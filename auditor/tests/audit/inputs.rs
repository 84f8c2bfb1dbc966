//! Seeded faults in what became of the input; and nothing that is missing or doubled goes unseen.

use serde_json::json;
use waybill_auditor::{Kind, Options};

use crate::history::Body;
use crate::history::faults::{faults, moved};
use crate::history::shop::shop;
use crate::history::whole::whole;

// What became of the input.
faults! {
    a_cause_that_is_not_there: told, [UnknownCause], |h| {
        h.event("7", "payment_failed", ("payments", 1000), json!({}))
    }
    a_cause_in_an_output_topic: told, [UnknownCause], |h| {
        h.event("7", "noted", ("order-events", 0), json!({}))
    }
    a_cause_about_another_order: told, [WrongCause], |h| {
        let payment = h.one("payments", &json!({"payment_id": "P-5"}));
        h.event("7", "payment_failed", payment, json!({}))
    }
    a_cause_of_another_kind: told, [WrongCause], |h| {
        let place = h.one("orders", &json!({"order_id": "7", "type": "place"}));
        h.event("7", "refund_required", place, json!({}))
    }
    a_malformed_record_that_took_effect: told, [WrongCause, NoOutcome], |h| {
        let place = h.json("orders", "20", json!({"type": "place", "order_id": "21", "lines": [{"sku": "A", "quantity": 1}]}));
        h.event("20", "rejected", place, json!({"reason": "insufficient_stock"}))
    }
    accepted_less_than_was_asked_for: told, [InputMismatch], |h| {
        let at = h.place("20", &[("B", 2), ("A", 1)]);
        h.order_moved("20", "held", ("B", 2, "main"), at);
        h.event_lines("20", "accepted", at, &[("B", 2, "main")]);
        at
    }
    received_more_than_came: told, [InputMismatch], |h| {
        let at = moved(h, &json!({"kind": "received", "sku": "B"}));
        h.edit(at, json!({"quantity": 51}));
        h.one("restocks", &json!({"restock_id": "R-2", "kind": "received"}))
    }
    transferred_to_nowhere: told, [InputMismatch], |h| {
        let at = h.restock("B", "R-20", "transfer", 1, json!({"to_location": "shop"}));
        h.moved("transferred_out", ("B", 1, "main"), at);
        at
    }
    adjusted_to_another_figure_than_counted: told, [InputMismatch], |h| {
        let at = h.count("B", "K-20", 40);
        h.moved("counted", ("B", 1, "main"), at);
        h.moved("adjusted", ("B", 1, "main"), at);
        at
    }
    returned_and_not_put_on_the_shelf: told, [InputMismatch], |h| {
        let at = h.command("1", "return", json!({"restock": true, "lines": [{"sku": "A", "quantity": 1}]}));
        h.event_lines("1", "returned", at, &[("A", 1, "main")]);
        at
    }
    an_input_that_was_lost: told, [NoOutcome], |h| {
        h.restock("B", "R-20", "received", 1, json!({}))
    }
    a_place_that_was_held_and_never_decided: told, [NoOutcome], |h| {
        let place = h.place("20", &[("B", 1)]);
        h.order_moved("20", "held", ("B", 1, "main"), place);
        place
    }
    a_bad_input_that_was_lost: told, [NoOutcome], |h| {
        h.push("orders", Some(b"20"), Body::Bytes(Some(b"\xff\xfe".to_vec())))
    }
    a_contradiction_taken_for_a_duplicate: told, [NoOutcome], |h| {
        let at = h.place("7", &[("B", 6)]);
        // What comes after it is judged by the place that stands.
        h.place("7", &[("B", 5)]);
        let other = h.place("7", &[("B", 7)]);
        h.dead_letter(other, "conflicting_duplicate");
        at
    }
    a_repeated_restock_that_counted_twice: told, [AppliedTwice], |h| {
        let again = h.restock("B", "R-2", "received", 50, json!({}));
        h.moved("received", ("B", 50, "main"), again);
        again
    }
    a_dead_letter_that_took_effect: told, [OutcomeAndDeadLetter], |h| {
        let received = h.restock("B", "R-20", "received", 1, json!({}));
        h.moved("received", ("B", 1, "main"), received);
        h.dead_letter(received, "exceeds_on_hand");
        received
    }
    two_dead_letters_of_one_record: told, [TwoDeadLetters], |h| {
        let ship = h.one("orders", &json!({"order_id": "7", "type": "ship"}));
        h.dead_letter(ship, "not_paid")
    }
    a_dead_letter_with_other_bytes: told, [DeadLetterBytes], |h| {
        let index = h.find("dead-letters", 0);
        h.entries[index].value = Body::Bytes(Some(br#"{"type":"place" "#.to_vec()));
        ("dead-letters", 0)
    }
    a_dead_letter_with_an_empty_key_for_none: told, [DeadLetterBytes], |h| {
        let index = h.find("dead-letters", 1);
        h.entries[index].key = Some(vec![]);
        ("dead-letters", 1)
    }
    a_dead_letter_without_its_source: told, [MalformedOutput, NoOutcome], |h| {
        let index = h.find("dead-letters", 3);
        h.entries[index].headers.retain(|(name, _)| name != "waybill.source.offset");
        ("dead-letters", 3)
    }
    a_dead_letter_of_nothing: told, [UnknownCause], |h| {
        let index = h.find("dead-letters", 3);
        let mut letter = h.entries[index].clone();
        letter.offset = 1000;
        letter.headers.last_mut().expect("headers").1 = b"1000".to_vec();
        h.entries.push(letter);
        ("dead-letters", 1000)
    }
    a_good_record_called_bad_json: told, [WrongReason], |h| {
        let place = h.place("20", &[("A", 1)]);
        h.dead_letter(place, "invalid_json")
    }
    a_first_record_called_a_conflict: told, [WrongReason], |h| {
        let place = h.place("20", &[("A", 1)]);
        h.dead_letter(place, "conflicting_duplicate");
        place
    }
}

#[test]
fn all_are_counted_and_the_first_are_kept() {
    let mut h = shop();
    for n in 0..30 {
        h.restock("B", &format!("R-{}", 100 + n), "received", 1, json!({}));
    }
    let report = h.seal().audit_with(Options { keep: 10, ..Options::default() });
    assert_eq!((report.violations.len(), report.total(), report.by_kind[&Kind::NoOutcome]), (10, 30, 30));
    assert_eq!(
        report.violations[0].to_string(),
        "no_outcome at restocks/0/18: the received restock of SKU B has neither outcome nor dead letter"
    );
    assert!(report.to_string().ends_with("  … and 20 more\n"), "{report}");
}

/// An engine that loses or repeats any one output is found out, whatever it was.
#[test]
fn no_output_can_be_missing_or_doubled() {
    let mut whole = whole();
    whole.a_minute_later();
    let whole = whole.seal();
    let outputs = ["order-events", "stock-movements", "dead-letters", "product-events", "shipment-events", "ping-verdicts"];
    for (index, entry) in whole.entries.iter().enumerate().filter(|(_, e)| outputs.contains(&e.topic)) {
        // What is as new as this may be on its way.
        if entry.key.as_deref() == Some(b"V-10") {
            continue;
        }
        let mut missing = whole.clone();
        missing.entries.remove(index);
        // A recall and a complaint have been answered otherwise; what they say last may be the end of a history.
        let last_word = matches!(&entry.value, Body::Json(v) if v["type"] == "investigated");
        assert!(last_word || !missing.audit().ok(), "{entry:?} is missing");
        let mut doubled = whole.clone();
        for later in doubled.entries[index..].iter_mut().filter(|e| e.topic == entry.topic) {
            later.offset += 1;
        }
        doubled.entries.insert(index, entry.clone());
        assert!(!doubled.audit().ok(), "{entry:?} is doubled");
    }
}

/// So is one that loses an input: unless it says what another said, something has to come of it.
#[test]
fn no_outcome_can_do_without_its_input() {
    let whole = whole().seal();
    let full = whole.audit();
    let inputs = ["orders", "payments", "restocks", "stock-counts", "products", "feedback", "dispatches", "gps-pings"];
    let idle = whole.entries.iter().enumerate().filter(|(_, e)| inputs.contains(&e.topic)).filter(|&(index, _)| {
        let mut missing = whole.clone();
        missing.entries.remove(index);
        missing.audit().ok()
    });
    // The repeated records, and either of two equal expectations: nothing else.
    assert_eq!(idle.count() as u64, full.counts.duplicates + 1);
}
