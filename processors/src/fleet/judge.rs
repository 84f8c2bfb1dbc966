//! Whether a fix is believed: the verdict for every ping. Moves nothing.

use schemas::fleet::{Judgement, Ping};
use schemas::plan::Point;
use schemas::{Reason, Reject, Timestamp};

use super::Config;
use super::geo::metres;
use super::vehicle::{Reading, Suspect, Vehicle};

/// So many rejected fixes in a row that agree with each other are believed instead of the last accepted one.
pub(super) const AGREEING_FIXES: u8 = 3;
/// The accuracy of a fix that does not say, decimetres.
pub(super) const USUAL_ACCURACY: u32 = 100;

/// A judgement and a stable word for its reason.
pub(super) type Judged = (Judgement, &'static str);

/// A ping in the units that are kept.
pub(super) fn reading(ping: &Ping) -> Reading {
    Reading {
        fix_time: ping.fix_time,
        point: ping.point,
        speed: ping.speed.map(|v| (v * 100.0).round() as u16),
        // 360 degrees are none.
        heading: ping.heading.map(|v| (v * 10.0).round() as u16 % 3600),
        accuracy: ping.accuracy.map(|v| (v * 10.0).round() as u32),
    }
}

/// A fix from the future is no ping: the sender's clock is wrong, and with it every time that it says.
pub(super) fn refuse_future(config: &Config, fix_time: Timestamp, at: Timestamp) -> Result<(), Reject> {
    if fix_time <= at.plus_seconds(config.future_seconds) {
        return Ok(());
    }
    Err(Reject::new(
        Reason::TimestampInFuture,
        format!("`fix_time` is {fix_time}, but the record's time is {at}; at most {} seconds ahead are taken", config.future_seconds),
    ))
}

/// What can be said of a ping as it comes, whatever else comes. `None`: it has to wait for its turn.
pub(super) fn at_once(config: &Config, vehicle: &Vehicle, reading: &Reading) -> Option<Judged> {
    if reading.point == Point::default() {
        // Receivers without a fix say 0, 0.
        return Some((Judgement::Outlier, "null_island"));
    }
    if reading.accuracy.is_some_and(|accuracy| accuracy > config.accuracy_metres * 10) {
        return Some((Judgement::Inaccurate, "accuracy_over_limit"));
    }
    if vehicle.last.is_some_and(|last| last.time == reading.fix_time && last.point == reading.point) {
        return Some((Judgement::Duplicate, "same_fix"));
    }
    if vehicle.passed.is_some_and(|passed| reading.fix_time <= passed) {
        return Some((Judgement::Late, "older_than_the_last"));
    }
    if vehicle.held.iter().any(|held| held.reading == *reading) {
        return Some((Judgement::Duplicate, "same_fix"));
    }
    None
}

/// The gate for a fix whose turn it is, and the rejected fixes to remember afterwards.
pub(super) fn gate(config: &Config, vehicle: &Vehicle, reading: &Reading) -> (Judged, Option<Suspect>) {
    let Some(last) = &vehicle.last else { return ((Judgement::Accepted, "first_fix"), None) };
    if reading.fix_time == last.time {
        return ((Judgement::Duplicate, "same_fix_time"), vehicle.suspect);
    }
    if plausible(config, (last.time, last.point, last.accuracy), reading) {
        return ((Judgement::Accepted, "plausible"), None);
    }
    let agreeing = match &vehicle.suspect {
        Some(before) if plausible(config, (before.time, before.point, before.accuracy), reading) => before.count + 1,
        _ => 1,
    };
    if agreeing >= AGREEING_FIXES {
        return ((Judgement::Accepted, "re_anchored"), None);
    }
    let suspect = Suspect { count: agreeing, time: reading.fix_time, point: reading.point, accuracy: reading.accuracy };
    ((Judgement::Outlier, "too_fast"), Some(suspect))
}

/// A vehicle could have come from there to here in that time; what both fixes may be wrong by is in its favour.
fn plausible(config: &Config, (time, point, accuracy): (Timestamp, Point, Option<u32>), reading: &Reading) -> bool {
    let seconds = (reading.fix_time.0 - time.0) as f64 / 1000.0;
    let slack = f64::from(accuracy.unwrap_or(USUAL_ACCURACY) + reading.accuracy.unwrap_or(USUAL_ACCURACY)) / 10.0;
    metres(point, reading.point) - slack <= config.max_speed * seconds
}
