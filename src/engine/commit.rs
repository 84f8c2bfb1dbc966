//! Commit, then apply: a batch becomes one transaction; when that is committed, and only then, it reaches the stores.
//! When it fails, everything undecided or uncommitted is forgotten and read again.

use std::time::{Duration, Instant};

use state::Stores;

use super::plan::ClockMode;
use super::task::CLOCK_MARK;
use super::work::Fault;
use super::worker::{Batch, Slot, Worker};
use crate::failpoint;
use crate::log::{Log, Tp, Transaction};

impl<L: Log, S: Stores> Worker<L, S> {
    /// Hands the batch to the log. Only when no commit runs.
    pub(super) fn commit(&mut self) -> Result<(), Fault> {
        self.write_views()?;
        let fresh = Batch { transaction: std::mem::take(&mut self.spare), ..Batch::default() };
        let mut batch = std::mem::replace(&mut self.batch, fresh);
        for id in &batch.touched {
            if let Some(Slot::Ready(task)) = self.tasks.get_mut(id) {
                if self.plan.clock == ClockMode::Record && self.record_time > task.record_time {
                    // A replay's time cannot be read off a clock after a restart.
                    let time = self.record_time;
                    task.record_time = time;
                    task.put(CLOCK_MARK, |out| out.extend_from_slice(&time.to_be_bytes()));
                }
                task.seal(self.plan.changelog(*id), &mut batch.transaction.records);
            }
        }
        for (tp, position) in self.inputs.positions() {
            if self.committed.get(&tp) != Some(&position) {
                batch.transaction.offsets.push((tp, position));
            }
        }
        // Every touched task has an offset in the transaction, changed or not: whoever takes the task over fetches that
        // offset, waits for this transaction to end, and so does not miss what it writes to the changelog.
        for id in &batch.touched {
            let inbox = self.plan.inbox(*id);
            // Without one the group could not refuse what a worker decides that the task does not belong to any more.
            let position = self.inputs.position(inbox).unwrap_or_else(|| panic!("task {} is not assigned, and it was touched", id.name()));
            if self.committed.get(&inbox) == Some(&position) {
                batch.transaction.offsets.push((inbox, position));
            }
        }
        for (tp, offset) in &batch.transaction.offsets {
            self.committed.insert(*tp, *offset);
        }
        let transaction = std::mem::take(&mut batch.transaction);
        self.running = Some(batch);
        self.commit_began = Some(Instant::now());
        self.committed_at = self.now;
        self.log.commit(transaction);
        Ok(())
    }

    /// The running transaction is committed: its writes reach the stores.
    pub(super) fn commit_done(&mut self, mut transaction: Transaction, ends: &[(Tp, i64)], took: Duration) -> Result<(), Fault> {
        let Some(batch) = self.running.take() else { return Ok(()) };
        let now = self.clock.now();
        let end_of = |tp: Tp| ends.iter().find(|(at, _)| *at == tp).map(|(_, end)| *end);
        for id in &batch.touched {
            if let Some(Slot::Ready(task)) = self.tasks.get_mut(id) {
                task.apply(end_of(self.plan.changelog(*id)), now, &mut self.store_batch)?;
            }
        }
        failpoint::reach("after-apply");
        if batch.tally.plans > 0 {
            self.planning.look(batch.touched.iter().copied());
        }
        for inbox in &batch.sent_to_own {
            if let Some(state) = self.inboxes.get_mut(inbox) {
                state.reach = state.reach.max(end_of(*inbox).unwrap_or(i64::MAX));
                state.sending = self.batch.sent_to_own.contains(inbox);
            }
        }
        self.metrics.committed(&self.plan, &batch.tally, &transaction.records, ends, took, now);
        transaction.clear();
        self.spare = transaction;
        Ok(())
    }

    /// After a failed commit or a lost connection: forget what is not committed, let the log settle what became of
    /// the last transaction, bring every task's store up to date and go on reading from the committed offsets.
    pub fn recover(&mut self) -> Result<(), Fault> {
        self.now = self.clock.now();
        self.forget();
        self.log.recover()?;
        self.take_over()
    }

    /// Drops all that is decided and not committed.
    pub(super) fn forget(&mut self) {
        self.batch = Batch::default();
        self.running = None;
        self.outgoing.clear();
        self.inputs.clear();
        self.committed.clear();
        for slot in self.tasks.values_mut() {
            if let Slot::Ready(task) = slot
                && let Err(error) = task.discard()
            {
                tracing::error!("{error}");
            }
        }
    }
}
