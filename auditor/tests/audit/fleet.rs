//! Seeded faults in pings, positions, shipments, and in what a dispatch does to an order.

use serde_json::json;
use waybill_auditor::Options;

use crate::history::faults::faults;
use crate::history::whole::whole;
use crate::history::{Body, History, Input};

/// The shipment's one event of this type, at this stop if it is a stop's.
fn shipped(h: &History, shipment: &str, kind: &str, stop: Option<&str>) -> Input {
    let mut members = json!({"shipment_id": shipment, "type": kind});
    if let Some(stop) = stop {
        members["stop_id"] = json!(stop);
    }
    h.one("shipment-events", &members)
}

// Pings.
faults! {
    a_ping_without_verdict: whole, [NoOutcome], |h| {
        let at = h.ping("V-7");
        h.a_minute_later();
        at
    }
    a_ping_judged_twice: whole, [AnsweredTwice], |h| {
        let ping = h.judged("V-7", "accepted");
        h.verdict("V-7", "late", ping)
    }
    a_verdict_for_another_vehicle: whole, [WrongCause, NoOutcome], |h| {
        let ping = h.ping("V-7");
        let at = h.verdict("V-8", "accepted", ping);
        h.a_minute_later();
        at
    }
    a_verdict_on_nothing: whole, [UnknownCause], |h| {
        h.verdict("V-7", "accepted", ("gps-pings", 1000))
    }
    a_verdict_on_an_order: whole, [WrongCause], |h| {
        h.verdict("V-7", "accepted", ("orders", 0))
    }
    a_verdict_on_a_bad_ping: whole, [WrongCause, TimeBackwards], |h| {
        let bad = h.one("gps-pings", &json!({"lat": 120.0}));
        h.verdict("V-7", "accepted", bad)
    }
    a_bad_ping_that_is_no_dead_letter: whole, [NoOutcome], |h| {
        h.push("gps-pings", Some(b"V-7"), Body::Bytes(Some(b"NaN".to_vec())))
    }
    a_ping_judged_and_thrown_away: whole, [OutcomeAndDeadLetter], |h| {
        let ping = h.judged("V-7", "late");
        h.dead_letter(ping, "out_of_range");
        ping
    }
    a_ping_that_moved_and_was_thrown_away: whole, [OutcomeAndDeadLetter], |h| {
        let ping = h.ping("V-7");
        h.dead_letter(ping, "out_of_range");
        h.position("V-7", ping, (60.175, 24.950), 41, json!({"state": "moving"}));
        ping
    }
    a_fix_accepted_twice: whole, [AppliedTwice, TimeBackwards], |h| {
        let ping = h.judged("V-7", "accepted");
        let again = h.again("gps-pings", ping);
        h.verdict("V-7", "accepted", again);
        again
    }
    an_older_fix_that_is_accepted: whole, [TimeBackwards], |h| {
        let ping = h.fix("V-7", 1_291_190_401_000);
        h.verdict("V-7", "accepted", ping)
    }
    a_new_fix_that_is_called_late: whole, [WrongVerdict], |h| {
        let ping = h.ping("V-7");
        h.verdict("V-7", "late", ping)
    }
    a_verdict_with_another_fix_time: whole, [WrongVerdict], |h| {
        let ping = h.ping("V-7");
        let at = h.verdict("V-7", "inaccurate", ping);
        h.edit(at, json!({"fix_time": "2010-12-02T08:26:00.000Z"}));
        at
    }
    a_verdict_with_another_id: whole, [WrongId], |h| {
        let ping = h.ping("V-7");
        let at = h.verdict("V-7", "inaccurate", ping);
        h.edit(at, json!({"event_id": "gps-pings/0/0/V-8"}));
        at
    }
    a_duplicate_of_nothing: whole, [WrongVerdict], |h| {
        h.judged("V-7", "duplicate")
    }
    a_dead_ping_with_other_bytes: whole, [DeadLetterBytes], |h| {
        let bad = h.one("gps-pings", &json!({"lat": 120.0}));
        let index = h.entries.iter().position(|e| e.topic == "dead-letters" && e.key.as_deref() == Some(b"V-7")).expect("there");
        assert_eq!(h.entries[index].headers[4].1, bad.1.to_string().into_bytes());
        h.entries[index].value = Body::Bytes(Some(b"{}".to_vec()));
        ("dead-letters", h.entries[index].offset)
    }
}

