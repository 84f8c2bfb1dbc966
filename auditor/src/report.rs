//! What the auditor hands back: what it counted, and what it found wrong. Decides nothing itself.

use std::collections::BTreeMap;
use std::fmt;

/// What is wrong, as a closed list. The word is stable; scripts and tests may rely on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A partition's records did not come with rising offsets: the reading is at fault, or the log.
    OffsetOrder,
    /// An output record that does not read as `wire.md` says.
    MalformedOutput,
    /// One key's outputs stand in more than one partition, so that nobody can read them in order.
    WrongPartition,
    /// A `CloudEvents` header is missing or contradicts the value.
    WrongHeaders,
    /// An id that is not `<cause topic>/<partition>/<offset>/<key>/<seq>`.
    WrongId,
    /// A `seq` that its key has had before. As ids end in key and `seq`, this is the same id, or a second history.
    DuplicateId,
    /// A gap in an order's `seq`.
    OrderSequence,
    /// A second accepted or rejected for one order.
    TwoDecisions,
    /// An event that cannot follow what the order has been through, such as paid after cancelled.
    IllegalTransition,
    /// More units shipped than accepted, returned than shipped, or cancelled than left.
    QuantityExceeded,
    /// A gap in a SKU's `seq`.
    MovementSequence,
    /// `previous` is not the hash of the movement before.
    ChainBroken,
    /// `hash` is not the hash of the movement.
    HashMismatch,
    /// `on_hand` or `reserved` is not what the movements of that SKU and place add up to.
    SumMismatch,
    /// More is held at a place than is there, and no count or damage explains it.
    Oversold,
    /// Fewer than none reserved, or fewer than none on hand without a shortage.
    NegativeStock,
    /// A count or damage left less than is held without saying so, or says so wrongly.
    WrongShortage,
    /// A `counted` that is not followed by exactly its `adjusted`, or an `adjusted` on its own.
    CountWithoutAdjustment,
    /// More of a hold ended than was open: some unit was released, expired or sold twice.
    HoldEndedTwice,
    /// More units came back than were sold.
    ReturnedUnsold,
    /// Units still held for an order that is closed.
    HoldLeftOpen,
    /// An order is alive, and what is held and sold for it is not what was accepted.
    HoldLost,
    /// What was held for a placed order is not what its `accepted` lists.
    AcceptedNotHeld,
    /// Units left the shelf, or are kept for good, for an order that was not paid, or not as many as were paid or shipped.
    SoldMismatch,
    /// A paid order was cancelled, in part or in full, and no `refund_required` says so.
    RefundMissing,
    /// A `cause`, or a dead letter's source, that is no input record.
    UnknownCause,
    /// A `cause` that cannot have led to this: another order or SKU, another kind of record, a malformed record.
    WrongCause,
    /// What came out of an input record is not what it asked for: other lines, another quantity, another place.
    InputMismatch,
    /// An input record without outcome, dead letter or an earlier record that says the same.
    NoOutcome,
    /// Two input records with one id took effect.
    AppliedTwice,
    /// An input record took effect and is a dead letter.
    OutcomeAndDeadLetter,
    /// An input record became a dead letter more than once.
    TwoDeadLetters,
    /// A dead letter whose key or value is not the input's, byte for byte.
    DeadLetterBytes,
    /// A dead letter's reason that the record itself disproves.
    WrongReason,
    /// A stock level contradicts itself or the movements.
    LevelMismatch,
    /// A SKU that moved and has no level.
    LevelMissing,
    /// A rejection by the catalogue, and units of the refused SKU were held for the order.
    RefusedAndHeld,
    /// Units were held for a placed order while the product was surely withdrawn.
    HeldWhileWithdrawn,
    /// An input record with two outcomes where there must be one: a ping judged twice, a product's update told twice.
    AnsweredTwice,
    /// A SKU in the catalogue that is not written as its cleaned form.
    UncleanSku,
    /// A gap in a product's `seq`.
    ProductSequence,
    /// A product's version is not one more than before.
    VersionGap,
    /// A refusal or quarantine that names another version than stood.
    WrongVersion,
    /// The catalogue's row is not what the last event left.
    CatalogMismatch,
    /// Raised while raised, or resolved while not.
    AlertOutOfTurn,
    /// An alert's episode is not that of the one it ends, or not one more.
    WrongEpisode,
    /// An alert's figures contradict it or each other.
    WrongAlert,
    /// A forecast with figures that cannot be, or that contradict each other.
    WrongForecast,
    /// A gap in a shipment's `seq`.
    ShipmentSequence,
    /// An event or position that is earlier than the one before of the same key.
    TimeBackwards,
    /// Arrived where it is, left where it is not, or approaching again or where it has been.
    FenceUnpaired,
    /// A shipment ended while it was at a stop: `arrived` without `left`.
    FenceLeftOpen,
    /// Silent and resumed, or off and back on the route, do not take turns.
    EpisodeUnpaired,
    /// A stop was delivered, or failed, when it was done already.
    StopEndedTwice,
    /// A completed shipment with a stop that is neither delivered nor failed.
    StopLeftOut,
    /// Something happened to a shipment that was completed or recalled.
    AfterTheEnd,
    /// Every stop of a shipment is done, and it does not end.
    ShipmentWithoutEnd,
    /// An order, vehicle or shipment that no dispatch of that shipment names.
    WrongLoad,
    /// A vehicle moved faster than can be.
    ImpossibleSpeed,
    /// A verdict that the pings disprove: a duplicate that nothing else is like, late and newer than all before.
    WrongVerdict,
    /// A shipment departed twice, without being called back.
    DepartedTwice,
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Kind::OffsetOrder => "offset_order",
            Kind::MalformedOutput => "malformed_output",
            Kind::WrongPartition => "wrong_partition",
            Kind::WrongHeaders => "wrong_headers",
            Kind::WrongId => "wrong_id",
            Kind::DuplicateId => "duplicate_id",
            Kind::OrderSequence => "order_sequence",
            Kind::TwoDecisions => "two_decisions",
            Kind::IllegalTransition => "illegal_transition",
            Kind::QuantityExceeded => "quantity_exceeded",
            Kind::MovementSequence => "movement_sequence",
            Kind::ChainBroken => "chain_broken",
            Kind::HashMismatch => "hash_mismatch",
            Kind::SumMismatch => "sum_mismatch",
            Kind::Oversold => "oversold",
            Kind::NegativeStock => "negative_stock",
            Kind::WrongShortage => "wrong_shortage",
            Kind::CountWithoutAdjustment => "count_without_adjustment",
            Kind::HoldEndedTwice => "hold_ended_twice",
            Kind::ReturnedUnsold => "returned_unsold",
            Kind::HoldLeftOpen => "hold_left_open",
            Kind::HoldLost => "hold_lost",
            Kind::AcceptedNotHeld => "accepted_not_held",
            Kind::SoldMismatch => "sold_mismatch",
            Kind::RefundMissing => "refund_missing",
            Kind::UnknownCause => "unknown_cause",
            Kind::WrongCause => "wrong_cause",
            Kind::InputMismatch => "input_mismatch",
            Kind::NoOutcome => "no_outcome",
            Kind::AppliedTwice => "applied_twice",
            Kind::OutcomeAndDeadLetter => "outcome_and_dead_letter",
            Kind::TwoDeadLetters => "two_dead_letters",
            Kind::DeadLetterBytes => "dead_letter_bytes",
            Kind::WrongReason => "wrong_reason",
            Kind::LevelMismatch => "level_mismatch",
            Kind::LevelMissing => "level_missing",
            Kind::RefusedAndHeld => "refused_and_held",
            Kind::HeldWhileWithdrawn => "held_while_withdrawn",
            Kind::AnsweredTwice => "answered_twice",
            Kind::UncleanSku => "unclean_sku",
            Kind::ProductSequence => "product_sequence",
            Kind::VersionGap => "version_gap",
            Kind::WrongVersion => "wrong_version",
            Kind::CatalogMismatch => "catalog_mismatch",
            Kind::AlertOutOfTurn => "alert_out_of_turn",
            Kind::WrongEpisode => "wrong_episode",
            Kind::WrongAlert => "wrong_alert",
            Kind::WrongForecast => "wrong_forecast",
            Kind::ShipmentSequence => "shipment_sequence",
            Kind::TimeBackwards => "time_backwards",
            Kind::FenceUnpaired => "fence_unpaired",
            Kind::FenceLeftOpen => "fence_left_open",
            Kind::EpisodeUnpaired => "episode_unpaired",
            Kind::StopEndedTwice => "stop_ended_twice",
            Kind::StopLeftOut => "stop_left_out",
            Kind::AfterTheEnd => "after_the_end",
            Kind::ShipmentWithoutEnd => "shipment_without_end",
            Kind::WrongLoad => "wrong_load",
            Kind::ImpossibleSpeed => "impossible_speed",
            Kind::DepartedTwice => "departed_twice",
            Kind::WrongVerdict => "wrong_verdict",
        }
    }
}

