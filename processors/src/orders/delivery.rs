//! What the vehicle says that has the order on board. Dispatching ships all that is left, the proof of delivery closes the
//! order. Never refused: what cannot be done is `noted` with the reason, and moves nothing.
//!
//! Rules: goods of an order that is not paid stay on the shelf, whatever was dispatched; if it is paid by the time of its
//! delivery, they are shipped then. The last vehicle that was dispatched with it has it; the one before is told. Whose
//! proof comes first, delivers.

use schemas::event::OrderEventKind;
use schemas::message::{FleetMessage, ShipmentNews};
use schemas::{Reason, Reject, ShortText};
use serde::{Deserialize, Serialize};

use super::order::{Carrier, Deferred, Line, MAX_DEFERRED, Order, Status};
use super::outbox::Outbox;
use super::request::{self, Request};
use super::{Config, refuse, ship};
use crate::Verdict;

/// What a vehicle's task said, as it waits for the order's decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct News {
    pub shipment_id: ShortText,
    pub vehicle_id: ShortText,
    pub what: ShipmentNews,
}

/// Takes the news, or lets them wait for the decision.
pub(super) fn hear(
    config: &Config,
    order: &mut Order,
    out: &mut Outbox<'_>,
    shipment_id: &str,
    vehicle_id: &str,
    news: ShipmentNews,
) -> Verdict {
    let news = News { shipment_id: shipment_id.into(), vehicle_id: vehicle_id.into(), what: news };
    if !order.is_undecided() {
        apply(order, out, &news);
        request::apply_deferred(config, order, out);
        return Verdict::Applied;
    }
    if order.deferred.len() == MAX_DEFERRED {
        note(out, &news, Reason::TooManyPending.word());
        return Verdict::Applied;
    }
    if order.status == Status::Unplaced {
        note(out, &news, "shipment_before_order");
    }
    order.deferred.push_back(Deferred { trigger: out.trigger, request: Request::Shipment(news) });
    Verdict::Applied
}

/// The order is decided.
pub(super) fn apply(order: &mut Order, out: &mut Outbox<'_>, news: &News) {
    match &news.what {
        ShipmentNews::Dispatched => {
            take_on_board(order, out, news);
            match ship_rest(order, out) {
                Ok(()) => said(out, OrderEventKind::OutForDelivery, news),
                Err(reject) => note(out, news, reject.reason.word()),
            }
        }
        ShipmentNews::Delivered { .. } => match ship_rest(order, out) {
            Ok(()) => {
                order.delivered = true;
                said(out, OrderEventKind::Delivered, news);
            }
            Err(reject) => note(out, news, reject.reason.word()),
        },
        ShipmentNews::Failed { .. } => note(out, news, "delivery_failed"),
        ShipmentNews::Recalled { .. } => {
            if let Some(carrier) = order.carrier.as_mut().filter(|carrier| carrier.is(news)) {
                carrier.ended = true;
            }
            note(out, news, "recalled");
        }
    }
}

/// The shipment has the order now; the one that had it hears so.
fn take_on_board(order: &mut Order, out: &mut Outbox<'_>, news: &News) {
    let carrier = Carrier { shipment_id: news.shipment_id.clone(), vehicle_id: news.vehicle_id.clone(), ended: false };
    if let Some(before) = order.carrier.replace(carrier)
        && !before.ended
        && !before.is(news)
    {
        let order_id = out.order_id().into();
        out.tell_vehicle(&before.vehicle_id, FleetMessage::HandedOver { shipment_id: before.shipment_id, order_id });
    }
}

/// Ships all that is left of a paid order; what has left the house before stays so.
fn ship_rest(order: &mut Order, out: &mut Outbox<'_>) -> Result<(), Reject> {
    refuse::unless_paid(order)?;
    refuse::if_delivered(order)?;
    if order.all(Line::to_ship) > 0 {
        ship::ship(order, out, &[])?;
    }
    Ok(())
}

fn note(out: &mut Outbox<'_>, news: &News, reason: &'static str) {
    said(out, OrderEventKind::Noted, news);
    if let Some(event) = out.events.last_mut() {
        event.reason = Some(reason.into());
    }
}

fn said(out: &mut Outbox<'_>, kind: OrderEventKind, news: &News) {
    let event = out.event(kind);
    event.shipment_id = Some(news.shipment_id.clone());
    event.vehicle_id = Some(news.vehicle_id.clone());
    match &news.what {
        ShipmentNews::Dispatched => {}
        ShipmentNews::Delivered { stop_id } => event.stop_id = Some(stop_id.clone()),
        ShipmentNews::Failed { stop_id, reason } => {
            event.stop_id = Some(stop_id.clone());
            event.detail.clone_from(reason);
        }
        ShipmentNews::Recalled { reason } => event.detail.clone_from(reason),
    }
}

impl Carrier {
    fn is(&self, news: &News) -> bool {
        self.shipment_id == news.shipment_id && self.vehicle_id == news.vehicle_id
    }
}
