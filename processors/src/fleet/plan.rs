//! Asking for a route, and getting it. Until it is there, and where it follows no roads, a shipment is followed by its
//! places alone.

use schemas::Timestamp;
use schemas::fleet::{PlannedRoute, PlannedStop, ShipmentEventKind};
use schemas::plan::{Basis, Plan, PlanRequest, PlanStop, Point};

use super::desk::{Cargo, Desk};
use super::vehicle::Progress;
use super::{eta, route};
use crate::{Trigger, Verdict};

/// Asks for the way from `start` by all stops that are still ahead.
pub(super) fn ask(desk: &mut Desk<'_>, index: usize, start: Point, trigger: Trigger) {
    let Cargo { ride, shipment, changed, .. } = &mut desk.cargo[index];
    let asked: Vec<u16> = shipment
        .visits
        .iter()
        .copied()
        .filter(|i| shipment.stops[usize::from(*i)].is_open() && !shipment.stops[usize::from(*i)].visited)
        .collect();
    if asked.is_empty() {
        return;
    }
    let stops = asked.iter().map(|i| &shipment.stops[usize::from(*i)]);
    let stops = stops.map(|stop| PlanStop { point: stop.point, service_seconds: stop.service_seconds, window: stop.window }).collect();
    shipment.plan.revision += 1;
    (shipment.plan.asked_at, shipment.plan.asked_by) = (trigger.at, Some(trigger.cause));
    shipment.plan.asked = asked;
    *changed = true;
    let request = PlanRequest {
        vehicle_id: desk.vehicle_id.into(),
        shipment_id: ride.shipment_id.clone(),
        revision: shipment.plan.revision,
        start,
        depart_at: trigger.at,
        stops,
        optimise: shipment.optimise,
    };
    desk.out.requests.push((ride.shipment_id.clone(), Some(request)));
}

/// A plan that is still wanted takes effect. `at`: when it came back.
pub(super) fn take(desk: &mut Desk<'_>, plan: &Plan, at: Timestamp) -> Verdict {
    let Some(index) = desk.find(&plan.shipment_id) else { return Verdict::Duplicate };
    let Cargo { ride, shipment, pieces, changed } = &mut desk.cargo[index];
    if plan.revision != shipment.plan.revision || shipment.plan.asked.is_empty() {
        return Verdict::Duplicate; // Answered before, or to an older request.
    }
    let asked = std::mem::take(&mut shipment.plan.asked);
    check(plan, asked.len());
    *changed = true;
    let followed = if plan.basis == Basis::Roads { route::cut(plan.revision, &plan.legs) } else { None };
    let followed = followed.unwrap_or_default();
    let shipment_id = ride.shipment_id.clone();
    for number in followed.len()..usize::from(shipment.plan.pieces) {
        desk.out.pieces.push((shipment_id.clone(), number as u16, None));
    }
    // What is not asked for is behind: it keeps its place before the rest.
    let mut visits: Vec<u16> = shipment.visits.iter().copied().filter(|visit| !asked.contains(visit)).collect();
    visits.extend(plan.order.iter().map(|i| asked[usize::from(*i)]));
    let first = visits.len() - asked.len();
    shipment.visits = visits;
    shipment.plan.first_leg = first as u16;
    for (visit, leg) in shipment.visits[first..].iter().zip(&plan.legs) {
        let stop = &mut shipment.stops[usize::from(*visit)];
        (stop.way, stop.way_seconds) = (route::by_class(&leg.stretches), leg.seconds);
    }
    shipment.plan.pieces = followed.len() as u16;
    // What was off the old route is so until it is seen on the new one.
    let off_route = ride.progress.is_some_and(|progress| progress.off_route);
    ride.progress = (!followed.is_empty()).then(|| Progress { seen: shipment.plan.asked_at, off_route, ..Progress::default() });
    *pieces = followed.iter().take(2).enumerate().map(|(number, piece)| (number as u16, piece.clone())).collect();
    for (number, piece) in followed.into_iter().enumerate() {
        desk.out.pieces.push((shipment_id.clone(), number as u16, Some(piece)));
    }
    desk.out.requests.push((shipment_id, None));
    tell(desk, index, plan, at);
    Verdict::Applied
}

fn tell(desk: &mut Desk<'_>, index: usize, plan: &Plan, at: Timestamp) {
    let Cargo { shipment, .. } = &desk.cargo[index];
    let trigger = Trigger { at, cause: shipment.plan.asked_by.unwrap_or(shipment.dispatched.cause) };
    let arrivals = eta::ahead(desk, index, None, trigger.at);
    let Cargo { shipment, .. } = &mut desk.cargo[index];
    let mut stops = vec![];
    let mut total = 0u32;
    for visit in &shipment.visits[usize::from(shipment.plan.first_leg)..] {
        let stop = &mut shipment.stops[usize::from(*visit)];
        let metres = stop.way.iter().fold(0, |sum: u32, metres| sum.saturating_add(*metres));
        total = total.saturating_add(metres);
        let eta = arrivals.iter().find(|(i, _)| *i == usize::from(*visit)).map(|(_, arrival)| *arrival);
        stop.eta = eta;
        stops.push(PlannedStop {
            stop_id: stop.id.clone(),
            order_id: stop.order_id.clone(),
            metres,
            eta: eta.map(|(at, _)| at),
            eta_sigma_seconds: eta.map(|(_, sigma)| sigma),
        });
    }
    let (revision, basis) = (plan.revision, plan.basis);
    desk.event(index, trigger, ShipmentEventKind::Planned).plan = Some(PlannedRoute { revision, basis, route_metres: total, stops });
    eta::late(desk, index, trigger);
}

/// A planner that answers something else than it was asked cannot be trusted with the rest.
fn check(plan: &Plan, asked: usize) {
    let mut seen = vec![false; asked];
    let each_once =
        plan.order.len() == asked && plan.order.iter().all(|i| seen.get_mut(usize::from(*i)).is_some_and(|s| !std::mem::replace(s, true)));
    let legs = plan.legs.len() == asked && plan.legs.iter().all(|leg| leg.points.len() >= 2);
    assert!(
        each_once && legs,
        "the plan of shipment {} does not answer its request for {asked} stops: order {:?}, {} legs",
        plan.shipment_id,
        plan.order,
        plan.legs.len()
    );
}
