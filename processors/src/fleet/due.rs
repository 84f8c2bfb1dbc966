//! What happens when nothing happens: a held ping waited long enough, a vehicle fell silent, a place's border was crossed
//! and nothing contradicted. By record time; judged by when it was due, never by when a timer fires.

use schemas::Timestamp;
use schemas::fleet::{Motion, ShipmentEventKind};

use super::desk::Desk;
use super::{follow, ping};
use crate::Trigger;

/// What is due. Of what is due at one time, the first is done first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    Held,
    Fence,
    Silence,
}

/// Does everything that was due by `until`, in its order. Whether anything was.
pub(super) fn catch_up(desk: &mut Desk<'_>, until: Timestamp) -> bool {
    let mut any = false;
    while let Some((at, due)) = next(desk)
        && at <= until
    {
        match due {
            Due::Held => flush(desk, at),
            Due::Fence => follow::believe(desk, at),
            Due::Silence => silence(desk, at),
        }
        any = true;
    }
    any
}

/// What is due next, and when.
pub(super) fn next(desk: &Desk<'_>) -> Option<(Timestamp, Due)> {
    let held = desk.vehicle.held.iter().map(|held| held.heard.at).min().map(|at| (plus_millis(at, desk.config.reorder_millis), Due::Held));
    let fence = desk.cargo.iter().filter_map(|cargo| cargo.ride.wake).min().map(|at| (at, Due::Fence));
    let own = desk.last_heard().filter(|_| desk.vehicle.motion != Motion::Silent);
    let rides = desk.cargo.iter().filter(|cargo| !cargo.ride.silent).map(|cargo| heard_for(desk, cargo.ride.dispatched.at));
    let silence = own.into_iter().chain(rides).min().map(|at| (at.plus_seconds(desk.config.silent_seconds), Due::Silence));
    [held, fence, silence].into_iter().flatten().min()
}

/// From when on the silence of a vehicle counts for a shipment.
fn heard_for(desk: &Desk<'_>, dispatched: Timestamp) -> Timestamp {
    desk.last_heard().map_or(dispatched, |heard| heard.max(dispatched))
}

/// The ping that waited longest, and all that are older than it, wait no longer.
fn flush(desk: &mut Desk<'_>, at: Timestamp) {
    let waited = |at_latest: Timestamp| plus_millis(at_latest, desk.config.reorder_millis) <= at;
    let Some(last) = desk.vehicle.held.iter().rposition(|held| waited(held.heard.at)) else { return };
    for _ in 0..=last {
        ping::release(desk);
    }
}

fn silence(desk: &mut Desk<'_>, at: Timestamp) {
    let seconds = desk.config.silent_seconds;
    if desk.last_heard().is_some_and(|heard| heard.plus_seconds(seconds) <= at) && desk.vehicle.motion != Motion::Silent {
        desk.vehicle.motion = Motion::Silent;
        desk.moved = true;
    }
    let last = desk.vehicle.last;
    for index in 0..desk.cargo.len() {
        let ride = &desk.cargo[index].ride;
        if ride.silent || heard_for(desk, ride.dispatched.at).plus_seconds(seconds) > at {
            continue;
        }
        let cause = last.filter(|fix| fix.heard.at >= ride.dispatched.at).map_or(ride.dispatched.cause, |fix| fix.heard.cause);
        let ride = &mut desk.cargo[index].ride;
        ride.silent = true;
        ride.gathered.drop_way();
        let event = desk.event(index, Trigger { at, cause }, ShipmentEventKind::Silent);
        event.since = last.map(|fix| fix.time);
    }
}

fn plus_millis(at: Timestamp, millis: i64) -> Timestamp {
    Timestamp(at.0.saturating_add(millis))
}
