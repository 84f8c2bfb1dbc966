//! The order's state and what can be read off it. The verbs beside this file change it; nothing here decides.

use std::collections::VecDeque;

use schemas::input::PaymentStatus;
use schemas::message::{Denial, Row};
use schemas::{Cause, Few, ShortText, Timestamp};
use serde::{Deserialize, Serialize};

use super::request::Request;
use crate::fingerprint::Fingerprint;
use crate::{DecodeError, Trigger, codec};

/// Most payments one order remembers; a further one is a dead letter `too_many_pending`.
pub const MAX_PAYMENTS: usize = 256;
/// Most records that wait for one order's decision; a further one is a dead letter `too_many_pending`.
pub const MAX_DEFERRED: usize = 64;

/// Most feedbacks one order remembers; a further one is a dead letter `too_many_pending`.
pub const MAX_NOTES: usize = 32;

/// 1 to 3 were never released.
const FORMAT: u8 = 4;

/// Everything that is remembered of one order, for ever: its decision is final and its payments count once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub(super) status: Status,
    /// Of the last event.
    pub(super) seq: u32,
    /// 0 before the place, 1 with it, 2 once a late payment has asked for the stock again.
    pub(super) attempt: u16,
    /// What the place said; `None` before it.
    pub(super) placed: Option<Fingerprint>,
    /// What asked for the stock: the place, or the late payment. Before the place: whatever came first.
    pub(super) asked: Trigger,
    /// When an unpaid hold runs out.
    pub(super) expires_at: Timestamp,
    pub(super) currency: Option<ShortText>,
    /// Only this place may serve the order.
    pub(super) location: Option<ShortText>,
    /// One per SKU, sorted by it.
    pub(super) lines: Vec<Line>,
    /// In the order of their arrival.
    pub(super) payments: Vec<SeenPayment>,
    /// The payment that pays for the order, or that waits for the second attempt: an index into `payments`.
    pub(super) paid_by: Option<u16>,
    /// Minor units that a cancel would give back in all; `None`: not known, because prices are not.
    pub(super) refundable: Option<i64>,
    /// The units left the shelf when the payment came; otherwise they do when they are shipped.
    pub(super) deducted: bool,
    pub(super) delivered: bool,
    /// What came before the decision, in the order of arrival.
    pub(super) deferred: VecDeque<Deferred>,
    /// What was reported about it, in the order of arrival.
    pub(super) notes: Vec<Note>,
    /// The shipment that has it, or had it last.
    pub(super) carrier: Option<Carrier>,
}

/// A shipment and its vehicle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Carrier {
    pub shipment_id: ShortText,
    pub vehicle_id: ShortText,
    /// It has been called back or handed over: the goods are not on their way with it.
    pub ended: bool,
}

/// A feedback that has been noted; it counts once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// Of its id: ids are long, and an order is read often.
    pub id: Fingerprint,
    pub said: Fingerprint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Status {
    /// Something was heard of it, but not its place.
    Unplaced,
    /// Answers to a reserve are outstanding.
    Reserving,
    Rejected,
    /// Accepted: held and not paid.
    Held,
    /// How far it is shipped is in the lines.
    Paid,
    Expired,
    Cancelled,
}

/// All that was ordered of one SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    pub sku: ShortText,
    pub ordered: i64,
    pub cancelled: i64,
    /// What the units that are not cancelled cost, in the order of the place's lines; empty if any price is unknown.
    pub prices: Few<Priced>,
    pub answer: Answer,
    /// Where the units are or were: empty unless the line is held or was paid for.
    pub rows: Few<Allocation>,
    /// Where the SKU's task keeps its reservation, as it said when it held the units.
    pub slot: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Priced {
    pub quantity: i64,
    /// Minor units.
    pub unit_price: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Answer {
    Waiting,
    Held,
    Denied(Denial),
}

/// Units of one line at one place. `returned ≤ shipped ≤ quantity`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Allocation {
    pub location: ShortText,
    /// Allocated here and not cancelled.
    pub quantity: i64,
    pub shipped: i64,
    pub returned: i64,
}

/// A payment that has been seen; it counts once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SeenPayment {
    pub id: ShortText,
    pub status: PaymentStatus,
    /// Minor units.
    pub amount: Option<i64>,
    pub currency: Option<ShortText>,
}

