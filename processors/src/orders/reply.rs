//! A SKU's answer to a reserve; with the last one the decision: all lines or none.

use schemas::event::{EventLine, OrderEventKind};
use schemas::message::{Denial, StockCommand, StockReply};

use super::order::{Allocation, Answer, Line, Order, Status};
use super::outbox::Outbox;
use super::{Config, payment, request};
use crate::Verdict;

pub(super) fn apply(config: &Config, order: &mut Order, out: &mut Outbox<'_>, sku: &str, slot: u32, reply: StockReply) -> Verdict {
    let (StockReply::Held { attempt, .. } | StockReply::Denied { attempt, .. }) = reply;
    let line = order.line_index(sku).map(|index| &mut order.lines[index]);
    let Some(line) = line.filter(|line| order.status == Status::Reserving && attempt == order.attempt && line.answer == Answer::Waiting)
    else {
        return Verdict::Duplicate; // Answered before, or of an attempt that is over.
    };
    match reply {
        StockReply::Held { rows, .. } => {
            line.answer = Answer::Held;
            line.slot = slot;
            line.rows = rows
                .into_iter()
                .map(|row| Allocation { location: row.location, quantity: row.quantity, shipped: 0, returned: 0 })
                .collect();
        }
        StockReply::Denied { denial, .. } => line.answer = Answer::Denied(denial),
    }
    if order.lines.iter().any(|line| line.answer == Answer::Waiting) {
        return Verdict::Applied;
    }
    out.because_of(order.asked, |out| decide(config, order, out));
    request::apply_deferred(config, order, out);
    Verdict::Applied
}

fn decide(config: &Config, order: &mut Order, out: &mut Outbox<'_>) {
    let denied = order.lines.iter().find_map(|line| match line.answer {
        Answer::Denied(denial) => Some((line.sku.clone(), denial)),
        Answer::Waiting | Answer::Held => None,
    });
    if let Some((sku, denial)) = denied {
        for line in order.lines.iter_mut().filter(|line| !line.rows.is_empty()) {
            out.command(line, StockCommand::Release { rows: line.open_rows() });
            line.rows.clear();
        }
        if order.attempt == 1 {
            order.status = Status::Rejected;
            let event = out.event(OrderEventKind::Rejected);
            event.reason = Some(word(denial).into());
            event.sku = Some(sku);
        } else {
            order.status = Status::Expired;
            payment::too_late(order, out);
        }
    } else {
        order.status = Status::Held;
        let lines = held_lines(&order.lines);
        if order.attempt == 1 {
            let expires_at = order.expires_at;
            let event = out.event(OrderEventKind::Accepted);
            event.lines = lines;
            event.expires_at = Some(expires_at);
        } else {
            out.event(OrderEventKind::Reinstated).lines = lines;
            payment::pay(config, order, out);
        }
    }
}

fn held_lines(lines: &[Line]) -> Vec<EventLine> {
    let rows = lines.iter().flat_map(|line| line.rows.iter().map(move |row| (line, row)));
    rows.map(|(line, row)| EventLine { sku: line.sku.clone(), quantity: row.quantity, location: Some(row.location.clone()) }).collect()
}

fn word(denial: Denial) -> &'static str {
    match denial {
        Denial::UnknownSku => "unknown_sku",
        Denial::InsufficientStock => "insufficient_stock",
        Denial::WithdrawnSku => "withdrawn_sku",
        Denial::PriceMismatch => "price_mismatch",
        Denial::CurrencyMismatch => "currency_mismatch",
    }
}
