//! Where a SKU's reservations are: the newest in its own state, the others in slots beside it (`processors::stock::Slot`
//! says why). Finds and keeps; what a reservation says is the rules' matter.

use processors::stock::{Reservation, Slot, Stock};
use schemas::ShortText;
use state::Store;

use super::stock::SEPARATOR;
use super::task::{Key, RESERVATION, Task};
use super::work::Fault;

/// The slot with this number, if it has been put aside; `None`: it is the one in the SKU's own state.
pub fn aside<S: Store>(task: &Task<S>, sku: &str, stock: &Stock, number: u32) -> Result<Option<Slot>, Fault> {
    if number == stock.open.number {
        return Ok(None);
    }
    Ok(Some(task.get(&key_of(sku, number))?.map_or_else(Slot::default, Slot::from_bytes)))
}

/// What the SKU holds for the order, in the slot that its reply named. `aside`: that slot, if it has been put aside.
pub fn find<S: Store>(
    task: &Task<S>,
    sku: &str,
    stock: &Stock,
    aside: Option<&Slot>,
    order_id: &str,
) -> Result<Option<Reservation>, Fault> {
    let slot = aside.unwrap_or(&stock.open.slot);
    slot.get(order_id).map_err(|e| Fault::damaged(&task.name, &prefix_of(sku), &e))
}

/// Keeps a new reservation. Returns the slot to ask for it.
pub fn begin<S: Store>(task: &mut Task<S>, sku: &str, stock: &mut Stock, order_id: &str, reservation: &Reservation) -> u32 {
    let (number, full) = stock.open.take(order_id, reservation);
    if let Some(full) = full {
        keep(task, sku, number, &full);
    }
    number
}

/// Keeps what has become of a reservation; `None`: it has ended. `aside`: the slot with that number, if it has been put
/// aside.
pub fn change<S: Store>(
    task: &mut Task<S>,
    sku: &str,
    stock: &mut Stock,
    (number, aside): (u32, Option<Slot>),
    order_id: &str,
    reservation: Option<&Reservation>,
) -> Result<(), Fault> {
    match aside {
        Some(mut slot) => {
            slot.set(order_id, reservation).map_err(|e| Fault::damaged(&task.name, &prefix_of(sku), &e))?;
            keep(task, sku, number, &slot);
        }
        None => stock.open.slot.set(order_id, reservation).map_err(|e| Fault::damaged(&task.name, &prefix_of(sku), &e))?,
    }
    Ok(())
}

/// Up to `most` open reservations, sorted by their orders.
pub fn some<S: Store>(task: &Task<S>, sku: &str, stock: &Stock, most: usize) -> Result<Vec<(ShortText, Reservation)>, Fault> {
    let prefix = prefix_of(sku);
    let damaged = |e| Fault::damaged(&task.name, &prefix, &e);
    let mut found = vec![];
    for (_, bytes) in task.with_prefix(&prefix, most)? {
        found.extend(Slot::from_bytes(bytes).all().map_err(damaged)?);
    }
    found.extend(stock.open.slot.all().map_err(damaged)?);
    found.truncate(most);
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

fn keep<S: Store>(task: &mut Task<S>, sku: &str, number: u32, slot: &Slot) {
    let key = key_of(sku, number);
    if slot.is_empty() {
        task.delete(&key);
    } else {
        task.put(&key, |out| out.extend_from_slice(slot.bytes()));
    }
}

fn prefix_of(sku: &str) -> Key {
    let mut key = Key::new();
    key.push(RESERVATION);
    key.extend_from_slice(sku.as_bytes());
    key.push(SEPARATOR);
    key
}

/// Slots of a SKU are behind each other, the oldest first.
fn key_of(sku: &str, slot: u32) -> Key {
    let mut key = prefix_of(sku);
    key.extend_from_slice(&slot.to_be_bytes());
    key
}
