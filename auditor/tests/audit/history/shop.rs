//! A clean history in which everything happens that can happen in a shop: every kind of order event and movement,
//! dead letters, duplicates, a shortage, both ways of deducting.

use serde_json::json;

use super::{Body, History};

/// Not sealed, so that a test may spoil it.
pub fn shop() -> History {
    let mut h = History::default();
    goods(&mut h);
    paid_shipped_returned(&mut h);
    expired_and_reinstated(&mut h);
    rejected(&mut h);
    cancelled_before_its_place(&mut h);
    cancelled_unpaid(&mut h);
    paid_before_its_place_then_cancelled(&mut h);
    still_open(&mut h);
    deducted_at_shipment(&mut h);
    short(&mut h);
    bad_input(&mut h);
    h
}

fn goods(h: &mut History) {
    let received = h.restock("A", "R-1", "received", 100, json!({}));
    h.moved("received", ("A", 100, "main"), received);
    h.restock("A", "R-1", "received", 100, json!({"note": "the same again"}));
    h.restock("B", "R-2", "expected", 50, json!({"expected_at": "2010-12-02T07:00:00Z"}));
    h.restock("B", "R-2", "expected", 50, json!({"expected_at": 1_291_273_200_000_i64}));
    let received = h.restock("B", "R-2", "received", 50, json!({}));
    h.moved("received", ("B", 50, "main"), received);
    let transfer = h.restock("A", "R-3", "transfer", 10, json!({"to_location": "shop"}));
    h.moved("transferred_out", ("A", 10, "main"), transfer);
    h.moved("transferred_in", ("A", 10, "shop"), transfer);
    let damaged = h.restock("A", "R-4", "damaged", 1, json!({}));
    h.moved("damaged", ("A", 1, "main"), damaged);
    let count = h.count("A", "K-1", 88);
    h.moved("counted", ("A", -1, "main"), count);
    h.moved("adjusted", ("A", -1, "main"), count);
}

/// Order 1 takes the whole way, from two places.
fn paid_shipped_returned(h: &mut History) {
    let place = h.place("1", &[("A", 1), ("B", 2), ("A", 2)]);
    let lines = [("A", 2, "main"), ("A", 1, "shop"), ("B", 2, "main")];
    for line in lines {
        h.order_moved("1", "held", line, place);
    }
    h.event_lines("1", "accepted", place, &lines);
    let payment = h.payment("1", "P-1", "captured");
    h.payment("1", "P-1", "captured");
    for line in lines {
        h.order_moved("1", "sold", line, payment);
    }
    h.event("1", "paid", payment, json!({}));
    let again = h.payment("1", "P-1b", "captured");
    h.event("1", "refund_required", again, json!({"reason": "already_paid"}));
    let ship = h.command("1", "ship", json!({"lines": [{"sku": "A", "quantity": 2}]}));
    h.event_lines("1", "part_shipped", ship, &[("A", 2, "main")]);
    let ship = h.command("1", "ship", json!({}));
    h.event_lines("1", "shipped", ship, &[("A", 1, "shop"), ("B", 2, "main")]);
    let deliver = h.command("1", "deliver", json!({}));
    h.event("1", "delivered", deliver, json!({}));
    let back = h.command("1", "return", json!({"restock": true, "lines": [{"sku": "A", "quantity": 1}]}));
    h.event_lines("1", "returned", back, &[("A", 1, "main")]);
    h.order_moved("1", "returned", ("A", 1, "main"), back);
    let scrap = h.command("1", "return", json!({"restock": false, "lines": [{"sku": "B", "quantity": 1}]}));
    h.event_lines("1", "returned", scrap, &[("B", 1, "main")]);
    let refunded = h.payment("1", "P-1", "refunded");
    h.event("1", "noted", refunded, json!({"reason": "refunded"}));
}

/// Order 2 is paid too late and has luck; a second late payment has none.
fn expired_and_reinstated(h: &mut History) {
    let place = h.place("2", &[("A", 4)]);
    h.order_moved("2", "held", ("A", 4, "main"), place);
    h.event_lines("2", "accepted", place, &[("A", 4, "main")]);
    h.order_moved("2", "expired", ("A", 4, "main"), place);
    h.event("2", "expired", place, json!({}));
    let late = h.payment("2", "P-2", "captured");
    h.order_moved("2", "held", ("A", 4, "shop"), late);
    h.event_lines("2", "reinstated", late, &[("A", 4, "shop")]);
    h.order_moved("2", "sold", ("A", 4, "shop"), late);
    h.event("2", "paid", late, json!({}));
}

/// Order 3 wants more than there is of B: its hold on A is released.
fn rejected(h: &mut History) {
    let place = h.place("3", &[("A", 1), ("B", 1000)]);
    h.order_moved("3", "held", ("A", 1, "main"), place);
    h.order_moved("3", "released", ("A", 1, "main"), place);
    h.event("3", "rejected", place, json!({"reason": "insufficient_stock", "sku": "B"}));
    h.place("3", &[("B", 1000), ("A", 1)]);
}

fn cancelled_before_its_place(h: &mut History) {
    let cancel = h.command("4", "cancel", json!({"reason": "customer"}));
    h.event("4", "cancelled", cancel, json!({"reason": "customer"}));
    let place = h.place("4", &[("A", 1)]);
    h.event("4", "rejected", place, json!({"reason": "already_cancelled"}));
    let payment = h.payment("4", "P-4", "captured");
    h.event("4", "refund_required", payment, json!({"reason": "rejected"}));
}

