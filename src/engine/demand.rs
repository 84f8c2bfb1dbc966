//! The step behind stock's: tells the demand rules what the stock rules did to a SKU, and keeps and writes what they
//! say. Decides nothing.

use processors::Trigger;
use processors::catalogue::Listing;
use processors::demand::{self, Config, Demand, Event, Parameters, Product};
use processors::stock::{self, Stock};
use schemas::Timestamp;
use schemas::event::{LevelDemand, Movement, Named};
use serde_json::Value;
use state::Store;

use super::plan::Plan;
use super::task::{DEMAND, Key, Task};
use super::work::{Context, Fault};
use super::{outputs, products, stock as levels};

/// A timer that is later than this, milliseconds, wakes as of the last day that has ended: days on which nothing
/// happened need no forecast each, after a long stop or when old data are replayed.
const CATCH_UP_MILLIS: i64 = 2 * 86_400_000;

/// Stock has changed, from the first to the second.
pub fn observe<S: Store>(
    task: &mut Task<S>,
    context: &mut Context<'_>,
    sku: &str,
    trigger: Trigger,
    trace: Option<&str>,
    (before, after): (Option<&Stock>, &Stock),
    movements: &[Movement],
) -> Result<(), Fault> {
    let Some(config) = &context.plan.demand else { return Ok(()) };
    let changes = stock::changes(before, after, movements);
    if changes.is_empty() {
        return Ok(());
    }
    let key = key_of(sku);
    let demand = task.read(&key)?;
    keep(task, context, config, (sku, &key), trigger, trace, &Event::Stock(&changes), demand.as_deref())
}

/// The catalogue says something else of the SKU than before.
pub fn relist<S: Store>(
    task: &mut Task<S>,
    context: &mut Context<'_>,
    sku: &str,
    trigger: Trigger,
    trace: Option<&str>,
) -> Result<(), Fault> {
    let Some(config) = &context.plan.demand else { return Ok(()) };
    let key = key_of(sku);
    let (Some(demand), Some(stock)) = (task.read::<Demand>(&key)?, levels::read_level(task, sku)?) else { return Ok(()) };
    keep(task, context, config, (sku, &key), trigger, trace, &Event::Product(&stock.rows()), Some(&demand))
}

/// The time that the demand under `key` named has come, unless something else came first.
pub fn wake<S: Store>(task: &mut Task<S>, context: &mut Context<'_>, key: &[u8], at: i64, horizon: i64) -> Result<(), Fault> {
    // Switched off since: what is left over does nothing.
    let Some(config) = &context.plan.demand else { return Ok(()) };
    let Some(demand) = task.read::<Demand>(key)?.filter(|demand| demand.due() == Some(Timestamp(at))) else { return Ok(()) };
    let sku = std::str::from_utf8(&key[1..]).map_err(|e| Fault::damaged(&task.name, key, &e))?;
    let Some(stock) = levels::read_level(task, sku)? else { return Ok(()) };
    let late = horizon.saturating_sub(at) > CATCH_UP_MILLIS;
    let at = if late { demand::last_day_end(config, Timestamp(horizon)).max(Timestamp(at)) } else { Timestamp(at) };
    let trigger = Trigger { at, cause: demand.cause() };
    keep(task, context, config, (sku, key), trigger, None, &Event::Due(&stock.rows()), Some(&demand))
}

/// As `stock-levels` shows it.
pub fn level<S: Store>(task: &mut Task<S>, plan: &Plan, sku: &str) -> Result<Option<LevelDemand>, Fault> {
    let Some(config) = &plan.demand else { return Ok(None) };
    let Some(demand) = task.read::<Demand>(&key_of(sku))? else { return Ok(None) };
    let listing = task.read(&products::key_of(sku))?;
    Ok(Some(demand::level(config, &parameters(config, listing.as_deref()), &demand)))
}

/// The committed demand as a forecast at `now`, for queries.
pub fn forecast<S: Store>(task: &Task<S>, plan: &Plan, sku: &str, stock: &Stock, now: i64) -> Option<Value> {
    let config = plan.demand.as_ref()?;
    let demand = Demand::decode(&task.committed(&key_of(sku)).ok()??).ok()?;
    let listing = task.committed(&products::key_of(sku)).ok()?.and_then(|bytes| Listing::decode(&bytes).ok());
    let event = demand::forecast(config, &parameters(config, listing.as_ref()), &demand, &stock.rows(), Timestamp(now));
    let topic = plan.source_name(event.cause.source);
    serde_json::to_value(Named { event: &event, key: sku, id: "", topic }).ok()
}

#[expect(clippy::too_many_arguments, reason = "what one step of a rule reads and writes")]
fn keep<S: Store>(
    task: &mut Task<S>,
    context: &mut Context<'_>,
    config: &Config,
    (sku, key): (&str, &[u8]),
    trigger: Trigger,
    trace: Option<&str>,
    event: &Event<'_>,
    demand: Option<&Demand>,
) -> Result<(), Fault> {
    let was_due = demand.and_then(Demand::due);
    let listing = task.read(&products::key_of(sku))?;
    let step = demand::apply(config, &parameters(config, listing.as_deref()), trigger, event, demand);
    if let Some(demand) = step.demand {
        if let Some(due) = demand.due().filter(|due| Some(*due) != was_due) {
            task.set_timer(due.0, key);
        }
        task.keep(key, demand);
    }
    for alert in &step.alerts {
        outputs::alert(context.plan, context.records, sku, alert, trace);
    }
    if let Some(forecast) = &step.forecast {
        outputs::forecast(context.plan, context.records, sku, forecast);
    }
    Ok(())
}

/// What the catalogue says of the product, the defaults for what it does not.
fn parameters(config: &Config, listing: Option<&Listing>) -> Parameters {
    let product = listing.and_then(Listing::product).map(|product| Product {
        lead_time_days: product.lead_time_days,
        order_cost: product.order_cost,
        holding_cost: product.holding_cost,
        price: product.price,
        reorder_point: product.reorder_point,
        mute: product.mute,
    });
    Parameters::of(config, &product.unwrap_or_default())
}

/// The SKU's key in the store and the changelog.
fn key_of(sku: &str) -> Key {
    let mut key = Key::new();
    key.push(DEMAND);
    key.extend_from_slice(sku.as_bytes());
    key
}
