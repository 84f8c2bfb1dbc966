//! What the catalogue is told and what customers report, as the auditor remembers it. Judges no rule.

use std::borrow::Cow;

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;

use super::{Class, Said, id};
use crate::facts::{Registry, Units, digest};
use crate::sku::{clean, is_unseen};

#[derive(Deserialize)]
struct Product<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    sku: Cow<'a, str>,
    #[serde(borrow)]
    gtin: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    price: Option<i64>,
    #[serde(borrow)]
    currency: Option<Cow<'a, str>>,
    lead_time_days: Option<i64>,
    order_cost: Option<i64>,
    holding_cost: Option<i64>,
    reorder_point: Option<i64>,
    mute: Option<bool>,
}

/// None if it does not read as `wire.md` says.
pub(super) fn product(key: &str, text: &str, registry: &mut Registry) -> Option<Said> {
    let product: Product = serde_json::from_str(text).ok()?;
    let sku = clean(&product.sku);
    if sku.is_empty() || sku != clean(key) {
        return None;
    }
    let (class, content) = match &*product.kind {
        // What the product is, whatever version it was made for and however it is written: an update that says what
        // stands changes nothing.
        "upsert" => (
            Class::Upsert,
            digest(&(
                (product.gtin.as_deref().map(digits), product.name.as_deref().map(letters).filter(|name| !name.is_empty())),
                (product.price, &product.currency, product.lead_time_days, product.order_cost, product.holding_cost),
                (product.reorder_point, product.mute.unwrap_or(false)),
            )),
        ),
        // Withdrawn is withdrawn, for whatever reason.
        "withdraw" => (Class::Withdraw, digest(&"withdraw")),
        _ => return None,
    };
    let subject = registry.sku(&product.sku);
    Some(Said { class, subject, id: id(&("product", &*sku)), content, balance: Units::NONE, lines: false })
}

/// A GTIN's digits, without the zeros in front.
fn digits(gtin: &str) -> String {
    let digits: String = gtin.chars().filter(char::is_ascii_digit).collect();
    digits.trim_start_matches('0').to_owned()
}

/// A text without white space and what nobody sees.
fn letters(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !c.is_control() && !is_unseen(*c)).nfc().collect()
}

#[derive(Deserialize)]
struct Feedback<'a> {
    #[serde(borrow, rename = "feedback_id")]
    own_id: Cow<'a, str>,
    #[serde(borrow)]
    about: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
    rating: Option<f64>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    order_id: Option<Cow<'a, str>>,
}

/// None if it does not read as `wire.md` says.
pub(super) fn feedback(key: &str, text: &str, registry: &mut Registry) -> Option<Said> {
    let feedback: Feedback = serde_json::from_str(text).ok()?;
    if feedback.id != key && clean(&feedback.id) != clean(key) {
        return None;
    }
    let kind = feedback.kind.as_deref().map(|kind| letters(kind).to_lowercase());
    // Its id counts once at whom it reaches: an order and its delivery are one, so are a product and its stock.
    let own_id = &feedback.own_id;
    let (class, subject, id) = match (&*feedback.about, &feedback.order_id) {
        ("order", _) => (Class::FeedbackOrder, registry.orders.number(&feedback.id), id(&("feedback on order", &feedback.id, own_id))),
        ("delivery", Some(order)) => (Class::FeedbackOrder, registry.orders.number(order), id(&("feedback on order", order, own_id))),
        (about @ ("product" | "stock"), _) => {
            let class = if about == "product" { Class::FeedbackProduct } else { Class::FeedbackStock };
            (class, registry.sku(&feedback.id), id(&("feedback on SKU", clean(&feedback.id), own_id)))
        }
        _ => return None,
    };
    let content = digest(&(&feedback.about, &kind, feedback.rating.map(f64::to_bits), &feedback.text, &feedback.order_id));
    Some(Said { class, subject, id, content, balance: Units::NONE, lines: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_known_by_the_clean_form_of_its_sku() {
        let mut registry = Registry::default();
        let base = product("85123A", r#"{"type":"upsert","sku":"85123A","price":255}"#, &mut registry).expect("it reads");
        let other = product("85123a", r#"{"price":255,"sku":"85123A","type":"upsert"}"#, &mut registry).expect("it reads");
        assert_eq!((base.subject, base.id, base.content), (other.subject, other.id, other.content));
        assert!(product("85123B", r#"{"type":"upsert","sku":"85123A"}"#, &mut registry).is_none());
        assert!(product("85123A", r#"{"type":"delete","sku":"85123A"}"#, &mut registry).is_none());
    }

    #[test]
    fn feedback_is_about_an_order_or_a_sku() {
        let mut registry = Registry::default();
        for (text, class) in [
            (r#"{"feedback_id":"F","about":"order","id":"7","kind":"late"}"#, Some(Class::FeedbackOrder)),
            (r#"{"feedback_id":"F","about":"stock","id":"7","kind":"missing"}"#, Some(Class::FeedbackStock)),
            (r#"{"feedback_id":"F","about":"delivery","id":"7","order_id":"9"}"#, Some(Class::FeedbackOrder)),
            (r#"{"feedback_id":"F","about":"delivery","id":"7"}"#, None),
            (r#"{"feedback_id":"F","about":"order","id":"8"}"#, None),
        ] {
            assert_eq!(feedback("7", text, &mut registry).map(|said| said.class), class, "{text}");
        }
    }
}
