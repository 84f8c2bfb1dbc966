//! The orders processor's step: read the order, let the rules decide, keep what they say.

use std::sync::Arc;

use processors::Trigger;
use processors::Verdict;
use processors::orders::{self, Event, Order};
use schemas::Timestamp;
use schemas::event::OrderEventKind;
use state::Store;

use super::message::{Body, Message};
use super::outputs;
use super::task::{Key, ORDER, Task};
use super::work::{Context, Fault};

/// Decides one event of one order.
pub fn decide<S: Store>(
    task: &mut Task<S>,
    context: &mut Context<'_>,
    order_id: &str,
    trigger: Trigger,
    trace: Option<&str>,
    event: Event<'_>,
) -> Result<Verdict, Fault> {
    let key = key_of(order_id);
    let before = task.read::<Order>(&key)?.map(Arc::unwrap_or_clone);
    let (was_holding, was_due) = before.as_ref().map_or((false, None), |o| (o.is_holding(), o.due()));
    let step = orders::apply(&context.plan.orders, order_id, trigger, event, before);
    if let Some(order) = step.order {
        task.open_holds += i64::from(order.is_holding()) - i64::from(was_holding);
        if let Some(due) = order.due().filter(|due| Some(*due) != was_due) {
            task.set_timer(due.0, &key);
        }
        task.keep(&key, order);
    }
    for event in &step.events {
        outputs::order_event(context.plan, context.records, order_id, event, trace);
        if matches!(event.kind, OrderEventKind::Accepted | OrderEventKind::Rejected) {
            context.tally.decided(event, trigger.at);
        }
    }
    for command in step.commands {
        context.outgoing.push_back(Message { body: Body::ToStock(command), trace: trace.map(Into::into) });
    }
    for message in step.to_fleet {
        context.outgoing.push_back(Message { body: Body::ToFleet(Box::new(message)), trace: trace.map(Into::into) });
    }
    Ok(step.verdict)
}

/// The hold of the order under `key` runs out at `at`, unless it was paid, cancelled or reinstated meanwhile.
pub fn wake<S: Store>(task: &mut Task<S>, context: &mut Context<'_>, key: &[u8], at: i64) -> Result<(), Fault> {
    let order_id = std::str::from_utf8(&key[1..]).map_err(|e| Fault::damaged(&task.name, key, &e))?;
    let Some(order) = task.read::<Order>(key)? else { return Ok(()) };
    if order.due() == Some(Timestamp(at)) {
        let trigger = Trigger { at: Timestamp(at), cause: order.cause() };
        decide(task, context, order_id, trigger, None, Event::Due)?;
    }
    Ok(())
}

/// The order's key in the store and the changelog.
pub fn key_of(order_id: &str) -> Key {
    let mut key = Key::new();
    key.push(ORDER);
    key.extend_from_slice(order_id.as_bytes());
    key
}
