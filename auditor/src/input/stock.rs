//! Restocks and counts, as the auditor remembers them. Judges no rule.

use std::borrow::Cow;

use serde::Deserialize;

use super::{Class, MAX_QUANTITY, Said, Time, id};
use crate::facts::{Registry, Role, Units, digest};
use crate::sku::clean;
use crate::wire::MovementKind;

/// Where stock is when a restock or count does not say.
const DEFAULT_LOCATION: &str = "main";

#[derive(Deserialize)]
struct Restock<'a> {
    #[serde(borrow, rename = "restock_id")]
    id: Cow<'a, str>,
    #[serde(borrow)]
    sku: Cow<'a, str>,
    #[serde(borrow)]
    location: Option<Cow<'a, str>>,
    quantity: i64,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    to_location: Option<Cow<'a, str>>,
    expected_at: Option<Time>,
}

/// None if it does not read as `wire.md` says.
pub(super) fn restock(key: &str, text: &str, registry: &mut Registry) -> Option<Said> {
    let restock: Restock = serde_json::from_str(text).ok()?;
    if clean(&restock.sku) != clean(key) || !(1..=MAX_QUANTITY).contains(&restock.quantity) {
        return None;
    }
    let from = restock.location.as_deref().unwrap_or(DEFAULT_LOCATION);
    let location = registry.locations.number(from);
    let effect = |kind, location| effect(kind, location, restock.quantity);
    let (class, balance) = match (&*restock.kind, &restock.to_location) {
        ("expected", _) => (Class::Expected, Units::NONE),
        ("received", _) => (Class::Received, effect(MovementKind::Received, location)),
        ("damaged", _) => (Class::Damaged, effect(MovementKind::Damaged, location)),
        ("transfer", Some(to)) if to != from => {
            let to = registry.locations.number(to);
            (Class::Transfer, effect(MovementKind::TransferredOut, location) + effect(MovementKind::TransferredIn, to))
        }
        _ => return None,
    };
    let id = id(&("restock", &*clean(key), &restock.id, &restock.kind));
    let (to, expected_at) = match class {
        Class::Transfer => (restock.to_location, None),
        Class::Expected => (None, restock.expected_at.map(|t| t.millis())),
        _ => (None, None),
    };
    let content = digest(&(from, restock.quantity, to, expected_at));
    Some(Said { class, subject: registry.sku(key), id, content, balance, lines: false })
}

#[derive(Deserialize)]
struct Count<'a> {
    #[serde(borrow, rename = "count_id")]
    id: Cow<'a, str>,
    #[serde(borrow)]
    sku: Cow<'a, str>,
    #[serde(borrow)]
    location: Option<Cow<'a, str>>,
    counted: i64,
    counted_at: Option<Time>,
}

/// None if it does not read as `wire.md` says.
pub(super) fn count(key: &str, text: &str, registry: &mut Registry) -> Option<Said> {
    let count: Count = serde_json::from_str(text).ok()?;
    if clean(&count.sku) != clean(key) || !(0..=MAX_QUANTITY).contains(&count.counted) {
        return None;
    }
    let at = count.location.as_deref().unwrap_or(DEFAULT_LOCATION);
    Some(Said {
        class: Class::Count,
        subject: registry.sku(key),
        id: id(&("count", &*clean(key), &count.id)),
        content: digest(&(at, count.counted, count.counted_at.map(|t| t.millis()))),
        balance: effect(MovementKind::Adjusted, registry.locations.number(at), count.counted),
        lines: false,
    })
}

/// What a restock or count has to do at a place: move so many units, or for a count leave so many.
pub(crate) fn effect(kind: MovementKind, location: u32, units: i64) -> Units {
    Units::of(units, Role::Effect, kind as u32, location)
}
