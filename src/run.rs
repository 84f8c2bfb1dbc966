//! Runs workers on a log until they are told to stop: one thread each. Retries what retrying can mend, stops for what
//! it cannot.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use state::Stores;

use crate::clock::Clock;
use crate::engine::formats::Schemas;
use crate::engine::plan::Plan;
use crate::engine::{Fault, Options, Parking, Query, Stop, Worker};
use crate::log::{Log, LogError};
use crate::metrics::Metrics;

/// What workers tell the process.
#[derive(Debug)]
pub enum Notice {
    /// Every task of this worker decides.
    Ready {
        worker: usize,
    },
    Ended {
        worker: usize,
        result: Result<(), Fault>,
    },
}

/// Running workers.
pub struct Running {
    pub notices: Receiver<Notice>,
    /// A query goes to all; the owner of the key answers.
    pub queries: Vec<Sender<Query>>,
    pub stop: Stop,
    threads: Vec<JoinHandle<()>>,
}

impl Running {
    /// Waits for all workers to end.
    pub fn join(self) {
        for thread in self.threads {
            // A panic was reported by the hook.
            let _ = thread.join();
        }
    }
}

/// What all workers share.
#[derive(Clone)]
pub struct Shared<S> {
    pub plan: Arc<Plan>,
    pub stores: S,
    pub options: Options,
    pub clock: Clock,
    pub metrics: Metrics,
    /// Who knows the schemas of records in Avro.
    pub schemas: Schemas,
}

/// Starts `workers` threads; `open` gives each its hold on the log.
pub fn start<L: Log + 'static, S: Stores + Sync>(
    workers: usize,
    shared: &Shared<S>,
    open: impl Fn(usize) -> Result<L, LogError> + Send + Sync + 'static,
) -> std::io::Result<Running> {
    let stop = Stop::default();
    let (notice, notices) = channel();
    let open = Arc::new(open);
    let parking = Parking::default();
    let mut threads = vec![];
    let mut queries = vec![];
    for worker in 0..workers {
        let (ask, asked) = channel();
        queries.push(ask);
        let (shared, stop, notice, open, parking) = (shared.clone(), stop.clone(), notice.clone(), Arc::clone(&open), parking.clone());
        threads.push(std::thread::Builder::new().name(format!("worker-{worker}")).spawn(move || {
            let result = work(worker, &shared, &stop, &notice, &*open, (asked, parking));
            // Nobody listens any more when the process is ending.
            let _ = notice.send(Notice::Ended { worker, result });
        })?);
    }
    Ok(Running { notices, queries, stop, threads })
}

/// The longest pause between two tries to reach the log.
const MOST_PAUSE: Duration = Duration::from_secs(2);
/// A worker sleeps at most this long, so that it sees a request to stop.
const TURN: Duration = Duration::from_millis(50);

fn work<L: Log, S: Stores>(
    number: usize,
    shared: &Shared<S>,
    stop: &Stop,
    notice: &Sender<Notice>,
    open: &dyn Fn(usize) -> Result<L, LogError>,
    (queries, parking): (Receiver<Query>, Parking<S::Store>),
) -> Result<(), Fault> {
    let Some(log) = open_patiently(number, stop, open)? else { return Ok(()) };
    let mut worker = Worker::new(
        log,
        shared.stores.clone(),
        Arc::clone(&shared.plan),
        shared.options.clone(),
        shared.clock.clone(),
        shared.metrics.clone(),
        stop.clone(),
    );
    worker.answer(queries);
    worker.share(parking);
    worker.ask(shared.schemas.clone());
    let mut ready = false;
    let mut ailing = false;
    let mut pause = Pause::default();
    let mut fences = Fences::default();
    while !stop.is_set() {
        let turn = if ailing { worker.recover() } else { worker.turn(TURN) };
        match turn {
            Ok(()) => {
                if ailing {
                    tracing::info!("recovered; going on from the last commit");
                }
                ailing = false;
                pause = Pause::default();
            }
            Err(Fault::Log(LogError::Retry(why))) => {
                tracing::warn!("{why}; nothing of it is applied, recovering");
                if ailing {
                    pause.wait(stop);
                }
                ailing = true;
            }
            Err(Fault::Log(LogError::Fenced(why))) if fences.another() => {
                tracing::warn!(
                    "{why}: another process runs as this instance, or the group's coordinator has moved and not kept the member. \
                     Taking the place back ({} of {MOST_FENCES} times in {} s)",
                    fences.0.len(),
                    FENCES_SPAN.as_secs()
                );
                worker.leave();
                let Some(log) = open_patiently(number, stop, open)? else { return Ok(()) };
                worker.rejoin(log);
                ailing = false;
            }
            Err(fault) => return Err(fault),
        }
        if !ready && worker.is_ready() {
            ready = true;
            let _ = notice.send(Notice::Ready { worker: number });
        }
    }
    match worker.close() {
        // What could not be committed now is decided again by whoever comes next.
        Err(Fault::Log(LogError::Retry(why))) => {
            tracing::warn!("stopped without a last commit: {why}");
            Ok(())
        }
        other => other,
    }
}

/// A hold on the log, once it can be had; `None`: told to stop before.
fn open_patiently<L>(number: usize, stop: &Stop, open: &dyn Fn(usize) -> Result<L, LogError>) -> Result<Option<L>, Fault> {
    let mut pause = Pause::default();
    loop {
        match open(number) {
            Ok(log) => return Ok(Some(log)),
            Err(LogError::Retry(why)) if !stop.is_set() => {
                tracing::warn!("cannot reach Kafka: {why}; trying again");
                pause.wait(stop);
            }
            Err(LogError::Retry(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
}

/// When this worker was fenced lately. A static member is fenced by a twin, and by mistake: a coordinator that cannot
/// replicate just then, or that took over from one that died, may hold on to a member id that the client has lost (seen
/// on a cluster of three whose nodes died in turn). Who takes the place back tells: a twin fences again, and the one
/// that was first to be fenced is the first to be fenced too often.
#[derive(Default)]
struct Fences(Vec<Instant>);

const MOST_FENCES: usize = 2;
const FENCES_SPAN: Duration = Duration::from_secs(300);

impl Fences {
    /// Counts one more; false when that is too many.
    fn another(&mut self) -> bool {
        self.0.retain(|at| at.elapsed() < FENCES_SPAN);
        self.0.push(Instant::now());
        self.0.len() <= MOST_FENCES
    }
}

/// Pauses that grow.
#[derive(Default)]
struct Pause(u32);

impl Pause {
    fn wait(&mut self, stop: &Stop) {
        let length = Duration::from_millis(50 << self.0.min(6)).min(MOST_PAUSE);
        self.0 += 1;
        let until = Instant::now() + length;
        while Instant::now() < until && !stop.is_set() {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
