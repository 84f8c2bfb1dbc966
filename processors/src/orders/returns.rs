//! `return`: shipped units come back, to the shelf they came from or not to any.

use schemas::Reject;
use schemas::event::{OrderEventKind, lines_of};
use schemas::message::StockCommand;

use super::lines::{self, Pick};
use super::order::{Allocation, Line, Order, Status};
use super::outbox::Outbox;
use super::refuse;

pub(super) fn apply(order: &mut Order, out: &mut Outbox<'_>, picks: &[Pick], restock: bool) -> Result<(), Reject> {
    match order.status {
        Status::Held => return Err(refuse::not_shipped()),
        Status::Paid if order.all(Line::shipped) == 0 => return Err(refuse::not_shipped()),
        Status::Paid => {}
        _ => return Err(refuse::closed(order)),
    }
    let mut returned = vec![];
    for pick in lines::check(order, picks, Line::to_return)? {
        let line = &mut order.lines[usize::from(pick.line)];
        let rows = lines::take(line.rows.iter_mut(), pick.quantity, Allocation::to_return, |row, units| row.returned += units);
        returned.extend(lines_of(&line.sku, &rows));
        if restock {
            out.command(line, StockCommand::Return { rows });
        }
    }
    out.event(OrderEventKind::Returned).lines = returned;
    Ok(())
}
