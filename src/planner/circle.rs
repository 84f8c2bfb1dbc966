//! A plan without a map: stops in the order of the request, great circles times a detour.

use processors::fleet::great_circle_metres;
use schemas::plan::{Basis, Leg, Plan, PlanRequest, RoadClass, Stretch};

/// How much longer roads are than the great circle: between places in towns, 1.3 to 1.5.
const DETOUR: f64 = 1.4;
/// Driving without a map, metres per second: 40 km/h.
const SPEED: f64 = 40.0 / 3.6;

/// Keeps the order of the request's stops.
pub fn by_great_circle(request: &PlanRequest) -> Plan {
    let mut from = request.start;
    let mut legs = vec![];
    for stop in &request.stops {
        let metres = great_circle_metres(from, stop.point) * DETOUR;
        legs.push(Leg {
            points: vec![from, stop.point],
            stretches: vec![Stretch { class: RoadClass::Unknown, metres: metres.round() as u32 }],
            seconds: (metres / SPEED).round() as u32,
        });
        from = stop.point;
    }
    Plan {
        vehicle_id: request.vehicle_id.clone(),
        shipment_id: request.shipment_id.clone(),
        revision: request.revision,
        basis: Basis::GreatCircle,
        order: (0..request.stops.len() as u16).collect(),
        legs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::Timestamp;
    use schemas::plan::{PlanStop, Point};

    #[test]
    fn every_stop_once_in_its_order() {
        let stop = |lat: f64| PlanStop { point: Point::from_degrees(lat, 24.0), service_seconds: 0, window: None };
        let request = PlanRequest {
            vehicle_id: "V".into(),
            shipment_id: "S".into(),
            revision: 3,
            start: Point::from_degrees(60.0, 24.0),
            depart_at: Timestamp(0),
            stops: vec![stop(60.1), stop(60.0)],
            optimise: true,
        };
        let plan = by_great_circle(&request);
        assert_eq!((plan.revision, &plan.order[..], plan.legs.len()), (3, &[0u16, 1][..], 2));
        // A tenth of a degree is 11,119.5 metres.
        for leg in &plan.legs {
            assert_eq!((leg.points.len(), leg.stretches[0].metres, leg.seconds), (2, 15_567, 1_401));
        }
    }
}
