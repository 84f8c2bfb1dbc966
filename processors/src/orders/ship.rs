//! `ship` and `deliver`: units of a paid order leave the house, and arrive.

use schemas::Reject;
use schemas::event::{OrderEventKind, lines_of};
use schemas::message::StockCommand;

use super::lines::{self, Pick};
use super::order::{Allocation, Line, Order};
use super::outbox::Outbox;
use super::refuse;

pub(super) fn ship(order: &mut Order, out: &mut Outbox<'_>, picks: &[Pick]) -> Result<(), Reject> {
    refuse::unless_paid(order)?;
    refuse::if_delivered(order)?;
    let mut shipped = vec![];
    for pick in lines::check(order, picks, Line::to_ship)? {
        let line = &mut order.lines[usize::from(pick.line)];
        let rows = lines::take(line.rows.iter_mut(), pick.quantity, Allocation::to_ship, |row, units| row.shipped += units);
        shipped.extend(lines_of(&line.sku, &rows));
        if !order.deducted {
            out.command(line, StockCommand::Sell { rows });
        }
    }
    let kind = if order.all(Line::to_ship) == 0 { OrderEventKind::Shipped } else { OrderEventKind::PartShipped };
    out.event(kind).lines = shipped;
    Ok(())
}

/// All that was not cancelled must be shipped.
pub(super) fn deliver(order: &mut Order, out: &mut Outbox<'_>) -> Result<(), Reject> {
    refuse::unless_paid(order)?;
    refuse::if_delivered(order)?;
    if order.all(Line::to_ship) > 0 {
        return Err(refuse::not_shipped());
    }
    order.delivered = true;
    out.event(OrderEventKind::Delivered);
    Ok(())
}
