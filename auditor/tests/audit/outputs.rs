//! Seeded faults in what is written: records, ids, a SKU's movements, levels.

use serde_json::json;
use waybill_auditor::Options;

use crate::history::Body;
use crate::history::faults::{event, faults, moved};
use crate::history::shop::shop;

// Reading.
faults! {
    offsets_of_a_partition_do_not_rise: sealed, [OffsetOrder], |h| {
        let again = h.entries[h.find("order-events", 3)].clone();
        h.entries.push(again);
        ("order-events", 3)
    }
    an_output_that_is_not_json: sealed, [MalformedOutput], |h| {
        h.push("order-events", Some(b"7"), Body::Bytes(Some(b"{".to_vec())))
    }
    an_output_whose_key_is_not_its_id: sealed, [MalformedOutput, NoOutcome], |h| {
        let at = event(h, "3", "rejected");
        let index = h.find(at.0, at.1);
        h.entries[index].key = Some(b"33".to_vec());
        at
    }
    a_movement_of_an_order_without_order_id: fresh, [MalformedOutput, NoOutcome, LevelMismatch], |h| {
        let place = h.place("1", &[("A", 1)]);
        h.moved("held", ("A", 1, "main"), place)
    }
    a_time_without_milliseconds: fresh, [MalformedOutput, NoOutcome], |h| {
        let place = h.place("1", &[("A", 1)]);
        h.event("1", "rejected", place, json!({"reason": "unknown_sku", "at": "2010-12-01T08:26:00Z"}))
    }
    one_orders_events_in_two_partitions: fresh, [WrongPartition], |h| {
        let place = h.place("1", &[("A", 1)]);
        h.event("1", "rejected", place, json!({"reason": "unknown_sku"}));
        h.entries[1].partition = 1;
        let payment = h.payment("1", "P-1", "captured");
        h.event("1", "refund_required", payment, json!({"reason": "rejected"}))
    }
    one_skus_movements_in_two_partitions: fresh, [WrongPartition], |h| {
        let received = h.restock("A", "R-1", "received", 1, json!({}));
        h.moved("received", ("A", 1, "main"), received);
        h.entries[1].partition = 1;
        let received = h.restock("A", "R-2", "received", 1, json!({}));
        h.moved("received", ("A", 1, "main"), received)
    }
}

// Ids.
faults! {
    a_header_that_contradicts_the_value: sealed, [WrongHeaders], |h| {
        let at = event(h, "7", "accepted");
        let index = h.find(at.0, at.1);
        h.entries[index].headers[2].1 = b"waybill.order.rejected".to_vec();
        at
    }
    a_ce_id_that_is_not_the_movement_id: sealed, [WrongHeaders], |h| {
        let index = h.find("stock-movements", 4);
        h.entries[index].headers[1].1 = b"something".to_vec();
        ("stock-movements", 4)
    }
    a_level_without_headers: sealed, [WrongHeaders], |h| {
        let index = h.find("stock-levels", 0);
        h.entries[index].headers.clear();
        ("stock-levels", 0)
    }
    an_event_id_with_another_seq: told, [WrongId], |h| {
        let at = event(h, "7", "accepted");
        let Body::Json(value) = &h.entries[h.find(at.0, at.1)].value else { unreachable!() };
        let id = format!("orders/0/{}/7/2", value["cause"]["offset"]);
        h.edit(at, json!({"event_id": id}));
        at
    }
    a_movement_id_with_another_cause: told, [WrongId], |h| {
        let at = moved(h, &json!({"kind": "held", "order_id": "7"}));
        h.edit(at, json!({"movement_id": "orders/0/0/B/9"}));
        at
    }
    an_event_that_comes_twice: sealed, [DuplicateId], |h| {
        let at = event(h, "9", "paid");
        let mut again = h.entries[h.find(at.0, at.1)].clone();
        again.offset = 1000;
        h.entries.push(again);
        ("order-events", 1000)
    }
    a_movement_that_comes_twice: sealed, [DuplicateId], |h| {
        let mut again = h.entries[h.find("stock-movements", 0)].clone();
        again.offset = 1000;
        h.entries.push(again);
        ("stock-movements", 1000)
    }
}

