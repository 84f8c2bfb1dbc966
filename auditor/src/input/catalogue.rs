//! What the catalogue is told and what customers report, as the auditor remembers it. Judges no rule.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use super::{Class, Said, id};
use crate::facts::{Registry, Units, digest};
use crate::sku::clean;

#[derive(Deserialize)]
struct Product<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    sku: Cow<'a, str>,
}

/// None if it does not read as `wire.md` says.
pub(super) fn product(key: &str, text: &str, registry: &mut Registry) -> Option<Said> {
    let product: Product = serde_json::from_str(text).ok()?;
    let sku = clean(&product.sku);
    if sku.is_empty() || sku != clean(key) {
        return None;
    }
    let class = match &*product.kind {
        "upsert" => Class::Upsert,
        "withdraw" => Class::Withdraw,
        _ => return None,
    };
    // All its members, in the order of their names: which of them count is the catalogue's business.
    let whole: Value = serde_json::from_str(text).ok()?;
    Some(Said {
        class,
        subject: registry.sku(&product.sku),
        id: id(&("product", &*sku)),
        content: digest(&whole.to_string()),
        balance: Units::NONE,
        lines: false,
    })
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
    let (class, subject) = match (&*feedback.about, &feedback.order_id) {
        ("order", _) => (Class::FeedbackOrder, registry.orders.number(&feedback.id)),
        ("delivery", Some(order)) => (Class::FeedbackOrder, registry.orders.number(order)),
        ("product", _) => (Class::FeedbackProduct, registry.sku(&feedback.id)),
        ("stock", _) => (Class::FeedbackStock, registry.sku(&feedback.id)),
        _ => return None,
    };
    Some(Said {
        class,
        subject,
        id: id(&("feedback", &feedback.about, &feedback.id, &feedback.own_id)),
        content: digest(&(&feedback.kind, feedback.rating.map(f64::to_bits), &feedback.text, &feedback.order_id)),
        balance: Units::NONE,
        lines: false,
    })
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
