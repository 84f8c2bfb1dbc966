//! The auditor behind `waybill verify`: reads topics and says whether every promise was kept.
//!
//! It shares no code, no type and no state with the processors or the engine, so that a mistake of theirs cannot hide
//! in a copy of itself. It does no I/O: whoever has the records hands them over, each partition in the order of its
//! offsets, the topics in any mix, and asks for the [`Report`] at the end.
//!
//! Checked, each where its topics have records, and passed over in silence where they have none:
//! - orders and stock: one decision per order, a lawful course, `seq` without gap; movements gapless, adding up, hash
//!   chain recomputed; never more held than is there; every hold ended once and open only while its order is; what was
//!   accepted, held, sold and shipped agrees; levels agree with movements.
//! - catalogue: a product's version counts 1, 2, 3 …; refusals name the one that stood; rows are what the last event
//!   left; nothing is held of what is surely withdrawn, nor of a SKU that the catalogue refused to the order.
//! - alerts and forecasts: raised and resolved take turns, in numbered episodes; figures agree with each other.
//! - fleet: one verdict for every ping, where verdicts are written; positions never go back in time, nor faster than can
//!   be; a shipment's fences are entered and left in turns and closed when it ends, so are its episodes; every stop is
//!   done once; nothing happens after the end, and no shipment whose stops are done is without one; what a dispatch does
//!   to an order, it does to one that it carries.
//! - all: every input record has one outcome, or one dead letter with its bytes, or repeats an earlier one; every
//!   output's cause is an input that asks for it; ids as the contract forms them, which together with gapless `seq`
//!   makes them unique.
//!
//! [`Kind`] lists all there is to find.
//!
//! | file | what |
//! | --- | --- |
//! | `names.rs` `report.rs` | what topics are called, what is handed back |
//! | `topics.rs` | the way of a record to whoever checks it |
//! | `wire/` `input/` | output and input records, read by the auditor's own types |
//! | `inputs.rs` `pings.rs` | what became of every input record |
//! | `orders.rs` | every order's course and holds |
//! | `stock.rs` | every SKU's movements and levels |
//! | `catalogue.rs` | every product's versions and rows |
//! | `demand.rs` | alerts and forecasts |
//! | `shipments.rs` `vehicles.rs` | every shipment's course, every vehicle's positions |
//! | `facts.rs` `sku.rs` | coordinates, ids as numbers, sums of units; spellings of one SKU |
//! | `dump.rs` | a log as lines of JSON |
//!
//! Memory: 56 bytes an input record, 32 a ping, about 200 an order and 50 a line of an order; nothing per movement,
//! event, position or verdict, as long as the input topics are read before the output topics (else some 60 bytes an
//! output record until the end). Measured: 2 million orders with 10 million movements, 18 million records in all, in
//! 0.9 GB; 2 million pings of 10,000 vehicles with their verdicts and 400,000 positions in 67 MB.

mod catalogue;
mod demand;
pub mod dump;
mod facts;
mod input;
mod inputs;
mod names;
mod orders;
mod pings;
mod report;
mod shipments;
mod sku;
mod stock;
mod topics;
mod vehicles;
mod wire;

pub use names::Names;
pub use report::{Counts, Kind, Moved, Report, Violation};

use catalogue::Catalogue;
use demand::Demand;
use facts::{At, Findings, Registry, Topic};
use inputs::{Inputs, Known};
use orders::Orders;
use pings::Pings;
use rustc_hash::FxHashMap;
use shipments::Shipments;
use stock::Stock;
use vehicles::Vehicles;

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
    /// Nobody moves faster than this between two positions.
    pub most_metres_per_second: u32,
    /// Most violations to keep; all are counted.
    pub keep: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { complete: true, levels_final: true, in_flight_ms: 10_000, most_metres_per_second: 100, keep: 100 }
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
    catalogue: Catalogue,
    demand: Demand,
    shipments: Shipments,
    vehicles: Vehicles,
    pings: Pings,
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
            catalogue: Catalogue::default(),
            demand: Demand::default(),
            shipments: Shipments::default(),
            vehicles: Vehicles::default(),
            pings: Pings::default(),
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
        if let Err(why) = self.read(topic, at, record) {
            self.findings.add(Kind::MalformedOutput, at, why);
        }
    }

    /// All records were handed over.
    pub fn finish(mut self) -> Report {
        for settled in self.inputs.settle(&self.registry, &mut self.findings) {
            self.settled(&settled);
        }
        self.pings.settle(&self.registry, &mut self.findings);
        let known =
            Known { decided: &|order| self.orders.decided(order), ended: &|ride| self.shipments.ended(self.registry.rides.pair(ride)) };
        self.inputs.finish(&known, &self.registry, &mut self.findings);
        self.orders.finish(self.stock.pairs(), &self.registry, &mut self.findings);
        self.stock.finish(&self.registry, &mut self.findings);
        self.catalogue.finish(&self.registry, &mut self.findings);
        self.demand.finish(&mut self.findings);
        self.shipments.finish(&self.registry, &mut self.findings);
        self.vehicles.finish(&self.pings, &mut self.findings);
        self.pings.finish(&self.registry, &mut self.findings);
        self.findings.counts().orders = self.registry.orders.len() as u64;
        self.findings.report
    }
}
