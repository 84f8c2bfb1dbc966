//! What a fix means for the shipments on board: places entered and left, the route, the arrival. Every entry has its
//! exit: here, or when the shipment ends.

use schemas::Timestamp;
use schemas::fleet::ShipmentEventKind;
use schemas::plan::Point;

use super::desk::{Cargo, Desk};
use super::fence::Crossing;
use super::geo::{metres, whereabouts};
use super::vehicle::Fix;
use super::{eta, progress};
use crate::Trigger;

/// A place of a shipment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Depot,
    /// A stop, by its index.
    Stop(usize),
}

/// The vehicle has moved to its last fix. `before`: when and where it was; `None`: that is not known.
pub(super) fn apply(desk: &mut Desk<'_>, before: Option<(Timestamp, Point)>) {
    let (Some(fix), Some(track), Some(trigger)) = (desk.vehicle.last, desk.vehicle.track, desk.fix_trigger()) else { return };
    let here = track.point;
    for index in 0..desk.cargo.len() {
        if std::mem::take(&mut desk.cargo[index].ride.silent) {
            desk.event(index, trigger, ShipmentEventKind::Resumed);
        }
        for (place, crossing) in look(desk, index, here, &fix) {
            tell(desk, index, place, crossing, trigger);
        }
        progress::apply(desk, index, here, &fix, before, trigger);
        approach(desk, index, here, trigger);
        eta::follow(desk, index, here, trigger);
        set_wake(&mut desk.cargo[index]);
    }
}

/// Which borders the fix shows to be crossed.
fn look(desk: &mut Desk<'_>, index: usize, here: Point, fix: &Fix) -> Vec<(Place, Crossing)> {
    let config = desk.config;
    let Cargo { shipment, changed, .. } = &mut desk.cargo[index];
    let mut crossings = vec![];
    let depot = &mut shipment.depot;
    let before = depot.side;
    let there = whereabouts(&depot.area, depot.point, here, config.edge_metres);
    crossings.extend(depot.side.see(config, there, fix.time, fix.heard).map(|crossing| (Place::Depot, crossing)));
    *changed |= depot.side != before;
    for (i, stop) in shipment.stops.iter_mut().enumerate() {
        if !stop.is_open() && !stop.side.is_inside() {
            continue;
        }
        let before = stop.side;
        let there = whereabouts(&stop.area, stop.point, here, config.edge_metres);
        crossings.extend(stop.side.see(config, there, fix.time, fix.heard).map(|crossing| (Place::Stop(i), crossing)));
        *changed |= stop.side != before;
    }
    crossings
}

/// Crossings that nothing has contradicted until now count.
pub(super) fn believe(desk: &mut Desk<'_>, at: Timestamp) {
    for index in 0..desk.cargo.len() {
        if desk.cargo[index].ride.wake.is_none_or(|wake| wake > at) {
            continue;
        }
        let shipment = &mut desk.cargo[index].shipment;
        let depot = std::iter::once((Place::Depot, &mut shipment.depot.side));
        let stops = shipment.stops.iter_mut().enumerate().map(|(i, stop)| (Place::Stop(i), &mut stop.side));
        let mut crossings = vec![];
        for (place, side) in depot.chain(stops) {
            if let Some((due, cause)) = side.due()
                && due <= at
            {
                crossings.extend(side.believe().map(|crossing| (place, crossing, cause)));
            }
        }
        for (place, crossing, cause) in crossings {
            tell(desk, index, place, crossing, Trigger { at, cause });
        }
        desk.cargo[index].changed = true;
        set_wake(&mut desk.cargo[index]);
    }
}

pub(super) fn set_wake(cargo: &mut Cargo) {
    cargo.ride.wake = cargo.shipment.wake();
}

/// Says what a crossing means.
pub(super) fn tell(desk: &mut Desk<'_>, index: usize, place: Place, crossing: Crossing, trigger: Trigger) {
    match (place, crossing) {
        (Place::Depot, Crossing::Entered { .. }) => {}
        (Place::Depot, Crossing::Left { since, .. }) => depart(desk, index, trigger, Some(since), None),
        (Place::Stop(stop), Crossing::Entered { since }) => {
            depart(desk, index, trigger, None, Some("seen_at_stop"));
            desk.cargo[index].shipment.stops[stop].visited = true;
            eta::arrived(desk, index, stop, since, trigger);
            desk.stop_event(index, stop, trigger, ShipmentEventKind::Arrived).since = Some(since);
        }
        (Place::Stop(stop), Crossing::Left { inside_since, since }) => left(desk, index, stop, inside_since, since, trigger, None),
    }
}

/// A stop is left, or nobody watches it any more.
pub(super) fn left(
    desk: &mut Desk<'_>,
    index: usize,
    stop: usize,
    inside_since: Timestamp,
    since: Timestamp,
    trigger: Trigger,
    reason: Option<&'static str>,
) {
    let event = desk.stop_event(index, stop, trigger, ShipmentEventKind::Left);
    event.since = Some(since);
    event.dwell_seconds = Some(((since.0 - inside_since.0).max(0) / 1000) as u32);
    event.reason = reason.map(Into::into);
}

/// The shipment is on its way: said once. `reason`: how that is known, if not by the depot.
pub(super) fn depart(desk: &mut Desk<'_>, index: usize, trigger: Trigger, since: Option<Timestamp>, reason: Option<&'static str>) {
    if std::mem::replace(&mut desk.cargo[index].shipment.departed, true) {
        return;
    }
    let event = desk.event(index, trigger, ShipmentEventKind::Departed);
    event.since = since;
    event.reason = reason.map(Into::into);
}

/// The next stop is near: said once.
fn approach(desk: &mut Desk<'_>, index: usize, here: Point, trigger: Trigger) {
    let Cargo { shipment, .. } = &mut desk.cargo[index];
    let Some(next) = shipment.next().filter(|_| shipment.departed) else { return };
    let stop = &mut shipment.stops[next];
    if stop.approached || stop.visited {
        return;
    }
    let distance = metres(here, stop.point);
    if distance <= desk.config.approach_metres {
        stop.approached = true;
        desk.stop_event(index, next, trigger, ShipmentEventKind::Approaching).distance_metres = Some(distance.round() as u32);
    }
}
