//! What is asked of an order beside its place. Until the order is decided a request waits inside it, in the order of
//! arrival; what cannot be done whatever the decision is refused at once.
//!
//! A request that waited and turns out to be impossible can no more be a dead letter, because its bytes are gone: it
//! becomes an event `noted` with the same reason.

use schemas::event::OrderEventKind;
use schemas::input::{OrderCommand, PaymentStatus};
use schemas::{Reason, Reject, ShortText};
use serde::{Deserialize, Serialize};

use super::delivery::News;
use super::lines::{self, Pick};
use super::order::{Deferred, Line, MAX_DEFERRED, Order, Status};
use super::outbox::Outbox;
use super::{Config, cancel, delivery, payment, refuse, returns, ship};
use crate::Verdict;

/// Longest `reason` of a cancel that is kept, in bytes; more is cut off.
pub(super) const MAX_REASON_BYTES: usize = 256;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Request {
    /// No picks: all that is left.
    Cancel {
        picks: Vec<Pick>,
        reason: Option<ShortText>,
    },
    Ship {
        picks: Vec<Pick>,
    },
    Deliver,
    Return {
        picks: Vec<Pick>,
        restock: bool,
    },
    /// A payment that is in the order's list.
    Payment {
        index: u16,
    },
    /// What a vehicle said.
    Shipment(News),
}

impl Request {
    /// Names the order's lines instead of SKUs.
    pub fn from_command(order: &Order, command: OrderCommand<'_>) -> Result<Request, Reject> {
        if order.placed.is_none() && !matches!(&command, OrderCommand::Cancel { lines, .. } if lines.is_empty()) {
            return Err(Reject::new(Reason::UnknownOrder, "no order with this id was placed"));
        }
        Ok(match command {
            OrderCommand::Place(_) => unreachable!("a place never waits"),
            OrderCommand::Cancel { lines, reason } => {
                Request::Cancel { picks: lines::pick(order, &lines)?, reason: reason.map(|text| shortened(&text)) }
            }
            OrderCommand::Ship { lines } => Request::Ship { picks: lines::pick(order, &lines)? },
            OrderCommand::Deliver => Request::Deliver,
            OrderCommand::Return { lines, restock } => Request::Return { picks: lines::pick(order, &lines)?, restock },
        })
    }
}

/// Does what is asked, or lets it wait for the decision.
pub(super) fn take(config: &Config, order: &mut Order, out: &mut Outbox<'_>, request: Request) -> Result<Verdict, Reject> {
    let before_place = order.status == Status::Unplaced && matches!(request, Request::Cancel { .. });
    if !order.is_undecided() || before_place {
        apply(config, order, out, request)?;
        apply_deferred(config, order, out);
        return Ok(Verdict::Applied);
    }
    refuse_hopeless(order, &request)?;
    if order.deferred.len() == MAX_DEFERRED {
        return Err(Reject::new(Reason::TooManyPending, format!("{MAX_DEFERRED} records wait for the order's decision already")));
    }
    order.deferred.push_back(Deferred { trigger: out.trigger, request });
    Ok(Verdict::Applied)
}

/// After a decision: does what has waited, each with its own time and cause, until one asks for stock again.
pub(super) fn apply_deferred(config: &Config, order: &mut Order, out: &mut Outbox<'_>) {
    while !order.is_undecided()
        && let Some(Deferred { trigger, request }) = order.deferred.pop_front()
    {
        out.because_of(trigger, |out| {
            if let Err(reject) = apply(config, order, out, request) {
                out.event(OrderEventKind::Noted).reason = Some(reject.reason.word().into());
            }
        });
    }
}

fn apply(config: &Config, order: &mut Order, out: &mut Outbox<'_>, request: Request) -> Result<(), Reject> {
    match request {
        Request::Cancel { picks, reason } => cancel::apply(order, out, &picks, reason),
        Request::Ship { picks } => ship::ship(order, out, &picks),
        Request::Deliver => ship::deliver(order, out),
        Request::Return { picks, restock } => returns::apply(order, out, &picks, restock),
        Request::Payment { index } => {
            payment::apply(config, order, out, index);
            Ok(())
        }
        Request::Shipment(news) => {
            delivery::apply(order, out, &news);
            Ok(())
        }
    }
}

/// Refuses what no decision and nothing that waits can make possible.
fn refuse_hopeless(order: &Order, request: &Request) -> Result<(), Reject> {
    let waits = |wanted: fn(&Order, &Request) -> bool| order.deferred.iter().any(|d| wanted(order, &d.request));
    match request {
        Request::Cancel { picks, .. } | Request::Ship { picks } | Request::Return { picks, .. } if !picks.is_empty() => {
            lines::check(order, picks, Line::wanted)?;
        }
        _ => {}
    }
    let paid = order.paid_by.is_some() || waits(|order, r| matches!(r, Request::Payment { index } if is_captured(order, *index)));
    match request {
        Request::Ship { .. } if !paid => Err(refuse::not_paid()),
        Request::Deliver | Request::Return { .. } if !waits(|_, r| matches!(r, Request::Ship { .. } | Request::Shipment(_))) => {
            Err(refuse::not_shipped())
        }
        _ => Ok(()),
    }
}

fn is_captured(order: &Order, index: u16) -> bool {
    order.payments[usize::from(index)].status == PaymentStatus::Captured
}

fn shortened(reason: &str) -> ShortText {
    reason[..reason.floor_char_boundary(MAX_REASON_BYTES)].into()
}
