//! The auditor behind `waybill verify`: reads topics and says whether every promise was kept.
//!
//! It shares no code, no type and no state with the processors or the engine, so that a mistake of theirs cannot hide
//! in a copy of itself. It does no I/O: whoever has the records hands them over, each partition in the order of its
//! offsets, the topics in any mix, and asks for the [`Report`] at the end.
//!
//! Checked: one decision per order, a lawful course, `seq` without gap; movements gapless, adding up, hash chain
//! recomputed; never more held than is there; every hold ended once and open only while its order is; what was
//! accepted, held, sold and shipped agrees; every input record has one outcome, or one dead letter with its bytes, or
//! repeats an earlier one; every output's cause is an input that asks for it; ids as the contract forms them, which
//! together with gapless `seq` makes them unique; levels agree with movements. [`Kind`] lists all there is to find.
//!
//! | file | what |
//! | --- | --- |
//! | `report.rs` | what is handed back |
//! | `wire.rs` `input.rs` | output and input records, read by the auditor's own types |
//! | `inputs.rs` | what became of every input record |
//! | `orders.rs` | every order's course and holds |
//! | `stock.rs` | every SKU's movements and levels |
//! | `facts.rs` | coordinates, ids as numbers, sums of units |
//! | `dump.rs` | a log as lines of JSON |
//!
//! Memory: 56 bytes an input record, about 200 an order and 50 a line of an order; nothing per movement, as long as the
//! input topics are read before the output topics (else some 60 bytes an output record until the end). Measured: 2
//! million orders with 10 million movements, 18 million records in all, in 0.9 GB.

pub mod dump;
mod facts;
mod input;
mod inputs;
mod orders;
mod report;
mod stock;
mod wire;

pub use report::{Counts, Kind, Moved, Report, Violation};

use facts::{At, Findings, Registry, Role, Topic, Units, digest};
use input::{Class, Input};
use inputs::{Claim, Claimed, Inputs, Reason};
use orders::{Held, Orders, Seen};
use rustc_hash::FxHashMap;
use stock::Stock;
use wire::{Cause, EventKind, Level, Movement, MovementKind, OrderEvent};

/// What the topics are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    pub orders: String,
    pub payments: String,
    pub restocks: String,
    pub stock_counts: String,
    pub order_events: String,
    pub stock_levels: String,
    pub stock_movements: String,
    pub dead_letters: String,
}

impl Default for Names {
    fn default() -> Names {
        Names {
            orders: "orders".into(),
            payments: "payments".into(),
            restocks: "restocks".into(),
            stock_counts: "stock-counts".into(),
            order_events: "order-events".into(),
            stock_levels: "stock-levels".into(),
            stock_movements: "stock-movements".into(),
            dead_letters: "dead-letters".into(),
        }
    }
}

impl Names {
    /// Inputs first: the order in which the auditor needs the least memory.
    fn all(&self) -> [(Topic, &str); 8] {
        [
            (Topic::Orders, &self.orders),
            (Topic::Payments, &self.payments),
            (Topic::Restocks, &self.restocks),
            (Topic::StockCounts, &self.stock_counts),
            (Topic::OrderEvents, &self.order_events),
            (Topic::StockMovements, &self.stock_movements),
            (Topic::StockLevels, &self.stock_levels),
            (Topic::DeadLetters, &self.dead_letters),
        ]
    }

    /// The topics to read, in the order that needs the least memory.
    pub fn topics(&self) -> [&str; 8] {
        self.all().map(|(_, name)| name)
    }

    fn find(&self, name: &str) -> Option<Topic> {
        self.all().into_iter().find(|(_, n)| *n == name).map(|(topic, _)| topic)
    }

    fn of(&self, topic: Topic) -> &str {
        self.all().into_iter().find(|(t, _)| *t == topic).map_or("?", |(_, name)| name)
    }
}

/// How much may be expected of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Every input was processed and every output was read. If not, what may be on its way is counted as pending: an
    /// input beyond the last one answered in its partition, or younger than `in_flight_ms`; the holds of an order that
    /// something happened to within `in_flight_ms`; a cause beyond what was read of its partition.
    pub complete: bool,
    /// The last `stock-levels` record of every SKU is there: they follow at a pace, and at once when a task goes idle.
    pub levels_final: bool,
    /// Measured by record timestamps, back from the newest input or output record.
    pub in_flight_ms: i64,
    /// Most violations to keep; all are counted.
    pub keep: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { complete: true, levels_final: true, in_flight_ms: 10_000, keep: 100 }
    }
}

/// A record of any topic; a header's null value is an empty one.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub topic: &'a str,
    pub partition: i32,
    pub offset: i64,
    /// Milliseconds since the epoch.
    pub timestamp: i64,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: &'a [(&'a str, &'a [u8])],
}

