//! A count: what somebody saw on the shelf. An observation, then exactly one adjustment of the books to it.

use schemas::event::MovementKind;
use schemas::input::Count;
use schemas::{Reject, ShortText};

use super::ledger::Ledger;
use super::reservation::Reservation;
use super::seen::Seen;
use super::{Step, shortage};
use crate::Verdict;

pub(super) fn apply(
    mut ledger: Ledger<'_>,
    count: &Count<'_>,
    [id, _]: [Option<String>; 2],
    [before, _]: [Option<Seen>; 2],
    open: &[(ShortText, Reservation)],
) -> Result<Step, Reject> {
    let own = Seen::count(count);
    if own.is_duplicate_of(before.as_ref())? {
        return Ok(Step::nothing(Verdict::Duplicate));
    }
    let place = ledger.stock.find_or_add(&count.location)?;
    let variance = count.counted - ledger.stock.places[place].on_hand;
    ledger.record(MovementKind::Counted, place, variance, None);
    ledger.record(MovementKind::Adjusted, place, variance, None);
    shortage::report(&mut ledger, place, open);
    Ok(Step { seen: id.into_iter().zip([own]).collect(), ..ledger.finish() })
}
