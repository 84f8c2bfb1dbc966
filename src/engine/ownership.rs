//! Partitions come and go: what a worker does when the group gives it tasks, takes them back, or has already given
//! them to somebody else. Ownership changes only between transactions.

use state::Stores;

use super::options::RestoreBy;
use super::parking::Found;
use super::plan::{Plan, Role, TaskId};
use super::restore;
use super::task::Task;
use super::work::Fault;
use super::worker::{Inbox, Slot, Worker};
use crate::log::{Log, LogError, Tp};

/// A rebalance is over long before: what was not taken again by then is another process's.
const KEEP_PARKED_MILLIS: i64 = 60_000;

/// The tasks that come with these partitions: whoever has an inbox partition owns the task.
fn tasks_of(plan: &Plan, partitions: &[Tp]) -> Vec<TaskId> {
    partitions
        .iter()
        .filter_map(|tp| match plan.role(tp.topic) {
            Role::Inbox(processor) => Some(TaskId { processor, partition: tp.partition }),
            _ => None,
        })
        .collect()
}

/// Opens the stores that are closed, all at the same time: to open one is mostly to wait for its disk.
fn open_together<S: Stores>(stores: &S, found: Vec<(TaskId, Found<S::Store>)>) -> Result<Vec<(TaskId, Found<S::Store>)>, Fault> {
    let open = |id: TaskId, hold| -> Result<_, Fault> { Ok(Task::open(id, stores.open(&id.name())?, hold)?) };
    std::thread::scope(|scope| {
        let (mut ready, mut opening) = (vec![], vec![]);
        for (id, found) in found {
            match found {
                Found::Closed(hold) => opening.push((id, scope.spawn(move || open(id, hold)))),
                other => ready.push((id, other)),
            }
        }
        for (id, thread) in opening {
            let task = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            ready.push((id, Found::Parked(task)));
        }
        Ok(ready)
    })
}

impl<L: Log, S: Stores> Worker<L, S> {
    /// The group's whole answer: these partitions and no others.
    pub(super) fn assigned(&mut self, partitions: Vec<Tp>) -> Result<(), Fault> {
        let ids = tasks_of(&self.plan, &partitions);
        tracing::info!(tasks = %ids.iter().map(|id| id.name()).collect::<Vec<_>>().join(" "), partitions = partitions.len(), "assigned");
        // Kept whatever happens now: the group waits for an answer, and a failure on the way is mended by trying again.
        self.assignment = Some(partitions);
        self.take_over()
    }

    /// Begins anew with the present assignment: reads from the committed offsets, and brings every task up to date.
    pub(super) fn take_over(&mut self) -> Result<(), Fault> {
        self.park();
        let partitions = self.assignment.clone().unwrap_or_default();
        // First the stable offsets: every transaction that touched these tasks has ended then. Only after that the
        // ends of their changelogs, which count it in.
        let paused: Vec<Tp> = partitions.iter().filter(|tp| self.plan.reader_of(**tp).is_some()).copied().collect();
        let starts = if self.assignment.is_some() { self.log.assign(&partitions, &paused)? } else { vec![] };
        self.start_reading(&starts)?;
        for id in tasks_of(&self.plan, &partitions) {
            self.tasks.insert(id, Slot::Waiting);
        }
        self.adopt_waiting()
    }

    /// Takes over tasks whose stores were still open elsewhere in the process.
    pub(super) fn adopt_waiting(&mut self) -> Result<(), Fault> {
        let waiting: Vec<TaskId> = self.tasks.iter().filter(|(_, slot)| matches!(slot, Slot::Waiting)).map(|(id, _)| *id).collect();
        let mut found: Vec<_> = waiting.into_iter().map(|id| (id, self.parking.take(id))).collect();
        if self.options.restore == RestoreBy::Thread {
            found = open_together(&self.stores, found)?;
        }
        found.into_iter().try_for_each(|(id, found)| self.adopt(id, found))
    }

    /// Begins to read at these offsets, with nothing decided.
    pub(super) fn start_reading(&mut self, starts: &[(Tp, i64)]) -> Result<(), Fault> {
        let plan = &self.plan;
        self.inputs.assign(starts, |tp| plan.reader_of(tp).is_none());
        self.held_back.clear();
        self.committed = starts.iter().copied().collect();
        let inboxes: Vec<Tp> = starts.iter().map(|(tp, _)| *tp).filter(|tp| matches!(self.plan.role(tp.topic), Role::Inbox(_))).collect();
        // What this worker's tasks sent before, under whichever owner, is below the present ends.
        let ends = self.log.ends(&inboxes)?;
        self.inboxes = inboxes.iter().copied().zip(ends.into_iter().map(|reach| Inbox { reach, sending: false })).collect();
        self.horizons = super::horizon::Horizons::default();
        Ok(())
    }