/// Reads records, then says what is wrong with them.
pub struct Auditor {
    findings: Findings,
    registry: Registry,
    inputs: Inputs,
    orders: Orders,
    stock: Stock,
    /// The last offset of each partition.
    last: FxHashMap<(Topic, i32), i64>,
}

impl Auditor {
    pub fn new(names: Names, options: Options) -> Auditor {
        Auditor {
            findings: Findings::new(names, options),
            registry: Registry::default(),
            inputs: Inputs::default(),
            orders: Orders::default(),
            stock: Stock::default(),
            last: FxHashMap::default(),
        }
    }

    /// The next record of its partition. Records of other topics are passed over.
    pub fn record(&mut self, record: &Record) {
        let Some(topic) = self.findings.names.find(record.topic) else { return };
        let at = At { topic, partition: record.partition, offset: record.offset };
        let last = self.last.entry((topic, record.partition)).or_insert(-1);
        if record.offset <= *last {
            let message = format!("comes after offset {last} of the same partition");
            self.findings.add(Kind::OffsetOrder, at, message);
            return;
        }
        *last = record.offset;
        self.findings.saw(topic, record.timestamp);
        self.findings.counts().records += 1;
        let read = match topic {
            Topic::OrderEvents => OrderEvent::read(record).map(|event| self.order_event(&event, at, record)),
            Topic::StockMovements => Movement::read(record).map(|movement| self.movement(&movement, at, record)),
            Topic::StockLevels => Level::read(record).map(|level| self.level(&level, at, record)),
            Topic::DeadLetters => self.dead_letter(at, record),
            Topic::Orders | Topic::Payments | Topic::Restocks | Topic::StockCounts => {
                self.findings.counts().inputs += 1;
                self.inputs.add(at, Input::read(topic, record, &mut self.registry));
                Ok(())
            }
        };
        if let Err(why) = read {
            self.findings.add(Kind::MalformedOutput, at, why);
        }
    }

    /// All records were handed over.
    pub fn finish(mut self) -> Report {
        for (claim, class) in self.inputs.settle(&self.registry, &mut self.findings) {
            settled(&mut self.orders, &claim, class);
        }
        self.inputs.finish(&|order| self.orders.decided(order), &self.registry, &mut self.findings);
        self.orders.finish(self.stock.pairs(), &self.registry, &mut self.findings);
        self.stock.finish(&self.registry, &mut self.findings);
        self.findings.counts().orders = self.registry.orders.len() as u64;
        self.findings.report
    }

    fn order_event(&mut self, event: &OrderEvent, at: At, record: &Record) {
        let word = event.kind.word();
        let counts = self.findings.counts();
        counts.order_events += 1;
        *counts.events.entry(word).or_default() += 1;
        match event.kind {
            EventKind::Accepted => counts.accepted += 1,
            EventKind::Rejected => {
                counts.rejected += 1;
                *counts.rejections.entry(event.reason.clone().unwrap_or_default()).or_default() += 1;
            }
            _ => {}
        }
        self.identity(("waybill.order.", word), &event.event_id, &event.cause, (&event.order_id, u64::from(event.seq)), at, record);
        let subject = self.registry.orders.number(&event.order_id);
        let by_command = event.cause.topic == self.findings.names.orders;
        let seen = Seen { at, timestamp: record.timestamp, by_command };
        if !self.orders.event(subject, event, seen, &mut self.registry, &mut self.findings) {
            return;
        }
        let mut lines = [Units::NONE; 2];
        for line in &event.lines {
            let sku = self.registry.skus.number(&line.sku);
            lines[0] += Units::of(line.quantity, Role::Line, sku, 0);
            lines[1] += Units::of(line.quantity, Role::Back, sku, 0);
        }
        let early = event.reason.as_deref() == Some("payment_before_order");
        self.claim(at, &event.cause, subject, Claimed::Event { kind: event.kind, early, lines });
    }

