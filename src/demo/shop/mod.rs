//! The systems around Waybill: the shop that places the invoices as orders, the bank, the warehouse, a carrier for some
//! of the goods and the shop's own vans for the others (`fleet/`). They
//! send records and answer what Waybill decides, as real ones would: who was refused does not pay, what is not paid is
//! not shipped. All that the invoices do not tell is drawn from the seed.
//!
//! Nobody answers faster than [`REACTION`]. So everything planned within that time of the first can be sent before the
//! answers to it are known, and the same seed sends the same records, however fast Waybill is.

mod mishaps;
mod orders;
mod records;
mod stock;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use schemas::Source;

use super::Error;
use super::engine::Record;
use super::fleet::{self, Errand, Fleet};
use super::invoices::{History, Invoice};
use super::ledger::{Heard, Ledger};
use orders::Order;

pub const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// From an event to the answer to it, at least.
const REACTION: i64 = 3 * HOUR;

/// What the shop did, as the summary tells it.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub records: u64,
    /// Pings among them, and those that real buses sent.
    pub pings: u64,
    pub bus_pings: u64,
    /// Lines of the invoices' cancellations by what became of them.
    pub taken_back: u64,
    pub called_off: u64,
    pub unmatched: u64,
    /// Records sent once more, as they were.
    pub repeated: u64,
    /// Records that no system should ever send.
    pub broken: u64,
}

/// Something to do at a time; equal times go by what it is, so that nothing depends on the order of planning.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Planned {
    at: i64,
    task: Task,
}

/// What is to be done; what it says exactly is decided when its time has come, with what is known by then.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Send {
        source: Source,
        key: Option<Vec<u8>>,
        value: Vec<u8>,
    },
    /// As it is, and never again.
    Repeat {
        source: Source,
        key: Option<Vec<u8>>,
        value: Vec<u8>,
    },
    Place(usize),
    Pay {
        order: String,
        surplus: i64,
    },
    FailToPay {
        order: String,
    },
    CallOff {
        order: String,
    },
    Ship {
        order: String,
        partly: bool,
    },
    Deliver {
        order: String,
    },
    SendBack {
        order: String,
    },
    /// A cancellation among the invoices.
    Cancellation(usize),
    StockTake,
    Damage,
    Transfers,
    ShipUnpaid,
    /// Vans are loaded; which round of the day.
    Load(usize),
    Rescue {
        shipment: String,
    },
}

#[derive(Debug)]
pub struct Shop {
    queue: BinaryHeap<Reverse<Planned>>,
    /// Ready to be sent.
    ready: VecDeque<Record>,
    invoices: Vec<Invoice>,
    cancellations: Vec<Invoice>,
    orders: BTreeMap<String, Order>,
    fleet: Fleet,
    /// Order ids in the order of their places.
    by_customer: BTreeMap<String, Vec<String>>,
    /// Draws in the order of sending; what belongs to one order or SKU has a generator of its own.
    rng: ChaCha8Rng,
    /// Before these everything else is decided: before a stock-take, so that what is counted is what is there; after a
    /// dispatch, so that the plan is there before anybody drives.
    checkpoints: BTreeSet<i64>,
    numbers: u64,
    /// Record time of the last record.
    now: i64,
    end: i64,
    pub tally: Tally,
}

impl Shop {
    pub fn new(history: &History, fleet: Fleet, seed: u64) -> Result<Shop, Error> {
        let first = history.orders.first().map_or(0, |order| order.at);
        let last = history.orders.last().map_or(0, |order| order.at);
        let midnight = first - first % DAY;
        let mut shop = Shop {
            queue: BinaryHeap::new(),
            ready: VecDeque::new(),
            invoices: history.orders.clone(),
            cancellations: history.cancellations.clone(),
            orders: BTreeMap::new(),
            fleet,
            by_customer: BTreeMap::new(),
            rng: generator(seed, 0),
            checkpoints: BTreeSet::new(),
            numbers: 0,
            now: 0,
            end: last - last % DAY + DAY,
            tally: Tally::default(),
        };
        shop.plan_orders(seed);
        shop.plan_stock(&history.demand(), midnight, seed);
        shop.plan_mishaps(first, last);
        for day in (midnight..shop.end).step_by(DAY as usize) {
            for (round, minutes) in fleet::ROUNDS.into_iter().enumerate() {
                let at = day + minutes * 60_000;
                shop.plan(at, Task::Load(round));
                shop.checkpoints.insert(at + 1);
            }
        }
        for (vehicle, (at, value)) in fleet::buses::pings()? {
            shop.tally.bus_pings += 1;
            shop.plan(at, Task::Send { source: Source::GpsPings, key: Some(vehicle.into()), value });
        }
        for (index, cancellation) in history.cancellations.iter().enumerate() {
            shop.plan(cancellation.at, Task::Cancellation(index));
        }
        Ok(shop)
    }

    /// Record time of the last record that was sent.
    pub fn now(&self) -> i64 {
        self.now
    }

    /// Up to when everything planned may be sent before Waybill's answers are heard; `None`: the days are over.
    pub fn next_window(&self) -> Option<i64> {
        let start = self.queue.peek().map(|Reverse(planned)| planned.at).filter(|at| *at < self.end)?;
        let checkpoint = self.checkpoints.range(start + 1..).next().copied().unwrap_or(self.end);
        Some((start + REACTION).min(checkpoint).min(self.end))
    }

    /// The next record before `until`. Record times rise strictly.
    pub fn next(&mut self, until: i64, ledger: &Ledger) -> Option<Record> {
        loop {
            if let Some(mut record) = self.ready.pop_front() {
                self.now = record.at.max(self.now + 1);
                record.at = self.now;
                self.tally.records += 1;
                self.tally.pings += u64::from(record.source == Source::GpsPings);
                return Some(record);
            }
            if self.queue.peek().is_none_or(|Reverse(planned)| planned.at >= until) {
                return None;
            }
            let Reverse(Planned { at, task }) = self.queue.pop()?;
            self.perform(at, task, ledger);
        }
    }

