//! One SKU at its places: what is on hand, what is held for whom, what is on its way; every movement with its number
//! and the hash of the one before. Knows orders only by their id.
//!
//! | file | what |
//! | --- | --- |
//! | `level.rs` | the SKU's figures |
//! | `reservation.rs` | what is held of it for one order |
//! | `slot.rs` | where reservations are kept |
//! | `seen.rs` | which restocks and counts came before |
//! | `ledger.rs` | movements: the one place where figures change |
//! | `reserve.rs` `settle.rs` | holds, and how they end |
//! | `restock.rs` `count.rs` | what the warehouse says |
//! | `shortage.rs` | held, but not there |
//! | `changes.rs` | what a step did, as demand wants to know it |

use std::sync::Arc;

use schemas::event::Movement;
use schemas::input::{Count, Restock};
use schemas::message::{StockCommand, StockReply};
use schemas::{ShortText, TopicNames};

use crate::catalogue::{Listing, Terms};
use crate::{Trigger, Verdict};

mod changes;
mod count;
mod ledger;
mod level;
mod reservation;
mod reserve;
mod restock;
mod seen;
mod settle;
mod shortage;
mod slot;

pub use changes::changes;
pub use level::{MAX_LOCATIONS, MAX_ON_HAND, Stock};
pub use reservation::Reservation;
pub use seen::{Seen, seen_ids};
pub use shortage::{MAX_AT_RISK_SCAN, wants_reservations};
pub use slot::{OpenSlot, SLOT_SIZE, Slot};

use ledger::Ledger;

/// What a warehouse may decide about its stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// An order's line may be served from several places if no single one can.
    pub split: bool,
    /// What of the catalogue an order's line must fit.
    pub terms: Terms,
    /// What the input topics are called; movement ids name them.
    pub names: TopicNames,
}

/// What can happen to a SKU.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    Restock(Restock<'a>),
    Count(Count<'a>),
    Command { order_id: &'a str, command: StockCommand },
}

/// What a rule needs to know; fetched before it runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Of the SKU; `None` if nothing was ever heard of it.
    pub stock: Option<Stock>,
    /// Of the SKU and the command's order.
    pub reservation: Option<Reservation>,
    /// What is known of the ids that [`seen_ids`] names, in their order.
    pub seen: [Option<Seen>; 2],
    /// If [`wants_listing`]: the SKU's in the catalogue.
    pub listing: Option<Arc<Listing>>,
    /// If [`wants_reservations`]: open reservations of the SKU by order id, at most [`MAX_AT_RISK_SCAN`].
    pub open: Vec<(ShortText, Reservation)>,
}

/// What follows from one event.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// `None`: unchanged.
    pub stock: Option<Stock>,
    /// `None`: unchanged; `Some(None)`: all its units have ended, delete it.
    pub reservation: Option<Option<Reservation>>,
    /// To be remembered, by id.
    pub seen: Vec<(String, Seen)>,
    pub movements: Vec<Movement>,
    pub reply: Option<StockReply>,
    pub verdict: Verdict,
}

impl Step {
    /// Nothing changes, nothing is said.
    fn nothing(verdict: Verdict) -> Step {
        Step { stock: None, reservation: None, seen: vec![], movements: vec![], reply: None, verdict }
    }
}

/// Whether the event is checked against the catalogue.
pub fn wants_listing(event: &Event<'_>) -> bool {
    matches!(event, Event::Command { command: StockCommand::Reserve { .. }, .. })
}

/// One event of the SKU `sku`.
///
/// Panics on a command that no order may send, such as the release of more than is held: the state is not to be
/// trusted any more.
pub fn apply(config: &Config, sku: &str, trigger: Trigger, event: Event<'_>, state: State) -> Step {
    let ids = seen_ids(&event);
    let State { stock, reservation, seen, listing, open } = state;
    match event {
        Event::Command { order_id, command: StockCommand::Reserve { attempt, quantity, location, quote } } => {
            assert!(reservation.is_none(), "order {order_id} asks for SKU {sku}, attempt {attempt}, and holds it already: {reservation:?}");
            let request = reserve::Request { order_id, attempt, quantity, location: location.as_deref() };
            if let Some(denial) = config.terms.check(listing.as_deref(), quote) {
                return reserve::denied(&request, denial);
            }
            match stock {
                Some(stock) => reserve::apply(config, Ledger::new(config, sku, trigger, stock), &request),
                None => reserve::unknown_sku(&request),
            }
        }
        Event::Command { order_id, command } => {
            let stock = stock.unwrap_or_else(|| panic!("order {order_id} says {command:?} of SKU {sku}, which was never heard of"));
            settle::apply(Ledger::new(config, sku, trigger, stock), order_id, command, reservation)
        }
        Event::Restock(restock) => {
            let ledger = Ledger::new(config, sku, trigger, stock.unwrap_or_else(|| Stock::new(trigger)));
            restock::apply(ledger, &restock, ids, seen, &open).unwrap_or_else(|reject| Step::nothing(Verdict::Refused(reject)))
        }
        Event::Count(count) => {
            let ledger = Ledger::new(config, sku, trigger, stock.unwrap_or_else(|| Stock::new(trigger)));
            count::apply(ledger, &count, ids, seen, &open).unwrap_or_else(|reject| Step::nothing(Verdict::Refused(reject)))
        }
    }
}
