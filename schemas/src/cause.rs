//! Which input record led to a decision. Carried through every internal message, so that whatever comes out names it.

use serde::{Deserialize, Serialize};

/// An input topic by its role; what it is called on the broker is configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Source {
    Orders,
    Payments,
    Restocks,
    StockCounts,
    Products,
    Feedback,
    GpsPings,
    Dispatches,
}

// Tables are indexed by `source as usize`.
const _: () = {
    let mut i = 0;
    while i < Source::ALL.len() {
        assert!(Source::ALL[i] as usize == i, "Source::ALL is in another order than the enum");
        i += 1;
    }
};

impl Source {
    pub const ALL: [Source; 8] = [
        Source::Orders,
        Source::Payments,
        Source::Restocks,
        Source::StockCounts,
        Source::Products,
        Source::Feedback,
        Source::GpsPings,
        Source::Dispatches,
    ];

    /// The topic's default name, which is also its name in `topology.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Source::Orders => "orders",
            Source::Payments => "payments",
            Source::Restocks => "restocks",
            Source::StockCounts => "stock-counts",
            Source::GpsPings => "gps-pings",
            Source::Dispatches => "dispatches",
            Source::Products => "products",
            Source::Feedback => "feedback",
        }
    }

    /// The field of a record that repeats its key.
    pub fn key_field(self) -> &'static str {
        match self {
            Source::Orders | Source::Payments => "order_id",
            Source::Restocks | Source::StockCounts | Source::Products => "sku",
            Source::Feedback => "id",
            Source::GpsPings | Source::Dispatches => "vehicle_id",
        }
    }
}

/// Coordinates of an external input record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cause {
    pub source: Source,
    pub partition: i32,
    pub offset: i64,
}

/// What the input topics are called on the broker; ids and `cause` in the output name them so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicNames([Box<str>; Source::ALL.len()]);

impl TopicNames {
    pub fn new(name: impl Fn(Source) -> String) -> TopicNames {
        TopicNames(Source::ALL.map(|source| name(source).into()))
    }

    pub fn of(&self, source: Source) -> &str {
        &self.0[source as usize]
    }
}

impl Default for TopicNames {
    fn default() -> TopicNames {
        TopicNames::new(|source| source.name().to_owned())
    }
}
