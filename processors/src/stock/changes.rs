//! What a step did at each place, as the demand rules want to know it. Decides nothing.

use schemas::event::{Movement, MovementKind};

use super::level::{Place, Stock};
use crate::demand::{Change, Figures, Row};

/// One change per place whose figures differ or where orders took or brought back units; sorted by place.
pub fn changes<'a>(before: Option<&Stock>, after: &'a Stock, movements: &[Movement]) -> Vec<Change<'a>> {
    let moved = |place: &Place, kind: MovementKind| {
        let here = movements.iter().filter(|m| m.kind == kind && m.location == place.name);
        here.map(|m| m.quantity).sum::<i64>()
    };
    let change = |place: &'a Place| {
        let known = before.and_then(|stock| Some(&stock.places[stock.find(&place.name)?]));
        let change = Change {
            location: &place.name,
            sold: moved(place, MovementKind::Sold),
            returned: moved(place, MovementKind::Returned),
            before: known.map(Place::figures).unwrap_or_default(),
            after: place.figures(),
        };
        let is_one = known.is_none() || change.before != change.after || change.sold != 0 || change.returned != 0;
        is_one.then_some(change)
    };
    after.places.iter().filter_map(change).collect()
}

impl Stock {
    /// What is at each place.
    pub fn rows(&self) -> Vec<Row<'_>> {
        self.places.iter().map(|place| Row { location: &place.name, figures: place.figures() }).collect()
    }
}

impl Place {
    fn figures(&self) -> Figures {
        Figures { available: self.available(), incoming: self.incoming }
    }
}
