//! What the processors tell each other: commands to a SKU, replies to an order, a shipment's news to its orders, and
//! what a vehicle must hear.
//!
//! A [`StockCommand::Reserve`] is answered by exactly one [`StockReply`]; the other commands cannot fail and have no
//! answer. Delivery is exactly once and in order between two tasks, and at most one reserve is outstanding per order
//! and SKU; `attempt` tells a reply from a stale one.

use serde::{Deserialize, Serialize};

use crate::plan::Plan;
use crate::{Cause, Currency, Few, ShortText, Timestamp};

/// Units of one SKU at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub location: ShortText,
    pub quantity: i64,
}

/// From an order to one SKU's stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToStock {
    pub order_id: ShortText,
    pub sku: ShortText,
    /// Where the SKU keeps what it holds for the order, as its reply said; nothing with a reserve.
    pub slot: u32,
    pub command: StockCommand,
    /// When the order's task decided it: the record's time, or when the hold ran out.
    pub at: Timestamp,
    pub cause: Cause,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StockCommand {
    /// NONE → HELD, all of `quantity` or nothing. `location`: only this place may serve it.
    Reserve { attempt: u16, quantity: i64, location: Option<ShortText>, quote: Quote },
    /// HELD or CONFIRMED → RELEASED. Never needs availability.
    Release { rows: Few<Row> },
    /// HELD → EXPIRED.
    Expire { rows: Few<Row> },
    /// HELD → CONFIRMED: paid, the hold no longer expires.
    Confirm { rows: Few<Row> },
    /// HELD or CONFIRMED → COMMITTED: the units leave the shelf.
    Sell { rows: Few<Row> },
    /// COMMITTED units come back to the shelf.
    Return { rows: Few<Row> },
}

/// What an order offers for a unit, to be compared with the catalogue. Empty for what is not said, and for an order
/// that was promised before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Least and most of the SKU's unit prices in the order, minor units: if both fit, all do.
    pub unit_prices: Option<(i64, i64)>,
    pub currency: Option<Currency>,
}

/// From one SKU's stock to an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToOrder {
    pub order_id: ShortText,
    pub sku: ShortText,
    /// Where the SKU keeps what it holds now, to be said with what follows.
    pub slot: u32,
    pub reply: StockReply,
    pub at: Timestamp,
    pub cause: Cause,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StockReply {
    /// HELD, at these places; the rows add up to what was asked for.
    Held { attempt: u16, rows: Few<Row> },
    /// Nothing is held.
    Denied { attempt: u16, denial: Denial },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Denial {
    /// This SKU was never restocked, expected or counted.
    UnknownSku,
    InsufficientStock,
    /// The catalogue has it as withdrawn, or its listing is in quarantine.
    WithdrawnSku,
    /// A unit price of the order is too far from the catalogue's.
    PriceMismatch,
    /// The order is in another currency than the catalogue's price.
    CurrencyMismatch,
}

/// From a vehicle's task to an order that one of its shipments carries. Never refused and never answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipmentUpdate {
    pub order_id: ShortText,
    pub shipment_id: ShortText,
    pub vehicle_id: ShortText,
    pub news: ShipmentNews,
    /// When it was said or seen.
    pub at: Timestamp,
    pub cause: Cause,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShipmentNews {
    /// The order's goods are on the vehicle.
    Dispatched,
    /// The last of the order's stops has its proof of delivery.
    Delivered { stop_id: ShortText },
    /// A stop did not work; the goods are still on the vehicle.
    Failed { stop_id: ShortText, reason: Option<ShortText> },
    /// The shipment comes back with what it has not delivered.
    Recalled { reason: Option<ShortText> },
}

/// To a vehicle's task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToFleet {
    pub vehicle_id: ShortText,
    pub body: FleetMessage,
    pub at: Timestamp,
    pub cause: Cause,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FleetMessage {
    /// From an order: another shipment or vehicle has it now.
    HandedOver { shipment_id: ShortText, order_id: ShortText },
    /// Somebody complains of a delivery: what is known of it?
    Investigate { shipment_id: ShortText, order_id: Option<ShortText>, feedback_id: ShortText, kind: ShortText },
    /// From the planner.
    Plan(Plan),
}
