//! One worker's life in a coroutine. Before every call on the log it hands control back, so that others run and time
//! passes between any two calls; it may be left standing there, killed there, or go on much later as a zombie.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use corosensei::{Coroutine, CoroutineResult, Yielder};
use waybill::clock::Clock;
use waybill::engine::plan::Plan;
use waybill::engine::{Fault, Options, Parking, Stop, Worker};
use waybill::log::memory::{ClientId, CommitFault, MemoryBroker, MemoryConfig, MemoryLog, MemoryMessage, MemoryReader};
use waybill::log::{Commit, Event, Log, LogError, Message, Progress, Reader, Topics, Tp, Transaction};
use waybill::metrics::Metrics;

use crate::disk::{Disk, DiskStore};
use crate::tally::{Tally, kind_of};
use crate::world::BEGIN;

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
    flying: Cell<Option<CommitFault>>,
    /// One offset of a commit whose end is not known.
    doubtful: Cell<Option<(Tp, i64)>>,
    sent: Cell<Option<(Tp, i64)>>,
    /// Reads of a changelog until the process dies; 0: never.
    crash_in_restore: Arc<AtomicU32>,
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

/// A worker's log: the in-memory one, with a pause before every call.
struct SimLog<'y> {
    inner: MemoryLog,
    yielder: &'y Yielder<(), ()>,
    link: Rc<Link>,
    time: Time,
    tally: Tally,
    topics: Arc<Topics>,
    slot: usize,
    verbose: bool,
}

impl SimLog<'_> {
    fn say(&self, what: impl FnOnce() -> String) {
        if self.verbose {
            eprintln!("{:>9}    {} #{} {}", self.time.now() - BEGIN, self.slot, self.inner.client().0, what());
        }
    }

    fn show(&self, tp: Tp) -> String {
        self.topics.show(tp).to_string()
    }

    fn pause_before_call(&self) {
        self.yielder.suspend(());
    }

    /// Counts the fault that a commit has met by now, and stands still if that was it.
    fn after_call(&self) {
        let Some(fault) = self.link.flying.get() else { return };
        let faults = self.time.broker.faults();
        let landed = match fault {
            CommitFault::Crash(_) => self.inner.is_crashed(),
            CommitFault::Stall(_) => faults.is_paused(self.inner.client()),
            CommitFault::Fail(_) | CommitFault::EndLate(_) => false,
        };
        if landed {
            self.landed(fault);
        }
        if faults.is_paused(self.inner.client()) {
            self.yielder.suspend(());
        }
    }

    fn landed(&self, fault: CommitFault) {
        self.link.flying.set(None);
        self.tally.add(kind_of(fault));
    }
}