// Positions.
faults! {
    a_position_that_goes_back: whole, [TimeBackwards], |h| {
        let ping = h.judged("V-7", "accepted");
        h.position("V-7", ping, (60.175, 24.950), 39, json!({"state": "moving"}))
    }
    a_position_out_of_reach: whole, [ImpossibleSpeed], |h| {
        let ping = h.judged("V-7", "accepted");
        h.position("V-7", ping, (61.175, 24.950), 42, json!({"state": "moving"}))
    }
    a_position_that_is_nowhere: whole, [MalformedOutput], |h| {
        let ping = h.judged("V-7", "accepted");
        h.position("V-7", ping, (91.0, 24.950), 42, json!({"state": "moving"}))
    }
    a_position_by_another_vehicles_ping: whole, [WrongCause], |h| {
        let ping = h.judged("V-8", "accepted");
        h.position("V-7", ping, (60.175, 24.950), 42, json!({"state": "moving"}))
    }
    a_position_by_an_order: whole, [WrongCause], |h| {
        h.position("V-7", ("orders", 0), (60.175, 24.950), 42, json!({"state": "moving"}))
    }
    one_vehicles_positions_in_two_partitions: whole, [WrongPartition], |h| {
        let at = h.one("vehicle-positions", &json!({"state": "moving"}));
        let index = h.find(at.0, at.1);
        h.entries[index].partition = 1;
        h.one("vehicle-positions", &json!({"state": "stopped"}))
    }
}

// Stops and their fences.
faults! {
    a_left_that_is_missing: whole, [FenceLeftOpen], |h| {
        let at = shipped(h, "S-1", "left", Some("2"));
        h.remove(at);
        shipped(h, "S-1", "completed", None)
    }
    recalled_and_never_left: whole, [FenceLeftOpen], |h| {
        let at = shipped(h, "S-2", "left", None);
        h.remove(at);
        shipped(h, "S-2", "recalled", None)
    }
    an_arrival_that_is_missing: whole, [FenceUnpaired], |h| {
        let at = shipped(h, "S-1", "arrived", Some("1"));
        h.remove(at);
        shipped(h, "S-1", "left", Some("1"))
    }
    arrived_twice: whole, [FenceUnpaired], |h| {
        let ping = h.judged("V-9", "accepted");
        h.shipment("S-2", "V-9", "arrived", ping, json!({"stop_id": "1"}));
        h.shipment("S-2", "V-9", "arrived", ping, json!({"stop_id": "1"}))
    }
    approaching_where_it_is: whole, [FenceUnpaired], |h| {
        let ping = h.judged("V-9", "accepted");
        h.shipment("S-2", "V-9", "arrived", ping, json!({"stop_id": "1"}));
        h.shipment("S-2", "V-9", "approaching", ping, json!({"stop_id": "1"}))
    }
    arrived_nowhere: whole, [MalformedOutput], |h| {
        let ping = h.judged("V-9", "accepted");
        h.shipment("S-2", "V-9", "arrived", ping, json!({}))
    }
    delivered_twice_at_a_stop: whole, [StopEndedTwice, ShipmentWithoutEnd], |h| {
        let proof = h.proof("V-9", "S-2", "delivered", "1");
        h.event("31", "noted", proof, json!({}));
        h.shipment("S-2", "V-9", "delivered", proof, json!({"stop_id": "1"}));
        h.shipment("S-2", "V-9", "delivered", proof, json!({"stop_id": "1"}))
    }
    failed_after_it_was_delivered: whole, [StopEndedTwice, ShipmentWithoutEnd], |h| {
        let proof = h.proof("V-9", "S-2", "delivered", "1");
        h.event("31", "noted", proof, json!({}));
        h.shipment("S-2", "V-9", "delivered", proof, json!({"stop_id": "1"}));
        let proof = h.proof("V-9", "S-2", "failed", "1");
        h.event("31", "noted", proof, json!({}));
        h.shipment("S-2", "V-9", "failed", proof, json!({"stop_id": "1"}))
    }
}

