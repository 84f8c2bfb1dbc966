//! `place`: asks every SKU for a hold at once. What a repeated place means.

use schemas::event::OrderEventKind;
use schemas::input::Place;
use schemas::message::{Quote, StockCommand};
use schemas::{Currency, Reason, Reject};

use super::Config;
use super::lines;
use super::order::{Answer, Order, Status};
use super::outbox::Outbox;
use crate::Verdict;
use crate::fingerprint::{Fields, Fingerprint};

pub(super) fn apply(config: &Config, order: &mut Order, out: &mut Outbox<'_>, place: &Place<'_>) -> Result<Verdict, Reject> {
    let (lines, prices) = lines::merge(&place.lines)?;
    let fingerprint = fingerprint(place);
    match order.placed {
        Some(before) if before == fingerprint => return Ok(Verdict::Duplicate),
        Some(_) => {
            return Err(Reject::new(
                Reason::ConflictingDuplicate,
                "this order was placed before with another content; its decision stands",
            ));
        }
        None => {}
    }
    order.placed = Some(fingerprint);
    order.asked = out.trigger;
    order.currency = place.currency.as_deref().map(Into::into);
    order.location = place.location.as_deref().map(Into::into);
    order.expires_at = out.trigger.at.plus_seconds(i64::from(place.hold_seconds.unwrap_or(config.hold_seconds)));
    order.lines = lines;
    if order.status == Status::Cancelled {
        order.status = Status::Rejected;
        out.event(OrderEventKind::Rejected).reason = Some("already_cancelled".into());
    } else {
        let currency = place.currency.as_deref().and_then(Currency::new);
        let quotes: Vec<Quote> = prices.into_iter().map(|unit_prices| Quote { unit_prices, currency }).collect();
        reserve(order, out, &quotes);
    }
    Ok(Verdict::Applied)
}

/// Asks for everything that is wanted, in the order of the SKUs. `quotes`: one for each line; none for an order that was
/// accepted before, whose price was promised then.
pub(super) fn reserve(order: &mut Order, out: &mut Outbox<'_>, quotes: &[Quote]) {
    order.status = Status::Reserving;
    order.attempt += 1;
    let (attempt, location) = (order.attempt, &order.location);
    for (index, line) in order.lines.iter_mut().enumerate() {
        if line.wanted() == 0 {
            line.answer = Answer::Held; // Cancelled in full: there is nothing to ask for.
            continue;
        }
        line.answer = Answer::Waiting;
        let quote = quotes.get(index).copied().unwrap_or_default();
        out.command(line, StockCommand::Reserve { attempt, quantity: line.wanted(), location: location.clone(), quote });
    }
}

/// Of all that a place says. Lines of one SKU and price are one line, in whatever order they come.
fn fingerprint(place: &Place<'_>) -> Fingerprint {
    let head = Fields::new()
        .text(place.customer_id.as_deref())
        .number(place.placed_at.map(|at| at.0))
        .text(place.currency.as_deref())
        .number(place.hold_seconds.map(i64::from))
        .text(place.location.as_deref())
        .number(place.ship_to.map(|(lat, _)| lat.to_bits() as i64))
        .number(place.ship_to.map(|(_, lon)| lon.to_bits() as i64));
    let mut lines: Vec<_> = place.lines.iter().collect();
    lines.sort_by(|a, b| (&a.sku, a.unit_price).cmp(&(&b.sku, b.unit_price)));
    lines
        .chunk_by(|a, b| (&a.sku, a.unit_price) == (&b.sku, b.unit_price))
        .fold(head, |fields, same| {
            let quantity = same.iter().map(|line| line.quantity).sum();
            fields.text(Some(&same[0].sku)).number(same[0].unit_price).number(Some(quantity))
        })
        .finish()
}
