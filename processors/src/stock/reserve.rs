//! A hold for an order: all of it or nothing, where it fits best. Never more than is available.

use schemas::Few;
use schemas::event::MovementKind;
use schemas::message::{Denial, Row, StockReply};

use super::ledger::Ledger;
use super::level::{Place, Stock};
use super::reservation::{Hold, Reservation};
use super::{Config, Step};
use crate::Verdict;

pub(super) struct Request<'a> {
    pub order_id: &'a str,
    pub attempt: u16,
    pub quantity: i64,
    /// Only this place may serve it.
    pub location: Option<&'a str>,
}

pub(super) fn apply(config: &Config, mut ledger: Ledger<'_>, request: &Request<'_>) -> Step {
    let Some(shares) = allocate(&ledger.stock, request, config.split) else {
        return denied(request, Denial::InsufficientStock);
    };
    let mut rows = Few::new();
    let mut holds = Few::new();
    for (place, quantity) in shares {
        let held = ledger.record(MovementKind::Held, place, quantity, Some(request.order_id));
        rows.push(Row { location: held.location.clone(), quantity });
        holds.push(Hold { location: held.location.clone(), held: quantity, confirmed: 0 });
    }
    Step {
        reservation: Some(Some(Reservation { rows: holds })),
        reply: Some(StockReply::Held { attempt: request.attempt, rows }),
        ..ledger.finish()
    }
}

/// Nothing was ever heard of the SKU.
pub(super) fn unknown_sku(request: &Request<'_>) -> Step {
    denied(request, Denial::UnknownSku)
}

pub(super) fn denied(request: &Request<'_>, denial: Denial) -> Step {
    Step { reply: Some(StockReply::Denied { attempt: request.attempt, denial }), ..Step::nothing(Verdict::Applied) }
}

/// Places (by index) and units: one place if one can serve it, that with the most available; else, if `split`, from
/// the fullest place on. Equals go by name.
fn allocate(stock: &Stock, request: &Request<'_>, split: bool) -> Option<Few<(usize, i64)>> {
    let quantity = request.quantity;
    if let Some(location) = request.location {
        let place = stock.find(location)?;
        return (stock.places[place].available() >= quantity).then(|| Few::from_iter([(place, quantity)]));
    }
    let available = |&(_, place): &(usize, &Place)| std::cmp::Reverse(place.available());
    let (fullest, place) = stock.places.iter().enumerate().min_by_key(available)?;
    if place.available() >= quantity {
        return Some(Few::from_iter([(fullest, quantity)]));
    }
    if !split {
        return None;
    }
    let mut places: Vec<(usize, &Place)> = stock.places.iter().enumerate().filter(|(_, place)| place.available() > 0).collect();
    places.sort_by_key(available); // Stable: places are sorted by name.
    let mut left = quantity;
    let mut shares = Few::new();
    for (index, place) in places {
        let units = place.available().min(left);
        shares.push((index, units));
        left -= units;
        if left == 0 {
            return Some(shares);
        }
    }
    None
}