// A shipment's course.
faults! {
    silent_twice: whole, [EpisodeUnpaired], |h| {
        let at = shipped(h, "S-1", "resumed", None);
        h.edit(at, json!({"type": "silent"}));
        at
    }
    resumed_and_never_silent: whole, [EpisodeUnpaired], |h| {
        let at = shipped(h, "S-1", "silent", None);
        h.remove(at);
        shipped(h, "S-1", "resumed", None)
    }
    back_on_the_route_twice: whole, [EpisodeUnpaired], |h| {
        let at = shipped(h, "S-1", "back_on_route", None);
        h.again("shipment-events", at);
        let last = h.entries.pop().expect("the copy");
        let index = h.find(at.0, at.1);
        h.entries.insert(index + 1, last);
        h.entries.iter_mut().filter(|e| e.topic == "shipment-events").zip(0..).for_each(|(e, offset)| e.offset = offset);
        ("shipment-events", at.1 + 1)
    }
    departed_twice: whole, [DepartedTwice], |h| {
        let at = shipped(h, "S-1", "approaching", None);
        h.edit(at, json!({"type": "departed"}));
        at
    }
    approaching_twice: whole, [FenceUnpaired], |h| {
        let ping = h.judged("V-9", "accepted");
        h.shipment("S-2", "V-9", "approaching", ping, json!({"stop_id": "1"}));
        h.shipment("S-2", "V-9", "approaching", ping, json!({"stop_id": "1"}))
    }
    on_its_way_after_it_was_recalled: whole, [AfterTheEnd], |h| {
        let recall = h.proof("V-9", "S-2", "recall", "1");
        h.shipment("S-2", "V-9", "recalled", recall, json!({}));
        let ping = h.judged("V-9", "accepted");
        h.shipment("S-2", "V-9", "silent", ping, json!({}))
    }
    delivered_what_another_vehicle_has: whole, [StopEndedTwice], |h| {
        h.sent("V-8", "S-4", &[("1", "31"), ("2", "30")]);
        let other = h.sent("V-9", "S-5", &[("1", "31")]);
        h.shipment("S-4", "V-8", "recalled", other, json!({"stop_id": "1", "reason": "handed_over"}));
        let proof = h.proof("V-8", "S-4", "delivered", "1");
        h.event("31", "noted", proof, json!({}));
        h.shipment("S-4", "V-8", "delivered", proof, json!({"stop_id": "1"}))
    }
    recalled_by_a_dispatch_that_has_nothing_of_it: whole, [WrongLoad], |h| {
        h.sent("V-8", "S-4", &[("1", "31"), ("2", "30")]);
        let other = h.sent("V-9", "S-5", &[("1", "9")]);
        h.shipment("S-4", "V-8", "recalled", other, json!({"stop_id": "1", "reason": "handed_over"}))
    }
    something_after_the_end: whole, [AfterTheEnd], |h| {
        let ping = h.judged("V-7", "accepted");
        h.shipment("S-1", "V-7", "eta_changed", ping, json!({}))
    }
    completed_twice: whole, [AfterTheEnd], |h| {
        let failed = h.one("dispatches", &json!({"type": "failed"}));
        h.shipment("S-1", "V-7", "completed", failed, json!({}))
    }
    an_end_that_never_comes: whole, [ShipmentWithoutEnd], |h| {
        let at = shipped(h, "S-1", "completed", None);
        h.remove(at);
        shipped(h, "S-1", "left", Some("2"))
    }
    completed_with_a_stop_left_out: whole, [StopLeftOut, NoOutcome], |h| {
        let at = shipped(h, "S-1", "failed", Some("2"));
        h.remove(at);
        shipped(h, "S-1", "completed", None)
    }
    an_event_that_is_earlier_than_the_one_before: whole, [TimeBackwards], |h| {
        let at = shipped(h, "S-1", "overspeed", None);
        h.edit(at, json!({"at": "2010-12-01T08:25:59.999Z"}));
        at
    }
    a_gap_in_a_shipments_seq: whole_sealed, [ShipmentSequence], |h| {
        let at = shipped(h, "S-1", "eta_changed", None);
        h.remove(at);
        shipped(h, "S-1", "late", None)
    }
    a_shipment_event_that_comes_twice: whole_sealed, [DuplicateId], |h| {
        let at = shipped(h, "S-1", "departed", None);
        h.again("shipment-events", at)
    }
    a_shipment_event_with_another_id: whole, [WrongId], |h| {
        let at = shipped(h, "S-1", "departed", None);
        h.edit(at, json!({"event_id": "gps-pings/0/0/V-7/S-1/9"}));
        at
    }
    driven_by_another_vehicle: whole, [WrongLoad], |h| {
        let ping = h.judged("V-7", "accepted");
        h.shipment("S-2", "V-7", "eta_changed", ping, json!({}))
    }
    one_shipments_events_in_two_partitions: whole, [WrongPartition], |h| {
        let at = shipped(h, "S-1", "planned", None);
        let index = h.find(at.0, at.1);
        h.entries[index].partition = 1;
        shipped(h, "S-1", "departed", None)
    }
}

