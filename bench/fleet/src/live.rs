//! Vehicles that drive their shipments' stops in a straight line, so that each passes a stop now and then and its events
//! follow from known pings. Reads no clock.

use crate::drive::id;

/// Metres per second.
const SPEED: f64 = 10.0;
/// Between two stops, metres: inside one long enough to have arrived, outside long enough to have left.
const SPACING: f64 = 300.0;
const STOPS: u32 = 8;
/// Metres of a degree of latitude.
const METRES: f64 = 111_195.0;

/// One line per vehicle, a little apart; the vehicles are at different places between two stops.
#[derive(Clone, Debug)]
pub struct Line {
    pub vehicle_id: String,
    pub shipment_id: String,
    lon: f64,
    /// Metres before the first stop at the start.
    lead: f64,
}

impl Line {
    /// `run`: keeps the ids of one measurement apart from those of others.
    pub fn new(run: &str, number: u32, of: u32) -> Line {
        Line {
            vehicle_id: format!("{run}-{}", id(number)),
            shipment_id: format!("{run}-S-{number:05}"),
            lon: 24.5 + f64::from(number % 1000) * 0.001,
            lead: 80.0 + SPACING * f64::from(number) / f64::from(of.max(1)),
        }
    }

    fn lat(metres: f64) -> f64 {
        60.0 + metres / METRES
    }

    /// Its shipment, with the depot well behind it. It keeps its order: no planner's search is measured.
    pub fn dispatch(&self) -> String {
        let Line { vehicle_id, shipment_id, lon, lead } = self;
        let stops: Vec<String> = (0..STOPS)
            .map(|n| {
                let lat = Line::lat(f64::from(n) * SPACING);
                format!(r#"{{"stop_id":"{n}","order_id":"{shipment_id}-{n}","lat":{lat:.6},"lon":{lon:.6}}}"#)
            })
            .collect();
        let depot = Line::lat(-lead - 1_000.0);
        let stops = stops.join(",");
        format!(
            r#"{{"type":"dispatch","shipment_id":"{shipment_id}","vehicle_id":"{vehicle_id}","depot":{{"lat":{depot:.6},"lon":{lon:.6}}},"stops":[{stops}],"optimise":false}}"#
        )
    }

    /// `at`: milliseconds since the epoch; `since`: seconds since the start.
    pub fn ping(&self, at: i64, since: f64) -> String {
        let Line { vehicle_id, lon, lead, .. } = self;
        let lat = Line::lat(since * SPEED - lead);
        format!(
            r#"{{"vehicle_id":"{vehicle_id}","fix_time":{at},"lat":{lat:.6},"lon":{lon:.6},"speed":{SPEED:.1},"heading":0,"accuracy":5}}"#
        )
    }
}
