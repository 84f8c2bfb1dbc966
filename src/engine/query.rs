//! Answers from a task's committed state, as JSON.

use processors::catalogue::Listing;
use processors::orders::Order;
use processors::stock::Stock;
use schemas::event::Named;
use serde_json::{Value, json};
use state::Store;

use super::plan::Processor;
use super::task::Task;
use super::{orders, products, stock};

/// What a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Order,
    Stock,
    Product,
}

impl Subject {
    /// Whose task knows.
    pub fn processor(self) -> Processor {
        match self {
            Subject::Order => Processor::Orders,
            Subject::Stock | Subject::Product => Processor::Stock,
        }
    }
}

/// What the task has under `key`; `None` if there is none.
pub fn look_up<S: Store>(task: &Task<S>, subject: Subject, key: &str) -> Option<Value> {
    match subject {
        Subject::Order => {
            let bytes = task.committed(&orders::key_of(key)).ok()??;
            let order = Order::decode(&bytes).ok()?;
            let mut value = serde_json::to_value(order.view()).ok()?;
            value.as_object_mut()?.insert("order_id".into(), key.into());
            Some(value)
        }
        Subject::Stock => {
            let bytes = task.committed(&stock::key_of(key)).ok()??;
            let level = Stock::decode(&bytes).ok()?.level();
            Some(json!({
                "sku": key,
                "on_hand": level.on_hand,
                "reserved": level.reserved,
                "available": level.available,
                "incoming": level.incoming,
                "locations": level.locations,
                "version": level.version,
                "at": level.at.to_string(),
            }))
        }
        Subject::Product => {
            let bytes = task.committed(&products::key_of(key)).ok()??;
            let row = Listing::decode(&bytes).ok()?.row()?;
            // As on `product-catalog`, but for its cause, which is a matter of topics.
            let mut value = serde_json::to_value(Named { event: &row, key, id: "", topic: "" }).ok()?;
            value.as_object_mut()?.remove("cause");
            Some(value)
        }
    }
}
