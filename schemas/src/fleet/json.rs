//! The JSON of the fleet's output. Field names are the public contract (`wire.md`).

use std::fmt;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use super::event::{PingVerdict, PlannedRoute, PlannedStop, ShipmentEvent, VehiclePosition};
use crate::Cause;
use crate::event::{CauseJson, Named};
use crate::plan::Basis;

/// An id of a vehicle's event: `<source topic>/<partition>/<offset>/<vehicle>/<shipment>/<seq>`. The vehicle is part of
/// it: one record may be said of a shipment by two vehicles, when it is handed over.
#[derive(Clone, Copy, Debug)]
pub struct ShipmentEventId<'a> {
    /// The topic's configured name.
    pub topic: &'a str,
    pub cause: Cause,
    pub vehicle_id: &'a str,
    pub shipment_id: &'a str,
    pub seq: u32,
}

impl fmt::Display for ShipmentEventId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cause { partition, offset, .. } = self.cause;
        write!(f, "{}/{partition}/{offset}/{}/{}/{}", self.topic, self.vehicle_id, self.shipment_id, self.seq)
    }
}

impl Serialize for Named<'_, VehiclePosition> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let p = self.event;
        let (lat, lon) = p.point.degrees();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("vehicle_id", self.key)?;
        map.serialize_entry("lat", &lat)?;
        map.serialize_entry("lon", &lon)?;
        map.serialize_entry("fix_time", &p.fix_time.text())?;
        map.serialize_entry("speed", &(f64::from(p.speed) / 100.0))?;
        if let Some(heading) = p.heading {
            map.serialize_entry("heading", &(f64::from(heading) / 10.0))?;
        }
        map.serialize_entry("state", p.motion.word())?;
        if let Some(shipment_id) = &p.shipment_id {
            map.serialize_entry("shipment_id", shipment_id)?;
        }
        if let Some(next_stop) = &p.next_stop {
            map.serialize_entry("next_stop", next_stop)?;
        }
        if let Some(eta) = p.eta {
            map.serialize_entry("eta", &eta.text())?;
        }
        if let Some(sigma) = p.eta_sigma_seconds {
            map.serialize_entry("eta_sigma_seconds", &sigma)?;
        }
        if let Some(metres) = p.remaining_metres {
            map.serialize_entry("remaining_metres", &metres)?;
        }
        map.serialize_entry("cause", &CauseJson::new(self.topic, p.cause))?;
        map.end()
    }
}

impl Serialize for Named<'_, PingVerdict> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let v = self.event;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("event_id", self.id)?;
        map.serialize_entry("vehicle_id", self.key)?;
        map.serialize_entry("verdict", v.judgement.word())?;
        map.serialize_entry("reason", v.reason)?;
        map.serialize_entry("fix_time", &v.fix_time.text())?;
        map.serialize_entry("at", &v.at.text())?;
        map.serialize_entry("cause", &CauseJson::new(self.topic, v.cause))?;
        map.end()
    }
}

impl Serialize for Named<'_, ShipmentEvent> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let e = self.event;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("event_id", self.id)?;
        map.serialize_entry("shipment_id", self.key)?;
        map.serialize_entry("type", e.kind.word())?;
        map.serialize_entry("seq", &e.seq)?;
        map.serialize_entry("at", &e.at.text())?;
        map.serialize_entry("vehicle_id", &e.vehicle_id)?;
        map.serialize_entry("order_ids", &e.order_ids)?;
        if let Some(stop_id) = &e.stop_id {
            map.serialize_entry("stop_id", stop_id)?;
        }
        if let Some(eta) = e.eta {
            map.serialize_entry("eta", &eta.text())?;
        }
        if let Some(sigma) = e.eta_sigma_seconds {
            map.serialize_entry("eta_sigma_seconds", &sigma)?;
        }
        if let Some(reason) = &e.reason {
            map.serialize_entry("reason", reason)?;
        }
        if let Some(since) = e.since {
            map.serialize_entry("since", &since.text())?;
        }
        if let Some(seconds) = e.dwell_seconds {
            map.serialize_entry("dwell_seconds", &seconds)?;
        }
        if let Some(metres) = e.distance_metres {
            map.serialize_entry("distance_metres", &metres)?;
        }
        if let Some(speed) = e.speed {
            map.serialize_entry("speed", &(f64::from(speed) / 100.0))?;
        }
        if let Some(PlannedRoute { revision, basis, route_metres, stops }) = &e.plan {
            map.serialize_entry("revision", revision)?;
            map.serialize_entry("basis", basis_word(*basis))?;
            map.serialize_entry("route_metres", route_metres)?;
            map.serialize_entry("stops", &Stops(stops))?;
        }
        if let Some(feedback_id) = &e.feedback_id {
            map.serialize_entry("feedback_id", feedback_id)?;
        }
        map.serialize_entry("cause", &CauseJson::new(self.topic, e.cause))?;
        map.end()
    }
}

struct Stops<'a>(&'a [PlannedStop]);

impl Serialize for Stops<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.0.len()))?;
        for stop in self.0 {
            seq.serialize_element(stop)?;
        }
        seq.end()
    }
}

