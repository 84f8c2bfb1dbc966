//! Moving or stopped, by where the vehicle stays and not by a speed that trembles; and too fast, in episodes.

use schemas::Timestamp;
use schemas::fleet::{Motion, ShipmentEventKind};

use super::desk::Desk;
use super::geo::metres;
use super::vehicle::{Rest, Speeding, Track};

/// An episode of overspeed ends below this share of the limit: 95 of 100.
const CALM_PER_CENT: u32 = 95;

/// The vehicle is at `track` now. `jumped`: nothing is known of how it got there.
pub(super) fn apply(desk: &mut Desk<'_>, track: &Track, time: Timestamp, jumped: bool) {
    let config = desk.config;
    let vehicle = &mut desk.vehicle;
    if jumped {
        (vehicle.rest, vehicle.motion, vehicle.speeding) = (Rest { point: track.point, since: time }, Motion::Stopped, None);
    } else if metres(vehicle.rest.point, track.point) > config.stop_metres {
        vehicle.rest = Rest { point: track.point, since: time };
        vehicle.motion = Motion::Moving;
    } else if vehicle.motion != Motion::Moving || time.0 - vehicle.rest.since.0 >= config.stop_seconds * 1000 {
        vehicle.motion = Motion::Stopped;
    }
    match vehicle.speeding {
        None if track.speed > config.overspeed => vehicle.speeding = Some(Speeding { since: time, told: false }),
        Some(_) if u32::from(track.speed) * 100 < u32::from(config.overspeed) * CALM_PER_CENT => vehicle.speeding = None,
        Some(Speeding { since, told: false }) if track.speed > config.overspeed && time.0 - since.0 >= config.overspeed_seconds * 1000 => {
            vehicle.speeding = Some(Speeding { since, told: true });
            tell(desk, track.speed, since);
        }
        _ => {}
    }
}

fn tell(desk: &mut Desk<'_>, speed: u16, since: Timestamp) {
    let Some(trigger) = desk.fix_trigger() else { return };
    for index in 0..desk.cargo.len() {
        let event = desk.event(index, trigger, ShipmentEventKind::Overspeed);
        event.speed = Some(u32::from(speed));
        event.since = Some(since);
    }
}