/// One thing that is wrong, and the record that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub kind: Kind,
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}/{}/{}: {}", self.kind.word(), self.topic, self.partition, self.offset, self.message)
    }
}

/// Records and units of one kind of movement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    pub records: u64,
    /// The sum of `quantity`.
    pub units: i64,
}

/// What the auditor read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All records of the topics that have a name.
    pub records: u64,
    pub inputs: u64,
    /// Orders that anything was said about.
    pub orders: u64,
    pub accepted: u64,
    pub rejected: u64,
    /// Rejections by `reason`.
    pub rejections: BTreeMap<String, u64>,
    pub order_events: u64,
    /// Order events by `type`.
    pub events: BTreeMap<&'static str, u64>,
    pub movements: u64,
    /// Movements by `kind`.
    pub moved: BTreeMap<&'static str, Moved>,
    pub skus: u64,
    /// Pairs of SKU and place.
    pub places: u64,
    pub levels: u64,
    pub dead_letters: u64,
    /// Dead letters by `waybill.error.reason`.
    pub dead_letter_reasons: BTreeMap<String, u64>,
    /// Input records that say what an earlier one said.
    pub duplicates: u64,
    /// Input and output records whose counterpart may be on its way; always 0 for a complete log.
    pub pending: u64,
    /// Orders whose holds were not balanced because their records may be on their way; always 0 for a complete log.
    pub unsettled: u64,
    /// Pairs of order and SKU at a place with units still held.
    pub open_holds: u64,
    /// Products that an event speaks of.
    pub products: u64,
    /// Product events by `type`.
    pub product_events: BTreeMap<&'static str, u64>,
    /// Rows of the catalogue.
    pub listings: u64,
    /// Alerts by `state`.
    pub alerts: BTreeMap<&'static str, u64>,
    /// Pairs of SKU and place whose last alert is `raised`.
    pub open_alerts: u64,
    pub forecasts: u64,
    pub feedback: u64,
    pub pings: u64,
    /// Pings without a verdict that are so new that they may be waiting for older ones.
    pub waiting_pings: u64,
    /// Verdicts on pings by word.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// Vehicles with a position.
    pub vehicles: u64,
    /// Positions by `state`.
    pub positions: BTreeMap<&'static str, u64>,
    /// Shipments that an event speaks of.
    pub shipments: u64,
    /// Those that are neither completed nor recalled.
    pub open_shipments: u64,
    /// Shipment events by `type`.
    pub shipment_events: BTreeMap<&'static str, u64>,
}