/// Order 5 is cancelled line by line; a command that had waited turns out to be impossible.
fn cancelled_unpaid(h: &mut History) {
    let place = h.place("5", &[("A", 2), ("B", 1)]);
    let ship = h.command("5", "ship", json!({"lines": [{"sku": "A", "quantity": 2}]}));
    h.order_moved("5", "held", ("A", 2, "main"), place);
    h.order_moved("5", "held", ("B", 1, "main"), place);
    h.event_lines("5", "accepted", place, &[("A", 2, "main"), ("B", 1, "main")]);
    h.event("5", "noted", ship, json!({"reason": "not_paid"}));
    let failed = h.payment("5", "P-5", "failed");
    h.event("5", "payment_failed", failed, json!({}));
    let cancel = h.command("5", "cancel", json!({"lines": [{"sku": "B", "quantity": 1}]}));
    h.order_moved("5", "released", ("B", 1, "main"), cancel);
    h.event_lines("5", "cancelled", cancel, &[("B", 1, "main")]);
    let cancel = h.command("5", "cancel", json!({}));
    h.order_moved("5", "released", ("A", 2, "main"), cancel);
    h.event_lines("5", "cancelled", cancel, &[("A", 2, "main")]);
}

fn paid_before_its_place_then_cancelled(h: &mut History) {
    let payment = h.payment("6", "P-6", "captured");
    h.event("6", "noted", payment, json!({"reason": "payment_before_order"}));
    let place = h.place("6", &[("A", 3)]);
    h.order_moved("6", "held", ("A", 3, "main"), place);
    h.event_lines("6", "accepted", place, &[("A", 3, "main")]);
    h.order_moved("6", "sold", ("A", 3, "main"), payment);
    h.event("6", "paid", payment, json!({}));
    let ship = h.command("6", "ship", json!({"lines": [{"sku": "A", "quantity": 1}]}));
    h.event_lines("6", "part_shipped", ship, &[("A", 1, "main")]);
    let cancel = h.command("6", "cancel", json!({}));
    h.order_moved("6", "returned", ("A", 2, "main"), cancel);
    h.event_lines("6", "cancelled", cancel, &[("A", 2, "main")]);
    h.event("6", "refund_required", cancel, json!({"reason": "cancelled"}));
}

fn still_open(h: &mut History) {
    let place = h.place("7", &[("B", 5)]);
    h.order_moved("7", "held", ("B", 5, "main"), place);
    h.event_lines("7", "accepted", place, &[("B", 5, "main")]);
}

/// Order 8 comes from a warehouse with `deduct_on = "shipment"`; part of it is cancelled, part still to be shipped.
fn deducted_at_shipment(h: &mut History) {
    let place = h.place("8", &[("B", 6)]);
    h.order_moved("8", "held", ("B", 6, "main"), place);
    h.event_lines("8", "accepted", place, &[("B", 6, "main")]);
    let payment = h.payment("8", "P-8", "captured");
    h.order_moved("8", "confirmed", ("B", 6, "main"), payment);
    h.event("8", "paid", payment, json!({}));
    let ship = h.command("8", "ship", json!({"lines": [{"sku": "B", "quantity": 2}]}));
    h.order_moved("8", "sold", ("B", 2, "main"), ship);
    h.event_lines("8", "part_shipped", ship, &[("B", 2, "main")]);
    let cancel = h.command("8", "cancel", json!({"lines": [{"sku": "B", "quantity": 1}]}));
    h.order_moved("8", "released", ("B", 1, "main"), cancel);
    h.event_lines("8", "cancelled", cancel, &[("B", 1, "main")]);
    h.event("8", "refund_required", cancel, json!({"reason": "cancelled"}));
}

/// A count of C finds less than order 9 holds; it is sold all the same, and goods come.
fn short(h: &mut History) {
    let received = h.restock("C", "R-9", "received", 10, json!({}));
    h.moved("received", ("C", 10, "main"), received);
    let place = h.place("9", &[("C", 8)]);
    h.order_moved("9", "held", ("C", 8, "main"), place);
    h.event_lines("9", "accepted", place, &[("C", 8, "main")]);
    let count = h.count("C", "K-9", 5);
    h.moved("counted", ("C", -5, "main"), count);
    h.moved_with("adjusted", ("C", -5, "main"), count, json!({"shortage": 3, "orders_at_risk": ["9"]}));
    let payment = h.payment("9", "P-9", "captured");
    h.order_moved("9", "sold", ("C", 8, "main"), payment);
    h.event("9", "paid", payment, json!({}));
    for (id, units) in [("R-10", 2), ("R-11", 20)] {
        let received = h.restock("C", id, "received", units, json!({}));
        h.moved("received", ("C", units, "main"), received);
    }
}

fn bad_input(h: &mut History) {
    let torn = h.push("orders", Some(b"10"), Body::Bytes(Some(br#"{"type":"place""#.to_vec())));
    h.dead_letter(torn, "invalid_json");
    let nobody = h.push("payments", None, Body::Bytes(Some(b"\xff".to_vec())));
    h.dead_letter(nobody, "missing_key");
    let other = h.place("1", &[("A", 99)]);
    h.dead_letter(other, "conflicting_duplicate");
    let unpaid = h.command("7", "ship", json!({}));
    h.dead_letter(unpaid, "not_paid");
    let tombstone = h.push("restocks", Some(b"A"), Body::Bytes(None));
    h.dead_letter(tombstone, "missing_value");
}
