//! What must hold of the fleet's output whatever came in: written from the contract, not from the rules' code.

use std::collections::{BTreeMap, BTreeSet};

use schemas::Timestamp;
use schemas::fleet::{Judgement, ShipmentEvent, ShipmentEventKind};

use super::World;

/// What was told of one shipment on one vehicle.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that was told or not")]
struct Told {
    seq: u32,
    at: Option<Timestamp>,
    departed: bool,
    inside: BTreeSet<String>,
    silent: bool,
    off_route: bool,
    ended: bool,
    recalled: bool,
}

impl World {
    /// Panics on the first contradiction.
    pub(super) fn check(&self) {
        for (id, verdicts) in &self.verdicts {
            let mut causes = BTreeSet::new();
            let mut last = None;
            for verdict in verdicts {
                assert!(causes.insert(verdict.cause.offset), "two verdicts for one ping: {verdict:?}");
                if verdict.judgement == Judgement::Accepted {
                    assert!(last < Some(verdict.fix_time), "vehicle {id} goes back in time: {verdict:?}");
                    last = Some(verdict.fix_time);
                }
            }
        }
        for (id, pings) in &self.pings {
            let judged = self.verdicts.get(id).map_or(0, Vec::len);
            let waiting = self.vehicle(id).map_or(0, |vehicle| vehicle.waiting());
            assert_eq!(*pings, judged + waiting, "every ping of {id} has one verdict, or waits for it");
        }
        let mut told: BTreeMap<(&str, &str), Told> = BTreeMap::new();
        for (shipment_id, event) in &self.events {
            told.entry((&event.vehicle_id, shipment_id)).or_default().hear(event);
        }
        for ((vehicle_id, shipment_id), told) in &told {
            let vehicle = self.vehicle(vehicle_id).expect("who says something is known");
            let on_board = vehicle.on_board().any(|(id, _)| id == *shipment_id);
            assert!(on_board || told.ended, "shipment {shipment_id} has no end and is not on board of {vehicle_id}");
            if !on_board {
                assert_eq!(self.pieces_of(vehicle_id, shipment_id), 0, "pieces of a route are left of {shipment_id}");
                let wanted = self.requests.contains_key(&((*vehicle_id).into(), (*shipment_id).into()));
                assert!(!wanted, "a plan is wanted for {shipment_id}, which has ended");
            }
        }
    }
}

impl Told {
    fn hear(&mut self, event: &ShipmentEvent) {
        use ShipmentEventKind as Kind;
        self.seq += 1;
        assert_eq!(event.seq, self.seq, "event number: {event:?}");
        assert!(self.at <= Some(event.at), "event time runs backwards: {event:?}");
        self.at = Some(event.at);
        assert!(!event.order_ids.is_empty(), "{event:?} is of no order");
        if self.ended && event.kind != Kind::Investigated {
            assert!(self.recalled, "a completed shipment says no more: {event:?}");
            // Called back and sent again.
            *self = Told { seq: self.seq, at: self.at, ..Told::default() };
        }
        let stop = event.stop_id.as_deref().unwrap_or_default();
        match event.kind {
            Kind::Departed => assert!(!std::mem::replace(&mut self.departed, true), "departed twice: {event:?}"),
            Kind::Arrived => {
                assert!(self.departed, "arrived before it departed: {event:?}");
                assert!(self.inside.insert(stop.into()), "arrived twice: {event:?}");
            }
            Kind::Left => assert!(self.inside.remove(stop), "left where it was not: {event:?}"),
            Kind::Silent => assert!(!std::mem::replace(&mut self.silent, true), "silent twice: {event:?}"),
            Kind::Resumed => assert!(std::mem::replace(&mut self.silent, false), "resumed and was not silent: {event:?}"),
            Kind::OffRoute => assert!(!std::mem::replace(&mut self.off_route, true), "off route twice: {event:?}"),
            Kind::BackOnRoute => assert!(std::mem::replace(&mut self.off_route, false), "back and was not off: {event:?}"),
            Kind::Completed => self.end(event, false),
            Kind::Recalled if event.stop_id.is_none() => self.end(event, true),
            Kind::Planned
            | Kind::Approaching
            | Kind::Delivered
            | Kind::Failed
            | Kind::EtaChanged
            | Kind::Late
            | Kind::Overspeed
            | Kind::Recalled
            | Kind::Investigated => {}
        }
    }

    fn end(&mut self, event: &ShipmentEvent, recalled: bool) {
        assert!(self.inside.is_empty(), "it ends inside stops {:?}: {event:?}", self.inside);
        (self.ended, self.recalled) = (true, recalled);
    }
}
