//! `dispatch`: a shipment goes on board. What a repeated one means.

use schemas::fleet::Dispatch;
use schemas::message::ShipmentNews;
use schemas::{Reason, Reject};

use super::desk::{Cargo, Desk};
use super::fence::Side;
use super::geo::{Whereabouts, whereabouts};
use super::shipment::{Shipment, Status, content};
use super::vehicle::{MAX_SHIPMENTS, Ride};
use super::{arrival, plan};
use crate::{Trigger, Verdict};

pub(super) fn apply(desk: &mut Desk<'_>, trigger: Trigger, dispatch: &Dispatch<'_>) -> Result<Verdict, Reject> {
    let id = &*dispatch.shipment_id;
    let open = desk.find(id).map(|index| &desk.cargo[index].shipment);
    let known = open.or(desk.closed.as_ref().map(|(_, shipment)| shipment));
    match known.filter(|shipment| shipment.status != Status::Recalled) {
        Some(before) if before.content == content(dispatch) => return Ok(Verdict::Duplicate),
        Some(_) => {
            return Err(Reject::new(
                Reason::ConflictingDuplicate,
                format!("shipment `{id}` was dispatched before with another content, which stands; recall it first"),
            ));
        }
        None => {}
    }
    if desk.cargo.len() == MAX_SHIPMENTS {
        return Err(Reject::new(Reason::TooManyPending, format!("the vehicle has {MAX_SHIPMENTS} open shipments already")));
    }
    let mut shipment = Shipment::new(desk.config, dispatch, trigger);
    if let Some((_, before)) = desk.closed.take() {
        // Called back and sent again: its numbers go on.
        (shipment.seq, shipment.told_at) = (before.seq, before.told_at.max(trigger.at));
        (shipment.plan.revision, shipment.plan.pieces) = (before.plan.revision, before.plan.pieces);
    }
    if let Some(track) = desk.vehicle.track.filter(|_| desk.is_heard())
        && whereabouts(&shipment.depot.area, shipment.depot.point, track.point, 0.0) == Whereabouts::Inside
    {
        // It stands there already: its tracker may say so the next time when it drives.
        shipment.depot.side = Side::Inside(trigger.at);
    }
    let ride = Ride {
        shipment_id: id.into(),
        dispatched: trigger,
        wake: None,
        silent: false,
        progress: None,
        next: None,
        live: arrival::LiveSpeed::default(),
        gathered: arrival::Gathered::default(),
    };
    let orders = shipment.orders(|_| true);
    let depot = shipment.depot.point;
    desk.cargo.push(Cargo { ride, shipment, pieces: vec![], changed: true });
    let index = desk.cargo.len() - 1;
    for order_id in orders {
        desk.update(index, &order_id, trigger, ShipmentNews::Dispatched);
    }
    plan::ask(desk, index, depot, trigger);
    desk.moved = true;
    Ok(Verdict::Applied)
}
