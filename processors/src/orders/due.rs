//! The unpaid hold that runs out. Judged by the time of what happens, never by when a timer fires: a payment captured
//! before the hold's end is in time however late it is read.

use schemas::event::OrderEventKind;
use schemas::message::StockCommand;

use super::order::{Order, Status};
use super::outbox::Outbox;
use crate::{Trigger, Verdict};

/// The timer. It changes nothing if the order was paid, cancelled or expired meanwhile.
pub(super) fn apply(order: &mut Order, out: &mut Outbox<'_>) -> Verdict {
    expire_by(order, out);
    if out.events.is_empty() { Verdict::Duplicate } else { Verdict::Applied }
}

/// Expires the hold if it ran out by the time of what is happening.
pub(super) fn expire_by(order: &mut Order, out: &mut Outbox<'_>) {
    if order.due().is_none_or(|expires_at| out.trigger.at < expires_at) {
        return;
    }
    order.status = Status::Expired;
    out.because_of(Trigger { at: order.expires_at, cause: order.asked.cause }, |out| {
        for line in order.lines.iter_mut().filter(|line| !line.rows.is_empty()) {
            out.command(line, StockCommand::Expire { rows: line.open_rows() });
            line.rows.clear();
        }
        out.event(OrderEventKind::Expired);
    });
}
