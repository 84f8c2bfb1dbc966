//! A tiny engine over the fleet's rules, for tests: one thread, no log, time under control. It fires due timers, keeps
//! every state as bytes between two steps, remembers which plans are wanted, and checks the books after each step.

mod check;

use std::collections::BTreeMap;

use schemas::fleet::{FleetCommand, Ping, PingVerdict, ShipmentEvent, VehiclePosition};
use schemas::message::{FleetMessage, ShipmentUpdate};
use schemas::plan::PlanRequest;
use schemas::{Cause, Reject, Source, Timestamp};
use waybill_processors::fleet::{self, Config, Event, MAX_HELD, Piece, Shipment, Speeds, State, Vehicle};
use waybill_processors::{Trigger, Verdict};

/// The topics that tests read from.
pub const PINGS: Source = Source::GpsPings;
pub const DISPATCHES: Source = Source::Dispatches;

/// Most bytes of a vehicle that has nothing on board.
pub const MAX_EMPTY_VEHICLE_BYTES: usize = 400;

/// What a step says, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    Verdict(PingVerdict),
    /// By shipment.
    Event(String, Box<ShipmentEvent>),
    Update(ShipmentUpdate),
    PlanWanted(PlanRequest),
    DeadLetter(Reject),
    Duplicate,
}

pub struct World {
    pub config: Config,
    /// Timers fire after the record that moves the clock beyond them, not before it.
    pub late_timers: bool,
    vehicles: BTreeMap<String, Vec<u8>>,
    /// By vehicle and shipment.
    shipments: BTreeMap<(String, String), Vec<u8>>,
    pieces: BTreeMap<(String, String, u16), Vec<u8>>,
    speeds: Option<Vec<u8>>,
    /// Plans that are wanted, by vehicle and shipment.
    pub requests: BTreeMap<(String, String), PlanRequest>,
    clock: Timestamp,
    offsets: i64,
    outputs: Vec<Output>,
    /// Every ping that was taken, by vehicle.
    pub pings: BTreeMap<String, usize>,
    /// Every verdict so far, by vehicle.
    pub verdicts: BTreeMap<String, Vec<PingVerdict>>,
    /// Every event so far, by shipment.
    pub events: Vec<(String, ShipmentEvent)>,
}

impl World {
    pub fn new() -> World {
        World {
            config: Config::default(),
            late_timers: false,
            vehicles: BTreeMap::new(),
            shipments: BTreeMap::new(),
            pieces: BTreeMap::new(),
            speeds: None,
            requests: BTreeMap::new(),
            clock: Timestamp(i64::MIN),
            offsets: 0,
            outputs: vec![],
            pings: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            events: vec![],
        }
    }

    pub fn vehicle(&self, id: &str) -> Option<Vehicle> {
        self.vehicles.get(id).map(|bytes| Vehicle::decode(bytes).expect("a vehicle decodes"))
    }

    pub fn position(&self, id: &str) -> Option<VehiclePosition> {
        self.vehicle(id)?.position()
    }

    pub fn pieces_of(&self, vehicle_id: &str, shipment_id: &str) -> usize {
        self.pieces.keys().filter(|(vehicle, shipment, _)| vehicle == vehicle_id && shipment == shipment_id).count()
    }

    pub fn ping(&mut self, vehicle_id: &str, at: Timestamp, ping: Ping) -> Vec<Output> {
        self.record(vehicle_id, at, PINGS, Event::Ping(ping))
    }

    pub fn command(&mut self, vehicle_id: &str, at: Timestamp, command: FleetCommand<'_>) -> Vec<Output> {
        self.record(vehicle_id, at, DISPATCHES, Event::Command(command))
    }

    pub fn message(&mut self, vehicle_id: &str, at: Timestamp, message: FleetMessage) -> Vec<Output> {
        self.record(vehicle_id, at, DISPATCHES, Event::Message(message))
    }

    /// Time passes and nothing else.
    pub fn tick(&mut self, at: Timestamp) -> Vec<Output> {
        self.fire_timers(at);
        self.finish()
    }

    fn record(&mut self, vehicle_id: &str, at: Timestamp, source: Source, event: Event<'_>) -> Vec<Output> {
        if !self.late_timers {
            self.fire_timers(at);
        }
        let trigger = Trigger { at, cause: Cause { source, partition: 0, offset: self.offsets } };
        self.offsets += 1;
        let is_ping = matches!(event, Event::Ping(_));
        let is_message = matches!(event, Event::Message(_));
        let verdict = self.tell(vehicle_id, trigger, event);
        let refused = matches!(verdict, Verdict::Refused(_));
        *self.pings.entry(vehicle_id.into()).or_default() += usize::from(is_ping && !refused);
        match verdict {
            Verdict::Applied => {}
            // A ping's own verdict says it.
            Verdict::Duplicate if is_ping => {}
            Verdict::Duplicate => self.outputs.push(Output::Duplicate),
            Verdict::Refused(reject) => {
                assert!(!is_message, "a message is never refused: {reject}");
                self.outputs.push(Output::DeadLetter(reject));
            }
        }
        if !self.late_timers {
            self.fire_timers(at);
        }
        self.finish()
    }

