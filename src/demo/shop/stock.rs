//! The warehouse: goods that come, break, move between its two places, and are counted. The invoices tell none of it;
//! how much there is follows from how much will be asked for, so that some goods run out.

use std::collections::BTreeMap;

use rand::RngExt;
use schemas::Source;

use super::{DAY, HOUR, Shop, Task, generator, hours, records};
use crate::demo::ledger::{Item, Ledger};

/// Where goods are sold from …
const SHELF: &str = "main";
/// … and where some more are kept.
const ANNEX: &str = "annex";
/// Draws of SKUs; those of orders are below.
const STREAMS: u64 = 1 << 32;

/// Of a thousand SKUs: those that are new and come later, and those of which there is too little.
const NEW: u32 = 2;
const SCARCE: u32 = 35;
/// SKUs counted at a stock-take.
const COUNTED: usize = 60;
/// SKUs moved from the annex in a night.
const MOVED: usize = 12;
const DAMAGED_A_DAY: i64 = 6;

impl Shop {
    /// `demand`: units that will be ordered of each SKU; `midnight`: when the first day begins.
    pub(super) fn plan_stock(&mut self, demand: &BTreeMap<&str, i64>, midnight: i64, seed: u64) {
        for ((index, sku), demand) in demand.keys().enumerate().zip(demand.values()) {
            let mut rng = generator(seed, STREAMS + index as u64);
            let part = |tenths: i64| (demand * tenths + 9) / 10;
            let draw = rng.random_range(0..1000);
            let opening = if draw < NEW {
                0
            } else if draw < NEW + SCARCE {
                part(rng.random_range(3..9))
            } else {
                part(rng.random_range(11..22)) + 2
            };
            if opening > 0 {
                self.receive(midnight + 6 * HOUR, sku, SHELF, opening);
            }
            if draw >= NEW + SCARCE && rng.random_ratio(1, 12) {
                self.receive(midnight + 6 * HOUR, sku, ANNEX, part(4));
            }
            let comes = midnight + rng.random_range(2..6) * DAY + hours(&mut rng, 6, 12);
            if draw < NEW || (draw < NEW + SCARCE && rng.random_bool(0.7)) {
                self.announce(comes, sku, part(rng.random_range(6..13)));
            } else if rng.random_ratio(1, 40) {
                self.announce(comes, sku, part(rng.random_range(2..6)));
            }
        }
        let days = (self.end - midnight) / DAY;
        for day in 0..days {
            let morning = midnight + day * DAY;
            self.plan(morning + 5 * HOUR, Task::Transfers);
            for _ in 0..DAMAGED_A_DAY {
                let at = morning + hours(&mut self.rng, 9, 17);
                self.plan(at, Task::Damage);
            }
            let evening = morning + 21 * HOUR;
            self.checkpoints.insert(evening);
            self.plan(evening, Task::StockTake);
        }
    }

    fn receive(&mut self, at: i64, sku: &str, location: &str, quantity: i64) {
        let id = format!("R-{}", self.number());
        self.later(at, sku, records::restock("received", &id, sku, location, quantity));
    }

    /// A delivery that is announced two days before it comes; sometimes there is less in it.
    fn announce(&mut self, comes: i64, sku: &str, quantity: i64) {
        let id = format!("R-{}", self.number());
        let arrived = if self.rng.random_ratio(1, 10) { (quantity * 9 / 10).max(1) } else { quantity };
        self.later(comes - 2 * DAY + HOUR, sku, records::restock("expected", &id, sku, SHELF, quantity));
        self.later(comes, sku, records::restock("received", &id, sku, SHELF, arrived));
    }

    fn later(&mut self, at: i64, sku: &str, value: Vec<u8>) {
        let key = Some(sku.as_bytes().to_vec());
        if self.rng.random_ratio(1, 200) {
            self.plan(at + 20 * 60_000, Task::Repeat { source: Source::Restocks, key: key.clone(), value: value.clone() });
        }
        self.plan(at, Task::Send { source: Source::Restocks, key, value });
    }

    /// What is on the shelves, counted by people: mostly right. Twice a large part of what is held is not there.
    pub(super) fn stock_take(&mut self, at: i64, ledger: &Ledger) {
        let on_shelf = |(sku, item): (&String, &Item)| item.places.get(SHELF).map(|(on_hand, held)| (sku.clone(), *on_hand, *held));
        let shelves: Vec<(String, i64, i64)> = ledger.items.iter().filter_map(on_shelf).filter(|(_, on_hand, _)| *on_hand >= 0).collect();
        let mut counted = BTreeMap::new();
        for _ in 0..COUNTED.min(shelves.len()) {
            let (sku, on_hand, _) = &shelves[self.rng.random_range(0..shelves.len())];
            let variance = match self.rng.random_range(0..20) {
                0..15 => 0,
                15..19 => -self.rng.random_range(1..4),
                _ => self.rng.random_range(1..3),
            };
            counted.insert(sku.clone(), (on_hand + variance).max(0));
        }
        if self.rng.random_bool(0.4)
            && let Some((sku, _, held)) =
                shelves.iter().max_by_key(|(_, on_hand, held)| (held * 1000) / (on_hand + 1)).filter(|(_, _, held)| *held > 1)
        {
            counted.insert(sku.clone(), held / 2);
        }
        for (sku, counted) in counted {
            let id = format!("K-{}", self.number());
            let value = records::count(&id, &sku, SHELF, counted, at);
            self.send_once_or_twice(at, Source::StockCounts, &sku, value);
        }
    }

    pub(super) fn damage(&mut self, at: i64, ledger: &Ledger) {
        let whole: Vec<&String> = ledger.items.iter().filter(|(_, item)| item.available() > 2).map(|(sku, _)| sku).collect();
        if whole.is_empty() {
            return;
        }
        let sku = whole[self.rng.random_range(0..whole.len())].clone();
        let units = self.rng.random_range(1..3);
        let id = format!("D-{}", self.number());
        let value = records::restock("damaged", &id, &sku, SHELF, units);
        self.send_once_or_twice(at, Source::Restocks, &sku, value);
    }

    /// What is free in the annex, to the shelf where there is least.
    pub(super) fn transfers(&mut self, at: i64, ledger: &Ledger) {
        let free = |(sku, item): (&String, &Item)| {
            let (on_hand, held) = item.places.get(ANNEX)?;
            let (at_shelf, shelf_held) = item.places.get(SHELF)?;
            (on_hand > held).then(|| (at_shelf - shelf_held, sku.clone(), on_hand - held))
        };
        let mut free: Vec<(i64, String, i64)> = ledger.items.iter().filter_map(free).collect();
        free.sort();
        for (_, sku, units) in free.into_iter().take(MOVED) {
            let id = format!("T-{}", self.number());
            let value = records::transfer(&id, &sku, ANNEX, SHELF, units);
            self.send_once_or_twice(at, Source::Restocks, &sku, value);
        }
    }
}
