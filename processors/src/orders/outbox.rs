//! The events and commands of one step, in the making. Decides nothing.

use schemas::event::{OrderEvent, OrderEventKind};
use schemas::message::{FleetMessage, StockCommand, ToFleet, ToStock};

use super::order::{Line, SeenPayment};
use crate::Trigger;

pub(super) struct Outbox<'a> {
    order_id: &'a str,
    /// Time and cause of what is added next.
    pub trigger: Trigger,
    /// Of the last event.
    pub seq: u32,
    pub events: Vec<OrderEvent>,
    pub commands: Vec<ToStock>,
    pub to_fleet: Vec<ToFleet>,
}

impl<'a> Outbox<'a> {
    pub fn new(order_id: &'a str, trigger: Trigger, seq: u32) -> Outbox<'a> {
        Outbox { order_id, trigger, seq, events: vec![], commands: vec![], to_fleet: vec![] }
    }

    /// Adds an event and returns it, for what is special about its kind.
    pub fn event(&mut self, kind: OrderEventKind) -> &mut OrderEvent {
        self.seq += 1;
        self.events.push_mut(OrderEvent {
            kind,
            seq: self.seq,
            at: self.trigger.at,
            cause: self.trigger.cause,
            lines: vec![],
            expires_at: None,
            reason: None,
            sku: None,
            amount: None,
            currency: None,
            payment_id: None,
            shipment_id: None,
            vehicle_id: None,
            stop_id: None,
            detail: None,
            feedback: None,
        })
    }

    /// An event about a payment.
    pub fn payment_event(&mut self, kind: OrderEventKind, payment: &SeenPayment, reason: Option<&'static str>) -> &mut OrderEvent {
        let event = self.event(kind);
        event.amount = payment.amount;
        event.currency.clone_from(&payment.currency);
        event.payment_id = Some(payment.id.clone());
        event.reason = reason.map(Into::into);
        event
    }

    /// To the stock of the line's SKU.
    pub fn command(&mut self, line: &Line, command: StockCommand) {
        let Trigger { at, cause } = self.trigger;
        self.commands.push(ToStock { order_id: self.order_id.into(), sku: line.sku.clone(), slot: line.slot, command, at, cause });
    }

    pub fn tell_vehicle(&mut self, vehicle_id: &str, body: FleetMessage) {
        let Trigger { at, cause } = self.trigger;
        self.to_fleet.push(ToFleet { vehicle_id: vehicle_id.into(), body, at, cause });
    }

    pub fn order_id(&self) -> &'a str {
        self.order_id
    }

    /// Runs `f` with another time and cause.
    pub fn because_of(&mut self, trigger: Trigger, f: impl FnOnce(&mut Self)) {
        let own = std::mem::replace(&mut self.trigger, trigger);
        f(self);
        self.trigger = own;
    }
}
