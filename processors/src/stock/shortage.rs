//! Held, but not there: a count or damage that leaves less than orders hold says how much is missing and which orders
//! may have to wait. It does not choose between them: somebody has to look.

use schemas::ShortText;
use schemas::input::RestockKind;

use super::Event;
use super::ledger::Ledger;
use super::reservation::Reservation;

/// Most open reservations of a SKU that are looked at, and so most orders that are named.
pub const MAX_AT_RISK_SCAN: usize = 256;

/// Whether the event can reveal a shortage, so that it needs the SKU's open reservations.
pub fn wants_reservations(event: &Event<'_>) -> bool {
    match event {
        Event::Count(_) => true,
        Event::Restock(restock) => matches!(restock.kind, RestockKind::Damaged),
        Event::Command { .. } => false,
    }
}

/// Adds to the last movement what is short at the place, if anything is, and the orders that hold units there.
pub(super) fn report(ledger: &mut Ledger<'_>, place: usize, open: &[(ShortText, Reservation)]) {
    let place = &ledger.stock.places[place];
    let missing = place.reserved - place.on_hand;
    let Some(movement) = ledger.movements.last_mut().filter(|_| missing > 0) else { return };
    movement.shortage = Some(missing);
    movement.orders_at_risk = open
        .iter()
        .filter(|(_, reservation)| reservation.units().any(|(location, _)| location == &*place.name))
        .map(|(order_id, _)| order_id.clone())
        .collect();
}
