//! A ping: judged as it comes if nothing else can change that, otherwise held for a while so that older ones may come,
//! then judged in its turn and followed.

use schemas::Reject;
use schemas::fleet::{Judgement, Ping, PingVerdict};

use super::desk::Desk;
use super::vehicle::{Fix, Held, MAX_HELD};
use super::{Step, follow, judge, motion, smooth};
use crate::{Trigger, Verdict};

/// Takes a ping in. A verdict: that is all there is to it, it changes nothing.
pub(super) fn hear(desk: &mut Desk<'_>, trigger: Trigger, ping: &Ping) -> Result<Option<PingVerdict>, Reject> {
    judge::refuse_future(desk.config, ping.fix_time, trigger.at)?;
    let reading = judge::reading(ping);
    if let Some((judgement, reason)) = judge::at_once(desk.config, &desk.vehicle, &reading) {
        let Trigger { at, cause } = trigger;
        return Ok(Some(PingVerdict { judgement, reason, fix_time: reading.fix_time, at, cause }));
    }
    let held = &mut desk.vehicle.held;
    let place = held.partition_point(|other| other.reading < reading);
    held.insert(place, Held { reading, heard: trigger });
    let newest = held.last().map_or(reading.fix_time, |last| last.reading.fix_time);
    while let Some(first) = desk.vehicle.held.first()
        && (first.reading.fix_time.0 <= newest.0 - desk.config.reorder_millis || desk.vehicle.held.len() > MAX_HELD)
    {
        release(desk);
    }
    Ok(None)
}

/// The step of a ping that was judged as it came.
pub(super) fn passed_over(ping: PingVerdict) -> Step {
    let verdict = kind_of(&ping);
    Step { verdicts: vec![ping], ..Step::nothing(verdict) }
}

pub(super) fn kind_of(ping: &PingVerdict) -> Verdict {
    if ping.judgement == Judgement::Duplicate { Verdict::Duplicate } else { Verdict::Applied }
}

/// It is the oldest held ping's turn.
pub(super) fn release(desk: &mut Desk<'_>) {
    if desk.vehicle.held.is_empty() {
        return;
    }
    let Held { reading, heard } = desk.vehicle.held.remove(0);
    desk.vehicle.passed = Some(reading.fix_time);
    let (judged, suspect) = judge::gate(desk.config, &desk.vehicle, &reading);
    desk.vehicle.suspect = suspect;
    desk.out.verdict(judged, &reading, heard);
    if judged.0 != Judgement::Accepted {
        return;
    }
    let (before, place) = (desk.vehicle.last, desk.vehicle.track.map(|track| track.point));
    let jumped = judged.1 != "plausible";
    let track = match (&desk.vehicle.track, before) {
        (Some(track), Some(before)) if !jumped => smooth::step(track, before.time, &reading),
        _ => smooth::start(&reading),
    };
    desk.vehicle.track = Some(track);
    desk.vehicle.last = Some(Fix { time: reading.fix_time, point: reading.point, accuracy: reading.accuracy, heard });
    desk.moved = true;
    motion::apply(desk, &track, reading.fix_time, jumped);
    follow::apply(desk, before.map(|fix| fix.time).zip(place).filter(|_| !jumped));
}
