//! Makes plans of shipments: in which order the stops are visited, and by which way. Outside the engine, which knows only
//! that somebody does it. Decides nothing else, and keeps nothing.

use std::fmt;
use std::sync::Arc;

use roads::Ways;
use schemas::plan::{Leg, Plan, PlanRequest, Point};

/// Somebody who makes plans; cheap to clone, and asked from any thread. Whoever it is answers every request: each stop
/// once, with a way of at least two points to each.
#[derive(Clone)]
pub struct Planner(Arc<dyn Fn(&PlanRequest) -> Plan + Send + Sync>);

impl Planner {
    pub fn new(plan: impl Fn(&PlanRequest) -> Plan + Send + Sync + 'static) -> Planner {
        Planner(Arc::new(plan))
    }

    /// Keeps the order of the stops; by the roads where there are some, else by great circles.
    pub fn by(ways: Ways) -> Planner {
        Planner::new(move |request| in_order(&ways, request))
    }

    pub fn plan(&self, request: &PlanRequest) -> Plan {
        (self.0)(request)
    }
}

/// Without a map.
impl Default for Planner {
    fn default() -> Planner {
        Planner::by(Ways::default())
    }
}

impl fmt::Debug for Planner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Planner")
    }
}

fn in_order(ways: &Ways, request: &PlanRequest) -> Plan {
    let places: Vec<Point> = std::iter::once(request.start).chain(request.stops.iter().map(|stop| stop.point)).collect();
    let (legs, basis) = ways.legs(&places);
    let legs = legs.into_iter().zip(places.windows(2)).map(|(leg, ends)| {
        // From a place to itself there is no line.
        if leg.points.len() < 2 { Leg { points: ends.to_vec(), ..leg } } else { leg }
    });
    Plan {
        vehicle_id: request.vehicle_id.clone(),
        shipment_id: request.shipment_id.clone(),
        revision: request.revision,
        basis,
        order: (0..request.stops.len() as u16).collect(),
        legs: legs.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::Timestamp;
    use schemas::plan::{Basis, PlanStop};

    #[test]
    fn every_stop_once_in_its_order() {
        let stop = |lat: f64| PlanStop { point: Point::from_degrees(lat, 24.0), service_seconds: 0, window: None };
        let request = PlanRequest {
            vehicle_id: "V".into(),
            shipment_id: "S".into(),
            revision: 3,
            start: Point::from_degrees(60.0, 24.0),
            depart_at: Timestamp(0),
            stops: vec![stop(60.1), stop(60.1), stop(60.0)],
            optimise: true,
        };
        let plan = Planner::default().plan(&request);
        assert_eq!((plan.revision, plan.basis, &plan.order[..]), (3, Basis::GreatCircle, &[0u16, 1, 2][..]));
        let metres: Vec<u32> = plan.legs.iter().map(|leg| leg.stretches.iter().map(|s| s.metres).sum()).collect();
        // A tenth of a degree is 11,119.5 metres.
        assert!(metres[0] > 11_119 && metres[1] == 0 && metres[2] == metres[0], "{metres:?}");
        assert!(plan.legs.iter().all(|leg| leg.points.len() >= 2));
    }
}