    fn movement(&mut self, movement: &Movement, at: At, record: &Record) {
        let kind = movement.kind;
        let counts = self.findings.counts();
        counts.movements += 1;
        let moved = counts.moved.entry(kind.word()).or_default();
        moved.records += 1;
        moved.units = moved.units.saturating_add(movement.quantity);
        self.identity(("waybill.stock.", kind.word()), &movement.id, &movement.cause, (&movement.sku, movement.seq), at, record);
        let sku = self.registry.skus.number(&movement.sku);
        let location = self.registry.locations.number(&movement.location);
        let row = self.stock.row(sku, location);
        if !self.stock.movement(sku, row, movement, at, &mut self.findings) {
            return;
        }
        for order_id in &movement.orders_at_risk {
            let order = self.registry.orders.number(order_id);
            if !self.orders.holds(order, row) {
                let message =
                    format!("order {order_id} is said to be at risk and holds nothing of {} at {}", movement.sku, movement.location);
                self.findings.add(Kind::WrongShortage, at, message);
            }
        }
        let mut subject = sku;
        if let Some(order_id) = &movement.order_id {
            subject = self.registry.orders.number(order_id);
            let held = Held {
                at,
                timestamp: record.timestamp,
                order: subject,
                row,
                kind,
                quantity: movement.quantity,
                units: Units::of(movement.quantity, Role::Row, sku, location),
                because: self.findings.names.find(&movement.cause.topic).unwrap_or(Topic::Orders),
            };
            let name = || format!("order {order_id} of {} at {}", movement.sku, movement.location);
            self.orders.held(held, &name, &mut self.findings);
        }
        let units = if kind == MovementKind::Adjusted { movement.on_hand } else { movement.quantity };
        self.claim(at, &movement.cause, subject, Claimed::Movement { kind, sku, location, units });
    }

    fn level(&mut self, level: &Level, at: At, record: &Record) {
        self.findings.counts().levels += 1;
        self.headers("waybill.stock.", "level", None, at, record);
        let sku = self.registry.skus.number(&level.sku);
        self.stock.level(sku, level, at, &mut self.registry, &mut self.findings);
    }

    fn dead_letter(&mut self, at: At, record: &Record) -> Result<(), String> {
        self.findings.counts().dead_letters += 1;
        // The last of a name is Waybill's: a dead letter that was sent in again brings its own.
        let header = |name: &str| {
            let found = record.headers.iter().rev().find(|(n, _)| *n == name);
            found.and_then(|(_, value)| std::str::from_utf8(value).ok()).ok_or_else(|| format!("the header {name} is missing"))
        };
        let number = |name: &str| header(name)?.parse::<i64>().map_err(|_| format!("the header {name} is not a number"));
        let word = header("waybill.error.reason")?;
        *self.findings.counts().dead_letter_reasons.entry(word.to_owned()).or_default() += 1;
        let reason = match word {
            "missing_key" => Reason::MissingKey,
            "missing_value" => Reason::MissingValue,
            "invalid_utf8" => Reason::InvalidUtf8,
            "invalid_json" => Reason::InvalidJson,
            "conflicting_duplicate" => Reason::ConflictingDuplicate,
            _ => Reason::Other,
        };
        let cause = Cause {
            topic: header("waybill.source.topic")?.into(),
            partition: i32::try_from(number("waybill.source.partition")?).map_err(|e| e.to_string())?,
            offset: number("waybill.source.offset")?,
        };
        self.claim(at, &cause, 0, Claimed::DeadLetter { bytes: digest(&(record.key, record.value)), reason });
        Ok(())
    }

    /// Id and headers are what the cause, the key and the `seq` make them.
    fn identity(&mut self, (family, word): (&str, &str), id: &str, cause: &Cause, (key, seq): (&str, u64), at: At, record: &Record) {
        if !wire::id_fits(id, cause, key, seq) {
            self.findings.add(Kind::WrongId, at, format!("the id `{id}` is not that of its cause, `{key}` and seq {seq}"));
        }
        self.headers(family, word, Some(id), at, record);
    }

    fn headers(&mut self, family: &str, word: &str, id: Option<&str>, at: At, record: &Record) {
        if let Some(fault) = wire::header_fault(record, family, word, id) {
            self.findings.add(Kind::WrongHeaders, at, fault);
        }
    }

    fn claim(&mut self, at: At, cause: &Cause, subject: u32, what: Claimed) {
        match self.findings.names.find(&cause.topic).filter(|topic| topic.is_input()) {
            Some(topic) => {
                let cause = At { topic, partition: cause.partition, offset: cause.offset };
                let claim = Claim { at, cause, subject, what };
                if let Some((claim, class)) = self.inputs.claim(claim, &self.registry, &mut self.findings) {
                    settled(&mut self.orders, &claim, class);
                }
            }
            None => self.findings.add(Kind::UnknownCause, at, format!("its cause is in `{}`, which is no input topic", cause.topic)),
        }
    }
}

/// What an order learns only when a movement's cause is known.
fn settled(orders: &mut Orders, claim: &Claim, class: Class) {
    if let (Class::Cancel, Claimed::Movement { kind: MovementKind::Returned, sku, location, units }) = (class, claim.what) {
        orders.put_back(claim.subject, Units::of(units, Role::Row, sku, location), claim.at);
    }
}
