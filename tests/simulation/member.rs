//! One worker's life in a coroutine. Before every call on the log it hands control back, so that others run and time
//! passes between any two calls; it may be left standing there, killed there, or go on much later as a zombie.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use corosensei::{Coroutine, CoroutineResult, Yielder};
use waybill::clock::Clock;
use waybill::engine::plan::Plan;
use waybill::engine::{Fault, Options, Parking, Stop, Worker};
use waybill::log::memory::{ClientId, CommitFault, MemoryBroker, MemoryConfig, MemoryLog};
use waybill::log::{LogError, Tp};
use waybill::metrics::Metrics;

use crate::disk::{Disk, DiskStore};
use crate::log::SimLog;
use crate::tally::Tally;

/// The broker's clock and the workers', which show the same.
#[derive(Clone, Debug)]
pub struct Time {
    pub broker: MemoryBroker,
    pub engine: Arc<AtomicI64>,
}

impl Time {
    pub fn now(&self) -> i64 {
        self.broker.now()
    }

    pub fn advance(&self, ms: i64) {
        self.broker.advance(ms);
        self.engine.store(self.broker.now(), Ordering::Relaxed);
    }
}

/// How a worker's life ended.
#[derive(Debug)]
pub enum End {
    Stopped,
    Failed(Fault),
    /// An assertion of the program did not hold.
    Panicked(String),
}

/// What the scheduler and the worker's log know of each other.
#[derive(Debug)]
pub struct Link {
    pub stop: Stop,
    pub client: Cell<Option<ClientId>>,
    /// Meant for the next commit.
    pub armed: Cell<Option<CommitFault>>,
    /// Under way.
    pub(crate) flying: Cell<Option<CommitFault>>,
    /// One offset of a commit whose end is not known.
    pub(crate) doubtful: Cell<Option<(Tp, i64)>>,
    pub(crate) sent: Cell<Option<(Tp, i64)>>,
    /// Reads of a changelog until the process dies; 0: never.
    pub(crate) crash_in_restore: Arc<AtomicU32>,
    pub ready: Cell<bool>,
    /// As the group has said last.
    pub assigned: RefCell<Vec<Tp>>,
}

/// Everything a worker is started with.
#[derive(Clone)]
pub struct Start {
    pub time: Time,
    pub plan: Arc<Plan>,
    pub config: MemoryConfig,
    pub options: Options,
    pub metrics: Metrics,
    pub disk: Disk,
    /// Of the process that it is a thread of.
    pub parking: Parking<DiskStore>,
    pub tally: Tally,
    /// Tells every call on the log.
    pub verbose: bool,
}

pub struct Member {
    pub slot: usize,
    /// It stands still until then.
    pub wakes_at: Option<i64>,
    /// Another process has taken its place.
    pub replaced: bool,
    pub disk: Disk,
    pub link: Rc<Link>,
    life: Coroutine<(), (), End>,
    time: Time,
}

impl Member {
    pub fn start(slot: usize, start: Start) -> Member {
        let link = Rc::new(Link {
            stop: Stop::default(),
            client: Cell::new(None),
            armed: Cell::new(None),
            flying: Cell::new(None),
            doubtful: Cell::new(None),
            sent: Cell::new(None),
            crash_in_restore: Arc::default(),
            ready: Cell::new(false),
            assigned: RefCell::default(),
        });
        let (shared, disk, time) = (Rc::clone(&link), start.disk.clone(), start.time.clone());
        let life = Coroutine::new(move |yielder: &Yielder<(), ()>, ()| {
            match catch_unwind(AssertUnwindSafe(|| live(yielder, slot, &shared, start))) {
                Ok(Ok(())) => End::Stopped,
                Ok(Err(fault)) => End::Failed(fault),
                Err(panic) => {
                    let text = panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
                    End::Panicked(text.unwrap_or_else(|| "a panic without a message".to_owned()))
                }
            }
        });
        Member { slot, wakes_at: None, replaced: false, disk, link, life, time }
    }

    /// Lets it run to its next call on the log. Its end, if that came first.
    pub fn run(&mut self) -> Option<End> {
        match self.life.resume(()) {
            CoroutineResult::Yield(()) => None,
            CoroutineResult::Return(end) => Some(end),
        }
    }

    /// It dies where it stands.
    pub fn kill(&mut self) -> End {
        // Every call fails from now on; a worker that goes on asking for ever is a fault of its own.
        for _ in 0..1_000 {
            if let Some(client) = self.link.client.get() {
                self.time.broker.faults().resume(client);
                self.time.broker.faults().crash(client);
            }
            if let Some(end) = self.run() {
                return end;
            }
        }
        End::Panicked("a crashed worker does not end".into())
    }

    pub fn is_crashed(&self) -> bool {
        self.link.client.get().is_some_and(|client| self.time.broker.faults().is_crashed(client))
    }

    /// It dies after so many reads of a changelog.
    pub fn crash_in_restore(&self, reads: u32) {
        self.link.crash_in_restore.store(reads, Ordering::Relaxed);
    }

    /// Nothing more befalls it.
    pub fn spare(&self) {
        self.link.armed.set(None);
        self.link.crash_in_restore.store(0, Ordering::Relaxed);
        self.disk.mend();
        if let Some(client) = self.link.client.get() {
            self.time.broker.faults().fail_polls(client, 0);
            self.time.broker.faults().fail_calls(client, 0);
        }
    }
}

/// As `run.rs` drives a worker.
fn live(yielder: &Yielder<(), ()>, slot: usize, link: &Rc<Link>, start: Start) -> Result<(), Fault> {
    let Start { time, plan, config, options, metrics, disk, parking, tally, verbose } = start;
    let inner = MemoryLog::new(&time.broker, config)?;
    link.client.set(Some(inner.client()));
    let clock = Clock::Manual(Arc::clone(&time.engine));
    let log = SimLog { inner, yielder, link: Rc::clone(link), time, tally, topics: Arc::clone(&plan.topics), slot, verbose };
    let mut worker = Worker::new(log, disk, plan, options, clock, metrics, link.stop.clone());
    worker.share(parking);
    let mut ailing = false;
    while !link.stop.is_set() {
        let turn = if ailing { worker.recover() } else { worker.turn(Duration::ZERO) };
        match turn {
            Ok(()) => ailing = false,
            Err(Fault::Log(LogError::Retry(why))) => {
                tracing::warn!("{why}; recovering");
                ailing = true;
            }
            Err(fault) => return Err(fault),
        }
        link.ready.set(!ailing && worker.is_ready());
        yielder.suspend(());
    }
    match worker.close() {
        Err(Fault::Log(LogError::Retry(why))) => {
            tracing::warn!("stopped without a last commit: {why}");
            Ok(())
        }
        other => other,
    }
}
