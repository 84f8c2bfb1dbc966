//! Seeded faults in an order's course, its holds and its money.

use crate::history::History;
use crate::history::faults::{event, faults, moved};
use serde_json::json;

// The course of an order.
faults! {
    a_gap_in_an_orders_seq: told, [OrderSequence], |h| {
        let at = event(h, "8", "paid");
        h.edit(at, json!({"seq": 3}));
        at
    }
    an_event_that_is_lost: sealed, [OrderSequence, NoOutcome], |h| {
        let failed = event(h, "5", "payment_failed");
        h.remove(failed);
        let cancelled = h.one("order-events", &json!({"order_id": "5", "type": "cancelled", "seq": 4}));
        assert_eq!(cancelled.1, failed.1 + 1);
        cancelled
    }
    accepted_and_rejected: told, [TwoDecisions], |h| {
        let place = h.one("orders", &json!({"order_id": "7", "type": "place"}));
        h.event("7", "rejected", place, json!({"reason": "insufficient_stock"}))
    }
    accepted_twice: told, [TwoDecisions, InputMismatch], |h| {
        let place = h.one("orders", &json!({"order_id": "7", "type": "place"}));
        h.event_lines("7", "accepted", place, &[("B", 5, "main")])
    }
    paid_after_cancelled: told, [IllegalTransition, SoldMismatch], |h| {
        let late = h.payment("5", "P-late", "captured");
        h.order_moved("5", "held", ("B", 1, "main"), late);
        h.order_moved("5", "sold", ("B", 1, "main"), late);
        h.event("5", "paid", late, json!({}))
    }
    paid_after_expired_without_reinstated: told, [IllegalTransition, SoldMismatch], |h| {
        let at = event(h, "2", "reinstated");
        h.edit(at, json!({"type": "noted", "lines": null}));
        event(h, "2", "paid")
    }
    shipped_unpaid: told, [IllegalTransition], |h| {
        let ship = h.command("7", "ship", json!({}));
        h.event_lines("7", "shipped", ship, &[("B", 5, "main")])
    }
    expired_after_paid: told, [IllegalTransition, SoldMismatch], |h| {
        let place = h.one("orders", &json!({"order_id": "9", "type": "place"}));
        h.event("9", "expired", place, json!({}))
    }
    accepted_after_cancelled: told, [IllegalTransition, InputMismatch, AcceptedNotHeld], |h| {
        let at = event(h, "4", "rejected");
        h.edit(at, json!({"type": "accepted", "reason": null, "lines": [{"sku": "A", "quantity": 9, "location": "main"}]}));
        at
    }
    delivered_twice: told, [IllegalTransition], |h| {
        let deliver = h.command("1", "deliver", json!({}));
        h.event("1", "delivered", deliver, json!({}))
    }
    shipped_in_part_and_called_whole: told, [IllegalTransition], |h| {
        let at = h.one("order-events", &json!({"order_id": "8", "type": "part_shipped"}));
        h.edit(at, json!({"type": "shipped"}));
        at
    }
    shipped_more_than_accepted: told, [QuantityExceeded], |h| {
        let ship = h.command("9", "ship", json!({"lines": [{"sku": "C", "quantity": 9}]}));
        h.event_lines("9", "shipped", ship, &[("C", 9, "main")])
    }
    returned_more_than_shipped: told, [QuantityExceeded], |h| {
        let back = h.command("1", "return", json!({"restock": false, "lines": [{"sku": "B", "quantity": 2}]}));
        h.event_lines("1", "returned", back, &[("B", 2, "main")])
    }
    cancelled_more_than_left: told, [QuantityExceeded, HoldLost], |h| {
        let cancel = h.command("8", "cancel", json!({"lines": [{"sku": "A", "quantity": 1}]}));
        let cancelled = h.event_lines("8", "cancelled", cancel, &[("A", 1, "main")]);
        h.event("8", "refund_required", cancel, json!({"reason": "cancelled"}));
        cancelled
    }
}

