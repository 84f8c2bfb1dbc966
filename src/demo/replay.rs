//! The days at full speed: sends what the shop has planned, waits for the decisions, lets the shop answer, goes on.

use std::time::{Duration, Instant};

use state::Stores;

use super::Error;
use super::engine::Engine;
use super::ledger::Ledger;
use super::progress::Progress;
use super::shop::Shop;
use crate::engine::Stop;

/// Source records that may wait for their decision.
const MOST_UNDECIDED: i64 = 1_000;
const LOOK: Duration = Duration::from_micros(200);

/// What the replay took.
#[derive(Clone, Copy, Debug)]
pub struct Replayed {
    /// Source records.
    pub records: u64,
    pub movements: u64,
    pub took: Duration,
}

/// `None`: it was told to stop.
pub fn run<S: Stores + Sync>(engine: &mut Engine<S>, shop: &mut Shop, ledger: &mut Ledger, halt: &Stop) -> Result<Option<Replayed>, Error> {
    let mut progress = Progress::new();
    let began = Instant::now();
    while let Some(until) = shop.next_window() {
        let mut undecided = engine.undecided();
        while let Some(record) = shop.next(until, ledger) {
            while undecided >= MOST_UNDECIDED {
                engine.check()?;
                std::thread::sleep(LOOK);
                undecided = engine.undecided();
            }
            engine.put(&record)?;
            undecided += 1;
        }
        for event in engine.settle(ledger)? {
            shop.heard(&event);
        }
        let orders = ledger.count("accepted") + ledger.count("rejected");
        progress.show(shop.now(), shop.tally.records, orders, ledger.fleet.judged(), ledger.fleet.vehicles());
        if halt.is_set() {
            return Ok(None);
        }
    }
    let took = began.elapsed();
    progress.done();
    let movements = ledger.moved.values().map(|sum| sum.times).sum();
    Ok(Some(Replayed { records: shop.tally.records, movements, took }))
}
