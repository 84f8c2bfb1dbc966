//! The books, checked against each other after every step: written from the contract, not from the rules' code.

use std::collections::BTreeMap;

use schemas::event::{Movement, MovementKind, OrderEventKind};
use schemas::product::ProductEventKind;
use sha2::{Digest, Sha256};
use waybill_processors::orders::DeductOn;
use waybill_processors::stock::Reservation;

use super::World;

/// Units by SKU, place and order.
type Units = BTreeMap<(String, String, String), i64>;

impl World {
    /// Panics on the first contradiction.
    pub(super) fn check(&self) {
        let open = self.open_units();
        for (sku, movements) in &self.journal {
            self.check_chain(sku, movements);
        }
        self.check_figures(&open);
        self.check_ends(&open);
        self.check_events();
        self.check_listings();
        if self.commands.is_empty() && self.replies.is_empty() {
            self.check_orders(&open);
        }
    }

    fn open_units(&self) -> Units {
        let mut units = Units::new();
        for ((sku, order_id), bytes) in &self.reservations {
            let reservation = Reservation::decode(bytes).expect("a reservation decodes");
            for (location, quantity) in reservation.units() {
                assert!(quantity > 0, "order {order_id} holds {quantity} of {sku} at {location}");
                units.insert((sku.clone(), location.into(), order_id.clone()), quantity);
            }
        }
        units
    }

    /// Numbers, hashes and figures of one SKU's movements.
    fn check_chain(&self, sku: &str, movements: &[Movement]) {
        let mut previous = "0".repeat(64);
        let mut figures: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        for (seq, m) in (1..).zip(movements) {
            assert_eq!(m.seq, seq, "movement number of {sku}");
            let (on_hand, reserved) = figures.entry(&m.location).or_default();
            let q = m.quantity;
            let (more, held) = match m.kind {
                MovementKind::Received | MovementKind::Returned | MovementKind::TransferredIn | MovementKind::Adjusted => (q, 0),
                MovementKind::Damaged | MovementKind::TransferredOut => (-q, 0),
                MovementKind::Held => (0, q),
                MovementKind::Released | MovementKind::Expired => (0, -q),
                MovementKind::Sold => (-q, -q),
                MovementKind::Confirmed | MovementKind::Counted => (0, 0),
            };
            *on_hand += more;
            *reserved += held;
            assert_eq!((m.on_hand, m.reserved), (*on_hand, *reserved), "figures of {sku} after movement {seq}: {m:?}");
            let signed = matches!(m.kind, MovementKind::Counted | MovementKind::Adjusted);
            assert!(signed || q > 0, "{m:?} moves nothing");
            assert_eq!(hex::encode(m.previous), previous, "hash before movement {seq} of {sku}");
            let topic = self.stock_config.names.of(m.cause.source);
            let text = [
                previous,
                sku.into(),
                m.location.to_string(),
                m.seq.to_string(),
                m.kind.word().into(),
                q.to_string(),
                m.on_hand.to_string(),
                m.reserved.to_string(),
                m.order_id.as_deref().unwrap_or("").into(),
                m.at.to_string(),
                format!("{topic}/{}/{}/{sku}/{seq}", m.cause.partition, m.cause.offset),
            ]
            .join("\n");
            previous = hex::encode(Sha256::digest(text));
            assert_eq!(hex::encode(m.hash), previous, "hash of movement {seq} of {sku}");
        }
    }

    /// Levels equal the last movements; nothing is oversold unless a shortage was reported there.
    fn check_figures(&self, open: &Units) {
        for sku in self.stock.keys() {
            let level = self.stock(sku).expect("it is in the store").level();
            let none = vec![];
            let movements = self.journal.get(sku).unwrap_or(&none);
            assert_eq!(level.version, movements.len() as u64, "version of {sku}");
            let last = |location: &str| movements.iter().rfind(|m| &*m.location == location);
            for row in &level.locations {
                let what = format!("{sku} at {}: {row:?}", row.location);
                assert_eq!(last(&row.location).map_or((0, 0), |m| (m.on_hand, m.reserved)), (row.on_hand, row.reserved), "{what}");
                let held: i64 = open.iter().filter(|((s, l, _), _)| s == sku && **l == *row.location).map(|(_, units)| units).sum();
                assert_eq!(row.reserved, held, "reserved is what the orders hold: {what}");
                assert_eq!(row.available, row.on_hand - row.reserved, "{what}");
                assert!(row.incoming >= 0, "{what}");
                let short = movements.iter().rfind(|m| m.location == row.location && on_shelf_changed_by_warehouse(m.kind));
                let reported = short.is_some_and(|m| m.shortage.is_some());
                assert!(row.available >= 0 || reported, "oversold: {what}");
            }
            for m in movements {
                let missing = m.reserved - m.on_hand;
                if matches!(m.kind, MovementKind::Adjusted | MovementKind::Damaged) {
                    assert_eq!(m.shortage, (missing > 0).then_some(missing), "{m:?}");
                } else if m.kind == MovementKind::Held {
                    assert!(missing <= 0, "held what is not there: {m:?}");
                }
            }
            assert_eq!(level.on_hand, level.locations.iter().map(|r| r.on_hand).sum::<i64>(), "{sku}");
            assert_eq!(level.reserved, level.locations.iter().map(|r| r.reserved).sum::<i64>(), "{sku}");
            assert_eq!(level.available, level.on_hand - level.reserved, "{sku}");
        }
    }

