//! One vehicle: what becomes of its pings, what it has on board, where that is and when it arrives. Knows orders by
//! messages only, and the planner by what it asks of it.
//!
//! | file | what |
//! | --- | --- |
//! | `vehicle.rs` `shipment.rs` `route.rs` | what is remembered: small with every ping, larger when something happens, never |
//! | `ping.rs` | a ping waits for older ones, is judged, moves the vehicle |
//! | `judge.rs` `smooth.rs` `motion.rs` | believed or not; where it is really; whether it moves |
//! | `dispatch.rs` `proof.rs` `ending.rs` | what the warehouse and the driver say; how a shipment ends |
//! | `follow.rs` `fence.rs` `progress.rs` | what a fix means for a shipment: places, route |
//! | `plan.rs` | asking for a route, and getting it |
//! | `eta.rs` `arrival/` | when it arrives, who hears of it |
//! | `due.rs` | what happens when nothing happens |
//! | `desk.rs` `outbox.rs` | one step in the making |
//! | `geo.rs` `config.rs` `view.rs` | metres; limits; how a query shows a shipment |
//!
//! Every step first does what was due by its own time, so that it is the same whether a timer fired or not.

use schemas::fleet::{FleetCommand, Ping, PingVerdict, ShipmentEvent};
use schemas::message::{FleetMessage, ShipmentUpdate};
use schemas::plan::PlanRequest;

use crate::{Trigger, Verdict};

pub mod arrival;
mod config;
mod desk;
mod dispatch;
mod due;
mod ending;
mod eta;
mod fence;
mod follow;
mod geo;
mod judge;
mod motion;
mod outbox;
mod ping;
mod plan;
mod progress;
mod proof;
mod route;
mod shipment;
mod smooth;
mod vehicle;
mod view;

pub use arrival::Speeds;
pub use config::Config;
pub use route::{MAX_PIECES, Piece};
pub use shipment::Shipment;
pub use vehicle::{MAX_HELD, MAX_SHIPMENTS, Vehicle};
pub use view::{ShipmentView, StopView, WindowView};

use desk::Desk;

/// What can happen to a vehicle.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    Ping(Ping),
    Command(FleetCommand<'a>),
    Message(FleetMessage),
    /// The time that [`Vehicle::due`] named has come.
    Due,
}

/// What a rule wants to know, beside the vehicle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    pub shipments: Vec<Box<str>>,
    /// Pieces of routes, by shipment and number.
    pub pieces: Vec<(Box<str>, u16)>,
    /// What the task has learned of roads.
    pub speeds: bool,
}

/// What is known; fetched before a rule runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// `None` if nothing was ever heard of it.
    pub vehicle: Option<Vehicle>,
    /// As [`Wants::shipments`] names them.
    pub shipments: Vec<Option<Shipment>>,
    /// As [`Wants::pieces`] names them.
    pub pieces: Vec<Option<Piece>>,
    pub speeds: Option<Speeds>,
}

/// What follows from one event.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// `None`: unchanged.
    pub vehicle: Option<Vehicle>,
    /// Those that have changed, by id.
    pub shipments: Vec<(Box<str>, Shipment)>,
    /// Pieces of routes to be kept, or (`None`) deleted, by shipment and number.
    pub pieces: Vec<(Box<str>, u16, Option<Piece>)>,
    /// `None`: unchanged.
    pub speeds: Option<Speeds>,
    /// What [`Vehicle::position`] says has changed.
    pub moved: bool,
    /// One for every ping, when its turn has come.
    pub verdicts: Vec<PingVerdict>,
    /// By shipment.
    pub events: Vec<(Box<str>, ShipmentEvent)>,
    /// To each order's task, in this order.
    pub updates: Vec<ShipmentUpdate>,
    /// Routes that are wanted, or (`None`) not any more, by shipment. At most one is open for a shipment: a new one
    /// takes the place of the old.
    pub requests: Vec<(Box<str>, Option<PlanRequest>)>,
    pub verdict: Verdict,
}

