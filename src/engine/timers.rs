//! States that want to be woken: when, and by which rule. A timer is set with the state that wants it and found again
//! in that state by a restore; one that a later state does not want any more is left over and does nothing.

use processors::demand::Demand;
use processors::orders::Order;
use signatures::Seen;
use state::Store;

use super::task::{DEMAND, ORDER, SIGNED, Task};
use super::work::{Context, Fault};
use super::{demand, orders, signed};

/// When the state under `key` wants to be woken, in milliseconds since the epoch. What cannot be read is met by
/// whoever reads it next.
pub fn due_of(key: &[u8], value: &[u8]) -> Option<i64> {
    match key.first() {
        Some(&ORDER) => Order::decode(value).ok()?.due().map(|at| at.0),
        Some(&DEMAND) => Demand::decode(value).ok()?.due().map(|at| at.0),
        Some(&SIGNED) => Some(Seen::decode(value).ok()?.due().0),
        _ => None,
    }
}

/// Wakes up to `limit` states whose time has come by `horizon`; returns how many timers there were.
pub fn fire<S: Store>(task: &mut Task<S>, context: &mut Context<'_>, horizon: i64, limit: usize) -> Result<usize, Fault> {
    let due = task.due(horizon, limit)?;
    for (at, key) in &due {
        match key.first() {
            Some(&ORDER) => orders::wake(task, context, key, *at)?,
            Some(&DEMAND) => demand::wake(task, context, key, *at, horizon)?,
            Some(&SIGNED) => signed::forget(task, key, *at)?,
            _ => return Err(Fault::damaged(&task.name, key, &"a timer for a state that sets none")),
        }
    }
    Ok(due.len())
}
