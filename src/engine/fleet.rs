//! The fleet processor's step: read the vehicle and what it has on board, let the rules decide, keep what they say.

use std::sync::Arc;

use processors::fleet::{self, Event, Piece, Shipment, Speeds, State, Vehicle, Wants};
use processors::{Trigger, Verdict};
use schemas::plan::PlanRequest;
use schemas::{Cause, Timestamp};
use serde::{Deserialize, Serialize};
use state::Store;

use super::message::{Body, Message};
use super::outputs;
use super::task::{Key, PIECE, SHIPMENT, SPEEDS, Task, VEHICLE, WANTED_PLAN};
use super::work::{Context, Fault};

/// Between a vehicle and the rest of a key; no id contains it.
const SEPARATOR: u8 = 0;

/// A plan that somebody has to make: in the changelog until the answer has come, so that a restart asks again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WantedPlan {
    pub request: PlanRequest,
    /// The record that made it be wanted.
    pub cause: Cause,
}

/// First byte of a [`WantedPlan`].
const FORMAT: u8 = 1;

impl WantedPlan {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(FORMAT);
        // Into a Vec, and these types have no unsized sequence: it cannot fail.
        let done = postcard::to_io(self, out);
        debug_assert!(done.is_ok());
    }

    pub fn decode(bytes: &[u8]) -> Result<WantedPlan, String> {
        match bytes.split_first() {
            Some((&FORMAT, rest)) => postcard::from_bytes(rest).map_err(|e| e.to_string()),
            _ => Err("a wanted plan of another format".into()),
        }
    }
}

/// Decides one event of one vehicle.
pub fn decide<S: Store>(
    task: &mut Task<S>,
    context: &mut Context<'_>,
    vehicle_id: &str,
    trigger: Trigger,
    trace: Option<&str>,
    event: Event<'_>,
) -> Result<Verdict, Fault> {
    let key = key_of(vehicle_id);
    let vehicle = task.read::<Vehicle>(&key)?;
    let was_due = vehicle.as_deref().and_then(Vehicle::due);
    let wants = fleet::wants(vehicle.as_deref(), &event);
    let state = fetch(task, vehicle_id, vehicle, &wants)?;
    let step = fleet::apply(&context.plan.fleet, vehicle_id, trigger, event, state);
    if let Some(vehicle) = step.vehicle {
        if let Some(due) = vehicle.due().filter(|due| Some(*due) != was_due) {
            task.set_timer(due.0, &key);
        }
        task.keep(&key, vehicle);
    }
    if step.moved {
        task.view_is_stale(&key);
    }
    for (shipment_id, shipment) in step.shipments {
        task.keep(&shipment_key(vehicle_id, &shipment_id), shipment);
    }
    for (shipment_id, number, piece) in step.pieces {
        let key = piece_key(vehicle_id, &shipment_id, number);
        match piece {
            Some(piece) => task.keep(&key, piece),
            None => task.delete(&key),
        }
    }
    if let Some(speeds) = step.speeds {
        task.keep(&[SPEEDS], speeds);
    }
    for verdict in &step.verdicts {
        context.tally.pings[verdict.judgement as usize] += 1;
        if context.plan.verdicts {
            outputs::verdict(context.plan, context.records, vehicle_id, verdict);
        }
    }
    for (shipment_id, event) in &step.events {
        // What another record has caused is no part of this one's trace.
        let own = trace.filter(|_| event.cause == trigger.cause);
        outputs::shipment_event(context.plan, context.records, shipment_id, event, own);
    }
    for update in step.updates {
        context.outgoing.push_back(Message { body: Body::ShipmentUpdate(Box::new(update)), trace: trace.map(Into::into) });
    }
    for (shipment_id, request) in step.requests {
        context.tally.plans += 1;
        let key = composed(WANTED_PLAN, vehicle_id, &shipment_id);
        match request {
            Some(request) => task.put(&key, |out| WantedPlan { request, cause: trigger.cause }.encode(out)),
            None => task.delete(&key),
        }
    }
    Ok(step.verdict)
}

/// The time that the vehicle under `key` named has come, unless something else came first.
pub fn wake<S: Store>(task: &mut Task<S>, context: &mut Context<'_>, key: &[u8], at: i64) -> Result<(), Fault> {
    let vehicle_id = text(task, key)?;
    let Some(vehicle) = task.read::<Vehicle>(key)? else { return Ok(()) };
    if vehicle.due() == Some(Timestamp(at))
        && let Some(cause) = vehicle.cause()
    {
        decide(task, context, &vehicle_id, Trigger { at: Timestamp(at), cause }, None, Event::Due)?;
    }
    Ok(())
}

/// Writes the present position of the vehicle under `key`.
pub fn write_position<S: Store>(task: &mut Task<S>, context: &mut Context<'_>, key: &[u8]) -> Result<(), Fault> {
    let vehicle_id = text(task, key)?;
    if let Some(position) = task.read::<Vehicle>(key)?.and_then(|vehicle| vehicle.position()) {
        outputs::position(context.plan, context.records, &vehicle_id, &position);
    }
    Ok(())
}

/// What the rules want to know.
fn fetch<S: Store>(task: &mut Task<S>, vehicle_id: &str, vehicle: Option<Arc<Vehicle>>, wants: &Wants) -> Result<State, Fault> {
    let mut state = State { vehicle: vehicle.map(Arc::unwrap_or_clone), ..State::default() };
    for shipment_id in &wants.shipments {
        state.shipments.push(task.read::<Shipment>(&shipment_key(vehicle_id, shipment_id))?.map(Arc::unwrap_or_clone));
    }
    for (shipment_id, number) in &wants.pieces {
        state.pieces.push(task.read::<Piece>(&piece_key(vehicle_id, shipment_id, *number))?.map(Arc::unwrap_or_clone));
    }
    if wants.speeds {
        state.speeds = task.read::<Speeds>(&[SPEEDS])?.map(Arc::unwrap_or_clone);
    }
    Ok(state)
}

/// The id in a vehicle's key.
fn text<S: Store>(task: &Task<S>, key: &[u8]) -> Result<String, Fault> {
    let id = std::str::from_utf8(&key[1..]).map_err(|e| Fault::damaged(&task.name, key, &e))?;
    Ok(id.to_owned())
}

/// The vehicle's key in the store and the changelog.
pub fn key_of(vehicle_id: &str) -> Key {
    let mut key = Key::new();
    key.push(VEHICLE);
    key.extend_from_slice(vehicle_id.as_bytes());
    key
}

/// The key of a shipment on a vehicle.
pub fn shipment_key(vehicle_id: &str, shipment_id: &str) -> Key {
    composed(SHIPMENT, vehicle_id, shipment_id)
}

fn composed(kind: u8, vehicle_id: &str, shipment_id: &str) -> Key {
    let mut key = Key::new();
    key.push(kind);
    key.extend_from_slice(vehicle_id.as_bytes());
    key.push(SEPARATOR);
    key.extend_from_slice(shipment_id.as_bytes());
    key
}

fn piece_key(vehicle_id: &str, shipment_id: &str, number: u16) -> Key {
    let mut key = composed(PIECE, vehicle_id, shipment_id);
    key.push(SEPARATOR);
    key.extend_from_slice(&number.to_be_bytes());
    key
}
