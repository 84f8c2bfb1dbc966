//! The schema of every public topic, as `schemas/avro/` has them, and those of former releases, which records in
//! topics may still be written with.

use avro::Schema;

/// A topic by its default name, and its schema's text.
pub type Entry = (&'static str, &'static str);

macro_rules! entries {
    ($folder:literal: $($topic:literal),* $(,)?) => {
        &[$(($topic, include_str!(concat!("../../avro/", $folder, $topic, ".avsc")))),*]
    };
}

/// What is read and written now. Dead letters are bytes as they came and have no schema.
pub const TOPICS: &[Entry] = entries!["":
    "orders", "payments", "restocks", "stock-counts", "products", "feedback", "gps-pings", "dispatches",
    "order-events", "stock-levels", "stock-movements", "product-catalog", "product-events", "low-stock-alerts", "forecasts",
    "vehicle-positions", "ping-verdicts", "shipment-events",
];

/// What was read and written before, by release. A file here never changes.
pub const RELEASED: &[(&str, &[Entry])] = &[(
    "0.1",
    entries!["released/0.1/":
        "orders", "payments", "restocks", "stock-counts", "products", "feedback", "gps-pings", "dispatches",
        "order-events", "stock-levels", "stock-movements", "product-catalog", "product-events", "low-stock-alerts", "forecasts",
    "vehicle-positions", "ping-verdicts", "shipment-events",
    ],
)];

fn parse(topic: &str, text: &str) -> Schema {
    Schema::parse(text).unwrap_or_else(|e| panic!("the schema of `{topic}` that this program was built with is broken: {e}"))
}

/// The schema of a topic, by its default name.
pub fn current(topic: &str) -> Option<Schema> {
    TOPICS.iter().find(|(name, _)| *name == topic).map(|(name, text)| parse(name, text))
}

/// All schemas of a topic that this program knows, the current one first.
pub fn known(topic: &str) -> Vec<Schema> {
    let released = RELEASED.iter().rev().flat_map(|(_, entries)| entries.iter());
    TOPICS.iter().chain(released).filter(|(name, _)| *name == topic).map(|(name, text)| parse(name, text)).collect()
}
