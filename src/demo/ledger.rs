//! A consumer of `order-events`, `stock-movements` and `dead-letters` that keeps the books, the fleet's among them: what a
//! shop's own system would know from them. It believes what it reads; whether that is right is the auditor's question.

use std::collections::BTreeMap;
use std::time::Duration;

use schemas::{Source, Timestamp};
use serde::Deserialize;

use super::Error;
use super::fleet::logbook::{Logbook, Told};
use crate::log::memory::{Follower, MemoryBroker, MemoryRecord};

/// Records taken at once.
const PAGE: usize = 1_000;

/// What Waybill has said that somebody here answers to.
#[derive(Clone, Debug)]
pub enum Heard {
    Order(OrderHeard),
    Shipment(Told),
}

/// An order event, as far as the shop answers to it.
#[derive(Clone, Debug, Deserialize)]
pub struct OrderHeard {
    pub order_id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub at: Timestamp,
    #[serde(default)]
    pub lines: Vec<HeardLine>,
    pub reason: Option<String>,
    /// Minor units.
    pub amount: Option<i64>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct HeardLine {
    pub sku: String,
    pub quantity: i64,
}

#[derive(Deserialize)]
struct Movement {
    sku: String,
    location: String,
    kind: String,
    quantity: i64,
    on_hand: i64,
    reserved: i64,
    seq: u64,
    shortage: Option<i64>,
    #[serde(default)]
    orders_at_risk: Vec<String>,
}

/// How often, and how many units or how much money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    pub times: u64,
    pub total: i64,
}

impl Sum {
    fn add(&mut self, amount: i64) {
        self.times += 1;
        self.total += amount;
    }
}

/// One SKU.
#[derive(Clone, Debug, Default)]
pub struct Item {
    /// By place: on hand, reserved.
    pub places: BTreeMap<String, (i64, i64)>,
    pub sold: i64,
    pub seq: u64,
}

impl Item {
    pub fn on_hand(&self) -> i64 {
        self.places.values().map(|(on_hand, _)| on_hand).sum()
    }

    pub fn reserved(&self) -> i64 {
        self.places.values().map(|(_, reserved)| reserved).sum()
    }

    pub fn available(&self) -> i64 {
        self.on_hand() - self.reserved()
    }
}

#[derive(Debug)]
pub struct Ledger {
    order_events: Follower,
    movements: Follower,
    dead_letters: Follower,
    /// Order events by type.
    pub events: BTreeMap<String, u64>,
    pub refused: BTreeMap<String, u64>,
    /// Pence by reason.
    pub refunds: BTreeMap<String, Sum>,
    /// Pence.
    pub paid: Sum,
    /// Units by kind of movement.
    pub moved: BTreeMap<String, Sum>,
    /// Units that counts and damage revealed to be held and not there.
    pub shortages: Sum,
    pub orders_at_risk: u64,
    pub dead: BTreeMap<String, u64>,
    /// Pings among them.
    pub dead_pings: u64,
    pub fleet: Logbook,
    pub items: BTreeMap<String, Item>,
}

impl Ledger {
    pub fn new(broker: &MemoryBroker) -> Result<Ledger, Error> {
        Ok(Ledger {
            order_events: broker.follow("order-events", true)?,
            movements: broker.follow("stock-movements", true)?,
            dead_letters: broker.follow("dead-letters", true)?,
            events: BTreeMap::new(),
            refused: BTreeMap::new(),
            refunds: BTreeMap::new(),
            paid: Sum::default(),
            moved: BTreeMap::new(),
            shortages: Sum::default(),
            orders_at_risk: 0,
            dead: BTreeMap::new(),
            dead_pings: 0,
            fleet: Logbook::new(broker)?,
            items: BTreeMap::new(),
        })
    }