    fn finish(&mut self) -> Vec<Output> {
        self.check();
        std::mem::take(&mut self.outputs)
    }

    /// Moves the clock and fires what is due, by time and vehicle.
    fn fire_timers(&mut self, at: Timestamp) {
        self.clock = self.clock.max(at);
        loop {
            let due = self.vehicles.keys().filter_map(|id| Some((self.vehicle(id)?.due()?, id.clone()))).min();
            let Some((due, id)) = due.filter(|(due, _)| *due <= self.clock) else { return };
            let cause = self.vehicle(&id).and_then(|vehicle| vehicle.cause()).expect("who has a timer has a cause");
            let verdict = self.tell(&id, Trigger { at: due, cause }, Event::Due);
            assert_eq!(verdict, Verdict::Applied);
            let again = self.vehicle(&id).and_then(|vehicle| vehicle.due());
            assert_ne!(again, Some(due), "the timer of vehicle {id} has fired and is still due");
        }
    }

    fn tell(&mut self, id: &str, trigger: Trigger, event: Event<'_>) -> Verdict {
        let vehicle = self.vehicle(id);
        let wants = fleet::wants(vehicle.as_ref(), &event);
        let state = State {
            shipments: wants
                .shipments
                .iter()
                .map(|shipment| self.shipments.get(&(id.into(), shipment.to_string())))
                .map(|bytes| bytes.map(|bytes| Shipment::decode(bytes).expect("a shipment decodes")))
                .collect(),
            pieces: wants
                .pieces
                .iter()
                .map(|(shipment, number)| self.pieces.get(&(id.into(), shipment.to_string(), *number)))
                .map(|bytes| bytes.map(|bytes| Piece::decode(bytes).expect("a piece decodes")))
                .collect(),
            speeds: self.speeds.as_ref().filter(|_| wants.speeds).map(|bytes| Speeds::decode(bytes).expect("speeds decode")),
            vehicle,
        };
        let step = fleet::apply(&self.config, id, trigger, event, state);
        if step.verdict != Verdict::Applied {
            let silent = step.events.is_empty() && step.updates.is_empty() && step.requests.is_empty() && step.pieces.is_empty();
            let unchanged = step.vehicle.is_none() && step.shipments.is_empty() && step.speeds.is_none() && !step.moved;
            assert!(silent && unchanged, "what is not applied changes nothing: {step:?}");
        }
        let before = self.position(id);
        if let Some(vehicle) = step.vehicle {
            let bytes = bytes(|out| vehicle.encode(out));
            let empty = vehicle.on_board().next().is_none();
            assert!(!empty || bytes.len() <= MAX_EMPTY_VEHICLE_BYTES, "{} bytes of {vehicle:?}", bytes.len());
            assert!(vehicle.waiting() <= MAX_HELD);
            self.vehicles.insert(id.into(), bytes);
            assert_eq!(self.vehicle(id), Some(vehicle), "what is written is what is read");
        }
        assert!(step.moved || self.position(id) == before, "vehicle {id} has moved and does not say so");
        for (shipment_id, shipment) in step.shipments {
            let bytes = bytes(|out| shipment.encode(out));
            assert_eq!(Shipment::decode(&bytes), Ok(shipment), "what is written is what is read");
            self.shipments.insert((id.into(), shipment_id.into()), bytes);
        }
        for (shipment_id, number, piece) in step.pieces {
            let key = (id.to_owned(), shipment_id.to_string(), number);
            match piece {
                Some(piece) => drop(self.pieces.insert(key, bytes(|out| piece.encode(out)))),
                None => drop(self.pieces.remove(&key)),
            }
        }
        if let Some(speeds) = step.speeds {
            self.speeds = Some(bytes(|out| speeds.encode(out)));
        }
        for verdict in step.verdicts {
            self.verdicts.entry(id.into()).or_default().push(verdict);
            self.outputs.push(Output::Verdict(verdict));
        }
        for (shipment_id, event) in step.events {
            assert_eq!(*event.vehicle_id, *id);
            self.events.push((shipment_id.to_string(), event.clone()));
            self.outputs.push(Output::Event(shipment_id.into(), Box::new(event)));
        }
        self.outputs.extend(step.updates.into_iter().map(Output::Update));
        for (shipment_id, request) in step.requests {
            let key = (id.to_owned(), shipment_id.to_string());
            match request {
                Some(request) => {
                    self.requests.insert(key, request.clone());
                    self.outputs.push(Output::PlanWanted(request));
                }
                None => drop(self.requests.remove(&key)),
            }
        }
        step.verdict
    }
}

fn bytes(encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = vec![];
    encode(&mut out);
    out
}
