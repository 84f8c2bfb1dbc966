//! The order as a query shows it. A picture for people and programs; no rule reads it.

use schemas::input::PaymentStatus;
use serde::Serialize;

use super::order::{Line, Order, Status};

/// One order. Times are RFC 3339, money is in minor units.
#[derive(Debug, Serialize)]
pub struct OrderView<'a> {
    pub status: &'static str,
    /// Of the last event on `order-events`.
    pub seq: u32,
    /// Of an unpaid hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<&'a str>,
    /// What is to be paid for the units that are not cancelled; absent if a price is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
    pub lines: Vec<LineView<'a>>,
    pub payments: Vec<PaymentView<'a>>,
    /// The shipment that has it, or had it last, and its vehicle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shipment_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vehicle_id: Option<&'a str>,
    /// Records that wait for the decision.
    pub waiting: usize,
}

#[derive(Debug, Serialize)]
pub struct LineView<'a> {
    pub sku: &'a str,
    pub ordered: i64,
    pub cancelled: i64,
    pub shipped: i64,
    pub returned: i64,
    pub locations: Vec<AllocationView<'a>>,
}

#[derive(Debug, Serialize)]
pub struct AllocationView<'a> {
    pub location: &'a str,
    pub quantity: i64,
}

#[derive(Debug, Serialize)]
pub struct PaymentView<'a> {
    pub payment_id: &'a str,
    pub status: PaymentStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<&'a str>,
}

impl Order {
    /// For `GET /orders/{id}`.
    pub fn view(&self) -> OrderView<'_> {
        OrderView {
            status: status_word(self),
            seq: self.seq,
            expires_at: self.due().map(|at| at.to_string()),
            currency: self.currency.as_deref(),
            total: self.total().filter(|_| !self.lines.is_empty()),
            lines: self.lines.iter().map(Line::view).collect(),
            payments: self
                .payments
                .iter()
                .map(|p| PaymentView { payment_id: &p.id, status: p.status, amount: p.amount, currency: p.currency.as_deref() })
                .collect(),
            shipment_id: self.carrier().map(|(shipment_id, _)| shipment_id),
            vehicle_id: self.carrier().map(|(_, vehicle_id)| vehicle_id),
            waiting: self.deferred.len(),
        }
    }
}

impl Line {
    fn view(&self) -> LineView<'_> {
        LineView {
            sku: &self.sku,
            ordered: self.ordered,
            cancelled: self.cancelled,
            shipped: self.shipped(),
            returned: self.shipped() - self.to_return(),
            locations: self.rows.iter().map(|row| AllocationView { location: &row.location, quantity: row.quantity }).collect(),
        }
    }
}

/// Where the order stands, in the words of its events.
pub(super) fn status_word(order: &Order) -> &'static str {
    match order.status {
        Status::Unplaced => "unplaced",
        Status::Reserving => "reserving",
        Status::Rejected => "rejected",
        Status::Held => "accepted",
        Status::Expired => "expired",
        Status::Cancelled => "cancelled",
        Status::Paid => {
            let (to_ship, shipped, to_return) = (order.all(Line::to_ship), order.all(Line::shipped), order.all(Line::to_return));
            match () {
                () if shipped == 0 => "paid",
                () if to_ship > 0 => "part_shipped",
                () if to_return == 0 => "returned",
                () if order.delivered => "delivered",
                () if order.carrier.as_ref().is_some_and(|carrier| !carrier.ended) => "out_for_delivery",
                () => "shipped",
            }
        }
    }
}
