//! The loop of a worker that commits (offsets, flush, end) on a second thread and reads on meanwhile. What it makes of
//! what it reads then waits until the transaction before has ended: there is one at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::batch::{Batch, Outputs, Positions, Statistics};
use crate::run::LONGEST;
use crate::stop;
use crate::worker::{MOST_MESSAGES, Settings, Worker};

pub(crate) fn run_pipeline(worker: &mut Worker, settings: &Settings) {
    worker.consumer.wake(thread::current());
    let committer = Committer::start(worker);
    let mut open = Open::new();
    while !stop::is_due(settings.stop_after) {
        let in_flight = committer.is_busy();
        if !in_flight && !open.begun && !settings.offsets_first && open.records > 0 {
            // The commit returned while outputs were waiting.
            worker.producer.begin();
            open.begun = true;
            open.outputs.produce_all(&worker.producer);
        }
        let got = open.read(worker, settings, in_flight);
        if !in_flight && open.is_due(settings, got) {
            committer.commit(open.take(settings));
            continue;
        }
        if got == 0 {
            // Whichever comes first: a message, the end of the commit, or the time to look at the clock.
            let waits = open.records > 0 && !in_flight;
            thread::park_timeout(Duration::from_millis(if waits { 1 } else { 100 }));
        }
    }
    worker.statistics = committer.finish();
}

/// What was read and is not with the committer yet.
struct Open {
    positions: Positions,
    records: u64,
    began: Instant,
    /// Whether its transaction is open and its outputs are produced; else they wait.
    begun: bool,
    outputs: Outputs,
}

impl Open {
    fn new() -> Open {
        Open { positions: Positions::default(), records: 0, began: Instant::now(), begun: false, outputs: Outputs::default() }
    }

    /// Reads what there is room for; returns how many messages that was.
    fn read(&mut self, worker: &mut Worker, settings: &Settings, in_flight: bool) -> usize {
        let room = settings.batch.saturating_sub(self.records as usize);
        if room == 0 {
            return 0;
        }
        let got = worker.poll(room.min(MOST_MESSAGES), Duration::ZERO, settings.one_by_one);
        if got == 0 {
            return 0;
        }
        if self.records == 0 {
            self.began = Instant::now();
            if !in_flight && !settings.offsets_first && !self.begun {
                worker.producer.begin();
                self.begun = true;
            }
        }
        let Open { positions, begun, outputs, .. } = self;
        self.records += worker.handle(positions, |producer, topic, key, value| {
            if *begun {
                producer.produce(topic, key, value);
            } else {
                outputs.push(topic, key, value);
            }
        });
        got
    }

    fn is_due(&self, settings: &Settings, got: usize) -> bool {
        if self.records == 0 || !(self.begun || settings.offsets_first) {
            return false;
        }
        let open = self.began.elapsed();
        let is_full = self.records as usize >= settings.batch;
        is_full || settings.commit_every.map_or(got == 0 || open > LONGEST, |every| open >= every)
    }

    fn take(&mut self, settings: &Settings) -> Batch {
        self.begun = false;
        Batch {
            positions: std::mem::take(&mut self.positions),
            records: std::mem::take(&mut self.records),
            began: self.began,
            outputs: settings.offsets_first.then(|| std::mem::take(&mut self.outputs)),
        }
    }
}

/// The second thread.
struct Committer {
    batches: Sender<Batch>,
    busy: Arc<AtomicBool>,
    thread: JoinHandle<Statistics>,
}

impl Committer {
    /// Unparks the calling thread after every commit.
    fn start(worker: &Worker) -> Committer {
        let (batches, given) = channel::<Batch>();
        let busy = Arc::new(AtomicBool::new(false));
        let (producer, consumer) = (Arc::clone(&worker.producer), Arc::clone(&worker.consumer));
        let (done, caller) = (Arc::clone(&busy), thread::current());
        let thread = thread::spawn(move || {
            let mut statistics = Statistics::default();
            for batch in given {
                batch.commit(&producer, &consumer, &mut statistics);
                done.store(false, Ordering::Release);
                caller.unpark();
            }
            statistics
        });
        Committer { batches, busy, thread }
    }

    fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire)
    }

    fn commit(&self, batch: Batch) {
        self.busy.store(true, Ordering::Release);
        self.batches.send(batch).expect("the committer has said why it failed");
    }

    fn finish(self) -> Statistics {
        drop(self.batches);
        self.thread.join().expect("the committer has said why it failed")
    }
}