    /// Every unit that was held has ended once or is still held.
    fn check_ends(&self, open: &Units) {
        let mut balance = Units::new();
        for (sku, movements) in &self.journal {
            for m in movements {
                let Some(order_id) = &m.order_id else { continue };
                let units = balance.entry((sku.clone(), m.location.to_string(), order_id.to_string())).or_default();
                match m.kind {
                    MovementKind::Held => *units += m.quantity,
                    MovementKind::Released | MovementKind::Expired | MovementKind::Sold => *units -= m.quantity,
                    _ => {}
                }
                assert!(*units >= 0, "ended twice: {m:?}");
            }
        }
        balance.retain(|_, units| *units > 0);
        assert_eq!(&balance, open, "what was held and has not ended is what is held");
    }

    /// Per order: numbers 1, 2, 3 …; at most one decision; `accepted` is followed by what may follow it.
    fn check_events(&self) {
        let mut last: BTreeMap<&str, (u32, bool)> = BTreeMap::new();
        for (id, event) in &self.events {
            let (seq, decided) = last.entry(id).or_default();
            *seq += 1;
            assert_eq!(event.seq, *seq, "event number of order {id}: {event:?}");
            if matches!(event.kind, OrderEventKind::Accepted | OrderEventKind::Rejected) {
                assert!(!*decided, "order {id} is decided twice: {event:?}");
                *decided = true;
            } else if !matches!(
                event.kind,
                OrderEventKind::Noted | OrderEventKind::Cancelled | OrderEventKind::RefundRequired | OrderEventKind::PaymentFailed
            ) {
                assert!(*decided, "order {id} is not decided: {event:?}");
            }
        }
    }

    /// Per SKU: numbers and versions without a gap, refusals that name what stands, quarantines that end before the next
    /// of their kind begins, and a catalogue that is what the events say.
    fn check_listings(&self) {
        for (sku, events) in &self.product_events {
            let (mut version, mut held, mut off_sale) = (0, None, false);
            let mut stands = None;
            for (seq, event) in (1..).zip(events) {
                assert_eq!(event.seq, seq, "event number of {sku}: {event:?}");
                version += u64::from(matches!(
                    event.kind,
                    ProductEventKind::Updated | ProductEventKind::Quarantined | ProductEventKind::Withdrawn
                ));
                assert_eq!(event.version, version, "version of {sku}: {event:?}");
                match event.kind {
                    ProductEventKind::Updated => {
                        (held, off_sale) = (None, false);
                        stands = Some((event.product.as_deref().cloned().expect("an update says all"), "listed"));
                    }
                    ProductEventKind::Withdrawn => {
                        (held, off_sale) = (None, false);
                        stands = stands.map(|(product, _)| (product, "withdrawn"));
                    }
                    ProductEventKind::Quarantined if event.product.is_some() => {
                        assert!(held.is_none(), "an update of {sku} is held and another one held back: {event:?}");
                        held.clone_from(&event.product);
                    }
                    ProductEventKind::Quarantined => {
                        assert!(!off_sale, "{sku} is taken off sale twice: {event:?}");
                        off_sale = true;
                        stands = stands.map(|(product, _)| (product, "quarantined"));
                    }
                    _ => {}
                }
            }
            let row = self.listing(sku).expect("it has events").row();
            let shown = row.map(|row| (row.version, row.product, row.state, row.held));
            assert_eq!(shown, stands.map(|(product, state)| (version, product, state, held.map(|held| *held))), "the row of {sku}");
        }
    }

    /// With no message on its way, every order holds what it believes to hold.
    fn check_orders(&self, open: &Units) {
        let mut believed = Units::new();
        for id in self.orders.keys() {
            let order = self.order(id).expect("it is in the store");
            let view = order.view();
            assert_ne!(view.status, "reserving", "order {id} waits for a reply that nobody owes it");
            let confirmed =
                self.orders_config.deduct_on == DeductOn::Shipment && !matches!(view.status, "rejected" | "expired" | "cancelled");
            if !order.is_holding() && !confirmed {
                continue;
            }
            for line in &view.lines {
                let mut shipped = line.shipped;
                for row in &line.locations {
                    let gone = shipped.min(row.quantity); // Shipping goes through the rows in their order.
                    shipped -= gone;
                    let key = (line.sku.to_owned(), row.location.to_owned(), id.clone());
                    *believed.entry(key).or_default() += row.quantity - gone;
                }
            }
        }
        believed.retain(|_, units| *units > 0);
        assert_eq!(&believed, open, "what orders believe to hold is what stock holds for them");
    }
}

/// Whether the warehouse, not an order, changes on hand by it.
fn on_shelf_changed_by_warehouse(kind: MovementKind) -> bool {
    matches!(kind, MovementKind::Adjusted | MovementKind::Damaged)
}
