//! The stock processor's step: read what is known of the SKU, let the rules decide, keep what they say.

use std::sync::Arc;

use processors::catalogue;
use processors::stock::{self, Event, Seen, State, Stock};
use processors::{Trigger, Verdict};
use schemas::ShortText;
use schemas::event::Level;
use schemas::message::{StockCommand, ToOrder};
use state::Store;

use super::message::{Body, Message};
use super::task::{Key, SEEN, STOCK, Task};
use super::work::{Context, Fault};
use super::{demand, outputs, products, reservations};

/// Between the SKU and the rest of a key; no id contains it.
pub const SEPARATOR: u8 = 0;

/// Decides one event of one SKU. `slot`: where it keeps what a command is about; nothing with other events.
pub fn decide<S: Store>(
    task: &mut Task<S>,
    context: &mut Context<'_>,
    sku: &str,
    trigger: Trigger,
    trace: Option<&str>,
    event: Event<'_>,
    slot: u32,
) -> Result<Verdict, Fault> {
    let stock_key = key_of(sku);
    let counted = match &event {
        Event::Count(count) => Some(count.location.to_string()),
        _ => None,
    };
    let order_id: Option<ShortText> = match &event {
        Event::Command { order_id, .. } => Some((*order_id).into()),
        _ => None,
    };
    let before = task.read::<Stock>(&stock_key)?;
    let mut state = read(task, sku, before.as_deref(), &event)?;
    // A reserve begins a reservation: by the protocol there is none, so there is none to read.
    let reserves = matches!(event, Event::Command { command: StockCommand::Reserve { .. }, .. });
    let mut aside = None;
    if let (Some(order_id), Some(stock), false) = (&order_id, before.as_deref(), reserves) {
        aside = reservations::aside(task, sku, stock, slot)?;
        state.reservation = reservations::find(task, sku, stock, aside.as_ref(), order_id)?;
    }
    if stock::wants_listing(&event) {
        state.listing = task.read(&products::key_of(sku))?;
    }
    state.stock = before.as_deref().cloned();
    let mut step = stock::apply(&context.plan.stock, sku, trigger, event, state);
    if step.stock.is_some() {
        task.view_is_stale(&stock_key);
    }
    let mut kept_in = 0;
    if let (Some(order_id), Some(stock), Some(reservation)) = (&order_id, &mut step.stock, &step.reservation) {
        match reservation {
            Some(new) if reserves => kept_in = reservations::begin(task, sku, stock, order_id, new),
            changed => reservations::change(task, sku, stock, (slot, aside), order_id, changed.as_ref())?,
        }
    }
    for (id, seen) in &step.seen {
        task.put(&composed(SEEN, sku, id), |out| seen.encode(out));
    }
    for movement in &step.movements {
        outputs::movement(context.plan, context.records, sku, movement, trace);
    }
    if let Some(stock) = step.stock {
        demand::observe(task, context, sku, trigger, trace, (before.as_deref(), &stock), &step.movements)?;
        task.keep(&stock_key, stock);
    }
    if let (Some(reply), Some(order_id)) = (step.reply, order_id) {
        let body = Body::ToOrder(ToOrder { order_id, sku: sku.into(), slot: kept_in, reply, at: trigger.at, cause: trigger.cause });
        context.outgoing.push_back(Message { body, trace: trace.map(Into::into) });
    }
    if let Some(location) = counted.filter(|_| step.verdict == Verdict::Applied) {
        // Whoever asked for a count has one.
        products::decide(task, context, sku, trigger, trace, catalogue::Event::Counted { location: &location })?;
    }
    Ok(step.verdict)
}

/// Fetches what the rules need to know, but for the listing and the reservation.
fn read<S: Store>(task: &Task<S>, sku: &str, stock: Option<&Stock>, event: &Event<'_>) -> Result<State, Fault> {
    let mut state = State::default();
    for (id, seen) in stock::seen_ids(event).iter().zip(&mut state.seen) {
        let Some(id) = id else { continue };
        let key = composed(SEEN, sku, id);
        if let Some(bytes) = task.get(&key)? {
            *seen = Some(Seen::decode(&bytes).map_err(|e| Fault::damaged(&task.name, &key, &e))?);
        }
    }
    if let Some(stock) = stock.filter(|_| stock::wants_reservations(event)) {
        state.open = reservations::some(task, sku, stock, stock::MAX_AT_RISK_SCAN)?;
    }
    Ok(state)
}

/// The SKU's figures, if it was ever heard of.
pub fn read_level<S: Store>(task: &mut Task<S>, sku: &str) -> Result<Option<Arc<Stock>>, Fault> {
    task.read(&key_of(sku))
}

/// Writes the present level of the SKU under `key`.
pub fn write_level<S: Store>(task: &mut Task<S>, context: &mut Context<'_>, key: &[u8]) -> Result<(), Fault> {
    let sku = std::str::from_utf8(&key[1..]).map_err(|e| Fault::damaged(&task.name, key, &e))?;
    if let Some(stock) = read_level(task, sku)? {
        let demand = demand::level(task, context.plan, sku)?;
        outputs::level(context.plan, context.records, sku, &Level { demand, ..stock.level() });
    }
    Ok(())
}

/// The SKU's key in the store and the changelog.
pub fn key_of(sku: &str) -> Key {
    let mut key = Key::new();
    key.push(STOCK);
    key.extend_from_slice(sku.as_bytes());
    key
}

/// The key of something that belongs to the SKU.
pub fn composed(kind: u8, sku: &str, rest: &str) -> Key {
    let mut key = Key::new();
    key.push(kind);
    key.extend_from_slice(sku.as_bytes());
    key.push(SEPARATOR);
    key.extend_from_slice(rest.as_bytes());
    key
}
