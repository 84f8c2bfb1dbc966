//! Payments: in time, wrong, twice, late. Money that buys nothing is said to be refunded, never kept in silence.

use schemas::event::OrderEventKind;
use schemas::input::{Payment, PaymentStatus};
use schemas::message::StockCommand;
use schemas::{Reason, Reject, ShortText};

use super::order::{MAX_PAYMENTS, Order, SeenPayment, Status};
use super::outbox::Outbox;
use super::request::Request;
use super::{Config, DeductOn, due, place, request};
use crate::Verdict;

/// A payment record: counts once, waits if there is no decision yet.
pub(super) fn receive(config: &Config, order: &mut Order, out: &mut Outbox<'_>, payment: &Payment<'_>) -> Result<Verdict, Reject> {
    let seen = SeenPayment {
        id: (&*payment.payment_id).into(),
        status: payment.status,
        amount: payment.amount,
        currency: payment.currency.as_deref().map(Into::into),
    };
    match order.payments.iter().find(|before| before.id == seen.id && before.status == seen.status) {
        Some(before) if *before == seen => return Ok(Verdict::Duplicate),
        Some(_) => return Err(Reject::new(Reason::ConflictingDuplicate, format!("payment `{}` came before with another amount", seen.id))),
        None => {}
    }
    if order.payments.len() == MAX_PAYMENTS {
        return Err(Reject::new(Reason::TooManyPending, format!("the order has {MAX_PAYMENTS} payments already")));
    }
    let index = order.payments.len() as u16;
    if order.status == Status::Unplaced {
        out.payment_event(OrderEventKind::Noted, &seen, Some("payment_before_order"));
    }
    order.payments.push(seen);
    request::take(config, order, out, Request::Payment { index })
}

/// A payment whose time has come; the order is decided.
pub(super) fn apply(config: &Config, order: &mut Order, out: &mut Outbox<'_>, index: u16) {
    due::expire_by(order, out);
    let payment = &order.payments[usize::from(index)];
    let (kind, reason) = match payment.status {
        PaymentStatus::Failed => (OrderEventKind::PaymentFailed, None),
        PaymentStatus::Refunded => (OrderEventKind::Noted, Some("refunded")),
        PaymentStatus::Captured => match why_refund(order, payment) {
            Some(reason) => (OrderEventKind::RefundRequired, Some(reason)),
            None => return buy(config, order, out, index),
        },
    };
    out.payment_event(kind, payment, reason);
}

/// The money is right: it pays for what is held, or asks once more for what is held no longer.
fn buy(config: &Config, order: &mut Order, out: &mut Outbox<'_>, index: u16) {
    order.paid_by = Some(index);
    if order.status == Status::Held {
        pay(config, order, out);
    } else {
        order.asked = out.trigger;
        place::reserve(order, out, &[]);
    }
}

/// Why captured money cannot buy the order; `None`: it can.
fn why_refund(order: &Order, payment: &SeenPayment) -> Option<&'static str> {
    let differs = |a: &Option<ShortText>, b: &Option<ShortText>| matches!((a, b), (Some(a), Some(b)) if a != b);
    match order.status {
        Status::Rejected => Some("rejected"),
        Status::Cancelled => Some("cancelled"),
        Status::Paid => Some("already_paid"),
        Status::Expired if order.attempt > 1 => Some("expired"),
        Status::Held | Status::Expired if differs(&order.currency, &payment.currency) => Some("currency_mismatch"),
        Status::Held | Status::Expired if order.total().is_some_and(|total| payment.amount != Some(total)) => Some("amount_mismatch"),
        Status::Held | Status::Expired => None,
        Status::Unplaced | Status::Reserving => unreachable!("a payment waits until the order is decided"),
    }
}

/// The held order is paid by `order.paid_by`.
pub(super) fn pay(config: &Config, order: &mut Order, out: &mut Outbox<'_>) {
    order.status = Status::Paid;
    order.deducted = config.deduct_on == DeductOn::Payment;
    for line in order.lines.iter().filter(|line| !line.rows.is_empty()) {
        let rows = line.open_rows();
        out.command(line, if order.deducted { StockCommand::Sell { rows } } else { StockCommand::Confirm { rows } });
    }
    let payment = paying(order);
    out.payment_event(OrderEventKind::Paid, payment, None);
    order.refundable = payment.amount;
}

/// The second attempt found no stock: the late payment goes back.
pub(super) fn too_late(order: &mut Order, out: &mut Outbox<'_>) {
    out.payment_event(OrderEventKind::RefundRequired, paying(order), Some("expired"));
    order.paid_by = None;
}

pub(super) fn paying(order: &Order) -> &SeenPayment {
    let index = order.paid_by.expect("a paid order, or one that a late payment asks for, has a payment");
    &order.payments[usize::from(index)]
}
