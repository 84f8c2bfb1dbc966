//! How far the vehicle is on a shipment's route, never backwards; and off it, when enough fixes say so. Looks at the
//! piece of the route where the vehicle was last and at the next one, not at the whole.

use schemas::Timestamp;
use schemas::fleet::ShipmentEventKind;
use schemas::plan::{Point, RoadClass};

use super::desk::{Cargo, Desk};
use super::geo::{Whereabouts, metres, whereabouts};
use super::judge::USUAL_ACCURACY;
use super::route::{Found, Piece, find};
use super::vehicle::{Fix, Progress};
use super::{follow, plan};
use crate::Trigger;

/// A fix may be this much behind where the vehicle was, metres.
const BACK_METRES: f64 = 100.0;
/// … and ahead of where it can be at twice a town's speed: metres, and metres per second.
const AHEAD_METRES: f64 = 300.0;
const AHEAD_SPEED: f64 = 40.0;
/// A vehicle that is so far on its route has departed, wherever it came from; metres.
const DEPARTED_METRES: u32 = 500;
/// Back on the route is this share of the tolerance.
const BACK_SHARE: f64 = 0.7;

/// The vehicle is at `here`. `before`: when and where it was.
pub(super) fn apply(desk: &mut Desk<'_>, index: usize, here: Point, fix: &Fix, before: Option<(Timestamp, Point)>, trigger: Trigger) {
    let Cargo { ride, shipment, pieces, .. } = &mut desk.cargo[index];
    let at_place = is_at_place(shipment, here, desk.config.edge_metres);
    let Some(progress) = ride.progress.as_mut().filter(|_| shipment.plan.pieces > 0) else {
        if let Some((time, place)) = before.filter(|_| !at_place) {
            ride.live.add(&desk.config.arrival, metres(place, here) * desk.config.detour, seconds_between(time, fix.time));
        }
        return;
    };
    let ahead: Vec<Piece> = in_reach(progress, pieces);
    if ahead.is_empty() {
        return; // Two pieces on in one step: the next step has them.
    }
    let along = f64::from(progress.along);
    let reach = AHEAD_METRES + AHEAD_SPEED * seconds_between(progress.seen, fix.time).max(0.0);
    let found = find(&ahead, here, along, (along - BACK_METRES, along + reach));
    let tolerance = desk.config.off_route_metres + f64::from(fix.accuracy.unwrap_or(USUAL_ACCURACY)) / 10.0;
    let limit = if progress.off_route { tolerance * BACK_SHARE } else { tolerance };
    let Some(found) = found.filter(|found| found.off <= limit) else {
        astray(desk, index, here, fix.time, at_place, trigger);
        return;
    };
    // Where it came upon the route is no way that it drove.
    let drove = progress.found && !progress.off_route;
    let (class, driven) = advance(progress, &ahead, found, fix.time);
    if at_place || !drove {
        ride.gathered.drop_way();
    } else if let Some((time, _)) = before {
        let seconds = seconds_between(time, fix.time);
        ride.live.add(&desk.config.arrival, driven, seconds);
        if let Some(seen) = class.and_then(|class| ride.gathered.add(class, fix.time, driven, seconds)) {
            desk.speeds.observe(&desk.config.arrival, &seen);
            desk.learned = true;
        }
    }
    on_route(desk, index, trigger);
}

fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    (to.0 - from.0) as f64 / 1000.0
}

/// The fetched pieces from the vehicle's on.
fn in_reach(progress: &Progress, pieces: &[(u16, Piece)]) -> Vec<Piece> {
    pieces.iter().filter(|(number, _)| *number >= progress.piece).map(|(_, piece)| piece.clone()).collect()
}

/// Moves on to `found`. Returns the class of road there and the metres driven.
fn advance(progress: &mut Progress, ahead: &[Piece], found: Found, time: Timestamp) -> (Option<RoadClass>, f64) {
    let before = progress.along;
    progress.along = before.max(found.along as u32);
    if found.along as u32 >= before {
        progress.piece += found.index as u16;
    }
    (progress.found, progress.seen, progress.strays) = (true, time, 0);
    let class = ahead[found.index].rest_of_leg(found.along).first().map(|stretch| stretch.class);
    (class, f64::from(progress.along - before))
}

fn on_route(desk: &mut Desk<'_>, index: usize, trigger: Trigger) {
    let Cargo { ride, shipment, .. } = &mut desk.cargo[index];
    let Some(progress) = &mut ride.progress else { return };
    let far = progress.along >= DEPARTED_METRES && !shipment.depot.side.is_inside();
    if std::mem::take(&mut progress.off_route) {
        desk.event(index, trigger, ShipmentEventKind::BackOnRoute);
    }
    if far {
        follow::depart(desk, index, trigger, None, Some("seen_on_route"));
    }
}

fn astray(desk: &mut Desk<'_>, index: usize, here: Point, time: Timestamp, at_place: bool, trigger: Trigger) {
    let config = desk.config;
    let Cargo { ride, shipment, .. } = &mut desk.cargo[index];
    let Some(progress) = &mut ride.progress else { return };
    ride.gathered.drop_way();
    // At a place, or before the way to the first stop, a vehicle may be anywhere.
    if at_place || !shipment.departed {
        progress.strays = 0;
        return;
    }
    if progress.strays == 0 {
        progress.stray_since = time;
    }
    progress.strays = progress.strays.saturating_add(1);
    let believed = progress.strays >= config.off_route_fixes && time.0 - progress.stray_since.0 >= config.off_route_seconds * 1000;
    if !believed {
        return;
    }
    if !std::mem::replace(&mut progress.off_route, true) {
        desk.event(index, trigger, ShipmentEventKind::OffRoute);
    }
    // Again only once the last answer is there and had its time.
    let asked = &desk.cargo[index].shipment.plan;
    if asked.asked.is_empty() && trigger.at >= asked.asked_at.plus_seconds(config.replan_seconds) {
        plan::ask(desk, index, here, trigger);
    }
}

/// The vehicle is at the depot or at a stop of the shipment, or nearly.
fn is_at_place(shipment: &super::Shipment, here: Point, edge: f64) -> bool {
    let near = |area, point| whereabouts(area, point, here, edge) != Whereabouts::Outside;
    near(&shipment.depot.area, shipment.depot.point)
        || shipment.stops.iter().any(|stop| stop.side.is_inside())
        || shipment.next().is_some_and(|next| {
            let stop = &shipment.stops[next];
            near(&stop.area, stop.point) || metres(stop.point, here) <= edge
        })
}
