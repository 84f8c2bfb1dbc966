//! A history in which everything is right passes, however its topics are mixed, and through a dump.

use waybill_auditor::{Auditor, Names, Options, Report, dump};

use crate::history::History;
use crate::history::shop::shop;
use crate::history::whole::whole;

fn passes(report: &Report) {
    assert!(report.ok(), "{report}");
}

#[test]
fn a_shop_where_all_is_right_passes_and_is_counted() {
    let report = shop().seal().audit();
    passes(&report);
    let c = &report.counts;
    assert_eq!((c.orders, c.accepted, c.rejected, c.decisions()), (9, 7, 2, 9));
    assert_eq!((c.skus, c.places, c.levels, c.open_holds), (3, 4, 3, 2));
    assert_eq!((c.dead_letters, c.duplicates, c.pending, c.unsettled), (5, 4, 0, 0));
    assert_eq!(c.rejections["insufficient_stock"], 1);
    assert_eq!(c.dead_letter_reasons["not_paid"], 1);
    let kinds = ["accepted", "rejected", "paid", "payment_failed", "refund_required", "expired", "reinstated"];
    let more = ["part_shipped", "shipped", "delivered", "cancelled", "returned", "noted"];
    assert_eq!(c.events.len(), kinds.len() + more.len());
    assert_eq!(c.moved.len(), 12, "every kind of movement");
    assert_eq!((c.moved["sold"].records, c.moved["sold"].units), (7, 5 + 4 + 3 + 2 + 8));
    assert!(report.to_string().ends_with("every check passed\n"), "{report}");
}

#[test]
fn so_does_one_with_a_catalogue_alerts_and_vehicles() {
    let report = whole().seal().audit();
    passes(&report);
    let c = &report.counts;
    assert_eq!((c.products, c.product_events.len(), c.listings, c.duplicates), (2, 7, 3, 11));
    assert_eq!((c.alerts["raised"], c.alerts["resolved"], c.open_alerts, c.forecasts), (3, 1, 2, 2));
    assert_eq!((c.shipments, c.open_shipments, c.shipment_events.len()), (2, 1, 17));
    assert_eq!((c.pings, c.verdicts.len(), c.vehicles, c.positions["silent"], c.feedback), (18, 5, 1, 1, 6));
    let text = report.to_string();
    assert!(text.contains("shipments                2  1 of them open\n"), "{text}");
    assert!(!shop().seal().audit().to_string().contains("shipments"), "what is not there is not spoken of");
}

#[test]
fn it_passes_in_whatever_order_the_topics_are_read() {
    let whole = whole().seal();
    let names = Names::default();
    for first in names.topics() {
        for second in names.topics() {
            let mut mixed = whole.clone();
            // Stable: each topic keeps its order.
            mixed.entries.sort_by_key(|e| (e.topic != first, e.topic != second));
            passes(&mixed.audit());
        }
    }
    let mut outputs_first = whole.clone();
    outputs_first.entries.sort_by_key(|e| std::cmp::Reverse(names.topics().iter().position(|name| *name == e.topic)));
    passes(&outputs_first.audit());
}

#[test]
fn it_passes_through_a_dump() -> Result<(), dump::Error> {
    let mut text = vec![];
    let whole = whole().seal();
    whole.each(|record| dump::write(&mut text, record).expect("a Vec takes all"));
    let mut auditor = Auditor::new(Names::default(), Options::default());
    let records = dump::read(&text[..], |record| auditor.record(record))?;
    let report = auditor.finish();
    passes(&report);
    assert_eq!(records, report.counts.records);
    assert_eq!(report.counts, whole.audit().counts);
    Ok(())
}

#[test]
fn the_names_of_topics_can_be_changed_and_other_topics_are_passed_over() {
    let mut h = History::default();
    let place = h.place("1", &[("A", 1)]);
    h.event("1", "rejected", place, serde_json::json!({"reason": "unknown_sku"}));
    let mut h = h.seal();
    h.json("waybill-orders-inbox", "1", serde_json::json!({}));
    passes(&h.audit());
    let names = Names { orders: "bestellungen".into(), ..Names::default() };
    let mut auditor = Auditor::new(names, Options::default());
    h.each(|record| auditor.record(record));
    let report = auditor.finish();
    assert_eq!(report.counts.inputs, 0);
    assert_eq!(report.violations[0].kind.word(), "unknown_cause");
}

#[test]
fn an_empty_log_passes_and_says_so() {
    let report = History::default().audit();
    passes(&report);
    assert_eq!(report.counts.records, 0);
}

/// What is cut off a living log is pending, not wrong; in a complete log it is wrong.
#[test]
fn a_log_that_is_still_written_to_has_pending_records() {
    let live = Options { complete: false, levels_final: false, in_flight_ms: 60_000, ..Options::default() };
    for whole in [shop().seal(), whole().seal()] {
        passes(&whole.audit_with(live));
        for cut in (1..whole.entries.len()).rev() {
            let mut head = whole.clone();
            head.entries.truncate(cut);
            passes(&head.audit_with(live));
        }
    }
    let whole = shop().seal();
    let mut head = whole.clone();
    let last = whole.one("order-events", &serde_json::json!({"order_id": "9", "type": "paid"}));
    head.entries.truncate(whole.find(last.0, last.1));
    let report = head.audit_with(live);
    assert!(report.counts.pending > 0 && report.counts.unsettled > 0, "{report}");
    assert!(!head.audit().ok());
}

/// Also when the outputs were read a moment later than the inputs.
#[test]
fn outputs_of_inputs_that_were_not_read_yet_are_pending() {
    let mut whole = shop().seal();
    let cancel = whole.one("order-events", &serde_json::json!({"order_id": "8", "type": "cancelled"}));
    let event = whole.find(cancel.0, cancel.1);
    whole.entries[event].timestamp += 3_600_000;
    let last = whole.entries.iter().filter(|e| e.topic == "orders").map(|e| e.offset).max().expect("there are orders");
    let cut = whole.find("orders", last - 3);
    let keep = |e: &crate::history::Entry| e.topic != "orders" || e.offset < whole.entries[cut].offset;
    let entries: Vec<_> = whole.entries.iter().filter(|e| keep(e)).cloned().collect();
    let report = History { entries }.audit_with(Options { complete: false, levels_final: false, ..Options::default() });
    passes(&report);
    assert!(report.counts.pending > 0, "{report}");
}
