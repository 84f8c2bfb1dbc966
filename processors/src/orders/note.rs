//! What somebody reports about the order or its delivery: an event `noted`, once per feedback. It changes nothing else.
//! A report about a delivery is passed on to the vehicle that has the order or had it last, which says what it knows.

use schemas::event::OrderEventKind;
use schemas::feedback::{About, Feedback, Remark};
use schemas::message::FleetMessage;
use schemas::{Reason, Reject};

use super::order::{MAX_NOTES, Note, Order};
use super::outbox::Outbox;
use crate::Verdict;
use crate::fingerprint::{Fields, Fingerprint};

pub(super) fn apply(order: &mut Order, out: &mut Outbox<'_>, feedback: &Feedback<'_>) -> Result<Verdict, Reject> {
    if order.placed.is_none() {
        return Err(Reject::new(Reason::UnknownOrder, "no order with this id was placed"));
    }
    let note = Note { id: Fields::new().text(Some(&feedback.feedback_id)).finish(), said: Fingerprint::of_feedback(feedback) };
    match order.notes.iter().find(|before| before.id == note.id) {
        Some(before) if before.said == note.said => return Ok(Verdict::Duplicate),
        Some(_) => {
            let message = format!("feedback `{}` came before with another content, which stands", feedback.feedback_id);
            return Err(Reject::new(Reason::ConflictingDuplicate, message));
        }
        None => {}
    }
    if order.notes.len() == MAX_NOTES {
        return Err(Reject::new(Reason::TooManyPending, format!("the order has {MAX_NOTES} notes already")));
    }
    order.notes.push(note);
    // Whichever shipment the report names: only the last is known, and whose goods they were knows the order.
    let carrier = order.carrier.as_ref().filter(|_| feedback.about == About::Delivery);
    if let Some(carrier) = carrier {
        let investigate = FleetMessage::Investigate {
            shipment_id: carrier.shipment_id.clone(),
            order_id: Some(out.order_id().into()),
            feedback_id: (*feedback.feedback_id).into(),
            kind: (*feedback.kind).into(),
        };
        out.tell_vehicle(&carrier.vehicle_id, investigate);
    }
    let event = out.event(OrderEventKind::Noted);
    event.reason = Some(if feedback.about == About::Delivery { "delivery_feedback" } else { "feedback" }.into());
    event.feedback = Some(Box::new(Remark::from(feedback)));
    event.shipment_id = carrier.map(|carrier| carrier.shipment_id.clone());
    event.vehicle_id = carrier.map(|carrier| carrier.vehicle_id.clone());
    Ok(Verdict::Applied)
}
