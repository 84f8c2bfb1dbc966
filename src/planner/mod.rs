//! Makes plans of shipments: in which order the stops are visited, and by which way. Outside the engine, which knows only
//! that somebody does it. Decides nothing else, and keeps nothing.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use roads::Ways;
use schemas::plan::{Leg, Plan, PlanRequest, Point};
use stops::{Budget, Problem, Stop};

/// How long an order of many stops is searched for; of a few it is the best of all, at once.
const SEARCH: Duration = Duration::from_secs(2);

/// Somebody who makes plans; cheap to clone, and asked from any thread. Whoever it is answers every request: each stop
/// once, with a way of at least two points to each.
#[derive(Clone)]
pub struct Planner(Arc<dyn Fn(&PlanRequest) -> Plan + Send + Sync>);

impl Planner {
    pub fn new(plan: impl Fn(&PlanRequest) -> Plan + Send + Sync + 'static) -> Planner {
        Planner(Arc::new(plan))
    }

    /// By the roads where there are some, else by great circles; in the best order that is found, where one is asked for.
    pub fn by(ways: impl Into<Arc<Ways>>) -> Planner {
        Planner::within(ways, Budget::Time(SEARCH))
    }

    /// The same with another budget for the order of many stops; with rounds instead of seconds it is the same everywhere.
    pub fn within(ways: impl Into<Arc<Ways>>, budget: Budget) -> Planner {
        let ways = ways.into();
        Planner::new(move |request| plan(&ways, request, budget))
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

fn plan(ways: &Ways, request: &PlanRequest, budget: Budget) -> Plan {
    let order = if request.optimise { best_order(ways, request, budget) } else { as_given(request) };
    let in_order = order.iter().map(|&stop| request.stops[usize::from(stop)].point);
    let places: Vec<Point> = std::iter::once(request.start).chain(in_order).collect();
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
        order,
        legs: legs.collect(),
    }
}

fn as_given(request: &PlanRequest) -> Vec<u16> {
    (0..request.stops.len() as u16).collect()
}

/// The order in which the stops are least late, and then soonest done.
fn best_order(ways: &Ways, request: &PlanRequest, budget: Budget) -> Vec<u16> {
    let places: Vec<Point> = std::iter::once(request.start).chain(request.stops.iter().map(|stop| stop.point)).collect();
    let (matrix, _) = ways.matrix(&places);
    let seconds_after = |at: schemas::Timestamp| (at.0 - request.depart_at.0).div_euclid(1_000);
    let problem = Problem {
        durations: matrix.ms.iter().map(|ms| ms.div_ceil(1_000)).collect(),
        stops: request
            .stops
            .iter()
            .map(|stop| Stop {
                service_seconds: stop.service_seconds,
                window: stop.window.map(|(from, to)| (seconds_after(from), seconds_after(to))),
            })
            .collect(),
        back: false,
    };
    match stops::solve(&problem, budget) {
        Ok(solution) => solution.order,
        // A dispatch has no more stops than a problem, and no window that ends before it begins.
        Err(fault) => {
            tracing::warn!(shipment = &*request.shipment_id, "the stops keep their order: {fault}");
            as_given(request)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::Timestamp;
    use schemas::plan::{Basis, PlanStop};

    #[test]
    fn every_stop_once_in_the_best_order_or_the_given_one() {
        let stop = |lat: f64| PlanStop { point: Point::from_degrees(lat, 24.0), service_seconds: 0, window: None };
        let mut request = PlanRequest {
            vehicle_id: "V".into(),
            shipment_id: "S".into(),
            revision: 3,
            start: Point::from_degrees(60.0, 24.0),
            depart_at: Timestamp(0),
            stops: vec![stop(60.1), stop(60.1), stop(60.0)],
            optimise: true,
        };
        // The last stop is where the vehicle is.
        let plan = Planner::default().plan(&request);
        assert_eq!((plan.revision, plan.basis, &plan.order[..]), (3, Basis::GreatCircle, &[2u16, 0, 1][..]));
        assert_eq!(plan.legs[0].points.first(), plan.legs[0].points.last());
        request.optimise = false;
        let plan = Planner::default().plan(&request);
        assert_eq!(plan.order, [0, 1, 2]);
        let metres: Vec<u32> = plan.legs.iter().map(|leg| leg.stretches.iter().map(|s| s.metres).sum()).collect();
        // A tenth of a degree is 11,119.5 metres.
        assert!(metres[0] > 11_119 && metres[1] == 0 && metres[2] == metres[0], "{metres:?}");
        assert!(plan.legs.iter().all(|leg| leg.points.len() >= 2));
    }
}
