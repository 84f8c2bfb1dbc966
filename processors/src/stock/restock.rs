//! What the warehouse says of goods: on their way, come, broken, moved.

use schemas::event::MovementKind;
use schemas::input::{Restock, RestockKind};
use schemas::message::Row;
use schemas::{Reason, Reject, ShortText};

use super::ledger::Ledger;
use super::level::{Place, check_most};
use super::reservation::Reservation;
use super::seen::Seen;
use super::{Step, shortage};
use crate::Verdict;

/// `ids` and `seen` are the restock's own and its counterpart's, as [`super::seen_ids`] names them.
pub(super) fn apply(
    mut ledger: Ledger<'_>,
    restock: &Restock<'_>,
    ids: [Option<String>; 2],
    [before, counterpart]: [Option<Seen>; 2],
    open: &[(ShortText, Reservation)],
) -> Result<Step, Reject> {
    let mut own = Seen::restock(restock);
    if own.is_duplicate_of(before.as_ref())? {
        return Ok(Step::nothing(Verdict::Duplicate));
    }
    let [own_id, counterpart_id] = ids;
    let mut ended = None;
    match &restock.kind {
        RestockKind::Expected { .. } => {
            // If it has come already, nothing is on its way any more.
            if counterpart.is_none() {
                own.outstanding = Some(expect(&mut ledger, restock)?);
            }
        }
        RestockKind::Received => {
            receive(&mut ledger, restock)?;
            ended = counterpart.and_then(|expected| arrive(&mut ledger, expected));
        }
        RestockKind::Damaged => damage(&mut ledger, restock, open)?,
        RestockKind::Transfer { to_location } => transfer(&mut ledger, restock, to_location)?,
    }
    let seen = own_id.into_iter().zip([own]).chain(counterpart_id.into_iter().zip(ended)).collect();
    Ok(Step { seen, ..ledger.finish() })
}

fn expect(ledger: &mut Ledger<'_>, restock: &Restock<'_>) -> Result<Row, Reject> {
    let place = ledger.stock.find_or_add(&restock.location)?;
    let place = &mut ledger.stock.places[place];
    check_most(&restock.location, place.incoming + restock.quantity)?;
    place.incoming += restock.quantity;
    Ok(Row { location: place.name.clone(), quantity: restock.quantity })
}

fn receive(ledger: &mut Ledger<'_>, restock: &Restock<'_>) -> Result<(), Reject> {
    let place = ledger.stock.find_or_add(&restock.location)?;
    check_most(&restock.location, ledger.stock.places[place].on_hand + restock.quantity)?;
    ledger.record(MovementKind::Received, place, restock.quantity, None);
    Ok(())
}

/// What was expected has come, however much of it: it is not on its way any more. The expectation without it, if it
/// still stood.
fn arrive(ledger: &mut Ledger<'_>, mut expected: Seen) -> Option<Seen> {
    let Row { location, quantity } = expected.outstanding.take()?;
    let place = ledger.stock.find(&location)?;
    ledger.stock.places[place].incoming -= quantity;
    Some(expected)
}

fn damage(ledger: &mut Ledger<'_>, restock: &Restock<'_>, open: &[(ShortText, Reservation)]) -> Result<(), Reject> {
    let place = at_least(ledger, restock, "on hand", |place| place.on_hand)?;
    ledger.record(MovementKind::Damaged, place, restock.quantity, None);
    shortage::report(ledger, place, open);
    Ok(())
}

fn transfer(ledger: &mut Ledger<'_>, restock: &Restock<'_>, to_location: &str) -> Result<(), Reject> {
    at_least(ledger, restock, "available", Place::available)?;
    let to = ledger.stock.find_or_add(to_location)?;
    check_most(to_location, ledger.stock.places[to].on_hand + restock.quantity)?;
    let from = ledger.stock.find_or_add(&restock.location)?; // Adding a place may have moved it.
    ledger.record(MovementKind::TransferredOut, from, restock.quantity, None);
    ledger.record(MovementKind::TransferredIn, to, restock.quantity, None);
    Ok(())
}

/// The restock's place, if it has that many units.
fn at_least(ledger: &Ledger<'_>, restock: &Restock<'_>, what: &str, figure: fn(&Place) -> i64) -> Result<usize, Reject> {
    let place = ledger.stock.find(&restock.location);
    let units = place.map_or(0, |index| figure(&ledger.stock.places[index]));
    place.filter(|_| units >= restock.quantity).ok_or_else(|| {
        Reject::new(Reason::ExceedsOnHand, format!("{} are more than the {units} that `{}` has {what}", restock.quantity, restock.location))
    })
}
