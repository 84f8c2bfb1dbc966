//! How a shipment ends: every stop has its outcome, it is called back, or another vehicle has it. Whatever is open then is
//! closed: stops that the vehicle is at are left, pieces of the route are deleted, nobody plans any more.

use schemas::Reject;
use schemas::fleet::ShipmentEventKind;
use schemas::message::ShipmentNews;

use super::desk::{Cargo, Desk};
use super::shipment::{Outcome, Shipment, Status, Stop};
use super::{follow, proof};
use crate::{Trigger, Verdict};

/// Ends the shipment if every stop has its outcome.
pub(super) fn complete(desk: &mut Desk<'_>, index: usize, trigger: Trigger) {
    if !desk.cargo[index].shipment.stops.iter().any(Stop::is_open) {
        leave_stops(desk, index, trigger);
        desk.event(index, trigger, ShipmentEventKind::Completed);
        end(desk, index, Status::Completed);
    }
}

/// `recall`: the vehicle comes back with what it has not delivered.
pub(super) fn recall(desk: &mut Desk<'_>, trigger: Trigger, shipment_id: &str, reason: Option<&str>) -> Result<Verdict, Reject> {
    let Some(index) = desk.find(shipment_id) else {
        return match &desk.closed {
            None => Err(proof::unknown(shipment_id)),
            Some((_, Shipment { status: Status::Recalled, .. })) => Ok(Verdict::Duplicate),
            Some((_, shipment)) => Err(proof::closed(shipment_id, shipment)),
        };
    };
    leave_stops(desk, index, trigger);
    let orders = desk.cargo[index].shipment.orders(|stop| matches!(stop.outcome, Outcome::Open | Outcome::Failed(_)));
    desk.event(index, trigger, ShipmentEventKind::Recalled).reason = reason.map(|text| text.to_owned().into());
    for order_id in orders {
        desk.update(index, &order_id, trigger, ShipmentNews::Recalled { reason: reason.map(Into::into) });
    }
    for stop in desk.cargo[index].shipment.stops.iter_mut().filter(|stop| stop.is_open()) {
        stop.outcome = Outcome::Recalled;
    }
    end(desk, index, Status::Recalled);
    Ok(Verdict::Applied)
}

/// Another vehicle has an order's goods now. The order knows; the shipment goes on without it.
pub(super) fn handed_over(desk: &mut Desk<'_>, trigger: Trigger, shipment_id: &str, order_id: &str) -> Verdict {
    let Some(index) = desk.find(shipment_id) else { return Verdict::Duplicate };
    let shipment = &desk.cargo[index].shipment;
    let stops: Vec<usize> =
        (0..shipment.stops.len()).filter(|i| *shipment.stops[*i].order_id == *order_id && shipment.stops[*i].is_open()).collect();
    if stops.is_empty() {
        return Verdict::Duplicate;
    }
    for stop in stops {
        leave_stop(desk, index, stop, trigger);
        desk.cargo[index].shipment.stops[stop].outcome = Outcome::Recalled;
        desk.stop_event(index, stop, trigger, ShipmentEventKind::Recalled).reason = Some("handed_over".into());
    }
    let stops = &desk.cargo[index].shipment.stops;
    if stops.iter().all(|stop| stop.outcome == Outcome::Recalled) {
        desk.event(index, trigger, ShipmentEventKind::Recalled).reason = Some("handed_over".into());
        end(desk, index, Status::Recalled);
    } else {
        complete(desk, index, trigger);
    }
    Verdict::Applied
}

fn leave_stops(desk: &mut Desk<'_>, index: usize, trigger: Trigger) {
    for stop in 0..desk.cargo[index].shipment.stops.len() {
        leave_stop(desk, index, stop, trigger);
    }
}

/// Nobody watches the stop any more: an arrival that was told gets its end.
fn leave_stop(desk: &mut Desk<'_>, index: usize, stop: usize, trigger: Trigger) {
    if let Some(inside_since) = desk.cargo[index].shipment.stops[stop].side.close() {
        follow::left(desk, index, stop, inside_since, trigger.at, trigger, Some("stop_closed"));
    }
}

/// Takes the shipment off the vehicle.
fn end(desk: &mut Desk<'_>, index: usize, status: Status) {
    let Cargo { ride, mut shipment, .. } = desk.cargo.remove(index);
    shipment.status = status;
    shipment.depot.side.close();
    shipment.shrink();
    for number in 0..std::mem::take(&mut shipment.plan.pieces) {
        desk.out.pieces.push((ride.shipment_id.clone(), number, None));
    }
    if !std::mem::take(&mut shipment.plan.asked).is_empty() {
        desk.out.requests.push((ride.shipment_id.clone(), None));
    }
    desk.moved = true;
    desk.ended.push((ride.shipment_id, shipment));
}