/// A request that waits for the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Deferred {
    pub trigger: Trigger,
    pub request: Request,
}

impl Order {
    /// When its unpaid hold expires, if it has one.
    pub fn due(&self) -> Option<Timestamp> {
        self.is_holding().then_some(self.expires_at)
    }

    /// Of the record that set the timer: the place.
    pub fn cause(&self) -> Cause {
        self.asked.cause
    }

    /// Accepted and not paid: an open hold.
    pub fn is_holding(&self) -> bool {
        self.status == Status::Held
    }

    /// The shipment that has it or had it last, and its vehicle.
    pub fn carrier(&self) -> Option<(&str, &str)> {
        self.carrier.as_ref().map(|carrier| (&*carrier.shipment_id, &*carrier.vehicle_id))
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        codec::encode(FORMAT, self, out);
    }

    pub fn decode(bytes: &[u8]) -> Result<Order, DecodeError> {
        codec::decode(FORMAT, "order", bytes)
    }

    pub(super) fn unplaced(first_heard: Trigger) -> Order {
        Order {
            status: Status::Unplaced,
            seq: 0,
            attempt: 0,
            placed: None,
            asked: first_heard,
            expires_at: Timestamp::default(),
            currency: None,
            location: None,
            lines: vec![],
            payments: vec![],
            paid_by: None,
            refundable: None,
            deducted: false,
            delivered: false,
            deferred: VecDeque::new(),
            carrier: None,
            notes: vec![],
        }
    }

    /// Requests wait: there is no decision yet, or a second attempt is under way.
    pub(super) fn is_undecided(&self) -> bool {
        matches!(self.status, Status::Unplaced | Status::Reserving)
    }

    /// What is to be paid, in minor units; `None` if any price is unknown.
    pub(super) fn total(&self) -> Option<i64> {
        self.lines.iter().map(Line::total).sum()
    }

    pub(super) fn line_index(&self, sku: &str) -> Option<usize> {
        self.lines.binary_search_by(|line| (*line.sku).cmp(sku)).ok()
    }

    pub(super) fn all(&self, left: impl Fn(&Line) -> i64) -> i64 {
        self.lines.iter().map(left).sum()
    }
}

impl Line {
    /// Units that are not cancelled.
    pub fn wanted(&self) -> i64 {
        self.ordered - self.cancelled
    }

    /// Notes that units are cancelled, those of the last prices first, and returns what they cost in minor units.
    pub fn cancel(&mut self, quantity: i64) -> Option<i64> {
        let unpriced = self.prices.is_empty();
        self.cancelled += quantity;
        let (mut left, mut cost) = (quantity, 0);
        while left > 0
            && let Some(last) = self.prices.last_mut()
        {
            let units = last.quantity.min(left);
            last.quantity -= units;
            left -= units;
            cost += units * last.unit_price;
            if last.quantity == 0 {
                self.prices.pop();
            }
        }
        (!unpriced).then_some(cost)
    }

    pub fn shipped(&self) -> i64 {
        self.rows.iter().map(|row| row.shipped).sum()
    }

    pub fn to_ship(&self) -> i64 {
        self.rows.iter().map(Allocation::to_ship).sum()
    }

    pub fn to_return(&self) -> i64 {
        self.rows.iter().map(Allocation::to_return).sum()
    }

    /// Minor units for what is wanted; `None` if a price is unknown.
    fn total(&self) -> Option<i64> {
        if self.prices.is_empty() && self.wanted() > 0 {
            return None;
        }
        // In range: a place whose total is not is refused.
        Some(self.prices.iter().map(|p| p.quantity * p.unit_price).sum())
    }

    /// The units that are still on the shelf or in the box, by place.
    pub fn open_rows(&self) -> Few<Row> {
        self.rows
            .iter()
            .filter(|row| row.to_ship() > 0)
            .map(|row| Row { location: row.location.clone(), quantity: row.to_ship() })
            .collect()
    }
}

impl Allocation {
    pub fn to_ship(&self) -> i64 {
        self.quantity - self.shipped
    }

    pub fn to_return(&self) -> i64 {
        self.shipped - self.returned
    }
}