impl Serialize for PlannedStop {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("stop_id", &self.stop_id)?;
        map.serialize_entry("order_id", &self.order_id)?;
        map.serialize_entry("metres", &self.metres)?;
        if let Some(eta) = self.eta {
            map.serialize_entry("eta", &eta.text())?;
        }
        if let Some(sigma) = self.eta_sigma_seconds {
            map.serialize_entry("eta_sigma_seconds", &sigma)?;
        }
        map.end()
    }
}

fn basis_word(basis: Basis) -> &'static str {
    match basis {
        Basis::Roads => "roads",
        Basis::GreatCircle => "great_circle",
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Judgement, Motion, ShipmentEventKind};
    use super::*;
    use crate::plan::Point;
    use crate::{Source, Timestamp};

    const CAUSE: Cause = Cause { source: Source::GpsPings, partition: 3, offset: 17 };
    const CAUSE_JSON: &str = r#""cause":{"topic":"gps-pings","partition":3,"offset":17}"#;

    fn text<T>(event: &T, key: &str, id: &str) -> String
    where
        for<'a> Named<'a, T>: Serialize,
    {
        let mut out = vec![];
        Named { event, key, id, topic: "gps-pings" }.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_position_reads_as_the_contract_says() {
        let mut position = VehiclePosition {
            point: Point::from_degrees(60.17, 24.94),
            fix_time: Timestamp(1_772_359_200_000),
            speed: 830,
            heading: Some(905),
            motion: Motion::Moving,
            shipment_id: Some("S-1".into()),
            next_stop: Some("1".into()),
            eta: Some(Timestamp(1_772_359_500_000)),
            eta_sigma_seconds: Some(40),
            remaining_metres: Some(1234),
            cause: CAUSE,
        };
        assert_eq!(
            text(&position, "V-7", ""),
            format!(
                r#"{{"vehicle_id":"V-7","lat":60.17,"lon":24.94,"fix_time":"2026-03-01T10:00:00.000Z","speed":8.3,"heading":90.5,"state":"moving","shipment_id":"S-1","next_stop":"1","eta":"2026-03-01T10:05:00.000Z","eta_sigma_seconds":40,"remaining_metres":1234,{CAUSE_JSON}}}"#
            )
        );
        (position.shipment_id, position.next_stop, position.eta, position.eta_sigma_seconds) = (None, None, None, None);
        (position.remaining_metres, position.heading, position.motion) = (None, None, Motion::Silent);
        assert_eq!(
            text(&position, "V-7", ""),
            format!(
                r#"{{"vehicle_id":"V-7","lat":60.17,"lon":24.94,"fix_time":"2026-03-01T10:00:00.000Z","speed":8.3,"state":"silent",{CAUSE_JSON}}}"#
            )
        );
    }

    #[test]
    fn verdicts_and_events_read_as_the_contract_says() {
        let at = Timestamp(1_772_359_200_000);
        let verdict = PingVerdict { judgement: Judgement::Outlier, reason: "too_fast", fix_time: at, at, cause: CAUSE };
        assert_eq!(
            text(&verdict, "V-7", "gps-pings/3/17/V-7"),
            format!(
                r#"{{"event_id":"gps-pings/3/17/V-7","vehicle_id":"V-7","verdict":"outlier","reason":"too_fast","fix_time":"2026-03-01T10:00:00.000Z","at":"2026-03-01T10:00:00.000Z",{CAUSE_JSON}}}"#
            )
        );
        let mut event = ShipmentEvent {
            kind: ShipmentEventKind::Arrived,
            seq: 2,
            at,
            cause: CAUSE,
            vehicle_id: "V-7".into(),
            order_ids: vec!["536365".into()],
            stop_id: Some("1".into()),
            eta: None,
            eta_sigma_seconds: None,
            reason: None,
            since: Some(at),
            dwell_seconds: None,
            distance_metres: None,
            speed: None,
            plan: None,
            feedback_id: None,
        };
        let id = ShipmentEventId { topic: "gps-pings", cause: CAUSE, vehicle_id: "V-7", shipment_id: "S-1", seq: 2 }.to_string();
        assert_eq!(
            text(&event, "S-1", &id),
            format!(
                r#"{{"event_id":"gps-pings/3/17/V-7/S-1/2","shipment_id":"S-1","type":"arrived","seq":2,"at":"2026-03-01T10:00:00.000Z","vehicle_id":"V-7","order_ids":["536365"],"stop_id":"1","since":"2026-03-01T10:00:00.000Z",{CAUSE_JSON}}}"#
            )
        );
        (event.kind, event.stop_id, event.since) = (ShipmentEventKind::Planned, None, None);
        let stop = PlannedStop { stop_id: "1".into(), order_id: "536365".into(), metres: 900, eta: Some(at), eta_sigma_seconds: Some(30) };
        event.plan = Some(PlannedRoute { revision: 1, basis: Basis::GreatCircle, route_metres: 900, stops: vec![stop] });
        assert_eq!(
            text(&event, "S-1", "id"),
            format!(
                r#"{{"event_id":"id","shipment_id":"S-1","type":"planned","seq":2,"at":"2026-03-01T10:00:00.000Z","vehicle_id":"V-7","order_ids":["536365"],"revision":1,"basis":"great_circle","route_metres":900,"stops":[{{"stop_id":"1","order_id":"536365","metres":900,"eta":"2026-03-01T10:00:00.000Z","eta_sigma_seconds":30}}],{CAUSE_JSON}}}"#
            )
        );
    }
}
