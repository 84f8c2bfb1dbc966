//! Views: compacted topics that show the last of a state, such as `stock-levels` and `product-catalog`. Written at a pace and not with every
//! decision, so that small commits touch few partitions; the changelog remembers up to where, so a crash forgets none.

use state::Store;

use super::task::{Key, PRODUCT, STOCK, Task, VEHICLE, VIEWS_MARK};
use super::work::{Context, Fault};
use super::{fleet, products, stock};

/// Whether the state under `key` has a view.
pub fn has_view(key: &[u8]) -> bool {
    matches!(key.first(), Some(&(STOCK | PRODUCT | VEHICLE)))
}

/// Writes the present view of every state that has changed since the last time, and remembers up to where.
pub fn write<S: Store>(task: &mut Task<S>, context: &mut Context<'_>) -> Result<(), Fault> {
    let mut keys: Vec<Key> = std::mem::take(&mut task.stale_views).into_keys().collect();
    // In an order that does not depend on a hash.
    keys.sort_unstable();
    for key in &keys {
        match key.first() {
            Some(&STOCK) => stock::write_level(task, context, key)?,
            Some(&VEHICLE) => fleet::write_position(task, context, key)?,
            Some(&PRODUCT) => products::write_row(task, context, key)?,
            _ => return Err(Fault::damaged(&task.name, key, &"a view of a state that has none")),
        }
    }
    let from = task.position().to_be_bytes();
    task.put(VIEWS_MARK, |out| out.extend_from_slice(&from));
    Ok(())
}
