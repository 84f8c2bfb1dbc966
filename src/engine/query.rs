//! Answers from a task's committed state, as JSON.

use processors::orders::Order;
use processors::stock::Stock;
use serde_json::{Value, json};
use state::Store;

use super::plan::{Plan, Processor};
use super::task::Task;
use super::{demand, orders, stock};

/// The order or SKU under `key`; `None` if there is none. `now`: milliseconds, for the SKU's forecast.
pub fn look_up<S: Store>(task: &Task<S>, plan: &Plan, now: i64, key: &str) -> Option<Value> {
    match task.id.processor {
        Processor::Orders => {
            let bytes = task.committed(&orders::key_of(key)).ok()??;
            let order = Order::decode(&bytes).ok()?;
            let mut value = serde_json::to_value(order.view()).ok()?;
            value.as_object_mut()?.insert("order_id".into(), key.into());
            Some(value)
        }
        Processor::Stock => {
            let bytes = task.committed(&stock::key_of(key)).ok()??;
            let stock = Stock::decode(&bytes).ok()?;
            let level = stock.level();
            let mut value = json!({
                "sku": key,
                "on_hand": level.on_hand,
                "reserved": level.reserved,
                "available": level.available,
                "incoming": level.incoming,
                "locations": level.locations,
                "version": level.version,
                "at": level.at.to_string(),
            });
            if let Some(forecast) = demand::forecast(task, plan, key, &stock, now) {
                value.as_object_mut()?.insert("forecast".into(), forecast);
            }
            Some(value)
        }
    }
}
