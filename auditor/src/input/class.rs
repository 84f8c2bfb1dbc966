//! What a record asks for, and which outputs may name it as their cause or answer it. Reads no bytes.

use crate::wire::catalogue::ProductKind;
use crate::wire::fleet::ShipmentKind;
use crate::wire::{EventKind, MovementKind};

/// What a record asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// It does not read as `wire.md` says, so nothing but a dead letter may follow.
    Malformed,
    Place,
    Cancel,
    Ship,
    Deliver,
    /// Goods come back to a shelf.
    Return,
    /// Goods come back and are thrown away.
    ReturnScrap,
    Captured,
    Failed,
    Refunded,
    /// On its way: changes `incoming` only and has no output of its own.
    Expected,
    Received,
    Damaged,
    Transfer,
    Count,
    Upsert,
    Withdraw,
    /// About an order, or about the delivery of one.
    FeedbackOrder,
    FeedbackProduct,
    FeedbackStock,
    Dispatch,
    StopDelivered,
    StopFailed,
    Recall,
}

impl Class {
    pub fn word(self) -> &'static str {
        match self {
            Class::Malformed => "malformed record",
            Class::Place => "place",
            Class::Cancel => "cancel",
            Class::Ship => "ship",
            Class::Deliver => "deliver",
            Class::Return | Class::ReturnScrap => "return",
            Class::Captured => "captured payment",
            Class::Failed => "failed payment",
            Class::Refunded => "refunded payment",
            Class::Expected => "expected restock",
            Class::Received => "received restock",
            Class::Damaged => "damaged restock",
            Class::Transfer => "transfer",
            Class::Count => "count",
            Class::Upsert => "upsert",
            Class::Withdraw => "withdraw",
            Class::FeedbackOrder | Class::FeedbackProduct | Class::FeedbackStock => "feedback",
            Class::Dispatch => "dispatch",
            Class::StopDelivered => "proof of delivery",
            Class::StopFailed => "failed delivery",
            Class::Recall => "recall",
        }
    }

    /// May an event of this kind name such a record as its cause?
    pub fn leads_to_event(self, kind: EventKind) -> bool {
        use EventKind as E;
        match self {
            Class::Place => matches!(kind, E::Accepted | E::Rejected | E::Expired),
            // What had to wait for the decision and then turned out to be impossible is `noted`.
            Class::Cancel => matches!(kind, E::Cancelled | E::RefundRequired | E::Noted),
            Class::Ship => matches!(kind, E::PartShipped | E::Shipped | E::Noted),
            Class::Deliver => matches!(kind, E::Delivered | E::Noted),
            Class::Return | Class::ReturnScrap => matches!(kind, E::Returned | E::Noted),
            Class::Captured => matches!(kind, E::Paid | E::RefundRequired | E::Reinstated | E::Noted),
            Class::Failed => matches!(kind, E::PaymentFailed | E::Noted),
            Class::Refunded | Class::FeedbackOrder | Class::StopFailed | Class::Recall => kind == E::Noted,
            // Who dispatches an order ships what is left of it.
            Class::Dispatch => matches!(kind, E::PartShipped | E::Shipped | E::OutForDelivery | E::Noted),
            // It may have been paid since it went out.
            Class::StopDelivered => matches!(kind, E::Shipped | E::Delivered | E::Noted),
            _ => false,
        }
    }

    /// May a shipment event name such a record as its cause?
    pub fn leads_to_shipment(self, kind: ShipmentKind) -> bool {
        use ShipmentKind as S;
        match self {
            // One that takes an order from another shipment ends that, perhaps.
            Class::Dispatch => !matches!(kind, S::Delivered | S::Failed | S::Investigated),
            Class::StopDelivered => !matches!(kind, S::Planned | S::Failed | S::Recalled | S::Investigated),
            Class::StopFailed => !matches!(kind, S::Planned | S::Delivered | S::Recalled | S::Investigated),
            Class::Recall => matches!(kind, S::Left | S::Recalled),
            Class::FeedbackOrder => kind == S::Investigated,
            _ => false,
        }
    }

    /// May a product event name such a record as its cause?
    pub fn leads_to_product(self, kind: ProductKind) -> bool {
        use ProductKind as P;
        match self {
            Class::Upsert => matches!(kind, P::Updated | P::Refused | P::Quarantined),
            Class::Withdraw => matches!(kind, P::Withdrawn | P::Refused),
            Class::FeedbackProduct => matches!(kind, P::Rated | P::Noted | P::Quarantined),
            Class::FeedbackStock => matches!(kind, P::CountRequested | P::Noted),
            _ => false,
        }
    }

    /// May a movement of this kind name such a record as its cause?
    pub fn leads_to_movement(self, kind: MovementKind) -> bool {
        use MovementKind as M;
        match self {
            Class::Place => matches!(kind, M::Held | M::Released | M::Expired),
            Class::Cancel => matches!(kind, M::Released | M::Returned),
            Class::Ship | Class::Dispatch | Class::StopDelivered => kind == M::Sold,
            Class::Return => kind == M::Returned,
            Class::Captured => matches!(kind, M::Held | M::Released | M::Confirmed | M::Sold),
            Class::Received => kind == M::Received,
            Class::Damaged => kind == M::Damaged,
            Class::Transfer => matches!(kind, M::TransferredOut | M::TransferredIn),
            Class::Count => matches!(kind, M::Counted | M::Adjusted),
            _ => false,
        }
    }

    /// Is an event of this kind the answer to such a record, and not just a later consequence?
    pub fn is_answered_by(self, kind: EventKind) -> bool {
        match self {
            Class::Place => matches!(kind, EventKind::Accepted | EventKind::Rejected),
            Class::Cancel => matches!(kind, EventKind::Cancelled | EventKind::Noted),
            // It is the shipment that answers.
            _ if self.of_shipment() => false,
            _ => self.leads_to_event(kind),
        }
    }

    /// The same for a shipment event: what a proof or recall says is said once more, of a dispatch anything.
    pub fn is_answered_by_shipment(self, kind: ShipmentKind) -> bool {
        match self {
            Class::StopDelivered => kind == ShipmentKind::Delivered,
            Class::StopFailed => kind == ShipmentKind::Failed,
            Class::Recall => kind == ShipmentKind::Recalled,
            Class::FeedbackOrder => false,
            _ => true,
        }
    }

    /// It is about a shipment, and so about each of its orders.
    pub fn of_shipment(self) -> bool {
        matches!(self, Class::Dispatch | Class::StopDelivered | Class::StopFailed | Class::Recall)
    }

    /// Several with one id may take effect, one after the other: each changes what the one before has left.
    pub fn repeats(self) -> bool {
        matches!(self, Class::Upsert | Class::Withdraw) || self.of_shipment()
    }

    /// Nothing that can be read has to come of it: it changes a figure of a view at most.
    pub fn may_be_silent(self) -> bool {
        self == Class::Expected
    }

    /// It is about an order, and answered by an order event; else about a SKU, and answered by a movement.
    pub fn of_order(self) -> bool {
        matches!(
            self,
            Class::Place
                | Class::Cancel
                | Class::Ship
                | Class::Deliver
                | Class::Return
                | Class::ReturnScrap
                | Class::Captured
                | Class::Failed
                | Class::Refunded
                | Class::FeedbackOrder
        )
    }
}
