//! Dead letters: every record that had to become one did, once and for its reason, and nothing else came of it; no other
//! was refused for its signature.

use std::collections::BTreeMap;

use serde_json::Value;
use waybill::engine::plan::Processor;

use crate::check::all;
use crate::setup::{OUTPUTS, SOURCES};
use crate::signing::FORGED;
use crate::world::{Coordinates, Expected, World};

const OF_SIGNATURES: &str = "signature_";
/// The one reason that depends on what was read before.
const REPLAYED: &str = "signature_replayed";

pub fn check(world: &World, faults: &mut Vec<String>) {
    let dead = dead_letters(world);
    let reasons = |at: &Coordinates| dead.get(at).map_or(&[][..], |reasons| reasons);
    // In a replay, time is what any record says: one that is ahead lets ids be forgotten before theirs is over. Then one is
    // taken that would be a replay, and another is a replay of that.
    let exact = world.is_wall();
    let forgotten =
        |reason: &str, at: &Coordinates| !exact && reason == REPLAYED && reasons(at).iter().all(|r| !r.starts_with(OF_SIGNATURES));
    for (at, expected) in world.expected.iter().chain(&foreign(world)) {
        let right = match expected {
            Expected::Refused(reason) => reasons(at) == [*reason] || forgotten(reason, at),
            _ if !exact && reasons(at) == [REPLAYED] => true,
            Expected::Passes => reasons(at).iter().all(|reason| !reason.starts_with(OF_SIGNATURES)),
            Expected::Taken => reasons(at).is_empty(),
        };
        if !right {
            faults.push(format!("{at:?} was to be {expected:?}, and its dead letters say {:?}", reasons(at)));
        }
    }
    for topic in OUTPUTS.into_iter().filter(|topic| *topic != "dead-letters") {
        for record in all(&world.time.broker, topic) {
            let value: Value = serde_json::from_slice(record.value().unwrap_or_default()).unwrap_or_default();
            let cause = &value["cause"];
            let number = |field: &str| cause[field].as_i64().unwrap_or(-1);
            let at = (cause["topic"].as_str().unwrap_or_default().to_owned(), number("partition") as i32, number("offset"));
            let refused = matches!(world.expected.get(&at), Some(Expected::Refused(reason)) if !forgotten(reason, &at));
            if refused || value.to_string().contains(FORGED) {
                faults.push(format!("{topic}/{}/{}: a record that was refused took effect: {value}", record.partition, record.offset));
            }
        }
    }
    for processor in Processor::ALL {
        let topic = world.plan.topics.name(world.plan.internal(processor).changelog);
        for record in all(&world.time.broker, topic) {
            if String::from_utf8_lossy(record.key().unwrap_or_default()).contains(FORGED) {
                faults.push(format!("{topic}/{}/{}: a forged order has left a state", record.partition, record.offset));
            }
        }
    }
}

/// What programs beside the shop have written: nonsense without a signature.
fn foreign(world: &World) -> BTreeMap<Coordinates, Expected> {
    let signed = SOURCES.into_iter().filter(|topic| world.setup.rule(topic).is_some_and(|rule| rule.is_required()));
    // Of feedback, what cannot be read is refused before anybody looks at its signature.
    let records =
        signed.filter(|topic| *topic != "feedback").flat_map(|topic| all(&world.time.broker, topic).into_iter().map(move |r| (topic, r)));
    let coordinates = records.map(|(topic, record)| (topic.to_owned(), record.partition, record.offset));
    coordinates.filter(|at| !world.expected.contains_key(at)).map(|at| (at, Expected::Refused("signature_missing"))).collect()
}

/// Reasons by the coordinates of the input record.
pub fn dead_letters(world: &World) -> BTreeMap<Coordinates, Vec<String>> {
    let mut dead: BTreeMap<Coordinates, Vec<String>> = BTreeMap::new();
    for record in all(&world.time.broker, "dead-letters") {
        let headers = record.headers();
        let header = |name: &str| {
            let value = headers.iter().rev().find(|(n, _)| *n == name).and_then(|(_, value)| *value);
            String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
        };
        let number = |name: &str| header(name).parse::<i64>().unwrap_or(-1);
        let at = (header("waybill.source.topic"), number("waybill.source.partition") as i32, number("waybill.source.offset"));
        dead.entry(at).or_default().push(header("waybill.error.reason"));
    }
    dead
}