// The movements of a SKU.
faults! {
    a_gap_in_a_skus_seq: sealed, [MovementSequence, SumMismatch, HoldEndedTwice], |h| {
        let held = moved(h, &json!({"kind": "held", "order_id": "3"}));
        h.remove(held);
        moved(h, &json!({"kind": "released", "order_id": "3"}))
    }
    a_hash_that_is_not_of_its_fields: told, [HashMismatch], |h| {
        let at = moved(h, &json!({"kind": "held", "order_id": "7"}));
        h.edit(at, json!({"hash": "a".repeat(64)}));
        at
    }
    a_movement_changed_afterwards: sealed, [HashMismatch], |h| {
        let at = moved(h, &json!({"kind": "held", "order_id": "7"}));
        h.edit(at, json!({"at": "2010-12-01T08:26:00.001Z"}));
        at
    }
    a_chain_that_was_cut: told, [ChainBroken], |h| {
        let at = moved(h, &json!({"kind": "held", "order_id": "7"}));
        h.edit(at, json!({"previous": "b".repeat(64)}));
        at
    }
    figures_that_do_not_add_up: told, [SumMismatch, LevelMismatch], |h| {
        let at = moved(h, &json!({"kind": "held", "order_id": "7"}));
        h.edit(at, json!({"on_hand": 49}));
        at
    }
    held_beyond_what_is_there: told, [Oversold], |h| {
        let place = h.place("20", &[("C", 23)]);
        let at = h.order_moved("20", "held", ("C", 23, "main"), place);
        h.event_lines("20", "accepted", place, &[("C", 23, "main")]);
        at
    }
    transferred_away_from_under_a_hold: told, [Oversold], |h| {
        let transfer = h.restock("B", "R-20", "transfer", 41, json!({"to_location": "shop"}));
        let at = h.moved("transferred_out", ("B", 41, "main"), transfer);
        h.moved("transferred_in", ("B", 41, "shop"), transfer);
        at
    }
    damaged_what_is_not_there: told, [NegativeStock], |h| {
        let damaged = h.restock("B", "R-20", "damaged", 60, json!({}));
        h.moved("damaged", ("B", 60, "main"), damaged)
    }
    a_shortage_that_is_not_told: told, [WrongShortage], |h| {
        let at = moved(h, &json!({"kind": "adjusted", "sku": "C"}));
        h.edit(at, json!({"shortage": null, "orders_at_risk": null}));
        at
    }
    a_shortage_told_by_a_hold: told, [WrongShortage], |h| {
        let at = moved(h, &json!({"kind": "held", "order_id": "7"}));
        h.edit(at, json!({"shortage": 1, "orders_at_risk": ["8"]}));
        at
    }
    a_shortage_that_names_the_wrong_order: told, [WrongShortage], |h| {
        let at = moved(h, &json!({"kind": "adjusted", "sku": "C"}));
        h.edit(at, json!({"orders_at_risk": ["9", "7"]}));
        at
    }
    a_count_without_adjustment: told, [CountWithoutAdjustment, InputMismatch], |h| {
        let count = h.count("B", "K-20", 48);
        h.moved("counted", ("B", 2, "main"), count)
    }
    a_count_adjusted_twice: told, [CountWithoutAdjustment, InputMismatch], |h| {
        let count = h.one("stock-counts", &json!({"count_id": "K-1"}));
        h.moved("adjusted", ("A", -1, "main"), count)
    }
}

// Levels.
faults! {
    a_level_that_says_otherwise: sealed, [LevelMismatch], |h| {
        let at = h.one("stock-levels", &json!({"sku": "C"}));
        h.edit(at, json!({"on_hand": 20, "available": 20, "locations": [{"location": "main", "on_hand": 20, "reserved": 0, "available": 20}]}));
        at
    }
    a_level_at_the_wrong_place: sealed, [LevelMismatch], |h| {
        let at = h.one("stock-levels", &json!({"sku": "C"}));
        h.edit(at, json!({"locations": [{"location": "shop", "on_hand": 19, "reserved": 0, "available": 19}]}));
        at
    }
    a_level_that_contradicts_itself: sealed, [LevelMismatch], |h| {
        let at = h.one("stock-levels", &json!({"sku": "C"}));
        h.edit(at, json!({"available": 18}));
        at
    }
    a_level_that_is_not_its_places_together: sealed, [LevelMismatch], |h| {
        let at = h.one("stock-levels", &json!({"sku": "C"}));
        h.edit(at, json!({"locations": [{"location": "main", "on_hand": 18, "reserved": 0, "available": 18}]}));
        at
    }
    a_level_that_goes_back: told, [LevelMismatch], |h| {
        h.level("C", 8, &[("main", 19, 0)]);
        let at = h.level("C", 7, &[("main", -1, 0)]);
        // The last one is right again.
        h.level("C", 8, &[("main", 19, 0)]);
        at
    }
    a_level_that_is_behind: told, [LevelMismatch], |h| {
        h.level("C", 6, &[("main", 2, 0)])
    }
    a_level_that_is_missing: sealed, [LevelMissing], |h| {
        let at = h.one("stock-levels", &json!({"sku": "C"}));
        h.remove(at);
        moved(h, &json!({"kind": "received", "sku": "C", "quantity": 20}))
    }
}

#[test]
fn levels_that_may_be_behind_are_not_held_against_the_log() {
    let mut h = shop();
    h.level("C", 5, &[("main", 5, 8)]);
    let h = h.seal();
    assert!(!h.audit().ok());
    let report = h.audit_with(Options { levels_final: false, ..Options::default() });
    assert!(report.ok(), "{report}");
}
