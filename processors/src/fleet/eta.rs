//! When the vehicle arrives at the stops ahead; `eta_changed` when that moves by more than its uncertainty, `late` when a
//! window will be missed. How it is estimated is in `arrival/`.

use schemas::Timestamp;
use schemas::fleet::ShipmentEventKind;
use schemas::plan::{Point, RoadClass, Stretch};

use super::arrival::Outlook;
use super::desk::{Cargo, Desk};
use super::geo::metres;
use super::route::of_classes;
use super::shipment::Stop;
use super::vehicle::Next;
use crate::Trigger;

/// An arrival and its standard deviation in seconds.
pub(super) type Eta = (Timestamp, u32);

/// Brings everything about arrivals up to date after a fix.
pub(super) fn follow(desk: &mut Desk<'_>, index: usize, here: Point, trigger: Trigger) {
    let Some(next) = desk.cargo[index].shipment.next() else {
        desk.cargo[index].ride.next = None;
        return;
    };
    let (remaining, soon) = to_next(desk, index, next, here, trigger.at);
    let Cargo { ride, shipment, .. } = &mut desk.cargo[index];
    let stop = &shipment.stops[next];
    if ride.next.as_ref().is_none_or(|shown| shown.stop_id != stop.id) {
        ride.next = Some(Next { stop_id: stop.id.clone(), remaining_metres: 0, eta: None });
    }
    if let Some(shown) = &mut ride.next {
        (shown.remaining_metres, shown.eta) = (remaining, soon);
    }
    let moved = match (soon, stop.eta) {
        (Some(soon), Some(told)) => has_moved(desk.config.eta_seconds, told, soon),
        (Some(_), None) => true,
        (None, _) => false,
    };
    if moved {
        tell_changes(desk, index, here, trigger);
    }
    // The next stop is looked at with every fix, those behind it when something has moved.
    if let Some(soon) = soon {
        lateness(desk, index, next, soon, trigger);
    }
}

/// Remaining metres to the next stop and the arrival there; none while the vehicle is there.
fn to_next(desk: &Desk<'_>, index: usize, next: usize, here: Point, now: Timestamp) -> (u32, Option<Eta>) {
    let Cargo { ride, shipment, .. } = &desk.cargo[index];
    if shipment.stops[next].side.is_inside() {
        return (0, None);
    }
    let (way, seconds) = way_to(desk, index, next, here);
    let remaining = way.iter().fold(0, |sum: u32, stretch| sum.saturating_add(stretch.metres));
    let live = Some(ride.live).filter(|_| shipment.departed);
    let mut outlook = Outlook::new(&desk.config.arrival, &desk.speeds, now, live);
    outlook.drive(way, seconds);
    (remaining, Some(eta(&outlook, now)))
}

/// The arrivals at all stops ahead, by their indices. `here`: where the vehicle is; `None`: at the route's start.
pub(super) fn ahead(desk: &Desk<'_>, index: usize, here: Option<Point>, now: Timestamp) -> Vec<(usize, Eta)> {
    let Cargo { ride, shipment, .. } = &desk.cargo[index];
    let live = Some(ride.live).filter(|_| shipment.departed);
    let mut from = now;
    let mut outlook = Outlook::new(&desk.config.arrival, &desk.speeds, now, live);
    let mut arrivals = vec![];
    // From which place the next way begins; `None`: from where the vehicle is.
    let mut start = here.is_none().then_some(shipment.depot.point);
    for (number, visit) in shipment.visits.iter().enumerate() {
        let i = usize::from(*visit);
        let stop = &shipment.stops[i];
        if stop.side.is_inside() {
            if let Some((opens, _)) = stop.window
                && stop.is_open()
                && opens > now
            {
                // It waits for its customer, and has all of the service before it.
                from = opens;
                outlook = Outlook::new(&desk.config.arrival, &desk.speeds, from, None);
                outlook.dwell(f64::from(stop.service_seconds));
            } else if stop.is_open() {
                // What is left of the service is not known: half of it is the best guess.
                outlook.dwell(f64::from(stop.service_seconds) / 2.0);
            }
            start = Some(stop.point);
            continue;
        }
        let on_route = number >= usize::from(shipment.plan.first_leg);
        let way = match (start, here) {
            (Some(start), _) if on_route || stop.is_ahead() => Some(way_between(desk, stop, start)),
            (None, Some(here)) if stop.is_ahead() => Some(way_to(desk, index, i, here)),
            _ => None,
        };
        let Some((way, seconds)) = way else { continue };
        outlook.drive(way, seconds);
        start = Some(stop.point);
        if !stop.is_ahead() {
            continue; // The route passes it all the same.
        }
        let (at, sigma) = eta(&outlook, from);
        arrivals.push((i, (at, sigma)));
        if let Some((opens, _)) = stop.window
            && opens > at
        {
            // It waits: whatever came before, it goes on from there.
            from = opens;
            outlook = Outlook::new(&desk.config.arrival, &desk.speeds, from, None);
        }
        outlook.dwell(f64::from(stop.service_seconds));
    }
    arrivals
}

fn eta(outlook: &Outlook<'_>, now: Timestamp) -> Eta {
    let arrival = outlook.arrival();
    (arrival.at(now), arrival.sigma_seconds.ceil() as u32)
}

