//! The catalogue's step, in the stock task: read the SKU's listing, let the rules decide, keep what they say.

use std::sync::Arc;

use processors::catalogue::{self, Event, Listing, State};
use processors::stock::Seen;
use processors::{Trigger, Verdict};
use state::Store;

use super::task::{Key, PRODUCT, SEEN, Task};
use super::work::{Context, Fault};
use super::{demand, outputs, stock};

/// Decides one event of one SKU's listing.
pub fn decide<S: Store>(
    task: &mut Task<S>,
    context: &mut Context<'_>,
    sku: &str,
    trigger: Trigger,
    trace: Option<&str>,
    event: Event<'_>,
) -> Result<Verdict, Fault> {
    let key = key_of(sku);
    let mut state = State { listing: task.read::<Listing>(&key)?.map(Arc::unwrap_or_clone), ..State::default() };
    match &event {
        // Nobody asked for a count of what has no listing.
        Event::Counted { .. } if state.listing.is_none() => return Ok(Verdict::Duplicate),
        Event::Feedback(feedback) => {
            state.stocked = stock::read_level(task, sku)?.is_some();
            let seen_key = stock::composed(SEEN, sku, &catalogue::seen_id(feedback));
            if let Some(bytes) = task.get(&seen_key)? {
                state.seen = Some(Seen::decode(&bytes).map_err(|e| Fault::damaged(&task.name, &seen_key, &e))?);
            }
        }
        Event::Counted { .. } | Event::Command { .. } => {}
    }
    let step = catalogue::apply(&context.plan.catalogue, trigger, event, state);
    let is_changed = step.listing.is_some();
    if let Some(listing) = step.listing {
        if listing.changed_by(trigger) {
            task.view_is_stale(&key);
        }
        task.keep(&key, listing);
    }
    if let Some((id, seen)) = &step.seen {
        task.put(&stock::composed(SEEN, sku, id), |out| seen.encode(out));
    }
    for event in &step.events {
        outputs::product_event(context.plan, context.records, sku, event, trace);
    }
    if is_changed {
        demand::relist(task, context, sku, trigger, trace)?;
    }
    Ok(step.verdict)
}

/// Writes the present row of the SKU under `key`, if it was ever listed.
pub fn write_row<S: Store>(task: &mut Task<S>, context: &mut Context<'_>, key: &[u8]) -> Result<(), Fault> {
    let sku = std::str::from_utf8(&key[1..]).map_err(|e| Fault::damaged(&task.name, key, &e))?;
    if let Some(row) = task.read::<Listing>(key)?.as_deref().and_then(Listing::row) {
        outputs::catalogue_row(context.plan, context.records, sku, &row);
    }
    Ok(())
}

/// The listing's key in the store and the changelog.
pub fn key_of(sku: &str) -> Key {
    let mut key = Key::new();
    key.push(PRODUCT);
    key.extend_from_slice(sku.as_bytes());
    key
}
