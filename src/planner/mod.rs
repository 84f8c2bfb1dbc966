//! Makes plans of shipments: in which order the stops are visited, and by which way. Outside the engine, which knows only
//! that somebody does it. Where there is no map, by the great circle.

mod circle;

use std::fmt;
use std::sync::Arc;

use schemas::plan::{Plan, PlanRequest};

pub use circle::by_great_circle;

/// Somebody who makes plans; cheap to clone, and asked from any thread. Whoever it is answers every request: each stop
/// once, with a way of at least two points to each.
#[derive(Clone)]
pub struct Planner(Arc<dyn Fn(&PlanRequest) -> Plan + Send + Sync>);

impl Planner {
    pub fn new(plan: impl Fn(&PlanRequest) -> Plan + Send + Sync + 'static) -> Planner {
        Planner(Arc::new(plan))
    }

    pub fn plan(&self, request: &PlanRequest) -> Plan {
        (self.0)(request)
    }
}

/// Keeps the order, by the great circle.
impl Default for Planner {
    fn default() -> Planner {
        Planner::new(by_great_circle)
    }
}

impl fmt::Debug for Planner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Planner")
    }
}