/// From where the vehicle is to a stop: along its route where it is on one, else by the great circle and a detour. The
/// seconds are those at free flow; 0: not known.
fn way_to(desk: &Desk<'_>, index: usize, to: usize, here: Point) -> (Vec<Stretch>, f64) {
    let Cargo { ride, shipment, pieces, .. } = &desk.cargo[index];
    let direct = || (around(desk, here, shipment.stops[to].point), 0.0);
    let Some(progress) = ride.progress.filter(|progress| !progress.off_route) else { return direct() };
    let Some((_, piece)) = pieces.iter().find(|(number, _)| *number == progress.piece) else { return direct() };
    let legs = &shipment.visits[usize::from(shipment.plan.first_leg)..];
    let Some(leg) = legs.iter().position(|visit| usize::from(*visit) == to).filter(|leg| *leg >= usize::from(piece.leg)) else {
        return direct(); // It has driven past it.
    };
    let stop_of = |leg: usize| &shipment.stops[usize::from(legs[leg])];
    let mut way = piece.rest_of_leg(f64::from(progress.along));
    let on_leg: u32 = way.iter().fold(0, |sum: u32, stretch| sum.saturating_add(stretch.metres));
    let present = stop_of(usize::from(piece.leg));
    let whole: u32 = present.way.iter().fold(0, |sum: u32, metres| sum.saturating_add(*metres));
    let share = if whole > 0 { f64::from(on_leg) / f64::from(whole) } else { 0.0 };
    let mut seconds = f64::from(present.way_seconds) * share;
    for between in usize::from(piece.leg) + 1..=leg {
        way.extend(of_classes(&stop_of(between).way));
        seconds += f64::from(stop_of(between).way_seconds);
    }
    (way, seconds)
}

/// To a stop from the visit before.
fn way_between(desk: &Desk<'_>, stop: &Stop, from: Point) -> (Vec<Stretch>, f64) {
    if stop.way.iter().any(|metres| *metres > 0) {
        return (of_classes(&stop.way).collect(), f64::from(stop.way_seconds));
    }
    (around(desk, from, stop.point), 0.0)
}

fn around(desk: &Desk<'_>, from: Point, to: Point) -> Vec<Stretch> {
    vec![Stretch { class: RoadClass::Unknown, metres: (metres(from, to) * desk.config.detour).round() as u32 }]
}

fn has_moved(least_seconds: i64, (told, _): Eta, (now, sigma): Eta) -> bool {
    (now.0 - told.0).abs() > i64::from(sigma).max(least_seconds) * 1000
}

/// Tells every arrival that has moved by more than it was uncertain. Before the departure nothing is told, as the plan was;
/// what the plan has told stands until then, so that who leaves late says so when it leaves.
fn tell_changes(desk: &mut Desk<'_>, index: usize, here: Point, trigger: Trigger) {
    for (stop, eta) in ahead(desk, index, Some(here), trigger.at) {
        let least = desk.config.eta_seconds;
        let Cargo { shipment, changed, .. } = &mut desk.cargo[index];
        let departed = shipment.departed;
        let told = &mut shipment.stops[stop].eta;
        if told.is_some_and(|told| !has_moved(least, told, eta)) {
            continue;
        }
        if departed || told.is_none() {
            *told = Some(eta);
            *changed = true;
        }
        if departed {
            let event = desk.stop_event(index, stop, trigger, ShipmentEventKind::EtaChanged);
            (event.eta, event.eta_sigma_seconds) = (Some(eta.0), Some(eta.1));
        }
        lateness(desk, index, stop, eta, trigger);
    }
}

/// Looks at the arrivals that were told.
pub(super) fn late(desk: &mut Desk<'_>, index: usize, trigger: Trigger) {
    for stop in 0..desk.cargo[index].shipment.stops.len() {
        if let Some(eta) = desk.cargo[index].shipment.stops[stop].eta {
            lateness(desk, index, stop, eta, trigger);
        }
    }
}

/// `late` once, until the stop would be reached in time again by more than its uncertainty.
fn lateness(desk: &mut Desk<'_>, index: usize, stop: usize, eta: Eta, trigger: Trigger) {
    let Cargo { shipment, changed, .. } = &mut desk.cargo[index];
    let Some((_, closes)) = shipment.stops[stop].window else { return };
    let missed = &mut shipment.stops[stop].late;
    if *missed && eta.0.plus_seconds(i64::from(eta.1)) <= closes {
        *missed = false;
        *changed = true;
    } else if !*missed && eta.0 > closes {
        *missed = true;
        let event = desk.stop_event(index, stop, trigger, ShipmentEventKind::Late);
        (event.eta, event.eta_sigma_seconds) = (Some(eta.0), Some(eta.1));
    }
}

/// The vehicle is there: a window that was missed and not told to be is told now.
pub(super) fn arrived(desk: &mut Desk<'_>, index: usize, stop: usize, since: Timestamp, trigger: Trigger) {
    let place = &mut desk.cargo[index].shipment.stops[stop];
    place.eta = None;
    if place.window.is_some_and(|(_, closes)| since > closes) && !std::mem::replace(&mut place.late, true) {
        desk.stop_event(index, stop, trigger, ShipmentEventKind::Late).since = Some(since);
    }
}
