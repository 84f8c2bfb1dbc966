//! A worker: one thread, one hold on the log, its tasks. Its loop is the path of every record:
//! poll → inputs → task → commit → store.
//!
//! While a commit runs the worker reads and decides the next batch; it hands that over only after the commit has
//! succeeded. `ownership.rs` has what happens when partitions come and go, `decide.rs` what happens to one record,
//! `commit.rs` what happens to a batch.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use state::{Batch as StoreBatch, Stores};

use super::inputs::Inputs;
use super::message::Message;
use super::options::Options;
use super::parking::Parking;
use super::plan::{ClockMode, Plan, Processor, TaskId};
use super::planning::Planning;
use super::query::Subject;
use super::task::Task;
use super::work::{Context, Fault, Tally};
use super::{timers, views};
use crate::clock::Clock;
use crate::log::{Commit, Event, Log, LogError, Tp, Transaction};
use crate::metrics::Metrics;

/// Where a task of this worker stands.
pub(super) enum Slot<S> {
    /// Not yet: its store is still open elsewhere in the process, or was not there to be read.
    Waiting,
    /// Not yet: its store is being brought up to date.
    Restoring,
    Ready(Task<S>),
}

/// An inbox of a task of this worker: messages may be handed over in memory once it has been read so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inbox {
    /// Everything that this worker's tasks have ever put there is below.
    pub reach: i64,
    /// A message of an uncommitted transaction is on its way there.
    pub sending: bool,
}

/// A batch that is being decided, or committed.
#[derive(Default)]
pub(super) struct Batch {
    pub transaction: Transaction,
    pub touched: BTreeSet<TaskId>,
    pub tally: Tally,
    /// Source records and messages decided.
    pub decided: usize,
    pub began: Option<Instant>,
    /// Inboxes of this worker's own tasks that got messages by way of the log.
    pub sent_to_own: BTreeSet<Tp>,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.decided == 0 && self.transaction.records.is_empty() && self.touched.is_empty()
    }
}

/// A restore that ended on another thread.
pub(super) type Restored<S> = (u64, TaskId, Result<Task<S>, Fault>);

/// A question about committed state, answered between batches.
pub struct Query {
    pub subject: Subject,
    /// A SKU in its one form.
    pub key: Box<str>,
    /// `None`: this worker does not own the key. `Some(None)`: there is nothing under it.
    pub answer: Box<dyn FnOnce(Option<Option<serde_json::Value>>) + Send>,
}

pub struct Worker<L: Log, S: Stores> {
    /// Messages are in the log's memory: this and `events` come before it, so that they are dropped first, however the
    /// worker ends.
    pub(super) inputs: Inputs<L::Message>,
    events: Vec<Event<L::Message>>,
    pub(super) log: L,
    pub(super) stores: S,
    pub(super) plan: Arc<Plan>,
    pub(super) options: Options,
    pub(super) clock: Clock,
    pub(super) metrics: Metrics,
    pub(super) tasks: BTreeMap<TaskId, Slot<S::Store>>,
    pub(super) parking: Parking<S::Store>,
    pub(super) inboxes: FxHashMap<Tp, Inbox>,
    pub(super) batch: Batch,
    pub(super) running: Option<Batch>,
    /// The buffer of the transaction before, to be filled again.
    pub(super) spare: Transaction,
    /// Wall time of this turn.
    pub(super) now: i64,
    pub(super) outgoing: VecDeque<Message>,
    pub(super) restored: (Sender<Restored<S::Store>>, Receiver<Restored<S::Store>>),
    /// With [`RestoreBy::Turn`]: restores that are still to be run.
    pub(super) restores: VecDeque<Box<dyn FnOnce() + Send>>,
    /// Restores begun before this are of an earlier assignment.
    pub(super) generation: u64,
    /// The partitions that the group has given this worker, be it none, and not taken back.
    pub(super) assignment: Option<Vec<Tp>>,
    /// Partitions that were stopped because others had not answered yet.
    pub(super) held_back: Vec<Tp>,
    /// Offsets in the last commit, so that only changed ones are sent.
    pub(super) committed: FxHashMap<Tp, i64>,
    pub(super) commit_began: Option<Instant>,
    /// Wall time of the last commit's begin.
    pub(super) committed_at: i64,
    pub(super) record_time: i64,
    pub(super) horizons: super::horizon::Horizons,
    pub(super) planning: Planning,
    pub(super) store_batch: StoreBatch,
    pub(super) stop: super::Stop,
    /// Wall time of the last report.
    reported: i64,
    queries: Option<Receiver<Query>>,
    pub(super) formats: super::formats::Readers,
    /// The record that comes next is in Avro, and whoever knows its schema has not answered.
    awaits_schema: bool,
}

