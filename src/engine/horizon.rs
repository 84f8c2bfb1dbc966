//! Up to when everything that was written has been decided. A hold expires only when that time has passed it, so that no
//! backlog expires a hold whose payment is waiting in it: not on this worker, not on one that forwards, not while the
//! broker was away or this process stood still.
//!
//! Silence proves nothing, so it is asked for, and only when a hold may have run out: where do the sources of orders
//! end just now? Once the group has committed all of that, and what was forwarded of it has been read from the inboxes
//! here, everything written before the question is decided.

use state::Stores;

use super::plan::{Processor, Role};
use super::work::Fault;
use super::worker::{Slot, Worker};
use crate::log::{Log, LogError, Tp};

#[derive(Debug, Default)]
pub struct Horizon {
    /// Everything written before this wall time is decided.
    proven: Option<i64>,
    look: Option<Look>,
    last_step: i64,
}

/// A proof under way.
#[derive(Debug)]
struct Look {
    /// When it began …
    at: i64,
    /// … and where the sources of orders ended then.
    sources: Vec<(Tp, i64)>,
    /// Where this worker's inboxes ended when all of that was committed.
    inboxes: Option<Vec<(Tp, i64)>>,
}

/// Between two questions to the broker.
const PACE_MILLIS: i64 = 200;
/// The broker is out of reach: asking it keeps the worker from its other work.
const AFTER_FAILURE_MILLIS: i64 = 2_000;

impl<L: Log, S: Stores> Worker<L, S> {
    /// `None`: no hold can have run out, or nothing new is proven.
    pub(super) fn proven_horizon(&mut self) -> Result<Option<i64>, Fault> {
        if !self.has_timer_due(self.now) {
            return Ok(None);
        }
        if self.horizon.proven.is_none_or(|proven| !self.has_timer_due(proven)) {
            match self.prove() {
                // Whatever is wrong there, the worker's own reading and committing meets it, too.
                Err(LogError::Retry(why)) => {
                    tracing::debug!("cannot tell whether holds have run out: {why}");
                    self.horizon.look = None;
                    self.horizon.last_step = self.clock.now() + AFTER_FAILURE_MILLIS;
                }
                done => done?,
            }
        }
        Ok(self.horizon.proven)
    }

    fn has_timer_due(&self, horizon: i64) -> bool {
        let due =
            |slot: &Slot<S::Store>| matches!(slot, Slot::Ready(task) if task.id.processor == Processor::Orders && !task.is_quiet(horizon));
        self.tasks.values().any(due)
    }

    /// One step of the proof.
    fn prove(&mut self) -> Result<(), LogError> {
        if let Some(Look { at, inboxes: Some(reach), .. }) = &self.horizon.look {
            if reach.iter().all(|(tp, end)| self.inputs.position(*tp).is_some_and(|position| position >= *end)) {
                self.horizon.proven = Some(*at);
                self.horizon.look = None;
            }
            return Ok(());
        }
        if self.now - self.horizon.last_step < PACE_MILLIS {
            return Ok(());
        }
        self.horizon.last_step = self.now;
        if self.horizon.look.is_none() {
            let sources = self.sources_of_orders();
            let ends = self.log.ends(&sources)?;
            let sources = sources.into_iter().zip(ends).filter(|(_, end)| *end > 0).collect();
            self.horizon.look = Some(Look { at: self.now, sources, inboxes: None });
        }
        let Some(look) = &mut self.horizon.look else { return Ok(()) };
        let asked: Vec<Tp> = look.sources.iter().map(|(tp, _)| *tp).collect();
        let committed = self.log.group_offsets(&asked)?;
        look.sources = look.sources.iter().zip(committed).filter(|((_, end), at)| at.is_none_or(|at| at < *end)).map(|(s, _)| *s).collect();
        if look.sources.is_empty() {
            let inboxes: Vec<Tp> = self.inboxes.keys().copied().collect();
            let ends = self.log.ends(&inboxes)?;
            look.inboxes = Some(inboxes.into_iter().zip(ends).collect());
        }
        Ok(())
    }

    /// Every partition that may hold something about an order, whoever reads it.
    fn sources_of_orders(&self) -> Vec<Tp> {
        let topics = &self.plan.topics;
        let of_orders = |role: Role| matches!(role, Role::Source(source) if Processor::of(source) == Processor::Orders);
        topics.ids().filter(|id| of_orders(self.plan.role(*id))).flat_map(|id| topics.all(id)).collect()
    }
}
