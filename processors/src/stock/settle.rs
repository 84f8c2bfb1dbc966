//! How held units end: released, expired, sold, or kept by a payment; and sold units that come back.
//!
//! An order may only end what it holds. Anything else is a broken invariant, and the worst thing to do is to go on.

use schemas::Few;
use schemas::event::MovementKind;
use schemas::message::{Row, StockCommand};

use super::Step;
use super::ledger::Ledger;
use super::reservation::{Hold, Reservation};

pub(super) fn apply(ledger: Ledger<'_>, order_id: &str, command: StockCommand, reservation: Option<Reservation>) -> Step {
    match command {
        StockCommand::Release { rows } => end(ledger, order_id, MovementKind::Released, &rows, reservation, Hold::take),
        StockCommand::Expire { rows } => end(ledger, order_id, MovementKind::Expired, &rows, reservation, Hold::take_held),
        StockCommand::Sell { rows } => end(ledger, order_id, MovementKind::Sold, &rows, reservation, Hold::take),
        StockCommand::Confirm { rows } => end(ledger, order_id, MovementKind::Confirmed, &rows, reservation, Hold::confirm),
        StockCommand::Return { rows } => put_back(ledger, order_id, &rows),
        StockCommand::Reserve { .. } => unreachable!("a reserve is not a settlement"),
    }
}

/// Ends units of the order's reservation: `take` takes them from one place's hold, false if they are not there.
fn end(
    mut ledger: Ledger<'_>,
    order_id: &str,
    kind: MovementKind,
    rows: &[Row],
    reservation: Option<Reservation>,
    take: fn(&mut Hold, i64) -> bool,
) -> Step {
    let mut holds = reservation.map_or_else(Few::new, |r| r.rows);
    for Row { location, quantity } in rows {
        let taken = holds.iter_mut().find(|hold| hold.location == *location).is_some_and(|hold| take(hold, *quantity));
        assert!(taken, "order {order_id} says {}: {quantity} of SKU {} at {location}; it has there {holds:?}", kind.word(), ledger.sku());
        let place = find(&ledger, order_id, location);
        ledger.record(kind, place, *quantity, Some(order_id));
    }
    holds.retain(|hold| hold.units() > 0);
    let reservation = (!holds.is_empty()).then_some(Reservation { rows: holds });
    Step { reservation: Some(reservation), ..ledger.finish() }
}

/// Sold units come back to the shelf. That they were sold is known to the order, which sends them back once.
fn put_back(mut ledger: Ledger<'_>, order_id: &str, rows: &[Row]) -> Step {
    for Row { location, quantity } in rows {
        let place = find(&ledger, order_id, location);
        ledger.record(MovementKind::Returned, place, *quantity, Some(order_id));
    }
    ledger.finish()
}

fn find(ledger: &Ledger<'_>, order_id: &str, location: &str) -> usize {
    ledger
        .stock
        .find(location)
        .unwrap_or_else(|| panic!("order {order_id} has units of SKU {} at {location}, where it never was", ledger.sku()))
}

impl Hold {
    /// Confirmed units first.
    fn take(&mut self, units: i64) -> bool {
        let confirmed = self.confirmed.min(units);
        self.confirmed -= confirmed;
        self.take_held(units - confirmed)
    }

    fn take_held(&mut self, units: i64) -> bool {
        self.held -= units;
        self.held >= 0
    }

    fn confirm(&mut self, units: i64) -> bool {
        self.confirmed += units;
        self.take_held(units)
    }
}
