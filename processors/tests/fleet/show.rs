//! The fleet's output as the scenario tables write it.

use schemas::Timestamp;
use schemas::fleet::{PingVerdict, PlannedRoute, ShipmentEvent, VehiclePosition};
use schemas::message::{ShipmentNews, ShipmentUpdate};
use schemas::plan::{Basis, PlanRequest, Point};

use super::grammar::on_map;
use super::words::show_time;

/// `S-1 arrived: stop 1, since 10:03:20`; after the colon whatever the event carries, but for its orders.
pub fn event(shipment_id: &str, e: &ShipmentEvent) -> String {
    let mut about: Vec<String> = vec![];
    about.extend(e.stop_id.as_ref().map(|stop| format!("stop {stop}")));
    about.extend(e.reason.as_ref().map(ToString::to_string));
    about.extend(e.feedback_id.as_ref().map(|id| format!("feedback {id}")));
    about.extend(eta(e.eta, e.eta_sigma_seconds).map(|eta| format!("eta {eta}")));
    about.extend(e.since.map(|at| format!("since {}", show_time(at))));
    about.extend(e.dwell_seconds.map(|seconds| format!("for {seconds} s")));
    about.extend(e.distance_metres.map(|metres| format!("{metres} m away")));
    about.extend(e.speed.map(|speed| format!("{}.{} m/s", speed / 100, speed % 100 / 10)));
    if let Some(PlannedRoute { revision, basis, route_metres, stops }) = &e.plan {
        let by = match basis {
            Basis::Roads => "roads",
            Basis::GreatCircle => "great circle",
        };
        about.push(format!("#{revision} {route_metres} m by {by}"));
        about.extend(stops.iter().map(|stop| {
            let eta = eta(stop.eta, stop.eta_sigma_seconds).map_or(String::new(), |eta| format!(" eta {eta}"));
            format!("stop {} in {} m{eta}", stop.stop_id, stop.metres)
        }));
    }
    let head = format!("{shipment_id} {}", e.kind.word());
    if about.is_empty() { head } else { format!("{head}: {}", about.join(", ")) }
}

fn eta(at: Option<Timestamp>, sigma: Option<u32>) -> Option<String> {
    Some(format!("{} ±{}", show_time(Timestamp(at?.0 / 1000 * 1000)), sigma?))
}

/// `order 5 hears: delivered 1`.
pub fn update(update: &ShipmentUpdate) -> String {
    let news = match &update.news {
        ShipmentNews::Dispatched => "dispatched".into(),
        ShipmentNews::Delivered { stop_id } => format!("delivered {stop_id}"),
        ShipmentNews::Failed { stop_id, reason } => format!("failed {stop_id}{}", because(reason.as_deref())),
        ShipmentNews::Recalled { reason } => format!("recalled{}", because(reason.as_deref())),
    };
    format!("order {} hears: {news}", update.order_id)
}

fn because(reason: Option<&str>) -> String {
    reason.map_or(String::new(), |reason| format!(" because {reason}"))
}

/// `plan wanted: S-1 #1 from 0 0, 2 stops`.
pub fn wanted(request: &PlanRequest) -> String {
    let stops = request.stops.len();
    let plural = if stops == 1 { "" } else { "s" };
    format!("plan wanted: {} #{} from {}, {stops} stop{plural}", request.shipment_id, request.revision, place(request.start))
}

/// `ping outlier: too_fast`.
pub fn verdict(verdict: &PingVerdict) -> String {
    format!("ping {}: {}", verdict.judgement.word(), verdict.reason)
}

/// `moving at 1500 0, 15.0 m/s to 90°, S-1 next 1 in 1500 m, eta 10:03:20 ±40`; places to ten metres.
pub fn position(p: &VehiclePosition) -> String {
    let mut about = vec![format!("{} at {}", p.motion.word(), place(p.point)), format!("{}.{} m/s", p.speed / 100, p.speed % 100 / 10)];
    if let Some(shipment_id) = &p.shipment_id {
        let next = p.next_stop.as_ref().map(|next| format!(" next {next} in {} m", p.remaining_metres.unwrap_or_default() / 10 * 10));
        about.push(format!("{shipment_id}{}", next.unwrap_or_default()));
    }
    about.extend(eta(p.eta, p.eta_sigma_seconds).map(|eta| format!("eta {eta}")));
    about.join(", ")
}

/// On the map, to ten metres.
fn place(point: Point) -> String {
    let (east, north) = on_map(point);
    let round = |metres: f64| (metres / 10.0).round() as i64 * 10;
    format!("{} {}", round(east), round(north))
}
