//! The catalogue's rules for one SKU: what its feed says of it, version by version; what customers say of it; and
//! whether an order's line fits it. Part of the stock task, with the same key. Moves no unit.
//!
//! | file | what |
//! | --- | --- |
//! | `listing.rs` | the state of one SKU's listing |
//! | `update.rs` | upsert and withdraw: versions, refusals, what is held back |
//! | `gate.rs` | a price that jumps |
//! | `remarks.rs` | feedback: ratings, complaints that take a listing off sale, requests to count |
//! | `ratings.rs` | stars to figures |
//! | `terms.rs` | an order's line against the listing |
//! | `outbox.rs` | the events of one step |
//!
//! Versions count 1, 2, 3 … per SKU without a gap: each accepted update, each quarantine and each withdrawal is one. An
//! update that names a version (`expected_version`) takes effect only on that; one that names none takes effect on any,
//! but neither lists again what was withdrawn nor releases what is in quarantine: for that somebody must have seen it.

use schemas::feedback::Feedback;
use schemas::product::{ProductCommand, ProductEvent};

use crate::stock::Seen;
use crate::{Trigger, Verdict};

mod gate;
mod listing;
mod outbox;
mod ratings;
mod remarks;
mod terms;
mod update;

pub use listing::{Listing, MAX_COMPLAINTS, MAX_REQUESTS};
pub use ratings::{Ratings, lower_bound_milli};
pub use remarks::{REQUEST_PATIENCE_SECONDS, seen_id};
pub use terms::Terms;

use outbox::Outbox;

/// What a shop may decide about its catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// A price that becomes more than so many percent of what it was, or less than the inverse of that, is held back
    /// until it is confirmed; `None`: no price is. Above 100.
    pub price_jump_percent: Option<u32>,
    /// So many complaints that goods are not as described or counterfeit, within [`Config::complaint_days`], take the
    /// listing off sale; `None`: however many. At most [`MAX_COMPLAINTS`].
    pub complaints: Option<u16>,
    pub complaint_days: u16,
}

impl Default for Config {
    fn default() -> Config {
        Config { price_jump_percent: Some(300), complaints: Some(5), complaint_days: 14 }
    }
}

/// What can happen to a listing.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// `signed`: whoever wrote it has proved who they are.
    Command { command: ProductCommand, signed: bool },
    /// About the product or its stock.
    Feedback(Feedback<'a>),
    /// Somebody counted the SKU there.
    Counted { location: &'a str },
}

/// What a rule needs to know; fetched before it runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// `None` if nothing was ever heard of it.
    pub listing: Option<Listing>,
    /// What is known of the id that [`seen_id`] names.
    pub seen: Option<Seen>,
    /// The SKU was restocked, expected or counted.
    pub stocked: bool,
}

/// What follows from one event.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// `None`: unchanged.
    pub listing: Option<Listing>,
    /// To be remembered, by id.
    pub seen: Option<(String, Seen)>,
    pub events: Vec<ProductEvent>,
    pub verdict: Verdict,
}

/// One event of the SKU whose listing `state` has.
pub fn apply(config: &Config, trigger: Trigger, event: Event<'_>, state: State) -> Step {
    let mut listing = state.listing.unwrap_or_else(|| Listing::new(trigger));
    let mut out = Outbox::new(trigger);
    let mut remembered = None;
    let result = match event {
        Event::Command { command, signed } => Ok(update::apply(config, &mut listing, &mut out, command, signed)),
        Event::Feedback(feedback) => {
            remarks::apply(config, &mut listing, &mut out, &feedback, state.seen.as_ref(), state.stocked).map(|seen| {
                seen.map_or(Verdict::Duplicate, |seen| {
                    remembered = Some(seen);
                    Verdict::Applied
                })
            })
        }
        Event::Counted { location } => Ok(remarks::counted(&mut listing, location)),
    };
    match result.unwrap_or_else(Verdict::Refused) {
        Verdict::Applied => Step { listing: Some(listing), seen: remembered, events: out.events, verdict: Verdict::Applied },
        verdict => Step { listing: None, seen: None, events: vec![], verdict },
    }
}