// Dispatches, and the orders they carry.
faults! {
    a_dispatch_that_was_lost: whole, [NoOutcome], |h| {
        h.dispatch("V-9", "S-9", &[("1", "31")])
    }
    a_proof_that_was_lost: whole, [NoOutcome], |h| {
        h.proof("V-9", "S-2", "delivered", "1")
    }
    a_dispatch_taken_for_another: whole, [NoOutcome], |h| {
        h.dispatch("V-7", "S-1", &[("1", "30")])
    }
    planned_by_a_proof: whole, [WrongCause], |h| {
        let proof = h.one("dispatches", &json!({"type": "failed"}));
        h.shipment("S-2", "V-9", "planned", proof, json!({}))
    }
    planned_by_an_order: whole, [WrongCause], |h| {
        h.shipment("S-2", "V-9", "planned", ("orders", 0), json!({}))
    }
    an_order_that_is_not_on_the_shipment: whole, [WrongLoad, InputMismatch], |h| {
        let proof = h.one("dispatches", &json!({"type": "failed"}));
        h.event("1", "noted", proof, json!({}))
    }
    a_shipment_that_names_another_order: whole, [WrongLoad], |h| {
        let at = shipped(h, "S-1", "planned", None);
        h.edit(at, json!({"order_ids": ["30", "9"]}));
        at
    }
    a_dispatch_that_its_order_never_heard_of: whole, [InputMismatch], |h| {
        let at = h.dispatch("V-9", "S-9", &[("1", "30"), ("2", "31")]);
        h.shipment("S-9", "V-9", "planned", at, json!({}));
        h.event("30", "noted", at, json!({}));
        at
    }
    a_dispatch_that_its_order_heard_of_twice: whole, [InputMismatch], |h| {
        let at = h.sent("V-9", "S-9", &[("1", "30")]);
        h.event("30", "noted", at, json!({}));
        at
    }
    a_failed_stop_that_its_order_never_heard_of: whole, [InputMismatch], |h| {
        let at = h.proof("V-9", "S-2", "failed", "1");
        h.shipment("S-2", "V-9", "failed", at, json!({"stop_id": "1"}));
        h.shipment("S-2", "V-9", "completed", at, json!({}));
        at
    }
    delivered_and_never_shipped: whole, [IllegalTransition], |h| {
        // Order 31 has been out twice; order 9 is paid and was never shipped.
        h.sent("V-9", "S-9", &[("1", "9")]);
        let proof = h.proof("V-9", "S-9", "delivered", "1");
        h.shipment("S-9", "V-9", "delivered", proof, json!({"stop_id": "1"}));
        h.shipment("S-9", "V-9", "completed", proof, json!({}));
        h.event("9", "delivered", proof, json!({}))
    }
    out_for_delivery_and_never_shipped: whole, [IllegalTransition], |h| {
        let dispatch = h.dispatch("V-9", "S-9", &[("1", "9")]);
        h.shipment("S-9", "V-9", "planned", dispatch, json!({}));
        h.event("9", "out_for_delivery", dispatch, json!({}))
    }
}

