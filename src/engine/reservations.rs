//! Where a SKU's reservations are: the newest in its own state, the others in slots beside it (`processors::stock::Slot`
//! says why). Finds and keeps; what a reservation says is the rules' matter.

use processors::stock::{Reservation, Slot, Stock};
use state::Store;

use super::stock::SEPARATOR;
use super::task::{RESERVATION, Task};
use super::work::Fault;

/// What the SKU holds for the order, in the slot that its reply named.
pub fn find<S: Store>(task: &Task<S>, sku: &str, stock: &Stock, slot: u32, order_id: &str) -> Result<Option<Reservation>, Fault> {
    let damaged = |e| Fault::damaged(&task.name, &key_of(sku, slot), &e);
    if slot == stock.open.number {
        return stock.open.slot.get(order_id).map_err(damaged);
    }
    match read(task, sku, slot)? {
        Some(slot) => slot.get(order_id).map_err(damaged),
        None => Ok(None),
    }
}

/// Keeps a new reservation. Returns the slot to ask for it.
pub fn begin<S: Store>(task: &mut Task<S>, sku: &str, stock: &mut Stock, order_id: &str, reservation: &Reservation) -> u32 {
    let (number, full) = stock.open.take(order_id, reservation);
    if let Some(full) = full {
        keep(task, sku, number, &full);
    }
    number
}

/// Keeps what has become of a reservation; `None`: it has ended. Returns its slot.
pub fn change<S: Store>(
    task: &mut Task<S>,
    sku: &str,
    stock: &mut Stock,
    slot: u32,
    order_id: &str,
    reservation: Option<&Reservation>,
) -> Result<u32, Fault> {
    if slot == stock.open.number {
        stock.open.slot.set(order_id, reservation).map_err(|e| Fault::damaged(&task.name, &key_of(sku, slot), &e))?;
    } else {
        let mut kept = read(task, sku, slot)?.unwrap_or_default();
        kept.set(order_id, reservation).map_err(|e| Fault::damaged(&task.name, &key_of(sku, slot), &e))?;
        keep(task, sku, slot, &kept);
    }
    Ok(slot)
}

/// Up to `most` open reservations, by order: the oldest slots first.
pub fn some<S: Store>(task: &Task<S>, sku: &str, stock: &Stock, most: usize) -> Result<Vec<(Box<str>, Reservation)>, Fault> {
    let prefix = prefix_of(sku);
    let mut found = vec![];
    for (key, bytes) in task.with_prefix(&prefix, most)? {
        let slot = Slot::decode(bytes).map_err(|e| Fault::damaged(&task.name, &key, &e))?;
        found.extend(slot.all().map_err(|e| Fault::damaged(&task.name, &key, &e))?);
    }
    found.extend(stock.open.slot.all().map_err(|e| Fault::damaged(&task.name, &prefix, &e))?);
    found.truncate(most);
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

fn read<S: Store>(task: &Task<S>, sku: &str, slot: u32) -> Result<Option<Slot>, Fault> {
    let key = key_of(sku, slot);
    let bytes = task.get(&key)?;
    bytes.map(Slot::decode).transpose().map_err(|e| Fault::damaged(&task.name, &key, &e))
}

fn keep<S: Store>(task: &mut Task<S>, sku: &str, number: u32, slot: &Slot) {
    let key = key_of(sku, number);
    if slot.is_empty() {
        task.delete(&key);
    } else {
        task.put(&key, |out| out.extend_from_slice(slot.bytes()));
    }
}

fn prefix_of(sku: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(2 + sku.len() + size_of::<u32>());
    key.push(RESERVATION);
    key.extend_from_slice(sku.as_bytes());
    key.push(SEPARATOR);
    key
}

/// Slots of a SKU are behind each other, the oldest first.
fn key_of(sku: &str, slot: u32) -> Vec<u8> {
    let mut key = prefix_of(sku);
    key.extend_from_slice(&slot.to_be_bytes());
    key
}
