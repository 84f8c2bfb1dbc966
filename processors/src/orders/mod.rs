//! One order, from `place` to `return`: asks every SKU for a hold at once, decides all or nothing, expires unpaid
//! holds, follows payment, shipment, cancellation and return. Knows stock and vehicles only by messages.
//!
//! | file | what |
//! | --- | --- |
//! | `order.rs` | the order's state and what can be read off it |
//! | `outbox.rs` | the events and commands of one step |
//! | `place.rs` `reply.rs` | asking for stock, and the decision |
//! | `payment.rs` `due.rs` | money in time, late, wrong; the hold that runs out |
//! | `cancel.rs` `ship.rs` `returns.rs` | what happens to the units afterwards |
//! | `delivery.rs` | what the vehicle says that has it on board |
//! | `note.rs` | what customers report about it |
//! | `request.rs` | what waits until the decision is there |
//! | `lines.rs` | merging lines, choosing units |
//! | `refuse.rs` | why not |
//! | `view.rs` | the order as a query shows it |
//!
//! Every verb checks first and changes afterwards: a refusal leaves the order as it was.

use schemas::event::OrderEvent;
use schemas::feedback::Feedback;
use schemas::input::{OrderCommand, Payment};
use schemas::message::{ShipmentNews, StockReply, ToFleet, ToStock};

use crate::{Trigger, Verdict};

mod cancel;
mod delivery;
mod due;
mod lines;
mod note;
mod order;
mod outbox;
mod payment;
mod place;
mod refuse;
mod reply;
mod request;
mod returns;
mod ship;
mod view;

pub use order::{MAX_DEFERRED, MAX_NOTES, MAX_PAYMENTS, Order};
pub use view::{AllocationView, LineView, OrderView, PaymentView};

use outbox::Outbox;
use request::Request;

/// What a shop may decide about its orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How long stock is held for an unpaid order that does not say; seconds.
    pub hold_seconds: u32,
    pub deduct_on: DeductOn,
}

/// When the units of an order leave the shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeductOn {
    Payment,
    Shipment,
}

/// What can happen to an order.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    Command(OrderCommand<'a>),
    Payment(Payment<'a>),
    /// About the order or its delivery.
    Feedback(Feedback<'a>),
    /// A SKU's answer to a reserve.
    Reply {
        sku: &'a str,
        /// Where it keeps what it holds.
        slot: u32,
        reply: StockReply,
    },
    /// What a vehicle's task says of a shipment that the order is in.
    Shipment {
        shipment_id: &'a str,
        vehicle_id: &'a str,
        news: ShipmentNews,
    },
    /// The time that [`Order::due`] named has come.
    Due,
}

/// What follows from one event.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The order's new state; `None`: unchanged.
    pub order: Option<Order>,
    pub events: Vec<OrderEvent>,
    /// To each SKU's stock task, in this order. Each has its own time and cause: one step may expire a hold for the
    /// place and ask again for the payment.
    pub commands: Vec<ToStock>,
    /// To vehicles that have the order on board no longer.
    pub to_fleet: Vec<ToFleet>,
    pub verdict: Verdict,
}

/// One event of the order `order_id`. `order` is its state, `None` if nothing was heard of it.
pub fn apply(config: &Config, order_id: &str, trigger: Trigger, event: Event<'_>, order: Option<Order>) -> Step {
    let mut order = order.unwrap_or_else(|| Order::unplaced(trigger));
    let mut out = Outbox::new(order_id, trigger, order.seq);
    let result = match event {
        Event::Command(OrderCommand::Place(place)) => place::apply(config, &mut order, &mut out, &place),
        Event::Command(command) => Request::from_command(&order, command).and_then(|r| request::take(config, &mut order, &mut out, r)),
        Event::Payment(payment) => payment::receive(config, &mut order, &mut out, &payment),
        Event::Feedback(feedback) => note::apply(&mut order, &mut out, &feedback),
        Event::Reply { sku, slot, reply } => Ok(reply::apply(config, &mut order, &mut out, sku, slot, reply)),
        Event::Shipment { shipment_id, vehicle_id, news } => {
            Ok(delivery::hear(config, &mut order, &mut out, shipment_id, vehicle_id, news))
        }
        Event::Due => Ok(due::apply(&mut order, &mut out)),
    };
    match result.unwrap_or_else(Verdict::Refused) {
        Verdict::Applied => {
            order.seq = out.seq;
            Step { order: Some(order), events: out.events, commands: out.commands, to_fleet: out.to_fleet, verdict: Verdict::Applied }
        }
        verdict => Step { order: None, events: vec![], commands: vec![], to_fleet: vec![], verdict },
    }
}