impl<L: Log, S: Stores> Worker<L, S> {
    pub fn new(log: L, stores: S, plan: Arc<Plan>, options: Options, clock: Clock, metrics: Metrics, stop: super::Stop) -> Worker<L, S> {
        let formats = super::formats::Readers::new(&plan);
        // What comes on top when it is full: the last step's records, and the states at the seal.
        let room = options.batch_bytes + options.batch_bytes / 4;
        Worker {
            inputs: Inputs::new(),
            events: vec![],
            log,
            stores,
            plan,
            options,
            clock,
            metrics,
            tasks: BTreeMap::new(),
            parking: Parking::default(),
            inboxes: FxHashMap::default(),
            batch: Batch { transaction: Transaction::with_room(room), ..Batch::default() },
            running: None,
            spare: Transaction::with_room(room),
            now: 0,
            outgoing: VecDeque::new(),
            restored: channel(),
            restores: VecDeque::new(),
            generation: 0,
            assignment: None,
            held_back: vec![],
            committed: FxHashMap::default(),
            commit_began: None,
            committed_at: 0,
            record_time: 0,
            horizons: super::horizon::Horizons::default(),
            planning: Planning::default(),
            store_batch: StoreBatch::default(),
            stop,
            reported: 0,
            queries: None,
            formats,
            awaits_schema: false,
        }
    }

    /// Answers questions that come by this way, too.
    pub fn answer(&mut self, queries: Receiver<Query>) {
        self.queries = Some(queries);
    }

    /// Schemas of records in Avro are asked for there.
    pub fn ask(&mut self, schemas: super::formats::Schemas) {
        self.formats.ask(schemas);
    }

    /// Tasks go from hand to hand with other workers of this process, which have the same `parking`.
    pub fn share(&mut self, parking: Parking<S::Store>) {
        self.parking = parking;
    }

    /// Every task of this worker decides.
    pub fn is_ready(&self) -> bool {
        self.assignment.is_some() && self.tasks.values().all(|slot| matches!(slot, Slot::Ready(_)))
    }

    /// One turn of the loop. `wait`: how long it may sleep when there is nothing to do.
    pub fn turn(&mut self, wait: Duration) -> Result<(), Fault> {
        self.take_restored()?;
        let before = self.generation;
        self.poll(wait)?;
        if self.generation != before {
            // Tasks were brought up to date one after the other. Their states fit together only if nobody else has had
            // them meanwhile, and the next poll tells.
            return Ok(());
        }
        if let Some(commit) = self.log.committed() {
            self.commit_ended(commit)?;
        }
        self.decide_inputs()?;
        self.fire_timers()?;
        self.plan_shipments()?;
        self.answer_queries();
        self.commit_if_due()?;
        self.report()
    }

    fn poll(&mut self, wait: Duration) -> Result<(), Fault> {
        // With enough to do there is no need to read on; the members' heartbeats do not depend on it.
        if self.inputs.queued() >= MOST_QUEUED && !self.stands_still() {
            self.now = self.clock.now();
            if self.running.is_some() && !self.has_room() {
                // The next batch is full and waits for the running commit; its end is seen in time.
                self.clock.pause(Duration::from_micros(300));
            }
            return Ok(());
        }
        let wait = if self.inputs.queued() > 0 && self.has_room() && !self.awaits_schema { Duration::ZERO } else { self.sleep(wait) };
        let mut events = std::mem::take(&mut self.events);
        let polled = self.log.poll(wait, MOST_POLLED, &mut events);
        self.now = self.clock.now();
        for event in events.drain(..) {
            match event {
                Event::Record(message) => self.inputs.push(message),
                Event::End { tp, next } => self.inputs.end(tp, next),
                Event::Assigned(partitions) => self.assigned(partitions)?,
                Event::Revoked => self.revoked()?,
                Event::Lost => self.lost()?,
            }
        }
        self.events = events;
        polled?;
        self.hold_back()
    }

    /// While partitions catch up, those with much to read must not fill the queue before the others have answered.
    fn hold_back(&mut self) -> Result<(), Fault> {
        if self.stands_still() {
            let ahead: Vec<Tp> = self.inputs.ahead().filter(|tp| !self.held_back.contains(tp)).collect();
            self.log.pause(&ahead)?;
            self.held_back.extend(ahead);
        } else if !self.held_back.is_empty() {
            self.log.resume(&std::mem::take(&mut self.held_back))?;
        }
        Ok(())
    }