    /// Brings a task up to date and lets it decide.
    fn adopt(&mut self, id: TaskId, found: Found<S::Store>) -> Result<(), Fault> {
        let Some(restoring) = restore::begin(&self.log, &self.stores, &self.plan, id, found)? else { return Ok(()) };
        let (metrics, stop) = (self.metrics.clone(), self.stop.clone());
        let by = self.options.restore;
        if by == RestoreBy::Worker || (by == RestoreBy::Thread && restoring.is_short()) {
            let task = restoring.run(&metrics, &|| stop.is_set())?;
            return self.ready(id, task);
        }
        let (done, generation) = (self.restored.0.clone(), self.generation);
        let restore = move || {
            let result = restoring.run(&metrics, &|| stop.is_set());
            // The worker may be gone: then nobody needs it.
            let _ = done.send((generation, id, result));
        };
        if by == RestoreBy::Turn {
            self.restores.push_back(Box::new(restore));
        } else {
            std::thread::Builder::new()
                .name(format!("restore-{}", id.name()))
                .spawn(restore)
                .map_err(|e| Fault::Log(LogError::Fatal(format!("cannot start a thread: {e}"))))?;
        }
        self.tasks.insert(id, Slot::Restoring);
        self.metrics.tasks(id.processor.name(), "restoring", 1);
        Ok(())
    }

    /// Takes tasks whose restore has ended on another thread.
    pub(super) fn take_restored(&mut self) -> Result<(), Fault> {
        if let Some(restore) = self.restores.pop_front() {
            restore();
        }
        while let Ok((generation, id, result)) = self.restored.1.try_recv() {
            self.metrics.tasks(id.processor.name(), "restoring", -1);
            match result {
                Ok(task) if generation == self.generation => self.ready(id, task)?,
                // The assignment is another one. Whoever has the task now goes on from where this got to.
                Ok(task) => self.parking.park(task, self.now),
                Err(Fault::Log(LogError::Retry(_))) if generation != self.generation => {}
                Err(fault) => return Err(fault),
            }
        }
        self.adopt_waiting()
    }

    /// Closes stores of tasks that no worker of this process got again.
    pub(super) fn close_left(&mut self) -> Result<(), Fault> {
        for mut task in self.parking.take_left(self.now - KEEP_PARKED_MILLIS) {
            task.flush()?;
            self.metrics.forget_task(task.id);
        }
        Ok(())
    }

    fn ready(&mut self, id: TaskId, task: super::task::Task<S::Store>) -> Result<(), Fault> {
        self.metrics.tasks(id.processor.name(), "running", 1);
        self.record_time = self.record_time.max(task.record_time);
        self.planning.look([id]);
        self.tasks.insert(id, Slot::Ready(task));
        let sources = self.plan.sources_of(id);
        self.inputs.open(&sources);
        self.log.resume(&sources)?;
        Ok(())
    }

    /// The group wants everything back: commit first, then give it.
    pub(super) fn revoked(&mut self) -> Result<(), Fault> {
        tracing::info!("revoked");
        self.assignment = None;
        if let Err(fault) = self.settle() {
            // What could not be committed is read again by the next owner.
            tracing::warn!("could not commit before giving the partitions back: {fault}");
            self.forget();
            self.park();
            self.log.unassign()?;
            return Err(fault);
        }
        self.park();
        self.log.unassign()?;
        Ok(())
    }

    /// Somebody else has everything already: nothing of the batch may be committed.
    pub(super) fn lost(&mut self) -> Result<(), Fault> {
        tracing::warn!("the group gave this worker's partitions to others; what it had not committed is decided there");
        self.assignment = None;
        // A commit that runs may still succeed, if it was in time; its end decides.
        self.batch = super::worker::Batch::default();
        while self.running.is_some() {
            match self.log.committed() {
                Some(crate::log::Commit::Done { transaction, ends, took }) => self.commit_done(transaction, &ends, took)?,
                Some(crate::log::Commit::Failed { error }) => {
                    self.running = None;
                    let error = super::worker::fenced_or_late(error);
                    tracing::warn!("the last commit failed with it: {error}");
                    self.forget();
                    self.park();
                    self.log.unassign()?;
                    return Err(Fault::Log(error));
                }
                None => self.clock.pause(std::time::Duration::from_micros(200)),
            }
        }
        self.forget();
        self.park();
        self.log.unassign()?;
        Ok(())
    }

    /// Gives up this hold on the log, whose place in the group another one has: nothing of the batch may be committed.
    pub fn leave(&mut self) {
        self.assignment = None;
        self.forget();
        self.park();
        self.log.close();
    }

    /// Begins anew by another hold on the log, as a member that owns nothing yet.
    pub fn rejoin(&mut self, log: L) {
        self.log = log;
    }

    /// Sets ready tasks aside with their stores open. A restore that ends from now on is of an assignment that is over:
    /// until there is another one, nothing belongs to this worker.
    fn park(&mut self) {
        self.generation += 1;
        for (tp, _) in self.committed.drain() {
            self.metrics.forget_lag(self.plan.topics.name(tp.topic), tp.partition);
        }
        self.inputs.clear();
        self.inboxes.clear();
        self.planning.forget();
        for (id, slot) in std::mem::take(&mut self.tasks) {
            match slot {
                Slot::Ready(task) => {
                    self.metrics.tasks(id.processor.name(), "running", -1);
                    self.parking.park(task, self.now);
                }
                // Its thread reports to a generation that is over.
                Slot::Restoring | Slot::Waiting => {}
            }
        }
    }
}