impl Log for SimLog<'_> {
    type Message = MemoryMessage;
    type Reader = SimReader;

    fn poll(&mut self, _wait: Duration, most: usize, events: &mut Vec<Event<MemoryMessage>>) -> Result<(), LogError> {
        self.pause_before_call();
        let from = events.len();
        let polled = self.inner.poll(Duration::ZERO, most, events);
        for event in &events[from..] {
            match event {
                Event::Assigned(partitions) => self.link.assigned.borrow_mut().clone_from(partitions),
                Event::Lost => self.tally.add("partitions lost"),
                Event::Record(m) => self.say(|| format!("reads {} at {}", self.show(m.tp()), m.offset())),
                Event::End { tp, next } => self.say(|| format!("reads {} to its end {next}", self.show(*tp))),
                _ => {}
            }
        }
        if matches!(&polled, Err(LogError::Retry(_))) {
            self.tally.add("poll failed");
        }
        self.after_call();
        polled
    }

    fn assign(&mut self, partitions: &[Tp], paused: &[Tp]) -> Result<Vec<(Tp, i64)>, LogError> {
        self.pause_before_call();
        let starts = count_failed(&self.tally, self.inner.assign(partitions, paused));
        self.say(|| {
            format!(
                "is assigned {}",
                starts.iter().flatten().map(|(tp, at)| format!("{}@{at}", self.show(*tp))).collect::<Vec<_>>().join(" ")
            )
        });
        starts
    }

    fn unassign(&mut self) -> Result<(), LogError> {
        self.pause_before_call();
        self.say(|| "gives its partitions back".into());
        self.inner.unassign()
    }

    fn pause(&mut self, partitions: &[Tp]) -> Result<(), LogError> {
        self.pause_before_call();
        count_failed(&self.tally, self.inner.pause(partitions))
    }

    fn resume(&mut self, partitions: &[Tp]) -> Result<(), LogError> {
        self.pause_before_call();
        count_failed(&self.tally, self.inner.resume(partitions))
    }

    fn commit(&mut self, transaction: Transaction) {
        self.pause_before_call();
        self.link.sent.set(transaction.offsets.first().copied());
        if let Some(fault) = self.link.armed.take() {
            self.time.broker.faults().next_commit(self.inner.client(), fault);
            self.link.flying.set(Some(fault));
        }
        self.say(|| {
            let mut records: BTreeMap<Tp, u32> = BTreeMap::new();
            for record in &transaction.records {
                *records.entry(record.tp).or_default() += 1;
            }
            let records: Vec<_> = records.iter().map(|(tp, n)| format!("{}×{n}", self.show(*tp))).collect();
            let offsets: Vec<_> = transaction.offsets.iter().map(|(tp, at)| format!("{}@{at}", self.show(*tp))).collect();
            format!("commits {} with {}", records.join(" "), offsets.join(" "))
        });
        self.inner.commit(transaction);
        self.after_call();
    }

    fn committed(&mut self) -> Option<Commit> {
        self.pause_before_call();
        if self.inner.is_crashed() {
            // The commit would go on in the model; a dead process sends nothing more.
            return Some(Commit::Failed { error: LogError::Fatal("simulated crash".into()) });
        }
        let commit = self.inner.committed();
        match &commit {
            Some(Commit::Failed { error }) => {
                self.say(|| format!("has failed to commit: {error}"));
                self.link.doubtful.set(self.link.sent.take());
                if let Some(fault) = self.link.flying.get()
                    && matches!(fault, CommitFault::Fail(_) | CommitFault::EndLate(_))
                {
                    self.landed(fault);
                }
            }
            Some(Commit::Done { ends, .. }) => {
                self.say(|| {
                    format!(
                        "has committed to {}",
                        ends.iter().map(|(tp, end)| format!("{}@{end}", self.show(*tp))).collect::<Vec<_>>().join(" ")
                    )
                });
                self.link.sent.set(None);
            }
            None => {}
        }
        self.after_call();
        commit
    }

    fn recover(&mut self) -> Result<Vec<(Tp, i64)>, LogError> {
        self.pause_before_call();
        let starts = count_failed(&self.tally, self.inner.recover())?;
        if let Some((tp, sent)) = self.link.doubtful.take()
            && let Some((_, start)) = starts.iter().find(|(at, _)| *at == tp)
        {
            self.tally.add(if *start == sent { "doubtful commit was applied" } else { "doubtful commit was not applied" });
        }
        Ok(starts)
    }

    fn ends(&mut self, partitions: &[Tp]) -> Result<Vec<i64>, LogError> {
        self.pause_before_call();
        count_failed(&self.tally, self.inner.ends(partitions))
    }

    fn group_offsets(&mut self, partitions: &[Tp]) -> Result<Vec<Option<i64>>, LogError> {
        self.pause_before_call();
        count_failed(&self.tally, self.inner.group_offsets(partitions))
    }

    fn known_end(&self, tp: Tp) -> Option<i64> {
        self.inner.known_end(tp)
    }

    fn reader(&self, tp: Tp, from: i64) -> Result<SimReader, LogError> {
        self.pause_before_call();
        let inner = count_failed(&self.tally, self.inner.reader(tp, from))?;
        self.say(|| format!("restores {} from {from} to {}", self.show(tp), inner.progress().end));
        Ok(SimReader {
            inner,
            client: self.inner.client(),
            time: self.time.clone(),
            crash_in: Arc::clone(&self.link.crash_in_restore),
            tally: self.tally.clone(),
        })
    }

    fn close(&mut self) {
        self.pause_before_call();
        self.inner.close();
    }
}

fn count_failed<T>(tally: &Tally, result: Result<T, LogError>) -> Result<T, LogError> {
    if matches!(&result, Err(LogError::Retry(why)) if why.starts_with("simulated")) {
        tally.add("call failed");
    }
    result
}

/// Reads a changelog. It may run in another thread, so it cannot hand control back: where it must wait, time passes.
struct SimReader {
    inner: MemoryReader,
    client: ClientId,
    time: Time,
    crash_in: Arc<AtomicU32>,
    tally: Tally,
}

impl Reader for SimReader {
    fn progress(&self) -> Progress {
        self.inner.progress()
    }

    fn next(&mut self, each: &mut dyn FnMut(i64, &[u8], Option<&[u8]>)) -> Result<Progress, LogError> {
        let reads = self.crash_in.load(Ordering::Relaxed);
        if reads > 0 {
            self.crash_in.store(reads - 1, Ordering::Relaxed);
            if reads == 1 {
                self.time.broker.faults().crash(self.client);
                self.tally.add("crash in a restore");
            }
        }
        let before = self.inner.progress().position;
        let progress = self.inner.next(each)?;
        if progress.position == before && !progress.is_complete() {
            self.time.advance(50);
        }
        Ok(progress)
    }
}
