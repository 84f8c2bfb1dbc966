//! What somebody reports about the order or its delivery: an event `noted`, once per feedback. It changes nothing else;
//! somebody has to read it.

use schemas::event::OrderEventKind;
use schemas::feedback::{About, Feedback, Remark};
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
    let reason = if feedback.about == About::Delivery { "delivery_feedback" } else { "feedback" };
    let event = out.event(OrderEventKind::Noted);
    event.reason = Some(reason.into());
    event.feedback = Some(Box::new(Remark::from(feedback)));
    Ok(Verdict::Applied)
}