impl Step {
    /// Nothing changes, nothing is said.
    fn nothing(verdict: Verdict) -> Step {
        Step {
            vehicle: None,
            shipments: vec![],
            pieces: vec![],
            speeds: None,
            moved: false,
            verdicts: vec![],
            events: vec![],
            updates: vec![],
            requests: vec![],
            verdict,
        }
    }
}

/// What an event of a vehicle wants to know.
pub fn wants(vehicle: Option<&Vehicle>, event: &Event<'_>) -> Wants {
    let mut wants = Wants::default();
    for (shipment_id, piece) in vehicle.into_iter().flat_map(Vehicle::on_board) {
        wants.shipments.push(shipment_id.into());
        // Where it was last, and where it may be by now.
        wants.pieces.extend(piece.into_iter().flat_map(|at| [at, at.saturating_add(1)]).map(|at| (shipment_id.into(), at)));
    }
    let named = match event {
        Event::Ping(_) | Event::Due => None,
        Event::Command(FleetCommand::Dispatch(dispatch)) => Some(&*dispatch.shipment_id),
        Event::Command(
            FleetCommand::Delivered { shipment_id, .. }
            | FleetCommand::Failed { shipment_id, .. }
            | FleetCommand::Recall { shipment_id, .. },
        ) => Some(&**shipment_id),
        Event::Message(FleetMessage::HandedOver { shipment_id, .. } | FleetMessage::Investigate { shipment_id, .. }) => {
            Some(&**shipment_id)
        }
        Event::Message(FleetMessage::Plan(plan)) => Some(&*plan.shipment_id),
    };
    if let Some(named) = named
        && !wants.shipments.iter().any(|id| **id == *named)
    {
        wants.shipments.push(named.into());
    }
    wants.speeds = !wants.shipments.is_empty();
    wants
}

/// One event of the vehicle `vehicle_id`. `state` is what [`wants`] names.
pub fn apply(config: &Config, vehicle_id: &str, trigger: Trigger, event: Event<'_>, state: State) -> Step {
    let is_timer = event == Event::Due;
    let mut desk = Desk::new(config, vehicle_id, &wants(state.vehicle.as_ref(), &event), state);
    let was_due = due::catch_up(&mut desk, trigger.at);
    let result = match event {
        Event::Ping(ping) => match ping::hear(&mut desk, trigger, &ping) {
            Ok(None) => Ok(Verdict::Applied),
            // Judged as it came: it changes nothing.
            Ok(Some(verdict)) if !was_due => return ping::passed_over(verdict),
            // It is judged by what was due before it, and so must those who hear of both.
            Ok(Some(verdict)) => {
                let kind = ping::kind_of(&verdict);
                desk.out.verdicts.push(verdict);
                return Step { verdict: kind, ..desk.finish(trigger, is_timer) };
            }
            Err(reject) => Err(reject),
        },
        Event::Command(FleetCommand::Dispatch(dispatch)) => dispatch::apply(&mut desk, trigger, &dispatch),
        Event::Command(FleetCommand::Delivered { shipment_id, stop_id }) => proof::delivered(&mut desk, trigger, &shipment_id, &stop_id),
        Event::Command(FleetCommand::Failed { shipment_id, stop_id, reason }) => {
            proof::failed(&mut desk, trigger, &shipment_id, &stop_id, reason)
        }
        Event::Command(FleetCommand::Recall { shipment_id, reason }) => ending::recall(&mut desk, trigger, &shipment_id, reason.as_deref()),
        Event::Message(FleetMessage::HandedOver { shipment_id, order_id }) => {
            Ok(ending::handed_over(&mut desk, trigger, &shipment_id, &order_id))
        }
        Event::Message(FleetMessage::Investigate { shipment_id, order_id, feedback_id, kind }) => {
            Ok(proof::investigate(&mut desk, trigger, &shipment_id, order_id.as_deref(), &feedback_id, kind))
        }
        Event::Message(FleetMessage::Plan(plan)) => Ok(plan::take(&mut desk, &plan, trigger.at)),
        Event::Due => Ok(Verdict::Applied),
    };
    match result.unwrap_or_else(Verdict::Refused) {
        Verdict::Applied => desk.finish(trigger, is_timer),
        // What was due is still due: the next step does it.
        verdict => Step::nothing(verdict),
    }
}
