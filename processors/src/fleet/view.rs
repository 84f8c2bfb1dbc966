//! The shipment as a query shows it. A picture for people and programs; no rule reads it.

use schemas::Timestamp;
use serde::Serialize;

use super::shipment::{Outcome, Shipment, Status, Stop};

/// One shipment on one vehicle. Times are RFC 3339.
#[derive(Debug, Serialize)]
pub struct ShipmentView<'a> {
    /// `open`, `completed` or `recalled`.
    pub status: &'static str,
    pub dispatched_at: String,
    pub departed: bool,
    /// Of the last event on `shipment-events`.
    pub seq: u32,
    /// In the order in which they are to be visited; of a shipment that has ended, in the dispatch's.
    pub stops: Vec<StopView<'a>>,
}

#[derive(Debug, Serialize)]
pub struct StopView<'a> {
    pub stop_id: &'a str,
    pub order_id: &'a str,
    /// `open`, `delivered`, `failed` or `recalled`.
    pub state: &'static str,
    /// When that was said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The vehicle was seen there.
    pub visited: bool,
    /// Told to be late, and not recovered.
    pub late: bool,
    /// The arrival that was told last; none once the vehicle has arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta_sigma_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowView>,
}

#[derive(Debug, Serialize)]
pub struct WindowView {
    pub from: String,
    pub to: String,
}

impl Shipment {
    /// For `GET /shipments/{id}`.
    pub fn view(&self) -> ShipmentView<'_> {
        let stops = match self.status {
            Status::Open => self.visits.iter().map(|visit| &self.stops[usize::from(*visit)]).map(stop).collect(),
            Status::Completed | Status::Recalled => self.stops.iter().map(stop).collect(),
        };
        ShipmentView {
            status: self.status.word(),
            dispatched_at: self.dispatched.at.to_string(),
            departed: self.departed,
            seq: self.seq,
            stops,
        }
    }
}

fn stop(stop: &Stop) -> StopView<'_> {
    let (state, at) = match stop.outcome {
        Outcome::Open => ("open", None),
        Outcome::Delivered(proof) => ("delivered", Some(proof.at)),
        Outcome::Failed(proof) => ("failed", Some(proof.at)),
        Outcome::Recalled => ("recalled", None),
    };
    let text = |at: Timestamp| at.to_string();
    let eta = stop.eta.filter(|_| stop.is_open());
    StopView {
        stop_id: &stop.id,
        order_id: &stop.order_id,
        state,
        at: at.map(text),
        visited: stop.visited,
        late: stop.late,
        eta: eta.map(|(at, _)| text(at)),
        eta_sigma_seconds: eta.map(|(_, sigma)| sigma),
        window: stop.window.map(|(from, to)| WindowView { from: text(from), to: text(to) }),
    }
}
