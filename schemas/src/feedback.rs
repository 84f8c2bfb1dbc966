//! What customers and staff report on `feedback`, decoded and checked, and how it is shown in the events of the part
//! that it is about. Whom it concerns and what it changes is decided in the rules.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::input::{brief, id, optional_id, range, required, same_as_key, some_text};
use crate::{Reason, Reject, sku, text};

/// So much of a text is shown and kept, in characters.
pub const MAX_EXCERPT_CHARS: usize = 160;
/// Longest kind of a feedback in bytes, cleaned.
pub const MAX_KIND_BYTES: usize = 64;
/// Most stars.
pub const MAX_RATING: u8 = 5;

/// What somebody says of an order, a product, stock or a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback<'a> {
    pub feedback_id: Cow<'a, str>,
    pub about: About,
    /// Of the subject: the order, the SKU (cleaned), or the shipment.
    pub id: Cow<'a, str>,
    /// In small letters: `damaged`, `missing`, `wrong_item`, `late`, `not_as_described`, `counterfeit`, `out_of_stock`,
    /// `praise`, or anything else.
    pub kind: Cow<'a, str>,
    /// 1 to [`MAX_RATING`] stars.
    pub rating: Option<u8>,
    pub text: Option<Comment<'a>>,
    /// Always there about a delivery.
    pub order_id: Option<Cow<'a, str>>,
    /// Where stock is missing.
    pub location: Option<Cow<'a, str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum About {
    Order,
    Product,
    Stock,
    Delivery,
}

/// What a customer wrote. It may be personal, so it is printed nowhere by accident: only an excerpt can be had.
#[derive(Clone, PartialEq, Eq)]
pub struct Comment<'a>(Cow<'a, str>);

impl<'a> Comment<'a> {
    pub fn new(text: impl Into<Cow<'a, str>>) -> Comment<'a> {
        Comment(text.into())
    }

    /// One line of at most [`MAX_EXCERPT_CHARS`].
    pub fn excerpt(&self) -> Box<str> {
        text::excerpt(&self.0, MAX_EXCERPT_CHARS).into()
    }

    /// All of it, to tell a repeated comment from another one; not to be shown or kept.
    pub fn whole(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Comment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Comment({} bytes)", self.0.len())
    }
}

#[derive(Deserialize)]
pub(crate) struct RawFeedback<'a> {
    #[serde(borrow, default, deserialize_with = "some_text")]
    feedback_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    about: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    kind: Option<Cow<'a, str>>,
    rating: Option<i64>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    order_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    location: Option<Cow<'a, str>>,
}

impl<'a> RawFeedback<'a> {
    /// `key`: the record's, as it is; whether it is a SKU is said in the record.
    pub(crate) fn check(self, key: &str) -> Result<Feedback<'a>, Reject> {
        let about = match &*required("about", self.about)? {
            "order" => About::Order,
            "product" => About::Product,
            "stock" => About::Stock,
            "delivery" => About::Delivery,
            other => {
                return Err(Reject::new(
                    Reason::UnknownType,
                    format!("about is `{}`; it is one of order, product, stock, delivery", brief(other)),
                ));
            }
        };
        let id_of_subject = if about.is_sku() {
            let sku = sku::field("id", self.id)?;
            same_as_key("id", &sku, &sku::clean(key))?;
            sku
        } else {
            let id = id("id", self.id)?;
            same_as_key("id", &id, key)?;
            id
        };
        let order_id = optional_id("order_id", self.order_id)?;
        match (about, &order_id) {
            // Which shipment it was is known to the order alone.
            (About::Delivery, None) => {
                return Err(Reject::new(Reason::MissingField, "`order_id` is missing; feedback about a delivery names its order"));
            }
            (About::Order, Some(order_id)) => same_as_key("order_id", order_id, &id_of_subject)?,
            _ => {}
        }
        Ok(Feedback {
            feedback_id: id("feedback_id", self.feedback_id)?,
            about,
            id: id_of_subject,
            kind: kind(required("kind", self.kind)?)?,
            rating: self.rating.map(|stars| range("rating", stars, 1, i64::from(MAX_RATING))).transpose()?.map(|stars| stars as u8),
            text: self.text.map(Comment),
            order_id,
            location: optional_id("location", self.location)?,
        })
    }
}

/// One line in small letters.
fn kind(raw: Cow<'_, str>) -> Result<Cow<'_, str>, Reject> {
    let is_word = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let kind = if is_word(&raw) { raw } else { Cow::Owned(text::one_line(&raw).to_lowercase()) };
    if kind.is_empty() || kind.len() > MAX_KIND_BYTES {
        return Err(Reject::new(Reason::InvalidValue, format!("`kind` has {} bytes; it has 1 to {MAX_KIND_BYTES}", kind.len())));
    }
    Ok(kind)
}

impl About {
    /// The subject's id is a SKU.
    pub fn is_sku(self) -> bool {
        matches!(self, About::Product | About::Stock)
    }

    pub fn word(self) -> &'static str {
        match self {
            About::Order => "order",
            About::Product => "product",
            About::Stock => "stock",
            About::Delivery => "delivery",
        }
    }
}

/// Feedback as events show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remark {
    pub feedback_id: Box<str>,
    pub about: About,
    pub kind: Box<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rating: Option<u8>,
    /// An excerpt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<Box<str>>,
}

impl From<&Feedback<'_>> for Remark {
    fn from(feedback: &Feedback<'_>) -> Remark {
        Remark {
            feedback_id: (*feedback.feedback_id).into(),
            about: feedback.about,
            kind: (*feedback.kind).into(),
            rating: feedback.rating,
            text: feedback.text.as_ref().map(Comment::excerpt).filter(|text| !text.is_empty()),
            order_id: feedback.order_id.as_deref().map(Into::into),
        }
    }
}
