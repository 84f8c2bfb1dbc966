//! Small things that every check uses: coordinates, ids as numbers, and sums of units that fit into 64 bits.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::{Add, AddAssign, Sub, SubAssign};

use rustc_hash::FxHashMap;
use string_interner::backend::StringBackend;
use string_interner::symbol::SymbolU32;
use string_interner::{StringInterner, Symbol};

use crate::Options;
use crate::names::Names;
use crate::report::{Counts, Kind, Report, Violation};
use crate::sku::clean;

/// A topic by its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Topic {
    Orders,
    Payments,
    Restocks,
    StockCounts,
    Products,
    Feedback,
    Dispatches,
    GpsPings,
    OrderEvents,
    ProductEvents,
    StockMovements,
    StockLevels,
    ProductCatalog,
    LowStockAlerts,
    Forecasts,
    ShipmentEvents,
    VehiclePositions,
    PingVerdicts,
    DeadLetters,
}

impl Topic {
    pub fn is_input(self) -> bool {
        (self as u8) <= Topic::GpsPings as u8
    }
}

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At {
    pub topic: Topic,
    pub partition: i32,
    pub offset: i64,
}

/// The report in the making.
pub(crate) struct Findings {
    pub names: Names,
    pub options: Options,
    pub report: Report,
    /// The largest record timestamp of the input topics, and of the output topics.
    newest: [i64; 2],
}

impl Findings {
    pub fn new(names: Names, options: Options) -> Findings {
        Findings { names, options, report: Report::default(), newest: [i64::MIN; 2] }
    }

    pub fn add(&mut self, kind: Kind, at: At, message: String) {
        *self.report.by_kind.entry(kind).or_default() += 1;
        if self.report.violations.len() < self.options.keep {
            let topic = self.names.of(at.topic).to_owned();
            self.report.violations.push(Violation { kind, topic, partition: at.partition, offset: at.offset, message });
        }
    }

    pub fn counts(&mut self) -> &mut Counts {
        &mut self.report.counts
    }

    pub fn saw(&mut self, topic: Topic, timestamp: i64) {
        let newest = &mut self.newest[usize::from(topic.is_input())];
        *newest = timestamp.max(*newest);
    }

    /// What belongs to a record of this age may still be on its way. Never so for a complete log. Inputs are compared
    /// with inputs and outputs with outputs: a replay of old orders has old inputs and new outputs.
    pub fn in_flight(&self, topic: Topic, timestamp: i64) -> bool {
        let newest = self.newest[usize::from(topic.is_input())];
        !self.options.complete && timestamp.saturating_add(self.options.in_flight_ms) >= newest
    }
}

/// Texts as small numbers, each text stored once.
#[derive(Default)]
pub(crate) struct Ids(StringInterner<StringBackend<SymbolU32>>);

impl Ids {
    pub fn number(&mut self, text: &str) -> u32 {
        self.0.get_or_intern(text).to_usize() as u32
    }

    pub fn text(&self, number: u32) -> &str {
        SymbolU32::try_from_usize(number as usize).and_then(|symbol| self.0.resolve(symbol)).unwrap_or("?")
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// The kinds of ids.
#[derive(Default)]
pub(crate) struct Registry {
    pub orders: Ids,
    /// As they are written; see [`crate::sku::clean`] for what two spellings have in common.
    pub skus: Ids,
    pub locations: Ids,
    pub vehicles: Ids,
    pub shipments: Ids,
    pub stops: Ids,
    pub rides: Rides,
}

/// Pairs of shipment and vehicle as small numbers.
#[derive(Default)]
pub(crate) struct Rides {
    numbers: FxHashMap<(u32, u32), u32>,
    pairs: Vec<(u32, u32)>,
}

impl Rides {
    pub fn number(&mut self, shipment: u32, vehicle: u32) -> u32 {
        let new = self.pairs.len() as u32;
        let number = *self.numbers.entry((shipment, vehicle)).or_insert(new);
        if number == new {
            self.pairs.push((shipment, vehicle));
        }
        number
    }

    /// Shipment and vehicle.
    pub fn pair(&self, number: u32) -> (u32, u32) {
        self.pairs.get(number as usize).copied().unwrap_or((u32::MAX, u32::MAX))
    }
}

impl Registry {
    /// The number of the SKU that is meant, however it is spelled.
    pub fn sku(&mut self, written: &str) -> u32 {
        self.skus.number(&clean(written))
    }
}

/// A sum of quantities over things, squeezed into 64 bits: each thing has a fixed random odd weight, and quantities
/// are added as multiples of it. Two different sums of things agree with a chance of about 2⁻⁶⁴, in whatever order
/// they were added up. This keeps an order's balance at eight bytes, however many lines it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Units(u64);

impl Units {
    pub const NONE: Units = Units(0);

    /// `quantity` of the thing (`a`, `b`) in the role `role`.
    pub fn of(quantity: i64, role: Role, a: u32, b: u32) -> Units {
        Units((quantity as u64).wrapping_mul(weight(role, a, b)))
    }
}

/// The same pair of ids weighs differently in another role.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    /// (SKU, location): a place in the stock.
    Row = 1,
    /// (SKU, 0): a line that was asked for.
    Line,
    /// (SKU, 0): a unit that has to come back to a shelf.
    Back,
    /// (kind of movement, location): what a restock or count has to do.
    Effect,
    /// (order, 0): an order that has to hear of its shipment.
    Told,
}

/// The finaliser of splitmix64.
fn weight(role: Role, a: u32, b: u32) -> u64 {
    let mut x = (u64::from(a) << 32 | u64::from(b)).wrapping_add((role as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ (x >> 31)) | 1
}

impl Add for Units {
    type Output = Units;
    fn add(self, other: Units) -> Units {
        Units(self.0.wrapping_add(other.0))
    }
}

impl Sub for Units {
    type Output = Units;
    fn sub(self, other: Units) -> Units {
        Units(self.0.wrapping_sub(other.0))
    }
}

impl AddAssign for Units {
    fn add_assign(&mut self, other: Units) {
        *self = *self + other;
    }
}

impl SubAssign for Units {
    fn sub_assign(&mut self, other: Units) {
        *self = *self - other;
    }
}

/// 64 bits that stand for a value (`SipHash`, the same in every run).
pub(crate) fn digest(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_add_up_in_any_order_and_tell_things_apart() {
        let (a, b) = (|q| Units::of(q, Role::Row, 1, 2), |q| Units::of(q, Role::Row, 2, 1));
        assert_eq!(a(3) + b(4) + a(2), b(4) + a(5));
        assert_eq!(a(3) - a(3), Units::NONE);
        assert_ne!(a(3) + b(4), a(4) + b(3));
        assert_ne!(a(1), Units::of(1, Role::Line, 1, 2));
    }

    #[test]
    fn ids_keep_their_texts() {
        let mut ids = Ids::default();
        assert_eq!((ids.number("x"), ids.number("y"), ids.number("x")), (0, 1, 0));
        assert_eq!((ids.text(1), ids.text(7), ids.len()), ("y", "?", 2));
    }
}