#[test]
fn pings_need_no_verdict_where_none_is_written() {
    let mut h = whole();
    h.ping("V-7");
    h.a_minute_later();
    h.entries.retain(|e| e.topic != "ping-verdicts");
    let report = h.seal().audit();
    assert!(report.ok(), "{report}");
}

#[test]
fn how_fast_one_may_be_can_be_said() {
    let mut h = whole();
    let ping = h.judged("V-7", "accepted");
    h.position("V-7", ping, (60.181, 24.950), 42, json!({"state": "moving"}));
    let h = h.seal();
    assert!(h.audit().ok());
    let report = h.audit_with(Options { most_metres_per_second: 0, ..Options::default() });
    assert_eq!(report.total(), 1, "{report}");
}

/// The newest pings may be waiting for older ones, even in a log that nobody writes to any more.
#[test]
fn a_ping_may_wait_for_its_verdict() {
    let mut h = whole();
    h.ping("V-7");
    let report = h.seal().audit();
    assert!(report.ok(), "{report}");
    assert_eq!(report.counts.waiting_pings, 1);
}

/// A first fix may be wild: after three that agree, the vehicle is where they say. Fewer do not move it.
#[test]
fn a_vehicle_may_be_believed_elsewhere_after_enough_pings() {
    for (pings, excused) in [(1, false), (2, false), (3, true)] {
        let mut h = whole();
        for _ in 1..pings {
            h.judged("V-7", "outlier");
        }
        h.judged("V-8", "accepted");
        let ping = h.judged("V-7", "accepted");
        h.position("V-7", ping, (61.0, 24.0), 41, json!({"state": "moving"}));
        let report = h.seal().audit();
        assert_eq!(report.ok(), excused, "{pings}: {report}");
    }
}

/// V-8 loses one of two orders to V-9 and goes on with the other; a shipment that loses all is over.
#[test]
fn an_order_may_be_handed_over() {
    let mut h = whole();
    h.sent("V-8", "S-4", &[("1", "31"), ("2", "30")]);
    let other = h.sent("V-9", "S-5", &[("1", "31")]);
    h.shipment("S-4", "V-8", "recalled", other, json!({"stop_id": "1", "reason": "handed_over", "order_ids": ["31"]}));
    let third = h.sent("V-10", "S-6", &[("1", "31")]);
    h.shipment("S-5", "V-9", "recalled", third, json!({"stop_id": "1", "reason": "handed_over"}));
    h.shipment("S-5", "V-9", "recalled", third, json!({"reason": "handed_over"}));
    // There is nothing left to call back.
    h.proof("V-9", "S-5", "recall", "1");
    let proof = h.proof("V-8", "S-4", "delivered", "2");
    h.event("30", "noted", proof, json!({}));
    for (kind, stop) in [("departed", None), ("delivered", Some("2")), ("completed", None)] {
        h.shipment("S-4", "V-8", kind, proof, stop.map_or(json!({}), |stop| json!({"stop_id": stop})));
    }
    let report = h.seal().audit();
    assert!(report.ok(), "{report}");
    assert_eq!((report.counts.shipments, report.counts.open_shipments), (5, 2));
}