    /// Waybill has decided something.
    pub fn heard(&mut self, event: &Heard) {
        match event {
            Heard::Order(event) => self.answer(event),
            Heard::Shipment(event) => {
                let errands = self.fleet.heard(event);
                self.run(errands);
            }
        }
    }

    fn run(&mut self, errands: Vec<Errand>) {
        for errand in errands {
            match errand {
                Errand::Send { at, source, key, value } => self.plan(at, Task::Send { source, key: Some(key.into()), value }),
                Errand::Again { at, source, key, value } => self.plan(at, Task::Repeat { source, key: Some(key.into()), value }),
                Errand::Broken { at, source, key, value } => {
                    self.tally.broken += 1;
                    self.plan(at, Task::Send { source, key: Some(key.into()), value });
                }
                Errand::Rescue { at, shipment } => {
                    self.plan(at, Task::Rescue { shipment });
                    self.checkpoints.insert(at + 1);
                }
                Errand::Settle { at } => {
                    self.checkpoints.insert(at);
                }
            }
        }
    }

    fn plan(&mut self, at: i64, task: Task) {
        self.queue.push(Reverse(Planned { at, task }));
    }

    fn perform(&mut self, at: i64, task: Task, ledger: &Ledger) {
        match task {
            Task::Send { source, key, value } => self.send(at, source, key, value),
            Task::Repeat { source, key, value } => {
                self.tally.repeated += 1;
                self.ready.push_back(Record { at, source, key, value });
            }
            Task::Place(index) => self.place(at, index),
            Task::Pay { order, surplus } => self.pay(at, &order, surplus),
            Task::FailToPay { order } => self.fail_to_pay(at, &order),
            Task::CallOff { order } => self.call_off(at, &order),
            Task::Ship { order, partly } => self.ship(at, &order, partly),
            Task::Deliver { order } => self.deliver(at, &order),
            Task::SendBack { order } => self.send_back(at, &order),
            Task::Cancellation(index) => self.cancellation(at, index),
            Task::StockTake => self.stock_take(at, ledger),
            Task::Damage => self.damage(at, ledger),
            Task::Transfers => self.transfers(at, ledger),
            Task::ShipUnpaid => self.ship_unpaid(at),
            Task::Load(round) => {
                let (fleet, orders) = (&mut self.fleet, &self.orders);
                let errands = fleet.load(at, round, |id| orders.get(id).is_some_and(Order::is_to_go));
                self.run(errands);
            }
            Task::Rescue { shipment } => {
                let errands = self.fleet.rescue(at, &shipment);
                self.run(errands);
            }
        }
    }

    fn send(&mut self, at: i64, source: Source, key: Option<Vec<u8>>, value: Vec<u8>) {
        self.ready.push_back(Record { at, source, key, value });
    }

    /// Sends a record that carries an id; now and then its system sends it once more, not knowing whether it arrived.
    fn send_once_or_twice(&mut self, at: i64, source: Source, key: &str, value: Vec<u8>) {
        if self.rng.random_ratio(1, 100) {
            let later = at + self.rng.random_range(60_000..REACTION);
            self.plan(later, Task::Repeat { source, key: Some(key.into()), value: value.clone() });
        }
        self.send(at, source, Some(key.into()), value);
    }

    /// A number that no other id of this run has.
    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }
}

/// Independent draws for each `stream` of a seed.
pub(super) fn generator(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

/// A time between so many hours, in milliseconds.
fn hours(rng: &mut ChaCha8Rng, from: i64, to: i64) -> i64 {
    rng.random_range(from * 3600..to * 3600) * 1000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::fleet::streets::Streets;
    use crate::demo::invoices;
    use crate::log::memory::{Clock, MemoryBroker};

    fn shop(history: &History, seed: u64) -> Shop {
        Shop::new(history, Fleet::new(Streets::open().unwrap(), seed), seed).unwrap()
    }

    fn first_day(seed: u64) -> Vec<Record> {
        let history = invoices::read().unwrap();
        let mut shop = shop(&history, seed);
        let broker = MemoryBroker::new(Clock::Manual(0));
        for topic in ["order-events", "stock-movements", "dead-letters", "dispatches", "shipment-events", "ping-verdicts"] {
            broker.create_topic(topic, 1).unwrap();
        }
        let ledger = Ledger::new(&broker).unwrap();
        let until = history.orders[0].at + 12 * HOUR;
        std::iter::from_fn(|| shop.next(until, &ledger)).collect()
    }

    #[test]
    fn the_seed_decides_everything_and_time_only_rises() {
        let records = first_day(7);
        assert!(records.len() > 2_500, "{}", records.len());
        assert!(records.is_sorted_by(|a, b| a.at < b.at));
        assert_eq!(records, first_day(7));
        assert_ne!(records, first_day(8));
    }

    #[test]
    fn orders_carry_the_invoices_lines() {
        let history = invoices::read().unwrap();
        let records = first_day(1);
        let placed = records.iter().find(|r| r.source == Source::Orders && r.key.as_deref() == Some(b"536365")).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&placed.value).unwrap();
        assert_eq!((value["type"].as_str(), value["customer_id"].as_str()), (Some("place"), Some("17850")));
        assert_eq!(value["lines"].as_array().unwrap().len(), history.orders[0].lines.len());
        assert_eq!((value["lines"][0]["sku"].as_str(), value["lines"][0]["quantity"].as_i64()), (Some("85123A"), Some(6)));
    }
}
