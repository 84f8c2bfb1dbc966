//! Answers from a task's committed state, as JSON.

use processors::fleet::Vehicle;
use processors::orders::Order;
use processors::stock::Stock;
use serde_json::{Value, json};
use state::Store;

use super::plan::Processor;
use super::task::Task;
use super::{fleet, orders, stock};

/// The order, SKU or vehicle under `key`; `None` if there is none.
pub fn look_up<S: Store>(task: &Task<S>, key: &str) -> Option<Value> {
    match task.id.processor {
        Processor::Orders => {
            let bytes = task.committed(&orders::key_of(key)).ok()??;
            let order = Order::decode(&bytes).ok()?;
            let mut value = serde_json::to_value(order.view()).ok()?;
            value.as_object_mut()?.insert("order_id".into(), key.into());
            Some(value)
        }
        Processor::Fleet => {
            let bytes = task.committed(&fleet::key_of(key)).ok()??;
            let vehicle = Vehicle::decode(&bytes).ok()?;
            let position = vehicle.position();
            let on_board: Vec<&str> = vehicle.on_board().map(|(shipment_id, _)| shipment_id).collect();
            Some(json!({
                "vehicle_id": key,
                "lat": position.as_ref().map(|p| p.point.degrees().0),
                "lon": position.as_ref().map(|p| p.point.degrees().1),
                "fix_time": position.as_ref().map(|p| p.fix_time.to_string()),
                "state": position.as_ref().map(|p| p.motion.word()),
                "shipments": on_board,
                "next_stop": position.as_ref().and_then(|p| p.next_stop.as_deref()),
                "eta": position.as_ref().and_then(|p| p.eta).map(|at| at.to_string()),
                "eta_sigma_seconds": position.as_ref().and_then(|p| p.eta_sigma_seconds),
                "remaining_metres": position.as_ref().and_then(|p| p.remaining_metres),
            }))
        }
        Processor::Stock => {
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
    }
}