// Holds.
faults! {
    released_twice: fresh, [HoldEndedTwice], |h| {
        let received = h.restock("A", "R-1", "received", 9, json!({}));
        h.moved("received", ("A", 9, "main"), received);
        for order in ["1", "2"] {
            let place = h.place(order, &[("A", 2)]);
            h.order_moved(order, "held", ("A", 2, "main"), place);
            h.event_lines(order, "accepted", place, &[("A", 2, "main")]);
        }
        let cancel = h.command("1", "cancel", json!({}));
        h.order_moved("1", "released", ("A", 2, "main"), cancel);
        h.event_lines("1", "cancelled", cancel, &[("A", 2, "main")]);
        // The figures stay possible: they are order 2's units.
        h.order_moved("1", "released", ("A", 2, "main"), cancel)
    }
    sold_twice: told, [HoldEndedTwice, NegativeStock], |h| {
        let payment = h.one("payments", &json!({"payment_id": "P-2"}));
        h.order_moved("2", "sold", ("A", 4, "shop"), payment)
    }
    returned_what_was_not_sold: told, [ReturnedUnsold, InputMismatch], |h| {
        let back = h.one("orders", &json!({"order_id": "1", "type": "return", "restock": true}));
        h.order_moved("1", "returned", ("A", 2, "main"), back)
    }
    still_held_after_expiry: told, [HoldLeftOpen], |h| {
        let place = h.one("orders", &json!({"order_id": "7", "type": "place"}));
        h.event("7", "expired", place, json!({}))
    }
    still_held_after_rejection: fresh, [HoldLeftOpen], |h| {
        let received = h.restock("A", "R-1", "received", 9, json!({}));
        h.moved("received", ("A", 9, "main"), received);
        let place = h.place("1", &[("A", 2), ("B", 1)]);
        h.order_moved("1", "held", ("A", 2, "main"), place);
        h.event("1", "rejected", place, json!({"reason": "insufficient_stock", "sku": "B"}))
    }
    still_held_after_cancel: told, [HoldLeftOpen], |h| {
        let cancel = h.command("7", "cancel", json!({}));
        h.event_lines("7", "cancelled", cancel, &[("B", 5, "main")])
    }
    paid_and_still_held: told, [HoldLeftOpen], |h| {
        let payment = h.payment("7", "P-7", "captured");
        h.event("7", "paid", payment, json!({}))
    }
    a_hold_that_vanished: told, [HoldLost], |h| {
        let place = h.one("orders", &json!({"order_id": "7", "type": "place"}));
        h.order_moved("7", "released", ("B", 5, "main"), place);
        event(h, "7", "accepted")
    }
    accepted_elsewhere_than_held: told, [AcceptedNotHeld], |h| {
        let at = event(h, "7", "accepted");
        h.edit(at, json!({"lines": [{"sku": "B", "quantity": 5, "location": "shop"}]}));
        at
    }
    accepted_and_not_held: told, [AcceptedNotHeld], |h| {
        let place = h.place("20", &[("A", 1)]);
        h.event_lines("20", "accepted", place, &[("A", 1, "main")])
    }
    sold_unpaid: told, [SoldMismatch], |h| {
        let payment = h.payment("7", "P-7", "captured");
        h.order_moved("7", "sold", ("B", 5, "main"), payment);
        h.event("7", "noted", payment, json!({}))
    }
    shipped_and_not_sold: told, [SoldMismatch], |h| {
        let ship = h.command("8", "ship", json!({"lines": [{"sku": "B", "quantity": 1}]}));
        h.event_lines("8", "part_shipped", ship, &[("B", 1, "main")])
    }
    cancelled_and_not_put_back: told, [SoldMismatch], |h| {
        let at = moved(h, &json!({"kind": "returned", "order_id": "6"}));
        h.remove(at);
        h.one("order-events", &json!({"order_id": "6", "type": "refund_required"}))
    }
}

// Money.
faults! {
    cancelled_after_payment_without_refund: told, [RefundMissing], |h| {
        let cancel = h.command("9", "cancel", json!({}));
        h.order_moved("9", "returned", ("C", 8, "main"), cancel);
        h.event_lines("9", "cancelled", cancel, &[("C", 8, "main")])
    }
    confirmed_unpaid: told, [SoldMismatch], |h| {
        let payment = h.payment("7", "P-7", "captured");
        h.order_moved("7", "confirmed", ("B", 5, "main"), payment);
        h.event("7", "refund_required", payment, json!({"reason": "amount_mismatch"}))
    }
    an_early_payment_that_is_forgotten: fresh, [NoOutcome], |h| {
        let payment = h.payment("1", "P-1", "captured");
        h.event("1", "noted", payment, json!({"reason": "payment_before_order"}));
        let place = h.place("1", &[("A", 1)]);
        h.event("1", "rejected", place, json!({"reason": "unknown_sku"}));
        payment
    }
}

#[test]
fn an_early_payment_may_wait_for_its_order() {
    let mut h = History::default();
    let payment = h.payment("1", "P-1", "captured");
    h.event("1", "noted", payment, json!({"reason": "payment_before_order"}));
    let report = h.seal().audit();
    assert!(report.ok(), "{report}");
}
