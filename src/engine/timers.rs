//! States that want to be woken: when, and by which rule. A timer is set with the state that wants it and found again
//! in that state by a restore; one that a later state does not want any more is left over and does nothing.

use processors::fleet::Vehicle;
use processors::orders::Order;
use state::Store;

use super::task::{ORDER, Task, VEHICLE};
use super::work::{Context, Fault};
use super::{fleet, orders};

/// When the state under `key` wants to be woken, in milliseconds since the epoch. What cannot be read is met by
/// whoever reads it next.
pub fn due_of(key: &[u8], value: &[u8]) -> Option<i64> {
    match key.first() {
        Some(&ORDER) => Order::decode(value).ok()?.due().map(|at| at.0),
        Some(&VEHICLE) => Vehicle::decode(value).ok()?.due().map(|at| at.0),
        _ => None,
    }
}

/// Wakes up to `limit` states whose time has come by `horizon`; returns how many timers there were.
pub fn fire<S: Store>(task: &mut Task<S>, context: &mut Context<'_>, horizon: i64, limit: usize) -> Result<usize, Fault> {
    let due = task.due(horizon, limit)?;
    for (at, key) in &due {
        match key.first() {
            Some(&ORDER) => orders::wake(task, context, key, *at)?,
            Some(&VEHICLE) => fleet::wake(task, context, key, *at)?,
            _ => return Err(Fault::damaged(&task.name, key, &"a timer for a state that sets none")),
        }
    }
    Ok(due.len())
}