    /// Takes what has come since; the events of orders and shipments among it.
    pub fn read(&mut self) -> Result<Vec<Heard>, Error> {
        let mut heard: Vec<OrderHeard> = vec![];
        drain(&mut self.order_events, |record| {
            heard.push(serde_json::from_slice(record.value().unwrap_or_default())?);
            Ok(())
        })?;
        for event in &heard {
            self.event(event);
        }
        let mut moved: Vec<Movement> = vec![];
        drain(&mut self.movements, |record| {
            moved.push(serde_json::from_slice(record.value().unwrap_or_default())?);
            Ok(())
        })?;
        for movement in moved {
            self.movement(movement);
        }
        let (dead, dead_pings) = (&mut self.dead, &mut self.dead_pings);
        drain(&mut self.dead_letters, |record| {
            let headers = record.headers();
            // What the producer has sent comes first.
            let header =
                |wanted: &str| headers.iter().rev().find(|(name, _)| *name == wanted).and_then(|(_, value)| *value).unwrap_or_default();
            *dead.entry(String::from_utf8_lossy(header("waybill.error.reason")).into_owned()).or_default() += 1;
            *dead_pings += u64::from(header("waybill.source.topic") == Source::GpsPings.name().as_bytes());
            Ok(())
        })?;
        let told = self.fleet.read()?;
        Ok(heard.into_iter().map(Heard::Order).chain(told.into_iter().map(Heard::Shipment)).collect())
    }

    fn event(&mut self, event: &OrderHeard) {
        let reason = || event.reason.clone().unwrap_or_default();
        *self.events.entry(event.kind.clone()).or_default() += 1;
        match &*event.kind {
            "rejected" => *self.refused.entry(reason()).or_default() += 1,
            "refund_required" => self.refunds.entry(reason()).or_default().add(event.amount.unwrap_or(0)),
            "paid" => self.paid.add(event.amount.unwrap_or(0)),
            _ => {}
        }
    }

    fn movement(&mut self, movement: Movement) {
        if let Some(shortage) = movement.shortage {
            self.shortages.add(shortage);
            self.orders_at_risk += movement.orders_at_risk.len() as u64;
        }
        let item = self.items.entry(movement.sku).or_default();
        item.places.insert(movement.location, (movement.on_hand, movement.reserved));
        item.seq = item.seq.max(movement.seq);
        if movement.kind == "sold" {
            item.sold += movement.quantity;
        }
        self.moved.entry(movement.kind).or_default().add(movement.quantity);
    }

    pub fn count(&self, event: &str) -> u64 {
        self.events.get(event).copied().unwrap_or(0)
    }

    pub fn units(&self, movement: &str) -> Sum {
        self.moved.get(movement).copied().unwrap_or_default()
    }

    /// Units held now.
    pub fn open_holds(&self) -> i64 {
        self.items.values().map(Item::reserved).sum()
    }
}

/// Hands over what has come since.
pub fn drain(follower: &mut Follower, mut each: impl FnMut(&MemoryRecord) -> Result<(), Error>) -> Result<(), Error> {
    loop {
        let page = follower.next(Duration::ZERO, PAGE);
        if page.is_empty() {
            return Ok(());
        }
        page.iter().try_for_each(&mut each)?;
    }
}

/// The last level of each SKU.
pub struct Levels {
    follower: Follower,
    versions: BTreeMap<String, u64>,
}

impl Levels {
    /// Follows the levels from their beginning.
    pub fn new(broker: &MemoryBroker) -> Result<Levels, Error> {
        Ok(Levels { follower: broker.follow("stock-levels", true)?, versions: BTreeMap::new() })
    }

    /// Every SKU's last level tells of its last movement.
    pub fn are_final(&mut self, ledger: &Ledger) -> Result<bool, Error> {
        #[derive(Deserialize)]
        struct Level {
            sku: String,
            version: u64,
        }
        let versions = &mut self.versions;
        drain(&mut self.follower, |record| {
            let level: Level = serde_json::from_slice(record.value().unwrap_or_default())?;
            versions.insert(level.sku, level.version);
            Ok(())
        })?;
        Ok(ledger.items.iter().all(|(sku, item)| self.versions.get(sku) == Some(&item.seq)))
    }
}