    /// How long to wait for the next record: not beyond what else is due.
    fn sleep(&self, most: Duration) -> Duration {
        let mut wait = most;
        if self.running.is_none() && !self.batch.is_empty() {
            wait = wait.min(self.until_pace());
        }
        if self.tasks.values().any(|slot| matches!(slot, Slot::Restoring | Slot::Waiting)) {
            wait = wait.min(Duration::from_millis(5));
        }
        if self.queries.is_some() || self.planning.is_waiting() || self.awaits_schema {
            wait = wait.min(Duration::from_millis(20));
        }
        wait
    }

    /// Time until the next commit may begin.
    pub(super) fn until_pace(&self) -> Duration {
        self.commit_began.map_or(Duration::ZERO, |began| self.options.commit_pace.saturating_sub(began.elapsed()))
    }

    /// Decides what has been read, oldest first, as long as the batch has room.
    fn decide_inputs(&mut self) -> Result<(), Fault> {
        while self.has_room() {
            self.awaits_schema = self.formats.reads_avro() && self.inputs.peek().is_some_and(|next| self.formats.awaits(&self.plan, next));
            if self.awaits_schema {
                break;
            }
            let Some(message) = self.inputs.next() else { break };
            self.decide_record(&message)?;
        }
        Ok(())
    }

    /// The next record cannot be decided just now, though it has been read; others may still be.
    fn stands_still(&self) -> bool {
        self.awaits_schema || self.inputs.is_waiting()
    }

    fn has_room(&self) -> bool {
        self.batch.transaction.records.size() < self.options.batch_bytes && self.batch.decided < self.options.batch_records
    }

    /// Wakes what is due: all that is there to be read by then has been read.
    fn fire_timers(&mut self) -> Result<(), Fault> {
        for processor in Processor::ALL {
            let horizon = match self.plan.clock {
                // In a replay, time is what the records say; while they are decided, `decide.rs` fires timers before.
                ClockMode::Record => Some(self.record_time),
                ClockMode::Wall => self.proven_horizon(processor)?,
            };
            if let Some(horizon) = horizon {
                self.fire_by(processor, horizon)?;
            }
        }
        Ok(())
    }

    /// Fires what is due by `horizon`, whichever task it is in.
    pub(super) fn fire_all(&mut self, horizon: i64) -> Result<(), Fault> {
        Processor::ALL.into_iter().try_for_each(|processor| self.fire_by(processor, horizon))
    }

