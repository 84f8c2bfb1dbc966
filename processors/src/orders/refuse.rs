//! Why an order cannot do what is asked of it, in the words of the dead letter.

use schemas::{Reason, Reject};

use super::order::{Order, Status};
use super::view;

pub(super) fn unless_paid(order: &Order) -> Result<(), Reject> {
    match order.status {
        Status::Paid => Ok(()),
        Status::Held => Err(not_paid()),
        _ => Err(closed(order)),
    }
}

pub(super) fn if_delivered(order: &Order) -> Result<(), Reject> {
    if order.delivered { Err(Reject::new(Reason::AlreadyDelivered, "the order is delivered")) } else { Ok(()) }
}

pub(super) fn not_paid() -> Reject {
    Reject::new(Reason::NotPaid, "the order is not paid")
}

pub(super) fn not_shipped() -> Reject {
    Reject::new(Reason::NotShipped, "not all that it is about was shipped")
}

pub(super) fn closed(order: &Order) -> Reject {
    Reject::new(Reason::OrderClosed, format!("the order is {}", view::status_word(order)))
}

pub(super) fn ran_out() -> Reject {
    Reject::new(Reason::OrderClosed, "the order's hold has run out")
}