/// A recall is told to the orders that are on board, and an order with two stops hears of the second delivery.
#[test]
fn an_order_hears_of_its_recall_and_of_its_last_stop() {
    let mut h = whole();
    let dispatch = h.dispatch("V-9", "S-9", &[("1", "30"), ("2", "30"), ("3", "31")]);
    h.shipment("S-9", "V-9", "planned", dispatch, json!({}));
    for order in ["30", "31"] {
        h.event(order, "noted", dispatch, json!({"reason": "order_closed"}));
    }
    for stop in ["1", "2"] {
        let proof = h.proof("V-9", "S-9", "delivered", stop);
        h.shipment("S-9", "V-9", "delivered", proof, json!({"stop_id": stop}));
        if stop == "2" {
            h.event("30", "noted", proof, json!({"reason": "order_closed"}));
        }
    }
    let recall = h.json("dispatches", "V-9", json!({"type": "recall", "shipment_id": "S-9", "vehicle_id": "V-9"}));
    h.shipment("S-9", "V-9", "recalled", recall, json!({}));
    h.event("31", "noted", recall, json!({"reason": "recalled"}));
    let report = h.seal().audit();
    assert!(report.ok(), "{report}");
}

/// Nobody has placed the order yet: it hears at once, and again when it is decided, perhaps.
#[test]
fn an_order_may_be_dispatched_before_it_is_placed() {
    for placed in [false, true] {
        let mut h = whole();
        let dispatch = h.dispatch("V-9", "S-9", &[("1", "50")]);
        h.shipment("S-9", "V-9", "planned", dispatch, json!({}));
        h.event("50", "noted", dispatch, json!({"reason": "shipment_before_order"}));
        if placed {
            let place = h.place("50", &[("Z", 1)]);
            h.event("50", "rejected", place, json!({"reason": "unknown_sku"}));
            h.event("50", "noted", dispatch, json!({"reason": "order_closed"}));
        }
        let report = h.seal().audit();
        assert!(report.ok(), "{report}");
    }
}

/// The vehicle comes back: each order that it has not brought hears so. An order with two stops hears of the last alone.
#[test]
fn a_recall_and_the_last_of_two_stops_are_heard_by_their_orders() {
    let mut h = whole();
    h.sent("V-9", "S-9", &[("1", "30"), ("2", "31")]);
    let recall = h.proof("V-9", "S-9", "recall", "9");
    h.shipment("S-9", "V-9", "recalled", recall, json!({}));
    h.event("30", "noted", recall, json!({"reason": "recalled"}));
    h.event("31", "noted", recall, json!({"reason": "recalled"}));
    let dispatch = h.dispatch("V-9", "S-10", &[("1", "30"), ("2", "30")]);
    h.shipment("S-10", "V-9", "planned", dispatch, json!({}));
    h.event("30", "noted", dispatch, json!({"reason": "order_closed"}));
    for stop in ["1", "2"] {
        let proof = h.proof("V-9", "S-10", "delivered", stop);
        h.shipment("S-10", "V-9", "delivered", proof, json!({"stop_id": stop}));
        if stop == "2" {
            h.event("30", "noted", proof, json!({"reason": "order_closed"}));
            h.shipment("S-10", "V-9", "completed", proof, json!({}));
        }
    }
    let report = h.seal().audit();
    assert!(report.ok(), "{report}");
}

/// Of three fixes that agree, the last one by its own time was heard first.
#[test]
fn the_fixes_that_are_believed_may_have_overtaken_each_other() {
    let mut h = whole();
    let last = h.ping("V-7");
    for _ in 0..2 {
        h.judged("V-7", "outlier");
    }
    h.verdict("V-7", "accepted", last);
    h.position("V-7", last, (61.0, 24.0), 41, json!({"state": "moving"}));
    let report = h.seal().audit();
    assert!(!report.by_kind.contains_key(&waybill_auditor::Kind::ImpossibleSpeed), "{report}");
}
