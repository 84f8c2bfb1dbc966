//! The loops of a worker that commits between two batches, and of one without transactions. `pipeline.rs` has the one
//! that reads on while it commits.

use std::time::{Duration, Instant};

use crate::batch::{Batch, Outputs, Positions};
use crate::client::Producer;
use crate::stop;
use crate::worker::{MOST_MESSAGES, Settings, Worker};

/// A transaction that is to end when nothing is left to read ends after this at the latest.
pub(crate) const LONGEST: Duration = Duration::from_millis(200);

/// A commit after each batch.
pub(crate) fn run_serial(worker: &mut Worker, settings: &Settings) {
    while !stop::is_due(settings.stop_after) {
        if worker.poll(settings.batch.min(MOST_MESSAGES), Duration::from_millis(100), settings.one_by_one) == 0 {
            continue;
        }
        let began = Instant::now();
        if !settings.offsets_first {
            worker.producer.begin();
        }
        let mut batch =
            Batch { positions: Positions::default(), records: 0, began, outputs: settings.offsets_first.then(Outputs::default) };
        fill(worker, settings, &mut batch);
        if batch.records > 0 {
            batch.commit(&worker.producer, &worker.consumer, &mut worker.statistics);
        } else if !settings.offsets_first {
            // Only complaints came. Nothing is to be committed, but the transaction is open; an empty one asks no broker.
            worker.producer.commit();
        }
    }
}

/// Takes what was polled, and more until the batch is full, its time is up or nothing is left.
fn fill(worker: &mut Worker, settings: &Settings, batch: &mut Batch) {
    take(worker, batch);
    while (batch.records as usize) < settings.batch {
        let Some(wait) = wait_for_more(settings, batch.began.elapsed()) else { break };
        let room = (settings.batch - batch.records as usize).min(MOST_MESSAGES);
        if worker.poll(room, wait, settings.one_by_one) == 0 && settings.commit_every.is_none() {
            break;
        }
        take(worker, batch);
    }
}

fn take(worker: &mut Worker, batch: &mut Batch) {
    batch.records += match &mut batch.outputs {
        Some(outputs) => worker.handle(&mut batch.positions, |_, topic, key, value| outputs.push(topic, key, value)),
        None => worker.handle(&mut batch.positions, Producer::produce),
    };
}

/// How long a transaction that has been open for so long may wait for more; `None`: it is to end.
fn wait_for_more(settings: &Settings, open: Duration) -> Option<Duration> {
    match settings.commit_every {
        // librdkafka waits for whole milliseconds.
        Some(every) => every.checked_sub(open).filter(|left| left.as_millis() > 0),
        None => (open <= LONGEST).then_some(Duration::ZERO),
    }
}

/// At least once: every 100 ms a flush, and then the offsets.
pub(crate) fn run_plain(worker: &mut Worker, settings: &Settings) {
    let mut positions = Positions::default();
    let mut committed = Instant::now();
    let mut is_new = false;
    while !stop::is_due(settings.stop_after) {
        if worker.poll(MOST_MESSAGES, Duration::from_millis(20), settings.one_by_one) > 0 {
            let records = worker.handle(&mut positions, Producer::produce);
            worker.statistics.records += records;
            is_new |= records > 0;
            stop::count(records);
        }
        worker.producer.poll(Duration::ZERO);
        if is_new && committed.elapsed() > Duration::from_millis(100) {
            worker.producer.flush();
            worker.consumer.commit(&positions.offsets());
            worker.statistics.transactions += 1;
            committed = Instant::now();
            is_new = false;
        }
    }
    worker.producer.flush();
}
