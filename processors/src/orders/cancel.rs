//! `cancel`: the whole order or some units, before its place, before or after its payment, never after shipping.

use schemas::event::{EventLine, OrderEventKind, lines_of};
use schemas::message::StockCommand;
use schemas::{Reject, ShortText};

use super::lines::{self, Pick};
use super::order::{Allocation, Line, Order, Status};
use super::outbox::Outbox;
use super::{due, payment, refuse};

pub(super) fn apply(order: &mut Order, out: &mut Outbox<'_>, picks: &[Pick], reason: Option<ShortText>) -> Result<(), Reject> {
    let reason = reason.map(|text| String::from(text).into());
    let ran_out = order.due().is_some_and(|expires_at| out.trigger.at >= expires_at);
    match order.status {
        Status::Held if !ran_out => {
            let picks = lines::check(order, picks, Line::to_ship)?;
            let (lines, _) = take_out(order, out, &picks);
            let event = out.event(OrderEventKind::Cancelled);
            (event.lines, event.reason) = (lines, reason);
        }
        Status::Paid => {
            refuse::if_delivered(order)?;
            let picks = lines::check(order, picks, Line::to_ship)?;
            let (lines, price) = take_out(order, out, &picks);
            let event = out.event(OrderEventKind::Cancelled);
            (event.lines, event.reason) = (lines, reason);
            refund(order, out, price);
        }
        // Nothing is held, but a late payment must not bring the order back.
        Status::Unplaced | Status::Held | Status::Expired if picks.is_empty() => {
            due::expire_by(order, out);
            order.status = Status::Cancelled;
            out.event(OrderEventKind::Cancelled).reason = reason;
        }
        _ if ran_out => return Err(refuse::ran_out()),
        _ => return Err(refuse::closed(order)),
    }
    Ok(())
}

/// Takes units out of the order. Returns where they were and what they cost, `None` if prices are unknown.
fn take_out(order: &mut Order, out: &mut Outbox<'_>, picks: &[Pick]) -> (Vec<EventLine>, Option<i64>) {
    let mut lines = vec![];
    let mut price = Some(0);
    for pick in picks {
        let line = &mut order.lines[usize::from(pick.line)];
        // From the back: shipping begins at the front.
        let rows = lines::take(line.rows.iter_mut().rev(), pick.quantity, Allocation::to_ship, |row, units| row.quantity -= units);
        line.rows.retain(|row| row.quantity > 0);
        price = price.zip(line.cancel(pick.quantity)).map(|(sum, more)| sum + more);
        lines.extend(lines_of(&line.sku, &rows));
        out.command(line, if order.deducted { StockCommand::Return { rows } } else { StockCommand::Release { rows } });
    }
    if order.all(Line::wanted) == 0 {
        order.status = Status::Cancelled;
    }
    (lines, price)
}

/// Without prices the amount is known only if the whole payment goes back at once.
fn refund(order: &mut Order, out: &mut Outbox<'_>, price: Option<i64>) {
    let whole = order.refundable.filter(|_| order.status == Status::Cancelled);
    let amount = price.or(whole);
    order.refundable = order.refundable.zip(amount).map(|(left, amount)| left - amount);
    let payment = payment::paying(order);
    out.payment_event(OrderEventKind::RefundRequired, payment, Some("cancelled")).amount = amount;
}