    /// Fires what is due by `horizon` in every task of a processor that is here.
    pub(super) fn fire_by(&mut self, processor: Processor, horizon: i64) -> Result<(), Fault> {
        let due: Vec<TaskId> = self.with_timer_due(processor, horizon).collect();
        for id in due {
            while self.has_room() {
                let Some(Slot::Ready(task)) = self.tasks.get_mut(&id) else { break };
                let mut context = Context {
                    plan: &self.plan,
                    records: &mut self.batch.transaction.records,
                    outgoing: &mut self.outgoing,
                    tally: &mut self.batch.tally,
                };
                let fired = timers::fire(task, &mut context, horizon, FIRE_AT_ONCE)?;
                if fired > 0 {
                    self.batch.touched.insert(id);
                    self.batch.decided += fired;
                    self.batch.began.get_or_insert_with(Instant::now);
                }
                self.route()?;
                if fired < FIRE_AT_ONCE {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Begins the next commit when there is something in it and it is time.
    fn commit_if_due(&mut self) -> Result<(), Fault> {
        if self.running.is_some() {
            return Ok(());
        }
        let drained = self.inputs.queued() == 0 || self.awaits_schema;
        if self.batch.is_empty() && !self.views_due() && !(drained && self.has_idle_positions()) {
            return Ok(());
        }
        let old = self.batch.began.is_some_and(|began| began.elapsed() >= self.options.batch_time_at(self.now - self.record_time));
        if !self.has_room() || old || (drained && self.until_pace().is_zero()) {
            self.commit()?;
        }
        Ok(())
    }

    /// Nothing happens, and some partition was read beyond what is committed: over the marker of a transaction. Others
    /// look at the group's offsets to see that all is read.
    fn has_idle_positions(&self) -> bool {
        self.now - self.committed_at >= IDLE_PACE_MILLIS
            && self.inputs.positions().any(|(tp, position)| self.committed.get(&tp).is_some_and(|committed| *committed < position))
    }

    /// A state has changed whose view may be written.
    fn views_due(&self) -> bool {
        self.tasks.values().any(|slot| matches!(slot, Slot::Ready(task) if self.views_of_task_due(task, self.now)))
    }

    fn views_of_task_due(&self, task: &Task<S::Store>, now: i64) -> bool {
        !task.stale_views.is_empty() && now - task.views_at >= self.options.view_pace.as_millis() as i64
    }

    /// Writes the views that are due into the batch.
    pub(super) fn write_views(&mut self) -> Result<(), Fault> {
        let now = self.now;
        let due: Vec<TaskId> = self
            .tasks
            .iter()
            .filter_map(|(id, slot)| matches!(slot, Slot::Ready(task) if self.views_of_task_due(task, now)).then_some(*id))
            .collect();
        for id in due {
            if let Some(Slot::Ready(task)) = self.tasks.get_mut(&id) {
                let mut context = Context {
                    plan: &self.plan,
                    records: &mut self.batch.transaction.records,
                    outgoing: &mut self.outgoing,
                    tally: &mut self.batch.tally,
                };
                views::write(task, &mut context)?;
                task.views_at = now;
                self.batch.touched.insert(id);
            }
        }
        Ok(())
    }

    /// Not while a commit runs: others may have seen it already, and the store has not.
    fn answer_queries(&mut self) {
        let Some(queries) = self.queries.as_ref().filter(|_| self.running.is_none()) else { return };
        while let Ok(query) = queries.try_recv() {
            let id = self.plan.task_of(query.subject.processor(), query.key.as_bytes());
            let answer = match self.tasks.get(&id) {
                Some(Slot::Ready(task)) => Some(super::query::look_up(task, &self.plan, self.now, &query.subject, &query.key)),
                _ => None,
            };
            (query.answer)(answer);
        }
    }

    /// Gauges, and what else is done now and then.
    fn report(&mut self) -> Result<(), Fault> {
        if self.now - self.reported < REPORT_MILLIS {
            return Ok(());
        }
        self.reported = self.now;
        for (tp, position) in self.inputs.positions() {
            let end = self.log.known_end(tp).unwrap_or(position);
            self.metrics.lag(self.plan.topics.name(tp.topic), tp.partition, end - position);
        }
        for (id, slot) in &mut self.tasks {
            if let Slot::Ready(task) = slot {
                task.flush_if_due(self.now)?;
                self.metrics.task(*id, task.open_holds, task.store_size());
            }
        }
        self.close_left()
    }

    /// Commits what is decided, flushes the stores and leaves. Nothing stays open.
    pub fn close(mut self) -> Result<(), Fault> {
        self.settle()?;
        self.inputs.clear();
        for slot in self.tasks.values_mut() {
            if let Slot::Ready(task) = slot {
                task.flush()?;
            }
        }
        self.log.close();
        Ok(())
    }

    /// Waits for the running commit, commits the batch, waits for that.
    pub(super) fn settle(&mut self) -> Result<(), Fault> {
        self.wait_for_commit()?;
        if !self.batch.is_empty() {
            self.commit()?;
            self.wait_for_commit()?;
        }
        Ok(())
    }

    fn wait_for_commit(&mut self) -> Result<(), Fault> {
        while self.running.is_some() {
            match self.log.committed() {
                Some(commit) => self.commit_ended(commit)?,
                None => self.clock.pause(Duration::from_micros(200)),
            }
        }
        Ok(())
    }

    /// The commit's end, or a fault that [`super::commit`] turns into a recovery.
    fn commit_ended(&mut self, commit: Commit) -> Result<(), Fault> {
        match commit {
            Commit::Done { transaction, ends, took } => self.commit_done(transaction, &ends, took),
            Commit::Failed { error } => {
                self.metrics.commit_failed();
                self.running = None;
                Err(Fault::Log(fenced_or_late(error)))
            }
        }
    }
}

/// A producer is fenced by a successor with its id, and as well by the broker when its transaction took too long. A new
/// one under the same id tells: the successor's group member fences this worker's.
pub(super) fn fenced_or_late(error: LogError) -> LogError {
    match error {
        LogError::Fenced(why) => LogError::Retry(format!("{why} (its transaction took too long, or another process has this slot)")),
        other => other,
    }
}

/// Records taken from the log in one turn.
const MOST_POLLED: usize = 1_000;
/// Records kept unread by the rules before the worker stops polling.
const MOST_QUEUED: usize = 2_000;
/// Positions alone are committed at most so often.
const IDLE_PACE_MILLIS: i64 = 1_000;
/// Between two reports.
const REPORT_MILLIS: i64 = 1_000;
/// Timers fired between two looks at the batch's size.
const FIRE_AT_ONCE: usize = 500;