impl Counts {
    /// Accepted and rejected.
    pub fn decisions(&self) -> u64 {
        self.accepted + self.rejected
    }
}

/// The auditor's verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub counts: Counts,
    /// The first violations, at most `Options::keep`.
    pub violations: Vec<Violation>,
    /// All violations, by kind.
    pub by_kind: BTreeMap<Kind, u64>,
}

impl Report {
    /// Nothing is wrong with what was read. An empty log passes: look at `counts.records`.
    pub fn ok(&self) -> bool {
        self.by_kind.is_empty()
    }

    /// All violations, kept or not.
    pub fn total(&self) -> u64 {
        self.by_kind.values().sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = &self.counts;
        let mut row = |name: &str, figure: u64, detail: String| writeln!(f, "{name:<14}{figure:>12}{detail}");
        row("records", c.records, format!("  {} of them input", c.inputs))?;
        row("orders", c.orders, String::new())?;
        row("decisions", c.decisions(), format!("  {} accepted, {} rejected{}", c.accepted, c.rejected, list(&c.rejections)))?;
        row("order events", c.order_events, list(&c.events))?;
        let moved: BTreeMap<_, _> = c.moved.iter().map(|(kind, m)| (*kind, m.records)).collect();
        row("movements", c.movements, list(&moved))?;
        row("skus", c.skus, format!("  at {} places, {} levels", c.places, c.levels))?;
        row("open holds", c.open_holds, String::new())?;
        // What is not there is not spoken of.
        let mut some = |name: &str, figure: u64, detail: String| if figure > 0 { row(name, figure, detail) } else { Ok(()) };
        some("products", c.products, format!("  {} catalogue rows{}", c.listings, list(&c.product_events)))?;
        some("alerts", total(&c.alerts), format!("{}, {} open", list(&c.alerts), c.open_alerts))?;
        some("forecasts", c.forecasts, String::new())?;
        some("feedback", c.feedback, String::new())?;
        some("shipments", c.shipments, format!("  {} of them open", c.open_shipments))?;
        some("their events", total(&c.shipment_events), list(&c.shipment_events))?;
        some("pings", c.pings, format!("{}, {} waiting", list(&c.verdicts), c.waiting_pings))?;
        some("positions", total(&c.positions), format!("  of {} vehicles{}", c.vehicles, list(&c.positions)))?;
        row("dead letters", c.dead_letters, list(&c.dead_letter_reasons))?;
        row("duplicates", c.duplicates, String::new())?;
        row("pending", c.pending, format!("  and {} orders unsettled", c.unsettled))?;
        if self.ok() {
            return writeln!(f, "every check passed");
        }
        writeln!(f, "{} violations{}", self.total(), list(&self.by_kind.iter().map(|(k, n)| (k.word(), *n)).collect::<BTreeMap<_, _>>()))?;
        for violation in &self.violations {
            writeln!(f, "  {violation}")?;
        }
        match self.total() - self.violations.len() as u64 {
            0 => Ok(()),
            more => writeln!(f, "  … and {more} more"),
        }
    }
}

fn total(figures: &BTreeMap<&'static str, u64>) -> u64 {
    figures.values().sum()
}

/// `  (a 1, b 2)`, or nothing.
fn list<K: fmt::Display>(figures: &BTreeMap<K, u64>) -> String {
    if figures.is_empty() {
        return String::new();
    }
    let parts: Vec<String> = figures.iter().map(|(name, n)| format!("{name} {n}")).collect();
    format!("  ({})", parts.join(", "))
}
