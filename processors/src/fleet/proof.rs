//! Proof of delivery, or that it did not work; and what is known of a delivery that somebody complains of. The driver's
//! word counts, whatever the tracker says.

use schemas::fleet::ShipmentEventKind;
use schemas::message::ShipmentNews;
use schemas::{Reason, Reject, ShortText};

use super::desk::Desk;
use super::geo::metres;
use super::shipment::{Outcome, Proof, Shipment};
use super::{ending, follow};
use crate::{Trigger, Verdict};

pub(super) fn delivered(desk: &mut Desk<'_>, trigger: Trigger, shipment_id: &str, stop_id: &str) -> Result<Verdict, Reject> {
    let (index, stop) = match find(desk, shipment_id, stop_id, |outcome| matches!(outcome, Outcome::Delivered(_)))? {
        Found::Again => return Ok(Verdict::Duplicate),
        Found::Stop(index, stop) => (index, stop),
    };
    let proof = close(desk, index, stop, trigger, ShipmentEventKind::Delivered, None);
    let stops = &mut desk.cargo[index].shipment.stops;
    stops[stop].outcome = Outcome::Delivered(proof);
    let (order_id, stop_id) = (stops[stop].order_id.clone(), stops[stop].id.clone());
    let last = !stops.iter().any(|other| other.order_id == order_id && !matches!(other.outcome, Outcome::Delivered(_)));
    if last {
        desk.update(index, &order_id, trigger, ShipmentNews::Delivered { stop_id: stop_id.into() });
    }
    ending::complete(desk, index, trigger);
    Ok(Verdict::Applied)
}

pub(super) fn failed(
    desk: &mut Desk<'_>,
    trigger: Trigger,
    shipment_id: &str,
    stop_id: &str,
    reason: Option<Box<str>>,
) -> Result<Verdict, Reject> {
    let (index, stop) = match find(desk, shipment_id, stop_id, |outcome| matches!(outcome, Outcome::Failed(_)))? {
        Found::Again => return Ok(Verdict::Duplicate),
        Found::Stop(index, stop) => (index, stop),
    };
    if !desk.cargo[index].shipment.stops[stop].is_open() {
        return Err(Reject::new(Reason::StopClosed, format!("stop `{stop_id}` is delivered; that stands")));
    }
    let proof = close(desk, index, stop, trigger, ShipmentEventKind::Failed, reason.clone());
    let stops = &mut desk.cargo[index].shipment.stops;
    stops[stop].outcome = Outcome::Failed(proof);
    let (order_id, stop_id) = (stops[stop].order_id.clone(), stops[stop].id.clone());
    desk.update(index, &order_id, trigger, ShipmentNews::Failed { stop_id: stop_id.into(), reason: reason.map(Into::into) });
    ending::complete(desk, index, trigger);
    Ok(Verdict::Applied)
}

enum Found {
    /// The same was said before.
    Again,
    Stop(usize, usize),
}

/// The stop that a proof is about.
fn find(desk: &Desk<'_>, shipment_id: &str, stop_id: &str, again: impl Fn(&Outcome) -> bool) -> Result<Found, Reject> {
    let index = desk.find(shipment_id);
    let shipment = index.map(|index| &desk.cargo[index].shipment).or(desk.closed.as_ref().map(|(_, shipment)| shipment));
    let shipment = shipment.ok_or_else(|| unknown(shipment_id))?;
    let stop = shipment.stops.iter().position(|stop| *stop.id == *stop_id);
    let stop = stop.ok_or_else(|| Reject::new(Reason::UnknownStop, format!("shipment `{shipment_id}` has no stop `{stop_id}`")))?;
    let outcome = &shipment.stops[stop].outcome;
    if again(outcome) {
        return Ok(Found::Again);
    }
    let Some(index) = index else { return Err(closed(shipment_id, shipment)) };
    if *outcome == Outcome::Recalled {
        return Err(Reject::new(Reason::StopClosed, format!("stop `{stop_id}` was handed over to another vehicle")));
    }
    Ok(Found::Stop(index, stop))
}

/// Says that a stop has ended, and what is known of it.
fn close(desk: &mut Desk<'_>, index: usize, stop: usize, trigger: Trigger, kind: ShipmentEventKind, reason: Option<Box<str>>) -> Proof {
    follow::depart(desk, index, trigger, None, Some("proof_of_delivery"));
    let here = desk.vehicle.track.filter(|_| desk.is_heard());
    let place = &desk.cargo[index].shipment.stops[stop];
    let proof = Proof {
        at: trigger.at,
        cause: trigger.cause,
        distance_metres: here.map(|track| metres(track.point, place.point).round() as u32),
        visited: place.visited,
    };
    let event = desk.stop_event(index, stop, trigger, kind);
    event.distance_metres = proof.distance_metres;
    event.reason = match reason {
        Some(reason) => Some(String::from(reason).into()),
        None => (!proof.visited).then_some("without_arrival".into()),
    };
    proof
}

/// Says once more what is known of the delivery of an order, or of all of a shipment. Nothing is known of a shipment that
/// was never here: then it is silent.
pub(super) fn investigate(
    desk: &mut Desk<'_>,
    trigger: Trigger,
    shipment_id: &str,
    order_id: Option<&str>,
    feedback_id: &str,
    kind: ShortText,
) -> Verdict {
    let vehicle_id = desk.vehicle_id;
    let shipment = match desk.find(shipment_id) {
        Some(index) => {
            desk.cargo[index].changed = true;
            &mut desk.cargo[index].shipment
        }
        None => match &mut desk.closed {
            Some((_, shipment)) => shipment,
            None => return Verdict::Duplicate,
        },
    };
    let stop = order_id.and_then(|order_id| shipment.stops.iter().position(|stop| *stop.order_id == *order_id));
    let known = stop.map(|stop| {
        let stop = &shipment.stops[stop];
        (stop.id.clone(), stop.order_id.clone(), stop.outcome)
    });
    let event = desk.out.event(vehicle_id, shipment_id, shipment, trigger, ShipmentEventKind::Investigated);
    event.reason = Some(String::from(kind).into());
    event.feedback_id = Some(feedback_id.into());
    if let Some((stop_id, order_id, outcome)) = known {
        event.stop_id = Some(stop_id);
        event.order_ids = vec![order_id];
        if let Outcome::Delivered(proof) | Outcome::Failed(proof) = outcome {
            (event.since, event.distance_metres) = (Some(proof.at), proof.distance_metres);
        }
    }
    Verdict::Applied
}

pub(super) fn unknown(shipment_id: &str) -> Reject {
    Reject::new(Reason::UnknownShipment, format!("shipment `{shipment_id}` was never dispatched with this vehicle"))
}

pub(super) fn closed(shipment_id: &str, shipment: &Shipment) -> Reject {
    let word = shipment.status.word();
    Reject::new(Reason::ShipmentClosed, format!("shipment `{shipment_id}` is {word}"))
}
