//! One step in the making: the vehicle, what it has on board, and what is to be said. Decides nothing.

use schemas::Timestamp;
use schemas::fleet::{Motion, ShipmentEvent, ShipmentEventKind};
use schemas::message::ShipmentNews;

use super::outbox::Outbox;
use super::route::Piece;
use super::shipment::Shipment;
use super::vehicle::{Ride, Vehicle};
use super::{Config, Speeds, State, Step, Wants, due};
use crate::{Trigger, Verdict};

pub(super) struct Desk<'a> {
    pub config: &'a Config,
    pub vehicle_id: &'a str,
    /// Without its rides: they are in `cargo`.
    pub vehicle: Vehicle,
    /// The open shipments, in the order of dispatch.
    pub cargo: Vec<Cargo>,
    /// The shipment that the event names, if it is known and not open.
    pub closed: Option<(Box<str>, Shipment)>,
    /// Shipments that have ended in this step.
    pub ended: Vec<(Box<str>, Shipment)>,
    pub speeds: Speeds,
    pub learned: bool,
    pub moved: bool,
    pub out: Outbox,
}

/// One open shipment.
pub(super) struct Cargo {
    pub ride: Ride,
    pub shipment: Shipment,
    /// Pieces of its route that were fetched, by number.
    pub pieces: Vec<(u16, Piece)>,
    pub changed: bool,
}

impl<'a> Desk<'a> {
    pub fn new(config: &'a Config, vehicle_id: &'a str, wants: &Wants, state: State) -> Desk<'a> {
        let State { vehicle, shipments, pieces, speeds } = state;
        let mut vehicle = vehicle.unwrap_or_default();
        let mut fetched: Vec<(&str, Shipment)> = vec![];
        for (id, shipment) in wants.shipments.iter().zip(shipments) {
            fetched.extend(shipment.map(|shipment| (&**id, shipment)));
        }
        let mut fetched_pieces: Vec<(&str, u16, Piece)> = vec![];
        for ((id, number), piece) in wants.pieces.iter().zip(pieces) {
            fetched_pieces.extend(piece.map(|piece| (&**id, *number, piece)));
        }
        let mut fetched = fetched.into_iter().peekable();
        let mut cargo = vec![];
        for ride in std::mem::take(&mut vehicle.rides) {
            // They are wanted in the order of the rides.
            let shipment = fetched.next_if(|(id, _)| **id == *ride.shipment_id);
            let (_, shipment) =
                shipment.unwrap_or_else(|| panic!("vehicle {vehicle_id} has no state of its shipment {}", ride.shipment_id));
            let (own, others) = fetched_pieces.into_iter().partition(|(id, ..)| **id == *ride.shipment_id);
            fetched_pieces = others;
            let own: Vec<(&str, u16, Piece)> = own;
            let pieces = own.into_iter().map(|(_, number, piece)| (number, piece)).collect();
            cargo.push(Cargo { ride, shipment, pieces, changed: false });
        }
        let closed = fetched.next().map(|(id, shipment)| (id.into(), shipment));
        Desk {
            config,
            vehicle_id,
            vehicle,
            cargo,
            closed,
            ended: vec![],
            speeds: speeds.unwrap_or_default(),
            learned: false,
            moved: false,
            out: Outbox::default(),
        }
    }

    pub fn find(&self, shipment_id: &str) -> Option<usize> {
        self.cargo.iter().position(|cargo| *cargo.ride.shipment_id == *shipment_id)
    }

    /// Adds an event of a whole shipment and returns it.
    pub fn event(&mut self, index: usize, trigger: Trigger, kind: ShipmentEventKind) -> &mut ShipmentEvent {
        let cargo = &mut self.cargo[index];
        cargo.changed = true;
        self.out.event(self.vehicle_id, &cargo.ride.shipment_id, &mut cargo.shipment, trigger, kind)
    }

    /// Adds an event of one of its stops and returns it.
    pub fn stop_event(&mut self, index: usize, stop: usize, trigger: Trigger, kind: ShipmentEventKind) -> &mut ShipmentEvent {
        let Cargo { shipment, .. } = &self.cargo[index];
        let (stop_id, order_id) = (shipment.stops[stop].id.clone(), shipment.stops[stop].order_id.clone());
        let event = self.event(index, trigger, kind);
        event.stop_id = Some(stop_id);
        event.order_ids = vec![order_id];
        event
    }

    /// Tells one order.
    pub fn update(&mut self, index: usize, order_id: &str, trigger: Trigger, news: ShipmentNews) {
        self.out.update(self.vehicle_id, &self.cargo[index].ride.shipment_id, order_id, trigger, news);
    }

    /// When the vehicle's last accepted fix was heard, by the record's time.
    pub fn last_heard(&self) -> Option<Timestamp> {
        self.vehicle.last.map(|fix| fix.heard.at)
    }

    /// It is known where the vehicle is.
    pub fn is_heard(&self) -> bool {
        self.vehicle.motion != Motion::Silent
    }

    /// What goes with an event that the last accepted fix shows: its own time, not the record's.
    pub fn fix_trigger(&self) -> Option<Trigger> {
        self.vehicle.last.map(|fix| Trigger { at: fix.time, cause: fix.heard.cause })
    }

    pub fn finish(mut self, trigger: Trigger, is_timer: bool) -> Step {
        let next = due::next(&self).map(|(at, _)| Trigger { at, ..trigger });
        let armed = &mut self.vehicle.armed;
        if is_timer || next.is_some_and(|next| armed.is_none_or(|armed| next.at < armed.at)) {
            *armed = next;
        }
        let mut shipments = vec![];
        for Cargo { ride, shipment, changed, .. } in self.cargo {
            if changed {
                shipments.push((ride.shipment_id.clone(), shipment));
            }
            self.vehicle.rides.push(ride);
        }
        shipments.extend(self.ended);
        shipments.extend(self.closed);
        Step {
            vehicle: Some(self.vehicle),
            shipments,
            pieces: self.out.pieces,
            speeds: self.learned.then_some(self.speeds),
            moved: self.moved,
            verdicts: self.out.verdicts,
            events: self.out.events,
            updates: self.out.updates,
            requests: self.out.requests,
            verdict: Verdict::Applied,
        }
    }
}
