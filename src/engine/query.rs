//! Answers from a task's committed state, as JSON.

use processors::catalogue::Listing;
use processors::fleet::{Shipment, Vehicle};
use processors::orders::Order;
use processors::stock::Stock;
use schemas::event::Named;
use serde_json::{Value, json};
use state::Store;

use super::plan::{Plan, Processor};
use super::task::Task;
use super::{demand, fleet, orders, products, stock};

/// What a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    Order,
    Stock,
    Product,
    Vehicle,
    /// This shipment on the vehicle that the key names.
    Shipment(Box<str>),
}

impl Subject {
    /// Whose task knows.
    pub fn processor(&self) -> Processor {
        match self {
            Subject::Order => Processor::Orders,
            Subject::Stock | Subject::Product => Processor::Stock,
            Subject::Vehicle | Subject::Shipment(_) => Processor::Fleet,
        }
    }
}

/// What the task has under `key`; `None` if there is none. `now`: milliseconds, for the SKU's forecast.
pub fn look_up<S: Store>(task: &Task<S>, plan: &Plan, now: i64, subject: &Subject, key: &str) -> Option<Value> {
    match subject {
        Subject::Order => {
            let bytes = task.committed(&orders::key_of(key)).ok()??;
            let order = Order::decode(&bytes).ok()?;
            let mut value = serde_json::to_value(order.view()).ok()?;
            value.as_object_mut()?.insert("order_id".into(), key.into());
            Some(value)
        }
        Subject::Vehicle => {
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
        Subject::Shipment(shipment_id) => {
            let bytes = task.committed(&fleet::shipment_key(key, shipment_id)).ok()??;
            let mut value = serde_json::to_value(Shipment::decode(&bytes).ok()?.view()).ok()?;
            let fields = value.as_object_mut()?;
            fields.insert("shipment_id".into(), (&**shipment_id).into());
            fields.insert("vehicle_id".into(), key.into());
            Some(value)
        }
        Subject::Stock => {
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
