//! Feedback about a product or its stock: ratings, complaints that take a listing off sale, requests to count.
//!
//! A request to count is an event of the product and not a movement: nothing has moved, and the movements' numbers,
//! hashes and figures are about what has. The count that answers it is a movement like any other.

use schemas::feedback::{About, Feedback, Remark};
use schemas::product::{CountRequest, ProductEventKind};
use schemas::{Reason, Reject};

use super::Config;
use super::listing::{Complaint, Listing, MAX_REQUESTS, Request, Standing};
use super::outbox::Outbox;
use crate::Verdict;
use crate::fingerprint::Fields;
use crate::stock::Seen;

/// After so long without a count, a further report asks for it again: a week.
pub const REQUEST_PATIENCE_SECONDS: i64 = 7 * 86_400;
const DAY_SECONDS: i64 = 86_400;

/// Kinds that say that the goods are not what the listing promises.
const COMPLAINTS: [&str; 2] = ["not_as_described", "counterfeit"];
/// Kinds that say that the books may be wrong.
const DOUBTS: [&str; 2] = ["missing", "out_of_stock"];

/// Under which id of its SKU the store knows this feedback.
pub fn seen_id(feedback: &Feedback<'_>) -> String {
    format!("feedback|{}", feedback.feedback_id)
}

/// What is to be remembered; `None`: it came before.
pub(super) fn apply(
    config: &Config,
    listing: &mut Listing,
    out: &mut Outbox,
    feedback: &Feedback<'_>,
    before: Option<&Seen>,
    stocked: bool,
) -> Result<Option<(String, Seen)>, Reject> {
    if !stocked && listing.version == 0 {
        return Err(Reject::new(Reason::UnknownSku, format!("SKU `{}` is neither in the catalogue nor was it ever in stock", feedback.id)));
    }
    let seen = Seen::feedback(feedback);
    if seen.is_duplicate_of(before)? {
        return Ok(None);
    }
    if feedback.about == About::Stock {
        doubt(listing, out, feedback);
    } else {
        judge(config, listing, out, feedback);
    }
    Ok(Some((seen_id(feedback), seen)))
}

/// About the product.
fn judge(config: &Config, listing: &mut Listing, out: &mut Outbox, feedback: &Feedback<'_>) {
    let remark = Some(Box::new(Remark::from(feedback)));
    if let Some(stars) = feedback.rating {
        listing.ratings.add(stars);
        listing.changed = out.trigger;
        let ratings = listing.ratings.figures();
        let event = out.event(listing, ProductEventKind::Rated, None);
        (event.ratings, event.feedback) = (ratings, remark);
    } else {
        out.event(listing, ProductEventKind::Noted, None).feedback = remark;
    }
    let is_complaint = COMPLAINTS.contains(&&*feedback.kind);
    if let Some(most) = config.complaints
        && is_complaint
        && listing.standing == Standing::Listed
    {
        complain(listing, out, feedback, config.complaint_days);
        if listing.complaints.len() >= usize::from(most.clamp(1, super::MAX_COMPLAINTS)) {
            listing.standing = Standing::Quarantined;
            listing.complaints.clear();
            out.event(listing, ProductEventKind::Quarantined, Some(String::from(&*feedback.kind).into()));
        }
    }
}

/// Remembers the complaint and forgets what is before the window that ends with the latest.
fn complain(listing: &mut Listing, out: &Outbox, feedback: &Feedback<'_>, days: u16) {
    let at = out.trigger.at;
    let order = feedback.order_id.as_deref().map(|id| Fields::new().text(Some(id)).finish());
    let complaints = &mut listing.complaints;
    if order.is_none() || complaints.iter().all(|other| other.order != order) {
        let place = complaints.partition_point(|other| other.at <= at);
        complaints.insert(place, Complaint { at, order });
    }
    let latest = complaints.last().map_or(at, |last| last.at);
    let begin = latest.plus_seconds(-i64::from(days) * DAY_SECONDS);
    complaints.retain(|complaint| complaint.at > begin);
}

/// About the stock.
fn doubt(listing: &mut Listing, out: &mut Outbox, feedback: &Feedback<'_>) {
    let (at, location) = (out.trigger.at, feedback.location.as_deref());
    let mut kind = ProductEventKind::Noted;
    let mut request = None;
    if DOUBTS.contains(&&*feedback.kind) {
        let open = listing.requests.iter().position(|request| request.location.as_deref() == location);
        let reports = match open {
            Some(index) => {
                let request = &mut listing.requests[index];
                request.reports = request.reports.saturating_add(1);
                if at >= request.since.plus_seconds(REQUEST_PATIENCE_SECONDS) {
                    kind = ProductEventKind::CountRequested;
                    request.since = at;
                }
                Some(request.reports)
            }
            None if listing.requests.len() < MAX_REQUESTS => {
                kind = ProductEventKind::CountRequested;
                listing.requests.push(Request { location: location.map(Into::into), since: at, reports: 1 });
                Some(1)
            }
            None => None,
        };
        request = reports.map(|reports| CountRequest { location: location.map(Into::into), reports });
    }
    let event = out.event(listing, kind, Some(String::from(&*feedback.kind).into()));
    event.request = request;
    event.feedback = Some(Box::new(Remark::from(feedback)));
}

/// Whoever counts at a place answers the request for it, and the one that named none.
pub(super) fn counted(listing: &mut Listing, location: &str) -> Verdict {
    let before = listing.requests.len();
    listing.requests.retain(|request| request.location.as_deref().is_some_and(|other| other != location));
    if listing.requests.len() == before { Verdict::Duplicate } else { Verdict::Applied }
}
