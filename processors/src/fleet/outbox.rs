//! What one step says, in the making. Decides nothing.

use schemas::fleet::{Judgement, PingVerdict, ShipmentEvent, ShipmentEventKind};
use schemas::message::{ShipmentNews, ShipmentUpdate};
use schemas::plan::PlanRequest;

use super::route::Piece;
use super::shipment::Shipment;
use super::vehicle::Reading;
use crate::Trigger;

#[derive(Debug, Default)]
pub(super) struct Outbox {
    pub verdicts: Vec<PingVerdict>,
    /// By shipment.
    pub events: Vec<(Box<str>, ShipmentEvent)>,
    pub updates: Vec<ShipmentUpdate>,
    /// By shipment; `None`: what was asked is not wanted any more.
    pub requests: Vec<(Box<str>, Option<PlanRequest>)>,
    /// By shipment and number; `None`: not needed any more.
    pub pieces: Vec<(Box<str>, u16, Option<Piece>)>,
}

impl Outbox {
    pub fn verdict(&mut self, (judgement, reason): (Judgement, &'static str), reading: &Reading, heard: Trigger) {
        let Trigger { at, cause } = heard;
        self.verdicts.push(PingVerdict { judgement, reason, fix_time: reading.fix_time, at, cause });
    }

    /// Adds an event of the whole shipment and returns it, for what is special about its kind. Its time is never before
    /// that of the last one.
    pub fn event(
        &mut self,
        vehicle_id: &str,
        shipment_id: &str,
        shipment: &mut Shipment,
        trigger: Trigger,
        kind: ShipmentEventKind,
    ) -> &mut ShipmentEvent {
        shipment.seq += 1;
        shipment.told_at = shipment.told_at.max(trigger.at);
        let event = ShipmentEvent {
            kind,
            seq: shipment.seq,
            at: shipment.told_at,
            cause: trigger.cause,
            vehicle_id: vehicle_id.into(),
            order_ids: shipment.orders(|_| true),
            stop_id: None,
            eta: None,
            eta_sigma_seconds: None,
            reason: None,
            since: None,
            dwell_seconds: None,
            distance_metres: None,
            speed: None,
            plan: None,
            feedback_id: None,
        };
        self.events.push((shipment_id.into(), event));
        // It has just been pushed.
        &mut self.events.last_mut().expect("an event").1
    }

    pub fn update(&mut self, vehicle_id: &str, shipment_id: &str, order_id: &str, trigger: Trigger, news: ShipmentNews) {
        let Trigger { at, cause } = trigger;
        self.updates.push(ShipmentUpdate {
            order_id: order_id.into(),
            shipment_id: shipment_id.into(),
            vehicle_id: vehicle_id.into(),
            news,
            at,
            cause,
        });
    }
}
