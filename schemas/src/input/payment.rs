//! Records on `payments`. Shape and limits only; what a payment changes is a rule.

use std::borrow::Cow;

use serde::Deserialize;

use super::check::{brief, currency, id, range, required, same_as_key};
use super::{MAX_AMOUNT, some_text};
use crate::{Reason, Reject};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment<'a> {
    pub payment_id: Cow<'a, str>,
    pub order_id: Cow<'a, str>,
    pub status: PaymentStatus,
    /// Minor units; always there when captured.
    pub amount: Option<i64>,
    pub currency: Option<Cow<'a, str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PaymentStatus {
    Captured,
    Failed,
    Refunded,
}

#[derive(Deserialize)]
pub(crate) struct RawPayment<'a> {
    #[serde(borrow, default, deserialize_with = "some_text")]
    payment_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    order_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    status: Option<Cow<'a, str>>,
    amount: Option<i64>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    currency: Option<Cow<'a, str>>,
}

impl<'a> RawPayment<'a> {
    pub(super) fn check(self, key: &str) -> Result<Payment<'a>, Reject> {
        let order_id = id("order_id", self.order_id)?;
        same_as_key("order_id", &order_id, key)?;
        let status = match &*required("status", self.status)? {
            "captured" => PaymentStatus::Captured,
            "failed" => PaymentStatus::Failed,
            "refunded" => PaymentStatus::Refunded,
            other => {
                return Err(Reject::new(
                    Reason::UnknownType,
                    format!("status is `{}`; it is one of captured, failed, refunded", brief(other)),
                ));
            }
        };
        let amount = self.amount.map(|a| range("amount", a, 0, MAX_AMOUNT)).transpose()?;
        let currency = currency(self.currency)?;
        if status == PaymentStatus::Captured {
            required("amount", amount)?;
            required("currency", currency.as_ref())?;
        }
        Ok(Payment { payment_id: id("payment_id", self.payment_id)?, order_id, status, amount, currency })
    }
}
